/* SPDX-License-Identifier: MIT */
/* Threads for blocking calls: started when work waits and no thread is idle,
 * ended after a while without work.
 *
 * Lock order: the pool's, then an errand's. Neither is held while an errand runs
 * or somebody is notified.
 *
 * In a forked child the threads are gone and the locks may be held by them for
 * ever: there nothing is sent and nothing freed. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pthread_setname_np */
#endif
#include "errand.h"

#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

typedef enum seat_state { SEAT_EMPTY, SEAT_TAKEN, SEAT_LEFT } seat_state;

typedef struct seat {
    oxy_errands *pool;
    pthread_t thread;
    seat_state state; /* LEFT: the thread is done and waits for being joined */
} seat;

struct oxy_errands {
    const oxy_alloc *alloc;
    pid_t pid;
    pthread_mutex_t lock;
    pthread_cond_t wake, calm; /* calm: none runs */
    /* under lock: */
    seat seats[OXY__ERRAND_THREADS];
    oxy__errand *head, **tail;
    unsigned idle;    /* threads that wait */
    unsigned running; /* errands */
    unsigned pauses;  /* while there are any, no errand begins */
    unsigned waiting; /* errands in the queue */
    bool quit;
};

/* --- one errand ------------------------------------------------------------------- */

oxy_rc oxy__errand_init(oxy__errand *e, void (*run)(oxy__errand *), void (*free)(oxy__errand *))
{
    memset(e, 0, sizeof *e);
    if (pthread_mutex_init(&e->lock, NULL))
        return OXY_NOMEM;
    e->run = run;
    e->free = free;
    atomic_init(&e->refs, 1);
    return OXY_OK;
}

static void let_go(oxy__errand *e)
{
    if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&e->lock);
    e->free(e);
}

bool oxy__errand_over(oxy__errand *e)
{
    bool over;

    pthread_mutex_lock(&e->lock);
    over = e->over;
    pthread_mutex_unlock(&e->lock);
    return over;
}

void oxy__errand_wait(oxy__errand *e, oxy_notify notify, void *arg)
{
    bool over;

    pthread_mutex_lock(&e->lock);
    over = e->over;
    if (!over) {
        e->notify = notify;
        e->arg = arg;
    }
    pthread_mutex_unlock(&e->lock);
    if (over)
        notify(arg);
}

void oxy__errand_drop(oxy__errand *e)
{
    if (!e)
        return;
    pthread_mutex_lock(&e->lock);
    e->notify = NULL;
    pthread_mutex_unlock(&e->lock);
    let_go(e);
}

/* Notifies under the lock: after drop() no notification may be under way, since
 * its argument may be gone. A notification must not call back into the driver. */
static void end(oxy__errand *e, bool dropped)
{
    pthread_mutex_lock(&e->lock);
    e->over = true;
    e->dropped = dropped;
    if (e->notify)
        e->notify(e->arg);
    e->notify = NULL;
    pthread_mutex_unlock(&e->lock);
    let_go(e);
}

/* --- threads ---------------------------------------------------------------------- */

static oxy__errand *pop(oxy_errands *pool)
{
    oxy__errand *e = pool->head;

    if (!e)
        return NULL;
    pool->head = e->next;
    if (!pool->head)
        pool->tail = &pool->head;
    pool->waiting--;
    return e;
}

/* false: nothing came for long enough. */
static bool wait_for_work(oxy_errands *pool)
{
    struct timespec until;
    int rc;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += OXY__ERRAND_IDLE / OXY_NS_PER_S;
    pool->idle++;
    rc = pthread_cond_timedwait(&pool->wake, &pool->lock, &until);
    pool->idle--;
    return rc == 0 || pool->head || pool->quit;
}

static void *thread_main(void *arg)
{
    seat *s = arg;
    oxy_errands *pool = s->pool;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        oxy__errand *e = pool->quit || pool->pauses ? NULL : pop(pool);

        if (e) {
            pool->running++;
            pthread_mutex_unlock(&pool->lock);
            e->run(e);
            end(e, false);
            pthread_mutex_lock(&pool->lock);
            if (--pool->running == 0)
                pthread_cond_broadcast(&pool->calm);
        } else if (pool->quit || !wait_for_work(pool)) {
            break;
        }
    }
    s->state = SEAT_LEFT;
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Under the lock. Signals are for the program's own threads. */
static int start_thread(oxy_errands *pool)
{
    sigset_t all, old;
    seat *s = NULL;
    int failed;

    for (size_t i = 0; i < OXY_COUNT(pool->seats) && !s; i++)
        if (pool->seats[i].state != SEAT_TAKEN)
            s = &pool->seats[i];
    if (!s)
        return 0; /* all are busy; one will come to it */
    if (s->state == SEAT_LEFT)
        (void)pthread_join(s->thread, NULL);
    s->state = SEAT_EMPTY;
    s->pool = pool;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    failed = pthread_create(&s->thread, NULL, thread_main, s);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed)
        return failed;
