/* SPDX-License-Identifier: MIT */
/* Chores: what is done with connections that nobody holds. Opening, asking
 * whether the server is there, reading the answer to what was cancelled, rolling
 * back, resetting. Each is a request that is stepped until it is over; a chore
 * that takes too long ends with the connection. */
#include "runtime_private.h"

#include <stdlib.h>
#include <string.h>

static oxy_ns after(oxy_ns now, oxy_ns span)
{
    return span >= OXY_NS_NEVER - now ? OXY_NS_NEVER : now + span;
}

static void begin(oxypy_lease *lease, oxypy_chore chore, oxy_ns limit)
{
    lease->chore = (uint8_t)chore;
    lease->cancel_at = OXY_NS_NEVER;
    lease->deadline = oxypy_has_socket(lease->store->driver) ? after(oxy_clock_now(), limit) : OXY_NS_NEVER;
}

static void end(oxypy_lease *lease)
{
    lease->chore = OXYPY_CHORE_NONE;
    lease->cancel_at = lease->deadline = OXY_NS_NEVER;
}

/* --- opening ------------------------------------------------------------------------ */

/* What the first connection tells of the server. */
static void learn(oxypy_store *store, const oxy_conn *conn)
{
    store->server = conn->server;
    if (conn->server.flavor == OXY_FLAVOR_MARIADB)
        store->dialect = &oxy_dialect_mariadb;
}

/* The connection is there, or not. cause: what the user's init raised, or NULL. */
static void open_over(oxypy_lease *lease, const oxy_err *err, PyObject *cause, oxypy_loop *loop)
{
    oxypy_store *store = lease->store;
    oxypy_runtime *rt = store->runtime;
    oxypy_wire *wire = lease->wire;
    oxy_slot *slot = lease->slot;
    PyObject *last_cause = store->init_error;
    oxy_err copy;

    store->init_error = Py_XNewRef(cause);
    if (err != NULL) {
        copy = *err;
        lease->wire = NULL;
        lease->conn = NULL;
        if (wire != NULL)
            oxypy_wire_close(wire);
        /* The driver's thread may have reported meanwhile: the report would find
         * a lease without a connection as soon as the hub is drained. */
        if (!store->foreign)
            oxypy_wait_disarm(&lease->wait);
        lease->working = false;
    } else {
        wire->unsettled = false;
        learn(store, wire->conn);
        oxypy_lease_part(lease, loop);
        oxypy_wire_rest(wire, loop, oxy_clock_now());
        oxypy_wait_disarm(&lease->wait);
    }
    end(lease);
    oxypy_lock(rt);
    oxy_slot_set_holder(slot, NULL, 0);
    if (err == NULL)
        oxy_pool_connected(store->pool, slot, wire, oxy_clock_now());
    else
        oxy_pool_connect_failed(store->pool, slot, &copy, (copy.flags & OXY_ERR_NOT_READY) != 0, oxy_clock_now());
    store->opening--;
    if (store->opening == 0 && store->on_change != NULL)
        oxypy_wait_ready_locked(store->on_change, NULL);
    oxypy_lease_settled(lease, loop);
    Py_XDECREF(last_cause); /* last: an exception's frames may have anything */
}

/* --- the user's init ------------------------------------------------------------------ */

static const char init_name[] = "oxyde._core.lease";

/* The exception at hand, new reference, and the connect error that it is. */
static PyObject *err_from_exception(oxy_err *err)
{
    PyObject *type, *value, *traceback, *text;
    const char *words;

    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value != NULL && traceback != NULL)
        (void)PyException_SetTraceback(value, traceback);
    text = value == NULL ? NULL : PyUnicode_FromFormat("%s: %S", Py_TYPE(value)->tp_name, value);
    words = text == NULL ? NULL : PyUnicode_AsUTF8(text);
    oxy_err_clear(err);
    (void)oxy_err_set(err, OXY_OPERATIONAL, "init of a new connection failed: %s", words == NULL ? "" : words);
    PyErr_Clear();
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    Py_XDECREF(text);
    return value;
}

