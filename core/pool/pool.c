/* SPDX-License-Identifier: MIT */
/* The pool's state machine: events in, actions out. No clock, no socket, no
 * thread. pool_internal.h says which list every object is on. */
#include "pool_internal.h"

#include <string.h>

#define BACKOFF_FIRST (20 * OXY_NS_PER_MS)
#define BACKOFF_MOST (2 * OXY_NS_PER_S)

static oxy_ns at_after(oxy_ns now, oxy_ns span)
{
    return span >= OXY_NS_NEVER - now ? OXY_NS_NEVER : now + span;
}

static oxy_ns earlier(oxy_ns a, oxy_ns b)
{
    return a < b ? a : b;
}

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

/* A span somewhere between 90 % and 110 % of the given one. */
static oxy_ns spread(oxy_pool *p, oxy_ns span)
{
    oxy_ns tenth = span / 10;

    if (span == OXY_NS_NEVER || tenth == 0)
        return span;
    return span - tenth + (oxy_ns)(next_random(p) % (uint64_t)(2 * tenth));
}

static oxy_ns backoff(oxy_pool *p, uint32_t failures)
{
    oxy_ns span = BACKOFF_FIRST;

    for (uint32_t i = 1; i < failures && span < BACKOFF_MOST; i++)
        span *= 2;
    return spread(p, span < BACKOFF_MOST ? span : BACKOFF_MOST);
}

/* --- slots: one function per change of state ------------------------------------ */

static void slot_leave_state(oxy_slot *s)
{
    oxy_pool *p = s->pool;
    oxy__class *c = oxy__class_of_slot(s);

    node_remove(&s->link);
    switch (s->state) {
    case SLOT_EMPTY: break;
    case SLOT_RETRY: c->n_starting--; break;
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
        c->n_open--;
        p->n_live--;
        p->n_busy--;
        break;
    }
}

