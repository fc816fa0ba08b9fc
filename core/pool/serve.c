/* SPDX-License-Identifier: MIT */
/* Serving waiters: which connection the next one gets, when another is opened,
 * and when plain reads share one. */
#include "pool_internal.h"

static void waiter_finish(oxy_waiter *w, oxy_action_kind kind)
{
    oxy__waiter_leave(w);
    oxy__action_queue(w->pool, &w->pending, kind);
}

void oxy__fail_waiters(oxy__class *c, uint64_t before, bool closed)
{
    while (!list_empty(&c->waiters)) {
        oxy_waiter *w = OXY__OWNER(c->waiters.next, oxy_waiter, link);

        if (w->joined > before)
            return; /* and so did all behind */
        w->closed = closed;
        waiter_finish(w, OXY_ACT_FAIL);
    }
}

void oxy__expire_waiters(oxy_pool *p, oxy__class *c, oxy_ns now)
{
    oxy__node *next;

    for (oxy__node *n = c->waiters.next; n != &c->waiters; n = next) {
        oxy_waiter *w = OXY__OWNER(n, oxy_waiter, link);

        next = n->next;
        if (w->deadline <= now) {
            p->stats.timeouts++;
            waiter_finish(w, OXY_ACT_TIMEOUT);
        } else {
            p->waiter_bound = oxy__earlier(p->waiter_bound, w->deadline);
        }
    }
}

static void grant(oxy_slot *s, oxy_waiter *w)
{
    s->n_granting++;
    w->slot = s;
    waiter_finish(w, OXY_ACT_GRANT);
}

/* --- a connection of one's own -------------------------------------------------------- */

static bool ping_due(const oxy_pool *p, const oxy_slot *s, oxy_ns now)
{
    return p->config.ping_after != OXY_NS_NEVER && now - s->idle_since > p->config.ping_after;
}

oxy_slot *oxy__take_idle(oxy_pool *p, oxy__class *c, oxy_ns now)
{
    while (!list_empty(&c->idle)) {
        oxy_slot *s = OXY__OWNER(c->idle.next, oxy_slot, link);

        if (now >= s->expires_at)
            oxy__slot_close(s);
        else if (ping_due(p, s, now))
            oxy__slot_ping(s);
        else
            return s;
    }
    return NULL;
}

/* After a failed connect, those who have other connections to hope for wait a while. */
static bool cooling(const oxy__class *c, oxy_ns now)
{
    return now < c->cool_until && c->n_open > 0;
}

/* Opens connections for waiters that no connection under way will serve. */
static void connect_for_waiters(oxy_pool *p, oxy__class *c, oxy_ns now)
{
    while (c->n_waiters > c->n_starting && !list_empty(&c->empty)) {
        if (cooling(c, now)) {
            p->slot_bound = oxy__earlier(p->slot_bound, c->cool_until);
            return;
        }
        oxy__slot_connect(OXY__OWNER(c->empty.next, oxy_slot, link), now);
    }
}

/* --- company ---------------------------------------------------------------------------- */

/* How many holders a slot should have, if so many reads are spread over the
 * connections that take part: those shared now and those about to open. */
static uint32_t fair_share(const oxy_pool *p, const oxy__class *c, uint32_t reads)
{
    uint32_t places = p->n_shared + c->n_starting - c->n_retry;
    uint32_t share = places == 0 ? 0 : reads / places + (reads % places != 0);

    return share < p->share_max ? share : p->share_max;
}

oxy_slot *oxy__find_company(oxy_pool *p, oxy__class *c, uint32_t n_reads, oxy_ns now)
{
    if (p->n_shared == 0)
        return NULL;
    if (n_reads <= c->n_starting - c->n_retry || (!list_empty(&c->empty) && !cooling(c, now)))
        return NULL; /* a connection of one's own is coming, or may be opened */
    uint32_t most = fair_share(p, c, p->n_sharers + n_reads);

    for (uint32_t holders = 1; holders < most; holders++) {
        while (!list_empty(&p->shares[holders])) {
            oxy_slot *s = OXY__OWNER(p->shares[holders].next, oxy_slot, share_link);

            if (now < s->expires_at)
                return s;
            oxy__slot_doom(s); /* without this a connection that is never idle would never end */
        }
    }
    return NULL;
}

/* All who wait are plain reads, and no connection of their own is in sight. */
static void join_company(oxy_pool *p, oxy__class *c, oxy_ns now)
{
    while (!list_empty(&c->waiters)) {
        oxy_waiter *w = OXY__OWNER(c->waiters.next, oxy_waiter, link);
        oxy_slot *s = oxy__find_company(p, c, c->n_waiters, now);

        if (s == NULL)
            return;
        oxy__slot_join(s, w->since, now);
        grant(s, w);
    }
}

/* Somebody waits for a connection alone, so nobody joins busy connections any
 * more: they must become free. But the reads in front of him are served
 * together on the one that just did, so his turn comes the sooner. */
static void bring_company(oxy_pool *p, oxy__class *c, oxy_slot *s, oxy_ns now)
{
    uint32_t reads = s->holders;
    uint64_t enough = (uint64_t)p->share_max * p->config.max;

    for (const oxy__node *n = c->waiters.next; n != &c->waiters && reads < enough; n = n->next, reads++)
        if (!OXY__OWNER(n, oxy_waiter, link)->shared)
            break;
    uint32_t most = fair_share(p, c, reads);

    while (s->holders < most) { /* at most as many as were counted */
        oxy_waiter *w = OXY__OWNER(c->waiters.next, oxy_waiter, link);

        oxy__slot_join(s, w->since, now);
        grant(s, w);
    }
}

/* --- dispatch --------------------------------------------------------------------------- */

void oxy__class_dispatch(oxy_pool *p, oxy__class *c, oxy_ns now)
{
    oxy_slot *fresh = NULL;

    while (!list_empty(&c->waiters)) {
        oxy_waiter *w = OXY__OWNER(c->waiters.next, oxy_waiter, link);

        if (oxy__is_gated(p, w->want) && !oxy__gate_free_for(p->config.gate, w))
            break;
        oxy_slot *s = oxy__take_idle(p, c, now);
        if (s == NULL)
            break;
        oxy__slot_hold(s, w->want, w->since, now);
        grant(s, w);
        fresh = s;
    }
    if (c->n_waiters == 0)
        return;
    connect_for_waiters(p, c, now);
    if (c->n_exclusive == 0)
        join_company(p, c, now);
    else if (fresh != NULL && fresh->shared)
        bring_company(p, c, fresh, now);
}

void oxy__pool_dispatch(oxy_pool *p, oxy_ns now)
{
    if (p->closed) {
        if (p->n_live == 0 && !p->drained_said) {
            p->drained_said = true;
            oxy__action_queue(p, &p->drained, OXY_ACT_DRAINED);
        }
        return;
    }
    for (uint32_t i = 0; i < p->n_classes; i++)
        oxy__class_dispatch(p, &p->classes[i], now);
}
