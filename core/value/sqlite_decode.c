/* SPDX-License-Identifier: MIT */
/* sqlite_decode: SQLite cells as typed values.
 *
 * SQLite types cells, not columns, and other tools fill our files, so each kind
 * takes every storage class from which its value follows exactly. The class we
 * write ourselves is tested first and costs one comparison. */
#include "sqlite.h"

#include <arpa/inet.h>
#include <math.h>
#include <string.h>

/* --- failing --------------------------------------------------------------------- */

const char *oxy__sqlite_class(const oxy_cell *cell)
{
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_NULL: return "NULL";
    case OXY_C_INT:
    case OXY_C_UINT: return "INTEGER";
    case OXY_C_DOUBLE: return "REAL";
    case OXY_C_TEXT: return "TEXT";
    case OXY_C_BLOB: return "BLOB";
    case OXY_C_WIRE: break;
    }
    return "value of unknown type";
}

/* Kept out of line: decoding succeeds millions of times for each failure. */
static __attribute__((noinline, cold)) oxy_rc refuse(const oxy_cell *cell, const oxy_type *want, const char *reason,
                                                     oxy_err *err)
{
    bool any = want->kind == OXY_K_UNKNOWN; /* free text: whatever the column is */

    return oxy_err_set(err, OXY_DATA, "cannot read this %s%s%s%s%s", oxy__sqlite_class(cell), any ? "" : " as ",
                       any ? "" : oxy_kind_name(want->kind), reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
}

static __attribute__((noinline, cold)) oxy_rc no_memory(oxy_err *err)
{
    return oxy_err_set(err, OXY_NOMEM, "out of memory while reading a row");
}

/* --- common pieces ------------------------------------------------------------------ */

static oxy_rc set_null(oxy_value *out)
{
    out->tag = OXY_V_NULL;
    return OXY_OK;
}

static oxy_rc set_int(oxy_value *out, oxy_tag tag, int64_t i)
{
    out->tag = (uint8_t)tag;
    out->i = i;
    return OXY_OK;
}

static oxy_rc set_text(oxy_value *out, oxy_tag tag, const char *p, size_t len)
{
    out->tag = (uint8_t)tag;
    out->s = (oxy_sv){p, len};
    return OXY_OK;
}

/* A number as text in scratch. */
static oxy_rc number_text(const oxy_cell *cell, oxy_tag tag, oxy_arena *scratch, oxy_value *out, oxy_err *err)
{
    char text[OXY_TEXT_MAX];
    const char *copy;
    size_t len;

    if (cell->tag == OXY_C_DOUBLE)
        len = oxy_double_format(text, cell->d);
    else if (cell->tag == OXY_C_UINT || cell->i >= 0)
        len = oxy__int_format(text, false, (uint64_t)cell->i);
    else
        len = oxy__int_format(text, true, 0 - (uint64_t)cell->i);
    copy = oxy_arena_copy(scratch, text, len);
    return copy == NULL ? no_memory(err) : set_text(out, tag, copy, len);
}

static bool utf8(const oxy_cell *cell)
{
    return oxy_utf8_valid(cell->p, cell->len) == cell->len;
}

/* The cell as an integer of 64 bits, signed or not, if it is one exactly. */
static bool whole_number(const oxy_cell *cell, bool *negative, uint64_t *magnitude)
{
    oxy__decimal d;

    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_INT:
        *negative = cell->i < 0;
        *magnitude = cell->i < 0 ? 0 - (uint64_t)cell->i : (uint64_t)cell->i;
        return true;
    case OXY_C_UINT:
        *negative = false;
        *magnitude = (uint64_t)cell->i;
        return true;
    case OXY_C_DOUBLE:
        if (!(fabs(cell->d) < 0x1p64) || cell->d != floor(cell->d))
            return false;
        *negative = cell->d < 0;
        *magnitude = (uint64_t)fabs(cell->d);
        return true;
    case OXY_C_TEXT:
        if (!oxy__decimal_read((oxy_sv){cell->p, cell->len}, &d) || !oxy__decimal_to_int(&d, magnitude))
            return false;
        *negative = d.negative && *magnitude != 0;
        return true;
    case OXY_C_NULL:
    case OXY_C_BLOB:
    case OXY_C_WIRE: break;
    }
    return false;
}

