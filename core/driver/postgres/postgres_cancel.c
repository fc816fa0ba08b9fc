/* SPDX-License-Identifier: MIT */
/* Cancelling: a CancelRequest over a connection of its own, sent by an errand,
 * since libpq's calls for it block. Encrypted if the connection is and libpq
 * can (17 and later).
 *
 * The server acts on a CancelRequest some time after it took it, and whatever
 * runs then is hit. It acts before it closes that connection, and the errand
 * waits for that. So while an errand is under way no request's end is told and no
 * new flight begins behind the cancelled one.
 *
 * A CancelRequest can also come too early, before the server has read the
 * statement, and then does nothing. So the errand stays for a while and asks
 * again, until the answer to the request has come. */
#include "postgres.h"

#include <string.h>
#include <time.h>

#if defined(LIBPQ_HAS_ASYNC_CANCEL)
#define ENCRYPTED 1
#else
#define ENCRYPTED 0
#endif

struct oxy__pg_address {
    const oxy_alloc *alloc;
    atomic_uint refs; /* the connection's and the errand's, which is one at most */
    PGcancel *plain;
#if ENCRYPTED
    PGcancelConn *encrypted; /* used by one errand at a time */
#endif
    pthread_mutex_t lock;
    pthread_cond_t met;
    bool wanted; /* under lock: the answer has not come */
};

typedef struct cancel_errand {
    oxy__errand base;
    oxy__pg_address *address;
} cancel_errand;

static void address_drop(oxy__pg_address *a)
{
    if (!a || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_cond_destroy(&a->met);
    pthread_mutex_destroy(&a->lock);
    PQfreeCancel(a->plain);
#if ENCRYPTED
    PQcancelFinish(a->encrypted);
#endif
    oxy_alloc_free(a->alloc, a);
}

static oxy__pg_address *address_new(const oxy_alloc *alloc)
{
    oxy__pg_address *a = oxy_alloc_zero(alloc, 1, sizeof *a);

    if (!a)
        return NULL;
    a->alloc = alloc;
    atomic_init(&a->refs, 1);
    if (pthread_mutex_init(&a->lock, NULL)) {
        oxy_alloc_free(alloc, a);
        return NULL;
    }
    if (pthread_cond_init(&a->met, NULL)) {
        pthread_mutex_destroy(&a->lock);
        oxy_alloc_free(alloc, a);
        return NULL;
    }
    return a;
}

static void want(oxy__pg_address *a, bool wanted)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->wanted = wanted;
    pthread_cond_signal(&a->met);
    pthread_mutex_unlock(&a->lock);
}

/* A failure is nobody's: the statement then runs on, and the caller's clock
 * decides about the connection. */
static void ask_once(oxy__pg_address *a)
{
    char words[256];

#if ENCRYPTED
    if (a->encrypted) {
        (void)PQcancelBlocking(a->encrypted);
        PQcancelReset(a->encrypted);
        return;
    }
#endif
    (void)PQcancel(a->plain, words, sizeof words);
}

static bool wanted_after(oxy__pg_address *a, long ms)
{
    struct timespec until;
    bool wanted;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * OXY_NS_PER_MS;
    if (until.tv_nsec >= OXY_NS_PER_S) {
        until.tv_sec++;
        until.tv_nsec -= OXY_NS_PER_S;
    }
    pthread_mutex_lock(&a->lock);
    while (a->wanted)
        if (pthread_cond_timedwait(&a->met, &a->lock, &until) != 0)
            break;
    wanted = a->wanted;
    pthread_mutex_unlock(&a->lock);
    return wanted;
}

static void run_cancel(oxy__errand *e)
{
    static const long pauses[] = {20, 100, 500, 0}; /* milliseconds */
    oxy__pg_address *a = ((cancel_errand *)e)->address;

    for (size_t i = 0; i < OXY_COUNT(pauses) && wanted_after(a, 0); i++) {
        ask_once(a);
        if (!wanted_after(a, pauses[i]))
            break;
    }
}

static void free_cancel(oxy__errand *e)
{
    oxy__pg_address *a = ((cancel_errand *)e)->address;
    const oxy_alloc *alloc = a->alloc;

    address_drop(a);
    oxy_alloc_free(alloc, e);
}

oxy_rc oxy__pg_cancel_init(oxy__pg *c)
{
    return pthread_mutex_init(&c->cancel.lock, NULL) ? OXY_NOMEM : OXY_OK;
}

void oxy__pg_cancel_fini(oxy__pg *c)
{
    want(c->cancel.address, false);
    oxy__errand_drop(c->cancel.errand);
    address_drop(c->cancel.address);
    pthread_mutex_destroy(&c->cancel.lock);
}

