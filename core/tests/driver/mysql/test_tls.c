/* SPDX-License-Identifier: MIT */
/* TLS modes, against a server with a certificate for localhost and 127.0.0.1
 * (OXYDE_TEST_MYSQL_TLS, with ssl_ca naming its authority), and against one that
 * has none (OXYDE_TEST_MYSQL_PLAIN; else OXYDE_TEST_MYSQL, which may have none). */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static oxy_errands *errands;

static int make_errands(void **state)
{
    (void)state;
    return oxy_errands_new(oxy_alloc_default(), &errands) != OXY_OK;
}

static int free_errands(void **state)
{
    (void)state;
    oxy_errands_free(errands);
    return 0;
}

/* Skips the test where there is no such server. */
static options tls_options(void)
{
    static char text[MAX_TEXT];
    options o = {.cache = 16, .errands = errands};

    if (!options_from("OXYDE_TEST_MYSQL_TLS", text, &o))
        skip();
    return o;
}

static const char *cipher(oxy_conn *c)
{
    oxy_request r = request("SHOW SESSION STATUS LIKE 'Ssl_cipher'", READ);
    static char text[128];

    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    assert_int_equal(next(c), OXY_STEP_ROW);
    (void)snprintf(text, sizeof text, "%s", show(&c->cells[1]) + 2);
    assert_int_equal(next(c), OXY_STEP_DONE);
    return text;
}

static void expect(const char *host, const char *mode, bool with_ca, bool opens, bool encrypted)
{
    options o = tls_options();
    oxy_conn *c = NULL;
    oxy_err err;
    oxy_rc rc;

    set_option(&o, "host", host);
    set_option(&o, "ssl_mode", mode);
    if (!with_ca)
        set_option(&o, "ssl_ca", NULL);
    rc = try_open(&o, oxy_alloc_default(), &c, &err);
    if ((rc == OXY_OK) != opens)
        fail_msg("%s, %s, CA %d: %s [%d]", host, mode, with_ca, rc == OXY_OK ? "opened" : err.message,
                 rc == OXY_OK ? 0 : (int)err.native);
    if (rc == OXY_OK) {
        if ((*cipher(c) != '\0') != encrypted)
            fail_msg("%s, %s, CA %d: cipher '%s'", host, mode, with_ca, cipher(c));
        assert_int_equal(count(c, "SELECT LENGTH(REPEAT('x', 3000000))"), 3000000);
        must_run(c, "SELECT REPEAT('x', 3000000) UNION ALL SELECT 'y'", READ);
        assert_true(c->driver->alive(c));
        close_conn(c);
    } else {
        assert_int_equal(rc, OXY_OPERATIONAL);
        assert_int_equal(err.native, 2026);
    }
}

static void test_modes(void **state)
{
    (void)state;
    expect("127.0.0.1", "disabled", true, true, false);
    expect("127.0.0.1", "preferred", true, true, true);
    expect("127.0.0.1", "preferred", false, true, true);
    expect("127.0.0.1", "required", false, true, true);
    expect("127.0.0.1", "required", true, true, true);
    expect("127.0.0.1", "verify_ca", true, true, true);
    expect("127.0.0.1", "verify_ca", false, false, true); /* the system does not know this authority */
    expect("127.0.0.1", "verify_identity", true, true, true);
    expect("localhost", "verify_identity", true, true, true);
    expect("localhost", "verify_identity", false, false, true);
}

/* 127.1 is another name of 127.0.0.1, but not in the certificate. */
static void test_name_is_checked_only_where_asked(void **state)
{
    (void)state;
    expect("127.1", "required", true, true, true);
    expect("127.1", "verify_ca", true, true, true);
    expect("127.1", "verify_identity", true, false, true);
}

static void test_stranger_as_authority(void **state)
{
    options o = tls_options();
    oxy_conn *c = NULL;
    oxy_err err;

    (void)state;
    set_option(&o, "ssl_mode", "required");
    set_option(&o, "ssl_ca", "/etc/ssl/certs/ca-certificates.crt");
    assert_int_equal(try_open(&o, oxy_alloc_default(), &c, &err), OXY_OPERATIONAL);
    set_option(&o, "ssl_ca", "/no/such/file.pem");
    assert_int_equal(try_open(&o, oxy_alloc_default(), &c, &err), OXY_OPERATIONAL);
}

static void test_server_without_tls(void **state)
{
    static const char *const modes[] = {"required", "verify_ca", "verify_identity"};
    char text[MAX_TEXT];
    options o = {.cache = 16};
    oxy_conn *c;
    oxy_err err;
    const char *has;

    (void)state;
    if (!options_from("OXYDE_TEST_MYSQL_PLAIN", text, &o))
        o = server_options();
    set_option(&o, "dbname", NULL);
    o.errands = errands;
    set_option(&o, "ssl_mode", "preferred");
    c = must_open(&o);
    has = is_mariadb(c) ? one(c, "SELECT @@have_ssl = 'YES'") : "i:1";
    close_conn(c);
    if (strcmp(has, "i:1") == 0)
        skip();
    for (size_t i = 0; i < OXY_COUNT(modes); i++) {
        set_option(&o, "ssl_mode", modes[i]);
        assert_int_equal(try_open(&o, oxy_alloc_default(), &c, &err), OXY_OPERATIONAL);
        if (!strstr(err.message, "server does not support TLS"))
            fail_msg("%s: %s [%d]", modes[i], err.message, (int)err.native);
    }
}

static void test_cancel_over_tls(void **state)
{
    options o = tls_options();
    oxy_request r = request("SELECT SLEEP(10)", READ);
    oxy_ns since = oxy_clock_now();
    oxy_conn *c;

    (void)state;
    set_option(&o, "ssl_mode", "required");
    assert_int_equal(oxy_common_new(oxy_alloc_default(), &o.common), OXY_OK);
    c = must_open(&o);
    for (int turn = 0; turn < 2; turn++) { /* the second one over the connection of the first */
        assert_int_equal(c->driver->start(c, &r), OXY_OK);
        for (int i = 0; i < 20; i++) {
            struct timespec t = {0, 10000000};

            (void)c->driver->pump(c);
            if (i == 0)
                (void)c->driver->step(c);
            (void)nanosleep(&t, NULL);
        }
        c->driver->cancel(c);
        while (next(c) == OXY_STEP_ROW)
            ;
        assert_true(oxy_clock_now() - since < 8 * OXY_NS_PER_S);
        assert_string_equal(one(c, "SELECT 1"), "i:1");
    }
    close_conn(c);
    oxy_common_drop(o.common);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_name_is_checked_only_where_asked),
        cmocka_unit_test(test_stranger_as_authority),
        cmocka_unit_test(test_server_without_tls),
        cmocka_unit_test(test_cancel_over_tls),
    };

    return cmocka_run_group_tests(tests, make_errands, free_errands);
}
