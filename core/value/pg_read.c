/* SPDX-License-Identifier: MIT */
/* pg_read: the binary form of a type as a value, after PostgreSQL's *_send
 * functions. Lengths are checked before a byte is read: what a proxy or a
 * damaged server sends is refused, never followed. */
#include "pg.h"

#include <arpa/inet.h>
#include <string.h>

const char oxy__pg_infinite[] = "it is infinite; cast it to text in the query to read it";
const char oxy__pg_out_of_years[] = "it is outside the years 1 to 9999; cast it to text in the query to read it";
const char oxy__pg_day_end[] = "the end of a day is no time of day; cast it to text in the query to read it";

oxy_rc oxy__pg_bad(oxy__pg_read *r, const char *reason)
{
    r->reason = reason;
    return OXY_DATA;
}

static oxy_rc malformed(oxy__pg_read *r)
{
    return oxy__pg_bad(r, "it is malformed");
}

/* --- dates and times -------------------------------------------------------------------- */

oxy_rc oxy__pg_timestamp(oxy__pg_read *r, uint32_t oid, int64_t micros, oxy_value *out)
{
    if (micros < OXY_DATETIME_MIN || micros > OXY_DATETIME_MAX)
        return oxy__pg_bad(r, oxy__pg_out_of_years);
    return oxy__pg_set_int(out, oid == PG_TIMESTAMPTZ ? OXY_V_DATETIME_UTC : OXY_V_DATETIME, micros);
}

oxy_rc oxy__pg_date(oxy__pg_read *r, int64_t days, oxy_value *out)
{
    if (days < OXY__DAYS_MIN || days > OXY__DAYS_MAX)
        return oxy__pg_bad(r, oxy__pg_out_of_years);
    return oxy__pg_set_int(out, OXY_V_DATE, days);
}

oxy_rc oxy__pg_interval(oxy__pg_read *r, int64_t months, int64_t days, int64_t micros, oxy_value *out)
{
    int64_t sum;

    if (months != 0)
        return oxy__pg_bad(r, "it has months or years, whose length varies; cast it to text in the query to read it");
    if (__builtin_mul_overflow(days, OXY__MICROS_PER_DAY, &sum) || __builtin_add_overflow(sum, micros, &sum))
        return oxy__pg_bad(r, "it is out of range; cast it to text in the query to read it");
    return oxy__pg_set_int(out, OXY_V_TIMEDELTA, sum);
}

static oxy_rc read_timestamp(oxy__pg_read *r, uint32_t oid, int64_t micros, oxy_value *out)
{
    if (micros == INT64_MAX || micros == INT64_MIN)
        return oxy__pg_bad(r, oxy__pg_infinite);
    if (micros > OXY_DATETIME_MAX - PG_EPOCH_MICROS) /* the sum could overflow */
        return oxy__pg_bad(r, oxy__pg_out_of_years);
    return oxy__pg_timestamp(r, oid, micros + PG_EPOCH_MICROS, out);
}

static oxy_rc read_date(oxy__pg_read *r, int32_t days, oxy_value *out)
{
    if (days == INT32_MAX || days == INT32_MIN)
        return oxy__pg_bad(r, oxy__pg_infinite);
    return oxy__pg_date(r, days + PG_EPOCH_DAYS, out);
}

/* west: seconds west of UTC, as timetz keeps them. */
static oxy_rc read_time(oxy__pg_read *r, oxy_tag tag, int64_t micros, int32_t west, oxy_value *out)
{
    if (micros == OXY__MICROS_PER_DAY)
        return oxy__pg_bad(r, oxy__pg_day_end);
    if (micros < 0 || micros > OXY__MICROS_PER_DAY || west <= -86400 || west >= 86400)
        return malformed(r);
    *out = (oxy_value){.tag = (uint8_t)tag, .tz = -west, .i = micros};
    return OXY_OK;
}

static oxy_rc read_interval(oxy__pg_read *r, const char *p, oxy_value *out)
{
    int64_t micros = (int64_t)oxy__be64(p);
    int32_t days = (int32_t)oxy__be32(p + 8), months = (int32_t)oxy__be32(p + 12);

    if ((months == INT32_MAX && days == INT32_MAX && micros == INT64_MAX) ||
        (months == INT32_MIN && days == INT32_MIN && micros == INT64_MIN))
        return oxy__pg_bad(r, oxy__pg_infinite);
    return oxy__pg_interval(r, months, days, micros, out);
}

/* --- addresses ---------------------------------------------------------------------------- */

/* Family (2 or 3, whatever the system calls them), prefix length, whether it is
 * a network, number of bytes, the bytes. */
oxy_rc oxy__pg_inet_from_binary(oxy__pg_read *r, const char *p, size_t len, oxy_value *out)
{
    char text[INET6_ADDRSTRLEN + 5], *copy;
    size_t size, at;
    unsigned bits;
    bool network;

    if (len < 4 || (p[0] != 2 && p[0] != 3))
        return malformed(r);
    size = p[0] == 2 ? 4 : 16;
    bits = (unsigned char)p[1];
    network = p[2] != 0;
    if ((unsigned char)p[3] != size || len != 4 + size || bits > size * 8)
        return malformed(r);
    if (inet_ntop(size == 4 ? AF_INET : AF_INET6, p + 4, text, INET6_ADDRSTRLEN) == NULL)
        return malformed(r);
    at = strlen(text);
    if (network || bits != size * 8) {
        text[at++] = '/';
        at += oxy__int_format(text + at, false, bits);
    }
    copy = oxy_arena_copy(r->scratch, text, at);
    if (copy == NULL)
        return OXY_NOMEM;
    *out = (oxy_value){.tag = OXY_V_INET, .wire = network ? PG_CIDR : 0, .s = {copy, at}};
    return OXY_OK;
}

