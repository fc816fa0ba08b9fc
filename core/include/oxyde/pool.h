/* SPDX-License-Identifier: MIT */
/* pool: who may use which connection when. A pure state machine: events in
 * (acquire, release, connected, failed, tick), actions out (connect, close,
 * grant, ...). It owns no socket, starts no thread, reads no clock: `now` is
 * an argument of every event. That is what makes it testable by simulation.
 *
 * Threads: not thread-safe; the caller holds one lock around every call to
 * the pools that share a gate (in practice one lock per process).
 *
 * Protocol: after every event, take actions with oxy_pool_next_action() until
 * it returns false, and carry them out in order. */
#ifndef OXYDE_POOL_H
#define OXYDE_POOL_H

#include <oxyde/base.h>
#include <oxyde/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct oxy_pool oxy_pool;
typedef struct oxy_slot oxy_slot;     /* a place for one connection */
typedef struct oxy_waiter oxy_waiter; /* a queued acquire */
typedef struct oxy_gate oxy_gate;     /* fair lock shared by pools of one file */

/* SHARED: a plain read that tolerates company. It gets a connection of its own
 * while there is one; when all are busy, none may be opened and nobody else
 * waits, it joins the least crowded connection whose holders are all SHARED. */
typedef enum oxy_want { OXY_WANT_ANY, OXY_WANT_READER, OXY_WANT_WRITER, OXY_WANT_SHARED } oxy_want;

typedef struct oxy_pool_config {
    uint32_t max, min;
    oxy_ns idle_timeout, max_lifetime; /* OXY_NS_NEVER: off */
    oxy_ns ping_after;                 /* idle longer than this: PING before a grant; 0: always; NEVER: off */
    oxy_ns connect_retry;              /* how long refused connects are retried */
    uint64_t seed;                     /* for the +-10 % spread of lifetimes and back-off */
    /* SQLite: one slot is the writer, the others are readers; with max 1 the
     * writer serves both. false: every slot serves every wish. */
    bool single_writer;
    uint32_t share_max; /* holders of one connection at most; 0 or 1: SHARED is as ANY */
    oxy_gate *gate;     /* held while the writer is granted; may be NULL; borrowed */
} oxy_pool_config;

typedef enum oxy_action_kind {
    OXY_ACT_CONNECT, /* open a connection for slot; answer with connected or connect_failed */
    OXY_ACT_CLOSE,   /* close slot's connection (its user pointer is handed over here) */
    OXY_ACT_PING,    /* check slot's connection; answer with ping_ok or broken */
    OXY_ACT_GRANT,   /* waiter now holds slot */
    OXY_ACT_TIMEOUT, /* waiter's deadline passed */
    OXY_ACT_FAIL,    /* waiter fails with err (connect error, closed pool) */
    OXY_ACT_DRAINED  /* after close: the last connection is gone */
} oxy_action_kind;

typedef struct oxy_action {
    oxy_action_kind kind;
    oxy_slot *slot;
    oxy_want role;      /* CONNECT: what the connection is for */
    void *conn;         /* CLOSE: what connected() was given */
    void *waiter;       /* GRANT, TIMEOUT, FAIL: the token given to acquire; the waiter is gone */
    const oxy_err *err; /* FAIL: valid until the next event */
} oxy_action;

OXY_MUSTUSE oxy_rc oxy_pool_new(const oxy_pool_config *config, const oxy_alloc *alloc, oxy_pool **out);
/* Only after DRAINED or before any connection was made. */
void oxy_pool_free(oxy_pool *p);

/* Starts opening min connections. */
void oxy_pool_start(oxy_pool *p, oxy_ns now);

typedef enum oxy_acquire { OXY_ACQUIRE_GRANTED, OXY_ACQUIRE_QUEUED, OXY_ACQUIRE_FAILED } oxy_acquire;

/* Asks for a connection. GRANTED: *slot is held now (no GRANT action follows).
 * QUEUED: *waiter may be used with oxy_pool_abandon until its action comes.
 * FAILED: *err tells. deadline <= now means "do not wait". First come, first
 * served among those that want the same role. */
OXY_MUSTUSE oxy_acquire oxy_pool_acquire(oxy_pool *p, oxy_want want, oxy_ns now, oxy_ns deadline, void *token,
                                         oxy_slot **slot, oxy_waiter **waiter, oxy_err *err);
/* Asks for a place beside a plain read that the caller has on s and has not sent yet:
 * the two will travel together. True: s has a holder more. False: somebody waits, s
 * is full, too old or given up; acquire as ever. */
