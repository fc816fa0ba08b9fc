/* SPDX-License-Identifier: MIT */
/* The SQL functions registered on each connection: one line per promise. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

typedef struct example {
    const char *expression;
    const char *result; /* as one() tells it; "!" and a prefix for errors */
} example;

static int has(void *ctx, oxy_sv pattern, oxy_sv text, bool fold, oxy_err *err)
{
    (void)ctx;
    (void)fold;
    if (pattern.len && pattern.p[0] == '(') {
        (void)oxy_err_set(err, OXY_LOOKUP_VALUE, "missing )");
        return -1;
    }
    for (size_t i = 0; i + pattern.len <= text.len; i++)
        if (memcmp(text.p + i, pattern.p, pattern.len) == 0)
            return 1;
    return 0;
}

static void check(const example *examples, size_t n)
{
    options o = memory_options();
    oxy_conn *c;
    char sql[1024];

    o.regexp = has;
    c = must_open(&o);
    for (size_t i = 0; i < n; i++) {
        const char *result;

        (void)snprintf(sql, sizeof sql, "SELECT %s", examples[i].expression);
        result = one(c, sql);
        if (examples[i].result[0] == '!' ? strncmp(result, examples[i].result, strlen(examples[i].result)) != 0
                                         : strcmp(result, examples[i].result) != 0)
            fail_msg("%s: %s, not %s", sql, result, examples[i].result);
    }
    close_conn(c);
}

#define CHECK(...)                                                                                                     \
    do {                                                                                                               \
        static const example examples[] = {__VA_ARGS__};                                                               \
        (void)state;                                                                                                   \
        check(examples, OXY_COUNT(examples));                                                                          \
    } while (0)

static void test_case_is_unicode_and_folding_is_full(void **state)
{
    CHECK({"oxy_fold('Stra\xc3\x9f"
           "E \xc3\x84\xce\xa3\xcf\x82')",
           "t:strasse \xc3\xa4\xcf\x83\xcf\x83"},
          {"oxy_fold('STRASSE') = oxy_fold('stra\xc3\x9f"
           "e')",
           "i:1"},
          {"oxy_lower('\xc3\x84\xc3\x96 Abc')", "t:\xc3\xa4\xc3\xb6 abc"},
          {"oxy_upper('\xc3\xa4\xc3\xb6 Abc \xd0\xb6')", "t:\xc3\x84\xc3\x96 ABC \xd0\x96"}, {"oxy_fold(12)", "t:12"},
          {"oxy_fold('')", "t:"}, {"oxy_fold(NULL)", "NULL"},
          {"length(oxy_fold(replace(hex(zeroblob(5000)), '0', '\xc3\x9f')))", "i:20000"});
}

static void test_like_regards_case(void **state)
{
    CHECK({"oxy_like('a%', 'abc')", "i:1"}, {"oxy_like('A%', 'abc')", "i:0"}, {"oxy_like('%b%', 'abc')", "i:1"},
          {"oxy_like('%b', 'abc')", "i:0"},
          {"oxy_like('a_c', 'a\xc3\xa4"
           "c')",
           "i:1"},
          {"oxy_like('_', '')", "i:0"}, {"oxy_like('%', '')", "i:1"}, {"oxy_like('', '')", "i:1"},
          {"oxy_like('', 'a')", "i:0"}, {"oxy_like('100\\%', '100%')", "i:1"}, {"oxy_like('100\\%', '1000')", "i:0"},
          {"oxy_like('a\\_b\\\\', 'a_b\\')", "i:1"}, {"oxy_like('%aab', 'aaaab')", "i:1"},
          {"oxy_like('%a%b%', 'xxaxx')", "i:0"}, {"oxy_like(NULL, 'x')", "NULL"}, {"oxy_like('x', NULL)", "NULL"});
}

static void test_regular_expressions_are_the_callers(void **state)
{
    CHECK({"oxy_regexp('b', 'abc', 0)", "i:1"}, {"oxy_regexp('x', 'abc', 1)", "i:0"},
          {"oxy_regexp(NULL, 'a', 0)", "NULL"}, {"oxy_regexp('(', 'abc', 0)", "!FieldLookupValueError: missing )"});
}

