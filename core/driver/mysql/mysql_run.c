/* SPDX-License-Identifier: MIT */
/* The state machine: one function per state, called once the call before it is
 * over. It starts the next call or names the next state. */
#include "mysql_conn.h"

#include <stdlib.h>

bool oxy__my_in_trans(const oxy__mysql *c)
{
    unsigned status = 0;

    if (mariadb_get_infov(c->mysql, MARIADB_CONNECTION_SERVER_STATUS, &status))
        return false;
    return (status & SERVER_STATUS_IN_TRANS) != 0;
}

/* --- ends -------------------------------------------------------------------------------- */

/* The request failed, with words in base.err. */
void oxy__my_fail(oxy__mysql *c)
{
    c->failed = true;
    c->state = OXY__MY_S_OVER;
}

void oxy__my_fail_call(oxy__mysql *c, MYSQL_STMT *stmt)
{
    (void)oxy__my_error(c, stmt, &c->base.err);
    oxy__my_fail(c);
}

void oxy__my_malformed(oxy__mysql *c)
{
    (void)oxy__my_error_set(c, 2027, "HY000", "malformed packet", &c->base.err);
    oxy__my_fail(c);
}

bool oxy__my_gone(const oxy__mysql *c)
{
    const oxy_err *err = &c->base.err;

    return !c->mysql || mysql_get_socket(c->mysql) == MARIADB_INVALID_SOCKET ||
           (err->native > 0 && oxy__my_error_closes((unsigned)err->native));
}

/* A statement of ours, whose answer has the server's status; and the one that a
 * KILL hits which came when nothing was running. */
static void do_nothing(oxy__mysql *c)
{
    oxy__my_run_text(c, OXY_SV("DO 0"), false, OXY__MY_S_FLUSHED);
}

static void on_over(oxy__mysql *c)
{
    if (c->failed && oxy__my_gone(c)) {
        (void)oxy__my_cancel_clear(c);
        c->state = OXY__MY_S_FAILED;
    } else if (!oxy__my_cancel_disarm(c)) {
        c->state = OXY__MY_S_KILL;
    } else if (c->failed && !c->opening && oxy__my_in_trans(c)) {
        /* An error says nothing about the transaction it happened in: a deadlock ends
         * it, a duplicate key does not. A ping does not tell either: the library
         * drops the status in its answer. */
        do_nothing(c);
    } else {
        c->state = OXY__MY_S_SETTLED;
    }
}

static void on_flushed(oxy__mysql *c)
{
    if (c->text_failed && c->text_err.native == 1317) {
        do_nothing(c);
        return;
    }
    if (c->text_failed) {
        c->base.err = c->text_err;
        c->failed = true;
    }
    c->state = OXY__MY_S_SETTLED;
}

static void on_settled(oxy__mysql *c)
{
    if (c->outdated) {
        oxy__my_stmt_drop(c, c->s);
        c->outdated = false;
    }
    c->state = c->failed ? OXY__MY_S_FAILED : OXY__MY_S_DONE;
}

/* --- requests ------------------------------------------------------------------------------------- */

/* Below this no server's max_allowed_packet is worth a question. */
#define PACKET_WORTH_ASKING ((uint64_t)1 << 20)

static uint64_t request_size(const oxy_request *r)
{
    uint64_t size = r->sql.len;

    for (uint32_t i = 0; i < r->n_values; i++)
        switch ((oxy_tag)r->values[i].tag) {
        case OXY_V_TEXT:
        case OXY_V_BLOB:
        case OXY_V_JSON:
        case OXY_V_DECIMAL: size += r->values[i].s.len + 9; break;
        default: size += 16;
        }
    return size + 64;
}

/* A server cuts the line in the middle of a packet that is too large for it. So
 * large ones are not sent; the connection goes on. */
