/* SPDX-License-Identifier: MIT */
/* pg_numeric: PostgreSQL's numeric, both ways, digit for digit.
 *
 * Binary form: four 16-bit words (number of groups, weight of the first group,
 * sign, number of fraction digits shown), then groups of four decimal digits.
 * value = sum of group[i] * 10000^(weight - i). */
#include "pg.h"

#include <string.h>

#define NEGATIVE 0x4000
#define NOT_A_NUMBER 0xC000
#define PLUS_INFINITY 0xD000
#define MINUS_INFINITY 0xF000

#define HEADER 8
#define GROUP 10000
#define MAX_SCALE 0x3FFF /* fraction digits that the header can tell */
#define MAX_WHOLE 131072 /* digits before the point */

/* --- reading --------------------------------------------------------------------------- */

static oxy_rc word(oxy_value *out, oxy_sv text)
{
    *out = (oxy_value){.tag = OXY_V_DECIMAL, .s = text};
    return OXY_OK;
}

static char *put_group(char *p, uint32_t group)
{
    p[0] = (char)('0' + group / 1000);
    p[1] = (char)('0' + group / 100 % 10);
    p[2] = (char)('0' + group / 10 % 10);
    p[3] = (char)('0' + group % 10);
    return p + 4;
}

/* Group at a power of 10000; 0 where none is stored. */
static uint32_t group_at(const char *groups, int32_t n, int32_t weight, int32_t power)
{
    int32_t i = weight - power;

    return i >= 0 && i < n ? oxy__be16(groups + (size_t)i * 2) : 0;
}

static char *put_digits(char *p, const char *groups, int32_t n, int32_t weight, int32_t scale)
{
    char *start = p;
    int32_t power, left;

    for (power = weight; power >= 0; power--)
        p = put_group(p, group_at(groups, n, weight, power));
    if (p == start) {
        *p++ = '0';
    } else {
        char *digit = start;

        while (digit + 1 < p && *digit == '0')
            digit++;
        memmove(start, digit, (size_t)(p - digit));
        p -= digit - start;
    }
    if (scale > 0)
        *p++ = '.';
    for (power = -1, left = scale; left > 0; power--, left -= 4)
        p = put_group(p, group_at(groups, n, weight, power));
    return left < 0 ? p + left : p; /* the last group may show too much */
}

oxy_rc oxy__pg_numeric_from_binary(oxy__pg_read *r, const char *p, size_t len, oxy_value *out)
{
    int32_t n, weight, scale, i;
    char *text, *end;
    uint16_t sign;

    if (len < HEADER)
        return oxy__pg_bad(r, "it is malformed");
    n = oxy__be16(p);
    weight = (int16_t)oxy__be16(p + 2);
    sign = oxy__be16(p + 4);
    scale = oxy__be16(p + 6);
    if (len != HEADER + (size_t)n * 2)
        return oxy__pg_bad(r, "it is malformed");
    switch (sign) {
    case NOT_A_NUMBER: return word(out, OXY_SV("NaN"));
    case PLUS_INFINITY: return word(out, OXY_SV("Infinity"));
    case MINUS_INFINITY: return word(out, OXY_SV("-Infinity"));
    case NEGATIVE:
    case 0: break;
    default: return oxy__pg_bad(r, "it is malformed");
    }
    if (scale > MAX_SCALE)
        return oxy__pg_bad(r, "it is malformed");
    p += HEADER;
    for (i = 0; i < n; i++) {
        if (oxy__be16(p + (size_t)i * 2) >= GROUP)
            return oxy__pg_bad(r, "it is malformed");
    }
    if (n == 0)
        weight = -1;
    /* sign, whole digits or a zero, point, fraction in whole groups */
    text = oxy_arena_new(r->scratch, (size_t)(weight < 0 ? 1 : (weight + 1) * 4) + (size_t)scale + 6);
    if (text == NULL)
        return OXY_NOMEM;
    end = text;
    if (sign == NEGATIVE && n != 0)
        *end++ = '-';
    end = put_digits(end, p, n, weight, scale);
    return word(out, (oxy_sv){text, (size_t)(end - text)});
}

