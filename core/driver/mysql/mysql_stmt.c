/* SPDX-License-Identifier: MIT */
/* Statements: what a text is, the cache of prepared statements, parameters. */
#include "mysql_conn.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* --- looking at text -------------------------------------------------------------- */

/* Skips blanks, semicolons and comments; what stands in an executable comment is
 * a statement. */
static size_t skip_blank(const char *sql, size_t len, size_t i)
{
    while (i < len) {
        if (isspace((unsigned char)sql[i]) || sql[i] == ';') {
            i++;
        } else if (sql[i] == '#' || (sql[i] == '-' && i + 1 < len && sql[i + 1] == '-' &&
                                     (i + 2 == len || isspace((unsigned char)sql[i + 2])))) {
            while (i < len && sql[i] != '\n')
                i++;
        } else if (sql[i] == '/' && i + 1 < len && sql[i + 1] == '*' &&
                   !(i + 2 < len && (sql[i + 2] == '!' || sql[i + 2] == 'M'))) {
            i += 2;
            while (i < len && !(sql[i] == '*' && i + 1 < len && sql[i + 1] == '/'))
                i++;
            i = i + 2 > len ? len : i + 2;
        } else {
            break;
        }
    }
    return i;
}

bool oxy__my_blank(const char *sql, size_t len)
{
    return skip_blank(sql, len, 0) == len;
}

bool oxy__my_several(const char *sql, size_t len)
{
    for (size_t i = skip_blank(sql, len, 0); i < len;) {
        char quote = sql[i];
        size_t next;

        if (quote == '\'' || quote == '"' || quote == '`') {
            for (i++; i < len && sql[i] != quote; i++)
                if (sql[i] == '\\' && quote != '`')
                    i++;
            i++;
        } else if (quote == ';') {
            return skip_blank(sql, len, i) < len;
        } else {
            next = skip_blank(sql, len, i + 1);
            /* A semicolon that was skipped is looked at first. */
            i = memchr(sql + i + 1, ';', next - i - 1) ? i + 1 : next;
        }
    }
    return false;
}

void oxy__my_note_free_text(oxy__mysql *c, const char *sql, size_t len)
{
    static const char *const plain[] = {"SELECT", "INSERT",  "UPDATE", "DELETE", "REPLACE",  "WITH",
                                        "VALUES", "EXPLAIN", "SHOW",   "TABLE",  "DESCRIBE", "DESC"};
    size_t start = skip_blank(sql, len, 0), end = start;

    while (start < len && sql[start] == '(')
        end = start = skip_blank(sql, len, start + 1);
    if (start == len)
        return;
    while (end < len && isalpha((unsigned char)sql[end]))
        end++;
    for (size_t i = 0; i < OXY_COUNT(plain); i++)
        if (strlen(plain[i]) == end - start && strncasecmp(plain[i], sql + start, end - start) == 0)
            return;
    c->tainted = true;
}

/* --- cache ------------------------------------------------------------------------------ */

oxy_rc oxy__my_cache_init(oxy__mysql *c, uint32_t limit)
{
    oxy__my_cache *cache = &c->cache;

    cache->limit = limit;
    if (!limit)
        return OXY_OK;
    cache->n_buckets = 16;
    while (cache->n_buckets < limit && cache->n_buckets < (1u << 20))
        cache->n_buckets *= 2;
    cache->buckets = oxy_alloc_zero(c->base.alloc, cache->n_buckets, sizeof(oxy__my_stmt *));
    return cache->buckets ? OXY_OK : OXY_NOMEM;
}

static void free_stmt(oxy__mysql *c, oxy__my_stmt *s)
{
    oxy_alloc_free(c->base.alloc, s->sql);
    oxy_alloc_free(c->base.alloc, s);
}

static void unlink_age(oxy__my_cache *cache, oxy__my_stmt *s)
{
    *(s->newer ? &s->newer->older : &cache->newest) = s->older;
    *(s->older ? &s->older->newer : &cache->oldest) = s->newer;
}

static void link_newest(oxy__my_cache *cache, oxy__my_stmt *s)
{
    s->newer = NULL;
    s->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = s;
    cache->newest = s;
}

static void unlink_stmt(oxy__my_cache *cache, oxy__my_stmt *s)
{
    oxy__my_stmt **at = &cache->buckets[s->key & (cache->n_buckets - 1)];

    while (*at != s)
        at = &(*at)->chain;
    *at = s->chain;
    unlink_age(cache, s);
    cache->n--;
    s->cached = false;
}

/* Closing takes a call: it is done in front of the next request. */
static void doom(oxy__mysql *c, oxy__my_stmt *s)
{
    if (!s->stmt) {
        free_stmt(c, s);
        return;
    }
    s->older = c->cache.doomed;
    c->cache.doomed = s;
}

