/* SPDX-License-Identifier: MIT */
/* What a store says of itself: figures, holders, the text of a time-out, log. */
#include "runtime_private.h"

#include <stdlib.h>

/* --- statistics ------------------------------------------------------------------------------ */

static PyObject *task_name(PyObject *task)
{
    PyObject *name;

    if (task == NULL || task == Py_None)
        return Py_NewRef(Py_None);
    name = PyObject_CallMethod(task, "get_name", NULL);
    if (name == NULL) {
        PyErr_Clear();
        return PyObject_Repr(task);
    }
    return name;
}

/* {"task", "seconds", "in_transaction", "sql"} of one lease. */
static PyObject *holder_dict(const oxypy_lease *lease, oxy_ns now)
{
    PyObject *task = lease->task == NULL ? NULL : oxypy_weak_get(lease->task);
    PyObject *sql = Py_NewRef(lease->sql == NULL ? Py_None : lease->sql);
    double seconds = (double)(now - lease->since) / 1e9;
    bool in_transaction = false;
    PyObject *name, *dict = NULL;

    if (lease->conn != NULL && !oxypy_lease_is_away(lease)) {
        oxy_conn_status status = oxypy_lease_status(lease);

        in_transaction = status == OXY_CONN_INTRANS || status == OXY_CONN_INERROR;
    } else if (lease->session != NULL) {
        in_transaction = true;
    }
    name = task_name(task);
    if (name != NULL)
        dict = Py_BuildValue("{s:N,s:d,s:N,s:O}", "task", name, "seconds", seconds, "in_transaction",
                             PyBool_FromLong(in_transaction), "sql", sql);
    Py_XDECREF(task);
    Py_DECREF(sql);
    return dict;
}

static PyObject *holder_list(oxypy_store *store)
{
    oxy_ns now = oxy_clock_now();
    PyObject *list = PyList_New(0);
    oxypy_holders h = oxypy_store_holders(store);

    for (size_t i = 0; list != NULL && i < h.n; i++) {
        PyObject *dict = holder_dict(h.list[i], now);

        if (dict == NULL || PyList_Append(list, dict) < 0)
            Py_CLEAR(list);
        Py_XDECREF(dict);
        /* Naming a task ran Python code: look again before going on. */
        free(h.list);
        h = oxypy_store_holders(store);
    }
    free(h.list);
    return list;
}

void oxypy_store_raise_connect(const oxypy_store *store, const oxy_err *err, PyObject *cause)
{
    PyObject *type, *value, *traceback;

    Py_XINCREF(cause); /* the store's own may go while Python code runs */
    (void)oxypy_raise(store->st, err, NULL, store->driver->name, store->alias);
    if (cause == NULL)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value != NULL)
        PyException_SetCause(value, cause);
    else
        Py_DECREF(cause);
    PyErr_Restore(type, value, traceback);
}

