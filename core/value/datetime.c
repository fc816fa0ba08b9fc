/* SPDX-License-Identifier: MIT */
/* datetime: text of dates, times and their offsets, both ways. Written by hand
 * because strftime and sscanf follow the locale and cost ten times as much. */
#include "text.h"

#include <string.h>

/* --- writing ------------------------------------------------------------------ */

static char *put2(char *p, uint32_t n)
{
    p[0] = (char)('0' + n / 10 % 10);
    p[1] = (char)('0' + n % 10);
    return p + 2;
}

static char *put_date(char *p, const oxy_civil *c)
{
    uint32_t year = (uint32_t)c->year;

    p = put2(put2(p, year / 100 % 100), year % 100);
    *p++ = '-';
    p = put2(p, c->month);
    *p++ = '-';
    return put2(p, c->day);
}

static char *put_time(char *p, const oxy_civil *c)
{
    p = put2(p, c->hour);
    *p++ = ':';
    p = put2(p, c->minute);
    *p++ = ':';
    p = put2(p, c->second);
    if (c->micros != 0) {
        *p++ = '.';
        p = put2(put2(put2(p, c->micros / 10000), c->micros / 100 % 100), c->micros % 100);
    }
    return p;
}

size_t oxy_datetime_format(char out[OXY_TEXT_MAX], int64_t micros, char sep)
{
    oxy_civil c;
    char *p;

    oxy_civil_from_micros(micros, &c);
    p = put_date(out, &c);
    *p++ = sep;
    p = put_time(p, &c);
    *p = '\0';
    return (size_t)(p - out);
}

size_t oxy_date_format(char out[OXY_TEXT_MAX], int64_t days)
{
    oxy_civil c;
    char *p;

    oxy_civil_from_days(days, &c);
    p = put_date(out, &c);
    *p = '\0';
    return (size_t)(p - out);
}

size_t oxy_time_format(char out[OXY_TEXT_MAX], int64_t micros)
{
    oxy_civil c;
    char *p;

    oxy_civil_from_micros(micros, &c);
    p = put_time(out, &c);
    *p = '\0';
    return (size_t)(p - out);
}

size_t oxy__offset_format(char out[OXY_TEXT_MAX], size_t len, int32_t tz)
{
    uint32_t seconds = tz < 0 ? 0U - (uint32_t)tz : (uint32_t)tz;
    char *p = out + len;

    *p++ = tz < 0 ? '-' : '+';
    p = put2(p, seconds / 3600 % 100);
    *p++ = ':';
    p = put2(p, seconds / 60 % 60);
    if (seconds % 60 != 0) {
        *p++ = ':';
        p = put2(p, seconds % 60);
    }
    *p = '\0';
    return (size_t)(p - out);
}

/* --- reading ------------------------------------------------------------------ */

struct cursor {
    const char *p, *end;
};

static struct cursor cursor_at(const char *p, size_t len)
{
    if (len == 0)
        p = "";
    return (struct cursor){p, p + len};
}

/* Exactly two digits, at most max. */
static bool take2(struct cursor *c, uint32_t max, uint32_t *out)
{
    uint32_t high, low;

    if (c->end - c->p < 2)
        return false;
    high = (uint32_t)(unsigned char)c->p[0] - '0';
    low = (uint32_t)(unsigned char)c->p[1] - '0';
    if (high > 9 || low > 9)
        return false;
    *out = high * 10 + low;
    c->p += 2;
    return *out <= max;
}

static bool take(struct cursor *c, char wanted)
{
    if (c->p == c->end || *c->p != wanted)
        return false;
    c->p++;
    return true;
}

static bool take_date(struct cursor *c, int64_t *days)
{
    uint32_t century, year, month, day;

    if (!take2(c, 99, &century) || !take2(c, 99, &year) || !take(c, '-') || !take2(c, 12, &month) || !take(c, '-') ||
        !take2(c, 31, &day))
        return false;
    year += century * 100;
    if (!oxy__date_valid((int32_t)year, month, day))
        return false;
    *days = oxy__days_from_civil((int32_t)year, month, day);
    return true;
}

/* ".d..." with at most six digits before nothing but zeros. */
static bool take_fraction(struct cursor *c, uint32_t *micros)
{
    uint32_t unit = 100000;
    const char *start = c->p;

    *micros = 0;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9') {
        uint32_t digit = (uint32_t)(*c->p - '0');

        if (unit == 0 && digit != 0)
            return false;
        *micros += digit * unit;
        unit /= 10;
        c->p++;
    }
    return c->p > start;
}

static bool take_time(struct cursor *c, int64_t *micros)
{
    uint32_t hour, minute, second = 0, fraction = 0;

    if (!take2(c, 23, &hour) || !take(c, ':') || !take2(c, 59, &minute))
        return false;
    if (take(c, ':')) {
        if (!take2(c, 59, &second))
            return false;
        if (take(c, '.') && !take_fraction(c, &fraction))
            return false;
    }
    *micros = (int64_t)(hour * 3600 + minute * 60 + second) * 1000000 + (int64_t)fraction;
    return true;
}

/* The rest of the text: nothing, 'Z' or an offset below 24 hours. */
static bool take_offset(struct cursor *c, bool *has_tz, int32_t *tz)
{
    uint32_t hour, minute = 0, second = 0;
    bool west;

    *has_tz = false;
    *tz = 0;
    if (c->p == c->end)
        return true;
    *has_tz = true;
    if (take(c, 'Z'))
        return c->p == c->end;
    west = take(c, '-');
    if (!west && !take(c, '+'))
        return false;
    if (!take2(c, 23, &hour))
        return false;
    if (take(c, ':')) {
        if (!take2(c, 59, &minute))
            return false;
        if (take(c, ':') && !take2(c, 59, &second))
            return false;
    }
    *tz = (int32_t)(hour * 3600 + minute * 60 + second);
    if (west)
        *tz = -*tz;
    return c->p == c->end;
}

bool oxy_datetime_parse(const char *p, size_t len, int64_t *micros, bool *has_tz)
{
    struct cursor c = cursor_at(p, len);
    int64_t days, time;
    int32_t tz;

    if (!take_date(&c, &days) || (!take(&c, ' ') && !take(&c, 'T')) || !take_time(&c, &time) ||
        !take_offset(&c, has_tz, &tz))
        return false;
    *micros = days * OXY__MICROS_PER_DAY + time - (int64_t)tz * 1000000;
    return *micros >= OXY_DATETIME_MIN && *micros <= OXY_DATETIME_MAX;
}

bool oxy_date_parse(const char *p, size_t len, int64_t *days)
{
    struct cursor c = cursor_at(p, len);

    return take_date(&c, days) && c.p == c.end;
}

bool oxy_time_parse(const char *p, size_t len, int64_t *micros, bool *has_tz, int32_t *tz)
{
    struct cursor c = cursor_at(p, len);

    return take_time(&c, micros) && take_offset(&c, has_tz, tz);
}
