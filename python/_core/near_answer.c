/* SPDX-License-Identifier: MIT */
/* Near answers: a server on the same machine answers a read by key sooner than
 * a sleeping process is woken. So, where the event loop has nothing else to do,
 * the socket is looked at for some microseconds before the loop takes over.
 * docs/internals/runtime.md says what it is worth and what it may cost. */
#include "runtime_private.h"

#include <poll.h>
#include <unistd.h>

/* After so many answers in a row that were not near, only one in SELDOM is looked for, and these in
 * runs of BURST: the first finds both sides asleep, the next ones as they are while we look. */
#define LATE_MAX 3
#define SELDOM 16
#define BURST 4
/* Who is away for so long between two looks shares the processor with somebody. To give it up
 * by sched_yield() would cost a time slice where that somebody computes. */
#define LOST (20 * OXY_NS_PER_MS / 1000)
/* A long answer comes in parts, each looked for anew; in all no longer than so many budgets. */
#define PARTS_MAX 10

/* The descriptor of the loop's selector: readable as soon as any socket of the
 * loop has something to say. -1: this loop does not tell. */
static int selector_of(PyObject *loop)
{
    PyObject *selector = PyObject_GetAttrString(loop, "_selector"), *number = NULL;
    int fd = -1;

    if (selector != NULL)
        number = PyObject_CallMethod(selector, "fileno", NULL);
    if (number != NULL)
        fd = (int)PyLong_AsLong(number);
    if (PyErr_Occurred()) {
        PyErr_Clear(); /* another kind of loop: it waits as loops do */
        fd = -1;
    }
    Py_XDECREF(selector);
    Py_XDECREF(number);
    return fd;
}

/* Callbacks that the loop would run at once, our own marker left out; -1: it does not tell. */
static Py_ssize_t callbacks_waiting(oxypy_loop *loop, PyObject *object)
{
    PyObject *ready = PyObject_GetAttr(object, loop->st->s_ready);
    Py_ssize_t n = ready == NULL ? -1 : PyObject_Size(ready);

    if (n < 0)
        PyErr_Clear();
    Py_XDECREF(ready);
    return n < 0 ? -1 : n - (loop->marked ? 1 : 0);
}

/* Whether nothing but this answer is waited for, as far as the loop can tell. */
static bool nothing_else(oxypy_loop *loop)
{
    PyObject *object;
    bool idle;

    if (loop->resumes != NULL || loop->selector == OXYPY_NO_SELECTOR)
        return false;
    object = oxypy_loop_object(loop);
    if (object == NULL)
        return false;
    if (loop->selector == OXYPY_SELECTOR_UNKNOWN) {
        int fd = selector_of(object);

        loop->selector = fd < 0 || sysconf(_SC_NPROCESSORS_ONLN) < 2 ? OXYPY_NO_SELECTOR : fd;
    }
    idle = loop->selector != OXYPY_NO_SELECTOR && callbacks_waiting(loop, object) == 0;
    Py_DECREF(object);
    return idle;
}

/* Whether answers on this connection have been near of late. */
static bool is_worth_it(oxypy_wire *wire)
{
    return wire->late < LATE_MAX || wire->skipped++ % (SELDOM * BURST) < BURST;
}

/* Until the answer's next bytes are here. False: they are late, or something
 * else is, or others need the processor: perhaps the server itself. */
static bool is_here(struct pollfd watched[2], oxy_ns now, oxy_ns until, bool *late)
{
    bool alone = true;
    int n = poll(watched, 2, 0);

    while (n == 0 && now < until && alone) {
        oxy_ns before = now;

        n = poll(watched, 2, 0);
        now = oxy_clock_now();
        alone = now - before < LOST;
    }
    *late = n == 0;
    return n > 0 && watched[0].revents != 0;
}

bool oxypy_near_answer(oxypy_lease *lease, oxypy_loop *loop, oxy_step *step)
{
    oxypy_wire *wire = lease->wire;
    const oxy_driver *driver = lease->store->driver;
    oxy_ns budget = lease->store->config.near_budget, now, end;
    struct pollfd watched[2];
    bool late;

    if (budget <= 0 || wire->first != lease || lease->behind != NULL || !is_worth_it(wire) || !nothing_else(loop))
        return false;
    watched[0] = (struct pollfd){.fd = driver->fd(wire->conn), .events = POLLIN};
    watched[1] = (struct pollfd){.fd = loop->selector, .events = POLLIN};
    now = oxy_clock_now();
    end = now + PARTS_MAX * budget;
    do {
        if (!is_here(watched, now, now + budget, &late)) {
            wire->late += late && wire->late < LATE_MAX;
            return false;
        }
        wire->late = 0;
        *step = driver->pump(wire->conn);
        if (*step != OXY_STEP_WANT_READ)
            return *step != OXY_STEP_WANT_WRITE;
        now = oxy_clock_now(); /* a part of it came: the rest is on its way */
    } while (now < end);
    return false;
}
