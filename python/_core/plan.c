/* SPDX-License-Identifier: MIT */
/* Plan: what the engine knows of one model class. Made from Python once per
 * class, immutable after; the class and its plan refer to each other. */
#include "freeing.h"
#include "hydrate.h"
#include "instance.h"
#include "leaf.h"
#include "plan_spec.h"
#include "relation.h"
#include "template.h"
#include "visiting.h"

/* --- life -------------------------------------------------------------------------- */

static int plan_traverse(PyObject *self, visitproc visit, void *arg)
{
    oxypy_plan *plan = (oxypy_plan *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(plan->model);
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        Py_VISIT(plan->fields[i].load_arg);
        Py_VISIT(plan->fields[i].coerce);
        Py_VISIT(plan->fields[i].to_stored);
        Py_VISIT(plan->fields[i].plain);
    }
    for (uint32_t i = 0; i < plan->n_absent; i++) {
        Py_VISIT(plan->absent[i].constant);
        Py_VISIT(plan->absent[i].factory);
    }
    Py_VISIT(plan->by_name);
    Py_VISIT(plan->validate_row);
    Py_VISIT(plan->template_dict);
    Py_VISIT(plan->template_set);
    Py_VISIT(plan->extra);
    Py_VISIT(plan->loaded_state);
    Py_VISIT(plan->order);
    Py_VISIT(plan->lookups);
    Py_VISIT(plan->arena_keepalive);
    Py_VISIT(plan->init_private);
    Py_VISIT(plan->partial);
    Py_VISIT(plan->relation_of);
    Py_VISIT(plan->without_id);
    for (uint32_t i = 0; i < plan->n_relations; i++) {
        Py_VISIT(plan->relations[i].target);
        Py_VISIT(plan->relations[i].through);
    }
    if (plan->decoded != NULL) {
        int rc = oxypy_rowprog_traverse(plan->decoded, visit, arg);

        if (rc != 0)
            return rc;
    }
    return plan->cache == NULL ? 0 : oxypy_cache_traverse(plan->cache, visit, arg);
}

static int plan_clear(PyObject *self)
{
    oxypy_plan *plan = (oxypy_plan *)self;
    struct oxypy_cache *cache = plan->cache;
    struct oxypy_rowprog *decoded = plan->decoded;

    plan->cache = NULL;
    plan->decoded = NULL;
    if (cache != NULL)
        oxypy_cache_free(cache);
    oxypy_rowprog_free(decoded);
    for (uint32_t i = 0; i < plan->n_fields; i++)
        oxypy__field_clear(&plan->fields[i]);
    for (uint32_t i = 0; i < plan->n_absent; i++) {
        Py_CLEAR(plan->absent[i].constant);
        Py_CLEAR(plan->absent[i].factory);
    }
    Py_CLEAR(plan->model);
    Py_CLEAR(plan->by_name);
    Py_CLEAR(plan->validate_row);
    Py_CLEAR(plan->template_dict);
    Py_CLEAR(plan->template_set);
    Py_CLEAR(plan->extra);
    Py_CLEAR(plan->loaded_state);
    Py_CLEAR(plan->order);
    Py_CLEAR(plan->lookups);
    Py_CLEAR(plan->init_private);
    Py_CLEAR(plan->partial);
    Py_CLEAR(plan->relation_of);
    Py_CLEAR(plan->without_id);
    for (uint32_t i = 0; i < plan->n_relations; i++) {
        Py_CLEAR(plan->relations[i].target);
        Py_CLEAR(plan->relations[i].through);
    }
    return 0;
}

static void plan_dealloc(PyObject *self)
{
    oxypy_plan *plan = (oxypy_plan *)self;
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    (void)plan_clear(self);
    for (uint32_t i = 0; i < plan->n_fields; i++)
        Py_CLEAR(plan->fields[i].name);
    for (uint32_t i = 0; i < plan->n_absent; i++)
        Py_CLEAR(plan->absent[i].name);
    oxypy__relations_free(plan);
    PyMem_Free(plan->fields);
    PyMem_Free(plan->absent);
    PyMem_Free(plan->pk);
    PyMem_Free((void *)plan->table.columns);
    Py_CLEAR(plan->arena_keepalive);
    type->tp_free(self);
    Py_DECREF(type);
}

