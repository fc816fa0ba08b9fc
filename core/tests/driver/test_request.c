/* SPDX-License-Identifier: MIT */
/* Requests on a connection: values in, cells out, the statement cache. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

static void test_every_value_comes_back_as_it_went(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);
    oxy_value values[] = {
        {.tag = OXY_V_NULL},
        {.tag = OXY_V_BOOL, .i = 1},
        {.tag = OXY_V_INT, .i = INT64_MIN},
        {.tag = OXY_V_DOUBLE, .d = 0.1},
        {.tag = OXY_V_TEXT, .s = OXY_SV("gr\xc3\xbc\xc3\x9f\0e")},
        {.tag = OXY_V_BLOB, .s = OXY_SV("\0\xff")},
        {.tag = OXY_V_TEXT, .s = {NULL, 0}},
        {.tag = OXY_V_BLOB, .s = {NULL, 0}},
    };
    oxy_request r = request("SELECT ?, ?, ?, ?, ?, ?, ?, ?", READ);

    (void)state;
    r.values = values;
    r.n_values = OXY_COUNT(values);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(next(c), OXY_STEP_ROW);
    assert_int_equal(c->n_cols, 8);
    assert_int_equal(c->cells[0].tag, OXY_C_NULL);
    assert_int_equal(c->cells[1].tag, OXY_C_INT);
    assert_int_equal(c->cells[1].i, 1);
    assert_int_equal(c->cells[2].i, INT64_MIN);
    assert_int_equal(c->cells[3].tag, OXY_C_DOUBLE);
    assert_true(c->cells[3].d == 0.1);
    assert_int_equal(c->cells[4].tag, OXY_C_TEXT);
    assert_int_equal(c->cells[4].len, values[4].s.len);
    assert_memory_equal(c->cells[4].p, values[4].s.p, values[4].s.len);
    assert_int_equal(c->cells[5].tag, OXY_C_BLOB);
    assert_memory_equal(c->cells[5].p, "\0\xff", 2);
    assert_int_equal(c->cells[6].tag, OXY_C_TEXT);
    assert_int_equal(c->cells[6].len, 0);
    assert_int_equal(c->cells[7].tag, OXY_C_BLOB);
    assert_int_equal(c->cells[7].len, 0);
    assert_int_equal(next(c), OXY_STEP_DONE);
    close_conn(c);
}

static void test_a_file_keeps_what_was_written(void **state)
{
    options o = file_options(in_dir(state, "keeps.db"));
    oxy_conn *c = must_open(&o);

    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", WRITE);
    must_run(c, "INSERT INTO t (name) VALUES ('a'), ('b')", POINT);
    assert_int_equal(c->affected, 2);
    assert_int_equal(c->last_insert_id, 2);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    must_run(c, "BEGIN IMMEDIATE", WRITE);
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    must_run(c, "UPDATE t SET name = 'c' WHERE id = 1", POINT);
    assert_int_equal(c->affected, 1);
    must_run(c, "COMMIT", WRITE);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    close_conn(c);
    c = must_open(&o);
    assert_string_equal(one(c, "SELECT group_concat(name) FROM t"), "t:c,b");
    close_conn(c);
}

static void test_column_names_and_declared_types_are_told(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);
    oxy_request r = request("SELECT id, price AS p, id + 1 FROM t", READ);

    (void)state;
    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, price decimal(8, 2))", WRITE);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(next(c), OXY_STEP_DONE);
    assert_int_equal(c->n_cols, 3);
    assert_true(oxy_sv_eq(c->cols[0].name, OXY_SV("id")));
    assert_true(oxy_sv_eq(c->cols[0].decl, OXY_SV("INTEGER")));
    assert_true(oxy_sv_eq(c->cols[1].name, OXY_SV("p")));
    assert_true(oxy_sv_eq(c->cols[1].decl, OXY_SV("DECIMAL(8, 2)")));
    assert_int_equal(c->cols[2].decl.len, 0);
    close_conn(c);
}

static void test_a_cached_statement_follows_a_change_of_the_table(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);

    (void)state;
    must_run(c, "CREATE TABLE t (a)", WRITE);
    must_run(c, "SELECT * FROM t", READ);
    assert_int_equal(c->n_cols, 1);
    must_run(c, "ALTER TABLE t ADD COLUMN b", WRITE);
    must_run(c, "SELECT * FROM t", READ);
    assert_int_equal(c->n_cols, 2);
    assert_true(oxy_sv_eq(c->cols[1].name, OXY_SV("b")));
    close_conn(c);
}

/* The library's own list of prepared statements is the witness. */
static int64_t prepared(oxy_conn *c, const char *like)
{
    char sql[200];

    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM sqlite_stmt WHERE sql LIKE '%s'", like);
    return count(c, sql);
}

