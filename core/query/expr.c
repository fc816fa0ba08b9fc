/* SPDX-License-Identifier: MIT */
/* expr: the leaves, operators and conditions of a query tree. Constants fold
 * here, so that the compiler meets a TRUE or FALSE only where it stands alone. */
#include "query.h"

#include <string.h>

/* --- leaves -------------------------------------------------------------------- */

const oxy_expr *oxy_col(oxy_builder *b, const oxy_source *source, const oxy_column *column)
{
    oxy_expr *e;

    if (b->err.rc != OXY_OK)
        return NULL;
    if (source == NULL || column == NULL)
        return oxy__build_fail(b, OXY_INTERNAL, "a column without its source");
    e = oxy__node_new(b, OXY_E_COLUMN, 0);
    if (e == NULL)
        return NULL;
    e->type = column->type;
    e->type.nullable = source->optional || !(column->not_null || column->primary_key);
    e->column.source = source;
    e->column.column = column;
    return e;
}

const oxy_expr *oxy_named(oxy_builder *b, const oxy_source *source, oxy_sv name, const oxy_type *type)
{
    oxy_expr *e;

    if (b->err.rc != OXY_OK)
        return NULL;
    if (source == NULL || name.len == 0)
        return oxy__build_fail(b, OXY_INTERNAL, "a column without its source");
    e = oxy__node_new(b, OXY_E_NAMED, 0);
    if (e == NULL)
        return NULL;
    e->type = type != NULL ? *type : oxy__type_of(OXY_K_UNKNOWN, true);
    e->type.nullable = e->type.nullable || source->optional;
    e->named.source = source;
    e->named.name = oxy__text_copy(b, name);
    return b->err.rc == OXY_OK ? e : NULL;
}

const oxy_expr *oxy_nul(oxy_builder *b, const oxy_type *type)
{
    oxy_expr *e = oxy__node_new(b, OXY_E_NUL, 0);

    if (e == NULL)
        return NULL;
    if (type != NULL)
        e->type = *type;
    e->type.nullable = true;
    return e;
}

const oxy_expr *oxy_bool(oxy_builder *b, bool value)
{
    oxy_expr *e = oxy__node_new(b, OXY_E_BOOL, 0);

    if (e == NULL)
        return NULL;
    e->type.kind = OXY_K_BOOL;
    e->boolean = value;
    return e;
}

const oxy_expr *oxy_star(oxy_builder *b)
{
    return oxy__node_new(b, OXY_E_STAR, 0);
}

const oxy_expr *oxy_alias(oxy_builder *b, oxy_sv alias, const oxy_type *type)
{
    oxy_expr *e = oxy__node_new(b, OXY_E_ALIAS, 0);

    if (e == NULL)
        return NULL;
    e->type = type != NULL ? *type : oxy__type_of(OXY_K_UNKNOWN, true);
    e->alias = oxy__text_copy(b, alias);
    return b->err.rc == OXY_OK ? e : NULL;
}

const oxy_expr *oxy_excluded(oxy_builder *b, const oxy_column *column)
{
    oxy_expr *e = oxy__node_new(b, OXY_E_EXCLUDED, 0);

    if (e == NULL)
        return NULL;
    e->type = column->type;
    e->type.nullable = !(column->not_null || column->primary_key);
    e->column.source = NULL;
    e->column.column = column;
    return e;
}

const oxy_expr *oxy_default(oxy_builder *b)
{
    return oxy__node_new(b, OXY_E_DEFAULT, 0);
}

/* --- operators ------------------------------------------------------------------- */

/* Whether all given expressions exist; without an earlier failure, a missing
 * one is the caller's mistake. */
static bool given(oxy_builder *b, const oxy_expr *x, const oxy_expr *y)
{
    if (b->err.rc == OXY_OK && (x == NULL || y == NULL))
        (void)oxy__build_fail(b, OXY_INTERNAL, "an operand is missing");
    return b->err.rc == OXY_OK;
}

