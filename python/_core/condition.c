/* SPDX-License-Identifier: MIT */
/* Conditions at the call: names, lookups and values of what filter() and
 * exclude() get are checked at once, and values take the form in which they
 * will be bound. */
#include "relation.h"

#include <string.h>

bool oxypy_condition_empty(PyObject *condition)
{
    oxypy_expr *e = (oxypy_expr *)condition;

    if (e->kind == OXYPY_X_NOT && PyTuple_GET_SIZE(e->args) == 1) {
        oxypy_expr *inner = (oxypy_expr *)PyTuple_GET_ITEM(e->args, 0);

        return inner->kind == OXYPY_X_AND && PyTuple_GET_SIZE(inner->args) == 0;
    }
    return (e->kind == OXYPY_X_AND || e->kind == OXYPY_X_OR) && PyTuple_GET_SIZE(e->args) == 0;
}

/* --- trial builds -------------------------------------------------------------------- */

/* Builds a condition into a tree that is thrown away: whatever is wrong with
 * it raises now. */
static int try_condition(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *condition)
{
    oxy_builder b;
    oxy_arena text;
    PyObject *keep = NULL;
    oxypy_scope scope = {.plan = plan, .q = q, .aggregates = true};
    oxypy_build cx = {.st = st, .b = &b, .text = &text, .keep = &keep, .scope = &scope, .checking = true};

    oxy_builder_init(&b, oxy_alloc_default());
    oxy_arena_init(&text, oxy_alloc_default(), (size_t)1 << 30);
    scope.source = oxy_source_table(&b, &plan->table, (oxy_sv){0});

    const oxy_expr *node = scope.source ? oxypy_build_condition(&cx, condition) : NULL;
    int rc = node ? 0 : oxypy_build_failed(&cx);

    oxy_arena_fini(&text);
    oxy_builder_fini(&b);
    Py_XDECREF(cx.plans);
    Py_XDECREF(keep);
    return rc;
}

/* --- lookups ---------------------------------------------------------------------------- */

PyObject *oxypy_lookup_node(oxypy_state *st, PyObject *keyword, PyObject *value, PyObject *capsule)
{
    PyObject *data = capsule ? PyTuple_Pack(3, keyword, value, capsule) : PyTuple_Pack(2, keyword, value);

    return (PyObject *)oxypy_expr_steal(st, OXYPY_X_LOOKUP, 0, PyTuple_New(0), data);
}

/* Whether the keyword begins with an alias of the query. */
static int begins_with_alias(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *keyword)
{
    oxypy_name name;

    if (!q || (!q->annotations && !q->exprs)) {
        return 0;
    }
    if (oxypy_name_resolve(st, plan, q, keyword, &name) < 0) {
        return -1;
    }
    int is = name.alias != NULL;

    oxypy_name_fini(&name);
    return is;
}

PyObject *oxypy_condition_lookup(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *keyword, PyObject *value)
{
    if (!PyUnicode_Check(keyword)) {
        PyErr_SetString(PyExc_TypeError, "the name of a lookup is a str");
        return NULL;
    }
    if (oxypy_check_no_window(st, value) < 0) {
        return NULL;
    }
    int alias = begins_with_alias(st, plan, q, keyword);

    if (alias < 0) {
        return NULL;
    }
    if (alias) {
        PyObject *own = PyIter_Check(value) ? PySequence_Tuple(value) : Py_NewRef(value);
        PyObject *node = own ? oxypy_lookup_node(st, keyword, own, NULL) : NULL;

        Py_XDECREF(own);
        if (node && try_condition(st, plan, q, node) < 0) {
            Py_CLEAR(node);
        }
        return node;
    }
    PyObject *capsule = oxypy_lookup_capsule(st, plan, keyword);

    if (!capsule) {
        return NULL;
    }
    const oxypy_lookup *lk = PyCapsule_GetPointer(capsule, NULL);
    PyObject *own = oxypy_lookup_value(st, plan, lk, lk->field, value);
    PyObject *node = own ? oxypy_lookup_node(st, keyword, own, capsule) : NULL;

    Py_XDECREF(own);
    Py_DECREF(capsule);
    return node;
}

/* --- keywords about the same one of many rows --------------------------------------------- */

/* The lookup of a node if it is about one of many rows (not about their
 * absence), with the path to them; else NULL. */
static PyObject *many_of(PyObject *node)
{
    oxypy_expr *e = (oxypy_expr *)node;

    if (e->kind == OXYPY_X_ANY) {
        return e->op == OXYPY_ANY_KEYWORDS ? e->data : NULL;
    }
    if (e->kind != OXYPY_X_LOOKUP || PyTuple_GET_SIZE(e->data) < 3) {
        return NULL;
    }
    const oxypy_lookup *lk = PyCapsule_GetPointer(PyTuple_GET_ITEM(e->data, 2), NULL);

    return oxypy_lookup_absence(lk, PyTuple_GET_ITEM(e->data, 1)) ? NULL : lk->many;
}

