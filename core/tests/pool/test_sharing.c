/* SPDX-License-Identifier: MIT */
/* Stories about plain reads that share connections, and about connections that
 * are lost, led to the wrong server, or cannot be had at once. */
#include "stories.h"

#include <string.h>

enum { READS = 16 };

static oxy_pool_config sharing(uint32_t max, uint32_t share_max)
{
    oxy_pool_config config = plain(max);

    config.share_max = share_max;
    return config;
}

/* A pool with all its connections open and idle. */
static oxy_pool *open_pool(const oxy_pool_config *with)
{
    oxy_pool_config config = *with;
    oxy_action a;

    config.min = config.max;
    oxy_pool *p = make(&config);
    oxy_pool_start(p, 0);
    while (oxy_pool_next_action(p, &a))
        oxy_pool_connected(p, a.slot, &connection, 0);
    return p;
}

static oxy_slot *take(oxy_pool *p, oxy_want want, oxy_ns now)
{
    oxy_slot *slot;
    oxy_waiter *waiter;

    assert_int_equal(ask(p, want, now, NULL, &slot, &waiter), OXY_ACQUIRE_GRANTED);
    return slot;
}

static void queue_up(oxy_pool *p, oxy_want want, oxy_ns now, void *token)
{
    oxy_slot *slot;
    oxy_waiter *waiter;

    assert_int_equal(ask(p, want, now, token, &slot, &waiter), OXY_ACQUIRE_QUEUED);
}

static oxy_err refusal(void)
{
    oxy_err err;

    (void)oxy_err_set(&err, OXY_OPERATIONAL, "connection refused");
    return err;
}

/* --- sharing ------------------------------------------------------------------------------- */

static void test_reads_share_evenly_when_all_are_busy(void **state)
{
    oxy_pool_config config = sharing(3, 4);
    oxy_pool *p = open_pool(&config);
    oxy_slot *held[12];
    oxy_pool_stats stats;
    int token;

    (void)state;
    for (int i = 0; i < 12; i++)
        held[i] = take(p, OXY_WANT_SHARED, 1);
    for (int i = 0; i < 12; i++)
        assert_int_equal(oxy_slot_holders(held[i]), 4);
    oxy_pool_get_stats(p, &stats);
    assert_int_equal(stats.busy, 3);
    queue_up(p, OXY_WANT_SHARED, 1, &token); /* full */
    expect_nothing(p);
    oxy_pool_release(p, held[5], OXY_FATE_REUSE, 2);
    oxy_action granted = expect(p, OXY_ACT_GRANT);
    assert_ptr_equal(granted.slot, held[5]);
    for (int i = 0; i < 12; i++)
        oxy_pool_release(p, held[i], OXY_FATE_REUSE, 3);
    expect_nothing(p);
    finish(p, 4);
}

static void test_a_connection_of_ones_own_comes_first(void **state)
{
    oxy_pool_config config = sharing(2, 4);
    oxy_pool *p = make(&config);
    oxy_slot *first;
    int tokens[2];

    (void)state;
    queue_up(p, OXY_WANT_SHARED, 0, &tokens[0]);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 0);
    first = expect(p, OXY_ACT_GRANT).slot;
    queue_up(p, OXY_WANT_SHARED, 1, &tokens[1]); /* another may be opened */
    oxy_action connect = expect(p, OXY_ACT_CONNECT);
    expect_nothing(p);
    oxy_pool_connected(p, connect.slot, &connection, 2);
    oxy_slot *second = expect(p, OXY_ACT_GRANT).slot;
    assert_ptr_not_equal(first, second);
    oxy_pool_release(p, first, OXY_FATE_REUSE, 3);
    assert_ptr_equal(take(p, OXY_WANT_SHARED, 4), first); /* idle, so nobody is joined */
    oxy_pool_release(p, first, OXY_FATE_REUSE, 5);
    oxy_pool_release(p, second, OXY_FATE_REUSE, 5);
    finish(p, 6);
}