static bool signed_number(const oxy_cell *cell, int64_t *out)
{
    uint64_t magnitude;
    bool negative;

    if (!whole_number(cell, &negative, &magnitude) || magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

/* --- one function per kind -------------------------------------------------------------- */

#define DECODER(name)                                                                                                  \
    static oxy_rc name(const oxy_cell *cell, const oxy_coldesc *desc, const oxy_type *want, oxy_arena *scratch,        \
                       oxy_value *out, oxy_err *err)
#define UNUSED(desc, scratch) ((void)(desc), (void)(scratch))

DECODER(decode_unknown)
{
    UNUSED(desc, scratch);
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_NULL: return set_null(out);
    case OXY_C_INT: return set_int(out, OXY_V_INT, cell->i);
    case OXY_C_UINT: return set_int(out, cell->i < 0 ? OXY_V_UINT : OXY_V_INT, cell->i);
    case OXY_C_DOUBLE:
        out->tag = OXY_V_DOUBLE;
        out->d = cell->d;
        return OXY_OK;
    case OXY_C_TEXT:
        return utf8(cell) ? set_text(out, OXY_V_TEXT, cell->p, cell->len)
                          : refuse(cell, want, "the text is not valid UTF-8", err);
    case OXY_C_BLOB: return set_text(out, OXY_V_BLOB, cell->p, cell->len);
    case OXY_C_WIRE: break;
    }
    return refuse(cell, want, NULL, err);
}

static bool truth_word(const oxy_cell *cell, bool *out)
{
    static const char *const words[] = {"false", "true"};
    size_t w, i;

    for (w = 0; w < 2; w++) {
        for (i = 0; i < cell->len && (cell->p[i] | 0x20) == words[w][i]; i++)
            ;
        if (i == cell->len && words[w][i] == '\0') {
            *out = w == 1;
            return true;
        }
    }
    return false;
}

DECODER(decode_bool)
{
    int64_t i;
    bool truth;

    UNUSED(desc, scratch);
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (signed_number(cell, &i))
        return i == 0 || i == 1 ? set_int(out, OXY_V_BOOL, i) : refuse(cell, want, "it is neither 0 nor 1", err);
    if (cell->tag == OXY_C_TEXT && truth_word(cell, &truth))
        return set_int(out, OXY_V_BOOL, truth);
    return refuse(cell, want, NULL, err);
}

DECODER(decode_int)
{
    uint64_t magnitude;
    bool negative;
    int64_t i;

    UNUSED(desc, scratch);
    if (cell->tag == OXY_C_INT)
        return set_int(out, OXY_V_INT, cell->i);
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (signed_number(cell, &i))
        return set_int(out, OXY_V_INT, i);
    if (!whole_number(cell, &negative, &magnitude))
        return refuse(cell, want, "it is not a whole number of 64 bits", err);
    if (negative)
        return refuse(cell, want, "it is out of range", err);
    out->tag = OXY_V_UINT;
    out->u = magnitude;
    return OXY_OK;
}

DECODER(decode_double)
{
    oxy__decimal d;
    double value;

    UNUSED(desc, scratch);
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_DOUBLE: value = cell->d; break;
    case OXY_C_NULL: return set_null(out);
    case OXY_C_INT:
        value = (double)cell->i;
        if (value == 0x1p63 || (int64_t)value != cell->i)
            return refuse(cell, want, "a double cannot hold it exactly", err);
        break;
    case OXY_C_UINT:
        value = (double)(uint64_t)cell->i;
        if (value == 0x1p64 || (uint64_t)value != (uint64_t)cell->i)
            return refuse(cell, want, "a double cannot hold it exactly", err);
        break;
    case OXY_C_TEXT:
        if (!oxy__decimal_read((oxy_sv){cell->p, cell->len}, &d))
            return refuse(cell, want, "it is not a number", err);
        if (!oxy__decimal_to_double(&d, &value))
            return refuse(cell, want, "a double cannot hold it exactly", err);
        break;
    case OXY_C_BLOB:
    case OXY_C_WIRE:
    default: return refuse(cell, want, NULL, err);
    }
    out->tag = OXY_V_DOUBLE;
    out->d = value;
    return OXY_OK;
}

DECODER(decode_text)
{
    (void)desc;
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_TEXT:
        return utf8(cell) ? set_text(out, OXY_V_TEXT, cell->p, cell->len)
                          : refuse(cell, want, "the text is not valid UTF-8", err);
    case OXY_C_NULL: return set_null(out);
    case OXY_C_INT:
    case OXY_C_UINT:
    case OXY_C_DOUBLE: return number_text(cell, OXY_V_TEXT, scratch, out, err);
    case OXY_C_BLOB:
    case OXY_C_WIRE: break;
    }
    return refuse(cell, want, NULL, err);
}

