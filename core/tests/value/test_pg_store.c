/* SPDX-License-Identifier: MIT */
/* Promises of the PostgreSQL codec about storing: the bytes are the server's own,
 * what a column would round is refused, and what was stored comes back. */
#include "pg_cases.h"

#include "pg_fixtures.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* --- against the server ------------------------------------------------------------------------- */

/* What the fixture says, but for what has several binary forms. */
static bool has_one_form(const struct pg_fixture *f)
{
    return f->text[0] != '[' && !(f->oid == 1700 && strstr(f->text, "Infinity") != NULL);
}

static void test_bytes_are_those_of_the_server(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(pg_fixtures); i++) {
        const struct pg_fixture *f = &pg_fixtures[i];
        oxy_type type = {.kind = OXY_K_UNKNOWN};
        oxy_sv bytes = from_hex(f->hex);
        oxy_value v, out;
        oxy_err err;
        bool as_text = true;

        if (decode_as(&type, wire(f->oid, f->hex), &v, &err) != OXY_OK ||
            oxy_pg_encode_as(&v, f->oid, &scratch, &out, &as_text, &err) != OXY_OK)
            fail_msg("%u '%s': %s", f->oid, f->text, err.message);
        assert_int_equal(out.tag, OXY_V_WIRE);
        assert_int_equal(out.wire, f->oid);
        assert_false(as_text);
        if (has_one_form(f) && !oxy_sv_eq(out.s, bytes))
            fail_msg("%u '%s': other bytes", f->oid, f->text);
    }
}

/* --- columns ---------------------------------------------------------------------------------------- */

static void assert_sends_type(oxy_type type, oxy_value in, uint32_t oid, const char *hex)
{
    oxy_sv bytes = from_hex(hex);
    oxy_value out;
    oxy_err err;

    if (encode_as(&type, in, &out, &err) != OXY_OK)
        fail_msg("%s: %s", oxy_kind_name(type.kind), err.message);
    assert_int_equal(out.tag, OXY_V_WIRE);
    assert_int_equal(out.wire, oid);
    if (!oxy_sv_eq(out.s, bytes))
        fail_msg("tag %d as %s: other bytes", in.tag, oxy_kind_name(type.kind));
}

static void assert_sends(oxy_kind kind, oxy_value in, uint32_t oid, const char *hex)
{
    assert_sends_type((oxy_type){.kind = kind}, in, oid, hex);
}

static void test_each_kind_names_its_type(void **state)
{
    static const uint16_t oids[OXY_K_COUNT] = {
        [OXY_K_BOOL] = 16,   [OXY_K_INT] = 20,       [OXY_K_DOUBLE] = 701,    [OXY_K_STRING] = 25,
        [OXY_K_TEXT] = 25,   [OXY_K_BLOB] = 17,      [OXY_K_DATETIME] = 1114, [OXY_K_DATETIME_UTC] = 1184,
        [OXY_K_DATE] = 1082, [OXY_K_TIME] = 1083,    [OXY_K_TIMEDELTA] = 20,  [OXY_K_INTERVAL] = 1186,
        [OXY_K_UUID] = 2950, [OXY_K_DECIMAL] = 1700, [OXY_K_INET] = 869,      [OXY_K_CIDR] = 650,
        [OXY_K_JSON] = 3802, [OXY_K_JSONB] = 3802,
    };
    int kind;

    (void)state;
    for (kind = 0; kind < OXY_K_COUNT; kind++) {
        oxy_type type = {.kind = (oxy_kind)kind}, list = {.kind = OXY_K_ARRAY, .elem = (oxy_kind)kind, .ndim = 1};
        oxy_type verbatim = {.kind = (oxy_kind)kind, .db_type = OXY_SV("CITEXT")};
        oxy_value out, empty = list_of(0, NULL);
        oxy_err err;

        assert_int_equal(encode_as(&type, (oxy_value){.tag = OXY_V_NULL}, &out, &err), OXY_OK);
        assert_int_equal(out.tag, OXY_V_NULL);
        assert_int_equal(out.wire, oids[kind]);
        assert_int_equal(encode_as(&verbatim, (oxy_value){.tag = OXY_V_NULL}, &out, &err), OXY_OK);
        assert_int_equal(out.wire, 0);
        assert_int_equal(encode_as(&list, empty, &out, &err), OXY_OK);
        assert_int_equal(out.tag, oids[kind] == 0 ? OXY_V_ARRAY : OXY_V_WIRE);
        assert_int_equal(oxy_pg_elem_oid(out.wire), oids[kind]);
    }
}

