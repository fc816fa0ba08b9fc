/* SPDX-License-Identifier: MIT */
/* Running one request: where it may run, one row further, how it is stopped.
 * Used by the caller's thread and by the worker's, never by both at once. */
#include "sqlite.h"

#include <string.h>
#include <time.h>

/* A commit of more than this is left to the worker: it writes its pages. */
#define BIG_TRANS_CHANGES 250
#define BIG_BYTES ((uint64_t)256 << 10)
/* A file above this size is not walked in one opcode on the caller's thread. */
#define BIG_FILE ((sqlite3_int64)4 << 20)
#define LONG_TEXT ((size_t)64 << 10)
#define SLOW_MAX 256 /* of oxy__stmt.slow_next */

/* --- where to run ------------------------------------------------------------------ */

int64_t oxy__run_total_changes(const oxy__sqlite *c)
{
#if SQLITE_VERSION_NUMBER >= 3037000
    return sqlite3_total_changes64(c->db);
#else
    return sqlite3_total_changes(c->db);
#endif
}

int64_t oxy__run_changes(const oxy__sqlite *c)
{
#if SQLITE_VERSION_NUMBER >= 3037000
    return sqlite3_changes64(c->db);
#else
    return sqlite3_changes(c->db);
#endif
}

static bool big_file(oxy__sqlite *c)
{
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;

    if (sqlite3_file_control(c->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file || !file->pMethods)
        return false;
    return file->pMethods->xFileSize(file, &size) != SQLITE_OK || size > BIG_FILE;
}

static uint64_t bound_bytes(const oxy_request *r)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < r->n_values; i++)
        if (r->values[i].tag == OXY_V_TEXT || r->values[i].tag == OXY_V_BLOB)
            n += r->values[i].s.len;
    return n;
}

static bool commit_wants_worker(const oxy__sqlite *c)
{
    if (!c->quick_commit)
        return true;
    int64_t n = oxy__run_total_changes(c) - c->trans_changes;

    if (n == 0)
        return false;
    return n > BIG_TRANS_CHANGES || c->trans_bytes > BIG_BYTES ||
           (c->wal && atomic_load_explicit(&c->wal_fresh, memory_order_relaxed));
}

static bool write_wants_worker(oxy__sqlite *c, const oxy__stmt *s)
{
    uint64_t bytes = bound_bytes(&c->run.req);

    c->trans_bytes += bytes;
    /* An interrupt would roll the whole transaction back, and nothing else
     * bounds what is not a point write. */
    if (c->run.in_trans)
        return !(c->run.req.flags & OXY_REQ_POINT) || bytes > BIG_BYTES;
    if (!c->quick_commit || bytes > BIG_BYTES || oxy__run_log_overdue(c))
        return true;
    if (c->wal && atomic_load_explicit(&c->wal_fresh, memory_order_relaxed))
        return true;
    return s->whole && big_file(c);
}

bool oxy__run_log_overdue(const oxy__sqlite *c)
{
    int pages = atomic_load_explicit(&((oxy__sqlite *)c)->wal_pages, memory_order_relaxed);

    if (!c->wal || c->run.in_trans)
        return false;
    return atomic_load_explicit(&((oxy__sqlite *)c)->wal_due, memory_order_relaxed) ||
           (pages > OXY__WAL_OVERDUE && (pages < c->wal_forced || pages - c->wal_forced > OXY__WAL_PAGES));
}

bool oxy__run_wants_worker(oxy__sqlite *c, const oxy__stmt *s)
{
    switch (s->kind) {
    case OXY__SQL_EMPTY: return false;
    case OXY__SQL_SELECT: return s->slow || s->unsteady || (s->whole && big_file(c));
    case OXY__SQL_INSERT:
    case OXY__SQL_DML: return write_wants_worker(c, s) || s->slow;
    case OXY__SQL_BEGIN: return oxy__run_log_overdue(c);
    case OXY__SQL_COMMIT: return commit_wants_worker(c);
    case OXY__SQL_ROLLBACK: return !c->quick_commit;
    case OXY__SQL_OTHER: return true;
    }
    return true;
}

/* --- stopping ---------------------------------------------------------------------- */

static bool cancelled(const oxy__sqlite *c)
{
    return (atomic_load_explicit(&((oxy__sqlite *)c)->stop, memory_order_relaxed) & OXY__STOP_CANCEL) ||
           atomic_load_explicit(&((oxy__sqlite *)c)->abandon, memory_order_relaxed);
}

/* SQLite asks once more after a statement has ended, and a stop then is told as
 * an interrupt although the write is committed. So a write in autocommit is
 * stopped only as long as its transaction is open; see also finished_anyway(). */
