/* SPDX-License-Identifier: MIT */
/* Exact decimal arithmetic: schoolbook methods on limbs of nine digits, the
 * division after Knuth's algorithm D. */
#include "decimal.h"

#include <oxyde/value.h>

#include <stdio.h>
#include <string.h>

#define BASE 1000000000u
#define BASE_DIGITS 9

static const uint32_t powers[BASE_DIGITS + 1] = {1,      10,      100,      1000,      10000,
                                                 100000, 1000000, 10000000, 100000000, 1000000000};

/* --- storage ---------------------------------------------------------------------- */

void oxy__dec_init(oxy__dec *d, const oxy_alloc *alloc)
{
    *d = (oxy__dec){.alloc = alloc, .cap = OXY__DEC_LIMBS};
    d->limbs = d->local;
}

void oxy__dec_fini(oxy__dec *d)
{
    if (d->limbs != d->local)
        oxy_alloc_free(d->alloc, d->limbs);
    d->limbs = d->local;
    d->cap = OXY__DEC_LIMBS;
    d->n = 0;
}

static oxy_rc reserve(oxy__dec *d, uint64_t n)
{
    uint32_t *limbs;

    if (n <= d->cap)
        return OXY_OK;
    if (n > 2 * OXY__DEC_MAX_DIGITS / BASE_DIGITS + 8)
        return OXY_DATA;
    n += n / 2;
    if (d->limbs == d->local) {
        limbs = oxy_alloc_new(d->alloc, n * sizeof *limbs);
        if (limbs)
            memcpy(limbs, d->local, sizeof d->local);
    } else {
        limbs = oxy_alloc_resize(d->alloc, d->limbs, n * sizeof *limbs);
    }
    if (!limbs)
        return OXY_NOMEM;
    d->limbs = limbs;
    d->cap = (uint32_t)n;
    return OXY_OK;
}

static void drop_zero_limbs(oxy__dec *d)
{
    while (d->n && d->limbs[d->n - 1] == 0)
        d->n--;
}

/* Also makes zero positive: only for finished results. */
static void trim(oxy__dec *d)
{
    drop_zero_limbs(d);
    if (!d->n && d->class == OXY__DEC_FINITE)
        d->negative = false;
}

bool oxy__dec_is_zero(const oxy__dec *d)
{
    return d->class == OXY__DEC_FINITE && d->n == 0;
}

static oxy_rc set_special(oxy__dec *d, oxy__dec_class class, bool negative)
{
    d->class = class;
    d->negative = negative && class == OXY__DEC_INF;
    d->n = 0;
    d->scale = 0;
    return OXY_OK;
}

oxy_rc oxy__dec_copy(oxy__dec *d, const oxy__dec *from)
{
    oxy_rc rc;

    if (d == from)
        return OXY_OK;
    rc = reserve(d, from->n);
    if (rc != OXY_OK)
        return rc;
    memcpy(d->limbs, from->limbs, from->n * sizeof *d->limbs);
    d->n = from->n;
    d->class = from->class;
    d->negative = from->negative;
    d->scale = from->scale;
    return OXY_OK;
}

/* Takes over the content of `from`, which is left as zero. */
static void move(oxy__dec *d, oxy__dec *from)
{
    const oxy_alloc *alloc = d->alloc;

    oxy__dec_fini(d);
    *d = *from;
    d->alloc = alloc;
    if (from->limbs == from->local)
        d->limbs = d->local;
    from->limbs = from->local;
    oxy__dec_init(from, from->alloc);
}

/* --- whole numbers ------------------------------------------------------------------ */

static uint32_t count_digits(const oxy__dec *d)
{
    uint32_t n = 0;

    if (!d->n)
        return 0;
    while (n < BASE_DIGITS && d->limbs[d->n - 1] >= powers[n])
        n++;
    return (d->n - 1) * BASE_DIGITS + n;
}

