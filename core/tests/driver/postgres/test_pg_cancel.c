/* SPDX-License-Identifier: MIT */
/* Cancelling, timers, and connections that go away. */
#include "pg.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void nap(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

static void start(oxy_conn *c, const oxy_request *r)
{
    if (c->driver->start(c, r) != OXY_OK)
        fail_msg("start: %s", c->err.message);
}

static void *cancel_soon(void *arg)
{
    oxy_conn *c = arg;

    nap(50);
    c->driver->cancel(c);
    return NULL;
}

static void test_a_cancelled_statement_ends(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request r = pg_request("SELECT pg_sleep(20)", READ);
    pthread_t thread;

    (void)state;
    for (int round = 0; round < 3; round++) {
        start(c, &r);
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, c), 0);
        assert_int_equal(pg_next(c), OXY_STEP_FAILED);
        (void)pthread_join(thread, NULL);
        assert_int_equal(c->err.rc, OXY_CANCELED);
        assert_string_equal(c->err.sqlstate, "57014");
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
        assert_string_equal(pg_one(c, "SELECT 1"), "i:1");
    }
    pg_close(c);
}

static void test_a_late_cancel_hits_nothing(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request r = pg_request("SELECT 1", READ);
    unsigned waits = 0;

    (void)state;
    c->driver->cancel(c); /* of nothing */
    pg_must(c, "SELECT 1", READ);
    for (int round = 0; round < 200; round++) {
        oxy_step step;

        start(c, &r);
        if (round % 3 == 0)
            nap(1);
        c->driver->cancel(c);
        c->driver->cancel(c);
        step = pg_next(c);
        while (step == OXY_STEP_ROW)
            step = pg_next(c);
        if (step == OXY_STEP_FAILED)
            assert_int_equal(c->err.rc, OXY_CANCELED);
        waits += pg_offloads();
        assert_string_equal(pg_one(c, "SELECT 2"), "i:2");
        assert_string_equal(pg_one(c, "SELECT count(*) FROM generate_series(1, 1000)"), "i:1000");
    }
    assert_true(waits > 0);
    pg_close(c);
}

static void test_a_cancel_before_the_second_flight_counts(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request r = pg_request("SELECT 'not described yet', pg_sleep(20)", READ);

    (void)state;
    start(c, &r);
    nap(20); /* the description has come, and nobody has read it */
    c->driver->cancel(c);
    assert_int_equal(pg_next(c), OXY_STEP_FAILED);
    assert_int_equal(c->err.rc, OXY_CANCELED);
    assert_string_equal(pg_one(c, "SELECT 1"), "i:1");
    pg_close(c);
}

static void test_a_cancel_before_the_types_are_known_leaves_the_statement_usable(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request r = pg_request("SELECT 'b'::oxy_cancelled", READ);

    (void)state;
    pg_must(c, "DROP TYPE IF EXISTS oxy_cancelled", WRITE);
    pg_must(c, "CREATE TYPE oxy_cancelled AS ENUM ('a', 'b')", WRITE);
    start(c, &r);
    nap(20); /* the description has come, the types have not been asked for */
    c->driver->cancel(c);
    assert_int_equal(pg_next(c), OXY_STEP_FAILED);
    assert_int_equal(c->err.rc, OXY_CANCELED);
    assert_string_equal(pg_one_of(c, &r), "t:b");
    start(c, &r);
    nap(20);
    c->driver->finish(c);
    assert_string_equal(pg_one_of(c, &r), "t:b");
    pg_must(c, "DROP TYPE oxy_cancelled", WRITE);
    pg_close(c);
}

static void test_a_neighbour_of_a_cancelled_one_lives(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request slow = pg_request("SELECT pg_sleep(20)", SHARED), quick = pg_request("SELECT 1", SHARED);
    oxy_step step;

    (void)state;
    pg_must(c, "SELECT pg_sleep(0)", READ);
    start(c, &slow);
    start(c, &quick);
    nap(20);
    c->driver->cancel(c);
    assert_int_equal(pg_next(c), OXY_STEP_FAILED);
    assert_int_equal(c->err.rc, OXY_CANCELED);
    step = pg_next(c);
    if (step == OXY_STEP_ROW)
        assert_int_equal(pg_next(c), OXY_STEP_DONE);
    else
        assert_int_equal(c->err.rc, OXY_CANCELED); /* hit as well: the caller sends it again */
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    pg_close(c);
}

static void test_finish_after_cancel_protects_the_next(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request slow = pg_request("SELECT pg_sleep(20)", READ);

    (void)state;
    pg_must(c, "SELECT pg_sleep(0)", READ);
    for (int round = 0; round < 20; round++) {
        start(c, &slow);
        c->driver->cancel(c);
        c->driver->finish(c);
        assert_string_equal(pg_one(c, "SELECT count(*) FROM generate_series(1, 1000)"), "i:1000");
    }
    pg_close(c);
}

static void test_closing_does_not_wait_for_a_cancel(void **state)
{
    oxy_request slow = pg_request("SELECT pg_sleep(20)", READ);

    (void)state;
    for (int round = 0; round < 20; round++) {
        oxy_conn *c = pg_open_default();

        start(c, &slow);
        c->driver->cancel(c);
        pg_close(c);
    }
}

