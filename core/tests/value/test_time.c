/* SPDX-License-Identifier: MIT */
/* Promises of the calendar and of the text of dates, times and UUIDs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <oxyde/value.h>

#define DAY INT64_C(86400000000)
#define FIRST_DAY INT64_C(-719162)
#define LAST_DAY INT64_C(2932896)

/* --- calendar ------------------------------------------------------------------------------- */

/* Counts through all days of the years 1 to 9999 by the rules of the calendar
 * itself, so that no formula tests itself. */
static void test_every_day_of_ten_thousand_years_goes_both_ways(void **state)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t days = FIRST_DAY;
    int32_t year;

    (void)state;
    for (year = 1; year <= 9999; year++) {
        int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        int month, day;

        for (month = 1; month <= 12; month++) {
            for (day = 1; day <= lengths[month - 1] + (month == 2 ? leap : 0); day++, days++) {
                oxy_civil c;

                oxy_civil_from_days(days, &c);
                if (c.year != year || c.month != month || c.day != day)
                    fail_msg("day %lld", (long long)days);
                if (oxy_micros_from_civil(&c) != days * DAY)
                    fail_msg("back from day %lld", (long long)days);
            }
        }
    }
    assert_int_equal(days, LAST_DAY + 1);
}

static void test_micros_before_1970_are_floored(void **state)
{
    oxy_civil c;

    (void)state;
    oxy_civil_from_micros(-1, &c);
    assert_int_equal(c.year, 1969);
    assert_int_equal(c.month, 12);
    assert_int_equal(c.day, 31);
    assert_int_equal(c.hour, 23);
    assert_int_equal(c.minute, 59);
    assert_int_equal(c.second, 59);
    assert_int_equal(c.micros, 999999);
    assert_int_equal(oxy_micros_from_civil(&c), -1);
}

static void test_extremes_of_64_bits_have_a_civil_form(void **state)
{
    static const int64_t ends[] = {INT64_MIN, INT64_MAX, OXY_DATETIME_MIN, OXY_DATETIME_MAX, 0};
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(ends); i++) {
        oxy_civil c;

        oxy_civil_from_micros(ends[i], &c);
        assert_in_range(c.month, 1, 12);
        assert_in_range(c.day, 1, 31);
        assert_in_range(c.hour, 0, 23);
        if (ends[i] > INT64_MIN)
            assert_true(oxy_micros_from_civil(&c) == ends[i]);
    }
}

/* --- text: round trips ------------------------------------------------------------------------ */

static void test_datetime_text_forms(void **state)
{
    char text[OXY_TEXT_MAX];

    (void)state;
    assert_int_equal(oxy_datetime_format(text, OXY_DATETIME_MIN, ' '), 19);
    assert_string_equal(text, "0001-01-01 00:00:00");
    assert_int_equal(oxy_datetime_format(text, OXY_DATETIME_MAX, 'T'), 26);
    assert_string_equal(text, "9999-12-31T23:59:59.999999");
    (void)oxy_datetime_format(text, 1, ' ');
    assert_string_equal(text, "1970-01-01 00:00:00.000001");
    (void)oxy_date_format(text, 11016);
    assert_string_equal(text, "2000-02-29");
    (void)oxy_time_format(text, 0);
    assert_string_equal(text, "00:00:00");
    (void)oxy_time_format(text, DAY - 1);
    assert_string_equal(text, "23:59:59.999999");
    (void)oxy_time_format(text, 500000);
    assert_string_equal(text, "00:00:00.500000");
}

static void test_datetimes_of_all_years_come_back_from_their_text(void **state)
{
    char text[OXY_TEXT_MAX];
    int64_t micros, back;
    bool has_tz;

    (void)state;
    /* A prime step meets all years, hours and fractions. */
    for (micros = OXY_DATETIME_MIN; micros <= OXY_DATETIME_MAX; micros += INT64_C(999983000017)) {
        size_t len = oxy_datetime_format(text, micros, micros % 2 == 0 ? ' ' : 'T');

        assert_true(oxy_datetime_parse(text, len, &back, &has_tz));
        assert_false(has_tz);
        if (back != micros)
            fail_msg("%s", text);
    }
    for (micros = FIRST_DAY; micros <= LAST_DAY; micros++) {
        size_t len = oxy_date_format(text, micros);

        if (!oxy_date_parse(text, len, &back) || back != micros)
            fail_msg("%s", text);
    }
    for (micros = 0; micros < DAY; micros += 7654321) {
        size_t len = oxy_time_format(text, micros);
        int32_t tz;

        if (!oxy_time_parse(text, len, &back, &has_tz, &tz) || back != micros || has_tz)
            fail_msg("%s", text);
    }
}

