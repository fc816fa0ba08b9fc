/* SPDX-License-Identifier: MIT */
/* Near answers: a server on the same machine answers sooner than a sleeping task
 * is woken. So, where the event loop has nothing else to do, a statement waits
 * inside of its call for a moment: asleep if the server runs on this processor,
 * which it needs, else looking, since another processor is slow to wake us.
 * docs/internals/runtime.md says what it is worth and what it may cost. */
#ifdef __linux__
#define _GNU_SOURCE /* sched_getcpu() */
#endif
#include "execute.h"

#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
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
/* Asleep at a time. Beyond the kernel's next tick, a few milliseconds off: a limit before it costs a
 * timer of the processor, which takes as long on a virtual machine as the answer. */
#define ASLEEP_MAX (10 * OXY_NS_PER_MS)
/* Who waits for the GIL for so long shares it with a thread that computes, and would wait at every
 * statement: for so long it is kept, and the answer is looked for. */
#define CROWDED OXY_NS_PER_MS
#define CROWDED_FOR OXY_NS_PER_S
/* Seconds of the loop's clock that no timer is asked for. */
#define NO_TIMER 1e9

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

/* When the loop's first timer is due, as its clock counts: ours. OXY_NS_NEVER: there is none. 0: it
 * does not tell. */
static oxy_ns first_timer(oxypy_loop *loop)
{
    PyObject *object = oxypy_loop_object(loop), *timers = NULL, *when = NULL;
    double at = 0.0;

    if (object != NULL)
        timers = PyObject_GetAttr(object, loop->st->s_scheduled);
    if (timers != NULL && PyList_CheckExact(timers)) {
        if (PyList_GET_SIZE(timers) == 0)
            at = NO_TIMER;
        else
            when = PyObject_GetAttr(PyList_GET_ITEM(timers, 0), loop->st->s_when);
    }
    if (when != NULL)
        at = PyFloat_AsDouble(when);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        at = 0.0;
    }
    Py_XDECREF(object);
    Py_XDECREF(timers);
    Py_XDECREF(when);
    return at >= NO_TIMER ? OXY_NS_NEVER : (oxy_ns)(at * 1e9);
}

/* Whether nothing but this answer is waited for, as far as the loop can tell. */
static bool nothing_else(oxypy_loop *loop)
{
    PyObject *object;
    bool idle;

    if (loop->resumes != NULL || loop->woken != NULL || loop->beginning || loop->selector == OXYPY_NO_SELECTOR)
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

/* Whether it is worth it after so many answers in a row that it was not. */
static bool pays(uint8_t late, uint8_t *skipped)
{
    return late < LATE_MAX || (*skipped)++ % (SELDOM * BURST) < BURST;
}

/* late: how many in a row did not come. */
static void note(uint8_t *late, bool came)
{
    *late = came ? 0 : (uint8_t)(*late + (*late < LATE_MAX));
}

#if defined(SO_INCOMING_CPU)
/* Whether the server's last bytes were sent from the processor that this thread runs on: it runs there
 * when we wait, and at once. Sockets within a machine know; so does a network card's interrupt, which
 * tells nothing, but whoever answers from afar is waited for in the same way. */
static bool is_beside(int fd)
{
    int cpu = -1;
    socklen_t len = sizeof cpu;

    return getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &len) == 0 && cpu >= 0 && cpu == sched_getcpu();
}
#else
static bool is_beside(int fd)
{
    (void)fd;
    return false;
}
#endif

/* Looks again and again, until something is there, time is over or others need the processor. What poll() said. */
static int look(struct pollfd watched[2], oxy_ns until)
{
    oxy_ns before, now = oxy_clock_now();
    int n;

    do {
        before = now;
        n = poll(watched, 2, 0);
        now = oxy_clock_now();
    } while (n == 0 && now < until && now - before < LOST);
    return n;
}

/* Sleeps until something is there or time is over, while other threads run. What poll() said. */
static int sleep_for(oxypy_loop *loop, struct pollfd watched[2], oxy_ns span)
{
    int limit = (int)((span + OXY_NS_PER_MS - 1) / OXY_NS_PER_MS), n; /* rounded as selectors do */
    oxy_ns woken, now;

    Py_BEGIN_ALLOW_THREADS;
    n = poll(watched, 2, limit);
    woken = oxy_clock_now();
    Py_END_ALLOW_THREADS;
    now = oxy_clock_now();
    if (now - woken > CROWDED)
        loop->crowded_until = now + CROWDED_FOR;
    return n;
}

/* How long the loop itself would sleep, at most ASLEEP_MAX; 0: not at all. */
static oxy_ns spare_time(oxypy_loop *loop)
{
    oxy_ns now = oxy_clock_now(), timer = first_timer(loop);

    return timer <= now ? 0 : timer - now < ASLEEP_MAX ? timer - now : ASLEEP_MAX;
}

/* Until the answer's next bytes are here. NEAR_LATE: they are late, or something
 * else is here, or others need the processor: perhaps the server itself. */
static oxypy_near await_part(oxypy_operation *op, struct pollfd watched[2], oxy_ns until, bool may_sleep)
{
    oxypy_lease *lease = op->lease;
    oxypy_wire *wire = lease->wire;
    bool beside = may_sleep && is_beside(watched[0].fd);
    oxy_ns spare;
    int n = 0;

    if (!beside && pays(wire->late, &wire->skipped)) {
        n = look(watched, until);
        note(&wire->late, n != 0);
    }
    spare = n == 0 && may_sleep && pays(wire->slow, &wire->passed) ? spare_time(op->loop) : 0;
    if (spare > 0) {
        n = sleep_for(op->loop, watched, spare);
        if (op->lease != lease || lease->conn == NULL)
            return OXYPY_NEAR_GONE; /* another thread has closed it meanwhile */
        if (n != 0 || spare == ASLEEP_MAX)
            note(&wire->slow, n != 0);
    }
    return n > 0 && watched[0].revents != 0 ? OXYPY_NEAR_HERE : OXYPY_NEAR_LATE;
}

oxypy_near oxypy_near_answer(oxypy_operation *op, bool may_sleep, oxy_step *step)
{
    oxypy_lease *lease = op->lease;
    const oxy_driver *driver = lease->store->driver;
    oxy_ns budget = lease->store->config.near_budget, now, end;
    struct pollfd watched[2];

    if (budget <= 0 || lease->wire->first != lease || lease->behind != NULL || !nothing_else(op->loop))
        return OXYPY_NEAR_LATE;
    watched[0] = (struct pollfd){.fd = driver->fd(lease->conn), .events = POLLIN};
    watched[1] = (struct pollfd){.fd = op->loop->selector, .events = POLLIN};
    now = oxy_clock_now();
    end = now + PARTS_MAX * budget;
    do {
        oxypy_near near = await_part(op, watched, now + budget, may_sleep && now >= op->loop->crowded_until);

        if (near != OXYPY_NEAR_HERE)
            return near;
        *step = driver->pump(lease->conn);
        if (*step != OXY_STEP_WANT_READ)
            return *step != OXY_STEP_WANT_WRITE ? OXYPY_NEAR_HERE : OXYPY_NEAR_LATE;
        now = oxy_clock_now(); /* a part of it came: the rest is on its way */
    } while (now < end);
    return OXYPY_NEAR_LATE;
}
