/* SPDX-License-Identifier: MIT */
/* Single promises of the pool, each as a short story on a fake clock. */
#include "stories.h"

#include "fail_alloc.h"

#include <string.h>

static void test_first_acquire_connects_and_is_granted(void **state)
{
    oxy_pool_config config = plain(2);
    oxy_pool *p = make(&config);
    oxy_slot *slot;
    oxy_waiter *waiter;
    int token;

    (void)state;
    assert_int_equal(ask(p, OXY_WANT_ANY, 0, &token, &slot, &waiter), OXY_ACQUIRE_QUEUED);
    oxy_action connect = expect(p, OXY_ACT_CONNECT);
    expect_nothing(p);
    oxy_pool_connected(p, connect.slot, &connection, 1);
    oxy_action grant = expect(p, OXY_ACT_GRANT);
    assert_ptr_equal(grant.waiter, &token);
    assert_ptr_equal(oxy_slot_conn(grant.slot), &connection);
    oxy_pool_release(p, grant.slot, OXY_FATE_REUSE, 2);
    expect_nothing(p);
    assert_int_equal(ask(p, OXY_WANT_ANY, 3, &token, &slot, &waiter), OXY_ACQUIRE_GRANTED);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 4);
    finish(p, 5);
}

static void test_refused_connect_fails_waiters_at_once(void **state)
{
    oxy_pool_config config = plain(1);
    oxy_pool *p = make(&config);
    oxy_slot *slot;
    oxy_waiter *waiter;
    oxy_err refused;
    int one, two;

    (void)state;
    assert_int_equal(ask(p, OXY_WANT_ANY, 0, &one, &slot, &waiter), OXY_ACQUIRE_QUEUED);
    assert_int_equal(ask(p, OXY_WANT_ANY, 0, &two, &slot, &waiter), OXY_ACQUIRE_QUEUED);
    oxy_action connect = expect(p, OXY_ACT_CONNECT);
    (void)oxy_err_set(&refused, OXY_OPERATIONAL, "connection refused");
    oxy_pool_connect_failed(p, connect.slot, &refused, true, 1);
    oxy_action fail = expect(p, OXY_ACT_FAIL);
    assert_ptr_equal(fail.waiter, &one);
    assert_string_equal(fail.err->message, "connection refused");
    assert_ptr_equal(expect(p, OXY_ACT_FAIL).waiter, &two);
    expect_nothing(p);
    finish(p, 2);
}

static void test_a_connect_that_began_before_fails_nobody_who_came_later(void **state)
{
    oxy_pool_config config = plain(2);
    oxy_pool *p = make(&config);
    oxy_slot *slot;
    oxy_waiter *waiter;
    oxy_err refused;
    int one, two, connection;

    (void)state;
    (void)oxy_err_set(&refused, OXY_OPERATIONAL, "connection refused");
    oxy_pool_start(p, 0);
    assert_int_equal(ask(p, OXY_WANT_ANY, 0, &one, &slot, &waiter), OXY_ACQUIRE_QUEUED);
    oxy_action first = expect(p, OXY_ACT_CONNECT); /* taken, and so begun, after he asked */
    assert_int_equal(ask(p, OXY_WANT_ANY, 1, &two, &slot, &waiter), OXY_ACQUIRE_QUEUED);
    oxy_action second = expect(p, OXY_ACT_CONNECT);
    oxy_pool_connect_failed(p, first.slot, &refused, true, 2);
    assert_ptr_equal(expect(p, OXY_ACT_FAIL).waiter, &one);
    expect_nothing(p);
    /* The server is there again: the second is served, whatever failed before he asked. */
    oxy_pool_connected(p, second.slot, &connection, 3);
    oxy_action grant = expect(p, OXY_ACT_GRANT);
    assert_ptr_equal(grant.waiter, &two);
    oxy_pool_release(p, grant.slot, OXY_FATE_REUSE, 4);
    finish(p, 5);
}

