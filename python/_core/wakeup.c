/* SPDX-License-Identifier: MIT */
/* Wakeup: what an operation yields to its task, a future without a value. A
 * future's callbacks wait for the loop's next turn. A wakeup that is resolved
 * while the loop tells us what is ready (LoopState._drain) calls its task back at
 * the end of that very callback, when no task runs and nothing of ours is half
 * done. Everywhere else, and for everything but a task's own callback, it does
 * what asyncio's futures do. */
#include "callbacks.h"
#include "runtime_private.h"

#include <stddef.h>
#include <structmember.h>

/* Tasks resumed in one callback of the loop; the rest waits for its next turn. */
#define RESUMES_MAX 128

typedef enum outcome { PENDING, RESOLVED, CANCELED } outcome;

struct oxypy_wakeup {
    PyObject ob_base;
    oxypy_loop *loop; /* owned */
    oxypy_callbacks callbacks;
    PyObject *message;  /* what cancel() was given, or NULL */
    oxypy_wakeup *next; /* in the loop's list, which owns a reference */
    char blocking;
    uint8_t outcome;
};

/* --- calling back ----------------------------------------------------------------- */

bool oxypy_loop_runs_task(oxypy_loop *loop)
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
    bool direct = loop->resumes != NULL && !oxypy_loop_runs_task(loop);
    int rc = 0;

    for (int n = 0; loop->resumes != NULL; n++) {
        oxypy_wakeup *w = loop->resumes;

        loop->resumes = w->next;
        if (loop->resumes == NULL)
            loop->last_resume = NULL;
        w->next = NULL;
        if (direct && n < RESUMES_MAX && rc == 0) {
            /* Nobody may have asked yet: add_done_callback() will. */
            rc = oxypy_callbacks_run(&w->callbacks, loop, (PyObject *)w);
            if (rc < 0)
                PyErr_Fetch(&type, &value, &traceback);
        } else {
            oxypy_callbacks_schedule(&w->callbacks, w->loop, (PyObject *)w);
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
        oxypy_callbacks_schedule(&w->callbacks, w->loop, (PyObject *)w);
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
    oxypy_callbacks_schedule(&w->callbacks, w->loop, (PyObject *)w);
    Py_RETURN_TRUE;
}

/* add_done_callback(callback, *, context=None) */
static PyObject *wakeup_add(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames)
{
    oxypy_wakeup *w = (oxypy_wakeup *)self;
    PyObject *callback, *context;
    int rc;

    if (oxypy_callbacks_read(args, n, kwnames, &callback, &context) < 0)
        return NULL;
    /* Over also while it lies in the loop's list, where no callback is found then. */
    rc = w->outcome != PENDING ? oxypy_callbacks_soon(w->loop, callback, context, self)
                               : oxypy_callbacks_add(&w->callbacks, callback, context);
    Py_DECREF(context);
    if (rc < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *wakeup_remove(PyObject *self, PyObject *callback)
{
    Py_ssize_t removed = oxypy_callbacks_remove(&((oxypy_wakeup *)self)->callbacks, callback);

    return removed < 0 ? NULL : PyLong_FromSsize_t(removed);
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
    Py_VISIT(w->callbacks.callback);
    Py_VISIT(w->callbacks.context);
    Py_VISIT(w->callbacks.more);
    Py_VISIT(w->message);
    return 0;
}

/* The loop's state stays: every method needs it. Its cycles go through what is
 * cleared here. */
static int wakeup_clear(PyObject *self)
{
    oxypy_wakeup *w = (oxypy_wakeup *)self;

    oxypy_callbacks_clear(&w->callbacks);
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
