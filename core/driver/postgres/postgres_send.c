/* SPDX-License-Identifier: MIT */
/* Flights: what a run sends before it waits. Every flight ends with a sync of
 * its own, so that its failure ends there. Point reads may share one: if any of
 * them fails, the flight counts for nothing and each is sent again by itself.
 *
 *   first use   [before...] Parse Describe Sync, then as below without before
 *   new types   a look into pg_type, Sync
 *   other types than the server inferred: as on first use
 *   later       [before...] Bind Execute Sync
 *   point reads that were started together: Bind Execute, Bind Execute, ... Sync
 *
 * A libpq call that fails halfway leaves commands without a sync: then the
 * connection is given up. */
#include "postgres.h"

#include "driver/words.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* --- the wire queue ------------------------------------------------------------------- */

/* Room first, so that what is sent is also noted. */
static bool reserve(oxy__pg *c, uint32_t n)
{
    uint32_t cap = c->wire_cap ? c->wire_cap : 16;
    oxy__pg_unit *grown;

    if (c->wire_cap - c->wire_n >= n && c->wire_cap)
        return true;
    while (cap - c->wire_n < n)
        cap *= 2;
    grown = oxy_alloc_new(c->base.alloc, cap * sizeof *grown);
    if (!grown)
        return false;
    for (uint32_t i = 0; i < c->wire_n; i++)
        grown[i] = c->wire[(c->wire_first + i) & (c->wire_cap - 1)];
    oxy_alloc_free(c->base.alloc, c->wire);
    c->wire = grown;
    c->wire_cap = cap;
    c->wire_first = 0;
    return true;
}

/* Notes a command if libpq took it. */
static bool note(oxy__pg *c, int sent, oxy__pg_unit_kind kind, oxy__pg_run *run)
{
    if (!sent) {
        oxy__pg_lost(c);
        return false;
    }
    c->wire[(c->wire_first + c->wire_n++) & (c->wire_cap - 1)] = (oxy__pg_unit){kind, run};
    return true;
}

static bool send_sync(oxy__pg *c, oxy__pg_run *run)
{
    return note(c, PQpipelineSync(c->pq), OXY__PG_U_SYNC, run);
}

static int send_text(oxy__pg *c, const char *sql)
{
    return PQsendQueryParams(c->pq, sql, 0, NULL, NULL, NULL, NULL, 0);
}

void oxy__pg_flush(oxy__pg *c)
{
    int left = PQflush(c->pq);

    c->want_write = left > 0;
    if (left < 0)
        c->ended = true; /* what the server said before may still be read */
}

bool oxy__pg_send_hello(oxy__pg *c)
{
    return reserve(c, 2) && note(c, send_text(c, "SELECT pg_catalog.pg_backend_pid()"), OXY__PG_U_HELLO, NULL) &&
           send_sync(c, NULL);
}

/* --- parts of flights ------------------------------------------------------------------- */

static void fail_as(oxy__pg *c, oxy__pg_run *run, const oxy_err *err)
{
    oxy__pg_run_fail(c, run, err);
    run->stage = OXY__PG_OVER;
    oxy__pg_cancel_met(c, run);
}

static void fail(oxy__pg *c, oxy__pg_run *run, oxy_rc rc, const char *message)
{
    oxy_err err;

    (void)oxy_err_set(&err, rc, "%s", message);
    fail_as(c, run, &err);
}

/* The text of the request that libpq wants NUL-terminated. */
static const char *text_of(oxy__pg *c, oxy_sv sql)
{
    if (sql.len && memchr(sql.p, '\0', sql.len))
        return NULL;
    return oxy_arena_copy(&c->scratch, sql.p, sql.len);
}

/* DEALLOCATE of an unknown name fails and would take a transaction with it; that
 * can only be if free text meddled with our statements. Close never fails. */
static bool may_close(const oxy__pg *c)
{
#ifdef LIBPQ_HAS_CLOSE_PREPARED
    (void)c;
    return true;
#else
    return !c->tainted || PQtransactionStatus(c->pq) == PQTRANS_IDLE;
#endif
}

