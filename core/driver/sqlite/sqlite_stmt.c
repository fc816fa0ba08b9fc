/* SPDX-License-Identifier: MIT */
/* Statements: what a text's words say about running it, preparing, binding,
 * describing columns, and the cache of prepared statements. */
#include "sqlite.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- looking at text ------------------------------------------------------------ */

void oxy__note_free_text(oxy__sqlite *c, const char *sql, size_t len)
{
    bool plain;
    oxy__sql_kind kind = oxy__sql_classify(sql, len, &plain);

    if (plain)
        return;
    c->tainted = true;
    /* It may have been PRAGMA synchronous or journal_mode. */
    if (kind == OXY__SQL_OTHER && !c->config.memory)
        c->quick_commit = false;
}

/* What the words of a statement say about running it. Quoted names say nothing. */
typedef struct words {
    bool where, count;
    bool unsteady;
} words;

static bool is_word_char(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_' || ((unsigned char)ch & 0x80);
}

/* End of the quoted run that begins at i; a doubled quote is two runs. */
static size_t skip_quoted(const char *sql, size_t len, size_t i)
{
    char close = sql[i] == '[' ? ']' : sql[i];

    for (i++; i < len && sql[i] != close; i++)
        ;
    return i < len ? i + 1 : len;
}

static bool word_is(const char *p, size_t len, const char *word)
{
    return strlen(word) == len && sqlite3_strnicmp(p, word, (int)len) == 0;
}

/* date() and its kin without arguments mean now. */
static bool called_empty(const char *sql, size_t len, size_t i)
{
    i = oxy__sql_skip_blank(sql, len, i, false);
    if (i == len || sql[i] != '(')
        return false;
    i = oxy__sql_skip_blank(sql, len, i + 1, false);
    return i < len && sql[i] == ')';
}

static void note_word(words *w, const char *sql, size_t len, size_t start, size_t end)
{
    static const char *const changing[] = {"random", "randomblob", "current_date", "current_time", "current_timestamp"};
    static const char *const dates[] = {"date", "time", "datetime", "julianday", "unixepoch"};
    const char *p = sql + start;
    size_t n = end - start;

    w->where |= word_is(p, n, "where");
    w->count |= word_is(p, n, "count");
    for (size_t i = 0; i < OXY_COUNT(changing); i++)
        w->unsteady |= word_is(p, n, changing[i]);
    for (size_t i = 0; i < OXY_COUNT(dates); i++)
        w->unsteady |= word_is(p, n, dates[i]) && called_empty(sql, len, end);
}

static words read_words(const char *sql, size_t len)
{
    words w = {false, false, false};

    for (size_t i = 0; (i = oxy__sql_skip_blank(sql, len, i, true)) < len;) {
        size_t start = i;

        if (strchr("'\"`[", sql[i])) {
            i = skip_quoted(sql, len, i);
            w.unsteady |= sql[start] == '\'' && word_is(sql + start, i - start, "'now'");
        } else if (is_word_char(sql[i])) {
            while (i < len && is_word_char(sql[i]))
                i++;
            note_word(&w, sql, len, start, i);
        } else {
            i++;
        }
    }
    return w;
}

/* --- preparing ------------------------------------------------------------------- */

static void stmt_free(const oxy_alloc *a, oxy__stmt *s)
{
    if (!s)
        return;
    sqlite3_finalize(s->stmt);
    sqlite3_finalize(s->last_key);
    oxy_alloc_free(a, s->order);
    oxy_alloc_free(a, s->cols);
    oxy_alloc_free(a, s->sql);
    oxy_alloc_free(a, s);
}

/* "$1" is to SQLite a name like any other; we count it as PostgreSQL does. */
static bool numbered(const char *name, uint32_t *number)
{
    char *end;
    unsigned long n;

    if (!name || name[0] != '$' || name[1] < '1' || name[1] > '9')
        return false;
    n = strtoul(name + 1, &end, 10);
    if (*end || n > INT32_MAX)
        return false;
    *number = (uint32_t)n - 1;
    return true;
}

