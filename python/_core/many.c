/* SPDX-License-Identifier: MIT */
/* Rows at the other end of relations to many. A condition about them is an
 * EXISTS of its own, so that rows of the query are never multiplied. */
#include "relation.h"
#include "tree.h"

#include <string.h>

uint32_t oxypy_way_open(const oxypy_scope *scope, const oxypy_route *way)
{
    for (uint32_t i = 0; i < way->n; i++) {
        if (!oxypy_relation_to_one(way->steps[i]) && !oxypy_scope_find_way(scope, way, i + 1)) {
            return i + 1;
        }
    }
    return 0;
}

/* --- the select -------------------------------------------------------------------------- */

static oxypy_joined *new_source(oxypy_build *cx, oxypy_plan *plan, oxypy_joined *parent)
{
    oxypy_joined *joined = oxy_arena_zero(cx->text, 1, sizeof *joined);
    oxy_source *source = joined ? oxy_source_table(cx->b, &plan->table, (oxy_sv){0}) : NULL;

    if (!source || oxypy_note_plan(cx, plan) < 0) {
        return NULL;
    }
    *joined = (oxypy_joined){.parent = parent, .plan = plan, .source = source, .kind = OXY_JOIN_INNER};
    return joined;
}

static const oxy_expr *column_of(oxypy_build *cx, const oxypy_joined *at, const oxypy_field *field)
{
    return oxy_col(cx->b, at->source, &at->plan->table.columns[field->column]);
}

/* Pairs of fields equal; the first of each pair stands in `from` or, if that is
 * NULL, at the end of `n` steps of the way in the scope around. */
static const oxy_expr *pairs_equal(oxypy_build *cx, const oxypy_pair *pairs, uint32_t n_pairs, const oxypy_joined *from,
                                   const oxypy_route *way, uint32_t n, oxypy_scope *around, const oxypy_joined *to)
{
    const oxy_expr **parts = oxy_arena_new(cx->text, n_pairs * sizeof *parts);

    for (uint32_t i = 0; parts && i < n_pairs; i++) {
        const oxy_expr *left =
            from ? column_of(cx, from, pairs[i].from) : oxypy_way_field(cx, around, way, n, pairs[i].from);
        const oxy_expr *right = left ? column_of(cx, to, pairs[i].to) : NULL;

        parts[i] = right ? oxy_binary(cx->b, OXY_OP_EQ, right, left) : NULL;
        if (!parts[i]) {
            return NULL;
        }
    }
    return parts ? oxy_logic(cx->b, false, parts, n_pairs) : NULL;
}

/* Step i, to many rows: joined to `at` or, if that is NULL and a select is given,
 * in its FROM, equal to the row around, which `before` leads to. */
static oxypy_joined *many_step(oxypy_build *cx, const oxypy_route *way, uint32_t i, oxypy_joined *at,
                               oxypy_joined *before, oxypy_scope *inner, oxy_select *select)
{
    const oxypy_relation *r = way->steps[i];
    oxypy_joined *near = new_source(cx, r->through ? r->through : r->target, at), *joined = near;
    oxypy_scope *around = select ? inner->outer : inner;
    const oxy_expr *on = near ? pairs_equal(cx, r->near, r->n_near, at, way, i, around, near) : NULL;

    if (!on) {
        return NULL;
    }
    if (at || !select) {
        near->on = on;
    } else {
        select->from = near->source;
        select->where = on;
        near->from = true;
    }
    oxypy_scope_add_join(inner, near);
    if (r->through) {
        joined = new_source(cx, r->target, near);
        joined =
            joined && (joined->on = pairs_equal(cx, r->far, r->n_far, near, NULL, 0, NULL, joined)) ? joined : NULL;
        if (!joined) {
            return NULL;
        }
        oxypy_scope_add_join(inner, joined);
    }
    joined->relation = r;
    joined->parent = at ? at : before;
    return joined;
}

/* From here on the rows are known by the way that led to them, seen from the
 * scope around; or they are what the names mean. */
static void name_rows(oxypy_scope *inner, oxypy_joined *last, bool own)
{
    const oxypy_scope *around = inner->outer;

    inner->same_names = !own;
    if (own) {
        for (oxypy_joined *j = inner->joins; j; j = j->next) {
            j->relation = NULL;
        }
        inner->plan = last->plan;
        inner->source = last->source;
        return;
    }
    inner->plan = around->plan;
    inner->q = around->q;
    inner->source = around->source;
    inner->inner = around->inner;
}

