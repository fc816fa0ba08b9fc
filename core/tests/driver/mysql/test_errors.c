/* SPDX-License-Identifier: MIT */
/* Failures: their class, what they name, what they leave of transaction and
 * connection. */
#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_constraints_name_what_they_are_about(void **state)
{
    static const struct {
        const char *sql;
        oxy_rc rc;
        const char *constraint, *table, *column;
    } cases[] = {
        {"INSERT INTO parcel (id, ref) VALUES (1, 'b')", OXY_UNIQUE, "PRIMARY", NULL, ""},
        {"INSERT INTO parcel (id, ref) VALUES (2, 'it''s for key \\'x\\'')", OXY_UNIQUE, "parcel_ref", NULL, ""},
        {"INSERT INTO parcel (id, ref) VALUES (3, NULL)", OXY_NOT_NULL, "", "", "ref"},
        {"INSERT INTO parcel (id) VALUES (3)", OXY_NOT_NULL, "", "", "ref"},
        {"INSERT INTO parcel (id, ref, weight) VALUES (4, 'd', -1)", OXY_CHECK, "heavy", NULL, ""},
        {"INSERT INTO stop (id, parcel_id) VALUES (2, 99)", OXY_FOREIGN_KEY, "stop_parcel", "stop", "parcel_id"},
        {"DELETE FROM parcel WHERE id = 1", OXY_FOREIGN_KEY, "stop_parcel", "stop", "parcel_id"},
        {"SELECT * FROM nowhere", OXY_PROGRAMMING, "", "nowhere", ""},
        {"SELECT nothing FROM parcel", OXY_PROGRAMMING, "", "", "nothing"},
        {"INSERT INTO parcel (id, ref) VALUES (5, REPEAT('x', 99))", OXY_DATA, "", NULL, "ref"},
        {"INSERT INTO parcel (id, ref, weight) VALUES (5, 'e', 99999999999)", OXY_DATA, "", NULL, "weight"},
        {"INSERT INTO parcel (id, ref, weight) VALUES (5, 'e', 'secret')", OXY_DATA, "", NULL, "weight"},
        {"UPDATE parcel SET ref = CAST('secret' AS DATE)", OXY_DATA, "", NULL, NULL},
        {"SELECT no_such_function(1)", OXY_PROGRAMMING, "", "", ""},
        {"ROLLBACK TO nowhere", OXY_PROGRAMMING, "", "", ""},
        {"INSERT INTO parcel VALUES (1)", OXY_PROGRAMMING, "", "", ""},
        {"USE no_such_database", OXY_OPERATIONAL, "", NULL, ""},
    };
    oxy_conn *c = open_plain();

    (void)state;
    must_run(c,
             "CREATE TABLE parcel (id INT PRIMARY KEY, ref VARCHAR(40) NOT NULL, weight INT, "
             "CONSTRAINT parcel_ref UNIQUE (ref), CONSTRAINT heavy CHECK (weight > 0))",
             WRITE);
    must_run(c,
             "CREATE TABLE stop (id INT PRIMARY KEY, parcel_id INT, "
             "CONSTRAINT stop_parcel FOREIGN KEY (parcel_id) REFERENCES parcel (id))",
             WRITE);
    must_run(c, "INSERT INTO parcel (id, ref) VALUES (1, 'it''s for key \\'x\\'')", WRITE);
    must_run(c, "INSERT INTO stop VALUES (1, 1)", WRITE);
    for (size_t i = 0; i < OXY_COUNT(cases); i++) {
        const oxy_err *e = &c->err;

        if (run_sql(c, cases[i].sql, WRITE) != cases[i].rc)
            fail_msg("%s: %s %s [%d]", cases[i].sql, oxy_rc_exception(e->rc), e->message, (int)e->native);
        if (strcmp(e->constraint, cases[i].constraint) || (cases[i].table && strcmp(e->table, cases[i].table)) ||
            (cases[i].column && strcmp(e->column, cases[i].column)))
            fail_msg("%s: %s: constraint '%s' table '%s' column '%s'", cases[i].sql, e->message, e->constraint,
                     e->table, e->column);
        assert_true(e->native > 0);
        assert_int_equal(strlen(e->sqlstate), 5);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    }
    close_conn(c);
}