/* The task's callback finds no lease any more, whenever it comes. */
static void forget_init(oxypy_lease *lease)
{
    PyObject *capsule = lease->init;

    lease->init = NULL;
    lease->preparing = false;
    if (capsule != NULL)
        (void)PyCapsule_SetName(capsule, NULL);
    Py_XDECREF(capsule);
}

/* Whoever holds the connection for init holds it no longer. */
static void init_over(oxypy_lease *lease, const oxy_err *err, PyObject *cause, oxypy_loop *loop)
{
    oxypy_operation *woken = NULL;
    oxy_err broken;

    forget_init(lease);
    if (lease->session != NULL)
        (void)oxypy_session_let_go(lease->session, &woken);
    lease->raw = false;
    if (err == NULL && oxypy_lease_status(lease) != OXY_CONN_IDLE) {
        oxy_err_clear(&broken);
        (void)oxy_err_set(&broken, OXY_OPERATIONAL, "init left the connection broken or inside a transaction");
        err = &broken;
    }
    open_over(lease, err, cause, loop);
    oxypy_session_tell(woken);
}

/* The callback of init's task: self is a capsule around the lease. */
static PyObject *init_done(PyObject *capsule, PyObject *task)
{
    oxypy_lease *lease;
    oxypy_loop *loop;
    PyObject *result, *cause = NULL;
    oxy_err err;

    if (!PyCapsule_IsValid(capsule, init_name))
        Py_RETURN_NONE; /* the loop was closed, and the connection with it */
    lease = PyCapsule_GetPointer(capsule, init_name);
    loop = oxypy_loop_find(lease->store->st);
    result = PyObject_CallMethod(task, "result", NULL); /* raises what the task did */
    if (result == NULL)
        cause = err_from_exception(&err);
    if (PyCapsule_IsValid(capsule, init_name)) /* still: that was Python code */
        init_over(lease, result == NULL ? &err : NULL, cause, loop);
    Py_XDECREF(result);
    Py_XDECREF(cause);
    Py_XDECREF((PyObject *)loop);
    Py_RETURN_NONE;
}

static PyMethodDef init_done_def = {"_init_done", init_done, METH_O, NULL};

/* Starts init as a task, which has the connection until it is done. 0 / -1. */
static int init_start(oxypy_lease *lease, oxypy_loop *loop)
{
    oxypy_store *store = lease->store;
    PyObject *object = loop == NULL ? NULL : oxypy_loop_object(loop), *session = NULL, *coroutine = NULL;
    PyObject *task = NULL, *capsule = NULL, *callback = NULL, *done = NULL, *init;
    oxypy_operation *woken = NULL;
    oxypy_database *owner;
    int rc;

    if (object == NULL) {
        oxypy_raise_text(store->st, OXY_INTERFACE, "there is no event loop to run init on");
        return -1;
    }
    end(lease);
    lease->preparing = true; /* before any Python code, which may release the session */
    owner = (oxypy_database *)Py_NewRef((PyObject *)store->owner); /* or close the database */
    init = Py_NewRef(owner->init);
    session = oxypy_session_new(store->st, owner, lease);
    if (session != NULL)
        coroutine = PyObject_CallOneArg(init, session);
    if (coroutine != NULL)
        task = PyObject_CallMethod(object, "create_task", "O", coroutine);
    capsule = task == NULL ? NULL : PyCapsule_New(lease, init_name, NULL);
    lease->init = Py_XNewRef(capsule);
    callback = capsule == NULL ? NULL : PyCFunction_New(&init_done_def, capsule);
    done = callback == NULL ? NULL : PyObject_CallMethod(task, "add_done_callback", "O", callback);
    rc = done == NULL ? -1 : 0;
    if (done == NULL && capsule != NULL && !PyCapsule_IsValid(capsule, init_name)) {
        PyErr_WriteUnraisable(object); /* but it is over already, and so is the lease */
        rc = 0;
    } else if (done == NULL) {
        forget_init(lease);
        if (lease->session != NULL)
            (void)oxypy_session_let_go(lease->session, &woken);
        oxypy_session_tell(woken); /* the lease is nobody's: its chore goes on with it */
    }
    Py_DECREF(object);
    Py_DECREF((PyObject *)owner);
    Py_DECREF(init);
    Py_XDECREF(session);
    Py_XDECREF(coroutine);
    Py_XDECREF(task);
    Py_XDECREF(capsule);
    Py_XDECREF(callback);
    Py_XDECREF(done);
    return rc;
}

