/* SPDX-License-Identifier: MIT */
/* Lookups of a terminal that runs at once, get(id=7): nobody else will see the query
 * that they make, so it is made only if the statement is not found without it. */
#include "build.h"

/* The lookup that a keyword was resolved to before, if it is a plain comparison
 * with this value; else NULL. Borrowed. */
static PyObject *comparison(oxypy_state *st, const oxypy_plan *plan, PyObject *keyword, PyObject *value)
{
    PyObject *capsule = PyDict_GetItemWithError(plan->lookups, keyword);
    const oxypy_lookup *lk;

    if (!capsule || !PyCapsule_CheckExact(capsule)) {
        PyErr_Clear(); /* said where it is looked up for good */
        return NULL;
    }
    lk = PyCapsule_GetPointer(capsule, NULL);
    return oxypy_short_compares(lk) && !lk->many && value != Py_None && !oxypy_is_deferred(st, value) ? capsule : NULL;
}

/* Whether conversion would give the value back: one that is exactly what the field
 * holds, of the commonest kinds. */
static bool is_ready(const oxypy_lookup *lk, PyObject *value)
{
    const oxypy_field *f = lk->field;
    int overflow = 0;

    if (lk->relation || lk->key || f->to_stored || (f->load == OXYPY_LOAD_ENUM && f->load_arg)) {
        return false;
    }
    switch (f->load_type.kind) {
    case OXY_K_INT:
        if (PyLong_CheckExact(value)) {
            (void)PyLong_AsLongLongAndOverflow(value, &overflow);
            return !overflow;
        }
        return false;
    case OXY_K_BOOL: return PyBool_Check(value);
    case OXY_K_DOUBLE: return PyFloat_CheckExact(value);
    case OXY_K_STRING:
    case OXY_K_TEXT: return PyUnicode_CheckExact(value) && PyUnicode_IS_ASCII(value);
    default: return false;
    }
}

int oxypy_given_take(oxypy_state *st, const oxypy_query *q, PyObject *keywords, PyObject *const *values,
                     oxypy_given *out)
{
    Py_ssize_t n = PyTuple_GET_SIZE(keywords);
    oxypy_plan *plan = oxypy_plan_of(st, q->model);

    out->n = 0;
    if (!plan) {
        return -1;
    }
    if (n > OXYPY_GIVEN_MOST || !plan->lookups || q->annotations || q->exprs || q->prefetches) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        out->lookups[i] = comparison(st, plan, PyTuple_GET_ITEM(keywords, i), values[i]);
        if (!out->lookups[i]) {
            return 0;
        }
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        Py_INCREF(out->lookups[i]); /* a conversion may run anything */
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        const oxypy_lookup *lk = PyCapsule_GetPointer(out->lookups[i], NULL);

        out->values[i] =
            is_ready(lk, values[i]) ? Py_NewRef(values[i]) : oxypy_lookup_value(st, plan, lk, lk->field, values[i]);
        if (!out->values[i]) {
            for (Py_ssize_t k = i; k < n; k++) {
                Py_CLEAR(out->lookups[k]);
            }
            oxypy_given_clear(out);
            return -1;
        }
        out->n++;
    }
    return 1;
}

PyObject *oxypy_given_query(oxypy_state *st, PyObject *query, const oxypy_given *given)
{
    PyObject *nodes[OXYPY_GIVEN_MOST];
    oxypy_query *c = NULL;
    uint32_t n = 0;

    for (; n < given->n; n++) {
        const oxypy_lookup *lk = PyCapsule_GetPointer(given->lookups[n], NULL);

        nodes[n] = oxypy_lookup_node(st, lk->keyword, given->values[n], given->lookups[n]);
        if (!nodes[n]) {
            break;
        }
    }
    if (n == given->n) {
        c = oxypy_query_clone((oxypy_query *)query);
    }
    if (c && oxypy_where_add(st, c, nodes, (Py_ssize_t)n) < 0) {
        Py_CLEAR(c);
    }
    while (n > 0) {
        Py_DECREF(nodes[--n]);
    }
    return (PyObject *)c;
}

int oxypy_given_traverse(const oxypy_given *given, visitproc visit, void *arg)
{
    for (uint32_t i = 0; i < given->n; i++) {
        Py_VISIT(given->lookups[i]);
        Py_VISIT(given->values[i]);
    }
    return 0;
}

void oxypy_given_clear(oxypy_given *given)
{
    while (given->n > 0) {
        given->n--;
        Py_CLEAR(given->lookups[given->n]);
        Py_CLEAR(given->values[given->n]);
    }
}
