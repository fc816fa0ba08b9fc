/* SPDX-License-Identifier: MIT */
/* MySQL and MariaDB through libmariadb: prepared statements, the binary protocol, rows decoded as they
 * come from the socket. A connection has one answer under way at a time, so concurrent reads have
 * connections of their own, as many as everybody's pool, and the calls that do not block. */
#include "client.h"
#include "json.h"

#include <errno.h>
#include <mysql.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENOUGH = 1024, /* bytes of a text; longer ones are fetched again */
    LANES = 10,
};

/* A connection for concurrent reads. */
typedef struct gather_lane {
    MYSQL *db;
    floor_statement statement; /* borrows all but its handle */
    int waits;                 /* for what on the socket; 0: the answer is there */
    bool busy;
} gather_lane;

struct floor_client {
    MYSQL *db;
    gather_lane lanes[LANES];
    const floor_statement *gathered; /* what the lanes have prepared */
};

/* What libmariadb fills, or sends, for one value. */
typedef struct cell_slot {
    union {
        int64_t number;
        double real;
        signed char truth;
        MYSQL_TIME time;
    };
    char *text;
    unsigned long length;
    my_bool null;
} cell_slot;

typedef struct prepared {
    MYSQL_STMT *statement;
    MYSQL_BIND *in, *out;
    cell_slot *given, *found;
    bool texts; /* among the parameters */
} prepared;

static bool failed(const floor_statement *statement, floor_error *error)
{
    const prepared *made = statement->handle;

    return floor_fail(error, "%s: libmariadb: %s", statement->name, mysql_stmt_error(made->statement));
}

bool floor_client_command(floor_client *client, const char *sql, floor_error *error)
{
    return mysql_real_query(client->db, sql, (unsigned long)strlen(sql)) == 0 ||
           floor_fail(error, "libmariadb: %s", mysql_error(client->db));
}

