/* SPDX-License-Identifier: MIT */
/* uuid: 16 bytes in network order to hexadecimal and back. */
#include <oxyde/value.h>

static const char hex_digits[] = "0123456789abcdef";

size_t oxy_uuid_format(char out[OXY_TEXT_MAX], const uint8_t uuid[16])
{
    char *p = out;
    int i;

    for (i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = hex_digits[uuid[i] >> 4];
        *p++ = hex_digits[uuid[i] & 15];
    }
    *p = '\0';
    return (size_t)(p - out);
}

/* One more than the digit's value; 0 for everything that is no digit. */
static const uint8_t nibbles[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* n bytes from 2n digits, without a branch inside; false if one is no digit. */
static bool take_bytes(const char *p, uint8_t *out, int n)
{
    unsigned worst = 16;
    int i;

    for (i = 0; i < n; i++) {
        unsigned high = nibbles[(unsigned char)p[2 * i]] - 1U, low = nibbles[(unsigned char)p[2 * i + 1]] - 1U;

        worst |= high | low; /* 0 - 1 has all bits */
        out[i] = (uint8_t)(high << 4 | (low & 15));
    }
    return worst < 32;
}

bool oxy_uuid_parse(const char *p, size_t len, uint8_t uuid[16])
{
    if (len == 32)
        return take_bytes(p, uuid, 16);
    return len == 36 && p[8] == '-' && p[13] == '-' && p[18] == '-' && p[23] == '-' && take_bytes(p, uuid, 4) &&
           take_bytes(p + 9, uuid + 4, 2) && take_bytes(p + 14, uuid + 6, 2) && take_bytes(p + 19, uuid + 8, 2) &&
           take_bytes(p + 24, uuid + 10, 6);
}