static void test_refused_connect_is_retried_within_connect_retry(void **state)
{
    oxy_pool_config config = plain(1);
    config.connect_retry = SECONDS(5);
    oxy_pool *p = make(&config);
    oxy_slot *slot;
    oxy_waiter *waiter;
    oxy_err refused;
    int token;

    (void)state;
    assert_int_equal(ask(p, OXY_WANT_ANY, 0, &token, &slot, &waiter), OXY_ACQUIRE_QUEUED);
    oxy_action connect = expect(p, OXY_ACT_CONNECT);
    (void)oxy_err_set(&refused, OXY_OPERATIONAL, "connection refused");
    oxy_pool_connect_failed(p, connect.slot, &refused, true, 1);
    expect_nothing(p);
    oxy_ns wake = oxy_pool_wake_at(p);
    assert_true(wake < SECONDS(1));
    oxy_pool_tick(p, wake);
    connect = expect(p, OXY_ACT_CONNECT);
    oxy_pool_connect_failed(p, connect.slot, &refused, true, SECONDS(6));
    assert_ptr_equal(expect(p, OXY_ACT_FAIL).waiter, &token);
    finish(p, SECONDS(7));
}

static void test_waiters_are_served_first_come_first_served(void **state)
{
    oxy_pool_config config = plain(1);
    oxy_pool *p = make(&config);
    oxy_slot *slot;
    oxy_waiter *waiter, *second;
    int tokens[4];

    (void)state;
    assert_int_equal(ask(p, OXY_WANT_ANY, 0, &tokens[0], &slot, &waiter), OXY_ACQUIRE_QUEUED);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 1);
    slot = expect(p, OXY_ACT_GRANT).slot;
    oxy_slot *unused;
    for (int i = 1; i < 4; i++)
        assert_int_equal(ask(p, OXY_WANT_ANY, 2, &tokens[i], &unused, i == 2 ? &second : &waiter), OXY_ACQUIRE_QUEUED);
    oxy_pool_abandon(p, second, 3);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 4);
    oxy_action grant = expect(p, OXY_ACT_GRANT);
    assert_ptr_equal(grant.waiter, &tokens[1]);
    oxy_pool_release(p, grant.slot, OXY_FATE_REUSE, 5);
    grant = expect(p, OXY_ACT_GRANT);
    assert_ptr_equal(grant.waiter, &tokens[3]);
    oxy_pool_release(p, grant.slot, OXY_FATE_REUSE, 6);
    expect_nothing(p);
    finish(p, 7);
}

static void test_abandoned_grant_goes_to_the_next(void **state)
{
    oxy_pool_config config = plain(1);
    oxy_pool *p = make(&config);
    oxy_slot *slot;
    oxy_waiter *first, *second;
    int one, two;

    (void)state;
    assert_int_equal(ask(p, OXY_WANT_ANY, 0, &one, &slot, &first), OXY_ACQUIRE_QUEUED);
    assert_int_equal(ask(p, OXY_WANT_ANY, 0, &two, &slot, &second), OXY_ACQUIRE_QUEUED);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 1);
    oxy_pool_abandon(p, first, 2); /* its GRANT is queued but not taken */
    oxy_action grant = expect(p, OXY_ACT_GRANT);
    assert_ptr_equal(grant.waiter, &two);
    oxy_pool_release(p, grant.slot, OXY_FATE_REUSE, 3);
    finish(p, 4);
}

static void test_deadline_ends_the_wait(void **state)
{
    oxy_pool_config config = plain(1);
    oxy_pool *p = make(&config);
    oxy_slot *slot;
    oxy_waiter *waiter;
    oxy_err err;
    int token;

    (void)state;
    assert_int_equal(oxy_pool_acquire(p, OXY_WANT_ANY, 0, SECONDS(2), &token, &slot, &waiter, &err),
                     OXY_ACQUIRE_QUEUED);
    oxy_action connect = expect(p, OXY_ACT_CONNECT);
    assert_int_equal(oxy_pool_wake_at(p), SECONDS(2));
    oxy_pool_tick(p, SECONDS(2));
    assert_ptr_equal(expect(p, OXY_ACT_TIMEOUT).waiter, &token);
    assert_int_equal(oxy_pool_acquire(p, OXY_WANT_ANY, 5, 5, &token, &slot, &waiter, &err), OXY_ACQUIRE_FAILED);
    assert_int_equal(err.rc, OXY_POOL_TIMEOUT);
    oxy_pool_connected(p, connect.slot, &connection, SECONDS(3));
    finish(p, SECONDS(4));
}

