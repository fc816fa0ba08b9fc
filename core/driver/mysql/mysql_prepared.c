/* SPDX-License-Identifier: MIT */
/* A prepared statement: prepare, execute, read. */
#include "mysql_conn.h"

#include <string.h>

#define END_PACKET 5 /* a mark, warnings, status */

/* A KILL that came between two statements is lost. */
bool oxy__my_canceled(oxy__mysql *c)
{
    if (!oxy__my_cancel_asked(c))
        return false;
    (void)oxy__my_error_set(c, 1317, "70100", "Query execution was interrupted", &c->base.err);
    oxy__my_fail(c);
    return true;
}

static void execute(oxy__mysql *c)
{
    if (oxy__my_canceled(c))
        return;
    c->call.stmt = c->s->stmt;
    c->state = OXY__MY_S_EXECUTED;
    if (oxy__my_bind(c, &c->base.err) != OXY_OK)
        oxy__my_fail(c);
    else
        oxy__my_begin(c, OXY__MY_EXECUTE);
}

void oxy__my_prepare(oxy__mysql *c)
{
    bool fresh;

    if (oxy__my_stmt_get(c, &c->s, &fresh, &c->base.err) != OXY_OK) {
        oxy__my_fail(c);
    } else if (fresh) {
        c->call.stmt = c->s->stmt;
        c->call.sql = c->s->sql;
        c->call.len = c->s->len;
        oxy__my_begin(c, OXY__MY_PREPARE);
        c->state = OXY__MY_S_PREPARED;
    } else if (!c->s->stmt) {
        oxy__my_run_text(c, c->req.sql, true, OXY__MY_S_TEXT_RUN);
    } else {
        execute(c);
    }
}

/* MariaDB has functions that compare documents by structure from 10.7 and 10.9
 * on; before, what the package wrote with them cannot be had at all. */
static void tell_missing_json(oxy__mysql *c)
{
    static const char words[] = "comparing JSON documents by structure needs MariaDB 10.9 or newer";
    oxy_err *err = &c->base.err;

    if (err->native != 1305 || (c->req.flags & OXY_REQ_RAW) || c->base.server.flavor != OXY_FLAVOR_MARIADB ||
        c->base.server.version >= 100900)
        return;
    if (strstr(err->message, "JSON_EQUALS") || strstr(err->message, "JSON_OVERLAPS")) {
        err->rc = OXY_NOT_SUPPORTED;
        oxy_err_copy(err->message, sizeof err->message, words, sizeof words - 1);
    }
}

void oxy__my_on_prepared(oxy__mysql *c)
{
    static const char several[] = "several statements in one call; use execute_script for them";

    if (!c->call.failed) {
        execute(c);
        return;
    }
    if (mysql_stmt_errno(c->s->stmt) == 1295 && !c->req.n_values) {
        oxy__my_stmt_unprepared(c, c->s);
        oxy__my_run_text(c, c->req.sql, true, OXY__MY_S_TEXT_RUN);
        return;
    }
    (void)oxy__my_error(c, c->s->stmt, &c->base.err);
    if (oxy__my_gone(c))
        c->base.err.flags |= OXY_ERR_UNSENT;
    tell_missing_json(c);
    if (c->base.err.native == 1064 && oxy__my_several(c->s->sql, c->s->len))
        oxy_err_copy(c->base.err.message, sizeof c->base.err.message, several, sizeof several - 1);
    oxy__my_stmt_drop(c, c->s);
    c->s = NULL;
    oxy__my_fail(c);
}

/* Columns as the server has them now. The library keeps the names that it got
 * when the statement was prepared; a changed table has others by now, and such
 * a statement is prepared anew next time. */
static oxy_rc describe(oxy__mysql *c)
{
    MYSQL_STMT *stmt = c->s->stmt;
    const MYSQL_FIELD *now = c->mysql->fields, *then = mariadb_stmt_fetch_fields(stmt);
    uint32_t n = mysql_field_count(c->mysql);

    c->outdated = n != mysql_stmt_field_count(stmt);
    for (uint32_t i = 0; now != then && !c->outdated && i < n; i++)
        c->outdated = strcmp(now[i].name, then[i].name) != 0;
    /* Further results take the place of this one's fields. */
    if (c->outdated || mysql_stmt_more_results(stmt))
        return oxy__my_describe(c, now, n, true, &c->base.err);
    return oxy__my_describe(c, then, n, false, &c->base.err);
}

/* Whether rows are handed out as they come. What writes tells its rows when it has
 * succeeded, and so does what cannot forget rows that a failure follows. The library
 * walks such rows with the statement's own columns: they have to be the result's. */
