/* SPDX-License-Identifier: MIT */
/* Answers: reading them, and giving each to the run that its command was of. */
#include "postgres.h"

#include "driver/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Reads of the socket in one pump, so that a large result does not take a turn
 * of the event loop for every few kilobytes, nor keep the loop for itself. */
#define READS 16
/* Rows of a stream held at once where libpq can hand out several; rows may be large. */
#define CHUNK 32

static void advance(oxy__pg *c)
{
    c->wire_first = (c->wire_first + 1) & (c->wire_cap - 1);
    c->wire_n--;
}

static void fail_with(oxy__pg *c, oxy__pg_run *run, oxy_rc rc, const char *message)
{
    oxy_err err;

    (void)oxy_err_set(&err, rc, "%s", message);
    oxy__pg_run_fail(c, run, &err);
}

/* --- failures that allow another try ------------------------------------------------------ */

static bool state_is(const PGresult *res, const char *state)
{
    const char *found = PQresultErrorField(res, PG_DIAG_SQLSTATE);

    return found && strcmp(found, state) == 0;
}

/* 0A000 is also "not supported"; the function that said it is never translated. */
static bool is_stale_plan(const PGresult *res)
{
    const char *function = PQresultErrorField(res, PG_DIAG_SOURCE_FUNCTION);
    const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    return state_is(res, "0A000") && ((function && strcmp(function, "RevalidateCachedQuery") == 0) ||
                                      (message && strstr(message, "cached plan")));
}

/* Somebody else prepared or forgot under our names: a pooler, unless free text
 * on this connection may have done it. */
static void noticed_pooler(oxy__pg *c)
{
    if (c->tainted)
        return;
    c->base.server.pooler = true;
    if (!c->keep_names)
        c->unnamed = true;
}

/* Whether the failed command may be sent again: it did not run, and nothing
 * else of a transaction is lost. Forgets what proved wrong. */
static bool worth_a_retry(oxy__pg *c, oxy__pg_run *run, const PGresult *res)
{
    oxy__pg_stmt *s = run->stmt;
    bool named = s && (s->number || run->named);

    if (!s)
        return false;
    if (named && (state_is(res, "26000") || state_is(res, "42P05"))) {
        noticed_pooler(c);
        if (s->number) { /* else another run has met the same, and may be preparing it anew */
            s->number = 0;
            oxy__pg_cache_clear(c, false);
        }
    } else if (named && is_stale_plan(res)) {
        oxy__pg_stmt_forget(c, s);
    } else if (!named && s->cached && !run->fresh && PQresultErrorField(res, PG_DIAG_SQLSTATE) &&
               strncmp(PQresultErrorField(res, PG_DIAG_SQLSTATE), "42", 2) == 0) {
        /* Sent with types from an earlier description, which may have changed. */
        oxy__pg_stmt_forget(c, s);
    } else {
        return false;
    }
    return run->from_idle && !run->retried && !run->abandoned;
}

static void server_error(oxy__pg *c, oxy__pg_unit_kind kind, oxy__pg_run *run, const PGresult *res)
{
    bool statement = kind == OXY__PG_U_PREPARE || kind == OXY__PG_U_DESCRIBE || kind == OXY__PG_U_EXECUTE;
    const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
    oxy_err err;

    (void)oxy__pg_error(c, res, &err);
    if (severity && strcmp(severity, "ERROR") != 0) {
        c->going = true;
        if (c->lost.rc == OXY_OK)
            c->lost = err;
    }
    if (!run)
        return;
    if (run->batch) {
        c->batch_failed = true;
        return;
    }
    if (kind == OXY__PG_U_PREPARE && oxy__pg_untyped(run, res) && (run->from_idle || run->guarded)) {
        run->retry = !run->abandoned;
        return;
    }
    if (statement && !run->rows_out && worth_a_retry(c, run, res)) {
        run->retry = true;
        return;
    }
    if (strcmp(err.sqlstate, "42601") == 0 && run->stmt && oxy__sql_several(run->stmt->sql, run->stmt->len))
        (void)oxy_err_set(&err, OXY_PROGRAMMING, "several statements in one call; use execute_script for them");
    if ((err.flags & OXY_ERR_READ_ONLY) && run->from_idle)
        err.flags |= OXY_ERR_UNSENT;
    oxy__pg_run_fail(c, run, &err);
}

/* --- results of each kind of command ------------------------------------------------------- */

