/* SPDX-License-Identifier: MIT */
/* Opening and closing: names, settings, ways to log in, TLS, and a connection
 * that is closed in the middle of anything. */
#include "harness.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static oxy_errands *errands;

static int make_all(void **state)
{
    assert_int_equal(oxy_errands_new(oxy_alloc_default(), &errands), OXY_OK);
    return make_database(state);
}

static int drop_all(void **state)
{
    oxy_errands_free(errands);
    return drop_database(state);
}

static oxy_rc fail_to_open(const options *o, oxy_err *err)
{
    oxy_conn *c = NULL;
    oxy_rc rc = try_open(o, oxy_alloc_default(), &c, err);

    if (rc == OXY_OK)
        close_conn(c);
    return rc;
}

/* --- addresses --------------------------------------------------------------------------- */

static void test_names_are_looked_up_elsewhere(void **state)
{
    options o = server_options();
    oxy_conn *c;

    (void)state;
    o.errands = errands;
    set_option(&o, "host", "localhost");
    (void)errands_seen();
    c = must_open(&o);
    assert_int_equal(errands_seen(), 1);
    assert_string_equal(one(c, "SELECT 1"), "i:1");
    close_conn(c);
}

static void test_unknown_name(void **state)
{
    options o = server_options();
    oxy_err err;

    (void)state;
    o.errands = errands;
    set_option(&o, "host", "no-such-host.invalid");
    assert_int_equal(fail_to_open(&o, &err), OXY_OPERATIONAL);
    assert_int_equal(err.native, 2005);
    assert_non_null(strstr(err.message, "no-such-host.invalid"));
}

static void test_name_needs_threads(void **state)
{
    options o = server_options();
    oxy_err err;

    (void)state;
    set_option(&o, "host", "localhost");
    assert_int_equal(fail_to_open(&o, &err), OXY_INTERFACE);
}

/* A port that nobody listens on: taken and given back. */
static const char *free_port(void)
{
    static char text[16];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    (void)close(fd);
    (void)snprintf(text, sizeof text, "%u", ntohs(a.sin_port));
    return text;
}

static void test_nobody_listens(void **state)
{
    options o = server_options();
    oxy_err err;

    (void)state;
    set_option(&o, "port", free_port());
    assert_int_equal(fail_to_open(&o, &err), OXY_OPERATIONAL);
    assert_true(err.native == 2002 || err.native == 2003);
    assert_true(err.flags & OXY_ERR_NOT_READY);
    o.errands = errands;
    set_option(&o, "host", "localhost");
    assert_int_equal(fail_to_open(&o, &err), OXY_OPERATIONAL);
    assert_true(err.flags & OXY_ERR_NOT_READY);
}

static int listen_somewhere(char *port, size_t size)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    (void)snprintf(port, size, "%u", ntohs(a.sin_port));
    return fd;
}

static void test_server_that_says_nothing(void **state)
{
    options o = server_options();
    oxy_conn *c = NULL;
    oxy_open what;
    oxy_err err;
    oxy_step s;
    char port[16];
    int fd = listen_somewhere(port, sizeof port);

    (void)state;
    set_option(&o, "port", port);
    set_option(&o, "oxy.connect_timeout_ms", "200");
    what = (oxy_open){.settings = o.settings, .n_settings = o.n};
    assert_int_equal(oxy_driver_mysql.open(&what, oxy_alloc_default(), &c, &err), OXY_OK);
    while ((s = c->driver->step(c)) == OXY_STEP_WANT_READ || s == OXY_STEP_WANT_WRITE)
        (void)usleep(20000);
    assert_int_equal(s, OXY_STEP_FAILED);
    assert_int_equal(c->err.rc, OXY_OPERATIONAL);
    assert_non_null(strstr(c->err.message, "timed out"));
    close_conn(c);
    (void)close(fd);
}