/* TEXT in a BLOB column is what a command line leaves there: its bytes. */
DECODER(decode_blob)
{
    UNUSED(desc, scratch);
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_BLOB:
    case OXY_C_TEXT: return set_text(out, OXY_V_BLOB, cell->p, cell->len);
    case OXY_C_NULL: return set_null(out);
    case OXY_C_INT:
    case OXY_C_UINT:
    case OXY_C_DOUBLE:
    case OXY_C_WIRE: break;
    }
    return refuse(cell, want, NULL, err);
}

/* Naive and zone-aware columns hold the same text. An offset in it is obeyed;
 * without one it is taken as it stands, or as UTC. A date alone is midnight. */
static oxy_rc decode_timestamp(const oxy_cell *cell, const oxy_type *want, oxy_tag tag, oxy_value *out, oxy_err *err)
{
    int64_t micros, days;
    bool has_tz;

    if (cell->tag == OXY_C_TEXT) {
        if (oxy_datetime_parse(cell->p, cell->len, &micros, &has_tz))
            return set_int(out, tag, micros);
        if (oxy_date_parse(cell->p, cell->len, &days))
            return set_int(out, tag, days * OXY__MICROS_PER_DAY);
        return refuse(cell, want, "it is not a date and time", err);
    }
    return cell->tag == OXY_C_NULL ? set_null(out) : refuse(cell, want, NULL, err);
}

DECODER(decode_datetime)
{
    UNUSED(desc, scratch);
    return decode_timestamp(cell, want, OXY_V_DATETIME, out, err);
}

DECODER(decode_datetime_utc)
{
    UNUSED(desc, scratch);
    return decode_timestamp(cell, want, OXY_V_DATETIME_UTC, out, err);
}

DECODER(decode_date)
{
    int64_t days, micros;
    bool has_tz;

    UNUSED(desc, scratch);
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (cell->tag != OXY_C_TEXT)
        return refuse(cell, want, NULL, err);
    if (oxy_date_parse(cell->p, cell->len, &days))
        return set_int(out, OXY_V_DATE, days);
    /* Midnight without a zone loses nothing. */
    if (oxy_datetime_parse(cell->p, cell->len, &micros, &has_tz) && !has_tz && micros % OXY__MICROS_PER_DAY == 0)
        return set_int(out, OXY_V_DATE, micros / OXY__MICROS_PER_DAY);
    return refuse(cell, want, "it is not a date", err);
}

DECODER(decode_time)
{
    int64_t micros;
    int32_t tz;
    bool has_tz;

    UNUSED(desc, scratch);
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (cell->tag != OXY_C_TEXT)
        return refuse(cell, want, NULL, err);
    if (!oxy_time_parse(cell->p, cell->len, &micros, &has_tz, &tz))
        return refuse(cell, want, "it is not a time", err);
    if (has_tz)
        return refuse(cell, want, "it has a time zone", err);
    return set_int(out, OXY_V_TIME, micros);
}

DECODER(decode_timedelta)
{
    int64_t micros;

    UNUSED(desc, scratch);
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (!signed_number(cell, &micros))
        return refuse(cell, want, "it is not a whole number of microseconds", err);
    return set_int(out, OXY_V_TIMEDELTA, micros);
}

DECODER(decode_uuid)
{
    UNUSED(desc, scratch);
    if (cell->tag == OXY_C_TEXT && oxy_uuid_parse(cell->p, cell->len, out->uuid)) {
        out->tag = OXY_V_UUID;
        return OXY_OK;
    }
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (cell->tag == OXY_C_BLOB && cell->len == 16) { /* another common form */
        memcpy(out->uuid, cell->p, 16);
        out->tag = OXY_V_UUID;
        return OXY_OK;
    }
    return refuse(cell, want, cell->tag == OXY_C_TEXT ? "it is not a UUID" : NULL, err);
}

/* A REAL is taken as its shortest decimal form, which is what tools that keep
 * decimals as REAL mean by it. */
DECODER(decode_decimal)
{
    (void)desc;
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_TEXT:
        return oxy_decimal_parse(cell->p, cell->len) ? set_text(out, OXY_V_DECIMAL, cell->p, cell->len)
                                                     : refuse(cell, want, "it is not a number", err);
    case OXY_C_NULL: return set_null(out);
    case OXY_C_INT:
    case OXY_C_UINT:
    case OXY_C_DOUBLE: return number_text(cell, OXY_V_DECIMAL, scratch, out, err);
    case OXY_C_BLOB:
    case OXY_C_WIRE: break;
    }
    return refuse(cell, want, NULL, err);
}