static oxy_rc map_parameters(oxy__sqlite *c, oxy__stmt *s, oxy_err *err)
{
    uint32_t n = (uint32_t)sqlite3_bind_parameter_count(s->stmt), number, n_values = 0;
    bool any = false;

    s->n_values = n;
    for (uint32_t i = 1; i <= n && !any; i++)
        any = numbered(sqlite3_bind_parameter_name(s->stmt, (int)i), &number);
    if (!any)
        return OXY_OK;
    s->order = oxy_alloc_zero(c->base.alloc, n, sizeof *s->order);
    if (!s->order)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        s->order[i] = numbered(sqlite3_bind_parameter_name(s->stmt, (int)i + 1), &number) ? number : i;
        if (s->order[i] >= n_values)
            n_values = s->order[i] + 1;
    }
    s->n_values = n_values;
    return OXY_OK;
}

static void look_at(oxy__stmt *s)
{
    words w = read_words(s->sql, s->len);
    bool plain;

    s->kind = oxy__sql_classify(s->sql, s->len, &plain);
    s->readonly = !s->stmt || sqlite3_stmt_readonly(s->stmt);
    if (s->kind == OXY__SQL_DML && s->readonly)
        s->kind = OXY__SQL_SELECT;
    s->unsteady = w.unsteady;
    s->whole = !w.where && (s->kind == OXY__SQL_SELECT ? w.count : s->kind == OXY__SQL_DML);
    s->slow_next = OXY__SLOW_FIRST;
}

static oxy_rc prepare(oxy__sqlite *c, const oxy_request *r, uint64_t key, bool keep, oxy__stmt **out, oxy_err *err)
{
    const oxy_alloc *a = c->base.alloc;
    oxy__stmt *s = oxy_alloc_zero(a, 1, sizeof *s);
    const char *tail = NULL;
    oxy_rc rc;

    *out = NULL;
    if (!s || !(s->sql = oxy_alloc_new(a, r->sql.len + 1))) {
        rc = oxy_err_set(err, OXY_NOMEM, "out of memory");
        goto fail;
    }
    if (r->sql.len)
        memcpy(s->sql, r->sql.p, r->sql.len);
    s->sql[r->sql.len] = '\0';
    s->len = r->sql.len;
    s->key = key;
    if (s->len >= INT32_MAX) {
        rc = oxy_err_set(err, OXY_DATA, "statement of %zu bytes is too long", s->len);
        goto fail;
    }
    if (strlen(s->sql) != s->len) {
        rc = oxy_err_set(err, OXY_PROGRAMMING, "statement contains a NUL character");
        goto fail;
    }
    if (sqlite3_prepare_v3(c->db, s->sql, (int)s->len + 1, keep ? SQLITE_PREPARE_PERSISTENT : 0, &s->stmt, &tail) !=
        SQLITE_OK) {
        rc = oxy__sqlite_error(c, err);
        goto fail;
    }
    /* Leading semicolons and comments make an empty first statement. */
    if (!oxy__sql_blank(tail, s->len - (size_t)(tail - s->sql))) {
        rc = oxy_err_set(err, OXY_PROGRAMMING, "several statements in one call; use execute_script for them");
        goto fail;
    }
    rc = map_parameters(c, s, err);
    if (rc != OXY_OK)
        goto fail;
    look_at(s);
    *out = s;
    return OXY_OK;
fail:
    stmt_free(a, s);
    return rc;
}

/* --- cache ------------------------------------------------------------------------- */

oxy_rc oxy__cache_init(oxy__sqlite *c, uint32_t limit)
{
    oxy__cache *cache = &c->cache;

    cache->limit = limit;
    if (!limit)
        return OXY_OK;
    cache->n_buckets = 16;
    while (cache->n_buckets < limit && cache->n_buckets < (1u << 20))
        cache->n_buckets *= 2;
    cache->buckets = oxy_alloc_zero(c->base.alloc, cache->n_buckets, sizeof(oxy__stmt *));
    return cache->buckets ? OXY_OK : OXY_NOMEM;
}

