/* SPDX-License-Identifier: MIT */
/* pg_param: values whose type the server tells, and which type to ask it for
 * when the one that it inferred does not serve. */
#include "pg.h"

#include <stdio.h>
#include <string.h>

/* --- which type to declare --------------------------------------------------------------------- */

static bool is_text(uint32_t oid)
{
    return oid == PG_TEXT || oid == PG_VARCHAR || oid == PG_BPCHAR || oid == PG_NAME || oid == PG_UNKNOWN || oid == 0;
}

static uint32_t own_oid(const oxy_value *v)
{
    static const uint16_t oids[OXY_V_COUNT] = {
        [OXY_V_BOOL] = PG_BOOL,          [OXY_V_INT] = PG_INT8,
        [OXY_V_UINT] = PG_NUMERIC,       [OXY_V_DOUBLE] = PG_FLOAT8,
        [OXY_V_TEXT] = PG_TEXT,          [OXY_V_BLOB] = PG_BYTEA,
        [OXY_V_DATETIME] = PG_TIMESTAMP, [OXY_V_DATETIME_UTC] = PG_TIMESTAMPTZ,
        [OXY_V_DATE] = PG_DATE,          [OXY_V_TIME] = PG_TIME,
        [OXY_V_TIMETZ] = PG_TIMETZ,      [OXY_V_TIMEDELTA] = PG_INTERVAL,
        [OXY_V_UUID] = PG_UUID,          [OXY_V_DECIMAL] = PG_NUMERIC,
        [OXY_V_JSON] = PG_JSONB,         [OXY_V_INET] = PG_INET,
    };

    return v->tag < OXY_V_COUNT ? oids[v->tag] : 0;
}

static bool is_number(uint32_t oid)
{
    return oid == PG_INT8 || oid == PG_FLOAT8 || oid == PG_NUMERIC;
}

/* One type for both, or PG_TEXT. 0: none yet. */
static uint32_t common_oid(uint32_t a, uint32_t b)
{
    if (a == b || b == 0)
        return a;
    if (a == 0)
        return b;
    if (is_number(a) && is_number(b))
        return a == PG_FLOAT8 || b == PG_FLOAT8 ? PG_FLOAT8 : PG_NUMERIC;
    return PG_TEXT;
}

/* The type of a list's innermost items; 0 where there are only NULLs. */
static uint32_t items_oid(const oxy_array *array, int depth)
{
    uint32_t oid = 0;
    size_t i;

    for (i = 0; depth < PG_MAX_DIM && i < array->n; i++) {
        const oxy_value *v = &array->items[i];

        oid = common_oid(oid, v->tag == OXY_V_ARRAY ? items_oid(v->array, depth + 1) : own_oid(v));
    }
    return oid;
}

static bool beyond(const oxy_value *v, int64_t low, int64_t high)
{
    size_t i;

    if (v->tag == OXY_V_INT)
        return v->i < low || v->i > high;
    for (i = 0; v->tag == OXY_V_ARRAY && i < v->array->n; i++) {
        if (beyond(&v->array->items[i], low, high))
            return true;
    }
    return false;
}

static uint32_t scalar_oid(const oxy_value *v, uint32_t oid)
{
    switch (oid) {
    case PG_INT2: return beyond(v, INT16_MIN, INT16_MAX) ? PG_INT8 : oid;
    case PG_INT4: return beyond(v, INT32_MIN, INT32_MAX) ? PG_INT8 : oid;
    case PG_OID: return beyond(v, 0, UINT32_MAX) ? PG_INT8 : oid;
    default: return is_text(oid) ? own_oid(v) : oid;
    }
}

