/* SPDX-License-Identifier: MIT */
/* SELECT of the rows at the other end of a relation, for many keys. The key is
 * a column of the rows themselves (foreign key, reverse) or of the junction
 * beside them (many-to-many). */
#include "link.h"
#include "tree.h"

#include <string.h>

#define JUNCTION "oxyde_link" /* its alias */
#define NUMBER "oxyde_number" /* of a row among those of its key */

/* A list of keys of any length takes one of few shapes: it is filled up to a
 * power of two with its last key, and beyond SINGLY_MOST, or where the database
 * likes that better, travels as one array. Where there are no arrays but documents,
 * that begins later: how many keys a document has is unknown to planners, and
 * MariaDB then looks up key by key what it had better read at once. */
#define SINGLY_MOST 4096

/* --- the relation ------------------------------------------------------------------- */

typedef struct request {
    const oxypy_relation *relation;
    PyObject *keys; /* borrowed: list or tuple */
} request;

static int link_of(oxypy_build *cx, oxypy_query *q, request *out)
{
    PyObject *model, *name;

    if (!PyTuple_Check(q->link) || !PyArg_ParseTuple(q->link, "OUO:link", &model, &name, &out->keys)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "a link is (model, name of a relation, keys)");
        }
        return -1;
    }
    oxypy_plan *owner = oxypy_plan_of(cx->st, model);
    int found = owner ? oxypy_plan_relation(cx->st, owner, name, &out->relation) : -1;

    if (found == 0) {
        PyErr_Format(cx->st->exceptions[OXY_LOOKUP], "%s has no relation '%U'", owner->model->tp_name, name);
    } else if (found > 0 && (PyObject *)out->relation->target->model != q->model) {
        PyErr_Format(PyExc_TypeError, "%s.%U leads to %s, not to %R", owner->model->tp_name, name,
                     out->relation->target->model->tp_name, q->model);
        found = -1;
    }
    return found > 0 ? 0 : -1;
}

/* --- the junction ---------------------------------------------------------------------- */

static const oxy_expr *junction_column(oxypy_build *cx, const oxypy_relation *r, const oxy_source *source,
                                       const oxypy_field *field)
{
    return oxy_col(cx->b, source, &r->through->table.columns[field->column]);
}

static int join_junction(oxypy_build *cx, oxypy_selection *sel, const oxypy_relation *r)
{
    oxy_source *source = oxy_source_table(cx->b, &r->through->table, (oxy_sv){JUNCTION, sizeof JUNCTION - 1});
    const oxy_expr **parts = oxy_arena_new(cx->text, r->n_far * sizeof *parts);

    if (!source || !parts || oxypy_note_plan(cx, r->through) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < r->n_far; i++) {
        const oxy_expr *own = junction_column(cx, r, source, r->far[i].from);
        const oxy_expr *other = own ? oxypy_build_column(cx, cx->scope, r->far[i].to) : NULL;

        parts[i] = other ? oxy_binary(cx->b, OXY_OP_EQ, own, other) : NULL;
        if (!parts[i]) {
            return -1;
        }
    }
    sel->linked.junction = source;
    sel->linked.on = oxy_logic(cx->b, false, parts, r->n_far);
    return sel->linked.on ? 0 : -1;
}

/* --- keys --------------------------------------------------------------------------------- */

/* Whether an item is this column of the base itself. */
static bool is_own(const oxypy_build *cx, const oxypy_out *item, const oxypy_field *field)
{
    const oxy_expr *node = item->node;
    const oxy_source *source = node->kind == OXY_E_COLUMN  ? node->column.source
                               : node->kind == OXY_E_NAMED ? node->named.source
                                                           : NULL;

    return item->field == field && source && source == cx->scope->source;
}

/* Where the base's own columns stand in the selection already, side by side, or
 * the selection's end. */
