/* SPDX-License-Identifier: MIT */
#include "sight.h"

#include "runtime_private.h"

#include <unistd.h>

/* Beyond the kernel's next tick, 4 ms off at the most usual 250 Hz: a limit before it costs a timer of
 * the processor, which takes as long on a virtual machine as the answer. */
#define LONGEST (10 * OXY_NS_PER_MS)
#define LONGEST_HELD (5 * OXY_NS_PER_MS)
/* Seconds of the loop's clock that no timer is asked for. */
#define NO_TIMER 1e9
/* More of uvloop's timers than that are not asked one by one. */
#define TIMERS_MAX 8
/* Sets that a loop's object may hold: bits of oxypy_sight.others. */
#define SETS_MAX 32

/* Of a number that the loop has given us, or NULL. -1: not a descriptor. */
static int descriptor_of(PyObject *number)
{
    int fd = number == NULL ? -1 : (int)PyLong_AsLong(number);

    if (PyErr_Occurred()) {
        PyErr_Clear(); /* another kind of loop: it waits as loops do */
        fd = -1;
    }
    Py_XDECREF(number);
    return fd;
}

/* --- asyncio: attributes ---------------------------------------------------------- */

static int selector_of(PyObject *loop)
{
    PyObject *selector = PyObject_GetAttrString(loop, "_selector");
    int fd = descriptor_of(selector == NULL ? NULL : PyObject_CallMethod(selector, "fileno", NULL));

    Py_XDECREF(selector);
    return fd;
}

/* Callbacks that the loop would run at once; -1: it does not tell. */
static Py_ssize_t callbacks_ready(const oxypy_state *st, PyObject *loop)
{
    PyObject *ready = PyObject_GetAttr(loop, st->s_ready);
    Py_ssize_t n = ready == NULL ? -1 : PyObject_Size(ready);

    if (n < 0)
        PyErr_Clear();
    Py_XDECREF(ready);
    return n;
}

/* In the loop's seconds; 0: it does not tell. */
static double first_scheduled(const oxypy_state *st, PyObject *loop)
{
    PyObject *timers = PyObject_GetAttr(loop, st->s_scheduled), *when = NULL;
    double at = 0.0;

    if (timers != NULL && PyList_CheckExact(timers)) {
        if (PyList_GET_SIZE(timers) == 0)
            at = NO_TIMER;
        else
            when = PyObject_GetAttr(PyList_GET_ITEM(timers, 0), st->s_when);
    }
    if (when != NULL)
        at = PyFloat_AsDouble(when);
    Py_XDECREF(timers);
    Py_XDECREF(when);
    return at;
}

/* --- uvloop: what the loop's object holds ------------------------------------------- */

/* Found in one traversal; borrowed while nothing of the loop runs. */
typedef struct held {
    PyObject *deque; /* the callbacks that are ready */
    PyObject *sets[SETS_MAX];
    uint32_t n_deques, n_sets;
} held;

static int note_held(PyObject *object, void *arg)
{
    held *found = arg;

    if (PySet_CheckExact(object)) {
        if (found->n_sets < SETS_MAX)
            found->sets[found->n_sets] = object;
        found->n_sets++;
    } else if (strcmp(Py_TYPE(object)->tp_name, "collections.deque") == 0) {
        found->deque = object;
        found->n_deques++;
    }
    return 0;
}

/* False: it is not what is known of such loops. */
static bool look_into(PyObject *loop, held *found)
{
    traverseproc traverse = Py_TYPE(loop)->tp_traverse;

    *found = (held){0};
    return traverse != NULL && traverse(loop, note_held, found) == 0 && found->n_deques == 1 &&
           found->n_sets <= SETS_MAX;
}

static Py_ssize_t deque_size(PyObject *deque)
{
    Py_ssize_t n = PyObject_Size(deque);

    if (n < 0)
        PyErr_Clear();
    return n;
}

static bool cancel(PyObject *handle)
{
    PyObject *done = handle == NULL ? NULL : PyObject_CallMethod(handle, "cancel", NULL);

    Py_XDECREF(done);
    Py_XDECREF(handle);
    return done != NULL;
}

/* Finds the deque of callbacks and the set of timers by what happens to them when the loop is given one of
 * each, which never run. An exception may be set where that failed. */
static bool learn_held(oxypy_loop *loop, PyObject *object)
{
    PyObject *nothing = PyObject_GetAttrString((PyObject *)loop, "_turn"), *soon, *later;
    Py_ssize_t callbacks, sizes[SETS_MAX];
    uint32_t n_grown = 0, i;
    held found;
    bool learnt = false;

    if (nothing == NULL || !look_into(object, &found))
        goto done;
    callbacks = deque_size(found.deque);
    loop->sight.n_sets = found.n_sets;
    for (i = 0; i < found.n_sets; i++)
        sizes[i] = PySet_GET_SIZE(found.sets[i]);
    soon = PyObject_CallMethodOneArg(object, loop->st->s_call_soon, nothing);
    if (soon == NULL)
        goto done;
    later = PyObject_CallMethod(object, "call_later", "dO", 3600.0, nothing);
    if (later != NULL && look_into(object, &found) && found.n_sets == loop->sight.n_sets) {
        for (i = 0; i < found.n_sets; i++)
            if (PySet_GET_SIZE(found.sets[i]) != sizes[i]) {
                n_grown += PySet_GET_SIZE(found.sets[i]) == sizes[i] + 1 ? 1 : 2;
                loop->sight.timers = i;
            }
        learnt = callbacks >= 0 && deque_size(found.deque) == callbacks + 1 && n_grown == 1;
    }
    learnt = cancel(soon) && cancel(later) && learnt;
done:
    Py_XDECREF(nothing);
    return learnt;
}

