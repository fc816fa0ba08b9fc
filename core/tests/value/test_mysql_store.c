/* SPDX-License-Identifier: MIT */
/* Promises of the MySQL codec about storing: the form of each value, what is
 * refused, and that what was stored comes back. */
#include "mysql_cases.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* --- storing ---------------------------------------------------------------------------------------------- */

static oxy_type verbatim(oxy_kind kind, const char *db_type)
{
    return (oxy_type){.kind = kind, .db_type = oxy_sv_of(db_type)};
}

static void test_null_is_null_for_every_kind(void **state)
{
    int kind;

    (void)state;
    for (kind = 0; kind < OXY_K_COUNT; kind++)
        assert_stores((oxy_kind)kind, (oxy_value){.tag = OXY_V_NULL}, (oxy_value){.tag = OXY_V_NULL});
}

static void test_numbers_are_stored_exactly_or_not_at_all(void **state)
{
    (void)state;
    assert_stores(OXY_K_BOOL, value_int(OXY_V_BOOL, 1), value_int(OXY_V_INT, 1));
    assert_keeps_out(OXY_K_BOOL, value_int(OXY_V_INT, 2), "neither 0 nor 1");
    assert_stores(OXY_K_INT, value_int(OXY_V_INT, INT64_MIN), value_int(OXY_V_INT, INT64_MIN));
    assert_stores(OXY_K_INT, value_text(OXY_V_DECIMAL, "3.00"), value_int(OXY_V_INT, 3));
    assert_keeps_out(OXY_K_INT, value_text(OXY_V_DECIMAL, "3.5"), "whole number");
    assert_keeps_out(OXY_K_INT, value_uint(UINT64_MAX), "64 bits");
    assert_stores_type(verbatim(OXY_K_INT, "bigint unsigned"), value_uint(UINT64_MAX), value_uint(UINT64_MAX));
    assert_stores_type(verbatim(OXY_K_INT, "BIGINT UNSIGNED"), value_uint(5), value_int(OXY_V_INT, 5));
    assert_keeps_out_type(verbatim(OXY_K_INT, "BIGINT"), value_uint(UINT64_MAX), "64 bits");
    assert_keeps_out_type(verbatim(OXY_K_INT, "UNSIGNE"), value_uint(UINT64_MAX), "64 bits");
    assert_stores(OXY_K_DOUBLE, value_int(OXY_V_INT, 5), value_double(5));
    assert_stores(OXY_K_DOUBLE, value_double(-0.0), value_double(-0.0));
    assert_keeps_out(OXY_K_DOUBLE, value_double(NAN), "NaN");
    assert_keeps_out(OXY_K_DOUBLE, value_double(INFINITY), "infinities");
    assert_keeps_out(OXY_K_DOUBLE, value_double(-INFINITY), "infinities");
    assert_keeps_out(OXY_K_DOUBLE, value_text(OXY_V_DECIMAL, "Infinity"), "infinities");
    assert_keeps_out(OXY_K_TEXT, value_double(INFINITY), "infinities");
    assert_keeps_out(OXY_K_TEXT, value_text(OXY_V_DECIMAL, "NaN"), "NaN");
    assert_keeps_out(OXY_K_UNKNOWN, value_double(INFINITY), "infinities");
    assert_keeps_out(OXY_K_DOUBLE, value_int(OXY_V_INT, INT64_MAX), "exactly");
    assert_stores(OXY_K_TIMEDELTA, value_int(OXY_V_TIMEDELTA, -1), value_int(OXY_V_INT, -1));
    assert_stores(OXY_K_INTERVAL, value_int(OXY_V_TIMEDELTA, 1), value_int(OXY_V_INT, 1));
}

static void test_values_of_float_columns_have_four_bytes(void **state)
{
    static const char *const single[] = {"FLOAT", "float unsigned", "FLOAT4", "FLOAT(24)", "FLOAT(7,4)"};
    static const char *const twice[] = {"FLOAT8", "FLOAT(25)", "FLOAT(53)", "REAL", "DOUBLE", ""};
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(single); i++) {
        assert_stores_type(verbatim(OXY_K_DOUBLE, single[i]), value_double(0.1), value_double((double)0.1F));
        assert_stores_type(verbatim(OXY_K_DOUBLE, single[i]), value_double(1e300), value_double(1e300));
    }
    for (i = 0; i < OXY_COUNT(twice); i++)
        assert_stores_type(verbatim(OXY_K_DOUBLE, twice[i]), value_double(0.1), value_double(0.1));
}

