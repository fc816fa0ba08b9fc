/* SPDX-License-Identifier: MIT */
/* Any bytes through the text parsers. What one accepts must format to a text
 * that it accepts again, with the same value. */
#include <oxyde/value.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void datetimes(const char *p, size_t len)
{
    char text[OXY_TEXT_MAX];
    int64_t value, back;
    int32_t tz;
    bool has_tz;

    if (oxy_datetime_parse(p, len, &value, &has_tz)) {
        require(value >= OXY_DATETIME_MIN && value <= OXY_DATETIME_MAX);
        require(oxy_datetime_parse(text, oxy_datetime_format(text, value, 'T'), &back, &has_tz));
        require(back == value && !has_tz);
    }
    if (oxy_date_parse(p, len, &value))
        require(oxy_date_format(text, value) == len && memcmp(text, p, len) == 0);
    if (oxy_time_parse(p, len, &value, &has_tz, &tz)) {
        require(value >= 0 && value < INT64_C(86400000000) && tz > -86400 && tz < 86400);
        require(oxy_time_parse(text, oxy_time_format(text, value), &back, &has_tz, &tz));
        require(back == value && !has_tz);
    }
}

static void uuids(const char *p, size_t len)
{
    char text[OXY_TEXT_MAX];
    uint8_t uuid[16], back[16];

    if (!oxy_uuid_parse(p, len, uuid))
        return;
    require(oxy_uuid_parse(text, oxy_uuid_format(text, uuid), back));
    require(memcmp(uuid, back, 16) == 0);
}

/* Two numbers around a blank; the order must be the same from both sides. */
static void decimals(const char *p, size_t len)
{
    const char *blank = memchr(p, ' ', len);
    oxy_sv a = {p, blank == NULL ? len : (size_t)(blank - p)};
    oxy_sv b = blank == NULL ? a : (oxy_sv){blank + 1, len - a.len - 1};

    if (!oxy_decimal_parse(a.p, a.len) || !oxy_decimal_parse(b.p, b.len))
        return;
    require(oxy_decimal_compare(a, a) == 0);
    require(oxy_decimal_compare(a, b) == -oxy_decimal_compare(b, a));
}

/* Bit for bit: -0.0 is not 0.0. */
static bool same_double(double a, double b)
{
    uint64_t x, y;

    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x == y;
}

static void doubles(const uint8_t *data, size_t size)
{
    char text[OXY_TEXT_MAX];
    double d, back;

    if (size != sizeof d)
        return;
    memcpy(&d, data, sizeof d);
    require(oxy_double_format(text, d) == strlen(text));
    require(oxy_decimal_parse(text, strlen(text)));
    back = strtod(text, NULL);
    require(d != d || same_double(d, back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data;

    datetimes(p, size);
    uuids(p, size);
    if (size != 0)
        decimals(p, size);
    doubles(data, size);
    require(oxy_utf8_valid(p, size) <= size);
    return 0;
}
