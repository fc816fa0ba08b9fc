/* SPDX-License-Identifier: MIT */
/* sexp_build: forms become trees, through the public builder only. A literal
 * takes the type of the expression it stands beside, as the binding does. */
#include "sexp.h"
#include "tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 64, MAX_SOURCES = 16 };

/* The sources that a SELECT or write can name, innermost first. */
struct names {
    const struct names *outer;
    struct {
        oxy_sv name;
        const oxy_source *source;
    } of[MAX_SOURCES];
    uint32_t n;
};

struct build {
    oxy_builder *b;
    const struct names *names;
};

/* Cleared memory in the builder's arena; a failure is the builder's. */
static void *grow(struct build *in, size_t size)
{
    void *p = oxy_arena_zero(&in->b->arena, 1, size);

    if (p == NULL && in->b->err.rc == OXY_OK)
        (void)oxy_err_set(&in->b->err, OXY_NOMEM, "out of memory");
    return p;
}

/* Builder failures (memory, limits) go on as NULLs; mistakes in a case end here. */
static void mistake(const sexp *x, const char *what)
{
    (void)fprintf(stderr, "golden: %s: '%.*s'\n", what,
                  OXY_SV_ARG(x->kind == SEXP_LIST && x->n ? x->items[0].text : x->text));
    exit(2);
}

/* --- names ------------------------------------------------------------------------- */

static const oxy_table *find_table(const sexp *x)
{
    for (size_t i = 0; i < OXY_COUNT(test_tables); i++)
        if (x->kind == SEXP_SYMBOL && oxy_sv_eq(test_tables[i].name, x->text))
            return &test_tables[i];
    return NULL;
}

static const oxy_column *find_column(const oxy_table *table, oxy_sv name)
{
    for (uint32_t i = 0; table != NULL && i < table->n_columns; i++)
        if (oxy_sv_eq(table->columns[i].name, name))
            return &table->columns[i];
    return NULL;
}

static const oxy_column *column_of(const oxy_table *table, const sexp *x)
{
    const oxy_column *c = find_column(table, x->text);

    if (c == NULL)
        mistake(x, "no such column");
    return c;
}

static const oxy_expr *named_of(struct build *in, const oxy_source *s, oxy_sv name)
{
    oxy_type type = {.kind = OXY_K_UNKNOWN, .nullable = true};

    for (uint32_t i = 0; s->select != NULL && i < s->select->n_items; i++) {
        const oxy_item *item = &s->select->items[i];
        oxy_sv own = item->alias;

        if (own.len == 0 && item->expr->kind == OXY_E_COLUMN)
            own = item->expr->column.column->name;
        if (oxy_sv_eq(own, name))
            type = item->expr->type;
    }
    return oxy_named(in->b, s, name, &type);
}

static const oxy_expr *of_source(struct build *in, const oxy_source *s, oxy_sv name)
{
    const oxy_column *c = find_column(s->table, name);

    if (c != NULL)
        return oxy_col(in->b, s, c);
    return s->table == NULL ? named_of(in, s, name) : NULL;
}

static const oxy_expr *build_symbol(struct build *in, const sexp *x)
{
    const char *dot = memchr(x->text.p, '.', x->text.len);
    oxy_sv source = {x->text.p, dot == NULL ? 0 : (size_t)(dot - x->text.p)};
    oxy_sv column = dot == NULL ? x->text : (oxy_sv){dot + 1, x->text.len - source.len - 1};

    for (const struct names *at = in->names; at != NULL; at = at->outer) {
        for (uint32_t i = 0; i < at->n; i++) {
            const oxy_expr *e;

            if (dot != NULL && !oxy_sv_eq(at->of[i].name, source))
                continue;
            e = of_source(in, at->of[i].source, column);
            if (e != NULL || in->b->err.rc != OXY_OK)
                return e;
        }
    }
    mistake(x, "no such column here");
    return NULL;
}

/* --- literals ------------------------------------------------------------------------- */

static oxy_kind kind_of(const sexp *x)
{
    for (int k = 0; k < OXY_K_COUNT; k++)
        if (sexp_is(x, oxy_kind_name((oxy_kind)k)))
            return (oxy_kind)k;
    mistake(x, "no such kind");
    return OXY_K_UNKNOWN;
}

static const oxy_expr *build(struct build *in, const sexp *x, const oxy_type *beside);

static bool literal_value(struct build *in, const sexp *x, oxy_value *out, oxy_kind *kind);

static bool list_value(struct build *in, const sexp *x, oxy_value *out)
{
    oxy_array *array = grow(in, sizeof *array);
    oxy_value *items = grow(in, x->n * sizeof *items);
    oxy_kind kind = OXY_K_UNKNOWN;

    *out = (oxy_value){.tag = OXY_V_NULL};
    if (array == NULL || items == NULL)
        return true;
    for (uint32_t i = 1; i < x->n; i++)
        if (!literal_value(in, &x->items[i], &items[i - 1], &kind))
            mistake(x, "only literals in a list");
    *array = (oxy_array){.elem = kind, .n = x->n - 1, .items = items};
    *out = (oxy_value){.tag = OXY_V_ARRAY, .array = array};
    return true;
}