static void test_reads_travel_together(void **state)
{
    oxy_pool_config config = sharing(2, 3);
    oxy_pool *p = open_pool(&config);
    oxy_slot *first = take(p, OXY_WANT_SHARED, 1), *second;
    int token;

    (void)state;
    assert_true(oxy_pool_join(p, first, 1)); /* although another is idle */
    assert_true(oxy_pool_join(p, first, 1));
    assert_int_equal(oxy_slot_holders(first), 3);
    assert_false(oxy_pool_join(p, first, 1)); /* full */
    oxy_pool_release(p, first, OXY_FATE_REUSE, 2);
    second = take(p, OXY_WANT_ANY, 2);
    assert_false(oxy_pool_join(p, second, 2)); /* not a plain read's */
    assert_true(oxy_pool_join(p, first, 2));
    oxy_pool_release(p, first, OXY_FATE_REUSE, 2);
    queue_up(p, OXY_WANT_ANY, 3, &token);
    assert_false(oxy_pool_join(p, first, 3)); /* nobody is granted past a waiter */
    oxy_pool_release(p, second, OXY_FATE_REUSE, 4);
    assert_ptr_equal(expect(p, OXY_ACT_GRANT).slot, second);
    oxy_pool_release(p, first, OXY_FATE_CLOSE, 5);
    assert_false(oxy_pool_join(p, first, 5)); /* doomed */
    oxy_pool_release(p, first, OXY_FATE_REUSE, 6);
    assert_ptr_equal(expect(p, OXY_ACT_CLOSE).slot, first);
    oxy_pool_release(p, second, OXY_FATE_REUSE, 6);
    finish(p, 7);
}

static void test_travellers_do_not_keep_a_connection_young(void **state)
{
    oxy_pool_config config = sharing(1, 3);

    (void)state;
    config.max_lifetime = SECONDS(100);
    oxy_pool *p = open_pool(&config);
    oxy_slot *held = take(p, OXY_WANT_SHARED, SECONDS(1));
    assert_true(oxy_pool_join(p, held, SECONDS(2)));
    assert_false(oxy_pool_join(p, held, SECONDS(120)));
    oxy_pool_release(p, held, OXY_FATE_REUSE, SECONDS(121));
    oxy_pool_release(p, held, OXY_FATE_REUSE, SECONDS(121));
    (void)expect(p, OXY_ACT_CLOSE);
    finish(p, SECONDS(122));
}

static void test_a_connection_that_is_coming_is_waited_for(void **state)
{
    oxy_pool_config config = sharing(2, 4);
    oxy_pool *p = make(&config);
    oxy_slot *held[3];
    int tokens[4];

    (void)state;
    queue_up(p, OXY_WANT_SHARED, 0, &tokens[0]);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 0);
    held[0] = expect(p, OXY_ACT_GRANT).slot;
    queue_up(p, OXY_WANT_SHARED, 1, &tokens[1]);
    oxy_action connect = expect(p, OXY_ACT_CONNECT);
    queue_up(p, OXY_WANT_SHARED, 1, &tokens[2]); /* three reads for two connections: one joins */
    oxy_action joined = expect(p, OXY_ACT_GRANT);
    assert_ptr_equal(joined.waiter, &tokens[1]);
    assert_ptr_equal(held[1] = joined.slot, held[0]);
    expect_nothing(p);
    oxy_pool_connected(p, connect.slot, &connection, 2);
    assert_ptr_equal((held[2] = expect(p, OXY_ACT_GRANT).slot), connect.slot);
    for (int i = 0; i < 3; i++)
        oxy_pool_release(p, held[i], OXY_FATE_REUSE, 3);
    expect_nothing(p);
    finish(p, 4);
}

static void test_who_wants_to_be_alone_stops_the_joining(void **state)
{
    oxy_pool_config config = sharing(1, READS);
    oxy_pool *p = open_pool(&config);
    oxy_slot *slot = take(p, OXY_WANT_SHARED, 1);
    int alone, read;

    (void)state;
    assert_ptr_equal(take(p, OXY_WANT_SHARED, 1), slot);
    queue_up(p, OXY_WANT_ANY, 2, &alone);
    queue_up(p, OXY_WANT_SHARED, 3, &read);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 4);
    expect_nothing(p);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 5);
    assert_ptr_equal(expect(p, OXY_ACT_GRANT).waiter, &alone);
    expect_nothing(p); /* nobody joins him */
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 6);
    assert_ptr_equal(expect(p, OXY_ACT_GRANT).waiter, &read);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 7);
    finish(p, 8);
}

