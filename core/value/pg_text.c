/* SPDX-License-Identifier: MIT */
/* pg_text: the text form of a type as a value, after PostgreSQL's *_out functions
 * with DateStyle ISO and IntervalStyle postgres. */
#include "pg.h"

#include <string.h>

/* More digits than the shortest text of a double has, and than any setting of
 * extra_float_digits shows. */

static bool is(const char *p, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(p, word, len) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* --- numbers ------------------------------------------------------------------------------- */

static oxy_rc read_int(oxy__pg_read *r, const char *p, size_t len, oxy_value *out)
{
    bool negative = len > 0 && *p == '-';
    uint64_t magnitude = 0;
    size_t i = negative;

    if (i == len)
        return oxy__pg_bad(r, "it is not a whole number");
    for (; i < len; i++) {
        if (!is_digit(p[i]))
            return oxy__pg_bad(r, "it is not a whole number");
        if (__builtin_mul_overflow(magnitude, (uint64_t)10, &magnitude) ||
            __builtin_add_overflow(magnitude, (uint64_t)(p[i] - '0'), &magnitude))
            return oxy__pg_bad(r, "it is out of range");
    }
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return oxy__pg_bad(r, "it is out of range");
    return oxy__pg_set_int(out, OXY_V_INT, negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude);
}

/* What the server has written of a double, or what stands in a text column:
 * that may be a number that no double is. */
static oxy_rc read_double(oxy__pg_read *r, const char *p, size_t len, oxy_value *out)
{
    oxy__decimal d;
    double value;

    if (!oxy__decimal_read((oxy_sv){p, len}, &d))
        return oxy__pg_bad(r, "it is not a number");
    if (d.class == OXY__NAN)
        value = __builtin_nan("");
    else if (!oxy__decimal_to_double(&d, &value))
        return oxy__pg_bad(r, "a double cannot hold it exactly");
    *out = (oxy_value){.tag = OXY_V_DOUBLE, .d = value};
    return OXY_OK;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static int hex(char c)
{
    unsigned digit = (unsigned char)c - (unsigned)'0', letter = ((unsigned char)c | 0x20U) - (unsigned)'a';

    return digit <= 9 ? (int)digit : letter <= 5 ? (int)letter + 10 : -1;
}

/* "\ooo", "\\", other bytes as they are: bytea_output = escape. Returns the
 * number of bytes, or SIZE_MAX. */
static size_t take_escaped(const char *p, size_t len, char *out)
{
    size_t n = 0, i;

    for (i = 0; i < len; i++) {
        if (p[i] != '\\') {
            out[n++] = p[i];
        } else if (i + 1 < len && p[i + 1] == '\\') {
            out[n++] = '\\';
            i++;
        } else {
            if (len - i < 4 || p[i + 1] < '0' || p[i + 1] > '3' || p[i + 2] < '0' || p[i + 2] > '7' || p[i + 3] < '0' ||
                p[i + 3] > '7')
                return SIZE_MAX;
            out[n++] = (char)((p[i + 1] - '0') << 6 | (p[i + 2] - '0') << 3 | (p[i + 3] - '0'));
            i += 3;
        }
    }
    return n;
}

/* Hexadecimal digits in pairs. Returns the number of bytes, or SIZE_MAX. */
static size_t take_hex(const char *p, size_t len, char *out)
{
    size_t i;

    if (len % 2 != 0)
        return SIZE_MAX;
    for (i = 0; i < len; i += 2) {
        int high = hex(p[i]), low = hex(p[i + 1]);

        if (high < 0 || low < 0)
            return SIZE_MAX;
        out[i / 2] = (char)(high << 4 | low);
    }
    return len / 2;
}

static oxy_rc read_bytes(oxy__pg_read *r, const char *p, size_t len, oxy_value *out)
{
    char *bytes = oxy_arena_new(r->scratch, len);
    size_t n;

    if (bytes == NULL)
        return OXY_NOMEM;
    n = len >= 2 && p[0] == '\\' && p[1] == 'x' ? take_hex(p + 2, len - 2, bytes) : take_escaped(p, len, bytes);
    return n == SIZE_MAX ? oxy__pg_bad(r, "it is malformed") : oxy__pg_set_text(out, OXY_V_BLOB, bytes, n);
}

/* --- dates and times ------------------------------------------------------------------------------ */

/* Why a date is none for us: endless, too far away, or not in the form we ask for. */
static oxy_rc bad_date(oxy__pg_read *r, const char *p, size_t len)
{
    size_t year = 0;

    if (is(p, len, "infinity") || is(p, len, "-infinity"))
        return oxy__pg_bad(r, oxy__pg_infinite);
    while (year < len && is_digit(p[year]))
        year++;
    if (year > 4 || (len > 3 && memcmp(p + len - 3, " BC", 3) == 0))
        return oxy__pg_bad(r, oxy__pg_out_of_years);
    return oxy__pg_bad(r, "it is not in ISO form; the session's DateStyle must be ISO");
}

static oxy_rc read_timestamp(oxy__pg_read *r, uint32_t oid, const char *p, size_t len, oxy_value *out)
{
    int64_t micros;
    bool has_tz;

    if (!oxy_datetime_parse(p, len, &micros, &has_tz))
        return bad_date(r, p, len);
    return oxy__pg_timestamp(r, oid, micros, out);
}

static oxy_rc read_date(oxy__pg_read *r, const char *p, size_t len, oxy_value *out)
{
    int64_t days;

    return oxy_date_parse(p, len, &days) ? oxy__pg_date(r, days, out) : bad_date(r, p, len);
}

static oxy_rc read_time(oxy__pg_read *r, uint32_t oid, const char *p, size_t len, oxy_value *out)
{
    int64_t micros;
    bool has_tz = false;
    int32_t tz;

    if (len >= 8 && memcmp(p, "24:00:00", 8) == 0)
        return oxy__pg_bad(r, oxy__pg_day_end);
    if (!oxy_time_parse(p, len, &micros, &has_tz, &tz) || has_tz != (oid == PG_TIMETZ))
        return oxy__pg_bad(r, has_tz ? "it has a time zone" : "it is not a time");
    *out = (oxy_value){.tag = has_tz ? OXY_V_TIMETZ : OXY_V_TIME, .tz = tz, .i = micros};
    return OXY_OK;
}

/* An interval under way: "1 year 2 mons -3 days +04:05:06.789". */
struct span {
    const char *p, *end;
    int64_t months, days, micros;
};

static bool take_number(struct span *s, int64_t *out)
{
    const char *start = s->p;

    *out = 0;
    while (s->p < s->end && is_digit(*s->p)) {
        if (__builtin_mul_overflow(*out, (int64_t)10, out) || __builtin_add_overflow(*out, *s->p - '0', out))
            return false;
        s->p++;
    }
    return s->p > start;
}

static bool take_word(struct span *s, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
        return false;
    s->p += len;
    return true;
}

/* ":MM:SS[.ffffff]" behind the hours. */
static bool take_clock(struct span *s, int64_t hours, int sign)
{
    int64_t minutes, seconds, fraction = 0, unit = 100000, sum;

    if (!take_word(s, ":") || !take_number(s, &minutes) || !take_word(s, ":") || !take_number(s, &seconds))
        return false;
    if (take_word(s, ".")) {
        while (s->p < s->end && is_digit(*s->p) && unit > 0) {
            fraction += unit * (*s->p++ - '0');
            unit /= 10;
        }
    }
    if (minutes > 59 || seconds > 60 || s->p != s->end)
        return false;
    if (__builtin_mul_overflow(hours, INT64_C(3600000000), &sum) ||
        __builtin_add_overflow(sum, (minutes * 60 + seconds) * 1000000 + fraction, &sum))
        return false;
    s->micros = sign * sum;
    return true;
}

static bool take_unit(struct span *s, int64_t n)
{
    int64_t *into = &s->days;

    if (!take_word(s, " "))
        return false;
    if (take_word(s, "year")) {
        into = &s->months;
        if (__builtin_mul_overflow(n, (int64_t)12, &n))
            return false;
    } else if (take_word(s, "mon")) {
        into = &s->months;
    } else if (!take_word(s, "day")) {
        return false;
    }
    (void)take_word(s, "s");
    return !__builtin_add_overflow(*into, n, into) && (s->p == s->end || (take_word(s, " ") && s->p < s->end));
}

oxy_rc oxy__pg_interval_from_text(oxy__pg_read *r, const char *p, size_t len, oxy_value *out)
{
    struct span s = {.p = p, .end = p + len};
    bool good = len > 0;

    if (is(p, len, "infinity") || is(p, len, "-infinity"))
        return oxy__pg_bad(r, oxy__pg_infinite);
    while (good && s.p < s.end) {
        int sign = take_word(&s, "-") ? -1 : 1;
        int64_t n;

        if (sign == 1)
            (void)take_word(&s, "+");
        good = take_number(&s, &n) && (s.p < s.end && *s.p == ':' ? take_clock(&s, n, sign) : take_unit(&s, sign * n));
    }
    if (!good)
        return oxy__pg_bad(r, "it is not in the form of IntervalStyle postgres");
    return oxy__pg_interval(r, s.months, s.days, s.micros, out);
}

/* --- any type ---------------------------------------------------------------------------------------- */

static oxy_rc read_uuid(oxy__pg_read *r, const char *p, size_t len, oxy_value *out)
{
    *out = (oxy_value){.tag = OXY_V_UUID};
    return oxy_uuid_parse(p, len, out->uuid) ? OXY_OK : oxy__pg_bad(r, "it is not a UUID");
}

static oxy_rc read_inet(oxy__pg_read *r, uint32_t oid, const char *p, size_t len, oxy_value *out)
{
    if (!oxy__inet_valid((oxy_sv){p, len}))
        return oxy__pg_bad(r, "it is not an IP address");
    *out = (oxy_value){.tag = OXY_V_INET, .wire = oid == PG_CIDR ? PG_CIDR : 0, .s = {p, len}};
    return OXY_OK;
}

static oxy_rc read_bool(oxy__pg_read *r, const char *p, size_t len, oxy_value *out)
{
    bool truth = is(p, len, "t") || is(p, len, "true");

    if (!truth && !is(p, len, "f") && !is(p, len, "false"))
        return oxy__pg_bad(r, "it is neither true nor false");
    return oxy__pg_set_int(out, OXY_V_BOOL, truth);
}

oxy_rc oxy__pg_from_text(oxy__pg_read *r, uint32_t oid, const char *p, size_t len, oxy_value *out)
{
    uint32_t elem;

    switch (oid) {
    case PG_BOOL: return read_bool(r, p, len, out);
    case PG_INT2:
    case PG_INT4:
    case PG_INT8:
    case PG_OID:
    case PG_XID:
    case PG_CID: return read_int(r, p, len, out);
    case PG_FLOAT4:
    case PG_FLOAT8: return read_double(r, p, len, out);
    case PG_NUMERIC:
        return oxy_decimal_parse(p, len) ? oxy__pg_set_text(out, OXY_V_DECIMAL, p, len)
                                         : oxy__pg_bad(r, "it is not a number");
    case PG_BYTEA: return read_bytes(r, p, len, out);
    case PG_TIMESTAMP:
    case PG_TIMESTAMPTZ: return read_timestamp(r, oid, p, len, out);
    case PG_DATE: return read_date(r, p, len, out);
    case PG_TIME:
    case PG_TIMETZ: return read_time(r, oid, p, len, out);
    case PG_INTERVAL: return oxy__pg_interval_from_text(r, p, len, out);
    case PG_UUID: return read_uuid(r, p, len, out);
    case PG_INET:
    case PG_CIDR: return read_inet(r, oid, p, len, out);
    case PG_JSON:
    case PG_JSONB: return oxy__pg_chars(r, OXY_V_JSON, p, len, out);
    default: break;
    }
    elem = oxy_pg_elem_oid(oid);
    return elem != 0 ? oxy__pg_array_from_text(r, elem, p, len, out) : oxy__pg_chars(r, OXY_V_TEXT, p, len, out);
}