static void assert_stores_decimal(oxy_type type, oxy_value in, const char *expected)
{
    oxy_value out;
    oxy_err err;

    if (encode_as(&type, in, &out, &err) != OXY_OK)
        fail_msg("%s", err.message);
    assert_int_equal(out.tag, OXY_V_TEXT);
    assert_int_equal(out.wire, OXY_MYSQL_NEWDECIMAL);
    assert_true(oxy_sv_eq(out.s, oxy_sv_of(expected)));
}

static void test_decimals_are_sent_as_decimals_and_respect_the_column(void **state)
{
    oxy_type plain = {.kind = OXY_K_DECIMAL};
    oxy_type money = {.kind = OXY_K_DECIMAL, .size = 6, .scale = 2, .has_scale = true};
    oxy_type places = {.kind = OXY_K_DECIMAL, .scale = 1, .has_scale = true};
    char digits[80];

    (void)state;
    assert_stores_decimal(money, value_text(OXY_V_DECIMAL, "-9999.990"), "-9999.990");
    assert_keeps_out_type(money, value_text(OXY_V_DECIMAL, "0.001"), "fraction digits");
    assert_keeps_out_type(money, value_text(OXY_V_DECIMAL, "10000"), "more digits");
    assert_keeps_out_type(places, value_text(OXY_V_DECIMAL, "0.25"), "fraction digits");
    assert_stores_decimal(plain, value_text(OXY_V_DECIMAL, "1E-30"), "1E-30");
    assert_keeps_out_type(plain, value_text(OXY_V_DECIMAL, "1E-31"), "30 fraction digits");
    assert_keeps_out_type(plain, value_text(OXY_V_DECIMAL, "1E+65"), "65 digits");
    memset(digits, '9', sizeof digits);
    digits[65] = '\0';
    assert_stores_decimal(plain, value_text(OXY_V_DECIMAL, digits), digits);
    digits[36] = '.';
    digits[66] = '\0';
    digits[65] = '9';
    assert_stores_decimal(plain, value_text(OXY_V_DECIMAL, digits), digits);
    digits[66] = '9';
    digits[67] = '\0';
    digits[36] = '9';
    digits[40] = '.';
    assert_keeps_out_type(plain, value_text(OXY_V_DECIMAL, digits), "65 digits");
    assert_keeps_out_type(plain, value_text(OXY_V_DECIMAL, "NaN"), "NaN");
    assert_keeps_out_type(plain, value_text(OXY_V_DECIMAL, "-Infinity"), "infinities");
    assert_keeps_out_type(plain, value_text(OXY_V_TEXT, "many"), "not a number");
    assert_stores_decimal(plain, value_int(OXY_V_INT, -5), "-5");
    assert_stores_decimal(plain, value_double(0.1), "0.1");
    assert_stores_decimal((oxy_type){.kind = OXY_K_UNKNOWN}, value_text(OXY_V_DECIMAL, "1.50"), "1.50");
    assert_stores_decimal(plain, value_text(OXY_V_DECIMAL, "0E-99"), "0E-99");
}

