/* SPDX-License-Identifier: MIT */
/* Operation: the awaitable. A coroutine to asyncio (send, throw, close,
 * __await__) that runs to its end inside the first send() when there is
 * nothing to wait for. What it does is up to its kind (oxypy_op_kind). */
#include "gathered.h"
#include "runtime_private.h"
#include "spare.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* --- making and waiting ------------------------------------------------------------ */

static void wait_fire(oxypy_wait *w, oxypy_loop *loop)
{
    oxypy_operation_wake((oxypy_operation *)(void *)((char *)w - offsetof(oxypy_operation, wait)), loop);
}

/* Nearly every statement that is awaited is over before the next one is made: its
 * memory is kept for that. */
#if !defined(Py_GIL_DISABLED) && !defined(PYPY_VERSION) && OXYPY_KEEPS_SPARE
#define KEEPS_MEMORY 1
#else
#define KEEPS_MEMORY 0
#endif

static oxypy_operation *get_memory(oxypy_state *st)
{
#if KEEPS_MEMORY
    if (st->n_spare_operations > 0)
        return (oxypy_operation *)(void *)PyObject_Init(st->spare_operations[--st->n_spare_operations],
                                                        st->operation_type);
#endif
    return PyObject_GC_New(oxypy_operation, st->operation_type);
}

/* Of an operation that the collector does not know any more. */
static void leave_memory(oxypy_state *st, PyObject *self)
{
#if KEEPS_MEMORY
    /* One whose finalizer ran would not be finalized again; after the module's end nobody takes it. */
    if (st->n_spare_operations < OXY_COUNT(st->spare_operations) && !PyObject_GC_IsFinalized(self) &&
        Py_TYPE(self) == st->operation_type) {
        st->spare_operations[st->n_spare_operations++] = self;
        return;
    }
#else
    (void)st;
#endif
    PyObject_GC_Del(self);
}

void oxypy_operation_forget_memory(oxypy_state *st)
{
    while (st->n_spare_operations > 0)
        PyObject_GC_Del(st->spare_operations[--st->n_spare_operations]);
}

oxypy_operation *oxypy_operation_new(oxypy_state *st, const oxypy_op_kind *kind)
{
    oxypy_operation *op = get_memory(st);

    if (op == NULL)
        return NULL;
    memset((char *)op + sizeof op->ob_base, 0,
           offsetof(oxypy_operation, prepared) + offsetof(oxypy_prepared, block) - sizeof op->ob_base);
    op->st = st;
    op->kind = kind;
    op->limit = -1;
    op->deadline = OXY_NS_NEVER;
    op->wait.fire = wait_fire;
    PyObject_GC_Track(op);
    return op;
}

int oxypy_operation_wait(oxypy_operation *op, bool armed)
{
    oxypy_wakeup *future = oxypy_wakeup_new(op->loop);

    if (future == NULL)
        return -1;
    Py_XSETREF(op->future, future);
    if (armed)
        oxypy_wait_arm(&op->wait, op->loop->hub);
    return 0;
}

static void end(oxypy_operation *op);

void oxypy_operation_wake(oxypy_operation *op, oxypy_loop *loop)
{
    oxypy_wakeup *future = op->future;
    PyObject *type, *value, *traceback;

    if (loop != op->loop && !op->finished) {
        Py_INCREF(op);
        end(op);
        oxypy_gathered_forget(op);
        Py_DECREF(op);
        return;
    }
    if (future == NULL)
        return;
    op->future = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    oxypy_gathered_wake(op);
    oxypy_wakeup_resolve(future);
    Py_DECREF((PyObject *)future);
    PyErr_Restore(type, value, traceback);
}

void oxypy_operation_use(oxypy_operation *op, oxypy_database *db)
{
    oxypy_store *store = op->store;

    op->store = db->store;
    oxypy_store_ref(op->store);
    Py_XSETREF(op->database, (oxypy_database *)Py_NewRef((PyObject *)db)); /* what goes may run Python code */
    if (store != NULL)
        oxypy_store_unref(store);
}

/* --- the pool ------------------------------------------------------------------------ */

/* Somebody waits for a connection that a stream may have for as long as its caller
 * likes, perhaps for ever, if the caller is who waits. */
