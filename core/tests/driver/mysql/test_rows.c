/* SPDX-License-Identifier: MIT */
/* Rows: every type as the promised cell, result sets of every shape, streams,
 * tables that change under a prepared statement. */
#include "driver/mysql/mysql_conn.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_cells_of_every_type(void **state)
{
    static const struct {
        const char *type, *literal, *cell;
    } cases[] = {
        {"TINYINT", "-128", "i:-128"},
        {"TINYINT UNSIGNED", "255", "i:255"},
        {"SMALLINT", "-32768", "i:-32768"},
        {"SMALLINT UNSIGNED", "65535", "i:65535"},
        {"MEDIUMINT", "-8388608", "i:-8388608"},
        {"MEDIUMINT UNSIGNED", "16777215", "i:16777215"},
        {"INT", "-2147483648", "i:-2147483648"},
        {"INT UNSIGNED", "4294967295", "i:4294967295"},
        {"BIGINT", "-9223372036854775808", "i:-9223372036854775808"},
        {"BIGINT UNSIGNED", "9223372036854775807", "i:9223372036854775807"},
        {"BIGINT UNSIGNED", "18446744073709551615", "u:18446744073709551615"},
        {"YEAR", "2155", "i:2155"},
        {"FLOAT", "0.1", "d:0.10000000000000001"},
        {"FLOAT", "3.4e38", "d:3.4e+38"},
        {"FLOAT", "16777216", "d:16777216"},
        {"DOUBLE", "0.1", "d:0.10000000000000001"},
        {"DOUBLE", "-1.7976931348623157e308", "d:-1.7976931348623157e+308"},
        {"DECIMAL(30,10)", "-12345678901234567890.0123456789", "t:-12345678901234567890.0123456789"},
        {"DECIMAL(4,2)", "0", "t:0.00"},
        {"CHAR(4)", "'ab'", "t:ab"},
        {"VARCHAR(20)", "''", "t:"},
        {"VARCHAR(20) COLLATE utf8mb4_bin", "'\xf0\x9f\x92\xa7'", "t:\xf0\x9f\x92\xa7"},
        {"VARCHAR(20) CHARACTER SET latin1", "'\xc3\xbc'", "t:\xc3\xbc"},
        {"LONGTEXT", "'text'", "t:text"},
        {"ENUM('a','b')", "'b'", "t:b"},
        {"SET('a','b')", "'a,b'", "t:a,b"},
        {"BINARY(4)", "'ab'", "b:61620000"},
        {"VARBINARY(20)", "x'00ff'", "b:00ff"},
        {"LONGBLOB", "x'00'", "b:00"},
        {"TINYBLOB", "''", "b:"},
        {"BIT(10)", "b'1000000001'", "b:0201"},
        {"DATE", "'2024-02-29'", "w:e807021d"},
        {"DATE", "'9999-12-31'", "w:0f270c1f"},
        {"DATETIME", "'2024-02-29 00:00:00'", "w:e807021d"},
        {"DATETIME", "'2024-02-29 23:59:58'", "w:e807021d173b3a"},
        {"DATETIME(6)", "'2024-02-29 23:59:58.000001'", "w:e807021d173b3a01000000"},
        {"TIMESTAMP(6)", "'2024-02-29 23:59:58.000001'", "w:e807021d173b3a01000000"},
        {"TIME", "'00:00:00'", "w:"},
        {"TIME", "'-838:59:59'", "w:0122000000163b3b"},
        {"TIME(6)", "'12:34:56.789012'", "w:00000000000c2238140a0c00"},
        {"POINT", "POINT(1, 2)", "b:000000000101000000000000000000f03f0000000000000040"},
    };
    oxy_conn *c = open_plain();

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(cases); i++) {
        char sql[512];

        must_run(c, "DROP TABLE IF EXISTS one_type", WRITE);
        (void)snprintf(sql, sizeof sql, "CREATE TABLE one_type (v %s, n %s)", cases[i].type, cases[i].type);
        must_run(c, sql, WRITE);
        /* NULL is stored where the type is left out; TIMESTAMP would be NOT NULL. */
        (void)snprintf(sql, sizeof sql, "INSERT INTO one_type (v) VALUES (%s)", cases[i].literal);
        must_run(c, sql, WRITE);
        if (strcmp(one(c, "SELECT v FROM one_type"), cases[i].cell) != 0)
            fail_msg("%s %s: %s", cases[i].type, cases[i].literal, one(c, "SELECT v FROM one_type"));
        if (!strstr(cases[i].type, "TIMESTAMP"))
            assert_string_equal(one(c, "SELECT n FROM one_type"), "NULL");
    }
    close_conn(c);
}

