/* SPDX-License-Identifier: MIT */
/* Promises of the PostgreSQL codec about reading: both formats give the same
 * value, each kind takes what follows exactly, and malformed bytes are refused. */
#include "pg_cases.h"

#include "pg_fixtures.h"

#include <float.h>
#include <math.h>

enum {
    BOOL = 16,
    BYTEA = 17,
    CHAR = 18,
    INT8 = 20,
    INT2 = 21,
    INT4 = 23,
    TEXT = 25,
    OID = 26,
    JSON = 114,
    CIDR = 650,
    FLOAT4 = 700,
    FLOAT8 = 701,
    MONEY = 790,
    INET = 869,
    INT4S = 1007,
    TEXTS = 1009,
    INT8S = 1016,
    VARCHAR = 1043,
    DATE = 1082,
    TIME = 1083,
    TIMESTAMP = 1114,
    TIMESTAMPTZ = 1184,
    INTERVAL = 1186,
    TIMETZ = 1266,
    NUMERIC = 1700,
    UUID = 2950,
    JSONB = 3802,
    INT4RANGE = 3904,
    ENUM = 16500,
    ENUMS = 16501
};

/* --- against the server ----------------------------------------------------------------------- */

static void test_both_formats_of_the_server_give_the_same_value(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(pg_fixtures); i++) {
        const struct pg_fixture *f = &pg_fixtures[i];
        oxy_type type = {.kind = OXY_K_UNKNOWN};
        oxy_value a, b;
        oxy_err err;

        if (decode_as(&type, wire(f->oid, f->hex), &a, &err) != OXY_OK ||
            decode_as(&type, text(f->oid, f->text), &b, &err) != OXY_OK)
            fail_msg("%u '%s': %s", f->oid, f->text, err.message);
        if (a.tag != b.tag || a.tz != b.tz || a.wire != b.wire || !same_value(&a, &b))
            fail_msg("%u '%s': tags %d and %d, '%.*s'", f->oid, f->text, a.tag, b.tag,
                     a.tag == OXY_V_DECIMAL ? (int)a.s.len : 0, a.tag == OXY_V_DECIMAL ? a.s.p : "");
    }
}

/* --- kinds ---------------------------------------------------------------------------------------- */

static void test_null_is_null_for_every_kind(void **state)
{
    int kind;

    (void)state;
    describe(UUID, 0);
    for (kind = 0; kind < OXY_K_COUNT; kind++) {
        assert_non_null(oxy_codec_postgres.decode[kind]);
        assert_reads((oxy_kind)kind, (oxy_cell){.tag = OXY_C_NULL}, (oxy_value){.tag = OXY_V_NULL});
    }
}

static void test_booleans(void **state)
{
    (void)state;
    assert_reads(OXY_K_BOOL, wire(BOOL, "01"), value_int(OXY_V_BOOL, 1));
    assert_reads(OXY_K_UNKNOWN, wire(BOOL, "00"), value_int(OXY_V_BOOL, 0));
    assert_reads(OXY_K_BOOL, text(BOOL, "f"), value_int(OXY_V_BOOL, 0));
    assert_reads(OXY_K_BOOL, wire(INT2, "0001"), value_int(OXY_V_BOOL, 1));
    assert_reads(OXY_K_INT, wire(BOOL, "01"), value_int(OXY_V_INT, 1));
    assert_refuses(OXY_K_BOOL, wire(INT4, "00000002"), "integer");
    assert_reads(OXY_K_BOOL, wire(TEXT, "74"), value_int(OXY_V_BOOL, 1));
    assert_refuses(OXY_K_BOOL, text(BOOL, "yes!"), "boolean");
    assert_refuses(OXY_K_TEXT, wire(BOOL, "01"), "boolean");
}

