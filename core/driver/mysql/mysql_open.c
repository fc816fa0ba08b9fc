/* SPDX-License-Identifier: MIT */
/* The library's handle, and what a session is set up with. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* POLLRDHUP */
#endif
#include "mysql_conn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* The library's default is 60 KiB; TLS and loading plugins may want more. Memory
 * is used only as far as the stack grows. */
#define STACK_SIZE (256u << 10)

/* The system's authorities, where the library's own default may not find them. */
static const char *system_authorities(void)
{
    static const char *const files[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                        "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};
    const char *named = getenv("SSL_CERT_FILE");

    if (named && access(named, R_OK) == 0)
        return named;
    for (size_t i = 0; i < OXY_COUNT(files); i++)
        if (access(files[i], R_OK) == 0)
            return files[i];
    return NULL;
}

/* With authorities the library checks the chain of the certificate; with
 * VERIFY_SERVER_CERT the host, too, from 3.4 on also the chain only then. Nothing
 * makes it insist on TLS otherwise: oxy__my_greeting does. */
static bool set_tls(MYSQL *m, const oxy__my_config *f)
{
    my_bool yes = 1, no = 0;
    bool chain = f->tls == OXY__MY_TLS_VERIFY_CA || f->tls == OXY__MY_TLS_VERIFY_IDENTITY;
    bool verify = f->tls == OXY__MY_TLS_VERIFY_IDENTITY || (chain && mysql_get_client_version() >= 30400);
    const char *ca = f->tls == OXY__MY_TLS_PREFERRED ? NULL : f->ssl_ca;

    if (f->tls == OXY__MY_TLS_DISABLED)
        return mysql_optionsv(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no) == 0;
    if (chain && !ca)
        ca = system_authorities();
    /* Without any authority nothing would be checked. */
    if (chain && !ca)
        verify = true;
    return mysql_ssl_set(m, f->ssl_key, f->ssl_cert, ca, NULL, NULL) == 0 &&
           mysql_optionsv(m, MYSQL_OPT_SSL_ENFORCE, &yes) == 0 &&
           mysql_optionsv(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, verify ? &yes : &no) == 0;
}

MYSQL *oxy__my_handle(const oxy__my_config *f)
{
    MYSQL *m = mysql_init(NULL);
    size_t stack = STACK_SIZE;
    unsigned tcp = MYSQL_PROTOCOL_TCP, off = 0;

    if (!m)
        return NULL;
    if (mysql_optionsv(m, MYSQL_OPT_NONBLOCK, &stack) || mysql_optionsv(m, MYSQL_SET_CHARSET_NAME, "utf8mb4") ||
        mysql_optionsv(m, MYSQL_OPT_LOCAL_INFILE, &off) ||
        (!f->socket && mysql_optionsv(m, MYSQL_OPT_PROTOCOL, &tcp)) ||
        (f->compress && mysql_optionsv(m, MYSQL_OPT_COMPRESS, NULL)) || !set_tls(m, f)) {
        mysql_close(m);
        return NULL;
    }
    return m;
}

/* While the greeting was not seen, nothing but its arrival: a server that speaks
 * before the library was told of the connection would be read on from at once. */
short oxy__my_connect_events(int wait, bool greeted)
{
    if (!greeted)
        return POLLIN;
    return (short)((wait & MYSQL_WAIT_READ ? POLLIN : 0) | (wait & MYSQL_WAIT_WRITE ? POLLOUT : 0));
}

bool oxy__my_lacks_tls(const oxy__my_config *f, MYSQL *connected)
{
    return f->tls >= OXY__MY_TLS_REQUIRED && !mysql_get_ssl_cipher(connected);
}

oxy__my_greets oxy__my_greeting(int fd)
{
    uint8_t p[256];
    ssize_t n = recv(fd, p, sizeof p, MSG_PEEK | MSG_DONTWAIT);
    const uint8_t *end;
    size_t at;

    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? OXY__MY_GREETS_LATER : OXY__MY_GREETS_WELL;
    /* What is no greeting the library shall judge: it sends nothing then. */
    if (n == 0 || (n > 4 && p[4] != 10))
        return OXY__MY_GREETS_WELL;
    end = n > 5 ? memchr(p + 5, '\0', (size_t)n - 5) : NULL;
    if (!end && n == sizeof p)
        return OXY__MY_GREETS_WITHOUT_TLS;
    /* Connection id, 8 bytes of scramble and a zero stand in front of the capabilities. */
    at = end ? (size_t)(end - p) + 1 + 4 + 8 + 1 : 0;
    if (!end || at + 2 > (size_t)n) {
        struct pollfd rest = {.fd = fd, .events = POLLRDHUP};

        /* Nothing will follow: the library finds that out, too. */
        return poll(&rest, 1, 0) > 0 ? OXY__MY_GREETS_WELL : OXY__MY_GREETS_LATER;
    }
    return (p[at] | p[at + 1] << 8) & CLIENT_SSL ? OXY__MY_GREETS_WELL : OXY__MY_GREETS_WITHOUT_TLS;
}

/* "8.0.36", "11.4.2-MariaDB", "5.5.5-10.6.12-MariaDB": the library drops the
 * prefix that old MariaDB servers put in front. */
static uint32_t read_version(const char *text)
{
    unsigned long part[3] = {0};
    char *end;

    for (size_t i = 0; i < OXY_COUNT(part); i++) {
        part[i] = strtoul(text, &end, 10);
        if (*end != '.')
            break;
        text = end + 1;
    }
    return (uint32_t)(part[0] * 10000 + part[1] * 100 + part[2]);
}

static void append_timeouts(const oxy__my_config *f, oxy_flavor flavor, oxy_buf *b)
{
    uint64_t seconds = (f->lock_timeout_ms + 999) / 1000;

    if (f->statement_timeout_ms && flavor == OXY_FLAVOR_MARIADB)
        oxy_buf_printf(b, ", max_statement_time = %llu.%03u", (unsigned long long)(f->statement_timeout_ms / 1000),
                       (unsigned)(f->statement_timeout_ms % 1000));
    else if (f->statement_timeout_ms)
        oxy_buf_printf(b, ", max_execution_time = %llu", (unsigned long long)f->statement_timeout_ms);
    if (f->lock_timeout_ms)
        oxy_buf_printf(b, ", innodb_lock_wait_timeout = %llu, lock_wait_timeout = %llu", (unsigned long long)seconds,
                       (unsigned long long)seconds);
}

/* Text travels as UTF-8 whatever charset says: that is about literals and
 * comparisons only. */
static void append_charset(const oxy__my_config *f, oxy_buf *b)
{
    bool utf8 = !f->charset || strcasecmp(f->charset, "utf8mb4") == 0;

    oxy_buf_puts(b, "SET NAMES utf8mb4");
    if (utf8 && f->collation)
        oxy_buf_printf(b, " COLLATE '%s'", f->collation);
    if (!utf8)
        oxy_buf_printf(b, ", character_set_connection = '%s'", f->charset);
    if (!utf8 && f->collation)
        oxy_buf_printf(b, ", collation_connection = '%s'", f->collation);
}

oxy_rc oxy__my_introduce(oxy__mysql *c, oxy_err *err)
{
    const oxy__my_config *f = c->config;
    oxy_server *server = &c->base.server;
    const char *version = mysql_get_server_info(c->mysql);
    oxy_buf b;
    size_t len;

    server->flavor = mariadb_connection(c->mysql) ? OXY_FLAVOR_MARIADB : OXY_FLAVOR_MYSQL;
    server->version = read_version(version ? version : "");
    server->pid = (int64_t)mysql_thread_id(c->mysql);
    oxy_buf_init(&b, c->base.alloc, 1u << 16);
    append_charset(f, &b);
    /* Aggregated texts would be cut at 1,024 bytes, with a warning that nobody sees. */
    oxy_buf_printf(&b, ", autocommit = 1, group_concat_max_len = 4294967295, time_zone = '%s'",
                   f->time_zone ? f->time_zone : "+00:00");
    oxy_buf_printf(&b, ", sql_mode = CONCAT(@@sql_mode, ',%s')",
                   f->sql_mode ? f->sql_mode : "PIPES_AS_CONCAT,NO_ENGINE_SUBSTITUTION,STRICT_TRANS_TABLES");
    append_timeouts(f, server->flavor, &b);
    if (oxy_buf_take(&b, &c->setup, &len) != OXY_OK) {
        oxy_buf_fini(&b);
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    }
    if (!f->dbname)
        return OXY_OK;
    oxy_buf_init(&b, c->base.alloc, 1u << 16);
    oxy_buf_puts(&b, "USE `");
    for (const char *p = f->dbname; *p; p++) {
        if (*p == '`')
            oxy_buf_putc(&b, '`');
        oxy_buf_putc(&b, *p);
    }
    oxy_buf_putc(&b, '`');
    if (oxy_buf_take(&b, &c->use, &len) != OXY_OK) {
        oxy_buf_fini(&b);
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    }
    return OXY_OK;
}
