/* SPDX-License-Identifier: MIT */
/* contains, contained_by and overlap of JSON and arrays. MySQL says that an
 * array contains what one of its elements contains; PostgreSQL does not, but
 * for a scalar in the outermost array. So where the value has an object or a
 * scalar the place must not hold an array, and the other way round for
 * contained_by. Elements of arrays have no path: an array inside an array stays
 * as the server sees it. */
#include "tree.h"

static const oxy_type json_type = {.kind = OXY_K_JSONB};

typedef struct guards {
    oxypy_build *cx;
    const oxy_expr *target;
    const oxy_expr **list;
    uint32_t n;
    bool within;
} guards;

static int add_guard(guards *g, PyObject *path)
{
    const oxy_expr *at = g->target;

    if (PyTuple_GET_SIZE(path)) {
        at = oxypy_build_steps(g->cx, g->target, path, OXY_JSON_VALUE);
    }
    g->list = at ? oxy_builder_append(g->cx->b, g->list, &g->n, sizeof(const oxy_expr *), &at) : NULL;
    return g->list ? 0 : -1;
}

/* A key of digits is an index to a path, too: it has no guard. */
static bool is_plain_key(PyObject *key)
{
    Py_ssize_t n = PyUnicode_Check(key) ? PyUnicode_GET_LENGTH(key) : 0;

    for (Py_ssize_t i = 0; i < n; i++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(key, i);

        if (c < '0' || c > '9') {
            return true;
        }
    }
    return false;
}

static int guard_place(guards *g, PyObject *value, PyObject *path);

static int guard_members(guards *g, PyObject *object, PyObject *path)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    int rc = 0;

    while (rc == 0 && PyDict_Next(object, &at, &key, &value)) {
        if (!is_plain_key(key)) {
            continue;
        }
        PyObject *last = PyTuple_Pack(1, key), *inner = last ? PySequence_Concat(path, last) : NULL;

        rc = inner ? guard_place(g, value, inner) : -1;
        Py_XDECREF(last);
        Py_XDECREF(inner);
    }
    return rc;
}

static bool is_list(PyObject *value)
{
    return PyList_Check(value) || PyTuple_Check(value);
}

static int guard_place(guards *g, PyObject *value, PyObject *path)
{
    bool object = PyDict_Check(value), outermost = PyTuple_GET_SIZE(path) == 0;
    bool guarded = g->within ? is_list(value) : object || (!is_list(value) && !outermost);

    if (guarded && add_guard(g, path) < 0) {
        return -1;
    }
    if (!object || Py_EnterRecursiveCall(" in a JSON value")) {
        return object ? -1 : 0;
    }
    int rc = guard_members(g, value, path);

    Py_LeaveRecursiveCall();
    return rc;
}

static int find_guards(guards *g, PyObject *value)
{
    PyObject *own = oxypy_json_form(g->cx, value), *root = own ? PyTuple_New(0) : NULL;
    int rc = root ? guard_place(g, own, root) : -1;

    Py_XDECREF(own);
    Py_XDECREF(root);
    return rc;
}

const oxy_expr *oxypy_build_containment(oxypy_build *cx, const oxypy_lookup *lk, const oxy_expr *target,
                                        const oxypy_want *want, PyObject *value)
{
    bool json = lk->category == OXYPY_CAT_JSON;
    bool deferred = oxypy_is_expr(cx->st, value) || oxypy_is_query(cx->st, value);
    const oxypy_want as_json = {.type = &json_type};
    const oxy_expr *right = oxypy_build_operand(cx, value, json ? &as_json : want);
    guards g = {.cx = cx, .target = target, .within = lk->op == OXYPY_L_CONTAINED_BY};
    oxy_container_op op = lk->op == OXYPY_L_CONTAINS ? (json ? OXY_CO_JSON_CONTAINS : OXY_CO_ARRAY_CONTAINS)
                          : lk->op == OXYPY_L_CONTAINED_BY
                              ? (json ? OXY_CO_JSON_CONTAINED_BY : OXY_CO_ARRAY_CONTAINED_BY)
                              : OXY_CO_ARRAY_OVERLAP;

    if (!right || (json && !deferred && cx->loose_containment && find_guards(&g, value) < 0)) {
        return NULL;
    }
    return oxy_container(cx->b, op, target, right, g.list, g.n);
}
