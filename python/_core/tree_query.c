/* SPDX-License-Identifier: MIT */
/* Expressions in the tree: functions, aggregates, CASE, subqueries, raw SQL. */
#include "tree.h"

#include <string.h>

/* --- types as Python writes them ------------------------------------------------------- */

static int member_int(PyObject *given, const char *name, Py_ssize_t position, long missing, long *out)
{
    PyObject *item = PyObject_HasAttrString(given, name) ? PyObject_GetAttrString(given, name)
                     : PyTuple_Check(given) && position < PyTuple_GET_SIZE(given)
                         ? Py_NewRef(PyTuple_GET_ITEM(given, position))
                         : PyLong_FromLong(missing);

    *out = item ? PyLong_AsLong(item) : -1;
    Py_XDECREF(item);
    return *out == -1 && PyErr_Occurred() ? -1 : 0;
}

int oxypy_build_type(PyObject *given, oxy_type *out)
{
    long kind, elem = 0, ndim = 0, size = 0, scale = -1;

    memset(out, 0, sizeof *out);
    if (PyLong_Check(given)) {
        kind = PyLong_AsLong(given);
    } else if (member_int(given, "kind", 0, 0, &kind) < 0 || member_int(given, "elem", 1, 0, &elem) < 0 ||
               member_int(given, "ndim", 2, 0, &ndim) < 0 || member_int(given, "size", 3, 0, &size) < 0 ||
               member_int(given, "scale", 4, -1, &scale) < 0) {
        return -1;
    }
    if (kind < 0 || kind >= OXY_K_COUNT || elem < 0 || elem >= OXY_K_COUNT || ndim < 0 || ndim > 255 || size < 0 ||
        scale > 255) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "this is no type of a database value");
        }
        return -1;
    }
    out->kind = (oxy_kind)kind;
    out->elem = (oxy_kind)elem;
    out->ndim = (uint8_t)ndim;
    out->size = (uint32_t)size;
    out->has_scale = scale >= 0;
    out->scale = scale >= 0 ? (uint8_t)scale : 0;
    out->nullable = true;
    return 0;
}

/* --- functions ---------------------------------------------------------------------------- */

static bool bare_literal(oxypy_build *cx, PyObject *value)
{
    return oxypy_is_expr(cx->st, value) && ((oxypy_expr *)value)->kind == OXYPY_X_LITERAL &&
           PyTuple_GET_SIZE(((oxypy_expr *)value)->args) == 0;
}

/* Functions whose arguments are of one type: literals take that of the others. */
static bool same_types(int fn)
{
    return fn == OXY_FN_COALESCE || fn == OXY_FN_NULLIF || fn == OXY_FN_GREATEST || fn == OXY_FN_LEAST;
}

/* Only kinds that have no literal of their own in SQL need it: an enum beside
 * a text, a datetime beside an ISO text. Numbers keep their own kind. */
static bool takes_type(const oxy_type *type)
{
    return type->kind != OXY_K_INT && type->kind != OXY_K_DOUBLE && type->kind != OXY_K_DECIMAL &&
           type->kind != OXY_K_UNKNOWN;
}

static int build_args(oxypy_build *cx, PyObject *args, bool same, const oxy_expr **out)
{
    const oxypy_field *field = NULL, *shown = NULL;
    const oxy_expr *model = NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(args);

    for (Py_ssize_t i = 0; i < n; i++) {
        out[i] = NULL;
        if (same && bare_literal(cx, PyTuple_GET_ITEM(args, i))) {
            continue;
        }
        out[i] = oxypy_build_shown(cx, PyTuple_GET_ITEM(args, i), &field);
        if (!out[i]) {
            return -1;
        }
        if (!model) {
            model = out[i];
            shown = field;
        }
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        if (out[i]) {
            continue;
        }
        PyObject *literal = PyTuple_GET_ITEM(args, i);

        out[i] = model && takes_type(&model->type) ? oxypy_build_beside(cx, literal, model, shown)
                                                   : oxypy_build_operand(cx, literal, NULL);
        if (!out[i]) {
            return -1;
        }
    }
    return 0;
}

