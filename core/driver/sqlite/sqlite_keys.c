/* SPDX-License-Identifier: MIT */
/* Keys of new rows without RETURNING, which costs SQLite twice as much as the
 * INSERT itself.
 *
 * Rows that leave an INTEGER PRIMARY KEY to SQLite get the greatest rowid of the
 * table plus one, each, unless the greatest possible one is taken. So after an
 * INSERT of n rows the keys are the n numbers up to last_insert_rowid, if
 *   - the key is the rowid: the query for the greatest rowid names its column so,
 *     which it does not for views, virtual tables and tables WITHOUT ROWID;
 *   - it inserted n rows, and nothing else was changed meanwhile: no trigger wrote,
 *     none left a row out, no ON CONFLICT IGNORE of the table did;
 *   - the last one has the greatest rowid: none was given at random.
 * All of this is looked at before the commit, inside a transaction or a savepoint
 * of our own. What is not proven is undone and done with RETURNING. The query is
 * prepared again by SQLite itself when the schema has changed, as the INSERT is. */
#include "sqlite.h"

#include <limits.h>
#include <string.h>

/* --- the frame ---------------------------------------------------------------------- */

static const char *const frame_sql[OXY__FRAME_COUNT] = {
    [OXY__FRAME_BEGIN] = "BEGIN IMMEDIATE",    [OXY__FRAME_COMMIT] = "COMMIT",
    [OXY__FRAME_ROLLBACK] = "ROLLBACK",        [OXY__FRAME_SAVE] = "SAVEPOINT oxy_keys",
    [OXY__FRAME_RELEASE] = "RELEASE oxy_keys", [OXY__FRAME_UNDO] = "ROLLBACK TO oxy_keys",
};

/* All of them, so that undoing cannot fail for want of one. */
static bool make_frames(oxy__sqlite *c)
{
    for (size_t i = 0; i < OXY__FRAME_COUNT; i++)
        if (!c->frames[i] &&
            sqlite3_prepare_v3(c->db, frame_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &c->frames[i], NULL) != SQLITE_OK)
            return false;
    return true;
}

void oxy__keys_close(oxy__sqlite *c)
{
    for (size_t i = 0; i < OXY__FRAME_COUNT; i++) {
        sqlite3_finalize(c->frames[i]);
        c->frames[i] = NULL;
    }
}

static int frame(oxy__sqlite *c, oxy__frame which)
{
    int rc = sqlite3_step(c->frames[which]);

    /* The end is not stopped by a cancel that comes too late. */
    for (int tries = 0; rc == SQLITE_INTERRUPT && which != OXY__FRAME_BEGIN && tries < 8; tries++) {
        (void)sqlite3_reset(c->frames[which]);
        rc = sqlite3_step(c->frames[which]);
    }
    return rc;
}

static int open_frame(oxy__sqlite *c)
{
    return frame(c, c->run.in_trans ? OXY__FRAME_SAVE : OXY__FRAME_BEGIN);
}

static int close_frame(oxy__sqlite *c)
{
    return frame(c, c->run.in_trans ? OXY__FRAME_RELEASE : OXY__FRAME_COMMIT);
}

/* Some errors have ended the transaction by themselves. */
static void undo(oxy__sqlite *c)
{
    c->run.interruptible = c->run.stoppable = false;
    (void)sqlite3_reset(c->run.s->stmt);
    if (!sqlite3_get_autocommit(c->db)) {
        (void)frame(c, c->run.in_trans ? OXY__FRAME_UNDO : OXY__FRAME_ROLLBACK);
        if (c->run.in_trans)
            (void)frame(c, OXY__FRAME_RELEASE);
    }
}

static void reset_frames(oxy__sqlite *c)
{
    for (size_t i = 0; i < OXY__FRAME_COUNT; i++)
        (void)sqlite3_reset(c->frames[i]);
}

/* --- the proof ----------------------------------------------------------------------- */

/* Of the query as SQLite has prepared it last. */
static bool names_key(sqlite3_stmt *query, oxy_sv key)
{
    const char *name = sqlite3_column_count(query) == 1 ? sqlite3_column_name(query, 0) : NULL;

    return name && strlen(name) == key.len && memcmp(name, key.p, key.len) == 0;
}

/* Columns of the rows to come, as SQLite describes an INTEGER PRIMARY KEY. */
static bool describe(oxy__sqlite *c, oxy__stmt *s, oxy_sv key)
{
    static const char type[] = "INTEGER";
    oxy_coldesc *cols = oxy_alloc_zero(c->base.alloc, 1, sizeof *cols + key.len);
    char *name;

    if (!cols)
        return false;
    name = (char *)(cols + 1);
    memcpy(name, key.p, key.len);
    cols[0].name = (oxy_sv){name, key.len};
    cols[0].decl = (oxy_sv){type, sizeof type - 1};
    s->cols = cols;
    s->n_cols = 1;
    return true;
}

