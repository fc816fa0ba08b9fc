/* SPDX-License-Identifier: MIT */
/* Lookups: which a field has, and what the keyword of a filter means. A
 * keyword is resolved once per model and remembered in plan->lookups. */
#include "relation.h"

#include <string.h>

static const char *const names[] = {
#define X(name, text) text,
    OXYPY_LOOKUP_LIST(X)
#undef X
};

const char *oxypy_lookup_name(unsigned op)
{
    return names[op];
}

#define L(name) (UINT64_C(1) << OXYPY_L_##name)
#define BASE (L(EXACT) | L(NE) | L(IN) | L(ISNULL))
#define COMPARE (L(GT) | L(GTE) | L(LT) | L(LTE) | L(BETWEEN) | L(RANGE))
#define TEXT                                                                                                           \
    (L(CONTAINS) | L(ICONTAINS) | L(STARTSWITH) | L(ISTARTSWITH) | L(ENDSWITH) | L(IENDSWITH) | L(IEXACT) | L(REGEX) | \
     L(IREGEX))
#define DATE_PARTS                                                                                                     \
    (L(YEAR) | L(MONTH) | L(DAY) | L(DATE) | L(QUARTER) | L(WEEK) | L(WEEK_DAY) | L(ISO_WEEK_DAY) | L(ISO_YEAR))
#define TIME_PARTS (L(HOUR) | L(MINUTE) | L(SECOND))
/* Parts that a comparison may follow. */
#define EXTRACTED (DATE_PARTS & ~(L(MONTH) | L(DAY))) | TIME_PARTS | L(TIME)
/* What may follow a path inside JSON. */
#define AFTER_PATH (BASE | COMPARE | TEXT)

static const uint64_t allowed[] = {
    [OXYPY_CAT_STRING] = BASE | COMPARE | TEXT,
    [OXYPY_CAT_NUMERIC] = BASE | COMPARE,
    [OXYPY_CAT_DATETIME] = BASE | COMPARE | DATE_PARTS | TIME_PARTS | L(TIME),
    [OXYPY_CAT_DATE] = BASE | COMPARE | DATE_PARTS,
    [OXYPY_CAT_TIME] = BASE | COMPARE | TIME_PARTS,
    [OXYPY_CAT_ORDERED] = BASE | COMPARE,
    [OXYPY_CAT_ARRAY] = BASE | L(CONTAINS) | L(CONTAINED_BY) | L(OVERLAP) | L(LEN),
    [OXYPY_CAT_JSON] = BASE | L(CONTAINS) | L(CONTAINED_BY) | L(HAS_KEY) | L(HAS_KEYS) | L(HAS_ANY_KEYS),
    [OXYPY_CAT_PLAIN] = BASE,
};
_Static_assert(OXY_COUNT(allowed) == OXYPY_CAT_COUNT, "one row per category");
_Static_assert(OXYPY_L_COUNT <= 64, "lookups fit a set of 64 bits");

static bool in_set(uint64_t set, unsigned op)
{
    return (set >> op) & 1;
}

bool oxypy_lookup_allowed(uint8_t category, unsigned op)
{
    return in_set(allowed[category], op);
}

uint8_t oxypy_category_of(const oxy_type *type)
{
    switch (type->kind) {
    case OXY_K_INT:
    case OXY_K_DOUBLE:
    case OXY_K_DECIMAL: return OXYPY_CAT_NUMERIC;
    case OXY_K_STRING:
    case OXY_K_TEXT: return OXYPY_CAT_STRING;
    case OXY_K_DATETIME:
    case OXY_K_DATETIME_UTC: return OXYPY_CAT_DATETIME;
    case OXY_K_DATE: return OXYPY_CAT_DATE;
    case OXY_K_TIME: return OXYPY_CAT_TIME;
    case OXY_K_ARRAY: return OXYPY_CAT_ARRAY;
    case OXY_K_JSON:
    case OXY_K_JSONB: return OXYPY_CAT_JSON;
    case OXY_K_BOOL:
    case OXY_K_ENUM: return OXYPY_CAT_PLAIN;
    case OXY_K_UNKNOWN: return OXYPY_CAT_STRING; /* raw SQL: its author knows */
    default: return OXYPY_CAT_ORDERED;
    }
}

