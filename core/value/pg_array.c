/* SPDX-License-Identifier: MIT */
/* pg_array: arrays as PostgreSQL sends them, in binary and in text, as nested
 * lists. Lower bounds are dropped: a list begins where it begins. */
#include "pg.h"

#include <string.h>

static oxy_rc malformed(oxy__pg_read *r)
{
    return oxy__pg_bad(r, "it is malformed");
}

/* An array of n items still to be filled, or NULL. */
static oxy_value *new_array(oxy__pg_read *r, size_t n, oxy_value *out)
{
    oxy_array *array = oxy_arena_new(r->scratch, sizeof *array);
    oxy_value *items = array == NULL ? NULL : oxy_arena_zero(r->scratch, n == 0 ? 1 : n, sizeof *items);

    if (items == NULL)
        return NULL;
    *array = (oxy_array){.elem = OXY_K_UNKNOWN, .n = n, .items = items};
    *out = (oxy_value){.tag = OXY_V_ARRAY, .array = array};
    return items;
}

/* --- binary ------------------------------------------------------------------------------ */

/* Number of dimensions, whether there are NULLs, element type, then length and
 * lower bound of each dimension, then the elements in row-major order: length
 * (-1 for NULL) and bytes. */
struct binary {
    oxy__pg_read *r;
    const char *p, *end;
    uint32_t elem;
    int ndim;
    size_t dims[PG_MAX_DIM];
};

static oxy_rc binary_item(struct binary *b, oxy_value *out)
{
    const char *p = b->p;
    uint32_t len;

    if (b->end - p < 4)
        return malformed(b->r);
    len = oxy__be32(p);
    p += 4;
    b->p = p;
    if (len == UINT32_MAX) {
        *out = (oxy_value){.tag = OXY_V_NULL};
        return OXY_OK;
    }
    if (len > (size_t)(b->end - p))
        return malformed(b->r);
    b->p += len;
    return oxy__pg_from_binary(b->r, b->elem, p, len, out);
}

static oxy_rc binary_level(struct binary *b, int dim, oxy_value *out)
{
    oxy_value *items = new_array(b->r, b->dims[dim], out);
    oxy_rc rc = items == NULL ? OXY_NOMEM : OXY_OK;
    size_t i;

    for (i = 0; rc == OXY_OK && i < b->dims[dim]; i++)
        rc = dim + 1 < b->ndim ? binary_level(b, dim + 1, &items[i]) : binary_item(b, &items[i]);
    return rc;
}

oxy_rc oxy__pg_array_from_binary(oxy__pg_read *r, uint32_t elem, const char *p, size_t len, oxy_value *out)
{
    struct binary b = {.r = r, .p = p, .end = p + len};
    uint64_t total = 1;
    uint32_t ndim;
    oxy_rc rc;

    if (len < 12)
        return malformed(r);
    ndim = oxy__be32(p);
    b.elem = oxy__be32(p + 8);
    b.p += 12;
    if (ndim > PG_MAX_DIM || (size_t)(b.end - b.p) < ndim * 8 ||
        (elem != 0 ? b.elem != elem : oxy_pg_elem_oid(b.elem) != 0))
        return malformed(r);
    if (ndim == 0)
        return b.p != b.end ? malformed(r) : new_array(r, 0, out) == NULL ? OXY_NOMEM : OXY_OK;
    for (b.ndim = 0; b.ndim < (int)ndim; b.ndim++, b.p += 8) {
        b.dims[b.ndim] = oxy__be32(b.p);
        /* Each element takes four bytes at least: that bounds what is allocated below. */
        if (b.dims[b.ndim] == 0 || __builtin_mul_overflow(total, (uint64_t)b.dims[b.ndim], &total) || total > len / 4)
            return malformed(r);
    }
    rc = binary_level(&b, 0, out);
    return rc == OXY_OK && b.p != b.end ? malformed(r) : rc;
}

/* --- text ---------------------------------------------------------------------------------- */

struct text {
    oxy__pg_read *r;
    const char *p, *end;
    uint32_t elem;
    char delimiter;
};

static bool take(struct text *t, char c)
{
    if (t->p == t->end || *t->p != c)
        return false;
    t->p++;
    return true;
}

