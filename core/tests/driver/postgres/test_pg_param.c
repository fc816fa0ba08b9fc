/* SPDX-License-Identifier: MIT */
/* Values whose type the server infers, and types that are not built in. */
#include "pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INT(n) {.tag = OXY_V_INT, .i = (n)}
#define TEXT(s_) {.tag = OXY_V_TEXT, .s = OXY_SV(s_)}

static void run_fine(oxy_conn *c, const oxy_request *r)
{
    if (pg_run_request(c, r) != OXY_OK)
        fail_msg("%.*s: %s [%s]", (int)r->sql.len, r->sql.p, c->err.message, c->err.sqlstate);
}

static void test_a_value_the_server_would_read_as_text_keeps_its_type(void **state)
{
    static const struct {
        oxy_value value;
        const char *type;
    } cases[] = {
        {INT(5), "bigint"},
        {{.tag = OXY_V_UINT, .u = UINT64_MAX}, "numeric"},
        {{.tag = OXY_V_DOUBLE, .d = 1.5}, "double precision"},
        {{.tag = OXY_V_BOOL, .i = 1}, "boolean"},
        {{.tag = OXY_V_DECIMAL, .s = OXY_SV("1.50")}, "numeric"},
        {{.tag = OXY_V_UUID}, "uuid"},
        {{.tag = OXY_V_DATE, .i = 1}, "date"},
        {{.tag = OXY_V_TIME, .i = 1}, "time without time zone"},
        {{.tag = OXY_V_DATETIME, .i = 1}, "timestamp without time zone"},
        {{.tag = OXY_V_DATETIME_UTC, .i = 1}, "timestamp with time zone"},
        {{.tag = OXY_V_TIMEDELTA, .i = 1}, "interval"},
        {{.tag = OXY_V_BLOB, .s = OXY_SV("a")}, "bytea"},
        {{.tag = OXY_V_JSON, .s = OXY_SV("{}")}, "jsonb"},
        {{.tag = OXY_V_INET, .s = OXY_SV("::1")}, "inet"},
        {TEXT("a"), "text"},
        {{.tag = OXY_V_NULL}, "text"},
    };
    oxy_conn *c = pg_open_default();
    oxy_request r = pg_request("SELECT pg_typeof(x)::text FROM (SELECT $1) AS t(x)", RAW);
    char expected[64];

    (void)state;
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < OXY_COUNT(cases); i++) {
            r.values = &cases[i].value;
            r.n_values = 1;
            (void)snprintf(expected, sizeof expected, "t:%s", cases[i].type);
            assert_string_equal(pg_one_of(c, &r), expected);
        }
    }
    pg_close(c);
}

static void test_the_inferred_type_counts_and_a_wider_one_only_if_needed(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value items[] = {INT(1), INT(2)};
    oxy_array list = {OXY_K_INT, 2, items};
    const struct {
        const char *sql;
        oxy_value value;
        const char *cell;
    } cases[] = {
        {"SELECT pg_temp.loud($1)", INT(3), "t:3!"},
        {"SELECT DATE '2000-01-01' + $1 = DATE '2000-01-08'", INT(7), "i:1"},
        {"SELECT DATE '2000-01-01' + $1 = TIMESTAMP '2000-01-01 00:00:01'",
         {.tag = OXY_V_TIMEDELTA, .i = 1000000},
         "i:1"},
        {"SELECT DATE '2000-01-01' + $1",
         {.tag = OXY_V_NULL},
         "!ProgrammingError 42725 operator is not unique: date + unknown"},
        {"SELECT substr('abcdef', $1)", INT(4), "t:def"},
        {"SELECT pg_typeof($1 + 1::int)::text", INT(4), "t:integer"},
        {"SELECT pg_typeof($1 + 1::int)::text", INT(INT64_C(5000000000)), "t:bigint"},
        {"SELECT 2 = ANY ($1)", {.tag = OXY_V_ARRAY, .array = &list}, "i:1"},
        {"SELECT 2::bigint = ANY ($1)", {.tag = OXY_V_ARRAY, .array = &list}, "i:1"},
        {"SELECT pg_typeof(x)::text FROM (SELECT $1) AS t(x)", {.tag = OXY_V_ARRAY, .array = &list}, "t:bigint[]"},
        {"SELECT 1.5::numeric = $1", {.tag = OXY_V_DECIMAL, .s = OXY_SV("1.50")}, "i:1"},
        {"SELECT 'a' || $1", INT(4), "t:a4"},
    };
    oxy_request r = pg_request("", RAW);

    (void)state;
    pg_must(c, "CREATE FUNCTION pg_temp.loud(n int) RETURNS text LANGUAGE sql AS $$SELECT n || '!'$$", WRITE);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < OXY_COUNT(cases); i++) {
            r.sql = oxy_sv_of(cases[i].sql);
            r.values = &cases[i].value;
            r.n_values = 1;
            assert_string_equal(pg_one_of(c, &r), cases[i].cell);
        }
    }
    pg_close(c);
}