static bool send_closings(oxy__pg *c, oxy__pg_run *run)
{
    char name[OXY__PG_NAME_MAX];
    uint32_t number;

    if (!c->n_closing || c->n_runs > 1 || PQtransactionStatus(c->pq) == PQTRANS_INERROR || !may_close(c))
        return true;
    if (!reserve(c, 2 * c->n_closing)) {
        fail(c, run, OXY_NOMEM, "out of memory");
        return false;
    }
    while ((number = oxy__pg_stmt_closing(c))) {
        int sent;

        oxy__pg_name(c, number, name);
#ifdef LIBPQ_HAS_CLOSE_PREPARED
        sent = PQsendClosePrepared(c->pq, name);
#else
        char sql[OXY__PG_NAME_MAX + 16];

        (void)snprintf(sql, sizeof sql, "DEALLOCATE %s", name);
        sent = send_text(c, sql);
#endif
        if (!note(c, sent, OXY__PG_U_SIDE, NULL) || !send_sync(c, NULL))
            return false;
    }
    return true;
}

/* --- a guard around Parse ----------------------------------------------------------------
 * A parameter without a type fails the Parse of free text, and with it the
 * transaction, before we can declare one. A savepoint keeps the transaction: it
 * stands from the Parse to the statement, without a round trip of its own. */

#define GUARD "oxyde_parse"

static bool wants_guard(const oxy__pg_run *run)
{
    return (run->req.flags & OXY_REQ_RAW) && run->stmt->infers && !run->guarded && run->in_block;
}

static bool send_guard(oxy__pg *c, oxy__pg_run *run)
{
    run->guarded = true;
    return note(c, send_text(c, "SAVEPOINT " GUARD), OXY__PG_U_BEFORE, run);
}

static bool send_unguard(oxy__pg *c, oxy__pg_run *run)
{
    run->guarded = false;
    return note(c, send_text(c, "RELEASE SAVEPOINT " GUARD), OXY__PG_U_BEFORE, run);
}

/* What stands in front of the statement, with the wire reserved for `more`. */
static bool send_front(oxy__pg *c, oxy__pg_run *run, uint32_t more)
{
    bool first = !run->before_sent;
    uint32_t n = first ? run->req.n_before : 0;

    if (first && !run->retried) {
        PGTransactionStatusType status = PQtransactionStatus(c->pq);

        /* Beside others libpq only says that it is busy. */
        run->from_idle = run == c->head ? status == PQTRANS_IDLE : c->head->from_idle;
        run->in_block = status == PQTRANS_INTRANS;
        if (!send_closings(c, run))
            return false;
    }
    if (!reserve(c, n + more + 2)) {
        fail(c, run, OXY_NOMEM, "out of memory");
        return false;
    }
    if (run->rollback) {
        run->rollback = false;
        if (!note(c, send_text(c, run->guarded ? "ROLLBACK TO SAVEPOINT " GUARD : "ROLLBACK"), OXY__PG_U_SIDE, NULL) ||
            !send_sync(c, NULL))
            return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        const char *sql = text_of(c, run->req.before[i]);

        if (!sql) {
            /* Part of the flight may be out: end it, the failure stands. */
            fail(c, run, OXY_NOMEM, "out of memory");
            run->stage = OXY__PG_SENT;
            run->executed = true;
            (void)(i > 0 ? send_sync(c, run) : (run->stage = OXY__PG_OVER));
            return false;
        }
        if (!note(c, send_text(c, sql), OXY__PG_U_BEFORE, run))
            return false;
    }
    run->before_sent = true;
    return true;
}

/* --- flights ------------------------------------------------------------------------------------ */

static void send_prepare(oxy__pg *c, oxy__pg_run *run)
{
    oxy__pg_stmt *s = run->stmt;
    char name[OXY__PG_NAME_MAX] = "";
    uint32_t number = 0;

    if (!send_front(c, run, 4) || (wants_guard(run) && !send_guard(c, run)))
        return;
    if (s->cached && !c->unnamed) {
        if (++c->names == 0)
            c->names = 1; /* 0 means none */
        number = c->names;
        oxy__pg_name(c, number, name);
    }
    if (!note(c, PQsendPrepare(c->pq, name, s->sql, (int)s->n_declared, s->declared), OXY__PG_U_PREPARE, run) ||
        !note(c, PQsendDescribePrepared(c->pq, name), OXY__PG_U_DESCRIBE, run) || !send_sync(c, run))
        return;
    s->number = number;
    s->state = OXY__PG_PREPARING;
    run->stage = OXY__PG_SENT;
    run->fresh = true;
}

