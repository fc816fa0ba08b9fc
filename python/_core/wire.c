/* SPDX-License-Identifier: MIT */
/* Wire: one connection and the socket behind it. Tells a hub when to call, finds
 * out what an event is about, and keeps events away from connections that were
 * closed or moved a moment ago. */
#include "runtime_private.h"

#include <stdlib.h>

/* --- names ------------------------------------------------------------------------- */

/* With the lock held: gives the wire a name that no wire had before. */
static bool name_locked(oxypy_runtime *rt, oxypy_wire *wire)
{
    uint32_t i = 0;

    while (i < rt->n_wires && rt->wires[i].wire != NULL)
        i++;
    if (i == rt->cap_wires) {
        uint32_t cap = rt->cap_wires == 0 ? 16 : rt->cap_wires * 2;
        oxypy_wire_entry *more = realloc(rt->wires, cap * sizeof *more);

        if (more == NULL)
            return false;
        rt->wires = more;
        rt->cap_wires = cap;
    }
    if (i == rt->n_wires) {
        rt->wires[i].generation = 0;
        rt->n_wires++;
    }
    rt->wires[i].wire = wire;
    rt->wires[i].generation++;
    wire->id = (uint64_t)rt->wires[i].generation << 32 | (i + 1);
    return true;
}

static oxypy_wire *find_locked(const oxypy_runtime *rt, uint64_t id)
{
    uint32_t i = (uint32_t)id - 1;

    if (i >= rt->n_wires || rt->wires[i].generation != (uint32_t)(id >> 32))
        return NULL;
    return rt->wires[i].wire;
}

oxypy_wire *oxypy_wire_find(oxypy_runtime *rt, uint64_t id)
{
    oxypy_wire *wire;

    oxypy_lock(rt);
    wire = find_locked(rt, id);
    oxypy_unlock(rt);
    return wire;
}

/* --- life -------------------------------------------------------------------------- */

oxypy_wire *oxypy_wire_new(oxypy_store *store, oxy_slot *slot)
{
    oxypy_wire *wire = calloc(1, sizeof *wire);
    bool named;

    if (wire == NULL)
        return NULL;
    wire->store = store;
    wire->slot = slot;
    wire->fd = -1;
    wire->unsettled = true;
    oxypy_lock(store->runtime);
    named = name_locked(store->runtime, wire);
    oxypy_unlock(store->runtime);
    if (!named) {
        free(wire);
        return NULL;
    }
    return wire;
}

void oxypy_wire_cut(oxypy_wire *wire)
{
    const oxy_driver *driver = wire->store->driver;
    oxy_conn *conn = wire->conn;

    oxypy_wire_unwatch(wire);
    wire->conn = NULL;
    if (conn == NULL)
        return;
    driver->cancel(conn);
    /* A worker may be inside a callback that wants the GIL. */
    Py_BEGIN_ALLOW_THREADS;
    driver->close(conn);
    Py_END_ALLOW_THREADS;
}

void oxypy_wire_close(oxypy_wire *wire)
{
    oxypy_runtime *rt = wire->store->runtime;

    oxypy_wire_cut(wire);
    oxypy_lock(rt);
    rt->wires[(uint32_t)wire->id - 1].wire = NULL;
    oxypy_unlock(rt);
    free(wire);
}

/* --- watching ---------------------------------------------------------------------- */

void oxypy_wire_unwatch(oxypy_wire *wire)
{
    oxypy_runtime *rt = wire->store->runtime;
    oxypy_hub *hub;

    oxypy_lock(rt);
    hub = wire->hub;
    wire->hub = NULL;
    oxypy_unlock(rt);
    if (hub == NULL)
        return;
    /* A descriptor that the client library closed is forgotten, and its number
     * may be another connection's by now. */
    if (wire->store->driver->fd(wire->conn) == wire->fd)
        oxypy_poll_forget(hub->fd_poll, wire->fd);
    wire->fd = -1;
    oxypy_hub_unref(hub);
}

