/* SPDX-License-Identifier: MIT */
/* InstanceState: whether an instance stands for a stored row and which parts
 * of it were loaded or assigned. Immutable, so that thousands of rows share
 * one object. */
#include "instance.h"

static int state_traverse(PyObject *self, visitproc visit, void *arg)
{
    oxypy_instance_state *s = (oxypy_instance_state *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(s->loaded);
    Py_VISIT(s->relations);
    Py_VISIT(s->dirty);
    return 0;
}

static int state_clear(PyObject *self)
{
    oxypy_instance_state *s = (oxypy_instance_state *)self;

    Py_CLEAR(s->loaded);
    Py_CLEAR(s->relations);
    Py_CLEAR(s->dirty);
    return 0;
}

static void state_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    (void)state_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* Names as a frozenset; NULL stands for none. New reference. */
static PyObject *names_of(PyObject *names)
{
    if (names != NULL && PyFrozenSet_CheckExact(names))
        return Py_NewRef(names);
    return PyFrozenSet_New(names);
}

static PyObject *state_make(PyTypeObject *type, bool saved, PyObject *loaded, PyObject *relations, PyObject *dirty)
{
    oxypy_instance_state *self = (oxypy_instance_state *)type->tp_alloc(type, 0);

    if (self == NULL)
        return NULL;
    self->saved = saved;
    self->loaded = loaded == NULL || loaded == Py_None ? Py_NewRef(Py_None) : names_of(loaded);
    self->relations = names_of(relations);
    self->dirty = names_of(dirty);
    if (self->loaded == NULL || self->relations == NULL || self->dirty == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

PyObject *oxypy_instance_state_new(oxypy_state *st, bool saved, PyObject *loaded, PyObject *relations, PyObject *dirty)
{
    return state_make(st->state_type, saved, loaded, relations, dirty);
}

static PyObject *state_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"saved", "loaded", "relations", "dirty", NULL};
    PyObject *loaded = Py_None, *relations = NULL, *dirty = NULL;
    int saved = 0;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|pOOO:InstanceState", names, &saved, &loaded, &relations, &dirty))
        return NULL;
    return state_make(type, saved != 0, loaded, relations, dirty);
}

static PyObject *state_saved(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((oxypy_instance_state *)self)->saved);
}

static PyObject *state_loaded(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((oxypy_instance_state *)self)->loaded);
}

static PyObject *state_relations(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((oxypy_instance_state *)self)->relations);
}

static PyObject *state_dirty(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((oxypy_instance_state *)self)->dirty);
}

static PyObject *state_reduce(PyObject *self, PyObject *unused)
{
    oxypy_instance_state *s = (oxypy_instance_state *)self;

    (void)unused;
    return Py_BuildValue("O(OOOO)", Py_TYPE(self), s->saved ? Py_True : Py_False, s->loaded, s->relations, s->dirty);
}

static PyObject *state_repr(PyObject *self)
{
    oxypy_instance_state *s = (oxypy_instance_state *)self;

    return PyUnicode_FromFormat("InstanceState(saved=%s, loaded=%R, relations=%R, dirty=%R)",
                                s->saved ? "True" : "False", s->loaded, s->relations, s->dirty);
}

static PyObject *state_compare(PyObject *left, PyObject *right, int op)
{
    oxypy_instance_state *a = (oxypy_instance_state *)left, *b = (oxypy_instance_state *)right;
    int equal;

    if ((op != Py_EQ && op != Py_NE) || Py_TYPE(left) != Py_TYPE(right))
        Py_RETURN_NOTIMPLEMENTED;
    equal = a->saved == b->saved;
    if (equal > 0)
        equal = PyObject_RichCompareBool(a->loaded, b->loaded, Py_EQ);
    if (equal > 0)
        equal = PyObject_RichCompareBool(a->relations, b->relations, Py_EQ);
    if (equal > 0)
        equal = PyObject_RichCompareBool(a->dirty, b->dirty, Py_EQ);
    return equal < 0 ? NULL : PyBool_FromLong((op == Py_EQ) == (equal > 0));
}

static Py_hash_t state_hash(PyObject *self)
{
    oxypy_instance_state *s = (oxypy_instance_state *)self;
    PyObject *key = PyTuple_Pack(4, s->saved ? Py_True : Py_False, s->loaded, s->relations, s->dirty);
    Py_hash_t hash;

    if (key == NULL)
        return -1;
    hash = PyObject_Hash(key);
    Py_DECREF(key);
    return hash;
}

static PyGetSetDef state_getset[] = {
    {"saved", state_saved, NULL, PyDoc_STR("Stands for a stored row."), NULL},
    {"loaded", state_loaded, NULL, PyDoc_STR("Names of the loaded fields, or None for all."), NULL},
    {"relations", state_relations, NULL, PyDoc_STR("Names of the loaded relations."), NULL},
    {"dirty", state_dirty, NULL, PyDoc_STR("Names assigned since construction or loading."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef state_methods[] = {
    {"__reduce__", state_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot state_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("What an instance knows of its row; immutable.")},
    {Py_tp_new, state_new},
    {Py_tp_dealloc, state_dealloc},
    {Py_tp_traverse, state_traverse},
    {Py_tp_clear, state_clear},
    {Py_tp_repr, state_repr},
    {Py_tp_richcompare, state_compare},
    {Py_tp_hash, state_hash},
    {Py_tp_getset, state_getset},
    {Py_tp_methods, state_methods},
    {0, NULL},
};

static PyType_Spec state_spec = {
    .name = "oxyde._core.InstanceState",
    .basicsize = sizeof(oxypy_instance_state),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = state_slots,
};

PyObject *oxypy_write_attribute(PyObject *module, PyObject *const *args, Py_ssize_t n);
PyObject *oxypy_unsettled(PyObject *module, PyObject *args);
PyObject *oxypy_are_all(PyObject *module, PyObject *args);

static PyMethodDef functions[] = {
    {"write_attribute", (PyCFunction)(void (*)(void))oxypy_write_attribute, METH_FASTCALL,
     PyDoc_STR("write_attribute(instance, name, value): sets a field past frozen and without validation.")},
    {"are_all", oxypy_are_all, METH_VARARGS,
     PyDoc_STR("are_all(model, items): whether each item of the list is an instance of exactly this class.")},
    {"unsettled", oxypy_unsettled, METH_VARARGS,
     PyDoc_STR("unsettled(model, instances, relations, strict): those with assigned fields or held relations.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_instance_state_init(PyObject *module, oxypy_state *st)
{
    st->state_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &state_spec, NULL);
    if (st->state_type == NULL || PyModule_AddType(module, st->state_type) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
