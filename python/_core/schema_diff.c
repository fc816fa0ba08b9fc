/* SPDX-License-Identifier: MIT */
/* schema_diff() and default_same(): two described schemas compared. Changes
 * come back as tuples of numbers into what was given; oxyde.migrations makes
 * operations of them. */
#include "table_read.h"

/* --- changes ------------------------------------------------------------------------------ */

typedef struct taker {
    PyObject *list;
    const oxy_schema *from, *to;
} taker;

static PyObject *number(uint32_t at)
{
    return at == OXY_NOWHERE ? Py_NewRef(Py_None) : PyLong_FromUnsignedLong(at);
}

/* Numbers of the foreign keys that a table is made or dropped without. */
static PyObject *left_out(const taker *t, const oxy_change *change)
{
    PyObject *list = PyList_New(0), *tuple;
    const oxy_table_def *table = change->new_table != OXY_NOWHERE   ? &t->to->tables[change->new_table]
                                 : change->old_table != OXY_NOWHERE ? &t->from->tables[change->old_table]
                                                                    : NULL;
    uint32_t n = change->without_keys == NULL || table == NULL ? 0 : table->n_foreign_keys;

    for (uint32_t i = 0; list != NULL && i < n; i++) {
        PyObject *at = change->without_keys[i] ? PyLong_FromUnsignedLong(i) : NULL;

        if (change->without_keys[i] && (at == NULL || PyList_Append(list, at) < 0))
            Py_CLEAR(list);
        Py_XDECREF(at);
    }
    tuple = list == NULL ? NULL : PyList_AsTuple(list);
    Py_XDECREF(list);
    return tuple;
}

/* Leaves a Python exception behind when it fails, which then counts. */
static oxy_rc take_change(void *arg, const oxy_change *change)
{
    taker *t = arg;
    PyObject *tuple = Py_BuildValue("(sNNNNs#s#N)", oxy_change_name(change->kind), number(change->old_table),
                                    number(change->new_table), number(change->old_item), number(change->new_item),
                                    change->value.p != NULL ? change->value.p : "", (Py_ssize_t)change->value.len,
                                    change->before.p != NULL ? change->before.p : "", (Py_ssize_t)change->before.len,
                                    left_out(t, change));
    int rc = tuple == NULL ? -1 : PyList_Append(t->list, tuple);

    Py_XDECREF(tuple);
    return rc < 0 ? OXY_INTERNAL : OXY_OK;
}

static PyObject *compare(oxypy_reader *r, PyObject *from, PyObject *to, PyObject *renames)
{
    oxy_schema a = {0}, b = {0};
    const oxy_rename *answers = NULL;
    uint32_t n_answers = 0;
    taker t = {.from = &a, .to = &b};
    oxy_err err;

    if (oxypy_read_schema(r, from, &a) < 0 || oxypy_read_schema(r, to, &b) < 0 ||
        oxypy_read_sequence(r, renames, sizeof *answers, oxypy_read_rename, &answers, &n_answers) < 0)
        return NULL;
    t.list = PyList_New(0);
    if (t.list != NULL &&
        oxy_schema_diff(&a, &b, answers, n_answers, oxy_alloc_default(), take_change, &t, &err) != OXY_OK) {
        Py_CLEAR(t.list);
        if (!PyErr_Occurred())
            (void)oxypy_raise(r->st, &err, NULL, NULL, NULL);
    }
    return t.list;
}

static PyObject *schema_diff(PyObject *module, PyObject *args)
{
    PyObject *from, *to, *renames, *list;
    oxypy_reader r;

    if (!PyArg_ParseTuple(args, "OOO:schema_diff", &from, &to, &renames))
        return NULL;
    oxypy_reader_init(&r, oxypy_state_of_module(module));
    list = compare(&r, from, to, renames);
    oxypy_reader_fini(&r);
    return list;
}

static PyObject *default_same(PyObject *module, PyObject *args)
{
    Py_ssize_t len_a, len_b;
    const char *a, *b;
    int kind;

    (void)module;
    if (!PyArg_ParseTuple(args, "is#s#:default_same", &kind, &a, &len_a, &b, &len_b))
        return NULL;
    return PyBool_FromLong(oxy_default_same((oxy_kind)kind, (oxy_sv){a, (size_t)len_a}, (oxy_sv){b, (size_t)len_b}));
}

static PyMethodDef diff_methods[] = {
    {"schema_diff", schema_diff, METH_VARARGS, PyDoc_STR("The changes that lead from one schema to another.")},
    {"default_same", default_same, METH_VARARGS, PyDoc_STR("Whether two DEFAULT texts mean the same.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_schema_diff_init(PyObject *module, oxypy_state *st)
{
    (void)st;
    return PyModule_AddFunctions(module, diff_methods);
}
