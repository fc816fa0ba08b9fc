/* SPDX-License-Identifier: MIT */
/* Promises of the shape, over thousands of generated statements: values never
 * show in it, and equal shapes mean equal SQL, binds and results in every
 * dialect; with few exceptions different shapes mean different SQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "generate.h"
#include "tables.h"

#include <oxyde/sql.h>

enum { STATEMENTS = 20000, INPUT = 48, SLOTS = 1 << 16 };

static const oxy_dialect *const dialects[] = {&oxy_dialect_postgres, &oxy_dialect_mysql, &oxy_dialect_mariadb,
                                              &oxy_dialect_sqlite};

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void put_type(oxy_buf *out, const oxy_type *t)
{
    oxy_buf_printf(out, "%d.%d.%d.%d.%d.%u.", (int)t->kind, (int)t->elem, t->ndim, t->has_scale, t->scale, t->size);
    oxy_buf_put(out, t->name.p, t->name.len);
    oxy_buf_putc(out, '.');
    oxy_buf_put(out, t->db_type.p, t->db_type.len);
}

/* Everything that a compiled statement promises, in all dialects. */
static void describe(const oxy_stmt *stmt, const oxy_builder *b, oxy_buf *out)
{
    for (size_t d = 0; d < OXY_COUNT(dialects); d++) {
        oxy_sql *sql;
        oxy_err err;
        oxy_rc rc = oxy_compile(stmt, b, dialects[d], oxy_alloc_default(), &sql, &err);

        if (rc != OXY_OK) {
            oxy_buf_printf(out, "!%d %s\n", (int)rc, err.message);
            continue;
        }
        oxy_buf_printf(out, "%s %d %d\n", sql->text, sql->writes, sql->point);
        for (uint32_t i = 0; i < sql->n_binds; i++) {
            oxy_buf_printf(out, "%u %u %d ", sql->binds[i].param, sql->binds[i].n, (int)sql->binds[i].how);
            put_type(out, &sql->binds[i].type);
        }
        for (uint32_t i = 0; i < sql->n_cols; i++) {
            oxy_buf_printf(out, "%.*s %d %p", OXY_SV_ARG(sql->cols[i].name), sql->cols[i].type.nullable,
                           (const void *)sql->cols[i].column);
            put_type(out, &sql->cols[i].type);
        }
        oxy_sql_free(sql);
    }
}

struct made {
    char *shape, *sql;
    size_t n_shape, n_sql;
    bool whole; /* the text does not show all of the statement */
};

/* False when the statement broke a limit. */
static bool make(const unsigned char *bytes, size_t n, uint64_t values, struct made *out)
{
    oxy_builder b;
    oxy_stmt stmt;
    oxy_buf shape, sql;
    bool ok;

    oxy_builder_init(&b, oxy_alloc_default());
    oxy_buf_init(&shape, oxy_alloc_default(), 1 << 24);
    oxy_buf_init(&sql, oxy_alloc_default(), 1 << 24);
    generate_statement(&b, (generate_input){bytes, n, values}, &stmt);
    ok = b.err.rc == OXY_OK;
    out->whole = stmt.kind == OXY_S_COUNT || stmt.kind == OXY_S_EXISTS;
    if (ok) {
        assert_int_equal(oxy_shape(&stmt, &b, &shape), OXY_OK);
        describe(&stmt, &b, &sql);
        assert_int_equal(oxy_buf_take(&shape, &out->shape, &out->n_shape), OXY_OK);
        assert_int_equal(oxy_buf_take(&sql, &out->sql, &out->n_sql), OXY_OK);
        out->whole = out->whole || strchr(out->sql, '!') != NULL || strstr(out->sql, "EXISTS") != NULL;
    }
    oxy_buf_fini(&shape);
    oxy_buf_fini(&sql);
    oxy_builder_fini(&b);
    return ok;
}

static void made_fini(struct made *m)
{
    oxy_alloc_free(oxy_alloc_default(), m->shape);
    oxy_alloc_free(oxy_alloc_default(), m->sql);
}

static size_t random_bytes(unsigned char *bytes)
{
    /* Short inputs, so that statements meet again. */
    size_t n = 2 + next_random() % (INPUT - 2);

    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)next_random();
    return n;
}

static void test_values_do_not_show_in_the_shape(void **state)
{
    unsigned char bytes[INPUT];

    (void)state;
    random_state = 20310506;
    for (int i = 0; i < STATEMENTS / 4; i++) {
        size_t n = random_bytes(bytes);
        struct made a, b;

        if (!make(bytes, n, 11, &a))
            continue;
        assert_true(make(bytes, n, 997 + (uint64_t)i, &b));
        assert_int_equal(a.n_shape, b.n_shape);
        assert_memory_equal(a.shape, b.shape, a.n_shape);
        assert_string_equal(a.sql, b.sql);
        made_fini(&a);
        made_fini(&b);
    }
}

/* Looks for a statement with the same key; keeps the first of each. */
static struct made *meet(struct made *table, const char *key, size_t n, bool by_shape, const struct made *m)
{
    size_t at = oxy_hash(key, n, by_shape) % SLOTS;

