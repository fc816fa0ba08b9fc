/* SPDX-License-Identifier: MIT */
/* Database: the handle. Its settings, the store it has while it is open, and
 * the open transactions of tasks. */
#include "runtime_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool oxypy_database_is_open(const oxypy_database *db)
{
    return db->store != NULL && !db->store->foreign && !db->store->closing;
}

oxypy_session *oxypy_database_session(oxypy_database *db, PyObject *task, bool *failed)
{
    PyObject *session, *sessions = Py_XNewRef(db->sessions);

    *failed = false;
    if (sessions == NULL)
        return NULL;
    session = Py_XNewRef(PyDict_GetItemWithError(sessions, task));
    if (session == NULL)
        *failed = PyErr_Occurred() != NULL;
    Py_DECREF(sessions);
    return (oxypy_session *)session;
}

static PyObject *raise_not_connected(oxypy_state *st, const oxypy_database *db)
{
    return oxypy_raise_text(st, OXY_INTERFACE, "Database %R is not connected", db->alias == NULL ? Py_None : db->alias);
}

/* --- settings ------------------------------------------------------------------------------ */

static PyObject *database_configure(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"backend", "settings", "pool", "alias", "gate", "init", NULL};
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));
    oxypy_database *db = (oxypy_database *)self;
    oxypy_store_config config = {0}, copy;
    PyObject *settings, *pool, *alias, *gate = NULL, *init = NULL, *items;
    const char *backend;
    int rc;

    if (st == NULL || !PyArg_ParseTupleAndKeywords(args, kwargs, "sOOU|$OO:_configure", names, &backend, &settings,
                                                   &pool, &alias, &gate, &init))
        return NULL;
    if (init != NULL && init != Py_None && !PyCallable_Check(init))
        return PyErr_Format(PyExc_TypeError, "init must be an async function, not %s", Py_TYPE(init)->tp_name);
    items = PyMapping_Items(settings);
    if (items == NULL)
        return NULL;
    rc = oxypy_settings_read(st, backend, items, pool, gate, &config);
    if (rc == 0)
        rc = oxypy_store_config_copy(&copy, &config);
    free(config.settings);
    Py_DECREF(items);
    if (rc < 0)
        return NULL;
    oxypy_store_config_fini(&db->config);
    db->config = copy;
    db->configured = true;
    Py_XSETREF(db->alias, Py_NewRef(alias));
    Py_XSETREF(db->init, init == NULL || init == Py_None ? NULL : Py_NewRef(init));
    Py_RETURN_NONE;
}

/* --- methods ------------------------------------------------------------------------------------- */

static PyObject *new_operation(PyObject *self, const oxypy_op_kind *kind, double timeout)
{
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));
    oxypy_operation *op;

    if (st == NULL)
        return NULL;
    if (!((oxypy_database *)self)->configured)
        return oxypy_raise_text(st, OXY_INTERFACE, "the database has no settings yet");
    op = oxypy_operation_new(st, kind);
    if (op == NULL)
        return NULL;
    op->database = (oxypy_database *)Py_NewRef(self);
    op->timeout = timeout;
    return (PyObject *)op;
}

static PyObject *database_open(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return new_operation(self, &oxypy_op_open, 0);
}

static PyObject *database_close(PyObject *self, PyObject *timeout)
{
    double seconds = PyFloat_AsDouble(timeout);

    if (seconds == -1.0 && PyErr_Occurred())
        return NULL;
    return new_operation(self, &oxypy_op_close, seconds);
}

static PyObject *database_acquire(PyObject *self, PyObject *args)
{
    const char *role;
    PyObject *timeout, *op;
    oxy_want want = OXY_WANT_ANY;
    double seconds = -1;

    if (!PyArg_ParseTuple(args, "sO:_acquire", &role, &timeout))
        return NULL;
    if (strcmp(role, "reader") == 0)
        want = OXY_WANT_READER;
    else if (strcmp(role, "writer") == 0)
        want = OXY_WANT_WRITER;
    else if (strcmp(role, "any") != 0)
        return PyErr_Format(PyExc_ValueError, "role is 'any', 'reader' or 'writer', not '%s'", role);
    if (timeout != Py_None) {
        seconds = PyFloat_AsDouble(timeout);
        if (seconds == -1.0 && PyErr_Occurred())
            return NULL;
        if (isnan(seconds) || seconds < 0)
            seconds = 0;
    }
    op = new_operation(self, &oxypy_op_acquire, seconds);
    if (op != NULL)
        ((oxypy_operation *)op)->want = want;
    return op;
}

