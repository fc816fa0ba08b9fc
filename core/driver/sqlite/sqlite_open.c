/* SPDX-License-Identifier: MIT */
/* Opening: settings, the handle, pragmas, attached files. */
#include "sqlite.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_LIMIT ((size_t)1 << 20) /* of all settings together */
#define URI_LIMIT 8192

/* --- reading settings ----------------------------------------------------------- */

static bool parse_int(oxy_sv text, int64_t *out)
{
    char copy[32], *end;

    if (!text.len || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    *out = strtoll(copy, &end, 10);
    return *end == '\0';
}

static bool is_word(const char *p, size_t len)
{
    if (!len || isdigit((unsigned char)p[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)p[i]) && p[i] != '_')
            return false;
    return true;
}

static oxy_rc bad_setting(oxy_err *err, const oxy_setting *s, const char *why)
{
    return oxy_err_set(err, OXY_VALUE, "SQLite setting %.*s: %s", OXY_SV_ARG(s->name), why);
}

static oxy_rc read_mode(oxy__sqlite_config *f, const oxy_setting *s, oxy_err *err)
{
    if (oxy_sv_eq(s->value, OXY_SV("ro"))) {
        f->open_flags = SQLITE_OPEN_READONLY;
        f->read_only = true;
    } else if (oxy_sv_eq(s->value, OXY_SV("rw"))) {
        f->open_flags = SQLITE_OPEN_READWRITE;
    } else if (oxy_sv_eq(s->value, OXY_SV("rwc"))) {
        f->open_flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    } else if (oxy_sv_eq(s->value, OXY_SV("memory"))) {
        f->open_flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
        f->memory = true;
    } else {
        return bad_setting(err, s, "must be ro, rw, rwc or memory");
    }
    return OXY_OK;
}

static oxy_rc read_cache(oxy__sqlite_config *f, int *cache, const oxy_setting *s, oxy_err *err)
{
    (void)f;
    if (oxy_sv_eq(s->value, OXY_SV("shared")))
        *cache = SQLITE_OPEN_SHAREDCACHE;
    else if (oxy_sv_eq(s->value, OXY_SV("private")))
        *cache = SQLITE_OPEN_PRIVATECACHE;
    else
        return bad_setting(err, s, "must be shared or private");
    return OXY_OK;
}

static oxy_rc read_immutable(oxy__sqlite_config *f, const oxy_setting *s, oxy_err *err)
{
    if (oxy_sv_eq(s->value, OXY_SV("1")) || oxy_sv_eq(s->value, OXY_SV("true")))
        f->immutable = true;
    else if (!oxy_sv_eq(s->value, OXY_SV("0")) && !oxy_sv_eq(s->value, OXY_SV("false")))
        return bad_setting(err, s, "must be true or false");
    return OXY_OK;
}

static oxy_rc read_role(oxy__sqlite_config *f, const oxy_setting *s, oxy_err *err)
{
    if (oxy_sv_eq(s->value, OXY_SV("reader")))
        f->role = OXY__ROLE_READER;
    else if (oxy_sv_eq(s->value, OXY_SV("writer")))
        f->role = OXY__ROLE_WRITER;
    else if (oxy_sv_eq(s->value, OXY_SV("both")))
        f->role = OXY__ROLE_BOTH;
    else
        return bad_setting(err, s, "must be reader, writer or both");
    return OXY_OK;
}

static oxy_rc read_number(const oxy_setting *s, int64_t max, int64_t *out, oxy_err *err)
{
    if (!parse_int(s->value, out) || *out < 0 || *out > max)
        return bad_setting(err, s, "must be a number from 0 on");
    return OXY_OK;
}

static const char *keep(oxy__sqlite *c, oxy_sv text)
{
    return oxy_arena_copy(&c->memory, text.p, text.len);
}

static bool starts_with(oxy_sv s, oxy_sv prefix)
{
    return s.len > prefix.len && memcmp(s.p, prefix.p, prefix.len) == 0;
}

/* Settings with a name of their own behind the prefix; order is kept. */
static oxy_rc read_named(oxy__sqlite *c, const oxy_setting *s, size_t prefix, oxy_err *err)
{
    oxy__sqlite_config *f = &c->config;
    bool pragma = s->name.p[0] == 'p';
    oxy_setting *to = pragma ? &f->pragmas[f->n_pragmas] : &f->attach[f->n_attach];
    oxy_sv name = {s->name.p + prefix, s->name.len - prefix};
    int64_t ms = 0;

    if (pragma && oxy_sv_eq(name, OXY_SV("busy_timeout"))) {
        oxy_rc rc = read_number(s, INT32_MAX, &ms, err);
        f->busy_timeout = ms * OXY_NS_PER_MS;
        return rc;
    }
    to->name.p = keep(c, name);
    to->name.len = name.len;
    to->value.p = keep(c, s->value);
    to->value.len = s->value.len;
    *(pragma ? &f->n_pragmas : &f->n_attach) += 1;
    return OXY_OK;
}

static oxy_rc read_setting(oxy__sqlite *c, int *cache, const oxy_setting *s, oxy_err *err)
{
    oxy__sqlite_config *f = &c->config;
    int64_t n = 0;
    oxy_rc rc = OXY_OK;

    if (oxy_sv_eq(s->name, OXY_SV("path"))) {
        f->path = keep(c, s->value);
    } else if (oxy_sv_eq(s->name, OXY_SV("mode"))) {
        rc = read_mode(f, s, err);
    } else if (oxy_sv_eq(s->name, OXY_SV("cache"))) {
        rc = read_cache(f, cache, s, err);
    } else if (oxy_sv_eq(s->name, OXY_SV("immutable"))) {
        rc = read_immutable(f, s, err);
    } else if (oxy_sv_eq(s->name, OXY_SV("vfs"))) {
        f->vfs = keep(c, s->value);
    } else if (oxy_sv_eq(s->name, OXY_SV("journal_mode"))) {
        f->journal_mode = keep(c, s->value);
    } else if (oxy_sv_eq(s->name, OXY_SV("synchronous"))) {
        f->synchronous = keep(c, s->value);
    } else if (oxy_sv_eq(s->name, OXY_SV("cache_size"))) {
        f->cache_size = keep(c, s->value);
    } else if (oxy_sv_eq(s->name, OXY_SV("busy_timeout_ms"))) {
        rc = read_number(s, INT32_MAX, &n, err);
        f->busy_timeout = n * OXY_NS_PER_MS;
    } else if (oxy_sv_eq(s->name, OXY_SV("inline_budget_ns"))) {
        rc = read_number(s, INT64_MAX / 4, &n, err);
        f->budget = n;
    } else if (oxy_sv_eq(s->name, OXY_SV("role"))) {
        rc = read_role(f, s, err);
    } else if (starts_with(s->name, OXY_SV("pragma."))) {
        rc = read_named(c, s, 7, err);
    } else if (starts_with(s->name, OXY_SV("attach."))) {
        rc = read_named(c, s, 7, err);
    } else {
        rc = bad_setting(err, s, "there is no such setting");
    }
    return rc;
}

oxy_rc oxy__sqlite_configure(oxy__sqlite *c, const oxy_open *what, oxy_err *err)
{
    oxy__sqlite_config *f = &c->config;
    int cache = 0;

    oxy_arena_init(&c->memory, c->base.alloc, TEXT_LIMIT);
    f->open_flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    f->budget = OXY_NS_PER_MS;
    f->pragmas = oxy_arena_zero(&c->memory, what->n_settings + 1, sizeof *f->pragmas);
    f->attach = oxy_arena_zero(&c->memory, what->n_settings + 1, sizeof *f->attach);
    for (uint32_t i = 0; i < what->n_settings && !c->memory.failed; i++) {
        oxy_rc rc = read_setting(c, &cache, &what->settings[i], err);

        if (rc != OXY_OK)
            return rc;
    }
    if (c->memory.failed)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    if (!f->path)
        f->path = ":memory:";
    if (strcmp(f->path, ":memory:") == 0 || strstr(f->path, "mode=memory"))
        f->memory = true;
    /* Unless asked for, nothing is shared, whatever the process has set for all handles. */
    f->open_flags |= (cache ? cache : SQLITE_OPEN_PRIVATECACHE) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
    return OXY_OK;
}

/* --- the handle ------------------------------------------------------------------- */

/* The name for sqlite3_open_v2. Only immutable and a shared memory database
 * need the URI form. */
static oxy_rc make_name(const oxy__sqlite_config *f, char *out, size_t cap)
{
    bool named_memory = (f->open_flags & SQLITE_OPEN_MEMORY) && strcmp(f->path, ":memory:") != 0;
    size_t n = 0;

    if (strncmp(f->path, "file:", 5) == 0 || (!f->immutable && !named_memory)) {
        if (strlen(f->path) >= cap)
            return OXY_VALUE;
        memcpy(out, f->path, strlen(f->path) + 1);
        return OXY_OK;
    }
    n = (size_t)snprintf(out, cap, "file:");
    for (const char *p = f->path; *p; p++) {
        bool plain = isalnum((unsigned char)*p) || strchr("/._-~", *p);

        if (n + 40 > cap)
            return OXY_VALUE;
        n += (size_t)snprintf(out + n, 4, plain ? "%c" : "%%%02X", (unsigned char)*p);
    }
    (void)snprintf(out + n, cap - n, "%s", f->immutable ? "?immutable=1" : "?mode=memory&cache=shared");
    return OXY_OK;
}

/* The path as the system sees it, for messages. */
static void resolve(const char *path, char *out, size_t cap)
{
    char cwd[PATH_MAX];

    if (path[0] == '/' || strncmp(path, "file:", 5) == 0 || !getcwd(cwd, sizeof cwd))
        (void)snprintf(out, cap, "%s", path);
    else
        (void)snprintf(out, cap, "%s/%s", cwd, strncmp(path, "./", 2) == 0 ? path + 2 : path);
}

static oxy_rc open_error(oxy__sqlite *c, const char *path, oxy_err *err)
{
    char where[PATH_MAX + 64];
    oxy_rc rc = oxy__sqlite_error(c, err);

    if ((err->native & 0xff) == SQLITE_CANTOPEN) {
        int native = err->native;

        resolve(path, where, sizeof where);
        rc = oxy_err_set(err, rc, "unable to open database file: %s", where);
        err->native = native;
    }
    return rc;
}

/* Runs one statement to its end; result, if wanted, gets the first cell of the
 * first row. A lock is waited for here: switching to WAL does not ask the
 * busy handler, and four processes may open one new file at once. */
static oxy_rc exec(oxy__sqlite *c, const char *sql, const oxy_setting *bind, char *result, size_t cap, oxy_err *err)
{
    const char *path = bind ? bind->value.p : c->config.path;
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK && bind) {
        rc = sqlite3_bind_text(stmt, 1, bind->value.p, -1, SQLITE_STATIC);
        if (rc == SQLITE_OK)
            rc = sqlite3_bind_text(stmt, 2, bind->name.p, -1, SQLITE_STATIC);
    }
    if (rc == SQLITE_OK) {
        int waited = 1; /* 0 would start the clock anew */

        c->run.busy_since = oxy_clock_now();
        while ((rc = sqlite3_step(stmt)) == SQLITE_BUSY && oxy__run_busy(c, waited++))
            (void)sqlite3_reset(stmt);
        if (rc == SQLITE_ROW && result) {
            const char *text = (const char *)sqlite3_column_text(stmt, 0);

            (void)snprintf(result, cap, "%s", text ? text : "");
        }
        while (rc == SQLITE_ROW)
            rc = sqlite3_step(stmt);
    }
    oxy_rc out = rc == SQLITE_DONE || rc == SQLITE_OK ? OXY_OK : open_error(c, path, err);
    sqlite3_finalize(stmt);
    return out;
}