static void test_datetimes_stay_and_are_in_utc(void **state)
{
    int64_t first = INT64_C(-354285) * DAY;

    (void)state;
    assert_stores(OXY_K_DATETIME, value_int(OXY_V_DATETIME, 10), value_int(OXY_V_DATETIME, 10));
    assert_stores(OXY_K_DATETIME_UTC, value_int(OXY_V_DATETIME_UTC, 10), value_int(OXY_V_DATETIME, 10));
    assert_stores(OXY_K_DATETIME, value_int(OXY_V_DATE, 1), value_int(OXY_V_DATETIME, DAY));
    assert_stores(OXY_K_DATETIME, value_text(OXY_V_TEXT, "1970-01-01T02:00+02:00"), value_int(OXY_V_DATETIME, 0));
    assert_stores(OXY_K_UNKNOWN, value_int(OXY_V_DATETIME_UTC, 7), value_int(OXY_V_DATETIME, 7));
    assert_stores(OXY_K_DATETIME, value_int(OXY_V_DATETIME, first), value_int(OXY_V_DATETIME, first));
    assert_keeps_out(OXY_K_DATETIME, value_int(OXY_V_DATETIME, first - 1), "years 1000 to 9999");
    assert_keeps_out(OXY_K_UNKNOWN, value_int(OXY_V_DATETIME, first - 1), "years 1000 to 9999");
    assert_keeps_out(OXY_K_DATETIME_UTC, value_int(OXY_V_DATETIME_UTC, OXY_DATETIME_MAX + 1), "years 1000 to 9999");
    assert_stores(OXY_K_DATE, value_int(OXY_V_DATE, -354285), value_int(OXY_V_DATE, -354285));
    assert_keeps_out(OXY_K_DATE, value_int(OXY_V_DATE, -354286), "years 1000 to 9999");
    assert_keeps_out(OXY_K_DATE, value_int(OXY_V_DATE, 2932897), "years 1000 to 9999");
    assert_stores(OXY_K_DATE, value_int(OXY_V_DATETIME, -DAY), value_int(OXY_V_DATE, -1));
    assert_keeps_out(OXY_K_DATE, value_int(OXY_V_DATETIME, 1), "time of day");
    assert_stores_text(OXY_K_TEXT, value_int(OXY_V_DATETIME_UTC, 0), "1970-01-01 00:00:00+00:00");
    assert_keeps_out(OXY_K_DATETIME, value_int(OXY_V_INT, 0), "integer");
}

static void test_a_compared_date_need_not_fit_the_column(void **state)
{
    oxy_type date = {.kind = OXY_K_DATE, .compared = true};
    oxy_type moment = {.kind = OXY_K_DATETIME, .compared = true, .db_type = {"DATETIME", 8}};

    (void)state;
    assert_stores_type(date, value_int(OXY_V_DATE, -719162), value_int(OXY_V_DATE, -719162));
    assert_keeps_out_type(date, value_int(OXY_V_DATE, -719163), "outside the years");
    assert_stores_type(moment, value_int(OXY_V_DATETIME, OXY_DATETIME_MIN + 1),
                       value_int(OXY_V_DATETIME, OXY_DATETIME_MIN + 1));
}

static void test_fractions_that_the_column_would_round_are_refused(void **state)
{
    oxy_type seconds = verbatim(OXY_K_DATETIME, "TIMESTAMP"), millis = verbatim(OXY_K_DATETIME_UTC, "DATETIME(3)");
    oxy_type micros = verbatim(OXY_K_DATETIME, "datetime(6) NOT NULL"), clock = verbatim(OXY_K_TIME, "TIME(1)");

    (void)state;
    assert_stores_type(seconds, value_int(OXY_V_DATETIME, -5000000), value_int(OXY_V_DATETIME, -5000000));
    assert_keeps_out_type(seconds, value_int(OXY_V_DATETIME, 5000001), "fraction digits of a second");
    assert_stores_type(millis, value_int(OXY_V_DATETIME_UTC, -5001000), value_int(OXY_V_DATETIME, -5001000));
    assert_keeps_out_type(millis, value_int(OXY_V_DATETIME_UTC, 5001100), "fraction digits of a second");
    assert_stores_type(micros, value_int(OXY_V_DATETIME, 1), value_int(OXY_V_DATETIME, 1));
    assert_stores_type(clock, value_int(OXY_V_TIME, 1100000), value_int(OXY_V_TIME, 1100000));
    assert_keeps_out_type(clock, value_int(OXY_V_TIME, 1110000), "fraction digits of a second");
}

