/* SPDX-License-Identifier: MIT */
/* Statements: the cache, names, descriptions. */
#include "postgres.h"

#include "driver/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- names --------------------------------------------------------------------------- */

/* Unlike any name of another connection: a pooler may hand us a session in which
 * somebody else prepared, and a name in common would run their statement. */
void oxy__pg_name(const oxy__pg *c, uint32_t number, char out[OXY__PG_NAME_MAX])
{
    (void)snprintf(out, OXY__PG_NAME_MAX, "oxyde_%016llx_%u", (unsigned long long)c->name_seed, number);
}

/* --- one statement ---------------------------------------------------------------------- */

/* Only the last reference closes the name: a run may yet have to execute by it.
 * What is left of the statement is its own entry in the list. */
void oxy__pg_stmt_drop(oxy__pg *c, oxy__pg_stmt *s)
{
    const oxy_alloc *a = c->base.alloc;

    if (!s || --s->refs)
        return;
    oxy_alloc_free(a, s->declared);
    oxy_alloc_free(a, s->params);
    oxy_alloc_free(a, s->cols);
    oxy_alloc_free(a, s->sql);
    if (s->number && c->phase != OXY__PG_BROKEN) {
        s->chain = c->closing;
        c->closing = s;
        c->n_closing++;
    } else {
        oxy_alloc_free(a, s);
    }
}

uint32_t oxy__pg_stmt_closing(oxy__pg *c)
{
    oxy__pg_stmt *s = c->closing;
    uint32_t number;

    if (!s)
        return 0;
    number = s->number;
    c->closing = s->chain;
    c->n_closing--;
    oxy_alloc_free(c->base.alloc, s);
    return number;
}

/* types: what to declare; NULL: what the values name. */
static Oid declared_at(const oxy_request *r, const Oid *types, uint32_t i)
{
    return types ? types[i] : r->values[i].wire;
}

static oxy_rc stmt_new(oxy__pg *c, const oxy_request *r, const Oid *types, uint64_t key, oxy__pg_stmt **out,
                       oxy_err *err)
{
    const oxy_alloc *a = c->base.alloc;
    oxy__pg_stmt *s;

    *out = NULL;
    if (r->sql.len && memchr(r->sql.p, '\0', r->sql.len))
        return oxy_err_set(err, OXY_PROGRAMMING, "statement contains a NUL character");
    s = oxy_alloc_zero(a, 1, sizeof *s);
    if (!s)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    s->refs = 1;
    s->key = key;
    s->len = r->sql.len;
    s->n_declared = r->n_values;
    s->sql = oxy_alloc_new(a, r->sql.len + 1);
    if (r->n_values)
        s->declared = oxy_alloc_new(a, r->n_values * sizeof *s->declared);
    if (!s->sql || (r->n_values && !s->declared)) {
        oxy__pg_stmt_drop(c, s);
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    }
    if (r->sql.len)
        memcpy(s->sql, r->sql.p, r->sql.len);
    s->sql[r->sql.len] = '\0';
    for (uint32_t i = 0; i < r->n_values; i++) {
        s->declared[i] = declared_at(r, types, i);
        s->infers |= s->declared[i] == 0;
    }
    *out = s;
    return OXY_OK;
}

/* --- cache ---------------------------------------------------------------------------------- */

oxy_rc oxy__pg_cache_init(oxy__pg *c, uint32_t limit)
{
    oxy__pg_cache *cache = &c->cache;

    cache->limit = limit;
    cache->n_buckets = 16;
    while (cache->n_buckets < limit && cache->n_buckets < (1u << 20))
        cache->n_buckets *= 2;
    cache->buckets = oxy_alloc_zero(c->base.alloc, cache->n_buckets, sizeof(oxy__pg_stmt *));
    return cache->buckets ? OXY_OK : OXY_NOMEM;
}

static void unlink_age(oxy__pg_cache *cache, oxy__pg_stmt *s)
{
    *(s->newer ? &s->newer->older : &cache->newest) = s->older;
    *(s->older ? &s->older->newer : &cache->oldest) = s->newer;
}

static void link_newest(oxy__pg_cache *cache, oxy__pg_stmt *s)
{
    s->newer = NULL;
    s->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = s;
    cache->newest = s;
}

static void uncache(oxy__pg *c, oxy__pg_stmt *s)
{
    oxy__pg_stmt **at = &c->cache.buckets[s->key & (c->cache.n_buckets - 1)];

    if (!s->cached)
        return;
    while (*at != s)
        at = &(*at)->chain;
    *at = s->chain;
    unlink_age(&c->cache, s);
    c->cache.n--;
    s->cached = false;
    oxy__pg_stmt_drop(c, s);
}

void oxy__pg_stmt_forget(oxy__pg *c, oxy__pg_stmt *s)
{
    if (s->cached)
        uncache(c, s);
}

