/* SPDX-License-Identifier: MIT */
/* Large things, failing memory, and the table of SQLSTATEs. */
#include "pg.h"

#include "driver/postgres/postgres.h"
#include "fail_alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void test_a_row_of_1600_columns(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_buf sql;
    oxy_request r;

    (void)state;
    oxy_buf_init(&sql, oxy_alloc_default(), 1 << 20);
    oxy_buf_puts(&sql, "SELECT 0");
    for (int i = 1; i < 1600; i++)
        oxy_buf_printf(&sql, ", %d", i);
    r = pg_request(sql.p, READ);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(c->driver->start(c, &r), OXY_OK);
        assert_int_equal(pg_next(c), OXY_STEP_ROW);
        assert_int_equal(c->n_cols, 1600);
        for (int i = 0; i < 1600; i++)
            assert_int_equal(c->cells[i].i, i);
        assert_int_equal(pg_next(c), OXY_STEP_DONE);
    }
    oxy_buf_fini(&sql);
    pg_close(c);
}

/* SELECT what FROM (VALUES ($1::int), ($2), ...) t(a) */
static void select_of(oxy_buf *sql, const char *what, int n)
{
    oxy_buf_reset(sql);
    oxy_buf_printf(sql, "SELECT %s FROM (VALUES ($1::int)", what);
    for (int i = 1; i < n; i++)
        oxy_buf_printf(sql, ", ($%d)", i + 1);
    oxy_buf_puts(sql, ") t(a)");
}

static void test_65535_parameters_and_no_more(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value *values = calloc(65536, sizeof *values);
    oxy_request r;
    oxy_buf sql;

    (void)state;
    assert_non_null(values);
    for (int i = 0; i < 65536; i++)
        values[i] = (oxy_value){.tag = OXY_V_INT, .i = i};
    oxy_buf_init(&sql, oxy_alloc_default(), 4 << 20);
    select_of(&sql, "count(*)", 65535);
    r = pg_request(sql.p, READ);
    r.values = values;
    r.n_values = 65535;
    assert_string_equal(pg_one_of(c, &r), "i:65535");
    r.n_values = 65536;
    assert_int_equal(pg_run_request(c, &r), OXY_PROGRAMMING);
    assert_non_null(strstr(c->err.message, "65535"));
    assert_string_equal(pg_one(c, "SELECT 1"), "i:1");
    oxy_buf_fini(&sql);
    free(values);
    pg_close(c);
}

/* Beyond 7,000 nothing is described; rows are what they are all the same. */
static void test_rows_are_the_same_where_nothing_is_described(void **state)
{
    static const int counts[] = {7000, 7001};
    static const struct {
        const char *what, *shown;
    } columns[] = {{"max(a) - count(*)", "i:-1"},
                   {"max(a) > 6998", "i:1"},
                   {"1.5::float8 + min(a)", "d:1.5"},
                   {"min('x'::text)", "t:x"}};
    oxy_conn *c = pg_open_default();
    oxy_value *values = calloc(7001, sizeof *values);
    oxy_request r;
    oxy_buf sql;

    (void)state;
    assert_non_null(values);
    for (int i = 0; i < 7001; i++)
        values[i] = (oxy_value){.tag = OXY_V_INT, .i = i};
    oxy_buf_init(&sql, oxy_alloc_default(), 4 << 20);
    for (size_t i = 0; i < OXY_COUNT(counts) * OXY_COUNT(columns); i++) {
        int n = counts[i % OXY_COUNT(counts)];

        select_of(&sql, columns[i / OXY_COUNT(counts)].what, n);
        r = pg_request(sql.p, READ);
        r.values = values;
        r.n_values = (uint32_t)n;
        assert_string_equal(pg_one_of(c, &r), columns[i / OXY_COUNT(counts)].shown);
    }
    oxy_buf_fini(&sql);
    free(values);
    pg_close(c);
}