void oxy__cache_fini(oxy__sqlite *c)
{
    oxy__stmt *older;

    for (oxy__stmt *s = c->cache.newest; s; s = older) {
        older = s->older;
        stmt_free(c->base.alloc, s);
    }
    oxy_alloc_free(c->base.alloc, c->cache.buckets);
    memset(&c->cache, 0, sizeof c->cache);
}

static void unlink_age(oxy__cache *cache, oxy__stmt *s)
{
    *(s->newer ? &s->newer->older : &cache->newest) = s->older;
    *(s->older ? &s->older->newer : &cache->oldest) = s->newer;
}

static void link_newest(oxy__cache *cache, oxy__stmt *s)
{
    s->newer = NULL;
    s->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = s;
    cache->newest = s;
}

static void evict(oxy__sqlite *c, oxy__stmt *s)
{
    oxy__stmt **at = &c->cache.buckets[s->key & (c->cache.n_buckets - 1)];

    while (*at != s)
        at = &(*at)->chain;
    *at = s->chain;
    unlink_age(&c->cache, s);
    c->cache.n--;
    stmt_free(c->base.alloc, s);
}

static bool same(const oxy__stmt *s, uint64_t key, oxy_sv sql, bool quiet)
{
    return s->key == key && s->quiet == quiet && s->len == sql.len && memcmp(s->sql, sql.p, sql.len) == 0;
}

static oxy__stmt *lookup(oxy__cache *cache, uint64_t key, oxy_sv sql, bool quiet)
{
    oxy__stmt *s = cache->newest;

    /* The same statement over and over needs no table. */
    if (s && same(s, key, sql, quiet))
        return s;
    for (s = cache->buckets[key & (cache->n_buckets - 1)]; s; s = s->chain) {
        if (same(s, key, sql, quiet)) {
            unlink_age(cache, s);
            link_newest(cache, s);
            return s;
        }
    }
    return NULL;
}

/* Free text is kept from its second use on: most of it comes once. */
static bool seen_before(oxy__cache *cache, uint64_t key)
{
    for (size_t i = 0; i < OXY_COUNT(cache->seen); i++)
        if (cache->seen[i] == key)
            return true;
    cache->seen[cache->seen_next++ % OXY_COUNT(cache->seen)] = key;
    return false;
}

void oxy__stmt_drop_loose(oxy__sqlite *c)
{
    stmt_free(c->base.alloc, c->loose);
    c->loose = NULL;
}

oxy_rc oxy__stmt_get(oxy__sqlite *c, const oxy_request *r, oxy__stmt **out, oxy_err *err)
{
    oxy__cache *cache = &c->cache;
    uint64_t key = r->key ? r->key : oxy_hash(r->sql.p, r->sql.len, 0);
    bool keep = cache->limit && !(r->flags & OXY_REQ_NO_CACHE), quiet = r->flags & OXY__REQ_QUIET;
    oxy_rc rc;

    oxy__stmt_drop_loose(c);
    *out = keep ? lookup(cache, key, r->sql, quiet) : NULL;
    if (*out)
        return OXY_OK;
    if (keep && (r->flags & OXY_REQ_RAW))
        keep = seen_before(cache, key);
    rc = prepare(c, r, key, keep, out, err);
    if (rc != OXY_OK || !*out)
        return rc;
    if (!keep) {
        c->loose = *out;
        return OXY_OK;
    }
    if (cache->n >= cache->limit)
        evict(c, cache->oldest);
    oxy__stmt *s = *out;
    oxy__stmt **bucket = &cache->buckets[key & (cache->n_buckets - 1)];
    s->cached = true;
    s->quiet = quiet;
    s->chain = *bucket;
    *bucket = s;
    link_newest(cache, s);
    cache->n++;
    return OXY_OK;
}