static bool text_form(const sexp *x, oxy_value *out, oxy_kind *kind)
{
    oxy_sv text = x->n == 2 ? x->items[1].text : (oxy_sv){0};
    bool tz;

    if (sexp_form(x, "dec")) {
        *out = (oxy_value){.tag = OXY_V_DECIMAL, .s = text};
        *kind = OXY_K_DECIMAL;
    } else if (sexp_form(x, "json")) {
        *out = (oxy_value){.tag = OXY_V_JSON, .s = text};
        *kind = OXY_K_JSON;
    } else if (sexp_form(x, "blob")) {
        *out = (oxy_value){.tag = OXY_V_BLOB, .s = text};
        *kind = OXY_K_BLOB;
    } else if (sexp_form(x, "dt") || sexp_form(x, "utc")) {
        bool utc = sexp_form(x, "utc");

        *out = (oxy_value){.tag = utc ? OXY_V_DATETIME_UTC : OXY_V_DATETIME};
        *kind = utc ? OXY_K_DATETIME_UTC : OXY_K_DATETIME;
        return oxy_datetime_parse(text.p, text.len, &out->i, &tz);
    } else if (sexp_form(x, "date")) {
        *out = (oxy_value){.tag = OXY_V_DATE};
        *kind = OXY_K_DATE;
        return oxy_date_parse(text.p, text.len, &out->i);
    } else if (sexp_form(x, "time")) {
        int32_t offset;

        *out = (oxy_value){.tag = OXY_V_TIME};
        *kind = OXY_K_TIME;
        return oxy_time_parse(text.p, text.len, &out->i, &tz, &offset);
    } else {
        return false;
    }
    return true;
}

static bool literal_value(struct build *in, const sexp *x, oxy_value *out, oxy_kind *kind)
{
    switch (x->kind) {
    case SEXP_INT:
        *out = (oxy_value){.tag = OXY_V_INT, .i = x->i};
        *kind = OXY_K_INT;
        return true;
    case SEXP_DOUBLE:
        *out = (oxy_value){.tag = OXY_V_DOUBLE, .d = x->d};
        *kind = OXY_K_DOUBLE;
        return true;
    case SEXP_TEXT:
        *out = (oxy_value){.tag = OXY_V_TEXT, .s = x->text};
        *kind = OXY_K_TEXT;
        return true;
    case SEXP_SYMBOL:
        if (!sexp_is(x, "none"))
            return false;
        *out = (oxy_value){.tag = OXY_V_NULL};
        *kind = OXY_K_UNKNOWN;
        return true;
    case SEXP_LIST: break;
    }
    if (sexp_form(x, "list")) {
        *kind = OXY_K_ARRAY;
        return list_value(in, x, out);
    }
    if (sexp_form(x, "bool") || sexp_form(x, "td")) {
        *out = (oxy_value){.tag = sexp_form(x, "td") ? OXY_V_TIMEDELTA : OXY_V_BOOL, .i = x->items[1].i};
        *kind = sexp_form(x, "td") ? OXY_K_TIMEDELTA : OXY_K_BOOL;
        return true;
    }
    return text_form(x, out, kind);
}

static bool number_like(oxy_kind kind)
{
    return kind == OXY_K_INT || kind == OXY_K_DOUBLE || kind == OXY_K_DECIMAL;
}

/* A number stays what it is beside another number; all else takes the type of
 * what it is compared with. */
static const oxy_expr *build_literal(struct build *in, const sexp *x, const oxy_type *beside)
{
    oxy_type own = {0};
    oxy_value value;

    if (!literal_value(in, x, &value, &own.kind))
        return NULL;
    if (beside == NULL || beside->kind == OXY_K_UNKNOWN)
        return oxy_param(in->b, &value, &own);
    if (own.kind == OXY_K_INT && beside->kind == OXY_K_TIMEDELTA)
        return oxy_param(in->b, &value, &own);
    if (number_like(own.kind) && number_like(beside->kind) && beside->kind != own.kind)
        return oxy_param(in->b, &value, beside->kind == OXY_K_DECIMAL && own.kind == OXY_K_INT ? beside : &own);
    return oxy_param(in->b, &value, beside);
}

static bool is_literal(const sexp *x)
{
    static const char *const forms[] = {"dec", "json", "blob", "dt", "utc", "date", "time", "list", "bool", "td"};

    if (x->kind != SEXP_LIST)
        return x->kind != SEXP_SYMBOL || sexp_is(x, "none");
    for (size_t i = 0; i < OXY_COUNT(forms); i++)
        if (sexp_form(x, forms[i]))
            return true;
    return false;
}

/* --- operators ---------------------------------------------------------------------------- */

static const struct {
    const char *symbol;
    oxy_op op;
} binary_ops[] = {
    {"=", OXY_OP_EQ},  {"<>", OXY_OP_NE}, {"<", OXY_OP_LT},        {"<=", OXY_OP_LE},
    {">", OXY_OP_GT},  {">=", OXY_OP_GE}, {"+", OXY_OP_ADD},       {"-", OXY_OP_SUB},
    {"*", OXY_OP_MUL}, {"/", OXY_OP_DIV}, {"//", OXY_OP_FLOORDIV}, {"%", OXY_OP_MOD},
};

