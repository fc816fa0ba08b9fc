/* SPDX-License-Identifier: MIT */
/* Promises of the SQLite codec about reading: what each kind takes from each
 * storage class, and what it refuses. */
#include "codec_cases.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* --- reading --------------------------------------------------------------------------------------- */

static void test_null_is_null_for_every_kind(void **state)
{
    int kind;

    (void)state;
    for (kind = 0; kind < OXY_K_COUNT; kind++) {
        assert_non_null(oxy_codec_sqlite.decode[kind]);
        assert_reads((oxy_kind)kind, (oxy_cell){.tag = OXY_C_NULL}, (oxy_value){.tag = OXY_V_NULL});
        assert_stores((oxy_kind)kind, (oxy_value){.tag = OXY_V_NULL}, (oxy_value){.tag = OXY_V_NULL});
    }
}

static void test_wire_cells_are_refused_by_every_kind(void **state)
{
    int kind;

    (void)state;
    for (kind = 0; kind < OXY_K_COUNT; kind++)
        assert_refuses((oxy_kind)kind, (oxy_cell){.tag = OXY_C_WIRE, .p = "x", .len = 1}, "unknown type");
}

static void test_unknown_takes_what_the_database_says(void **state)
{
    (void)state;
    assert_reads(OXY_K_UNKNOWN, cell_int(-7), value_int(OXY_V_INT, -7));
    assert_reads(OXY_K_UNKNOWN, cell_uint(7), value_int(OXY_V_INT, 7));
    assert_reads(OXY_K_UNKNOWN, cell_uint(UINT64_MAX), value_uint(UINT64_MAX));
    assert_reads(OXY_K_UNKNOWN, cell_double(1.5), value_double(1.5));
    assert_reads(OXY_K_UNKNOWN, cell_text("x"), value_text(OXY_V_TEXT, "x"));
    assert_reads(OXY_K_UNKNOWN, cell_blob("\xff", 1), value_text(OXY_V_BLOB, "\xff"));
    assert_refuses(OXY_K_UNKNOWN, cell_text("\xff"), "TEXT");
}

static void test_booleans(void **state)
{
    (void)state;
    assert_reads(OXY_K_BOOL, cell_int(0), value_int(OXY_V_BOOL, 0));
    assert_reads(OXY_K_BOOL, cell_int(1), value_int(OXY_V_BOOL, 1));
    assert_reads(OXY_K_BOOL, cell_double(1.0), value_int(OXY_V_BOOL, 1));
    assert_reads(OXY_K_BOOL, cell_text("0"), value_int(OXY_V_BOOL, 0));
    assert_reads(OXY_K_BOOL, cell_text("TRUE"), value_int(OXY_V_BOOL, 1));
    assert_reads(OXY_K_BOOL, cell_text("false"), value_int(OXY_V_BOOL, 0));
    assert_refuses(OXY_K_BOOL, cell_int(2), "INTEGER");
    assert_refuses(OXY_K_BOOL, cell_int(-1), "INTEGER");
    assert_refuses(OXY_K_BOOL, cell_double(0.5), "REAL");
    assert_refuses(OXY_K_BOOL, cell_text("yes"), "TEXT");
    assert_refuses(OXY_K_BOOL, cell_text("truex"), "TEXT");
    assert_refuses(OXY_K_BOOL, cell_text(""), "TEXT");
    assert_refuses(OXY_K_BOOL, cell_blob("1", 1), "BLOB");
}

