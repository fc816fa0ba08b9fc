/* SPDX-License-Identifier: MIT */
/* How the package makes operations: operation() and raw_operation(). Whatever
 * is wrong with the arguments is said here, before anything is awaited. */
#include "arguments.h"
#include "runtime_private.h"

#include <limits.h>

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

/* Models whose relations are loaded behind them: several statements, which the
 * package runs. */
static bool loads_more(const oxypy_state *st, int what, PyObject *subject, int sink)
{
    const oxypy_query *q = (const oxypy_query *)subject;

    return what == OXYPY_DO_SELECT && PyObject_TypeCheck(subject, st->query_type) && q->prefetches != NULL &&
           q->mode == OXYPY_MODE_MODELS && sink <= OXYPY_SINK_ONE_OR_NONE && st->read_and_load != NULL;
}

static PyObject *read_and_load(const oxypy_state *st, PyObject *subject, int sink, long long limit, PyObject *using_,
                               PyObject *client, int write)
{
    return PyObject_CallFunction(st->read_and_load, "OiL(OOO)", subject, sink, limit, using_ == NULL ? Py_None : using_,
                                 client == NULL ? Py_None : client, write ? Py_True : Py_False);
}

static oxypy_operation *one_statement(oxypy_state *st, int what, PyObject *query, int sink, long long limit)
{
    oxypy_operation *op = oxypy_operation_new(st, &oxypy_op_statement);

    if (op == NULL)
        return NULL;
    op->what = (uint8_t)what;
    op->sink = (uint8_t)sink;
    op->limit = limit;
    op->subject = Py_NewRef(query);
    return op;
}

PyObject *oxypy_make_statement(oxypy_state *st, int what, PyObject *query, int sink, long long limit)
{
    if (loads_more(st, what, query, sink))
        return read_and_load(st, query, sink, limit, NULL, NULL, 0);
    return (PyObject *)one_statement(st, what, query, sink, limit);
}

PyObject *oxypy_make_filtered(oxypy_state *st, int what, PyObject *query, PyObject *keywords, PyObject *const *values,
                              int sink, long long limit)
{
    oxypy_given given;
    int taken = oxypy_given_take(st, (oxypy_query *)query, keywords, values, &given);
    PyObject *filtered, *answer;

    if (taken < 0)
        return NULL;
    if (taken > 0) { /* not by a query that loads more */
        oxypy_operation *op = one_statement(st, what, query, sink, limit);

        if (op == NULL)
            oxypy_given_clear(&given);
        else
            op->given = given;
        return (PyObject *)op;
    }
    filtered = oxypy_query_filter(st, (oxypy_query *)query, keywords, values);
    answer = filtered == NULL ? NULL : oxypy_make_statement(st, what, filtered, sink, limit);
    Py_XDECREF(filtered);
    return answer;
}

#define OPERATION_ARGUMENTS(X)                                                                                         \
    X(what) X(subject) X(sink) X(arg) X(returning) X(limit) X(using) X(client) X(write) X(into) X(chunk)

enum {
#define X(name) ARG_##name,
    OPERATION_ARGUMENTS(X)
#undef X
        N_ARGUMENTS
};

/* As the number of a kind; INT_MAX, which is none, for what no int holds. */
static int small_number(PyObject *value, int *out)
{
    int overflow;
    long number = PyLong_AsLongAndOverflow(value, &overflow);

    if (number == -1 && PyErr_Occurred())
        return -1;
    *out = overflow != 0 || number > INT_MAX || number < 0 ? INT_MAX : (int)number;
    return 0;
}

static PyObject *make_operation(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *kwnames)
{
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *a[N_ARGUMENTS], *subject, *arg, *using_, *client, *into;
    int what, sink, write = 0;
    long long limit = -1;
    Py_ssize_t chunk = 0;
    oxypy_operation *op;

    if (oxypy_arguments("operation", st->operation_names, ARG_arg, ARG_arg, args, n, kwnames, a) < 0 ||
        small_number(a[ARG_what], &what) < 0 || small_number(a[ARG_sink], &sink) < 0)
        return NULL;
    if (a[ARG_limit] != NULL && (limit = PyLong_AsLongLong(a[ARG_limit])) == -1 && PyErr_Occurred())
        return NULL;
    if (a[ARG_chunk] != NULL && (chunk = PyLong_AsSsize_t(a[ARG_chunk])) == -1 && PyErr_Occurred())
        return NULL;
    if (a[ARG_write] != NULL && (write = PyObject_IsTrue(a[ARG_write])) < 0)
        return NULL;
    subject = a[ARG_subject];
    arg = a[ARG_arg];
    into = a[ARG_into];
    using_ = a[ARG_using];
    client = a[ARG_client];
    if (what < 0 || what > OXYPY_DO_INSERT || sink < 0 || sink >= OXYPY_SINK_COUNT) {
        PyErr_SetString(PyExc_ValueError, "unknown operation or sink");
        return NULL;
    }
    if (chunk < 0 || (chunk > 0 && (what != OXYPY_DO_SELECT || sink != OXYPY_SINK_LIST))) {
        PyErr_SetString(PyExc_ValueError, "only lists of selected rows come in chunks, of one row at least");
        return NULL;
    }
    if (check_using(using_) < 0)
        return NULL;
    if (loads_more(st, what, subject, sink))
        return read_and_load(st, subject, sink, limit, using_, client, write);
    op = oxypy_operation_new(st, &oxypy_op_statement);
    if (op == NULL)
        return NULL;
    op->chunk = chunk;
    op->what = (uint8_t)what;
    op->sink = (uint8_t)sink;
    op->write = write != 0;
    op->limit = limit;
    op->subject = Py_NewRef(subject);
    op->arg = given(arg);
    op->returning = given(a[ARG_returning]);
    op->into = given(into != NULL && into != Py_None ? into : arg);
    op->using_ = given(using_);
    op->client = given(client);
    return (PyObject *)op;
}

