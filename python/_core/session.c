/* SPDX-License-Identifier: MIT */
/* Session: a connection held by one owner, for a transaction or a pinned
 * connection. Statements on it run one after the other, in call order; the
 * connection's own status, never a count of ours, tells what state it is in. */
#include "runtime_private.h"

#include <math.h>

PyObject *oxypy_session_new(oxypy_state *st, oxypy_database *db, oxypy_lease *lease)
{
    oxypy_session *s = (oxypy_session *)st->session_type->tp_alloc(st->session_type, 0);

    if (s == NULL)
        return NULL;
    s->deadline = OXY_NS_NEVER;
    s->database = (oxypy_database *)Py_NewRef((PyObject *)db);
    s->lease = lease;
    lease->session = s;
    return (PyObject *)s;
}

/* --- the queue ---------------------------------------------------------------------- */

static void queue_remove(oxypy_session *s, oxypy_operation *op)
{
    if (op->queue_prev != NULL)
        op->queue_prev->queue_next = op->queue_next;
    else
        s->first = op->queue_next;
    if (op->queue_next != NULL)
        op->queue_next->queue_prev = op->queue_prev;
    else
        s->last = op->queue_prev;
    op->queue_prev = op->queue_next = NULL;
    op->in_queue = false;
}

static void queue_wake(oxypy_session *s, oxypy_operation *op)
{
    oxypy_runtime *rt = op->st->runtime;

    queue_remove(s, op);
    oxypy_lock(rt);
    oxypy_wait_ready_locked(&op->wait, NULL);
    oxypy_unlock(rt);
}

/* The next in line may run. */
static void pass_on(oxypy_session *s)
{
    oxypy_operation *op = s->first;

    s->running = op;
    s->busy = op != NULL;
    s->ended = oxy_clock_now();
    if (op != NULL)
        queue_wake(s, op);
}

/* Nothing can run here any more: those in line find out for themselves. */
static void dismiss(oxypy_session *s)
{
    s->running = NULL;
    s->busy = false;
    while (s->first != NULL)
        queue_wake(s, s->first);
}

void oxypy_session_raise_deadline(oxypy_state *st, oxypy_session *s)
{
    PyObject *id = PyObject_GetAttrString((PyObject *)s, "id");

    if (id == NULL)
        PyErr_Clear();
    if (id == NULL)
        oxypy_raise_text(st, OXY_TRANSACTION_TIMEOUT, "Transaction exceeded timeout%s",
                         s->overdue ? " and can no longer be used" : "");
    else
        oxypy_raise_text(st, OXY_TRANSACTION_TIMEOUT, "Transaction %S exceeded timeout%s", id,
                         s->overdue ? " and can no longer be used" : "");
    Py_XDECREF(id);
    s->overdue = true;
}

/* Whether a statement may run at all. */
static int check(oxypy_state *st, oxypy_session *s, bool plain)
{
    if (!plain && s->blocked != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(s->blocked), s->blocked);
        return -1;
    }
    if (s->lease == NULL) {
        oxypy_raise_text(st, OXY_INTERFACE, "no connection is held here: it was released, or never taken");
        return -1;
    }
    if (s->lease->store->foreign) {
        oxypy_raise_text(st, OXY_INTERFACE, "the transaction belongs to the parent process");
        return -1;
    }
    if (plain)
        return 0;
    if (s->aborted) {
        oxypy_raise_text(st, OXY_TRANSACTION_ABORTED,
                         "the database ended the transaction after an error: nothing more runs in it");
        return -1;
    }
    if (s->deadline != OXY_NS_NEVER && oxy_clock_now() >= s->deadline) {
        oxypy_session_raise_deadline(st, s);
        return -1;
    }
    return 0;
}

oxypy_next oxypy_session_enter(oxypy_session *s, oxypy_operation *op)
{
    if (check(op->st, s, op->plain) < 0)
        return OXYPY_NEXT_ERROR;
    if (s->running == op)
        return OXYPY_NEXT_RETURN;
    if (!s->busy) {
        s->running = op;
        s->busy = true;
        return OXYPY_NEXT_RETURN;
    }
    if (op->in_queue)
        queue_remove(s, op);
    if (oxypy_operation_wait(op, true) < 0)
        return OXYPY_NEXT_ERROR;
    op->in_queue = true;
    op->queue_prev = s->last;
    if (s->last != NULL)
        s->last->queue_next = op;
    else
        s->first = op;
    s->last = op;
    return OXYPY_NEXT_WAIT;
}

void oxypy_session_leave(oxypy_session *s, oxypy_operation *op)
{
    if (op->in_queue) {
        queue_remove(s, op);
        oxypy_wait_disarm(&op->wait);
        return;
    }
    if (s->running != op)
        return;
    s->running = NULL;
    /* A worker still has the connection: settled() goes on. */
    if (s->lease != NULL && s->lease->working)
        return;
    pass_on(s);
}

void oxypy_session_settled(oxypy_session *s)
{
    if (s->lease->guarded && oxypy_lease_status(s->lease) == OXY_CONN_IDLE)
        s->aborted = true; /* a cancelled statement took the transaction with it */
    pass_on(s);
}

/* Takes the lease out; whoever runs on it is told. */
static oxypy_lease *let_go(oxypy_session *s)
{
    oxypy_lease *lease = s->lease;
    oxypy_operation *op = s->running;

    s->lease = NULL;
    if (lease == NULL)
        return NULL;
    lease->session = NULL;
    lease->op = NULL;
    if (op != NULL && op->lease == lease) {
        op->lease = NULL;
        oxypy_operation_wake(op, op->loop);
    }
    dismiss(s);
    return lease;
}