static void test_times_and_spans(void **state)
{
    oxy_value zoned = {.tag = OXY_V_TIMETZ, .i = 0, .tz = 3600};
    int64_t longest = INT64_C(3020399000000);

    (void)state;
    assert_stores(OXY_K_TIME, value_int(OXY_V_TIME, DAY - 1), value_int(OXY_V_TIME, DAY - 1));
    assert_stores(OXY_K_TIME, value_text(OXY_V_TEXT, "08:00"), value_int(OXY_V_TIME, INT64_C(28800000000)));
    assert_keeps_out(OXY_K_TIME, value_int(OXY_V_TIME, DAY), "one day");
    assert_keeps_out(OXY_K_TIME, zoned, "TIMETZ");
    assert_keeps_out(OXY_K_UNKNOWN, zoned, "TIMETZ");
    assert_stores(OXY_K_UNKNOWN, value_int(OXY_V_TIME, 1), value_int(OXY_V_TIME, 1));
    assert_stores(OXY_K_TIME, value_int(OXY_V_TIMEDELTA, -longest), value_int(OXY_V_TIMEDELTA, -longest));
    assert_keeps_out(OXY_K_TIME, value_int(OXY_V_TIMEDELTA, longest + 1), "838:59:59");
    assert_stores(OXY_K_UNKNOWN, value_int(OXY_V_TIMEDELTA, -1), value_int(OXY_V_INT, -1));
}

