/* SPDX-License-Identifier: MIT */
/* The ways in: a row of a program's statement, a row of decoded values, a row
 * for an instance that exists, a row without a program. */
#include "cell.h"
#include "instance.h"
#include "leaf.h"
#include "rowprog.h"

static int row_fits(const oxypy_rowprog *p, const oxypy_rowview *row)
{
    if (row->n == p->width)
        return 0;
    PyErr_Format(PyExc_SystemError, "the row has %u columns, its program %u", (unsigned)row->n, (unsigned)p->width);
    return -1;
}

PyObject *oxypy_row_build(oxypy_state *st, oxypy_rowprog *p, const oxypy_rowview *row, oxypy_shared **shared)
{
    oxypy_scratch scratch;
    oxypy_source src = {.row = row, .scratch = &scratch};
    PyObject *result;

    if (row_fits(p, row) < 0 || (p->n_branches != 0 && oxypy__shared_prepare(p, shared) < 0))
        return NULL;
    src.shared = *shared;
    scratch.made = false;
    result = oxypy__row_make(st, p, &src);
    oxypy__scratch_fini(&scratch);
    return result;
}

PyObject *oxypy_row_decoded(oxypy_state *st, const oxypy_rowprog *p, const oxypy_rowview *row, uint32_t column)
{
    oxypy_scratch scratch;
    const oxypy_source src = {.row = row, .scratch = &scratch};
    PyObject *value;

    scratch.made = false;
    value = oxypy__cell_get(st, p, column, &src);
    oxypy__scratch_fini(&scratch);
    return value;
}

/* --- decoded values -------------------------------------------------------------------- */

static oxypy_rowprog *program_for(oxypy_state *st, oxypy_plan *plan, PyObject *names)
{
    oxy_result_col *cols = PyMem_Calloc((size_t)PyTuple_GET_SIZE(names) + 1, sizeof *cols);
    oxypy_rowprog *p;

    if (cols == NULL)
        return (oxypy_rowprog *)(void *)PyErr_NoMemory();
    p = oxypy_rowprog_new(st, plan, OXYPY_MODEL, cols, NULL, names, NULL, 0);
    PyMem_Free(cols);
    return p;
}

/* Column names of a row of decoded values: the fields it has, in the plan's
 * order, then the rest. */
static PyObject *names_in(const oxypy_plan *plan, PyObject *row)
{
    PyObject *names = PyList_New(0), *tuple = NULL, *key, *value;
    Py_ssize_t at = 0;

    if (names == NULL)
        return NULL;
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        int has = PyDict_Contains(row, plan->fields[i].name);

        if (has < 0 || (has > 0 && PyList_Append(names, plan->fields[i].name) < 0))
            goto done;
    }
    while (PyDict_Next(row, &at, &key, &value))
        if (oxypy_plan_field(plan, key) < 0 && PyList_Append(names, key) < 0)
            goto done;
    tuple = PyList_AsTuple(names);
done:
    Py_DECREF(names);
    return tuple;
}

static PyObject *make_decoded(oxypy_state *st, const oxypy_rowprog *p, PyObject *row)
{
    PyObject **values = PyMem_Calloc((size_t)p->n + 1, sizeof *values), *self = NULL;
    oxypy_source src = {.values = values};

    if (values == NULL)
        return PyErr_NoMemory();
    for (uint32_t i = 0; i < p->n; i++) {
        values[i] = PyDict_GetItemWithError(row, p->cols[i].name);
        if (values[i] == NULL) {
            if (!PyErr_Occurred())
                PyErr_SetObject(PyExc_KeyError, p->cols[i].name);
            goto done;
        }
    }
    self = oxypy__row_make(st, p, &src);
done:
    PyMem_Free(values);
    return self;
}

