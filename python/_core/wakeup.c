/* SPDX-License-Identifier: MIT */
/* Wakeup: what an operation yields to its task, a future without a value. A
 * future's callbacks wait for the loop's next turn. A wakeup that is resolved
 * while the loop tells us what is ready (LoopState._drain) calls its task back at
 * the end of that very callback, when no task runs and nothing of ours is half
 * done. Everywhere else, and for everything but a task's own callback, it does
 * what asyncio's futures do. */
#include "runtime_private.h"

#include <stddef.h>
#include <structmember.h>

/* Tasks resumed in one callback of the loop; the rest waits for its next turn. */
#define RESUMES_MAX 128

typedef enum outcome { PENDING, RESOLVED, CANCELED } outcome;

struct oxypy_wakeup {
    PyObject ob_base;
    oxypy_loop *loop; /* owned */
    PyObject *callback, *context;
    PyObject *more;     /* list of (callback, context), or NULL */
    PyObject *message;  /* what cancel() was given, or NULL */
    oxypy_wakeup *next; /* in the loop's list, which owns a reference */
    char blocking;
    uint8_t outcome;
};

/* --- calling back ----------------------------------------------------------------- */

/* On the loop's next turn. 0 / -1. */
static int call_soon(oxypy_wakeup *w, PyObject *callback, PyObject *context)
{
    oxypy_state *st = w->loop->st;
    PyObject *loop = oxypy_loop_object(w->loop), *handle;
    PyObject *args[] = {NULL, loop, callback, (PyObject *)w, context};

    if (loop == NULL)
        return 0; /* nobody is left to be called */
    handle =
        PyObject_VectorcallMethod(st->s_call_soon, args + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, st->context_keyword);
    Py_DECREF(loop);
    Py_XDECREF(handle);
    return handle == NULL ? -1 : 0;
}

/* All callbacks on the loop's next turn, each once. Reports what fails. */
static void schedule(oxypy_wakeup *w)
{
    PyObject *callback = w->callback, *context = w->context, *more = w->more;

    w->callback = w->context = w->more = NULL;
    if (callback != NULL && call_soon(w, callback, context) < 0)
        PyErr_WriteUnraisable((PyObject *)w);
    for (Py_ssize_t i = 0; more != NULL && i < PyList_GET_SIZE(more); i++) {
        PyObject *pair = PyList_GET_ITEM(more, i);

        if (call_soon(w, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1)) < 0)
            PyErr_WriteUnraisable((PyObject *)w);
    }
    Py_XDECREF(callback);
    Py_XDECREF(context);
    Py_XDECREF(more);
}

/* As a Handle of the loop does with what a callback raised. 0, or -1 for what
 * ends the loop. */
static int report(const oxypy_wakeup *w, PyObject *callback)
{
    PyObject *type, *value, *traceback, *loop, *about, *done = NULL;

    if (PyErr_ExceptionMatches(PyExc_SystemExit) || PyErr_ExceptionMatches(PyExc_KeyboardInterrupt))
        return -1;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL)
        (void)PyException_SetTraceback(value, traceback);
    loop = oxypy_loop_object(w->loop);
    about = Py_BuildValue("{s:N,s:O}", "message", PyUnicode_FromFormat("Exception in callback %R", callback),
                          "exception", value == NULL ? Py_None : value);
    if (loop != NULL && about != NULL)
        done = PyObject_CallMethod(loop, "call_exception_handler", "O", about);
    if (done == NULL)
        PyErr_WriteUnraisable(callback);
    Py_XDECREF(loop);
    Py_XDECREF(about);
    Py_XDECREF(done);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return 0;
}

/* The task goes on, in its context. 0, or -1 for what ends the loop. */
static int resume(oxypy_wakeup *w)
{
    PyObject *callback = w->callback, *context = w->context, *done;
    int rc = 0;

    if (callback == NULL && w->more == NULL)
        return 0; /* nobody has asked yet: add_done_callback() will */
    if (w->more != NULL || PyContext_Enter(context) < 0) {
        PyErr_Clear(); /* the context is in use */
        schedule(w);
        return 0;
    }
    w->callback = w->context = NULL;
    done = PyObject_CallOneArg(callback, (PyObject *)w);
    if (done == NULL)
        rc = report(w, callback);
    Py_XDECREF(done);
    if (rc == 0) {
        if (PyContext_Exit(context) < 0)
            PyErr_WriteUnraisable(context);
    } else {
        PyObject *type, *value, *traceback;

        PyErr_Fetch(&type, &value, &traceback);
        if (PyContext_Exit(context) < 0)
            PyErr_WriteUnraisable(context);
        PyErr_Restore(type, value, traceback);
    }
    Py_DECREF(callback);
    Py_DECREF(context);
    return rc;
}