static bool too_large(oxy__mysql *c)
{
    uint64_t size = request_size(&c->req);

    if (size < PACKET_WORTH_ASKING)
        return false;
    if (!c->max_packet) {
        oxy__my_run_text(c, OXY_SV("SELECT @@max_allowed_packet"), true, OXY__MY_S_LIMIT);
        return true;
    }
    if (size <= c->max_packet)
        return false;
    (void)oxy__my_error_set(c, 1153, "08S01",
                            "statement and parameters are larger than the server's max_allowed_packet", &c->base.err);
    oxy__my_fail(c);
    return true;
}

static void on_limit(oxy__mysql *c)
{
    MYSQL_ROW row = c->text ? mysql_fetch_row(c->text) : NULL;

    if (c->text_failed) {
        oxy__my_fail_text(c);
        return;
    }
    c->max_packet = row && row[0] ? strtoull(row[0], NULL, 10) : UINT64_MAX;
    mysql_free_result(c->text);
    c->text = NULL;
    c->state = OXY__MY_S_NEXT;
}

static void on_next(oxy__mysql *c)
{
    const oxy_request *r = &c->req;

    if ((c->call.stmt = oxy__my_take_doomed(c))) {
        oxy__my_begin(c, OXY__MY_CLOSE_STMT);
    } else if (oxy__my_canceled(c)) {
        return;
    } else if (c->before < r->n_before) {
        oxy__my_run_text(c, r->before[c->before], false, OXY__MY_S_BEFORE);
    } else if (r->flags & OXY_REQ_PING) {
        oxy__my_begin(c, OXY__MY_PING);
        c->state = OXY__MY_S_PING;
    } else if (r->flags & OXY_REQ_RESET) {
        oxy__my_begin(c, OXY__MY_RESET);
        c->state = OXY__MY_S_RESET;
    } else if (oxy__my_blank(r->sql.p, r->sql.len)) {
        c->state = OXY__MY_S_OVER;
    } else if (too_large(c)) {
        return;
    } else if (r->flags & OXY_REQ_SCRIPT) {
        c->call.option = MYSQL_OPTION_MULTI_STATEMENTS_ON;
        oxy__my_begin(c, OXY__MY_OPTION);
        c->state = OXY__MY_S_SCRIPT_ON;
    } else {
        oxy__my_prepare(c);
    }
}

static void on_before(oxy__mysql *c)
{
    if (c->text_failed) {
        oxy__my_fail_text(c);
        if (oxy__my_gone(c))
            c->base.err.flags |= OXY_ERR_UNSENT;
        return;
    }
    c->before++;
    c->state = OXY__MY_S_NEXT;
}

static void on_ping(oxy__mysql *c)
{
    if (c->call.failed)
        oxy__my_fail_call(c, NULL);
    else
        c->state = OXY__MY_S_OVER;
}

static void on_reset(oxy__mysql *c)
{
    if (c->call.failed) {
        oxy__my_fail_call(c, NULL);
        return;
    }
    oxy__my_cache_forget(c);
    if (c->use)
        oxy__my_run_text(c, oxy_sv_of(c->use), false, OXY__MY_S_USE);
    else
        c->state = OXY__MY_S_SETUP;
}

static void on_use(oxy__mysql *c)
{
    if (c->text_failed)
        oxy__my_fail_text(c);
    else
        c->state = OXY__MY_S_SETUP;
}

static void on_text_run(oxy__mysql *c)
{
    if (c->text_failed) {
        oxy__my_fail_text(c);
        return;
    }
    c->state = c->text ? OXY__MY_S_TEXT_ROWS : OXY__MY_S_OVER;
    if (c->text &&
        oxy__my_describe(c, mysql_fetch_fields(c->text), mysql_num_fields(c->text), false, &c->base.err) != OXY_OK)
        oxy__my_fail(c);
}

static void on_script_on(oxy__mysql *c)
{
    if (c->call.failed)
        oxy__my_fail_call(c, NULL);
    else
        oxy__my_run_text(c, c->req.sql, false, OXY__MY_S_SCRIPT_RUN);
}

