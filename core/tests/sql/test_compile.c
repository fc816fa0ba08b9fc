/* SPDX-License-Identifier: MIT */
/* Promises of the compiler that golden cases do not show: limits, long chains,
 * binds, quoting, result columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stub_sqlite.h"
#include "tables.h"

#include <oxyde/sql.h>

static const oxy_dialect *const dialects[] = {&oxy_dialect_postgres, &oxy_dialect_mysql, &oxy_dialect_mariadb,
                                              &oxy_dialect_sqlite};

static oxy_sql *compiled(oxy_builder *b, const oxy_stmt *stmt, const oxy_dialect *d)
{
    oxy_sql *sql;
    oxy_err err;

    if (oxy_compile(stmt, b, d, oxy_alloc_default(), &sql, &err) != OXY_OK)
        fail_msg("%s", err.message);
    return sql;
}

/* A SELECT without items over parcels with that condition. */
static oxy_stmt select_where(oxy_select *s, const oxy_source *from, const oxy_expr *where)
{
    *s = (oxy_select){.from = from, .where = where};
    return (oxy_stmt){.kind = OXY_S_SELECT, .select = s};
}

/* --- long chains --------------------------------------------------------------- */

static const oxy_expr *long_chain(oxy_builder *b, const oxy_source *from, bool is_or, uint32_t n)
{
    const oxy_expr **items = malloc(n * sizeof(const oxy_expr *)), *e;
    const oxy_type type = {.kind = OXY_K_INT};

    assert_non_null(items);
    for (uint32_t i = 0; i < n; i++) {
        oxy_value v = {.tag = OXY_V_INT, .i = i};

        items[i] = oxy_binary(b, OXY_OP_NE, oxy_col(b, from, &parcel_columns[2]), oxy_param(b, &v, &type));
    }
    e = oxy_logic(b, is_or, items, n);
    free(items);
    return e;
}

static void test_ten_thousand_conditions_compile_everywhere(void **state)
{
    (void)state;
    for (int is_or = 0; is_or < 2; is_or++) {
        oxy_builder b;
        oxy_source *from;
        oxy_select s;
        oxy_stmt stmt;

        oxy_builder_init(&b, oxy_alloc_default());
        from = oxy_source_table(&b, &test_tables[0], (oxy_sv){0});
        stmt = select_where(&s, from, long_chain(&b, from, is_or != 0, 10000));
        for (size_t d = 0; d < OXY_COUNT(dialects); d++) {
            oxy_sql *sql = compiled(&b, &stmt, dialects[d]);

            assert_int_equal(sql->n_binds, 10000);
            for (uint32_t i = 0; i < sql->n_binds; i++)
                assert_int_equal(sql->binds[i].param, i);
            if (dialects[d] == &oxy_dialect_sqlite)
                stub_sqlite_prepare("10,000 conditions", sql->text);
            oxy_sql_free(sql);
        }
        oxy_builder_fini(&b);
    }
}

static void test_a_chain_under_the_limit_has_no_parentheses(void **state)
{
    oxy_builder b;
    oxy_source *from;
    oxy_select s;
    oxy_stmt stmt;
    oxy_sql *sql;

    (void)state;
    oxy_builder_init(&b, oxy_alloc_default());
    from = oxy_source_table(&b, &test_tables[0], (oxy_sv){0});
    stmt = select_where(&s, from, long_chain(&b, from, false, 100));
    sql = compiled(&b, &stmt, &oxy_dialect_sqlite);
    assert_null(strchr(sql->text, '('));
    oxy_sql_free(sql);
    oxy_builder_fini(&b);
}

/* --- limits ------------------------------------------------------------------------- */