static const struct {
    const char *symbol;
    oxy_match_op op;
    bool fold;
} match_ops[] = {
    {"contains", OXY_MATCH_CONTAINS, false},
    {"icontains", OXY_MATCH_CONTAINS, true},
    {"startswith", OXY_MATCH_STARTSWITH, false},
    {"istartswith", OXY_MATCH_STARTSWITH, true},
    {"endswith", OXY_MATCH_ENDSWITH, false},
    {"iendswith", OXY_MATCH_ENDSWITH, true},
    {"iexact", OXY_MATCH_EXACT, true},
    {"exact", OXY_MATCH_EXACT, false},
    {"like", OXY_MATCH_LIKE, false},
    {"ilike", OXY_MATCH_LIKE, true},
    {"regex", OXY_MATCH_REGEX, false},
    {"iregex", OXY_MATCH_REGEX, true},
};

static const struct {
    const char *symbol;
    oxy_container_op op;
} container_ops[] = {
    {"json-contains", OXY_CO_JSON_CONTAINS},
    {"json-within", OXY_CO_JSON_CONTAINED_BY},
    {"has-key", OXY_CO_HAS_KEY},
    {"has-keys", OXY_CO_HAS_KEYS},
    {"has-any-keys", OXY_CO_HAS_ANY_KEYS},
    {"all-of", OXY_CO_ARRAY_CONTAINS},
    {"within", OXY_CO_ARRAY_CONTAINED_BY},
    {"overlap", OXY_CO_ARRAY_OVERLAP},
    {"len", OXY_CO_ARRAY_LEN},
};

static uint32_t build_args(struct build *in, const sexp *x, uint32_t from, const oxy_expr **out, const oxy_type *beside)
{
    uint32_t n = 0;

    for (uint32_t i = from; i < x->n && n < MAX_ARGS; i++)
        out[n++] = build(in, &x->items[i], beside);
    return n;
}

/* Both sides; a literal waits for the type of the other. */
static void build_pair(struct build *in, const sexp *x, const oxy_expr *out[2])
{
    bool first = is_literal(&x->items[1]) && !is_literal(&x->items[2]);
    int a = first ? 2 : 1, b = first ? 1 : 2;

    out[a - 1] = build(in, &x->items[a], NULL);
    out[b - 1] = build(in, &x->items[b], out[a - 1] != NULL ? &out[a - 1]->type : NULL);
}

static const oxy_select *build_select(struct build *in, const sexp *x);

static const oxy_expr *build_in(struct build *in, const sexp *x)
{
    bool negated = sexp_form(x, "not-in") || sexp_form(x, "not-in-select") || sexp_form(x, "not-in-many");
    const oxy_expr *arg = build(in, &x->items[1], NULL), *items[MAX_ARGS];
    oxy_value values[MAX_ARGS], *many;
    oxy_kind kind;
    uint32_t n;

    if (arg == NULL)
        return NULL;
    if (sexp_form(x, "in-select") || sexp_form(x, "not-in-select"))
        return oxy_in_select(in->b, arg, negated, build_select(in, &x->items[2]));
    if (sexp_form(x, "in-many") || sexp_form(x, "not-in-many")) { /* (in-many column count literal) */
        n = (uint32_t)x->items[2].i;
        many = grow(in, n * sizeof *many);
        for (uint32_t i = 0; many != NULL && i < n; i++)
            (void)literal_value(in, &x->items[3], &many[i], &kind);
        return many == NULL ? NULL : oxy_in_values(in->b, arg, negated, many, n);
    }
    for (n = 0; n + 2 < x->n && literal_value(in, &x->items[n + 2], &values[n], &kind);)
        n++;
    if (n + 2 == x->n)
        return oxy_in_values(in->b, arg, negated, values, n);
    n = build_args(in, x, 2, items, &arg->type);
    return oxy_in_list(in->b, arg, negated, items, n);
}

static const oxy_expr *build_container(struct build *in, const sexp *x, oxy_container_op op)
{
    const oxy_expr *arg = build(in, &x->items[1], NULL), *keys[MAX_ARGS], *value = NULL;
    oxy_type text = {.kind = OXY_K_TEXT};
    uint32_t n = 0;

    if (arg == NULL)
        return NULL;
    if (op == OXY_CO_HAS_KEY || op == OXY_CO_HAS_KEYS || op == OXY_CO_HAS_ANY_KEYS)
        n = build_args(in, x, 2, keys, &text);
    else if (x->n > 2)
        value = build(in, &x->items[2], &arg->type);
    if (value != NULL && x->n > 3)
        n = build_args(in, x, 3, keys, NULL);
    return oxy_container(in->b, op, arg, value, keys, n);
}