static void test_a_value_of_100_megabytes(void **state)
{
    oxy_conn *c = pg_open_default();
    size_t size = (size_t)100 << 20;
    char *big = malloc(size);
    oxy_value value;
    oxy_request r = pg_request("SELECT $1::bytea", READ);

    (void)state;
    assert_non_null(big);
    memset(big, 'x', size);
    value = (oxy_value){.tag = OXY_V_BLOB, .s = {big, size}};
    r.values = &value;
    r.n_values = 1;
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(pg_next(c), OXY_STEP_ROW);
    assert_int_equal(c->cells[0].tag, OXY_C_BLOB);
    assert_int_equal(c->cells[0].len, size);
    assert_memory_equal(c->cells[0].p, big, size);
    assert_int_equal(pg_next(c), OXY_STEP_DONE);
    free(big);
    pg_close(c);
}

static void test_what_cannot_be_sent(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value value = {.tag = OXY_V_TEXT, .s = OXY_SV("a\0b")};
    oxy_request r = pg_request("SELECT $1::text", READ);
    oxy_sv begin = OXY_SV("BEGIN");

    (void)state;
    r.values = &value;
    r.n_values = 1;
    r.before = &begin;
    r.n_before = 1;
    assert_int_equal(pg_run_request(c, &r), OXY_DATA);
    if (c->driver->status(c) != OXY_CONN_IDLE) /* BEGIN went with the description */
        pg_must(c, "ROLLBACK", WRITE);
    r.n_before = 0;
    r.sql = OXY_SV("SELECT 1\0");
    assert_int_equal(pg_run_request(c, &r), OXY_PROGRAMMING);
    r.flags = OXY_REQ_SCRIPT;
    assert_int_equal(pg_run_request(c, &r), OXY_PROGRAMMING);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_string_equal(pg_one(c, "SELECT 1"), "i:1");
    pg_close(c);
}

static void test_the_table_of_codes(void **state)
{
    static const struct {
        const char *state;
        oxy_rc rc;
    } cases[] = {
        {"23505", OXY_UNIQUE},
        {"23503", OXY_FOREIGN_KEY},
        {"23001", OXY_FOREIGN_KEY},
        {"23502", OXY_NOT_NULL},
        {"23514", OXY_CHECK},
        {"23P01", OXY_INTEGRITY},
        {"23000", OXY_INTEGRITY},
        {"40001", OXY_SERIALIZATION},
        {"40P01", OXY_DEADLOCK},
        {"40002", OXY_DATABASE},
        {"55P03", OXY_LOCK_TIMEOUT},
        {"55006", OXY_OPERATIONAL},
        {"25P02", OXY_TRANSACTION_ABORTED},
        {"25006", OXY_INTERNAL},
        {"08006", OXY_CONNECTION_LOST},
        {"57P01", OXY_CONNECTION_LOST},
        {"57P02", OXY_CONNECTION_LOST},
        {"57P05", OXY_CONNECTION_LOST},
        {"57P03", OXY_OPERATIONAL},
        {"57000", OXY_OPERATIONAL},
        {"28P01", OXY_OPERATIONAL},
        {"53300", OXY_OPERATIONAL},
        {"58030", OXY_OPERATIONAL},
        {"22012", OXY_DATA},
        {"42P01", OXY_PROGRAMMING},
        {"3D000", OXY_PROGRAMMING},
        {"3F000", OXY_PROGRAMMING},
        {"21000", OXY_PROGRAMMING},
        {"26000", OXY_PROGRAMMING},
        {"34000", OXY_PROGRAMMING},
        {"0A000", OXY_NOT_SUPPORTED},
        {"24000", OXY_INTERNAL},
        {"25001", OXY_INTERNAL},
        {"2BP01", OXY_INTERNAL},
        {"2D000", OXY_INTERNAL},
        {"2F005", OXY_INTERNAL},
        {"XX000", OXY_INTERNAL},
        {"27000", OXY_INTERNAL},
        {"P0001", OXY_DATABASE},
        {"54000", OXY_DATABASE},
        {"99999", OXY_DATABASE},
    };

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(cases); i++)
        if (oxy__pg_classify(cases[i].state) != cases[i].rc)
            fail_msg("%s", cases[i].state);
}

