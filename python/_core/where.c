/* SPDX-License-Identifier: MIT */
/* Conditions of a query that grows call by call. A state has the last few in a
 * tuple of its own, which each call copies; the ones before them are links that
 * all later states share. So a call costs the same however many came before. */
#include "build.h"

#define COPIED 32 /* the most that a call copies */

/* What came before (a link or None), and conditions. */
static PyObject *linked(oxypy_state *st, PyObject *earlier, PyObject *conditions)
{
    PyObject *link = PyTuple_Pack(2, earlier ? earlier : Py_None, conditions);

    if (link && oxypy_untrack_tuple(st, conditions)) {
        (void)oxypy_untrack_tuple(st, link);
    }
    return link;
}

PyObject *oxypy_where_before(PyObject **link)
{
    PyObject *at = *link;

    if (!at) {
        return NULL;
    }
    *link = PyTuple_GET_ITEM(at, 0) == Py_None ? NULL : PyTuple_GET_ITEM(at, 0);
    return PyTuple_GET_ITEM(at, 1);
}

/* Copies one tuple into another, up to this end. Where it began. */
static Py_ssize_t copy_down(PyObject *into, Py_ssize_t end, PyObject *from)
{
    Py_ssize_t start = end - PyTuple_GET_SIZE(from);

    for (Py_ssize_t i = start; i < end; i++) {
        PyTuple_SET_ITEM(into, i, Py_NewRef(PyTuple_GET_ITEM(from, i - start)));
    }
    return start;
}

int oxypy_where_add(oxypy_state *st, oxypy_query *q, PyObject *const *conditions, Py_ssize_t n)
{
    Py_ssize_t had = q->where ? PyTuple_GET_SIZE(q->where) : 0;
    bool full = had >= COPIED;
    PyObject *where = PyTuple_New(full ? n : had + n);
    PyObject *earlier = where && full ? linked(st, q->earlier, q->where) : NULL;

    if (!where || (full && !earlier)) {
        Py_XDECREF(where);
        return -1;
    }
    if (full) {
        had = 0;
    } else if (had) {
        (void)copy_down(where, had, q->where);
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyTuple_SET_ITEM(where, had + i, Py_NewRef(conditions[i]));
    }
    if (full) {
        Py_XSETREF(q->earlier, earlier);
    }
    Py_XSETREF(q->where, where);
    return 0;
}

int oxypy_where_gather(oxypy_query *q)
{
    if (!q->earlier) {
        return 0;
    }
    PyObject *link = q->earlier, *conditions = q->where;
    Py_ssize_t n = 0;

    for (; conditions; conditions = oxypy_where_before(&link)) {
        n += PyTuple_GET_SIZE(conditions);
    }
    PyObject *all = PyTuple_New(n);

    if (!all) {
        return -1;
    }
    for (link = q->earlier, conditions = q->where; conditions; conditions = oxypy_where_before(&link)) {
        n = copy_down(all, n, conditions);
    }
    Py_SETREF(q->where, all);
    Py_CLEAR(q->earlier);
    return 0;
}
