/* SPDX-License-Identifier: MIT */
/* pg_decode: PostgreSQL's cells as typed values.
 *
 * PostgreSQL types its columns, so a cell of another type than the model's is a
 * mistake unless its value follows exactly: integers of every width, numeric
 * where integers or floats are wanted, both kinds of timestamp, the text of
 * whatever has one, and values from such text. The type that our own columns have is tested first. */
#include "pg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- failing ----------------------------------------------------------------------------- */

/* Kept out of line: decoding succeeds millions of times for each failure. */
static __attribute__((noinline, cold)) oxy_rc refuse(const oxy_coldesc *desc, const oxy_type *want, const char *reason,
                                                     oxy_err *err)
{
    uint32_t oid = desc == NULL ? 0 : desc->wire_type, elem = oxy_pg_elem_oid(oid);
    const char *name = oxy__pg_type_name(elem != 0 ? elem : oid);
    bool any = want->kind == OXY_K_UNKNOWN; /* free text: whatever the column is */
    char number[48];

    (void)snprintf(number, sizeof number, "value of type %u", (unsigned)oid);
    return oxy_err_set(err, OXY_DATA, "cannot read this %s%s%s%s%s%s", name == NULL ? number : name,
                       elem != 0 ? "[]" : "", any ? "" : " as ", any ? "" : oxy_kind_name(want->kind),
                       reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
}

static __attribute__((noinline, cold)) oxy_rc no_memory(oxy_err *err)
{
    return oxy_err_set(err, OXY_NOMEM, "out of memory while reading a row");
}

/* --- the value of the column's own type ------------------------------------------------------ */

/* Arrays of types that are not built in: their elements are taken as text of the
 * type that a column of the wanted kind would have. */
static uint32_t foreign_elem(const oxy_type *want)
{
    return want->kind == OXY_K_ARRAY ? oxy__pg_kind_oid(want->elem) : PG_TEXT;
}

static oxy_rc own_value(oxy__pg_read *r, const oxy_cell *cell, const oxy_coldesc *desc, const oxy_type *want,
                        oxy_value *out)
{
    uint32_t oid = desc == NULL ? 0 : desc->wire_type, flags = desc == NULL ? 0 : desc->wire_flags;
    bool foreign = oid >= PG_FIRST_USER_OID;

    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_NULL: *out = (oxy_value){.tag = OXY_V_NULL}; return OXY_OK;
    case OXY_C_INT: return oxy__pg_set_int(out, oid == PG_BOOL ? OXY_V_BOOL : OXY_V_INT, cell->i);
    case OXY_C_DOUBLE: *out = (oxy_value){.tag = OXY_V_DOUBLE, .d = cell->d}; return OXY_OK;
    case OXY_C_BLOB: return oxy__pg_set_text(out, OXY_V_BLOB, cell->p, cell->len);
    case OXY_C_TEXT:
        if ((flags & OXY_PG_TEXT) == 0) /* characters in binary format */
            return oxy__pg_from_binary(r, oid == 0 ? PG_TEXT : oid, cell->p, cell->len, out);
        if (foreign && ((flags & OXY_PG_ARRAY) != 0 || want->kind == OXY_K_ARRAY))
            return oxy__pg_array_from_text(r, foreign_elem(want), cell->p, cell->len, out);
        return oxy__pg_from_text(r, oid, cell->p, cell->len, out);
    case OXY_C_WIRE:
        if (foreign && (flags & OXY_PG_ARRAY) != 0)
            return oxy__pg_array_from_binary(r, 0, cell->p, cell->len, out);
        return oxy__pg_from_binary(r, oid, cell->p, cell->len, out);
    case OXY_C_UINT: break;
    }
    return oxy__pg_bad(r, NULL);
}

/* --- that value as the wanted kind -------------------------------------------------------------- */

static oxy_rc to_bool(oxy__pg_read *r, oxy_value *v)
{
    if (v->tag != OXY_V_BOOL && v->tag != OXY_V_INT)
        return oxy__pg_bad(r, NULL);
    if (v->i != 0 && v->i != 1)
        return oxy__pg_bad(r, "it is neither 0 nor 1");
    v->tag = OXY_V_BOOL;
    return OXY_OK;
}