/* Operands nest without the builder: the compiler must count by itself. */
static void test_selects_nested_past_the_limit_are_refused(void **state)
{
    enum { N = OXY_MAX_DEPTH + 10 };
    static oxy_select selects[N];
    static oxy_set_operand operands[N];
    oxy_stmt stmt = {.kind = OXY_S_SELECT, .select = &selects[0]};
    oxy_builder b;
    oxy_item item;
    oxy_buf shape;

    (void)state;
    oxy_builder_init(&b, oxy_alloc_default());
    item = (oxy_item){.expr = oxy_bool(&b, true)};
    for (int i = 0; i < N; i++) {
        operands[i] = (oxy_set_operand){.op = OXY_SET_UNION, .select = i + 1 < N ? &selects[i + 1] : NULL};
        selects[i] = (oxy_select){.items = &item, .n_items = 1, .operands = &operands[i], .n_operands = i + 1 < N};
    }
    for (size_t d = 0; d < OXY_COUNT(dialects); d++) {
        oxy_sql *sql;
        oxy_err err;

        assert_int_equal(oxy_compile(&stmt, &b, dialects[d], oxy_alloc_default(), &sql, &err), OXY_VALUE);
        assert_null(sql);
    }
    oxy_buf_init(&shape, oxy_alloc_default(), 1 << 20);
    assert_int_equal(oxy_shape(&stmt, &b, &shape), OXY_VALUE);
    oxy_buf_fini(&shape);
    oxy_builder_fini(&b);
}

static void test_a_name_with_nul_is_refused(void **state)
{
    static const oxy_column columns[] = {{.name = {"a\0b", 3}, .type = {.kind = OXY_K_INT}}};
    static const oxy_table table = {.uid = 99, .name = TEXT_OF("t"), .columns = columns, .n_columns = 1};
    oxy_builder b;
    oxy_source *from;
    oxy_select s;
    oxy_stmt stmt;

    (void)state;
    oxy_builder_init(&b, oxy_alloc_default());
    from = oxy_source_table(&b, &table, (oxy_sv){0});
    stmt = select_where(&s, from, oxy_unary(&b, OXY_UN_IS_NULL, oxy_col(&b, from, &columns[0])));
    for (size_t d = 0; d < OXY_COUNT(dialects); d++) {
        oxy_sql *sql;
        oxy_err err;

        assert_int_equal(oxy_compile(&stmt, &b, dialects[d], oxy_alloc_default(), &sql, &err), OXY_VALUE);
        assert_string_equal(err.message, "a name holds a NUL character");
    }
    oxy_builder_fini(&b);
}

static void test_a_column_of_a_table_outside_the_query_is_refused(void **state)
{
    oxy_builder b;
    oxy_source *from, *other;
    oxy_select s;
    oxy_stmt stmt;
    oxy_sql *sql;
    oxy_err err;

    (void)state;
    oxy_builder_init(&b, oxy_alloc_default());
    from = oxy_source_table(&b, &test_tables[0], (oxy_sv){0});
    other = oxy_source_table(&b, &test_tables[1], (oxy_sv){0});
    stmt = select_where(&s, from, oxy_unary(&b, OXY_UN_IS_NULL, oxy_col(&b, other, &depot_columns[0])));
    assert_int_equal(oxy_compile(&stmt, &b, &oxy_dialect_postgres, oxy_alloc_default(), &sql, &err), OXY_INTERNAL);
    oxy_builder_fini(&b);
}

static void test_a_failed_builder_compiles_to_its_own_failure(void **state)
{
    oxy_builder b;
    oxy_select s = {0};
    oxy_stmt stmt = {.kind = OXY_S_SELECT, .select = &s};
    oxy_sql *sql;
    oxy_buf shape;
    oxy_err err;

    (void)state;
    oxy_builder_init(&b, oxy_alloc_default());
    assert_null(oxy_func(&b, OXY_FN_LOWER, NULL, 0));
    assert_int_equal(oxy_compile(&stmt, &b, &oxy_dialect_sqlite, oxy_alloc_default(), &sql, &err), OXY_VALUE);
    assert_string_equal(err.message, b.err.message);
    oxy_buf_init(&shape, oxy_alloc_default(), 1 << 10);
    assert_int_equal(oxy_shape(&stmt, &b, &shape), OXY_VALUE);
    oxy_buf_fini(&shape);
    oxy_builder_fini(&b);
}

/* --- results and binds --------------------------------------------------------------- */