static uint32_t selected(const oxypy_build *cx, const oxypy_selection *sel, const oxypy_pair *pairs, uint32_t n)
{
    for (uint32_t at = 0; at + n <= sel->n; at++) {
        uint32_t same = 0;

        while (same < n && is_own(cx, &sel->items[at + same], pairs[same].to)) {
            same++;
        }
        if (same == n) {
            return at;
        }
    }
    return sel->n;
}

/* The columns that a key is made of: those that are selected anyway, or else
 * further ones. *at: where they begin. */
static int add_key(oxypy_build *cx, oxypy_selection *sel, const oxypy_relation *r, const oxypy_pair *pairs, uint32_t n,
                   bool of_junction, uint32_t *at)
{
    *at = of_junction ? sel->n : selected(cx, sel, pairs, n);
    if (*at < sel->n) {
        return 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        const oxypy_field *field = pairs[i].to;
        const oxy_expr *node = of_junction ? junction_column(cx, r, sel->linked.junction, field)
                                           : oxypy_build_column(cx, cx->scope, field);
        oxypy_out out = {.node = node, .field = field, .name = field->name};

        if (!node || oxypy_selection_add(cx, sel, out) < 0) {
            return -1;
        }
        sel->linked.n_extra++;
    }
    return 0;
}

static uint32_t filled_up(uint32_t n, uint32_t array_from)
{
    uint32_t size = 1;

    if (n >= array_from) {
        return n;
    }
    while (size < n) {
        size *= 2;
    }
    return size;
}

static const oxy_expr *one_column_in(oxypy_build *cx, const oxy_expr *target, const oxypy_want *want, PyObject *keys)
{
    uint32_t asked = cx->b->array_from, array_from = asked < OXY_IN_ARRAY_FROM ? asked : SINGLY_MOST + 1;
    uint32_t n = (uint32_t)PyTuple_GET_SIZE(keys), size = filled_up(n, array_from);
    uint32_t first = cx->b->n_params;
    oxy_value *list = oxy_arena_new(cx->text, size * sizeof *list);
    oxy_type type;

    if (!list) {
        PyErr_NoMemory();
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (oxypy_store_wanted(cx, PyTuple_GET_ITEM(keys, i), want, &type, &list[i]) < 0) {
            return NULL;
        }
    }
    for (uint32_t i = n; i < size; i++) {
        list[i] = list[n - 1];
    }
    cx->b->array_from = array_from;
    const oxy_expr *node = oxy_in_values(cx->b, target, false, list, size);

    cx->b->array_from = asked;
    return node && oxypy_note_origin(cx, first, want) == 0 ? node : NULL;
}

/* The key as a row value. */
static const oxy_expr *key_params(oxypy_build *cx, const oxypy_want *wants, uint32_t n, PyObject *key)
{
    const oxy_expr **parts = oxy_arena_new(cx->text, n * sizeof *parts);

    if (!PyTuple_Check(key) || PyTuple_GET_SIZE(key) != (Py_ssize_t)n) {
        PyErr_Format(PyExc_TypeError, "a key of %u columns is a tuple", (unsigned)n);
        return NULL;
    }
    for (uint32_t i = 0; parts && i < n; i++) {
        parts[i] = oxypy_build_param(cx, PyTuple_GET_ITEM(key, i), &wants[i]);
        if (!parts[i]) {
            return NULL;
        }
    }
    return parts ? oxy_tuple(cx->b, parts, n) : NULL;
}

static const oxy_expr *columns_in(oxypy_build *cx, const oxy_expr **columns, const oxypy_want *wants, uint32_t n,
                                  PyObject *keys)
{
    uint32_t n_keys = (uint32_t)PyTuple_GET_SIZE(keys), size = 1;
    const oxy_expr *target = oxy_tuple(cx->b, columns, n);

    while (size < n_keys) {
        size *= 2;
    }
    const oxy_expr **items = oxy_arena_new(cx->text, size * sizeof *items);

    if (!target || !items) {
        return NULL;
    }
    for (uint32_t i = 0; i < size; i++) {
        items[i] = key_params(cx, wants, n, PyTuple_GET_ITEM(keys, i < n_keys ? i : n_keys - 1));
        if (!items[i]) {
            return NULL;
        }
    }
    return oxy_in_list(cx->b, target, false, items, size);
}

