/* SPDX-License-Identifier: MIT */
/* Cells from libpq's results. A column's function is chosen once, when the
 * statement is described. A value whose length is not its type's goes out as it
 * is, for the codec to refuse. */
#include "postgres.h"

#include <string.h>

static void bytes(const char *p, int len, oxy_cell_tag tag, oxy_cell *out)
{
    out->tag = (uint8_t)tag;
    out->len = (uint32_t)len;
    out->p = p;
}

void oxy__pg_cell_text(const char *p, int len, oxy_cell *out)
{
    bytes(p, len, OXY_C_TEXT, out);
}

static void cell_blob(const char *p, int len, oxy_cell *out)
{
    bytes(p, len, OXY_C_BLOB, out);
}

static void cell_wire(const char *p, int len, oxy_cell *out)
{
    bytes(p, len, OXY_C_WIRE, out);
}

static void integer(int64_t i, oxy_cell *out)
{
    out->tag = OXY_C_INT;
    out->len = 0;
    out->i = i;
}

static void cell_bool(const char *p, int len, oxy_cell *out)
{
    if (len == 1)
        integer(p[0] != 0, out);
    else
        cell_wire(p, len, out);
}

static void cell_int2(const char *p, int len, oxy_cell *out)
{
    if (len == 2)
        integer((int16_t)((uint16_t)(unsigned char)p[0] << 8 | (unsigned char)p[1]), out);
    else
        cell_wire(p, len, out);
}

static void cell_int4(const char *p, int len, oxy_cell *out)
{
    if (len == 4)
        integer((int32_t)oxy__pg_u32(p), out);
    else
        cell_wire(p, len, out);
}

static void cell_int8(const char *p, int len, oxy_cell *out)
{
    if (len == 8)
        integer((int64_t)oxy__pg_u64(p), out);
    else
        cell_wire(p, len, out);
}

static void cell_oid(const char *p, int len, oxy_cell *out)
{
    if (len == 4)
        integer((int64_t)oxy__pg_u32(p), out);
    else
        cell_wire(p, len, out);
}

static void cell_float4(const char *p, int len, oxy_cell *out)
{
    if (!oxy_pg_read_cell(OXY_PG_FLOAT4, p, (uint32_t)len, out))
        cell_wire(p, len, out);
}

static void cell_float8(const char *p, int len, oxy_cell *out)
{
    uint64_t u;

    if (len != 8) {
        cell_wire(p, len, out);
        return;
    }
    u = oxy__pg_u64(p);
    out->tag = OXY_C_DOUBLE;
    out->len = 0;
    memcpy(&out->d, &u, sizeof out->d);
}

static const oxy__pg_cell_fn cell_table[] = {
    [OXY_PG_BOOL] = cell_bool,     [OXY_PG_INT2] = cell_int2,
    [OXY_PG_INT4] = cell_int4,     [OXY_PG_INT8] = cell_int8,
    [OXY_PG_OID] = cell_oid,       [OXY_PG_FLOAT4] = cell_float4,
    [OXY_PG_FLOAT8] = cell_float8, [OXY_PG_CHARS] = oxy__pg_cell_text,
    [OXY_PG_BYTES] = cell_blob,    [OXY_PG_BINARY] = cell_wire,
    [OXY_PG_UNKNOWN] = cell_wire,
};

oxy__pg_cell_fn oxy__pg_cell_fn_of(oxy_pg_class class)
{
    return cell_table[class];
}

oxy_rc oxy__pg_cell_room(oxy__pg *c, uint32_t n)
{
    oxy_cell *row;

    if (n <= c->row_cap)
        return OXY_OK;
    row = oxy_alloc_resize(c->base.alloc, c->row, n * sizeof *row);
    if (!row)
        return OXY_NOMEM;
    c->row = row;
    c->row_cap = n;
    return OXY_OK;
}

oxy_rc oxy__pg_cells(oxy__pg *c, oxy__pg_run *run)
{
    const oxy__pg_stmt *s = run->stmt;
    const PGresult *res = run->result;
    int at = run->row;

    if (oxy__pg_cell_room(c, s->n_cols) != OXY_OK)
        return OXY_NOMEM;
    for (uint32_t i = 0; i < s->n_cols; i++) {
        oxy_cell *cell = &c->row[i];
        int len = PQgetlength(res, at, (int)i);

        if (len == 0 && PQgetisnull(res, at, (int)i)) {
            cell->tag = OXY_C_NULL;
            cell->len = 0;
            cell->p = NULL;
        } else {
            s->cells[i](PQgetvalue(res, at, (int)i), len, cell);
        }
    }
    return OXY_OK;
}
