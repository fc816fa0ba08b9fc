/* SPDX-License-Identifier: MIT */
/* Long requests: what moves to the worker, when, and what a restart must not
 * change; cancelling and deadlines. */
#include "harness.h"

#include "driver/sqlite/sqlite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NUMBERS(limit) "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " #limit ") "

/* Makes table t with rows 1 to n. */
static void fill_t(oxy_conn *c, int n)
{
    char sql[256];

    must_run(c, "CREATE TABLE t (i INTEGER PRIMARY KEY, x TEXT)", WRITE);
    (void)snprintf(sql, sizeof sql, "INSERT INTO t " NUMBERS(% d) "SELECT i, 'row number ' || i FROM n", n);
    must_run(c, sql, WRITE);
}

static void test_short_requests_stay_on_the_callers_thread(void **state)
{
    options o = file_options(in_dir(state, "short.db"));
    oxy_conn *c = must_open(&o);

    fill_t(c, 1000);
    must_run(c, "INSERT INTO t VALUES (2000, '')", POINT); /* the log's first commit is not short */
    (void)offloads();
    for (int i = 0; i < 50; i++) {
        must_run(c, "SELECT * FROM t WHERE i = 500", OXY_REQ_POINT);
        must_run(c, "SELECT * FROM t LIMIT 20", READ);
        must_run(c, "UPDATE t SET x = 'y' WHERE i = 7", POINT);
        must_run(c, "BEGIN IMMEDIATE", WRITE);
        must_run(c, "UPDATE t SET x = 'z' WHERE i = 7", POINT);
        must_run(c, "SELECT x FROM t WHERE i = 7", READ);
        must_run(c, "COMMIT", WRITE);
    }
    assert_int_equal(offloads(), 0);
    close_conn(c);
}

/* Rows that take the caller long, as building objects does: the read stops for
 * turns first, then leaves; it keeps every row on the way. */
static void test_a_read_past_its_budget_takes_turns_and_then_leaves(void **state)
{
    options o = file_options(in_dir(state, "turns.db"));
    oxy_conn *c;
    oxy_request r = request("SELECT i FROM t", READ);
    struct timespec slow = {0, 20000};
    int64_t rows = 0;

    set_option(&o, "inline_budget_ns", "2000000");
    c = must_open(&o);
    fill_t(c, 5000);
    (void)offloads();
    (void)turns();
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    while (next(c) == OXY_STEP_ROW) {
        assert_int_equal(c->cells[0].i, ++rows);
        if (rows < 2000)
            (void)nanosleep(&slow, NULL);
    }
    assert_int_equal(rows, 5000);
    assert_int_equal(turns(), 3);
    assert_true(offloads() > 0);
    close_conn(c);
}

static void test_with_no_budget_everything_runs_on_the_worker(void **state)
{
    options o = memory_options();
    oxy_conn *c;

    (void)state;
    set_option(&o, "inline_budget_ns", "0");
    (void)offloads();
    c = must_open(&o);
    assert_int_equal(offloads(), 1);
    assert_int_equal(count(c, "SELECT 5"), 5);
    assert_int_equal(offloads(), 1);
    assert_string_equal(one(c, "SELEC"), "!ProgrammingError: near \"SELEC\": syntax error");
    assert_int_equal(offloads(), 1);
    close_conn(c);
}

static void test_no_step_of_a_long_read_takes_long(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);
    oxy_request r = request(NUMBERS(3000000) "SELECT count(*) FROM n", READ);
    oxy_ns begun = oxy_clock_now(), first, whole;

    (void)state;
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(c->driver->step(c), OXY_STEP_WANT_WORKER);
    first = oxy_clock_now() - begun;
    assert_int_equal(next(c), OXY_STEP_ROW);
    assert_int_equal(c->cells[0].i, 3000000);
    assert_int_equal(next(c), OXY_STEP_DONE);
    whole = oxy_clock_now() - begun;
    assert_true(first < whole / 4);
    close_conn(c);
}

/* Steps of SQLite's machine that the statements of a connection have taken. */
static int machine_steps(oxy_conn *c)
{
    sqlite3 *db = ((oxy__sqlite *)(void *)c)->db;
    int steps = 0;

    for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s)) {
        steps += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 0);
    }
    return steps;
}

