/* SPDX-License-Identifier: MIT */
/* Promises of the builder: folding, types, limits, sticky errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fail_alloc.h>
#include <oxyde/query.h>

#include "../sql/tables.h"

static const oxy_type int_type = {.kind = OXY_K_INT}, text_type = {.kind = OXY_K_TEXT};

struct room {
    oxy_builder b;
    oxy_source *parcels;
};

static struct room open_room(void)
{
    struct room r;

    oxy_builder_init(&r.b, oxy_alloc_default());
    r.parcels = oxy_source_table(&r.b, &test_tables[0], (oxy_sv){0});
    return r;
}

static const oxy_expr *col(struct room *r, const char *name)
{
    for (size_t i = 0; i < OXY_COUNT(parcel_columns); i++)
        if (oxy_sv_eq(parcel_columns[i].name, oxy_sv_of(name)))
            return oxy_col(&r->b, r->parcels, &parcel_columns[i]);
    return NULL;
}

static const oxy_expr *number(struct room *r, int64_t i)
{
    oxy_value v = {.tag = OXY_V_INT, .i = i};

    return oxy_param(&r->b, &v, &int_type);
}

static const oxy_expr *text(struct room *r, const char *s)
{
    oxy_value v = {.tag = OXY_V_TEXT, .s = oxy_sv_of(s)};

    return oxy_param(&r->b, &v, &text_type);
}

static void test_true_and_false_vanish_from_logic(void **state)
{
    struct room r = open_room();
    const oxy_expr *x = oxy_unary(&r.b, OXY_UN_IS_NULL, col(&r, "remark"));
    const oxy_expr *yes = oxy_bool(&r.b, true), *no = oxy_bool(&r.b, false);

    (void)state;
    assert_ptr_equal(oxy_logic(&r.b, false, (const oxy_expr *[]){yes, x, yes}, 3), x);
    assert_ptr_equal(oxy_logic(&r.b, true, (const oxy_expr *[]){no, x}, 2), x);
    assert_false(oxy_logic(&r.b, false, (const oxy_expr *[]){x, no}, 2)->boolean);
    assert_true(oxy_logic(&r.b, true, (const oxy_expr *[]){x, yes}, 2)->boolean);
    assert_true(oxy_logic(&r.b, false, NULL, 0)->boolean);
    assert_false(oxy_logic(&r.b, true, NULL, 0)->boolean);
    assert_int_equal(oxy_not(&r.b, yes)->kind, OXY_E_BOOL);
    assert_false(oxy_not(&r.b, yes)->boolean);
    oxy_builder_fini(&r.b);
}

static void test_nested_chains_of_a_kind_are_one_list(void **state)
{
    struct room r = open_room();
    const oxy_expr *x = col(&r, "ok"), *two, *e;

    (void)state;
    two = oxy_logic(&r.b, false, (const oxy_expr *[]){x, x}, 2);
    e = oxy_logic(&r.b, false, (const oxy_expr *[]){two, x, two}, 3);
    assert_int_equal(e->logic.list.n, 5);
    e = oxy_logic(&r.b, true, (const oxy_expr *[]){two, x}, 2);
    assert_int_equal(e->logic.list.n, 2);
    oxy_builder_fini(&r.b);
}

static void test_an_empty_list_is_always_false(void **state)
{
    struct room r = open_room();
    oxy_value null = {.tag = OXY_V_NULL};

    (void)state;
    assert_false(oxy_in_values(&r.b, col(&r, "id"), false, NULL, 0)->boolean);
    assert_true(oxy_in_values(&r.b, col(&r, "id"), true, NULL, 0)->boolean);
    assert_false(oxy_in_values(&r.b, col(&r, "id"), false, &null, 1)->boolean);
    assert_true(oxy_in_list(&r.b, col(&r, "id"), true, NULL, 0)->boolean);
    assert_int_equal(r.b.n_params, 0);
    oxy_builder_fini(&r.b);
}

static void test_a_long_list_is_one_array_value(void **state)
{
    struct room r = open_room();
    oxy_value many[OXY_IN_ARRAY_FROM];
    const oxy_expr *e;

    (void)state;
    for (int i = 0; i < OXY_IN_ARRAY_FROM; i++)
        many[i] = (oxy_value){.tag = OXY_V_INT, .i = i};
    e = oxy_in_values(&r.b, col(&r, "id"), false, many, OXY_IN_ARRAY_FROM - 1);
    assert_int_equal(e->in.params->params.n, OXY_IN_ARRAY_FROM - 1);
    assert_int_equal(r.b.n_params, OXY_IN_ARRAY_FROM - 1);
    e = oxy_in_values(&r.b, col(&r, "id"), false, many, OXY_IN_ARRAY_FROM);
    assert_int_equal(e->in.params->params.n, 0);
    assert_int_equal(r.b.n_params, OXY_IN_ARRAY_FROM);
    assert_int_equal(r.b.params[e->in.params->params.first].array->n, OXY_IN_ARRAY_FROM);
    memset(many, 0, sizeof many); /* the items were copied */
    assert_int_equal(r.b.params[e->in.params->params.first].array->items[7].i, 7);
    oxy_builder_fini(&r.b);
}

