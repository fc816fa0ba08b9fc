/* SPDX-License-Identifier: MIT */
/* LoopState: what the runtime keeps for one running event loop. The only file
 * that knows asyncio's loop methods; uvloop has the same ones. */
#include "gathered.h"
#include "runtime_private.h"

#include <unistd.h>

/* Inline work after which the loop is asked to tell when it turned, and how
 * long it may then go without turning before an operation lets it. */
#define MARK_AFTER (OXY_NS_PER_MS / 2)
#define TURN_AFTER (4 * OXY_NS_PER_MS)
/* Pools with nothing urgent are looked at this often (idle and age limits). */
#define HOUSEKEEPING (30 * OXY_NS_PER_S)

/* --- finding the running loop's state ------------------------------------------- */

static oxypy_loop *loop_new(oxypy_state *st, PyObject *loop)
{
    oxypy_loop *self = (oxypy_loop *)st->loop_type->tp_alloc(st->loop_type, 0);
    PyObject *module;

    if (self == NULL)
        return NULL;
    module = PyType_GetModule(st->loop_type);
    self->st = st;
    self->timer_at = OXY_NS_NEVER;
    self->module = Py_XNewRef(module);
    self->hub = oxypy_hub_new(st->runtime, loop);
    if (self->hub == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    return self;
}

static int need_table(oxypy_runtime *rt)
{
    PyObject *weakref;

    if (rt->loops != NULL)
        return 0;
    weakref = PyImport_ImportModule("weakref");
    if (weakref == NULL)
        return -1;
    rt->loops = PyObject_CallMethod(weakref, "WeakKeyDictionary", NULL);
    Py_DECREF(weakref);
    return rt->loops == NULL ? -1 : 0;
}

/* A new state is in the table before it does anything: listening and taking over run Python code,
 * and so the finalizers of what the collector finds, which ask for this loop's state, too. */
static PyObject *add(oxypy_state *st, PyObject *loop)
{
    oxypy_loop *made = loop_new(st, loop);
    PyObject *found;

    if (made == NULL)
        return NULL;
    found = PyObject_CallMethod(st->runtime->loops, "setdefault", "OO", loop, (PyObject *)made);
    if (found == (PyObject *)made) {
        if (oxypy_loop_listen(made) < 0) {
            oxypy_loop_forget(st, loop);
            Py_CLEAR(found);
        } else {
            (void)oxypy_hub_inherit(st, made);
        }
    }
    Py_DECREF(made);
    return found;
}

/* Finds or makes the state of a loop that is not the one used last. */
static oxypy_loop *loop_look_up(oxypy_state *st, PyObject *loop)
{
    oxypy_runtime *rt = st->runtime;
    PyObject *found;

    if (need_table(rt) < 0)
        return NULL;
    found = PyObject_GetItem(rt->loops, loop);
    if (found == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Clear();
        found = add(st, loop);
    }
    if (found == NULL)
        return NULL;
    Py_XSETREF(rt->last, (oxypy_loop *)Py_NewRef(found));
    return (oxypy_loop *)found;
}

/* The table has the state as long as the loop exists, and what was gathered on the
 * loop knows it: without an end to that neither would ever go. */
void oxypy_loop_forget(oxypy_state *st, PyObject *object)
{
    oxypy_runtime *rt = st->runtime;
    PyObject *type, *value, *traceback, *state;

    if (rt->loops == NULL)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    state = PyObject_CallMethod(rt->loops, "pop", "OO", object, Py_None);
    if (state == NULL)
        PyErr_WriteUnraisable(object);
    else if (state != Py_None)
        oxypy_gathered_close((oxypy_loop *)state);
    Py_XDECREF(state);
    PyErr_Restore(type, value, traceback);
}

PyObject *oxypy_loop_object(oxypy_loop *loop)
{
    return oxypy_weak_get(loop->hub->loop_ref);
}

#if PY_VERSION_HEX < 0x030c0000 && !defined(PYPY_VERSION) && !defined(_WIN32)
/* Until Python 3.12 _get_running_loop() asks the system for the process, at each look,
 * for fear of a fork, of which we hear (oxypy_runtime_after_fork). This is what it
 * looks at, in the dict of the thread. */
typedef struct running_mark {
    PyObject ob_base;
    PyObject *loop;
    pid_t pid;
} running_mark;

/* Borrowed, or NULL without an exception. */
static running_mark *find_mark(const oxypy_state *st)
{
    PyObject *dict = PyThreadState_GetDict();
    PyObject *mark = dict == NULL ? NULL : PyDict_GetItemWithError(dict, st->s_asyncio_running);

    if (mark == NULL)
        PyErr_Clear();
    return (running_mark *)mark;
}

/* The loop used last, if it is known to run here; borrowed. */
static oxypy_loop *runs_still(const oxypy_state *st)
{
    const oxypy_runtime *rt = st->runtime;
    const running_mark *mark = rt->last == NULL || rt->mark == NULL ? NULL : find_mark(st);
    PyObject *loop;

    if (mark == NULL || Py_TYPE((PyObject *)mark) != rt->mark)
        return NULL;
    loop = oxypy_loop_object(rt->last);
    Py_XDECREF(loop); /* whatever runs is alive */
    return loop != NULL && loop == mark->loop ? rt->last : NULL;
}

/* Such objects are read from when one was seen to say what asyncio says. */
static void learn_mark(const oxypy_state *st, const PyObject *loop)
{
    const running_mark *mark = st->runtime->mark != NULL ? NULL : find_mark(st);
    PyTypeObject *type = mark == NULL ? NULL : Py_TYPE((PyObject *)mark);

    if (type != NULL && !PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) && type->tp_itemsize == 0 &&
        type->tp_basicsize == (Py_ssize_t)sizeof *mark && mark->loop == loop && mark->pid == getpid())
        st->runtime->mark = type;
}
#else
static oxypy_loop *runs_still(const oxypy_state *st)
{
    (void)st;
    return NULL;
}