static void test_integers_of_every_width(void **state)
{
    (void)state;
    assert_reads(OXY_K_INT, wire(INT2, "8000"), value_int(OXY_V_INT, INT16_MIN));
    assert_reads(OXY_K_INT, wire(INT4, "ffffffff"), value_int(OXY_V_INT, -1));
    assert_reads(OXY_K_INT, wire(INT8, "8000000000000000"), value_int(OXY_V_INT, INT64_MIN));
    assert_reads(OXY_K_INT, wire(OID, "ffffffff"), value_int(OXY_V_INT, UINT32_MAX));
    assert_reads(OXY_K_INT, text(INT8, "-9223372036854775808"), value_int(OXY_V_INT, INT64_MIN));
    assert_reads(OXY_K_INT, text(OID, "4294967295"), value_int(OXY_V_INT, UINT32_MAX));
    assert_refuses(OXY_K_INT, text(INT8, "9223372036854775808"), "bigint");
    assert_refuses(OXY_K_INT, text(INT8, "12 4"), "bigint");
    assert_refuses(OXY_K_INT, text(INT8, "-"), "bigint");
    assert_refuses(OXY_K_INT, text(INT8, ""), "bigint");
    assert_reads(OXY_K_INT, text(NUMERIC, "-12.00"), value_int(OXY_V_INT, -12));
    assert_reads(OXY_K_INT, text(NUMERIC, "18446744073709551615"), value_uint(UINT64_MAX));
    assert_reads(OXY_K_INT, text(NUMERIC, "-9223372036854775808"), value_int(OXY_V_INT, INT64_MIN));
    assert_refuses(OXY_K_INT, text(NUMERIC, "-9223372036854775809"), "numeric");
    assert_refuses(OXY_K_INT, text(NUMERIC, "12.5"), "numeric");
    assert_refuses(OXY_K_INT, text(NUMERIC, "NaN"), "numeric");
    assert_reads(OXY_K_INT, wire(FLOAT8, "c008000000000000"), value_int(OXY_V_INT, -3));
    assert_refuses(OXY_K_INT, wire(FLOAT8, "43e0000000000000"), "double precision");
    assert_refuses(OXY_K_INT, wire(FLOAT8, "7ff8000000000000"), "double precision");
    assert_reads(OXY_K_INT, wire(TEXT, "31323334"), value_int(OXY_V_INT, 1234));
    assert_refuses(OXY_K_INT, wire(INT8, "00000000"), "malformed");
}

static void test_doubles_take_only_what_they_hold_exactly(void **state)
{
    (void)state;
    assert_reads(OXY_K_DOUBLE, wire(FLOAT8, "8000000000000000"), value_double(-0.0));
    assert_reads(OXY_K_DOUBLE, wire(FLOAT4, "3dcccccd"), value_double(0.1));
    assert_reads(OXY_K_DOUBLE, text(FLOAT8, "-0"), value_double(-0.0));
    assert_reads(OXY_K_DOUBLE, text(FLOAT8, "5.960464477539063e-08"), value_double(0x1p-24));
    assert_reads(OXY_K_DOUBLE, wire(TEXT, "352e393630343634343737353339303633652d3038"), value_double(0x1p-24));
    assert_refuses(OXY_K_DOUBLE, text(FLOAT8, "1e-400"), "double precision");
    assert_refuses(OXY_K_DOUBLE, wire(TEXT, "3165343030"), "text");
    assert_reads(OXY_K_DOUBLE, wire(INT4, "00000003"), value_double(3));
    assert_reads(OXY_K_DOUBLE, text(NUMERIC, "0.10"), value_double(0.1));
    assert_reads(OXY_K_DOUBLE, text(NUMERIC, "NaN"), value_double(__builtin_nan("")));
    assert_refuses(OXY_K_DOUBLE, wire(INT8, "7fffffffffffffff"), "bigint");
    assert_refuses(OXY_K_DOUBLE, text(NUMERIC, "0.10000000000000000001"), "numeric");
    assert_refuses(OXY_K_DOUBLE, text(FLOAT8, "1.2.3"), "double precision");
    assert_refuses(OXY_K_DOUBLE, text(FLOAT8, "0.1111111111111111111111111111111111111111111111111"),
                   "double precision");
}

static void test_text_kinds_take_what_has_one_text(void **state)
{
    static const oxy_kind kinds[] = {OXY_K_STRING, OXY_K_TEXT, OXY_K_ENUM};
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(kinds); i++) {
        assert_reads(kinds[i], wire(VARCHAR, "68c3a9"), value_text(OXY_V_TEXT, "h\xC3\xA9"));
        assert_reads(kinds[i], wire(TEXT, ""), value_text(OXY_V_TEXT, ""));
        assert_reads(kinds[i], wire(ENUM, "61"), value_text(OXY_V_TEXT, "a"));
        assert_reads(kinds[i], text(ENUM, "a"), value_text(OXY_V_TEXT, "a"));
        assert_reads(kinds[i], text(MONEY, "$1.00"), value_text(OXY_V_TEXT, "$1.00"));
        assert_reads(kinds[i], wire(INT8, "ffffffffffffffff"), value_text(OXY_V_TEXT, "-1"));
        assert_reads(kinds[i], wire(FLOAT8, "3fb999999999999a"), value_text(OXY_V_TEXT, "0.1"));
        assert_reads(kinds[i], text(NUMERIC, "1.50"), value_text(OXY_V_TEXT, "1.50"));
        assert_reads(kinds[i], wire(DATE, "00000000"), value_text(OXY_V_TEXT, "2000-01-01"));
        assert_reads(kinds[i], wire(TIMESTAMPTZ, "0000000000000000"),
                     value_text(OXY_V_TEXT, "2000-01-01 00:00:00+00:00"));
        assert_reads(kinds[i], wire(UUID, "00112233445566778899aabbccddeeff"),
                     value_text(OXY_V_TEXT, "00112233-4455-6677-8899-aabbccddeeff"));
        assert_reads(kinds[i], wire(JSONB, "015b5d"), value_text(OXY_V_TEXT, "[]"));
        assert_refuses(kinds[i], wire(TEXT, "636166e9"), "text");
        assert_refuses(kinds[i], wire(BYTEA, "61"), "bytea");
        assert_refuses(kinds[i], text(TEXTS, "{a}"), "text[]");
        assert_refuses(kinds[i], wire(INTERVAL, "00000000000000000000000000000000"), "interval");
    }
}