void oxypy_chore_init_lost(oxypy_lease *lease, oxypy_loop *loop)
{
    oxy_err err;

    oxy_err_clear(&err);
    (void)oxy_err_set(&err, OXY_OPERATIONAL, "the event loop was closed while init ran");
    init_over(lease, &err, NULL, loop);
}

/* A connection is open; it may have to be prepared by the user first. */
static void opened(oxypy_lease *lease, oxypy_loop *loop)
{
    PyObject *type, *value, *traceback, *cause;
    oxy_err err;

    if (lease->store->owner == NULL || lease->store->owner->init == NULL) {
        open_over(lease, NULL, NULL, loop);
        return;
    }
    lease->wire->unsettled = false;
    learn(lease->store, lease->conn);
    PyErr_Fetch(&type, &value, &traceback);
    if (init_start(lease, loop) < 0) {
        cause = err_from_exception(&err);
        open_over(lease, &err, cause, loop);
        Py_XDECREF(cause);
    }
    PyErr_Restore(type, value, traceback);
}

/* The settings with the role that this connection has; freed by the caller. */
static oxy_setting *settings_for(const oxypy_store *store, oxy_want role, uint32_t *n)
{
    static const char *const roles[] = {[OXY_WANT_ANY] = "both",
                                        [OXY_WANT_READER] = "reader",
                                        [OXY_WANT_WRITER] = "writer",
                                        [OXY_WANT_SHARED] = "both"};
    oxy_setting *settings = malloc((store->config.n_settings + 1) * sizeof *settings);

    *n = store->config.n_settings;
    if (settings == NULL)
        return NULL;
    if (*n > 0)
        memcpy(settings, store->config.settings, *n * sizeof *settings);
    if (store->config.pool.single_writer) {
        settings[*n].name = OXY_SV("role");
        settings[*n].value = oxy_sv_of(store->config.pool.max == 1 ? "both" : roles[role]);
        ++*n;
    }
    return settings;
}

/* False with err: there is no connection to step. */
static bool open_begin(oxypy_lease *lease, oxy_want role, oxy_err *err)
{
    oxypy_store *store = lease->store;
    oxy_open what = {.statement_cache = store->config.statement_cache,
                     .common = store->common,
                     .regexp = oxypy_regexp_search,
                     .regexp_ctx = store->regexp};
    oxy_setting *settings;
    bool opened = false;

    if (oxypy_has_socket(store->driver)) {
        what.errands = oxypy_runtime_errands(store->runtime);
        if (what.errands == NULL)
            return false;
    }
    settings = settings_for(store, role, &what.n_settings);
    if (settings == NULL)
        return false;
    what.settings = settings;
    lease->wire = oxypy_wire_new(store, lease->slot);
    if (lease->wire != NULL) {
        opened = store->driver->open(&what, oxy_alloc_default(), &lease->wire->conn, err) == OXY_OK;
        if (!opened)
            lease->wire->conn = NULL;
        lease->conn = lease->wire->conn;
        oxypy_lease_join(lease);
    }
    free(settings);
    return opened;
}

void oxypy_chore_open(oxypy_store *store, oxy_slot *slot, oxy_want role, oxypy_loop *loop)
{
    oxypy_lease *lease = oxypy_lease_make(store, slot, oxy_clock_now());
    oxy_err err;

    oxy_err_clear(&err);
    (void)oxy_err_set(&err, OXY_NOMEM, "out of memory");
    oxypy_lock(store->runtime);
    if (lease == NULL)
        oxy_pool_connect_failed(store->pool, slot, &err, false, oxy_clock_now());
    else
        store->opening++;
    oxypy_unlock(store->runtime);
    if (lease == NULL)
        return;
    begin(lease, OXYPY_CHORE_OPEN, store->config.connect_timeout);
    if (open_begin(lease, role, &err))
        oxypy_chore_step(lease, loop);
    else
        open_over(lease, &err, NULL, loop);
}

