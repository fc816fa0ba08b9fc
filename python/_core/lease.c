/* SPDX-License-Identifier: MIT */
/* Lease: one use of a connection. While an operation or a session holds it, this
 * file only keeps it and waits for its answers; when nobody does, chore.c brings
 * the connection home. */
#include "runtime_private.h"
#include "spare.h"

#include <stdlib.h>
#include <string.h>

/* Leases kept for reuse; a statement needs one for moments. */
#define SPARE_MAX (OXYPY_KEEPS_SPARE ? 32u : 0u)
#define RETRY_CANCEL (50 * OXY_NS_PER_MS)

static void lease_fire(oxypy_wait *w, oxypy_loop *loop);

/* --- memory ----------------------------------------------------------------------- */

static oxypy_lease *make_locked(oxypy_store *store, oxy_slot *slot, oxy_ns now)
{
    oxypy_runtime *rt = store->runtime;
    oxypy_lease *lease = rt->spare;

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
        lease->since = now;
        lease->cancel_at = lease->deadline = OXY_NS_NEVER;
        lease->prev = store->last_lease;
        if (lease->prev != NULL)
            lease->prev->next = lease;
        else
            store->leases = lease;
        store->last_lease = lease;
        oxy_slot_set_holder(slot, lease, lease->since);
    }
    return lease;
}

oxypy_lease *oxypy_lease_make(oxypy_store *store, oxy_slot *slot, oxy_ns now)
{
    oxypy_lease *lease;

    oxypy_lock(store->runtime);
    lease = make_locked(store, slot, now);
    oxypy_unlock(store->runtime);
    return lease;
}

static void join_locked(oxypy_lease *lease)
{
    oxypy_wire *wire = lease->wire;

    lease->behind = NULL;
    if (wire->last != NULL)
        wire->last->behind = lease;
    else
        wire->first = lease;
    wire->last = lease;
    lease->joined = true;
}

oxypy_lease *oxypy_lease_new(oxypy_store *store, oxy_slot *slot, bool shared, oxy_ns now)
{
    oxypy_lease *lease;

    oxypy_lock(store->runtime);
    lease = make_locked(store, slot, now);
    if (lease != NULL) {
        lease->wire = oxy_slot_conn(slot);
        lease->conn = lease->wire->conn;
        lease->shared = shared;
        if (!shared)
            join_locked(lease);
    }
    oxypy_unlock(store->runtime);
    if (lease == NULL)
        PyErr_NoMemory();
    return lease;
}

/* What a lease leaves behind, to be let go of without the lock. */
typedef struct remains {
    oxypy_lease *memory; /* NULL: kept for the next one */
    oxypy_store *store;
    PyObject *task, *sql, *keep;
} remains;

/* The lease waits for nothing. */
static remains unlist_locked(oxypy_lease *lease)
{
    oxypy_store *store = lease->store;
    oxypy_runtime *rt = store->runtime;
    remains left = {NULL, store, lease->task, lease->sql, lease->keep};

    if (lease->prev != NULL)
        lease->prev->next = lease->next;
    else
        store->leases = lease->next;
    if (lease->next != NULL)
        lease->next->prev = lease->prev;
    else
        store->last_lease = lease->prev;
    if (rt->n_spare < SPARE_MAX) {
        lease->next = rt->spare;
        rt->spare = lease;
        rt->n_spare++;
    } else {
        left.memory = lease;
    }
    return left;
}

static void let_go(remains left)
{
    free(left.memory);
    oxypy_store_unref(left.store);
    Py_XDECREF(left.task);
    Py_XDECREF(left.sql);
    Py_XDECREF(left.keep);
}

void oxypy_lease_free(oxypy_lease *lease)
{
    oxypy_runtime *rt = lease->store->runtime;
    remains left;

    if (!lease->store->foreign)
        oxypy_wait_disarm(&lease->wait);
    oxypy_lock(rt);
    left = unlist_locked(lease);
    oxypy_unlock(rt);
    let_go(left);
}

