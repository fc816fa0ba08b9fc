/* SPDX-License-Identifier: MIT */
/* ddl_change() and ddl_rebuild(): operations of migrations as statements. */
#include "table_read.h"

static int change_kind(const char *name, oxy_change_kind *out)
{
    for (int kind = 0; kind < OXY_CHANGE_COUNT; kind++) {
        if (strcmp(oxy_change_name((oxy_change_kind)kind), name) == 0) {
            *out = (oxy_change_kind)kind;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError, "there is no operation '%s'", name);
    return -1;
}

static int read_number(PyObject *given, uint32_t *out)
{
    unsigned long at = given == Py_None ? OXY_NOWHERE : PyLong_AsUnsignedLong(given);

    if (at == (unsigned long)-1 && PyErr_Occurred())
        return -1;
    *out = at > OXY_NOWHERE ? OXY_NOWHERE : (uint32_t)at;
    return 0;
}

/* (name, old_table, new_table, old_item, new_item, value, before) */
static int read_change(oxypy_reader *r, PyObject *given, oxy_change *out)
{
    PyObject *old_table, *new_table, *old_item, *new_item, *value, *before;
    const char *name;

    if (!PyTuple_Check(given)) {
        PyErr_SetString(PyExc_TypeError, "a change is a tuple");
        return -1;
    }
    if (!PyArg_ParseTuple(given, "sOOOOUU:change", &name, &old_table, &new_table, &old_item, &new_item, &value,
                          &before))
        return -1;
    if (change_kind(name, &out->kind) < 0 || read_number(old_table, &out->old_table) < 0 ||
        read_number(new_table, &out->new_table) < 0 || read_number(old_item, &out->old_item) < 0 ||
        read_number(new_item, &out->new_item) < 0 || oxypy_read_text(r, value, &out->value) < 0)
        return -1;
    return oxypy_read_text(r, before, &out->before);
}

/* (backfill, conversion, unique, concurrently, mapping) */
static int read_extra(oxypy_reader *r, PyObject *given, oxy_change_extra *out)
{
    PyObject *backfill, *conversion, *unique, *mapping;
    int concurrently;

    if (!PyTuple_Check(given)) {
        PyErr_SetString(PyExc_TypeError, "what a change says beside is a tuple");
        return -1;
    }
    if (!PyArg_ParseTuple(given, "UUUpO:extra", &backfill, &conversion, &unique, &concurrently, &mapping))
        return -1;
    out->concurrently = concurrently != 0;
    if (oxypy_read_text(r, backfill, &out->backfill) < 0 || oxypy_read_text(r, conversion, &out->conversion) < 0 ||
        oxypy_read_text(r, unique, &out->unique) < 0)
        return -1;
    return oxypy_read_sequence(r, mapping, sizeof(oxy_rename), oxypy_read_rename, &out->mapping, &out->n_mapping);
}

static const oxy_dialect *dialect_named(const char *name, Py_ssize_t len)
{
    const oxy_dialect *d = oxy_dialect_find((oxy_sv){name, (size_t)len});

    if (d == NULL)
        PyErr_Format(PyExc_ValueError, "unknown dialect '%s'", name);
    return d;
}

static PyObject *finished(oxypy_reader *r, PyObject *list, oxy_rc rc, const oxy_err *err)
{
    if (rc == OXY_OK)
        return list;
    Py_DECREF(list);
    if (!PyErr_Occurred())
        (void)oxypy_raise(r->st, err, NULL, NULL, NULL);
    return NULL;
}

static PyObject *change_statements(oxypy_reader *r, PyObject *args)
{
    PyObject *before, *after, *change, *extra, *list;
    oxy_schema from = {0}, to = {0};
    oxy_change what = {0};
    oxy_change_extra beside = {0};
    const oxy_dialect *d;
    const char *dialect;
    Py_ssize_t len;
    oxy_err err;

    if (!PyArg_ParseTuple(args, "OOOOs#:ddl_change", &before, &after, &change, &extra, &dialect, &len))
        return NULL;
    d = dialect_named(dialect, len);
    if (d == NULL || oxypy_read_schema(r, before, &from) < 0 || oxypy_read_schema(r, after, &to) < 0 ||
        read_change(r, change, &what) < 0 || read_extra(r, extra, &beside) < 0)
        return NULL;
    if (oxy_ddl_needs_rebuild(&from, &to, &what, &beside, d))
        Py_RETURN_NONE;
    list = PyList_New(0);
    if (list == NULL)
        return NULL;
    return finished(
        r, list, oxy_ddl_change(&from, &to, &what, &beside, d, oxy_alloc_default(), oxypy_take_statement, list, &err),
        &err);
}

/* (number of the old column or None, expression, converts) */
static int read_source(oxypy_reader *r, PyObject *given, void *item)
{
    oxy_column_source *out = item;
    PyObject *old_column, *expression;
    int converts;

    if (!PyTuple_Check(given)) {
        PyErr_SetString(PyExc_TypeError, "the source of a column is a tuple");
        return -1;
    }
    if (!PyArg_ParseTuple(given, "OUp:source", &old_column, &expression, &converts))
        return -1;
    out->converts = converts != 0;
    return read_number(old_column, &out->old_column) < 0 ? -1 : oxypy_read_text(r, expression, &out->expression);
}

static PyObject *rebuild_statements(oxypy_reader *r, PyObject *args)
{
    PyObject *from, *to, *sources, *list;
    const oxy_column_source *items = NULL;
    oxy_table_def old_table = {0}, new_table = {0};
    uint32_t n = 0;
    oxy_err err;

    if (!PyArg_ParseTuple(args, "OOO:ddl_rebuild", &from, &to, &sources))
        return NULL;
    if (oxypy_read_table(r, from, &old_table) < 0 || oxypy_read_table(r, to, &new_table) < 0 ||
        oxypy_read_sequence(r, sources, sizeof *items, read_source, &items, &n) < 0)
        return NULL;
    if (n != new_table.n_columns)
        return PyErr_Format(PyExc_ValueError, "the table has %u columns, and %u sources", new_table.n_columns, n);
    list = PyList_New(0);
    if (list == NULL)
        return NULL;
    return finished(r, list,
                    oxy_ddl_rebuild(&old_table, &new_table, items, &oxy_dialect_sqlite, oxy_alloc_default(),
                                    oxypy_take_statement, list, &err),
                    &err);
}

static PyObject *with_reader(PyObject *module, PyObject *args, PyObject *(*call)(oxypy_reader *r, PyObject *args))
{
    oxypy_reader r;
    PyObject *result;

    oxypy_reader_init(&r, oxypy_state_of_module(module));
    result = call(&r, args);
    oxypy_reader_fini(&r);
    return result;
}

static PyObject *ddl_change(PyObject *module, PyObject *args)
{
    return with_reader(module, args, change_statements);
}

static PyObject *ddl_rebuild(PyObject *module, PyObject *args)
{
    return with_reader(module, args, rebuild_statements);
}

static PyMethodDef change_methods[] = {
    {"ddl_change", ddl_change, METH_VARARGS,
     PyDoc_STR("The statements of one operation; None where the table has to be made anew.")},
    {"ddl_rebuild", ddl_rebuild, METH_VARARGS, PyDoc_STR("SQLite: the statements that make a table anew.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_schema_change_init(PyObject *module, oxypy_state *st)
{
    (void)st;
    return PyModule_AddFunctions(module, change_methods);
}
