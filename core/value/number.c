/* SPDX-License-Identifier: MIT */
/* number: integers and doubles as text that reads back as the same value. */
#include "text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t oxy__int_format(char *out, bool negative, uint64_t magnitude)
{
    char digits[20];
    size_t at = sizeof digits, len = 0;

    do {
        digits[--at] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude != 0);
    if (negative)
        out[len++] = '-';
    memcpy(out + len, digits + at, sizeof digits - at);
    len += sizeof digits - at;
    out[len] = '\0';
    return len;
}

static size_t copy_word(char *out, const char *word)
{
    size_t len = strlen(word);

    memcpy(out, word, len + 1);
    return len;
}

/* The digits of a finite, positive double, without trailing zeros, and the
 * power of ten of the first one. */
static int shortest_digits(double d, char digits[20], int *power)
{
    char text[64];
    const char *p;
    int precision, n = 0;

    /* 17 digits always suffice. printf and strtod agree on the point of the
     * locale, whatever it is; it is left out below. */
    for (precision = 15; precision <= 17; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision - 1, d);
        if (precision == 17 || strtod(text, NULL) == d)
            break;
    }
    for (p = text; *p != 'e' && *p != '\0'; p++) {
        if (*p >= '0' && *p <= '9' && n < 17)
            digits[n++] = *p;
    }
    *power = *p == 'e' ? (int)strtol(p + 1, NULL, 10) : 0;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    return n;
}

size_t oxy_double_format(char out[OXY_TEXT_MAX], double d)
{
    char digits[20] = "0";
    size_t len = 0;
    int n, power, i;

    if (isnan(d))
        return copy_word(out, "NaN");
    if (isinf(d))
        return copy_word(out, d < 0 ? "-Infinity" : "Infinity");
    if (signbit(d)) {
        out[len++] = '-';
        d = -d;
    }
    if (d < 1e15 && d == floor(d)) { /* most doubles of people are whole */
        len += oxy__int_format(out + len, false, (uint64_t)d);
        return len + copy_word(out + len, ".0");
    }
    n = shortest_digits(d, digits, &power);
    if (power >= 16 || power < -4) {
        out[len++] = digits[0];
        if (n > 1) {
            out[len++] = '.';
            memcpy(out + len, digits + 1, (size_t)n - 1);
            len += (size_t)n - 1;
        }
        out[len++] = 'e';
        out[len++] = power < 0 ? '-' : '+';
        return len + oxy__int_format(out + len, false, (uint64_t)abs(power));
    }
    if (power < 0) {
        memcpy(out + len, "0.", 2);
        len += 2;
        for (i = -1; i > power; i--)
            out[len++] = '0';
    }
    for (i = 0; i < n || i <= power; i++) {
        if (power >= 0 && i == power + 1)
            out[len++] = '.';
        out[len++] = i < n ? digits[i] : '0';
    }
    if (power >= 0 && n <= power + 1)
        len += copy_word(out + len, ".0");
    out[len] = '\0';
    return len;
}

double oxy__double_of_float(float f)
{
    char text[64];
    int precision;

    if (!isfinite(f) || (f == floorf(f) && fabsf(f) < 0x1p24F)) /* most are whole */
        return (double)f;
    /* A float keeps six digits, one of the smallest not even those. */
    for (precision = fabsf(f) < FLT_MIN ? 1 : FLT_DIG; precision < 9; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision - 1, (double)f);
        if (strtof(text, NULL) == f)
            return strtod(text, NULL);
    }
    (void)snprintf(text, sizeof text, "%.8e", (double)f); /* 9 digits always suffice */
    return strtod(text, NULL);
}