/* --- making ------------------------------------------------------------------------ */

/* A zeroed array of n items of the size; never NULL without MemoryError. */
static void *array_new(Py_ssize_t n, size_t size)
{
    void *p = PyMem_Calloc(n > 0 ? (size_t)n : 1, size);

    if (p == NULL)
        (void)PyErr_NoMemory();
    return p;
}

static int add_by_name(oxypy_plan *plan, uint32_t i)
{
    PyObject *index = PyLong_FromUnsignedLong(i);
    int rc;

    if (index == NULL)
        return -1;
    rc = PyDict_SetItem(plan->by_name, plan->fields[i].name, index);
    Py_DECREF(index);
    return rc;
}

static int read_fields(oxypy_state *st, oxypy_plan *plan, PyObject *specs)
{
    PyObject *list = PySequence_Fast(specs, "fields must be a sequence of FieldSpec");
    oxy_column *columns;
    Py_ssize_t n;
    int rc = -1;

    if (list == NULL)
        return -1;
    n = PySequence_Fast_GET_SIZE(list);
    plan->fields = array_new(n, sizeof *plan->fields);
    columns = array_new(n, sizeof *columns);
    plan->table.columns = columns;
    if (plan->fields == NULL || columns == NULL)
        goto done;
    for (Py_ssize_t i = 0; i < n; i++) {
        plan->n_fields = plan->table.n_columns = (uint32_t)i + 1;
        plan->fields[i].plan = plan;
        plan->fields[i].column = (uint32_t)i;
        if (oxypy__field_read(st, plan, PySequence_Fast_GET_ITEM(list, i), &plan->fields[i], &columns[i]) < 0 ||
            add_by_name(plan, (uint32_t)i) < 0)
            goto done;
    }
    rc = 0;
done:
    Py_DECREF(list);
    return rc;
}

static int read_pk(oxypy_plan *plan, PyObject *names)
{
    Py_ssize_t n = PyTuple_GET_SIZE(names);

    plan->pk = array_new(n, sizeof *plan->pk);
    if (plan->pk == NULL)
        return -1;
    for (Py_ssize_t i = 0; i < n; i++) {
        Py_ssize_t field = oxypy_plan_field(plan, PyTuple_GET_ITEM(names, i));

        if (field < 0) {
            PyErr_Format(PyExc_ValueError, "pk names no field: %R", PyTuple_GET_ITEM(names, i));
            return -1;
        }
        plan->pk[i] = (uint32_t)field;
        plan->n_pk = (uint32_t)i + 1;
    }
    return 0;
}

/* (name, constant, factory): a factory of None stands for "use the constant". */
static int read_absent(oxypy_plan *plan, PyObject *items)
{
    PyObject *list = PySequence_Fast(items, "absent must be a sequence");
    Py_ssize_t n;
    int rc = -1;

    if (list == NULL)
        return -1;
    n = PySequence_Fast_GET_SIZE(list);
    plan->absent = array_new(n, sizeof *plan->absent);
    if (plan->absent == NULL)
        goto done;
    for (Py_ssize_t i = 0; i < n; i++) {
        oxypy_absent *a = &plan->absent[i];
        PyObject *name, *constant, *factory;

        if (!PyArg_ParseTuple(PySequence_Fast_GET_ITEM(list, i), "UOO:absent", &name, &constant, &factory))
            goto done;
        plan->n_absent = (uint32_t)i + 1;
        a->name = Py_NewRef(name);
        PyUnicode_InternInPlace(&a->name);
        if (factory != Py_None)
            a->factory = Py_NewRef(factory);
        else
            a->constant = Py_NewRef(constant);
    }
    rc = 0;
done:
    Py_DECREF(list);
    return rc;
}

