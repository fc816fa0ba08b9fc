/* SPDX-License-Identifier: MIT */
/* Requests: the life of one, statements, parameters, transactions, scripts. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_open_tells_what_the_server_is(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    assert_true(c->server.flavor == OXY_FLAVOR_MYSQL || c->server.flavor == OXY_FLAVOR_MARIADB);
    assert_true(c->server.version >= (is_mariadb(c) ? 100600u : 80000u));
    assert_int_equal(count(c, "SELECT CONNECTION_ID()"), c->server.pid);
    assert_true(c->driver->fd(c) >= 0);
    assert_true(c->driver->alive(c));
    close_conn(c);
}

static void test_session_is_utc_and_strict(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    assert_string_equal(one(c, "SELECT @@session.time_zone"), "t:+00:00");
    assert_string_equal(one(c, "SELECT @@session.character_set_client"), "t:utf8mb4");
    assert_string_equal(one(c, "SELECT 'a' || 'b'"), "t:ab");
    assert_string_equal(one(c, "SELECT FIND_IN_SET('STRICT_TRANS_TABLES', @@sql_mode) > 0"), "i:1");
    assert_string_equal(one(c, "SELECT FIND_IN_SET('NO_ENGINE_SUBSTITUTION', @@sql_mode) > 0"), "i:1");
    assert_int_equal(count(c, "SELECT @@autocommit"), 1);
    close_conn(c);
}

static void test_counts_are_matched_rows(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    must_run(c, "CREATE TABLE counted (id INT PRIMARY KEY AUTO_INCREMENT, n INT)", WRITE);
    must_run(c, "INSERT INTO counted (n) VALUES (1), (1), (2)", WRITE);
    assert_int_equal(c->affected, 3);
    assert_int_equal(c->last_insert_id, 1);
    must_run(c, "UPDATE counted SET n = 1 WHERE n = 1", WRITE);
    assert_int_equal(c->affected, 2);
    must_run(c, "DELETE FROM counted WHERE n = 7", WRITE);
    assert_int_equal(c->affected, 0);
    close_conn(c);
}

static void test_transaction_status_comes_from_the_server(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    must_run(c, "CREATE TABLE blocked (id INT PRIMARY KEY)", WRITE);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    must_run(c, "BEGIN", WRITE);
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    must_run(c, "INSERT INTO blocked VALUES (1)", WRITE);
    assert_int_equal(run_sql(c, "INSERT INTO blocked VALUES (1)", WRITE), OXY_UNIQUE);
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    must_run(c, "ROLLBACK", WRITE);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_int_equal(count(c, "SELECT COUNT(*) FROM blocked"), 0);
    close_conn(c);
}

static void test_failed_statement_leaves_connection_usable(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    assert_int_equal(run_sql(c, "SELEKT 1", READ), OXY_PROGRAMMING);
    assert_int_equal(c->err.native, 1064);
    assert_string_equal(c->err.sqlstate, "42000");
    assert_int_equal(run_sql(c, "SELECT * FROM no_such_table", READ), OXY_PROGRAMMING);
    assert_int_equal(c->err.native, 1146);
    assert_string_equal(one(c, "SELECT 1"), "i:1");
    close_conn(c);
}

static void test_parameters_of_every_kind(void **state)
{
    oxy_conn *c = open_plain();
    oxy_value v[10] = {
        {.tag = OXY_V_NULL},
        {.tag = OXY_V_INT, .i = INT64_MIN},
        {.tag = OXY_V_UINT, .u = UINT64_MAX},
        {.tag = OXY_V_DOUBLE, .d = 0.1},
        {.tag = OXY_V_TEXT, .s = OXY_SV("gr\xc3\xbc\xc3\x9f")},
        {.tag = OXY_V_BLOB, .s = {"\0\xff", 2}},
        {.tag = OXY_V_DATETIME, .i = INT64_C(1700000000123456)},
        {.tag = OXY_V_DATE, .i = 19000},
        {.tag = OXY_V_TIME, .i = INT64_C(86399999999)},
        {.tag = OXY_V_TIMEDELTA, .i = -INT64_C(90061000001)},
    };

    (void)state;
    must_run(c,
             "CREATE TABLE kinds (a INT, b BIGINT, c BIGINT UNSIGNED, d DOUBLE, e VARCHAR(20), f VARBINARY(20), "
             "g DATETIME(6), h DATE, i TIME(6), j TIME(6))",
             WRITE);
    assert_string_equal(one_with(c, "INSERT INTO kinds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", v, 10), "-");
    assert_string_equal(one(c, "SELECT a FROM kinds"), "NULL");
    assert_string_equal(one(c, "SELECT b FROM kinds"), "i:-9223372036854775808");
    assert_string_equal(one(c, "SELECT c FROM kinds"), "u:18446744073709551615");
    assert_string_equal(one(c, "SELECT d FROM kinds"), "d:0.10000000000000001");
    assert_string_equal(one(c, "SELECT e FROM kinds"), "t:gr\xc3\xbc\xc3\x9f");
    assert_string_equal(one(c, "SELECT f FROM kinds"), "b:00ff");
    assert_string_equal(one(c, "SELECT CAST(g AS CHAR) FROM kinds"), "t:2023-11-14 22:13:20.123456");
    assert_string_equal(one(c, "SELECT CAST(h AS CHAR) FROM kinds"), "t:2022-01-08");
    assert_string_equal(one(c, "SELECT CAST(i AS CHAR) FROM kinds"), "t:23:59:59.999999");
    assert_string_equal(one(c, "SELECT CAST(j AS CHAR) FROM kinds"), "t:-25:01:01.000001");
    close_conn(c);
}

static void test_wrong_number_of_parameters(void **state)
{
    oxy_conn *c = open_plain();
    oxy_value v[2] = {{.tag = OXY_V_INT, .i = 1}, {.tag = OXY_V_INT, .i = 2}};

    (void)state;
    assert_string_equal(one_with(c, "SELECT ?", v, 2), "!ProgrammingError statement takes 1 parameters, 2 given");
    assert_string_equal(one_with(c, "SELECT ?", v, 1), "i:1");
    close_conn(c);
}

#define MANY 65535u

static void test_as_many_parameters_as_the_protocol_has(void **state)
{
    oxy_conn *c = open_plain();
    oxy_value *v = calloc(MANY + 1, sizeof *v);
    static char sql[MANY * 2 + 128];
    size_t n = 0;
    oxy_request r;

    (void)state;
    assert_non_null(v);
    n += (size_t)snprintf(sql + n, sizeof sql - n, "SELECT COUNT(*) FROM (SELECT 7 AS n) t WHERE n IN (?");
    for (uint32_t i = 0; i < MANY; i++)
        v[i] = (oxy_value){.tag = OXY_V_INT, .i = i};
    for (uint32_t i = 1; i < MANY; i++)
        n += (size_t)snprintf(sql + n, sizeof sql - n, ",?");
    (void)snprintf(sql + n, sizeof sql - n, ")");
    assert_string_equal(one_with(c, sql, v, MANY), "i:1");
    (void)snprintf(sql + n, sizeof sql - n, ",?)");
    r = request(sql, READ);
    r.values = v;
    r.n_values = MANY + 1;
    assert_int_equal(c->driver->start(c, &r), OXY_PROGRAMMING);
    assert_non_null(strstr(c->err.message, "65535"));
    assert_string_equal(one(c, "SELECT 1"), "i:1");
    free(v);
    close_conn(c);
}

static void test_large_value_comes_back(void **state)
{
    oxy_conn *c = open_plain();
    size_t n = (size_t)12 << 20;
    char *bytes = malloc(n);
    oxy_value v = {.tag = OXY_V_BLOB, .s = {bytes, n}};
    oxy_request r = request("INSERT INTO large VALUES (?)", WRITE);

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 7);
    must_run(c, "CREATE TABLE large (b LONGBLOB)", WRITE);
    r.values = &v;
    r.n_values = 1;
    assert_int_equal(run_request(c, &r), OXY_OK);
    r = request("SELECT b FROM large", READ);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(next(c), OXY_STEP_ROW);
    assert_int_equal(c->cells[0].tag, OXY_C_BLOB);
    assert_int_equal(c->cells[0].len, n);
    assert_memory_equal(c->cells[0].p, bytes, n);
    assert_int_equal(next(c), OXY_STEP_DONE);
    free(bytes);
    close_conn(c);
}

static void test_value_beyond_the_servers_packet_is_not_sent(void **state)
{
    oxy_conn *c = open_plain();
    size_t n = (size_t)count(c, "SELECT @@max_allowed_packet");
    char *bytes = calloc(n, 1);
    oxy_value v = {.tag = OXY_V_BLOB, .s = {bytes, n}};
    oxy_request r = request("SELECT LENGTH(?)", READ);

    (void)state;
    assert_non_null(bytes);
    r.values = &v;
    r.n_values = 1;
    assert_int_equal(run_request(c, &r), OXY_DATA);
    assert_int_equal(c->err.native, 1153);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_string_equal(one(c, "SELECT 1"), "i:1");
    free(bytes);
    close_conn(c);
}

static void test_statements_in_front_run_first(void **state)
{
    oxy_conn *c = open_plain();
    oxy_sv before[] = {OXY_SV("SET @a = 41"), OXY_SV("START TRANSACTION")};
    oxy_request r = request("SELECT @a + 1", READ);

    (void)state;
    r.before = before;
    r.n_before = 2;
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(next(c), OXY_STEP_ROW);
    assert_string_equal(show(&c->cells[0]), "i:42");
    assert_int_equal(next(c), OXY_STEP_DONE);
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    must_run(c, "ROLLBACK", WRITE);
    close_conn(c);
}

static void test_failure_in_front_is_the_failure(void **state)
{
    oxy_conn *c = open_plain();
    oxy_sv before[] = {OXY_SV("START TRANSACTION"), OXY_SV("NONSENSE"), OXY_SV("CREATE TABLE never_made (id INT)")};
    oxy_request r = request("CREATE TABLE never_made (id INT)", WRITE);

    (void)state;
    r.before = before;
    r.n_before = 3;
    assert_int_equal(run_request(c, &r), OXY_PROGRAMMING);
    assert_int_equal(c->err.native, 1064);
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    must_run(c, "ROLLBACK", WRITE);
    assert_int_equal(count(c, "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'never_made'"), 0);
    close_conn(c);
}

static int64_t server_count(oxy_conn *c, const char *variable)
{
    char sql[256];

    (void)snprintf(sql, sizeof sql, "SHOW SESSION STATUS LIKE '%s'", variable);
    oxy_request r = request(sql, OXY_REQ_NO_CACHE);
    int64_t n;

    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(next(c), OXY_STEP_ROW);
    n = strtoll(show(&c->cells[1]) + 2, NULL, 10);
    assert_int_equal(next(c), OXY_STEP_DONE);
    return n;
}

/* How many statements the server prepared for this, over and above the question itself. */
static int64_t prepared_by(oxy_conn *c, const char *sql, uint32_t flags)
{
    int64_t before = server_count(c, "Com_stmt_prepare");

    must_run(c, sql, flags);
    return server_count(c, "Com_stmt_prepare") - before - 1;
}