static void test_without_a_callback_regular_expressions_are_not_supported(void **state)
{
    options o = memory_options();
    oxy_conn *c = must_open(&o);

    (void)state;
    assert_int_equal(run_sql(c, "SELECT oxy_regexp('a', 'b', 0)", READ), OXY_NOT_SUPPORTED);
    close_conn(c);
}

static void test_json_contains_is_what_jsonb_says(void **state)
{
    CHECK({"oxy_json_contains('{\"a\": 1, \"b\": 2}', '{\"b\": 2}')", "i:1"},
          {"oxy_json_contains('{\"a\": 1}', '{\"a\": 1, \"b\": 2}')", "i:0"},
          {"oxy_json_contains('{\"a\": {\"b\": 1, \"c\": 2}}', '{\"a\": {\"c\": 2}}')", "i:1"},
          {"oxy_json_contains('{\"a\": {\"b\": 1}}', '{\"b\": 1}')", "i:0"},
          {"oxy_json_contains('[1, 2, [1, 3]]', '[1, 3]')", "i:0"},
          {"oxy_json_contains('[1, 2, [1, 3]]', '[[3, 1]]')", "i:1"},
          {"oxy_json_contains('[1, 2, 3]', '[3, 1, 3]')", "i:1"},
          {"oxy_json_contains('[\"foo\", \"bar\"]', '\"bar\"')", "i:1"},
          {"oxy_json_contains('\"bar\"', '[\"bar\"]')", "i:0"}, {"oxy_json_contains('[[\"bar\"]]', '\"bar\"')", "i:0"},
          {"oxy_json_contains('{\"a\": [1]}', '{\"a\": 1}')", "i:0"}, {"oxy_json_contains('[]', '[]')", "i:1"},
          {"oxy_json_contains('{}', '{}')", "i:1"}, {"oxy_json_contains('[1]', '[]')", "i:1"},
          {"oxy_json_contains('{}', '[]')", "i:0"}, {"oxy_json_contains('1.0', '1')", "i:1"},
          {"oxy_json_contains('[1e2]', '[100]')", "i:1"}, {"oxy_json_contains('null', 'null')", "i:1"},
          {"oxy_json_contains('true', 'false')", "i:0"},
          {"oxy_json_contains('{\"a\": 1, \"a\": 2}', '{\"a\": 1}')", "i:0"},
          {"oxy_json_contains('\"\\u00e9\\ud83d\\ude00\"', '\"\xc3\xa9\xf0\x9f\x98\x80\"')", "i:1"},
          {"oxy_json_contains(NULL, '1')", "NULL"}, {"oxy_json_contains('{', '1')", "!DataError: malformed JSON"},
          {"oxy_json_contains('1 2', '1')", "!DataError"}, {"oxy_json_contains('\"\\x\"', '1')", "!DataError"},
          {"oxy_json_contains('[01]', '1')", "!DataError"}, {"oxy_json_contains('\"\\ud800\"', '1')", "!DataError"},
          {"oxy_json_contains(replace(hex(zeroblob(400)), '0', '['), '1')", "!DataError"},
          {"oxy_json_equal('{\"a\": 1, \"b\": [1, 2]}', '{\"b\": [1.0, 2], \"a\": 1}')", "i:1"},
          {"oxy_json_equal('[1, 2]', '[2, 1]')", "i:0"}, {"oxy_json_equal('{\"a\": 1}', '{\"b\": 1}')", "i:0"},
          {"oxy_json_equal('12345678901234567890.1', '12345678901234567890.2')", "i:0"});
}

static void test_one_constant_document_serves_many_rows(void **state)
{
    CHECK({"sum(oxy_json_contains('[' || value || ', 1]', '[1, 2]')) FROM json_each('[1, 2, 3, 2]')", "i:2"});
}

