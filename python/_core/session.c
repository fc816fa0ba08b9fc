/* SPDX-License-Identifier: MIT */
/* Session: a connection held by one owner, for a transaction or a pinned
 * connection. Statements on it run one after the other, in call order; the
 * connection's own status, never a count of ours, tells what state it is in. */
#include "runtime_private.h"

#include <stdlib.h>

PyObject *oxypy_session_new(oxypy_state *st, oxypy_database *db, oxypy_lease *lease)
{
    oxypy_session *s = (oxypy_session *)st->session_type->tp_alloc(st->session_type, 0);

    if (s == NULL)
        return NULL;
    s->deadline = OXY_NS_NEVER;
    s->database = (oxypy_database *)Py_NewRef((PyObject *)db);
    s->lease = lease;
    lease->session = s;
    return (PyObject *)s;
}

/* --- the queue ---------------------------------------------------------------------- */

static void queue_remove(oxypy_session *s, oxypy_operation *op)
{
    if (op->queue_prev != NULL)
        op->queue_prev->queue_next = op->queue_next;
    else
        s->first = op->queue_next;
    if (op->queue_next != NULL)
        op->queue_next->queue_prev = op->queue_prev;
    else
        s->last = op->queue_prev;
    op->queue_prev = op->queue_next = NULL;
    op->in_queue = false;
}

static void queue_wake(oxypy_session *s, oxypy_operation *op)
{
    oxypy_runtime *rt = op->st->runtime;

    queue_remove(s, op);
    oxypy_lock(rt);
    oxypy_wait_ready_locked(&op->wait, NULL);
    oxypy_unlock(rt);
}

/* The next in line may run. */
static void pass_on(oxypy_session *s)
{
    oxypy_operation *op = s->first;

    s->running = op;
    s->busy = op != NULL;
    s->ended = oxy_clock_now();
    if (op != NULL)
        queue_wake(s, op);
}

/* Nothing can run here any more: those in line find out for themselves. */
static void dismiss(oxypy_session *s)
{
    s->running = NULL;
    s->busy = false;
    while (s->first != NULL)
        queue_wake(s, s->first);
}

/* Adds to the exception just raised whose error it is. */
static void sign(const oxypy_session *s)
{
    PyObject *type, *exc, *traceback, *backend, *alias;

    if (s->database == NULL || s->database->alias == NULL || s->database->config.driver == NULL)
        return;
    alias = Py_NewRef(s->database->alias);
    PyErr_Fetch(&type, &exc, &traceback);
    backend = PyUnicode_FromString(s->database->config.driver->name);
    PyErr_NormalizeException(&type, &exc, &traceback);
    if (backend == NULL || PyObject_SetAttrString(exc, "backend", backend) < 0 ||
        PyObject_SetAttrString(exc, "alias", alias) < 0)
        PyErr_Clear(); /* the error itself matters more */
    Py_DECREF(alias);
    Py_XDECREF(backend);
    PyErr_Restore(type, exc, traceback);
}

void oxypy_session_raise_deadline(oxypy_state *st, oxypy_session *s)
{
    PyObject *id = PyObject_GetAttrString((PyObject *)s, "id");

    if (id == NULL)
        PyErr_Clear();
    if (id == NULL)
        oxypy_raise_text(st, OXY_TRANSACTION_TIMEOUT, "Transaction exceeded timeout%s",
                         s->overdue ? " and can no longer be used" : "");
    else
        oxypy_raise_text(st, OXY_TRANSACTION_TIMEOUT, "Transaction %S exceeded timeout%s", id,
                         s->overdue ? " and can no longer be used" : "");
    Py_XDECREF(id);
    sign(s);
    s->overdue = true;
}

/* Whether a statement may run at all. */
static int check(oxypy_state *st, oxypy_session *s, bool plain)
{
    if (!plain && s->blocked != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(s->blocked), s->blocked);
        return -1;
    }
    if (s->lease == NULL && !s->moving) {
        oxypy_raise_text(st, OXY_INTERFACE, "no connection is held here: it was released, or never taken");
        return -1;
    }
    if (s->lease != NULL && s->lease->store->foreign) {
        oxypy_raise_text(st, OXY_INTERFACE, "the transaction belongs to the parent process");
        return -1;
    }
    if (plain)
        return 0;
    if (s->aborted) {
        oxypy_raise_text(st, OXY_TRANSACTION_ABORTED,
                         "the database ended the transaction after an error: nothing more runs in it");
        sign(s);
        return -1;
    }
    if (s->deadline != OXY_NS_NEVER && oxy_clock_now() >= s->deadline) {
        oxypy_session_raise_deadline(st, s);
        return -1;
    }
    return 0;
}

/* What ends the transaction; the rows of a stream end with it. */
static bool ends_transaction(const oxypy_operation *op)
{
    return op->plain && op->sql != NULL &&
           (PyUnicode_CompareWithASCIIString(op->sql, "COMMIT") == 0 ||
            PyUnicode_CompareWithASCIIString(op->sql, "ROLLBACK") == 0);
}

