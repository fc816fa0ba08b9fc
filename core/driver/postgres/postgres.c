/* SPDX-License-Identifier: MIT */
/* The PostgreSQL driver's table: the life of a connection and of its requests. */
#include "postgres.h"

#include "driver/words.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Rows in one go that come as fast as they are taken. */
#define BURST 4096

static oxy__pg *self(oxy_conn *c)
{
    return (oxy__pg *)c;
}

/* --- runs -------------------------------------------------------------------------- */

void oxy__pg_run_free(oxy__pg *c, oxy__pg_run *run)
{
    oxy__pg_stmt *s = run->stmt;

    if (s && run->fresh && s->state == OXY__PG_LOOKING_UP) {
        /* It will not ask for the types any more: whoever comes next begins anew. */
        s->state = OXY__PG_NEW;
        oxy__pg_stmt_forget(c, s);
    }
    PQclear(run->result);
    oxy__pg_stmt_drop(c, run->stmt);
    oxy_alloc_free(c->base.alloc, run->failure);
    if (c->spare)
        oxy_alloc_free(c->base.alloc, run);
    else
        c->spare = run;
}

static oxy__pg_run *run_new(oxy__pg *c, const oxy_request *r)
{
    oxy__pg_run *run = c->spare;

    if (run)
        memset(run, 0, sizeof *run);
    else
        run = oxy_alloc_zero(c->base.alloc, 1, sizeof *run);
    c->spare = NULL;
    if (!run)
        return NULL;
    run->req = *r;
    run->affected = -1;
    return run;
}

static oxy__pg_run *unlink_head(oxy__pg *c)
{
    oxy__pg_run *run = c->head;

    c->head = run->next;
    if (!c->head)
        c->tail = &c->head;
    c->n_runs--;
    run->next = NULL;
    return run;
}

/* --- open and close ------------------------------------------------------------------- */

static void free_connection(oxy__pg *c)
{
    const oxy_alloc *a = c->base.alloc;

    c->phase = OXY__PG_BROKEN;
    oxy__pg_cancel_fini(c);
    oxy__errand_drop(c->lookup);
    while (c->head)
        oxy__pg_run_free(c, unlink_head(c));
    while (c->ghosts) {
        oxy__pg_run *next = c->ghosts->next;

        oxy__pg_run_free(c, c->ghosts);
        c->ghosts = next;
    }
    oxy__pg_stmt_drop(c, c->show);
    oxy__pg_cache_fini(c);
    oxy__pg_settings_free(c);
    PQfinish(c->pq);
    oxy_alloc_free(a, c->spare);
    oxy_alloc_free(a, c->wire);
    oxy_alloc_free(a, c->row);
    oxy_alloc_free(a, c->types);
    oxy_arena_fini(&c->scratch);
    oxy_alloc_free(a, c);
}

static oxy_rc postgres_open(const oxy_open *what, const oxy_alloc *alloc, oxy_conn **out, oxy_err *err)
{
    oxy__pg *c = oxy_alloc_zero(alloc, 1, sizeof *c);
    oxy_rc rc;

    *out = NULL;
    if (!c)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    c->base.driver = &oxy_driver_postgres;
    c->base.alloc = alloc;
    c->base.affected = -1;
    c->base.serial = (uint64_t)oxy_clock_now();
    c->base.server.flavor = OXY_FLAVOR_POSTGRES;
    c->pid = getpid();
    c->errands = what->errands;
    c->tail = &c->head;
    oxy_arena_init(&c->scratch, alloc, SIZE_MAX / 4);
    if (oxy__pg_cancel_init(c) != OXY_OK) {
        oxy_alloc_free(alloc, c);
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    }
    rc = oxy__pg_configure(c, what, err);
    if (rc == OXY_OK && oxy__pg_cache_init(c, what->statement_cache ? what->statement_cache : OXY__PG_DESCRIPTIONS))
        rc = oxy_err_set(err, OXY_NOMEM, "out of memory");
    if (rc != OXY_OK) {
        free_connection(c);
        return rc;
    }
    *out = &c->base;
    return OXY_OK;
}

/* In a forked child the socket is the parent's too: closing it in order would end
 * the parent's session. The descriptor alone is given back. */
static void postgres_close(oxy_conn *base)
{
    oxy__pg *c = self(base);

    if (!c)
        return;
    if (c->pid != getpid()) {
        if (c->pq && PQsocket(c->pq) >= 0)
            (void)close(PQsocket(c->pq));
        return;
    }
    free_connection(c);
}

static oxy_step step_open(oxy__pg *c)
{
    oxy_step step = oxy__pg_connect(c);

    if (step == OXY_STEP_FAILED) {
        c->phase = OXY__PG_BROKEN;
        c->lost = c->base.err;
    }
    if (step == OXY_STEP_DONE)
        c->phase = OXY__PG_USABLE;
    return step;
}

