/* SPDX-License-Identifier: MIT */
/* Lease: one connection out of the pool. While an operation or a session holds
 * it, this file only keeps it; when nobody does, this file brings it home:
 * it opens connections, waits for cancelled statements, rolls back, resets. */
#include "runtime_private.h"

#include <stdlib.h>
#include <string.h>

/* Leases kept for reuse; a statement needs one for moments. */
#define SPARE_MAX 32

static void lease_fire(oxypy_wait *w, oxypy_loop *loop);

/* --- memory ----------------------------------------------------------------------- */

static oxypy_lease *lease_make(oxypy_store *store, oxy_slot *slot)
{
    oxypy_runtime *rt = store->runtime;
    oxypy_lease *lease;

    oxypy_lock(rt);
    lease = rt->spare;
    if (lease != NULL) {
        rt->spare = lease->next;
        rt->n_spare--;
        memset(lease, 0, sizeof *lease);
    } else {
        lease = calloc(1, sizeof *lease);
    }
    if (lease != NULL) {
        store->refs++;
        lease->store = store;
        lease->slot = slot;
        lease->wait.fire = lease_fire;
        lease->since = oxy_clock_now();
        oxy_slot_set_holder(slot, lease, lease->since);
    }
    oxypy_unlock(rt);
    if (lease == NULL)
        PyErr_NoMemory();
    return lease;
}

oxypy_lease *oxypy_lease_new(oxypy_store *store, oxy_slot *slot)
{
    oxypy_lease *lease = lease_make(store, slot);

    if (lease != NULL)
        lease->conn = oxy_slot_conn(slot);
    return lease;
}

void oxypy_lease_free(oxypy_lease *lease)
{
    oxypy_store *store = lease->store;
    oxypy_runtime *rt = store->runtime;
    PyObject *task = lease->task, *sql = lease->sql;

    oxypy_lock(rt);
    if (rt->n_spare < SPARE_MAX) {
        lease->next = rt->spare;
        rt->spare = lease;
        rt->n_spare++;
        lease = NULL;
    }
    oxypy_unlock(rt);
    free(lease);
    oxypy_store_unref(store);
    Py_XDECREF(task);
    Py_XDECREF(sql);
}

/* Weak: the task's frames may own the session that owns the lease. */
void oxypy_lease_set_holder(oxypy_lease *lease, PyObject *task, PyObject *sql)
{
    PyObject *ref = task == NULL || task == Py_None ? NULL : PyWeakref_NewRef(task, NULL);

    if (ref == NULL)
        PyErr_Clear(); /* a task without a name in messages */
    Py_XSETREF(lease->task, ref);
    Py_XSETREF(lease->sql, Py_XNewRef(sql));
}

oxy_conn_status oxypy_lease_status(const oxypy_lease *lease)
{
    return lease->conn == NULL ? OXY_CONN_BROKEN : lease->store->driver->status(lease->conn);
}

/* --- worker ------------------------------------------------------------------------- */

int oxypy_lease_offload(oxypy_lease *lease, oxypy_loop *loop, PyObject *keep)
{
    oxypy_hub *hub = NULL;

    if (loop == NULL) {
        hub = oxypy_hub_any(lease->store->runtime);
        if (hub == NULL)
            return -1;
    }
    oxypy_wait_arm(&lease->wait, loop == NULL ? hub : loop->hub);
    if (hub != NULL)
        oxypy_hub_unref(hub);
    lease->working = true;
    lease->keep = Py_XNewRef(keep);
    if (lease->store->driver->offload(lease->conn, oxypy_wake, &lease->wait) != OXY_OK) {
        oxypy_wait_disarm(&lease->wait);
        lease->working = false;
        Py_CLEAR(lease->keep);
        return -1;
    }
    return 0;
}

/* --- opening ------------------------------------------------------------------------ */

