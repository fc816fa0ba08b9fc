/* SPDX-License-Identifier: MIT */
/* The module _core: multi-phase initialisation, its state from birth to
 * clearing, and the two calls with which the package hands over what the
 * engine needs of it. */
#include "json.h"
#include "runtime_private.h"

/* --- state -------------------------------------------------------------------- */

oxypy_state *oxypy_state_of_module(PyObject *module)
{
    return PyModule_GetState(module);
}

oxypy_state *oxypy_state_of_type(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030b0000
    PyObject *module = PyType_GetModuleByDef(type, &oxypy_module);

    return module == NULL ? NULL : PyModule_GetState(module);
#else
    PyObject *mro = type->tp_mro;

    for (Py_ssize_t i = 0; mro != NULL && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        PyObject *module;

        if (!PyType_HasFeature(base, Py_TPFLAGS_HEAPTYPE))
            continue;
        module = ((PyHeapTypeObject *)base)->ht_module;
        if (module != NULL && PyModule_Check(module) && PyModule_GetDef(module) == &oxypy_module)
            return PyModule_GetState(module);
    }
    PyErr_SetString(PyExc_TypeError, "not a type of oxyde._core");
    return NULL;
#endif
}

/* Every owned reference of the state, for traverse and clear alike. */
#define STATE_OBJECTS(X)                                                                                               \
    X(not_found_error)                                                                                                 \
    X(multiple_objects_error)                                                                                          \
    X(unknown_alias_error)                                                                                             \
    X(not_loaded_error)                                                                                                \
    X(decimal_type)                                                                                                    \
    X(uuid_type)                                                                                                       \
    X(safe_unknown)                                                                                                    \
    X(enum_type)                                                                                                       \
    X(timedelta_type)                                                                                                  \
    X(ip_types)                                                                                                        \
    X(ip_interface)                                                                                                    \
    X(ip_network)                                                                                                      \
    X(ip_address)                                                                                                      \
    X(json_loads)                                                                                                      \
    X(json_dumps)                                                                                                      \
    X(current_task)                                                                                                    \
    X(current_tasks)                                                                                                   \
    X(gather_code)                                                                                                     \
    X(cancelled_error)                                                                                                 \
    X(invalid_state_error)                                                                                             \
    X(schema_validator)                                                                                                \
    X(self_keyword)                                                                                                    \
    X(construction_of)                                                                                                 \
    X(pre_save)                                                                                                        \
    X(pre_delete)                                                                                                      \
    X(post_delete)                                                                                                     \
    X(post_save)                                                                                                       \
    X(given_type)                                                                                                      \
    X(leaf_dict)                                                                                                       \
    X(leaf_setattr)                                                                                                    \
    X(warn_of_another)                                                                                                 \
    X(context_keyword)                                                                                                 \
    X(get_running_loop)                                                                                                \
    X(validation_error)                                                                                                \
    X(utc)                                                                                                             \
    X(registry)                                                                                                        \
    X(explain_unknown)                                                                                                 \
    X(without_returning)                                                                                               \
    X(read_and_load)                                                                                                   \
    X(plan_of)                                                                                                         \
    X(operation_names)                                                                                                 \
    X(run_names)

#define STATE_TYPES(X)                                                                                                 \
    X(expr_type)                                                                                                       \
    X(plan_type)                                                                                                       \
    X(query_type)                                                                                                      \
    X(links_type)                                                                                                      \
    X(insert_type)                                                                                                     \
    X(compiled_type)                                                                                                   \
    X(operation_type)                                                                                                  \
    X(database_type)                                                                                                   \
    X(session_type)                                                                                                    \
    X(loop_type)                                                                                                       \
    X(wakeup_type)                                                                                                     \
    X(construction_type)                                                                                               \
    X(fields_set_type)                                                                                                 \
    X(state_type)                                                                                                      \
    X(stream_type)                                                                                                     \
    X(step_type)

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    oxypy_state *st = oxypy_state_of_module(module);

    if (st == NULL)
        return 0;
#define X(name) Py_VISIT(st->name);
    STATE_OBJECTS(X)
    STATE_TYPES(X)
#undef X
    for (size_t i = 0; i < OXY_RC_COUNT; i++)
        Py_VISIT(st->exceptions[i]);
    for (size_t i = 0; i < OXY_COUNT(st->plain_exprs); i++)
        Py_VISIT(st->plain_exprs[i]);
    return st->runtime == NULL ? 0 : oxypy_runtime_traverse(st->runtime, visit, arg);
}

static int module_clear(PyObject *module)
{
    oxypy_state *st = oxypy_state_of_module(module);

    if (st == NULL)
        return 0;
    if (st->runtime != NULL)
        oxypy_runtime_clear(st->runtime);
    oxypy_operation_forget_memory(st);
#define X(name) Py_CLEAR(st->name);
    STATE_OBJECTS(X)
    STATE_TYPES(X)
#undef X
    for (size_t i = 0; i < OXY_RC_COUNT; i++)
        Py_CLEAR(st->exceptions[i]);
    for (size_t i = 0; i < OXY_COUNT(st->plain_exprs); i++)
        Py_CLEAR(st->plain_exprs[i]);
#define X(name, text) Py_CLEAR(st->s_##name);
    OXYPY_NAME_LIST(X)
#undef X
    return 0;
}