/* --- memory ------------------------------------------------------------------------------- */

static oxy_rc ended(oxy_conn *c, const oxy_request *r)
{
    oxy_rc rc = c->driver->start(c, r);
    oxy_step step;

    if (rc != OXY_OK)
        return rc;
    do
        step = pg_next(c);
    while (step == OXY_STEP_ROW);
    return step == OXY_STEP_DONE ? OXY_OK : c->err.rc;
}

/* The thread that looked up a name lets go of it a moment after it said so. */
static oxy_rc settled(struct fail_alloc *fail, oxy_rc rc)
{
    for (int i = 0; i < 5000 && atomic_load(&fail->live) != 0; i++)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    return rc;
}

static oxy_rc live(const oxy_alloc *alloc, void *arg)
{
    pg_options o = pg_default();
    oxy_value value = {.tag = OXY_V_TEXT, .s = OXY_SV("glad")};
    oxy_value numbers[] = {{.tag = OXY_V_INT, .i = 1}, {.tag = OXY_V_INT, .i = 2}};
    oxy_sv begin = OXY_SV("BEGIN");
    oxy_request steps[] = {
        pg_request("SELECT $1::c_mem_mood, 1, 'x'", READ),
        pg_request("SELECT 1/0", READ),
        pg_request("SELECT 2, json_build_array($1), $2", RAW),
        pg_request("SELECT 3", OXY_REQ_SCRIPT),
        pg_request("COMMIT", WRITE),
    };
    struct fail_alloc *fail = alloc->ctx;
    oxy_rc rc;
    oxy_conn *c;
    oxy_err err;

    (void)arg;
    o.alloc = alloc;
    o.cache = 1;
    pg_set(&o, "host", "localhost");
    steps[0].values = &value;
    steps[0].n_values = 1;
    steps[2].values = numbers;
    steps[2].n_values = 2;
    steps[2].before = &begin;
    steps[2].n_before = 1;
    rc = pg_try_open(&o, &c, &err);
    if (rc != OXY_OK)
        return settled(fail, rc);
    for (size_t i = 0; i < OXY_COUNT(steps) && rc == OXY_OK; i++) {
        rc = ended(c, &steps[i]);
        if (i == 1 && rc == OXY_DATA)
            rc = OXY_OK;
    }
    if (rc == OXY_NOMEM && c->driver->status(c) == OXY_CONN_INTRANS) {
        /* It is still of use. */
        fail->fail_at = 0;
        assert_int_equal(ended(c, &(oxy_request){.sql = OXY_SV("ROLLBACK"), .flags = WRITE}), OXY_OK);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    }
    pg_close(c);
    return settled(fail, rc);
}

static void test_every_allocation_may_fail(void **state)
{
    oxy_conn *c = pg_open_default();

    (void)state;
    pg_must(c, "DROP TYPE IF EXISTS c_mem_mood", WRITE);
    pg_must(c, "CREATE TYPE c_mem_mood AS ENUM ('glad')", WRITE);
    assert_true(fail_torture(live, NULL) > 20);
    pg_must(c, "DROP TYPE c_mem_mood", WRITE);
    pg_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_of_1600_columns),
        cmocka_unit_test(test_65535_parameters_and_no_more),
        cmocka_unit_test(test_rows_are_the_same_where_nothing_is_described),
        cmocka_unit_test(test_a_value_of_100_megabytes),
        cmocka_unit_test(test_what_cannot_be_sent),
        cmocka_unit_test(test_the_table_of_codes),
        cmocka_unit_test(test_every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, pg_setup, pg_teardown);
}
