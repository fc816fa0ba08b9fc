/* SPDX-License-Identifier: MIT */
/* Column definitions, three dialects side by side: types, keys, defaults. */
#include "ddl_cases.h"

#include <math.h>
#include <stdio.h>

static oxy_column_def column(oxy_kind kind)
{
    return (oxy_column_def){.name = OXY_SV("c"), .type = {.kind = kind}, .nullable = true};
}

static oxy_column_def with_default(oxy_kind kind, oxy_value value)
{
    oxy_column_def c = column(kind);

    c.has_default = true;
    c.default_value = value;
    return c;
}

static oxy_column_def with_db_default(oxy_kind kind, const char *sql)
{
    oxy_column_def c = column(kind);

    c.db_default = oxy_sv_of(sql);
    return c;
}

static oxy_column_def with_db_type(oxy_kind kind, const char *db_type)
{
    oxy_column_def c = column(kind);

    c.type.db_type = oxy_sv_of(db_type);
    return c;
}

static oxy_value number(oxy_tag tag, int64_t i)
{
    return (oxy_value){.tag = (uint8_t)tag, .i = i};
}

static oxy_value text(oxy_tag tag, const char *p)
{
    return (oxy_value){.tag = (uint8_t)tag, .s = oxy_sv_of(p)};
}

/* --- types ---------------------------------------------------------------------------------- */

static void test_every_kind_has_its_type(void **state)
{
    oxy_column_def c;

    (void)state;
    assert_column(column(OXY_K_UNKNOWN), "TEXT", "TEXT", "TEXT");
    assert_column(column(OXY_K_BOOL), "BOOLEAN", "TINYINT", "INTEGER");
    assert_column(column(OXY_K_INT), "BIGINT", "BIGINT", "INTEGER");
    assert_column(column(OXY_K_DOUBLE), "DOUBLE PRECISION", "DOUBLE", "REAL");
    assert_column(column(OXY_K_STRING), "VARCHAR(255)", "VARCHAR(255)", "VARCHAR(255)");
    assert_column(column(OXY_K_TEXT), "TEXT", "TEXT", "TEXT");
    assert_column(column(OXY_K_BLOB), "BYTEA", "LONGBLOB", "BLOB");
    assert_column(column(OXY_K_DATETIME), "TIMESTAMP", "DATETIME(6)", "TEXT");
    assert_column(column(OXY_K_DATETIME_UTC), "TIMESTAMPTZ", "DATETIME(6)", "TEXT");
    assert_column(column(OXY_K_DATE), "DATE", "DATE", "TEXT");
    assert_column(column(OXY_K_TIME), "TIME", "TIME(6)", "TEXT");
    assert_column(column(OXY_K_TIMEDELTA), "BIGINT", "BIGINT", "BIGINT");
    assert_column(column(OXY_K_UUID), "UUID", "CHAR(36)", "TEXT");
    assert_column(column(OXY_K_INET), "INET", "VARCHAR(49)", "TEXT");
    assert_column(column(OXY_K_CIDR), "CIDR", "VARCHAR(49)", "TEXT");
    assert_column(column(OXY_K_JSON), "JSONB", "JSON", "TEXT");
    assert_column(column(OXY_K_JSONB), "JSONB", "JSON", "TEXT");
    c = column(OXY_K_STRING);
    c.type.size = 8;
    assert_column(c, "VARCHAR(8)", "VARCHAR(8)", "VARCHAR(8)");
}

static void test_decimals_say_their_size_where_it_is_needed(void **state)
{
    oxy_column_def c = column(OXY_K_DECIMAL);

    (void)state;
    assert_column(c, "NUMERIC", "DECIMAL(65,30)", "TEXT");
    c.type.size = 8;
    assert_column(c, "NUMERIC(8,0)", "DECIMAL(8,0)", "TEXT");
    c.type.has_scale = true;
    c.type.scale = 2;
    assert_column(c, "NUMERIC(8,2)", "DECIMAL(8,2)", "TEXT");
    c.type.size = 0;
    assert_column(c, "NUMERIC", "DECIMAL(65,2)", "TEXT");
    c.type.scale = 40;
    assert_column(c, "NUMERIC", "DECIMAL(65,30)", "TEXT");
}

