/* SPDX-License-Identifier: MIT */
/* InsertState: rows to insert, and INSERT built from them. Values come from
 * the attributes of the instances. */
#include "insert.h"
#include "instance.h"
#include "tree.h"

#include <string.h>
#include <structmember.h>

/* --- life ------------------------------------------------------------------------------- */

static int read_conflict(PyObject *text, uint8_t *out)
{
    if (text == Py_None) {
        *out = OXY_CONFLICT_ERROR;
    } else if (PyUnicode_Check(text) && PyUnicode_CompareWithASCIIString(text, "nothing") == 0) {
        *out = OXY_CONFLICT_NOTHING;
    } else if (PyUnicode_Check(text) && PyUnicode_CompareWithASCIIString(text, "update") == 0) {
        *out = OXY_CONFLICT_UPDATE;
    } else {
        PyErr_Format(PyExc_ValueError, "conflict is None, 'nothing' or 'update', not %R", text);
        return -1;
    }
    return 0;
}

static PyObject *insert_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"model", "rows", "fields", "conflict", "targets", "sets", "refill", "keep", NULL};
    PyObject *model, *rows, *fields = Py_None, *conflict = Py_None, *targets = NULL, *sets = Py_None;
    int refill = 1, keep = 0;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|$OOOOpp:InsertState", names, &model, &rows, &fields, &conflict,
                                     &targets, &sets, &refill, &keep)) {
        return NULL;
    }
    oxypy_insert *self = (oxypy_insert *)type->tp_alloc(type, 0);

    if (!self) {
        return NULL;
    }
    self->model = Py_NewRef(model);
    self->refill = refill;
    self->keep = keep;
    self->rows = PySequence_Tuple(rows);
    self->fields = fields == Py_None ? NULL : PySequence_Tuple(fields);
    self->targets = targets ? PySequence_Tuple(targets) : PyTuple_New(0);
    if (sets != Py_None) {
        self->sets = PyDict_New();
        if (self->sets && PyDict_Update(self->sets, sets) < 0) {
            Py_CLEAR(self->sets);
        }
    }
    if (!self->rows || !self->targets || PyErr_Occurred() || read_conflict(conflict, &self->conflict) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    if (self->keep && self->conflict != OXY_CONFLICT_ERROR) {
        PyErr_SetString(PyExc_ValueError, "a row that was there already has values of its own: keep=True loses them");
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

PyObject *oxypy_insert_one(oxypy_state *st, PyObject *model, PyObject *row)
{
    oxypy_insert *self = (oxypy_insert *)st->insert_type->tp_alloc(st->insert_type, 0);

    if (!self) {
        return NULL;
    }
    self->model = Py_NewRef(model);
    self->rows = PyTuple_Pack(1, row);
    self->targets = PyTuple_New(0);
    self->refill = true;
    if (!self->rows || !self->targets) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int insert_traverse(PyObject *self, visitproc visit, void *arg)
{
    oxypy_insert *s = (oxypy_insert *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(s->model);
    Py_VISIT(s->rows);
    Py_VISIT(s->fields);
    Py_VISIT(s->targets);
    Py_VISIT(s->sets);
    return 0;
}

static int insert_clear(PyObject *self)
{
    oxypy_insert *s = (oxypy_insert *)self;

    Py_CLEAR(s->model);
    Py_CLEAR(s->rows);
    Py_CLEAR(s->fields);
    Py_CLEAR(s->targets);
    Py_CLEAR(s->sets);
    return 0;
}

static void insert_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    (void)insert_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* --- which columns a row writes -------------------------------------------------------------- */

/* Values that are not None, and None where it was set on purpose. Keys and
 * defaults of the database are left to it while they are untouched. */
static bool is_written(const oxypy_field *field, PyObject *value, bool set)
{
    if (!value || value == Py_None) {
        return value && set && !(field->primary_key && field->generated);
    }
    return set || field->primary_key || !field->generated;
}

PyObject *oxypy_insert_row_dict(const oxypy_plan *plan, PyObject *row)
{
    if (!PyObject_TypeCheck(row, plan->model)) {
        return PyErr_Format(PyExc_TypeError, "rows to insert are instances of %s, not of %.100s", plan->model->tp_name,
                            Py_TYPE(row)->tp_name);
    }
    return PyObject_GenericGetDict(row, NULL);
}

/* The row's set of fields; new reference. Read from its slot: reading the
 * attribute goes through __getattr__'s hook. */
static PyObject *row_set(oxypy_state *st, const oxypy_plan *plan, PyObject *row)
{
    PyObject *set = Py_TYPE(row) == plan->model ? Py_XNewRef(oxypy_slot_get(row, plan->off_fields_set)) : NULL;

    if (!set) {
        set = PyObject_GetAttr(row, st->s_fields_set);
    }
    if (set && !PyAnySet_Check(set)) {
        PyErr_SetString(PyExc_TypeError, "an instance without its set of fields cannot be inserted");
        Py_CLEAR(set);
    }
    return set;
}

/* Whether it depends on the row's set of fields that this value is written. */
static bool depends_on_set(const oxypy_field *field, PyObject *value)
{
    if (!value) {
        return false;
    }
    return value == Py_None ? !(field->primary_key && field->generated) : field->generated && !field->primary_key;
}

/* Whether the row's set of fields names the field; *set is found when it is first asked for. */
static int is_set(oxypy_state *st, const oxypy_plan *plan, PyObject *row, const oxypy_field *field, PyObject **set)
{
    if (!*set) {
        *set = row_set(st, plan, row);
    }
    return *set ? PySet_Contains(*set, field->name) : -1;
}

int oxypy_insert_mask(oxypy_state *st, const oxypy_plan *plan, const oxypy_insert_places *places, PyObject *row,
                      char *mask)
{
    PyObject *dict = oxypy_insert_row_dict(plan, row), *set = NULL;
    oxypy_insert_walk walk = {plan, places, dict, 0};
    int rc = dict ? 0 : -1;

    /* Few rows need their set; that it is there is asked of all. */
    if (dict && (Py_TYPE(row) != plan->model || !oxypy_slot_get(row, plan->off_fields_set))) {
        set = row_set(st, plan, row);
        rc = set ? 0 : -1;
    }
    for (uint32_t i = 0; i < plan->n_fields && rc == 0; i++) {
        const oxypy_field *field = &plan->fields[i];
        PyObject *value = oxypy_insert_next_value(&walk, i);
        int touched;

        if (value && value != Py_None && !field->generated) { /* most of them */
            mask[i] = 1;
            continue;
        }
        touched = !value && PyErr_Occurred()     ? -1
                  : depends_on_set(field, value) ? is_set(st, plan, row, field, &set)
                                                 : 0;
        mask[i] = is_written(field, value, touched > 0);
        rc = touched < 0 ? -1 : 0;
    }
    Py_XDECREF(dict);
    Py_XDECREF(set);
    return rc;
}

static PyObject *mask_names(const oxypy_plan *plan, const char *mask)
{
    PyObject *list = PyList_New(0);

    for (uint32_t i = 0; list && i < plan->n_fields; i++) {
        if (mask[i] && PyList_Append(list, plan->fields[i].name) < 0) {
            Py_CLEAR(list);
        }
    }
    PyObject *names = list ? PyList_AsTuple(list) : NULL;

    Py_XDECREF(list);
    return names;
}

/* Rows by the columns they write. open: mask -> list of rows; masks and groups
 * grow in step. last: the mask and rows of the row before, borrowed. */
typedef struct grouping {
    PyObject *open, *masks, *groups;
    PyObject *last_mask, *last_rows;
} grouping;

/* The open group of this mask, or a new one; borrowed. */
static PyObject *group_of(grouping *g, const char *mask, Py_ssize_t length, Py_ssize_t limit)
{
    PyObject *key, *rows;

    if (g->last_mask && memcmp(PyBytes_AS_STRING(g->last_mask), mask, (size_t)length) == 0 &&
        PyList_GET_SIZE(g->last_rows) < limit) {
        return g->last_rows;
    }
    key = PyBytes_FromStringAndSize(mask, length);
    rows = key ? PyDict_GetItemWithError(g->open, key) : NULL;
    if (key && !PyErr_Occurred() && (!rows || PyList_GET_SIZE(rows) >= limit)) {
        PyObject *fresh = PyList_New(0);
        bool kept = fresh && PyDict_SetItem(g->open, key, fresh) == 0 && PyList_Append(g->masks, key) == 0 &&
                    PyList_Append(g->groups, fresh) == 0;

        rows = kept ? fresh : NULL;
        g->last_mask = kept ? key : g->last_mask;
        g->last_rows = kept ? fresh : g->last_rows;
        Py_XDECREF(fresh);
    }
    Py_XDECREF(key);
    return rows;
}

static int group_row(grouping *g, const char *mask, Py_ssize_t length, PyObject *row, Py_ssize_t limit)
{
    PyObject *rows = group_of(g, mask, length, limit);

    return rows ? PyList_Append(rows, row) : -1;
}

static PyObject *name_groups(const oxypy_plan *plan, PyObject *masks, PyObject *groups)
{
    PyObject *out = PyList_New(0);

    for (Py_ssize_t i = 0; out && i < PyList_GET_SIZE(groups); i++) {
        PyObject *names = mask_names(plan, PyBytes_AS_STRING(PyList_GET_ITEM(masks, i)));
        PyObject *pair = names ? PyTuple_Pack(2, names, PyList_GET_ITEM(groups, i)) : NULL;

        if (!pair || PyList_Append(out, pair) < 0) {
            Py_CLEAR(out);
        }
        Py_XDECREF(names);
        Py_XDECREF(pair);
    }
    return out;
}

PyDoc_STRVAR(groups_doc, "groups(model, rows, limit)\n--\n\n"
                         "Rows by the set of columns they write, at most limit rows each.");

static PyObject *insert_groups(PyObject *cls, PyObject *args)
{
    oxypy_state *st = oxypy_state_of_type((PyTypeObject *)cls);
    PyObject *model, *given, *out = NULL;
    Py_ssize_t limit;

    if (!st || !PyArg_ParseTuple(args, "OOn:groups", &model, &given, &limit)) {
        return NULL;
    }
    oxypy_plan *plan = oxypy_plan_of(st, model);
    PyObject *rows = plan ? PySequence_Tuple(given) : NULL;
    char *mask = plan ? PyMem_Malloc((size_t)plan->n_fields + 1) : NULL;
    grouping g = {PyDict_New(), PyList_New(0), PyList_New(0), NULL, NULL};
    oxypy_insert_places places = {NULL, NULL};
    int rc = rows && mask && g.open && g.masks && g.groups ? 0 : -1;

    if (rows && !mask) {
        PyErr_NoMemory();
    }
    if (rc == 0) {
        rc = oxypy_insert_places_init(st, plan, PyTuple_GET_SIZE(rows), &places);
    }
    for (Py_ssize_t i = 0; rc == 0 && i < PyTuple_GET_SIZE(rows); i++) {
        rc = oxypy_insert_mask(st, plan, &places, PyTuple_GET_ITEM(rows, i), mask);
        if (rc == 0) {
            /* DEFAULT VALUES makes one row. */
            bool none = !memchr(mask, 1, plan->n_fields);

            rc = group_row(&g, mask, (Py_ssize_t)plan->n_fields, PyTuple_GET_ITEM(rows, i),
                           none        ? 1
                           : limit > 0 ? limit
                                       : PY_SSIZE_T_MAX);
        }
    }
    if (rc == 0) {
        out = name_groups(plan, g.masks, g.groups);
    }
    oxypy_insert_places_fini(&places);
    PyMem_Free(mask);
    Py_XDECREF(rows);
    Py_XDECREF(g.open);
    Py_XDECREF(g.masks);
    Py_XDECREF(g.groups);
    return out;
}

/* The same rows, none of which come back: for servers without RETURNING. */
static PyObject *insert_without_rows(PyObject *self, PyObject *fields)
{
    PyTypeObject *type = Py_TYPE(self);
    const oxypy_insert *from = (const oxypy_insert *)self;
    oxypy_insert *copy = (oxypy_insert *)type->tp_alloc(type, 0);

    if (!copy) {
        return NULL;
    }
    copy->model = Py_NewRef(from->model);
    copy->rows = Py_NewRef(from->rows);
    copy->fields = PySequence_Tuple(fields);
    copy->targets = Py_NewRef(from->targets);
    copy->sets = Py_XNewRef(from->sets);
    copy->conflict = from->conflict;
    copy->refill = false;
    if (!copy->fields) {
        Py_CLEAR(copy);
    }
    return (PyObject *)copy;
}

/* --- the statement ------------------------------------------------------------------------------ */

int oxypy_insert_columns(oxypy_build *cx, oxypy_plan *plan, const oxypy_insert *s, uint32_t *out, uint32_t *n)
{
    *n = 0;
    if (s->fields) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(s->fields); i++) {
            const oxypy_field *field = oxypy_field_named(cx->st, plan, PyTuple_GET_ITEM(s->fields, i));

            if (!field || *n == plan->n_fields) {
                return -1;
            }
            out[(*n)++] = (uint32_t)(field - plan->fields);
        }
        return 0;
    }
    char *mask = oxy_arena_zero(cx->text, plan->n_fields + 1, 1);

    if (!mask || oxypy_insert_mask(cx->st, plan, NULL, PyTuple_GET_ITEM(s->rows, 0), mask) < 0) {
        return oxypy_build_failed(cx);
    }
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        if (mask[i]) {
            out[(*n)++] = i;
        }
    }
    return 0;
}

static int insert_row(oxypy_build *cx, PyObject *row, const uint32_t *columns, uint32_t n, const oxy_expr **out)
{
    oxypy_plan *plan = cx->scope->plan;
    PyObject *dict = oxypy_insert_row_dict(plan, row);
    oxypy_insert_walk walk = {plan, NULL, dict, 0};
    int rc = dict ? 0 : -1;

    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        const oxypy_field *field = &plan->fields[columns[i]];
        const oxypy_want want = {.plan = plan, .field = field};
        const oxy_type *type = &plan->table.columns[field->column].type;
        oxypy_conv cv = {.st = cx->st, .plan = plan, .field = field, .arena = cx->text, .keep = cx->keep};
        PyObject *value = oxypy_insert_next_value(&walk, columns[i]);
        uint32_t first = cx->b->n_params;
        oxy_value v;

        if ((!value && PyErr_Occurred()) || oxypy_store(&cv, value ? value : Py_None, type, &v) < 0) {
            rc = -1;
            break;
        }
        out[i] = oxy_param(cx->b, &v, type);
        rc = out[i] ? oxypy_note_origin(cx, first, &want) : -1;
    }
    Py_XDECREF(dict);
    return rc;
}