/* PRAGMA takes no parameters: a number or a word goes in as it is, anything
 * else as a string. */
static oxy_rc set_pragma(oxy__sqlite *c, const char *name, const char *value, char *result, size_t cap, oxy_err *err)
{
    const char *dot = strchr(name, '.');
    size_t n = strspn(value, "+-.0123456789");
    bool bare = value[0] && (value[n] == '\0' || is_word(value, strlen(value)));
    char *sql;
    oxy_rc rc;

    if (!is_word(dot ? dot + 1 : name, strlen(dot ? dot + 1 : name)) || (dot && !is_word(name, (size_t)(dot - name))))
        return oxy_err_set(err, OXY_VALUE, "'%s' is not the name of a pragma", name);
    sql = bare ? sqlite3_mprintf("PRAGMA %s = %s", name, value) : sqlite3_mprintf("PRAGMA %s = %Q", name, value);
    if (!sql)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    rc = exec(c, sql, NULL, result, cap, err);
    sqlite3_free(sql);
    return rc;
}

static oxy_rc attach_all(oxy__sqlite *c, oxy_err *err)
{
    for (uint32_t i = 0; i < c->config.n_attach; i++) {
        oxy_rc rc = exec(c, "ATTACH DATABASE ?1 AS ?2", &c->config.attach[i], NULL, 0, err);

        if (rc != OXY_OK)
            return rc;
    }
    return OXY_OK;
}