/* --- text: what other tools write ---------------------------------------------------------------- */

static void assert_datetime(const char *text, const char *same, bool with_tz)
{
    char back[OXY_TEXT_MAX];
    int64_t micros;
    bool has_tz;

    if (!oxy_datetime_parse(text, strlen(text), &micros, &has_tz))
        fail_msg("refused: %s", text);
    (void)oxy_datetime_format(back, micros, ' ');
    assert_string_equal(back, same);
    assert_int_equal(has_tz, with_tz);
}

static void test_datetime_variants_are_read(void **state)
{
    (void)state;
    assert_datetime("2024-02-29 12:30", "2024-02-29 12:30:00", false);
    assert_datetime("2024-02-29T12:30:05", "2024-02-29 12:30:05", false);
    assert_datetime("2024-02-29 12:30:05.5", "2024-02-29 12:30:05.500000", false);
    assert_datetime("2024-02-29 12:30:05.123456", "2024-02-29 12:30:05.123456", false);
    assert_datetime("2024-02-29 12:30:05.123456000", "2024-02-29 12:30:05.123456", false);
    assert_datetime("2024-02-29 12:30:05Z", "2024-02-29 12:30:05", true);
    assert_datetime("2024-02-29T12:30Z", "2024-02-29 12:30:00", true);
    assert_datetime("2024-02-29 12:30:05+02", "2024-02-29 10:30:05", true);
    assert_datetime("2024-02-29 12:30:05+02:30", "2024-02-29 10:00:05", true);
    assert_datetime("2024-02-29 12:30:05.25-00:00:01", "2024-02-29 12:30:06.250000", true);
    assert_datetime("2024-03-01 00:30:00+01:00", "2024-02-29 23:30:00", true);
    assert_datetime("9999-12-31 23:59:59.999999+00:00", "9999-12-31 23:59:59.999999", true);
    assert_datetime("9999-12-31 23:00:00+23:59", "9999-12-30 23:01:00", true);
}

static void test_garbage_is_no_datetime(void **state)
{
    static const char *const bad[] = {
        "",
        "2024",
        "2024-02-29",
        "2024-02-29 ",
        "2024-02-29 12",
        "2024-02-29 12:",
        "2024-02-29 12:3",
        "2024-02-29 12:30:",
        "2024-02-29 12:30:5",
        "2024-02-29 12:30:05.",
        "2024-02-29 12:30:05.1234567",
        "2024-02-29 12:30:05.0000001",
        "2024-02-29 12:30:05,5",
        "2023-02-29 12:30:05",
        "2100-02-29 12:30:05",
        "2024-13-01 00:00:00",
        "2024-00-01 00:00:00",
        "2024-01-00 00:00:00",
        "2024-04-31 00:00:00",
        "0000-01-01 00:00:00",
        "2024-01-01 24:00:00",
        "2024-01-01 23:60:00",
        "2024-01-01 23:59:60",
        "2024-01-01  00:00:00",
        " 2024-01-01 00:00:00",
        "2024-01-01 00:00:00 ",
        "2024-01-01 00:00:00z",
        "2024-01-01t00:00:00",
        "2024-01-01 00:00:00ZZ",
        "2024-01-01 00:00:00+",
        "2024-01-01 00:00:00+2",
        "2024-01-01 00:00:00+24:00",
        "2024-01-01 00:00:00+02:60",
        "2024-01-01 00:00:00+02:",
        "2024-01-01 00:00:00+02:00:",
        "2024-01-01 00:00:00+02:00:00:00",
        "2024-01-01_00:00:00",
        "20240101 000000",
        "+024-01-01 00:00:00",
        "-024-01-01 00:00:00",
        "2024-1-01 00:00:00",
        "0001-01-01 00:00:00+00:01", /* before year 1 in UTC */
        "9999-12-31 23:59:59-00:01", /* after year 9999 */
        "1704067200",
        "now",
    };
    int64_t micros;
    int32_t tz;
    bool has_tz;
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(bad); i++) {
        if (oxy_datetime_parse(bad[i], strlen(bad[i]), &micros, &has_tz))
            fail_msg("accepted: %s", bad[i]);
    }
    assert_false(oxy_datetime_parse(NULL, 0, &micros, &has_tz));
    assert_false(oxy_datetime_parse("2024-01-01 00:00:00\0", 20, &micros, &has_tz));
    assert_false(oxy_date_parse("2024-01-01 ", 11, &micros));
    assert_false(oxy_date_parse("2024-02-30", 10, &micros));
    assert_false(oxy_date_parse("", 0, &micros));
    assert_false(oxy_time_parse("24:00", 5, &micros, &has_tz, &tz));
    assert_false(oxy_time_parse("12", 2, &micros, &has_tz, &tz));
    assert_false(oxy_time_parse("12:00:00.", 9, &micros, &has_tz, &tz));
}