static void test_the_rest(void **state)
{
    oxy_value uuid = {.tag = OXY_V_UUID, .uuid = {0xAB}};
    oxy_value raw = {.tag = OXY_V_BLOB, .s = {"\xAB\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16}};

    (void)state;
    assert_stores_text(OXY_K_UUID, uuid, "ab000000-0000-0000-0000-000000000000");
    assert_stores_text(OXY_K_UNKNOWN, uuid, "ab000000-0000-0000-0000-000000000000");
    assert_stores(OXY_K_BLOB, uuid, raw);
    assert_stores(OXY_K_BLOB, raw, raw);
    assert_stores(OXY_K_UNKNOWN, raw, raw);
    assert_keeps_out(OXY_K_TEXT, raw, "bytes");
    assert_stores_text(OXY_K_ENUM, value_text(OXY_V_TEXT, "new"), "new");
    assert_stores_text(OXY_K_INET, value_text(OXY_V_INET, "192.0.2.1/24"), "192.0.2.1/24");
    assert_keeps_out(OXY_K_CIDR, value_text(OXY_V_TEXT, "nowhere"), "not an IP address");
    assert_stores(OXY_K_UNKNOWN, value_uint(UINT64_MAX), value_uint(UINT64_MAX));
    assert_stores(OXY_K_UNKNOWN, value_int(OXY_V_BOOL, 1), value_int(OXY_V_INT, 1));
    assert_stores_text(OXY_K_UNKNOWN, value_text(OXY_V_TEXT, "2024-01-01"), "2024-01-01");
    assert_stores(OXY_K_UNKNOWN, value_int(OXY_V_DATE, 5), value_int(OXY_V_DATE, 5));
}

static void test_json_integers_that_would_be_rounded_are_refused(void **state)
{
    static const char *const good[] = {
        "",
        "18446744073709551615",
        "-9223372036854775808",
        "[1.8446744073709551616, 18446744073709551616.0, 18446744073709551616e0]",
        "{\"18446744073709551616\": \"18446744073709551616\", \"a\\\"18446744073709551616\": -0}",
        "\"unfinished\\",
    };
    static const char *const bad[] = {
        "18446744073709551616",
        "-9223372036854775809",
        "[1, 18446744073709551616]",
        "{\"a\": {\"b\\\\\": [null, -100000000000000000000]}}",
    };
    oxy_value items[] = {value_text(OXY_V_JSON, "18446744073709551616")};
    oxy_array list = {.elem = OXY_K_JSON, .n = 1, .items = items};
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(good); i++)
        assert_stores_text(OXY_K_JSON, value_text(OXY_V_JSON, good[i]), good[i]);
    for (i = 0; i < OXY_COUNT(bad); i++) {
        assert_keeps_out(OXY_K_JSONB, value_text(OXY_V_JSON, bad[i]), "beyond 64 bits");
        assert_keeps_out(OXY_K_UNKNOWN, value_text(OXY_V_JSON, bad[i]), "beyond 64 bits");
    }
    assert_keeps_out_type(array_of(OXY_K_JSON, 1), (oxy_value){.tag = OXY_V_ARRAY, .array = &list}, "beyond 64 bits");
    items[0] = value_double(INFINITY);
    assert_keeps_out_type(array_of(OXY_K_DOUBLE, 1), (oxy_value){.tag = OXY_V_ARRAY, .array = &list},
                          "no NaN and no infinity");
}

static void test_strings_beyond_the_column_are_refused_blanks_or_not(void **state)
{
    static const oxy_type two = {.kind = OXY_K_STRING, .size = 2}, any = {.kind = OXY_K_STRING};
    static const oxy_type asked = {.kind = OXY_K_STRING, .size = 2, .compared = true};
    oxy_value three = value_text(OXY_V_TEXT, "ab "), wide = value_text(OXY_V_TEXT, "\xc3\xa9\xf0\x9f\x98\x80"), out;
    oxy_err err;

    (void)state;
    assert_keeps_out_type(two, three, "more characters");
    assert_int_equal(encode_as(&two, wide, &out, &err), OXY_OK); /* characters, not bytes */
    assert_int_equal(encode_as(&any, three, &out, &err), OXY_OK);
    assert_int_equal(encode_as(&asked, three, &out, &err), OXY_OK);
}

/* --- both ways --------------------------------------------------------------------------------------------- */

static void assert_round_trip(oxy_type type, oxy_value v)
{
    unsigned char room[16];
    oxy_value stored, back;
    oxy_cell cell;
    oxy_err err;

    if (encode_as(&type, v, &stored, &err) != OXY_OK)
        fail_msg("%s: %s", oxy_kind_name(type.kind), err.message);
    cell = sent_back(&stored, room);
    if (decode_as(&type, cell, &back, &err) != OXY_OK)
        fail_msg("%s: %s", oxy_kind_name(type.kind), err.message);
    if (!same_value(&back, &v))
        fail_msg("%s: another value", oxy_kind_name(type.kind));
}

static void test_values_of_every_kind_come_back_alone_and_in_lists(void **state)
{
    oxy_value uuid = {.tag = OXY_V_UUID, .uuid = {1, 2, 3, 255}};
    int64_t first = INT64_C(-354285);
    struct {
        oxy_kind kind;
        oxy_value values[4];
    } cases[] = {
        {OXY_K_BOOL, {value_int(OXY_V_BOOL, 0), value_int(OXY_V_BOOL, 1)}},
        {OXY_K_INT, {value_int(OXY_V_INT, INT64_MIN), value_int(OXY_V_INT, 0), value_int(OXY_V_INT, INT64_MAX)}},
        {OXY_K_DOUBLE, {value_double(DBL_MAX), value_double(5e-324), value_double(-0.1), value_double(1e22)}},
        {OXY_K_STRING, {value_text(OXY_V_TEXT, ""), value_text(OXY_V_TEXT, "\xC3\xA9\"\\\n")}},
        {OXY_K_TEXT, {{.tag = OXY_V_TEXT, .s = {"a\0b", 3}}, value_text(OXY_V_TEXT, "12")}},
        {OXY_K_BLOB, {{.tag = OXY_V_BLOB, .s = {"\0\xff", 2}}, value_text(OXY_V_BLOB, "abc")}},
        {OXY_K_DATETIME, {value_int(OXY_V_DATETIME, first * DAY), value_int(OXY_V_DATETIME, OXY_DATETIME_MAX)}},
        {OXY_K_DATETIME_UTC, {value_int(OXY_V_DATETIME_UTC, -1000000), value_int(OXY_V_DATETIME_UTC, -1)}},
        {OXY_K_DATE, {value_int(OXY_V_DATE, first), value_int(OXY_V_DATE, 2932896)}},
        {OXY_K_TIME, {value_int(OXY_V_TIME, 0), value_int(OXY_V_TIME, 1000000), value_int(OXY_V_TIME, DAY - 1)}},
        {OXY_K_TIMEDELTA, {value_int(OXY_V_TIMEDELTA, INT64_MIN), value_int(OXY_V_TIMEDELTA, INT64_MAX)}},
        {OXY_K_UUID, {uuid}},
        {OXY_K_DECIMAL, {value_text(OXY_V_DECIMAL, "-12.500"), value_text(OXY_V_DECIMAL, "1E+5")}},
        {OXY_K_ENUM, {value_text(OXY_V_TEXT, "in transit")}},
        {OXY_K_INET, {value_text(OXY_V_INET, "192.0.2.1/24"), value_text(OXY_V_INET, "::1")}},
        {OXY_K_JSONB, {value_text(OXY_V_JSON, "{\"a\":[1,null]}")}},
    };
    size_t i, k;

    (void)state;
    for (i = 0; i < OXY_COUNT(cases); i++) {
        oxy_array list = {.elem = cases[i].kind, .n = 4, .items = cases[i].values}; /* unused ones are NULL */
        oxy_value v = {.tag = OXY_V_ARRAY, .array = &list}, rows[] = {v, {.tag = OXY_V_NULL}, v};
        oxy_array outer = {.elem = cases[i].kind, .n = 3, .items = rows};

        for (k = 0; k < 4 && cases[i].values[k].tag != OXY_V_NULL; k++)
            assert_round_trip((oxy_type){.kind = cases[i].kind}, cases[i].values[k]);
        assert_round_trip(array_of(cases[i].kind, 1), v);
        assert_round_trip(array_of(cases[i].kind, 2), (oxy_value){.tag = OXY_V_ARRAY, .array = &outer});
    }
}

/* Numbers without end from one seed. */
static uint64_t draw(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9E3779B97F4A7C15);

    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static void test_drawn_values_come_back(void **state)
{
    int64_t first = INT64_C(-354285) * DAY;
    uint64_t span = (uint64_t)(OXY_DATETIME_MAX - first) + 1, seed = 42, bits;
    oxy_type delta = {.kind = OXY_K_TIME}, back_type = {.kind = OXY_K_TIMEDELTA};
    char text[OXY_TEXT_MAX];
    unsigned char room[16];
    oxy_value v, stored, back;
    double d;
    float f;
    int i;

    (void)state;
    for (i = 0; i < 20000; i++) {
        int64_t micros = first + (int64_t)(draw(&seed) % span);

        if (i % 2 == 0)
            micros -= ((micros % 1000000) + 1000000) % 1000000;
        if (micros < first)
            micros = first;
        assert_round_trip((oxy_type){.kind = OXY_K_DATETIME}, value_int(OXY_V_DATETIME, micros));
        assert_round_trip((oxy_type){.kind = OXY_K_DATE}, value_int(OXY_V_DATE, micros / DAY));
        assert_round_trip((oxy_type){.kind = OXY_K_TIME},
                          value_int(OXY_V_TIME, (int64_t)(draw(&seed) % (uint64_t)DAY)));
        assert_round_trip((oxy_type){.kind = OXY_K_INT}, value_int(OXY_V_INT, (int64_t)draw(&seed)));
        bits = draw(&seed);
        memcpy(&d, &bits, sizeof d);
        if (isfinite(d))
            assert_round_trip((oxy_type){.kind = OXY_K_DOUBLE}, value_double(d));
        /* A span in a TIME column. */
        v = value_int(OXY_V_TIMEDELTA, (int64_t)(draw(&seed) % UINT64_C(6040798000001)) - INT64_C(3020399000000));
        assert_int_equal(encode_as(&delta, v, &stored, NULL), OXY_OK);
        assert_int_equal(decode_as(&back_type, sent_back(&stored, room), &back, NULL), OXY_OK);
        assert_true(same_value(&v, &back));
        /* A FLOAT reads as a double that is that float, and has at most nine digits. */
        memcpy(&f, &bits, sizeof f);
        if (isfinite(f)) {
            column(T_FLOAT, 0);
            back_type.kind = OXY_K_DOUBLE;
            assert_int_equal(decode_as(&back_type, cell_double((double)f), &back, NULL), OXY_OK);
            assert_true((float)back.d == f);
            (void)snprintf(text, sizeof text, "%.8e", back.d);
            assert_true(strtod(text, NULL) == back.d || fabsf(f) < 0x1p24F);
            back_type.kind = OXY_K_TIMEDELTA;
        }
    }
}

/* The driver sends a value as the type in wire; only decimals name one. */
static void test_no_value_but_a_decimal_names_a_wire_type(void **state)
{
    static const uint8_t tags[] = {OXY_V_BOOL,     OXY_V_INT,  OXY_V_UINT, OXY_V_DOUBLE,   OXY_V_TEXT,
                                   OXY_V_DATETIME, OXY_V_DATE, OXY_V_TIME, OXY_V_TIMEDELTA};
    oxy_value in, out;
    oxy_type any = {.kind = OXY_K_UNKNOWN};
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(tags); i++) {
        in = (oxy_value){.tag = tags[i], .wire = 77};
        assert_int_equal(encode_as(&any, in, &out, NULL), OXY_OK);
        assert_int_equal(out.wire, 0);
    }
}

