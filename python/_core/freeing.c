/* SPDX-License-Identifier: MIT */
/* Freeing instances. CPython's way for classes of class statements
 * (subtype_dealloc) asks at each object what the class could have: slots of each
 * base, a finaliser, weak references, values without a dict, a chain too deep for
 * the stack. That is a quarter of what an instance and its dict take to free. An
 * instance as it comes from a row has a dict and four slots; it is let go of here.
 *
 * What is in any way different goes CPython's way: the class and those above it
 * get its function back for the length of that one call. So nothing of that way is
 * written twice, and a subclass, which has CPython's function of its own and comes
 * here through it, is right, too: each of its steps finds done what was done. */
#include "freeing.h"

#include "leaf.h"
#include "visiting.h"

#include <structmember.h>

/* From 3.13 on the values of a dict may lie inside of the instance. */
#if PY_VERSION_HEX < 0x030d0000 && !defined(Py_GIL_DISABLED) && !defined(Py_TRACE_REFS) && !defined(PYPY_VERSION)
#define FREES_DIRECTLY 1
#else
#define FREES_DIRECTLY 0
#endif

#define BODY ((Py_ssize_t)sizeof(PyObject))
#define WORD ((Py_ssize_t)sizeof(PyObject *))

#if FREES_DIRECTLY

static void free_directly(PyObject *self);

static inline PyObject **word_at(PyObject *self, Py_ssize_t offset)
{
    return (PyObject **)(void *)((char *)self + offset);
}

/* --- CPython's way --------------------------------------------------------------------- */

/* Of the classes above, the first that is not freed here has CPython's function: the
 * class would not be freed here otherwise. */
static destructor usual_function(const PyTypeObject *type)
{
    while (type->tp_dealloc == free_directly)
        type = type->tp_base;
    return type->tp_dealloc;
}

static void free_as_usual(PyObject *self, PyTypeObject *type)
{
    while (type != NULL && type->tp_dealloc != free_directly)
        type = type->tp_base;
    if (type == NULL) {
        Py_TYPE(self)->tp_dealloc(self);
        return;
    }
    Py_INCREF(type); /* this may be the last instance */
    type->tp_dealloc = usual_function(type);
    free_as_usual(self, type->tp_base);
    type->tp_dealloc = free_directly;
    Py_DECREF(type);
}

/* --- ours ------------------------------------------------------------------------------- */

/* A dict or a set keeps the stack shallow by itself, as CPython's way does here;
 * what others hold, too, is not freed. */
static inline bool is_shallow(PyObject *o)
{
    return o == NULL || Py_REFCNT(o) > 1 || PyDict_CheckExact(o) || PySet_CheckExact(o);
}

/* Whether it is nothing but slots of known kinds and an ordinary dict. */
static inline bool is_plain(PyObject *self, const PyTypeObject *type, PyObject **dict)
{
    if (type->tp_dealloc != free_directly || type->tp_finalize != NULL || type->tp_del != NULL || dict == NULL ||
        *dict == NULL || !PyDict_CheckExact(*dict) ||
        (type->tp_weaklistoffset != 0 && *word_at(self, type->tp_weaklistoffset) != NULL))
        return false;
    for (Py_ssize_t at = BODY; at < type->tp_basicsize; at += WORD)
        if (!is_shallow(*word_at(self, at)))
            return false;
    return true;
}

/* --- related rows --------------------------------------------------------------------------- */

/* Rows of a relation came for all parents together, and so lie apart: a list of
 * them is freed as fast as memory brings in the four or five objects of each. Each
 * wait is for the one before; so the lists' last rows are asked for beforehand, all
 * at once. */
#define AHEAD 32

static PyDictObject *dict_of(PyObject *o)
{
    PyObject **dict = Py_TYPE(o)->tp_dealloc == free_directly ? _PyObject_GetDictPtr(o) : NULL;

    return dict == NULL || *dict == NULL || !PyDict_CheckExact(*dict) ? NULL : (PyDictObject *)(void *)*dict;
}

