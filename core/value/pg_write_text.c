/* SPDX-License-Identifier: MIT */
/* pg_write_text: values in text format, for types that only the server knows
 * and for lists that hold text for it to read. */
#include "pg.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

static oxy__pg_put put_copy(oxy__pg_write *w, const char *text, size_t len)
{
    const char *copy = oxy_arena_copy(w->scratch, text, len);

    w->bytes = (oxy_sv){copy, len};
    return copy == NULL ? OXY__PG_PUT_NOMEM : OXY__PG_PUT;
}

static oxy__pg_put put_bytes(oxy__pg_write *w, oxy_sv s)
{
    char *text, *p;
    size_t i;

    if (s.len > INT32_MAX / 2 - 2)
        return oxy__pg_refuse(w, "it is too long");
    text = p = oxy_arena_new(w->scratch, s.len * 2 + 2);
    if (text == NULL)
        return OXY__PG_PUT_NOMEM;
    *p++ = '\\';
    *p++ = 'x';
    for (i = 0; i < s.len; i++) {
        *p++ = hex_digits[(unsigned char)s.p[i] >> 4];
        *p++ = hex_digits[(unsigned char)s.p[i] & 15];
    }
    w->bytes = (oxy_sv){text, (size_t)(p - text)};
    return OXY__PG_PUT;
}

static size_t integer_text(char *text, const oxy_value *v)
{
    if (v->tag == OXY_V_UINT)
        return oxy__int_format(text, false, v->u);
    return oxy__int_format(text, v->i < 0, v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i);
}

/* "-1 days -02:03:04.5": each part with its sign. */
static size_t interval_text(char text[OXY_TEXT_MAX], int64_t micros)
{
    static const char days[] = " days ";
    int64_t whole = micros / OXY__MICROS_PER_DAY, rest = micros % OXY__MICROS_PER_DAY;
    size_t len;

    len = oxy__int_format(text, whole < 0, whole < 0 ? 0 - (uint64_t)whole : (uint64_t)whole);
    memcpy(text + len, days, sizeof days - 1);
    len += sizeof days - 1;
    if (rest < 0)
        text[len++] = '-';
    return len + oxy_time_format(text + len, rest < 0 ? -rest : rest);
}

static oxy__pg_put put_datetime(oxy__pg_write *w, const oxy_value *v)
{
    char text[OXY_TEXT_MAX];
    size_t len;

    if (v->i < OXY_DATETIME_MIN || v->i > OXY_DATETIME_MAX)
        return oxy__pg_refuse(w, "in UTC it is outside the years 1 to 9999");
    len = oxy_datetime_format(text, v->i, ' ');
    if (v->tag == OXY_V_DATETIME_UTC)
        len = oxy__offset_format(text, len, 0);
    return put_copy(w, text, len);
}

static oxy__pg_put put_date_or_time(oxy__pg_write *w, const oxy_value *v)
{
    char text[OXY_TEXT_MAX];
    size_t len;

    if (v->tag == OXY_V_DATE) {
        if (v->i < OXY__DAYS_MIN || v->i > OXY__DAYS_MAX)
            return oxy__pg_refuse(w, "it is outside the years 1 to 9999");
        return put_copy(w, text, oxy_date_format(text, v->i));
    }
    if (v->i < 0 || v->i >= OXY__MICROS_PER_DAY)
        return oxy__pg_refuse(w, "it is outside one day");
    len = oxy_time_format(text, v->i);
    if (v->tag == OXY_V_TIMETZ)
        len = oxy__offset_format(text, len, v->tz);
    return put_copy(w, text, len);
}

/* NUL ends text everywhere in the server. */
static oxy__pg_put put_chars(oxy__pg_write *w, oxy_sv s)
{
    if (s.len > 0 && memchr(s.p, '\0', s.len) != NULL)
        return oxy__pg_refuse(w, "PostgreSQL's text cannot hold the character NUL");
    w->bytes = s;
    return OXY__PG_PUT;
}

oxy__pg_put oxy__pg_to_text(oxy__pg_write *w, const oxy_value *v)
{
    char text[OXY_TEXT_MAX];

    switch ((oxy_tag)v->tag) {
    case OXY_V_TEXT:
    case OXY_V_DECIMAL:
    case OXY_V_JSON:
    case OXY_V_INET: return put_chars(w, v->s);
    case OXY_V_BOOL: return put_copy(w, v->i != 0 ? "true" : "false", v->i != 0 ? 4 : 5);
    case OXY_V_INT:
    case OXY_V_UINT: return put_copy(w, text, integer_text(text, v));
    case OXY_V_DOUBLE: return put_copy(w, text, oxy_double_format(text, v->d));
    case OXY_V_BLOB: return put_bytes(w, v->s);
    case OXY_V_DATETIME:
    case OXY_V_DATETIME_UTC: return put_datetime(w, v);
    case OXY_V_DATE:
    case OXY_V_TIME:
    case OXY_V_TIMETZ: return put_date_or_time(w, v);
    case OXY_V_TIMEDELTA: return put_copy(w, text, interval_text(text, v->i));
    case OXY_V_UUID: return put_copy(w, text, oxy_uuid_format(text, v->uuid));
    case OXY_V_ARRAY: return oxy__pg_array_to_text(w, v->array);
    case OXY_V_NULL:
    case OXY_V_WIRE:
    case OXY_V_COUNT: break;
    }
    return oxy__pg_refuse(w, NULL);
}
