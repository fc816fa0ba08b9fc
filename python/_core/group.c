/* SPDX-License-Identifier: MIT */
/* Groups: which expressions aggregate, what GROUP BY holds, and that nothing
 * is selected beside the groups that has no single value in them. */
#include "tree.h"

#include <string.h>

/* Aliases may name aliases; a chain longer than this is a cycle. */
#define MAX_CHAIN 100

static bool aggregates(const oxypy_state *st, oxypy_query *q, PyObject *expr, int depth);

static bool any_aggregates(const oxypy_state *st, oxypy_query *q, PyObject *tuple, int depth)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        if (aggregates(st, q, PyTuple_GET_ITEM(tuple, i), depth)) {
            return true;
        }
    }
    return false;
}

/* Whether path is name, or goes on after it. */
static bool begins_with(PyObject *path, PyObject *name)
{
    Py_ssize_t len = PyUnicode_GET_LENGTH(name), whole = PyUnicode_GET_LENGTH(path);

    if (PyUnicode_Tailmatch(path, name, 0, whole, -1) != 1) {
        return false;
    }
    return whole == len ||
           (whole > len + 2 && PyUnicode_READ_CHAR(path, len) == '_' && PyUnicode_READ_CHAR(path, len + 1) == '_');
}

/* Whether a keyword or path begins with an alias that aggregates. */
static bool path_aggregates(const oxypy_state *st, oxypy_query *q, PyObject *path, int depth)
{
    PyObject *dicts[2] = {q->annotations, q->exprs}, *alias, *expr;

    for (int d = 0; d < 2 && PyUnicode_Check(path); d++) {
        Py_ssize_t pos = 0;

        while (dicts[d] && PyDict_Next(dicts[d], &pos, &alias, &expr)) {
            if (begins_with(path, alias) && aggregates(st, q, expr, depth)) {
                return true;
            }
        }
    }
    return false;
}

static bool aggregates(const oxypy_state *st, oxypy_query *q, PyObject *expr, int depth)
{
    oxypy_expr *e = (oxypy_expr *)expr;

    if (depth > MAX_CHAIN || !oxypy_is_expr(st, expr)) {
        return false;
    }
    switch ((oxypy_expr_kind)e->kind) {
    case OXYPY_X_AGG: return true;
    case OXYPY_X_NAME: return q && path_aggregates(st, q, e->data, depth + 1);
    case OXYPY_X_LOOKUP:
        return q && PyTuple_Check(e->data) && PyTuple_GET_SIZE(e->data) > 1 &&
               (path_aggregates(st, q, PyTuple_GET_ITEM(e->data, 0), depth + 1) ||
                aggregates(st, q, PyTuple_GET_ITEM(e->data, 1), depth + 1));
    case OXYPY_X_LITERAL:
    case OXYPY_X_SUBQUERY:
    case OXYPY_X_EXISTS:
    case OXYPY_X_OUTER:
    case OXYPY_X_WINDOW:
    case OXYPY_X_ANY: return false;
    default: return any_aggregates(st, q, e->args, depth + 1);
    }
}

bool oxypy_has_aggregate(const oxypy_state *st, oxypy_query *q, PyObject *expr)
{
    return aggregates(st, q, expr, 0);
}

bool oxypy_query_aggregates(const oxypy_state *st, oxypy_query *q)
{
    PyObject *dicts[2] = {q->annotations, q->mode == OXYPY_MODE_MODELS ? NULL : q->exprs}, *alias, *expr;

    for (int d = 0; d < 2; d++) {
        Py_ssize_t pos = 0;

        while (dicts[d] && PyDict_Next(dicts[d], &pos, &alias, &expr)) {
            if (aggregates(st, q, expr, 0)) {
                return true;
            }
        }
    }
    return q->having && any_aggregates(st, q, q->having, 0);
}

/* --- what may stand beside groups -------------------------------------------------------- */

/* The groups of a query: names as written, and fields. */
typedef struct groups {
    oxypy_build *cx;
    const oxypy_field **fields; /* one per group; NULL: no plain column */
    const oxy_expr **nodes;
    uint32_t n;
} groups;

static bool group_named(const groups *g, PyObject *path)
{
    oxypy_query *q = g->cx->scope->q;

    for (Py_ssize_t i = 0; PyUnicode_Check(path) && i < PyTuple_GET_SIZE(q->group_by); i++) {
        PyObject *entry = PyTuple_GET_ITEM(q->group_by, i);

        if (oxypy_is_expr(g->cx->st, entry)) {
            entry = ((oxypy_expr *)entry)->kind == OXYPY_X_NAME ? ((oxypy_expr *)entry)->data : NULL;
        }
        if (entry && PyUnicode_Check(entry) && begins_with(path, entry)) {
            return true;
        }
    }
    return false;
}

static bool covered(const groups *g, PyObject *expr, int depth);

static bool path_covered(const groups *g, PyObject *path, int depth)
{
    oxypy_expr *alias = PyUnicode_Check(path) ? oxypy_alias_of(g->cx->scope->q, path) : NULL;

    return group_named(g, path) || (alias && covered(g, (PyObject *)alias, depth));
}