static void test_values_stay_where_the_server_knows_the_type(void **state)
{
    oxy_type verbatim = {.kind = OXY_K_INT, .db_type = OXY_SV("SMALLINT")};
    oxy_value seven = value_int(OXY_V_INT, 7), out;
    oxy_err err;

    (void)state;
    seven.wire = 99;
    assert_stores(OXY_K_UNKNOWN, value_text(OXY_V_TEXT, "x"), value_text(OXY_V_TEXT, "x"));
    assert_stores(OXY_K_ENUM, value_text(OXY_V_TEXT, "open"), value_text(OXY_V_TEXT, "open"));
    assert_int_equal(encode_as(&verbatim, seven, &out, &err), OXY_OK);
    assert_true(out.tag == OXY_V_INT && out.i == 7 && out.wire == 0);
}

static void test_numbers_are_sent_exactly_or_not_at_all(void **state)
{
    (void)state;
    assert_sends(OXY_K_BOOL, value_int(OXY_V_BOOL, 1), 16, "01");
    assert_sends(OXY_K_BOOL, value_int(OXY_V_INT, 0), 16, "00");
    assert_sends(OXY_K_BOOL, value_text(OXY_V_TEXT, "true"), 16, "01");
    assert_keeps_out(OXY_K_BOOL, value_int(OXY_V_INT, 2), "neither 0 nor 1");
    assert_keeps_out(OXY_K_BOOL, value_int(OXY_V_TIMEDELTA, 1), "timedelta");
    assert_sends(OXY_K_INT, value_int(OXY_V_INT, INT64_MIN), 20, "8000000000000000");
    assert_sends(OXY_K_INT, value_int(OXY_V_BOOL, 1), 20, "0000000000000001");
    assert_sends(OXY_K_INT, value_double(3), 20, "0000000000000003");
    assert_sends(OXY_K_INT, value_text(OXY_V_DECIMAL, "-3.00"), 20, "fffffffffffffffd");
    assert_sends(OXY_K_INT, value_text(OXY_V_TEXT, "-9223372036854775808"), 20, "8000000000000000");
    assert_sends(OXY_K_TIMEDELTA, value_int(OXY_V_TIMEDELTA, 9), 20, "0000000000000009");
    assert_keeps_out(OXY_K_INT, value_uint(UINT64_MAX), "64 bits");
    assert_keeps_out(OXY_K_INT, value_text(OXY_V_DECIMAL, "9223372036854775808"), "64 bits");
    assert_keeps_out(OXY_K_INT, value_text(OXY_V_DECIMAL, "3.5"), "whole number");
    assert_keeps_out(OXY_K_INT, value_text(OXY_V_DECIMAL, "NaN"), "whole number");
    assert_keeps_out(OXY_K_INT, value_text(OXY_V_TEXT, "three"), "whole number");
    assert_keeps_out(OXY_K_INT, value_double(2.5), "whole number");
    assert_keeps_out(OXY_K_INT, value_double(INFINITY), "whole number");
    assert_keeps_out(OXY_K_INT, value_double(0x1p63), "64 bits");
    assert_keeps_out(OXY_K_INT, value_text(OXY_V_BLOB, "1"), "bytes");
    assert_sends(OXY_K_DOUBLE, value_double(-INFINITY), 701, "fff0000000000000");
    assert_sends(OXY_K_DOUBLE, value_int(OXY_V_INT, 1), 701, "3ff0000000000000");
    assert_sends(OXY_K_DOUBLE, value_text(OXY_V_DECIMAL, "0.1"), 701, "3fb999999999999a");
    assert_sends(OXY_K_DOUBLE, value_text(OXY_V_DECIMAL, "NaN"), 701, "7ff8000000000000");
    assert_keeps_out(OXY_K_DOUBLE, value_int(OXY_V_INT, INT64_MAX), "exactly");
    assert_keeps_out(OXY_K_DOUBLE, value_uint(UINT64_MAX), "exactly");
    assert_keeps_out(OXY_K_DOUBLE, value_text(OXY_V_DECIMAL, "0.10000000000000000001"), "exactly");
    assert_keeps_out(OXY_K_DOUBLE, value_text(OXY_V_INET, "::1"), "IP address");
}

