/* SPDX-License-Identifier: MIT */
/* Opening: settings, hosts, and what is said when it fails. The tests that need
 * a special server look for its address in the environment. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* SOCK_NONBLOCK */
#endif
#include "pg.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void expect_failure(const pg_options *o, const char *sqlstate, const char *words, oxy_err *err)
{
    oxy_conn *c;

    assert_int_not_equal(pg_try_open(o, &c, err), OXY_OK);
    assert_int_equal(err->rc, OXY_OPERATIONAL);
    assert_string_equal(err->sqlstate, sqlstate);
    if (!strstr(err->message, words))
        fail_msg("%s", err->message);
    assert_null(strchr(err->message, '\n'));
    assert_null(strstr(err->message, "LOCATION"));
    assert_null(strstr(err->message, ".c:"));
    assert_null(strstr(err->message, "s3cret"));
}

static void test_nobody_listens(void **state)
{
    pg_options o = pg_default();
    oxy_err err;

    (void)state;
    pg_set(&o, "port", "1");
    expect_failure(&o, "", "Connection refused", &err);
    assert_int_equal(err.flags & OXY_ERR_NOT_READY, OXY_ERR_NOT_READY);
    pg_set(&o, "host", "/nowhere");
    expect_failure(&o, "", "No such file", &err);
    assert_int_equal(err.flags & OXY_ERR_NOT_READY, OXY_ERR_NOT_READY);
}

static void test_the_server_refuses(void **state)
{
    pg_options o = pg_default();
    oxy_err err;

    (void)state;
    pg_set(&o, "password", "s3cret");
    pg_set(&o, "dbname", "c_no_such_database");
    expect_failure(&o, "3D000", "database \"c_no_such_database\" does not exist", &err);
    assert_int_equal(err.flags & OXY_ERR_NOT_READY, 0);
    pg_set(&o, "user", "c_nobody");
    expect_failure(&o, "28000", "role \"c_nobody\" does not exist", &err);
}

static void test_settings_that_cannot_be(void **state)
{
    pg_options o = pg_default();
    oxy_conn *c;
    oxy_err err;

    (void)state;
    pg_set(&o, "no_such_keyword", "x");
    expect_failure(&o, "", "no_such_keyword", &err);
    o = pg_default();
    pg_set(&o, "sslmode", "perhaps");
    expect_failure(&o, "", "perhaps", &err);
    o = pg_default();
    pg_set(&o, "oxy.statement_timeout_ms", "soon");
    assert_int_equal(pg_try_open(&o, &c, &err), OXY_VALUE);
    o = pg_default();
    pg_set(&o, "oxy.nothing", "1");
    assert_int_equal(pg_try_open(&o, &c, &err), OXY_VALUE);
    o = pg_default();
    pg_set(&o, "oxy.pooler", "maybe");
    assert_int_equal(pg_try_open(&o, &c, &err), OXY_VALUE);
}

static void test_tls_that_is_not_offered(void **state)
{
    pg_options o = pg_default();
    oxy_err err;

    (void)state;
    pg_set(&o, "sslmode", "require");
    expect_failure(&o, "", "server does not support TLS", &err);
}

static void test_names_are_looked_up_elsewhere(void **state)
{
    pg_options o = pg_default();
    oxy_conn *c;
    oxy_err err;

    (void)state;
    (void)pg_offloads();
    c = pg_open(&o);
    pg_close(c);
    assert_int_equal(pg_offloads(), 0);
    pg_set(&o, "host", "localhost");
    c = pg_open(&o);
    assert_string_equal(pg_one(c, "SELECT 1"), "i:1");
    pg_close(c);
    assert_true(pg_offloads() >= 1);
    pg_set(&o, "host", "no-such-host.invalid");
    expect_failure(&o, "", "could not translate host name \"no-such-host.invalid\"", &err);
    /* One unknown name among several hosts is no reason to give up. */
    pg_set(&o, "host", "no-such-host.invalid,127.0.0.1,localhost");
    c = pg_open(&o);
    pg_close(c);
}