static void test_arrays_are_native_only_on_postgres(void **state)
{
    oxy_column_def c = column(OXY_K_ARRAY);

    (void)state;
    c.type.elem = OXY_K_INT;
    c.type.ndim = 1;
    assert_column(c, "BIGINT[]", "JSON", "TEXT");
    c.type.ndim = 2;
    assert_column(c, "BIGINT[][]", "JSON", "TEXT");
    c.type.elem = OXY_K_STRING;
    c.type.size = 50;
    c.type.ndim = 1;
    assert_column(c, "VARCHAR(50)[]", "JSON", "TEXT");
    c.type.elem = OXY_K_DECIMAL;
    c.type.size = 8;
    c.type.scale = 2;
    c.type.has_scale = true;
    assert_column(c, "NUMERIC(8,2)[]", "JSON", "TEXT");
    c.type.elem = OXY_K_JSONB;
    assert_column(c, "JSONB[]", "JSON", "TEXT");
}

static void test_a_type_of_the_user_stands_as_written(void **state)
{
    oxy_column_def c;

    (void)state;
    assert_column(with_db_type(OXY_K_TEXT, "citext"), "citext", "citext", "citext");
    assert_column(with_db_type(OXY_K_INT, " SMALLINT "), "SMALLINT", "SMALLINT", "SMALLINT");
    assert_column(with_db_type(OXY_K_INT, "SERIAL"), "SERIAL", "INT", "INTEGER");
    assert_column(with_db_type(OXY_K_INT, "bigserial"), "bigserial", "BIGINT", "INTEGER");
    c = with_db_type(OXY_K_INT, "BIGSERIAL"); /* what a foreign key takes over from its target */
    c.is_foreign_key = true;
    assert_column(c, "BIGINT", "BIGINT", "INTEGER");
    c.type.db_type = OXY_SV("SERIAL");
    assert_column(c, "INTEGER", "INT", "INTEGER");
}

static void test_text_with_an_index_has_a_length_on_mysql(void **state)
{
    oxy_column_def c = column(OXY_K_TEXT);

    (void)state;
    c.unique = true;
    assert_column(c, "TEXT UNIQUE", "VARCHAR(255) UNIQUE", "TEXT UNIQUE");
    c.unique = false;
    c.primary_key = true;
    assert_column(c, "TEXT PRIMARY KEY", "VARCHAR(255) PRIMARY KEY", "TEXT PRIMARY KEY");
    c.primary_key = false;
    c.is_foreign_key = true;
    assert_column(c, "TEXT", "VARCHAR(255)", "TEXT");
}

static void test_one_type_alone(void **state)
{
    oxy_column_def c = ID("id");
    oxy_buf out;
    oxy_err err;

    (void)state;
    oxy_buf_init(&out, oxy_alloc_default(), 100);
    assert_int_equal(oxy_ddl_type(&c, &oxy_dialect_postgres, &out, &err), OXY_OK);
    assert_string_equal(out.p, "BIGSERIAL");
    oxy_buf_fini(&out);
}

/* --- keys and clauses -------------------------------------------------------------------------- */

