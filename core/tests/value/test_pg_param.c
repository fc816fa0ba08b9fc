/* SPDX-License-Identifier: MIT */
/* Promises about parameters whose type the server tells: which other type is
 * asked for, what is sent in text, and what does not fit. */
#include "pg_cases.h"

#include <math.h>

enum {
    BOOL = 16,
    BYTEA = 17,
    NAME = 19,
    INT8 = 20,
    INT2 = 21,
    INT4 = 23,
    TEXT = 25,
    OID = 26,
    JSON = 114,
    FLOAT4 = 700,
    FLOAT8 = 701,
    MONEY = 790,
    INET = 869,
    BOOLS = 1000,
    INT2S = 1005,
    INT4S = 1007,
    TEXTS = 1009,
    VARCHARS = 1015,
    INT8S = 1016,
    FLOAT8S = 1022,
    VARCHAR = 1043,
    DATE = 1082,
    TIME = 1083,
    TIMESTAMP = 1114,
    TIMESTAMPTZ = 1184,
    DATES = 1182,
    INTERVAL = 1186,
    NUMERICS = 1231,
    TIMETZ = 1266,
    NUMERIC = 1700,
    UUID = 2950,
    UUIDS = 2951,
    JSONB = 3802,
    JSONBS = 3807,
    ENUM = 16500
};

/* --- which type ------------------------------------------------------------------------------- */

static uint32_t asked(oxy_value v, uint32_t oid)
{
    return oxy_pg_param_oid(&v, oid);
}

static void test_what_would_be_read_as_text_is_sent_as_it_is(void **state)
{
    static const uint32_t texts[] = {TEXT, VARCHAR, 1042, NAME, 705, 0};
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(texts); i++) {
        assert_int_equal(asked(value_int(OXY_V_INT, 1), texts[i]), INT8);
        assert_int_equal(asked(value_double(1), texts[i]), FLOAT8);
        assert_int_equal(asked(value_int(OXY_V_BOOL, 1), texts[i]), BOOL);
        assert_int_equal(asked(value_uint(UINT64_MAX), texts[i]), NUMERIC);
        assert_int_equal(asked(value_text(OXY_V_DECIMAL, "1"), texts[i]), NUMERIC);
        assert_int_equal(asked(value_text(OXY_V_BLOB, "x"), texts[i]), BYTEA);
        assert_int_equal(asked(value_int(OXY_V_DATE, 0), texts[i]), DATE);
        assert_int_equal(asked(value_int(OXY_V_TIMEDELTA, 0), texts[i]), INTERVAL);
        assert_int_equal(asked(value_text(OXY_V_JSON, "{}"), texts[i]), JSONB);
        assert_int_equal(asked(LIST(value_int(OXY_V_INT, 1)), texts[i]), INT8S);
        assert_int_equal(asked((oxy_value){.tag = OXY_V_NULL}, texts[i]), texts[i]);
        assert_int_equal(asked(value_text(OXY_V_TEXT, "x"), texts[i]), texts[i] == 0 ? TEXT : texts[i]);
    }
}

static void test_integers_that_do_not_fit_are_sent_as_bigint(void **state)
{
    (void)state;
    assert_int_equal(asked(value_int(OXY_V_INT, INT32_MAX), INT4), INT4);
    assert_int_equal(asked(value_int(OXY_V_INT, INT64_C(1) << 31), INT4), INT8);
    assert_int_equal(asked(value_int(OXY_V_INT, -32769), INT2), INT8);
    assert_int_equal(asked(value_int(OXY_V_INT, -1), OID), INT8);
    assert_int_equal(asked(value_int(OXY_V_INT, INT64_MAX), INT8), INT8);
    assert_int_equal(asked(value_int(OXY_V_INT, INT64_MAX), NUMERIC), NUMERIC);
    assert_int_equal(asked(value_uint(UINT64_MAX), INT8), INT8);
    assert_int_equal(asked(LIST(value_int(OXY_V_INT, 1), value_int(OXY_V_INT, INT64_MAX)), INT4S), INT8S);
    assert_int_equal(asked(LIST(value_int(OXY_V_INT, 1)), INT4S), INT4S);
    assert_int_equal(asked(LIST(LIST(value_int(OXY_V_INT, 40000))), INT2S), INT8S);
}