static void send_lookup(oxy__pg *c, oxy__pg_run *run)
{
    oxy_buf oids;
    const char *values[1];
    int sent;

    oxy_buf_init(&oids, c->base.alloc, 1u << 20);
    (void)oxy__pg_stmt_unknown(c, run->stmt, &oids);
    if (oids.rc != OXY_OK || !reserve(c, 2)) {
        oxy_buf_fini(&oids);
        run->stmt->state = OXY__PG_NEW;
        fail(c, run, OXY_NOMEM, "out of memory");
        return;
    }
    values[0] = oids.p;
    sent = PQsendQueryParams(c->pq, oxy__pg_types_query, 1, NULL, values, NULL, NULL, 0);
    oxy_buf_fini(&oids);
    if (!note(c, sent, OXY__PG_U_LOOKUP, run) || !send_sync(c, run))
        return;
    run->stage = OXY__PG_SENT;
}

static void send_execute(oxy__pg *c, oxy__pg_run *run)
{
    oxy__pg_stmt *s = run->stmt;
    oxy__pg_params p = {NULL, NULL, NULL};
    char name[OXY__PG_NAME_MAX];
    oxy_err err;
    int n = (int)run->req.n_values, format = s->text ? 0 : 1, sent;

    oxy_err_clear(&err);
    if (oxy__pg_encode_all(c, run, &p, &err) != OXY_OK) {
        fail_as(c, run, &err);
        return;
    }
    if (!send_front(c, run, 3) || (run->guarded && !send_unguard(c, run)))
        return;
    run->named = s->number != 0;
    if (s->number) {
        /* The one row of a read by key takes the server as long either way. */
        const int before = s->texts && !(run->req.flags & OXY_REQ_POINT) ? oxy__pg_outgoing(c) : -1;

        oxy__pg_name(c, s->number, name);
        sent = PQsendQueryPrepared(c->pq, name, n, p.values, p.lengths, p.formats, format);
        if (sent && before >= 0)
            oxy__pg_ask_for_texts(c, s, name, before);
    } else {
        sent = PQsendQueryParams(c->pq, s->sql, n, s->params, p.values, p.lengths, p.formats, format);
    }
    if (!note(c, sent, OXY__PG_U_EXECUTE, run) || (run->batch == 0 && !send_sync(c, run)))
        return;
    run->executed = true;
    run->stage = OXY__PG_SENT;
}

static void send_script(oxy__pg *c, oxy__pg_run *run)
{
    const oxy_request *r = &run->req;
    oxy_buf text;

    if (r->sql.len && memchr(r->sql.p, '\0', r->sql.len)) {
        fail(c, run, OXY_PROGRAMMING, "script contains a NUL character");
        return;
    }
    oxy_buf_init(&text, c->base.alloc, SIZE_MAX / 4);
    for (uint32_t i = 0; i < r->n_before; i++) {
        oxy_buf_put(&text, r->before[i].p, r->before[i].len);
        oxy_buf_puts(&text, ";\n");
    }
    oxy_buf_put(&text, r->sql.p, r->sql.len);
    if (text.rc != OXY_OK || !reserve(c, 1)) {
        oxy_buf_fini(&text);
        fail(c, run, OXY_NOMEM, "out of memory");
        return;
    }
    if (!PQexitPipelineMode(c->pq)) {
        oxy_buf_fini(&text);
        oxy__pg_lost(c);
        return;
    }
    c->piped = false;
    run->executed = true;
    run->stage = OXY__PG_SENT;
    (void)note(c, PQsendQuery(c->pq, text.p), OXY__PG_U_SCRIPT, run);
    oxy_buf_fini(&text);
}

/* A reset drops the server's statements; through a pooler the next transaction
 * may be on another server, and there is nothing to reset. */
static void send_plain(oxy__pg *c, oxy__pg_run *run)
{
    if (!send_front(c, run, 2))
        return;
    run->executed = true;
    run->stage = OXY__PG_SENT;
    if ((run->req.flags & OXY_REQ_RESET) && !c->base.server.pooler &&
        !note(c, send_text(c, "DISCARD ALL"), OXY__PG_U_EXECUTE, run))
        return;
    (void)send_sync(c, run);
}

