/* SPDX-License-Identifier: MIT */
/* Row programs: made once per compiled statement and result shape. Everything
 * that is the same for all rows (names, rules, templates, defaults of fields
 * that were not selected) is settled here. */
#include "rowprog.h"

#include "instance.h"
#include "json.h"
#include "relation.h"
#include "template.h"

/* --- life ------------------------------------------------------------------------- */

int oxypy_rowprog_traverse(oxypy_rowprog *p, visitproc visit, void *arg)
{
    if (p == NULL)
        return 0;
    Py_VISIT(p->plan);
    Py_VISIT(p->template_dict);
    Py_VISIT(p->fields_set);
    Py_VISIT(p->covered);
    Py_VISIT(p->state);
    Py_VISIT(p->validate);
    for (uint32_t i = 0; i < p->n; i++) {
        Py_VISIT(p->cols[i].rule.load_arg);
        Py_VISIT(p->cols[i].rule.plain);
    }
    for (uint32_t i = 0; i < p->n_made; i++)
        Py_VISIT(p->made[i].factory);
    for (uint32_t i = 0; i < p->n_children; i++) {
        int stop = oxypy_rowprog_traverse(p->children[i].program, visit, arg);

        if (stop != 0)
            return stop;
    }
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
        oxypy_json_memory_free(c->json);
        Py_CLEAR(c->table);
        Py_CLEAR(c->column);
    }
    for (uint32_t i = 0; i < p->n_made; i++) {
        Py_CLEAR(p->made[i].name);
        Py_CLEAR(p->made[i].factory);
    }
    PyMem_Free(p->made);
    for (uint32_t i = 0; i < p->n_children; i++) {
        Py_CLEAR(p->children[i].name);
        PyMem_Free(p->children[i].keys);
        oxypy_rowprog_free(p->children[i].program);
    }
    PyMem_Free(p->children);
    Py_CLEAR(p->template_dict);
    Py_CLEAR(p->fields_set);
    Py_CLEAR(p->covered);
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
    case OXY_K_DATE: return OXYPY_WAY_DATE;
    case OXY_K_DECIMAL: return OXYPY_WAY_DECIMAL;
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

/* Numbers, truth values, text and bytes under a rule of our own. */
static bool is_quiet(const oxypy_rowcol *c)
{
    switch ((oxypy_way)c->way) {
    case OXYPY_WAY_INT:
    case OXYPY_WAY_TEXT:
    case OXYPY_WAY_DOUBLE:
    case OXYPY_WAY_BOOL:
    case OXYPY_WAY_BLOB:
        return c->rule.load == OXYPY_LOAD_IDENTITY || c->rule.load == OXYPY_LOAD_LENGTH ||
               c->rule.load == OXYPY_LOAD_INT_RANGE || c->rule.load == OXYPY_LOAD_FLOAT_RANGE;
    default: return false;
    }
}

static int fill_column(oxypy_rowprog *p, uint32_t i, const oxy_result_col *col, const oxypy_field *field,
                       PyObject *name)
{
    oxypy_rowcol *c = &p->cols[i];
    const oxy_table *table = col->table;
    const oxy_column *column = col->column;

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
    c->quiet = is_quiet(c);
    if (c->type.kind == OXY_K_JSON || c->type.kind == OXY_K_JSONB)
        c->json = oxypy_json_memory_new();
    if (col->table == NULL && c->is_field) { /* a subselect's: known by its field */
        table = &p->plan->table;
        column = &table->columns[field->column];
    }
    if (table != NULL)
        c->table = str_of(table->name);
    c->column = str_of(column != NULL ? column->name : col->name);
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
    made[p->n_made].place = UINT32_MAX;
    p->n_made++;
    return 0;
}

/* Fields that the row does not bring and that have no default either are no
 * attributes: reading them is the class's business. */
static int drop_others(oxypy_rowprog *p, PyObject *filled)
{
    for (uint32_t i = 0; i < p->plan->n_fields; i++) {
        PyObject *name = p->plan->fields[i].name;
        int known = PySet_Contains(p->fields_set, name);

        if (known == 0)
            known = PySet_Contains(filled, name);
        if (known < 0 || (known == 0 && PyDict_DelItem(p->template_dict, name) < 0))
            return -1;
    }
    return 0;
}

