/* SPDX-License-Identifier: MIT */
/* The text protocol: statements that cannot be prepared, scripts, and those that
 * are the driver's own. */
#include "mysql_conn.h"

/* Runs a text, reads all its results, and goes on in `then`. */
void oxy__my_run_text(oxy__mysql *c, oxy_sv sql, bool keep, oxy__my_state then)
{
    c->call.sql = sql.p;
    c->call.len = sql.len;
    c->keep = keep;
    c->then = then;
    c->text_failed = false;
    oxy__my_begin(c, OXY__MY_QUERY);
    c->state = OXY__MY_S_TEXT_SENT;
}

static void text_failed(oxy__mysql *c)
{
    (void)oxy__my_error(c, NULL, &c->text_err);
    c->text_failed = true;
    c->state = c->then;
}

/* The text that failed was the request's own, or a part of it. */
void oxy__my_fail_text(oxy__mysql *c)
{
    c->base.err = c->text_err;
    oxy__my_fail(c);
}

static void note_counts(oxy__mysql *c)
{
    uint64_t n = mysql_affected_rows(c->mysql);

    c->base.affected = n == UINT64_MAX ? -1 : (int64_t)n;
    c->base.last_insert_id = (int64_t)mysql_insert_id(c->mysql);
}

static void text_next(oxy__mysql *c)
{
    if (!mysql_more_results(c->mysql)) {
        c->state = c->then;
        return;
    }
    oxy__my_begin(c, OXY__MY_NEXT_TEXT);
    c->state = OXY__MY_S_TEXT_NEXT;
}

static void text_result(oxy__mysql *c)
{
    if (mysql_field_count(c->mysql)) {
        oxy__my_begin(c, OXY__MY_STORE_TEXT);
        c->state = OXY__MY_S_TEXT_STORED;
        return;
    }
    if (c->keep && !c->text)
        note_counts(c);
    text_next(c);
}

void oxy__my_on_text_sent(oxy__mysql *c)
{
    if (c->call.failed)
        text_failed(c);
    else
        text_result(c);
}

void oxy__my_on_text_stored(oxy__mysql *c)
{
    if (!c->call.result) {
        text_failed(c);
        return;
    }
    if (c->keep && !c->text)
        c->text = c->call.result;
    else
        mysql_free_result(c->call.result);
    text_next(c);
}

void oxy__my_on_text_next(oxy__mysql *c)
{
    if (c->call.failed > 0)
        text_failed(c);
    else if (c->call.failed < 0)
        c->state = c->then;
    else
        text_result(c);
}
