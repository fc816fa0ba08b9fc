/* SPDX-License-Identifier: MIT */
/* Requests on a connection: values in, cells out, what a request leaves behind. */
#include "pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_a_connection_knows_its_server(void **state)
{
    oxy_conn *c = pg_open_default();
    char pid[32];

    (void)state;
    assert_int_equal(c->server.flavor, OXY_FLAVOR_POSTGRES);
    (void)snprintf(pid, sizeof pid, "t:%u", (unsigned)c->server.version);
    assert_string_equal(pg_one(c, "SHOW server_version_num"), pid);
    assert_false(c->server.pooler);
    (void)snprintf(pid, sizeof pid, "i:%lld", (long long)c->server.pid);
    assert_string_equal(pg_one(c, "SELECT pg_backend_pid()"), pid);
    assert_string_equal(c->driver->parameter(c, "TimeZone"), "UTC");
    assert_string_equal(c->driver->parameter(c, "client_encoding"), "UTF8");
    assert_string_equal(c->driver->parameter(c, "DateStyle"), "ISO, MDY");
    assert_null(c->driver->parameter(c, "no such thing"));
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_true(c->driver->alive(c));
    assert_false(c->driver->tainted(c));
    pg_close(c);
}

static void test_each_class_of_column_has_its_cell(void **state)
{
    static const struct {
        const char *sql, *cell;
    } cases[] = {
        {"SELECT true", "i:1"},
        {"SELECT false", "i:0"},
        {"SELECT (-32768)::int2", "i:-32768"},
        {"SELECT (-2147483648)::int4", "i:-2147483648"},
        {"SELECT (-9223372036854775808)::int8", "i:-9223372036854775808"},
        {"SELECT 4294967295::oid", "i:4294967295"},
        {"SELECT 0.1::float4", "d:0.10000000000000001"},
        {"SELECT 1e-45::float4", "d:9.9999999999999998e-46"},
        {"SELECT 3.4028235e38::float4", "d:3.4028234999999999e+38"},
        {"SELECT 0.1::float8", "d:0.10000000000000001"},
        {"SELECT 'gr\xc3\xbc\xc3\x9f'::text", "t:gr\xc3\xbc\xc3\x9f"},
        {"SELECT ''::text", "t:"},
        {"SELECT 'a'::varchar", "t:a"},
        {"SELECT 'a'::char(3)", "t:a  "},
        {"SELECT '{\"a\": 1}'::json", "t:{\"a\": 1}"},
        {"SELECT '\\x00ff'::bytea", "b:00ff"},
        {"SELECT ''::bytea", "b:"},
        {"SELECT NULL", "NULL"},
        {"SELECT NULL::int", "NULL"},
        {"SELECT '00000000-0000-0000-0000-0000000000ff'::uuid", "w:000000000000000000000000000000ff"},
        {"SELECT '2000-01-02'::date", "w:00000001"},
        {"SELECT 1 WHERE false", "-"},
        {"SELECT", "-"},
        {"", "-"},
        {"-- nothing", "-"},
    };
    oxy_conn *c = pg_open_default();

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(cases); i++)
        if (strstr(cases[i].sql, "SELECT") == cases[i].sql && strcmp(cases[i].sql, "SELECT") == 0)
            pg_must(c, cases[i].sql, READ);
        else
            assert_string_equal(pg_one(c, cases[i].sql), cases[i].cell);
    pg_close(c);
}

static void test_parameters_go_as_what_the_server_infers(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value values[] = {{.tag = OXY_V_INT, .i = 40}, {.tag = OXY_V_TEXT, .s = OXY_SV("2")}, {.tag = OXY_V_NULL}};
    oxy_request r = pg_request("SELECT $1::int + $2::int + coalesce($3::int, 0)", READ);

    (void)state;
    r.values = values;
    r.n_values = 3;
    for (int i = 0; i < 3; i++)
        assert_string_equal(pg_one_of(c, &r), "i:42");
    r.n_values = 2;
    assert_true(strstr(pg_one_of(c, &r), "!ProgrammingError") != NULL);
    assert_true(strstr(c->err.message, "takes 3 parameters, 2 given") != NULL);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    pg_close(c);
}

