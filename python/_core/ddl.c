/* SPDX-License-Identifier: MIT */
/* ddl_create() and ddl_drop(): tables described by dicts, as SQL statements.
 * Everything read from a dict is copied into one arena, so nothing depends on
 * what happens to the dicts meanwhile. */
#include "to_c.h"

#include <oxyde/schema.h>

#define READ_LIMIT ((size_t)256 << 20)

struct reader {
    oxypy_state *st;
    oxy_arena arena;
    PyObject *keep; /* objects whose text default values borrow */
};

/* --- single entries ---------------------------------------------------------------------- */

/* The arena's limit keeps n far below what a uint32_t holds. */
static void *new_items(struct reader *r, Py_ssize_t n, size_t size)
{
    void *items = oxy_arena_zero(&r->arena, (size_t)n, size);

    if (items == NULL)
        PyErr_NoMemory();
    return items;
}

static int copy_text(struct reader *r, PyObject *value, oxy_sv *out)
{
    Py_ssize_t len;
    const char *text;

    *out = (oxy_sv){NULL, 0};
    if (value == Py_None)
        return 0;
    text = PyUnicode_AsUTF8AndSize(value, &len);
    if (text == NULL)
        return -1;
    out->p = oxy_arena_copy(&r->arena, text, (size_t)len);
    out->len = (size_t)len;
    if (out->p == NULL)
        PyErr_NoMemory();
    return out->p == NULL ? -1 : 0;
}

static int get_text(struct reader *r, PyObject *dict, const char *key, oxy_sv *out)
{
    PyObject *value = PyMapping_GetItemString(dict, key);
    int rc;

    if (value == NULL)
        return -1;
    rc = copy_text(r, value, out);
    Py_DECREF(value);
    return rc;
}

static int get_bool(PyObject *dict, const char *key, bool *out)
{
    PyObject *value = PyMapping_GetItemString(dict, key);
    int truth;

    if (value == NULL)
        return -1;
    truth = PyObject_IsTrue(value);
    Py_DECREF(value);
    *out = truth > 0;
    return truth < 0 ? -1 : 0;
}

static int get_long(PyObject *dict, const char *key, long min, long max, long *out)
{
    PyObject *value = PyMapping_GetItemString(dict, key);

    if (value == NULL)
        return -1;
    *out = PyLong_AsLong(value);
    Py_DECREF(value);
    if (*out == -1 && PyErr_Occurred())
        return -1;
    if (*out >= min && *out <= max)
        return 0;
    PyErr_Format(PyExc_ValueError, "%s is out of range: %ld", key, *out);
    return -1;
}

/* The entry as a list or tuple; new reference. */
static PyObject *get_sequence(PyObject *dict, const char *key)
{
    PyObject *value = PyMapping_GetItemString(dict, key), *items;

    if (value == NULL)
        return NULL;
    items = PySequence_Tuple(value);
    Py_DECREF(value);
    return items;
}

static int get_names(struct reader *r, PyObject *dict, const char *key, oxy_names *out)
{
    PyObject *names = get_sequence(dict, key);
    oxy_sv *items;
    Py_ssize_t n, i;
    int rc = -1;

    if (names == NULL)
        return -1;
    n = PyTuple_GET_SIZE(names);
    items = new_items(r, n, sizeof *items);
    if (items == NULL)
        goto done;
    for (i = 0; i < n; i++) {
        if (copy_text(r, PyTuple_GET_ITEM(names, i), &items[i]) < 0)
            goto done;
    }
    *out = (oxy_names){.items = items, .n = (uint32_t)n};
    rc = 0;
done:
    Py_DECREF(names);
    return rc;
}

/* Reads one dict into the struct at item. */
typedef int (*read_fn)(struct reader *r, PyObject *dict, void *item);

static int read_items(struct reader *r, PyObject *tuple, size_t size, read_fn read, void *out_items, uint32_t *out_n)
{
    Py_ssize_t n = PyTuple_GET_SIZE(tuple), i;
    char *items = new_items(r, n, size);

    if (items == NULL)
        return -1;
    for (i = 0; i < n; i++) {
        if (read(r, PyTuple_GET_ITEM(tuple, i), items + (size_t)i * size) < 0)
            return -1;
    }
    memcpy(out_items, &items, sizeof items);
    *out_n = (uint32_t)n;
    return 0;
}