static const oxy_expr *build_path(struct build *in, const sexp *x)
{
    static const struct {
        const char *symbol;
        oxy_json_as as;
        oxy_kind kind;
    } forms[] = {{"path", OXY_JSON_VALUE, OXY_K_JSON},
                 {"path-text", OXY_JSON_TEXT, OXY_K_TEXT},
                 {"path-number", OXY_JSON_NUMBER, OXY_K_DOUBLE},
                 {"path-bool", OXY_JSON_BOOL, OXY_K_BOOL},
                 {"path-structure", OXY_JSON_STRUCTURE, OXY_K_JSON}};
    const oxy_expr *arg = build(in, &x->items[1], NULL);
    oxy_json_step steps[MAX_ARGS];
    oxy_type type = {0};
    uint32_t n = 0;

    if (arg == NULL)
        return NULL;
    for (uint32_t i = 2; i < x->n; i++) {
        char *digits;

        steps[n].is_index = x->items[i].kind == SEXP_INT;
        steps[n].key = x->items[i].text;
        if (steps[n].is_index && (digits = grow(in, 24)) != NULL)
            steps[n].key = (oxy_sv){digits, (size_t)snprintf(digits, 24, "%lld", (long long)x->items[i].i)};
        n++;
    }
    for (size_t i = 0; i < OXY_COUNT(forms); i++) {
        if (!sexp_form(x, forms[i].symbol))
            continue;
        type.kind = arg->type.kind == OXY_K_ARRAY ? arg->type.elem : forms[i].kind;
        return oxy_json_path(in->b, arg, steps, n, forms[i].as, &type);
    }
    return NULL;
}

/* --- choices, aggregates, windows -------------------------------------------------------------- */

static const oxy_expr *build_case(struct build *in, const sexp *x)
{
    const oxy_expr *whens[MAX_ARGS], *otherwise = NULL;
    uint32_t n = 0;

    for (uint32_t i = 1; i < x->n; i++) {
        const sexp *part = &x->items[i];

        if (sexp_form(part, "else")) {
            otherwise = build(in, &part->items[1], NULL);
        } else {
            whens[n++] = build(in, &part->items[1], NULL);
            whens[n++] = build(in, &part->items[2], NULL);
        }
    }
    return oxy_case(in->b, whens, n, otherwise);
}

static oxy_order build_term(struct build *in, const sexp *x)
{
    oxy_order order = {0};

    if (!sexp_form(x, "asc") && !sexp_form(x, "desc")) {
        order.expr = build(in, x, NULL);
        return order;
    }
    order.descending = sexp_form(x, "desc");
    order.expr = build(in, &x->items[1], NULL);
    if (x->n > 2)
        order.nulls = sexp_is(&x->items[2], "first") ? -1 : 1;
    return order;
}

static oxy_orders build_orders(struct build *in, const sexp *x, uint32_t from)
{
    oxy_order *items = NULL;
    uint32_t n = 0;

    for (uint32_t i = from; i < x->n; i++) {
        oxy_order order = build_term(in, &x->items[i]);

        if (order.expr == NULL)
            return (oxy_orders){0};
        items = oxy_builder_append(in->b, items, &n, sizeof order, &order);
    }
    return (oxy_orders){items, items == NULL ? 0 : n};
}

static const oxy_expr *build_agg(struct build *in, const sexp *x, oxy_aggfn fn)
{
    oxy_expr init = {.kind = OXY_E_AGG};

    init.agg.fn = fn;
    init.agg.arg = sexp_is(&x->items[1], "*") ? oxy_star(in->b) : build(in, &x->items[1], NULL);
    for (uint32_t i = 2; i < x->n; i++) {
        const sexp *part = &x->items[i];

        if (sexp_is(part, "distinct"))
            init.agg.distinct = true;
        else if (sexp_form(part, "filter"))
            init.agg.filter = build(in, &part->items[1], NULL);
        else if (sexp_form(part, "default"))
            init.agg.deflt = build(in, &part->items[1], init.agg.arg == NULL ? NULL : &init.agg.arg->type);
        else if (sexp_form(part, "separator"))
            init.agg.separator = build(in, &part->items[1], NULL);
        else if (sexp_form(part, "order"))
            init.agg.order = build_orders(in, part, 1);
        else
            mistake(x, "no such option");
    }
    return oxy_agg(in->b, &init);
}

static void build_bound(const sexp *x, bool *unbounded, int64_t *rows)
{
    *unbounded = sexp_is(x, "*");
    *rows = x->i;
}

static const oxy_expr *build_window(struct build *in, const sexp *x)
{
    oxy_expr init = {.kind = OXY_E_WINDOW};
    const oxy_expr *partition[MAX_ARGS];

    init.window.expr = build(in, &x->items[1], NULL);
    for (uint32_t i = 2; i < x->n; i++) {
        const sexp *part = &x->items[i];

        if (sexp_form(part, "by")) {
            init.window.partition = (oxy_list){partition, build_args(in, part, 1, partition, NULL)};
        } else if (sexp_form(part, "order")) {
            init.window.order = build_orders(in, part, 1);
        } else {
            init.window.unit = sexp_form(part, "rows") ? OXY_FRAME_ROWS : OXY_FRAME_RANGE;
            build_bound(&part->items[1], &init.window.start_unbounded, &init.window.start);
            build_bound(&part->items[2], &init.window.end_unbounded, &init.window.end);
        }
    }
    return oxy_window(in->b, &init);
}