static void make_room(oxypy_operation *op, oxy_want want)
{
    oxypy_store *store = op->store;
    oxypy_operation *stream = NULL;

    /* Streams have readers. */
    if (store->opening > 0 ||
        (store->config.pool.single_writer && store->config.pool.max > 1 && want == OXY_WANT_WRITER))
        return;
    oxypy_lock(store->runtime);
    for (oxypy_lease *lease = store->leases; stream == NULL && lease != NULL; lease = lease->next)
        if (lease->paused != NULL && lease->session == NULL && lease->paused->loop == op->loop && lease->conn != NULL &&
            !oxypy_lease_is_away(lease))
            stream = lease->paused;
    oxypy_unlock(store->runtime);
    if (stream != NULL)
        oxypy_stream_make_room(stream);
}

void oxypy_operation_set_behind_locked(oxypy_operation *op, bool behind)
{
    if (op->behind == behind)
        return;
    op->behind = behind;
    if (behind)
        op->loop->hub->n_behind++;
    else
        op->loop->hub->n_behind--;
}

void oxypy_operation_grant_locked(oxypy_operation *op, oxy_slot *slot)
{
    oxypy_hub *hub = op->loop->hub;

    op->slot = slot;
    op->granted_next = hub->granted;
    hub->granted = op;
}

void oxypy_operation_ungrant_locked(oxypy_operation *op)
{
    oxypy_operation **p = op->loop == NULL ? NULL : &op->loop->hub->granted;

    while (p != NULL && *p != NULL && *p != op)
        p = &(*p)->granted_next;
    if (p != NULL && *p == op)
        *p = op->granted_next;
    op->granted_next = NULL;
}

int oxypy_operation_look(oxypy_operation *op, oxy_ns at)
{
    oxypy_runtime *rt = op->st->runtime;
    oxy_ns next;

    if (oxypy_hub_inherit(op->st, op->loop)) {
        next = oxy_clock_now() + OXYPY_LOOK_EVERY;
        at = next < at ? next : at;
    }
    return oxypy_loop_wake_at(op->loop, at);
}

oxypy_next oxypy_operation_acquire(oxypy_operation *op, oxy_want want, oxy_ns now, oxy_ns deadline)
{
    oxypy_store *store = op->store;
    oxypy_runtime *rt = store->runtime;
    oxy_ns at = OXY_NS_NEVER;
    oxy_acquire answer;
    oxy_err err;
    bool quiet;

    if (store->foreign) {
        oxypy_raise_text(op->st, OXY_INTERFACE, "the connections of %R belong to the parent process", store->alias);
        return OXYPY_NEXT_ERROR;
    }
    op->slot = NULL;
    op->timed_out = false;
    op->failed = OXY_OK;
    oxypy_lock(rt);
    err.rc = OXY_OK;
    answer = oxy_pool_acquire(store->pool, want, now, deadline, op, &op->slot, &op->waiter, &err);
    if (answer == OXY_ACQUIRE_QUEUED) {
        /* Before another thread may grant it. */
        oxypy_wait_arm_locked(&op->wait, op->loop->hub);
        oxypy_operation_set_behind_locked(op, true);
        at = oxy_pool_wake_at(store->pool);
    } else {
        op->waiter = NULL;
    }
    quiet = oxypy_store_is_quiet(store, op->loop);
    oxypy_unlock(rt);
    if (answer == OXY_ACQUIRE_QUEUED) {
        op->queued = true;
        if (oxypy_operation_wait(op, false) < 0)
            return OXYPY_NEXT_ERROR;
        if (!op->wait.armed) {
            Py_CLEAR(op->future); /* Python code that this ran has given it a connection already */
            return OXYPY_NEXT_WAIT;
        }
        oxypy_store_act(store, op->loop);
        /* A hub whose loop was closed may be what this one waits for. */
        if (oxypy_operation_look(op, at) < 0)
            return OXYPY_NEXT_ERROR;
        make_room(op, want);
        return OXYPY_NEXT_WAIT;
    }
    if (!quiet)
        oxypy_store_act(store, op->loop);
    if (answer == OXY_ACQUIRE_GRANTED)
        return OXYPY_NEXT_RETURN;
    if (err.rc == OXY_POOL_TIMEOUT)
        oxypy_store_raise_timeout(store, (PyObject *)op->database);
    else
        (void)oxypy_raise(op->st, &err, NULL, store->driver->name, store->alias);
    return OXYPY_NEXT_ERROR;
}

