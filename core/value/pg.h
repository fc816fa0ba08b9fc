/* SPDX-License-Identifier: MIT */
/* For this room only: what the parts of the PostgreSQL codec share.
 *
 * Reading goes in two steps: bytes or text of a type become the value of that
 * type's own kind (pg_read.c, pg_text.c, pg_array.c), and that value is then
 * taken as the wanted kind (pg_decode.c). Writing goes from a value to the bytes
 * of a type (pg_write.c) whether the type follows from the column (pg_encode.c)
 * or from the server's description (pg_param.c). */
#ifndef OXY_VALUE_PG_H
#define OXY_VALUE_PG_H

#include "text.h"

/* Object identifiers of built-in types: fixed for all versions of the server. */
enum {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_CHAR = 18, /* "char", one byte */
    PG_NAME = 19,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_OID = 26,
    PG_XID = 28,
    PG_CID = 29,
    PG_JSON = 114,
    PG_XML = 142,
    PG_BOX = 603,
    PG_CIDR = OXY_PG_OID_CIDR,
    PG_FLOAT4 = 700,
    PG_FLOAT8 = 701,
    PG_UNKNOWN = 705,
    PG_INET = 869,
    PG_BPCHAR = 1042,
    PG_VARCHAR = 1043,
    PG_DATE = 1082,
    PG_TIME = 1083,
    PG_TIMESTAMP = 1114,
    PG_TIMESTAMPTZ = 1184,
    PG_INTERVAL = 1186,
    PG_TIMETZ = 1266,
    PG_NUMERIC = 1700,
    PG_UUID = 2950,
    PG_JSONB = 3802,
    PG_FIRST_USER_OID = 16384
};

#define PG_EPOCH_DAYS INT64_C(10957) /* 2000-01-01 in days since 1970-01-01 */
#define PG_EPOCH_MICROS (PG_EPOCH_DAYS * OXY__MICROS_PER_DAY)
#define PG_MAX_DIM 6 /* the server's own limit */

/* --- types ----------------------------------------------------------------------- */

/* Name for messages, "bigint"; NULL for types that are not built in. */
const char *oxy__pg_type_name(uint32_t oid);
/* Array type of an element type, 0 if there is none. */
uint32_t oxy__pg_array_oid(uint32_t elem);
/* Type that a column of this kind has where nothing else is said; 0: unknown. */
uint32_t oxy__pg_kind_oid(oxy_kind kind);

/* --- reading ------------------------------------------------------------------------- */

/* OXY_OK, OXY_NOMEM, or OXY_DATA with a reason of static storage that tells
 * nothing of the content. Results borrow from p or live in scratch. */
typedef struct oxy__pg_read {
    oxy_arena *scratch;
    const char *reason;
} oxy__pg_read;

oxy_rc oxy__pg_bad(oxy__pg_read *r, const char *reason);
/* Text of the given tag, if it is UTF-8. */
oxy_rc oxy__pg_chars(oxy__pg_read *r, oxy_tag tag, const char *p, size_t len, oxy_value *out);

static inline oxy_rc oxy__pg_set_int(oxy_value *out, oxy_tag tag, int64_t i)
{
    *out = (oxy_value){.tag = (uint8_t)tag, .i = i};
    return OXY_OK;
}

static inline oxy_rc oxy__pg_set_text(oxy_value *out, oxy_tag tag, const char *p, size_t len)
{
    *out = (oxy_value){.tag = (uint8_t)tag, .s = {p, len}};
    return OXY_OK;
}