static int compare_whole(const oxy__dec *a, const oxy__dec *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (uint32_t i = a->n; i-- > 0;)
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

/* d = d * factor + carry; room for one more limb must be there. */
static void mul_small(oxy__dec *d, uint32_t factor, uint32_t carry)
{
    uint64_t rest = carry;

    for (uint32_t i = 0; i < d->n; i++) {
        rest += (uint64_t)d->limbs[i] * factor;
        d->limbs[i] = (uint32_t)(rest % BASE);
        rest /= BASE;
    }
    if (rest)
        d->limbs[d->n++] = (uint32_t)rest;
}

static uint32_t div_small(oxy__dec *d, uint32_t by)
{
    uint64_t rest = 0;

    for (uint32_t i = d->n; i-- > 0;) {
        rest = rest * BASE + d->limbs[i];
        d->limbs[i] = (uint32_t)(rest / by);
        rest %= by;
    }
    drop_zero_limbs(d);
    return (uint32_t)rest;
}

/* Multiplies the coefficient by ten to the power of digits. */
static oxy_rc shift_up(oxy__dec *d, uint64_t digits)
{
    uint32_t limbs = (uint32_t)(digits / BASE_DIGITS);
    oxy_rc rc;

    if (!d->n || !digits)
        return OXY_OK;
    if (digits > 2 * OXY__DEC_MAX_DIGITS)
        return OXY_DATA;
    rc = reserve(d, (uint64_t)d->n + limbs + 1);
    if (rc != OXY_OK)
        return rc;
    mul_small(d, powers[digits % BASE_DIGITS], 0);
    memmove(d->limbs + limbs, d->limbs, d->n * sizeof *d->limbs);
    memset(d->limbs, 0, limbs * sizeof *d->limbs);
    d->n += limbs;
    return OXY_OK;
}

/* Drops the lowest digits; *first is the highest of them, *rest whether any
 * digit dropped was not zero. */
static void shift_down(oxy__dec *d, uint64_t digits, uint32_t *first, bool *rest)
{
    uint64_t limbs = digits / BASE_DIGITS;
    uint32_t part = (uint32_t)(digits % BASE_DIGITS), dropped = 0;
    uint32_t all = count_digits(d);

    *first = 0;
    *rest = false;
    if (!digits || !d->n)
        return;
    if (digits > all) {
        *rest = true;
        d->n = 0;
        return;
    }
    for (uint64_t i = 0; i < limbs; i++)
        *rest |= d->limbs[i] != 0;
    if (limbs)
        *first = d->limbs[limbs - 1] / powers[BASE_DIGITS - 1];
    memmove(d->limbs, d->limbs + limbs, (d->n - limbs) * sizeof *d->limbs);
    d->n -= (uint32_t)limbs;
    if (part) {
        dropped = div_small(d, powers[part]);
        *rest |= dropped != 0;
        *first = dropped / powers[part - 1];
    }
    drop_zero_limbs(d);
}

static oxy_rc add_one(oxy__dec *d)
{
    oxy_rc rc = reserve(d, (uint64_t)d->n + 1);

    if (rc != OXY_OK)
        return rc;
    for (uint32_t i = 0; i < d->n; i++) {
        if (++d->limbs[i] < BASE)
            return OXY_OK;
        d->limbs[i] = 0;
    }
    d->limbs[d->n++] = 1;
    return OXY_OK;
}

/* --- reading and writing -------------------------------------------------------------- */

static bool same_word(oxy_sv text, const char *word)
{
    size_t n = strlen(word);

    if (text.len != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((text.p[i] | 0x20) != word[i])
            return false;
    return true;
}

static oxy_rc read_special(oxy__dec *d, oxy_sv text)
{
    bool negative = text.len && text.p[0] == '-';
    oxy_sv word = negative ? (oxy_sv){text.p + 1, text.len - 1} : text;

    if (same_word(text, "nan"))
        return set_special(d, OXY__DEC_NAN, false);
    if (same_word(word, "infinity") || same_word(word, "inf"))
        return set_special(d, OXY__DEC_INF, negative);
    return OXY_DATA;
}

/* The exponent behind 'e'; all of the rest must be it. */
static bool read_exponent(const char *p, const char *end, int64_t *out)
{
    bool negative = false;
    int64_t value = 0;

    if (p < end && (*p == '-' || *p == '+'))
        negative = *p++ == '-';
    if (p == end || end - p > 9)
        return false;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        value = value * 10 + (*p - '0');
    }
    *out = negative ? -value : value;
    return true;
}

oxy_rc oxy__dec_read(oxy__dec *d, oxy_sv text)
{
    const char *p = text.p, *end = text.p + text.len;
    int64_t exponent = 0, scale = 0;
    uint32_t chunk = 0, in_chunk = 0;
    bool point = false, any = false;
    oxy_rc rc;

    (void)set_special(d, OXY__DEC_FINITE, false);
    if (p < end && (*p == '-' || *p == '+'))
        d->negative = *p++ == '-';
    if (text.len > 2 * OXY__DEC_MAX_DIGITS)
        return OXY_DATA;
    rc = reserve(d, text.len / BASE_DIGITS + 2);
    if (rc != OXY_OK)
        return rc;
    for (; p < end; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (*p < '0' || *p > '9')
            break;
        any = true;
        scale += point;
        chunk = chunk * 10 + (uint32_t)(*p - '0');
        if (++in_chunk == BASE_DIGITS) {
            mul_small(d, BASE, chunk);
            chunk = in_chunk = 0;
        }
    }
    if (!any)
        return read_special(d, text);
    if (in_chunk)
        mul_small(d, powers[in_chunk], chunk);
    if (p < end && (*p | 0x20) == 'e' && read_exponent(p + 1, end, &exponent))
        p = end;
    if (p < end)
        return OXY_DATA;
    scale -= exponent;
    trim(d);
    if (!d->n && scale < 0)
        scale = 0;
    if (scale < -OXY__DEC_MAX_DIGITS || scale > OXY__DEC_MAX_DIGITS || count_digits(d) > OXY__DEC_MAX_DIGITS)
        return OXY_DATA;
    if (scale < 0) {
        rc = shift_up(d, (uint64_t)-scale);
        scale = 0;
    }
    d->scale = (uint32_t)scale;
    return rc;
}

oxy_rc oxy__dec_from_int(oxy__dec *d, int64_t number)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)number);

    return oxy__dec_read(d, (oxy_sv){text, (size_t)n});
}

