/* SPDX-License-Identifier: MIT */
/* buf: string views, text under construction, UTF-8 checking. */
#include <oxyde/base.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

oxy_sv oxy_sv_of(const char *nul_terminated)
{
    return (oxy_sv){nul_terminated, nul_terminated == NULL ? 0 : strlen(nul_terminated)};
}

bool oxy_sv_eq(oxy_sv a, oxy_sv b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

void oxy_buf_init(oxy_buf *b, const oxy_alloc *alloc, size_t limit)
{
    *b = (oxy_buf){.alloc = alloc, .limit = limit};
}

void oxy_buf_fini(oxy_buf *b)
{
    oxy_alloc_free(b->alloc, b->p);
    b->p = NULL;
    b->len = b->cap = 0;
}

void oxy_buf_reset(oxy_buf *b)
{
    b->len = 0;
    b->rc = OXY_OK;
    if (b->p != NULL)
        b->p[0] = '\0';
}

/* Makes room for `more` bytes and a NUL; false with the sticky code set. */
static bool buf_reserve(oxy_buf *b, size_t more)
{
    size_t need, cap;
    char *p;

    if (b->rc != OXY_OK)
        return false;
    if (more > b->limit || b->len > b->limit - more) {
        b->rc = OXY_DATA;
        return false;
    }
    if (__builtin_add_overflow(b->len + more, (size_t)1, &need)) {
        b->rc = OXY_NOMEM;
        return false;
    }
    if (need <= b->cap)
        return true;
    cap = b->cap < 64 ? 64 : b->cap;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap - 1 > b->limit)
        cap = b->limit + 1;
    p = oxy_alloc_resize(b->alloc, b->p, cap);
    if (p == NULL) {
        b->rc = OXY_NOMEM;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void oxy_buf_put(oxy_buf *b, const char *p, size_t len)
{
    if (!buf_reserve(b, len))
        return;
    if (len != 0)
        memcpy(b->p + b->len, p, len);
    b->len += len;
    b->p[b->len] = '\0';
}

void oxy_buf_puts(oxy_buf *b, const char *nul_terminated)
{
    oxy_buf_put(b, nul_terminated, strlen(nul_terminated));
}

void oxy_buf_putc(oxy_buf *b, char c)
{
    oxy_buf_put(b, &c, 1);
}

void oxy_buf_putu(oxy_buf *b, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    oxy_buf_put(b, digits + at, sizeof digits - at);
}

void oxy_buf_printf(oxy_buf *b, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0) {
        if (b->rc == OXY_OK)
            b->rc = OXY_DATA;
        return;
    }
    if (!buf_reserve(b, (size_t)len))
        return;
    va_start(args, fmt);
    (void)vsnprintf(b->p + b->len, (size_t)len + 1, fmt, args);
    va_end(args);
    b->len += (size_t)len;
}

oxy_rc oxy_buf_take(oxy_buf *b, char **text, size_t *len)
{
    *text = NULL;
    if (len != NULL)
        *len = 0;
    if (!buf_reserve(b, 0)) /* an empty text is still a text */
        return b->rc;
    b->p[b->len] = '\0';
    *text = b->p;
    if (len != NULL)
        *len = b->len;
    b->p = NULL;
    b->len = b->cap = 0;
    return OXY_OK;
}

/* Length of the well-formed sequence at p (Unicode, table 3-7), or 0. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char lead = p[0], low = 0x80, high = 0xBF;
    size_t len, i;

    if (lead >= 0xC2 && lead <= 0xDF)
        len = 2;
    else if (lead >= 0xE0 && lead <= 0xEF)
        len = 3;
    else if (lead >= 0xF0 && lead <= 0xF4)
        len = 4;
    else
        return 0;
    if (len > left)
        return 0;
    switch (lead) {
    case 0xE0: low = 0xA0; break;  /* overlong */
    case 0xED: high = 0x9F; break; /* surrogates */
    case 0xF0: low = 0x90; break;  /* overlong */
    case 0xF4: high = 0x8F; break; /* above U+10FFFF */
    default: break;
    }
    if (p[1] < low || p[1] > high)
        return 0;
    for (i = 2; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    return len;
}

size_t oxy_utf8_valid(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t at = 0;

    while (at < len) {
        size_t step;

        /* Most text is ASCII: eight bytes at a time. */
        while (len - at >= 8) {
            uint64_t word;

            memcpy(&word, p + at, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) != 0)
                break;
            at += 8;
        }
        if (at == len)
            break;
        if (p[at] < 0x80) {
            at++;
            continue;
        }
        step = utf8_sequence(p + at, len - at);
        if (step == 0)
            break;
        at += step;
    }
    return at;
}
