/* SPDX-License-Identifier: MIT */
/* A young instance is visited twice in the first collection that meets it, and as
 * often in each that follows. CPython's function for classes of class statements
 * (subtype_traverse) looks through each class above for slots, then for values, then
 * for a dict; an instance of ours has a dict and four slots, whose places are known. */
#include "visiting.h"

/* Where the dict lies, and that values may lie beside it, is CPython 3.11's. */
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030c0000 && !defined(Py_TRACE_REFS) && !defined(PYPY_VERSION)
#define VISITS_DIRECTLY 1
#else
#define VISITS_DIRECTLY 0
#endif

#if VISITS_DIRECTLY

#define BODY ((Py_ssize_t)sizeof(PyObject))
#define WORD ((Py_ssize_t)sizeof(PyObject *))
/* In front of the object, beyond the collector's two words. */
#define DICT (-3 * WORD)
#define VALUES (-4 * WORD)

static int visit_directly(PyObject *self, visitproc visit, void *arg);

static inline PyObject *word_at(PyObject *self, Py_ssize_t offset)
{
    return *(PyObject **)(void *)((char *)self + offset);
}

/* --- the collector ------------------------------------------------------------------------ */

static traverseproc usual_function(const PyTypeObject *type)
{
    while (type->tp_traverse == visit_directly)
        type = type->tp_base;
    return type->tp_traverse;
}

/* The classes have CPython's function back for the length of this one call. */
static int visit_as_usual(PyObject *self, PyTypeObject *type, visitproc visit, void *arg)
{
    int rc;

    while (type != NULL && type->tp_traverse != visit_directly)
        type = type->tp_base;
    if (type == NULL)
        return Py_TYPE(self)->tp_traverse(self, visit, arg);
    type->tp_traverse = usual_function(type);
    rc = visit_as_usual(self, type->tp_base, visit, arg);
    type->tp_traverse = visit_directly;
    return rc;
}

/* An instance of a subclass comes here from CPython's function, which has visited its
 * own slots and its values, and leaves dict and class to the base. */
static int visit_directly(PyObject *self, visitproc visit, void *arg)
{
    const PyTypeObject *type = Py_TYPE(self);

    if (type->tp_traverse == visit_directly && word_at(self, VALUES) != NULL)
        return visit_as_usual(self, Py_TYPE(self), visit, arg);
    while (type->tp_traverse != visit_directly)
        type = type->tp_base;
    for (Py_ssize_t at = BODY; at < type->tp_basicsize; at += WORD)
        if (at != type->tp_weaklistoffset)
            Py_VISIT(word_at(self, at));
    Py_VISIT(word_at(self, DICT));
    Py_VISIT(Py_TYPE(self));
    return 0;
}

/* --- whose instances they are --------------------------------------------------------------- */

/* Up to object: classes of class statements, all visited by one function, or here. */
static bool bases_are_known(const PyTypeObject *type)
{
    traverseproc usual = usual_function(type);

    for (; type != &PyBaseObject_Type; type = type->tp_base)
        if (type == NULL || !PyType_HasFeature((PyTypeObject *)type, Py_TPFLAGS_HEAPTYPE) ||
            (type->tp_traverse != usual && type->tp_traverse != visit_directly))
            return false;
    return usual != NULL;
}

void oxypy_visiting_use(PyTypeObject *type)
{
    if (!PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT) || type->tp_dictoffset >= 0)
        return;
    if (type->tp_traverse != visit_directly && bases_are_known(type))
        type->tp_traverse = visit_directly;
}

static bool is_visited_directly(PyObject *type)
{
    return PyType_Check(type) && ((PyTypeObject *)type)->tp_traverse == visit_directly;
}

#else

void oxypy_visiting_use(PyTypeObject *type)
{
    (void)type;
}

static bool is_visited_directly(PyObject *type)
{
    (void)type;
    return false;
}

#endif

static PyObject *visits_directly(PyObject *Py_UNUSED(module), PyObject *type)
{
    return PyBool_FromLong(is_visited_directly(type));
}

static PyMethodDef functions[] = {
    {"visits_directly", visits_directly, METH_O,
     PyDoc_STR("visits_directly(cls): whether the collector visits its instances without CPython's walk over the "
               "bases.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_visiting_init(PyObject *module)
{
    if (PyModule_AddIntConstant(module, "VISITS_DIRECTLY", VISITS_DIRECTLY) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
