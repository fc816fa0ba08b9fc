/* SPDX-License-Identifier: MIT */
/* Joins of a select. Whatever needs a related row, a path, an order, join(),
 * asks its scope; the same way is joined once. */
#include "relation.h"
#include "tree.h"

#include <string.h>

/* The path with "_" between its segments. Borrowed from the builder's arena. */
static oxy_sv alias_of(oxypy_build *cx, const oxypy_joined *parent, const oxypy_relation *relation)
{
    oxy_sv before = parent ? parent->source->alias : (oxy_sv){0};
    Py_ssize_t len;
    const char *name = PyUnicode_AsUTF8AndSize(relation->name, &len);
    char *text = name ? oxy_arena_new(cx->text, before.len + (size_t)len + 2) : NULL;
    size_t at = 0;

    if (!text) {
        return (oxy_sv){0};
    }
    if (before.len) {
        memcpy(text, before.p, before.len);
        text[before.len] = '_';
        at = before.len + 1;
    }
    memcpy(text + at, name, (size_t)len);
    return (oxy_sv){text, at + (size_t)len};
}

const oxy_expr *oxypy_joined_column(oxypy_build *cx, const oxypy_scope *scope, const oxypy_joined *at,
                                    const oxypy_field *field)
{
    return at ? oxy_col(cx->b, at->source, &at->plan->table.columns[field->column])
              : oxypy_build_column(cx, scope, field);
}

/* parent's fields equal to the joined row's. */
static const oxy_expr *condition_of(oxypy_build *cx, const oxypy_scope *scope, const oxypy_joined *joined)
{
    const oxypy_relation *r = joined->relation;
    const oxy_expr **parts = oxy_arena_new(cx->text, r->n_near * sizeof *parts);

    for (uint32_t i = 0; parts && i < r->n_near; i++) {
        const oxy_expr *near = oxypy_joined_column(cx, scope, joined->parent, r->near[i].from);
        const oxy_expr *own = near ? oxypy_joined_column(cx, scope, joined, r->near[i].to) : NULL;

        parts[i] = own ? oxy_binary(cx->b, OXY_OP_EQ, near, own) : NULL;
        if (!parts[i]) {
            return NULL;
        }
    }
    return parts ? oxy_logic(cx->b, false, parts, r->n_near) : NULL;
}

void oxypy_scope_add_join(oxypy_scope *scope, oxypy_joined *joined)
{
    if (scope->last_join) {
        scope->last_join->next = joined;
    } else {
        scope->joins = joined;
    }
    scope->last_join = joined;
}

/* Related rows are seen from within their own subqueries, where names keep their meaning. */
static oxypy_joined *find_join(const oxypy_scope *scope, const oxypy_joined *parent, const oxypy_relation *relation)
{
    for (;; scope = scope->outer) {
        for (oxypy_joined *j = scope->joins; j; j = j->next) {
            if (j->parent == parent && j->relation == relation) {
                return j;
            }
        }
        if (!scope->same_names) {
            return NULL;
        }
    }
}

oxypy_joined *oxypy_scope_join(oxypy_build *cx, oxypy_scope *scope, oxypy_joined *parent,
                               const oxypy_relation *relation)
{
    oxypy_joined *joined = find_join(scope, parent, relation);

    if (joined) {
        return joined;
    }
    oxy_sv alias = alias_of(cx, parent, relation);

    joined = alias.p ? oxy_arena_zero(cx->text, 1, sizeof *joined) : NULL;
    oxy_source *source = joined ? oxy_source_table(cx->b, &relation->target->table, alias) : NULL;

    if (!source || oxypy_note_plan(cx, relation->target) < 0) {
        return NULL;
    }
    source->optional = true;
    *joined = (oxypy_joined){.parent = parent, .relation = relation, .plan = relation->target, .source = source};
    joined->on = condition_of(cx, scope, joined);
    if (!joined->on) {
        return NULL;
    }
    oxypy_scope_add_join(scope, joined);
    return joined;
}

oxypy_joined *oxypy_scope_find_way(const oxypy_scope *scope, const oxypy_route *way, uint32_t n)
{
    oxypy_joined *at = NULL;

    for (uint32_t i = 0; i < n; i++) {
        at = find_join(scope, at, way->steps[i]);
        if (!at) {
            return NULL;
        }
    }
    return at;
}

