/* SPDX-License-Identifier: MIT */
/* default_same: whether two DEFAULT texts mean the same. Files keep defaults as
 * SQL text, and every database spells them in a way of its own. */
#include "diff.h"

#include <string.h>

/* Length of the quoted run at the start, quotes included; 0 if there is none. */
static size_t quoted(oxy_sv text)
{
    size_t i = 1;

    if (text.len < 2 || text.p[0] != '\'')
        return 0;
    for (; i < text.len; i++) {
        if (text.p[i] != '\'')
            continue;
        if (i + 1 == text.len || text.p[i + 1] != '\'')
            return i + 1;
        i++;
    }
    return 0;
}

/* Length of the parenthesised run at the start; 0 if there is none. */
static size_t wrapped(oxy_sv text)
{
    size_t depth = 0, i = 0;

    if (text.len == 0 || text.p[0] != '(')
        return 0;
    while (i < text.len) {
        size_t run = quoted((oxy_sv){text.p + i, text.len - i});

        if (run != 0) {
            i += run;
            continue;
        }
        depth += text.p[i] == '(';
        depth -= text.p[i] == ')';
        i++;
        if (depth == 0)
            return i;
    }
    return 0;
}

static bool type_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("_ \".[](),", c) != NULL);
}

/* 'new'::character varying is 'new'; so are (0)::bigint and '{}'::text[]. */
static oxy_sv without_cast(oxy_sv text)
{
    size_t i = quoted(text) + wrapped(text), k;

    if (i == 0) /* a number, or anything else without blanks or calls */
        while (i < text.len && text.p[i] != ':' && text.p[i] != '(' && text.p[i] != ' ')
            i++;
    if (text.len < i + 3 || text.p[i] != ':' || text.p[i + 1] != ':')
        return text;
    for (k = i + 2; k < text.len; k++)
        if (!type_char(text.p[k]))
            return text;
    return (oxy_sv){text.p, i};
}

/* The text without what stands around it: blanks, parentheses, casts. */
static oxy_sv strip(oxy_sv text)
{
    size_t before;

    do {
        before = text.len;
        text = without_cast(oxy__sv_trim(text));
        if (text.len != 0 && wrapped(text) == text.len)
            text = (oxy_sv){text.p + 1, text.len - 2};
    } while (text.len != before);
    return text;
}

/* --- what a text says ------------------------------------------------------------------- */

static bool is_any(oxy_sv text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (oxy__sv_is(text, words[i]))
            return true;
    return false;
}

/* The present, with or without a precision. */
static bool is_now(oxy_sv text)
{
    static const char *const words[] = {"NOW", "CURRENT_TIMESTAMP", "LOCALTIMESTAMP", "TRANSACTION_TIMESTAMP"};
    const char *open = memchr(text.p, '(', text.len);

    if (open != NULL) {
        size_t head = (size_t)(open - text.p);

        for (size_t i = head + 1; i + 1 < text.len; i++)
            if (text.p[i] < '0' || text.p[i] > '9')
                return false;
        if (text.p[text.len - 1] != ')')
            return false;
        text.len = head;
    }
    return is_any(oxy__sv_trim(text), words, OXY_COUNT(words));
}

/* 1, 0, or -1 for what is no boolean. */
int oxy__default_bool(oxy_sv text)
{
    static const char *const yes[] = {"TRUE", "1", "'t'", "'true'", "'1'", "b'1'"};
    static const char *const no[] = {"FALSE", "0", "'f'", "'false'", "'0'", "b'0'"};

    return is_any(text, yes, OXY_COUNT(yes)) ? 1 : is_any(text, no, OXY_COUNT(no)) ? 0 : -1;
}