static void test_decimals_keep_their_scale_and_respect_the_column(void **state)
{
    oxy_type plain = {.kind = OXY_K_DECIMAL};
    oxy_type money = {.kind = OXY_K_DECIMAL, .size = 6, .scale = 2, .has_scale = true};
    oxy_type asked = {.kind = OXY_K_DECIMAL, .size = 6, .scale = 2, .has_scale = true, .compared = true};
    oxy_type list = {.kind = OXY_K_ARRAY, .elem = OXY_K_DECIMAL, .ndim = 1, .size = 6, .scale = 2, .has_scale = true};

    (void)state;
    assert_sends_type(plain, value_text(OXY_V_DECIMAL, "1.50"), 1700, "000200000000000200011388");
    assert_sends_type(plain, value_text(OXY_V_DECIMAL, "1.50e1"), 1700, "0001000000000001000f");
    assert_sends_type(plain, value_text(OXY_V_DECIMAL, "-15E+3"), 1700, "000200014000000000011388");
    assert_sends_type(plain, value_text(OXY_V_DECIMAL, "0E-5"), 1700, "0000000000000005");
    assert_sends_type(plain, value_text(OXY_V_DECIMAL, "-0"), 1700, "0000000000000000");
    assert_sends_type(plain, value_text(OXY_V_DECIMAL, "1e-16383"), 1700, "0001f00000003fff000a");
    assert_sends_type(plain, value_text(OXY_V_DECIMAL, "1e131071"), 1700, "00017fff0000000003e8");
    assert_keeps_out_type(plain, value_text(OXY_V_DECIMAL, "1e-16384"), "more digits");
    assert_keeps_out_type(plain, value_text(OXY_V_DECIMAL, "1e131072"), "more digits");
    assert_keeps_out_type(plain, value_text(OXY_V_DECIMAL, "1e999999999999999999"), "more digits");
    assert_keeps_out_type(plain, value_text(OXY_V_TEXT, "many"), "not a number");
    assert_sends_type(plain, value_int(OXY_V_INT, -5), 1700, "00010000400000000005");
    assert_sends_type(plain, value_uint(UINT64_MAX), 1700, "000500040000000007341a5802e103bb064f");
    assert_sends_type(plain, value_double(0.1), 1700, "0001ffff0000000103e8");
    assert_sends_type(plain, value_double(-INFINITY), 1700, "00000000f0000000");
    assert_sends_type(money, value_text(OXY_V_DECIMAL, "-9999.990"), 1700, "0002000040000003270f26ac");
    assert_keeps_out_type(money, value_text(OXY_V_DECIMAL, "1.505"), "fraction digits");
    assert_keeps_out_type(money, value_text(OXY_V_DECIMAL, "10000"), "more digits");
    assert_keeps_out_type(money, value_int(OXY_V_INT, 10000), "more digits");
    assert_keeps_out_type(money, value_double(1.505), "fraction digits");
    assert_keeps_out_type(money, value_text(OXY_V_DECIMAL, "Infinity"), "infinity");
    assert_sends_type(money, value_text(OXY_V_DECIMAL, "NaN"), 1700, "00000000c0000000");
    assert_sends_type(asked, value_text(OXY_V_DECIMAL, "1.505"), 1700, "0002000000000003000113ba");
    assert_keeps_out_type(list, LIST(LIST(value_text(OXY_V_DECIMAL, "1.505"))), "fraction digits");
}

static void test_dates_and_times(void **state)
{
    oxy_type millis = {.kind = OXY_K_DATETIME, .db_type = OXY_SV("TIMESTAMP(3)")};
    oxy_type seconds = {.kind = OXY_K_TIME, .db_type = OXY_SV("time(0)")};
    oxy_value zoned = {.tag = OXY_V_TIMETZ, .i = 0, .tz = 3600}, out;
    oxy_err err;

    (void)state;
    assert_sends(OXY_K_DATETIME, value_int(OXY_V_DATETIME, 10957 * DAY), 1114, "0000000000000000");
    assert_sends(OXY_K_DATETIME, value_int(OXY_V_DATETIME_UTC, 10957 * DAY + 1), 1114, "0000000000000001");
    assert_sends(OXY_K_DATETIME_UTC, value_int(OXY_V_DATETIME, 10957 * DAY), 1184, "0000000000000000");
    assert_sends(OXY_K_DATETIME, value_int(OXY_V_DATE, 10957), 1114, "0000000000000000");
    assert_sends(OXY_K_DATETIME_UTC, value_text(OXY_V_TEXT, "2000-01-01T02:00+02:00"), 1184, "0000000000000000");
    assert_keeps_out(OXY_K_DATETIME_UTC, value_int(OXY_V_DATETIME_UTC, OXY_DATETIME_MAX + 1), "years 1 to 9999");
    assert_keeps_out(OXY_K_DATETIME, value_int(OXY_V_DATE, INT64_MAX), "years 1 to 9999");
    assert_keeps_out(OXY_K_DATETIME, value_text(OXY_V_TEXT, "soon"), "ISO");
    assert_keeps_out(OXY_K_DATETIME, value_int(OXY_V_INT, 0), "integer");
    assert_int_equal(encode_as(&millis, value_int(OXY_V_DATETIME, 1000), &out, &err), OXY_OK);
    assert_keeps_out_type(millis, value_int(OXY_V_DATETIME, 1001), "fraction digits");
    assert_keeps_out_type(seconds, value_int(OXY_V_TIME, 1), "fraction digits");
    millis.compared = true;
    assert_int_equal(encode_as(&millis, value_int(OXY_V_DATETIME, 1001), &out, &err), OXY_OK);
    assert_sends(OXY_K_DATE, value_int(OXY_V_DATE, 10956), 1082, "ffffffff");
    assert_sends(OXY_K_DATE, value_int(OXY_V_DATETIME, 10956 * DAY), 1082, "ffffffff");
    assert_keeps_out(OXY_K_DATE, value_int(OXY_V_DATETIME, 1), "time of day");
    assert_keeps_out(OXY_K_DATE, value_int(OXY_V_DATE, 2932897), "years 1 to 9999");
    assert_keeps_out(OXY_K_DATE, value_int(OXY_V_DATETIME_UTC, 0), "datetime");
    assert_sends(OXY_K_TIME, value_int(OXY_V_TIME, 1), 1083, "0000000000000001");
    assert_keeps_out(OXY_K_TIME, zoned, "TIMETZ");
    assert_keeps_out(OXY_K_TIME, value_int(OXY_V_TIME, DAY), "one day");
    assert_keeps_out(OXY_K_TIME, value_int(OXY_V_TIME, -1), "one day");
    assert_keeps_out(OXY_K_TIME, value_text(OXY_V_TEXT, "late"), "not a time");
    assert_sends(OXY_K_INTERVAL, value_int(OXY_V_TIMEDELTA, -DAY - 1), 1186, "ffffffffffffffffffffffff00000000");
    assert_keeps_out(OXY_K_INTERVAL, value_int(OXY_V_INT, 1), "integer");
}

