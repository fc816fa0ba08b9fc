/* SPDX-License-Identifier: MIT */
/* Opening: settings, connecting, and finding out who is there. */
#include "postgres.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Keywords that we add to the user's. */
#define OURS 8

/* --- settings --------------------------------------------------------------------------- */

void oxy__pg_settings_free(oxy__pg *c)
{
    if (!c->settings)
        return;
    oxy_arena_fini(&c->settings->memory);
    oxy_alloc_free(c->base.alloc, c->settings);
    c->settings = NULL;
}

void oxy__pg_set(oxy__pg_settings *s, const char *keyword, const char *value)
{
    uint32_t i = 0;

    while (i < s->n && strcmp(s->keywords[i], keyword) != 0)
        i++;
    if (!value && i == s->n)
        return;
    if (!value) {
        s->n--;
        s->keywords[i] = s->keywords[s->n];
        s->values[i] = s->values[s->n];
    } else {
        s->keywords[i] = keyword;
        s->values[i] = value;
        s->n += i == s->n;
    }
    s->keywords[s->n] = s->values[s->n] = NULL;
}

static oxy_rc no_memory(oxy_err *err)
{
    return oxy_err_set(err, OXY_NOMEM, "out of memory");
}

static bool number(const char *text, unsigned long long *out)
{
    unsigned long long n = 0;

    if (!*text || strlen(text) > 10)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        n = n * 10 + (unsigned)(*text - '0');
    }
    *out = n;
    return n <= INT32_MAX;
}

/* Settings of ours; *taken: it was one. */
static oxy_rc take_ours(oxy__pg *c, const char *name, const char *value, oxy_buf *options, bool *taken, oxy_err *err)
{
    static const struct {
        const char *name, *guc;
    } timers[] = {{"oxy.statement_timeout_ms", "statement_timeout"}, {"oxy.lock_timeout_ms", "lock_timeout"}};
    unsigned long long ms;

    *taken = strncmp(name, "oxy.", 4) == 0;
    if (!*taken)
        return OXY_OK;
    for (size_t i = 0; i < OXY_COUNT(timers); i++) {
        if (strcmp(name, timers[i].name) != 0)
            continue;
        if (!number(value, &ms))
            return oxy_err_set(err, OXY_VALUE, "%s is not a number of milliseconds", name);
        if (ms)
            oxy_buf_printf(options, " -c %s=%llu", timers[i].guc, ms);
        c->timeout_set |= i == 0 && ms != 0;
        return OXY_OK;
    }
    if (strcmp(name, "oxy.direct") == 0) {
        if (strcmp(value, "no") == 0)
            c->looks = OXY__PG_LOOKS;
        else if (strcmp(value, "auto") != 0)
            return oxy_err_set(err, OXY_VALUE, "oxy.direct is auto or no");
        return OXY_OK;
    }
    if (strcmp(name, "oxy.pooler") != 0)
        return oxy_err_set(err, OXY_VALUE, "unknown setting %s", name);
    if (strcmp(value, "yes") == 0) {
        c->unnamed = c->base.server.pooler = true;
        c->hello_wanted = false;
    } else if (strcmp(value, "no") == 0) {
        c->keep_names = true;
        c->hello_wanted = false;
    } else if (strcmp(value, "auto") != 0) {
        return oxy_err_set(err, OXY_VALUE, "oxy.pooler is auto, yes or no");
    }
    return OXY_OK;
}

static oxy_rc copy_settings(oxy__pg *c, const oxy_open *what, oxy_buf *options, oxy_err *err)
{
    oxy__pg_settings *s = c->settings;

    for (uint32_t i = 0; i < what->n_settings; i++) {
        const oxy_setting *in = &what->settings[i];
        const char *name = oxy_arena_copy(&s->memory, in->name.p, in->name.len);
        const char *value = oxy_arena_copy(&s->memory, in->value.p, in->value.len);
        bool ours;
        oxy_rc rc;

        if (!name || !value)
            return no_memory(err);
        rc = take_ours(c, name, value, options, &ours, err);
        if (rc != OXY_OK)
            return rc;
        if (!ours)
            oxy__pg_set(s, name, value);
    }
    return OXY_OK;
}

