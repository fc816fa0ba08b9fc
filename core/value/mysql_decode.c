/* SPDX-License-Identifier: MIT */
/* mysql_decode: MySQL's and MariaDB's cells as typed values.
 *
 * The server types its columns, so a cell mostly has the type that our own DDL
 * gives the kind; that case is tested first. Columns of other tools and results
 * of expressions have others: each is taken where the value follows exactly.
 * Numbers and dates may come as text too (the text protocol has nothing else). */
#include "mysql.h"

#include <math.h>
#include <string.h>

/* --- failing --------------------------------------------------------------------- */

/* Kept out of line: decoding succeeds millions of times for each failure. */
static __attribute__((noinline, cold)) oxy_rc refuse(const oxy_cell *cell, const oxy_coldesc *desc,
                                                     const oxy_type *want, const char *reason, oxy_err *err)
{
    bool any = want->kind == OXY_K_UNKNOWN; /* free text: whatever the column is */

    return oxy_err_set(err, OXY_DATA, "cannot read this %s%s%s%s%s", oxy__mysql_class(cell, desc), any ? "" : " as ",
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

static oxy_rc set_uint(oxy_value *out, uint64_t u)
{
    if (u <= INT64_MAX)
        return set_int(out, OXY_V_INT, (int64_t)u);
    out->tag = OXY_V_UINT;
    out->u = u;
    return OXY_OK;
}

static oxy_rc set_text(oxy_value *out, oxy_tag tag, const char *p, size_t len)
{
    out->tag = (uint8_t)tag;
    out->s = (oxy_sv){p, len};
    return OXY_OK;
}

static oxy_rc copy_text(oxy_value *out, oxy_tag tag, const char *p, size_t len, oxy_arena *scratch, oxy_err *err)
{
    const char *copy = oxy_arena_copy(scratch, p, len);

    return copy == NULL ? no_memory(err) : set_text(out, tag, copy, len);
}

/* A FLOAT has four bytes; what it means is its shortest text, not the digits
 * that widening adds. */
static double real_of(const oxy_cell *cell, const oxy_coldesc *desc)
{
    return oxy__mysql_type(desc) == OXY__MY_FLOAT ? oxy__double_of_float((float)cell->d) : cell->d;
}

/* A number as text in scratch. */
static oxy_rc number_text(const oxy_cell *cell, const oxy_coldesc *desc, oxy_tag tag, oxy_arena *scratch,
                          oxy_value *out, oxy_err *err)
{
    char text[OXY_TEXT_MAX];
    size_t len;

    if (cell->tag == OXY_C_DOUBLE)
        len = oxy_double_format(text, real_of(cell, desc));
    else if (cell->tag == OXY_C_UINT || cell->i >= 0)
        len = oxy__int_format(text, false, (uint64_t)cell->i);
    else
        len = oxy__int_format(text, true, 0 - (uint64_t)cell->i);
    return copy_text(out, tag, text, len, scratch, err);
}

static bool utf8(const oxy_cell *cell)
{
    return oxy_utf8_valid(cell->p, cell->len) == cell->len;
}

/* BIT(n): up to eight bytes, the most significant first. */
static bool bits(const oxy_cell *cell, const oxy_coldesc *desc, uint64_t *out)
{
    uint32_t i;

    if (oxy__mysql_type(desc) != OXY__MY_BIT || (cell->tag != OXY_C_BLOB && cell->tag != OXY_C_TEXT) || cell->len > 8)
        return false;
    *out = 0;
    for (i = 0; i < cell->len; i++)
        *out = *out << 8 | (unsigned char)cell->p[i];
    return true;
}

/* The cell as an integer of 64 bits, signed or not, if it is one exactly. */
static bool whole_number(const oxy_cell *cell, const oxy_coldesc *desc, bool *negative, uint64_t *magnitude)
{
    oxy__decimal d;

    *negative = false;
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_INT:
        *negative = cell->i < 0;
        *magnitude = cell->i < 0 ? 0 - (uint64_t)cell->i : (uint64_t)cell->i;
        return true;
    case OXY_C_UINT: *magnitude = (uint64_t)cell->i; return true;
    case OXY_C_DOUBLE:
        if (!(fabs(cell->d) < 0x1p64) || cell->d != floor(cell->d))
            return false;
        *negative = cell->d < 0;
        *magnitude = (uint64_t)fabs(cell->d);
        return true;
    case OXY_C_TEXT:
        if (oxy__mysql_type(desc) == OXY__MY_BIT)
            return bits(cell, desc, magnitude);
        if (!oxy__decimal_read((oxy_sv){cell->p, cell->len}, &d) || !oxy__decimal_to_int(&d, magnitude))
            return false;
        *negative = d.negative && *magnitude != 0;
        return true;
    case OXY_C_BLOB: return bits(cell, desc, magnitude);
    case OXY_C_NULL:
    case OXY_C_WIRE: break;
    }
    return false;
}

static bool signed_number(const oxy_cell *cell, const oxy_coldesc *desc, int64_t *out)
{
    uint64_t magnitude;
    bool negative;

    if (!whole_number(cell, desc, &negative, &magnitude) || magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

/* --- numbers ------------------------------------------------------------------------------ */

#define DECODER(name)                                                                                                  \
    static oxy_rc name(const oxy_cell *cell, const oxy_coldesc *desc, const oxy_type *want, oxy_arena *scratch,        \
                       oxy_value *out, oxy_err *err)
#define REFUSE(reason) refuse(cell, desc, want, reason, err)

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

    (void)scratch;
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (signed_number(cell, desc, &i))
        return i == 0 || i == 1 ? set_int(out, OXY_V_BOOL, i) : REFUSE("it is neither 0 nor 1");
    if (cell->tag == OXY_C_TEXT && truth_word(cell, &truth))
        return set_int(out, OXY_V_BOOL, truth);
    return REFUSE(NULL);
}

DECODER(decode_int)
{
    uint64_t magnitude;
    bool negative;

    (void)scratch;
    if (cell->tag == OXY_C_INT)
        return set_int(out, OXY_V_INT, cell->i);
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (!whole_number(cell, desc, &negative, &magnitude))
        return REFUSE("it is not a whole number of 64 bits");
    if (!negative)
        return set_uint(out, magnitude);
    return magnitude <= UINT64_C(1) << 63 ? set_int(out, OXY_V_INT, (int64_t)(0 - magnitude))
                                          : REFUSE("it is out of range");
}

DECODER(decode_double)
{
    oxy__decimal d;
    double value;

    (void)scratch;
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_DOUBLE: value = real_of(cell, desc); break;
    case OXY_C_NULL: return set_null(out);
    case OXY_C_INT:
        value = (double)cell->i;
        if (value == 0x1p63 || (int64_t)value != cell->i)
            return REFUSE("a double cannot hold it exactly");
        break;
    case OXY_C_UINT:
        value = (double)(uint64_t)cell->i;
        if (value == 0x1p64 || (uint64_t)value != (uint64_t)cell->i)
            return REFUSE("a double cannot hold it exactly");
        break;
    case OXY_C_TEXT:
        if (!oxy__decimal_read((oxy_sv){cell->p, cell->len}, &d))
            return REFUSE("it is not a number");
        if (!oxy__decimal_to_double(&d, &value))
            return REFUSE("a double cannot hold it exactly");
        break;
    case OXY_C_BLOB:
    case OXY_C_WIRE:
    default: return REFUSE(NULL);
    }
    out->tag = OXY_V_DOUBLE;
    out->d = value;
    return OXY_OK;
}

DECODER(decode_decimal)
{
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_TEXT:
        return oxy_decimal_parse(cell->p, cell->len) ? set_text(out, OXY_V_DECIMAL, cell->p, cell->len)
                                                     : REFUSE("it is not a number");
    case OXY_C_NULL: return set_null(out);
    case OXY_C_INT:
    case OXY_C_UINT:
    case OXY_C_DOUBLE: return number_text(cell, desc, OXY_V_DECIMAL, scratch, out, err);
    case OXY_C_BLOB:
    case OXY_C_WIRE: break;
    }
    return REFUSE(NULL);
}

