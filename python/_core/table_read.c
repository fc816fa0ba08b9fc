/* SPDX-License-Identifier: MIT */
/* Dicts in, structs out: one small reader per struct of oxyde/schema.h. */
#include "table_read.h"

#define READ_LIMIT ((size_t)256 << 20)

void oxypy_reader_init(oxypy_reader *r, oxypy_state *st)
{
    *r = (oxypy_reader){.st = st};
    oxy_arena_init(&r->arena, oxy_alloc_default(), READ_LIMIT);
}

void oxypy_reader_fini(oxypy_reader *r)
{
    oxy_arena_fini(&r->arena);
    Py_CLEAR(r->keep);
}

/* --- single entries ---------------------------------------------------------------------- */

/* The arena's limit keeps n far below what a uint32_t holds. */
void *oxypy_read_room(oxypy_reader *r, Py_ssize_t n, size_t size)
{
    void *items = oxy_arena_zero(&r->arena, (size_t)n, size);

    if (items == NULL)
        PyErr_NoMemory();
    return items;
}

int oxypy_read_text(oxypy_reader *r, PyObject *value, oxy_sv *out)
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

int oxypy_read_text_at(oxypy_reader *r, PyObject *dict, const char *key, oxy_sv *out)
{
    PyObject *value = PyMapping_GetItemString(dict, key);
    int rc;

    if (value == NULL)
        return -1;
    rc = oxypy_read_text(r, value, out);
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

int oxypy_read_names_at(oxypy_reader *r, PyObject *dict, const char *key, oxy_names *out)
{
    PyObject *names = get_sequence(dict, key);
    oxy_sv *items;
    Py_ssize_t n, i;
    int rc = -1;

    if (names == NULL)
        return -1;
    n = PyTuple_GET_SIZE(names);
    items = oxypy_read_room(r, n, sizeof *items);
    if (items == NULL)
        goto done;
    for (i = 0; i < n; i++) {
        if (oxypy_read_text(r, PyTuple_GET_ITEM(names, i), &items[i]) < 0)
            goto done;
    }
    *out = (oxy_names){.items = items, .n = (uint32_t)n};
    rc = 0;
done:
    Py_DECREF(names);
    return rc;
}

int oxypy_read_items(oxypy_reader *r, PyObject *tuple, size_t size, oxypy_read_fn read, void *out_items,
                     uint32_t *out_n)
{
    Py_ssize_t n = PyTuple_GET_SIZE(tuple), i;
    char *items = oxypy_read_room(r, n, size);

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
static int get_items(oxypy_reader *r, PyObject *dict, const char *key, size_t size, oxypy_read_fn read, void *out_items,
                     uint32_t *out_n)
{
    PyObject *tuple = get_sequence(dict, key);
    int rc;

    if (tuple == NULL)
        return -1;
    rc = oxypy_read_items(r, tuple, size, read, out_items, out_n);
    Py_DECREF(tuple);
    return rc;
}

/* --- columns -------------------------------------------------------------------------------- */

static int read_type(oxypy_reader *r, PyObject *dict, oxy_type *type)
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
    if (oxypy_read_text_at(r, dict, "db_type", &type->db_type) < 0 ||
        oxypy_read_text_at(r, dict, "enum_name", &type->name) < 0)
        return -1;
    return oxypy_read_text_at(r, dict, "enum_schema", &type->name_schema);
}

/* A Python value, or ("json", text). */
static int read_value(oxypy_reader *r, PyObject *value, oxy_value *out)
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
    return oxypy_read_text(r, PyTuple_GET_ITEM(value, 1), &out->s);
}

