/* SPDX-License-Identifier: MIT */
/* Instances of model classes as memory: what an instance knows of its row
 * (InstanceState), and the slots that Pydantic and oxyde keep beside __dict__. */
#ifndef OXYPY_INSTANCE_H
#define OXYPY_INSTANCE_H

#include "plan.h"

/* Immutable; shared by all rows of one row program. loaded is a frozenset or
 * None (all fields), relations and dirty are frozensets; never NULL. */
typedef struct oxypy_instance_state {
    PyObject_HEAD PyObject *loaded;
    PyObject *relations;
    PyObject *dirty;
    bool saved;
} oxypy_instance_state;

/* New reference. loaded: frozenset or Py_None. relations, dirty: frozensets, or
 * NULL for an empty one. */
PyObject *oxypy_instance_state_new(oxypy_state *st, bool saved, PyObject *loaded, PyObject *relations, PyObject *dirty);

/* The state in an instance's slot; borrowed, NULL if it was never saved. */
oxypy_instance_state *oxypy_instance_state_get(const oxypy_plan *plan, PyObject *instance);

/* Offset of a slot that the class declares through __slots__; -1 with
 * TypeError if there is none of that name. */
Py_ssize_t oxypy_slot_offset(PyTypeObject *type, PyObject *name);

/* Replaces the object in a slot. Steals value; may be NULL. */
static inline void oxypy_slot_steal(PyObject *instance, Py_ssize_t offset, PyObject *value)
{
    PyObject **slot = (PyObject **)(void *)((char *)instance + offset);
    PyObject *old = *slot;

    *slot = value;
    Py_XDECREF(old);
}

/* Borrowed; NULL if the slot is unset. */
static inline PyObject *oxypy_slot_get(PyObject *instance, Py_ssize_t offset)
{
    return *(PyObject **)(void *)((char *)instance + offset);
}

/* The set of fields of an instance; new reference. Made now if a loaded
 * instance has none yet (fields_set.c). */
PyObject *oxypy_fields_set_get(oxypy_state *st, const oxypy_plan *plan, PyObject *instance);

/* A fresh instance of plan->model holding dict, with fields_set (NULL: all
 * columns, made on first use), extra, no
 * private attributes and state. Takes new references of its own; runs no
 * Python code of the class. dict is complete: by it the instance is tracked, or a leaf (leaf.h). */
PyObject *oxypy_instance_new(const oxypy_plan *plan, PyObject *dict, PyObject *fields_set, PyObject *state);

/* Private attributes of a new instance: (dict, names of those that are copied). New
 * reference to a dict. */
PyObject *oxypy_private_new(PyObject *plain);
/* Fills them as plan->init_private, which is not NULL, says. 0 / -1. */
int oxypy_private_init(const oxypy_plan *plan, PyObject *instance);

/* The instance's __dict__; new reference. Who puts something into it calls oxypy_leaf_written() then. */
PyObject *oxypy_instance_dict(PyObject *instance);

#endif