static void test_a_type_that_cannot_be_told_is_declared(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value values[] = {INT(1), TEXT("x"), {.tag = OXY_V_NULL}};
    oxy_request r = pg_request("SELECT json_build_array($1, $2, $3)::text", RAW);
    oxy_sv begin = OXY_SV("BEGIN");

    (void)state;
    r.values = values;
    r.n_values = 3;
    for (int i = 0; i < 4; i++)
        assert_string_equal(pg_one_of(c, &r), "t:[1, \"x\", null]");
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    /* In one flight with BEGIN, which is undone and sent once more. */
    r.sql = oxy_sv_of("SELECT json_build_array($1, $2, $3, 2)::text");
    r.before = &begin;
    r.n_before = 1;
    assert_string_equal(pg_one_of(c, &r), "t:[1, \"x\", null, 2]");
    assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    pg_must(c, "ROLLBACK", WRITE);
    pg_close(c);
}

static void test_a_transaction_survives_the_question(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value values[] = {INT(1), TEXT("x")};
    oxy_request r = pg_request("SELECT json_build_array($1, $2, n)::text FROM t", RAW);

    (void)state;
    r.values = values;
    r.n_values = 2;
    pg_must(c, "CREATE TEMP TABLE t (n int)", WRITE);
    pg_must(c, "BEGIN", WRITE);
    pg_must(c, "INSERT INTO t VALUES (7)", WRITE);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(pg_one_of(c, &r), "t:[1, \"x\", 7]");
        assert_int_equal(c->driver->status(c), OXY_CONN_INTRANS);
    }
    /* Nothing of ours is left in the transaction. */
    pg_must(c, "SAVEPOINT mine", WRITE);
    assert_int_not_equal(pg_run(c, "RELEASE oxyde_parse", WRITE), OXY_OK);
    assert_string_equal(c->err.sqlstate, "3B001");
    pg_must(c, "ROLLBACK TO mine", WRITE);
    /* A statement that is wrong in itself costs the transaction, as ever. */
    r.sql = oxy_sv_of("SELECT nothing, $1, $2");
    assert_int_equal(pg_run_request(c, &r), OXY_PROGRAMMING);
    assert_string_equal(c->err.sqlstate, "42703");
    assert_int_equal(c->driver->status(c), OXY_CONN_INERROR);
    pg_must(c, "ROLLBACK TO mine", WRITE);
    assert_string_equal(pg_one(c, "SELECT n FROM t"), "i:7");
    pg_must(c, "COMMIT", WRITE);
    assert_string_equal(pg_one(c, "SELECT n FROM t"), "i:7");
    pg_close(c);
}

static void test_a_column_of_text_takes_the_text_of_numbers(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value value = {.tag = OXY_V_DECIMAL, .s = OXY_SV("1.50")};
    oxy_request r = pg_request("SELECT n FROM t WHERE n = $1", READ);

    (void)state;
    pg_must(c, "CREATE TEMP TABLE t (n text)", WRITE);
    pg_must(c, "INSERT INTO t VALUES ('1.50'), ('1.5')", WRITE);
    r.values = &value;
    r.n_values = 1;
    assert_string_equal(pg_one_of(c, &r), "t:1.50");
    r.flags = RAW;
    assert_string_equal(pg_one_of(c, &r), "!ProgrammingError 42883 operator does not exist: text = numeric");
    pg_close(c);
}

