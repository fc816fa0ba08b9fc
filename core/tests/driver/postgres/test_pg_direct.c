/* SPDX-License-Identifier: MIT */
/* Rows taken from libpq's buffer: the same as through its results, only sooner. */
#include "pg.h"

#include "driver/postgres/postgres.h"

#include <string.h>

static void start(oxy_conn *c, const oxy_request *r)
{
    if (c->driver->start(c, r) != OXY_OK)
        fail_msg("start: %s", c->err.message);
}

static bool is_direct(const oxy_conn *c)
{
    return ((const oxy__pg *)c)->window != NULL;
}

/* Opened, and once used, so that the buffer was looked for. */
static oxy_conn *open_with(const char *direct)
{
    pg_options o = pg_default();
    oxy_conn *c;

    pg_set(&o, "oxy.direct", direct);
    c = pg_open(&o);
    for (int i = 0; i < 2; i++)
        assert_string_equal(pg_one(c, "SELECT 1"), "i:1");
    return c;
}

static uint64_t mix(uint64_t sum, const void *p, size_t n)
{
    return (sum ^ oxy_hash(p, n, 1)) * UINT64_C(0x9e3779b97f4a7c15) + n;
}

/* Number of rows, and a sum over their cells. */
static uint32_t read_all(oxy_conn *c, const oxy_request *r, uint64_t *sum)
{
    uint32_t n = 0;
    oxy_step step;

    *sum = 0;
    start(c, r);
    while ((step = pg_next(c)) == OXY_STEP_ROW) {
        for (uint32_t i = 0; i < c->n_cols; i++) {
            const oxy_cell *cell = &c->cells[i];

            *sum = mix(*sum, &cell->tag, sizeof cell->tag);
            if (cell->tag == OXY_C_INT || cell->tag == OXY_C_DOUBLE)
                *sum = mix(*sum, &cell->i, sizeof cell->i);
            else if (cell->tag != OXY_C_NULL)
                *sum = mix(*sum, cell->p, cell->len);
        }
        n++;
    }
    if (step != OXY_STEP_DONE)
        fail_msg("%s", c->err.message);
    return n;
}

static void test_the_buffer_is_found_on_this_system(void **state)
{
    oxy_conn *c = open_with("auto"), *without = open_with("no");

    (void)state;
#ifdef __GLIBC__
    assert_true(is_direct(c));
#endif
    assert_false(is_direct(without));
    pg_close(c);
    pg_close(without);
}

static void test_rows_are_those_of_results(void **state)
{
    static const struct {
        const char *sql;
        uint32_t rows;
    } cases[] = {
        {"SELECT i, i::int2, -i::int8, i * 1.5::float8, i % 3 = 0, repeat('x', i % 60), NULLIF(i % 7, 0) "
         "FROM generate_series(1, 30000) i",
         30000},
        {"SELECT i FROM generate_series(1, 10) i", 10},
        {"SELECT 1 WHERE false", 0},
        {"SELECT FROM generate_series(1, 300)", 300},
        {"SELECT NULL::text, NULL::int FROM generate_series(1, 300)", 300},
        {"SELECT repeat('y', i * 5000) FROM generate_series(1, 40) i", 40},
        {"SELECT repeat('z', 8000000), i FROM generate_series(1, 3) i", 3},
        {"SELECT repeat('w', 16384 - 30 + i) FROM generate_series(1, 60) i", 60},
        {"SELECT gen_series, now() - now(), '{1,2}'::int[], '\\x00'::bytea FROM generate_series(1, 99) gen_series", 99},
        {"SELECT i, 'grün ' || i, i * 0.5::float8, i::text::varchar(20), 'n'::name, NULLIF(i % 2, 0)::text, "
         "('x' || i)::char(9), ('{\"a\": ' || i || '}')::json, i % 3 = 0, chr(200)::\"char\", '{a,ß}'::text[], '' "
         "FROM generate_series(1, 500) i",
         500},
        {"SELECT '1'::money, i FROM generate_series(1, 99) i", 99}, /* a type without binary codec: all in text */
    };
    oxy_conn *direct = open_with("auto"), *plain = open_with("no");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int round = 0; round < 3; round++) {
            oxy_request r = pg_request(cases[i].sql, READ), stream = pg_request(cases[i].sql, OXY_REQ_STREAM);
            uint64_t a, b, d;

            assert_int_equal(read_all(direct, &r, &a), cases[i].rows);
            assert_int_equal(read_all(direct, &stream, &d), cases[i].rows);
            assert_int_equal(read_all(plain, &r, &b), cases[i].rows);
            assert_true(a == b);
            assert_true(a == d);
            assert_int_equal(direct->affected, plain->affected);
            assert_int_equal(direct->n_cols, plain->n_cols);
        }
    pg_close(direct);
    pg_close(plain);
}

