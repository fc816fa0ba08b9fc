/* SPDX-License-Identifier: MIT */
/* The driver tests' harness. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "harness.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- directory ------------------------------------------------------------------- */

int make_dir(void **state)
{
    char *dir = strdup("/tmp/oxyde-driver-XXXXXX");

    if (dir && !mkdtemp(dir)) {
        free(dir);
        dir = NULL;
    }
    *state = dir;
    return dir ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

int remove_dir(void **state)
{
    int rc = nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);

    free(*state);
    return rc;
}

const char *in_dir(void **state, const char *name)
{
    static char names[4][256];
    static unsigned at;
    char *out = names[at++ % 4];

    (void)snprintf(out, sizeof names[0], "%s/%s", (const char *)*state, name);
    return out;
}

/* --- opening ---------------------------------------------------------------------- */

void set_option(options *o, const char *name, const char *value)
{
    assert_true(o->n < MAX_SETTINGS);
    o->settings[o->n++] = (oxy_setting){oxy_sv_of(name), oxy_sv_of(value)};
}

options file_options(const char *path)
{
    options o = {.cache = 16};

    set_option(&o, "path", path);
    set_option(&o, "journal_mode", "WAL");
    set_option(&o, "synchronous", "NORMAL");
    set_option(&o, "cache_size", "2000");
    set_option(&o, "busy_timeout_ms", "5000");
    return o;
}

options memory_options(void)
{
    options o = {.cache = 16};

    set_option(&o, "path", ":memory:");
    return o;
}

oxy_rc try_open(const options *o, const oxy_alloc *alloc, oxy_conn **out, oxy_err *err)
{
    oxy_open what = {.settings = o->settings,
                     .n_settings = o->n,
                     .statement_cache = o->cache,
                     .common = o->common,
                     .regexp = o->regexp};
    oxy_rc rc = oxy_driver_sqlite.open(&what, alloc, out, err);
    oxy_step step;

    if (rc != OXY_OK) {
        assert_null(*out);
        return rc;
    }
    step = next(*out);
    if (step == OXY_STEP_DONE)
        return OXY_OK;
    assert_int_equal(step, OXY_STEP_FAILED);
    assert_int_equal((*out)->driver->status(*out), OXY_CONN_BROKEN);
    *err = (*out)->err;
    (*out)->driver->close(*out);
    *out = NULL;
    return err->rc;
}

oxy_conn *must_open(const options *o)
{
    oxy_conn *c;
    oxy_err err;

    if (try_open(o, oxy_alloc_default(), &c, &err) != OXY_OK)
        fail_msg("open: %s", err.message);
    return c;
}

void close_conn(oxy_conn *c)
{
    c->driver->close(c);
}

/* --- driving ---------------------------------------------------------------------- */

typedef struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int calls;
} waiter;

static unsigned offloaded, turned;

static void notify(void *arg)
{
    waiter *w = arg;

    pthread_mutex_lock(&w->lock);
    w->calls++;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->lock);
}

oxy_step next(oxy_conn *c)
{
    oxy_step step;

    while ((step = c->driver->step(c)) == OXY_STEP_WANT_WORKER || step == OXY_STEP_TURN) {
        if (step == OXY_STEP_TURN) {
            turned++;
            continue;
        }
        waiter w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

        offloaded++;
        if (c->driver->offload(c, notify, &w) != OXY_OK) {
            c->driver->finish(c);
            return OXY_STEP_FAILED;
        }
        pthread_mutex_lock(&w.lock);
        while (!w.calls)
            pthread_cond_wait(&w.cond, &w.lock);
        assert_int_equal(w.calls, 1);
        pthread_mutex_unlock(&w.lock);
        pthread_cond_destroy(&w.cond);
        pthread_mutex_destroy(&w.lock);
    }
    return step;
}

unsigned turns(void)
{
    unsigned n = turned;

    turned = 0;
    return n;
}

unsigned offloads(void)
{
    unsigned n = offloaded;

    offloaded = 0;
    return n;
}

oxy_request request(const char *sql, uint32_t flags)
{
    return (oxy_request){.sql = oxy_sv_of(sql), .flags = flags, .deadline = OXY_NS_NEVER};
}

oxy_rc run_request(oxy_conn *c, const oxy_request *r)
{
    oxy_rc rc = c->driver->start(c, r);
    oxy_step step;

    if (rc != OXY_OK)
        return rc;
    do
        step = next(c);
    while (step == OXY_STEP_ROW);
    if (step == OXY_STEP_DONE)
        return OXY_OK;
    assert_int_equal(step, OXY_STEP_FAILED);
    assert_int_not_equal(c->err.rc, OXY_OK);
    return c->err.rc;
}

oxy_rc run_sql(oxy_conn *c, const char *sql, uint32_t flags)
{
    oxy_request r = request(sql, flags);

    return run_request(c, &r);
}

void must_run(oxy_conn *c, const char *sql, uint32_t flags)
{
    if (run_sql(c, sql, flags) != OXY_OK)
        fail_msg("%s: %s", sql, c->err.message);
}

static void describe(char *out, size_t cap, const oxy_cell *cell)
{
    size_t n = 2;

    switch (cell->tag) {
    case OXY_C_NULL: (void)snprintf(out, cap, "NULL"); break;
    case OXY_C_INT: (void)snprintf(out, cap, "i:%lld", (long long)cell->i); break;
    case OXY_C_DOUBLE: (void)snprintf(out, cap, "d:%.17g", cell->d); break;
    case OXY_C_TEXT: (void)snprintf(out, cap, "t:%.*s", (int)cell->len, cell->p); break;
    case OXY_C_BLOB:
        (void)snprintf(out, cap, "b:");
        for (uint32_t i = 0; i < cell->len && n + 3 < cap; i++, n += 2)
            (void)snprintf(out + n, cap - n, "%02x", (unsigned char)cell->p[i]);
        break;
    default: fail();
    }
}

const char *one(oxy_conn *c, const char *sql)
{
    static char out[2048];
    oxy_request r = request(sql, READ);
    oxy_step step;

    if (c->driver->start(c, &r) != OXY_OK)
        fail_msg("%s: %s", sql, c->err.message);
    step = next(c);
    if (step == OXY_STEP_ROW) {
        assert_true(c->n_cols >= 1);
        describe(out, sizeof out, &c->cells[0]);
        while ((step = next(c)) == OXY_STEP_ROW)
            ;
        if (step == OXY_STEP_DONE)
            return out;
    }
    if (step == OXY_STEP_DONE)
        return "-";
    assert_int_equal(step, OXY_STEP_FAILED);
    (void)snprintf(out, sizeof out, "!%s: %s", oxy_rc_exception(c->err.rc), c->err.message);
    return out;
}

int64_t count(oxy_conn *c, const char *sql)
{
    const char *text = one(c, sql);

    if (strncmp(text, "i:", 2) != 0)
        fail_msg("%s gave %s", sql, text);
    return strtoll(text + 2, NULL, 10);
}
