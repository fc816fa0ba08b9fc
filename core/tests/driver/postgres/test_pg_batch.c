/* SPDX-License-Identifier: MIT */
/* Point reads that are held and share a flight: one transaction on the server for
 * all of them, and every outcome as if each had its own. */
#include "pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HELD ((uint32_t)(OXY_REQ_SHARED | OXY_REQ_POINT | OXY_REQ_HELD))

/* The time at which the server began the transaction tells flights apart. */
static const char *const began = "SELECT (extract(epoch FROM now()) * 1000000)::int8";
static const char *const divide = "SELECT (100 / $1)::int";

static void start(oxy_conn *c, const oxy_request *r)
{
    if (c->driver->start(c, r) != OXY_OK)
        fail_msg("start: %s", c->err.message);
}

static oxy_request with(const char *sql, oxy_value *value, int64_t i)
{
    oxy_request r = pg_request(sql, HELD);

    *value = (oxy_value){.tag = OXY_V_INT, .i = i};
    r.values = value;
    r.n_values = 1;
    return r;
}

static int64_t answer(oxy_conn *c)
{
    int64_t found;

    assert_int_equal(pg_next(c), OXY_STEP_ROW);
    assert_int_equal(c->cells[0].tag, OXY_C_INT);
    found = c->cells[0].i;
    assert_int_equal(pg_next(c), OXY_STEP_DONE);
    return found;
}

static void prepare(oxy_conn *c)
{
    oxy_request r = pg_request(began, HELD);
    oxy_value value;

    start(c, &r);
    (void)answer(c);
    r = with(divide, &value, 1);
    start(c, &r);
    assert_int_equal(answer(c), 100);
}

static void nap(void)
{
    const struct timespec t = {0, 2000000};

    (void)nanosleep(&t, NULL);
}

static void test_held_reads_share_a_transaction(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request held = pg_request(began, HELD), own = pg_request(began, SHARED | (uint32_t)OXY_REQ_POINT),
                wide = pg_request(began, SHARED | (uint32_t)OXY_REQ_HELD);
    int64_t at[32];

    (void)state;
    prepare(c);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 32; i++)
            start(c, &held);
        assert_int_equal(c->driver->start(c, &held), OXY_INTERFACE);
        c->driver->flush(c);
        for (int i = 0; i < 32; i++)
            at[i] = answer(c);
        for (int i = 1; i < 32; i++)
            assert_int_equal(at[i], at[0]);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    }
    /* Those that are not point reads, or not held, have their own. */
    start(c, &held);
    start(c, &held);
    start(c, &wide);
    start(c, &own);
    start(c, &held);
    c->driver->flush(c);
    for (int i = 0; i < 5; i++)
        at[i] = answer(c);
    assert_int_equal(at[0], at[1]);
    for (int i = 2; i < 5; i++)
        assert_true(at[i] > at[i - 1]);
    pg_close(c);
}

static void test_nothing_is_sent_before_the_flush(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request held = pg_request(began, HELD);
    int64_t after;

    (void)state;
    prepare(c);
    start(c, &held);
    nap();
    assert_int_equal(c->driver->pump(c), OXY_STEP_DONE); /* step() sends it */
    after = answer(c);
    start(c, &held);
    c->driver->finish(c); /* given up before: it was never sent */
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    c->driver->flush(c);
    start(c, &held);
    c->driver->flush(c);
    assert_true(answer(c) > after);
    pg_close(c);
}

static void test_a_failure_is_only_its_own(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value values[8];
    oxy_request r;

    (void)state;
    prepare(c);
    for (int bad = 0; bad < 8; bad++) {
        for (int i = 0; i < 8; i++) {
            r = with(divide, &values[i], i == bad || i == 5 ? 0 : i + 1);
            start(c, &r);
        }
        c->driver->flush(c);
        for (int i = 0; i < 8; i++) {
            if (i == bad || i == 5) {
                assert_int_equal(pg_next(c), OXY_STEP_FAILED);
                assert_string_equal(c->err.sqlstate, "22012");
            } else {
                assert_int_equal(answer(c), 100 / (i + 1));
            }
        }
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    }
    pg_close(c);
}

/* Values of which each kind is another statement, described on first use. */
static void test_what_must_be_prepared_first(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request known = pg_request(began, HELD), fresh = pg_request("SELECT 41 + 1", HELD), other;
    oxy_value small, large;

    (void)state;
    for (int round = 0; round < 2; round++) {
        start(c, &known);
        other = with("SELECT $1::int8 + 0", &small, 1);
        start(c, &other);
        start(c, &fresh);
        other = with("SELECT $1::int8 + 0", &large, INT64_C(5000000000));
        start(c, &other);
        start(c, &known);
        c->driver->flush(c);
        (void)answer(c);
        assert_int_equal(answer(c), 1);
        assert_int_equal(answer(c), 42);
        assert_int_equal(answer(c), INT64_C(5000000000));
        (void)answer(c);
    }
    pg_close(c);
}

