/* SPDX-License-Identifier: MIT */
/* The rows of a statement and Python's cyclic collector.
 *
 * The collector counts what is made and not yet freed, and after 700 objects walks
 * over the young ones. In the middle of a result, and at its end, these are our
 * rows: trees that somebody holds, of which it never frees one, and which it
 * thereafter counts as old, so that sooner or later it walks over the whole heap.
 * So rows of a large result are hidden from it until they are handed over, with the
 * list that they are in, and a collection that is due by then runs beside them. From
 * then on they are objects like any other. */
#include "execute.h"

/* Rows ahead of the one being shown: each lies in lines of its own, which the
 * processor's first cache has given up by now. */
#define AHEAD 8

/* Instances of classes; dicts and tuples hide themselves where they can. */
static bool is_instance(PyObject *o)
{
    const PyTypeObject *type = Py_TYPE(o);

    return PyType_HasFeature(Py_TYPE(o), Py_TPFLAGS_HEAPTYPE) && PyType_HasFeature(Py_TYPE(o), Py_TPFLAGS_HAVE_GC) &&
           (type->tp_is_gc == NULL || type->tp_is_gc(o));
}

void oxypy__rows_hide(PyObject *rows, Py_ssize_t first)
{
    if (rows == NULL || !PyList_CheckExact(rows))
        return;
    for (Py_ssize_t i = first; i < PyList_GET_SIZE(rows); i++) {
        PyObject *o = PyList_GET_ITEM(rows, i);

        if (is_instance(o))
            PyObject_GC_UnTrack(o); /* nothing to one that is hidden already */
    }
    PyObject_GC_UnTrack(rows); /* else a collection would visit every row through it */
}

/* Any new object of the collector's makes it look at its counts; since CPython 3.12
 * it only notes that a collection is due. Some code of the user's may run. */
void oxypy__rows_collect(PyObject *rows)
{
    PyObject *any = rows == NULL || !PyList_CheckExact(rows) ? NULL : PySeqIter_New(rows);

    if (any == NULL)
        PyErr_Clear(); /* no rows; or memory is out, which somebody else will notice */
    Py_XDECREF(any);
}

void oxypy__rows_show(PyObject *rows)
{
    if (rows == NULL || !PyList_CheckExact(rows))
        return;
    for (Py_ssize_t i = 0, n = PyList_GET_SIZE(rows); i < n; i++) {
        PyObject *o = PyList_GET_ITEM(rows, i);

        if (i + AHEAD < n)
            __builtin_prefetch(PyList_GET_ITEM(rows, i + AHEAD), 1);
        if (is_instance(o) && !PyObject_GC_IsTracked(o))
            PyObject_GC_Track(o);
    }
    if (!PyObject_GC_IsTracked(rows))
        PyObject_GC_Track(rows);
}
