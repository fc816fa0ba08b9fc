/* SPDX-License-Identifier: MIT */
/* Which connection a statement uses: the client it was given, the running
 * task's open transaction, or the registered database of its alias. */
#include "runtime_private.h"

typedef enum server_role { ROLE_BY_STATEMENT, ROLE_PRIMARY, ROLE_REPLICA } server_role;

static int use(oxypy_operation *op, oxypy_database *db, server_role role);

static int take_session(oxypy_operation *op, oxypy_session *session)
{
    Py_XSETREF(op->session, (oxypy_session *)Py_NewRef((PyObject *)session));
    return 0;
}

/* "'a', 'b'", for messages. */
static PyObject *known_aliases(PyObject *registry)
{
    PyObject *keys = PyDict_Keys(registry), *text = NULL, *sep = NULL, *shown = NULL;

    if (keys == NULL || PyList_Sort(keys) < 0)
        goto done;
    if (PyList_GET_SIZE(keys) == 0) {
        text = PyUnicode_FromString("none");
        goto done;
    }
    shown = PyList_New(0);
    sep = PyUnicode_FromString(", ");
    for (Py_ssize_t i = 0; shown != NULL && i < PyList_GET_SIZE(keys); i++) {
        PyObject *repr = PyObject_Repr(PyList_GET_ITEM(keys, i));

        if (repr == NULL || PyList_Append(shown, repr) < 0)
            Py_CLEAR(shown);
        Py_XDECREF(repr);
    }
    if (shown != NULL && sep != NULL)
        text = PyUnicode_Join(sep, shown);
done:
    Py_XDECREF(keys);
    Py_XDECREF(sep);
    Py_XDECREF(shown);
    return text;
}

static int raise_unknown_alias(oxypy_state *st, PyObject *alias)
{
    PyObject *known = known_aliases(st->registry);
    PyObject *type = st->unknown_alias_error != NULL ? st->unknown_alias_error : PyExc_KeyError;

    if (known != NULL)
        PyErr_Format(type, "Database %R is not registered; registered: %U", alias, known);
    Py_XDECREF(known);
    return -1;
}

static int from_client(oxypy_operation *op)
{
    oxypy_state *st = op->st;
    PyObject *client = op->client, *transaction;
    int rc;

    if (op->using_ != NULL) {
        oxypy_raise_text(st, OXY_MANAGER, "Provide either 'client' or 'using', not both");
        return -1;
    }
    if (PyObject_TypeCheck(client, st->session_type))
        return take_session(op, (oxypy_session *)client);
    if (PyObject_TypeCheck(client, st->database_type)) {
        oxypy_database *db = (oxypy_database *)client;

        if (!oxypy_database_is_open(db)) {
            oxypy_raise_text(st, OXY_INTERFACE, "Database %R is not connected: await its connect() first",
                             db->alias == NULL ? Py_None : db->alias);
            return -1;
        }
        return use(op, db, ROLE_BY_STATEMENT);
    }
    transaction = PyObject_GetAttrString(client, "transaction");
    if (transaction == NULL && !PyErr_ExceptionMatches(PyExc_AttributeError))
        return -1;
    PyErr_Clear();
    if (transaction != NULL && PyObject_TypeCheck(transaction, st->session_type)) {
        rc = take_session(op, (oxypy_session *)transaction);
        Py_DECREF(transaction);
        return rc;
    }
    Py_XDECREF(transaction);
    PyErr_Format(PyExc_TypeError, "client must be an AsyncDatabase, an AsyncTransaction or an atomic() block, not %s",
                 Py_TYPE(client)->tp_name);
    return -1;
}

/* 1 when the running task has an open transaction here. */
static int from_task(oxypy_operation *op, oxypy_database *db)
{
    PyObject *task;
    oxypy_session *session;
    bool failed = false;

    if (db->sessions == NULL)
        return 0;
    task = oxypy_operation_task(op);
    if (task == NULL)
        return -1;
    session = oxypy_database_session(db, task, &failed);
    Py_DECREF(task);
    if (failed)
        return -1;
    if (session == NULL)
        return 0;
    (void)take_session(op, session);
    Py_DECREF((PyObject *)session);
    return 1;
}

/* Starts connecting on demand: 1, or -1. */
static int connect_first(oxypy_operation *op, oxypy_database *db)
{
    PyObject *coroutine;

    if (op->database == db || !PyObject_HasAttrString((PyObject *)db, "ensure_connected")) {
        oxypy_raise_text(op->st, OXY_INTERFACE, "Database %R is not connected",
                         db->alias == NULL ? Py_None : db->alias);
        return -1;
    }
    coroutine = PyObject_CallMethod((PyObject *)db, "ensure_connected", NULL);
    if (coroutine == NULL)
        return -1;
    if (!PyCoro_CheckExact(coroutine)) {
        PyErr_SetString(PyExc_TypeError, "ensure_connected() must be an async def");
        Py_DECREF(coroutine);
        return -1;
    }
    /* Remembered: a database that is not open after this is an error. */
    Py_XSETREF(op->database, (oxypy_database *)Py_NewRef((PyObject *)db));
    Py_XSETREF(op->delegate, coroutine);
    return 1;
}