static void test_other_types_are_the_server_s(void **state)
{
    (void)state;
    assert_int_equal(asked(value_int(OXY_V_INT, 1), FLOAT8), FLOAT8);
    assert_int_equal(asked(value_int(OXY_V_DATE, 1), TIMESTAMP), TIMESTAMP);
    assert_int_equal(asked(value_text(OXY_V_JSON, "{}"), JSON), JSON);
    assert_int_equal(asked(value_int(OXY_V_INT, 1), ENUM), ENUM);
    assert_int_equal(asked(LIST(value_text(OXY_V_TEXT, "a")), JSONB), JSONB);
    assert_int_equal(asked(LIST(value_int(OXY_V_INT, 1)), 20000), 20000);
    assert_int_equal(asked((oxy_value){.tag = OXY_V_WIRE, .wire = DATE}, TEXT), DATE);
}

static void test_lists_take_the_type_of_their_items(void **state)
{
    oxy_value null = {.tag = OXY_V_NULL}, one = value_int(OXY_V_INT, 1);

    (void)state;
    assert_int_equal(asked(list_of(0, NULL), 0), TEXTS);
    assert_int_equal(asked(LIST(null), TEXT), TEXTS);
    assert_int_equal(asked(LIST(null, one), TEXT), INT8S);
    assert_int_equal(asked(LIST(one, value_double(1.5)), TEXTS), FLOAT8S);
    assert_int_equal(asked(LIST(one, value_text(OXY_V_DECIMAL, "1.5")), VARCHARS), NUMERICS);
    assert_int_equal(asked(LIST(one, value_text(OXY_V_TEXT, "x")), VARCHARS), VARCHARS);
    assert_int_equal(asked(LIST(value_text(OXY_V_TEXT, "x")), TEXT), TEXTS);
    assert_int_equal(asked(LIST(LIST(value_int(OXY_V_BOOL, 1))), TEXT), BOOLS);
    assert_int_equal(asked(LIST(value_int(OXY_V_DATE, 1)), 0), DATES);
    assert_int_equal(asked(LIST(value_text(OXY_V_JSON, "{}")), 0), JSONBS);
}

/* --- encoding ------------------------------------------------------------------------------------- */

static void assert_sends(oxy_value in, uint32_t oid, const char *hex)
{
    oxy_sv bytes = from_hex(hex);
    oxy_value out;
    oxy_err err;
    bool as_text;

    if (oxy_pg_encode_as(&in, oid, &scratch, &out, &as_text, &err) != OXY_OK)
        fail_msg("%s", err.message);
    assert_false(as_text);
    assert_int_equal(out.tag, OXY_V_WIRE);
    assert_int_equal(out.wire, oid);
    if (!oxy_sv_eq(out.s, bytes))
        fail_msg("tag %d as %u: other bytes", in.tag, oid);
}

static void assert_sends_text(oxy_value in, uint32_t oid, const char *expected)
{
    oxy_value out;
    oxy_err err;
    bool as_text;

    if (oxy_pg_encode_as(&in, oid, &scratch, &out, &as_text, &err) != OXY_OK)
        fail_msg("%s", err.message);
    assert_true(as_text);
    assert_int_equal(out.tag, OXY_V_TEXT);
    assert_string_equal(out.s.p, expected);
    assert_int_equal(out.s.len, strlen(expected));
}

static void assert_keeps_back(oxy_value in, uint32_t oid, const char *words, const char *type)
{
    oxy_value out;
    oxy_err err;
    bool as_text;

    if (oxy_pg_encode_as(&in, oid, &scratch, &out, &as_text, &err) != OXY_DATA)
        fail_msg("tag %d as %u: accepted", in.tag, oid);
    if (strstr(err.message, words) == NULL || strstr(err.message, type) == NULL)
        fail_msg("message: %s", err.message);
    assert_int_equal(oxy_pg_encode_as(&in, oid, &scratch, &out, &as_text, NULL), OXY_DATA);
}

static void test_strings_are_for_the_server_to_read(void **state)
{
    static const uint32_t oids[] = {BOOL, INT4, NUMERIC, DATE, UUID, JSONB, INET, INT4S, BYTEA, MONEY, ENUM};
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(oids); i++)
        assert_sends_text(value_text(OXY_V_TEXT, "2024-01-01"), oids[i], "2024-01-01");
    assert_sends(value_text(OXY_V_TEXT, "2024-01-01"), TEXT, "323032342d30312d3031");
    assert_sends(value_text(OXY_V_TEXT, "a"), VARCHAR, "61");
    assert_keeps_back((oxy_value){.tag = OXY_V_TEXT, .s = {"a\0b", 3}}, TEXT, "NUL", "text");
    assert_keeps_back((oxy_value){.tag = OXY_V_TEXT, .s = {"a\0b", 3}}, ENUM, "NUL", "type 16500");
}