static void test_a_statement_that_was_slow_goes_to_the_worker_at_once(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);
    oxy_request r = request(NUMBERS(300000) "SELECT count(*) FROM n", READ);
    int steps;

    (void)state;
    assert_int_equal(run_request(c, &r), OXY_OK);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    steps = machine_steps(c);
    assert_true(steps > 300000);
    assert_int_equal(c->driver->step(c), OXY_STEP_WANT_WORKER);
    assert_int_equal(machine_steps(c), steps);
    c->driver->finish(c);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    close_conn(c);
}

/* Rows 1, 2, 3 come at once, then one step takes long. The restart must drop
 * just those three, also if another connection writes in between. */
static void test_a_read_interrupted_between_rows_neither_repeats_nor_loses_any(void **state)
{
    static const int64_t expected[] = {1, 2, 3, 900000, 1800000};
    options o = file_options(in_dir(state, "restart.db"));
    oxy_conn *c = must_open(&o), *other = must_open(&o);
    oxy_request r = request("WITH RECURSIVE n(i) AS (SELECT (SELECT min(i) FROM t) UNION ALL SELECT i + 1 FROM n "
                            "WHERE i < 2000000) SELECT i, (SELECT x FROM t WHERE t.i = n.i % 100) FROM n "
                            "WHERE i <= 3 OR i % 900000 = 0",
                            READ);
    size_t n = 0;

    fill_t(c, 100);
    (void)offloads();
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    while (next(c) == OXY_STEP_ROW) {
        assert_true(n < OXY_COUNT(expected));
        assert_int_equal(c->cells[0].i, expected[n]);
        if (n == 1) {
            assert_int_equal(offloads(), 0); /* or the test tests nothing */
            must_run(other, "INSERT INTO t VALUES (0, 'new'), (-1, 'new')", POINT);
            (void)offloads();
        }
        n++;
    }
    assert_int_equal(c->err.rc, OXY_OK);
    assert_int_equal(n, OXY_COUNT(expected));
    assert_true(offloads() > 0);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_int_equal(count(c, "SELECT min(i) FROM t"), -1); /* the snapshot was let go */
    close_conn(other);
    close_conn(c);
}

static void test_a_statement_whose_result_may_change_is_not_run_twice(void **state)
{
    static const struct {
        const char *sql;
        bool worker;
    } cases[] = {
        {"SELECT random()", true},
        {"SELECT 1 WHERE strftime('%Y', 'NOW') > '0'", true},
        {"SELECT datetime ( /* now */ )", true},
        {"SELECT current_timestamp", true},
        {"SELECT \"random\" FROM (SELECT 1 AS \"random\", 2 AS current_price)", false},
        {"SELECT 'random() current_date', date('2031-05-06'), 1 AS randomly -- random()", false},
    };
    options o = memory_options();
    oxy_conn *c = must_open(&o);

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(cases); i++) {
        (void)offloads();
        must_run(c, cases[i].sql, READ);
        if (cases[i].worker != (offloads() > 0))
            fail_msg("%s", cases[i].sql);
    }
    close_conn(c);
}

static void test_rows_that_come_slowly_are_not_held_back(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);
    /* one row in some ten milliseconds, forever */
    oxy_request r = request(NUMBERS(100000000000) "SELECT i FROM n WHERE i % 50000 = 0", READ);

    (void)state;
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(next(c), OXY_STEP_ROW);
        assert_int_equal(c->cells[0].i, i * 50000);
    }
    close_conn(c);
}

