/* SPDX-License-Identifier: MIT */
/* Statements that read: rows, counts, existence, aggregates over all rows. */
#include "relation.h"
#include "tree.h"

#include <string.h>

static oxypy_shape shape_of(const oxypy_query *q)
{
    static const oxypy_shape shapes[] = {
        [OXYPY_MODE_MODELS] = OXYPY_MODEL,
        [OXYPY_MODE_DICTS] = OXYPY_DICT,
        [OXYPY_MODE_TUPLES] = OXYPY_TUPLE,
        [OXYPY_MODE_FLAT] = OXYPY_FLAT,
    };

    return shapes[q->mode];
}

/* Whether aggregates can stand in the query's own select: its rows are those of
 * the table that its conditions let through. */
static bool aggregates_directly(oxypy_build *cx, oxypy_query *q)
{
    return !q->sets && q->limit < 0 && !q->offset && !q->distinct && !q->distinct_on && !q->group_by && !q->having &&
           !oxypy_query_aggregates(cx->st, q) && !oxypy_query_windows(cx->st, q);
}

static int add_aggregates(oxypy_build *cx, PyObject *arg, oxypy_selection *sel)
{
    PyObject *name, *expr;
    Py_ssize_t pos = 0;

    while (PyDict_Next(arg, &pos, &name, &expr)) {
        if (!PyUnicode_Check(name) || !oxypy_is_expr(cx->st, expr)) {
            PyErr_SetString(PyExc_TypeError, "aggregate() takes aggregates");
            return -1;
        }
        if (oxypy_has_window(cx->st, NULL, expr, 0)) {
            PyErr_Format(cx->st->exceptions[OXY_FIELD],
                         "aggregate(%U=...) gives one value, a Window one for each row: annotate it", name);
            return -1;
        }
        oxypy_out out = {.node = oxypy_build_expr(cx, expr, NULL), .name = name, .aliased = true, .aggregate = true};

        if (!out.node) {
            return -1;
        }
        out.field = oxypy_field_shown(cx, (oxypy_expr *)expr);
        if (oxypy_selection_add(cx, sel, out) < 0) {
            return -1;
        }
    }
    return 0;
}

static oxy_select *build_aggregate(oxypy_build *cx, oxypy_query *q, PyObject *arg, oxypy_statement *out)
{
    oxy_select *select = oxy_arena_zero(&cx->b->arena, 1, sizeof *select);
    oxypy_scope *scope = &out->scope;

    if (!select || !arg || !PyDict_Check(arg) || PyDict_GET_SIZE(arg) == 0) {
        PyErr_SetString(PyExc_TypeError, "aggregate() needs an aggregate");
        return NULL;
    }
    scope->plan = out->plan;
    if (aggregates_directly(cx, q)) {
        oxypy_selection unused = {0};
        oxypy_query *own = q;
        oxy_select *rows = oxypy_build_select(cx, own, OXYPY_USE_COUNT, -1, scope, &unused);

        if (!rows) {
            return NULL;
        }
        *select = *rows;
    } else {
        oxypy_scope *below = oxy_arena_zero(cx->text, 1, sizeof *below);
        oxypy_selection *inner = oxy_arena_zero(cx->text, 1, sizeof *inner);
        oxy_select *rows = below && inner ? oxypy_build_select(cx, q, OXYPY_USE_SOURCE, -1, below, inner) : NULL;

        scope->inner = inner;
        scope->base = q;
        scope->source = rows ? oxypy_wrap_select(cx, rows) : NULL;
        if (!scope->source) {
            return NULL;
        }
        select->from = scope->source;
    }
    cx->scope = scope;
    scope->aggregates = scope->grouped = true;
    int rc = add_aggregates(cx, arg, &out->out);

    rc = rc == 0 ? oxypy_scope_fill_joins(cx, scope, select) : -1;

    select->order = (oxy_orders){0};
    select->items = rc == 0 ? oxypy_selection_items(cx, &out->out) : NULL;
    select->n_items = out->out.n;
    cx->scope = NULL;
    return select->items ? select : NULL;
}

int oxypy_build_read(oxypy_build *cx, oxypy_what what, oxypy_query *q, PyObject *arg, int64_t limit,
                     oxypy_statement *out)
{
    oxypy_use use = what == OXYPY_DO_COUNT    ? OXYPY_USE_COUNT
                    : what == OXYPY_DO_EXISTS ? OXYPY_USE_EXISTS
                                              : OXYPY_USE_ROWS;
    oxy_select *select = what == OXYPY_DO_AGGREGATE ? build_aggregate(cx, q, arg, out)
                                                    : oxypy_build_select(cx, q, use, limit, &out->scope, &out->out);

    if (!select) {
        return -1;
    }
    out->rows = true;
    out->stmt.select = select;
    switch (what) {
    case OXYPY_DO_COUNT:
        out->stmt.kind = OXY_S_COUNT;
        out->shape = OXYPY_FLAT;
        break;
    case OXYPY_DO_EXISTS:
        out->stmt.kind = OXY_S_EXISTS;
        out->shape = OXYPY_FLAT;
        break;
    default: out->stmt.kind = OXY_S_SELECT; out->shape = what == OXYPY_DO_AGGREGATE ? OXYPY_DICT : shape_of(q);
    }
    return 0;
}
