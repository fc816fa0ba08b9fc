/* SPDX-License-Identifier: MIT */
/* Promises of the MySQL codec about reading: what each kind takes from each
 * type of column, and what it refuses. */
#include "mysql_cases.h"

#include <math.h>
#include <stdlib.h>

static void test_null_is_null_for_every_kind(void **state)
{
    int kind;

    (void)state;
    column(T_LONGLONG, 0);
    for (kind = 0; kind < OXY_K_COUNT; kind++) {
        assert_non_null(oxy_codec_mysql.decode[kind]);
        assert_reads((oxy_kind)kind, (oxy_cell){.tag = OXY_C_NULL}, (oxy_value){.tag = OXY_V_NULL});
    }
}

static void test_broken_wire_cells_are_refused_by_every_kind(void **state)
{
    static const uint32_t types[] = {T_DATE, T_TIME, T_DATETIME, T_TIMESTAMP, T_LONGLONG, T_VAR_STRING, T_BIT, 77};
    int kind;
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(types); i++) {
        column(types[i], 0);
        for (kind = 0; kind < OXY_K_COUNT; kind++)
            assert_refuses((oxy_kind)kind, WIRE("\x01\x02\x03"), "cannot read this");
    }
    described = NULL;
    for (kind = 0; kind < OXY_K_COUNT; kind++)
        assert_refuses((oxy_kind)kind, WIRE("\xE8\x07\x02\x1D"), "unknown type");
}

