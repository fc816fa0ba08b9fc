/* SPDX-License-Identifier: MIT */
/* A statement that gives its rows in parts. Between two parts it rests: nobody
 * steps its connection, and the rows that are on their way wait in the driver and
 * in the socket. Whoever needs the connection meanwhile (a statement in the same
 * transaction, a task that the pool has nothing for) has the rest read into a spool
 * first. Inside a transaction of PostgreSQL a cursor does without (cursor.c). */
#include "execute.h"

/* How long rows may lie unread: MySQL closes connections where nobody reads for
 * net_write_timeout, which is 60 seconds unless somebody made it less. */
#define UNREAD_MAX (20 * OXY_NS_PER_S)

/* What joined rows share is shared within a part: it would grow with the result. */
static void take_part(oxypy_operation *op, PyObject **result)
{
    *result = op->rows;
    op->rows = NULL;
    oxypy_shared_free(op->shared);
    op->shared = NULL;
    op->paused = true;
    op->paused_at = oxy_clock_now();
}

/* A part of the rows is there. The connection waits, with the rest of them, until
 * the next part is asked for or somebody else needs it. */
oxypy_next oxypy__stream_pause(oxypy_operation *op, PyObject **result)
{
    take_part(op, result);
    if (op->lease == NULL) /* a cursor needs none */
        return OXYPY_NEXT_PART;
    op->lease->cancel_at = op->lease->deadline = OXY_NS_NEVER;
    op->lease->paused = op;
    if (op->store->server.flavor >= OXY_FLAVOR_MYSQL) {
        op->lease->cancel_at = op->paused_at + UNREAD_MAX;
        if (oxypy_loop_wake_at(op->loop, op->lease->cancel_at) < 0)
            return OXYPY_NEXT_ERROR;
    }
    if (op->session != NULL && op->session->first != NULL)
        oxypy_stream_make_room(op);
    return OXYPY_NEXT_PART;
}

/* The next part is asked for. True: the loop should turn first. */
bool oxypy__stream_resume(oxypy_operation *op)
{
    oxy_ns now = oxy_clock_now();

    op->paused = false;
    op->rest += now - op->paused_at;
    if (op->lease != NULL) {
        op->lease->paused = NULL;
        if (op->lease->chore == OXYPY_CHORE_NONE && op->lease->conn != NULL)
            oxypy__statement_limits(op, now); /* they are about our waiting, not about the caller's work */
    }
    return oxypy_loop_is_due(op->loop, now);
}

void oxypy_stream_make_room(oxypy_operation *op)
{
    if (op->lease == NULL || op->lease->conn == NULL || oxypy_lease_is_away(op->lease))
        return;
    op->spool = oxypy_spool_new();
    if (op->spool == NULL)
        oxypy_stream_cut(op);
    else
        oxypy_chore_spool(op->lease, op->loop, op);
}

void oxypy_stream_spooled(oxypy_operation *op, oxypy_lease *lease, oxypy_loop *loop)
{
    if (op->lease == lease) {
        if (op->session != NULL)
            oxypy__statement_note(op);
        op->lease = NULL;
    }
    lease->paused = NULL;
    if (lease->session == NULL) {
        oxypy_lease_clean(lease, loop, NULL);
    } else if (lease->session->running == op) {
        oxypy_session_leave(lease->session, op);
        oxypy__statement_tell_of_commit(op);
    } else {
        oxypy_session_settled(lease->session);
    }
    oxypy_operation_wake(op, loop);
}

/* Rows that were read aside. */
oxypy_next oxypy__stream_from_spool(oxypy_operation *op, PyObject **result)
{
    oxypy_rowview row = {.codec = op->store->driver->codec};
    oxy_err err;
    int more = 1;

    if (op->lease != NULL) { /* they are still being read */
        if (oxypy_operation_wait(op, false) < 0)
            return OXYPY_NEXT_ERROR;
        if (op->lease == NULL)
            Py_CLEAR(op->future); /* to make that ran Python code, and nobody wakes it any more */
        return OXYPY_NEXT_WAIT;
    }
    while (more > 0 && (op->rows == NULL || PyList_GET_SIZE(op->rows) < op->chunk)) {
        more = oxypy_spool_next(op->spool, &row, &err);
        if (more > 0 && oxypy_sink_row(op, &row) < 0)
            return OXYPY_NEXT_ERROR;
    }
    if (more > 0) {
        take_part(op, result);
        return OXYPY_NEXT_PART;
    }
    if (op->failed != OXY_OK && op->error == NULL) {
        PyErr_NoMemory();
        return OXYPY_NEXT_ERROR;
    }
    if (more < 0 || op->error != NULL) {
        (void)oxypy_raise(op->st, more < 0 ? &err : op->error, oxypy__statement_text(op), op->store->driver->name,
                          op->store->alias);
        return OXYPY_NEXT_ERROR;
    }
    if (op->st->runtime->observer != NULL)
        oxypy_observe(op);
    op->stage = STAGE_DONE;
    *result = oxypy_sink_result(op, 0);
    return *result == NULL ? OXYPY_NEXT_ERROR : OXYPY_NEXT_RETURN;
}

/* Where what is given up is waited for. A stream that rests may be dropped by any
 * thread; then nobody waits. */
oxypy_loop *oxypy__stream_loop(const oxypy_operation *op)
{
    return !op->paused || oxypy_loop_runs_here(op->loop) ? op->loop : NULL;
}

void oxypy_stream_cut(oxypy_operation *op)
{
    Py_INCREF(op); /* giving the connection back may run Python code, which drops the stream */
    oxypy__statement_abandon(op);
    oxypy_spool_free(op->spool);
    op->spool = NULL;
    Py_DECREF(op);
}
