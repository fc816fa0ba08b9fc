/* SPDX-License-Identifier: MIT */
/* The PostgreSQL driver tests' harness. */
#include "pg.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static oxy_errands *errands;
static unsigned offloaded;

oxy_errands *pg_errands(void)
{
    return errands;
}

int pg_setup(void **state)
{
    (void)state;
    return oxy_errands_new(oxy_alloc_default(), &errands) == OXY_OK ? 0 : -1;
}

int pg_teardown(void **state)
{
    (void)state;
    oxy_errands_free(errands);
    errands = NULL;
    return 0;
}

/* --- opening ---------------------------------------------------------------------- */

void pg_set(pg_options *o, const char *name, const char *value)
{
    uint32_t i = 0;

    while (i < o->n && !oxy_sv_eq(o->settings[i].name, oxy_sv_of(name)))
        i++;
    assert_true(i < OXY_COUNT(o->settings));
    o->settings[i] = (oxy_setting){oxy_sv_of(name), oxy_sv_of(value)};
    o->n += i == o->n;
}

bool pg_options_from(const char *variable, char text[PG_TEXT], pg_options *o)
{
    const char *from = getenv(variable);
    char *save = NULL;

    if (!from)
        return false;
    (void)snprintf(text, PG_TEXT, "%s", from);
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *eq = strchr(word, '=');

        assert_non_null(eq);
        *eq = '\0';
        pg_set(o, word, eq + 1);
    }
    return true;
}

pg_options pg_default(void)
{
    static char text[PG_TEXT];
    pg_options o = {.cache = 16};

    if (!pg_options_from("OXYDE_TEST_POSTGRES", text, &o))
        fail_msg("OXYDE_TEST_POSTGRES is not set");
    return o;
}

oxy_rc pg_try_open(const pg_options *o, oxy_conn **out, oxy_err *err)
{
    oxy_open what = {.settings = o->settings, .n_settings = o->n, .statement_cache = o->cache, .errands = errands};
    oxy_rc rc = oxy_driver_postgres.open(&what, o->alloc ? o->alloc : oxy_alloc_default(), out, err);
    oxy_step step;

    if (rc != OXY_OK) {
        assert_null(*out);
        return rc;
    }
    step = pg_next(*out);
    if (step == OXY_STEP_DONE)
        return OXY_OK;
    assert_int_equal(step, OXY_STEP_FAILED);
    assert_int_equal((*out)->driver->status(*out), OXY_CONN_BROKEN);
    *err = (*out)->err;
    (*out)->driver->close(*out);
    *out = NULL;
    return err->rc;
}

oxy_conn *pg_open(const pg_options *o)
{
    oxy_conn *c;
    oxy_err err;

    if (pg_try_open(o, &c, &err) != OXY_OK)
        fail_msg("open: %s", err.message);
    return c;
}

oxy_conn *pg_open_default(void)
{
    pg_options o = pg_default();

    return pg_open(&o);
}

void pg_close(oxy_conn *c)
{
    c->driver->close(c);
}

/* --- driving ---------------------------------------------------------------------- */

typedef struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int calls;
} waiter;

static void notify(void *arg)
{
    waiter *w = arg;

    pthread_mutex_lock(&w->lock);
    w->calls++;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->lock);
}

static bool wait_for_worker(oxy_conn *c)
{
    waiter w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

    offloaded++;
    if (c->driver->offload(c, notify, &w) != OXY_OK)
        return false;
    pthread_mutex_lock(&w.lock);
    while (!w.calls)
        pthread_cond_wait(&w.cond, &w.lock);
    assert_int_equal(w.calls, 1);
    pthread_mutex_unlock(&w.lock);
    pthread_cond_destroy(&w.cond);
    pthread_mutex_destroy(&w.lock);
    return true;
}

static void wait_for_socket(oxy_conn *c, oxy_step step)
{
    struct pollfd p = {.fd = c->driver->fd(c), .events = POLLIN};

    if (step == OXY_STEP_WANT_WRITE)
        p.events |= POLLOUT;
    if (poll(&p, 1, 10000) != 1)
        fail_msg("no answer for 10 seconds");
}

