/* SPDX-License-Identifier: MIT */
/* operators: comparison, arithmetic, BETWEEN and IN. */
#include "emit.h"

static const struct op_info {
    const char *text;
    uint8_t prec;
} ops[] = {
    [OXY_OP_EQ] = {" = ", OXY__P_COMPARE},     [OXY_OP_NE] = {" <> ", OXY__P_COMPARE},
    [OXY_OP_LT] = {" < ", OXY__P_COMPARE},     [OXY_OP_LE] = {" <= ", OXY__P_COMPARE},
    [OXY_OP_GT] = {" > ", OXY__P_COMPARE},     [OXY_OP_GE] = {" >= ", OXY__P_COMPARE},
    [OXY_OP_ADD] = {" + ", OXY__P_ADD},        [OXY_OP_SUB] = {" - ", OXY__P_ADD},
    [OXY_OP_MUL] = {" * ", OXY__P_MUL},        [OXY_OP_DIV] = {" / ", OXY__P_MUL},
    [OXY_OP_FLOORDIV] = {" / ", OXY__P_MUL},   [OXY_OP_MOD] = {" % ", OXY__P_MUL},
    [OXY_OP_CONCAT] = {" || ", OXY__P_CONCAT},
};
static_assert(OXY_COUNT(ops) == OXY_OP_COUNT, "one row per operator");

bool oxy__is_document(const oxy_type *t)
{
    return t->kind == OXY_K_JSON || t->kind == OXY_K_JSONB || t->kind == OXY_K_ARRAY;
}

/* --- comparison --------------------------------------------------------------- */

/* Where decimals are text (SQLite), a number beside one is compared as text
 * by value too, and both as doubles beside a double. */
static oxy_kind compared_as(const oxy__emit *e, const oxy_expr *x, const oxy_expr *y)
{
    oxy_kind a = x->type.kind, b = y->type.kind;

    if (e->d->decimal_collation == NULL || (a != OXY_K_DECIMAL && b != OXY_K_DECIMAL))
        return OXY_K_UNKNOWN;
    if (a == OXY_K_DOUBLE || b == OXY_K_DOUBLE)
        return OXY_K_DOUBLE;
    return OXY_K_DECIMAL;
}

static void put_operand(oxy__emit *e, const oxy_expr *x, oxy_kind as, bool collate, int min)
{
    oxy_kind kind = x->type.kind;
    bool other = kind != as && (kind == OXY_K_INT || kind == OXY_K_BOOL || kind == OXY_K_DECIMAL);

    if (as == OXY_K_UNKNOWN) {
        oxy__put_expr(e, x, min);
        return;
    }
    if (as == OXY_K_DECIMAL && collate)
        min = OXY__P_PRIMARY;
    if (other)
        oxy__put_cast(e, x, as == OXY_K_DECIMAL ? OXY_K_TEXT : OXY_K_DOUBLE, min);
    else
        oxy__put_expr(e, x, min);
    if (as == OXY_K_DECIMAL && collate)
        OXY__PUTS(e, e->d->decimal_collation);
}

static void put_comparison(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_expr *left = x->binary.left, *right = x->binary.right;
    oxy_kind as = compared_as(e, left, right);
    bool equality = x->binary.op == OXY_OP_EQ || x->binary.op == OXY_OP_NE;
    bool open;

    if (equality && (oxy__is_document(&left->type) || oxy__is_document(&right->type))) {
        e->d->equal(e, left, right, x->binary.op == OXY_OP_NE, min);
        return;
    }
    open = oxy__paren_open(e, OXY__P_COMPARE, min);
    put_operand(e, left, as, true, OXY__P_COMPARE + 1);
    OXY__PUTS(e, ops[x->binary.op].text);
    put_operand(e, right, as, false, OXY__P_COMPARE + 1);
    oxy__paren_close(e, open);
}