static int insert_conflict(oxypy_build *cx, const oxypy_insert *s, oxy_insert *insert)
{
    oxypy_plan *plan = cx->scope->plan;
    uint32_t n = (uint32_t)PyTuple_GET_SIZE(s->targets);
    const oxy_column **targets = oxy_arena_zero(&cx->b->arena, n + 1, sizeof *targets);
    oxy_assign *sets;

    insert->conflict = (oxy_conflict)s->conflict;
    if (!targets) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < n; i++) {
        const oxypy_field *field = oxypy_field_named(cx->st, plan, PyTuple_GET_ITEM(s->targets, i));

        if (!field) {
            return -1;
        }
        targets[i] = &plan->table.columns[field->column];
    }
    insert->targets = targets;
    insert->n_targets = n;
    if (s->sets && s->conflict == OXY_CONFLICT_UPDATE) {
        if (oxypy_build_assigns(cx, s->sets, true, &sets, &insert->n_sets) < 0) {
            return -1;
        }
        insert->sets = sets;
    }
    return 0;
}

/* numbers: of the n fields that are written. */
static int fill_insert(oxypy_build *cx, const oxypy_insert *s, const uint32_t *numbers, uint32_t n, oxy_insert *insert)
{
    oxypy_plan *plan = cx->scope->plan;
    uint32_t n_rows = (uint32_t)PyTuple_GET_SIZE(s->rows);
    const oxy_column **columns = oxy_arena_zero(&cx->b->arena, plan->n_fields + 1, sizeof *columns);

    if (!columns) {
        PyErr_NoMemory();
        return -1;
    }
    if (n == 0 && n_rows > 1) {
        PyErr_SetString(PyExc_ValueError, "rows without values are inserted one by one");
        return -1;
    }
    const oxy_expr **values = oxy_arena_new(&cx->b->arena, ((size_t)n * n_rows + 1) * sizeof *values);

    if (!values) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < n; i++) {
        columns[i] = &plan->table.columns[plan->fields[numbers[i]].column];
    }
    for (uint32_t i = 0; n && i < n_rows; i++) {
        if (insert_row(cx, PyTuple_GET_ITEM(s->rows, i), numbers, n, values + (size_t)i * n) < 0) {
            return -1;
        }
    }
    insert->into = cx->scope->source;
    insert->columns = columns;
    insert->n_columns = n;
    insert->values = values;
    insert->n_rows = n_rows;
    return insert_conflict(cx, s, insert);
}