/* --- requests ----------------------------------------------------------------------------- */

/* What free text may leave behind. */
static void note_text(oxy__pg *c, const oxy_request *r)
{
    bool plain;

    if (r->flags & OXY_REQ_SCRIPT) {
        c->tainted = true;
    } else if (r->flags & OXY_REQ_RAW) {
        (void)oxy__sql_classify(r->sql.p, r->sql.len, &plain);
        c->tainted |= !plain;
    }
}

static oxy_rc refuse(oxy__pg *c, const oxy_request *r)
{
    oxy_err *err = &c->base.err;
    bool alone = !(r->flags & OXY_REQ_SHARED) || (c->head && !(c->head->req.flags & OXY_REQ_SHARED));

    if (c->phase == OXY__PG_BROKEN) {
        *err = c->lost;
        err->flags |= OXY_ERR_UNSENT;
        return err->rc;
    }
    if (c->phase != OXY__PG_USABLE || (c->head && alone) || c->n_runs >= OXY__PG_IN_FLIGHT)
        return oxy_err_set(err, OXY_INTERFACE, "connection is busy or closed");
    if ((r->flags & OXY_REQ_SHARED) && (r->flags & (OXY_REQ_SCRIPT | OXY_REQ_STREAM | OXY_REQ_RESET)))
        return oxy_err_set(err, OXY_INTERFACE, "such a request cannot share a connection");
    if (r->n_values > OXY__PG_MAX_PARAMS)
        return oxy_err_set(err, OXY_PROGRAMMING, "statement has %u parameters, PostgreSQL takes at most %u",
                           r->n_values, OXY__PG_MAX_PARAMS);
    if (!(r->flags & OXY_REQ_SCRIPT) && oxy__sql_starts_with(r->sql.p, r->sql.len, "COPY"))
        return oxy_err_set(err, OXY_NOT_SUPPORTED, "COPY is not supported");
    return OXY_OK;
}

static bool postgres_alive(oxy_conn *base);

static oxy_rc postgres_start(oxy_conn *base, const oxy_request *r)
{
    oxy__pg *c = self(base);
    bool idle = !c->head && !c->wire_n, statement = !(r->flags & (OXY_REQ_SCRIPT | OXY_REQ_PING | OXY_REQ_RESET));
    oxy__pg_run *run;
    oxy_rc rc;

    if (base->err.rc != OXY_OK)
        oxy_err_clear(&base->err);
    rc = refuse(c, r);
    if (rc != OXY_OK)
        return rc;
    /* If the server closed while we were idle, this statement cannot have run. */
    if (idle && !postgres_alive(base)) {
        base->err = c->lost;
        base->err.flags |= OXY_ERR_UNSENT;
        return base->err.rc;
    }
    run = run_new(c, r);
    if (!run)
        return oxy_err_set(&base->err, OXY_NOMEM, "out of memory");
    if (statement) {
        rc = oxy__pg_stmt_get(c, r, NULL, &run->stmt, &base->err);
        if (rc != OXY_OK) {
            oxy__pg_run_free(c, run);
            return rc;
        }
    }
    note_text(c, r);
    if (!c->head) {
        base->cells = NULL;
        base->cols = NULL;
        base->n_cols = 0;
        base->affected = -1;
        base->last_insert_id = 0;
    }
    *c->tail = run;
    c->tail = &run->next;
    c->n_runs++;
    oxy__pg_cancel_arm(c);
    if (c->lent)
        c->held_back = true; /* sending may move the buffer that the row lies in */
    else if ((r->flags & (OXY_REQ_HELD | OXY_REQ_SHARED)) != (OXY_REQ_HELD | OXY_REQ_SHARED))
        oxy__pg_go_on(c);
    return OXY_OK;
}

static void postgres_flush(oxy_conn *base)
{
    oxy__pg *c = self(base);

    if (!c->lent && c->phase == OXY__PG_USABLE)
        oxy__pg_go_on(c);
}

/* --- steps ----------------------------------------------------------------------------------- */

/* Columns of the head's result, once per result. */
static oxy_rc show(oxy__pg *c, oxy__pg_run *run)
{
    oxy__pg_stmt *s = run->stmt;

    if (run->shown)
        return OXY_OK;
    if (s && run->result) {
        oxy_rc rc = oxy__pg_stmt_match(c, run, run->result);

        if (rc != OXY_OK)
            return rc;
    }
    if (s != c->show) {
        oxy__pg_stmt_drop(c, c->show);
        c->show = s;
        if (s)
            s->refs++;
    }
    c->base.cols = s ? s->cols : NULL;
    c->base.n_cols = s ? s->n_cols : 0;
    run->shown = true;
    return OXY_OK;
}

