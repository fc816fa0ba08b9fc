/* SPDX-License-Identifier: MIT */
/* Stream: rows one by one, for `async for`. It awaits an operation that gives
 * its rows in parts, and what is to be loaded for each part, and hands them out.
 *
 * A row that is there already costs no object: the stream itself is what
 * `async for` awaits, and it answers at once. Only where it may have to wait a
 * step stands between, so that two tasks cannot be taken for one another. */
#include "runtime_private.h"

typedef struct oxypy_stream {
    PyObject ob_base;
    oxypy_state *st;
    oxypy_operation *op; /* NULL: there are no more parts */
    PyObject *rows;      /* list: the part at hand, or NULL */
    Py_ssize_t at;       /* the next of them */
    PyObject *load;      /* callable(rows) -> coroutine, or NULL */
    PyObject *loading;   /* that coroutine, not over yet, or NULL */
    bool awaited;        /* a step is under way */
    bool running;        /* it moves on, which may run Python code: nobody else ends it meanwhile */
} oxypy_stream;

typedef enum step_kind { STEP_NEXT, STEP_CLOSE } step_kind;

typedef struct oxypy_step {
    PyObject ob_base;
    oxypy_stream *stream; /* owned; NULL: it is over */
    uint8_t kind;         /* step_kind */
    bool started;
} oxypy_step;

/* --- rows ------------------------------------------------------------------------ */

/* Lets go of everything; keeps the exception. */
static void stop(oxypy_stream *s)
{
    PyObject *type, *value, *traceback;
    oxypy_operation *op = s->op;

    PyErr_Fetch(&type, &value, &traceback);
    s->op = NULL;
    Py_CLEAR(s->loading);
    Py_CLEAR(s->rows);
    if (op != NULL) {
        oxypy_operation_close(op);
        Py_DECREF((PyObject *)op);
    }
    PyErr_Restore(type, value, traceback);
}

static bool has_row(const oxypy_stream *s)
{
    return s->rows != NULL && s->loading == NULL && s->at < PyList_GET_SIZE(s->rows);
}

/* The list keeps no row that was handed out. */
static PyObject *take_row(oxypy_stream *s)
{
    PyObject *row = PyList_GET_ITEM(s->rows, s->at);

    PyList_SET_ITEM(s->rows, s->at, Py_NewRef(Py_None));
    s->at++;
    return row;
}

/* The next part has come: false with an exception. */
static bool take_part(oxypy_stream *s, PyObject *rows)
{
    s->rows = rows;
    s->at = 0;
    if (s->op->finished)
        Py_CLEAR(s->op);
    if (s->load == NULL || PyList_GET_SIZE(rows) == 0)
        return true;
    s->loading = PyObject_CallOneArg(s->load, rows);
    return s->loading != NULL;
}

static PySendResult advance(oxypy_stream *s, PyObject **result)
{
    PySendResult said;

    for (;;) {
        if (s->loading != NULL) {
            said = PyIter_Send(s->loading, Py_None, result);
            if (said == PYGEN_NEXT)
                return said;
            if (said == PYGEN_ERROR)
                break;
            Py_CLEAR(s->loading);
            Py_CLEAR(*result);
        }
        if (has_row(s)) {
            *result = take_row(s);
            return PYGEN_RETURN;
        }
        Py_CLEAR(s->rows);
        *result = NULL;
        if (s->op == NULL) {
            PyErr_SetNone(PyExc_StopAsyncIteration);
            return PYGEN_ERROR;
        }
        said = PyIter_Send((PyObject *)s->op, Py_None, result);
        if (said == PYGEN_NEXT)
            return said;
        if (said == PYGEN_ERROR || !take_part(s, *result))
            break;
        *result = NULL;
    }
    stop(s);
    *result = NULL;
    return PYGEN_ERROR;
}

/* Iterators answer like this. */
static PyObject *as_iteration(PySendResult said, PyObject *result)
{
    PyObject *end;

    if (said != PYGEN_RETURN)
        return result;
    /* Called, not passed with PyErr_SetObject, which would unpack a tuple. */
    end = PyObject_CallOneArg(PyExc_StopIteration, result);
    if (end != NULL) {
        PyErr_SetObject(PyExc_StopIteration, end);
        Py_DECREF(end);
    }
    Py_DECREF(result);
    return NULL;
}

/* --- a step ------------------------------------------------------------------------ */

static PyObject *step_new(oxypy_stream *s, step_kind kind)
{
    oxypy_step *step = (oxypy_step *)s->st->step_type->tp_alloc(s->st->step_type, 0);

    if (step == NULL)
        return NULL;
    step->stream = (oxypy_stream *)Py_NewRef((PyObject *)s);
    step->kind = (uint8_t)kind;
    return (PyObject *)step;
}