static void test_null_literal(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    assert_string_equal(one(c, "SELECT NULL"), "NULL");
    close_conn(c);
}

static void test_columns_tell_name_type_and_flags(void **state)
{
    oxy_conn *c = open_plain();
    oxy_request r = request("SELECT 1 AS `a b`, 'x' AS t, j FROM described", READ);

    (void)state;
    must_run(c, "CREATE TABLE described (j JSON, u BIGINT UNSIGNED)", WRITE);
    must_run(c, "INSERT INTO described VALUES ('{\"a\": 1}', 1)", WRITE);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(next(c), OXY_STEP_ROW);
    assert_int_equal(c->n_cols, 3);
    assert_true(oxy_sv_eq(c->cols[0].name, OXY_SV("a b")));
    assert_false(c->cols[1].wire_flags & OXY_MYSQL_JSON);
    assert_true(c->cols[2].wire_flags & OXY_MYSQL_JSON);
    assert_int_equal(c->cells[2].tag, OXY_C_TEXT);
    assert_string_equal(show(&c->cells[2]), "t:{\"a\": 1}");
    assert_int_equal(next(c), OXY_STEP_DONE);
    r = request("SELECT u FROM described WHERE u = 5", READ);
    assert_int_equal(run_request(c, &r), OXY_OK);
    assert_int_equal(c->n_cols, 1); /* also without rows */
    assert_true(c->cols[0].wire_flags & OXY_MYSQL_UNSIGNED);
    close_conn(c);
}

#define WIDE 4096

static void test_as_many_columns_as_a_select_has(void **state)
{
    oxy_conn *c = open_plain();
    static char sql[WIDE * 32];
    char *p = sql;
    oxy_request r;

    (void)state;
    p += sprintf(p, "SELECT ");
    for (int i = 0; i < WIDE; i++)
        p += sprintf(p, i % 3 == 2 ? "%sNULL AS c%d" : "%s%d AS c%d", i ? "," : "", i, i);
    r = request(sql, OXY_REQ_NO_CACHE);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(next(c), OXY_STEP_ROW);
    assert_int_equal(c->n_cols, WIDE);
    for (int i = 0; i < WIDE; i++) {
        assert_int_equal(c->cells[i].tag, i % 3 == 2 ? OXY_C_NULL : OXY_C_INT);
        if (i % 3 != 2)
            assert_int_equal(c->cells[i].i, i);
    }
    assert_int_equal(next(c), OXY_STEP_DONE);
    close_conn(c);
}

#define SEQUENCE "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT n, %s FROM s"

static void run_sequence(oxy_conn *c, int n, const char *more, uint32_t flags)
{
    char sql[256];
    oxy_request r;
    oxy_step s;
    int64_t seen = 0;

    (void)snprintf(sql, sizeof sql, SEQUENCE, n, more);
    must_run(c, is_mariadb(c) ? "SET max_recursive_iterations = 1000000" : "SET cte_max_recursion_depth = 1000000", 0);
    r = request(sql, flags);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    while ((s = next(c)) == OXY_STEP_ROW) {
        assert_int_equal(c->cells[0].i, ++seen);
        assert_int_equal(c->driver->pump(c), OXY_STEP_DONE); /* makes no row */
        assert_int_equal(c->cells[0].i, seen);
    }
    assert_int_equal(s, OXY_STEP_DONE);
    assert_int_equal(seen, n);
    assert_string_equal(one(c, "SELECT 1"), "i:1");
}

static void test_many_rows(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    run_sequence(c, 50000, "REPEAT('x', 50)", READ);
    close_conn(c);
}

static void test_stream(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    run_sequence(c, 50000, "REPEAT('x', 50)", OXY_REQ_STREAM);
    run_sequence(c, 1, "NULL", OXY_REQ_STREAM);
    run_sequence(c, 20, "REPEAT('x', 300000)", OXY_REQ_STREAM);
    must_run(c, "SELECT 1 WHERE 1 = 0", OXY_REQ_STREAM);
    must_run(c, "DO 1", OXY_REQ_STREAM);
    close_conn(c);
}

static uint64_t rows_ahead(const oxy_conn *c)
{
    return ((const oxy__mysql *)c)->n_ahead;
}

/* Most rows come from what the library has read ahead: each as it is, whatever its
 * length does to the borders of reads, and beside rows that are longer than one. */
