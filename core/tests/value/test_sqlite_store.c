/* SPDX-License-Identifier: MIT */
/* Promises of the SQLite codec about storing: the form of each value, what is
 * refused, and that what was stored comes back. */
#include "codec_cases.h"

#include <float.h>
#include <math.h>

/* --- storing ---------------------------------------------------------------------------------------------- */

static void test_numbers_are_stored_exactly_or_not_at_all(void **state)
{
    (void)state;
    assert_stores(OXY_K_BOOL, value_int(OXY_V_BOOL, 1), value_int(OXY_V_INT, 1));
    assert_stores(OXY_K_BOOL, value_int(OXY_V_INT, 0), value_int(OXY_V_INT, 0));
    assert_keeps_out(OXY_K_BOOL, value_int(OXY_V_INT, 2), "neither 0 nor 1");
    assert_stores(OXY_K_INT, value_int(OXY_V_INT, INT64_MIN), value_int(OXY_V_INT, INT64_MIN));
    assert_stores(OXY_K_INT, value_int(OXY_V_BOOL, 1), value_int(OXY_V_INT, 1));
    assert_stores(OXY_K_INT, value_double(3), value_int(OXY_V_INT, 3));
    assert_stores(OXY_K_INT, value_text(OXY_V_DECIMAL, "3.00"), value_int(OXY_V_INT, 3));
    assert_stores(OXY_K_INT, value_text(OXY_V_TEXT, "-9223372036854775808"), value_int(OXY_V_INT, INT64_MIN));
    assert_stores(OXY_K_INT, value_int(OXY_V_TIMEDELTA, 9), value_int(OXY_V_INT, 9));
    assert_keeps_out(OXY_K_INT, value_uint(UINT64_MAX), "64 bits");
    assert_keeps_out(OXY_K_UNKNOWN, value_uint(UINT64_MAX), "64 bits");
    assert_keeps_out(OXY_K_INT, value_text(OXY_V_DECIMAL, "9223372036854775808"), "64 bits");
    assert_keeps_out(OXY_K_INT, value_text(OXY_V_DECIMAL, "1e400"), "64 bits");
    assert_keeps_out(OXY_K_INT, value_text(OXY_V_DECIMAL, "3.5"), "whole number");
    assert_keeps_out(OXY_K_INT, value_text(OXY_V_DECIMAL, "Infinity"), "whole number");
    assert_keeps_out(OXY_K_INT, value_text(OXY_V_TEXT, "three"), "not a number");
    assert_keeps_out(OXY_K_INT, value_double(2.5), "whole number");
    assert_keeps_out(OXY_K_INT, value_double(INFINITY), "whole number");
    assert_keeps_out(OXY_K_INT, value_double(0x1p63), "64 bits");
    assert_keeps_out(OXY_K_INT, value_text(OXY_V_BLOB, "1"), "bytes");
    assert_stores(OXY_K_DOUBLE, value_double(-INFINITY), value_double(-INFINITY));
    assert_stores(OXY_K_DOUBLE, value_int(OXY_V_INT, 5), value_double(5));
    assert_stores(OXY_K_DOUBLE, value_text(OXY_V_DECIMAL, "0.1"), value_double(0.1));
    assert_stores(OXY_K_DOUBLE, value_int(OXY_V_BOOL, 1), value_double(1));
    assert_keeps_out(OXY_K_DOUBLE, value_double(NAN), "NaN");
    assert_keeps_out(OXY_K_UNKNOWN, value_double(NAN), "NaN");
    assert_keeps_out(OXY_K_TEXT, value_double(NAN), "NaN");
    assert_keeps_out(OXY_K_DOUBLE, value_int(OXY_V_INT, INT64_MAX), "exactly");
    assert_keeps_out(OXY_K_DOUBLE, value_uint(UINT64_MAX), "exactly");
    assert_keeps_out(OXY_K_DOUBLE, value_text(OXY_V_DECIMAL, "0.10000000000000000001"), "exactly");
    assert_keeps_out(OXY_K_DOUBLE, value_text(OXY_V_DECIMAL, "NaN"), "NaN");
    assert_keeps_out(OXY_K_DOUBLE, value_text(OXY_V_UUID, "x"), "UUID");
    assert_stores(OXY_K_TIMEDELTA, value_int(OXY_V_TIMEDELTA, -1), value_int(OXY_V_INT, -1));
    assert_stores(OXY_K_INTERVAL, value_int(OXY_V_INT, 1), value_int(OXY_V_INT, 1));
    assert_keeps_out(OXY_K_TIMEDELTA, value_int(OXY_V_BOOL, 1), "boolean");
}

