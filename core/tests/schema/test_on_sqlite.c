/* SPDX-License-Identifier: MIT */
/* SQLite itself takes what we write for it, and stores defaults as the codec
 * would have stored the values. */
#include "ddl_cases.h"

#include <sqlite3.h>
#include <stdlib.h>

static int open_database(void **state)
{
    sqlite3 *db = NULL;

    if (sqlite3_open(":memory:", &db) != SQLITE_OK || sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL))
        return -1;
    *state = db;
    return 0;
}

static int close_database(void **state)
{
    return sqlite3_close(*state) == SQLITE_OK ? 0 : -1;
}

static oxy_rc execute(void *arg, const char *sql, size_t len)
{
    char *message = NULL;

    assert_int_equal(strlen(sql), len);
    if (sqlite3_exec(arg, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    return OXY_OK;
}

static void execute_text(sqlite3 *db, const char *sql)
{
    (void)execute(db, sql, strlen(sql));
}

static void create(sqlite3 *db, const oxy_table_def *tables, uint32_t n, bool if_not_exists)
{
    oxy_err err;

    assert_int_equal(
        oxy_ddl_create(tables, n, &oxy_dialect_sqlite, if_not_exists, oxy_alloc_default(), execute, db, &err), OXY_OK);
}

static void drop(sqlite3 *db, const oxy_table_def *tables, uint32_t n, bool if_exists)
{
    oxy_err err;

    assert_int_equal(oxy_ddl_drop(tables, n, &oxy_dialect_sqlite, if_exists, oxy_alloc_default(), execute, db, &err),
                     OXY_OK);
}

/* Every row of the query, columns between bars, rows in lines. */
static void assert_rows(sqlite3 *db, const char *sql, const char *expected)
{
    sqlite3_stmt *stmt = NULL;
    oxy_buf out;

    oxy_buf_init(&out, oxy_alloc_default(), 1 << 20);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        int i;

        for (i = 0; i < sqlite3_column_count(stmt); i++) {
            const char *text = (const char *)sqlite3_column_text(stmt, i);

            oxy_buf_puts(&out, i == 0 ? "" : "|");
            oxy_buf_puts(&out, text == NULL ? "NULL" : text);
        }
        oxy_buf_puts(&out, "\n");
    }
    oxy_buf_put(&out, "", 0);
    assert_string_equal(out.p, expected);
    oxy_buf_fini(&out);
    sqlite3_finalize(stmt);
}

static const oxy_table_def yard[] = {
    {.name = S("bay"),
     COLUMNS(COL("truck_id", INT, .nullable = true), COL("row", INT, .primary_key = true),
             COL("place", STRING, .primary_key = true)),
     .primary_key = NAMES(S("row"), S("place")),
     FOREIGN_KEYS(FK("bay", "truck_id", "truck", "id")),
     CHECKS({.name = S("chk_bay_0"), .expression = S("\"row\" > 0")})},
    {.name = S("truck"),
     COLUMNS(ID("id"), COL("plate", STRING, .unique = true), COL("bay_row", INT, .nullable = true),
             COL("bay_place", STRING, .nullable = true), COL("gone", BOOL)),
     FOREIGN_KEYS({.name = S("fk_truck_bay_row"),
                   .columns = NAMES(S("bay_row"), S("bay_place")),
                   .target_table = S("bay"),
                   .target_columns = NAMES(S("row"), S("place")),
                   .on_delete = S("SET NULL")}),
     INDEXES({.name = S("truck_here_idx"), .columns = NAMES(S("plate")), .where = S("gone = 0"), .unique = true},
             {.name = S("truck_plate_gone_key"), .columns = NAMES(S("plate"), S("gone")), .constraint = true})},
};

static void test_tables_with_a_cycle_are_made_twice_and_dropped(void **state)
{
    (void)state;
    create(*state, yard, 2, false);
    create(*state, yard, 2, true);
    assert_rows(*state,
                "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_autoindex%' ORDER BY type, name",
                "index|truck_here_idx\nindex|truck_plate_gone_key\ntable|bay\ntable|truck\n");
    assert_rows(*state, "SELECT \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list('bay')",
                "truck|truck_id|id|CASCADE|RESTRICT\n");
    assert_rows(*state,
                "SELECT \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list('truck')",
                "bay|bay_row|row|NO ACTION|SET NULL\nbay|bay_place|place|NO ACTION|SET NULL\n");
    /* The key numbers itself. */
    execute_text(*state, "INSERT INTO truck (plate, gone) VALUES ('a', 0), ('b', 1)");
    assert_rows(*state, "SELECT id, plate FROM truck ORDER BY id", "1|a\n2|b\n");
    assert_int_not_equal(sqlite3_exec(*state, "INSERT INTO bay VALUES (1, 0, 'x')", NULL, NULL, NULL), SQLITE_OK);
    assert_int_not_equal(sqlite3_exec(*state, "INSERT INTO bay VALUES (9, 1, 'x')", NULL, NULL, NULL), SQLITE_OK);
    drop(*state, yard, 2, false);
    drop(*state, yard, 2, true);
    assert_rows(*state, "SELECT name FROM sqlite_master", "");
}

/* One column per kind; the default stands beside the value that the codec makes
 * of the same Python default. */
static void test_defaults_are_stored_as_the_codec_stores_values(void **state)
{
    oxy_value uuid = {.tag = OXY_V_UUID, .uuid = {0xAB, 0xCD}};
    struct {
        oxy_kind kind;
        oxy_value value;
    } cases[] = {
        {OXY_K_BOOL, {.tag = OXY_V_BOOL, .i = 1}},
        {OXY_K_INT, {.tag = OXY_V_INT, .i = INT64_MIN}},
        {OXY_K_INT, {.tag = OXY_V_INT, .i = INT64_MAX}},
        {OXY_K_DOUBLE, {.tag = OXY_V_DOUBLE, .d = 0.1}},
        {OXY_K_DOUBLE, {.tag = OXY_V_DOUBLE, .d = -1.7976931348623157e308}},
        {OXY_K_STRING, {.tag = OXY_V_TEXT, .s = S("it's \\ \"q\"")}},
        {OXY_K_TEXT, {.tag = OXY_V_TEXT, .s = S("12.50")}},
        {OXY_K_BLOB, {.tag = OXY_V_BLOB, .s = S("\x01\x00\xff")}},
        {OXY_K_DATETIME, {.tag = OXY_V_DATETIME, .i = OXY_DATETIME_MAX}},
        {OXY_K_DATETIME_UTC, {.tag = OXY_V_DATETIME_UTC, .i = 0}},
        {OXY_K_DATE, {.tag = OXY_V_DATE, .i = -719162}},
        {OXY_K_TIME, {.tag = OXY_V_TIME, .i = 1}},
        {OXY_K_TIMEDELTA, {.tag = OXY_V_TIMEDELTA, .i = -5}},
        {OXY_K_UUID, uuid},
        {OXY_K_DECIMAL, {.tag = OXY_V_DECIMAL, .s = S("12.34")}},
        {OXY_K_DECIMAL, {.tag = OXY_V_DECIMAL, .s = S("12.340")}},
        {OXY_K_DECIMAL, {.tag = OXY_V_DECIMAL, .s = S("7")}},
        {OXY_K_DECIMAL, {.tag = OXY_V_DECIMAL, .s = S("0.000001")}},
        {OXY_K_DECIMAL, {.tag = OXY_V_DECIMAL, .s = S("123456789012345.678901234567890")}},
        {OXY_K_DECIMAL, {.tag = OXY_V_DECIMAL, .s = S("1E+20")}},
        {OXY_K_ENUM, {.tag = OXY_V_TEXT, .s = S("in transit")}},
        {OXY_K_INET, {.tag = OXY_V_INET, .s = S("::1/64")}},
        {OXY_K_JSON, {.tag = OXY_V_JSON, .s = S("{\"a\":[1,\"it's\"]}")}},
    };
    sqlite3_stmt *stmt = NULL;
    oxy_arena arena;
    size_t i;

    oxy_arena_init(&arena, oxy_alloc_default(), 1 << 20);
    for (i = 0; i < OXY_COUNT(cases); i++) {
        oxy_column_def column = {
            .name = S("c"), .type = {.kind = cases[i].kind}, .has_default = true, .default_value = cases[i].value};
        oxy_table_def table = {.name = S("t"), .columns = &column, .n_columns = 1};
        oxy_value stored;
        oxy_err err;

        create(*state, &table, 1, false);
        execute_text(*state, "INSERT INTO t DEFAULT VALUES");
        assert_int_equal(oxy_codec_sqlite.encode(&cases[i].value, &column.type, &arena, &stored, &err), OXY_OK);
        assert_int_equal(sqlite3_prepare_v2(*state, "SELECT c FROM t", -1, &stmt, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        switch ((oxy_tag)stored.tag) {
        case OXY_V_INT:
            assert_int_equal(sqlite3_column_type(stmt, 0), SQLITE_INTEGER);
            assert_true(sqlite3_column_int64(stmt, 0) == stored.i);
            break;
        case OXY_V_DOUBLE:
            assert_int_equal(sqlite3_column_type(stmt, 0), SQLITE_FLOAT);
            /* valgrind computes SQLite's long doubles in 64 bits. */
            assert_true(sqlite3_column_double(stmt, 0) == stored.d || getenv("OXYDE_VALGRIND") != NULL);
            break;
        default:
            assert_int_equal(sqlite3_column_type(stmt, 0), stored.tag == OXY_V_BLOB ? SQLITE_BLOB : SQLITE_TEXT);
            assert_int_equal(sqlite3_column_bytes(stmt, 0), stored.s.len);
            assert_memory_equal(sqlite3_column_blob(stmt, 0), stored.s.p, stored.s.len);
            break;
        }
        sqlite3_finalize(stmt);
        drop(*state, &table, 1, false);
    }
    oxy_arena_fini(&arena);
}

static void test_tables_of_an_attached_database(void **state)
{
    const oxy_table_def tables[] = {
        {.name = S("a"), .schema = S("other"), COLUMNS(ID("id"))},
        {.name = S("b"),
         .schema = S("other"),
         COLUMNS(ID("id"), COL("a_id", INT)),
         FOREIGN_KEYS(FK("b", "a_id", "a", "id")),
         INDEXES({.name = S("b_a_id_idx"), .columns = NAMES(S("a_id"))})},
    };

    execute_text(*state, "ATTACH ':memory:' AS other");
    create(*state, tables, 2, false);
    create(*state, tables, 2, true);
    assert_rows(*state, "SELECT type, name, tbl_name FROM other.sqlite_master ORDER BY name",
                "table|a|a\ntable|b|b\nindex|b_a_id_idx|b\n");
    assert_int_not_equal(sqlite3_exec(*state, "INSERT INTO other.b (a_id) VALUES (1)", NULL, NULL, NULL), SQLITE_OK);
    drop(*state, tables, 2, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tables_with_a_cycle_are_made_twice_and_dropped, open_database,
                                        close_database),
        cmocka_unit_test_setup_teardown(test_defaults_are_stored_as_the_codec_stores_values, open_database,
                                        close_database),
        cmocka_unit_test_setup_teardown(test_tables_of_an_attached_database, open_database, close_database),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
