/* SPDX-License-Identifier: MIT */
/* Arguments of calls that are made once per statement: Python's own parser makes
 * and hashes a str for each possible keyword each time. */
#ifndef OXYPY_ARGUMENTS_H
#define OXYPY_ARGUMENTS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Makes the tuple of names that oxypy_arguments takes; NULL-terminated list.
 * New reference; NULL with an exception. */
PyObject *oxypy_argument_names(const char *const *names);

/* Puts the arguments of a fast call into out, in the order of names, borrowed;
 * NULL for those not given. The first `positional` may be given by position,
 * the first `required` have to be given. 0, or -1 with TypeError. */
int oxypy_arguments(const char *function, PyObject *names, Py_ssize_t positional, Py_ssize_t required,
                    PyObject *const *args, Py_ssize_t n, PyObject *kwnames, PyObject **out);

#endif
