/* SPDX-License-Identifier: MIT */
/* Windows: functions over the rows around a row. They are computed after WHERE,
 * GROUP BY and HAVING, so conditions on them stand around the query: it becomes
 * a subselect, whose columns everything else is about. */
#include "to_c_parts.h"
#include "tree.h"

#include <string.h>

/* Aliases may name aliases; a chain longer than this is a cycle. */
#define MAX_CHAIN 100

/* --- finding them -------------------------------------------------------------------- */

static bool any_windows(const oxypy_state *st, oxypy_query *q, PyObject *tuple, int depth);

static bool path_leads_to_window(const oxypy_state *st, oxypy_query *q, PyObject *path, int depth)
{
    PyObject *dicts[2] = {q ? q->annotations : NULL, q ? q->exprs : NULL}, *alias, *expr;

    for (int d = 0; d < 2 && PyUnicode_Check(path); d++) {
        Py_ssize_t pos = 0;

        while (dicts[d] && PyDict_Next(dicts[d], &pos, &alias, &expr)) {
            if (oxypy_path_begins(path, alias) && oxypy_has_window(st, q, expr, depth)) {
                return true;
            }
        }
    }
    return false;
}

bool oxypy_has_window(const oxypy_state *st, oxypy_query *q, PyObject *expr, int depth)
{
    oxypy_expr *e = (oxypy_expr *)expr;

    if (depth > MAX_CHAIN || !oxypy_is_expr(st, expr)) {
        return false;
    }
    switch ((oxypy_expr_kind)e->kind) {
    case OXYPY_X_WINDOW: return true;
    case OXYPY_X_NAME: return path_leads_to_window(st, q, e->data, depth + 1);
    case OXYPY_X_LOOKUP:
        return PyTuple_Check(e->data) && PyTuple_GET_SIZE(e->data) > 1 &&
               (path_leads_to_window(st, q, PyTuple_GET_ITEM(e->data, 0), depth + 1) ||
                oxypy_has_window(st, q, PyTuple_GET_ITEM(e->data, 1), depth + 1));
    case OXYPY_X_LITERAL:
    case OXYPY_X_SUBQUERY:
    case OXYPY_X_EXISTS:
    case OXYPY_X_OUTER:
    case OXYPY_X_ANY: return false;
    default: return any_windows(st, q, e->args, depth + 1);
    }
}

static bool any_windows(const oxypy_state *st, oxypy_query *q, PyObject *tuple, int depth)
{
    for (Py_ssize_t i = 0; tuple && i < PyTuple_GET_SIZE(tuple); i++) {
        if (oxypy_has_window(st, q, PyTuple_GET_ITEM(tuple, i), depth)) {
            return true;
        }
    }
    return false;
}

static bool named_windows(const oxypy_state *st, oxypy_query *q, PyObject *dict)
{
    PyObject *alias, *expr;
    Py_ssize_t pos = 0;

    while (dict && PyDict_Next(dict, &pos, &alias, &expr)) {
        if (oxypy_has_window(st, q, expr, 0)) {
            return true;
        }
    }
    return false;
}

bool oxypy_query_windows(const oxypy_state *st, oxypy_query *q)
{
    return named_windows(st, q, q->annotations) || named_windows(st, q, q->exprs);
}

static bool any_filter_windows(const oxypy_state *st, oxypy_query *q)
{
    PyObject *conditions = q->where, *link = q->earlier;

    for (; conditions; conditions = oxypy_where_before(&link)) {
        if (any_windows(st, q, conditions, 0)) {
            return true;
        }
    }
    return any_windows(st, q, q->having, 0);
}

bool oxypy_filters_windows(const oxypy_state *st, oxypy_query *q)
{
    return (q->annotations || q->exprs) && any_filter_windows(st, q) && oxypy_query_windows(st, q);
}

int oxypy_check_no_window(const oxypy_state *st, PyObject *condition)
{
    if (!oxypy_has_window(st, NULL, condition, 0)) {
        return 0;
    }
    PyErr_SetString(st->exceptions[OXY_FIELD], "a condition cannot hold a Window; annotate it and filter by its "
                                               "alias: .annotate(n=Window(...)).filter(n=1)");
    return -1;
}

/* --- the node --------------------------------------------------------------------------- */

/* A row's place among others, or a value of another row. */
static bool is_window_function(const oxypy_expr *e)
{
    return e->kind == OXYPY_X_FUNC && e->op >= OXY_FN_ROW_NUMBER;
}