/* With the lock given up before and after: the connection is there, or not. */
static void open_over(oxypy_lease *lease, const oxy_err *err, oxypy_loop *loop)
{
    oxypy_store *store = lease->store;
    oxypy_runtime *rt = store->runtime;
    oxy_conn *conn = lease->conn;
    oxy_err copy;

    if (err != NULL) {
        copy = *err;
        if (conn != NULL)
            oxypy_store_close_conn(store, conn);
    }
    oxypy_lock(rt);
    oxy_slot_set_holder(lease->slot, NULL, 0);
    if (err == NULL)
        oxy_pool_connected(store->pool, lease->slot, conn, oxy_clock_now());
    else
        oxy_pool_connect_failed(store->pool, lease->slot, &copy, false, oxy_clock_now());
    store->opening--;
    if (store->opening == 0 && store->on_change != NULL)
        oxypy_wait_ready_locked(store->on_change, NULL);
    oxypy_unlock(rt);
    oxypy_store_act(store, loop);
    oxypy_lease_free(lease);
}

static void open_step(oxypy_lease *lease, oxypy_loop *loop)
{
    oxy_err err;
    oxy_step s = lease->store->driver->step(lease->conn);

    switch (s) {
    case OXY_STEP_DONE: open_over(lease, NULL, loop); return;
    case OXY_STEP_WANT_WORKER:
        if (oxypy_lease_offload(lease, loop, NULL) == 0)
            return;
        oxy_err_clear(&err);
        (void)oxy_err_set(&err, OXY_OPERATIONAL, "no worker could be started to open the connection");
        open_over(lease, &err, loop);
        return;
    case OXY_STEP_FAILED: open_over(lease, &lease->conn->err, loop); return;
    case OXY_STEP_ROW:
    case OXY_STEP_TURN:
    case OXY_STEP_WANT_READ:
    case OXY_STEP_WANT_WRITE: break;
    }
    oxy_err_clear(&err);
    (void)oxy_err_set(&err, OXY_INTERNAL, "the driver answered out of turn while connecting");
    open_over(lease, &err, loop);
}

void oxypy_lease_open(oxypy_store *store, oxy_slot *slot, oxy_want role, oxypy_loop *loop)
{
    static const char *const roles[] = {
        [OXY_WANT_ANY] = "both", [OXY_WANT_READER] = "reader", [OXY_WANT_WRITER] = "writer"};
    oxypy_lease *lease = lease_make(store, slot);
    uint32_t n = store->config.n_settings;
    oxy_setting *settings = malloc((n + 1) * sizeof *settings);
    oxy_open what = {
        .statement_cache = store->config.statement_cache, .regexp = oxypy_regexp_search, .regexp_ctx = store->regexp};
    oxy_err err;

    oxy_err_clear(&err);
    if (lease == NULL || settings == NULL) {
        PyErr_Clear();
        free(settings);
        (void)oxy_err_set(&err, OXY_NOMEM, "out of memory");
        if (lease != NULL)
            goto failed;
        oxypy_lock(store->runtime);
        oxy_pool_connect_failed(store->pool, slot, &err, false, oxy_clock_now());
        oxypy_unlock(store->runtime);
        return;
    }
    if (n > 0)
        memcpy(settings, store->config.settings, n * sizeof *settings);
    settings[n].name = OXY_SV("role");
    settings[n].value = oxy_sv_of(store->config.pool.max == 1 ? "both" : roles[role]);
    what.settings = settings;
    what.n_settings = n + 1;
    lease->opening = true;
    oxypy_lock(store->runtime);
    store->opening++;
    oxypy_unlock(store->runtime);
    if (store->driver->open(&what, oxy_alloc_default(), &lease->conn, &err) == OXY_OK) {
        free(settings);
        open_step(lease, loop);
        return;
    }
    free(settings);
    lease->conn = NULL;
    open_over(lease, &err, loop);
    return;
failed:
    oxypy_lock(store->runtime);
    store->opening++;
    oxypy_unlock(store->runtime);
    open_over(lease, &err, loop);
}

/* --- cleaning ------------------------------------------------------------------------- */

static bool wants_reset(const oxypy_lease *lease)
{
    const oxypy_store *store = lease->store;

    if (store->config.memory || store->config.reset == OXYPY_RESET_OFF)
        return false;
    if (store->config.reset == OXYPY_RESET_FULL && lease->raw)
        return true;
    return store->driver->tainted(lease->conn);
}