/* --- asking -------------------------------------------------------------------------- */

static void ping_over(oxypy_lease *lease, bool ok, oxypy_loop *loop)
{
    oxypy_store *store = lease->store;
    oxy_ns now = oxy_clock_now();

    ok = ok && oxypy_lease_status(lease) == OXY_CONN_IDLE;
    end(lease);
    oxypy_lease_part(lease, loop);
    if (ok)
        oxypy_wire_rest(lease->wire, loop, oxy_clock_now());
    oxypy_wait_disarm(&lease->wait);
    oxypy_lock(store->runtime);
    oxy_slot_set_holder(lease->slot, NULL, 0);
    if (ok)
        oxy_pool_ping_ok(store->pool, lease->slot, now);
    else
        oxy_pool_ping_failed(store->pool, lease->slot, now);
    oxypy_lease_settled(lease, loop);
}

/* Starts a request of a chore. False: the connection does not take it. */
static bool start(oxypy_lease *lease, oxypy_chore chore, const oxy_request *request, oxy_ns limit)
{
    begin(lease, chore, limit);
    if (lease->conn != NULL && lease->store->driver->start(lease->conn, request) == OXY_OK)
        return true;
    end(lease);
    return false;
}

void oxypy_chore_ping(oxypy_store *store, oxy_slot *slot, oxypy_loop *loop)
{
    static const oxy_request request = {.flags = OXY_REQ_PING, .deadline = OXY_NS_NEVER};
    oxypy_lease *lease = oxypy_has_socket(store->driver) ? oxypy_lease_make(store, slot, oxy_clock_now()) : NULL;

    if (lease == NULL) {
        oxypy_lock(store->runtime);
        oxy_pool_ping_ok(store->pool, slot, oxy_clock_now());
        oxypy_unlock(store->runtime);
        return;
    }
    lease->wire = oxy_slot_conn(slot);
    lease->conn = lease->wire->conn;
    oxypy_lease_join(lease);
    if (start(lease, OXYPY_CHORE_PING, &request, store->config.connect_timeout))
        oxypy_chore_step(lease, loop);
    else
        ping_over(lease, false, loop);
}

/* --- stopping, rolling back, resetting --------------------------------------------------- */

/* Only who is first on the wire: a cancel is about what the server works on. */
static void cancel(oxypy_lease *lease)
{
    if (lease->canceled || lease->conn == NULL || lease->wire->first != lease)
        return;
    lease->canceled = true;
    lease->store->driver->cancel(lease->conn);
    lease->deadline = after(oxy_clock_now(), lease->store->config.cancel_timeout);
}

void oxypy_chore_drain(oxypy_lease *lease, oxypy_loop *loop, PyObject *keep)
{
    begin(lease, OXYPY_CHORE_DRAIN, OXY_NS_NEVER);
    if (lease->keep == NULL)
        lease->keep = Py_XNewRef(keep);
    if (!lease->polling && !lease->working) { /* rows lie unread: perhaps that is all */
        oxypy_chore_step(lease, loop);
        return;
    }
    cancel(lease);
    if (lease->deadline != OXY_NS_NEVER && oxypy_loop_wake_at(loop, lease->deadline) < 0)
        PyErr_WriteUnraisable((PyObject *)loop);
}

bool oxypy_chore_roll_back(oxypy_lease *lease, oxypy_loop *loop)
{
    static const oxy_request request = {.sql = {"ROLLBACK", 8}, .flags = OXY_REQ_WRITE, .deadline = OXY_NS_NEVER};

    if (!start(lease, OXYPY_CHORE_ROLLBACK, &request, lease->store->config.cancel_timeout))
        return false;
    oxypy_chore_step(lease, loop);
    return true;
}