/* out_items is the address of the struct's pointer, of whatever type. */
static int get_items(struct reader *r, PyObject *dict, const char *key, size_t size, read_fn read, void *out_items,
                     uint32_t *out_n)
{
    PyObject *tuple = get_sequence(dict, key);
    int rc;

    if (tuple == NULL)
        return -1;
    rc = read_items(r, tuple, size, read, out_items, out_n);
    Py_DECREF(tuple);
    return rc;
}

/* --- columns -------------------------------------------------------------------------------- */

static int read_type(struct reader *r, PyObject *dict, oxy_type *type)
{
    long kind, elem, ndim, size, scale;

    if (get_long(dict, "kind", 0, OXY_K_COUNT - 1, &kind) < 0 ||
        get_long(dict, "elem", 0, OXY_K_COUNT - 1, &elem) < 0 || get_long(dict, "ndim", 0, UINT8_MAX, &ndim) < 0 ||
        get_long(dict, "size", 0, UINT32_MAX, &size) < 0 || get_long(dict, "scale", -1, UINT8_MAX, &scale) < 0)
        return -1;
    *type = (oxy_type){
        .kind = (oxy_kind)kind,
        .elem = (oxy_kind)elem,
        .ndim = (uint8_t)ndim,
        .size = (uint32_t)size,
        .has_scale = scale >= 0,
        .scale = (uint8_t)(scale >= 0 ? scale : 0),
    };
    if (get_text(r, dict, "db_type", &type->db_type) < 0 || get_text(r, dict, "enum_name", &type->name) < 0)
        return -1;
    return get_text(r, dict, "enum_schema", &type->name_schema);
}

/* A Python value, or ("json", text). */
static int read_value(struct reader *r, PyObject *value, oxy_value *out)
{
    static const oxy_type any = {.kind = OXY_K_UNKNOWN};
    oxypy_conv conv = {.st = r->st, .arena = &r->arena, .keep = &r->keep};
    PyObject *tag;

    if (!PyTuple_Check(value))
        return oxypy_store(&conv, value, &any, out);
    tag = PyTuple_GET_SIZE(value) == 2 ? PyTuple_GET_ITEM(value, 0) : NULL;
    if (tag == NULL || !PyUnicode_Check(tag) || PyUnicode_CompareWithASCIIString(tag, "json") != 0) {
        PyErr_SetString(PyExc_TypeError, "a default is a plain value or (\"json\", text)");
        return -1;
    }
    out->tag = OXY_V_JSON;
    return copy_text(r, PyTuple_GET_ITEM(value, 1), &out->s);
}

static int read_default(struct reader *r, PyObject *dict, oxy_column_def *c)
{
    PyObject *value;
    int rc;

    if (get_text(r, dict, "db_default", &c->db_default) < 0 || get_bool(dict, "has_default", &c->has_default) < 0)
        return -1;
    if (!c->has_default)
        return 0;
    value = PyMapping_GetItemString(dict, "default");
    if (value == NULL)
        return -1;
    rc = read_value(r, value, &c->default_value);
    Py_DECREF(value);
    return rc;
}

static int read_column(struct reader *r, PyObject *dict, void *item)
{
    oxy_column_def *c = item;

    if (get_text(r, dict, "name", &c->name) < 0 || read_type(r, dict, &c->type) < 0 ||
        get_names(r, dict, "enum_values", &c->enum_values) < 0 || get_bool(dict, "nullable", &c->nullable) < 0 ||
        get_bool(dict, "primary_key", &c->primary_key) < 0 || get_bool(dict, "unique", &c->unique) < 0 ||
        get_bool(dict, "python_int", &c->python_int) < 0 || read_default(r, dict, c) < 0 ||
        get_text(r, dict, "comment", &c->comment) < 0)
        return -1;
    c->type.nullable = c->nullable;
    return get_bool(dict, "is_foreign_key", &c->is_foreign_key);
}

/* --- the rest of a table -------------------------------------------------------------------------- */

static int read_foreign_key(struct reader *r, PyObject *dict, void *item)
{
    oxy_foreign_key_def *fk = item;

    if (get_text(r, dict, "name", &fk->name) < 0 || get_names(r, dict, "columns", &fk->columns) < 0 ||
        get_text(r, dict, "target_table", &fk->target_table) < 0 ||
        get_text(r, dict, "target_schema", &fk->target_schema) < 0 ||
        get_names(r, dict, "target_columns", &fk->target_columns) < 0 ||
        get_text(r, dict, "on_delete", &fk->on_delete) < 0)
        return -1;
    return get_text(r, dict, "on_update", &fk->on_update);
}

