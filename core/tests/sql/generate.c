/* SPDX-License-Identifier: MIT */
/* generate: bytes decide, one choice each; when they run out every choice is
 * the first, which is a leaf, so that a tree always ends. */
#include "generate.h"

#include "tables.h"

#include <string.h>

enum { MAX_SOURCES = 6, MAX_LIST = 4 };

struct gen {
    oxy_builder *b;
    generate_input in;
    int depth;
    const oxy_source *sources[MAX_SOURCES]; /* visible, outer first */
    uint32_t n_sources;
};

static unsigned choose(struct gen *g, unsigned n)
{
    unsigned c;

    if (g->in.n == 0)
        return 0;
    c = *g->in.p;
    g->in.p++;
    g->in.n--;
    return c % n;
}

static uint64_t next_value(struct gen *g)
{
    uint64_t x = g->in.values;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    g->in.values = x;
    return x;
}

static const oxy_expr *any(struct gen *g, oxy_kind kind);
static const oxy_expr *condition(struct gen *g);
static const oxy_select *select(struct gen *g, uint32_t n_items);

/* --- leaves ---------------------------------------------------------------------- */

static oxy_value value_of(struct gen *g, oxy_kind kind)
{
    static const char *const words[] = {"north", "a", "xy z", "q"};
    const char *word = words[next_value(g) % OXY_COUNT(words)];
    uint64_t n = next_value(g);

    switch (kind) {
    case OXY_K_BOOL: return (oxy_value){.tag = OXY_V_BOOL, .i = (int64_t)(n & 1)};
    case OXY_K_DOUBLE: return (oxy_value){.tag = OXY_V_DOUBLE, .d = (double)(n % 1000) / 8};
    case OXY_K_DECIMAL: return (oxy_value){.tag = OXY_V_DECIMAL, .s = oxy_sv_of(n & 1 ? "1.50" : "-2")};
    case OXY_K_DATETIME: return (oxy_value){.tag = OXY_V_DATETIME, .i = (int64_t)(n >> 12)};
    case OXY_K_DATETIME_UTC: return (oxy_value){.tag = OXY_V_DATETIME_UTC, .i = (int64_t)(n >> 12)};
    case OXY_K_DATE: return (oxy_value){.tag = OXY_V_DATE, .i = (int64_t)(n % 30000)};
    case OXY_K_JSON: return (oxy_value){.tag = OXY_V_JSON, .s = oxy_sv_of(n & 1 ? "{}" : "[1]")};
    case OXY_K_STRING:
    case OXY_K_TEXT:
    case OXY_K_ENUM: return (oxy_value){.tag = OXY_V_TEXT, .s = oxy_sv_of(word)};
    default: return (oxy_value){.tag = OXY_V_INT, .i = (int64_t)(n % 100)};
    }
}

static const oxy_expr *param(struct gen *g, const oxy_type *type)
{
    oxy_value value = value_of(g, type->kind);

    return oxy_param(g->b, &value, type);
}

static bool kind_fits(oxy_kind have, oxy_kind want)
{
    if (want == OXY_K_TEXT)
        return have == OXY_K_TEXT || have == OXY_K_STRING;
    if (want == OXY_K_INT)
        return have == OXY_K_INT || have == OXY_K_DOUBLE || have == OXY_K_DECIMAL;
    return have == want;
}

static const oxy_expr *column(struct gen *g, oxy_kind kind)
{
    for (uint32_t tries = 0; tries < 8 && g->n_sources != 0; tries++) {
        const oxy_source *s = g->sources[choose(g, g->n_sources)];
        const oxy_column *c;

        if (s->table == NULL)
            continue;
        c = &s->table->columns[choose(g, s->table->n_columns)];
        if (kind_fits(c->type.kind, kind))
            return oxy_col(g->b, s, c);
    }
    return param(g, &(oxy_type){.kind = kind});
}

/* --- expressions -------------------------------------------------------------------- */