static void test_server_that_hangs_up(void **state)
{
    options o = server_options();
    oxy_conn *c = NULL;
    oxy_open what;
    oxy_err err;
    char port[16];
    int fd = listen_somewhere(port, sizeof port), peer;

    (void)state;
    set_option(&o, "port", port);
    what = (oxy_open){.settings = o.settings, .n_settings = o.n};
    assert_int_equal(oxy_driver_mysql.open(&what, oxy_alloc_default(), &c, &err), OXY_OK);
    (void)c->driver->step(c);
    peer = accept(fd, NULL, NULL);
    (void)c->driver->step(c);
    (void)close(peer);
    assert_int_equal(next(c), OXY_STEP_FAILED);
    assert_int_equal(c->err.rc, OXY_OPERATIONAL);
    assert_true(c->err.flags & OXY_ERR_NOT_READY);
    assert_int_equal(c->driver->status(c), OXY_CONN_BROKEN);
    close_conn(c);
    (void)close(fd);
}

static void test_garbage_instead_of_a_greeting(void **state)
{
    static const char *const greetings[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", "\1\0\0\0\xff",
                                            "\5\0\0\0\x0a"
                                            "8.0",
                                            "\xff\xff\xff\0"};
    static const size_t lengths[] = {28, 5, 8, 4};

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(greetings); i++) {
        options o = server_options();
        oxy_conn *c = NULL;
        oxy_open what;
        oxy_err err;
        char port[16];
        int fd = listen_somewhere(port, sizeof port), peer;

        set_option(&o, "port", port);
        what = (oxy_open){.settings = o.settings, .n_settings = o.n};
        assert_int_equal(oxy_driver_mysql.open(&what, oxy_alloc_default(), &c, &err), OXY_OK);
        (void)c->driver->step(c);
        peer = accept(fd, NULL, NULL);
        assert_int_equal(write(peer, greetings[i], lengths[i]), (ssize_t)lengths[i]);
        (void)close(peer);
        assert_int_equal(next(c), OXY_STEP_FAILED);
        close_conn(c);
        (void)close(fd);
    }
}

static void test_unix_socket(void **state)
{
    oxy_conn *c = open_plain();
    options o = server_options();
    const char *elsewhere = getenv("OXYDE_TEST_MYSQL_SOCKET"); /* a server in a root of its own */
    char path[256];

    (void)state;
    (void)snprintf(path, sizeof path, "%s", elsewhere ? elsewhere : one(c, "SELECT @@socket") + 2);
    close_conn(c);
    if (access(path, W_OK) != 0)
        skip();
    set_option(&o, "socket", path);
    c = must_open(&o);
    assert_string_equal(one(c, "SELECT 1"), "i:1");
    close_conn(c);
}

/* --- settings -------------------------------------------------------------------------------- */

static void test_settings_are_checked(void **state)
{
    static const struct {
        const char *name, *value;
    } cases[] = {
        {"port", "0"},
        {"port", "70000"},
        {"port", "x"},
        {"ssl_mode", "maybe"},
        {"compress", "2"},
        {"time_zone", "a'b"},
        {"sql_mode", "A\\"},
        {"no_such_setting", "1"},
        {"charset", "utf8`mb4"},
        {"oxy.lock_timeout_ms", "-1"},
        {"oxy.statement_timeout_ms", "soon"},
    };

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(cases); i++) {
        options o = server_options();
        oxy_err err;

        set_option(&o, cases[i].name, cases[i].value);
        assert_int_equal(fail_to_open(&o, &err), OXY_VALUE);
        assert_non_null(strstr(err.message, cases[i].name));
    }
}