static void test_rows_come_before_a_failure_unless_all_or_none_is_asked_for(void **state)
{
    static const uint32_t flags[] = {READ, OXY_REQ_WHOLE, WRITE, OXY_REQ_STREAM, READ};
    oxy_conn *c = open_with("auto");

    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        oxy_request r = pg_request("SELECT 10 / (5000 - i) FROM generate_series(1, 6000) i", flags[i]);
        oxy_step step;
        int n = 0;

        start(c, &r);
        while ((step = pg_next(c)) == OXY_STEP_ROW)
            n++;
        assert_int_equal(step, OXY_STEP_FAILED);
        assert_string_equal(c->err.sqlstate, "22012");
        if ((flags[i] & OXY_REQ_STREAM) && !is_direct(c))
            assert_in_range(n, 4900, 4999); /* libpq 17 and later drop an unfinished chunk */
        else if ((flags[i] & (WRITE | OXY_REQ_WHOLE)) || !is_direct(c))
            assert_int_equal(n, 0);
        else
            assert_int_equal(n, 4999);
        assert_string_equal(pg_one(c, "SELECT 7"), "i:7");
    }
    pg_close(c);
}

static void test_a_stream_takes_no_more_memory_than_libpq_has_room_for(void **state)
{
    oxy_conn *c = open_with("auto");
    const oxy__pg *pg = (const oxy__pg *)c;
    oxy_request r = pg_request("SELECT i, repeat('x', 1000) FROM generate_series(1, 40000) i", OXY_REQ_STREAM);
    int size = 0;

    (void)state;
    pg_must(c, r.sql.p, READ | RAW); /* described */
    start(c, &r);
    for (int i = 1; i <= 40000; i++) {
        assert_int_equal(pg_next(c), OXY_STEP_ROW);
        assert_int_equal(c->cells[0].i, i);
        if (!is_direct(c))
            continue;
        assert_true(pg->lent > 0); /* no result between */
        if (pg->window->size > size)
            size = pg->window->size;
    }
    assert_int_equal(pg_next(c), OXY_STEP_DONE);
    assert_in_range(size, 0, 1 << 18);
    pg_close(c);
}

static void give_up(oxy_conn *c, uint32_t flags)
{
    oxy_request many = pg_request("SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i", flags);

    for (int rows = 0; rows < 300; rows = rows * 2 + 1) {
        uint64_t sum;

        start(c, &many);
        for (int i = 1; i <= rows; i++) {
            assert_int_equal(pg_next(c), OXY_STEP_ROW);
            assert_int_equal(c->cells[0].i, i);
        }
        c->driver->finish(c);
        assert_string_equal(pg_one(c, "SELECT 'next'"), "t:next");
        assert_int_equal(read_all(c, &many, &sum), 5000);
    }
}

static void test_giving_up_in_the_middle_leaves_the_next_answer_whole(void **state)
{
    oxy_conn *c = open_with("auto");

    (void)state;
    give_up(c, READ);
    give_up(c, OXY_REQ_STREAM);
    pg_close(c);
}

/* What sends may move the buffer in which a row still lies. */
static void test_a_request_that_starts_while_a_row_is_lent_waits_until_it_is_read(void **state)
{
    oxy_conn *c = open_with("auto");
    oxy_request many = pg_request("SELECT i, repeat('x', 100) FROM generate_series(1, 3000) i", SHARED);
    oxy_request one = pg_request("SELECT 42", SHARED);

    (void)state;
    for (int round = 0; round < 3; round++) {
        start(c, &many);
        for (int i = 1; i <= 3000; i++) {
            assert_int_equal(pg_next(c), OXY_STEP_ROW);
            assert_int_equal(c->cells[0].i, i);
            if (i == 5 || i == 6)
                start(c, &one);
            assert_int_equal(c->cells[0].i, i);
            assert_int_equal(c->cells[1].len, 100);
            assert_int_equal(c->cells[1].p[99], 'x');
        }
        assert_int_equal(pg_next(c), OXY_STEP_DONE);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(pg_next(c), OXY_STEP_ROW);
            assert_int_equal(c->cells[0].i, 42);
            assert_int_equal(pg_next(c), OXY_STEP_DONE);
        }
    }
    pg_close(c);
}

static void test_notices_between_rows_are_no_rows(void **state)
{
    oxy_conn *c = open_with("auto");
    oxy_request r = pg_request("SELECT pg_temp.oxy_direct_notice(i) FROM generate_series(1, 2000) i", READ);

    (void)state;
    pg_must(c,
            "CREATE OR REPLACE FUNCTION pg_temp.oxy_direct_notice(i int) RETURNS int LANGUAGE plpgsql AS "
            "$$BEGIN IF i % 7 = 0 THEN RAISE NOTICE 'seven'; END IF; RETURN i; END$$",
            RAW | WRITE);
    for (int round = 0; round < 2; round++) {
        start(c, &r);
        for (int i = 1; i <= 2000; i++) {
            assert_int_equal(pg_next(c), OXY_STEP_ROW);
            assert_int_equal(c->cells[0].i, i);
        }
        assert_int_equal(pg_next(c), OXY_STEP_DONE);
    }
    pg_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_buffer_is_found_on_this_system),
        cmocka_unit_test(test_rows_are_those_of_results),
        cmocka_unit_test(test_rows_come_before_a_failure_unless_all_or_none_is_asked_for),
        cmocka_unit_test(test_a_stream_takes_no_more_memory_than_libpq_has_room_for),
        cmocka_unit_test(test_giving_up_in_the_middle_leaves_the_next_answer_whole),
        cmocka_unit_test(test_a_request_that_starts_while_a_row_is_lent_waits_until_it_is_read),
        cmocka_unit_test(test_notices_between_rows_are_no_rows),
    };

    return cmocka_run_group_tests(tests, pg_setup, pg_teardown);
}
