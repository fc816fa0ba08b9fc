/* SPDX-License-Identifier: MIT */
/* The runtime: its lock, the hubs through which threads talk to event loops,
 * and the waits that travel through them.
 *
 * A hub is plain C and counted, so that a worker thread may report to it while
 * its loop, or the whole interpreter, is going away. What is reported to a
 * loop that is gone goes to its heir: the next loop that asks. */
#include "runtime_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

/* --- runtime ------------------------------------------------------------------ */

oxypy_runtime *oxypy_runtime_new(void)
{
    oxypy_runtime *rt = calloc(1, sizeof *rt);

    if (rt == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (pthread_mutex_init(&rt->lock, NULL) != 0) {
        free(rt);
        PyErr_NoMemory();
        return NULL;
    }
    rt->refs = 1;
    rt->interpreter = PyInterpreterState_Get();
    return rt;
}

void oxypy_runtime_unref(oxypy_runtime *rt)
{
    bool last;

    oxypy_lock(rt);
    last = --rt->refs == 0;
    oxypy_unlock(rt);
    if (!last)
        return;
    while (rt->spare != NULL) {
        oxypy_lease *lease = rt->spare;

        rt->spare = lease->next;
        free(lease);
    }
    oxy_errands_free(rt->errands);
    free(rt->wires);
    (void)pthread_mutex_destroy(&rt->lock);
    free(rt);
}

oxy_errands *oxypy_runtime_errands(oxypy_runtime *rt)
{
    oxypy_lock(rt);
    if (rt->errands == NULL && oxy_errands_new(oxy_alloc_default(), &rt->errands) != OXY_OK)
        rt->errands = NULL;
    oxypy_unlock(rt);
    return rt->errands;
}

int oxypy_runtime_traverse(oxypy_runtime *rt, visitproc visit, void *arg)
{
    Py_VISIT(rt->loops);
    Py_VISIT(rt->last);
    Py_VISIT(rt->observer);
    Py_VISIT(rt->router);
    Py_VISIT(rt->pool_log);
    return 0;
}

void oxypy_runtime_clear(oxypy_runtime *rt)
{
    Py_CLEAR(rt->last);
    Py_CLEAR(rt->loops);
    Py_CLEAR(rt->observer);
    Py_CLEAR(rt->router);
    Py_CLEAR(rt->pool_log);
}

/* --- hubs ----------------------------------------------------------------------- */

static int open_signal(int fds[2])
{
#ifdef __linux__
    fds[0] = fds[1] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fds[0] < 0 ? -1 : 0;
#else
    if (pipe(fds) != 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        (void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
#endif
}

/* Keeps errno. */
static void close_signal(int fds[2])
{
    int saved = errno;

    (void)close(fds[0]);
    if (fds[1] != fds[0])
        (void)close(fds[1]);
    fds[0] = fds[1] = -1;
    errno = saved;
}

/* A full pipe or a raised counter already wakes the loop: nothing to check. */
static void raise_signal(const oxypy_hub *hub)
{
    uint64_t one = 1;
    ssize_t n;

    if (hub->dead)
        return; /* no loop reads it any more */
    do
        n = write(hub->fd_write, &one, sizeof one);
    while (n < 0 && errno == EINTR);
}

static void lower_signal(const oxypy_hub *hub)
{
    uint64_t buffer[16];
    ssize_t n;

    do
        n = read(hub->fd_read, buffer, sizeof buffer);
    while ((n < 0 && errno == EINTR) || n == (ssize_t)sizeof buffer);
}

/* With the lock held: loops whose operations wait are no longer alone. */
static void tell_who_waits(oxypy_runtime *rt)
{
    oxy_ns at = oxy_clock_now() + OXYPY_LOOK_EVERY;

    for (oxypy_hub *hub = rt->hubs; hub != NULL; hub = hub->next) {
        if (hub->n_behind == 0 || hub->dead)
            continue;
        if (at < hub->wanted_at)
            hub->wanted_at = at;
        raise_signal(hub);
    }
}

oxypy_hub *oxypy_hub_new(oxypy_runtime *rt, PyObject *loop)
{
    oxypy_hub *hub = calloc(1, sizeof *hub);
    int fds[2] = {-1, -1};

    if (hub == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    hub->loop_ref = PyWeakref_NewRef(loop, NULL);
    if (hub->loop_ref == NULL) {
        free(hub);
        return NULL;
    }
    if (open_signal(fds) == 0) {
        hub->fd_poll = oxypy_poll_new(fds[0]);
        if (hub->fd_poll < 0)
            close_signal(fds);
    }
    if (fds[0] < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        Py_DECREF(hub->loop_ref);
        free(hub);
        return NULL;
    }
    hub->wanted_at = OXY_NS_NEVER;
    hub->refs = 1;
    hub->runtime = rt;
    hub->fd_read = fds[0];
    hub->fd_write = fds[1];
    oxypy_lock(rt);
    tell_who_waits(rt);
    rt->refs++;
    hub->next = rt->hubs;
    if (rt->hubs != NULL)
        rt->hubs->prev = hub;
    rt->hubs = hub;
    oxypy_unlock(rt);
    return hub;
}

/* With the lock held; true when the caller must free what is left. */
static bool hub_drop_locked(oxypy_hub *hub)
{
    oxypy_runtime *rt = hub->runtime;

    if (--hub->refs > 0)
        return false;
    if (hub->prev != NULL)
        hub->prev->next = hub->next;
    else if (rt->hubs == hub)
        rt->hubs = hub->next;
    if (hub->next != NULL)
        hub->next->prev = hub->prev;
    hub->prev = hub->next = NULL;
    return true;
}

/* What the loop watched: of no use once it is gone, while the hub itself may be
 * pointed at for long. */
static void hub_close(oxypy_hub *hub)
{
    if (hub->fd_poll < 0)
        return;
    oxypy_poll_close(hub->fd_poll);
    close_signal((int[]){hub->fd_read, hub->fd_write});
    hub->fd_poll = hub->fd_read = hub->fd_write = -1;
}

static void hub_free(oxypy_hub *hub)
{
    oxypy_runtime *rt = hub->runtime;
    oxypy_hub *heir = hub->heir;

    hub_close(hub);
    Py_XDECREF(hub->loop_ref);
    free(hub);
    if (heir != NULL)
        oxypy_hub_unref(heir);
    oxypy_runtime_unref(rt);
}

void oxypy_hub_unref(oxypy_hub *hub)
{
    oxypy_runtime *rt = hub->runtime;
    bool last;

    oxypy_lock(rt);
    last = hub_drop_locked(hub);
    oxypy_unlock(rt);
    if (last)
        hub_free(hub);
}

/* The hub that hears what is reported to this one. */
static oxypy_hub *living(oxypy_hub *hub)
{
    while (hub->dead && hub->heir != NULL)
        hub = hub->heir;
    return hub;
}

static void list_append(oxypy_hub *hub, oxypy_wait *w)
{
    w->listed = true;
    w->next = NULL;
    w->prev = hub->last;
    if (hub->last != NULL)
        hub->last->next = w;
    else
        hub->first = w;
    hub->last = w;
}

/* Whose list a wait lies in: its own hub's, or that of an heir. */
static void list_remove(oxypy_wait *w)
{
    oxypy_hub *hub = living(w->hub);

    if (w->prev != NULL)
        w->prev->next = w->next;
    else
        hub->first = w->next;
    if (w->next != NULL)
        w->next->prev = w->prev;
    else
        hub->last = w->prev;
    w->prev = w->next = NULL;
    w->listed = false;
}

/* With the lock held, by who counts hub: whose heir hub was gets hub's own, or a
 * chain of dead hubs would keep itself alive. */
static void pass_on_heir(oxypy_hub *hub)
{
    for (oxypy_hub *other = hub->runtime->hubs; other != NULL; other = other->next) {
        if (other->heir != hub)
            continue;
        hub->refs--;
        hub->heir->refs++;
        other->heir = hub->heir;
    }
}

bool oxypy_hub_kill(oxypy_hub *hub, oxypy_hub *heir)
{
    oxypy_runtime *rt = hub->runtime;
    bool inherits = false;

    oxypy_lock(rt);
    hub->dead = true;
    hub_close(hub);
    if (heir != NULL)
        heir = living(heir);
    if (hub->heir == NULL && heir != NULL && heir != hub && !heir->dead) {
        heir->refs++;
        hub->heir = heir;
        inherits = true;
        pass_on_heir(hub);
        while (hub->first != NULL) {
            oxypy_wait *w = hub->first;

            hub->first = w->next;
            if (hub->first == NULL)
                hub->last = NULL;
            list_append(heir, w);
        }
        if (heir->first != NULL)
            raise_signal(heir);
    }
    oxypy_unlock(rt);
    return inherits;
}

/* Whether the loop can still run callbacks. */
static bool loop_lives(PyObject *ref)
{
    PyObject *loop = oxypy_weak_get(ref), *closed;
    bool lives;

    if (loop == NULL)
        return false;
    closed = PyObject_CallMethod(loop, "is_closed", NULL);
    lives = closed == Py_False;
    if (closed == NULL)
        PyErr_Clear();
    Py_XDECREF(closed);
    Py_DECREF(loop);
    return lives;
}

/* The next hub after `after` that has no heir yet, counted. */
static oxypy_hub *next_unsettled(oxypy_runtime *rt, oxypy_hub *after, const oxypy_hub *self)
{
    oxypy_hub *hub;

    oxypy_lock(rt);
    hub = after == NULL ? rt->hubs : after->next;
    while (hub != NULL && (hub == self || hub->heir != NULL))
        hub = hub->next;
    if (hub != NULL)
        hub->refs++;
    oxypy_unlock(rt);
    return hub;
}

/* Operations that were woken with a slot, and never went on. */
static void take_back_granted(oxypy_hub *hub, oxypy_loop *heir)
{
    for (;;) {
        oxypy_operation *op;

        oxypy_lock(hub->runtime);
        op = hub->granted;
        if (op != NULL)
            hub->granted = op->granted_next;
        oxypy_unlock(hub->runtime);
        if (op == NULL)
            return;
        oxypy_operation_wake(op, heir);
    }
}

bool oxypy_hub_inherit(oxypy_state *st, oxypy_loop *heir)
{
    oxypy_runtime *rt = st->runtime;
    oxypy_hub *hub = next_unsettled(rt, NULL, heir->hub), *next;
    PyObject *loop;
    bool others = false;

    for (; hub != NULL; hub = next) {
        if (hub->dead || !loop_lives(hub->loop_ref)) {
            if (oxypy_hub_kill(hub, heir->hub)) { /* else another thread has taken it over meanwhile */
                take_back_granted(hub, heir);
                oxypy_store_orphan(rt, hub, heir);
                oxypy_wire_orphan(rt, hub, heir);
            }
            loop = oxypy_weak_get(hub->loop_ref);
            if (loop != NULL && !loop_lives(hub->loop_ref))
                oxypy_loop_forget(st, loop);
            Py_XDECREF(loop);
        } else {
            others = true;
        }
        next = next_unsettled(rt, hub, heir->hub);
        oxypy_hub_unref(hub);
    }
    return others;
}

oxypy_hub *oxypy_hub_any(oxypy_runtime *rt)
{
    oxypy_hub *hub;

    oxypy_lock(rt);
    for (hub = rt->hubs; hub != NULL && hub->dead; hub = hub->next)
        ;
    if (hub != NULL)
        hub->refs++;
    oxypy_unlock(rt);
    return hub;
}

void oxypy_hub_wake_at(oxypy_hub *hub, oxy_ns at)
{
    oxypy_lock(hub->runtime);
    if (at < hub->wanted_at)
        hub->wanted_at = at;
    raise_signal(hub);
    oxypy_unlock(hub->runtime);
}

void oxypy_hub_listen(oxypy_hub *hub, oxypy_loop *loop)
{
    uint64_t ids[64];
    oxy_ns at = OXY_NS_NEVER;
    int n;

    if (hub->dead) /* a forked child still runs the parent's loop */
        return;
    do {
        n = oxypy_poll_take(hub->fd_poll, ids, (int)OXY_COUNT(ids));
        for (int i = 0; i < n; i++) {
            if (ids[i] != OXYPY_POLL_SIGNAL) {
                oxypy_wire_event(hub->runtime, ids[i], loop);
                continue;
            }
            lower_signal(hub);
            oxypy_lock(hub->runtime);
            at = hub->wanted_at;
            hub->wanted_at = OXY_NS_NEVER;
            oxypy_unlock(hub->runtime);
        }
    } while (n == (int)OXY_COUNT(ids));
    if (at != OXY_NS_NEVER && oxypy_loop_wake_at(loop, at) < 0)
        PyErr_WriteUnraisable((PyObject *)loop);
}

void oxypy_hub_drain(oxypy_hub *hub, oxypy_loop *loop)
{
    oxypy_runtime *rt = hub->runtime;

    for (;;) {
        oxypy_wait *w;
        oxypy_hub *own = NULL;
        bool last = false;

        oxypy_lock(rt);
        w = hub->first;
        if (w != NULL) {
            list_remove(w);
            own = w->hub;
            w->hub = NULL;
            w->armed = false;
            last = hub_drop_locked(own);
        }
        oxypy_unlock(rt);
        if (w == NULL)
            return;
        if (last)
            hub_free(own);
        w->fire(w, loop);
    }
}

/* --- waits ---------------------------------------------------------------------- */

void oxypy_wait_arm_locked(oxypy_wait *w, oxypy_hub *hub)
{
    hub->refs++;
    w->hub = hub;
    w->armed = true;
    w->listed = false;
}

void oxypy_wait_arm(oxypy_wait *w, oxypy_hub *hub)
{
    oxypy_lock(hub->runtime);
    oxypy_wait_arm_locked(w, hub);
    oxypy_unlock(hub->runtime);
}

void oxypy_wait_disarm(oxypy_wait *w)
{
    oxypy_hub *hub = w->hub;
    oxypy_runtime *rt;
    bool last = false;

    if (hub == NULL)
        return;
    rt = hub->runtime;
    oxypy_lock(rt);
    if (w->listed)
        list_remove(w);
    w->armed = false;
    w->hub = NULL;
    last = hub_drop_locked(hub);
    oxypy_unlock(rt);
    if (last)
        hub_free(hub);
}

void oxypy_wait_ready_locked(oxypy_wait *w, const oxypy_hub *here)
{
    oxypy_hub *hub;

    if (!w->armed || w->listed)
        return;
    hub = living(w->hub);
    list_append(hub, w);
    if (hub != here && hub->first == w)
        raise_signal(hub);
}

/* --- the worker's side ------------------------------------------------------------ */

void oxypy_wake(void *arg)
{
    oxypy_wait *w = arg;
    oxypy_runtime *rt = w->hub->runtime;

    oxypy_lock(rt);
    oxypy_wait_ready_locked(w, NULL);
    oxypy_unlock(rt);
}

/* --- after a fork ------------------------------------------------------------------- */

/* Only the forking thread lives on, and no worker does: what they had under
 * way never ends here. Hubs are dropped without being freed, since leases that
 * the parent goes on using still point at them, as copies in our memory. */
void oxypy_runtime_after_fork(oxypy_runtime *rt)
{
    (void)pthread_mutex_init(&rt->lock, NULL);
    while (rt->hubs != NULL) {
        oxypy_hub *hub = rt->hubs;

        rt->hubs = hub->next;
        hub->dead = true;
        hub->prev = hub->next = NULL;
    }
    while (rt->stores != NULL) {
        oxypy_store *store = rt->stores;

        rt->stores = store->next;
        store->foreign = true;
        store->prev = store->next = NULL;
    }
    rt->gates = NULL;
    rt->wires = NULL;
    rt->n_wires = rt->cap_wires = 0;
    rt->errands = NULL;
    Py_CLEAR(rt->last);
    Py_CLEAR(rt->loops);
}