/* --- dates and times ------------------------------------------------------------------------ */

static bool is_span(const oxy_cell *cell, const oxy_coldesc *desc)
{
    return cell->tag == OXY_C_WIRE && oxy__mysql_type(desc) == OXY__MY_TIME;
}

/* What the text of a date starts with when it is one that Python lacks. */
static const char *date_reason(const oxy_cell *cell, const char *otherwise)
{
    if (cell->len >= 10 && memcmp(cell->p, "0000-00-00", 10) == 0)
        return "it is a zero date; a cast to CHAR reads it";
    if (cell->len >= 10 &&
        (memcmp(cell->p, "0000-", 5) == 0 || memcmp(cell->p + 4, "-00", 3) == 0 || memcmp(cell->p + 7, "-00", 3) == 0))
        return "its year, month or day is 0; a cast to CHAR reads it";
    return otherwise;
}

/* Microseconds since 1970; NULL, or why there are none. */
static const char *read_moment(const oxy_cell *cell, const oxy_coldesc *desc, int64_t *micros, bool *has_tz)
{
    oxy__mysql_moment m;
    int64_t days;

    *has_tz = false;
    if (oxy__mysql_is_moment(cell, desc))
        return oxy__mysql_moment_read(cell, &m) ? oxy__mysql_moment_micros(&m, micros) : "its bytes are no date";
    if (cell->tag != OXY_C_TEXT)
        return "it is not a date";
    if (oxy_datetime_parse(cell->p, cell->len, micros, has_tz))
        return NULL;
    if (!oxy_date_parse(cell->p, cell->len, &days))
        return date_reason(cell, "it is not a date and time");
    *micros = days * OXY__MICROS_PER_DAY;
    return NULL;
}

