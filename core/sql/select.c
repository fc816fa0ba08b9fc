/* SPDX-License-Identifier: MIT */
/* select: SELECT in the order of its clauses, COUNT and EXISTS around it. */
#include "emit.h"

#include <stdio.h>

/* --- scopes ------------------------------------------------------------------- */

static bool scope_of_select(oxy__emit *e, const oxy_select *s, oxy__scope *scope)
{
    uint32_t n = 0;
    const oxy_source **sources = oxy_arena_new(e->arena, ((size_t)s->n_joins + 1) * sizeof(const oxy_source *));

    if (sources == NULL) {
        oxy__fail(e, OXY_NOMEM, "out of memory");
        return false;
    }
    if (s->from != NULL)
        sources[n++] = s->from;
    for (uint32_t i = 0; i < s->n_joins; i++)
        sources[n++] = s->joins[i].source;
    *scope = (oxy__scope){.select = s, .sources = sources, .n_sources = n, .qualify = s->n_joins != 0};
    oxy__scope_open(e, scope);
    return true;
}

/* --- the select list -------------------------------------------------------------- */

oxy_sv oxy__item_name(const oxy_item *item)
{
    if (item->alias.len != 0)
        return item->alias;
    if (item->expr->kind == OXY_E_COLUMN)
        return item->expr->column.column->name;
    return item->expr->kind == OXY_E_NAMED ? item->expr->named.name : (oxy_sv){0};
}

static bool named_so(const oxy_item *item)
{
    oxy_item bare = {.expr = item->expr};

    return item->alias.len != 0 && oxy_sv_eq(item->alias, oxy__item_name(&bare));
}

/* How items of a select are written. */
typedef struct item_style {
    bool by_value; /* equal rows become one: decimals are told apart by value */
    bool named;    /* columns carry their name as an alias, too */
} item_style;

static void put_item(oxy__emit *e, const oxy_item *item, item_style style)
{
    bool collated = style.by_value && e->d->decimal_collation != NULL && item->expr->type.kind == OXY_K_DECIMAL;
    oxy_sv name = oxy__item_name(item);

    if (item->expr->kind == OXY_E_STAR) {
        OXY__PUTC(e, '*');
        return;
    }
    if (collated)
        oxy__put_comparable(e, item->expr, OXY__P_NONE);
    else
        oxy__put_expr(e, item->expr, OXY__P_NONE);
    if (name.len == 0 || (!collated && !style.named && (item->alias.len == 0 || named_so(item))))
        return;
    OXY__PUT(e, " AS ");
    oxy__put_name(e, name);
}

static void put_item_list(oxy__emit *e, const oxy_item *items, uint32_t n, item_style style)
{
    if (n == 0)
        OXY__PUTC(e, '1');
    for (uint32_t i = 0; i < n; i++) {
        if (i != 0)
            OXY__PUT(e, ", ");
        put_item(e, &items[i], style);
    }
}

void oxy__put_items(oxy__emit *e, const oxy_item *items, uint32_t n)
{
    put_item_list(e, items, n, (item_style){0});
}

/* --- FROM ------------------------------------------------------------------------------ */

static void put_table(oxy__emit *e, const oxy_table *table)
{
    if (table->schema.len != 0) {
        oxy__put_name(e, table->schema);
        OXY__PUTC(e, '.');
    }
    oxy__put_name(e, table->name);
}

void oxy__put_source(oxy__emit *e, const oxy_source *s)
{
    oxy_sv own = s->table != NULL ? s->table->name : s->cte;

    if (s->table != NULL && e->target != NULL && s != e->target && s->table == e->target->table) {
        /* The LIMIT keeps the server from dissolving the derived table. */
        OXY__PUT(e, "(SELECT * FROM ");
        put_table(e, s->table);
        OXY__PUT(e, " LIMIT 18446744073709551615)");
        own = (oxy_sv){0};
    } else if (s->table != NULL) {
        put_table(e, s->table);
    } else if (s->select != NULL) {
        oxy__scope *scope = e->scope;
        uint32_t around = e->around;

        /* A derived table does not see its neighbours, only what is outside. */
        OXY__PUTC(e, '(');
        e->scope = scope == NULL ? NULL : scope->outer;
        e->around = e->scope == NULL ? 0 : e->scope->level;
        oxy__put_select(e, s->select);
        e->scope = scope;
        e->around = around;
        OXY__PUTC(e, ')');
    } else {
        oxy__put_name(e, s->cte);
    }
    if (!oxy_sv_eq(e->names[s->id], own)) {
        OXY__PUT(e, " AS ");
        oxy__put_name(e, e->names[s->id]);
    }
}