static void test_an_opening_that_is_given_up(void **state)
{
    pg_options o = pg_default();
    oxy_err err;

    (void)state;
    for (int steps = 0; steps < 4; steps++) {
        oxy_open what = {.settings = o.settings, .n_settings = o.n, .statement_cache = 4, .errands = pg_errands()};
        oxy_conn *c;

        pg_set(&o, "host", steps % 2 ? "localhost" : "127.0.0.1");
        assert_int_equal(oxy_driver_postgres.open(&what, oxy_alloc_default(), &c, &err), OXY_OK);
        for (int i = 0; i < steps; i++)
            (void)c->driver->step(c);
        c->driver->cancel(c);
        c->driver->finish(c);
        pg_close(c);
    }
    oxy_driver_postgres.close(NULL);
}

static const char *default_port(const pg_options *o)
{
    for (uint32_t i = 0; i < o->n; i++)
        if (oxy_sv_eq(o->settings[i].name, OXY_SV("port")))
            return o->settings[i].value.p;
    return "5432";
}

static void test_several_hosts_are_tried_in_turn(void **state)
{
    pg_options o = pg_default();
    oxy_conn *c;
    oxy_err err;
    char ports[64];

    (void)state;
    (void)snprintf(ports, sizeof ports, "1,%s", default_port(&o));
    pg_set(&o, "host", "127.0.0.1,127.0.0.1");
    pg_set(&o, "port", ports);
    c = pg_open(&o);
    pg_close(c);
    pg_set(&o, "host", "localhost,localhost");
    c = pg_open(&o);
    pg_close(c);
    pg_set(&o, "port", "1,2,3");
    expect_failure(&o, "", "could not match", &err);
    pg_set(&o, "port", "1");
    pg_set(&o, "host", "127.0.0.1,127.0.0.1");
    expect_failure(&o, "", "Connection refused", &err);
}

/* A port whose queue is full: the kernel drops what comes. */
typedef struct hole {
    int listener, fillers[4];
    uint16_t port;
} hole;

static bool dig(hole *h)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    struct pollfd p = {.events = POLLOUT};

    h->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(h->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(h->listener, 0), 0);
    assert_int_equal(getsockname(h->listener, (struct sockaddr *)&a, &len), 0);
    h->port = ntohs(a.sin_port);
    for (size_t i = 0; i < OXY_COUNT(h->fillers); i++) {
        p.fd = h->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(p.fd, (struct sockaddr *)&a, sizeof a);
    }
    return poll(&p, 1, 200) == 0; /* the last one waits */
}

static void fill(hole *h)
{
    for (size_t i = 0; i < OXY_COUNT(h->fillers); i++)
        (void)close(h->fillers[i]);
    (void)close(h->listener);
}

static void test_a_silent_host_does_not_hold_up_the_next(void **state)
{
    pg_options o = pg_default();
    oxy_ns since = oxy_clock_now();
    oxy_conn *c;
    hole h;
    char ports[64];

    (void)state;
    if (!dig(&h)) {
        fill(&h);
        skip(); /* not this kernel */
    }
    (void)snprintf(ports, sizeof ports, "%u,%s", h.port, default_port(&o));
    pg_set(&o, "host", "127.0.0.1,127.0.0.1");
    pg_set(&o, "port", ports);
    pg_set(&o, "connect_timeout", "1");
    c = pg_open(&o);
    assert_true(oxy_clock_now() - since < 5 * OXY_NS_PER_S);
    assert_string_equal(pg_one(c, "SELECT 1"), "i:1");
    pg_close(c);
    fill(&h);
}