static void test_who_has_real_arrays_may_ask_for_shorter_ones(void **state)
{
    struct room r = open_room();
    oxy_value few[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        few[i] = (oxy_value){.tag = OXY_V_DOUBLE, .d = i};
    r.b.array_from = 3;
    assert_int_equal(oxy_in_values(&r.b, col(&r, "ratio"), false, few, 2)->in.params->params.n, 2);
    assert_int_equal(oxy_in_values(&r.b, col(&r, "ratio"), false, few, 3)->in.params->params.n, 0);
    oxy_builder_fini(&r.b);
}

static void test_long_lists_of_parameters_have_few_lengths(void **state)
{
    struct room r = open_room();
    static oxy_value many[OXY_IN_SINGLY_MOST];
    const oxy_expr *e;

    (void)state;
    for (int i = 0; i < OXY_IN_SINGLY_MOST; i++)
        many[i] = (oxy_value){.tag = OXY_V_INT, .i = i};
    r.b.array_from = OXY_IN_SINGLY_MOST + 1;
    assert_int_equal(oxy_in_values(&r.b, col(&r, "id"), false, many, 100)->in.params->params.n, 100);
    e = oxy_in_values(&r.b, col(&r, "id"), false, many, 130);
    assert_int_equal(e->in.params->params.n, 256);
    assert_int_equal(r.b.params[e->in.params->params.first + 129].i, 129);
    assert_int_equal(r.b.params[e->in.params->params.first + 255].i, 129);
    e = oxy_in_values(&r.b, col(&r, "id"), false, many, 17000);
    assert_int_equal(e->in.params->params.n, OXY_IN_SINGLY_MOST);
    e = oxy_in_values(&r.b, col(&r, "id"), false, many, OXY_IN_SINGLY_MOST);
    assert_int_equal(e->in.params->params.n, OXY_IN_SINGLY_MOST);
    /* A third list of that length would be too much for a statement. */
    assert_int_equal(oxy_in_values(&r.b, col(&r, "id"), false, many, 17000)->in.params->params.n, 0);
    assert_int_equal(oxy_in_values(&r.b, col(&r, "id"), false, many, 100)->in.params->params.n, 100);
    oxy_builder_fini(&r.b);
}

static void test_documents_never_travel_as_one_array(void **state)
{
    struct room r = open_room();
    oxy_value many[OXY_IN_ARRAY_FROM];

    (void)state;
    for (int i = 0; i < OXY_IN_ARRAY_FROM; i++)
        many[i] = (oxy_value){.tag = OXY_V_JSON, .s = {"{}", 2}};
    assert_int_equal(oxy_in_values(&r.b, col(&r, "extra"), false, many, OXY_IN_ARRAY_FROM)->in.params->params.n,
                     OXY_IN_ARRAY_FROM);
    oxy_builder_fini(&r.b);
}

static const struct arithmetic {
    oxy_op op;
    const char *left, *right;
    oxy_kind result;
} arithmetic[] = {
    {OXY_OP_ADD, "id", "weight", OXY_K_INT},       {OXY_OP_ADD, "id", "ratio", OXY_K_DOUBLE},
    {OXY_OP_ADD, "id", "price", OXY_K_DECIMAL},    {OXY_OP_SUB, "price", "ratio", OXY_K_DOUBLE},
    {OXY_OP_MUL, "price", "price", OXY_K_DECIMAL}, {OXY_OP_FLOORDIV, "id", "weight", OXY_K_INT},
    {OXY_OP_MOD, "ratio", "weight", OXY_K_DOUBLE}, {OXY_OP_DIV, "id", "weight", OXY_K_DOUBLE},
    {OXY_OP_DIV, "ratio", "weight", OXY_K_DOUBLE}, {OXY_OP_DIV, "price", "weight", OXY_K_DECIMAL},
    {OXY_OP_ADD, "ok", "ok", OXY_K_INT},           {OXY_OP_ADD, "ref", "remark", OXY_K_TEXT},
    {OXY_OP_ADD, "span", "span", OXY_K_TIMEDELTA}, {OXY_OP_MUL, "span", "weight", OXY_K_TIMEDELTA},
    {OXY_OP_DIV, "span", "span", OXY_K_DOUBLE},    {OXY_OP_FLOORDIV, "span", "span", OXY_K_INT},
    {OXY_OP_ADD, "token", "id", OXY_K_UNKNOWN},    {OXY_OP_EQ, "id", "weight", OXY_K_BOOL},
    {OXY_OP_GE, "price", "ratio", OXY_K_BOOL},
};

static void test_arithmetic_results_follow_the_operands(void **state)
{
    struct room r = open_room();

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(arithmetic); i++) {
        const struct arithmetic *a = &arithmetic[i];
        const oxy_expr *e = oxy_binary(&r.b, a->op, col(&r, a->left), col(&r, a->right));

        if (e->type.kind != a->result)
            fail_msg("row %zu gives %s", i, oxy_kind_name(e->type.kind));
    }
    assert_int_equal(oxy_binary(&r.b, OXY_OP_ADD, col(&r, "ref"), col(&r, "remark"))->binary.op, OXY_OP_CONCAT);
    oxy_builder_fini(&r.b);
}

