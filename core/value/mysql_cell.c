/* SPDX-License-Identifier: MIT */
/* mysql_cell: names of MySQL's column types, and the binary protocol's dates
 * and times. Their fields are little-endian; trailing zero fields are left out,
 * so a length of 0 is '0000-00-00' or '00:00:00'. */
#include "mysql.h"

#include <stdio.h>
#include <string.h>

/* --- names ------------------------------------------------------------------------ */

static const char *const number_names[][2] = {
    [OXY__MY_TINY] = {"TINYINT", "TINYINT UNSIGNED"},
    [OXY__MY_SHORT] = {"SMALLINT", "SMALLINT UNSIGNED"},
    [OXY__MY_LONG] = {"INT", "INT UNSIGNED"},
    [OXY__MY_FLOAT] = {"FLOAT", "FLOAT"},
    [OXY__MY_DOUBLE] = {"DOUBLE", "DOUBLE"},
    [OXY__MY_NULL] = {"NULL", "NULL"},
    [OXY__MY_TIMESTAMP] = {"TIMESTAMP", "TIMESTAMP"},
    [OXY__MY_LONGLONG] = {"BIGINT", "BIGINT UNSIGNED"},
    [OXY__MY_INT24] = {"MEDIUMINT", "MEDIUMINT UNSIGNED"},
    [OXY__MY_DATE] = {"DATE", "DATE"},
    [OXY__MY_TIME] = {"TIME", "TIME"},
    [OXY__MY_DATETIME] = {"DATETIME", "DATETIME"},
    [OXY__MY_YEAR] = {"YEAR", "YEAR"},
    [OXY__MY_NEWDATE] = {"DATE", "DATE"},
    [OXY__MY_DECIMAL] = {"DECIMAL", "DECIMAL"},
    [OXY__MY_VARCHAR] = {"VARCHAR", "VARCHAR"},
    [OXY__MY_BIT] = {"BIT", "BIT"},
};

/* The cell tells text from bytes: the driver looked at the character set. */
static const char *string_name(const oxy_cell *cell, const oxy_coldesc *desc)
{
    bool bytes = cell->tag == OXY_C_BLOB;

    if ((desc->wire_flags & OXY__MY_FLAG_ENUM) != 0)
        return "ENUM";
    if ((desc->wire_flags & OXY__MY_FLAG_SET) != 0)
        return "SET";
    switch (desc->wire_type) {
    case OXY__MY_STRING: return bytes ? "BINARY" : "CHAR";
    case OXY__MY_VARCHAR:
    case OXY__MY_VAR_STRING: return bytes ? "VARBINARY" : "VARCHAR";
    default: return bytes ? "BLOB" : "TEXT";
    }
}

static const char *bare_name(const oxy_cell *cell)
{
    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_NULL: return "NULL";
    case OXY_C_INT: return "BIGINT";
    case OXY_C_UINT: return "BIGINT UNSIGNED";
    case OXY_C_DOUBLE: return "DOUBLE";
    case OXY_C_TEXT: return "TEXT";
    case OXY_C_BLOB: return "BLOB";
    case OXY_C_WIRE: break;
    }
    return "value of unknown type";
}

const char *oxy__mysql_class(const oxy_cell *cell, const oxy_coldesc *desc)
{
    uint32_t type = oxy__mysql_type(desc);

    if (desc == NULL || cell->tag == OXY_C_NULL || cell->tag > OXY_C_WIRE)
        return bare_name(cell);
    if (oxy__mysql_is_json(desc))
        return "JSON";
    if (type < OXY_COUNT(number_names) && type != OXY__MY_VARCHAR)
        return number_names[type][(desc->wire_flags & OXY_MYSQL_UNSIGNED) != 0];
    switch (type) {
    case OXY__MY_NEWDECIMAL: return "DECIMAL";
    case OXY__MY_ENUM: return "ENUM";
    case OXY__MY_SET: return "SET";
    case OXY__MY_GEOMETRY: return "GEOMETRY";
    case OXY__MY_VECTOR: return "VECTOR";
    case OXY__MY_VARCHAR:
    case OXY__MY_TINY_BLOB:
    case OXY__MY_MEDIUM_BLOB:
    case OXY__MY_LONG_BLOB:
    case OXY__MY_BLOB:
    case OXY__MY_VAR_STRING:
    case OXY__MY_STRING: return string_name(cell, desc);
    default: return bare_name(cell);
    }
}

/* --- dates --------------------------------------------------------------------------- */