static int64_t affected_rows(PGresult *res)
{
    const char *tuples = PQcmdTuples(res), *status = PQcmdStatus(res);

    if (!*tuples)
        return 0;
    if (strncmp(status, "SELECT", 6) == 0)
        return -1;
    return strtoll(tuples, NULL, 10);
}

/* Takes the result. */
static void take_rows(oxy__pg *c, oxy__pg_run *run, PGresult *res)
{
    PQclear(run->result);
    run->result = res;
    run->row = 0;
    run->n_rows = run->abandoned ? 0 : PQntuples(res);
    run->rows_out |= run->n_rows > 0;
    run->shown = false;
    if (PQresultStatus(res) == PGRES_TUPLES_OK || PQresultStatus(res) == PGRES_COMMAND_OK)
        run->affected = affected_rows(res);
    (void)c;
}

static void described(oxy__pg *c, oxy__pg_run *run, const PGresult *res)
{
    oxy__pg_stmt *s = run->stmt;

    if (oxy__pg_stmt_describe(c, s, res) != OXY_OK) {
        run->no_memory = true;
        return;
    }
    s->state = oxy__pg_stmt_unknown(c, s, NULL) ? OXY__PG_LOOKING_UP : OXY__PG_READY;
    if (s->state == OXY__PG_READY)
        oxy__pg_stmt_choose(c, s);
}

static void looked_up(oxy__pg *c, oxy__pg_run *run, const PGresult *res)
{
    if (oxy__pg_types_learn(c, run->stmt, res) != OXY_OK) {
        run->no_memory = true;
        return;
    }
    oxy__pg_stmt_choose(c, run->stmt);
    run->stmt->state = OXY__PG_READY;
}

/* COPY needs a conversation of its own. Text that begins with the word is refused
 * before it is sent, so this is a script. */
static void refuse_copy(oxy__pg *c, oxy__pg_run *run, ExecStatusType status)
{
    if (run)
        fail_with(c, run, OXY_NOT_SUPPORTED, "COPY is not supported in scripts");
    if (status == PGRES_COPY_IN && PQputCopyEnd(c->pq, "not supported") == 1)
        oxy__pg_flush(c);
    if (run)
        run->copy = status == PGRES_COPY_OUT;
}

/* Takes the result of the oldest unit; NULL ends a command. */
static void take_result(oxy__pg *c, PGresult *res)
{
    oxy__pg_unit *u = &c->wire[c->wire_first & (c->wire_cap - 1)];
    oxy__pg_run *run = u->run;
    ExecStatusType status = PQresultStatus(res);

    switch (status) {
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
#ifdef LIBPQ_HAS_CHUNK_MODE
    case PGRES_TUPLES_CHUNK:
#endif
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        if (u->kind == OXY__PG_U_HELLO)
            oxy__pg_hello(c, res);
        if (!run)
            break;
        if (u->kind == OXY__PG_U_EXECUTE) {
            take_rows(c, run, res);
            return;
        }
        if (u->kind == OXY__PG_U_DESCRIBE)
            described(c, run, res);
        else if (u->kind == OXY__PG_U_LOOKUP)
            looked_up(c, run, res);
        break;
    case PGRES_FATAL_ERROR:
    case PGRES_BAD_RESPONSE:
        /* A DEALLOCATE may fail: nobody asked for it. */
        server_error(c, u->kind, u->kind == OXY__PG_U_SIDE ? NULL : run, res);
        if (PQstatus(c->pq) == CONNECTION_BAD)
            oxy__pg_lost(c);
        break;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        if (u->kind == OXY__PG_U_SCRIPT)
            refuse_copy(c, run, status);
        else
            oxy__pg_broke(c, OXY_NOT_SUPPORTED, "COPY is not supported");
        break;
    default: break; /* aborted: the failure before it counts */
    }
    PQclear(res);
}

/* --- the end of flights ------------------------------------------------------------------------ */

static void unlink_ghost(oxy__pg *c, oxy__pg_run *run)
{
    oxy__pg_run **at = &c->ghosts;

    while (*at != run)
        at = &(*at)->next;
    *at = run->next;
    oxy__pg_run_free(c, run);
}

static void over(oxy__pg *c, oxy__pg_run *run)
{
    run->stage = OXY__PG_OVER;
    oxy__pg_cancel_met(c, run);
    if (run->abandoned)
        unlink_ghost(c, run);
}