/* What Lag and Lead give beyond the ends has the type of what they look at. */
static const oxy_expr *build_function(oxypy_build *cx, oxypy_expr *e)
{
    Py_ssize_t n = PyTuple_GET_SIZE(e->args);
    const oxy_expr *args[3];
    const oxypy_field *field = NULL;

    if (n > 3) {
        PyErr_SetString(PyExc_ValueError, "a window function takes three arguments at most");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *arg = PyTuple_GET_ITEM(e->args, i);

        args[i] = i == 0   ? oxypy_build_shown(cx, arg, &field)
                  : i == 1 ? oxypy_build_operand(cx, arg, NULL)
                           : oxypy_build_beside(cx, arg, args[0], field);
        if (!args[i]) {
            return NULL;
        }
    }
    return oxy_func(cx->b, (oxy_fn)e->op, args, (uint32_t)n);
}

static const oxy_expr *build_inside(oxypy_build *cx, PyObject *expr)
{
    oxypy_expr *e = (oxypy_expr *)expr;

    if (oxypy_is_expr(cx->st, expr) && is_window_function(e)) {
        return build_function(cx, e);
    }
    if (oxypy_is_expr(cx->st, expr) && e->kind == OXYPY_X_AGG) {
        return oxypy_build_windowed(cx, e);
    }
    PyErr_SetString(PyExc_TypeError, "Window() takes an aggregate or a window function such as RowNumber()");
    return NULL;
}

int oxypy_build_terms(oxypy_build *cx, PyObject *args, Py_ssize_t from, oxy_orders *out)
{
    uint32_t n = (uint32_t)(PyTuple_GET_SIZE(args) - from);
    oxy_order *items = oxy_arena_zero(cx->text, n ? n : 1, sizeof *items);

    if (!items) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < n; i++) {
        oxypy_expr *term = (oxypy_expr *)PyTuple_GET_ITEM(args, from + (Py_ssize_t)i);
        int descending, nulls;

        if (!oxypy_is_expr(cx->st, (PyObject *)term) || term->kind != OXYPY_X_ORDER ||
            PyTuple_GET_SIZE(term->args) != 1 || !PyArg_ParseTuple(term->data, "pi", &descending, &nulls)) {
            if (!PyErr_Occurred()) {
                PyErr_SetString(PyExc_TypeError, "an order is made of names and expressions");
            }
            return -1;
        }
        items[i].descending = descending;
        items[i].nulls = (int8_t)(nulls < 0 ? -1 : nulls > 0);
        items[i].expr = oxypy_build_operand(cx, PyTuple_GET_ITEM(term->args, 0), NULL);
        if (!items[i].expr) {
            return -1;
        }
    }
    *out = (oxy_orders){items, n};
    return 0;
}

static int bound_of(PyObject *given, bool *unbounded, int64_t *rows)
{
    *unbounded = given == Py_None;
    *rows = *unbounded ? 0 : PyLong_AsLongLong(given);
    return *rows == -1 && PyErr_Occurred() ? -1 : 0;
}

static const oxy_expr *build_window(oxypy_build *cx, oxypy_expr *e)
{
    oxy_expr init = {.kind = OXY_E_WINDOW};
    PyObject *start, *end;
    Py_ssize_t n;
    int unit;

    if (!PyTuple_Check(e->data) || !PyArg_ParseTuple(e->data, "niOO", &n, &unit, &start, &end) || n < 0 ||
        n >= PyTuple_GET_SIZE(e->args) || unit < OXY_FRAME_NONE || unit > OXY_FRAME_RANGE ||
        bound_of(start, &init.window.start_unbounded, &init.window.start) < 0 ||
        bound_of(end, &init.window.end_unbounded, &init.window.end) < 0) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "this is no window");
        }
        return NULL;
    }
    const oxy_expr **partition = oxy_arena_zero(cx->text, (size_t)n + 1, sizeof *partition);

    if (!partition) {
        PyErr_NoMemory();
        return NULL;
    }
    init.window.unit = (oxy_frame_unit)unit;
    init.window.expr = build_inside(cx, PyTuple_GET_ITEM(e->args, 0));
    if (!init.window.expr) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        partition[i] = oxypy_build_operand(cx, PyTuple_GET_ITEM(e->args, i + 1), NULL);
        if (!partition[i]) {
            return NULL;
        }
    }
    init.window.partition = (oxy_list){partition, (uint32_t)n};
    return oxypy_build_terms(cx, e->args, n + 1, &init.window.order) < 0 ? NULL : oxy_window(cx->b, &init);
}

