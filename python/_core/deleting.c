/* SPDX-License-Identifier: MIT */
/* instance.delete() as its Python function would do it, where nothing is given and
 * no hook of the model's own is to be called. The key is read when the operation
 * begins, as a coroutine would: it may be assigned until then. */
#include "instance.h"
#include "writing.h"

#define KEY_MOST 8 /* columns of a key; longer ones are the function's */

/* --- the statement -------------------------------------------------------------------- */

/* The row of the instance as a query. New reference. */
static PyObject *row_query(oxypy_state *st, const oxypy_plan *plan, PyObject *names, PyObject *const *values)
{
    PyObject *all = PyObject_CallOneArg((PyObject *)st->query_type, (PyObject *)plan->model);
    PyObject *row = all == NULL ? NULL : oxypy_query_filter(st, (oxypy_query *)all, names, values);

    Py_XDECREF(all);
    return row;
}

/* The values of the key. 0, or -1 if one is missing; what was taken is in *n. */
static int take_key(oxypy_state *st, const oxypy_plan *plan, PyObject *dict, PyObject *names, PyObject **values,
                    uint32_t *n)
{
    for (*n = 0; *n < plan->n_pk;) {
        PyObject *name = plan->fields[plan->pk[*n]].name, *value = PyDict_GetItemWithError(dict, name);

        if (value == NULL && PyErr_Occurred())
            return -1;
        if (value == NULL || value == Py_None) {
            PyErr_SetString(st->exceptions[OXY_MANAGER], "delete() requires the instance to have a primary key value");
            return -1;
        }
        PyTuple_SET_ITEM(names, (Py_ssize_t)*n, Py_NewRef(name));
        values[(*n)++] = Py_NewRef(value); /* a conversion may run anything */
    }
    return 0;
}

static PyObject *query_of(oxypy_state *st, PyObject *instance)
{
    const oxypy_plan *plan = oxypy_plan_of(st, (PyObject *)Py_TYPE(instance));
    PyObject *values[KEY_MOST], *dict, *names, *query = NULL;
    uint32_t n = 0;

    if (plan == NULL)
        return NULL;
    if (plan->n_pk == 0 || plan->n_pk > KEY_MOST) {
        PyErr_SetString(PyExc_RuntimeError, "the model got another key after delete() was called");
        return NULL;
    }
    dict = oxypy_instance_dict(instance);
    names = dict == NULL ? NULL : PyTuple_New((Py_ssize_t)plan->n_pk);
    if (names != NULL && take_key(st, plan, dict, names, values, &n) == 0)
        query = row_query(st, plan, names, values);
    while (n > 0)
        Py_DECREF(values[--n]);
    Py_XDECREF(names);
    Py_XDECREF(dict);
    return query;
}

/* The first step: from here on it is a statement as any other. */
static oxypy_next begin(oxypy_operation *op, PyObject **result)
{
    op->subject = query_of(op->st, op->into);
    if (op->subject == NULL)
        return OXYPY_NEXT_ERROR;
    op->kind = &oxypy_op_statement;
    return op->kind->advance(op, result);
}

/* Nothing was begun. */
static void give_up(oxypy_operation *op)
{
    (void)op;
}

static const oxypy_op_kind deletion = {
    .name = "delete",
    .advance = begin,
    .abandon = give_up,
};

/* --- the call ------------------------------------------------------------------------- */

int oxypy_delete_row(oxypy_state *st, PyObject *instance, PyObject **out)
{
    PyObject *model = (PyObject *)Py_TYPE(instance);
    const oxypy_plan *plan = oxypy_plan_of(st, model);
    int plain = st->pre_delete == NULL ? 0 : 1;
    oxypy_operation *op;

    if (plan == NULL) {
        PyErr_Clear(); /* said by the function, when it is awaited */
        return 0;
    }
    if (plan->n_pk == 0 || plan->n_pk > KEY_MOST)
        return 0;
    if (plain == 1)
        plain = oxypy_inherits(model, st->s_pre_delete, st->pre_delete);
    if (plain == 1)
        plain = oxypy_inherits(model, st->s_post_delete, st->post_delete);
    if (plain != 1)
        return plain;
    op = oxypy_operation_new(st, &deletion);
    if (op == NULL)
        return -1;
    op->what = OXYPY_DO_DELETE;
    op->sink = OXYPY_SINK_DELETED;
    op->write = true;
    op->into = Py_NewRef(instance);
    *out = (PyObject *)op;
    return 1;
}

int oxypy_note_deleted(oxypy_state *st, PyObject *instance)
{
    const oxypy_plan *plan = oxypy_plan_of(st, (PyObject *)Py_TYPE(instance));
    const oxypy_instance_state *old = plan == NULL ? NULL : oxypy_instance_state_get(plan, instance);
    PyObject *state;

    if (plan == NULL)
        return -1;
    state = oxypy_instance_state_new(st, false, old == NULL ? Py_None : old->loaded,
                                     old == NULL ? NULL : old->relations, NULL);
    if (state == NULL)
        return -1;
    oxypy_slot_steal(instance, plan->off_state, state);
    return 0;
}