static void slot_enter_state(oxy_slot *s, oxy__slot_state state)
{
    oxy_pool *p = s->pool;
    oxy__class *c = oxy__class_of_slot(s);

    slot_leave_state(s);
    s->state = state;
    switch (state) {
    case SLOT_EMPTY: list_push_back(&c->empty, &s->link); break;
    case SLOT_RETRY:
        c->n_starting++;
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

static void slot_connect(oxy_slot *s, oxy_ns now)
{
    if (s->state == SLOT_EMPTY) {
        s->first_attempt = now;
        s->attempts = 0;
    }
    s->attempts++;
    slot_enter_state(s, SLOT_CONNECTING);
    oxy__action_queue(s->pool, &s->start, OXY_ACT_CONNECT);
}

/* Hands the connection out for closing and empties the slot. */
static void slot_close(oxy_slot *s)
{
    s->closing_conn = s->conn;
    s->conn = NULL;
    s->pool->stats.closed++;
    oxy__action_queue(s->pool, &s->closing, OXY_ACT_CLOSE);
    slot_enter_state(s, SLOT_EMPTY);
}

static void slot_rest(oxy_slot *s, oxy_ns now)
{
    oxy_pool *p = s->pool;

    s->idle_since = now;
    slot_enter_state(s, SLOT_IDLE);
    p->slot_bound = earlier(p->slot_bound, earlier(s->expires_at, at_after(now, p->config.idle_timeout)));
}

static void slot_hold(oxy_slot *s, oxy_want want, oxy_ns since, oxy_ns now)
{
    oxy_pool *p = s->pool;

    if (oxy__is_gated(p, want)) {
        p->config.gate->owner = s;
        s->holds_gate = true;
    }
    s->held_since = now;
    slot_enter_state(s, SLOT_BUSY);
    p->stats.acquired++;
    p->stats.waited += now - since;
}

/* --- serving waiters ---------------------------------------------------------------- */

static void waiter_finish(oxy_waiter *w, oxy_action_kind kind)
{
    oxy__waiter_leave(w);
    oxy__action_queue(w->pool, &w->pending, kind);
}

static void fail_waiters(oxy_pool *p, oxy__class *c, bool closed)
{
    while (!list_empty(&c->waiters)) {
        oxy_waiter *w = OXY__OWNER(c->waiters.next, oxy_waiter, link);

        w->closed = closed;
        waiter_finish(w, OXY_ACT_FAIL);
    }
    (void)p;
}

static bool ping_due(const oxy_pool *p, const oxy_slot *s, oxy_ns now)
{
    return p->config.ping_after != OXY_NS_NEVER && now - s->idle_since > p->config.ping_after;
}

/* The idle slot to hand out next, or NULL after starting what must come first
 * (a ping, a close of what has expired). */
static oxy_slot *take_idle(oxy_pool *p, oxy__class *c, oxy_ns now)
{
    while (!list_empty(&c->idle)) {
        oxy_slot *s = OXY__OWNER(c->idle.next, oxy_slot, link);

        if (now >= s->expires_at) {
            slot_close(s);
            continue;
        }
        if (ping_due(p, s, now)) {
            slot_enter_state(s, SLOT_PINGING);
            oxy__action_queue(p, &s->start, OXY_ACT_PING);
            continue;
        }
        return s;
    }
    return NULL;
}

/* Opens connections for waiters that no connection under way will serve. */
static void connect_for_waiters(oxy_pool *p, oxy__class *c, oxy_ns now)
{
    while (c->n_waiters > c->n_starting && !list_empty(&c->empty)) {
        if (now < c->cool_until && c->n_open > 0) {
            p->slot_bound = earlier(p->slot_bound, c->cool_until);
            return;
        }
        slot_connect(OXY__OWNER(c->empty.next, oxy_slot, link), now);
    }
}

static void dispatch_class(oxy_pool *p, oxy__class *c, oxy_ns now)
{
    while (!list_empty(&c->waiters)) {
        oxy_waiter *w = OXY__OWNER(c->waiters.next, oxy_waiter, link);

        if (oxy__is_gated(p, w->want) && !oxy__gate_free_for(p->config.gate, w))
            break;
        oxy_slot *s = take_idle(p, c, now);
        if (s == NULL)
            break;
        slot_hold(s, w->want, w->since, now);
        s->granted = w;
        w->slot = s;
        waiter_finish(w, OXY_ACT_GRANT);
    }
    connect_for_waiters(p, c, now);
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
        dispatch_class(p, &p->classes[i], now);
}

/* Opens what is missing to min connections; the writer's slot comes first. */
static void keep_min(oxy_pool *p, oxy_ns now)
{
    uint32_t there = p->n_live;

    for (uint32_t i = 0; i < p->n_classes; i++)
        for (const oxy__node *n = p->classes[i].retry.next; n != &p->classes[i].retry; n = n->next)
            there++;
    for (uint32_t i = 0; i < p->config.max && there < p->config.min && !p->closed; i++) {
        oxy_slot *s = &p->slots[i];

        if (s->state == SLOT_EMPTY && now >= oxy__class_of_slot(s)->cool_until) {
            slot_connect(s, now);
            there++;
        }
    }
}

/* --- life ------------------------------------------------------------------------------ */

static void class_init(oxy_pool *p, oxy__class *c, uint32_t first, uint32_t count)
{
    c->first = first;
    c->count = count;
    node_init(&c->empty);
    node_init(&c->idle);
    node_init(&c->retry);
    node_init(&c->waiters);
    for (uint32_t i = first; i < first + count; i++)
        list_push_back(&c->empty, &p->slots[i].link);
}

oxy_rc oxy_pool_new(const oxy_pool_config *config, const oxy_alloc *alloc, oxy_pool **out)
{
    oxy_pool *p = oxy_alloc_zero(alloc, 1, sizeof *p);

    *out = NULL;
    if (p == NULL)
        return OXY_NOMEM;
    p->slots = oxy_alloc_zero(alloc, config->max, sizeof *p->slots);
    if (p->slots == NULL) {
        oxy_alloc_free(alloc, p);
        return config->max == 0 ? OXY_VALUE : OXY_NOMEM;
    }
    p->config = *config;
    p->alloc = alloc;
    p->random = config->seed != 0 ? config->seed : UINT64_C(0x9E3779B97F4A7C15);
    p->waiter_bound = p->slot_bound = OXY_NS_NEVER;
    node_init(&p->busy);
    node_init(&p->actions);
    node_init(&p->spare);
    node_init(&p->gate_pools);
    node_init(&p->drained.link);
    oxy_err_set(&p->closed_error, OXY_INTERFACE, "closed pool: the database was disconnected");
    for (uint32_t i = 0; i < config->max; i++) {
        oxy_slot *s = &p->slots[i];

        s->pool = p;
        s->number = i;
        node_init(&s->link);
        node_init(&s->start.link);
        node_init(&s->closing.link);
    }
    if (config->single_writer && config->max > 1) {
        p->n_classes = 2;
        class_init(p, &p->classes[0], 1, config->max - 1);
        class_init(p, &p->classes[1], 0, 1);
    } else {
        p->n_classes = 1;
        class_init(p, &p->classes[0], 0, config->max);
    }
    if (config->gate != NULL) {
        oxy_gate_ref(config->gate);
        list_push_back(&config->gate->pools, &p->gate_pools);
    }
    *out = p;
    return OXY_OK;
}

static void free_waiters(oxy_pool *p, oxy__node *head)
{
    while (!list_empty(head)) {
        oxy_waiter *w = OXY__OWNER(head->next, oxy_waiter, link);

        node_remove(&w->link);
        node_remove(&w->gate_link);
        oxy_alloc_free(p->alloc, w);
    }
}

void oxy_pool_free(oxy_pool *p)
{
    oxy_action action;

    if (p == NULL)
        return;
    while (oxy_pool_next_action(p, &action)) /* recycles waiters whose end was not taken */
        ;
    free_waiters(p, &p->spare);
    for (uint32_t i = 0; i < p->n_classes; i++)
        free_waiters(p, &p->classes[i].waiters);
    node_remove(&p->gate_pools);
    if (p->config.gate != NULL && p->config.gate->owner != NULL && p->config.gate->owner->pool == p)
        p->config.gate->owner = NULL;
    oxy_gate_unref(p->config.gate);
    oxy_alloc_free(p->alloc, p->slots);
    oxy_alloc_free(p->alloc, p);
}

void oxy_pool_start(oxy_pool *p, oxy_ns now)
{
    keep_min(p, now);
}

/* --- events ----------------------------------------------------------------------------- */

oxy_acquire oxy_pool_acquire(oxy_pool *p, oxy_want want, oxy_ns now, oxy_ns deadline, void *token, oxy_slot **slot,
                             oxy_waiter **waiter, oxy_err *err)
{
    oxy__class *c = oxy__class_of(p, want);

    *slot = NULL;
    *waiter = NULL;
    if (p->closed) {
        *err = p->closed_error;
        return OXY_ACQUIRE_FAILED;
    }
    if (c->n_waiters == 0 && (!oxy__is_gated(p, want) || oxy__gate_free_for(p->config.gate, NULL))) {
        oxy_slot *s = take_idle(p, c, now);

        if (s != NULL) {
            slot_hold(s, want, now, now);
            *slot = s;
            return OXY_ACQUIRE_GRANTED;
        }
    }
    if (deadline <= now) {
        p->stats.timeouts++;
        (void)oxy_err_set(err, OXY_POOL_TIMEOUT, "pool timed out while waiting for an open connection");
        return OXY_ACQUIRE_FAILED;
    }
    *waiter = oxy__waiter_new(p, want, now, deadline, token);
    if (*waiter == NULL) {
        (void)oxy_err_set(err, OXY_NOMEM, "out of memory");
        return OXY_ACQUIRE_FAILED;
    }
    connect_for_waiters(p, c, now);
    return OXY_ACQUIRE_QUEUED;
}

static void give_back(oxy_pool *p, oxy_slot *s, oxy_fate fate, oxy_ns now)
{
    bool gated = s->holds_gate;

    s->holds_gate = false;
    s->granted = NULL;
    s->holder = NULL;
    if (gated)
        p->config.gate->owner = NULL;
    if (fate == OXY_FATE_REUSE && !p->closed && now < s->expires_at)
        slot_rest(s, now);
    else
        slot_close(s);
    oxy__pool_dispatch(p, now);
    keep_min(p, now);
    if (gated)
        oxy__gate_pump(p->config.gate, now);
}

void oxy_pool_abandon(oxy_pool *p, oxy_waiter *w, oxy_ns now)
{
    bool gated = oxy__is_gated(p, w->want);

    if (list_empty(&w->pending.link)) { /* still waiting */
        oxy__waiter_leave(w);
        oxy__waiter_recycle(w);
        oxy__pool_dispatch(p, now);
        if (gated)
            oxy__gate_pump(p->config.gate, now);
        return;
    }
    node_remove(&w->pending.link);
    oxy_slot *s = w->pending.kind == OXY_ACT_GRANT ? w->slot : NULL;
    oxy__waiter_recycle(w);
    if (s != NULL)
        give_back(p, s, OXY_FATE_REUSE, now);
}

void oxy_pool_release(oxy_pool *p, oxy_slot *s, oxy_fate fate, oxy_ns now)
{
    give_back(p, s, fate, now);
}

void oxy_pool_connected(oxy_pool *p, oxy_slot *s, void *conn, oxy_ns now)
{
    oxy__class *c = oxy__class_of_slot(s);

    s->conn = conn;
    s->expires_at = at_after(now, spread(p, p->config.max_lifetime));
    p->stats.opened++;
    c->failures = 0;
    c->cool_until = 0;
    oxy_err_clear(&p->last_error);
    if (p->closed)
        slot_close(s);
    else
        slot_rest(s, now);
    oxy__pool_dispatch(p, now);
}

void oxy_pool_connect_failed(oxy_pool *p, oxy_slot *s, const oxy_err *err, bool retryable, oxy_ns now)
{
    oxy__class *c = oxy__class_of_slot(s);

    p->last_error = *err;
    c->failures++;
    if (!p->closed && retryable && now < at_after(s->first_attempt, p->config.connect_retry)) {
        s->retry_at = at_after(now, backoff(p, s->attempts));
        slot_enter_state(s, SLOT_RETRY);
        p->slot_bound = earlier(p->slot_bound, s->retry_at);
        return;
    }
    c->cool_until = at_after(now, backoff(p, c->failures));
    slot_enter_state(s, SLOT_EMPTY);
    if (c->n_open == 0 && !p->closed) {
        p->fail_error = *err;
        fail_waiters(p, c, false);
        if (p->config.gate != NULL)
            oxy__gate_pump(p->config.gate, now);
    }
    oxy__pool_dispatch(p, now);
}

void oxy_pool_ping_ok(oxy_pool *p, oxy_slot *s, oxy_ns now)
{
    if (p->closed)
        slot_close(s);
    else
        slot_rest(s, now);
    oxy__pool_dispatch(p, now);
}

void oxy_pool_ping_failed(oxy_pool *p, oxy_slot *s, oxy_ns now)
{
    slot_close(s);
    oxy__pool_dispatch(p, now);
    keep_min(p, now);
}

static void expire_waiters(oxy_pool *p, oxy__class *c, oxy_ns now)
{
    oxy__node *next;

    for (oxy__node *n = c->waiters.next; n != &c->waiters; n = next) {
        oxy_waiter *w = OXY__OWNER(n, oxy_waiter, link);

        next = n->next;
        if (w->deadline <= now) {
            p->stats.timeouts++;
            waiter_finish(w, OXY_ACT_TIMEOUT);
        } else {
            p->waiter_bound = earlier(p->waiter_bound, w->deadline);
        }
    }
}

/* Closes what rested or lived too long, least recently used first, and keeps
 * min connections unless they are too old. */
static void expire_slots(oxy_pool *p, oxy__class *c, oxy_ns now)
{
    oxy__node *previous;

    for (oxy__node *n = c->idle.prev; n != &c->idle; n = previous) {
        oxy_slot *s = OXY__OWNER(n, oxy_slot, link);
        oxy_ns rests_until = at_after(s->idle_since, p->config.idle_timeout);

        previous = n->prev;
        if (now >= s->expires_at || (now >= rests_until && p->n_live > p->config.min))
            slot_close(s);
        else
            p->slot_bound =
                earlier(p->slot_bound, now >= rests_until ? s->expires_at : earlier(s->expires_at, rests_until));
    }
    oxy__node *next;
    for (oxy__node *n = c->retry.next; n != &c->retry; n = next) {
        oxy_slot *s = OXY__OWNER(n, oxy_slot, link);

        next = n->next;
        if (s->retry_at <= now)
            slot_connect(s, now);
        else
            p->slot_bound = earlier(p->slot_bound, s->retry_at);
    }
}

void oxy_pool_tick(oxy_pool *p, oxy_ns now)
{
    if (now >= p->waiter_bound) {
        p->waiter_bound = OXY_NS_NEVER;
        for (uint32_t i = 0; i < p->n_classes; i++)
            expire_waiters(p, &p->classes[i], now);
    }
    if (now >= p->slot_bound && !p->closed) {
        p->slot_bound = OXY_NS_NEVER;
        for (uint32_t i = 0; i < p->n_classes; i++)
            expire_slots(p, &p->classes[i], now);
        keep_min(p, now);
    }
    oxy__pool_dispatch(p, now);
    if (p->config.gate != NULL)
        oxy__gate_pump(p->config.gate, now);
}

oxy_ns oxy_pool_wake_at(const oxy_pool *p)
{
    return earlier(p->waiter_bound, p->closed ? OXY_NS_NEVER : p->slot_bound);
}

void oxy_pool_close(oxy_pool *p, oxy_ns now)
{
    if (p->closed)
        return;
    p->closed = true;
    for (uint32_t i = 0; i < p->n_classes; i++) {
        oxy__class *c = &p->classes[i];

        fail_waiters(p, c, true);
        while (!list_empty(&c->idle))
            slot_close(OXY__OWNER(c->idle.next, oxy_slot, link));
        while (!list_empty(&c->retry))
            slot_enter_state(OXY__OWNER(c->retry.next, oxy_slot, link), SLOT_EMPTY);
    }
    oxy__pool_dispatch(p, now);
    if (p->config.gate != NULL)
        oxy__gate_pump(p->config.gate, now);
}