const oxy_expr *oxypy_build_window(oxypy_build *cx, oxypy_expr *e)
{
    oxypy_scope *scope = cx->scope;

    if (!scope || !scope->q) {
        return oxypy_build_refuse(cx, OXY_FIELD, "a window has no meaning here: there are no rows to look at");
    }
    bool aggregates = scope->aggregates;

    /* A window looks at the rows as they come: at groups, where there are groups. */
    scope->aggregates = scope->grouped || oxypy_query_aggregates(cx->st, scope->q);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(e->args); i++) {
        oxypy_expr *arg = (oxypy_expr *)PyTuple_GET_ITEM(e->args, i);

        if (oxypy_is_expr(cx->st, (PyObject *)arg) && any_windows(cx->st, scope->q, arg->args, 0)) {
            return oxypy_build_refuse(cx, OXY_FIELD, "a window cannot look at another window");
        }
    }
    const oxy_expr *node = build_window(cx, e);

    scope->aggregates = aggregates;
    return node;
}

/* --- conditions on them --------------------------------------------------------------------- */

/* The conditions of a tuple that are about windows, or the others. New list. */
static PyObject *conditions(oxypy_build *cx, oxypy_query *q, PyObject *tuple, bool windows, PyObject *list)
{
    for (Py_ssize_t i = 0; list && tuple && i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject *condition = PyTuple_GET_ITEM(tuple, i);

        if (oxypy_has_window(cx->st, q, condition, 0) == windows && PyList_Append(list, condition) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

/* Puts them in place of what the slot holds. 0 / -1. */
static int choose_conditions(oxypy_build *cx, oxypy_query *q, PyObject **slot, bool windows)
{
    PyObject *list = *slot ? conditions(cx, q, *slot, windows, PyList_New(0)) : NULL;
    PyObject *own = list ? PyList_AsTuple(list) : NULL;

    Py_XDECREF(list);
    if (!own) {
        return *slot ? -1 : 0;
    }
    Py_SETREF(*slot, own);
    return 0;
}

/* Lives as long as the tree. Steals q. */
static oxypy_query *keep(oxypy_build *cx, oxypy_query *q)
{
    const oxypy_conv cv = {.st = cx->st, .arena = cx->text, .keep = cx->keep};
    int rc = q ? oxypy_keep(&cv, (PyObject *)q) : -1;

    Py_XDECREF(q);
    return rc < 0 ? NULL : q;
}

static int check_names(oxypy_build *cx, oxypy_query *q, PyObject *dict)
{
    oxypy_plan *plan = oxypy_plan_of(cx->st, q->model);
    PyObject *alias, *expr;
    Py_ssize_t pos = 0;

    while (plan && dict && PyDict_Next(dict, &pos, &alias, &expr)) {
        if (oxypy_plan_field(plan, alias) >= 0) {
            PyErr_Format(cx->st->exceptions[OXY_FIELD],
                         "the alias '%U' is a field of %s; a query that is filtered by a window needs another name",
                         alias, plan->model->tp_name);
            return -1;
        }
    }
    return plan ? 0 : -1;
}

/* Groups have the columns that are named, and all windows. */
static int select_aliases(oxypy_query *q)
{
    PyObject *alias, *expr;
    Py_ssize_t pos = 0;

    while (q->fields && q->annotations && PyDict_Next(q->annotations, &pos, &alias, &expr)) {
        int known = PySequence_Contains(q->fields, alias);
        PyObject *one = known == 0 ? PyTuple_Pack(1, alias) : NULL;
        PyObject *all = one ? PySequence_Concat(q->fields, one) : NULL;

        Py_XDECREF(one);
        if (known < 0 || (!known && !all)) {
            return -1;
        }
        if (all) {
            Py_SETREF(q->fields, all);
        }
    }
    return 0;
}

/* The rows the windows look at: with all names, without what comes after them. */
static oxypy_query *rows_below(oxypy_build *cx, oxypy_query *q)
{
    oxypy_query *below = oxypy_query_clone(q);

    if (!below) {
        return NULL;
    }
    Py_XSETREF(below->order, PyTuple_New(0));
    Py_CLEAR(below->joins);
    Py_CLEAR(below->distinct_on);
    Py_CLEAR(below->link);
    below->limit = -1;
    below->offset = 0;
    below->distinct = below->reversed = false;
    if (!below->order || choose_conditions(cx, q, &below->where, false) < 0 ||
        choose_conditions(cx, q, &below->having, false) < 0 ||
        (oxypy_query_grouped(cx->st, q) && select_aliases(below) < 0)) {
        Py_CLEAR(below);
    }
    return keep(cx, below);
}

/* A dict with the same names, whose values are columns of the rows below. */
static PyObject *names_of(oxypy_build *cx, PyObject *dict)
{
    PyObject *own = PyDict_New(), *alias, *expr;
    PyObject *column = (PyObject *)oxypy_expr_steal(cx->st, OXYPY_X_LITERAL, 0, PyTuple_New(0), Py_NewRef(Py_None));
    Py_ssize_t pos = 0;

    while (own && column && PyDict_Next(dict, &pos, &alias, &expr)) {
        if (PyDict_SetItem(own, alias, column) < 0) {
            Py_CLEAR(own);
        }
    }
    if (!column) {
        Py_CLEAR(own);
    }
    Py_XDECREF(column);
    return own;
}

/* values() without a word, of groups: their columns and aliases. */
static PyObject *columns_of(const oxypy_selection *sel)
{
    PyObject *names = PyTuple_New(sel->n);

    for (uint32_t i = 0; names && i < sel->n; i++) {
        PyTuple_SET_ITEM(names, i, Py_NewRef(sel->items[i].name));
    }
    return names;
}

/* What comes after the windows: their conditions, order, limits. */
static oxypy_query *rows_above(oxypy_build *cx, oxypy_query *q, const oxypy_selection *below)
{
    oxypy_query *above = oxypy_query_clone(q);
    PyObject *list = above ? PyList_New(0) : NULL;
    bool groups = oxypy_query_grouped(cx->st, q);

    list = conditions(cx, q, q->having, true, conditions(cx, q, q->where, true, list));
    PyObject *where = list ? PyList_AsTuple(list) : NULL;

    Py_XDECREF(list);
    if (!where) {
        Py_XDECREF(above);
        return NULL;
    }
    Py_XSETREF(above->where, where);
    Py_CLEAR(above->having);
    Py_CLEAR(above->group_by);
    if (above->annotations) {
        Py_SETREF(above->annotations, names_of(cx, q->annotations));
    }
    if (above->exprs) {
        Py_SETREF(above->exprs, names_of(cx, q->exprs));
    }
    if (groups && !above->fields && !above->exprs) {
        Py_XSETREF(above->fields, columns_of(below));
    }
    if (groups && !above->order) {
        Py_XSETREF(above->order, PyTuple_New(0));
    }
    if (PyErr_Occurred()) {
        Py_CLEAR(above);
    }
    return keep(cx, above);
}

oxy_select *oxypy_build_over_windows(oxypy_build *cx, oxypy_query *q, oxypy_use use, int64_t limit, oxypy_scope *scope,
                                     oxypy_selection *sel)
{
    oxypy_scope *inside = oxy_arena_zero(cx->text, 1, sizeof *inside);
    oxypy_selection *inner = oxy_arena_zero(cx->text, 1, sizeof *inner);
    oxy_select *select = oxy_arena_zero(&cx->b->arena, 1, sizeof *select);

    if (!inside || !inner || !select) {
        PyErr_NoMemory();
        return NULL;
    }
    if (q->lock) {
        (void)oxypy_build_refuse(cx, OXY_MANAGER,
                                 "rows that are chosen by a window cannot be locked; lock them by their keys");
        return NULL;
    }
    if (check_names(cx, q, q->annotations) < 0 || check_names(cx, q, q->exprs) < 0) {
        return NULL;
    }
    oxypy_query *below = oxypy_where_gather(q) < 0 ? NULL : rows_below(cx, q);
    const oxy_select *rows = below ? oxypy_build_select(cx, below, OXYPY_USE_SOURCE, -1, inside, inner) : NULL;
    oxypy_query *above = rows ? rows_above(cx, q, inner) : NULL;

    if (!above) {
        return NULL;
    }
    scope->q = above;
    scope->inner = inner;
    scope->base = below;
    scope->source = oxypy_wrap_select(cx, rows);
    if (!scope->source) {
        return NULL;
    }
    select->from = scope->source;
    cx->scope = scope;

    int rc = oxypy_fill_select(cx, above, use, limit, select, sel);

    cx->scope = scope->outer;
    return rc < 0 ? NULL : select;
}