/* Complete rows share one program; any other set of keys makes its own. */
static oxypy_rowprog *decoded_program(oxypy_state *st, oxypy_plan *plan, PyObject *names, bool *shared)
{
    *shared = PyTuple_GET_SIZE(names) == (Py_ssize_t)plan->n_fields &&
              (plan->n_fields == 0 || oxypy_plan_field(plan, PyTuple_GET_ITEM(names, plan->n_fields - 1)) >= 0);
    if (!*shared)
        return program_for(st, plan, names);
    if (plan->decoded == NULL)
        plan->decoded = program_for(st, plan, names);
    return plan->decoded;
}

PyObject *oxypy_row_from_decoded(oxypy_state *st, oxypy_plan *plan, PyObject *row)
{
    PyObject *dict = PyDict_New(), *names = NULL, *self = NULL;
    oxypy_rowprog *p = NULL;
    bool shared = false;

    if (dict == NULL || PyDict_Update(dict, row) < 0)
        goto done;
    names = names_in(plan, dict);
    p = names == NULL ? NULL : decoded_program(st, plan, names, &shared);
    if (p != NULL)
        self = make_decoded(st, p, dict);
done:
    if (!shared)
        oxypy_rowprog_free(p);
    Py_XDECREF(names);
    Py_XDECREF(dict);
    return self;
}

/* --- refilling ----------------------------------------------------------------------------- */

/* The state after the row: saved; what it brought is loaded and as stored. */
static PyObject *state_after(oxypy_state *st, const oxypy_rowprog *p, PyObject *instance, bool whole)
{
    oxypy_instance_state *old = oxypy_instance_state_get(p->plan, instance);
    PyObject *loaded = NULL, *dirty = NULL, *after = NULL;

    if (old == NULL)
        return Py_NewRef(p->plan->loaded_state);
    if (old->saved && whole && PySet_GET_SIZE(old->dirty) == 0 && old->loaded == Py_None)
        return Py_NewRef((PyObject *)old);
    dirty = PyNumber_Subtract(old->dirty, whole ? p->plan->template_set : p->fields_set);
    if (dirty == NULL)
        goto done;
    if (old->loaded == Py_None || whole)
        loaded = Py_NewRef(Py_None);
    else
        loaded = PyNumber_Or(old->loaded, p->fields_set);
    if (loaded == NULL)
        goto done;
    if (loaded != Py_None && PySet_GET_SIZE(loaded) >= (Py_ssize_t)p->plan->n_fields)
        Py_SETREF(loaded, Py_NewRef(Py_None));
    after = oxypy_instance_state_new(st, true, loaded, old->relations, dirty);
done:
    Py_XDECREF(loaded);
    Py_XDECREF(dirty);
    return after;
}

/* Whether the set of names is one that constructed instances share, and names
 * nothing but fields of the plan. 1, 0, -1. */
static int covers(oxypy_state *st, oxypy_rowprog *p, PyObject *set)
{
    PyObject *answer;
    int rc;

    if (set == p->covered)
        return 1;
    if ((PyObject *)Py_TYPE(set) != st->given_type)
        return 0;
    answer = PyObject_CallMethodOneArg(p->plan->template_set, st->s_issuperset, set);
    rc = answer == NULL ? -1 : answer == Py_True;
    Py_XDECREF(answer);
    if (rc == 1)
        Py_XSETREF(p->covered, Py_NewRef(set));
    return rc;
}

/* The names that came join the instance's own; all names where the row is
 * whole: then the slot may be left empty, as in a row that was loaded. */
static int add_names(oxypy_state *st, oxypy_rowprog *p, PyObject *instance, bool whole)
{
    PyObject *names = whole ? p->plan->template_set : p->fields_set;
    PyObject *set = oxypy_slot_get(instance, p->plan->off_fields_set), *added;

    if (whole && p->plan->lazy_set && set != NULL) {
        int covered = covers(st, p, set);

        if (covered < 0)
            return -1;
        if (covered) {
            oxypy_slot_steal(instance, p->plan->off_fields_set, NULL);
            return 0;
        }
    }
    set = oxypy_fields_set_get(st, p->plan, instance);
    if (set == NULL)
        return -1;
    if (PySet_Check(set)) {
        added = PyObject_CallMethodOneArg(set, st->s_update, names);
    } else {
        PyErr_SetString(PyExc_TypeError, "the instance was not initialised");
        added = NULL;
    }
    Py_DECREF(set);
    Py_XDECREF(added);
    return added == NULL ? -1 : 0;
}

