/* SPDX-License-Identifier: MIT */
/* The rows of a statement and Python's cyclic collector.
 *
 * The collector counts what is made and not yet freed, and after 700 objects walks
 * over the young ones. In the middle of a result, and at its end, these are our
 * rows: trees that somebody holds, of which it never frees one, and which it
 * thereafter counts as old, so that sooner or later it walks over the whole heap.
 * So rows of a large result are hidden from it until they are handed over, with the
 * lists that they and their relations are in, and a collection that is due by then runs beside them. From
 * then on they are objects like any other. */
#include "collector.h"

#include "freeing.h"
#include "leaf.h"

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

/* The values of a dict that shares its names, side by side, as many places as it has values at
 * least; NULL: they lie otherwise. */
static PyObject **places_of(PyObject *dict)
{
    return (PyObject **)(void *)((PyDictObject *)(void *)dict)->ma_values;
}

static Py_ssize_t n_places(PyObject *dict)
{
    Py_ssize_t n = PyDict_GET_SIZE(dict);

    return n < OXYPY_HIDDEN_PLACES ? n : OXYPY_HIDDEN_PLACES;
}

static uint64_t hide_instance(PyObject *o, oxypy_hidden *hidden, bool related);

/* Lists that nobody else has, and rows in rows; not what is in the latter, so that showing always
 * finds what was hidden. */
static bool hide_value(PyObject *value, oxypy_hidden *hidden, bool related)
{
    if (value == NULL)
        return false;
    if (PyList_CheckExact(value)) {
        if (Py_REFCNT(value) != 1)
            return false;
        PyObject_GC_UnTrack(value);
        return true;
    }
    if (related || !oxypy_freed_directly(Py_TYPE(value)))
        return false;
    if (!PyObject_GC_IsTracked(value)) { /* a leaf, or some row before has the same one */
        hidden->leaves_in_related = true;
        return false;
    }
    hidden->in_related |= hide_instance(value, hidden, true);
    return true;
}

/* The places of its dict in which something was hidden. */
static uint64_t hide_instance(PyObject *o, oxypy_hidden *hidden, bool related)
{
    PyObject *dict = dict_of(o), **places;
    uint64_t found = 0;

    if (!PyObject_GC_IsTracked(o)) { /* hidden already, or a leaf, whose dict is not tracked either */
        hidden->leaves_in_rows = true;
        return 0;
    }
    PyObject_GC_UnTrack(o);
    hidden->rows = true;
    if (dict == NULL || !PyObject_GC_IsTracked(dict))
        return 0;
    PyObject_GC_UnTrack(dict);
    places = places_of(dict);
    for (Py_ssize_t i = 0, n = places == NULL ? 0 : n_places(dict); i < n; i++)
        found |= (uint64_t)hide_value(places[i], hidden, related) << i;
    hidden->dicts = true;
    return found;
}

static bool holds_rows(PyObject *rows)
{
    return rows != NULL && (PyList_CheckExact(rows) || PyTuple_CheckExact(rows));
}

void oxypy_rows_hide(PyObject *rows, Py_ssize_t first, oxypy_hidden *hidden)
{
    hidden->any = true;
    if (!holds_rows(rows))
        return;
    for (Py_ssize_t i = first; i < PySequence_Fast_GET_SIZE(rows); i++) {
        PyObject *o = PySequence_Fast_GET_ITEM(rows, i);

        if (is_instance(o))
            hidden->in_rows |= hide_instance(o, hidden, false);
    }
    PyObject_GC_UnTrack(rows); /* else a collection would visit every row through it */
}

/* Any new object of the collector's makes it look at its counts; since CPython 3.12
 * it only notes that a collection is due. Some code of the user's may run. */
void oxypy_rows_collect(PyObject *rows)
{
    PyObject *any = rows == NULL || !PyList_CheckExact(rows) ? NULL : PySeqIter_New(rows);

    if (any == NULL)
        PyErr_Clear(); /* no rows; or memory is out, which somebody else will notice */
    Py_XDECREF(any);
}

static void track(PyObject *o)
{
    if (!PyObject_GC_IsTracked(o))
        PyObject_GC_Track(o);
}

/* A leaf may hold lists that were not hidden, but never seen. */
static void show_instance(PyObject *o, bool may_be_leaf)
{
    if (may_be_leaf)
        oxypy_leaf_end(o);
    else
        track(o);
}

static void show_dict(PyObject *dict, const oxypy_hidden *hidden, bool related);

static void show_value(PyObject *value, const oxypy_hidden *hidden, bool related)
{
    if (value != NULL && PyList_CheckExact(value)) {
        track(value);
    } else if (value != NULL && !related && oxypy_freed_directly(Py_TYPE(value)) && !PyObject_GC_IsTracked(value)) {
        if (dict_of(value) != NULL)
            show_dict(dict_of(value), hidden, true);
        show_instance(value, hidden->leaves_in_related);
    }
}

/* What lies in the places of an instance's dict, then the dict. */
static void show_dict(PyObject *dict, const oxypy_hidden *hidden, bool related)
{
    PyObject **places = places_of(dict), *name, *value;
    uint64_t left = related ? hidden->in_related : hidden->in_rows;
    Py_ssize_t n = n_places(dict), at = 0;

    if (places == NULL && left != 0) /* somebody has changed it meanwhile */
        while (PyDict_Next(dict, &at, &name, &value))
            show_value(value, hidden, related);
    for (; places != NULL && left != 0; left &= left - 1)
        if (__builtin_ctzll(left) < n)
            show_value(places[__builtin_ctzll(left)], hidden, related);
    track(dict); /* one that holds nothing to collect is untracked by a full collection again */
}

void oxypy_rows_show(PyObject *rows, oxypy_hidden *hidden)
{
    if (!hidden->any)
        return;
    hidden->any = false;
    if (!holds_rows(rows))
        return;
    for (Py_ssize_t i = 0, n = hidden->rows ? PySequence_Fast_GET_SIZE(rows) : 0; i < n; i++) {
        PyObject *o = PySequence_Fast_GET_ITEM(rows, i), *dict = hidden->dicts && is_instance(o) ? dict_of(o) : NULL;

        if (i + AHEAD < n)
            __builtin_prefetch(PySequence_Fast_GET_ITEM(rows, i + AHEAD), 1);
        if (dict != NULL)
            show_dict(dict, hidden, false);
        if (is_instance(o))
            show_instance(o, hidden->leaves_in_rows);
    }
    track(rows);
}