static void test_timers_of_the_server_are_told_apart(void **state)
{
    pg_options o = pg_default();
    oxy_conn *c, *holder = pg_open_default();

    (void)state;
    pg_set(&o, "oxy.statement_timeout_ms", "60");
    pg_set(&o, "oxy.lock_timeout_ms", "30");
    c = pg_open(&o);
    assert_int_equal(pg_run(c, "SELECT pg_sleep(20)", READ), OXY_STATEMENT_TIMEOUT);
    assert_string_equal(c->err.sqlstate, "57014");
    pg_must(holder, "CREATE TABLE IF NOT EXISTS c_locked (a int)", WRITE);
    pg_must(holder, "BEGIN", WRITE);
    pg_must(holder, "LOCK TABLE c_locked", WRITE);
    assert_int_equal(pg_run(c, "SELECT * FROM c_locked", READ), OXY_LOCK_TIMEOUT);
    pg_must(holder, "ROLLBACK", WRITE);
    pg_must(c, "SELECT * FROM c_locked", READ);
    pg_must(holder, "DROP TABLE c_locked", WRITE);
    pg_close(holder);
    pg_close(c);
}

/* --- connections that go away ------------------------------------------------------------ */

static void terminate(oxy_conn *c)
{
    oxy_conn *other = pg_open_default();
    char sql[64];

    (void)snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%lld)", (long long)c->server.pid);
    pg_must(other, sql, READ);
    pg_close(other);
}

static void *terminate_soon(void *arg)
{
    nap(50);
    terminate(arg);
    return NULL;
}

static void test_an_idle_connection_notices_its_end(void **state)
{
    oxy_conn *c = pg_open_default();
    struct pollfd p = {.fd = c->driver->fd(c), .events = POLLIN};

    (void)state;
    assert_true(c->driver->alive(c));
    terminate(c);
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_false(c->driver->alive(c));
    assert_int_equal(c->driver->status(c), OXY_CONN_BROKEN);
    assert_int_equal(pg_run(c, "SELECT 1", READ), OXY_CONNECTION_LOST);
    assert_true(c->err.flags & OXY_ERR_UNSENT);
    pg_close(c);
}

static void test_a_statement_for_a_dead_connection_was_not_sent(void **state)
{
    oxy_conn *c = pg_open_default();
    struct pollfd p = {.fd = c->driver->fd(c), .events = POLLIN};

    (void)state;
    terminate(c);
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_int_equal(pg_run(c, "SELECT 1", WRITE), OXY_CONNECTION_LOST);
    assert_true(c->err.flags & OXY_ERR_UNSENT);
    assert_string_equal(c->err.sqlstate, "57P01");
    assert_int_equal(c->driver->status(c), OXY_CONN_BROKEN);
    pg_close(c);
}

static void test_a_connection_lost_in_the_middle_is_told(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request slow = pg_request("SELECT pg_sleep($1)", SHARED), one = pg_request("SELECT 1", SHARED);
    oxy_value seconds = {.tag = OXY_V_DOUBLE, .d = 0};
    pthread_t thread;

    (void)state;
    slow.values = &seconds;
    slow.n_values = 1;
    pg_must(c, "SELECT 1", READ);
    assert_int_equal(pg_run_request(c, &slow), OXY_OK);
    seconds.d = 20;
    start(c, &one);
    start(c, &slow);
    start(c, &one);
    assert_int_equal(pthread_create(&thread, NULL, terminate_soon, c), 0);
    assert_int_equal(pg_next(c), OXY_STEP_ROW);
    assert_int_equal(pg_next(c), OXY_STEP_DONE);
    assert_int_equal(pg_next(c), OXY_STEP_FAILED);
    (void)pthread_join(thread, NULL);
    assert_int_equal(c->err.rc, OXY_CONNECTION_LOST);
    assert_string_equal(c->err.sqlstate, "57P01");
    assert_false(c->err.flags & OXY_ERR_UNSENT);
    assert_int_equal(pg_next(c), OXY_STEP_FAILED);
    assert_int_equal(c->err.rc, OXY_CONNECTION_LOST);
    assert_int_equal(c->driver->status(c), OXY_CONN_BROKEN);
    assert_int_not_equal(pg_run(c, "SELECT 1", READ), OXY_OK);
    pg_close(c);
}

static void test_a_socket_that_breaks_is_a_lost_connection(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request slow = pg_request("SELECT pg_sleep(20)", READ);

    (void)state;
    start(c, &slow);
    (void)shutdown(c->driver->fd(c), SHUT_RDWR);
    assert_int_equal(pg_next(c), OXY_STEP_FAILED);
    assert_int_equal(c->err.rc, OXY_CONNECTION_LOST);
    assert_true(strlen(c->err.message) > 0);
    assert_int_equal(c->driver->status(c), OXY_CONN_BROKEN);
    c->driver->finish(c);
    c->driver->cancel(c);
    pg_close(c);
}

static void test_a_fork_leaves_the_parents_session_alone(void **state)
{
    oxy_conn *c = pg_open_default();
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0) {
        pg_close(c);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_string_equal(pg_one(c, "SELECT 1"), "i:1");
    pg_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cancelled_statement_ends),
        cmocka_unit_test(test_a_late_cancel_hits_nothing),
        cmocka_unit_test(test_a_cancel_before_the_second_flight_counts),
        cmocka_unit_test(test_a_cancel_before_the_types_are_known_leaves_the_statement_usable),
        cmocka_unit_test(test_a_neighbour_of_a_cancelled_one_lives),
        cmocka_unit_test(test_finish_after_cancel_protects_the_next),
        cmocka_unit_test(test_closing_does_not_wait_for_a_cancel),
        cmocka_unit_test(test_timers_of_the_server_are_told_apart),
        cmocka_unit_test(test_an_idle_connection_notices_its_end),
        cmocka_unit_test(test_a_statement_for_a_dead_connection_was_not_sent),
        cmocka_unit_test(test_a_connection_lost_in_the_middle_is_told),
        cmocka_unit_test(test_a_socket_that_breaks_is_a_lost_connection),
        cmocka_unit_test(test_a_fork_leaves_the_parents_session_alone),
    };

    return cmocka_run_group_tests(tests, pg_setup, pg_teardown);
}