static uint32_t deeper(const oxy_expr *x, const oxy_expr *y)
{
    uint32_t a = oxy__depth(x), c = oxy__depth(y);

    return a > c ? a : c;
}

const oxy_expr *oxy_unary(oxy_builder *b, oxy_unop op, const oxy_expr *arg)
{
    oxy_expr *e;

    if (!given(b, arg, arg))
        return NULL;
    e = oxy__node_new(b, OXY_E_UNARY, oxy__depth(arg));
    if (e == NULL)
        return NULL;
    if (op == OXY_UN_NEG) {
        bool nullable = arg->type.nullable;

        e->type = arg->type.kind == OXY_K_BOOL ? oxy__type_of(OXY_K_INT, nullable) : arg->type;
    } else {
        e->type.kind = OXY_K_BOOL;
    }
    e->unary.op = op;
    e->unary.arg = arg;
    return e;
}

/* Now() beside a naive column is naive. */
static const oxy_expr *now_beside(oxy_builder *b, const oxy_expr *e, const oxy_expr *other)
{
    oxy_expr *naive;

    if (e->kind != OXY_E_FUNC || e->func.fn != OXY_FN_NOW || other->type.kind != OXY_K_DATETIME ||
        e->type.kind == OXY_K_DATETIME)
        return e;
    naive = oxy__node_new(b, OXY_E_FUNC, 0);
    if (naive == NULL)
        return e;
    naive->type = oxy__type_of(OXY_K_DATETIME, false);
    naive->func = e->func;
    return naive;
}

const oxy_expr *oxy_binary(oxy_builder *b, oxy_op op, const oxy_expr *left, const oxy_expr *right)
{
    bool nullable;
    oxy_expr *e;

    if (!given(b, left, right))
        return NULL;
    left = now_beside(b, left, right);
    right = now_beside(b, right, left);
    e = oxy__node_new(b, OXY_E_BINARY, deeper(left, right));
    if (e == NULL)
        return NULL;
    nullable = left->type.nullable || right->type.nullable;
    if (op == OXY_OP_ADD && oxy__is_text(left->type.kind) && oxy__is_text(right->type.kind))
        op = OXY_OP_CONCAT;
    if (op <= OXY_OP_GE)
        e->type = oxy__type_of(OXY_K_BOOL, nullable);
    else if (op == OXY_OP_CONCAT)
        e->type = oxy__type_of(OXY_K_TEXT, nullable);
    else
        e->type = oxy__type_arithmetic(op, &left->type, &right->type);
    e->binary.op = op;
    e->binary.left = left;
    e->binary.right = right;
    return e;
}

/* --- AND, OR, NOT ------------------------------------------------------------------- */

/* What folding leaves of a list: how many items once nested lists of the same
 * kind are spread, and whether one item decides the whole. */
struct fold {
    uint32_t n, depth;
    bool decided, nullable;
};

static bool same_logic(const oxy_expr *e, bool is_or)
{
    return e->kind == OXY_E_LOGIC && e->logic.is_or == is_or;
}

static bool logic_measure(oxy_builder *b, bool is_or, const oxy_expr *const *items, uint32_t n, struct fold *f)
{
    *f = (struct fold){0};
    for (uint32_t i = 0; i < n; i++) {
        const oxy_expr *e = items[i];

        if (!given(b, e, e))
            return false;
        if (e->kind == OXY_E_BOOL) {
            f->decided = f->decided || e->boolean == is_or;
            continue;
        }
        f->n += same_logic(e, is_or) ? e->logic.list.n : 1;
        f->nullable = f->nullable || e->type.nullable;
        if (oxy__depth(e) > f->depth)
            f->depth = oxy__depth(e);
    }
    return true;
}

