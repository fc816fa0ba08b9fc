/* SPDX-License-Identifier: MIT */
/* pg_json: numbers for jsonb. The server keeps them as numeric and forgets how
 * they were written: 1e+16 comes back as 10000000000000000, which is an integer
 * to every reader of JSON, and 1e+300 as one that is no double's. With a point,
 * 10000000000000000.0, a whole float stays a float. */
#include "pg.h"

#include <string.h>

#define EXPONENT_MAX 400 /* a double's is 308 at most */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Length of the string at p, quotes included. */
static size_t string_length(const char *p, const char *end)
{
    const char *at = p + 1;

    while (at < end && *at != '"')
        at += *at == '\\' && end - at > 1 ? 2 : 1;
    return (size_t)(at < end ? at + 1 - p : end - p);
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

/* Length of the number at p as JSON's grammar has it; an exponent without digits is none of it. */
static size_t number_length(const char *p, const char *end)
{
    const char *at = skip_digits(p + (*p == '-'), end), *e;

    if (at < end && *at == '.')
        at = skip_digits(at + 1, end);
    if (at < end && (*at == 'e' || *at == 'E')) {
        e = at + 1;
        if (e < end && (*e == '+' || *e == '-'))
            e++;
        if (e < end && is_digit(*e))
            at = skip_digits(e, end);
    }
    return (size_t)(at - p);
}

/* Digits, zeros and ".0" instead of an exponent, if the number is whole. */
static void put_number(oxy_buf *out, const char *p, size_t len)
{
    const char *e = memchr(p, 'e', len), *digits = p + (*p == '-'), *point;
    size_t fraction, zeros = 0;

    if (e == NULL || p + len - e < 3 || e[1] != '+' || p + len - e > 5) {
        oxy_buf_put(out, p, len);
        return;
    }
    for (const char *at = e + 2; at < p + len; at++)
        zeros = zeros * 10 + (size_t)(*at - '0');
    point = memchr(digits, '.', (size_t)(e - digits));
    fraction = point == NULL ? 0 : (size_t)(e - point - 1);
    if (zeros < fraction || zeros > EXPONENT_MAX) {
        oxy_buf_put(out, p, len);
        return;
    }
    oxy_buf_put(out, p, (size_t)((point == NULL ? e : point) - p));
    if (point != NULL)
        oxy_buf_put(out, point + 1, fraction);
    for (zeros -= fraction; zeros > 0; zeros--)
        oxy_buf_putc(out, '0');
    oxy_buf_puts(out, ".0");
}

bool oxy__pg_has_exponents(const char *p, size_t len)
{
    const char *end = p + len, *e = p;

    while ((e = memchr(e, 'e', (size_t)(end - e))) != NULL) {
        if (++e < end && *e == '+')
            return true;
    }
    return false;
}

void oxy__pg_put_jsonb(oxy_buf *out, const char *p, size_t len)
{
    const char *end = p + len;

    while (p < end) {
        bool number = is_digit(*p) || *p == '-';
        size_t n = *p == '"' ? string_length(p, end) : number ? number_length(p, end) : 1;

        if (number)
            put_number(out, p, n);
        else
            oxy_buf_put(out, p, n);
        p += n;
    }
}
