/* SPDX-License-Identifier: MIT */
/* Store: what one opened Database consists of, apart from Python: a driver, a
 * pool and its place behind a file's gate. Carries out the pool's actions. */
#include "runtime_private.h"

#include <stdlib.h>
#include <string.h>

/* Without a loop at hand only what is due before loops look by themselves. */
#define SOON (5 * OXY_NS_PER_S)

/* --- settings -------------------------------------------------------------------- */

/* One block holds the array and all text. */
int oxypy_store_config_copy(oxypy_store_config *to, const oxypy_store_config *from)
{
    size_t size = from->n_settings * sizeof(oxy_setting);
    size_t gate = from->gate == NULL ? 0 : strlen(from->gate) + 1;
    char *p;

    for (uint32_t i = 0; i < from->n_settings; i++)
        size += from->settings[i].name.len + from->settings[i].value.len;
    *to = *from;
    to->settings = malloc(size + gate + 1);
    to->gate = NULL;
    if (to->settings == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    p = (char *)(to->settings + from->n_settings);
    for (uint32_t i = 0; i < from->n_settings; i++) {
        const oxy_setting *s = &from->settings[i];

        memcpy(p, s->name.p, s->name.len);
        to->settings[i].name = (oxy_sv){p, s->name.len};
        p += s->name.len;
        memcpy(p, s->value.p, s->value.len);
        to->settings[i].value = (oxy_sv){p, s->value.len};
        p += s->value.len;
    }
    if (gate > 0) {
        memcpy(p, from->gate, gate);
        to->gate = p;
    }
    return 0;
}

void oxypy_store_config_fini(oxypy_store_config *config)
{
    free(config->settings);
    memset(config, 0, sizeof *config);
}

/* --- gates -------------------------------------------------------------------------- */

/* With the lock held. The gate of a file, made on first use. */
static oxypy_gate_entry *gate_enter(oxypy_runtime *rt, const char *key)
{
    oxypy_gate_entry *entry;
    size_t len = strlen(key);

    for (entry = rt->gates; entry != NULL; entry = entry->next) {
        if (strcmp(entry->key, key) == 0) {
            entry->users++;
            return entry;
        }
    }
    entry = malloc(sizeof *entry + len + 1);
    if (entry == NULL)
        return NULL;
    if (oxy_gate_new(oxy_alloc_default(), &entry->gate) != OXY_OK) {
        free(entry);
        return NULL;
    }
    memcpy(entry->key, key, len + 1);
    entry->users = 1;
    entry->next = rt->gates;
    rt->gates = entry;
    return entry;
}

static void gate_leave(oxypy_runtime *rt, oxypy_gate_entry *entry)
{
    oxypy_gate_entry **p = &rt->gates;

    if (--entry->users > 0)
        return;
    while (*p != NULL && *p != entry)
        p = &(*p)->next;
    if (*p == entry)
        *p = entry->next;
    oxy_gate_unref(entry->gate);
    free(entry);
}

/* --- life --------------------------------------------------------------------------- */

static int store_make_pool(oxypy_store *store)
{
    oxypy_runtime *rt = store->runtime;
    oxy_pool_config config = store->config.pool;
    oxy_rc rc = OXY_OK;

    config.seed = (uint64_t)(uintptr_t)store ^ (uint64_t)oxy_clock_now();
    oxypy_lock(rt);
    if (store->config.gate != NULL) {
        store->gate = gate_enter(rt, store->config.gate);
        if (store->gate == NULL)
            rc = OXY_NOMEM;
        else
            config.gate = store->gate->gate;
    }
    if (rc == OXY_OK)
        rc = oxy_pool_new(&config, oxy_alloc_default(), &store->pool);
    if (rc == OXY_OK) {
        store->next = rt->stores;
        if (rt->stores != NULL)
            rt->stores->prev = store;
        rt->stores = store;
    }
    oxypy_unlock(rt);
    if (rc == OXY_OK)
        return 0;
    if (rc == OXY_NOMEM)
        PyErr_NoMemory();
    else
        PyErr_SetString(PyExc_ValueError, "the pool's settings do not fit together");
    return -1;
}

oxypy_store *oxypy_store_new(oxypy_state *st, const oxypy_store_config *config, PyObject *alias)
{
    oxypy_store *store = calloc(1, sizeof *store);

    if (store == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    atomic_init(&store->refs, 1);
    store->st = st;
    store->runtime = st->runtime;
    store->driver = config->driver;
    store->dialect = config->dialect;
    store->module = Py_XNewRef(PyType_GetModule(st->loop_type));
    store->alias = Py_NewRef(alias);
    oxypy_lock(st->runtime);
    st->runtime->refs++;
    oxypy_unlock(st->runtime);
    store->regexp = oxypy_regexp_new(st);
    if (oxy_common_new(oxy_alloc_default(), &store->common) != OXY_OK) {
        PyErr_NoMemory();
        oxypy_store_unref(store);
        return NULL;
    }
    if (store->regexp == NULL || oxypy_store_config_copy(&store->config, config) < 0 || store_make_pool(store) < 0) {
        oxypy_store_unref(store);
        return NULL;
    }
    return store;
}

void oxypy_store_ref(oxypy_store *store)
{
    store->refs++;
}

void oxypy_store_unref(oxypy_store *store)
{
    oxypy_runtime *rt = store->runtime;
    size_t refs = atomic_load(&store->refs);
    bool last;

    while (refs > 1)
        if (atomic_compare_exchange_weak(&store->refs, &refs, refs - 1))
            return;
    oxypy_lock(rt);
    last = --store->refs == 0;
    if (last) {
        if (store->prev != NULL)
            store->prev->next = store->next;
        else if (rt->stores == store)
            rt->stores = store->next;
        if (store->next != NULL)
            store->next->prev = store->prev;
        /* What a fork left behind, or what still has connections, is not ours
         * to take apart. */
        if (store->pool != NULL && !store->foreign && (store->drained || !store->closing))
            oxy_pool_free(store->pool);
        if (store->gate != NULL && !store->foreign)
            gate_leave(rt, store->gate);
    }
    oxypy_unlock(rt);
    if (!last)
        return;
    if (store->regexp != NULL)
        oxypy_regexp_free(store->regexp);
    oxy_common_drop(store->common);
    oxypy_store_config_fini(&store->config);
    Py_XDECREF(store->alias);
    Py_XDECREF(store->init_error);
    Py_XDECREF(store->module);
    free(store);
    oxypy_runtime_unref(rt);
}

/* --- actions --------------------------------------------------------------------------- */

/* With the lock held: the waiter's operation learns how its wait ended. */
static void settle_waiter(const oxypy_store *store, const oxy_action *act, const oxypy_hub *here)
{
    oxypy_operation *op = act->waiter;

    op->waiter = NULL;
    oxypy_operation_set_behind_locked(op, false);
    if (act->kind == OXY_ACT_GRANT)
        oxypy_operation_grant_locked(op, act->slot);
    else if (act->kind == OXY_ACT_TIMEOUT)
        op->timed_out = true;
    else {
        op->failed = act->err == NULL ? OXY_OPERATIONAL : act->err->rc;
        op->error = malloc(sizeof *op->error);
        if (op->error != NULL && act->err != NULL)
            *op->error = *act->err;
        else if (op->error != NULL)
            (void)oxy_err_set(op->error, op->failed, "no connection");
        if (!store->closing && op->cause == NULL)
            op->cause = Py_XNewRef(store->init_error);
    }
    oxypy_wait_ready_locked(&op->wait, here);
}

/* With the lock held: the store that a pool belongs to, counted. */
static oxypy_store *store_of_locked(oxypy_runtime *rt, const oxy_pool *pool)
{
    oxypy_store *store = rt->stores;

    while (store != NULL && store->pool != pool)
        store = store->next;
    if (store != NULL)
        store->refs++;
    return store;
}

/* With the lock held, which is given up. Whoever waits for the end of the pool hears of it when nothing is
 * left: several threads carry out its actions, and one may be still closing a connection. */
static void settle_drained(oxypy_store *store, const oxypy_hub *here)
{
    oxypy_runtime *rt = store->runtime;
    oxy_common *common = store->common;

    if (!store->empty || store->leaving > 0 || store->drained)
        return;
    store->drained = true;
    if (store->on_change != NULL)
        oxypy_wait_ready_locked(store->on_change, here);
    store->common = NULL;
    oxypy_unlock(rt);
    oxy_common_drop(common);
    oxypy_lock(rt);
}

/* With the lock held, which is given up for what takes longer. */
static void carry_out(oxypy_store *store, const oxy_action *act, oxypy_loop *loop)
{
    oxypy_runtime *rt = store->runtime;
    const oxypy_hub *here = loop == NULL ? NULL : loop->hub;

    switch (act->kind) {
    case OXY_ACT_GRANT:
    case OXY_ACT_TIMEOUT:
    case OXY_ACT_FAIL: settle_waiter(store, act, here); return;
    case OXY_ACT_PING:
        oxypy_unlock(rt);
        oxypy_chore_ping(store, act->slot, loop);
        oxypy_lock(rt);
        return;
    case OXY_ACT_DRAINED:
        store->empty = true;
        settle_drained(store, here);
        return;
    case OXY_ACT_CONNECT:
        oxypy_unlock(rt);
        oxypy_chore_open(store, act->slot, act->role, loop);
        oxypy_lock(rt);
        return;
    case OXY_ACT_CLOSE:
        if (act->conn == NULL)
            return;
        store->leaving++;
        oxypy_unlock(rt);
        oxypy_wire_close(act->conn);
        oxypy_lock(rt);
        store->leaving--;
        settle_drained(store, here);
        return;
    }
}

/* What just happened may want to be followed up sooner than anybody is to wake:
 * a refused connect is tried again after milliseconds. */
static void follow_up(oxypy_runtime *rt, oxypy_loop *loop, oxy_ns at)
{
    PyObject *type, *value, *traceback;
    oxypy_hub *hub;

    if (loop != NULL && at < loop->timer_at) {
        PyErr_Fetch(&type, &value, &traceback);
        if (oxypy_loop_wake_at(loop, at) < 0) {
            if (PyErr_ExceptionMatches(PyExc_RuntimeError))
                PyErr_Clear(); /* the loop was closed: it waits for nothing any more */
            else
                PyErr_WriteUnraisable((PyObject *)loop);
        }
        PyErr_Restore(type, value, traceback);
    } else if (loop == NULL && at != OXY_NS_NEVER && at < oxy_clock_now() + SOON) {
        hub = oxypy_hub_any(rt);
        if (hub != NULL) {
            oxypy_hub_wake_at(hub, at);
            oxypy_hub_unref(hub);
        }
    }
}

bool oxypy_store_is_quiet(const oxypy_store *store, const oxypy_loop *loop)
{
    return !store->foreign && loop != NULL && loop->hub->first == NULL && !oxy_pool_has_action(store->pool) &&
           loop->timer_at <= oxy_pool_wake_at(store->pool) &&
           (store->gate == NULL || oxy_gate_next_pool(store->gate->gate) == NULL);
}

void oxypy_store_act(oxypy_store *store, oxypy_loop *loop)
{
    oxypy_runtime *rt = store->runtime;
    oxypy_store *self = store;
    oxy_action act;
    oxy_ns at;
    bool drain;

    oxypy_lock(rt);
    self->refs++; /* an action may end the last use of it */
    for (;;) {
        oxy_pool *other;
        oxypy_store *next;

        while (!store->foreign && oxy_pool_next_action(store->pool, &act))
            carry_out(store, &act, loop);
        other = self->gate == NULL || self->foreign ? NULL : oxy_gate_next_pool(self->gate->gate);
        next = other == NULL ? NULL : store_of_locked(rt, other);
        if (next == self)
            next->refs--; /* counted for the whole call already */
        if (store != self) {
            oxypy_unlock(rt);
            oxypy_store_unref(store);
            oxypy_lock(rt);
        }
        if (next == NULL)
            break;
        store = next;
    }
    drain = loop != NULL && loop->hub->first != NULL;
    at = self->foreign ? OXY_NS_NEVER : oxy_pool_wake_at(self->pool);
    oxypy_unlock(rt);
    follow_up(rt, loop, at);
    if (drain)
        oxypy_hub_drain(loop->hub, loop);
    oxypy_store_unref(self);
}

void oxypy_store_close(oxypy_store *store, oxypy_loop *loop)
{
    oxypy_lock(store->runtime);
    if (!store->closing && !store->foreign) {
        store->closing = true;
        oxy_pool_close(store->pool, oxy_clock_now());
    }
    oxypy_unlock(store->runtime);
    if (!store->foreign)
        oxypy_store_act(store, loop);
}

/* --- who holds what ---------------------------------------------------------------------- */

oxypy_holders oxypy_store_holders(oxypy_store *store)
{
    oxypy_holders h = {0};
    const oxypy_lease *lease;

    oxypy_lock(store->runtime);
    for (lease = store->leases; lease != NULL; lease = lease->next)
        h.cap++;
    h.list = calloc(h.cap + 1, sizeof(oxypy_lease *));
    for (lease = store->leases; h.list != NULL && lease != NULL; lease = lease->next)
        if (lease->chore != OXYPY_CHORE_OPEN && lease->chore != OXYPY_CHORE_PING && !lease->preparing)
            h.list[h.n++] = (oxypy_lease *)(uintptr_t)lease;
    oxypy_unlock(store->runtime);
    return h;
}

oxypy_store *oxypy_store_next(oxypy_runtime *rt, const oxypy_store *after)
{
    oxypy_store *store;

    oxypy_lock(rt);
    store = after == NULL ? rt->stores : after->next;
    if (store != NULL)
        store->refs++;
    oxypy_unlock(rt);
    return store;
}

void oxypy_store_orphan(oxypy_runtime *rt, const oxypy_hub *hub, oxypy_loop *heir)
{
    oxypy_store *store = oxypy_store_next(rt, NULL), *next;

    for (; store != NULL; store = next) {
        oxypy_lease_orphan(store, hub, heir);
        if (store->owner != NULL)
            oxypy_database_orphan(store->owner, heir);
        next = oxypy_store_next(rt, store);
        oxypy_store_unref(store);
    }
}

void oxypy_store_evict(oxypy_store *store, oxypy_loop *loop)
{
    oxypy_holders h;
    PyObject *error;
    bool behind = false;

    if (store->foreign)
        return;
    error = PyObject_CallFunction(store->st->exceptions[OXY_INTERFACE] != NULL ? store->st->exceptions[OXY_INTERFACE]
                                                                               : PyExc_RuntimeError,
                                  "s", "the connection was taken away: closed pool");
    if (error == NULL)
        PyErr_Clear();
    h = oxypy_store_holders(store);
    for (size_t i = 0; i < h.n; i++) {
        oxypy_lease *lease = h.list[i];

        if (lease->conn == NULL)
            continue;
        store->driver->cancel(lease->conn);
        if (lease->wire->first != lease && lease->joined) {
            lease->cancel_at = oxy_clock_now(); /* that was for who is before it: the tick sees to it in its turn */
            behind = true;
        }
    }
    if (behind && loop != NULL && oxypy_loop_wake_at(loop, oxy_clock_now()) < 0)
        PyErr_Clear(); /* a closed loop waits for nothing */
    /* Waking the loop and evictions may run Python code, after which only a fresh list is good. */
    free(h.list);
    h = oxypy_store_holders(store);
    for (size_t i = 0; i < h.n; i++) {
        oxypy_session *session = h.list[i]->session;

        if (session == NULL && h.list[i]->paused == NULL)
            continue;
        if (session == NULL)
            oxypy_stream_cut(h.list[i]->paused);
        else {
            Py_INCREF(session);
            oxypy_session_evict(session, loop, error);
            Py_DECREF(session);
        }
        free(h.list);
        h = oxypy_store_holders(store);
        i = (size_t)-1;
    }
    free(h.list);
    Py_XDECREF(error);
}
