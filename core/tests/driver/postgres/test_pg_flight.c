/* SPDX-License-Identifier: MIT */
/* Several requests under way, requests given up, and the kinds of request that
 * are not one statement. */
#include "pg.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- shared requests ------------------------------------------------------------------ */

static void start(oxy_conn *c, const oxy_request *r)
{
    if (c->driver->start(c, r) != OXY_OK)
        fail_msg("start: %s", c->err.message);
}

static void expect_row(oxy_conn *c, int64_t i)
{
    assert_int_equal(pg_next(c), OXY_STEP_ROW);
    assert_int_equal(c->n_cols, 1);
    assert_int_equal(c->cells[0].tag, OXY_C_INT);
    assert_int_equal(c->cells[0].i, i);
}

static void expect_one(oxy_conn *c, int64_t i)
{
    expect_row(c, i);
    assert_int_equal(pg_next(c), OXY_STEP_DONE);
}

static void test_shared_requests_are_answered_in_their_order(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request r = pg_request("SELECT $1::int", SHARED);
    oxy_value values[32];

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 32; i++) {
            values[i] = (oxy_value){.tag = OXY_V_INT, .i = i};
            r.values = &values[i];
            r.n_values = 1;
            start(c, &r);
        }
        assert_int_equal(c->driver->start(c, &r), OXY_INTERFACE);
        for (int i = 0; i < 32; i++) {
            assert_int_equal(c->driver->status(c), OXY_CONN_ACTIVE);
            expect_one(c, i);
        }
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    }
    assert_int_equal(pg_count(c, "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1::int'"), 1);
    pg_close(c);
}

static void test_the_failure_of_one_touches_no_other(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request good = pg_request("SELECT 1", SHARED), bad = pg_request("SELECT 1/0", SHARED),
                worse = pg_request("SELECT nothing", SHARED);

    (void)state;
    for (int round = 0; round < 2; round++) {
        start(c, &good);
        start(c, &bad);
        start(c, &good);
        start(c, &worse);
        start(c, &worse);
        start(c, &good);
        expect_one(c, 1);
        assert_int_equal(pg_next(c), OXY_STEP_FAILED);
        assert_string_equal(c->err.sqlstate, "22012");
        expect_one(c, 1);
        assert_int_equal(pg_next(c), OXY_STEP_FAILED);
        assert_string_equal(c->err.sqlstate, "42703");
        assert_int_equal(pg_next(c), OXY_STEP_FAILED);
        expect_one(c, 1);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    }
    pg_close(c);
}

static void test_a_request_that_does_not_share_stays_alone(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request shared = pg_request("SELECT 1", SHARED), alone = pg_request("SELECT 2", READ);

    (void)state;
    start(c, &shared);
    assert_int_equal(c->driver->start(c, &alone), OXY_INTERFACE);
    expect_one(c, 1);
    start(c, &alone);
    assert_int_equal(c->driver->start(c, &shared), OXY_INTERFACE);
    expect_one(c, 2);
    pg_close(c);
}

static void test_what_is_given_up_is_dropped_in_its_turn(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request many = pg_request("SELECT generate_series(1, 10000)", SHARED), one = pg_request("SELECT 7", SHARED);

    (void)state;
    for (int round = 0; round < 2; round++) {
        start(c, &many); /* given up before any answer */
        start(c, &many); /* ... in the middle of its rows */
        start(c, &many); /* ... before any answer of its own */
        start(c, &one);
        c->driver->finish(c);
        expect_row(c, 1);
        expect_row(c, 2);
        c->driver->finish(c);
        c->driver->finish(c);
        expect_one(c, 7);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    }
    pg_must(c, "SELECT 1", READ);
    pg_close(c);
}

static void drain(oxy_conn *c)
{
    oxy_step step;

    while ((step = c->driver->pump(c)) != OXY_STEP_DONE) {
        struct pollfd p = {.fd = c->driver->fd(c), .events = POLLIN};

        if (step == OXY_STEP_WANT_WRITE)
            p.events |= POLLOUT;
        assert_int_equal(poll(&p, 1, 10000), 1);
    }
}