/* The last connect error as an exception, or None. */
static PyObject *last_error(oxypy_store *store)
{
    oxy_err *err = malloc(sizeof *err);
    PyObject *type, *value, *traceback;

    if (err == NULL)
        return PyErr_NoMemory();
    oxypy_lock(store->runtime);
    *err = *oxy_pool_last_error(store->pool);
    oxypy_unlock(store->runtime);
    if (err->rc == OXY_OK) {
        free(err);
        Py_RETURN_NONE;
    }
    oxypy_store_raise_connect(store, err, store->init_error);
    free(err);
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

PyObject *oxypy_store_stats(oxypy_store *store)
{
    oxy_pool_stats s;
    PyObject *error, *list;

    oxypy_lock(store->runtime);
    oxy_pool_get_stats(store->pool, &s);
    oxypy_unlock(store->runtime);
    error = last_error(store);
    list = error == NULL ? NULL : holder_list(store);
    if (list == NULL) {
        Py_XDECREF(error);
        return NULL;
    }
    return Py_BuildValue("{s:I,s:I,s:I,s:I,s:I,s:K,s:K,s:K,s:K,s:d,s:K,s:N,s:N}", "size", s.size, "idle", s.idle,
                         "busy", s.busy, "waiting", s.waiting, "max_size", s.max, "opened",
                         (unsigned long long)s.opened, "closed", (unsigned long long)s.closed, "acquired",
                         (unsigned long long)s.acquired, "timeouts", (unsigned long long)s.timeouts, "wait_seconds",
                         (double)s.waited / 1e9, "transactions", (unsigned long long)store->transactions, "last_error",
                         error, "holders", list);
}

/* Two-part versions count their releases in the last place. */
static PyObject *version_of(const oxypy_store *store)
{
    uint32_t v = store->server.version;

    if (store->driver == &oxy_driver_sqlite) {
        v = oxy_sqlite_version();
        return Py_BuildValue("(III)", v / 1000000, v / 1000 % 1000, v % 1000);
    }
    if (store->server.flavor == OXY_FLAVOR_POSTGRES)
        return Py_BuildValue("(II)", v / 10000, v % 10000);
    return Py_BuildValue("(III)", v / 10000, v / 100 % 100, v % 100);
}

PyObject *oxypy_server_dict(oxypy_store *store)
{
    static const char *const flavors[] = {[OXY_FLAVOR_SQLITE] = "sqlite",
                                          [OXY_FLAVOR_POSTGRES] = "postgres",
                                          [OXY_FLAVOR_MYSQL] = "mysql",
                                          [OXY_FLAVOR_MARIADB] = "mariadb"};
    PyObject *version = version_of(store);

    if (version == NULL)
        return NULL;
    return Py_BuildValue("{s:s,s:N,s:O}", "flavor", flavors[store->server.flavor], "version", version, "pooler",
                         store->server.pooler ? Py_True : Py_False);
}

/* Another handle on the same file, whose writer may be what is waited for; counted. */
static oxypy_store *neighbour(const oxypy_store *store, const oxypy_store *after)
{
    oxypy_store *other;

    oxypy_lock(store->runtime);
    other = after == NULL ? store->runtime->stores : after->next;
    while (other != NULL && (other == store || other->gate != store->gate))
        other = other->next;
    if (other != NULL)
        other->refs++;
    oxypy_unlock(store->runtime);
    return other;
}

/* Who held a connection longest, here or behind the same gate: new reference
 * to one of holder_list(), None for nobody. */
static PyObject *longest_holder(oxypy_store *store)
{
    PyObject *list = holder_list(store), *first;
    oxypy_store *other = NULL, *next;

    if (store->gate != NULL && list != NULL && PyList_GET_SIZE(list) == 0)
        other = neighbour(store, NULL);
    for (; other != NULL; other = next) {
        Py_SETREF(list, holder_list(other));
        next = list == NULL || PyList_GET_SIZE(list) > 0 ? NULL : neighbour(store, other);
        oxypy_store_unref(other);
    }
    if (list == NULL)
        return NULL;
    first = Py_NewRef(PyList_GET_SIZE(list) > 0 ? PyList_GET_ITEM(list, 0) : Py_None);
    Py_DECREF(list);
    return first;
}

/* "; longest held by task 'x' for 1.5 s, running 'SELECT ...'" or "". */
static PyObject *holder_text(PyObject *dict)
{
    PyObject *sql, *seconds, *text, *start;

    if (dict == Py_None)
        return PyUnicode_FromString("");
    sql = PyDict_GetItemString(dict, "sql");
    seconds = PyObject_CallMethod(PyDict_GetItemString(dict, "seconds"), "__format__", "s", ".1f");
    if (seconds == NULL)
        return NULL;
    text = PyUnicode_FromFormat("; longest held by task %R for %U s", PyDict_GetItemString(dict, "task"), seconds);
    Py_DECREF(seconds);
    if (text == NULL || sql == Py_None)
        return text;
    start = PyUnicode_Substring(sql, 0, 80);
    if (start != NULL) {
        PyObject *whole = PyUnicode_FromFormat("%U, running %R", text, start);

        Py_DECREF(start);
        Py_SETREF(text, whole);
    }
    return text;
}

static PyObject *timeout_message(oxypy_store *store, PyObject *stats)
{
    PyObject *dict = longest_holder(store), *holder = dict == NULL ? NULL : holder_text(dict);
    PyObject *error = PyDict_GetItemString(stats, "last_error"), *failure = NULL, *message = NULL;

    if (holder != NULL)
        failure = error == Py_None ? PyUnicode_FromString("") : PyUnicode_FromFormat("; last connect error: %S", error);
    if (failure != NULL)
        message = PyUnicode_FromFormat("pool timed out while waiting for an open connection (alias %R: limit %S, "
                                       "%S open, %S in use, %S waiting%U%U)",
                                       store->alias, PyDict_GetItemString(stats, "max_size"),
                                       PyDict_GetItemString(stats, "size"), PyDict_GetItemString(stats, "busy"),
                                       PyDict_GetItemString(stats, "waiting"), holder, failure);
    Py_XDECREF(dict);
    Py_XDECREF(holder);
    Py_XDECREF(failure);
    return message;
}

void oxypy_store_raise_timeout(oxypy_store *store, PyObject *database)
{
    oxypy_state *st = store->st;
    PyObject *type = st->exceptions[OXY_POOL_TIMEOUT], *stats = oxypy_store_stats(store), *shown = NULL;
    PyObject *message = NULL, *exc = NULL;

    if (stats == NULL)
        return;
    message = timeout_message(store, stats);
    if (message == NULL)
        goto done;
    exc = PyObject_CallOneArg(type != NULL ? type : PyExc_TimeoutError, message);
    if (exc == NULL)
        goto done;
    /* The package shows PoolStats; a bare handle has the plain dict. */
    if (database != NULL && PyObject_HasAttrString(database, "stats"))
        shown = PyObject_CallMethod(database, "stats", NULL);
    if (shown == NULL) {
        PyErr_Clear();
        shown = Py_NewRef(stats);
    }
    if (PyObject_SetAttrString(exc, "stats", shown) < 0 ||
        PyObject_SetAttrString(exc, "last_connect_error", PyDict_GetItemString(stats, "last_error")) < 0 ||
        PyObject_SetAttrString(exc, "alias", store->alias) < 0)
        goto done;
    Py_SETREF(shown, PyUnicode_FromString(store->driver->name));
    if (shown == NULL || PyObject_SetAttrString(exc, "backend", shown) < 0)
        goto done;
    PyErr_SetObject((PyObject *)Py_TYPE(exc), exc);
done:
    Py_DECREF(stats);
    Py_XDECREF(shown);
    Py_XDECREF(message);
    Py_XDECREF(exc);
}

/* --- log -------------------------------------------------------------------------------------- */

void oxypy_log_pool(oxypy_state *st, const char *level, PyObject *message)
{
    PyObject *type, *value, *traceback, *done = NULL, *logging;
    oxypy_runtime *rt = st->runtime;

    PyErr_Fetch(&type, &value, &traceback);
    if (rt->pool_log == NULL && message != NULL) {
        logging = PyImport_ImportModule("logging");
        if (logging != NULL)
            rt->pool_log = PyObject_CallMethod(logging, "getLogger", "s", "oxyde.pool");
        Py_XDECREF(logging);
    }
    if (rt->pool_log != NULL && message != NULL)
        done = PyObject_CallMethod(rt->pool_log, level, "sO", "%s", message);
    if (done == NULL)
        PyErr_Clear(); /* a log that cannot be written must not fail the statement */
    Py_XDECREF(done);
    Py_XDECREF(message);
    PyErr_Restore(type, value, traceback);
}
