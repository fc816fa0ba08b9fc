/* SPDX-License-Identifier: MIT */
/* Constants of the module, from the lists of the headers: Python sees the same
 * numbers as the engine. */
#include "build.h"
#include "relation.h"
#include "runtime.h"

typedef struct constant {
    const char *name;
    long value;
} constant;

#define X(name, text) {"K_" #name, OXY_K_##name},
static const constant kinds[] = {OXY_KIND_LIST(X)};
#undef X
#define X(name, text) {"FN_" #name, OXY_FN_##name},
static const constant functions[] = {OXY_FN_LIST(X)};
#undef X
#define X(name, text) {"AGG_" #name, OXY_AGG_##name},
static const constant aggregates[] = {OXY_AGG_LIST(X)};
#undef X
#define X(name, text) {"PART_" #name, OXY_PART_##name},
static const constant parts[] = {OXY_PART_LIST(X)};
#undef X
#define X(name, text) {"X_" #name, OXYPY_X_##name},
static const constant nodes[] = {OXYPY_EXPR_LIST(X)};
#undef X
#define X(name, text) {"SINK_" #name, OXYPY_SINK_##name},
static const constant sinks[] = {OXYPY_SINK_LIST(X)};
#undef X

static const constant others[] = {
    {"OP_EQ", OXY_OP_EQ},
    {"OP_NE", OXY_OP_NE},
    {"OP_LT", OXY_OP_LT},
    {"OP_LE", OXY_OP_LE},
    {"OP_GT", OXY_OP_GT},
    {"OP_GE", OXY_OP_GE},
    {"OP_ADD", OXY_OP_ADD},
    {"OP_SUB", OXY_OP_SUB},
    {"OP_MUL", OXY_OP_MUL},
    {"OP_DIV", OXY_OP_DIV},
    {"OP_FLOORDIV", OXY_OP_FLOORDIV},
    {"OP_MOD", OXY_OP_MOD},
    {"OP_CONCAT", OXY_OP_CONCAT},
    {"UN_NEG", OXY_UN_NEG},
    {"UN_IS_NULL", OXY_UN_IS_NULL},
    {"UN_IS_NOT_NULL", OXY_UN_IS_NOT_NULL},
    {"MATCH_CONTAINS", OXY_MATCH_CONTAINS},
    {"MATCH_STARTSWITH", OXY_MATCH_STARTSWITH},
    {"MATCH_ENDSWITH", OXY_MATCH_ENDSWITH},
    {"MATCH_EXACT", OXY_MATCH_EXACT},
    {"MATCH_LIKE", OXY_MATCH_LIKE},
    {"MATCH_REGEX", OXY_MATCH_REGEX},
    {"CAT_STRING", OXYPY_CAT_STRING},
    {"CAT_NUMERIC", OXYPY_CAT_NUMERIC},
    {"CAT_DATETIME", OXYPY_CAT_DATETIME},
    {"CAT_DATE", OXYPY_CAT_DATE},
    {"CAT_TIME", OXYPY_CAT_TIME},
    {"CAT_ORDERED", OXYPY_CAT_ORDERED},
    {"CAT_ARRAY", OXYPY_CAT_ARRAY},
    {"CAT_JSON", OXYPY_CAT_JSON},
    {"CAT_PLAIN", OXYPY_CAT_PLAIN},
    {"LOAD_IDENTITY", OXYPY_LOAD_IDENTITY},
    {"LOAD_LENGTH", OXYPY_LOAD_LENGTH},
    {"LOAD_INT_RANGE", OXYPY_LOAD_INT_RANGE},
    {"LOAD_FLOAT_RANGE", OXYPY_LOAD_FLOAT_RANGE},
    {"LOAD_ENUM", OXYPY_LOAD_ENUM},
    {"LOAD_VALIDATOR", OXYPY_LOAD_VALIDATOR},
    {"MODE_MODELS", OXYPY_MODE_MODELS},
    {"MODE_DICTS", OXYPY_MODE_DICTS},
    {"MODE_TUPLES", OXYPY_MODE_TUPLES},
    {"MODE_FLAT", OXYPY_MODE_FLAT},
    {"SET_UNION", OXY_SET_UNION},
    {"SET_UNION_ALL", OXY_SET_UNION_ALL},
    {"SET_INTERSECT", OXY_SET_INTERSECT},
    {"SET_EXCEPT", OXY_SET_EXCEPT},
    {"REL_FORWARD", OXYPY_REL_FORWARD},
    {"REL_REVERSE_ONE", OXYPY_REL_REVERSE_ONE},
    {"REL_REVERSE_MANY", OXYPY_REL_REVERSE_MANY},
    {"REL_MANY", OXYPY_REL_MANY},
    {"LOCK_UPDATE", OXY_LOCK_UPDATE},
    {"LOCK_NO_KEY_UPDATE", OXY_LOCK_NO_KEY_UPDATE},
    {"LOCK_SHARE", OXY_LOCK_SHARE},
    {"FRAME_NONE", OXY_FRAME_NONE},
    {"FRAME_ROWS", OXY_FRAME_ROWS},
    {"FRAME_RANGE", OXY_FRAME_RANGE},
    {"DO_SELECT", OXYPY_DO_SELECT},
    {"DO_COUNT", OXYPY_DO_COUNT},
    {"DO_EXISTS", OXYPY_DO_EXISTS},
    {"DO_AGGREGATE", OXYPY_DO_AGGREGATE},
    {"DO_UPDATE", OXYPY_DO_UPDATE},
    {"DO_DELETE", OXYPY_DO_DELETE},
    {"DO_INSERT", OXYPY_DO_INSERT},
};

