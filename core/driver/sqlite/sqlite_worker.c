/* SPDX-License-Identifier: MIT */
/* The worker: one thread per connection, started when first needed. It opens,
 * steps statements into batches, and runs checkpoints.
 *
 * Two batches take turns: while the caller's thread reads one, the worker
 * fills the other. `full` (under the lock) says whose a batch is: false, the
 * worker's; true, the reader's. `running` says whose the sqlite3 handle is. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pthread_setname_np */
#endif
#include "sqlite.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* --- batches -------------------------------------------------------------------------- */

static bool grow_cells(oxy__sqlite *c, oxy__batch *b, size_t want)
{
    size_t cap = b->cap ? b->cap : 256;
    oxy_cell *cells;

    if (want <= b->cap)
        return true;
    while (cap < want)
        cap *= 2;
    cells = oxy_alloc_resize(c->base.alloc, b->cells, cap * sizeof *cells);
    if (!cells)
        return false;
    b->cells = cells;
    b->cap = cap;
    return true;
}

static bool copy_row(oxy__sqlite *c, oxy__batch *b, size_t *bytes)
{
    oxy_cell *row;

    if (!grow_cells(c, b, ((size_t)b->n_rows + 1) * b->n_cols)) {
        (void)oxy_err_set(&b->err, OXY_NOMEM, "out of memory");
        return false;
    }
    row = b->cells + (size_t)b->n_rows * b->n_cols;
    if (!oxy__run_cells(c, row, &b->err))
        return false;
    for (uint32_t i = 0; i < b->n_cols; i++) {
        if (row[i].tag != OXY_C_TEXT && row[i].tag != OXY_C_BLOB)
            continue;
        if (!(row[i].p = oxy_arena_copy(&b->text, row[i].p, row[i].len))) {
            (void)oxy_err_set(&b->err, OXY_NOMEM, "out of memory");
            return false;
        }
        *bytes += row[i].len;
    }
    *bytes += b->n_cols * sizeof *row;
    b->n_rows++;
    return true;
}

static oxy__end fill(oxy__sqlite *c, oxy__batch *b)
{
    size_t bytes = 0;
    oxy_ns enough = oxy_clock_now() + OXY__BATCH_TIME;

    while (b->n_rows < OXY__BATCH_ROWS && bytes < OXY__BATCH_BYTES && (!b->n_rows || oxy_clock_now() < enough)) {
        switch (oxy__run_next(c, &b->err)) {
        case OXY__RUN_ROW:
            b->cols = c->run.s->cols;
            b->n_cols = c->run.s->n_cols;
            if (!copy_row(c, b, &bytes))
                return OXY__END_FAILED;
            c->run.delivered++;
            break;
        case OXY__RUN_LATER: break; /* once more */
        case OXY__RUN_DONE:
            if (c->run.s->stmt) {
                b->cols = c->run.s->cols;
                b->n_cols = c->run.s->n_cols;
            }
            return OXY__END_DONE;
        case OXY__RUN_FAILED: return OXY__END_FAILED;
        }
    }
    return OXY__END_MORE;
}

/* --- the worker's side ------------------------------------------------------------------ */

/* Waits until the next batch may be filled; NULL if the job is to be given up. */
static oxy__batch *next_empty(oxy__sqlite *c)
{
    oxy__worker *w = &c->worker;
    oxy__batch *b = &w->batch[w->writing];

    pthread_mutex_lock(&w->lock);
    while (b->full && !atomic_load(&c->abandon))
        pthread_cond_wait(&w->wake, &w->lock);
    if (atomic_load(&c->abandon))
        b = NULL;
    w->interrupts = b != NULL;
    pthread_mutex_unlock(&w->lock);
    if (b) {
        oxy_arena_reset(&b->text);
        oxy_err_clear(&b->err);
        b->n_rows = b->n_cols = 0;
        b->cols = NULL;
        b->end = OXY__END_MORE;
    }
    return b;
}

/* Hands the batch over. With the last one the handle goes back as well. */
static void publish(oxy__sqlite *c, oxy__batch *b)
{
    oxy__worker *w = &c->worker;
    oxy_notify notify;
    void *arg;

    b->affected = c->run.affected;
    b->last_insert_id = c->run.last_insert_id;
    pthread_mutex_lock(&w->lock);
    w->interrupts = false;
    w->running = b->end == OXY__END_MORE;
    w->writing ^= 1;
    b->full = true;
    notify = w->notify;
    arg = w->arg;
    w->notify = NULL;
    if (!w->running)
        pthread_cond_broadcast(&w->idle);
    pthread_mutex_unlock(&w->lock);
    if (notify)
        notify(arg);
}

static void run_open(oxy__sqlite *c)
{
    oxy__batch *b = next_empty(c);

    if (!b)
        return;
    b->end = oxy__sqlite_open_now(c, &b->err) == OXY_OK ? OXY__END_DONE : OXY__END_FAILED;
    publish(c, b);
}