static void test_decimals_keep_their_scale_and_respect_the_column(void **state)
{
    oxy_type plain = {.kind = OXY_K_DECIMAL};
    oxy_type money = {.kind = OXY_K_DECIMAL, .size = 6, .scale = 2, .has_scale = true};
    oxy_type whole = {.kind = OXY_K_DECIMAL, .size = 3};
    oxy_type scale_only = {.kind = OXY_K_DECIMAL, .scale = 1, .has_scale = true};
    oxy_type fraction = {.kind = OXY_K_DECIMAL, .size = 2, .scale = 2, .has_scale = true};
    static const char *const fits_money[] = {"0",   "0.00",        "1.50", "1.5000",   "-9999.99", "9999.990", "0.01",
                                             "1e3", "00009999.99", "0e99", "-0.00000", "1E+3",     "12e-2"};
    static const char *const too_fine[] = {"1.505", "0.001", "-9999.999", "1e-3"};
    static const char *const too_big[] = {"10000", "-10000.00", "99999.9", "1e4", "1e999999"};
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(fits_money); i++)
        assert_stores_type(money, value_text(OXY_V_DECIMAL, fits_money[i]), value_text(OXY_V_TEXT, fits_money[i]));
    for (i = 0; i < OXY_COUNT(too_fine); i++)
        assert_keeps_out_type(money, value_text(OXY_V_DECIMAL, too_fine[i]), "fraction digits");
    for (i = 0; i < OXY_COUNT(too_big); i++)
        assert_keeps_out_type(money, value_text(OXY_V_DECIMAL, too_big[i]), "more digits");
    assert_stores_type(plain, value_text(OXY_V_DECIMAL, "1234567890.123456789000"),
                       value_text(OXY_V_TEXT, "1234567890.123456789000"));
    assert_stores_type(plain, value_text(OXY_V_DECIMAL, "-Infinity"), value_text(OXY_V_TEXT, "-Infinity"));
    assert_keeps_out_type(plain, value_text(OXY_V_DECIMAL, "NaN"), "NaN");
    assert_keeps_out_type(plain, value_text(OXY_V_TEXT, "many"), "not a number");
    assert_stores_type(whole, value_text(OXY_V_DECIMAL, "999.000"), value_text(OXY_V_TEXT, "999.000"));
    assert_keeps_out_type(whole, value_text(OXY_V_DECIMAL, "1.5"), "fraction digits");
    assert_keeps_out_type(whole, value_int(OXY_V_INT, 1000), "more digits");
    assert_stores_type(scale_only, value_text(OXY_V_DECIMAL, "1234567.5"), value_text(OXY_V_TEXT, "1234567.5"));
    assert_keeps_out_type(scale_only, value_text(OXY_V_DECIMAL, "1.25"), "fraction digits");
    assert_stores_type(fraction, value_text(OXY_V_DECIMAL, "0.99"), value_text(OXY_V_TEXT, "0.99"));
    assert_keeps_out_type(fraction, value_text(OXY_V_DECIMAL, "1"), "more digits");
    assert_stores_type(plain, value_int(OXY_V_INT, -5), value_text(OXY_V_TEXT, "-5"));
    assert_stores_type(plain, value_double(0.1), value_text(OXY_V_TEXT, "0.1"));
    assert_keeps_out_type(plain, value_double(NAN), "NaN");
    assert_keeps_out_type(plain, value_int(OXY_V_BOOL, 1), "boolean");
}