static void put_from(oxy__emit *e, const oxy_select *s)
{
    if (s->from == NULL)
        return;
    OXY__PUT(e, " FROM ");
    oxy__put_source(e, s->from);
    for (uint32_t i = 0; i < s->n_joins; i++) {
        const oxy_join *join = &s->joins[i];

        OXY__PUTS(e, join->kind == OXY_JOIN_LEFT ? " LEFT JOIN " : " INNER JOIN ");
        oxy__put_source(e, join->source);
        OXY__PUT(e, " ON ");
        if (join->on == NULL)
            OXY__PUTS(e, e->d->boolean[1]);
        else
            oxy__put_expr(e, join->on, OXY__P_NONE);
    }
}

/* --- WITH ------------------------------------------------------------------------------- */

static void put_with(oxy__emit *e, const oxy_select *s)
{
    bool recursive = false;

    if (s->n_ctes == 0)
        return;
    for (uint32_t i = 0; i < s->n_ctes; i++)
        recursive = recursive || s->ctes[i].step != NULL;
    OXY__PUTS(e, recursive ? "WITH RECURSIVE " : "WITH ");
    for (uint32_t i = 0; i < s->n_ctes; i++) {
        const oxy_cte *cte = &s->ctes[i];

        if (i != 0)
            OXY__PUT(e, ", ");
        oxy__put_name(e, cte->name);
        OXY__PUT(e, " AS (");
        oxy__put_select(e, cte->select);
        if (cte->step != NULL) {
            OXY__PUTS(e, cte->union_distinct ? " UNION " : " UNION ALL ");
            oxy__put_select(e, cte->step);
        }
        OXY__PUTC(e, ')');
    }
    OXY__PUTC(e, ' ');
}

/* --- one SELECT without what follows set operations ------------------------------------------ */

static void put_distinct(oxy__emit *e, const oxy_select *s)
{
    if (s->distinct_on.n != 0) {
        OXY__PUT(e, "DISTINCT ON (");
        oxy__put_list(e, &s->distinct_on);
        OXY__PUT(e, ") ");
    } else if (s->distinct) {
        OXY__PUT(e, "DISTINCT ");
    }
}

static void put_body(oxy__emit *e, const oxy_select *s)
{
    /* SQLite orders combined rows by aliases; a bare name would be ambiguous
     * beside a join. */
    bool combined = s->n_operands != 0;
    item_style style = {.by_value = s->distinct || combined, .named = combined && e->scope->qualify};

    OXY__PUT(e, "SELECT ");
    put_distinct(e, s);
    if (e->scope->no_items)
        OXY__PUTC(e, '1');
    else
        put_item_list(e, s->items, s->n_items, style);
    oxy__put_clauses(e, s);
}

void oxy__put_clauses(oxy__emit *e, const oxy_select *s)
{
    put_from(e, s);
    if (s->where != NULL) {
        OXY__PUT(e, " WHERE ");
        oxy__put_expr(e, s->where, OXY__P_NONE);
    }
    oxy__put_group(e, s);
    if (s->having != NULL) {
        OXY__PUT(e, " HAVING ");
        oxy__put_expr(e, s->having, OXY__P_NONE);
    }
}

void oxy__put_limit(oxy__emit *e, const oxy_select *s)
{
    if (s->limit != NULL) {
        OXY__PUT(e, " LIMIT ");
        oxy__put_expr(e, s->limit, OXY__P_PRIMARY);
    } else if (s->offset != NULL && e->d->offset_alone != NULL) {
        OXY__PUTS(e, e->d->offset_alone);
    }
    if (s->offset != NULL) {
        OXY__PUT(e, " OFFSET ");
        oxy__put_expr(e, s->offset, OXY__P_PRIMARY);
    }
}

/* --- locks ------------------------------------------------------------------------------------ */