static int read_default(oxypy_reader *r, PyObject *dict, oxy_column_def *c)
{
    PyObject *value;
    int rc;

    if (oxypy_read_text_at(r, dict, "db_default", &c->db_default) < 0 ||
        get_bool(dict, "has_default", &c->has_default) < 0)
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

static int read_column(oxypy_reader *r, PyObject *dict, void *item)
{
    oxy_column_def *c = item;

    if (oxypy_read_text_at(r, dict, "name", &c->name) < 0 || read_type(r, dict, &c->type) < 0 ||
        oxypy_read_names_at(r, dict, "enum_values", &c->enum_values) < 0 ||
        get_bool(dict, "nullable", &c->nullable) < 0 || get_bool(dict, "primary_key", &c->primary_key) < 0 ||
        get_bool(dict, "unique", &c->unique) < 0 || get_bool(dict, "python_int", &c->python_int) < 0 ||
        read_default(r, dict, c) < 0 || oxypy_read_text_at(r, dict, "comment", &c->comment) < 0)
        return -1;
    c->type.nullable = c->nullable;
    return get_bool(dict, "is_foreign_key", &c->is_foreign_key);
}

/* --- the rest of a table -------------------------------------------------------------------------- */

static int read_foreign_key(oxypy_reader *r, PyObject *dict, void *item)
{
    oxy_foreign_key_def *fk = item;

    if (oxypy_read_text_at(r, dict, "name", &fk->name) < 0 ||
        oxypy_read_names_at(r, dict, "columns", &fk->columns) < 0 ||
        oxypy_read_text_at(r, dict, "target_table", &fk->target_table) < 0 ||
        oxypy_read_text_at(r, dict, "target_schema", &fk->target_schema) < 0 ||
        oxypy_read_names_at(r, dict, "target_columns", &fk->target_columns) < 0 ||
        oxypy_read_text_at(r, dict, "on_delete", &fk->on_delete) < 0)
        return -1;
    return oxypy_read_text_at(r, dict, "on_update", &fk->on_update);
}

static int read_index(oxypy_reader *r, PyObject *dict, void *item)
{
    oxy_index_def *index = item;

    if (oxypy_read_text_at(r, dict, "name", &index->name) < 0 ||
        oxypy_read_names_at(r, dict, "columns", &index->columns) < 0 ||
        oxypy_read_text_at(r, dict, "method", &index->method) < 0 ||
        oxypy_read_text_at(r, dict, "where", &index->where) < 0)
        return -1;
    if (get_bool(dict, "unique", &index->unique) < 0)
        return -1;
    return get_bool(dict, "constraint", &index->constraint);
}

static int read_check(oxypy_reader *r, PyObject *dict, void *item)
{
    oxy_check_def *check = item;

    return oxypy_read_text_at(r, dict, "name", &check->name) < 0
               ? -1
               : oxypy_read_text_at(r, dict, "expression", &check->expression);
}

int oxypy_read_table(oxypy_reader *r, PyObject *dict, void *item)
{
    oxy_table_def *t = item;

    if (oxypy_read_text_at(r, dict, "name", &t->name) < 0 || oxypy_read_text_at(r, dict, "schema", &t->schema) < 0 ||
        oxypy_read_text_at(r, dict, "comment", &t->comment) < 0 ||
        oxypy_read_names_at(r, dict, "primary_key", &t->primary_key) < 0 ||
        get_items(r, dict, "columns", sizeof *t->columns, read_column, &t->columns, &t->n_columns) < 0 ||
        get_items(r, dict, "foreign_keys", sizeof *t->foreign_keys, read_foreign_key, &t->foreign_keys,
                  &t->n_foreign_keys) < 0 ||
        get_items(r, dict, "indexes", sizeof *t->indexes, read_index, &t->indexes, &t->n_indexes) < 0)
        return -1;
    return get_items(r, dict, "checks", sizeof *t->checks, read_check, &t->checks, &t->n_checks);
}

/* --- whole schemas ----------------------------------------------------------------------------- */

static int read_enum(oxypy_reader *r, PyObject *dict, void *item)
{
    oxy_enum_def *e = item;

    if (oxypy_read_text_at(r, dict, "name", &e->name) < 0 || oxypy_read_text_at(r, dict, "schema", &e->schema) < 0)
        return -1;
    return oxypy_read_names_at(r, dict, "values", &e->values);
}

int oxypy_read_rename(oxypy_reader *r, PyObject *tuple, void *item)
{
    oxy_rename *rename = item;
    PyObject *owner, *old_name, *new_name;
    int kind;

    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_TypeError, "a rename is a tuple (kind, owner, old, new)");
        return -1;
    }
    if (!PyArg_ParseTuple(tuple, "iUUU:rename", &kind, &owner, &old_name, &new_name))
        return -1;
    if (kind < 0 || kind > OXY_REPLACE_ENUM_VALUE) {
        PyErr_Format(PyExc_ValueError, "no such kind of rename: %d", kind);
        return -1;
    }
    rename->kind = (oxy_rename_kind)kind;
    if (oxypy_read_text(r, owner, &rename->owner) < 0 || oxypy_read_text(r, old_name, &rename->old_name) < 0)
        return -1;
    return oxypy_read_text(r, new_name, &rename->new_name);
}

int oxypy_read_sequence(oxypy_reader *r, PyObject *sequence, size_t size, oxypy_read_fn read, void *items, uint32_t *n)
{
    PyObject *tuple = PySequence_Tuple(sequence);
    int rc = tuple == NULL ? -1 : oxypy_read_items(r, tuple, size, read, items, n);

    Py_XDECREF(tuple);
    return rc;
}

/* (tables, enums, numbers of the tables known from older files only) */
int oxypy_read_schema(oxypy_reader *r, PyObject *given, oxy_schema *out)
{
    PyObject *tables, *enums, *legacy, *numbers;
    bool *flags;
    int rc = -1;

    if (!PyTuple_Check(given)) {
        PyErr_SetString(PyExc_TypeError, "a schema is a tuple (tables, enums, legacy)");
        return -1;
    }
    if (!PyArg_ParseTuple(given, "OOO:schema", &tables, &enums, &legacy) ||
        oxypy_read_sequence(r, tables, sizeof(oxy_table_def), oxypy_read_table, &out->tables, &out->n_tables) < 0 ||
        oxypy_read_sequence(r, enums, sizeof(oxy_enum_def), read_enum, &out->enums, &out->n_enums) < 0)
        return -1;
    flags = oxypy_read_room(r, (Py_ssize_t)out->n_tables + 1, sizeof *flags);
    numbers = flags == NULL ? NULL : PySequence_Tuple(legacy);
    if (numbers == NULL)
        return -1;
    out->legacy = flags;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(numbers); i++) {
        size_t at = PyLong_AsSize_t(PyTuple_GET_ITEM(numbers, i));

        if (at == (size_t)-1 && PyErr_Occurred())
            goto done;
        if (at >= out->n_tables) {
            PyErr_SetString(PyExc_IndexError, "there is no table of that number");
            goto done;
        }
        flags[at] = true;
    }
    rc = 0;
done:
    Py_DECREF(numbers);
    return rc;
}
