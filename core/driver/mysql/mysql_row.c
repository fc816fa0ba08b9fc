/* SPDX-License-Identifier: MIT */
/* Columns and rows. Rows are read straight from the packet, with one reader per
 * column that is chosen when the columns are described. */
#include "mysql_conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHARSET_BINARY 63

static bool is_json(const MYSQL_FIELD *f)
{
    MARIADB_CONST_STRING format = {NULL, 0};

    if (f->type == MYSQL_TYPE_JSON)
        return true;
    return f->extension && mariadb_field_attr(&format, f, MARIADB_FIELD_ATTR_FORMAT_NAME) == 0 && format.length == 4 &&
           memcmp(format.str, "json", 4) == 0;
}

static oxy__my_reader choose_reader(const MYSQL_FIELD *f)
{
    bool is_unsigned = (f->flags & UNSIGNED_FLAG) != 0;

    switch (f->type) {
    case MYSQL_TYPE_TINY: return is_unsigned ? OXY__MY_U8 : OXY__MY_I8;
    case MYSQL_TYPE_SHORT: return is_unsigned ? OXY__MY_U16 : OXY__MY_I16;
    case MYSQL_TYPE_YEAR: return OXY__MY_U16;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG: return is_unsigned ? OXY__MY_U32 : OXY__MY_I32;
    case MYSQL_TYPE_LONGLONG: return is_unsigned ? OXY__MY_U64 : OXY__MY_I64;
    case MYSQL_TYPE_FLOAT: return OXY__MY_FLOAT;
    case MYSQL_TYPE_DOUBLE: return OXY__MY_DOUBLE;
    case MYSQL_TYPE_NULL: return OXY__MY_NULL;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
    case MYSQL_TYPE_TIME: return OXY__MY_TIMES;
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
    case MYSQL_TYPE_JSON: return OXY__MY_CHARS;
    case MYSQL_TYPE_BIT:
    case MYSQL_TYPE_GEOMETRY: return OXY__MY_BYTES;
    default: return f->charsetnr == CHARSET_BINARY ? OXY__MY_BYTES : OXY__MY_CHARS;
    }
}

static oxy_rc reserve(oxy__mysql *c, uint32_t n)
{
    const oxy_alloc *a = c->base.alloc;
    oxy_coldesc *cols;
    oxy_cell *row;
    uint8_t *readers;

    if (n <= c->cols_cap)
        return OXY_OK;
    if (!(cols = oxy_alloc_resize(a, c->cols, n * sizeof *cols)))
        return OXY_NOMEM;
    c->cols = cols;
    if (!(row = oxy_alloc_resize(a, c->row, n * sizeof *row)))
        return OXY_NOMEM;
    c->row = row;
    if (!(readers = oxy_alloc_resize(a, c->readers, n)))
        return OXY_NOMEM;
    c->readers = readers;
    c->cols_cap = n;
    return OXY_OK;
}

oxy_rc oxy__my_describe(oxy__mysql *c, const MYSQL_FIELD *fields, uint32_t n, bool copy_names, oxy_err *err)
{
    if (reserve(c, n) != OXY_OK)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        const MYSQL_FIELD *f = &fields[i];
        const char *name = copy_names ? oxy_arena_copy(&c->scratch, f->name, f->name_length) : f->name;

        if (!name)
            return oxy_err_set(err, OXY_NOMEM, "out of memory");
        c->cols[i] = (oxy_coldesc){
            .name = {name, f->name_length},
            .wire_type = f->type,
            .wire_flags = (f->flags & 0xffff) | (is_json(f) ? (uint32_t)OXY_MYSQL_JSON : 0),
            .wire_mod = (int32_t)f->decimals,
        };
        c->readers[i] = (uint8_t)choose_reader(f);
    }
    c->n_cols = n;
    return OXY_OK;
}

/* --- the binary protocol ---------------------------------------------------------------- */

static uint64_t little(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

/* The shortest double of the float's text: 0.1f is 0.1, not 0.10000000149. */
static double widen(float f)
{
    char text[32];

    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, (double)f);
        if (strtof(text, NULL) == f)
            return strtod(text, NULL);
    }
    return (double)f;
}

/* A length as the protocol packs it; NULL if there is no room for it. */
static const uint8_t *read_length(const uint8_t *p, const uint8_t *end, uint64_t *len)
{
    size_t n;

    if (p == end)
        return NULL;
    if (*p < 251) {
        *len = *p;
        return p + 1;
    }
    n = *p == 252 ? 2 : *p == 253 ? 3 : *p == 254 ? 8 : 0;
    if (!n || (size_t)(end - p) < n + 1)
        return NULL;
    *len = little(p + 1, n);
    return p + 1 + n;
}

