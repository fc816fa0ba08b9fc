/* SPDX-License-Identifier: MIT */
/* Database: the handle. Its settings, the store it has while it is open, and
 * the open transactions of tasks. Opening, closing and acquiring are kinds of
 * Operation. */
#include "runtime_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How long closing waits, after everyone was told to stop. */
#define LAST_WAIT 2.0

bool oxypy_database_is_open(const oxypy_database *db)
{
    return db->store != NULL && !db->store->foreign && !db->store->closing;
}

oxypy_session *oxypy_database_session(oxypy_database *db, PyObject *task, bool *failed)
{
    PyObject *session;

    *failed = false;
    if (db->sessions == NULL)
        return NULL;
    session = PyDict_GetItemWithError(db->sessions, task);
    if (session == NULL)
        *failed = PyErr_Occurred() != NULL;
    return (oxypy_session *)session;
}

static PyObject *raise_not_connected(oxypy_state *st, const oxypy_database *db)
{
    return oxypy_raise_text(st, OXY_INTERFACE, "Database %R is not connected", db->alias == NULL ? Py_None : db->alias);
}

/* --- opening --------------------------------------------------------------------------- */

enum { OPEN_START, OPEN_GRANTED, OPEN_REST };

/* What a fork left behind: forgotten, never touched. */
static int forget_foreign(oxypy_state *st, oxypy_database *db)
{
    if (db->store == NULL || !db->store->foreign)
        return 0;
    if (db->store->config.memory)
        db->lost_memory = true;
    oxypy_store_unref(db->store);
    db->store = NULL;
    Py_CLEAR(db->sessions);
    if (!db->lost_memory)
        return 0;
    oxypy_raise_text(st, OXY_INTERFACE, "the in-memory database %R stayed in the parent process", db->alias);
    return -1;
}

static oxypy_next open_start(oxypy_operation *op)
{
    oxypy_database *db = op->database;
    oxy_ns now = oxy_clock_now(), timeout = db->config.acquire_timeout;

    if (forget_foreign(op->st, db) < 0)
        return OXYPY_NEXT_ERROR;
    op->store = oxypy_store_new(op->st, &db->config, db->alias);
    if (op->store == NULL)
        return OXYPY_NEXT_ERROR;
    oxypy_lock(op->st->runtime);
    oxy_pool_start(op->store->pool, now);
    oxypy_unlock(op->st->runtime);
    oxypy_store_act(op->store, op->loop);
    /* No waiting must not mean no connecting. */
    if (timeout < OXY_NS_PER_S)
        timeout = db->config.connect_timeout;
    op->stage = OPEN_GRANTED;
    return oxypy_operation_acquire(op, OXY_WANT_ANY, timeout >= OXY_NS_NEVER - now ? OXY_NS_NEVER : now + timeout);
}

/* The first connection stands. */
static void open_give_back(oxypy_operation *op)
{
    oxypy_lock(op->st->runtime);
    oxy_pool_release(op->store->pool, op->slot, OXY_FATE_REUSE, oxy_clock_now());
    op->slot = NULL;
    oxypy_unlock(op->st->runtime);
    oxypy_store_act(op->store, op->loop);
}

static oxypy_next open_rest(oxypy_operation *op, PyObject **result)
{
    oxypy_database *db = op->database;
    oxy_err *err;

    op->store->on_change = NULL;
    err = malloc(sizeof *err);
    if (err == NULL) {
        PyErr_NoMemory();
        return OXYPY_NEXT_ERROR;
    }
    oxypy_lock(op->st->runtime);
    *err = *oxy_pool_last_error(op->store->pool);
    oxypy_unlock(op->st->runtime);
    if (err->rc != OXY_OK) {
        (void)oxypy_raise(op->st, err, NULL, op->store->driver->name, op->store->alias);
        free(err);
        return OXYPY_NEXT_ERROR;
    }
    free(err);
    if (db->store == NULL) {
        db->store = op->store;
        op->store = NULL;
    } /* else somebody was faster: abandon() closes ours */
    if (oxypy_loop_wake_at(op->loop, OXY_NS_NEVER) < 0)
        return OXYPY_NEXT_ERROR;
    *result = Py_NewRef(Py_None);
    return OXYPY_NEXT_RETURN;
}