static void test_text_bytes_uuids_and_addresses(void **state)
{
    static const oxy_kind kinds[] = {OXY_K_STRING, OXY_K_TEXT};
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(kinds); i++) {
        assert_sends(kinds[i], value_text(OXY_V_TEXT, "h\xC3\xA9"), 25, "68c3a9");
        assert_sends(kinds[i], value_text(OXY_V_TEXT, ""), 25, "");
        assert_sends(kinds[i], value_int(OXY_V_INT, -5), 25, "2d35");
        assert_sends(kinds[i], value_int(OXY_V_DATE, 0), 25, "313937302d30312d3031");
        assert_sends(kinds[i], value_text(OXY_V_JSON, "[]"), 25, "5b5d");
        assert_keeps_out(kinds[i], (oxy_value){.tag = OXY_V_TEXT, .s = {"a\0b", 3}}, "NUL");
        assert_keeps_out(kinds[i], value_text(OXY_V_BLOB, "abc"), "bytes");
        assert_keeps_out(kinds[i], list_of(0, NULL), "list");
    }
    assert_sends(OXY_K_BLOB, (oxy_value){.tag = OXY_V_BLOB, .s = {"\x00\xff", 2}}, 17, "00ff");
    assert_sends(OXY_K_BLOB, value_text(OXY_V_TEXT, "\\x61"), 17, "5c783631");
    assert_sends(OXY_K_BLOB, value_uuid("00112233445566778899aabbccddeeff"), 17, "00112233445566778899aabbccddeeff");
    assert_keeps_out(OXY_K_BLOB, value_int(OXY_V_INT, 1), "integer");
    assert_sends(OXY_K_UUID, value_text(OXY_V_TEXT, "00112233-4455-6677-8899-AABBCCDDEEFF"), 2950,
                 "00112233445566778899aabbccddeeff");
    assert_keeps_out(OXY_K_UUID, value_text(OXY_V_TEXT, "none"), "not a UUID");
    assert_keeps_out(OXY_K_UUID, value_text(OXY_V_BLOB, "0123456789abcdef"), "bytes");
    assert_sends(OXY_K_INET, value_text(OXY_V_INET, "192.0.2.1"), 869, "02200004c0000201");
    assert_sends(OXY_K_INET, value_text(OXY_V_TEXT, "192.0.2.1/24"), 869, "02180004c0000201");
    assert_sends(OXY_K_CIDR, value_text(OXY_V_INET, "192.0.2.0/24"), 650, "02180104c0000200");
    assert_sends(OXY_K_CIDR, value_text(OXY_V_INET, "::/0"), 650, "0300011000000000000000000000000000000000");
    assert_keeps_out(OXY_K_CIDR, value_text(OXY_V_INET, "192.0.2.1/24"), "behind its prefix");
    assert_keeps_out(OXY_K_CIDR, value_text(OXY_V_INET, "2001:db8::1/127"), "behind its prefix");
    assert_keeps_out(OXY_K_INET, value_text(OXY_V_INET, "fe80::1%eth0"), "scope");
    assert_keeps_out(OXY_K_INET, value_text(OXY_V_TEXT, "example"), "not an IP address");
}

