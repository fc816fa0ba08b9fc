/* SPDX-License-Identifier: MIT */
/* SELECT of a query: source, conditions, order and limits put together. */
#include "link.h"
#include "relation.h"
#include "tree.h"

#include <string.h>

/* --- pieces ------------------------------------------------------------------------- */

/* A source needs an alias of its own where an enclosing query reads a table of
 * the same name. */
static oxy_sv source_alias(oxypy_build *cx, const oxypy_plan *plan, char text[24])
{
    for (const oxypy_scope *s = cx->scope; s; s = s->outer) {
        if (s->plan && oxy_sv_eq(s->plan->table.name, plan->table.name)) {
            return (oxy_sv){text, (size_t)PyOS_snprintf(text, 24, "u%u", ++cx->n_aliases)};
        }
    }
    return (oxy_sv){0};
}

const oxy_source *oxypy_wrap_select(oxypy_build *cx, const oxy_select *select)
{
    char alias[24];
    int n = PyOS_snprintf(alias, sizeof alias, "u%u", ++cx->n_aliases);

    return oxy_source_select(cx->b, select, (oxy_sv){alias, (size_t)n});
}

bool oxypy_lookup_is_key(const oxypy_plan *plan, const oxypy_lookup *lk, PyObject *value)
{
    return plan->n_pk == 1 && lk->field == &plan->fields[plan->pk[0]] && lk->op == OXYPY_L_EXACT && !lk->way &&
           lk->uid == plan->table.uid && oxypy_short_compares(lk) && value != Py_None;
}

/* Whether a keyword of the query says which row it is. */
static bool is_by_key(const oxypy_build *cx, const oxypy_query *q)
{
    for (Py_ssize_t i = 0; q->where && i < PyTuple_GET_SIZE(q->where); i++) {
        const oxypy_expr *e = (oxypy_expr *)PyTuple_GET_ITEM(q->where, i);

        if (e->kind == OXYPY_X_LOOKUP && PyTuple_GET_SIZE(e->data) == 3 &&
            !oxypy_is_deferred(cx->st, PyTuple_GET_ITEM(e->data, 1)) &&
            oxypy_lookup_is_key(cx->scope->plan, PyCapsule_GetPointer(PyTuple_GET_ITEM(e->data, 2), NULL),
                                PyTuple_GET_ITEM(e->data, 1))) {
            return true;
        }
    }
    return false;
}

int oxypy_fill_limits(oxypy_build *cx, const oxypy_query *q, int64_t limit, oxy_select *select)
{
    int64_t most = oxypy_most_rows(q, limit, limit > 1 && !q->sets && is_by_key(cx, q));

    if (most >= 0 && !(select->limit = oxypy_build_int(cx, most))) {
        return -1;
    }
    if (q->offset > 0 && !(select->offset = oxypy_build_int(cx, q->offset))) {
        return -1;
    }
    return 0;
}

/* Whether path is one of the joined ones, or the beginning of one. */
static bool is_joined(const oxypy_query *q, PyObject *path)
{
    for (Py_ssize_t i = 0; q->joins && i < PyTuple_GET_SIZE(q->joins); i++) {
        if (oxypy_path_begins(PyTuple_GET_ITEM(q->joins, i), path)) {
            return true;
        }
    }
    return false;
}

/* PostgreSQL locks no row on the outer side of a join: where every row has its
 * related one, the join need not be outer. */
static void join_inside(oxypy_joined *joined)
{
    for (const oxypy_joined *j = joined; j; j = j->parent) {
        if (j->relation->kind != OXYPY_REL_FORWARD || j->relation->nullable) {
            return;
        }
    }
    for (oxypy_joined *j = joined; j; j = j->parent) {
        j->kind = OXY_JOIN_INNER;
    }
}

