/* SPDX-License-Identifier: MIT */
/* The commonest queries, plain comparisons with an order and limits, find their
 * compiled statement without a tree: the addresses of resolved lookups, terms
 * and names are key enough, and the values are bound in the order in which the
 * tree would have numbered them. Whatever is not that plain takes the long way. */
#include "build.h"

#include <string.h>

/* Differs from every shape, which begins with the number of a statement kind. */
#define MARK UINT64_MAX
#define SHORT_CONDITIONS 14 /* more are found by their shape */

bool oxypy_short_compares(const oxypy_lookup *lk)
{
    switch (lk->op) {
    case OXYPY_L_EXACT:
    case OXYPY_L_NE:
    case OXYPY_L_GT:
    case OXYPY_L_GTE:
    case OXYPY_L_LT:
    case OXYPY_L_LTE: return lk->field && !lk->path && !lk->length && lk->part < 0;
    default: return false;
    }
}

/* Whether nothing but what the key covers takes part in the query. */
static bool is_plain(const oxypy_query *q, oxypy_what what, Py_ssize_t n_given)
{
    Py_ssize_t n_where = (q->where ? PyTuple_GET_SIZE(q->where) : 0) + n_given;
    Py_ssize_t n_order = q->order ? PyTuple_GET_SIZE(q->order) : 0;
    Py_ssize_t n_fields = q->fields ? PyTuple_GET_SIZE(q->fields) : 0;
    Py_ssize_t n_joins = q->joins ? PyTuple_GET_SIZE(q->joins) : 0;

    return what <= OXYPY_DO_EXISTS && !q->earlier && !q->exprs && !q->deferred && !q->annotations && !q->group_by &&
           !q->having && !q->sets && !q->link && !q->distinct_on && !q->lock && !q->empty &&
           n_where + n_order + n_fields + n_joins <= OXYPY_SHORT_ITEMS && n_where <= SHORT_CONDITIONS;
}

/* What oxypy_store_wanted would make of a number for a column of numbers of that
 * kind. false: it is asked. */
static bool store_number(const oxypy_field *field, const oxy_type *column, PyObject *value, oxy_value *out)
{
    int overflow = 0;
    long long number;

    if (field->to_stored) {
        return false;
    }
    if (column->kind == OXY_K_INT && PyLong_CheckExact(value)) {
        number = PyLong_AsLongLongAndOverflow(value, &overflow);
        *out = (oxy_value){.tag = OXY_V_INT, .i = number};
        return !overflow;
    }
    if (column->kind == OXY_K_DOUBLE && PyFloat_CheckExact(value)) {
        *out = (oxy_value){.tag = OXY_V_DOUBLE, .d = PyFloat_AS_DOUBLE(value)};
        return true;
    }
    return false;
}

/* A comparison with its value, bound as its column's type. 1, 0: too much for the
 * short way, -1. */
static int add_comparison(oxypy_build *cx, const oxypy_plan *plan, const oxypy_lookup *lk, PyObject *value,
                          oxypy_short *s)
{
    if (lk->uid != plan->table.uid) {
        return 0;
    }
    const oxypy_plan *owner = lk->field->plan;
    const oxy_type *column = &owner->table.columns[lk->field->column].type;
    oxy_value *out = &s->values[s->n_values];

    if (!store_number(lk->field, column, value, out)) {
        const oxypy_want want = {.type = column, .field = lk->field, .plan = owner, .lookup = lk->keyword};
        oxy_type type;

        if (oxypy_store_wanted(cx, value, &want, &type, out) < 0) {
            return -1;
        }
        if (type.kind != column->kind || out->tag == OXY_V_NULL) {
            return 0;
        }
    }
    s->origins[s->n_values++] = (oxypy_origin){owner, lk->field};
    s->key[s->n++] = (uintptr_t)lk;
    s->by_key |= oxypy_lookup_is_key(plan, lk, value);
    return 1;
}

int oxypy_short_lookup(oxypy_build *cx, const oxypy_plan *plan, PyObject *condition, oxypy_short *s)
{
    oxypy_expr *e = (oxypy_expr *)condition;

    if (e->kind != OXYPY_X_LOOKUP || PyTuple_GET_SIZE(e->data) != 3) {
        return 0;
    }
    PyObject *value = PyTuple_GET_ITEM(e->data, 1);
    const oxypy_lookup *lk = PyCapsule_GetPointer(PyTuple_GET_ITEM(e->data, 2), NULL);

    if (!oxypy_short_compares(lk) || value == Py_None || oxypy_is_deferred(cx->st, value)) {
        return 0;
    }
    return add_comparison(cx, plan, lk, value, s);
}

