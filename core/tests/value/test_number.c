/* SPDX-License-Identifier: MIT */
/* Promises of decimals, of doubles as text, and of the JSON writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fail_alloc.h>
#include <oxyde/value.h>

/* --- decimals --------------------------------------------------------------------------------- */

static void test_decimal_grammar(void **state)
{
    static const char *const good[] = {
        "0",
        "-0",
        "+1",
        "12.50",
        ".5",
        "5.",
        "-.5e-3",
        "1E+5",
        "1e5",
        "000123",
        "NaN",
        "nan",
        "Infinity",
        "-infinity",
        "1e999999999999999999",
        "12345678901234567890123456789012345678901234567890.1",
    };
    static const char *const bad[] = {
        "",         "-",         "+",       ".",         "e5",    "1e",  "1e+",
        "1.2.3",    "1 ",        " 1",      "0x10",      "1_000", "1,5", "inf",
        "-nan",     "+Infinity", "Infinit", "Infinityy", "1e1.5", "--1", "1e9999999999999999999",
        "\xD9\xA1",
    };
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(good); i++) {
        if (!oxy_decimal_parse(good[i], strlen(good[i])))
            fail_msg("refused: %s", good[i]);
    }
    for (i = 0; i < OXY_COUNT(bad); i++) {
        if (oxy_decimal_parse(bad[i], strlen(bad[i])))
            fail_msg("accepted: %s", bad[i]);
    }
    assert_false(oxy_decimal_parse(NULL, 0));
}

/* Ascending; within a line all are equal. */
static void test_decimals_compare_by_value_at_any_length(void **state)
{
    static const char *const ladder[][4] = {
        {"-Infinity", "-infinity", "-INFINITY", "-Infinity"},
        {"-1e1000", "-10e999", "-0.1e1001", "-1E+1000"},
        {"-1000.5", "-1000.50", "-10005e-1", "-01000.5"},
        {"-1000", "-1e3", "-1000.000", "-0001000"},
        {"-0.000000000000000000000000000000000000000000000000000001", "-1e-54", "-.1e-53", "-10e-55"},
        {"0", "-0", "0.000", "0e99"},
        {"1e-54", "0.1e-53", "10e-55", "1.0E-54"},
        {"0.099", "99e-3", ".099", "0.0990"},
        {"0.1", "1e-1", ".1", "00.100"},
        {"9", "9.0", "9.", "+9"},
        {"9.000000000000000000000000000000000000000000000000000000000001",
         "9.0000000000000000000000000000000000000000000000000000000000010",
         "9000000000000000000000000000000000000000000000000000000000001e-60",
         "09.000000000000000000000000000000000000000000000000000000000001"},
        {"10", "1e1", "10.0", "1.0e1"},
        {"99999999999999999999999999999999999999999999999999", "99999999999999999999999999999999999999999999999999.0",
         "+99999999999999999999999999999999999999999999999999", "099999999999999999999999999999999999999999999999999"},
        {"1e50", "100000000000000000000000000000000000000000000000000", "10e49", "1E+50"},
        {"1e999999999999999999", "1.0e999999999999999999", "10e999999999999999998", "100e999999999999999997"},
        {"Infinity", "INFINITY", "infinity", "Infinity"},
        {"NaN", "nan", "NAN", "NaN"},
    };
    size_t i, j, a, b;

    (void)state;
    for (i = 0; i < OXY_COUNT(ladder); i++) {
        for (j = 0; j < OXY_COUNT(ladder); j++) {
            for (a = 0; a < 4; a++) {
                for (b = 0; b < 4; b++) {
                    const char *x = ladder[i][a], *y = ladder[j][b];
                    int expected = (i > j) - (i < j);

                    if (oxy_decimal_compare(oxy_sv_of(x), oxy_sv_of(y)) != expected)
                        fail_msg("%s against %s", x, y);
                }
            }
        }
    }
}

/* --- doubles ------------------------------------------------------------------------------------ */

static void assert_double_text(double d, const char *expected)
{
    char text[OXY_TEXT_MAX];
    size_t len = oxy_double_format(text, d);

    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
}

static void test_doubles_have_the_shortest_text(void **state)
{
    (void)state;
    assert_double_text(0.0, "0.0");
    assert_double_text(-0.0, "-0.0");
    assert_double_text(1.0, "1.0");
    assert_double_text(0.1, "0.1");
    assert_double_text(-2.5, "-2.5");
    assert_double_text(1.0 / 3, "0.3333333333333333");
    assert_double_text(0.1 + 0.2, "0.30000000000000004");
    assert_double_text(0.0001, "0.0001");
    assert_double_text(0.00001, "1e-5");
    assert_double_text(123456789012345.0, "123456789012345.0");
    assert_double_text(1e15, "1000000000000000.0");
    assert_double_text(1e16, "1e+16");
    assert_double_text(1.5e300, "1.5e+300");
    assert_double_text(9007199254740993.0, "9007199254740992.0");
    assert_double_text(DBL_MAX, "1.7976931348623157e+308");
    assert_double_text(5e-324, "4.94065645841247e-324");
    assert_double_text(NAN, "NaN");
    assert_double_text(INFINITY, "Infinity");
    assert_double_text(-INFINITY, "-Infinity");
}