static void test_datetimes_are_stored_as_text_in_utc(void **state)
{
    (void)state;
    assert_stores_text(OXY_K_DATETIME, value_int(OXY_V_DATETIME, 0), "1970-01-01 00:00:00");
    assert_stores_text(OXY_K_DATETIME, value_int(OXY_V_DATETIME, 10), "1970-01-01 00:00:00.000010");
    assert_stores_text(OXY_K_DATETIME, value_int(OXY_V_DATETIME_UTC, 0), "1970-01-01 00:00:00");
    assert_stores_text(OXY_K_DATETIME_UTC, value_int(OXY_V_DATETIME, 0), "1970-01-01 00:00:00");
    assert_stores_text(OXY_K_DATETIME_UTC, value_int(OXY_V_DATETIME_UTC, OXY_DATETIME_MIN), "0001-01-01 00:00:00");
    assert_stores_text(OXY_K_DATETIME_UTC, value_int(OXY_V_DATETIME_UTC, OXY_DATETIME_MAX),
                       "9999-12-31 23:59:59.999999");
    assert_stores_text(OXY_K_UNKNOWN, value_int(OXY_V_DATETIME_UTC, 0), "1970-01-01 00:00:00");
    assert_stores_text(OXY_K_TEXT, value_int(OXY_V_DATETIME_UTC, 0), "1970-01-01 00:00:00+00:00");
    assert_stores_text(OXY_K_TEXT, value_int(OXY_V_DATETIME, 0), "1970-01-01 00:00:00");
    assert_stores_text(OXY_K_DATETIME, value_int(OXY_V_DATE, 1), "1970-01-02 00:00:00");
    assert_stores_text(OXY_K_DATETIME, value_text(OXY_V_TEXT, "1970-01-01T02:00+02:00"), "1970-01-01 00:00:00");
    assert_keeps_out(OXY_K_DATETIME_UTC, value_int(OXY_V_DATETIME_UTC, OXY_DATETIME_MAX + 1), "years 1 to 9999");
    assert_keeps_out(OXY_K_DATETIME_UTC, value_int(OXY_V_DATETIME_UTC, OXY_DATETIME_MIN - 1), "years 1 to 9999");
    assert_keeps_out(OXY_K_DATETIME, value_int(OXY_V_DATE, INT64_MAX), "years 1 to 9999");
    assert_keeps_out(OXY_K_DATETIME, value_text(OXY_V_TEXT, "soon"), "not a date and time");
    assert_keeps_out(OXY_K_DATETIME, value_int(OXY_V_TIME, 0), "time");
    assert_keeps_out(OXY_K_DATETIME, value_int(OXY_V_INT, 0), "integer");
}

static void test_dates_and_times_are_stored_as_iso_text(void **state)
{
    oxy_value zoned = {.tag = OXY_V_TIMETZ, .i = 0, .tz = 3600};

    (void)state;
    assert_stores_text(OXY_K_DATE, value_int(OXY_V_DATE, -719162), "0001-01-01");
    assert_stores_text(OXY_K_DATE, value_int(OXY_V_DATE, 2932896), "9999-12-31");
    assert_stores_text(OXY_K_DATE, value_int(OXY_V_DATETIME, -DAY), "1969-12-31");
    assert_stores_text(OXY_K_DATE, value_text(OXY_V_TEXT, "2024-02-29"), "2024-02-29");
    assert_keeps_out(OXY_K_DATE, value_int(OXY_V_DATE, 2932897), "years 1 to 9999");
    assert_keeps_out(OXY_K_DATE, value_int(OXY_V_DATETIME, 1), "time of day");
    assert_keeps_out(OXY_K_DATE, value_text(OXY_V_TEXT, "2023-02-29"), "not a date");
    assert_stores_text(OXY_K_TIME, value_int(OXY_V_TIME, DAY - 1), "23:59:59.999999");
    assert_stores_text(OXY_K_TIME, value_text(OXY_V_TEXT, "08:00"), "08:00:00");
    assert_keeps_out(OXY_K_TIME, value_int(OXY_V_TIME, DAY), "one day");
    assert_keeps_out(OXY_K_TIME, value_int(OXY_V_TIME, -1), "one day");
    assert_keeps_out(OXY_K_TIME, zoned, "TIMETZ");
    assert_keeps_out(OXY_K_TIME, value_text(OXY_V_TEXT, "08:00Z"), "without a zone");
    assert_stores_text(OXY_K_TEXT, zoned, "00:00:00+01:00");
}

