/* SPDX-License-Identifier: MIT */
#include "gathered.h"

#include <stdlib.h>

typedef struct oxypy_gathered gathered;

static gathered *of(PyObject *self)
{
    return ((oxypy_operation *)self)->gathered;
}

/* --- beginning together --------------------------------------------------------------- */

/* Operations that go on in one callback of the loop; the rest waits for its next turn. */
#define STEPS_MAX 128

/* On the loop's next turn. 0 / -1. */
static int call_begin(oxypy_loop *loop)
{
    PyObject *object, *callback, *handle = NULL;

    if (loop->begin_called)
        return 0;
    object = oxypy_loop_object(loop);
    if (object == NULL)
        return 0;
    callback = PyObject_GetAttrString((PyObject *)loop, "_begin");
    loop->begin_called = true; /* not later: it may be called at once, and others may be gathered meanwhile */
    if (callback != NULL)
        handle = PyObject_CallMethodOneArg(object, loop->st->s_call_soon, callback);
    if (handle == NULL)
        loop->begin_called = false;
    Py_DECREF(object);
    Py_XDECREF(callback); /* has the loop's state, perhaps as the last one */
    Py_XDECREF(handle);
    return handle == NULL ? -1 : 0;
}

static void drop_list(oxypy_operation *op)
{
    while (op != NULL) {
        oxypy_operation *next = op->gathered->next;

        op->gathered->next = NULL;
        Py_DECREF((PyObject *)op);
        op = next;
    }
}

static void drop_gathered(oxypy_loop *loop)
{
    oxypy_operation *op = loop->gathered;

    loop->gathered = loop->last_gathered = NULL;
    drop_list(op);
}

/* Takes over the reference. 0 / -1. */
static int append(oxypy_loop *loop, oxypy_operation *op)
{
    if (loop->gathered != NULL) {
        loop->last_gathered->gathered->next = op;
        loop->last_gathered = op;
        return 0;
    }
    loop->gathered = loop->last_gathered = op;
    if (call_begin(loop) == 0)
        return 0;
    drop_gathered(loop);
    return -1;
}

/* What could not begin goes before those that have been gathered since. */
static int put_back(oxypy_loop *loop, oxypy_operation *first)
{
    oxypy_operation *last = first;
    bool waiting = loop->gathered != NULL;

    if (first == NULL)
        return 0;
    while (last->gathered->next != NULL)
        last = last->gathered->next;
    last->gathered->next = loop->gathered;
    loop->gathered = first;
    if (!waiting)
        loop->last_gathered = last;
    return waiting ? 0 : call_begin(loop);
}

/* --- waiting for servers ---------------------------------------------------------------- */

/* Takes over the reference. */
static void wait_apart(oxypy_operation *op)
{
    gathered *g = op->gathered;

    g->waits = true;
    g->previous = NULL;
    g->next = g->loop->waiting;
    if (g->next != NULL)
        g->next->gathered->previous = op;
    g->loop->waiting = op;
}

/* The reference is the caller's. */
static void leave_waiting(oxypy_operation *op)
{
    gathered *g = op->gathered;

    g->waits = false;
    if (g->previous != NULL)
        g->previous->gathered->next = g->next;
    else
        g->loop->waiting = g->next;
    if (g->next != NULL)
        g->next->gathered->previous = g->previous;
    g->previous = g->next = NULL;
}

void oxypy_gathered_settle(oxypy_loop *loop)
{
    PyObject *type, *value, *traceback;

    if (loop->woken == NULL || loop->draining > 0 || loop->beginning)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    if (call_begin(loop) < 0) {
        if (PyErr_ExceptionMatches(PyExc_RuntimeError))
            PyErr_Clear(); /* the loop was closed */
        else
            PyErr_WriteUnraisable((PyObject *)loop);
    }
    PyErr_Restore(type, value, traceback);
}

void oxypy_gathered_wake(oxypy_operation *op)
{
    gathered *g = op->gathered;
    oxypy_loop *loop;

    if (g == NULL || !g->waits)
        return;
    loop = g->loop;
    leave_waiting(op);
    if (loop->woken != NULL)
        loop->last_woken->gathered->next = op;
    else
        loop->woken = op;
    loop->last_woken = op;
    oxypy_gathered_settle(loop);
}

