/* SPDX-License-Identifier: MIT */
/* SQL functions on dates and times kept as text: parts, and cutting to a unit.
 * Weeks are ISO 8601's: they start on Monday, and week 1 has the year's first
 * Thursday. */
#include "sqlite.h"

#include <string.h>

typedef enum { IS_DATE, IS_DATETIME, IS_TIME } moment_kind;

typedef struct moment {
    moment_kind kind;
    int64_t days;   /* since 1970-01-01; 0 for a time */
    int64_t micros; /* since midnight */
    oxy_civil civil;
} moment;

#define MICROS_PER_SECOND INT64_C(1000000)
#define MICROS_PER_DAY (86400 * MICROS_PER_SECOND)

typedef enum {
    PART_YEAR,
    PART_ISO_YEAR,
    PART_QUARTER,
    PART_MONTH,
    PART_WEEK,
    PART_DAY,
    PART_WEEK_DAY,
    PART_ISO_WEEK_DAY,
    PART_HOUR,
    PART_MINUTE,
    PART_SECOND,
    PART_DATE,
    PART_TIME,
    PART_COUNT
} part;

static const struct {
    const char *name;
    bool of_date, of_time; /* what must be there to have it */
} part_table[] = {
    [PART_YEAR] = {"year", true, false},         [PART_ISO_YEAR] = {"iso_year", true, false},
    [PART_QUARTER] = {"quarter", true, false},   [PART_MONTH] = {"month", true, false},
    [PART_WEEK] = {"week", true, false},         [PART_DAY] = {"day", true, false},
    [PART_WEEK_DAY] = {"week_day", true, false}, [PART_ISO_WEEK_DAY] = {"iso_week_day", true, false},
    [PART_HOUR] = {"hour", false, true},         [PART_MINUTE] = {"minute", false, true},
    [PART_SECOND] = {"second", false, true},     [PART_DATE] = {"date", true, false},
    [PART_TIME] = {"time", false, true},
};
_Static_assert(OXY_COUNT(part_table) == PART_COUNT, "one row per part");

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t days_of(int32_t year, int month, int day)
{
    oxy_civil c = {.year = year, .month = (uint8_t)month, .day = (uint8_t)day};

    return floor_div(oxy_micros_from_civil(&c), MICROS_PER_DAY);
}

/* 1 for Monday to 7 for Sunday. 1970-01-01 was a Thursday. */
static int iso_week_day(int64_t days)
{
    return (int)(days + 3 - 7 * floor_div(days + 3, 7)) + 1;
}

static void iso_week(int64_t days, int64_t *year, int64_t *week)
{
    int64_t thursday = days - iso_week_day(days) + 4, first;
    oxy_civil c;

    oxy_civil_from_days(thursday, &c);
    /* Thursday of the week may lie beyond the calendar's ends. */
    first = days_of(c.year, 1, 1);
    *year = c.year;
    *week = (thursday - first) / 7 + 1;
}

static bool read_moment(sqlite3_context *ctx, sqlite3_value *value, moment *out)
{
    const char *p = (const char *)sqlite3_value_text(value);
    size_t len = (size_t)sqlite3_value_bytes(value);
    int64_t micros;
    int32_t tz;
    bool has_tz;

    *out = (moment){.kind = IS_DATE};
    if (p && oxy_date_parse(p, len, &out->days)) {
        oxy_civil_from_days(out->days, &out->civil);
    } else if (p && oxy_datetime_parse(p, len, &micros, &has_tz)) {
        out->kind = IS_DATETIME;
        out->days = floor_div(micros, MICROS_PER_DAY);
        out->micros = micros - out->days * MICROS_PER_DAY;
        oxy_civil_from_micros(micros, &out->civil);
    } else if (p && oxy_time_parse(p, len, &out->micros, &has_tz, &tz)) {
        out->kind = IS_TIME;
        oxy_civil_from_micros(out->micros, &out->civil);
    } else {
        oxy__func_fail(ctx, OXY_DATA, "text is neither a date nor a time");
        return false;
    }
    return true;
}

