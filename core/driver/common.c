/* SPDX-License-Identifier: MIT */
/* What the connections of a pool have in common. */
#include "common.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <unistd.h>

struct oxy_common {
    const oxy_alloc *alloc;
    atomic_uint refs;
    pid_t pid;
    pthread_mutex_t lock;
    void *thing; /* under lock */
    void (*free)(void *thing);
    oxy__member *members; /* under lock */
};

oxy_rc oxy_common_new(const oxy_alloc *alloc, oxy_common **out)
{
    oxy_common *c = oxy_alloc_zero(alloc, 1, sizeof *c);

    *out = NULL;
    if (!c)
        return OXY_NOMEM;
    if (pthread_mutex_init(&c->lock, NULL)) {
        oxy_alloc_free(alloc, c);
        return OXY_NOMEM;
    }
    c->alloc = alloc;
    c->pid = getpid();
    atomic_init(&c->refs, 1);
    *out = c;
    return OXY_OK;
}

oxy_common *oxy__common_hold(oxy_common *c)
{
    if (c)
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void oxy_common_drop(oxy_common *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    /* The parent goes on with it. */
    if (c->pid != getpid())
        return;
    if (c->thing)
        c->free(c->thing);
    (void)pthread_mutex_destroy(&c->lock);
    oxy_alloc_free(c->alloc, c);
}

void *oxy__common_take(oxy_common *c)
{
    void *thing;

    if (!c || c->pid != getpid())
        return NULL;
    (void)pthread_mutex_lock(&c->lock);
    thing = c->thing;
    c->thing = NULL;
    (void)pthread_mutex_unlock(&c->lock);
    return thing;
}

bool oxy__common_keep(oxy_common *c, void *thing, void (*free)(void *thing))
{
    bool kept;

    if (!c || c->pid != getpid())
        return false;
    (void)pthread_mutex_lock(&c->lock);
    kept = c->thing == NULL;
    if (kept) {
        c->thing = thing;
        c->free = free;
    }
    (void)pthread_mutex_unlock(&c->lock);
    return kept;
}

void oxy__common_join(oxy_common *c, oxy__member *m)
{
    (void)pthread_mutex_lock(&c->lock);
    m->previous = NULL;
    m->next = c->members;
    if (m->next)
        m->next->previous = m;
    c->members = m;
    (void)pthread_mutex_unlock(&c->lock);
}

void oxy__common_leave(oxy_common *c, oxy__member *m)
{
    if (c->pid != getpid())
        return;
    (void)pthread_mutex_lock(&c->lock);
    if (m->next)
        m->next->previous = m->previous;
    if (m->previous)
        m->previous->next = m->next;
    else
        c->members = m->next;
    (void)pthread_mutex_unlock(&c->lock);
}

void oxy__common_tell(oxy_common *c, void (*tell)(oxy__member *m))
{
    if (!c || c->pid != getpid())
        return;
    (void)pthread_mutex_lock(&c->lock);
    for (oxy__member *m = c->members; m; m = m->next)
        tell(m);
    (void)pthread_mutex_unlock(&c->lock);
}