/* Whether a set of the loop's is of transports, that is writes that wait for the end of the turn. Those
 * of something else are remembered by their place. */
static bool has_writes(oxypy_sight *sight, PyObject *set, uint32_t place)
{
    PyObject *iterator, *one;
    bool writes;

    if (PySet_GET_SIZE(set) == 0 || (sight->others >> place & 1) != 0)
        return false;
    iterator = PyObject_GetIter(set);
    one = iterator == NULL ? NULL : PyIter_Next(iterator);
    writes = one == NULL || PyObject_HasAttrString(one, "write");
    if (!writes)
        sight->others |= UINT32_C(1) << place;
    PyErr_Clear();
    Py_XDECREF(one);
    Py_XDECREF(iterator);
    return writes;
}

/* As callbacks_ready(); writes that wait count as one. */
static Py_ssize_t held_ready(oxypy_sight *sight, PyObject *loop)
{
    held found;
    Py_ssize_t n;

    if (!look_into(loop, &found) || found.n_sets != sight->n_sets)
        return -1;
    n = deque_size(found.deque);
    for (uint32_t i = 0; n >= 0 && i < found.n_sets; i++)
        if (i != sight->timers && has_writes(sight, found.sets[i], i))
            n++;
    return n;
}

/* As first_scheduled(). */
static double first_held(const oxypy_sight *sight, PyObject *loop)
{
    double first = NO_TIMER;
    PyObject *iterator, *timer;
    held found;

    if (!look_into(loop, &found) || found.n_sets != sight->n_sets ||
        PySet_GET_SIZE(found.sets[sight->timers]) > TIMERS_MAX)
        return 0.0;
    if (PySet_GET_SIZE(found.sets[sight->timers]) == 0)
        return NO_TIMER;
    iterator = PyObject_GetIter(found.sets[sight->timers]);
    while (iterator != NULL && (timer = PyIter_Next(iterator)) != NULL) {
        PyObject *when = PyObject_CallMethod(timer, "when", NULL);
        double at = when == NULL ? -1.0 : PyFloat_AsDouble(when);

        Py_XDECREF(when);
        Py_DECREF(timer);
        if (at < first)
            first = at;
        if (at < 0.0)
            break; /* an exception is set, or so far back that it does not matter */
    }
    Py_XDECREF(iterator);
    return first; /* an exception is set where the set was not to be gone through */
}

/* --- both ------------------------------------------------------------------------------ */

static void learn(oxypy_loop *loop, PyObject *object)
{
    oxypy_sight *sight = &loop->sight;

    sight->kind = OXYPY_SIGHT_NONE;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        return;
    sight->selector = selector_of(object);
    if (sight->selector >= 0) {
        sight->kind = OXYPY_SIGHT_ATTRIBUTES;
        return;
    }
    sight->selector = descriptor_of(PyObject_CallMethod(object, "_get_backend_id", NULL));
    if (sight->selector >= 0 && learn_held(loop, object))
        sight->kind = OXYPY_SIGHT_HELD;
    PyErr_Clear(); /* it waits as loops do */
}

bool oxypy_sight_idle(oxypy_loop *loop)
{
    Py_ssize_t ready = -1;
    PyObject *object;

    if (loop->sight.kind == OXYPY_SIGHT_NONE)
        return false;
    object = oxypy_loop_object(loop);
    if (object == NULL)
        return false;
    if (loop->sight.kind == OXYPY_SIGHT_UNKNOWN)
        learn(loop, object);
    if (loop->sight.kind == OXYPY_SIGHT_ATTRIBUTES)
        ready = callbacks_ready(loop->st, object);
    else if (loop->sight.kind == OXYPY_SIGHT_HELD)
        ready = held_ready(&loop->sight, object);
    Py_DECREF(object);
    return ready == (loop->marked ? 1 : 0);
}

oxy_ns oxypy_sight_timer(oxypy_loop *loop)
{
    PyObject *object = oxypy_loop_object(loop);
    double at = 0.0;

    if (object != NULL && loop->sight.kind == OXYPY_SIGHT_ATTRIBUTES)
        at = first_scheduled(loop->st, object);
    else if (object != NULL && loop->sight.kind == OXYPY_SIGHT_HELD)
        at = first_held(&loop->sight, object);
    Py_XDECREF(object);
    if (PyErr_Occurred() || at < 0.0) {
        PyErr_Clear();
        at = 0.0;
    }
    return at >= NO_TIMER ? OXY_NS_NEVER : (oxy_ns)(at * 1e9);
}

oxy_ns oxypy_sight_longest(const oxypy_loop *loop)
{
    return loop->sight.kind == OXYPY_SIGHT_HELD ? LONGEST_HELD : LONGEST;
}