static void test_reads_before_him_are_served_together(void **state)
{
    oxy_pool_config config = sharing(1, 3);
    oxy_pool *p = open_pool(&config);
    oxy_slot *slot = take(p, OXY_WANT_ANY, 1);
    int reads[5], alone;

    (void)state;
    for (int i = 0; i < 4; i++)
        queue_up(p, OXY_WANT_SHARED, 2, &reads[i]);
    queue_up(p, OXY_WANT_ANY, 3, &alone);
    queue_up(p, OXY_WANT_SHARED, 4, &reads[4]);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 5);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(expect(p, OXY_ACT_GRANT).waiter, &reads[i]);
    expect_nothing(p);
    for (int i = 0; i < 3; i++)
        oxy_pool_release(p, slot, OXY_FATE_REUSE, 6);
    assert_ptr_equal(expect(p, OXY_ACT_GRANT).waiter, &reads[3]);
    expect_nothing(p); /* the fifth came after the one who wants to be alone */
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 7);
    assert_ptr_equal(expect(p, OXY_ACT_GRANT).waiter, &alone);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 8);
    assert_ptr_equal(expect(p, OXY_ACT_GRANT).waiter, &reads[4]);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 9);
    finish(p, 10);
}

static void test_a_doomed_connection_closes_with_its_last_holder(void **state)
{
    oxy_pool_config config = sharing(1, READS);
    oxy_pool *p = open_pool(&config);
    oxy_slot *slot = take(p, OXY_WANT_SHARED, 1);
    int holder, token;

    (void)state;
    oxy_slot_set_holder(slot, &holder, 1);
    assert_ptr_equal(take(p, OXY_WANT_SHARED, 1), slot);
    oxy_pool_release(p, slot, OXY_FATE_CLOSE, 2);
    assert_ptr_equal(oxy_slot_holder(slot, NULL), &holder);
    queue_up(p, OXY_WANT_SHARED, 3, &token);
    expect_nothing(p);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 4);
    assert_null(oxy_slot_holder(slot, NULL));
    expect(p, OXY_ACT_CLOSE);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 5);
    oxy_pool_release(p, expect(p, OXY_ACT_GRANT).slot, OXY_FATE_REUSE, 6);
    finish(p, 7);
}

static void test_a_shared_connection_grows_old_too(void **state)
{
    oxy_pool_config config = sharing(1, READS);
    config.max_lifetime = SECONDS(100);
    oxy_pool *p = open_pool(&config);
    oxy_slot *slot = take(p, OXY_WANT_SHARED, SECONDS(1));
    int token;

    (void)state;
    assert_ptr_equal(take(p, OXY_WANT_SHARED, SECONDS(89)), slot); /* 90 to 110 seconds */
    queue_up(p, OXY_WANT_SHARED, SECONDS(111), &token);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, SECONDS(112));
    expect_nothing(p);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, SECONDS(112));
    expect(p, OXY_ACT_CLOSE);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, SECONDS(113));
    oxy_pool_release(p, expect(p, OXY_ACT_GRANT).slot, OXY_FATE_REUSE, SECONDS(114));
    finish(p, SECONDS(115));
}

static void test_without_share_max_a_read_is_alone(void **state)
{
    oxy_pool_config config = sharing(1, 0);
    oxy_pool *p = open_pool(&config);
    oxy_slot *slot = take(p, OXY_WANT_SHARED, 1);
    int token;

    (void)state;
    queue_up(p, OXY_WANT_SHARED, 2, &token);
    expect_nothing(p);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 3);
    oxy_pool_release(p, expect(p, OXY_ACT_GRANT).slot, OXY_FATE_REUSE, 4);
    finish(p, 5);
}

/* --- lost, renewed, refused -------------------------------------------------------------- */

static void test_a_lost_idle_connection_is_replaced(void **state)
{
    oxy_pool_config config = plain(1);
    oxy_pool *p = open_pool(&config); /* min is 1 */
    oxy_slot *slot = take(p, OXY_WANT_ANY, 1);

    (void)state;
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 2);
    oxy_pool_lost(p, slot, 3);
    expect(p, OXY_ACT_CLOSE);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 4);
    slot = take(p, OXY_WANT_ANY, 5);
    oxy_pool_lost(p, slot, 6); /* granted meanwhile: the holder finds out */
    expect_nothing(p);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 7);
    expect(p, OXY_ACT_CLOSE);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 8);
    finish(p, 9);
}

