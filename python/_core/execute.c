/* SPDX-License-Identifier: MIT */
/* The statement kind of operation: resolve, prepare, acquire, run, hand over
 * the rows, release. Each stage either goes on to the next or says what the
 * task has to wait for; whatever fails leaves through abandon(). */
#include "execute.h"

#include <stdlib.h>
#include <string.h>

/* Text and values of one free statement. */
#define SCRATCH_LIMIT ((size_t)1 << 30)
/* Connections that a statement is tried on when it provably did not run. */
#define TRIES_MAX 3
/* Cancels meant for a neighbour that a statement survives. */
#define MISTAKES_MAX 100
/* SQLite's primary result code for a write on a reader. */
#define SQLITE_READONLY_CODE 8

/* --- preparing -------------------------------------------------------------------- */

static int prepare_raw(oxypy_operation *op)
{
    Py_ssize_t len;
    const char *text = PyUnicode_AsUTF8AndSize(op->sql, &len);

    if (text == NULL)
        return -1;
    oxy_arena_init(&op->scratch, oxy_alloc_default(), SCRATCH_LIMIT);
    op->has_scratch = true;
    op->write = op->write || op->script || !oxypy_text_is_read(text, (size_t)len);
    if (op->params == NULL)
        return 0;
    return oxypy_bind_raw(op->st, op->params, op->store->driver->codec, &op->scratch, &op->keep, &op->values,
                          &op->n_values);
}

/* Whether rows shall come back that the server does not give: MySQL has no
 * RETURNING, MariaDB none for UPDATE. */
static bool lacks_returning(const oxypy_operation *op)
{
    oxy_flavor flavor = op->store->server.flavor;

    if (op->sql != NULL || (flavor != OXY_FLAVOR_MYSQL && flavor != OXY_FLAVOR_MARIADB))
        return false;
    if (op->what == OXYPY_DO_INSERT)
        return flavor == OXY_FLAVOR_MYSQL && op->sink == OXYPY_SINK_REFILL;
    return op->returning != NULL && (op->what == OXYPY_DO_UPDATE || flavor == OXY_FLAVOR_MYSQL);
}

/* The package does it with several statements; its answer is the operation's. */
static oxypy_next without_returning(oxypy_operation *op)
{
    PyObject *args = PyTuple_New(0), *statement, *coroutine = NULL;

#define OR_NONE(o) ((o) == NULL ? Py_None : (PyObject *)(o))
    statement =
        Py_BuildValue("{s:i,s:O,s:i,s:O,s:O,s:O,s:O,s:O}", "what", (int)op->what, "subject", op->subject, "sink",
                      (int)op->sink, "arg", OR_NONE(op->arg), "returning", OR_NONE(op->returning), "into",
                      OR_NONE(op->into), "database", OR_NONE(op->database), "session", OR_NONE(op->session));
#undef OR_NONE
    if (args != NULL && statement != NULL)
        coroutine = PyObject_Call(op->st->without_returning, args, statement);
    Py_XDECREF(args);
    Py_XDECREF(statement);
    if (coroutine == NULL)
        return OXYPY_NEXT_ERROR;
    Py_XSETREF(op->delegate, coroutine);
    op->delegated = true;
    return OXYPY_NEXT_DELEGATE;
}

int oxypy__statement_prepare(oxypy_operation *op, PyObject **result)
{
    bool with_arg = op->what == OXYPY_DO_AGGREGATE || op->what == OXYPY_DO_UPDATE;

    if (op->sql != NULL) {
        Py_ssize_t len;
        const char *text = PyUnicode_AsUTF8AndSize(op->sql, &len);

        if (text == NULL)
            return -1;
        if (oxypy_text_is_blank(text, (size_t)len)) {
            *result = oxypy_sink_empty(op);
            return *result == NULL ? -1 : 0;
        }
        return prepare_raw(op) < 0 ? -1 : 1;
    }
    if (oxypy_prepare(op->st, (oxypy_what)op->what, op->subject, &op->given, with_arg ? op->arg : NULL, op->returning,
                      op->limit, op->store->dialect, op->store->driver->codec, &op->prepared) < 0)
        return -1;
    op->has_prepared = true;
    if (op->prepared.empty) {
        *result = oxypy_sink_empty(op);
        return *result == NULL ? -1 : 0;
    }
    op->write = op->write || op->prepared.compiled->sql->writes;
    op->sharing = !op->write && op->chunk == 0 && op->session == NULL && op->store->config.pool.share_max > 1;
    return 1;
}

/* --- acquiring ---------------------------------------------------------------------- */