static void test_rows_of_all_sizes_come_through_batches(void **state)
{
    enum { ROWS = 20000 };
    options o = file_options(in_dir(state, "batches.db"));
    oxy_conn *c;
    oxy_request r =
        request("SELECT i, x, zeroblob(i % 7), CASE WHEN i % 1000 = 0 THEN zeroblob(900000) END, i * 0.5, NULL "
                "FROM t ORDER BY i",
                READ);
    int64_t n = 0;
    char text[32];

    set_option(&o, "inline_budget_ns", "0");
    c = must_open(&o);
    fill_t(c, ROWS);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    while (next(c) == OXY_STEP_ROW) {
        int len = snprintf(text, sizeof text, "row number %lld", (long long)++n);

        assert_int_equal(c->n_cols, 6);
        assert_int_equal(c->cells[0].i, n);
        assert_int_equal(c->cells[1].len, len);
        assert_memory_equal(c->cells[1].p, text, (size_t)len);
        assert_int_equal(c->cells[2].tag, OXY_C_BLOB);
        assert_int_equal(c->cells[2].len, n % 7);
        assert_int_equal(c->cells[3].tag, n % 1000 ? OXY_C_NULL : OXY_C_BLOB);
        assert_true(c->cells[4].d == (double)n * 0.5);
        assert_int_equal(c->cells[5].tag, OXY_C_NULL);
    }
    assert_int_equal(c->err.rc, OXY_OK);
    assert_int_equal(n, ROWS);
    assert_int_equal(c->n_cols, 6);
    assert_true(oxy_sv_eq(c->cols[1].name, OXY_SV("x")));
    close_conn(c);
}

static void test_finish_stops_a_worker_that_reads_ahead(void **state)
{
    options o = memory_options();
    oxy_conn *c;
    oxy_request r = request(NUMBERS(100000000) "SELECT i FROM n", READ);

    (void)state;
    set_option(&o, "inline_budget_ns", "0");
    c = must_open(&o);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(c->driver->start(c, &r), OXY_OK);
        for (int k = 0; k <= i * 100; k++)
            assert_int_equal(next(c), OXY_STEP_ROW);
        c->driver->finish(c);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
        assert_int_equal(count(c, "SELECT 3"), 3);
    }
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(next(c), OXY_STEP_ROW);
    close_conn(c); /* in the middle */
}

/* --- writes --------------------------------------------------------------------------- */

static void test_a_long_write_is_undone_here_and_done_once_on_the_worker(void **state)
{
    options o = file_options(in_dir(state, "long-write.db"));
    oxy_conn *c = must_open(&o);
    oxy_request r = request("INSERT INTO t " NUMBERS(200000) "SELECT i + 100, 'x' FROM n", WRITE);

    fill_t(c, 10);
    must_run(c, "INSERT INTO t VALUES (50, '')", POINT);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(c->driver->step(c), OXY_STEP_WANT_WORKER);
    assert_int_equal(next(c), OXY_STEP_DONE);
    assert_int_equal(c->affected, 200000);
    assert_int_equal(count(c, "SELECT count(*) FROM t"), 200011);
    close_conn(c);
}

static void test_inside_a_transaction_only_point_writes_run_here(void **state)
{
    options o = file_options(in_dir(state, "in-trans.db"));
    oxy_conn *c = must_open(&o);

    fill_t(c, 1000);
    must_run(c, "INSERT INTO t VALUES (5000, '')", POINT);
    must_run(c, "BEGIN IMMEDIATE", WRITE);
    (void)offloads();
    must_run(c, "UPDATE t SET x = 'p' WHERE i = 1", POINT);
    assert_int_equal(offloads(), 0);
    must_run(c, "UPDATE t SET x = 'q'", WRITE);
    assert_int_equal(offloads(), 1);
    assert_int_equal(c->affected, 1001);
    must_run(c, "COMMIT", WRITE); /* of many pages */
    assert_int_equal(offloads(), 1);
    assert_int_equal(count(c, "SELECT count(*) FROM t WHERE x = 'q'"), 1001);
    close_conn(c);
}

static void test_writes_that_wait_for_the_disk_run_on_the_worker(void **state)
{
    options o = {.cache = 4};
    oxy_conn *c;

    set_option(&o, "path", in_dir(state, "full.db"));
    set_option(&o, "journal_mode", "WAL");
    set_option(&o, "synchronous", "FULL");
    c = must_open(&o);
    must_run(c, "CREATE TABLE t (a)", WRITE);
    must_run(c, "INSERT INTO t VALUES (1)", POINT);
    (void)offloads();
    must_run(c, "INSERT INTO t VALUES (1)", POINT);
    assert_int_equal(offloads(), 1);
    must_run(c, "BEGIN IMMEDIATE", WRITE);
    must_run(c, "INSERT INTO t VALUES (1)", POINT);
    assert_int_equal(offloads(), 0);
    must_run(c, "COMMIT", WRITE);
    assert_int_equal(offloads(), 1);
    close_conn(c);
}