bool oxypy_chore_reset(oxypy_lease *lease, oxypy_loop *loop)
{
    static const oxy_request request = {.flags = OXY_REQ_RESET, .deadline = OXY_NS_NEVER};

    if (loop == NULL || !oxypy_has_socket(lease->store->driver))
        return false;
    /* A reset would undo what the user's init set: a new connection has it. */
    if (lease->store->owner == NULL || lease->store->owner->init != NULL)
        return false;
    if (!start(lease, OXYPY_CHORE_RESET, &request, lease->store->config.cancel_timeout))
        return false;
    oxypy_chore_step(lease, loop);
    return true;
}

void oxypy_chore_run(oxypy_lease *lease, oxypy_loop *loop, const oxy_request *request, PyObject *keep)
{
    oxypy_session *session = lease->session;
    PyObject *kept = lease->keep;

    lease->keep = Py_NewRef(keep);
    if (start(lease, OXYPY_CHORE_RUN, request, lease->store->config.cancel_timeout)) {
        oxypy_chore_step(lease, loop);
    } else {
        lease->keep = NULL;
        if (session != NULL)
            oxypy_session_settled(session);
        Py_DECREF(keep);
    }
    Py_XDECREF(kept);
}

void oxypy_chore_spool(oxypy_lease *lease, oxypy_loop *loop, oxypy_operation *op)
{
    PyObject *kept = lease->keep;

    begin(lease, OXYPY_CHORE_SPOOL, OXY_NS_NEVER);
    lease->keep = Py_NewRef((PyObject *)op);
    oxypy_chore_step(lease, loop);
    Py_XDECREF(kept);
}

/* What is on its way is stopped as after a cancelled statement. */
void oxypy_chore_spool_cut(oxypy_lease *lease, oxypy_loop *loop)
{
    if (!oxypy_has_socket(lease->store->driver)) {
        end(lease);
        lease->store->driver->cancel(lease->conn); /* its worker reports */
        return;
    }
    lease->chore = OXYPY_CHORE_DRAIN;
    cancel(lease);
    if (loop == NULL)
        oxypy_lease_kill(lease, NULL);
    else if (lease->deadline != OXY_NS_NEVER && oxypy_loop_wake_at(loop, lease->deadline) < 0)
        PyErr_WriteUnraisable((PyObject *)loop);
}

static void fail_spool(oxypy_operation *op, const oxy_err *err)
{
    if (op->failed != OXY_OK)
        return;
    op->failed = err->rc;
    op->error = malloc(sizeof *op->error);
    if (op->error != NULL)
        *op->error = *err;
}

/* A row of a stream that makes room. After a failure the rest is only read. */
static void spool_row(oxypy_lease *lease)
{
    oxypy_operation *op = (oxypy_operation *)lease->keep;
    oxy_err err;

    if (op->failed == OXY_OK && oxypy_spool_add(op->spool, lease->conn, &err) != OXY_OK)
        fail_spool(op, &err);
}

static void spool_over(oxypy_lease *lease, bool ok, oxypy_loop *loop)
{
    oxypy_operation *op = (oxypy_operation *)lease->keep;
    oxy_err err;

    oxy_err_clear(&err);
    if (!ok && lease->conn != NULL && lease->conn->err.rc != OXY_OK)
        err = lease->conn->err;
    else if (!ok)
        (void)oxy_err_set(&err, OXY_CONNECTION_LOST, "the connection was closed while its rows were read");
    if (!ok)
        fail_spool(op, &err);
    end(lease);
    lease->keep = NULL;
    oxypy_stream_spooled(op, lease, loop);
    Py_DECREF((PyObject *)op);
}

static void drain_over(oxypy_lease *lease, oxypy_loop *loop)
{
    PyObject *keep = lease->keep;

    if (lease->behind_it > 0 && lease->conn != NULL) {
        lease->behind_it--;
        lease->canceled = false;
        oxypy_chore_step(lease, loop);
        return;
    }
    end(lease);
    lease->keep = NULL;
    lease->canceled = false;
    lease->behind_it = 0;
    if (lease->shared)
        oxypy_lease_part(lease, loop); /* what is under way now is others' */
    if (lease->session != NULL)
        oxypy_session_settled(lease->session);
    else
        oxypy_lease_clean(lease, loop, NULL);
    Py_XDECREF(keep);
}

/* --- going on ----------------------------------------------------------------------------- */

