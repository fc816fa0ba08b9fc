/* SPDX-License-Identifier: MIT */
/* Memory that runs out at every possible call, ours and SQLite's own. */
#include "harness.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

#include "fail_alloc.h"

#define NUMBERS(limit) "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " #limit ") "

static int found(void *ctx, oxy_sv pattern, oxy_sv text, bool fold, oxy_err *err)
{
    (void)ctx;
    (void)fold;
    (void)err;
    return pattern.len <= text.len;
}

static const struct {
    const char *sql;
    uint32_t flags;
} life[] = {
    {"CREATE TABLE IF NOT EXISTS t (i INTEGER PRIMARY KEY, x TEXT)", WRITE},
    {"BEGIN IMMEDIATE", WRITE},
    {"DELETE FROM t", WRITE},
    {"INSERT INTO t " NUMBERS(300) "SELECT i, 'row ' || i FROM n", WRITE},
    {"INSERT INTO t (x) VALUES ('y') RETURNING i", POINT},
    {"COMMIT", WRITE},
    {"SELECT i, x, x FROM t", READ},
    {"SELECT i, x, x FROM t", OXY_REQ_RAW},
    {"SELECT oxy_fold(x), oxy_regexp('a', x, 0), oxy_dec_add(i, '1.50') FROM t WHERE i < 3", READ},
    {"SELECT oxy_dec_mul('123456789012345678901234567890', '123456789012345678901234567890.5')", READ},
    {"SELECT oxy_dec_sum(i), oxy_dec_avg('1234567890123456789012345678901234567890123456789012345678901') FROM t",
     READ},
    {"SELECT oxy_json_contains('{\"a\": [1, {\"b\": \"\\u00e9\"}]}', '{\"a\": [{}]}'), oxy_round(2.5, 0)", READ},
    {"SELECT 1; SELECT 2", OXY_REQ_SCRIPT},
    {"PRAGMA cache_size", OXY_REQ_RAW},
};

/* Keys without RETURNING. Whatever fails, no transaction is left behind. */
static oxy_rc insert_for_keys(oxy_conn *c)
{
    static const char sql[] = "INSERT INTO t (x) VALUES ('a'), ('b'), ('c') RETURNING i";
    const oxy_key_rows keys = {.quiet_len = sizeof sql - sizeof " RETURNING i",
                               .key_query = OXY_SV("SELECT _rowid_ FROM t ORDER BY _rowid_ DESC LIMIT 1"),
                               .key = OXY_SV("i"),
                               .n_rows = 3};
    oxy_request r = request(sql, POINT);
    oxy_rc rc;

    r.key_rows = &keys;
    rc = run_request(c, &r);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    if (rc == OXY_OK)
        assert_int_equal(c->affected, 3);
    return rc;
}

/* Stops at the first failure. */
static oxy_rc live(const options *o, const oxy_alloc *alloc)
{
    oxy_conn *c;
    oxy_err err;
    oxy_rc rc = try_open(o, alloc, &c, &err);

    if (rc != OXY_OK)
        return rc;
    for (size_t i = 0; i < OXY_COUNT(life) && rc == OXY_OK; i++)
        rc = run_sql(c, life[i].sql, life[i].flags);
    for (int twice = 0; twice < 2 && rc == OXY_OK; twice++)
        rc = insert_for_keys(c);
    close_conn(c);
    return rc;
}

static oxy_rc live_with(const oxy_alloc *alloc, void *arg)
{
    return live(arg, alloc);
}

static void test_each_of_our_allocations_may_fail(void **state)
{
    static const char *const budgets[] = {"0", "1000000000"};

    for (size_t i = 0; i < OXY_COUNT(budgets); i++) {
        options o = file_options(in_dir(state, "ours.db"));

        o.cache = 3;
        o.regexp = found;
        set_option(&o, "pragma.temp_store", "MEMORY");
        set_option(&o, "synchronous", "OFF"); /* or the disk is what takes the time */
        set_option(&o, "inline_budget_ns", budgets[i]);
        assert_true(fail_torture(live_with, &o) > 10);
    }
}

/* --- SQLite's own allocations ------------------------------------------------------ */

static sqlite3_mem_methods real;
static atomic_llong calls, fail_at;
static atomic_llong live_blocks;

static bool fails(void)
{
    return atomic_fetch_add(&calls, 1) + 1 == atomic_load(&fail_at);
}

static void *count_malloc(int n)
{
    void *p = fails() ? NULL : real.xMalloc(n);

    if (p)
        atomic_fetch_add(&live_blocks, 1);
    return p;
}

static void *count_realloc(void *p, int n)
{
    return fails() ? NULL : real.xRealloc(p, n);
}

static void count_free(void *p)
{
    if (p)
        atomic_fetch_sub(&live_blocks, 1);
    real.xFree(p);
}

static void test_each_allocation_of_sqlite_may_fail(void **state)
{
    options o = memory_options();
    long long before;
    int failures = 0;

    (void)state;
    o.cache = 3;
    o.regexp = found;
    atomic_store(&fail_at, 0);
    assert_int_equal(live(&o, oxy_alloc_default()), OXY_OK); /* what is made once per process */
    before = atomic_load(&live_blocks);
    for (long long at = 1;; at++) {
        oxy_rc rc;

        atomic_store(&calls, 0);
        atomic_store(&fail_at, at);
        rc = live(&o, oxy_alloc_default());
        assert_int_equal(atomic_load(&live_blocks), before);
        failures += rc != OXY_OK;
        /* Some failures SQLite lives with; none is told as anything else. */
        assert_true(rc == OXY_OK || rc == OXY_NOMEM);
        if (atomic_load(&calls) < at)
            break;
    }
    assert_true(failures > 100);
    atomic_store(&fail_at, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_of_our_allocations_may_fail),
        cmocka_unit_test(test_each_allocation_of_sqlite_may_fail),
    };
    sqlite3_mem_methods methods;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    methods = real;
    methods.xMalloc = count_malloc;
    methods.xRealloc = count_realloc;
    methods.xFree = count_free;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
