/* SPDX-License-Identifier: MIT */
/* What Python sees of a session: its calls and its state. */
#include "arguments.h"
#include "runtime_private.h"

#include <math.h>

static oxypy_session *as_session(PyObject *self)
{
    return (oxypy_session *)self;
}

static PyObject *session_adopt(PyObject *self, PyObject *other)
{
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));
    oxypy_session *s = as_session(self), *from;
    PyObject *database, *pending, *blocked;

    if (st == NULL)
        return NULL;
    if (!PyObject_TypeCheck(other, st->session_type)) {
        PyErr_Format(PyExc_TypeError, "a Session is adopted from a Session, not %s", Py_TYPE(other)->tp_name);
        return NULL;
    }
    from = as_session(other);
    if (s == from)
        Py_RETURN_NONE;
    if (s->lease != NULL || s->moving || from->lease == NULL || from->busy)
        return oxypy_raise_text(st, OXY_INTERFACE, "there is no connection to take over, or one is held already");
    s->lease = from->lease;
    s->lease->session = s;
    from->lease = NULL;
    database = (PyObject *)s->database;
    s->database = from->database;
    from->database = NULL;
    pending = s->pending;
    s->pending = from->pending;
    from->pending = NULL;
    blocked = s->blocked;
    s->blocked = NULL;
    s->aborted = s->overdue = s->in_block = s->movable = false;
    s->statement_limit = 0;
    s->deadline = OXY_NS_NEVER;
    s->ended = oxy_clock_now();
    Py_XDECREF(database); /* last: they may be the last references */
    Py_XDECREF(pending);
    Py_XDECREF(blocked);
    Py_RETURN_NONE;
}

/* --- statements ------------------------------------------------------------------------ */

static oxypy_operation *new_statement(PyObject *self, PyObject *sql, oxypy_sink sink)
{
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));
    oxypy_operation *op = st == NULL ? NULL : oxypy_operation_new(st, &oxypy_op_statement);

    if (op == NULL)
        return NULL;
    op->sql = Py_NewRef(sql);
    op->session = (oxypy_session *)Py_NewRef(self);
    op->sink = (uint8_t)sink;
    return op;
}

static PyObject *session_run(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames)
{
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));
    PyObject *given[2]; /* sql, write */
    int write = 1;
    oxypy_operation *op;

    if (st == NULL || oxypy_arguments("_run", st->run_names, 1, 1, args, n, kwnames, given) < 0)
        return NULL;
    if (!PyUnicode_Check(given[0]))
        return PyErr_Format(PyExc_TypeError, "_run() takes a str, not %s", Py_TYPE(given[0])->tp_name);
    if (given[1] != NULL && (write = PyObject_IsTrue(given[1])) < 0)
        return NULL;
    op = new_statement(self, given[0], OXYPY_SINK_AFFECTED);
    if (op == NULL)
        return NULL;
    op->write = write != 0;
    op->plain = true;
    return (PyObject *)op;
}

static PyObject *session_commit(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *sql = PyUnicode_FromString("COMMIT");
    oxypy_operation *op = sql == NULL ? NULL : new_statement(self, sql, OXYPY_SINK_AFFECTED);

    Py_XDECREF(sql);
    if (op == NULL)
        return NULL;
    op->write = op->plain = op->commit = true;
    return (PyObject *)op;
}

static PyObject *user_statement(PyObject *self, PyObject *args, const char *format, oxypy_sink sink)
{
    PyObject *sql, *params = NULL;
    oxypy_operation *op;

    if (!PyArg_ParseTuple(args, format, &sql, &params))
        return NULL;
    op = new_statement(self, sql, sink);
    if (op != NULL && params != NULL && params != Py_None)
        op->params = Py_NewRef(params);
    return (PyObject *)op;
}

static PyObject *session_fetch(PyObject *self, PyObject *args)
{
    return user_statement(self, args, "U|O:_fetch", OXYPY_SINK_LIST);
}

static PyObject *session_execute(PyObject *self, PyObject *args)
{
    return user_statement(self, args, "U|O:_execute", OXYPY_SINK_AFFECTED);
}

static PyObject *session_script(PyObject *self, PyObject *sql)
{
    oxypy_operation *op;

    if (!PyUnicode_Check(sql))
        return PyErr_Format(PyExc_TypeError, "_script() takes a str, not %s", Py_TYPE(sql)->tp_name);
    op = new_statement(self, sql, OXYPY_SINK_AFFECTED);
    if (op != NULL)
        op->script = true;
    return (PyObject *)op;
}