static void test_a_read_inside_a_write_transaction_may_move_without_harm(void **state)
{
    options o = file_options(in_dir(state, "read-in-trans.db"));
    oxy_conn *c = must_open(&o);

    fill_t(c, 10);
    must_run(c, "BEGIN IMMEDIATE", WRITE);
    must_run(c, "INSERT INTO t VALUES (11, '')", POINT);
    (void)offloads();
    assert_int_equal(count(c, NUMBERS(1000000) "SELECT count(*) + (SELECT count(*) FROM t) FROM n"), 1000011);
    assert_true(offloads() > 0);
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    must_run(c, "COMMIT", WRITE);
    assert_int_equal(count(c, "SELECT count(*) FROM t"), 11);
    close_conn(c);
}

/* --- stopping --------------------------------------------------------------------------- */

#define FOREVER NUMBERS(100000000000) "SELECT count(*) FROM n"

static void *cancel_soon(void *arg)
{
    oxy_conn *c = arg;

    usleep(20000);
    c->driver->cancel(c);
    return NULL;
}

static void test_cancel_stops_a_running_statement(void **state)
{
    static const struct {
        const char *sql;
        uint32_t flags;
    } cases[] = {
        {FOREVER, READ},
        {"INSERT INTO t " NUMBERS(100000000000) "SELECT i + 100, '' FROM n", WRITE},
        {FOREVER "; SELECT 1", OXY_REQ_SCRIPT},
    };
    options o = file_options(in_dir(state, "cancel.db"));
    oxy_conn *c = must_open(&o);

    fill_t(c, 10);
    for (size_t i = 0; i < OXY_COUNT(cases); i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, c), 0);
        assert_int_equal(run_sql(c, cases[i].sql, cases[i].flags), OXY_CANCELED);
        pthread_join(thread, NULL);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
        assert_int_equal(count(c, "SELECT count(*) FROM t"), 10);
    }
    close_conn(c);
}

static void test_a_cancel_that_comes_late_hits_nothing(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);

    (void)state;
    for (int i = 0; i < 100; i++) {
        c->driver->cancel(c);
        assert_int_equal(count(c, i % 2 ? "SELECT 1" : NUMBERS(50000) "SELECT min(i) FROM n"), 1);
        c->driver->cancel(c);
    }
    close_conn(c);
}

static void test_a_cancel_before_the_worker_starts_counts(void **state)
{
    options o = memory_options();
    oxy_conn *c;
    oxy_request r = request(FOREVER, READ);

    (void)state;
    set_option(&o, "inline_budget_ns", "0");
    c = must_open(&o);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(c->driver->step(c), OXY_STEP_WANT_WORKER);
    c->driver->cancel(c);
    assert_int_equal(next(c), OXY_STEP_FAILED);
    assert_int_equal(c->err.rc, OXY_CANCELED);
    close_conn(c);
}

typedef struct storm {
    oxy_conn *c;
    atomic_bool stop;
} storm;

static void *cancel_all_the_time(void *arg)
{
    storm *s = arg;

    while (!atomic_load(&s->stop)) {
        s->c->driver->cancel(s->c);
        usleep(50);
    }
    return NULL;
}

/* Every request ends as it should or as cancelled, and what was reported as
 * done is done. */
static void test_a_storm_of_cancels_loses_no_write_and_leaves_a_working_connection(void **state)
{
    options o = file_options(in_dir(state, "storm.db"));
    storm s = {.c = must_open(&o)};
    oxy_conn *c = s.c;
    pthread_t thread;
    int64_t written = 0;
    int cancelled = 0, well = 0;

    must_run(c, "CREATE TABLE t (i INTEGER PRIMARY KEY, x)", WRITE);
    assert_int_equal(pthread_create(&thread, NULL, cancel_all_the_time, &s), 0);
    for (int i = 0; i < 1500; i++) {
        static const char *const texts[] = {
            "INSERT INTO t (x) VALUES ('x')",
            NUMBERS(20000) "SELECT i FROM n",
            "INSERT INTO t (x) " NUMBERS(2000) "SELECT i FROM n",
            "SELECT count(*) FROM t",
        };
        oxy_rc rc = run_sql(c, texts[i % 4], i % 4 == 0 ? POINT : i % 4 == 2 ? WRITE : READ);

        assert_true(rc == OXY_OK || rc == OXY_CANCELED);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
        if (rc == OXY_OK && i % 2 == 0)
            written += c->affected;
        cancelled += rc == OXY_CANCELED;
        well += rc == OXY_OK;
    }
    atomic_store(&s.stop, true);
    pthread_join(thread, NULL);
    assert_true(cancelled > 0 && well > 0);
    assert_int_equal(count(c, "SELECT count(*) FROM t"), written);
    close_conn(c);
}