/* Whether a task runs now: then this callback was called from inside it. */
static bool task_runs(oxypy_loop *loop)
{
    PyObject *task = oxypy_loop_task(loop->st, loop);
    bool runs = task != Py_None;

    if (task == NULL)
        PyErr_Clear();
    Py_XDECREF(task);
    return runs;
}

int oxypy_wakeup_resume(oxypy_loop *loop)
{
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    bool direct = loop->resumes != NULL && !task_runs(loop);
    int rc = 0;

    for (int n = 0; loop->resumes != NULL; n++) {
        oxypy_wakeup *w = loop->resumes;

        loop->resumes = w->next;
        if (loop->resumes == NULL)
            loop->last_resume = NULL;
        w->next = NULL;
        if (direct && n < RESUMES_MAX && rc == 0) {
            rc = resume(w);
            if (rc < 0)
                PyErr_Fetch(&type, &value, &traceback);
        } else {
            schedule(w);
        }
        Py_DECREF((PyObject *)w);
    }
    if (rc < 0)
        PyErr_Restore(type, value, traceback);
    return rc;
}

/* --- for the operation -------------------------------------------------------------- */

oxypy_wakeup *oxypy_wakeup_new(oxypy_loop *loop)
{
    PyTypeObject *type = loop->st->wakeup_type;
    oxypy_wakeup *w = (oxypy_wakeup *)type->tp_alloc(type, 0);

    if (w != NULL)
        w->loop = (oxypy_loop *)Py_NewRef((PyObject *)loop);
    return w;
}

void oxypy_wakeup_yield(oxypy_wakeup *w)
{
    w->blocking = 1;
}

void oxypy_wakeup_resolve(oxypy_wakeup *w)
{
    oxypy_loop *loop = w->loop;

    if (w->outcome != PENDING)
        return;
    w->outcome = RESOLVED;
    if (loop->draining == 0) {
        schedule(w);
        return;
    }
    Py_INCREF((PyObject *)w);
    if (loop->last_resume != NULL)
        loop->last_resume->next = w;
    else
        loop->resumes = w;
    loop->last_resume = w;
}

/* --- what tasks ask of a future ------------------------------------------------------- */

static PyObject *wakeup_get_loop(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    oxypy_wakeup *w = (oxypy_wakeup *)self;
    PyObject *loop = oxypy_loop_object(w->loop);

    return loop != NULL ? loop : oxypy_raise_text(w->loop->st, OXY_INTERFACE, "the event loop is gone");
}

static PyObject *wakeup_done(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(((oxypy_wakeup *)self)->outcome != PENDING);
}

static PyObject *wakeup_cancelled(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(((oxypy_wakeup *)self)->outcome == CANCELED);
}

/* None, or the exception is raised: both results are the same. */
static PyObject *wakeup_result(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    oxypy_wakeup *w = (oxypy_wakeup *)self;
    oxypy_state *st = w->loop->st;
    PyObject *error;

    if (w->outcome == RESOLVED)
        Py_RETURN_NONE;
    if (w->outcome == PENDING) {
        PyErr_SetString(st->invalid_state_error, "Result is not set.");
        return NULL;
    }
    error = w->message == NULL ? PyObject_CallNoArgs(st->cancelled_error)
                               : PyObject_CallOneArg(st->cancelled_error, w->message);
    if (error != NULL) {
        PyErr_SetObject(st->cancelled_error, error);
        Py_DECREF(error);
    }
    return NULL;
}

static PyObject *wakeup_cancel(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"msg", NULL};
    oxypy_wakeup *w = (oxypy_wakeup *)self;
    PyObject *message = Py_None;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:cancel", names, &message))
        return NULL;
    w->blocking = 0;
    if (w->outcome != PENDING)
        Py_RETURN_FALSE;
    w->outcome = CANCELED;
    if (message != Py_None)
        w->message = Py_NewRef(message);
    schedule(w);
    Py_RETURN_TRUE;
}

