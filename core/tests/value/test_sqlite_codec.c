/* SPDX-License-Identifier: MIT */
/* Promises of the SQLite codec: what each kind reads, what it refuses, what
 * each value is stored as, and that stored values come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <fail_alloc.h>
#include <oxyde/value.h>

#define DAY INT64_C(86400000000)

/* --- making cells and values ----------------------------------------------------------------- */

static oxy_cell cell_int(int64_t i)
{
    return (oxy_cell){.tag = OXY_C_INT, .i = i};
}

static oxy_cell cell_uint(uint64_t u)
{
    return (oxy_cell){.tag = OXY_C_UINT, .i = (int64_t)u};
}

static oxy_cell cell_double(double d)
{
    return (oxy_cell){.tag = OXY_C_DOUBLE, .d = d};
}

static oxy_cell cell_text(const char *text)
{
    return (oxy_cell){.tag = OXY_C_TEXT, .p = text, .len = (uint32_t)strlen(text)};
}

static oxy_cell cell_blob(const char *p, uint32_t len)
{
    return (oxy_cell){.tag = OXY_C_BLOB, .p = p, .len = len};
}

static oxy_value value_int(oxy_tag tag, int64_t i)
{
    return (oxy_value){.tag = (uint8_t)tag, .i = i};
}

static oxy_value value_uint(uint64_t u)
{
    return (oxy_value){.tag = OXY_V_UINT, .u = u};
}

static oxy_value value_double(double d)
{
    return (oxy_value){.tag = OXY_V_DOUBLE, .d = d};
}

static oxy_value value_text(oxy_tag tag, const char *text)
{
    return (oxy_value){.tag = (uint8_t)tag, .s = oxy_sv_of(text)};
}

static oxy_arena scratch;

static int set_up(void **state)
{
    (void)state;
    oxy_arena_init(&scratch, oxy_alloc_default(), (size_t)64 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    oxy_arena_fini(&scratch);
    return 0;
}

/* --- assertions ---------------------------------------------------------------------------------- */

static bool same_value(const oxy_value *a, const oxy_value *b)
{
    size_t i;

    if (a->tag != b->tag)
        return false;
    switch ((oxy_tag)a->tag) {
    case OXY_V_NULL: return true;
    case OXY_V_DOUBLE: return memcmp(&a->d, &b->d, sizeof a->d) == 0;
    case OXY_V_TEXT:
    case OXY_V_BLOB:
    case OXY_V_DECIMAL:
    case OXY_V_JSON:
    case OXY_V_INET: return oxy_sv_eq(a->s, b->s);
    case OXY_V_UUID: return memcmp(a->uuid, b->uuid, 16) == 0;
    case OXY_V_ARRAY:
        if (a->array->n != b->array->n)
            return false;
        for (i = 0; i < a->array->n; i++) {
            if (!same_value(&a->array->items[i], &b->array->items[i]))
                return false;
        }
        return true;
    default: return a->i == b->i;
    }
}

static oxy_rc decode_as(const oxy_type *type, oxy_cell cell, oxy_value *out, oxy_err *err)
{
    return oxy_codec_sqlite.decode[type->kind](&cell, NULL, type, &scratch, out, err);
}

static void assert_reads(oxy_kind kind, oxy_cell cell, oxy_value expected)
{
    oxy_type type = {.kind = kind};
    oxy_value v;
    oxy_err err;

    if (decode_as(&type, cell, &v, &err) != OXY_OK)
        fail_msg("%s: %s", oxy_kind_name(kind), err.message);
    if (!same_value(&v, &expected))
        fail_msg("%s: another value (tag %d)", oxy_kind_name(kind), v.tag);
}

/* The message names the cell's class and the kind, and holds nothing of it. */
static void assert_refuses(oxy_kind kind, oxy_cell cell, const char *class)
{
    oxy_type type = {.kind = kind};
    oxy_value v;
    oxy_err err;

    if (decode_as(&type, cell, &v, &err) != OXY_DATA)
        fail_msg("%s: accepted", oxy_kind_name(kind));
    assert_int_equal(err.rc, OXY_DATA);
    assert_non_null(strstr(err.message, class));
    assert_non_null(strstr(err.message, oxy_kind_name(kind)));
    if (cell.tag == OXY_C_TEXT && cell.len > 3)
        assert_null(strstr(err.message, cell.p));
    assert_int_equal(decode_as(&type, cell, &v, NULL), OXY_DATA); /* without words */
}

static oxy_rc encode_as(const oxy_type *type, oxy_value in, oxy_value *out, oxy_err *err)
{
    return oxy_codec_sqlite.encode(&in, type, &scratch, out, err);
}

static void assert_stores_type(oxy_type type, oxy_value in, oxy_value expected)
{
    oxy_value out;
    oxy_err err;

    if (encode_as(&type, in, &out, &err) != OXY_OK)
        fail_msg("%s: %s", oxy_kind_name(type.kind), err.message);
    if (!same_value(&out, &expected))
        fail_msg("tag %d as %s: tag %d '%.*s'", in.tag, oxy_kind_name(type.kind), out.tag,
                 out.tag == OXY_V_TEXT ? (int)out.s.len : 0, out.tag == OXY_V_TEXT ? out.s.p : "");
}

static void assert_stores(oxy_kind kind, oxy_value in, oxy_value expected)
{
    assert_stores_type((oxy_type){.kind = kind}, in, expected);
}

static void assert_stores_text(oxy_kind kind, oxy_value in, const char *expected)
{
    assert_stores(kind, in, value_text(OXY_V_TEXT, expected));
}

static void assert_keeps_out_type(oxy_type type, oxy_value in, const char *words)
{
    oxy_value out;
    oxy_err err;

    if (encode_as(&type, in, &out, &err) != OXY_DATA)
        fail_msg("tag %d as %s: accepted", in.tag, oxy_kind_name(type.kind));
    if (strstr(err.message, words) == NULL || strstr(err.message, oxy_kind_name(type.kind)) == NULL)
        fail_msg("message: %s", err.message);
    if (in.tag == OXY_V_TEXT && in.s.len > 3)
        assert_null(strstr(err.message, in.s.p));
}

static void assert_keeps_out(oxy_kind kind, oxy_value in, const char *words)
{
    assert_keeps_out_type((oxy_type){.kind = kind}, in, words);
}

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

static oxy_type array_of(oxy_kind elem, uint8_t ndim)
{
    return (oxy_type){.kind = OXY_K_ARRAY, .elem = elem, .ndim = ndim};
}

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
