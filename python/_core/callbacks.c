/* SPDX-License-Identifier: MIT */
#include "callbacks.h"

#include "runtime_private.h"

int oxypy_callbacks_read(PyObject *const *args, Py_ssize_t n, PyObject *kwnames, PyObject **callback,
                         PyObject **context)
{
    Py_ssize_t keywords = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);

    if (n != 1 || keywords > 1 ||
        (keywords == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "context") != 0)) {
        PyErr_SetString(PyExc_TypeError, "add_done_callback() takes a callback and a context");
        return -1;
    }
    *callback = args[0];
    *context = keywords == 1 && args[1] != Py_None ? Py_NewRef(args[1]) : PyContext_CopyCurrent();
    return *context == NULL ? -1 : 0;
}

int oxypy_callbacks_add(oxypy_callbacks *c, PyObject *callback, PyObject *context)
{
    PyObject *pair;
    int rc;

    if (c->callback == NULL) {
        c->callback = Py_NewRef(callback);
        c->context = Py_NewRef(context);
        return 0;
    }
    if (c->more == NULL)
        c->more = PyList_New(0);
    pair = c->more == NULL ? NULL : PyTuple_Pack(2, callback, context);
    rc = pair == NULL ? -1 : PyList_Append(c->more, pair);
    Py_XDECREF(pair);
    return rc;
}

static Py_ssize_t remove_more(oxypy_callbacks *c, PyObject *callback)
{
    Py_ssize_t removed = 0;

    for (Py_ssize_t i = 0; c->more != NULL && i < PyList_GET_SIZE(c->more);) {
        PyObject *pair = Py_NewRef(PyList_GET_ITEM(c->more, i));
        int same = PyObject_RichCompareBool(PyTuple_GET_ITEM(pair, 0), callback, Py_EQ);

        Py_DECREF(pair);
        if (same < 0 || (same > 0 && PySequence_DelItem(c->more, i) < 0))
            return -1;
        removed += same;
        i += !same;
    }
    return removed;
}

Py_ssize_t oxypy_callbacks_remove(oxypy_callbacks *c, PyObject *callback)
{
    PyObject *first = Py_XNewRef(c->callback);
    int same = first == NULL ? 0 : PyObject_RichCompareBool(first, callback, Py_EQ);
    Py_ssize_t removed = same < 0 ? -1 : remove_more(c, callback);

    Py_XDECREF(first);
    if (removed < 0)
        return -1;
    if (same > 0 && c->callback != NULL) {
        Py_CLEAR(c->callback);
        Py_CLEAR(c->context);
        removed++;
    }
    return removed;
}

int oxypy_callbacks_soon(oxypy_loop *loop, PyObject *callback, PyObject *context, PyObject *future)
{
    oxypy_state *st = loop->st;
    PyObject *object = oxypy_loop_object(loop), *handle;
    PyObject *args[] = {NULL, object, callback, future, context};

    if (object == NULL)
        return 0; /* nobody is left to be called */
    handle =
        PyObject_VectorcallMethod(st->s_call_soon, args + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, st->context_keyword);
    Py_DECREF(object);
    Py_XDECREF(handle);
    return handle == NULL ? -1 : 0;
}

/* Whoever waits on a closed loop never goes on: that is no news. */
static void not_scheduled(oxypy_loop *loop, PyObject *future)
{
    if (oxypy_loop_if_open(loop) == NULL)
        PyErr_Clear();
    else
        PyErr_WriteUnraisable(future);
}

void oxypy_callbacks_schedule(oxypy_callbacks *c, oxypy_loop *loop, PyObject *future)
{
    PyObject *callback = c->callback, *context = c->context, *more = c->more;

    c->callback = c->context = c->more = NULL;
    if (callback != NULL && oxypy_callbacks_soon(loop, callback, context, future) < 0)
        not_scheduled(loop, future);
    for (Py_ssize_t i = 0; more != NULL && i < PyList_GET_SIZE(more); i++) {
        PyObject *pair = PyList_GET_ITEM(more, i);

        if (oxypy_callbacks_soon(loop, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1), future) < 0)
            not_scheduled(loop, future);
    }
    Py_XDECREF(callback);
    Py_XDECREF(context);
    Py_XDECREF(more);
}

/* As a Handle of the loop does with what a callback raised. 0, or -1 for what
 * ends the loop. */
static int report(oxypy_loop *state, PyObject *callback)
{
    PyObject *type, *value, *traceback, *loop, *about, *done = NULL;

    if (PyErr_ExceptionMatches(PyExc_SystemExit) || PyErr_ExceptionMatches(PyExc_KeyboardInterrupt))
        return -1;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL)
        (void)PyException_SetTraceback(value, traceback);
    loop = oxypy_loop_object(state);
    about = Py_BuildValue("{s:N,s:O}", "message", PyUnicode_FromFormat("Exception in callback %R", callback),
                          "exception", value == NULL ? Py_None : value);
    if (loop != NULL && about != NULL)
        done = PyObject_CallMethod(loop, "call_exception_handler", "O", about);
    if (done == NULL)
        PyErr_WriteUnraisable(callback);
    Py_XDECREF(loop);
    Py_XDECREF(about);
    Py_XDECREF(done);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return 0;
}

int oxypy_callbacks_run(oxypy_callbacks *c, oxypy_loop *loop, PyObject *future)
{
    PyObject *callback = c->callback, *context = c->context, *done;
    int rc = 0;

    if (callback == NULL && c->more == NULL)
        return 0;
    if (c->more != NULL || PyContext_Enter(context) < 0) {
        PyErr_Clear(); /* the context is in use */
        oxypy_callbacks_schedule(c, loop, future);
        return 0;
    }
    c->callback = c->context = NULL;
    done = PyObject_CallOneArg(callback, future);
    if (done == NULL)
        rc = report(loop, callback);
    Py_XDECREF(done);
    if (rc == 0) {
        if (PyContext_Exit(context) < 0)
            PyErr_WriteUnraisable(context);
    } else {
        PyObject *type, *value, *traceback;

        PyErr_Fetch(&type, &value, &traceback);
        if (PyContext_Exit(context) < 0)
            PyErr_WriteUnraisable(context);
        PyErr_Restore(type, value, traceback);
    }
    Py_DECREF(callback);
    Py_DECREF(context);
    return rc;
}

void oxypy_callbacks_clear(oxypy_callbacks *c)
{
    Py_CLEAR(c->callback);
    Py_CLEAR(c->context);
    Py_CLEAR(c->more);
}
