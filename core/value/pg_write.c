/* SPDX-License-Identifier: MIT */
/* pg_write: a value as the bytes of a type, after PostgreSQL's *_recv functions.
 * What the type cannot hold exactly is refused here: the server would round it
 * or tell of bytes that the user has never seen. */
#include "pg.h"

#include <arpa/inet.h>
#include <float.h>
#include <math.h>
#include <string.h>

oxy__pg_put oxy__pg_refuse(oxy__pg_write *w, const char *reason)
{
    w->reason = reason;
    w->rc = OXY_DATA;
    return OXY__PG_PUT_REFUSED;
}

oxy__pg_put oxy__pg_finish(oxy__pg_write *w, uint32_t oid, oxy_value *out)
{
    if (w->bytes.len > INT32_MAX)
        return oxy__pg_refuse(w, "it is too long");
    if (w->bytes.p == w->small) {
        w->bytes.p = oxy_arena_copy(w->scratch, w->small, w->bytes.len);
        if (w->bytes.p == NULL)
            return OXY__PG_PUT_NOMEM;
    }
    *out = (oxy_value){.tag = OXY_V_WIRE, .wire = (uint16_t)oid, .s = w->bytes};
    return OXY__PG_PUT;
}

static oxy__pg_put put_small(oxy__pg_write *w, const char *end)
{
    w->bytes = (oxy_sv){w->small, (size_t)(end - w->small)};
    return OXY__PG_PUT;
}

static oxy__pg_put put_borrowed(oxy__pg_write *w, oxy_sv s)
{
    w->bytes = s;
    return OXY__PG_PUT;
}

/* --- numbers ------------------------------------------------------------------------------- */

/* The value as a whole number between the bounds. */
static oxy__pg_put whole(oxy__pg_write *w, const oxy_value *v, int64_t low, int64_t high, int64_t *out)
{
    uint64_t magnitude;
    oxy__decimal d;

    switch ((oxy_tag)v->tag) {
    case OXY_V_BOOL:
    case OXY_V_INT:
    case OXY_V_TIMEDELTA: *out = v->i; break;
    case OXY_V_UINT:
        if (v->u > INT64_MAX)
            return oxy__pg_refuse(w, "it does not fit 64 bits");
        *out = (int64_t)v->u;
        break;
    case OXY_V_DOUBLE:
        if (v->d != floor(v->d) || !isfinite(v->d))
            return oxy__pg_refuse(w, "it is not a whole number");
        if (v->d < -0x1p63 || v->d >= 0x1p63)
            return oxy__pg_refuse(w, "it does not fit 64 bits");
        *out = (int64_t)v->d;
        break;
    case OXY_V_DECIMAL:
        if (!oxy__decimal_read(v->s, &d) || d.class != OXY__FINITE || (d.n != 0 && d.last < 0))
            return oxy__pg_refuse(w, "it is not a whole number");
        if (!oxy__decimal_to_int(&d, &magnitude) || magnitude > (uint64_t)INT64_MAX + (d.negative ? 1 : 0))
            return oxy__pg_refuse(w, "it does not fit 64 bits");
        *out = d.negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
        break;
    default: return oxy__pg_refuse(w, NULL);
    }
    return *out < low || *out > high ? oxy__pg_refuse(w, "it is out of range") : OXY__PG_PUT;
}

static oxy__pg_put put_whole(oxy__pg_write *w, const oxy_value *v, uint32_t oid)
{
    static const struct {
        uint16_t oid;
        int64_t low, high;
    } ranges[] = {{PG_BOOL, 0, 1},
                  {PG_INT2, INT16_MIN, INT16_MAX},
                  {PG_INT4, INT32_MIN, INT32_MAX},
                  {PG_OID, 0, UINT32_MAX},
                  {PG_INT8, INT64_MIN, INT64_MAX}};
    oxy__pg_put rc;
    int64_t n = 0;
    size_t i;

    for (i = 0; ranges[i].oid != oid && i + 1 < OXY_COUNT(ranges); i++)
        ;
    if (oid == PG_BOOL && v->tag == OXY_V_TIMEDELTA)
        return oxy__pg_refuse(w, NULL);
    rc = whole(w, v, ranges[i].low, ranges[i].high, &n);
    if (rc != OXY__PG_PUT)
        return oid == PG_BOOL && w->reason != NULL ? oxy__pg_refuse(w, "it is neither 0 nor 1") : rc;
    switch (oid) {
    case PG_BOOL: w->small[0] = (char)n; return put_small(w, w->small + 1);
    case PG_INT2: return put_small(w, oxy__put16(w->small, (uint16_t)n));
    case PG_INT8: return put_small(w, oxy__put64(w->small, (uint64_t)n));
    default: return put_small(w, oxy__put32(w->small, (uint32_t)n));
    }
}