static void test_integers(void **state)
{
    (void)state;
    assert_reads(OXY_K_INT, cell_int(INT64_MIN), value_int(OXY_V_INT, INT64_MIN));
    assert_reads(OXY_K_INT, cell_int(INT64_MAX), value_int(OXY_V_INT, INT64_MAX));
    assert_reads(OXY_K_INT, cell_uint(UINT64_MAX), value_uint(UINT64_MAX));
    assert_reads(OXY_K_INT, cell_uint(INT64_MAX), value_int(OXY_V_INT, INT64_MAX));
    assert_reads(OXY_K_INT, cell_double(-3.0), value_int(OXY_V_INT, -3));
    assert_reads(OXY_K_INT, cell_double(-0x1p63), value_int(OXY_V_INT, INT64_MIN));
    assert_reads(OXY_K_INT, cell_double(0x1p63), value_uint(UINT64_C(1) << 63));
    assert_reads(OXY_K_INT, cell_text("12"), value_int(OXY_V_INT, 12));
    assert_reads(OXY_K_INT, cell_text("-12.00"), value_int(OXY_V_INT, -12));
    assert_reads(OXY_K_INT, cell_text("1.5e1"), value_int(OXY_V_INT, 15));
    assert_reads(OXY_K_INT, cell_text("-9223372036854775808"), value_int(OXY_V_INT, INT64_MIN));
    assert_reads(OXY_K_INT, cell_text("18446744073709551615"), value_uint(UINT64_MAX));
    assert_refuses(OXY_K_INT, cell_text("18446744073709551616"), "TEXT");
    assert_refuses(OXY_K_INT, cell_text("-9223372036854775809"), "TEXT");
    assert_refuses(OXY_K_INT, cell_text("1e20"), "TEXT");
    assert_refuses(OXY_K_INT, cell_text("12.5"), "TEXT");
    assert_refuses(OXY_K_INT, cell_text("twelve"), "TEXT");
    assert_refuses(OXY_K_INT, cell_text("Infinity"), "TEXT");
    assert_refuses(OXY_K_INT, cell_double(0.5), "REAL");
    assert_refuses(OXY_K_INT, cell_double(1e300), "REAL");
    assert_refuses(OXY_K_INT, cell_double(-1e19), "REAL");
    assert_refuses(OXY_K_INT, cell_double(INFINITY), "REAL");
    assert_refuses(OXY_K_INT, cell_double(NAN), "REAL");
    assert_refuses(OXY_K_INT, cell_blob("\x01", 1), "BLOB");
}

static void test_doubles_take_only_what_they_hold_exactly(void **state)
{
    (void)state;
    assert_reads(OXY_K_DOUBLE, cell_double(-0.0), value_double(-0.0));
    assert_reads(OXY_K_DOUBLE, cell_double(-INFINITY), value_double(-INFINITY));
    assert_reads(OXY_K_DOUBLE, cell_int(3), value_double(3.0));
    assert_reads(OXY_K_DOUBLE, cell_int(INT64_C(1) << 53), value_double(0x1p53));
    assert_reads(OXY_K_DOUBLE, cell_int(INT64_MIN), value_double(-0x1p63));
    assert_refuses(OXY_K_DOUBLE, cell_int((INT64_C(1) << 53) + 1), "INTEGER");
    assert_refuses(OXY_K_DOUBLE, cell_int(INT64_MAX), "INTEGER");
    assert_refuses(OXY_K_DOUBLE, cell_uint(UINT64_MAX), "INTEGER");
    assert_reads(OXY_K_DOUBLE, cell_uint(UINT64_C(1) << 63), value_double(0x1p63));
    assert_reads(OXY_K_DOUBLE, cell_text("0.1"), value_double(0.1));
    assert_reads(OXY_K_DOUBLE, cell_text("-1.7976931348623157e+308"), value_double(-DBL_MAX));
    assert_reads(OXY_K_DOUBLE, cell_text("2.2250738585072014e-308"), value_double(DBL_MIN));
    assert_reads(OXY_K_DOUBLE, cell_text("0.30000000000000004"), value_double(0.1 + 0.2));
    assert_reads(OXY_K_DOUBLE, cell_text("0.1000000000000000055511151231257827021181583404541015625"),
                 value_double(0.1));
    assert_reads(OXY_K_DOUBLE, cell_text("1000000000000000000000"), value_double(1e21));
    assert_reads(OXY_K_DOUBLE, cell_text("-0.000"), value_double(-0.0));
    assert_reads(OXY_K_DOUBLE, cell_text("Infinity"), value_double(INFINITY));
    assert_refuses(OXY_K_DOUBLE, cell_text("0.100000000000000000001"), "TEXT");
    assert_refuses(OXY_K_DOUBLE, cell_text("9007199254740993"), "TEXT");
    assert_refuses(OXY_K_DOUBLE, cell_text("123456789012345678901"), "TEXT");
    assert_refuses(OXY_K_DOUBLE, cell_text("1e309"), "TEXT");
    assert_refuses(OXY_K_DOUBLE, cell_text("1e-400"), "TEXT");
    assert_refuses(OXY_K_DOUBLE, cell_text("1.2345678901234e-320"), "TEXT");
    assert_refuses(OXY_K_DOUBLE, cell_text("1e999999999999999999"), "TEXT");
    assert_refuses(OXY_K_DOUBLE, cell_text("NaN"), "TEXT");
    assert_refuses(OXY_K_DOUBLE, cell_text("abc"), "TEXT");
    assert_refuses(OXY_K_DOUBLE, cell_blob("", 0), "BLOB");
}