static void test_json(void **state)
{
    static const oxy_kind kinds[] = {OXY_K_JSON, OXY_K_JSONB};
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(kinds); i++) {
        assert_sends(kinds[i], value_text(OXY_V_JSON, "[1]"), 3802, "015b315d");
        assert_sends(kinds[i], value_text(OXY_V_TEXT, "a\"b"), 3802, "0122615c226222");
        assert_sends(kinds[i], LIST(value_int(OXY_V_INT, 1), (oxy_value){.tag = OXY_V_NULL}), 3802,
                     "015b312c6e756c6c5d");
        /* Whole floats keep their point: the server would make integers of exponents. */
        assert_sends(kinds[i], value_text(OXY_V_JSON, "[1e+3]"), 3802, "015b313030302e305d");
        assert_sends(kinds[i], value_text(OXY_V_JSON, "-1.25e+3"), 3802, "012d313235302e30");
        assert_sends(kinds[i], value_text(OXY_V_JSON, "1.25e+1"), 3802, "01312e3235652b31");
        assert_sends(kinds[i], value_text(OXY_V_JSON, "8Ee+1"), 3802,
                     "013845652b31"); /* no number, so nobody's business */
        assert_sends(kinds[i], value_text(OXY_V_JSON, "\"1e+3\\\"1e+3\""), 3802, "012231652b335c2231652b3322");
        assert_sends(kinds[i], value_double(1e16), 3802, "0131303030303030303030303030303030302e30");
        assert_keeps_out(kinds[i], value_double(INFINITY), "JSON has no NaN");
        assert_keeps_out(kinds[i], LIST(value_double(NAN)), "JSON has no NaN");
    }
}

static void test_strings_beyond_the_column_are_refused_blanks_or_not(void **state)
{
    static const oxy_type two = {.kind = OXY_K_STRING, .size = 2}, any = {.kind = OXY_K_STRING};
    static const oxy_type asked = {.kind = OXY_K_STRING, .size = 2, .compared = true};
    static const oxy_type list = {.kind = OXY_K_ARRAY, .elem = OXY_K_STRING, .ndim = 1, .size = 2};
    oxy_value three = value_text(OXY_V_TEXT, "ab "), wide = value_text(OXY_V_TEXT, "\xc3\xa9\xf0\x9f\x98\x80"), out;
    oxy_err err;

    (void)state;
    assert_keeps_out_type(two, three, "more characters");
    assert_keeps_out_type(list, LIST(three), "more characters");
    assert_int_equal(encode_as(&two, wide, &out, &err), OXY_OK); /* characters, not bytes */
    assert_int_equal(encode_as(&any, three, &out, &err), OXY_OK);
    assert_int_equal(encode_as(&asked, three, &out, &err), OXY_OK);
}

static void test_nul_is_refused_where_it_has_a_name(void **state)
{
    static const oxy_type text = {.kind = OXY_K_TEXT, .db_type = OXY_SV("TEXT")};
    static const oxy_type texts = {.kind = OXY_K_ARRAY, .elem = OXY_K_TEXT, .ndim = 1, .db_type = OXY_SV("TEXT[]")};
    static const oxy_type json = {.kind = OXY_K_JSON, .db_type = OXY_SV("JSON")};
    static const oxy_type jsonb = {.kind = OXY_K_JSONB, .db_type = OXY_SV("JSONB")};
    static const oxy_type listed = {.kind = OXY_K_ARRAY, .elem = OXY_K_JSON, .ndim = 1};
    static const oxy_type asked = {.kind = OXY_K_JSON, .compared = true};
    oxy_value nul = {.tag = OXY_V_TEXT, .s = {"a\0b", 3}}, out;
    oxy_value escaped = value_text(OXY_V_JSON, "{\"\\\\\\u0000\":1}"), kept = value_text(OXY_V_JSON, "[\"\\\\u0000\"]");
    oxy_err err;

    (void)state;
    assert_keeps_out_type(text, nul, "NUL");
    assert_keeps_out_type(texts, LIST(nul), "NUL");
    assert_keeps_out_type(jsonb, escaped, "NUL");
    assert_keeps_out_type(listed, LIST(escaped), "NUL");
    assert_keeps_out_type(asked, escaped, "NUL");
    assert_keeps_out(OXY_K_JSON, escaped, "NUL");
    assert_int_equal(encode_as(&json, escaped, &out, &err), OXY_OK); /* kept as text */
    assert_int_equal(encode_as(&jsonb, kept, &out, &err), OXY_OK);
    assert_int_equal(encode_as(&listed, LIST(kept), &out, &err), OXY_OK);
}