static void module_free(void *module)
{
    oxypy_state *st = oxypy_state_of_module(module);

    (void)module_clear(module);
    if (st != NULL) {
        oxypy_operation_forget_memory(st); /* of those that went with the module's types */
        oxypy_json_strings_free(st);
    }
    if (st != NULL && st->runtime != NULL) {
        oxypy_runtime_unref(st->runtime);
        st->runtime = NULL;
    }
}

/* --- imports -------------------------------------------------------------------- */

static int import_attr(const char *module_name, const char *name, PyObject **out)
{
    PyObject *module = PyImport_ImportModule(module_name);

    if (module == NULL)
        return -1;
    *out = PyObject_GetAttrString(module, name);
    Py_DECREF(module);
    return *out == NULL ? -1 : 0;
}

static int import_safe_unknown(oxypy_state *st)
{
    PyObject *safe = NULL;

    if (import_attr("uuid", "SafeUUID", &safe) < 0)
        return -1;
    st->safe_unknown = PyObject_GetAttrString(safe, "unknown");
    Py_DECREF(safe);
    return st->safe_unknown == NULL ? -1 : 0;
}

static int import_ip(oxypy_state *st)
{
    static const char *const names[] = {"IPv4Address",   "IPv6Address", "IPv4Interface",
                                        "IPv6Interface", "IPv4Network", "IPv6Network"};

    st->ip_types = PyTuple_New(OXY_COUNT(names));
    if (st->ip_types == NULL)
        return -1;
    for (size_t i = 0; i < OXY_COUNT(names); i++) {
        PyObject *type = NULL;

        if (import_attr("ipaddress", names[i], &type) < 0)
            return -1;
        PyTuple_SET_ITEM(st->ip_types, (Py_ssize_t)i, type);
    }
    if (import_attr("ipaddress", "ip_interface", &st->ip_interface) < 0)
        return -1;
    if (import_attr("ipaddress", "ip_network", &st->ip_network) < 0)
        return -1;
    return import_attr("ipaddress", "ip_address", &st->ip_address);
}

/* One encoder, made once: json.dumps() with options would make one per call. */
static int import_json(oxypy_state *st)
{
    PyObject *json = PyImport_ImportModule("json"), *type = NULL, *args = NULL, *options = NULL, *encoder = NULL;
    int rc = -1;

    if (json == NULL)
        goto done;
    st->json_loads = PyObject_GetAttrString(json, "loads");
    type = PyObject_GetAttrString(json, "JSONEncoder");
    args = PyTuple_New(0);
    options =
        Py_BuildValue("{s:O,s:O,s:(ss)}", "ensure_ascii", Py_False, "allow_nan", Py_False, "separators", ",", ":");
    if (st->json_loads == NULL || type == NULL || args == NULL || options == NULL)
        goto done;
    encoder = PyObject_Call(type, args, options);
    if (encoder == NULL)
        goto done;
    st->json_dumps = PyObject_GetAttrString(encoder, "encode");
    if (st->json_dumps != NULL)
        rc = 0;
done:
    Py_XDECREF(json);
    Py_XDECREF(type);
    Py_XDECREF(args);
    Py_XDECREF(options);
    Py_XDECREF(encoder);
    return rc;
}

static int import_all(oxypy_state *st)
{
    PyDateTime_IMPORT;
    if (PyDateTimeAPI == NULL)
        return -1;
    st->datetime = PyDateTimeAPI;
    st->utc = Py_NewRef(PyDateTime_TimeZone_UTC);
    if (import_attr("decimal", "Decimal", &st->decimal_type) < 0)
        return -1;
    if (import_attr("uuid", "UUID", &st->uuid_type) < 0 || import_safe_unknown(st) < 0)
        return -1;
    if (import_attr("enum", "Enum", &st->enum_type) < 0)
        return -1;
    if (import_attr("datetime", "timedelta", &st->timedelta_type) < 0)
        return -1;
    if (import_ip(st) < 0 || import_json(st) < 0)
        return -1;
    return import_attr("pydantic_core", "ValidationError", &st->validation_error);
}

/* asyncio costs as much to import as a small package; whoever runs a loop has
 * paid that already, so it waits for the first operation. */
int oxypy_need_asyncio(oxypy_state *st)
{
    PyObject *gather = NULL;

    if (st->current_task != NULL)
        return 0;
    if (st->get_running_loop == NULL && import_attr("asyncio.events", "_get_running_loop", &st->get_running_loop) < 0)
        return -1;
    if (import_attr("asyncio.exceptions", "CancelledError", &st->cancelled_error) < 0 ||
        import_attr("asyncio.exceptions", "InvalidStateError", &st->invalid_state_error) < 0)
        return -1;
    if (import_attr("asyncio", "gather", &gather) < 0)
        return -1;
    Py_XSETREF(st->gather_code, PyFunction_Check(gather) ? Py_NewRef(PyFunction_GetCode(gather)) : NULL);
    Py_DECREF(gather);
    if (import_attr("asyncio", "current_task", &st->current_task) < 0)
        return -1;
    /* Before Python 3.12 it is a function in Python, a frame for a look into a dict. */
    if (!PyFunction_Check(st->current_task))
        return 0;
    return import_attr("asyncio.tasks", "_current_tasks", &st->current_tasks);
}