static void test_bytes(void **state)
{
    oxy_value bytes = {.tag = OXY_V_BLOB, .s = {"\x00\xff\\", 3}};

    (void)state;
    assert_reads(OXY_K_BLOB, wire(BYTEA, "00ff5c"), bytes);
    assert_reads(OXY_K_BLOB, text(BYTEA, "\\x00Ff5C"), bytes);
    assert_reads(OXY_K_BLOB, text(BYTEA, "\\000\\377\\\\"), bytes);
    assert_reads(OXY_K_BLOB, text(BYTEA, ""), (oxy_value){.tag = OXY_V_BLOB, .s = {"", 0}});
    assert_refuses(OXY_K_BLOB, text(BYTEA, "\\x00f"), "bytea");
    assert_refuses(OXY_K_BLOB, text(BYTEA, "\\x00fg"), "bytea");
    assert_refuses(OXY_K_BLOB, text(BYTEA, "abc\\40"), "bytea");
    assert_refuses(OXY_K_BLOB, text(BYTEA, "abc\\477"), "bytea");
    assert_refuses(OXY_K_BLOB, wire(TEXT, "61"), "text");
}

static void test_the_type_char_is_a_letter_or_nothing(void **state)
{
    (void)state;
    assert_reads(OXY_K_UNKNOWN, wire(CHAR, "72"), value_text(OXY_V_TEXT, "r"));
    assert_reads(OXY_K_UNKNOWN, wire(CHAR, "00"), value_text(OXY_V_TEXT, ""));
    assert_reads(OXY_K_UNKNOWN, wire(CHAR, "e9"), value_text(OXY_V_TEXT, "\\351"));
    assert_reads(OXY_K_UNKNOWN, text(CHAR, ""), value_text(OXY_V_TEXT, ""));
    assert_refuses(OXY_K_UNKNOWN, wire(CHAR, "7272"), "\"char\"");
}

static void test_timestamps(void **state)
{
    int64_t y2k = 10957 * DAY;

    (void)state;
    assert_reads(OXY_K_DATETIME, wire(TIMESTAMP, "0000000000000001"), value_int(OXY_V_DATETIME, y2k + 1));
    assert_reads(OXY_K_DATETIME_UTC, wire(TIMESTAMPTZ, "0000000000000000"), value_int(OXY_V_DATETIME_UTC, y2k));
    assert_reads(OXY_K_DATETIME, wire(TIMESTAMPTZ, "0000000000000000"), value_int(OXY_V_DATETIME, y2k));
    assert_reads(OXY_K_DATETIME_UTC, wire(TIMESTAMP, "0000000000000000"), value_int(OXY_V_DATETIME_UTC, y2k));
    assert_reads(OXY_K_UNKNOWN, text(TIMESTAMPTZ, "2000-01-01 05:30:00+05:30"), value_int(OXY_V_DATETIME_UTC, y2k));
    assert_refuses(OXY_K_DATETIME, wire(TIMESTAMP, "7fffffffffffffff"), "infinite; cast it to text");
    assert_refuses(OXY_K_DATETIME, wire(TIMESTAMP, "8000000000000000"), "infinite; cast it to text");
    assert_refuses(OXY_K_DATETIME, wire(TIMESTAMP, "7ffffffffffffffe"), "years 1 to 9999; cast it to text");
    assert_refuses(OXY_K_DATETIME, wire(TIMESTAMP, "8000000000000001"), "years 1 to 9999; cast it to text");
    assert_refuses(OXY_K_UNKNOWN, text(TIMESTAMP, "infinity"), "infinite");
    assert_refuses(OXY_K_UNKNOWN, text(TIMESTAMPTZ, "-infinity"), "infinite");
    assert_refuses(OXY_K_UNKNOWN, text(TIMESTAMP, "0044-03-15 12:00:00 BC"), "years 1 to 9999");
    assert_refuses(OXY_K_UNKNOWN, text(TIMESTAMP, "10000-01-01 00:00:00"), "years 1 to 9999");
    assert_refuses(OXY_K_UNKNOWN, text(TIMESTAMP, "01/02/2000 00:00:00"), "DateStyle");
    assert_reads(OXY_K_DATETIME, wire(DATE, "00000001"), value_int(OXY_V_DATETIME, y2k + DAY));
    assert_refuses(OXY_K_DATETIME, wire(TIMESTAMP, "00000000"), "malformed");
}

