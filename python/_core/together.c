/* SPDX-License-Identifier: MIT */
/* Reads by key that gather() begins in one turn of the loop: they go to one connection,
 * as many as it takes, and leave it in few packets. Spread over all connections they
 * would cost a packet, a wake-up of another process and a transaction each, which
 * together is far more than the read; and one session of the server reads rows by key
 * faster than one thread of Python takes them. docs/internals/runtime.md has the rule. */
#include "runtime_private.h"

/* Reads that are sent at once; while they are answered the next ones are prepared. */
#define FLIGHT 16
/* A read that costs more shall not keep those behind it: they are spread over the pool. */
#define COST_MAX (200 * OXY_NS_PER_MS / 1000)
/* What is not tried is forgiven by and by: after a dozen reads they travel together again. */
#define FORGIVE 16

static bool is_quick(oxypy_store *store)
{
    if (store->read_cost <= COST_MAX)
        return true;
    store->read_cost -= store->read_cost / FORGIVE;
    return false;
}

bool oxypy_together_join(oxypy_operation *op)
{
    oxypy_runtime *rt = op->st->runtime;
    oxypy_wire *wire = op->loop->held == 0 ? NULL : oxypy_wire_find(rt, op->loop->held);
    bool joined;

    if (wire == NULL || wire->store != op->store || wire->conn == NULL || wire->slot == NULL ||
        wire->hub != op->loop->hub || !op->loop->beginning || op->store->foreign ||
        !op->prepared.compiled->sql->point || !is_quick(op->store))
        return false;
    oxypy_lock(rt);
    joined = oxy_pool_join(op->store->pool, wire->slot, oxy_clock_now());
    oxypy_unlock(rt);
    if (joined)
        op->slot = wire->slot;
    return joined;
}

bool oxypy_together_may_hold(const oxypy_operation *op)
{
    return op->loop->beginning && op->sharing && op->lease->shared && op->sql == NULL &&
           op->prepared.compiled->sql->point && op->store->driver->max_in_flight > 1;
}

/* What is held goes out; the wire stays the one that is joined. */
static void flush(oxypy_loop *loop)
{
    oxypy_runtime *rt = loop->st->runtime;
    oxypy_wire *wire = oxypy_wire_find(rt, loop->held);

    if (wire != NULL && wire->conn != NULL) {
        wire->store->driver->flush(wire->conn);
        if (wire->n_flight == 0) {
            wire->flight_at = oxy_clock_now();
            wire->n_flight = loop->n_held;
        }
        /* It may have failed, or not all of it may have gone. */
        if (wire->first != NULL && wire->first->polling && wire->hub == loop->hub)
            oxypy_wire_event(rt, wire->id, loop);
    }
    loop->n_held = 0;
}

void oxypy_together_hold(oxypy_operation *op)
{
    oxypy_loop *loop = op->loop;

    if (loop->held != op->lease->wire->id)
        (void)oxypy_together_send(loop);
    loop->held = op->lease->wire->id;
    if (++loop->n_held >= FLIGHT)
        flush(loop);
}

uint64_t oxypy_together_send(oxypy_loop *loop)
{
    uint64_t id = loop->held;

    if (loop->n_held > 0)
        flush(loop);
    loop->held = 0;
    return id;
}

void oxypy_together_answered(oxypy_wire *wire)
{
    oxy_ns cost = (oxy_clock_now() - wire->flight_at) / wire->n_flight;

    if (wire->n_flight > 1)
        wire->store->read_cost = (3 * wire->store->read_cost + cost) / 4;
    wire->n_flight = 0;
}