/* --- writing ---------------------------------------------------------------------------- */

/* Fraction digits as written: "1.50" has two, "1.50e1" one, "1e-3" three. The
 * text has been read as a number before. */
static int64_t written_scale(oxy_sv text)
{
    const char *p = text.p, *end = text.p + text.len;
    int64_t fraction = 0, exponent = 0;
    bool point = false, negative = false;

    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.')
            point = true;
        else if (point)
            fraction++;
    }
    if (p < end)
        p++;
    if (p < end && (*p == '-' || *p == '+'))
        negative = *p++ == '-';
    for (; p < end; p++)
        exponent = exponent * 10 + (*p - '0');
    fraction -= negative ? -exponent : exponent;
    return fraction < 0 ? 0 : fraction;
}

/* Division that rounds down, for powers below zero. */
static int64_t floor4(int64_t n)
{
    return n >= 0 ? n / 4 : -((3 - n) / 4);
}

static char *put_header(char *p, uint16_t n, int64_t weight, uint16_t sign, int64_t scale)
{
    p = oxy__put16(p, n);
    p = oxy__put16(p, (uint16_t)weight);
    p = oxy__put16(p, sign);
    return oxy__put16(p, (uint16_t)scale);
}

/* Four digits of d, from the power of ten at, as a number; *digit moves on. */
static uint32_t take_group(const oxy__decimal *d, int64_t at, const char **digit)
{
    uint32_t group = 0;
    int i;

    for (i = 0; i < 4; i++, at--) {
        uint32_t value = 0;

        if (at <= d->first && at >= d->last) {
            if (**digit == '.')
                (*digit)++;
            value = (uint32_t)(*(*digit)++ - '0');
        }
        group = group * 10 + value;
    }
    return group;
}

static oxy__pg_put put_special(oxy__pg_write *w, uint16_t sign)
{
    (void)put_header(w->small, 0, 0, sign, 0);
    w->bytes = (oxy_sv){w->small, HEADER};
    return OXY__PG_PUT;
}

oxy__pg_put oxy__pg_numeric_to_binary(oxy__pg_write *w, oxy_sv text)
{
    int64_t weight, lowest, scale, power;
    const char *digit;
    oxy__decimal d;
    size_t size;
    char *p, *start;

    if (!oxy__decimal_read(text, &d))
        return oxy__pg_refuse(w, "it is not a number");
    if (d.class == OXY__NAN)
        return put_special(w, NOT_A_NUMBER);
    if (d.class == OXY__INFINITE)
        return put_special(w, d.negative ? MINUS_INFINITY : PLUS_INFINITY);
    scale = written_scale(text);
    if (d.n != 0 && (d.first >= MAX_WHOLE || d.last < -MAX_SCALE))
        return oxy__pg_refuse(w, "it has more digits than numeric holds");
    if (scale > MAX_SCALE) /* no more than zeros */
        scale = MAX_SCALE;
    if (d.n == 0) {
        (void)put_header(w->small, 0, 0, 0, scale);
        w->bytes = (oxy_sv){w->small, HEADER};
        return OXY__PG_PUT;
    }
    weight = floor4(d.first);
    lowest = floor4(d.last);
    size = HEADER + (size_t)(weight - lowest + 1) * 2;
    start = size <= sizeof w->small ? w->small : oxy_arena_new(w->scratch, size);
    if (start == NULL)
        return OXY__PG_PUT_NOMEM;
    p = put_header(start, (uint16_t)(weight - lowest + 1), weight, d.negative ? NEGATIVE : 0, scale);
    digit = d.digits;
    for (power = weight; power >= lowest; power--)
        p = oxy__put16(p, (uint16_t)take_group(&d, power * 4 + 3, &digit));
    w->bytes = (oxy_sv){start, size};
    return OXY__PG_PUT;
}
