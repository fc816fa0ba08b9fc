/* SPDX-License-Identifier: MIT */
/* QueryState: the immutable state of a Query. Builders in Python clone it with
 * changes; names and values of conditions are checked here, at the call. */
#include "build.h"

#include <structmember.h>
#include <string.h>

/* --- members by name ---------------------------------------------------------- */

typedef enum member_kind { M_OBJECT, M_TUPLE, M_DICT, M_INT64, M_MODE, M_BOOL } member_kind;

typedef struct member {
    const char *name;
    uint8_t len;
    uint8_t kind;
    size_t offset;
} member;

#define MEMBER(field, kind) {#field, sizeof #field - 1, kind, offsetof(oxypy_query, field)}

static const member members[] = {
    MEMBER(model, M_OBJECT),      MEMBER(where, M_TUPLE),    MEMBER(order, M_TUPLE),    MEMBER(fields, M_TUPLE),
    MEMBER(exprs, M_DICT),        MEMBER(deferred, M_TUPLE), MEMBER(group_by, M_TUPLE), MEMBER(having, M_TUPLE),
    MEMBER(annotations, M_DICT),  MEMBER(joins, M_TUPLE),    MEMBER(sets, M_TUPLE),     MEMBER(prefetches, M_TUPLE),
    MEMBER(distinct_on, M_TUPLE), MEMBER(lock, M_TUPLE),     MEMBER(user, M_OBJECT),    MEMBER(limit, M_INT64),
    MEMBER(link, M_OBJECT),       MEMBER(offset, M_INT64),   MEMBER(mode, M_MODE),      MEMBER(distinct, M_BOOL),
    MEMBER(empty, M_BOOL),        MEMBER(sliced, M_BOOL),    MEMBER(reversed, M_BOOL),
};

static const member *member_named(PyObject *name)
{
    Py_ssize_t len;
    const char *text = PyUnicode_AsUTF8AndSize(name, &len);

    for (size_t i = 0; text && i < OXY_COUNT(members); i++) {
        if (members[i].len == len && memcmp(members[i].name, text, (size_t)len) == 0) {
            return &members[i];
        }
    }
    return NULL;
}

/* Dicts are copied and sequences become tuples: a state never changes. */
static int set_object(PyObject **slot, uint8_t kind, PyObject *value)
{
    PyObject *own;

    if (value == Py_None) {
        own = NULL;
    } else if (kind == M_TUPLE) {
        own = PySequence_Tuple(value);
    } else if (kind == M_DICT) {
        own = PyDict_New();
        if (own && PyDict_Update(own, value) < 0) {
            Py_CLEAR(own);
        }
    } else {
        own = Py_NewRef(value);
    }
    if (!own && PyErr_Occurred()) {
        return -1;
    }
    Py_XSETREF(*slot, own);
    return 0;
}

static int set_member(oxypy_query *q, PyObject *name, PyObject *value)
{
    const member *m = member_named(name);

    if (!m) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_TypeError, "a query has no state named %R", name);
        }
        return -1;
    }
    char *at = (char *)q + m->offset;

    if (m->offset == offsetof(oxypy_query, where)) {
        Py_CLEAR(q->earlier);
    }
    switch ((member_kind)m->kind) {
    case M_OBJECT:
    case M_TUPLE:
    case M_DICT: return set_object((PyObject **)(void *)at, m->kind, value);
    case M_INT64: {
        int64_t number = value == Py_None ? -1 : PyLong_AsLongLong(value);

        if (number == -1 && PyErr_Occurred()) {
            return -1;
        }
        memcpy(at, &number, sizeof number);
        return 0;
    }
    case M_MODE: {
        long mode = PyLong_AsLong(value);

        if (mode < 0 || mode > OXYPY_MODE_FLAT) {
            if (!PyErr_Occurred()) {
                PyErr_SetString(PyExc_ValueError, "mode is not one of MODE_*");
            }
            return -1;
        }
        *(uint8_t *)at = (uint8_t)mode;
        return 0;
    }
    case M_BOOL: {
        int truth = PyObject_IsTrue(value);

        if (truth < 0) {
            return -1;
        }
        *(bool *)at = truth != 0;
        return 0;
    }
    }
    return -1;
}

/* --- life ----------------------------------------------------------------------- */