/* --- binding and describing ----------------------------------------------------------- */

static int bind_one(sqlite3_stmt *stmt, int at, const oxy_value *v)
{
    switch ((oxy_tag)v->tag) {
    case OXY_V_NULL: return sqlite3_bind_null(stmt, at);
    case OXY_V_BOOL:
    case OXY_V_INT: return sqlite3_bind_int64(stmt, at, v->i);
    case OXY_V_DOUBLE: return sqlite3_bind_double(stmt, at, v->d);
    /* A NULL pointer would bind NULL. */
    case OXY_V_TEXT: return sqlite3_bind_text64(stmt, at, v->s.len ? v->s.p : "", v->s.len, SQLITE_STATIC, SQLITE_UTF8);
    case OXY_V_BLOB: return sqlite3_bind_blob64(stmt, at, v->s.len ? v->s.p : "", v->s.len, SQLITE_STATIC);
    default: return SQLITE_MISUSE;
    }
}

oxy_rc oxy__stmt_bind(oxy__sqlite *c, oxy__stmt *s, const oxy_request *r, oxy_err *err)
{
    int n = s->stmt ? sqlite3_bind_parameter_count(s->stmt) : 0;

    if (s->n_values != r->n_values)
        return oxy_err_set(err, OXY_PROGRAMMING, "statement takes %u parameters, %u given", s->n_values, r->n_values);
    for (int i = 0; i < n; i++) {
        const oxy_value *v = &r->values[s->order ? s->order[i] : (uint32_t)i];
        int rc = bind_one(s->stmt, i + 1, v);

        if (rc == SQLITE_MISUSE)
            return oxy_err_set(err, OXY_PROGRAMMING, "parameter %d has no form that SQLite stores", i + 1);
        if (rc == SQLITE_TOOBIG)
            return oxy_err_set(err, OXY_DATA, "parameter %d is longer than SQLite allows", i + 1);
        if (rc != SQLITE_OK)
            return oxy__sqlite_error(c, err);
    }
    return OXY_OK;
}

oxy_rc oxy__stmt_describe(oxy__sqlite *c, oxy__stmt *s, oxy_err *err)
{
    int reprepared = sqlite3_stmt_status(s->stmt, SQLITE_STMTSTATUS_REPREPARE, 0);
    uint32_t n = (uint32_t)sqlite3_column_count(s->stmt);
    size_t size = n * sizeof(oxy_coldesc), text = 0;
    oxy_coldesc *cols;
    char *p;

    if (s->cols && s->reprepared == reprepared)
        return OXY_OK;
    for (uint32_t i = 0; i < n; i++) {
        const char *name = sqlite3_column_name(s->stmt, (int)i), *decl = sqlite3_column_decltype(s->stmt, (int)i);

        if (!name)
            return oxy_err_set(err, OXY_NOMEM, "out of memory");
        text += strlen(name) + (decl ? strlen(decl) : 0);
    }
    cols = oxy_alloc_new(c->base.alloc, size + text + 1);
    if (!cols)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    memset(cols, 0, size);
    p = (char *)cols + size;
    for (uint32_t i = 0; i < n; i++) {
        const char *name = sqlite3_column_name(s->stmt, (int)i), *decl = sqlite3_column_decltype(s->stmt, (int)i);

        cols[i].name = (oxy_sv){p, name ? strlen(name) : 0};
        if (name)
            memcpy(p, name, cols[i].name.len);
        p += cols[i].name.len;
        cols[i].decl = (oxy_sv){p, decl ? strlen(decl) : 0};
        for (size_t k = 0; k < cols[i].decl.len; k++)
            p[k] = (char)toupper((unsigned char)decl[k]);
        p += cols[i].decl.len;
    }
    oxy_alloc_free(c->base.alloc, s->cols);
    s->cols = cols;
    s->n_cols = n;
    s->reprepared = reprepared;
    return OXY_OK;
}