static int read_index(struct reader *r, PyObject *dict, void *item)
{
    oxy_index_def *index = item;

    if (get_text(r, dict, "name", &index->name) < 0 || get_names(r, dict, "columns", &index->columns) < 0 ||
        get_text(r, dict, "method", &index->method) < 0 || get_text(r, dict, "where", &index->where) < 0)
        return -1;
    return get_bool(dict, "unique", &index->unique);
}

static int read_unique(struct reader *r, PyObject *dict, void *item)
{
    oxy_unique_def *unique = item;

    return get_text(r, dict, "name", &unique->name) < 0 ? -1 : get_names(r, dict, "columns", &unique->columns);
}

static int read_check(struct reader *r, PyObject *dict, void *item)
{
    oxy_check_def *check = item;

    return get_text(r, dict, "name", &check->name) < 0 ? -1 : get_text(r, dict, "expression", &check->expression);
}

static int read_table(struct reader *r, PyObject *dict, void *item)
{
    oxy_table_def *t = item;

    if (get_text(r, dict, "name", &t->name) < 0 || get_text(r, dict, "schema", &t->schema) < 0 ||
        get_text(r, dict, "comment", &t->comment) < 0 || get_names(r, dict, "primary_key", &t->primary_key) < 0 ||
        get_items(r, dict, "columns", sizeof *t->columns, read_column, &t->columns, &t->n_columns) < 0 ||
        get_items(r, dict, "foreign_keys", sizeof *t->foreign_keys, read_foreign_key, &t->foreign_keys,
                  &t->n_foreign_keys) < 0 ||
        get_items(r, dict, "indexes", sizeof *t->indexes, read_index, &t->indexes, &t->n_indexes) < 0 ||
        get_items(r, dict, "uniques", sizeof *t->uniques, read_unique, &t->uniques, &t->n_uniques) < 0)
        return -1;
    return get_items(r, dict, "checks", sizeof *t->checks, read_check, &t->checks, &t->n_checks);
}

/* --- the two functions ------------------------------------------------------------------------------ */

typedef oxy_rc (*ddl_fn)(const oxy_table_def *tables, uint32_t n, const oxy_dialect *d, bool tolerant,
                         const oxy_alloc *alloc, oxy_ddl_sink sink, void *arg, oxy_err *err);

/* Leaves a Python exception behind when it fails, which then counts. */
static oxy_rc append_statement(void *arg, const char *sql, size_t len)
{
    PyObject *text = PyUnicode_DecodeUTF8(sql, (Py_ssize_t)len, "strict");
    int rc = text == NULL ? -1 : PyList_Append(arg, text);

    Py_XDECREF(text);
    return rc < 0 ? OXY_INTERNAL : OXY_OK;
}

static PyObject *run(struct reader *r, PyObject *tables, const oxy_dialect *d, bool tolerant, ddl_fn ddl)
{
    PyObject *tuple = PySequence_Tuple(tables), *list = NULL;
    const oxy_table_def *items = NULL;
    uint32_t n = 0;
    oxy_err err;

    if (tuple == NULL)
        return NULL;
    if (read_items(r, tuple, sizeof *items, read_table, &items, &n) < 0)
        goto done;
    list = PyList_New(0);
    if (list == NULL)
        goto done;
    if (ddl(items, n, d, tolerant, oxy_alloc_default(), append_statement, list, &err) != OXY_OK) {
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
    struct reader r = {.st = oxypy_state_of_module(module)};
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
    oxy_arena_init(&r.arena, oxy_alloc_default(), READ_LIMIT);
    list = run(&r, tables, d, tolerant != 0, ddl);
    oxy_arena_fini(&r.arena);
    Py_XDECREF(r.keep);
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

static PyMethodDef ddl_methods[] = {
    {"ddl_create", (PyCFunction)(void (*)(void))ddl_create, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("The statements that create the tables, in order.")},
    {"ddl_drop", (PyCFunction)(void (*)(void))ddl_drop, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("The statements that drop the tables, referencing ones first.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_ddl_init(PyObject *module, oxypy_state *st)
{
    (void)st;
    return PyModule_AddFunctions(module, ddl_methods);
}