static void test_lists_are_boxes(void **state)
{
    oxy_value one = value_int(OXY_V_INT, 1), null = {.tag = OXY_V_NULL}, deep = LIST(one), out;
    oxy_type ints = {.kind = OXY_K_ARRAY, .elem = OXY_K_INT, .ndim = 2};
    oxy_type uuids = {.kind = OXY_K_ARRAY, .elem = OXY_K_UUID, .ndim = 1};
    oxy_err err;
    int i;

    (void)state;
    assert_sends_type(ints, LIST(one, null), 1016,
                      "0000000100000001000000140000000200000001000000080000000000000001ffffffff");
    assert_sends_type(ints, LIST(LIST(one), LIST(null)), 1016,
                      "000000020000000100000014000000020000000100000001000000010000000800000000"
                      "00000001ffffffff");
    assert_int_equal(encode_as(&ints, LIST(LIST(one), LIST(one, one)), &out, &err), OXY_VALUE);
    assert_non_null(strstr(err.message, "JSONB"));
    assert_int_equal(encode_as(&ints, LIST(LIST(one), one), &out, &err), OXY_VALUE);
    assert_int_equal(encode_as(&ints, LIST(one, LIST(one)), &out, &err), OXY_VALUE);
    assert_int_equal(encode_as(&ints, LIST(list_of(0, NULL)), &out, &err), OXY_VALUE);
    for (i = 0; i < 5; i++)
        deep = LIST(deep);
    assert_int_equal(encode_as(&ints, deep, &out, &err), OXY_OK);
    assert_keeps_out_type(ints, LIST(deep), "too deep");
    assert_keeps_out_type(ints, LIST(value_double(0.5)), "whole number");
    assert_keeps_out_type(ints, value_text(OXY_V_BLOB, "x"), "bytes");
    /* Strings in it are for the server to read. */
    assert_stores_type(uuids, LIST(value_text(OXY_V_TEXT, "x")), LIST(value_text(OXY_V_TEXT, "x")));
}

/* --- round trips ------------------------------------------------------------------------------------------ */

static uint64_t seed = 88172645463325252U;

static uint64_t any64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Of any magnitude: as many small numbers as large ones. */
static int64_t any_int(void)
{
    uint64_t n = any64() >> any64() % 64;

    return (int64_t)(any64() % 2 == 0 ? n : 0 - n);
}

static int64_t between(int64_t low, int64_t high)
{
    return low + (int64_t)(any64() % ((uint64_t)high - (uint64_t)low + 1));
}

static oxy_sv any_text(const char *letters)
{
    size_t n = any64() % 12, count = strlen(letters), i;
    char *p = oxy_arena_new(&scratch, n + 1);

    assert_non_null(p);
    for (i = 0; i < n; i++)
        p[i] = letters[any64() % count];
    return (oxy_sv){p, n};
}

static oxy_sv any_decimal(void)
{
    char *p = oxy_arena_new(&scratch, 96);
    size_t n = 0, i, whole = any64() % 40, fraction = any64() % 40;

    assert_non_null(p);
    if (any64() % 2 == 0)
        p[n++] = '-';
    p[n++] = (char)('1' + any64() % 9);
    for (i = 0; i < whole; i++)
        p[n++] = (char)(any64() % 2 == 0 ? '0' : '0' + any64() % 10);
    if (fraction > 0)
        p[n++] = '.';
    for (i = 0; i < fraction; i++)
        p[n++] = (char)(any64() % 2 == 0 ? '0' : '0' + any64() % 10);
    return (oxy_sv){p, n};
}

static oxy_value any_inet(bool network)
{
    char *p = oxy_arena_new(&scratch, 64);
    uint64_t a = any64();

    assert_non_null(p);
    if (network)
        (void)snprintf(p, 64, a % 2 == 0 ? "%u.%u.0.0/16" : "%x:%x::/32", (unsigned)(a >> 8 & 255) | 1,
                       (unsigned)(a >> 16 & 255) | 1);
    else
        (void)snprintf(p, 64, a % 2 == 0 ? "%u.%u.1.1/24" : "%x:%x::9", (unsigned)(a >> 8 & 255) | 1,
                       (unsigned)(a >> 16 & 255) | 1);
    return value_text(OXY_V_INET, p);
}

static oxy_value any_double(void)
{
    oxy_value v = {.tag = OXY_V_DOUBLE};

    do {
        uint64_t bits = any64();

        memcpy(&v.d, &bits, sizeof v.d);
    } while (isnan(v.d)); /* whose bits may change on the way */
    return v;
}

static oxy_value any_uuid(void)
{
    oxy_value v = {.tag = OXY_V_UUID};
    uint64_t high = any64(), low = any64();

    memcpy(v.uuid, &high, 8);
    memcpy(v.uuid + 8, &low, 8);
    return v;
}

