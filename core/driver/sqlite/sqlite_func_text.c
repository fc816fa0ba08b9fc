/* SPDX-License-Identifier: MIT */
/* SQL functions on text: Unicode case, regular expressions. */
#include "sqlite.h"

#include <string.h>
#include <utf8proc.h>

/* A code point makes at most this many in a full case folding. */
#define FOLD_MAX 8

typedef enum { CASE_FOLD, CASE_LOWER, CASE_UPPER } case_op;

static char ascii_case(char ch, case_op op)
{
    if (op == CASE_UPPER)
        return ch >= 'a' && ch <= 'z' ? (char)(ch - 32) : ch;
    return ch >= 'A' && ch <= 'Z' ? (char)(ch + 32) : ch;
}

/* Writes what one code point becomes; returns how many bytes. */
static size_t put_changed(char *out, utf8proc_int32_t point, case_op op)
{
    utf8proc_int32_t points[FOLD_MAX];
    utf8proc_ssize_t n = 1;
    size_t len = 0;
    int boundary = 0;

    if (op == CASE_FOLD)
        n = utf8proc_decompose_char(point, points, FOLD_MAX, UTF8PROC_CASEFOLD, &boundary);
    else
        points[0] = op == CASE_LOWER ? utf8proc_tolower(point) : utf8proc_toupper(point);
    if (n < 1 || n > FOLD_MAX) {
        points[0] = point;
        n = 1;
    }
    for (utf8proc_ssize_t i = 0; i < n; i++)
        len += (size_t)utf8proc_encode_char(points[i], (utf8proc_uint8_t *)out + len);
    return len;
}

static void change_case(sqlite3_context *ctx, sqlite3_value *value, case_op op)
{
    const char *in = (const char *)sqlite3_value_text(value);
    size_t len = (size_t)sqlite3_value_bytes(value), i = 0, n = 0, cap = len + 1;
    char *out;

    if (!in)
        return; /* NULL in, NULL out */
    out = sqlite3_malloc64(cap);
    if (!out) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    while (i < len) {
        utf8proc_int32_t point;
        utf8proc_ssize_t used;

        if (cap - n < (len - i) + 4 * FOLD_MAX && (unsigned char)in[i] >= 0x80) {
            size_t more = cap + (len - i) + 4 * FOLD_MAX + cap / 2;
            char *bigger = sqlite3_realloc64(out, more);

            if (!bigger) {
                sqlite3_free(out);
                sqlite3_result_error_nomem(ctx);
                return;
            }
            out = bigger;
            cap = more;
        }
        if ((unsigned char)in[i] < 0x80) {
            out[n++] = ascii_case(in[i++], op);
            continue;
        }
        used = utf8proc_iterate((const utf8proc_uint8_t *)in + i, (utf8proc_ssize_t)(len - i), &point);
        if (used < 1) {
            out[n++] = in[i++]; /* not UTF-8: left alone */
            continue;
        }
        n += put_changed(out + n, point, op);
        i += (size_t)used;
    }
    sqlite3_result_text64(ctx, out, n, sqlite3_free, SQLITE_UTF8);
}

static void func_fold(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    (void)n;
    change_case(ctx, args[0], CASE_FOLD);
}

static void func_lower(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    (void)n;
    change_case(ctx, args[0], CASE_LOWER);
}

static void func_upper(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    (void)n;
    change_case(ctx, args[0], CASE_UPPER);
}

/* oxy_regexp(pattern, text, fold). The pattern is compiled, and kept, by
 * whoever gave the callback. */
static void func_regexp(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    oxy__sqlite *c = sqlite3_user_data(ctx);
    const char *pattern = (const char *)sqlite3_value_text(args[0]);
    const char *text = (const char *)sqlite3_value_text(args[1]);
    oxy_err err;
    int found;

    (void)n;
    if (!pattern || !text)
        return;
    if (!c->regexp) {
        oxy__func_fail(ctx, OXY_NOT_SUPPORTED, "regular expressions are not available on this connection");
        return;
    }
    oxy_err_clear(&err);
    found = c->regexp(c->regexp_ctx, (oxy_sv){pattern, (size_t)sqlite3_value_bytes(args[0])},
                      (oxy_sv){text, (size_t)sqlite3_value_bytes(args[1])}, sqlite3_value_int(args[2]) != 0, &err);
    if (found < 0)
        oxy__func_fail(ctx, err.rc == OXY_OK ? OXY_DATA : err.rc, err.message);
    else
        sqlite3_result_int(ctx, found);
}