/* An ANY of what `before` says and node. New reference. */
static PyObject *said_together(oxypy_state *st, PyObject *before, PyObject *node, PyObject *many)
{
    oxypy_expr *e = (oxypy_expr *)before;
    PyObject *old = e->kind == OXYPY_X_ANY ? Py_NewRef(e->args) : PyTuple_Pack(1, before);
    PyObject *added = old ? PyTuple_Pack(1, node) : NULL, *args = added ? PySequence_Concat(old, added) : NULL;

    Py_XDECREF(old);
    Py_XDECREF(added);
    return (PyObject *)oxypy_expr_steal(st, OXYPY_X_ANY, OXYPY_ANY_KEYWORDS, args, Py_NewRef(many));
}

int oxypy_condition_keyword(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *keyword, PyObject *value,
                            PyObject *list, Py_ssize_t first)
{
    PyObject *node = oxypy_condition_lookup(st, plan, q, keyword, value), *many = node ? many_of(node) : NULL;
    int rc = node ? 1 : -1;

    for (Py_ssize_t i = first; many && rc > 0 && i < PyList_GET_SIZE(list); i++) {
        PyObject *before = PyList_GET_ITEM(list, i), *same = many_of(before);

        if (same && PyUnicode_Compare(same, many) == 0) {
            PyObject *any = said_together(st, before, node, many);

            rc = any ? PyList_SetItem(list, i, any) : -1;
        }
    }
    if (rc > 0) {
        rc = PyList_Append(list, node);
    }
    Py_XDECREF(node);
    return rc;
}

static bool is_written(const oxypy_expr *e)
{
    return e->kind == OXYPY_X_AND && e->data != Py_None;
}

static bool is_keyword(oxypy_state *st, PyObject *arg)
{
    return Py_IS_TYPE(arg, st->expr_type) && ((oxypy_expr *)arg)->kind == OXYPY_X_LOOKUP &&
           PyTuple_Check(((oxypy_expr *)arg)->data) && PyTuple_GET_SIZE(((oxypy_expr *)arg)->data) == 2;
}

/* Whether two keywords or more cross to many rows. What is wrong with them is
 * said when they are resolved for good. */
static bool crosses_twice(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *args)
{
    int crossing = 0;

    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args) && crossing < 2; i++) {
        PyObject *arg = PyTuple_GET_ITEM(args, i);
        oxypy_name name;

        if (!is_keyword(st, arg)) {
            continue;
        }
        if (oxypy_name_resolve(st, plan, q, PyTuple_GET_ITEM(((oxypy_expr *)arg)->data, 0), &name) < 0) {
            PyErr_Clear();
            return false;
        }
        crossing += name.n_many != 0;
        oxypy_name_fini(&name);
    }
    return crossing == 2;
}

PyObject *oxypy_condition_parts(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, oxypy_expr *e)
{
    if (!is_written(e) || !plan->n_relations || PyTuple_GET_SIZE(e->args) < 2 || !crosses_twice(st, plan, q, e->args)) {
        return Py_NewRef(e->args);
    }
    PyObject *list = PyList_New(0);

    for (Py_ssize_t i = 0; list && i < PyTuple_GET_SIZE(e->args); i++) {
        PyObject *arg = PyTuple_GET_ITEM(e->args, i);
        oxypy_expr *x = (oxypy_expr *)arg;
        int rc = is_keyword(st, arg) ? oxypy_condition_keyword(st, plan, q, PyTuple_GET_ITEM(x->data, 0),
                                                               PyTuple_GET_ITEM(x->data, 1), list, 0)
                                     : PyList_Append(list, arg);

        if (rc < 0) {
            Py_CLEAR(list);
        }
    }
    PyObject *parts = list ? PyList_AsTuple(list) : NULL;

    Py_XDECREF(list);
    return parts;
}

/* --- trees of conditions ------------------------------------------------------------------ */

/* Spreads nested nodes of one kind over a list, from left to right, without
 * recursion: `a & b & c ...` may be thousands long. */
