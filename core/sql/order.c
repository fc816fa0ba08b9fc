/* SPDX-License-Identifier: MIT */
/* order: ORDER BY, GROUP BY and aliases. */
#include "emit.h"

/* --- aliases ------------------------------------------------------------------ */

/* The select item with that alias in the innermost select; NULL: none. */
static const oxy_item *find_alias(const oxy__emit *e, oxy_sv alias)
{
    const oxy_select *s = e->scope == NULL ? NULL : e->scope->select;

    for (uint32_t i = 0; s != NULL && i < s->n_items; i++)
        if (oxy_sv_eq(s->items[i].alias, alias))
            return &s->items[i];
    return NULL;
}

/* Inside an expression only some databases know the aliases of the select
 * list: what the alias stands for is written instead. */
void oxy__put_alias(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_item *item = find_alias(e, x->alias);

    if (item == NULL)
        oxy__put_name(e, x->alias);
    else
        oxy__put_expr(e, item->expr, min);
}

/* --- ORDER BY ------------------------------------------------------------------- */

/* Combined rows have only the names and positions of the first select list. */
static void put_combined(oxy__emit *e, const oxy_expr *x)
{
    const oxy_select *s = e->scope == NULL ? NULL : e->scope->select;

    for (uint32_t i = 0; s != NULL && i < s->n_items; i++) {
        const oxy_expr *item = s->items[i].expr;
        bool same = item == x || (item->kind == OXY_E_COLUMN && x->kind == OXY_E_COLUMN &&
                                  item->column.source == x->column.source && item->column.column == x->column.column);

        if (!same)
            continue;
        if (oxy__item_name(&s->items[i]).len != 0)
            oxy__put_name(e, oxy__item_name(&s->items[i]));
        else
            oxy_buf_putu(e->out, i + 1);
        return;
    }
    oxy__fail(e, OXY_FIELD, "combined rows can only be ordered by a selected column");
}

/* The type of what an alias stands for; of anything else its own. */
static oxy_kind kind_of(const oxy__emit *e, const oxy_expr *x)
{
    const oxy_item *item = x->kind == OXY_E_ALIAS ? find_alias(e, x->alias) : NULL;

    return item == NULL ? x->type.kind : item->expr->type.kind;
}

static void put_term(oxy__emit *e, const oxy_expr *x, bool combined)
{
    if (x->kind == OXY_E_ALIAS && e->scope != NULL && !e->scope->no_items)
        oxy__put_name(e, x->alias);
    else if (x->kind == OXY_E_FUNC && x->func.fn == OXY_FN_RANDOM)
        OXY__PUTS(e, e->d->random_order);
    else if (combined)
        put_combined(e, x);
    else
        oxy__put_expr(e, x, OXY__P_COMPARE + 1);
    if (kind_of(e, x) == OXY_K_DECIMAL && e->d->decimal_collation != NULL)
        OXY__PUTS(e, e->d->decimal_collation);
}

/* MySQL has NULLs first when ascending, last when descending, and no way to
 * say otherwise than by a term of its own. */
static void put_nulls_before(oxy__emit *e, const oxy_order *o, bool combined)
{
    bool natural = o->nulls == 0 || (o->nulls < 0) == !o->descending;

    if (e->d->nulls_order || natural)
        return;
    put_term(e, o->expr, combined);
    OXY__PUTS(e, o->nulls > 0 ? " IS NULL, " : " IS NULL DESC, ");
}

void oxy__put_order(oxy__emit *e, const oxy_orders *orders, bool combined)
{
    for (uint32_t i = 0; i < orders->n; i++) {
        const oxy_order *o = &orders->items[i];

        if (i != 0)
            OXY__PUT(e, ", ");
        put_nulls_before(e, o, combined);
        put_term(e, o->expr, combined);
        if (o->descending)
            OXY__PUT(e, " DESC");
        if (o->nulls != 0 && e->d->nulls_order)
            OXY__PUTS(e, o->nulls < 0 ? " NULLS FIRST" : " NULLS LAST");
    }
}

/* --- GROUP BY ---------------------------------------------------------------------- */

static bool source_has(const oxy_source *s, oxy_sv name)
{
    for (uint32_t i = 0; s->table != NULL && i < s->table->n_columns; i++)
        if (oxy_sv_eq(s->table->columns[i].name, name))
            return true;
    return s->table == NULL;
}

/* In GROUP BY a column of a table comes before an alias of the same name. */
static bool alias_is_hidden(const oxy__emit *e, oxy_sv alias)
{
    for (uint32_t i = 0; i < e->scope->n_sources; i++)
        if (source_has(e->scope->sources[i], alias))
            return true;
    return false;
}

static bool holds_value(const oxy_expr *x)
{
    return x->kind != OXY_E_COLUMN && x->kind != OXY_E_NAMED;
}

static void put_group_term(oxy__emit *e, const oxy_select *s, const oxy_expr *x)
{
    bool items = !e->scope->no_items;

    if (x->kind == OXY_E_ALIAS && items) {
        const oxy_item *item = find_alias(e, x->alias);

        if (item != NULL && alias_is_hidden(e, x->alias))
            oxy_buf_putu(e->out, (uint64_t)(item - s->items) + 1);
        else
            oxy__put_name(e, x->alias);
        if (kind_of(e, x) == OXY_K_DECIMAL && e->d->decimal_collation != NULL)
            OXY__PUTS(e, e->d->decimal_collation);
        return;
    }
    /* Written again, a bound value is another value to MySQL's check that
     * selected expressions are grouped. */
    for (uint32_t i = 0; items && e->d->group_by_position && holds_value(x) && i < s->n_items; i++) {
        if (s->items[i].expr == x) {
            oxy_buf_putu(e->out, i + 1);
            return;
        }
    }
    oxy__put_comparable(e, x, OXY__P_NONE);
}

void oxy__put_group(oxy__emit *e, const oxy_select *s)
{
    for (uint32_t i = 0; i < s->group_by.n; i++) {
        OXY__PUTS(e, i == 0 ? " GROUP BY " : ", ");
        put_group_term(e, s, s->group_by.items[i]);
    }
}
