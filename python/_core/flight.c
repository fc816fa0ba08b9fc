/* SPDX-License-Identifier: MIT */
/* Flight: several reads or inserts of one transaction, sent one behind the other before
 * the first is answered. The flight has the session's turn and waits; its members have
 * the text, the values and the rows. The members' errors are the flight's: the first one
 * fails the transaction, and what is behind it with it.
 * Reads are all prepared before the first is sent. An insert has thousands of values to
 * encode: each is prepared behind the sending of the one before, which the server works
 * on meanwhile. */
#include "execute.h"

static oxypy_operation *member(const oxypy_operation *op, Py_ssize_t i)
{
    return (oxypy_operation *)PyTuple_GET_ITEM(op->members, i);
}

/* Not the database's, which may be closing and wait for this very transaction. */
static void use_store_of(oxypy_operation *m, const oxypy_operation *op)
{
    oxypy_store *store = m->store;

    oxypy_store_ref(op->store);
    m->store = op->store;
    Py_XSETREF(m->database, (oxypy_database *)Py_XNewRef((PyObject *)op->database));
    if (store != NULL)
        oxypy_store_unref(store);
}

static bool inserts(const oxypy_operation *op)
{
    return PyTuple_GET_SIZE(op->members) > 0 && member(op, 0)->what == OXYPY_DO_INSERT;
}

/* 0 / -1. May run Python code. */
static int prepare_one(oxypy_operation *m)
{
    PyObject *nothing = NULL;
    int rc = oxypy__statement_prepare(m, &nothing);

    if (rc < 0)
        return -1;
    Py_XDECREF(nothing);
    m->stage = rc == 0 ? STAGE_DONE : STAGE_START;
    return 0;
}

/* The members are nobody else's from now on. 0 / -1. */
static int prepare(oxypy_operation *op)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(op->members); i++) {
        oxypy_operation *m = member(op, i);

        m->started = m->finished = true;
        Py_XSETREF(m->loop, (oxypy_loop *)Py_NewRef((PyObject *)op->loop));
        Py_XSETREF(m->session, (oxypy_session *)Py_NewRef((PyObject *)op->session));
        use_store_of(m, op);
        if (!inserts(op) && prepare_one(m) < 0)
            return -1;
    }
    return 0;
}

/* The next member that has something to send or, once sent, to be answered. */
static Py_ssize_t skip_empty(const oxypy_operation *op, Py_ssize_t i)
{
    while (i < PyTuple_GET_SIZE(op->members) && member(op, i)->stage == STAGE_DONE)
        i++;
    return i;
}

static oxypy_next enter(oxypy_operation *op)
{
    oxypy_next next = oxypy_session_enter(op->session, op);

    if (next != OXYPY_NEXT_RETURN)
        return next;
    op->lease = op->session->lease;
    op->stage = STAGE_START;
    return next;
}

/* The one whose answer comes now: its time begins, and its limits. */
static void turn_to(oxypy_operation *op, oxypy_operation *m)
{
    m->began = m->sent_at = oxy_clock_now();
    oxypy__statement_limits(op, m->began);
    m->deadline = op->deadline;
}

static int send(oxypy_operation *op, oxypy_operation *m)
{
    oxy_request request = {.deadline = OXY_NS_NEVER};
    oxy_err err;

    m->lease = op->lease;
    if (oxypy__statement_fill(m, &request) < 0 || oxypy__statement_take_before(op, &request) < 0)
        return -1;
    request.flags |= OXY_REQ_SHARED;
    request.deadline = op->deadline;
    if (op->store->driver->start(op->lease->conn, &request) == OXY_OK) {
        m->stage = STAGE_STEP;
        return 0;
    }
    err = op->lease->conn->err;
    oxypy__statement_raise(m, &err);
    return -1;
}

/* Whether there is a connection to send on; asked again whenever Python code may have run. */
static bool may_send(oxypy_operation *op)
{
    if (op->lease == NULL)
        oxypy_raise_text(op->st, OXY_INTERFACE, "the connection was released while the statement ran");
    else if (op->lease->conn == NULL)
        oxypy_raise_text(op->st, OXY_CONNECTION_LOST, "the connection was closed before the statement was sent");
    return op->lease != NULL && op->lease->conn != NULL;
}

/* All members, one behind the other. 0 / -1. */
static int start(oxypy_operation *op)
{
    Py_ssize_t i = skip_empty(op, 0);

    if (!may_send(op))
        return -1;
    op->n_met = i;
    if (i < PyTuple_GET_SIZE(op->members))
        turn_to(op, member(op, i));
    op->was_in_transaction = op->session->pending != NULL || oxypy__statement_in_transaction(op);
    op->lease->guarded = op->was_in_transaction && (op->session->pending != NULL || op->session->in_block);
    for (; i < PyTuple_GET_SIZE(op->members); i = skip_empty(op, i + 1)) {
        oxypy_operation *m = member(op, i);

        if (inserts(op) && (prepare_one(m) < 0 || !may_send(op)))
            return -1;
        if (send(op, m) < 0)
            return -1;
        op->n_sent = i + 1;
    }
    return 0;
}

