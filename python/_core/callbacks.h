/* SPDX-License-Identifier: MIT */
/* Who is to be called when a future is over: what wakeups and gathered
 * operations have in common with asyncio's futures. */
#ifndef OXYPY_CALLBACKS_H
#define OXYPY_CALLBACKS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

struct oxypy_loop;

/* Zeroed: nobody. All owned. */
typedef struct oxypy_callbacks {
    PyObject *callback, *context; /* the first */
    PyObject *more;               /* list of (callback, context), or NULL */
} oxypy_callbacks;

/* Reads add_done_callback(callback, *, context=None): the callback is borrowed, the
 * context, a copy of the current one where none was given, is a new reference. 0 / -1. */
int oxypy_callbacks_read(PyObject *const *args, Py_ssize_t n, PyObject *kwnames, PyObject **callback,
                         PyObject **context);
int oxypy_callbacks_add(oxypy_callbacks *c, PyObject *callback, PyObject *context); /* 0 / -1 */
/* How many were equal to callback; -1 with an exception. */
Py_ssize_t oxypy_callbacks_remove(oxypy_callbacks *c, PyObject *callback);
/* loop.call_soon(callback, future, context=context). 0 / -1. */
int oxypy_callbacks_soon(struct oxypy_loop *loop, PyObject *callback, PyObject *context, PyObject *future);
/* All on the loop's next turn, each once. Reports what fails. */
void oxypy_callbacks_schedule(oxypy_callbacks *c, struct oxypy_loop *loop, PyObject *future);
/* At once, if it is one and its context is free; otherwise as above. Only inside
 * of a callback of the loop. 0, or -1 for what ends the loop. */
int oxypy_callbacks_run(oxypy_callbacks *c, struct oxypy_loop *loop, PyObject *future);
void oxypy_callbacks_clear(oxypy_callbacks *c);

#endif
