/* SPDX-License-Identifier: MIT */
/* The MySQL driver's table: the life of a connection and of a request. */
#include "mysql_conn.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static oxy__mysql *self(oxy_conn *c)
{
    return (oxy__mysql *)c;
}

/* --- open and close ---------------------------------------------------------------- */

static oxy_rc my_open(const oxy_open *what, const oxy_alloc *alloc, oxy_conn **out, oxy_err *err)
{
    oxy__mysql *c = oxy_alloc_zero(alloc, 1, sizeof *c);
    oxy_rc rc;

    *out = NULL;
    if (!c)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    c->base.driver = &oxy_driver_mysql;
    c->base.alloc = alloc;
    c->base.affected = -1;
    c->base.serial = (uint64_t)oxy_clock_now();
    c->pid = getpid();
    c->opening = true;
    c->state = OXY__MY_S_OPEN;
    c->errands = what->errands;
    oxy_arena_init(&c->scratch, alloc, SIZE_MAX / 4);
    if (pthread_mutex_init(&c->cancel.lock, NULL)) {
        oxy_alloc_free(alloc, c);
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    }
    rc = oxy__my_config_new(what, alloc, &c->config, err);
    if (rc == OXY_OK && oxy__my_cache_init(c, what->statement_cache) != OXY_OK)
        rc = oxy_err_set(err, OXY_NOMEM, "out of memory");
    if (rc != OXY_OK) {
        oxy_driver_mysql.close(&c->base);
        return rc;
    }
    c->connect_deadline = OXY_NS_NEVER;
    if (c->config->connect_timeout_ms)
        c->connect_deadline = oxy_clock_now() + (oxy_ns)c->config->connect_timeout_ms * OXY_NS_PER_MS;
    *out = &c->base;
    return OXY_OK;
}

static void my_close(oxy_conn *base)
{
    oxy__mysql *c = self(base);
    const oxy_alloc *a;

    if (!c)
        return;
    a = c->base.alloc;
    /* A connection in the middle of something cannot say goodbye, and a forked
     * child must not say it in the parent's name. */
    if (c->call.wait || c->state != OXY__MY_S_IDLE || c->pid != getpid())
        oxy__my_abandon(c);
    if (c->text)
        mysql_free_result(c->text);
    if (c->mysql)
        mysql_close(c->mysql);
    oxy__my_cache_fini(c);
    oxy__my_errand_drop(c->errand);
    oxy__my_errand_drop(c->cancel.errand);
    pthread_mutex_destroy(&c->cancel.lock);
    oxy__my_config_drop(c->config);
    oxy_arena_fini(&c->scratch);
    oxy_alloc_free(a, c->setup);
    oxy_alloc_free(a, c->use);
    oxy_alloc_free(a, c->cols);
    oxy_alloc_free(a, c->row);
    oxy_alloc_free(a, c->readers);
    oxy_alloc_free(a, c);
}

/* --- requests -------------------------------------------------------------------------- */

static oxy_rc my_start(oxy_conn *base, const oxy_request *r)
{
    oxy__mysql *c = self(base);

    if (c->state == OXY__MY_S_BROKEN) {
        if (base->err.rc != OXY_CONNECTION_LOST)
            (void)oxy_err_set(&base->err, OXY_CONNECTION_LOST, "the connection to the server is closed");
        base->err.flags |= OXY_ERR_UNSENT;
        return base->err.rc;
    }
    if (c->state != OXY__MY_S_IDLE)
        return oxy_err_set(&base->err, OXY_INTERFACE, "connection is busy or closed");
    if (r->n_values > OXY__MY_PARAMS_MAX)
        return oxy_err_set(&base->err, OXY_PROGRAMMING, "statement has %u parameters, MySQL takes %u at most",
                           r->n_values, OXY__MY_PARAMS_MAX);
    c->req = *r;
    c->before = 0;
    c->s = NULL;
    c->failed = c->reprepared = c->direct = c->outdated = false;
    oxy_arena_reset(&c->scratch);
    if (c->text)
        mysql_free_result(c->text);
    c->text = NULL;
    c->next_row = NULL;
    c->n_cols = 0;
    if (c->loose)
        oxy__my_stmt_drop(c, c->loose);
    base->cells = NULL;
    base->cols = NULL;
    base->n_cols = 0;
    base->affected = -1;
    base->last_insert_id = 0;
    if (base->err.rc != OXY_OK)
        oxy_err_clear(&base->err);
    if (r->flags & OXY_REQ_SCRIPT)
        c->tainted = true;
    else if (r->flags & OXY_REQ_RAW)
        oxy__my_note_free_text(c, r->sql.p, r->sql.len);
    oxy__my_cancel_arm(c);
    c->state = OXY__MY_S_NEXT;
    return OXY_OK;
}

