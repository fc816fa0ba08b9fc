/* SPDX-License-Identifier: MIT */
/* Leaves: instances that the cyclic collector need not see, because nothing in them leads anywhere.
 *
 * CPython does not track a tuple or dict of numbers and texts: what refers to nothing that refers to
 * something is in no cycle. An instance of a table whose dict is not tracked, without extra and private
 * attributes, refers besides to its class, which the registry keeps, and to names. It stays untracked
 * until something may be put into it: docs/internals/hydration.md says by which ways, and why each ends it.
 *
 * A closed leaf holds empty lists besides, as relations that were not loaded are: nobody else has them,
 * and they are not tracked either. Reading a list as an attribute ends that, too. */
#ifndef OXYPY_LEAF_H
#define OXYPY_LEAF_H

#include <Python.h>
#include <stdbool.h>

#include "state.h"

/* Where an instance's dict lies and who may get at it is known of CPython 3.11. */
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030c0000 && !defined(Py_TRACE_REFS) && !defined(PYPY_VERSION)
#define OXYPY_LEAVES 1
#else
#define OXYPY_LEAVES 0
#endif

/* Whether an instance has no words but its header, four slots (set of fields, extra, private attributes,
 * state), its dict and its weak references. */
bool oxypy_leaf_known_words(const PyTypeObject *type);

/* Whether instances of exactly this class may be leaves: who wants to put something into one has to
 * ask for its __dict__ or its set of fields first, or does it in C. The class must be a table. */
bool oxypy_leaf_suits(oxypy_state *st, PyTypeObject *type);

/* Has the class, which suits, watch which attributes are read, where that is possible. */
void oxypy_leaf_watch(oxypy_state *st, PyTypeObject *type);
/* Whether it does still. */
bool oxypy_leaf_closes(const PyTypeObject *type);

/* The lists in an instance's dict are seen by the collector from now on, and by reason of them the dict. */
void oxypy_leaf_open_dict(PyObject *dict);
/* The same, and the instance, which is not tracked. */
void oxypy_leaf_open(PyObject *instance);

/* A new instance of a class that suits, which the collector does not see; as tp_alloc gives it otherwise. */
PyObject *oxypy_leaf_new(PyTypeObject *type);

/* The collector sees the instance from now on. */
static inline void oxypy_leaf_end(PyObject *instance)
{
    if (!PyObject_GC_IsTracked(instance))
        oxypy_leaf_open(instance);
}

/* After something was put into the instance's dict in C: a dict that may be part of a cycle is tracked. */
static inline void oxypy_leaf_written(PyObject *instance, PyObject *dict)
{
    if (PyObject_GC_IsTracked(dict))
        oxypy_leaf_end(instance);
}

/* LEAVES, watch_dict(base). 0 / -1. */
int oxypy_leaf_init(PyObject *module);

#endif