static oxypy_next open_advance(oxypy_operation *op, PyObject **result)
{
    oxypy_next next;

    if (op->stage == OPEN_START) {
        if (oxypy_database_is_open(op->database)) {
            *result = Py_NewRef(Py_None);
            return OXYPY_NEXT_RETURN;
        }
        next = open_start(op);
        if (next != OXYPY_NEXT_RETURN)
            return next;
    }
    if (op->stage == OPEN_GRANTED) {
        if (oxypy_operation_granted(op) < 0)
            return OXYPY_NEXT_ERROR;
        open_give_back(op);
        op->stage = OPEN_REST;
        if (op->store->opening > 0) {
            if (oxypy_operation_wait(op, true) < 0)
                return OXYPY_NEXT_ERROR;
            op->store->on_change = &op->wait;
            return OXYPY_NEXT_WAIT;
        }
    }
    return open_rest(op, result);
}

static void open_abandon(oxypy_operation *op)
{
    oxypy_store *store = op->store;

    if (store == NULL)
        return;
    if (store->on_change == &op->wait)
        store->on_change = NULL;
    oxypy_operation_unqueue(op);
    oxypy_store_close(store, op->loop);
}

static const oxypy_op_kind open_kind = {.name = "open", .advance = open_advance, .abandon = open_abandon};

/* --- closing ----------------------------------------------------------------------------- */

enum { CLOSE_START, CLOSE_WAIT, CLOSE_LAST };

/* The calling task cannot wait for itself. */
static int close_own(oxypy_operation *op, PyObject *sessions)
{
    PyObject *task, *session;

    if (sessions == NULL)
        return 0;
    task = oxypy_loop_task(op->st, op->loop);
    if (task == NULL)
        return -1;
    session = PyDict_GetItemWithError(sessions, task);
    Py_DECREF(task);
    if (session == NULL)
        return PyErr_Occurred() ? -1 : 0;
    Py_INCREF(session);
    oxypy_session_evict((oxypy_session *)session, op->loop, NULL);
    Py_DECREF(session);
    return 0;
}

static int close_set_timer(oxypy_operation *op, double seconds)
{
    PyObject *loop, *callback = NULL;

    if (isinf(seconds))
        return 0;
    loop = oxypy_loop_object(op->loop);
    if (loop == NULL)
        return 0;
    callback = PyObject_GetAttrString((PyObject *)op, "_expire");
    if (callback != NULL)
        Py_XSETREF(op->timer, PyObject_CallMethod(loop, "call_later", "dO", seconds, callback));
    Py_DECREF(loop);
    Py_XDECREF(callback);
    return op->timer == NULL ? -1 : 0;
}

static void close_drop_timer(oxypy_operation *op)
{
    PyObject *done;

    if (op->timer == NULL)
        return;
    done = PyObject_CallMethod(op->timer, "cancel", NULL);
    if (done == NULL)
        PyErr_WriteUnraisable(op->timer);
    Py_XDECREF(done);
    Py_CLEAR(op->timer);
}

static oxypy_next close_wait(oxypy_operation *op, double seconds)
{
    op->timed_out = false;
    if (oxypy_operation_wait(op, true) < 0)
        return OXYPY_NEXT_ERROR;
    op->store->on_change = &op->wait;
    return close_set_timer(op, seconds) < 0 ? OXYPY_NEXT_ERROR : OXYPY_NEXT_WAIT;
}

static oxypy_next close_advance(oxypy_operation *op, PyObject **result)
{
    oxypy_database *db = op->database;
    PyObject *sessions;

    if (op->stage == CLOSE_START) {
        if (!oxypy_database_is_open(db)) {
            *result = Py_NewRef(Py_None);
            return OXYPY_NEXT_RETURN;
        }
        op->store = db->store;
        db->store = NULL;
        sessions = db->sessions;
        db->sessions = NULL;
        if (close_own(op, sessions) < 0) {
            Py_XDECREF(sessions);
            return OXYPY_NEXT_ERROR;
        }
        Py_XDECREF(sessions);
        oxypy_store_close(op->store, op->loop);
        op->stage = CLOSE_WAIT;
        if (!op->store->drained && op->timeout > 0)
            return close_wait(op, op->timeout);
        op->timed_out = true;
    }
    op->store->on_change = NULL;
    close_drop_timer(op);
    if (op->stage == CLOSE_WAIT && !op->store->drained && op->timed_out) {
        oxypy_store_evict(op->store, op->loop);
        op->stage = CLOSE_LAST;
        if (!op->store->drained)
            return close_wait(op, LAST_WAIT);
    }
    if (!op->store->drained)
        oxypy_log_pool(op->st, "warning",
                       PyUnicode_FromFormat("%R was closed while a statement did not stop", op->store->alias));
    *result = Py_NewRef(Py_None);
    return OXYPY_NEXT_RETURN;
}

