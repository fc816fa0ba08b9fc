/* SPDX-License-Identifier: MIT */
/* Slots: one function for each change of state, and the counts that go with
 * it. pool_internal.h says which list a slot is on in which state. */
#include "pool_internal.h"

#define BACKOFF_FIRST (20 * OXY_NS_PER_MS)
#define BACKOFF_MOST (2 * OXY_NS_PER_S)

/* xorshift64*, after Vigna; good enough to spread lifetimes and back-off. */
static uint64_t next_random(oxy_pool *p)
{
    uint64_t x = p->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    p->random = x;
    return x * UINT64_C(2685821657736338717);
}

oxy_ns oxy__pool_spread(oxy_pool *p, oxy_ns span)
{
    oxy_ns tenth = span / 10;

    if (span == OXY_NS_NEVER || tenth == 0)
        return span;
    return span - tenth + (oxy_ns)(next_random(p) % (uint64_t)(2 * tenth));
}

oxy_ns oxy__pool_backoff(oxy_pool *p, uint32_t failures)
{
    oxy_ns span = BACKOFF_FIRST;

    for (uint32_t i = 1; i < failures && span < BACKOFF_MOST; i++)
        span *= 2;
    return oxy__pool_spread(p, span < BACKOFF_MOST ? span : BACKOFF_MOST);
}

/* --- company: the slots whose holders tolerate more ----------------------------------- */

static void company_enter(oxy_slot *s)
{
    oxy_pool *p = s->pool;

    if (!s->shared || s->doomed)
        return;
    list_push_back(&p->shares[s->holders], &s->share_link);
    p->n_shared++;
    p->n_sharers += s->holders;
}

static void company_leave(oxy_slot *s)
{
    oxy_pool *p = s->pool;

    if (list_empty(&s->share_link))
        return;
    node_remove(&s->share_link);
    p->n_shared--;
    p->n_sharers -= s->holders;
}

/* --- states ------------------------------------------------------------------------------ */

static void leave_state(oxy_slot *s)
{
    oxy_pool *p = s->pool;
    oxy__class *c = oxy__class_of_slot(s);

    node_remove(&s->link);
    switch (s->state) {
    case SLOT_EMPTY: break;
    case SLOT_RETRY:
        c->n_starting--;
        c->n_retry--;
        break;
    case SLOT_CONNECTING:
        c->n_starting--;
        p->n_live--;
        break;
    case SLOT_PINGING:
        c->n_starting--;
        c->n_open--;
        p->n_live--;
        break;
    case SLOT_IDLE:
        c->n_open--;
        p->n_live--;
        p->n_idle--;
        break;
    case SLOT_BUSY:
        company_leave(s);
        s->holders = 0;
        c->n_open--;
        p->n_live--;
        p->n_busy--;
        break;
    }
}

static void enter_state(oxy_slot *s, oxy__slot_state state)
{
    oxy_pool *p = s->pool;
    oxy__class *c = oxy__class_of_slot(s);

    leave_state(s);
    s->state = state;
    switch (state) {
    case SLOT_EMPTY: list_push_back(&c->empty, &s->link); break;
    case SLOT_RETRY:
        c->n_starting++;
        c->n_retry++;
        list_push_back(&c->retry, &s->link);
        break;
    case SLOT_CONNECTING:
        c->n_starting++;
        p->n_live++;
        break;
    case SLOT_PINGING:
        c->n_starting++;
        c->n_open++;
        p->n_live++;
        break;
    case SLOT_IDLE:
        c->n_open++;
        p->n_live++;
        p->n_idle++;
        list_push_front(&c->idle, &s->link);
        break;
    case SLOT_BUSY:
        c->n_open++;
        p->n_live++;
        p->n_busy++;
        list_push_back(&p->busy, &s->link);
        break;
    }
}

void oxy__slot_connect(oxy_slot *s, oxy_ns now)
{
    if (s->state == SLOT_EMPTY) {
        s->first_attempt = now;
        s->attempts = 0;
    }
    s->attempts++;
    enter_state(s, SLOT_CONNECTING);
    oxy__action_queue(s->pool, &s->start, OXY_ACT_CONNECT);
}

void oxy__slot_ping(oxy_slot *s)
{
    enter_state(s, SLOT_PINGING);
    oxy__action_queue(s->pool, &s->start, OXY_ACT_PING);
}

void oxy__slot_retry(oxy_slot *s, oxy_ns at)
{
    oxy_pool *p = s->pool;

    s->doomed = false; /* the next attempt starts after whatever doomed this one */
    s->retry_at = at;
    enter_state(s, SLOT_RETRY);
    p->slot_bound = oxy__earlier(p->slot_bound, at);
}

void oxy__slot_empty(oxy_slot *s)
{
    s->doomed = false;
    enter_state(s, SLOT_EMPTY);
}

void oxy__slot_close(oxy_slot *s)
{
    s->closing_conn = s->conn;
    s->conn = NULL;
    s->pool->stats.closed++;
    oxy__action_queue(s->pool, &s->closing, OXY_ACT_CLOSE);
    oxy__slot_empty(s);
}

void oxy__slot_rest(oxy_slot *s, oxy_ns now)
{
    oxy_pool *p = s->pool;

    s->idle_since = now;
    enter_state(s, SLOT_IDLE);
    p->slot_bound =
        oxy__earlier(p->slot_bound, oxy__earlier(s->expires_at, oxy__at_after(now, p->config.idle_timeout)));
}

static void count_acquire(oxy_pool *p, oxy_ns since, oxy_ns now)
{
    p->stats.acquired++;
    p->stats.waited += now - since;
}

void oxy__slot_hold(oxy_slot *s, oxy_want want, oxy_ns since, oxy_ns now)
{
    oxy_pool *p = s->pool;

    if (oxy__is_gated(p, want)) {
        p->config.gate->owner = s;
        s->holds_gate = true;
    }
    s->held_since = now;
    enter_state(s, SLOT_BUSY);
    s->holders = 1;
    s->shared = oxy__is_shared(p, want);
    company_enter(s);
    count_acquire(p, since, now);
}

void oxy__slot_join(oxy_slot *s, oxy_ns since, oxy_ns now)
{
    company_leave(s);
    s->holders++;
    company_enter(s);
    count_acquire(s->pool, since, now);
}

void oxy__slot_part(oxy_slot *s)
{
    company_leave(s);
    s->holders--;
    company_enter(s);
}

void oxy__slot_doom(oxy_slot *s)
{
    company_leave(s);
    s->doomed = true;
}