static bool may_come_directly(const oxy__mysql *c)
{
    return (c->req.flags & OXY_REQ_STREAM) || !(c->req.flags & (OXY_REQ_WRITE | OXY_REQ_WHOLE));
}

void oxy__my_on_executed(oxy__mysql *c)
{
    MYSQL_STMT *stmt = c->s->stmt;
    unsigned number = c->call.failed ? mysql_stmt_errno(stmt) : 0;
    uint64_t n;

    if (number == 1615 && !c->reprepared && !oxy__my_in_trans(c)) {
        c->reprepared = true;
        oxy__my_stmt_drop(c, c->s);
        c->state = OXY__MY_S_NEXT;
        return;
    }
    /* The number of columns is not what it was: for the library an error, but the
     * statement ran, and its rows are on their way. */
    if (c->call.failed && number != CR_NEW_STMT_METADATA) {
        oxy__my_fail_call(c, stmt);
        return;
    }
    n = mysql_stmt_affected_rows(stmt);
    c->base.affected = n == UINT64_MAX ? -1 : (int64_t)n;
    c->base.last_insert_id = (int64_t)mysql_stmt_insert_id(stmt);
    if (!mysql_field_count(c->mysql)) {
        c->state = OXY__MY_S_DRAIN;
        return;
    }
    if (describe(c) != OXY_OK) {
        c->failed = true;
        oxy__my_begin(c, OXY__MY_FREE_RESULT);
        c->state = OXY__MY_S_DRAIN;
        return;
    }
    if (number)
        (void)mysql_stmt_bind_param(stmt, NULL); /* does nothing but clear the error */
    c->direct = may_come_directly(c) && !number;
    if (c->direct) {
        c->state = OXY__MY_S_DIRECT_NEXT;
        return;
    }
    oxy__my_begin(c, OXY__MY_STORE);
    c->state = OXY__MY_S_STORED;
}

void oxy__my_on_stored(oxy__mysql *c)
{
    MYSQL_STMT *stmt = c->s->stmt;

    if (c->call.failed) {
        oxy__my_fail_call(c, stmt);
        return;
    }
    if (c->req.flags & OXY_REQ_WRITE)
        c->base.affected = (int64_t)mysql_stmt_num_rows(stmt); /* RETURNING */
    c->next_row = mysql_stmt_row_tell(stmt);
    c->state = OXY__MY_S_ROWS;
    /* The server is done: a cancel from here on has nothing to hit. */
    if (!mysql_stmt_more_results(stmt))
        (void)oxy__my_cancel_disarm(c);
}

/* The library notes the server's status at the end of rows that it stores, and
 * passes over it when they are fetched one by one. Behind a procedure's parameters
 * servers forget to say that more follows. */
void oxy__my_note_end(oxy__mysql *c)
{
    const uint8_t *end = c->mysql->net.read_pos;
    unsigned before = c->mysql->server_status, now;

    if (c->mysql->net.buff_end - end < END_PACKET || *end != 0xfe)
        return;
    now = (unsigned)end[3] | (unsigned)end[4] << 8;
    c->mysql->server_status = now | (before & SERVER_PS_OUT_PARAMS ? (unsigned)SERVER_MORE_RESULTS_EXIST : 0);
}

void oxy__my_on_fetched(oxy__mysql *c)
{
    if (c->call.failed == MYSQL_NO_DATA) {
        oxy__my_note_end(c);
        c->state = OXY__MY_S_DRAIN;
    } else if (c->call.failed && c->call.failed != MYSQL_DATA_TRUNCATED) {
        oxy__my_fail_call(c, c->s->stmt);
    } else {
        c->state = OXY__MY_S_DIRECT;
    }
}

void oxy__my_on_drain(oxy__mysql *c)
{
    if (!mysql_stmt_more_results(c->s->stmt)) {
        c->state = OXY__MY_S_OVER;
        return;
    }
    c->call.stmt = c->s->stmt;
    oxy__my_begin(c, OXY__MY_NEXT);
    c->state = OXY__MY_S_DRAINED;
}

/* Results of a procedure beyond the first are read and dropped. */
void oxy__my_on_drained(oxy__mysql *c)
{
    if (c->call.failed > 0) {
        oxy__my_fail_call(c, c->s->stmt);
        return;
    }
    c->state = c->call.failed < 0 ? OXY__MY_S_OVER : OXY__MY_S_DRAIN;
    if (!c->call.failed && mysql_field_count(c->mysql))
        oxy__my_begin(c, OXY__MY_STORE);
}
