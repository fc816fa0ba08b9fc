/* SPDX-License-Identifier: MIT */
/* The SQLite driver's table: the life of a connection and of a request as the
 * caller's thread sees it. */
#include "sqlite.h"

#include <string.h>
#include <unistd.h>

static oxy__sqlite *self(oxy_conn *c)
{
    return (oxy__sqlite *)c;
}

/* --- open and close ---------------------------------------------------------------- */

static void free_connection(oxy__sqlite *c)
{
    const oxy_alloc *a = c->base.alloc;

    oxy__worker_fini(c);
    oxy__stmt_drop_loose(c);
    oxy__cache_fini(c);
    oxy__keys_close(c);
    sqlite3_finalize(c->anchor);
    oxy__log_remove(c);
    oxy__locks_remove(c);
    (void)sqlite3_close(c->db);
    oxy_common_drop(c->common);
    oxy_alloc_free(a, c->row);
    oxy_arena_fini(&c->memory);
    oxy_alloc_free(a, c);
}

static oxy_rc sqlite_open(const oxy_open *what, const oxy_alloc *alloc, oxy_conn **out, oxy_err *err)
{
    oxy__sqlite *c = oxy_alloc_zero(alloc, 1, sizeof *c);
    oxy_rc rc;

    *out = NULL;
    if (!c)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    c->base.driver = &oxy_driver_sqlite;
    c->base.alloc = alloc;
    c->base.affected = -1;
    c->base.serial = (uint64_t)oxy_clock_now();
    c->regexp = what->regexp;
    c->regexp_ctx = what->regexp_ctx;
    c->pid = getpid();
    c->phase = OXY__PHASE_OPEN;
    c->run.req.deadline = OXY_NS_NEVER;
    atomic_init(&c->stop, OXY__STOP_ACTIVE);
    atomic_init(&c->abandon, false);
    atomic_init(&c->wal_fresh, true);
    atomic_init(&c->wal_due, false);
    atomic_init(&c->wal_commits, 0);
    atomic_init(&c->wal_pages, 0);
    c->common = oxy__common_hold(what->common);
    if (oxy__worker_init(c) != OXY_OK) {
        oxy_common_drop(c->common);
        oxy_alloc_free(alloc, c);
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    }
    rc = oxy__sqlite_configure(c, what, err);
    if (rc == OXY_OK && oxy__cache_init(c, what->statement_cache) != OXY_OK)
        rc = oxy_err_set(err, OXY_NOMEM, "out of memory");
    if (rc != OXY_OK) {
        free_connection(c);
        return rc;
    }
    *out = &c->base;
    return OXY_OK;
}

/* In a forked child the thread is gone and the file's locks are the parent's:
 * there is nothing to do but forget. */
static void sqlite_close_conn(oxy_conn *base)
{
    oxy__sqlite *c = self(base);

    if (!c || c->pid != getpid())
        return;
    oxy__worker_stop(c);
    if (c->run.s)
        oxy__run_end(c);
    free_connection(c);
}

/* --- the end of a request -------------------------------------------------------------- */

static void settle(oxy__sqlite *c, oxy__phase phase)
{
    uint64_t next = (atomic_load_explicit(&c->stop, memory_order_relaxed) & ~(uint64_t)(OXY__STOP_NEXT - 1));

    atomic_store_explicit(&c->stop, next + OXY__STOP_NEXT, memory_order_release);
    c->phase = phase;
    c->base.cells = NULL;
    int pages = c->wal ? atomic_load_explicit(&c->wal_pages, memory_order_relaxed) : 0;
    if (pages > OXY__WAL_PAGES && c->config.role != OXY__ROLE_READER &&
        (pages < c->wal_tried || pages - c->wal_tried > OXY__WAL_PAGES)) {
        c->wal_tried = pages;
        oxy__worker_checkpoint(c);
    }
}

static oxy_step failed(oxy__sqlite *c)
{
    if (c->phase == OXY__PHASE_BROKEN || !c->db || !c->anchor) {
        settle(c, OXY__PHASE_BROKEN);
        return OXY_STEP_FAILED;
    }
    settle(c, OXY__PHASE_IDLE);
    return OXY_STEP_FAILED;
}

static oxy_step done(oxy__sqlite *c)
{
    c->base.affected = c->run.affected;
    c->base.last_insert_id = c->run.last_insert_id;
    settle(c, OXY__PHASE_IDLE);
    return OXY_STEP_DONE;
}

static oxy_step want_worker(oxy__sqlite *c, oxy__job job)
{
    c->run.job = job;
    c->phase = OXY__PHASE_OFFLOAD;
    return OXY_STEP_WANT_WORKER;
}

/* --- steps ---------------------------------------------------------------------------------- */