void oxy__put_between(oxy__emit *e, const oxy_expr *x, int min)
{
    oxy_kind low = compared_as(e, x->between.arg, x->between.low);
    oxy_kind high = compared_as(e, x->between.arg, x->between.high);
    oxy_kind as = low == OXY_K_DOUBLE || high == OXY_K_UNKNOWN ? low : high;
    bool open = oxy__paren_open(e, OXY__P_COMPARE, min);

    put_operand(e, x->between.arg, as, true, OXY__P_COMPARE + 1);
    OXY__PUT(e, " BETWEEN ");
    put_operand(e, x->between.low, as, false, OXY__P_COMPARE + 1);
    OXY__PUT(e, " AND ");
    put_operand(e, x->between.high, as, false, OXY__P_COMPARE + 1);
    oxy__paren_close(e, open);
}

/* --- arithmetic ------------------------------------------------------------------ */

static bool is_moment(oxy_kind kind)
{
    return kind == OXY_K_DATETIME || kind == OXY_K_DATETIME_UTC || kind == OXY_K_DATE || kind == OXY_K_TIME;
}

static oxy__number number_of(oxy_kind kind)
{
    if (kind == OXY_K_DECIMAL)
        return OXY__N_DECIMAL;
    return kind == OXY_K_INT || kind == OXY_K_TIMEDELTA ? OXY__N_INT : OXY__N_DOUBLE;
}

static void put_infix(oxy__emit *e, const oxy_expr *x, const oxy_expr *const args[2], int min)
{
    const struct op_info *op = &ops[x->binary.op];
    bool open = oxy__paren_open(e, op->prec, min);

    oxy__put_expr(e, args[0], op->prec);
    OXY__PUTS(e, op->text);
    oxy__put_expr(e, args[1], op->prec + 1);
    oxy__paren_close(e, open);
}

/* SQLite binds || tighter than arithmetic, PostgreSQL looser: operands that are
 * not concatenations themselves stand in parentheses. */
static void put_concat(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy__template *t = &e->d->arith[OXY_OP_CONCAT].as[OXY__N_INT];
    const oxy_expr *args[2] = {x->binary.left, x->binary.right};
    bool open;

    if (t->text != NULL) {
        oxy__put_template(e, t, args, 2, min);
        return;
    }
    open = oxy__paren_open(e, OXY__P_CONCAT, min);
    for (int i = 0; i < 2; i++) {
        bool chain = args[i]->kind == OXY_E_BINARY && args[i]->binary.op == OXY_OP_CONCAT;

        if (i != 0)
            OXY__PUT(e, " || ");
        oxy__put_expr(e, args[i], chain ? OXY__P_CONCAT : OXY__P_PRIMARY);
    }
    oxy__paren_close(e, open);
}

static oxy_expr cast_to(oxy_kind kind, const oxy_expr *x)
{
    oxy_expr cast = {.kind = OXY_E_CAST, .type = {.kind = kind, .nullable = x->type.nullable}};

    cast.cast.arg = x;
    return cast;
}

/* A span scaled by a fraction is a fraction of microseconds: cut to whole ones. */
static bool put_scaled_span(oxy__emit *e, const oxy_expr *x, int min)
{
    oxy_expr inner = *x;

    if (x->type.kind != OXY_K_TIMEDELTA)
        return false;
    if (x->binary.op != OXY_OP_DIV && number_of(x->binary.left->type.kind) == OXY__N_INT &&
        number_of(x->binary.right->type.kind) == OXY__N_INT)
        return false;
    inner.type.kind = OXY_K_DOUBLE;
    oxy__put_cast(e, &inner, OXY_K_INT, min);
    return true;
}