static void learn_mark(const oxypy_state *st, const PyObject *loop)
{
    (void)st;
    (void)loop;
}
#endif

oxypy_loop *oxypy_loop_get(oxypy_state *st)
{
    PyObject *loop, *known;
    oxypy_loop *self = runs_still(st);

    if (self != NULL)
        return (oxypy_loop *)Py_NewRef((PyObject *)self);
    if (oxypy_need_asyncio(st) < 0)
        return NULL;
    loop = PyObject_CallNoArgs(st->get_running_loop);
    if (loop == NULL)
        return NULL;
    if (loop == Py_None) {
        Py_DECREF(loop);
        oxypy_raise_text(st, OXY_INTERFACE,
                         "no asyncio event loop is running here: oxyde works under asyncio and uvloop");
        return NULL;
    }
    self = st->runtime->last;
    known = self == NULL ? NULL : oxypy_loop_object(self);
    if (known == loop)
        Py_INCREF(self);
    else
        self = loop_look_up(st, loop);
    learn_mark(st, loop);
    Py_XDECREF(known);
    Py_DECREF(loop);
    return self;
}

oxypy_loop *oxypy_loop_find(oxypy_state *st)
{
    oxypy_loop *self;
    PyObject *type, *value, *traceback;

    if (oxypy_is_finalizing() || st->get_running_loop == NULL)
        return NULL;
    PyErr_Fetch(&type, &value, &traceback);
    self = oxypy_loop_get(st);
    if (self == NULL)
        PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    return self;
}

bool oxypy_loop_runs_here(const oxypy_loop *loop)
{
    oxypy_state *st = loop->st;
    PyObject *object, *running, *type, *value, *traceback;
    bool runs;

    if (runs_still(st) != NULL)
        return loop == st->runtime->last;
    if (oxypy_is_finalizing() || st->get_running_loop == NULL)
        return false;
    PyErr_Fetch(&type, &value, &traceback);
    object = oxypy_weak_get(loop->hub->loop_ref);
    running = PyObject_CallNoArgs(st->get_running_loop);
    runs = object != NULL && object == running;
    if (running == NULL)
        PyErr_Clear();
    Py_XDECREF(object);
    Py_XDECREF(running);
    PyErr_Restore(type, value, traceback);
    return runs;
}

PyObject *oxypy_loop_task(oxypy_state *st, oxypy_loop *loop)
{
    PyObject *object = oxypy_loop_object(loop), *task;

    if (object == NULL)
        return Py_NewRef(Py_None);
    if (st->current_tasks != NULL && PyDict_CheckExact(st->current_tasks)) {
        task = PyDict_GetItemWithError(st->current_tasks, object);
        task = task != NULL ? Py_NewRef(task) : PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    } else {
        task = PyObject_CallOneArg(st->current_task, object);
    }
    Py_DECREF(object);
    return task;
}

/* --- waiting ------------------------------------------------------------------------ */

int oxypy_loop_listen(oxypy_loop *loop)
{
    PyObject *object, *callback = NULL, *done = NULL;

    if (loop->reading)
        return 0;
    object = oxypy_loop_object(loop);
    if (object == NULL) {
        oxypy_raise_text(loop->st, OXY_INTERFACE, "the event loop is gone");
        return -1;
    }
    callback = PyObject_GetAttrString((PyObject *)loop, "_drain");
    if (callback != NULL)
        done = PyObject_CallMethod(object, "add_reader", "iO", loop->hub->fd_poll, callback);
    loop->reading = done != NULL;
    Py_DECREF(object);
    Py_XDECREF(callback);
    Py_XDECREF(done);
    return loop->reading ? 0 : -1;
}