static oxy_step step_open(oxy__sqlite *c)
{
    if (!c->config.memory || c->config.budget == 0)
        return want_worker(c, OXY__JOB_OPEN);
    if (oxy__sqlite_open_now(c, &c->base.err) == OXY_OK)
        return done(c);
    return failed(c);
}

static oxy_step inline_row(oxy__sqlite *c)
{
    uint32_t n = c->run.s->n_cols;

    if (n > c->row_cap) {
        oxy_cell *row = oxy_alloc_resize(c->base.alloc, c->row, n * sizeof *row);

        if (!row) {
            oxy__run_end(c);
            (void)oxy_err_set(&c->base.err, OXY_NOMEM, "out of memory");
            return failed(c);
        }
        c->row = row;
        c->row_cap = n;
    }
    if (!oxy__run_cells(c, c->row, &c->base.err)) {
        oxy__run_end(c);
        return failed(c);
    }
    c->base.cells = c->row;
    c->base.cols = c->run.s->cols;
    c->base.n_cols = n;
    c->run.delivered++;
    c->phase = OXY__PHASE_ROWS;
    return OXY_STEP_ROW;
}

static oxy_step step_rows(oxy__sqlite *c)
{
    switch (oxy__run_next(c, &c->base.err)) {
    case OXY__RUN_ROW: return inline_row(c);
    case OXY__RUN_DONE:
        c->base.cols = c->run.s->cols;
        c->base.n_cols = c->run.s->n_cols;
        oxy__run_end(c);
        return done(c);
    case OXY__RUN_LATER: return want_worker(c, OXY__JOB_RUN);
    case OXY__RUN_FAILED: break;
    }
    oxy__run_end(c);
    return failed(c);
}

static oxy_step step_start(oxy__sqlite *c)
{
    const oxy_request *r = &c->run.req;

    if (c->config.budget == 0 || (r->flags & OXY_REQ_SCRIPT) || r->sql.len > ((size_t)64 << 10))
        return want_worker(c, OXY__JOB_RUN);
    if (oxy__run_begin(c, &c->base.err) != OXY_OK) {
        if (c->run.s)
            oxy__run_end(c);
        return failed(c);
    }
    if (oxy__run_wants_worker(c, c->run.s))
        return want_worker(c, OXY__JOB_RUN);
    return step_rows(c);
}

static oxy_step step_batch(oxy__sqlite *c)
{
    for (;;) {
        oxy__batch *b = oxy__worker_take(c);
        oxy__end end;

        if (!b)
            return want_worker(c, OXY__JOB_NONE);
        if (c->run.batch_row < b->n_rows) {
            c->base.cells = b->cells + (size_t)c->run.batch_row++ * b->n_cols;
            c->base.cols = b->cols;
            c->base.n_cols = b->n_cols;
            return OXY_STEP_ROW;
        }
        end = b->end;
        if (end != OXY__END_MORE) {
            c->run.affected = b->affected;
            c->run.last_insert_id = b->last_insert_id;
            c->base.cols = b->cols;
            c->base.n_cols = b->n_cols;
            if (end == OXY__END_FAILED)
                c->base.err = b->err;
        }
        c->run.batch_row = 0;
        oxy__worker_give(c);
        if (end == OXY__END_DONE)
            return done(c);
        if (end == OXY__END_FAILED)
            return failed(c);
    }
}

/* Past the budget, with a row handed out. A write that returns rows must not
 * stay open over a turn: its commit comes with its last row. */
static oxy_step step_over(oxy__sqlite *c)
{
    oxy__run *run = &c->run;

    if (run->s->kind != OXY__SQL_SELECT || run->turns == OXY__TURNS)
        return want_worker(c, OXY__JOB_RUN);
    c->locks.keeping = false; /* its burst is over */
    run->turns++;
    run->over = false;
    run->since = 0;
    return OXY_STEP_TURN;
}

static oxy_step sqlite_step(oxy_conn *base)
{
    oxy__sqlite *c = self(base);

    switch (c->phase) {
    case OXY__PHASE_OPEN: return step_open(c);
    case OXY__PHASE_START: return step_start(c);
    case OXY__PHASE_ROWS:
        if (c->run.over)
            return step_over(c);
        return step_rows(c);
    case OXY__PHASE_AWAY: c->phase = OXY__PHASE_BATCH; return step_batch(c);
    case OXY__PHASE_BATCH: return step_batch(c);
    case OXY__PHASE_OFFLOAD: return OXY_STEP_WANT_WORKER;
    case OXY__PHASE_IDLE:
    case OXY__PHASE_BROKEN: break;
    }
    (void)oxy_err_set(&base->err, OXY_INTERNAL, "step without a request");
    return OXY_STEP_FAILED;
}