/* --- keywords ------------------------------------------------------------------------ */

int oxypy_lookup_named(PyObject *segment)
{
    for (unsigned i = 0; i < OXYPY_L_COUNT; i++) {
        if (PyUnicode_CompareWithASCIIString(segment, names[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int part_of_lookup(unsigned op)
{
    switch (op) {
#define X(name, text)                                                                                                  \
    case OXYPY_L_##name: return OXY_PART_##name;
        OXY_PART_LIST(X)
#undef X
    default: return -1;
    }
}

static PyObject *allowed_text(uint64_t set)
{
    PyObject *list = PyList_New(0);

    for (unsigned i = 0; list && i < OXYPY_L_COUNT; i++) {
        PyObject *word = in_set(set, i) ? PyUnicode_FromString(names[i]) : NULL;

        if (in_set(set, i) && (!word || PyList_Append(list, word) < 0)) {
            Py_CLEAR(list);
        }
        Py_XDECREF(word);
    }
    PyObject *comma = list ? PyUnicode_FromString(", ") : NULL;
    PyObject *text = comma ? PyUnicode_Join(comma, list) : NULL;

    Py_XDECREF(comma);
    Py_XDECREF(list);
    return text;
}

static int refuse(oxypy_state *st, const oxypy_plan *plan, PyObject *base, PyObject *segment, uint64_t set)
{
    PyObject *text = allowed_text(set);

    if (!text) {
        return -1;
    }
    if (oxypy_lookup_named(segment) < 0) {
        PyErr_Format(st->exceptions[OXY_LOOKUP], "%s.%U has no lookup '%U'; it has: %U", plan->model->tp_name, base,
                     segment, text);
    } else {
        PyErr_Format(st->exceptions[OXY_LOOKUP], "lookup '%U' is not allowed for %s.%U; it has: %U", segment,
                     plan->model->tp_name, base, text);
    }
    Py_DECREF(text);
    return -1;
}

/* A lookup that ends the path, because it stands for a comparison of its own. */
static int refuse_after(oxypy_state *st, const oxypy_plan *plan, PyObject *base, PyObject *lookup, int of)
{
    if (of == OXYPY_L_MONTH || of == OXYPY_L_DAY) {
        PyErr_Format(st->exceptions[OXY_LOOKUP],
                     "%s.%U: nothing follows '%U', which takes a %s; for any year compare %s.%U.extract(\"%U\")",
                     plan->model->tp_name, base, lookup,
                     of == OXYPY_L_MONTH ? "tuple (year, month)" : "tuple (year, month, day)", plan->model->tp_name,
                     base, lookup);
    } else {
        PyErr_Format(st->exceptions[OXY_LOOKUP], "%s.%U: nothing follows the lookup '%U'", plan->model->tp_name, base,
                     lookup);
    }
    return -1;
}

static bool is_number(PyObject *segment)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(segment);

    for (Py_ssize_t i = 0; i < n; i++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(segment, i);

        if (c < '0' || c > '9') {
            return false;
        }
    }
    return n > 0;
}

/* extra__size__width__gte: keys, then perhaps a lookup. */
static int resolve_json(PyObject *rest, oxypy_lookup *out)
{
    Py_ssize_t n = PyTuple_GET_SIZE(rest);
    int last = oxypy_lookup_named(PyTuple_GET_ITEM(rest, n - 1));

    if (n == 1 && last >= 0 && oxypy_lookup_allowed(OXYPY_CAT_JSON, (unsigned)last)) {
        out->op = (uint8_t)last;
        return 0;
    }
    bool looked = n > 1 && last >= 0 && in_set(AFTER_PATH, (unsigned)last);

    out->op = looked ? (uint8_t)last : OXYPY_L_EXACT;
    out->path = PyTuple_GetSlice(rest, 0, looked ? n - 1 : n);
    return out->path ? 0 : -1;
}

/* sent__hour__gte, marks__len__gt, marks__0: something of the value, compared. */
static int resolve_second(oxypy_state *st, const oxypy_plan *plan, PyObject *base, uint8_t category, PyObject *rest,
                          oxypy_lookup *out)
{
    PyObject *first = PyTuple_GET_ITEM(rest, 0), *second = PyTuple_GET_ITEM(rest, 1);
    int of = oxypy_lookup_named(first), op = oxypy_lookup_named(second);
    bool compared = PyTuple_GET_SIZE(rest) == 2 && op >= 0 && in_set(BASE | COMPARE, (unsigned)op);

    if (of >= 0 && oxypy_lookup_allowed(category, (unsigned)of) && in_set(EXTRACTED, (unsigned)of) && compared) {
        out->part = (int8_t)part_of_lookup((unsigned)of);
        out->op = (uint8_t)op;
        return 0;
    }
    if (of == OXYPY_L_LEN && category == OXYPY_CAT_ARRAY && compared) {
        out->length = true;
        out->op = (uint8_t)op;
        return 0;
    }
    if (of >= 0 && oxypy_lookup_allowed(category, (unsigned)of)) {
        return in_set(EXTRACTED, (unsigned)of) ? refuse(st, plan, base, second, BASE | COMPARE)
                                               : refuse_after(st, plan, base, first, of);
    }
    if (of >= 0) {
        return refuse(st, plan, base, first, allowed[category]);
    }
    PyErr_Format(st->exceptions[OXY_LOOKUP], "%s.%U is neither a relation nor a JSON field; '%U' cannot follow it",
                 plan->model->tp_name, base, first);
    return -1;
}

/* What follows a field or an alias of the category. */
static int resolve_rest(oxypy_state *st, const oxypy_plan *plan, PyObject *base, uint8_t category, PyObject *rest,
                        oxypy_lookup *out)
{
    out->part = -1;
    out->category = category;
    out->op = OXYPY_L_EXACT;
    if (!rest || PyTuple_GET_SIZE(rest) == 0) {
        return 0;
    }
    if (category == OXYPY_CAT_JSON) {
        return resolve_json(rest, out);
    }
    PyObject *first = PyTuple_GET_ITEM(rest, 0);

    if (category == OXYPY_CAT_ARRAY && is_number(first)) {
        Py_ssize_t n = PyTuple_GET_SIZE(rest);
        int op = n == 2 ? oxypy_lookup_named(PyTuple_GET_ITEM(rest, 1)) : OXYPY_L_EXACT;

        if (n > 2 || op < 0 || !in_set(BASE | COMPARE, (unsigned)op)) {
            return refuse(st, plan, base, PyTuple_GET_ITEM(rest, 1), BASE | COMPARE);
        }
        out->op = (uint8_t)op;
        out->path = PyTuple_GetSlice(rest, 0, 1);
        return out->path ? 0 : -1;
    }
    if (PyTuple_GET_SIZE(rest) > 1) {
        return resolve_second(st, plan, base, category, rest, out);
    }
    int op = oxypy_lookup_named(first);

    if (op < 0 || !oxypy_lookup_allowed(category, (unsigned)op)) {
        return refuse(st, plan, base, first, allowed[category]);
    }
    switch (op) {
    case OXYPY_L_YEAR:
    case OXYPY_L_MONTH:
    case OXYPY_L_DAY:
    case OXYPY_L_DATE: out->op = (uint8_t)op; break; /* ranges that an index can serve */
    case OXYPY_L_LEN: out->length = true; break;
    case OXYPY_L_RANGE: out->op = OXYPY_L_BETWEEN; break;
    default: out->part = (int8_t)part_of_lookup((unsigned)op); out->op = out->part >= 0 ? OXYPY_L_EXACT : (uint8_t)op;
    }
    return 0;
}

void oxypy_lookup_fini(oxypy_lookup *lk)
{
    Py_CLEAR(lk->path);
    Py_CLEAR(lk->keyword);
    Py_CLEAR(lk->many);
    PyMem_Free(lk->key);
    PyMem_Free(lk->way);
    lk->key = NULL;
    lk->way = NULL;
}

int oxypy_lookup_after_alias(oxypy_state *st, oxypy_plan *plan, PyObject *keyword, PyObject *alias, PyObject *rest,
                             const oxy_type *type, oxypy_lookup *out)
{
    memset(out, 0, sizeof *out);
    if (resolve_rest(st, plan, alias, oxypy_category_of(type), rest, out) < 0) {
        return -1;
    }
    if (out->op == OXYPY_L_RANGE) {
        out->op = OXYPY_L_BETWEEN;
    }
    out->keyword = Py_NewRef(keyword);
    return 0;
}

/* --- the cache of a plan ------------------------------------------------------------------ */

/* More keywords than any program spells out; beyond, they are resolved each
 * time rather than kept (keys of JSON paths may come from outside). */
#define MAX_CACHED 4096

static void capsule_free(PyObject *capsule)
{
    oxypy_lookup *lk = PyCapsule_GetPointer(capsule, NULL);

    if (lk) {
        oxypy_lookup_fini(lk);
        PyMem_Free(lk);
    }
}

/* Category of what a keyword's name means: several fields and the other side
 * of a relation are only equal or not. */
static uint8_t category_of(const oxypy_name *name)
{
    if (oxypy_name_composite(name)) {
        return OXYPY_CAT_PLAIN;
    }
    if (name->relation) {
        return name->relation->kind == OXYPY_REL_FORWARD ? OXYPY_CAT_NUMERIC : OXYPY_CAT_PLAIN;
    }
    return name->field->category;
}

static int take_name(oxypy_state *st, oxypy_lookup *lk, const oxypy_name *name)
{
    if (resolve_rest(st, name->owner, name->base, category_of(name), name->rest, lk) < 0) {
        return -1;
    }
    lk->field = name->field;
    lk->relation = name->relation;
    lk->many = Py_XNewRef(name->many);
    lk->op = lk->op == OXYPY_L_RANGE ? OXYPY_L_BETWEEN : lk->op;
    if (!name->field && !(lk->key = PyMem_Malloc(sizeof *lk->key))) {
        PyErr_NoMemory();
        return -1;
    }
    if (name->way.n && !(lk->way = PyMem_Malloc(sizeof *lk->way))) {
        PyErr_NoMemory();
        return -1;
    }
    if (lk->key) {
        *lk->key = name->key;
    }
    if (lk->way) {
        *lk->way = name->way;
    }
    return 0;
}

static PyObject *lookup_make(oxypy_state *st, oxypy_plan *plan, PyObject *keyword)
{
    oxypy_name name;

    if (oxypy_name_of_keyword(st, plan, keyword, &name) < 0) {
        return NULL;
    }
    oxypy_lookup *lk = PyMem_Calloc(1, sizeof *lk);
    PyObject *capsule = NULL;

    if (!lk) {
        PyErr_NoMemory();
    } else if (take_name(st, lk, &name) == 0) {
        lk->keyword = Py_NewRef(keyword);
        lk->uid = plan->table.uid;
        capsule = PyCapsule_New(lk, NULL, capsule_free);
    }
    if (!capsule && lk) {
        oxypy_lookup_fini(lk);
        PyMem_Free(lk);
    }
    oxypy_name_fini(&name);
    return capsule;
}

PyObject *oxypy_lookup_capsule(oxypy_state *st, oxypy_plan *plan, PyObject *keyword)
{
    if (!plan->lookups && !(plan->lookups = PyDict_New())) {
        return NULL;
    }
    PyObject *capsule = PyDict_GetItemWithError(plan->lookups, keyword);

    if (capsule && capsule != Py_None) {
        return Py_NewRef(capsule);
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    capsule = lookup_make(st, plan, keyword);
    if (capsule && PyDict_GET_SIZE(plan->lookups) < MAX_CACHED && PyDict_SetItem(plan->lookups, keyword, capsule) < 0) {
        Py_CLEAR(capsule);
    }
    return capsule;
}
