/* SPDX-License-Identifier: MIT */
/* SQL functions on exact decimals: oxy_dec_*. */
#include "decimal.h"
#include "sqlite.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_LIMIT ((size_t)64 << 10)

/* False, with the function failed, for what is no decimal. */
static bool read_value(sqlite3_context *ctx, sqlite3_value *value, oxy__dec *out)
{
    oxy_rc rc;

    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER: rc = oxy__dec_from_int(out, sqlite3_value_int64(value)); break;
    case SQLITE_FLOAT: rc = oxy__dec_from_double(out, sqlite3_value_double(value)); break;
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite3_value_text(value);

        rc = text ? oxy__dec_read(out, (oxy_sv){text, (size_t)sqlite3_value_bytes(value)}) : OXY_NOMEM;
        break;
    }
    default: rc = OXY_DATA; break;
    }
    if (rc != OXY_OK)
        oxy__func_fail(ctx, rc, "value is no decimal number, or has too many digits");
    return rc == OXY_OK;
}

static void give(sqlite3_context *ctx, oxy_rc rc, const oxy__dec *d)
{
    oxy__sqlite *c = sqlite3_user_data(ctx);
    oxy_buf text;

    if (rc != OXY_OK) {
        oxy__func_fail(ctx, rc, "decimal result has too many digits");
        return;
    }
    oxy_buf_init(&text, c->base.alloc, TEXT_LIMIT);
    oxy__dec_write(d, &text);
    if (text.rc == OXY_OK)
        sqlite3_result_text64(ctx, text.p, text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        oxy__func_fail(ctx, text.rc, "decimal result has too many digits");
    oxy_buf_fini(&text);
}

/* --- two arguments ------------------------------------------------------------------ */

typedef oxy_rc (*binary_fn)(oxy__dec *out, const oxy__dec *a, const oxy__dec *b);

static oxy_rc floor_quotient(oxy__dec *out, const oxy__dec *a, const oxy__dec *b)
{
    return oxy__dec_floordiv(out, NULL, a, b);
}

static oxy_rc floor_rest(oxy__dec *out, const oxy__dec *a, const oxy__dec *b)
{
    return oxy__dec_floordiv(NULL, out, a, b);
}

static void binary(sqlite3_context *ctx, sqlite3_value **args, binary_fn fn, bool divides)
{
    oxy__sqlite *c = sqlite3_user_data(ctx);
    oxy__dec a, b, out;

    if (sqlite3_value_type(args[0]) == SQLITE_NULL || sqlite3_value_type(args[1]) == SQLITE_NULL)
        return;
    oxy__dec_init(&a, c->base.alloc);
    oxy__dec_init(&b, c->base.alloc);
    oxy__dec_init(&out, c->base.alloc);
    if (read_value(ctx, args[0], &a) && read_value(ctx, args[1], &b)) {
        if (divides && oxy__dec_is_zero(&b))
            oxy__func_fail(ctx, OXY_DATA, "division by zero");
        else
            give(ctx, fn(&out, &a, &b), &out);
    }
    oxy__dec_fini(&a);
    oxy__dec_fini(&b);
    oxy__dec_fini(&out);
}

static void func_add(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    (void)n;
    binary(ctx, args, oxy__dec_add, false);
}

static void func_sub(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    (void)n;
    binary(ctx, args, oxy__dec_sub, false);
}

static void func_mul(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    (void)n;
    binary(ctx, args, oxy__dec_mul, false);
}

static void func_div(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    (void)n;
    binary(ctx, args, oxy__dec_div, true);
}

static void func_floordiv(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    (void)n;
    binary(ctx, args, floor_quotient, true);
}

static void func_mod(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    (void)n;
    binary(ctx, args, floor_rest, true);
}

/* --- one argument ---------------------------------------------------------------------- */

static void sign(sqlite3_context *ctx, sqlite3_value *value, bool flip)
{
    oxy__sqlite *c = sqlite3_user_data(ctx);
    oxy__dec d;

    if (sqlite3_value_type(value) == SQLITE_NULL)
        return;
    oxy__dec_init(&d, c->base.alloc);
    if (read_value(ctx, value, &d)) {
        d.negative = flip && !d.negative && !oxy__dec_is_zero(&d) && d.class != OXY__DEC_NAN;
        give(ctx, OXY_OK, &d);
    }
    oxy__dec_fini(&d);
}

static void func_neg(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    (void)n;
    sign(ctx, args[0], true);
}

static void func_abs(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    (void)n;
    sign(ctx, args[0], false);
}

void oxy__func_decimal_round(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    oxy__sqlite *c = sqlite3_user_data(ctx);
    oxy__dec d;

    (void)n;
    if (sqlite3_value_type(args[0]) == SQLITE_NULL || sqlite3_value_type(args[1]) == SQLITE_NULL)
        return;
    oxy__dec_init(&d, c->base.alloc);
    if (read_value(ctx, args[0], &d))
        give(ctx, oxy__dec_round(&d, &d, sqlite3_value_int64(args[1])), &d);
    oxy__dec_fini(&d);
}

oxy_rc oxy__func_round_double(sqlite3_context *ctx, double number, int64_t places, double *out)
{
    oxy__sqlite *c = sqlite3_user_data(ctx);
    oxy_buf text;
    oxy__dec d;
    oxy_rc rc;

    if (places > 400)
        return OXY_DATA; /* more places than any double has */
    oxy__dec_init(&d, c->base.alloc);
    oxy_buf_init(&text, c->base.alloc, TEXT_LIMIT);
    rc = oxy__dec_from_double(&d, number);
    if (rc == OXY_OK)
        rc = oxy__dec_round(&d, &d, places);
    if (rc == OXY_OK) {
        oxy__dec_write(&d, &text);
        rc = text.rc;
    }
    if (rc == OXY_OK) {
        char *end;

        *out = strtod(text.p, &end);
        if (*end == '.') { /* the program's locale writes a comma */
            *end = ',';
            *out = strtod(text.p, &end);
        }
        rc = *end ? OXY_DATA : OXY_OK;
    }
    oxy_buf_fini(&text);
    oxy__dec_fini(&d);
    return rc;
}

void oxy__func_decimal_whole(sqlite3_context *ctx, sqlite3_value *value, bool up)
{
    oxy__sqlite *c = sqlite3_user_data(ctx);
    oxy__dec d;
    int64_t number;

    oxy__dec_init(&d, c->base.alloc);
    if (read_value(ctx, value, &d)) {
        oxy_rc rc = oxy__dec_whole(&d, &d, up);

        if (rc == OXY_OK && oxy__dec_to_int(&d, &number))
            sqlite3_result_int64(ctx, number);
        else
            oxy__func_fail(ctx, rc == OXY_NOMEM ? rc : OXY_DATA, "integer out of range");
    }
    oxy__dec_fini(&d);
}

/* --- aggregates -------------------------------------------------------------------------- */

/* SQLite moves nothing once the context is made, so the numbers may live in it. */
typedef struct total {
    bool begun, failed;
    oxy__dec sum, next;
    int64_t n;
} total;

static void total_step(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    oxy__sqlite *c = sqlite3_user_data(ctx);
    total *t;
    oxy_rc rc;

    (void)n;
    if (sqlite3_value_type(args[0]) == SQLITE_NULL)
        return;
    t = sqlite3_aggregate_context(ctx, sizeof *t);
    if (!t) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    if (!t->begun) {
        oxy__dec_init(&t->sum, c->base.alloc);
        oxy__dec_init(&t->next, c->base.alloc);
        t->begun = true;
    }
    if (t->failed)
        return;
    t->failed = !read_value(ctx, args[0], &t->next);
    if (t->failed)
        return;
    rc = oxy__dec_add(&t->sum, &t->sum, &t->next);
    if (rc != OXY_OK) {
        t->failed = true;
        oxy__func_fail(ctx, rc, "decimal result has too many digits");
    }
    t->n++;
}

static void total_end(total *t)
{
    oxy__dec_fini(&t->sum);
    oxy__dec_fini(&t->next);
}

static void sum_final(sqlite3_context *ctx)
{
    total *t = sqlite3_aggregate_context(ctx, 0);

    if (!t || !t->begun)
        return; /* NULL over no rows */
    if (!t->failed)
        give(ctx, OXY_OK, &t->sum);
    total_end(t);
}

static void avg_final(sqlite3_context *ctx)
{
    total *t = sqlite3_aggregate_context(ctx, 0);
    oxy_rc rc;

    if (!t || !t->begun)
        return;
    if (!t->failed) {
        rc = oxy__dec_from_int(&t->next, t->n);
        if (rc == OXY_OK)
            rc = oxy__dec_div(&t->sum, &t->sum, &t->next);
        give(ctx, rc, &t->sum);
    }
    total_end(t);
}

int oxy__func_register_decimal(oxy__sqlite *c)
{
    static const oxy__func functions[] = {
        {"oxy_dec_add", 2, func_add, NULL, NULL},
        {"oxy_dec_sub", 2, func_sub, NULL, NULL},
        {"oxy_dec_mul", 2, func_mul, NULL, NULL},
        {"oxy_dec_div", 2, func_div, NULL, NULL},
        {"oxy_dec_floordiv", 2, func_floordiv, NULL, NULL},
        {"oxy_dec_mod", 2, func_mod, NULL, NULL},
        {"oxy_dec_neg", 1, func_neg, NULL, NULL},
        {"oxy_dec_abs", 1, func_abs, NULL, NULL},
        {"oxy_dec_round", 2, oxy__func_decimal_round, NULL, NULL},
        {"oxy_dec_sum", 1, NULL, total_step, sum_final},
        {"oxy_dec_avg", 1, NULL, total_step, avg_final},
    };

    return oxy__func_add(c, functions, OXY_COUNT(functions));
}