static void test_choices_take_the_common_type(void **state)
{
    struct room r = open_room();
    const oxy_expr *e;

    (void)state;
    e = oxy_func(&r.b, OXY_FN_COALESCE, (const oxy_expr *[]){col(&r, "depot_id"), col(&r, "price")}, 2);
    assert_int_equal(e->type.kind, OXY_K_DECIMAL);
    assert_true(e->type.nullable);
    e = oxy_func(&r.b, OXY_FN_COALESCE, (const oxy_expr *[]){col(&r, "depot_id"), number(&r, 0)}, 2);
    assert_int_equal(e->type.kind, OXY_K_INT);
    assert_false(e->type.nullable);
    e = oxy_func(&r.b, OXY_FN_GREATEST, (const oxy_expr *[]){oxy_nul(&r.b, NULL), col(&r, "sent")}, 2);
    assert_int_equal(e->type.kind, OXY_K_DATETIME);
    e = oxy_case(&r.b, (const oxy_expr *[]){col(&r, "ok"), text(&r, "a")}, 2, NULL);
    assert_int_equal(e->type.kind, OXY_K_TEXT);
    assert_true(e->type.nullable);
    e = oxy_func(&r.b, OXY_FN_ROUND, (const oxy_expr *[]){col(&r, "price")}, 1);
    assert_int_equal(e->type.kind, OXY_K_DECIMAL);
    assert_false(e->type.has_scale);
    oxy_builder_fini(&r.b);
}