static bool may_stop(const oxy__sqlite *c)
{
    const oxy__stmt *s = c->run.s;

    return !s || s->readonly || c->run.in_trans || sqlite3_txn_state(c->db, NULL) == SQLITE_TXN_WRITE;
}

/* Called by SQLite every few hundred opcodes; not 0 interrupts. The clock of
 * the budget starts at the first call, so a short statement never reads it. */
int oxy__run_progress(void *arg)
{
    oxy__sqlite *c = arg;
    oxy__run *run = &c->run;
    oxy_ns now;

    if (run->stoppable && cancelled(c) && may_stop(c)) {
        run->why = OXY__WHY_CANCEL;
        return 1;
    }
    if (run->on_worker && run->req.deadline == OXY_NS_NEVER)
        return 0;
    now = oxy_clock_now();
    if (run->stoppable && now >= run->req.deadline && may_stop(c)) {
        run->why = OXY__WHY_TIMEOUT;
        return 1;
    }
    if (run->on_worker)
        return 0;
    if (!run->since) {
        run->since = now;
    } else if (now - run->since > c->config.budget) {
        /* A row that comes between two calls ends the turn by itself. */
        if (run->over && run->interruptible) {
            run->why = OXY__WHY_BUDGET;
            return 1;
        }
        run->over = true;
    }
    return 0;
}

/* SQLite's busy handler: not 0 tries again. Random pauses, so that waiting
 * processes do not keep meeting. */
int oxy__run_busy(void *arg, int count)
{
    oxy__sqlite *c = arg;
    oxy__run *run = &c->run;
    oxy_ns now;
    struct timespec pause = {0, 0};

    if (!run->on_worker || cancelled(c))
        return 0;
    now = oxy_clock_now();
    if (count == 0)
        run->busy_since = now;
    if (now - run->busy_since >= c->config.busy_timeout)
        return 0;
    if (run->req.deadline && now >= run->req.deadline) {
        run->why = OXY__WHY_TIMEOUT;
        return 0;
    }
    run->random = oxy_hash(&now, sizeof now, run->random);
    pause.tv_nsec = 200000 + (long)(run->random % 2800000);
    (void)nanosleep(&pause, NULL);
    return 1;
}

/* --- running ------------------------------------------------------------------------ */

static oxy_rc take(oxy__sqlite *c, oxy_err *err)
{
    oxy__run *run = &c->run;
    oxy_rc rc = oxy__stmt_get(c, &run->req, &run->s, err);

    if (rc == OXY_OK && run->s->stmt)
        rc = oxy__stmt_bind(c, run->s, &run->req, err);
    return rc;
}

oxy_rc oxy__run_begin(oxy__sqlite *c, oxy_err *err)
{
    oxy__run *run = &c->run;

    if (run->s)
        return OXY_OK;
    run->stoppable = true; /* newer SQLite asks while preparing, too */
    run->interruptible = run->described = false;
    if (run->req.key_rows) {
        oxy_rc rc = oxy__keys_begin(c, err);

        if (rc != OXY_OK || run->s)
            return rc;
    }
    return take(c, err);
}

/* Between rows a read in autocommit has no transaction of its own that would
 * outlive an interrupt. A second cursor keeps the snapshot. */
static bool hold_snapshot(oxy__sqlite *c)
{
    if (c->run.anchored || c->run.in_trans)
        return true;
    c->run.interruptible = c->run.stoppable = false;
    c->run.anchored = sqlite3_step(c->anchor) == SQLITE_ROW;
    if (!c->run.anchored)
        (void)sqlite3_reset(c->anchor);
    return c->run.anchored;
}

void oxy__run_set_limits(oxy__sqlite *c)
{
    oxy__run *run = &c->run;
    bool begun = run->delivered > 0, read = run->s->kind == OXY__SQL_SELECT && run->s->readonly;

    run->why = OXY__WHY_NOTHING;
    if (run->on_worker) {
        /* What begins and ends transactions is short, and never half done. */
        run->stoppable =
            run->s->kind != OXY__SQL_BEGIN && run->s->kind != OXY__SQL_COMMIT && run->s->kind != OXY__SQL_ROLLBACK;
        run->interruptible = false;
    } else if (read) {
        run->interruptible = !begun || (!(run->req.flags & OXY_REQ_POINT) && hold_snapshot(c));
        run->stoppable = true;
    } else {
        bool data = run->s->kind == OXY__SQL_INSERT || run->s->kind == OXY__SQL_DML;

        run->interruptible = run->stoppable = data && !run->in_trans && !begun;
    }
}

static void put_back(oxy__run *run)
{
    (void)sqlite3_reset(run->s->stmt);
    run->skip = run->delivered;
    run->described = false;
}