/* The log goes into the file through a handle of our own, so the connection
 * stays free for use. PASSIVE never waits for anybody. Returns how many pages were
 * added meanwhile; -1 if somebody still reads what the log would lose. */
static int run_checkpoint(oxy__sqlite *c)
{
    oxy__worker *w = &c->worker;
    int pages = 0, done = 0, left;

    if (!w->checkpoint_db)
        w->checkpoint_db = oxy__sqlite_open_plain(&c->config);
    if (!w->checkpoint_db)
        return -1;
    oxy__locks_rest(c->common);
    if (sqlite3_wal_checkpoint_v2(w->checkpoint_db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &done) != SQLITE_OK ||
        pages != done)
        return -1;
    left = atomic_load_explicit(&c->wal_pages, memory_order_relaxed) - done;
    if (left > 0)
        return left;
    atomic_store_explicit(&c->wal_fresh, true, memory_order_relaxed);
    return 0;
}

/* The log begins anew when a write finds all of it in the file. A writer that never
 * pauses always adds some pages to it; when few are left, the next write sees to them. */
static void empty_log(oxy__sqlite *c)
{
    int left = INT_MAX, before;

    do {
        before = left;
        left = run_checkpoint(c);
    } while (left > OXY__WAL_FEW && left < before / 2);
    if (left > 0)
        atomic_store_explicit(&c->wal_due, true, memory_order_relaxed);
}

/* Under the lock, which it lets go of meanwhile. Beside a writer a checkpoint syncs
 * two files, gets in its way and leaves the log as long as it is, so first we look
 * whether there is a pause. */
static bool may_empty_log(oxy__sqlite *c)
{
    oxy__worker *w = &c->worker;
    unsigned commits = atomic_load_explicit(&c->wal_commits, memory_order_relaxed);
    struct timespec until;

    if (atomic_load_explicit(&c->wal_pages, memory_order_relaxed) > OXY__WAL_BUSY)
        return true;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)w->pause;
    until.tv_sec += until.tv_nsec / (long)OXY_NS_PER_S;
    until.tv_nsec %= (long)OXY_NS_PER_S;
    if (pthread_cond_timedwait(&w->wake, &w->lock, &until) != ETIMEDOUT || w->job != OXY__JOB_NONE || w->quit)
        return false;
    if (atomic_load_explicit(&c->wal_commits, memory_order_relaxed) == commits)
        return true;
    if (w->pause < OXY__WAL_PAUSE_MAX)
        w->pause *= 2;
    return false;
}

static void empty_overdue_log(oxy__sqlite *c)
{
    c->wal_forced = c->wal_tried = atomic_load_explicit(&c->wal_pages, memory_order_relaxed);
    pthread_mutex_lock(&c->worker.lock);
    c->worker.checkpoint = false;
    pthread_mutex_unlock(&c->worker.lock);
    (void)run_checkpoint(c);
}

static void run_request(oxy__sqlite *c)
{
    oxy__batch *b;
    oxy__end end;

    c->run.on_worker = true;
    if (!(c->run.req.flags & OXY_REQ_SCRIPT) && (c->run.req.flags & OXY_REQ_WRITE) && oxy__run_log_overdue(c))
        empty_overdue_log(c);
    atomic_store_explicit(&c->wal_due, false, memory_order_relaxed);
    do {
        b = next_empty(c);
        if (!b)
            break;
        if (c->run.req.flags & OXY_REQ_SCRIPT)
            end = oxy__run_script(c, &b->err) == OXY__RUN_DONE ? OXY__END_DONE : OXY__END_FAILED;
        else
            end = oxy__run_begin(c, &b->err) == OXY_OK ? fill(c, b) : OXY__END_FAILED;
        if (end != OXY__END_MORE)
            oxy__run_end(c);
        b->end = end;
        publish(c, b);
    } while (end == OXY__END_MORE);
    if (!b)
        oxy__run_end(c);
}

static void *worker_main(void *arg)
{
    oxy__sqlite *c = arg;
    oxy__worker *w = &c->worker;

    pthread_mutex_lock(&w->lock);
    while (!w->quit) {
        oxy__job job = w->job;

        if (job != OXY__JOB_NONE) {
            w->job = OXY__JOB_NONE;
            pthread_mutex_unlock(&w->lock);
            if (job == OXY__JOB_OPEN)
                run_open(c);
            else
                run_request(c);
            pthread_mutex_lock(&w->lock);
            if (w->running && atomic_load(&c->abandon)) {
                w->running = false;
                pthread_cond_broadcast(&w->idle);
            }
        } else if (!w->checkpoint) {
            pthread_cond_wait(&w->wake, &w->lock);
        } else if (may_empty_log(c)) {
            w->checkpoint = false;
            pthread_mutex_unlock(&w->lock);
            empty_log(c);
            pthread_mutex_lock(&w->lock);
        }
    }
    pthread_mutex_unlock(&w->lock);
    (void)sqlite3_close(w->checkpoint_db);
    return NULL;
}

