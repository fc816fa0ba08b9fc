/* SPDX-License-Identifier: MIT */
/* What execute.c and stream_op.c share: the stages of a statement, and its parts
 * that statements in one go and streams have in common. */
#ifndef OXYPY_EXECUTE_H
#define OXYPY_EXECUTE_H

#include "runtime_private.h"

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

/* execute.c, in the order in which they come */
oxypy_next oxypy__statement_resolve(oxypy_operation *op);
/* 1: prepared; 0: there is nothing to send, *result is the answer; -1. */
int oxypy__statement_prepare(oxypy_operation *op, PyObject **result);
/* The request's text and values; op->lease is known. 0 / -1. */
int oxypy__statement_fill(oxypy_operation *op, oxy_request *request);
/* What the session sends before its next statement; the driver reads it. 0 / -1. */
int oxypy__statement_take_before(oxypy_operation *op, oxy_request *request);
/* Steps until something has to be waited for; rows go to the reader's sink. *failed:
 * the driver's error is to be looked at. RETURN: the request is done. */
oxypy_next oxypy__statement_step(oxypy_operation *op, oxypy_operation *reader, bool *failed);
/* Raises what the failure means to the caller. */
void oxypy__statement_raise(oxypy_operation *op, oxy_err *err);
/* The connection was closed under the statement. */
void oxypy__statement_raise_closed(oxypy_operation *op);
bool oxypy__statement_in_transaction(const oxypy_operation *op);
PyObject *oxypy__statement_text(const oxypy_operation *op); /* borrowed, or NULL */
/* Limits of the wait that begins now. */
void oxypy__statement_limits(oxypy_operation *op, oxy_ns now);
/* After a statement of a session: what it did to the transaction. */
void oxypy__statement_note(oxypy_operation *op);
void oxypy__statement_tell_of_commit(oxypy_operation *op);
PyObject *oxypy__statement_finish(oxypy_operation *op);
void oxypy__statement_abandon(oxypy_operation *op);

/* quiet.c: rows of a statement are built without the cyclic collector, from some number on.
 * Borrows the reader, which has the rows. */
typedef struct oxypy_quiet {
    oxypy_operation *reader;
    Py_ssize_t before; /* rows that were there before */
    uint32_t burst;    /* of those since, and before: in a result that goes on they count, too */
    bool collecting;   /* it was on */
    bool off;
} oxypy_quiet;

oxypy_quiet oxypy_quiet_of(oxypy_operation *reader);
/* One row more is about to be built. */
void oxypy_quiet_row(oxypy_quiet *quiet);
/* Before others may run, and at the end: they have the collector as it was, which does not see the rows. */
void oxypy_quiet_end(oxypy_quiet *quiet);

/* stream_op.c: a part of the rows is there; PART or ERROR. */
oxypy_next oxypy__stream_pause(oxypy_operation *op, PyObject **result);
/* The next part is asked for. True: the loop should turn first. */
bool oxypy__stream_resume(oxypy_operation *op);
/* Rows that were read aside. */
oxypy_next oxypy__stream_from_spool(oxypy_operation *op, PyObject **result);
/* Where what is given up is waited for (borrowed), or NULL. */
oxypy_loop *oxypy__stream_loop(const oxypy_operation *op);

/* cursor.c: a stream inside a transaction of PostgreSQL. */
bool oxypy__cursor_wanted(const oxypy_operation *op);
void oxypy__cursor_begin(oxypy_operation *op);
/* The text that is sent next. 0 / -1. */
int oxypy__cursor_fill(oxypy_operation *op, oxy_request *request);
/* It ran: what comes after it. True: a part of the rows is there first. */
bool oxypy__cursor_next(oxypy_operation *op);
/* The stream is dropped: its cursor is closed, if nothing else runs. loop may be NULL. */
void oxypy__cursor_forget(oxypy_operation *op, oxypy_loop *loop);

#endif