void oxypy_gathered_forget(oxypy_operation *op)
{
    if (op->gathered == NULL || !op->gathered->waits)
        return;
    leave_waiting(op);
    Py_DECREF((PyObject *)op);
}

/* Ends a list; what is in it may have a connection. */
static void close_list(oxypy_operation **first, oxypy_operation **last)
{
    while (*first != NULL) {
        oxypy_operation *op = *first;

        *first = op->gathered->next;
        if (*first == NULL)
            *last = NULL;
        op->gathered->next = NULL;
        oxypy_operation_close(op);
        Py_DECREF((PyObject *)op);
    }
}

void oxypy_gathered_close(oxypy_loop *loop)
{
    while (loop->waiting != NULL) {
        oxypy_operation *op = loop->waiting;

        leave_waiting(op);
        oxypy_operation_close(op); /* others may be woken by that */
        Py_DECREF((PyObject *)op);
    }
    close_list(&loop->woken, &loop->last_woken);
    close_list(&loop->gathered, &loop->last_gathered);
}

void oxypy_gathered_drop(oxypy_loop *loop)
{
    oxypy_operation *woken;

    drop_gathered(loop);
    while (loop->waiting != NULL)
        oxypy_gathered_forget(loop->waiting); /* others may be woken by that */
    woken = loop->woken;
    loop->woken = loop->last_woken = NULL;
    drop_list(woken);
}

/* --- ending ----------------------------------------------------------------------------- */

/* The exception that is being raised is the outcome. 0, or -1 for what ends the
 * loop, which is left raised. */
static int keep_exception(oxypy_operation *op)
{
    gathered *g = op->gathered;
    PyObject *type, *value, *traceback;
    bool fatal;

    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback); /* may raise another one in its place */
    fatal = PyErr_GivenExceptionMatches(type, PyExc_SystemExit) ||
            PyErr_GivenExceptionMatches(type, PyExc_KeyboardInterrupt);
    g->outcome = PyErr_GivenExceptionMatches(type, op->st->cancelled_error) ? OXYPY_CANCELED : OXYPY_RAISED;
    g->unseen = g->outcome == OXYPY_RAISED;
    if (traceback != NULL)
        (void)PyException_SetTraceback(value, traceback);
    Py_XSETREF(g->value, Py_XNewRef(value));
    if (fatal) {
        PyErr_Restore(type, value, traceback);
        return -1;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return 0;
}