static const oxy_expr *among_keys(oxypy_build *cx, oxypy_selection *sel, const oxypy_relation *r, PyObject *keys)
{
    const oxy_expr **columns = oxy_arena_new(cx->text, r->n_near * sizeof *columns);
    oxypy_want *wants = oxy_arena_zero(cx->text, r->n_near, sizeof *wants);

    if (!columns || !wants) {
        PyErr_NoMemory();
        return NULL;
    }
    if (PyTuple_GET_SIZE(keys) == 0) {
        return oxy_bool(cx->b, false);
    }
    for (uint32_t i = 0; i < r->n_near; i++) {
        const oxypy_field *field = r->near[i].to;

        columns[i] = sel->linked.junction ? junction_column(cx, r, sel->linked.junction, field)
                                          : oxypy_build_column(cx, cx->scope, field);
        if (!columns[i]) {
            return NULL;
        }
        wants[i] = (oxypy_want){
            .type = &columns[i]->type, .field = field, .plan = sel->linked.junction ? r->through : cx->scope->plan};
    }
    return r->n_near == 1 ? one_column_in(cx, columns[0], &wants[0], keys)
                          : columns_in(cx, columns, wants, r->n_near, keys);
}

int oxypy_link_begin(oxypy_build *cx, oxypy_query *q, oxy_select *select, oxypy_selection *sel)
{
    oxypy_linked *linked = &sel->linked;
    request l;

    memset(linked, 0, sizeof *linked);
    if (link_of(cx, q, &l) < 0) {
        return -1;
    }
    const oxypy_relation *r = l.relation;
    bool many = r->kind == OXYPY_REL_MANY;

    linked->relation = r;
    if (many && join_junction(cx, sel, r) < 0) {
        return -1;
    }
    linked->n_key = r->n_near;
    linked->n_share = many ? r->n_far : 0;
    if (add_key(cx, sel, r, r->near, r->n_near, many, &linked->key_at) < 0 ||
        (many && add_key(cx, sel, r, r->far, r->n_far, false, &linked->share_at) < 0)) {
        return -1;
    }
    PyObject *keys = PySequence_Tuple(l.keys);
    const oxy_expr *parts[2] = {select->where, keys ? among_keys(cx, sel, r, keys) : NULL};

    Py_XDECREF(keys);
    if (!parts[1]) {
        return -1;
    }
    select->where = parts[0] ? oxy_logic(cx->b, false, parts, 2) : parts[1];
    return select->where ? 0 : -1;
}

/* --- order ---------------------------------------------------------------------------------- */

int oxypy_link_order(oxypy_build *cx, oxypy_query *q, const oxypy_selection *sel, bool grouped, oxy_orders *order)
{
    const oxypy_relation *r = sel->linked.relation;
    bool by_junction = sel->linked.junction && r->through->n_pk && !q->distinct && !grouped;
    const oxypy_plan *plan = by_junction ? r->through : cx->scope->plan;
    oxy_order *items = NULL;
    uint32_t n = 0;

    if (order->n || oxypy_relation_to_one(r)) {
        return 0;
    }
    for (uint32_t i = 0; i < plan->n_pk; i++) {
        const oxypy_field *field = &plan->fields[plan->pk[i]];
        const oxy_order term = {.expr = by_junction ? junction_column(cx, r, sel->linked.junction, field)
                                                    : oxypy_build_column(cx, cx->scope, field),
                                .descending = q->reversed};

        if (!term.expr || !(items = oxy_builder_append(cx->b, items, &n, sizeof term, &term))) {
            return -1;
        }
    }
    *order = (oxy_orders){items, n};
    return 0;
}

