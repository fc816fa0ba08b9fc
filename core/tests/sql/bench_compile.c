/* SPDX-License-Identifier: MIT */
/* bench_compile: what a typical query costs. Prints nanoseconds per round for
 * building a tree with its shape (a hit of the statement cache) and for
 * compiling it (a miss). Not a test: numbers are for people. */
#include "tables.h"

#include <oxyde/sql.h>

#include <stdio.h>

enum { ROUNDS = 200000 };

/* SELECT of all columns, three conditions, an order and a limit. */
static oxy_stmt build(oxy_builder *b, oxy_select *s, oxy_item *items)
{
    const oxy_table *t = &test_tables[0];
    oxy_source *from = oxy_source_table(b, t, (oxy_sv){0});
    oxy_value three = {.tag = OXY_V_INT, .i = 3}, text = {.tag = OXY_V_TEXT, .s = {"north", 5}};
    const oxy_expr *parts[3];
    oxy_order *order = NULL, term = {.descending = true};
    uint32_t n_order = 0;

    for (uint32_t i = 0; i < 10; i++)
        items[i] = (oxy_item){.expr = oxy_col(b, from, &t->columns[i])};
    parts[0] = oxy_binary(b, OXY_OP_GE, oxy_col(b, from, &t->columns[2]), oxy_param(b, &three, &t->columns[2].type));
    parts[1] = oxy_match(b, OXY_MATCH_CONTAINS, true, oxy_col(b, from, &t->columns[1]),
                         oxy_param(b, &text, &t->columns[1].type));
    parts[2] = oxy_not(
        b, oxy_binary(b, OXY_OP_EQ, oxy_col(b, from, &t->columns[21]), oxy_param(b, &three, &t->columns[21].type)));
    term.expr = oxy_col(b, from, &t->columns[4]);
    order = oxy_builder_append(b, order, &n_order, sizeof *order, &term);
    *s = (oxy_select){.items = items, .n_items = 10, .from = from, .where = oxy_logic(b, false, parts, 3)};
    s->order = (oxy_orders){order, n_order};
    s->limit = oxy_param(b, &three, &t->columns[0].type);
    return (oxy_stmt){.kind = OXY_S_SELECT, .select = s, .n_params = b->n_params};
}

static double per_round(oxy_ns start)
{
    return (double)(oxy_clock_now() - start) / ROUNDS;
}

int main(void)
{
    static const oxy_dialect *const dialects[] = {&oxy_dialect_postgres, &oxy_dialect_mysql, &oxy_dialect_sqlite};
    oxy_builder b;
    oxy_buf shape;
    oxy_select s;
    oxy_item items[10];
    oxy_stmt stmt;
    oxy_ns start;
    oxy_sql *sql;
    oxy_err err;

    oxy_builder_init(&b, oxy_alloc_default());
    oxy_buf_init(&shape, oxy_alloc_default(), 1 << 20);
    start = oxy_clock_now();
    for (int i = 0; i < ROUNDS; i++) {
        oxy_builder_reset(&b);
        stmt = build(&b, &s, items);
    }
    printf("build          %7.0f ns\n", per_round(start));
    start = oxy_clock_now();
    for (int i = 0; i < ROUNDS; i++) {
        oxy_builder_reset(&b);
        oxy_buf_reset(&shape);
        stmt = build(&b, &s, items);
        if (oxy_shape(&stmt, &b, &shape) != OXY_OK)
            return 1;
    }
    printf("build + shape  %7.0f ns, %zu bytes\n", per_round(start), shape.len);
    for (size_t d = 0; d < OXY_COUNT(dialects); d++) {
        start = oxy_clock_now();
        for (int i = 0; i < ROUNDS; i++) {
            if (oxy_compile(&stmt, &b, dialects[d], oxy_alloc_default(), &sql, &err) != OXY_OK)
                return 1;
            oxy_sql_free(sql);
        }
        printf("compile %-8s %6.0f ns\n", oxy_dialect_name(dialects[d]), per_round(start));
    }
    oxy_buf_fini(&shape);
    oxy_builder_fini(&b);
    return 0;
}