oxy_rc oxy__pg_cancel_ready(oxy__pg *c)
{
    oxy__pg_address *a = address_new(c->base.alloc);

    if (!a)
        return OXY_NOMEM;
#if ENCRYPTED
    if (PQsslInUse(c->pq) || PQgssEncInUse(c->pq)) {
        a->encrypted = PQcancelCreate(c->pq);
        if (!a->encrypted || PQcancelStatus(a->encrypted) == CONNECTION_BAD) {
            address_drop(a);
            return OXY_NOMEM;
        }
    }
#endif
    a->plain = PQgetCancel(c->pq);
    if (!a->plain) {
        address_drop(a);
        return OXY_NOMEM;
    }
    pthread_mutex_lock(&c->cancel.lock);
    c->cancel.address = a;
    pthread_mutex_unlock(&c->cancel.lock);
    return OXY_OK;
}

/* Under the lock. */
static void send_errand(oxy__pg *c)
{
    oxy__pg_cancel *k = &c->cancel;
    cancel_errand *e = oxy_alloc_zero(c->base.alloc, 1, sizeof *e);
    oxy_err err;

    if (!e)
        return;
    if (oxy__errand_init(&e->base, run_cancel, free_cancel) != OXY_OK) {
        oxy_alloc_free(c->base.alloc, e);
        return;
    }
    e->address = k->address;
    atomic_fetch_add_explicit(&k->address->refs, 1, memory_order_relaxed);
    if (oxy__errands_send(c->errands, &e->base, &err) != OXY_OK) {
        oxy__errand_drop(&e->base);
        return;
    }
    oxy__errand_drop(k->errand);
    k->errand = &e->base;
}

void oxy__pg_cancel_send(oxy__pg *c)
{
    oxy__pg_cancel *k = &c->cancel;

    pthread_mutex_lock(&k->lock);
    if (k->active && k->address) {
        k->asked = k->stray = true;
        if (!k->errand || oxy__errand_over(k->errand)) {
            k->target = k->oldest;
            want(k->address, true);
            send_errand(c);
        }
    }
    pthread_mutex_unlock(&k->lock);
}

void oxy__pg_cancel_arm(oxy__pg *c)
{
    pthread_mutex_lock(&c->cancel.lock);
    c->cancel.active = c->head->stage != OXY__PG_OVER;
    c->cancel.oldest = c->head;
    pthread_mutex_unlock(&c->cancel.lock);
}

void oxy__pg_cancel_met(oxy__pg *c, const oxy__pg_run *run)
{
    oxy__pg_cancel *k = &c->cancel;

    pthread_mutex_lock(&k->lock);
    if (k->target && (!run || k->target == run)) {
        k->target = NULL;
        want(k->address, false);
    }
    if (run && k->oldest == run)
        k->active = false; /* until the next is the oldest: this one cannot be stopped any more */
    pthread_mutex_unlock(&k->lock);
}

bool oxy__pg_cancel_disarm(oxy__pg *c)
{
    oxy__pg_cancel *k = &c->cancel;
    bool quiet;

    pthread_mutex_lock(&k->lock);
    quiet = !k->errand || oxy__errand_over(k->errand);
    if (quiet) {
        oxy__errand_drop(k->errand);
        k->errand = NULL;
        k->asked = false;
    }
    pthread_mutex_unlock(&k->lock);
    return quiet;
}

void oxy__pg_cancel_turn(oxy__pg *c)
{
    oxy__pg_cancel *k = &c->cancel;

    pthread_mutex_lock(&k->lock);
    k->asked = false;
    k->oldest = c->head;
    k->active = c->head && c->head->stage != OXY__PG_OVER;
    if (!c->head && !k->errand)
        k->stray = false;
    pthread_mutex_unlock(&k->lock);
}

bool oxy__pg_cancel_asked(oxy__pg *c)
{
    bool stray;

    pthread_mutex_lock(&c->cancel.lock);
    stray = c->cancel.stray;
    pthread_mutex_unlock(&c->cancel.lock);
    return stray;
}

bool oxy__pg_cancel_hits(oxy__pg *c)
{
    bool asked;

    pthread_mutex_lock(&c->cancel.lock);
    asked = c->cancel.asked;
    pthread_mutex_unlock(&c->cancel.lock);
    return asked;
}

bool oxy__pg_cancel_busy(oxy__pg *c)
{
    oxy__pg_cancel *k = &c->cancel;
    bool busy;

    pthread_mutex_lock(&k->lock);
    busy = k->errand && !oxy__errand_over(k->errand);
    pthread_mutex_unlock(&k->lock);
    return busy;
}

oxy_rc oxy__pg_cancel_wait(oxy__pg *c, oxy_notify notify, void *arg)
{
    oxy__pg_cancel *k = &c->cancel;
    oxy__errand *e;

    pthread_mutex_lock(&k->lock);
    e = k->errand;
    if (e)
        oxy__errand_wait(e, notify, arg);
    pthread_mutex_unlock(&k->lock);
    if (!e)
        notify(arg);
    return OXY_OK;
}