static void on_script_run(oxy__mysql *c)
{
    if (c->text_failed) {
        oxy__my_fail_text(c);
        if (oxy__my_gone(c))
            return;
    }
    c->call.option = MYSQL_OPTION_MULTI_STATEMENTS_OFF;
    oxy__my_begin(c, OXY__MY_OPTION);
    c->state = OXY__MY_S_SCRIPT_OFF;
}

static void on_script_off(oxy__mysql *c)
{
    if (c->call.failed && !c->failed)
        oxy__my_fail_call(c, NULL);
    else
        c->state = OXY__MY_S_OVER;
}

void oxy__my_advance(oxy__mysql *c)
{
    static void (*const table[])(oxy__mysql *) = {
        [OXY__MY_S_OPEN] = oxy__my_on_open,
        [OXY__MY_S_CONNECTED] = oxy__my_on_connected,
        [OXY__MY_S_SETUP] = oxy__my_on_setup,
        [OXY__MY_S_READY] = oxy__my_on_ready,
        [OXY__MY_S_NEXT] = on_next,
        [OXY__MY_S_BEFORE] = on_before,
        [OXY__MY_S_PREPARED] = oxy__my_on_prepared,
        [OXY__MY_S_EXECUTED] = oxy__my_on_executed,
        [OXY__MY_S_STORED] = oxy__my_on_stored,
        [OXY__MY_S_FETCHED] = oxy__my_on_fetched,
        [OXY__MY_S_DRAIN] = oxy__my_on_drain,
        [OXY__MY_S_DRAINED] = oxy__my_on_drained,
        [OXY__MY_S_TEXT_SENT] = oxy__my_on_text_sent,
        [OXY__MY_S_TEXT_STORED] = oxy__my_on_text_stored,
        [OXY__MY_S_TEXT_NEXT] = oxy__my_on_text_next,
        [OXY__MY_S_TEXT_RUN] = on_text_run,
        [OXY__MY_S_SCRIPT_ON] = on_script_on,
        [OXY__MY_S_SCRIPT_RUN] = on_script_run,
        [OXY__MY_S_SCRIPT_OFF] = on_script_off,
        [OXY__MY_S_PING] = on_ping,
        [OXY__MY_S_RESET] = on_reset,
        [OXY__MY_S_OVER] = on_over,
        [OXY__MY_S_FLUSHED] = on_flushed,
        [OXY__MY_S_SETTLED] = on_settled,
        [OXY__MY_S_CONNECT] = oxy__my_on_connect,
        [OXY__MY_S_LIMIT] = on_limit,
        [OXY__MY_S_USE] = on_use,
    };

    while (!c->call.wait && c->state < OXY__MY_S_LOOKUP)
        table[c->state](c);
}

/* --- answers ---------------------------------------------------------------------------------------- */

static oxy_step ended(oxy__mysql *c)
{
    bool failed = c->state == OXY__MY_S_FAILED;

    c->state = failed && (c->opening || oxy__my_gone(c)) ? OXY__MY_S_BROKEN : OXY__MY_S_IDLE;
    if (failed)
        return OXY_STEP_FAILED;
    c->base.cols = c->n_cols ? c->cols : NULL;
    c->base.n_cols = c->n_cols;
    return OXY_STEP_DONE;
}

static oxy_step row(oxy__mysql *c)
{
    c->base.cells = c->row;
    c->base.cols = c->cols;
    c->base.n_cols = c->n_cols;
    return OXY_STEP_ROW;
}

