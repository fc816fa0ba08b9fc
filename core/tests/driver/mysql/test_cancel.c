/* SPDX-License-Identifier: MIT */
/* Cancelling: on the server, in time, and never the wrong statement. */
#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static oxy_errands *errands;

static int make_all(void **state)
{
    assert_int_equal(oxy_errands_new(oxy_alloc_default(), &errands), OXY_OK);
    return make_database(state);
}

static int drop_all(void **state)
{
    oxy_errands_free(errands);
    return drop_database(state);
}

static oxy_conn *open_with_errands(void)
{
    options o = server_options();

    o.errands = errands;
    return must_open(&o);
}

#define ENDLESS                                                                                                        \
    "SELECT COUNT(*) FROM information_schema.collations a, information_schema.collations b, "                          \
    "information_schema.collations c, information_schema.collations d"

static void *cancel_later(void *arg)
{
    oxy_conn *c = arg;

    (void)usleep(300000);
    c->driver->cancel(c);
    return NULL;
}

static oxy_rc run_and_cancel(oxy_conn *c, const char *sql, uint32_t flags)
{
    pthread_t thread;
    oxy_rc rc;

    assert_int_equal(pthread_create(&thread, NULL, cancel_later, c), 0);
    rc = run_sql(c, sql, flags);
    (void)pthread_join(thread, NULL);
    return rc;
}

static void test_running_statement_is_stopped(void **state)
{
    oxy_conn *c = open_with_errands();

    (void)state;
    for (int i = 0; i < 3; i++) {
        oxy_ns since = oxy_clock_now();

        assert_int_equal(run_and_cancel(c, ENDLESS, READ), OXY_CANCELED);
        assert_int_equal(c->err.native, 1317);
        assert_true(oxy_clock_now() - since < 5 * OXY_NS_PER_S);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
        assert_string_equal(one(c, "SELECT 1"), "i:1");
    }
    close_conn(c);
}

static void test_stopped_inside_a_transaction(void **state)
{
    oxy_conn *c = open_with_errands();

    (void)state;
    must_run(c, "CREATE TABLE kept (n INT)", WRITE);
    must_run(c, "BEGIN", WRITE);
    must_run(c, "INSERT INTO kept VALUES (1)", WRITE);
    assert_int_equal(run_and_cancel(c, ENDLESS, READ), OXY_CANCELED);
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    must_run(c, "COMMIT", WRITE);
    assert_int_equal(count(c, "SELECT COUNT(*) FROM kept"), 1);
    close_conn(c);
}

static void test_stopped_in_every_kind_of_request(void **state)
{
    static const uint32_t flags[] = {READ, OXY_REQ_STREAM, OXY_REQ_RAW, OXY_REQ_SCRIPT, OXY_REQ_NO_CACHE};
    oxy_conn *c = open_with_errands();

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(flags); i++) {
        assert_int_equal(run_and_cancel(c, ENDLESS, flags[i]), OXY_CANCELED);
        assert_string_equal(one(c, "SELECT 1"), "i:1");
    }
    close_conn(c);
}

/* However the two race: the cancel is for the first statement only. */
static void test_late_cancel_hits_nothing_else(void **state)
{
    oxy_conn *c = open_with_errands();

    (void)state;
    must_run(c, "CREATE TABLE raced (n INT)", WRITE);
    for (int i = 0; i < 60; i++) {
        oxy_request r = request(i % 2 ? "SELECT 1" : "SELECT SLEEP(0.002)", READ);
        oxy_step s;

        assert_int_equal(c->driver->start(c, &r), OXY_OK);
        if (i % 3 == 0)
            (void)c->driver->step(c);
        if (i % 3 == 1)
            (void)usleep((useconds_t)(i * 100));
        c->driver->cancel(c);
        while ((s = next(c)) == OXY_STEP_ROW)
            ;
        if (s == OXY_STEP_FAILED)
            assert_int_equal(c->err.rc, OXY_CANCELED);
        for (int k = 0; k < 5; k++)
            must_run(c, "INSERT INTO raced VALUES (1)", WRITE);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    }
    assert_int_equal(count(c, "SELECT COUNT(*) FROM raced"), 300);
    close_conn(c);
}

static void test_cancel_without_a_request_does_nothing(void **state)
{
    oxy_conn *c = open_with_errands();

    (void)state;
    (void)errands_seen();
    c->driver->cancel(c);
    assert_string_equal(one(c, "SELECT 1"), "i:1");
    c->driver->cancel(c);
    assert_string_equal(one(c, "SELECT SLEEP(0.2)"), "i:0");
    assert_int_equal(errands_seen(), 0);
    close_conn(c);
}

/* Between two statements of one request nothing runs that a KILL could stop. */
static void test_cancel_between_statements_stops_the_rest(void **state)
{
    oxy_conn *c = open_with_errands();
    oxy_sv before[] = {OXY_SV("START TRANSACTION")};
    oxy_request r = request("INSERT INTO raced VALUES (2)", WRITE);

    (void)state;
    r.before = before;
    r.n_before = 1;
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    c->driver->cancel(c);
    assert_int_equal(next(c), OXY_STEP_FAILED);
    assert_int_equal(c->err.rc, OXY_CANCELED);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_int_equal(count(c, "SELECT COUNT(*) FROM raced WHERE n = 2"), 0);
    close_conn(c);
}

static void test_close_does_not_wait_for_a_cancel(void **state)
{
    oxy_request r = request(ENDLESS, READ);

    (void)state;
    for (int i = 0; i < 3; i++) {
        oxy_conn *c = open_with_errands();

        assert_int_equal(c->driver->start(c, &r), OXY_OK);
        (void)c->driver->step(c);
        (void)usleep(20000);
        (void)c->driver->pump(c);
        c->driver->cancel(c);
        close_conn(c);
    }
}

static void test_cancel_without_threads_is_harmless(void **state)
{
    oxy_conn *c = open_plain();
    oxy_request r = request("SELECT SLEEP(0.2)", READ);

    (void)state;
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    (void)c->driver->step(c);
    c->driver->cancel(c);
    while (next(c) == OXY_STEP_ROW)
        ;
    assert_string_equal(one(c, "SELECT 1"), "i:1");
    close_conn(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_running_statement_is_stopped),
        cmocka_unit_test(test_stopped_inside_a_transaction),
        cmocka_unit_test(test_stopped_in_every_kind_of_request),
        cmocka_unit_test(test_late_cancel_hits_nothing_else),
        cmocka_unit_test(test_cancel_without_a_request_does_nothing),
        cmocka_unit_test(test_cancel_between_statements_stops_the_rest),
        cmocka_unit_test(test_close_does_not_wait_for_a_cancel),
        cmocka_unit_test(test_cancel_without_threads_is_harmless),
    };

    return cmocka_run_group_tests(tests, make_all, drop_all);
}