static int on_wal(void *arg, sqlite3 *db, const char *schema, int pages)
{
    oxy__sqlite *c = arg;

    (void)db;
    if (strcmp(schema, "main") == 0) {
        if (pages < c->wal_main)
            c->wal_tried = c->wal_forced = 0;
        c->wal_main = pages;
    }
    atomic_store_explicit(&c->wal_pages, pages, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->wal_commits, 1, memory_order_relaxed);
    atomic_store_explicit(&c->wal_fresh, false, memory_order_relaxed);
    return SQLITE_OK;
}

/* Journal mode comes after ATTACH, so that it holds for every file. */
static oxy_rc set_pragmas(oxy__sqlite *c, oxy_err *err)
{
    const oxy__sqlite_config *f = &c->config;
    char text[32] = "";
    oxy_rc rc;

    rc = exec(c, "PRAGMA foreign_keys = ON", NULL, NULL, 0, err);
    if (rc == OXY_OK)
        rc = attach_all(c, err);
    if (rc == OXY_OK && f->journal_mode && !f->memory && !f->read_only && !f->immutable &&
        sqlite3_db_readonly(c->db, "main") == 0)
        rc = set_pragma(c, "journal_mode", f->journal_mode, NULL, 0, err);
    if (rc == OXY_OK && f->synchronous)
        rc = set_pragma(c, "synchronous", f->synchronous, NULL, 0, err);
    if (rc == OXY_OK && f->cache_size)
        rc = set_pragma(c, "cache_size", f->cache_size, NULL, 0, err);
    for (uint32_t i = 0; i < f->n_pragmas && rc == OXY_OK; i++)
        rc = set_pragma(c, f->pragmas[i].name.p, f->pragmas[i].value.p, NULL, 0, err);
    if (rc == OXY_OK && f->role == OXY__ROLE_READER)
        rc = exec(c, "PRAGMA query_only = ON", NULL, NULL, 0, err);
    /* What came of it decides where writes may run. */
    if (rc == OXY_OK)
        rc = exec(c, "PRAGMA journal_mode", NULL, text, sizeof text, err);
    c->wal = sqlite3_stricmp(text, "wal") == 0;
    if (rc == OXY_OK)
        rc = exec(c, "PRAGMA synchronous", NULL, text, sizeof text, err);
    c->quick_commit = f->memory || text[0] == '0' || (c->wal && text[0] == '1');
    if (rc == OXY_OK)
        rc = exec(c, "PRAGMA encoding", NULL, text, sizeof text, err);
    c->utf8 = strcmp(text, "UTF-8") == 0;
    return rc;
}