static bool add_order(oxypy_build *cx, const oxypy_query *q, oxypy_short *s)
{
    for (Py_ssize_t i = 0; q->order && i < PyTuple_GET_SIZE(q->order); i++) {
        PyObject *term = PyTuple_GET_ITEM(q->order, i);
        oxypy_expr *e = (oxypy_expr *)term;

        if (!oxypy_is_expr(cx->st, term)) {
            return false;
        }
        if (e->kind == OXYPY_X_ORDER && PyTuple_GET_SIZE(e->args) == 1 &&
            oxypy_is_expr(cx->st, PyTuple_GET_ITEM(e->args, 0))) {
            e = (oxypy_expr *)PyTuple_GET_ITEM(e->args, 0);
        }
        if (e->kind != OXYPY_X_NAME && e->kind != OXYPY_X_RANDOM_ORDER) {
            return false;
        }
        s->key[s->n++] = (uintptr_t)term;
    }
    return true;
}

static void add_limit(oxypy_short *s, int64_t number)
{
    s->origins[s->n_values] = (oxypy_origin){0};
    s->values[s->n_values++] = (oxy_value){.tag = OXY_V_INT, .i = number};
}

int oxypy_short_key(oxypy_build *cx, oxypy_plan *plan, oxypy_query *q, const oxypy_given *given, oxypy_what what,
                    int64_t limit, const oxy_dialect *dialect, oxypy_short *s)
{
    Py_ssize_t n_given = given ? (Py_ssize_t)given->n : 0;

    s->n = s->n_values = 0;
    s->by_key = false;
    if (!is_plain(q, what, n_given)) {
        return 0;
    }
    Py_ssize_t n_where = q->where ? PyTuple_GET_SIZE(q->where) : 0;

    s->key[s->n++] = MARK;
    s->key[s->n++] = (uintptr_t)dialect;
    s->key[s->n++] = (uint64_t)what | (uint64_t)q->mode << 8 | (uint64_t)q->distinct << 16 |
                     (uint64_t)q->reversed << 17 | (uint64_t)(q->offset > 0) << 19 |
                     (uint64_t)(q->order != NULL) << 20 | (uint64_t)(q->fields != NULL) << 21 |
                     (uint64_t)(q->limit >= 0) << 22 | (uint64_t)(n_where + n_given) << 32;
    for (Py_ssize_t i = 0; i < n_where; i++) {
        int rc = oxypy_short_lookup(cx, plan, PyTuple_GET_ITEM(q->where, i), s);

        if (rc <= 0) {
            return rc;
        }
    }
    for (Py_ssize_t i = 0; i < n_given; i++) {
        const oxypy_lookup *lk = PyCapsule_GetPointer(given->lookups[i], NULL);
        int rc = add_comparison(cx, plan, lk, given->values[i], s);

        if (rc <= 0) {
            return rc;
        }
    }
    s->key[s->n++] = MARK;
    if (!add_order(cx, q, s)) {
        return 0;
    }
    s->key[s->n++] = MARK;
    for (Py_ssize_t i = 0; q->fields && i < PyTuple_GET_SIZE(q->fields); i++) {
        s->key[s->n++] = (uintptr_t)PyTuple_GET_ITEM(q->fields, i);
    }
    s->key[s->n++] = MARK;
    for (Py_ssize_t i = 0; q->joins && i < PyTuple_GET_SIZE(q->joins); i++) {
        s->key[s->n++] = (uintptr_t)PyTuple_GET_ITEM(q->joins, i);
    }
    int64_t most = oxypy_most_rows(q, limit, s->by_key);

    s->key[2] |= (uint64_t)(most >= 0) << 18;
    if (most >= 0) {
        add_limit(s, most);
    }
    if (q->offset > 0) {
        add_limit(s, q->offset);
    }
    s->hash = oxy_hash(s->key, s->n * sizeof *s->key, 0);
    return 1;
}

PyObject *oxypy_short_pins(oxypy_query *q)
{
    Py_ssize_t n = q->where ? PyTuple_GET_SIZE(q->where) : 0;
    PyObject *pins = PyTuple_New(n + 3);

    if (!pins) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        oxypy_expr *e = (oxypy_expr *)PyTuple_GET_ITEM(q->where, i);

        PyTuple_SET_ITEM(pins, i, Py_NewRef(PyTuple_GET_ITEM(e->data, 2)));
    }
    PyTuple_SET_ITEM(pins, n, Py_NewRef(q->order ? q->order : Py_None));
    PyTuple_SET_ITEM(pins, n + 1, Py_NewRef(q->fields ? q->fields : Py_None));
    PyTuple_SET_ITEM(pins, n + 2, Py_NewRef(q->joins ? q->joins : Py_None));
    return pins;
}