static void test_keys_number_themselves_where_they_may(void **state)
{
    oxy_column_def c = ID("id");

    (void)state;
    assert_column(c, "BIGSERIAL PRIMARY KEY", "BIGINT PRIMARY KEY AUTO_INCREMENT", "INTEGER PRIMARY KEY");
    c.unique = true; /* implied */
    assert_column(c, "BIGSERIAL PRIMARY KEY", "BIGINT PRIMARY KEY AUTO_INCREMENT", "INTEGER PRIMARY KEY");
    c.unique = false;
    c.type.db_type = OXY_SV("SERIAL");
    assert_column(c, "SERIAL PRIMARY KEY", "INT PRIMARY KEY AUTO_INCREMENT", "INTEGER PRIMARY KEY");
    c.type.db_type = OXY_SV("INTEGER");
    assert_column(c, "INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY");
    c.type.db_type = OXY_SV("");
    c.is_foreign_key = true;
    assert_column(c, "BIGINT PRIMARY KEY", "BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY");
    c.is_foreign_key = false;
    c.db_default = OXY_SV("nextval('s')"); /* no database takes two sources of a value */
    assert_column(c, "BIGINT PRIMARY KEY DEFAULT nextval('s')", "BIGINT PRIMARY KEY DEFAULT nextval('s')",
                  "INTEGER PRIMARY KEY DEFAULT nextval('s')");
    c.db_default = OXY_SV("");
    c.has_default = true; /* None: `id: int | None = None` */
    assert_column(c, "BIGSERIAL PRIMARY KEY", "BIGINT PRIMARY KEY AUTO_INCREMENT", "INTEGER PRIMARY KEY");
}

static void test_clauses_stand_in_their_order(void **state)
{
    oxy_column_def c = with_default(OXY_K_STRING, text(OXY_V_TEXT, "it's"));

    (void)state;
    c.nullable = false;
    c.unique = true;
    c.comment = OXY_SV("what it's for");
    assert_column_in(&c, &oxy_dialect_mysql, "VARCHAR(255) NOT NULL UNIQUE DEFAULT 'it''s' COMMENT 'what it''s for'");
    assert_column_in(&c, &oxy_dialect_sqlite, "VARCHAR(255) NOT NULL UNIQUE DEFAULT 'it''s'");
    c.comment = OXY_SV("");
    assert_column_in(&c, &oxy_dialect_postgres, "VARCHAR(255) NOT NULL UNIQUE DEFAULT 'it''s'");
}

/* --- defaults ------------------------------------------------------------------------------------ */