/* A server that is to sort holds all rows back until it has the last, and may read
 * them by another index for it; the rows of one key are few and mostly come in
 * order anyway. SQLite takes twice the time for 4,000 rows of a junction with it. Only
 * whole numbers: of texts a collation knows the order. */
int oxypy_link_unordered(oxypy_build *cx, const oxypy_query *q, oxypy_selection *sel, bool grouped,
                         const oxy_orders *order)
{
    const oxypy_relation *r = sel->linked.relation;
    const oxypy_plan *plan = sel->linked.junction ? r->through : cx->scope->plan;
    bool whole = q->limit < 0 && q->offset <= 0 && !q->distinct && !q->distinct_on && !grouped;
    bool many = r->kind == OXYPY_REL_REVERSE_MANY || r->kind == OXYPY_REL_MANY;

    if (order->n || !many || !whole || q->reversed || q->lock || plan->n_pk != 1) {
        return 0;
    }
    const oxypy_field *field = &plan->fields[plan->pk[0]];
    const oxypy_pair own = {.from = field, .to = field};
    uint32_t at = sel->linked.junction ? 0 : selected(cx, sel, &own, 1);

    if (field->load_type.kind != OXY_K_INT || plan->table.columns[field->column].type.kind != OXY_K_INT) {
        return 0;
    }
    if (sel->linked.junction) {
        if (add_key(cx, sel, r, &own, 1, true, &at) < 0) {
            return -1;
        }
    } else if (at + sel->linked.n_extra >= sel->n) {
        return 0;
    }
    sel->linked.order_at = at + 1;
    return 1;
}

/* --- the end -------------------------------------------------------------------------------- */

static int append_junction(oxypy_build *cx, const oxypy_linked *linked, oxy_select *select)
{
    const oxy_join join = {.kind = OXY_JOIN_INNER, .source = linked->junction, .on = linked->on};
    oxy_join *joins = NULL;
    uint32_t n = 0;

    for (uint32_t i = 0; i <= select->n_joins; i++) {
        joins = oxy_builder_append(cx->b, joins, &n, sizeof join, i ? &select->joins[i - 1] : &join);
        if (!joins) {
            return -1;
        }
    }
    select->joins = joins;
    select->n_joins = n;
    return 0;
}

/* ROW_NUMBER() over the rows of one key, in their order. */
static const oxy_expr *number_of(oxypy_build *cx, const oxypy_selection *sel, const oxy_orders *order)
{
    const oxypy_linked *linked = &sel->linked;
    const oxy_expr **keys = oxy_arena_new(cx->text, linked->n_key * sizeof *keys);
    oxy_expr init = {.kind = OXY_E_WINDOW};

    for (uint32_t i = 0; keys && i < linked->n_key; i++) {
        keys[i] = sel->items[linked->key_at + i].node;
    }
    init.window.expr = keys ? oxy_func(cx->b, OXY_FN_ROW_NUMBER, NULL, 0) : NULL;
    init.window.partition = (oxy_list){keys, linked->n_key};
    init.window.order = *order;
    return init.window.expr ? oxy_window(cx->b, &init) : NULL;
}

/* Items of a subselect have names of their own: two tables may have equal ones. */
static oxy_sv item_name(oxypy_build *cx, uint32_t i)
{
    char *text = oxy_arena_new(cx->text, 16);

    return text ? (oxy_sv){text, (size_t)PyOS_snprintf(text, 16, "c%u", i)} : (oxy_sv){0};
}

