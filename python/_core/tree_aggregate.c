/* SPDX-License-Identifier: MIT */
/* Aggregates: of the query's own rows, and of the many rows that a path leads
 * to. The latter are computed in subqueries, so that nothing multiplies: one per
 * row or, where rows are grouped, aggregated once more over the group. */
#include "relation.h"
#include "tree.h"

#include <string.h>

/* Kinds of values as bits. */
#define BIT(kind) ((uint64_t)1 << OXY_K_##kind)
#define NUMBERS (BIT(INT) | BIT(DOUBLE) | BIT(DECIMAL) | BIT(BOOL))
static_assert(OXY_K_COUNT <= 64, "a kind is a bit");

/* What an aggregate takes; kinds 0: anything. */
static const struct taken {
    uint64_t kinds;
    const char *words;
} taken[OXY_AGG_COUNT_] = {
    [OXY_AGG_SUM] = {NUMBERS | BIT(TIMEDELTA) | BIT(INTERVAL), "numbers and timedeltas"},
    [OXY_AGG_AVG] = {NUMBERS | BIT(TIMEDELTA) | BIT(INTERVAL), "numbers and timedeltas"},
    [OXY_AGG_STDDEV] = {NUMBERS, "numbers"},
    [OXY_AGG_VARIANCE] = {NUMBERS, "numbers"},
    [OXY_AGG_STRING_AGG] = {BIT(STRING) | BIT(TEXT), "texts"},
    [OXY_AGG_BOOL_AND] = {BIT(BOOL), "truth values"},
    [OXY_AGG_BOOL_OR] = {BIT(BOOL), "truth values"},
};

/* Members of a list are decoded by their kind, which knows nothing of a field's enum. */
static int check_listed(oxypy_build *cx, PyObject *arg)
{
    const oxypy_field *field = oxypy_is_expr(cx->st, arg) ? oxypy_field_shown(cx, (oxypy_expr *)arg) : NULL;

    if (!field || field->load != OXYPY_LOAD_ENUM) {
        return 0;
    }
    PyErr_Format(cx->st->exceptions[OXY_FIELD],
                 "ArrayAgg cannot list the enum members of %s.%U; Cast(...) it to the type of their values",
                 field->plan->model->tp_name, field->name);
    return -1;
}

static int check_taken(oxypy_build *cx, oxypy_expr *e, oxy_aggfn op, const oxy_expr *arg)
{
    oxy_kind kind = arg->type.kind;

    if (op == OXY_AGG_ARRAY_AGG && check_listed(cx, PyTuple_GET_ITEM(e->args, 0)) < 0) {
        return -1;
    }
    if (taken[op].kinds == 0 || kind == OXY_K_UNKNOWN || arg->kind == OXY_E_JSON_PATH ||
        (taken[op].kinds >> kind & 1) != 0) {
        return 0;
    }
    PyErr_Format(cx->st->exceptions[OXY_FIELD], "%s takes %s, not a value of kind '%s'", oxy_agg_name(op),
                 taken[op].words, oxy_kind_name(kind));
    return -1;
}

/* data of AGG: (distinct, filter, default, None or (separator, terms of its order)) */
typedef struct parts {
    bool distinct;
    PyObject *filter, *deflt, *separator, *order; /* borrowed, or NULL */
} parts;

static parts parts_of(const oxypy_expr *e)
{
    PyObject *items[4] = {Py_False, Py_None, Py_None, Py_None};

    for (Py_ssize_t i = 0; PyTuple_Check(e->data) && i < PyTuple_GET_SIZE(e->data) && i < 4; i++) {
        items[i] = PyTuple_GET_ITEM(e->data, i);
    }
    bool more =
        PyTuple_Check(items[3]) && PyTuple_GET_SIZE(items[3]) == 2 && PyTuple_Check(PyTuple_GET_ITEM(items[3], 1));
    PyObject *separator = more ? PyTuple_GET_ITEM(items[3], 0) : Py_None;

    return (parts){
        .distinct = items[0] == Py_True,
        .filter = items[1] == Py_None ? NULL : items[1],
        .deflt = items[2] == Py_None ? NULL : items[2],
        .separator = separator == Py_None ? NULL : separator,
        .order = more ? PyTuple_GET_ITEM(items[3], 1) : NULL,
    };
}