static void ask_for_rows(PyObject **rows, Py_ssize_t n)
{
    PyDictObject *dicts[AHEAD];
    Py_ssize_t found = 0;

    for (Py_ssize_t i = n; i-- > 0;) {
        __builtin_prefetch(rows[i], 1);
        __builtin_prefetch((char *)rows[i] + 64, 1);
    }
    for (Py_ssize_t i = n; i-- > 0;) {
        dicts[found] = dict_of(rows[i]);
        if (dicts[found] != NULL)
            __builtin_prefetch(dicts[found++], 1);
    }
    for (Py_ssize_t i = 0; i < found; i++)
        __builtin_prefetch(dicts[i]->ma_values, 1);
    for (Py_ssize_t i = 0; i < found; i++) {
        PyObject **values = (PyObject **)(void *)dicts[i]->ma_values;

        for (Py_ssize_t k = 0; values != NULL && k < dicts[i]->ma_used; k++)
            __builtin_prefetch(values[k], 1);
    }
}

static void ask_for_list(PyObject *value)
{
    Py_ssize_t n = value != NULL && PyList_CheckExact(value) && Py_REFCNT(value) == 1 ? PyList_GET_SIZE(value) : 0;
    Py_ssize_t first = n > AHEAD ? n - AHEAD : 0;

    if (n > 1)
        ask_for_rows(((PyListObject *)(void *)value)->ob_item + first, n - first);
}

/* Of a dict that shares its names the values lie side by side, as many places as it
 * has values at least. */
static void ask_for_related(PyObject *dict)
{
    const PyDictObject *d = (const PyDictObject *)(const void *)dict;
    PyObject **values = (PyObject **)(void *)d->ma_values, *name, *value;
    Py_ssize_t at = 0;

    for (; values != NULL && at < d->ma_used; at++)
        ask_for_list(values[at]);
    while (values == NULL && PyDict_Next(dict, &at, &name, &value))
        ask_for_list(value);
}

static void free_directly(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject **dict = _PyObject_GetDictPtr(self), *values;

    if (!is_plain(self, type, dict)) {
        free_as_usual(self, type);
        return;
    }
    PyObject_GC_UnTrack(self);
    values = *dict;
    if (Py_REFCNT(values) == 1 && PyObject_GC_IsTracked(values))
        ask_for_related(values);
    *dict = NULL;
    for (Py_ssize_t at = BODY; at < type->tp_basicsize; at += WORD)
        Py_XDECREF(*word_at(self, at));
    Py_DECREF(values);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

/* --- whose instances they are --------------------------------------------------------------- */

/* Up to object: classes of class statements, all freed by one function, or here. */
static bool bases_are_known(const PyTypeObject *type)
{
    destructor usual = usual_function(type);

    for (; type != &PyBaseObject_Type; type = type->tp_base)
        if (type == NULL || !PyType_HasFeature((PyTypeObject *)type, Py_TPFLAGS_HEAPTYPE) ||
            (type->tp_dealloc != usual && type->tp_dealloc != free_directly))
            return false;
    return usual != PyBaseObject_Type.tp_dealloc;
}

void oxypy_freeing_use(oxypy_plan *plan)
{
    PyTypeObject *type = plan->model;

    if (type->tp_dealloc == free_directly || type->tp_free != PyObject_GC_Del || type->tp_finalize != NULL ||
        !bases_are_known(type) || !oxypy_leaf_known_words(type))
        return;
    type->tp_dealloc = free_directly;
    oxypy_visiting_use(type);
}

bool oxypy_freed_directly(const PyTypeObject *type)
{
    return type->tp_dealloc == free_directly;
}

#else

void oxypy_freeing_use(oxypy_plan *plan)
{
    (void)plan;
}

bool oxypy_freed_directly(const PyTypeObject *type)
{
    (void)type;
    return false;
}

#endif

static PyObject *frees_directly(PyObject *Py_UNUSED(module), PyObject *type)
{
    return PyBool_FromLong(PyType_Check(type) && oxypy_freed_directly((const PyTypeObject *)type));
}

static PyMethodDef functions[] = {
    {"frees_directly", frees_directly, METH_O,
     PyDoc_STR("frees_directly(cls): whether its instances are freed without CPython's walk over the bases.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_freeing_init(PyObject *module)
{
    if (PyModule_AddIntConstant(module, "FREES_DIRECTLY", FREES_DIRECTLY) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