/* Whether the files behind the handle are SQLite's own kind and nobody else's: with a
 * shared cache several handles have one file, whose methods only one of them could
 * replace, and a file system that the user has chosen may mean something else by them.
 * A name that is a URI may say either by itself. */
static bool has_own_file(const oxy__sqlite_config *f)
{
    return !f->memory && !f->immutable && !f->read_only && !f->vfs && !(f->open_flags & SQLITE_OPEN_SHAREDCACHE) &&
           strncmp(f->path, "file:", 5) != 0;
}

/* What stands in for SQLite's methods on its files. */
static oxy_rc place_methods(oxy__sqlite *c, oxy_err *err)
{
    char text[16] = "";
    oxy_rc rc;

    if (!has_own_file(&c->config))
        return OXY_OK;
    rc = exec(c, "PRAGMA page_size", NULL, text, sizeof text, err);
    if (rc == OXY_OK && oxy__log_place(c, strtoul(text, NULL, 10)) != OXY_OK)
        rc = oxy_err_set(err, OXY_NOMEM, "out of memory");
    if (rc == OXY_OK)
        oxy__locks_place(c);
    return rc;
}

static oxy_rc open_handle(oxy__sqlite *c, oxy_err *err)
{
    const oxy__sqlite_config *f = &c->config;
    char name[URI_LIMIT];
    sqlite3 *db = NULL;
    int rc;

    if (sqlite3_libversion_number() < 3035000)
        return oxy_err_set(err, OXY_NOT_SUPPORTED, "SQLite %s is too old, 3.35 is the oldest that works",
                           sqlite3_libversion());
    if (make_name(f, name, sizeof name) != OXY_OK)
        return oxy_err_set(err, OXY_VALUE, "path of the database file is too long");
    rc = sqlite3_open_v2(name, &db, f->open_flags, f->vfs);
    pthread_mutex_lock(&c->worker.lock);
    c->db = db; /* under the lock: cancel() may look */
    pthread_mutex_unlock(&c->worker.lock);
    if (rc != SQLITE_OK)
        return open_error(c, f->path, err);
    (void)sqlite3_extended_result_codes(db, 1);
    return OXY_OK;
}