static void test_dates_and_times(void **state)
{
    oxy_value zoned = {.tag = OXY_V_TIMETZ, .i = 3600000000, .tz = 7200}, v;
    oxy_type type = {.kind = OXY_K_TIME};
    oxy_err err;

    (void)state;
    assert_reads(OXY_K_DATE, wire(DATE, "ffffffff"), value_int(OXY_V_DATE, 10956));
    assert_refuses(OXY_K_DATE, wire(DATE, "7fffffff"), "infinite");
    assert_refuses(OXY_K_DATE, wire(DATE, "80000000"), "infinite");
    assert_refuses(OXY_K_DATE, wire(DATE, "7ffffffe"), "years 1 to 9999");
    assert_refuses(OXY_K_DATE, text(DATE, "infinity"), "infinite");
    assert_reads(OXY_K_DATE, wire(TIMESTAMP, "0000000000000000"), value_int(OXY_V_DATE, 10957));
    assert_refuses(OXY_K_DATE, wire(TIMESTAMP, "0000000000000001"), "time of day");
    assert_reads(OXY_K_TIME, wire(TIME, "0000000000000001"), value_int(OXY_V_TIME, 1));
    assert_refuses(OXY_K_TIME, wire(TIME, "000000141dd76000"), "end of a day");
    assert_refuses(OXY_K_TIME, text(TIME, "24:00:00"), "end of a day");
    assert_refuses(OXY_K_TIME, wire(TIME, "000000141dd76001"), "malformed");
    assert_refuses(OXY_K_TIME, wire(TIME, "ffffffffffffffff"), "malformed");
    assert_refuses(OXY_K_TIME, text(TIME, "08:00:00+02"), "time zone");
    assert_refuses(OXY_K_TIME, text(TIMETZ, "08:00:00"), "not a time");
    assert_refuses(OXY_K_TIME, wire(DATE, "00000000"), "date");
    assert_int_equal(decode_as(&type, wire(TIMETZ, "00000000d693a400ffffe3e0"), &v, &err), OXY_OK);
    assert_true(same_value(&v, &zoned) && v.tz == zoned.tz);
    assert_refuses(OXY_K_TIME, wire(TIMETZ, "00000000d693a40080000000"), "malformed");
}

static void test_timedeltas_from_intervals_and_whole_numbers(void **state)
{
    static const oxy_kind kinds[] = {OXY_K_TIMEDELTA, OXY_K_INTERVAL};
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(kinds); i++) {
        assert_reads(kinds[i], wire(INT8, "ffffffffffffffff"), value_int(OXY_V_TIMEDELTA, -1));
        assert_reads(kinds[i], text(NUMERIC, "12"), value_int(OXY_V_TIMEDELTA, 12));
        assert_refuses(kinds[i], text(NUMERIC, "12.5"), "microseconds");
        assert_refuses(kinds[i], text(NUMERIC, "9223372036854775808"), "microseconds");
        assert_reads(kinds[i], wire(INTERVAL, "00000000000000010000000200000000"),
                     value_int(OXY_V_TIMEDELTA, 2 * DAY + 1));
        assert_refuses(kinds[i], wire(INTERVAL, "00000000000000000000000000000001"), "months or years");
        assert_refuses(kinds[i], wire(INTERVAL, "7fffffffffffffff7fffffff7fffffff"), "infinite");
        assert_refuses(kinds[i], wire(INTERVAL, "7fffffffffffffff0000000100000000"), "out of range");
        assert_refuses(kinds[i], wire(BOOL, "01"), "boolean");
    }
    assert_reads(OXY_K_UNKNOWN, text(INTERVAL, "2 days -03:00:00.5"),
                 value_int(OXY_V_TIMEDELTA, 2 * DAY - 10800500000));
    assert_reads(OXY_K_UNKNOWN, text(INTERVAL, "-2 days +03:00:00"),
                 value_int(OXY_V_TIMEDELTA, -2 * DAY + 10800000000));
    assert_reads(OXY_K_UNKNOWN, text(INTERVAL, "1 year -12 mons +1 day"), value_int(OXY_V_TIMEDELTA, DAY));
    assert_reads(OXY_K_UNKNOWN, text(INTERVAL, "100:00:00.000001"), value_int(OXY_V_TIMEDELTA, 360000000001));
    assert_refuses(OXY_K_UNKNOWN, text(INTERVAL, "1 mon"), "cast it to text");
    assert_refuses(OXY_K_UNKNOWN, text(INTERVAL, "-1 years"), "cast it to text");
    assert_refuses(OXY_K_UNKNOWN, text(INTERVAL, "P1DT2H"), "IntervalStyle");
    assert_refuses(OXY_K_UNKNOWN, text(INTERVAL, ""), "IntervalStyle");
    assert_refuses(OXY_K_UNKNOWN, text(INTERVAL, "1 day "), "IntervalStyle");
    assert_refuses(OXY_K_UNKNOWN, text(INTERVAL, "01:02"), "IntervalStyle");
    assert_refuses(OXY_K_UNKNOWN, text(INTERVAL, "9999999999:00:00"), "IntervalStyle");
    assert_refuses(OXY_K_UNKNOWN, text(INTERVAL, "99999999999 days"), "out of range");
}