/* The package may know whom the task waited for; keeps the exception. */
static void explain_timeout(oxypy_operation *op)
{
    PyObject *type, *value, *traceback, *done;

    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (op->database != NULL && PyObject_HasAttrString((PyObject *)op->database, "_explain_timeout")) {
        done = PyObject_CallMethod((PyObject *)op->database, "_explain_timeout", "O", value);
        if (done == NULL)
            PyErr_WriteUnraisable((PyObject *)op->database);
        Py_XDECREF(done);
    }
    PyErr_Restore(type, value, traceback);
}

int oxypy_operation_granted(oxypy_operation *op)
{
    op->queued = false;
    if (op->slot != NULL) {
        oxypy_lock(op->st->runtime);
        oxypy_operation_ungrant_locked(op);
        oxypy_unlock(op->st->runtime);
        return 0;
    }
    if (op->timed_out) {
        oxypy_store_raise_timeout(op->store, (PyObject *)op->database);
        explain_timeout(op);
        return -1;
    }
    if (op->error != NULL) {
        oxypy_store_raise_connect(op->store, op->error, op->cause);
        Py_CLEAR(op->cause);
        free(op->error);
        op->error = NULL;
        return -1;
    }
    if (op->failed != OXY_OK)
        PyErr_NoMemory();
    else
        oxypy_raise_text(op->st, OXY_INTERNAL, "the pool woke a waiter without an answer");
    return -1;
}

void oxypy_operation_unqueue(oxypy_operation *op)
{
    oxypy_store *store = op->store;
    oxy_slot *slot;

    if (store == NULL)
        return;
    oxypy_lock(store->runtime);
    if (op->waiter != NULL && !store->foreign)
        oxy_pool_abandon(store->pool, op->waiter, oxy_clock_now());
    op->waiter = NULL;
    oxypy_operation_set_behind_locked(op, false);
    slot = op->slot;
    op->slot = NULL;
    oxypy_operation_ungrant_locked(op);
    if (slot != NULL && !store->foreign)
        oxy_pool_release(store->pool, slot, OXY_FATE_REUSE, oxy_clock_now());
    oxypy_unlock(store->runtime);
    oxypy_wait_disarm(&op->wait);
    op->queued = false;
    if (!store->foreign)
        oxypy_store_act(store, op->loop);
}

/* --- moving on ------------------------------------------------------------------------ */

/* Lets go of everything but the memory of the request, which a worker may
 * still read; keeps the exception. */
static void end(oxypy_operation *op)
{
    PyObject *type, *value, *traceback;

    op->finished = true;
    PyErr_Fetch(&type, &value, &traceback);
    Py_CLEAR(op->future);
    Py_CLEAR(op->delegate);
    op->kind->abandon(op);
    PyErr_Restore(type, value, traceback);
}

static PySendResult yield_future(oxypy_operation *op, PyObject **result)
{
    oxypy_wakeup_yield(op->future);
    *result = Py_NewRef((PyObject *)op->future);
    return PYGEN_NEXT;
}

/* The delegate said something. True: it is over and *result is not set. */
static bool delegate_over(oxypy_operation *op, PySendResult said, PyObject **result)
{
    if (said == PYGEN_NEXT)
        return false;
    Py_CLEAR(op->delegate);
    if (said == PYGEN_ERROR)
        return false;
    Py_CLEAR(*result);
    return true;
}

static PySendResult move_on(oxypy_operation *op, PyObject **result)
{
    for (;;) {
        if (op->delegate != NULL && oxypy_gathered_is_apart(op)) {
            *result = NULL;
            return PYGEN_NEXT; /* a coroutine may ask for its task */
        }
        if (op->delegate != NULL) {
            PyObject *delegate = Py_NewRef(op->delegate);
            PySendResult said = PyIter_Send(delegate, Py_None, result);

            Py_DECREF(delegate);
            if (said == PYGEN_RETURN && op->delegated) {
                end(op);
                return said;
            }
            if (!delegate_over(op, said, result)) {
                if (said == PYGEN_ERROR)
                    end(op);
                return said;
            }
        }
        if (op->future != NULL) /* woken by somebody else: go on waiting */
            return yield_future(op, result);
        *result = NULL;
        switch (op->kind->advance(op, result)) {
        case OXYPY_NEXT_ERROR: end(op); return PYGEN_ERROR;
        case OXYPY_NEXT_RETURN: end(op); return PYGEN_RETURN;
        case OXYPY_NEXT_PART: return PYGEN_RETURN;
        case OXYPY_NEXT_WAIT:
            if (op->future != NULL)
                return yield_future(op, result);
            break; /* over already */
        case OXYPY_NEXT_YIELD: *result = Py_NewRef(Py_None); return PYGEN_NEXT;
        case OXYPY_NEXT_DELEGATE: break;
        }
    }
}