/* It has answered for the last time. */
static void step_over(oxypy_step *step)
{
    oxypy_stream *s = step->stream;

    step->stream = NULL;
    if (s != NULL && step->started)
        s->awaited = false;
    Py_XDECREF((PyObject *)s);
}

/* As of a generator. */
static int refuse_running(const oxypy_stream *s)
{
    if (!s->running)
        return 0;
    PyErr_SetString(PyExc_ValueError, "stream already executing");
    return -1;
}

static int step_enter(oxypy_step *step)
{
    if (step->stream == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse an already awaited step of a stream");
        return -1;
    }
    if (refuse_running(step->stream) < 0)
        return -1;
    if (step->started)
        return 0;
    if (step->stream->awaited) {
        PyErr_SetString(PyExc_RuntimeError, "another task awaits the next row of this stream");
        return -1;
    }
    step->started = step->stream->awaited = true;
    return 0;
}

static PySendResult step_am_send(PyObject *self, PyObject *Py_UNUSED(value), PyObject **result)
{
    oxypy_step *step = (oxypy_step *)self;
    PySendResult said;

    *result = NULL;
    if (step_enter(step) < 0)
        return PYGEN_ERROR;
    Py_INCREF(self);
    if (step->kind == STEP_CLOSE) {
        stop(step->stream);
        *result = Py_NewRef(Py_None);
        said = PYGEN_RETURN;
    } else {
        step->stream->running = true;
        said = advance(step->stream, result);
        step->stream->running = false;
    }
    if (said != PYGEN_NEXT)
        step_over(step);
    Py_DECREF(self);
    return said;
}

static PyObject *step_next(PyObject *self)
{
    PyObject *result;
    PySendResult said = step_am_send(self, Py_None, &result);

    return as_iteration(said, result);
}

static PyObject *step_send(PyObject *self, PyObject *Py_UNUSED(value))
{
    return step_next(self);
}

static void raise_given(PyObject *const *args, Py_ssize_t n)
{
    if (PyExceptionInstance_Check(args[0]))
        PyErr_SetObject((PyObject *)Py_TYPE(args[0]), args[0]);
    else if (PyExceptionClass_Check(args[0]))
        PyErr_SetObject(args[0], n > 1 ? args[1] : NULL);
    else
        PyErr_SetString(PyExc_TypeError, "throw() takes an exception");
}

/* What is awaited at the moment gets the exception first. */
static PyObject *throw_into(oxypy_stream *s, PyObject *const *args, Py_ssize_t n)
{
    PyObject *target = Py_NewRef(s->loading != NULL ? s->loading : (PyObject *)s->op), *throw_, *result = NULL;

    throw_ = PyObject_GetAttr(target, s->st->s_throw_);
    if (throw_ != NULL)
        result = PyObject_Vectorcall(throw_, args, (size_t)n, NULL);
    Py_XDECREF(throw_);
    Py_DECREF(target);
    return result;
}

static PyObject *step_throw(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    oxypy_step *step = (oxypy_step *)self;
    oxypy_stream *s = step->stream;
    PyObject *result = NULL;

    if (n < 1 || n > 3)
        return PyErr_Format(PyExc_TypeError, "throw expected 1 to 3 arguments, got %zd", n);
    if (step_enter(step) < 0)
        return NULL;
    Py_INCREF(self);
    s->running = true;
    if (step->kind == STEP_NEXT && (s->loading != NULL || s->op != NULL))
        result = throw_into(s, args, n);
    else
        raise_given(args, n);
    s->running = false;
    if (result == NULL && s->loading != NULL && PyErr_ExceptionMatches(PyExc_StopIteration)) {
        PyErr_Clear(); /* it took the exception and ended: the rows are loaded */
        Py_CLEAR(s->loading);
        result = step_next(self);
    } else if (result == NULL) {
        stop(s);
        step_over(step);
    }
    Py_DECREF(self);
    return result;
}

static PyObject *step_close(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    oxypy_step *step = (oxypy_step *)self;

    if (step->stream != NULL && step->started) {
        if (refuse_running(step->stream) < 0)
            return NULL;
        stop(step->stream);
    }
    step_over(step);
    Py_RETURN_NONE;
}

static PyObject *step_await(PyObject *self)
{
    return Py_NewRef(self);
}

static int step_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)((oxypy_step *)self)->stream);
    return 0;
}

static int step_clear(PyObject *self)
{
    Py_CLEAR(((oxypy_step *)self)->stream);
    return 0;
}

