/* SPDX-License-Identifier: MIT */
/* calendar: days and microseconds to civil dates and back, in the proleptic
 * Gregorian calendar. The formulas are Howard Hinnant's: years are counted
 * from 1 March, so that the leap day is the last one, in eras of 400 years. */
#include <oxyde/value.h>

#include "text.h"

#define DAYS_PER_ERA 146097 /* 400 years */
#define EPOCH_SHIFT 719468  /* days from 0000-03-01 to 1970-01-01 */
#define SECONDS_PER_DAY 86400

void oxy_civil_from_days(int64_t days, oxy_civil *out)
{
    int64_t shifted = days + EPOCH_SHIFT;
    int64_t era = (shifted >= 0 ? shifted : shifted - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    uint32_t doe = (uint32_t)(shifted - era * DAYS_PER_ERA); /* day of era */
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100); /* from 1 March */
    uint32_t mp = (5 * doy + 2) / 153;                      /* 0 is March */

    *out = (oxy_civil){
        .year = (int32_t)((int64_t)yoe + era * 400 + (mp >= 10 ? 1 : 0)),
        .month = (uint8_t)(mp < 10 ? mp + 3 : mp - 9),
        .day = (uint8_t)(doy - (153 * mp + 2) / 5 + 1),
    };
}

int64_t oxy__days_from_civil(int32_t year, uint32_t month, uint32_t day)
{
    int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    uint32_t yoe = (uint32_t)(y - era * 400);
    uint32_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    uint32_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * DAYS_PER_ERA + (int64_t)doe - EPOCH_SHIFT;
}

bool oxy__date_valid(int32_t year, uint32_t month, uint32_t day)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t length;

    if (year < 1 || year > 9999 || month < 1 || month > 12)
        return false;
    length = lengths[month - 1];
    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
        length = 29;
    return day >= 1 && day <= length;
}

void oxy_civil_from_micros(int64_t micros, oxy_civil *out)
{
    int64_t days = micros / OXY__MICROS_PER_DAY, rest = micros % OXY__MICROS_PER_DAY;
    uint32_t seconds;

    if (rest < 0) { /* floor, not toward zero */
        rest += OXY__MICROS_PER_DAY;
        days--;
    }
    oxy_civil_from_days(days, out);
    seconds = (uint32_t)(rest / 1000000);
    out->micros = (uint32_t)(rest % 1000000);
    out->hour = (uint8_t)(seconds / 3600);
    out->minute = (uint8_t)(seconds / 60 % 60);
    out->second = (uint8_t)(seconds % 60);
}

int64_t oxy_micros_from_civil(const oxy_civil *c)
{
    int64_t seconds =
        oxy__days_from_civil(c->year, c->month, c->day) * SECONDS_PER_DAY + c->hour * 3600 + c->minute * 60 + c->second;

    return seconds * 1000000 + (int64_t)c->micros;
}