static oxy_rc sqlite_start(oxy_conn *base, const oxy_request *r)
{
    oxy__sqlite *c = self(base);
    oxy__run *run = &c->run;

    if (c->phase != OXY__PHASE_IDLE)
        return oxy_err_set(&base->err, OXY_INTERFACE, "connection is busy or closed");
    if (r->flags & (OXY_REQ_PING | OXY_REQ_RESET) || r->n_before > 0)
        return oxy_err_set(&base->err, OXY_NOT_SUPPORTED, "SQLite has no round trip, no reset and no flight");
    run->req = *r;
    run->s = NULL;
    run->on_worker = run->over = run->anchored = run->described = false;
    run->in_trans = !sqlite3_get_autocommit(c->db);
    run->why = OXY__WHY_NOTHING;
    run->since = run->busy_since = 0;
    run->delivered = run->skip = 0;
    run->batch_row = run->turns = 0;
    run->keys = OXY__KEYS_NONE;
    run->affected = -1;
    run->last_insert_id = 0;
    c->locks.keeping = (r->flags & OXY_REQ_BURST) != 0;
    c->locks.writing = (r->flags & OXY_REQ_WRITE) != 0;
    base->cells = NULL;
    base->cols = NULL;
    base->n_cols = 0;
    base->affected = -1;
    base->last_insert_id = 0;
    if (c->func_err.rc != OXY_OK)
        oxy_err_clear(&c->func_err);
    if (base->err.rc != OXY_OK)
        oxy_err_clear(&base->err);
    if (r->flags & OXY_REQ_RAW)
        oxy__note_free_text(c, r->sql.p, r->sql.len);
    atomic_fetch_or_explicit(&c->stop, OXY__STOP_ACTIVE, memory_order_release);
    c->phase = OXY__PHASE_START;
    return OXY_OK;
}

static oxy_rc sqlite_offload(oxy_conn *base, oxy_notify notify, void *arg)
{
    oxy__sqlite *c = self(base);
    oxy_rc rc;

    if (c->phase != OXY__PHASE_OFFLOAD)
        return oxy_err_set(&base->err, OXY_INTERFACE, "there is nothing to offload");
    c->locks.keeping = false; /* its burst is over */
    /* From here on the worker may be faster than this function. */
    c->phase = OXY__PHASE_AWAY;
    rc = oxy__worker_offload(c, c->run.job, notify, arg);
    if (rc != OXY_OK)
        c->phase = OXY__PHASE_OFFLOAD;
    return rc;
}

static void sqlite_finish(oxy_conn *base)
{
    oxy__sqlite *c = self(base);

    if (c->phase == OXY__PHASE_IDLE || c->phase == OXY__PHASE_BROKEN)
        return;
    oxy__worker_stop(c);
    if (!c->anchor) {
        settle(c, OXY__PHASE_BROKEN);
        return;
    }
    if (c->run.s)
        oxy__run_end(c);
    settle(c, OXY__PHASE_IDLE);
}

static void sqlite_cancel(oxy_conn *base)
{
    oxy__sqlite *c = self(base);
    uint64_t stop = atomic_load(&c->stop), wanted;

    /* Fails, and looks again, if the request ended or another began. */
    do {
        if (!(stop & OXY__STOP_ACTIVE))
            return;
        wanted = stop | OXY__STOP_CANCEL;
    } while (!atomic_compare_exchange_weak(&c->stop, &stop, wanted));
    oxy__worker_interrupt(c, wanted);
}

static oxy_conn_status sqlite_status(const oxy_conn *base)
{
    const oxy__sqlite *c = (const oxy__sqlite *)base;

    switch (c->phase) {
    case OXY__PHASE_BROKEN: return OXY_CONN_BROKEN;
    case OXY__PHASE_IDLE: return sqlite3_get_autocommit(c->db) ? OXY_CONN_IDLE : OXY_CONN_INTRANS;
    default: return OXY_CONN_ACTIVE;
    }
}

static bool sqlite_tainted(const oxy_conn *base)
{
    return ((const oxy__sqlite *)base)->tainted;
}

const oxy_driver oxy_driver_sqlite = {
    .name = "sqlite",
    .codec = &oxy_codec_sqlite,
    .max_params = 32766,
    .max_in_flight = 1,
    .open = sqlite_open,
    .close = sqlite_close_conn,
    .start = sqlite_start,
    .step = sqlite_step,
    .flush = oxy_driver_no_flush,
    .pump = oxy_driver_no_pump,
    .offload = sqlite_offload,
    .finish = sqlite_finish,
    .cancel = sqlite_cancel,
    .status = sqlite_status,
    .fd = oxy_driver_no_fd,
    .alive = oxy_driver_always_alive,
    .skip_host = oxy_driver_no_skip_host,
    .parameter = oxy_driver_no_parameter,
    .rest = oxy__locks_rest,
    .tainted = sqlite_tainted,
};