static void test_text_bytes_and_uuids(void **state)
{
    oxy_value uuid = {.tag = OXY_V_UUID, .uuid = {0xAB}};
    oxy_value raw = {.tag = OXY_V_BLOB, .s = {"\xAB\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16}};

    (void)state;
    assert_stores_text(OXY_K_STRING, value_text(OXY_V_TEXT, "x"), "x");
    assert_stores_text(OXY_K_ENUM, value_text(OXY_V_TEXT, "new"), "new");
    assert_stores_text(OXY_K_TEXT, value_int(OXY_V_INT, -3), "-3");
    assert_stores_text(OXY_K_TEXT, value_uint(UINT64_MAX), "18446744073709551615");
    assert_stores_text(OXY_K_TEXT, value_double(0.5), "0.5");
    assert_stores_text(OXY_K_TEXT, value_int(OXY_V_BOOL, 1), "1");
    assert_stores_text(OXY_K_TEXT, value_text(OXY_V_DECIMAL, "1.50"), "1.50");
    assert_keeps_out(OXY_K_TEXT, value_text(OXY_V_DECIMAL, "NaN"), "NaN");
    assert_stores_text(OXY_K_TEXT, value_text(OXY_V_JSON, "[]"), "[]");
    assert_stores_text(OXY_K_TEXT, uuid, "ab000000-0000-0000-0000-000000000000");
    assert_keeps_out(OXY_K_TEXT, value_text(OXY_V_BLOB, "x"), "bytes");
    assert_stores(OXY_K_BLOB, value_text(OXY_V_BLOB, "x"), value_text(OXY_V_BLOB, "x"));
    assert_stores(OXY_K_UNKNOWN, value_text(OXY_V_BLOB, "x"), value_text(OXY_V_BLOB, "x"));
    assert_stores(OXY_K_BLOB, value_text(OXY_V_TEXT, "x"), value_text(OXY_V_BLOB, "x"));
    assert_stores(OXY_K_BLOB, uuid, raw);
    assert_keeps_out(OXY_K_BLOB, value_int(OXY_V_INT, 1), "integer");
    assert_stores_text(OXY_K_UUID, uuid, "ab000000-0000-0000-0000-000000000000");
    assert_stores_text(OXY_K_UUID, value_text(OXY_V_TEXT, "AB000000000000000000000000000000"),
                       "ab000000-0000-0000-0000-000000000000");
    assert_keeps_out(OXY_K_UUID, value_text(OXY_V_TEXT, "AB00"), "not a UUID");
    assert_keeps_out(OXY_K_UUID, value_text(OXY_V_BLOB, "AB00"), "bytes");
}

static void test_json_and_lists_are_stored_as_text(void **state)
{
    oxy_value items[] = {value_text(OXY_V_TEXT, "a"), {.tag = OXY_V_NULL}};
    oxy_array list = {.elem = OXY_K_TEXT, .n = 2, .items = items};
    oxy_value v = {.tag = OXY_V_ARRAY, .array = &list};
    oxy_type dates = array_of(OXY_K_DATETIME_UTC, 1), naive = array_of(OXY_K_DATETIME, 1);
    oxy_type money = {.kind = OXY_K_ARRAY, .elem = OXY_K_DECIMAL, .ndim = 1, .size = 4, .scale = 2, .has_scale = true};

    (void)state;
    assert_stores_type(array_of(OXY_K_TEXT, 1), v, value_text(OXY_V_TEXT, "[\"a\",null]"));
    assert_stores_text(OXY_K_JSON, v, "[\"a\",null]");
    assert_stores_text(OXY_K_UNKNOWN, v, "[\"a\",null]");
    assert_stores_text(OXY_K_TEXT, v, "[\"a\",null]");
    assert_stores_text(OXY_K_JSON, value_text(OXY_V_JSON, "{\"a\":1}"), "{\"a\":1}");
    assert_stores_text(OXY_K_JSONB, value_text(OXY_V_TEXT, "a"), "\"a\"");
    assert_stores_text(OXY_K_JSONB, value_uint(UINT64_MAX), "18446744073709551615");
    assert_stores_text(OXY_K_ARRAY, value_text(OXY_V_JSON, "[1]"), "[1]");
    assert_keeps_out(OXY_K_ARRAY, value_text(OXY_V_TEXT, "[1]"), "text");
    list.n = 0;
    assert_stores_type(array_of(OXY_K_TEXT, 1), v, value_text(OXY_V_TEXT, "[]"));
    list.n = 1;
    items[0] = value_int(OXY_V_DATETIME, 0);
    assert_stores_type(dates, v, value_text(OXY_V_TEXT, "[\"1970-01-01T00:00:00Z\"]"));
    items[0] = value_int(OXY_V_DATETIME_UTC, 0);
    assert_stores_type(naive, v, value_text(OXY_V_TEXT, "[\"1970-01-01T00:00:00\"]"));
    items[0] = value_int(OXY_V_DATETIME, OXY_DATETIME_MAX + 1);
    assert_keeps_out_type(naive, v, "years 1 to 9999");
    items[0] = value_int(OXY_V_DATE, 99999999);
    assert_keeps_out_type(array_of(OXY_K_DATE, 1), v, "years 1 to 9999");
    items[0] = value_double(INFINITY);
    assert_keeps_out_type(array_of(OXY_K_DOUBLE, 1), v, "no NaN and no infinity");
    assert_keeps_out(OXY_K_JSON, v, "no NaN and no infinity");
    items[0] = value_text(OXY_V_DECIMAL, "Infinity");
    assert_keeps_out_type(array_of(OXY_K_DECIMAL, 1), v, "no NaN and no infinity");
    items[0] = value_text(OXY_V_DECIMAL, "1.234");
    assert_keeps_out_type(money, v, "fraction digits");
    items[0] = value_text(OXY_V_DECIMAL, "1.230");
    assert_stores_type(money, v, value_text(OXY_V_TEXT, "[\"1.230\"]"));
    items[0] = value_uint(UINT64_MAX);
    assert_keeps_out_type(array_of(OXY_K_INT, 1), v, "64 bits");
    items[0] = (oxy_value){.tag = OXY_V_TIMETZ};
    assert_keeps_out_type(array_of(OXY_K_TIME, 1), v, "TIMETZ");
    items[0] = v; /* without end */
    assert_keeps_out_type(array_of(OXY_K_INT, 1), v, "nested too deep");
}

/* --- both ways --------------------------------------------------------------------------------------------- */

static void assert_round_trip(oxy_type type, oxy_value v)
{
    oxy_value stored, back;
    oxy_cell cell = {.tag = OXY_C_NULL};
    oxy_err err;

    if (encode_as(&type, v, &stored, &err) != OXY_OK)
        fail_msg("%s: %s", oxy_kind_name(type.kind), err.message);
    switch ((oxy_tag)stored.tag) {
    case OXY_V_INT: cell = cell_int(stored.i); break;
    case OXY_V_DOUBLE: cell = cell_double(stored.d); break;
    case OXY_V_TEXT: cell = (oxy_cell){.tag = OXY_C_TEXT, .p = stored.s.p, .len = (uint32_t)stored.s.len}; break;
    case OXY_V_BLOB: cell = cell_blob(stored.s.p, (uint32_t)stored.s.len); break;
    default: fail_msg("tag %d is nothing that SQLite takes", stored.tag);
    }
    if (decode_as(&type, cell, &back, &err) != OXY_OK)
        fail_msg("%s: %s", oxy_kind_name(type.kind), err.message);
    if (!same_value(&back, &v))
        fail_msg("%s: another value", oxy_kind_name(type.kind));
}

static void test_values_of_every_kind_come_back_alone_and_in_lists(void **state)
{
    oxy_value uuid = {.tag = OXY_V_UUID, .uuid = {1, 2, 3, 255}};
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
        {OXY_K_DATETIME, {value_int(OXY_V_DATETIME, OXY_DATETIME_MIN), value_int(OXY_V_DATETIME, OXY_DATETIME_MAX)}},
        {OXY_K_DATETIME_UTC, {value_int(OXY_V_DATETIME_UTC, OXY_DATETIME_MIN), value_int(OXY_V_DATETIME_UTC, -1)}},
        {OXY_K_DATE, {value_int(OXY_V_DATE, -719162), value_int(OXY_V_DATE, 2932896)}},
        {OXY_K_TIME, {value_int(OXY_V_TIME, 0), value_int(OXY_V_TIME, DAY - 1)}},
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

static void test_a_value_may_be_encoded_in_place(void **state)
{
    oxy_type type = {.kind = OXY_K_UUID};
    oxy_value v = {.tag = OXY_V_UUID, .uuid = {0x12}};

    (void)state;
    assert_int_equal(oxy_codec_sqlite.encode(&v, &type, &scratch, &v, NULL), OXY_OK);
    assert_int_equal(v.s.len, 36);
    assert_memory_equal(v.s.p, "12000000-", 9);
}

static void test_impossible_tags_are_refused_not_read(void **state)
{
    oxy_type type = {.kind = OXY_K_TEXT};
    oxy_value v = {.tag = OXY_V_COUNT}, out;
    oxy_err err;

    (void)state;
    assert_int_equal(oxy_codec_sqlite.encode(&v, &type, &scratch, &out, &err), OXY_INTERNAL);
    type.kind = (oxy_kind)77;
    v.tag = OXY_V_INT;
    assert_int_equal(oxy_codec_sqlite.encode(&v, &type, &scratch, &out, &err), OXY_INTERNAL);
}

/* --- without memory ------------------------------------------------------------------------------------------ */

static oxy_rc decode_and_encode(const oxy_alloc *alloc, void *arg)
{
    static const char list[] = "[[\"a\\n\",\"b\"],null,[\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\"]]";
    oxy_type texts = {.kind = OXY_K_ARRAY, .elem = OXY_K_TEXT, .ndim = 2};
    oxy_cell cell = {.tag = OXY_C_TEXT, .p = list, .len = sizeof list - 1};
    oxy_type uuid_type = {.kind = OXY_K_UUID};
    oxy_value v, out, uuid = {.tag = OXY_V_UUID};
    oxy_arena arena;
    oxy_err err;
    oxy_rc rc;
    int i;

    (void)arg;
    oxy_arena_init(&arena, alloc, SIZE_MAX);
    rc = oxy_codec_sqlite.decode[OXY_K_ARRAY](&cell, NULL, &texts, &arena, &v, &err);
    for (i = 0; i < 200 && rc == OXY_OK; i++) {
        rc = oxy_codec_sqlite.encode(&v, &texts, &arena, &out, &err);
        if (rc == OXY_OK)
            rc = oxy_codec_sqlite.encode(&uuid, &uuid_type, &arena, &out, &err);
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
        cmocka_unit_test(test_numbers_are_stored_exactly_or_not_at_all),
        cmocka_unit_test(test_decimals_keep_their_scale_and_respect_the_column),
        cmocka_unit_test(test_datetimes_are_stored_as_text_in_utc),
        cmocka_unit_test(test_dates_and_times_are_stored_as_iso_text),
        cmocka_unit_test(test_text_bytes_and_uuids),
        cmocka_unit_test(test_json_and_lists_are_stored_as_text),
        cmocka_unit_test(test_values_of_every_kind_come_back_alone_and_in_lists),
        cmocka_unit_test(test_a_value_may_be_encoded_in_place),
        cmocka_unit_test(test_impossible_tags_are_refused_not_read),
        cmocka_unit_test(test_codec_survives_every_allocation_failure),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