static void test_cache_keeps_what_is_used(void **state)
{
    options o = server_options();
    oxy_conn *c;

    (void)state;
    o.cache = 2;
    c = must_open(&o);
    assert_int_equal(prepared_by(c, "SELECT 1", READ), 1);
    assert_int_equal(prepared_by(c, "SELECT 1", READ), 0);
    assert_int_equal(prepared_by(c, "SELECT 2", READ), 1);
    assert_int_equal(prepared_by(c, "SELECT 1", READ), 0);
    assert_int_equal(prepared_by(c, "SELECT 3", READ), 1); /* puts 2 out */
    assert_int_equal(prepared_by(c, "SELECT 1", READ), 0);
    assert_int_equal(prepared_by(c, "SELECT 2", READ), 1);
    assert_true(server_count(c, "Com_stmt_close") > 0);
    close_conn(c);
}

static void test_free_text_is_kept_from_its_second_use(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    assert_int_equal(prepared_by(c, "SELECT 10", OXY_REQ_RAW), 1);
    assert_int_equal(prepared_by(c, "SELECT 10", OXY_REQ_RAW), 1);
    assert_int_equal(prepared_by(c, "SELECT 10", OXY_REQ_RAW), 0);
    close_conn(c);
}

static void test_no_cache_at_all(void **state)
{
    options o = server_options();
    oxy_conn *c;

    (void)state;
    o.cache = 0;
    c = must_open(&o);
    for (int i = 0; i < 3; i++)
        assert_int_equal(prepared_by(c, "SELECT 1", READ), 1);
    close_conn(c);
}

