/* SPDX-License-Identifier: MIT */
/* What concerns the whole process: the observer of statements, forks, the end. */
#include "runtime_private.h"

void oxypy_database_warn_unclosed(PyObject *source, PyObject *alias)
{
    if (PyErr_ResourceWarning(source, 1, "unclosed database %R", alias) < 0)
        PyErr_WriteUnraisable(source);
}

static PyObject *set_observer(PyObject *module, PyObject *observer)
{
    oxypy_state *st = oxypy_state_of_module(module);

    if (observer != Py_None && !PyCallable_Check(observer))
        return PyErr_Format(PyExc_TypeError, "an observer is callable, %s is not", Py_TYPE(observer)->tp_name);
    Py_XSETREF(st->runtime->observer, observer == Py_None ? NULL : Py_NewRef(observer));
    Py_RETURN_NONE;
}

static PyObject *after_fork(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    oxypy_runtime_after_fork(oxypy_state_of_module(module)->runtime);
    Py_RETURN_NONE;
}

/* The process ends: close quietly what was left open. */
static PyObject *at_exit(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    oxypy_runtime *rt = oxypy_state_of_module(module)->runtime;

    for (;;) {
        oxypy_store *store;

        oxypy_lock(rt);
        for (store = rt->stores; store != NULL && store->closing; store = store->next)
            ;
        if (store != NULL)
            store->refs++;
        oxypy_unlock(rt);
        if (store == NULL)
            Py_RETURN_NONE;
        oxypy_database_warn_unclosed(NULL, store->alias);
        oxypy_store_close(store, NULL);
        oxypy_store_evict(store, NULL);
        oxypy_store_unref(store);
    }
}

static PyMethodDef process_functions[] = {
    {"set_observer", set_observer, METH_O, PyDoc_STR("Calls observer(**event) after each statement; None: nobody.")},
    {"_after_fork", after_fork, METH_NOARGS, PyDoc_STR("Leaves the parent's connections alone.")},
    {"_at_exit", at_exit, METH_NOARGS, PyDoc_STR("Closes what was left open.")},
    {NULL, NULL, 0, NULL},
};

static int register_hooks(PyObject *module)
{
    PyObject *os = PyImport_ImportModule("os"), *atexit = PyImport_ImportModule("atexit"), *fn = NULL, *done = NULL;
    PyObject *fork = NULL, *args = NULL, *kwargs = NULL;
    int rc = -1;

    if (os == NULL || atexit == NULL)
        goto done;
    fn = PyObject_GetAttrString(module, "_at_exit");
    done = fn == NULL ? NULL : PyObject_CallMethod(atexit, "register", "O", fn);
    if (done == NULL)
        goto done;
    if (PyObject_HasAttrString(os, "register_at_fork")) {
        Py_SETREF(fn, PyObject_GetAttrString(module, "_after_fork"));
        fork = PyObject_GetAttrString(os, "register_at_fork");
        args = PyTuple_New(0);
        kwargs = fn == NULL ? NULL : Py_BuildValue("{s:O}", "after_in_child", fn);
        if (fork == NULL || args == NULL || kwargs == NULL)
            goto done;
        Py_SETREF(done, PyObject_Call(fork, args, kwargs));
        if (done == NULL)
            goto done;
    }
    rc = 0;
done:
    Py_XDECREF(os);
    Py_XDECREF(atexit);
    Py_XDECREF(fn);
    Py_XDECREF(done);
    Py_XDECREF(fork);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    return rc;
}

int oxypy_process_init(PyObject *module)
{
    if (PyModule_AddFunctions(module, process_functions) < 0)
        return -1;
    return register_hooks(module);
}