/* The seconds that a round trip takes. */
static PyObject *database_ping(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    oxypy_operation *op = (oxypy_operation *)new_operation(self, &oxypy_op_statement, 0);

    if (op == NULL)
        return NULL;
    Py_CLEAR(op->database);
    op->sql = PyUnicode_FromString("SELECT 1");
    op->client = Py_NewRef(self);
    op->ping = op->plain = true;
    op->sink = OXYPY_SINK_AFFECTED;
    if (op->sql == NULL) {
        Py_DECREF(op);
        return NULL;
    }
    return (PyObject *)op;
}

/* The store is kept: the database may be closed by Python code that the answer runs. */
static PyObject *of_store(oxypy_database *db, PyObject *(*ask)(oxypy_store *store))
{
    oxypy_store *store = db->store;
    PyObject *answer;

    oxypy_store_ref(store);
    answer = ask(store);
    oxypy_store_unref(store);
    return answer;
}

static PyObject *database_server(PyObject *self, void *Py_UNUSED(closure))
{
    oxypy_database *db = (oxypy_database *)self;

    return oxypy_database_is_open(db) ? of_store(db, oxypy_server_dict) : Py_NewRef(Py_None);
}

static PyObject *database_stats(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    oxypy_database *db = (oxypy_database *)self;
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));

    if (st == NULL)
        return NULL;
    if (!oxypy_database_is_open(db))
        return raise_not_connected(st, db);
    return of_store(db, oxypy_store_stats);
}

static PyObject *database_bind_task(PyObject *self, PyObject *args)
{
    oxypy_database *db = (oxypy_database *)self;
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));
    PyObject *task, *session, *sessions;
    int rc;

    if (st == NULL || !PyArg_ParseTuple(args, "OO:_bind_task", &task, &session))
        return NULL;
    if (session != Py_None) {
        if (!PyObject_TypeCheck(session, st->session_type))
            return PyErr_Format(PyExc_TypeError, "_bind_task() takes a Session, not %s", Py_TYPE(session)->tp_name);
        if (db->sessions == NULL && (db->sessions = PyDict_New()) == NULL)
            return NULL;
        sessions = Py_NewRef(db->sessions); /* a task's own code may close the database */
        rc = PyDict_SetItem(sessions, task, session);
        Py_DECREF(sessions);
        if (rc < 0)
            return NULL;
        Py_RETURN_NONE;
    }
    if (db->sessions == NULL)
        Py_RETURN_NONE;
    sessions = Py_NewRef(db->sessions);
    rc = PyDict_DelItem(sessions, task);
    Py_DECREF(sessions);
    if (rc < 0) {
        if (!PyErr_ExceptionMatches(PyExc_KeyError))
            return NULL;
        PyErr_Clear();
    }
    /* Empty again: operations need not ask who they run for. */
    if (db->sessions != NULL && PyDict_GET_SIZE(db->sessions) == 0)
        Py_CLEAR(db->sessions);
    Py_RETURN_NONE;
}

bool oxypy_task_is_stranded(PyObject *task)
{
    PyObject *loop = PyObject_CallMethod(task, "get_loop", NULL);
    PyObject *closed = loop == NULL ? NULL : PyObject_CallMethod(loop, "is_closed", NULL);
    bool stranded = closed == Py_True;

    PyErr_Clear(); /* a task of somebody's own, of which nothing is known */
    Py_XDECREF(loop);
    Py_XDECREF(closed);
    return stranded;
}

