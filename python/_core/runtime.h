/* SPDX-License-Identifier: MIT */
/* Running requests on event loops: Database (pool and connections), Session (a
 * pinned connection), Operation (the awaitable), LoopState (one per loop).
 *
 * Locking: one runtime lock guards every pool, gate and session queue. It is
 * never held while Python code may run. Python objects are touched with the
 * GIL (or, without one, only by the loop's own thread). */
#ifndef OXYPY_RUNTIME_H
#define OXYPY_RUNTIME_H

#include <oxyde/driver.h>
#include <oxyde/pool.h>

#include "statement.h"

/* What becomes of the rows. Exported as _core.SINK_*. */
#define OXYPY_SINK_LIST(X)                                                                                             \
    X(LIST, "list of all rows")                                                                                        \
    X(FIRST, "first row or None")                                                                                      \
    X(ONE, "exactly one: NotFoundError, MultipleObjectsReturned")                                                      \
    X(ONE_OR_NONE, "one or None; several raise")                                                                       \
    X(SCALAR, "first cell of the first row, None without rows")                                                        \
    X(AFFECTED, "number of rows changed")                                                                              \
    X(INSERT_ID, "number that the server gave the first row inserted")                                                 \
    X(REFILL, "rows refill the given instances in order; result is arg")                                               \
    X(DICT, "the only row as a dict (aggregate)")                                                                      \
    X(LINKED, "rows of a linked query, handed to the Links given as into; result is None")                             \
    X(DELETED, "number of rows; the instance given as into stands for none any more")

typedef enum oxypy_sink {
#define X(name, text) OXYPY_SINK_##name,
    OXYPY_SINK_LIST(X)
#undef X
        OXYPY_SINK_COUNT
} oxypy_sink;

/* Implementation of Operation, Database, Session, LoopState is private to
 * their files; Python sees what _core.pyi declares. */

/* Called by the driver's worker: wakes the loop of `arg` (an oxypy_wake). No
 * GIL, no Python. */
void oxypy_wake(void *arg);

#endif