static void test_the_cache_keeps_the_latest_statements_and_no_more(void **state)
{
    options o = memory_options();
    oxy_conn *c;
    char sql[64];

    (void)state;
    o.cache = 4;
    c = must_open(&o);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++) {
            (void)snprintf(sql, sizeof sql, "SELECT %d AS kept", i);
            must_run(c, sql, READ);
        }
    }
    assert_int_equal(prepared(c, "SELECT % AS kept"), 3); /* and the question itself */
    assert_int_equal(prepared(c, "SELECT 19 AS kept"), 1);
    close_conn(c);
}

static void test_statements_with_one_key_but_other_text_do_not_mix(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);
    oxy_request one_ = request("SELECT 1", READ), two = request("SELECT 2", READ);

    (void)state;
    one_.key = two.key = 77;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(c->driver->start(c, &one_), OXY_OK);
        assert_int_equal(next(c), OXY_STEP_ROW);
        assert_int_equal(c->cells[0].i, 1);
        c->driver->finish(c);
        assert_int_equal(c->driver->start(c, &two), OXY_OK);
        assert_int_equal(next(c), OXY_STEP_ROW);
        assert_int_equal(c->cells[0].i, 2);
        assert_int_equal(next(c), OXY_STEP_DONE);
    }
    close_conn(c);
}

static void test_free_text_is_kept_from_its_second_use_on(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);

    (void)state;
    must_run(c, "SELECT 1 AS free_text", OXY_REQ_RAW);
    assert_int_equal(prepared(c, "SELECT 1 AS free%"), 0);
    must_run(c, "SELECT 1 AS free_text", OXY_REQ_RAW);
    assert_int_equal(prepared(c, "SELECT 1 AS free%"), 1);
    must_run(c, "SELECT 2 AS free_text", OXY_REQ_NO_CACHE);
    must_run(c, "SELECT 2 AS free_text", OXY_REQ_NO_CACHE);
    assert_int_equal(prepared(c, "SELECT 2 AS free%"), 0);
    close_conn(c);
}

static void test_numbered_parameters_are_counted_as_on_postgresql(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);
    oxy_value values[] = {{.tag = OXY_V_INT, .i = 10}, {.tag = OXY_V_INT, .i = 20}};
    const char *texts[] = {"SELECT $2 - $1, $2", "SELECT ?2 - ?1, ?2"};

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(texts); i++) {
        oxy_request r = request(texts[i], READ);

        r.values = values;
        r.n_values = 2;
        assert_int_equal(c->driver->start(c, &r), OXY_OK);
        assert_int_equal(next(c), OXY_STEP_ROW);
        assert_int_equal(c->cells[0].i, 10);
        assert_int_equal(c->cells[1].i, 20);
        c->driver->finish(c);
        r.n_values = 1;
        assert_int_equal(run_request(c, &r), OXY_PROGRAMMING);
    }
    close_conn(c);
}