/* 0: op->lease is ready to run on; 1: what was granted is of no use, ask again; -1. */
static int take_lease(oxypy_operation *op, oxy_ns now)
{
    oxypy_wire *wire = oxy_slot_conn(op->slot);
    oxypy_lease *lease = oxypy_lease_new(op->store, op->slot, op->sharing, now);

    if (lease == NULL)
        return -1;
    op->slot = NULL;
    /* Company is kept within a loop: others have their own threads. */
    if (op->sharing && wire->first != NULL) {
        if (wire->hub == op->loop->hub) {
            op->lease = lease;
            return 0;
        }
        op->sharing = false;
        oxypy_lease_release(lease, op->loop, true, NULL);
        return 1;
    }
    if (oxypy_wire_take(wire, op->loop)) {
        op->lease = lease;
        return 0;
    }
    oxypy_lease_release(lease, op->loop, false, NULL);
    return 1;
}

static oxy_ns deadline_of(oxy_ns now, oxy_ns timeout)
{
    return timeout >= OXY_NS_NEVER - now ? OXY_NS_NEVER : now + timeout;
}

/* --- running ------------------------------------------------------------------------ */

bool oxypy__statement_in_transaction(const oxypy_operation *op)
{
    oxy_conn_status status = oxypy_lease_status(op->lease);

    return status == OXY_CONN_INTRANS || status == OXY_CONN_INERROR;
}

/* ROLLBACK of a transaction that the database has ended already: done. */
static bool is_over_already(const oxypy_operation *op)
{
    Py_ssize_t len;
    const char *text;

    if (!op->plain || op->session == NULL || !op->session->aborted || oxypy__statement_in_transaction(op))
        return false;
    text = PyUnicode_AsUTF8AndSize(op->sql, &len);
    return text != NULL && len == 8 && memcmp(text, "ROLLBACK", 8) == 0;
}

/* COMMIT of a transaction that failed while it waited for its turn: a server would
 * roll back and call that well done. */
static bool cannot_commit(oxypy_operation *op)
{
    if (!op->plain || op->session == NULL || op->lease->conn == NULL || op->session->pending != NULL ||
        PyUnicode_CompareWithASCIIString(op->sql, "COMMIT") != 0 || oxypy_lease_status(op->lease) == OXY_CONN_INTRANS)
        return false;
    oxypy_raise_text(op->st, OXY_TRANSACTION_ABORTED, "the transaction was ended by an earlier error");
    return true;
}

PyObject *oxypy__statement_text(const oxypy_operation *op)
{
    return op->sql != NULL ? op->sql : op->has_prepared ? op->prepared.compiled->text : NULL;
}

int oxypy__statement_take_before(oxypy_operation *op, oxy_request *request)
{
    oxypy_session *session = op->session;
    Py_ssize_t n;

    if (session == NULL || session->pending == NULL)
        return 0;
    n = PyTuple_GET_SIZE(session->pending);
    op->before_text = malloc((size_t)n * sizeof *op->before_text);
    if (op->before_text == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        Py_ssize_t len;

        op->before_text[i].p = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(session->pending, i), &len);
        if (op->before_text[i].p == NULL)
            return -1;
        op->before_text[i].len = (size_t)len;
    }
    op->before = session->pending;
    session->pending = NULL;
    request->before = op->before_text;
    request->n_before = (uint32_t)n;
    return 0;
}

/* Limits that this side keeps. The server keeps the statement's own where it
 * can, and is given time to; MySQL can for SELECT only. */
void oxypy__statement_limits(oxypy_operation *op, oxy_ns now)
{
    const oxypy_store *store = op->store;
    const oxypy_store_config *config = &store->config;
    oxypy_lease *lease = op->lease;
    oxy_ns limit = config->statement_timeout, session = OXY_NS_NEVER, grace = config->cancel_timeout;

    if (op->session != NULL && op->session->statement_limit != 0)
        limit = op->session->statement_limit;
    limit = deadline_of(now, limit);
    if (op->session != NULL && !op->plain)
        session = op->session->deadline;
    op->deadline = session < limit ? session : limit;
    lease->cancel_at = lease->deadline = OXY_NS_NEVER;
    lease->canceled = false;
    if (!oxypy_has_socket(store->driver) || op->deadline == OXY_NS_NEVER)
        return;
    lease->deadline = deadline_of(op->deadline, grace);
    if (store->server.flavor != OXY_FLAVOR_MYSQL)
        limit = deadline_of(limit, grace / 2);
    lease->cancel_at = session < limit ? session : limit;
}