static const oxy_expr *build_default(oxypy_build *cx, oxypy_expr *e, PyObject *deflt, const oxy_expr *arg)
{
    bool like_arg = e->op == OXY_AGG_MAX || e->op == OXY_AGG_MIN;

    return like_arg ? oxypy_build_beside(cx, deflt, arg, oxypy_field_shown(cx, e))
                    : oxypy_build_operand(cx, deflt, NULL);
}

/* What stands between the values, and their order. 0 / -1. */
static int build_extra(oxypy_build *cx, const parts *p, oxy_expr *init)
{
    if (p->separator && !(init->agg.separator = oxypy_build_operand(cx, p->separator, NULL))) {
        return -1;
    }
    return p->order ? oxypy_build_terms(cx, p->order, 0, &init->agg.order) : 0;
}

/* --- of own rows --------------------------------------------------------------------------------- */

/* nested: what is aggregated may be an aggregate itself, as over groups in a window. */
static const oxy_expr *build_own(oxypy_build *cx, oxypy_expr *e, bool nested)
{
    const parts p = parts_of(e);
    oxy_expr init = {.kind = OXY_E_AGG};
    oxypy_scope *scope = cx->scope;
    bool aggregates = scope->aggregates;

    if (!aggregates && !nested) {
        return oxypy_build_refuse(cx, OXY_FIELD, "an aggregate is not allowed here");
    }
    if (oxypy_has_window(cx->st, scope->q, PyTuple_GET_ITEM(e->args, 0), 0)) {
        return oxypy_build_refuse(cx, OXY_FIELD, "an aggregate cannot look at a window: read the rows first");
    }
    scope->aggregates = aggregates && nested;
    init.agg.fn = (oxy_aggfn)e->op;
    init.agg.distinct = p.distinct;
    init.agg.arg = oxypy_build_operand(cx, PyTuple_GET_ITEM(e->args, 0), NULL);
    if (init.agg.arg && p.filter) {
        init.agg.filter = oxypy_build_condition(cx, p.filter);
    }
    int extra = init.agg.arg ? build_extra(cx, &p, &init) : -1;

    scope->aggregates = aggregates;
    if (extra < 0 || (p.filter && !init.agg.filter) || check_taken(cx, e, (oxy_aggfn)e->op, init.agg.arg) < 0 ||
        (p.deflt && !(init.agg.deflt = build_default(cx, e, p.deflt, init.agg.arg)))) {
        return NULL;
    }
    return oxy_agg(cx->b, &init);
}

/* --- what leads to many rows ------------------------------------------------------------------------- */

static bool same_steps(const oxypy_route *a, const oxypy_route *b, uint32_t n)
{
    return memcmp(a->steps, b->steps, n * sizeof a->steps[0]) == 0;
}

/* The steps up to the last that leads to many rows. */
static uint32_t many_steps(const oxypy_route *route)
{
    uint32_t n = route->n;

    while (n && oxypy_relation_to_one(route->steps[n - 1])) {
        n--;
    }
    return n;
}

/* Takes the way of a name into *route. 1: it leads to many rows, 0, -1. */
static int take_route(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, const oxypy_scope *scope, PyObject *path,
                      oxypy_route *route)
{
    oxypy_name name;

    if (!PyUnicode_CheckExact(path) || oxypy_name_resolve(st, plan, q, path, &name) < 0) {
        PyErr_Clear(); /* said where the name is built */
        return 0;
    }
    oxypy_route way = name.way;

    oxypy_name_fini(&name);
    way.n = many_steps(&way);
    if (!way.n || (scope && !oxypy_way_open(scope, &way))) {
        return 0;
    }
    if (!same_steps(&way, route, way.n < route->n ? way.n : route->n)) {
        PyErr_Format(st->exceptions[OXY_LOOKUP],
                     "%s: an aggregate follows one relation to many rows, not '%U' and another; use one aggregate for "
                     "each",
                     plan->model->tp_name, path);
        return -1;
    }
    if (way.n > route->n) {
        *route = way;
    }
    return 1;
}