static void test_null_and_encoded_values_stay(void **state)
{
    oxy_value in = {.tag = OXY_V_WIRE, .wire = DATE, .s = {"abcd", 4}}, out;
    oxy_err err;
    bool as_text;

    (void)state;
    assert_int_equal(oxy_pg_encode_as(&in, TEXT, &scratch, &out, &as_text, &err), OXY_OK);
    assert_true(out.tag == OXY_V_WIRE && out.wire == DATE && out.s.p == in.s.p && !as_text);
    in = (oxy_value){.tag = OXY_V_NULL};
    assert_int_equal(oxy_pg_encode_as(&in, DATE, &scratch, &out, &as_text, &err), OXY_OK);
    assert_true(out.tag == OXY_V_NULL && out.wire == DATE);
    assert_int_equal(oxy_pg_encode_as(&in, ENUM, &scratch, &out, &as_text, &err), OXY_OK);
    assert_int_equal(out.wire, 0);
}

static void test_numbers_fit_or_are_refused(void **state)
{
    (void)state;
    assert_sends(value_int(OXY_V_INT, -1), INT2, "ffff");
    assert_sends(value_int(OXY_V_BOOL, 1), INT4, "00000001");
    assert_sends(value_int(OXY_V_INT, UINT32_MAX), OID, "ffffffff");
    assert_sends(value_int(OXY_V_TIMEDELTA, 5), INT8, "0000000000000005");
    assert_keeps_back(value_int(OXY_V_INT, 32768), INT2, "out of range", "smallint");
    assert_keeps_back(value_int(OXY_V_INT, INT64_C(1) << 31), INT4, "out of range", "integer");
    assert_keeps_back(value_int(OXY_V_INT, -1), OID, "out of range", "oid");
    assert_keeps_back(value_uint(UINT64_MAX), INT8, "64 bits", "bigint");
    assert_keeps_back(value_double(2.5), INT4, "whole number", "integer");
    assert_keeps_back(value_text(OXY_V_JSON, "1"), INT4, "JSON", "integer");
    assert_sends(value_uint(UINT64_MAX), NUMERIC, "000500040000000007341a5802e103bb064f");
    assert_sends(value_double(1.5), NUMERIC, "000200000000000100011388");
    assert_sends(value_double(0.1), FLOAT4, "3dcccccd");
    assert_sends(value_double(-INFINITY), FLOAT4, "ff800000");
    assert_keeps_back(value_double(1e300), FLOAT4, "out of range", "real");
    assert_keeps_back(value_double(3.5e38), FLOAT4, "out of range", "real");
    assert_keeps_back(value_double(1e-300), FLOAT4, "out of range", "real");
    assert_keeps_back(value_int(OXY_V_DATE, 1), FLOAT8, "date", "double precision");
    assert_keeps_back(value_int(OXY_V_INT, 2), BOOL, "neither 0 nor 1", "boolean");
}

static void test_datetimes_become_the_other_kind_in_utc(void **state)
{
    oxy_value zoned = {.tag = OXY_V_TIMETZ, .i = 1, .tz = -3600};

    (void)state;
    assert_sends(value_int(OXY_V_DATETIME_UTC, 10957 * DAY), TIMESTAMP, "0000000000000000");
    assert_sends(value_int(OXY_V_DATETIME, 10957 * DAY), TIMESTAMPTZ, "0000000000000000");
    assert_sends(value_int(OXY_V_TIMEDELTA, DAY + 1), INTERVAL, "00000000000000010000000100000000");
    assert_sends(zoned, TIMETZ, "000000000000000100000e10");
    assert_sends(value_int(OXY_V_TIME, 1), TIMETZ, "000000000000000100000000");
    assert_keeps_back(zoned, TIME, "TIMETZ", "time");
    assert_keeps_back(value_int(OXY_V_DATETIME, 1), DATE, "time of day", "date");
    assert_keeps_back(value_int(OXY_V_INT, 1), TIMESTAMP, "integer", "timestamp");
}