int oxypy__statement_fill(oxypy_operation *op, oxy_request *request)
{
    Py_ssize_t len;

    if (op->write)
        request->flags |= OXY_REQ_WRITE;
    if (op->chunk > 0)
        request->flags |= OXY_REQ_STREAM;
    else if (oxypy_burst_goes_on(op->loop, op->store))
        request->flags |= OXY_REQ_BURST;
    if (!oxypy_sink_forgets(op))
        request->flags |= OXY_REQ_WHOLE;
    if (op->ping && oxypy_has_socket(op->store->driver)) {
        request->flags = OXY_REQ_PING;
        return 0;
    }
    if (op->cursor.phase != OXYPY_CURSOR_NONE)
        return oxypy__cursor_fill(op, request);
    if (op->sql == NULL) {
        const oxy_sql *sql = op->prepared.compiled->sql;

        request->sql = (oxy_sv){sql->text, sql->len};
        request->key = op->prepared.compiled->key;
        request->values = op->prepared.values;
        request->n_values = op->prepared.n_values;
        if (sql->point)
            request->flags |= OXY_REQ_POINT;
        if (op->prepared.compiled->key_rows.n_rows != 0)
            request->key_rows = &op->prepared.compiled->key_rows;
        if (op->lease->shared)
            request->flags |= OXY_REQ_SHARED;
        return 0;
    }
    request->sql.p = PyUnicode_AsUTF8AndSize(op->sql, &len);
    if (request->sql.p == NULL)
        return -1;
    request->sql.len = (size_t)len;
    request->values = op->values;
    request->n_values = op->n_values;
    if (!op->plain) {
        request->flags |= OXY_REQ_RAW;
        op->lease->raw = true;
    }
    if (op->script)
        request->flags |= OXY_REQ_SCRIPT;
    return 0;
}

/* 0: under way; 1: the driver's error is to be looked at; -1: with an exception. */
static int start(oxypy_operation *op, oxy_ns now)
{
    oxy_request request = {.deadline = OXY_NS_NEVER};
    oxypy_lease *lease = op->lease;

    if (lease->conn == NULL) {
        oxypy_raise_text(op->st, OXY_CONNECTION_LOST, "the connection was closed before the statement was sent");
        return -1;
    }
    op->sent_at = now;
    oxypy__statement_limits(op, op->sent_at);
    if (!op->plain)
        request.deadline = op->deadline;
    if (op->chunk > 0 && oxypy__cursor_wanted(op))
        oxypy__cursor_begin(op);
    if (oxypy__statement_fill(op, &request) < 0 || oxypy__statement_take_before(op, &request) < 0)
        return -1;
    op->held = oxypy_together_may_hold(op);
    if (op->held)
        request.flags |= OXY_REQ_HELD;
    if (op->session != NULL) /* a pinned connection shows what ran last */
        Py_XSETREF(lease->sql, Py_XNewRef(oxypy__statement_text(op)));
    op->was_in_transaction = op->before != NULL || oxypy__statement_in_transaction(op);
    lease->guarded = op->was_in_transaction && !op->plain && (op->before != NULL || op->session->in_block);
    if (op->cursor.phase <= OXYPY_CURSOR_DECLARE)
        op->n_rows = 0;
    if (op->store->driver->start(lease->conn, &request) == OXY_OK) {
        if (lease->shared)
            oxypy_lease_join(lease);
        if (op->held)
            oxypy_together_hold(op);
        return 0;
    }
    op->held = false;
    /* Nothing was sent: the transaction may still begin. */
    if (op->before != NULL && oxypy_lease_status(lease) == OXY_CONN_IDLE) {
        op->session->pending = op->before;
        op->before = NULL;
        op->was_in_transaction = false;
    }
    return 1;
}

/* A statement that a reader refused although its text looked like reading. */
static bool wants_writer(const oxypy_operation *op)
{
    const oxy_err *err = &op->lease->conn->err;

    return op->store->config.pool.single_writer && op->sql != NULL && !op->write && !op->restarted &&
           op->session == NULL && op->n_rows == 0 && (err->native & 0xff) == SQLITE_READONLY_CODE;
}

/* The lease goes, the statement is tried on another connection. */
static int try_again(oxypy_operation *op)
{
    oxypy_lease *lease = op->lease;

    op->lease = NULL;
    oxypy_lease_release(lease, op->loop, true, NULL);
    return STAGE_ACQUIRE;
}

/* The same for a block of which nothing was sent: it begins on another connection. */
static int move(oxypy_operation *op)
{
    oxypy_session_leave_lease(op->session, op);
    return STAGE_ACQUIRE;
}

/* Servers behind this pool have changed their roles. */
static void renew(oxypy_operation *op)
{
    oxypy_lock(op->st->runtime);
    oxy_pool_renew(op->store->pool, oxy_clock_now());
    oxypy_unlock(op->st->runtime);
    oxypy_store_act(op->store, op->loop);
}