void oxy__my_cache_empty(oxy__mysql *c)
{
    while (c->cache.newest) {
        oxy__my_stmt *s = c->cache.newest;

        unlink_stmt(&c->cache, s);
        doom(c, s);
    }
    if (c->loose) {
        doom(c, c->loose);
        c->loose = NULL;
    }
}

MYSQL_STMT *oxy__my_take_doomed(oxy__mysql *c)
{
    oxy__my_stmt *s = c->cache.doomed;
    MYSQL_STMT *stmt = NULL;

    if (s) {
        stmt = s->stmt;
        c->cache.doomed = s->older;
        free_stmt(c, s);
    }
    return stmt;
}

void oxy__my_cache_forget(oxy__mysql *c)
{
    MYSQL_STMT *stmt;

    oxy__my_cache_empty(c);
    while ((stmt = oxy__my_take_doomed(c)))
        (void)mysql_stmt_close(stmt);
}

void oxy__my_cache_fini(oxy__mysql *c)
{
    oxy__my_cache_forget(c);
    oxy_alloc_free(c->base.alloc, c->cache.buckets);
    c->cache.buckets = NULL;
}

static oxy__my_stmt *lookup(oxy__my_cache *cache, uint64_t key, oxy_sv sql)
{
    oxy__my_stmt *s = cache->buckets[key & (cache->n_buckets - 1)];

    while (s && !(s->key == key && s->len == sql.len && memcmp(s->sql, sql.p, sql.len) == 0))
        s = s->chain;
    if (s && s != cache->newest) {
        unlink_age(cache, s);
        link_newest(cache, s);
    }
    return s;
}

/* Free text is kept from its second use on. */
static bool seen_before(oxy__my_cache *cache, uint64_t key)
{
    for (size_t i = 0; i < OXY_COUNT(cache->seen); i++)
        if (cache->seen[i] == key)
            return true;
    cache->seen[cache->seen_next++ % OXY_COUNT(cache->seen)] = key;
    return false;
}

oxy_rc oxy__my_stmt_get(oxy__mysql *c, oxy__my_stmt **out, bool *fresh, oxy_err *err)
{
    const oxy_request *r = &c->req;
    oxy__my_cache *cache = &c->cache;
    const oxy_alloc *a = c->base.alloc;
    uint64_t key = r->key ? r->key : oxy_hash(r->sql.p, r->sql.len, 0);
    bool keep = cache->limit && !(r->flags & OXY_REQ_NO_CACHE);
    oxy__my_stmt *s;

    *fresh = false;
    *out = keep ? lookup(cache, key, r->sql) : NULL;
    if (*out)
        return OXY_OK;
    if (keep && (r->flags & OXY_REQ_RAW))
        keep = seen_before(cache, key);
    s = oxy_alloc_zero(a, 1, sizeof *s);
    if (!s || !(s->sql = oxy_alloc_new(a, r->sql.len + 1))) {
        oxy_alloc_free(a, s);
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    }
    memcpy(s->sql, r->sql.p, r->sql.len);
    s->sql[r->sql.len] = '\0';
    s->len = r->sql.len;
    s->key = key;
    s->stmt = mysql_stmt_init(c->mysql);
    if (!s->stmt) {
        free_stmt(c, s);
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    }
    *fresh = true;
    *out = s;
    if (!keep) {
        c->loose = s;
        return OXY_OK;
    }
    if (cache->n >= cache->limit) {
        oxy__my_stmt *oldest = cache->oldest;

        unlink_stmt(cache, oldest);
        doom(c, oldest);
    }
    oxy__my_stmt **bucket = &cache->buckets[key & (cache->n_buckets - 1)];
    s->cached = true;
    s->chain = *bucket;
    *bucket = s;
    link_newest(cache, s);
    cache->n++;
    return OXY_OK;
}

void oxy__my_stmt_drop(oxy__mysql *c, oxy__my_stmt *s)
{
    if (s->cached)
        unlink_stmt(&c->cache, s);
    else if (c->loose == s)
        c->loose = NULL;
    doom(c, s);
}

void oxy__my_stmt_unprepared(oxy__mysql *c, oxy__my_stmt *s)
{
    (void)c;
    /* The server never had it: nothing is sent. */
    (void)mysql_stmt_close(s->stmt);
    s->stmt = NULL;
}

/* --- parameters --------------------------------------------------------------------------- */

static void set_civil(MYSQL_TIME *t, const oxy_civil *v, enum enum_mysql_timestamp_type type)
{
    t->year = (unsigned)v->year;
    t->month = v->month;
    t->day = v->day;
    t->hour = v->hour;
    t->minute = v->minute;
    t->second = v->second;
    t->second_part = v->micros;
    t->time_type = type;
}