static void test_renew_spares_nobody(void **state)
{
    oxy_pool_config config = plain(3);
    oxy_pool *p = make(&config);
    oxy_slot *busy, *idle;
    int token;

    (void)state;
    queue_up(p, OXY_WANT_ANY, 0, &token);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 0);
    busy = expect(p, OXY_ACT_GRANT).slot;
    queue_up(p, OXY_WANT_ANY, 0, &token);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 0);
    idle = expect(p, OXY_ACT_GRANT).slot;
    queue_up(p, OXY_WANT_ANY, 0, &token);
    oxy_action starting = expect(p, OXY_ACT_CONNECT);
    oxy_pool_release(p, idle, OXY_FATE_REUSE, 1);
    oxy_pool_release(p, expect(p, OXY_ACT_GRANT).slot, OXY_FATE_REUSE, 1);
    oxy_pool_renew(p, 2);
    assert_ptr_equal(expect(p, OXY_ACT_CLOSE).slot, idle);
    oxy_pool_connected(p, starting.slot, &connection, 3); /* let in before the change, perhaps */
    expect(p, OXY_ACT_CLOSE);
    oxy_pool_release(p, busy, OXY_FATE_REUSE, 4);
    expect(p, OXY_ACT_CLOSE);
    expect_nothing(p);
    queue_up(p, OXY_WANT_ANY, 5, &token); /* what is opened afterwards stays */
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 5);
    oxy_pool_release(p, expect(p, OXY_ACT_GRANT).slot, OXY_FATE_REUSE, 6);
    expect_nothing(p);
    finish(p, 7);
}

static void test_retries_back_off_until_connect_retry_is_over(void **state)
{
    oxy_pool_config config = plain(1);
    config.connect_retry = SECONDS(5);
    oxy_pool *p = make(&config);
    oxy_err err = refusal();
    oxy_ns now = 0, last = 0, pause = 0;
    int token, attempts = 0;

    (void)state;
    queue_up(p, OXY_WANT_ANY, 0, &token);
    for (;;) {
        oxy_action a;

        assert_true(oxy_pool_next_action(p, &a));
        if (a.kind == OXY_ACT_FAIL)
            break;
        assert_int_equal(a.kind, OXY_ACT_CONNECT);
        attempts++;
        oxy_pool_connect_failed(p, a.slot, &err, true, now);
        last = now;
        if (now == SECONDS(5))
            continue;
        now = oxy_pool_wake_at(p);
        assert_true(now - last > pause / 2 * 3 || now == SECONDS(5)); /* twice as long, +-10 % each */
        assert_true(now - last < SECONDS(2) / 10 * 11);
        pause = now - last < SECONDS(1) ? now - last : 0;
        oxy_pool_tick(p, now);
    }
    assert_int_equal(last, SECONDS(5)); /* the last one falls on the end */
    assert_in_range(attempts, 6, 14);
    assert_string_equal(oxy_pool_last_error(p)->message, "connection refused");
    finish(p, SECONDS(6));
}

static void test_an_error_that_stays_fails_without_retry(void **state)
{
    oxy_pool_config config = plain(2);
    config.connect_retry = SECONDS(5);
    config.min = 1;
    oxy_pool *p = make(&config);
    oxy_err err = refusal();
    int tokens[2];

    (void)state;
    queue_up(p, OXY_WANT_ANY, 0, &tokens[0]);
    queue_up(p, OXY_WANT_ANY, 0, &tokens[1]);
    oxy_action first = expect(p, OXY_ACT_CONNECT), second = expect(p, OXY_ACT_CONNECT);
    oxy_pool_connect_failed(p, first.slot, &err, false, 1); /* wrong password */
    assert_ptr_equal(expect(p, OXY_ACT_FAIL).waiter, &tokens[0]);
    assert_ptr_equal(expect(p, OXY_ACT_FAIL).waiter, &tokens[1]);
    oxy_pool_connect_failed(p, second.slot, &err, false, 2);
    expect_nothing(p);
    assert_true(oxy_pool_wake_at(p) == OXY_NS_NEVER || oxy_pool_wake_at(p) == SECONDS(30)); /* the old deadlines */
    finish(p, 3);
}