void oxypy__statement_raise(oxypy_operation *op, oxy_err *err)
{
    oxypy_session *session = op->session;
    bool late = (err->rc == OXY_STATEMENT_TIMEOUT || err->rc == OXY_CANCELED) && oxy_clock_now() >= op->deadline;

    if (late && session != NULL && !op->plain && op->deadline == session->deadline) {
        oxypy_session_raise_deadline(op->st, session);
        return;
    }
    if (late && op->lease != NULL && op->lease->canceled)
        err->rc = OXY_STATEMENT_TIMEOUT;
    if (op->commit && err->rc == OXY_CONNECTION_LOST && !(err->flags & OXY_ERR_UNSENT))
        err->rc = OXY_COMMIT_UNKNOWN;
    (void)oxypy_raise(op->st, err, oxypy__statement_text(op), op->store->driver->name, op->store->alias);
}

/* The statement failed: exception set, or the stage to go on with. */
static int fail(oxypy_operation *op)
{
    oxy_err err = op->lease->conn->err;
    bool by_mistake = op->lease->shared && err.rc == OXY_CANCELED && !op->lease->canceled;

    if (op->lease->shared)
        oxypy_lease_part(op->lease, op->loop); /* what is under way now is others' */
    if (wants_writer(op)) {
        op->restarted = true;
        op->write = true;
        return try_again(op);
    }
    if (err.flags & OXY_ERR_READ_ONLY)
        renew(op);
    if (op->lease == NULL) { /* that may have run Python code, which released the session */
        oxypy__statement_raise(op, &err);
        return -1;
    }
    if ((err.flags & OXY_ERR_UNSENT) && op->session == NULL && op->n_rows == 0) {
        if (++op->tries < TRIES_MAX)
            return try_again(op);
        if (oxypy_replica_failed(op)) {
            op->tries = 0;
            (void)try_again(op);
            return STAGE_RESOLVE;
        }
    }
    if ((err.flags & OXY_ERR_UNSENT) && op->session != NULL && oxypy_session_may_move(op->session, op) &&
        ++op->tries < TRIES_MAX)
        return move(op);
    /* The cancel was meant for a neighbour; the server has rolled this one back. */
    if (by_mistake && oxypy_sink_forget(op) && ++op->mistakes < MISTAKES_MAX)
        return try_again(op);
    oxypy__statement_raise(op, &err);
    return -1;
}

void oxypy__statement_raise_closed(oxypy_operation *op)
{
    oxy_err err;

    oxy_err_clear(&err);
    if (op->deadline != OXY_NS_NEVER && oxy_clock_now() >= op->deadline)
        (void)oxy_err_set(&err, OXY_STATEMENT_TIMEOUT,
                          "the server did not answer in time, also not to the cancel: the connection was closed");
    else
        (void)oxy_err_set(&err, OXY_CONNECTION_LOST, "the connection was closed while the statement ran");
    if (op->commit)
        err.rc = OXY_COMMIT_UNKNOWN;
    oxypy__statement_raise(op, &err);
}

/* Whom messages name while the statement runs. */
static int note_holder(oxypy_operation *op)
{
    PyObject *task;

    if (op->lease->task != NULL || op->lease->session != NULL)
        return 0;
    task = oxypy_operation_task(op);
    if (task == NULL)
        return -1;
    oxypy_lease_set_holder(op->lease, task, oxypy__statement_text(op));
    Py_DECREF(task);
    return 0;
}

/* What another thread did to the connection while the call slept, or Python code that it ran. */
static void raise_gone(const oxypy_operation *op, oxypy_operation *reader)
{
    if (op->lease != NULL)
        oxypy__statement_raise_closed(reader);
    else
        oxypy_raise_text(op->st, OXY_INTERFACE, "the connection was released while the statement ran");
}

/* 0, or -1 with an exception: also when Python code that this runs has released the connection. */
static int begin_wait(oxypy_operation *op)
{
    if (note_holder(op) < 0 || oxypy_operation_wait(op, false) < 0)
        return -1;
    if (op->lease != NULL && op->lease->conn != NULL)
        return 0;
    Py_CLEAR(op->future);
    raise_gone(op, op);
    return -1;
}

/* The worker goes on; the task waits for it. */
static oxypy_next to_worker(oxypy_operation *op)
{
    oxypy_lease *lease = op->lease;

    if (begin_wait(op) < 0)
        return OXYPY_NEXT_ERROR;
    lease->op = op;
    if (oxypy_lease_offload(lease, op->loop, (PyObject *)op) < 0) {
        lease->op = NULL;
        Py_CLEAR(op->future);
        if (lease->conn->err.rc != OXY_OK)
            (void)oxypy_raise(op->st, &lease->conn->err, oxypy__statement_text(op), op->store->driver->name,
                              op->store->alias);
        else
            oxypy_raise_text(op->st, OXY_OPERATIONAL, "no worker thread could be started");
        return OXYPY_NEXT_ERROR;
    }
    return OXYPY_NEXT_WAIT;
}