/* --- the caller's side ------------------------------------------------------------------- */

oxy_rc oxy__worker_init(oxy__sqlite *c)
{
    oxy__worker *w = &c->worker;

    for (int i = 0; i < 2; i++)
        oxy_arena_init(&w->batch[i].text, c->base.alloc, SIZE_MAX / 4);
    if (pthread_mutex_init(&w->lock, NULL))
        return OXY_NOMEM;
    if (pthread_cond_init(&w->wake, NULL)) {
        pthread_mutex_destroy(&w->lock);
        return OXY_NOMEM;
    }
    if (pthread_cond_init(&w->idle, NULL)) {
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->lock);
        return OXY_NOMEM;
    }
    return OXY_OK;
}

void oxy__worker_fini(oxy__sqlite *c)
{
    oxy__worker *w = &c->worker;

    if (w->started) {
        pthread_mutex_lock(&w->lock);
        w->quit = true;
        pthread_cond_signal(&w->wake);
        pthread_mutex_unlock(&w->lock);
        (void)pthread_join(w->thread, NULL);
    }
    for (int i = 0; i < 2; i++) {
        oxy_arena_fini(&w->batch[i].text);
        oxy_alloc_free(c->base.alloc, w->batch[i].cells);
    }
    pthread_cond_destroy(&w->idle);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
}

/* Signals are for the program's own threads. */
static oxy_rc start_thread(oxy__sqlite *c)
{
    sigset_t all, old;
    int failed;

    if (c->worker.started)
        return OXY_OK;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    failed = pthread_create(&c->worker.thread, NULL, worker_main, c);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed)
        return oxy_err_set(&c->base.err, OXY_OPERATIONAL, "cannot start a worker thread: %s", strerror(failed));
#ifdef __linux__
    (void)pthread_setname_np(c->worker.thread, "oxyde-sqlite");
#endif
    c->worker.started = true;
    return OXY_OK;
}

oxy_rc oxy__worker_offload(oxy__sqlite *c, oxy__job job, oxy_notify notify, void *arg)
{
    oxy__worker *w = &c->worker;
    oxy_rc rc = start_thread(c);
    bool ready = false;

    if (rc != OXY_OK)
        return rc;
    pthread_mutex_lock(&w->lock);
    if (job == OXY__JOB_NONE) {
        /* It is running already; the batch may have come since the caller looked. */
        ready = w->batch[w->reading].full;
    } else {
        w->job = job;
        w->running = true;
        w->writing = w->reading;
    }
    if (!ready) {
        w->notify = notify;
        w->arg = arg;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    if (ready)
        notify(arg);
    return OXY_OK;
}

oxy__batch *oxy__worker_take(oxy__sqlite *c)
{
    oxy__worker *w = &c->worker;
    oxy__batch *b = &w->batch[w->reading];

    pthread_mutex_lock(&w->lock);
    if (!b->full)
        b = NULL;
    pthread_mutex_unlock(&w->lock);
    return b;
}

void oxy__worker_give(oxy__sqlite *c)
{
    oxy__worker *w = &c->worker;

    pthread_mutex_lock(&w->lock);
    w->batch[w->reading].full = false;
    w->reading ^= 1;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void oxy__worker_interrupt(oxy__sqlite *c, uint64_t stop)
{
    oxy__worker *w = &c->worker;

    pthread_mutex_lock(&w->lock);
    if (w->interrupts && c->db && atomic_load(&c->stop) == stop)
        sqlite3_interrupt(c->db);
    pthread_mutex_unlock(&w->lock);
}

void oxy__worker_stop(oxy__sqlite *c)
{
    oxy__worker *w = &c->worker;

    if (!w->started)
        return;
    atomic_store(&c->abandon, true);
    pthread_mutex_lock(&w->lock);
    w->notify = NULL;
    if (w->running && w->interrupts && c->db)
        sqlite3_interrupt(c->db);
    pthread_cond_signal(&w->wake);
    while (w->running)
        pthread_cond_wait(&w->idle, &w->lock);
    w->batch[0].full = w->batch[1].full = false;
    pthread_mutex_unlock(&w->lock);
    atomic_store(&c->abandon, false);
}

void oxy__worker_checkpoint(oxy__sqlite *c)
{
    oxy__worker *w = &c->worker;

    if (start_thread(c) != OXY_OK)
        return; /* another commit will ask again */
    pthread_mutex_lock(&w->lock);
    if (!w->checkpoint)
        w->pause = OXY__WAL_PAUSE;
    if (!w->checkpoint || atomic_load_explicit(&c->wal_pages, memory_order_relaxed) > OXY__WAL_BUSY)
        pthread_cond_signal(&w->wake);
    w->checkpoint = true;
    pthread_mutex_unlock(&w->lock);
}
