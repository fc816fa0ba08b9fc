/* SPDX-License-Identifier: MIT */
/* The statement kind of operation: resolve, prepare, acquire, run, hand over
 * the rows, release. Each stage either goes on to the next or says what the
 * task has to wait for; whatever fails leaves through abandon(). */
#include "runtime_private.h"

#include <string.h>

typedef enum stage {
    STAGE_RESOLVE,
    STAGE_PREPARE,
    STAGE_TURN,
    STAGE_ACQUIRE,
    STAGE_GRANT,
    STAGE_ENTER,
    STAGE_START,
    STAGE_STEP,
    STAGE_DONE
} stage;

/* Rows built in one go before the cyclic collector is kept from walking them. */
#define PAUSE_AFTER 64
/* Text and values of one free statement. */
#define SCRATCH_LIMIT ((size_t)1 << 30)
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

/* 1: prepared; 0: there is nothing to send, *result is the answer; -1. */
static int prepare(oxypy_operation *op, PyObject **result)
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
    if (oxypy_prepare(op->st, (oxypy_what)op->what, op->subject, with_arg ? op->arg : NULL, op->returning, op->limit,
                      op->store->dialect, op->store->driver->codec, &op->prepared) < 0)
        return -1;
    op->has_prepared = true;
    if (op->prepared.empty) {
        *result = oxypy_sink_empty(op);
        return *result == NULL ? -1 : 0;
    }
    op->write = op->write || op->prepared.compiled->sql->writes;
    return 1;
}

/* --- acquiring ---------------------------------------------------------------------- */

static int take_lease(oxypy_operation *op)
{
    op->lease = oxypy_lease_new(op->store, op->slot);
    if (op->lease == NULL)
        return -1;
    op->slot = NULL;
    return 0;
}

static oxy_ns deadline_of(oxy_ns now, oxy_ns timeout)
{
    return timeout >= OXY_NS_NEVER - now ? OXY_NS_NEVER : now + timeout;
}

/* --- running ------------------------------------------------------------------------ */

static bool in_transaction(const oxypy_operation *op)
{
    oxy_conn_status status = oxypy_lease_status(op->lease);

    return status == OXY_CONN_INTRANS || status == OXY_CONN_INERROR;
}

/* ROLLBACK of a transaction that the database has ended already: done. */
static bool is_over_already(const oxypy_operation *op)
{
    Py_ssize_t len;
    const char *text;

    if (!op->plain || op->session == NULL || !op->session->aborted || in_transaction(op))
        return false;
    text = PyUnicode_AsUTF8AndSize(op->sql, &len);
    return text != NULL && len == 8 && memcmp(text, "ROLLBACK", 8) == 0;
}

static PyObject *sql_text(const oxypy_operation *op)
{
    return op->sql != NULL ? op->sql : op->has_prepared ? op->prepared.compiled->text : NULL;
}

static int start(oxypy_operation *op)
{
    const oxypy_store *store = op->store;
    oxy_request request = {.flags = op->write ? OXY_REQ_WRITE : 0, .deadline = OXY_NS_NEVER};
    oxy_ns now = oxy_clock_now();

    op->deadline = deadline_of(now, store->config.statement_timeout);
    if (op->session != NULL && !op->plain && op->session->deadline < op->deadline)
        op->deadline = op->session->deadline;
    request.deadline = op->plain ? OXY_NS_NEVER : op->deadline;
    if (op->sql != NULL) {
        Py_ssize_t len;

        request.sql.p = PyUnicode_AsUTF8AndSize(op->sql, &len);
        if (request.sql.p == NULL)
            return -1;
        request.sql.len = (size_t)len;
        request.values = op->values;
        request.n_values = op->n_values;
        if (!op->plain) {
            request.flags |= OXY_REQ_RAW;
            op->lease->raw = true;
        }
        if (op->script)
            request.flags |= OXY_REQ_SCRIPT;
    } else {
        const oxy_sql *sql = op->prepared.compiled->sql;

        request.sql = (oxy_sv){sql->text, sql->len};
        request.key = op->prepared.compiled->key;
        request.values = op->prepared.values;
        request.n_values = op->prepared.n_values;
        if (sql->point)
            request.flags |= OXY_REQ_POINT;
    }
    if (op->session != NULL) /* a pinned connection shows what ran last */
        Py_XSETREF(op->lease->sql, Py_XNewRef(sql_text(op)));
    op->was_in_transaction = in_transaction(op);
    op->lease->guarded = op->was_in_transaction && !op->plain;
    op->n_rows = 0;
    if (store->driver->start(op->lease->conn, &request) == OXY_OK)
        return 0;
    return 1;
}