static void test_several_statements_are_refused(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    assert_int_equal(run_sql(c, "SELECT 1; SELECT 2", OXY_REQ_RAW), OXY_PROGRAMMING);
    assert_non_null(strstr(c->err.message, "execute_script"));
    assert_int_equal(run_sql(c, "SELECT 1;  -- the end", OXY_REQ_RAW), OXY_OK);
    assert_int_equal(run_sql(c, "SELEKT ';' ", OXY_REQ_RAW), OXY_PROGRAMMING);
    assert_null(strstr(c->err.message, "execute_script"));
    close_conn(c);
}

static void test_empty_text_does_nothing(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    must_run(c, "", OXY_REQ_RAW);
    must_run(c, " ; -- nothing\n /* at all */ ;# here", OXY_REQ_RAW);
    must_run(c, "", OXY_REQ_SCRIPT);
    assert_int_equal(c->n_cols, 0);
    close_conn(c);
}

static void test_script_runs_all_of_it(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    must_run(c,
             "CREATE TABLE scripted (n INT); INSERT INTO scripted VALUES (1), (2); SELECT * FROM scripted;"
             "CREATE PROCEDURE show_it() BEGIN SELECT 1; SELECT 2; END; CALL show_it(); DROP PROCEDURE show_it;",
             OXY_REQ_SCRIPT | WRITE);
    assert_string_equal(one(c, "SELECT CAST(SUM(n) AS SIGNED) FROM scripted"), "i:3");
    assert_true(c->driver->tainted(c));
    /* Several statements are allowed in scripts only. */
    assert_int_equal(run_sql(c, "SELECT 1; SELECT 2", OXY_REQ_RAW), OXY_PROGRAMMING);
    close_conn(c);
}