static void test_divisions_are_pythons(void **state)
{
    CHECK({"oxy_div(7, 2)", "d:3.5"}, {"oxy_div(6, 3)", "d:2"}, {"oxy_div(1, 0)", "!DataError: division by zero"},
          {"oxy_div(1.0, 0.0)", "!DataError: division by zero"}, {"oxy_div(NULL, 0)", "NULL"},
          {"oxy_floordiv(7, 2)", "i:3"}, {"oxy_floordiv(-7, 2)", "i:-4"}, {"oxy_floordiv(7, -2)", "i:-4"},
          {"oxy_floordiv(-7, -2)", "i:3"}, {"oxy_floordiv(-7.5, 2)", "d:-4"},
          {"oxy_floordiv(-9223372036854775808, -1)", "!DataError"},
          {"oxy_floordiv(1, 0)", "!DataError: division by zero"}, {"oxy_mod(7, 3)", "i:1"}, {"oxy_mod(-7, 3)", "i:2"},
          {"oxy_mod(7, -3)", "i:-2"}, {"oxy_mod(-7, -3)", "i:-1"}, {"oxy_mod(-9223372036854775808, -1)", "i:0"},
          {"oxy_mod(-7.5, 2)", "d:0.5"}, {"oxy_mod(5, 0)", "!DataError"});
}

static void test_rounding_is_half_away_from_zero(void **state)
{
    CHECK({"oxy_round(2.5, 0)", "d:3"}, {"oxy_round(-2.5, 0)", "d:-3"}, {"oxy_round(2.675, 2)", "d:2.6800000000000002"},
          {"oxy_round(1234, -2)", "i:1200"}, {"oxy_round(1250, -2)", "i:1300"}, {"oxy_round(-1250, -2)", "i:-1300"},
          {"oxy_round(7, 3)", "i:7"}, {"oxy_round(9223372036854775807, -1)", "!DataError"},
          {"oxy_round(5, -30)", "i:0"}, {"oxy_round(1152921504606846976.0, 2)", "d:1.152921504606847e+18"},
          {"oxy_round('2.345', 2)", "t:2.35"}, {"oxy_round(NULL, 1)", "NULL"}, {"oxy_ceil(1.2)", "i:2"},
          {"oxy_ceil(-1.2)", "i:-1"}, {"oxy_floor(-1.2)", "i:-2"}, {"oxy_floor('1.99')", "i:1"}, {"oxy_ceil(5)", "i:5"},
          {"oxy_ceil('-0.5')", "i:0"}, {"oxy_floor('-0.5')", "i:-1"}, {"oxy_floor(1e30)", "!DataError"},
          {"oxy_sqrt(9)", "d:3"}, {"oxy_sqrt(-1)", "!DataError"}, {"oxy_power(2, 10)", "d:1024"},
          {"oxy_power(0, -1)", "!DataError"}, {"oxy_power(10, 400)", "!DataError"});
}