static void test_settings_of_the_session(void **state)
{
    pg_options o = pg_default();
    oxy_conn *c;

    (void)state;
    pg_set(&o, "application_name", "parcels & co");
    pg_set(&o, "options", "-c work_mem=2MB -c DateStyle=German");
    pg_set(&o, "oxy.statement_timeout_ms", "4321");
    pg_set(&o, "oxy.lock_timeout_ms", "1234");
    c = pg_open(&o);
    assert_string_equal(pg_one(c, "SHOW application_name"), "t:parcels & co");
    assert_string_equal(pg_one(c, "SHOW work_mem"), "t:2MB");
    assert_string_equal(pg_one(c, "SHOW statement_timeout"), "t:4321ms");
    assert_string_equal(pg_one(c, "SHOW lock_timeout"), "t:1234ms");
    assert_string_equal(pg_one(c, "SHOW TimeZone"), "t:UTC");
    assert_string_equal(pg_one(c, "SHOW DateStyle"), "t:German, DMY"); /* the user's word is the last */
    pg_must(c, "SET work_mem = '3MB'", WRITE);
    pg_must(c, "DISCARD ALL", RAW);
    assert_string_equal(pg_one(c, "SHOW work_mem"), "t:2MB");
    pg_close(c);
    assert_int_equal(setenv("PGOPTIONS", "-c work_mem=5MB", 1), 0);
    o = pg_default();
    c = pg_open(&o);
    assert_string_equal(pg_one(c, "SHOW work_mem"), "t:5MB");
    assert_string_equal(pg_one(c, "SHOW TimeZone"), "t:UTC");
    pg_close(c);
    (void)unsetenv("PGOPTIONS");
}

static void test_a_service_file_counts(void **state)
{
    char path[] = "/tmp/oxyde-service-XXXXXX";
    int fd = mkstemp(path);
    pg_options o = pg_default();
    oxy_conn *c;
    FILE *f;

    (void)state;
    assert_true(fd >= 0);
    f = fdopen(fd, "w");
    assert_non_null(f);
    (void)fprintf(f, "[shop]\nhost=localhost\nuser=%s\ndbname=%s\n", "postgres", "test");
    (void)fclose(f);
    for (uint32_t i = 0; i < o.n; i++) {
        if (oxy_sv_eq(o.settings[i].name, OXY_SV("host")))
            o.settings[i--] = o.settings[--o.n];
    }
    pg_set(&o, "service", "shop");
    assert_int_equal(setenv("PGSERVICEFILE", path, 1), 0);
    (void)pg_offloads();
    c = pg_open(&o);
    assert_true(pg_offloads() >= 1); /* its host is a name, and we knew */
    pg_close(c);
    (void)unsetenv("PGSERVICEFILE");
    (void)unlink(path);
}

static void test_notices_are_not_printed(void **state)
{
    oxy_conn *c = pg_open_default();

    (void)state;
    pg_must(c, "DROP TABLE IF EXISTS c_never_there", WRITE);
    pg_must(c, "DO $$ BEGIN RAISE WARNING 'loud'; RAISE NOTICE 'quiet'; END $$", WRITE);
    pg_close(c);
}

static void test_a_server_that_turned_read_only(void **state)
{
    static const char *const write = "CREATE TABLE c_never (a int)";
    pg_options o = pg_default();
    oxy_conn *c;

    (void)state;
    pg_set(&o, "target_session_attrs", "read-write");
    c = pg_open(&o);
    pg_must(c, "BEGIN READ ONLY", WRITE); /* the transaction's doing, not the server's */
    assert_int_equal(pg_run(c, write, WRITE), OXY_INTERNAL);
    assert_string_equal(c->err.sqlstate, "25006");
    assert_int_equal(c->err.flags, 0);
    pg_must(c, "ROLLBACK", WRITE);
    pg_must(c, "SET default_transaction_read_only = on", WRITE);
    assert_int_equal(pg_run(c, write, WRITE), OXY_INTERNAL);
    assert_int_equal(c->err.flags, OXY_ERR_READ_ONLY | OXY_ERR_UNSENT);
    pg_must(c, "BEGIN", WRITE);
    assert_int_equal(pg_run(c, write, WRITE), OXY_INTERNAL);
    assert_int_equal(c->err.flags, OXY_ERR_READ_ONLY);
    pg_close(c);
    pg_set(&o, "target_session_attrs", "any");
    c = pg_open(&o);
    pg_must(c, "SET default_transaction_read_only = on", WRITE);
    assert_int_equal(pg_run(c, write, WRITE), OXY_INTERNAL);
    assert_int_equal(c->err.flags, 0);
    pg_close(c);
}

/* --- special servers -------------------------------------------------------------------- */

static bool special(const char *variable, pg_options *o)
{
    static char text[PG_TEXT];

    *o = pg_default();
    return pg_options_from(variable, text, o);
}