oxy_rc oxy__dec_from_double(oxy__dec *d, double number)
{
    char text[OXY_TEXT_MAX];
    size_t n = oxy_double_format(text, number);
    uint32_t first;
    bool rest;
    oxy_rc rc = oxy__dec_read(d, (oxy_sv){text, n});

    /* "2.0" is how a whole number is written, not a digit it has. */
    if (rc == OXY_OK && d->scale == 1 && d->n && d->limbs[0] % 10 == 0) {
        shift_down(d, 1, &first, &rest);
        d->scale = 0;
    }
    return rc;
}

void oxy__dec_write(const oxy__dec *d, oxy_buf *out)
{
    uint32_t digits = count_digits(d), width = digits > d->scale ? digits : d->scale + 1, at;

    if (d->class == OXY__DEC_NAN) {
        oxy_buf_puts(out, "NaN");
        return;
    }
    if (d->negative)
        oxy_buf_putc(out, '-');
    if (d->class == OXY__DEC_INF) {
        oxy_buf_puts(out, "Infinity");
        return;
    }
    for (at = width; at-- > 0;) {
        uint32_t limb = at / BASE_DIGITS < d->n ? d->limbs[at / BASE_DIGITS] : 0;

        oxy_buf_putc(out, (char)('0' + limb / powers[at % BASE_DIGITS] % 10));
        if (at == d->scale && at)
            oxy_buf_putc(out, '.');
    }
}