/* TIMESTAMP columns arrive in the session's time zone, which is UTC, DATETIME
 * columns as they were stored; so both kinds read the same number. */
static oxy_rc decode_timestamp(const oxy_cell *cell, const oxy_coldesc *desc, const oxy_type *want, oxy_tag tag,
                               oxy_value *out, oxy_err *err)
{
    const char *reason;
    int64_t micros;
    bool has_tz;

    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    reason = read_moment(cell, desc, &micros, &has_tz);
    return reason == NULL ? set_int(out, tag, micros) : REFUSE(reason);
}

DECODER(decode_datetime)
{
    (void)scratch;
    return decode_timestamp(cell, desc, want, OXY_V_DATETIME, out, err);
}

DECODER(decode_datetime_utc)
{
    (void)scratch;
    return decode_timestamp(cell, desc, want, OXY_V_DATETIME_UTC, out, err);
}

DECODER(decode_date)
{
    const char *reason;
    int64_t micros, days;
    bool has_tz;

    (void)scratch;
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    reason = read_moment(cell, desc, &micros, &has_tz);
    if (reason != NULL)
        return REFUSE(reason);
    days = micros / OXY__MICROS_PER_DAY;
    if (has_tz || micros % OXY__MICROS_PER_DAY != 0)
        return REFUSE("it has a time of day");
    return set_int(out, OXY_V_DATE, days);
}