static void take_rows_ahead(uint32_t flags)
{
    static const char *const texts[] = {"NULL", "REPEAT('x', n % 300)", "REPEAT('x', n % 7 * 900)",
                                        "REPEAT('x', CASE n % 97 WHEN 0 THEN 17000 ELSE n % 250 END)",
                                        "REPEAT('x', CASE n % 3 WHEN 0 THEN 16370 + n % 40 ELSE 5 END)"};
    oxy_conn *c = open_plain();
    char sql[256], text[40000];
    oxy_step s;

    must_run(c, is_mariadb(c) ? "SET max_recursive_iterations = 1000000" : "SET cte_max_recursion_depth = 1000000", 0);
    for (size_t i = 0; i < OXY_COUNT(texts); i++) {
        uint64_t before = rows_ahead(c);
        oxy_request r;
        int64_t n = 0;

        (void)snprintf(sql, sizeof sql, SEQUENCE, 3000, texts[i]);
        r = request(sql, flags);
        assert_int_equal(c->driver->start(c, &r), OXY_OK);
        while ((s = next(c)) == OXY_STEP_ROW) {
            assert_int_equal(c->cells[0].i, ++n);
            memset(text, 'x', sizeof text);
            if (c->cells[1].tag == OXY_C_TEXT)
                assert_memory_equal(c->cells[1].p, text, c->cells[1].len);
            else
                assert_int_equal(c->cells[1].tag, OXY_C_NULL);
            if (i == 1)
                assert_int_equal(c->cells[1].len, n % 300);
        }
        assert_int_equal(s, OXY_STEP_DONE);
        assert_int_equal(n, 3000);
        assert_true(rows_ahead(c) - before > (i < 2 ? 2500 : 10));
    }
    close_conn(c);
}

static void test_rows_are_taken_from_what_was_read_ahead(void **state)
{
    (void)state;
    take_rows_ahead(READ);
    take_rows_ahead(OXY_REQ_STREAM);
}

/* What has to succeed before its first row does so: all rows are there by then. */
static void test_no_row_before_success_where_it_was_asked_for(void **state)
{
    static const uint32_t flags[] = {OXY_REQ_WHOLE, WRITE};
    static const char failing[] = "SELECT id, (SELECT b.id FROM whole b WHERE b.n = 3 - a.n) FROM whole a ORDER BY id";
    oxy_conn *c = open_plain();

    (void)state;
    must_run(c, "CREATE TABLE whole (id INT PRIMARY KEY, n INT)", WRITE);
    must_run(c, "INSERT INTO whole VALUES (1, 1), (2, 1), (3, 2)", WRITE);
    for (size_t i = 0; i < OXY_COUNT(flags); i++) {
        oxy_request r = request(failing, flags[i]);
        uint64_t before = rows_ahead(c);

        must_run(c, "SELECT * FROM information_schema.collations", flags[i]);
        assert_int_equal(c->driver->start(c, &r), OXY_OK);
        assert_int_equal(next(c), OXY_STEP_FAILED);
        assert_int_equal(rows_ahead(c), before);
    }
    close_conn(c);
}

static void test_failure_in_the_middle_of_a_result(void **state)
{
    static const uint32_t ways[] = {READ, OXY_REQ_STREAM};
    oxy_conn *c = open_plain();

    (void)state;
    must_run(c, "CREATE TABLE breaks (id INT PRIMARY KEY, n INT)", WRITE);
    must_run(c, "INSERT INTO breaks VALUES (1, 1), (2, 1), (3, 2)", WRITE);
    for (size_t i = 0; i < OXY_COUNT(ways); i++) {
        assert_int_not_equal(
            run_sql(c, "SELECT id, (SELECT b.id FROM breaks b WHERE b.n = 3 - a.n) FROM breaks a ORDER BY id", ways[i]),
            OXY_OK);
        assert_int_equal(c->err.native, 1242);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
        assert_string_equal(one(c, "SELECT 1"), "i:1");
    }
    close_conn(c);
}

static void test_rows_given_up_break_the_connection(void **state)
{
    static const uint32_t ways[] = {READ, OXY_REQ_STREAM};

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(ways); i++) {
        oxy_conn *c = open_plain();
        oxy_request r = request("SELECT * FROM information_schema.collations", ways[i]);

        assert_int_equal(c->driver->start(c, &r), OXY_OK);
        assert_int_equal(next(c), OXY_STEP_ROW);
        c->driver->finish(c);
        assert_int_equal(c->driver->status(c), OXY_CONN_BROKEN);
        close_conn(c);
    }
}