/* Whoever says LISTEN here is not told anything, but libpq keeps the messages. */
static void drop_notifications(oxy__pg *c)
{
    PGnotify *notify;

    while ((notify = PQnotifies(c->pq)))
        PQfreemem(notify);
}

static void discard_rows(oxy__pg_run *run)
{
    PQclear(run->result);
    run->result = NULL;
    run->row = run->n_rows = 0;
}

/* The oldest request is over: tells how, unless a cancel is still on its way. */
static oxy_step conclude(oxy__pg *c)
{
    oxy__pg_run *run = c->head;
    oxy_step step = OXY_STEP_DONE;

    if (!oxy__pg_cancel_disarm(c))
        return OXY_STEP_WANT_WORKER;
    c->base.cells = NULL;
    if (!run->failure && !run->no_memory && show(c, run) != OXY_OK && !run->failure)
        run->no_memory = true;
    if (run->failure || run->no_memory) {
        step = OXY_STEP_FAILED;
        if (run->failure)
            c->base.err = *run->failure;
        else
            (void)oxy_err_set(&c->base.err, OXY_NOMEM, "out of memory");
        c->base.affected = -1;
    } else {
        c->base.affected = run->affected;
    }
    c->base.last_insert_id = 0;
    if (c->tainted)
        drop_notifications(c);
    oxy__pg_run_free(c, unlink_head(c));
    oxy__pg_cancel_turn(c);
    if (c->head)
        oxy__pg_go_on(c);
    return step;
}

static oxy_step hand_out(oxy__pg *c, oxy__pg_run *run)
{
    oxy_rc rc = show(c, run);

    if (rc == OXY_OK)
        rc = oxy__pg_cells(c, run);
    if (rc != OXY_OK) {
        run->no_memory = !run->failure;
        discard_rows(run);
        return OXY_STEP_TURN; /* its end will tell */
    }
    run->row++;
    c->base.cells = c->row;
    return OXY_STEP_ROW;
}

/* A row from libpq's buffer. TURN: many were, others shall have their turn. */
static oxy_step hand_on(oxy__pg *c, oxy__pg_run *run)
{
    if (++c->burst > BURST) {
        c->burst = 0;
        return OXY_STEP_TURN;
    }
    if (show(c, run) != OXY_OK || oxy__pg_cell_room(c, run->stmt->n_cols) != OXY_OK) {
        run->no_memory = true;
        run->direct = run->row_waits = false; /* the others are dropped with the result */
        return OXY_STEP_TURN;
    }
    if (!oxy__pg_lend(c, run)) {
        run->direct = run->row_waits = false;
        return OXY_STEP_TURN;
    }
    c->base.cells = c->row;
    return OXY_STEP_ROW;
}

/* What start() could not send while a row was lent. */
static void take_back(oxy__pg *c)
{
    oxy__pg_give_back(c);
    if (c->held_back) {
        c->held_back = false;
        oxy__pg_go_on(c);
    }
}

static oxy_step postgres_step(oxy_conn *base)
{
    oxy__pg *c = self(base);

    if (c->phase < OXY__PG_USABLE)
        return step_open(c);
    take_back(c);
    for (;;) {
        oxy__pg_run *run = c->head;
        oxy_step step;

        if (!run) {
            (void)oxy_err_set(&base->err, OXY_INTERNAL, "step without a request");
            return OXY_STEP_FAILED;
        }
        if (run->direct && oxy__pg_next_row(c, run))
            return hand_on(c, run);
        if (run->result && run->row < run->n_rows && !run->batch) {
            step = hand_out(c, run);
            if (step == OXY_STEP_ROW)
                return step;
            continue;
        }
        if (run->stage == OXY__PG_OVER)
            return conclude(c);
        if (run->stage == OXY__PG_TO_SEND) {
            if (oxy__pg_cancel_busy(c) && !oxy__pg_cancel_hits(c))
                return OXY_STEP_WANT_WORKER;
            oxy__pg_go_on(c);
            if (run->stage == OXY__PG_OVER)
                continue;
        }
        step = oxy__pg_pump(c);
        if (step != OXY_STEP_DONE) {
            c->burst = 0;
            return step;
        }
    }
}

static oxy_step postgres_pump(oxy_conn *base)
{
    oxy__pg *c = self(base);

    if (c->phase != OXY__PG_USABLE)
        return OXY_STEP_DONE;
    if (c->head && c->head->stage == OXY__PG_TO_SEND)
        return OXY_STEP_DONE; /* step() knows what it waits for */
    return oxy__pg_pump(c);
}