/* It has to wait: a task goes on with it. 0 / -1. */
static int to_task(oxypy_operation *op)
{
    gathered *g = op->gathered;
    PyObject *loop = oxypy_loop_object(g->loop), *context = PyContext_Copy(g->context);
    PyObject *callback = PyObject_GetAttrString((PyObject *)op, "_task_over"), *done = NULL;

    if (loop != NULL && context != NULL && callback != NULL && PyContext_Enter(context) == 0) {
        g->task = PyObject_CallMethod(loop, "create_task", "O", op);
        if (PyContext_Exit(context) < 0)
            Py_CLEAR(g->task);
    }
    if (g->task != NULL) {
        /* Whoever gathers cannot control it: as gather() says of its own tasks. */
        if (PyObject_SetAttrString(g->task, "_log_destroy_pending", Py_False) < 0)
            PyErr_Clear();
        if (op->lease != NULL && op->lease->session == NULL && op->lease->task == NULL) {
            PyObject *sql = Py_XNewRef(op->lease->sql);

            oxypy_lease_set_holder(op->lease, g->task, sql);
            Py_XDECREF(sql);
        }
        done = PyObject_CallMethod(g->task, "add_done_callback", "O", callback);
        if (done == NULL)
            Py_CLEAR(g->task);
    } else if (!PyErr_Occurred()) {
        oxypy_raise_text(op->st, OXY_INTERFACE, "the event loop is gone");
    }
    Py_XDECREF(loop);
    Py_XDECREF(context);
    Py_XDECREF(callback);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

typedef enum began { BEGAN_FATAL = -1, BEGAN_OVER, BEGAN_ELSEWHERE, BEGAN_WAITS, BEGAN_YIELDS } began;

/* Whether its wait ends by what a server says or a pool gives, of which it is told
 * without a task. */
static bool waits_for_server(const oxypy_operation *op)
{
    return op->delegate == NULL && op->store != NULL && oxypy_has_socket(op->store->driver);
}

/* As a task's step. */
static began step(oxypy_operation *op)
{
    gathered *g = op->gathered;
    PyObject *result;

    if (g->must_cancel) {
        oxypy_operation_close(op);
        g->outcome = OXYPY_CANCELED;
        return BEGAN_OVER;
    }
    switch (oxypy_operation_step(op, g->loop, &result)) {
    case PYGEN_RETURN:
        g->outcome = g->must_cancel ? OXYPY_CANCELED : OXYPY_RETURNED;
        Py_XSETREF(g->value, g->must_cancel ? NULL : Py_NewRef(result));
        Py_DECREF(result);
        return BEGAN_OVER;
    case PYGEN_NEXT:
        Py_XDECREF(result);
        if (op->future == NULL && op->delegate == NULL)
            return BEGAN_YIELDS;
        if (waits_for_server(op))
            return BEGAN_WAITS;
        if (to_task(op) == 0)
            return BEGAN_ELSEWHERE;
        oxypy_operation_close(op);
        break;
    case PYGEN_ERROR: break;
    }
    return keep_exception(op) < 0 ? BEGAN_FATAL : BEGAN_OVER;
}

/* In its own context, since tasks and callbacks that begin there inherit it. */
static began step_in_context(oxypy_operation *op)
{
    gathered *g = op->gathered;
    began how;

    if (PyContext_Enter(g->context) < 0) {
        PyErr_Clear(); /* in use: a task gets a copy of it */
        if (to_task(op) == 0)
            return BEGAN_ELSEWHERE;
        oxypy_operation_close(op);
        return keep_exception(op) < 0 ? BEGAN_FATAL : BEGAN_OVER;
    }
    how = step(op);
    if (how == BEGAN_FATAL) {
        PyObject *type, *value, *traceback;

        PyErr_Fetch(&type, &value, &traceback);
        if (PyContext_Exit(g->context) < 0)
            PyErr_WriteUnraisable(g->context);
        PyErr_Restore(type, value, traceback);
    } else if (PyContext_Exit(g->context) < 0) {
        PyErr_WriteUnraisable(g->context);
    }
    return how;
}

/* It ended with what ends the loop, which stays raised; whoever waits for it hears of it in
 * the next run. */
static void tell_later(oxypy_loop *loop, oxypy_operation *op)
{
    PyObject *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    oxypy_callbacks_schedule(&op->gathered->callbacks, loop, (PyObject *)op);
    PyErr_Restore(type, value, traceback);
}

/* Puts the rest back and keeps the exception. */
static void leave_rest(oxypy_loop *loop, oxypy_operation *rest)
{
    PyObject *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    if (put_back(loop, rest) < 0 || (loop->gathered != NULL && call_begin(loop) < 0))
        PyErr_WriteUnraisable((PyObject *)loop);
    PyErr_Restore(type, value, traceback);
}

/* One step; takes over the reference. 0, or -1 for what ends the loop. */
static int step_once(oxypy_loop *loop, oxypy_operation *op, bool *yields)
{
    began how = step_in_context(op);
    int rc = 0;

    *yields = how == BEGAN_YIELDS;
    switch (how) {
    case BEGAN_YIELDS: return 0;
    case BEGAN_WAITS: wait_apart(op); return 0;
    case BEGAN_ELSEWHERE: break;
    case BEGAN_FATAL:
        tell_later(loop, op);
        rc = -1;
        break;
    case BEGAN_OVER: rc = oxypy_callbacks_run(&op->gathered->callbacks, loop, (PyObject *)op); break;
    }
    Py_DECREF((PyObject *)op);
    return rc;
}

/* In their order, as far as they come. */
static int begin_all(oxypy_loop *loop)
{
    oxypy_operation *op = loop->gathered;

    loop->gathered = loop->last_gathered = NULL;
    while (op != NULL) {
        oxypy_operation *next = op->gathered->next;
        bool yields;
        int rc;

        op->gathered->next = NULL;
        rc = step_once(loop, op, &yields);
        if (yields) {
            op->gathered->next = next;
            return put_back(loop, op);
        }
        if (rc < 0) {
            leave_rest(loop, next);
            return -1;
        }
        op = next;
    }
    return 0;
}

static uint64_t send_held(oxypy_loop *loop)
{
    PyObject *type, *value, *traceback;
    uint64_t id;

    PyErr_Fetch(&type, &value, &traceback);
    id = oxypy_together_send(loop);
    PyErr_Restore(type, value, traceback);
    return id;
}

int oxypy_gathered_begin(oxypy_loop *loop)
{
    int rc;

    loop->begin_called = false;
    rc = oxypy_gathered_go_on(loop);
    if (rc == 0) {
        uint64_t sent;

        loop->beginning = true;
        rc = begin_all(loop);
        sent = send_held(loop);
        loop->beginning = false;
        if (!loop->marked)
            oxypy_burst_end(loop);
        do {
            if (rc == 0)
                rc = oxypy_gathered_go_on(loop);
        } while (rc == 0 && sent != 0 && oxypy_near_flight(loop, sent));
    } else if (loop->gathered != NULL) {
        leave_rest(loop, NULL);
    }
    oxypy_gathered_settle(loop);
    return rc;
}

int oxypy_gathered_go_on(oxypy_loop *loop)
{
    int rc = 0;

    if (loop->woken == NULL || oxypy_loop_runs_task(loop))
        return 0;
    for (int n = 0; loop->woken != NULL && n < STEPS_MAX && rc == 0; n++) {
        oxypy_operation *op = loop->woken;
        bool yields;

        loop->woken = op->gathered->next;
        if (loop->woken == NULL)
            loop->last_woken = NULL;
        op->gathered->next = NULL;
        rc = step_once(loop, op, &yields);
        if (yields)
            rc = append(loop, op);
    }
    return rc;
}

/* The task has ended: who waits for the operation hears of it. */
PyObject *oxypy_gathered_task_over(PyObject *self, PyObject *Py_UNUSED(task))
{
    gathered *g = of(self);

    if (g != NULL && oxypy_callbacks_run(&g->callbacks, g->loop, self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* --- what is asked of a future ------------------------------------------------------------- */

static PyObject *ask_task(const gathered *g, const char *method)
{
    return PyObject_CallMethod(g->task, method, NULL);
}

PyObject *oxypy_gathered_blocking(PyObject *self, void *Py_UNUSED(closure))
{
    return oxypy_operation_needs_task((oxypy_operation *)self) ? Py_NewRef(Py_None) : Py_NewRef(Py_False);
}

PyObject *oxypy_gathered_get_loop(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    oxypy_operation *op = (oxypy_operation *)self;
    oxypy_loop *loop =
        op->gathered != NULL ? (oxypy_loop *)Py_NewRef((PyObject *)op->gathered->loop) : oxypy_loop_get(op->st);
    PyObject *object = loop == NULL ? NULL : oxypy_loop_object(loop);

    if (object == NULL && loop != NULL)
        oxypy_raise_text(op->st, OXY_INTERFACE, "the event loop is gone");
    Py_XDECREF((PyObject *)loop);
    return object;
}

PyObject *oxypy_gathered_done(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    const gathered *g = of(self);

    if (g != NULL && g->task != NULL)
        return ask_task(g, "done");
    return PyBool_FromLong(g != NULL && g->outcome != OXYPY_PENDING);
}

PyObject *oxypy_gathered_cancelled(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    const gathered *g = of(self);

    if (g != NULL && g->task != NULL)
        return ask_task(g, "cancelled");
    return PyBool_FromLong(g != NULL && g->outcome == OXYPY_CANCELED);
}

PyObject *oxypy_gathered_cancel_error(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    const gathered *g = of(self);
    PyObject *type = ((oxypy_operation *)self)->st->cancelled_error;

    if (g != NULL && g->task != NULL)
        return ask_task(g, "_make_cancelled_error");
    if (g != NULL && g->outcome == OXYPY_CANCELED && g->value != NULL)
        return Py_NewRef(g->value);
    return g == NULL || g->message == NULL ? PyObject_CallNoArgs(type) : PyObject_CallOneArg(type, g->message);
}

static PyObject *raise_value(PyObject *value)
{
    Py_XINCREF(value);
    if (value != NULL)
        PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(value)), value, PyException_GetTraceback(value));
    return NULL;
}

static PyObject *raise_pending(PyObject *self, const char *what)
{
    oxypy_state *st = ((oxypy_operation *)self)->st;

    if (oxypy_need_asyncio(st) == 0)
        PyErr_SetString(st->invalid_state_error, what);
    return NULL;
}

PyObject *oxypy_gathered_result(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    gathered *g = of(self);
    PyObject *error;

    if (g != NULL && g->task != NULL)
        return ask_task(g, "result");
    switch (g == NULL ? OXYPY_PENDING : (oxypy_outcome)g->outcome) {
    case OXYPY_RETURNED: return Py_NewRef(g->value);
    case OXYPY_RAISED: g->unseen = false; return raise_value(g->value);
    case OXYPY_CANCELED:
        error = oxypy_gathered_cancel_error(self, NULL);
        (void)raise_value(error);
        Py_XDECREF(error);
        return NULL;
    case OXYPY_PENDING: break;
    }
    return raise_pending(self, "Result is not set.");
}

PyObject *oxypy_gathered_exception(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    gathered *g = of(self);

    if (g != NULL && g->task != NULL)
        return ask_task(g, "exception");
    switch (g == NULL ? OXYPY_PENDING : (oxypy_outcome)g->outcome) {
    case OXYPY_RETURNED: Py_RETURN_NONE;
    case OXYPY_RAISED: g->unseen = false; return Py_NewRef(g->value);
    case OXYPY_CANCELED: return oxypy_gathered_result(self, NULL);
    case OXYPY_PENDING: break;
    }
    return raise_pending(self, "Exception is not set.");
}

PyObject *oxypy_gathered_message(PyObject *self, void *Py_UNUSED(closure))
{
    const gathered *g = of(self);

    if (g != NULL && g->task != NULL)
        return PyObject_GetAttrString(g->task, "_cancel_message");
    return Py_NewRef(g == NULL || g->message == NULL ? Py_None : g->message);
}

/* It lets go of its connection as a cancelled task does, but at once. */
static void give_up(oxypy_operation *op)
{
    gathered *g = op->gathered;

    leave_waiting(op);
    g->outcome = OXYPY_CANCELED;
    oxypy_operation_close(op);
    oxypy_callbacks_schedule(&g->callbacks, g->loop, (PyObject *)op);
    Py_DECREF((PyObject *)op);
}

PyObject *oxypy_gathered_cancel(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"msg", NULL};
    gathered *g = of(self);
    PyObject *message = Py_None, *cancel, *done;

    if (g != NULL && g->task != NULL) {
        cancel = PyObject_GetAttrString(g->task, "cancel");
        done = cancel == NULL ? NULL : PyObject_Call(cancel, args, kwargs);
        Py_XDECREF(cancel);
        return done;
    }
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:cancel", names, &message))
        return NULL;
    if (g == NULL || g->outcome != OXYPY_PENDING)
        Py_RETURN_FALSE;
    Py_XSETREF(g->message, message == Py_None ? NULL : Py_NewRef(message));
    if (g->waits)
        give_up((oxypy_operation *)self);
    else
        g->must_cancel = true;
    Py_RETURN_TRUE;
}

/* The first one begins the operation. 0 / -1. */
static int gather(oxypy_operation *op, PyObject *context)
{
    oxypy_loop *loop;
    gathered *g;

    if (op->started || op->finished) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited operation");
        return -1;
    }
    g = calloc(1, sizeof *g);
    if (g == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    loop = oxypy_loop_get(op->st);
    g->loop = loop;
    g->context = loop == NULL ? NULL : Py_XNewRef(context);
    if (g->context == NULL) {
        oxypy_gathered_free(g);
        return -1;
    }
    op->gathered = g;
    return append(loop, (oxypy_operation *)Py_NewRef((PyObject *)op));
}

PyObject *oxypy_gathered_add(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames)
{
    oxypy_operation *op = (oxypy_operation *)self;
    PyObject *callback, *context, *own = NULL, *done;
    int rc = 0;

    if (oxypy_callbacks_read(args, n, kwnames, &callback, &context) < 0)
        return NULL;
    if (op->gathered == NULL) {
        /* A copy of the current one is as good for the task that there is none of. */
        own = kwnames == NULL ? Py_NewRef(context) : PyContext_CopyCurrent();
        rc = own == NULL ? -1 : gather(op, own);
        Py_XDECREF(own);
    }
    done = rc < 0 ? NULL : oxypy_gathered_done(self, NULL);
    if (done != NULL)
        rc = done == Py_True ? oxypy_callbacks_soon(op->gathered->loop, callback, context, self)
                             : oxypy_callbacks_add(&op->gathered->callbacks, callback, context);
    Py_DECREF(context);
    Py_XDECREF(done);
    if (rc < 0 || done == NULL)
        return NULL;
    Py_RETURN_NONE;
}

PyObject *oxypy_gathered_remove(PyObject *self, PyObject *callback)
{
    gathered *g = of(self);
    Py_ssize_t removed = g == NULL ? 0 : oxypy_callbacks_remove(&g->callbacks, callback);

    return removed < 0 ? NULL : PyLong_FromSsize_t(removed);
}

/* --- keeping it ------------------------------------------------------------------------------ */

static int traverse_list(const oxypy_operation *op, visitproc visit, void *arg)
{
    for (; op != NULL; op = op->gathered->next)
        Py_VISIT(op);
    return 0;
}

int oxypy_gathered_traverse_loop(const oxypy_loop *loop, visitproc visit, void *arg)
{
    int rc = traverse_list(loop->gathered, visit, arg);

    if (rc == 0)
        rc = traverse_list(loop->waiting, visit, arg);
    return rc == 0 ? traverse_list(loop->woken, visit, arg) : rc;
}

int oxypy_gathered_traverse(gathered *g, visitproc visit, void *arg)
{
    if (g == NULL)
        return 0;
    Py_VISIT(g->loop);
    Py_VISIT(g->callbacks.callback);
    Py_VISIT(g->callbacks.context);
    Py_VISIT(g->callbacks.more);
    Py_VISIT(g->context);
    Py_VISIT(g->task);
    Py_VISIT(g->value);
    Py_VISIT(g->message);
    return 0;
}

void oxypy_gathered_clear(gathered *g)
{
    if (g == NULL)
        return;
    oxypy_callbacks_clear(&g->callbacks);
    Py_CLEAR(g->context);
    Py_CLEAR(g->task);
    Py_CLEAR(g->value);
    Py_CLEAR(g->message);
}

void oxypy_gathered_free(gathered *g)
{
    if (g == NULL)
        return;
    oxypy_gathered_clear(g);
    Py_XDECREF((PyObject *)g->loop);
    free(g);
}

void oxypy_gathered_report(oxypy_operation *op)
{
    gathered *g = op->gathered;
    PyObject *loop, *about, *done = NULL, *type, *value, *traceback;

    if (g == NULL || !g->unseen)
        return;
    g->unseen = false;
    loop = oxypy_is_finalizing() ? NULL : oxypy_loop_object(g->loop);
    if (loop == NULL)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    about = Py_BuildValue("{s:s,s:O,s:O}", "message", "Operation exception was never retrieved", "exception", g->value,
                          "future", op);
    if (about != NULL)
        done = PyObject_CallMethod(loop, "call_exception_handler", "O", about);
    if (done == NULL)
        PyErr_WriteUnraisable(NULL);
    Py_DECREF(loop);
    Py_XDECREF(about);
    Py_XDECREF(done);
    PyErr_Restore(type, value, traceback);
}
