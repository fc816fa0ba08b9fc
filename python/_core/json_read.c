/* SPDX-License-Identifier: MIT */
/* The grammar of JSON. Values are collected on a stack until their list or
 * object closes, so that a list is made at its size and an object whose keys
 * are known (json_shape.c) as a copy. At anything that is malformed, or that
 * readers of JSON disagree about, the reader gives up: it has no errors of its
 * own to tell. */
#include "json.h"

#define DEEPEST 128 /* from_json goes to 200 */
#define STACK_ROOM 64

typedef struct reader {
    oxypy_json_cursor c;
    oxypy_json_memory *memory; /* only where a place for a shape is given, too */
    PyObject **values;         /* those whose list or object is still open */
    size_t n, room;
    PyObject *first[STACK_ROOM];
} reader;

static PyObject *read_value(reader *r, oxypy_json_shape **place, int depth);

/* --- the stack -------------------------------------------------------------------- */

/* Takes over the reference. */
static bool push(reader *r, PyObject *value)
{
    PyObject **more;

    if (r->n == r->room) {
        more = PyMem_Malloc(2 * r->room * sizeof *more);
        if (more == NULL) {
            Py_DECREF(value);
            PyErr_NoMemory();
            return false;
        }
        memcpy(more, r->values, r->n * sizeof *more);
        if (r->values != r->first)
            PyMem_Free(r->values);
        r->values = more;
        r->room *= 2;
    }
    r->values[r->n++] = value;
    return true;
}

static void drop_to(reader *r, size_t n)
{
    while (r->n > n)
        Py_XDECREF(r->values[--r->n]);
}

/* --- lists ------------------------------------------------------------------------ */

static PyObject *make_list(reader *r, size_t from)
{
    PyObject *list = PyList_New((Py_ssize_t)(r->n - from));

    for (size_t i = from; list != NULL && i < r->n; i++)
        PyList_SET_ITEM(list, (Py_ssize_t)(i - from), r->values[i]);
    if (list != NULL)
        r->n = from;
    return list;
}

static PyObject *read_list(reader *r, oxypy_json_shape **place, int depth)
{
    size_t from = r->n;

    r->c.p++;
    oxypy__json_skip_space(&r->c);
    if (oxypy__json_at(&r->c, ']')) {
        r->c.p++;
        return PyList_New(0);
    }
    for (;;) {
        PyObject *value = read_value(r, place, depth + 1);

        if (value == NULL || !push(r, value))
            return NULL;
        oxypy__json_skip_space(&r->c);
        if (oxypy__json_at(&r->c, ']'))
            break;
        if (!oxypy__json_at(&r->c, ','))
            return NULL;
        r->c.p++;
        oxypy__json_skip_space(&r->c);
    }
    r->c.p++;
    return make_list(r, from);
}

/* --- objects ---------------------------------------------------------------------- */

/* Behind a value: whether another key follows, after which the cursor stands on
 * it. False with *closed: the object has ended; without: neither. */
static inline bool another(reader *r, bool *closed)
{
    oxypy__json_skip_space(&r->c);
    *closed = oxypy__json_at(&r->c, '}');
    if (!*closed && !oxypy__json_at(&r->c, ','))
        return false;
    r->c.p++;
    if (!*closed)
        oxypy__json_skip_space(&r->c);
    return !*closed;
}

/* The key and what follows up to its value. New reference. */
static PyObject *read_key(reader *r)
{
    PyObject *name = oxypy__json_at(&r->c, '"') ? oxypy__json_string(&r->c) : NULL;

    if (name == NULL)
        return NULL;
    oxypy__json_skip_space(&r->c);
    if (!oxypy__json_at(&r->c, ':')) {
        Py_DECREF(name);
        return NULL;
    }
    r->c.p++;
    oxypy__json_skip_space(&r->c);
    return name;
}

/* Key by key into the dict, up to the closing brace; the keys are noted in
 * *learned, if that is a shape, which is freed when it cannot be one. */
static bool read_rest(reader *r, PyObject *dict, oxypy_json_shape **learned, int depth)
{
    bool closed, more;

    do {
        const char *start = r->c.p;
        PyObject *name = read_key(r), *value;
        size_t len = (size_t)(r->c.p - start);
        int rc = -1;

        if (name == NULL)
            return false;
        if (*learned != NULL && !oxypy__json_shape_note(*learned, name, start, len)) {
            oxypy__json_shape_free(r->memory, *learned);
            *learned = NULL;
        }
        value = read_value(r, NULL, depth + 1);
        if (value != NULL)
            rc = PyDict_SetItem(dict, name, value);
        Py_DECREF(name);
        Py_XDECREF(value);
        if (rc < 0)
            return false;
        more = another(r, &closed);
    } while (more);
    return closed;
}

/* An object of unknown keys; *place is where its shape is to be known. */
static PyObject *read_unknown(reader *r, oxypy_json_shape **place, int depth)
{
    oxypy_json_shape *learned = place != NULL ? oxypy__json_shape_new(r->memory) : NULL;
    PyObject *dict = PyDict_New();

    if (dict != NULL && !read_rest(r, dict, &learned, depth))
        Py_CLEAR(dict);
    if (learned == NULL)
        return dict;
    /* A key that comes twice makes no shape. */
    if (dict != NULL && PyDict_GET_SIZE(dict) == (Py_ssize_t)learned->n && oxypy__json_shape_settle(learned))
        *place = learned;
    else
        oxypy__json_shape_free(r->memory, learned);
    return dict;
}