static void test_messages_hold_no_values(void **state)
{
    static const char *const cases[] = {
        "INSERT INTO hidden_things (v) VALUES ('secret')",
        "INSERT INTO hidden_things (v, n) VALUES ('x', 'secret')",
        "INSERT INTO hidden_things (v, d) VALUES ('y', 'secret')",
        "UPDATE hidden_things SET n = 1 WHERE n < 'secret' OR d < 'secret' OR n + 'secret' > 1",
    };
    oxy_conn *c = open_plain();

    (void)state;
    must_run(c, "CREATE TABLE hidden_things (v VARCHAR(20) PRIMARY KEY, n INT, d DATE)", WRITE);
    must_run(c, "INSERT INTO hidden_things (v) VALUES ('secret')", WRITE);
    for (size_t i = 0; i < OXY_COUNT(cases); i++) {
        assert_int_not_equal(run_sql(c, cases[i], WRITE), OXY_OK);
        if (strstr(c->err.message, "secret"))
            fail_msg("%s: %s", cases[i], c->err.message);
        assert_non_null(strstr(c->err.detail, "secret"));
    }
    assert_int_equal(run_sql(c, cases[0], WRITE), OXY_UNIQUE);
    assert_non_null(strstr(c->err.message, "Duplicate entry for key '"));
    close_conn(c);
}

static void test_lock_wait_ends(void **state)
{
    options o = server_options();
    oxy_conn *a, *b;

    (void)state;
    set_option(&o, "oxy.lock_timeout_ms", "200");
    a = must_open(&o);
    b = must_open(&o);
    must_run(a, "CREATE TABLE held (id INT PRIMARY KEY, n INT)", WRITE);
    must_run(a, "INSERT INTO held VALUES (1, 1), (2, 2)", WRITE);
    assert_int_equal(count(a, "SELECT @@innodb_lock_wait_timeout"), 1);
    must_run(a, "BEGIN", WRITE);
    must_run(a, "UPDATE held SET n = 5 WHERE id = 1", WRITE);
    must_run(b, "BEGIN", WRITE);
    assert_int_equal(run_sql(b, "UPDATE held SET n = 6 WHERE id = 1", WRITE), OXY_LOCK_TIMEOUT);
    assert_int_equal(b->driver->status(b), OXY_CONN_INTRANS);
    assert_int_equal(run_sql(b, "SELECT * FROM held FOR UPDATE NOWAIT", READ), OXY_LOCK_TIMEOUT);
    close_conn(a);
    close_conn(b);
}

static void *update_second(void *arg)
{
    oxy_conn *c = arg;

    (void)run_sql(c, "UPDATE held SET n = 7 WHERE id = 1", WRITE);
    return NULL;
}

/* The server rolls the transaction back, and the error does not say so. */
static void test_deadlock_ends_the_transaction(void **state)
{
    oxy_conn *a = open_plain(), *b = open_plain(), *loser;
    pthread_t thread;
    oxy_rc rc;

    (void)state;
    must_run(a, "BEGIN", WRITE);
    must_run(a, "UPDATE held SET n = 5 WHERE id = 1", WRITE);
    must_run(b, "BEGIN", WRITE);
    must_run(b, "UPDATE held SET n = 6 WHERE id = 2", WRITE);
    assert_int_equal(pthread_create(&thread, NULL, update_second, b), 0);
    (void)usleep(200000);
    rc = run_sql(a, "UPDATE held SET n = 7 WHERE id = 2", WRITE);
    if (rc == OXY_OK)
        must_run(a, "COMMIT", WRITE);
    (void)pthread_join(thread, NULL);
    loser = rc == OXY_OK ? b : a;
    assert_int_equal(loser->err.rc, OXY_DEADLOCK);
    assert_int_equal(loser->err.native, 1213);
    assert_int_equal(loser->driver->status(loser), OXY_CONN_IDLE);
    must_run(loser, "BEGIN", WRITE);
    assert_int_equal(loser->driver->status(loser), OXY_CONN_INTRANS);
    close_conn(a);
    close_conn(b);
}

static void test_statement_timeout_of_the_server(void **state)
{
    options o = server_options();
    oxy_conn *c;

    (void)state;
    set_option(&o, "oxy.statement_timeout_ms", "300");
    c = must_open(&o);
    assert_int_equal(run_sql(c,
                             "SELECT COUNT(*) FROM information_schema.collations a, information_schema.collations b, "
                             "information_schema.collations c, information_schema.collations d",
                             READ),
                     OXY_STATEMENT_TIMEOUT);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_string_equal(one(c, "SELECT 1"), "i:1");
    close_conn(c);
}

static void kill_connection(oxy_conn *c, oxy_conn *by)
{
    char sql[64];

    (void)snprintf(sql, sizeof sql, "KILL CONNECTION %lld", (long long)c->server.pid);
    must_run(by, sql, WRITE);
    (void)usleep(100000);
}