static PyObject *query_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    if (PyTuple_GET_SIZE(args) != 1) {
        PyErr_SetString(PyExc_TypeError, "a query is made of one model class");
        return NULL;
    }
    oxypy_query *self = (oxypy_query *)type->tp_alloc(type, 0);

    if (!self) {
        return NULL;
    }
    self->model = Py_NewRef(PyTuple_GET_ITEM(args, 0));
    self->limit = -1;

    PyObject *name, *value;
    Py_ssize_t pos = 0;

    while (kwargs && PyDict_Next(kwargs, &pos, &name, &value)) {
        if (set_member(self, name, value) < 0) {
            Py_DECREF(self);
            return NULL;
        }
    }
    return (PyObject *)self;
}

oxypy_query *oxypy_query_clone(oxypy_query *q)
{
    PyTypeObject *type = Py_TYPE(q);
    oxypy_query *c = (oxypy_query *)type->tp_alloc(type, 0);

    if (!c) {
        return NULL;
    }
    for (size_t i = 0; i < OXY_COUNT(members); i++) {
        if (members[i].kind <= M_DICT) {
            PyObject *value = *(PyObject **)(void *)((char *)q + members[i].offset);

            *(PyObject **)(void *)((char *)c + members[i].offset) = Py_XNewRef(value);
        }
    }
    c->earlier = Py_XNewRef(q->earlier);
    c->limit = q->limit;
    c->offset = q->offset;
    c->mode = q->mode;
    c->distinct = q->distinct;
    c->empty = q->empty;
    c->sliced = q->sliced;
    c->reversed = q->reversed;
    return c;
}

static int query_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    for (size_t i = 0; i < OXY_COUNT(members); i++) {
        if (members[i].kind <= M_DICT) {
            Py_VISIT(*(PyObject **)(void *)((char *)self + members[i].offset));
        }
    }
    Py_VISIT(((oxypy_query *)self)->earlier);
    return 0;
}

static int query_clear(PyObject *self)
{
    for (size_t i = 0; i < OXY_COUNT(members); i++) {
        if (members[i].kind <= M_DICT) {
            Py_CLEAR(*(PyObject **)(void *)((char *)self + members[i].offset));
        }
    }
    Py_CLEAR(((oxypy_query *)self)->earlier);
    return 0;
}

static void query_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    (void)query_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* --- clones ------------------------------------------------------------------------ */

PyDoc_STRVAR(with_doc, "_with(**changes)\n--\n\nA clone of the same class with these members changed.");

static PyObject *query_with(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    if (nargs) {
        PyErr_SetString(PyExc_TypeError, "_with() takes keywords only");
        return NULL;
    }
    oxypy_query *c = oxypy_query_clone((oxypy_query *)self);

    for (Py_ssize_t i = 0; c && names && i < PyTuple_GET_SIZE(names); i++) {
        if (set_member(c, PyTuple_GET_ITEM(names, i), args[i]) < 0) {
            Py_CLEAR(c);
        }
    }
    return (PyObject *)c;
}

PyDoc_STRVAR(slice_doc, "_slice(start, stop)\n--\n\nRows start to stop of the query as limited so far.");

static PyObject *query_slice(PyObject *self, PyObject *args)
{
    long long start, stop = -1;
    PyObject *end = Py_None;

    if (!PyArg_ParseTuple(args, "LO:_slice", &start, &end)) {
        return NULL;
    }
    if (end != Py_None && (stop = PyLong_AsLongLong(end)) == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (start < 0 || (end != Py_None && stop < 0)) {
        PyErr_SetString(PyExc_ValueError, "a slice of a query cannot count from the end");
        return NULL;
    }
    oxypy_query *c = oxypy_query_clone((oxypy_query *)self);

    if (!c) {
        return NULL;
    }
    int64_t left = c->limit < 0 ? -1 : (c->limit > start ? c->limit - start : 0);
    int64_t want = end == Py_None ? -1 : (stop > start ? stop - start : 0);

    if (__builtin_add_overflow(c->offset, (int64_t)start, &c->offset)) {
        PyErr_SetString(PyExc_ValueError, "a slice of a query begins beyond 64 bits");
        Py_DECREF(c);
        return NULL;
    }
    c->limit = want < 0 ? left : (left < 0 || want < left ? want : left);
    c->sliced = true;
    return (PyObject *)c;
}

/* --- conditions ------------------------------------------------------------------------ */

/* A top-level AND is the same as its parts given singly; parts find their way
 * to WHERE or HAVING one by one. */
static int append_condition(PyObject *list, PyObject *checked)
{
    oxypy_expr *e = (oxypy_expr *)checked;

    if (oxypy_condition_empty(checked)) {
        return 0;
    }
    if (e->kind == OXYPY_X_AND && PyTuple_GET_SIZE(e->args) <= 64) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(e->args); i++) {
            if (append_condition(list, PyTuple_GET_ITEM(e->args, i)) < 0) {
                return -1;
            }
        }
        return 0;
    }
    return PyList_Append(list, checked);
}