static void test_messages_name_the_columns_type(void **state)
{
    static const struct {
        uint32_t type, flags;
        const char *name;
    } rows[] = {
        {T_TINY, 0, "TINYINT"},
        {T_TINY, FLAG_UNSIGNED, "TINYINT UNSIGNED"},
        {T_SHORT, 0, "SMALLINT"},
        {T_INT24, 0, "MEDIUMINT"},
        {T_LONG, 0, "INT"},
        {T_LONGLONG, FLAG_UNSIGNED, "BIGINT UNSIGNED"},
        {T_YEAR, FLAG_UNSIGNED, "YEAR"},
        {T_FLOAT, 0, "FLOAT"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(rows); i++) {
        column(rows[i].type, rows[i].flags);
        assert_refuses(OXY_K_UUID, cell_int(5), rows[i].name);
    }
    column(T_STRING, 0);
    assert_refuses(OXY_K_DATE, cell_text("x"), "this CHAR as");
    assert_refuses(OXY_K_DATE, cell_blob("x", 1), "this BINARY as");
    column(T_STRING, FLAG_ENUM);
    assert_refuses(OXY_K_DATE, cell_text("x"), "this ENUM as");
    column(T_STRING, FLAG_SET);
    assert_refuses(OXY_K_DATE, cell_text("x"), "this SET as");
    column(T_VAR_STRING, 0);
    assert_refuses(OXY_K_DATE, cell_text("x"), "this VARCHAR as");
    assert_refuses(OXY_K_DATE, cell_blob("x", 1), "this VARBINARY as");
    column(T_BLOB, 0);
    assert_refuses(OXY_K_DATE, cell_text("x"), "this TEXT as");
    assert_refuses(OXY_K_DATE, cell_blob("x", 1), "this BLOB as");
    column(T_BLOB, OXY_MYSQL_JSON);
    assert_refuses(OXY_K_DATE, cell_text("x"), "this JSON as");
    column(T_JSON, 0);
    assert_refuses(OXY_K_DATE, cell_text("x"), "this JSON as");
    column(T_NEWDECIMAL, 0);
    assert_refuses(OXY_K_DATE, cell_text("1.0"), "this DECIMAL as");
    column(T_BIT, FLAG_UNSIGNED);
    assert_refuses(OXY_K_DATE, cell_blob("\x01", 1), "this BIT as");
    column(T_GEOMETRY, 0);
    assert_refuses(OXY_K_TEXT, cell_blob("\x01", 1), "this GEOMETRY as");
    column(T_VECTOR, 0);
    assert_refuses(OXY_K_TEXT, cell_blob("\x01", 1), "this VECTOR as");
    described = NULL;
    assert_refuses(OXY_K_DATE, cell_int(1), "this BIGINT as");
    assert_refuses(OXY_K_DATE, cell_text("x"), "this TEXT as");
}

static void test_unknown_goes_by_the_columns_type(void **state)
{
    (void)state;
    column(T_TINY, 0); /* TINYINT(1) is no boolean */
    assert_reads(OXY_K_UNKNOWN, cell_int(1), value_int(OXY_V_INT, 1));
    column(T_LONGLONG, FLAG_UNSIGNED);
    assert_reads(OXY_K_UNKNOWN, cell_uint(UINT64_MAX), value_uint(UINT64_MAX));
    assert_reads(OXY_K_UNKNOWN, cell_uint(5), value_int(OXY_V_INT, 5));
    assert_reads(OXY_K_UNKNOWN, cell_text("18446744073709551615"), value_uint(UINT64_MAX));
    column(T_YEAR, FLAG_UNSIGNED);
    assert_reads(OXY_K_UNKNOWN, cell_uint(2024), value_int(OXY_V_INT, 2024));
    column(T_BIT, FLAG_UNSIGNED);
    assert_reads(OXY_K_UNKNOWN, cell_blob("\x01\x00", 2), value_int(OXY_V_INT, 256));
    assert_reads(OXY_K_UNKNOWN, cell_blob("\xff\xff\xff\xff\xff\xff\xff\xff", 8), value_uint(UINT64_MAX));
    column(T_DOUBLE, 0);
    assert_reads(OXY_K_UNKNOWN, cell_double(0.1), value_double(0.1));
    column(T_FLOAT, 0);
    assert_reads(OXY_K_UNKNOWN, cell_double((double)0.1F), value_double(0.1));
    column(T_NEWDECIMAL, 0);
    assert_reads(OXY_K_UNKNOWN, cell_text("12.50"), value_text(OXY_V_DECIMAL, "12.50"));
    column(T_DATE, 0);
    assert_reads(OXY_K_UNKNOWN, WIRE("\xB2\x07\x01\x02"), value_int(OXY_V_DATE, 1));
    column(T_DATETIME, 0);
    assert_reads(OXY_K_UNKNOWN, WIRE("\xB2\x07\x01\x02"), value_int(OXY_V_DATETIME, DAY));
    column(T_TIMESTAMP, 0);
    assert_reads(OXY_K_UNKNOWN, WIRE("\xB2\x07\x01\x01\x00\x00\x01"), value_int(OXY_V_DATETIME, 1000000));
    column(T_TIME, 0);
    assert_reads(OXY_K_UNKNOWN, WIRE("\x00\x00\x00\x00\x00\x0C\x00\x00"), value_int(OXY_V_TIMEDELTA, DAY / 2));
    assert_reads(OXY_K_UNKNOWN, cell_text("-01:00:00.5"), value_int(OXY_V_TIMEDELTA, -INT64_C(3600500000)));
    column(T_JSON, 0);
    assert_reads(OXY_K_UNKNOWN, cell_text("{}"), value_text(OXY_V_JSON, "{}"));
    column(T_BLOB, OXY_MYSQL_JSON);
    assert_reads(OXY_K_UNKNOWN, cell_text("{}"), value_text(OXY_V_JSON, "{}"));
    column(T_BLOB, OXY_MYSQL_BINARY); /* TEXT with a binary collation */
    assert_reads(OXY_K_UNKNOWN, cell_text("{}"), value_text(OXY_V_TEXT, "{}"));
    assert_reads(OXY_K_UNKNOWN, cell_blob("\xff", 1), value_text(OXY_V_BLOB, "\xff"));
    column(T_STRING, FLAG_SET);
    assert_reads(OXY_K_UNKNOWN, cell_text("a,b"), value_text(OXY_V_TEXT, "a,b"));
    column(T_GEOMETRY, 0);
    assert_reads(OXY_K_UNKNOWN, cell_blob("\x01", 1), value_text(OXY_V_BLOB, "\x01"));
    column(T_VAR_STRING, 0);
    assert_refuses(OXY_K_UNKNOWN, cell_text("\xff"), "VARCHAR");
    described = NULL;
    assert_reads(OXY_K_UNKNOWN, cell_int(5), value_int(OXY_V_INT, 5));
    assert_reads(OXY_K_UNKNOWN, cell_text("5"), value_text(OXY_V_TEXT, "5"));
    assert_reads(OXY_K_UNKNOWN, cell_double(5), value_double(5));
}

static void test_booleans(void **state)
{
    (void)state;
    column(T_TINY, 0);
    assert_reads(OXY_K_BOOL, cell_int(0), value_int(OXY_V_BOOL, 0));
    assert_reads(OXY_K_BOOL, cell_int(1), value_int(OXY_V_BOOL, 1));
    assert_refuses(OXY_K_BOOL, cell_int(2), "TINYINT");
    assert_refuses(OXY_K_BOOL, cell_int(-1), "TINYINT");
    column(T_BIT, FLAG_UNSIGNED);
    assert_reads(OXY_K_BOOL, cell_blob("\x00", 1), value_int(OXY_V_BOOL, 0));
    assert_reads(OXY_K_BOOL, cell_blob("\x01", 1), value_int(OXY_V_BOOL, 1));
    assert_refuses(OXY_K_BOOL, cell_blob("\x03", 1), "BIT");
    column(T_NEWDECIMAL, 0);
    assert_reads(OXY_K_BOOL, cell_text("1"), value_int(OXY_V_BOOL, 1));
    assert_refuses(OXY_K_BOOL, cell_text("0.5"), "DECIMAL");
    column(T_VAR_STRING, 0);
    assert_reads(OXY_K_BOOL, cell_text("TRUE"), value_int(OXY_V_BOOL, 1));
    assert_reads(OXY_K_BOOL, cell_text("false"), value_int(OXY_V_BOOL, 0));
    assert_refuses(OXY_K_BOOL, cell_text("yes"), "VARCHAR");
    assert_refuses(OXY_K_BOOL, cell_blob("1", 1), "VARBINARY");
}

static void test_integers(void **state)
{
    (void)state;
    column(T_LONGLONG, 0);
    assert_reads(OXY_K_INT, cell_int(INT64_MIN), value_int(OXY_V_INT, INT64_MIN));
    assert_reads(OXY_K_INT, cell_text("-9223372036854775808"), value_int(OXY_V_INT, INT64_MIN));
    column(T_LONGLONG, FLAG_UNSIGNED);
    assert_reads(OXY_K_INT, cell_uint(UINT64_MAX), value_uint(UINT64_MAX));
    assert_reads(OXY_K_INT, cell_uint(INT64_MAX), value_int(OXY_V_INT, INT64_MAX));
    column(T_NEWDECIMAL, 0); /* SUM of integers */
    assert_reads(OXY_K_INT, cell_text("12"), value_int(OXY_V_INT, 12));
    assert_reads(OXY_K_INT, cell_text("-12.00"), value_int(OXY_V_INT, -12));
    assert_reads(OXY_K_INT, cell_text("18446744073709551615"), value_uint(UINT64_MAX));
    assert_refuses(OXY_K_INT, cell_text("18446744073709551616"), "DECIMAL");
    assert_refuses(OXY_K_INT, cell_text("-9223372036854775809"), "DECIMAL");
    assert_refuses(OXY_K_INT, cell_text("12.5"), "DECIMAL");
    column(T_DOUBLE, 0);
    assert_reads(OXY_K_INT, cell_double(-3.0), value_int(OXY_V_INT, -3));
    assert_reads(OXY_K_INT, cell_double(0x1p63), value_uint(UINT64_C(1) << 63));
    assert_refuses(OXY_K_INT, cell_double(0.5), "DOUBLE");
    assert_refuses(OXY_K_INT, cell_double(-1e19), "DOUBLE");
    column(T_BIT, FLAG_UNSIGNED);
    assert_reads(OXY_K_INT, cell_blob("\x80\x00\x00\x00\x00\x00\x00\x00", 8), value_uint(UINT64_C(1) << 63));
    assert_reads(OXY_K_INT, cell_text("1"), value_int(OXY_V_INT, '1')); /* its bytes, in the text protocol too */
    assert_refuses(OXY_K_INT, cell_blob("123456789", 9), "BIT");
    column(T_BLOB, 0);
    assert_refuses(OXY_K_INT, cell_blob("\x01", 1), "BLOB");
    column(T_VAR_STRING, 0);
    assert_refuses(OXY_K_INT, cell_text("twelve"), "VARCHAR");
}

static void test_doubles_and_decimals(void **state)
{
    (void)state;
    column(T_DOUBLE, 0);
    assert_reads(OXY_K_DOUBLE, cell_double(-0.0), value_double(-0.0));
    assert_reads(OXY_K_DECIMAL, cell_double(12.34), value_text(OXY_V_DECIMAL, "12.34"));
    column(T_FLOAT, 0);
    assert_reads(OXY_K_DOUBLE, cell_double((double)0.1F), value_double(0.1));
    assert_reads(OXY_K_DOUBLE, cell_double((double)3.4028235e38F), value_double(3.4028235e38));
    assert_reads(OXY_K_DOUBLE, cell_double((double)1e-45F), value_double(1e-45));
    assert_reads(OXY_K_DOUBLE, cell_double((double)16777217.0F), value_double(16777216.0));
    assert_reads(OXY_K_DOUBLE, cell_double((double)-1.17549435e-38F), value_double(-1.1754944e-38));
    assert_reads(OXY_K_DECIMAL, cell_double((double)0.1F), value_text(OXY_V_DECIMAL, "0.1"));
    assert_reads(OXY_K_TEXT, cell_double((double)0.3F), value_text(OXY_V_TEXT, "0.3"));
    column(T_LONGLONG, 0);
    assert_reads(OXY_K_DOUBLE, cell_int(INT64_C(1) << 53), value_double(0x1p53));
    assert_refuses(OXY_K_DOUBLE, cell_int((INT64_C(1) << 53) + 1), "BIGINT");
    assert_reads(OXY_K_DECIMAL, cell_int(-7), value_text(OXY_V_DECIMAL, "-7"));
    column(T_LONGLONG, FLAG_UNSIGNED);
    assert_refuses(OXY_K_DOUBLE, cell_uint(UINT64_MAX), "BIGINT UNSIGNED");
    column(T_NEWDECIMAL, 0);
    assert_reads(OXY_K_DOUBLE, cell_text("0.100000"), value_double(0.1));
    assert_refuses(OXY_K_DOUBLE, cell_text("0.100000000000000000001"), "DECIMAL");
    assert_reads(OXY_K_DECIMAL, cell_text("12.500"), value_text(OXY_V_DECIMAL, "12.500"));
    column(T_VAR_STRING, 0);
    assert_refuses(OXY_K_DECIMAL, cell_text("12,50"), "VARCHAR");
    assert_refuses(OXY_K_DOUBLE, cell_text("abc"), "VARCHAR");
    assert_refuses(OXY_K_DECIMAL, cell_blob("1", 1), "VARBINARY");
    assert_refuses(OXY_K_DOUBLE, cell_blob("1", 1), "VARBINARY");
}

static void test_dates_of_every_length(void **state)
{
    int64_t leap = INT64_C(19782); /* 2024-02-29 */

    (void)state;
    column(T_DATE, 0);
    assert_reads(OXY_K_DATE, WIRE("\xE8\x07\x02\x1D"), value_int(OXY_V_DATE, leap));
    assert_reads(OXY_K_DATETIME, WIRE("\xE8\x07\x02\x1D"), value_int(OXY_V_DATETIME, leap * DAY));
    column(T_DATETIME, 0);
    assert_reads(OXY_K_DATE, WIRE("\xE8\x07\x02\x1D"), value_int(OXY_V_DATE, leap));
    assert_reads(OXY_K_DATETIME, WIRE("\xE8\x07\x02\x1D\x17\x3B\x3B"),
                 value_int(OXY_V_DATETIME, leap * DAY + DAY - 1000000));
    assert_reads(OXY_K_DATETIME_UTC, WIRE("\xE8\x07\x02\x1D\x17\x3B\x3B\x3F\x42\x0F\x00"),
                 value_int(OXY_V_DATETIME_UTC, leap * DAY + DAY - 1));
    assert_reads(OXY_K_DATETIME, WIRE("\x01\x00\x01\x01"), value_int(OXY_V_DATETIME, OXY_DATETIME_MIN));
    assert_reads(OXY_K_DATETIME, WIRE("\x0F\x27\x0C\x1F\x17\x3B\x3B\x3F\x42\x0F\x00"),
                 value_int(OXY_V_DATETIME, OXY_DATETIME_MAX));
    assert_refuses(OXY_K_DATE, WIRE("\xE8\x07\x02\x1D\x00\x00\x01"), "time of day");
    assert_refuses(OXY_K_TIME, WIRE("\xE8\x07\x02\x1D\x00\x00\x01"), "DATETIME as time");
    assert_refuses(OXY_K_INT, WIRE("\xE8\x07\x02\x1D"), "DATETIME");
    assert_refuses(OXY_K_BLOB, WIRE("\xE8\x07\x02\x1D"), "DATETIME");
    column(T_TIMESTAMP, 0);
    assert_reads(OXY_K_DATETIME_UTC, WIRE("\xB2\x07\x01\x02"), value_int(OXY_V_DATETIME_UTC, DAY));
}

static void test_dates_that_python_lacks_advise_a_cast(void **state)
{
    static const oxy_kind kinds[] = {OXY_K_DATE, OXY_K_DATETIME, OXY_K_DATETIME_UTC, OXY_K_UNKNOWN};
    static const uint32_t types[] = {T_DATE, T_DATETIME, T_TIMESTAMP};
    size_t i, k;

    (void)state;
    for (i = 0; i < OXY_COUNT(types); i++) {
        column(types[i], 0);
        for (k = 0; k < OXY_COUNT(kinds); k++) {
            assert_refuses(kinds[k], WIRE(""), "zero date; a cast to CHAR");
            assert_refuses(kinds[k], WIRE("\x00\x00\x00\x00\x0C\x00\x00"), "zero date; a cast to CHAR");
            assert_refuses(kinds[k], WIRE("\xE8\x07\x00\x00"), "is 0; a cast to CHAR");
            assert_refuses(kinds[k], WIRE("\xE8\x07\x05\x00"), "is 0; a cast to CHAR");
            assert_refuses(kinds[k], WIRE("\x00\x00\x05\x05"), "is 0; a cast to CHAR");
            assert_refuses(kinds[k], WIRE("\xE7\x07\x02\x1D"), "no such day; a cast to CHAR");
            assert_refuses(kinds[k], WIRE("\xE8\x07\x0D\x01"), "bytes are no date");
            assert_refuses(kinds[k], WIRE("\x10\x27\x01\x01"), "bytes are no date");
            assert_refuses(kinds[k], WIRE("\xE8\x07\x01\x01\x18\x00\x00"), "bytes are no date");
            assert_refuses(kinds[k], WIRE("\xE8\x07\x01\x01\x17\x3B\x3B\x40\x42\x0F\x00"), "bytes are no date");
            assert_refuses(kinds[k], cell_text("0000-00-00 00:00:00"), "zero date");
            assert_refuses(kinds[k], cell_text("2024-00-01"), "is 0; a cast");
        }
    }
}

static void test_a_text_field_reads_any_date_and_time(void **state)
{
    (void)state;
    column(T_DATE, 0);
    assert_reads(OXY_K_TEXT, WIRE(""), value_text(OXY_V_TEXT, "0000-00-00"));
    assert_reads(OXY_K_STRING, WIRE("\xE8\x07\x02\x1D"), value_text(OXY_V_TEXT, "2024-02-29"));
    column(T_DATETIME, 0);
    assert_reads(OXY_K_TEXT, WIRE(""), value_text(OXY_V_TEXT, "0000-00-00 00:00:00"));
    assert_reads(OXY_K_TEXT, WIRE("\xE8\x07\x02\x1D\x01\x02\x03\x0A\x00\x00\x00"),
                 value_text(OXY_V_TEXT, "2024-02-29 01:02:03.000010"));
    column(T_TIME, 0);
    assert_reads(OXY_K_TEXT, WIRE(""), value_text(OXY_V_TEXT, "00:00:00"));
    assert_reads(OXY_K_TEXT, WIRE("\x01\x22\x00\x00\x00\x16\x3B\x3B"), value_text(OXY_V_TEXT, "-838:59:59"));
}

static void test_times_and_spans(void **state)
{
    (void)state;
    column(T_TIME, 0);
    assert_reads(OXY_K_TIME, WIRE(""), value_int(OXY_V_TIME, 0));
    assert_reads(OXY_K_TIME, WIRE("\x00\x00\x00\x00\x00\x17\x3B\x3B\x3F\x42\x0F\x00"), value_int(OXY_V_TIME, DAY - 1));
    assert_reads(OXY_K_TIMEDELTA, WIRE("\x00\x01\x00\x00\x00\x00\x00\x01"), value_int(OXY_V_TIMEDELTA, DAY + 1000000));
    assert_reads(OXY_K_INTERVAL, WIRE("\x01\x22\x00\x00\x00\x16\x3B\x3B"),
                 value_int(OXY_V_TIMEDELTA, -INT64_C(3020399000000)));
    assert_refuses(OXY_K_TIME, WIRE("\x00\x01\x00\x00\x00\x00\x00\x00"), "no time of day");
    assert_refuses(OXY_K_TIME, WIRE("\x01\x00\x00\x00\x00\x00\x00\x01"), "no time of day");
    assert_refuses(OXY_K_TIME, WIRE("\x02\x00\x00\x00\x00\x00\x00\x01"), "bytes are no time");
    assert_refuses(OXY_K_TIMEDELTA, WIRE("\x00\x00\x00\x00\xff\x00\x00\x01"), "bytes are no time");
    assert_refuses(OXY_K_TIMEDELTA, WIRE("\x00\x00\x00\x00\x00\x18\x00\x00"), "bytes are no time");
    assert_refuses(OXY_K_TIMEDELTA, WIRE("\x00\x00\x00\x00\x00\x00\x00\x00\x40\x42\x0F\x00"), "bytes are no time");
    assert_refuses(OXY_K_DATETIME, WIRE(""), "TIME as date_time");
    assert_reads(OXY_K_TIME, cell_text("07:05:00"), value_int(OXY_V_TIME, INT64_C(25500000000)));
    assert_refuses(OXY_K_TIME, cell_text("-07:05:00"), "no time of day");
    assert_refuses(OXY_K_TIME, cell_text("100:00:00"), "no time of day");
    assert_refuses(OXY_K_TIME, cell_text("noon"), "not a time");
    assert_reads(OXY_K_TIMEDELTA, cell_text("838:59:59.000001"), value_int(OXY_V_TIMEDELTA, INT64_C(3020399000001)));
    assert_refuses(OXY_K_TIMEDELTA, cell_text("8:59:59"), "not a time");
    assert_refuses(OXY_K_TIMEDELTA, cell_text("08:60:00"), "not a time");
    assert_refuses(OXY_K_TIMEDELTA, cell_text("08:00:00+01:00"), "not a time");
    assert_refuses(OXY_K_TIMEDELTA, cell_text("999999999:00:00"), "not a time");
    column(T_LONGLONG, 0);
    assert_reads(OXY_K_TIMEDELTA, cell_int(-5), value_int(OXY_V_TIMEDELTA, -5));
    column(T_VAR_STRING, 0);
    assert_reads(OXY_K_INTERVAL, cell_text("5"), value_int(OXY_V_TIMEDELTA, 5));
    assert_refuses(OXY_K_TIMEDELTA, cell_text("00:05"), "VARCHAR");
    assert_refuses(OXY_K_TIME, cell_text("07:05:00+01:00"), "time zone");
    column(T_LONGLONG, FLAG_UNSIGNED);
    assert_refuses(OXY_K_TIMEDELTA, cell_uint(UINT64_MAX), "BIGINT UNSIGNED");
    assert_refuses(OXY_K_TIME, cell_int(1), "BIGINT");
}

static void test_datetimes_as_text(void **state)
{
    (void)state;
    column(T_VAR_STRING, 0);
    assert_reads(OXY_K_DATETIME, cell_text("1970-01-01 12:00:00"), value_int(OXY_V_DATETIME, DAY / 2));
    assert_reads(OXY_K_DATETIME_UTC, cell_text("1970-01-01T14:00:00+02:00"), value_int(OXY_V_DATETIME_UTC, DAY / 2));
    assert_reads(OXY_K_DATETIME, cell_text("1970-01-02"), value_int(OXY_V_DATETIME, DAY));
    assert_reads(OXY_K_DATE, cell_text("1969-12-31 00:00:00"), value_int(OXY_V_DATE, -1));
    assert_refuses(OXY_K_DATE, cell_text("1970-01-02 00:00:00Z"), "VARCHAR");
    assert_refuses(OXY_K_DATETIME, cell_text("yesterday"), "not a date and time");
    assert_refuses(OXY_K_DATETIME_UTC, cell_blob("1970-01-01 12:00:00", 19), "VARBINARY");
}

static void test_text_and_bytes(void **state)
{
    static const oxy_kind kinds[] = {OXY_K_STRING, OXY_K_TEXT, OXY_K_ENUM};
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(kinds); i++) {
        column(T_VAR_STRING, OXY_MYSQL_BINARY);
        assert_reads(kinds[i], cell_text("h\xC3\xA9"), value_text(OXY_V_TEXT, "h\xC3\xA9"));
        assert_refuses(kinds[i], cell_text("caf\xE9"), "VARCHAR");
        assert_refuses(kinds[i], cell_blob("abc", 3), "VARBINARY");
        column(T_LONGLONG, FLAG_UNSIGNED);
        assert_reads(kinds[i], cell_uint(UINT64_MAX), value_text(OXY_V_TEXT, "18446744073709551615"));
        assert_reads(kinds[i], cell_int(INT64_MIN), value_text(OXY_V_TEXT, "-9223372036854775808"));
    }
    column(T_BLOB, 0);
    assert_reads(OXY_K_BLOB, cell_blob("\x00\xff", 2), (oxy_value){.tag = OXY_V_BLOB, .s = {"\x00\xff", 2}});
    assert_reads(OXY_K_BLOB, cell_text("abc"), value_text(OXY_V_BLOB, "abc"));
    column(T_LONGLONG, 0);
    assert_refuses(OXY_K_BLOB, cell_int(1), "BIGINT");
    column(T_BIT, FLAG_UNSIGNED);
    assert_reads(OXY_K_BLOB, cell_blob("\x01", 1), value_text(OXY_V_BLOB, "\x01"));
}