/* The server goes on; the task waits for its answer. */
static oxypy_next to_server(oxypy_operation *op, oxy_step s)
{
    oxypy_lease *lease = op->lease;

    if (begin_wait(op) < 0)
        return OXYPY_NEXT_ERROR;
    lease->op = op;
    if (oxypy_lease_poll(lease, op->loop, s) < 0) {
        lease->op = NULL;
        Py_CLEAR(op->future);
        oxypy_raise_text(op->st, OXY_OPERATIONAL, "the connection cannot be waited for");
        return OXYPY_NEXT_ERROR;
    }
    return OXYPY_NEXT_WAIT;
}

/* Others' answers come first: step() would be about theirs. Who is before it
 * calls when it parts. */
static bool is_behind(const oxypy_operation *op)
{
    return op->lease->shared && op->lease->wire->first != op->lease;
}

static oxypy_next step(oxypy_operation *op, oxypy_operation *reader, bool *failed)
{
    const oxy_driver *driver = op->store->driver;
    oxypy_lease *lease = op->lease;
    oxy_conn *conn = lease->conn;
    oxypy_next next = OXYPY_NEXT_ERROR;
    oxypy_quiet building = oxypy_quiet_of(reader);

    if (is_behind(op) || op->held) {
        op->held = false;
        return to_server(op, op->lease->wire->writing ? OXY_STEP_WANT_WRITE : OXY_STEP_WANT_READ);
    }
    for (;;) {
        oxy_step s = driver->step(conn);

        if (s == OXY_STEP_ROW) {
            oxypy_rowview row = {conn->cells, conn->cols, conn->n_cols, driver->codec};

            oxypy_quiet_row(&building);
            if (oxypy_sink_row(reader, &row) < 0)
                break;
            if (op->lease != lease || lease->conn == NULL) {
                raise_gone(op, reader);
                break;
            }
            if (op->chunk == 0 || op->cursor.phase != OXYPY_CURSOR_NONE || reader->rows == NULL ||
                PyList_GET_SIZE(reader->rows) < op->chunk)
                continue;
            next = OXYPY_NEXT_PART;
            break;
        }
        if (s == OXY_STEP_DONE) {
            next = OXYPY_NEXT_RETURN;
        } else if (s == OXY_STEP_WANT_WORKER) {
            next = to_worker(op);
        } else if (s == OXY_STEP_TURN) {
            next = OXYPY_NEXT_YIELD;
        } else if (s == OXY_STEP_FAILED) {
            *failed = true;
        } else {
            oxypy_near near = OXYPY_NEAR_LATE;

            /* Others may run from here on. */
            oxypy_quiet_end(&building);
            if (s == OXY_STEP_WANT_READ)
                near = oxypy_near_answer(op, reader->n_rows > 0 ? reader->sent_at : OXY_NS_NEVER, &s);
            if (near == OXYPY_NEAR_HERE)
                continue;
            if (near == OXYPY_NEAR_LATE)
                next = to_server(op, s);
            else
                raise_gone(op, reader);
        }
        break;
    }
    oxypy_quiet_end(&building);
    if (reader->hidden.any && (next == OXYPY_NEXT_RETURN || next == OXYPY_NEXT_PART)) {
        oxypy_rows_collect(oxypy_sink_rows(reader));
        oxypy_rows_show(oxypy_sink_rows(reader), &reader->hidden);
    }
    return next;
}

/* Rows are built, and SQLite's REGEXP runs, in Python: whoever takes the connection away meanwhile, as
 * another thread may that closes the database, leaves it to this to release it. */
oxypy_next oxypy__statement_step(oxypy_operation *op, oxypy_operation *reader, bool *failed)
{
    oxypy_lease *lease = op->lease;
    oxypy_next next;

    lease->stepping = true;
    next = step(op, reader, failed);
    lease->stepping = false;
    if (op->lease == lease)
        return next;
    *failed = false;
    Py_CLEAR(op->future); /* nothing is on its way to it */
    if (!PyErr_Occurred())
        raise_gone(op, reader);
    oxypy_lease_release(lease, op->loop, true, (PyObject *)op);
    return OXYPY_NEXT_ERROR;
}

/* MySQL commits by itself before and after DDL; the package begins anew. */
void oxypy__statement_tell_of_commit(oxypy_operation *op)
{
    PyObject *done, *type, *value, *traceback;

    oxypy_session *session = op->session;

    if (!session->aborted || op->sql == NULL || op->store->server.flavor < OXY_FLAVOR_MYSQL || session->busy)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    done = PyObject_CallMethod((PyObject *)op->session, "_committed_by_itself", "O", op->sql);
    if (done == NULL)
        PyErr_WriteUnraisable((PyObject *)op->session);
    Py_XDECREF(done);
    PyErr_Restore(type, value, traceback);
    session->aborted = session->pending == NULL;
}

/* After a statement of a session: whether the database ended the transaction.
 * What the user begins and ends by hand on a pinned connection is the user's. */
