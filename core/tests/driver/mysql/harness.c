/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned n_errands;

/* --- settings ------------------------------------------------------------------------ */

void set_option(options *o, const char *name, const char *value)
{
    uint32_t i = 0;

    while (i < o->n && !oxy_sv_eq(o->settings[i].name, oxy_sv_of(name)))
        i++;
    if (!value) {
        if (i < o->n)
            o->settings[i] = o->settings[--o->n];
        return;
    }
    assert_true(i < MAX_SETTINGS);
    o->settings[i] = (oxy_setting){oxy_sv_of(name), oxy_sv_of(value)};
    if (i == o->n)
        o->n++;
}

static const char *database(void)
{
    static char name[64];

    (void)snprintf(name, sizeof name, "oxyde_driver_%ld", (long)getpid());
    return name;
}

bool options_from(const char *variable, char text[MAX_TEXT], options *o)
{
    const char *from = getenv(variable);

    if (!from)
        return false;
    (void)snprintf(text, MAX_TEXT, "%s", from);
    for (char *save, *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *equals = strchr(word, '=');

        assert_non_null(equals);
        *equals = '\0';
        set_option(o, word, equals + 1);
    }
    return true;
}

static options parse_environment(void)
{
    static char text[MAX_TEXT];
    options o = {.cache = 16};

    if (!options_from("OXYDE_TEST_MYSQL", text, &o)) {
        (void)fprintf(stderr, "OXYDE_TEST_MYSQL names no server\n");
        exit(2);
    }
    return o;
}

options server_options(void)
{
    options o = parse_environment();

    set_option(&o, "dbname", database());
    return o;
}

int make_database(void **state)
{
    options o = parse_environment();
    oxy_conn *c = must_open(&o);
    char sql[128];

    (void)state;
    (void)snprintf(sql, sizeof sql, "CREATE DATABASE IF NOT EXISTS %s", database());
    must_run(c, sql, WRITE);
    close_conn(c);
    return 0;
}

int drop_database(void **state)
{
    options o = parse_environment();
    oxy_conn *c = must_open(&o);
    char sql[128];

    (void)state;
    (void)snprintf(sql, sizeof sql, "DROP DATABASE %s", database());
    must_run(c, sql, WRITE);
    close_conn(c);
    return 0;
}

/* --- waiting ---------------------------------------------------------------------------- */

typedef struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool on;
} bell;

static void ring(void *arg)
{
    bell *b = arg;

    pthread_mutex_lock(&b->lock);
    b->on = true;
    pthread_cond_signal(&b->rung);
    pthread_mutex_unlock(&b->lock);
}

static void wait_for_errand(oxy_conn *c)
{
    bell b = {.lock = PTHREAD_MUTEX_INITIALIZER, .rung = PTHREAD_COND_INITIALIZER};

    n_errands++;
    assert_int_equal(c->driver->offload(c, ring, &b), OXY_OK);
    pthread_mutex_lock(&b.lock);
    while (!b.on)
        pthread_cond_wait(&b.rung, &b.lock);
    pthread_mutex_unlock(&b.lock);
}

static void wait_for_socket(oxy_conn *c, oxy_step s)
{
    struct pollfd p = {.fd = c->driver->fd(c), .events = POLLIN};

    if (s == OXY_STEP_WANT_WRITE)
        p.events |= POLLOUT;
    assert_true(p.fd >= 0);
    if (poll(&p, 1, 20000) <= 0)
        fail_msg("the server said nothing for 20 seconds");
}

oxy_step next(oxy_conn *c)
{
    for (;;) {
        oxy_step s = c->driver->step(c);

        switch (s) {
        case OXY_STEP_WANT_READ:
        case OXY_STEP_WANT_WRITE: wait_for_socket(c, s); break;
        case OXY_STEP_WANT_WORKER: wait_for_errand(c); break;
        case OXY_STEP_TURN: break;
        default: return s;
        }
    }
}

unsigned errands_seen(void)
{
    unsigned n = n_errands;

    n_errands = 0;
    return n;
}

/* --- connections ---------------------------------------------------------------------------- */

oxy_rc try_open(const options *o, const oxy_alloc *alloc, oxy_conn **out, oxy_err *err)
{
    oxy_open what = {.settings = o->settings,
                     .n_settings = o->n,
                     .statement_cache = o->cache,
                     .errands = o->errands,
                     .common = o->common};
    oxy_rc rc = oxy_driver_mysql.open(&what, alloc, out, err);
    oxy_step s;

    if (rc != OXY_OK)
        return rc;
    s = next(*out);
    if (s == OXY_STEP_DONE)
        return OXY_OK;
    assert_int_equal(s, OXY_STEP_FAILED);
    *err = (*out)->err;
    oxy_driver_mysql.close(*out);
    *out = NULL;
    return err->rc;
}