static oxy_value any_of(oxy_kind kind)
{
    oxy_value v = {0};

    switch (kind) {
    case OXY_K_BOOL: return value_int(OXY_V_BOOL, (int64_t)(any64() % 2));
    case OXY_K_INT: return value_int(OXY_V_INT, any_int());
    case OXY_K_DOUBLE: return any_double();
    case OXY_K_BLOB: v = (oxy_value){.tag = OXY_V_BLOB, .s = any_text("\xff\x01 a\\")}; break;
    case OXY_K_DATETIME: return value_int(OXY_V_DATETIME, between(OXY_DATETIME_MIN, OXY_DATETIME_MAX));
    case OXY_K_DATETIME_UTC: return value_int(OXY_V_DATETIME_UTC, between(OXY_DATETIME_MIN, OXY_DATETIME_MAX));
    case OXY_K_DATE: return value_int(OXY_V_DATE, between(-719162, 2932896));
    case OXY_K_TIME: return value_int(OXY_V_TIME, between(0, DAY - 1));
    case OXY_K_TIMEDELTA:
    case OXY_K_INTERVAL: return value_int(OXY_V_TIMEDELTA, any_int());
    case OXY_K_UUID: return any_uuid();
    case OXY_K_DECIMAL: v = (oxy_value){.tag = OXY_V_DECIMAL, .s = any_decimal()}; break;
    case OXY_K_INET: return any_inet(false);
    case OXY_K_CIDR: return any_inet(true);
    case OXY_K_JSON:
    case OXY_K_JSONB: return value_text(OXY_V_JSON, any64() % 2 == 0 ? "{\"a\":1}" : "[null]");
    default: v = (oxy_value){.tag = OXY_V_TEXT, .s = any_text("ab{},\"\\ N\xC3\xA9")}; break;
    }
    if (v.tag == OXY_V_TEXT && oxy_utf8_valid(v.s.p, v.s.len) != v.s.len)
        v.s.len = oxy_utf8_valid(v.s.p, v.s.len);
    return v;
}

/* Through the bytes that are sent, as a cell of the type they are sent as. */
static void assert_comes_back(const oxy_type *type, const oxy_value *v)
{
    oxy_value sent, back;
    oxy_cell cell;
    oxy_err err;

    if (encode_as(type, *v, &sent, &err) != OXY_OK)
        fail_msg("%s: %s", oxy_kind_name(type->kind), err.message);
    assert_int_equal(sent.tag, OXY_V_WIRE);
    cell = binary_cell(sent.wire, sent.s);
    if (decode_as(type, cell, &back, &err) != OXY_OK)
        fail_msg("%s: %s", oxy_kind_name(type->kind), err.message);
    if (!same_value(v, &back))
        fail_msg("%s of %s: another value", oxy_kind_name(type->kind), oxy_kind_name(type->elem));
}

static void test_values_of_every_kind_come_back_alone_and_in_lists(void **state)
{
    int kind, i;

    (void)state;
    for (kind = OXY_K_BOOL; kind < OXY_K_COUNT; kind++) {
        oxy_type type = {.kind = (oxy_kind)kind}, list = {.kind = OXY_K_ARRAY, .elem = (oxy_kind)kind, .ndim = 2};

        if (kind == OXY_K_ARRAY || kind == OXY_K_ENUM) /* no type of their own */
            continue;
        for (i = 0; i < 500; i++) {
            oxy_value a = any_of((oxy_kind)kind), b = any_of((oxy_kind)kind), null = {.tag = OXY_V_NULL};
            oxy_value flat = LIST(a, null, b), nested = LIST(LIST(a, b), LIST(null, a));

            assert_comes_back(&type, &a);
            assert_comes_back(&list, &flat);
            assert_comes_back(&list, &nested);
        }
        oxy_arena_reset(&scratch);
    }
}

/* What goes out as text is what text results are read as. */
static void test_lists_in_text_come_back(void **state)
{
    static const struct {
        oxy_kind kind;
        uint32_t oid;
    } cases[] = {{OXY_K_BOOL, 1000},     {OXY_K_INT, 1016},          {OXY_K_DOUBLE, 1022}, {OXY_K_TEXT, 1009},
                 {OXY_K_BLOB, 1001},     {OXY_K_DATETIME, 1115},     {OXY_K_DATE, 1182},   {OXY_K_TIME, 1183},
                 {OXY_K_INTERVAL, 1187}, {OXY_K_DATETIME_UTC, 1185}, {OXY_K_UUID, 2951},   {OXY_K_DECIMAL, 1231},
                 {OXY_K_INET, 1041},     {OXY_K_JSONB, 3807}};
    size_t c;
    int i;

    (void)state;
    for (c = 0; c < OXY_COUNT(cases); c++) {
        oxy_type type = {.kind = OXY_K_ARRAY, .elem = cases[c].kind, .ndim = 2};

        for (i = 0; i < 200; i++) {
            oxy_value a = any_of(cases[c].kind), b = any_of(cases[c].kind), null = {.tag = OXY_V_NULL};
            oxy_value list = LIST(LIST(a, b), LIST(null, a)), sent, back;
            oxy_cell cell;
            oxy_err err;
            bool as_text;

            /* Any OID that is not built in goes as text. */
            assert_int_equal(oxy_pg_encode_as(&list, 20000, &scratch, &sent, &as_text, &err), OXY_OK);
            assert_true(as_text);
            assert_int_equal(sent.tag, OXY_V_TEXT);
            assert_int_equal(sent.s.p[sent.s.len], '\0');
            describe(cases[c].oid, OXY_PG_TEXT);
            cell = (oxy_cell){.tag = OXY_C_TEXT, .p = sent.s.p, .len = (uint32_t)sent.s.len};
            if (decode_as(&type, cell, &back, &err) != OXY_OK)
                fail_msg("%s: %s", sent.s.p, err.message);
            if (!same_value(&list, &back))
                fail_msg("another value than %s", sent.s.p);
        }
        oxy_arena_reset(&scratch);
    }
}

