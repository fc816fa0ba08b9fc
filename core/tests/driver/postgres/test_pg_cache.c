/* SPDX-License-Identifier: MIT */
/* The statement cache: what the server keeps, and what happens when it does not
 * have what we think it has. */
#include "pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Statements the server keeps for us whose text is like that. The question itself
 * is free text, so it is not kept. */
static int64_t kept(oxy_conn *c, const char *like)
{
    char sql[300];
    oxy_request r;
    const char *text;

    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'oxyde%%' AND statement LIKE '%s'",
                   like);
    r = pg_request(sql, OXY_REQ_NO_CACHE);
    text = pg_one_of(c, &r);
    assert_true(strncmp(text, "i:", 2) == 0);
    return strtoll(text + 2, NULL, 10);
}

static void test_the_cache_keeps_the_latest_statements_and_no_more(void **state)
{
    pg_options o = pg_default();
    oxy_conn *c;
    char sql[64];

    (void)state;
    o.cache = 4;
    c = pg_open(&o);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++) {
            (void)snprintf(sql, sizeof sql, "SELECT %d AS kept", i);
            pg_must(c, sql, READ);
        }
    }
    pg_must(c, "SELECT 19 AS kept", READ); /* carries the last closings */
    assert_int_equal(kept(c, "SELECT % AS kept"), 4);
    assert_int_equal(kept(c, "SELECT 19 AS kept"), 1);
    pg_close(c);
}

static void test_evicting_inside_transactions(void **state)
{
    pg_options o = pg_default();
    oxy_conn *c;
    char sql[64];

    (void)state;
    o.cache = 2;
    c = pg_open(&o);
    pg_must(c, "BEGIN", WRITE);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(sql, sizeof sql, "SELECT %d AS kept", i);
        pg_must(c, sql, READ);
    }
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    assert_int_equal(pg_run(c, "SELECT 1/0", READ), OXY_DATA);
    assert_int_equal(pg_run(c, "SELECT 2/0", READ), OXY_TRANSACTION_ABORTED);
    pg_must(c, "ROLLBACK", WRITE);
    pg_must(c, "SELECT 9 AS kept", READ);
    assert_true(kept(c, "SELECT % AS kept") <= 2);
    pg_close(c);
}

static void test_types_of_values_are_part_of_the_key(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request r = pg_request("SELECT pg_typeof($1)::text AS typed", READ);
    oxy_value values[] = {{.tag = OXY_V_NULL, .wire = 23}, {.tag = OXY_V_NULL, .wire = 25}};

    (void)state;
    r.n_values = 1;
    for (int i = 0; i < 4; i++) {
        r.values = &values[i % 2];
        assert_string_equal(pg_one_of(c, &r), i % 2 ? "t:text" : "t:integer");
    }
    assert_int_equal(kept(c, "%AS typed"), 2);
    pg_close(c);
}

static void test_free_text_is_kept_from_its_second_use_on(void **state)
{
    oxy_conn *c = pg_open_default();

    (void)state;
    pg_must(c, "SELECT 1 AS raw", RAW);
    assert_int_equal(kept(c, "SELECT 1 AS raw"), 0);
    pg_must(c, "SELECT 1 AS raw", RAW);
    pg_must(c, "SELECT 1 AS raw", RAW);
    assert_int_equal(kept(c, "SELECT 1 AS raw"), 1);
    assert_int_equal(pg_run(c, "SELECT 1; SELECT ';'", RAW), OXY_PROGRAMMING);
    assert_non_null(strstr(c->err.message, "execute_script"));
    assert_int_equal(pg_run(c, "SELECT ';' FROM FROM", RAW), OXY_PROGRAMMING);
    assert_null(strstr(c->err.message, "execute_script"));
    pg_close(c);
}

static void test_a_statement_follows_a_change_of_the_table(void **state)
{
    oxy_conn *c = pg_open_default();

    (void)state;
    pg_must(c, "CREATE TEMP TABLE t (a int)", WRITE);
    pg_must(c, "SELECT * FROM t", READ);
    assert_int_equal(c->n_cols, 1);
    pg_must(c, "ALTER TABLE t ADD COLUMN b text", WRITE);
    pg_must(c, "SELECT * FROM t", READ);
    assert_int_equal(c->n_cols, 2);
    assert_true(oxy_sv_eq(c->cols[1].name, OXY_SV("b")));
    assert_false(c->server.pooler);
    pg_close(c);
}