oxy_conn *must_open(const options *o)
{
    oxy_conn *c = NULL;
    oxy_err err;

    if (try_open(o, oxy_alloc_default(), &c, &err) != OXY_OK)
        fail_msg("open: %s [%d]", err.message, (int)err.native);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    return c;
}

oxy_conn *open_plain(void)
{
    options o = server_options();

    return must_open(&o);
}

void close_conn(oxy_conn *c)
{
    oxy_driver_mysql.close(c);
}

bool is_mariadb(const oxy_conn *c)
{
    return c->server.flavor == OXY_FLAVOR_MARIADB;
}

/* --- requests -------------------------------------------------------------------------------- */

oxy_request request(const char *sql, uint32_t flags)
{
    return (oxy_request){.sql = oxy_sv_of(sql), .flags = flags, .deadline = OXY_NS_NEVER};
}

oxy_rc run_request(oxy_conn *c, const oxy_request *r)
{
    oxy_step s;

    if (c->driver->start(c, r) != OXY_OK)
        return c->err.rc;
    do {
        s = next(c);
    } while (s == OXY_STEP_ROW);
    return s == OXY_STEP_DONE ? OXY_OK : c->err.rc;
}

oxy_rc run_sql(oxy_conn *c, const char *sql, uint32_t flags)
{
    oxy_request r = request(sql, flags);

    return run_request(c, &r);
}

void must_run(oxy_conn *c, const char *sql, uint32_t flags)
{
    if (run_sql(c, sql, flags) != OXY_OK)
        fail_msg("%s: %s [%d]", sql, c->err.message, (int)c->err.native);
}

const char *show(const oxy_cell *cell)
{
    static char text[4][MAX_TEXT];
    static unsigned turn;
    char *out = text[turn++ % 4];
    size_t n;

    switch ((oxy_cell_tag)cell->tag) {
    case OXY_C_NULL: (void)snprintf(out, MAX_TEXT, "NULL"); break;
    case OXY_C_INT: (void)snprintf(out, MAX_TEXT, "i:%lld", (long long)cell->i); break;
    case OXY_C_UINT: (void)snprintf(out, MAX_TEXT, "u:%llu", (unsigned long long)cell->i); break;
    case OXY_C_DOUBLE: (void)snprintf(out, MAX_TEXT, "d:%.17g", cell->d); break;
    case OXY_C_TEXT: (void)snprintf(out, MAX_TEXT, "t:%.*s", (int)cell->len, cell->p); break;
    case OXY_C_BLOB:
    case OXY_C_WIRE:
        n = (size_t)snprintf(out, MAX_TEXT, cell->tag == OXY_C_BLOB ? "b:" : "w:");
        for (uint32_t i = 0; i < cell->len && n + 3 < MAX_TEXT; i++)
            n += (size_t)snprintf(out + n, MAX_TEXT - n, "%02x", (unsigned char)cell->p[i]);
        break;
    }
    return out;
}

const char *one_with(oxy_conn *c, const char *sql, const oxy_value *values, uint32_t n)
{
    static char text[4][MAX_TEXT];
    static unsigned turn;
    char *out = text[turn++ % 4];
    oxy_request r = request(sql, 0);
    oxy_step s;
    bool first = true;

    r.values = values;
    r.n_values = n;
    (void)snprintf(out, MAX_TEXT, "-");
    if (c->driver->start(c, &r) != OXY_OK) {
        (void)snprintf(out, MAX_TEXT, "!%s %s", oxy_rc_exception(c->err.rc), c->err.message);
        return out;
    }
    while ((s = next(c)) == OXY_STEP_ROW) {
        if (first)
            (void)snprintf(out, MAX_TEXT, "%s", show(&c->cells[0]));
        first = false;
    }
    if (s != OXY_STEP_DONE)
        (void)snprintf(out, MAX_TEXT, "!%s %s", oxy_rc_exception(c->err.rc), c->err.message);
    return out;
}

const char *one(oxy_conn *c, const char *sql)
{
    return one_with(c, sql, NULL, 0);
}

int64_t count(oxy_conn *c, const char *sql)
{
    const char *text = one(c, sql);

    if (strncmp(text, "i:", 2) != 0)
        fail_msg("%s: %s", sql, text);
    return strtoll(text + 2, NULL, 10);
}
