/* SPDX-License-Identifier: MIT */
/* Expr: one immutable node of an expression, condition or ordering term as
 * Python builds it. The engine walks these by struct; Python subclasses (F, Q,
 * functions) add the words. */
#include "build.h"

#include <structmember.h>

/* --- the collector ---------------------------------------------------------------- */

/* Tuples that are looked through. Of larger ones there are few; and a combination
 * that grows one by one would be looked through again at each step. */
#define LOOKED_THROUGH 32

/* Subclasses of a program may lie in a cycle with an instance that they keep. */
static bool is_lasting(const oxypy_state *st, const PyTypeObject *type)
{
    bool lasts = type == st->expr_type;

    for (size_t i = 0; !lasts && i < OXY_COUNT(st->plain_exprs) && st->plain_exprs[i]; i++) {
        lasts = type == st->plain_exprs[i];
    }
    return lasts;
}

/* Whether no cycle can go through the object, now or later: it holds nothing that
 * could change. What is untracked among the immutable ones stays so. */
static bool out_of_cycles(const oxypy_state *st, PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);

    return !PyType_HasFeature(type, Py_TPFLAGS_HAVE_GC) ||
           ((type == &PyTuple_Type || type == &PyCapsule_Type || is_lasting(st, type)) && !PyObject_GC_IsTracked(o));
}

bool oxypy_untrack_tuple(const oxypy_state *st, PyObject *tuple)
{
    if (!PyTuple_CheckExact(tuple) || PyTuple_GET_SIZE(tuple) > LOOKED_THROUGH) {
        return out_of_cycles(st, tuple);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        if (!out_of_cycles(st, PyTuple_GET_ITEM(tuple, i))) {
            return false;
        }
    }
    PyObject_GC_UnTrack(tuple);
    return true;
}

/* --- life --------------------------------------------------------------------------- */

/* Steals args and data, also on failure. Conditions come by the thousand, and a
 * collection would walk over each of them again and again, of which it never frees
 * one: so those of constants only are not tracked. */
static oxypy_expr *expr_make(const oxypy_state *st, PyTypeObject *type, int kind, int op, PyObject *args,
                             PyObject *data)
{
    bool lasting = is_lasting(st, type); /* and no larger than an Expr */
    oxypy_expr *e = lasting ? PyObject_GC_New(oxypy_expr, type) : (oxypy_expr *)type->tp_alloc(type, 0);

    if (!e) {
        Py_DECREF(args);
        Py_DECREF(data);
        return NULL;
    }
    e->kind = kind;
    e->op = op;
    e->args = args;
    e->data = data;
    if (lasting && !(oxypy_untrack_tuple(st, data) && (PyTuple_GET_SIZE(args) == 0 || oxypy_untrack_tuple(st, args)))) {
        PyObject_GC_Track(e);
    }
    return e;
}

/* A small number; -1 for anything else, which the parser of arguments has words for. */
static int small(PyObject *value)
{
    int overflow;
    long n = PyLong_CheckExact(value) ? PyLong_AsLongAndOverflow(value, &overflow) : -1;

    return n >= 0 && n <= INT_MAX ? (int)n : -1;
}

/* The four arguments, if they are given as the package gives them. */
static bool four_given(PyObject *args, PyObject *kwargs, int *kind, int *op, PyObject **items, PyObject **data)
{
    if (kwargs || PyTuple_GET_SIZE(args) != 4 || !PyTuple_Check(PyTuple_GET_ITEM(args, 2))) {
        return false;
    }
    *kind = small(PyTuple_GET_ITEM(args, 0));
    *op = small(PyTuple_GET_ITEM(args, 1));
    *items = PyTuple_GET_ITEM(args, 2);
    *data = PyTuple_GET_ITEM(args, 3);
    return *kind >= 0 && *op >= 0;
}

static PyObject *expr_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"kind", "op", "args", "data", NULL};
    int kind, op;
    PyObject *items, *data;
    oxypy_state *st = oxypy_state_of_type(type);

    if (!st) {
        return NULL;
    }
    if (!four_given(args, kwargs, &kind, &op, &items, &data)) {
        kind = op = 0;
        items = NULL;
        data = Py_None;
        if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i|iO!O:Expr", names, &kind, &op, &PyTuple_Type, &items,
                                         &data)) {
            return NULL;
        }
    }
    if (kind < 0 || kind >= OXYPY_X_COUNT) {
        PyErr_Format(PyExc_ValueError, "no kind of expression has the number %d", kind);
        return NULL;
    }
    items = items ? Py_NewRef(items) : PyTuple_New(0);
    return items ? (PyObject *)expr_make(st, type, kind, op, items, Py_NewRef(data)) : NULL;
}

