/* SPDX-License-Identifier: MIT */
/* Looking at a pool: statistics, holders, and the check of its invariants. */
#include "pool_internal.h"

void *oxy_slot_conn(const oxy_slot *s)
{
    return s->conn;
}

void oxy_slot_set_holder(oxy_slot *s, void *holder, oxy_ns since)
{
    s->holder = holder;
    s->holder_since = since;
}

void *oxy_slot_holder(const oxy_slot *s, oxy_ns *since)
{
    if (since != NULL)
        *since = s->holder != NULL ? s->holder_since : s->held_since;
    return s->holder;
}

uint32_t oxy_slot_holders(const oxy_slot *s)
{
    return s->holders;
}

oxy_want oxy_slot_role(const oxy_slot *s)
{
    if (!s->pool->config.single_writer || s->pool->config.max == 1)
        return OXY_WANT_ANY;
    return s->number == 0 ? OXY_WANT_WRITER : OXY_WANT_READER;
}

void oxy_pool_get_stats(const oxy_pool *p, oxy_pool_stats *out)
{
    *out = p->stats;
    out->size = p->n_live;
    out->idle = p->n_idle;
    out->busy = p->n_busy;
    out->waiting = p->n_waiting;
    out->max = p->config.max;
}

void oxy_pool_holders(const oxy_pool *p, void (*visit)(void *arg, const oxy_slot *s), void *arg)
{
    for (const oxy__node *n = p->busy.next; n != &p->busy; n = n->next)
        visit(arg, OXY__OWNER(n, oxy_slot, link));
}

const oxy_err *oxy_pool_last_error(const oxy_pool *p)
{
    return &p->last_error;
}

/* --- invariants ---------------------------------------------------------------------- */

#define EXPECT(condition, ...)                                                                                         \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)oxy_err_set(err, OXY_INTERNAL, __VA_ARGS__);                                                         \
            return false;                                                                                              \
        }                                                                                                              \
    } while (0)

static uint32_t list_length(const oxy__node *head)
{
    uint32_t n = 0;

    for (const oxy__node *node = head->next; node != head; node = node->next)
        n++;
    return n;
}

typedef struct counts {
    uint32_t by_state[SLOT_BUSY + 1];
} counts;

static bool check_slot(const oxy_pool *p, const oxy_slot *s, oxy_err *err)
{
    bool open = s->state == SLOT_IDLE || s->state == SLOT_PINGING || s->state == SLOT_BUSY;

    EXPECT(open == (s->conn != NULL), "slot %u: connection and state %d disagree", s->number, (int)s->state);
    EXPECT(!s->holds_gate || s->state == SLOT_BUSY, "slot %u holds the gate without being busy", s->number);
    EXPECT((s->holders > 0) == (s->state == SLOT_BUSY), "slot %u: %u holders in state %d", s->number, s->holders,
           (int)s->state);
    EXPECT(s->n_granting <= s->holders, "slot %u: more grants than holders", s->number);
    EXPECT(s->holders <= (s->shared ? p->share_max : 1), "slot %u: %u holders", s->number, s->holders);
    EXPECT(!s->doomed || s->state == SLOT_CONNECTING || s->state == SLOT_PINGING || s->state == SLOT_BUSY,
           "slot %u is doomed in state %d", s->number, (int)s->state);
    EXPECT(!list_empty(&s->share_link) == (s->state == SLOT_BUSY && s->shared && !s->doomed),
           "slot %u and the list of shared slots disagree", s->number);
    EXPECT(!s->shared || s->state != SLOT_BUSY || !s->holds_gate, "slot %u shares the gate", s->number);
    EXPECT(!s->holds_gate || p->config.gate->owner == s, "slot %u is not the gate's owner", s->number);
    EXPECT(!p->closed || (s->state != SLOT_IDLE && s->state != SLOT_RETRY), "slot %u rests in a closed pool",
           s->number);
    return true;
}