/* SQLite prepares a statement anew, if it has to, in the first step of a run only. */
static oxy_rc describe(oxy__sqlite *c, oxy_err *err)
{
    oxy_rc rc = c->run.described ? OXY_OK : oxy__stmt_describe(c, c->run.s, err);

    c->run.described = rc == OXY_OK;
    return rc;
}

static void remember_slow(oxy__stmt *s)
{
    s->slow = s->slow_next;
    s->slow_next = s->slow_next * 2 > SLOW_MAX ? SLOW_MAX : s->slow_next * 2;
}

void oxy__run_count(oxy__sqlite *c)
{
    oxy__run *run = &c->run;

    switch (run->s->kind) {
    case OXY__SQL_INSERT:
        run->last_insert_id = sqlite3_last_insert_rowid(c->db);
        run->affected = oxy__run_changes(c);
        break;
    case OXY__SQL_DML: run->affected = oxy__run_changes(c); break;
    case OXY__SQL_BEGIN:
        if (!run->in_trans) {
            c->trans_changes = oxy__run_total_changes(c);
            c->trans_bytes = 0;
        }
        break;
    case OXY__SQL_OTHER: run->affected = 0; break;
    default: break;
    }
}

/* An interrupt of a write ends the transaction around it. If that still stands,
 * the statement had ended before (see may_stop). */
static bool finished_anyway(const oxy__sqlite *c)
{
    return !c->run.s->readonly && c->run.in_trans && !sqlite3_get_autocommit(c->db);
}

oxy__outcome oxy__run_stopped(oxy__sqlite *c, int rc, oxy_err *err)
{
    oxy__run *run = &c->run;
    int code = sqlite3_extended_errcode(c->db), primary = code & 0xff;

    if (rc == SQLITE_MISUSE) {
        (void)oxy_err_set(err, OXY_INTERNAL, "statement cannot be run now");
        return OXY__RUN_FAILED;
    }
    if (primary == SQLITE_INTERRUPT && run->s && finished_anyway(c)) {
        oxy__run_count(c);
        return OXY__RUN_DONE;
    }
    if (primary == SQLITE_INTERRUPT && run->s && run->why == OXY__WHY_BUDGET) {
        put_back(run);
        remember_slow(run->s);
        return OXY__RUN_LATER;
    }
    if ((primary == SQLITE_BUSY || primary == SQLITE_LOCKED) && code != SQLITE_BUSY_SNAPSHOT && !run->delivered &&
        run->why == OXY__WHY_NOTHING) {
        if (!run->on_worker && run->s) {
            put_back(run);
            return OXY__RUN_LATER;
        }
        /* A lock inside a shared cache does not ask the busy handler. */
        if (primary == SQLITE_LOCKED && run->s) {
            if (!run->busy_since)
                run->busy_since = oxy_clock_now();
            if (oxy__run_busy(c, 1)) {
                (void)sqlite3_reset(run->s->stmt);
                run->described = false;
                return OXY__RUN_LATER;
            }
        }
    }
    (void)oxy__sqlite_error(c, err);
    if (run->why == OXY__WHY_TIMEOUT && (primary == SQLITE_INTERRUPT || primary == SQLITE_BUSY)) {
        (void)oxy_err_set(err, OXY_STATEMENT_TIMEOUT, "statement timeout");
        err->native = SQLITE_INTERRUPT;
    } else if ((primary == SQLITE_INTERRUPT || primary == SQLITE_BUSY) && cancelled(c)) {
        (void)oxy_err_set(err, OXY_CANCELED, "interrupted");
        err->native = SQLITE_INTERRUPT;
    }
    return OXY__RUN_FAILED;
}

/* Statements that took long where they could not be stopped, or were stopped
 * in vain, go to the worker for a while. */
void oxy__run_note_pace(oxy__run *run)
{
    if (run->on_worker)
        run->s->slow -= run->s->slow > 0;
    else if (run->over && !run->interruptible)
        remember_slow(run->s);
    else if (!run->over)
        run->s->slow_next = OXY__SLOW_FIRST;
}

void oxy__run_end(oxy__sqlite *c)
{
    if (c->run.anchored)
        (void)sqlite3_reset(c->anchor);
    c->run.anchored = false;
    if (c->run.s && c->run.s->stmt) {
        (void)sqlite3_reset(c->run.s->stmt);
        (void)sqlite3_clear_bindings(c->run.s->stmt);
    }
}