/* What did run of the flight is undone: by our savepoint, or by rolling back what
 * the flight began, which is then sent once more. */
static void again(oxy__pg *c, oxy__pg_run *run)
{
    PGTransactionStatusType status = PQtransactionStatus(c->pq);
    bool untyped = run->stmt && run->stmt->state == OXY__PG_UNTYPED;
    oxy_err err;

    run->retry = run->executed = run->fresh = run->mode_set = run->named = false;
    run->rollback = status == PQTRANS_INERROR || status == PQTRANS_INTRANS;
    if (!run->guarded) {
        run->before_sent = false;
        run->retried = true;
    }
    PQclear(run->result);
    run->result = NULL;
    run->row = run->n_rows = 0;
    run->direct = run->row_waits = false;
    run->stage = OXY__PG_TO_SEND;
    if (untyped)
        return; /* the next statement follows from this one */
    oxy__pg_stmt_drop(c, run->stmt);
    run->stmt = NULL;
    if (oxy__pg_stmt_get(c, &run->req, NULL, &run->stmt, &err) != OXY_OK) {
        oxy__pg_run_fail(c, run, &err);
        over(c, run);
    }
}

/* The sync of a run's flight came: what now? */
static void flight_over(oxy__pg *c, oxy__pg_run *run)
{
    oxy__pg_stmt *s = run->stmt;
    bool failed = run->failure || run->no_memory;

    if (s && run->fresh && (failed || run->retry) && s->state != OXY__PG_READY && s->state != OXY__PG_UNTYPED) {
        /* Others that wait for this description ask for themselves. */
        if (s->state == OXY__PG_PREPARING)
            s->number = 0;
        s->state = OXY__PG_NEW;
        oxy__pg_stmt_forget(c, s);
    }
    if (run->retry && !run->abandoned) {
        again(c, run);
    } else if (failed || run->executed || run->abandoned) {
        if (!failed && run->executed && (run->req.flags & OXY_REQ_RESET)) {
            c->tainted = c->tainted && c->base.server.pooler;
            if (!c->base.server.pooler) {
                if (c->show)
                    c->show->number = 0; /* evicted, perhaps, and still on show */
                oxy__pg_cache_clear(c, false);
            }
        }
        over(c, run);
    } else {
        run->stage = OXY__PG_TO_SEND;
    }
}

/* Of a flight in which something failed: each one alone has the outcome that
 * counts, its own failure as well as the others' success. */
static void in_vain(oxy__pg *c, oxy__pg_run *run)
{
    PQclear(run->result);
    oxy_alloc_free(c->base.alloc, run->failure);
    run->result = NULL;
    run->failure = NULL;
    run->row = run->n_rows = 0;
    run->no_memory = run->executed = run->rows_out = run->shown = false;
    run->affected = -1;
    run->alone = true;
    run->stage = OXY__PG_TO_SEND;
}

/* The sync of a flight that several runs share: what holds for one holds for all. */
static void batch_over(oxy__pg *c, uint32_t batch)
{
    bool failed = c->batch_failed;

    c->batch_failed = false;
    if (failed)
        oxy__pg_cancel_met(c, NULL); /* it may have been one: there is nothing to be stopped for now */
    for (oxy__pg_run *run = c->head; run; run = run->next) {
        if (run->batch != batch)
            continue;
        run->batch = 0;
        if (failed || run->failure || run->no_memory)
            in_vain(c, run);
        else
            over(c, run);
    }
    for (oxy__pg_run *run = c->ghosts, *next; run; run = next) {
        next = run->next;
        if (run->batch == batch)
            over(c, run);
    }
}

static void script_over(oxy__pg *c, oxy__pg_run *run)
{
    if (!PQenterPipelineMode(c->pq)) {
        oxy__pg_lost(c);
        return;
    }
    c->piped = true;
    if (run)
        over(c, run);
}

/* --- reading -------------------------------------------------------------------------------------- */

static bool rows_wait(const oxy__pg_run *run)
{
    return run && run->result && run->row < run->n_rows && !run->batch;
}

bool oxy__pg_answer_ready(const oxy__pg *c)
{
    return c->head && (c->head->stage == OXY__PG_OVER || rows_wait(c->head) || c->head->row_waits);
}