/* Whether an expression has one value per group. */
static bool covered(const groups *g, PyObject *expr, int depth)
{
    oxypy_expr *e = (oxypy_expr *)expr;
    oxypy_query *q = g->cx->scope->q;

    if (!oxypy_is_expr(g->cx->st, expr)) {
        return true;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(q->group_by); i++) {
        if (PyTuple_GET_ITEM(q->group_by, i) == expr) {
            return true;
        }
    }
    if (depth > MAX_CHAIN) {
        return false;
    }
    switch ((oxypy_expr_kind)e->kind) {
    case OXYPY_X_NAME: return path_covered(g, e->data, depth + 1);
    case OXYPY_X_LOOKUP: return path_covered(g, PyTuple_GET_ITEM(e->data, 0), depth + 1);
    case OXYPY_X_AGG:
    case OXYPY_X_SUBQUERY:
    case OXYPY_X_EXISTS:
    case OXYPY_X_RAW: return true;
    default: break;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(e->args); i++) {
        if (!covered(g, PyTuple_GET_ITEM(e->args, i), depth + 1)) {
            return false;
        }
    }
    return true;
}

static bool item_covered(const groups *g, const oxypy_out *item)
{
    for (uint32_t i = 0; item->field && i < g->n; i++) {
        if (g->fields[i] == item->field) {
            return true;
        }
    }
    return path_covered(g, item->name, 0);
}

/* --- GROUP BY --------------------------------------------------------------------------------- */

static bool is_column(const oxypy_plan *plan, oxy_sv name)
{
    for (uint32_t i = 0; i < plan->table.n_columns; i++) {
        if (oxy_sv_eq(plan->table.columns[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* A selected expression is grouped by its alias, so that its parameters are
 * bound once; where a column has the alias' name, SQL would mean the column. */
static const oxy_expr *group_of_item(oxypy_build *cx, const oxypy_out *item)
{
    oxy_sv name = oxypy_out_name(cx->scope, item);

    if (!item->aliased || !name.p || is_column(cx->scope->plan, name)) {
        return item->node;
    }
    return oxy_alias(cx->b, name, &item->node->type);
}

static int group_entries(groups *g, const oxypy_selection *sel)
{
    PyObject *entries = g->cx->scope->q->group_by;

    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(entries); i++) {
        PyObject *entry = PyTuple_GET_ITEM(entries, i), *name = entry;

        if (oxypy_is_expr(g->cx->st, entry)) {
            name = ((oxypy_expr *)entry)->kind == OXYPY_X_NAME ? ((oxypy_expr *)entry)->data : NULL;
        } else if (!PyUnicode_Check(entry)) {
            PyErr_Format(PyExc_TypeError, "group_by() takes names and expressions, not %.100s",
                         Py_TYPE(entry)->tp_name);
            return -1;
        }
        const oxypy_out *item = name ? oxypy_selection_find(sel, name) : NULL;

        if (item && item->aggregate) {
            PyErr_Format(g->cx->st->exceptions[OXY_FIELD], "the aggregate '%U' cannot be grouped by", name);
            return -1;
        }
        g->nodes[i] = item   ? group_of_item(g->cx, item)
                      : name ? oxypy_build_path(g->cx, name, &g->fields[i])
                             : oxypy_build_operand(g->cx, entry, NULL);
        if (!g->nodes[i]) {
            return -1;
        }
        if (item && !item->aliased) {
            g->fields[i] = item->field;
        }
    }
    return 0;
}

static int group_given(oxypy_build *cx, const oxypy_selection *sel, oxy_list *out)
{
    uint32_t n = (uint32_t)PyTuple_GET_SIZE(cx->scope->q->group_by);
    groups g = {
        .cx = cx,
        .fields = oxy_arena_zero(cx->text, n + 1, sizeof *g.fields),
        .nodes = oxy_arena_zero(&cx->b->arena, n + 1, sizeof *g.nodes),
        .n = n,
    };

    if (!g.fields || !g.nodes) {
        PyErr_NoMemory();
        return -1;
    }
    if (group_entries(&g, sel) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < sel->n; i++) {
        if (!sel->items[i].aggregate && !item_covered(&g, &sel->items[i])) {
            PyErr_Format(cx->st->exceptions[OXY_FIELD],
                         "'%U' is selected but is neither grouped by nor an aggregate; add it to group_by()",
                         sel->items[i].name);
            return -1;
        }
    }
    *out = (oxy_list){g.nodes, n};
    return 0;
}

static int group_model(oxypy_build *cx, oxy_list *out)
{
    const oxypy_plan *plan = cx->scope->plan;
    uint32_t n = plan->n_pk ? plan->n_pk : plan->n_fields;
    const oxy_expr **nodes = oxy_arena_zero(&cx->b->arena, n + 1, sizeof *nodes);

    if (!nodes) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < n; i++) {
        nodes[i] = oxypy_build_column(cx, cx->scope, &plan->fields[plan->n_pk ? plan->pk[i] : i]);
        if (!nodes[i]) {
            return -1;
        }
    }
    *out = (oxy_list){nodes, n};
    return 0;
}

/* Named fields beside aggregates are what the rows are grouped by. */
static int group_selected(oxypy_build *cx, const oxypy_selection *sel, oxy_list *out)
{
    const oxy_expr **nodes = oxy_arena_zero(&cx->b->arena, sel->n + 1, sizeof *nodes);
    uint32_t n = 0;

    if (!nodes) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < sel->n; i++) {
        if (!sel->items[i].aggregate && !(nodes[n++] = group_of_item(cx, &sel->items[i]))) {
            return -1;
        }
    }
    *out = (oxy_list){nodes, n};
    return 0;
}

int oxypy_build_groups(oxypy_build *cx, const oxypy_selection *sel, oxy_list *out)
{
    oxypy_query *q = cx->scope->q;

    if (q->mode == OXYPY_MODE_MODELS) {
        return oxypy_query_aggregates(cx->st, q) ? group_model(cx, out) : 0;
    }
    if (q->group_by) {
        return group_given(cx, sel, out);
    }
    return oxypy_query_aggregates(cx->st, q) ? group_selected(cx, sel, out) : 0;
}