static int find_route(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, const oxypy_scope *scope, PyObject *expr,
                      oxypy_route *route, int depth)
{
    oxypy_expr *e = (oxypy_expr *)expr;
    int found = 0;

    if (!oxypy_is_expr(st, expr) || depth > OXY_MAX_DEPTH) {
        return 0;
    }
    switch ((oxypy_expr_kind)e->kind) {
    case OXYPY_X_NAME: return take_route(st, plan, q, scope, e->data, route);
    case OXYPY_X_AGG:
    case OXYPY_X_ANY: return 0;
    default: break;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(e->args); i++) {
        int rc = find_route(st, plan, q, scope, PyTuple_GET_ITEM(e->args, i), route, depth + 1);

        if (rc < 0) {
            return -1;
        }
        found = found || rc;
    }
    return found;
}

bool oxypy_aggregate_spans(const oxypy_state *st, oxypy_query *q, oxypy_expr *e)
{
    oxypy_state *own = (oxypy_state *)st; /* finding a plan may make it */
    oxypy_plan *plan = oxypy_plan_of(own, q->model);
    oxypy_route route = {0};
    int rc = plan && plan->n_relations && PyTuple_GET_SIZE(e->args)
                 ? find_route(own, plan, q, NULL, PyTuple_GET_ITEM(e->args, 0), &route, 0)
                 : 0;

    PyErr_Clear(); /* said where it is built */
    return rc > 0;
}

/* --- of many rows, for each row -------------------------------------------------------------------------- */

/* What a path to rows could have gone on to: FieldError. */
static const oxy_expr *refuse_rows(oxypy_build *cx, oxypy_expr *e, PyObject *path, const oxypy_plan *rows)
{
    const char *aggregate = oxy_agg_name((oxy_aggfn)e->op);
    PyObject *fields = PyList_New(0), *text = NULL, *between = PyUnicode_FromString(", ");

    for (uint32_t i = 0; fields && i < rows->n_fields; i++) {
        PyObject *one = PyUnicode_FromFormat("%U__%U", path, rows->fields[i].name);

        if (!one || PyList_Append(fields, one) < 0) {
            Py_CLEAR(fields);
        }
        Py_XDECREF(one);
    }
    text = fields && between ? PyUnicode_Join(between, fields) : NULL;
    if (text) {
        PyErr_Format(cx->st->exceptions[OXY_FIELD], "%s('%U'): '%U' names rows of %s, not values; name one of %U",
                     aggregate, path, path, rows->model->tp_name, text);
    }
    Py_XDECREF(fields);
    Py_XDECREF(between);
    Py_XDECREF(text);
    return NULL;
}

/* Rows that a relation leads to are counted; of anything else, their values are taken. */
static const oxy_expr *spanned_arg(oxypy_build *cx, oxypy_expr *e, const oxypy_route *route, oxy_expr *init)
{
    PyObject *arg = PyTuple_GET_ITEM(e->args, 0);
    const oxypy_relation *last = route->steps[route->n - 1];
    oxypy_name name;

    if (((oxypy_expr *)arg)->kind == OXYPY_X_NAME &&
        oxypy_name_resolve(cx->st, cx->scope->plan, NULL, ((oxypy_expr *)arg)->data, &name) == 0) {
        bool rows = name.relation == last && !name.rest;

        oxypy_name_fini(&name);
        if (e->op != OXY_AGG_COUNT) {
            return rows ? refuse_rows(cx, e, ((oxypy_expr *)arg)->data, last->target)
                        : oxypy_build_operand(cx, arg, NULL);
        }
        /* Each row once, unless junctions or several steps bring it again. */
        init->agg.distinct = init->agg.distinct && (!rows || route->n > 1 || last->kind == OXYPY_REL_MANY);
        if (rows && !init->agg.distinct) {
            return oxy_star(cx->b);
        }
    }
    PyErr_Clear();
    return oxypy_build_operand(cx, arg, NULL);
}

