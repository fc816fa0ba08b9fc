/* SPDX-License-Identifier: MIT */
/* ORDER BY: terms of the query or of Meta.ordering, in either direction. */
#include "tree.h"

#include <string.h>

static const oxy_expr *order_alias(oxypy_build *cx, const oxypy_out *item)
{
    oxy_sv name = oxypy_out_name(cx->scope, item);

    return name.p ? oxy_alias(cx->b, name, &item->node->type) : NULL;
}

/* Combined rows have no columns but those that are selected. */
static const oxy_expr *order_combined(oxypy_build *cx, const oxypy_selection *sel, PyObject *name)
{
    const oxypy_out *item = oxypy_selection_find(sel, name);
    oxypy_name found;

    if (!item) {
        if (oxypy_name_resolve(cx->st, cx->scope->plan, NULL, name, &found) < 0) {
            return NULL;
        }
        for (uint32_t i = 0; found.field && !found.rest && !found.way.n && i < sel->n; i++) {
            item = sel->items[i].field == found.field && !sel->items[i].joined.p ? &sel->items[i] : item;
        }
        oxypy_name_fini(&found);
    }
    if (!item) {
        PyErr_Format(cx->st->exceptions[OXY_FIELD], "combined queries are ordered by what they select; '%U' is not",
                     name);
        return NULL;
    }
    return order_alias(cx, item);
}

static const oxy_expr *order_expr(oxypy_build *cx, const oxypy_selection *sel, bool direct, PyObject *expr)
{
    oxypy_expr *e = (oxypy_expr *)expr;

    if (!oxypy_is_expr(cx->st, expr) || e->kind != OXYPY_X_NAME || !PyUnicode_Check(e->data)) {
        if (direct) {
            return oxypy_build_refuse(cx, OXY_FIELD, "combined queries are ordered by names of what they select");
        }
        return oxypy_build_operand(cx, expr, NULL);
    }
    if (direct) {
        return order_combined(cx, sel, e->data);
    }
    const oxypy_out *item = oxypy_selection_find(sel, e->data);

    if (item && item->aliased) {
        return order_alias(cx, item);
    }
    const oxypy_field *field;

    return oxypy_build_path(cx, e->data, &field);
}

/* A composite key orders by each of its parts. */
static int order_key(oxypy_build *cx, const oxy_expr *key, oxy_order term, oxy_order **items, uint32_t *n)
{
    for (uint32_t i = 0; i < key->list.n; i++) {
        term.expr = key->list.items[i];
        oxy_order *grown = oxy_builder_append(cx->b, *items, n, sizeof term, &term);

        if (!grown) {
            return -1;
        }
        *items = grown;
    }
    return 0;
}

/* Meta.ordering may hold plain strings: "name", "-name", "?". New reference. */
static PyObject *term_of_text(oxypy_build *cx, PyObject *text)
{
    bool descending = PyUnicode_GET_LENGTH(text) && PyUnicode_READ_CHAR(text, 0) == '-';

    if (PyUnicode_CompareWithASCIIString(text, "?") == 0) {
        return (PyObject *)oxypy_expr_steal(cx->st, OXYPY_X_RANDOM_ORDER, 0, PyTuple_New(0), Py_NewRef(Py_None));
    }
    PyObject *name = PyUnicode_Substring(text, descending, PyUnicode_GET_LENGTH(text));
    PyObject *expr = (PyObject *)oxypy_expr_steal(cx->st, OXYPY_X_NAME, 0, PyTuple_New(0), name);
    PyObject *args = expr ? PyTuple_Pack(1, expr) : NULL;

    Py_XDECREF(expr);
    return (PyObject *)oxypy_expr_steal(cx->st, OXYPY_X_ORDER, 0, args,
                                        args ? Py_BuildValue("(Oi)", descending ? Py_True : Py_False, 0) : NULL);
}

static int add_term(oxypy_build *cx, const oxypy_selection *sel, bool direct, oxypy_expr *e, oxy_order **items,
                    uint32_t *n)
{
    oxypy_query *q = cx->scope->q;
    oxy_order term = {0};
    PyObject *expr = (PyObject *)e;

    if (e->kind == OXYPY_X_RANDOM_ORDER) {
        if (q->distinct || q->distinct_on || direct) {
            PyErr_SetString(PyExc_ValueError, "a random order cannot be combined with distinct() or set operations");
            return -1;
        }
        term.expr = oxy_func(cx->b, OXY_FN_RANDOM, NULL, 0);
    } else {
        if (e->kind == OXYPY_X_ORDER) {
            int descending, nulls;

            if (PyTuple_GET_SIZE(e->args) != 1 || !PyArg_ParseTuple(e->data, "pi", &descending, &nulls)) {
                return -1;
            }
            term.descending = descending;
            term.nulls = (int8_t)(nulls < 0 ? -1 : nulls > 0);
            expr = PyTuple_GET_ITEM(e->args, 0);
        }
        if (q->reversed) {
            term.descending = !term.descending;
            term.nulls = (int8_t)-term.nulls;
        }
        term.expr = order_expr(cx, sel, direct, expr);
    }
    if (!term.expr) {
        return -1;
    }
    if (term.expr->kind == OXY_E_TUPLE) {
        return order_key(cx, term.expr, term, items, n);
    }
    oxy_order *grown = oxy_builder_append(cx->b, *items, n, sizeof term, &term);

    *items = grown ? grown : *items;
    return grown ? 0 : -1;
}

int oxypy_build_order(oxypy_build *cx, const oxypy_selection *sel, bool with_default, bool direct, oxy_orders *out)
{
    oxypy_query *q = cx->scope->q;
    PyObject *terms = q->order ? q->order : with_default ? cx->scope->plan->order : NULL;
    oxy_order *items = NULL;
    uint32_t n = 0;

    for (Py_ssize_t i = 0; terms && i < PyTuple_GET_SIZE(terms); i++) {
        PyObject *term = PyTuple_GET_ITEM(terms, i);
        PyObject *own = PyUnicode_Check(term) ? term_of_text(cx, term) : Py_NewRef(term);
        int rc = -1;

        if (own && oxypy_is_expr(cx->st, own)) {
            rc = add_term(cx, sel, direct, (oxypy_expr *)own, &items, &n);
        } else if (own) {
            PyErr_Format(PyExc_TypeError, "an order is made of names and expressions, not %.100s",
                         Py_TYPE(own)->tp_name);
        }
        Py_XDECREF(own);
        if (rc < 0) {
            return -1;
        }
    }
    *out = (oxy_orders){items, n};
    return 0;
}