static void test_after_finish_the_connection_starts_anew(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request slow = pg_request("SELECT pg_sleep(0.05)", READ), fresh = pg_request("SELECT 'never seen'", READ),
                write = pg_request("CREATE TEMP TABLE left_behind (a int)", WRITE);

    (void)state;
    start(c, &slow);
    c->driver->finish(c);
    assert_int_equal(c->driver->status(c), OXY_CONN_ACTIVE); /* something is unread */
    assert_string_equal(pg_one(c, "SELECT 1"), "i:1");
    start(c, &fresh); /* only its description is under way */
    c->driver->finish(c);
    drain(c);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    start(c, &write);
    c->driver->finish(c);
    pg_must(c, "SELECT * FROM left_behind", READ);
    pg_must(c, "SELECT 'never seen'", READ);
    start(c, &slow);
    pg_close(c);
}

static void test_closing_in_the_middle_frees_all(void **state)
{
    oxy_request many = pg_request("SELECT generate_series(1, 10000)", SHARED);

    (void)state;
    for (int stop = 0; stop < 4; stop++) {
        oxy_conn *c = pg_open_default();

        for (int i = 0; i < 3; i++)
            start(c, &many);
        if (stop >= 1)
            (void)c->driver->pump(c);
        if (stop >= 2)
            expect_row(c, 1);
        if (stop >= 3)
            c->driver->finish(c);
        pg_close(c);
    }
}

/* --- scripts, ping, reset, streams, copy ------------------------------------------------ */

static void test_a_script_runs_all_its_statements(void **state)
{
    oxy_conn *c = pg_open_default();

    (void)state;
    pg_must(c, "CREATE TEMP TABLE s (a int); INSERT INTO s VALUES (1), (2); SELECT * FROM s", OXY_REQ_SCRIPT);
    assert_int_equal(c->n_cols, 0);
    assert_string_equal(pg_one(c, "SELECT count(*) FROM s"), "i:2");
    assert_true(c->driver->tainted(c));
    assert_int_equal(pg_run(c, "INSERT INTO s VALUES (3); SELECT nothing", OXY_REQ_SCRIPT), OXY_PROGRAMMING);
    assert_string_equal(pg_one(c, "SELECT count(*) FROM s"), "i:2");
    pg_must(c, "", OXY_REQ_SCRIPT);
    pg_must(c, "BEGIN; INSERT INTO s VALUES (4)", OXY_REQ_SCRIPT);
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    pg_must(c, "ROLLBACK", OXY_REQ_SCRIPT);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    pg_close(c);
}

static void test_a_script_may_follow_something_given_up(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request slow = pg_request("SELECT pg_sleep(0.02)", READ),
                script = pg_request("SELECT 1; SELECT pg_sleep(0.02)", OXY_REQ_SCRIPT);

    (void)state;
    start(c, &slow);
    c->driver->finish(c);
    pg_must(c, "CREATE TEMP TABLE s (a int)", OXY_REQ_SCRIPT);
    start(c, &script);
    c->driver->finish(c);
    assert_string_equal(pg_one(c, "SELECT 2"), "i:2");
    pg_close(c);
}

static void test_copy_is_refused_and_harms_nothing(void **state)
{
    oxy_conn *c = pg_open_default();

    (void)state;
    pg_must(c, "CREATE TEMP TABLE s (a int)", WRITE);
    assert_int_equal(pg_run(c, "COPY s FROM STDIN", RAW), OXY_NOT_SUPPORTED);
    assert_int_equal(pg_run(c, " /* x */ copy s TO STDOUT", READ), OXY_NOT_SUPPORTED);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_int_equal(pg_run(c, "INSERT INTO s VALUES (1); COPY s FROM STDIN; SELECT 1", OXY_REQ_SCRIPT),
                     OXY_NOT_SUPPORTED);
    assert_string_equal(pg_one(c, "SELECT count(*) FROM s"), "i:0");
    assert_int_equal(
        pg_run(c, "INSERT INTO s SELECT generate_series(1, 200000); COPY s TO STDOUT; INSERT INTO s VALUES (0)",
               OXY_REQ_SCRIPT),
        OXY_NOT_SUPPORTED);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_string_equal(pg_one(c, "SELECT 1"), "i:1");
    pg_close(c);
}

