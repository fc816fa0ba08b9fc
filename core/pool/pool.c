/* SPDX-License-Identifier: MIT */
/* The pool's state machine: events in, actions out. No clock, no socket, no
 * thread. The events are here; slot.c has what happens to a slot, serve.c who
 * gets one. */
#include "pool_internal.h"

#include <string.h>

/* Nobody would see the difference, and the lists of shared slots stay small. */
#define SHARE_MOST 1024

/* Opens what is missing to min connections; the writer's slot comes first. */
static void keep_min(oxy_pool *p, oxy_ns now)
{
    uint32_t there = p->n_live;

    if (p->closed)
        return;
    for (uint32_t i = 0; i < p->n_classes; i++)
        there += p->classes[i].n_retry;
    for (uint32_t i = 0; i < p->config.max && there < p->config.min; i++) {
        oxy_slot *s = &p->slots[i];
        const oxy__class *c = oxy__class_of_slot(s);

        if (s->state != SLOT_EMPTY)
            continue;
        if (now >= c->cool_until) {
            oxy__slot_connect(s, now);
            there++;
        } else if (c->may_recover) {
            p->slot_bound = oxy__earlier(p->slot_bound, c->cool_until);
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

static void free_memory(oxy_pool *p)
{
    oxy_alloc_free(p->alloc, p->shares);
    oxy_alloc_free(p->alloc, p->slots);
    oxy_alloc_free(p->alloc, p);
}

oxy_rc oxy_pool_new(const oxy_pool_config *config, const oxy_alloc *alloc, oxy_pool **out)
{
    oxy_pool *p;

    *out = NULL;
    if (config->max == 0)
        return OXY_VALUE;
    p = oxy_alloc_zero(alloc, 1, sizeof *p);
    if (p == NULL)
        return OXY_NOMEM;
    p->alloc = alloc;
    p->share_max = config->share_max < 1 ? 1 : config->share_max > SHARE_MOST ? SHARE_MOST : config->share_max;
    p->slots = oxy_alloc_zero(alloc, config->max, sizeof *p->slots);
    p->shares = oxy_alloc_zero(alloc, p->share_max + 1, sizeof *p->shares);
    if (p->slots == NULL || p->shares == NULL) {
        free_memory(p);
        return OXY_NOMEM;
    }
    for (uint32_t i = 0; i <= p->share_max; i++)
        node_init(&p->shares[i]);
    p->config = *config;
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
        node_init(&s->share_link);
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
    free_memory(p);
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
        oxy_slot *s = oxy__take_idle(p, c, now);

        if (s != NULL) {
            oxy__slot_hold(s, want, now, now);
            *slot = s;
            return OXY_ACQUIRE_GRANTED;
        }
        if (oxy__is_shared(p, want) && (s = oxy__find_company(p, c, 1, now)) != NULL) {
            oxy__slot_join(s, now, now);
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
    oxy__class_dispatch(p, c, now);
    return OXY_ACQUIRE_QUEUED;
}

bool oxy_pool_join(oxy_pool *p, oxy_slot *s, oxy_ns now)
{
    /* In shares: held by plain reads, and not doomed. */
    if (p->closed || list_empty(&s->share_link) || s->holders >= p->share_max || now >= s->expires_at ||
        oxy__class_of_slot(s)->n_waiters > 0)
        return false;
    oxy__slot_join(s, now, now);
    return true;
}

static void give_back(oxy_pool *p, oxy_slot *s, oxy_fate fate, oxy_ns now)
{
    bool gated = s->holds_gate;

    if (fate == OXY_FATE_CLOSE)
        oxy__slot_doom(s);
    if (s->holders > 1) {
        oxy__slot_part(s);
        oxy__pool_dispatch(p, now);
        return;
    }
    s->holds_gate = false;
    s->holder = NULL;
    if (gated)
        p->config.gate->owner = NULL;
    if (!s->doomed && !p->closed && now < s->expires_at)
        oxy__slot_rest(s, now);
    else
        oxy__slot_close(s);
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
    if (s != NULL) {
        s->n_granting--;
        give_back(p, s, OXY_FATE_REUSE, now);
    }
}

void oxy_pool_release(oxy_pool *p, oxy_slot *s, oxy_fate fate, oxy_ns now)
{
    give_back(p, s, fate, now);
}

/* A connect or a ping went well. */
static void start_over(oxy_pool *p, oxy_slot *s, oxy_ns now)
{
    if (p->closed || s->doomed)
        oxy__slot_close(s);
    else
        oxy__slot_rest(s, now);
    oxy__pool_dispatch(p, now);
    keep_min(p, now);
}

void oxy_pool_connected(oxy_pool *p, oxy_slot *s, void *conn, oxy_ns now)
{
    oxy__class *c = oxy__class_of_slot(s);

    s->conn = conn;
    s->expires_at = oxy__at_after(now, oxy__pool_spread(p, p->config.max_lifetime));
    p->stats.opened++;
    c->failures = 0;
    c->cool_until = 0;
    oxy_err_clear(&p->last_error);
    start_over(p, s, now);
}

void oxy_pool_connect_failed(oxy_pool *p, oxy_slot *s, const oxy_err *err, bool retryable, oxy_ns now)
{
    oxy__class *c = oxy__class_of_slot(s);
    oxy_ns retry_until = oxy__at_after(s->first_attempt, p->config.connect_retry);

    p->last_error = *err;
    c->failures++;
    c->may_recover = retryable;
    if (!p->closed && retryable && now < retry_until) {
        oxy_ns at = oxy__earlier(oxy__at_after(now, oxy__pool_backoff(p, s->attempts)), retry_until);

        c->cool_until = at;
        oxy__slot_retry(s, at);
        oxy__pool_dispatch(p, now);
        return;
    }
    c->cool_until = oxy__at_after(now, oxy__pool_backoff(p, c->failures));
    oxy__slot_empty(s);
    if (c->n_open == 0 && !p->closed) {
        p->fail_error = *err;
        /* What failed before somebody asked is no answer: for them another begins. */
        oxy__fail_waiters(c, s->began, false);
        if (p->config.gate != NULL)
            oxy__gate_pump(p->config.gate, now);
    }
    oxy__pool_dispatch(p, now);
    keep_min(p, now);
}

void oxy_pool_ping_ok(oxy_pool *p, oxy_slot *s, oxy_ns now)
{
    start_over(p, s, now);
}

void oxy_pool_ping_failed(oxy_pool *p, oxy_slot *s, oxy_ns now)
{
    oxy__slot_close(s);
    oxy__pool_dispatch(p, now);
    keep_min(p, now);
}

void oxy_pool_lost(oxy_pool *p, oxy_slot *s, oxy_ns now)
{
    switch (s->state) {
    case SLOT_IDLE: oxy__slot_close(s); break;
    case SLOT_PINGING:
    case SLOT_BUSY: oxy__slot_doom(s); break; /* granted meanwhile: the holder will notice */
    case SLOT_EMPTY:
    case SLOT_CONNECTING:
    case SLOT_RETRY: return; /* old news */
    }
    oxy__pool_dispatch(p, now);
    keep_min(p, now);
}

void oxy_pool_renew(oxy_pool *p, oxy_ns now)
{
    for (uint32_t i = 0; i < p->config.max; i++) {
        oxy_slot *s = &p->slots[i];

        switch (s->state) {
        case SLOT_IDLE: oxy__slot_close(s); break;
        case SLOT_CONNECTING: /* it may have been let in before the change */
        case SLOT_PINGING:
        case SLOT_BUSY: oxy__slot_doom(s); break;
        case SLOT_EMPTY:
        case SLOT_RETRY: break;
        }
    }
    oxy__pool_dispatch(p, now);
    keep_min(p, now);
}

/* Closes what rested or lived too long, least recently used first, and keeps
 * min connections unless they are too old. */
static void expire_slots(oxy_pool *p, oxy__class *c, oxy_ns now)
{
    oxy__node *previous;

    for (oxy__node *n = c->idle.prev; n != &c->idle; n = previous) {
        oxy_slot *s = OXY__OWNER(n, oxy_slot, link);
        oxy_ns rests_until = oxy__at_after(s->idle_since, p->config.idle_timeout);

        previous = n->prev;
        if (now >= s->expires_at || (now >= rests_until && p->n_live > p->config.min))
            oxy__slot_close(s);
        else
            p->slot_bound = oxy__earlier(p->slot_bound,
                                         now >= rests_until ? s->expires_at : oxy__earlier(s->expires_at, rests_until));
    }
    oxy__node *next;
    for (oxy__node *n = c->retry.next; n != &c->retry; n = next) {
        oxy_slot *s = OXY__OWNER(n, oxy_slot, link);

        next = n->next;
        if (s->retry_at <= now)
            oxy__slot_connect(s, now);
        else
            p->slot_bound = oxy__earlier(p->slot_bound, s->retry_at);
    }
}

void oxy_pool_tick(oxy_pool *p, oxy_ns now)
{
    if (now >= p->waiter_bound) {
        p->waiter_bound = OXY_NS_NEVER;
        for (uint32_t i = 0; i < p->n_classes; i++)
            oxy__expire_waiters(p, &p->classes[i], now);
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
    return oxy__earlier(p->waiter_bound, p->closed ? OXY_NS_NEVER : p->slot_bound);
}

void oxy_pool_close(oxy_pool *p, oxy_ns now)
{
    if (p->closed)
        return;
    p->closed = true;
    for (uint32_t i = 0; i < p->n_classes; i++) {
        oxy__class *c = &p->classes[i];

        oxy__fail_waiters(c, UINT64_MAX, true);
        while (!list_empty(&c->idle))
            oxy__slot_close(OXY__OWNER(c->idle.next, oxy_slot, link));
        while (!list_empty(&c->retry))
            oxy__slot_empty(OXY__OWNER(c->retry.next, oxy_slot, link));
    }
    oxy__pool_dispatch(p, now);
    if (p->config.gate != NULL)
        oxy__gate_pump(p->config.gate, now);
}
