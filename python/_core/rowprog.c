/* SPDX-License-Identifier: MIT */
/* Row programs: made once per compiled statement and result shape. Everything
 * that is the same for all rows (names, rules, templates, defaults of fields
 * that were not selected) is settled here. */
#include "rowprog.h"

#include "instance.h"

/* --- life ------------------------------------------------------------------------- */

int oxypy_rowprog_traverse(oxypy_rowprog *p, visitproc visit, void *arg)
{
    if (p == NULL)
        return 0;
    Py_VISIT(p->plan);
    Py_VISIT(p->template_dict);
    Py_VISIT(p->fields_set);
    Py_VISIT(p->state);
    Py_VISIT(p->validate);
    for (uint32_t i = 0; i < p->n; i++) {
        Py_VISIT(p->cols[i].rule.load_arg);
        Py_VISIT(p->cols[i].rule.plain);
    }
    for (uint32_t i = 0; i < p->n_made; i++)
        Py_VISIT(p->made[i].factory);
    return 0;
}

void oxypy_rowprog_free(oxypy_rowprog *p)
{
    if (p == NULL)
        return;
    for (uint32_t i = 0; i < p->n; i++) {
        oxypy_rowcol *c = &p->cols[i];

        Py_CLEAR(c->name);
        Py_CLEAR(c->rule.load_arg);
        Py_CLEAR(c->rule.plain);
        Py_CLEAR(c->table);
        Py_CLEAR(c->column);
    }
    for (uint32_t i = 0; i < p->n_made; i++) {
        Py_CLEAR(p->made[i].name);
        Py_CLEAR(p->made[i].factory);
    }
    PyMem_Free(p->made);
    Py_CLEAR(p->template_dict);
    Py_CLEAR(p->fields_set);
    Py_CLEAR(p->state);
    Py_CLEAR(p->validate);
    Py_CLEAR(p->lax);
    Py_CLEAR(p->plan);
    PyMem_Free(p);
}

/* --- columns ------------------------------------------------------------------------ */

static oxypy_way way_of(oxy_kind kind)
{
    switch (kind) {
    case OXY_K_BOOL: return OXYPY_WAY_BOOL;
    case OXY_K_INT: return OXYPY_WAY_INT;
    case OXY_K_DOUBLE: return OXYPY_WAY_DOUBLE;
    case OXY_K_STRING:
    case OXY_K_TEXT:
    case OXY_K_ENUM: return OXYPY_WAY_TEXT;
    case OXY_K_BLOB: return OXYPY_WAY_BLOB;
    case OXY_K_DATETIME: return OXYPY_WAY_DATETIME;
    case OXY_K_DATETIME_UTC: return OXYPY_WAY_DATETIME_UTC;
    default: return OXYPY_WAY_CODEC;
    }
}

static PyObject *str_of(oxy_sv s)
{
    return s.len == 0 ? NULL : PyUnicode_DecodeUTF8(s.p, (Py_ssize_t)s.len, "replace");
}

/* A copy that owns what loading needs; the rest of the field is for writing. */
static void take_rule(oxypy_rowcol *c, const oxypy_field *field)
{
    c->rule = *field;
    c->rule.coerce = c->rule.to_stored = NULL;
    Py_XINCREF(c->rule.load_arg);
    Py_XINCREF(c->rule.plain);
}

static int fill_column(oxypy_rowprog *p, uint32_t i, const oxy_result_col *col, const oxypy_field *field,
                       PyObject *name)
{
    oxypy_rowcol *c = &p->cols[i];

    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "names of result columns must be str");
        return -1;
    }
    c->name = Py_NewRef(name);
    PyUnicode_InternInPlace(&c->name);
    c->rule.load_nullable = true;
    c->type = col->type;
    if (p->shape == OXYPY_MODEL) {
        Py_ssize_t own = oxypy_plan_field(p->plan, name);

        c->is_field = own >= 0;
        if (own >= 0)
            field = &p->plan->fields[own];
    }
    if (field != NULL) {
        take_rule(c, field);
        c->type = field->load_type;
    }
    c->way = (uint8_t)way_of(c->type.kind);
    if (col->table != NULL)
        c->table = str_of(col->table->name);
    c->column = str_of(col->column != NULL ? col->column->name : col->name);
    return PyErr_Occurred() ? -1 : 0;
}

/* --- MODEL: what all rows share ------------------------------------------------------- */

static int add_made(oxypy_rowprog *p, PyObject *name, PyObject *factory)
{
    oxypy_made *made = PyMem_Realloc(p->made, (p->n_made + 1) * sizeof *made);

    if (made == NULL) {
        (void)PyErr_NoMemory();
        return -1;
    }
    p->made = made;
    made[p->n_made].name = Py_NewRef(name);
    made[p->n_made].factory = Py_NewRef(factory);
    p->n_made++;
    return 0;
}