/* The columns that the database fills; the key if there are none, all if there is no key. */
static int return_filled(oxypy_build *cx, const uint32_t *numbers, uint32_t n, oxypy_statement *out)
{
    const oxypy_plan *plan = cx->scope->plan;
    char *written = oxy_arena_zero(cx->text, plan->n_fields + 1, 1);

    if (!written) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < n; i++) {
        written[numbers[i]] = 1;
    }
    out->rows = true;
    out->shape = OXYPY_MODEL;
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        if (!written[i] && oxypy_selection_field(cx, &out->out, &plan->fields[i]) < 0) {
            return -1;
        }
    }
    for (uint32_t i = 0; out->out.n == 0 && i < plan->n_pk; i++) {
        if (oxypy_selection_field(cx, &out->out, &plan->fields[plan->pk[i]]) < 0) {
            return -1;
        }
    }
    return out->out.n > 0 ? 0 : oxypy_selection_columns(cx, &out->out);
}

oxypy_plan *oxypy_insert_plan(oxypy_state *st, PyObject *subject)
{
    return oxypy_plan_of(st, ((oxypy_insert *)subject)->model);
}

int oxypy_build_insert(oxypy_build *cx, PyObject *subject, PyObject *returning, oxypy_statement *out)
{
    oxypy_insert *s = (oxypy_insert *)subject;
    oxy_insert *insert = oxy_arena_zero(&cx->b->arena, 1, sizeof *insert);
    uint32_t *numbers = oxy_arena_zero(cx->text, out->plan->n_fields + 1, sizeof *numbers), n;

    if (!insert || !numbers) {
        PyErr_NoMemory();
        return -1;
    }
    if (PyTuple_GET_SIZE(s->rows) == 0) {
        PyErr_SetString(PyExc_ValueError, "an INSERT needs rows");
        return -1;
    }
    out->scope.plan = out->plan;
    out->scope.source = oxy_source_table(cx->b, &out->plan->table, (oxy_sv){0});
    if (!out->scope.source) {
        return -1;
    }
    cx->scope = &out->scope;
    int rc = oxypy_insert_columns(cx, out->plan, s, numbers, &n);

    if (rc == 0) {
        rc = fill_insert(cx, s, numbers, n, insert);
    }
    if (rc == 0) {
        rc = s->refill && s->keep ? return_filled(cx, numbers, n, out)
                                  : oxypy_build_returning(cx, s->refill ? Py_True : returning, out);
    }
    if (rc == 0) {
        insert->returning = oxypy_selection_items(cx, &out->out);
        insert->n_returning = out->out.n;
        rc = insert->returning ? 0 : -1;
    }
    cx->scope = NULL;
    out->stmt.kind = OXY_S_INSERT;
    out->stmt.insert = insert;
    return rc;
}

