/* SPDX-License-Identifier: MIT */
/* stub_sqlite: SQLite as a judge of what compiled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stub_sqlite.h"

#include <oxyde/base.h>

#include <sqlite3.h>
#include <string.h>

static sqlite3 *db; /* one per test program */

static const char schema[] =
    "CREATE TABLE parcels (id INTEGER PRIMARY KEY, ref VARCHAR(50) NOT NULL UNIQUE, weight INTEGER, price TEXT,"
    " sent TEXT, seen TEXT, due TEXT, at TEXT, remark VARCHAR(255), extra TEXT, plain TEXT, marks TEXT, grid TEXT,"
    " grade TEXT, grades TEXT, level TEXT, ok INTEGER, ratio REAL, span INTEGER, token TEXT, body BLOB,"
    " depot_id INTEGER);"
    "CREATE TABLE depots (id INTEGER PRIMARY KEY, label VARCHAR(50) UNIQUE, region_id INTEGER);"
    "CREATE TABLE regions (id INTEGER PRIMARY KEY, code VARCHAR(10));"
    "CREATE TABLE links (parcel_id INTEGER, label_id INTEGER, since TEXT, PRIMARY KEY (parcel_id, label_id));"
    "ATTACH ':memory:' AS stock;"
    "CREATE TABLE stock.bins (id INTEGER PRIMARY KEY, \"or\"\"der`x\" TEXT, value TEXT, state TEXT);";

static const struct {
    const char *name;
    int args;
} functions[] = {
    {"oxy_fold", 1},          {"oxy_upper", 1},      {"oxy_lower", 1},   {"oxy_regexp", 3},    {"oxy_like", 2},
    {"oxy_json_contains", 2}, {"oxy_json_equal", 2}, {"oxy_div", 2},     {"oxy_floordiv", 2},  {"oxy_mod", 2},
    {"oxy_dec_add", 2},       {"oxy_dec_sub", 2},    {"oxy_dec_mul", 2}, {"oxy_dec_div", 2},   {"oxy_dec_floordiv", 2},
    {"oxy_dec_mod", 2},       {"oxy_dec_neg", 1},    {"oxy_dec_abs", 1}, {"oxy_dec_round", 2}, {"oxy_ceil", 1},
    {"oxy_floor", 1},         {"oxy_round", 2},      {"oxy_sqrt", 1},    {"oxy_power", 2},     {"oxy_extract", 2},
    {"oxy_trunc", 2},         {"oxy_unbase64", 1},
};

static void nothing(sqlite3_context *c, int n, sqlite3_value **args)
{
    (void)n;
    (void)args;
    sqlite3_result_null(c);
}

static void step(sqlite3_context *c, int n, sqlite3_value **args)
{
    (void)c;
    (void)n;
    (void)args;
}

static void final(sqlite3_context *c)
{
    sqlite3_result_null(c);
}

static int compare(void *arg, int an, const void *a, int bn, const void *b)
{
    (void)arg;
    return an != bn ? an - bn : memcmp(a, b, (size_t)an);
}

void stub_sqlite_open(void)
{
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (size_t i = 0; i < OXY_COUNT(functions); i++)
        assert_int_equal(
            sqlite3_create_function(db, functions[i].name, functions[i].args, SQLITE_UTF8, NULL, nothing, NULL, NULL),
            SQLITE_OK);
    assert_int_equal(sqlite3_create_function(db, "oxy_dec_sum", 1, SQLITE_UTF8, NULL, NULL, step, final), SQLITE_OK);
    assert_int_equal(sqlite3_create_function(db, "oxy_dec_avg", 1, SQLITE_UTF8, NULL, NULL, step, final), SQLITE_OK);
    assert_int_equal(sqlite3_create_collation(db, "oxy_decimal", SQLITE_UTF8, NULL, compare), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, schema, NULL, NULL, NULL), SQLITE_OK);
}

void stub_sqlite_close(void)
{
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

void stub_sqlite_prepare(const char *name, const char *sql)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: SQLite says '%s' to\n  %s", name, sqlite3_errmsg(db), sql);
    (void)sqlite3_finalize(stmt);
}
