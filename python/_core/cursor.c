/* SPDX-License-Identifier: MIT */
/* A stream inside a transaction of PostgreSQL: DECLARE, a FETCH per part, CLOSE.
 * Between them the connection is free for other statements. Giving up a plain
 * stream would need a cancel, and that would fail the whole transaction. */
#include "execute.h"

#include <stdio.h>
#include <string.h>

bool oxypy__cursor_wanted(const oxypy_operation *op)
{
    return op->cursor.phase == OXYPY_CURSOR_NONE && op->session != NULL &&
           op->store->server.flavor == OXY_FLAVOR_POSTGRES &&
           (op->session->pending != NULL || oxypy__statement_in_transaction(op));
}

void oxypy__cursor_begin(oxypy_operation *op)
{
    op->cursor.phase = OXYPY_CURSOR_DECLARE;
    op->cursor.number = ++op->st->runtime->cursors;
    op->cursor.rollbacks = op->session->rollbacks;
}

/* The text lives in op->cursor.text until the driver has read it. */
static int set_text(oxypy_operation *op, oxy_request *request, PyObject *text)
{
    Py_ssize_t len;

    if (text == NULL)
        return -1;
    Py_XSETREF(op->cursor.text, text);
    request->sql.p = PyUnicode_AsUTF8AndSize(text, &len);
    if (request->sql.p == NULL)
        return -1;
    request->sql.len = (size_t)len;
    request->flags = OXY_REQ_NO_CACHE | OXY_REQ_STREAM;
    return 0;
}

int oxypy__cursor_fill(oxypy_operation *op, oxy_request *request)
{
    unsigned long long number = op->cursor.number;

    switch (op->cursor.phase) {
    case OXYPY_CURSOR_DECLARE:
        request->values = op->prepared.values;
        request->n_values = op->prepared.n_values;
        return set_text(op, request,
                        PyUnicode_FromFormat("DECLARE oxyde_stream_%llu NO SCROLL CURSOR FOR %U", number,
                                             op->prepared.compiled->text));
    case OXYPY_CURSOR_FETCH:
        return set_text(op, request,
                        PyUnicode_FromFormat("FETCH FORWARD %zd FROM oxyde_stream_%llu", op->chunk, number));
    case OXYPY_CURSOR_CLOSE: return set_text(op, request, PyUnicode_FromFormat("CLOSE oxyde_stream_%llu", number));
    case OXYPY_CURSOR_NONE: break;
    }
    PyErr_SetString(PyExc_SystemError, "no cursor");
    return -1;
}

bool oxypy__cursor_next(oxypy_operation *op)
{
    oxypy__statement_note(op);
    Py_CLEAR(op->before); /* it has begun */
    op->stage = STAGE_START;
    if (op->cursor.phase == OXYPY_CURSOR_DECLARE) {
        op->cursor.phase = OXYPY_CURSOR_FETCH;
        return false;
    }
    if (op->rows == NULL || PyList_GET_SIZE(op->rows) < op->chunk) {
        op->cursor.phase = OXYPY_CURSOR_CLOSE;
        return false;
    }
    op->lease->op = NULL;
    op->lease->cancel_at = op->lease->deadline = OXY_NS_NEVER;
    op->lease = NULL;
    op->stage = STAGE_ENTER;
    oxypy_session_leave(op->session, op);
    return true;
}

void oxypy__cursor_forget(oxypy_operation *op, oxypy_loop *loop)
{
    oxypy_session *session = op->session;
    oxy_request request = {.deadline = OXY_NS_NEVER};
    PyObject *type, *value, *traceback;
    oxypy_lease *lease;

    if (op->cursor.phase != OXYPY_CURSOR_FETCH || session == NULL || session->lease == NULL)
        return;
    op->cursor.phase = OXYPY_CURSOR_CLOSE;
    lease = session->lease;
    /* It ends with the transaction anyway. A savepoint that was rolled back may have
     * ended it already, and to close what is not there fails the transaction. */
    if (session->busy || session->rollbacks != op->cursor.rollbacks || oxypy_lease_is_away(lease) || loop == NULL ||
        oxypy_lease_status(lease) != OXY_CONN_INTRANS)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    if (oxypy__cursor_fill(op, &request) == 0) {
        session->busy = true;
        oxypy_chore_run(lease, loop, &request, (PyObject *)op);
    } else {
        PyErr_WriteUnraisable((PyObject *)op);
    }
    PyErr_Restore(type, value, traceback);
}