void oxy__pg_cache_clear(oxy__pg *c, bool close)
{
    while (c->cache.newest) {
        oxy__pg_stmt *s = c->cache.newest;

        if (!close)
            s->number = 0;
        oxy__pg_stmt_forget(c, s);
    }
    while (!close && oxy__pg_stmt_closing(c))
        ;
}

void oxy__pg_cache_fini(oxy__pg *c)
{
    if (c->cache.buckets)
        oxy__pg_cache_clear(c, false);
    oxy_alloc_free(c->base.alloc, c->cache.buckets);
    c->cache.buckets = NULL;
}

static bool same(const oxy__pg_stmt *s, uint64_t key, const oxy_request *r, const Oid *types)
{
    if (s->key != key || s->len != r->sql.len || s->n_declared != r->n_values ||
        (s->len && memcmp(s->sql, r->sql.p, s->len) != 0))
        return false;
    for (uint32_t i = 0; i < s->n_declared; i++)
        if (s->declared[i] != declared_at(r, types, i))
            return false;
    return true;
}

static oxy__pg_stmt *lookup(oxy__pg_cache *cache, uint64_t key, const oxy_request *r, const Oid *types)
{
    oxy__pg_stmt *s = cache->newest;

    /* The same statement over and over needs no table. */
    if (s && same(s, key, r, types))
        return s;
    for (s = cache->buckets[key & (cache->n_buckets - 1)]; s; s = s->chain) {
        if (same(s, key, r, types)) {
            unlink_age(cache, s);
            link_newest(cache, s);
            return s;
        }
    }
    return NULL;
}

/* Free text is kept from its second use on: most of it comes once. */
static bool seen_before(oxy__pg_cache *cache, uint64_t key)
{
    for (size_t i = 0; i < OXY_COUNT(cache->seen); i++)
        if (cache->seen[i] == key)
            return true;
    cache->seen[cache->seen_next++ % OXY_COUNT(cache->seen)] = key;
    return false;
}

static uint64_t hash(const oxy_request *r, const Oid *types)
{
    uint64_t key = oxy_hash(r->sql.p, r->sql.len, r->n_values);

    for (uint32_t i = 0; i < r->n_values; i++)
        key = (key ^ declared_at(r, types, i)) * UINT64_C(0x9e3779b97f4a7c15);
    return key ^ key >> 32;
}

/* BEGIN, SET, DDL and their like take no parameters and cannot be described:
 * they go in one flight, and whatever rows they have come as text. */
static bool goes_directly(const oxy_request *r)
{
    bool plain;

    if (r->n_values)
        return false;
    switch (oxy__sql_classify(r->sql.p, r->sql.len, &plain)) {
    case OXY__SQL_SELECT:
    case OXY__SQL_INSERT:
    case OXY__SQL_DML: return false;
    default: return true;
    }
}

static void keep(oxy__pg *c, oxy__pg_stmt *s)
{
    oxy__pg_cache *cache = &c->cache;
    oxy__pg_stmt **bucket = &cache->buckets[s->key & (cache->n_buckets - 1)];

    if (cache->n >= cache->limit)
        oxy__pg_stmt_forget(c, cache->oldest);
    s->refs++;
    s->cached = true;
    s->chain = *bucket;
    *bucket = s;
    link_newest(cache, s);
    cache->n++;
}

/* Some releases of libpq (15.18, not 15.20) take a description of more than 30,000
 * bytes (four a parameter) for a broken connection. So a statement with that many
 * is not described: its values go as text, which the server reads as whatever it
 * infers, and what it returns is known when it comes. */
#define DESCRIBED_MAX 7000

static oxy_rc go_blind(oxy__pg *c, oxy__pg_stmt *s, oxy_err *err)
{
    s->params = oxy_alloc_new(c->base.alloc, s->n_declared * sizeof *s->params);
    if (!s->params)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    memcpy(s->params, s->declared, s->n_declared * sizeof *s->params);
    s->n_params = s->n_declared;
    s->infers = false;
    s->state = OXY__PG_READY;
    return OXY_OK;
}

oxy_rc oxy__pg_stmt_get(oxy__pg *c, const oxy_request *r, const Oid *types, oxy__pg_stmt **out, oxy_err *err)
{
    bool kept = !(r->flags & OXY_REQ_NO_CACHE);
    uint64_t key = types ? 0 : r->key;
    oxy_rc rc;

    if (!key)
        key = hash(r, types);
    *out = kept ? lookup(&c->cache, key, r, types) : NULL;
    if (*out) {
        (*out)->refs++;
        return OXY_OK;
    }
    rc = stmt_new(c, r, types, key, out, err);
    if (rc != OXY_OK || !*out)
        return rc;
    if (goes_directly(r)) {
        (*out)->state = OXY__PG_READY;
        (*out)->text = true;
        return OXY_OK;
    }
    if (r->n_values > DESCRIBED_MAX) {
        rc = go_blind(c, *out, err);
        if (rc != OXY_OK) {
            oxy__pg_stmt_drop(c, *out);
            *out = NULL;
        }
        return rc;
    }
    if (kept && (r->flags & OXY_REQ_RAW))
        kept = seen_before(&c->cache, key);
    if (kept)
        keep(c, *out);
    return OXY_OK;
}

