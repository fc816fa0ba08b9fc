/* SPDX-License-Identifier: MIT */
/* Numbers of JSON. Most are short, and then neither a copy nor Python's own
 * reader is needed: an integer fits one word; a decimal whose digits and power
 * of ten are both exact as doubles takes one division, which rounds as it must. */
#include "json.h"

#include <float.h>

#define WORD_DIGITS 18  /* any number of so many fits int64_t */
#define EXACT_DIGITS 15 /* any number of so many is exact as a double */
#define EXACT_POWER 22  /* so is 10 to this power */
#define SHORT_DIGITS 8
#define EXPONENT_DIGITS 4
#define LONGEST 64 /* characters; longer ones are from_json's to read */

typedef struct spelled {
    uint64_t digits; /* all of them as one number, unless there are too many */
    int n;           /* of digits, without leading zeros */
    int power;       /* of ten, by which they are multiplied */
    bool negative, whole;
} spelled;

static bool is_digit(const oxypy_json_cursor *c)
{
    return c->p < c->end && (unsigned)(unsigned char)*c->p - '0' <= 9;
}

static inline void take_digit(oxypy_json_cursor *c, spelled *s)
{
    unsigned digit = (unsigned)(unsigned char)*c->p++ - '0';

    s->n += s->n > 0 || digit > 0;
    if (s->n <= WORD_DIGITS)
        s->digits = s->digits * 10 + digit;
}

static bool take_exponent(oxypy_json_cursor *c, spelled *s)
{
    bool negative;
    int power = 0, n = 0;

    c->p++;
    negative = oxypy__json_at(c, '-');
    if (negative || oxypy__json_at(c, '+'))
        c->p++;
    for (; is_digit(c); n++) {
        if (n == EXPONENT_DIGITS)
            return false;
        power = power * 10 + (*c->p++ - '0');
    }
    s->power += negative ? -power : power;
    return n > 0;
}

/* False: no number, or an odd one. */
static bool spell(oxypy_json_cursor *c, spelled *s)
{
    const char *start = c->p;

    *s = (spelled){.whole = true};
    if (oxypy__json_at(c, '-')) {
        s->negative = true;
        c->p++;
    }
    if (!is_digit(c))
        return false;
    if (*c->p == '0')
        c->p++;
    else
        while (is_digit(c) && c->p - start < LONGEST)
            take_digit(c, s);
    if (oxypy__json_at(c, '.')) {
        const char *point = c->p++;

        s->whole = false;
        if (!is_digit(c))
            return false;
        while (is_digit(c) && c->p - start < LONGEST)
            take_digit(c, s);
        s->power = -(int)(c->p - point - 1);
    }
    if (oxypy__json_at(c, 'e') || oxypy__json_at(c, 'E')) {
        s->whole = false;
        if (!take_exponent(c, s))
            return false;
    }
    return c->p - start < LONGEST && !is_digit(c);
}

/* Most numbers: up to eight digits, without a sign, a point or an exponent.
 * NULL, and nothing is taken, for anything else. */
static inline PyObject *short_whole(oxypy_json_cursor *c)
{
    const char *p = c->p, *end = c->end - p > SHORT_DIGITS ? p + SHORT_DIGITS : c->end;
    long number = 0;

    for (; p < end && (unsigned)(unsigned char)*p - '0' <= 9; p++)
        number = number * 10 + (*p - '0');
    /* What follows is known to be no part of the number. */
    if (p == c->p || p == c->end || (*p != ',' && *p != ']' && *p != '}') || (*c->p == '0' && p - c->p > 1))
        return NULL;
    c->p = p;
    return PyLong_FromLong(number);
}

static PyObject *by_python(const char *p, size_t len, bool whole)
{
    char text[LONGEST + 1];
    double number;

    memcpy(text, p, len);
    text[len] = '\0';
    if (whole)
        return PyLong_FromString(text, NULL, 10);
    number = PyOS_string_to_double(text, NULL, NULL);
    return number == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(number);
}

PyObject *oxypy__json_number(oxypy_json_cursor *c)
{
    static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *start = c->p;
    spelled s;
    double number;
    PyObject *small = short_whole(c);

    if (small != NULL || c->p != start)
        return small;
    if (!spell(c, &s))
        return NULL;
    if (s.whole && s.n <= WORD_DIGITS)
        return PyLong_FromLongLong(s.negative ? -(long long)s.digits : (long long)s.digits);
    /* With wider registers than doubles, the division would round twice. */
    if (s.whole || FLT_EVAL_METHOD != 0 || s.n > EXACT_DIGITS || s.power > EXACT_POWER || s.power < -EXACT_POWER)
        return by_python(start, (size_t)(c->p - start), s.whole);
    number = (double)s.digits;
    number = s.power < 0 ? number / powers[-s.power] : number * powers[s.power];
    return PyFloat_FromDouble(s.negative ? -number : number);
}