/* Bytes of a fixed size; 0 where a length stands in front. */
static const uint8_t sizes[] = {
    [OXY__MY_I8] = 1,    [OXY__MY_U8] = 1,    [OXY__MY_I16] = 2,   [OXY__MY_U16] = 2,   [OXY__MY_I32] = 4,
    [OXY__MY_U32] = 4,   [OXY__MY_I64] = 8,   [OXY__MY_U64] = 8,   [OXY__MY_FLOAT] = 4, [OXY__MY_DOUBLE] = 8,
    [OXY__MY_CHARS] = 0, [OXY__MY_BYTES] = 0, [OXY__MY_TIMES] = 0, [OXY__MY_NULL] = 0,
};

static void read_fixed(oxy_cell *cell, oxy__my_reader reader, const uint8_t *p)
{
    uint32_t bits;
    float f;

    cell->tag = OXY_C_INT;
    cell->len = 0;
    switch (reader) {
    case OXY__MY_I8: cell->i = (int8_t)*p; break;
    case OXY__MY_U8: cell->i = *p; break;
    case OXY__MY_I16: cell->i = (int16_t)little(p, 2); break;
    case OXY__MY_U16: cell->i = (int64_t)little(p, 2); break;
    case OXY__MY_I32: cell->i = (int32_t)little(p, 4); break;
    case OXY__MY_U32: cell->i = (int64_t)little(p, 4); break;
    case OXY__MY_I64: cell->i = (int64_t)little(p, 8); break;
    case OXY__MY_U64:
        cell->i = (int64_t)little(p, 8);
        cell->tag = cell->i < 0 ? OXY_C_UINT : OXY_C_INT;
        break;
    case OXY__MY_FLOAT:
        bits = (uint32_t)little(p, 4);
        memcpy(&f, &bits, sizeof f);
        cell->tag = OXY_C_DOUBLE;
        cell->d = widen(f);
        break;
    case OXY__MY_DOUBLE:
        cell->tag = OXY_C_DOUBLE;
        cell->i = (int64_t)little(p, 8); /* the same eight bytes */
        break;
    default: break;
    }
}

bool oxy__my_cells(oxy__mysql *c, const uint8_t *row, size_t len)
{
    const uint8_t *p = row, *end = row + len, *nulls;
    uint32_t n = c->n_cols;
    size_t n_nulls = ((size_t)n + 9) / 8;

    /* A status byte, one bit per column from the third on, then the values. */
    if (len < 1 + n_nulls || row[0] != 0)
        return false;
    nulls = row + 1;
    p = nulls + n_nulls;
    for (uint32_t i = 0; i < n; i++) {
        oxy_cell *cell = &c->row[i];
        oxy__my_reader reader = (oxy__my_reader)c->readers[i];
        uint64_t size = sizes[reader];

        if (nulls[(i + 2) / 8] & (1u << ((i + 2) % 8)) || reader == OXY__MY_NULL) {
            cell->tag = OXY_C_NULL;
            cell->len = 0;
            continue;
        }
        if (!size && !(p = read_length(p, end, &size)))
            return false;
        if (size > (uint64_t)(end - p) || size > UINT32_MAX)
            return false;
        if (sizes[reader]) {
            read_fixed(cell, reader, p);
        } else {
            cell->tag = reader == OXY__MY_CHARS ? OXY_C_TEXT : reader == OXY__MY_BYTES ? OXY_C_BLOB : OXY_C_WIRE;
            cell->p = (const char *)p;
            cell->len = (uint32_t)size;
        }
        p += size;
    }
    return true;
}

/* --- the text protocol -------------------------------------------------------------------- */

static bool text_number(oxy_cell *cell, oxy__my_reader reader, const char *p)
{
    char *end;

    errno = 0;
    if (reader == OXY__MY_FLOAT || reader == OXY__MY_DOUBLE) {
        cell->tag = OXY_C_DOUBLE;
        cell->d = strtod(p, &end);
    } else if (reader == OXY__MY_U64) {
        cell->i = (int64_t)strtoull(p, &end, 10);
        cell->tag = cell->i < 0 ? OXY_C_UINT : OXY_C_INT;
    } else {
        cell->tag = OXY_C_INT;
        cell->i = strtoll(p, &end, 10);
    }
    cell->len = 0;
    return *p && !*end && (errno == 0 || cell->tag == OXY_C_DOUBLE);
}

bool oxy__my_text_cells(oxy__mysql *c, MYSQL_ROW row, const unsigned long *lengths)
{
    for (uint32_t i = 0; i < c->n_cols; i++) {
        oxy_cell *cell = &c->row[i];
        oxy__my_reader reader = (oxy__my_reader)c->readers[i];

        cell->tag = OXY_C_NULL;
        cell->len = 0;
        if (!row[i] || reader == OXY__MY_NULL)
            continue;
        if (sizes[reader]) {
            if (!text_number(cell, reader, row[i]))
                return false;
            continue;
        }
        if (lengths[i] > UINT32_MAX)
            return false;
        /* Dates and times come as text here, and the codec takes them so. */
        cell->tag = reader == OXY__MY_BYTES ? OXY_C_BLOB : OXY_C_TEXT;
        cell->p = row[i];
        cell->len = (uint32_t)lengths[i];
    }
    return true;
}