oxy_rc oxy__pg_from_binary(oxy__pg_read *r, uint32_t oid, const char *p, size_t len, oxy_value *out);
oxy_rc oxy__pg_from_text(oxy__pg_read *r, uint32_t oid, const char *p, size_t len, oxy_value *out);
/* elem: what the elements must be; 0 where the type is not built in. */
oxy_rc oxy__pg_array_from_binary(oxy__pg_read *r, uint32_t elem, const char *p, size_t len, oxy_value *out);
oxy_rc oxy__pg_array_from_text(oxy__pg_read *r, uint32_t elem, const char *p, size_t len, oxy_value *out);
oxy_rc oxy__pg_numeric_from_binary(oxy__pg_read *r, const char *p, size_t len, oxy_value *out);
oxy_rc oxy__pg_inet_from_binary(oxy__pg_read *r, const char *p, size_t len, oxy_value *out);
oxy_rc oxy__pg_interval_from_text(oxy__pg_read *r, const char *p, size_t len, oxy_value *out);
/* months must be 0; days and micros add up. */
oxy_rc oxy__pg_interval(oxy__pg_read *r, int64_t months, int64_t days, int64_t micros, oxy_value *out);
/* Microseconds or days since 1970, if a year from 1 to 9999. */
oxy_rc oxy__pg_timestamp(oxy__pg_read *r, uint32_t oid, int64_t micros, oxy_value *out);
oxy_rc oxy__pg_date(oxy__pg_read *r, int64_t days, oxy_value *out);

extern const char oxy__pg_infinite[], oxy__pg_out_of_years[], oxy__pg_day_end[];

/* --- writing -------------------------------------------------------------------------- */

typedef enum oxy__pg_put {
    OXY__PG_PUT,         /* done */
    OXY__PG_PUT_TEXT,    /* this value goes to this type in text format only */
    OXY__PG_PUT_REFUSED, /* reason tells, if not NULL */
    OXY__PG_PUT_NOMEM
} oxy__pg_put;

typedef struct oxy__pg_write {
    oxy_arena *scratch;
    const char *reason;
    oxy_rc rc;       /* of a refusal: OXY_DATA, or OXY_VALUE for lists of no array's shape */
    oxy_sv bytes;    /* the result: borrowed, in small, or in scratch */
    bool semicolons; /* between the items of an array in text: box[] */
    char small[32];  /* dies with this struct */
} oxy__pg_write;

oxy__pg_put oxy__pg_refuse(oxy__pg_write *w, const char *reason);
/* bytes as a value in wire format; they go to scratch if they are in small. */
oxy__pg_put oxy__pg_finish(oxy__pg_write *w, uint32_t oid, oxy_value *out);
oxy__pg_put oxy__pg_to_binary(oxy__pg_write *w, const oxy_value *in, uint32_t oid);
/* As the server reads it in text format. */
oxy__pg_put oxy__pg_to_text(oxy__pg_write *w, const oxy_value *in);
/* Any value as JSON text; json without a version byte in front, jsonb with one. */
oxy__pg_put oxy__pg_to_json(oxy__pg_write *w, const oxy_value *in, uint32_t oid);
/* JSON text whose whole floats have a point instead of an exponent. */
bool oxy__pg_has_exponents(const char *p, size_t len);
void oxy__pg_put_jsonb(oxy_buf *out, const char *p, size_t len);
oxy__pg_put oxy__pg_array_to_binary(oxy__pg_write *w, const oxy_array *array, uint32_t elem);
oxy__pg_put oxy__pg_array_to_text(oxy__pg_write *w, const oxy_array *array);
oxy__pg_put oxy__pg_numeric_to_binary(oxy__pg_write *w, oxy_sv text);
oxy__pg_put oxy__pg_inet_to_binary(oxy__pg_write *w, oxy_sv text, bool cidr);

oxy_rc oxy__pg_encode(const oxy_value *in, const oxy_type *as, oxy_arena *scratch, oxy_value *out, oxy_err *err);

/* --- bytes in network order --------------------------------------------------------------- */

static inline uint16_t oxy__be16(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;

    return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t oxy__be32(const char *p)
{
    return (uint32_t)oxy__be16(p) << 16 | oxy__be16(p + 2);
}

static inline uint64_t oxy__be64(const char *p)
{
    return (uint64_t)oxy__be32(p) << 32 | oxy__be32(p + 4);
}

static inline char *oxy__put16(char *p, uint16_t n)
{
    p[0] = (char)(n >> 8);
    p[1] = (char)n;
    return p + 2;
}

static inline char *oxy__put32(char *p, uint32_t n)
{
    return oxy__put16(oxy__put16(p, (uint16_t)(n >> 16)), (uint16_t)n);
}

static inline char *oxy__put64(char *p, uint64_t n)
{
    return oxy__put32(oxy__put32(p, (uint32_t)(n >> 32)), (uint32_t)n);
}

#endif