static int enter(oxypy_operation *op)
{
    if (op->running) {
        PyErr_SetString(PyExc_ValueError, "operation is already being awaited");
        return -1;
    }
    if (op->finished || oxypy_gathered_is_apart(op)) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited operation");
        return -1;
    }
    return 0;
}

PyObject *oxypy_operation_task(const oxypy_operation *op)
{
    return oxypy_gathered_is_apart(op) ? Py_NewRef(Py_None) : oxypy_loop_task(op->st, op->loop);
}

PySendResult oxypy_operation_step(oxypy_operation *op, oxypy_loop *loop, PyObject **result)
{
    PySendResult said;

    *result = NULL;
    if (op->finished) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited operation");
        return PYGEN_ERROR;
    }
    if (!op->started) {
        op->started = true;
        op->loop = (oxypy_loop *)Py_NewRef((PyObject *)loop);
    }
    op->running = true;
    said = move_on(op, result);
    op->running = false;
    return said;
}

/* A stream goes on where it began. */
static int check_loop(const oxypy_operation *op)
{
    oxypy_loop *loop = oxypy_loop_get(op->st);

    if (loop == NULL)
        return -1;
    Py_DECREF((PyObject *)loop);
    if (loop == op->loop)
        return 0;
    oxypy_raise_text(op->st, OXY_INTERFACE, "the rows are those of another event loop: iterate where you began");
    return -1;
}

/* The loop that it runs on, from its first step on. 0 / -1. */
static int find_loop(oxypy_operation *op)
{
    if (op->started)
        return op->paused ? check_loop(op) : 0;
    op->started = true;
    op->loop = oxypy_loop_get(op->st);
    op->finished = op->loop == NULL;
    return op->loop == NULL ? -1 : 0;
}

static PySendResult op_am_send(PyObject *self, PyObject *Py_UNUSED(value), PyObject **result)
{
    oxypy_operation *op = (oxypy_operation *)self;
    PySendResult said;

    *result = NULL;
    if (enter(op) < 0)
        return PYGEN_ERROR;
    op->running = true;
    Py_INCREF(self); /* the last reference may go while Python code runs */
    if (find_loop(op) < 0) {
        said = PYGEN_ERROR;
    } else if (op->owes_turn) {
        op->owes_turn = false;
        *result = Py_NewRef(Py_None);
        said = PYGEN_NEXT;
    } else {
        said = move_on(op, result);
    }
    op->running = false;
    Py_DECREF(self);
    return said;
}

/* The first send() outside of an await. What it waits for is given out again by
 * the next one; a turn of the loop is not, and must not get lost. */
static PyObject *op_at_once(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *result;
    PySendResult said = op_am_send(self, Py_None, &result);

    if (said == PYGEN_ERROR)
        return NULL;
    ((oxypy_operation *)self)->owes_turn = said == PYGEN_NEXT && result == Py_None;
    Py_DECREF(result);
    return PyBool_FromLong(said == PYGEN_RETURN);
}

/* As methods answer: a value is yielded, an end is StopIteration. */
static PyObject *as_iteration(PySendResult said, PyObject *result)
{
    PyObject *stop;

    if (said == PYGEN_NEXT)
        return result;
    if (said == PYGEN_RETURN) {
        /* Called, not passed with PyErr_SetObject, which would unpack a tuple. */
        stop = PyObject_CallOneArg(PyExc_StopIteration, result);
        if (stop != NULL) {
            PyErr_SetObject(PyExc_StopIteration, stop);
            Py_DECREF(stop);
        }
        Py_DECREF(result);
    }
    return NULL;
}

static PyObject *op_next(PyObject *self)
{
    PyObject *result;
    PySendResult said = op_am_send(self, Py_None, &result);

    return as_iteration(said, result);
}