/* A statement that a reader refused although its text looked like reading. */
static bool wants_writer(const oxypy_operation *op)
{
    const oxy_err *err = &op->lease->conn->err;

    return op->sql != NULL && !op->write && !op->restarted && op->session == NULL && op->n_rows == 0 &&
           (err->native & 0xff) == SQLITE_READONLY_CODE;
}

/* The statement failed: exception set, or the stage to go on with. */
static int fail(oxypy_operation *op)
{
    const oxy_err *err = &op->lease->conn->err;
    oxypy_session *session = op->session;

    if (wants_writer(op)) {
        oxypy_lease *lease = op->lease;

        op->lease = NULL;
        op->restarted = true;
        op->write = true;
        oxypy_lease_release(lease, op->loop, true);
        return STAGE_ACQUIRE;
    }
    if (session != NULL && !op->plain && op->deadline == session->deadline &&
        (err->rc == OXY_STATEMENT_TIMEOUT || err->rc == OXY_CANCELED) && oxy_clock_now() >= op->deadline)
        oxypy_session_raise_deadline(op->st, session);
    else
        (void)oxypy_raise(op->st, err, sql_text(op), op->store->driver->name, op->store->alias);
    return -1;
}

/* The worker goes on; the task waits for it. */
static oxypy_next to_worker(oxypy_operation *op)
{
    oxypy_lease *lease = op->lease;
    PyObject *task;

    if (lease->task == NULL && lease->session == NULL) {
        task = oxypy_loop_task(op->st, op->loop);
        if (task == NULL)
            return OXYPY_NEXT_ERROR;
        oxypy_lease_set_holder(lease, task, sql_text(op));
        Py_DECREF(task);
    }
    if (oxypy_operation_wait(op, false) < 0)
        return OXYPY_NEXT_ERROR;
    lease->op = op;
    if (oxypy_lease_offload(lease, op->loop, (PyObject *)op) < 0) {
        lease->op = NULL;
        Py_CLEAR(op->future);
        if (lease->conn->err.rc != OXY_OK)
            (void)oxypy_raise(op->st, &lease->conn->err, sql_text(op), op->store->driver->name, op->store->alias);
        else
            oxypy_raise_text(op->st, OXY_OPERATIONAL, "no worker thread could be started");
        return OXYPY_NEXT_ERROR;
    }
    return OXYPY_NEXT_WAIT;
}

/* Steps until something has to be waited for. *failed: the driver's error is
 * to be looked at. RETURN: the request is done. */
static oxypy_next step(oxypy_operation *op, bool *failed)
{
    const oxy_driver *driver = op->store->driver;
    oxy_conn *conn = op->lease->conn;
    bool collecting = false, paused = false;
    oxypy_next next = OXYPY_NEXT_ERROR;
    uint32_t burst = 0;

    for (;;) {
        oxy_step s = driver->step(conn);

        if (s == OXY_STEP_ROW) {
            oxypy_rowview row = {conn->cells, conn->cols, conn->n_cols, driver->codec};

            /* Rows are trees: collecting between them finds nothing. */
            if (++burst == PAUSE_AFTER) {
                collecting = PyGC_Disable() != 0;
                paused = true;
            }
            if (oxypy_sink_row(op, &row) < 0)
                break;
            continue;
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
            oxypy_raise_text(op->st, OXY_INTERNAL, "the driver waits for a descriptor that it does not have");
        }
        break;
    }
    if (paused && collecting)
        (void)PyGC_Enable();
    return next;
}

/* After a statement of a session: whether the database ended the transaction. */
static void note_transaction(oxypy_operation *op)
{
    if (op->session == NULL)
        return;
    if (op->plain) {
        op->session->aborted = false;
        if (!op->was_in_transaction && in_transaction(op))
            op->store->transactions++;
    } else if (op->was_in_transaction && !in_transaction(op)) {
        op->session->aborted = true;
    }
}

static PyObject *finish(oxypy_operation *op)
{
    int64_t affected = op->lease->conn->affected;
    oxypy_lease *lease = op->lease;

    note_transaction(op);
    if (op->st->runtime->observer != NULL)
        oxypy_observe(op);
    op->lease = NULL;
    if (op->session != NULL)
        oxypy_session_leave(op->session, op);
    else
        oxypy_lease_release(lease, op->loop, true);
    op->stage = STAGE_DONE;
    return oxypy_sink_result(op, affected);
}

/* --- the stages ------------------------------------------------------------------------- */

