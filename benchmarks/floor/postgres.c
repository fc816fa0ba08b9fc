/* SPDX-License-Identifier: MIT */
/* PostgreSQL through libpq: prepared statements, parameters and results in binary. Concurrent reads
 * travel in one pipeline; a stream comes in single rows, or in chunks where libpq has them. */
#include "client.h"
#include "json.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INT8 = 20, FLOAT8 = 701, BOOL = 16, TEXT = 25, INT8_ARRAY = 1016, ARRAY_HEAD = 20, ARRAY_ITEM = 12 };

struct floor_client {
    PGconn *db;
};

/* A statement's name on the server, and its parameters as they are sent. */
typedef struct prepared {
    const char *name; /* the statement's own */
    const char **values;
    int *lengths, *formats;
    unsigned char (*words)[8];
    unsigned char *array;
    size_t array_size;
} prepared;

static bool failed(const floor_client *client, floor_error *error)
{
    return floor_fail(error, "libpq: %s", PQerrorMessage(client->db));
}

static uint64_t big(const unsigned char *from, size_t n)
{
    uint64_t found = 0;

    for (size_t i = 0; i < n; i++)
        found = found << 8 | from[i];
    return found;
}

static void put(unsigned char *to, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (unsigned char)(value >> (8 * (n - 1 - i)));
}

floor_client *floor_client_open(const floor_address *address, floor_error *error)
{
    static const char *const names[] = {"host", "port", "user", "password", "dbname", "options", NULL};
    const char *values[] = {
        address->host, address->port, address->user, address->password, address->database, "-c synchronous_commit=off",
        NULL};
    floor_client *client = calloc(1, sizeof *client);

    if (!client) {
        floor_fail(error, "no memory for a client");
        return NULL;
    }
    client->db = PQconnectdbParams(names, values, 0);
    if (PQstatus(client->db) == CONNECTION_OK)
        return client;
    failed(client, error);
    floor_client_close(client);
    return NULL;
}

void floor_client_close(floor_client *client)
{
    PQfinish(client->db);
    free(client);
}

static Oid type_of(floor_kind kind)
{
    switch (kind) {
    case FLOOR_INT: return INT8;
    case FLOOR_FLOAT: return FLOAT8;
    case FLOOR_BOOL: return BOOL;
    case FLOOR_INTS: return INT8_ARRAY;
    default: return TEXT;
    }
}

/* Whether the result is that of a statement that went well; reads its error otherwise. */
static bool good(const PGresult *result, floor_error *error)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ||
           floor_fail(error, "libpq: %s %s", PQresStatus(status), PQresultErrorMessage(result));
}

static bool prepare(floor_client *client, const floor_statement *statement, const prepared *made, floor_error *error)
{
    Oid *types = calloc(statement->n_values + 1, sizeof *types);
    PGresult *result;
    bool done;

    if (!types)
        return floor_fail(error, "no memory for types");
    for (size_t i = 0; i < statement->n_values; i++)
        types[i] = type_of(statement->values[i].kind);
    result = PQprepare(client->db, made->name, statement->sql, (int)statement->n_values, types);
    done = result ? good(result, error) : failed(client, error);
    PQclear(result);
    free(types);
    return done;
}

bool floor_client_prepare(floor_client *client, floor_statement *statement, floor_error *error)
{
    size_t n = statement->n_values + 1;
    prepared *made = calloc(1, sizeof *made);

    statement->handle = made;
    if (!made)
        return floor_fail(error, "no memory for a statement");
    made->values = calloc(n, sizeof *made->values);
    made->lengths = calloc(n, sizeof *made->lengths);
    made->formats = calloc(n, sizeof *made->formats);
    made->words = calloc(n, sizeof *made->words);
    if (!made->values || !made->lengths || !made->formats || !made->words)
        return floor_fail(error, "no memory for values");
    for (size_t i = 0; i < statement->n_values; i++)
        made->formats[i] = 1;
    made->name = statement->name;
    return prepare(client, statement, made, error);
}

void floor_client_forget(floor_client *client, floor_statement *statement)
{
    prepared *made = statement->handle;

    (void)client; /* the server's part goes with the connection */
    if (!made)
        return;
    free((void *)made->values);
    free(made->lengths);
    free(made->formats);
    free(made->words);
    free(made->array);
    free(made);
    statement->handle = NULL;
}

/* One dimension from 1, no NULL, of int8. */
static bool put_array(prepared *made, size_t at, const floor_value *value)
{
    size_t size = ARRAY_HEAD + ARRAY_ITEM * value->n;

    if (size > made->array_size) {
        unsigned char *more = realloc(made->array, size);

        if (!more)
            return false;
        made->array = more;
        made->array_size = size;
    }
    put(made->array, 1, 4);
    put(made->array + 4, 0, 4);
    put(made->array + 8, INT8, 4);
    put(made->array + 12, value->n, 4);
    put(made->array + 16, 1, 4);
    for (size_t i = 0; i < value->n; i++) {
        put(made->array + ARRAY_HEAD + ARRAY_ITEM * i, 8, 4);
        put(made->array + ARRAY_HEAD + ARRAY_ITEM * i + 4, (uint64_t)value->numbers[i], 8);
    }
    made->values[at] = (const char *)made->array;
    made->lengths[at] = (int)size;
    return true;
}