/* --- a transaction that begins with its first statement ---------------------------------- */

static PyObject *session_begin_with(PyObject *self, PyObject *args)
{
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));
    oxypy_session *s = as_session(self);
    PyObject *statements;
    int movable = 0;

    if (st == NULL || !PyArg_ParseTuple(args, "O|p:_begin_with", &statements, &movable))
        return NULL;
    if (!PyTuple_Check(statements))
        return PyErr_Format(PyExc_TypeError, "_begin_with() takes a tuple of str, not %s",
                            Py_TYPE(statements)->tp_name);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(statements); i++)
        if (!PyUnicode_Check(PyTuple_GET_ITEM(statements, i)))
            return PyErr_Format(PyExc_TypeError, "_begin_with() takes a tuple of str");
    if (s->lease == NULL || s->busy || s->pending != NULL)
        return oxypy_raise_text(st, OXY_INTERFACE, "no connection is held here, or it is in use");
    if (!oxypy_has_socket(s->lease->store->driver))
        return oxypy_raise_text(st, OXY_NOT_SUPPORTED, "statements travel together to servers only");
    if (PyTuple_GET_SIZE(statements) > 0)
        s->pending = Py_NewRef(statements);
    s->movable = movable != 0;
    Py_RETURN_NONE;
}

static PyObject *session_drop_pending(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    Py_CLEAR(as_session(self)->pending);
    Py_RETURN_NONE;
}

/* --- the connection ------------------------------------------------------------------------ */

static PyObject *session_invalidate(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    if (as_session(self)->lease != NULL)
        as_session(self)->lease->discard = true;
    Py_RETURN_NONE;
}

static PyObject *session_parameter(PyObject *self, PyObject *name)
{
    const oxypy_lease *lease = as_session(self)->lease;
    const char *text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;

    if (text == NULL) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_TypeError, "a parameter's name is a str, not %s", Py_TYPE(name)->tp_name);
        return NULL;
    }
    if (lease != NULL && lease->conn != NULL && !lease->store->foreign)
        text = lease->store->driver->parameter(lease->conn, text);
    else
        text = NULL;
    return text == NULL ? Py_NewRef(Py_None) : PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

static PyObject *session_release(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"reuse", NULL};
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));
    int reuse = 1;
    oxypy_loop *loop;

    if (st == NULL || !PyArg_ParseTupleAndKeywords(args, kwargs, "|$p:_release", names, &reuse))
        return NULL;
    loop = as_session(self)->lease == NULL ? NULL : oxypy_loop_find(st); /* which may take the lease away */
    Py_CLEAR(as_session(self)->pending);
    oxypy_session_drop(as_session(self), loop, reuse != 0);
    Py_XDECREF(loop);
    Py_RETURN_NONE;
}

static PyObject *session_block(PyObject *self, PyObject *error)
{
    if (error != Py_None && !PyExceptionInstance_Check(error)) {
        PyErr_Format(PyExc_TypeError, "_block() takes an exception or None, not %s", Py_TYPE(error)->tp_name);
        return NULL;
    }
    Py_XSETREF(as_session(self)->blocked, error == Py_None ? NULL : Py_NewRef(error));
    Py_RETURN_NONE;
}

static PyObject *session_held(PyObject *self, void *Py_UNUSED(closure))
{
    const oxypy_session *s = as_session(self);

    return PyBool_FromLong(s->moving || (s->lease != NULL && !s->lease->store->foreign));
}

static PyObject *session_status(PyObject *self, void *Py_UNUSED(closure))
{
    oxypy_session *s = as_session(self);
    const char *text = NULL;

    if (s->lease == NULL)
        return PyUnicode_FromString(s->moving ? "active" : "released");
    if (s->lease->store->foreign)
        return PyUnicode_FromString("broken");
    if (oxypy_lease_is_away(s->lease) || s->lease->op != NULL)
        return PyUnicode_FromString("active");
    switch (oxypy_lease_status(s->lease)) {
    case OXY_CONN_IDLE: text = s->aborted ? "inerror" : s->pending != NULL ? "intrans" : "idle"; break;
    case OXY_CONN_ACTIVE: text = "active"; break;
    case OXY_CONN_INTRANS: text = s->aborted ? "inerror" : "intrans"; break;
    case OXY_CONN_INERROR: text = "inerror"; break;
    case OXY_CONN_BROKEN: text = s->movable && s->pending != NULL ? "intrans" : "broken"; break;
    }
    return PyUnicode_FromString(text);
}