static oxy__pg_put as_double(oxy__pg_write *w, const oxy_value *v, double *out)
{
    static const char inexact[] = "a float cannot hold it exactly";
    oxy__decimal d;

    switch ((oxy_tag)v->tag) {
    case OXY_V_DOUBLE: *out = v->d; return OXY__PG_PUT;
    case OXY_V_BOOL: *out = (double)v->i; return OXY__PG_PUT;
    case OXY_V_INT:
        *out = (double)v->i;
        return *out == 0x1p63 || (int64_t)*out != v->i ? oxy__pg_refuse(w, inexact) : OXY__PG_PUT;
    case OXY_V_UINT:
        *out = (double)v->u;
        return *out == 0x1p64 || (uint64_t)*out != v->u ? oxy__pg_refuse(w, inexact) : OXY__PG_PUT;
    case OXY_V_DECIMAL:
        if (!oxy__decimal_read(v->s, &d))
            return oxy__pg_refuse(w, "it is not a number");
        if (d.class == OXY__NAN)
            *out = __builtin_nan("");
        else if (!oxy__decimal_to_double(&d, out))
            return oxy__pg_refuse(w, inexact);
        return OXY__PG_PUT;
    default: return oxy__pg_refuse(w, NULL);
    }
}

static oxy__pg_put put_double(oxy__pg_write *w, const oxy_value *v)
{
    oxy__pg_put rc;
    uint64_t bits;
    double d = 0;

    rc = as_double(w, v, &d);
    if (rc != OXY__PG_PUT)
        return rc;
    memcpy(&bits, &d, sizeof bits);
    return put_small(w, oxy__put64(w->small, bits));
}

/* Digits beyond those of four bytes get lost, as in every real column. */
static oxy__pg_put put_float(oxy__pg_write *w, const oxy_value *v)
{
    oxy__pg_put rc;
    uint32_t bits;
    double d = 0;
    float f;

    rc = as_double(w, v, &d);
    if (rc != OXY__PG_PUT)
        return rc;
    f = isfinite(d) && fabs(d) > (double)FLT_MAX * 2 ? INFINITY : (float)d;
    if ((isinf(f) && !isinf(d)) || (f == 0 && d != 0))
        return oxy__pg_refuse(w, "it is out of range");
    memcpy(&bits, &f, sizeof bits);
    return put_small(w, oxy__put32(w->small, bits));
}

static oxy__pg_put put_numeric(oxy__pg_write *w, const oxy_value *v)
{
    char text[OXY_TEXT_MAX];
    oxy_sv number = {text, 0};

    switch ((oxy_tag)v->tag) {
    case OXY_V_DECIMAL: number = v->s; break;
    case OXY_V_BOOL:
    case OXY_V_INT: number.len = oxy__int_format(text, v->i < 0, v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i); break;
    case OXY_V_UINT: number.len = oxy__int_format(text, false, v->u); break;
    case OXY_V_DOUBLE: number.len = oxy_double_format(text, v->d); break;
    default: return oxy__pg_refuse(w, NULL);
    }
    return oxy__pg_numeric_to_binary(w, number);
}

/* --- dates and times --------------------------------------------------------------------------- */

static oxy__pg_put put_timestamp(oxy__pg_write *w, const oxy_value *v)
{
    int64_t micros = v->i;

    if (v->tag == OXY_V_DATE) {
        if (v->i < OXY__DAYS_MIN || v->i > OXY__DAYS_MAX)
            return oxy__pg_refuse(w, "it is outside the years 1 to 9999");
        micros = v->i * OXY__MICROS_PER_DAY;
    } else if (v->tag != OXY_V_DATETIME && v->tag != OXY_V_DATETIME_UTC) {
        return oxy__pg_refuse(w, NULL);
    }
    if (micros < OXY_DATETIME_MIN || micros > OXY_DATETIME_MAX)
        return oxy__pg_refuse(w, "in UTC it is outside the years 1 to 9999");
    return put_small(w, oxy__put64(w->small, (uint64_t)(micros - PG_EPOCH_MICROS)));
}