    for (;; at = (at + 1) % SLOTS) {
        struct made *have = &table[at];

        if (have->shape == NULL) {
            *have = *m;
            return NULL;
        }
        if (by_shape ? have->n_shape == n && memcmp(have->shape, key, n) == 0
                     : have->n_sql == n && memcmp(have->sql, key, n) == 0)
            return have;
    }
}

static void test_equal_shapes_mean_equal_sql(void **state)
{
    struct made *by_shape = calloc(SLOTS, sizeof *by_shape), *by_sql = calloc(SLOTS, sizeof *by_sql);
    struct made *all = calloc(STATEMENTS, sizeof *all);
    unsigned met = 0, apart = 0, n_all = 0;
    unsigned char bytes[INPUT];

    (void)state;
    assert_true(by_shape != NULL && by_sql != NULL && all != NULL);
    random_state = 77;
    for (int i = 0; i < STATEMENTS; i++) {
        struct made *m = &all[n_all];
        const struct made *same;

        if (!make(bytes, random_bytes(bytes), 3 + (uint64_t)i, m))
            continue;
        n_all++;
        same = meet(by_shape, m->shape, m->n_shape, true, m);
        if (same != NULL) {
            met++;
            if (strcmp(same->sql, m->sql) != 0)
                fail_msg("one shape, but\n%s\nand\n%s", same->sql, m->sql);
        }
        if (m->whole)
            continue; /* counts and EXISTS drop what they do not need, failures everything */
        same = meet(by_sql, m->sql, m->n_sql, false, m);
        if (same != NULL && (same->n_shape != m->n_shape || memcmp(same->shape, m->shape, m->n_shape) != 0))
            apart++;
    }
    assert_true(met > 500); /* the test tests something */
    /* The shape may tell more than the text: which of two equal columns a
     * position in GROUP BY means, for example. */
    if (apart > n_all / 100)
        fail_msg("%u of %u statements have another shape than an equal one", apart, n_all);
    for (unsigned i = 0; i < n_all; i++)
        made_fini(&all[i]);
    free(all);
    free(by_shape);
    free(by_sql);
}

/* --- single cases ------------------------------------------------------------------ */

static void shape_of(oxy_builder *b, const oxy_expr *where, oxy_buf *out)
{
    oxy_source *from = oxy_source_table(b, &test_tables[0], (oxy_sv){0});
    oxy_select s = {.from = from, .where = where};
    oxy_stmt stmt = {.kind = OXY_S_SELECT, .select = &s};

    assert_int_equal(oxy_shape(&stmt, b, out), OXY_OK);
}

static void in_list_shape(uint32_t n, oxy_buf *out)
{
    oxy_value values[300];
    oxy_builder b;
    oxy_source *from;

    oxy_builder_init(&b, oxy_alloc_default());
    from = oxy_source_table(&b, &test_tables[0], (oxy_sv){0});
    for (uint32_t i = 0; i < n; i++)
        values[i] = (oxy_value){.tag = OXY_V_INT, .i = i};
    shape_of(&b, oxy_in_values(&b, oxy_col(&b, from, &parcel_columns[0]), false, values, n), out);
    oxy_builder_fini(&b);
}

static void test_the_length_of_a_long_list_is_a_value(void **state)
{
    oxy_buf a, b;

    (void)state;
    oxy_buf_init(&a, oxy_alloc_default(), 1 << 20);
    oxy_buf_init(&b, oxy_alloc_default(), 1 << 20);
    in_list_shape(150, &a);
    in_list_shape(300, &b);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.p, b.p, a.len);
    oxy_buf_reset(&b);
    in_list_shape(3, &b);
    assert_true(a.len != b.len || memcmp(a.p, b.p, a.len) != 0);
    oxy_buf_reset(&a);
    in_list_shape(4, &a);
    assert_true(a.len != b.len || memcmp(a.p, b.p, a.len) != 0);
    oxy_buf_fini(&a);
    oxy_buf_fini(&b);
}

static void insert_shape(uint8_t tag, oxy_buf *out)
{
    oxy_builder b;
    oxy_value value = {.tag = tag};
    const oxy_column *column = &parcel_columns[2];
    const oxy_expr *values[1];
    oxy_insert s = {.columns = &column, .n_columns = 1, .values = values, .n_rows = 1};
    oxy_stmt stmt = {.kind = OXY_S_INSERT, .insert = &s};

    oxy_builder_init(&b, oxy_alloc_default());
    s.into = oxy_source_table(&b, &test_tables[0], (oxy_sv){0});
    values[0] = oxy_param(&b, &value, &column->type);
    assert_int_equal(oxy_shape(&stmt, &b, out), OXY_OK);
    oxy_builder_fini(&b);
}

static void test_rows_with_and_without_null_share_a_statement(void **state)
{
    oxy_buf a, b;

    (void)state;
    oxy_buf_init(&a, oxy_alloc_default(), 1 << 20);
    oxy_buf_init(&b, oxy_alloc_default(), 1 << 20);
    insert_shape(OXY_V_NULL, &a);
    insert_shape(OXY_V_INT, &b);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.p, b.p, a.len);
    oxy_buf_fini(&a);
    oxy_buf_fini(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_do_not_show_in_the_shape),
        cmocka_unit_test(test_equal_shapes_mean_equal_sql),
        cmocka_unit_test(test_the_length_of_a_long_list_is_a_value),
        cmocka_unit_test(test_rows_with_and_without_null_share_a_statement),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