static void test_text_that_cannot_run_is_refused_before_it_does_anything(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);
    oxy_value odd = {.tag = OXY_V_DATE, .i = 1};
    oxy_request nul = request("SELECT 1", READ), typed = request("SELECT ?", READ);

    (void)state;
    assert_int_equal(run_sql(c, "CREATE TABLE a (x); CREATE TABLE b (x)", OXY_REQ_RAW), OXY_PROGRAMMING);
    assert_non_null(strstr(c->err.message, "execute_script"));
    assert_int_equal(count(c, "SELECT count(*) FROM sqlite_master"), 0);
    assert_int_equal(run_sql(c, "SELECT 1; -- the end\n ; /* really", OXY_REQ_RAW), OXY_OK);
    nul.sql = OXY_SV("SELECT 1\0; DROP TABLE a");
    assert_int_equal(run_request(c, &nul), OXY_PROGRAMMING);
    typed.values = &odd;
    typed.n_values = 1;
    assert_int_equal(run_request(c, &typed), OXY_PROGRAMMING);
    assert_int_equal(run_sql(c, "SELEC 1", READ), OXY_PROGRAMMING);
    assert_int_equal(run_sql(c, "SELECT * FROM absent", READ), OXY_PROGRAMMING);
    assert_string_equal(c->err.message, "no such table: absent");
    assert_int_equal(run_sql(c, "  -- nothing\n", OXY_REQ_RAW), OXY_OK);
    assert_int_equal(c->n_cols, 0);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    close_conn(c);
}

static void test_each_constraint_has_its_class_and_names_what_it_is_about(void **state)
{
    static const struct {
        const char *sql;
        oxy_rc rc;
        int native;
        const char *table, *column, *constraint;
    } cases[] = {
        {"INSERT INTO t (id, ref) VALUES (1, 'b')", OXY_UNIQUE, 1555, "t", "id", ""},
        {"INSERT INTO t (id, ref) VALUES (2, 'a')", OXY_UNIQUE, 2067, "t", "ref", ""},
        {"INSERT INTO t (id, ref, a, b) VALUES (2, 'b', 1, 2)", OXY_UNIQUE, 2067, "t", "", ""},
        {"INSERT INTO t (id, ref, e) VALUES (2, 'b', 'X')", OXY_UNIQUE, 2067, "", "", "t_lower_e"},
        {"INSERT INTO t (id, ref) VALUES (2, NULL)", OXY_NOT_NULL, 1299, "t", "ref", ""},
        {"INSERT INTO t (id, ref, a) VALUES (2, 'b', -1)", OXY_CHECK, 275, "", "", "t_a_positive"},
        {"INSERT INTO child (t_id) VALUES (99)", OXY_FOREIGN_KEY, 787, "", "", ""},
        {"DELETE FROM t WHERE id = 1", OXY_FOREIGN_KEY, 1811, "", "", ""},
        {"UPDATE t SET ref = 'no' WHERE id = 1", OXY_INTEGRITY, 1811, "", "", ""},
        {"INSERT INTO strictly VALUES ('x')", OXY_DATA, 3091, "", "", ""},
        {"INSERT INTO t (id, ref) VALUES ('x', 'b')", OXY_DATA, 20, "", "", ""},
        {"SELECT sum(x) FROM (SELECT 9223372036854775807 AS x UNION ALL SELECT 1)", OXY_DATA, 1, "", "", ""},
    };
    options o = memory_options();
    oxy_conn *c = must_open(&o);

    (void)state;
    must_run(c,
             "CREATE TABLE t (id INTEGER PRIMARY KEY, ref TEXT NOT NULL UNIQUE, a INT, b INT, e TEXT, UNIQUE (a, b), "
             "CONSTRAINT t_a_positive CHECK (a >= 0))",
             WRITE);
    must_run(c, "CREATE UNIQUE INDEX t_lower_e ON t (lower(e))", WRITE);
    must_run(c, "CREATE TABLE child (t_id INTEGER REFERENCES t (id) ON DELETE RESTRICT)", WRITE);
    must_run(c, "CREATE TABLE strictly (n INTEGER) STRICT", WRITE);
    must_run(c, "CREATE TRIGGER stop BEFORE UPDATE ON t BEGIN SELECT RAISE(ABORT, 'not today'); END", WRITE);
    must_run(c, "INSERT INTO t VALUES (1, 'a', 1, 2, 'x')", POINT);
    must_run(c, "INSERT INTO child VALUES (1)", POINT);
    for (size_t i = 0; i < OXY_COUNT(cases); i++) {
        oxy_rc rc = run_sql(c, cases[i].sql, POINT);

        if (rc != cases[i].rc || c->err.native != cases[i].native)
            fail_msg("%s: %s %d %s", cases[i].sql, oxy_rc_exception(rc), c->err.native, c->err.message);
        assert_string_equal(c->err.table, cases[i].table);
        assert_string_equal(c->err.column, cases[i].column);
        assert_string_equal(c->err.constraint, cases[i].constraint);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    }
    assert_int_equal(run_sql(c, "INSERT INTO t (id, ref) VALUES (2, 'a')", POINT), OXY_UNIQUE);
    assert_string_equal(c->err.message, "UNIQUE constraint failed: t.ref");
    close_conn(c);
}