static oxy_step my_step(oxy_conn *base)
{
    return oxy__my_step(self(base));
}

static oxy_step my_pump(oxy_conn *base)
{
    return oxy__my_pump(self(base));
}

/* Whether all that was left of the rows lay on this side, and is dropped. */
static bool drop_rows(oxy__mysql *c)
{
    const uint8_t *row;
    size_t len;

    switch (c->state) {
    case OXY__MY_S_TEXT_ROWS:
    case OXY__MY_S_DONE: return true;
    case OXY__MY_S_ROWS:
        if (mysql_stmt_more_results(c->s->stmt))
            return false;
        (void)mysql_stmt_free_result(c->s->stmt);
        return true;
    case OXY__MY_S_DIRECT_NEXT:
        while (oxy__my_ahead(c, &row, &len))
            ;
        c->call.stmt = c->s->stmt;
        oxy__my_begin(c, OXY__MY_FETCH);
        if (c->call.wait || c->call.failed != MYSQL_NO_DATA)
            return false;
        oxy__my_note_end(c);
        return !mysql_stmt_more_results(c->s->stmt);
    default: return false;
    }
}

static void my_finish(oxy_conn *base)
{
    oxy__mysql *c = self(base);

    if (c->state == OXY__MY_S_IDLE || c->state == OXY__MY_S_BROKEN)
        return;
    /* Rows that are on this side already can be dropped, unless more results
     * follow, or a KILL is on its way. */
    if (!oxy__my_cancel_disarm(c) || !drop_rows(c)) {
        oxy__my_abandon(c);
        c->state = OXY__MY_S_BROKEN;
        return;
    }
    if (c->outdated)
        oxy__my_stmt_drop(c, c->s);
    c->outdated = false;
    c->state = OXY__MY_S_IDLE;
}

static void my_cancel(oxy_conn *base)
{
    oxy__my_kill(self(base));
}

static oxy_rc my_offload(oxy_conn *base, oxy_notify notify, void *arg)
{
    oxy__mysql *c = self(base);
    oxy__my_errand *e = c->errand;

    if (c->state != OXY__MY_S_LOOKUP && c->state != OXY__MY_S_DIAL && c->state != OXY__MY_S_KILL)
        return oxy_err_set(&base->err, OXY_INTERFACE, "there is nothing to offload");
    pthread_mutex_lock(&c->cancel.lock);
    if (c->state == OXY__MY_S_KILL)
        e = c->cancel.errand;
    if (e)
        oxy__errand_wait(&e->base, notify, arg);
    pthread_mutex_unlock(&c->cancel.lock);
    if (!e)
        notify(arg); /* it could not even be sent */
    return OXY_OK;
}

/* --- what is known ------------------------------------------------------------------------ */

static oxy_conn_status my_status(const oxy_conn *base)
{
    const oxy__mysql *c = (const oxy__mysql *)base;

    switch (c->state) {
    case OXY__MY_S_BROKEN: return OXY_CONN_BROKEN;
    case OXY__MY_S_IDLE: return oxy__my_in_trans(c) ? OXY_CONN_INTRANS : OXY_CONN_IDLE;
    default: return OXY_CONN_ACTIVE;
    }
}

static int my_fd(const oxy_conn *base)
{
    const oxy__mysql *c = (const oxy__mysql *)base;

    return c->mysql ? mysql_get_socket(c->mysql) : -1;
}

/* A server that closes an idle connection says so, or just ends it: either way
 * there is something to read. */
static bool my_alive(oxy_conn *base)
{
    oxy__mysql *c = self(base);
    int fd = my_fd(base);
    char byte;

    if (c->state == OXY__MY_S_BROKEN || fd < 0)
        return false;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

static bool my_tainted(const oxy_conn *base)
{
    return ((const oxy__mysql *)base)->tainted;
}

const oxy_driver oxy_driver_mysql = {
    .name = "mysql",
    .codec = &oxy_codec_mysql,
    .max_params = OXY__MY_PARAMS_MAX,
    .max_in_flight = 1,
    .open = my_open,
    .close = my_close,
    .start = my_start,
    .step = my_step,
    .flush = oxy_driver_no_flush,
    .pump = my_pump,
    .offload = my_offload,
    .finish = my_finish,
    .cancel = my_cancel,
    .status = my_status,
    .fd = my_fd,
    .alive = my_alive,
    .skip_host = oxy_driver_no_skip_host,
    .parameter = oxy_driver_no_parameter,
    .rest = oxy_driver_no_rest,
    .tainted = my_tainted,
};
