/* SPDX-License-Identifier: MIT */
/* What pool.c, queue.c and gate.c share. Every object sits on exactly the
 * lists its state names:
 *
 *   slot EMPTY       class.empty
 *   slot CONNECTING  no list (an action or an answer is under way)
 *   slot RETRY       class.retry, until retry_at
 *   slot IDLE        class.idle, most recently used first
 *   slot PINGING     no list
 *   slot BUSY        pool.busy, longest holder first; if its holders are plain
 *                    reads and it is not doomed, also pool.shares[holders]
 *   waiter           class.waiters until its action is queued; with a gate and
 *                    a wish to write also gate.waiters */
#ifndef OXY_POOL_INTERNAL_H
#define OXY_POOL_INTERNAL_H

#include <oxyde/pool.h>

/* Intrusive list; the head is a node of its own, a detached node points to itself. */
typedef struct oxy__node {
    struct oxy__node *prev, *next;
} oxy__node;

static inline void node_init(oxy__node *n)
{
    n->prev = n->next = n;
}

static inline bool list_empty(const oxy__node *head)
{
    return head->next == head;
}

static inline void node_remove(oxy__node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    node_init(n);
}

static inline void list_push_back(oxy__node *head, oxy__node *n)
{
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}

static inline void list_push_front(oxy__node *head, oxy__node *n)
{
    list_push_back(head->next, n);
}

#define OXY__OWNER(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

/* An action lies inside the object it is about, so queueing one cannot fail. */
typedef struct oxy__pending {
    oxy__node link; /* detached: not queued */
    oxy_action_kind kind;
} oxy__pending;

typedef enum oxy__slot_state {
    SLOT_EMPTY,
    SLOT_CONNECTING,
    SLOT_RETRY,
    SLOT_IDLE,
    SLOT_PINGING,
    SLOT_BUSY
} oxy__slot_state;

struct oxy_slot {
    oxy_pool *pool;
    uint32_t number;
    oxy__slot_state state;
    oxy__node link, share_link;
    oxy__pending start;   /* CONNECT or PING */
    oxy__pending closing; /* CLOSE, of closing_conn; may wait while start is queued behind it */
    void *conn, *closing_conn;
    oxy_ns idle_since, expires_at;
    oxy_ns first_attempt, retry_at; /* of the connect under way */
    uint64_t began;                 /* it, or the last attempt, in the pool's order of events */
    uint32_t attempts;
    void *holder;
    oxy_ns held_since, holder_since;
    uint32_t holders, n_granting; /* of them: with a GRANT not taken yet */
    bool shared;                  /* BUSY: the holders tolerate company */
    bool doomed;                  /* CONNECTING, PINGING, BUSY: closed as soon as that is over */
    bool holds_gate;
};

struct oxy_waiter {
    oxy_pool *pool;
    oxy__node link, gate_link;
    oxy__pending pending; /* GRANT, TIMEOUT or FAIL */
    oxy_want want;
    oxy_ns since, deadline;
    uint64_t joined; /* in the pool's order of events */
    void *token;
    oxy_slot *slot; /* GRANT */
    bool shared;    /* tolerates company */
    bool closed;    /* FAIL because the pool was closed */
};

/* Slots that serve the same wishes. */
typedef struct oxy__class {
    uint32_t first, count; /* slots[first .. first + count) */
    oxy__node empty, idle, retry, waiters;
    uint32_t n_waiters, n_exclusive /* of them: tolerate no company */;
    uint32_t n_starting /* CONNECTING, PINGING, RETRY */, n_retry, n_open /* IDLE, PINGING, BUSY */;
    oxy_ns cool_until; /* after a failed connect: no new attempt before */
    uint32_t failures;
    bool may_recover; /* the last failure was of a kind that passes */
} oxy__class;

