/* SPDX-License-Identifier: MIT */
/* Terminal: a method of Query as its Python function says it, whose plainest
 * calls (lookups or values by keyword and nothing else) are carried out without a frame.
 * So is Model.delete, called with nothing. Every other call is the function's, so
 * what a call means is written there. */
#include "writing.h"

#include <stddef.h>
#include <structmember.h>

typedef struct terminal {
    PyObject_HEAD vectorcallfunc call;
    oxypy_state *st;      /* of module */
    PyObject *module;     /* owned */
    PyObject *function;   /* owned */
    PyObject *reserved;   /* tuple of str, interned: the function's own parameters; owned */
    bool lookups;         /* other keywords are conditions */
    bool builds;          /* gives a query, runs nothing */
    oxypy_writing *write; /* other keywords are values, which this writes; or NULL */
    PyObject *helper;     /* of write; owned */
    bool deletes;         /* a method of Model: deletes the row of the instance */
    int what, sink;
    long long limit;
} terminal;

/* --- calling ------------------------------------------------------------------------- */

/* Whether a keyword is a parameter of the function. Interned texts are equal only
 * if they are the same. 1, 0, -1. */
static int is_reserved(const terminal *t, PyObject *keyword)
{
    Py_ssize_t n = PyTuple_GET_SIZE(t->reserved);

    for (Py_ssize_t i = 0; i < n; i++)
        if (PyTuple_GET_ITEM(t->reserved, i) == keyword)
            return 1;
    if (PyUnicode_CHECK_INTERNED(keyword))
        return 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        int same = PyUnicode_Compare(PyTuple_GET_ITEM(t->reserved, i), keyword);

        if (same == 0 || (same == -1 && PyErr_Occurred()))
            return same == 0 ? 1 : -1;
    }
    return 0;
}

/* Whether the call is a query and lookups, if the method takes any. 1, 0, -1. */
static int is_plain(const terminal *t, PyObject *const *args, Py_ssize_t n, PyObject *kwnames)
{
    Py_ssize_t n_keywords = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);

    if (n != 1 || !PyObject_TypeCheck(args[0], t->st->query_type) || (n_keywords > 0 && !t->lookups) ||
        (n_keywords == 0 && (t->builds || t->write != NULL)))
        return 0;
    for (Py_ssize_t i = 0; i < n_keywords; i++) {
        int reserved = is_reserved(t, PyTuple_GET_ITEM(kwnames, i));

        if (reserved != 0)
            return reserved < 0 ? -1 : 0;
    }
    return 1;
}

static PyObject *terminal_call(PyObject *self, PyObject *const *args, size_t flags, PyObject *kwnames)
{
    terminal *t = (terminal *)self;
    PyObject *query, *answer;
    bool filters = kwnames != NULL && PyTuple_GET_SIZE(kwnames) > 0;
    int plain;

    if (t->deletes) {
        plain = filters || PyVectorcall_NARGS(flags) != 1 ? 0 : oxypy_delete_row(t->st, args[0], &answer);
        if (plain != 0)
            return plain < 0 ? NULL : answer;
        return PyObject_Vectorcall(t->function, args, flags, kwnames);
    }
    plain = is_plain(t, args, PyVectorcall_NARGS(flags), kwnames);
    if (plain < 0)
        return NULL;
    if (plain == 1 && t->write != NULL) {
        plain = t->write(t->st, (oxypy_query *)args[0], t->helper, kwnames, args + 1, &answer);
        if (plain != 0)
            return plain < 0 ? NULL : answer;
    }
    if (plain == 0)
        return PyObject_Vectorcall(t->function, args, flags, kwnames);
    query = args[0];
    if (t->builds)
        return filters ? oxypy_query_filter(t->st, (oxypy_query *)query, kwnames, args + 1) : Py_NewRef(query);
    return filters ? oxypy_make_filtered(t->st, t->what, query, kwnames, args + 1, t->sink, t->limit)
                   : oxypy_make_statement(t->st, t->what, query, t->sink, t->limit);
}

/* --- the type ------------------------------------------------------------------------- */

static PyObject *terminal_get(PyObject *self, PyObject *instance, PyObject *Py_UNUSED(owner))
{
    return instance == NULL || instance == Py_None ? Py_NewRef(self) : PyMethod_New(self, instance);
}