static const oxy_expr *number(struct gen *g)
{
    const oxy_expr *args[3];
    oxy_expr init = {.kind = OXY_E_AGG};

    switch (choose(g, 10)) {
    case 1: return param(g, &(oxy_type){.kind = OXY_K_INT});
    case 2: return param(g, &(oxy_type){.kind = OXY_K_DECIMAL});
    case 3:
    case 4:
        args[0] = any(g, OXY_K_INT);
        args[1] = any(g, OXY_K_INT);
        return oxy_binary(g->b, (oxy_op)(OXY_OP_ADD + choose(g, 6)), args[0], args[1]);
    case 5: return oxy_unary(g->b, OXY_UN_NEG, any(g, OXY_K_INT));
    case 6:
        args[0] = any(g, OXY_K_INT);
        args[1] = any(g, OXY_K_INT);
        return oxy_func(g->b, choose(g, 2) != 0 ? OXY_FN_GREATEST : OXY_FN_COALESCE, args, 1 + choose(g, 2));
    case 7:
        init.agg.fn = (oxy_aggfn)(OXY_AGG_SUM + choose(g, 4));
        init.agg.arg = any(g, OXY_K_INT);
        init.agg.distinct = choose(g, 2) != 0;
        init.agg.filter = choose(g, 3) == 1 ? condition(g) : NULL;
        return oxy_agg(g->b, &init);
    case 8: return oxy_extract(g->b, (oxy_part)choose(g, OXY_PART_DATE), false, any(g, OXY_K_DATETIME));
    case 9: return oxy_scalar(g->b, select(g, 1));
    default: return column(g, OXY_K_INT);
    }
}

static const oxy_expr *text(struct gen *g)
{
    static const oxy_fn functions[] = {OXY_FN_LOWER, OXY_FN_UPPER, OXY_FN_TRIM};
    const oxy_expr *args[3];

    switch (choose(g, 7)) {
    case 1: return param(g, &(oxy_type){.kind = OXY_K_TEXT});
    case 2: args[0] = any(g, OXY_K_TEXT); return oxy_func(g->b, functions[choose(g, 3)], args, 1);
    case 3:
        args[0] = choose(g, 2) != 0 ? any(g, OXY_K_TEXT) : oxy_nul(g->b, NULL);
        args[1] = any(g, OXY_K_TEXT);
        args[2] = any(g, OXY_K_TEXT);
        return oxy_func(g->b, OXY_FN_CONCAT, args, 3);
    case 4: args[0] = any(g, OXY_K_TEXT); return oxy_binary(g->b, OXY_OP_ADD, args[0], any(g, OXY_K_TEXT));
    case 5:
        args[0] = condition(g);
        args[1] = any(g, OXY_K_TEXT);
        return oxy_case(g->b, args, 2, choose(g, 2) != 0 ? any(g, OXY_K_TEXT) : NULL);
    case 6:
        args[0] = param(g, &(oxy_type){.kind = OXY_K_INT});
        return oxy_raw(g->b, OXY_SV("'raw' || %s"), args, 1, NULL);
    default: return column(g, OXY_K_TEXT);
    }
}

static const oxy_expr *any(struct gen *g, oxy_kind kind)
{
    const oxy_expr *e;

    if (g->depth > 12 || g->b->err.rc != OXY_OK)
        return column(g, kind);
    g->depth++;
    if (kind == OXY_K_INT)
        e = number(g);
    else if (kind == OXY_K_TEXT)
        e = text(g);
    else
        e = column(g, kind);
    g->depth--;
    return e;
}

