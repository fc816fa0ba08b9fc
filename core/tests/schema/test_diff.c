/* SPDX-License-Identifier: MIT */
/* The diff: operations by number, their order, their answers to renames, and
 * every allocation failing once. What operations lead to is tested through
 * Python, where any schema is compared with any other. */
#include "ddl_cases.h"

#define SCHEMA(list) {.tables = (list), .n_tables = OXY_COUNT(list)}

static oxy_rc append_change(void *arg, const oxy_change *change)
{
    oxy_buf *out = arg;
    const uint32_t numbers[] = {change->old_table, change->new_table, change->old_item, change->new_item};

    oxy_buf_puts(out, oxy_change_name(change->kind));
    for (size_t i = 0; i < OXY_COUNT(numbers); i++) {
        oxy_buf_putc(out, ' ');
        if (numbers[i] == OXY_NOWHERE)
            oxy_buf_putc(out, '-');
        else
            oxy_buf_putu(out, numbers[i]);
    }
    if (change->value.len != 0)
        oxy_buf_printf(out, " %.*s", OXY_SV_ARG(change->value));
    oxy_buf_putc(out, '\n');
    return out->rc;
}

static void assert_changes(const oxy_schema *from, const oxy_schema *to, const oxy_rename *renames, uint32_t n,
                           const char *expected)
{
    oxy_buf out;
    oxy_err err;

    oxy_buf_init(&out, oxy_alloc_default(), 1 << 20);
    oxy_buf_put(&out, "", 0);
    if (oxy_schema_diff(from, to, renames, n, oxy_alloc_default(), append_change, &out, &err) != OXY_OK)
        fail_msg("%s", err.message);
    oxy_buf_put(&out, "", 0);
    assert_string_equal(out.p == NULL ? "" : out.p, expected);
    oxy_buf_fini(&out);
}

static const oxy_table_def old_tables[] = {
    {
        .name = S("truck"),
        COLUMNS(ID("id"), COL("kg", INT), COL("plate", STRING), COL("depot_id", INT, .nullable = true)),
        INDEXES({.name = S("truck_kg_idx"), .columns = NAMES(S("kg"))}),
        FOREIGN_KEYS(FK("truck", "depot_id", "depot", "id")),
    },
    {.name = S("depot"), COLUMNS(ID("id"))},
    {.name = S("gone"), COLUMNS(ID("id"))},
};
static const oxy_table_def new_tables[] = {
    {.name = S("depot"), COLUMNS(ID("id"), COL("label", STRING))},
    {
        .name = S("lorry"),
        COLUMNS(ID("id"), COL("weight", INT), COL("plate", STRING, .unique = true), COL("depot_id", INT)),
        INDEXES({.name = S("lorry_weight_idx"), .columns = NAMES(S("weight"))}),
        FOREIGN_KEYS(FK("lorry", "depot_id", "depot", "id")),
        CHECKS({.name = S("chk_lorry_0"), .expression = S("weight > 0")}),
    },
    {.name = S("load"), COLUMNS(ID("id"), COL("lorry_id", INT)), FOREIGN_KEYS(FK("load", "lorry_id", "lorry", "id"))},
};
static const oxy_schema old_schema = SCHEMA(old_tables), new_schema = SCHEMA(new_tables);
static const oxy_rename renames[] = {
    {OXY_RENAME_TABLE, S(""), S("truck"), S("lorry")},
    {OXY_RENAME_COLUMN, S("truck"), S("kg"), S("weight")},
};

static void test_operations_in_their_order(void **state)
{
    (void)state;
    assert_changes(&old_schema, &new_schema, renames, 2,
                   "rename_table 0 1 - -\n"
                   "rename_column 0 1 1 1\n"
                   "create_table - 2 - -\n"
                   "drop_table 2 - - -\n"
                   "add_column 1 0 - 1\n"
                   "alter_column 0 1 2 2\n"
                   "alter_column 0 1 3 3\n"
                   "add_check 0 1 - 0\n");
}

static void test_without_answers_things_go_and_come(void **state)
{
    const oxy_table_def a[] = {{.name = S("t"), COLUMNS(ID("id"), COL("x", INT))}};
    const oxy_table_def b[] = {{.name = S("t"), COLUMNS(ID("id"), COL("y", INT))}};
    const oxy_schema from = SCHEMA(a), to = SCHEMA(b);

    (void)state;
    assert_changes(&from, &to, NULL, 0, "add_column 0 0 - 1\ndrop_column 0 0 1 -\n");
    assert_changes(&from, &from, NULL, 0, "");
}

static void test_a_rename_that_fits_nothing_is_refused(void **state)
{
    static const oxy_rename wrong[] = {
        {OXY_RENAME_TABLE, S(""), S("depot"), S("lorry")}, {OXY_RENAME_TABLE, S(""), S("nothing"), S("lorry")},
        {OXY_RENAME_COLUMN, S("nothing"), S("a"), S("b")}, {OXY_RENAME_COLUMN, S("depot"), S("id"), S("label")},
        {OXY_RENAME_ENUM_VALUE, S("e"), S("a"), S("b")},
    };
    oxy_err err;

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(wrong); i++) {
        oxy_buf out;

        oxy_buf_init(&out, oxy_alloc_default(), 1 << 20);
        assert_int_equal(
            oxy_schema_diff(&old_schema, &new_schema, &wrong[i], 1, oxy_alloc_default(), append_change, &out, &err),
            OXY_VALUE);
        assert_non_null(strstr(err.message, "fits nothing"));
        oxy_buf_fini(&out);
    }
}

static void test_values_of_an_enum_type(void **state)
{
    const oxy_enum_def a[] = {{.name = S("e"), .values = NAMES(S("a"), S("b"))}};
    const oxy_enum_def b[] = {{.name = S("e"), .values = NAMES(S("x"), S("a"), S("b"), S("c"))},
                              {.name = S("f"), .values = NAMES(S("one"))}};
    const oxy_schema from = {.enums = a, .n_enums = 1}, to = {.enums = b, .n_enums = 2};

    (void)state;
    assert_changes(&from, &to, NULL, 0,
                   "create_enum_type - - - 1\nadd_enum_value - - 0 0 x\nadd_enum_value - - 0 0 c\n");
    assert_changes(&to, &from, NULL, 0, "alter_enum_type - - 0 0\ndrop_enum_type - - 1 -\n");
}

static oxy_rc every_phase(const oxy_alloc *alloc, void *arg)
{
    oxy_buf out;
    oxy_err err;
    oxy_rc rc;

    (void)arg;
    oxy_buf_init(&out, oxy_alloc_default(), 1 << 20);
    rc = oxy_schema_diff(&old_schema, &new_schema, renames, 2, alloc, append_change, &out, &err);
    oxy_buf_fini(&out);
    return rc;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(fail_torture(every_phase, NULL) >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations_in_their_order),
        cmocka_unit_test(test_without_answers_things_go_and_come),
        cmocka_unit_test(test_a_rename_that_fits_nothing_is_refused),
        cmocka_unit_test(test_values_of_an_enum_type),
        cmocka_unit_test(test_every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