DECODER(decode_inet)
{
    UNUSED(desc, scratch);
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (cell->tag != OXY_C_TEXT)
        return refuse(cell, want, NULL, err);
    if (!oxy__inet_valid((oxy_sv){cell->p, cell->len}))
        return refuse(cell, want, "it is not an IP address", err);
    return set_text(out, OXY_V_INET, cell->p, cell->len);
}

DECODER(decode_array)
{
    const char *reason = NULL;
    oxy_rc rc;

    (void)desc;
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (cell->tag != OXY_C_TEXT)
        return refuse(cell, want, NULL, err);
    if (!utf8(cell))
        return refuse(cell, want, "the text is not valid UTF-8", err);
    rc = oxy__json_read_array((oxy_sv){cell->p, cell->len}, want, oxy_codec_sqlite.decode, scratch, out, &reason);
    return rc == OXY_OK ? OXY_OK : rc == OXY_NOMEM ? no_memory(err) : refuse(cell, want, reason, err);
}

/* The text is handed on as it is: whoever makes objects of it parses it, and
 * parsing twice would cost more than the rest of the row. A column declared
 * JSON by another tool has numeric affinity and keeps plain numbers as such. */
DECODER(decode_json)
{
    (void)desc;
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_TEXT:
        return utf8(cell) ? set_text(out, OXY_V_JSON, cell->p, cell->len)
                          : refuse(cell, want, "the text is not valid UTF-8", err);
    case OXY_C_NULL: return set_null(out);
    case OXY_C_INT:
    case OXY_C_UINT: return number_text(cell, OXY_V_JSON, scratch, out, err);
    case OXY_C_DOUBLE:
        return isfinite(cell->d) ? number_text(cell, OXY_V_JSON, scratch, out, err)
                                 : refuse(cell, want, "JSON has no infinity", err);
    case OXY_C_BLOB:
    case OXY_C_WIRE: break;
    }
    return refuse(cell, want, NULL, err);
}

/* --- IP addresses ------------------------------------------------------------------------- */

/* "192.0.2.1", "2001:db8::1", with an optional "/prefix" and, for version 6, a
 * "%scope". */
bool oxy__inet_valid(oxy_sv text)
{
    char address[INET6_ADDRSTRLEN + 1];
    unsigned char bytes[16];
    unsigned bits = 0;
    size_t len = text.len, host, i;
    bool v6;

    for (i = 0; i < text.len && text.p[i] != '/'; i++)
        ;
    host = i;
    if (host < len) { /* one to three digits */
        if (len - host < 2 || len - host > 4)
            return false;
        for (i = host + 1; i < len; i++) {
            if (text.p[i] < '0' || text.p[i] > '9')
                return false;
            bits = bits * 10 + (unsigned)(text.p[i] - '0');
        }
    }
    for (i = 0; i < host && text.p[i] != '%'; i++)
        ;
    if (i < host && i + 1 == host) /* an empty scope */
        return false;
    if (i == 0 || i >= sizeof address)
        return false;
    memcpy(address, text.p, i);
    address[i] = '\0';
    v6 = memchr(address, ':', i) != NULL;
    if (memchr(address, '\0', i) != NULL || (!v6 && i < host) || bits > (v6 ? 128U : 32U))
        return false;
    return inet_pton(v6 ? AF_INET6 : AF_INET, address, bytes) == 1;
}

/* --- the table ------------------------------------------------------------------------------ */

const oxy_codec oxy_codec_sqlite = {
    .name = "sqlite",
    .decode =
        {
            [OXY_K_UNKNOWN] = decode_unknown,
            [OXY_K_BOOL] = decode_bool,
            [OXY_K_INT] = decode_int,
            [OXY_K_DOUBLE] = decode_double,
            [OXY_K_STRING] = decode_text,
            [OXY_K_TEXT] = decode_text,
            [OXY_K_BLOB] = decode_blob,
            [OXY_K_DATETIME] = decode_datetime,
            [OXY_K_DATETIME_UTC] = decode_datetime_utc,
            [OXY_K_DATE] = decode_date,
            [OXY_K_TIME] = decode_time,
            [OXY_K_TIMEDELTA] = decode_timedelta,
            [OXY_K_INTERVAL] = decode_timedelta,
            [OXY_K_UUID] = decode_uuid,
            [OXY_K_DECIMAL] = decode_decimal,
            [OXY_K_ENUM] = decode_text,
            [OXY_K_INET] = decode_inet,
            [OXY_K_CIDR] = decode_inet,
            [OXY_K_ARRAY] = decode_array,
            [OXY_K_JSON] = decode_json,
            [OXY_K_JSONB] = decode_json,
        },
    .encode = oxy__sqlite_encode,
};
