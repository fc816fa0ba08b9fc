/* SPDX-License-Identifier: MIT */
/* The client library's calls, each in its two halves: start and continue. While
 * one is suspended its stack frames live in a context of the library's own. */
#include "mysql_conn.h"

#include <fcntl.h>
#ifdef OXY_HAVE_LIBCRYPTO
#include <openssl/err.h>
#endif
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* OpenSSL keeps its errors per thread, and takes one that another connection left
 * there for this one's: a read that merely has to wait would be a failure. The
 * library does not clear them. */
void oxy__my_clear_errors(const oxy__my_config *f)
{
#ifdef OXY_HAVE_LIBCRYPTO
    if (f->tls != OXY__MY_TLS_DISABLED)
        ERR_clear_error();
#else
    (void)f;
#endif
}

/* A connection without TLS leaves nothing there and reads nothing from it. */
static void clear_errors(const oxy__mysql *c)
{
    if (!c->without_tls)
        oxy__my_clear_errors(c->config);
}

static int start(oxy__mysql *c)
{
    oxy__my_call *k = &c->call;
    MYSQL *m = c->mysql;
    my_bool flag = 0;
    int wait = 0;

    switch (k->op) {
    case OXY__MY_NONE: return 0;
    case OXY__MY_CONNECT: {
        const oxy__my_config *f = c->config;

        return mysql_real_connect_start(&k->connected, m, f->socket ? NULL : c->address, f->user, f->password,
                                        f->dbname, f->socket ? 0 : f->port, f->socket, CLIENT_FOUND_ROWS);
    }
    case OXY__MY_QUERY: return mysql_real_query_start(&k->failed, m, k->sql, k->len);
    case OXY__MY_STORE_TEXT: return mysql_store_result_start(&k->result, m);
    case OXY__MY_NEXT_TEXT: return mysql_next_result_start(&k->failed, m);
    case OXY__MY_PREPARE: return mysql_stmt_prepare_start(&k->failed, k->stmt, k->sql, k->len);
    case OXY__MY_EXECUTE: return mysql_stmt_execute_start(&k->failed, k->stmt);
    case OXY__MY_STORE: return mysql_stmt_store_result_start(&k->failed, k->stmt);
    case OXY__MY_FETCH: return mysql_stmt_fetch_start(&k->failed, k->stmt);
    case OXY__MY_NEXT: return mysql_stmt_next_result_start(&k->failed, k->stmt);
    case OXY__MY_FREE_RESULT: wait = mysql_stmt_free_result_start(&flag, k->stmt); break;
    case OXY__MY_CLOSE_STMT: wait = mysql_stmt_close_start(&flag, k->stmt); break;
    case OXY__MY_OPTION: return mysql_set_server_option_start(&k->failed, m, k->option);
    case OXY__MY_PING: return mysql_ping_start(&k->failed, m);
    case OXY__MY_RESET: return mysql_reset_connection_start(&k->failed, m);
    }
    if (!wait)
        k->failed = flag;
    return wait;
}

static int go_on(oxy__mysql *c, int ready)
{
    oxy__my_call *k = &c->call;
    MYSQL *m = c->mysql;
    my_bool flag = 0;
    int wait = 0;

    switch (k->op) {
    case OXY__MY_NONE: return 0;
    case OXY__MY_CONNECT: return mysql_real_connect_cont(&k->connected, m, ready);
    case OXY__MY_QUERY: return mysql_real_query_cont(&k->failed, m, ready);
    case OXY__MY_STORE_TEXT: return mysql_store_result_cont(&k->result, m, ready);
    case OXY__MY_NEXT_TEXT: return mysql_next_result_cont(&k->failed, m, ready);
    case OXY__MY_PREPARE: return mysql_stmt_prepare_cont(&k->failed, k->stmt, ready);
    case OXY__MY_EXECUTE: return mysql_stmt_execute_cont(&k->failed, k->stmt, ready);
    case OXY__MY_STORE: return mysql_stmt_store_result_cont(&k->failed, k->stmt, ready);
    case OXY__MY_FETCH: return mysql_stmt_fetch_cont(&k->failed, k->stmt, ready);
    case OXY__MY_NEXT: return mysql_stmt_next_result_cont(&k->failed, k->stmt, ready);
    case OXY__MY_FREE_RESULT: wait = mysql_stmt_free_result_cont(&flag, k->stmt, ready); break;
    case OXY__MY_CLOSE_STMT: wait = mysql_stmt_close_cont(&flag, k->stmt, ready); break;
    case OXY__MY_OPTION: return mysql_set_server_option_cont(&k->failed, m, ready);
    case OXY__MY_PING: return mysql_ping_cont(&k->failed, m, ready);
    case OXY__MY_RESET: return mysql_reset_connection_cont(&k->failed, m, ready);
    }
    if (!wait)
        k->failed = flag;
    return wait;
}

void oxy__my_begin(oxy__mysql *c, oxy__my_op op)
{
    c->call.op = op;
    c->call.failed = 0;
    c->call.greeted = c->config->tls < OXY__MY_TLS_REQUIRED;
    c->call.without_tls = false;
    c->call.connected = NULL;
    c->call.result = NULL;
    clear_errors(c);
    c->call.wait = start(c);
}

void oxy__my_resume(oxy__mysql *c)
{
    int ready = c->call.wait & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE);

    /* Reading and writing are tried again whatever we say; a connect would be
     * taken for done. */
    if (c->call.op == OXY__MY_CONNECT) {
        struct pollfd p = {.fd = mysql_get_socket(c->mysql),
                           .events = oxy__my_connect_events(c->call.wait, c->call.greeted)};

        if (poll(&p, 1, 0) <= 0)
            return;
        if (!c->call.greeted && !(p.revents & POLLERR)) { /* an error is for the library to take */
            oxy__my_greets greets = oxy__my_greeting(p.fd);

            if (greets == OXY__MY_GREETS_LATER)
                return;
            c->call.greeted = true;
            if (greets == OXY__MY_GREETS_WITHOUT_TLS) {
                oxy__my_abandon(c);
                c->call.without_tls = true;
                return;
            }
        }
    }
    clear_errors(c);
    c->call.wait = go_on(c, ready);
}

void oxy__my_abandon(oxy__mysql *c)
{
    int fd = c->mysql ? mysql_get_socket(c->mysql) : -1, null;

    if (fd >= 0) {
        /* In place of the socket something that never blocks and answers every
         * call with an error or the end: the suspended call unwinds and frees
         * what it holds, and nothing is sent to the server any more. */
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0 || dup2(null, fd) < 0)
            (void)shutdown(fd, SHUT_RDWR);
        if (null >= 0)
            (void)close(null);
    }
    while (c->call.wait)
        c->call.wait = go_on(c, MYSQL_WAIT_READ | MYSQL_WAIT_WRITE | MYSQL_WAIT_TIMEOUT);
}