/* add_done_callback(callback, *, context=None) */
static PyObject *wakeup_add(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames)
{
    oxypy_wakeup *w = (oxypy_wakeup *)self;
    Py_ssize_t keywords = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    PyObject *context = NULL, *pair;
    int rc;

    if (n != 1 || keywords > 1 ||
        (keywords == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "context") != 0)) {
        PyErr_SetString(PyExc_TypeError, "add_done_callback() takes a callback and a context");
        return NULL;
    }
    context = keywords == 1 && args[1] != Py_None ? Py_NewRef(args[1]) : PyContext_CopyCurrent();
    if (context == NULL)
        return NULL;
    if (w->outcome != PENDING) {
        /* Also while it lies in the loop's list: resume() then finds no callback. */
        rc = call_soon(w, args[0], context);
    } else if (w->callback == NULL) {
        w->callback = Py_NewRef(args[0]);
        w->context = Py_NewRef(context);
        rc = 0;
    } else {
        if (w->more == NULL)
            w->more = PyList_New(0);
        pair = w->more == NULL ? NULL : PyTuple_Pack(2, args[0], context);
        rc = pair == NULL ? -1 : PyList_Append(w->more, pair);
        Py_XDECREF(pair);
    }
    Py_DECREF(context);
    if (rc < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* How many were equal to callback; -1 with an exception. */
static Py_ssize_t remove_more(oxypy_wakeup *w, PyObject *callback)
{
    Py_ssize_t removed = 0;

    for (Py_ssize_t i = 0; w->more != NULL && i < PyList_GET_SIZE(w->more);) {
        PyObject *pair = Py_NewRef(PyList_GET_ITEM(w->more, i));
        int same = PyObject_RichCompareBool(PyTuple_GET_ITEM(pair, 0), callback, Py_EQ);

        Py_DECREF(pair);
        if (same < 0 || (same > 0 && PySequence_DelItem(w->more, i) < 0))
            return -1;
        removed += same;
        i += !same;
    }
    return removed;
}

static PyObject *wakeup_remove(PyObject *self, PyObject *callback)
{
    oxypy_wakeup *w = (oxypy_wakeup *)self;
    PyObject *first = Py_XNewRef(w->callback);
    int same = first == NULL ? 0 : PyObject_RichCompareBool(first, callback, Py_EQ);
    Py_ssize_t removed = same < 0 ? -1 : remove_more(w, callback);

    Py_XDECREF(first);
    if (removed < 0)
        return NULL;
    if (same > 0 && w->callback != NULL) {
        Py_CLEAR(w->callback);
        Py_CLEAR(w->context);
        removed++;
    }
    return PyLong_FromSsize_t(removed);
}

static PyObject *wakeup_repr(PyObject *self)
{
    static const char *const words[] = {[PENDING] = "pending", [RESOLVED] = "finished", [CANCELED] = "cancelled"};

    return PyUnicode_FromFormat("<Wakeup %s>", words[((oxypy_wakeup *)self)->outcome]);
}

/* --- type -------------------------------------------------------------------------------- */

static int wakeup_traverse(PyObject *self, visitproc visit, void *arg)
{
    oxypy_wakeup *w = (oxypy_wakeup *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(w->loop);
    Py_VISIT(w->callback);
    Py_VISIT(w->context);
    Py_VISIT(w->more);
    Py_VISIT(w->message);
    return 0;
}

/* The loop's state stays: every method needs it. Its cycles go through what is
 * cleared here. */
static int wakeup_clear(PyObject *self)
{
    oxypy_wakeup *w = (oxypy_wakeup *)self;

    Py_CLEAR(w->callback);
    Py_CLEAR(w->context);
    Py_CLEAR(w->more);
    Py_CLEAR(w->message);
    return 0;
}

static void wakeup_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    (void)wakeup_clear(self);
    Py_XDECREF((PyObject *)((oxypy_wakeup *)self)->loop);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef wakeup_methods[] = {
    {"get_loop", wakeup_get_loop, METH_NOARGS, PyDoc_STR("The event loop.")},
    {"done", wakeup_done, METH_NOARGS, PyDoc_STR("Whether it is over.")},
    {"cancelled", wakeup_cancelled, METH_NOARGS, PyDoc_STR("Whether it was cancelled.")},
    {"result", wakeup_result, METH_NOARGS, PyDoc_STR("None; raises CancelledError.")},
    {"exception", wakeup_result, METH_NOARGS, PyDoc_STR("None; raises CancelledError.")},
    {"cancel", (PyCFunction)(void (*)(void))wakeup_cancel, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("Calls back with CancelledError, unless it is over.")},
    {"add_done_callback", (PyCFunction)(void (*)(void))wakeup_add, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("Calls callback(self) when it is over.")},
    {"remove_done_callback", wakeup_remove, METH_O, PyDoc_STR("How many callbacks were removed.")},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef wakeup_members[] = {
    {"_asyncio_future_blocking", T_BOOL, offsetof(oxypy_wakeup, blocking), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot wakeup_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("What an operation yields to the task that awaits it.")},
    {Py_tp_dealloc, wakeup_dealloc},
    {Py_tp_traverse, wakeup_traverse},
    {Py_tp_clear, wakeup_clear},
    {Py_tp_repr, wakeup_repr},
    {Py_tp_methods, wakeup_methods},
    {Py_tp_members, wakeup_members},
    {0, NULL},
};

static PyType_Spec wakeup_spec = {
    .name = "oxyde._core.Wakeup",
    .basicsize = sizeof(oxypy_wakeup),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = wakeup_slots,
};

int oxypy_wakeup_init(PyObject *module, oxypy_state *st)
{
    PyObject *keyword = PyUnicode_InternFromString("context");

    st->context_keyword = keyword == NULL ? NULL : PyTuple_Pack(1, keyword);
    Py_XDECREF(keyword);
    if (st->context_keyword == NULL)
        return -1;
    st->wakeup_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &wakeup_spec, NULL);
    return st->wakeup_type == NULL ? -1 : 0;
}