static void close_abandon(oxypy_operation *op)
{
    if (op->store != NULL && op->store->on_change == &op->wait)
        op->store->on_change = NULL;
    oxypy_wait_disarm(&op->wait);
    close_drop_timer(op);
    if (op->store != NULL && !op->store->drained && !op->store->foreign) {
        oxypy_store_close(op->store, op->loop);
        oxypy_store_evict(op->store, op->loop);
    }
}

static const oxypy_op_kind close_kind = {.name = "close", .advance = close_advance, .abandon = close_abandon};

/* --- acquiring ----------------------------------------------------------------------------- */

enum { ACQUIRE_START, ACQUIRE_GRANTED };

static PyObject *acquired(oxypy_operation *op)
{
    oxypy_lease *lease;
    PyObject *session, *task = oxypy_loop_task(op->st, op->loop);

    if (task == NULL)
        return NULL;
    lease = oxypy_lease_new(op->store, op->slot);
    if (lease == NULL) {
        Py_DECREF(task);
        return NULL;
    }
    op->slot = NULL;
    oxypy_lease_set_holder(lease, task, NULL);
    Py_DECREF(task);
    session = oxypy_session_new(op->st, op->database, lease);
    if (session == NULL)
        oxypy_lease_release(lease, op->loop, true);
    return session;
}

static oxypy_next acquire_advance(oxypy_operation *op, PyObject **result)
{
    oxy_ns now = oxy_clock_now(), timeout;
    oxypy_next next;

    if (op->stage == ACQUIRE_START) {
        if (!oxypy_database_is_open(op->database)) {
            (void)raise_not_connected(op->st, op->database);
            return OXYPY_NEXT_ERROR;
        }
        oxypy_operation_use(op, op->database);
        op->stage = ACQUIRE_GRANTED;
        timeout = op->timeout * 1e9 >= 9e18 ? OXY_NS_NEVER : (oxy_ns)(op->timeout * 1e9);
        if (op->timeout < 0)
            timeout = op->store->config.acquire_timeout;
        next = oxypy_operation_acquire(op, op->want, timeout >= OXY_NS_NEVER - now ? OXY_NS_NEVER : now + timeout);
        if (next != OXYPY_NEXT_RETURN)
            return next;
    }
    if (oxypy_operation_granted(op) < 0)
        return OXYPY_NEXT_ERROR;
    *result = acquired(op);
    return *result == NULL ? OXYPY_NEXT_ERROR : OXYPY_NEXT_RETURN;
}

static const oxypy_op_kind acquire_kind = {
    .name = "acquire", .advance = acquire_advance, .abandon = oxypy_operation_unqueue};

/* --- settings ---------------------------------------------------------------------------------- */

/* Seconds of a pool setting; None: NEVER; absent: the default. -1 with an exception. */
static int get_ns(PyObject *pool, const char *name, oxy_ns absent, oxy_ns *out)
{
    PyObject *value = PyMapping_HasKeyString(pool, name) ? PyMapping_GetItemString(pool, name) : NULL;
    double seconds;

    *out = absent;
    if (value == NULL)
        return PyErr_Occurred() ? -1 : 0;
    if (value == Py_None) {
        *out = OXY_NS_NEVER;
        Py_DECREF(value);
        return 0;
    }
    seconds = PyFloat_AsDouble(value);
    Py_DECREF(value);
    if (seconds == -1.0 && PyErr_Occurred())
        return -1;
    if (isnan(seconds) || seconds < 0) {
        PyErr_Format(PyExc_ValueError, "%s must be a non-negative number of seconds", name);
        return -1;
    }
    *out = seconds * 1e9 >= 9e18 ? OXY_NS_NEVER : (oxy_ns)(seconds * 1e9);
    return 0;
}

static int get_u32(PyObject *pool, const char *name, uint32_t absent, uint32_t *out)
{
    PyObject *value = PyMapping_HasKeyString(pool, name) ? PyMapping_GetItemString(pool, name) : NULL;
    long long n;

    *out = absent;
    if (value == NULL || value == Py_None) {
        Py_XDECREF(value);
        return PyErr_Occurred() ? -1 : 0;
    }
    n = PyLong_AsLongLong(value);
    Py_DECREF(value);
    if (n == -1 && PyErr_Occurred())
        return -1;
    if (n < 0 || n > 1000000) {
        PyErr_Format(PyExc_ValueError, "%s is out of range", name);
        return -1;
    }
    *out = (uint32_t)n;
    return 0;
}

