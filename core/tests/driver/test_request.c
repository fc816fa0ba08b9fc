/* SPDX-License-Identifier: MIT */
/* Requests on a connection: values in, cells out, the statement cache. */
#include "harness.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_value_comes_back_as_it_went),
        cmocka_unit_test(test_a_file_keeps_what_was_written),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