oxy_rc oxy__pg_configure(oxy__pg *c, const oxy_open *what, oxy_err *err)
{
    size_t room = what->n_settings + OURS + 1;
    oxy__pg_settings *s = oxy_alloc_zero(c->base.alloc, 1, sizeof *s);
    oxy_buf options;
    oxy_rc rc;

    if (!s)
        return no_memory(err);
    c->settings = s;
    oxy_arena_init(&s->memory, c->base.alloc, (size_t)16 << 20);
    s->keywords = oxy_arena_zero(&s->memory, room, sizeof *s->keywords);
    s->values = oxy_arena_zero(&s->memory, room, sizeof *s->values);
    s->user_options = "";
    if (!s->keywords || !s->values)
        return no_memory(err);
    c->hello_wanted = true;
    c->unnamed = what->statement_cache == 0;
    c->name_seed = oxy_hash(&c->base.serial, sizeof c->base.serial, (uint64_t)c->pid ^ (uint64_t)(uintptr_t)c);
    oxy_buf_init(&options, c->base.alloc, 1u << 16);
    oxy_buf_puts(&options, "-c TimeZone=UTC -c DateStyle=ISO,MDY");
    rc = copy_settings(c, what, &options, err);
    if (rc == OXY_OK) {
        s->our_options = options.rc == OXY_OK ? oxy_arena_copy(&s->memory, options.p, options.len) : NULL;
        if (!s->our_options || oxy__pg_ask_libpq(c) != OXY_OK)
            rc = no_memory(err);
    }
    oxy_buf_fini(&options);
    if (c->keep_names && what->statement_cache)
        c->unnamed = false;
    oxy__pg_set(s, "client_encoding", "UTF8");
    c->phase = s->n_hosts ? OXY__PG_RESOLVE : OXY__PG_CONNECT;
    return rc;
}

/* --- connecting ------------------------------------------------------------------------------ */

/* Notices are not ours to print. The word that the server goes comes as one when
 * the session is idle. */
static void notice(void *arg, const PGresult *res)
{
    oxy__pg *c = arg;
    const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (!severity || (strcmp(severity, "FATAL") != 0 && strcmp(severity, "PANIC") != 0))
        return;
    c->going = true;
    if (c->lost.rc == OXY_OK)
        (void)oxy__pg_error(c, res, &c->lost);
}