static void test_decimals_are_exact(void **state)
{
    CHECK({"oxy_dec_add('0.1', '0.2')", "t:0.3"}, {"oxy_dec_add('1.50', '2')", "t:3.50"},
          {"oxy_dec_add('99999999999999999999999999999999999999', '1')", "t:100000000000000000000000000000000000000"},
          {"oxy_dec_sub('1', '1.00')", "t:0.00"}, {"oxy_dec_sub('-5', '-7.5')", "t:2.5"},
          {"oxy_dec_mul('1.10', '3')", "t:3.30"}, {"oxy_dec_mul('-0.5', '0')", "t:0.0"},
          {"oxy_dec_mul('12345678901234567890', '98765432109876543210')", "t:1219326311370217952237463801111263526900"},
          {"oxy_dec_div('1', '3')", "t:0.33333333333333333333333333333"},
          {"oxy_dec_div('2', '3')", "t:0.66666666666666666666666666667"}, {"oxy_dec_div('10.00', '4')", "t:2.50"},
          {"oxy_dec_div('1', '0.0')", "!DataError: division by zero"},
          {"oxy_dec_div('1e30', '3e30')", "t:0.33333333333333333333333333333"}, {"oxy_dec_floordiv('-7', '2')", "t:-4"},
          {"oxy_dec_mod('-7.5', '2')", "t:0.5"}, {"oxy_dec_mod('7.5', '-2')", "t:-0.5"},
          {"oxy_dec_mod('7', '0')", "!DataError: division by zero"}, {"oxy_dec_neg('1.50')", "t:-1.50"},
          {"oxy_dec_neg('0')", "t:0"}, {"oxy_dec_abs('-1.50')", "t:1.50"}, {"oxy_dec_round('2.345', 2)", "t:2.35"},
          {"oxy_dec_round('-0.5', 0)", "t:-1"}, {"oxy_dec_round('1.5', 3)", "t:1.500"},
          {"oxy_dec_round('1550', -2)", "t:1600"}, {"oxy_dec_add(1, 2.5)", "t:3.5"},
          {"oxy_dec_add('x', 1)", "!DataError"}, {"oxy_dec_add('', 1)", "!DataError"},
          {"oxy_dec_add(x'00', 1)", "!DataError"}, {"oxy_dec_add(NULL, 'x')", "NULL"},
          {"oxy_dec_add('Infinity', '1')", "t:Infinity"}, {"oxy_dec_sub('Infinity', 'Infinity')", "t:NaN"},
          {"oxy_dec_mul('-Infinity', '2')", "t:-Infinity"}, {"oxy_dec_div('5', 'Infinity')", "t:0"},
          {"oxy_dec_mod('-5', 'Infinity')", "t:Infinity"}, {"oxy_dec_add('1e99999', '1')", "!DataError"});
}

static void test_decimal_aggregates_are_exact_and_skip_null(void **state)
{
    CHECK({"oxy_dec_sum(value) FROM json_each('[\"0.1\", \"0.2\", null, \"0.30\"]')", "t:0.60"},
          {"oxy_dec_avg(value) FROM json_each('[\"1\", \"2\", null]')", "t:1.5"},
          {"oxy_dec_avg(value) FROM json_each('[\"1\", \"0\", \"0\"]')", "t:0.33333333333333333333333333333"},
          {"oxy_dec_sum(value) FROM json_each('[]')", "NULL"}, {"oxy_dec_avg(value) FROM json_each('[null]')", "NULL"},
          {"oxy_dec_sum(value) FROM json_each('[\"1\", \"x\"]')", "!DataError"},
          {"group_concat(s) FROM (SELECT oxy_dec_sum(value) AS s FROM json_each('[1, 2, 3, 4]') GROUP BY value % 2)",
           "t:6,4"});
}

static void test_the_decimal_collation_orders_by_value(void **state)
{
    CHECK({"group_concat(v) FROM (SELECT value AS v FROM json_each('[\"10\", \"9\", \"-1.5\", \"9.0\", \"zz\", "
           "\"NaN\"]') "
           "ORDER BY value COLLATE oxy_decimal, rowid)",
           "t:-1.5,9,9.0,10,NaN,zz"},
          {"'1.0' = '1' COLLATE oxy_decimal", "i:1"}, {"max('9' COLLATE oxy_decimal, '10')", "t:10"});
}