void oxypy_lease_settled(oxypy_lease *lease, oxypy_loop *loop)
{
    oxypy_store *store = lease->store;
    bool quiet = oxypy_store_is_quiet(store, loop);
    remains left = unlist_locked(lease);

    oxypy_unlock(store->runtime);
    if (!quiet)
        oxypy_store_act(store, loop);
    let_go(left);
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

/* --- several on one wire -------------------------------------------------------------- */

void oxypy_lease_join(oxypy_lease *lease)
{
    oxypy_lock(lease->store->runtime);
    join_locked(lease);
    oxypy_unlock(lease->store->runtime);
}

/* Whether it was the first. */
static bool part_locked(oxypy_lease *lease)
{
    oxypy_wire *wire = lease->wire;
    oxypy_lease **p, *previous = NULL;

    for (p = &wire->first; *p != lease; p = &(*p)->behind)
        previous = *p;
    *p = lease->behind;
    if (wire->last == lease)
        wire->last = previous;
    lease->joined = false;
    return previous == NULL;
}

void oxypy_lease_part(oxypy_lease *lease, oxypy_loop *loop)
{
    oxypy_wire *wire = lease->wire;
    oxypy_runtime *rt = lease->store->runtime;
    oxypy_lease *next;
    bool was_first;

    if (!lease->joined)
        return;
    oxypy_lock(rt);
    was_first = part_locked(lease);
    next = wire->first;
    oxypy_unlock(rt);
    if (!was_first || next == NULL || !next->polling)
        return;
    /* Its answer may be here already. */
    if (wire->conn != NULL) {
        oxy_step step = wire->store->driver->pump(wire->conn);

        if ((step == OXY_STEP_WANT_READ || step == OXY_STEP_WANT_WRITE) && wire->hub != NULL &&
            oxypy_wire_watch(wire, wire->hub, step))
            return;
    }
    next->polling = false;
    oxypy_lease_ready(next, loop);
}

/* --- waiting -------------------------------------------------------------------------- */

/* The hub that is told, counted; NULL: no loop lives. */
static oxypy_hub *hub_for(const oxypy_lease *lease, const oxypy_loop *loop)
{
    oxypy_runtime *rt = lease->store->runtime;

    if (loop == NULL)
        return oxypy_hub_any(rt);
    oxypy_lock(rt);
    loop->hub->refs++;
    oxypy_unlock(rt);
    return loop->hub;
}

static oxy_ns next_limit(const oxypy_lease *lease)
{
    return lease->cancel_at < lease->deadline ? lease->cancel_at : lease->deadline;
}

/* Runs Python code, after which the lease may be over. */
static void set_timer(oxy_ns at, oxypy_hub *hub, oxypy_loop *loop)
{
    if (at == OXY_NS_NEVER)
        return;
    if (loop == NULL)
        oxypy_hub_wake_at(hub, at);
    else if (oxypy_loop_wake_at(loop, at) < 0)
        PyErr_WriteUnraisable((PyObject *)loop);
}

int oxypy_lease_offload(oxypy_lease *lease, oxypy_loop *loop, PyObject *keep)
{
    oxypy_hub *hub = hub_for(lease, loop);
    bool kept = lease->keep == NULL && keep != NULL;
    oxy_ns at = next_limit(lease);

    if (hub == NULL)
        return -1;
    oxypy_wait_arm(&lease->wait, hub);
    lease->working = true;
    if (kept)
        lease->keep = Py_NewRef(keep);
    if (lease->store->driver->offload(lease->conn, oxypy_wake, &lease->wait) != OXY_OK) {
        oxypy_wait_disarm(&lease->wait);
        lease->working = false;
        if (kept)
            Py_CLEAR(lease->keep);
        oxypy_hub_unref(hub);
        return -1;
    }
    set_timer(at, hub, loop);
    oxypy_hub_unref(hub);
    return 0;
}

int oxypy_lease_poll(oxypy_lease *lease, oxypy_loop *loop, oxy_step step)
{
    oxypy_hub *hub = hub_for(lease, loop);
    bool polling;

    if (hub == NULL)
        return -1;
    polling = oxypy_wire_watch(lease->wire, hub, step);
    lease->polling = polling;
    if (polling)
        set_timer(next_limit(lease), hub, loop);
    oxypy_hub_unref(hub);
    return polling ? 0 : -1;
}

void oxypy_lease_ready(oxypy_lease *lease, oxypy_loop *loop)
{
    if (lease->op != NULL)
        oxypy_operation_wake(lease->op, loop);
    else if (lease->chore != OXYPY_CHORE_NONE)
        oxypy_chore_step(lease, loop);
}

/* The worker's report. */
static void lease_fire(oxypy_wait *w, oxypy_loop *loop)
{
    oxypy_lease *lease = (oxypy_lease *)(void *)((char *)w - offsetof(oxypy_lease, wait));
    PyObject *keep = NULL;

    lease->working = false;
    if (lease->op != NULL || lease->chore != OXYPY_CHORE_NONE) {
        if (lease->op != NULL) {
            keep = lease->keep;
            lease->keep = NULL;
        }
        oxypy_lease_ready(lease, loop);
        Py_XDECREF(keep);
        return;
    }
    if (lease->stepping)
        return; /* nobody's, but somebody is about to release it */
    keep = lease->keep;
    lease->keep = NULL;
    if (lease->session != NULL) {
        lease->store->driver->finish(lease->conn);
        oxypy_session_settled(lease->session);
    } else {
        oxypy_lease_clean(lease, loop, NULL);
    }
    Py_XDECREF(keep);
}

/* --- the end of patience ---------------------------------------------------------------- */

void oxypy_lease_kill(oxypy_lease *lease, oxypy_loop *loop)
{
    oxypy_runtime *rt = lease->store->runtime;
    oxypy_wire *wire = lease->wire;
    const uint64_t id = wire->id;
    oxypy_lease *l;

    for (l = wire->first; l != NULL; l = l->behind)
        l->conn = NULL;
    lease->conn = NULL;
    oxypy_wire_cut(wire);
    /* That gave up the GIL: another thread may have dropped who was on the wire. */
    if (oxypy_wire_find(rt, id) == NULL)
        return;
    for (l = wire->first; l != NULL; l = l->behind) {
        /* No report comes any more: the connection is closed. */
        if (l->working) {
            oxypy_wait_disarm(&l->wait);
            l->working = false;
            l->polling = true;
        }
    }
    /* Waking one may take others off the list, and the last of them the wire. */
    while (oxypy_wire_find(rt, id) != NULL) {
        for (l = wire->first; l != NULL && !l->polling; l = l->behind)
            ;
        if (l == NULL)
            return;
        l->polling = false;
        if (l->behind == NULL && l == wire->first) {
            oxypy_lease_ready(l, loop); /* may free the wire */
            return;
        }
        oxypy_lease_ready(l, loop);
    }
}

static const oxypy_hub *hub_of(const oxypy_lease *lease)
{
    if (lease->working)
        return lease->wait.hub;
    return lease->wire == NULL ? NULL : lease->wire->hub;
}

oxy_ns oxypy_lease_tick(oxypy_store *store, oxypy_loop *loop)
{
    oxypy_runtime *rt = store->runtime;
    oxy_ns now = oxy_clock_now(), earliest;
    oxypy_lease *lease;

    for (;;) {
        earliest = OXY_NS_NEVER;
        oxypy_lock(rt);
        for (lease = store->leases; lease != NULL; lease = lease->next) {
            oxy_ns at = next_limit(lease);

            if (at == OXY_NS_NEVER || !(lease->working || lease->polling || lease->paused != NULL) ||
                hub_of(lease) != loop->hub)
                continue;
            if (at <= now)
                break;
            if (at < earliest)
                earliest = at;
        }
        oxypy_unlock(rt);
        if (lease == NULL)
            return earliest;
        if (lease->paused != NULL) {
            lease->cancel_at = OXY_NS_NEVER;
            oxypy_stream_make_room(lease->paused); /* its rows have waited too long */
        } else if (lease->deadline <= now) {
            lease->cancel_at = lease->deadline = OXY_NS_NEVER;
            if (lease->chore != OXYPY_CHORE_NONE)
                oxypy_chore_expire(lease, loop);
            else
                oxypy_lease_kill(lease, loop);
        } else if (lease->wire->first != lease) {
            lease->cancel_at = now + RETRY_CANCEL; /* a cancel would hit who is before it */
        } else {
            lease->cancel_at = OXY_NS_NEVER;
            lease->canceled = true;
            store->driver->cancel(lease->conn);
        }
    }
}

/* The next lease that the loop behind hub had, after those that were seen to. */
static oxypy_lease *next_orphan(oxypy_store *store, const oxypy_hub *hub)
{
    oxypy_lease *lease;

    oxypy_lock(store->runtime);
    for (lease = store->leases; lease != NULL; lease = lease->next)
        if (lease->wire != NULL && lease->wire->hub == hub && !lease->working)
            break;
    oxypy_unlock(store->runtime);
    return lease;
}

/* Whether an operation or a stream of the hub's has the lease, by itself. */
static bool is_left_behind(const oxypy_lease *lease, const oxypy_hub *hub)
{
    const oxypy_operation *op = lease->op != NULL && !lease->working ? lease->op : lease->paused;

    return lease->session == NULL && op != NULL && op->loop != NULL && op->loop->hub == hub;
}

static oxypy_lease *next_left_behind(oxypy_store *store, const oxypy_hub *hub)
{
    oxypy_lease *lease;

    oxypy_lock(store->runtime);
    for (lease = store->leases; lease != NULL && !is_left_behind(lease, hub); lease = lease->next)
        ;
    oxypy_unlock(store->runtime);
    return lease;
}

/* Those who have leases and never will go on, since somebody keeps their tasks. Each is looked for from
 * the start: letting go may run Python code, and free leases. most: how many there can be. */
static void end_left_behind(oxypy_store *store, const oxypy_hub *hub, oxypy_loop *heir, size_t most)
{
    oxypy_lease *lease;

    while (most-- > 0 && (lease = next_left_behind(store, hub)) != NULL) {
        if (lease->op != NULL && !lease->working)
            oxypy_operation_wake(lease->op, heir);
        else
            oxypy_stream_cut(lease->paused);
    }
}

/* Sessions that have leases, each counted, at most so many; how many. */
static size_t take_sessions(oxypy_store *store, oxypy_session **sessions, size_t most)
{
    const oxypy_lease *lease;
    size_t n = 0;

    oxypy_lock(store->runtime);
    for (lease = store->leases; lease != NULL && n < most; lease = lease->next)
        if (lease->session != NULL && Py_REFCNT((PyObject *)lease->session) > 0)
            sessions[n++] = (oxypy_session *)Py_NewRef((PyObject *)lease->session);
    oxypy_unlock(store->runtime);
    return n;
}

/* Asks Python whether the session's task will ever go on. */
static void end_if_stranded(oxypy_session *session, oxypy_loop *heir)
{
    PyObject *task =
        session->lease == NULL || session->lease->task == NULL ? NULL : oxypy_weak_get(session->lease->task);
    bool stranded = task != NULL && oxypy_task_is_stranded(task);

    Py_XDECREF(task);
    if (!stranded || session->lease == NULL)
        return;
    if (session->running != NULL)
        oxypy_operation_wake(session->running, heir);
    oxypy_session_evict(session, heir, NULL);
}

static void end_stranded(oxypy_store *store, const oxypy_hub *hub, oxypy_loop *heir)
{
    oxypy_holders h = oxypy_store_holders(store);
    oxypy_session **sessions = malloc((h.n + 1) * sizeof *sessions);
    size_t n;

    free(h.list);
    end_left_behind(store, hub, heir, h.n);
    n = sessions == NULL ? 0 : take_sessions(store, sessions, h.n);
    for (size_t i = 0; i < n; i++) {
        end_if_stranded(sessions[i], heir);
        Py_DECREF((PyObject *)sessions[i]);
    }
    free(sessions);
}

void oxypy_lease_orphan(oxypy_store *store, const oxypy_hub *hub, oxypy_loop *heir)
{
    oxypy_holders h = oxypy_store_holders(store);
    oxypy_lease *lease;

    for (size_t i = 0; i < h.n; i++)
        if (h.list[i]->working && h.list[i]->wait.hub == hub && h.list[i]->conn != NULL)
            store->driver->cancel(h.list[i]->conn);
    free(h.list);
    while ((lease = next_orphan(store, hub)) != NULL) {
        if (lease->preparing) {
            oxypy_lease_kill(lease, heir);
            oxypy_chore_init_lost(lease, heir);
        } else if (lease->chore != OXYPY_CHORE_NONE && lease->session == NULL && lease->polling) {
            /* Nobody's: the heir goes on. Writable soon, so it looks by itself. */
            if (oxypy_lease_poll(lease, heir, OXY_STEP_WANT_WRITE) < 0)
                oxypy_chore_expire(lease, heir);
        } else {
            oxypy_lease_kill(lease, heir);
        }
    }
    end_stranded(store, hub, heir);
}

/* --- the way home -------------------------------------------------------------------------- */

static bool wants_reset(const oxypy_lease *lease)
{
    const oxypy_store *store = lease->store;

    if (store->config.memory || store->config.reset == OXYPY_RESET_OFF)
        return false;
    if (store->config.reset == OXYPY_RESET_FULL && lease->raw)
        return true;
    return store->driver->tainted(lease->conn);
}

/* Others go on using the connection. */
static void give_back_shared(oxypy_lease *lease, oxypy_loop *loop, oxy_ns now)
{
    oxypy_store *store = lease->store;
    bool reuse = oxypy_lease_status(lease) != OXY_CONN_BROKEN && lease->wire->conn != NULL && !lease->discard;

    oxypy_lease_part(lease, loop);
    if (reuse && lease->wire->first == NULL)
        oxypy_wire_rest(lease->wire, loop, now);
    oxypy_wait_disarm(&lease->wait);
    oxypy_lock(store->runtime);
    oxy_pool_release(store->pool, lease->slot, reuse ? OXY_FATE_REUSE : OXY_FATE_CLOSE, now);
    oxypy_lease_settled(lease, loop);
}

/* A connection that is in the process itself: the lease is alone on it, and mostly
 * nobody is to be told. So one hold of the lock does for all. */
static void give_back_local(oxypy_lease *lease, oxypy_loop *loop, bool reuse, oxy_ns now)
{
    oxypy_store *store = lease->store;

    oxypy_wait_disarm(&lease->wait);
    oxypy_lock(store->runtime);
    if (lease->joined)
        (void)part_locked(lease);
    if (reuse)
        lease->wire->rested = now;
    oxy_slot_set_holder(lease->slot, NULL, 0);
    oxy_pool_release(store->pool, lease->slot, reuse ? OXY_FATE_REUSE : OXY_FATE_CLOSE, now);
    oxypy_lease_settled(lease, loop);
}

void oxypy_lease_give_back(oxypy_lease *lease, oxypy_loop *loop, oxy_ns now)
{
    oxypy_store *store = lease->store;
    bool idle = oxypy_lease_status(lease) == OXY_CONN_IDLE;
    bool reuse = idle && (store->config.memory || !lease->discard);

    if (lease->shared) {
        give_back_shared(lease, loop, now);
        return;
    }
    if (reuse && wants_reset(lease)) {
        if (oxypy_chore_reset(lease, loop))
            return;
        reuse = false;
    }
    if (!oxypy_has_socket(store->driver)) {
        give_back_local(lease, loop, reuse, now);
        return;
    }
    oxypy_lease_part(lease, loop);
    if (reuse)
        oxypy_wire_rest(lease->wire, loop, now);
    oxypy_wait_disarm(&lease->wait);
    oxypy_lock(store->runtime);
    oxy_slot_set_holder(lease->slot, NULL, 0);
    oxy_pool_release(store->pool, lease->slot, reuse ? OXY_FATE_REUSE : OXY_FATE_CLOSE, now);
    oxypy_lease_settled(lease, loop);
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

/* The connection is nobody else's and no worker has it. */
void oxypy_lease_clean(oxypy_lease *lease, oxypy_loop *loop, PyObject *keep)
{
    const oxy_driver *driver = lease->store->driver;
    oxy_conn_status status = oxypy_lease_status(lease);
    bool socket = oxypy_has_socket(driver);

    if (status == OXY_CONN_ACTIVE) {
        if (!socket) {
            driver->finish(lease->conn);
            status = oxypy_lease_status(lease);
        } else if (loop != NULL && !lease->discard && lease->joined) {
            oxypy_chore_drain(lease, loop, keep);
            return;
        } else if (lease->shared && lease->joined) {
            /* Nobody is left to read its answer, which the next one would take for its own. Who
             * shares the connection does so on the same loop. */
            oxypy_lease_kill(lease, loop);
        }
    }
    /* What is closed anyway is rolled back by the server. */
    if ((status == OXY_CONN_INTRANS || status == OXY_CONN_INERROR) && !(socket && (loop == NULL || lease->discard)) &&
        oxypy_chore_roll_back(lease, loop))
        return;
    oxypy_lease_give_back(lease, loop, oxy_clock_now());
}

static void release(oxypy_lease *lease, oxypy_loop *loop, bool reuse, PyObject *keep, oxy_ns now)
{
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    oxy_conn_status status;

    lease->op = NULL;
    lease->session = NULL;
    lease->discard = lease->discard || !reuse;
    if (lease->store->foreign) {
        if (!lease->working)
            oxypy_lease_free(lease);
        return;
    }
    if (lease->chore != OXYPY_CHORE_NONE || lease->preparing || lease->stepping)
        return; /* it goes on without its session */
    if (lease->working && !oxypy_has_socket(lease->store->driver)) {
        lease->store->driver->cancel(lease->conn);
        return;
    }
    status = oxypy_lease_status(lease);
    if (status != OXY_CONN_IDLE && oxypy_has_socket(lease->store->driver))
        loop = oxypy_loop_if_open(loop); /* nobody waits on a closed one */
    if (status == OXY_CONN_IDLE && !PyErr_Occurred()) {
        oxypy_lease_give_back(lease, loop, now != 0 ? now : oxy_clock_now());
        return;
    }
    PyErr_Fetch(&type, &value, &traceback);
    if ((status == OXY_CONN_INTRANS || status == OXY_CONN_INERROR) && !lease->shared)
        log_rollback(lease);
    oxypy_lease_clean(lease, loop, keep);
    PyErr_Restore(type, value, traceback);
}

void oxypy_lease_release(oxypy_lease *lease, oxypy_loop *loop, bool reuse, PyObject *keep)
{
    release(lease, loop, reuse, keep, 0);
}

void oxypy_lease_done(oxypy_lease *lease, oxypy_loop *loop, oxy_ns now)
{
    release(lease, loop, true, NULL, now);
}