static void test_a_deferred_constraint_fails_at_commit_and_leaves_the_transaction_open(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);

    (void)state;
    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY)", WRITE);
    must_run(c, "CREATE TABLE child (t_id REFERENCES t DEFERRABLE INITIALLY DEFERRED)", WRITE);
    must_run(c, "BEGIN IMMEDIATE", WRITE);
    must_run(c, "INSERT INTO child VALUES (5)", POINT);
    assert_int_equal(run_sql(c, "COMMIT", WRITE), OXY_FOREIGN_KEY);
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    must_run(c, "ROLLBACK", WRITE);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    close_conn(c);
}

static void test_a_failed_statement_leaves_the_block_usable(void **state)
{
    options o = file_options(in_dir(state, "block.db"));
    oxy_conn *c = must_open(&o);

    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY)", WRITE);
    must_run(c, "BEGIN IMMEDIATE", WRITE);
    must_run(c, "INSERT INTO t VALUES (1)", POINT);
    assert_int_equal(run_sql(c, "INSERT INTO t VALUES (2), (1)", POINT), OXY_UNIQUE);
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    must_run(c, "INSERT INTO t VALUES (3)", POINT);
    must_run(c, "COMMIT", WRITE);
    assert_string_equal(one(c, "SELECT group_concat(id) FROM t"), "t:1,3");
    close_conn(c);
}

static void test_finish_drops_the_rest_and_frees_the_connection(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);
    oxy_request many = request("SELECT value FROM json_each('[1,2,3]')", READ);

    (void)state;
    assert_int_equal(c->driver->start(c, &many), OXY_OK);
    assert_int_equal(c->driver->start(c, &many), OXY_INTERFACE); /* one at a time */
    assert_int_equal(next(c), OXY_STEP_ROW);
    assert_int_equal(c->driver->status(c), OXY_CONN_ACTIVE);
    c->driver->finish(c);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_int_equal(next(c), OXY_STEP_FAILED);
    assert_int_equal(count(c, "SELECT count(*) FROM json_each('[1,2,3]')"), 3);
    close_conn(c);
}

static void test_a_write_with_returning_is_done_though_its_rows_are_dropped(void **state)
{
    options o = file_options(in_dir(state, "returning.db"));
    oxy_conn *c = must_open(&o);
    oxy_request r = request("INSERT INTO t VALUES (1), (2), (3) RETURNING id", POINT);

    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY)", WRITE);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(next(c), OXY_STEP_ROW);
    c->driver->finish(c);
    assert_int_equal(count(c, "SELECT count(*) FROM t"), 3);
    must_run(c, "DELETE FROM t WHERE id > 1 RETURNING id", WRITE);
    assert_int_equal(c->affected, 2);
    close_conn(c);
}

static void test_affected_counts_rows_of_writes_only(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);

    (void)state;
    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, n)", WRITE);
    assert_int_equal(c->affected, 0);
    must_run(c, "INSERT INTO t (n) VALUES (1), (2)", POINT);
    assert_int_equal(c->affected, 2);
    must_run(c, "SELECT * FROM t", READ);
    assert_int_equal(c->affected, -1);
    must_run(c, "UPDATE t SET n = 0 WHERE id = 99", WRITE);
    assert_int_equal(c->affected, 0);
    must_run(c, "WITH x AS (SELECT 1) UPDATE t SET n = 0", WRITE);
    assert_int_equal(c->affected, 2);
    must_run(c, "CREATE TABLE u (id)", WRITE);
    assert_int_equal(c->affected, 0);
    close_conn(c);
}