static int collect_conditions(oxypy_state *st, oxypy_query *q, oxypy_plan *plan, PyObject *conditions,
                              PyObject *lookups, PyObject *list)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(conditions); i++) {
        PyObject *checked = oxypy_condition(st, plan, q, PyTuple_GET_ITEM(conditions, i));
        int rc = checked ? append_condition(list, checked) : -1;

        Py_XDECREF(checked);
        if (rc < 0) {
            return -1;
        }
    }
    PyObject *keyword, *value;
    Py_ssize_t pos = 0, first = PyList_GET_SIZE(list);

    while (PyDict_Next(lookups, &pos, &keyword, &value)) {
        if (oxypy_condition_keyword(st, plan, q, keyword, value, list, first) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Turns the list into one NOT(AND(...)). */
static int negate_list(oxypy_state *st, PyObject *list)
{
    PyObject *all = (PyObject *)oxypy_expr_steal(st, OXYPY_X_AND, 0, PyList_AsTuple(list), Py_NewRef(Py_None));

    if (!all) {
        return -1;
    }
    PyObject *args = PyTuple_Pack(1, all);

    Py_DECREF(all);
    PyObject *inverse = (PyObject *)oxypy_expr_steal(st, OXYPY_X_NOT, 0, args, Py_NewRef(Py_None));

    if (!inverse) {
        return -1;
    }
    int rc = PyList_SetSlice(list, 0, PyList_GET_SIZE(list), NULL);

    if (rc == 0) {
        rc = PyList_Append(list, inverse);
    }
    Py_DECREF(inverse);
    return rc;
}

/* The commonest call, filter(keyword=value): without a list. */
static PyObject *single_lookup(oxypy_state *st, oxypy_query *q, oxypy_plan *plan, PyObject *keyword, PyObject *value)
{
    PyObject *checked = oxypy_condition_lookup(st, plan, q, keyword, value);

    if (!checked) {
        return NULL;
    }
    oxypy_query *c = oxypy_query_clone(q);

    if (c && oxypy_where_add(st, c, &checked, 1) < 0) {
        Py_CLEAR(c);
    }
    Py_DECREF(checked);
    return (PyObject *)c;
}

PyObject *oxypy_query_filter(oxypy_state *st, oxypy_query *q, PyObject *keywords, PyObject *const *values)
{
    Py_ssize_t n = PyTuple_GET_SIZE(keywords);
    oxypy_plan *plan = oxypy_plan_of(st, q->model);

    if (!plan) {
        return NULL;
    }
    if (n == 1) {
        return single_lookup(st, q, plan, PyTuple_GET_ITEM(keywords, 0), values[0]);
    }
    PyObject *list = PyList_New(0);
    oxypy_query *c = NULL;
    int rc = list ? 0 : -1;

    for (Py_ssize_t i = 0; rc >= 0 && i < n; i++) {
        rc = oxypy_condition_keyword(st, plan, q, PyTuple_GET_ITEM(keywords, i), values[i], list, 0);
    }
    if (rc >= 0 && (c = oxypy_query_clone(q)) &&
        oxypy_where_add(st, c, PySequence_Fast_ITEMS(list), PyList_GET_SIZE(list)) < 0) {
        Py_CLEAR(c);
    }
    Py_XDECREF(list);
    return (PyObject *)c;
}

/* Joins an old tuple (or NULL) and a list. */
static PyObject *extend_tuple(PyObject *old, PyObject *list)
{
    PyObject *added = PyList_AsTuple(list);

    if (!added || !old) {
        return added;
    }
    PyObject *joined = PySequence_Concat(old, added);

    Py_DECREF(added);
    return joined;
}

PyDoc_STRVAR(where_doc, "_where(conditions, lookups, negated=False)\n--\n\n"
                        "A clone with these conditions added, after checking names, lookups and values.");

static PyObject *query_where(PyObject *self, PyTypeObject *cls, PyObject *const *args, Py_ssize_t nargs,
                             PyObject *names)
{
    oxypy_state *st = PyType_GetModuleState(cls);
    oxypy_query *q = (oxypy_query *)self;
    int negated = 0;

    if (nargs < 2 || nargs > 3 || (names && PyTuple_GET_SIZE(names)) || !PyTuple_Check(args[0]) ||
        !PyDict_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "_where() takes a tuple, a dict and a bool");
        return NULL;
    }
    if (nargs == 3 && (negated = PyObject_IsTrue(args[2])) < 0) {
        return NULL;
    }
    oxypy_plan *plan = oxypy_plan_of(st, q->model);

    if (!plan) {
        return NULL;
    }
    if (!negated && PyTuple_GET_SIZE(args[0]) == 0 && PyDict_GET_SIZE(args[1]) == 1) {
        PyObject *keyword, *value;
        Py_ssize_t pos = 0;

        (void)PyDict_Next(args[1], &pos, &keyword, &value);
        return single_lookup(st, q, plan, keyword, value);
    }
    PyObject *list = PyList_New(0);
    oxypy_query *c = NULL;

    if (list && collect_conditions(st, q, plan, args[0], args[1], list) == 0 &&
        !(negated && PyList_GET_SIZE(list) && negate_list(st, list) < 0) && (c = oxypy_query_clone(q)) &&
        PyList_GET_SIZE(list) && oxypy_where_add(st, c, PySequence_Fast_ITEMS(list), PyList_GET_SIZE(list)) < 0) {
        Py_CLEAR(c);
    }
    Py_XDECREF(list);
    return (PyObject *)c;
}

PyDoc_STRVAR(having_doc, "_having(conditions, lookups)\n--\n\nA clone with conditions on its groups added.");

/* Aliases may be annotated later, so only what cannot wait is done: iterators
 * are consumed. */
static PyObject *query_having(PyObject *self, PyTypeObject *cls, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *names)
{
    oxypy_state *st = PyType_GetModuleState(cls);
    oxypy_query *q = (oxypy_query *)self;

    if (nargs != 2 || (names && PyTuple_GET_SIZE(names)) || !PyTuple_Check(args[0]) || !PyDict_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "_having() takes a tuple and a dict");
        return NULL;
    }
    PyObject *list = PySequence_List(args[0]), *keyword, *value;
    Py_ssize_t pos = 0;

    for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list); i++) {
        if (!oxypy_is_expr(st, PyList_GET_ITEM(list, i))) {
            PyErr_Format(PyExc_TypeError, "having() takes conditions, not %.100s",
                         Py_TYPE(PyList_GET_ITEM(list, i))->tp_name);
            Py_CLEAR(list);
        }
    }
    while (list && PyDict_Next(args[1], &pos, &keyword, &value)) {
        PyObject *own = PyIter_Check(value) ? PySequence_Tuple(value) : Py_NewRef(value);
        PyObject *data = own ? PyTuple_Pack(2, keyword, own) : NULL;
        PyObject *node = (PyObject *)oxypy_expr_steal(st, OXYPY_X_LOOKUP, 0, PyTuple_New(0), data);

        Py_XDECREF(own);
        if (!node || PyList_Append(list, node) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(node);
    }
    oxypy_query *c = list ? oxypy_query_clone(q) : NULL;
    PyObject *having = c ? extend_tuple(q->having, list) : NULL;

    Py_XDECREF(list);
    if (!having) {
        Py_XDECREF(c);
        return NULL;
    }
    Py_XSETREF(c->having, having);
    return (PyObject *)c;
}