bool oxy_pool_join(oxy_pool *p, oxy_slot *s, oxy_ns now);
/* The waiter gave up (cancelled). If its GRANT action is already queued but
 * not taken, the slot goes to the next. */
void oxy_pool_abandon(oxy_pool *p, oxy_waiter *w, oxy_ns now);

typedef enum oxy_fate { OXY_FATE_REUSE, OXY_FATE_CLOSE } oxy_fate;

/* A holder is done. REUSE only for a connection whose own status is IDLE and
 * clean, or that others still hold. After CLOSE nobody joins it any more, and it
 * is closed when the last holder is done. */
void oxy_pool_release(oxy_pool *p, oxy_slot *s, oxy_fate fate, oxy_ns now);

void oxy_pool_connected(oxy_pool *p, oxy_slot *s, void *conn, oxy_ns now);
/* retryable: it may pass by itself (refused, starting, full). Such a connect is
 * tried again with back-off for connect_retry. Otherwise, while nothing is open,
 * everybody fails with err who waited when the CONNECT was taken; for those who
 * came later another begins. */
void oxy_pool_connect_failed(oxy_pool *p, oxy_slot *s, const oxy_err *err, bool retryable, oxy_ns now);
void oxy_pool_ping_ok(oxy_pool *p, oxy_slot *s, oxy_ns now);
void oxy_pool_ping_failed(oxy_pool *p, oxy_slot *s, oxy_ns now);
/* An idle connection turned out to be dead: it is closed, and replaced if the
 * minimum asks for it. If it was granted meanwhile, it is closed when it comes
 * back. The caller makes sure that the slot still has the connection it means. */
void oxy_pool_lost(oxy_pool *p, oxy_slot *s, oxy_ns now);
/* Closes all idle connections, and those that are busy or opening when they
 * come back: they lead to the wrong server. */
void oxy_pool_renew(oxy_pool *p, oxy_ns now);

/* Deadlines, idle and lifetime limits, retries. Call at or after oxy_pool_wake_at(),
 * which any event may have brought forward. */
void oxy_pool_tick(oxy_pool *p, oxy_ns now);
oxy_ns oxy_pool_wake_at(const oxy_pool *p); /* OXY_NS_NEVER: nothing to wait for */

/* No new acquires; waiters fail, idle connections close; DRAINED follows when
 * the busy ones came back. */
void oxy_pool_close(oxy_pool *p, oxy_ns now);

bool oxy_pool_next_action(oxy_pool *p, oxy_action *out);
bool oxy_pool_has_action(const oxy_pool *p);

void *oxy_slot_conn(const oxy_slot *s);
/* Free for the holders (who, since when, which SQL): one pointer a slot, cleared
 * with the last release. */
void oxy_slot_set_holder(oxy_slot *s, void *holder, oxy_ns since);
void *oxy_slot_holder(const oxy_slot *s, oxy_ns *since);
uint32_t oxy_slot_holders(const oxy_slot *s); /* how many hold it; above 1 only when shared */
oxy_want oxy_slot_role(const oxy_slot *s);

typedef struct oxy_pool_stats {
    uint32_t size, idle, busy, waiting, max;
    uint64_t opened, closed, acquired, timeouts;
    oxy_ns waited; /* sum over all acquires */
} oxy_pool_stats;

void oxy_pool_get_stats(const oxy_pool *p, oxy_pool_stats *out);
/* Calls visit for each busy slot, longest holder first. */
void oxy_pool_holders(const oxy_pool *p, void (*visit)(void *arg, const oxy_slot *s), void *arg);
/* OXY_OK if there was none since the last success. */
const oxy_err *oxy_pool_last_error(const oxy_pool *p);

/* Verifies every invariant; false (with words in err) is a bug. For tests. */
bool oxy_pool_check(const oxy_pool *p, oxy_err *err);

/* --- gate ---------------------------------------------------------------------- */

/* One writer at a time over several pools on one file, first come first
 * served across them. Reference-counted; guarded by the callers' one lock. */
OXY_MUSTUSE oxy_rc oxy_gate_new(const oxy_alloc *alloc, oxy_gate **out);
void oxy_gate_ref(oxy_gate *g);
void oxy_gate_unref(oxy_gate *g);
/* After any event on one pool, another may have become runnable: returns the
 * next pool with actions to take, or NULL. */
oxy_pool *oxy_gate_next_pool(oxy_gate *g);

#ifdef __cplusplus
}
#endif
#endif
