/* SPDX-License-Identifier: MIT */
/* Cancelling: KILL QUERY over another connection, which is kept for the next one.
 *
 * A KILL QUERY hits whatever its victim runs when it arrives. So while one is
 * under way, the end of the cancelled request is not told. And it must reach the
 * victim's own server: where several stand behind a name, the connection's number
 * means another session there. */
#include "mysql_conn.h"

#include "../common.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Seconds that a KILL QUERY may take; the caller's own clock runs out before. */
#define KILL_TIMEOUT 5u
/* What lies between may have forgotten a connection that rested longer. */
#define FRESH (60 * OXY_NS_PER_S)

/* The kept connection. */
typedef struct side {
    MYSQL *mysql;
    char peer[OXY__MY_ADDRESS_MAX];
    oxy_ns used;
} side;

static void side_free(void *thing)
{
    side *s = thing;

    if (s && s->mysql)
        mysql_close(s->mysql);
    free(s);
}

/* Address and port at the other end, as text; "" for a socket in the file system. */
static void peer_of(MYSQL *m, char out[OXY__MY_ADDRESS_MAX])
{
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    size_t used;

    out[0] = '\0';
    if (getpeername(mysql_get_socket(m), (struct sockaddr *)&at, &len) || at.ss_family == AF_UNIX)
        return;
    if (getnameinfo((struct sockaddr *)&at, len, out, OXY__MY_ADDRESS_MAX, NULL, 0, NI_NUMERICHOST)) {
        out[0] = '\0';
        return;
    }
    used = strlen(out);
    /* Behind the text that the library connects to: what tells servers on one machine apart. */
    if (getnameinfo((struct sockaddr *)&at, len, NULL, 0, out + used + 1, (socklen_t)(OXY__MY_ADDRESS_MAX - used - 1),
                    NI_NUMERICSERV))
        out[used + 1] = '\0';
}

static bool same_peer(const char *a, const char *b)
{
    return strcmp(a, b) == 0 && strcmp(a + strlen(a) + 1, b + strlen(b) + 1) == 0;
}

/* A connection to the victim's server, or NULL. */
static side *connect_side(oxy__my_errand *e)
{
    const oxy__my_config *f = e->config;
    unsigned seconds = KILL_TIMEOUT;
    side *s = calloc(1, sizeof *s);
    /* The certificate is checked against the name. */
    const char *host = e->peer[0] && f->tls != OXY__MY_TLS_VERIFY_IDENTITY ? e->peer : f->host;

    if (!s || !(s->mysql = oxy__my_handle(f))) {
        side_free(s);
        return NULL;
    }
    (void)mysql_optionsv(s->mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
    (void)mysql_optionsv(s->mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    if (!oxy__my_connect_now(e, s->mysql, host, NULL, (int)seconds * 1000)) {
        side_free(s);
        return NULL;
    }
    peer_of(s->mysql, s->peer);
    if (!same_peer(s->peer, e->peer)) {
        side_free(s);
        return NULL;
    }
    return s;
}

static bool kill_over(const oxy__my_errand *e, side *s)
{
    char text[64];
    int n = snprintf(text, sizeof text, "KILL QUERY %lld", (long long)e->victim);

    bool over;

    oxy__my_clear_errors(e->config);
    /* That there is no such session any more is an answer, too. */
    over = mysql_real_query(s->mysql, text, (unsigned long)n) == 0 || !oxy__my_error_closes(mysql_errno(s->mysql));
    s->used = oxy_clock_now();
    return over;
}

/* A failure is nobody's: the statement then runs on, and the caller's clock
 * decides about the connection. */
static void run_kill(oxy__errand *base)
{
    oxy__my_errand *e = (oxy__my_errand *)base;
    side *s = oxy__common_take(e->config->common);

    if (!s || oxy_clock_now() - s->used > FRESH || !same_peer(s->peer, e->peer) || !kill_over(e, s)) {
        side_free(s);
        s = connect_side(e);
        if (!s)
            return;
        (void)kill_over(e, s);
    }
    if (!oxy__common_keep(e->config->common, s, side_free))
        side_free(s);
}

/* Under the lock. */
static void send_kill(oxy__mysql *c)
{
    oxy__my_errand *e = oxy__my_errand_new(c, run_kill);
    oxy_err err;

    if (!e)
        return;
    e->victim = c->base.server.pid;
    peer_of(c->mysql, e->peer);
    if (oxy__my_errand_send(c, e, &err) != OXY_OK)
        return;
    oxy__my_errand_drop(c->cancel.errand);
    c->cancel.errand = e;
}

void oxy__my_kill(oxy__mysql *c)
{
    oxy__my_cancel *k = &c->cancel;

    pthread_mutex_lock(&k->lock);
    if (k->active) {
        k->asked = true;
        if (!k->errand || oxy__errand_over(&k->errand->base))
            send_kill(c);
    }
    pthread_mutex_unlock(&k->lock);
}

void oxy__my_cancel_arm(oxy__mysql *c)
{
    pthread_mutex_lock(&c->cancel.lock);
    c->cancel.active = true;
    pthread_mutex_unlock(&c->cancel.lock);
}

bool oxy__my_cancel_asked(oxy__mysql *c)
{
    bool asked;

    pthread_mutex_lock(&c->cancel.lock);
    asked = c->cancel.asked;
    pthread_mutex_unlock(&c->cancel.lock);
    return asked;
}

bool oxy__my_cancel_clear(oxy__mysql *c)
{
    oxy__my_cancel *k = &c->cancel;
    bool quiet;

    pthread_mutex_lock(&k->lock);
    quiet = !k->errand || oxy__errand_over(&k->errand->base);
    if (quiet) {
        oxy__my_errand_drop(k->errand);
        k->errand = NULL;
        k->asked = k->active = false;
    }
    pthread_mutex_unlock(&k->lock);
    return quiet;
}

bool oxy__my_cancel_disarm(oxy__mysql *c)
{
    bool asked;

    pthread_mutex_lock(&c->cancel.lock);
    asked = c->cancel.asked;
    if (!asked)
        c->cancel.active = false;
    pthread_mutex_unlock(&c->cancel.lock);
    return !asked;
}