static int read_pool(PyObject *pool, oxypy_store_config *config)
{
    oxy_pool_config *p = &config->pool;
    uint32_t reset;

    if (get_u32(pool, "max", 10, &p->max) < 0 || get_u32(pool, "min", 1, &p->min) < 0 ||
        get_u32(pool, "statement_cache", 100, &config->statement_cache) < 0 ||
        get_u32(pool, "session_reset", OXYPY_RESET_AUTO, &reset) < 0)
        return -1;
    if (get_ns(pool, "acquire_timeout", 30 * OXY_NS_PER_S, &config->acquire_timeout) < 0 ||
        get_ns(pool, "connect_timeout", 10 * OXY_NS_PER_S, &config->connect_timeout) < 0 ||
        get_ns(pool, "statement_timeout", OXY_NS_NEVER, &config->statement_timeout) < 0 ||
        get_ns(pool, "idle_timeout", 600 * OXY_NS_PER_S, &p->idle_timeout) < 0 ||
        get_ns(pool, "max_lifetime", 1800 * OXY_NS_PER_S, &p->max_lifetime) < 0 ||
        get_ns(pool, "ping_after", 30 * OXY_NS_PER_S, &p->ping_after) < 0 ||
        get_ns(pool, "connect_retry", 0, &p->connect_retry) < 0)
        return -1;
    if (p->max < 1 || reset > OXYPY_RESET_FULL) {
        PyErr_SetString(PyExc_ValueError, "max must be at least 1, session_reset 0, 1 or 2");
        return -1;
    }
    config->reset = (oxypy_reset)reset;
    return 0;
}

static bool sv_is(oxy_sv a, const char *text)
{
    return oxy_sv_eq(a, oxy_sv_of(text));
}

/* An in-memory database lives in its connection: one, and no limit ends it. */
static void settle_memory(oxypy_store_config *config)
{
    for (uint32_t i = 0; i < config->n_settings; i++) {
        const oxy_setting *s = &config->settings[i];

        if ((sv_is(s->name, "mode") && sv_is(s->value, "memory")) ||
            (sv_is(s->name, "path") && (sv_is(s->value, ":memory:") || s->value.len == 0)))
            config->memory = true;
    }
    if (!config->memory)
        return;
    config->pool.max = config->pool.min = 1;
    config->pool.idle_timeout = config->pool.max_lifetime = OXY_NS_NEVER;
}

static int read_sv(PyObject *object, oxy_sv *out)
{
    Py_ssize_t len;

    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "settings are str, not %s", Py_TYPE(object)->tp_name);
        return -1;
    }
    out->p = PyUnicode_AsUTF8AndSize(object, &len);
    out->len = (size_t)len;
    return out->p == NULL ? -1 : 0;
}

/* items: list of (name, value); the text is borrowed from it. */
static int read_settings(PyObject *items, oxypy_store_config *config)
{
    Py_ssize_t n = PyList_GET_SIZE(items);

    config->settings = calloc((size_t)n + 1, sizeof *config->settings);
    if (config->settings == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    config->n_settings = (uint32_t)n;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyList_GET_ITEM(items, i);

        if (read_sv(PyTuple_GET_ITEM(item, 0), &config->settings[i].name) < 0 ||
            read_sv(PyTuple_GET_ITEM(item, 1), &config->settings[i].value) < 0)
            return -1;
    }
    return 0;
}

static int read_config(const char *backend, PyObject *items, PyObject *pool, PyObject *gate, oxypy_store_config *config)
{
    if (strcmp(backend, "sqlite") != 0) {
        PyErr_Format(PyExc_ValueError, "no driver for %s", backend);
        return -1;
    }
    config->driver = &oxy_driver_sqlite;
    config->dialect = &oxy_dialect_sqlite;
    config->pool.single_writer = true;
    if (read_settings(items, config) < 0 || read_pool(pool, config) < 0)
        return -1;
    settle_memory(config);
    if (config->pool.min > config->pool.max)
        config->pool.min = config->pool.max;
    if (gate != NULL && gate != Py_None) {
        config->gate = (char *)(uintptr_t)PyUnicode_AsUTF8(gate); /* copied before it is used */
        if (config->gate == NULL)
            return -1;
    }
    return 0;
}