/* --- descriptions ------------------------------------------------------------------------------ */

static oxy_rc take_columns(oxy__pg *c, oxy__pg_stmt *s, const PGresult *res)
{
    uint32_t n = (uint32_t)PQnfields(res);
    size_t descs = n * sizeof(oxy_coldesc), fns = n * sizeof(oxy__pg_cell_fn), types = n * sizeof(Oid), names = 0;
    oxy_coldesc *cols;
    char *p;

    for (uint32_t i = 0; i < n; i++)
        names += strlen(PQfname(res, (int)i));
    cols = oxy_alloc_new(c->base.alloc, descs + fns + types + names + 1);
    if (!cols)
        return OXY_NOMEM;
    memset(cols, 0, descs + fns + types);
    s->cells = (oxy__pg_cell_fn *)(void *)((char *)cols + descs);
    s->types = (Oid *)(void *)((char *)cols + descs + fns);
    p = (char *)cols + descs + fns + types;
    for (uint32_t i = 0; i < n; i++) {
        const char *name = PQfname(res, (int)i);

        cols[i].name = (oxy_sv){p, strlen(name)};
        cols[i].decl = (oxy_sv){p, 0};
        memcpy(p, name, cols[i].name.len);
        p += cols[i].name.len;
        cols[i].wire_type = s->types[i] = PQftype(res, (int)i);
        cols[i].wire_mod = PQfmod(res, (int)i);
    }
    oxy_alloc_free(c->base.alloc, s->cols);
    s->cols = cols;
    s->n_cols = n;
    return OXY_OK;
}

/* The highest $n in a text. What stands in a string counts too: too many may be
 * found, never too few. */
static uint32_t placeholders(const char *sql)
{
    uint32_t most = 0;

    for (const char *p = strchr(sql, '$'); p; p = strchr(p, '$')) {
        uint32_t n = 0;

        for (p++; *p >= '0' && *p <= '9' && n <= OXY__PG_MAX_PARAMS; p++)
            n = n * 10 + (uint32_t)(*p - '0');
        if (n > most)
            most = n;
    }
    return most;
}

oxy_rc oxy__pg_stmt_describe(oxy__pg *c, oxy__pg_stmt *s, const PGresult *res)
{
    uint32_t n = (uint32_t)PQnparams(res);
    Oid *params = NULL;

    /* A declared type makes a parameter, whether or not the text has it. */
    if (n && n == s->n_declared) {
        uint32_t used = placeholders(s->sql);

        n = used < n ? used : n;
    }
    if (n) {
        params = oxy_alloc_new(c->base.alloc, n * sizeof *params);
        if (!params)
            return OXY_NOMEM;
        for (uint32_t i = 0; i < n; i++)
            params[i] = PQparamtype(res, (int)i);
    }
    oxy_alloc_free(c->base.alloc, s->params);
    s->params = params;
    s->n_params = n;
    return take_columns(c, s, res);
}

static bool columns_match(const oxy__pg_stmt *s, const PGresult *res)
{
    int n = PQnfields(res);

    if ((uint32_t)n != s->n_cols)
        return false;
    for (int i = 0; i < n; i++) {
        const oxy_coldesc *col = &s->cols[i];
        const char *name = PQfname(res, i);

        if (s->types[i] != PQftype(res, i) || strlen(name) != col->name.len ||
            memcmp(name, col->name.p, col->name.len) != 0)
            return false;
    }
    return true;
}

/* A named statement cannot change its columns; an unnamed one is parsed anew
 * each time and may. */
oxy_rc oxy__pg_stmt_match(oxy__pg *c, oxy__pg_run *run, const PGresult *res)
{
    oxy__pg_stmt *s = run->stmt;
    bool text = s->text;
    oxy_err err;

    if (s->number || columns_match(s, res))
        return OXY_OK;
    if (take_columns(c, s, res) != OXY_OK) {
        run->no_memory = true;
        return OXY_NOMEM;
    }
    oxy__pg_stmt_choose(c, s);
    if (text) {
        for (uint32_t i = 0; i < s->n_cols; i++) {
            s->cols[i].wire_flags |= OXY_PG_TEXT;
            s->cells[i] = oxy__pg_cell_text;
        }
        s->text = true;
    } else if (s->text) {
        oxy__pg_stmt_forget(c, s);
        if (s->n_declared > DESCRIBED_MAX)
            (void)oxy_err_set(&err, OXY_NOT_SUPPORTED,
                              "a statement with more than %d parameters cannot return columns of types of your own; "
                              "send fewer parameters at once",
                              DESCRIBED_MAX);
        else
            (void)oxy_err_set(&err, OXY_DATA, "the columns of the statement have changed since it was described");
        oxy__pg_run_fail(c, run, &err);
        return OXY_DATA;
    }
    return OXY_OK;
}