static bool find_part(sqlite3_context *ctx, sqlite3_value *value, const moment *m, part *out)
{
    const char *name = (const char *)sqlite3_value_text(value);

    for (int i = 0; name && i < PART_COUNT; i++) {
        if (strcmp(part_table[i].name, name) != 0)
            continue;
        if ((part_table[i].of_date && m->kind == IS_TIME) || (part_table[i].of_time && m->kind == IS_DATE)) {
            oxy__func_fail(ctx, OXY_DATA, m->kind == IS_TIME ? "a time has no such part" : "a date has no such part");
            return false;
        }
        *out = (part)i;
        return true;
    }
    oxy__func_fail(ctx, OXY_PROGRAMMING, "there is no such part of a date or time");
    return false;
}

static int64_t number_of(const moment *m, part which)
{
    int64_t year = m->civil.year, week = 0;

    switch (which) {
    case PART_YEAR: return year;
    case PART_ISO_YEAR: iso_week(m->days, &year, &week); return year;
    case PART_QUARTER: return (m->civil.month + 2) / 3;
    case PART_MONTH: return m->civil.month;
    case PART_WEEK: iso_week(m->days, &year, &week); return week;
    case PART_DAY: return m->civil.day;
    case PART_WEEK_DAY: return iso_week_day(m->days) % 7 + 1;
    case PART_ISO_WEEK_DAY: return iso_week_day(m->days);
    case PART_HOUR: return m->civil.hour;
    case PART_MINUTE: return m->civil.minute;
    default: return m->civil.second;
    }
}

static void give_text(sqlite3_context *ctx, const char *text, size_t len)
{
    sqlite3_result_text(ctx, text, (int)len, SQLITE_TRANSIENT);
}

/* oxy_extract(part, text) */
static void func_extract(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    char text[OXY_TEXT_MAX];
    moment m;
    part which;

    (void)n;
    if (sqlite3_value_type(args[1]) == SQLITE_NULL || !read_moment(ctx, args[1], &m) ||
        !find_part(ctx, args[0], &m, &which))
        return;
    if (which == PART_DATE)
        give_text(ctx, text, oxy_date_format(text, m.days));
    else if (which == PART_TIME)
        give_text(ctx, text, oxy_time_format(text, m.micros));
    else
        sqlite3_result_int64(ctx, number_of(&m, which));
}

/* The first day of the unit that the moment lies in. */
static int64_t first_day(const moment *m, part unit)
{
    switch (unit) {
    case PART_YEAR: return days_of(m->civil.year, 1, 1);
    case PART_QUARTER: return days_of(m->civil.year, (m->civil.month - 1) / 3 * 3 + 1, 1);
    case PART_MONTH: return days_of(m->civil.year, m->civil.month, 1);
    case PART_WEEK: return m->days - (iso_week_day(m->days) - 1);
    default: return m->days;
    }
}

/* oxy_trunc(unit, text). Units below a day leave a date as it is, units from a
 * day on cut a time to midnight. */
static void func_trunc(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    static const int64_t sizes[PART_COUNT] = {[PART_HOUR] = 3600 * MICROS_PER_SECOND,
                                              [PART_MINUTE] = 60 * MICROS_PER_SECOND,
                                              [PART_SECOND] = MICROS_PER_SECOND};
    moment m, whole = {.kind = IS_DATETIME};
    char text[OXY_TEXT_MAX];
    int64_t days;
    part unit;

    (void)n;
    if (sqlite3_value_type(args[1]) == SQLITE_NULL || !read_moment(ctx, args[1], &m) ||
        !find_part(ctx, args[0], &whole, &unit))
        return;
    days = first_day(&m, unit);
    m.micros = sizes[unit] ? m.micros - m.micros % sizes[unit] : 0;
    if (m.kind != IS_TIME && (days < floor_div(OXY_DATETIME_MIN, MICROS_PER_DAY)))
        oxy__func_fail(ctx, OXY_DATA, "week begins before the year 1");
    else if (m.kind == IS_DATE)
        give_text(ctx, text, oxy_date_format(text, days));
    else if (m.kind == IS_TIME)
        give_text(ctx, text, oxy_time_format(text, m.micros));
    else
        give_text(ctx, text, oxy_datetime_format(text, days * MICROS_PER_DAY + m.micros, ' '));
}

int oxy__func_register_date(oxy__sqlite *c)
{
    static const oxy__func functions[] = {
        {"oxy_extract", 2, func_extract, NULL, NULL},
        {"oxy_trunc", 2, func_trunc, NULL, NULL},
    };

    return oxy__func_add(c, functions, OXY_COUNT(functions));
}