/* --- the type -------------------------------------------------------------------------------------- */

static PyMemberDef insert_members[] = {
    {"model", T_OBJECT, offsetof(oxypy_insert, model), READONLY, "class of the rows"},
    {"rows", T_OBJECT, offsetof(oxypy_insert, rows), READONLY, "instances, in the order of the statement"},
    {"fields", T_OBJECT, offsetof(oxypy_insert, fields), READONLY, "names of the columns to write, or None"},
    {"targets", T_OBJECT, offsetof(oxypy_insert, targets), READONLY, "names of the fields that decide about conflicts"},
    {"sets", T_OBJECT, offsetof(oxypy_insert, sets), READONLY, "what a row that was there becomes, or None"},
    {"refill", T_BOOL, offsetof(oxypy_insert, refill), READONLY, "whether rows come back"},
    {"keep", T_BOOL, offsetof(oxypy_insert, keep), READONLY, "whether only what the database fills comes back"},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef insert_methods[] = {
    {"groups", insert_groups, METH_VARARGS | METH_CLASS, groups_doc},
    {"without_rows", insert_without_rows, METH_O,
     PyDoc_STR("without_rows(fields): the same rows, of which these fields are written and none come back.")},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(insert_doc, "InsertState(model, rows, *, fields=None, conflict=None, targets=(), sets=None, "
                         "refill=True, keep=False)\n--\n\nRows to insert.");

static PyType_Slot insert_slots[] = {
    {Py_tp_new, insert_new},           {Py_tp_dealloc, insert_dealloc},
    {Py_tp_traverse, insert_traverse}, {Py_tp_clear, insert_clear},
    {Py_tp_members, insert_members},   {Py_tp_methods, insert_methods},
    {Py_tp_doc, (void *)insert_doc},   {0, NULL},
};

static PyType_Spec insert_spec = {
    .name = "oxyde._core.InsertState",
    .basicsize = sizeof(oxypy_insert),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = insert_slots,
};

int oxypy_insert_init(PyObject *module, oxypy_state *st)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &insert_spec, NULL);

    if (!type) {
        return -1;
    }
    st->insert_type = (PyTypeObject *)type;
    return PyModule_AddType(module, st->insert_type);
}