/* --- set operations ------------------------------------------------------------------------ */

/* A fresh state over (receiver, others...): what was built before belongs to
 * the receiver's operand, what follows to the combined rows. A receiver that is
 * itself untouched since its last set operation takes more operands. */
static bool takes_more_operands(const oxypy_query *q)
{
    return q->sets && !q->where && !q->order && q->limit < 0 && !q->offset && !q->distinct && !q->reversed && !q->empty;
}

static int append_operand(PyObject *list, int op, PyObject *query)
{
    PyObject *pair = Py_BuildValue("(iO)", op, query);
    int rc = pair ? PyList_Append(list, pair) : -1;

    Py_XDECREF(pair);
    return rc;
}

PyDoc_STRVAR(combine_doc, "_combine(op, others)\n--\n\nThis query and others as one set operation, left to right.");

static PyObject *query_combine(PyObject *self, PyTypeObject *cls, PyObject *const *args, Py_ssize_t nargs,
                               PyObject *names)
{
    oxypy_state *st = PyType_GetModuleState(cls);
    oxypy_query *q = (oxypy_query *)self;
    long op = nargs == 2 && !names ? PyLong_AsLong(args[0]) : -1;

    if (op < 0 || op > OXY_SET_EXCEPT || !PyTuple_Check(args[1])) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "_combine() takes a SET_* number and a tuple of queries");
        }
        return NULL;
    }
    PyObject *list = takes_more_operands(q) ? PySequence_List(q->sets) : PyList_New(0);
    oxypy_query *c = list ? oxypy_query_clone(q) : NULL;

    if (!c || (PyList_GET_SIZE(list) == 0 && append_operand(list, (int)op, self) < 0)) {
        goto fail;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args[1]); i++) {
        PyObject *other = PyTuple_GET_ITEM(args[1], i);

        if (!oxypy_is_query(st, other)) {
            PyErr_Format(PyExc_TypeError, "a query combines with queries, not with %.100s", Py_TYPE(other)->tp_name);
            goto fail;
        }
        if (append_operand(list, (int)op, other) < 0) {
            goto fail;
        }
    }
    PyObject *sets = PyList_AsTuple(list);

    if (!sets) {
        goto fail;
    }
    Py_DECREF(list);
    Py_XSETREF(c->sets, sets);
    Py_CLEAR(c->where);
    Py_CLEAR(c->earlier);
    Py_CLEAR(c->lock);
    Py_CLEAR(c->distinct_on);
    if (q->limit >= 0 || q->offset || q->sets) { /* an order without a limit carries over to the whole */
        Py_CLEAR(c->order);
        c->reversed = false;
    }
    c->limit = -1;
    c->offset = 0;
    c->distinct = c->empty = c->sliced = false;
    return (PyObject *)c;
