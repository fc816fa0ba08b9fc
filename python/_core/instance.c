/* SPDX-License-Identifier: MIT */
/* Instances of model classes: made and written without running any code of
 * the class, as pydantic-core does it. */
#include "instance.h"

#include "leaf.h"

#include <structmember.h>

Py_ssize_t oxypy_slot_offset(PyTypeObject *type, PyObject *name)
{
    Py_ssize_t offset = -1;

    /* The slot itself, though a subclass may have put something before it. */
    for (Py_ssize_t i = 0; offset < 0 && i < PyTuple_GET_SIZE(type->tp_mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i);
        PyObject *found;

        if (!PyType_HasFeature(base, Py_TPFLAGS_HEAPTYPE)) /* has no slots of a class statement */
            continue;
        found = PyDict_GetItemWithError(base->tp_dict, name);
        if (found == NULL && PyErr_Occurred())
            return -1;
        if (found != NULL && Py_IS_TYPE(found, &PyMemberDescr_Type))
            offset = ((PyMemberDescrObject *)found)->d_member->offset;
    }
    if (offset < 0)
        PyErr_Format(PyExc_TypeError, "%s.%U is not a slot", type->tp_name, name);
    return offset;
}

oxypy_instance_state *oxypy_instance_state_get(const oxypy_plan *plan, PyObject *instance)
{
    return (oxypy_instance_state *)oxypy_slot_get(instance, plan->off_state);
}

/* The slots are zeroed; a class that needs more than that (its own
 * __new__, abstract methods) never comes here: the proof sees to it. */
PyObject *oxypy_instance_new(const oxypy_plan *plan, PyObject *dict, PyObject *fields_set, PyObject *state)
{
    PyObject *extra = plan->extra == Py_None ? Py_NewRef(Py_None) : PyDict_Copy(plan->extra), *self;

    if (extra == NULL)
        return NULL;
    if (plan->leaves && !PyObject_GC_IsTracked(dict))
        self = oxypy_leaf_new(plan->model);
    else
        self = plan->model->tp_alloc(plan->model, 0);
    if (self == NULL) {
        Py_DECREF(extra);
        return NULL;
    }
    oxypy_slot_steal(self, plan->off_fields_set, Py_XNewRef(fields_set));
    oxypy_slot_steal(self, plan->off_extra, extra);
    oxypy_slot_steal(self, plan->off_private, Py_NewRef(Py_None));
    oxypy_slot_steal(self, plan->off_state, Py_NewRef(state));
    if (PyObject_GenericSetDict(self, dict, NULL) < 0)
        Py_CLEAR(self);
    return self;
}

/* What Pydantic gives to each instance a copy of is empty, and of one of these types. */
static PyObject *copied(PyObject *value)
{
    if (PyDict_CheckExact(value))
        return PyDict_Copy(value);
    return PyList_CheckExact(value) ? PyList_GetSlice(value, 0, PyList_GET_SIZE(value)) : PySet_New(value);
}

PyObject *oxypy_private_new(PyObject *plain)
{
    PyObject *values, *names, *made;

    if (!PyArg_ParseTuple(plain, "O!O!:private", &PyDict_Type, &values, &PyTuple_Type, &names))
        return NULL;
    made = PyDict_Copy(values);
    for (Py_ssize_t i = 0; made != NULL && i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i), *value = PyDict_GetItemWithError(values, name);
        PyObject *copy = value == NULL ? NULL : copied(value);

        if (copy == NULL && !PyErr_Occurred())
            PyErr_SetObject(PyExc_KeyError, name);
        if (copy == NULL || PyDict_SetItem(made, name, copy) < 0)
            Py_CLEAR(made);
        Py_XDECREF(copy);
    }
    return made;
}

int oxypy_private_init(const oxypy_plan *plan, PyObject *instance)
{
    PyObject *args[] = {NULL, instance, Py_None}, *made;

    if (PyTuple_Check(plan->init_private)) {
        made = oxypy_private_new(plan->init_private);
        if (made != NULL)
            oxypy_slot_steal(instance, plan->off_private, made);
        return made == NULL ? -1 : 0;
    }
    made = PyObject_Vectorcall(plan->init_private, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_XDECREF(made);
    return made == NULL ? -1 : 0;
}

PyObject *oxypy_instance_dict(PyObject *instance)
{
    PyObject *dict = PyObject_GenericGetDict(instance, NULL);

    if (dict != NULL && !PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError, "%s has no __dict__", Py_TYPE(instance)->tp_name);
        Py_CLEAR(dict);
    }
    return dict;
}

PyObject *oxypy_write_attribute(PyObject *module, PyObject *const *args, Py_ssize_t n);

/* write_attribute(instance, name, value) */
PyObject *oxypy_write_attribute(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *dict, *fields_set;
    int rc;

    if (n != 3) {
        PyErr_Format(PyExc_TypeError, "write_attribute() takes 3 arguments, %zd given", n);
        return NULL;
    }
    dict = oxypy_instance_dict(args[0]);
    if (dict == NULL)
        return NULL;
    rc = PyDict_SetItem(dict, args[1], args[2]);
    oxypy_leaf_written(args[0], dict);
    Py_DECREF(dict);
    if (rc < 0)
        return NULL;
    fields_set = PyObject_GetAttr(args[0], st->s_fields_set);
    if (fields_set == NULL)
        return NULL;
    rc = PySet_Add(fields_set, args[1]);
    Py_DECREF(fields_set);
    if (rc < 0)
        return NULL;
    Py_RETURN_NONE;
}