/* The number of items from p, which stands behind '{', to its '}'. */
static size_t count_items(const struct text *t)
{
    const char *p = t->p;
    size_t n = 1;
    int depth = 0;
    bool quoted = false;

    if (p < t->end && *p == '}')
        return 0;
    for (; p < t->end; p++) {
        if (*p == '\\')
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (*p == '{')
            depth++;
        else if (*p == '}' && depth-- == 0)
            break;
        else if (*p == t->delimiter && depth == 0)
            n++;
    }
    return n;
}

/* Behind the first quotation mark. */
static oxy_rc take_quoted(struct text *t, oxy_sv *out)
{
    const char *start = t->p, *p = start;
    size_t escapes = 0;
    char *copy, *q;

    for (; p < t->end && *p != '"'; p++) {
        if (*p == '\\') {
            p++;
            escapes++;
        }
    }
    if (p >= t->end)
        return malformed(t->r);
    t->p = p + 1;
    *out = (oxy_sv){start, (size_t)(p - start)};
    if (escapes == 0)
        return OXY_OK;
    copy = q = oxy_arena_new(t->r->scratch, out->len);
    if (copy == NULL)
        return OXY_NOMEM;
    for (; start < p; start++) {
        if (*start == '\\')
            start++;
        *q++ = *start;
    }
    *out = (oxy_sv){copy, (size_t)(q - copy)};
    return OXY_OK;
}

static bool is_null(oxy_sv s)
{
    return s.len == 4 && (s.p[0] | 0x20) == 'n' && (s.p[1] | 0x20) == 'u' && (s.p[2] | 0x20) == 'l' &&
           (s.p[3] | 0x20) == 'l';
}

static oxy_rc text_item(struct text *t, oxy_value *out)
{
    oxy_sv item;
    oxy_rc rc;

    if (take(t, '"')) {
        rc = take_quoted(t, &item);
        return rc == OXY_OK ? oxy__pg_from_text(t->r, t->elem, item.p, item.len, out) : rc;
    }
    item = (oxy_sv){t->p, 0};
    while (t->p < t->end && *t->p != t->delimiter && *t->p != '}' && *t->p != '{' && *t->p != '"' && *t->p != '\\')
        t->p++;
    item.len = (size_t)(t->p - item.p);
    if (item.len == 0)
        return malformed(t->r);
    if (is_null(item)) {
        *out = (oxy_value){.tag = OXY_V_NULL};
        return OXY_OK;
    }
    return oxy__pg_from_text(t->r, t->elem, item.p, item.len, out);
}

/* Behind '{'. */
static oxy_rc text_level(struct text *t, int depth, oxy_value *out)
{
    size_t n = count_items(t), i;
    oxy_value *items = new_array(t->r, n, out);
    oxy_rc rc = items == NULL ? OXY_NOMEM : OXY_OK;

    for (i = 0; rc == OXY_OK && i < n; i++) {
        if (i > 0 && !take(t, t->delimiter))
            return malformed(t->r);
        if (!take(t, '{'))
            rc = text_item(t, &items[i]);
        else
            rc = depth < PG_MAX_DIM ? text_level(t, depth + 1, &items[i]) : malformed(t->r);
    }
    if (rc == OXY_OK && !take(t, '}'))
        return malformed(t->r);
    return rc;
}

/* "[0:2][-1:1]=" before the braces. */
static bool skip_bounds(struct text *t)
{
    if (t->p == t->end || *t->p != '[')
        return true;
    while (t->p < t->end && *t->p != '=')
        t->p++;
    return take(t, '=');
}

oxy_rc oxy__pg_array_from_text(oxy__pg_read *r, uint32_t elem, const char *p, size_t len, oxy_value *out)
{
    struct text t = {.r = r, .p = p, .end = p + len, .elem = elem, .delimiter = elem == PG_BOX ? ';' : ','};
    oxy_rc rc;

    if (!skip_bounds(&t) || !take(&t, '{'))
        return malformed(r);
    rc = text_level(&t, 1, out);
    return rc == OXY_OK && t.p != t.end ? malformed(r) : rc;
}