/* --- LIKE -------------------------------------------------------------------------- */

/* Bytes of the character at p, at least 1. */
static size_t char_len(const char *p, const char *end)
{
    utf8proc_int32_t point;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)p, end - p, &point);

    return n < 1 ? 1 : (size_t)n;
}

/* Only the last % needs to be tried again: what stands before it matched as
 * early as it could. */
static bool like(const char *p, const char *p_end, const char *t, const char *t_end)
{
    const char *retry_p = NULL, *retry_t = NULL;

    while (t < t_end) {
        if (p < p_end && *p == '%') {
            retry_p = ++p;
            retry_t = t;
            continue;
        }
        if (p < p_end && *p == '_') {
            p++;
            t += char_len(t, t_end);
            continue;
        }
        if (p < p_end && *(*p == '\\' && p + 1 < p_end ? p + 1 : p) == *t) {
            p += *p == '\\' && p + 1 < p_end ? 2 : 1;
            t++;
            continue;
        }
        if (!retry_p)
            return false;
        p = retry_p;
        retry_t += char_len(retry_t, t_end);
        t = retry_t;
    }
    while (p < p_end && *p == '%')
        p++;
    return p == p_end;
}

/* oxy_like(pattern, text): with regard to case, which SQLite's own lacks. */
static void func_like(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    const char *pattern = (const char *)sqlite3_value_text(args[0]);
    const char *text = (const char *)sqlite3_value_text(args[1]);

    (void)n;
    if (pattern && text)
        sqlite3_result_int(
            ctx, like(pattern, pattern + sqlite3_value_bytes(args[0]), text, text + sqlite3_value_bytes(args[1])));
}

/* --- Base64 ------------------------------------------------------------------------- */

static int base64_digit(char ch)
{
    if (ch >= 'A' && ch <= 'Z')
        return ch - 'A';
    if (ch >= 'a' && ch <= 'z')
        return ch - 'a' + 26;
    if (ch >= '0' && ch <= '9')
        return ch - '0' + 52;
    if (ch == '+' || ch == '-')
        return 62;
    return ch == '/' || ch == '_' ? 63 : -1;
}

/* Standard and URL alphabet, with or without padding. */
static void func_unbase64(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    const char *text = (const char *)sqlite3_value_text(args[0]);
    size_t len = (size_t)sqlite3_value_bytes(args[0]), out_len = 0;
    uint32_t bits = 0;
    int n_bits = 0;
    unsigned char *out;

    (void)n;
    if (!text)
        return;
    while (len && text[len - 1] == '=')
        len--;
    out = sqlite3_malloc64(len + 1);
    if (!out) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        int digit = base64_digit(text[i]);

        if (digit < 0) {
            sqlite3_free(out);
            oxy__func_fail(ctx, OXY_DATA, "text is not Base64");
            return;
        }
        bits = bits << 6 | (uint32_t)digit;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out[out_len++] = (unsigned char)(bits >> n_bits);
        }
    }
    sqlite3_result_blob64(ctx, out, out_len, sqlite3_free);
}

/* Decimals by value, before everything that is none. */
static int collate_decimal(void *arg, int a_len, const void *a, int b_len, const void *b)
{
    oxy_sv x = {a, (size_t)a_len}, y = {b, (size_t)b_len};
    bool x_ok = oxy_decimal_parse(x.p, x.len), y_ok = oxy_decimal_parse(y.p, y.len);
    int order;

    (void)arg;
    if (x_ok && y_ok)
        return oxy_decimal_compare(x, y);
    if (x_ok != y_ok)
        return x_ok ? -1 : 1;
    order = memcmp(a, b, x.len < y.len ? x.len : y.len);
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

int oxy__func_register_text(oxy__sqlite *c)
{
    static const oxy__func functions[] = {
        {"oxy_fold", 1, func_fold, NULL, NULL},   {"oxy_lower", 1, func_lower, NULL, NULL},
        {"oxy_upper", 1, func_upper, NULL, NULL}, {"oxy_regexp", 3, func_regexp, NULL, NULL},
        {"oxy_like", 2, func_like, NULL, NULL},   {"oxy_unbase64", 1, func_unbase64, NULL, NULL},
    };
    int rc = oxy__func_add(c, functions, OXY_COUNT(functions));

    if (rc == SQLITE_OK)
        rc = sqlite3_create_collation_v2(c->db, "oxy_decimal", SQLITE_UTF8, c, collate_decimal, NULL);
    return rc;
}