const oxy_expr *oxypy_build_func(oxypy_build *cx, oxypy_expr *e)
{
    uint32_t n = (uint32_t)PyTuple_GET_SIZE(e->args);
    const oxy_expr **args = oxy_arena_new(cx->text, (n ? n : 1) * sizeof *args);

    if (e->op < 0 || e->op >= OXY_FN_COUNT) {
        PyErr_Format(PyExc_ValueError, "no function has the number %d", e->op);
        return NULL;
    }
    if (!args) {
        PyErr_NoMemory();
        return NULL;
    }
    if (e->op >= OXY_FN_ROW_NUMBER) {
        PyErr_Format(PyExc_TypeError, "%s() has a value only over rows: Window(%s(...), order_by=...)",
                     oxy_fn_name((oxy_fn)e->op), oxy_fn_name((oxy_fn)e->op));
        return NULL;
    }
    return build_args(cx, e->args, same_types(e->op), args) < 0 ? NULL : oxy_func(cx->b, (oxy_fn)e->op, args, n);
}

const oxy_expr *oxypy_build_case(oxypy_build *cx, oxypy_expr *e, const oxypy_want *want)
{
    Py_ssize_t n = PyTuple_GET_SIZE(e->args);
    const oxy_expr **whens = oxy_arena_new(cx->text, (size_t)n * sizeof *whens);

    if (!whens || n % 2 == 0) {
        PyErr_SetString(PyExc_ValueError, "a CASE is made of pairs and a default");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *arg = PyTuple_GET_ITEM(e->args, i);

        whens[i] = i % 2 == 0 && i < n - 1 ? oxypy_build_condition(cx, arg) : oxypy_build_operand(cx, arg, want);
        if (!whens[i]) {
            return NULL;
        }
    }
    return oxy_case(cx->b, whens, (uint32_t)n - 1, whens[n - 1]);
}

/* --- subqueries --------------------------------------------------------------------------------- */

const oxy_expr *oxypy_build_subquery(oxypy_build *cx, oxypy_expr *e)
{
    bool exists = e->kind == OXYPY_X_EXISTS;

    if (!oxypy_is_query(cx->st, e->data)) {
        PyErr_SetString(PyExc_TypeError, "a subquery is made of a query");
        return NULL;
    }
    oxypy_query *q = (oxypy_query *)e->data;

    if (exists && q->empty) {
        return oxy_bool(cx->b, false);
    }
    oxypy_scope *scope = oxy_arena_zero(cx->text, 1, sizeof *scope);
    const oxy_select *select =
        scope ? oxypy_build_select(cx, q, exists ? OXYPY_USE_EXISTS : OXYPY_USE_VALUE, -1, scope, NULL) : NULL;

    if (!select) {
        return NULL;
    }
    return exists ? oxy_exists(cx->b, select) : oxy_scalar(cx->b, select);
}

const oxy_expr *oxypy_build_outer(oxypy_build *cx, oxypy_expr *e)
{
    oxypy_scope *here = cx->scope, *inner = here;
    const oxypy_field *field;

    while (inner->related) { /* still the same query */
        inner = inner->outer;
    }
    if (!inner->outer) {
        if (cx->checking) {
            return oxy_nul(cx->b, NULL); /* the enclosing query is not known yet */
        }
        PyErr_Format(PyExc_ValueError, "OuterRef('%S') is not inside a subquery", e->data);
        return NULL;
    }
    cx->scope = inner->outer;
    const oxy_expr *node = oxypy_build_path(cx, e->data, &field);

    cx->scope = here;
    return node;
}

const oxy_expr *oxypy_build_raw(oxypy_build *cx, oxypy_expr *e)
{
    uint32_t n = (uint32_t)PyTuple_GET_SIZE(e->args);
    const oxy_expr **args = oxy_arena_new(cx->text, (n ? n : 1) * sizeof *args);
    oxy_type type = {.kind = OXY_K_UNKNOWN, .nullable = true};
    Py_ssize_t len;

    if (!PyTuple_Check(e->data) || PyTuple_GET_SIZE(e->data) < 2 || !PyUnicode_Check(PyTuple_GET_ITEM(e->data, 0))) {
        PyErr_SetString(PyExc_TypeError, "raw SQL is made of its text and the type of its result");
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(e->data, 0), &len);
    PyObject *output = PyTuple_GET_ITEM(e->data, 1);

    if (!text || !args || (output != Py_None && oxypy_build_type(output, &type) < 0)) {
        return text && args ? NULL : (oxypy_build_failed(cx), NULL);
    }
    for (uint32_t i = 0; i < n; i++) {
        args[i] = oxypy_build_operand(cx, PyTuple_GET_ITEM(e->args, i), NULL);
        if (!args[i]) {
            return NULL;
        }
    }
    return oxy_raw(cx->b, (oxy_sv){text, (size_t)len}, args, n, &type);
}
