/* SPDX-License-Identifier: MIT */
/* For this room only: what the files of the MySQL codec share. */
#ifndef OXY_VALUE_MYSQL_H
#define OXY_VALUE_MYSQL_H

#include "text.h"

/* Column types of the client/server protocol, as coldesc.wire_type has them. */
enum {
    OXY__MY_DECIMAL = 0,
    OXY__MY_TINY = 1,
    OXY__MY_SHORT = 2,
    OXY__MY_LONG = 3,
    OXY__MY_FLOAT = 4,
    OXY__MY_DOUBLE = 5,
    OXY__MY_NULL = 6,
    OXY__MY_TIMESTAMP = 7,
    OXY__MY_LONGLONG = 8,
    OXY__MY_INT24 = 9,
    OXY__MY_DATE = 10,
    OXY__MY_TIME = 11,
    OXY__MY_DATETIME = 12,
    OXY__MY_YEAR = 13,
    OXY__MY_NEWDATE = 14,
    OXY__MY_VARCHAR = 15,
    OXY__MY_BIT = 16,
    OXY__MY_VECTOR = 242,
    OXY__MY_JSON = 245,
    OXY__MY_NEWDECIMAL = OXY_MYSQL_NEWDECIMAL,
    OXY__MY_ENUM = 247,
    OXY__MY_SET = 248,
    OXY__MY_TINY_BLOB = 249,
    OXY__MY_MEDIUM_BLOB = 250,
    OXY__MY_LONG_BLOB = 251,
    OXY__MY_BLOB = 252,
    OXY__MY_VAR_STRING = 253,
    OXY__MY_STRING = 254,
    OXY__MY_GEOMETRY = 255,
    OXY__MY_NONE = 0xFFFF /* no description: the element of a list */
};

/* Flags of a column's definition, beyond those of value.h. */
enum { OXY__MY_FLAG_ENUM = 256u, OXY__MY_FLAG_SET = 2048u };

static inline uint32_t oxy__mysql_type(const oxy_coldesc *desc)
{
    return desc == NULL ? OXY__MY_NONE : desc->wire_type;
}

static inline bool oxy__mysql_is_json(const oxy_coldesc *desc)
{
    return desc != NULL && (desc->wire_type == OXY__MY_JSON || (desc->wire_flags & OXY_MYSQL_JSON) != 0);
}

/* The cell's type as MySQL names it: "BIGINT UNSIGNED", "VARBINARY". */
const char *oxy__mysql_class(const oxy_cell *cell, const oxy_coldesc *desc);

/* A calendar date with its time of day, as the server sent it: any part may be
 * zero, and the day need not exist. */
typedef struct oxy__mysql_moment {
    uint32_t year, month, day, hour, minute, second, micros;
} oxy__mysql_moment;

/* Whether the cell is a date or datetime of the binary protocol. */
bool oxy__mysql_is_moment(const oxy_cell *cell, const oxy_coldesc *desc);
/* The binary protocol's DATE, DATETIME and TIMESTAMP. False if the bytes are no
 * such thing. */
bool oxy__mysql_moment_read(const oxy_cell *cell, oxy__mysql_moment *out);
/* Why Python cannot hold it; NULL if it can, and then *micros is set. */
const char *oxy__mysql_moment_micros(const oxy__mysql_moment *m, int64_t *micros);
/* As the server itself would write it, zeros and all. */
size_t oxy__mysql_moment_format(char out[OXY_TEXT_MAX], const oxy__mysql_moment *m, bool date_only);

/* The binary protocol's TIME: a signed span. */
bool oxy__mysql_span_read(const oxy_cell *cell, int64_t *micros);
/* "[-]HHH:MM:SS[.ffffff]", both ways; what formats also parses. */
size_t oxy__mysql_span_format(char out[OXY_TEXT_MAX], int64_t micros);
bool oxy__mysql_span_parse(const char *p, size_t len, int64_t *micros);

/* What TIME columns hold: up to 838:59:59 to either side. */
#define OXY__MYSQL_SPAN_MAX INT64_C(3020399000000)
/* MySQL's first year: 1000-01-01. */
#define OXY__MYSQL_DAYS_MIN INT64_C(-354285)

oxy_rc oxy__mysql_encode(const oxy_value *in, const oxy_type *as, oxy_arena *scratch, oxy_value *out, oxy_err *err);

#endif