static void test_a_statement_outlives_its_tree(void **state)
{
    oxy_builder b;
    oxy_source *from;
    oxy_item items[2];
    oxy_select s = {.items = items, .n_items = 2};
    oxy_stmt stmt = {.kind = OXY_S_SELECT, .select = &s};
    char alias[] = "short lived";
    oxy_sql *sql;

    (void)state;
    oxy_builder_init(&b, oxy_alloc_default());
    s.from = from = oxy_source_table(&b, &test_tables[0], (oxy_sv){0});
    items[0] = (oxy_item){.expr = oxy_col(&b, from, &parcel_columns[13])};
    items[1] = (oxy_item){.expr = oxy_col(&b, from, &parcel_columns[2]), .alias = {alias, strlen(alias)}};
    sql = compiled(&b, &stmt, &oxy_dialect_postgres);
    oxy_builder_fini(&b);
    memset(alias, 'x', sizeof alias - 1);
    assert_string_equal(sql->text, "SELECT \"grade\", \"weight\" AS \"short lived\" FROM \"parcels\"");
    assert_true(oxy_sv_eq(sql->cols[0].name, OXY_SV("grade")));
    assert_true(oxy_sv_eq(sql->cols[1].name, OXY_SV("short lived")));
    assert_ptr_equal(sql->cols[0].column, &parcel_columns[13]);
    assert_ptr_equal(sql->cols[1].table, &test_tables[0]);
    assert_true(oxy_sv_eq(sql->cols[0].type.name, OXY_SV("grade_enum")));
    assert_int_equal(sql->len, strlen(sql->text));
    oxy_sql_free(sql);
    oxy_sql_free(NULL);
}

static void test_values_are_bound_with_the_type_of_their_column(void **state)
{
    oxy_builder b;
    oxy_source *from;
    oxy_select s;
    oxy_stmt stmt;
    oxy_value v = {.tag = OXY_V_NULL};
    oxy_sql *sql;

    (void)state;
    oxy_builder_init(&b, oxy_alloc_default());
    from = oxy_source_table(&b, &test_tables[0], (oxy_sv){0});
    stmt = select_where(
        &s, from,
        oxy_binary(&b, OXY_OP_EQ, oxy_col(&b, from, &parcel_columns[3]), oxy_param(&b, &v, &parcel_columns[3].type)));
    sql = compiled(&b, &stmt, &oxy_dialect_postgres);
    assert_int_equal(sql->binds[0].type.kind, OXY_K_DECIMAL); /* NULL included */
    assert_int_equal(sql->binds[0].type.size, 10);
    assert_int_equal(sql->binds[0].type.scale, 2);
    assert_int_equal(sql->binds[0].how, OXY_BIND_PLAIN);
    oxy_sql_free(sql);
    oxy_builder_fini(&b);
}

static const struct pattern_row {
    oxy_bind_how how;
    const char *text, *made;
} patterns[] = {
    {OXY_BIND_PLAIN, "a%", "a%"},
    {OXY_BIND_LIKE_CONTAINS, "a", "%a%"},
    {OXY_BIND_LIKE_STARTSWITH, "a", "a%"},
    {OXY_BIND_LIKE_ENDSWITH, "a", "%a"},
    {OXY_BIND_LIKE_CONTAINS, "%_\\", "%\\%\\_\\\\%"},
    {OXY_BIND_LIKE_CONTAINS, "", "%%"},
    {OXY_BIND_GLOB_CONTAINS, "a", "*a*"},
    {OXY_BIND_GLOB_STARTSWITH, "a]", "a]*"},
    {OXY_BIND_GLOB_ENDSWITH, "*?[", "*[*][?][[]"},
    {OXY_BIND_REGEX_CASE, "^a", "(?-i)^a"},
    {OXY_BIND_REGEX_FOLD, "^a", "(?i)^a"},
};