/* --- characters ------------------------------------------------------------------------------ */

/* A byte of the type "char" as the server writes it in text: nothing for 0,
 * octal above ASCII. */
static oxy_rc read_char(oxy__pg_read *r, unsigned char c, oxy_value *out)
{
    char text[4] = {'\\', (char)('0' + (c >> 6)), (char)('0' + (c >> 3 & 7)), (char)('0' + (c & 7))}, *copy;

    if (c == 0)
        return oxy__pg_set_text(out, OXY_V_TEXT, "", 0);
    if (c < 0x80)
        text[0] = (char)c;
    copy = oxy_arena_copy(r->scratch, text, c < 0x80 ? 1 : 4);
    return copy == NULL ? OXY_NOMEM : oxy__pg_set_text(out, OXY_V_TEXT, copy, c < 0x80 ? 1 : 4);
}

oxy_rc oxy__pg_chars(oxy__pg_read *r, oxy_tag tag, const char *p, size_t len, oxy_value *out)
{
    if (oxy_utf8_valid(p, len) != len)
        return oxy__pg_bad(r, "the text is not valid UTF-8");
    return oxy__pg_set_text(out, tag, p, len);
}

/* --- any type ----------------------------------------------------------------------------------- */

static oxy_rc read_uuid(const char *p, oxy_value *out)
{
    *out = (oxy_value){.tag = OXY_V_UUID};
    memcpy(out->uuid, p, 16);
    return OXY_OK;
}

/* Types with a form of their own. False: oid is none of them. */
static bool read_own(oxy__pg_read *r, uint32_t oid, const char *p, size_t len, oxy_value *out, oxy_rc *rc)
{
    switch (oid) {
    case PG_NUMERIC: *rc = oxy__pg_numeric_from_binary(r, p, len, out); return true;
    case PG_INET:
    case PG_CIDR: *rc = oxy__pg_inet_from_binary(r, p, len, out); return true;
    case PG_JSONB:
        *rc = len > 0 && p[0] == 1 ? oxy__pg_chars(r, OXY_V_JSON, p + 1, len - 1, out) : malformed(r);
        return true;
    case PG_UUID: *rc = len == 16 ? read_uuid(p, out) : malformed(r); return true;
    case PG_DATE: *rc = len == 4 ? read_date(r, (int32_t)oxy__be32(p), out) : malformed(r); return true;
    case PG_TIME: *rc = len == 8 ? read_time(r, OXY_V_TIME, (int64_t)oxy__be64(p), 0, out) : malformed(r); return true;
    case PG_TIMETZ:
        *rc = len == 12 ? read_time(r, OXY_V_TIMETZ, (int64_t)oxy__be64(p), (int32_t)oxy__be32(p + 8), out)
                        : malformed(r);
        return true;
    case PG_TIMESTAMP:
    case PG_TIMESTAMPTZ:
        *rc = len == 8 ? read_timestamp(r, oid, (int64_t)oxy__be64(p), out) : malformed(r);
        return true;
    case PG_INTERVAL: *rc = len == 16 ? read_interval(r, p, out) : malformed(r); return true;
    default: return false;
    }
}

oxy_rc oxy__pg_from_binary(oxy__pg_read *r, uint32_t oid, const char *p, size_t len, oxy_value *out)
{
    oxy_pg_class class;
    oxy_cell cell;
    oxy_rc rc;

    if (len > UINT32_MAX)
        return malformed(r);
    if (read_own(r, oid, p, len, out, &rc))
        return rc;
    class = oid >= PG_FIRST_USER_OID ? OXY_PG_CHARS : oxy_pg_cell_class(oid);
    if (class == OXY_PG_BINARY)
        return oxy__pg_array_from_binary(r, oxy_pg_elem_oid(oid), p, len, out);
    if (!oxy_pg_read_cell(class, p, (uint32_t)len, &cell))
        return malformed(r);
    switch ((oxy_cell_tag)cell.tag) {
    case OXY_C_INT: return oxy__pg_set_int(out, oid == PG_BOOL ? OXY_V_BOOL : OXY_V_INT, cell.i);
    case OXY_C_DOUBLE: *out = (oxy_value){.tag = OXY_V_DOUBLE, .d = cell.d}; return OXY_OK;
    case OXY_C_BLOB: return oxy__pg_set_text(out, OXY_V_BLOB, cell.p, cell.len);
    case OXY_C_TEXT:
    default: break;
    }
    if (oid == PG_CHAR)
        return len == 1 ? read_char(r, (unsigned char)*p, out) : malformed(r);
    return oxy__pg_chars(r, oid == PG_JSON ? OXY_V_JSON : OXY_V_TEXT, p, len, out);
}