uint32_t oxy_pg_param_oid(const oxy_value *in, uint32_t oid)
{
    uint32_t elem = oxy_pg_elem_oid(oid), own;

    if (in->tag == OXY_V_NULL)
        return oid;
    if (in->tag == OXY_V_WIRE)
        return in->wire;
    if (in->tag == OXY_V_TEXT)
        return oid == 0 ? PG_TEXT : oid;
    if (in->tag != OXY_V_ARRAY)
        return scalar_oid(in, oid);
    if (!is_text(oid) && elem == 0)
        return oid;
    own = is_text(oid) || is_text(elem) ? items_oid(in->array, 1) : elem;
    if (own == PG_TEXT || own == 0) /* as the server says, if that is an array */
        return elem != 0 ? oid : oxy__pg_array_oid(PG_TEXT);
    return oxy__pg_array_oid(beyond(in,
                                    own == PG_INT2   ? INT16_MIN
                                    : own == PG_INT4 ? INT32_MIN
                                                     : INT64_MIN,
                                    own == PG_INT2   ? INT16_MAX
                                    : own == PG_INT4 ? INT32_MAX
                                                     : INT64_MAX)
                                 ? PG_INT8
                                 : own);
}

/* --- encoding --------------------------------------------------------------------------------------- */

static __attribute__((noinline, cold)) oxy_rc refuse(const oxy_value *in, uint32_t oid, const oxy__pg_write *w,
                                                     oxy_err *err)
{
    uint32_t elem = oxy_pg_elem_oid(oid);
    const char *name = oxy__pg_type_name(elem != 0 ? elem : oid);
    char number[32];

    (void)snprintf(number, sizeof number, "type %u", (unsigned)oid);
    return oxy_err_set(err, w->rc, "cannot send this %s as %s%s%s%s", oxy__tag_word(in->tag),
                       name == NULL ? number : name, elem != 0 ? "[]" : "", w->reason == NULL ? "" : ": ",
                       w->reason == NULL ? "" : w->reason);
}

static __attribute__((noinline, cold)) oxy_rc no_memory(oxy_err *err)
{
    return oxy_err_set(err, OXY_NOMEM, "out of memory while encoding a value");
}

/* In text format the client library wants a NUL behind it. */
static oxy__pg_put finish_text(oxy__pg_write *w, uint32_t oid, oxy_value *out)
{
    const char *copy;

    if (w->bytes.len > INT32_MAX)
        return oxy__pg_refuse(w, "it is too long");
    copy = oxy_arena_copy(w->scratch, w->bytes.p, w->bytes.len);
    if (copy == NULL)
        return OXY__PG_PUT_NOMEM;
    *out = (oxy_value){.tag = OXY_V_TEXT, .wire = (uint16_t)oid, .s = {copy, w->bytes.len}};
    return OXY__PG_PUT;
}

oxy_rc oxy_pg_encode_as(const oxy_value *in, uint32_t oid, oxy_arena *scratch, oxy_value *out, bool *text, oxy_err *err)
{
    oxy__pg_write w = {.scratch = scratch, .semicolons = oxy_pg_elem_oid(oid) == PG_BOX};
    oxy_value value = *in; /* out may be in itself */
    oxy__pg_put rc;

    *text = false;
    if (value.tag >= OXY_V_COUNT)
        return oxy_err_set(err, OXY_INTERNAL, "a value of unknown type reached the PostgreSQL codec");
    if (value.tag == OXY_V_NULL || value.tag == OXY_V_WIRE) {
        *out = value;
        if (value.tag == OXY_V_NULL)
            out->wire = oid < PG_FIRST_USER_OID ? (uint16_t)oid : 0;
        return OXY_OK;
    }
    rc = oxy__pg_to_binary(&w, &value, oid);
    if (rc == OXY__PG_PUT)
        rc = oxy__pg_finish(&w, oid, out);
    if (rc == OXY__PG_PUT_TEXT) {
        *text = true;
        rc = oxy__pg_to_text(&w, &value);
        if (rc == OXY__PG_PUT)
            rc = finish_text(&w, oid < PG_FIRST_USER_OID ? oid : 0, out);
    }
    return rc == OXY__PG_PUT ? OXY_OK : rc == OXY__PG_PUT_NOMEM ? no_memory(err) : refuse(&value, oid, &w, err);
}