static bool check_class(const oxy_pool *p, const oxy__class *c, counts *all, oxy_err *err)
{
    counts mine = {{0}};

    for (uint32_t i = c->first; i < c->first + c->count; i++) {
        if (!check_slot(p, &p->slots[i], err))
            return false;
        mine.by_state[p->slots[i].state]++;
        all->by_state[p->slots[i].state]++;
    }
    EXPECT(list_length(&c->empty) == mine.by_state[SLOT_EMPTY], "list of empty slots");
    EXPECT(list_length(&c->idle) == mine.by_state[SLOT_IDLE], "list of idle slots");
    EXPECT(list_length(&c->retry) == mine.by_state[SLOT_RETRY], "list of retrying slots");
    EXPECT(c->n_starting == mine.by_state[SLOT_CONNECTING] + mine.by_state[SLOT_PINGING] + mine.by_state[SLOT_RETRY],
           "count of starting slots");
    EXPECT(c->n_retry == mine.by_state[SLOT_RETRY], "count of retrying slots");
    EXPECT(c->n_open == mine.by_state[SLOT_IDLE] + mine.by_state[SLOT_PINGING] + mine.by_state[SLOT_BUSY],
           "count of open slots");
    EXPECT(list_length(&c->waiters) == c->n_waiters, "count of waiters");
    EXPECT(!p->closed || c->n_waiters == 0, "a closed pool has waiters");
    if (c->n_waiters > 0 && mine.by_state[SLOT_IDLE] > 0) {
        const oxy_waiter *first = OXY__OWNER(c->waiters.next, oxy_waiter, link);

        EXPECT(oxy__is_gated(p, first->want) && !oxy__gate_free_for(p->config.gate, first),
               "a waiter waits beside an idle connection");
    }
    uint32_t exclusive = 0;
    oxy_ns since = INT64_MIN;
    for (const oxy__node *n = c->waiters.next; n != &c->waiters; n = n->next) {
        const oxy_waiter *w = OXY__OWNER(n, oxy_waiter, link);

        EXPECT(w->since >= since, "waiters out of order");
        EXPECT(w->deadline >= p->waiter_bound, "a deadline before the bound");
        since = w->since;
        exclusive += !w->shared;
    }
    EXPECT(exclusive == c->n_exclusive, "count of waiters for a connection alone");
    return true;
}

static bool check_shares(const oxy_pool *p, oxy_err *err)
{
    const oxy__class *c = &p->classes[0];
    uint32_t slots = 0, holders = 0, joinable = 0;

    for (uint32_t i = 0; i <= p->share_max; i++) {
        for (const oxy__node *n = p->shares[i].next; n != &p->shares[i]; n = n->next) {
            EXPECT(OXY__OWNER(n, oxy_slot, share_link)->holders == i, "a shared slot on the wrong list");
            slots++;
            holders += i;
            joinable += i < p->share_max;
        }
    }
    EXPECT(slots == p->n_shared && holders == p->n_sharers, "counts of shared slots");
    EXPECT(joinable == 0 || c->n_waiters == 0 || c->n_exclusive > 0 || !list_empty(&c->empty) ||
               c->n_starting > c->n_retry,
           "a plain read waits beside a connection it could join");
    return true;
}

bool oxy_pool_check(const oxy_pool *p, oxy_err *err)
{
    counts all = {{0}};
    uint32_t waiting = 0;

    for (uint32_t i = 0; i < p->n_classes; i++) {
        if (!check_class(p, &p->classes[i], &all, err))
            return false;
        waiting += p->classes[i].n_waiters;
    }
    if (!check_shares(p, err))
        return false;
    EXPECT(p->n_waiting == waiting, "total of waiters");
    EXPECT(p->n_busy == all.by_state[SLOT_BUSY] && list_length(&p->busy) == p->n_busy, "total of busy slots");
    EXPECT(p->n_idle == all.by_state[SLOT_IDLE], "total of idle slots");
    EXPECT(p->n_live == p->config.max - all.by_state[SLOT_EMPTY] - all.by_state[SLOT_RETRY], "total of live slots");
    EXPECT(p->stats.opened - p->stats.closed == all.by_state[SLOT_IDLE] + all.by_state[SLOT_PINGING] + p->n_busy,
           "opened and closed do not add up");
    oxy_ns held = INT64_MIN;
    for (const oxy__node *n = p->busy.next; n != &p->busy; n = n->next) {
        const oxy_slot *s = OXY__OWNER(n, oxy_slot, link);

        EXPECT(s->held_since >= held, "holders out of order");
        held = s->held_since;
    }
    EXPECT(!p->closed || p->n_live > 0 || p->drained_said, "a drained pool did not say so");
    return true;
}