fail:
    Py_XDECREF(list);
    Py_XDECREF(c);
    return NULL;
}

/* --- SQL without a connection ---------------------------------------------------------------- */

PyDoc_STRVAR(sql_doc, "_sql(dialect)\n--\n\nText and plain parameters of the SELECT.");

static PyObject *query_sql(PyObject *self, PyTypeObject *cls, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    if (nargs != 1 || names) {
        PyErr_SetString(PyExc_TypeError, "_sql() takes the name of a dialect");
        return NULL;
    }
    return oxypy_sql_text(PyType_GetModuleState(cls), OXYPY_DO_SELECT, self, NULL, NULL, args[0]);
}

PyDoc_STRVAR(write_doc, "_compile_write(what, arg, returning, dialect)\n--\n\n"
                        "Text and plain parameters of an UPDATE or DELETE.");

static PyObject *query_compile_write(PyObject *self, PyTypeObject *cls, PyObject *const *args, Py_ssize_t nargs,
                                     PyObject *names)
{
    oxypy_what what;

    if (nargs != 4 || names || !PyUnicode_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "_compile_write() takes what, arg, returning and a dialect");
        return NULL;
    }
    if (PyUnicode_CompareWithASCIIString(args[0], "update") == 0) {
        what = OXYPY_DO_UPDATE;
    } else if (PyUnicode_CompareWithASCIIString(args[0], "delete") == 0) {
        what = OXYPY_DO_DELETE;
    } else {
        PyErr_Format(PyExc_ValueError, "%R is neither 'update' nor 'delete'", args[0]);
        return NULL;
    }
    return oxypy_sql_text(PyType_GetModuleState(cls), what, self, args[1], args[2], args[3]);
}

/* --- the type --------------------------------------------------------------------------------- */

static PyObject *query_ordered(PyObject *self, void *closure)
{
    oxypy_query *q = (oxypy_query *)self;

    (void)closure;
    if (q->order) {
        return PyBool_FromLong(PyTuple_GET_SIZE(q->order) > 0);
    }
    oxypy_plan *plan = oxypy_plan_of(oxypy_state_of_type(Py_TYPE(self)), q->model);

    return plan ? PyBool_FromLong(plan->order && PyTuple_GET_SIZE(plan->order) > 0) : NULL;
}