/* OXY_STEP_TURN: there is none, the machine goes on. */
static oxy_step answer(oxy__mysql *c)
{
    const uint8_t *packet;
    MYSQL_ROW text;
    size_t len;

    switch (c->state) {
    case OXY__MY_S_LOOKUP:
    case OXY__MY_S_DIAL:
        if (!oxy__errand_over(&c->errand->base))
            return OXY_STEP_WANT_WORKER;
        if (c->state == OXY__MY_S_LOOKUP)
            oxy__my_looked_up(c);
        else
            oxy__my_dialed(c);
        return OXY_STEP_TURN;
    case OXY__MY_S_KILL:
        if (!oxy__my_cancel_clear(c))
            return OXY_STEP_WANT_WORKER;
        do_nothing(c);
        return OXY_STEP_TURN;
    case OXY__MY_S_ROWS:
        if (c->next_row) {
            const MYSQL_ROWS *r = c->next_row;

            c->next_row = r->next;
            if (oxy__my_cells(c, (const uint8_t *)r->data, r->length))
                return row(c);
            oxy__my_malformed(c);
        } else {
            c->state = OXY__MY_S_DRAIN;
        }
        (void)mysql_stmt_free_result(c->s->stmt); /* it is on this side already: nothing is sent */
        return OXY_STEP_TURN;
    case OXY__MY_S_DIRECT:
        /* The row lies in the library's buffer; where it ends there is not told. */
        packet = c->mysql->net.read_pos;
        if (!oxy__my_cells(c, packet, (size_t)(c->mysql->net.buff_end - packet))) {
            oxy__my_malformed(c);
            return OXY_STEP_TURN;
        }
        c->state = OXY__MY_S_DIRECT_NEXT;
        return row(c);
    case OXY__MY_S_DIRECT_NEXT:
        if (oxy__my_ahead(c, &packet, &len)) {
            if (oxy__my_cells(c, packet, len))
                return row(c);
            oxy__my_malformed(c);
            return OXY_STEP_TURN;
        }
        c->call.stmt = c->s->stmt;
        oxy__my_begin(c, OXY__MY_FETCH);
        c->state = OXY__MY_S_FETCHED;
        return OXY_STEP_TURN;
    case OXY__MY_S_TEXT_ROWS:
        text = mysql_fetch_row(c->text); /* stored: no call */
        if (!text) {
            c->state = OXY__MY_S_OVER;
        } else {
            if (oxy__my_text_cells(c, text, mysql_fetch_lengths(c->text)))
                return row(c);
            oxy__my_malformed(c);
        }
        return OXY_STEP_TURN;
    case OXY__MY_S_DONE:
    case OXY__MY_S_FAILED: return ended(c);
    default: break;
    }
    (void)oxy_err_set(&c->base.err, OXY_INTERNAL, "step without a request");
    return OXY_STEP_FAILED;
}

static oxy_step want(const oxy__mysql *c)
{
    if (c->call.op == OXY__MY_CONNECT && !c->call.greeted)
        return OXY_STEP_WANT_READ;
    return c->call.wait & MYSQL_WAIT_WRITE ? OXY_STEP_WANT_WRITE : OXY_STEP_WANT_READ;
}

oxy_step oxy__my_step(oxy__mysql *c)
{
    oxy_step s;

    if (c->call.wait)
        oxy__my_resume(c);
    if (c->opening && c->connect_deadline != OXY_NS_NEVER && oxy_clock_now() > c->connect_deadline) {
        oxy__my_abandon(c);
        (void)oxy_err_set(&c->base.err, OXY_OPERATIONAL, "connecting to the server timed out");
        c->base.err.flags = OXY_ERR_NOT_READY;
        c->state = OXY__MY_S_BROKEN;
        return OXY_STEP_FAILED;
    }
    do {
        oxy__my_advance(c);
        if (c->call.wait)
            return want(c);
        s = answer(c);
    } while (s == OXY_STEP_TURN);
    return s;
}

oxy_step oxy__my_pump(oxy__mysql *c)
{
    if (!c->call.wait)
        return OXY_STEP_DONE;
    oxy__my_resume(c);
    oxy__my_advance(c);
    return c->call.wait ? want(c) : OXY_STEP_DONE;
}