/* Writes past frozen: straight into __dict__. values: as oxypy__row_values gives them. */
static int write_values(const oxypy_rowprog *p, PyObject *instance, PyObject *values)
{
    PyObject *dict = oxypy_instance_dict(instance);
    int rc = dict == NULL ? -1 : 0;

    for (uint32_t i = 0; rc == 0 && i < p->n; i++) {
        PyObject *value = PyTuple_GET_ITEM(values, (Py_ssize_t)i);

        if (value != NULL)
            rc = PyDict_SetItem(dict, p->cols[i].name, value);
    }
    if (dict != NULL)
        oxypy_leaf_written(instance, dict);
    Py_XDECREF(dict);
    return rc;
}

int oxypy_row_refill(oxypy_state *st, oxypy_rowprog *p, const oxypy_rowview *row, PyObject *instance, bool inserted)
{
    oxypy_scratch scratch;
    oxypy_source src = {.row = row, .scratch = &scratch};
    PyObject *values = NULL, *state = NULL;
    bool whole = inserted || !p->partial;
    int rc = -1;

    if (p->shape != OXYPY_MODEL || !PyObject_TypeCheck(instance, p->plan->model)) {
        PyErr_Format(PyExc_TypeError, "cannot refill a %s from this row", Py_TYPE(instance)->tp_name);
        return -1;
    }
    if (row_fits(p, row) < 0)
        return -1;
    scratch.made = false;
    values = oxypy__row_values(st, p, &src);
    state = values == NULL ? NULL : state_after(st, p, instance, whole);
    if (state != NULL && (rc = write_values(p, instance, values)) == 0)
        rc = add_names(st, p, instance, whole);
    if (rc == 0)
        oxypy_slot_steal(instance, p->plan->off_state, Py_NewRef(state));
    Py_XDECREF(values);
    Py_XDECREF(state);
    oxypy__scratch_fini(&scratch);
    return rc;
}

/* --- raw rows -------------------------------------------------------------------------------- */

/* SQLite keeps 0 and 1 for the booleans of such columns; what else lies there
 * comes as it is. */
static bool is_boolean(const oxy_coldesc *desc, const oxy_cell *cell)
{
    return cell->tag == OXY_C_INT && (cell->i | 1) == 1 && desc->decl.len == 7 &&
           PyOS_strnicmp(desc->decl.p, "BOOLEAN", 7) == 0;
}

/* Raw cells share decoding and errors with those of models through a program
 * of one column, whose name changes. */