oxypy_loop *oxypy_loop_if_open(oxypy_loop *loop)
{
    PyObject *object = loop == NULL ? NULL : oxypy_loop_object(loop), *closed, *type, *value, *traceback;
    bool open;

    if (object == NULL)
        return NULL;
    PyErr_Fetch(&type, &value, &traceback);
    closed = PyObject_CallMethod(object, "is_closed", NULL);
    open = closed == Py_False;
    if (closed == NULL)
        PyErr_WriteUnraisable(object);
    Py_XDECREF(closed);
    Py_DECREF(object);
    PyErr_Restore(type, value, traceback);
    return open ? loop : NULL;
}

/* --- time --------------------------------------------------------------------------- */

/* Timers may fire this much before what was asked for: uvloop counts milliseconds. */
#define TIMER_SLACK (2 * OXY_NS_PER_MS)

/* Where there are too many the latest is forgotten: an earlier one would be asked for again at each
 * tick. at is earlier than all of them. */
static void note_timer(oxypy_loop *loop, oxy_ns at)
{
    uint32_t latest = 0;

    for (uint32_t i = 1; i < loop->n_timers; i++)
        if (loop->timers[i] > loop->timers[latest])
            latest = i;
    loop->timers[loop->n_timers < OXYPY_TIMERS ? loop->n_timers++ : latest] = at;
    loop->timer_at = at;
}

/* Those that are due have fired, or fire for nothing. */
static void drop_timers(oxypy_loop *loop, oxy_ns now)
{
    uint32_t kept = 0;

    loop->timer_at = OXY_NS_NEVER;
    for (uint32_t i = 0; i < loop->n_timers; i++) {
        oxy_ns at = loop->timers[i];

        if (at <= now + TIMER_SLACK)
            continue;
        loop->timers[kept++] = at;
        if (at < loop->timer_at)
            loop->timer_at = at;
    }
    loop->n_timers = kept;
}

/* The handle is not kept: it would keep the loop alive through us. A timer that
 * was set too late for what came after it stays and is counted on later, so that
 * short waits do not pile up long ones. */
int oxypy_loop_wake_at(oxypy_loop *loop, oxy_ns at)
{
    oxy_ns now = oxy_clock_now();
    PyObject *object, *callback, *delay, *handle = NULL;

    if (at > now + HOUSEKEEPING)
        at = now + HOUSEKEEPING;
    if (loop->timer_at <= at)
        return 0;
    object = oxypy_loop_object(loop);
    if (object == NULL)
        return 0;
    callback = PyObject_GetAttrString((PyObject *)loop, "_tick");
    delay = PyFloat_FromDouble(at > now ? (double)(at - now) / 1e9 : 0.0);
    if (callback != NULL && delay != NULL)
        handle = PyObject_CallMethodObjArgs(object, loop->st->s_call_later, delay, callback, NULL);
    Py_DECREF(object);
    Py_XDECREF(callback);
    Py_XDECREF(delay);
    if (handle == NULL)
        return -1;
    Py_DECREF(handle);
    note_timer(loop, at);
    return 0;
}

bool oxypy_loop_is_due(const oxypy_loop *loop, oxy_ns now)
{
    return loop->marked && now - loop->marked_at > TURN_AFTER;
}

bool oxypy_loop_mark(oxypy_loop *loop, oxy_ns now)
{
    PyObject *object, *callback, *handle = NULL, *type, *value, *traceback;

    if (loop->marked)
        return true;
    object = oxypy_loop_object(loop);
    if (object == NULL)
        return false;
    PyErr_Fetch(&type, &value, &traceback); /* the statement may have failed */
    callback = PyObject_GetAttrString((PyObject *)loop, "_turn");
    if (callback != NULL)
        handle = PyObject_CallMethodOneArg(object, loop->st->s_call_soon, callback);
    if (handle == NULL)
        PyErr_WriteUnraisable((PyObject *)loop);
    loop->marked = handle != NULL;
    loop->marked_at = now;
    loop->spent = 0;
    Py_DECREF(object);
    Py_XDECREF(callback);
    Py_XDECREF(handle);
    PyErr_Restore(type, value, traceback);
    return loop->marked;
}

void oxypy_loop_spent(oxypy_loop *loop, oxy_ns began, oxy_ns now)
{
    loop->spent += now - began;
    if (loop->spent >= MARK_AFTER)
        (void)oxypy_loop_mark(loop, now);
}