static PyObject *op_send(PyObject *self, PyObject *value)
{
    oxypy_operation *op = (oxypy_operation *)self;

    if (!op->started && value != Py_None) {
        PyErr_SetString(PyExc_TypeError, "can't send non-None value to a just-started operation");
        return NULL;
    }
    return op_next(self);
}

/* --- throw and close --------------------------------------------------------------------- */

static int set_thrown(PyObject *const *args, Py_ssize_t n)
{
    PyObject *type = args[0], *value = n > 1 && args[1] != Py_None ? args[1] : NULL;
    PyObject *traceback = n > 2 && args[2] != Py_None ? args[2] : NULL;

    if (traceback != NULL && !PyTraceBack_Check(traceback)) {
        PyErr_SetString(PyExc_TypeError, "throw() third argument must be a traceback object");
        return -1;
    }
    if (PyExceptionInstance_Check(type)) {
        if (value != NULL) {
            PyErr_SetString(PyExc_TypeError, "instance exception may not have a separate value");
            return -1;
        }
        value = type;
        type = (PyObject *)Py_TYPE(value);
        Py_INCREF(type);
        Py_INCREF(value);
        PyErr_Restore(type, value, traceback == NULL ? PyException_GetTraceback(value) : Py_NewRef(traceback));
        return 0;
    }
    if (!PyExceptionClass_Check(type)) {
        PyErr_Format(PyExc_TypeError, "exceptions must be classes or instances deriving from BaseException, not %s",
                     Py_TYPE(type)->tp_name);
        return -1;
    }
    Py_INCREF(type);
    Py_XINCREF(value);
    Py_XINCREF(traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyErr_Restore(type, value, traceback);
    return 0;
}

/* What the StopIteration that is being raised holds; takes it back. */
static PyObject *stop_value(void)
{
    PyObject *type, *error, *traceback, *value = NULL;

    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (error != NULL)
        value = PyObject_GetAttrString(error, "value");
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    return value;
}

/* The delegate gets the exception first and may go on waiting. */
static PySendResult throw_into_delegate(oxypy_operation *op, PyObject *const *args, Py_ssize_t n, PyObject **result)
{
    PyObject *throw_ = PyObject_GetAttr(op->delegate, op->st->s_throw_), *value = NULL;
    PySendResult said = PYGEN_NEXT;

    *result = throw_ == NULL ? NULL : PyObject_Vectorcall(throw_, args, (size_t)n, NULL);
    Py_XDECREF(throw_);
    if (*result != NULL)
        return PYGEN_NEXT;
    Py_CLEAR(op->delegate);
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) {
        end(op);
        return PYGEN_ERROR;
    }
    if (op->delegated) {
        *result = stop_value();
        end(op);
        return *result == NULL ? PYGEN_ERROR : PYGEN_RETURN;
    }
    PyErr_Clear(); /* its value is of no interest: it was asked to connect */
    said = move_on(op, &value);
    *result = value;
    return said;
}

static PyObject *op_throw(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    oxypy_operation *op = (oxypy_operation *)self;
    PyObject *result = NULL;
    PySendResult said = PYGEN_ERROR;

    if (n < 1 || n > 3) {
        PyErr_Format(PyExc_TypeError, "throw expected 1 to 3 arguments, got %zd", n);
        return NULL;
    }
    if (enter(op) < 0)
        return NULL;
    op->running = true;
    Py_INCREF(self);
    if (op->started && op->delegate != NULL) {
        said = throw_into_delegate(op, args, n, &result);
    } else if (set_thrown(args, n) == 0) {
        op->started = true;
        if (op->lease != NULL && op->st->runtime->observer != NULL)
            oxypy_observe(op);
        end(op);
    }
    op->running = false;
    Py_DECREF(self);
    return as_iteration(said, result);
}

static PyObject *op_close(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    oxypy_operation *op = (oxypy_operation *)self;
    PyObject *done = NULL;

    if (op->running) {
        PyErr_SetString(PyExc_ValueError, "operation is already being awaited");
        return NULL;
    }
    if (op->finished)
        Py_RETURN_NONE;
    if (op->delegate != NULL) {
        op->running = true; /* nobody goes on with it meanwhile */
        done = PyObject_CallMethodNoArgs(op->delegate, op->st->s_close);
        op->running = false;
        if (done == NULL) {
            end(op);
            return NULL;
        }
        Py_DECREF(done);
    }
    op->started = true;
    end(op);
    oxypy_gathered_wake(op); /* to tell who waits for it */
    Py_RETURN_NONE;
}