const oxy_expr *oxy_logic(oxy_builder *b, bool is_or, const oxy_expr *const *items, uint32_t n)
{
    const oxy_expr **list;
    uint32_t at = 0;
    struct fold f;
    oxy_expr *e;

    if (b->err.rc != OXY_OK || !logic_measure(b, is_or, items, n, &f))
        return NULL;
    if (f.decided || f.n == 0)
        return oxy_bool(b, f.decided ? is_or : !is_or);
    list = oxy_arena_new(&b->arena, f.n * sizeof(const oxy_expr *));
    if (list == NULL)
        return oxy__build_fail(b, OXY_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        if (items[i]->kind == OXY_E_BOOL)
            continue;
        if (same_logic(items[i], is_or)) {
            memcpy(list + at, items[i]->logic.list.items, items[i]->logic.list.n * sizeof(const oxy_expr *));
            at += items[i]->logic.list.n;
        } else {
            list[at++] = items[i];
        }
    }
    if (f.n == 1)
        return list[0];
    e = oxy__node_new(b, OXY_E_LOGIC, f.depth);
    if (e == NULL)
        return NULL;
    e->type = oxy__type_of(OXY_K_BOOL, f.nullable);
    e->logic.is_or = is_or;
    e->logic.list = (oxy_list){list, f.n};
    return e;
}

const oxy_expr *oxy_not(oxy_builder *b, const oxy_expr *arg)
{
    oxy_expr *e;

    if (!given(b, arg, arg))
        return NULL;
    if (arg->kind == OXY_E_BOOL)
        return oxy_bool(b, !arg->boolean);
    e = oxy__node_new(b, OXY_E_NOT, oxy__depth(arg));
    if (e == NULL)
        return NULL;
    e->type = oxy__type_of(OXY_K_BOOL, false);
    e->unary.op = OXY_UN_NEG;
    e->unary.arg = arg;
    return e;
}

bool oxy_expr_nullable(const oxy_expr *e)
{
    return e->type.nullable;
}

/* --- BETWEEN, IN --------------------------------------------------------------------- */

const oxy_expr *oxy_between(oxy_builder *b, const oxy_expr *arg, const oxy_expr *low, const oxy_expr *high)
{
    oxy_expr *e;
    uint32_t depth;

    if (!given(b, arg, low) || !given(b, high, high))
        return NULL;
    low = now_beside(b, low, arg);
    high = now_beside(b, high, arg);
    arg = now_beside(b, arg, low);
    depth = deeper(arg, low);
    e = oxy__node_new(b, OXY_E_BETWEEN, depth > oxy__depth(high) ? depth : oxy__depth(high));
    if (e == NULL)
        return NULL;
    e->type = oxy__type_of(OXY_K_BOOL, arg->type.nullable || low->type.nullable || high->type.nullable);
    e->between.arg = arg;
    e->between.low = low;
    e->between.high = high;
    return e;
}

static oxy_expr *in_new(oxy_builder *b, const oxy_expr *arg, bool negated, uint32_t depth)
{
    oxy_expr *e = oxy__node_new(b, OXY_E_IN, depth);

    if (e == NULL)
        return NULL;
    e->type = oxy__type_of(OXY_K_BOOL, arg->type.nullable);
    e->in.arg = arg;
    e->in.negated = negated;
    e->in.params = NULL;
    e->in.list = (oxy_list){0};
    e->in.select = NULL;
    return e;
}

/* Numbers are compared as they are: a fraction beside an integer column makes
 * the whole list a list of fractions. */
static oxy_type values_type(const oxy_type *of, const oxy_value *values, uint32_t n)
{
    bool fraction = false, decimal = false;
    oxy_type same = *of;

    if (of->kind == OXY_K_DECIMAL) /* compared, not stored: the column's digits do not bound it */
        return oxy__type_of(OXY_K_DECIMAL, false);
    same.compared = true;
    if (of->kind != OXY_K_INT)
        return same;
    for (uint32_t i = 0; i < n; i++) {
        fraction = fraction || values[i].tag == OXY_V_DOUBLE;
        decimal = decimal || values[i].tag == OXY_V_DECIMAL;
    }
    if (decimal)
        return oxy__type_of(OXY_K_DECIMAL, false);
    return fraction ? oxy__type_of(OXY_K_DOUBLE, false) : same;
}