static int expr_traverse(PyObject *self, visitproc visit, void *arg)
{
    oxypy_expr *e = (oxypy_expr *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(e->args);
    Py_VISIT(e->data);
    return 0;
}

static int expr_clear(PyObject *self)
{
    oxypy_expr *e = (oxypy_expr *)self;

    Py_CLEAR(e->args);
    Py_CLEAR(e->data);
    return 0;
}

/* Chains of thousands of conditions are legal; the trashcan keeps their
 * deallocation off the C stack. */
static void expr_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, expr_dealloc)(void) expr_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

static const char *const kind_names[] = {
#define X(name, text) #name,
    OXYPY_EXPR_LIST(X)
#undef X
};

static PyObject *expr_repr(PyObject *self)
{
    oxypy_expr *e = (oxypy_expr *)self;

    return PyUnicode_FromFormat("Expr(%s, %d, %R, %R)", kind_names[e->kind], e->op, e->args, e->data);
}

static PyMemberDef expr_members[] = {
    {"kind", T_INT, offsetof(oxypy_expr, kind), READONLY, "X_* number"},
    {"op", T_INT, offsetof(oxypy_expr, op), READONLY, "number whose meaning depends on kind"},
    {"args", T_OBJECT_EX, offsetof(oxypy_expr, args), READONLY, "operands"},
    {"data", T_OBJECT_EX, offsetof(oxypy_expr, data), READONLY, "what is no operand"},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(expr_doc, "Expr(kind, op=0, args=(), data=None)\n--\n\nAn immutable node of a query expression.");

static PyType_Slot expr_slots[] = {
    {Py_tp_new, expr_new},   {Py_tp_dealloc, expr_dealloc}, {Py_tp_traverse, expr_traverse}, {Py_tp_clear, expr_clear},
    {Py_tp_repr, expr_repr}, {Py_tp_members, expr_members}, {Py_tp_doc, (void *)expr_doc},   {0, NULL},
};

static PyType_Spec expr_spec = {
    .name = "oxyde._core.Expr",
    .basicsize = sizeof(oxypy_expr),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = expr_slots,
};

/* A node made by the engine itself. Steals args and data, also on failure. */
oxypy_expr *oxypy_expr_steal(oxypy_state *st, int kind, int op, PyObject *args, PyObject *data)
{
    if (!args || !data) {
        Py_XDECREF(args);
        Py_XDECREF(data);
        return NULL;
    }
    return expr_make(st, st->expr_type, kind, op, args, data);
}

/* --- the module ------------------------------------------------------------------------ */

static PyObject *use_plain_expressions(PyObject *module, PyObject *args)
{
    oxypy_state *st = oxypy_state_of_module(module);
    Py_ssize_t n = PyTuple_GET_SIZE(args);

    if (n > (Py_ssize_t)OXY_COUNT(st->plain_exprs)) {
        PyErr_Format(PyExc_ValueError, "at most %zu classes", OXY_COUNT(st->plain_exprs));
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *type = PyTuple_GET_ITEM(args, i);

        if (!PyType_Check(type) || !PyType_IsSubtype((PyTypeObject *)type, st->expr_type) ||
            ((PyTypeObject *)type)->tp_basicsize != st->expr_type->tp_basicsize ||
            ((PyTypeObject *)type)->tp_dictoffset) {
            PyErr_Format(PyExc_TypeError, "%R is no class of expressions without a state of its own", type);
            return NULL;
        }
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        Py_XSETREF(st->plain_exprs[i], (PyTypeObject *)Py_NewRef(PyTuple_GET_ITEM(args, i)));
    }
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"use_plain_expressions", use_plain_expressions, METH_VARARGS,
     PyDoc_STR("use_plain_expressions(*classes): they last as long as the module, and their instances hold nothing\n"
               "but args and data. Those with constants only are kept from the collector.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_expr_init(PyObject *module, oxypy_state *st)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &expr_spec, NULL);

    if (!type) {
        return -1;
    }
    st->expr_type = (PyTypeObject *)type;
    return PyModule_AddType(module, st->expr_type) < 0 ? -1 : PyModule_AddFunctions(module, functions);
}
