/* SPDX-License-Identifier: MIT */
/* Groups: which expressions aggregate, what GROUP BY holds, and that nothing
 * is selected beside the groups that has no single value in them. */
#include "relation.h"
#include "tree.h"

#include <string.h>

/* Aliases may name aliases; a chain longer than this is a cycle. */
#define MAX_CHAIN 100

/* What is looked for: aggregates of the query's own rows, or also those of many
 * rows that paths lead to, which aggregate over groups where there are any. */
typedef struct look {
    const oxypy_state *st;
    oxypy_query *q;
    bool spanning;
} look;

static bool aggregates(const look *l, PyObject *expr, int depth);

static bool any_aggregates(const look *l, PyObject *tuple, int depth)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        if (aggregates(l, PyTuple_GET_ITEM(tuple, i), depth)) {
            return true;
        }
    }
    return false;
}

bool oxypy_path_begins(PyObject *path, PyObject *name)
{
    Py_ssize_t len = PyUnicode_GET_LENGTH(name), whole = PyUnicode_GET_LENGTH(path);

    if (whole < len || (len > 0 && PyUnicode_READ_CHAR(path, 0) != PyUnicode_READ_CHAR(name, 0)) ||
        PyUnicode_Tailmatch(path, name, 0, whole, -1) != 1) {
        return false;
    }
    return whole == len ||
           (whole > len + 2 && PyUnicode_READ_CHAR(path, len) == '_' && PyUnicode_READ_CHAR(path, len + 1) == '_');
}