oxy_step pg_next(oxy_conn *c)
{
    for (;;) {
        oxy_step step = c->driver->step(c);

        if (step == OXY_STEP_WANT_WORKER) {
            if (!wait_for_worker(c))
                return OXY_STEP_FAILED;
        } else if (step == OXY_STEP_WANT_READ || step == OXY_STEP_WANT_WRITE) {
            wait_for_socket(c, step);
        } else if (step != OXY_STEP_TURN) {
            return step;
        }
    }
}

unsigned pg_offloads(void)
{
    unsigned n = offloaded;

    offloaded = 0;
    return n;
}

oxy_request pg_request(const char *sql, uint32_t flags)
{
    return (oxy_request){.sql = oxy_sv_of(sql), .flags = flags, .deadline = OXY_NS_NEVER};
}

oxy_rc pg_run_request(oxy_conn *c, const oxy_request *r)
{
    oxy_rc rc = c->driver->start(c, r);
    oxy_step step;

    if (rc != OXY_OK)
        return rc;
    do
        step = pg_next(c);
    while (step == OXY_STEP_ROW);
    if (step == OXY_STEP_DONE)
        return OXY_OK;
    assert_int_equal(step, OXY_STEP_FAILED);
    assert_int_not_equal(c->err.rc, OXY_OK);
    return c->err.rc;
}

oxy_rc pg_run(oxy_conn *c, const char *sql, uint32_t flags)
{
    oxy_request r = pg_request(sql, flags);

    return pg_run_request(c, &r);
}

void pg_must(oxy_conn *c, const char *sql, uint32_t flags)
{
    if (pg_run(c, sql, flags) != OXY_OK)
        fail_msg("%s: %s", sql, c->err.message);
}

static void hex(char *out, size_t cap, char kind, const oxy_cell *cell)
{
    size_t n = (size_t)snprintf(out, cap, "%c:", kind);

    for (uint32_t i = 0; i < cell->len && n + 3 < cap; i++, n += 2)
        (void)snprintf(out + n, cap - n, "%02x", (unsigned char)cell->p[i]);
}

static void describe(char *out, size_t cap, const oxy_cell *cell)
{
    switch (cell->tag) {
    case OXY_C_NULL: (void)snprintf(out, cap, "NULL"); break;
    case OXY_C_INT: (void)snprintf(out, cap, "i:%lld", (long long)cell->i); break;
    case OXY_C_DOUBLE: (void)snprintf(out, cap, "d:%.17g", cell->d); break;
    case OXY_C_TEXT: (void)snprintf(out, cap, "t:%.*s", (int)cell->len, cell->p); break;
    case OXY_C_BLOB: hex(out, cap, 'b', cell); break;
    case OXY_C_WIRE: hex(out, cap, 'w', cell); break;
    default: fail();
    }
}

const char *pg_one_of(oxy_conn *c, const oxy_request *r)
{
    static char out[2048];
    oxy_step step;

    if (c->driver->start(c, r) == OXY_OK) {
        step = pg_next(c);
        if (step == OXY_STEP_ROW) {
            assert_true(c->n_cols >= 1);
            describe(out, sizeof out, &c->cells[0]);
            while ((step = pg_next(c)) == OXY_STEP_ROW)
                ;
            if (step == OXY_STEP_DONE)
                return out;
        }
        if (step == OXY_STEP_DONE)
            return "-";
        assert_int_equal(step, OXY_STEP_FAILED);
    }
    (void)snprintf(out, sizeof out, "!%s %s %s", oxy_rc_exception(c->err.rc), c->err.sqlstate, c->err.message);
    return out;
}

const char *pg_one(oxy_conn *c, const char *sql)
{
    oxy_request r = pg_request(sql, READ);

    return pg_one_of(c, &r);
}

int64_t pg_count(oxy_conn *c, const char *sql)
{
    const char *text = pg_one(c, sql);

    if (strncmp(text, "i:", 2) != 0)
        fail_msg("%s gave %s", sql, text);
    return strtoll(text + 2, NULL, 10);
}