static oxypy_next resolve(oxypy_operation *op)
{
    int rc = oxypy_operation_resolve(op);

    if (rc < 0)
        return OXYPY_NEXT_ERROR;
    if (rc > 0)
        return OXYPY_NEXT_DELEGATE;
    if (op->session != NULL) {
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

static oxypy_next acquire(oxypy_operation *op)
{
    oxy_ns now = oxy_clock_now();
    oxypy_next next;

    if (op->session != NULL) {
        next = oxypy_session_enter(op->session, op);
        if (next == OXYPY_NEXT_RETURN) {
            op->lease = op->session->lease;
            op->stage = STAGE_START;
        }
        return next;
    }
    next = oxypy_operation_acquire(op, op->write ? OXY_WANT_WRITER : OXY_WANT_READER,
                                   deadline_of(now, op->store->config.acquire_timeout));
    if (next == OXYPY_NEXT_ERROR)
        return next;
    op->stage = STAGE_GRANT;
    return next;
}

static oxypy_next go_through(oxypy_operation *op, PyObject **result)
{
    oxypy_next next;
    bool failed = false;
    oxy_ns now;
    int rc;

    for (;;) {
        if (op->stage > STAGE_GRANT && op->stage != STAGE_ENTER && op->lease == NULL) {
            oxypy_raise_text(op->st, OXY_INTERFACE, "the connection was released while the statement ran");
            return OXYPY_NEXT_ERROR;
        }
        switch ((stage)op->stage) {
        case STAGE_RESOLVE:
            next = resolve(op);
            if (next != OXYPY_NEXT_RETURN)
                return next;
            break;
        case STAGE_PREPARE:
            rc = prepare(op, result);
            if (rc <= 0)
                return rc < 0 ? OXYPY_NEXT_ERROR : OXYPY_NEXT_RETURN;
            op->began = oxy_clock_now();
            op->stage = STAGE_ACQUIRE;
            if (oxypy_loop_is_due(op->loop, op->began)) {
                op->stage = STAGE_TURN;
                return OXYPY_NEXT_YIELD;
            }
            break;
        case STAGE_TURN:
            op->began = oxy_clock_now();
            op->stage = STAGE_ACQUIRE;
            break;
        case STAGE_ACQUIRE:
        case STAGE_ENTER:
            next = acquire(op);
            if (next != OXYPY_NEXT_RETURN)
                return next;
            break;
        case STAGE_GRANT:
            if (oxypy_operation_granted(op) < 0 || take_lease(op) < 0)
                return OXYPY_NEXT_ERROR;
            op->stage = STAGE_START;
            break;
        case STAGE_START:
            if (is_over_already(op)) {
                *result = finish(op);
                return *result == NULL ? OXYPY_NEXT_ERROR : OXYPY_NEXT_RETURN;
            }
            rc = start(op);
            if (rc < 0)
                return OXYPY_NEXT_ERROR;
            op->stage = STAGE_STEP;
            failed = rc > 0;
            break;
        case STAGE_STEP:
            now = oxy_clock_now();
            op->lease->op = NULL;
            next = failed ? OXYPY_NEXT_ERROR : step(op, &failed);
            oxypy_loop_spent(op->loop, now, oxy_clock_now());
            if (failed) {
                rc = fail(op);
                failed = false;
                if (rc < 0)
                    return OXYPY_NEXT_ERROR;
                op->stage = (uint8_t)rc;
                break;
            }
            if (next != OXYPY_NEXT_RETURN)
                return next;
            *result = finish(op);
            return *result == NULL ? OXYPY_NEXT_ERROR : OXYPY_NEXT_RETURN;
        case STAGE_DONE: oxypy_raise_text(op->st, OXY_INTERNAL, "the statement is over"); return OXYPY_NEXT_ERROR;
        }
    }
}

static oxypy_next statement_advance(oxypy_operation *op, PyObject **result)
{
    oxypy_next next = go_through(op, result);

    if (next == OXYPY_NEXT_ERROR && op->stage >= STAGE_START && op->stage != STAGE_DONE &&
        op->st->runtime->observer != NULL)
        oxypy_observe(op);
    return next;
}

static void statement_abandon(oxypy_operation *op)
{
    oxypy_lease *lease = op->lease;

    if (op->queued || op->slot != NULL || op->wait.armed)
        oxypy_operation_unqueue(op);
    if (lease != NULL && op->session == NULL) {
        op->lease = NULL;
        oxypy_lease_release(lease, op->loop, true);
    } else if (lease != NULL) {
        op->lease = NULL;
        lease->op = NULL;
        if (lease->working)
            op->store->driver->cancel(lease->conn);
        else if (oxypy_lease_status(lease) == OXY_CONN_ACTIVE)
            op->store->driver->finish(lease->conn);
        if (!lease->working) {
            op->lease = lease;
            note_transaction(op);
            op->lease = NULL;
        }
    }
    if (op->session != NULL)
        oxypy_session_leave(op->session, op);
}

const oxypy_op_kind oxypy_op_statement = {
    .name = "statement",
    .advance = statement_advance,
    .abandon = statement_abandon,
};