static void set_span(MYSQL_TIME *t, int64_t micros)
{
    uint64_t n = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros, seconds = n / 1000000;

    t->neg = micros < 0;
    t->second_part = n % 1000000;
    t->second = (unsigned)(seconds % 60);
    t->minute = (unsigned)(seconds / 60 % 60);
    t->hour = (unsigned)(seconds / 3600 % 24);
    t->day = (unsigned)(seconds / 86400);
    t->time_type = MYSQL_TIMESTAMP_TIME;
}

static bool bind_time(oxy__mysql *c, MYSQL_BIND *b, const oxy_value *v, enum enum_field_types type)
{
    MYSQL_TIME *t = oxy_arena_zero(&c->scratch, 1, sizeof *t);
    oxy_civil civil;

    if (!t)
        return false;
    b->buffer_type = type;
    b->buffer = t;
    b->buffer_length = sizeof *t;
    if (type == MYSQL_TYPE_TIME) {
        set_span(t, v->i);
    } else if (type == MYSQL_TYPE_DATE) {
        oxy_civil_from_days(v->i, &civil);
        set_civil(t, &civil, MYSQL_TIMESTAMP_DATE);
    } else {
        oxy_civil_from_micros(v->i, &civil);
        set_civil(t, &civil, MYSQL_TIMESTAMP_DATETIME);
    }
    return true;
}

static void bind_bytes(MYSQL_BIND *b, const oxy_value *v, enum enum_field_types type)
{
    b->buffer_type = type;
    b->buffer = (void *)(uintptr_t)(v->s.len ? v->s.p : ""); /* only read */
    b->buffer_length = v->s.len;
}

/* OXY_OK, OXY_NOMEM, or OXY_TYPE for what the protocol has no form for. */
static oxy_rc bind_one(oxy__mysql *c, MYSQL_BIND *b, const oxy_value *v)
{
    enum enum_field_types times = MYSQL_TYPE_NULL;

    switch ((oxy_tag)v->tag) {
    case OXY_V_NULL: b->buffer_type = MYSQL_TYPE_NULL; return OXY_OK;
    case OXY_V_BOOL:
    case OXY_V_INT:
    case OXY_V_UINT:
        b->buffer_type = MYSQL_TYPE_LONGLONG;
        b->buffer = (void *)(uintptr_t)&v->i;
        b->is_unsigned = v->tag == OXY_V_UINT;
        return OXY_OK;
    case OXY_V_DOUBLE:
        b->buffer_type = MYSQL_TYPE_DOUBLE;
        b->buffer = (void *)(uintptr_t)&v->d;
        return OXY_OK;
    case OXY_V_TEXT: /* of a decimal, too: compared as a plain string it would become a double */
        bind_bytes(b, v, v->wire == OXY_MYSQL_NEWDECIMAL ? MYSQL_TYPE_NEWDECIMAL : MYSQL_TYPE_STRING);
        return OXY_OK;
    case OXY_V_JSON: bind_bytes(b, v, MYSQL_TYPE_STRING); return OXY_OK;
    case OXY_V_DECIMAL: bind_bytes(b, v, MYSQL_TYPE_NEWDECIMAL); return OXY_OK;
    case OXY_V_BLOB: bind_bytes(b, v, MYSQL_TYPE_BLOB); return OXY_OK;
    case OXY_V_DATETIME:
    case OXY_V_DATETIME_UTC: times = MYSQL_TYPE_DATETIME; break;
    case OXY_V_DATE: times = MYSQL_TYPE_DATE; break;
    case OXY_V_TIME:
    case OXY_V_TIMEDELTA: times = MYSQL_TYPE_TIME; break;
    default: return OXY_TYPE;
    }
    return bind_time(c, b, v, times) ? OXY_OK : OXY_NOMEM;
}

oxy_rc oxy__my_bind(oxy__mysql *c, oxy_err *err)
{
    const oxy_request *r = &c->req;
    unsigned long n = mysql_stmt_param_count(c->s->stmt);
    MYSQL_BIND *binds;

    if (n != r->n_values)
        return oxy_err_set(err, OXY_PROGRAMMING, "statement takes %lu parameters, %u given", n, r->n_values);
    if (!n)
        return OXY_OK;
    binds = oxy_arena_zero(&c->scratch, n, sizeof *binds);
    if (!binds)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        oxy_rc rc = bind_one(c, &binds[i], &r->values[i]);

        if (rc == OXY_NOMEM)
            return oxy_err_set(err, OXY_NOMEM, "out of memory");
        if (rc != OXY_OK)
            return oxy_err_set(err, OXY_PROGRAMMING, "parameter %u has no form that MySQL takes", i + 1);
    }
    if (mysql_stmt_bind_param(c->s->stmt, binds))
        return oxy__my_error(c, c->s->stmt, err);
    return OXY_OK;
}