/* Keys in field order; rows copy this dict and overwrite its values. */
static int make_template(oxypy_plan *plan, PyObject *attributes)
{
    plan->template_dict = PyDict_New();
    if (plan->template_dict == NULL)
        return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(attributes); i++) {
        PyObject *name = PyTuple_GET_ITEM(attributes, i);

        if (PyDict_SetItem(plan->template_dict, name, Py_None) < 0)
            return -1;
    }
    for (uint32_t i = 0; i < plan->n_absent; i++) {
        const oxypy_absent *a = &plan->absent[i];

        if (PyDict_SetItem(plan->template_dict, a->name, a->constant != NULL ? a->constant : Py_None) < 0)
            return -1;
    }
    if (oxypy_template_share(&plan->template_dict) < 0)
        return -1;
    plan->template_set = PySet_New(NULL);
    if (plan->template_set == NULL)
        return -1;
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        int known = PyDict_Contains(plan->template_dict, plan->fields[i].name);

        if (known == 0)
            PyErr_Format(PyExc_ValueError, "attributes lacks the field %R", plan->fields[i].name);
        if (known <= 0 || PySet_Add(plan->template_set, plan->fields[i].name) < 0)
            return -1;
    }
    return 0;
}

static int find_slots(oxypy_state *st, oxypy_plan *plan)
{
    PyObject *descriptor = PyObject_GetAttr((PyObject *)plan->model, st->s_fields_set);

    if (descriptor == NULL)
        return -1;
    plan->lazy_set = Py_IS_TYPE(descriptor, st->fields_set_type);
    Py_DECREF(descriptor);
    plan->off_fields_set = oxypy_slot_offset(plan->model, st->s_fields_set);
    if (plan->off_fields_set < 0)
        return -1;
    plan->off_extra = oxypy_slot_offset(plan->model, st->s_extra);
    if (plan->off_extra < 0)
        return -1;
    plan->off_private = oxypy_slot_offset(plan->model, st->s_private_);
    if (plan->off_private < 0)
        return -1;
    plan->off_state = oxypy_slot_offset(plan->model, st->s_state);
    if (plan->off_state < 0)
        return -1;
    oxypy_freeing_use(plan);
    plan->leaves =
        plan->lazy_set && plan->extra == Py_None && plan->init_private == NULL && oxypy_leaf_suits(st, plan->model);
    if (plan->leaves)
        oxypy_leaf_watch(st, plan->model);
    return 0;
}

/* Paths are split at "__"; names that hold it themselves need a longer look. */
static int note_long_names(oxypy_plan *plan)
{
    PyObject *mark = PyUnicode_FromString("__");

    for (uint32_t i = 0; mark != NULL && i < plan->n_fields + plan->n_relations; i++) {
        PyObject *name = i < plan->n_fields ? plan->fields[i].name : plan->relations[i - plan->n_fields].name;
        int has = PyUnicode_Contains(name, mark);

        if (has < 0)
            Py_CLEAR(mark);
        plan->long_names = plan->long_names || has > 0;
    }
    Py_XDECREF(mark);
    return mark == NULL ? -1 : 0;
}

typedef struct plan_args {
    PyObject *model, *table, *schema, *fields, *pk, *absent, *attributes, *validate_row, *extra, *order;
    PyObject *init_private, *partial, *relations, *relation, *without_id;
    int whole_model;
} plan_args;

static PyObject *none_to_null(PyObject *value)
{
    return value == NULL || value == Py_None ? NULL : Py_NewRef(value);
}