/* What one name of of= locks: "self", or the path of a joined relation. */
static const oxy_source *locked_source(oxypy_build *cx, const oxypy_query *q, PyObject *name)
{
    if (PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, "self") == 0) {
        return cx->scope->source;
    }
    if (!PyUnicode_Check(name) || !is_joined(q, name)) {
        PyErr_Format(cx->st->exceptions[OXY_LOOKUP], "of=%R names no joined relation of %s; add .join(%R)", name,
                     cx->scope->plan->model->tp_name, name);
        return NULL;
    }
    oxypy_joined *joined = oxypy_scope_join_path(cx, cx->scope, name);

    if (!joined) {
        return NULL;
    }
    join_inside(joined);
    return joined->source;
}

static int fill_lock(oxypy_build *cx, const oxypy_query *q, oxypy_use use, oxy_select *select)
{
    int kind, nowait, skip;
    PyObject *of;

    if (!q->lock || (use != OXYPY_USE_ROWS && use != OXYPY_USE_EXISTS)) {
        return 0;
    }
    if (!PyArg_ParseTuple(q->lock, "ippO", &kind, &nowait, &skip, &of)) {
        return -1;
    }
    PyObject *names = PySequence_Tuple(of);

    if (!names) {
        return -1;
    }
    const oxy_source **sources = NULL;
    uint32_t n = 0;
    int rc = 0;

    for (Py_ssize_t i = 0; rc == 0 && i < PyTuple_GET_SIZE(names); i++) {
        const oxy_source *source = locked_source(cx, q, PyTuple_GET_ITEM(names, i));

        sources = source ? oxy_builder_append(cx->b, sources, &n, sizeof(const oxy_source *), &source) : NULL;
        rc = sources ? 0 : -1;
    }
    Py_DECREF(names);
    if (rc < 0) {
        return oxypy_build_failed(cx);
    }
    select->lock =
        (oxy_lock){.kind = (oxy_lock_kind)kind, .nowait = nowait, .skip_locked = skip, .of = sources, .n_of = n};
    return 0;
}

/* Conditions over aggregates belong to HAVING, wherever they were given. */
static int fill_conditions(oxypy_build *cx, oxypy_query *q, oxy_select *select)
{
    if (oxypy_where_gather(q) < 0) {
        return -1;
    }
    uint32_t n = q->where ? (uint32_t)PyTuple_GET_SIZE(q->where) : 0;
    uint32_t n_having = q->having ? (uint32_t)PyTuple_GET_SIZE(q->having) : 0, n_where = 0, n_groups = 0;
    const oxy_expr **items = n + n_having ? oxy_arena_new(cx->text, (n + n_having) * sizeof *items) : NULL;
    /* Where nothing is grouped, having() is about what each row has of many others. */
    bool whole = n_having && (q->group_by || oxypy_query_aggregates(cx->st, q));

    if (n + n_having == 0 && !q->empty) {
        return 0;
    }
    for (uint32_t i = 0; items && i < n + n_having; i++) {
        bool given = i >= n; /* to having() */
        PyObject *condition = given ? PyTuple_GET_ITEM(q->having, i - n) : PyTuple_GET_ITEM(q->where, i);
        bool groups = (given && whole) || oxypy_has_aggregate(cx->st, q, condition);

        if (given && oxypy_check_no_window(cx->st, condition) < 0) {
            return -1;
        }

        cx->scope->aggregates = groups;
        const oxy_expr *node = oxypy_build_condition(cx, condition);

        if (!node) {
            return -1;
        }
        if (groups) {
            items[n + n_having - ++n_groups] = node;
        } else {
            items[n_where++] = node;
        }
    }
    if (n + n_having && !items) {
        PyErr_NoMemory();
        return -1;
    }
    if (n_where == 1) {
        select->where = items[0];
    } else if (n_where && !(select->where = oxy_logic(cx->b, false, items, n_where))) {
        return -1;
    }
    if (q->empty && !(select->where = oxy_bool(cx->b, false))) {
        return -1;
    }
    if (n_groups) { /* they stand at the end, last first */
        for (uint32_t i = 0, at = n_where; i < n_groups / 2; i++) {
            const oxy_expr *swap = items[at + i];

            items[at + i] = items[at + n_groups - 1 - i];
            items[at + n_groups - 1 - i] = swap;
        }
        select->having = n_groups == 1 ? items[n_where] : oxy_logic(cx->b, false, items + n_where, n_groups);
        return select->having ? 0 : -1;
    }
    return 0;
}

