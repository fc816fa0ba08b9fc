/* SPDX-License-Identifier: MIT */
/* Templates of row dicts: how their names are shared, where their values lie. */
#include "template.h"

/* --- sharing names ------------------------------------------------------------------ */

/* Instances of a class share the table of their attributes' names, and copies of
 * such a dict share it, too: half the memory, and less to copy. CPython gives each
 * new instance one place less for names to come, down to one. */
#define SHARED_MAX 28
#define INSTANCES 32

static PyObject *one_more(PyObject *class, PyObject *dict)
{
    PyObject *instance = PyObject_CallNoArgs(class), *name, *value, *shared;
    Py_ssize_t at = 0;

    while (instance != NULL && PyDict_Next(dict, &at, &name, &value))
        if (PyObject_GenericSetAttr(instance, name, value) < 0)
            Py_CLEAR(instance);
    if (instance == NULL)
        return NULL;
    shared = PyObject_GenericGetDict(instance, NULL);
    Py_DECREF(instance);
    return shared;
}

int oxypy_template_share(PyObject **dict)
{
    PyObject *class, *name, *value, *shared = NULL;
    Py_ssize_t at = 0;
    int same;

    if (PyDict_GET_SIZE(*dict) > SHARED_MAX)
        return 0;
    while (PyDict_Next(*dict, &at, &name, &value))
        if (!PyUnicode_CheckExact(name) || PyUnicode_READ_CHAR(name, 0) == '_')
            return 0; /* may mean something to object */
    class = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){}", "Attributes");
    for (int i = 0; class != NULL && i < INSTANCES; i++) {
        PyObject *next = one_more(class, *dict);

        Py_XSETREF(shared, next);
        if (next == NULL)
            break;
    }
    Py_XDECREF(class);
    if (class == NULL || shared == NULL)
        return -1;
    same = PyDict_CheckExact(shared) ? PyObject_RichCompareBool(shared, *dict, Py_EQ) : 0;
    if (same > 0)
        Py_SETREF(*dict, Py_NewRef(shared));
    Py_DECREF(shared);
    return same < 0 ? -1 : 0;
}

/* --- places ------------------------------------------------------------------------- */

int oxypy_template_find(PyObject *template_dict, PyObject *name, uint32_t *place)
{
    PyObject *copy = PyDict_Copy(template_dict), *mark = NULL, **values = NULL;
    Py_ssize_t n = PyDict_GET_SIZE(template_dict);
    int found = -1, known;

    if (copy == NULL)
        return -1;
    known = PyDict_Contains(copy, name);
    if (known <= 0) {
        found = known;
        goto done;
    }
    /* No other dict has this object: where it turns up is the name's place. */
    mark = PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
    if (mark == NULL || PyDict_SetItem(copy, name, mark) < 0)
        goto done;
    found = 0;
    values = oxypy_template_values(template_dict, copy);
    for (Py_ssize_t i = 0; values != NULL && i < n; i++) {
        if (values[i] != mark)
            continue;
        *place = (uint32_t)i;
        found = 1;
        break;
    }
done:
    Py_XDECREF(mark);
    Py_DECREF(copy);
    return found;
}

/* How many words the table of a dict has, which is no other dict's; -1 with an exception. */
static Py_ssize_t count_words(PyObject *dict)
{
    PyObject *size = PyObject_CallMethod(dict, "__sizeof__", NULL);
    Py_ssize_t bytes = size == NULL ? -1 : PyLong_AsSsize_t(size) - Py_TYPE(dict)->tp_basicsize;

    Py_XDECREF(size);
    return bytes < 0 ? (PyErr_Occurred() ? -1 : 0) : bytes / (Py_ssize_t)sizeof(PyObject *);
}

int oxypy_template_find_word(PyObject *template_dict, PyObject *name, uint32_t *place)
{
    PyObject *copy = PyDict_Copy(template_dict), *mark = NULL, **words = NULL;
    int found = -1, known;
    Py_ssize_t n;

    if (copy == NULL)
        return -1;
    known = PyDict_Contains(copy, name);
    if (known <= 0) {
        found = known;
        goto done;
    }
    mark = PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
    if (mark == NULL || PyDict_SetItem(copy, name, mark) < 0 || (n = count_words(copy)) < 0)
        goto done;
    found = 0;
    words = oxypy_template_words(template_dict, copy);
    for (Py_ssize_t i = 0; words != NULL && i < n; i++) {
        if (words[i] != mark)
            continue;
        *place = (uint32_t)i;
        found++;
    }
    found = found == 1;
done:
    Py_XDECREF(mark);
    Py_DECREF(copy);
    return found;
}

/* --- start-up ----------------------------------------------------------------------- */

int oxypy_template_init(PyObject *module)
{
    PyObject *tried = Py_BuildValue("{s:O,s:O}", "a", Py_None, "b", Py_None), *name = PyUnicode_FromString("b");
    uint32_t place;
    int found = -1;

    if (tried != NULL && name != NULL && oxypy_template_share(&tried) == 0)
        found = oxypy_template_find(tried, name, &place);
    Py_XDECREF(tried);
    Py_XDECREF(name);
    return found < 0 ? -1 : PyModule_AddIntConstant(module, "TEMPLATE_PLACES", found);
}