static void send_run(oxy__pg *c, oxy__pg_run *run)
{
    oxy_err err;

    oxy_arena_reset(&c->scratch);
    if (run->req.flags & (OXY_REQ_PING | OXY_REQ_RESET)) {
        send_plain(c, run);
        return;
    }
    if (run->stmt->infers && oxy__pg_retype(c, run, &err) != OXY_OK) {
        fail_as(c, run, &err);
        return;
    }
    switch (run->stmt->state) {
    case OXY__PG_NEW: send_prepare(c, run); break;
    case OXY__PG_LOOKING_UP:
        if (run->fresh)
            send_lookup(c, run);
        break;
    case OXY__PG_READY: send_execute(c, run); break;
    case OXY__PG_PREPARING: /* another run asks */
    case OXY__PG_UNTYPED: break;
    }
}

/* --- point reads that share a flight --------------------------------------------------------
 * A sync costs the server a transaction and a packet, as much as the read itself. What
 * these reads have in common is that they are quick, so that no answer waits for
 * another, and that they may be sent twice. */

static bool may_share(oxy__pg *c, oxy__pg_run *run)
{
    const uint32_t wanted = OXY_REQ_HELD | OXY_REQ_SHARED | OXY_REQ_POINT;
    bool idle = run == c->head ? PQtransactionStatus(c->pq) == PQTRANS_IDLE : c->head->from_idle;
    oxy_err err;

    if ((run->req.flags & wanted) != wanted || (run->req.flags & (OXY_REQ_WRITE | OXY_REQ_RAW)) != 0 ||
        run->req.n_before > 0 || run->alone || run->retried || !idle)
        return false;
    /* It may turn out to be another statement, to be prepared first. */
    if (run->stmt->infers && oxy__pg_retype(c, run, &err) != OXY_OK)
        return false;
    return run->stmt->state == OXY__PG_READY;
}

static void join_flight(oxy__pg *c, oxy__pg_run *run)
{
    if (!c->joined && ++c->batches == 0)
        c->batches = 1; /* 0 means none */
    run->batch = c->batches;
    send_run(c, run);
    if (run->stage != OXY__PG_SENT) {
        run->batch = 0;
        return;
    }
    c->n_joined = c->joined ? c->n_joined + 1 : 1;
    c->joined = run;
}

static void end_flight(oxy__pg *c)
{
    oxy__pg_run *last = c->joined;

    c->joined = NULL;
    if (!last || c->phase != OXY__PG_USABLE)
        return;
    if (c->n_joined == 1)
        last->batch = 0;
    (void)send_sync(c, last);
}

/* --- in order ------------------------------------------------------------------------------ */

/* Calls of libpq may flush; what was sent is noted before anything is read. */
void oxy__pg_go_on(oxy__pg *c)
{
    bool sent = false, first = c->wire_n == 0;

    for (oxy__pg_run *run = c->head; run && c->phase == OXY__PG_USABLE; run = run->next) {
        if (run->stage != OXY__PG_TO_SEND)
            continue;
        if (run == c->head && oxy__pg_cancel_hits(c)) {
            fail(c, run, OXY_CANCELED, "canceled before it was sent");
            continue;
        }
        if (run == c->head && oxy__pg_cancel_busy(c))
            return; /* a late cancel of the one before; step() waits for it */
        if (!c->piped || (run->alone && oxy__pg_cancel_busy(c)))
            break;
        if (may_share(c, run)) {
            join_flight(c, run);
            sent = true;
            continue;
        }
        end_flight(c);
        if (run->req.flags & OXY_REQ_SCRIPT) {
            if (c->wire_n)
                break;
            send_script(c, run);
            sent = true;
            break;
        }
        send_run(c, run);
        sent = true;
    }
    end_flight(c);
    if (sent)
        oxy_arena_reset(&c->scratch); /* libpq has copied it; large values are not kept */
    if (sent && c->phase == OXY__PG_USABLE) {
        oxy__pg_flush(c);
        c->just_sent = first;
    }
}