static void test_decimals_keep_every_digit(void **state)
{
    (void)state;
    assert_reads(OXY_K_DECIMAL, wire(NUMERIC, "000200000000000200011388"), value_text(OXY_V_DECIMAL, "1.50"));
    assert_reads(OXY_K_UNKNOWN, wire(NUMERIC, "00000000c0000000"), value_text(OXY_V_DECIMAL, "NaN"));
    assert_reads(OXY_K_UNKNOWN, wire(NUMERIC, "00000000f0000020"), value_text(OXY_V_DECIMAL, "-Infinity"));
    assert_reads(OXY_K_DECIMAL, wire(INT4, "fffffffb"), value_text(OXY_V_DECIMAL, "-5"));
    assert_reads(OXY_K_DECIMAL, wire(FLOAT8, "3fb999999999999a"), value_text(OXY_V_DECIMAL, "0.1"));
    assert_refuses(OXY_K_DECIMAL, wire(NUMERIC, "00010000000000002710"), "malformed"); /* a group of 10000 */
    assert_refuses(OXY_K_DECIMAL, wire(NUMERIC, "00020000000000000001"), "malformed"); /* a group short */
    assert_refuses(OXY_K_DECIMAL, wire(NUMERIC, "00010000123400000001"), "malformed"); /* no sign */
    assert_refuses(OXY_K_DECIMAL, wire(NUMERIC, "00010000000040000001"), "malformed"); /* scale */
    assert_refuses(OXY_K_DECIMAL, wire(NUMERIC, "000000"), "malformed");
    assert_refuses(OXY_K_DECIMAL, text(NUMERIC, "1,50"), "numeric");
    assert_refuses(OXY_K_DECIMAL, wire(BOOL, "01"), "boolean");
}

/* What a column of text holds when a field of another kind has it as its db_type. */
static void test_text_is_read_as_what_was_written_into_it(void **state)
{
    static const oxy_kind kinds[] = {OXY_K_BOOL, OXY_K_INT,      OXY_K_DOUBLE,       OXY_K_DATE,
                                     OXY_K_TIME, OXY_K_DATETIME, OXY_K_DATETIME_UTC, OXY_K_TIMEDELTA,
                                     OXY_K_UUID, OXY_K_DECIMAL,  OXY_K_INET};
    int64_t y2k = 10957 * DAY;
    size_t i;

    (void)state;
    assert_reads(OXY_K_BOOL, text(TEXT, "false"), value_int(OXY_V_BOOL, 0));
    assert_reads(OXY_K_BOOL, text(TEXT, "true"), value_int(OXY_V_BOOL, 1));
    assert_reads(OXY_K_INT, text(TEXT, "-9223372036854775808"), value_int(OXY_V_INT, INT64_MIN));
    assert_reads(OXY_K_INT, text(ENUM, "7"), value_int(OXY_V_INT, 7)); /* citext, and its like */
    assert_reads(OXY_K_DOUBLE, text(TEXT, "5e-324"), value_double(5e-324));
    assert_reads(OXY_K_DOUBLE, text(VARCHAR, "NaN"), value_double(__builtin_nan("")));
    assert_reads(OXY_K_DECIMAL, text(TEXT, "0.10"), value_text(OXY_V_DECIMAL, "0.10"));
    assert_reads(OXY_K_DECIMAL, text(1042, "1.50   "), value_text(OXY_V_DECIMAL, "1.50")); /* char(7) */
    assert_reads(OXY_K_DATE, text(TEXT, "2000-01-01"), value_int(OXY_V_DATE, 10957));
    assert_reads(OXY_K_DATETIME, text(TEXT, "2000-01-01 00:00:00.000001"), value_int(OXY_V_DATETIME, y2k + 1));
    assert_reads(OXY_K_DATETIME_UTC, text(TEXT, "2000-01-01 00:00:00+00:00"), value_int(OXY_V_DATETIME_UTC, y2k));
    assert_reads(OXY_K_TIME, text(TEXT, "00:00:00.000001"), value_int(OXY_V_TIME, 1));
    assert_reads(OXY_K_TIME, text(TEXT, "01:00:00+02:00"),
                 (oxy_value){.tag = OXY_V_TIMETZ, .i = 3600000000, .tz = 7200});
    assert_reads(OXY_K_TIMEDELTA, text(TEXT, "-1 days -00:00:01"), value_int(OXY_V_TIMEDELTA, -DAY - 1000000));
    assert_reads(OXY_K_TIMEDELTA, text(TEXT, "25"), value_int(OXY_V_TIMEDELTA, 25));
    assert_reads(OXY_K_UUID, text(TEXT, "00112233-4455-6677-8899-aabbccddeeff"),
                 (oxy_value){.tag = OXY_V_UUID,
                             .uuid = {0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
                                      0xee, 0xff}});
    assert_reads(OXY_K_INET, text(TEXT, "192.0.2.1"), value_text(OXY_V_INET, "192.0.2.1"));
    assert_reads(OXY_K_JSON, text(TEXT, "[1]"), value_text(OXY_V_JSON, "[1]"));
    for (i = 0; i < OXY_COUNT(kinds); i++) {
        assert_refuses(kinds[i], text(TEXT, ""), "text");
        assert_refuses(kinds[i], text(TEXT, "x"), "text");
        assert_refuses(kinds[i], text(TEXT, "1 2"), "text");
    }
    assert_refuses(OXY_K_BLOB, text(TEXT, "x"), "text");
    assert_refuses(OXY_K_ARRAY, text(TEXT, "{}"), "text");
}

