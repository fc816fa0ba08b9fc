/* SPDX-License-Identifier: MIT */
/* Texts come in text format, everything else in binary, and both as they came before. */
#include "pg.h"

#include "driver/postgres/postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char every_kind[] =
    "SELECT i, 'grün ' || i, i * 0.5::float8, i::text::varchar(20), 'n'::name, NULLIF(i % 2, 0)::text, "
    "('x' || i)::char(9), ('{\"a\": ' || i || '}')::json, i % 3 = 0, chr(200)::\"char\", '{a,ß}'::text[], '' "
    "FROM generate_series(1, $1) i";
static const char their_formats[] = "btbtttttbbbt";

static const oxy__pg *inside(const oxy_conn *c)
{
    return (const oxy__pg *)c;
}

static oxy_value number(int64_t i)
{
    return (oxy_value){.tag = OXY_V_INT, .i = i};
}

static oxy_conn *open_with(const char *direct)
{
    pg_options o = pg_default();
    oxy_conn *c;

    pg_set(&o, "oxy.direct", direct);
    c = pg_open(&o);
    for (int i = 0; i < 2; i++)
        assert_string_equal(pg_one(c, "SELECT 1"), "i:1"); /* libpq's buffers were looked for */
    return c;
}

static void start(oxy_conn *c, const oxy_request *r)
{
    if (c->driver->start(c, r) != OXY_OK)
        fail_msg("start: %s", c->err.message);
}

static void end(oxy_conn *c)
{
    oxy_step step;

    while ((step = pg_next(c)) == OXY_STEP_ROW)
        ;
    if (step != OXY_STEP_DONE)
        fail_msg("%s", c->err.message);
}

/* Runs it, and tells the formats of its columns: t and b. In its result, since a row of
 * libpq's buffer has none. */
static const char *formats_of(oxy_conn *c, oxy_request r)
{
    static char told[2000];
    size_t n = 0;

    r.flags |= OXY_REQ_WHOLE;
    start(c, &r);
    assert_int_equal(pg_next(c), OXY_STEP_ROW);
    assert_non_null(inside(c)->head->result);
    for (; n < (size_t)PQnfields(inside(c)->head->result); n++)
        told[n] = PQfformat(inside(c)->head->result, (int)n) ? 'b' : 't';
    told[n] = '\0';
    end(c);
    return told;
}

/* What is asked for where libpq does not show its buffers. */
static const char *all_of(const char *formats)
{
    static char told[2000];
    size_t n = strlen(formats);

    memset(told, 'b', n);
    told[n] = '\0';
    return told;
}

static void assert_formats(oxy_conn *c, oxy_request r, const char *formats)
{
    assert_string_equal(formats_of(c, r), inside(c)->window ? formats : all_of(formats));
}

static void test_texts_are_asked_for_as_texts(void **state)
{
    oxy_conn *c = open_with("auto"), *without = open_with("no");
    oxy_value rows = number(3);
    oxy_request r = pg_request(every_kind, READ);

    (void)state;
    r.values = &rows;
    r.n_values = 1;
    for (int i = 0; i < 3; i++) {
        assert_formats(c, r, their_formats);
        assert_string_equal(formats_of(without, r), all_of(their_formats));
    }
    assert_formats(c, pg_request("SELECT 'one'", READ), "t");
    assert_formats(c, pg_request("SELECT 1", READ), "b");
    assert_string_equal(formats_of(c, pg_request("SELECT 'by key'", (uint32_t)OXY_REQ_POINT)), "b");
    assert_formats(c, pg_request("SELECT '1'::money, 'all in text'", READ), "tt");
    pg_close(c);
    pg_close(without);
}

static void test_what_writes_gives_back_texts_too(void **state)
{
    oxy_conn *c = open_with("auto");
    oxy_request r = pg_request("INSERT INTO oxy_formats VALUES (1, 'ü') RETURNING id, name", WRITE);

    (void)state;
    pg_must(c, "CREATE TEMPORARY TABLE oxy_formats (id int, name text)", RAW | WRITE);
    assert_formats(c, r, "bt");
    pg_must(c, "INSERT INTO oxy_formats VALUES (2, 'without rows')", WRITE);
    assert_int_equal(pg_count(c, "SELECT count(*) FROM oxy_formats WHERE name IN ('ü', 'without rows')"), 2);
    pg_close(c);
}