static PyObject *spread(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, oxypy_expr *e)
{
    PyObject *stack = PyList_New(0), *flat = PyList_New(0);
    int kind = e->kind;

    if (!stack || !flat || PyList_Append(stack, (PyObject *)e) < 0) {
        goto fail;
    }
    while (PyList_GET_SIZE(stack)) {
        Py_ssize_t top = PyList_GET_SIZE(stack) - 1;
        oxypy_expr *x = (oxypy_expr *)Py_NewRef(PyList_GET_ITEM(stack, top));
        int rc = PyList_SetSlice(stack, top, top + 1, NULL);

        if (rc == 0 && x->kind == kind) {
            PyObject *parts = oxypy_condition_parts(st, plan, q, x);

            rc = parts ? 0 : -1;
            for (Py_ssize_t i = parts ? PyTuple_GET_SIZE(parts) : 0; rc == 0 && i-- > 0;) {
                rc = PyList_Append(stack, PyTuple_GET_ITEM(parts, i));
            }
            Py_XDECREF(parts);
        } else if (rc == 0) {
            rc = PyList_Append(flat, (PyObject *)x);
        }
        Py_DECREF(x);
        if (rc < 0) {
            goto fail;
        }
    }
    Py_DECREF(stack);
    return flat;
fail:
    Py_XDECREF(stack);
    Py_XDECREF(flat);
    return NULL;
}

static PyObject *check_condition(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *condition, int depth);

/* The only part of a group, if it is no group again; e.g. of Q(weight=3). */
static PyObject *only_part(oxypy_state *st, const oxypy_expr *e)
{
    PyObject *part = PyTuple_GET_SIZE(e->args) == 1 ? PyTuple_GET_ITEM(e->args, 0) : NULL;

    return part && oxypy_is_expr(st, part) && ((oxypy_expr *)part)->kind == OXYPY_X_LOOKUP ? part : NULL;
}

static PyObject *check_group(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, oxypy_expr *e, int depth)
{
    PyObject *only = only_part(st, e);

    if (only) {
        return check_condition(st, plan, q, only, depth + 1);
    }
    PyObject *flat = spread(st, plan, q, e), *kept = flat ? PyList_New(0) : NULL;

    for (Py_ssize_t i = 0; kept && i < PyList_GET_SIZE(flat); i++) {
        PyObject *own = check_condition(st, plan, q, PyList_GET_ITEM(flat, i), depth + 1);

        if (!own || (!oxypy_condition_empty(own) && PyList_Append(kept, own) < 0)) {
            Py_CLEAR(kept);
        }
        Py_XDECREF(own);
    }
    Py_XDECREF(flat);
    if (!kept) {
        return NULL;
    }
    if (PyList_GET_SIZE(kept) == 1) {
        only = Py_NewRef(PyList_GET_ITEM(kept, 0));
        Py_DECREF(kept);
        return only;
    }
    PyObject *args = PyList_AsTuple(kept);

    Py_DECREF(kept);
    return (PyObject *)oxypy_expr_steal(st, e->kind, 0, args, Py_NewRef(Py_None));
}

static PyObject *check_not(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, oxypy_expr *e, int depth)
{
    PyObject *inner =
        PyTuple_GET_SIZE(e->args) == 1 ? check_condition(st, plan, q, PyTuple_GET_ITEM(e->args, 0), depth + 1) : NULL;

    if (!inner) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "a negation has one condition");
        }
        return NULL;
    }
    PyObject *args = PyTuple_Pack(1, inner);

    Py_DECREF(inner);
    return (PyObject *)oxypy_expr_steal(st, OXYPY_X_NOT, 0, args, Py_NewRef(Py_None));
}

static PyObject *check_lookup(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, oxypy_expr *e)
{
    if (!PyTuple_Check(e->data) || PyTuple_GET_SIZE(e->data) < 2) {
        PyErr_SetString(PyExc_ValueError, "a lookup is made of a keyword and a value");
        return NULL;
    }
    if (PyTuple_GET_SIZE(e->data) > 2) { /* a keyword of a Q: resolved with its neighbours */
        return Py_NewRef(e);
    }
    return oxypy_condition_lookup(st, plan, q, PyTuple_GET_ITEM(e->data, 0), PyTuple_GET_ITEM(e->data, 1));
}

/* any() of a relation: its conditions are about the related model. */
static PyObject *check_any(oxypy_state *st, oxypy_plan *plan, oxypy_expr *e, int depth)
{
    Py_ssize_t n = PyTuple_GET_SIZE(e->args);
    oxypy_name name;

    if (e->op != OXYPY_ANY_GIVEN) {
        return Py_NewRef(e);
    }
    if (oxypy_any_target(st, plan, e->data, &name) < 0) {
        return NULL;
    }
    PyObject *args = PyTuple_New(n);

    for (Py_ssize_t i = 0; args && i < n; i++) {
        PyObject *own = check_condition(st, name.plan, NULL, PyTuple_GET_ITEM(e->args, i), depth + 1);

        if (!own) {
            Py_CLEAR(args);
            break;
        }
        PyTuple_SET_ITEM(args, i, own);
    }
    oxypy_name_fini(&name);
    return (PyObject *)oxypy_expr_steal(st, OXYPY_X_ANY, OXYPY_ANY_CHECKED, args, Py_NewRef(e->data));
}