static bool bind(const floor_statement *statement, const floor_value *values, floor_error *error)
{
    prepared *made = statement->handle;

    for (size_t i = 0; i < statement->n_values; i++) {
        const floor_value *value = &values[i];
        uint64_t bits = 0;

        made->values[i] = (const char *)made->words[i];
        made->lengths[i] = 8;
        switch (value->kind) {
        case FLOOR_INT: put(made->words[i], (uint64_t)value->number, 8); break;
        case FLOOR_FLOAT:
            memcpy(&bits, &value->real, sizeof bits);
            put(made->words[i], bits, 8);
            break;
        case FLOOR_BOOL:
            made->words[i][0] = value->truth;
            made->lengths[i] = 1;
            break;
        case FLOOR_TEXT:
            made->values[i] = value->text;
            made->lengths[i] = (int)value->n;
            break;
        case FLOOR_INTS:
            if (!put_array(made, i, value))
                return floor_fail(error, "no memory for an array");
            break;
        default: return floor_fail(error, "%s: no such parameter", statement->name);
        }
    }
    return true;
}

/* Digits of four decimal places each, the first worth 10000 to the power of weight. */
static bool numeric_of(floor_cell *cell, const unsigned char *from, size_t n)
{
    int64_t units = 0;
    size_t digits = n >= 8 ? (size_t)big(from, 2) : 0;
    int scale = n >= 8 ? (int)big(from + 6, 2) : 0;
    int power = n >= 8 ? 4 * ((int16_t)big(from + 2, 2) - (int)digits + 1) + scale : 0;
    uint64_t sign = n >= 8 ? big(from + 4, 2) : 1;

    if (n != 8 + 2 * digits || scale > 18 || (sign != 0 && sign != 0x4000))
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (__builtin_mul_overflow(units, 10000, &units) ||
            __builtin_add_overflow(units, (int64_t)big(from + 8 + 2 * i, 2), &units))
            return false;
    }
    for (; power > 0 && units; power--) {
        if (__builtin_mul_overflow(units, 10, &units))
            return false;
    }
    for (; power < 0; power++)
        units /= 10; /* places that the scale leaves out are zero */
    cell->number = sign ? -units : units;
    cell->n = (uint32_t)scale;
    return true;
}

static bool decode(floor_cell *cell, floor_kind kind, const unsigned char *from, size_t n, floor_rows *rows)
{
    static const int64_t days_to_2000 = 10957, micros_to_2000 = INT64_C(946684800000000);
    uint64_t bits;

    cell->kind = kind;
    switch (kind) {
    case FLOOR_INT:
        cell->number = n == 8 ? (int64_t)big(from, 8) : n == 4 ? (int32_t)big(from, 4) : (int16_t)big(from, 2);
        return n == 8 || n == 4 || n == 2;
    case FLOOR_FLOAT:
        if (n != 8)
            return false;
        bits = big(from, 8);
        memcpy(&cell->real, &bits, sizeof bits);
        return true;
    case FLOOR_BOOL: cell->truth = n == 1 && from[0]; return n == 1;
    case FLOOR_DECIMAL: return numeric_of(cell, from, n);
    case FLOOR_MOMENT: cell->number = n == 8 ? (int64_t)big(from, 8) + micros_to_2000 : 0; return n == 8;
    case FLOOR_DAY: cell->number = n == 4 ? (int32_t)big(from, 4) + days_to_2000 : 0; return n == 4;
    case FLOOR_JSON: /* a version, then the text */
        return n > 0 && from[0] == 1 && floor_json_of(rows, cell, (const char *)from + 1, n - 1);
    default: return floor_rows_text(rows, cell, (const char *)from, n);
    }
}

/* Every row of a result. */
static bool take(const floor_statement *statement, const PGresult *result, floor_rows *rows, floor_error *error)
{
    const floor_columns *columns = &statement->columns;
    int n = PQntuples(result);

    if (n && (size_t)PQnfields(result) != columns->n)
        return floor_fail(error, "%s: other columns than told", statement->name);
    for (int i = 0; i < n; i++) {
        floor_row *row = floor_rows_add(rows, columns);

        if (!row)
            return floor_fail(error, "no memory for a row");
        for (int j = 0; j < (int)columns->n; j++) {
            if (!PQgetisnull(result, i, j) &&
                !decode(floor_cell_of(row, columns, (size_t)j), columns->kinds[j],
                        (const unsigned char *)PQgetvalue(result, i, j), (size_t)PQgetlength(result, i, j), rows))
                return floor_fail(error, "%s: cannot decode column %d", statement->name, j);
        }
    }
    return true;
}

