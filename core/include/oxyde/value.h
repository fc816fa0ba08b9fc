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
    bool compared;      /* of a parameter: asked for, not stored, so it need not fit the column */
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
    OXY_V_WIRE,         /* s: made by an encoder, in the format of the type in wire */
    OXY_V_COUNT
} oxy_tag;

struct oxy_array;

typedef struct oxy_value {
    uint8_t tag;   /* oxy_tag */
    uint16_t wire; /* set by an encoder: the type to send it as (PostgreSQL OID); 0: as the server infers */
    int32_t tz;    /* OXY_V_TIMETZ only */
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

/* --- PostgreSQL ---------------------------------------------------------------
 * Binary formats after PostgreSQL's own *_send and *_recv functions; text forms
 * with DateStyle ISO, IntervalStyle postgres, TimeZone UTC.
 *
 * encode: a value whose type names its wire type gives OXY_V_WIRE (or NULL, with
 * wire set). Where the server must infer the type (enums, columns of a db_type of
 * the user's, kind UNKNOWN) the value stays as it is, wire 0, and the driver calls
 * oxy_pg_encode_as() once the server has told the type.
 * decode: takes the cells that oxy_pg_cell_class() promises, and OXY_C_TEXT cells
 * of any type when coldesc.wire_flags has OXY_PG_TEXT. */
extern const oxy_codec oxy_codec_postgres;

enum {
    OXY_PG_TEXT = 1u << 0, /* coldesc.wire_flags: this result came in text format */
    OXY_PG_ARRAY = 1u << 1 /* an array type that pg_type told of (typelem set, typlen -1): needed only for
                              OIDs that are not built in; its elements read as text */
};

/* decode sets oxy_value.wire of an OXY_V_INET to this if it is a network (CIDR);
 * raw SQL has no column kind to tell it by. */
enum { OXY_PG_OID_CIDR = 650 };

/* How a driver hands out a cell of a type in binary format. */
typedef enum oxy_pg_class {
    OXY_PG_BOOL, /* 1 byte       -> OXY_C_INT 0 or 1 */
    OXY_PG_INT2, /* 2, 4, 8 bytes -> OXY_C_INT */
    OXY_PG_INT4, /* (also oid as OXY_PG_OID, unsigned) */
    OXY_PG_INT8,
    OXY_PG_OID,
    OXY_PG_FLOAT4, /* -> OXY_C_DOUBLE, the shortest double of that float's text */
    OXY_PG_FLOAT8,
    OXY_PG_CHARS,  /* text, varchar, char(n), name, json, xml, enum labels -> OXY_C_TEXT */
    OXY_PG_BYTES,  /* bytea -> OXY_C_BLOB */
    OXY_PG_BINARY, /* has a binary decoder -> OXY_C_WIRE */
    OXY_PG_UNKNOWN /* no binary codec: ask for text */
} oxy_pg_class;

/* Of built-in types, arrays included; others are OXY_PG_UNKNOWN unless the driver
 * knows from pg_type that their binary form is their text (OXY_PG_CHARS), or that
 * they are arrays of such types (OXY_PG_BINARY with OXY_PG_ARRAY set). */
oxy_pg_class oxy_pg_cell_class(uint32_t oid);
/* Bytes in binary format as the cell that the class promises, borrowing p.
 * False if the length does not fit. Not for NULL and OXY_PG_UNKNOWN. */
bool oxy_pg_read_cell(oxy_pg_class class, const char *p, uint32_t len, oxy_cell *out);
/* Element type of a built-in array type; 0 if it is none. */
uint32_t oxy_pg_elem_oid(uint32_t array_oid);

/* The type to declare for a parameter that the server takes for oid (0: it could
 * not tell, SQLSTATE 42P18). Usually oid itself; another type where the value
 * would be read as text or does not fit 32 bits. A driver that gets another one
 * prepares the statement again with it; the value then passes encode_as(). */
uint32_t oxy_pg_param_oid(const oxy_value *in, uint32_t oid);
/* Encodes a native value as a parameter of type oid: OXY_V_WIRE with *text false,
 * or, for types without a binary encoder and for strings that the server parses,
 * OXY_V_TEXT with *text true; NULL stays. out->wire is oid in each case. Rules:
 * connections document, 9.2. */
OXY_MUSTUSE oxy_rc oxy_pg_encode_as(const oxy_value *in, uint32_t oid, oxy_arena *scratch, oxy_value *out, bool *text,
                                    oxy_err *err);

/* --- MySQL and MariaDB -----------------------------------------------------------
 * encode: results NULL, INT, UINT, DOUBLE, TEXT, BLOB, or DATETIME, DATE, TIME,
 * TIMEDELTA (a span, -838:59:59 to 838:59:59, for a TIME column) unchanged, which
 * the driver sends in the protocol's binary form. Aware datetimes have become
 * DATETIME in UTC. A decimal is TEXT with wire set to OXY_MYSQL_NEWDECIMAL, the
 * protocol's type to send that text as: the server compares a plain string with
 * a DECIMAL column as doubles. All other results have wire 0.
 *
 * decode: cells as oxy_driver_mysql hands them out. coldesc.wire_type is the
 * column type of the protocol (MYSQL_TYPE_*), wire_flags the definition's flags
 * with OXY_MYSQL_JSON added where the server marks the column as JSON (MariaDB:
 * the extended metadata's format). Cells by column type:
 * - TINY, SHORT, INT24, LONG, LONGLONG, YEAR: OXY_C_INT, or UINT if UNSIGNED;
 * - FLOAT: OXY_C_DOUBLE, the float widened (decoding finds the shortest text's
 *   double); DOUBLE: OXY_C_DOUBLE; DECIMAL, NEWDECIMAL: OXY_C_TEXT;
 * - DATE, DATETIME, TIMESTAMP, TIME: OXY_C_WIRE, the binary protocol's bytes after
 *   the length (0, 4, 7 or 11; TIME 0, 8 or 12);
 * - JSON: OXY_C_TEXT whatever the character set; BIT, GEOMETRY, VECTOR: OXY_C_BLOB;
 * - CHAR, VARCHAR, TEXT, BLOB, ENUM, SET: OXY_C_BLOB if the character set is
 *   binary (63), else OXY_C_TEXT. The flag BINARY does not tell: utf8mb4_bin has it.
 * Results of the text protocol may come as OXY_C_TEXT for every type. */
extern const oxy_codec oxy_codec_mysql;
/* A date or datetime of the binary protocol (OXY_C_WIRE), if there is such a day. */
bool oxy_mysql_civil(const oxy_cell *cell, const oxy_coldesc *desc, oxy_civil *out);

enum {
    OXY_MYSQL_UNSIGNED = 32u,
    OXY_MYSQL_BINARY = 128u,
    OXY_MYSQL_JSON = 1u << 31,
    OXY_MYSQL_NEWDECIMAL = 246u /* oxy_value.wire of decimals */
};

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
/* The escape that *p begins, which stands behind a backslash and is moved behind
 * the escape. Writes its character to out as UTF-8, no more bytes than the
 * escape has and at most 4, and returns where they end. NULL: it is no escape, or half a
 * pair of surrogates. */
OXY_MUSTUSE char *oxy_json_unescape(const char **p, const char *end, char *out);
/* What is between the quotes of a JSON string, without its escapes. out has room
 * for end - p bytes. Where the text ends; NULL: one of them is no escape. */
OXY_MUSTUSE char *oxy_json_text(const char *p, const char *end, char *out);
/* Appends a value as JSON, in the forms of the models document, 10.1. */
void oxy_json_value(oxy_buf *b, const oxy_value *v);

#ifdef __cplusplus
}
#endif
#endif