int oxypy_fill_where(oxypy_build *cx, oxy_select *select)
{
    oxypy_query *q = cx->scope->q;
    const oxy_expr **items = NULL;
    uint32_t n = 0;

    if (oxypy_where_gather(q) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; q->where && i < PyTuple_GET_SIZE(q->where); i++) {
        PyObject *condition = PyTuple_GET_ITEM(q->where, i);

        if (oxypy_has_aggregate(cx->st, q, condition)) {
            continue;
        }
        const oxy_expr *node = oxypy_build_condition(cx, condition);

        if (!node || !(items = oxy_builder_append(cx->b, items, &n, sizeof(const oxy_expr *), &node))) {
            return -1;
        }
    }
    return n == 0 || (select->where = oxy_logic(cx->b, false, items, n)) ? 0 : -1;
}

static int fill_distinct(oxypy_build *cx, oxypy_query *q, oxy_select *select)
{
    Py_ssize_t n = q->distinct_on ? PyTuple_GET_SIZE(q->distinct_on) : 0;
    const oxy_expr **items = NULL;
    uint32_t count = 0;

    select->distinct = q->distinct;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *entry = PyTuple_GET_ITEM(q->distinct_on, i);
        const oxypy_field *field;
        const oxy_expr *node =
            PyUnicode_Check(entry) ? oxypy_build_path(cx, entry, &field) : oxypy_build_operand(cx, entry, NULL);

        if (!node || !(items = oxy_builder_append(cx->b, items, &count, sizeof(const oxy_expr *), &node))) {
            return -1;
        }
    }
    select->distinct_on = (oxy_list){items, count};
    return 0;
}

/* Whether the rows can be counted without looking at what is selected. */
static bool plain_rows(oxypy_build *cx, oxypy_query *q)
{
    return !q->distinct && !q->distinct_on && !q->group_by && !q->having && !oxypy_query_aggregates(cx->st, q);
}

static int any_column(oxypy_build *cx, oxypy_selection *sel)
{
    const oxypy_plan *plan = cx->scope->plan;
    const oxypy_field *field = &plan->fields[plan->n_pk ? plan->pk[0] : 0];
    const oxy_expr *node;

    if (cx->scope->inner) {
        const oxypy_out *out = &cx->scope->inner->items[0];

        node = oxy_named(cx->b, cx->scope->source, oxypy_out_name(cx->scope, out), &out->node->type);
        return node ? oxypy_selection_add(cx, sel, (oxypy_out){.node = node, .name = out->name}) : -1;
    }
    if (!plan->n_fields) {
        (void)oxypy_build_refuse(cx, OXY_FIELD, "a table without columns cannot be read");
        return -1;
    }
    node = oxypy_build_column(cx, cx->scope, field);
    return node ? oxypy_selection_add(cx, sel, (oxypy_out){.node = node, .field = field, .name = field->name}) : -1;
}

/* The order of rows of a relation that have none of their own, if they need one. */
static int order_links(oxypy_build *cx, oxypy_query *q, oxypy_selection *sel, bool grouped, oxy_orders *order)
{
    int unordered = oxypy_link_unordered(cx, q, sel, grouped, order);

    return unordered != 0 ? (unordered < 0 ? -1 : 0) : oxypy_link_order(cx, q, sel, grouped, order);
}