static const oxy_expr *build_raw(struct build *in, const sexp *x)
{
    const oxy_expr *args[MAX_ARGS];
    uint32_t n = 0;
    oxy_type type = {.kind = OXY_K_UNKNOWN}, *as = NULL;

    for (uint32_t i = 2; i < x->n; i++) {
        if (sexp_form(&x->items[i], "as")) {
            type.kind = kind_of(&x->items[i].items[1]);
            as = &type;
        } else {
            args[n++] = build(in, &x->items[i], NULL);
        }
    }
    return oxy_raw(in->b, x->items[1].text, args, n, as);
}

static const oxy_expr *build_cast(struct build *in, const sexp *x)
{
    oxy_type type = {.kind = kind_of(&x->items[2])};

    if (x->n > 3) {
        type.has_scale = true;
        type.size = (uint32_t)x->items[3].i;
        type.scale = (uint8_t)x->items[4].i;
    }
    return oxy_cast(in->b, build(in, &x->items[1], NULL), &type);
}

static const oxy_expr *build_part(struct build *in, const sexp *x)
{
    for (int p = 0; p < OXY_PART_COUNT; p++)
        if (sexp_is(&x->items[1], oxy_part_name((oxy_part)p)))
            return oxy_extract(in->b, (oxy_part)p, sexp_form(x, "trunc"), build(in, &x->items[2], NULL));
    mistake(&x->items[1], "no such part");
    return NULL;
}

/* --- dispatch ----------------------------------------------------------------------------------------- */

static const oxy_expr *build_call(struct build *in, const sexp *x)
{
    const oxy_expr *args[MAX_ARGS];
    oxy_type int_type = {.kind = OXY_K_INT};
    uint32_t n;

    for (int fn = 0; fn < OXY_AGG_COUNT_; fn++)
        if (sexp_form(x, oxy_agg_name((oxy_aggfn)fn)))
            return build_agg(in, x, (oxy_aggfn)fn);
    for (int fn = 0; fn < OXY_FN_COUNT; fn++) {
        if (!sexp_form(x, oxy_fn_name((oxy_fn)fn)))
            continue;
        n = build_args(in, x, 1, args, NULL);
        return oxy_func(in->b, (oxy_fn)fn, args, n);
    }
    (void)int_type;
    mistake(x, "no such form");
    return NULL;
}

static const oxy_expr *build_simple(struct build *in, const sexp *x)
{
    const oxy_expr *a;

    if (sexp_form(x, "neg") || sexp_form(x, "isnull") || sexp_form(x, "notnull")) {
        oxy_unop op = sexp_form(x, "neg") ? OXY_UN_NEG : sexp_form(x, "isnull") ? OXY_UN_IS_NULL : OXY_UN_IS_NOT_NULL;

        return oxy_unary(in->b, op, build(in, &x->items[1], NULL));
    }
    if (sexp_form(x, "not"))
        return oxy_not(in->b, build(in, &x->items[1], NULL));
    if (sexp_form(x, "between")) {
        const oxy_expr *low, *high;

        a = build(in, &x->items[1], NULL);
        low = build(in, &x->items[2], a == NULL ? NULL : &a->type);
        high = build(in, &x->items[3], a == NULL ? NULL : &a->type);
        return oxy_between(in->b, a, low, high);
    }
    if (sexp_form(x, "null"))
        return oxy_nul(in->b, NULL);
    if (sexp_form(x, "alias"))
        return oxy_alias(in->b, x->items[1].text, NULL);
    if (sexp_form(x, "default"))
        return oxy_default(in->b);
    if (sexp_form(x, "excluded"))
        return oxy_excluded(in->b, column_of(in->names->of[0].source->table, &x->items[1]));
    if (sexp_form(x, "as")) { /* (as column literal): a value with a column's type */
        a = build(in, &x->items[1], NULL);
        return build_literal(in, &x->items[2], a == NULL ? NULL : &a->type);
    }
    return NULL;
}

static const oxy_expr *build_form(struct build *in, const sexp *x)
{
    const oxy_expr *args[MAX_ARGS];
    uint32_t n;

    for (size_t i = 0; i < OXY_COUNT(binary_ops); i++) {
        if (!sexp_form(x, binary_ops[i].symbol))
            continue;
        build_pair(in, x, args);
        return oxy_binary(in->b, binary_ops[i].op, args[0], args[1]);
    }
    for (size_t i = 0; i < OXY_COUNT(match_ops); i++) {
        if (!sexp_form(x, match_ops[i].symbol))
            continue;
        build_pair(in, x, args);
        return oxy_match(in->b, match_ops[i].op, match_ops[i].fold, args[0], args[1]);
    }
    for (size_t i = 0; i < OXY_COUNT(container_ops); i++)
        if (sexp_form(x, container_ops[i].symbol))
            return build_container(in, x, container_ops[i].op);
    if (sexp_form(x, "and") || sexp_form(x, "or")) {
        n = build_args(in, x, 1, args, NULL);
        return oxy_logic(in->b, sexp_form(x, "or"), args, n);
    }
    if (sexp_form(x, "tuple")) {
        n = build_args(in, x, 1, args, NULL);
        return oxy_tuple(in->b, args, n);
    }
    if (sexp_form(x, "scalar"))
        return oxy_scalar(in->b, build_select(in, &x->items[1]));
    if (sexp_form(x, "exists"))
        return oxy_exists(in->b, build_select(in, &x->items[1]));
    return build_call(in, x);
}