void oxypy__statement_note(oxypy_operation *op)
{
    oxypy_session *session = op->session;
    bool inside = session != NULL && oxypy__statement_in_transaction(op);

    if (session == NULL)
        return;
    if ((op->before != NULL || (op->plain && !op->was_in_transaction)) && inside)
        op->store->transactions++;
    if (op->plain) {
        session->aborted = op->before != NULL && !inside;
        session->in_block = inside;
        return;
    }
    session->in_block = session->in_block || op->before != NULL;
    if (session->in_block && !inside)
        session->aborted = true;
}

/* The statement needs the connection no longer. */
static void part(oxypy_operation *op, oxypy_lease *lease, oxy_ns now)
{
    op->lease = NULL;
    lease->op = NULL;
    lease->cancel_at = lease->deadline = OXY_NS_NEVER;
    if (lease->shared)
        oxypy_lease_part(lease, op->loop); /* what is under way now is others' */
    if (op->session != NULL) {
        oxypy_session_leave(op->session, op);
        oxypy__statement_tell_of_commit(op);
    } else {
        oxypy_lease_done(lease, op->loop, now);
    }
}

static PyObject *finish(oxypy_operation *op, oxy_ns now)
{
    oxypy_lease *lease = op->lease;
    int64_t affected = lease->conn == NULL ? 0 : lease->conn->affected;
    bool pooler = op->sql != NULL && lease->conn != NULL && lease->conn->server.pooler;

    if (op->sink == OXYPY_SINK_INSERT_ID)
        affected = lease->conn == NULL ? 0 : lease->conn->last_insert_id;
    oxypy__statement_note(op);
    if (op->st->runtime->observer != NULL && !op->ping)
        oxypy_observe(op);
    if (pooler)
        oxypy_pooler_warn(op);
    if (op->on_replica && op->database->ailing_span != 0)
        oxypy_replica_recovered(op->database);
    if (op->lease == lease) /* else the observer released the session */
        part(op, lease, now);
    op->stage = STAGE_DONE;
    if (op->ping)
        return PyFloat_FromDouble((double)(now - op->sent_at) / 1e9);
    return oxypy_sink_result(op, affected);
}

PyObject *oxypy__statement_finish(oxypy_operation *op)
{
    return finish(op, oxy_clock_now());
}

/* --- the stages ------------------------------------------------------------------------- */

oxypy_next oxypy__statement_resolve(oxypy_operation *op)
{
    int rc = oxypy_operation_resolve(op);

    if (rc < 0)
        return OXYPY_NEXT_ERROR;
    if (rc > 0)
        return OXYPY_NEXT_DELEGATE;
    if (op->session != NULL && op->session->moving && op->session->database != NULL &&
        oxypy_database_is_open(op->session->database)) {
        oxypy_operation_use(op, op->session->database);
    } else if (op->session != NULL) {
        /* Its store must be known to prepare; whether it may run is asked on entry. */
        if (op->session->lease == NULL || op->session->database == NULL)
            return oxypy_session_enter(op->session, op);
        oxypy_store_ref(op->session->lease->store);
        op->store = op->session->lease->store;
        Py_XSETREF(op->database, (oxypy_database *)Py_NewRef((PyObject *)op->session->database));
    }
    op->stage = STAGE_PREPARE;
    return OXYPY_NEXT_RETURN;
}

/* How long the pool is asked. A task that waits for the block it was started in
 * may wait for itself: the package says how long it may. -1 with an exception. */
static int patience(oxypy_operation *op, oxy_ns *limit)
{
    const oxypy_store_config *config = &op->store->config;
    PyObject *seconds;
    double given;

    *limit = config->acquire_timeout;
    if (!config->pool.single_writer || !(op->write || config->pool.max == 1) || op->database == NULL ||
        op->database->sessions == NULL || PyDict_GET_SIZE(op->database->sessions) == 0 ||
        !PyObject_HasAttrString((PyObject *)op->database, "_outer_wait"))
        return 0;
    seconds = PyObject_CallMethod((PyObject *)op->database, "_outer_wait", NULL);
    if (seconds == NULL)
        return -1;
    given = seconds == Py_None ? -1.0 : PyFloat_AsDouble(seconds);
    Py_DECREF(seconds);
    if (given == -1.0 && PyErr_Occurred())
        return -1;
    if (given >= 0 && given * 1e9 < (double)*limit)
        *limit = (oxy_ns)(given * 1e9);
    return 0;
}

