/* SPDX-License-Identifier: MIT */
/* What can only be done blocking, on the threads of oxy_errands: looking names
 * up, connecting where TLS may be used; KILL QUERY, which is in mysql_kill.c. */
#include "mysql_conn.h"

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* Longest that a thread is given to one connection, in milliseconds. */
#define DIAL_TIMEOUT 60000

static oxy__my_errand *of(oxy__errand *e)
{
    return (oxy__my_errand *)e;
}

/* --- on the other thread ------------------------------------------------------------------ */

static void run_lookup(oxy__errand *base)
{
    oxy__my_errand *e = of(base);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *list = NULL;
    int failed = getaddrinfo(e->config->host, NULL, &hints, &list);

    if (failed) {
        (void)snprintf(e->why, sizeof e->why, "%s", gai_strerror(failed));
        return;
    }
    for (struct addrinfo *a = list; a && e->n_addresses < OXY__MY_ADDRESSES; a = a->ai_next)
        if (getnameinfo(a->ai_addr, a->ai_addrlen, e->addresses[e->n_addresses], OXY__MY_ADDRESS_MAX, NULL, 0,
                        NI_NUMERICHOST) == 0)
            e->n_addresses++;
    freeaddrinfo(list);
    if (!e->n_addresses)
        (void)snprintf(e->why, sizeof e->why, "it has no address");
}

/* Of the socket, for what blocks in it; 0: for ever. */
static void set_socket_timeout(int fd, int ms)
{
    struct timeval t = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

/* Connects and waits. The calls are the non-blocking ones even so: between two of
 * them the greeting can be looked at. What blocks inside them is the look-up and
 * the TLS handshake. */
bool oxy__my_connect_now(oxy__my_errand *e, MYSQL *m, const char *host, const char *dbname, int timeout_ms)
{
    const oxy__my_config *f = e->config;
    bool greeted = f->tls < OXY__MY_TLS_REQUIRED, timed = false;
    oxy_ns deadline = oxy_clock_now() + timeout_ms * OXY_NS_PER_MS;
    MYSQL *connected = NULL;
    int wait;

    oxy__my_clear_errors(f);
    wait = mysql_real_connect_start(&connected, m, f->socket ? NULL : host, f->user, f->password, dbname,
                                    f->socket ? 0 : f->port, f->socket, CLIENT_FOUND_ROWS);

    while (wait) {
        struct pollfd p = {.fd = mysql_get_socket(m), .events = oxy__my_connect_events(wait, greeted)};
        oxy_ns left = deadline - oxy_clock_now();

        if (left < 0 || poll(&p, 1, (int)(left / OXY_NS_PER_MS) + 1) <= 0) {
            e->timed_out = true;
            (void)shutdown(p.fd, SHUT_RDWR);
        } else if (!greeted && !(p.revents & POLLERR)) { /* an error is for the library to take */
            oxy__my_greets greets = oxy__my_greeting(p.fd);

            if (greets == OXY__MY_GREETS_LATER) {
                (void)poll(NULL, 0, 10);
                continue;
            }
            greeted = true;
            e->without_tls = greets == OXY__MY_GREETS_WITHOUT_TLS;
            if (e->without_tls)
                (void)shutdown(p.fd, SHUT_RDWR);
        }
        if (!timed && greeted)
            set_socket_timeout(p.fd, timeout_ms);
        timed |= greeted;
        oxy__my_clear_errors(f);
        wait = mysql_real_connect_cont(&connected, m, wait & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE));
    }
    if (connected)
        set_socket_timeout(mysql_get_socket(m), 0);
    e->without_tls |= connected && oxy__my_lacks_tls(f, m);
    return connected && !e->without_tls;
}

static void run_dial(oxy__errand *base)
{
    oxy__my_errand *e = of(base);
    const oxy__my_config *f = e->config;
    int ms = f->connect_timeout_ms && f->connect_timeout_ms < DIAL_TIMEOUT ? (int)f->connect_timeout_ms : DIAL_TIMEOUT;

    e->connected = oxy__my_connect_now(e, e->mysql, f->host, f->dbname, ms);
}

static void free_errand(oxy__errand *base)
{
    oxy__my_errand *e = of(base);
    const oxy_alloc *a = e->config->alloc;
    oxy__my_config *f = e->config;

    if (e->mysql)
        mysql_close(e->mysql);
    oxy_alloc_free(a, e);
    oxy__my_config_drop(f);
}

/* --- on the caller's thread ----------------------------------------------------------------- */

oxy__my_errand *oxy__my_errand_new(oxy__mysql *c, void (*run)(oxy__errand *))
{
    oxy__my_errand *e = oxy_alloc_zero(c->base.alloc, 1, sizeof *e);

    if (!e)
        return NULL;
    if (oxy__errand_init(&e->base, run, free_errand) != OXY_OK) {
        oxy_alloc_free(c->base.alloc, e);
        return NULL;
    }
    e->config = oxy__my_config_hold(c->config);
    return e;
}

void oxy__my_errand_drop(oxy__my_errand *e)
{
    if (e)
        oxy__errand_drop(&e->base);
}

oxy_rc oxy__my_errand_send(oxy__mysql *c, oxy__my_errand *e, oxy_err *err)
{
    oxy_rc rc;

    if (!e)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    rc = c->errands ? oxy__errands_send(c->errands, &e->base, err)
                    : oxy_err_set(err, OXY_INTERFACE, "this connection has no threads for blocking calls");
    if (rc != OXY_OK)
        oxy__my_errand_drop(e);
    return rc;
}

oxy_rc oxy__my_lookup(oxy__mysql *c, oxy_err *err)
{
    oxy__my_errand *e = oxy__my_errand_new(c, run_lookup);
    oxy_rc rc = oxy__my_errand_send(c, e, err);

    c->errand = rc == OXY_OK ? e : NULL;
    return rc;
}

oxy_rc oxy__my_dial(oxy__mysql *c, oxy_err *err)
{
    oxy__my_errand *e = oxy__my_errand_new(c, run_dial);
    oxy_rc rc;

    if (e && !(e->mysql = oxy__my_handle(c->config))) {
        oxy__my_errand_drop(e);
        e = NULL;
    }
    rc = oxy__my_errand_send(c, e, err);
    c->errand = rc == OXY_OK ? e : NULL;
    return rc;
}