oxy__outcome oxy__run_next(oxy__sqlite *c, oxy_err *err)
{
    oxy__run *run = &c->run;
    int rc;

    if (run->keys != OXY__KEYS_NONE) {
        oxy__outcome out = oxy__keys_next(c, err);

        if (run->keys != OXY__KEYS_NONE)
            return out;
        if (take(c, err) != OXY_OK)
            return OXY__RUN_FAILED;
    }
    if (!run->s->stmt)
        return OXY__RUN_DONE;
    do {
        oxy__run_set_limits(c);
        rc = sqlite3_step(run->s->stmt);
        if (rc != SQLITE_ROW)
            break;
        if (run->skip)
            run->skip--;
        else
            goto row;
    } while (true);

    if (rc == SQLITE_DONE) {
        oxy__run_count(c);
        if (describe(c, err) != OXY_OK)
            return OXY__RUN_FAILED;
        oxy__run_note_pace(run);
        return OXY__RUN_DONE;
    }
    return oxy__run_stopped(c, rc, err);
row:
    if (describe(c, err) != OXY_OK)
        return OXY__RUN_FAILED;
    return OXY__RUN_ROW;
}

bool oxy__run_cells(oxy__sqlite *c, oxy_cell *cells, oxy_err *err)
{
    sqlite3_stmt *stmt = c->run.s->stmt;
    uint32_t n = c->run.s->n_cols;

    if (c->run.keys == OXY__KEYS_ROWS) {
        cells[0] = (oxy_cell){.tag = OXY_C_INT, .i = c->run.key};
        return true;
    }
    for (uint32_t i = 0; i < n; i++) {
        sqlite3_value *v = sqlite3_column_value(stmt, (int)i);
        oxy_cell *cell = &cells[i];

        cell->len = 0;
        switch (sqlite3_value_type(v)) {
        case SQLITE_INTEGER:
            cell->tag = OXY_C_INT;
            cell->i = sqlite3_value_int64(v);
            break;
        case SQLITE_FLOAT:
            cell->tag = OXY_C_DOUBLE;
            cell->d = sqlite3_value_double(v);
            break;
        case SQLITE_TEXT:
            cell->tag = OXY_C_TEXT;
            /* Read as a blob, UTF-8 text stays where it is and is not copied
             * just to get a NUL behind it. */
            cell->p = c->utf8 ? sqlite3_value_blob(v) : (const char *)sqlite3_value_text(v);
            goto bytes;
        case SQLITE_BLOB:
            cell->tag = OXY_C_BLOB;
            cell->p = sqlite3_value_blob(v);
        bytes:
            cell->len = (uint32_t)sqlite3_value_bytes(v);
            if (!cell->p) {
                if (cell->len || sqlite3_errcode(c->db) == SQLITE_NOMEM) {
                    (void)oxy_err_set(err, OXY_NOMEM, "out of memory");
                    return false;
                }
                cell->p = "";
            }
            break;
        default:
            cell->tag = OXY_C_NULL;
            cell->p = NULL;
            break;
        }
    }
    return true;
}

/* --- scripts -------------------------------------------------------------------------- */

static oxy__outcome script_failed(oxy__sqlite *c, oxy_err *err)
{
    oxy__outcome out = oxy__run_stopped(c, SQLITE_ERROR, err);

    return out == OXY__RUN_LATER ? OXY__RUN_FAILED : out;
}

/* Several statements, one after the other, their rows dropped. On the worker
 * only: nothing here is bounded. */
oxy__outcome oxy__run_script(oxy__sqlite *c, oxy_err *err)
{
    oxy__run *run = &c->run;
    const char *p = run->req.sql.p, *end = p + run->req.sql.len, *tail;

    if (run->req.n_values) {
        (void)oxy_err_set(err, OXY_PROGRAMMING, "a script takes no parameters");
        return OXY__RUN_FAILED;
    }
    if (run->req.sql.len >= INT32_MAX || memchr(p, '\0', run->req.sql.len)) {
        (void)oxy_err_set(err, OXY_PROGRAMMING, "script is too long or contains a NUL character");
        return OXY__RUN_FAILED;
    }
    run->stoppable = true;
    run->interruptible = false;
    run->why = OXY__WHY_NOTHING;
    while (p < end) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(c->db, p, (int)(end - p), &stmt, &tail);

        if (rc == SQLITE_OK && stmt) {
            if (sqlite3_bind_parameter_count(stmt)) {
                sqlite3_finalize(stmt);
                (void)oxy_err_set(err, OXY_PROGRAMMING, "a script takes no parameters");
                return OXY__RUN_FAILED;
            }
            oxy__note_free_text(c, p, (size_t)(tail - p));
            do
                rc = sqlite3_step(stmt);
            while (rc == SQLITE_ROW);
        }
        if (rc != SQLITE_OK && rc != SQLITE_DONE) {
            oxy__outcome out = script_failed(c, err);

            sqlite3_finalize(stmt);
            return out;
        }
        sqlite3_finalize(stmt);
        p = tail;
    }
    return OXY__RUN_DONE;
}