void oxypy_database_orphan(oxypy_database *db, oxypy_loop *heir)
{
    PyObject *type, *value, *traceback, *items;

    if (db->sessions == NULL)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    Py_INCREF(db);
    items = PyDict_Items(db->sessions);
    for (Py_ssize_t i = 0; items != NULL && i < PyList_GET_SIZE(items); i++) {
        PyObject *task = PyTuple_GET_ITEM(PyList_GET_ITEM(items, i), 0);
        oxypy_session *session = (oxypy_session *)PyTuple_GET_ITEM(PyList_GET_ITEM(items, i), 1);

        if (!oxypy_task_is_stranded(task))
            continue;
        if (session->running != NULL)
            oxypy_operation_wake(session->running, heir); /* it ends: the loop is another one */
        oxypy_session_evict(session, heir, NULL);
        if (db->sessions != NULL && PyDict_DelItem(db->sessions, task) < 0)
            PyErr_Clear(); /* it has left meanwhile */
    }
    if (items == NULL)
        PyErr_Clear();
    Py_XDECREF(items);
    if (db->sessions != NULL && PyDict_GET_SIZE(db->sessions) == 0)
        Py_CLEAR(db->sessions);
    Py_DECREF(db);
    PyErr_Restore(type, value, traceback);
}

static PyObject *database_session_of(PyObject *self, PyObject *task)
{
    bool failed;
    oxypy_session *session = oxypy_database_session((oxypy_database *)self, task, &failed);

    if (failed)
        return NULL;
    return session == NULL ? Py_NewRef(Py_None) : (PyObject *)session;
}

static PyObject *database_is_open(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(oxypy_database_is_open((oxypy_database *)self));
}

static PyObject *database_alias(PyObject *self, void *Py_UNUSED(closure))
{
    oxypy_database *db = (oxypy_database *)self;

    return db->alias == NULL ? PyUnicode_FromString("") : Py_NewRef(db->alias);
}

static PyObject *database_backend(PyObject *self, void *Py_UNUSED(closure))
{
    oxypy_database *db = (oxypy_database *)self;

    return PyUnicode_FromString(db->configured ? db->config.driver->name : "");
}

static PyObject *database_get_replicas(PyObject *self, void *Py_UNUSED(closure))
{
    oxypy_database *db = (oxypy_database *)self;

    return db->replicas == NULL ? PyTuple_New(0) : Py_NewRef(db->replicas);
}

static int database_set_replicas(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));

    if (st == NULL)
        return -1;
    if (value != NULL && !PyTuple_Check(value)) {
        PyErr_Format(PyExc_TypeError, "_replicas is a tuple of Database, not %s", Py_TYPE(value)->tp_name);
        return -1;
    }
    for (Py_ssize_t i = 0; value != NULL && i < PyTuple_GET_SIZE(value); i++) {
        if (!PyObject_TypeCheck(PyTuple_GET_ITEM(value, i), st->database_type)) {
            PyErr_SetString(PyExc_TypeError, "_replicas is a tuple of Database");
            return -1;
        }
    }
    Py_XSETREF(((oxypy_database *)self)->replicas,
               value == NULL || PyTuple_GET_SIZE(value) == 0 ? NULL : Py_NewRef(value));
    return 0;
}

static PyObject *database_get_ailing(PyObject *self, void *Py_UNUSED(closure))
{
    return PyFloat_FromDouble((double)((oxypy_database *)self)->ailing_until / 1e9);
}

static int database_set_ailing(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    double seconds = value == NULL ? 0.0 : PyFloat_AsDouble(value);

    if (seconds == -1.0 && PyErr_Occurred())
        return -1;
    if (isnan(seconds)) {
        PyErr_SetString(PyExc_ValueError, "_ailing_until is a time, not NaN");
        return -1;
    }
    ((oxypy_database *)self)->ailing_until = seconds * 1e9 >= 9.2e18 ? OXY_NS_NEVER : (oxy_ns)(seconds * 1e9);
    return 0;
}

/* --- type -------------------------------------------------------------------------------------------- */

static int database_tp_init(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    return 0;
}

