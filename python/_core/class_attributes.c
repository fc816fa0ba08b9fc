/* SPDX-License-Identifier: MIT */
/* Attributes of model classes. A metaclass with __getattr__ costs each look at a class
 * (`Depot.objects`) a method wrapper for type.__getattribute__, which is called as any
 * object is: four times as much as the look itself. Here type's function is called
 * directly, and __getattr__ after it as Python does. Whoever changes the metaclass later,
 * or derives from it, gets Python's way back from Python itself. */
#include "runtime.h"

/* Classes are changed under locks of the interpreter's where there is no GIL. */
#ifdef Py_GIL_DISABLED
#define LOOKS_DIRECTLY 0
#else
#define LOOKS_DIRECTLY 1
#endif

#if LOOKS_DIRECTLY

static PyObject *attribute_of_class(PyObject *cls, PyObject *name)
{
    PyObject *found = PyType_Type.tp_getattro(cls, name), *method;

    if (found != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return found;
    PyErr_Clear();
    method = PyObject_GetAttrString((PyObject *)Py_TYPE(cls), "__getattr__");
    if (method == NULL)
        return NULL;
    found = PyObject_CallFunctionObjArgs(method, cls, name, NULL);
    Py_DECREF(method);
    return found;
}

#endif

static PyObject *look_directly(PyObject *Py_UNUSED(module), PyObject *metaclass)
{
    if (!PyType_Check(metaclass) || !PyType_IsSubtype((PyTypeObject *)metaclass, &PyType_Type)) {
        PyErr_SetString(PyExc_TypeError, "a metaclass is wanted");
        return NULL;
    }
#if LOOKS_DIRECTLY
    ((PyTypeObject *)metaclass)->tp_getattro = attribute_of_class;
    PyType_Modified((PyTypeObject *)metaclass);
#endif
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"look_directly", look_directly, METH_O,
     PyDoc_STR("look_directly(metaclass): attributes of its classes are read without type.__getattribute__; its own "
               "__getattr__ must be a function.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_class_attributes_init(PyObject *module, oxypy_state *st)
{
    (void)st;
    return PyModule_AddFunctions(module, functions);
}