/* Bit for bit: -0.0 is not 0.0. */
static bool same_double(double a, double b)
{
    uint64_t x, y;

    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x == y;
}

static void test_doubles_come_back_bit_for_bit(void **state)
{
    uint64_t bits = 0x123456789ABCDEF;
    int i;

    (void)state;
    for (i = 0; i < 200000; i++) {
        char text[OXY_TEXT_MAX];
        double d, back;

        bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        memcpy(&d, &bits, sizeof d);
        if (!isfinite(d))
            continue;
        (void)oxy_double_format(text, d);
        back = strtod(text, NULL);
        if (!same_double(d, back))
            fail_msg("%s", text);
        if (!oxy_decimal_parse(text, strlen(text)))
            fail_msg("no decimal: %s", text);
    }
}

static void test_a_locale_with_commas_changes_nothing(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8"};
    oxy_type type = {.kind = OXY_K_DOUBLE};
    oxy_cell cell = {.tag = OXY_C_TEXT, .p = "0.30000000000000004", .len = 19};
    bool found = false;
    oxy_arena arena;
    oxy_value v;
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(names) && !found; i++)
        found = setlocale(LC_NUMERIC, names[i]) != NULL;
    if (!found)
        skip();
    oxy_arena_init(&arena, oxy_alloc_default(), 1 << 20);
    assert_double_text(0.1 + 0.2, "0.30000000000000004");
    assert_int_equal(oxy_codec_sqlite.decode[OXY_K_DOUBLE](&cell, NULL, &type, &arena, &v, NULL), OXY_OK);
    assert_true(v.d == 0.1 + 0.2);
    oxy_arena_fini(&arena);
    (void)setlocale(LC_NUMERIC, "C");
}

/* --- JSON ------------------------------------------------------------------------------------------ */

static void test_json_strings_escape_what_json_forbids(void **state)
{
    oxy_buf b;

    (void)state;
    oxy_buf_init(&b, oxy_alloc_default(), 1000);
    oxy_json_string(&b, "a\"b\\c\n\t\r\b\f\x01\x1f/\x7f\xC3\xA9\0z", 18);
    assert_string_equal(b.p, "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\\u001f/\x7f\xC3\xA9\\u0000z\"");
    oxy_buf_reset(&b);
    oxy_json_string(&b, NULL, 0);
    assert_string_equal(b.p, "\"\"");
    oxy_buf_fini(&b);
}

static oxy_value text_value(oxy_tag tag, const char *text)
{
    return (oxy_value){.tag = (uint8_t)tag, .s = oxy_sv_of(text)};
}

static void assert_json(oxy_value v, const char *expected)
{
    oxy_buf b;

    oxy_buf_init(&b, oxy_alloc_default(), 1000);
    oxy_json_value(&b, &v);
    assert_int_equal(b.rc, OXY_OK);
    assert_string_equal(b.p, expected);
    oxy_buf_fini(&b);
}

static void test_json_strings_lose_their_escapes(void **state)
{
    static const struct {
        const char *json, *text;
    } good[] = {
        {"", ""},
        {"plain", "plain"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u00e9\\u20AC", "A\xC3\xA9\xE2\x82\xAC"},
        {"\\ud83d\\ude00!", "\xF0\x9F\x98\x80!"},
    };
    static const char *const bad[] = {
        "\\",
        "\\x",
        "\\u",
        "\\u12",
        "\\u12g4",
        "\\ud83d",
        "\\ud83d\\",
        "\\ud83d\\n",
        "\\ud83d\\u00e9",
        "\\ud83d\\ud83d",
        "\\ude00\\ud83d",
    };
    static const char whole[] = "\\u0041";
    char room[32], *end;
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(good); i++) {
        end = oxy_json_text(good[i].json, good[i].json + strlen(good[i].json), room);
        assert_non_null(end);
        assert_int_equal(end - room, strlen(good[i].text));
        assert_memory_equal(room, good[i].text, strlen(good[i].text));
    }
    for (i = 0; i < OXY_COUNT(bad); i++) {
        if (oxy_json_text(bad[i], bad[i] + strlen(bad[i]), room) != NULL)
            fail_msg("accepted: %s", bad[i]);
    }
    /* What stands behind the end is not looked at. */
    assert_null(oxy_json_text(whole, whole + 5, room));
}

