/* SPDX-License-Identifier: MIT */
/* Words for errors; decimals and dates that arrive as text. */
#include "floor.h"

#include <stdarg.h>
#include <stdio.h>

bool floor_fail(floor_error *error, const char *format, ...)
{
    va_list words;

    va_start(words, format);
    vsnprintf(error->text, sizeof error->text, format, words);
    va_end(words);
    return false;
}

bool floor_decimal_of(floor_cell *cell, const char *text, size_t n)
{
    size_t i = 0, digits = 0;
    uint32_t scale = 0;
    int64_t units = 0;
    bool minus = n > 0 && text[0] == '-', point = false;

    for (i = minus; i < n; i++) {
        if (text[i] == '.' && !point) {
            point = true;
        } else if (text[i] >= '0' && text[i] <= '9' && ++digits <= 18) {
            units = units * 10 + (text[i] - '0');
            scale += point;
        } else {
            return false;
        }
    }
    cell->number = minus ? -units : units;
    cell->n = scale;
    return digits > 0;
}

/* Hinnant's way: years start in March, so that the leap day is their last. */
int64_t floor_days(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted = month > 2 ? year : year - 1;
    int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
    int64_t in_era = shifted - era * 400;
    int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

/* So many digits; false if there are fewer. */
static bool digits_of(const char *text, size_t n, int64_t *found)
{
    *found = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *found = *found * 10 + (text[i] - '0');
    }
    return true;
}

bool floor_day_of(floor_cell *cell, const char *text, size_t n)
{
    int64_t year, month, day;

    if (n != 10 || text[4] != '-' || text[7] != '-' || !digits_of(text, 4, &year) || !digits_of(text + 5, 2, &month) ||
        !digits_of(text + 8, 2, &day))
        return false;
    cell->number = floor_days(year, month, day);
    return true;
}

/* YYYY-MM-DD HH:MM:SS, and microseconds if there are any. */
bool floor_moment_of(floor_cell *cell, const char *text, size_t n)
{
    int64_t hour, minute, second, micro = 0;

    if ((n != 19 && n != 26) || !floor_day_of(cell, text, 10) || text[13] != ':' || text[16] != ':' ||
        !digits_of(text + 11, 2, &hour) || !digits_of(text + 14, 2, &minute) || !digits_of(text + 17, 2, &second))
        return false;
    if (n == 26 && (text[19] != '.' || !digits_of(text + 20, 6, &micro)))
        return false;
    cell->number = (cell->number * 86400 + hour * 3600 + minute * 60 + second) * 1000000 + micro;
    return true;
}