/* --- what the package hands over -------------------------------------------------- */

static PyObject *bind_exceptions(PyObject *module, PyObject *exceptions)
{
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *builtins = PyEval_GetBuiltins(); /* borrowed */
    struct {
        const char *name;
        PyObject **slot;
    } extra[] = {{"NotFoundError", &st->not_found_error},
                 {"MultipleObjectsReturned", &st->multiple_objects_error},
                 {"UnknownAliasError", &st->unknown_alias_error},
                 {"NotLoadedError", &st->not_loaded_error}};

    for (int rc = OXY_OK + 1; rc < OXY_RC_COUNT; rc++) {
        const char *name = oxy_rc_exception((oxy_rc)rc);
        PyObject *type = PyDict_GetItemString(builtins, name);

        type = type != NULL ? Py_NewRef(type) : PyObject_GetAttrString(exceptions, name);
        if (type == NULL)
            return NULL;
        Py_XSETREF(st->exceptions[rc], type);
    }
    for (size_t i = 0; i < OXY_COUNT(extra); i++) {
        PyObject *type = PyObject_GetAttrString(exceptions, extra[i].name);

        if (type == NULL)
            return NULL;
        Py_XSETREF(*extra[i].slot, type);
    }
    Py_RETURN_NONE;
}

static PyObject *bind_package(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"registry", "plan_of", "unknown_name", "without_returning", "read_and_load", NULL};
    oxypy_state *st = oxypy_state_of_module(module);
    PyObject *registry = NULL, *plan_of = NULL, *unknown_name = NULL, *without_returning = Py_None;
    PyObject *read_and_load = Py_None;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$O!OOOO:bind_package", names, &PyDict_Type, &registry, &plan_of,
                                     &unknown_name, &without_returning, &read_and_load))
        return NULL;
    if (registry == NULL || plan_of == NULL || unknown_name == NULL) {
        PyErr_SetString(PyExc_TypeError, "bind_package() needs registry, plan_of and unknown_name");
        return NULL;
    }
    Py_XSETREF(st->registry, Py_NewRef(registry));
    Py_XSETREF(st->plan_of, Py_NewRef(plan_of));
    Py_XSETREF(st->explain_unknown, Py_NewRef(unknown_name));
    Py_XSETREF(st->without_returning, Py_NewRef(without_returning));
    Py_XSETREF(st->read_and_load, Py_NewRef(read_and_load));
    Py_RETURN_NONE;
}

static PyMethodDef module_methods[] = {
    {"bind_exceptions", bind_exceptions, METH_O, PyDoc_STR("Hands over oxyde.exceptions.")},
    {"bind_package", (PyCFunction)(void (*)(void))bind_package, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("Hands over what the engine calls back.")},
    {"read_json", oxypy_json_read_all, METH_O,
     PyDoc_STR("Reads documents as of one column: (value,), or None for what is left to other readers.")},
    {NULL, NULL, 0, NULL},
};

/* --- making the module ------------------------------------------------------------ */

/* Parts of the binding in the order in which they are made. */
#define PARTS(X)                                                                                                       \
    X(expr)                                                                                                            \
    X(plan)                                                                                                            \
    X(fields_set)                                                                                                      \
    X(class_attributes)                                                                                                \
    X(construct)                                                                                                       \
    X(direct_init)                                                                                                     \
    X(instance_state)                                                                                                  \
    X(query_state)                                                                                                     \
    X(links)                                                                                                           \
    X(insert)                                                                                                          \
    X(compiled)                                                                                                        \
    X(loop)                                                                                                            \
    X(wakeup)                                                                                                          \
    X(database)                                                                                                        \
    X(session)                                                                                                         \
    X(operation)                                                                                                       \
    X(stream)                                                                                                          \
    X(writing)                                                                                                         \
    X(terminal)                                                                                                        \
    X(ddl) X(schema_diff) X(schema_change)

static int module_exec(PyObject *module)
{
    oxypy_state *st = oxypy_state_of_module(module);

#define X(name, text)                                                                                                  \
    st->s_##name = PyUnicode_InternFromString(text);                                                                   \
    if (st->s_##name == NULL)                                                                                          \
        return -1;
    OXYPY_NAME_LIST(X)
#undef X
    st->runtime = oxypy_runtime_new();
    if (st->runtime == NULL || import_all(st) < 0)
        return -1;
#define X(part)                                                                                                        \
    if (oxypy_##part##_init(module, st) < 0)                                                                           \
        return -1;
    PARTS(X)
#undef X
    return oxypy_constants_init(module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

struct PyModuleDef oxypy_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "oxyde._core",
    .m_doc = PyDoc_STR("The engine of oxyde. Private: use the package."),
    .m_size = sizeof(oxypy_state),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&oxypy_module);
}