/* (name, constant, factory) of every field that the row does not bring. */
static int take_defaults(oxypy_rowprog *p, PyObject *defaults)
{
    PyObject *list = PySequence_Fast(defaults, "defaults must be a sequence"), *filled = PySet_New(NULL);
    int rc = -1;

    if (list == NULL || filled == NULL)
        goto done;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list); i++) {
        PyObject *name, *constant, *factory;

        if (!PyArg_ParseTuple(PySequence_Fast_GET_ITEM(list, i), "UOO:defaults", &name, &constant, &factory))
            goto done;
        if (factory != Py_None ? add_made(p, name, factory) < 0 : PyDict_SetItem(p->template_dict, name, constant) < 0)
            goto done;
        if (PySet_Add(filled, name) < 0)
            goto done;
    }
    rc = drop_others(p, filled);
done:
    Py_XDECREF(list);
    Py_XDECREF(filled);
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

/* The plan's attributes and those of related rows, in the order of the model's
 * fields: a relation that is not loaded may be no attribute at all. */
static int with_relations(oxypy_rowprog *p)
{
    PyObject *fields, *ordered, *name, *value;
    Py_ssize_t pos = 0, before = PyDict_GET_SIZE(p->template_dict);
    int rc = -1;

    for (uint32_t i = 0; i < p->n_children; i++)
        if (PyDict_SetItem(p->template_dict, p->children[i].name, Py_None) < 0)
            return -1;
    if (PyDict_GET_SIZE(p->template_dict) == before)
        return 0;
    fields = PyObject_GetAttrString((PyObject *)p->plan->model, "__pydantic_fields__");
    ordered = PyDict_New();
    if (fields == NULL || ordered == NULL || !PyDict_Check(fields)) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_TypeError, "%s has no fields", p->plan->model->tp_name);
        goto done;
    }
    while (PyDict_Next(fields, &pos, &name, &value)) {
        value = PyDict_GetItemWithError(p->template_dict, name);
        if (value == NULL ? PyErr_Occurred() != NULL : PyDict_SetItem(ordered, name, value) < 0)
            goto done;
    }
    rc = PyDict_Merge(ordered, p->template_dict, 0);
    if (rc == 0) {
        Py_SETREF(p->template_dict, Py_NewRef(ordered));
        rc = oxypy_template_share(&p->template_dict);
    }
done:
    Py_XDECREF(fields);
    Py_XDECREF(ordered);
    return rc;
}

/* Names of the related rows as a frozenset; new reference. */
static PyObject *names_of_children(const oxypy_rowprog *p)
{
    PyObject *names = PyTuple_New((Py_ssize_t)p->n_children), *set;

    if (names == NULL)
        return NULL;
    for (uint32_t i = 0; i < p->n_children; i++)
        PyTuple_SET_ITEM(names, (Py_ssize_t)i, Py_NewRef(p->children[i].name));
    set = PyFrozenSet_New(names);
    Py_DECREF(names);
    return set;
}

/* The state of every row: the shared one of the plan, if nothing else is true of them. */
static PyObject *state_of_rows(oxypy_state *st, const oxypy_rowprog *p)
{
    PyObject *relations, *state;

    if (!p->partial && p->n_children == 0)
        return Py_NewRef(p->plan->loaded_state);
    relations = names_of_children(p);
    if (relations == NULL)
        return NULL;
    state = oxypy_instance_state_new(st, true, p->partial ? p->fields_set : Py_None, relations, NULL);
    Py_DECREF(relations);
    return state;
}