/* What a statement needs to run this way, once; `loud` if that cannot be had. */
static oxy_rc make_ready(oxy__sqlite *c, oxy__stmt *s, const oxy_key_rows *rows)
{
    if (s->last_key || s->loud)
        return OXY_OK;
    s->loud = s->kind != OXY__SQL_INSERT || !s->stmt || s->readonly || sqlite3_column_count(s->stmt) != 0;
    if (s->loud)
        return OXY_OK;
    if (!s->cols && !describe(c, s, rows->key))
        return OXY_NOMEM;
    s->loud = sqlite3_prepare_v3(c->db, rows->key_query.p, (int)rows->key_query.len + 1, SQLITE_PREPARE_PERSISTENT,
                                 &s->last_key, NULL) != SQLITE_OK ||
              !names_key(s->last_key, rows->key);
    return OXY_OK;
}

/* Whether the rows that were just inserted have the keys up to the last one. */
static bool proven(oxy__sqlite *c, int64_t before)
{
    const oxy_key_rows *rows = c->run.req.key_rows;
    sqlite3_stmt *query = c->run.s->last_key;
    sqlite3_int64 last = sqlite3_last_insert_rowid(c->db);
    bool is;

    if (oxy__run_changes(c) != rows->n_rows || oxy__run_total_changes(c) - before != rows->n_rows)
        return false;
    is = sqlite3_step(query) == SQLITE_ROW && names_key(query, rows->key) &&
         sqlite3_column_type(query, 0) == SQLITE_INTEGER && sqlite3_column_int64(query, 0) == last;
    (void)sqlite3_reset(query);
    return is && last >= INT64_MIN + (int64_t)rows->n_rows;
}

/* --- running --------------------------------------------------------------------------- */

oxy_rc oxy__keys_begin(oxy__sqlite *c, oxy_err *err)
{
    oxy__run *run = &c->run;
    oxy_request quiet = run->req;
    oxy__stmt *s;
    oxy_rc rc;

    if (!c->cache.limit || (quiet.flags & (OXY_REQ_NO_CACHE | OXY_REQ_RAW)))
        return OXY_OK;
    quiet.sql.len = run->req.key_rows->quiet_len;
    quiet.flags |= OXY__REQ_QUIET;
    rc = oxy__stmt_get(c, &quiet, &s, err);
    if (rc == OXY_OK && make_ready(c, s, run->req.key_rows) != OXY_OK)
        rc = oxy_err_set(err, OXY_NOMEM, "out of memory");
    if (rc == OXY_OK && !s->loud && make_frames(c)) {
        rc = oxy__stmt_bind(c, s, &quiet, err);
        if (rc == OXY_OK) {
            run->s = s;
            run->keys = OXY__KEYS_INSERT;
            return OXY_OK;
        }
        (void)sqlite3_clear_bindings(s->stmt);
    }
    if (rc == OXY_NOMEM)
        return rc;
    /* What is wrong with it is told by the statement as it was given. */
    if (rc != OXY_OK)
        oxy_err_clear(err);
    return OXY_OK;
}

static oxy__outcome let_go(oxy__sqlite *c)
{
    (void)sqlite3_clear_bindings(c->run.s->stmt);
    c->run.s = NULL;
    c->run.keys = OXY__KEYS_NONE;
    return OXY__RUN_LATER;
}

/* The whole INSERT. DONE: it is committed, or as good as the transaction around it. */
static oxy__outcome insert(oxy__sqlite *c, oxy_err *err)
{
    oxy__run *run = &c->run;
    int64_t before = oxy__run_total_changes(c);
    oxy__outcome out;
    int rc;

    oxy__run_set_limits(c);
    rc = open_frame(c);
    if (rc != SQLITE_DONE)
        return oxy__run_stopped(c, rc, err);
    rc = sqlite3_step(run->s->stmt);
    out = rc == SQLITE_DONE ? OXY__RUN_DONE : oxy__run_stopped(c, rc, err);
    run->interruptible = run->stoppable = false;
    (void)sqlite3_reset(run->s->stmt);
    if (out != OXY__RUN_DONE) {
        /* ON CONFLICT FAIL keeps the rows before: that is the whole statement's to do. */
        bool kept = out == OXY__RUN_FAILED && !sqlite3_get_autocommit(c->db) && oxy__run_total_changes(c) != before;

        undo(c);
        return kept ? let_go(c) : out;
    }
    if (!proven(c, before)) {
        undo(c);
        run->s->loud = true;
        return let_go(c);
    }
    oxy__run_count(c);
    rc = close_frame(c);
    if (rc != SQLITE_DONE) {
        out = oxy__run_stopped(c, rc, err);
        undo(c);
    }
    return out;
}

oxy__outcome oxy__keys_next(oxy__sqlite *c, oxy_err *err)
{
    oxy__run *run = &c->run;

    if (run->keys == OXY__KEYS_INSERT) {
        oxy__outcome out = insert(c, err);

        reset_frames(c);
        if (out != OXY__RUN_DONE)
            return out;
        oxy__run_note_pace(run);
        run->over = false; /* there is nothing left to stop */
        run->keys = OXY__KEYS_ROWS;
        run->n_keys = run->req.key_rows->n_rows;
        run->key = run->last_insert_id - (int64_t)run->n_keys;
    }
    if (!run->n_keys)
        return OXY__RUN_DONE;
    run->n_keys--;
    run->key++;
    return OXY__RUN_ROW;
}