static void test_python_defaults_become_literals(void **state)
{
    oxy_value uuid = {.tag = OXY_V_UUID, .uuid = {0xAB}};
    oxy_value half = {.tag = OXY_V_DOUBLE, .d = 0.5};

    (void)state;
    assert_column(with_default(OXY_K_BOOL, number(OXY_V_BOOL, 1)), "BOOLEAN DEFAULT TRUE", "TINYINT DEFAULT 1",
                  "INTEGER DEFAULT 1");
    assert_column(with_default(OXY_K_BOOL, number(OXY_V_INT, 0)), "BOOLEAN DEFAULT FALSE", "TINYINT DEFAULT 0",
                  "INTEGER DEFAULT 0");
    assert_column(with_default(OXY_K_INT, number(OXY_V_BOOL, 1)), "BIGINT DEFAULT 1", "BIGINT DEFAULT 1",
                  "INTEGER DEFAULT 1");
    assert_column(with_default(OXY_K_INT, number(OXY_V_INT, INT64_MIN)), "BIGINT DEFAULT -9223372036854775808",
                  "BIGINT DEFAULT -9223372036854775808", "INTEGER DEFAULT -9223372036854775808");
    assert_column(with_default(OXY_K_DOUBLE, half), "DOUBLE PRECISION DEFAULT 0.5", "DOUBLE DEFAULT 0.5",
                  "REAL DEFAULT 0.5");
    assert_column(with_default(OXY_K_TIMEDELTA, number(OXY_V_TIMEDELTA, -90)), "BIGINT DEFAULT -90",
                  "BIGINT DEFAULT -90", "BIGINT DEFAULT -90");
    assert_column(with_default(OXY_K_INTERVAL, number(OXY_V_TIMEDELTA, -90)), "INTERVAL DEFAULT '-90 microseconds'",
                  "BIGINT DEFAULT -90", "BIGINT DEFAULT -90");
    assert_column(with_default(OXY_K_UUID, uuid), "UUID DEFAULT 'ab000000-0000-0000-0000-000000000000'",
                  "CHAR(36) DEFAULT 'ab000000-0000-0000-0000-000000000000'",
                  "TEXT DEFAULT 'ab000000-0000-0000-0000-000000000000'");
    assert_column(with_default(OXY_K_DATE, number(OXY_V_DATE, 0)), "DATE DEFAULT '1970-01-01'",
                  "DATE DEFAULT '1970-01-01'", "TEXT DEFAULT '1970-01-01'");
    assert_column(with_default(OXY_K_TIME, number(OXY_V_TIME, 1)), "TIME DEFAULT '00:00:00.000001'",
                  "TIME(6) DEFAULT '00:00:00.000001'", "TEXT DEFAULT '00:00:00.000001'");
    assert_column(with_default(OXY_K_DATETIME, number(OXY_V_DATETIME, 0)), "TIMESTAMP DEFAULT '1970-01-01 00:00:00'",
                  "DATETIME(6) DEFAULT '1970-01-01 00:00:00'", "TEXT DEFAULT '1970-01-01 00:00:00'");
    assert_column(with_default(OXY_K_DATETIME_UTC, number(OXY_V_DATETIME_UTC, 0)),
                  "TIMESTAMPTZ DEFAULT '1970-01-01 00:00:00+00:00'", "DATETIME(6) DEFAULT '1970-01-01 00:00:00'",
                  "TEXT DEFAULT '1970-01-01 00:00:00'");
    assert_column(with_default(OXY_K_INET, text(OXY_V_INET, "::1")), "INET DEFAULT '::1'", "VARCHAR(49) DEFAULT '::1'",
                  "TEXT DEFAULT '::1'");
    assert_column(with_default(OXY_K_BLOB, text(OXY_V_BLOB, "\x01\xff")), "BYTEA DEFAULT '\\x01ff'",
                  "LONGBLOB DEFAULT (X'01ff')", "BLOB DEFAULT X'01ff'");
    assert_column(with_default(OXY_K_TEXT, text(OXY_V_TEXT, "")), "TEXT DEFAULT ''", "TEXT DEFAULT ('')",
                  "TEXT DEFAULT ''");
    assert_column(with_default(OXY_K_JSONB, text(OXY_V_JSON, "{\"a\":\"it's\"}")), "JSONB DEFAULT '{\"a\":\"it''s\"}'",
                  "JSON DEFAULT ('{\"a\":\"it''s\"}')", "TEXT DEFAULT '{\"a\":\"it''s\"}'");
    assert_column(with_default(OXY_K_JSONB, text(OXY_V_TEXT, "a")), "JSONB DEFAULT '\"a\"'", "JSON DEFAULT ('\"a\"')",
                  "TEXT DEFAULT '\"a\"'");
}

static void test_values_without_a_literal_give_no_default(void **state)
{
    (void)state;
    assert_column(with_default(OXY_K_TEXT, number(OXY_V_NULL, 0)), "TEXT", "TEXT", "TEXT");
    assert_column(with_default(OXY_K_DOUBLE, (oxy_value){.tag = OXY_V_DOUBLE, .d = NAN}), "DOUBLE PRECISION", "DOUBLE",
                  "REAL");
    assert_column(with_default(OXY_K_DOUBLE, (oxy_value){.tag = OXY_V_DOUBLE, .d = -INFINITY}), "DOUBLE PRECISION",
                  "DOUBLE", "REAL");
    assert_column(with_default(OXY_K_DECIMAL, text(OXY_V_DECIMAL, "NaN")), "NUMERIC", "DECIMAL(65,30)", "TEXT");
    assert_column(with_default(OXY_K_DECIMAL, text(OXY_V_DECIMAL, "-Infinity")), "NUMERIC", "DECIMAL(65,30)", "TEXT");
    assert_column(with_db_default(OXY_K_TEXT, "  "), "TEXT", "TEXT", "TEXT");
}

/* SQLite turns a number for a TEXT column into text by way of a double. Where
 * that would lose a digit or a trailing zero, the default is quoted. */