/* INT, or UINT above 63 bits. */
static oxy_rc to_int(oxy__pg_read *r, oxy_value *v)
{
    uint64_t magnitude;
    oxy__decimal d;

    switch ((oxy_tag)v->tag) {
    case OXY_V_INT:
    case OXY_V_BOOL: v->tag = OXY_V_INT; return OXY_OK;
    case OXY_V_DOUBLE:
        if (v->d != floor(v->d) || !(v->d >= -0x1p63 && v->d < 0x1p63))
            return oxy__pg_bad(r, "it is not a whole number of 64 bits");
        return oxy__pg_set_int(v, OXY_V_INT, (int64_t)v->d);
    case OXY_V_DECIMAL:
        if (!oxy__decimal_read(v->s, &d) || !oxy__decimal_to_int(&d, &magnitude))
            return oxy__pg_bad(r, "it is not a whole number of 64 bits");
        if (!d.negative && magnitude > INT64_MAX) {
            *v = (oxy_value){.tag = OXY_V_UINT, .u = magnitude};
            return OXY_OK;
        }
        if (magnitude > (uint64_t)INT64_MAX + 1)
            return oxy__pg_bad(r, "it is out of range");
        return oxy__pg_set_int(v, OXY_V_INT, d.negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude);
    default: return oxy__pg_bad(r, NULL);
    }
}

static oxy_rc to_double(oxy__pg_read *r, oxy_value *v)
{
    oxy__decimal d;
    double value;

    switch ((oxy_tag)v->tag) {
    case OXY_V_DOUBLE: return OXY_OK;
    case OXY_V_INT:
        value = (double)v->i;
        if (value == 0x1p63 || (int64_t)value != v->i)
            return oxy__pg_bad(r, "a double cannot hold it exactly");
        break;
    case OXY_V_DECIMAL:
        if (!oxy__decimal_read(v->s, &d))
            return oxy__pg_bad(r, "it is not a number");
        if (d.class == OXY__NAN)
            value = __builtin_nan("");
        else if (!oxy__decimal_to_double(&d, &value))
            return oxy__pg_bad(r, "a double cannot hold it exactly");
        break;
    default: return oxy__pg_bad(r, NULL);
    }
    *v = (oxy_value){.tag = OXY_V_DOUBLE, .d = value};
    return OXY_OK;
}

/* Its text as the server writes it, in scratch. */
static oxy_rc to_tagged_text(oxy__pg_read *r, oxy_value *v, oxy_tag tag)
{
    oxy__pg_write w = {.scratch = r->scratch};
    oxy_sv text = v->s;

    switch ((oxy_tag)v->tag) {
    case OXY_V_TEXT:
    case OXY_V_DECIMAL:
    case OXY_V_JSON:
    case OXY_V_INET: break;
    default:
        if (oxy__pg_to_text(&w, v) != OXY__PG_PUT)
            return w.reason == NULL ? OXY_NOMEM : oxy__pg_bad(r, w.reason);
        text = (oxy_sv){oxy_arena_copy(r->scratch, w.bytes.p, w.bytes.len), w.bytes.len};
        break;
    }
    return text.p == NULL && text.len != 0 ? OXY_NOMEM : oxy__pg_set_text(v, tag, text.p, text.len);
}

static oxy_rc to_text(oxy__pg_read *r, oxy_value *v)
{
    switch ((oxy_tag)v->tag) {
    case OXY_V_TEXT: return OXY_OK;
    case OXY_V_INT:
    case OXY_V_DOUBLE:
    case OXY_V_DECIMAL:
    case OXY_V_JSON:
    case OXY_V_INET:
    case OXY_V_UUID:
    case OXY_V_DATE:
    case OXY_V_TIME:
    case OXY_V_TIMETZ:
    case OXY_V_DATETIME:
    case OXY_V_DATETIME_UTC: return to_tagged_text(r, v, OXY_V_TEXT);
    default: return oxy__pg_bad(r, NULL);
    }
}

static oxy_rc to_decimal(oxy__pg_read *r, oxy_value *v)
{
    switch ((oxy_tag)v->tag) {
    case OXY_V_DECIMAL: return OXY_OK;
    case OXY_V_INT:
    case OXY_V_DOUBLE: return to_tagged_text(r, v, OXY_V_DECIMAL);
    default: return oxy__pg_bad(r, NULL);
    }
}

/* A zone-aware column read as a naive one gives the time in UTC, and the other
 * way round, as the servers without zones do. */
static oxy_rc to_timestamp(oxy__pg_read *r, oxy_value *v, oxy_tag tag)
{
    if (v->tag == OXY_V_DATE)
        return oxy__pg_set_int(v, tag, v->i * OXY__MICROS_PER_DAY);
    if (v->tag != OXY_V_DATETIME && v->tag != OXY_V_DATETIME_UTC)
        return oxy__pg_bad(r, NULL);
    v->tag = (uint8_t)tag;
    return OXY_OK;
}

/* Whole microseconds are what our own columns hold. */
static oxy_rc to_timedelta(oxy__pg_read *r, oxy_value *v)
{
    if (v->tag == OXY_V_TIMEDELTA)
        return OXY_OK;
    if (v->tag != OXY_V_INT && v->tag != OXY_V_DECIMAL)
        return oxy__pg_bad(r, NULL);
    if (to_int(r, v) != OXY_OK || v->tag != OXY_V_INT)
        return oxy__pg_bad(r, "it is not a whole number of microseconds");
    v->tag = OXY_V_TIMEDELTA;
    return OXY_OK;
}