static void test_forgotten_names_and_stale_plans(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request held = pg_request(began, HELD), own = pg_request(began, SHARED),
                rows = pg_request("SELECT * FROM batch_stale", HELD);

    (void)state;
    pg_must(c, "CREATE TEMP TABLE batch_stale (a int); INSERT INTO batch_stale VALUES (1)", (uint32_t)OXY_REQ_SCRIPT);
    prepare(c);
    start(c, &rows);
    assert_int_equal(answer(c), 1);
    pg_must(c, "ALTER TABLE batch_stale ADD COLUMN b int", WRITE);
    for (int i = 0; i < 3; i++) {
        start(c, &held);
        start(c, &rows);
    }
    c->driver->flush(c);
    for (int i = 0; i < 3; i++) {
        (void)answer(c);
        assert_int_equal(pg_next(c), OXY_STEP_ROW);
        assert_int_equal(c->n_cols, 2);
        assert_int_equal(pg_next(c), OXY_STEP_DONE);
    }
    for (int round = 0; round < 2; round++) {
        pg_must(c, "DEALLOCATE ALL", RAW);
        for (int i = 0; i < 3; i++)
            start(c, round ? &held : &own);
        c->driver->flush(c);
        for (int i = 0; i < 3; i++)
            (void)answer(c);
    }
    pg_close(c);
}

static void test_given_up_in_the_middle(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value values[9];
    oxy_request r;

    (void)state;
    prepare(c);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 9; i++) {
            r = with(divide, &values[i], i == 4 && round % 2 ? 0 : i + 1);
            start(c, &r);
        }
        c->driver->flush(c);
        if (round % 4 > 1)
            nap();
        for (int i = 0; i < 9; i++) {
            if ((i + round) % 3 == 0) {
                c->driver->finish(c); /* its memory may go */
                values[i] = (oxy_value){.tag = OXY_V_NULL};
            } else if (i == 4 && round % 2) {
                assert_int_equal(pg_next(c), OXY_STEP_FAILED);
            } else {
                assert_int_equal(answer(c), 100 / (i + 1));
            }
        }
    }
    pg_close(c);
}

static void test_a_cancel_hits_one(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value values[3];
    oxy_request slow;

    (void)state;
    for (int first = 0; first < 3; first++) {
        /* Warm, so that they share a flight. */
        slow = with("SELECT CASE WHEN pg_sleep($1::int / 10.0) IS NULL THEN 0 ELSE $1::int END", &values[0], 0);
        start(c, &slow);
        assert_int_equal(answer(c), 0);
        for (int i = 0; i < 3; i++) {
            slow = with("SELECT CASE WHEN pg_sleep($1::int / 10.0) IS NULL THEN 0 ELSE $1::int END", &values[i],
                        i == first ? 3 : 0);
            start(c, &slow);
        }
        c->driver->flush(c);
        nap();
        nap();
        c->driver->cancel(c); /* the oldest is meant, whichever runs */
        for (int i = 0; i < 3; i++) {
            oxy_step step = pg_next(c);

            if (i == 0 && step == OXY_STEP_FAILED) {
                assert_int_equal(c->err.rc, OXY_CANCELED);
                continue;
            }
            assert_int_equal(step, OXY_STEP_ROW);
            assert_int_equal(c->cells[0].i, i == first ? 3 : 0);
            assert_int_equal(pg_next(c), OXY_STEP_DONE);
        }
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
        assert_string_equal(pg_one(c, "SELECT 5"), "i:5");
    }
    pg_close(c);
}

static void test_a_lost_connection_fails_all(void **state)
{
    oxy_conn *c = pg_open_default(), *other = pg_open_default();
    oxy_request held = pg_request(began, HELD);
    char sql[64];

    (void)state;
    prepare(c);
    for (int i = 0; i < 4; i++)
        start(c, &held);
    (void)snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d)", (int)c->server.pid);
    pg_must(other, sql, READ);
    nap();
    c->driver->flush(c);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pg_next(c), OXY_STEP_FAILED);
    assert_int_equal(c->driver->status(c), OXY_CONN_BROKEN);
    pg_close(c);
    pg_close(other);
}

/* Whatever is started, held, flushed and given up: each answer is its own. */
static void test_random(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value values[1024];
    int wanted[1024], first = 0, last = 0, open = 0;

    (void)state;
    srand(7);
    prepare(c);
    while (last < 1000 || open > 0) {
        int what = rand() % 8;

        if (what < 4 && open < 32 && last < 1000) {
            oxy_request r = with(divide, &values[last], wanted[last] = rand() % 12);

            if (rand() % 5 == 0)
                r.flags &= ~(uint32_t)OXY_REQ_HELD;
            start(c, &r);
            last++;
            open++;
        } else if (what == 4) {
            c->driver->flush(c);
        } else if (what == 5 && open > 0) {
            c->driver->finish(c);
            first++;
            open--;
        } else if (open > 0) {
            if (wanted[first] == 0)
                assert_int_equal(pg_next(c), OXY_STEP_FAILED);
            else
                assert_int_equal(answer(c), 100 / wanted[first]);
            first++;
            open--;
        }
    }
    pg_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_reads_share_a_transaction),
        cmocka_unit_test(test_nothing_is_sent_before_the_flush),
        cmocka_unit_test(test_a_failure_is_only_its_own),
        cmocka_unit_test(test_what_must_be_prepared_first),
        cmocka_unit_test(test_forgotten_names_and_stale_plans),
        cmocka_unit_test(test_given_up_in_the_middle),
        cmocka_unit_test(test_a_cancel_hits_one),
        cmocka_unit_test(test_a_lost_connection_fails_all),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, pg_setup, pg_teardown);
}