static int database_traverse(PyObject *self, visitproc visit, void *arg)
{
    oxypy_database *db = (oxypy_database *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(db->sessions);
    Py_VISIT(db->init);
    Py_VISIT(db->replicas);
    Py_VISIT(db->reviving);
    /* An exception whose frames have the handle: nobody else shows it to the collector. */
    if (db->store != NULL)
        Py_VISIT(db->store->init_error);
    return 0;
}

static int database_clear(PyObject *self)
{
    Py_CLEAR(((oxypy_database *)self)->sessions);
    Py_CLEAR(((oxypy_database *)self)->init);
    Py_CLEAR(((oxypy_database *)self)->replicas);
    Py_CLEAR(((oxypy_database *)self)->reviving);
    if (((oxypy_database *)self)->store != NULL)
        Py_CLEAR(((oxypy_database *)self)->store->init_error);
    return 0;
}

static void database_finalize(PyObject *self)
{
    oxypy_database *db = (oxypy_database *)self;
    oxypy_store *store = db->store;
    PyObject *type, *value, *traceback;
    oxypy_loop *loop;

    if (store == NULL)
        return;
    store->owner = NULL;
    db->store = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    if (!store->foreign && !store->closing) {
        if (!oxypy_is_finalizing())
            oxypy_database_warn_unclosed(self, store->alias);
        loop = oxypy_loop_find(store->st);
        oxypy_store_close(store, loop);
        oxypy_store_evict(store, loop);
        Py_XDECREF(loop);
    }
    oxypy_store_unref(store);
    PyErr_Restore(type, value, traceback);
}

static void database_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    oxypy_database *db = (oxypy_database *)self;

    if (PyObject_CallFinalizerFromDealloc(self) < 0)
        return;
    PyObject_GC_UnTrack(self);
    (void)database_clear(self);
    Py_CLEAR(db->alias);
    oxypy_store_config_fini(&db->config);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef database_methods[] = {
    {"_configure", (PyCFunction)(void (*)(void))database_configure, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("Settings of the driver and of the pool; read by the next _open().")},
    {"_open", database_open, METH_NOARGS, PyDoc_STR("Builds the pool and opens its first connections.")},
    {"_close", database_close, METH_O, PyDoc_STR("Closes the pool; waits for its users up to timeout seconds.")},
    {"_acquire", database_acquire, METH_VARARGS, PyDoc_STR("Takes a connection out of the pool.")},
    {"_ping", database_ping, METH_NOARGS, PyDoc_STR("Seconds of a round trip.")},
    {"_stats", database_stats, METH_NOARGS, PyDoc_STR("Figures of the pool.")},
    {"_bind_task", database_bind_task, METH_VARARGS, PyDoc_STR("Sets the open transaction of a task, or None.")},
    {"_session_of", database_session_of, METH_O, PyDoc_STR("The open transaction of a task, or None.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef database_getset[] = {
    {"_is_open", database_is_open, NULL, PyDoc_STR("Whether statements can be run."), NULL},
    {"_replicas", database_get_replicas, database_set_replicas, PyDoc_STR("Handles that plain reads may use."), NULL},
    {"_ailing_until", database_get_ailing, database_set_ailing,
     PyDoc_STR("Monotonic time until which a replica is left alone; 0.0: healthy."), NULL},
    {"_server", database_server, NULL, PyDoc_STR("What the other side is, as a dict; None while not open."), NULL},
    {"_alias", database_alias, NULL, PyDoc_STR("The name it was configured with."), NULL},
    {"_backend", database_backend, NULL, PyDoc_STR("Name of the driver."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot database_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("A handle: settings, pool, connections.")},
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_init, database_tp_init},
    {Py_tp_dealloc, database_dealloc},
    {Py_tp_finalize, database_finalize},
    {Py_tp_traverse, database_traverse},
    {Py_tp_clear, database_clear},
    {Py_tp_methods, database_methods},
    {Py_tp_getset, database_getset},
    {0, NULL},
};

static PyType_Spec database_spec = {
    .name = "oxyde._core.Database",
    .basicsize = sizeof(oxypy_database),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = database_slots,
};

int oxypy_database_init(PyObject *module, oxypy_state *st)
{
    st->database_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &database_spec, NULL);
    if (st->database_type == NULL || PyModule_AddType(module, st->database_type) < 0)
        return -1;
    return oxypy_process_init(module);
}