bool oxy__dec_to_int(const oxy__dec *d, int64_t *out)
{
    uint64_t value = 0;

    if (d->class != OXY__DEC_FINITE || d->scale || d->n > 3)
        return false;
    for (uint32_t i = d->n; i-- > 0;)
        if (__builtin_mul_overflow(value, (uint64_t)BASE, &value) ||
            __builtin_add_overflow(value, (uint64_t)d->limbs[i], &value))
            return false;
    if (value > (uint64_t)INT64_MAX + d->negative)
        return false;
    *out = d->negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* --- arithmetic ------------------------------------------------------------------------- */

/* a + b or a - b of magnitudes with equal scale; for a - b, a >= b. */
static oxy_rc add_whole(oxy__dec *out, const oxy__dec *a, const oxy__dec *b, bool subtract)
{
    uint32_t n = a->n > b->n ? a->n : b->n;
    oxy_rc rc = reserve(out, (uint64_t)n + 1);
    int64_t carry = 0;

    if (rc != OXY_OK)
        return rc;
    for (uint32_t i = 0; i < n; i++) {
        int64_t x = i < a->n ? a->limbs[i] : 0, y = i < b->n ? b->limbs[i] : 0;

        carry += subtract ? x - y : x + y;
        out->limbs[i] = (uint32_t)(carry < 0 ? carry + BASE : carry >= BASE ? carry - BASE : carry);
        carry = carry < 0 ? -1 : carry >= BASE;
    }
    out->n = n;
    if (carry)
        out->limbs[out->n++] = 1;
    trim(out);
    return OXY_OK;
}

/* Copies of a and b with a common scale. */
static oxy_rc align(oxy__dec *x, oxy__dec *y, const oxy__dec *a, const oxy__dec *b)
{
    uint32_t scale = a->scale > b->scale ? a->scale : b->scale;
    oxy_rc rc = oxy__dec_copy(x, a);

    if (rc == OXY_OK)
        rc = oxy__dec_copy(y, b);
    if (rc == OXY_OK)
        rc = shift_up(x, scale - a->scale);
    if (rc == OXY_OK)
        rc = shift_up(y, scale - b->scale);
    x->scale = y->scale = scale;
    return rc;
}

static oxy_rc add_signed(oxy__dec *out, const oxy__dec *a, const oxy__dec *b, bool flip)
{
    oxy__dec x, y;
    bool b_negative = b->negative != flip, negative;
    oxy_rc rc;

    if (a->class == OXY__DEC_NAN || b->class == OXY__DEC_NAN)
        return set_special(out, OXY__DEC_NAN, false);
    if (a->class == OXY__DEC_INF && b->class == OXY__DEC_INF && a->negative != b_negative)
        return set_special(out, OXY__DEC_NAN, false);
    if (a->class == OXY__DEC_INF || b->class == OXY__DEC_INF)
        return set_special(out, OXY__DEC_INF, a->class == OXY__DEC_INF ? a->negative : b_negative);
    oxy__dec_init(&x, out->alloc);
    oxy__dec_init(&y, out->alloc);
    rc = align(&x, &y, a, b);
    if (rc == OXY_OK) {
        bool less = compare_whole(&x, &y) < 0;

        negative = a->negative == b_negative || !less ? a->negative : b_negative;
        rc = a->negative == b_negative ? add_whole(&x, &x, &y, false)
                                       : add_whole(&x, less ? &y : &x, less ? &x : &y, true);
        x.negative = negative;
        trim(&x);
    }
    if (rc == OXY_OK)
        move(out, &x);
    oxy__dec_fini(&x);
    oxy__dec_fini(&y);
    return rc;
}

oxy_rc oxy__dec_add(oxy__dec *out, const oxy__dec *a, const oxy__dec *b)
{
    return add_signed(out, a, b, false);
}

oxy_rc oxy__dec_sub(oxy__dec *out, const oxy__dec *a, const oxy__dec *b)
{
    return add_signed(out, a, b, true);
}

oxy_rc oxy__dec_mul(oxy__dec *out, const oxy__dec *a, const oxy__dec *b)
{
    oxy__dec product;
    oxy_rc rc;

    if (a->class == OXY__DEC_NAN || b->class == OXY__DEC_NAN)
        return set_special(out, OXY__DEC_NAN, false);
    if (a->class == OXY__DEC_INF || b->class == OXY__DEC_INF) {
        bool zero = oxy__dec_is_zero(a) || oxy__dec_is_zero(b);

        return set_special(out, zero ? OXY__DEC_NAN : OXY__DEC_INF, a->negative != b->negative);
    }
    if (a->scale + b->scale > OXY__DEC_MAX_DIGITS || count_digits(a) + count_digits(b) > OXY__DEC_MAX_DIGITS)
        return OXY_DATA;
    oxy__dec_init(&product, out->alloc);
    rc = reserve(&product, (uint64_t)a->n + b->n);
    if (rc != OXY_OK)
        return rc;
    product.n = a->n + b->n;
    memset(product.limbs, 0, product.n * sizeof *product.limbs);
    for (uint32_t i = 0; i < a->n; i++) {
        uint64_t carry = 0;

        for (uint32_t k = 0; k < b->n; k++) {
            carry += product.limbs[i + k] + (uint64_t)a->limbs[i] * b->limbs[k];
            product.limbs[i + k] = (uint32_t)(carry % BASE);
            carry /= BASE;
        }
        product.limbs[i + b->n] = (uint32_t)carry;
    }
    product.scale = a->scale + b->scale;
    product.negative = a->negative != b->negative;
    trim(&product);
    move(out, &product);
    return OXY_OK;
}

/* One limb of the quotient: u[at .. at + n] divided by v, the rest left in u.
 * v's highest limb is at least BASE / 2, so the guess is at most two too high. */
static uint32_t div_limb(uint32_t *u, const uint32_t *v, uint32_t n)
{
    uint64_t top = (uint64_t)u[n] * BASE + u[n - 1], guess = top / v[n - 1], rest = top % v[n - 1];
    int64_t borrow = 0;
    uint64_t carry = 0;

    while (guess >= BASE || (n > 1 && guess * v[n - 2] > rest * BASE + u[n - 2])) {
        guess--;
        rest += v[n - 1];
        if (rest >= BASE)
            break;
    }
    for (uint32_t i = 0; i < n; i++) {
        carry += guess * v[i];
        borrow += (int64_t)u[i] - (int64_t)(carry % BASE);
        carry /= BASE;
        u[i] = (uint32_t)(borrow < 0 ? borrow + BASE : borrow);
        borrow = borrow < 0 ? -1 : 0;
    }
    borrow += (int64_t)u[n] - (int64_t)carry;
    u[n] = (uint32_t)(borrow < 0 ? borrow + BASE : borrow);
    if (borrow < 0) {
        uint64_t add = 0;

        guess--;
        for (uint32_t i = 0; i < n; i++) {
            add += (uint64_t)u[i] + v[i];
            u[i] = (uint32_t)(add % BASE);
            add /= BASE;
        }
        u[n] = (uint32_t)((u[n] + add) % BASE);
    }
    return (uint32_t)guess;
}

/* quotient = u / v, u becomes the rest; whole numbers, signs left alone. */
static oxy_rc div_whole(oxy__dec *quotient, oxy__dec *u, const oxy__dec *v_in)
{
    oxy__dec v;
    uint32_t factor, m;
    oxy_rc rc;

    quotient->n = 0;
    if (compare_whole(u, v_in) < 0)
        return OXY_OK;
    oxy__dec_init(&v, quotient->alloc);
    m = u->n - v_in->n;
    rc = reserve(quotient, (uint64_t)m + 1);
    if (rc == OXY_OK)
        rc = reserve(u, (uint64_t)u->n + 2);
    if (rc == OXY_OK)
        rc = oxy__dec_copy(&v, v_in);
    if (rc == OXY_OK)
        rc = reserve(&v, (uint64_t)v.n + 1);
    if (rc != OXY_OK) {
        oxy__dec_fini(&v);
        return rc;
    }
    factor = BASE / (v.limbs[v.n - 1] + 1);
    mul_small(&v, factor, 0);
    mul_small(u, factor, 0);
    while (u->n < m + v.n + 1)
        u->limbs[u->n++] = 0;
    for (uint32_t at = m + 1; at-- > 0;)
        quotient->limbs[at] = div_limb(u->limbs + at, v.limbs, v.n);
    quotient->n = m + 1;
    drop_zero_limbs(quotient);
    drop_zero_limbs(u);
    if (u->n)
        (void)div_small(u, factor);
    oxy__dec_fini(&v);
    return OXY_OK;
}

/* Whether twice the rest reaches the divisor. */
static oxy_rc past_half(oxy__dec *rest, const oxy__dec *divisor, bool *past)
{
    oxy_rc rc = reserve(rest, (uint64_t)rest->n + 1);

    if (rc != OXY_OK)
        return rc;
    mul_small(rest, 2, 0);
    *past = compare_whole(rest, divisor) >= 0;
    return OXY_OK;
}

/* Trailing zeros go, down to the scale that the result ought to have. */
static void strip_zeros(oxy__dec *d, uint32_t least)
{
    while (d->scale > least && (!d->n || d->limbs[0] % 10 == 0)) {
        uint32_t first;
        bool rest;

        if (!d->n) {
            d->scale = least;
            return;
        }
        shift_down(d, 1, &first, &rest);
        d->scale--;
    }
}

oxy_rc oxy__dec_div(oxy__dec *out, const oxy__dec *a, const oxy__dec *b)
{
    oxy__dec u, q;
    int64_t shift = (int64_t)OXY__DEC_DIV_DIGITS + count_digits(b) - count_digits(a);
    uint32_t ideal = a->scale > b->scale ? a->scale - b->scale : 0;
    bool past = false;
    oxy_rc rc;

    if (a->class == OXY__DEC_NAN || b->class == OXY__DEC_NAN || (a->class == OXY__DEC_INF && b->class == OXY__DEC_INF))
        return set_special(out, OXY__DEC_NAN, false);
    if (a->class == OXY__DEC_INF)
        return set_special(out, OXY__DEC_INF, a->negative != b->negative);
    if (b->class == OXY__DEC_INF)
        return set_special(out, OXY__DEC_FINITE, false);
    if (shift < 0)
        shift = 0;
    if ((int64_t)a->scale - b->scale + shift < ideal)
        shift = (int64_t)ideal + b->scale - a->scale;
    oxy__dec_init(&u, out->alloc);
    oxy__dec_init(&q, out->alloc);
    rc = oxy__dec_copy(&u, a);
    if (rc == OXY_OK)
        rc = shift_up(&u, (uint64_t)shift);
    if (rc == OXY_OK)
        rc = div_whole(&q, &u, b);
    if (rc == OXY_OK)
        rc = past_half(&u, b, &past);
    if (rc == OXY_OK && past)
        rc = add_one(&q);
    if (rc == OXY_OK) {
        q.scale = (uint32_t)((int64_t)a->scale - b->scale + shift);
        q.negative = a->negative != b->negative;
        trim(&q);
        strip_zeros(&q, ideal);
        move(out, &q);
    }
    oxy__dec_fini(&u);
    oxy__dec_fini(&q);
    return rc;
}

static oxy_rc floordiv_special(oxy__dec *quotient, oxy__dec *rest, const oxy__dec *a, const oxy__dec *b)
{
    bool apart = !oxy__dec_is_zero(a) && a->negative != b->negative;
    oxy_rc rc = OXY_OK;

    if (a->class != OXY__DEC_FINITE || b->class == OXY__DEC_NAN) {
        bool nan = a->class == OXY__DEC_NAN || b->class != OXY__DEC_FINITE;

        if (quotient)
            (void)set_special(quotient, nan ? OXY__DEC_NAN : OXY__DEC_INF, apart);
        return rest ? set_special(rest, OXY__DEC_NAN, false) : OXY_OK;
    }
    /* finite by infinite */
    if (rest)
        rc = apart ? oxy__dec_copy(rest, b) : oxy__dec_copy(rest, a);
    if (rc == OXY_OK && quotient)
        rc = oxy__dec_from_int(quotient, apart ? -1 : 0);
    return rc;
}

oxy_rc oxy__dec_floordiv(oxy__dec *quotient, oxy__dec *rest, const oxy__dec *a, const oxy__dec *b)
{
    oxy__dec x, y, q;
    const oxy_alloc *alloc = quotient ? quotient->alloc : rest->alloc;
    oxy_rc rc;

    if (a->class != OXY__DEC_FINITE || b->class != OXY__DEC_FINITE)
        return floordiv_special(quotient, rest, a, b);
    oxy__dec_init(&x, alloc);
    oxy__dec_init(&y, alloc);
    oxy__dec_init(&q, alloc);
    rc = align(&x, &y, a, b);
    if (rc == OXY_OK)
        rc = div_whole(&q, &x, &y);
    /* Cut toward zero so far: one further down if the signs differ. */
    if (rc == OXY_OK && x.n && a->negative != b->negative) {
        rc = add_one(&q);
        if (rc == OXY_OK)
            rc = add_whole(&x, &y, &x, true);
    }
    if (rc == OXY_OK) {
        q.negative = a->negative != b->negative;
        trim(&q);
        x.negative = b->negative;
        trim(&x);
        if (rest)
            move(rest, &x);
        if (quotient)
            move(quotient, &q);
    }
    oxy__dec_fini(&x);
    oxy__dec_fini(&y);
    oxy__dec_fini(&q);
    return rc;
}

oxy_rc oxy__dec_round(oxy__dec *out, const oxy__dec *a, int64_t places)
{
    oxy_rc rc = oxy__dec_copy(out, a);
    uint32_t first = 0;
    bool rest;

    if (rc != OXY_OK || a->class != OXY__DEC_FINITE)
        return rc;
    if (places > OXY__DEC_MAX_DIGITS)
        return OXY_DATA;
    if (places >= (int64_t)out->scale) {
        rc = shift_up(out, (uint64_t)(places - out->scale));
        out->scale = (uint32_t)places;
        return rc;
    }
    if (places < -OXY__DEC_MAX_DIGITS)
        places = -OXY__DEC_MAX_DIGITS;
    shift_down(out, (uint64_t)((int64_t)out->scale - places), &first, &rest);
    out->scale = places > 0 ? (uint32_t)places : 0;
    if (first >= 5)
        rc = add_one(out);
    if (rc == OXY_OK && places < 0)
        rc = shift_up(out, (uint64_t)-places);
    trim(out);
    return rc;
}

oxy_rc oxy__dec_whole(oxy__dec *out, const oxy__dec *a, bool up)
{
    oxy_rc rc = oxy__dec_copy(out, a);
    uint32_t first;
    bool rest = false;

    if (rc != OXY_OK || a->class != OXY__DEC_FINITE)
        return rc;
    shift_down(out, out->scale, &first, &rest);
    out->scale = 0;
    if (rest && out->negative != up)
        rc = add_one(out);
    trim(out);
    return rc;
}