/* NULL on failure. */
static MYSQL *connect_to(const floor_address *address, bool blocking, floor_error *error)
{
    MYSQL *db = mysql_init(NULL);
    unsigned port = (unsigned)strtoul(address->port, NULL, 10);

    if (!db) {
        floor_fail(error, "no memory for a connection");
        return NULL;
    }
    mysql_options(db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if ((blocking || mysql_options(db, MYSQL_OPT_NONBLOCK, NULL) == 0) &&
        mysql_real_connect(db, address->host, address->user, address->password, address->database, port, NULL, 0))
        return db;
    floor_fail(error, "libmariadb: %s", mysql_error(db));
    mysql_close(db);
    return NULL;
}

floor_client *floor_client_open(const floor_address *address, floor_error *error)
{
    floor_client *client = calloc(1, sizeof *client);
    bool done;

    if (!client) {
        floor_fail(error, "no memory for a client");
        return NULL;
    }
    done = (client->db = connect_to(address, true, error)) != NULL;
    for (size_t i = 0; done && i < LANES; i++)
        done = (client->lanes[i].db = connect_to(address, false, error)) != NULL;
    if (done)
        return client;
    floor_client_close(client);
    return NULL;
}

void floor_client_close(floor_client *client)
{
    for (size_t i = 0; i < LANES; i++) {
        floor_client_forget(client, &client->lanes[i].statement);
        mysql_close(client->lanes[i].db);
    }
    mysql_close(client->db);
    mysql_library_end();
    free(client);
}

static bool bind_out(const floor_statement *statement, prepared *made, floor_error *error)
{
    for (size_t i = 0; i < statement->columns.n; i++) {
        cell_slot *slot = &made->found[i];
        MYSQL_BIND *bound = &made->out[i];

        bound->buffer = &slot->number;
        bound->length = &slot->length;
        bound->is_null = &slot->null;
        switch (statement->columns.kinds[i]) {
        case FLOOR_INT: bound->buffer_type = MYSQL_TYPE_LONGLONG; break;
        case FLOOR_FLOAT: bound->buffer_type = MYSQL_TYPE_DOUBLE; break;
        case FLOOR_BOOL: bound->buffer_type = MYSQL_TYPE_TINY; break;
        case FLOOR_MOMENT:
        case FLOOR_DAY:
            bound->buffer_type = MYSQL_TYPE_DATETIME;
            bound->buffer_length = sizeof slot->time;
            break;
        default:
            slot->text = malloc(ENOUGH);
            if (!slot->text)
                return floor_fail(error, "no memory for a text");
            bound->buffer_type = MYSQL_TYPE_STRING;
            bound->buffer = slot->text;
            bound->buffer_length = ENOUGH;
        }
    }
    return mysql_stmt_bind_result(made->statement, made->out) == 0 || failed(statement, error);
}

static bool bind_in(const floor_statement *statement, prepared *made, floor_error *error)
{
    for (size_t i = 0; i < statement->n_values; i++) {
        MYSQL_BIND *bound = &made->in[i];

        bound->buffer = &made->given[i].number;
        bound->length = &made->given[i].length;
        switch (statement->values[i].kind) {
        case FLOOR_INT: bound->buffer_type = MYSQL_TYPE_LONGLONG; break;
        case FLOOR_FLOAT: bound->buffer_type = MYSQL_TYPE_DOUBLE; break;
        case FLOOR_BOOL: bound->buffer_type = MYSQL_TYPE_TINY; break;
        case FLOOR_TEXT:
            bound->buffer_type = MYSQL_TYPE_STRING;
            made->texts = true;
            break;
        default: return floor_fail(error, "%s: no such parameter", statement->name);
        }
    }
    return statement->n_values == 0 || mysql_stmt_bind_param(made->statement, made->in) == 0 ||
           failed(statement, error);
}

static bool prepare(MYSQL *db, floor_statement *statement, floor_error *error)
{
    prepared *made = calloc(1, sizeof *made);

    statement->handle = made;
    if (!made)
        return floor_fail(error, "no memory for a statement");
    made->statement = mysql_stmt_init(db);
    made->in = calloc(statement->n_values + 1, sizeof *made->in);
    made->given = calloc(statement->n_values + 1, sizeof *made->given);
    made->out = calloc(statement->columns.n + 1, sizeof *made->out);
    made->found = calloc(statement->columns.n + 1, sizeof *made->found);
    if (!made->statement || !made->in || !made->given || !made->out || !made->found)
        return floor_fail(error, "no memory for values");
    if (mysql_stmt_prepare(made->statement, statement->sql, (unsigned long)strlen(statement->sql)) != 0)
        return failed(statement, error);
    if (mysql_stmt_param_count(made->statement) != statement->n_values ||
        mysql_stmt_field_count(made->statement) != statement->columns.n)
        return floor_fail(error, "%s: other columns or values than told", statement->name);
    return bind_in(statement, made, error) && (statement->columns.n == 0 || bind_out(statement, made, error));
}

bool floor_client_prepare(floor_client *client, floor_statement *statement, floor_error *error)
{
    return prepare(client->db, statement, error);
}

void floor_client_forget(floor_client *client, floor_statement *statement)
{
    prepared *made = statement->handle;

    (void)client;
    if (!made)
        return;
    if (made->statement)
        mysql_stmt_close(made->statement);
    for (size_t i = 0; made->found && i < statement->columns.n; i++)
        free(made->found[i].text);
    free(made->found);
    free(made->out);
    free(made->given);
    free(made->in);
    free(made);
    statement->handle = NULL;
}

/* Texts stay where they are, so that libmariadb has to be told where. */
static bool give(const floor_statement *statement, const floor_value *values, floor_error *error)
{
    prepared *made = statement->handle;

    for (size_t i = 0; i < statement->n_values; i++) {
        cell_slot *slot = &made->given[i];

        switch (values[i].kind) {
        case FLOOR_INT: slot->number = values[i].number; break;
        case FLOOR_FLOAT: slot->real = values[i].real; break;
        case FLOOR_BOOL: slot->truth = values[i].truth; break;
        case FLOOR_TEXT:
            made->in[i].buffer = (void *)values[i].text;
            slot->length = (unsigned long)values[i].n;
            break;
        default: return floor_fail(error, "%s: no such parameter", statement->name);
        }
    }
    return !made->texts || mysql_stmt_bind_param(made->statement, made->in) == 0 || failed(statement, error);
}

static bool execute(const floor_statement *statement, const floor_value *values, floor_error *error)
{
    prepared *made = statement->handle;

    return give(statement, values, error) && (mysql_stmt_execute(made->statement) == 0 || failed(statement, error));
}

/* What arrived as text. */
static bool keep(floor_rows *rows, floor_kind kind, floor_cell *cell, const char *text, size_t n)
{
    return kind == FLOOR_JSON ? floor_json_of(rows, cell, text, n) : floor_rows_text(rows, cell, text, n);
}

/* A text that was longer than its buffer. */
static bool fetch_long(prepared *made, size_t column, floor_kind kind, floor_cell *cell, floor_rows *rows)
{
    cell_slot *slot = &made->found[column];
    char *text = malloc(slot->length);
    unsigned long length = 0;
    MYSQL_BIND whole = {
        .buffer_type = MYSQL_TYPE_STRING, .buffer = text, .buffer_length = slot->length, .length = &length};
    bool done = text && mysql_stmt_fetch_column(made->statement, &whole, (unsigned)column, 0) == 0 &&
                keep(rows, kind, cell, text, slot->length);

    free(text);
    return done;
}

static bool decode(prepared *made, size_t column, floor_kind kind, floor_cell *cell, floor_rows *rows)
{
    const cell_slot *slot = &made->found[column];
    const MYSQL_TIME *time = &slot->time;

    if (slot->null)
        return true;
    cell->kind = kind;
    switch (kind) {
    case FLOOR_INT: cell->number = slot->number; return true;
    case FLOOR_FLOAT: cell->real = slot->real; return true;
    case FLOOR_BOOL: cell->truth = slot->truth != 0; return true;
    case FLOOR_DAY: cell->number = floor_days(time->year, time->month, time->day); return true;
    case FLOOR_MOMENT:
        cell->number = floor_days(time->year, time->month, time->day) * 86400;
        cell->number += time->hour * 3600 + time->minute * 60 + time->second;
        cell->number = cell->number * 1000000 + (int64_t)time->second_part;
        return true;
    case FLOOR_DECIMAL: return slot->length < ENOUGH && floor_decimal_of(cell, slot->text, slot->length);
    default:
        return slot->length > ENOUGH ? fetch_long(made, column, kind, cell, rows)
                                     : keep(rows, kind, cell, slot->text, slot->length);
    }
}

static bool take(const floor_statement *statement, floor_rows *rows, floor_error *error)
{
    floor_row *row = floor_rows_add(rows, &statement->columns);

    if (!row)
        return floor_fail(error, "no memory for a row");
    for (size_t i = 0; i < statement->columns.n; i++) {
        if (!decode(statement->handle, i, statement->columns.kinds[i], floor_cell_of(row, &statement->columns, i),
                    rows))
            return floor_fail(error, "%s: cannot decode column %zu", statement->name, i);
    }
    return true;
}

/* Every row of an answer; when there are most, all are freed first. n counts them. */
static bool each(const floor_statement *statement, size_t most, floor_rows *rows, int64_t *n, floor_error *error)
{
    prepared *made = statement->handle;
    int status = 0;

    while ((status = mysql_stmt_fetch(made->statement)) == 0 || status == MYSQL_DATA_TRUNCATED) {
        if (rows->n == most)
            floor_rows_free(rows);
        if (!take(statement, rows, error)) {
            mysql_stmt_free_result(made->statement);
            return false;
        }
        ++*n;
    }
    return status == MYSQL_NO_DATA || failed(statement, error);
}

bool floor_client_read(floor_client *client, const floor_statement *statement, const floor_value *values,
                       floor_rows *rows, floor_error *error)
{
    int64_t n = 0;

    (void)client;
    return execute(statement, values, error) && each(statement, SIZE_MAX, rows, &n, error);
}

/* The statement on every lane; it is the same one from call to call. */
static bool prepare_lanes(floor_client *client, const floor_statement *statement, floor_error *error)
{
    bool done = true;

    if (client->gathered == statement)
        return true;
    client->gathered = NULL;
    for (size_t i = 0; done && i < LANES; i++) {
        gather_lane *lane = &client->lanes[i];

        floor_client_forget(client, &lane->statement);
        lane->statement = *statement;
        lane->statement.handle = NULL;
        done = prepare(lane->db, &lane->statement, error);
    }
    if (done)
        client->gathered = statement;
    return done;
}

/* Sends the statement, or goes on with what the socket is ready for. */
static bool advance(gather_lane *lane, int ready, floor_error *error)
{
    prepared *made = lane->statement.handle;
    int result = 0;

    if (!lane->busy) {
        if (!give(&lane->statement, lane->statement.values, error))
            return false;
        lane->waits = mysql_stmt_execute_start(&result, made->statement);
    } else {
        lane->waits = mysql_stmt_execute_cont(&result, made->statement, ready);
    }
    lane->busy = true;
    return lane->waits || result == 0 || failed(&lane->statement, error);
}

/* Sleeps until a busy lane can go on, and lets each of those do so; done becomes false if one fails.
 * False: nobody can be waited for. */
static bool wait_for(gather_lane *lanes, bool *done, floor_error *error)
{
    struct pollfd polled[LANES];

    for (size_t i = 0; i < LANES; i++) {
        int waits = lanes[i].busy ? lanes[i].waits : 0;

        polled[i] = (struct pollfd){.fd = waits ? mysql_get_socket(lanes[i].db) : -1};
        polled[i].events = (short)((waits & MYSQL_WAIT_READ ? POLLIN : 0) | (waits & MYSQL_WAIT_WRITE ? POLLOUT : 0) |
                                   (waits & MYSQL_WAIT_EXCEPT ? POLLPRI : 0));
    }
    while (poll(polled, LANES, -1) < 0) {
        if (errno != EINTR)
            return floor_fail(error, "poll: %s", strerror(errno));
    }
    for (size_t i = 0; i < LANES; i++) {
        short seen = polled[i].fd >= 0 ? polled[i].revents : 0;
        int ready = (seen & (POLLIN | POLLERR | POLLHUP) ? MYSQL_WAIT_READ : 0) |
                    (seen & POLLOUT ? MYSQL_WAIT_WRITE : 0) | (seen & POLLPRI ? MYSQL_WAIT_EXCEPT : 0);

        if (ready && !advance(&lanes[i], ready, error)) {
            lanes[i].busy = false;
            *done = false;
        }
    }
    return true;
}

/* Reads the lane's answer if it is there. */
static bool settle(gather_lane *lane, floor_rows *rows, floor_error *error)
{
    int64_t n = 0;

    if (!lane->busy || lane->waits)
        return true;
    lane->busy = false;
    return each(&lane->statement, SIZE_MAX, rows, &n, error);
}

bool floor_client_gather(floor_client *client, const floor_statement *statement, size_t times, floor_rows *rows,
                         floor_error *error)
{
    bool done = prepare_lanes(client, statement, error);
    size_t begun = 0, waiting;

    do { /* after a failure nothing new is begun, but every answer is read */
        waiting = 0;
        for (size_t i = 0; i < LANES; i++) {
            gather_lane *lane = &client->lanes[i];

            done = settle(lane, rows, error) && done;
            while (!lane->busy && done && begun < times) {
                begun++;
                done = advance(lane, 0, error);
                lane->busy = done;
                done = settle(lane, rows, error) && done;
            }
            waiting += lane->busy;
        }
        if (waiting && !wait_for(client->lanes, &done, error))
            return false;
    } while (waiting);
    return done;
}

bool floor_client_stream(floor_client *client, const floor_statement *statement, int64_t *n, floor_error *error)
{
    floor_rows rows = {0};
    bool done;

    (void)client;
    *n = 0;
    done = execute(statement, statement->values, error) && each(statement, FLOOR_CHUNK, &rows, n, error);
    floor_rows_free(&rows);
    return done;
}

bool floor_client_run(floor_client *client, const floor_statement *statement, const floor_value *values,
                      int64_t *touched, int64_t *key, floor_error *error)
{
    prepared *made = statement->handle;

    (void)client;
    if (!execute(statement, values, error))
        return false;
    *touched = (int64_t)mysql_stmt_affected_rows(made->statement);
    *key = (int64_t)mysql_stmt_insert_id(made->statement);
    return true;
}

bool floor_client_begin(floor_client *client, floor_error *error)
{
    return floor_client_command(client, "START TRANSACTION", error);
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