/* FROM (select) AS u, with the row's number: the outer items are those of sel. */
static int wrap(oxypy_build *cx, oxy_select *select, oxypy_selection *sel, const oxy_expr *number,
                const oxy_expr **number_out)
{
    oxy_select *inner = oxy_arena_new(&cx->b->arena, sizeof *inner);
    oxy_item *below = oxy_arena_zero(&cx->b->arena, sel->n + 1, sizeof *below);
    oxy_item *above = oxy_arena_zero(&cx->b->arena, sel->n, sizeof *above);
    oxypy_out *items = oxy_arena_new(&cx->b->arena, sel->n * sizeof *items);

    if (!inner || !below || !above || !items) {
        PyErr_NoMemory();
        return -1;
    }
    *inner = *select;
    inner->items = below;
    inner->n_items = sel->n + 1;
    for (uint32_t i = 0; i < sel->n; i++) {
        below[i] = (oxy_item){.expr = sel->items[i].node, .alias = item_name(cx, i)};
        if (!below[i].alias.p) {
            return -1;
        }
    }
    below[sel->n] = (oxy_item){.expr = number, .alias = {NUMBER, sizeof NUMBER - 1}};

    const oxy_source *source = oxypy_wrap_select(cx, inner);

    for (uint32_t i = 0; source && i < sel->n; i++) {
        items[i] = sel->items[i];
        items[i].node = oxy_named(cx->b, source, below[i].alias, &sel->items[i].node->type);
        above[i].expr = items[i].node;
        if (!above[i].expr) {
            return -1;
        }
    }
    *number_out = source ? oxy_named(cx->b, source, below[sel->n].alias, &number->type) : NULL;
    memset(select, 0, sizeof *select);
    select->from = source;
    select->items = above;
    select->n_items = sel->n;
    sel->items = items;
    return *number_out ? 0 : -1;
}

/* number above the offset and within the limit. */
static const oxy_expr *within_slice(oxypy_build *cx, const oxypy_query *q, const oxy_expr *number)
{
    const oxy_expr *parts[2];
    uint32_t n = 0;
    int64_t last;

    if (q->offset > 0) {
        const oxy_expr *bound = oxypy_build_int(cx, q->offset);

        parts[n] = bound ? oxy_binary(cx->b, OXY_OP_GT, number, bound) : NULL;
        if (!parts[n++]) {
            return NULL;
        }
    }
    if (q->limit >= 0 && !__builtin_add_overflow(q->offset, q->limit, &last)) {
        const oxy_expr *bound = oxypy_build_int(cx, last);

        parts[n] = bound ? oxy_binary(cx->b, OXY_OP_LE, number, bound) : NULL;
        if (!parts[n++]) {
            return NULL;
        }
    }
    return oxy_logic(cx->b, false, parts, n);
}

int oxypy_link_end(oxypy_build *cx, oxypy_query *q, oxy_select *select, oxypy_selection *sel)
{
    oxypy_selection unnamed = {0}; /* a window does not know the names of the selection */
    oxy_orders order;

    if (sel->linked.junction && append_junction(cx, &sel->linked, select) < 0) {
        return -1;
    }
    if (q->limit < 0 && q->offset <= 0) {
        return 0;
    }
    if (q->distinct || q->distinct_on) {
        (void)oxypy_build_refuse(cx, OXY_NOT_SUPPORTED, "a slice per parent cannot be taken of distinct() rows");
        return -1;
    }
    if (oxypy_build_order(cx, &unnamed, true, false, &order) < 0 ||
        oxypy_link_order(cx, q, sel, select->group_by.n > 0, &order) < 0) {
        return -1;
    }
    select->order = (oxy_orders){0};

    const oxy_expr *number = number_of(cx, sel, &order);

    if (!number || wrap(cx, select, sel, number, &number) < 0) {
        return -1;
    }
    oxy_order *by_number = oxy_arena_zero(&cx->b->arena, 1, sizeof *by_number);

    select->where = by_number ? within_slice(cx, q, number) : NULL;
    if (!select->where) {
        return -1;
    }
    by_number->expr = number;
    select->order = (oxy_orders){by_number, 1};
    return 0;
}
