/* SPDX-License-Identifier: MIT */
/* types: what an expression results in (queries document, 7.2). */
#include "query.h"

bool oxy__is_text(oxy_kind kind)
{
    return kind == OXY_K_STRING || kind == OXY_K_TEXT;
}

bool oxy__is_number(oxy_kind kind)
{
    return kind == OXY_K_INT || kind == OXY_K_DOUBLE || kind == OXY_K_DECIMAL || kind == OXY_K_BOOL;
}

static oxy_kind number_kind(oxy_op op, oxy_kind a, oxy_kind b)
{
    if (a == OXY_K_DOUBLE || b == OXY_K_DOUBLE)
        return OXY_K_DOUBLE;
    if (a == OXY_K_DECIMAL || b == OXY_K_DECIMAL)
        return OXY_K_DECIMAL;
    return op == OXY_OP_DIV ? OXY_K_DOUBLE : OXY_K_INT;
}

/* A span of time may be scaled, added to another, and divided by another. */
static oxy_kind timedelta_kind(oxy_op op, oxy_kind a, oxy_kind b)
{
    if (a == b) {
        if (op == OXY_OP_DIV)
            return OXY_K_DOUBLE;
        return op == OXY_OP_FLOORDIV ? OXY_K_INT : OXY_K_TIMEDELTA;
    }
    return oxy__is_number(a) || oxy__is_number(b) ? OXY_K_TIMEDELTA : OXY_K_UNKNOWN;
}

oxy_type oxy__type_arithmetic(oxy_op op, const oxy_type *left, const oxy_type *right)
{
    oxy_kind a = left->kind, b = right->kind, kind = OXY_K_UNKNOWN;
    bool divides = op == OXY_OP_DIV || op == OXY_OP_FLOORDIV || op == OXY_OP_MOD;

    if (oxy__is_number(a) && oxy__is_number(b))
        kind = number_kind(op, a, b);
    else if (a == OXY_K_TIMEDELTA || b == OXY_K_TIMEDELTA)
        kind = timedelta_kind(op, a, b);
    /* A division by zero is NULL on some databases. */
    return oxy__type_of(kind, divides || left->nullable || right->nullable);
}

static bool same_detail(const oxy_type *a, const oxy_type *b)
{
    return a->size == b->size && a->has_scale == b->has_scale && a->scale == b->scale && a->elem == b->elem &&
           a->ndim == b->ndim && oxy_sv_eq(a->name, b->name) && oxy_sv_eq(a->name_schema, b->name_schema) &&
           oxy_sv_eq(a->db_type, b->db_type);
}

oxy_type oxy__type_common(const oxy_type *a, const oxy_type *b)
{
    oxy_type out = *a;

    if (a->kind == OXY_K_UNKNOWN)
        out = *b;
    else if (a->kind == b->kind && !same_detail(a, b) && a->kind != OXY_K_ARRAY && a->kind != OXY_K_ENUM)
        out = oxy__type_of(a->kind, false);
    else if (a->kind == b->kind || b->kind == OXY_K_UNKNOWN)
        out = *a;
    else if (oxy__is_number(a->kind) && oxy__is_number(b->kind))
        out = oxy__type_of(number_kind(OXY_OP_ADD, a->kind, b->kind), false);
    else if ((oxy__is_text(a->kind) || a->kind == OXY_K_ENUM) && (oxy__is_text(b->kind) || b->kind == OXY_K_ENUM))
        out = oxy__type_of(OXY_K_TEXT, false);
    else if (a->kind == OXY_K_DATE && (b->kind == OXY_K_DATETIME || b->kind == OXY_K_DATETIME_UTC))
        out = *b;
    out.nullable = a->nullable || b->nullable;
    return out;
}

static bool any_nullable(const oxy_list *args, uint32_t from)
{
    for (uint32_t i = from; i < args->n; i++)
        if (args->items[i]->type.nullable)
            return true;
    return false;
}

/* Naive beside naive columns: Now() takes the kind of what it stands with. */
static bool is_now(const oxy_expr *e)
{
    return e->kind == OXY_E_FUNC && e->func.fn == OXY_FN_NOW;
}

static oxy_type common_of(const oxy_list *args, bool null_if_all)
{
    oxy_type out = oxy__type_of(OXY_K_UNKNOWN, false);
    bool all = true, any = false;

    for (uint32_t i = 0; i < args->n; i++) {
        const oxy_expr *arg = args->items[i];

        all = all && arg->type.nullable;
        any = any || arg->type.nullable;
        if (arg->kind == OXY_E_NUL && arg->type.kind == OXY_K_UNKNOWN)
            continue;
        if (is_now(arg) && out.kind != OXY_K_UNKNOWN)
            continue;
        if (i != 0 && is_now(args->items[i - 1]) && arg->type.kind == OXY_K_DATETIME)
            out = arg->type;
        else
            out = oxy__type_common(&out, &arg->type);
    }
    out.nullable = null_if_all ? all : any;
    return out;
}

