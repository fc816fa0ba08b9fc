/* SPDX-License-Identifier: MIT */
/* How the package makes operations: operation() and raw_operation(). Whatever
 * is wrong with the arguments is said here, before anything is awaited. */
#include "runtime_private.h"

static PyObject *given(PyObject *o)
{
    return o == NULL || o == Py_None ? NULL : Py_NewRef(o);
}

static int check_using(PyObject *using_)
{
    if (using_ == NULL || using_ == Py_None || PyUnicode_Check(using_))
        return 0;
    PyErr_Format(PyExc_TypeError, "using must be the alias of a database (str), not %s", Py_TYPE(using_)->tp_name);
    return -1;
}

static PyObject *make_operation(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"what",  "subject", "sink",  "arg",  "returning", "limit",
                            "using", "client",  "write", "into", NULL};
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *subject, *arg = NULL, *returning = NULL, *using_ = NULL, *client = NULL, *into = NULL;
    int what, sink, write = 0;
    long long limit = -1;
    oxypy_operation *op;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "iOi|$OOLOOpO:operation", names, &what, &subject, &sink, &arg,
                                     &returning, &limit, &using_, &client, &write, &into))
        return NULL;
    if (what < 0 || what > OXYPY_DO_INSERT || sink < 0 || sink >= OXYPY_SINK_COUNT) {
        PyErr_SetString(PyExc_ValueError, "unknown operation or sink");
        return NULL;
    }
    if (check_using(using_) < 0)
        return NULL;
    op = oxypy_operation_new(st, &oxypy_op_statement);
    if (op == NULL)
        return NULL;
    op->what = (uint8_t)what;
    op->sink = (uint8_t)sink;
    op->write = write != 0;
    op->limit = limit;
    op->subject = Py_NewRef(subject);
    op->arg = given(arg);
    op->returning = given(returning);
    op->into = given(into != NULL && into != Py_None ? into : arg);
    op->using_ = given(using_);
    op->client = given(client);
    return (PyObject *)op;
}

static PyObject *make_raw_operation(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"sql", "params", "using", "client", "script", "sink", NULL};
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *sql, *params = NULL, *using_ = NULL, *client = NULL;
    int script = 0, sink = OXYPY_SINK_LIST;
    oxypy_operation *op;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U|O$OOpi:raw_operation", names, &sql, &params, &using_, &client,
                                     &script, &sink))
        return NULL;
    if (params != NULL && params != Py_None && !PyList_Check(params) && !PyTuple_Check(params)) {
        PyErr_Format(PyExc_TypeError, "params must be a list or tuple, not %s", Py_TYPE(params)->tp_name);
        return NULL;
    }
    if (sink < 0 || sink >= OXYPY_SINK_COUNT || sink == OXYPY_SINK_REFILL) {
        PyErr_SetString(PyExc_ValueError, "unknown sink");
        return NULL;
    }
    if (check_using(using_) < 0)
        return NULL;
    op = oxypy_operation_new(st, &oxypy_op_statement);
    if (op == NULL)
        return NULL;
    op->sql = Py_NewRef(sql);
    op->params = given(params);
    op->using_ = given(using_);
    op->client = given(client);
    op->script = script != 0;
    op->sink = (uint8_t)sink;
    return (PyObject *)op;
}

static PyMethodDef op_functions[] = {
    {"operation", (PyCFunction)(void (*)(void))make_operation, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("A statement from a query or from rows to insert.")},
    {"raw_operation", (PyCFunction)(void (*)(void))make_raw_operation, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("A statement from the user's text.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_make_init(PyObject *module)
{
    return PyModule_AddFunctions(module, op_functions);
}