/* What is still being read says nothing about transactions: no savepoint there. */
static void test_a_question_behind_something_given_up(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value value = INT(1);
    oxy_request slow = pg_request("SELECT 1, pg_sleep(0.1)", READ), r = pg_request("SELECT substr('abc', $1)", RAW);

    (void)state;
    r.values = &value;
    r.n_values = 1;
    assert_int_equal(c->driver->start(c, &slow), OXY_OK);
    c->driver->finish(c);
    assert_string_equal(pg_one_of(c, &r), "t:abc");
    pg_close(c);
}

static struct {
    size_t now, most;
} bytes;

/* Counts through a size in front of each block. */
static void *counting(void *ctx, void *p, size_t size)
{
    size_t *block = p ? (size_t *)p - 2 : NULL;

    (void)ctx;
    if (block)
        bytes.now -= *block;
    if (size == 0) {
        free(block);
        return NULL;
    }
    block = realloc(block, size + 2 * sizeof *block);
    assert_non_null(block);
    *block = size;
    bytes.now += size;
    bytes.most = bytes.now > bytes.most ? bytes.now : bytes.most;
    return block + 2;
}

static void test_large_values_are_not_kept(void **state)
{
    static const oxy_alloc alloc = {counting, NULL};
    size_t size = 10u << 20;
    char *big = malloc(size);
    pg_options o = pg_default();
    oxy_value value = {.tag = OXY_V_TEXT, .s = {big, size}};
    oxy_request r = pg_request("SELECT length($1::xml::text)", RAW);
    oxy_conn *c;

    (void)state;
    assert_non_null(big);
    memset(big, 'x', size);
    o.alloc = &alloc;
    c = pg_open(&o);
    r.values = &value;
    r.n_values = 1;
    assert_string_equal(pg_one_of(c, &r), "i:10485760");
    assert_true(bytes.most > size); /* it did pass through here */
    assert_true(bytes.now < 1u << 18);
    pg_close(c);
    assert_int_equal(bytes.now, 0);
    free(big);
}

static void test_requests_that_share_have_their_own_types(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value number = INT(5), text = TEXT("a"), truth = {.tag = OXY_V_BOOL, .i = 1};
    const oxy_value *values[] = {&number, &text, &truth, &number, &text, &truth};
    const char *types[] = {"bigint", "text", "boolean"};
    oxy_request r = pg_request("SELECT pg_typeof(x)::text FROM (SELECT $1) AS t(x)", SHARED | RAW);

    (void)state;
    r.n_values = 1;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < OXY_COUNT(values); i++) {
            r.values = values[i];
            assert_int_equal(c->driver->start(c, &r), OXY_OK);
        }
        for (size_t i = 0; i < OXY_COUNT(values); i++) {
            assert_int_equal(pg_next(c), OXY_STEP_ROW);
            assert_int_equal(c->cells[0].len, strlen(types[i % 3]));
            assert_memory_equal(c->cells[0].p, types[i % 3], c->cells[0].len);
            assert_int_equal(pg_next(c), OXY_STEP_DONE);
        }
    }
    pg_close(c);
}

static void test_unnamed_statements_declare_types_too(void **state)
{
    pg_options o = pg_default();
    oxy_conn *c;
    oxy_value values[] = {INT(5), INT(6)};
    oxy_request r = pg_request("SELECT pg_typeof(x)::text FROM (SELECT $1, json_build_array($2)) AS t(x, y)", RAW);

    (void)state;
    pg_set(&o, "oxy.pooler", "yes");
    c = pg_open(&o);
    r.values = values;
    r.n_values = 2;
    for (int i = 0; i < 3; i++)
        assert_string_equal(pg_one_of(c, &r), "t:bigint");
    pg_close(c);
}

static void test_a_stream_may_be_sent_again_before_its_first_row(void **state)
{
    oxy_conn *c = pg_open_default();
    oxy_value value = INT(2);
    oxy_request r =
        pg_request("SELECT t.*, json_build_array($1) FROM t, generate_series(1, 100)", READ | OXY_REQ_STREAM);
    int rows = 0;
    oxy_step step;

    (void)state;
    r.values = &value;
    r.n_values = 1;
    pg_must(c, "CREATE TEMP TABLE t (a int)", WRITE);
    pg_must(c, "INSERT INTO t VALUES (1)", WRITE);
    run_fine(c, &r);
    pg_must(c, "ALTER TABLE t ADD COLUMN b text", WRITE);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    while ((step = pg_next(c)) == OXY_STEP_ROW)
        rows++;
    assert_int_equal(step, OXY_STEP_DONE);
    assert_int_equal(c->n_cols, 3);
    assert_int_equal(rows, 100);
    pg_close(c);
}