static void test_texts_become_patterns(void **state)
{
    oxy_arena scratch;

    (void)state;
    oxy_arena_init(&scratch, oxy_alloc_default(), 1 << 20);
    for (size_t i = 0; i < OXY_COUNT(patterns); i++) {
        oxy_value v = {.tag = OXY_V_TEXT, .s = oxy_sv_of(patterns[i].text)}, out;
        oxy_bind bind = {.how = patterns[i].how, .n = 1};
        oxy_err err;

        assert_int_equal(oxy_bind_value(&bind, &v, &scratch, &out, &err), OXY_OK);
        if (!oxy_sv_eq(out.s, oxy_sv_of(patterns[i].made)))
            fail_msg("row %zu gives %.*s", i, OXY_SV_ARG(out.s));
    }
    oxy_arena_fini(&scratch);
}

static void test_null_stays_null_and_numbers_are_no_patterns(void **state)
{
    oxy_value null = {.tag = OXY_V_NULL}, number = {.tag = OXY_V_INT, .i = 3}, out;
    oxy_bind bind = {.how = OXY_BIND_LIKE_CONTAINS, .n = 1};
    oxy_arena scratch;
    oxy_err err;

    (void)state;
    oxy_arena_init(&scratch, oxy_alloc_default(), 1 << 20);
    assert_int_equal(oxy_bind_value(&bind, &null, &scratch, &out, &err), OXY_OK);
    assert_int_equal(out.tag, OXY_V_NULL);
    assert_int_equal(oxy_bind_value(&bind, &number, &scratch, &out, &err), OXY_TYPE);
    oxy_arena_fini(&scratch);
}

static void test_a_run_of_values_is_gathered(void **state)
{
    oxy_value values[3] = {{.tag = OXY_V_INT, .i = 1}, {.tag = OXY_V_INT, .i = 2}, {.tag = OXY_V_INT, .i = 3}}, out;
    oxy_bind bind = {.how = OXY_BIND_ARRAY, .param = 1, .n = 2, .type = {.kind = OXY_K_ARRAY, .elem = OXY_K_INT}};
    oxy_arena scratch;
    oxy_err err;

    (void)state;
    oxy_arena_init(&scratch, oxy_alloc_default(), 1 << 20);
    assert_int_equal(oxy_bind_value(&bind, values, &scratch, &out, &err), OXY_OK);
    assert_int_equal(out.tag, OXY_V_ARRAY);
    assert_int_equal(out.array->n, 2);
    assert_int_equal(out.array->items[0].i, 2);
    assert_int_equal(out.array->elem, OXY_K_INT);
    oxy_arena_fini(&scratch);
}

/* --- quoting and dialects ---------------------------------------------------------------- */

static void check_quoted(void (*quote)(const oxy_dialect *, oxy_buf *, oxy_sv), const oxy_dialect *d, const char *text,
                         const char *expected)
{
    oxy_buf out;

    oxy_buf_init(&out, oxy_alloc_default(), 1 << 10);
    quote(d, &out, oxy_sv_of(text));
    assert_int_equal(out.rc, OXY_OK);
    assert_string_equal(out.p, expected);
    oxy_buf_fini(&out);
}

static void test_quoting(void **state)
{
    oxy_buf out;

    (void)state;
    check_quoted(oxy_quote_name, &oxy_dialect_postgres, "a\"b", "\"a\"\"b\"");
    check_quoted(oxy_quote_name, &oxy_dialect_sqlite, "a`b\"", "\"a`b\"\"\"");
    check_quoted(oxy_quote_name, &oxy_dialect_mysql, "a`b\"", "`a``b\"`");
    check_quoted(oxy_quote_name, &oxy_dialect_mariadb, "", "``");
    check_quoted(oxy_quote_text, &oxy_dialect_postgres, "it's", "'it''s'");
    check_quoted(oxy_quote_text, &oxy_dialect_postgres, "a\\'", "E'a\\\\'''");
    check_quoted(oxy_quote_text, &oxy_dialect_sqlite, "a\\'", "'a\\'''");
    check_quoted(oxy_quote_text, &oxy_dialect_mysql, "a\\'", "'a\\\\'''");
    check_quoted(oxy_quote_text, &oxy_dialect_mysql, "", "''");
    oxy_buf_init(&out, oxy_alloc_default(), 1 << 10);
    oxy_quote_name(&oxy_dialect_sqlite, &out, (oxy_sv){"a\0", 2});
    assert_int_equal(out.rc, OXY_VALUE);
    oxy_buf_fini(&out);
}