static PyObject *session_pending(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(as_session(self)->pending != NULL);
}

static PyObject *session_info(PyObject *self, void *Py_UNUSED(closure))
{
    const oxypy_lease *lease = as_session(self)->lease;
    PyObject *status = session_status(self, NULL), *server = NULL, *info = NULL;
    oxypy_store *store = lease == NULL ? NULL : lease->store;
    long long pid = 0;
    int fd = -1;

    if (status == NULL)
        return NULL;
    if (lease != NULL && lease->conn != NULL && !lease->store->foreign) {
        pid = (long long)lease->conn->server.pid;
        fd = lease->store->driver->fd(lease->conn);
    }
    if (store != NULL) {
        oxypy_store_ref(store); /* making a dict may run Python code, which releases the connection */
        server = oxypy_server_dict(store);
        oxypy_store_unref(store);
    } else {
        server = PyDict_New();
    }
    if (server != NULL)
        info = Py_BuildValue("{s:L,s:i,s:O}", "pid", pid, "fd", fd, "transaction_status", status);
    if (info != NULL && PyDict_Merge(info, server, 0) < 0)
        Py_CLEAR(info);
    Py_DECREF(status);
    Py_XDECREF(server);
    return info;
}

static PyObject *session_database(PyObject *self, void *Py_UNUSED(closure))
{
    oxypy_session *s = as_session(self);

    return Py_NewRef(s->database == NULL ? Py_None : (PyObject *)s->database);
}

static PyObject *session_idle(PyObject *self, void *Py_UNUSED(closure))
{
    const oxypy_session *s = as_session(self);
    bool resting = s->lease != NULL && !s->busy && !oxypy_lease_is_away(s->lease);

    return PyFloat_FromDouble(resting ? (double)(oxy_clock_now() - s->ended) / 1e9 : 0.0);
}

static PyObject *session_get_deadline(PyObject *self, void *Py_UNUSED(closure))
{
    oxy_ns deadline = as_session(self)->deadline;

    if (deadline == OXY_NS_NEVER)
        Py_RETURN_NONE;
    return PyFloat_FromDouble((double)deadline / 1e9);
}

/* Loops and the engine read the same monotonic clock. */
static int session_set_deadline(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    double seconds;

    if (value == NULL || value == Py_None) {
        as_session(self)->deadline = OXY_NS_NEVER;
        return 0;
    }
    seconds = PyFloat_AsDouble(value);
    if (seconds == -1.0 && PyErr_Occurred())
        return -1;
    if (isnan(seconds)) {
        PyErr_SetString(PyExc_ValueError, "a deadline is a time, not NaN");
        return -1;
    }
    as_session(self)->deadline = seconds * 1e9 >= 9.2e18 ? OXY_NS_NEVER : (oxy_ns)(seconds * 1e9);
    return 0;
}

static PyObject *session_get_limit(PyObject *self, void *Py_UNUSED(closure))
{
    oxy_ns limit = as_session(self)->statement_limit;

    if (limit == 0)
        Py_RETURN_NONE;
    return PyFloat_FromDouble(limit == OXY_NS_NEVER ? Py_HUGE_VAL : (double)limit / 1e9);
}

static int session_set_limit(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    double seconds = value == NULL || value == Py_None ? 0.0 : PyFloat_AsDouble(value);

    if (seconds == -1.0 && PyErr_Occurred())
        return -1;
    if (value == NULL || value == Py_None)
        as_session(self)->statement_limit = 0;
    else if (seconds * 1e9 >= 9.2e18)
        as_session(self)->statement_limit = OXY_NS_NEVER;
    else
        as_session(self)->statement_limit = seconds * 1e9 < 1.0 ? 1 : (oxy_ns)(seconds * 1e9);
    return 0;
}

/* --- type -------------------------------------------------------------------------------------- */

static PyObject *session_tp_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    oxypy_session *s = (oxypy_session *)type->tp_alloc(type, 0);

    if (s != NULL)
        s->deadline = OXY_NS_NEVER;
    return (PyObject *)s;
}