static void test_tls(void **state)
{
    pg_options o;
    oxy_conn *c;
    oxy_request slow = pg_request("SELECT pg_sleep(20)", READ);

    (void)state;
    if (!special("OXYDE_TEST_POSTGRES_TLS", &o))
        skip();
    pg_set(&o, "sslmode", "require");
    c = pg_open(&o);
    assert_string_equal(pg_one(c, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"), "i:1");
    assert_string_equal(pg_one(c, "SELECT length(repeat('x', 3000000))"), "i:3000000");
    assert_true(c->driver->alive(c));
    assert_int_equal(c->driver->start(c, &slow), OXY_OK);
    (void)c->driver->step(c);
    c->driver->cancel(c);
    assert_int_equal(pg_next(c), OXY_STEP_FAILED);
    assert_int_equal(c->err.rc, OXY_CANCELED);
    pg_close(c);
}

static void test_a_pooler(void **state)
{
    pg_options o;
    oxy_conn *c[3];
    oxy_sv begin = OXY_SV("BEGIN");
    oxy_value value = {.tag = OXY_V_INT, .i = 41};
    oxy_request r = pg_request("SELECT $1::int + 1", READ), shared = pg_request("SELECT 5", SHARED);

    (void)state;
    if (!special("OXYDE_TEST_PGBOUNCER", &o))
        skip();
    pg_set(&o, "oxy.statement_timeout_ms", "9876"); /* which it refuses */
    r.values = &value;
    r.n_values = 1;
    for (int i = 0; i < 3; i++) {
        c[i] = pg_open(&o);
        assert_true(c[i]->server.pooler);
    }
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 3; i++) {
            assert_string_equal(pg_one_of(c[i], &r), "i:42");
            assert_int_equal(c[i]->driver->start(c[i], &shared), OXY_OK);
        }
        for (int i = 0; i < 3; i++) {
            assert_int_equal(pg_next(c[i]), OXY_STEP_ROW);
            assert_int_equal(pg_next(c[i]), OXY_STEP_DONE);
        }
    }
    r.before = &begin;
    r.n_before = 1;
    assert_string_equal(pg_one_of(c[0], &r), "i:42");
    assert_int_equal(c[0]->driver->status(c[0]), OXY_CONN_INTRANS);
    r.n_before = 0;
    assert_string_equal(pg_one_of(c[1], &r), "i:42");
    pg_must(c[0], "COMMIT", WRITE);
    for (int i = 0; i < 3; i++)
        pg_close(c[i]);
}

static void test_a_standby_is_read_only(void **state)
{
    pg_options o;
    oxy_conn *c;
    oxy_err err;

    (void)state;
    if (!special("OXYDE_TEST_POSTGRES_STANDBY", &o))
        skip();
    pg_set(&o, "target_session_attrs", "read-write");
    expect_failure(&o, "", "session is read-only", &err);
    pg_set(&o, "target_session_attrs", "any");
    c = pg_open(&o);
    assert_int_equal(pg_run(c, "CREATE TABLE c_x (a int)", WRITE), OXY_INTERNAL);
    assert_string_equal(c->err.sqlstate, "25006");
    assert_int_equal(c->err.flags & OXY_ERR_READ_ONLY, 0);
    pg_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_the_server_refuses),
        cmocka_unit_test(test_settings_that_cannot_be),
        cmocka_unit_test(test_tls_that_is_not_offered),
        cmocka_unit_test(test_names_are_looked_up_elsewhere),
        cmocka_unit_test(test_an_opening_that_is_given_up),
        cmocka_unit_test(test_several_hosts_are_tried_in_turn),
        cmocka_unit_test(test_a_silent_host_does_not_hold_up_the_next),
        cmocka_unit_test(test_settings_of_the_session),
        cmocka_unit_test(test_a_service_file_counts),
        cmocka_unit_test(test_notices_are_not_printed),
        cmocka_unit_test(test_a_server_that_turned_read_only),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_a_pooler),
        cmocka_unit_test(test_a_standby_is_read_only),
    };

    return cmocka_run_group_tests(tests, pg_setup, pg_teardown);
}