/* A procedure's parameters that come back are rows as others are, and what follows
 * them is read although servers forget to say that it does. */
static void test_parameters_that_come_back(void **state)
{
    static const uint32_t ways[] = {READ, OXY_REQ_STREAM, WRITE};
    oxy_conn *c = open_plain();
    oxy_value v = {.tag = OXY_V_INT, .i = 20};

    (void)state;
    must_run(c, "CREATE PROCEDURE twice(INOUT n INT) SET n = n * 2", WRITE);
    must_run(c, "CREATE PROCEDURE beside(INOUT n INT) BEGIN SELECT n + 1; SET n = n * 2; END", WRITE);
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < OXY_COUNT(ways); i++) {
            const char *calls[] = {"CALL twice(?)", "CALL beside(?)"};

            for (size_t k = 0; k < OXY_COUNT(calls); k++) {
                oxy_request r = request(calls[k], ways[i]);

                r.values = &v;
                r.n_values = 1;
                assert_int_equal(c->driver->start(c, &r), OXY_OK);
                assert_int_equal(next(c), OXY_STEP_ROW);
                assert_string_equal(show(&c->cells[0]), k ? "i:21" : "i:40");
                assert_int_equal(next(c), OXY_STEP_DONE);
                assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
                assert_string_equal(one(c, "SELECT 3"), "i:3");
            }
        }
    close_conn(c);
}

/* Whether a transaction is open is known once the rows are. */
static void test_status_behind_rows(void **state)
{
    static const uint32_t ways[] = {READ, OXY_REQ_STREAM, OXY_REQ_WHOLE};
    oxy_conn *c = open_plain();

    (void)state;
    must_run(c, "CREATE TABLE begun (id INT PRIMARY KEY) ENGINE = InnoDB", WRITE);
    must_run(c, "INSERT INTO begun VALUES (1), (2)", WRITE);
    for (size_t i = 0; i < OXY_COUNT(ways); i++) {
        must_run(c, "SET autocommit = 0", 0);
        must_run(c, "SELECT id FROM begun", ways[i]);
        assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
        must_run(c, "ROLLBACK", 0);
        must_run(c, "SET autocommit = 1", 0);
        must_run(c, "SELECT id FROM begun", ways[i]);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    }
    close_conn(c);
}

static void expect_columns(oxy_conn *c, const char *sql, uint32_t flags, const char *names)
{
    oxy_request r = request(sql, flags);
    char seen[256] = "";
    oxy_step s;

    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    while ((s = next(c)) == OXY_STEP_ROW)
        ;
    assert_int_equal(s, OXY_STEP_DONE);
    for (uint32_t i = 0; i < c->n_cols; i++)
        (void)snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s%.*s", i ? "," : "",
                       OXY_SV_ARG(c->cols[i].name));
    assert_string_equal(seen, names);
}

/* The server prepares such a statement anew by itself and sends other columns. */
static void change_the_table(uint32_t flags)
{
    oxy_conn *c = open_plain(), *other = open_plain();
    const char *all = "SELECT * FROM changing";

    must_run(c, "DROP TABLE IF EXISTS changing", WRITE);
    must_run(c, "CREATE TABLE changing (a INT, b INT)", WRITE);
    must_run(c, "INSERT INTO changing VALUES (1, 2)", WRITE);
    for (int i = 0; i < 2; i++)
        expect_columns(c, all, flags, "a,b");
    must_run(other, "ALTER TABLE changing CHANGE a z VARCHAR(10)", WRITE);
    for (int i = 0; i < 3; i++)
        expect_columns(c, all, flags, "z,b");
    assert_string_equal(one(c, all), "t:1");
    must_run(other, "ALTER TABLE changing ADD c VARCHAR(10) DEFAULT 'new' FIRST", WRITE);
    for (int i = 0; i < 3; i++)
        expect_columns(c, all, flags, "c,z,b");
    assert_string_equal(one(c, all), "t:new");
    must_run(other, "ALTER TABLE changing DROP z, DROP b", WRITE);
    for (int i = 0; i < 3; i++)
        expect_columns(c, all, flags, "c");
    must_run(other, "ALTER TABLE changing ADD d BLOB", WRITE);
    assert_string_equal(one(c, all), "t:new");
    must_run(other, "DROP TABLE changing", WRITE);
    assert_int_equal(run_sql(c, all, flags), OXY_PROGRAMMING);
    close_conn(c);
    close_conn(other);
}