static void test_idle_and_old_connections_close_but_min_stays(void **state)
{
    oxy_pool_config config = plain(2);
    config.min = 1;
    config.idle_timeout = SECONDS(10);
    oxy_pool *p = make(&config);
    oxy_slot *a, *b;
    oxy_waiter *waiter;
    int token;

    (void)state;
    oxy_pool_start(p, 0);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 0);
    assert_int_equal(ask(p, OXY_WANT_ANY, 0, &token, &a, &waiter), OXY_ACQUIRE_GRANTED);
    assert_int_equal(ask(p, OXY_WANT_ANY, 0, &token, &b, &waiter), OXY_ACQUIRE_QUEUED);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 0);
    b = expect(p, OXY_ACT_GRANT).slot;
    oxy_pool_release(p, a, OXY_FATE_REUSE, SECONDS(1));
    oxy_pool_release(p, b, OXY_FATE_REUSE, SECONDS(2));
    oxy_pool_tick(p, SECONDS(20));
    assert_ptr_equal(expect(p, OXY_ACT_CLOSE).slot, a);
    expect_nothing(p); /* b is the last one of min */
    finish(p, SECONDS(21));
}

static void test_ping_comes_before_a_grant_after_resting(void **state)
{
    oxy_pool_config config = plain(1);
    config.min = 1;
    config.ping_after = SECONDS(30);
    oxy_pool *p = make(&config);
    oxy_slot *slot;
    oxy_waiter *waiter;
    int token;

    (void)state;
    oxy_pool_start(p, 0);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 0);
    assert_int_equal(ask(p, OXY_WANT_ANY, SECONDS(40), &token, &slot, &waiter), OXY_ACQUIRE_QUEUED);
    oxy_action ping = expect(p, OXY_ACT_PING);
    oxy_pool_ping_failed(p, ping.slot, SECONDS(40));
    expect(p, OXY_ACT_CLOSE);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, SECONDS(41));
    slot = expect(p, OXY_ACT_GRANT).slot;
    oxy_pool_release(p, slot, OXY_FATE_REUSE, SECONDS(42));
    finish(p, SECONDS(43));
}

static void test_readers_do_not_wait_for_the_writer(void **state)
{
    oxy_pool_config config = plain(2);
    config.single_writer = true;
    oxy_pool *p = make(&config);
    oxy_slot *writer, *reader;
    oxy_waiter *waiter;
    int token;

    (void)state;
    assert_int_equal(ask(p, OXY_WANT_WRITER, 0, &token, &writer, &waiter), OXY_ACQUIRE_QUEUED);
    oxy_action connect = expect(p, OXY_ACT_CONNECT);
    assert_int_equal(connect.role, OXY_WANT_WRITER);
    oxy_pool_connected(p, connect.slot, &connection, 1);
    writer = expect(p, OXY_ACT_GRANT).slot;
    assert_int_equal(ask(p, OXY_WANT_READER, 2, &token, &reader, &waiter), OXY_ACQUIRE_QUEUED);
    connect = expect(p, OXY_ACT_CONNECT);
    assert_int_equal(connect.role, OXY_WANT_READER);
    oxy_pool_connected(p, connect.slot, &connection, 3);
    reader = expect(p, OXY_ACT_GRANT).slot;
    oxy_pool_release(p, writer, OXY_FATE_REUSE, 4);
    oxy_pool_release(p, reader, OXY_FATE_REUSE, 4);
    finish(p, 5);
}