/* Whether the path names a relation or goes through one. */
static bool crosses(oxypy_state *st, oxypy_plan *plan, PyObject *path)
{
    oxypy_name name;

    if (!plan->n_relations) {
        return false;
    }
    if (oxypy_name_resolve(st, plan, NULL, path, &name) < 0) {
        PyErr_Clear(); /* said where it is built */
        return false;
    }
    bool does = name.relation || name.way.n;

    oxypy_name_fini(&name);
    return does;
}

/* Parcel.weight >= 3 says the same as weight__gte=3 and goes the same, shorter
 * way. New keyword with *value borrowed, or NULL, with or without an exception. */
static PyObject *as_lookup(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, oxypy_expr *e, PyObject **value)
{
    static const uint8_t lookups[] = {
        [OXY_OP_EQ] = OXYPY_L_EXACT, [OXY_OP_NE] = OXYPY_L_NE, [OXY_OP_LT] = OXYPY_L_LT,
        [OXY_OP_LE] = OXYPY_L_LTE,   [OXY_OP_GT] = OXYPY_L_GT, [OXY_OP_GE] = OXYPY_L_GTE,
    };

    if (e->kind != OXYPY_X_BINARY || e->op > OXY_OP_GE || PyTuple_GET_SIZE(e->args) != 2 ||
        (q && (q->annotations || q->exprs))) {
        return NULL;
    }
    oxypy_expr *name = (oxypy_expr *)PyTuple_GET_ITEM(e->args, 0), *other = (oxypy_expr *)PyTuple_GET_ITEM(e->args, 1);

    if (!oxypy_is_expr(st, (PyObject *)name) || !oxypy_is_expr(st, (PyObject *)other) || name->kind != OXYPY_X_NAME ||
        !PyUnicode_CheckExact(name->data) || other->kind != OXYPY_X_LITERAL || PyTuple_GET_SIZE(other->args) ||
        other->data == Py_None) {
        return NULL;
    }
    Py_ssize_t at = oxypy_plan_field(plan, name->data);

    if (at >= 0 ? !oxypy_lookup_allowed(plan->fields[at].category, lookups[e->op]) : !crosses(st, plan, name->data)) {
        return NULL;
    }
    PyObject *keyword = PyUnicode_FromFormat("%U__%s", name->data, oxypy_lookup_name(lookups[e->op]));

    if (keyword && oxypy_plan_field(plan, keyword) >= 0) {
        Py_CLEAR(keyword); /* a field of that name would be meant */
    }
    *value = other->data;
    return keyword;
}

static PyObject *check_other(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *condition)
{
    PyObject *value = NULL, *keyword = as_lookup(st, plan, q, (oxypy_expr *)condition, &value);

    if (!keyword && (PyErr_Occurred() || oxypy_check_no_window(st, condition) < 0)) {
        return NULL;
    }
    if (keyword) {
        PyObject *node = oxypy_condition_lookup(st, plan, NULL, keyword, value);

        Py_DECREF(keyword);
        return node;
    }
    return try_condition(st, plan, q, condition) < 0 ? NULL : Py_NewRef(condition);
}

static PyObject *check_condition(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *condition, int depth)
{
    if (!oxypy_is_expr(st, condition)) {
        PyErr_Format(PyExc_TypeError, "a condition is a Q object, a comparison or a boolean expression, not %.100s",
                     Py_TYPE(condition)->tp_name);
        return NULL;
    }
    if (depth > OXY_MAX_DEPTH) {
        PyErr_Format(PyExc_ValueError, "the condition is nested deeper than %d levels", OXY_MAX_DEPTH);
        return NULL;
    }
    oxypy_expr *e = (oxypy_expr *)condition;

    switch (e->kind) {
    case OXYPY_X_AND:
    case OXYPY_X_OR: return check_group(st, plan, q, e, depth);
    case OXYPY_X_NOT: return check_not(st, plan, q, e, depth);
    case OXYPY_X_LOOKUP: return check_lookup(st, plan, q, e);
    case OXYPY_X_ANY: return check_any(st, plan, e, depth);
    default: return check_other(st, plan, q, condition);
    }
}

PyObject *oxypy_condition(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *condition)
{
    return check_condition(st, plan, q, condition, 0);
}

int oxypy_check_condition(oxypy_state *st, oxypy_plan *plan, PyObject *condition)
{
    PyObject *own = oxypy_condition(st, plan, NULL, condition);

    Py_XDECREF(own);
    return own ? 0 : -1;
}
