/* SPDX-License-Identifier: MIT */
/* What an event loop shows of what else waits on it: callbacks that are ready, writes, timers, and the
 * descriptor under which all of its sockets are. asyncio's loops have it in attributes; uvloop's hold
 * it in C, where the collector's traversal shows it. docs/internals/runtime.md */
#ifndef OXYPY_SIGHT_H
#define OXYPY_SIGHT_H

#include <Python.h>
#include <oxyde/base.h>
#include <stdbool.h>
#include <stdint.h>

struct oxypy_loop;

/* How a loop is looked into. All zero: nobody has tried. */
typedef enum oxypy_sight_kind {
    OXYPY_SIGHT_UNKNOWN,
    OXYPY_SIGHT_NONE,       /* the loop does not tell */
    OXYPY_SIGHT_ATTRIBUTES, /* _ready, _scheduled, _selector */
    OXYPY_SIGHT_HELD,       /* what the loop's object holds, by the order of its fields */
} oxypy_sight_kind;

/* Owns nothing: what a loop holds is asked for anew each time. */
typedef struct oxypy_sight {
    oxypy_sight_kind kind;
    int selector; /* readable as soon as any socket of the loop has something to say; borrowed */
    /* OXYPY_SIGHT_HELD: how many sets the loop's object holds, which of them is its timers, and in
     * which of them something was seen that is no transport. */
    uint32_t n_sets, timers, others;
} oxypy_sight;

/* Whether nothing is ready in the loop but what its selector would tell. On the loop's thread; never
 * raises. Afterwards the two below may be asked. */
bool oxypy_sight_idle(struct oxypy_loop *loop);
/* When the loop's first timer is due, as oxy_clock_now() counts. OXY_NS_NEVER: there is none. 0: it
 * does not tell. */
oxy_ns oxypy_sight_timer(struct oxypy_loop *loop);
/* For how long others may go unheard: sockets that uvloop has been given in this turn are under its
 * descriptor from the next one on. */
oxy_ns oxypy_sight_longest(const struct oxypy_loop *loop);

#endif