static void test_a_change_inside_a_transaction_is_told(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_sv begin = OXY_SV("BEGIN");
    oxy_request r = pg_request("SELECT * FROM t", READ);

    (void)state;
    pg_must(c, "CREATE TEMP TABLE t (a int)", WRITE);
    pg_must(c, "SELECT * FROM t", READ);
    pg_must(c, "BEGIN", WRITE);
    pg_must(c, "ALTER TABLE t ADD COLUMN b text", WRITE);
    assert_int_equal(pg_run(c, "SELECT * FROM t", READ), OXY_NOT_SUPPORTED);
    assert_string_equal(c->err.sqlstate, "0A000");
    pg_must(c, "ROLLBACK", WRITE);
    pg_must(c, "SELECT * FROM t", READ);
    assert_int_equal(c->n_cols, 1);
    /* As the first statement of a block, in one flight with its BEGIN, nothing is lost. */
    pg_must(c, "ALTER TABLE t ADD COLUMN b text", WRITE);
    r.before = &begin;
    r.n_before = 1;
    assert_int_equal(pg_run_request(c, &r), OXY_OK);
    assert_int_equal(c->n_cols, 2);
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    pg_must(c, "COMMIT", WRITE);
    pg_close(c);
}

static void test_shared_requests_of_a_stale_statement_are_sent_again(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request r = pg_request("SELECT * FROM t", SHARED), other = pg_request("SELECT 1", SHARED);

    (void)state;
    pg_must(c, "CREATE TEMP TABLE t (a int)", WRITE);
    pg_must(c, "SELECT * FROM t", READ);
    pg_must(c, "ALTER TABLE t ADD COLUMN b text", WRITE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(c->driver->start(c, &r), OXY_OK);
        assert_int_equal(c->driver->start(c, &other), OXY_OK);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pg_next(c), OXY_STEP_DONE);
        assert_int_equal(c->n_cols, 2);
        assert_int_equal(pg_next(c), OXY_STEP_ROW);
        assert_int_equal(pg_next(c), OXY_STEP_DONE);
    }
    pg_close(c);
}

/* What a transaction pooler looks like: our names are gone though nobody here
 * said so. */
static void test_lost_names_mean_a_pooler(void **state)
{
    oxy_conn *c = pg_open_default();

    (void)state;
    pg_must(c, "SELECT 1 AS kept", READ);
    pg_must(c, "DEALLOCATE ALL", WRITE);
    assert_string_equal(pg_one(c, "SELECT 1 AS kept"), "i:1");
    assert_true(c->server.pooler);
    for (int i = 0; i < 3; i++)
        assert_string_equal(pg_one(c, "SELECT 1 AS kept"), "i:1");
    assert_int_equal(kept(c, "%"), 0);
    pg_close(c);
}

static void test_lost_names_inside_a_transaction_are_told(void **state)
{
    oxy_conn *c = pg_open_default();

    (void)state;
    pg_must(c, "SELECT 1 AS kept", READ);
    pg_must(c, "BEGIN", WRITE);
    pg_must(c, "DEALLOCATE ALL", WRITE);
    assert_int_equal(pg_run(c, "SELECT 1 AS kept", READ), OXY_PROGRAMMING);
    assert_string_equal(c->err.sqlstate, "26000");
    assert_int_equal(c->driver->status(c), OXY_CONN_INERROR);
    pg_must(c, "ROLLBACK", WRITE);
    pg_must(c, "SELECT 1 AS kept", READ);
    pg_close(c);
}

static void test_free_text_may_drop_our_names(void **state)
{
    oxy_conn *c = pg_open_default();

    (void)state;
    pg_must(c, "SELECT 1 AS kept", READ);
    pg_must(c, "DISCARD ALL", RAW);
    assert_string_equal(pg_one(c, "SELECT 1 AS kept"), "i:1");
    assert_false(c->server.pooler);
    assert_int_equal(kept(c, "SELECT 1 AS kept"), 1);
    pg_close(c);
}

static void test_a_name_that_is_taken_means_a_pooler(void **state)
{
    oxy_conn *c = pg_open_default();
    char name[128], sql[200], *end;

    (void)state;
    pg_must(c, "SELECT 1 AS kept", READ);
    (void)snprintf(name, sizeof name, "%s", pg_one(c, "SELECT name FROM pg_prepared_statements LIMIT 1") + 2);
    end = strrchr(name, '_');
    assert_non_null(end);
    (void)snprintf(sql, sizeof sql, "PREPARE \"%.*s_3\" AS SELECT 3", (int)(end - name), name);
    pg_must(c, sql, WRITE);
    assert_string_equal(pg_one(c, "SELECT 2 AS other"), "i:2");
    assert_true(c->server.pooler);
    pg_close(c);
}

static void use_unnamed(oxy_conn *c)
{
    oxy_request r = pg_request("SELECT a + $1 FROM t", READ);
    oxy_value value = {.tag = OXY_V_INT, .i = 1};

    r.values = &value;
    r.n_values = 1;
    pg_must(c, "CREATE TEMP TABLE t (a int)", WRITE);
    pg_must(c, "INSERT INTO t VALUES (41)", WRITE);
    for (int i = 0; i < 3; i++)
        assert_string_equal(pg_one_of(c, &r), "i:42");
    pg_must(c, "ALTER TABLE t ALTER a TYPE float8", WRITE);
    assert_string_equal(pg_one_of(c, &r), "d:42");
    pg_must(c, "ALTER TABLE t ALTER a TYPE text", WRITE);
    r.sql = oxy_sv_of("SELECT a FROM t WHERE a = $1");
    value = (oxy_value){.tag = OXY_V_TEXT, .s = OXY_SV("41")};
    assert_string_equal(pg_one_of(c, &r), "t:41");
    pg_must(c, "ALTER TABLE t ALTER a TYPE int USING a::int", WRITE);
    assert_string_equal(pg_one_of(c, &r), "i:41"); /* int = text: described again */
    assert_int_equal(kept(c, "%"), 0);
}

