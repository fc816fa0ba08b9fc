/* SPDX-License-Identifier: MIT */
/* Waiters and actions: who stands where, and what the caller has to do next. */
#include "pool_internal.h"

oxy__class *oxy__class_of(oxy_pool *p, oxy_want want)
{
    return &p->classes[p->n_classes == 2 && want == OXY_WANT_WRITER ? 1 : 0];
}

oxy__class *oxy__class_of_slot(oxy_slot *s)
{
    oxy_pool *p = s->pool;

    return &p->classes[p->n_classes == 2 && s->number == 0 ? 1 : 0];
}

oxy_waiter *oxy__waiter_new(oxy_pool *p, oxy_want want, oxy_ns now, oxy_ns deadline, void *token)
{
    oxy__class *c = oxy__class_of(p, want);
    oxy_waiter *w;

    if (!list_empty(&p->spare)) {
        w = OXY__OWNER(p->spare.next, oxy_waiter, link);
        node_remove(&w->link);
    } else {
        w = oxy_alloc_zero(p->alloc, 1, sizeof *w);
        if (w == NULL)
            return NULL;
    }
    *w = (oxy_waiter){.pool = p, .want = want, .since = now, .deadline = deadline, .token = token};
    w->shared = oxy__is_shared(p, want);
    w->joined = ++p->events;
    node_init(&w->link);
    node_init(&w->gate_link);
    node_init(&w->pending.link);
    list_push_back(&c->waiters, &w->link);
    if (oxy__is_gated(p, want))
        list_push_back(&p->config.gate->waiters, &w->gate_link);
    c->n_waiters++;
    c->n_exclusive += !w->shared;
    p->n_waiting++;
    if (deadline < p->waiter_bound)
        p->waiter_bound = deadline;
    return w;
}

void oxy__waiter_leave(oxy_waiter *w)
{
    oxy__class *c = oxy__class_of(w->pool, w->want);

    node_remove(&w->link);
    node_remove(&w->gate_link);
    c->n_waiters--;
    c->n_exclusive -= !w->shared;
    w->pool->n_waiting--;
}

void oxy__waiter_recycle(oxy_waiter *w)
{
    list_push_front(&w->pool->spare, &w->link);
}

void oxy__action_queue(oxy_pool *p, oxy__pending *a, oxy_action_kind kind)
{
    a->kind = kind;
    list_push_back(&p->actions, &a->link);
}

bool oxy_pool_has_action(const oxy_pool *p)
{
    return !list_empty(&p->actions);
}

/* The object an action lies in follows from its kind. */
bool oxy_pool_next_action(oxy_pool *p, oxy_action *out)
{
    if (list_empty(&p->actions))
        return false;
    oxy__pending *a = OXY__OWNER(p->actions.next, oxy__pending, link);

    node_remove(&a->link);
    *out = (oxy_action){.kind = a->kind};
    switch (a->kind) {
    case OXY_ACT_CONNECT:
    case OXY_ACT_PING:
        out->slot = OXY__OWNER(a, oxy_slot, start);
        out->slot->began = ++p->events; /* now: who joined while it was in the queue hears of it */
        out->role = oxy_slot_role(out->slot);
        break;
    case OXY_ACT_CLOSE:
        out->slot = OXY__OWNER(a, oxy_slot, closing);
        out->conn = out->slot->closing_conn;
        out->slot->closing_conn = NULL;
        break;
    case OXY_ACT_GRANT:
    case OXY_ACT_TIMEOUT:
    case OXY_ACT_FAIL: {
        oxy_waiter *w = OXY__OWNER(a, oxy_waiter, pending);

        out->waiter = w->token;
        if (a->kind == OXY_ACT_GRANT) {
            out->slot = w->slot;
            w->slot->n_granting--;
        } else if (a->kind == OXY_ACT_FAIL) {
            out->err = w->closed ? &p->closed_error : &p->fail_error;
        }
        oxy__waiter_recycle(w);
        break;
    }
    case OXY_ACT_DRAINED: break;
    }
    return true;
}
