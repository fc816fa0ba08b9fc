/* SPDX-License-Identifier: MIT */
/* value: typed values, column kinds, and the codecs between them and the
 * wire formats of the three databases. Knows no socket and no statement. */
#ifndef OXYDE_VALUE_H
#define OXYDE_VALUE_H

#include <oxyde/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of column and of expression. The second column is the name used in
 * migration files and messages. Append only: the binding indexes by number. */
#define OXY_KIND_LIST(X)                                                                                               \
    X(UNKNOWN, "unknown") /* take what the database says */                                                            \
    X(BOOL, "boolean")                                                                                                 \
    X(INT, "big_integer")                                                                                              \
    X(DOUBLE, "double")                                                                                                \
    X(STRING, "string") /* VARCHAR(n) */                                                                               \
    X(TEXT, "text")                                                                                                    \
    X(BLOB, "blob")                                                                                                    \
    X(DATETIME, "date_time")                                                                                           \
    X(DATETIME_UTC, "date_time_utc")                                                                                   \
    X(DATE, "date")                                                                                                    \
    X(TIME, "time")                                                                                                    \
    X(TIMEDELTA, "timedelta") /* BIGINT microseconds */                                                                \
    X(INTERVAL, "interval")   /* PostgreSQL INTERVAL */                                                                \
    X(UUID, "uuid")                                                                                                    \
    X(DECIMAL, "decimal")                                                                                              \
    X(ENUM, "enum")                                                                                                    \
    X(INET, "inet")                                                                                                    \
    X(CIDR, "cidr")                                                                                                    \
    X(ARRAY, "array")                                                                                                  \
    X(JSON, "json")                                                                                                    \
    X(JSONB, "json_binary")

typedef enum oxy_kind {
#define X(name, text) OXY_K_##name,
    OXY_KIND_LIST(X)
#undef X
        OXY_K_COUNT
} oxy_kind;

const char *oxy_kind_name(oxy_kind kind);

/* The type of a column or expression. Plain data; text is borrowed from
 * whoever made it (a table definition or an arena). */
typedef struct oxy_type {
    oxy_kind kind;
    oxy_kind elem; /* ARRAY: kind of the innermost element */
    uint8_t ndim;  /* ARRAY: 1 for T[], 2 for T[][] */
    uint8_t scale; /* DECIMAL; with has_scale */
    bool has_scale;
    bool nullable;
    uint32_t size;      /* STRING: n of VARCHAR(n); DECIMAL: precision, 0 none */
    oxy_sv name;        /* ENUM (or array of it): type name; else empty */
    oxy_sv name_schema; /* schema of that type name, may be empty */
    oxy_sv db_type;     /* the user's verbatim type, may be empty */
} oxy_type;

/* --- values -------------------------------------------------------------- */

/* Which union field of oxy_value is live. */
typedef enum oxy_tag {
    OXY_V_NULL,
    OXY_V_BOOL,         /* i: 0 or 1 */
    OXY_V_INT,          /* i */
    OXY_V_UINT,         /* u: above INT64_MAX */
    OXY_V_DOUBLE,       /* d */
    OXY_V_TEXT,         /* s: UTF-8 */
    OXY_V_BLOB,         /* s: bytes */
    OXY_V_DATETIME,     /* i: microseconds since 1970-01-01 00:00, naive */
    OXY_V_DATETIME_UTC, /* i: microseconds since 1970-01-01 00:00 UTC */
    OXY_V_DATE,         /* i: days since 1970-01-01 */
    OXY_V_TIME,         /* i: microseconds since midnight */
    OXY_V_TIMETZ,       /* i: as TIME; tz: seconds east of UTC */
    OXY_V_TIMEDELTA,    /* i: microseconds */
    OXY_V_UUID,         /* uuid: 16 bytes, network order */
    OXY_V_DECIMAL,      /* s: "-12.50", "NaN", "Infinity", "-Infinity" */
    OXY_V_JSON,         /* s: JSON text */
    OXY_V_INET,         /* s: "192.0.2.1/24" */
    OXY_V_ARRAY,        /* array */
    OXY_V_COUNT
} oxy_tag;

struct oxy_array;

typedef struct oxy_value {
    uint8_t tag; /* oxy_tag */
    int32_t tz;  /* OXY_V_TIMETZ only */
    union {
        int64_t i;
        uint64_t u;
        double d;
        oxy_sv s; /* borrowed; lives as long as its owner says */
        uint8_t uuid[16];
        const struct oxy_array *array;
    };
} oxy_value;

/* n items in row-major order; a nested list is an array of arrays. */
typedef struct oxy_array {
    oxy_kind elem; /* of the innermost items */
    size_t n;
    const oxy_value *items;
} oxy_array;

/* Range of years that the calendar functions accept: 1 to 9999. */
#define OXY_DATETIME_MIN INT64_C(-62135596800000000)
#define OXY_DATETIME_MAX INT64_C(253402300799999999)

typedef struct oxy_civil {
    int32_t year;
    uint8_t month, day, hour, minute, second;
    uint32_t micros;
} oxy_civil;

/* Proleptic Gregorian calendar, both directions, exact; after Howard
 * Hinnant's "chrono-compatible low-level date algorithms". */