static void test_text_kinds_take_numbers_but_no_bytes(void **state)
{
    static const oxy_kind kinds[] = {OXY_K_STRING, OXY_K_TEXT, OXY_K_ENUM};
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(kinds); i++) {
        assert_reads(kinds[i], cell_text("h\xC3\xA9"), value_text(OXY_V_TEXT, "h\xC3\xA9"));
        assert_reads(kinds[i], cell_text(""), value_text(OXY_V_TEXT, ""));
        assert_reads(kinds[i], cell_int(INT64_MIN), value_text(OXY_V_TEXT, "-9223372036854775808"));
        assert_reads(kinds[i], cell_uint(UINT64_MAX), value_text(OXY_V_TEXT, "18446744073709551615"));
        assert_reads(kinds[i], cell_double(0.1), value_text(OXY_V_TEXT, "0.1"));
        assert_refuses(kinds[i], cell_text("caf\xE9"), "TEXT");
        assert_refuses(kinds[i], cell_blob("abc", 3), "BLOB");
    }
}

static void test_bytes(void **state)
{
    (void)state;
    assert_reads(OXY_K_BLOB, cell_blob("\x00\xff", 2), (oxy_value){.tag = OXY_V_BLOB, .s = {"\x00\xff", 2}});
    assert_reads(OXY_K_BLOB, cell_text("abc"), value_text(OXY_V_BLOB, "abc"));
    assert_refuses(OXY_K_BLOB, cell_int(1), "INTEGER");
    assert_refuses(OXY_K_BLOB, cell_double(1), "REAL");
}

static void test_datetimes_obey_their_offset(void **state)
{
    int64_t noon = DAY / 2;

    (void)state;
    assert_reads(OXY_K_DATETIME, cell_text("1970-01-01 12:00:00"), value_int(OXY_V_DATETIME, noon));
    assert_reads(OXY_K_DATETIME, cell_text("1970-01-01T12:00"), value_int(OXY_V_DATETIME, noon));
    assert_reads(OXY_K_DATETIME, cell_text("1970-01-01 14:00:00+02:00"), value_int(OXY_V_DATETIME, noon));
    assert_reads(OXY_K_DATETIME, cell_text("1970-01-02"), value_int(OXY_V_DATETIME, DAY));
    assert_reads(OXY_K_DATETIME, cell_text("0001-01-01 00:00:00"), value_int(OXY_V_DATETIME, OXY_DATETIME_MIN));
    assert_reads(OXY_K_DATETIME_UTC, cell_text("1970-01-01 12:00:00"), value_int(OXY_V_DATETIME_UTC, noon));
    assert_reads(OXY_K_DATETIME_UTC, cell_text("1970-01-01 04:00:00.000-08"), value_int(OXY_V_DATETIME_UTC, noon));
    assert_reads(OXY_K_DATETIME_UTC, cell_text("9999-12-31 23:59:59.999999"),
                 value_int(OXY_V_DATETIME_UTC, OXY_DATETIME_MAX));
    assert_refuses(OXY_K_DATETIME, cell_text("yesterday"), "TEXT");
    assert_refuses(OXY_K_DATETIME, cell_text("12:00:00"), "TEXT");
    assert_refuses(OXY_K_DATETIME, cell_int(0), "INTEGER");
    assert_refuses(OXY_K_DATETIME_UTC, cell_double(2440587.5), "REAL");
    assert_refuses(OXY_K_DATETIME_UTC, cell_blob("1970-01-01 12:00:00", 19), "BLOB");
}

