/* SPDX-License-Identifier: MIT */
/* pg_write_array: nested lists as PostgreSQL's arrays, in binary and in text. An
 * array of the server is a box: lists inside a list must have the same length. */
#include "pg.h"

#include <string.h>

static const char ragged[] = "lists in a list must have the same length, not 0, to be a PostgreSQL array; "
                             "db_type=\"JSONB\" keeps any list";

static oxy__pg_put refuse(oxy__pg_write *w, const char *misfit)
{
    (void)oxy__pg_refuse(w, misfit);
    w->rc = misfit == ragged ? OXY_VALUE : OXY_DATA;
    return OXY__PG_PUT_REFUSED;
}

/* --- the shape ---------------------------------------------------------------------------- */

struct shape {
    int ndim;
    size_t dims[PG_MAX_DIM];
};

/* The lengths along the first items; check_level() then holds all others to it. */
static const char *measure(const oxy_array *array, struct shape *s)
{
    const oxy_value *first;

    for (s->ndim = 0;; array = first->array) {
        if (s->ndim == PG_MAX_DIM)
            return "it is nested too deep";
        if (array->n > INT32_MAX)
            return "it is too long";
        s->dims[s->ndim++] = array->n;
        if (array->n == 0)
            return s->ndim == 1 ? NULL : ragged;
        first = &array->items[0];
        if (first->tag != OXY_V_ARRAY)
            return NULL;
    }
}

static bool check_level(const oxy_array *array, const struct shape *s, int dim)
{
    size_t i;

    if (array->n != s->dims[dim])
        return false;
    for (i = 0; i < array->n; i++) {
        bool list = array->items[i].tag == OXY_V_ARRAY;

        if (list != (dim + 1 < s->ndim) || (list && !check_level(array->items[i].array, s, dim + 1)))
            return false;
    }
    return true;
}

/* NULL, or what keeps the list from being an array. */
static const char *shape_of(const oxy_array *array, struct shape *s)
{
    const char *misfit = measure(array, s);

    return misfit != NULL ? misfit : check_level(array, s, 0) ? NULL : ragged;
}

static oxy__pg_put finish(oxy__pg_write *w, oxy_buf *out, oxy__pg_put rc)
{
    const char *copy = rc == OXY__PG_PUT && out->rc == OXY_OK ? oxy_arena_copy(w->scratch, out->p, out->len) : NULL;

    if (rc == OXY__PG_PUT && out->rc == OXY_DATA)
        rc = oxy__pg_refuse(w, "it is too long");
    else if (rc == OXY__PG_PUT && copy == NULL)
        rc = OXY__PG_PUT_NOMEM;
    w->bytes = (oxy_sv){copy, out->len};
    oxy_buf_fini(out);
    return rc;
}

/* --- binary ---------------------------------------------------------------------------------- */

static void put_word(oxy_buf *out, uint32_t n)
{
    char bytes[4];

    (void)oxy__put32(bytes, n);
    oxy_buf_put(out, bytes, sizeof bytes);
}

static oxy__pg_put put_items(oxy__pg_write *w, oxy_buf *out, const oxy_array *array, uint32_t elem)
{
    oxy__pg_put rc = OXY__PG_PUT;
    size_t i;

    for (i = 0; rc == OXY__PG_PUT && out->rc == OXY_OK && i < array->n; i++) {
        const oxy_value *v = &array->items[i];

        if (v->tag == OXY_V_ARRAY) {
            rc = put_items(w, out, v->array, elem);
            continue;
        }
        if (v->tag == OXY_V_NULL) {
            put_word(out, UINT32_MAX);
            continue;
        }
        rc = oxy__pg_to_binary(w, v, elem);
        if (rc == OXY__PG_PUT && w->bytes.len > INT32_MAX)
            rc = oxy__pg_refuse(w, "an element is too long");
        if (rc == OXY__PG_PUT) {
            put_word(out, (uint32_t)w->bytes.len);
            oxy_buf_put(out, w->bytes.p, w->bytes.len);
        }
    }
    return rc;
}

static bool has_null(const oxy_array *array)
{
    size_t i;

    for (i = 0; i < array->n; i++) {
        const oxy_value *v = &array->items[i];

        if (v->tag == OXY_V_NULL || (v->tag == OXY_V_ARRAY && has_null(v->array)))
            return true;
    }
    return false;
}

oxy__pg_put oxy__pg_array_to_binary(oxy__pg_write *w, const oxy_array *array, uint32_t elem)
{
    struct shape s;
    const char *misfit = shape_of(array, &s);
    bool empty = array->n == 0;
    oxy_buf out;
    int i;

    if (misfit != NULL)
        return refuse(w, misfit);
    oxy_buf_init(&out, w->scratch->alloc, INT32_MAX);
    put_word(&out, empty ? 0 : (uint32_t)s.ndim);
    put_word(&out, has_null(array));
    put_word(&out, elem);
    for (i = 0; !empty && i < s.ndim; i++) {
        put_word(&out, (uint32_t)s.dims[i]);
        put_word(&out, 1); /* lower bound */
    }
    return finish(w, &out, put_items(w, &out, array, elem));
}

/* --- text -------------------------------------------------------------------------------------- */

static void put_quoted(oxy_buf *out, oxy_sv s)
{
    size_t start = 0, i;

    oxy_buf_putc(out, '"');
    for (i = 0; i < s.len; i++) {
        if (s.p[i] != '"' && s.p[i] != '\\')
            continue;
        oxy_buf_put(out, s.p + start, i - start);
        oxy_buf_putc(out, '\\');
        start = i;
    }
    if (s.len > start)
        oxy_buf_put(out, s.p + start, s.len - start);
    oxy_buf_putc(out, '"');
}

static oxy__pg_put put_level(oxy__pg_write *w, oxy_buf *out, const oxy_array *array)
{
    oxy__pg_put rc = OXY__PG_PUT;
    size_t i;

    oxy_buf_putc(out, '{');
    for (i = 0; rc == OXY__PG_PUT && out->rc == OXY_OK && i < array->n; i++) {
        const oxy_value *v = &array->items[i];

        if (i > 0)
            oxy_buf_putc(out, w->semicolons ? ';' : ',');
        if (v->tag == OXY_V_ARRAY) {
            rc = put_level(w, out, v->array);
        } else if (v->tag == OXY_V_NULL) {
            oxy_buf_puts(out, "NULL");
        } else {
            rc = oxy__pg_to_text(w, v);
            if (rc == OXY__PG_PUT)
                put_quoted(out, w->bytes);
        }
    }
    oxy_buf_putc(out, '}');
    return rc;
}

oxy__pg_put oxy__pg_array_to_text(oxy__pg_write *w, const oxy_array *array)
{
    struct shape s;
    const char *misfit = shape_of(array, &s);
    oxy_buf out;

    if (misfit != NULL)
        return refuse(w, misfit);
    oxy_buf_init(&out, w->scratch->alloc, INT32_MAX);
    return finish(w, &out, put_level(w, &out, array));
}