int oxypy_scope_way(oxypy_build *cx, oxypy_scope *scope, const oxypy_route *way, uint32_t n, oxypy_joined **out)
{
    oxypy_joined *at = NULL;

    for (uint32_t i = 0; i < n; i++) {
        oxypy_joined *next = oxypy_relation_to_one(way->steps[i]) ? oxypy_scope_join(cx, scope, at, way->steps[i])
                                                                  : find_join(scope, at, way->steps[i]);

        if (!next) {
            if (!oxypy_relation_to_one(way->steps[i])) {
                PyErr_Format(cx->st->exceptions[OXY_LOOKUP],
                             "%s.%U leads to many rows, which have no single value here; use an aggregate, "
                             "any(), or keywords in filter() and exclude()",
                             (at ? at->plan : scope->plan)->model->tp_name, way->steps[i]->name);
            }
            return -1;
        }
        at = next;
    }
    *out = at;
    return 0;
}

const oxy_expr *oxypy_way_field(oxypy_build *cx, oxypy_scope *scope, const oxypy_route *way, uint32_t n,
                                const oxypy_field *field)
{
    const oxypy_field *local;
    oxypy_joined *at;

    while (n && (local = oxypy_relation_local(way->steps[n - 1], field))) {
        field = local;
        n--;
    }
    return oxypy_scope_way(cx, scope, way, n, &at) < 0 ? NULL : oxypy_joined_column(cx, scope, at, field);
}

const oxy_expr *oxypy_way_column(oxypy_build *cx, oxypy_scope *scope, const oxypy_route *way, const oxypy_field *field)
{
    return way ? oxypy_way_field(cx, scope, way, way->n, field) : oxypy_build_column(cx, scope, field);
}

const oxy_expr *oxypy_way_key(oxypy_build *cx, oxypy_scope *scope, const oxypy_route *way, const oxypy_key *key)
{
    const oxy_expr *parts[OXYPY_KEY_MAX];

    for (uint32_t i = 0; i < key->n; i++) {
        parts[i] = oxypy_way_column(cx, scope, way, key->fields[i]);
        if (!parts[i]) {
            return NULL;
        }
    }
    return key->n == 1 ? parts[0] : oxy_tuple(cx->b, parts, key->n);
}

/* One step of a path that may only lead to one row. */
static oxypy_joined *join_step(oxypy_build *cx, oxypy_scope *scope, oxypy_joined *at, PyObject *name, PyObject *path)
{
    oxypy_plan *plan = at ? at->plan : scope->plan;
    const oxypy_relation *relation;
    int found = oxypy_plan_relation(cx->st, plan, name, &relation);

    if (found < 0) {
        return NULL;
    }
    if (!found || !oxypy_relation_to_one(relation)) {
        PyErr_Format(cx->st->exceptions[OXY_LOOKUP],
                     found ? "%s.%U leads to many rows, which '%U' cannot join; use prefetch()"
                           : "%s has no relation '%U', which '%U' needs",
                     plan->model->tp_name, name, path);
        return NULL;
    }
    return oxypy_scope_join(cx, scope, at, relation);
}

oxypy_joined *oxypy_scope_join_path(oxypy_build *cx, oxypy_scope *scope, PyObject *path)
{
    PyObject *mark = PyUnicode_FromString("__");
    PyObject *segments = mark ? PyUnicode_Split(path, mark, -1) : NULL;
    oxypy_joined *at = NULL;

    for (Py_ssize_t i = 0; segments && i < PyList_GET_SIZE(segments); i++) {
        at = join_step(cx, scope, at, PyList_GET_ITEM(segments, i), path);
        if (!at) {
            break;
        }
    }
    Py_XDECREF(mark);
    Py_XDECREF(segments);
    return at;
}

int oxypy_scope_fill_joins(oxypy_build *cx, const oxypy_scope *scope, oxy_select *select)
{
    oxy_join *joins = NULL;

    select->n_joins = 0;
    for (const oxypy_joined *j = scope->joins; j; j = j->next) {
        oxy_join join = {.kind = j->kind, .source = j->source, .on = j->on};

        if (j->from) {
            continue;
        }
        joins = oxy_builder_append(cx->b, joins, &select->n_joins, sizeof join, &join);
        if (!joins) {
            return -1;
        }
    }
    select->joins = joins;
    return 0;
}
