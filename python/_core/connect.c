/* SPDX-License-Identifier: MIT */
/* Opening and closing a pool, and taking a connection out of it: three kinds
 * of operation. */
#include "runtime_private.h"

#include <math.h>
#include <stdlib.h>

/* How long closing waits, after everyone was told to stop. */
#define LAST_WAIT 2.0

/* --- opening --------------------------------------------------------------------------- */

enum { OPEN_START, OPEN_GRANTED, OPEN_REST };

/* What a fork left behind: forgotten, never touched. */
static int forget_foreign(oxypy_state *st, oxypy_database *db)
{
    if (db->store == NULL || !db->store->foreign)
        return 0;
    if (db->store->config.memory)
        db->lost_memory = true;
    db->store->owner = NULL;
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
    op->store->owner = db;
    oxypy_lock(op->st->runtime);
    oxy_pool_start(op->store->pool, now);
    oxypy_unlock(op->st->runtime);
    /* Not waiting for a connection in use must not mean no connecting. The connects
     * begin when this operation waits, which so hears of their failure. */
    if (timeout <= 0)
        timeout = db->config.connect_timeout;
    op->stage = OPEN_GRANTED;
    return oxypy_operation_acquire(op, OXY_WANT_ANY, now, timeout >= OXY_NS_NEVER - now ? OXY_NS_NEVER : now + timeout);
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

/* Waits until the store's connections are there, or gone: other loops may have them. */
static int wait_for_others(oxypy_operation *op)
{
    oxypy_lock(op->st->runtime);
    op->store->on_change = &op->wait;
    oxypy_operation_set_behind_locked(op, true);
    /* To make the wait may have run Python code, and nobody tells it of what happened before this. */
    if (op->store->closing ? op->store->drained : op->store->opening == 0)
        oxypy_wait_ready_locked(&op->wait, NULL);
    oxypy_unlock(op->st->runtime);
    return oxypy_operation_look(op, OXY_NS_NEVER);
}

/* Idempotent. */
static void others_are_done(oxypy_operation *op)
{
    if (op->store != NULL && op->store->on_change == &op->wait)
        op->store->on_change = NULL;
    oxypy_lock(op->st->runtime);
    oxypy_operation_set_behind_locked(op, false);
    oxypy_unlock(op->st->runtime);
}

static oxypy_next open_rest(oxypy_operation *op, PyObject **result)
{
    oxypy_database *db = op->database;
    oxy_err *err;

    others_are_done(op);
    err = malloc(sizeof *err);
    if (err == NULL) {
        PyErr_NoMemory();
        return OXYPY_NEXT_ERROR;
    }
    oxypy_lock(op->st->runtime);
    *err = *oxy_pool_last_error(op->store->pool);
    oxypy_unlock(op->st->runtime);
    if (err->rc != OXY_OK) {
        oxypy_store_raise_connect(op->store, err, op->store->init_error);
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
            return wait_for_others(op) < 0 ? OXYPY_NEXT_ERROR : OXYPY_NEXT_WAIT;
        }
    }
    return open_rest(op, result);
}

static void open_abandon(oxypy_operation *op)
{
    oxypy_store *store = op->store;

    if (store == NULL)
        return;
    others_are_done(op);
    store->owner = NULL;
    oxypy_operation_unqueue(op);
    oxypy_store_close(store, op->loop);
}

const oxypy_op_kind oxypy_op_open = {.name = "open", .advance = open_advance, .abandon = open_abandon};

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
    session = Py_XNewRef(PyDict_GetItemWithError(sessions, task));
    Py_DECREF(task);
    if (session == NULL)
        return PyErr_Occurred() ? -1 : 0;
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
    if (wait_for_others(op) < 0 || close_set_timer(op, seconds) < 0)
        return OXYPY_NEXT_ERROR;
    return OXYPY_NEXT_WAIT;
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
        op->store->owner = NULL;
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
    others_are_done(op);
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
    others_are_done(op);
    oxypy_wait_disarm(&op->wait);
    close_drop_timer(op);
    if (op->store != NULL && !op->store->drained && !op->store->foreign) {
        oxypy_store_close(op->store, op->loop);
        oxypy_store_evict(op->store, op->loop);
    }
}

const oxypy_op_kind oxypy_op_close = {.name = "close", .advance = close_advance, .abandon = close_abandon};

/* --- acquiring ----------------------------------------------------------------------------- */

enum { ACQUIRE_START, ACQUIRE_GRANTED };

/* A session, or None: what was granted is of no use. */
static PyObject *acquired(oxypy_operation *op)
{
    oxypy_lease *lease;
    PyObject *session, *task = oxypy_loop_task(op->st, op->loop);

    if (task == NULL)
        return NULL;
    lease = oxypy_lease_new(op->store, op->slot, false, oxy_clock_now());
    if (lease == NULL) {
        Py_DECREF(task);
        return NULL;
    }
    op->slot = NULL;
    oxypy_lease_set_holder(lease, task, NULL);
    Py_DECREF(task);
    if (!oxypy_wire_take(lease->wire, op->loop)) {
        oxypy_lease_release(lease, op->loop, false, NULL);
        Py_RETURN_NONE;
    }
    session = oxypy_session_new(op->st, op->database, lease);
    if (session == NULL)
        oxypy_lease_release(lease, op->loop, true, NULL);
    return session;
}

static oxypy_next acquire_advance(oxypy_operation *op, PyObject **result)
{
    oxy_ns now = oxy_clock_now(), timeout;
    oxypy_next next;

    if (op->stage == ACQUIRE_START) {
        if (!oxypy_database_is_open(op->database)) {
            oxypy_raise_text(op->st, OXY_INTERFACE, "Database %R is not connected", op->database->alias);
            return OXYPY_NEXT_ERROR;
        }
        oxypy_operation_use(op, op->database);
        op->stage = ACQUIRE_GRANTED;
        timeout = op->timeout * 1e9 >= 9e18 ? OXY_NS_NEVER : (oxy_ns)(op->timeout * 1e9);
        if (op->timeout < 0)
            timeout = op->store->config.acquire_timeout;
        op->deadline = timeout >= OXY_NS_NEVER - now ? OXY_NS_NEVER : now + timeout;
        next = oxypy_operation_acquire(op, op->want, oxy_clock_now(), op->deadline);
        if (next != OXYPY_NEXT_RETURN)
            return next;
    }
    for (;;) {
        if (oxypy_operation_granted(op) < 0)
            return OXYPY_NEXT_ERROR;
        *result = acquired(op);
        if (*result != Py_None)
            return *result == NULL ? OXYPY_NEXT_ERROR : OXYPY_NEXT_RETURN;
        /* The server had closed it: the next one. */
        Py_CLEAR(*result);
        next = oxypy_operation_acquire(op, op->want, oxy_clock_now(), op->deadline);
        if (next != OXYPY_NEXT_RETURN)
            return next;
    }
}

const oxypy_op_kind oxypy_op_acquire = {
    .name = "acquire", .advance = acquire_advance, .abandon = oxypy_operation_unqueue};