/* The first value of the first row of the result, decoded as raw SQL does. */
static void expect_list(oxy_conn *c, const char *sql, uint8_t tag, size_t n)
{
    static const oxy_type any;
    oxy_request r = pg_request(sql, READ);
    oxy_arena scratch;
    oxy_value v;
    oxy_err err;

    oxy_arena_init(&scratch, oxy_alloc_default(), SIZE_MAX / 4);
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(pg_next(c), OXY_STEP_ROW);
    if (oxy_codec_postgres.decode[OXY_K_UNKNOWN](&c->cells[0], &c->cols[0], &any, &scratch, &v, &err) != OXY_OK)
        fail_msg("%s: %s", sql, err.message);
    assert_int_equal(v.tag, OXY_V_ARRAY);
    assert_int_equal(v.array->n, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(v.array->items[i].tag, tag);
    assert_int_equal(pg_next(c), OXY_STEP_DONE);
    oxy_arena_fini(&scratch);
}

static void test_arrays_of_the_users_types_are_lists(void **state)
{
    oxy_conn *c = pg_open_default();

    (void)state;
    pg_must(c,
            "DROP TYPE IF EXISTS c_par_mood, c_par_pair CASCADE; DROP DOMAIN IF EXISTS c_par_small CASCADE;"
            "CREATE TYPE c_par_mood AS ENUM ('glad', 'sad'); CREATE TYPE c_par_pair AS (a int, b int);"
            "CREATE DOMAIN c_par_small AS int; CREATE DOMAIN c_par_tiny AS c_par_small CHECK (value < 10);"
            "CREATE DOMAIN c_par_moody AS c_par_mood; CREATE DOMAIN c_par_ints AS int[]",
            OXY_REQ_SCRIPT);
    for (int i = 0; i < 2; i++) {
        expect_list(c, "SELECT '{glad,sad}'::c_par_mood[]", OXY_V_TEXT, 2);
        assert_int_equal(c->cols[0].wire_flags, OXY_PG_ARRAY); /* in binary format */
        expect_list(c, "SELECT '{glad,sad}'::c_par_mood[], (1,2)::c_par_pair", OXY_V_TEXT, 2);
        expect_list(c, "SELECT ARRAY[(1,2)::c_par_pair]", OXY_V_TEXT, 1);
        expect_list(c, "SELECT '{glad}'::c_par_moody[]", OXY_V_TEXT, 1);
        expect_list(c, "SELECT '{1,2,3}'::c_par_tiny[]", OXY_V_INT, 3);
        expect_list(c, "SELECT '{1,2,3}'::c_par_ints", OXY_V_INT, 3);
        expect_list(c, "SELECT '{}'::c_par_tiny[]", OXY_V_INT, 0);
    }
    pg_must(c,
            "DROP TYPE c_par_pair CASCADE; DROP DOMAIN c_par_moody; DROP TYPE c_par_mood CASCADE;"
            "DROP DOMAIN c_par_tiny; DROP DOMAIN c_par_small; DROP DOMAIN c_par_ints",
            OXY_REQ_SCRIPT);
    pg_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_the_server_would_read_as_text_keeps_its_type),
        cmocka_unit_test(test_the_inferred_type_counts_and_a_wider_one_only_if_needed),
        cmocka_unit_test(test_a_type_that_cannot_be_told_is_declared),
        cmocka_unit_test(test_a_transaction_survives_the_question),
        cmocka_unit_test(test_a_column_of_text_takes_the_text_of_numbers),
        cmocka_unit_test(test_a_question_behind_something_given_up),
        cmocka_unit_test(test_large_values_are_not_kept),
        cmocka_unit_test(test_requests_that_share_have_their_own_types),
        cmocka_unit_test(test_unnamed_statements_declare_types_too),
        cmocka_unit_test(test_a_stream_may_be_sent_again_before_its_first_row),
        cmocka_unit_test(test_arrays_of_the_users_types_are_lists),
    };

    return cmocka_run_group_tests(tests, pg_setup, pg_teardown);
}