static const oxy_expr *build(struct build *in, const sexp *x, const oxy_type *beside)
{
    static const struct {
        const char *symbol;
        const oxy_expr *(*build)(struct build *in, const sexp *x);
    } forms[] = {
        {"in", build_in},          {"not-in", build_in},           {"in-many", build_in},
        {"not-in-many", build_in}, {"in-select", build_in},        {"not-in-select", build_in},
        {"case", build_case},      {"window", build_window},       {"raw", build_raw},
        {"cast", build_cast},      {"extract", build_part},        {"trunc", build_part},
        {"path", build_path},      {"path-text", build_path},      {"path-number", build_path},
        {"path-bool", build_path}, {"path-structure", build_path}, {"neg", build_simple},
        {"isnull", build_simple},  {"notnull", build_simple},      {"not", build_simple},
        {"between", build_simple}, {"null", build_simple},         {"alias", build_simple},
        {"default", build_simple}, {"excluded", build_simple},     {"as", build_simple},
    };

    if (in->b->err.rc != OXY_OK)
        return NULL;
    if (sexp_is(x, "true") || sexp_is(x, "false"))
        return oxy_bool(in->b, sexp_is(x, "true"));
    if (is_literal(x))
        return build_literal(in, x, beside);
    if (x->kind == SEXP_SYMBOL)
        return build_symbol(in, x);
    for (size_t i = 0; i < OXY_COUNT(forms); i++)
        if (sexp_form(x, forms[i].symbol))
            return forms[i].build(in, x);
    return build_form(in, x);
}

/* --- SELECT ----------------------------------------------------------------------------------------------- */

static oxy_source *build_source(struct build *in, const sexp *of, const sexp *alias)
{
    oxy_sv name = alias == NULL ? (oxy_sv){0} : alias->text;
    const oxy_table *table = find_table(of);

    if (of->kind == SEXP_LIST)
        return oxy_source_select(in->b, build_select(in, of), name);
    return table != NULL ? oxy_source_table(in->b, table, name) : oxy_source_cte(in->b, of->text, name);
}

static void add_name(struct names *names, const oxy_source *s, const sexp *of, const sexp *alias)
{
    if (s == NULL)
        return;
    names->of[names->n].name = alias != NULL ? alias->text : of->text;
    names->of[names->n++].source = s;
}

static oxy_item *build_items(struct build *in, const sexp *x, uint32_t *n)
{
    oxy_item *items = NULL;

    *n = 0;
    for (uint32_t i = 1; i < x->n; i++) {
        const sexp *part = &x->items[i];
        oxy_item item = {0};

        if (sexp_form(part, ":")) {
            item.alias = part->items[1].text;
            part = &part->items[2];
        }
        item.expr = build(in, part, NULL);
        if (item.expr == NULL)
            return NULL;
        items = oxy_builder_append(in->b, items, n, sizeof item, &item);
        if (items == NULL)
            return NULL;
    }
    return items;
}

static oxy_list build_list(struct build *in, const sexp *x)
{
    const oxy_expr *args[MAX_ARGS], **copy;
    uint32_t n = build_args(in, x, 1, args, NULL);

    copy = grow(in, (n + 1) * sizeof(const oxy_expr *));
    if (copy == NULL || in->b->err.rc != OXY_OK)
        return (oxy_list){0};
    memcpy(copy, args, n * sizeof(const oxy_expr *));
    return (oxy_list){copy, n};
}

static void build_from(struct build *in, const sexp *x, oxy_select *s, struct names *names)
{
    for (uint32_t i = 1; i < x->n; i++) {
        const sexp *part = &x->items[i];

        if (sexp_form(part, "with")) {
            oxy_cte cte = {.name = part->items[1].text, .select = build_select(in, &part->items[2])};

            for (uint32_t j = 3; j < part->n; j++) {
                if (sexp_is(&part->items[j], "union"))
                    cte.union_distinct = true;
                else
                    cte.step = build_select(in, &part->items[j]);
            }
            s->ctes = oxy_builder_append(in->b, (void *)s->ctes, &s->n_ctes, sizeof cte, &cte);
        } else if (sexp_form(part, "from")) {
            const sexp *alias = part->n > 2 ? &part->items[2] : NULL;

            s->from = build_source(in, &part->items[1], alias);
            add_name(names, s->from, &part->items[1], alias);
        } else if (sexp_form(part, "left") || sexp_form(part, "inner")) {
            oxy_join join = {.kind = sexp_form(part, "left") ? OXY_JOIN_LEFT : OXY_JOIN_INNER};
            oxy_source *source = build_source(in, &part->items[1], &part->items[2]);

            if (source == NULL)
                return;
            source->optional = join.kind == OXY_JOIN_LEFT;
            add_name(names, source, &part->items[1], &part->items[2]);
            join.source = source;
            join.on = build(in, &part->items[3], NULL);
            s->joins = oxy_builder_append(in->b, (void *)s->joins, &s->n_joins, sizeof join, &join);
        }
    }
}

