/* SPDX-License-Identifier: MIT */
/* For this room only: pieces that the text forms, JSON and codecs share. */
#ifndef OXY_VALUE_TEXT_H
#define OXY_VALUE_TEXT_H

#include <oxyde/value.h>

#define OXY__MICROS_PER_DAY INT64_C(86400000000)
#define OXY__DAYS_MIN INT64_C(-719162) /* 0001-01-01 */
#define OXY__DAYS_MAX INT64_C(2932896) /* 9999-12-31 */

/* Levels of nesting that JSON readers and writers follow. */
#define OXY__JSON_DEPTH 128

int64_t oxy__days_from_civil(int32_t year, uint32_t month, uint32_t day);
/* Whether the day exists, in years 1 to 9999. */
bool oxy__date_valid(int32_t year, uint32_t month, uint32_t day);

/* Appends "+HH:MM[:SS]" to text of length len; returns the new length. */
size_t oxy__offset_format(char out[OXY_TEXT_MAX], size_t len, int32_t tz);

/* "123", "-123" in decimal, at most 22 bytes with NUL; returns the length. */
size_t oxy__int_format(char *out, bool negative, uint64_t magnitude);

/* What a float of four bytes means to people: the double of its shortest text,
 * 0.1 and not 0.10000000149011612. */
double oxy__double_of_float(float f);

/* --- decimal numbers, taken apart -------------------------------------------- */

typedef enum oxy__decimal_class { OXY__FINITE, OXY__INFINITE, OXY__NAN } oxy__decimal_class;

/* value = 0.d1d2d3... * 10^(first + 1), d1 and dn not zero. Zero: n is 0. */
typedef struct oxy__decimal {
    oxy__decimal_class class;
    bool negative;
    const char *digits; /* at d1; may hold one point among the digits */
    uint64_t n;         /* digits from d1 to dn, the point not counted */
    int64_t first;      /* power of ten of d1 */
    int64_t last;       /* power of ten of dn */
} oxy__decimal;

bool oxy__decimal_read(oxy_sv text, oxy__decimal *out);
/* As a 64-bit integer, if it is one: magnitude and sign. */
bool oxy__decimal_to_int(const oxy__decimal *d, uint64_t *magnitude);
/* The nearest double, if the number is that double written with as many digits
 * as it has: so "0.1" and any repr pass, and numbers with more digits than a
 * double keeps do not. */
bool oxy__decimal_to_double(const oxy__decimal *d, double *out);

/* "boolean", "IP address": what a value's tag is called in messages. */
const char *oxy__tag_word(uint8_t tag);

/* Whether the text, which is UTF-8, has more characters than that. */
static inline bool oxy__text_longer(oxy_sv text, size_t chars)
{
    size_t i, n = 0;

    if (text.len <= chars)
        return false;
    for (i = 0; i < text.len; i++)
        n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return n > chars;
}

/* "192.0.2.1", "2001:db8::1/64", "fe80::1%eth0". */
bool oxy__inet_valid(oxy_sv text);

/* --- JSON --------------------------------------------------------------------- */

/* Writes a value, elements as the given kind: UNKNOWN leaves them as they are,
 * DATETIME drops the zone, DATETIME_UTC adds it. */
void oxy__json_write(oxy_buf *b, const oxy_value *v, oxy_kind elem);

/* Reads the JSON text of a list into out (OXY_V_ARRAY) by decoding each element
 * as want->elem with the given table. reason tells, without content, what was
 * wrong; NULL after OXY_NOMEM. */
oxy_rc oxy__json_read_array(oxy_sv text, const oxy_type *want, const oxy_decode_fn *decode, oxy_arena *scratch,
                            oxy_value *out, const char **reason);

#endif