static void put_lock_of(oxy__emit *e, const oxy_select *s)
{
    const oxy_source *const *of = s->lock.of;
    uint32_t n = s->lock.n_of;

    if (!e->d->lock_of) {
        if (n != 0)
            oxy__lacks(e, "locking some of the joined tables");
        return;
    }
    /* The outer side of a join cannot be locked: the base table alone is. */
    if (n == 0 && s->n_joins != 0) {
        of = &s->from;
        n = 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        OXY__PUTS(e, i == 0 ? " OF " : ", ");
        oxy__put_name(e, e->names[of[i]->id]);
    }
}

static void put_lock(oxy__emit *e, const oxy_select *s)
{
    if (s->lock.kind == OXY_LOCK_NONE)
        return;
    if (s->n_operands != 0) {
        oxy__fail(e, OXY_MANAGER, "combined queries cannot lock rows");
        return;
    }
    if (s->lock.nowait && s->lock.skip_locked) {
        oxy__fail(e, OXY_VALUE, "a lock can either not wait or skip locked rows");
        return;
    }
    if (!e->d->locks)
        return;
    if (s->lock.kind == OXY_LOCK_SHARE)
        OXY__PUTS(e, e->d->lock_share);
    else
        OXY__PUTS(e,
                  s->lock.kind == OXY_LOCK_NO_KEY_UPDATE && e->d->lock_no_key ? " FOR NO KEY UPDATE" : " FOR UPDATE");
    put_lock_of(e, s);
    if (s->lock.nowait)
        OXY__PUT(e, " NOWAIT");
    if (s->lock.skip_locked)
        OXY__PUT(e, " SKIP LOCKED");
}

/* --- set operations ------------------------------------------------------------------------------ */

static const char *const set_ops[] = {
    [OXY_SET_UNION] = " UNION ",
    [OXY_SET_UNION_ALL] = " UNION ALL ",
    [OXY_SET_INTERSECT] = " INTERSECT ",
    [OXY_SET_EXCEPT] = " EXCEPT ",
};
static_assert(OXY_COUNT(set_ops) == OXY_SET_EXCEPT + 1, "one row per set operation");

/* An operand with clauses of its own must not share them with the whole. */
static bool operand_is_simple(const oxy_select *s)
{
    return s->order.n == 0 && s->limit == NULL && s->offset == NULL && s->n_operands == 0 && s->n_ctes == 0 &&
           s->distinct_on.n == 0;
}

static void put_operand(oxy__emit *e, const oxy_select *s)
{
    oxy__scope *scope = e->scope;

    if (s->lock.kind != OXY_LOCK_NONE) {
        oxy__fail(e, OXY_MANAGER, "combined queries cannot lock rows");
        return;
    }
    e->scope = scope->outer;
    if (operand_is_simple(s)) {
        oxy__put_select(e, s);
    } else {
        OXY__PUTS(e, e->d->operand_parens ? "(" : "SELECT * FROM (");
        oxy__put_select(e, s);
        OXY__PUTC(e, ')');
    }
    e->scope = scope;
}

/* Whether what stands before operand i must be held together: the operands
 * apply from left to right, but INTERSECT binds tighter on some databases. */
static bool held_together(const oxy__emit *e, const oxy_select *s, uint32_t i)
{
    if (!e->d->intersect_binds || s->operands[i].op != OXY_SET_INTERSECT)
        return false;
    return i != 0 && s->operands[i - 1].op != OXY_SET_INTERSECT;
}

static void put_compound(oxy__emit *e, const oxy_select *s)
{
    for (uint32_t i = 0; i < s->n_operands; i++)
        if (held_together(e, s, i))
            OXY__PUTC(e, '(');
    put_body(e, s);
    for (uint32_t i = 0; i < s->n_operands; i++) {
        if (s->operands[i].select->n_items != s->n_items)
            oxy__fail(e, OXY_FIELD, "combined queries must select the same number of columns, not %u and %u",
                      s->n_items, s->operands[i].select->n_items);
        if (held_together(e, s, i))
            OXY__PUTC(e, ')');
        OXY__PUTS(e, set_ops[s->operands[i].op]);
        put_operand(e, s->operands[i].select);
    }
}

/* --- whole selects ----------------------------------------------------------------------------------- */