static void test_session_settings(void **state)
{
    options o = server_options();
    oxy_conn *c;

    (void)state;
    set_option(&o, "time_zone", "+02:00");
    set_option(&o, "sql_mode", "ANSI_QUOTES");
    set_option(&o, "charset", "latin1");
    set_option(&o, "collation", "latin1_german2_ci");
    set_option(&o, "oxy.statement_timeout_ms", "1500");
    set_option(&o, "oxy.lock_timeout_ms", "2001");
    c = must_open(&o);
    assert_string_equal(one(c, "SELECT @@session.time_zone"), "t:+02:00");
    assert_string_equal(one(c, "SELECT FIND_IN_SET('ANSI_QUOTES', @@sql_mode) > 0"), "i:1");
    assert_string_equal(one(c, "SELECT FIND_IN_SET('PIPES_AS_CONCAT', @@sql_mode) > 0"), "i:0");
    assert_string_equal(one(c, "SELECT @@collation_connection"), "t:latin1_german2_ci");
    assert_string_equal(one(c, "SELECT '\xc3\xbc'"), "t:\xc3\xbc"); /* text stays UTF-8 */
    assert_string_equal(one(c, "SELECT @@innodb_lock_wait_timeout"), "i:3");
    assert_string_equal(one(c, is_mariadb(c) ? "SELECT @@max_statement_time * 1000" : "SELECT @@max_execution_time"),
                        is_mariadb(c) ? "d:1500" : "i:1500");
    close_conn(c);
}

static void test_compressed(void **state)
{
    options o = server_options();
    oxy_conn *c;

    (void)state;
    set_option(&o, "compress", "1");
    c = must_open(&o);
    assert_int_equal(count(c, "SELECT LENGTH(REPEAT('x', 1000000))"), 1000000);
    must_run(c, "SELECT REPEAT('x', 1000000) UNION ALL SELECT 'y'", OXY_REQ_STREAM);
    close_conn(c);
}

/* --- logging in ------------------------------------------------------------------------------------ */

static void test_wrong_password_and_database(void **state)
{
    options o = server_options();
    oxy_err err;

    (void)state;
    set_option(&o, "dbname", "no_such_database");
    assert_int_equal(fail_to_open(&o, &err), OXY_OPERATIONAL);
    assert_int_equal(err.native, 1049);
    o = server_options();
    set_option(&o, "user", "nobody_of_that_name");
    set_option(&o, "password", "hidden");
    assert_int_equal(fail_to_open(&o, &err), OXY_OPERATIONAL);
    assert_int_equal(err.native, 1045);
    assert_null(strstr(err.message, "hidden"));
    assert_int_equal(err.flags & OXY_ERR_NOT_READY, 0);
}

/* As user with the password "se'cret", over TCP; the statement makes the user. */
static void log_in(const char *create, const char *tls)
{
    options o = server_options();
    oxy_conn *root = open_plain(), *c = NULL;
    oxy_err err;

    must_run(root, "DROP USER IF EXISTS 'oxyde_login'@'%'", WRITE);
    if (run_sql(root, create, WRITE) != OXY_OK) {
        (void)printf("          (not on this server: %s)\n", root->err.message);
        close_conn(root);
        return;
    }
    must_run(root, "GRANT ALL ON *.* TO 'oxyde_login'@'%'", WRITE);
    set_option(&o, "user", "oxyde_login");
    set_option(&o, "password", "se'cret");
    set_option(&o, "ssl_mode", tls);
    /* Twice: the second time the server may know the password by a quicker way. */
    for (int i = 0; i < 2; i++) {
        if (try_open(&o, oxy_alloc_default(), &c, &err) != OXY_OK)
            fail_msg("%s, %s: %s [%d]", create, tls, err.message, (int)err.native);
        assert_string_equal(one(c, "SELECT 1"), "i:1");
        close_conn(c);
    }
    set_option(&o, "password", "wrong");
    assert_int_equal(fail_to_open(&o, &err), OXY_OPERATIONAL);
    assert_int_equal(err.native, 1045);
    must_run(root, "DROP USER 'oxyde_login'@'%'", WRITE);
    close_conn(root);
}