oxypy_next oxypy_session_enter(oxypy_session *s, oxypy_operation *op)
{
    if (check(op->st, s, op->plain) < 0)
        return OXYPY_NEXT_ERROR;
    if (s->running == op)
        return OXYPY_NEXT_RETURN;
    if (op->plain && op->sql != NULL && PyUnicode_Tailmatch(op->sql, op->st->s_rollback_to, 0, 11, -1) == 1)
        s->rollbacks++;
    if (s->running != NULL && s->running->paused && s->running->lease != NULL) {
        if (ends_transaction(op))
            oxypy_stream_cut(s->running);
        else
            oxypy_stream_make_room(s->running);
        if (check(op->st, s, op->plain) < 0) /* the stream may have failed, and the transaction with it */
            return OXYPY_NEXT_ERROR;
    }
    if (op->in_queue) {
        queue_remove(s, op);
        oxypy_wait_disarm(&op->wait);
    }
    if (s->busy) {
        bool ended;

        if (oxypy_operation_wait(op, true) < 0)
            return OXYPY_NEXT_ERROR;
        /* To make that may have run Python code: nobody wakes who joins the queue of what has ended. */
        ended = check(op->st, s, op->plain) < 0;
        if (ended || !s->busy) {
            oxypy_wait_disarm(&op->wait);
            Py_CLEAR(op->future);
        }
        if (ended)
            return OXYPY_NEXT_ERROR;
    }
    if (!s->busy) {
        s->running = op;
        s->busy = true;
        return OXYPY_NEXT_RETURN;
    }
    op->in_queue = true;
    op->queue_prev = s->last;
    if (s->last != NULL)
        s->last->queue_next = op;
    else
        s->first = op;
    s->last = op;
    return OXYPY_NEXT_WAIT;
}

void oxypy_session_leave(oxypy_session *s, oxypy_operation *op)
{
    if (op->in_queue) {
        queue_remove(s, op);
        oxypy_wait_disarm(&op->wait);
        return;
    }
    if (s->running != op)
        return;
    s->running = NULL;
    s->moving = false;
    /* The statement is still being stopped: settled() goes on. */
    if (s->lease != NULL && oxypy_lease_is_away(s->lease))
        return;
    pass_on(s);
}

/* --- another connection ------------------------------------------------------------- */

bool oxypy_session_may_move(const oxypy_session *s, const oxypy_operation *op)
{
    return s->movable && (s->pending != NULL || op->before != NULL);
}

bool oxypy_session_is_stranded(const oxypy_session *s, const oxypy_operation *op)
{
    const oxypy_lease *lease = s->lease;

    if (!oxypy_session_may_move(s, op))
        return false;
    return lease->conn == NULL ||
           (oxy_clock_now() - lease->since > OXYPY_TRUSTED && !lease->store->driver->alive(lease->conn));
}

void oxypy_session_leave_lease(oxypy_session *s, oxypy_operation *op)
{
    oxypy_lease *lease = s->lease;

    if (op->before != NULL) {
        s->pending = op->before;
        op->before = NULL;
    }
    free(op->before_text);
    op->before_text = NULL;
    op->lease = NULL;
    s->lease = NULL;
    s->moving = true;
    lease->session = NULL;
    lease->op = NULL;
    oxypy_lease_release(lease, op->loop, false, NULL);
}

int oxypy_session_take_lease(oxypy_session *s, oxypy_operation *op)
{
    PyObject *task = oxypy_loop_task(op->st, op->loop);
    oxypy_lease *lease = op->lease;

    if (task != NULL)
        oxypy_lease_set_holder(lease, task, NULL); /* may run Python code, as does asking for the task */
    if (task != NULL && !s->moving)
        oxypy_raise_text(op->st, OXY_INTERFACE, "the connection was released while the statement waited for it");
    if (task == NULL || !s->moving) {
        Py_XDECREF(task);
        op->lease = NULL;
        oxypy_lease_release(lease, op->loop, true, NULL);
        return -1;
    }
    Py_DECREF(task);
    s->moving = false;
    s->lease = lease;
    lease->session = s;
    return 0;
}

void oxypy_session_settled(oxypy_session *s)
{
    oxy_conn_status status = oxypy_lease_status(s->lease);

    if (s->lease->guarded && (status == OXY_CONN_IDLE || status == OXY_CONN_BROKEN))
        s->aborted = true; /* a cancelled statement took the transaction with it */
    pass_on(s);
}

oxypy_lease *oxypy_session_let_go(oxypy_session *s, oxypy_operation **woken)
{
    oxypy_lease *lease = s->lease;
    oxypy_operation *op = s->running;

    *woken = NULL;
    s->lease = NULL;
    s->moving = false;
    if (lease == NULL)
        return NULL;
    lease->session = NULL;
    lease->op = NULL;
    lease->paused = NULL; /* a stream whose rows end here */
    if (op != NULL && op->lease == lease) {
        op->lease = NULL;
        /* The driver reads its memory until the answer is there. */
        if (lease->keep == NULL && oxypy_has_socket(lease->store->driver))
            lease->keep = Py_NewRef((PyObject *)op);
        *woken = (oxypy_operation *)Py_NewRef((PyObject *)op);
    }
    dismiss(s);
    return lease;
}

void oxypy_session_tell(oxypy_operation *woken)
{
    if (woken == NULL)
        return;
    oxypy_operation_wake(woken, woken->loop);
    Py_DECREF((PyObject *)woken);
}

void oxypy_session_drop(oxypy_session *s, oxypy_loop *loop, bool reuse)
{
    oxypy_operation *woken;
    oxypy_lease *lease = oxypy_session_let_go(s, &woken);

    if (lease != NULL)
        oxypy_lease_release(lease, loop, reuse, NULL);
    oxypy_session_tell(woken); /* last: it may run Python code, which drops the session */
}

void oxypy_session_evict(oxypy_session *s, oxypy_loop *loop, PyObject *error)
{
    if (error != NULL && s->blocked == NULL)
        s->blocked = Py_NewRef(error);
    oxypy_session_drop(s, loop, true);
}