static const oxy_expr *membership(struct gen *g)
{
    const oxy_expr *arg = any(g, OXY_K_INT), *items[MAX_LIST];
    bool negated = choose(g, 2) != 0;
    oxy_value values[200];
    uint32_t n;

    switch (choose(g, 4)) {
    case 0:
        n = choose(g, MAX_LIST);
        for (uint32_t i = 0; i < n; i++)
            values[i] = value_of(g, OXY_K_INT);
        return oxy_in_values(g->b, arg, negated, values, n);
    case 1:
        /* Past the limit the length is a value, not structure. */
        n = OXY_IN_ARRAY_FROM + (uint32_t)(next_value(g) % 90);
        for (uint32_t i = 0; i < n; i++)
            values[i] = value_of(g, OXY_K_INT);
        return oxy_in_values(g->b, column(g, OXY_K_TEXT), negated, values, n);
    case 2:
        n = 1 + choose(g, MAX_LIST - 1);
        for (uint32_t i = 0; i < n; i++)
            items[i] = any(g, OXY_K_INT);
        return oxy_in_list(g->b, arg, negated, items, n);
    default: return oxy_in_select(g->b, arg, negated, select(g, 1));
    }
}

static const oxy_expr *simple_condition(struct gen *g)
{
    oxy_kind kind = choose(g, 2) != 0 ? OXY_K_TEXT : OXY_K_INT;
    const oxy_expr *a, *b;

    switch (choose(g, 8)) {
    case 1: return oxy_unary(g->b, (oxy_unop)(OXY_UN_IS_NULL + choose(g, 2)), any(g, kind));
    case 2:
        a = any(g, kind);
        b = any(g, kind);
        return oxy_between(g->b, a, b, any(g, kind));
    case 3: return membership(g);
    case 4:
        a = any(g, OXY_K_TEXT);
        b = any(g, OXY_K_TEXT);
        return oxy_match(g->b, (oxy_match_op)choose(g, OXY_MATCH_COUNT), choose(g, 2) != 0, a, b);
    case 5: return oxy_exists(g->b, select(g, 1 + choose(g, 2)));
    case 6: return oxy_bool(g->b, choose(g, 2) != 0);
    case 7:
        a = column(g, OXY_K_JSON);
        b = param(g, &(oxy_type){.kind = OXY_K_JSON});
        return choose(g, 2) != 0 ? oxy_container(g->b, OXY_CO_JSON_CONTAINS, a, b, NULL, 0)
                                 : oxy_binary(g->b, (oxy_op)choose(g, 2), a, b);
    default:
        a = any(g, kind);
        b = choose(g, 2) != 0 && a != NULL ? param(g, &a->type) : any(g, kind);
        return oxy_binary(g->b, (oxy_op)choose(g, OXY_OP_GE + 1), a, b);
    }
}

static const oxy_expr *condition(struct gen *g)
{
    const oxy_expr *items[MAX_LIST], *e;
    uint32_t n;
    bool is_or;

    if (g->depth > 12 || g->b->err.rc != OXY_OK)
        return oxy_bool(g->b, true);
    g->depth++;
    switch (choose(g, 4)) {
    case 1:
        is_or = choose(g, 2) != 0;
        n = choose(g, MAX_LIST);
        for (uint32_t i = 0; i < n; i++)
            items[i] = condition(g);
        e = oxy_logic(g->b, is_or, items, n);
        break;
    case 2: e = oxy_not(g->b, condition(g)); break;
    default: e = simple_condition(g); break;
    }
    g->depth--;
    return e;
}

/* --- SELECT ------------------------------------------------------------------------------ */

static void add_source(struct gen *g, const oxy_source *s)
{
    if (s != NULL && g->n_sources < MAX_SOURCES)
        g->sources[g->n_sources++] = s;
}

static oxy_source *table_source(struct gen *g)
{
    static const char *const aliases[] = {"", "", "p", "q"};

    return oxy_source_table(g->b, &test_tables[choose(g, OXY_COUNT(test_tables))],
                            oxy_sv_of(aliases[choose(g, OXY_COUNT(aliases))]));
}