bool oxypy_wire_watch(oxypy_wire *wire, oxypy_hub *hub, oxy_step step)
{
    oxypy_runtime *rt = wire->store->runtime;
    int fd = wire->store->driver->fd(wire->conn);
    bool writing = step == OXY_STEP_WANT_WRITE;

    if (wire->hub == hub && wire->fd == fd && wire->writing == writing && !wire->unsettled)
        return true;
    if (wire->hub != NULL && (wire->hub != hub || wire->fd != fd))
        oxypy_wire_unwatch(wire);
    if (fd < 0)
        return false;
    if (wire->hub == NULL) {
        oxypy_lock(rt);
        hub->refs++;
        wire->hub = hub;
        oxypy_unlock(rt);
    }
    wire->fd = fd;
    wire->writing = writing;
    if (oxypy_poll_watch(hub->fd_poll, fd, wire->id, writing) == 0)
        return true;
    oxypy_wire_unwatch(wire);
    return false;
}

bool oxypy_wire_take(oxypy_wire *wire, const oxypy_loop *loop)
{
    const oxy_driver *driver = wire->store->driver;

    if (wire->conn == NULL)
        return false;
    if (!oxypy_has_socket(driver))
        return true;
    if (wire->hub != NULL && wire->hub != loop->hub)
        oxypy_wire_unwatch(wire);
    else if (wire->hub != NULL && oxy_clock_now() - wire->rested < OXYPY_TRUSTED)
        return true;
    return driver->alive(wire->conn);
}

void oxypy_wire_rest(oxypy_wire *wire, const oxypy_loop *loop, oxy_ns now)
{
    oxypy_hub *hub = wire->hub != NULL ? wire->hub : loop != NULL ? loop->hub : NULL;

    wire->rested = now;
    /* Unwatched it is looked at before its next use. */
    if (hub != NULL && wire->conn != NULL && oxypy_has_socket(wire->store->driver))
        (void)oxypy_wire_watch(wire, hub, OXY_STEP_WANT_READ);
}

void oxypy_wire_orphan(oxypy_runtime *rt, const oxypy_hub *hub, const oxypy_loop *heir)
{
    for (uint32_t i = 0; i < rt->n_wires; i++) {
        oxypy_wire *wire = rt->wires[i].wire;

        /* Unwatched, if the system refuses: it is looked at before its next use. */
        if (wire != NULL && wire->hub == hub && wire->first == NULL && wire->conn != NULL)
            (void)oxypy_wire_watch(wire, heir->hub, OXY_STEP_WANT_READ);
    }
}

/* --- events ------------------------------------------------------------------------ */

/* With the lock held. An idle connection has something to say: that it is going,
 * or a notice. True: the pool has to act. */
static bool idle_event_locked(oxypy_wire *wire)
{
    const oxypy_store *store = wire->store;

    if (store->driver->alive(wire->conn))
        return false;
    if (wire->slot == NULL || oxy_slot_holders(wire->slot) > 0)
        return false; /* granted a moment ago: who got it finds out */
    oxy_pool_lost(store->pool, wire->slot, oxy_clock_now());
    return true;
}

/* What comes while nobody waits for an answer. */
static void stray_event(oxypy_wire *wire, const oxypy_lease *lease)
{
    const oxy_driver *driver = wire->store->driver;

    /* Watched again when somebody waits; until then it would only keep the loop busy. */
    if (lease->working || driver->status(wire->conn) == OXY_CONN_ACTIVE || !driver->alive(wire->conn) ||
        (wire->writing && !oxypy_wire_watch(wire, wire->hub, OXY_STEP_WANT_READ)))
        oxypy_wire_unwatch(wire);
}

void oxypy_wire_event(oxypy_runtime *rt, uint64_t id, oxypy_loop *loop)
{
    oxypy_wire *wire;
    oxypy_lease *lease;
    oxypy_store *store = NULL;
    oxy_step step;

    oxypy_lock(rt);
    wire = find_locked(rt, id);
    if (wire == NULL || wire->hub != loop->hub) {
        oxypy_unlock(rt);
        return;
    }
    lease = wire->first;
    if (lease == NULL && idle_event_locked(wire)) {
        store = wire->store;
        store->refs++;
    }
    oxypy_unlock(rt);
    if (store != NULL) {
        oxypy_store_act(store, loop);
        oxypy_store_unref(store);
    }
    if (lease == NULL)
        return;
    if (!lease->polling) {
        stray_event(wire, lease);
        return;
    }
    step = wire->store->driver->pump(wire->conn);
    if (step == OXY_STEP_WANT_READ || step == OXY_STEP_WANT_WRITE) {
        if (!oxypy_wire_watch(wire, loop->hub, step))
            oxypy_lease_kill(lease, loop);
        return;
    }
    if (wire->n_flight > 0)
        oxypy_together_answered(wire);
    lease->polling = false;
    oxypy_lease_ready(lease, loop);
}
