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

/* An instance's __dict__, borrowed. Where collections wait until rows are shown
 * anyway, there is no use in hiding what is in them. */
static PyObject *dict_of(PyObject *instance)
{
#if PY_VERSION_HEX < 0x030c0000
    PyObject **at = _PyObject_GetDictPtr(instance);

    return at == NULL || *at == NULL || !PyDict_CheckExact(*at) ? NULL : *at;
#else
    (void)instance;
    return NULL;
#endif
}

bool oxypy__rows_hide(PyObject *rows, Py_ssize_t first)
{
    bool dicts = false;

    if (rows == NULL || !PyList_CheckExact(rows))
        return false;
    for (Py_ssize_t i = first; i < PyList_GET_SIZE(rows); i++) {
        PyObject *o = PyList_GET_ITEM(rows, i), *dict = NULL;

        if (is_instance(o)) {
            PyObject_GC_UnTrack(o); /* nothing to one that is hidden already */
            dict = dict_of(o);
        }
        if (dict != NULL && PyObject_GC_IsTracked(dict)) {
            PyObject_GC_UnTrack(dict); /* of related rows and lists */
            dicts = true;
        }
    }
    PyObject_GC_UnTrack(rows); /* else a collection would visit every row through it */
    return dicts;
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

void oxypy__rows_show(PyObject *rows, bool dicts)
{
    if (rows == NULL || !PyList_CheckExact(rows))
        return;
    for (Py_ssize_t i = 0, n = PyList_GET_SIZE(rows); i < n; i++) {
        PyObject *o = PyList_GET_ITEM(rows, i), *dict = dicts && is_instance(o) ? dict_of(o) : NULL;

        if (i + AHEAD < n)
            __builtin_prefetch(PyList_GET_ITEM(rows, i + AHEAD), 1);
        if (is_instance(o) && !PyObject_GC_IsTracked(o))
            PyObject_GC_Track(o);
        if (dict != NULL && !PyObject_GC_IsTracked(dict))
            PyObject_GC_Track(dict); /* one that holds nothing to collect is untracked by a full collection again */
    }
    if (!PyObject_GC_IsTracked(rows))
        PyObject_GC_Track(rows);
}
