/* SPDX-License-Identifier: MIT */
/* The gate: one writer at a time over several pools on one file. It orders
 * waiters of all pools by arrival; a pool may grant its writer only to the
 * waiter at the gate's head. */
#include "pool_internal.h"

oxy_rc oxy_gate_new(const oxy_alloc *alloc, oxy_gate **out)
{
    oxy_gate *g = oxy_alloc_zero(alloc, 1, sizeof *g);

    *out = g;
    if (g == NULL)
        return OXY_NOMEM;
    g->alloc = alloc;
    g->refs = 1;
    node_init(&g->waiters);
    node_init(&g->pools);
    return OXY_OK;
}

void oxy_gate_ref(oxy_gate *g)
{
    g->refs++;
}

void oxy_gate_unref(oxy_gate *g)
{
    if (g != NULL && --g->refs == 0)
        oxy_alloc_free(g->alloc, g);
}

bool oxy__gate_free_for(const oxy_gate *g, const oxy_waiter *w)
{
    if (g->owner != NULL)
        return false;
    if (w == NULL)
        return list_empty(&g->waiters);
    return g->waiters.next == &w->gate_link;
}

void oxy__gate_pump(oxy_gate *g, oxy_ns now)
{
    /* Each grant makes the gate busy, so this ends after at most one; a pool
     * that cannot serve its waiter yet (connecting) keeps its turn. */
    if (g->owner == NULL && !list_empty(&g->waiters)) {
        oxy_waiter *w = OXY__OWNER(g->waiters.next, oxy_waiter, gate_link);

        oxy__pool_dispatch(w->pool, now);
    }
}

oxy_pool *oxy_gate_next_pool(oxy_gate *g)
{
    for (oxy__node *n = g->pools.next; n != &g->pools; n = n->next) {
        oxy_pool *p = OXY__OWNER(n, oxy_pool, gate_pools);

        if (!list_empty(&p->actions))
            return p;
    }
    return NULL;
}