static void test_a_value_may_be_encoded_in_place(void **state)
{
    oxy_type type = {.kind = OXY_K_INT};
    oxy_value v = value_int(OXY_V_INT, 5);
    oxy_err err;

    (void)state;
    assert_int_equal(oxy_codec_postgres.encode(&v, &type, &scratch, &v, &err), OXY_OK);
    assert_true(oxy_sv_eq(v.s, from_hex("0000000000000005")));
}

static void test_impossible_tags_are_refused_not_read(void **state)
{
    oxy_type type = {.kind = OXY_K_TEXT};
    oxy_value v = {.tag = OXY_V_COUNT}, out;
    oxy_err err;
    bool as_text;

    (void)state;
    assert_int_equal(oxy_codec_postgres.encode(&v, &type, &scratch, &out, &err), OXY_INTERNAL);
    assert_int_equal(oxy_pg_encode_as(&v, 25, &scratch, &out, &as_text, &err), OXY_INTERNAL);
    v.tag = OXY_V_WIRE;
    assert_int_equal(oxy_codec_postgres.encode(&v, &type, &scratch, &out, &err), OXY_INTERNAL);
    type.kind = (oxy_kind)77;
    v.tag = OXY_V_INT;
    assert_int_equal(oxy_codec_postgres.encode(&v, &type, &scratch, &out, &err), OXY_INTERNAL);
}

/* --- without memory ------------------------------------------------------------------------------------------ */

static oxy_rc encode_all(const oxy_alloc *alloc, void *arg)
{
    const oxy_value *values = arg;
    static const oxy_kind kinds[] = {OXY_K_INT, OXY_K_DECIMAL, OXY_K_JSON, OXY_K_ARRAY, OXY_K_ARRAY};
    oxy_arena arena;
    oxy_rc rc = OXY_OK;
    oxy_err err;
    int i;

    for (i = 0; i < 5 && rc == OXY_OK; i++) {
        oxy_type type = {.kind = kinds[i], .elem = i == 3 ? OXY_K_INT : OXY_K_ENUM, .ndim = 1};
        oxy_value out;
        bool as_text;

        oxy_arena_init(&arena, alloc, SIZE_MAX);
        rc = oxy_codec_postgres.encode(&values[i], &type, &arena, &out, &err);
        if (rc == OXY_OK && out.tag != OXY_V_WIRE)
            rc = oxy_pg_encode_as(&out, 20000, &arena, &out, &as_text, &err);
        if (rc != OXY_OK)
            assert_int_equal(err.rc, rc);
        oxy_arena_fini(&arena);
    }
    return rc;
}

static void test_writing_survives_every_allocation_failure(void **state)
{
    oxy_value values[] = {
        value_int(OXY_V_INT, 1),
        value_text(OXY_V_DECIMAL, "12345678901234567890123456789012345678901234567890"),
        value_text(OXY_V_TEXT, "some text that is longer than the first block of a buffer of text"),
        LIST(value_int(OXY_V_INT, 1), value_int(OXY_V_INT, 2)),
        LIST(value_text(OXY_V_TEXT, "a"), value_text(OXY_V_TEXT, "b\"c")),
    };

    (void)state;
    assert_true(fail_torture(encode_all, values) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_beyond_the_column_are_refused_blanks_or_not),
        cmocka_unit_test(test_bytes_are_those_of_the_server),
        cmocka_unit_test(test_each_kind_names_its_type),
        cmocka_unit_test(test_values_stay_where_the_server_knows_the_type),
        cmocka_unit_test(test_numbers_are_sent_exactly_or_not_at_all),
        cmocka_unit_test(test_decimals_keep_their_scale_and_respect_the_column),
        cmocka_unit_test(test_dates_and_times),
        cmocka_unit_test(test_text_bytes_uuids_and_addresses),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_nul_is_refused_where_it_has_a_name),
        cmocka_unit_test(test_lists_are_boxes),
        cmocka_unit_test(test_values_of_every_kind_come_back_alone_and_in_lists),
        cmocka_unit_test(test_lists_in_text_come_back),
        cmocka_unit_test(test_a_value_may_be_encoded_in_place),
        cmocka_unit_test(test_impossible_tags_are_refused_not_read),
        cmocka_unit_test(test_writing_survives_every_allocation_failure),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
