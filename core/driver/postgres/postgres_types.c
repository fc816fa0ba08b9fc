/* SPDX-License-Identifier: MIT */
/* Types that are not built in: what pg_type says about them, asked once per
 * connection, and the formats that follow for a statement's columns. */
#include "postgres.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_USER_OID 16384u

static const oxy__pg_type *find_type(const oxy__pg *c, Oid oid)
{
    for (uint32_t i = 0; i < c->n_types; i++)
        if (c->types[i].oid == oid)
            return &c->types[i];
    return NULL;
}

static oxy__pg_type type_of(const oxy__pg *c, Oid oid)
{
    oxy__pg_type type = {.oid = oid, .shown = oid, .class = oxy_pg_cell_class(oid)};
    const oxy__pg_type *found = NULL;

    if (type.class == OXY_PG_UNKNOWN && oid >= FIRST_USER_OID)
        found = find_type(c, oid);
    return found ? *found : type;
}

void oxy__pg_stmt_choose(oxy__pg *c, oxy__pg_stmt *s)
{
    s->text = false;
    for (uint32_t i = 0; i < s->n_cols; i++)
        s->text |= type_of(c, s->types[i]).class == OXY_PG_UNKNOWN;
    for (uint32_t i = 0; i < s->n_cols; i++) {
        oxy__pg_type type = type_of(c, s->types[i]);

        s->cols[i].wire_type = type.shown;
        s->cols[i].wire_flags = (s->text ? OXY_PG_TEXT : 0) | (type.array ? OXY_PG_ARRAY : 0);
        s->cells[i] = s->text ? oxy__pg_cell_text : oxy__pg_cell_fn_of(type.class);
    }
    s->texts = !s->text && oxy__pg_has_texts(s);
}

uint32_t oxy__pg_stmt_unknown(oxy__pg *c, const oxy__pg_stmt *s, oxy_buf *out)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->n_cols; i++) {
        Oid oid = s->types[i];

        if (oid < FIRST_USER_OID || oxy_pg_cell_class(oid) != OXY_PG_UNKNOWN || find_type(c, oid))
            continue;
        if (out) {
            oxy_buf_putc(out, n ? ',' : '{');
            oxy_buf_putu(out, oid);
        }
        n++;
    }
    if (out)
        oxy_buf_puts(out, n ? "}" : "{}");
    return n;
}

/* For each type: its send function, and if it is an array (of domains: of what
 * they are made of in the end) that of its elements and the array type of a
 * built-in element. A domain itself never arrives: the server tells its base. */
const char oxy__pg_types_query[] =
    "WITH RECURSIVE e(top, oid, base) AS ("
    "SELECT t.oid, t.typelem, NULL::pg_catalog.oid FROM pg_catalog.pg_type t "
    "WHERE t.oid = ANY ($1::pg_catalog.oid[]) AND t.typlen = -1 AND t.typelem <> 0 "
    "UNION ALL SELECT e.top, d.typbasetype, d.typbasetype FROM e JOIN pg_catalog.pg_type d ON d.oid = e.oid "
    "WHERE d.typtype = 'd') "
    "SELECT t.oid, p.proname, x.send, x.typarray FROM pg_catalog.pg_type t "
    "LEFT JOIN pg_catalog.pg_proc p ON p.oid = t.typsend "
    "LEFT JOIN (SELECT e.top, q.proname AS send, CASE WHEN e.base IS NULL THEN 0 ELSE b.typarray END AS typarray "
    "FROM e JOIN pg_catalog.pg_type b ON b.oid = e.oid LEFT JOIN pg_catalog.pg_proc q ON q.oid = b.typsend "
    "WHERE b.typtype <> 'd') x ON x.top = t.oid WHERE t.oid = ANY ($1::pg_catalog.oid[])";

enum { COL_OID, COL_SEND, COL_ELEM_SEND, COL_BASE_ARRAY };

/* Send functions whose binary form is the text itself. */
static bool sends_text(const char *function)
{
    static const char *const names[] = {"enum_send",   "textsend",  "varcharsend", "bpcharsend",  "namesend",
                                        "unknownsend", "json_send", "citextsend",  "cstring_send"};

    for (size_t i = 0; i < OXY_COUNT(names); i++)
        if (strcmp(function, names[i]) == 0)
            return true;
    return false;
}

static Oid oid_at(const PGresult *res, int row, int column)
{
    return (Oid)strtoul(PQgetvalue(res, row, column), NULL, 10);
}

/* An array of domains is asked for in text, since in binary it names the domain;
 * it is then read as the array of the base. */
static oxy__pg_type describe(const PGresult *res, int row)
{
    oxy__pg_type type = {.oid = oid_at(res, row, COL_OID), .class = OXY_PG_UNKNOWN};
    Oid base = oid_at(res, row, COL_BASE_ARRAY);

    type.shown = type.oid;
    type.array = !PQgetisnull(res, row, COL_ELEM_SEND);
    if (type.array && base && base < FIRST_USER_OID && oxy_pg_elem_oid(base))
        type.shown = base;
    else if (type.array && sends_text(PQgetvalue(res, row, COL_ELEM_SEND)))
        type.class = OXY_PG_BINARY;
    else if (!type.array && sends_text(PQgetvalue(res, row, COL_SEND)))
        type.class = OXY_PG_CHARS;
    return type;
}

static oxy_rc add_type(oxy__pg *c, oxy__pg_type type)
{
    if (c->n_types == c->types_cap) {
        uint32_t cap = c->types_cap ? c->types_cap * 2 : 8;
        oxy__pg_type *grown = oxy_alloc_resize(c->base.alloc, c->types, cap * sizeof *grown);

        if (!grown)
            return OXY_NOMEM;
        c->types = grown;
        c->types_cap = cap;
    }
    c->types[c->n_types++] = type;
    return OXY_OK;
}

/* Types that pg_type does not name any more count as known, or we would ask
 * again every time. */
oxy_rc oxy__pg_types_learn(oxy__pg *c, const oxy__pg_stmt *s, const PGresult *res)
{
    for (int i = 0; i < PQntuples(res); i++) {
        oxy__pg_type type = describe(res, i);

        if (!find_type(c, type.oid) && add_type(c, type) != OXY_OK)
            return OXY_NOMEM;
    }
    for (uint32_t i = 0; i < s->n_cols; i++) {
        Oid oid = s->types[i];
        oxy__pg_type type = {.oid = oid, .shown = oid, .class = OXY_PG_UNKNOWN};

        if (oid >= FIRST_USER_OID && !find_type(c, oid) && add_type(c, type) != OXY_OK)
            return OXY_NOMEM;
    }
    return OXY_OK;
}