static void test_times_carry_their_offset(void **state)
{
    int64_t micros;
    int32_t tz;
    bool has_tz;

    (void)state;
    assert_true(oxy_time_parse("08:15", 5, &micros, &has_tz, &tz));
    assert_int_equal(micros, INT64_C(29700000000));
    assert_false(has_tz);
    assert_true(oxy_time_parse("08:15:00.25-03:30", 17, &micros, &has_tz, &tz));
    assert_int_equal(micros, INT64_C(29700250000));
    assert_true(has_tz);
    assert_int_equal(tz, -12600);
    assert_true(oxy_time_parse("08:15Z", 6, &micros, &has_tz, &tz));
    assert_true(has_tz);
    assert_int_equal(tz, 0);
}

/* --- UUID ------------------------------------------------------------------------------------------ */

static void test_uuids_come_back_from_both_spellings(void **state)
{
    static const uint8_t uuid[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                     0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF};
    char text[OXY_TEXT_MAX];
    uint8_t back[16];

    (void)state;
    assert_int_equal(oxy_uuid_format(text, uuid), 36);
    assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
    assert_true(oxy_uuid_parse(text, 36, back));
    assert_memory_equal(back, uuid, 16);
    assert_true(oxy_uuid_parse("00112233445566778899AabBCCddEEFF", 32, back));
    assert_memory_equal(back, uuid, 16);
}

static void test_garbage_is_no_uuid(void **state)
{
    static const char *const bad[] = {
        "",
        "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeefff",
        "00112233-4455-6677-8899-aabbccddeefg",
        "001122334-455-6677-8899-aabbccddeeff",
        "00112233445566778899aabbccddeef",
        "00112233445566778899aabbccddeef-",
        "{0112233-4455-6677-8899-aabbccddeef}",
        "00112233/4455/6677/8899/aabbccddeeff",
        "0011223:445566778899aabbccddeeff",
        "0011223@445566778899aabbccddeeff",
    };
    uint8_t uuid[16];
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(bad); i++) {
        if (oxy_uuid_parse(bad[i], strlen(bad[i]), uuid))
            fail_msg("accepted: %s", bad[i]);
    }
}

static void test_every_kind_has_its_own_name(void **state)
{
    int i, k;

    (void)state;
    for (i = 0; i < OXY_K_COUNT; i++) {
        assert_true(strlen(oxy_kind_name((oxy_kind)i)) > 2);
        for (k = 0; k < i; k++)
            assert_string_not_equal(oxy_kind_name((oxy_kind)i), oxy_kind_name((oxy_kind)k));
    }
    assert_string_equal(oxy_kind_name(OXY_K_DATETIME_UTC), "date_time_utc");
    assert_string_equal(oxy_kind_name((oxy_kind)999), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day_of_ten_thousand_years_goes_both_ways),
        cmocka_unit_test(test_micros_before_1970_are_floored),
        cmocka_unit_test(test_extremes_of_64_bits_have_a_civil_form),
        cmocka_unit_test(test_datetime_text_forms),
        cmocka_unit_test(test_datetimes_of_all_years_come_back_from_their_text),
        cmocka_unit_test(test_datetime_variants_are_read),
        cmocka_unit_test(test_garbage_is_no_datetime),
        cmocka_unit_test(test_times_carry_their_offset),
        cmocka_unit_test(test_uuids_come_back_from_both_spellings),
        cmocka_unit_test(test_garbage_is_no_uuid),
        cmocka_unit_test(test_every_kind_has_its_own_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
