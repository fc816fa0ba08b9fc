/* SPDX-License-Identifier: MIT */
/* errand: one blocking call of a client library, done on a thread of
 * oxy_errands. Two hold it: the connection that sent it and the thread that runs
 * it; whoever lets go last frees it. So a connection can be closed at any time,
 * and an errand must own whatever it touches.
 *
 *     typedef struct lookup { oxy__errand base; char *host; ... } lookup;
 *     oxy__errand_init(&l->base, run_lookup, free_lookup);
 *     if (oxy__errands_send(e, &l->base, &err) != OXY_OK)
 *         oxy__errand_drop(&l->base);
 *     ... oxy__errand_over(&l->base) ... oxy__errand_drop(&l->base); */
#ifndef OXY_DRIVER_ERRAND_H
#define OXY_DRIVER_ERRAND_H

#include <oxyde/driver.h>

#include <pthread.h>
#include <stdatomic.h>

typedef struct oxy__errand oxy__errand;

struct oxy__errand {
    void (*run)(oxy__errand *e);  /* on another thread; may block */
    void (*free)(oxy__errand *e); /* of the memory; any thread */
    atomic_uint refs;
    pthread_mutex_t lock;
    bool over;         /* under lock: what run() wrote may be read */
    bool dropped;      /* under lock: it was never run, the pool is closing */
    oxy_notify notify; /* under lock: NULL when nobody waits */
    void *arg;
    oxy__errand *next; /* the pool's queue */
};

/* Most threads of one oxy_errands; more errands wait their turn. */
#define OXY__ERRAND_THREADS 8
/* A thread without work ends after so long. */
#define OXY__ERRAND_IDLE (10 * OXY_NS_PER_S)

/* e is the caller's, with one reference. */
OXY_MUSTUSE oxy_rc oxy__errand_init(oxy__errand *e, void (*run)(oxy__errand *), void (*free)(oxy__errand *));
/* Any thread. On success the pool holds a reference of its own. */
OXY_MUSTUSE oxy_rc oxy__errands_send(oxy_errands *pool, oxy__errand *e, oxy_err *err);
/* Whether run() has ended, or never will begin. Any thread. */
bool oxy__errand_over(oxy__errand *e);
/* Calls notify once the errand is over; here and now if it is. */
void oxy__errand_wait(oxy__errand *e, oxy_notify notify, void *arg);
/* Lets go: nobody is notified any more. NULL is fine. */
void oxy__errand_drop(oxy__errand *e);

#endif