static uint32_t get4(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

bool oxy__mysql_moment_read(const oxy_cell *cell, oxy__mysql_moment *out)
{
    const unsigned char *p = (const unsigned char *)cell->p;

    *out = (oxy__mysql_moment){0};
    switch (cell->len) {
    case 11: out->micros = get4(p + 7); /* fall through */
    case 7:
        out->hour = p[4];
        out->minute = p[5];
        out->second = p[6]; /* fall through */
    case 4:
        out->year = (uint32_t)p[0] | (uint32_t)p[1] << 8;
        out->month = p[2];
        out->day = p[3]; /* fall through */
    case 0: break;
    default: return false;
    }
    return out->year <= 9999 && out->month <= 12 && out->day <= 31 && out->hour <= 23 && out->minute <= 59 &&
           out->second <= 59 && out->micros <= 999999;
}

bool oxy__mysql_is_moment(const oxy_cell *cell, const oxy_coldesc *desc)
{
    uint32_t type = oxy__mysql_type(desc);

    return cell->tag == OXY_C_WIRE &&
           (type == OXY__MY_DATETIME || type == OXY__MY_TIMESTAMP || type == OXY__MY_DATE || type == OXY__MY_NEWDATE);
}

bool oxy_mysql_civil(const oxy_cell *cell, const oxy_coldesc *desc, oxy_civil *out)
{
    oxy__mysql_moment m;

    if (!oxy__mysql_is_moment(cell, desc) || !oxy__mysql_moment_read(cell, &m) ||
        !oxy__date_valid((int32_t)m.year, m.month, m.day))
        return false;
    *out = (oxy_civil){
        .year = (int32_t)m.year,
        .month = (uint8_t)m.month,
        .day = (uint8_t)m.day,
        .hour = (uint8_t)m.hour,
        .minute = (uint8_t)m.minute,
        .second = (uint8_t)m.second,
        .micros = m.micros,
    };
    return true;
}

const char *oxy__mysql_moment_micros(const oxy__mysql_moment *m, int64_t *micros)
{
    if (m->year == 0 && m->month == 0 && m->day == 0)
        return "it is a zero date; a cast to CHAR reads it";
    if (m->year == 0 || m->month == 0 || m->day == 0)
        return "its year, month or day is 0; a cast to CHAR reads it";
    if (!oxy__date_valid((int32_t)m->year, m->month, m->day))
        return "there is no such day; a cast to CHAR reads it";
    *micros = oxy__days_from_civil((int32_t)m->year, m->month, m->day) * OXY__MICROS_PER_DAY +
              (int64_t)((m->hour * 60 + m->minute) * 60 + m->second) * 1000000 + (int64_t)m->micros;
    return NULL;
}

size_t oxy__mysql_moment_format(char out[OXY_TEXT_MAX], const oxy__mysql_moment *m, bool date_only)
{
    int len = snprintf(out, OXY_TEXT_MAX, "%04u-%02u-%02u", m->year, m->month, m->day);

    if (!date_only)
        len += snprintf(out + len, OXY_TEXT_MAX - (size_t)len, " %02u:%02u:%02u", m->hour, m->minute, m->second);
    if (!date_only && m->micros != 0)
        len += snprintf(out + len, OXY_TEXT_MAX - (size_t)len, ".%06u", m->micros);
    return (size_t)len;
}

/* --- times ---------------------------------------------------------------------------- */

/* Days are four bytes on the wire; what a TIME holds are 34 at most. */
#define SPAN_DAYS_MAX 999999

bool oxy__mysql_span_read(const oxy_cell *cell, int64_t *micros)
{
    const unsigned char *p = (const unsigned char *)cell->p;
    uint32_t days, fraction = 0;
    int64_t span;

    *micros = 0;
    if (cell->len == 0)
        return true;
    if (cell->len != 8 && cell->len != 12)
        return false;
    days = get4(p + 1);
    if (cell->len == 12)
        fraction = get4(p + 8);
    if (p[0] > 1 || days > SPAN_DAYS_MAX || p[5] > 23 || p[6] > 59 || p[7] > 59 || fraction > 999999)
        return false;
    span = (int64_t)days * OXY__MICROS_PER_DAY + (((int64_t)p[5] * 60 + p[6]) * 60 + p[7]) * 1000000 + fraction;
    *micros = p[0] != 0 ? -span : span;
    return true;
}

size_t oxy__mysql_span_format(char out[OXY_TEXT_MAX], int64_t micros)
{
    uint64_t span = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    uint64_t seconds = span / 1000000, fraction = span % 1000000;
    int len = snprintf(out, OXY_TEXT_MAX, "%s%02llu:%02u:%02u", micros < 0 ? "-" : "",
                       (unsigned long long)(seconds / 3600), (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));

    if (fraction != 0)
        len += snprintf(out + len, OXY_TEXT_MAX - (size_t)len, ".%06u", (unsigned)fraction);
    return (size_t)len;
}

bool oxy__mysql_span_parse(const char *p, size_t len, int64_t *micros)
{
    char clock[OXY_TEXT_MAX];
    bool negative, has_tz;
    uint32_t hours = 0;
    size_t digits = 0;
    int64_t rest;
    int32_t tz;

    negative = len != 0 && p[0] == '-';
    p += negative;
    len -= negative;
    for (; digits < len && digits < 8 && p[digits] >= '0' && p[digits] <= '9'; digits++)
        hours = hours * 10 + (uint32_t)(p[digits] - '0');
    if (digits < 2 || hours > 9999999 || len - digits + 2 >= sizeof clock)
        return false;
    /* Minutes and below are a time of day's. */
    clock[0] = clock[1] = '0';
    memcpy(clock + 2, p + digits, len - digits);
    if (!oxy_time_parse(clock, len - digits + 2, &rest, &has_tz, &tz) || has_tz)
        return false;
    rest += (int64_t)hours * INT64_C(3600000000);
    *micros = negative ? -rest : rest;
    return true;
}