static void test_a_script_runs_all_its_statements_on_the_worker(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);

    (void)state;
    (void)offloads();
    must_run(c, "CREATE TABLE t (a); INSERT INTO t VALUES (1);;\n-- more\nINSERT INTO t VALUES (2); SELECT * FROM t;",
             OXY_REQ_SCRIPT);
    assert_true(offloads() > 0);
    assert_int_equal(count(c, "SELECT sum(a) FROM t"), 3);
    assert_int_equal(run_sql(c, "INSERT INTO t VALUES (9); INSERT INTO absent VALUES (1); INSERT INTO t VALUES (10)",
                             OXY_REQ_SCRIPT),
                     OXY_PROGRAMMING);
    assert_int_equal(count(c, "SELECT sum(a) FROM t"), 12);
    assert_int_equal(run_sql(c, "SELECT ?", OXY_REQ_SCRIPT), OXY_PROGRAMMING);
    close_conn(c);
}

static void test_free_text_other_than_data_statements_taints(void **state)
{
    static const struct {
        const char *sql;
        uint32_t flags;
        bool taints;
    } cases[] = {
        {"SELECT 1", OXY_REQ_RAW, false},
        {" -- note\n /* x */ select 1", OXY_REQ_RAW, false},
        {"INSERT INTO t VALUES (1)", OXY_REQ_RAW, false},
        {"WITH x AS (SELECT 1) DELETE FROM t", OXY_REQ_RAW, false},
        {"EXPLAIN QUERY PLAN SELECT 1", OXY_REQ_RAW, false},
        {"CREATE INDEX i ON t (a)", WRITE, false},
        {"CREATE TEMP TABLE x (a)", OXY_REQ_RAW, true},
        {"PRAGMA cache_size", OXY_REQ_RAW, true},
        {"ATTACH ':memory:' AS other", OXY_REQ_RAW, true},
        {"SELECT 1; INSERT INTO t VALUES (1)", OXY_REQ_SCRIPT, false},
        {"SELECT 1; PRAGMA cache_size", OXY_REQ_SCRIPT, true},
    };
    options o = memory_options();

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(cases); i++) {
        oxy_conn *c = must_open(&o);

        must_run(c, "CREATE TABLE t (a)", WRITE);
        assert_false(c->driver->tainted(c));
        must_run(c, cases[i].sql, cases[i].flags);
        if (c->driver->tainted(c) != cases[i].taints)
            fail_msg("%s", cases[i].sql);
        close_conn(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_value_comes_back_as_it_went),
        cmocka_unit_test(test_a_file_keeps_what_was_written),
        cmocka_unit_test(test_column_names_and_declared_types_are_told),
        cmocka_unit_test(test_a_cached_statement_follows_a_change_of_the_table),
        cmocka_unit_test(test_the_cache_keeps_the_latest_statements_and_no_more),
        cmocka_unit_test(test_statements_with_one_key_but_other_text_do_not_mix),
        cmocka_unit_test(test_free_text_is_kept_from_its_second_use_on),
        cmocka_unit_test(test_numbered_parameters_are_counted_as_on_postgresql),
        cmocka_unit_test(test_text_that_cannot_run_is_refused_before_it_does_anything),
        cmocka_unit_test(test_each_constraint_has_its_class_and_names_what_it_is_about),
        cmocka_unit_test(test_a_deferred_constraint_fails_at_commit_and_leaves_the_transaction_open),
        cmocka_unit_test(test_a_failed_statement_leaves_the_block_usable),
        cmocka_unit_test(test_finish_drops_the_rest_and_frees_the_connection),
        cmocka_unit_test(test_a_write_with_returning_is_done_though_its_rows_are_dropped),
        cmocka_unit_test(test_affected_counts_rows_of_writes_only),
        cmocka_unit_test(test_a_script_runs_all_its_statements_on_the_worker),
        cmocka_unit_test(test_free_text_other_than_data_statements_taints),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