oxy_select *oxypy_related_select(oxypy_build *cx, const oxypy_route *way, uint32_t first, uint32_t n, bool own,
                                 oxypy_scope *inner)
{
    oxy_select *select = oxy_arena_zero(&cx->b->arena, 1, sizeof *select);
    oxypy_joined *at = NULL, *before = NULL;

    if (!select) {
        PyErr_NoMemory();
        return NULL;
    }
    inner->outer = cx->scope;
    inner->related = true;
    if (oxypy_scope_way(cx, cx->scope, way, first - 1, &before) < 0) {
        return NULL;
    }
    for (uint32_t i = first - 1; i < n; i++) {
        at = oxypy_relation_to_one(way->steps[i]) ? oxypy_scope_join(cx, inner, at, way->steps[i])
                                                  : many_step(cx, way, i, at, before, inner, select);
        if (!at) {
            return NULL;
        }
    }
    name_rows(inner, at, own);
    cx->scope = inner;
    return select;
}

int oxypy_route_join(oxypy_build *cx, const oxypy_route *route, oxypy_scope *scope)
{
    oxypy_joined *at = NULL;

    for (uint32_t i = 0; i < route->n; i++) {
        at = oxypy_relation_to_one(route->steps[i]) ? oxypy_scope_join(cx, scope, at, route->steps[i])
                                                    : many_step(cx, route, i, at, NULL, scope, NULL);
        if (!at) {
            return -1;
        }
    }
    return 0;
}

/* --- EXISTS -------------------------------------------------------------------------------- */

static const oxy_expr *exists(oxypy_build *cx, oxypy_scope *inner, oxy_select *select, const oxy_expr *condition)
{
    const oxy_expr *both[2] = {select->where, condition};

    cx->scope = inner->outer;
    if (condition && !(select->where = oxy_logic(cx->b, false, both, 2))) {
        return NULL;
    }
    return oxypy_scope_fill_joins(cx, inner, select) < 0 ? NULL : oxy_exists(cx->b, select);
}

bool oxypy_lookup_absence(const oxypy_lookup *lk, PyObject *value)
{
    bool equal = lk->op == OXYPY_L_EXACT || lk->op == OXYPY_L_NE;

    return lk->relation && !oxypy_relation_to_one(lk->relation) &&
           (lk->op == OXYPY_L_ISNULL || (equal && value == Py_None));
}

static const oxypy_lookup *lookup_of(PyObject *node, PyObject **value)
{
    PyObject *data = ((oxypy_expr *)node)->data;

    *value = PyTuple_GET_ITEM(data, 1);
    return PyCapsule_GetPointer(PyTuple_GET_ITEM(data, 2), NULL);
}

static const oxy_expr *build_absence(oxypy_build *cx, const oxypy_lookup *lk, PyObject *value, uint32_t open)
{
    oxypy_scope *inner = oxy_arena_zero(cx->text, 1, sizeof *inner);
    bool absent = lk->op == OXYPY_L_ISNULL ? value == Py_True : lk->op == OXYPY_L_EXACT;
    oxy_select *select = inner ? oxypy_related_select(cx, lk->way, open, open, false, inner) : NULL;
    const oxy_expr *any = select ? exists(cx, inner, select, NULL) : NULL;

    return any && absent ? oxy_not(cx->b, any) : any;
}

static bool same_steps(const oxypy_route *a, const oxypy_route *b, uint32_t n)
{
    return a->n >= n && b->n >= n && memcmp(a->steps, b->steps, n * sizeof a->steps[0]) == 0;
}

static const oxy_expr *build_nodes(oxypy_build *cx, PyObject *const *nodes, uint32_t n);

/* All that is said of one row; those that go on to many others are taken
 * together where they go the same way. NULL on failure. */
static const oxy_expr *conditions_of(oxypy_build *cx, PyObject *const *nodes, uint32_t n)
{
    const oxy_expr **parts = oxy_arena_new(cx->text, n * sizeof *parts);
    PyObject **left = oxy_arena_new(cx->text, n * sizeof *left), **group = oxy_arena_new(cx->text, n * sizeof *group);
    uint32_t n_parts = 0;

    if (!parts || !left || !group) {
        PyErr_NoMemory();
        return NULL;
    }
    memcpy(left, nodes, n * sizeof *left);
    for (uint32_t i = 0; i < n; i++) {
        PyObject *value;
        const oxypy_lookup *lk = left[i] ? lookup_of(left[i], &value) : NULL;
        uint32_t open = lk ? oxypy_way_open(cx->scope, lk->way) : 0, n_group = 0;

        if (!lk) {
            continue; /* part of an earlier group */
        }
        group[n_group++] = left[i];
        for (uint32_t k = i + 1; open && !oxypy_lookup_absence(lk, value) && k < n; k++) {
            const oxypy_lookup *other = left[k] ? lookup_of(left[k], &value) : NULL;

            if (other && same_steps(lk->way, other->way, open) && !oxypy_lookup_absence(other, value)) {
                group[n_group++] = left[k];
                left[k] = NULL;
            }
        }
        parts[n_parts] = open ? build_nodes(cx, group, n_group) : oxypy_build_lookup(cx, left[i]);
        if (!parts[n_parts++]) {
            return NULL;
        }
    }
    return oxy_logic(cx->b, false, parts, n_parts);
}

