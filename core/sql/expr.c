/* SPDX-License-Identifier: MIT */
/* expr: the switch over expression kinds, templates, columns and logic. */
#include "emit.h"

#include <string.h>

void oxy__put_list(oxy__emit *e, const oxy_list *list)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (i != 0)
            OXY__PUT(e, ", ");
        oxy__put_expr(e, list->items[i], OXY__P_NONE);
    }
}

/* --- templates ------------------------------------------------------------------ */

static const oxy_expr *hole(oxy__emit *e, const oxy_expr *const *args, uint32_t n, char digit)
{
    uint32_t i = (uint32_t)(digit - '1');

    if (i < n)
        return args[i];
    oxy__fail(e, OXY_INTERNAL, "a template asks for argument %c of %u", digit, n);
    return NULL;
}

static void put_hole(oxy__emit *e, const oxy_expr *const *args, uint32_t n, const char *at)
{
    const oxy_expr *arg;

    if (at[1] == '*') {
        oxy_list all = {args, n};

        oxy__put_list(e, &all);
        return;
    }
    arg = hole(e, args, n, at[1]);
    if (arg != NULL)
        oxy__put_expr(e, arg, *at == '<' ? OXY__P_PRIMARY : OXY__P_NONE);
}

static bool is_hole(const char *p)
{
    if (*p == '{')
        return p[1] == '*' || (p[1] >= '1' && p[1] <= '9' && p[2] == '}');
    return *p == '<' && p[1] >= '1' && p[1] <= '9' && p[2] == '>';
}

void oxy__put_template(oxy__emit *e, const oxy__template *t, const oxy_expr *const *args, uint32_t n, int min)
{
    bool open = oxy__paren_open(e, t->prec == 0 ? OXY__P_PRIMARY : t->prec, min);
    const char *p = t->text, *from = p;

    while (*p != '\0') {
        bool optional = *p == '[' && p[1] >= '1' && p[1] <= '9';

        if (!optional && !is_hole(p) && *p != ']') {
            p++;
            continue;
        }
        oxy_buf_put(e->out, from, (size_t)(p - from));
        if (optional && (uint32_t)(p[1] - '0') > n) {
            p = strchr(p, ']') + 1;
        } else if (optional) {
            p += 2;
        } else if (*p == ']') {
            p++;
        } else {
            put_hole(e, args, n, p);
            p += 3;
        }
        from = p;
    }
    oxy_buf_put(e->out, from, (size_t)(p - from));
    oxy__paren_close(e, open);
}

/* --- columns ---------------------------------------------------------------------- */

/* Whether the column's bare name may mean another column here. A column of an
 * outer scope always carries its table. */
void oxy__put_column(oxy__emit *e, const oxy_source *source, oxy_sv name)
{
    const oxy__scope *scope = e->scope;
    uint32_t level = source->id < e->b->n_sources ? e->levels[source->id] : 0;

    if (level == 0) {
        oxy__fail(e, OXY_INTERNAL, "a column of a table that is not part of the query");
        return;
    }
    if (e->d->derived_alone && level <= e->around) {
        oxy__lacks(e, "a column of the enclosing query inside a derived table, which conditions on windows, slices of "
                      "distinct rows and combined queries need");
        return;
    }
    if (scope->qualify || e->qualify != 0 || level != scope->level) {
        oxy__put_name(e, e->names[source->id]);
        OXY__PUTC(e, '.');
    }
    oxy__put_name(e, name);
}

static void put_excluded(oxy__emit *e, const oxy_expr *x)
{
    if (e->d->upsert == OXY__UPSERT_ON_CONFLICT) {
        OXY__PUT(e, "EXCLUDED.");
        oxy__put_name(e, x->column.column->name);
        return;
    }
    OXY__PUT(e, "VALUES(");
    oxy__put_name(e, x->column.column->name);
    OXY__PUTC(e, ')');
}

void oxy__put_comparable(oxy__emit *e, const oxy_expr *x, int min)
{
    if (e->d->decimal_collation == NULL || x->type.kind != OXY_K_DECIMAL) {
        oxy__put_expr(e, x, min);
        return;
    }
    oxy__put_expr(e, x, OXY__P_PRIMARY);
    OXY__PUTS(e, e->d->decimal_collation);
}

