/* SPDX-License-Identifier: MIT */
/* Which classes have leaves, and the descriptor of __dict__ that ends being one. */
#include "leaf.h"

#include <string.h>

#define BODY ((Py_ssize_t)sizeof(PyObject))
#define WORD ((Py_ssize_t)sizeof(PyObject *))

bool oxypy_leaf_known_words(const PyTypeObject *type)
{
    Py_ssize_t words = 4; /* set of fields, extra, private attributes, state */

    words += type->tp_weaklistoffset > 0;
    words += type->tp_dictoffset > 0;
    return type->tp_itemsize == 0 && type->tp_dictoffset != 0 && type->tp_basicsize == BODY + words * WORD;
}

#if OXYPY_LEAVES

/* The first entry of that name in the class and those above it; borrowed, NULL without an exception. */
static PyObject *entry_of(PyTypeObject *type, PyObject *name)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i);
        PyObject *found = PyDict_GetItemWithError(base->tp_dict, name);

        if (found != NULL)
            return found;
        PyErr_Clear();
    }
    return NULL;
}

/* --- __dict__ ------------------------------------------------------------------------------ */

/* All ways of Python code into an instance's dict begin here: assigning an attribute (Pydantic's
 * __setattr__), vars(), cached properties, copies, pickles, dumps, pydantic-core's assignments. */
static PyObject *get_dict(PyObject *instance, void *Py_UNUSED(closure))
{
    oxypy_leaf_end(instance);
    return PyObject_GenericGetDict(instance, NULL);
}

/* As the descriptor of any class statement's class: it may be deleted, too. */
static int set_dict(PyObject *instance, PyObject *value, void *Py_UNUSED(closure))
{
    PyObject **dict = _PyObject_GetDictPtr(instance);

    if (value != NULL || dict == NULL) {
        oxypy_leaf_end(instance);
        return PyObject_GenericSetDict(instance, value, NULL);
    }
    Py_CLEAR(*dict);
    return 0;
}

void oxypy_leaf_open_dict(PyObject *dict)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;
    bool any = false;

    while (PyDict_Next(dict, &at, &name, &value)) {
        if (!PyList_CheckExact(value))
            continue;
        any = true;
        if (!PyObject_GC_IsTracked(value))
            PyObject_GC_Track(value);
    }
    if (any && !PyObject_GC_IsTracked(dict))
        PyObject_GC_Track(dict);
}

void oxypy_leaf_open(PyObject *instance)
{
    PyObject **dict = _PyObject_GetDictPtr(instance);

    if (dict != NULL && *dict != NULL && PyDict_CheckExact(*dict))
        oxypy_leaf_open_dict(*dict);
    PyObject_GC_Track(instance);
}

static PyGetSetDef dict_getset = {"__dict__", get_dict, set_dict, NULL, NULL};

/* A mixin has a __dict__ of its own, which may come first; a __setattr__ of the user's may call object's,
 * which asks nobody. */
bool oxypy_leaf_suits(oxypy_state *st, PyTypeObject *type)
{
    return st->leaf_dict != NULL && oxypy_leaf_known_words(type) && type->tp_alloc == PyType_GenericAlloc &&
           PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT) && type->tp_dictoffset < 0 &&
           entry_of(type, st->s_dict) == st->leaf_dict && entry_of(type, st->s_setattr) == st->leaf_setattr;
}

/* The two words before the collector's, of dict and values, are NULL as PyObject_GC_New gives it. */
PyObject *oxypy_leaf_new(PyTypeObject *type)
{
    PyObject *self = PyObject_GC_New(PyObject, type);

    if (self != NULL)
        memset((char *)self + BODY, 0, (size_t)(type->tp_basicsize - BODY));
    return self;
}

/* --- attributes that are read ------------------------------------------------------------------ */