DECODER(decode_time)
{
    int64_t micros;
    int32_t tz;
    bool has_tz;

    (void)scratch;
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (is_span(cell, desc)) {
        if (!oxy__mysql_span_read(cell, &micros))
            return REFUSE("its bytes are no time");
        if (micros < 0 || micros >= OXY__MICROS_PER_DAY)
            return REFUSE("it is no time of day; a timedelta field reads it");
        return set_int(out, OXY_V_TIME, micros);
    }
    if (cell->tag != OXY_C_TEXT)
        return REFUSE(NULL);
    if (!oxy_time_parse(cell->p, cell->len, &micros, &has_tz, &tz))
        return REFUSE(oxy__mysql_span_parse(cell->p, cell->len, &micros)
                          ? "it is no time of day; a timedelta field reads it"
                          : "it is not a time");
    return has_tz ? REFUSE("it has a time zone") : set_int(out, OXY_V_TIME, micros);
}

/* Our columns are BIGINT microseconds; a TIME is a span by nature. */
DECODER(decode_timedelta)
{
    int64_t micros;

    (void)scratch;
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (is_span(cell, desc))
        return oxy__mysql_span_read(cell, &micros) ? set_int(out, OXY_V_TIMEDELTA, micros)
                                                   : REFUSE("its bytes are no time");
    if (cell->tag == OXY_C_TEXT && oxy__mysql_type(desc) == OXY__MY_TIME)
        return oxy__mysql_span_parse(cell->p, cell->len, &micros) ? set_int(out, OXY_V_TIMEDELTA, micros)
                                                                  : REFUSE("it is not a time");
    if (!signed_number(cell, desc, &micros))
        return REFUSE("it is not a whole number of microseconds");
    return set_int(out, OXY_V_TIMEDELTA, micros);
}

/* --- text and bytes --------------------------------------------------------------------------- */

/* A date or time in the server's own spelling: a text field reads even those
 * that are no dates. */
static oxy_rc wire_text(const oxy_cell *cell, const oxy_coldesc *desc, const oxy_type *want, oxy_arena *scratch,
                        oxy_value *out, oxy_err *err)
{
    char text[OXY_TEXT_MAX];
    oxy__mysql_moment m;
    int64_t micros;
    uint32_t type = oxy__mysql_type(desc);

    if (is_span(cell, desc) && oxy__mysql_span_read(cell, &micros))
        return copy_text(out, OXY_V_TEXT, text, oxy__mysql_span_format(text, micros), scratch, err);
    if (oxy__mysql_is_moment(cell, desc) && oxy__mysql_moment_read(cell, &m)) {
        size_t len = oxy__mysql_moment_format(text, &m, type == OXY__MY_DATE || type == OXY__MY_NEWDATE);

        return copy_text(out, OXY_V_TEXT, text, len, scratch, err);
    }
    return REFUSE("its bytes are no date and no time");
}

DECODER(decode_text)
{
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_TEXT:
        return utf8(cell) ? set_text(out, OXY_V_TEXT, cell->p, cell->len) : REFUSE("the text is not valid UTF-8");
    case OXY_C_NULL: return set_null(out);
    case OXY_C_INT:
    case OXY_C_UINT:
    case OXY_C_DOUBLE: return number_text(cell, desc, OXY_V_TEXT, scratch, out, err);
    case OXY_C_WIRE: return wire_text(cell, desc, want, scratch, out, err);
    case OXY_C_BLOB: break;
    }
    return REFUSE(NULL);
}

DECODER(decode_blob)
{
    (void)scratch;
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_BLOB:
    case OXY_C_TEXT: return set_text(out, OXY_V_BLOB, cell->p, cell->len);
    case OXY_C_NULL: return set_null(out);
    case OXY_C_INT:
    case OXY_C_UINT:
    case OXY_C_DOUBLE:
    case OXY_C_WIRE: break;
    }
    return REFUSE(NULL);
}

DECODER(decode_uuid)
{
    (void)scratch;
    if (cell->tag == OXY_C_TEXT && oxy_uuid_parse(cell->p, cell->len, out->uuid)) {
        out->tag = OXY_V_UUID;
        return OXY_OK;
    }
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (cell->tag == OXY_C_BLOB && cell->len == 16) { /* BINARY(16), another common form */
        memcpy(out->uuid, cell->p, 16);
        out->tag = OXY_V_UUID;
        return OXY_OK;
    }
    return REFUSE(cell->tag == OXY_C_TEXT ? "it is not a UUID" : NULL);
}