static void put_arithmetic(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_expr *args[2] = {x->binary.left, x->binary.right};
    oxy__number number = number_of(x->type.kind);
    const oxy__template *t;
    oxy_expr casts[2];

    if (is_moment(args[0]->type.kind) || is_moment(args[1]->type.kind)) {
        oxy__fail(e, OXY_NOT_SUPPORTED, "arithmetic with dates and times is not supported");
        return;
    }
    if (put_scaled_span(e, x, min))
        return;
    /* Decimals that are text must become doubles beside a double. */
    for (int i = 0; i < 2; i++) {
        if (e->d->decimal_collation == NULL || number != OXY__N_DOUBLE || args[i]->type.kind != OXY_K_DECIMAL)
            continue;
        casts[i] = cast_to(OXY_K_DOUBLE, args[i]);
        args[i] = &casts[i];
    }
    /* Of two values MySQL would compute with doubles; one that says what it is decides. */
    if (e->d->values_as_doubles && number == OXY__N_DECIMAL && x->binary.op != OXY_OP_DIV &&
        args[0]->kind == OXY_E_PARAM && args[1]->kind == OXY_E_PARAM) {
        casts[0] = cast_to(OXY_K_DECIMAL, args[0]);
        args[0] = &casts[0];
    }
    t = &e->d->arith[x->binary.op].as[number];
    /* A double over anything, or under, needs no help to divide truly. */
    if (t->text == NULL)
        put_infix(e, x, args, min);
    else
        oxy__put_template(e, t, args, 2, min);
}

void oxy__put_binary(oxy__emit *e, const oxy_expr *x, int min)
{
    if (x->binary.op <= OXY_OP_GE)
        put_comparison(e, x, min);
    else if (x->binary.op == OXY_OP_CONCAT)
        put_concat(e, x, min);
    else
        put_arithmetic(e, x, min);
}

void oxy__put_negative(oxy__emit *e, const oxy_expr *x, int min)
{
    bool open;

    if (e->d->decimal_collation != NULL && x->type.kind == OXY_K_DECIMAL) {
        OXY__PUT(e, "oxy_dec_neg(");
        oxy__put_expr(e, x->unary.arg, OXY__P_NONE);
        OXY__PUTC(e, ')');
        return;
    }
    open = oxy__paren_open(e, OXY__P_NEG, min);
    OXY__PUTC(e, '-');
    oxy__put_expr(e, x->unary.arg, OXY__P_PRIMARY);
    oxy__paren_close(e, open);
}

/* --- IN ------------------------------------------------------------------------------ */

static void put_in_open(oxy__emit *e, const oxy_expr *x, oxy_kind values)
{
    oxy_expr value = {.type = {.kind = values}};

    put_operand(e, x->in.arg, compared_as(e, x->in.arg, &value), true, OXY__P_COMPARE + 1);
    OXY__PUTS(e, x->in.negated ? " NOT IN (" : " IN (");
}

static void put_run(oxy__emit *e, const oxy_expr *params)
{
    oxy_expr one = {.kind = OXY_E_PARAM, .type = params->type};

    for (uint32_t i = 0; i < params->params.n; i++) {
        if (i != 0)
            OXY__PUT(e, ", ");
        one.param.index = params->params.first + i;
        oxy__put_param(e, &one, OXY_BIND_PLAIN);
    }
}

/* Documents have no order and often no equality that IN would use: one
 * comparison each, combined. */
static void put_in_documents(oxy__emit *e, const oxy_expr *x, int min)
{
    uint32_t n = x->in.params != NULL ? x->in.params->params.n : x->in.list.n;
    int prec = x->in.negated ? OXY__P_NOT : n > 1 ? OXY__P_OR : OXY__P_COMPARE;
    bool open = oxy__paren_open(e, prec, min);

    if (x->in.negated)
        OXY__PUT(e, "NOT (");
    for (uint32_t i = 0; i < n; i++) {
        oxy_expr one = {.kind = OXY_E_PARAM};

        if (i != 0)
            OXY__PUT(e, " OR ");
        if (x->in.params != NULL) {
            one.type = x->in.params->type;
            one.param.index = x->in.params->params.first + i;
        }
        e->d->equal(e, x->in.arg, x->in.params != NULL ? &one : x->in.list.items[i], false, OXY__P_OR + 1);
    }
    if (x->in.negated)
        OXY__PUTC(e, ')');
    oxy__paren_close(e, open);
}