static void test_lost_while_idle(void **state)
{
    oxy_conn *c = open_plain(), *by = open_plain();

    (void)state;
    must_run(c, "SELECT 1", READ);
    assert_true(c->driver->alive(c));
    kill_connection(c, by);
    assert_false(c->driver->alive(c));
    assert_int_equal(run_sql(c, "SELECT 1", READ), OXY_CONNECTION_LOST);
    assert_int_equal(c->driver->status(c), OXY_CONN_BROKEN);
    assert_false(c->driver->alive(c));
    assert_int_equal(run_sql(c, "SELECT 1", READ), OXY_CONNECTION_LOST);
    close_conn(c);
    close_conn(by);
}

/* Preparing does not run a statement: another connection may. */
static void test_lost_before_it_ran_says_so(void **state)
{
    oxy_conn *c = open_plain(), *by = open_plain();

    (void)state;
    kill_connection(c, by);
    assert_int_equal(run_sql(c, "SELECT 'never prepared'", READ), OXY_CONNECTION_LOST);
    assert_true(c->err.flags & OXY_ERR_UNSENT);
    close_conn(c);
    close_conn(by);
}

typedef struct killer {
    oxy_conn *victim;
} killer;

static void *kill_later(void *arg)
{
    oxy_conn *by = open_plain();

    (void)usleep(300000);
    kill_connection(arg, by);
    close_conn(by);
    return NULL;
}

static void test_lost_in_the_middle(void **state)
{
    static const struct {
        const char *sql;
        uint32_t flags;
    } cases[] = {{"SELECT SLEEP(20)", READ}, {"DO SLEEP(20)", WRITE}, {"SELECT 1; SELECT SLEEP(20)", OXY_REQ_SCRIPT}};

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(cases); i++) {
        oxy_conn *c = open_plain();
        pthread_t thread;
        oxy_rc rc;

        assert_int_equal(pthread_create(&thread, NULL, kill_later, c), 0);
        rc = run_sql(c, cases[i].sql, cases[i].flags);
        (void)pthread_join(thread, NULL);
        if (rc == OXY_OK) /* SLEEP itself was woken, the connection goes next */
            rc = run_sql(c, "DO 1", READ);
        else
            assert_int_equal(c->err.flags & OXY_ERR_UNSENT, 0);
        assert_true(rc == OXY_CONNECTION_LOST || rc == OXY_CANCELED);
        if (rc == OXY_CONNECTION_LOST)
            assert_int_equal(c->driver->status(c), OXY_CONN_BROKEN);
        close_conn(c);
    }
}

static void test_read_only_server_is_told(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    must_run(c, "START TRANSACTION READ ONLY", WRITE);
    assert_int_not_equal(run_sql(c, "INSERT INTO held VALUES (9, 9)", WRITE), OXY_OK);
    assert_int_equal(c->err.native, 1792);
    assert_int_equal(c->err.flags & OXY_ERR_READ_ONLY, 0); /* our own wish, not the server's state */
    must_run(c, "ROLLBACK", WRITE);
    close_conn(c);
}

/* MariaDB 10.6 lacks what compares documents by structure. No such server is at
 * hand: an unknown function of that name fails in the same way. */
static void test_functions_that_old_mariadb_lacks_are_not_supported(void **state)
{
    static const char sql[] = "SELECT JSON_EQUALS_NOT_YET('[1]', '[1]')";
    oxy_conn *c = open_plain();

    (void)state;
    c->server.flavor = OXY_FLAVOR_MARIADB;
    c->server.version = 100620;
    assert_int_equal(run_sql(c, sql, 0), OXY_NOT_SUPPORTED);
    assert_int_equal(c->err.native, 1305);
    assert_non_null(strstr(c->err.message, "MariaDB 10.9"));
    assert_int_equal(run_sql(c, sql, OXY_REQ_RAW), OXY_PROGRAMMING); /* the user's own words */
    c->server.version = 101100;
    assert_int_equal(run_sql(c, sql, 0), OXY_PROGRAMMING);
    close_conn(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constraints_name_what_they_are_about),
        cmocka_unit_test(test_messages_hold_no_values),
        cmocka_unit_test(test_lock_wait_ends),
        cmocka_unit_test(test_deadlock_ends_the_transaction),
        cmocka_unit_test(test_statement_timeout_of_the_server),
        cmocka_unit_test(test_lost_while_idle),
        cmocka_unit_test(test_lost_before_it_ran_says_so),
        cmocka_unit_test(test_lost_in_the_middle),
        cmocka_unit_test(test_read_only_server_is_told),
        cmocka_unit_test(test_functions_that_old_mariadb_lacks_are_not_supported),
    };

    return cmocka_run_group_tests(tests, make_database, drop_database);
}
