/* SPDX-License-Identifier: MIT */
/* __pydantic_fields_set__, made on first use. A set of names costs half a
 * kilobyte a row and is rarely asked for; a loaded instance leaves its slot
 * empty, and this descriptor fills it when somebody reads it. To everyone else
 * (Pydantic's core, copies, pickles) the attribute is what it always was. */
#include "instance.h"
#include "leaf.h"

#include <structmember.h>

typedef struct fields_set_object {
    PyObject_HEAD PyObject *member; /* the slot's own descriptor */
    Py_ssize_t offset;
} fields_set_object;

/* What lies in the slot; new reference. A set that instances share since they were
 * constructed becomes one of the instance's own. */
static PyObject *own_set(oxypy_state *st, PyObject *instance, Py_ssize_t offset, PyObject *set)
{
    PyObject *own;

    if ((PyObject *)Py_TYPE(set) != st->given_type)
        return Py_NewRef(set);
    own = PySet_New(set);
    if (own != NULL)
        oxypy_slot_steal(instance, offset, Py_NewRef(own));
    return own;
}

PyObject *oxypy_fields_set_get(oxypy_state *st, const oxypy_plan *plan, PyObject *instance)
{
    PyObject *set = oxypy_slot_get(instance, plan->off_fields_set);

    if (set != NULL)
        return own_set(st, instance, plan->off_fields_set, set);
    if (oxypy_slot_get(instance, plan->off_state) == NULL)
        return PyErr_Format(PyExc_AttributeError, "%U", st->s_fields_set);
    set = PySet_New(plan->template_set);
    if (set == NULL)
        return NULL;
    oxypy_slot_steal(instance, plan->off_fields_set, Py_NewRef(set));
    return set;
}

static PyObject *descr_get(PyObject *self, PyObject *instance, PyObject *Py_UNUSED(owner))
{
    fields_set_object *d = (fields_set_object *)self;
    PyObject *set;

    if (instance == NULL)
        return Py_NewRef(self);
    if (!PyObject_TypeCheck(instance, ((PyMemberDescrObject *)d->member)->d_common.d_type))
        return PyErr_Format(PyExc_TypeError, "%s has no set of fields", Py_TYPE(instance)->tp_name);
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));

    oxypy_leaf_end(instance); /* the set may be given anything */
    set = oxypy_slot_get(instance, d->offset);
    if (set != NULL)
        return own_set(st, instance, d->offset, set);
    oxypy_plan *plan = oxypy_plan_of(st, (PyObject *)Py_TYPE(instance));

    if (plan != NULL)
        return oxypy_fields_set_get(st, plan, instance);
    /* Not a table, or not finished: then nothing of it was ever loaded. */
    PyErr_Clear();
    return PyErr_Format(PyExc_AttributeError, "%U", st->s_fields_set);
}

static int descr_set(PyObject *self, PyObject *instance, PyObject *value)
{
    PyObject *member = ((fields_set_object *)self)->member;

    return Py_TYPE(member)->tp_descr_set(member, instance, value);
}

static int descr_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((fields_set_object *)self)->member);
    return 0;
}

static int descr_clear(PyObject *self)
{
    Py_CLEAR(((fields_set_object *)self)->member);
    return 0;
}

static void descr_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    (void)descr_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot descr_slots[] = {
    {Py_tp_descr_get, descr_get},
    {Py_tp_descr_set, descr_set},
    {Py_tp_traverse, descr_traverse},
    {Py_tp_clear, descr_clear},
    {Py_tp_dealloc, descr_dealloc},
    {Py_tp_doc, (char *)"The set of fields that were given or loaded; made on first use."},
    {0, NULL},
};

static PyType_Spec descr_spec = {
    .name = "oxyde._core.FieldsSet",
    .basicsize = sizeof(fields_set_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = descr_slots,
};

/* lazy_fields_set(member): the descriptor to put in place of a slot's own. */
static PyObject *lazy_fields_set(PyObject *module, PyObject *member)
{
    oxypy_state *st = oxypy_state_of_module(module);
    fields_set_object *self;

    if (!Py_IS_TYPE(member, &PyMemberDescr_Type))
        return PyErr_Format(PyExc_TypeError, "lazy_fields_set() takes the descriptor of a slot");
    self = (fields_set_object *)st->fields_set_type->tp_alloc(st->fields_set_type, 0);
    if (self == NULL)
        return NULL;
    self->member = Py_NewRef(member);
    self->offset = ((PyMemberDescrObject *)member)->d_member->offset;
    return (PyObject *)self;
}

static PyMethodDef functions[] = {
    {"lazy_fields_set", lazy_fields_set, METH_O, PyDoc_STR("The descriptor that makes sets of fields on first use.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_fields_set_init(PyObject *module, oxypy_state *st)
{
    st->fields_set_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &descr_spec, NULL);
    if (st->fields_set_type == NULL)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