static PyObject *make_raw_operation(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"sql", "params", "using", "client", "script", "sink", "model", NULL};
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *sql, *params = NULL, *using_ = NULL, *client = NULL, *model = Py_None;
    int script = 0, sink = OXYPY_SINK_LIST;
    oxypy_plan *plan = NULL;
    oxypy_operation *op;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U|O$OOpiO:raw_operation", names, &sql, &params, &using_, &client,
                                     &script, &sink, &model))
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
    if (model != Py_None && (plan = oxypy_plan_of(st, model)) == NULL)
        return NULL;
    op = oxypy_operation_new(st, &oxypy_op_statement);
    if (op == NULL)
        return NULL;
    op->plan = Py_XNewRef((PyObject *)plan);
    op->sql = Py_NewRef(sql);
    op->params = given(params);
    op->using_ = given(using_);
    op->client = given(client);
    op->script = script != 0;
    op->sink = (uint8_t)sink;
    return (PyObject *)op;
}

/* Whether an operation may travel with others: a read that gives no result of its own, or an
 * insert among inserts, whose result is not asked for. */
static bool may_travel(const oxypy_state *st, PyObject *o, const oxypy_operation *first)
{
    const oxypy_operation *op = (const oxypy_operation *)o;

    return Py_TYPE(o) == st->operation_type && op->kind == &oxypy_op_statement && !op->started && !op->finished &&
           op->what == first->what &&
           ((op->what == OXYPY_DO_SELECT && op->sink == OXYPY_SINK_LINKED) || op->what == OXYPY_DO_INSERT) &&
           op->client == first->client && op->using_ == first->using_;
}

static PyObject *make_flight(PyObject *module, PyObject *given_)
{
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *members = PySequence_Tuple(given_);
    Py_ssize_t n = members == NULL ? 0 : PyTuple_GET_SIZE(members);
    oxypy_operation *op, *first;

    if (members == NULL)
        return NULL;
    first = n == 0 ? NULL : (oxypy_operation *)PyTuple_GET_ITEM(members, 0);
    for (Py_ssize_t i = 0; i < n; i++)
        if (!may_travel(st, PyTuple_GET_ITEM(members, i), first))
            first = NULL, n = 0;
    if (first == NULL) {
        PyErr_SetString(PyExc_ValueError, "a flight is of linked reads or of inserts with one client, not awaited yet");
        Py_DECREF(members);
        return NULL;
    }
    op = oxypy_operation_new(st, &oxypy_op_flight);
    if (op == NULL) {
        Py_DECREF(members);
        return NULL;
    }
    op->members = members;
    op->sink = OXYPY_SINK_LINKED;
    op->subject = Py_XNewRef(first->subject);
    op->client = Py_XNewRef(first->client);
    op->using_ = Py_XNewRef(first->using_);
    return (PyObject *)op;
}

static PyMethodDef op_functions[] = {
    {"operation", (PyCFunction)(void (*)(void))make_operation, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("A statement from a query or from rows to insert.")},
    {"raw_operation", (PyCFunction)(void (*)(void))make_raw_operation, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("A statement from the user's text.")},
    {"flight", make_flight, METH_O,
     PyDoc_STR("Linked reads or inserts of one transaction, sent before the first is answered.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_make_init(PyObject *module, oxypy_state *st)
{
#define X(name) #name,
    static const char *const names[] = {OPERATION_ARGUMENTS(X) NULL};
#undef X

    st->operation_names = oxypy_argument_names(names);
    if (st->operation_names == NULL)
        return -1;
    return PyModule_AddFunctions(module, op_functions);
}