static void test_a_declared_type_is_kept(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value value = {.tag = OXY_V_WIRE, .wire = 20, .s = OXY_SV("\0\0\0\0\0\0\0\x07")};
    oxy_request r = pg_request("SELECT pg_typeof($1)::text", READ);

    (void)state;
    r.values = &value;
    r.n_values = 1;
    assert_string_equal(pg_one_of(c, &r), "t:bigint");
    value = (oxy_value){.tag = OXY_V_NULL, .wire = 23};
    assert_string_equal(pg_one_of(c, &r), "t:integer");
    pg_close(c);
}

static void test_a_failure_has_its_fields_and_costs_nothing_else(void **state)
{
    oxy_conn *c = pg_open_default();

    (void)state;
    pg_must(c, "CREATE TEMP TABLE t (id int PRIMARY KEY, n int CONSTRAINT positive CHECK (n > 0))", WRITE);
    pg_must(c, "INSERT INTO t VALUES (1, 1), (2, 2)", WRITE);
    assert_int_equal(c->affected, 2);
    assert_int_equal(pg_run(c, "INSERT INTO t VALUES (1, 1)", WRITE), OXY_UNIQUE);
    assert_string_equal(c->err.sqlstate, "23505");
    assert_string_equal(c->err.table, "t");
    assert_string_equal(c->err.constraint, "t_pkey");
    assert_string_equal(c->err.detail, "Key (id)=(1) already exists.");
    assert_null(strstr(c->err.message, "(1)"));
    assert_int_equal(pg_run(c, "INSERT INTO t VALUES (3, 0)", WRITE), OXY_CHECK);
    assert_string_equal(c->err.constraint, "positive");
    assert_int_equal(pg_run(c, "SELECT nothing", READ), OXY_PROGRAMMING);
    assert_int_equal(pg_run(c, "SELECT 1/0", READ), OXY_DATA);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_string_equal(pg_one(c, "SELECT count(*) FROM t"), "i:2");
    pg_close(c);
}

static void test_transactions_are_read_from_the_wire(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_sv begin[] = {OXY_SV("BEGIN"), OXY_SV("SET LOCAL statement_timeout = 12345")};
    oxy_request r = pg_request("SHOW statement_timeout", READ);

    (void)state;
    r.before = begin;
    r.n_before = 2;
    assert_string_equal(pg_one_of(c, &r), "t:12345ms");
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    assert_int_equal(pg_run(c, "SELECT nothing", READ), OXY_PROGRAMMING);
    assert_int_equal(c->driver->status(c), OXY_CONN_INERROR);
    assert_int_equal(pg_run(c, "SELECT 1", READ), OXY_TRANSACTION_ABORTED);
    pg_must(c, "ROLLBACK", WRITE);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_string_equal(pg_one_of(c, &r), "t:12345ms"); /* the statement is known now */
    pg_must(c, "COMMIT", WRITE);
    assert_string_equal(pg_one(c, "SHOW statement_timeout"), "t:0");
    begin[0] = OXY_SV("BEGINN");
    assert_int_equal(pg_run_request(c, &r), OXY_PROGRAMMING);
    assert_string_equal(c->err.sqlstate, "42601");
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    pg_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_knows_its_server),
        cmocka_unit_test(test_each_class_of_column_has_its_cell),
        cmocka_unit_test(test_parameters_go_as_what_the_server_infers),
        cmocka_unit_test(test_a_declared_type_is_kept),
        cmocka_unit_test(test_a_failure_has_its_fields_and_costs_nothing_else),
        cmocka_unit_test(test_transactions_are_read_from_the_wire),
    };

    return cmocka_run_group_tests(tests, pg_setup, pg_teardown);
}