static void over(oxypy_lease *lease, bool ok, oxypy_loop *loop)
{
    oxy_err err;

    switch ((oxypy_chore)lease->chore) {
    case OXYPY_CHORE_OPEN:
        oxy_err_clear(&err);
        if (lease->conn == NULL)
            (void)oxy_err_set(&err, OXY_OPERATIONAL, "the connection was given up while it was opened");
        else if (!ok && lease->conn->err.rc != OXY_OK)
            err = lease->conn->err;
        else if (!ok)
            (void)oxy_err_set(&err, OXY_OPERATIONAL, "the connection could not be waited for");
        if (ok && lease->conn != NULL)
            opened(lease, loop);
        else
            open_over(lease, &err, NULL, loop);
        return;
    case OXYPY_CHORE_PING: ping_over(lease, ok, loop); return;
    case OXYPY_CHORE_RUN:
    case OXYPY_CHORE_DRAIN: drain_over(lease, loop); return;
    case OXYPY_CHORE_SPOOL: spool_over(lease, ok, loop); return;
    case OXYPY_CHORE_ROLLBACK:
        end(lease);
        if (lease->conn != NULL && !ok)
            lease->discard = true;
        oxypy_lease_give_back(lease, loop, oxy_clock_now());
        return;
    case OXYPY_CHORE_RESET:
        end(lease);
        lease->raw = false;
        if (!ok || (lease->conn != NULL && lease->store->driver->tainted(lease->conn)))
            lease->discard = true;
        oxypy_lease_give_back(lease, loop, oxy_clock_now());
        return;
    case OXYPY_CHORE_NONE: return;
    }
}

void oxypy_chore_step(oxypy_lease *lease, oxypy_loop *loop)
{
    const oxy_driver *driver = lease->store->driver;
    oxy_step s;

    if (lease->conn == NULL) {
        over(lease, false, loop);
        return;
    }
    for (;;) {
        s = driver->step(lease->conn);
        if (s == OXY_STEP_ROW && lease->chore == OXYPY_CHORE_SPOOL)
            spool_row(lease);
        if (s == OXY_STEP_ROW || s == OXY_STEP_TURN)
            continue;
        if ((s == OXY_STEP_WANT_READ || s == OXY_STEP_WANT_WRITE) && lease->chore == OXYPY_CHORE_DRAIN &&
            !lease->canceled && lease->wire->first == lease) {
            cancel(lease);
            continue;
        }
        break;
    }
    switch (s) {
    case OXY_STEP_DONE: over(lease, true, loop); return;
    case OXY_STEP_WANT_WORKER:
        if (oxypy_lease_offload(lease, loop, NULL) == 0)
            return;
        break;
    case OXY_STEP_WANT_READ:
    case OXY_STEP_WANT_WRITE:
        if (oxypy_lease_poll(lease, loop, s) == 0)
            return;
        break;
    case OXY_STEP_ROW:
    case OXY_STEP_TURN:
    case OXY_STEP_FAILED: break;
    }
    if (s != OXY_STEP_FAILED && lease->chore != OXYPY_CHORE_OPEN)
        oxypy_lease_kill(lease, loop); /* nothing can be waited for */
    over(lease, false, loop);
}

void oxypy_chore_expire(oxypy_lease *lease, oxypy_loop *loop)
{
    oxy_err err;

    if (lease->chore != OXYPY_CHORE_OPEN) {
        lease->polling = lease->polling || lease->working;
        oxypy_lease_kill(lease, loop);
        return;
    }
    /* The limit is each host's own. */
    if (!lease->working && lease->conn != NULL && lease->store->driver->skip_host(lease->conn)) {
        oxypy_wire_unwatch(lease->wire);
        lease->polling = false;
        begin(lease, OXYPY_CHORE_OPEN, lease->store->config.connect_timeout);
        oxypy_chore_step(lease, loop);
        return;
    }
    oxy_err_clear(&err);
    (void)oxy_err_set(&err, OXY_OPERATIONAL, "connecting timed out after %.1f s",
                      (double)lease->store->config.connect_timeout / 1e9);
    lease->polling = false;
    open_over(lease, &err, NULL, loop);
}