static void test_lists_as_arrays_or_json(void **state)
{
    oxy_value one = value_int(OXY_V_INT, 1), word = value_text(OXY_V_TEXT, "a\"b"), null = {.tag = OXY_V_NULL};

    (void)state;
    assert_sends(LIST(one, null), INT4S, "00000001000000010000001700000002000000010000000400000001ffffffff");
    assert_sends(LIST(one, word), JSONB, "015b312c22615c2262225d");
    assert_sends(LIST(one), JSON, "5b315d");
    assert_sends(value_text(OXY_V_JSON, "{}"), JSONB, "017b7d");
    assert_sends(one, JSON, "31");
    assert_sends_text(LIST(one, word, null), INT4S, "{\"1\",\"a\\\"b\",NULL}");
    assert_sends_text(LIST(word), UUIDS, "{\"a\\\"b\"}");
    assert_sends_text(LIST(LIST(word), LIST(null)), 20000, "{{\"a\\\"b\"},{NULL}}");
    assert_sends_text(list_of(0, NULL), 20000, "{}");
    assert_sends_text(LIST(word, null), 1020, "{\"a\\\"b\";NULL}"); /* box[] */
    assert_keeps_back(LIST(one), INT4, "list", "integer");
    assert_keeps_back(value_int(OXY_V_INT, 1), INT4S, "integer", "integer[]");
    assert_keeps_back(LIST(value_int(OXY_V_INT, INT64_MAX)), INT4S, "out of range", "integer[]");
    assert_keeps_back(value_double(NAN), JSONB, "JSON", "jsonb");
    assert_keeps_back(LIST(one), TEXT, "list", "text");
}

static void test_types_without_an_encoder_take_text(void **state)
{
    oxy_value uuid = value_uuid("00112233445566778899aabbccddeeff");
    oxy_value zoned = {.tag = OXY_V_TIMETZ, .i = 0, .tz = 5400};

    (void)state;
    assert_sends_text(value_text(OXY_V_DECIMAL, "1.50"), MONEY, "1.50");
    assert_sends_text(value_int(OXY_V_INT, -5), ENUM, "-5");
    assert_sends_text(value_uint(UINT64_MAX), ENUM, "18446744073709551615");
    assert_sends_text(value_int(OXY_V_BOOL, 0), ENUM, "false");
    assert_sends_text(value_double(0.1), ENUM, "0.1");
    assert_sends_text((oxy_value){.tag = OXY_V_BLOB, .s = {"\x00\xff", 2}}, ENUM, "\\x00ff");
    assert_sends_text(value_int(OXY_V_DATETIME, 1), ENUM, "1970-01-01 00:00:00.000001");
    assert_sends_text(value_int(OXY_V_DATETIME_UTC, 0), ENUM, "1970-01-01 00:00:00+00:00");
    assert_sends_text(value_int(OXY_V_DATE, -1), ENUM, "1969-12-31");
    assert_sends_text(value_int(OXY_V_TIME, 1000000), ENUM, "00:00:01");
    assert_sends_text(zoned, ENUM, "00:00:00+01:30");
    assert_sends_text(value_int(OXY_V_TIMEDELTA, -DAY - 1), ENUM, "-1 days -00:00:00.000001");
    assert_sends_text(uuid, ENUM, "00112233-4455-6677-8899-aabbccddeeff");
    assert_sends_text(value_text(OXY_V_INET, "::1"), ENUM, "::1");
    assert_sends_text(value_text(OXY_V_JSON, "{}"), ENUM, "{}");
    assert_sends(uuid, BYTEA, "00112233445566778899aabbccddeeff");
    assert_keeps_back(value_int(OXY_V_DATE, INT64_MAX), ENUM, "years", "type 16500");
    assert_keeps_back(value_int(OXY_V_DATETIME, INT64_MAX), ENUM, "years", "type 16500");
    assert_keeps_back(value_int(OXY_V_TIME, -1), ENUM, "one day", "type 16500");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_would_be_read_as_text_is_sent_as_it_is),
        cmocka_unit_test(test_integers_that_do_not_fit_are_sent_as_bigint),
        cmocka_unit_test(test_other_types_are_the_server_s),
        cmocka_unit_test(test_lists_take_the_type_of_their_items),
        cmocka_unit_test(test_strings_are_for_the_server_to_read),
        cmocka_unit_test(test_null_and_encoded_values_stay),
        cmocka_unit_test(test_numbers_fit_or_are_refused),
        cmocka_unit_test(test_datetimes_become_the_other_kind_in_utc),
        cmocka_unit_test(test_lists_as_arrays_or_json),
        cmocka_unit_test(test_types_without_an_encoder_take_text),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