/* The object began like its shape and goes on otherwise: what has been read is
 * put by name. */
static PyObject *leave_shape(reader *r, oxypy_json_shape **place, size_t from, bool closed, int depth)
{
    oxypy_json_shape *shape = *place, *learned = NULL;
    PyObject *dict = PyDict_New();

    for (size_t i = from; dict != NULL && i < r->n; i++)
        if (PyDict_SetItem(dict, shape->keys[i - from].name, r->values[i]) < 0)
            Py_CLEAR(dict);
    drop_to(r, from);
    if (++shape->misses > OXYPY_JSON_MISSES) {
        *place = NULL;
        oxypy__json_shape_free(r->memory, shape);
    }
    if (dict != NULL && !closed && !read_rest(r, dict, &learned, depth))
        Py_CLEAR(dict);
    return dict;
}

static PyObject *read_known(reader *r, oxypy_json_shape **place, int depth)
{
    oxypy_json_shape *shape = *place;
    size_t from = r->n;
    bool closed = false;
    PyObject *dict;

    for (uint32_t i = 0; i < shape->n; i++) {
        oxypy_json_key *key = &shape->keys[i];
        PyObject *value;

        if ((size_t)(r->c.end - r->c.p) < key->len || memcmp(r->c.p, key->text, key->len) != 0)
            return leave_shape(r, place, from, false, depth);
        r->c.p += key->len;
        value = read_value(r, &key->inner, depth + 1);
        if (value == NULL || !push(r, value))
            return NULL;
        if (another(r, &closed) == (i + 1 < shape->n))
            continue;
        if (!closed && i + 1 < shape->n)
            return NULL;
        return leave_shape(r, place, from, closed, depth);
    }
    if (!closed)
        return NULL;
    shape->misses -= shape->misses > 0;
    dict = oxypy__json_shape_dict(shape, &r->values[from]);
    drop_to(r, from);
    return dict;
}

static PyObject *read_object(reader *r, oxypy_json_shape **place, int depth)
{
    r->c.p++;
    oxypy__json_skip_space(&r->c);
    if (oxypy__json_at(&r->c, '}')) {
        r->c.p++;
        return PyDict_New();
    }
    return place != NULL && *place != NULL ? read_known(r, place, depth) : read_unknown(r, place, depth);
}

/* --- values ----------------------------------------------------------------------- */

static PyObject *read_word(reader *r, const char *word, size_t len, PyObject *value)
{
    if ((size_t)(r->c.end - r->c.p) < len || memcmp(r->c.p, word, len) != 0)
        return NULL;
    r->c.p += len;
    return Py_NewRef(value);
}

static PyObject *read_value(reader *r, oxypy_json_shape **place, int depth)
{
    if (r->c.p == r->c.end || depth > DEEPEST)
        return NULL;
    switch (*r->c.p) {
    case '{': return read_object(r, place, depth);
    case '[': return read_list(r, place, depth);
    case '"': return oxypy__json_string(&r->c);
    case 'n': return read_word(r, "null", 4, Py_None);
    case 't': return read_word(r, "true", 4, Py_True);
    case 'f': return read_word(r, "false", 5, Py_False);
    default: return oxypy__json_number(&r->c);
    }
}

PyObject *oxypy_json_read(oxypy_state *st, oxypy_json_memory *memory, const char *p, size_t len)
{
    reader r;
    oxypy_json_shape **root = oxypy__json_memory_enter(memory);
    PyObject *value;

    r.c = (oxypy_json_cursor){.st = st, .p = p, .end = p + len};
    r.memory = memory;
    r.values = r.first;
    r.n = 0;
    r.room = STACK_ROOM;
    oxypy__json_skip_space(&r.c);
    value = read_value(&r, root, 0);
    if (value != NULL) {
        oxypy__json_skip_space(&r.c);
        if (r.c.p != r.c.end)
            Py_CLEAR(value);
    }
    drop_to(&r, 0);
    if (r.values != r.first)
        PyMem_Free(r.values);
    if (root != NULL)
        oxypy__json_memory_leave(memory);
    return value;
}

PyObject *oxypy_json_read_all(PyObject *module, PyObject *texts)
{
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *sequence = PySequence_Tuple(texts), *found = sequence == NULL ? NULL : PyList_New(0);
    oxypy_json_memory *memory = oxypy_json_memory_new();

    for (Py_ssize_t i = 0; found != NULL && i < PyTuple_GET_SIZE(sequence); i++) {
        PyObject *value = NULL, *item;
        char *text;
        Py_ssize_t len;

        if (PyBytes_AsStringAndSize(PyTuple_GET_ITEM(sequence, i), &text, &len) == 0)
            value = oxypy_json_read(st, memory, text, (size_t)len);
        item = PyErr_Occurred() ? NULL : value != NULL ? PyTuple_Pack(1, value) : Py_NewRef(Py_None);
        Py_XDECREF(value);
        if (item == NULL || PyList_Append(found, item) < 0)
            Py_CLEAR(found);
        Py_XDECREF(item);
    }
    oxypy_json_memory_free(memory);
    Py_XDECREF(sequence);
    return found;
}