static void test_every_way_to_log_in(void **state)
{
    static const char *const ways[] = {
        "CREATE USER 'oxyde_login'@'%' IDENTIFIED WITH caching_sha2_password BY 'se''cret'",
        "CREATE USER 'oxyde_login'@'%' IDENTIFIED WITH sha256_password BY 'se''cret'",
        /* What the server prefers; MariaDB: mysql_native_password. */
        "CREATE USER 'oxyde_login'@'%' IDENTIFIED BY 'se''cret'",
        "CREATE USER 'oxyde_login'@'%' IDENTIFIED VIA ed25519 USING PASSWORD('se''cret')",
    };
    oxy_conn *c = open_plain();
    bool installed = is_mariadb(c) && run_sql(c, "INSTALL SONAME 'auth_ed25519'", WRITE) == OXY_OK;

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(ways); i++) {
        log_in(ways[i], "disabled");
        log_in(ways[i], "preferred");
    }
    if (installed)
        must_run(c, "UNINSTALL SONAME 'auth_ed25519'", WRITE);
    close_conn(c);
}

/* --- closing ----------------------------------------------------------------------------------------- */

/* Steps n times without waiting for more than a moment, then closes. */
static bool close_after(const options *o, const oxy_request *r, int n)
{
    oxy_conn *c = NULL;
    oxy_open what = {.settings = o->settings, .n_settings = o->n, .statement_cache = o->cache, .errands = o->errands};
    oxy_err err;
    bool started = false, over = false;

    assert_int_equal(oxy_driver_mysql.open(&what, oxy_alloc_default(), &c, &err), OXY_OK);
    for (int i = 0; i < n && !over; i++) {
        oxy_step s = c->driver->step(c);

        if (s == OXY_STEP_WANT_READ || s == OXY_STEP_WANT_WRITE || s == OXY_STEP_WANT_WORKER) {
            (void)usleep(500);
        } else if (s == OXY_STEP_DONE && !started) {
            started = true;
            assert_int_equal(c->driver->start(c, r), OXY_OK);
        } else if (s != OXY_STEP_ROW) {
            over = true;
        }
    }
    close_conn(c);
    return over;
}

static void test_closed_in_the_middle_of_anything(void **state)
{
    options o = server_options();
    oxy_sv before[] = {OXY_SV("START TRANSACTION")};
    static char large[3 << 20];
    oxy_value v = {.tag = OXY_V_BLOB, .s = {large, sizeof large}};
    oxy_request requests[] = {
        request("SELECT * FROM information_schema.collations", READ),
        request("SELECT * FROM information_schema.collations", OXY_REQ_STREAM),
        request("SELECT 1; SELECT 2", OXY_REQ_SCRIPT),
        request("SELECT LENGTH(?)", READ),
    };

    (void)state;
    requests[0].before = before;
    requests[0].n_before = 1;
    requests[3].values = &v;
    requests[3].n_values = 1;
    o.errands = errands;
    for (size_t i = 0; i < OXY_COUNT(requests); i++)
        for (int n = 0; n < 400 && !close_after(&o, &requests[i], n); n += n < 40 ? 1 : 17)
            ;
    set_option(&o, "host", "localhost");
    for (int n = 0; n < 10; n++)
        (void)close_after(&o, &requests[0], n);
}

static void test_child_leaves_the_parents_connection_alone(void **state)
{
    oxy_conn *c = open_plain();
    int status = 0;
    pid_t pid;

    (void)state;
    must_run(c, "SET @a = 5", WRITE);
    pid = fork();
    if (pid == 0) {
        close_conn(c);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_string_equal(one(c, "SELECT @a"), "i:5");
    close_conn(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_looked_up_elsewhere),
        cmocka_unit_test(test_unknown_name),
        cmocka_unit_test(test_name_needs_threads),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_server_that_says_nothing),
        cmocka_unit_test(test_server_that_hangs_up),
        cmocka_unit_test(test_garbage_instead_of_a_greeting),
        cmocka_unit_test(test_unix_socket),
        cmocka_unit_test(test_settings_are_checked),
        cmocka_unit_test(test_session_settings),
        cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_wrong_password_and_database),
        cmocka_unit_test(test_every_way_to_log_in),
        cmocka_unit_test(test_closed_in_the_middle_of_anything),
        cmocka_unit_test(test_child_leaves_the_parents_connection_alone),
    };

    return cmocka_run_group_tests(tests, make_all, drop_all);
}