int oxypy_fill_select(oxypy_build *cx, oxypy_query *q, oxypy_use use, int64_t limit, oxy_select *select,
                      oxypy_selection *sel)
{
    bool counted = (use == OXYPY_USE_COUNT || use == OXYPY_USE_EXISTS) && plain_rows(cx, q);
    bool limited = q->limit >= 0 || q->offset > 0, linked = q->link && use == OXYPY_USE_ROWS;

    if (q->mode == OXYPY_MODE_MODELS && q->group_by && use != OXYPY_USE_PK) {
        PyErr_SetString(PyExc_TypeError, "group_by() gives groups, not models: add .values() or .values_list()");
        return -1;
    }
    cx->scope->grouped = oxypy_query_grouped(cx->st, q);
    cx->scope->aggregates = true;
    if ((counted ? any_column(cx, sel) : oxypy_build_selection(cx, use, sel)) < 0 ||
        fill_conditions(cx, q, select) < 0 || (linked && oxypy_link_begin(cx, q, select, sel) < 0)) {
        return -1;
    }
    cx->scope->aggregates = false;
    if (!counted && oxypy_build_groups(cx, sel, &select->group_by) < 0) {
        return -1;
    }
    cx->scope->aggregates = true;
    bool grouped = select->group_by.n || select->having || oxypy_query_aggregates(cx->st, q);
    bool keeps_order = use == OXYPY_USE_ROWS || use == OXYPY_USE_VALUE ||
                       (limited && use != OXYPY_USE_COUNT && use != OXYPY_USE_EXISTS) || q->distinct_on;
    bool with_default = !grouped && (use == OXYPY_USE_ROWS || limited);

    if (fill_distinct(cx, q, select) < 0 ||
        (keeps_order && oxypy_build_order(cx, sel, with_default, false, &select->order) < 0) ||
        (linked && order_links(cx, q, sel, grouped, &select->order) < 0) ||
        (!linked && oxypy_fill_limits(cx, q, limit, select) < 0) || fill_lock(cx, q, use, select) < 0) {
        return -1;
    }
    select->items = oxypy_selection_items(cx, sel);
    select->n_items = sel->n;
    if (q->mode == OXYPY_MODE_MODELS && select->group_by.n && oxypy_group_joins(cx, &select->group_by) < 0) {
        return -1;
    }
    if (!select->items || oxypy_scope_fill_joins(cx, cx->scope, select) < 0) {
        return -1;
    }
    return linked ? oxypy_link_end(cx, q, select, sel) : 0;
}

/* --- one entry -------------------------------------------------------------------------- */

/* Plans other than the root's are named by types of the compiled statement. */
int oxypy_note_plan(oxypy_build *cx, oxypy_plan *plan)
{
    if (!cx->plans && !(cx->plans = PyList_New(0))) {
        return -1;
    }
    return PyList_Append(cx->plans, (PyObject *)plan);
}

oxy_select *oxypy_build_select(oxypy_build *cx, oxypy_query *q, oxypy_use use, int64_t limit, oxypy_scope *scope,
                               oxypy_selection *sel)
{
    oxypy_plan *plan = oxypy_plan_of(cx->st, q->model);
    oxypy_selection own = {0};
    char alias[24];

    if (!plan || (cx->scope && oxypy_note_plan(cx, plan) < 0)) {
        return NULL;
    }
    if (cx->depth >= OXY_MAX_DEPTH) {
        PyErr_Format(PyExc_ValueError, "the query is nested deeper than %d levels", OXY_MAX_DEPTH);
        return NULL;
    }
    scope->plan = plan;
    scope->q = q;
    scope->outer = cx->scope;
    if (q->sets) {
        cx->depth++;
        oxy_select *combined = oxypy_build_combined(cx, q, use, limit, scope, sel ? sel : &own);

        cx->depth--;
        return combined;
    }
    if (oxypy_filters_windows(cx->st, q)) {
        cx->depth++;
        oxy_select *above = oxypy_build_over_windows(cx, q, use, limit, scope, sel ? sel : &own);

        cx->depth--;
        return above;
    }
    oxy_select *select = oxy_arena_zero(&cx->b->arena, 1, sizeof *select);

    if (!select) {
        PyErr_NoMemory();
        return NULL;
    }
    scope->source = oxy_source_table(cx->b, &plan->table, source_alias(cx, plan, alias));
    if (!scope->source) {
        return NULL;
    }
    select->from = scope->source;
    cx->scope = scope;
    cx->depth++;
    int rc = oxypy_fill_select(cx, q, use, limit, select, sel ? sel : &own);

    cx->depth--;
    cx->scope = scope->outer;
    return rc < 0 ? NULL : select;
}