/* EXISTS of a row of which all these lookups hold; they go the same way to it. */
static const oxy_expr *build_nodes(oxypy_build *cx, PyObject *const *nodes, uint32_t n)
{
    PyObject *value;
    const oxypy_lookup *lk = lookup_of(nodes[0], &value);
    uint32_t open = oxypy_way_open(cx->scope, lk->way);

    if (open == lk->way->n && oxypy_lookup_absence(lk, value)) {
        return build_absence(cx, lk, value, open);
    }
    oxypy_scope *inner = oxy_arena_zero(cx->text, 1, sizeof *inner);
    oxy_select *select = inner ? oxypy_related_select(cx, lk->way, open, open, false, inner) : NULL;
    const oxy_expr *condition = select ? conditions_of(cx, nodes, n) : NULL;

    return condition ? exists(cx, inner, select, condition) : NULL;
}

const oxy_expr *oxypy_related_lookup(oxypy_build *cx, PyObject *node)
{
    return build_nodes(cx, &node, 1);
}

/* --- any() ------------------------------------------------------------------------------------ */

static uint32_t first_many(const oxypy_route *way)
{
    uint32_t i = 0;

    while (i < way->n && oxypy_relation_to_one(way->steps[i])) {
        i++;
    }
    return i + 1;
}

int oxypy_any_target(oxypy_state *st, oxypy_plan *plan, PyObject *path, oxypy_name *name)
{
    if (oxypy_name_resolve(st, plan, NULL, path, name) < 0) {
        return -1;
    }
    if (name->relation && !oxypy_relation_to_one(name->relation) && !name->rest) {
        return 0;
    }
    PyErr_Format(st->exceptions[OXY_LOOKUP], "%s: any() follows a relation to many rows, which '%U' is not",
                 plan->model->tp_name, path);
    oxypy_name_fini(name);
    return -1;
}

/* Conditions in the names of the related model. */
static const oxy_expr *build_given(oxypy_build *cx, oxypy_expr *e)
{
    oxypy_scope *inner = oxy_arena_zero(cx->text, 1, sizeof *inner);
    oxypy_name name;

    if (!inner || oxypy_any_target(cx->st, cx->scope->plan, e->data, &name) < 0) {
        return NULL;
    }
    bool none = PyTuple_GET_SIZE(e->args) == 0;
    oxy_select *select = oxypy_related_select(cx, &name.way, first_many(&name.way), name.way.n, true, inner);
    const oxy_expr *condition = select && !none ? oxypy_build_conditions(cx, e->args) : NULL;

    oxypy_name_fini(&name);
    return select && (condition || none) ? exists(cx, inner, select, condition) : NULL;
}

/* The keywords resolved again, together as before: the model has another plan
 * than it had when the query was made. */
static const oxy_expr *build_again(oxypy_build *cx, oxypy_expr *e)
{
    PyObject *list = PyList_New(0);
    const oxy_expr *node = NULL;

    for (Py_ssize_t i = 0; list && i < PyTuple_GET_SIZE(e->args); i++) {
        PyObject *data = ((oxypy_expr *)PyTuple_GET_ITEM(e->args, i))->data;

        if (oxypy_condition_keyword(cx->st, cx->scope->plan, NULL, PyTuple_GET_ITEM(data, 0), PyTuple_GET_ITEM(data, 1),
                                    list, 0) < 0) {
            Py_CLEAR(list);
        }
    }
    PyObject *all = list ? PyList_AsTuple(list) : NULL;

    node = all ? oxypy_build_conditions(cx, all) : NULL;
    Py_XDECREF(all);
    Py_XDECREF(list);
    return node;
}

const oxy_expr *oxypy_build_any(oxypy_build *cx, oxypy_expr *e)
{
    PyObject *value;

    if (e->op == OXYPY_ANY_KEYWORDS) {
        return lookup_of(PyTuple_GET_ITEM(e->args, 0), &value)->uid == cx->scope->plan->table.uid
                   ? build_nodes(cx, ((PyTupleObject *)e->args)->ob_item, (uint32_t)PyTuple_GET_SIZE(e->args))
                   : build_again(cx, e);
    }
    if (e->op == OXYPY_ANY_CHECKED) {
        return build_given(cx, e);
    }
    PyObject *checked = oxypy_condition(cx->st, cx->scope->plan, cx->scope->q, (PyObject *)e);
    const oxy_expr *node = checked ? build_given(cx, (oxypy_expr *)checked) : NULL;

    Py_XDECREF(checked);
    return node;
}