static void test_every_tag_has_its_json_form(void **state)
{
    oxy_value items[] = {{.tag = OXY_V_INT, .i = 1}, {.tag = OXY_V_NULL}};
    oxy_array list = {.elem = OXY_K_INT, .n = 2, .items = items}, empty = {.elem = OXY_K_INT};
    oxy_value nested[] = {{.tag = OXY_V_ARRAY, .array = &list}, {.tag = OXY_V_ARRAY, .array = &empty}};
    oxy_array outer = {.elem = OXY_K_INT, .n = 2, .items = nested};

    (void)state;
    assert_json((oxy_value){.tag = OXY_V_NULL}, "null");
    assert_json((oxy_value){.tag = OXY_V_BOOL, .i = 1}, "true");
    assert_json((oxy_value){.tag = OXY_V_BOOL, .i = 0}, "false");
    assert_json((oxy_value){.tag = OXY_V_INT, .i = INT64_MIN}, "-9223372036854775808");
    assert_json((oxy_value){.tag = OXY_V_UINT, .u = UINT64_MAX}, "18446744073709551615");
    assert_json((oxy_value){.tag = OXY_V_DOUBLE, .d = 0.5}, "0.5");
    assert_json(text_value(OXY_V_TEXT, "x\"y"), "\"x\\\"y\"");
    assert_json(text_value(OXY_V_BLOB, ""), "\"\"");
    assert_json(text_value(OXY_V_BLOB, "f"), "\"Zg==\"");
    assert_json(text_value(OXY_V_BLOB, "fo"), "\"Zm8=\"");
    assert_json(text_value(OXY_V_BLOB, "foo"), "\"Zm9v\"");
    assert_json(text_value(OXY_V_BLOB, "\xff\xfe\xfd"), "\"//79\"");
    assert_json((oxy_value){.tag = OXY_V_DATETIME, .i = 1}, "\"1970-01-01T00:00:00.000001\"");
    assert_json((oxy_value){.tag = OXY_V_DATETIME_UTC, .i = 0}, "\"1970-01-01T00:00:00Z\"");
    assert_json((oxy_value){.tag = OXY_V_DATE, .i = -1}, "\"1969-12-31\"");
    assert_json((oxy_value){.tag = OXY_V_TIME, .i = 1000000}, "\"00:00:01\"");
    assert_json((oxy_value){.tag = OXY_V_TIMETZ, .i = 0, .tz = -3661}, "\"00:00:00-01:01:01\"");
    assert_json((oxy_value){.tag = OXY_V_TIMEDELTA, .i = -5}, "-5");
    assert_json((oxy_value){.tag = OXY_V_UUID, .uuid = {1}}, "\"01000000-0000-0000-0000-000000000000\"");
    assert_json(text_value(OXY_V_DECIMAL, "1.50"), "\"1.50\"");
    assert_json(text_value(OXY_V_JSON, "{\"a\":1}"), "{\"a\":1}");
    assert_json(text_value(OXY_V_INET, "::1/128"), "\"::1/128\"");
    assert_json((oxy_value){.tag = OXY_V_ARRAY, .array = &outer}, "[[1,null],[]]");
}

static void test_json_has_no_nan_and_bounded_depth(void **state)
{
    oxy_value v = {.tag = OXY_V_DOUBLE, .d = NAN}, self;
    oxy_array loop = {.n = 1, .items = &self};
    oxy_buf b;

    (void)state;
    oxy_buf_init(&b, oxy_alloc_default(), 1000);
    oxy_json_value(&b, &v);
    assert_int_equal(b.rc, OXY_DATA);
    oxy_buf_reset(&b);
    v.d = -INFINITY;
    oxy_json_value(&b, &v);
    assert_int_equal(b.rc, OXY_DATA);
    oxy_buf_reset(&b);
    self = (oxy_value){.tag = OXY_V_ARRAY, .array = &loop}; /* without end */
    oxy_json_value(&b, &self);
    assert_int_equal(b.rc, OXY_DATA);
    oxy_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimal_grammar),
        cmocka_unit_test(test_decimals_compare_by_value_at_any_length),
        cmocka_unit_test(test_doubles_have_the_shortest_text),
        cmocka_unit_test(test_doubles_come_back_bit_for_bit),
        cmocka_unit_test(test_a_locale_with_commas_changes_nothing),
        cmocka_unit_test(test_json_strings_escape_what_json_forbids),
        cmocka_unit_test(test_json_strings_lose_their_escapes),
        cmocka_unit_test(test_every_tag_has_its_json_form),
        cmocka_unit_test(test_json_has_no_nan_and_bounded_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
