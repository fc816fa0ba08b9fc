/* SPDX-License-Identifier: MIT */
/* Memory that runs out at every possible call of ours. */
#include "harness.h"

#include "fail_alloc.h"

static oxy_errands *errands;

static int make_all(void **state)
{
    oxy_conn *c;

    assert_int_equal(oxy_errands_new(oxy_alloc_default(), &errands), OXY_OK);
    if (make_database(state) != 0)
        return 1;
    c = open_plain();
    must_run(c, "CREATE TABLE tortured (id INT PRIMARY KEY AUTO_INCREMENT, t TEXT, d DATETIME(6))", WRITE);
    close_conn(c);
    return 0;
}

static int drop_all(void **state)
{
    oxy_errands_free(errands);
    return drop_database(state);
}

static oxy_rc run_values(oxy_conn *c)
{
    oxy_value v[3] = {
        {.tag = OXY_V_NULL}, {.tag = OXY_V_TEXT, .s = OXY_SV("text")}, {.tag = OXY_V_DATETIME, .i = 1000000}};
    oxy_request r = request("INSERT INTO tortured VALUES (?, ?, ?)", WRITE);

    r.values = v;
    r.n_values = 3;
    return run_request(c, &r);
}

/* Stops at the first failure. */
static oxy_rc live(const oxy_alloc *alloc, void *arg)
{
    static const struct {
        const char *sql;
        uint32_t flags;
    } life[] = {
        {"SELECT 1", READ},
        {"SELECT 2", READ},
        {"SELECT 3", READ},
        {"SELECT * FROM tortured LIMIT 3", READ},
        {"SELECT * FROM tortured LIMIT 3", OXY_REQ_STREAM},
        {"SELECT 4", OXY_REQ_RAW},
        {"SELECT 1; SELECT 2", OXY_REQ_SCRIPT},
        {"HELP 'SELECT'", READ},
        {"", OXY_REQ_RESET},
        {"SELECT 1", READ},
    };
    oxy_conn *c;
    oxy_err err;
    oxy_rc rc = try_open(arg, alloc, &c, &err);

    if (rc != OXY_OK)
        return rc;
    rc = run_values(c);
    for (size_t i = 0; i < OXY_COUNT(life) && rc == OXY_OK; i++)
        rc = run_sql(c, life[i].sql, life[i].flags);
    close_conn(c);
    return rc;
}

static void test_every_allocation_fails_once(void **state)
{
    options o = server_options();

    (void)state;
    o.cache = 2;
    assert_true(fail_torture(live, &o) > 20);
}

static void test_every_allocation_fails_once_with_a_look_up(void **state)
{
    options o = server_options();

    (void)state;
    o.cache = 2;
    o.errands = errands;
    set_option(&o, "host", "localhost");
    set_option(&o, "ssl_mode", "disabled");
    assert_true(fail_torture(live, &o) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_fails_once),
        cmocka_unit_test(test_every_allocation_fails_once_with_a_look_up),
    };

    return cmocka_run_group_tests(tests, make_all, drop_all);
}