/* Whatever else one may ask a function. */
static PyObject *terminal_getattro(PyObject *self, PyObject *name)
{
    PyObject *found = PyObject_GenericGetAttr(self, name);

    if (found != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return found;
    PyErr_Clear();
    return PyObject_GetAttr(((terminal *)self)->function, name);
}

static PyObject *terminal_doc(PyObject *self, void *Py_UNUSED(closure))
{
    return PyObject_GetAttrString(((terminal *)self)->function, "__doc__");
}

static PyObject *terminal_module(PyObject *self, void *Py_UNUSED(closure))
{
    return PyObject_GetAttrString(((terminal *)self)->function, "__module__");
}

static PyObject *terminal_repr(PyObject *self)
{
    return PyObject_Repr(((terminal *)self)->function);
}

static int terminal_traverse(PyObject *self, visitproc visit, void *arg)
{
    terminal *t = (terminal *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(t->module);
    Py_VISIT(t->function);
    Py_VISIT(t->reserved);
    Py_VISIT(t->helper);
    return 0;
}

static int terminal_clear(PyObject *self)
{
    terminal *t = (terminal *)self;

    Py_CLEAR(t->function);
    Py_CLEAR(t->reserved);
    Py_CLEAR(t->helper);
    return 0;
}

static void terminal_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    (void)terminal_clear(self);
    Py_CLEAR(((terminal *)self)->module);
    type->tp_free(self);
    Py_DECREF(type);
}

/* The names of all parameters, interned as the keywords in code are. New reference. */
static PyObject *parameters_of(PyObject *function)
{
    PyCodeObject *code = (PyCodeObject *)PyFunction_GET_CODE(function);
    PyObject *names = PyObject_GetAttrString((PyObject *)code, "co_varnames"), *own;
    Py_ssize_t n = code->co_argcount + code->co_kwonlyargcount;

    if (names == NULL)
        return NULL;
    own = PyTuple_New(n);
    for (Py_ssize_t i = 0; own != NULL && i < n; i++) {
        PyObject *name = Py_NewRef(PyTuple_GET_ITEM(names, i));

        PyUnicode_InternInPlace(&name);
        PyTuple_SET_ITEM(own, i, name);
    }
    Py_DECREF(names);
    return own;
}

static PyObject *make_terminal(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"function", "what", "sink", "limit", "builds", "helper", NULL};
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *function, *reserved, *helper = NULL;
    oxypy_writing *write;
    bool deletes;
    int what = OXYPY_DO_SELECT, sink = OXYPY_SINK_LIST, builds = 0;
    long long limit = -1;
    terminal *t;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|$iiLpO:terminal", names, &PyFunction_Type, &function, &what,
                                     &sink, &limit, &builds, &helper))
        return NULL;
    write = helper == NULL ? NULL : oxypy_writing_of(what);
    deletes = what == OXYPY_DO_DELETE && sink == OXYPY_SINK_DELETED && helper == NULL;
    if (what < 0 || (what > OXYPY_DO_EXISTS && write == NULL && !deletes) || sink < 0 || sink >= OXYPY_SINK_COUNT) {
        PyErr_SetString(PyExc_ValueError,
                        "a terminal reads rows, their number or whether there are any, or writes values");
        return NULL;
    }
    reserved = parameters_of(function);
    t = reserved == NULL ? NULL : (terminal *)st->terminal_type->tp_alloc(st->terminal_type, 0);
    if (t == NULL) {
        Py_XDECREF(reserved);
        return NULL;
    }
    t->call = terminal_call;
    t->st = st;
    t->module = Py_NewRef(module);
    t->function = Py_NewRef(function);
    t->reserved = reserved;
    t->lookups = (((PyCodeObject *)PyFunction_GET_CODE(function))->co_flags & CO_VARKEYWORDS) != 0;
    t->builds = builds != 0;
    t->write = write;
    t->helper = Py_XNewRef(helper);
    t->deletes = deletes;
    t->what = what;
    t->sink = sink;
    t->limit = limit;
    return (PyObject *)t;
}

static PyMemberDef terminal_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(terminal, function), READONLY, NULL},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(terminal, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef terminal_getset[] = {
    {"__doc__", terminal_doc, NULL, NULL, NULL},
    {"__module__", terminal_module, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot terminal_slots[] = {
    {Py_tp_call, PyVectorcall_Call},     {Py_tp_descr_get, terminal_get},
    {Py_tp_getattro, terminal_getattro}, {Py_tp_repr, terminal_repr},
    {Py_tp_members, terminal_members},   {Py_tp_getset, terminal_getset},
    {Py_tp_traverse, terminal_traverse}, {Py_tp_clear, terminal_clear},
    {Py_tp_dealloc, terminal_dealloc},   {0, NULL},
};

static PyType_Spec terminal_spec = {
    .name = "oxyde._core.Terminal",
    .basicsize = sizeof(terminal),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR |
             Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = terminal_slots,
};

static PyMethodDef terminal_functions[] = {
    {"terminal", (PyCFunction)(void (*)(void))make_terminal, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("A method of Query whose plain calls need no frame.")},
    {NULL, NULL, 0, NULL},
};

int oxypy_terminal_init(PyObject *module, oxypy_state *st)
{
    st->terminal_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &terminal_spec, NULL);
    return st->terminal_type == NULL ? -1 : PyModule_AddFunctions(module, terminal_functions);
}