void oxy_civil_from_micros(int64_t micros, oxy_civil *out);
int64_t oxy_micros_from_civil(const oxy_civil *c);
void oxy_civil_from_days(int64_t days, oxy_civil *out); /* time parts 0 */

/* --- cells: what a driver hands out --------------------------------------- */

typedef enum oxy_cell_tag {
    OXY_C_NULL,
    OXY_C_INT,    /* i   (SQLite, MySQL binary integers) */
    OXY_C_UINT,   /* i holds the bits of a uint64_t */
    OXY_C_DOUBLE, /* d */
    OXY_C_TEXT,   /* p, len: UTF-8 */
    OXY_C_BLOB,   /* p, len */
    OXY_C_WIRE    /* p, len: binary format; the column description tells which */
} oxy_cell_tag;

/* One cell of the current row. p is borrowed from the driver and dies with
 * the next step of its connection. */
typedef struct oxy_cell {
    uint32_t len;
    uint8_t tag; /* oxy_cell_tag */
    union {
        int64_t i;
        double d;
        const char *p;
    };
} oxy_cell;

/* What the database says about a result column. Text borrowed from the
 * statement; valid until the statement ends. */
typedef struct oxy_coldesc {
    oxy_sv name;
    oxy_sv decl;        /* SQLite: declared type, upper case as written; else empty */
    uint32_t wire_type; /* PostgreSQL OID, MySQL type; SQLite 0 */
    uint32_t wire_flags;
    int32_t wire_mod;
} oxy_coldesc;

/* Decoding: a cell as a value of the wanted kind. Text results point into the
 * cell or into scratch. A cell that cannot be read as this kind, exactly, is
 * OXY_DATA with a message naming the cell's own type (never its content);
 * the caller adds table and column. NULL cells give OXY_V_NULL. */
typedef oxy_rc (*oxy_decode_fn)(const oxy_cell *cell, const oxy_coldesc *desc, const oxy_type *want, oxy_arena *scratch,
                                oxy_value *out, oxy_err *err);

/* Encoding: the value as this database stores a column of that type; the
 * result is NULL, INT, DOUBLE, TEXT or BLOB for SQLite and MySQL's text
 * family, or unchanged where the wire has the type. Text goes to scratch.
 * Values the column cannot hold exactly: OXY_DATA (the caller adds the field). */
typedef oxy_rc (*oxy_encode_fn)(const oxy_value *in, const oxy_type *as, oxy_arena *scratch, oxy_value *out,
                                oxy_err *err);

/* One per database. decode is indexed by oxy_kind, no slot is NULL. */
typedef struct oxy_codec {
    const char *name;
    oxy_decode_fn decode[OXY_K_COUNT];
    oxy_encode_fn encode;
} oxy_codec;

extern const oxy_codec oxy_codec_sqlite;

/* --- text forms shared by codecs, DDL defaults and sql() ------------------- */

#define OXY_TEXT_MAX 64 /* bytes that any of these writes at most, with NUL */

/* "YYYY-MM-DD HH:MM:SS[.ffffff]" (sep ' ' or 'T'), "YYYY-MM-DD",
 * "HH:MM:SS[.ffffff]", "8-4-4-4-12". Return the length. Values must be in range. */
size_t oxy_datetime_format(char out[OXY_TEXT_MAX], int64_t micros, char sep);
size_t oxy_date_format(char out[OXY_TEXT_MAX], int64_t days);
size_t oxy_time_format(char out[OXY_TEXT_MAX], int64_t micros);
size_t oxy_uuid_format(char out[OXY_TEXT_MAX], const uint8_t uuid[16]);
/* The shortest of 15 to 17 digits that reads back as the same double, with a
 * point or an exponent ("1.0", "0.1", "1e+16"); whatever the locale. "NaN",
 * "Infinity", "-Infinity" for the others. */
size_t oxy_double_format(char out[OXY_TEXT_MAX], double d);

/* Strict parsers; false on anything else. Datetime: blank or 'T', seconds
 * optional, up to 6 significant fraction digits (further zeros allowed),
 * optional 'Z' or offset "+HH[:MM[:SS]]". *has_tz tells whether there was an
 * offset; if so *micros is in UTC. */
bool oxy_datetime_parse(const char *p, size_t len, int64_t *micros, bool *has_tz);
bool oxy_date_parse(const char *p, size_t len, int64_t *days);
bool oxy_time_parse(const char *p, size_t len, int64_t *micros, bool *has_tz, int32_t *tz);
bool oxy_uuid_parse(const char *p, size_t len, uint8_t uuid[16]); /* with or without hyphens, any case */
/* Whether p is a decimal number, "NaN", "Infinity" or "-Infinity" (any case). */
bool oxy_decimal_parse(const char *p, size_t len);
/* By value; both must have passed oxy_decimal_parse. NaN sorts last. */
int oxy_decimal_compare(oxy_sv a, oxy_sv b);

/* Appends a JSON string literal with quotes. Input must be valid UTF-8. */
void oxy_json_string(oxy_buf *b, const char *p, size_t len);
/* Appends a value as JSON, in the forms of the models document, 10.1. */
void oxy_json_value(oxy_buf *b, const oxy_value *v);

#ifdef __cplusplus
}
#endif
#endif