static void test_uuids_and_addresses(void **state)
{
    oxy_value v = {.tag = OXY_V_UUID, .uuid = {0xAB, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

    (void)state;
    column(T_STRING, 0);
    assert_reads(OXY_K_UUID, cell_text("ab010203-0405-0607-0809-0a0b0c0d0e0f"), v);
    assert_reads(OXY_K_UUID, cell_blob((const char *)v.uuid, 16), v);
    assert_refuses(OXY_K_UUID, cell_text("ab010203-0405-0607-0809"), "not a UUID");
    assert_refuses(OXY_K_UUID, cell_blob("0123456789", 10), "BINARY");
    assert_reads(OXY_K_INET, cell_text("192.0.2.1/24"), value_text(OXY_V_INET, "192.0.2.1/24"));
    assert_reads(OXY_K_CIDR, cell_text("2001:db8::/32"), value_text(OXY_V_INET, "2001:db8::/32"));
    assert_refuses(OXY_K_INET, cell_text("localhost"), "not an IP address");
    assert_refuses(OXY_K_INET, cell_blob("\x7f\0\0\x01", 4), "BINARY");
}

static void test_json_and_lists(void **state)
{
    oxy_type ints = array_of(OXY_K_INT, 1), times = array_of(OXY_K_DATETIME_UTC, 1);
    oxy_value v;
    oxy_err err;

    (void)state;
    column(T_JSON, OXY_MYSQL_BINARY);
    assert_reads(OXY_K_JSON, cell_text("{\"a\": [1]}"), value_text(OXY_V_JSON, "{\"a\": [1]}"));
    assert_refuses(OXY_K_JSON, cell_text("\"\xff\""), "JSON");
    assert_refuses(OXY_K_JSON, cell_blob("{}", 2), "JSON");
    assert_int_equal(decode_as(&ints, cell_text("[1, null, -2, 18446744073709551615]"), &v, &err), OXY_OK);
    assert_int_equal(v.array->n, 4);
    assert_int_equal(v.array->items[0].i, 1);
    assert_int_equal(v.array->items[1].tag, OXY_V_NULL);
    assert_int_equal(v.array->items[2].i, -2);
    assert_int_equal(v.array->items[3].tag, OXY_V_UINT);
    assert_int_equal(decode_as(&times, cell_text("[\"1970-01-01T00:00:01Z\"]"), &v, &err), OXY_OK);
    assert_int_equal(v.array->items[0].i, 1000000);
    assert_int_equal(decode_as(&ints, cell_text("[1, \"x\"]"), &v, &err), OXY_DATA);
    assert_non_null(strstr(err.message, "JSON as array"));
    assert_int_equal(decode_as(&ints, cell_blob("[]", 2), &v, &err), OXY_DATA);
    column(T_LONGLONG, 0);
    assert_reads(OXY_K_JSONB, cell_int(5), value_text(OXY_V_JSON, "5"));
    column(T_DOUBLE, 0);
    assert_reads(OXY_K_JSON, cell_double(0.5), value_text(OXY_V_JSON, "0.5"));
    assert_refuses(OXY_K_JSON, cell_double(INFINITY), "DOUBLE");
}

/* Every combination of borders, in columns of every type. */
static void test_the_short_way_to_a_day_agrees(void **state)
{
    static const uint8_t lens[] = {0, 1, 4, 5, 7, 8, 11, 12}, months[] = {0, 1, 2, 4, 12, 13},
                         days[] = {0, 1, 28, 29, 30, 31, 32}, hours[] = {0, 23, 24};
    static const uint32_t years[] = {0, 1, 1900, 2023, 2024, 9999, 10000}, micros[] = {0, 999999, 1000000};
    oxy_type want = {.kind = OXY_K_DATETIME};

    (void)state;
    for (uint32_t n = 0; n < 8 * 7 * 6 * 7 * 3 * 3 * 5; n++) {
        static const uint32_t types[] = {T_DATE, T_DATETIME, T_TIMESTAMP, T_TIME, T_BLOB};
        uint32_t k = n, year, fraction;
        char room[12] = {0};
        oxy_cell cell = {.tag = OXY_C_WIRE, .p = room};
        oxy_value v;
        oxy_civil c;
        oxy_err err;
        bool decodes;

        cell.len = lens[k % 8], k /= 8;
        year = years[k % 7], k /= 7;
        room[0] = (char)(year & 0xff), room[1] = (char)(year >> 8);
        room[2] = (char)months[k % 6], k /= 6;
        room[3] = (char)days[k % 7], k /= 7;
        room[4] = (char)hours[k % 3], k /= 3;
        fraction = micros[k % 3], k /= 3;
        for (int i = 0; i < 4; i++)
            room[7 + i] = (char)(fraction >> 8 * i & 0xff);
        column(types[k], 0);
        decodes = decode_as(&want, cell, &v, &err) == OXY_OK;
        assert_int_equal(oxy_mysql_civil(&cell, described, &c), decodes);
        if (decodes)
            assert_int_equal(oxy_micros_from_civil(&c), v.i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_is_null_for_every_kind),
        cmocka_unit_test(test_broken_wire_cells_are_refused_by_every_kind),
        cmocka_unit_test(test_messages_name_the_columns_type),
        cmocka_unit_test(test_unknown_goes_by_the_columns_type),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_doubles_and_decimals),
        cmocka_unit_test(test_dates_of_every_length),
        cmocka_unit_test(test_the_short_way_to_a_day_agrees),
        cmocka_unit_test(test_dates_that_python_lacks_advise_a_cast),
        cmocka_unit_test(test_a_text_field_reads_any_date_and_time),
        cmocka_unit_test(test_times_and_spans),
        cmocka_unit_test(test_datetimes_as_text),
        cmocka_unit_test(test_text_and_bytes),
        cmocka_unit_test(test_uuids_and_addresses),
        cmocka_unit_test(test_json_and_lists),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