static int plan_fill(oxypy_state *st, oxypy_plan *plan, const plan_args *a)
{
    plan->model = (PyTypeObject *)Py_NewRef(a->model);
    plan->by_name = PyDict_New();
    plan->lookups = PyDict_New();
    plan->arena_keepalive = PyList_New(0);
    plan->validate_row = Py_NewRef(a->validate_row);
    plan->extra = Py_NewRef(a->extra);
    plan->order = Py_NewRef(a->order);
    plan->init_private = none_to_null(a->init_private);
    plan->partial = none_to_null(a->partial);
    plan->relation_of = none_to_null(a->relation);
    plan->without_id = none_to_null(a->without_id);
    plan->whole_model = a->whole_model != 0;
    plan->loaded_state = oxypy_instance_state_new(st, true, Py_None, NULL, NULL);
    plan->table.uid = ++st->last_uid;
    if (plan->by_name == NULL || plan->lookups == NULL || plan->arena_keepalive == NULL || plan->loaded_state == NULL)
        return -1;
    if (a->extra != Py_None && !PyDict_Check(a->extra)) {
        PyErr_SetString(PyExc_TypeError, "extra must be a dict or None");
        return -1;
    }
    if (oxypy__plan_text(plan, a->table, &plan->table.name) < 0)
        return -1;
    if (a->schema != Py_None && oxypy__plan_text(plan, a->schema, &plan->table.schema) < 0)
        return -1;
    if (read_fields(st, plan, a->fields) < 0 || read_pk(plan, a->pk) < 0 || read_absent(plan, a->absent) < 0 ||
        oxypy__relations_read(plan, a->relations) < 0 || note_long_names(plan) < 0)
        return -1;
    return make_template(plan, a->attributes) < 0 ? -1 : find_slots(st, plan);
}

static PyObject *plan_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"model",      "table",       "schema",       "fields",     "pk",    "absent",
                            "attributes", "whole_model", "validate_row", "extra",      "order", "init_private",
                            "partial",    "relations",   "relation",     "without_id", NULL};
    oxypy_state *st = oxypy_state_of_type(type);
    plan_args a = {.init_private = Py_None, .partial = Py_None};
    oxypy_plan *plan;

    if (st == NULL)
        return NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|$UOOO!OO!pOOO!OOO!OO!:Plan", names, &PyType_Type, &a.model,
                                     &a.table, &a.schema, &a.fields, &PyTuple_Type, &a.pk, &a.absent, &PyTuple_Type,
                                     &a.attributes, &a.whole_model, &a.validate_row, &a.extra, &PyTuple_Type, &a.order,
                                     &a.init_private, &a.partial, &PyTuple_Type, &a.relations, &a.relation,
                                     &PyTuple_Type, &a.without_id))
        return NULL;
    if (a.table == NULL || a.schema == NULL || a.fields == NULL || a.pk == NULL || a.absent == NULL ||
        a.attributes == NULL || a.validate_row == NULL || a.extra == NULL || a.order == NULL) {
        PyErr_SetString(PyExc_TypeError, "Plan() lacks a keyword argument; only init_private, partial, relations and "
                                         "relation are optional");
        return NULL;
    }
    plan = (oxypy_plan *)type->tp_alloc(type, 0);
    if (plan != NULL && plan_fill(st, plan, &a) < 0)
        Py_CLEAR(plan);
    return (PyObject *)plan;
}

/* --- what Python sees ------------------------------------------------------------------ */

static PyObject *plan_get_model(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((oxypy_plan *)self)->model);
}

static PyObject *plan_get_table(PyObject *self, void *unused)
{
    oxypy_plan *plan = (oxypy_plan *)self;

    (void)unused;
    return PyUnicode_FromStringAndSize(plan->table.name.p, (Py_ssize_t)plan->table.name.len);
}

static PyObject *plan_get_names(PyObject *self, void *unused)
{
    oxypy_plan *plan = (oxypy_plan *)self;
    PyObject *names = PyTuple_New((Py_ssize_t)plan->n_fields);

    (void)unused;
    for (uint32_t i = 0; names != NULL && i < plan->n_fields; i++)
        PyTuple_SET_ITEM(names, (Py_ssize_t)i, Py_NewRef(plan->fields[i].name));
    return names;
}