static PyObject *database_configure(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"backend", "settings", "pool", "alias", "gate", NULL};
    oxypy_database *db = (oxypy_database *)self;
    oxypy_store_config config = {0}, copy;
    PyObject *settings, *pool, *alias, *gate = NULL, *items;
    const char *backend;
    int rc;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "$sOOUO:_configure", names, &backend, &settings, &pool, &alias,
                                     &gate))
        return NULL;
    items = PyMapping_Items(settings);
    if (items == NULL)
        return NULL;
    rc = read_config(backend, items, pool, gate, &config);
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
    return new_operation(self, &open_kind, 0);
}

static PyObject *database_close(PyObject *self, PyObject *timeout)
{
    double seconds = PyFloat_AsDouble(timeout);

    if (seconds == -1.0 && PyErr_Occurred())
        return NULL;
    return new_operation(self, &close_kind, seconds);
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
    op = new_operation(self, &acquire_kind, seconds);
    if (op != NULL)
        ((oxypy_operation *)op)->want = want;
    return op;
}

static PyObject *database_stats(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    oxypy_database *db = (oxypy_database *)self;
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));

    if (st == NULL)
        return NULL;
    if (!oxypy_database_is_open(db))
        return raise_not_connected(st, db);
    return oxypy_store_stats(db->store);
}

static PyObject *database_bind_task(PyObject *self, PyObject *args)
{
    oxypy_database *db = (oxypy_database *)self;
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));
    PyObject *task, *session;

    if (st == NULL || !PyArg_ParseTuple(args, "OO:_bind_task", &task, &session))
        return NULL;
    if (session != Py_None) {
        if (!PyObject_TypeCheck(session, st->session_type))
            return PyErr_Format(PyExc_TypeError, "_bind_task() takes a Session, not %s", Py_TYPE(session)->tp_name);
        if (db->sessions == NULL && (db->sessions = PyDict_New()) == NULL)
            return NULL;
        if (PyDict_SetItem(db->sessions, task, session) < 0)
            return NULL;
        Py_RETURN_NONE;
    }
    if (db->sessions == NULL)
        Py_RETURN_NONE;
    if (PyDict_DelItem(db->sessions, task) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_KeyError))
            return NULL;
        PyErr_Clear();
    }
    /* Empty again: operations need not ask who they run for. */
    if (db->sessions != NULL && PyDict_GET_SIZE(db->sessions) == 0)
        Py_CLEAR(db->sessions);
    Py_RETURN_NONE;
}

static PyObject *database_session_of(PyObject *self, PyObject *task)
{
    bool failed;
    oxypy_session *session = oxypy_database_session((oxypy_database *)self, task, &failed);

    if (failed)
        return NULL;
    return Py_NewRef(session == NULL ? Py_None : (PyObject *)session);
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
    return 0;
}

static int database_clear(PyObject *self)
{
    Py_CLEAR(((oxypy_database *)self)->sessions);
    return 0;
}

static void warn_unclosed(PyObject *source, PyObject *alias)
{
    if (PyErr_ResourceWarning(source, 1, "unclosed database %R", alias) < 0)
        PyErr_WriteUnraisable(source);
}

static void database_finalize(PyObject *self)
{
    oxypy_database *db = (oxypy_database *)self;
    oxypy_store *store = db->store;
    PyObject *type, *value, *traceback;
    oxypy_loop *loop;

    if (store == NULL)
        return;
    db->store = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    if (!store->foreign && !store->closing) {
        if (!oxypy_is_finalizing())
            warn_unclosed(self, store->alias);
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
    {"_stats", database_stats, METH_NOARGS, PyDoc_STR("Figures of the pool.")},
    {"_bind_task", database_bind_task, METH_VARARGS, PyDoc_STR("Sets the open transaction of a task, or None.")},
    {"_session_of", database_session_of, METH_O, PyDoc_STR("The open transaction of a task, or None.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef database_getset[] = {
    {"_is_open", database_is_open, NULL, PyDoc_STR("Whether statements can be run."), NULL},
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

/* --- process --------------------------------------------------------------------------------------------- */

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
        warn_unclosed(NULL, store->alias);
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

static int register_process_hooks(PyObject *module)
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

int oxypy_database_init(PyObject *module, oxypy_state *st)
{
    st->database_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &database_spec, NULL);
    if (st->database_type == NULL || PyModule_AddType(module, st->database_type) < 0)
        return -1;
    if (PyModule_AddFunctions(module, process_functions) < 0)
        return -1;
    return register_process_hooks(module);
}