/* The aggregate as the only item of the select over the rows, whose scope is at hand. */
static int fill_spanned(oxypy_build *cx, oxypy_expr *e, oxy_aggfn fn, const oxypy_route *route, const parts *p,
                        oxy_select *select, oxy_expr *init)
{
    *init = (oxy_expr){.kind = OXY_E_AGG};
    init->agg.fn = fn;
    init->agg.distinct = p->distinct;
    init->agg.arg = spanned_arg(cx, e, route, init);
    if (!init->agg.arg || check_taken(cx, e, fn, init->agg.arg) < 0 || build_extra(cx, p, init) < 0) {
        return -1;
    }
    if (init->agg.arg->kind == OXY_E_TUPLE) {
        (void)oxypy_build_refuse(cx, OXY_NOT_SUPPORTED, "distinct rows with a composite key cannot be counted");
        return -1;
    }
    if (p->filter) {
        const oxy_expr *both[2] = {select->where, oxypy_build_condition(cx, p->filter)};

        if (!both[1]) {
            return -1;
        }
        select->where = both[0] ? oxy_logic(cx->b, false, both, 2) : both[1];
    }
    if (p->deflt && !(init->agg.deflt = build_default(cx, e, p->deflt, init->agg.arg))) {
        return -1;
    }
    return select->where || !p->filter ? 0 : -1;
}

static const oxy_expr *build_each(oxypy_build *cx, oxypy_expr *e, const oxypy_route *route, const parts *p)
{
    oxypy_scope *inner = oxy_arena_zero(cx->text, 1, sizeof *inner), *around = cx->scope;
    oxy_item *item = oxy_arena_zero(&cx->b->arena, 1, sizeof *item);
    oxy_select *select =
        inner && item ? oxypy_related_select(cx, route, oxypy_way_open(around, route), route->n, false, inner) : NULL;
    oxy_expr init;
    int rc = select ? fill_spanned(cx, e, (oxy_aggfn)e->op, route, p, select, &init) : -1;

    cx->scope = around;
    if (rc < 0 || !(item->expr = oxy_agg(cx->b, &init)) || oxypy_scope_fill_joins(cx, inner, select) < 0) {
        return NULL;
    }
    select->items = item;
    select->n_items = 1;
    return oxy_scalar(cx->b, select);
}

/* --- of many rows, over groups ------------------------------------------------------------------------------ */

static const oxy_expr *build_zero(oxypy_build *cx)
{
    return oxypy_build_int(cx, 0);
}

/* Sums of counts and sums, greatest of greatest. */
static const oxy_expr *build_twice(oxypy_build *cx, oxypy_expr *e, const oxypy_route *route, const parts *p)
{
    const parts inner = {.filter = p->filter};
    oxy_expr init = {.kind = OXY_E_AGG};

    cx->scope->aggregates = false;
    init.agg.arg = build_each(cx, e, route, &inner);
    cx->scope->aggregates = true;
    if (!init.agg.arg) {
        return NULL;
    }
    init.agg.fn = e->op == OXY_AGG_COUNT ? OXY_AGG_SUM : (oxy_aggfn)e->op;
    if (e->op == OXY_AGG_COUNT) {
        init.agg.deflt = build_zero(cx);
    } else if (p->deflt) {
        init.agg.deflt = build_default(cx, e, p->deflt, init.agg.arg);
    }
    return init.agg.deflt || (!p->deflt && e->op != OXY_AGG_COUNT) ? oxy_agg(cx->b, &init) : NULL;
}

/* The rows of the query once more, in a scope of their own, with what the route
 * leads to joined to them. */
static oxy_select *rows_again(oxypy_build *cx, const oxypy_route *route, oxypy_scope *again)
{
    oxypy_scope *scope = cx->scope;
    oxy_select *select = oxy_arena_zero(&cx->b->arena, 1, sizeof *select);
    oxypy_selection *inner = oxy_arena_zero(cx->text, 1, sizeof *inner);
    oxypy_scope *below = oxy_arena_zero(cx->text, 1, sizeof *below);

    if (!select || !inner || !below) {
        PyErr_NoMemory();
        return NULL;
    }
    again->plan = scope->plan;
    again->q = scope->q;
    again->outer = scope->outer;
    if (scope->inner) {
        cx->scope = scope->outer;
        const oxy_select *rows = oxypy_build_select(cx, scope->base, OXYPY_USE_SOURCE, -1, below, inner);

        again->inner = inner;
        again->source = rows ? oxypy_wrap_select(cx, rows) : NULL;
    } else {
        again->source = oxy_source_table(cx->b, &scope->plan->table, (oxy_sv){0});
    }
    if (!again->source) {
        return NULL;
    }
    cx->scope = again;
    select->from = again->source;
    return (scope->inner || oxypy_fill_where(cx, select) == 0) && oxypy_route_join(cx, route, again) == 0 ? select
                                                                                                          : NULL;
}