static PyObject *op_await(PyObject *self)
{
    return Py_NewRef(self);
}

/* --- type ----------------------------------------------------------------------------------- */

static PyObject *op_name(PyObject *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(((oxypy_operation *)self)->kind->name);
}

static PyObject *op_running(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((oxypy_operation *)self)->running);
}

static PyObject *op_repr(PyObject *self)
{
    oxypy_operation *op = (oxypy_operation *)self;
    const char *how = op->finished ? "over" : op->started ? "under way" : "not awaited";

    return PyUnicode_FromFormat("<Operation %s, %s>", op->kind->name, how);
}

static int op_traverse(PyObject *self, visitproc visit, void *arg)
{
    oxypy_operation *op = (oxypy_operation *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(op->subject);
    if (oxypy_given_traverse(&op->given, visit, arg) != 0)
        return -1;
    Py_VISIT(op->members);
    Py_VISIT(op->arg);
    Py_VISIT(op->returning);
    Py_VISIT(op->into);
    Py_VISIT(op->client);
    Py_VISIT(op->params);
    Py_VISIT(op->plan);
    if (op->program != NULL && oxypy_rowprog_traverse(op->program, visit, arg) != 0)
        return -1;
    Py_VISIT(op->future);
    Py_VISIT(op->timer);
    Py_VISIT(op->delegate);
    Py_VISIT(op->loop);
    Py_VISIT(op->database);
    Py_VISIT(op->session);
    Py_VISIT(op->keep);
    Py_VISIT(op->rows);
    Py_VISIT(op->cause);
    if (oxypy_gathered_traverse(op->gathered, visit, arg) != 0)
        return -1;
    return oxypy_shared_traverse(op->shared, visit, arg);
}

static int op_clear(PyObject *self)
{
    oxypy_operation *op = (oxypy_operation *)self;

    Py_CLEAR(op->subject);
    oxypy_given_clear(&op->given);
    Py_CLEAR(op->members);
    Py_CLEAR(op->arg);
    Py_CLEAR(op->returning);
    Py_CLEAR(op->into);
    Py_CLEAR(op->using_);
    Py_CLEAR(op->client);
    Py_CLEAR(op->sql);
    Py_CLEAR(op->params);
    Py_CLEAR(op->plan);
    oxypy_rowprog_free(op->program);
    op->program = NULL;
    Py_CLEAR(op->future);
    Py_CLEAR(op->timer);
    Py_CLEAR(op->delegate);
    Py_CLEAR(op->database);
    Py_CLEAR(op->session);
    Py_CLEAR(op->loop);
    Py_CLEAR(op->keep);
    Py_CLEAR(op->rows);
    Py_CLEAR(op->cause);
    oxypy_shared_free(op->shared);
    op->shared = NULL;
    oxypy_gathered_clear(op->gathered);
    return 0;
}

void oxypy_operation_close(oxypy_operation *op)
{
    if (op->finished)
        return;
    if (op->paused && op->st->runtime->observer != NULL) {
        op->rest += oxy_clock_now() - op->paused_at;
        oxypy_observe(op);
    }
    if (op->started)
        end(op);
    op->finished = true;
}

/* Like a coroutine: never awaited is a warning; dropped half-way lets go. */
static void op_finalize(PyObject *self)
{
    oxypy_operation *op = (oxypy_operation *)self;
    PyObject *type, *value, *traceback;

    oxypy_gathered_report(op);
    if (op->finished)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    if (op->started)
        end(op);
    else if (!oxypy_is_finalizing() &&
             PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "operation '%s' was never awaited", op->kind->name) < 0)
        PyErr_WriteUnraisable(self);
    op->finished = true;
    PyErr_Restore(type, value, traceback);
}

static void op_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    oxypy_operation *op = (oxypy_operation *)self;

    if ((!op->finished || op->gathered != NULL) && PyObject_CallFinalizerFromDealloc(self) < 0)
        return;
    PyObject_GC_UnTrack(self);
    if (op->has_prepared)
        oxypy_prepared_fini(&op->prepared);
    if (op->has_scratch)
        oxy_arena_fini(&op->scratch);
    free(op->error);
    oxypy_spool_free(op->spool);
    free(op->before_text);
    Py_CLEAR(op->before);
    Py_CLEAR(op->cursor.text);
    if (op->store != NULL)
        oxypy_store_unref(op->store);
    (void)op_clear(self);
    oxypy_gathered_free(op->gathered);
    leave_memory(op->st, self);
    Py_DECREF(type);
}