static void put_whole(oxy__emit *e, const oxy_select *s, bool no_items, bool ordered)
{
    oxy__scope scope;

    if (!oxy__enter(e))
        return;
    put_with(e, s);
    if (scope_of_select(e, s, &scope)) {
        scope.no_items = no_items;
        if (oxy__needs_row_number(e, s)) {
            oxy__put_row_number(e, s);
        } else {
            put_compound(e, s);
            if (ordered && s->order.n != 0) {
                OXY__PUT(e, " ORDER BY ");
                oxy__put_order(e, &s->order, s->n_operands != 0);
            }
        }
        oxy__put_limit(e, s);
        put_lock(e, s);
        oxy__scope_close(e);
    }
    oxy__leave(e);
}

void oxy__put_select(oxy__emit *e, const oxy_select *s)
{
    const oxy_expr *over = e->over;
    uint32_t qualify = e->qualify;

    e->over = NULL;
    e->qualify = 0;
    put_whole(e, s, false, true);
    e->over = over;
    e->qualify = qualify;
}

/* Raw text may hold an aggregate; subqueries have their own. */
static oxy__look look_for_aggregate(const oxy_expr *x, const void *arg)
{
    (void)arg;
    switch (x->kind) {
    case OXY_E_AGG:
    case OXY_E_RAW: return OXY__FOUND;
    case OXY_E_SUBQUERY:
    case OXY_E_EXISTS:
    case OXY_E_WINDOW: return OXY__SKIP;
    default: return OXY__GO_ON;
    }
}

bool oxy__select_aggregates(const oxy_select *s)
{
    for (uint32_t i = 0; i < s->n_items; i++)
        if (oxy__find(s->items[i].expr, look_for_aggregate, NULL))
            return true;
    return s->having != NULL;
}

/* Whether the number of rows depends on what is selected. */
static bool items_matter(const oxy_select *s)
{
    return s->distinct || s->distinct_on.n != 0 || s->n_operands != 0 ||
           (s->group_by.n == 0 && oxy__select_aggregates(s));
}

void oxy__put_exists(oxy__emit *e, const oxy_select *s)
{
    uint32_t qualify = e->qualify;

    e->qualify = 0;
    put_whole(e, s, !items_matter(s), s->distinct_on.n != 0);
    e->qualify = qualify;
}

static bool counts_plainly(const oxy_select *s)
{
    return !items_matter(s) && s->group_by.n == 0 && s->limit == NULL && s->offset == NULL;
}

/* Selected columns of a derived table need names of their own. Groups and
 * DISTINCT ON may go by the given names, so those stay. */
static oxy_select with_names(oxy__emit *e, const oxy_select *s)
{
    oxy_item *items = oxy_arena_new(e->arena, s->n_items * sizeof *items);
    oxy_select out = *s;

    if (s->group_by.n != 0 || s->distinct_on.n != 0 || (s->n_items == 1 && oxy__item_name(s->items).len != 0))
        return out;
    for (uint32_t i = 0; i < s->n_items; i++) {
        char *name = oxy_arena_new(e->arena, 12);

        if (items == NULL || name == NULL) {
            oxy__fail(e, OXY_NOMEM, "out of memory");
            return out;
        }
        items[i] = s->items[i];
        items[i].alias = (oxy_sv){name, (size_t)snprintf(name, 12, "c%u", i + 1)};
    }
    out.items = items;
    return out;
}

void oxy__put_count(oxy__emit *e, const oxy_select *s)
{
    static const oxy_expr star = {.kind = OXY_E_STAR, .type = {.kind = OXY_K_INT}};
    static const oxy_expr count = {.kind = OXY_E_AGG, .type = {.kind = OXY_K_INT}, .agg = {.arg = &star}};
    static const oxy_item item = {.expr = &count};
    oxy_select inner = *s;

    inner.lock = (oxy_lock){0};
    if (counts_plainly(s)) {
        inner.items = &item;
        inner.n_items = 1;
        put_whole(e, &inner, false, false);
        return;
    }
    if (items_matter(s))
        inner = with_names(e, &inner);
    OXY__PUT(e, "SELECT COUNT(*) FROM (");
    put_whole(e, &inner, !items_matter(s), s->distinct_on.n != 0);
    OXY__PUT(e, ") AS ");
    oxy__put_name(e, OXY_SV("q"));
}