static PyObject *plan_check(PyObject *self, PyObject *condition)
{
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));

    if (st == NULL || oxypy_check_condition(st, (oxypy_plan *)self, condition) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *plan_load(PyObject *self, PyObject *row)
{
    oxypy_state *st = oxypy_state_of_type(Py_TYPE(self));

    return st == NULL ? NULL : oxypy_row_from_decoded(st, (oxypy_plan *)self, row);
}

static PyGetSetDef plan_getset[] = {
    {"model", plan_get_model, NULL, PyDoc_STR("The model class."), NULL},
    {"table", plan_get_table, NULL, PyDoc_STR("Name of the table."), NULL},
    {"names", plan_get_names, NULL, PyDoc_STR("Names of the fields with a column, in order."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef plan_methods[] = {
    {"check", plan_check, METH_O, PyDoc_STR("Resolves every name of a condition; raises as the contract says.")},
    {"load", plan_load, METH_O, PyDoc_STR("An instance from decoded values by field name.")},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot plan_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("What the engine knows of a model; immutable.")},
    {Py_tp_new, plan_new},
    {Py_tp_dealloc, plan_dealloc},
    {Py_tp_traverse, plan_traverse},
    {Py_tp_clear, plan_clear},
    {Py_tp_getset, plan_getset},
    {Py_tp_methods, plan_methods},
    {0, NULL},
};

static PyType_Spec plan_spec = {
    .name = "oxyde._core.Plan",
    .basicsize = sizeof(oxypy_plan),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = plan_slots,
};

int oxypy_plan_init(PyObject *module, oxypy_state *st)
{
    st->plan_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &plan_spec, NULL);
    if (st->plan_type == NULL || PyModule_AddType(module, st->plan_type) < 0)
        return -1;
    if (oxypy_template_init(module) < 0 || oxypy_freeing_init(module) < 0 || oxypy_visiting_init(module) < 0 ||
        oxypy_leaf_init(module) < 0 || oxypy_to_py_init(st) < 0)
        return -1;
    return PyModule_AddIntConstant(module, "DECIMALS_DIRECT", st->decimal_known);
}

/* --- finding --------------------------------------------------------------------------- */

/* The class's own plan, not an inherited one. Borrowed; NULL without exception
 * if there is none. */
static oxypy_plan *own_plan(oxypy_state *st, PyTypeObject *model)
{
#ifdef Py_GIL_DISABLED
    PyObject *plan = model->tp_dict == NULL ? NULL : PyDict_GetItemWithError(model->tp_dict, st->s_plan);
#else
    PyObject *plan = _PyType_Lookup(model, st->s_plan); /* the interpreter remembers where it is */
#endif

    if (plan == NULL || !Py_IS_TYPE(plan, st->plan_type) || ((oxypy_plan *)plan)->model != model)
        return NULL;
    return (oxypy_plan *)plan;
}

oxypy_plan *oxypy_plan_of(oxypy_state *st, PyObject *model)
{
    oxypy_plan *plan;
    PyObject *made;

    if (!PyType_Check(model)) {
        PyErr_Format(PyExc_TypeError, "a model class is needed, not %R", model);
        return NULL;
    }
    plan = own_plan(st, (PyTypeObject *)model);
    if (plan != NULL || PyErr_Occurred())
        return plan;
    if (st->plan_of == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "oxyde is not imported");
        return NULL;
    }
    made = PyObject_CallOneArg(st->plan_of, model);
    if (made == NULL)
        return NULL;
    plan = own_plan(st, (PyTypeObject *)model);
    if (plan == NULL && !PyErr_Occurred()) {
        /* The class must own its plan, for the reference returned is borrowed. */
        if (!Py_IS_TYPE(made, st->plan_type))
            PyErr_Format(PyExc_TypeError, "no plan for %R", model);
        else if (PyObject_SetAttr(model, st->s_plan, made) == 0)
            plan = own_plan(st, (PyTypeObject *)model);
    }
    Py_DECREF(made);
    if (plan == NULL && !PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "the plan of %R belongs to another class", model);
    return plan;
}

Py_ssize_t oxypy_plan_field(const oxypy_plan *plan, PyObject *name)
{
    PyObject *index = PyDict_GetItemWithError(plan->by_name, name);

    if (index == NULL) {
        if (PyErr_Occurred())
            PyErr_Clear();
        return -1;
    }
    return PyLong_AsSsize_t(index);
}
