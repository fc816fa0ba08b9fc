/* SPDX-License-Identifier: MIT */
/* fail_alloc: an allocator whose call number N fails, and a loop that makes
 * each call of an operation fail in turn ("torture"). For the tests of every
 * room. Include after cmocka.h.
 *
 *     static oxy_rc compile_once(const oxy_alloc *alloc, void *arg) { ... }
 *     ...
 *     fail_torture(compile_once, &input);
 *
 * The operation must free all it took, whether it succeeds or fails. */
#ifndef OXY_TESTS_FAIL_ALLOC_H
#define OXY_TESTS_FAIL_ALLOC_H

#include <oxyde/base.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct fail_alloc {
    oxy_alloc alloc;      /* hand &fail.alloc to the code under test */
    atomic_size_t calls;  /* allocating calls so far, failed ones included */
    atomic_size_t failed; /* how many of them failed */
    atomic_size_t live;   /* blocks taken and not yet freed */
    size_t fail_at;       /* number of the call that fails, from 1; 0: none */
    bool fail_after;      /* so do all calls after it */
};

static inline void *fail_alloc_realloc(void *ctx, void *p, size_t size)
{
    struct fail_alloc *fail = ctx;
    void *q;
    size_t call;

    if (size == 0) {
        if (p != NULL)
            atomic_fetch_sub(&fail->live, 1);
        free(p);
        return NULL;
    }
    call = atomic_fetch_add(&fail->calls, 1) + 1;
    if (fail->fail_at != 0 && (call == fail->fail_at || (fail->fail_after && call > fail->fail_at))) {
        atomic_fetch_add(&fail->failed, 1);
        return NULL;
    }
    q = realloc(p, size);
    if (p == NULL && q != NULL)
        atomic_fetch_add(&fail->live, 1);
    return q;
}

/* fail must not move while it is in use. */
static inline void fail_alloc_init(struct fail_alloc *fail, size_t fail_at)
{
    *fail = (struct fail_alloc){.fail_at = fail_at};
    fail->alloc = (oxy_alloc){.realloc = fail_alloc_realloc, .ctx = fail};
}

/* One run of the operation under test with the given allocator. */
typedef oxy_rc (*fail_run_fn)(const oxy_alloc *alloc, void *arg);

/* A thread that the operation used may be about to put down what it holds. */
static inline void fail_settle(const struct fail_alloc *fail)
{
    const struct timespec moment = {.tv_nsec = 1000000};

    for (int i = 0; i < 5000 && atomic_load(&fail->live) != 0; i++)
        (void)nanosleep(&moment, NULL);
}

/* Runs the operation with a failure at call 1, 2, 3, ... until it meets none,
 * once with that single failure and once with all later calls failing too.
 * Each failed run must tell OXY_NOMEM, the last run OXY_OK, and none may leak.
 * Returns how many calls an undisturbed run makes. */
static inline size_t fail_torture(fail_run_fn run, void *arg)
{
    size_t at;

    for (at = 1;; at++) {
        int after;

        for (after = 0; after <= 1; after++) {
            struct fail_alloc fail;
            oxy_rc rc;

            fail_alloc_init(&fail, at);
            fail.fail_after = after != 0;
            rc = run(&fail.alloc, arg);
            fail_settle(&fail);
            assert_int_equal(atomic_load(&fail.live), 0);
            if (atomic_load(&fail.failed) == 0) {
                assert_int_equal(rc, OXY_OK);
                return atomic_load(&fail.calls);
            }
            assert_int_equal(rc, OXY_NOMEM);
        }
    }
}

#endif
