/* SPDX-License-Identifier: MIT */
/* Plain UPDATEs and DELETEs find their compiled statement without a tree, as
 * plain queries do (shortcut.c): the columns that are assigned and how, and the
 * resolved lookups are key enough. Values are bound in the order of the tree:
 * assigned ones first. */
#include "build.h"

/* Differs from every shape, and from the keys of queries and of rows to insert. */
#define MARK (UINT64_MAX - 2)

/* How a column is assigned. */
enum { SET_VALUE, SET_NULL, SET_ARITHMETIC };

/* Whether nothing but what the key covers takes part in the statement. What
 * write.c refuses is not plain either. */
static bool is_plain(const oxypy_query *q)
{
    Py_ssize_t n_where = q->where ? PyTuple_GET_SIZE(q->where) : 0;

    return !q->earlier && !q->order && !q->fields && !q->exprs && !q->deferred && !q->annotations && !q->group_by &&
           !q->having && !q->joins && !q->sets && !q->distinct_on && !q->lock && !q->link && q->limit < 0 &&
           q->offset <= 0 && !q->distinct && !q->empty && n_where <= OXYPY_SHORT_ITEMS;
}

static bool is_own_column(const oxypy_build *cx, const oxypy_plan *plan, PyObject *operand, Py_ssize_t *column)
{
    const oxypy_expr *e = (const oxypy_expr *)operand;

    *column = oxypy_is_expr(cx->st, operand) && e->kind == OXYPY_X_NAME && PyUnicode_CheckExact(e->data)
                  ? oxypy_plan_field(plan, e->data)
                  : -1;
    return *column >= 0;
}

/* A column of the row with a number: F("count") + 1. 1; 0: something else; -1. */
static int add_arithmetic(oxypy_build *cx, const oxypy_plan *plan, const oxypy_expr *e, oxypy_short *s)
{
    Py_ssize_t column;
    oxy_type type;

    if (e->kind != OXYPY_X_BINARY || e->op <= OXY_OP_GE || PyTuple_GET_SIZE(e->args) != 2 ||
        !is_own_column(cx, plan, PyTuple_GET_ITEM(e->args, 0), &column) ||
        !oxypy_is_expr(cx->st, PyTuple_GET_ITEM(e->args, 1))) {
        return 0;
    }
    const oxypy_expr *number = (const oxypy_expr *)PyTuple_GET_ITEM(e->args, 1);

    if (number->kind != OXYPY_X_LITERAL || PyTuple_GET_SIZE(number->args) != 0 ||
        !(PyLong_CheckExact(number->data) || PyFloat_CheckExact(number->data))) {
        return 0;
    }
    if (oxypy_store_wanted(cx, number->data, NULL, &type, &s->values[s->n_values]) < 0) {
        return -1;
    }
    if (type.kind != OXY_K_INT && type.kind != OXY_K_DOUBLE) {
        return 0;
    }
    s->origins[s->n_values++] = (oxypy_origin){0};
    s->key[s->n++] = (uint64_t)column << 32 | (uint64_t)type.kind << 16 | (uint64_t)e->op;
    return 1;
}

/* A constant, as its column stores it. 1, -1. */
static int add_constant(oxypy_build *cx, const oxypy_plan *plan, const oxypy_field *field, PyObject *value,
                        oxypy_short *s)
{
    const oxypy_conv cv = {.st = cx->st, .plan = plan, .field = field, .arena = cx->text, .keep = cx->keep};
    oxy_value *out = &s->values[s->n_values];

    if (oxypy_store(&cv, value, &plan->table.columns[field->column].type, out) < 0) {
        return -1;
    }
    s->origins[s->n_values++] = (oxypy_origin){(oxypy_plan *)plan, field};
    s->key[s->n++] = out->tag == OXY_V_NULL ? SET_NULL : SET_VALUE;
    return 1;
}

static int add_set(oxypy_build *cx, oxypy_plan *plan, PyObject *name, PyObject *value, oxypy_short *s)
{
    Py_ssize_t number = PyUnicode_CheckExact(name) ? oxypy_plan_field(plan, name) : -1;

    if (number < 0 || oxypy_is_query(cx->st, value)) {
        return 0;
    }
    if (!oxypy_is_expr(cx->st, value)) {
        s->key[s->n++] = (uint64_t)number << 8;
        return add_constant(cx, plan, &plan->fields[number], value, s);
    }
    s->key[s->n++] = (uint64_t)number << 8 | SET_ARITHMETIC;
    return add_arithmetic(cx, plan, (oxypy_expr *)value, s);
}

/* 1; 0: not plain; -1. */
static int add_sets(oxypy_build *cx, oxypy_plan *plan, PyObject *arg, oxypy_short *s)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;

    if (!arg || !PyDict_Check(arg) || PyDict_GET_SIZE(arg) == 0 || PyDict_GET_SIZE(arg) > OXYPY_SHORT_SETS) {
        return 0;
    }
    while (PyDict_Next(arg, &at, &name, &value)) {
        int rc = add_set(cx, plan, name, value, s);

        if (rc <= 0) {
            return rc;
        }
    }
    return 1;
}

/* A condition about the row itself: one that needs a join chooses keys. */
static int add_condition(oxypy_build *cx, const oxypy_plan *plan, PyObject *condition, oxypy_short *s)
{
    const oxypy_expr *e = (const oxypy_expr *)condition;

    if (e->kind != OXYPY_X_LOOKUP || PyTuple_GET_SIZE(e->data) != 3) {
        return 0;
    }
    const oxypy_lookup *lk = PyCapsule_GetPointer(PyTuple_GET_ITEM(e->data, 2), NULL);

    if (!lk) {
        return -1;
    }
    return lk->way ? 0 : oxypy_short_lookup(cx, plan, condition, s);
}

int oxypy_short_write(oxypy_build *cx, oxypy_plan *plan, const oxypy_query *q, oxypy_what what, PyObject *arg,
                      PyObject *returning, const oxy_dialect *dialect, oxypy_short *s)
{
    bool rows = returning == Py_True;
    int rc = 1;

    s->n = s->n_values = 0;
    s->by_key = false;
    if (!is_plain(q) || (!rows && returning && returning != Py_None && returning != Py_False)) {
        return 0;
    }
    Py_ssize_t n_where = q->where ? PyTuple_GET_SIZE(q->where) : 0;
    Py_ssize_t n_sets = what == OXYPY_DO_UPDATE && arg && PyDict_Check(arg) ? PyDict_GET_SIZE(arg) : 0;

    s->key[s->n++] = MARK;
    s->key[s->n++] = (uintptr_t)dialect;
    s->key[s->n++] = (uint64_t)what | (uint64_t)rows << 8 | (uint64_t)(uint16_t)n_sets << 16 | (uint64_t)n_where << 32;
    if (what == OXYPY_DO_UPDATE) {
        rc = add_sets(cx, plan, arg, s);
    }
    for (Py_ssize_t i = 0; rc > 0 && i < n_where; i++) {
        rc = add_condition(cx, plan, PyTuple_GET_ITEM(q->where, i), s);
    }
    if (rc > 0) {
        s->hash = oxy_hash(s->key, s->n * sizeof *s->key, 0);
    }
    return rc;
}