static void test_uuids_addresses_and_json(void **state)
{
    oxy_type unknown = {.kind = OXY_K_UNKNOWN};
    oxy_value v;
    oxy_err err;

    (void)state;
    assert_reads(OXY_K_UUID, wire(UUID, "00112233445566778899aabbccddeeff"),
                 value_uuid("00112233445566778899aabbccddeeff"));
    assert_refuses(OXY_K_UUID, wire(UUID, "0011"), "malformed");
    assert_refuses(OXY_K_UUID, text(UUID, "0011"), "uuid");
    assert_refuses(OXY_K_UUID, wire(TEXT, "00"), "text");
    assert_reads(OXY_K_UUID, wire(BYTEA, "00000000000000000000000000000000"), (oxy_value){.tag = OXY_V_UUID});
    assert_refuses(OXY_K_UUID, wire(BYTEA, "00"), "bytea");
    assert_reads(OXY_K_INET, wire(INET, "02180004c0000201"), value_text(OXY_V_INET, "192.0.2.1/24"));
    assert_reads(OXY_K_INET, wire(INET, "02200004c0000201"), value_text(OXY_V_INET, "192.0.2.1"));
    assert_reads(OXY_K_CIDR, wire(CIDR, "02200104c0000201"), value_text(OXY_V_INET, "192.0.2.1/32"));
    assert_refuses(OXY_K_INET, wire(INET, "04180004c0000201"), "malformed");
    assert_refuses(OXY_K_INET, wire(INET, "02210004c0000201"), "malformed");
    assert_refuses(OXY_K_INET, wire(INET, "02180010c0000201"), "malformed");
    assert_refuses(OXY_K_INET, wire(INET, "02180004c00002"), "malformed");
    assert_refuses(OXY_K_INET, text(INET, "example"), "inet");
    assert_reads(OXY_K_INET, wire(TEXT, "3a3a31"), value_text(OXY_V_INET, "::1"));
    assert_int_equal(decode_as(&unknown, wire(CIDR, "02180104c0000200"), &v, &err), OXY_OK);
    assert_int_equal(v.wire, OXY_PG_OID_CIDR);
    assert_int_equal(decode_as(&unknown, text(INET, "192.0.2.1/24"), &v, &err), OXY_OK);
    assert_int_equal(v.wire, 0);
    assert_reads(OXY_K_JSON, wire(JSON, "5b5d"), value_text(OXY_V_JSON, "[]"));
    assert_reads(OXY_K_JSONB, wire(JSONB, "015b5d"), value_text(OXY_V_JSON, "[]"));
    assert_reads(OXY_K_JSON, text(JSONB, "[]"), value_text(OXY_V_JSON, "[]"));
    assert_refuses(OXY_K_JSON, wire(JSONB, "025b5d"), "malformed");
    assert_refuses(OXY_K_JSON, wire(JSONB, ""), "malformed");
    assert_refuses(OXY_K_JSON, wire(JSONB, "01ff"), "UTF-8");
    assert_reads(OXY_K_JSON, wire(TEXT, "5b5d"), value_text(OXY_V_JSON, "[]"));
}

static void test_types_without_a_codec_are_their_text(void **state)
{
    (void)state;
    assert_reads(OXY_K_UNKNOWN, text(INT4RANGE, "[1,5)"), value_text(OXY_V_TEXT, "[1,5)"));
    assert_reads(OXY_K_UNKNOWN, text(MONEY, "$1.00"), value_text(OXY_V_TEXT, "$1.00"));
    assert_reads(OXY_K_UNKNOWN, text(ENUM, "{a}"), value_text(OXY_V_TEXT, "{a}"));
    assert_refuses(OXY_K_INT, text(ENUM, "open"), "value of type 16500");
    assert_refuses(OXY_K_INT, wire(INT4RANGE, "00"), "int4range");
}

/* --- arrays ------------------------------------------------------------------------------------------ */

static void assert_reads_list(oxy_kind elem, oxy_cell cell, oxy_value expected)
{
    oxy_type type = {.kind = OXY_K_ARRAY, .elem = elem, .ndim = 1};
    oxy_value v;
    oxy_err err;

    if (decode_as(&type, cell, &v, &err) != OXY_OK)
        fail_msg("%s", err.message);
    assert_true(same_value(&v, &expected));
    assert_int_equal(v.array->elem, elem);
}