/* A step that was dropped in the middle takes the stream along, as a coroutine would. */
static void step_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    oxypy_step *step = (oxypy_step *)self;

    PyObject_GC_UnTrack(self);
    if (step->stream != NULL && step->started)
        stop(step->stream);
    step_over(step);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef step_methods[] = {
    {"send", step_send, METH_O, PyDoc_STR("Moves on until there is something to wait for.")},
    {"throw", (PyCFunction)(void (*)(void))step_throw, METH_FASTCALL, PyDoc_STR("Gives up with an exception.")},
    {"close", step_close, METH_NOARGS, PyDoc_STR("Gives up.")},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot step_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("The next row of a stream, or its end; awaitable.")},
    {Py_tp_dealloc, step_dealloc},
    {Py_tp_traverse, step_traverse},
    {Py_tp_clear, step_clear},
    {Py_tp_iter, step_await},
    {Py_tp_iternext, step_next},
    {Py_am_await, step_await},
    {Py_am_send, step_am_send},
    {Py_tp_methods, step_methods},
    {0, NULL},
};

static PyType_Spec step_spec = {
    .name = "oxyde._core.StreamStep",
    .basicsize = sizeof(oxypy_step),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = step_slots,
};

/* --- the stream ---------------------------------------------------------------------- */

static PyObject *stream_aiter(PyObject *self)
{
    return Py_NewRef(self);
}

static PyObject *stream_anext(PyObject *self)
{
    oxypy_stream *s = (oxypy_stream *)self;

    return has_row(s) && !s->awaited ? Py_NewRef(self) : step_new(s, STEP_NEXT);
}

static PySendResult stream_am_send(PyObject *self, PyObject *Py_UNUSED(value), PyObject **result)
{
    oxypy_stream *s = (oxypy_stream *)self;

    if (has_row(s) && !s->awaited) {
        *result = take_row(s);
        return PYGEN_RETURN;
    }
    *result = NULL;
    PyErr_SetString(PyExc_RuntimeError, "another task took the next row of this stream");
    return PYGEN_ERROR;
}

static PyObject *stream_next(PyObject *self)
{
    PyObject *result;
    PySendResult said = stream_am_send(self, Py_None, &result);

    return as_iteration(said, result);
}

static PyObject *stream_aclose(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return step_new((oxypy_stream *)self, STEP_CLOSE);
}

static int stream_traverse(PyObject *self, visitproc visit, void *arg)
{
    oxypy_stream *s = (oxypy_stream *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)s->op);
    Py_VISIT(s->rows);
    Py_VISIT(s->load);
    Py_VISIT(s->loading);
    return 0;
}

static int stream_clear(PyObject *self)
{
    oxypy_stream *s = (oxypy_stream *)self;

    stop(s);
    Py_CLEAR(s->load);
    return 0;
}

static void stream_finalize(PyObject *self)
{
    stop((oxypy_stream *)self);
}

static void stream_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    if (PyObject_CallFinalizerFromDealloc(self) < 0)
        return;
    PyObject_GC_UnTrack(self);
    (void)stream_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef stream_methods[] = {
    {"aclose", stream_aclose, METH_NOARGS, PyDoc_STR("Ends the statement and gives the connection back.")},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot stream_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("Rows one by one: `async for row in query.iterator()`.")},
    {Py_tp_dealloc, stream_dealloc},
    {Py_tp_finalize, stream_finalize},
    {Py_tp_traverse, stream_traverse},
    {Py_tp_clear, stream_clear},
    {Py_tp_iternext, stream_next},
    {Py_am_await, stream_aiter},
    {Py_am_send, stream_am_send},
    {Py_am_aiter, stream_aiter},
    {Py_am_anext, stream_anext},
    {Py_tp_methods, stream_methods},
    {0, NULL},
};

static PyType_Spec stream_spec = {
    .name = "oxyde._core.Stream",
    .basicsize = sizeof(oxypy_stream),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = stream_slots,
};

/* stream(operation, load=None) */
static PyObject *make_stream(PyObject *module, PyObject *args)
{
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *op, *load = Py_None;
    oxypy_stream *s;

    if (!PyArg_ParseTuple(args, "O!|O:stream", st->operation_type, &op, &load))
        return NULL;
    if (((oxypy_operation *)op)->chunk == 0 || ((oxypy_operation *)op)->started) {
        PyErr_SetString(PyExc_ValueError, "a stream is made of an operation with chunk=, not awaited before");
        return NULL;
    }
    s = (oxypy_stream *)st->stream_type->tp_alloc(st->stream_type, 0);
    if (s == NULL)
        return NULL;
    s->st = st;
    s->op = (oxypy_operation *)Py_NewRef(op);
    s->load = load == Py_None ? NULL : Py_NewRef(load);
    return (PyObject *)s;
}

static PyMethodDef stream_functions[] = {
    {"stream", make_stream, METH_VARARGS, PyDoc_STR("Rows one by one from an operation that gives them in parts.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_stream_init(PyObject *module, oxypy_state *st)
{
    st->step_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &step_spec, NULL);
    if (st->step_type == NULL)
        return -1;
    st->stream_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &stream_spec, NULL);
    if (st->stream_type == NULL || PyModule_AddType(module, st->stream_type) < 0)
        return -1;
    return PyModule_AddFunctions(module, stream_functions);
}
