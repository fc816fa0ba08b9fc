/* SPDX-License-Identifier: MIT */
/* SQL functions on integers and reals: divisions as Python's, rounding half
 * away from zero, and what SQLite may have been built without. Text is taken
 * as a decimal. */
#include "sqlite.h"

#include <math.h>
#include <string.h>

static bool any_null(sqlite3_value **args, int n)
{
    for (int i = 0; i < n; i++)
        if (sqlite3_value_type(args[i]) == SQLITE_NULL)
            return true;
    return false;
}

static bool both_ints(sqlite3_value **args)
{
    return sqlite3_value_type(args[0]) == SQLITE_INTEGER && sqlite3_value_type(args[1]) == SQLITE_INTEGER;
}

static bool divisor_is_zero(sqlite3_context *ctx, sqlite3_value *value)
{
    if (sqlite3_value_double(value) != 0.0)
        return false;
    oxy__func_fail(ctx, OXY_DATA, "division by zero");
    return true;
}

static void give_real(sqlite3_context *ctx, double result, double a, double b)
{
    if ((isinf(result) && !isinf(a) && !isinf(b)) || (isnan(result) && !isnan(a) && !isnan(b)))
        oxy__func_fail(ctx, OXY_DATA, "value out of range");
    else
        sqlite3_result_double(ctx, result);
}

static void func_div(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    if (any_null(args, n) || divisor_is_zero(ctx, args[1]))
        return;
    double a = sqlite3_value_double(args[0]), b = sqlite3_value_double(args[1]);
    give_real(ctx, a / b, a, b);
}

static void func_floordiv(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    if (any_null(args, n) || divisor_is_zero(ctx, args[1]))
        return;
    if (both_ints(args)) {
        int64_t a = sqlite3_value_int64(args[0]), b = sqlite3_value_int64(args[1]);

        if (a == INT64_MIN && b == -1)
            oxy__func_fail(ctx, OXY_DATA, "integer out of range");
        else
            sqlite3_result_int64(ctx, a / b - (a % b != 0 && (a < 0) != (b < 0)));
    } else {
        double a = sqlite3_value_double(args[0]), b = sqlite3_value_double(args[1]);

        give_real(ctx, floor(a / b), a, b);
    }
}

static void func_mod(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    if (any_null(args, n) || divisor_is_zero(ctx, args[1]))
        return;
    if (both_ints(args)) {
        int64_t a = sqlite3_value_int64(args[0]), b = sqlite3_value_int64(args[1]);
        int64_t rest = b == -1 ? 0 : a % b;

        sqlite3_result_int64(ctx, rest && (rest < 0) != (b < 0) ? rest + b : rest);
    } else {
        double a = sqlite3_value_double(args[0]), b = sqlite3_value_double(args[1]), rest = fmod(a, b);

        give_real(ctx, rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest, a, b);
    }
}

static void round_int(sqlite3_context *ctx, int64_t number, int64_t places)
{
    int64_t unit = 1, rest;

    if (places >= 0) {
        sqlite3_result_int64(ctx, number);
        return;
    }
    if (places < -18) {
        /* One unit is above all integers but the outermost half. */
        bool up = places == -19 && (number >= 5000000000000000000 || number <= -5000000000000000000);

        if (up)
            oxy__func_fail(ctx, OXY_DATA, "integer out of range");
        else
            sqlite3_result_int64(ctx, 0);
        return;
    }
    while (places++ < 0)
        unit *= 10;
    rest = number % unit;
    number -= rest;
    if (rest >= unit / 2 || rest <= -(unit / 2))
        if (__builtin_add_overflow(number, rest < 0 ? -unit : unit, &number)) {
            oxy__func_fail(ctx, OXY_DATA, "integer out of range");
            return;
        }
    sqlite3_result_int64(ctx, number);
}

/* Through the shortest decimal text, so that 2.675 is what it says. */
static void round_real(sqlite3_context *ctx, sqlite3_value *value, int64_t places)
{
    double number = sqlite3_value_double(value);
    double rounded = number;

    if (isfinite(number) && oxy__func_round_double(ctx, number, places, &rounded) == OXY_NOMEM)
        sqlite3_result_error_nomem(ctx);
    else
        sqlite3_result_double(ctx, rounded);
}

static void func_round(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    if (any_null(args, n))
        return;
    switch (sqlite3_value_type(args[0])) {
    case SQLITE_INTEGER: round_int(ctx, sqlite3_value_int64(args[0]), sqlite3_value_int64(args[1])); break;
    case SQLITE_FLOAT: round_real(ctx, args[0], sqlite3_value_int64(args[1])); break;
    default: oxy__func_decimal_round(ctx, n, args); break;
    }
}

static void whole(sqlite3_context *ctx, int n, sqlite3_value **args, bool up)
{
    if (any_null(args, n))
        return;
    if (sqlite3_value_type(args[0]) == SQLITE_INTEGER)
        sqlite3_result_value(ctx, args[0]);
    else
        oxy__func_decimal_whole(ctx, args[0], up);
}

static void func_ceil(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    whole(ctx, n, args, true);
}

static void func_floor(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    whole(ctx, n, args, false);
}

static void func_sqrt(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    if (any_null(args, n))
        return;
    double a = sqlite3_value_double(args[0]);
    if (a < 0)
        oxy__func_fail(ctx, OXY_DATA, "cannot take square root of a negative number");
    else
        sqlite3_result_double(ctx, sqrt(a));
}

static void func_power(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    if (any_null(args, n))
        return;
    double a = sqlite3_value_double(args[0]), b = sqlite3_value_double(args[1]);
    give_real(ctx, pow(a, b), a, b);
}

int oxy__func_register_number(oxy__sqlite *c)
{
    static const oxy__func functions[] = {
        {"oxy_div", 2, func_div, NULL, NULL},   {"oxy_floordiv", 2, func_floordiv, NULL, NULL},
        {"oxy_mod", 2, func_mod, NULL, NULL},   {"oxy_round", 2, func_round, NULL, NULL},
        {"oxy_ceil", 1, func_ceil, NULL, NULL}, {"oxy_floor", 1, func_floor, NULL, NULL},
        {"oxy_sqrt", 1, func_sqrt, NULL, NULL}, {"oxy_power", 2, func_power, NULL, NULL},
    };

    return oxy__func_add(c, functions, OXY_COUNT(functions));
}