static void test_ping_and_reset(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request ping = {.flags = OXY_REQ_PING, .deadline = OXY_NS_NEVER},
                reset = {.flags = OXY_REQ_RESET, .deadline = OXY_NS_NEVER};

    (void)state;
    assert_int_equal(pg_run_request(c, &ping), OXY_OK);
    pg_must(c, "SELECT 1", READ);
    pg_must(c, "SELECT 1", RAW);
    assert_false(c->driver->tainted(c));
    pg_must(c, "CREATE TEMP TABLE gone (a int)", RAW);
    pg_must(c, "SET TimeZone = 'Asia/Tokyo'", RAW);
    assert_true(c->driver->tainted(c));
    assert_int_equal(pg_run_request(c, &reset), OXY_OK);
    assert_false(c->driver->tainted(c));
    assert_string_equal(pg_one(c, "SHOW TimeZone"), "t:UTC");
    assert_int_equal(pg_run(c, "SELECT * FROM gone", READ), OXY_PROGRAMMING);
    assert_string_equal(pg_one(c, "SELECT 1"), "i:1");
    assert_int_equal(pg_run_request(c, &ping), OXY_OK);
    pg_must(c, "BEGIN", WRITE);
    assert_int_equal(pg_run_request(c, &reset), OXY_INTERNAL); /* 25001, inside a transaction */
    pg_must(c, "ROLLBACK", WRITE);
    pg_close(c);
}

static void test_a_stream_gives_rows_before_the_statement_ends(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request r = pg_request("SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) i", OXY_REQ_STREAM);
    oxy_request fails = pg_request("SELECT 10 / (1000 - i) FROM generate_series(1, 2000) i", OXY_REQ_STREAM);
    oxy_step step;
    int n = 0;

    (void)state;
    for (int round = 0; round < 2; round++) {
        start(c, &r);
        for (int i = 1; i <= 20000; i++) {
            assert_int_equal(pg_next(c), OXY_STEP_ROW);
            assert_int_equal(c->cells[0].i, i);
            assert_int_equal(c->cells[1].len, 1000);
        }
        assert_int_equal(pg_next(c), OXY_STEP_DONE);
        assert_int_equal(c->n_cols, 2);
    }
    start(c, &fails);
    while ((step = pg_next(c)) == OXY_STEP_ROW)
        n++;
    assert_int_equal(step, OXY_STEP_FAILED);
    assert_in_range(n, 900, 999); /* libpq 17 and later drop an unfinished chunk */
    assert_string_equal(c->err.sqlstate, "22012");
    start(c, &r);
    assert_int_equal(pg_next(c), OXY_STEP_ROW);
    c->driver->finish(c);
    assert_string_equal(pg_one(c, "SELECT 1"), "i:1");
    r = pg_request("SELECT 1 AS a WHERE false", OXY_REQ_STREAM);
    start(c, &r);
    assert_int_equal(pg_next(c), OXY_STEP_DONE);
    assert_int_equal(c->n_cols, 1);
    pg_close(c);
}

static void test_a_failing_commit_fails_the_request(void **state)
{
    oxy_conn *c = pg_open_default();

    (void)state;
    pg_must(c, "CREATE TEMP TABLE d (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)", WRITE);
    assert_int_equal(pg_run(c, "INSERT INTO d VALUES (1), (1) RETURNING a", WRITE), OXY_UNIQUE);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_string_equal(pg_one(c, "SELECT count(*) FROM d"), "i:0");
    pg_must(c, "BEGIN", WRITE);
    pg_must(c, "INSERT INTO d VALUES (1), (1) RETURNING a", WRITE);
    assert_int_equal(pg_run(c, "COMMIT", WRITE), OXY_UNIQUE);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    pg_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_requests_are_answered_in_their_order),
        cmocka_unit_test(test_the_failure_of_one_touches_no_other),
        cmocka_unit_test(test_a_request_that_does_not_share_stays_alone),
        cmocka_unit_test(test_what_is_given_up_is_dropped_in_its_turn),
        cmocka_unit_test(test_after_finish_the_connection_starts_anew),
        cmocka_unit_test(test_closing_in_the_middle_frees_all),
        cmocka_unit_test(test_a_script_runs_all_its_statements),
        cmocka_unit_test(test_a_script_may_follow_something_given_up),
        cmocka_unit_test(test_copy_is_refused_and_harms_nothing),
        cmocka_unit_test(test_ping_and_reset),
        cmocka_unit_test(test_a_stream_gives_rows_before_the_statement_ends),
        cmocka_unit_test(test_a_failing_commit_fails_the_request),
    };

    return cmocka_run_group_tests(tests, pg_setup, pg_teardown);
}