#ifdef __linux__
    (void)pthread_setname_np(s->thread, "oxyde-errand");
#endif
    s->state = SEAT_TAKEN;
    return 0;
}

static bool any_thread(const oxy_errands *pool)
{
    for (size_t i = 0; i < OXY_COUNT(pool->seats); i++)
        if (pool->seats[i].state == SEAT_TAKEN)
            return true;
    return false;
}

oxy_rc oxy__errands_send(oxy_errands *pool, oxy__errand *e, oxy_err *err)
{
    int failed = 0;

    if (!pool || pool->pid != getpid())
        return oxy_err_set(err, OXY_INTERFACE, "no threads for blocking calls in this process");
    pthread_mutex_lock(&pool->lock);
    if (pool->idle <= pool->waiting)
        failed = start_thread(pool);
    if (failed && !any_thread(pool)) {
        pthread_mutex_unlock(&pool->lock);
        return oxy_err_set(err, OXY_OPERATIONAL, "cannot start a thread: %s", strerror(failed));
    }
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    e->next = NULL;
    *pool->tail = e;
    pool->tail = &e->next;
    pool->waiting++;
    pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    return OXY_OK;
}

/* --- forks ---------------------------------------------------------------------------- */

static struct timespec after(oxy_ns limit)
{
    struct timespec until;
    oxy_ns nanos;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    nanos = (oxy_ns)until.tv_nsec + limit;
    until.tv_sec += (time_t)(nanos / OXY_NS_PER_S);
    until.tv_nsec = (long)(nanos % OXY_NS_PER_S);
    return until;
}

bool oxy_errands_pause(oxy_errands *pool, oxy_ns limit)
{
    struct timespec until = after(limit);
    bool calm;
    int rc = 0;

    if (pool->pid != getpid())
        return true;
    pthread_mutex_lock(&pool->lock);
    pool->pauses++;
    while (pool->running && rc == 0)
        rc = pthread_cond_timedwait(&pool->calm, &pool->lock, &until);
    calm = pool->running == 0;
    pthread_mutex_unlock(&pool->lock);
    return calm;
}

void oxy_errands_resume(oxy_errands *pool)
{
    if (pool->pid != getpid())
        return;
    pthread_mutex_lock(&pool->lock);
    if (pool->pauses && --pool->pauses == 0)
        pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

bool oxy_errands_settle(oxy_errands *pool, oxy_ns limit)
{
    struct timespec until = after(limit);
    bool calm;
    int rc = 0;

    if (pool->pid != getpid())
        return true;
    pthread_mutex_lock(&pool->lock);
    while ((pool->running || pool->head) && rc == 0)
        rc = pthread_cond_timedwait(&pool->calm, &pool->lock, &until);
    pool->pauses++;
    calm = pool->running == 0;
    pthread_mutex_unlock(&pool->lock);
    return calm;
}

/* --- life ---------------------------------------------------------------------------- */

oxy_rc oxy_errands_new(const oxy_alloc *alloc, oxy_errands **out)
{
    oxy_errands *pool = oxy_alloc_zero(alloc, 1, sizeof *pool);

    *out = NULL;
    if (!pool)
        return OXY_NOMEM;
    pool->alloc = alloc;
    pool->pid = getpid();
    pool->tail = &pool->head;
    if (pthread_mutex_init(&pool->lock, NULL)) {
        oxy_alloc_free(alloc, pool);
        return OXY_NOMEM;
    }
    if (pthread_cond_init(&pool->wake, NULL)) {
        pthread_mutex_destroy(&pool->lock);
        oxy_alloc_free(alloc, pool);
        return OXY_NOMEM;
    }
    if (pthread_cond_init(&pool->calm, NULL)) {
        pthread_cond_destroy(&pool->wake);
        pthread_mutex_destroy(&pool->lock);
        oxy_alloc_free(alloc, pool);
        return OXY_NOMEM;
    }
    *out = pool;
    return OXY_OK;
}

void oxy_errands_free(oxy_errands *pool)
{
    bool used[OXY__ERRAND_THREADS];
    oxy__errand *e;

    if (!pool || pool->pid != getpid())
        return;
    pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    pthread_cond_broadcast(&pool->wake);
    while ((e = pop(pool))) {
        pthread_mutex_unlock(&pool->lock);
        end(e, true);
        pthread_mutex_lock(&pool->lock);
    }
    for (size_t i = 0; i < OXY_COUNT(pool->seats); i++)
        used[i] = pool->seats[i].state != SEAT_EMPTY;
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < OXY_COUNT(pool->seats); i++)
        if (used[i])
            (void)pthread_join(pool->seats[i].thread, NULL);
    pthread_cond_destroy(&pool->calm);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    oxy_alloc_free(pool->alloc, pool);
}