const oxy_expr *oxy_in_values(oxy_builder *b, const oxy_expr *arg, bool negated, const oxy_value *values, uint32_t n)
{
    const oxy_value *kept = values;
    uint32_t n_kept = 0;
    oxy_type type;
    oxy_expr *e;

    if (!given(b, arg, arg))
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        n_kept += values[i].tag != OXY_V_NULL;
    if (n_kept == 0)
        return oxy_bool(b, negated);
    if (n_kept != n) {
        oxy_value *copy = oxy_arena_new(&b->arena, n_kept * sizeof *copy);
        uint32_t at = 0;

        if (copy == NULL)
            return oxy__build_fail(b, OXY_NOMEM, "out of memory");
        for (uint32_t i = 0; i < n; i++)
            if (values[i].tag != OXY_V_NULL)
                copy[at++] = values[i];
        kept = copy;
    }
    e = in_new(b, arg, negated, oxy__depth(arg));
    if (e == NULL)
        return NULL;
    type = values_type(&arg->type, kept, n_kept);
    e->in.params = oxy_params(b, kept, n_kept, &type);
    return e->in.params != NULL ? e : NULL;
}

const oxy_expr *oxy_in_list(oxy_builder *b, const oxy_expr *arg, bool negated, const oxy_expr *const *items, uint32_t n)
{
    uint32_t depth;
    oxy_list list;
    oxy_expr *e;

    if (!given(b, arg, arg))
        return NULL;
    if (n == 0)
        return oxy_bool(b, negated);
    depth = oxy__depth(arg);
    if (!oxy__list_copy(b, items, n, &list, &depth))
        return NULL;
    e = in_new(b, arg, negated, depth);
    if (e == NULL)
        return NULL;
    e->in.list = list;
    for (uint32_t i = 0; i < n; i++)
        e->type.nullable = e->type.nullable || items[i]->type.nullable;
    return e;
}

const oxy_expr *oxy_in_select(oxy_builder *b, const oxy_expr *arg, bool negated, const oxy_select *select)
{
    uint32_t depth;
    oxy_expr *e;

    if (!given(b, arg, arg))
        return NULL;
    depth = oxy__select_depth(select);
    e = in_new(b, arg, negated, depth > oxy__depth(arg) ? depth : oxy__depth(arg));
    if (e == NULL)
        return NULL;
    e->in.select = select;
    for (uint32_t i = 0; i < select->n_items; i++)
        e->type.nullable = e->type.nullable || select->items[i].expr->type.nullable;
    return e;
}

/* --- text matching ------------------------------------------------------------------- */

/* Whether a bound text has characters that LIKE takes as wildcards. */
static bool needs_escape(const oxy_builder *b, oxy_match_op op, const oxy_expr *pattern)
{
    const oxy_value *v;

    if (op > OXY_MATCH_ENDSWITH || pattern->kind != OXY_E_PARAM)
        return false;
    v = &b->params[pattern->param.index];
    if (v->tag != OXY_V_TEXT || v->s.len == 0)
        return false;
    return memchr(v->s.p, '\\', v->s.len) != NULL || memchr(v->s.p, '%', v->s.len) != NULL ||
           memchr(v->s.p, '_', v->s.len) != NULL;
}

const oxy_expr *oxy_match(oxy_builder *b, oxy_match_op op, bool fold, const oxy_expr *arg, const oxy_expr *pattern)
{
    oxy_expr *e;

    if (!given(b, arg, pattern))
        return NULL;
    if (op == OXY_MATCH_EXACT && !fold)
        return oxy_binary(b, OXY_OP_EQ, arg, pattern);
    e = oxy__node_new(b, OXY_E_MATCH, deeper(arg, pattern));
    if (e == NULL)
        return NULL;
    e->type = oxy__type_of(OXY_K_BOOL, arg->type.nullable || pattern->type.nullable);
    e->match.op = op;
    e->match.fold = fold;
    e->match.escape = needs_escape(b, op, pattern);
    e->match.arg = arg;
    e->match.pattern = pattern;
    return e;
}