static void test_impossible_tags_are_refused_not_read(void **state)
{
    oxy_type type = {.kind = OXY_K_TEXT};
    oxy_value v = {.tag = OXY_V_COUNT}, out;
    oxy_err err;

    (void)state;
    assert_int_equal(oxy_codec_mysql.encode(&v, &type, &scratch, &out, &err), OXY_INTERNAL);
    type.kind = (oxy_kind)77;
    v.tag = OXY_V_INT;
    assert_int_equal(oxy_codec_mysql.encode(&v, &type, &scratch, &out, &err), OXY_INTERNAL);
}

/* --- without memory ------------------------------------------------------------------------------------------ */

static oxy_rc decode_and_encode(const oxy_alloc *alloc, void *arg)
{
    static const char list[] = "[[\"a\\n\",\"b\"],null,[\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\"]]";
    oxy_type texts = {.kind = OXY_K_ARRAY, .elem = OXY_K_TEXT, .ndim = 2}, text = {.kind = OXY_K_TEXT};
    oxy_type uuid_type = {.kind = OXY_K_UUID}, decimal = {.kind = OXY_K_DECIMAL};
    oxy_cell cell = {.tag = OXY_C_TEXT, .p = list, .len = sizeof list - 1}, date = WIRE("\xE8\x07\x02\x1D");
    oxy_coldesc json = {.wire_type = T_JSON}, day = {.wire_type = T_DATE};
    oxy_value v, out, uuid = {.tag = OXY_V_UUID}, number = value_int(OXY_V_INT, 5);
    oxy_arena arena;
    oxy_err err;
    oxy_rc rc;
    int i;

    (void)arg;
    oxy_arena_init(&arena, alloc, SIZE_MAX);
    rc = oxy_codec_mysql.decode[OXY_K_ARRAY](&cell, &json, &texts, &arena, &v, &err);
    for (i = 0; i < 200 && rc == OXY_OK; i++) {
        rc = oxy_codec_mysql.encode(&v, &texts, &arena, &out, &err);
        if (rc == OXY_OK)
            rc = oxy_codec_mysql.encode(&uuid, &uuid_type, &arena, &out, &err);
        if (rc == OXY_OK)
            rc = oxy_codec_mysql.encode(&number, &decimal, &arena, &out, &err);
        if (rc == OXY_OK)
            rc = oxy_codec_mysql.decode[OXY_K_TEXT](&date, &day, &text, &arena, &out, &err);
    }
    if (rc != OXY_OK)
        assert_int_equal(err.rc, rc);
    oxy_arena_fini(&arena);
    return rc;
}