static void test_now_beside_a_naive_column_is_naive(void **state)
{
    struct room r = open_room();
    const oxy_expr *now = oxy_func(&r.b, OXY_FN_NOW, NULL, 0);

    (void)state;
    assert_int_equal(now->type.kind, OXY_K_DATETIME_UTC);
    assert_int_equal(oxy_binary(&r.b, OXY_OP_LT, col(&r, "sent"), now)->binary.right->type.kind, OXY_K_DATETIME);
    assert_int_equal(oxy_binary(&r.b, OXY_OP_LT, now, col(&r, "sent"))->binary.left->type.kind, OXY_K_DATETIME);
    assert_int_equal(oxy_binary(&r.b, OXY_OP_LT, col(&r, "seen"), now)->binary.right->type.kind, OXY_K_DATETIME_UTC);
    assert_int_equal(now->type.kind, OXY_K_DATETIME_UTC); /* the node itself never changes */
    oxy_builder_fini(&r.b);
}

static void test_columns_of_an_optional_source_can_be_null(void **state)
{
    struct room r = open_room();
    oxy_source *depot = oxy_source_table(&r.b, &test_tables[1], OXY_SV("depot"));

    (void)state;
    assert_false(oxy_expr_nullable(oxy_col(&r.b, depot, &depot_columns[1])));
    depot->optional = true;
    assert_true(oxy_expr_nullable(oxy_col(&r.b, depot, &depot_columns[0])));
    oxy_builder_fini(&r.b);
}

static void test_aggregate_types(void **state)
{
    static const struct {
        oxy_aggfn fn;
        const char *arg;
        oxy_kind kind;
        bool nullable;
    } rows[] = {
        {OXY_AGG_COUNT, "ref", OXY_K_INT, false},      {OXY_AGG_SUM, "weight", OXY_K_INT, true},
        {OXY_AGG_SUM, "price", OXY_K_DECIMAL, true},   {OXY_AGG_SUM, "span", OXY_K_TIMEDELTA, true},
        {OXY_AGG_AVG, "weight", OXY_K_DOUBLE, true},   {OXY_AGG_AVG, "price", OXY_K_DECIMAL, true},
        {OXY_AGG_AVG, "span", OXY_K_TIMEDELTA, true},  {OXY_AGG_MAX, "sent", OXY_K_DATETIME, true},
        {OXY_AGG_ARRAY_AGG, "ref", OXY_K_ARRAY, true}, {OXY_AGG_BOOL_OR, "ok", OXY_K_BOOL, true},
    };
    struct room r = open_room();

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(rows); i++) {
        oxy_expr init = {.kind = OXY_E_AGG, .agg = {.fn = rows[i].fn, .arg = col(&r, rows[i].arg)}};
        const oxy_expr *e = oxy_agg(&r.b, &init);

        assert_int_equal(e->type.kind, rows[i].kind);
        assert_int_equal(e->type.nullable, rows[i].nullable);
    }
    {
        oxy_expr init = {.kind = OXY_E_AGG,
                         .agg = {.fn = OXY_AGG_SUM, .arg = col(&r, "weight"), .deflt = number(&r, 0)}};

        assert_false(oxy_agg(&r.b, &init)->type.nullable);
    }
    oxy_builder_fini(&r.b);
}

