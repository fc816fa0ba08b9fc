/* SPDX-License-Identifier: MIT */
/* Exact decimal arithmetic of any length, for SQL functions on text. SQLite
 * has no decimals of its own.
 *
 * A finite number is sign, whole coefficient and scale: -12.50 is 1250 with
 * scale 2. The coefficient's limbs hold nine digits each, the lowest first,
 * without leading zero limbs; zero has none. */
#ifndef OXY_DRIVER_DECIMAL_H
#define OXY_DRIVER_DECIMAL_H

#include <oxyde/base.h>

#define OXY__DEC_LIMBS 6          /* that need no memory: 54 digits */
#define OXY__DEC_MAX_DIGITS 20000 /* of a coefficient, and of a scale */
#define OXY__DEC_DIV_DIGITS 29    /* of a quotient, at least */

typedef enum oxy__dec_class { OXY__DEC_FINITE, OXY__DEC_INF, OXY__DEC_NAN } oxy__dec_class;

typedef struct oxy__dec {
    const oxy_alloc *alloc;
    oxy__dec_class class;
    bool negative;
    uint32_t *limbs; /* own, or local */
    uint32_t n, cap;
    uint32_t scale;
    uint32_t local[OXY__DEC_LIMBS];
} oxy__dec;

void oxy__dec_init(oxy__dec *d, const oxy_alloc *alloc); /* zero; must not move afterwards */
void oxy__dec_fini(oxy__dec *d);

/* OXY_DATA for what is no decimal or too long; OXY_NOMEM. The same holds for
 * all below; a result may be one of the arguments. */
oxy_rc oxy__dec_read(oxy__dec *d, oxy_sv text);
oxy_rc oxy__dec_from_int(oxy__dec *d, int64_t number);
oxy_rc oxy__dec_from_double(oxy__dec *d, double number);
oxy_rc oxy__dec_copy(oxy__dec *d, const oxy__dec *from);
bool oxy__dec_is_zero(const oxy__dec *d);

oxy_rc oxy__dec_add(oxy__dec *out, const oxy__dec *a, const oxy__dec *b);
oxy_rc oxy__dec_sub(oxy__dec *out, const oxy__dec *a, const oxy__dec *b);
oxy_rc oxy__dec_mul(oxy__dec *out, const oxy__dec *a, const oxy__dec *b);
/* Rounded half away from zero; b must not be zero. */
oxy_rc oxy__dec_div(oxy__dec *out, const oxy__dec *a, const oxy__dec *b);
/* Quotient toward minus infinity, and the rest with the sign of b. Either may
 * be NULL; b must not be zero. */
oxy_rc oxy__dec_floordiv(oxy__dec *quotient, oxy__dec *rest, const oxy__dec *a, const oxy__dec *b);
/* To that many places, half away from zero; negative ones are before the point. */
oxy_rc oxy__dec_round(oxy__dec *out, const oxy__dec *a, int64_t places);
/* The next whole number towards minus (up: plus) infinity. */
oxy_rc oxy__dec_whole(oxy__dec *out, const oxy__dec *a, bool up);

bool oxy__dec_to_int(const oxy__dec *d, int64_t *out); /* whole numbers only */
void oxy__dec_write(const oxy__dec *d, oxy_buf *out);

#endif