/* --- IN (SELECT ...) ------------------------------------------------------------------ */

static bool from_has(const oxy_select *s, const oxy_table *table);

static bool source_is(const oxy_source *s, const oxy_table *table)
{
    return s != NULL && (s->table == table || (s->select != NULL && from_has(s->select, table)));
}

static bool from_has(const oxy_select *s, const oxy_table *table)
{
    if (source_is(s->from, table))
        return true;
    for (uint32_t i = 0; i < s->n_joins; i++)
        if (source_is(s->joins[i].source, table))
            return true;
    for (uint32_t i = 0; i < s->n_operands; i++)
        if (from_has(s->operands[i].select, table))
            return true;
    return false;
}

/* MySQL reads neither a LIMIT nor the table it is writing to inside IN
 * (SELECT ...), but does read a derived table that has them, as long as it
 * does not dissolve that table into the query around it. */
static void put_in_select(oxy__emit *e, const oxy_expr *x)
{
    const oxy_select *s = x->in.select;
    const oxy_source *target = e->target;
    bool own = target != NULL && from_has(s, target->table);
    bool wrap = own || (e->d->in_limit_wrap && (s->limit != NULL || s->offset != NULL));

    put_in_open(e, x, s->n_items != 0 ? s->items[0].expr->type.kind : OXY_K_UNKNOWN);
    if (wrap)
        OXY__PUTS(e, own ? "SELECT /*+ NO_MERGE(`keys`) */ * FROM (" : "SELECT * FROM (");
    if (wrap)
        e->target = NULL;
    oxy__put_select(e, s);
    e->target = target;
    if (wrap) {
        OXY__PUT(e, ") AS ");
        oxy__put_name(e, OXY_SV("keys"));
    }
    OXY__PUTC(e, ')');
}

/* The kind that a list of expressions has as a whole. */
static oxy_kind list_kind(const oxy_list *list)
{
    oxy_kind kind = list->items[0]->type.kind;

    for (uint32_t i = 1; i < list->n; i++)
        if (list->items[i]->type.kind == OXY_K_DECIMAL)
            kind = OXY_K_DECIMAL;
    return kind;
}

static void put_in_list(oxy__emit *e, const oxy_expr *x)
{
    oxy_kind kind = list_kind(&x->in.list);
    oxy_kind as = compared_as(e, x->in.arg, &(oxy_expr){.type = {.kind = kind}});
    /* SQLite compares row values with rows only, not with a list of them. */
    bool rows = x->in.arg->kind == OXY_E_TUPLE && e->d->glob;

    put_in_open(e, x, kind);
    if (rows)
        OXY__PUT(e, "VALUES ");
    for (uint32_t i = 0; i < x->in.list.n; i++) {
        if (i != 0)
            OXY__PUT(e, ", ");
        put_operand(e, x->in.list.items[i], as, false, OXY__P_NONE);
    }
    OXY__PUTC(e, ')');
}

void oxy__put_in(oxy__emit *e, const oxy_expr *x, int min)
{
    bool open;

    if (x->in.select == NULL && oxy__is_document(&x->in.arg->type)) {
        put_in_documents(e, x, min);
        return;
    }
    open = oxy__paren_open(e, OXY__P_COMPARE, min);
    if (x->in.select != NULL) {
        put_in_select(e, x);
    } else if (x->in.params == NULL) {
        put_in_list(e, x);
    } else if (x->in.params->params.n == 0) {
        e->d->in_array(e, x, OXY__P_COMPARE);
    } else {
        put_in_open(e, x, x->in.params->type.kind);
        put_run(e, x->in.params);
        OXY__PUTC(e, ')');
    }
    oxy__paren_close(e, open);
}
