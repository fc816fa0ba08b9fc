/* SPDX-License-Identifier: MIT */
/* The states from nothing to a session that is set up. */
#include "mysql_conn.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>

static bool is_numeric(const char *host)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* The library looks names up where it stands, and so it does TLS handshakes. With
 * threads all that happens there; without, only addresses are taken. */
void oxy__my_on_open(oxy__mysql *c)
{
    const oxy__my_config *f = c->config;
    oxy_rc rc = OXY_OK;

    if (c->errands && !f->socket && f->tls != OXY__MY_TLS_DISABLED) {
        rc = oxy__my_dial(c, &c->base.err);
        c->state = OXY__MY_S_DIAL;
    } else if (f->socket || is_numeric(f->host)) {
        c->address = f->socket ? NULL : f->host;
        c->state = OXY__MY_S_CONNECT;
    } else {
        rc = oxy__my_lookup(c, &c->base.err);
        c->state = OXY__MY_S_LOOKUP;
    }
    if (rc != OXY_OK)
        oxy__my_fail(c);
}

void oxy__my_on_connect(oxy__mysql *c)
{
    if (c->mysql)
        mysql_close(c->mysql);
    c->mysql = oxy__my_handle(c->config);
    if (!c->mysql) {
        (void)oxy_err_set(&c->base.err, OXY_NOMEM, "out of memory");
        oxy__my_fail(c);
        return;
    }
    oxy__my_begin(c, OXY__MY_CONNECT);
    c->state = OXY__MY_S_CONNECTED;
}

/* Whether there is another address to be tried. */
static bool next_address(oxy__mysql *c)
{
    unsigned number = mysql_errno(c->mysql);

    if (!c->errand || c->next_address == c->errand->n_addresses || (number != 2002 && number != 2003))
        return false;
    c->address = c->errand->addresses[c->next_address++];
    c->state = OXY__MY_S_CONNECT;
    return true;
}

/* The library leaves it blocking, which its TLS reads then are. */
static void set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void oxy__my_on_connected(oxy__mysql *c)
{
    if (c->call.connected && oxy__my_lacks_tls(c->config, c->mysql)) {
        c->call.without_tls = true;
        c->call.connected = NULL;
    }
    if (!c->call.connected && c->call.without_tls) {
        (void)oxy__my_error_set(c, 2026, "HY000", "server does not support TLS", &c->base.err);
        oxy__my_fail(c);
        return;
    }
    if (!c->call.connected) {
        if (!next_address(c))
            oxy__my_fail_call(c, NULL);
        return;
    }
    c->state = OXY__MY_S_SETUP;
    c->without_tls = !mysql_get_ssl_cipher(c->mysql);
    set_nonblocking(mysql_get_socket(c->mysql));
    if (oxy__my_introduce(c, &c->base.err) != OXY_OK)
        oxy__my_fail(c);
}

void oxy__my_looked_up(oxy__mysql *c)
{
    if (!c->errand->n_addresses) {
        char words[256];

        (void)snprintf(words, sizeof words, "unknown host '%.100s': %.100s", c->config->host, c->errand->why);
        (void)oxy__my_error_set(c, 2005, "HY000", words, &c->base.err);
        oxy__my_fail(c);
        return;
    }
    c->address = c->errand->addresses[0];
    c->next_address = 1;
    c->state = OXY__MY_S_CONNECT;
}

void oxy__my_dialed(oxy__mysql *c)
{
    c->mysql = c->errand->mysql;
    c->errand->mysql = NULL;
    c->call.connected = c->errand->connected ? c->mysql : NULL;
    c->state = OXY__MY_S_CONNECTED;
    c->call.without_tls = c->errand->without_tls;
    if (c->errand->timed_out) {
        (void)oxy_err_set(&c->base.err, OXY_OPERATIONAL, "connecting to the server timed out");
        c->base.err.flags = OXY_ERR_NOT_READY;
        oxy__my_fail(c);
    }
}

void oxy__my_on_setup(oxy__mysql *c)
{
    oxy__my_run_text(c, oxy_sv_of(c->setup), false, OXY__MY_S_READY);
}

void oxy__my_on_ready(oxy__mysql *c)
{
    if (c->text_failed) {
        oxy__my_fail_text(c);
        return;
    }
    c->opening = c->tainted = false;
    c->state = OXY__MY_S_OVER;
}