void oxypy_session_evict(oxypy_session *s, oxypy_loop *loop, PyObject *error)
{
    oxypy_lease *lease = let_go(s);

    if (error != NULL && s->blocked == NULL)
        s->blocked = Py_NewRef(error);
    if (lease != NULL)
        oxypy_lease_release(lease, loop, true);
}

/* --- methods ----------------------------------------------------------------------------- */

static oxypy_session *as_session(PyObject *self)
{
    return (oxypy_session *)self;
}

static PyObject *session_adopt(PyObject *self, PyObject *other)
{
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));
    oxypy_session *s = as_session(self), *from;

    if (st == NULL)
        return NULL;
    if (!PyObject_TypeCheck(other, st->session_type)) {
        PyErr_Format(PyExc_TypeError, "a Session is adopted from a Session, not %s", Py_TYPE(other)->tp_name);
        return NULL;
    }
    from = as_session(other);
    if (s == from)
        Py_RETURN_NONE;
    if (s->lease != NULL || from->lease == NULL || from->busy)
        return oxypy_raise_text(st, OXY_INTERFACE, "there is no connection to take over, or one is held already");
    s->lease = from->lease;
    s->lease->session = s;
    from->lease = NULL;
    Py_XSETREF(s->database, from->database);
    from->database = NULL;
    Py_CLEAR(s->blocked);
    s->aborted = s->overdue = false;
    s->deadline = OXY_NS_NEVER;
    s->ended = oxy_clock_now();
    Py_RETURN_NONE;
}

static PyObject *session_run(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"sql", "write", NULL};
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));
    PyObject *sql;
    int write = 1;
    oxypy_operation *op;

    if (st == NULL || !PyArg_ParseTupleAndKeywords(args, kwargs, "U|$p:_run", names, &sql, &write))
        return NULL;
    op = oxypy_operation_new(st, &oxypy_op_statement);
    if (op == NULL)
        return NULL;
    op->sql = Py_NewRef(sql);
    op->session = (oxypy_session *)Py_NewRef(self);
    op->sink = OXYPY_SINK_AFFECTED;
    op->write = write != 0;
    op->plain = true;
    return (PyObject *)op;
}

static PyObject *session_release(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"reuse", NULL};
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));
    int reuse = 1;
    oxypy_lease *lease;
    oxypy_loop *loop;

    if (st == NULL || !PyArg_ParseTupleAndKeywords(args, kwargs, "|$p:_release", names, &reuse))
        return NULL;
    lease = let_go(as_session(self));
    if (lease == NULL)
        Py_RETURN_NONE;
    loop = oxypy_loop_find(st);
    oxypy_lease_release(lease, loop, reuse != 0);
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
    const oxypy_lease *lease = as_session(self)->lease;

    return PyBool_FromLong(lease != NULL && !lease->store->foreign);
}

static PyObject *session_status(PyObject *self, void *Py_UNUSED(closure))
{
    oxypy_session *s = as_session(self);
    const char *text = "broken";

    if (s->lease == NULL)
        return PyUnicode_FromString("released");
    if (s->lease->store->foreign)
        return PyUnicode_FromString("broken");
    if (s->lease->working || s->lease->op != NULL)
        return PyUnicode_FromString("active");
    switch (oxypy_lease_status(s->lease)) {
    case OXY_CONN_IDLE: text = s->aborted ? "inerror" : "idle"; break;
    case OXY_CONN_ACTIVE: text = "active"; break;
    case OXY_CONN_INTRANS: text = s->aborted ? "inerror" : "intrans"; break;
    case OXY_CONN_INERROR: text = "inerror"; break;
    case OXY_CONN_BROKEN: break;
    }
    return PyUnicode_FromString(text);
}

static PyObject *session_database(PyObject *self, void *Py_UNUSED(closure))
{
    oxypy_session *s = as_session(self);

    return Py_NewRef(s->database == NULL ? Py_None : (PyObject *)s->database);
}

static PyObject *session_idle(PyObject *self, void *Py_UNUSED(closure))
{
    const oxypy_session *s = as_session(self);
    bool resting = s->lease != NULL && !s->busy && !s->lease->working;

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
    return 0;
}

static void session_finalize(PyObject *self)
{
    oxypy_session *s = as_session(self);
    oxypy_lease *lease;
    PyObject *type, *value, *traceback;
    oxypy_loop *loop;

    if (s->lease == NULL)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    loop = oxypy_loop_find(s->lease->store->st);
    lease = let_go(s);
    oxypy_lease_release(lease, loop, true);
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
    {"_run", (PyCFunction)(void (*)(void))session_run, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("Runs a statement of the package's own (BEGIN, SAVEPOINT, ...).")},
    {"_release", (PyCFunction)(void (*)(void))session_release, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("Gives the connection back; an open transaction is rolled back.")},
    {"_block", session_block, METH_O, PyDoc_STR("Statements raise this from now on; None: they run again.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef session_getset[] = {
    {"_held", session_held, NULL, PyDoc_STR("Whether a connection is held."), NULL},
    {"_status", session_status, NULL, PyDoc_STR("What the connection says of itself."), NULL},
    {"_idle", session_idle, NULL, PyDoc_STR("Seconds since the last statement ended; 0 while one runs."), NULL},
    {"_database", session_database, NULL, PyDoc_STR("The handle that the connection is of."), NULL},
    {"_deadline", session_get_deadline, session_set_deadline, PyDoc_STR("Loop time at which statements stop."), NULL},
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
    st->session_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &session_spec, NULL);
    if (st->session_type == NULL)
        return -1;
    return PyModule_AddType(module, st->session_type);
}