static oxypy_next acquire(oxypy_operation *op, oxy_ns now)
{
    oxy_ns limit;
    oxypy_next next;

    if (op->session != NULL && !(op->session->moving && op->session->running == op)) {
        next = oxypy_session_enter(op->session, op);
        if (next == OXYPY_NEXT_RETURN) {
            op->lease = op->session->lease;
            op->stage = STAGE_START;
        }
        return next;
    }
    if (op->sharing && oxypy_together_join(op)) {
        op->stage = STAGE_GRANT;
        return OXYPY_NEXT_RETURN;
    }
    if (patience(op, &limit) < 0)
        return OXYPY_NEXT_ERROR;
    limit = deadline_of(now, limit);
    if (op->session != NULL && op->session->deadline < limit)
        limit = op->session->deadline;
    next = oxypy_operation_acquire(op,
                                   op->sharing ? OXY_WANT_SHARED
                                   : op->write ? OXY_WANT_WRITER
                                               : OXY_WANT_READER,
                                   now, limit);
    if (next == OXYPY_NEXT_ERROR)
        return next;
    op->stage = STAGE_GRANT;
    return next;
}

/* The clock is read before what waits for nobody and after what takes its time. */
static oxy_ns seen(oxy_ns *now)
{
    if (*now == 0)
        *now = oxy_clock_now();
    return *now;
}

/* What steps took, and when the last was over; 0: there was none. */
typedef struct steps_took {
    oxy_ns spent, ended;
} steps_took;

static oxypy_next go_through(oxypy_operation *op, PyObject **result, steps_took *took)
{
    oxypy_next next;
    bool failed = false;
    oxy_ns now = 0, ended; /* 0: some time may have passed since it was read */
    int rc;

    for (;;) {
        if (op->spool != NULL)
            return oxypy__stream_from_spool(op, result);
        if (op->stage > STAGE_GRANT && op->stage != STAGE_ENTER && op->lease == NULL) {
            oxypy_raise_text(op->st, OXY_INTERFACE,
                             op->chunk > 0 ? "the rows ended early: their transaction is over, or the pool was closed"
                                           : "the connection was released while the statement ran");
            return OXYPY_NEXT_ERROR;
        }
        switch ((stage)op->stage) {
        case STAGE_RESOLVE:
            next = oxypy__statement_resolve(op);
            if (next != OXYPY_NEXT_RETURN)
                return next;
            break;
        case STAGE_PREPARE:
            if (lacks_returning(op))
                return without_returning(op);
            rc = oxypy__statement_prepare(op, result);
            if (rc <= 0)
                return rc < 0 ? OXYPY_NEXT_ERROR : OXYPY_NEXT_RETURN;
            now = 0;
            op->began = seen(&now);
            op->stage = STAGE_ACQUIRE;
            if (oxypy_loop_is_due(op->loop, op->began)) {
                op->stage = STAGE_TURN;
                return OXYPY_NEXT_YIELD;
            }
            break;
        case STAGE_TURN:
            op->began = seen(&now);
            op->stage = STAGE_ACQUIRE;
            break;
        case STAGE_ACQUIRE:
        case STAGE_ENTER:
            next = acquire(op, seen(&now));
            if (next == OXYPY_NEXT_ERROR && oxypy_replica_failed(op))
                op->stage = STAGE_RESOLVE;
            else if (next != OXYPY_NEXT_RETURN)
                return next;
            break;
        case STAGE_GRANT:
            if (oxypy_operation_granted(op) < 0) {
                if (op->session != NULL && oxy_clock_now() >= op->session->deadline) {
                    PyErr_Clear();
                    oxypy_session_raise_deadline(op->st, op->session);
                }
                if (!oxypy_replica_failed(op))
                    return OXYPY_NEXT_ERROR;
                op->stage = STAGE_RESOLVE;
                break;
            }
            rc = take_lease(op, seen(&now));
            if (rc < 0)
                return OXYPY_NEXT_ERROR;
            if (rc == 0 && op->session != NULL && oxypy_session_take_lease(op->session, op) < 0)
                return OXYPY_NEXT_ERROR;
            op->stage = rc > 0 ? STAGE_ACQUIRE : STAGE_START;
            break;
        case STAGE_START:
            if (cannot_commit(op))
                return OXYPY_NEXT_ERROR;
            if (is_over_already(op)) {
                *result = oxypy__statement_finish(op);
                return *result == NULL ? OXYPY_NEXT_ERROR : OXYPY_NEXT_RETURN;
            }
            if (op->session != NULL && op->tries < TRIES_MAX && oxypy_session_is_stranded(op->session, op)) {
                op->tries++;
                op->stage = (uint8_t)move(op);
                break;
            }
            rc = start(op, seen(&now));
            if (rc < 0)
                return OXYPY_NEXT_ERROR;
            op->stage = STAGE_STEP;
            failed = rc > 0;
            break;
        case STAGE_STEP:
            op->lease->op = NULL;
            if (op->lease->conn == NULL) {
                oxypy__statement_raise_closed(op);
                return OXYPY_NEXT_ERROR;
            }
            (void)seen(&now);
            next = failed ? OXYPY_NEXT_ERROR : oxypy__statement_step(op, op, &failed);
            ended = oxy_clock_now();
            took->spent += ended - now;
            took->ended = ended;
            now = 0;
            if (failed) {
                rc = fail(op);
                failed = false;
                if (rc < 0)
                    return OXYPY_NEXT_ERROR;
                op->stage = (uint8_t)rc;
                break;
            }
            if (next == OXYPY_NEXT_PART)
                return oxypy__stream_pause(op, result);
            if (next != OXYPY_NEXT_RETURN)
                return next;
            if (op->cursor.phase != OXYPY_CURSOR_NONE && op->cursor.phase != OXYPY_CURSOR_CLOSE) {
                if (oxypy__cursor_next(op))
                    return oxypy__stream_pause(op, result);
                break;
            }
            *result = finish(op, ended);
            return *result == NULL ? OXYPY_NEXT_ERROR : OXYPY_NEXT_RETURN;
        case STAGE_DONE: oxypy_raise_text(op->st, OXY_INTERNAL, "the statement is over"); return OXYPY_NEXT_ERROR;
        }
    }
}