static void test_dates_and_times(void **state)
{
    (void)state;
    assert_reads(OXY_K_DATE, cell_text("1970-01-02"), value_int(OXY_V_DATE, 1));
    assert_reads(OXY_K_DATE, cell_text("1969-12-31 00:00:00"), value_int(OXY_V_DATE, -1));
    assert_refuses(OXY_K_DATE, cell_text("1970-01-02 00:00:01"), "TEXT");
    assert_refuses(OXY_K_DATE, cell_text("1970-01-02 00:00:00Z"), "TEXT");
    assert_refuses(OXY_K_DATE, cell_text("1970-01-32"), "TEXT");
    assert_refuses(OXY_K_DATE, cell_int(1), "INTEGER");
    assert_reads(OXY_K_TIME, cell_text("23:59:59.999999"), value_int(OXY_V_TIME, DAY - 1));
    assert_reads(OXY_K_TIME, cell_text("07:05"), value_int(OXY_V_TIME, INT64_C(25500000000)));
    assert_refuses(OXY_K_TIME, cell_text("07:05:00+01:00"), "TEXT");
    assert_refuses(OXY_K_TIME, cell_text("25:00:00"), "TEXT");
    assert_refuses(OXY_K_TIME, cell_double(0.5), "REAL");
    assert_reads(OXY_K_TIMEDELTA, cell_int(-5), value_int(OXY_V_TIMEDELTA, -5));
    assert_reads(OXY_K_INTERVAL, cell_text("5"), value_int(OXY_V_TIMEDELTA, 5));
    assert_reads(OXY_K_TIMEDELTA, cell_double(5), value_int(OXY_V_TIMEDELTA, 5));
    assert_refuses(OXY_K_TIMEDELTA, cell_double(5.5), "REAL");
    assert_refuses(OXY_K_TIMEDELTA, cell_text("00:05"), "TEXT");
    assert_refuses(OXY_K_TIMEDELTA, cell_uint(UINT64_MAX), "INTEGER");
}