static void test_dialects_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(oxy_dialect_find(OXY_SV("postgresql")), &oxy_dialect_postgres);
    for (size_t d = 0; d < OXY_COUNT(dialects); d++)
        assert_ptr_equal(oxy_dialect_find(oxy_sv_of(oxy_dialect_name(dialects[d]))), dialects[d]);
    assert_null(oxy_dialect_find(OXY_SV("oracle")));
    assert_null(oxy_dialect_find((oxy_sv){0}));
    assert_int_equal(oxy_dialect_max_params(&oxy_dialect_sqlite), 32766);
    assert_int_equal(oxy_dialect_max_params(&oxy_dialect_postgres), 65535);
}

/* --- keys ------------------------------------------------------------------------- */

static void test_an_insert_for_keys_tells_how_to_do_without_returning(void **state)
{
    (void)state;
    for (size_t i = 0; i < OXY_COUNT(dialects); i++) {
        for (uint32_t n_rows = 1; n_rows <= 2; n_rows++) {
            oxy_builder b;
            oxy_sql *sql;
            const oxy_source *into;
            const oxy_column *columns[] = {&parcel_columns[2]};
            const oxy_expr *values[2];
            const oxy_type type = {.kind = OXY_K_INT};
            const oxy_value v = {.tag = OXY_V_INT, .i = 7};
            bool expected = dialects[i] == &oxy_dialect_sqlite && n_rows > 1;

            if (dialects[i] == &oxy_dialect_mysql)
                continue; /* has no RETURNING */
            oxy_builder_init(&b, oxy_alloc_default());
            into = oxy_source_table(&b, &test_tables[0], (oxy_sv){0});
            values[0] = oxy_param(&b, &v, &type);
            values[1] = oxy_param(&b, &v, &type);
            const oxy_item returning[] = {{.expr = oxy_col(&b, into, &parcel_columns[0])}};
            const oxy_insert s = {.into = into,
                                  .columns = columns,
                                  .n_columns = 1,
                                  .values = values,
                                  .n_rows = n_rows,
                                  .returning = returning,
                                  .n_returning = 1};
            const oxy_stmt stmt = {.kind = OXY_S_INSERT, .insert = &s};

            sql = compiled(&b, &stmt, dialects[i]);
            assert_int_equal(strlen(sql->text), sql->len);
            assert_int_equal(sql->key_query.p != NULL, expected);
            if (expected) {
                assert_string_equal(sql->text + sql->quiet_len, " RETURNING \"id\"");
                assert_string_equal(sql->key_query.p, "SELECT _rowid_ FROM \"parcels\" ORDER BY _rowid_ DESC LIMIT 1");
                assert_int_equal(strlen(sql->key_query.p), sql->key_query.len);
                assert_int_equal(sql->n_rows, 2);
            }
            assert_int_equal(sql->cols[0].name.len, 2);
            oxy_sql_free(sql);
            oxy_builder_fini(&b);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_thousand_conditions_compile_everywhere),
        cmocka_unit_test(test_a_chain_under_the_limit_has_no_parentheses),
        cmocka_unit_test(test_selects_nested_past_the_limit_are_refused),
        cmocka_unit_test(test_a_name_with_nul_is_refused),
        cmocka_unit_test(test_a_column_of_a_table_outside_the_query_is_refused),
        cmocka_unit_test(test_a_failed_builder_compiles_to_its_own_failure),
        cmocka_unit_test(test_a_statement_outlives_its_tree),
        cmocka_unit_test(test_values_are_bound_with_the_type_of_their_column),
        cmocka_unit_test(test_texts_become_patterns),
        cmocka_unit_test(test_null_stays_null_and_numbers_are_no_patterns),
        cmocka_unit_test(test_a_run_of_values_is_gathered),
        cmocka_unit_test(test_quoting),
        cmocka_unit_test(test_dialects_are_found_by_name),
        cmocka_unit_test(test_an_insert_for_keys_tells_how_to_do_without_returning),
    };
    int rc;

    stub_sqlite_open();
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    stub_sqlite_close();
    return rc;
}