static void test_decimal_defaults_keep_their_digits_on_sqlite(void **state)
{
    static const char *const bare[] = {"0.5", "12.34", "-7.25", "7", "-3", "0", "99999999.999"};
    static const char *const quoted[] = {"1.50", "0.00", "12345678901234567.5", "1E+5", "0.00001", "007", "5.", "-0"};
    char pg[80], my[80], lite[80];
    size_t i;

    (void)state;
    for (i = 0; i < OXY_COUNT(bare) + OXY_COUNT(quoted); i++) {
        bool plain = i < OXY_COUNT(bare);
        const char *digits = plain ? bare[i] : quoted[i - OXY_COUNT(bare)], *mark = plain ? "" : "'";

        (void)snprintf(pg, sizeof pg, "NUMERIC DEFAULT %s", digits);
        (void)snprintf(my, sizeof my, "DECIMAL(65,30) DEFAULT %s", digits);
        (void)snprintf(lite, sizeof lite, "TEXT DEFAULT %s%s%s", mark, digits, mark);
        assert_column(with_default(OXY_K_DECIMAL, text(OXY_V_DECIMAL, digits)), pg, my, lite);
    }
}

static void test_list_defaults_are_array_literals_on_postgres(void **state)
{
    oxy_column_def c = with_default(OXY_K_ARRAY, text(OXY_V_JSON, "[\"a\",\"b \\\"c\\\\\",null,\"NULL\"]"));
    oxy_value items[] = {{.tag = OXY_V_INT, .i = 1}, {.tag = OXY_V_NULL}};
    oxy_array list = {.elem = OXY_K_INT, .n = 2, .items = items};

    (void)state;
    c.type.elem = OXY_K_TEXT;
    c.type.ndim = 1;
    assert_column_in(&c, &oxy_dialect_sqlite, "TEXT DEFAULT '[\"a\",\"b \\\"c\\\\\",null,\"NULL\"]'");
    assert_column_in(&c, &oxy_dialect_postgres, "TEXT[] DEFAULT E'{\"a\",\"b \\\\\"c\\\\\\\\\",NULL,\"NULL\"}'");
    c.default_value = text(OXY_V_JSON, "[]");
    assert_column(c, "TEXT[] DEFAULT '{}'", "JSON DEFAULT ('[]')", "TEXT DEFAULT '[]'");
    c.type.elem = OXY_K_INT;
    c.default_value = (oxy_value){.tag = OXY_V_ARRAY, .array = &list};
    assert_column(c, "BIGINT[] DEFAULT '{1,NULL}'", "JSON DEFAULT ('[1,null]')", "TEXT DEFAULT '[1,null]'");
    c.type.ndim = 2;
    c.default_value = text(OXY_V_JSON, "[[1,2],[3,4]]");
    assert_column_in(&c, &oxy_dialect_postgres, "BIGINT[][] DEFAULT '{{1,2},{3,4}}'");
    c.type.ndim = 1;
    c.type.elem = OXY_K_DATETIME_UTC;
    c.default_value = text(OXY_V_JSON, "[\"1970-01-01T00:00:00Z\"]");
    assert_column_in(&c, &oxy_dialect_postgres, "TIMESTAMPTZ[] DEFAULT '{\"1970-01-01 00:00:00+00:00\"}'");
    c.type.elem = OXY_K_BOOL;
    c.default_value = text(OXY_V_JSON, "[true,false]");
    assert_column_in(&c, &oxy_dialect_postgres, "BOOLEAN[] DEFAULT '{true,false}'");
}

static void test_a_list_default_of_another_type_is_an_error(void **state)
{
    oxy_column_def c = with_default(OXY_K_ARRAY, text(OXY_V_JSON, "[\"a\"]"));
    oxy_table_def table = {.name = OXY_SV("t"), .columns = &c, .n_columns = 1};

    (void)state;
    c.type.elem = OXY_K_INT;
    c.type.ndim = 1;
    assert_no_ddl(&table, 1, CREATE, &oxy_dialect_postgres, OXY_VALUE, "default of column c");
}

