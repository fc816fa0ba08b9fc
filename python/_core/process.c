/* SPDX-License-Identifier: MIT */
/* What concerns the whole process: the observer of statements, forks, the end. */
#include "runtime_private.h"

/* How long a fork waits for calls that block in client libraries. */
#define FORK_WAIT (2 * OXY_NS_PER_S)
/* And the end of the process for those that stop statements on servers. */
#define EXIT_WAIT (3 * OXY_NS_PER_S)

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

static PyObject *set_router(PyObject *module, PyObject *router)
{
    oxypy_state *st = oxypy_state_of_module(module);

    if (router != Py_None && !PyCallable_Check(router))
        return PyErr_Format(PyExc_TypeError, "a router is callable, %s is not", Py_TYPE(router)->tp_name);
    Py_XSETREF(st->runtime->router, router == Py_None ? NULL : Py_NewRef(router));
    Py_RETURN_NONE;
}

static oxy_errands *errands_of(PyObject *module)
{
    oxypy_runtime *rt = oxypy_state_of_module(module)->runtime;
    oxy_errands *errands;

    oxypy_lock(rt);
    errands = rt->errands;
    oxypy_unlock(rt);
    return errands;
}

/* A thread inside a client library holds locks that the child would inherit. */
static PyObject *before_fork(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    oxy_errands *errands = errands_of(module);

    if (errands != NULL) {
        Py_BEGIN_ALLOW_THREADS;
        (void)oxy_errands_pause(errands, FORK_WAIT);
        Py_END_ALLOW_THREADS;
    }
    Py_RETURN_NONE;
}

static PyObject *after_fork_in_parent(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    oxy_errands *errands = errands_of(module);

    if (errands != NULL)
        oxy_errands_resume(errands);
    Py_RETURN_NONE;
}

static PyObject *after_fork(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    oxypy_runtime_after_fork(oxypy_state_of_module(module)->runtime);
    Py_RETURN_NONE;
}

/* The process ends: close quietly what was left open, and let no thread be inside
 * a library that is about to be taken down. */
static PyObject *at_exit(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    oxypy_runtime *rt = oxypy_state_of_module(module)->runtime;
    oxy_errands *errands;

    for (;;) {
        oxypy_store *store;

        oxypy_lock(rt);
        for (store = rt->stores; store != NULL && store->closing; store = store->next)
            ;
        if (store != NULL)
            store->refs++;
        oxypy_unlock(rt);
        if (store == NULL)
            break;
        oxypy_database_warn_unclosed(NULL, store->alias);
        oxypy_store_close(store, NULL);
        oxypy_store_evict(store, NULL);
        oxypy_store_unref(store);
    }
    errands = errands_of(module);
    if (errands != NULL) {
        Py_BEGIN_ALLOW_THREADS;
        (void)oxy_errands_settle(errands, EXIT_WAIT);
        Py_END_ALLOW_THREADS;
    }
    Py_RETURN_NONE;
}

static PyMethodDef process_functions[] = {
    {"set_observer", set_observer, METH_O, PyDoc_STR("Calls observer(**event) after each statement; None: nobody.")},
    {"set_router", set_router, METH_O, PyDoc_STR("Asks router(model, write) for an alias; None: nobody.")},
    {"_before_fork", before_fork, METH_NOARGS, PyDoc_STR("Waits until no thread is inside a client library.")},
    {"_after_fork_in_parent", after_fork_in_parent, METH_NOARGS, PyDoc_STR("Lets such calls begin again.")},
    {"_after_fork", after_fork, METH_NOARGS, PyDoc_STR("Leaves the parent's connections alone.")},
    {"_at_exit", at_exit, METH_NOARGS, PyDoc_STR("Closes what was left open.")},
    {NULL, NULL, 0, NULL},
};

static int register_hooks(PyObject *module)
{
    PyObject *os = PyImport_ImportModule("os"), *atexit = PyImport_ImportModule("atexit"), *fn = NULL, *done = NULL;
    PyObject *fork = NULL, *args = NULL, *kwargs = NULL, *before = NULL, *parent = NULL;
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
        before = PyObject_GetAttrString(module, "_before_fork");
        parent = PyObject_GetAttrString(module, "_after_fork_in_parent");
        kwargs =
            fn == NULL || before == NULL || parent == NULL
                ? NULL
                : Py_BuildValue("{s:O,s:O,s:O}", "before", before, "after_in_parent", parent, "after_in_child", fn);
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
    Py_XDECREF(before);
    Py_XDECREF(parent);
    return rc;
}

int oxypy_process_init(PyObject *module)
{
    if (PyModule_AddFunctions(module, process_functions) < 0)
        return -1;
    return register_hooks(module);
}
