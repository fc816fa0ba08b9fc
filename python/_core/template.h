/* SPDX-License-Identifier: MIT */
/* Templates: a dict that rows copy and whose values they then replace. Where
 * CPython keeps the values of such a copy is looked up once, so that a row
 * stores its values in place and does not search for each name. */
#ifndef OXYPY_TEMPLATE_H
#define OXYPY_TEMPLATE_H

#include "state.h"

/* Values of a dict whose keys are shared lie in an array of their own:
 * PyDictObject.ma_values, since 3.13 behind four bytes. A newer CPython, and
 * one without GIL, is not known: then values go in by name. */
#if PY_VERSION_HEX < 0x030f0000 && !defined(Py_GIL_DISABLED) && !defined(PYPY_VERSION)
#define OXYPY_TEMPLATE_IN_PLACE 1
#else
#define OXYPY_TEMPLATE_IN_PLACE 0
#endif
#define OXYPY_TEMPLATE_VALUES (PY_VERSION_HEX >= 0x030d0000 ? sizeof(PyObject *) : 0)

/* *dict as a dict whose copies share one table of names, or as it is where that
 * cannot be. Half the memory of another dict, and less to copy. 0 / -1. */
int oxypy_template_share(PyObject **dict);

/* The place of a name's value in copies of the template: 1 with *place, 0 if
 * copies have no such places, -1 with an exception. Tried out on a copy. */
int oxypy_template_find(PyObject *template_dict, PyObject *name, uint32_t *place);

/* TEMPLATE_PLACES: whether this interpreter's dicts have such places. 0 / -1. */
int oxypy_template_init(PyObject *module);

/* The values of a copy, by place; NULL if they lie elsewhere by now. To be asked
 * again after anything that may run Python code: the collector may have shown
 * the copy to somebody, who changed it. */
static inline PyObject **oxypy_template_values(PyObject *template_dict, PyObject *copy)
{
#if OXYPY_TEMPLATE_IN_PLACE
    const PyDictObject *from = (const PyDictObject *)template_dict, *to = (const PyDictObject *)copy;

    if (to->ma_values != NULL && to->ma_keys == from->ma_keys)
        return (PyObject **)(void *)((char *)to->ma_values + OXYPY_TEMPLATE_VALUES);
#else
    (void)template_dict;
    (void)copy;
#endif
    return NULL;
}

/* The same where copies share no names, since there are too many: the words of the
 * copy's own table, which is one of the template's. NULL if that is not certain: a dict
 * that the collector has not been shown is nobody else's, so nobody has changed it. */
int oxypy_template_find_word(PyObject *template_dict, PyObject *name, uint32_t *place);

static inline PyObject **oxypy_template_words(PyObject *template_dict, PyObject *copy)
{
#if OXYPY_TEMPLATE_IN_PLACE
    const PyDictObject *from = (const PyDictObject *)template_dict, *to = (const PyDictObject *)copy;

    if (from->ma_values == NULL && to->ma_values == NULL && to->ma_used == from->ma_used &&
        !PyObject_GC_IsTracked(copy))
        return (PyObject **)(void *)to->ma_keys;
#else
    (void)template_dict;
    (void)copy;
#endif
    return NULL;
}

/* Whether the value can be part of a reference cycle: then the copy must be
 * tracked once it is filled. */
static inline bool oxypy_template_holds(PyObject *value)
{
    return PyType_HasFeature(Py_TYPE(value), Py_TPFLAGS_HAVE_GC) != 0;
}

/* The copy as PyDict_SetItem would have left it. */
static inline void oxypy_template_done(PyObject *copy, bool holds)
{
    if (holds && !PyObject_GC_IsTracked(copy))
        PyObject_GC_Track(copy);
}

#endif