DECODER(decode_inet)
{
    (void)scratch;
    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (cell->tag != OXY_C_TEXT)
        return REFUSE(NULL);
    if (!oxy__inet_valid((oxy_sv){cell->p, cell->len}))
        return REFUSE("it is not an IP address");
    return set_text(out, OXY_V_INET, cell->p, cell->len);
}

/* --- JSON ---------------------------------------------------------------------------------------- */

DECODER(decode_array)
{
    const char *reason = NULL;
    oxy_rc rc;

    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (cell->tag != OXY_C_TEXT)
        return REFUSE(NULL);
    if (!utf8(cell))
        return REFUSE("the text is not valid UTF-8");
    rc = oxy__json_read_array((oxy_sv){cell->p, cell->len}, want, oxy_codec_mysql.decode, scratch, out, &reason);
    return rc == OXY_OK ? OXY_OK : rc == OXY_NOMEM ? no_memory(err) : REFUSE(reason);
}

/* The text is handed on as it is: whoever makes objects of it parses it. */
DECODER(decode_json)
{
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_TEXT:
        return utf8(cell) ? set_text(out, OXY_V_JSON, cell->p, cell->len) : REFUSE("the text is not valid UTF-8");
    case OXY_C_NULL: return set_null(out);
    case OXY_C_INT:
    case OXY_C_UINT: return number_text(cell, desc, OXY_V_JSON, scratch, out, err);
    case OXY_C_DOUBLE:
        return isfinite(cell->d) ? number_text(cell, desc, OXY_V_JSON, scratch, out, err)
                                 : REFUSE("JSON has no infinity");
    case OXY_C_BLOB:
    case OXY_C_WIRE: break;
    }
    return REFUSE(NULL);
}

/* --- raw SQL ----------------------------------------------------------------------------------------- */

/* The kind that a column's own type stands for. */
static oxy_kind natural_kind(const oxy_cell *cell, const oxy_coldesc *desc)
{
    switch (oxy__mysql_type(desc)) {
    case OXY__MY_TINY:
    case OXY__MY_SHORT:
    case OXY__MY_LONG:
    case OXY__MY_INT24:
    case OXY__MY_LONGLONG:
    case OXY__MY_YEAR:
    case OXY__MY_BIT: return OXY_K_INT;
    case OXY__MY_FLOAT:
    case OXY__MY_DOUBLE: return OXY_K_DOUBLE;
    case OXY__MY_DECIMAL:
    case OXY__MY_NEWDECIMAL: return OXY_K_DECIMAL;
    case OXY__MY_DATE:
    case OXY__MY_NEWDATE: return OXY_K_DATE;
    case OXY__MY_DATETIME:
    case OXY__MY_TIMESTAMP: return OXY_K_DATETIME;
    case OXY__MY_TIME: return OXY_K_TIMEDELTA;
    default: break;
    }
    if (oxy__mysql_is_json(desc))
        return OXY_K_JSON;
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_INT:
    case OXY_C_UINT: return OXY_K_INT;
    case OXY_C_DOUBLE: return OXY_K_DOUBLE;
    case OXY_C_BLOB: return OXY_K_BLOB;
    default: return OXY_K_TEXT;
    }
}

DECODER(decode_unknown)
{
    oxy_kind kind;

    if (cell->tag == OXY_C_NULL)
        return set_null(out);
    if (cell->tag > OXY_C_WIRE)
        return REFUSE(NULL);
    kind = natural_kind(cell, desc);
    return oxy_codec_mysql.decode[kind](cell, desc, want, scratch, out, err);
}

/* --- the table ------------------------------------------------------------------------------------------- */

const oxy_codec oxy_codec_mysql = {
    .name = "mysql",
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
    .encode = oxy__mysql_encode,
};
