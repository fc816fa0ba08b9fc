/* SPDX-License-Identifier: MIT */
/* hash: bytes to 64 bits by multiply and fold, eight bytes a step. Meant for
 * in-process tables whose keys we make ourselves (shapes, statement texts). */
#include <oxyde/base.h>

#include <string.h>

__extension__ typedef unsigned __int128 u128;

/* Odd constants with well-spread bits (fractions of the golden ratio and of
 * the square roots of 3 and 5). */
#define K0 UINT64_C(0x9E3779B97F4A7C15)
#define K1 UINT64_C(0xBB67AE8584CAA73B)
#define K2 UINT64_C(0x3C6EF372FE94F82B)

static uint64_t fold(uint64_t a, uint64_t b)
{
    u128 product = (u128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load(const unsigned char *p, size_t len)
{
    uint64_t word = 0;

    memcpy(&word, p, len);
    return word;
}

uint64_t oxy_hash(const void *data, size_t len, uint64_t seed)
{
    const unsigned char *p = data;
    uint64_t h = fold(seed ^ K0, (uint64_t)len ^ K1);
    size_t left = len;

    while (left >= 16) {
        h = fold(load(p, 8) ^ h, load(p + 8, 8) ^ K1) + K2;
        p += 16;
        left -= 16;
    }
    if (left >= 8) {
        h = fold(load(p, 8) ^ h, K2) + K1;
        p += 8;
        left -= 8;
    }
    if (left > 0)
        h = fold(load(p, left) ^ h, K0) + K2;
    return fold(h ^ K2, K1);
}