/* Registered under alias, borrowed; NULL without an exception when there is none. */
static oxypy_database *look_up(oxypy_state *st, PyObject *alias)
{
    PyObject *db = PyDict_GetItemWithError(st->registry, alias);

    if (db == NULL)
        return NULL;
    if (!PyObject_TypeCheck(db, st->database_type)) {
        PyErr_Format(PyExc_TypeError, "%R is registered as %s, which is no database", alias, Py_TYPE(db)->tp_name);
        return NULL;
    }
    return (oxypy_database *)db;
}

/* "name.primary" and "name.replica", unless something is registered under the
 * whole alias. New reference. */
static oxypy_database *registered(oxypy_state *st, PyObject *alias, server_role *role)
{
    oxypy_database *db;
    PyObject *parts = NULL;

    *role = ROLE_BY_STATEMENT;
    if (st->registry == NULL) {
        oxypy_raise_text(st, OXY_INTERFACE, "no database is registered");
        return NULL;
    }
    db = look_up(st, alias);
    if (db != NULL || PyErr_Occurred())
        return (oxypy_database *)Py_XNewRef((PyObject *)db);
    parts = PyObject_CallMethod(alias, "rpartition", "s", ".");
    if (parts == NULL)
        return NULL;
    if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(parts, 2), "primary") == 0)
        *role = ROLE_PRIMARY;
    else if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(parts, 2), "replica") == 0)
        *role = ROLE_REPLICA;
    if (*role != ROLE_BY_STATEMENT)
        db = look_up(st, PyTuple_GET_ITEM(parts, 0));
    Py_DECREF(parts);
    if (db == NULL && !PyErr_Occurred())
        (void)raise_unknown_alias(st, alias);
    return (oxypy_database *)Py_XNewRef((PyObject *)db);
}

/* A compiled statement that only reads and locks nothing. */
static bool is_plain_read(const oxypy_operation *op)
{
    if (op->sql != NULL || op->write || op->what > OXYPY_DO_AGGREGATE)
        return false;
    if (op->subject == NULL || !PyObject_TypeCheck(op->subject, op->st->query_type))
        return true;
    return ((oxypy_query *)op->subject)->lock == NULL;
}

/* The alias, new reference: the one given, the router's, or the default. */
static PyObject *choose_alias(const oxypy_operation *op)
{
    oxypy_state *st = op->st;
    PyObject *model = NULL, *alias;

    if (op->using_ != NULL)
        return Py_NewRef(op->using_);
    if (st->runtime->router == NULL || op->sql != NULL || op->subject == NULL)
        return Py_NewRef(st->s_default_);
    model = PyObject_GetAttrString(op->subject, PyObject_TypeCheck(op->subject, st->query_type) ? "_model" : "model");
    if (model == NULL)
        return NULL;
    alias = PyObject_CallFunctionObjArgs(st->runtime->router, model, is_plain_read(op) ? Py_False : Py_True, NULL);
    Py_DECREF(model);
    if (alias != Py_None)
        return alias;
    Py_DECREF(alias);
    return Py_NewRef(st->s_default_);
}

/* 0: on db or one of its replicas; 1: it is being connected; -1. */
static int use(oxypy_operation *op, oxypy_database *db, server_role role)
{
    oxypy_database *chosen;
    int rc = 0;

    op->on_replica = false;
    if (db->replicas != NULL && role != ROLE_PRIMARY && (role == ROLE_REPLICA || is_plain_read(op))) {
        if (!oxypy_database_is_open(db))
            return connect_first(op, db);
        chosen = oxypy_replica_choose(op, db, role == ROLE_REPLICA);
        if (chosen == NULL)
            return -1;
        op->on_replica = chosen != db;
    } else {
        chosen = (oxypy_database *)Py_NewRef((PyObject *)db);
    }
    if (oxypy_database_is_open(chosen))
        oxypy_operation_use(op, chosen);
    else
        rc = connect_first(op, chosen);
    Py_DECREF((PyObject *)chosen);
    return rc;
}

int oxypy_operation_resolve(oxypy_operation *op)
{
    PyObject *alias;
    oxypy_database *db;
    server_role role;
    int rc;

    if (op->session != NULL)
        return 0;
    if (op->client != NULL)
        return from_client(op);
    alias = choose_alias(op);
    if (alias == NULL)
        return -1;
    db = registered(op->st, alias, &role);
    Py_DECREF(alias);
    if (db == NULL)
        return -1;
    rc = from_task(op, db);
    if (rc == 0)
        rc = use(op, db, role);
    else if (rc > 0)
        rc = 0;
    Py_DECREF(db);
    return rc;
}