void oxy__put_as(oxy__emit *e, const oxy_expr *x, const oxy_type *type, int min)
{
    oxy_kind kind = x->type.kind;

    if (e->d->decimal_collation != NULL && type->kind == OXY_K_DECIMAL && (kind == OXY_K_INT || kind == OXY_K_BOOL))
        oxy__put_cast(e, x, OXY_K_TEXT, min);
    else if (e->d->decimal_collation != NULL && type->kind == OXY_K_DOUBLE && kind == OXY_K_DECIMAL)
        oxy__put_cast(e, x, OXY_K_DOUBLE, min);
    else
        oxy__put_expr(e, x, min);
}

void oxy__put_cast(oxy__emit *e, const oxy_expr *x, oxy_kind to, int min)
{
    oxy_expr cast = {.kind = OXY_E_CAST, .type = {.kind = to, .nullable = true}};

    cast.cast.arg = x;
    oxy__put_expr(e, &cast, min);
}

/* --- logic --------------------------------------------------------------------------- */

static void put_chain(oxy__emit *e, const oxy_expr *x, uint32_t from, uint32_t to)
{
    int min = x->logic.is_or ? OXY__P_OR + 1 : OXY__P_AND + 1;

    for (uint32_t i = from; i < to; i++) {
        if (i != from)
            OXY__PUTS(e, x->logic.is_or ? " OR " : " AND ");
        oxy__put_expr(e, x->logic.list.items[i], min);
    }
}

/* A chain of n conditions is a tree n levels deep to SQLite, which allows
 * 1,000: longer ones are halved until the pieces are short. */
static void put_balanced(oxy__emit *e, const oxy_expr *x, uint32_t from, uint32_t to)
{
    uint32_t middle = from + (to - from) / 2;

    if (to - from <= e->d->chain / 4) {
        put_chain(e, x, from, to);
        return;
    }
    OXY__PUTC(e, '(');
    put_balanced(e, x, from, middle);
    OXY__PUTS(e, x->logic.is_or ? ") OR (" : ") AND (");
    put_balanced(e, x, middle, to);
    OXY__PUTC(e, ')');
}

static void put_logic(oxy__emit *e, const oxy_expr *x, int min)
{
    bool open = oxy__paren_open(e, x->logic.is_or ? OXY__P_OR : OXY__P_AND, min);

    if (e->d->chain != 0 && x->logic.list.n > e->d->chain)
        put_balanced(e, x, 0, x->logic.list.n);
    else
        put_chain(e, x, 0, x->logic.list.n);
    oxy__paren_close(e, open);
}

/* "Not true": where the operand can be NULL, NOT would lose its rows. */
static void put_not(oxy__emit *e, const oxy_expr *x, int min)
{
    bool nullable = oxy_expr_nullable(x->unary.arg);
    bool open = oxy__paren_open(e, nullable ? OXY__P_COMPARE : OXY__P_NOT, min);

    if (nullable) {
        OXY__PUTC(e, '(');
        oxy__put_expr(e, x->unary.arg, OXY__P_NONE);
        OXY__PUT(e, ") IS NOT TRUE");
    } else {
        OXY__PUT(e, "NOT ");
        oxy__put_expr(e, x->unary.arg, OXY__P_NOT + 1);
    }
    oxy__paren_close(e, open);
}

static void put_unary(oxy__emit *e, const oxy_expr *x, int min)
{
    bool open;

    if (x->unary.op == OXY_UN_NEG) {
        oxy__put_negative(e, x, min);
        return;
    }
    open = oxy__paren_open(e, OXY__P_COMPARE, min);
    oxy__put_expr(e, x->unary.arg, OXY__P_COMPARE + 1);
    OXY__PUTS(e, x->unary.op == OXY_UN_IS_NULL ? " IS NULL" : " IS NOT NULL");
    oxy__paren_close(e, open);
}

/* --- the rest -------------------------------------------------------------------------- */

static void put_case(oxy__emit *e, const oxy_expr *x)
{
    const oxy_list *whens = &x->cases.whens;

    OXY__PUT(e, "CASE");
    for (uint32_t i = 0; i + 1 < whens->n; i += 2) {
        OXY__PUT(e, " WHEN ");
        oxy__put_expr(e, whens->items[i], OXY__P_NONE);
        OXY__PUT(e, " THEN ");
        oxy__put_as(e, whens->items[i + 1], &x->type, OXY__P_NONE);
    }
    if (x->cases.otherwise != NULL) {
        OXY__PUT(e, " ELSE ");
        oxy__put_as(e, x->cases.otherwise, &x->type, OXY__P_NONE);
    }
    OXY__PUT(e, " END");
}

