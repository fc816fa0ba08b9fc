/* SPDX-License-Identifier: MIT */
/* Which instances need more before they are written than reading their values. Nearly none do, and
 * thousands are written at once: asking each of them in Python would cost as much as its row. */
#include "instance.h"

static bool is_empty(PyObject *value)
{
    return value == Py_None || (PyList_CheckExact(value) && PyList_GET_SIZE(value) == 0);
}

/* 1 if it holds a relation; where strict, an empty one counts too. */
static int holds_relation(PyObject *instance, PyObject *relations, bool strict)
{
    PyObject *dict = PyTuple_GET_SIZE(relations) != 0 ? oxypy_instance_dict(instance) : NULL;
    int found = dict == NULL && PyErr_Occurred() ? -1 : 0;

    for (Py_ssize_t i = 0; dict != NULL && found == 0 && i < PyTuple_GET_SIZE(relations); i++) {
        PyObject *value = PyDict_GetItemWithError(dict, PyTuple_GET_ITEM(relations, i));

        if (value != NULL)
            found = strict || !is_empty(value);
        else if (PyErr_Occurred())
            found = -1;
    }
    Py_XDECREF(dict);
    return found;
}

static int is_unsettled(const oxypy_plan *plan, PyObject *instance, PyObject *relations, bool strict)
{
    const oxypy_instance_state *state;

    if (!PyObject_TypeCheck(instance, plan->model)) {
        PyErr_Format(PyExc_TypeError, "an instance of %s is needed, not of %.100s", plan->model->tp_name,
                     Py_TYPE(instance)->tp_name);
        return -1;
    }
    if (Py_TYPE(instance) != plan->model)
        return 1; /* a subclass may have relations of its own */
    state = oxypy_instance_state_get(plan, instance);
    if (state != NULL && (PySet_GET_SIZE(state->dirty) != 0 || PySet_GET_SIZE(state->relations) != 0))
        return 1;
    return holds_relation(instance, relations, strict);
}

PyObject *oxypy_unsettled(PyObject *module, PyObject *args);

/* unsettled(model, instances, relations, strict) */
PyObject *oxypy_unsettled(PyObject *module, PyObject *args)
{
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *model, *given, *relations, *out;
    oxypy_plan *plan;
    int strict, found = 0;

    if (st == NULL || !PyArg_ParseTuple(args, "OOO!p:unsettled", &model, &given, &PyTuple_Type, &relations, &strict))
        return NULL;
    plan = oxypy_plan_of(st, model);
    given = plan != NULL ? PySequence_Tuple(given) : NULL; /* nobody changes it meanwhile */
    if (given == NULL)
        return NULL;
    out = PyList_New(0);
    for (Py_ssize_t i = 0; out != NULL && i < PyTuple_GET_SIZE(given); i++) {
        PyObject *instance = PyTuple_GET_ITEM(given, i);

        found = is_unsettled(plan, instance, relations, strict != 0);
        if (found < 0 || (found > 0 && PyList_Append(out, instance) < 0))
            Py_CLEAR(out);
    }
    Py_DECREF(given);
    return out;
}

PyObject *oxypy_are_all(PyObject *module, PyObject *args);

/* are_all(model, items) */
PyObject *oxypy_are_all(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *model, *items;

    if (!PyArg_ParseTuple(args, "OO!:are_all", &model, &PyList_Type, &items))
        return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items); i++)
        if ((PyObject *)Py_TYPE(PyList_GET_ITEM(items, i)) != model)
            Py_RETURN_FALSE;
    Py_RETURN_TRUE;
}