static void test_only_wildcards_ask_for_an_escape(void **state)
{
    struct room r = open_room();
    const oxy_expr *ref = col(&r, "ref");

    (void)state;
    assert_false(oxy_match(&r.b, OXY_MATCH_CONTAINS, false, ref, text(&r, "a*b"))->match.escape);
    assert_true(oxy_match(&r.b, OXY_MATCH_CONTAINS, false, ref, text(&r, "a_b"))->match.escape);
    assert_true(oxy_match(&r.b, OXY_MATCH_STARTSWITH, true, ref, text(&r, "5%"))->match.escape);
    assert_true(oxy_match(&r.b, OXY_MATCH_ENDSWITH, false, ref, text(&r, "\\"))->match.escape);
    assert_false(oxy_match(&r.b, OXY_MATCH_LIKE, false, ref, text(&r, "a%"))->match.escape);
    assert_false(oxy_match(&r.b, OXY_MATCH_CONTAINS, false, ref, text(&r, ""))->match.escape);
    oxy_builder_fini(&r.b);
}

static void test_raw_text_counts_its_values(void **state)
{
    struct room r = open_room();
    const oxy_expr *one = number(&r, 1), *e;

    (void)state;
    e = oxy_raw(&r.b, OXY_SV("a %s b %% c %d"), (const oxy_expr *[]){one}, 1, NULL);
    assert_non_null(e);
    assert_true(oxy_sv_eq(e->raw.fragments[0], OXY_SV("a ")));
    assert_true(oxy_sv_eq(e->raw.fragments[1], OXY_SV(" b % c %d")));
    e = oxy_raw(&r.b, OXY_SV("100%s"), NULL, 0, NULL);
    assert_true(oxy_sv_eq(e->raw.fragments[0], OXY_SV("100%s")));
    assert_null(oxy_raw(&r.b, OXY_SV("%s and %s"), (const oxy_expr *[]){one}, 1, NULL));
    assert_int_equal(r.b.err.rc, OXY_VALUE);
    oxy_builder_fini(&r.b);
}

static void test_the_first_failure_sticks(void **state)
{
    struct room r = open_room();

    (void)state;
    assert_null(oxy_func(&r.b, OXY_FN_LOWER, NULL, 0));
    assert_int_equal(r.b.err.rc, OXY_VALUE);
    assert_string_equal(r.b.err.message, "Lower does not take 0 arguments");
    assert_null(col(&r, "id"));
    assert_null(oxy_bool(&r.b, true));
    assert_null(oxy_logic(&r.b, false, NULL, 0));
    assert_string_equal(r.b.err.message, "Lower does not take 0 arguments");
    oxy_builder_reset(&r.b);
    assert_int_equal(r.b.err.rc, OXY_OK);
    assert_non_null(oxy_bool(&r.b, true));
    oxy_builder_fini(&r.b);
}

static void test_parts_of_the_wrong_kind_are_refused(void **state)
{
    struct room r = open_room();

    (void)state;
    assert_null(oxy_extract(&r.b, OXY_PART_HOUR, false, col(&r, "due")));
    assert_int_equal(r.b.err.rc, OXY_LOOKUP);
    oxy_builder_fini(&r.b);
    r = open_room();
    assert_null(oxy_extract(&r.b, OXY_PART_YEAR, false, col(&r, "at")));
    oxy_builder_fini(&r.b);
    r = open_room();
    assert_null(oxy_extract(&r.b, OXY_PART_DATE, true, col(&r, "sent")));
    assert_int_equal(r.b.err.rc, OXY_VALUE);
    oxy_builder_fini(&r.b);
}

static void test_nesting_has_a_limit(void **state)
{
    struct room r = open_room();
    const oxy_expr *e = col(&r, "weight");
    int depth = 1;

    (void)state;
    while (e != NULL && depth < 2 * OXY_MAX_DEPTH) {
        e = oxy_unary(&r.b, OXY_UN_NEG, e);
        depth++;
    }
    assert_null(e);
    assert_int_equal(depth, OXY_MAX_DEPTH + 1);
    assert_int_equal(r.b.err.rc, OXY_VALUE);
    oxy_builder_fini(&r.b);
}