static void test_script_stops_at_the_first_failure(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    assert_int_equal(
        run_sql(c, "CREATE TABLE stopped (n INT); NONSENSE; INSERT INTO stopped VALUES (1)", OXY_REQ_SCRIPT | WRITE),
        OXY_PROGRAMMING);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_int_equal(count(c, "SELECT COUNT(*) FROM stopped"), 0);
    assert_int_equal(run_sql(c, "SELECT 1; SELECT 2", OXY_REQ_RAW), OXY_PROGRAMMING);
    close_conn(c);
}

/* What the server's binary protocol refuses goes through the text protocol. */
static void test_statement_that_cannot_be_prepared(void **state)
{
    oxy_conn *c = open_plain();
    oxy_value v = {.tag = OXY_V_INT, .i = 1};

    (void)state;
    must_run(c, "CREATE PROCEDURE unprepared() SELECT 5", WRITE);
    for (int i = 0; i < 3; i++) {
        must_run(c, "LOCK TABLES counted READ", WRITE);
        must_run(c, "UNLOCK TABLES", WRITE);
        assert_string_equal(one(c, "CALL unprepared()"), "i:5");
    }
    must_run(c, "DROP PROCEDURE unprepared", WRITE);
    must_run(c, "CREATE TRIGGER unprepared BEFORE INSERT ON counted FOR EACH ROW SET NEW.n = 1", WRITE);
    must_run(c, "DROP TRIGGER unprepared", WRITE);
    assert_int_equal(one_with(c, "SELECT ?", &v, 1)[0], 'i');
    close_conn(c);
}

static void test_ping(void **state)
{
    oxy_conn *c = open_plain();

    (void)state;
    must_run(c, "", OXY_REQ_PING);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    must_run(c, "BEGIN", WRITE);
    must_run(c, "", OXY_REQ_PING);
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    close_conn(c);
}