static void test_table_that_changes_under_a_statement(void **state)
{
    (void)state;
    change_the_table(READ);
    change_the_table(OXY_REQ_STREAM);
}

static void test_procedure_gives_its_first_result(void **state)
{
    oxy_conn *c = open_plain();
    oxy_value v = {.tag = OXY_V_INT, .i = 20};
    uint32_t flags[] = {READ, OXY_REQ_STREAM};

    (void)state;
    must_run(c,
             "CREATE PROCEDURE several(IN n INT) BEGIN SELECT n AS first_one, 'text' AS t; SELECT 'two', n, n; "
             "INSERT INTO called VALUES (n); END",
             WRITE);
    must_run(c, "CREATE TABLE called (n INT)", WRITE);
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < OXY_COUNT(flags); i++) {
            oxy_request r = request("CALL several(?)", flags[i]);

            r.values = &v;
            r.n_values = 1;
            assert_int_equal(c->driver->start(c, &r), OXY_OK);
            assert_int_equal(next(c), OXY_STEP_ROW);
            assert_string_equal(show(&c->cells[0]), "i:20");
            assert_int_equal(next(c), OXY_STEP_DONE);
            assert_int_equal(c->n_cols, 2);
            assert_true(oxy_sv_eq(c->cols[0].name, OXY_SV("first_one")));
        }
    assert_int_equal(count(c, "SELECT COUNT(*) FROM called"), 6);
    /* One without a result after one with. */
    must_run(c, "DROP PROCEDURE several", WRITE);
    must_run(c, "CREATE PROCEDURE several(IN n INT) INSERT INTO called VALUES (n)", WRITE);
    assert_string_equal(one_with(c, "CALL several(?)", &v, 1), "-");
    must_run(c, "DROP PROCEDURE several", WRITE);
    assert_int_equal(count(c, "SELECT COUNT(*) FROM called"), 7);
    close_conn(c);
}

static void test_returning(void **state)
{
    oxy_conn *c = open_plain();
    oxy_request r = request("INSERT INTO returned (n) VALUES (5), (6) RETURNING id, n", WRITE);

    (void)state;
    if (is_mariadb(c)) {
        must_run(c, "CREATE TABLE returned (id INT PRIMARY KEY AUTO_INCREMENT, n INT)", WRITE);
        assert_int_equal(c->driver->start(c, &r), OXY_OK);
        assert_int_equal(next(c), OXY_STEP_ROW);
        assert_string_equal(show(&c->cells[0]), "i:1");
        assert_int_equal(next(c), OXY_STEP_ROW);
        assert_string_equal(show(&c->cells[1]), "i:6");
        assert_int_equal(next(c), OXY_STEP_DONE);
        assert_int_equal(c->affected, 2);
        must_run(c, "DELETE FROM returned WHERE n > 0 RETURNING n", WRITE);
        assert_int_equal(c->affected, 2);
    }
    close_conn(c);
}

/* The text protocol, which what cannot be prepared goes through, gives the same. */
static void test_rows_of_the_text_protocol(void **state)
{
    oxy_conn *c = open_plain();
    oxy_request r = request("HELP 'SELECT'", READ);
    oxy_step s;

    (void)state;
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    while ((s = next(c)) == OXY_STEP_ROW)
        for (uint32_t i = 0; i < c->n_cols; i++)
            assert_true(c->cells[i].tag == OXY_C_TEXT || c->cells[i].tag == OXY_C_NULL);
    assert_int_equal(s, OXY_STEP_DONE);
    assert_true(c->n_cols > 0);
    close_conn(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_of_every_type),
        cmocka_unit_test(test_null_literal),
        cmocka_unit_test(test_columns_tell_name_type_and_flags),
        cmocka_unit_test(test_as_many_columns_as_a_select_has),
        cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_rows_are_taken_from_what_was_read_ahead),
        cmocka_unit_test(test_failure_in_the_middle_of_a_result),
        cmocka_unit_test(test_no_row_before_success_where_it_was_asked_for),
        cmocka_unit_test(test_rows_given_up_break_the_connection),
        cmocka_unit_test(test_parameters_that_come_back),
        cmocka_unit_test(test_status_behind_rows),
        cmocka_unit_test(test_table_that_changes_under_a_statement),
        cmocka_unit_test(test_procedure_gives_its_first_result),
        cmocka_unit_test(test_returning),
        cmocka_unit_test(test_rows_of_the_text_protocol),
    };

    return cmocka_run_group_tests(tests, make_database, drop_database);
}
