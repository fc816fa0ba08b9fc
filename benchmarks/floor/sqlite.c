/* SPDX-License-Identifier: MIT */
/* SQLite, called inline. Decimals, dates and JSON are text there, which is parsed. */
#include "client.h"
#include "json.h"

#include <sqlite3.h>
#include <stdlib.h>

struct floor_client {
    sqlite3 *db;
};

static bool failed(const floor_client *client, floor_error *error)
{
    return floor_fail(error, "SQLite: %s", sqlite3_errmsg(client->db));
}

bool floor_client_command(floor_client *client, const char *sql, floor_error *error)
{
    return sqlite3_exec(client->db, sql, NULL, NULL, NULL) == SQLITE_OK || failed(client, error);
}

floor_client *floor_client_open(const floor_address *address, floor_error *error)
{
    floor_client *client = calloc(1, sizeof *client);

    if (!client) {
        floor_fail(error, "no memory for a client");
        return NULL;
    }
    if (sqlite3_open_v2(address->path, &client->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        floor_fail(error, "SQLite: %s", client->db ? sqlite3_errmsg(client->db) : "no memory");
    } else {
        return client;
    }
    floor_client_close(client);
    return NULL;
}

void floor_client_close(floor_client *client)
{
    sqlite3_close(client->db);
    free(client);
}

bool floor_client_prepare(floor_client *client, floor_statement *statement, floor_error *error)
{
    sqlite3_stmt *made = NULL;

    if (sqlite3_prepare_v3(client->db, statement->sql, -1, SQLITE_PREPARE_PERSISTENT, &made, NULL) != SQLITE_OK)
        return failed(client, error);
    statement->handle = made;
    if ((size_t)sqlite3_bind_parameter_count(made) != statement->n_values ||
        (statement->columns.n && (size_t)sqlite3_column_count(made) != statement->columns.n))
        return floor_fail(error, "%s: other columns or values than told", statement->name);
    return true;
}

void floor_client_forget(floor_client *client, floor_statement *statement)
{
    (void)client;
    sqlite3_finalize(statement->handle);
    statement->handle = NULL;
}

static bool bind(floor_client *client, const floor_statement *statement, const floor_value *values, floor_error *error)
{
    for (size_t i = 0; i < statement->n_values; i++) {
        const floor_value *value = &values[i];
        int at = (int)i + 1, status;

        switch (value->kind) {
        case FLOOR_INT: status = sqlite3_bind_int64(statement->handle, at, value->number); break;
        case FLOOR_FLOAT: status = sqlite3_bind_double(statement->handle, at, value->real); break;
        case FLOOR_BOOL: status = sqlite3_bind_int(statement->handle, at, value->truth); break;
        case FLOOR_TEXT:
            status = sqlite3_bind_text64(statement->handle, at, value->text, value->n, SQLITE_STATIC, SQLITE_UTF8);
            break;
        default: return floor_fail(error, "%s: SQLite knows no such value", statement->name);
        }
        if (status != SQLITE_OK)
            return failed(client, error);
    }
    return true;
}

static bool decode(sqlite3_stmt *from, int column, floor_kind kind, floor_cell *cell, floor_rows *rows)
{
    const char *text;
    size_t n;

    if (sqlite3_column_type(from, column) == SQLITE_NULL)
        return true;
    cell->kind = kind;
    switch (kind) {
    case FLOOR_INT: cell->number = sqlite3_column_int64(from, column); return true;
    case FLOOR_FLOAT: cell->real = sqlite3_column_double(from, column); return true;
    case FLOOR_BOOL: cell->truth = sqlite3_column_int(from, column) != 0; return true;
    default: break;
    }
    text = (const char *)sqlite3_column_text(from, column);
    n = (size_t)sqlite3_column_bytes(from, column);
    if (!text)
        return false;
    switch (kind) {
    case FLOOR_DECIMAL: return floor_decimal_of(cell, text, n);
    case FLOOR_MOMENT: return floor_moment_of(cell, text, n);
    case FLOOR_DAY: return floor_day_of(cell, text, n);
    case FLOOR_JSON: return floor_json_of(rows, cell, text, n);
    default: return floor_rows_text(rows, cell, text, n);
    }
}

static bool take(const floor_statement *statement, floor_rows *rows, floor_error *error)
{
    floor_row *row = floor_rows_add(rows, &statement->columns);

    if (!row)
        return floor_fail(error, "no memory for a row");
    for (size_t i = 0; i < statement->columns.n; i++) {
        if (!decode(statement->handle, (int)i, statement->columns.kinds[i], floor_cell_of(row, &statement->columns, i),
                    rows))
            return floor_fail(error, "%s: cannot decode column %zu", statement->name, i);
    }
    return true;
}

/* Every row of a bound statement; when there are most, all are freed first. n counts them. */
static bool each(floor_client *client, const floor_statement *statement, size_t most, floor_rows *rows, int64_t *n,
                 floor_error *error)
{
    bool done = true;
    int status = SQLITE_DONE;

    while (done && (status = sqlite3_step(statement->handle)) == SQLITE_ROW) {
        if (rows->n == most)
            floor_rows_free(rows);
        done = take(statement, rows, error);
        ++*n;
    }
    if (done && status != SQLITE_DONE)
        done = failed(client, error);
    sqlite3_reset(statement->handle); /* repeats what step said */
    return done;
}

bool floor_client_read(floor_client *client, const floor_statement *statement, const floor_value *values,
                       floor_rows *rows, floor_error *error)
{
    int64_t n = 0;

    return bind(client, statement, values, error) && each(client, statement, SIZE_MAX, rows, &n, error);
}

bool floor_client_gather(floor_client *client, const floor_statement *statement, size_t times, floor_rows *rows,
                         floor_error *error)
{
    bool done = true;

    for (size_t i = 0; done && i < times; i++)
        done = floor_client_read(client, statement, statement->values, rows, error);
    return done;
}

bool floor_client_stream(floor_client *client, const floor_statement *statement, int64_t *n, floor_error *error)
{
    floor_rows rows = {0};
    bool done;

    *n = 0;
    done = bind(client, statement, statement->values, error) && each(client, statement, FLOOR_CHUNK, &rows, n, error);
    floor_rows_free(&rows);
    return done;
}

bool floor_client_run(floor_client *client, const floor_statement *statement, const floor_value *values,
                      int64_t *touched, int64_t *key, floor_error *error)
{
    int status;

    if (!bind(client, statement, values, error))
        return false;
    status = sqlite3_step(statement->handle);
    *touched = sqlite3_changes64(client->db);
    *key = sqlite3_last_insert_rowid(client->db);
    sqlite3_reset(statement->handle); /* repeats what step said */
    return status == SQLITE_DONE || failed(client, error);
}

bool floor_client_begin(floor_client *client, floor_error *error)
{
    return floor_client_command(client, "BEGIN IMMEDIATE", error);
}

bool floor_client_commit(floor_client *client, floor_error *error)
{
    return floor_client_command(client, "COMMIT", error);
}

void floor_client_rollback(floor_client *client)
{
    floor_error ignored; /* what led here is what is told */

    floor_client_command(client, "ROLLBACK", &ignored);
}