struct oxy_pool {
    oxy_pool_config config;
    const oxy_alloc *alloc;
    oxy_slot *slots;
    oxy__class classes[2];
    uint32_t n_classes;
    oxy__node busy, actions, spare; /* spare: waiters for reuse */
    oxy__node gate_pools;           /* in gate.pools */
    oxy__node *shares;              /* [share_max + 1]: shared slots by number of holders; only class 0 shares */
    uint32_t share_max;             /* 1: nobody shares */
    uint32_t n_shared, n_sharers;   /* slots in shares, their holders */
    oxy__pending drained;
    uint32_t n_busy, n_idle, n_live, n_waiting; /* live: every state but EMPTY and RETRY */
    bool closed, drained_said;
    uint64_t events; /* waiters that joined and connects that began, counted */
    uint64_t random;
    oxy_ns waiter_bound, slot_bound; /* nothing expires before */
    oxy_err last_error, fail_error, closed_error;
    oxy_pool_stats stats;
};

struct oxy_gate {
    const oxy_alloc *alloc;
    uint32_t refs;
    oxy_slot *owner;          /* the slot that writes, or NULL */
    oxy__node waiters, pools; /* across pools, in order of arrival */
};

static inline oxy_ns oxy__at_after(oxy_ns now, oxy_ns span)
{
    return span >= OXY_NS_NEVER - now ? OXY_NS_NEVER : now + span;
}

static inline oxy_ns oxy__earlier(oxy_ns a, oxy_ns b)
{
    return a < b ? a : b;
}

static inline bool oxy__is_gated(const oxy_pool *p, oxy_want want)
{
    return p->config.gate != NULL && want == OXY_WANT_WRITER;
}

static inline bool oxy__is_shared(const oxy_pool *p, oxy_want want)
{
    return want == OXY_WANT_SHARED && p->share_max > 1;
}

/* slot.c */
oxy_ns oxy__pool_spread(oxy_pool *p, oxy_ns span); /* somewhere between 90 % and 110 % of it */
oxy_ns oxy__pool_backoff(oxy_pool *p, uint32_t failures);
void oxy__slot_connect(oxy_slot *s, oxy_ns now);
void oxy__slot_ping(oxy_slot *s);
void oxy__slot_retry(oxy_slot *s, oxy_ns at);
void oxy__slot_empty(oxy_slot *s);
void oxy__slot_close(oxy_slot *s); /* hands the connection out for closing and empties the slot */
void oxy__slot_rest(oxy_slot *s, oxy_ns now);
void oxy__slot_hold(oxy_slot *s, oxy_want want, oxy_ns since, oxy_ns now); /* IDLE to BUSY */
void oxy__slot_join(oxy_slot *s, oxy_ns since, oxy_ns now);
void oxy__slot_part(oxy_slot *s); /* one of several holders is done */
void oxy__slot_doom(oxy_slot *s); /* CONNECTING, PINGING or BUSY */
/* serve.c */
void oxy__class_dispatch(oxy_pool *p, oxy__class *c, oxy_ns now);
void oxy__pool_dispatch(oxy_pool *p, oxy_ns now);
/* The idle slot to hand out next, or NULL after starting what must come first
 * (a ping, a close of what has expired). */
oxy_slot *oxy__take_idle(oxy_pool *p, oxy__class *c, oxy_ns now);
/* The busy slot that the first of n_reads plain reads joins, or NULL. Only while
 * nobody waits who tolerates no company. */
oxy_slot *oxy__find_company(oxy_pool *p, oxy__class *c, uint32_t n_reads, oxy_ns now);
/* Those who joined before an event; closed: because the pool is. */
void oxy__fail_waiters(oxy__class *c, uint64_t before, bool closed);
void oxy__expire_waiters(oxy_pool *p, oxy__class *c, oxy_ns now);
/* gate.c */
bool oxy__gate_free_for(const oxy_gate *g, const oxy_waiter *w); /* w NULL: somebody who just came */
void oxy__gate_pump(oxy_gate *g, oxy_ns now);
/* queue.c */
oxy__class *oxy__class_of(oxy_pool *p, oxy_want want);
oxy__class *oxy__class_of_slot(oxy_slot *s);
oxy_waiter *oxy__waiter_new(oxy_pool *p, oxy_want want, oxy_ns now, oxy_ns deadline, void *token);
void oxy__waiter_leave(oxy_waiter *w); /* off the queues, before its action */
void oxy__waiter_recycle(oxy_waiter *w);
void oxy__action_queue(oxy_pool *p, oxy__pending *a, oxy_action_kind kind);

#endif