static oxy_rc to_date(oxy__pg_read *r, oxy_value *v)
{
    if (v->tag == OXY_V_DATE)
        return OXY_OK;
    if (v->tag != OXY_V_DATETIME && v->tag != OXY_V_DATETIME_UTC)
        return oxy__pg_bad(r, NULL);
    if (v->i % OXY__MICROS_PER_DAY != 0)
        return oxy__pg_bad(r, "it has a time of day");
    return oxy__pg_set_int(v, OXY_V_DATE, v->i / OXY__MICROS_PER_DAY);
}

static oxy_rc to_uuid(oxy__pg_read *r, oxy_value *v)
{
    const char *p = v->s.p;

    if (v->tag != OXY_V_BLOB || v->s.len != 16)
        return v->tag == OXY_V_UUID ? OXY_OK : oxy__pg_bad(r, NULL);
    *v = (oxy_value){.tag = OXY_V_UUID};
    memcpy(v->uuid, p, 16);
    return OXY_OK;
}

/* --- characters as another kind -------------------------------------------------------------------- */

/* A column of text (db_type="TEXT") holds the kind's text form, as the encoder
 * writes it; what is no such form is refused. char(n) pads it with blanks. */
static oxy_rc read_characters(oxy__pg_read *r, oxy_value *v, oxy_kind kind)
{
    uint32_t oid = kind == OXY_K_TIMEDELTA ? PG_INTERVAL : oxy__pg_kind_oid(kind);
    size_t len = v->s.len;

    while (len > 0 && v->s.p[len - 1] == ' ')
        len--;
    if (kind == OXY_K_DECIMAL) {
        oxy__decimal d;

        if (!oxy__decimal_read((oxy_sv){v->s.p, len}, &d))
            return oxy__pg_bad(r, "it is not a number");
        return oxy__pg_set_text(v, OXY_V_DECIMAL, v->s.p, len);
    }
    if (kind == OXY_K_TIMEDELTA && oxy__pg_from_text(r, PG_INT8, v->s.p, len, v) == OXY_OK)
        return OXY_OK;
    if (kind == OXY_K_TIME && len > 0 && (memchr(v->s.p, '+', len) != NULL || memchr(v->s.p, '-', len) != NULL))
        oid = PG_TIMETZ;
    return oxy__pg_from_text(r, oid, v->s.p, len, v);
}

/* Kinds that are no text themselves and whose values have one text form. JSON's
 * is any text that is JSON, for the reader of JSON to judge. */
static bool has_text_form(oxy_kind kind)
{
    switch (kind) {
    case OXY_K_BOOL:
    case OXY_K_INT:
    case OXY_K_DOUBLE:
    case OXY_K_DATETIME:
    case OXY_K_DATETIME_UTC:
    case OXY_K_DATE:
    case OXY_K_TIME:
    case OXY_K_TIMEDELTA:
    case OXY_K_INTERVAL:
    case OXY_K_UUID:
    case OXY_K_DECIMAL:
    case OXY_K_INET:
    case OXY_K_CIDR:
    case OXY_K_JSON:
    case OXY_K_JSONB: return true;
    default: return false;
    }
}

static oxy_rc only(oxy__pg_read *r, const oxy_value *v, oxy_tag tag)
{
    return v->tag == tag ? OXY_OK : oxy__pg_bad(r, NULL);
}

static oxy_rc to_kind(oxy__pg_read *r, oxy_value *v, oxy_kind kind, oxy_kind elem);

/* The items were made by pg_array.c for this call: they are ours to change. */
static oxy_rc to_array(oxy__pg_read *r, oxy_value *v, oxy_kind elem)
{
    oxy_array *array = (oxy_array *)(uintptr_t)v->array;
    oxy_value *items;
    oxy_rc rc = OXY_OK;
    size_t i;

    if (v->tag != OXY_V_ARRAY)
        return oxy__pg_bad(r, NULL);
    array->elem = elem;
    items = (oxy_value *)(uintptr_t)array->items;
    for (i = 0; rc == OXY_OK && i < array->n; i++)
        rc = to_kind(r, &items[i], items[i].tag == OXY_V_ARRAY ? OXY_K_ARRAY : elem, elem);
    return rc;
}