static void stream_mode(oxy__pg *c, const oxy__pg_unit *u)
{
    oxy__pg_run *run = u->run;

    if (u->kind != OXY__PG_U_EXECUTE || !run || run->mode_set || !(run->req.flags & OXY_REQ_STREAM))
        return;
    run->mode_set = true;
#ifdef LIBPQ_HAS_CHUNK_MODE
    (void)PQsetChunkedRowsMode(c->pq, CHUNK);
#else
    (void)PQsetSingleRowMode(c->pq);
#endif
}

/* false: nothing of the data is wanted; more may have to come. */
static bool drop_copy_data(oxy__pg *c, oxy__pg_run *run)
{
    char *data = NULL;
    int n;

    while ((n = PQgetCopyData(c->pq, &data, 1)) > 0)
        PQfreemem(data);
    if (n == 0)
        return false;
    run->copy = false;
    return true;
}

/* One answer further. false: it has not come yet. */
static bool next_result(oxy__pg *c)
{
    oxy__pg_unit u = c->wire[c->wire_first & (c->wire_cap - 1)];
    PGresult *res;

    stream_mode(c, &u);
    if (u.run && u.run->copy && !drop_copy_data(c, u.run))
        return false;
    if (oxy__pg_busy(c, &u))
        return false;
    res = PQgetResult(c->pq);
    if (!res) {
        if (PQstatus(c->pq) == CONNECTION_BAD) {
            oxy__pg_lost(c);
        } else if (u.kind == OXY__PG_U_SCRIPT) {
            advance(c);
            script_over(c, u.run);
            oxy__pg_go_on(c);
        } else if (u.kind != OXY__PG_U_SYNC) {
            advance(c);
        }
        return true;
    }
    if (PQresultStatus(res) != PGRES_PIPELINE_SYNC) {
        take_result(c, res);
        return true;
    }
    PQclear(res);
    advance(c);
    if (u.run) {
        if (u.run->batch)
            batch_over(c, u.run->batch);
        else
            flight_over(c, u.run);
        oxy__pg_go_on(c);
    }
    return true;
}

/* Reads what the socket has, as much as libpq takes at a time. False: there was no
 * more, or the end. libpq does not say so, but it leaves errno as the socket set
 * it, and had room for more; TLS sets no errno, there the socket is asked. */
static bool read_socket(oxy__pg *c)
{
    char byte;
    bool drained;

    oxy__pg_look(c);
    errno = 0;
    if (!PQconsumeInput(c->pq)) {
        c->ended = true; /* what came before the end is still to be read */
        return false;
    }
    drained = errno == EAGAIN || errno == EWOULDBLOCK;
    oxy__pg_found(c);
    if (!PQsslInUse(c->pq) && !PQgssEncInUse(c->pq))
        return !drained && !(c->window && c->window->end < c->window->size);
    return recv(PQsocket(c->pq), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void read_results(oxy__pg *c)
{
    while (c->phase != OXY__PG_BROKEN && c->wire_n) {
        const oxy__pg_unit *u = &c->wire[c->wire_first & (c->wire_cap - 1)];

        if (u->run && (u->run->req.flags & OXY_REQ_STREAM) && rows_wait(u->run))
            return; /* bounded memory: first those */
        if (!next_result(c))
            return;
    }
}

/* What libpq holds comes before what the socket holds: a stream would else pile
 * up in libpq's buffer. */
oxy_step oxy__pg_pump(oxy__pg *c)
{
    bool read = !c->just_sent;

    oxy__pg_give_back(c);
    c->just_sent = false;
    for (int reads = 0;; reads++) {
        if (c->want_write)
            oxy__pg_flush(c);
        read_results(c);
        if (c->phase == OXY__PG_BROKEN || oxy__pg_answer_ready(c) || (!c->wire_n && !c->head))
            return OXY_STEP_DONE;
        if (c->ended || PQstatus(c->pq) == CONNECTION_BAD) {
            oxy__pg_lost(c);
            return OXY_STEP_DONE;
        }
        if (c->head && c->head->alone && c->head->stage == OXY__PG_TO_SEND && oxy__pg_cancel_busy(c))
            return OXY_STEP_DONE; /* a cancel is on its way: step() waits for that, not for the socket */
        if (!read || c->just_sent || reads > READS)
            break;
        read = read_socket(c) || c->ended;
    }
    c->just_sent = false;
    return c->want_write ? OXY_STEP_WANT_WRITE : OXY_STEP_WANT_READ;
}