static oxy_lock build_lock(struct build *in, const sexp *x)
{
    oxy_lock lock = {0};
    const oxy_source **of = NULL;

    lock.kind = sexp_is(&x->items[1], "share")    ? OXY_LOCK_SHARE
                : sexp_is(&x->items[1], "no-key") ? OXY_LOCK_NO_KEY_UPDATE
                                                  : OXY_LOCK_UPDATE;
    for (uint32_t i = 2; i < x->n; i++) {
        const sexp *part = &x->items[i];

        lock.nowait = lock.nowait || sexp_is(part, "nowait");
        lock.skip_locked = lock.skip_locked || sexp_is(part, "skip-locked");
        if (!sexp_form(part, "of"))
            continue;
        for (uint32_t j = 1; j < part->n; j++)
            for (uint32_t k = 0; k < in->names->n; k++)
                if (oxy_sv_eq(in->names->of[k].name, part->items[j].text))
                    of = oxy_builder_append(in->b, of, &lock.n_of, sizeof *of, &in->names->of[k].source);
    }
    lock.of = of;
    return lock;
}

static void build_clause(struct build *in, const sexp *part, oxy_select *s)
{
    static const struct {
        const char *symbol;
        oxy_set_op op;
    } sets[] = {{"union", OXY_SET_UNION},
                {"union-all", OXY_SET_UNION_ALL},
                {"intersect", OXY_SET_INTERSECT},
                {"except", OXY_SET_EXCEPT}};

    if (sexp_is(part, "distinct"))
        s->distinct = true;
    else if (sexp_form(part, "cols"))
        s->items = build_items(in, part, &s->n_items);
    else if (sexp_form(part, "distinct-on"))
        s->distinct_on = build_list(in, part);
    else if (sexp_form(part, "where"))
        s->where = build(in, &part->items[1], NULL);
    else if (sexp_form(part, "group"))
        s->group_by = build_list(in, part);
    else if (sexp_form(part, "group-item")) /* the very expression of a select item */
        s->group_by = (oxy_list){&s->items[part->items[1].i].expr, 1};
    else if (sexp_form(part, "having"))
        s->having = build(in, &part->items[1], NULL);
    else if (sexp_form(part, "order"))
        s->order = build_orders(in, part, 1);
    else if (sexp_form(part, "limit"))
        s->limit = build(in, &part->items[1], NULL);
    else if (sexp_form(part, "offset"))
        s->offset = build(in, &part->items[1], NULL);
    else if (sexp_form(part, "lock"))
        s->lock = build_lock(in, part);
    for (size_t i = 0; i < OXY_COUNT(sets); i++) {
        oxy_set_operand operand = {.op = sets[i].op};

        if (!sexp_form(part, sets[i].symbol))
            continue;
        operand.select = build_select(in, &part->items[1]);
        if (operand.select != NULL)
            s->operands = oxy_builder_append(in->b, (void *)s->operands, &s->n_operands, sizeof operand, &operand);
    }
}

static const oxy_select *build_select(struct build *in, const sexp *x)
{
    struct names names = {.outer = in->names};
    const struct names *outer = in->names;
    oxy_select *s = grow(in, sizeof *s);
    static const oxy_select none;

    if (s == NULL)
        return &none;
    in->names = &names;
    build_from(in, x, s, &names);
    for (uint32_t i = 1; i < x->n && in->b->err.rc == OXY_OK; i++)
        build_clause(in, &x->items[i], s);
    in->names = outer;
    return in->b->err.rc == OXY_OK ? s : &none;
}

/* --- writes -------------------------------------------------------------------------------------------------- */

static const oxy_column **build_columns(struct build *in, const oxy_table *table, const sexp *x, uint32_t *n)
{
    const oxy_column **columns = NULL;

    *n = 0;
    for (uint32_t i = 1; i < x->n; i++) {
        const oxy_column *c = column_of(table, &x->items[i]);

        columns = oxy_builder_append(in->b, columns, n, sizeof *columns, &c);
    }
    return columns;
}

static const oxy_expr **build_row(struct build *in, const sexp *x, const oxy_column *const *columns, uint32_t n_columns,
                                  const oxy_expr **values, uint32_t *n)
{
    for (uint32_t i = 1; i < x->n && i <= n_columns; i++) {
        const oxy_expr *e = build(in, &x->items[i], &columns[i - 1]->type);

        if (e == NULL)
            return NULL;
        values = oxy_builder_append(in->b, values, n, sizeof *values, &e);
        if (values == NULL)
            return NULL;
    }
    return values;
}