static oxy_sv unquoted(oxy_sv text)
{
    return quoted(text) == text.len && text.len >= 2 ? (oxy_sv){text.p + 1, text.len - 2} : text;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A decimal number's digits without needless zeros: sign, digits before and
 * after the point. Exponents are not read; such texts compare as text. */
typedef struct figure {
    bool minus;
    oxy_sv whole, part;
} figure;

static bool as_figure(oxy_sv text, figure *out)
{
    size_t i = 0, start;

    text = strip(unquoted(text));
    *out = (figure){0};
    if (text.len != 0 && (text.p[0] == '-' || text.p[0] == '+')) {
        out->minus = text.p[0] == '-';
        i++;
    }
    while (i < text.len && text.p[i] == '0')
        i++;
    start = i;
    while (i < text.len && is_digit(text.p[i]))
        i++;
    out->whole = (oxy_sv){text.p + start, i - start};
    if (i < text.len && text.p[i] == '.') {
        start = ++i;
        while (i < text.len && is_digit(text.p[i]))
            i++;
        out->part = (oxy_sv){text.p + start, i - start};
        while (out->part.len != 0 && out->part.p[out->part.len - 1] == '0')
            out->part.len--;
    }
    if (out->whole.len == 0 && out->part.len == 0)
        out->minus = false;
    return i == text.len && text.len != 0 && is_digit(text.p[text.len - 1]);
}

static bool same_figure(oxy_sv a, oxy_sv b)
{
    figure x, y;

    return as_figure(a, &x) && as_figure(b, &y) && x.minus == y.minus && oxy_sv_eq(x.whole, y.whole) &&
           oxy_sv_eq(x.part, y.part);
}

/* The hexadecimal digits of '\x00', X'00', _binary'...' is not read. */
bool oxy__default_hex(oxy_sv text, oxy_sv *out)
{
    if (text.len >= 3 && (text.p[0] == 'x' || text.p[0] == 'X') && text.p[1] == '\'' && text.p[text.len - 1] == '\'')
        *out = (oxy_sv){text.p + 2, text.len - 3};
    else if (text.len >= 4 && memcmp(text.p, "'\\x", 3) == 0 && text.p[text.len - 1] == '\'')
        *out = (oxy_sv){text.p + 3, text.len - 4};
    else if (text.len >= 2 && text.p[0] == '0' && (text.p[1] == 'x' || text.p[1] == 'X'))
        *out = (oxy_sv){text.p + 2, text.len - 2};
    else
        return false;
    return true;
}

static bool same_folded(oxy_sv a, oxy_sv b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        char x = a.p[i], y = b.p[i];

        if ((x >= 'A' && x <= 'Z' ? x + 32 : x) != (y >= 'A' && y <= 'Z' ? y + 32 : y))
            return false;
    }
    return true;
}

/* An array or JSON, blanks apart. [1,2] is {1,2}: the outermost brackets tell
 * only which database it was written for. */
static bool same_structure(oxy_sv a, oxy_sv b)
{
    size_t i = 0, k = 0, last_a, last_b;

    a = oxy__sv_trim(unquoted(a));
    b = oxy__sv_trim(unquoted(b));
    if (a.len < 2 || b.len < 2)
        return false;
    last_a = a.len - 1;
    last_b = b.len - 1;
    while (i < a.len && k < b.len) {
        bool edge = (i == 0 && k == 0) || (i == last_a && k == last_b);

        if (a.p[i] == ' ' && a.p[i] != b.p[k]) {
            i++;
        } else if (b.p[k] == ' ' && a.p[i] != b.p[k]) {
            k++;
        } else if (a.p[i] == b.p[k] || (edge && strchr("[{", a.p[0]) && strchr("[{", b.p[0]) &&
                                        strchr("]}[{", a.p[i]) && strchr("]}[{", b.p[k]))) {
            i++;
            k++;
        } else {
            return false;
        }
    }
    return i == a.len && k == b.len;
}

/* Words outside of quotes compare without case. */
static bool same_expression(oxy_sv a, oxy_sv b)
{
    size_t i = 0;

    if (a.len != b.len)
        return false;
    while (i < a.len) {
        size_t run = quoted((oxy_sv){a.p + i, a.len - i});

        if (run != 0) {
            if (memcmp(a.p + i, b.p + i, run) != 0)
                return false;
            i += run;
        } else {
            if (!same_folded((oxy_sv){a.p + i, 1}, (oxy_sv){b.p + i, 1}))
                return false;
            i++;
        }
    }
    return true;
}

bool oxy_default_same(oxy_kind kind, oxy_sv a, oxy_sv b)
{
    oxy_sv x, y;

    a = strip(a);
    b = strip(b);
    if (oxy__sv_is(a, "NULL"))
        a.len = 0;
    if (oxy__sv_is(b, "NULL"))
        b.len = 0;
    if (a.len == 0 || b.len == 0)
        return a.len == b.len;
    if (same_expression(a, b) || (is_now(a) && is_now(b)))
        return true;
    switch (kind) {
    case OXY_K_BOOL: return oxy__default_bool(a) >= 0 && oxy__default_bool(a) == oxy__default_bool(b);
    case OXY_K_INT:
    case OXY_K_DOUBLE:
    case OXY_K_DECIMAL:
    case OXY_K_TIMEDELTA: return same_figure(a, b);
    case OXY_K_BLOB: return oxy__default_hex(a, &x) && oxy__default_hex(b, &y) && same_folded(x, y);
    case OXY_K_ARRAY: return same_structure(a, b);
    default: return false;
    }
}
