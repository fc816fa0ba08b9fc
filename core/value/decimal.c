/* SPDX-License-Identifier: MIT */
/* decimal: decimal numbers of any length, as text. Nothing is ever turned into
 * binary to compare; only the sign, the digits and a power of ten matter. */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits that an exponent may have: more than Python's decimal allows, and few
 * enough that adding a length to it cannot overflow. */
#define EXPONENT_DIGITS 18

/* Longest run of digits whose exact value a double can have is 767. */
#define DOUBLE_DIGITS 800

static bool word_is(const char *p, size_t len, const char *word)
{
    size_t i;

    if (len != strlen(word))
        return false;
    for (i = 0; i < len; i++) {
        if ((p[i] | 0x20) != word[i])
            return false;
    }
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "e[+-]ddd", all of it. */
static bool read_exponent(const char *p, const char *end, int64_t *out)
{
    bool negative = false;
    int64_t exponent = 0;
    int n = 0;

    p++;
    if (p < end && (*p == '+' || *p == '-'))
        negative = *p++ == '-';
    if (p == end)
        return false;
    for (; p < end; p++) {
        if (!is_digit(*p) || n == EXPONENT_DIGITS)
            return false;
        exponent = exponent * 10 + (*p - '0');
        n += exponent != 0;
    }
    *out = negative ? -exponent : exponent;
    return true;
}

bool oxy__decimal_read(oxy_sv text, oxy__decimal *out)
{
    const char *p = text.p, *end, *point = NULL, *whole_end, *last = NULL;
    int64_t exponent = 0;
    uint64_t n = 0;

    *out = (oxy__decimal){.class = OXY__FINITE};
    if (text.len == 0)
        return false;
    end = p + text.len;
    if ((*p | 0x20) == 'n' && word_is(p, text.len, "nan")) {
        out->class = OXY__NAN;
        return true;
    }
    if (*p == '-' || *p == '+')
        out->negative = *p++ == '-';
    if (p < end && (*p | 0x20) == 'i' && text.p[0] != '+' && word_is(p, (size_t)(end - p), "infinity")) {
        out->class = OXY__INFINITE;
        return true;
    }
    for (; p < end; p++) {
        if (is_digit(*p)) {
            n++;
            if (*p != '0') {
                if (out->digits == NULL)
                    out->digits = p;
                last = p;
            }
        } else if (*p == '.' && point == NULL) {
            point = p;
        } else {
            break;
        }
    }
    if (n == 0)
        return false;
    whole_end = point == NULL ? p : point;
    if (p < end && ((*p != 'e' && *p != 'E') || !read_exponent(p, end, &exponent)))
        return false;
    if (out->digits == NULL) /* zero; its sign does not count */
        return true;
    out->first = exponent + (whole_end - out->digits) - (out->digits < whole_end ? 1 : 0);
    out->last = exponent + (whole_end - last) - (last < whole_end ? 1 : 0);
    out->n = (uint64_t)(out->first - out->last) + 1;
    return true;
}

bool oxy_decimal_parse(const char *p, size_t len)
{
    oxy__decimal d;

    return oxy__decimal_read((oxy_sv){p, len}, &d);
}

/* Steps over the point, if p stands on it. */
static const char *skip_point(const char *p)
{
    return *p == '.' ? p + 1 : p;
}

/* Of two finite numbers, neither zero, signs apart. */
static int compare_magnitude(const oxy__decimal *a, const oxy__decimal *b)
{
    const char *p = a->digits, *q = b->digits;
    uint64_t i, common = a->n < b->n ? a->n : b->n;

    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    for (i = 0; i < common; i++) {
        p = skip_point(p);
        q = skip_point(q);
        if (*p != *q)
            return *p < *q ? -1 : 1;
        p++;
        q++;
    }
    /* The last digits are not zero, so the longer number is the greater. */
    return a->n == b->n ? 0 : a->n < b->n ? -1 : 1;
}

/* -1, 0 or 1; infinities count as the farthest numbers. */
static int sign_of(const oxy__decimal *d)
{
    if (d->class == OXY__FINITE && d->n == 0)
        return 0;
    return d->negative ? -1 : 1;
}

int oxy_decimal_compare(oxy_sv left, oxy_sv right)
{
    oxy__decimal a, b;
    int sign, order;

    /* Text that is no number sorts with NaN; callers have parsed it before. */
    if (!oxy__decimal_read(left, &a))
        a.class = OXY__NAN;
    if (!oxy__decimal_read(right, &b))
        b.class = OXY__NAN;
    if (a.class == OXY__NAN || b.class == OXY__NAN)
        return (a.class == OXY__NAN) - (b.class == OXY__NAN);
    sign = sign_of(&a);
    if (sign != sign_of(&b))
        return sign < sign_of(&b) ? -1 : 1;
    if (sign == 0)
        return 0;
    if (a.class == OXY__INFINITE || b.class == OXY__INFINITE)
        order = (a.class == OXY__INFINITE) - (b.class == OXY__INFINITE);
    else
        order = compare_magnitude(&a, &b);
    return sign * order;
}

bool oxy__decimal_to_int(const oxy__decimal *d, uint64_t *magnitude)
{
    const char *p = d->digits;
    uint64_t value = 0;
    int64_t power;

    *magnitude = 0;
    if (d->class != OXY__FINITE)
        return false;
    if (d->n == 0)
        return true;
    if (d->last < 0 || d->first > 19)
        return false;
    for (power = d->first; power >= 0; power--) {
        uint64_t digit = 0;

        if (power >= d->last) {
            p = skip_point(p);
            digit = (uint64_t)(*p++ - '0');
        }
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *magnitude = value;
    return true;
}

/* Whether writing the double with as many digits gives them back. It has at
 * least 15 digits, so shorter numbers need no proof (except where the exponent
 * is so small that digits get lost). Beside a power of two the nearest number
 * of so many digits may be another double; then the digits are those that the
 * shortest writing has: 5.960464477539063e-08. */
static bool writes_back(const char *digits, const oxy__decimal *d, double value)
{
    char back[DOUBLE_DIGITS + 64];
    const char *q = back;
    bool same = true;

    if (d->n <= 15 && d->first >= -290)
        return true;
    (void)snprintf(back, sizeof back, "%.*e", (int)d->n - 1, value);
    for (uint64_t i = 0; i < d->n && same; i++) {
        while (*q != '\0' && !is_digit(*q)) /* the point of the locale */
            q++;
        same = *q++ == digits[i];
    }
    q = same ? strchr(q, 'e') : NULL;
    return (q != NULL && strtol(q + 1, NULL, 10) == d->first) || strtod(back, NULL) != value;
}

bool oxy__decimal_to_double(const oxy__decimal *d, double *out)
{
    /* "ddde-ddd" holds no decimal point, so no locale changes its meaning. */
    char text[DOUBLE_DIGITS + 32];
    const char *p = d->digits;
    double value;
    uint64_t i;

    if (d->class == OXY__NAN || d->n > DOUBLE_DIGITS)
        return false;
    if (d->class == OXY__INFINITE) {
        *out = d->negative ? -__builtin_inf() : __builtin_inf();
        return true;
    }
    if (d->n == 0) {
        *out = d->negative ? -0.0 : 0.0;
        return true;
    }
    if (d->first > 400 || d->first < -400)
        return false;
    for (i = 0; i < d->n; i++) {
        p = skip_point(p);
        text[i] = *p++;
    }
    (void)snprintf(text + d->n, sizeof text - d->n, "e%d", (int)d->last);
    value = strtod(text, NULL);
    if (value == 0 || value > 1.7976931348623157e308)
        return false;
    if (!writes_back(text, d, value))
        return false;
    *out = d->negative ? -value : value;
    return true;
}
