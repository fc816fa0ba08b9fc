/* SPDX-License-Identifier: MIT */
/* Names and paths: which field, key or alias the beginning of a path means,
 * and what follows it. Field names never are column names. */
#include "build.h"

#include <string.h>

bool oxypy_is_expr(const oxypy_state *st, PyObject *o)
{
    return PyObject_TypeCheck(o, st->expr_type);
}

bool oxypy_is_query(const oxypy_state *st, PyObject *o)
{
    return PyObject_TypeCheck(o, st->query_type);
}

int oxypy_unknown(oxypy_state *st, const oxypy_plan *plan, PyObject *name, const char *what)
{
    if (!st->explain_unknown || st->explain_unknown == Py_None) {
        PyErr_Format(st->exceptions[OXY_FIELD], "%s has no field '%U'", plan->model->tp_name, name);
        return -1;
    }
    PyObject *error = PyObject_CallFunction(st->explain_unknown, "OOs", plan->model, name, what);

    if (error && PyExceptionInstance_Check(error)) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    } else if (error) {
        PyErr_Format(st->exceptions[OXY_FIELD], "%s has no field '%U'", plan->model->tp_name, name);
    }
    Py_XDECREF(error);
    return -1;
}

oxypy_expr *oxypy_alias_of(oxypy_query *q, PyObject *name)
{
    PyObject *found = NULL;

    if (q && q->exprs) {
        found = PyDict_GetItemWithError(q->exprs, name);
    }
    if (!found && q && q->annotations) {
        found = PyDict_GetItemWithError(q->annotations, name);
    }
    PyErr_Clear(); /* a name is a str: hashing it cannot fail */
    return (oxypy_expr *)found;
}

static bool is_text(PyObject *o, const char *text)
{
    return PyUnicode_CompareWithASCIIString(o, text) == 0;
}

int oxypy_part_named(PyObject *segment)
{
#define X(name, text)                                                                                                  \
    if (is_text(segment, text)) {                                                                                      \
        return OXY_PART_##name;                                                                                        \
    }
    OXY_PART_LIST(X)
#undef X
    return -1;
}

/* An alias, a field or the key; true if name is one of them. */
static bool find_base(oxypy_plan *plan, oxypy_query *q, PyObject *name, oxypy_name *out)
{
    out->alias = oxypy_alias_of(q, name);
    if (out->alias) {
        return true;
    }
    Py_ssize_t at = oxypy_plan_field(plan, name);

    if (at >= 0) {
        out->field = &plan->fields[at];
        return true;
    }
    if (plan->n_pk && is_text(name, "pk")) {
        out->composite = plan->n_pk > 1;
        out->field = out->composite ? NULL : &plan->fields[plan->pk[0]];
        return true;
    }
    return false;
}

/* Relations of the model are attributes without a column. This is the one
 * place where a path leaves its model: segments that name a relation are
 * refused here until plans know relations. */
static int refuse_relation(oxypy_state *st, oxypy_plan *plan, PyObject *segment, PyObject *path)
{
    PyObject *fields = PyObject_GetAttrString((PyObject *)plan->model, "__pydantic_fields__");

    if (!fields) {
        PyErr_Clear();
        return 0;
    }
    int has = PyMapping_HasKey(fields, segment);

    Py_DECREF(fields);
    if (has) {
        PyErr_Format(st->exceptions[OXY_LOOKUP], "%s.%U is a relation; the path '%U' cannot cross it",
                     plan->model->tp_name, segment, path);
        return -1;
    }
    return 0;
}

static int split_path(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *path, oxypy_name *out)
{
    PyObject *mark = PyUnicode_InternFromString("__");
    PyObject *segments = mark ? PyUnicode_Split(path, mark, -1) : NULL;
    int rc = -1;

    if (!segments) {
        goto done;
    }
    Py_ssize_t n = PyList_GET_SIZE(segments);

    if (PyUnicode_GET_LENGTH(PyList_GET_ITEM(segments, 0)) == 0) {
        PyErr_Format(st->exceptions[OXY_LOOKUP], "%s: '%U' does not begin with a name", plan->model->tp_name, path);
        goto done;
    }
    /* The longest beginning that is a name: names may hold "__" themselves. */
    for (Py_ssize_t k = n - 1; k >= 1; k--) {
        PyObject *head = PyList_GetSlice(segments, 0, k);
        PyObject *name = head ? PyUnicode_Join(mark, head) : NULL;
        bool found = name && find_base(plan, q, name, out);

        Py_XDECREF(head);
        if (found) {
            PyObject *tail = PyList_GetSlice(segments, k, n);

            out->base = name;
            out->rest = tail ? PyList_AsTuple(tail) : NULL;
            Py_XDECREF(tail);
            rc = out->rest ? 0 : -1;
            goto done;
        }
        Py_XDECREF(name);
        if (!name) {
            goto done;
        }
    }
    if (refuse_relation(st, plan, PyList_GET_ITEM(segments, 0), path) == 0) {
        rc = oxypy_unknown(st, plan, PyList_GET_ITEM(segments, 0), n > 1 ? "path" : "field");
    }
done:
    Py_XDECREF(mark);
    Py_XDECREF(segments);
    return rc;
}

int oxypy_name_resolve(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *path, oxypy_name *out)
{
    memset(out, 0, sizeof *out);
    if (!PyUnicode_Check(path)) {
        PyErr_Format(PyExc_TypeError, "a name is a str, not %.100s", Py_TYPE(path)->tp_name);
        return -1;
    }
    PyObject *name = PyUnicode_CheckExact(path) ? Py_NewRef(path) : PyUnicode_FromObject(path);

    if (!name) {
        return -1;
    }
    if (find_base(plan, q, name, out)) {
        out->base = name;
        return 0;
    }
    int rc = split_path(st, plan, q, name, out);

    Py_DECREF(name);
    if (rc < 0) {
        oxypy_name_fini(out);
    }
    return rc;
}

void oxypy_name_fini(oxypy_name *n)
{
    Py_CLEAR(n->base);
    Py_CLEAR(n->rest);
}

const oxypy_field *oxypy_field_named(oxypy_state *st, oxypy_plan *plan, PyObject *name)
{
    oxypy_name found;

    if (oxypy_name_resolve(st, plan, NULL, name, &found) < 0) {
        return NULL;
    }
    bool plain = found.field && !found.rest;

    oxypy_name_fini(&found);
    if (!plain) {
        (void)oxypy_unknown(st, plan, name, "field");
        return NULL;
    }
    return found.field;
}
