/* SPDX-License-Identifier: MIT */
/* Whether an operation that gather() is given needs a task of its own. Nobody can
 * miss the task of a plain read that calls none of the user's code: not
 * asyncio.current_task(), not a factory. */
#include "gathered.h"

/* gather() itself, ensure_future() and isfuture(), with some room. */
#define FRAMES_MAX 4

/* Only gather() is known to call add_done_callback() on whatever is a future, which
 * is what begins the operation; ensure_future() would give it back as it is. */
static bool gather_asks(const oxypy_state *st)
{
    PyFrameObject *frame = PyEval_GetFrame();
    bool found = false;

    if (st->gather_code == NULL || frame == NULL)
        return false;
    Py_INCREF(frame);
    for (int i = 0; frame != NULL && !found && i < FRAMES_MAX; i++) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        PyFrameObject *back = PyFrame_GetBack(frame);

        found = (PyObject *)code == st->gather_code;
        Py_DECREF(code);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    return found;
}

static bool is_builtin_type(PyObject *o)
{
    return PyType_Check(o) && !PyType_HasFeature((PyTypeObject *)o, Py_TPFLAGS_HEAPTYPE);
}

/* Whether rows of the model are made, and its values stored, without the user's code. */
static bool plan_is_quiet(const oxypy_plan *plan)
{
    if (plan->whole_model || plan->init_private != NULL)
        return false;
    for (uint32_t i = 0; i < plan->n_absent; i++)
        if (plan->absent[i].factory != NULL && !is_builtin_type(plan->absent[i].factory))
            return false;
    for (uint32_t i = 0; i < plan->n_fields; i++)
        if (plan->fields[i].load == OXYPY_LOAD_VALIDATOR || plan->fields[i].to_stored != NULL)
            return false;
    return true;
}

static bool is_quiet_read(const oxypy_operation *op)
{
    oxypy_state *st = op->st;
    const oxypy_query *q = (const oxypy_query *)op->subject;
    const oxypy_plan *plan;

    if (op->kind != &oxypy_op_statement || op->started || op->finished || op->gathered != NULL || op->sql != NULL ||
        op->what > OXYPY_DO_AGGREGATE || op->write || op->chunk > 0 || op->subject == NULL ||
        !PyObject_TypeCheck(op->subject, st->query_type))
        return false;
    if (q->lock != NULL || q->joins != NULL || q->link != NULL || q->prefetches != NULL || q->sets != NULL ||
        st->runtime->observer != NULL)
        return false;
    plan = oxypy_plan_of(st, q->model);
    if (plan == NULL)
        PyErr_Clear(); /* it is said when the statement is prepared */
    return plan != NULL && plan_is_quiet(plan);
}

/* Whether its database is open, and no other takes part. */
static bool is_at_hand(const oxypy_operation *op)
{
    oxypy_state *st = op->st;
    PyObject *found = op->client;
    const oxypy_database *db;

    if (found == NULL) {
        if (st->registry == NULL || (op->using_ == NULL && st->runtime->router != NULL))
            return false;
        found = PyDict_GetItemWithError(st->registry, op->using_ != NULL ? op->using_ : st->s_default_);
        if (found == NULL)
            PyErr_Clear();
    }
    if (found == NULL || !PyObject_TypeCheck(found, st->database_type))
        return false;
    db = (const oxypy_database *)found;
    return oxypy_database_is_open(db) && db->replicas == NULL;
}

/* Whether somebody wants to see all tasks of the loop. */
static bool watches_tasks(PyObject *loop)
{
    PyObject *factory = PyObject_CallMethod(loop, "get_task_factory", NULL);
    PyObject *debug = factory == NULL ? NULL : PyObject_CallMethod(loop, "get_debug", NULL);
    bool watches = factory != Py_None || debug != Py_False;

    Py_XDECREF(factory);
    Py_XDECREF(debug);
    PyErr_Clear();
    return watches;
}

bool oxypy_operation_needs_task(const oxypy_operation *op)
{
    oxypy_loop *loop;
    PyObject *object;
    bool needs;

    if (!is_quiet_read(op) || !is_at_hand(op) || !gather_asks(op->st))
        return true;
    loop = oxypy_loop_find(op->st);
    if (loop == NULL)
        return true;
    /* Asked once for those that begin together. */
    needs = false;
    if (loop->gathered == NULL) {
        object = oxypy_loop_object(loop);
        needs = object == NULL || watches_tasks(object);
        Py_XDECREF(object);
    }
    Py_DECREF((PyObject *)loop);
    return needs;
}