static void add_join(struct gen *g, oxy_select *s)
{
    oxy_join join = {.kind = choose(g, 2) != 0 ? OXY_JOIN_LEFT : OXY_JOIN_INNER};
    oxy_source *source = table_source(g);

    if (source == NULL)
        return;
    source->optional = join.kind == OXY_JOIN_LEFT;
    add_source(g, source);
    join.source = source;
    join.on = condition(g);
    s->joins = oxy_builder_append(g->b, (void *)s->joins, &s->n_joins, sizeof join, &join);
}

static void add_items(struct gen *g, oxy_select *s, uint32_t n)
{
    static const char *const aliases[] = {"", "a", "ref", "kg"};

    for (uint32_t i = 0; i < n; i++) {
        oxy_item item = {.expr = any(g, choose(g, 2) != 0 ? OXY_K_TEXT : OXY_K_INT)};

        item.alias = oxy_sv_of(aliases[choose(g, OXY_COUNT(aliases))]);
        if (item.expr == NULL)
            return;
        s->items = oxy_builder_append(g->b, (void *)s->items, &s->n_items, sizeof item, &item);
    }
}

static void add_order(struct gen *g, oxy_select *s)
{
    oxy_order *items = NULL;
    uint32_t n = 0, wanted = choose(g, 3);

    for (uint32_t i = 0; i < wanted; i++) {
        oxy_order order = {.descending = choose(g, 2) != 0, .nulls = (int8_t)((int)choose(g, 3) - 1)};

        order.expr = s->n_items != 0 && choose(g, 2) != 0 ? s->items[choose(g, s->n_items)].expr : any(g, OXY_K_INT);
        if (order.expr == NULL)
            return;
        items = oxy_builder_append(g->b, items, &n, sizeof order, &order);
    }
    s->order = (oxy_orders){items, items == NULL ? 0 : n};
}

static void add_tail(struct gen *g, oxy_select *s)
{
    oxy_type type = {.kind = OXY_K_INT};
    const oxy_expr *one;

    if (choose(g, 4) == 1) {
        const oxy_expr **list = oxy_arena_new(&g->b->arena, sizeof *list);

        one = any(g, OXY_K_INT);
        if (list != NULL && one != NULL) {
            list[0] = one;
            if (choose(g, 4) == 1)
                s->distinct_on = (oxy_list){list, 1};
            else
                s->group_by = (oxy_list){list, 1};
        }
    }
    if (choose(g, 5) == 1) {
        oxy_set_operand operand = {.op = (oxy_set_op)choose(g, 4), .select = select(g, s->n_items)};

        s->operands = oxy_builder_append(g->b, (void *)s->operands, &s->n_operands, sizeof operand, &operand);
    }
    add_order(g, s);
    if (choose(g, 3) == 1)
        s->limit = param(g, &type);
    if (choose(g, 4) == 1)
        s->offset = param(g, &type);
    if (choose(g, 8) == 1)
        s->lock = (oxy_lock){.kind = (oxy_lock_kind)choose(g, 4), .nowait = choose(g, 2) != 0};
}

static const oxy_select *select(struct gen *g, uint32_t n_items)
{
    static const oxy_select empty;
    oxy_select *s = oxy_arena_zero(&g->b->arena, 1, sizeof *s);
    uint32_t outer = g->n_sources;

    if (s == NULL || g->depth > 12 || g->b->err.rc != OXY_OK) {
        if (s == NULL)
            return &empty;
        g->depth = g->depth > 12 ? 13 : g->depth;
    }
    g->depth += 3;
    s->from = table_source(g);
    add_source(g, s->from);
    if (choose(g, 3) == 1)
        add_join(g, s);
    add_items(g, s, n_items);
    s->distinct = choose(g, 5) == 1;
    if (choose(g, 3) != 0)
        s->where = condition(g);
    add_tail(g, s);
    g->depth -= 3;
    g->n_sources = outer;
    return s;
}

/* --- writes --------------------------------------------------------------------------------- */