static int add_all(PyObject *module, const constant *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (PyModule_AddIntConstant(module, list[i].name, list[i].value) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A dict from names to numbers, made of one list. */
static int add_names(PyObject *module, const char *attribute, const char *(*name)(unsigned), unsigned n)
{
    PyObject *dict = PyDict_New();

    for (unsigned i = 0; dict && i < n; i++) {
        PyObject *number = PyLong_FromUnsignedLong(i);

        if (!number || PyDict_SetItemString(dict, name(i), number) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(number);
    }
    int rc = dict ? PyModule_AddObjectRef(module, attribute, dict) : -1;

    Py_XDECREF(dict);
    return rc;
}

static const char *kind_name(unsigned i)
{
    return oxy_kind_name((oxy_kind)i);
}

static const char *fn_name(unsigned i)
{
    return oxy_fn_name((oxy_fn)i);
}

static const char *agg_name(unsigned i)
{
    return oxy_agg_name((oxy_aggfn)i);
}

static const char *part_name(unsigned i)
{
    return oxy_part_name((oxy_part)i);
}

static PyObject *lookups_of(uint8_t category)
{
    PyObject *list = PyList_New(0);

    for (unsigned op = 0; list && op < OXYPY_L_COUNT; op++) {
        if (!oxypy_lookup_allowed(category, op)) {
            continue;
        }
        PyObject *name = PyUnicode_FromString(oxypy_lookup_name(op));

        if (!name || PyList_Append(list, name) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(name);
    }
    PyObject *tuple = list ? PyList_AsTuple(list) : NULL;

    Py_XDECREF(list);
    return tuple;
}

static int add_lookups(PyObject *module)
{
    PyObject *dict = PyDict_New();

    for (uint8_t category = 0; dict && category < OXYPY_CAT_COUNT; category++) {
        PyObject *number = PyLong_FromLong(category), *names = lookups_of(category);

        if (!number || !names || PyDict_SetItem(dict, number, names) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(number);
        Py_XDECREF(names);
    }
    int rc = dict ? PyModule_AddObjectRef(module, "LOOKUPS", dict) : -1;

    Py_XDECREF(dict);
    return rc;
}

int oxypy_constants_init(PyObject *module)
{
    if (add_all(module, kinds, OXY_COUNT(kinds)) < 0 || add_all(module, functions, OXY_COUNT(functions)) < 0 ||
        add_all(module, aggregates, OXY_COUNT(aggregates)) < 0 || add_all(module, parts, OXY_COUNT(parts)) < 0 ||
        add_all(module, nodes, OXY_COUNT(nodes)) < 0 || add_all(module, sinks, OXY_COUNT(sinks)) < 0 ||
        add_all(module, others, OXY_COUNT(others)) < 0 ||
        PyModule_AddIntConstant(module, "SQLITE_VERSION", (long)oxy_sqlite_version()) < 0) {
        return -1;
    }
    if (add_names(module, "KIND_NAMES", kind_name, OXY_K_COUNT) < 0 ||
        add_names(module, "FN_NAMES", fn_name, OXY_FN_COUNT) < 0 ||
        add_names(module, "AGG_NAMES", agg_name, OXY_AGG_COUNT_) < 0 ||
        add_names(module, "PART_NAMES", part_name, OXY_PART_COUNT) < 0) {
        return -1;
    }
    return add_lookups(module);
}