static void test_uuids(void **state)
{
    oxy_value v = {.tag = OXY_V_UUID, .uuid = {0xAB, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

    (void)state;
    assert_reads(OXY_K_UUID, cell_text("ab010203-0405-0607-0809-0a0b0c0d0e0f"), v);
    assert_reads(OXY_K_UUID, cell_text("AB0102030405060708090A0B0C0D0E0F"), v);
    assert_reads(OXY_K_UUID, cell_blob((const char *)v.uuid, 16), v);
    assert_refuses(OXY_K_UUID, cell_text("ab010203-0405-0607-0809"), "TEXT");
    assert_refuses(OXY_K_UUID, cell_blob("0123456789", 10), "BLOB");
    assert_refuses(OXY_K_UUID, cell_int(5), "INTEGER");
}

static void test_decimals(void **state)
{
    (void)state;
    assert_reads(OXY_K_DECIMAL, cell_text("12.500"), value_text(OXY_V_DECIMAL, "12.500"));
    assert_reads(OXY_K_DECIMAL, cell_text("-Infinity"), value_text(OXY_V_DECIMAL, "-Infinity"));
    assert_reads(OXY_K_DECIMAL, cell_int(-7), value_text(OXY_V_DECIMAL, "-7"));
    assert_reads(OXY_K_DECIMAL, cell_double(12.34), value_text(OXY_V_DECIMAL, "12.34"));
    assert_refuses(OXY_K_DECIMAL, cell_text("12,50"), "TEXT");
    assert_refuses(OXY_K_DECIMAL, cell_text(""), "TEXT");
    assert_refuses(OXY_K_DECIMAL, cell_blob("1", 1), "BLOB");
}

static void test_addresses(void **state)
{
    static const char *const good[] = {
        "192.0.2.1",       "192.0.2.1/24",   "0.0.0.0/0",    "::",
        "2001:db8::1/128", "::ffff:1.2.3.4", "fe80::1%eth0", "fe80::1%1/64",
    };
    static const char *const bad[] = {
        "",
        "/24",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.1/33",
        "192.0.2.1/",
        "192.0.2.1/1234",
        "192.0.2.1/x",
        "::1/129",
        "2001:db8:::1",
        "fe80::1%",
        "fe80::1%/64",
        "192.0.2.1%eth0",
        "localhost",
        "%eth0",
        "2001:0db8:0000:0000:0000:0000:0000:0001:0001:0001:0001",
    };
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(good); i++) {
        assert_reads(OXY_K_INET, cell_text(good[i]), value_text(OXY_V_INET, good[i]));
        assert_reads(OXY_K_CIDR, cell_text(good[i]), value_text(OXY_V_INET, good[i]));
        assert_stores_text(OXY_K_INET, value_text(OXY_V_INET, good[i]), good[i]);
    }
    for (i = 0; i < OXY_COUNT(bad); i++) {
        assert_refuses(OXY_K_INET, cell_text(bad[i]), "TEXT");
        assert_keeps_out(OXY_K_CIDR, value_text(OXY_V_INET, bad[i]), "not an IP address");
    }
    assert_refuses(OXY_K_INET, cell_int(1), "INTEGER");
}

static void test_json(void **state)
{
    (void)state;
    assert_reads(OXY_K_JSON, cell_text("{\"a\": [1]}"), value_text(OXY_V_JSON, "{\"a\": [1]}"));
    assert_reads(OXY_K_JSONB, cell_int(5), value_text(OXY_V_JSON, "5"));
    assert_reads(OXY_K_JSON, cell_double(0.5), value_text(OXY_V_JSON, "0.5"));
    assert_refuses(OXY_K_JSON, cell_double(INFINITY), "REAL");
    assert_refuses(OXY_K_JSON, cell_text("\"\xff\""), "TEXT");
    assert_refuses(OXY_K_JSON, cell_blob("{}", 2), "BLOB");
}

/* --- reading lists ------------------------------------------------------------------------------------ */

static void assert_reads_list(oxy_type type, const char *text, const oxy_value *items, size_t n)
{
    oxy_value v, expected;
    oxy_array array = {.n = n, .items = items};
    oxy_err err;

    expected = (oxy_value){.tag = OXY_V_ARRAY, .array = &array};
    if (decode_as(&type, cell_text(text), &v, &err) != OXY_OK)
        fail_msg("%s: %s", text, err.message);
    if (!same_value(&v, &expected))
        fail_msg("%s: another list of %zu", text, v.array->n);
    assert_int_equal(v.array->elem, type.elem);
}

static void test_lists_keep_elements_nulls_and_nesting(void **state)
{
    oxy_value ints[] = {value_int(OXY_V_INT, 1), {.tag = OXY_V_NULL}, value_int(OXY_V_INT, -2)};
    oxy_array inner = {.n = 3, .items = ints}, none = {.n = 0};
    oxy_value nested[] = {
        {.tag = OXY_V_ARRAY, .array = &inner}, {.tag = OXY_V_NULL}, {.tag = OXY_V_ARRAY, .array = &none}};
    oxy_value texts[] = {value_text(OXY_V_TEXT, "a\"\\/\b\f\n\r\t"),
                         value_text(OXY_V_TEXT, "\xC3\xA9\xF0\x9F\x98\x80"),
                         value_text(OXY_V_TEXT, ""),
                         {.tag = OXY_V_TEXT, .s = {"\0", 1}}};
    oxy_value times[] = {value_int(OXY_V_DATETIME_UTC, 0), value_int(OXY_V_DATETIME_UTC, 1)};
    oxy_value decimals[] = {value_text(OXY_V_DECIMAL, "1.50"), value_text(OXY_V_DECIMAL, "12345678901234567890.5")};
    oxy_value truths[] = {value_int(OXY_V_BOOL, 1), value_int(OXY_V_BOOL, 0), value_int(OXY_V_BOOL, 1)};
    oxy_value jsons[] = {value_text(OXY_V_JSON, "{\"a\": [1, {\"b\": null}]}"), value_text(OXY_V_JSON, "\"x\\u0041\""),
                         value_text(OXY_V_JSON, "[]")};
    oxy_value blobs[] = {value_text(OXY_V_BLOB, ""), value_text(OXY_V_BLOB, "f"), value_text(OXY_V_BLOB, "fo"),
                         value_text(OXY_V_BLOB, "\xff\xfe\xfd"), value_text(OXY_V_BLOB, "\xff\xfe\xfd")};
    oxy_value mixed[] = {value_int(OXY_V_INT, 1), value_double(1.5), value_text(OXY_V_TEXT, "x"),
                         value_int(OXY_V_BOOL, 1), value_text(OXY_V_JSON, "[1]")};

    (void)state;
    assert_reads_list(array_of(OXY_K_INT, 1), "[]", NULL, 0);
    assert_reads_list(array_of(OXY_K_INT, 1), " [ ] ", NULL, 0);
    assert_reads_list(array_of(OXY_K_INT, 1), "[1,null,-2]", ints, 3);
    assert_reads_list(array_of(OXY_K_INT, 1), "\t[ 1 , null\n, \"-2\" ]\r", ints, 3);
    assert_reads_list(array_of(OXY_K_INT, 1), "[1.0,null,-20e-1]", ints, 3);
    assert_reads_list(array_of(OXY_K_INT, 2), "[[1,null,-2],null,[]]", nested, 3);
    assert_reads_list(array_of(OXY_K_TEXT, 1),
                      "[\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u00e9\\ud83d\\uDE00\",\"\",\"\\u0000\"]", texts, 4);
    assert_reads_list(array_of(OXY_K_DATETIME_UTC, 1), "[\"1970-01-01T00:00:00Z\",\"1970-01-01T00:00:00.000001Z\"]",
                      times, 2);
    assert_reads_list(array_of(OXY_K_DECIMAL, 1), "[\"1.50\",12345678901234567890.5]", decimals, 2);
    assert_reads_list(array_of(OXY_K_BOOL, 1), "[true,false,1]", truths, 3);
    assert_reads_list(array_of(OXY_K_JSONB, 1), "[{\"a\": [1, {\"b\": null}]},\"x\\u0041\",[]]", jsons, 3);
    assert_reads_list(array_of(OXY_K_BLOB, 1), "[\"\",\"Zg==\",\"Zm8\",\"//79\",\"__79\"]", blobs, 5);
    assert_reads_list(array_of(OXY_K_UNKNOWN, 1), "[1,1.5,\"x\",true,[1]]", mixed, 5);
}

static void test_long_lists_are_whole(void **state)
{
    static char text[70000];
    oxy_type type = array_of(OXY_K_INT, 1);
    oxy_value v;
    size_t at = 0, i;

    (void)state;
    for (i = 0; i < 10000; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%zu", i == 0 ? "[" : ",", i);
    text[at] = ']';
    assert_int_equal(decode_as(&type, cell_text(text), &v, NULL), OXY_OK);
    assert_int_equal(v.array->n, 10000);
    for (i = 0; i < 10000; i++)
        assert_int_equal(v.array->items[i].i, i);
}

static void assert_refuses_list(oxy_type type, const char *text)
{
    oxy_value v;
    oxy_err err;

    if (decode_as(&type, cell_text(text), &v, &err) != OXY_DATA)
        fail_msg("accepted: %s", text);
    assert_non_null(strstr(err.message, "TEXT as array"));
}

static void test_garbage_is_no_list(void **state)
{
    static const char *const bad[] = {
        "",      " ",     "null",  "{}",     "1",     "[",
        "[1",    "[1,",   "[1,]",  "[,1]",   "[1 2]", "[1]x",
        "[1],",  "[[1]]", "[{}]",  "[01]",   "[-]",   "[1.]",
        "[.5]",  "[1e]",  "[+1]",  "[nul]",  "[\"1]", "[\"\\u12\"]",
        "[NaN]", "['1']", "{1,2}", "[true]", "[1.5]", "[9999999999999999999999]",
    };
    static const char *const bad_texts[] = {
        "[\"\\x\"]",     "[\"\\ud800\"]", "[\"\\ud800\\u0041\"]",
        "[\"\\udc00\"]", "[\"a\nb\"]",    "[\"\\u00g0\"]",
        "[\"\\\"]",      "[\"a]",         "[true]",
        "[[\"a\"]]",     "[tru]",         "[\"\xff\"]",
    };
    char deep[400];
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(bad); i++)
        assert_refuses_list(array_of(OXY_K_INT, 1), bad[i]);
    for (i = 0; i < OXY_COUNT(bad_texts); i++)
        assert_refuses_list(array_of(OXY_K_TEXT, 1), bad_texts[i]);
    assert_refuses_list(array_of(OXY_K_INT, 2), "[1]");
    assert_refuses_list(array_of(OXY_K_BLOB, 1), "[1]");
    assert_refuses_list(array_of(OXY_K_BLOB, 1), "[\"Z\"]");
    assert_refuses_list(array_of(OXY_K_BLOB, 1), "[\"Zg=\"]");
    assert_refuses_list(array_of(OXY_K_BLOB, 1), "[\"Z g=\"]");
    assert_refuses_list(array_of(OXY_K_JSONB, 1), "[{\"a\" 1}]");
    assert_refuses_list(array_of(OXY_K_JSONB, 1), "[{a:1}]");
    assert_refuses_list(array_of(OXY_K_JSONB, 1), "[{\"a\":1,}]");
    assert_refuses_list(array_of(OXY_K_JSONB, 1), "[\"\\ud800\"]");
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_refuses_list(array_of(OXY_K_JSONB, 1), deep);
    assert_refuses_list(array_of(OXY_K_UNKNOWN, 1), deep);
    assert_refuses(OXY_K_ARRAY, cell_int(1), "INTEGER");
    assert_refuses(OXY_K_ARRAY, cell_blob("[]", 2), "BLOB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_is_null_for_every_kind),
        cmocka_unit_test(test_wire_cells_are_refused_by_every_kind),
        cmocka_unit_test(test_unknown_takes_what_the_database_says),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_doubles_take_only_what_they_hold_exactly),
        cmocka_unit_test(test_text_kinds_take_numbers_but_no_bytes),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_datetimes_obey_their_offset),
        cmocka_unit_test(test_dates_and_times),
        cmocka_unit_test(test_uuids),
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_lists_keep_elements_nulls_and_nesting),
        cmocka_unit_test(test_long_lists_are_whole),
        cmocka_unit_test(test_garbage_is_no_list),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