/* Long messages leave libpq's buffer before anything can be said in them. */
static void test_parameters_of_any_length(void **state)
{
    static const size_t lengths[] = {0, 1, 100, 8000, 8060, 8090, 8100, 8110, 8120, 8150, 8191, 8192, 9000, 100000};
    oxy_conn *c = open_with("auto");
    oxy_request r = pg_request("SELECT 7, $1::text, 'behind it'", READ);

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(lengths); i++) {
        char *text = malloc(lengths[i] + 1);
        oxy_value value = {.tag = OXY_V_TEXT, .s = {text, lengths[i]}};

        assert_non_null(text);
        memset(text, 'v', lengths[i]);
        r.values = &value;
        r.n_values = 1;
        for (int round = 0; round < 2; round++) {
            start(c, &r);
            assert_int_equal(pg_next(c), OXY_STEP_ROW);
            assert_int_equal(c->cells[0].i, 7);
            assert_int_equal(c->cells[1].len, lengths[i]);
            assert_int_equal(c->cells[2].len, 9);
            assert_memory_equal(c->cells[1].p, text, lengths[i]);
            end(c);
        }
        free(text);
    }
    pg_close(c);
}

#define COLUMNS 1600
#define BESIDE 16

/* So many columns that their formats do not fit beside those of others. */
static void test_many_columns_and_several_statements_under_way(void **state)
{
    oxy_conn *c = open_with("auto");
    char *sql = malloc(COLUMNS * 12 + 20);
    size_t n = 0;
    oxy_request r;

    (void)state;
    assert_non_null(sql);
    n += (size_t)sprintf(sql, "SELECT 1");
    for (int i = 1; i < COLUMNS; i++)
        n += (size_t)sprintf(sql + n, ", '%d'", i);
    r = pg_request(sql, SHARED);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < BESIDE; i++)
            start(c, &r);
        c->driver->flush(c);
        for (int i = 0; i < BESIDE; i++) {
            assert_int_equal(pg_next(c), OXY_STEP_ROW);
            assert_int_equal(c->n_cols, COLUMNS);
            assert_int_equal(c->cells[0].i, 1);
            assert_int_equal(c->cells[COLUMNS - 1].len, 4);
            assert_memory_equal(c->cells[COLUMNS - 1].p, "1599", 4);
            end(c);
        }
    }
    free(sql);
    pg_close(c);
}

/* Anything but the three messages of the statement stays as libpq has made it. */
static void test_what_looks_otherwise_is_left_alone(void **state)
{
    oxy_conn *c = open_with("auto");
    oxy__pg *pg = (oxy__pg *)c;
    char name[OXY__PG_NAME_MAX];
    int before, after;

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_string_equal(pg_one(c, "SELECT 'a', 2"), "t:a");
    if (pg->window) {
        assert_true(pg->show->texts);
        oxy__pg_name(pg, pg->show->number, name);
        before = oxy__pg_outgoing(pg);
        assert_int_equal(before, 0);
        assert_true(PQsendQueryPrepared(pg->pq, name, 0, NULL, NULL, NULL, 1));
        after = oxy__pg_outgoing(pg);
        assert_true(after > 0);
        oxy__pg_ask_for_texts(pg, pg->show, "another", before);
        oxy__pg_ask_for_texts(pg, pg->show, name, before + 1);
        oxy__pg_ask_for_texts(pg, pg->show, name, after);
        oxy__pg_ask_for_texts(pg, pg->show, name, -1);
        assert_int_equal(oxy__pg_outgoing(pg), after);
        assert_true(PQsendQueryPrepared(pg->pq, name, 0, NULL, NULL, NULL, 0)); /* all in text */
        oxy__pg_ask_for_texts(pg, pg->show, name, after);
        assert_int_equal(oxy__pg_outgoing(pg), 2 * after);
        oxy__pg_ask_for_texts(pg, pg->show, name, before); /* another one is behind it */
        assert_int_equal(oxy__pg_outgoing(pg), 2 * after);
        assert_true(PQsendQueryPrepared(pg->pq, name, 0, NULL, NULL, NULL, 1));
        oxy__pg_ask_for_texts(pg, pg->show, name, 2 * after);
        assert_int_equal(oxy__pg_outgoing(pg), 3 * after + 2);
        oxy__pg_ask_for_texts(pg, pg->show, name, 2 * after); /* said already */
        assert_int_equal(oxy__pg_outgoing(pg), 3 * after + 2);
    }
    pg_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_are_asked_for_as_texts),
        cmocka_unit_test(test_what_writes_gives_back_texts_too),
        cmocka_unit_test(test_parameters_of_any_length),
        cmocka_unit_test(test_many_columns_and_several_statements_under_way),
        cmocka_unit_test(test_what_looks_otherwise_is_left_alone),
    };

    return cmocka_run_group_tests(tests, pg_setup, pg_teardown);
}