static void test_sql_defaults_stand_as_written(void **state)
{
    oxy_column_def c = with_db_default(OXY_K_INT, "1 + 1");

    (void)state;
    c.has_default = true; /* the SQL one wins */
    c.default_value = number(OXY_V_INT, 7);
    assert_column(c, "BIGINT DEFAULT 1 + 1", "BIGINT DEFAULT 1 + 1", "INTEGER DEFAULT 1 + 1");
    assert_column(with_db_default(OXY_K_TEXT, "'x'"), "TEXT DEFAULT 'x'", "TEXT DEFAULT ('x')", "TEXT DEFAULT 'x'");
    assert_column(with_db_default(OXY_K_TEXT, "('x')"), "TEXT DEFAULT ('x')", "TEXT DEFAULT ('x')",
                  "TEXT DEFAULT ('x')");
    assert_column(with_db_default(OXY_K_TEXT, "NULL"), "TEXT DEFAULT NULL", "TEXT DEFAULT NULL", "TEXT DEFAULT NULL");
}

static void assert_mysql_now(oxy_kind kind, const char *db_type, const char *sql, const char *expected)
{
    oxy_column_def c = with_db_default(kind, sql);

    c.type.db_type = oxy_sv_of(db_type);
    assert_column_in(&c, &oxy_dialect_mysql, expected);
}

static void test_mysql_timestamps_name_the_precision_of_the_column(void **state)
{
    (void)state;
    assert_column(with_db_default(OXY_K_DATETIME, "CURRENT_TIMESTAMP"), "TIMESTAMP DEFAULT CURRENT_TIMESTAMP",
                  "DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6)", "TEXT DEFAULT CURRENT_TIMESTAMP");
    assert_mysql_now(OXY_K_DATETIME_UTC, "", "now()", "DATETIME(6) DEFAULT now(6)");
    assert_mysql_now(OXY_K_DATETIME, "", "CURRENT_TIMESTAMP()", "DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6)");
    assert_mysql_now(OXY_K_DATETIME, "", "CURRENT_TIMESTAMP(3)", "DATETIME(6) DEFAULT CURRENT_TIMESTAMP(3)");
    assert_mysql_now(OXY_K_DATETIME, "", "current_timestamp ON UPDATE current_timestamp",
                     "DATETIME(6) DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6)");
    assert_mysql_now(OXY_K_DATETIME, "", "'NOW()'", "DATETIME(6) DEFAULT 'NOW()'");
    assert_mysql_now(OXY_K_DATETIME, "", "KNOW()", "DATETIME(6) DEFAULT KNOW()");
    assert_mysql_now(OXY_K_DATETIME, "", "'it\\'s NOW()' , NOW()", "DATETIME(6) DEFAULT 'it\\'s NOW()' , NOW(6)");
    assert_mysql_now(OXY_K_DATETIME, "DATETIME(3)", "NOW()", "DATETIME(3) DEFAULT NOW(3)");
    assert_mysql_now(OXY_K_DATETIME, "TIMESTAMP", "NOW()", "TIMESTAMP DEFAULT NOW()");
    assert_mysql_now(OXY_K_STRING, "", "NOW()", "VARCHAR(255) DEFAULT NOW()");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_has_its_type),
        cmocka_unit_test(test_decimals_say_their_size_where_it_is_needed),
        cmocka_unit_test(test_arrays_are_native_only_on_postgres),
        cmocka_unit_test(test_a_type_of_the_user_stands_as_written),
        cmocka_unit_test(test_text_with_an_index_has_a_length_on_mysql),
        cmocka_unit_test(test_one_type_alone),
        cmocka_unit_test(test_keys_number_themselves_where_they_may),
        cmocka_unit_test(test_clauses_stand_in_their_order),
        cmocka_unit_test(test_python_defaults_become_literals),
        cmocka_unit_test(test_values_without_a_literal_give_no_default),
        cmocka_unit_test(test_decimal_defaults_keep_their_digits_on_sqlite),
        cmocka_unit_test(test_list_defaults_are_array_literals_on_postgres),
        cmocka_unit_test(test_a_list_default_of_another_type_is_an_error),
        cmocka_unit_test(test_sql_defaults_stand_as_written),
        cmocka_unit_test(test_mysql_timestamps_name_the_precision_of_the_column),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
