/* SPDX-License-Identifier: MIT */
/* ddl_create() and ddl_drop(): tables described by dicts, as SQL statements;
 * ddl_defaults(): what their columns default to. */
#include "table_read.h"

/* --- the two functions ------------------------------------------------------------------------------ */

typedef oxy_rc (*ddl_fn)(const oxy_table_def *tables, uint32_t n, const oxy_dialect *d, bool tolerant,
                         const oxy_alloc *alloc, oxy_ddl_sink sink, void *arg, oxy_err *err);

oxy_rc oxypy_take_statement(void *arg, const char *sql, size_t len)
{
    PyObject *text = PyUnicode_DecodeUTF8(sql, (Py_ssize_t)len, "strict");
    int rc = text == NULL ? -1 : PyList_Append(arg, text);

    Py_XDECREF(text);
    return rc < 0 ? OXY_INTERNAL : OXY_OK;
}

static PyObject *run(oxypy_reader *r, PyObject *tables, const oxy_dialect *d, bool tolerant, ddl_fn ddl)
{
    PyObject *tuple = PySequence_Tuple(tables), *list = NULL;
    const oxy_table_def *items = NULL;
    uint32_t n = 0;
    oxy_err err;

    if (tuple == NULL)
        return NULL;
    if (oxypy_read_items(r, tuple, sizeof *items, oxypy_read_table, &items, &n) < 0)
        goto done;
    list = PyList_New(0);
    if (list == NULL)
        goto done;
    if (ddl(items, n, d, tolerant, oxy_alloc_default(), oxypy_take_statement, list, &err) != OXY_OK) {
        Py_CLEAR(list);
        if (!PyErr_Occurred())
            (void)oxypy_raise(r->st, &err, NULL, NULL, NULL);
    }
done:
    Py_DECREF(tuple);
    return list;
}

static PyObject *ddl_call(PyObject *module, PyObject *args, PyObject *kwargs, const char *format, char **names,
                          ddl_fn ddl)
{
    oxypy_reader r;
    const oxy_dialect *d;
    PyObject *tables, *list;
    const char *dialect;
    Py_ssize_t len;
    int tolerant;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, format, names, &tables, &dialect, &len, &tolerant))
        return NULL;
    d = oxy_dialect_find((oxy_sv){dialect, (size_t)len});
    if (d == NULL)
        return PyErr_Format(PyExc_ValueError, "unknown dialect '%s'", dialect);
    oxypy_reader_init(&r, oxypy_state_of_module(module));
    list = run(&r, tables, d, tolerant != 0, ddl);
    oxypy_reader_fini(&r);
    return list;
}

static PyObject *ddl_create(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"tables", "dialect", "if_not_exists", NULL};

    return ddl_call(module, args, kwargs, "Os#p:ddl_create", names, oxy_ddl_create);
}

static PyObject *ddl_drop(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"tables", "dialect", "if_exists", NULL};

    return ddl_call(module, args, kwargs, "Os#p:ddl_drop", names, oxy_ddl_drop);
}

static PyObject *defaults_of(oxypy_reader *r, PyObject *described, const oxy_dialect *d)
{
    oxy_table_def table = {0};
    PyObject *list;
    oxy_err err;

    if (oxypy_read_table(r, described, &table) < 0)
        return NULL;
    list = PyList_New(0);
    for (uint32_t i = 0; list != NULL && i < table.n_columns; i++) {
        Py_ssize_t before = PyList_GET_SIZE(list);
        oxy_rc rc = oxy_ddl_default(&table.columns[i], d, oxy_alloc_default(), oxypy_take_statement, list, &err);

        if (rc != OXY_OK && !PyErr_Occurred())
            (void)oxypy_raise(r->st, &err, NULL, NULL, NULL);
        if (rc != OXY_OK || (PyList_GET_SIZE(list) == before && PyList_Append(list, Py_None) < 0))
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *ddl_defaults(PyObject *module, PyObject *args)
{
    oxypy_reader r;
    const oxy_dialect *d;
    PyObject *table, *list;
    const char *dialect;
    Py_ssize_t len;

    if (!PyArg_ParseTuple(args, "Os#:ddl_defaults", &table, &dialect, &len))
        return NULL;
    d = oxy_dialect_find((oxy_sv){dialect, (size_t)len});
    if (d == NULL)
        return PyErr_Format(PyExc_ValueError, "unknown dialect '%s'", dialect);
    oxypy_reader_init(&r, oxypy_state_of_module(module));
    list = defaults_of(&r, table, d);
    oxypy_reader_fini(&r);
    return list;
}

static PyMethodDef ddl_methods[] = {
    {"ddl_create", (PyCFunction)(void (*)(void))ddl_create, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("The statements that create the tables, in order.")},
    {"ddl_drop", (PyCFunction)(void (*)(void))ddl_drop, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("The statements that drop the tables, referencing ones first.")},
    {"ddl_defaults", ddl_defaults, METH_VARARGS,
     PyDoc_STR("For each column of the table its default as SQL, or None.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_ddl_init(PyObject *module, oxypy_state *st)
{
    (void)st;
    return PyModule_AddFunctions(module, ddl_methods);
}