static void test_statements_are_unnamed_through_a_pooler(void **state)
{
    pg_options o = pg_default();
    oxy_conn *c;
    oxy_request reset = {.flags = OXY_REQ_RESET, .deadline = OXY_NS_NEVER};

    (void)state;
    pg_set(&o, "oxy.pooler", "yes");
    c = pg_open(&o);
    assert_true(c->server.pooler);
    use_unnamed(c);
    pg_must(c, "SET TimeZone = 'Asia/Tokyo'", RAW);
    assert_int_equal(pg_run_request(c, &reset), OXY_OK); /* there is nothing to reset */
    assert_string_equal(pg_one(c, "SHOW TimeZone"), "t:Asia/Tokyo");
    pg_close(c);
}

static void test_no_cache_means_unnamed_statements(void **state)
{
    pg_options o = pg_default();
    oxy_conn *c;

    (void)state;
    o.cache = 0;
    c = pg_open(&o);
    assert_false(c->server.pooler);
    use_unnamed(c);
    pg_close(c);
}

static void test_names_may_be_kept_through_a_pooler(void **state)
{
    pg_options o = pg_default();
    oxy_conn *c;

    (void)state;
    pg_set(&o, "oxy.pooler", "no");
    c = pg_open(&o);
    pg_must(c, "SELECT 1 AS kept", READ);
    pg_must(c, "DEALLOCATE ALL", WRITE);
    assert_string_equal(pg_one(c, "SELECT 1 AS kept"), "i:1");
    assert_int_equal(kept(c, "SELECT 1 AS kept"), 1);
    pg_close(c);
}

static void test_types_of_the_user_are_looked_up_once(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_request r = pg_request("SELECT $1::c_mood", SHARED);
    oxy_value value = {.tag = OXY_V_TEXT, .s = OXY_SV("glad")};

    (void)state;
    pg_must(c, "DROP TYPE IF EXISTS c_mood, c_pair", WRITE);
    pg_must(c, "CREATE TYPE c_mood AS ENUM ('glad', 'sad')", WRITE);
    pg_must(c, "CREATE TYPE c_pair AS (a int, b int)", WRITE);
    r.values = &value;
    r.n_values = 1;
    for (int i = 0; i < 3; i++)
        assert_int_equal(c->driver->start(c, &r), OXY_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pg_next(c), OXY_STEP_ROW);
        assert_int_equal(c->cells[0].tag, OXY_C_TEXT);
        assert_memory_equal(c->cells[0].p, "glad", 4);
        assert_int_equal(c->cols[0].wire_flags & OXY_PG_TEXT, 0);
        assert_int_equal(pg_next(c), OXY_STEP_DONE);
    }
    /* A type without a binary codec: the whole result is text. */
    r = pg_request("SELECT 1::int, (1, 2)::c_pair, 'glad'::c_mood", READ);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(pg_next(c), OXY_STEP_ROW);
    assert_int_equal(c->cells[0].tag, OXY_C_TEXT);
    assert_memory_equal(c->cells[0].p, "1", 1);
    assert_memory_equal(c->cells[1].p, "(1,2)", 5);
    assert_int_equal(c->cols[0].wire_flags & OXY_PG_TEXT, OXY_PG_TEXT);
    assert_int_equal(pg_next(c), OXY_STEP_DONE);
    pg_must(c, "DROP TYPE c_mood, c_pair", WRITE);
    pg_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_cache_keeps_the_latest_statements_and_no_more),
        cmocka_unit_test(test_evicting_inside_transactions),
        cmocka_unit_test(test_types_of_values_are_part_of_the_key),
        cmocka_unit_test(test_free_text_is_kept_from_its_second_use_on),
        cmocka_unit_test(test_a_statement_follows_a_change_of_the_table),
        cmocka_unit_test(test_a_change_inside_a_transaction_is_told),
        cmocka_unit_test(test_shared_requests_of_a_stale_statement_are_sent_again),
        cmocka_unit_test(test_lost_names_mean_a_pooler),
        cmocka_unit_test(test_lost_names_inside_a_transaction_are_told),
        cmocka_unit_test(test_free_text_may_drop_our_names),
        cmocka_unit_test(test_a_name_that_is_taken_means_a_pooler),
        cmocka_unit_test(test_statements_are_unnamed_through_a_pooler),
        cmocka_unit_test(test_no_cache_means_unnamed_statements),
        cmocka_unit_test(test_names_may_be_kept_through_a_pooler),
        cmocka_unit_test(test_types_of_the_user_are_looked_up_once),
    };

    return cmocka_run_group_tests(tests, pg_setup, pg_teardown);
}