static void give_back(oxypy_lease *lease, oxypy_loop *loop)
{
    oxypy_store *store = lease->store;
    bool idle = oxypy_lease_status(lease) == OXY_CONN_IDLE;
    bool reuse = idle && (store->config.memory || !lease->discard) && !wants_reset(lease);

    oxypy_lock(store->runtime);
    oxy_slot_set_holder(lease->slot, NULL, 0);
    oxy_pool_release(store->pool, lease->slot, reuse ? OXY_FATE_REUSE : OXY_FATE_CLOSE, oxy_clock_now());
    oxypy_unlock(store->runtime);
    oxypy_store_act(store, loop);
    oxypy_lease_free(lease);
}

static void log_rollback(const oxypy_lease *lease)
{
    PyObject *message;

    if (oxypy_is_finalizing())
        return;
    message = PyUnicode_FromFormat("connection of %R came back inside a transaction, which was rolled back",
                                   lease->store->alias);
    if (message == NULL)
        PyErr_Clear();
    oxypy_log_pool(lease->store->st, "warning", message);
}

/* Runs ROLLBACK as far as it goes; true when the worker has it now. */
static bool roll_back(oxypy_lease *lease, oxypy_loop *loop)
{
    const oxy_driver *driver = lease->store->driver;
    oxy_request request = {.sql = OXY_SV("ROLLBACK"), .flags = OXY_REQ_WRITE, .deadline = OXY_NS_NEVER};
    oxy_step s;

    if (!lease->rolling_back) {
        lease->rolling_back = true;
        if (driver->start(lease->conn, &request) != OXY_OK)
            return false;
    }
    do
        s = driver->step(lease->conn);
    while (s == OXY_STEP_ROW);
    return s == OXY_STEP_WANT_WORKER && oxypy_lease_offload(lease, loop, NULL) == 0;
}

/* The connection is ours alone and no worker has it. */
static void clean(oxypy_lease *lease, oxypy_loop *loop)
{
    const oxy_driver *driver = lease->store->driver;
    oxy_conn_status status = oxypy_lease_status(lease);

    if (status == OXY_CONN_ACTIVE && !lease->rolling_back) {
        driver->finish(lease->conn);
        status = oxypy_lease_status(lease);
    }
    if (status == OXY_CONN_INTRANS || status == OXY_CONN_INERROR ||
        (lease->rolling_back && status == OXY_CONN_ACTIVE)) {
        if (roll_back(lease, loop))
            return;
    }
    give_back(lease, loop);
}

void oxypy_lease_release(oxypy_lease *lease, oxypy_loop *loop, bool reuse)
{
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    oxy_conn_status status;

    lease->op = NULL;
    lease->session = NULL;
    lease->discard = lease->discard || !reuse;
    if (lease->working) {
        lease->store->driver->cancel(lease->conn);
        return;
    }
    if (lease->store->foreign) {
        oxypy_lease_free(lease);
        return;
    }
    status = oxypy_lease_status(lease);
    if (status == OXY_CONN_IDLE && !PyErr_Occurred()) {
        give_back(lease, loop);
        return;
    }
    PyErr_Fetch(&type, &value, &traceback);
    if (status == OXY_CONN_INTRANS || status == OXY_CONN_INERROR)
        log_rollback(lease);
    clean(lease, loop);
    PyErr_Restore(type, value, traceback);
}

/* --- the worker's report ------------------------------------------------------------------ */

static void lease_fire(oxypy_wait *w, oxypy_loop *loop)
{
    oxypy_lease *lease = (oxypy_lease *)(void *)((char *)w - offsetof(oxypy_lease, wait));
    PyObject *keep = lease->keep;

    lease->working = false;
    lease->keep = NULL;
    if (lease->opening) {
        open_step(lease, loop);
    } else if (lease->op != NULL) {
        oxypy_operation_wake(lease->op, loop);
    } else if (lease->session != NULL) {
        lease->store->driver->finish(lease->conn);
        oxypy_session_settled(lease->session);
    } else {
        clean(lease, loop);
    }
    Py_XDECREF(keep);
}