static PyObject *query_by_window(PyObject *self, void *closure)
{
    (void)closure;
    return PyBool_FromLong(oxypy_filters_windows(oxypy_state_of_type(Py_TYPE(self)), (oxypy_query *)self));
}

static PyObject *query_conditions(PyObject *self, void *closure)
{
    oxypy_query *q = (oxypy_query *)self;

    (void)closure;
    return oxypy_where_gather(q) < 0 ? NULL : Py_NewRef(q->where ? q->where : Py_None);
}

static PyGetSetDef query_getset[] = {
    {"_where_", query_conditions, NULL, "tuple of Expr, ANDed, or None", NULL},
    {"_by_window", query_by_window, NULL, "whether conditions are about windows: such rows cannot be locked", NULL},
    {"_ordered", query_ordered, NULL, "whether the rows have an order, by the query or by Meta.ordering", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define PUBLIC(name, type, field) {name, type, offsetof(oxypy_query, field), READONLY, NULL}

static PyMemberDef query_members[] = {
    PUBLIC("_model", T_OBJECT, model),
    PUBLIC("_order", T_OBJECT, order),
    PUBLIC("_fields", T_OBJECT, fields),
    PUBLIC("_exprs", T_OBJECT, exprs),
    PUBLIC("_deferred", T_OBJECT, deferred),
    PUBLIC("_annotations", T_OBJECT, annotations),
    PUBLIC("_group_by", T_OBJECT, group_by),
    PUBLIC("_having_", T_OBJECT, having),
    PUBLIC("_joins", T_OBJECT, joins),
    PUBLIC("_prefetches", T_OBJECT, prefetches),
    PUBLIC("_sets", T_OBJECT, sets),
    PUBLIC("_distinct_on", T_OBJECT, distinct_on),
    PUBLIC("_lock", T_OBJECT, lock),
    PUBLIC("_user", T_OBJECT, user),
    PUBLIC("_link", T_OBJECT, link),
    PUBLIC("_limit", T_LONGLONG, limit),
    PUBLIC("_offset", T_LONGLONG, offset),
    PUBLIC("_mode", T_UBYTE, mode),
    PUBLIC("_distinct", T_BOOL, distinct),
    PUBLIC("_empty", T_BOOL, empty),
    PUBLIC("_sliced", T_BOOL, sliced),
    PUBLIC("_reversed", T_BOOL, reversed),
    {NULL, 0, 0, 0, NULL},
};

#define FAST (METH_FASTCALL | METH_KEYWORDS)
#define IN_CLASS(name, function, doc) {name, (PyCFunction)(void (*)(void))(function), METH_METHOD | FAST, doc}

static PyMethodDef query_methods[] = {
    {"_with", (PyCFunction)(void (*)(void))query_with, FAST, with_doc},
    {"_slice", query_slice, METH_VARARGS, slice_doc},
    IN_CLASS("_where", query_where, where_doc),
    IN_CLASS("_having", query_having, having_doc),
    IN_CLASS("_combine", query_combine, combine_doc),
    IN_CLASS("_sql", query_sql, sql_doc),
    IN_CLASS("_compile_write", query_compile_write, write_doc),
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(query_doc, "QueryState(model, **state)\n--\n\nThe immutable state of a query.");

static PyType_Slot query_slots[] = {
    {Py_tp_new, query_new},         {Py_tp_dealloc, query_dealloc}, {Py_tp_traverse, query_traverse},
    {Py_tp_clear, query_clear},     {Py_tp_members, query_members}, {Py_tp_getset, query_getset},
    {Py_tp_methods, query_methods}, {Py_tp_doc, (void *)query_doc}, {0, NULL},
};

static PyType_Spec query_spec = {
    .name = "oxyde._core.QueryState",
    .basicsize = sizeof(oxypy_query),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = query_slots,
};

int oxypy_query_state_init(PyObject *module, oxypy_state *st)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &query_spec, NULL);

    if (!type) {
        return -1;
    }
    st->query_type = (PyTypeObject *)type;
    return PyModule_AddType(module, st->query_type);
}
