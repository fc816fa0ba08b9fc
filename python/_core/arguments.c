/* SPDX-License-Identifier: MIT */
#include "arguments.h"

PyObject *oxypy_argument_names(const char *const *names)
{
    PyObject *tuple;
    Py_ssize_t n = 0;

    while (names[n] != NULL)
        n++;
    tuple = PyTuple_New(n);
    for (Py_ssize_t i = 0; tuple != NULL && i < n; i++) {
        PyObject *name = PyUnicode_InternFromString(names[i]);

        if (name == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, name);
    }
    return tuple;
}

/* -1: there is none. Keywords written in code are interned; others are compared. */
static Py_ssize_t find(PyObject *names, PyObject *name)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++)
        if (PyTuple_GET_ITEM(names, i) == name)
            return i;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++)
        if (PyUnicode_Compare(PyTuple_GET_ITEM(names, i), name) == 0)
            return i;
    return -1;
}

int oxypy_arguments(const char *function, PyObject *names, Py_ssize_t positional, Py_ssize_t required,
                    PyObject *const *args, Py_ssize_t n, PyObject *kwnames, PyObject **out)
{
    Py_ssize_t n_names = PyTuple_GET_SIZE(names), n_keywords = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);

    if (n > positional) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %zd positional arguments (%zd given)", function, positional,
                     n);
        return -1;
    }
    for (Py_ssize_t i = 0; i < n_names; i++)
        out[i] = i < n ? args[i] : NULL;
    for (Py_ssize_t i = 0; i < n_keywords; i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        Py_ssize_t at = find(names, name);

        if (at < 0 || out[at] != NULL) {
            PyErr_Format(PyExc_TypeError,
                         at < 0 ? "%s() got an unexpected keyword argument %R" : "%s() got argument %R twice", function,
                         name);
            return -1;
        }
        out[at] = args[n + i];
    }
    for (Py_ssize_t i = 0; i < required; i++) {
        if (out[i] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() misses the argument %R", function, PyTuple_GET_ITEM(names, i));
            return -1;
        }
    }
    return 0;
}