/* What the groups are told apart by, as columns of the select. */
static int select_groups(oxypy_build *cx, PyObject *entries, const oxy_expr **nodes, oxy_item *items)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(entries); i++) {
        PyObject *entry = PyList_GET_ITEM(entries, i);
        const oxypy_field *field;
        char *name = oxy_arena_new(&cx->b->arena, 16);

        nodes[i] = PyUnicode_Check(entry) ? oxypy_build_path(cx, entry, &field) : oxypy_build_operand(cx, entry, NULL);
        if (!nodes[i] || !name) {
            return -1;
        }
        items[i].expr = nodes[i];
        items[i].alias = (oxy_sv){name, (size_t)PyOS_snprintf(name, 16, "g%zd", i + 1)};
    }
    return 0;
}

/* a = b, or both NULL. */
static const oxy_expr *same_value(oxypy_build *cx, const oxy_expr *a, const oxy_expr *b)
{
    const oxy_expr *equal = oxy_binary(cx->b, OXY_OP_EQ, a, b);
    const oxy_expr *both[2] = {oxy_unary(cx->b, OXY_UN_IS_NULL, a), oxy_unary(cx->b, OXY_UN_IS_NULL, b)};
    const oxy_expr *either[2] = {equal, equal ? oxy_logic(cx->b, false, both, 2) : NULL};

    return either[1] && a->type.nullable ? oxy_logic(cx->b, true, either, 2) : equal;
}

/* One row for each group, joined to the rows of the group, which share its value. */
static const oxy_expr *join_groups(oxypy_build *cx, PyObject *entries, oxy_select *select, const oxy_item *value)
{
    Py_ssize_t n = PyList_GET_SIZE(entries);
    oxypy_joined *joined = oxy_arena_zero(cx->text, 1, sizeof *joined);
    const oxy_expr **parts = oxy_arena_zero(cx->text, (size_t)n, sizeof *parts);
    oxy_source *source = joined && parts ? (oxy_source *)oxypy_wrap_select(cx, select) : NULL;
    oxy_expr init = {.kind = OXY_E_AGG};

    if (!source) {
        return NULL;
    }
    source->optional = true;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *entry = PyList_GET_ITEM(entries, i);
        const oxypy_field *field;
        const oxy_expr *own =
            PyUnicode_Check(entry) ? oxypy_build_path(cx, entry, &field) : oxypy_build_operand(cx, entry, NULL);
        const oxy_expr *there =
            own ? oxy_named(cx->b, source, select->items[i].alias, &select->items[i].expr->type) : NULL;

        parts[i] = there ? same_value(cx, own, there) : NULL;
        if (!parts[i]) {
            return NULL;
        }
    }
    *joined = (oxypy_joined){.source = source, .on = oxy_logic(cx->b, false, parts, (uint32_t)n)};
    if (!joined->on) {
        return NULL;
    }
    oxypy_scope_add_join(cx->scope, joined);
    init.agg.fn = OXY_AGG_MAX;
    init.agg.arg = oxy_named(cx->b, source, value->alias, &value->expr->type);
    return init.agg.arg ? oxy_agg(cx->b, &init) : NULL;
}

/* Means and distinct values are no sums of those of the rows: the groups are
 * made a second time, with the many rows in them. */