static void test_with_an_open_connection_waiters_go_on_waiting(void **state)
{
    oxy_pool_config config = sharing(2, 4);
    oxy_pool *p = make(&config);
    oxy_err err = refusal();
    oxy_slot *slot;
    int token, alone, read;

    (void)state;
    queue_up(p, OXY_WANT_SHARED, 0, &token);
    oxy_pool_connected(p, expect(p, OXY_ACT_CONNECT).slot, &connection, 0);
    slot = expect(p, OXY_ACT_GRANT).slot;
    queue_up(p, OXY_WANT_SHARED, 1, &read);
    oxy_action connect = expect(p, OXY_ACT_CONNECT);
    oxy_pool_connect_failed(p, connect.slot, &err, false, 2);
    assert_ptr_equal(expect(p, OXY_ACT_GRANT).slot, slot); /* none may be opened now: it joins */
    oxy_pool_release(p, slot, OXY_FATE_REUSE, 3);
    queue_up(p, OXY_WANT_ANY, 4, &alone);
    expect_nothing(p);
    oxy_ns again = oxy_pool_wake_at(p);
    assert_true(again > 4 && again < SECONDS(1)); /* the next attempt */
    oxy_pool_tick(p, again);
    connect = expect(p, OXY_ACT_CONNECT);
    expect_nothing(p);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, again);
    assert_ptr_equal(expect(p, OXY_ACT_GRANT).waiter, &alone);
    oxy_pool_release(p, slot, OXY_FATE_REUSE, again);
    oxy_pool_connected(p, connect.slot, &connection, again);
    finish(p, again);
}

static void test_the_minimum_comes_back_by_itself(void **state)
{
    oxy_pool_config config = plain(1);
    oxy_pool *p = open_pool(&config); /* min is 1 */
    oxy_err err = refusal();
    oxy_slot *slot = take(p, OXY_WANT_ANY, 1);

    (void)state;
    oxy_pool_release(p, slot, OXY_FATE_CLOSE, 2); /* the server died */
    expect(p, OXY_ACT_CLOSE);
    oxy_action connect = expect(p, OXY_ACT_CONNECT);
    for (int i = 0; i < 20; i++) {
        oxy_ns at;

        oxy_pool_connect_failed(p, connect.slot, &err, true, SECONDS(10 * i));
        expect_nothing(p);
        at = oxy_pool_wake_at(p);
        assert_true(at > SECONDS(10 * i) && at <= SECONDS(10 * i + 3));
        oxy_pool_tick(p, at);
        connect = expect(p, OXY_ACT_CONNECT);
    }
    oxy_pool_connected(p, connect.slot, &connection, SECONDS(300));
    expect_nothing(p);
    assert_int_equal(oxy_pool_last_error(p)->rc, OXY_OK);
    finish(p, SECONDS(301));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_share_evenly_when_all_are_busy),
        cmocka_unit_test(test_a_connection_of_ones_own_comes_first),
        cmocka_unit_test(test_reads_travel_together),
        cmocka_unit_test(test_travellers_do_not_keep_a_connection_young),
        cmocka_unit_test(test_a_connection_that_is_coming_is_waited_for),
        cmocka_unit_test(test_who_wants_to_be_alone_stops_the_joining),
        cmocka_unit_test(test_reads_before_him_are_served_together),
        cmocka_unit_test(test_a_doomed_connection_closes_with_its_last_holder),
        cmocka_unit_test(test_a_shared_connection_grows_old_too),
        cmocka_unit_test(test_without_share_max_a_read_is_alone),
        cmocka_unit_test(test_a_lost_idle_connection_is_replaced),
        cmocka_unit_test(test_renew_spares_nobody),
        cmocka_unit_test(test_retries_back_off_until_connect_retry_is_over),
        cmocka_unit_test(test_an_error_that_stays_fails_without_retry),
        cmocka_unit_test(test_with_an_open_connection_waiters_go_on_waiting),
        cmocka_unit_test(test_the_minimum_comes_back_by_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