static void test_parts_of_dates_and_times(void **state)
{
    CHECK({"oxy_extract('year', '2031-05-06 07:08:09.5')", "i:2031"}, {"oxy_extract('quarter', '2031-05-06')", "i:2"},
          {"oxy_extract('month', '2031-05-06')", "i:5"}, {"oxy_extract('day', '2031-05-06')", "i:6"},
          {"oxy_extract('hour', '2031-05-06 07:08:09')", "i:7"}, {"oxy_extract('minute', '07:08:09')", "i:8"},
          {"oxy_extract('second', '2031-05-06T07:08:09.999')", "i:9"},
          {"oxy_extract('date', '2031-05-06 07:08:09')", "t:2031-05-06"},
          {"oxy_extract('time', '2031-05-06 07:08:09.25')", "t:07:08:09.250000"},
          {"oxy_extract('hour', '2031-05-06T01:00:00+02:00')", "i:23"},
          {"oxy_extract('date', '1969-12-31 23:00:00')", "t:1969-12-31"},
          /* ISO weeks at the ends of years */
          {"oxy_extract('week', '2021-01-03')", "i:53"}, {"oxy_extract('iso_year', '2021-01-03')", "i:2020"},
          {"oxy_extract('week', '2021-01-04')", "i:1"}, {"oxy_extract('week', '2018-12-31')", "i:1"},
          {"oxy_extract('iso_year', '2018-12-31')", "i:2019"}, {"oxy_extract('week', '2016-01-01')", "i:53"},
          {"oxy_extract('week', '9999-12-31')", "i:52"}, {"oxy_extract('week', '0001-01-01')", "i:1"},
          {"oxy_extract('week_day', '2026-02-01')", "i:1"}, {"oxy_extract('iso_week_day', '2026-02-01')", "i:7"},
          {"oxy_extract('week_day', '2026-02-02')", "i:2"}, {"oxy_extract('iso_week_day', '1969-12-29')", "i:1"},
          {"oxy_extract('year', NULL)", "NULL"}, {"oxy_extract('year', 'soon')", "!DataError"},
          {"oxy_extract('year', '07:08')", "!DataError"}, {"oxy_extract('hour', '2031-05-06')", "!DataError"},
          {"oxy_extract('age', '2031-05-06')", "!ProgrammingError"});
}

static void test_cutting_dates_and_times(void **state)
{
    CHECK({"oxy_trunc('year', '2031-05-06 07:08:09')", "t:2031-01-01 00:00:00"},
          {"oxy_trunc('quarter', '2031-05-06 07:08:09')", "t:2031-04-01 00:00:00"},
          {"oxy_trunc('month', '2031-05-06')", "t:2031-05-01"}, {"oxy_trunc('week', '2031-05-06')", "t:2031-05-05"},
          {"oxy_trunc('week', '2021-01-03 01:00:00')", "t:2020-12-28 00:00:00"},
          {"oxy_trunc('day', '2031-05-06 07:08:09.123456')", "t:2031-05-06 00:00:00"},
          {"oxy_trunc('hour', '2031-05-06 07:08:09.5')", "t:2031-05-06 07:00:00"},
          {"oxy_trunc('minute', '07:08:09')", "t:07:08:00"}, {"oxy_trunc('second', '07:08:09.75')", "t:07:08:09"},
          {"oxy_trunc('hour', '2031-05-06')", "t:2031-05-06"}, {"oxy_trunc('day', NULL)", "NULL"},
          {"oxy_trunc('second', '1969-12-31 23:59:59.5')", "t:1969-12-31 23:59:59"},
          {"oxy_trunc('day', '')", "!DataError"});
}

static void test_base64_is_read_back(void **state)
{
    CHECK({"oxy_unbase64('AP8Q')", "b:00ff10"}, {"oxy_unbase64('AP8=')", "b:00ff"}, {"oxy_unbase64('AA==')", "b:00"},
          {"oxy_unbase64('-_8')", "b:fbff"}, {"oxy_unbase64('')", "b:"}, {"oxy_unbase64(NULL)", "NULL"},
          {"oxy_unbase64('a b')", "!DataError"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_is_unicode_and_folding_is_full),
        cmocka_unit_test(test_like_regards_case),
        cmocka_unit_test(test_regular_expressions_are_the_callers),
        cmocka_unit_test(test_without_a_callback_regular_expressions_are_not_supported),
        cmocka_unit_test(test_json_contains_is_what_jsonb_says),
        cmocka_unit_test(test_one_constant_document_serves_many_rows),
        cmocka_unit_test(test_divisions_are_pythons),
        cmocka_unit_test(test_rounding_is_half_away_from_zero),
        cmocka_unit_test(test_decimals_are_exact),
        cmocka_unit_test(test_decimal_aggregates_are_exact_and_skip_null),
        cmocka_unit_test(test_the_decimal_collation_orders_by_value),
        cmocka_unit_test(test_parts_of_dates_and_times),
        cmocka_unit_test(test_cutting_dates_and_times),
        cmocka_unit_test(test_base64_is_read_back),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
