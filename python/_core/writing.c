/* SPDX-License-Identifier: MIT */
/* create(**values) and update(**values) as their Python functions would do them,
 * where nothing but values is given and no hook of the model's own is to be
 * called. What is asked of the class here is asked at each call: classes change. */
#include "writing.h"

#include "instance.h"

/* --- create --------------------------------------------------------------------------- */

int oxypy_inherits(PyObject *model, PyObject *name, PyObject *own)
{
    PyObject *found;

#ifdef Py_GIL_DISABLED
    found = PyObject_GetAttr(model, name);
    Py_XDECREF(found);
    return found == NULL ? -1 : found == own;
#else
    found = _PyType_Lookup((PyTypeObject *)model, name);
    return found == own;
#endif
}

/* Nearly every new instance is ready to be written: see unsettled.c. */
static int prepare(const oxypy_plan *plan, PyObject *helper, PyObject *made)
{
    PyObject *instances, *done;

    if (Py_TYPE(made) == plan->model && plan->n_relations == 0 && oxypy_instance_state_get(plan, made) == NULL)
        return 0;
    instances = PyTuple_Pack(1, made);
    done = instances == NULL ? NULL : PyObject_CallFunctionObjArgs(helper, (PyObject *)plan->model, instances, NULL);
    Py_XDECREF(instances);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static PyObject *insert_of(oxypy_state *st, PyObject *model, PyObject *made)
{
    PyObject *insert = oxypy_insert_one(st, model, made);
    oxypy_operation *op;

    if (insert == NULL)
        return NULL;
    op = (oxypy_operation *)oxypy_make_statement(st, OXYPY_DO_INSERT, insert, OXYPY_SINK_REFILL, -1);
    Py_DECREF(insert);
    if (op != NULL) {
        op->arg = Py_NewRef(made);
        op->into = Py_NewRef(made);
    }
    return (PyObject *)op;
}

static int create(oxypy_state *st, oxypy_query *q, PyObject *helper, PyObject *keywords, PyObject *const *values,
                  PyObject **out)
{
    int plain = st->pre_save == NULL ? 0 : oxypy_inherits(q->model, st->s_pre_save, st->pre_save);
    PyObject *made;
    oxypy_plan *plan;

    if (plain == 1)
        plain = oxypy_inherits(q->model, st->s_post_save, st->post_save);
    if (plain != 1)
        return plain;
    made = PyObject_Vectorcall(q->model, values, 0, keywords);
    if (made == NULL)
        return -1;
    plan = oxypy_plan_of(st, q->model);
    *out = plan == NULL || prepare(plan, helper, made) < 0 ? NULL : insert_of(st, q->model, made);
    Py_DECREF(made);
    return *out == NULL ? -1 : 1;
}

/* --- update --------------------------------------------------------------------------- */

/* Whether all are columns, and none is given the value of a query. */
static bool are_columns(const oxypy_state *st, const oxypy_plan *plan, PyObject *keywords, PyObject *const *values)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keywords); i++) {
        PyObject *name = PyTuple_GET_ITEM(keywords, i);

        if (!PyUnicode_CheckExact(name) || oxypy_plan_field(plan, name) < 0 ||
            PyObject_TypeCheck(values[i], st->query_type))
            return false;
    }
    return true;
}

/* Expressions as they are, constants validated as in assignment. New reference. */
static PyObject *checked(oxypy_state *st, PyObject *model, PyObject *helper, PyObject *keywords,
                         PyObject *const *values)
{
    PyObject *changes = PyDict_New();

    for (Py_ssize_t i = 0; changes != NULL && i < PyTuple_GET_SIZE(keywords); i++) {
        PyObject *name = PyTuple_GET_ITEM(keywords, i), *given[] = {model, name, values[i]};
        PyObject *value = PyObject_TypeCheck(values[i], st->expr_type) ? Py_NewRef(values[i])
                                                                       : PyObject_Vectorcall(helper, given, 3, NULL);

        if (value == NULL || PyDict_SetItem(changes, name, value) < 0)
            Py_CLEAR(changes);
        Py_XDECREF(value);
    }
    return changes;
}

static int update(oxypy_state *st, oxypy_query *q, PyObject *helper, PyObject *keywords, PyObject *const *values,
                  PyObject **out)
{
    oxypy_plan *plan = oxypy_plan_of(st, q->model);
    PyObject *changes;
    oxypy_operation *op;

    if (plan == NULL)
        return -1;
    if (q->group_by != NULL || q->sets != NULL || !are_columns(st, plan, keywords, values))
        return 0;
    changes = checked(st, q->model, helper, keywords, values);
    if (changes == NULL)
        return -1;
    op = (oxypy_operation *)oxypy_make_statement(st, OXYPY_DO_UPDATE, (PyObject *)q, OXYPY_SINK_AFFECTED, -1);
    if (op != NULL) {
        op->write = true;
        op->arg = Py_NewRef(changes);
    }
    Py_DECREF(changes);
    *out = (PyObject *)op;
    return op == NULL ? -1 : 1;
}

oxypy_writing *oxypy_writing_of(int what)
{
    return what == OXYPY_DO_INSERT ? create : what == OXYPY_DO_UPDATE ? update : NULL;
}

/* --- the hooks that nobody wrote -------------------------------------------------------- */

static PyObject *use_hooks(PyObject *module, PyObject *args)
{
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *pre_save, *post_save, *pre_delete, *post_delete;

    if (!PyArg_ParseTuple(args, "OOOO:use_hooks", &pre_save, &post_save, &pre_delete, &post_delete))
        return NULL;
    Py_XSETREF(st->pre_save, Py_NewRef(pre_save));
    Py_XSETREF(st->post_save, Py_NewRef(post_save));
    Py_XSETREF(st->pre_delete, Py_NewRef(pre_delete));
    Py_XSETREF(st->post_delete, Py_NewRef(post_delete));
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"use_hooks", use_hooks, METH_VARARGS,
     PyDoc_STR("use_hooks(pre_save, post_save, pre_delete, post_delete): those of the base class, not to be called.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_writing_init(PyObject *module, oxypy_state *st)
{
    (void)st;
    return PyModule_AddFunctions(module, functions);
}