static PyObject *raw_cells(oxypy_state *st, const oxypy_rowview *row, oxypy_rowprog *p, oxypy_scratch *scratch)
{
    PyObject *dict = PyDict_New();

    for (uint32_t i = 0; dict != NULL && i < row->n; i++) {
        const oxypy_rowview one = {&row->cells[i], &row->cols[i], 1, row->codec};
        oxypy_source src = {.row = &one, .scratch = scratch};
        PyObject *name = PyUnicode_DecodeUTF8(one.cols->name.p, (Py_ssize_t)one.cols->name.len, "replace"), *value;

        p->cols[0].name = p->cols[0].column = name;
        p->cols[0].way = is_boolean(one.cols, one.cells) ? OXYPY_WAY_BOOL : OXYPY_WAY_CODEC;
        value = name == NULL ? NULL : oxypy__cell_get(st, p, 0, &src);
        if (value == NULL || PyDict_SetItem(dict, name, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(name);
        Py_XDECREF(value);
    }
    return dict;
}

PyObject *oxypy_raw_row(oxypy_state *st, const oxypy_rowview *row)
{
    _Alignas(oxypy_rowprog) char program[sizeof(oxypy_rowprog) + sizeof(oxypy_rowcol)];
    oxypy_rowprog *p = (oxypy_rowprog *)(void *)program;
    oxypy_scratch scratch;
    PyObject *dict;

    memset(program, 0, sizeof program);
    p->shape = OXYPY_FLAT;
    p->n = 1;
    p->cols[0].type.kind = OXY_K_UNKNOWN;
    scratch.made = false;
    dict = raw_cells(st, row, p, &scratch);
    oxypy__scratch_fini(&scratch);
    return dict;
}

/* --- raw rows as instances --------------------------------------------------------------------- */

/* Whose column it is, else whose name; -1: nobody's. */
static Py_ssize_t field_called(const oxypy_plan *plan, const oxy_sv *name, PyObject *text)
{
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        oxy_sv column = plan->table.columns[plan->fields[i].column].name;

        if (column.len == name->len && memcmp(column.p, name->p, name->len) == 0)
            return (Py_ssize_t)i;
    }
    return oxypy_plan_field(plan, text);
}

static void raise_field(oxypy_state *st, const oxypy_plan *plan, uint32_t field, const char *what)
{
    PyErr_Format(st->exceptions[OXY_FIELD] != NULL ? st->exceptions[OXY_FIELD] : PyExc_LookupError,
                 "raw() of %s: %s %R", plan->model->tp_name, what, plan->fields[field].name);
}

/* Names and types of the columns. 0 / -1. */
static int raw_columns(oxypy_state *st, const oxypy_plan *plan, const oxypy_rowview *row, oxy_result_col *cols,
                       PyObject *names, bool *seen)
{
    for (uint32_t i = 0; i < row->n; i++) {
        const oxy_sv *name = &row->cols[i].name;
        PyObject *text = PyUnicode_DecodeUTF8(name->p, (Py_ssize_t)name->len, "replace");
        Py_ssize_t at;

        if (text == NULL)
            return -1;
        PyTuple_SET_ITEM(names, (Py_ssize_t)i, text);
        at = field_called(plan, name, text);
        cols[i] = (oxy_result_col){.type = {.kind = OXY_K_UNKNOWN}, .name = *name};
        if (at < 0)
            continue;
        if (seen[at]) {
            raise_field(st, plan, (uint32_t)at, "give one of two columns another name, both are");
            return -1;
        }
        seen[at] = true;
        PyTuple_SetItem(names, (Py_ssize_t)i, Py_NewRef(plan->fields[at].name));
        cols[i].table = &plan->table;
        cols[i].column = &plan->table.columns[plan->fields[at].column];
        cols[i].type = cols[i].column->type;
    }
    for (uint32_t k = 0; k < plan->n_pk; k++) {
        if (!seen[plan->pk[k]]) {
            raise_field(st, plan, plan->pk[k], "the statement has to give the key, a column for");
            return -1;
        }
    }
    return 0;
}

oxypy_rowprog *oxypy_raw_program(oxypy_state *st, oxypy_plan *plan, const oxypy_rowview *row)
{
    oxy_result_col *cols = PyMem_Calloc(row->n == 0 ? 1 : row->n, sizeof *cols);
    bool *seen = PyMem_Calloc(plan->n_fields == 0 ? 1 : plan->n_fields, sizeof *seen);
    PyObject *names = PyTuple_New((Py_ssize_t)row->n);
    oxypy_rowprog *program = NULL;

    if (cols == NULL || seen == NULL)
        PyErr_NoMemory();
    else if (names != NULL && raw_columns(st, plan, row, cols, names, seen) == 0)
        program = oxypy_rowprog_new(st, plan, OXYPY_MODEL, cols, NULL, names, NULL, 0);
    PyMem_Free(cols);
    PyMem_Free(seen);
    Py_XDECREF(names);
    return program;
}
