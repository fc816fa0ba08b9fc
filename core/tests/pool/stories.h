/* SPDX-License-Identifier: MIT */
/* What short stories about a pool are told with. */
#ifndef OXY_TEST_POOL_STORIES_H
#define OXY_TEST_POOL_STORIES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <oxyde/pool.h>

#define SECONDS(n) ((n) * OXY_NS_PER_S)

static int connection; /* something to point at */

static inline oxy_pool_config plain(uint32_t max)
{
    return (oxy_pool_config){
        .max = max, .idle_timeout = OXY_NS_NEVER, .max_lifetime = OXY_NS_NEVER, .ping_after = OXY_NS_NEVER, .seed = 7};
}

static inline oxy_pool *make(const oxy_pool_config *config)
{
    oxy_pool *p;

    assert_int_equal(oxy_pool_new(config, oxy_alloc_default(), &p), OXY_OK);
    return p;
}

static inline oxy_action expect(oxy_pool *p, oxy_action_kind kind)
{
    oxy_action a;

    assert_true(oxy_pool_has_action(p));
    assert_true(oxy_pool_next_action(p, &a));
    assert_int_equal(a.kind, kind);
    return a;
}

static inline void expect_nothing(oxy_pool *p)
{
    oxy_action a;
    oxy_err err;

    assert_false(oxy_pool_has_action(p));
    assert_false(oxy_pool_next_action(p, &a));
    assert_true(oxy_pool_check(p, &err));
}

static inline oxy_acquire ask(oxy_pool *p, oxy_want want, oxy_ns now, void *token, oxy_slot **slot, oxy_waiter **waiter)
{
    oxy_err err;

    return oxy_pool_acquire(p, want, now, now + SECONDS(30), token, slot, waiter, &err);
}

static inline void finish(oxy_pool *p, oxy_ns now)
{
    oxy_action a;

    oxy_pool_close(p, now);
    while (oxy_pool_next_action(p, &a))
        ;
    oxy_pool_free(p);
}

#endif