/* A member's answer was read, well or badly; exceptions are kept. */
static void met(oxypy_operation *op, oxypy_operation *m)
{
    m->lease = op->lease; /* Python code may have released the session, and does in the observer */
    if (op->st->runtime->observer != NULL)
        oxypy_observe(m);
    m->lease = NULL;
    m->stage = STAGE_DONE;
    op->n_met = skip_empty(op, op->n_met + 1);
    if (op->n_met < op->n_sent && op->lease != NULL)
        turn_to(op, member(op, op->n_met));
}

static oxypy_next raise_released(const oxypy_operation *op)
{
    oxypy_raise_text(op->st, OXY_INTERFACE, "the connection was released while the statement ran");
    return OXYPY_NEXT_ERROR;
}

/* RETURN: all answers were read. */
static oxypy_next read_answers(oxypy_operation *op, oxy_ns *spent)
{
    while (op->n_met < op->n_sent) {
        oxypy_operation *m = member(op, op->n_met);
        oxy_ns now = oxy_clock_now();
        bool failed = false;
        oxypy_next next;

        if (op->lease == NULL)
            return raise_released(op);
        op->lease->op = NULL;
        if (op->lease->conn == NULL) {
            oxypy__statement_raise_closed(m);
            return OXYPY_NEXT_ERROR;
        }
        next = oxypy__statement_step(op, m, &failed);
        *spent += oxy_clock_now() - now;
        if (failed) {
            oxy_err err = op->lease->conn->err;

            oxypy__statement_raise(m, &err);
            met(op, m);
            return OXYPY_NEXT_ERROR;
        }
        if (next != OXYPY_NEXT_RETURN)
            return next;
        met(op, m);
    }
    return op->lease == NULL ? raise_released(op) : OXYPY_NEXT_RETURN;
}

static oxypy_next go_through(oxypy_operation *op, PyObject **result, oxy_ns *spent)
{
    oxypy_next next;

    if (op->stage == STAGE_RESOLVE) {
        next = oxypy__statement_resolve(op);
        if (next != OXYPY_NEXT_RETURN)
            return next;
        if (op->session == NULL || op->store->driver->max_in_flight < PyTuple_GET_SIZE(op->members)) {
            oxypy_raise_text(op->st, OXY_INTERNAL, "such statements cannot travel together here");
            return OXYPY_NEXT_ERROR;
        }
        if (prepare(op) < 0)
            return OXYPY_NEXT_ERROR;
        op->stage = STAGE_ACQUIRE;
    }
    if (op->stage == STAGE_ACQUIRE) {
        next = enter(op);
        if (next != OXYPY_NEXT_RETURN)
            return next;
    }
    if (op->lease == NULL)
        return raise_released(op);
    if (op->stage == STAGE_START) {
        if (start(op) < 0)
            return OXYPY_NEXT_ERROR;
        op->stage = STAGE_STEP;
    }
    next = read_answers(op, spent);
    if (next != OXYPY_NEXT_RETURN)
        return next;
    *result = oxypy__statement_finish(op);
    return *result == NULL ? OXYPY_NEXT_ERROR : OXYPY_NEXT_RETURN;
}

static oxypy_next flight_advance(oxypy_operation *op, PyObject **result)
{
    oxy_ns spent = 0, now;
    oxypy_next next = go_through(op, result, &spent);

    if (spent > 0) { /* not sooner: it may run Python code, which releases the session */
        now = oxy_clock_now();
        oxypy_loop_spent(op->loop, now - spent, now);
    }
    return next;
}

static void flight_abandon(oxypy_operation *op)
{
    Py_ssize_t n = op->members == NULL ? 0 : PyTuple_GET_SIZE(op->members);
    uint32_t unanswered = 0;

    for (Py_ssize_t i = 0; i < n; i++) {
        oxypy_operation *m = member(op, i);

        unanswered += m->stage == STAGE_STEP;
        m->lease = NULL;
        oxypy_rows_show(oxypy_sink_rows(m), &m->hidden);
    }
    if (op->lease != NULL)
        op->lease->behind_it = unanswered == 0 ? 0 : unanswered - 1;
    oxypy__statement_abandon(op);
}

const oxypy_op_kind oxypy_op_flight = {
    .name = "flight",
    .advance = flight_advance,
    .abandon = flight_abandon,
};