static bool grouped_by(const oxypy_query *q, PyObject *alias)
{
    for (Py_ssize_t i = 0; q && q->group_by && i < PyTuple_GET_SIZE(q->group_by); i++) {
        PyObject *entry = PyTuple_GET_ITEM(q->group_by, i);

        if (PyUnicode_Check(entry) && PyUnicode_Compare(entry, alias) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a keyword or path begins with an alias that aggregates. */
static bool path_aggregates(const look *l, PyObject *path, int depth)
{
    PyObject *dicts[2] = {l->q->annotations, l->q->exprs}, *alias, *expr;

    for (int d = 0; d < 2 && PyUnicode_Check(path); d++) {
        Py_ssize_t pos = 0;

        while (dicts[d] && PyDict_Next(dicts[d], &pos, &alias, &expr)) {
            if (oxypy_path_begins(path, alias) && !(l->spanning && grouped_by(l->q, alias)) &&
                aggregates(l, expr, depth)) {
                return true;
            }
        }
    }
    return false;
}

static bool aggregates(const look *l, PyObject *expr, int depth)
{
    oxypy_expr *e = (oxypy_expr *)expr;

    if (depth > MAX_CHAIN || !oxypy_is_expr(l->st, expr)) {
        return false;
    }
    switch ((oxypy_expr_kind)e->kind) {
    case OXYPY_X_AGG: return l->spanning || !l->q || !oxypy_aggregate_spans(l->st, l->q, e);
    case OXYPY_X_NAME: return l->q && path_aggregates(l, e->data, depth + 1);
    case OXYPY_X_LOOKUP:
        return l->q && PyTuple_Check(e->data) && PyTuple_GET_SIZE(e->data) > 1 &&
               (path_aggregates(l, PyTuple_GET_ITEM(e->data, 0), depth + 1) ||
                aggregates(l, PyTuple_GET_ITEM(e->data, 1), depth + 1));
    case OXYPY_X_LITERAL:
    case OXYPY_X_SUBQUERY:
    case OXYPY_X_EXISTS:
    case OXYPY_X_OUTER:
    case OXYPY_X_WINDOW:
    case OXYPY_X_ANY: return false;
    default: return any_aggregates(l, e->args, depth + 1);
    }
}

bool oxypy_query_aggregates(const oxypy_state *st, oxypy_query *q)
{
    PyObject *dicts[2] = {q->annotations, q->mode == OXYPY_MODE_MODELS ? NULL : q->exprs}, *alias, *expr;
    const look l = {st, q, false};

    for (int d = 0; d < 2; d++) {
        Py_ssize_t pos = 0;

        while (dicts[d] && PyDict_Next(dicts[d], &pos, &alias, &expr)) {
            if (aggregates(&l, expr, 0)) {
                return true;
            }
        }
    }
    return q->having && any_aggregates(&l, q->having, 0);
}

bool oxypy_query_grouped(const oxypy_state *st, oxypy_query *q)
{
    return q->mode != OXYPY_MODE_MODELS && (q->group_by || oxypy_query_aggregates(st, q));
}

bool oxypy_has_aggregate(const oxypy_state *st, oxypy_query *q, PyObject *expr)
{
    look l = {st, q, false};

    if (aggregates(&l, expr, 0)) {
        return true;
    }
    l.spanning = true;
    return q && aggregates(&l, expr, 0) && oxypy_query_grouped(st, q);
}

bool oxypy_grouped_of_rows(const oxypy_state *st, oxypy_query *q, PyObject *alias, PyObject *expr)
{
    const look l = {st, q, false};

    return grouped_by(q, alias) && !aggregates(&l, expr, 0);
}

/* --- what may stand beside groups -------------------------------------------------------- */

/* The groups of a query: names as written, and fields. */
typedef struct groups {
    oxypy_build *cx;
    PyObject *entries;          /* tuple: what stands in group_by(), or what is selected */
    const oxypy_field **fields; /* one per group; NULL: no plain column */
    const oxy_expr **nodes;
    uint32_t n;
} groups;

/* Grouping by a foreign key tells nothing of the columns beyond it. */
static bool is_relation(oxypy_build *cx, PyObject *path)
{
    oxypy_name name;

    if (oxypy_name_resolve(cx->st, cx->scope->plan, cx->scope->q, path, &name) < 0) {
        PyErr_Clear();
        return false;
    }
    bool is = name.relation != NULL;

    oxypy_name_fini(&name);
    return is;
}

static bool same_column(const oxy_expr *a, const oxy_expr *b)
{
    return a->kind == OXY_E_COLUMN && b->kind == OXY_E_COLUMN && a->column.source == b->column.source &&
           a->column.column == b->column.column;
}

static bool group_named(const groups *g, PyObject *path)
{
    for (Py_ssize_t i = 0; PyUnicode_Check(path) && i < PyTuple_GET_SIZE(g->entries); i++) {
        PyObject *entry = PyTuple_GET_ITEM(g->entries, i);

        if (oxypy_is_expr(g->cx->st, entry)) {
            entry = ((oxypy_expr *)entry)->kind == OXYPY_X_NAME ? ((oxypy_expr *)entry)->data : NULL;
        }
        if (entry && PyUnicode_Check(entry) && oxypy_path_begins(path, entry) &&
            (PyUnicode_GET_LENGTH(path) == PyUnicode_GET_LENGTH(entry) || !is_relation(g->cx, entry))) {
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

static bool all_covered(const groups *g, PyObject *args, int depth)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); i++) {
        if (!covered(g, PyTuple_GET_ITEM(args, i), depth)) {
            return false;
        }
    }
    return true;
}

/* What the function of a window is given: an aggregate in there is one of groups. */
static PyObject *windowed(const groups *g, const oxypy_expr *e)
{
    PyObject *function = PyTuple_GET_ITEM(e->args, 0);

    return oxypy_is_expr(g->cx->st, function) ? ((oxypy_expr *)function)->args : e->args;
}

/* Whether an expression has one value per group. */
static bool covered(const groups *g, PyObject *expr, int depth)
{
    oxypy_expr *e = (oxypy_expr *)expr;

    if (!oxypy_is_expr(g->cx->st, expr)) {
        return true;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(g->entries); i++) {
        if (PyTuple_GET_ITEM(g->entries, i) == expr) {
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
    case OXYPY_X_WINDOW: return all_covered(g, windowed(g, e), depth + 1) && all_covered(g, e->args, depth + 1);
    default: break;
    }
    return all_covered(g, e->args, depth + 1);
}

static bool item_covered(const groups *g, const oxypy_out *item)
{
    for (uint32_t i = 0; i < g->n; i++) {
        bool columns = item->node->kind == OXY_E_COLUMN && g->nodes[i]->kind == OXY_E_COLUMN;

        if (columns ? same_column(item->node, g->nodes[i]) : item->field && g->fields[i] == item->field) {
            return true;
        }
    }
    return path_covered(g, item->name, 0);
}

/* --- GROUP BY --------------------------------------------------------------------------------- */

static bool has_column(const oxypy_plan *plan, oxy_sv name)
{
    for (uint32_t i = 0; i < plan->table.n_columns; i++) {
        if (oxy_sv_eq(plan->table.columns[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool is_column(const oxypy_scope *scope, oxy_sv name)
{
    bool is = has_column(scope->plan, name);

    for (const oxypy_joined *j = scope->joins; !is && j; j = j->next) {
        is = j->plan && has_column(j->plan, name);
    }
    return is;
}

/* A selected expression is grouped by its alias, so that its parameters are
 * bound once; where a column has the alias' name, SQL would mean the column. */
static const oxy_expr *group_of_item(oxypy_build *cx, const oxypy_out *item)
{
    oxy_sv name = oxypy_out_name(cx->scope, item);

    bool joined = item->node->kind == OXY_E_COLUMN && item->node->column.source->optional;

    if (!item->aliased || joined || !name.p || is_column(cx->scope, name)) {
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

        if (item && (item->aggregate || item->window)) {
            PyErr_Format(g->cx->st->exceptions[OXY_FIELD], "the %s '%U' cannot be grouped by",
                         item->window ? "window" : "aggregate", name);
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
        .entries = cx->scope->q->group_by,
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

/* Related rows are one for each row, but a server sees it only by their keys. */
int oxypy_group_joins(oxypy_build *cx, oxy_list *groups)
{
    const oxy_expr **nodes = NULL;
    uint32_t n = 0;

    for (uint32_t i = 0; i < groups->n; i++) {
        nodes = oxy_builder_append(cx->b, nodes, &n, sizeof(const oxy_expr *), &groups->items[i]);
        if (!nodes) {
            return -1;
        }
    }
    for (const oxypy_joined *j = cx->scope->joins; j; j = j->next) {
        for (uint32_t i = 0; j->relation && i < j->plan->n_pk; i++) {
            const oxy_expr *node = oxypy_joined_column(cx, cx->scope, j, &j->plan->fields[j->plan->pk[i]]);

            if (!node || !(nodes = oxy_builder_append(cx->b, nodes, &n, sizeof(const oxy_expr *), &node))) {
                return -1;
            }
        }
    }
    *groups = (oxy_list){nodes, n};
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

/* Windows over groups see what the groups have. 0 / -1. */
static int check_windows(oxypy_build *cx, const oxypy_selection *sel)
{
    bool any = false;

    for (uint32_t i = 0; i < sel->n; i++) {
        any = any || sel->items[i].window;
    }
    PyObject *list = any ? oxypy_group_entries(cx) : NULL, *entries = list ? PyList_AsTuple(list) : NULL;
    int rc = any && !entries ? -1 : 0;

    Py_XDECREF(list);
    for (uint32_t i = 0; entries && rc == 0 && i < sel->n; i++) {
        const groups g = {.cx = cx, .entries = entries};

        if (sel->items[i].window && !path_covered(&g, sel->items[i].name, 0)) {
            PyErr_Format(cx->st->exceptions[OXY_FIELD],
                         "the window '%U' is over groups and looks at what is no group's: name it in values() or "
                         "group_by(), or let the window look at an aggregate",
                         sel->items[i].name);
            rc = -1;
        }
    }
    Py_XDECREF(entries);
    return rc;
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
    if (check_windows(cx, sel) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < sel->n; i++) {
        const oxypy_out *item = &sel->items[i];

        if (!item->aggregate && !item->window && !(nodes[n++] = group_of_item(cx, item))) {
            return -1;
        }
    }
    *out = (oxy_list){nodes, n};
    return 0;
}

static int add_entry(oxypy_build *cx, PyObject *list, PyObject *entry, PyObject *expr)
{
    bool skipped = oxypy_has_aggregate(cx->st, cx->scope->q, expr) || oxypy_has_window(cx->st, cx->scope->q, expr, 0);

    return skipped ? 0 : PyList_Append(list, entry);
}

/* As group_given() and group_selected() find them. */
PyObject *oxypy_group_entries(oxypy_build *cx)
{
    oxypy_query *q = cx->scope->q;
    PyObject *name, *expr, *list = cx->scope->inner ? NULL : q->group_by ? PySequence_List(q->group_by) : NULL;
    Py_ssize_t pos = 0;
    int rc = 0;

    if (list || PyErr_Occurred() || !(list = PyList_New(0)) || cx->scope->inner) {
        return list;
    }
    for (Py_ssize_t i = 0; q->fields && rc == 0 && i < PyTuple_GET_SIZE(q->fields); i++) {
        PyObject *field = PyTuple_GET_ITEM(q->fields, i);
        PyObject *path = oxypy_is_expr(cx->st, field) ? ((oxypy_expr *)field)->data : field;
        oxypy_expr *alias = oxypy_alias_of(q, path);

        rc = add_entry(cx, list, path, alias ? (PyObject *)alias : path);
    }
    while (rc == 0 && q->exprs && PyDict_Next(q->exprs, &pos, &name, &expr)) {
        rc = add_entry(cx, list, name, expr);
    }
    if (rc < 0) {
        Py_CLEAR(list);
    }
    return list;
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