/* The time that _close gives has passed. */
static PyObject *op_expire(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    oxypy_operation *op = (oxypy_operation *)self;

    op->timed_out = true;
    oxypy_wait_disarm(&op->wait);
    oxypy_operation_wake(op, op->loop);
    Py_RETURN_NONE;
}

static PyMethodDef op_methods[] = {
    {"send", op_send, METH_O, PyDoc_STR("Moves on until there is something to wait for.")},
    {"throw", (PyCFunction)(void (*)(void))op_throw, METH_FASTCALL, PyDoc_STR("Gives up with an exception.")},
    {"close", op_close, METH_NOARGS, PyDoc_STR("Gives up.")},
    {"_at_once", op_at_once, METH_NOARGS,
     PyDoc_STR("Whether it is over without waiting for anything; if not, it has begun and is to be awaited.")},
    {"_expire", op_expire, METH_NOARGS, PyDoc_STR("Called when the time for closing is over.")},
    {"get_loop", oxypy_gathered_get_loop, METH_NOARGS, PyDoc_STR("The event loop.")},
    {"done", oxypy_gathered_done, METH_NOARGS, PyDoc_STR("Whether it was gathered and is over.")},
    {"cancelled", oxypy_gathered_cancelled, METH_NOARGS, PyDoc_STR("Whether it was cancelled while gathered.")},
    {"result", oxypy_gathered_result, METH_NOARGS, PyDoc_STR("Of one that was gathered.")},
    {"exception", oxypy_gathered_exception, METH_NOARGS, PyDoc_STR("Of one that was gathered.")},
    {"cancel", (PyCFunction)(void (*)(void))oxypy_gathered_cancel, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("Cancels one that was gathered, as a task.")},
    {"add_done_callback", (PyCFunction)(void (*)(void))oxypy_gathered_add, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("Begins on the loop's next turn; calls callback(self) when it is over.")},
    {"remove_done_callback", oxypy_gathered_remove, METH_O, PyDoc_STR("How many callbacks were removed.")},
    {"_make_cancelled_error", oxypy_gathered_cancel_error, METH_NOARGS, PyDoc_STR("What gather() raises.")},
    {"_task_over", oxypy_gathered_task_over, METH_O, PyDoc_STR("Called by the task that it was given to.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef op_getset[] = {
    {"__name__", op_name, NULL, NULL, NULL},
    {"__qualname__", op_name, NULL, NULL, NULL},
    {"cr_running", op_running, NULL, NULL, NULL},
    {"_asyncio_future_blocking", oxypy_gathered_blocking, NULL,
     PyDoc_STR("None: no future. False when gather() asks, and it needs no task."), NULL},
    {"_cancel_message", oxypy_gathered_message, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot op_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("One statement, not started until awaited.")},
    {Py_tp_dealloc, op_dealloc},
    {Py_tp_finalize, op_finalize},
    {Py_tp_traverse, op_traverse},
    {Py_tp_clear, op_clear},
    {Py_tp_repr, op_repr},
    {Py_tp_iter, op_await},
    {Py_tp_iternext, op_next},
    {Py_am_await, op_await},
    {Py_am_send, op_am_send},
    {Py_tp_methods, op_methods},
    {Py_tp_getset, op_getset},
    {0, NULL},
};

static PyType_Spec op_spec = {
    .name = "oxyde._core.Operation",
    .basicsize = sizeof(oxypy_operation),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = op_slots,
};

/* --- start-up ------------------------------------------------------------------------------- */

int oxypy_operation_init(PyObject *module, oxypy_state *st)
{
    st->operation_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &op_spec, NULL);
    if (st->operation_type == NULL || PyModule_AddType(module, st->operation_type) < 0)
        return -1;
#define X(name, text)                                                                                                  \
    if (PyModule_AddIntConstant(module, "SINK_" #name, OXYPY_SINK_##name) < 0)                                         \
        return -1;
    OXYPY_SINK_LIST(X)
#undef X
    return oxypy_make_init(module, st);
}