oxy_type oxy__type_func(oxy_fn fn, const oxy_list *args)
{
    bool nullable = any_nullable(args, 0);
    oxy_type first = args->n != 0 ? args->items[0]->type : oxy__type_of(OXY_K_UNKNOWN, true);

    switch (fn) {
    case OXY_FN_LOWER:
    case OXY_FN_UPPER:
    case OXY_FN_TRIM:
    case OXY_FN_LTRIM:
    case OXY_FN_RTRIM:
    case OXY_FN_LEFT:
    case OXY_FN_RIGHT:
    case OXY_FN_SUBSTR:
    case OXY_FN_REPLACE: return oxy__type_of(OXY_K_TEXT, nullable);
    case OXY_FN_LENGTH:
    case OXY_FN_STRINDEX: return oxy__type_of(OXY_K_INT, nullable);
    case OXY_FN_CONCAT:
        return oxy__type_of(OXY_K_TEXT, args->n != 0 && args->items[0]->kind != OXY_E_NUL && first.nullable);
    case OXY_FN_COALESCE:
    case OXY_FN_GREATEST:
    case OXY_FN_LEAST: return common_of(args, true);
    case OXY_FN_NULLIF: first.nullable = true; return first;
    case OXY_FN_ABS: first.nullable = nullable; return first;
    case OXY_FN_ROUND:
        if (first.kind == OXY_K_DECIMAL || first.kind == OXY_K_BOOL)
            first = oxy__type_of(first.kind == OXY_K_BOOL ? OXY_K_INT : OXY_K_DECIMAL, nullable);
        first.nullable = nullable;
        return first;
    case OXY_FN_CEIL:
    case OXY_FN_FLOOR: return oxy__type_of(OXY_K_INT, nullable);
    case OXY_FN_SQRT:
    case OXY_FN_POWER: return oxy__type_of(OXY_K_DOUBLE, true);
    case OXY_FN_RANDOM: return oxy__type_of(OXY_K_DOUBLE, false);
    case OXY_FN_NOW: return oxy__type_of(OXY_K_DATETIME_UTC, false);
    case OXY_FN_JSON_OBJECT: return oxy__type_of(OXY_K_JSON, false);
    case OXY_FN_ROW_NUMBER:
    case OXY_FN_RANK:
    case OXY_FN_DENSE_RANK:
    case OXY_FN_NTILE: return oxy__type_of(OXY_K_INT, false);
    case OXY_FN_PERCENT_RANK:
    case OXY_FN_CUME_DIST: return oxy__type_of(OXY_K_DOUBLE, false);
    case OXY_FN_LAG:
    case OXY_FN_LEAD:
    case OXY_FN_FIRST_VALUE:
    case OXY_FN_LAST_VALUE:
    case OXY_FN_NTH_VALUE: first.nullable = true; return first;
    case OXY_FN_COUNT: break;
    }
    return oxy__type_of(OXY_K_UNKNOWN, true);
}

static oxy_type sum_type(const oxy_type *arg)
{
    switch (arg->kind) {
    case OXY_K_BOOL:
    case OXY_K_INT: return oxy__type_of(OXY_K_INT, true);
    case OXY_K_DOUBLE:
    case OXY_K_DECIMAL:
    case OXY_K_TIMEDELTA:
    case OXY_K_INTERVAL: return oxy__type_of(arg->kind, true);
    default: return oxy__type_of(OXY_K_UNKNOWN, true);
    }
}

static oxy_type array_type(const oxy_type *item)
{
    oxy_type out = *item;

    out.kind = OXY_K_ARRAY;
    out.elem = item->kind == OXY_K_ARRAY ? item->elem : item->kind;
    out.ndim = (uint8_t)(item->kind == OXY_K_ARRAY ? item->ndim + 1 : 1);
    out.db_type = (oxy_sv){0};
    return out;
}

oxy_type oxy__type_agg(const oxy_expr *agg)
{
    oxy_type arg = agg->agg.arg->type, out = oxy__type_of(OXY_K_UNKNOWN, true);

    switch (agg->agg.fn) {
    case OXY_AGG_COUNT: return oxy__type_of(OXY_K_INT, false);
    case OXY_AGG_SUM: out = sum_type(&arg); break;
    case OXY_AGG_AVG:
        out.kind = arg.kind == OXY_K_DECIMAL || arg.kind == OXY_K_TIMEDELTA || arg.kind == OXY_K_INTERVAL
                       ? arg.kind
                       : OXY_K_DOUBLE;
        break;
    case OXY_AGG_MAX:
    case OXY_AGG_MIN: out = arg; break;
    case OXY_AGG_STDDEV:
    case OXY_AGG_VARIANCE: out.kind = OXY_K_DOUBLE; break;
    case OXY_AGG_STRING_AGG: out.kind = OXY_K_TEXT; break;
    case OXY_AGG_ARRAY_AGG: out = array_type(&arg); break;
    case OXY_AGG_BOOL_AND:
    case OXY_AGG_BOOL_OR: out.kind = OXY_K_BOOL; break;
    case OXY_AGG_COUNT_: break;
    }
    out.nullable = agg->agg.deflt == NULL || agg->agg.deflt->type.nullable;
    return out;
}
