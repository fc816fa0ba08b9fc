/* SPDX-License-Identifier: MIT */
/* distinct: the first row per value where DISTINCT ON does not do.
 *
 *   SELECT c1 AS "ref" FROM (SELECT ... AS c1, ... AS o1, ROW_NUMBER() OVER
 *     (PARTITION BY value ORDER BY order) AS rank FROM ...) AS q
 *     WHERE rank = 1 ORDER BY o1
 *
 * PostgreSQL uses it too when the order does not begin with the values. */
#include "emit.h"

static bool same_column(const oxy_expr *x, const oxy_expr *y)
{
    return x == y || (x->kind == OXY_E_COLUMN && y->kind == OXY_E_COLUMN && x->column.source == y->column.source &&
                      x->column.column == y->column.column);
}

/* PostgreSQL's DISTINCT ON wants the order to begin with its expressions. */
static bool order_begins_with(const oxy_select *s)
{
    for (uint32_t i = 0; i < s->order.n && i < s->distinct_on.n; i++) {
        bool found = false;

        for (uint32_t j = 0; j < s->distinct_on.n; j++)
            found = found || same_column(s->order.items[i].expr, s->distinct_on.items[j]);
        if (!found)
            return false;
    }
    return true;
}

bool oxy__needs_row_number(const oxy__emit *e, const oxy_select *s)
{
    if (s->distinct_on.n == 0)
        return false;
    return !e->d->distinct_on || !order_begins_with(s);
}

static void put_numbered(oxy__emit *e, char prefix, uint32_t i)
{
    OXY__PUTC(e, e->d->quote);
    OXY__PUTC(e, prefix);
    oxy_buf_putu(e->out, i + 1);
    OXY__PUTC(e, e->d->quote);
}

static void put_ranked(oxy__emit *e, const oxy_select *s)
{
    OXY__PUT(e, "SELECT ");
    for (uint32_t i = 0; i < s->n_items; i++) {
        oxy__put_expr(e, s->items[i].expr, OXY__P_NONE);
        OXY__PUT(e, " AS ");
        put_numbered(e, 'c', i);
        OXY__PUT(e, ", ");
    }
    for (uint32_t i = 0; i < s->order.n; i++) {
        oxy__put_expr(e, s->order.items[i].expr, OXY__P_NONE);
        OXY__PUT(e, " AS ");
        put_numbered(e, 'o', i);
        OXY__PUT(e, ", ");
    }
    OXY__PUT(e, "ROW_NUMBER() OVER (PARTITION BY ");
    for (uint32_t i = 0; i < s->distinct_on.n; i++) {
        if (i != 0)
            OXY__PUT(e, ", ");
        oxy__put_comparable(e, s->distinct_on.items[i], OXY__P_NONE);
    }
    if (s->order.n != 0) {
        OXY__PUT(e, " ORDER BY ");
        oxy__put_order(e, &s->order, false);
    }
    OXY__PUT(e, ") AS ");
    oxy__put_name(e, OXY_SV("rank"));
    oxy__put_clauses(e, s);
}

static void put_outer_order(oxy__emit *e, const oxy_select *s)
{
    for (uint32_t i = 0; i < s->order.n; i++) {
        const oxy_order *o = &s->order.items[i];
        bool natural = e->d->nulls_order || o->nulls == 0 || (o->nulls < 0) == !o->descending;

        OXY__PUTS(e, i == 0 ? " ORDER BY " : ", ");
        if (!natural) {
            put_numbered(e, 'o', i);
            OXY__PUTS(e, o->nulls > 0 ? " IS NULL, " : " IS NULL DESC, ");
        }
        put_numbered(e, 'o', i);
        if (o->expr->type.kind == OXY_K_DECIMAL && e->d->decimal_collation != NULL)
            OXY__PUTS(e, e->d->decimal_collation);
        if (o->descending)
            OXY__PUT(e, " DESC");
        if (o->nulls != 0 && e->d->nulls_order)
            OXY__PUTS(e, o->nulls < 0 ? " NULLS FIRST" : " NULLS LAST");
    }
}

void oxy__put_row_number(oxy__emit *e, const oxy_select *s)
{
    bool no_items = e->scope->no_items;
    uint32_t around = e->around;

    if (s->n_operands != 0) {
        oxy__fail(e, OXY_MANAGER, "combined queries cannot be distinct by fields");
        return;
    }
    OXY__PUT(e, "SELECT ");
    for (uint32_t i = 0; i < s->n_items; i++) {
        oxy_sv name = oxy__item_name(&s->items[i]);

        if (i != 0)
            OXY__PUT(e, ", ");
        put_numbered(e, 'c', i);
        if (name.len != 0) {
            OXY__PUT(e, " AS ");
            oxy__put_name(e, name);
        }
    }
    if (s->n_items == 0)
        OXY__PUTC(e, '1');
    OXY__PUT(e, " FROM (");
    /* Inside, no alias of the select list exists. */
    e->scope->no_items = true;
    e->around = e->scope->level - 1;
    put_ranked(e, s);
    e->around = around;
    e->scope->no_items = no_items;
    OXY__PUT(e, ") AS ");
    oxy__put_name(e, OXY_SV("q"));
    OXY__PUT(e, " WHERE ");
    oxy__put_name(e, OXY_SV("rank"));
    OXY__PUT(e, " = 1");
    put_outer_order(e, s);
}
