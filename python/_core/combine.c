/* SPDX-License-Identifier: MIT */
/* Set operations: operands left to right, and what is built on top of them.
 * Conditions, groups or another selection on top need the combined rows as a
 * subselect; order and limits do not. */
#include "tree.h"

#include <string.h>

static bool same_selection(const oxypy_query *a, const oxypy_query *b)
{
    return a->fields == b->fields && a->exprs == b->exprs && a->deferred == b->deferred &&
           a->annotations == b->annotations && a->joins == b->joins && a->group_by == b->group_by &&
           a->having == b->having && (a->mode == OXYPY_MODE_MODELS) == (b->mode == OXYPY_MODE_MODELS);
}

/* SELECT the columns of sel FROM (select): a form that takes further clauses.
 * Items of sel are replaced by columns of the subselect. */
static oxy_select *wrap(oxypy_build *cx, const oxypy_scope *scope, const oxy_select *select, oxypy_selection *sel)
{
    const oxy_source *source = oxypy_wrap_select(cx, select);
    oxy_select *outer = oxy_arena_zero(&cx->b->arena, 1, sizeof *outer);
    oxypy_out *items = oxy_arena_new(&cx->b->arena, (sel->n + 1) * sizeof *items);
    oxy_item *list = oxy_arena_zero(&cx->b->arena, sel->n + 1, sizeof *list);

    if (!source || !outer || !items || !list) {
        return NULL;
    }
    for (uint32_t i = 0; i < sel->n; i++) {
        oxy_sv name = oxypy_out_name(scope, &sel->items[i]);

        items[i] = sel->items[i];
        items[i].node = name.p ? oxy_named(cx->b, source, name, &sel->items[i].node->type) : NULL;
        if (!items[i].node) {
            return NULL;
        }
        list[i] = (oxy_item){.expr = items[i].node};
    }
    sel->items = items;
    outer->from = source;
    outer->items = list;
    outer->n_items = sel->n;
    return outer;
}

static bool stands_alone(const oxy_select *s)
{
    return s->order.n || s->limit || s->offset || s->n_operands;
}

/* INTERSECT binds tighter than its neighbours in some databases: what stands
 * left of it then has to be in parentheses. */
static bool binds_tighter(oxy_set_op op, oxy_set_op before)
{
    return op == OXY_SET_INTERSECT && before != OXY_SET_INTERSECT;
}

static int operand_of(oxypy_build *cx, PyObject *pair, long *op, oxypy_query **q)
{
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2 || !oxypy_is_query(cx->st, PyTuple_GET_ITEM(pair, 1))) {
        PyErr_SetString(PyExc_TypeError, "a set operation is made of operators and queries");
        return -1;
    }
    *op = PyLong_AsLong(PyTuple_GET_ITEM(pair, 0));
    *q = (oxypy_query *)PyTuple_GET_ITEM(pair, 1);
    if (*op < 0 || *op > OXY_SET_EXCEPT) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "an operator of a set operation is one of SET_*");
        }
        return -1;
    }
    if ((*q)->lock) {
        (void)oxypy_build_refuse(cx, OXY_MANAGER, "locked queries cannot be combined");
        return -1;
    }
    return 0;
}

static oxy_select *combine(oxypy_build *cx, oxypy_query *q, const oxypy_scope *scope, oxypy_selection *sel)
{
    oxy_select *base = NULL;
    oxy_set_operand *operands = NULL;
    oxypy_query *operand;
    long op, before = -1;

    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(q->sets); i++) {
        oxypy_scope *own = oxy_arena_zero(cx->text, 1, sizeof *own);
        oxypy_selection columns = {0};

        if (!own || operand_of(cx, PyTuple_GET_ITEM(q->sets, i), &op, &operand) < 0) {
            return NULL;
        }
        oxy_select *select = oxypy_build_select(cx, operand, OXYPY_USE_OPERAND, -1, own, &columns);

        if (!select) {
            return NULL;
        }
        if (!base) {
            *sel = columns;
            base = stands_alone(select) ? wrap(cx, own, select, sel) : select;
            if (!base) {
                return NULL;
            }
            continue;
        }
        if (columns.n != sel->n) {
            PyErr_Format(cx->st->exceptions[OXY_FIELD],
                         "combined queries select the same number of columns, not %u and %u", sel->n, columns.n);
            return NULL;
        }
        if (base->n_operands && binds_tighter((oxy_set_op)op, (oxy_set_op)before)) {
            base = wrap(cx, scope, base, sel);
            operands = NULL;
            if (!base) {
                return NULL;
            }
        }
        oxy_set_operand item = {(oxy_set_op)op, select};

        operands = oxy_builder_append(cx->b, operands, &base->n_operands, sizeof item, &item);
        if (!operands) {
            return NULL;
        }
        base->operands = operands;
        before = op;
    }
    return base;
}

/* On top of the combined rows as they are: order and limits only. */
static oxy_select *finish_direct(oxypy_build *cx, oxypy_query *q, oxypy_use use, int64_t limit, oxy_select *base,
                                 oxypy_selection *sel)
{
    bool ordered = use == OXYPY_USE_ROWS || use == OXYPY_USE_VALUE || q->limit >= 0 || q->offset;

    if (q->mode == OXYPY_MODE_FLAT && sel->n != 1) {
        PyErr_Format(PyExc_ValueError, "values_list(flat=True) needs one column, the query selects %u", sel->n);
        return NULL;
    }
    if (ordered && oxypy_build_order(cx, sel, use == OXYPY_USE_ROWS, true, &base->order) < 0) {
        return NULL;
    }
    return oxypy_fill_limits(cx, q, limit, base) < 0 ? NULL : base;
}

oxy_select *oxypy_build_combined(oxypy_build *cx, oxypy_query *q, oxypy_use use, int64_t limit, oxypy_scope *scope,
                                 oxypy_selection *sel)
{
    long op;
    oxypy_query *first;

    if (q->lock) {
        (void)oxypy_build_refuse(cx, OXY_MANAGER, "the rows of combined queries cannot be locked");
        return NULL;
    }
    if (PyTuple_GET_SIZE(q->sets) == 0 || operand_of(cx, PyTuple_GET_ITEM(q->sets, 0), &op, &first) < 0) {
        return NULL;
    }
    oxypy_selection *inner = oxy_arena_zero(cx->text, 1, sizeof *inner);
    oxy_select *base = inner ? combine(cx, q, scope, inner) : NULL;

    if (!base) {
        return NULL;
    }
    bool keyed = use == OXYPY_USE_KEYS || use == OXYPY_USE_PK || use == OXYPY_USE_VALUE;
    bool direct = !q->where && !q->link && !q->distinct && !q->distinct_on && !q->empty && same_selection(q, first) &&
                  !(keyed && q->mode == OXYPY_MODE_MODELS);

    if (!direct && oxypy_query_aggregates(cx->st, first)) {
        (void)oxypy_build_refuse(cx, OXY_NOT_SUPPORTED, "combined groups take an order and limits only");
        return NULL;
    }
    cx->scope = scope;
    if (direct) {
        *sel = *inner;
        base = finish_direct(cx, q, use, limit, base, sel);
    } else {
        oxy_select *outer = oxy_arena_zero(&cx->b->arena, 1, sizeof *outer);

        scope->inner = inner;
        scope->source = outer ? oxypy_wrap_select(cx, base) : NULL;
        if (scope->source) {
            outer->from = scope->source;
        }
        base = scope->source && oxypy_fill_select(cx, q, use, limit, outer, sel) == 0 ? outer : NULL;
    }
    cx->scope = scope->outer;
    return base;
}