/* --- callbacks ------------------------------------------------------------------------ */

static PyObject *loop_drain(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    oxypy_loop *loop = (oxypy_loop *)self;

    int rc;

    Py_INCREF(self); /* tasks that go on may let go of the loop */
    loop->draining++;
    oxypy_hub_listen(loop->hub, loop);
    oxypy_hub_drain(loop->hub, loop);
    rc = oxypy_wakeup_resume(loop);
    if (rc == 0)
        rc = oxypy_gathered_go_on(loop);
    if (rc == 0)
        rc = oxypy_wakeup_resume(loop); /* tasks that those woke */
    loop->draining--;
    oxypy_gathered_settle(loop);
    Py_DECREF(self);
    if (rc < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *loop_begin(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    int rc;

    Py_INCREF(self);
    rc = oxypy_gathered_begin((oxypy_loop *)self);
    Py_DECREF(self);
    if (rc < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *loop_turn(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    oxypy_loop *loop = (oxypy_loop *)self;

    loop->marked = false;
    loop->spent = 0;
    oxypy_burst_end(loop);
    Py_RETURN_NONE;
}

static bool has_operations_behind(const oxypy_loop *loop)
{
    bool has;

    oxypy_lock(loop->hub->runtime);
    has = loop->hub->n_behind > 0;
    oxypy_unlock(loop->hub->runtime);
    return has;
}

static PyObject *loop_tick(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    oxypy_loop *loop = (oxypy_loop *)self;
    oxypy_runtime *rt = loop->st->runtime;
    oxypy_store *store, *next;
    oxy_ns earliest = OXY_NS_NEVER;
    bool any = false;

    drop_timers(loop, oxy_clock_now());
    for (store = oxypy_store_next(rt, NULL); store != NULL; store = next) {
        oxy_ns at;

        any = true;
        oxypy_lock(rt);
        oxy_pool_tick(store->pool, oxy_clock_now());
        oxypy_unlock(rt);
        oxypy_store_act(store, loop);
        at = oxypy_lease_tick(store, loop);
        if (at < earliest)
            earliest = at;
        oxypy_lock(rt);
        at = oxy_pool_wake_at(store->pool);
        oxypy_unlock(rt);
        if (at < earliest)
            earliest = at;
        next = oxypy_store_next(rt, store);
        oxypy_store_unref(store);
    }
    if (has_operations_behind(loop) && oxypy_hub_inherit(loop->st, loop) && has_operations_behind(loop)) {
        oxy_ns at = oxy_clock_now() + OXYPY_LOOK_EVERY;

        if (at < earliest)
            earliest = at;
    }
    if (any && oxypy_loop_wake_at(loop, earliest) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* --- type ------------------------------------------------------------------------------- */

static int loop_traverse(PyObject *self, visitproc visit, void *arg)
{
    oxypy_loop *loop = (oxypy_loop *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(loop->module);
    return oxypy_gathered_traverse_loop(loop, visit, arg);
}

static int loop_clear(PyObject *self)
{
    oxypy_loop *loop = (oxypy_loop *)self;

    oxypy_gathered_drop(loop);
    Py_CLEAR(loop->module);
    return 0;
}

static void loop_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    oxypy_loop *loop = (oxypy_loop *)self;

    PyObject_GC_UnTrack(self);
    if (loop->hub != NULL) {
        (void)oxypy_hub_kill(loop->hub, NULL);
        oxypy_hub_unref(loop->hub);
    }
    oxypy_burst_end(loop);
    (void)loop_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef loop_methods[] = {
    {"_drain", loop_drain, METH_NOARGS, PyDoc_STR("Called when something that was waited for is over.")},
    {"_begin", loop_begin, METH_NOARGS, PyDoc_STR("Called on the turn after operations were gathered.")},
    {"_turn", loop_turn, METH_NOARGS, PyDoc_STR("Called when the loop has turned.")},
    {"_tick", loop_tick, METH_NOARGS, PyDoc_STR("Called when a pool's deadline is reached.")},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot loop_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("What the engine keeps for one event loop.")},
    {Py_tp_dealloc, loop_dealloc},
    {Py_tp_traverse, loop_traverse},
    {Py_tp_clear, loop_clear},
    {Py_tp_methods, loop_methods},
    {0, NULL},
};

static PyType_Spec loop_spec = {
    .name = "oxyde._core.LoopState",
    .basicsize = sizeof(oxypy_loop),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = loop_slots,
};

int oxypy_loop_init(PyObject *module, oxypy_state *st)
{
    st->loop_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &loop_spec, NULL);
    return st->loop_type == NULL ? -1 : 0;
}