static const oxy_expr *build_again(oxypy_build *cx, oxypy_expr *e, const oxypy_route *route, const parts *p,
                                   PyObject *entries)
{
    Py_ssize_t n = PyList_GET_SIZE(entries);
    const parts inner = {.distinct = p->distinct, .filter = p->filter, .separator = p->separator, .order = p->order};
    oxypy_scope *again = oxy_arena_zero(cx->text, 1, sizeof *again), *scope = cx->scope;
    oxy_item *items = oxy_arena_zero(&cx->b->arena, (size_t)n + 1, sizeof *items);
    const oxy_expr **nodes = oxy_arena_zero(&cx->b->arena, (size_t)n + 1, sizeof *nodes);
    oxy_select *select = again && items && nodes ? rows_again(cx, route, again) : NULL;
    oxy_expr init;
    int rc = select ? select_groups(cx, entries, nodes, items) : -1;

    rc = rc == 0 ? fill_spanned(cx, e, (oxy_aggfn)e->op, route, &inner, select, &init) : -1;
    cx->scope = scope;
    if (rc < 0 || !(items[n].expr = oxy_agg(cx->b, &init)) || oxypy_scope_fill_joins(cx, again, select) < 0) {
        return NULL;
    }
    items[n].alias = (oxy_sv)OXY_SV("v");
    select->items = items;
    select->n_items = (uint32_t)n + 1;
    select->group_by = (oxy_list){nodes, (uint32_t)n};
    scope->aggregates = false;
    const oxy_expr *node = n ? join_groups(cx, entries, select, &items[n]) : oxy_scalar(cx->b, select);

    scope->aggregates = true;
    return node;
}

/* Without related rows a count is 0, anything else what the default says. */
static const oxy_expr *or_else(oxypy_build *cx, oxypy_expr *e, const parts *p, const oxy_expr *node)
{
    const oxy_expr *args[2] = {node, NULL};

    if (!node || (e->op != OXY_AGG_COUNT && !p->deflt)) {
        return node;
    }
    args[1] = e->op == OXY_AGG_COUNT ? build_zero(cx) : build_default(cx, e, p->deflt, node);
    return args[1] ? oxy_func(cx->b, OXY_FN_COALESCE, args, 2) : NULL;
}

static const oxy_expr *build_grouped(oxypy_build *cx, oxypy_expr *e, const oxypy_route *route, const parts *p)
{
    switch ((oxy_aggfn)e->op) {
    case OXY_AGG_MAX:
    case OXY_AGG_MIN:
    case OXY_AGG_BOOL_AND:
    case OXY_AGG_BOOL_OR: return build_twice(cx, e, route, p);
    case OXY_AGG_COUNT:
    case OXY_AGG_SUM:
        if (!p->distinct) {
            return build_twice(cx, e, route, p);
        }
        break;
    case OXY_AGG_ARRAY_AGG:
        return oxypy_build_refuse(cx, OXY_NOT_SUPPORTED,
                                  "ArrayAgg over related rows of a whole group; annotate it without group_by()");
    default: break;
    }
    PyObject *entries = oxypy_group_entries(cx);
    const oxy_expr *node = entries ? build_again(cx, e, route, p, entries) : NULL;

    Py_XDECREF(entries);
    return or_else(cx, e, p, node);
}

const oxy_expr *oxypy_build_windowed(oxypy_build *cx, oxypy_expr *e)
{
    if (e->op < 0 || e->op >= OXY_AGG_COUNT_) {
        return oxypy_build_refuse(cx, OXY_VALUE, "this is no aggregate");
    }
    if (oxypy_aggregate_spans(cx->st, cx->scope->q, e)) {
        return oxypy_build_refuse(cx, OXY_FIELD,
                                  "a window looks at the rows of the query: annotate the figure over "
                                  "related rows and give the window its alias");
    }
    return build_own(cx, e, true);
}

const oxy_expr *oxypy_build_aggregate(oxypy_build *cx, oxypy_expr *e)
{
    oxypy_scope *scope = cx->scope;
    oxypy_route route = {0};

    if (e->op < 0 || e->op >= OXY_AGG_COUNT_) {
        return oxypy_build_refuse(cx, OXY_VALUE, "this is no aggregate");
    }
    int spans = scope->plan->n_relations
                    ? find_route(cx->st, scope->plan, scope->q, scope, PyTuple_GET_ITEM(e->args, 0), &route, 0)
                    : 0;

    if (spans <= 0) {
        return spans < 0 ? NULL : build_own(cx, e, false);
    }
    const parts p = parts_of(e);

    return scope->grouped && scope->aggregates ? build_grouped(cx, e, &route, &p) : build_each(cx, e, &route, &p);
}