static oxy_assign *assignments(struct gen *g, const oxy_table *table, uint32_t *n)
{
    oxy_assign *sets = NULL;
    uint32_t wanted = 1 + choose(g, 3);

    *n = 0;
    for (uint32_t i = 0; i < wanted; i++) {
        oxy_assign set = {.column = &table->columns[choose(g, table->n_columns)]};

        set.value = choose(g, 2) != 0 ? any(g, OXY_K_INT) : param(g, &set.column->type);
        if (set.value == NULL)
            break;
        sets = oxy_builder_append(g->b, sets, n, sizeof set, &set);
    }
    return sets;
}

static void insert(struct gen *g, oxy_stmt *out)
{
    oxy_insert *s = oxy_arena_zero(&g->b->arena, 1, sizeof *s);
    const oxy_column **columns = NULL;
    const oxy_expr **values = NULL;
    uint32_t n_values = 0, wanted = choose(g, 4);
    oxy_source *into = table_source(g);

    if (s == NULL || into == NULL)
        return;
    s->into = into;
    for (uint32_t i = 0; i < wanted; i++) {
        const oxy_column *c = &into->table->columns[choose(g, into->table->n_columns)];

        columns = oxy_builder_append(g->b, columns, &s->n_columns, sizeof *columns, &c);
    }
    s->columns = columns;
    s->n_rows = 1 + choose(g, 3);
    for (uint32_t i = 0; i < s->n_rows * s->n_columns && g->b->err.rc == OXY_OK; i++) {
        const oxy_expr *e = choose(g, 4) == 1 ? oxy_default(g->b) : param(g, &s->columns[i % s->n_columns]->type);

        values = oxy_builder_append(g->b, values, &n_values, sizeof *values, &e);
    }
    s->values = values;
    add_source(g, into);
    s->conflict = (oxy_conflict)choose(g, 3);
    if (s->conflict != OXY_CONFLICT_ERROR && choose(g, 3) != 0) {
        const oxy_column *key = &into->table->columns[0];
        const oxy_column **targets = NULL;

        s->targets = oxy_builder_append(g->b, targets, &s->n_targets, sizeof *targets, &key);
    }
    if (s->conflict == OXY_CONFLICT_UPDATE)
        s->sets = assignments(g, into->table, &s->n_sets);
    *out = (oxy_stmt){.kind = OXY_S_INSERT, .insert = s};
}

static void change(struct gen *g, oxy_stmt *out)
{
    oxy_update *u = oxy_arena_zero(&g->b->arena, 1, sizeof *u);
    oxy_delete *d = oxy_arena_zero(&g->b->arena, 1, sizeof *d);
    oxy_source *table = table_source(g);

    if (u == NULL || d == NULL || table == NULL)
        return;
    add_source(g, table);
    if (choose(g, 2) != 0) {
        d->table = table;
        d->where = choose(g, 4) != 0 ? condition(g) : NULL;
        *out = (oxy_stmt){.kind = OXY_S_DELETE, .del = d};
        return;
    }
    u->table = table;
    u->sets = assignments(g, table->table, &u->n_sets);
    u->where = choose(g, 4) != 0 ? condition(g) : NULL;
    *out = (oxy_stmt){.kind = OXY_S_UPDATE, .update = u};
}

void generate_statement(oxy_builder *b, generate_input input, oxy_stmt *out)
{
    struct gen g = {.b = b, .in = input};
    static const oxy_select empty;
    unsigned kind;

    if (g.in.values == 0)
        g.in.values = 1;
    *out = (oxy_stmt){.kind = OXY_S_SELECT, .select = &empty};
    kind = choose(&g, 8);
    if (kind == 6)
        insert(&g, out);
    else if (kind == 7)
        change(&g, out);
    else
        *out = (oxy_stmt){.kind = kind == 4   ? OXY_S_COUNT
                                  : kind == 5 ? OXY_S_EXISTS
                                              : OXY_S_SELECT,
                          .select = select(&g, 1 + choose(&g, 3))};
    out->n_params = b->n_params;
}