static void test_arrays_of_every_shape(void **state)
{
    oxy_value one = value_int(OXY_V_INT, 1), two = value_int(OXY_V_INT, 2), null = {.tag = OXY_V_NULL};
    static const char *const malformed[] = {
        "{",     "{}x",      "{1,2", "1,2", "{1,}", "{,1}", "{1}}", "{\"1}", "{1\"2\"}", "[0:1]", "{{{{{{{1}}}}}}}",
        "{1\\}", "{{1}{2}}", ""};
    size_t i;

    (void)state;
    assert_reads_list(OXY_K_INT, text(INT4S, "{}"), list_of(0, NULL));
    assert_reads_list(OXY_K_INT, text(INT4S, "{1,NULL,2}"), LIST(one, null, two));
    assert_reads_list(OXY_K_INT, text(INT4S, "[5:6]={1,2}"), LIST(one, two));
    assert_reads_list(OXY_K_INT, text(INT4S, "{{1,2},{2,1}}"), LIST(LIST(one, two), LIST(two, one)));
    assert_reads_list(OXY_K_INT, text(INT4S, "{{{{{{1}}}}}}"), LIST(LIST(LIST(LIST(LIST(LIST(one)))))));
    assert_reads(OXY_K_UNKNOWN, text(1020, "{(2,2),(1,1);(4,4),(3,3)}"),
                 LIST(value_text(OXY_V_TEXT, "(2,2),(1,1)"), value_text(OXY_V_TEXT, "(4,4),(3,3)")));
    for (i = 0; i < OXY_COUNT(malformed); i++) {
        oxy_type type = {.kind = OXY_K_ARRAY, .elem = OXY_K_INT, .ndim = 1};
        oxy_value v;
        oxy_err err;

        if (decode_as(&type, text(INT4S, malformed[i]), &v, &err) != OXY_DATA)
            fail_msg("accepted: %s", malformed[i]);
        assert_non_null(strstr(err.message, "integer[]"));
    }
}

static void test_elements_become_the_column_s_kind(void **state)
{
    (void)state;
    assert_reads_list(OXY_K_DECIMAL, text(INT4S, "{1,2}"),
                      LIST(value_text(OXY_V_DECIMAL, "1"), value_text(OXY_V_DECIMAL, "2")));
    assert_reads_list(OXY_K_TIMEDELTA, text(INT8S, "{{1},{2}}"),
                      LIST(LIST(value_int(OXY_V_TIMEDELTA, 1)), LIST(value_int(OXY_V_TIMEDELTA, 2))));
    assert_refuses(OXY_K_ARRAY, wire(INT8, "0000000000000001"), "bigint");
    assert_refuses(OXY_K_INT, text(INT4S, "{}"), "integer[]");
}

static void test_arrays_of_the_user_s_types(void **state)
{
    oxy_value labels = LIST(value_text(OXY_V_TEXT, "a,b"), value_text(OXY_V_TEXT, "c"));
    oxy_cell cell;

    (void)state;
    assert_reads_list(OXY_K_ENUM, text(ENUMS, "{\"a,b\",c}"), labels);
    assert_reads_list(OXY_K_INT, text(ENUMS, "{1}"), LIST(value_int(OXY_V_INT, 1))); /* of a domain */
    cell = text(ENUMS, "{\"a,b\",c}");
    pg_desc.wire_flags |= OXY_PG_ARRAY;
    assert_reads(OXY_K_UNKNOWN, cell, labels);
    cell = wire(ENUMS, "000000010000000000004074000000020000000100000003612c620000000163");
    pg_desc.wire_flags = OXY_PG_ARRAY;
    assert_reads(OXY_K_UNKNOWN, cell, labels);
    assert_reads_list(OXY_K_ENUM, cell, labels);
}

static void test_malformed_binary_arrays_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "00000001",
        "0000000000000000000000170000",                                     /* more than nothing */
        "000000070000000000000017",                                         /* seven dimensions */
        "00000001000000000000001700000001",                                 /* no lower bound */
        "0000000100000000000000170000000000000001",                         /* empty dimension */
        "000000010000000000000017000000010000000100000004000000",           /* element cut */
        "000000010000000000000017000000010000000100000004",                 /* element missing */
        "000000010000000000000017000000010000000180000000",                 /* a length below -1 */
        "00000001000000000000001700000001000000010000000400000001ff",       /* a byte too many */
        "0000000100000000000000177fffffff000000010000000400000001",         /* more elements than bytes */
        "00000002000000000000001710000000000000011000000000000001ffffffff", /* an overflow of 64 bits */
        "000000010000000000000017000000010000000100000002ffff",             /* an integer of two bytes */
        "0000000100000000000003ef000000010000000100000001ff",               /* an array of arrays */
        "00000001000000000000001900000001000000010000000131"                /* of text */
    };
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(cases); i++)
        assert_refuses(OXY_K_ARRAY, wire(INT4S, cases[i]), "malformed");
}