static void test_gate_orders_writers_of_two_pools(void **state)
{
    oxy_gate *gate;
    oxy_slot *slot;
    oxy_waiter *waiter;
    int one, two;

    (void)state;
    assert_int_equal(oxy_gate_new(oxy_alloc_default(), &gate), OXY_OK);
    oxy_pool_config config = plain(1);
    config.single_writer = true;
    config.gate = gate;
    oxy_pool *a = make(&config), *b = make(&config);
    assert_int_equal(ask(a, OXY_WANT_WRITER, 0, &one, &slot, &waiter), OXY_ACQUIRE_QUEUED);
    oxy_pool_connected(a, expect(a, OXY_ACT_CONNECT).slot, &connection, 1);
    slot = expect(a, OXY_ACT_GRANT).slot;
    oxy_slot *other;
    assert_int_equal(ask(b, OXY_WANT_WRITER, 2, &two, &other, &waiter), OXY_ACQUIRE_QUEUED);
    oxy_pool_connected(b, expect(b, OXY_ACT_CONNECT).slot, &connection, 3);
    expect_nothing(b); /* the gate is held */
    oxy_pool_release(a, slot, OXY_FATE_REUSE, 4);
    assert_ptr_equal(oxy_gate_next_pool(gate), b);
    oxy_action grant = expect(b, OXY_ACT_GRANT);
    assert_ptr_equal(grant.waiter, &two);
    oxy_pool_release(b, grant.slot, OXY_FATE_REUSE, 5);
    finish(a, 6);
    finish(b, 6);
    oxy_gate_unref(gate);
}

static void test_close_fails_waiters_and_drains(void **state)
{
    oxy_pool_config config = plain(1);
    oxy_pool *p = make(&config);
    oxy_slot *slot, *unused;
    oxy_waiter *waiter;
    int one, two;

    (void)state;
    assert_int_equal(ask(p, OXY_WANT_ANY, 0, &one, &slot, &waiter), OXY_ACQUIRE_QUEUED);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 1);
    slot = expect(p, OXY_ACT_GRANT).slot;
    assert_int_equal(ask(p, OXY_WANT_ANY, 2, &two, &unused, &waiter), OXY_ACQUIRE_QUEUED);
    oxy_pool_close(p, 3);
    oxy_action fail = expect(p, OXY_ACT_FAIL);
    assert_int_equal(fail.err->rc, OXY_INTERFACE);
    assert_non_null(strstr(fail.err->message, "closed pool"));
    expect_nothing(p);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 4);
    expect(p, OXY_ACT_CLOSE);
    expect(p, OXY_ACT_DRAINED);
    expect_nothing(p);
    assert_int_equal(ask(p, OXY_WANT_ANY, 5, &one, &unused, &waiter), OXY_ACQUIRE_FAILED);
    oxy_pool_free(p);
}

static oxy_rc ask_without_memory(const oxy_alloc *alloc, void *arg)
{
    oxy_pool_config config = plain(2);
    oxy_gate *gate;
    oxy_pool *p;
    oxy_slot *slot;
    oxy_waiter *waiter;
    oxy_err err;
    oxy_rc rc = oxy_gate_new(alloc, &gate);

    if (rc != OXY_OK)
        return rc;
    oxy_err_clear(&err);
    config.share_max = 4;
    config.gate = gate;
    rc = oxy_pool_new(&config, alloc, &p);
    for (int i = 0; i < 3 && rc == OXY_OK; i++)
        if (oxy_pool_acquire(p, OXY_WANT_SHARED, 0, SECONDS(1), arg, &slot, &waiter, &err) == OXY_ACQUIRE_FAILED) {
            assert_true(oxy_pool_check(p, &(oxy_err){.rc = OXY_OK}));
            rc = err.rc;
        }
    oxy_pool_free(p);
    oxy_gate_unref(gate);
    return rc;
}

static void test_every_allocation_may_fail(void **state)
{
    int token;

    (void)state;
    assert_true(fail_torture(ask_without_memory, &token) >= 7); /* gate, pool, slots, shares, waiters */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_acquire_connects_and_is_granted),
        cmocka_unit_test(test_refused_connect_fails_waiters_at_once),
        cmocka_unit_test(test_a_connect_that_began_before_fails_nobody_who_came_later),
        cmocka_unit_test(test_refused_connect_is_retried_within_connect_retry),
        cmocka_unit_test(test_waiters_are_served_first_come_first_served),
        cmocka_unit_test(test_abandoned_grant_goes_to_the_next),
        cmocka_unit_test(test_deadline_ends_the_wait),
        cmocka_unit_test(test_idle_and_old_connections_close_but_min_stays),
        cmocka_unit_test(test_ping_comes_before_a_grant_after_resting),
        cmocka_unit_test(test_readers_do_not_wait_for_the_writer),
        cmocka_unit_test(test_gate_orders_writers_of_two_pools),
        cmocka_unit_test(test_close_fails_waiters_and_drains),
        cmocka_unit_test(test_every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