/* Subclasses have arguments of their own. */
static int session_tp_init(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    return 0;
}

static int session_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(as_session(self)->database);
    Py_VISIT(as_session(self)->blocked);
    return 0;
}

static int session_clear(PyObject *self)
{
    Py_CLEAR(as_session(self)->database);
    Py_CLEAR(as_session(self)->blocked);
    Py_CLEAR(as_session(self)->pending);
    return 0;
}

static void session_finalize(PyObject *self)
{
    oxypy_session *s = as_session(self);
    PyObject *type, *value, *traceback;
    oxypy_loop *loop;

    if (s->lease == NULL)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    loop = oxypy_loop_find(s->lease->store->st); /* which may take the lease away */
    oxypy_session_drop(s, loop, true);
    Py_XDECREF(loop);
    PyErr_Restore(type, value, traceback);
}

static void session_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    if (PyObject_CallFinalizerFromDealloc(self) < 0)
        return;
    PyObject_GC_UnTrack(self);
    (void)session_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef session_methods[] = {
    {"_adopt", session_adopt, METH_O, PyDoc_STR("Takes over the connection of another session.")},
    {"_run", (PyCFunction)(void (*)(void))session_run, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("Runs a statement of the package's own (BEGIN, SAVEPOINT, ...).")},
    {"_commit", session_commit, METH_NOARGS, PyDoc_STR("COMMIT; CommitUnknownError when nobody knows the outcome.")},
    {"_fetch", session_fetch, METH_VARARGS, PyDoc_STR("Rows of the user's statement.")},
    {"_execute", session_execute, METH_VARARGS, PyDoc_STR("Number of rows that the user's statement changed.")},
    {"_script", session_script, METH_O, PyDoc_STR("Several statements of the user's.")},
    {"_begin_with", session_begin_with, METH_VARARGS, PyDoc_STR("Sends these in front of the next statement.")},
    {"_drop_pending", session_drop_pending, METH_NOARGS, PyDoc_STR("Forgets what _begin_with() was given.")},
    {"_invalidate", session_invalidate, METH_NOARGS, PyDoc_STR("The connection is closed when it is released.")},
    {"_parameter", session_parameter, METH_O, PyDoc_STR("A setting that the server reports, or None.")},
    {"_release", (PyCFunction)(void (*)(void))session_release, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("Gives the connection back; an open transaction is rolled back.")},
    {"_block", session_block, METH_O, PyDoc_STR("Statements raise this from now on; None: they run again.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef session_getset[] = {
    {"_held", session_held, NULL, PyDoc_STR("Whether a connection is held."), NULL},
    {"_status", session_status, NULL, PyDoc_STR("What the connection says of itself."), NULL},
    {"_pending", session_pending, NULL, PyDoc_STR("Whether what _begin_with() was given is still to be sent."), NULL},
    {"_info", session_info, NULL, PyDoc_STR("The server, the socket and the state, as a dict."), NULL},
    {"_idle", session_idle, NULL, PyDoc_STR("Seconds since the last statement ended; 0 while one runs."), NULL},
    {"_database", session_database, NULL, PyDoc_STR("The handle that the connection is of."), NULL},
    {"_deadline", session_get_deadline, session_set_deadline, PyDoc_STR("Loop time at which statements stop."), NULL},
    {"_statement_timeout", session_get_limit, session_set_limit,
     PyDoc_STR("Seconds that a statement may take, in place of the pool's setting; None: that one."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot session_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("A connection held by one owner.")},
    {Py_tp_new, session_tp_new},
    {Py_tp_init, session_tp_init},
    {Py_tp_dealloc, session_dealloc},
    {Py_tp_finalize, session_finalize},
    {Py_tp_traverse, session_traverse},
    {Py_tp_clear, session_clear},
    {Py_tp_methods, session_methods},
    {Py_tp_getset, session_getset},
    {0, NULL},
};

static PyType_Spec session_spec = {
    .name = "oxyde._core.Session",
    .basicsize = sizeof(oxypy_session),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = session_slots,
};

int oxypy_session_init(PyObject *module, oxypy_state *st)
{
    static const char *const run_names[] = {"sql", "write", NULL};

    st->session_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &session_spec, NULL);
    st->run_names = oxypy_argument_names(run_names);
    if (st->session_type == NULL || st->run_names == NULL)
        return -1;
    return PyModule_AddType(module, st->session_type);
}