static void test_the_deadline_stops_a_statement(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);
    oxy_request r = request(FOREVER, READ);

    (void)state;
    r.deadline = oxy_clock_now() + 30 * OXY_NS_PER_MS;
    assert_int_equal(run_request(c, &r), OXY_STATEMENT_TIMEOUT);
    assert_true(oxy_clock_now() >= r.deadline);
    assert_int_equal(c->err.native, 9);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    r.sql = OXY_SV("SELECT 1");
    assert_int_equal(run_request(c, &r), OXY_OK); /* was too quick to be noticed */
    close_conn(c);
}

static void test_a_write_stopped_inside_a_transaction_ends_it_and_status_says_so(void **state)
{
    options o = file_options(in_dir(state, "ended.db"));
    oxy_conn *c = must_open(&o);
    oxy_request r = request("INSERT INTO t " NUMBERS(100000000000) "SELECT i + 100, '' FROM n", WRITE);

    fill_t(c, 10);
    must_run(c, "BEGIN IMMEDIATE", WRITE);
    must_run(c, "INSERT INTO t VALUES (11, '')", POINT);
    r.deadline = oxy_clock_now() + 20 * OXY_NS_PER_MS;
    assert_int_equal(run_request(c, &r), OXY_STATEMENT_TIMEOUT);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_int_equal(count(c, "SELECT count(*) FROM t"), 10);
    close_conn(c);
}

static void ignore(void *arg)
{
    (void)arg;
}

static void test_close_does_not_wait_for_a_long_statement(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);
    oxy_request r = request(FOREVER, READ);

    (void)state;
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(c->driver->step(c), OXY_STEP_WANT_WORKER);
    assert_int_equal(c->driver->offload(c, ignore, NULL), OXY_OK);
    usleep(5000);
    close_conn(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_requests_stay_on_the_callers_thread),
        cmocka_unit_test(test_a_read_past_its_budget_takes_turns_and_then_leaves),
        cmocka_unit_test(test_with_no_budget_everything_runs_on_the_worker),
        cmocka_unit_test(test_no_step_of_a_long_read_takes_long),
        cmocka_unit_test(test_a_statement_that_was_slow_goes_to_the_worker_at_once),
        cmocka_unit_test(test_a_read_interrupted_between_rows_neither_repeats_nor_loses_any),
        cmocka_unit_test(test_a_statement_whose_result_may_change_is_not_run_twice),
        cmocka_unit_test(test_rows_that_come_slowly_are_not_held_back),
        cmocka_unit_test(test_rows_of_all_sizes_come_through_batches),
        cmocka_unit_test(test_finish_stops_a_worker_that_reads_ahead),
        cmocka_unit_test(test_a_long_write_is_undone_here_and_done_once_on_the_worker),
        cmocka_unit_test(test_inside_a_transaction_only_point_writes_run_here),
        cmocka_unit_test(test_writes_that_wait_for_the_disk_run_on_the_worker),
        cmocka_unit_test(test_a_read_inside_a_write_transaction_may_move_without_harm),
        cmocka_unit_test(test_cancel_stops_a_running_statement),
        cmocka_unit_test(test_a_cancel_that_comes_late_hits_nothing),
        cmocka_unit_test(test_a_cancel_before_the_worker_starts_counts),
        cmocka_unit_test(test_a_storm_of_cancels_loses_no_write_and_leaves_a_working_connection),
        cmocka_unit_test(test_the_deadline_stops_a_statement),
        cmocka_unit_test(test_a_write_stopped_inside_a_transaction_ends_it_and_status_says_so),
        cmocka_unit_test(test_close_does_not_wait_for_a_long_statement),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