/* --- the driver's side ----------------------------------------------------------------------------------- */

static void test_cells_have_the_length_of_their_class(void **state)
{
    static const struct {
        oxy_pg_class class;
        uint32_t len;
    } cases[] = {{OXY_PG_BOOL, 1}, {OXY_PG_INT2, 2},   {OXY_PG_INT4, 4},  {OXY_PG_OID, 4},
                 {OXY_PG_INT8, 8}, {OXY_PG_FLOAT4, 4}, {OXY_PG_FLOAT8, 8}};
    oxy_cell cell;
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(cases); i++) {
        uint32_t len;

        for (len = 0; len <= 9; len++)
            assert_int_equal(oxy_pg_read_cell(cases[i].class, "\x01\x01\x01\x01\x01\x01\x01\x01\x01", len, &cell),
                             len == cases[i].len);
    }
    assert_false(oxy_pg_read_cell(OXY_PG_UNKNOWN, "", 0, &cell));
}

static void test_classes_and_element_types(void **state)
{
    (void)state;
    assert_int_equal(oxy_pg_cell_class(BOOL), OXY_PG_BOOL);
    assert_int_equal(oxy_pg_cell_class(VARCHAR), OXY_PG_CHARS);
    assert_int_equal(oxy_pg_cell_class(NUMERIC), OXY_PG_BINARY);
    assert_int_equal(oxy_pg_cell_class(INT4S), OXY_PG_BINARY);
    assert_int_equal(oxy_pg_cell_class(2278), OXY_PG_CHARS); /* void */
    assert_int_equal(oxy_pg_cell_class(MONEY), OXY_PG_UNKNOWN);
    assert_int_equal(oxy_pg_cell_class(791), OXY_PG_UNKNOWN); /* money[] */
    assert_int_equal(oxy_pg_cell_class(INT4RANGE), OXY_PG_UNKNOWN);
    assert_int_equal(oxy_pg_cell_class(ENUM), OXY_PG_UNKNOWN);
    assert_int_equal(oxy_pg_cell_class(0), OXY_PG_UNKNOWN);
    assert_int_equal(oxy_pg_elem_oid(INT4S), INT4);
    assert_int_equal(oxy_pg_elem_oid(TEXTS), TEXT);
    assert_int_equal(oxy_pg_elem_oid(INT4), 0);
    assert_int_equal(oxy_pg_elem_oid(0), 0);
    assert_int_equal(oxy_pg_elem_oid(ENUMS), 0);
}

/* --- without memory --------------------------------------------------------------------------------------- */

static oxy_rc decode_fixtures(const oxy_alloc *alloc, void *arg)
{
    oxy_rc rc = OXY_OK;
    size_t i;

    (void)arg;
    for (i = 0; rc == OXY_OK && i < OXY_COUNT(pg_fixtures); i++) {
        const struct pg_fixture *f = &pg_fixtures[i];
        oxy_type type = {.kind = OXY_K_UNKNOWN};
        oxy_cell cell = i % 2 == 0 ? wire(f->oid, f->hex) : text(f->oid, f->text);
        oxy_arena arena;
        oxy_value v;
        oxy_err err;

        oxy_arena_init(&arena, alloc, SIZE_MAX);
        rc = oxy_codec_postgres.decode[OXY_K_UNKNOWN](&cell, described, &type, &arena, &v, &err);
        if (rc != OXY_OK)
            assert_int_equal(err.rc, rc);
        oxy_arena_fini(&arena);
    }
    return rc;
}

static void test_reading_survives_every_allocation_failure(void **state)
{
    (void)state;
    assert_true(fail_torture(decode_fixtures, NULL) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_formats_of_the_server_give_the_same_value),
        cmocka_unit_test(test_null_is_null_for_every_kind),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_integers_of_every_width),
        cmocka_unit_test(test_doubles_take_only_what_they_hold_exactly),
        cmocka_unit_test(test_text_kinds_take_what_has_one_text),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_the_type_char_is_a_letter_or_nothing),
        cmocka_unit_test(test_timestamps),
        cmocka_unit_test(test_dates_and_times),
        cmocka_unit_test(test_timedeltas_from_intervals_and_whole_numbers),
        cmocka_unit_test(test_decimals_keep_every_digit),
        cmocka_unit_test(test_text_is_read_as_what_was_written_into_it),
        cmocka_unit_test(test_uuids_addresses_and_json),
        cmocka_unit_test(test_types_without_a_codec_are_their_text),
        cmocka_unit_test(test_arrays_of_every_shape),
        cmocka_unit_test(test_elements_become_the_column_s_kind),
        cmocka_unit_test(test_arrays_of_the_user_s_types),
        cmocka_unit_test(test_malformed_binary_arrays_are_refused),
        cmocka_unit_test(test_cells_have_the_length_of_their_class),
        cmocka_unit_test(test_classes_and_element_types),
        cmocka_unit_test(test_reading_survives_every_allocation_failure),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