static void test_codec_survives_every_allocation_failure(void **state)
{
    (void)state;
    assert_true(fail_torture(decode_and_encode, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_beyond_the_column_are_refused_blanks_or_not),
        cmocka_unit_test(test_null_is_null_for_every_kind),
        cmocka_unit_test(test_numbers_are_stored_exactly_or_not_at_all),
        cmocka_unit_test(test_values_of_float_columns_have_four_bytes),
        cmocka_unit_test(test_decimals_are_sent_as_decimals_and_respect_the_column),
        cmocka_unit_test(test_datetimes_stay_and_are_in_utc),
        cmocka_unit_test(test_a_compared_date_need_not_fit_the_column),
        cmocka_unit_test(test_fractions_that_the_column_would_round_are_refused),
        cmocka_unit_test(test_times_and_spans),
        cmocka_unit_test(test_the_rest),
        cmocka_unit_test(test_json_integers_that_would_be_rounded_are_refused),
        cmocka_unit_test(test_values_of_every_kind_come_back_alone_and_in_lists),
        cmocka_unit_test(test_drawn_values_come_back),
        cmocka_unit_test(test_no_value_but_a_decimal_names_a_wire_type),
        cmocka_unit_test(test_impossible_tags_are_refused_not_read),
        cmocka_unit_test(test_codec_survives_every_allocation_failure),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