static oxy__pg_put put_date(oxy__pg_write *w, const oxy_value *v)
{
    int64_t days = v->i;

    if (v->tag == OXY_V_DATETIME) {
        if (v->i % OXY__MICROS_PER_DAY != 0)
            return oxy__pg_refuse(w, "it has a time of day");
        days = v->i / OXY__MICROS_PER_DAY;
    } else if (v->tag != OXY_V_DATE) {
        return oxy__pg_refuse(w, NULL);
    }
    if (days < OXY__DAYS_MIN || days > OXY__DAYS_MAX)
        return oxy__pg_refuse(w, "it is outside the years 1 to 9999");
    return put_small(w, oxy__put32(w->small, (uint32_t)(days - PG_EPOCH_DAYS)));
}

static oxy__pg_put put_time(oxy__pg_write *w, const oxy_value *v, uint32_t oid)
{
    char *p;

    if (v->tag != OXY_V_TIME && v->tag != OXY_V_TIMETZ)
        return oxy__pg_refuse(w, NULL);
    if (v->tag == OXY_V_TIMETZ && oid == PG_TIME)
        return oxy__pg_refuse(w, "only a TIMETZ column keeps the zone");
    if (v->i < 0 || v->i >= OXY__MICROS_PER_DAY)
        return oxy__pg_refuse(w, "it is outside one day");
    p = oxy__put64(w->small, (uint64_t)v->i);
    if (oid == PG_TIME)
        return put_small(w, p);
    return put_small(w, oxy__put32(p, v->tag == OXY_V_TIMETZ ? (uint32_t)-v->tz : 0));
}

/* Whole days apart, as the server would write them; it compares a day as 24 hours. */
static oxy__pg_put put_interval(oxy__pg_write *w, const oxy_value *v)
{
    char *p;

    if (v->tag != OXY_V_TIMEDELTA)
        return oxy__pg_refuse(w, NULL);
    p = oxy__put64(w->small, (uint64_t)(v->i % OXY__MICROS_PER_DAY));
    p = oxy__put32(p, (uint32_t)(int32_t)(v->i / OXY__MICROS_PER_DAY));
    return put_small(w, oxy__put32(p, 0));
}

/* --- the rest -------------------------------------------------------------------------------------- */

/* Whether the bytes behind the first bits are all zero. */
static bool host_bits_clear(const char *address, size_t size, size_t bits)
{
    for (; bits < size * 8; bits++) {
        if (((unsigned char)address[bits / 8] & 0x80U >> bits % 8) != 0)
            return false;
    }
    return true;
}

oxy__pg_put oxy__pg_inet_to_binary(oxy__pg_write *w, oxy_sv text, bool cidr)
{
    char address[INET6_ADDRSTRLEN + 1], *p = w->small;
    size_t host, size, bits, i;
    bool v6;

    if (!oxy__inet_valid(text) || memchr(text.p, '%', text.len) != NULL)
        return oxy__pg_refuse(w, "it is not an IP address without a scope");
    for (host = 0; host < text.len && text.p[host] != '/'; host++)
        ;
    if (host >= sizeof address)
        return oxy__pg_refuse(w, "it is not an IP address without a scope");
    memcpy(address, text.p, host);
    address[host] = '\0';
    v6 = memchr(address, ':', host) != NULL;
    size = v6 ? 16 : 4;
    bits = host == text.len ? size * 8 : 0;
    for (i = host + 1; i < text.len; i++)
        bits = bits * 10 + (size_t)(text.p[i] - '0');
    *p++ = v6 ? 3 : 2;
    *p++ = (char)bits;
    *p++ = cidr ? 1 : 0;
    *p++ = (char)size;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, address, p) != 1)
        return oxy__pg_refuse(w, "it is not an IP address without a scope");
    if (cidr && !host_bits_clear(p, size, bits))
        return oxy__pg_refuse(w, "it has bits set behind its prefix");
    return put_small(w, p + size);
}

static oxy__pg_put put_inet(oxy__pg_write *w, const oxy_value *v, uint32_t oid)
{
    return v->tag == OXY_V_INET ? oxy__pg_inet_to_binary(w, v->s, oid == PG_CIDR) : oxy__pg_refuse(w, NULL);
}