static oxy_rc to_kind(oxy__pg_read *r, oxy_value *v, oxy_kind kind, oxy_kind elem)
{
    oxy_rc rc;

    if (v->tag == OXY_V_NULL)
        return OXY_OK;
    if (v->tag == OXY_V_TEXT && has_text_form(kind)) {
        rc = read_characters(r, v, kind);
        if (rc != OXY_OK)
            return rc;
    }
    switch (kind) {
    case OXY_K_UNKNOWN: return OXY_OK;
    case OXY_K_BOOL: return to_bool(r, v);
    case OXY_K_INT: return to_int(r, v);
    case OXY_K_DOUBLE: return to_double(r, v);
    case OXY_K_STRING:
    case OXY_K_TEXT:
    case OXY_K_ENUM: return to_text(r, v);
    case OXY_K_BLOB: return only(r, v, OXY_V_BLOB);
    case OXY_K_DATETIME: return to_timestamp(r, v, OXY_V_DATETIME);
    case OXY_K_DATETIME_UTC: return to_timestamp(r, v, OXY_V_DATETIME_UTC);
    case OXY_K_DATE: return to_date(r, v);
    case OXY_K_TIME: return v->tag == OXY_V_TIMETZ ? OXY_OK : only(r, v, OXY_V_TIME);
    case OXY_K_TIMEDELTA:
    case OXY_K_INTERVAL: return to_timedelta(r, v);
    case OXY_K_UUID: return to_uuid(r, v);
    case OXY_K_DECIMAL: return to_decimal(r, v);
    case OXY_K_INET:
    case OXY_K_CIDR: return only(r, v, OXY_V_INET);
    case OXY_K_ARRAY: return to_array(r, v, elem);
    case OXY_K_JSON:
    case OXY_K_JSONB: return only(r, v, OXY_V_JSON);
    case OXY_K_COUNT: break;
    }
    return oxy__pg_bad(r, NULL);
}

/* --- the table ------------------------------------------------------------------------------------- */

static oxy_rc decode(const oxy_cell *cell, const oxy_coldesc *desc, const oxy_type *want, oxy_arena *scratch,
                     oxy_value *out, oxy_err *err)
{
    oxy__pg_read r = {.scratch = scratch};
    oxy_rc rc = own_value(&r, cell, desc, want, out);

    if (rc == OXY_OK)
        rc = to_kind(&r, out, want->kind, want->elem);
    return rc == OXY_OK ? OXY_OK : rc == OXY_NOMEM ? no_memory(err) : refuse(desc, want, r.reason, err);
}

static oxy_rc decode_int(const oxy_cell *cell, const oxy_coldesc *desc, const oxy_type *want, oxy_arena *scratch,
                         oxy_value *out, oxy_err *err)
{
    if (cell->tag == OXY_C_INT)
        return oxy__pg_set_int(out, OXY_V_INT, cell->i);
    return decode(cell, desc, want, scratch, out, err);
}

static oxy_rc decode_double(const oxy_cell *cell, const oxy_coldesc *desc, const oxy_type *want, oxy_arena *scratch,
                            oxy_value *out, oxy_err *err)
{
    if (cell->tag != OXY_C_DOUBLE)
        return decode(cell, desc, want, scratch, out, err);
    *out = (oxy_value){.tag = OXY_V_DOUBLE, .d = cell->d};
    return OXY_OK;
}

/* Characters as our own columns have them. */
static oxy_rc decode_text(const oxy_cell *cell, const oxy_coldesc *desc, const oxy_type *want, oxy_arena *scratch,
                          oxy_value *out, oxy_err *err)
{
    bool plain =
        cell->tag == OXY_C_TEXT && desc != NULL && (desc->wire_type == PG_TEXT || desc->wire_type == PG_VARCHAR);

    if (!plain || oxy_utf8_valid(cell->p, cell->len) != cell->len)
        return decode(cell, desc, want, scratch, out, err);
    return oxy__pg_set_text(out, OXY_V_TEXT, cell->p, cell->len);
}

const oxy_codec oxy_codec_postgres = {
    .name = "postgres",
    .decode =
        {
            [OXY_K_UNKNOWN] = decode,       [OXY_K_BOOL] = decode,        [OXY_K_INT] = decode_int,
            [OXY_K_DOUBLE] = decode_double, [OXY_K_STRING] = decode_text, [OXY_K_TEXT] = decode_text,
            [OXY_K_BLOB] = decode,          [OXY_K_DATETIME] = decode,    [OXY_K_DATETIME_UTC] = decode,
            [OXY_K_DATE] = decode,          [OXY_K_TIME] = decode,        [OXY_K_TIMEDELTA] = decode,
            [OXY_K_INTERVAL] = decode,      [OXY_K_UUID] = decode,        [OXY_K_DECIMAL] = decode,
            [OXY_K_ENUM] = decode_text,     [OXY_K_INET] = decode,        [OXY_K_CIDR] = decode,
            [OXY_K_ARRAY] = decode,         [OXY_K_JSON] = decode,        [OXY_K_JSONB] = decode,
        },
    .encode = oxy__pg_encode,
};