/* The result of a statement; NULL on failure. Owner: the caller, who clears it. */
static PGresult *execute(floor_client *client, const floor_statement *statement, const floor_value *values,
                         floor_error *error)
{
    prepared *made = statement->handle;
    PGresult *result;

    if (!bind(statement, values, error))
        return NULL;
    result =
        PQexecPrepared(client->db, made->name, (int)statement->n_values, made->values, made->lengths, made->formats, 1);
    if (!result) {
        failed(client, error);
    } else if (!good(result, error)) {
        PQclear(result);
        result = NULL;
    }
    return result;
}

bool floor_client_read(floor_client *client, const floor_statement *statement, const floor_value *values,
                       floor_rows *rows, floor_error *error)
{
    PGresult *result = execute(client, statement, values, error);
    bool done = result && take(statement, result, rows, error);

    PQclear(result);
    return done;
}

/* Sends without waiting; the parameters are copied. */
static bool send(floor_client *client, const floor_statement *statement, floor_error *error)
{
    prepared *made = statement->handle;

    return bind(statement, statement->values, error) &&
           (PQsendQueryPrepared(client->db, made->name, (int)statement->n_values, made->values, made->lengths,
                                made->formats, 1) ||
            failed(client, error));
}

static bool is_part(ExecStatusType status)
{
#ifdef LIBPQ_HAS_CHUNK_MODE
    if (status == PGRES_TUPLES_CHUNK)
        return true;
#endif
    return status == PGRES_SINGLE_TUPLE;
}

/* Results up to the pipeline's end; after a failure the others are passed over. The first one may come in
 * parts: libpq forgets only then that the statement before was read a few rows at a time. */
static bool collect(floor_client *client, const floor_statement *statement, floor_rows *rows, floor_error *error)
{
    bool done = true, ended = false;

    while (!ended) {
        PGresult *result = PQgetResult(client->db);

        if (!result) { /* between two statements */
            if (PQstatus(client->db) != CONNECTION_OK)
                return failed(client, error);
            continue;
        }
        ended = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        if (done && !ended)
            done = (is_part(PQresultStatus(result)) || good(result, error)) && take(statement, result, rows, error);
        PQclear(result);
    }
    return done;
}

bool floor_client_gather(floor_client *client, const floor_statement *statement, size_t times, floor_rows *rows,
                         floor_error *error)
{
    bool done = true;

    if (!PQenterPipelineMode(client->db))
        return failed(client, error);
    for (size_t i = 0; done && i < times; i++)
        done = send(client, statement, error);
    if (!PQpipelineSync(client->db))
        return failed(client, error);
    done = collect(client, statement, rows, error) && done;
    if (!PQexitPipelineMode(client->db))
        return failed(client, error);
    return done;
}

static bool few_at_a_time(PGconn *db)
{
#ifdef LIBPQ_HAS_CHUNK_MODE
    return PQsetChunkedRowsMode(db, FLOOR_CHUNK);
#else
    return PQsetSingleRowMode(db);
#endif
}

bool floor_client_stream(floor_client *client, const floor_statement *statement, int64_t *n, floor_error *error)
{
    floor_rows rows = {0};
    PGresult *result;
    bool done;

    *n = 0;
    if (!send(client, statement, error))
        return false;
    done = few_at_a_time(client->db) || failed(client, error);
    while ((result = PQgetResult(client->db))) {
        if (rows.n >= FLOOR_CHUNK)
            floor_rows_free(&rows);
        if (done)
            done = (is_part(PQresultStatus(result)) || good(result, error)) && take(statement, result, &rows, error);
        *n += PQntuples(result);
        PQclear(result);
    }
    floor_rows_free(&rows);
    return done;
}

bool floor_client_run(floor_client *client, const floor_statement *statement, const floor_value *values,
                      int64_t *touched, int64_t *key, floor_error *error)
{
    PGresult *result = execute(client, statement, values, error);

    if (!result)
        return false;
    *touched = strtoll(PQcmdTuples(result), NULL, 10);
    *key = PQntuples(result) == 1 && PQgetlength(result, 0, 0) == 8
               ? (int64_t)big((const unsigned char *)PQgetvalue(result, 0, 0), 8)
               : 0;
    PQclear(result);
    return true;
}

bool floor_client_command(floor_client *client, const char *sql, floor_error *error)
{
    PGresult *result = PQexec(client->db, sql);
    bool done = result ? good(result, error) : failed(client, error);

    PQclear(result);
    return done;
}

bool floor_client_begin(floor_client *client, floor_error *error)
{
    return floor_client_command(client, "BEGIN", error);
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