static oxy__pg_put put_uuid(oxy__pg_write *w, const oxy_value *v)
{
    memcpy(w->small, v->uuid, 16);
    return put_small(w, w->small + 16);
}

static oxy__pg_put put_bytes(oxy__pg_write *w, const oxy_value *v)
{
    if (v->tag == OXY_V_UUID)
        return put_uuid(w, v);
    return v->tag == OXY_V_BLOB ? put_borrowed(w, v->s) : oxy__pg_refuse(w, NULL);
}

static oxy__pg_put put_chars(oxy__pg_write *w, const oxy_value *v)
{
    return v->tag == OXY_V_BLOB || v->tag == OXY_V_ARRAY ? oxy__pg_refuse(w, NULL) : oxy__pg_to_text(w, v);
}

oxy__pg_put oxy__pg_to_json(oxy__pg_write *w, const oxy_value *v, uint32_t oid)
{
    size_t version = oid == PG_JSONB;
    oxy__pg_put rc = OXY__PG_PUT;
    oxy_buf text;
    char *copy;

    if (v->tag == OXY_V_JSON && version == 0)
        return put_borrowed(w, v->s);
    oxy_buf_init(&text, w->scratch->alloc, INT32_MAX);
    if (version != 0)
        oxy_buf_putc(&text, 1);
    oxy__json_write(&text, v, OXY_K_UNKNOWN);
    if (version != 0 && text.rc == OXY_OK && oxy__pg_has_exponents(text.p, text.len)) {
        oxy_buf expanded;

        oxy_buf_init(&expanded, w->scratch->alloc, INT32_MAX);
        oxy__pg_put_jsonb(&expanded, text.p, text.len);
        oxy_buf_fini(&text);
        text = expanded;
    }
    copy = text.rc == OXY_OK ? oxy_arena_copy(w->scratch, text.p, text.len) : NULL;
    if (copy != NULL)
        w->bytes = (oxy_sv){copy, text.len};
    else if (text.rc == OXY_DATA)
        rc = oxy__pg_refuse(w, "JSON has no NaN, no infinity and no deeper nesting");
    else
        rc = OXY__PG_PUT_NOMEM;
    oxy_buf_fini(&text);
    return rc;
}

/* --- any type --------------------------------------------------------------------------------------- */

static oxy__pg_put put_array(oxy__pg_write *w, const oxy_value *v, uint32_t elem)
{
    if (elem == 0)
        return OXY__PG_PUT_TEXT;
    return v->tag == OXY_V_ARRAY ? oxy__pg_array_to_binary(w, v->array, elem) : oxy__pg_refuse(w, NULL);
}

oxy__pg_put oxy__pg_to_binary(oxy__pg_write *w, const oxy_value *v, uint32_t oid)
{
    w->reason = NULL;
    switch (oid) {
    case PG_TEXT:
    case PG_VARCHAR:
    case PG_BPCHAR:
    case PG_NAME:
    case PG_UNKNOWN: return put_chars(w, v);
    default: break;
    }
    if (v->tag == OXY_V_TEXT) /* the server knows how to read it */
        return OXY__PG_PUT_TEXT;
    switch (oid) {
    case PG_BOOL:
    case PG_INT2:
    case PG_INT4:
    case PG_INT8:
    case PG_OID: return put_whole(w, v, oid);
    case PG_FLOAT4: return put_float(w, v);
    case PG_FLOAT8: return put_double(w, v);
    case PG_NUMERIC: return put_numeric(w, v);
    case PG_BYTEA: return put_bytes(w, v);
    case PG_TIMESTAMP:
    case PG_TIMESTAMPTZ: return put_timestamp(w, v);
    case PG_DATE: return put_date(w, v);
    case PG_TIME:
    case PG_TIMETZ: return put_time(w, v, oid);
    case PG_INTERVAL: return put_interval(w, v);
    case PG_UUID: return v->tag == OXY_V_UUID ? put_uuid(w, v) : oxy__pg_refuse(w, NULL);
    case PG_INET:
    case PG_CIDR: return put_inet(w, v, oid);
    case PG_JSON:
    case PG_JSONB: return oxy__pg_to_json(w, v, oid);
    default: return put_array(w, v, oxy_pg_elem_oid(oid));
    }
}