/* (name, constant, factory) of every field that the row does not bring. */
static int take_defaults(oxypy_rowprog *p, PyObject *defaults)
{
    PyObject *list = PySequence_Fast(defaults, "defaults must be a sequence");
    int rc = -1;

    if (list == NULL)
        return -1;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list); i++) {
        PyObject *name, *constant, *factory;

        if (!PyArg_ParseTuple(PySequence_Fast_GET_ITEM(list, i), "UOO:defaults", &name, &constant, &factory))
            goto done;
        if (factory != Py_None ? add_made(p, name, factory) < 0 : PyDict_SetItem(p->template_dict, name, constant) < 0)
            goto done;
    }
    rc = 0;
done:
    Py_DECREF(list);
    return rc;
}

/* CPython copies a set as a block if the table of the source has just the size
 * that a copy gets; a set that grew by itself has a larger one. */
static int settle_set(PyObject **set)
{
    PyObject *copy = PySet_New(*set);

    if (copy == NULL)
        return -1;
    Py_SETREF(*set, copy);
    return 0;
}

/* The proof tells how to validate some fields alone, and the other's defaults. */
static int plan_partial(oxypy_rowprog *p)
{
    PyObject *names, *answer, *validate, *defaults;
    int rc = -1;

    if (p->plan->partial == NULL)
        return 0;
    names = PySequence_Tuple(p->fields_set);
    if (names == NULL)
        return -1;
    answer = PyObject_CallOneArg(p->plan->partial, names);
    Py_DECREF(names);
    if (answer == NULL)
        return -1;
    if (PyArg_ParseTuple(answer, "OO:partial", &validate, &defaults)) {
        p->validate = Py_NewRef(validate);
        rc = take_defaults(p, defaults);
    }
    Py_DECREF(answer);
    return rc;
}

static int share_absent(oxypy_rowprog *p)
{
    for (uint32_t i = 0; i < p->plan->n_absent; i++) {
        const oxypy_absent *a = &p->plan->absent[i];

        if (a->factory != NULL && add_made(p, a->name, a->factory) < 0)
            return -1;
    }
    return 0;
}

static int share_model(oxypy_state *st, oxypy_rowprog *p)
{
    Py_ssize_t n_fields = 0;

    p->template_dict = PyDict_Copy(p->plan->template_dict);
    p->fields_set = PySet_New(NULL);
    if (p->template_dict == NULL || p->fields_set == NULL)
        return -1;
    for (uint32_t i = 0; i < p->n; i++) {
        const oxypy_rowcol *c = &p->cols[i];

        if (c->is_field ? PySet_Add(p->fields_set, c->name) < 0
                        : PyDict_SetItem(p->template_dict, c->name, Py_None) < 0)
            return -1;
    }
    if (settle_set(&p->fields_set) < 0)
        return -1;
    n_fields = PySet_GET_SIZE(p->fields_set);
    p->partial = n_fields < (Py_ssize_t)p->plan->n_fields;
    p->whole = p->plan->whole_model;
    if (!p->partial) {
        p->state = Py_NewRef(p->plan->loaded_state);
        return p->whole ? 0 : share_absent(p);
    }
    if (p->plan->partial == NULL && share_absent(p) < 0)
        return -1;
    p->state = oxypy_instance_state_new(st, true, p->fields_set, NULL, NULL);
    return p->state == NULL ? -1 : plan_partial(p);
}

static int share_dict(oxypy_rowprog *p)
{
    p->template_dict = PyDict_New();
    if (p->template_dict == NULL)
        return -1;
    for (uint32_t i = 0; i < p->n; i++)
        if (PyDict_SetItem(p->template_dict, p->cols[i].name, Py_None) < 0)
            return -1;
    return 0;
}

/* --- making --------------------------------------------------------------------------- */

oxypy_rowprog *oxypy_rowprog_new(oxypy_state *st, oxypy_plan *plan, oxypy_shape shape, const oxy_result_col *cols,
                                 const oxypy_field *const *fields, PyObject *names)
{
    Py_ssize_t n = PyTuple_GET_SIZE(names);
    oxypy_rowprog *p = PyMem_Calloc(1, sizeof *p + (size_t)n * sizeof(oxypy_rowcol));
    int rc = 0;

    if (p == NULL)
        return (oxypy_rowprog *)(void *)PyErr_NoMemory();
    p->shape = shape;
    p->plan = (oxypy_plan *)Py_XNewRef((PyObject *)plan);
    p->lax = Py_BuildValue("(sss)", "strict", "by_alias", "by_name");
    if (p->lax == NULL)
        goto fail;
    for (Py_ssize_t i = 0; i < n; i++) {
        p->n = (uint32_t)i + 1;
        if (fill_column(p, (uint32_t)i, &cols[i], fields == NULL ? NULL : fields[i], PyTuple_GET_ITEM(names, i)) < 0)
            goto fail;
    }
    if (shape == OXYPY_MODEL)
        rc = share_model(st, p);
    else if (shape == OXYPY_DICT)
        rc = share_dict(p);
    if (rc == 0)
        return p;
fail:
    oxypy_rowprog_free(p);
    return NULL;
}