static void test_selects_nested_as_sources_have_the_limit_too(void **state)
{
    struct room r = open_room();
    oxy_item item = {.expr = number(&r, 1), .alias = OXY_SV("a")};
    oxy_select selects[OXY_MAX_DEPTH + 2] = {{.items = &item, .n_items = 1}};
    oxy_source *s = NULL;
    int i;

    (void)state;
    for (i = 1; i < (int)OXY_COUNT(selects); i++) {
        s = oxy_source_select(&r.b, &selects[i - 1], OXY_SV("q"));
        if (s == NULL)
            break;
        selects[i] = (oxy_select){.items = &item, .n_items = 1, .from = s};
    }
    assert_null(s);
    assert_int_equal(r.b.err.rc, OXY_VALUE);
    oxy_builder_fini(&r.b);
}

static void test_values_have_a_limit(void **state)
{
    struct room r = open_room();
    oxy_value v = {.tag = OXY_V_NULL};

    (void)state;
    assert_null(oxy_params(&r.b, &v, OXY_MAX_PARAMS + 1, NULL));
    assert_int_equal(r.b.err.rc, OXY_VALUE);
    oxy_builder_fini(&r.b);
}

static void test_a_growing_list_keeps_its_items(void **state)
{
    struct room r = open_room();
    uint32_t *list = NULL, n = 0;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        list = oxy_builder_append(&r.b, list, &n, sizeof *list, &i);
    assert_int_equal(n, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(list[i], i);
    oxy_builder_fini(&r.b);
}

static void test_a_missing_operand_is_an_error_not_a_crash(void **state)
{
    struct room r = open_room();

    (void)state;
    assert_null(oxy_binary(&r.b, OXY_OP_EQ, col(&r, "id"), NULL));
    assert_int_equal(r.b.err.rc, OXY_INTERNAL);
    oxy_builder_fini(&r.b);
}

static void test_every_function_and_part_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < OXY_FN_COUNT; i++)
        assert_true(oxy_fn_name((oxy_fn)i)[0] != '\0');
    for (int i = 0; i < OXY_AGG_COUNT_; i++)
        assert_true(oxy_agg_name((oxy_aggfn)i)[0] != '\0');
    for (int i = 0; i < OXY_PART_COUNT; i++)
        assert_true(oxy_part_name((oxy_part)i)[0] != '\0');
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_true_and_false_vanish_from_logic),
        cmocka_unit_test(test_nested_chains_of_a_kind_are_one_list),
        cmocka_unit_test(test_an_empty_list_is_always_false),
        cmocka_unit_test(test_a_long_list_is_one_array_value),
        cmocka_unit_test(test_who_has_real_arrays_may_ask_for_shorter_ones),
        cmocka_unit_test(test_long_lists_of_parameters_have_few_lengths),
        cmocka_unit_test(test_documents_never_travel_as_one_array),
        cmocka_unit_test(test_arithmetic_results_follow_the_operands),
        cmocka_unit_test(test_choices_take_the_common_type),
        cmocka_unit_test(test_now_beside_a_naive_column_is_naive),
        cmocka_unit_test(test_columns_of_an_optional_source_can_be_null),
        cmocka_unit_test(test_aggregate_types),
        cmocka_unit_test(test_only_wildcards_ask_for_an_escape),
        cmocka_unit_test(test_raw_text_counts_its_values),
        cmocka_unit_test(test_the_first_failure_sticks),
        cmocka_unit_test(test_parts_of_the_wrong_kind_are_refused),
        cmocka_unit_test(test_nesting_has_a_limit),
        cmocka_unit_test(test_selects_nested_as_sources_have_the_limit_too),
        cmocka_unit_test(test_values_have_a_limit),
        cmocka_unit_test(test_a_growing_list_keeps_its_items),
        cmocka_unit_test(test_a_missing_operand_is_an_error_not_a_crash),
        cmocka_unit_test(test_every_function_and_part_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
