/* SPDX-License-Identifier: MIT */
/* Objects whose keys are known. The documents of a column mostly have the same
 * keys in the same order, written in the same way. A shape is what an object
 * had: the next one is compared with it key by key, as bytes, before anything
 * is read; if all are there, its dict is a copy of a template (template.h). For
 * each key there may be a shape of the objects in its value.
 *
 * Bounded: so many shapes of so many keys, of so many bytes, and a limit on how
 * often one is learned; a column without any likeness costs nothing from then on. */
#include "json.h"
#include "template.h"

#define SHAPES_MAX 64
#define LEARNED_MAX 256
#define KEYS_MAX 28
#define KEY_BYTES_MAX 128
#define TEMPLATE_USES 64 /* making one costs as much as a hundred dicts */

struct oxypy_json_memory {
    oxypy_json_shape *root;
    uint32_t n, learned;
    bool entered;
};

/* --- life ------------------------------------------------------------------------- */

oxypy_json_memory *oxypy_json_memory_new(void)
{
    return OXYPY_JSON_KEEPS ? PyMem_Calloc(1, sizeof(oxypy_json_memory)) : NULL;
}

void oxypy__json_shape_free(oxypy_json_memory *memory, oxypy_json_shape *shape)
{
    if (shape == NULL)
        return;
    for (uint32_t i = 0; i < shape->n; i++) {
        Py_DECREF(shape->keys[i].name);
        oxypy__json_shape_free(memory, shape->keys[i].inner);
    }
    Py_XDECREF(shape->template_dict);
    PyMem_Free(shape->texts);
    PyMem_Free(shape);
    memory->n--;
}

void oxypy_json_memory_free(oxypy_json_memory *memory)
{
    if (memory == NULL)
        return;
    oxypy__json_shape_free(memory, memory->root);
    PyMem_Free(memory);
}

/* Making a list or a dict may start the collector, and so run anybody's code,
 * which may read documents of the same column meanwhile. */
oxypy_json_shape **oxypy__json_memory_enter(oxypy_json_memory *memory)
{
    if (memory == NULL || memory->entered)
        return NULL;
    memory->entered = true;
    return &memory->root;
}

void oxypy__json_memory_leave(oxypy_json_memory *memory)
{
    memory->entered = false;
}

/* --- learning --------------------------------------------------------------------- */

oxypy_json_shape *oxypy__json_shape_new(oxypy_json_memory *memory)
{
    oxypy_json_shape *shape;

    if (memory->n == SHAPES_MAX || memory->learned == LEARNED_MAX)
        return NULL;
    shape = PyMem_Calloc(1, sizeof *shape + KEYS_MAX * sizeof shape->keys[0]);
    if (shape == NULL)
        return NULL;
    memory->n++;
    memory->learned++;
    return shape;
}

bool oxypy__json_shape_note(oxypy_json_shape *shape, PyObject *name, const char *text, size_t len)
{
    if (shape->n == KEYS_MAX || len > KEY_BYTES_MAX)
        return false;
    shape->keys[shape->n++] = (oxypy_json_key){.name = Py_NewRef(name), .text = text, .len = (uint32_t)len};
    return true;
}

bool oxypy__json_shape_settle(oxypy_json_shape *shape)
{
    size_t size = 0;
    char *to;

    for (uint32_t i = 0; i < shape->n; i++)
        size += shape->keys[i].len;
    shape->texts = to = PyMem_Malloc(size);
    if (to == NULL)
        return false;
    for (uint32_t i = 0; i < shape->n; i++) {
        oxypy_json_key *key = &shape->keys[i];

        memcpy(to, key->text, key->len);
        key->text = to;
        to += key->len;
    }
    return true;
}

/* --- dicts ------------------------------------------------------------------------ */

/* 0 / -1; the shape is without a template where copies would have no places. */
static int find_places(oxypy_json_shape *shape, PyObject *template_dict)
{
    for (uint32_t i = 0; i < shape->n; i++) {
        int found = oxypy_template_find(template_dict, shape->keys[i].name, &shape->keys[i].place);

        if (found <= 0)
            return found;
    }
    shape->template_dict = Py_NewRef(template_dict);
    return 0;
}

static int make_template(oxypy_json_shape *shape)
{
    PyObject *dict = PyDict_New();
    int rc = dict == NULL ? -1 : 0;

    for (uint32_t i = 0; rc == 0 && i < shape->n; i++)
        rc = PyDict_SetItem(dict, shape->keys[i].name, Py_None);
    if (rc == 0)
        rc = oxypy_template_share(&dict);
    if (rc == 0)
        rc = find_places(shape, dict);
    Py_XDECREF(dict);
    return rc;
}

static PyObject *from_template(PyObject *template_dict, const oxypy_json_shape *shape, PyObject **values)
{
    PyObject *dict = PyDict_Copy(template_dict), **places;
    bool holds = false;

    places = dict == NULL ? NULL : oxypy_template_values(template_dict, dict);
    if (places == NULL)
        return dict;
    for (uint32_t i = 0; i < shape->n; i++) {
        holds |= oxypy_template_holds(values[i]);
        Py_SETREF(places[shape->keys[i].place], values[i]);
        values[i] = NULL;
    }
    oxypy_template_done(dict, holds);
    return dict;
}

PyObject *oxypy__json_shape_dict(oxypy_json_shape *shape, PyObject **values)
{
    PyObject *dict;

    if (shape->uses < TEMPLATE_USES && ++shape->uses == TEMPLATE_USES && make_template(shape) < 0)
        return NULL;
    dict = shape->template_dict != NULL ? from_template(shape->template_dict, shape, values) : PyDict_New();
    for (uint32_t i = 0; dict != NULL && i < shape->n && values[i] != NULL; i++)
        if (PyDict_SetItem(dict, shape->keys[i].name, values[i]) < 0)
            Py_CLEAR(dict);
    return dict;
}