static void notice_text(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

/* PQconnectPoll knows no clock: a host that drops our packets would hold up those
 * after it until the kernel gives up, minutes later. Where there is this option
 * the kernel gives up sooner. (A host that takes the connection and says nothing
 * still is the caller's clock's business.) */
static oxy_rc limit_patience(oxy__pg_settings *s)
{
#ifdef TCP_USER_TIMEOUT
    char text[24];
    const char *copy;

    if (!s->several || s->user_timeout)
        return OXY_OK;
    (void)snprintf(text, sizeof text, "%lu", s->patience_ms);
    copy = oxy_arena_copy(&s->memory, text, strlen(text));
    if (!copy)
        return OXY_NOMEM;
    oxy__pg_set(s, "tcp_user_timeout", copy);
#else
    (void)s;
#endif
    return OXY_OK;
}

static void restore_patience(const oxy__pg *c)
{
#ifdef TCP_USER_TIMEOUT
    unsigned forever = 0;

    if (c->settings->several && !c->settings->user_timeout)
        (void)setsockopt(PQsocket(c->pq), IPPROTO_TCP, TCP_USER_TIMEOUT, &forever, sizeof forever);
#else
    (void)c;
#endif
}

static oxy_step start_connecting(oxy__pg *c)
{
    oxy__pg_settings *s = c->settings;
    oxy_buf options;
    const char *text;

    oxy_buf_init(&options, c->base.alloc, 1u << 20);
    if (!s->without_ours)
        oxy_buf_puts(&options, s->our_options);
    if (*s->user_options)
        oxy_buf_printf(&options, " %s", s->user_options);
    text = options.rc == OXY_OK ? oxy_arena_copy(&s->memory, options.p, options.len) : NULL;
    oxy_buf_fini(&options);
    if (!text || limit_patience(s) != OXY_OK) {
        (void)no_memory(&c->base.err);
        return OXY_STEP_FAILED;
    }
    oxy__pg_set(s, "options", text);
    c->pq = PQconnectStartParams(s->keywords, s->values, 0);
    if (!c->pq) {
        (void)no_memory(&c->base.err);
        return OXY_STEP_FAILED;
    }
    (void)PQsetNoticeReceiver(c->pq, notice, c);
    (void)PQsetNoticeProcessor(c->pq, notice_text, NULL);
    (void)PQsetErrorVerbosity(c->pq, PQERRORS_VERBOSE);
    if (PQstatus(c->pq) == CONNECTION_BAD) {
        oxy__pg_connect_error(c, &c->base.err);
        return OXY_STEP_FAILED;
    }
    c->poll = PGRES_POLLING_WRITING;
    c->phase = OXY__PG_CONNECTING;
    return OXY_STEP_WANT_WRITE;
}

static oxy_step connected(oxy__pg *c)
{
    c->base.server.version = (uint32_t)PQserverVersion(c->pq);
    c->base.server.pid = PQbackendPID(c->pq);
    if (PQsetnonblocking(c->pq, 1) != 0 || !PQenterPipelineMode(c->pq) || oxy__pg_cancel_ready(c) != OXY_OK) {
        (void)no_memory(&c->base.err);
        return OXY_STEP_FAILED;
    }
    (void)PQsetErrorVerbosity(c->pq, PQERRORS_TERSE);
    c->piped = true;
    restore_patience(c);
    oxy__pg_settings_free(c);
    oxy__errand_drop(c->lookup);
    c->lookup = NULL;
    if (!c->hello_wanted)
        return OXY_STEP_DONE;
    c->phase = OXY__PG_HELLO;
    if (!oxy__pg_send_hello(c)) {
        (void)no_memory(&c->base.err);
        return OXY_STEP_FAILED;
    }
    oxy__pg_flush(c);
    return c->want_write ? OXY_STEP_WANT_WRITE : OXY_STEP_WANT_READ;
}

/* PgBouncer knows few parameters and refuses the others; no server does. */
static bool refused_settings(const oxy__pg *c)
{
    return !c->settings->without_ours && strstr(PQerrorMessage(c->pq), "unsupported startup parameter");
}

static oxy_step connecting(oxy__pg *c)
{
    c->poll = PQconnectPoll(c->pq);
    switch (c->poll) {
    case PGRES_POLLING_READING: return OXY_STEP_WANT_READ;
    case PGRES_POLLING_WRITING: return OXY_STEP_WANT_WRITE;
    case PGRES_POLLING_OK: return connected(c);
    default: break;
    }
    if (refused_settings(c)) {
        c->settings->without_ours = true;
        c->base.server.pooler = true;
        if (!c->keep_names)
            c->unnamed = true;
        PQfinish(c->pq);
        c->pq = NULL;
        return start_connecting(c);
    }
    oxy__pg_connect_error(c, &c->base.err);
    return OXY_STEP_FAILED;
}

void oxy__pg_hello(oxy__pg *c, const PGresult *res)
{
    long long pid = 0;

    if (PQntuples(res) != 1 || sscanf(PQgetvalue(res, 0, 0), "%lld", &pid) != 1)
        return;
    if (pid == c->base.server.pid)
        return;
    c->base.server.pid = pid;
    c->base.server.pooler = true;
    if (!c->keep_names)
        c->unnamed = true;
}

static oxy_step greeting(oxy__pg *c)
{
    oxy_step step = oxy__pg_pump(c);

    if (c->phase == OXY__PG_BROKEN) {
        c->base.err = c->lost;
        return OXY_STEP_FAILED;
    }
    return step;
}

oxy_step oxy__pg_connect(oxy__pg *c)
{
    switch (c->phase) {
    case OXY__PG_RESOLVE: return OXY_STEP_WANT_WORKER;
    case OXY__PG_RESOLVING:
        if (!oxy__errand_over(c->lookup))
            return OXY_STEP_WANT_WORKER;
        if (oxy__pg_apply_lookup(c) != OXY_OK)
            return OXY_STEP_FAILED;
        return start_connecting(c);
    case OXY__PG_CONNECT: return start_connecting(c);
    case OXY__PG_CONNECTING: return connecting(c);
    default: return greeting(c);
    }
}