static void test_reset_gives_the_session_of_the_start(void **state)
{
    oxy_conn *c = open_plain();
    int64_t pid = c->server.pid;
    const char *database = one(c, "SELECT DATABASE()");

    (void)state;
    must_run(c, "SELECT 1", READ);
    assert_false(c->driver->tainted(c));
    must_run(c, "SET time_zone = '+03:00', @a = 1", OXY_REQ_RAW);
    must_run(c, "CREATE TEMPORARY TABLE fleeting (n INT)", OXY_REQ_RAW | WRITE);
    must_run(c, "USE information_schema", OXY_REQ_RAW);
    must_run(c, "BEGIN", WRITE);
    assert_true(c->driver->tainted(c));
    must_run(c, "", OXY_REQ_RESET);
    assert_false(c->driver->tainted(c));
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_string_equal(one(c, "SELECT @@session.time_zone"), "t:+00:00");
    assert_string_equal(one(c, "SELECT FIND_IN_SET('PIPES_AS_CONCAT', @@sql_mode) > 0"), "i:1");
    assert_string_equal(one(c, "SELECT DATABASE()"), database);
    assert_string_equal(one(c, "SELECT @a"), "NULL");
    assert_int_equal(run_sql(c, "SELECT * FROM fleeting", READ), OXY_PROGRAMMING);
    assert_string_equal(one(c, "SELECT 1"), "i:1"); /* prepared before the reset */
    assert_int_equal(count(c, "SELECT CONNECTION_ID()"), pid);
    close_conn(c);
}

static void test_what_taints(void **state)
{
    static const struct {
        const char *sql;
        bool taints;
    } cases[] = {
        {"SELECT 1", false},    {" /* x */ (SELECT 1)", false}, {"WITH n AS (SELECT 1 AS i) SELECT i FROM n", false},
        {"SHOW TABLES", false}, {"EXPLAIN SELECT 1", false},    {"# a\n INSERT INTO counted (n) VALUES (1)", false},
        {"SET @a = 1", true},   {"/*! SET @a = 1 */", true},    {"CREATE TEMPORARY TABLE tainted (n INT)", true},
    };

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(cases); i++) {
        oxy_conn *c = open_plain();

        must_run(c, cases[i].sql, OXY_REQ_RAW | WRITE);
        if (c->driver->tainted(c) != cases[i].taints)
            fail_msg("%s: taints %d", cases[i].sql, !cases[i].taints);
        close_conn(c);
    }
}

static void test_finish_drops_rows(void **state)
{
    oxy_conn *c = open_plain();
    oxy_request r = request("SELECT 1 UNION ALL SELECT 2", READ);

    (void)state;
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(next(c), OXY_STEP_ROW);
    c->driver->finish(c);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_string_equal(one(c, "SELECT 3"), "i:3");
    close_conn(c);
}

static void test_start_needs_the_end_of_the_last(void **state)
{
    oxy_conn *c = open_plain();
    oxy_request r = request("SELECT 1", READ);

    (void)state;
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(c->driver->start(c, &r), OXY_INTERFACE);
    assert_int_equal(c->driver->status(c), OXY_CONN_ACTIVE);
    close_conn(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_tells_what_the_server_is),
        cmocka_unit_test(test_session_is_utc_and_strict),
        cmocka_unit_test(test_counts_are_matched_rows),
        cmocka_unit_test(test_transaction_status_comes_from_the_server),
        cmocka_unit_test(test_failed_statement_leaves_connection_usable),
        cmocka_unit_test(test_parameters_of_every_kind),
        cmocka_unit_test(test_wrong_number_of_parameters),
        cmocka_unit_test(test_as_many_parameters_as_the_protocol_has),
        cmocka_unit_test(test_large_value_comes_back),
        cmocka_unit_test(test_value_beyond_the_servers_packet_is_not_sent),
        cmocka_unit_test(test_statements_in_front_run_first),
        cmocka_unit_test(test_failure_in_front_is_the_failure),
        cmocka_unit_test(test_cache_keeps_what_is_used),
        cmocka_unit_test(test_free_text_is_kept_from_its_second_use),
        cmocka_unit_test(test_no_cache_at_all),
        cmocka_unit_test(test_several_statements_are_refused),
        cmocka_unit_test(test_empty_text_does_nothing),
        cmocka_unit_test(test_script_runs_all_of_it),
        cmocka_unit_test(test_script_stops_at_the_first_failure),
        cmocka_unit_test(test_statement_that_cannot_be_prepared),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_reset_gives_the_session_of_the_start),
        cmocka_unit_test(test_what_taints),
        cmocka_unit_test(test_finish_drops_rows),
        cmocka_unit_test(test_start_needs_the_end_of_the_last),
    };

    return cmocka_run_group_tests(tests, make_database, drop_database);
}
