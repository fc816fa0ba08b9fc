/* SPDX-License-Identifier: MIT */
/* Expr: one immutable node of an expression, condition or ordering term as
 * Python builds it. The engine walks these by struct; Python subclasses (F, Q,
 * functions) add the words. */
#include "build.h"

#include <structmember.h>

static PyObject *expr_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"kind", "op", "args", "data", NULL};
    int kind, op = 0;
    PyObject *items = NULL, *data = Py_None;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i|iO!O:Expr", names, &kind, &op, &PyTuple_Type, &items, &data)) {
        return NULL;
    }
    if (kind < 0 || kind >= OXYPY_X_COUNT) {
        PyErr_Format(PyExc_ValueError, "no kind of expression has the number %d", kind);
        return NULL;
    }
    oxypy_expr *self = (oxypy_expr *)type->tp_alloc(type, 0);

    if (!self) {
        return NULL;
    }
    self->kind = kind;
    self->op = op;
    self->data = Py_NewRef(data);
    self->args = items ? Py_NewRef(items) : PyTuple_New(0);
    if (!self->args) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
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
    oxypy_expr *e = NULL;

    if (args && data) {
        e = (oxypy_expr *)st->expr_type->tp_alloc(st->expr_type, 0);
    }
    if (!e) {
        Py_XDECREF(args);
        Py_XDECREF(data);
        return NULL;
    }
    e->kind = kind;
    e->op = op;
    e->args = args;
    e->data = data;
    return e;
}

int oxypy_expr_init(PyObject *module, oxypy_state *st)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &expr_spec, NULL);

    if (!type) {
        return -1;
    }
    st->expr_type = (PyTypeObject *)type;
    return PyModule_AddType(module, st->expr_type);
}
