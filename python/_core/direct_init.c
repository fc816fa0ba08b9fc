/* SPDX-License-Identifier: MIT */
/* Calling a class: its instance is made in C where that can be (construct.c),
 * else by its validator without the frame of BaseModel.__init__, which is a
 * sixth of Pydantic's way. Only tp_init changes, the attribute __init__ stays
 * Pydantic's: a subclass begins with CPython's own slot function, which also
 * comes back when somebody assigns __init__ to the class or to one of its bases. */
#include "construct.h"
#include "leaf.h"

/* Through the attribute, for all that is not plain: positional arguments, and
 * validators that are no SchemaValidator. The latter are plugins, and stand-ins
 * of unfinished classes, which count the frames up to the caller. */
static int init_by_attribute(oxypy_state *st, PyObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *method = PyObject_GetAttr(self, st->s_init), *answer;

    if (method == NULL)
        return -1;
    answer = PyObject_Call(method, args, kwargs);
    Py_DECREF(method);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

/* A copy, as a Python function gets its own: validators may change it. New reference. */
static PyObject *data_of(PyObject *kwargs)
{
    if (kwargs == NULL)
        return PyDict_New();
    return PyArg_ValidateKeywordArguments(kwargs) ? PyDict_Copy(kwargs) : NULL;
}

static int validate_into(oxypy_state *st, PyObject *validator, PyObject *self, PyObject *kwargs)
{
    PyObject *data = data_of(kwargs), *answer, *warned;
    PyObject *values[] = {validator, data, self};
    int rc = -1;

    if (data == NULL)
        return -1;
    answer =
        PyObject_VectorcallMethod(st->s_validate_python, values, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, st->self_keyword);
    if (answer == self) {
        rc = 0;
    } else if (answer != NULL) {
        warned = PyObject_CallNoArgs(st->warn_of_another);
        Py_XDECREF(warned);
        rc = warned == NULL ? -1 : 0;
    }
    Py_XDECREF(answer);
    Py_DECREF(data);
    return rc;
}

static int init_by_validator(oxypy_state *st, PyObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *validator = PyObject_GetAttr(self, st->s_validator);
    int rc;

    if (validator == NULL)
        return -1;
    if (PyTuple_GET_SIZE(args) == 0 && (PyObject *)Py_TYPE(validator) == st->schema_validator)
        rc = validate_into(st, validator, self, kwargs);
    else
        rc = init_by_attribute(st, self, args, kwargs);
    Py_DECREF(validator);
    return rc;
}

static int direct_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));
    int rc = st == NULL ? -1 : PyTuple_GET_SIZE(args) == 0 ? oxypy_construct(st, self, kwargs) : 0;

    return rc != 0 ? (rc < 0 ? -1 : 0) : init_by_validator(st, self, args, kwargs);
}

/* What type.__call__ does with such a class, less a dict: object.__new__ makes a place for
 * values, which becomes a dict as soon as the instance's own is set, and is freed then. */
static PyObject *call_class(PyObject *cls, PyObject *args, PyObject *kwargs)
{
    PyTypeObject *type = (PyTypeObject *)cls;
    oxypy_state *st;
    PyObject *self;
    int rc;

    if (type->tp_init != direct_init || type->tp_new != PyBaseObject_Type.tp_new || PyTuple_GET_SIZE(args) != 0 ||
        PyType_HasFeature(type, Py_TPFLAGS_IS_ABSTRACT))
        return PyType_Type.tp_call(cls, args, kwargs);
    st = oxypy_state_of_type(type);
    self = st == NULL ? NULL : oxypy_construct_new(st, type);
    if (self == NULL)
        return NULL;
    rc = oxypy_construct(st, self, kwargs);
    if (rc == 0) {
        oxypy_leaf_end(self);
        rc = init_by_validator(st, self, args, kwargs) < 0 ? -1 : 1;
    }
    if (rc < 0)
        Py_CLEAR(self);
    return self;
}

static bool is_class(PyObject *cls)
{
    if (PyType_Check(cls) && PyType_HasFeature((PyTypeObject *)cls, Py_TPFLAGS_HEAPTYPE))
        return true;
    PyErr_SetString(PyExc_TypeError, "a class made by a class statement is needed");
    return false;
}

/* allow_direct_init(base, warn, construction_of, given): base leads to this module from now on, as a
 * type that the module made does. */
static PyObject *allow_direct_init(PyObject *module, PyObject *args)
{
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *base, *warn, *construction_of, *given;

    if (!PyArg_ParseTuple(args, "OOOO:allow_direct_init", &base, &warn, &construction_of, &given) || !is_class(base))
        return NULL;
    Py_XSETREF(st->warn_of_another, Py_NewRef(warn));
    Py_XSETREF(st->construction_of, Py_NewRef(construction_of));
    Py_XSETREF(st->given_type, Py_NewRef(given));
    Py_XSETREF(((PyHeapTypeObject *)base)->ht_module, Py_NewRef(module));
    Py_RETURN_NONE;
}

/* use_direct_init(cls): cls is below such a base, and its __init__ is BaseModel's. */
static PyObject *use_direct_init(PyObject *Py_UNUSED(module), PyObject *cls)
{
    if (!is_class(cls) || oxypy_state_of_type((PyTypeObject *)cls) == NULL)
        return NULL;
    ((PyTypeObject *)cls)->tp_init = direct_init;
    Py_RETURN_NONE;
}

/* call_directly(metaclass): calls of its classes, for those that use_direct_init() was told of. */
static PyObject *call_directly(PyObject *Py_UNUSED(module), PyObject *metaclass)
{
    if (!PyType_Check(metaclass) || !PyType_IsSubtype((PyTypeObject *)metaclass, &PyType_Type)) {
        PyErr_SetString(PyExc_TypeError, "a metaclass is wanted");
        return NULL;
    }
    /* Else it has a __call__ of its own. */
    if (((PyTypeObject *)metaclass)->tp_call == PyType_Type.tp_call)
        ((PyTypeObject *)metaclass)->tp_call = call_class;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"allow_direct_init", allow_direct_init, METH_VARARGS,
     PyDoc_STR("allow_direct_init(base, warn, construction_of, given): classes below base may be made directly; "
               "warn() says that a validator returned another object, construction_of(cls) tells how they are "
               "made, given is the class of sets of fields that instances share.")},
    {"call_directly", call_directly, METH_O,
     PyDoc_STR("call_directly(metaclass): its classes are called without type.__call__ where that is the same.")},
    {"use_direct_init", use_direct_init, METH_O,
     PyDoc_STR("use_direct_init(cls): calling a class whose __init__ is BaseModel's goes to its validator.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_direct_init_init(PyObject *module, oxypy_state *st)
{
    PyObject *core = PyImport_ImportModule("pydantic_core");

    st->schema_validator = core == NULL ? NULL : PyObject_GetAttrString(core, "SchemaValidator");
    Py_XDECREF(core);
    st->self_keyword = st->schema_validator == NULL ? NULL : Py_BuildValue("(s)", "self_instance");
    return st->self_keyword == NULL ? -1 : PyModule_AddFunctions(module, functions);
}