static oxy_assign *build_set(struct build *in, const oxy_table *table, const sexp *x, oxy_assign *sets, uint32_t *n)
{
    oxy_assign set = {.column = column_of(table, &x->items[1])};

    set.value = build(in, &x->items[2], &set.column->type);
    return set.value == NULL ? NULL : oxy_builder_append(in->b, sets, n, sizeof set, &set);
}

static void build_insert(struct build *in, const sexp *x, oxy_insert *s, struct names *names)
{
    const oxy_table *table = find_table(&x->items[1]);
    const oxy_expr **values = NULL;
    uint32_t n_values = 0;
    oxy_assign *sets = NULL;

    s->into = oxy_source_table(in->b, table, (oxy_sv){0});
    add_name(names, s->into, &x->items[1], NULL);
    for (uint32_t i = 2; i < x->n && in->b->err.rc == OXY_OK; i++) {
        const sexp *part = &x->items[i];

        if (sexp_form(part, "cols")) {
            s->columns = build_columns(in, table, part, &s->n_columns);
        } else if (sexp_form(part, "row")) {
            values = build_row(in, part, s->columns, s->n_columns, values, &n_values);
            s->n_rows++;
        } else if (sexp_form(part, "conflict")) {
            s->conflict = OXY_CONFLICT_NOTHING;
            s->targets = build_columns(in, table, part, &s->n_targets);
        } else if (sexp_form(part, "set")) {
            s->conflict = OXY_CONFLICT_UPDATE;
            sets = build_set(in, table, part, sets, &s->n_sets);
        } else if (sexp_form(part, "returning")) {
            s->returning = build_items(in, part, &s->n_returning);
        }
    }
    s->values = values;
    s->sets = sets;
}

static void build_update(struct build *in, const sexp *x, oxy_update *s, struct names *names)
{
    const oxy_table *table = find_table(&x->items[1]);
    const oxy_expr **values = NULL;
    uint32_t n_values = 0;
    oxy_assign *sets = NULL;

    s->table = oxy_source_table(in->b, table, (oxy_sv){0});
    add_name(names, s->table, &x->items[1], NULL);
    for (uint32_t i = 2; i < x->n && in->b->err.rc == OXY_OK; i++) {
        const sexp *part = &x->items[i];

        if (sexp_form(part, "cols")) { /* of the rows of values, named v */
            oxy_source *v = oxy_source_cte(in->b, OXY_SV("v"), OXY_SV("v"));
            static const sexp name = {.kind = SEXP_SYMBOL, .text = {"v", 1}};

            s->values_source = v;
            add_name(names, v, &name, NULL);
            s->values_columns = build_columns(in, table, part, &s->n_values_columns);
        } else if (sexp_form(part, "row")) {
            values = build_row(in, part, s->values_columns, s->n_values_columns, values, &n_values);
            s->n_values_rows++;
        } else if (sexp_form(part, "set")) {
            sets = build_set(in, table, part, sets, &s->n_sets);
        } else if (sexp_form(part, "where")) {
            s->where = build(in, &part->items[1], NULL);
        } else if (sexp_form(part, "returning")) {
            s->returning = build_items(in, part, &s->n_returning);
        }
    }
    s->values = values;
    s->sets = sets;
}

static void build_delete(struct build *in, const sexp *x, oxy_delete *s, struct names *names)
{
    s->table = oxy_source_table(in->b, find_table(&x->items[1]), (oxy_sv){0});
    add_name(names, s->table, &x->items[1], NULL);
    for (uint32_t i = 2; i < x->n && in->b->err.rc == OXY_OK; i++) {
        const sexp *part = &x->items[i];

        if (sexp_form(part, "where"))
            s->where = build(in, &part->items[1], NULL);
        else if (sexp_form(part, "returning"))
            s->returning = build_items(in, part, &s->n_returning);
    }
}

void sexp_statement(oxy_builder *b, const sexp *x, oxy_stmt *out)
{
    struct names names = {0};
    struct build in = {.b = b, .names = &names};

    *out = (oxy_stmt){0};
    if (sexp_form(x, "select") || sexp_form(x, "count") || sexp_form(x, "has-rows")) {
        out->kind = sexp_form(x, "select") ? OXY_S_SELECT : sexp_form(x, "count") ? OXY_S_COUNT : OXY_S_EXISTS;
        in.names = NULL;
        out->select = build_select(&in, out->kind == OXY_S_SELECT ? x : &x->items[1]);
    } else if (sexp_form(x, "insert")) {
        oxy_insert *s = grow(&in, sizeof *s);

        out->kind = OXY_S_INSERT;
        out->insert = s;
        if (s != NULL)
            build_insert(&in, x, s, &names);
    } else if (sexp_form(x, "update")) {
        oxy_update *s = grow(&in, sizeof *s);

        out->kind = OXY_S_UPDATE;
        out->update = s;
        if (s != NULL)
            build_update(&in, x, s, &names);
    } else if (sexp_form(x, "delete")) {
        oxy_delete *s = grow(&in, sizeof *s);

        out->kind = OXY_S_DELETE;
        out->del = s;
        if (s != NULL)
            build_delete(&in, x, s, &names);
    } else {
        mistake(x, "no such statement");
    }
    out->n_params = b->n_params;
}
