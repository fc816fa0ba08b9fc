/* SPDX-License-Identifier: MIT */
/* Operations that asyncio.gather() takes as the futures it works with, in place
 * of a task for each. They begin together on the loop's next turn. One that waits for
 * its server goes on by itself; one that cannot end there and then for another reason
 * is given to a task after all. */
#ifndef OXYPY_GATHERED_H
#define OXYPY_GATHERED_H

#include "callbacks.h"
#include "runtime_private.h"

typedef enum oxypy_outcome { OXYPY_PENDING, OXYPY_RETURNED, OXYPY_RAISED, OXYPY_CANCELED } oxypy_outcome;

/* What an operation keeps as a future; its own, freed with it. */
struct oxypy_gathered {
    oxypy_operation *previous, *next; /* in a list of the loop's, which owns the operations in it */
    oxypy_loop *loop;                 /* owned */
    oxypy_callbacks callbacks;
    PyObject *context; /* that a task would run in a copy of; owned */
    PyObject *task;    /* that goes on with the operation; it is asked for everything then; owned */
    PyObject *value;   /* result or exception; owned */
    PyObject *message; /* what cancel() was given, or NULL; owned */
    uint8_t outcome;
    bool waits; /* for its server: it is in the loop's list of those */
    bool must_cancel;
    bool unseen; /* nobody has asked for the exception */
};

/* needs_task.c: false where gather() asks and nothing that the operation runs
 * could tell a task from none. */
bool oxypy_operation_needs_task(const oxypy_operation *op);

/* Runs what was gathered since the last turn. 0, or -1 for what ends the loop. */
int oxypy_gathered_begin(oxypy_loop *loop);
/* Goes on with those whose wait is over. 0, or -1 for what ends the loop. */
int oxypy_gathered_go_on(oxypy_loop *loop);
/* Those whose wait ended since go on in the loop's next turn. Keeps the exception. */
void oxypy_gathered_settle(oxypy_loop *loop);
/* Its wait is over, if it waits without a task. Keeps the exception. */
void oxypy_gathered_wake(oxypy_operation *op);
/* Its loop is gone, and so is everybody who waits for it. */
void oxypy_gathered_forget(oxypy_operation *op);
/* Whether it runs without a task now. */
static inline bool oxypy_gathered_is_apart(const oxypy_operation *op)
{
    return op->gathered != NULL && op->gathered->task == NULL;
}

int oxypy_gathered_traverse_loop(const oxypy_loop *loop, visitproc visit, void *arg);
int oxypy_gathered_traverse(struct oxypy_gathered *g, visitproc visit, void *arg);
/* The memory stays: the loop's list goes through it. */
void oxypy_gathered_clear(struct oxypy_gathered *g);
void oxypy_gathered_free(struct oxypy_gathered *g); /* NULL is fine */
/* The loop was closed: what waits, for its next turn or for servers, lets go of
 * connections. Whoever gathered it may live on. */
void oxypy_gathered_close(oxypy_loop *loop);
/* Drops what waits, for the next turn or for servers. */
void oxypy_gathered_drop(oxypy_loop *loop);
/* Tells the loop of an exception that nobody asked for, as futures do. */
void oxypy_gathered_report(oxypy_operation *op);

/* Methods and attributes of Operation. */
PyObject *oxypy_gathered_get_loop(PyObject *self, PyObject *ignored);
PyObject *oxypy_gathered_done(PyObject *self, PyObject *ignored);
PyObject *oxypy_gathered_cancelled(PyObject *self, PyObject *ignored);
PyObject *oxypy_gathered_result(PyObject *self, PyObject *ignored);
PyObject *oxypy_gathered_exception(PyObject *self, PyObject *ignored);
PyObject *oxypy_gathered_cancel(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *oxypy_gathered_add(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames);
PyObject *oxypy_gathered_remove(PyObject *self, PyObject *callback);
PyObject *oxypy_gathered_cancel_error(PyObject *self, PyObject *ignored);
PyObject *oxypy_gathered_task_over(PyObject *self, PyObject *task);
PyObject *oxypy_gathered_blocking(PyObject *self, void *closure);
PyObject *oxypy_gathered_message(PyObject *self, void *closure);

#endif