oxy_rc oxy__sqlite_open_now(oxy__sqlite *c, oxy_err *err)
{
    oxy_rc rc = open_handle(c, err);

    if (rc != OXY_OK)
        return rc;
    (void)sqlite3_wal_autocheckpoint(c->db, 0);
    (void)sqlite3_busy_handler(c->db, oxy__run_busy, c);
    c->run.on_worker = true; /* a lock may be waited for */
    rc = set_pragmas(c, err);
    if (rc == OXY_OK && oxy__func_register(c) != SQLITE_OK)
        rc = oxy__sqlite_error(c, err);
    if (rc == OXY_OK && sqlite3_prepare_v3(c->db, "SELECT 1 UNION ALL SELECT 1 FROM sqlite_master", -1,
                                           SQLITE_PREPARE_PERSISTENT, &c->anchor, NULL) != SQLITE_OK)
        rc = open_error(c, c->config.path, err);
    if (rc != OXY_OK)
        return rc;
    rc = place_methods(c, err);
    if (rc != OXY_OK) {
        (void)sqlite3_finalize(c->anchor);
        c->anchor = NULL; /* without it the connection is no good */
        return rc;
    }
    (void)sqlite3_wal_hook(c->db, on_wal, c);
    sqlite3_progress_handler(c->db, 256, oxy__run_progress, c);
    c->run.on_worker = false;
    return OXY_OK;
}

/* A handle knows the log only after it has read the file. */
static int read_once(sqlite3 *db, const char *schema)
{
    char *sql = sqlite3_mprintf("SELECT 1 FROM \"%w\".sqlite_master LIMIT 1", schema);
    int rc = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

    sqlite3_free(sql);
    return rc;
}

sqlite3 *oxy__sqlite_open_plain(const oxy__sqlite_config *f)
{
    char name[URI_LIMIT];
    sqlite3 *db = NULL;
    int rc = SQLITE_NOMEM;

    if (make_name(f, name, sizeof name) == OXY_OK)
        rc = sqlite3_open_v2(name, &db, f->open_flags & ~SQLITE_OPEN_CREATE, f->vfs);
    if (rc == SQLITE_OK)
        rc = read_once(db, "main");
    for (uint32_t i = 0; i < f->n_attach && rc == SQLITE_OK; i++) {
        char *sql = sqlite3_mprintf("ATTACH DATABASE %Q AS \"%w\"", f->attach[i].value.p, f->attach[i].name.p);

        rc = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
        sqlite3_free(sql);
        if (rc == SQLITE_OK)
            rc = read_once(db, f->attach[i].name.p);
    }
    if (rc == SQLITE_OK) {
        (void)sqlite3_wal_autocheckpoint(db, 0);
        return db;
    }
    (void)sqlite3_close(db);
    return NULL;
}

uint32_t oxy_sqlite_version(void)
{
    return (uint32_t)sqlite3_libversion_number();
}