static void put_part(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy__template *t = &e->d->extract[x->part.part];
    oxy_sv around[2] = {{0}};
    oxy_expr moment = *x;
    const oxy_expr *arg = x->part.arg;

    if (x->part.trunc) {
        e->d->trunc(e, x, min);
        return;
    }
    /* In UTC first, whatever the session's zone: a raw node around it. */
    if (e->d->utc != NULL && arg->type.kind == OXY_K_DATETIME_UTC) {
        around[1] = oxy_sv_of(e->d->utc);
        moment.kind = OXY_E_RAW;
        moment.raw.fragments = around;
        moment.raw.args = (oxy_list){&x->part.arg, 1};
        arg = &moment;
    }
    oxy__put_template(e, t, &arg, 1, min);
}

static void put_raw(oxy__emit *e, const oxy_expr *x)
{
    OXY__PUTC(e, '(');
    for (uint32_t i = 0; i <= x->raw.args.n; i++) {
        oxy_buf_put(e->out, x->raw.fragments[i].p, x->raw.fragments[i].len);
        if (i < x->raw.args.n)
            oxy__put_expr(e, x->raw.args.items[i], OXY__P_PRIMARY);
    }
    OXY__PUTC(e, ')');
}

static void put_subquery(oxy__emit *e, const oxy_expr *x)
{
    const oxy_expr *over = e->over;

    e->over = NULL;
    if (x->kind == OXY_E_EXISTS) {
        OXY__PUT(e, "EXISTS (");
        oxy__put_exists(e, x->subquery);
    } else {
        OXY__PUTC(e, '(');
        oxy__put_select(e, x->subquery);
    }
    OXY__PUTC(e, ')');
    e->over = over;
}

static void put_kind(oxy__emit *e, const oxy_expr *x, int min)
{
    switch (x->kind) {
    case OXY_E_COLUMN: oxy__put_column(e, x->column.source, x->column.column->name); break;
    case OXY_E_NAMED: oxy__put_column(e, x->named.source, x->named.name); break;
    case OXY_E_PARAM: oxy__put_param(e, x, OXY_BIND_PLAIN); break;
    case OXY_E_PARAMS: oxy__fail(e, OXY_INTERNAL, "a run of values outside IN"); break;
    case OXY_E_NUL: OXY__PUT(e, "NULL"); break;
    case OXY_E_BOOL: OXY__PUTS(e, e->d->boolean[x->boolean]); break;
    case OXY_E_STAR: OXY__PUTC(e, '*'); break;
    case OXY_E_ALIAS: oxy__put_alias(e, x, min); break;
    case OXY_E_EXCLUDED: put_excluded(e, x); break;
    case OXY_E_DEFAULT:
        if (!e->d->default_in_values)
            oxy__lacks(e, "DEFAULT among the values of a row");
        OXY__PUT(e, "DEFAULT");
        break;
    case OXY_E_UNARY: put_unary(e, x, min); break;
    case OXY_E_BINARY: oxy__put_binary(e, x, min); break;
    case OXY_E_LOGIC: put_logic(e, x, min); break;
    case OXY_E_NOT: put_not(e, x, min); break;
    case OXY_E_BETWEEN: oxy__put_between(e, x, min); break;
    case OXY_E_IN: oxy__put_in(e, x, min); break;
    case OXY_E_MATCH: oxy__put_match(e, x, min); break;
    case OXY_E_FUNC: oxy__put_func(e, x, min); break;
    case OXY_E_AGG: oxy__put_agg(e, x, min); break;
    case OXY_E_CASE: put_case(e, x); break;
    case OXY_E_CAST: e->d->cast(e, x, min); break;
    case OXY_E_EXTRACT: put_part(e, x, min); break;
    case OXY_E_JSON_PATH: e->d->json_path(e, x, min); break;
    case OXY_E_CONTAINER: e->d->container(e, x, min); break;
    case OXY_E_SUBQUERY:
    case OXY_E_EXISTS: put_subquery(e, x); break;
    case OXY_E_TUPLE:
        OXY__PUTC(e, '(');
        oxy__put_list(e, &x->list);
        OXY__PUTC(e, ')');
        break;
    case OXY_E_WINDOW: oxy__put_window(e, x, min); break;
    case OXY_E_RAW: put_raw(e, x); break;
    case OXY_E_COUNT: break;
    }
}

void oxy__put_expr(oxy__emit *e, const oxy_expr *x, int min)
{
    if (!oxy__enter(e))
        return;
    put_kind(e, x, min);
    oxy__leave(e);
}