/* __getattr__ of the class, which Model has. */
static PyObject *ask_class(PyObject *self, PyObject *name)
{
    PyTypeObject *type = Py_TYPE(self);
    oxypy_state *st = oxypy_state_of_type(type);
    PyObject *found = st == NULL ? NULL : entry_of(type, st->s_getattr), *method, *value;
    descrgetfunc bind = found == NULL ? NULL : Py_TYPE(found)->tp_descr_get;

    if (found == NULL)
        return st == NULL ? NULL : PyErr_Format(PyExc_AttributeError, "%U", name);
    method = bind == NULL ? Py_NewRef(found) : bind(found, self, (PyObject *)type);
    value = method == NULL ? NULL : PyObject_CallOneArg(method, name);
    Py_XDECREF(method);
    return value;
}

/* What CPython does for a class with __getattr__, but for the lists. */
static PyObject *get_attribute(PyObject *self, PyObject *name)
{
    PyObject *value = PyObject_GenericGetAttr(self, name);

    if (value == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError))
            return NULL;
        PyErr_Clear();
        return ask_class(self, name);
    }
    if (PyList_CheckExact(value))
        oxypy_leaf_end(self);
    return value;
}

/* CPython puts its own function back when somebody assigns __getattr__ or __getattribute__ to the class or to
 * one of its bases, and into each class derived from it. */
void oxypy_leaf_watch(oxypy_state *st, PyTypeObject *type)
{
    PyObject *usual = PyDict_GetItemWithError(PyBaseObject_Type.tp_dict, st->s_getattribute);

    if (usual != NULL && entry_of(type, st->s_getattribute) == usual && entry_of(type, st->s_getattr) != NULL &&
        type->tp_getattro == ((PyDescrObject *)st->leaf_dict)->d_type->tp_getattro) {
        type->tp_getattro = get_attribute;
        PyType_Modified(type);
    }
    PyErr_Clear();
}

bool oxypy_leaf_closes(const PyTypeObject *type)
{
    return type->tp_getattro == get_attribute;
}

/* watch_dict(base) */
static PyObject *watch_dict(PyObject *module, PyObject *base)
{
    oxypy_state *st = oxypy_state_of_module(module);
    PyTypeObject *type = (PyTypeObject *)base;
    PyObject *dict, *setattr;

    if (!PyType_Check(base) || !PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE))
        return PyErr_Format(PyExc_TypeError, "a class made by a class statement is needed");
    setattr = PyDict_GetItemWithError(type->tp_dict, st->s_setattr);
    if (setattr == NULL)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "%s has no __setattr__", type->tp_name);
    dict = PyDescr_NewGetSet(type, &dict_getset);
    if (dict == NULL)
        return NULL;
    /* Through the class it could not be set: that is the class's own __dict__. */
    if (PyDict_SetItem(type->tp_dict, st->s_dict, dict) < 0) {
        Py_DECREF(dict);
        return NULL;
    }
    PyType_Modified(type);
    Py_XSETREF(st->leaf_dict, dict);
    Py_XSETREF(st->leaf_setattr, Py_NewRef(setattr));
    Py_RETURN_NONE;
}

#else

bool oxypy_leaf_suits(oxypy_state *st, PyTypeObject *type)
{
    (void)st;
    (void)type;
    return false;
}

PyObject *oxypy_leaf_new(PyTypeObject *type)
{
    return type->tp_alloc(type, 0);
}

void oxypy_leaf_watch(oxypy_state *st, PyTypeObject *type)
{
    (void)st;
    (void)type;
}

bool oxypy_leaf_closes(const PyTypeObject *type)
{
    (void)type;
    return false;
}

void oxypy_leaf_open_dict(PyObject *dict)
{
    (void)dict;
}

void oxypy_leaf_open(PyObject *instance)
{
    PyObject_GC_Track(instance);
}

static PyObject *watch_dict(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(base))
{
    Py_RETURN_NONE;
}

#endif

static PyMethodDef functions[] = {
    {"watch_dict", watch_dict, METH_O,
     PyDoc_STR("watch_dict(base): instances of classes below base may be left out by the collector until somebody "
               "asks for their __dict__; base has a __setattr__ that does.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_leaf_init(PyObject *module)
{
    if (PyModule_AddIntConstant(module, "LEAVES", OXYPY_LEAVES) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
