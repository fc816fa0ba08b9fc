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

/* 0 to 15, or above 15 for anything else. */
static unsigned nibble(char c)
{
    unsigned digit = (unsigned char)c - (unsigned)'0';
    unsigned letter = ((unsigned char)c | 0x20U) - (unsigned)'a';

    return digit <= 9 ? digit : letter <= 5 ? letter + 10 : 16;
}

bool oxy_uuid_parse(const char *p, size_t len, uint8_t uuid[16])
{
    bool hyphens = len == 36;
    int i;

    if (!hyphens && len != 32)
        return false;
    for (i = 0; i < 16; i++) {
        unsigned high, low;

        if (hyphens && (i == 4 || i == 6 || i == 8 || i == 10) && *p++ != '-')
            return false;
        high = nibble(p[0]);
        low = nibble(p[1]);
        if (high > 15 || low > 15)
            return false;
        uuid[i] = (uint8_t)(high << 4 | low);
        p += 2;
    }
    return true;
}