static oxy_rc postgres_offload(oxy_conn *base, oxy_notify notify, void *arg)
{
    oxy__pg *c = self(base);

    if (c->phase == OXY__PG_RESOLVE || c->phase == OXY__PG_RESOLVING) {
        oxy_rc rc = oxy__pg_send_lookup(c, notify, arg);

        if (rc != OXY_OK) {
            c->phase = OXY__PG_BROKEN;
            c->lost = base->err;
        }
        return rc;
    }
    return oxy__pg_cancel_wait(c, notify, arg);
}

/* An answer that has not come becomes a ghost: it is read and dropped in its turn. */
static void postgres_finish(oxy_conn *base)
{
    oxy__pg *c = self(base);
    oxy__pg_run *run = c->head;

    if (!run)
        return;
    take_back(c);
    base->cells = NULL;
    run->direct = run->row_waits = false;
    unlink_head(c);
    if (run->stage == OXY__PG_SENT && c->phase == OXY__PG_USABLE) {
        discard_rows(run);
        run->abandoned = true;
        run->next = c->ghosts;
        c->ghosts = run;
    } else {
        oxy__pg_cancel_met(c, run);
        oxy__pg_run_free(c, run);
    }
    oxy__pg_cancel_turn(c);
}

static void postgres_cancel(oxy_conn *base)
{
    oxy__pg_cancel_send(self(base));
}

static oxy_conn_status postgres_status(const oxy_conn *base)
{
    const oxy__pg *c = (const oxy__pg *)base;

    if (c->phase == OXY__PG_BROKEN)
        return OXY_CONN_BROKEN;
    if (c->phase != OXY__PG_USABLE || c->head || c->wire_n)
        return OXY_CONN_ACTIVE;
    switch (PQtransactionStatus(c->pq)) {
    case PQTRANS_IDLE: return OXY_CONN_IDLE;
    case PQTRANS_ACTIVE: return OXY_CONN_ACTIVE;
    case PQTRANS_INTRANS: return OXY_CONN_INTRANS;
    case PQTRANS_INERROR: return OXY_CONN_INERROR;
    default: return OXY_CONN_BROKEN;
    }
}

static int postgres_fd(const oxy_conn *base)
{
    const oxy__pg *c = (const oxy__pg *)base;

    return c->pq ? PQsocket(c->pq) : -1;
}

/* An idle session gets bytes unasked: notices, changed parameters, keys of TLS,
 * and the word that the server goes. */
static bool postgres_alive(oxy_conn *base)
{
    oxy__pg *c = self(base);
    char byte;
    ssize_t n;

    if (c->phase != OXY__PG_USABLE || PQstatus(c->pq) != CONNECTION_OK)
        return false;
    if (c->head || c->wire_n)
        return true;
    n = recv(PQsocket(c->pq), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n > 0) {
        bool readable = PQconsumeInput(c->pq);

        drop_notifications(c); /* also parses what came */
        if (readable && !c->going)
            return true;
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return true; /* nothing there */
    }
    if (c->lost.rc == OXY_OK)
        (void)oxy_err_set(&c->lost, OXY_CONNECTION_LOST, "server closed the connection while it was idle");
    oxy__pg_broke(c, c->lost.rc, c->lost.message);
    return false;
}

static const char *postgres_parameter(const oxy_conn *base, const char *name)
{
    const oxy__pg *c = (const oxy__pg *)base;

    return c->pq ? PQparameterStatus(c->pq, name) : NULL;
}

static bool postgres_tainted(const oxy_conn *base)
{
    return ((const oxy__pg *)base)->tainted;
}

static bool postgres_skip_host(oxy_conn *base)
{
    oxy__pg *c = (oxy__pg *)base;

    if (c->phase != OXY__PG_CONNECTING || !oxy__pg_skip_host(c))
        return false;
    PQfinish(c->pq);
    c->pq = NULL;
    c->phase = OXY__PG_CONNECT;
    return true;
}

const oxy_driver oxy_driver_postgres = {
    .name = "postgres",
    .codec = &oxy_codec_postgres,
    .max_params = OXY__PG_MAX_PARAMS,
    .max_in_flight = OXY__PG_IN_FLIGHT,
    .open = postgres_open,
    .close = postgres_close,
    .start = postgres_start,
    .step = postgres_step,
    .flush = postgres_flush,
    .pump = postgres_pump,
    .offload = postgres_offload,
    .finish = postgres_finish,
    .cancel = postgres_cancel,
    .status = postgres_status,
    .fd = postgres_fd,
    .alive = postgres_alive,
    .skip_host = postgres_skip_host,
    .parameter = postgres_parameter,
    .rest = oxy_driver_no_rest,
    .tainted = postgres_tainted,
};