static int share_model(oxypy_state *st, oxypy_rowprog *p)
{
    Py_ssize_t n_fields = 0;

    p->template_dict = PyDict_Copy(p->plan->template_dict);
    p->fields_set = PySet_New(NULL);
    if (p->template_dict == NULL || p->fields_set == NULL || (p->n_children != 0 && with_relations(p) < 0))
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
    p->state = state_of_rows(st, p);
    if (p->state == NULL)
        return -1;
    if (!p->partial)
        return p->whole ? 0 : share_absent(p);
    return p->plan->partial == NULL && share_absent(p) < 0 ? -1 : plan_partial(p);
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

/* Where the columns' values go, where copies of the template have places. */
static int find_places(oxypy_rowprog *p)
{
    for (int in_words = 0; in_words < 2 && !p->placed; in_words++) {
        int found = 1;

        for (uint32_t i = 0; i < p->n && found > 0; i++)
            found = in_words ? oxypy_template_find_word(p->template_dict, p->cols[i].name, &p->cols[i].place)
                             : oxypy_template_find(p->template_dict, p->cols[i].name, &p->cols[i].place);
        if (found < 0)
            return -1;
        p->placed = found > 0;
        p->in_words = found > 0 && in_words;
    }
    for (uint32_t i = 0; i < p->n_made && p->placed && !p->in_words; i++)
        if (oxypy_template_find(p->template_dict, p->made[i].name, &p->made[i].place) < 0)
            return -1;
    return 0;
}

/* --- making --------------------------------------------------------------------------- */

/* Everything that programs of one statement are made of. */
typedef struct recipe {
    oxypy_state *st;
    const oxy_result_col *cols;
    const oxypy_field *const *fields;
    PyObject *names;
    const oxypy_branch *branches;
    uint32_t n_branches;
} recipe;

static oxypy_rowprog *make(const recipe *r, oxypy_plan *plan, oxypy_shape shape, uint32_t first, uint32_t n,
                           uint32_t parent);

/* The columns that the join compares tell its rows apart, and are NULL without
 * a row. */
static int take_keys(oxypy_child *c, const oxypy_relation *relation)
{
    c->keys = PyMem_Calloc(relation->n_near, sizeof *c->keys);
    if (c->keys == NULL) {
        (void)PyErr_NoMemory();
        return -1;
    }
    c->n_keys = relation->n_near;
    for (uint32_t i = 0; i < c->n_keys; i++)
        c->keys[i] = (uint32_t)(relation->near[i].to - relation->target->fields);
    return 0;
}

/* Programs of the branches that begin at parent. */
static int take_children(const recipe *r, oxypy_rowprog *p, uint32_t first, uint32_t parent)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < r->n_branches; i++)
        n += r->branches[i].parent == parent;
    if (n == 0)
        return 0;
    p->children = PyMem_Calloc(n, sizeof *p->children);
    if (p->children == NULL) {
        (void)PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < r->n_branches; i++) {
        const oxypy_branch *branch = &r->branches[i];
        const oxypy_relation *relation = branch->relation;

        if (branch->parent != parent)
            continue;
        oxypy_child *c = &p->children[p->n_children++];

        c->name = Py_NewRef(relation->name);
        c->first = branch->first - first;
        c->number = i;
        c->program = take_keys(c, relation) < 0
                         ? NULL
                         : make(r, relation->target, OXYPY_MODEL, branch->first, relation->target->n_fields, i + 1);
        if (c->program == NULL)
            return -1;
    }
    return 0;
}

static oxypy_rowprog *make(const recipe *r, oxypy_plan *plan, oxypy_shape shape, uint32_t first, uint32_t n,
                           uint32_t parent)
{
    oxypy_rowprog *p = PyMem_Calloc(1, sizeof *p + (size_t)n * sizeof(oxypy_rowcol));
    int rc = 0;

    if (p == NULL)
        return (oxypy_rowprog *)(void *)PyErr_NoMemory();
    p->shape = shape;
    p->plan = (oxypy_plan *)Py_XNewRef((PyObject *)plan);
    p->lax = Py_BuildValue("(sss)", "strict", "by_alias", "by_name");
    if (p->lax == NULL)
        goto fail;
    for (uint32_t i = 0; i < n; i++) {
        p->n = i + 1;
        if (fill_column(p, i, &r->cols[first + i], r->fields == NULL ? NULL : r->fields[first + i],
                        PyTuple_GET_ITEM(r->names, (Py_ssize_t)(first + i))) < 0)
            goto fail;
    }
    if (take_children(r, p, first, parent) < 0)
        goto fail;
    if (shape == OXYPY_MODEL)
        rc = share_model(r->st, p);
    else if (shape == OXYPY_DICT)
        rc = share_dict(p);
    if (rc == 0 && p->template_dict != NULL)
        rc = find_places(p);
    if (rc == 0)
        return p;
fail:
    oxypy_rowprog_free(p);
    return NULL;
}

oxypy_rowprog *oxypy_rowprog_new(oxypy_state *st, oxypy_plan *plan, oxypy_shape shape, const oxy_result_col *cols,
                                 const oxypy_field *const *fields, PyObject *names, const oxypy_branch *branches,
                                 uint32_t n_branches)
{
    const recipe r = {st, cols, fields, names, branches, n_branches};
    uint32_t width = (uint32_t)PyTuple_GET_SIZE(names);
    oxypy_rowprog *p = make(&r, plan, shape, 0, n_branches == 0 ? width : branches[0].first, 0);

    if (p == NULL)
        return NULL;
    p->width = width;
    p->n_branches = n_branches;
    return p;
}