static oxypy_next statement_advance(oxypy_operation *op, PyObject **result)
{
    oxypy_next next;
    steps_took took = {0, 0};

    if (op->paused && oxypy__stream_resume(op))
        return OXYPY_NEXT_YIELD;
    next = go_through(op, result, &took);
    if (took.ended != 0) { /* not sooner: it may run Python code, which releases the session */
        oxypy_loop_spent(op->loop, took.ended - took.spent, took.ended);
        if (op->store != NULL && !oxypy_has_socket(op->store->driver))
            oxypy_burst_note(op->loop, op->store, took.ended - took.spent, took.ended);
    }
    if (next == OXYPY_NEXT_ERROR && op->stage >= STAGE_START && op->stage != STAGE_DONE &&
        op->st->runtime->observer != NULL)
        oxypy_observe(op);
    return next;
}

/* Whether its answer is to be waited for after it was given up, which asks for a loop that is open. */
static bool leaves_answer(const oxypy_operation *op)
{
    return op->lease != NULL && oxypy_has_socket(op->store->driver) &&
           (op->lease->chore == OXYPY_CHORE_SPOOL ||
            (op->session != NULL && oxypy_lease_status(op->lease) == OXY_CONN_ACTIVE));
}

/* The session keeps its connection; what runs there is stopped. loop is open, or NULL. */
static void leave_lease(oxypy_operation *op, oxypy_lease *lease, oxypy_loop *loop)
{
    const oxy_driver *driver = op->store->driver;

    lease->op = NULL;
    if (lease->chore == OXYPY_CHORE_SPOOL) {
        oxypy_chore_spool_cut(lease, loop);
    } else if (oxypy_has_socket(driver)) {
        lease->cancel_at = lease->deadline = OXY_NS_NEVER;
        if (oxypy_lease_status(lease) == OXY_CONN_ACTIVE) {
            if (loop != NULL)
                oxypy_chore_drain(lease, loop, (PyObject *)op);
            else
                oxypy_lease_kill(lease, NULL);
        }
    } else if (lease->working) {
        driver->cancel(lease->conn);
    } else if (oxypy_lease_status(lease) == OXY_CONN_ACTIVE) {
        driver->finish(lease->conn);
    }
    if (op->session->lease == lease && !oxypy_lease_is_away(lease)) { /* not released meanwhile */
        op->lease = lease;
        oxypy__statement_note(op);
        op->lease = NULL;
    }
}

void oxypy__statement_abandon(oxypy_operation *op)
{
    oxypy_loop *loop = oxypy__stream_loop(op);
    oxypy_lease *lease;

    oxypy_rows_show(oxypy_sink_rows(op), &op->hidden); /* a validator may have kept some */
    if (op->queued || op->slot != NULL || op->wait.armed)
        oxypy_operation_unqueue(op);
    if (leaves_answer(op))
        loop = oxypy_loop_if_open(loop);
    lease = op->lease; /* not sooner: all that may run Python code, which ends the lease */
    op->lease = NULL;
    if (lease != NULL)
        lease->paused = NULL;
    if (lease != NULL && op->session == NULL && lease->chore == OXYPY_CHORE_SPOOL)
        oxypy_chore_spool_cut(lease, loop);
    else if (lease != NULL && op->session == NULL)
        oxypy_lease_release(lease, loop, true, (PyObject *)op);
    else if (lease != NULL)
        leave_lease(op, lease, loop);
    if (op->session != NULL)
        oxypy_session_leave(op->session, op);
    oxypy__cursor_forget(op, loop);
}

const oxypy_op_kind oxypy_op_statement = {
    .name = "statement",
    .advance = statement_advance,
    .abandon = oxypy__statement_abandon,
};
