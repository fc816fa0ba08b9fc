/* SPDX-License-Identifier: MIT */
/* Lookups in the tree: what each keyword of a filter becomes. */
#include "relation.h"
#include "tree.h"

#include <string.h>

static const uint8_t compare_ops[OXYPY_L_COUNT] = {
    [OXYPY_L_EXACT] = OXY_OP_EQ, [OXYPY_L_NE] = OXY_OP_NE, [OXYPY_L_GT] = OXY_OP_GT,
    [OXYPY_L_GTE] = OXY_OP_GE,   [OXYPY_L_LT] = OXY_OP_LT, [OXYPY_L_LTE] = OXY_OP_LE,
};

static const struct match {
    uint8_t op; /* oxy_match_op */
    bool fold;
} match_ops[OXYPY_L_COUNT] = {
    [OXYPY_L_CONTAINS] = {OXY_MATCH_CONTAINS, false},     [OXYPY_L_ICONTAINS] = {OXY_MATCH_CONTAINS, true},
    [OXYPY_L_STARTSWITH] = {OXY_MATCH_STARTSWITH, false}, [OXYPY_L_ISTARTSWITH] = {OXY_MATCH_STARTSWITH, true},
    [OXYPY_L_ENDSWITH] = {OXY_MATCH_ENDSWITH, false},     [OXYPY_L_IENDSWITH] = {OXY_MATCH_ENDSWITH, true},
    [OXYPY_L_IEXACT] = {OXY_MATCH_EXACT, true},           [OXYPY_L_REGEX] = {OXY_MATCH_REGEX, false},
    [OXYPY_L_IREGEX] = {OXY_MATCH_REGEX, true},
};

static const oxy_expr *is_null(oxypy_build *cx, const oxy_expr *target, bool null)
{
    return oxy_unary(cx->b, null ? OXY_UN_IS_NULL : OXY_UN_IS_NOT_NULL, target);
}

/* --- comparisons ------------------------------------------------------------------------- */

/* Of a query that stands for values: one that says nothing of columns selects
 * what the relation refers by. */
static oxypy_scope *inner_scope(oxypy_build *cx, const oxypy_want *want)
{
    oxypy_scope *scope = oxy_arena_zero(cx->text, 1, sizeof *scope);

    if (scope && want) {
        scope->relation = want->relation;
    }
    return scope;
}

const oxy_expr *oxypy_build_operand(oxypy_build *cx, PyObject *value, const oxypy_want *want)
{
    if (oxypy_is_query(cx->st, value)) {
        oxypy_scope *scope = inner_scope(cx, want);
        const oxy_select *select =
            scope ? oxypy_build_select(cx, (oxypy_query *)value, OXYPY_USE_VALUE, -1, scope, NULL) : NULL;

        return select ? oxy_scalar(cx->b, select) : NULL;
    }
    return oxypy_is_expr(cx->st, value) ? oxypy_build_expr(cx, value, want) : oxypy_build_param(cx, value, want);
}

static bool any_expr(oxypy_build *cx, PyObject *values)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(values); i++) {
        if (oxypy_is_expr(cx->st, PyTuple_GET_ITEM(values, i)) || oxypy_is_query(cx->st, PyTuple_GET_ITEM(values, i))) {
            return true;
        }
    }
    return false;
}

/* Each value a parameter or expression of its own. */
static const oxy_expr *in_singly(oxypy_build *cx, const oxy_expr *target, const oxypy_want *want, PyObject *values,
                                 bool negated)
{
    const oxy_expr **items = NULL;
    uint32_t n = 0;

    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(values); i++) {
        PyObject *value = PyTuple_GET_ITEM(values, i);

        if (value == Py_None) {
            continue;
        }
        const oxy_expr *item = oxypy_build_operand(cx, value, want);

        if (!item || !(items = oxy_builder_append(cx->b, items, &n, sizeof(const oxy_expr *), &item))) {
            return NULL;
        }
    }
    return oxy_in_list(cx->b, target, negated, items, n);
}

const oxy_expr *oxypy_build_in(oxypy_build *cx, const oxy_expr *target, const oxypy_want *want, PyObject *value,
                               bool negated)
{
    if (oxypy_is_query(cx->st, value)) {
        oxypy_scope *scope = inner_scope(cx, want);
        const oxy_select *select =
            scope ? oxypy_build_select(cx, (oxypy_query *)value, OXYPY_USE_KEYS, -1, scope, NULL) : NULL;

        uint32_t n = target->kind == OXY_E_TUPLE ? target->list.n : 1;

        if (select && select->n_items != n) {
            PyErr_Format(cx->st->exceptions[OXY_FIELD], "in compares with %u column%s, the query selects %u", n,
                         n == 1 ? "" : "s", select->n_items);
            return NULL;
        }
        return select ? oxy_in_select(cx->b, target, negated, select) : NULL;
    }
    if (oxypy_is_expr(cx->st, value)) {
        oxypy_expr *e = (oxypy_expr *)value;

        if (e->kind == OXYPY_X_SUBQUERY) {
            return oxypy_build_in(cx, target, want, e->data, negated);
        }
        PyErr_SetString(cx->st->exceptions[OXY_LOOKUP_VALUE], "in takes an iterable of values or a query");
        return NULL;
    }
    PyObject *values = PySequence_Tuple(value);

    if (!values) {
        return NULL;
    }
    const oxy_expr *node = NULL;
    uint32_t n = (uint32_t)PyTuple_GET_SIZE(values), first = cx->b->n_params;

    if (!want || !want->type || want->type->kind == OXY_K_UNKNOWN || any_expr(cx, values)) {
        node = in_singly(cx, target, want, values, negated);
        goto done;
    }
    oxy_value *list = oxy_arena_new(cx->text, (n ? n : 1) * sizeof *list);

    if (!list) {
        PyErr_NoMemory();
        goto done;
    }
    for (uint32_t i = 0; i < n; i++) {
        oxy_type type;

        if (oxypy_store_wanted(cx, PyTuple_GET_ITEM(values, i), want, &type, &list[i]) < 0) {
            goto done;
        }
    }
    node = oxy_in_values(cx->b, target, negated, list, n);
    if (node && oxypy_note_origin(cx, first, want) < 0) {
        node = NULL;
    }
done:
    Py_DECREF(values);
    return node;
}

static const oxy_expr *between(oxypy_build *cx, const oxy_expr *target, const oxypy_want *want, PyObject *bounds)
{
    const oxy_expr *low = oxypy_build_operand(cx, PyTuple_GET_ITEM(bounds, 0), want);
    const oxy_expr *high = low ? oxypy_build_operand(cx, PyTuple_GET_ITEM(bounds, 1), want) : NULL;

    return high ? oxy_between(cx->b, target, low, high) : NULL;
}

static const oxy_expr *text_match(oxypy_build *cx, unsigned op, const oxy_expr *target, PyObject *value)
{
    static const oxy_type text = {.kind = OXY_K_TEXT};
    const oxypy_want want = {.type = &text};
    const oxy_expr *pattern = oxypy_build_operand(cx, value, &want);

    return pattern ? oxy_match(cx->b, match_ops[op].op, match_ops[op].fold, target, pattern) : NULL;
}

static const oxy_expr *compare(oxypy_build *cx, unsigned op, const oxy_expr *target, const oxypy_want *want,
                               PyObject *value)
{
    const oxy_expr *right;

    switch (op) {
    case OXYPY_L_ISNULL: return is_null(cx, target, value == Py_True);
    case OXYPY_L_IN: return oxypy_build_in(cx, target, want, value, false);
    case OXYPY_L_BETWEEN: return between(cx, target, want, value);
    case OXYPY_L_EXACT:
    case OXYPY_L_NE:
    case OXYPY_L_GT:
    case OXYPY_L_GTE:
    case OXYPY_L_LT:
    case OXYPY_L_LTE:
        if (value == Py_None) {
            return is_null(cx, target, op == OXYPY_L_EXACT);
        }
        right = oxypy_build_operand(cx, value, want);
        return right ? oxy_binary(cx->b, compare_ops[op], target, right) : NULL;
    default: return value == Py_None ? is_null(cx, target, true) : text_match(cx, op, target, value);
    }
}

/* --- several columns compared as one ------------------------------------------------------------ */

static const oxy_expr *key_value(oxypy_build *cx, const oxypy_field *field, PyObject *value)
{
    const oxypy_want want = {
        .type = &field->plan->table.columns[field->column].type, .field = field, .plan = field->plan};

    return oxypy_build_operand(cx, value, &want);
}

/* (a = 1 AND b = 2), or (a <> 1 OR b <> 2). */
static const oxy_expr *key_equal(oxypy_build *cx, const oxypy_lookup *lk, PyObject *key, bool negated)
{
    const oxy_expr *parts[OXYPY_KEY_MAX];

    for (uint32_t i = 0; i < lk->key->n; i++) {
        const oxypy_field *field = lk->key->fields[i];
        const oxy_expr *column = oxypy_way_column(cx, cx->scope, lk->way, field);
        const oxy_expr *value = column ? key_value(cx, field, PyTuple_GET_ITEM(key, i)) : NULL;

        parts[i] = value ? oxy_binary(cx->b, negated ? OXY_OP_NE : OXY_OP_EQ, column, value) : NULL;
        if (!parts[i]) {
            return NULL;
        }
    }
    return oxy_logic(cx->b, negated, parts, lk->key->n);
}

static const oxy_expr *key_in(oxypy_build *cx, const oxypy_lookup *lk, PyObject *value, bool negated)
{
    const oxy_expr *key = oxypy_way_key(cx, cx->scope, lk->way, lk->key), **items = NULL;
    uint32_t n = 0;

    if (!key || !PyTuple_Check(value)) {
        const oxypy_want want = {.relation = lk->relation};

        return key ? oxypy_build_in(cx, key, &want, value, negated) : NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); i++) {
        const oxy_expr *parts[OXYPY_KEY_MAX];

        for (uint32_t k = 0; k < lk->key->n; k++) {
            parts[k] = key_value(cx, lk->key->fields[k], PyTuple_GET_ITEM(PyTuple_GET_ITEM(value, i), k));
            if (!parts[k]) {
                return NULL;
            }
        }
        const oxy_expr *item = oxy_tuple(cx->b, parts, lk->key->n);

        if (!item || !(items = oxy_builder_append(cx->b, items, &n, sizeof(const oxy_expr *), &item))) {
            return NULL;
        }
    }
    return oxy_in_list(cx->b, key, negated, items, n);
}

static const oxy_expr *key_null(oxypy_build *cx, const oxypy_lookup *lk, bool null)
{
    const oxy_expr *parts[OXYPY_KEY_MAX];

    for (uint32_t i = 0; i < lk->key->n; i++) {
        const oxy_expr *column = oxypy_way_column(cx, cx->scope, lk->way, lk->key->fields[i]);

        parts[i] = column ? is_null(cx, column, null) : NULL;
        if (!parts[i]) {
            return NULL;
        }
    }
    return oxy_logic(cx->b, null, parts, lk->key->n);
}

static const oxy_expr *composite(oxypy_build *cx, const oxypy_lookup *lk, PyObject *value)
{
    switch (lk->op) {
    case OXYPY_L_IN: return key_in(cx, lk, value, false);
    case OXYPY_L_ISNULL: return key_null(cx, lk, value == Py_True);
    default:
        if (value == Py_None) {
            return key_null(cx, lk, lk->op == OXYPY_L_EXACT);
        }
        if (!PyTuple_Check(value)) {
            PyErr_Format(cx->st->exceptions[OXY_LOOKUP_VALUE], "lookup '%U': a key of %u fields compares with a tuple",
                         lk->keyword, lk->key->n);
            return NULL;
        }
        return key_equal(cx, lk, value, lk->op == OXYPY_L_NE);
    }
}

/* --- date ranges ------------------------------------------------------------------------------- */

static int64_t days_of(int year, int month, int day)
{
    oxy_civil c = {.year = year, .month = (uint8_t)month, .day = (uint8_t)day};

    return oxy_micros_from_civil(&c) / INT64_C(86400000000);
}

static int part_of(PyObject *parts, Py_ssize_t i)
{
    return i < PyTuple_GET_SIZE(parts) ? (int)PyLong_AsLong(PyTuple_GET_ITEM(parts, i)) : 1;
}

/* First day of the range and the day after its last; *end past the calendar
 * means: no upper bound. */
static void range_days(unsigned op, PyObject *value, int64_t *start, int64_t *end)
{
    if (op == OXYPY_L_DATE) {
        *start = days_of(PyDateTime_GET_YEAR(value), PyDateTime_GET_MONTH(value), PyDateTime_GET_DAY(value));
        *end = *start + 1;
        return;
    }
    int year = part_of(value, 0), month = part_of(value, 1);

    *start = days_of(year, month, part_of(value, 2));
    switch (op) {
    case OXYPY_L_YEAR: *end = days_of(year + 1, 1, 1); break;
    case OXYPY_L_MONTH: *end = month == 12 ? days_of(year + 1, 1, 1) : days_of(year, month + 1, 1); break;
    default: *end = *start + 1;
    }
}

/* Midnight of a day, in the form the column has. */
static const oxy_expr *midnight(oxypy_build *cx, int64_t day, const oxy_type *type)
{
    oxy_value v = {0};
    char text[OXY_TEXT_MAX];

    switch (type->kind) {
    case OXY_K_DATE:
        v.tag = OXY_V_DATE;
        v.i = day;
        break;
    case OXY_K_DATETIME:
    case OXY_K_DATETIME_UTC:
        v.tag = type->kind == OXY_K_DATETIME ? OXY_V_DATETIME : OXY_V_DATETIME_UTC;
        v.i = day * INT64_C(86400000000);
        break;
    default:
        v.tag = OXY_V_TEXT;
        v.s.len = oxy_date_format(text, day); /* a prefix: sorts before all times of the day */
        v.s.p = oxy_arena_copy(cx->text, text, v.s.len);
        if (!v.s.p) {
            PyErr_NoMemory();
            return NULL;
        }
    }
    return oxy_param(cx->b, &v, type);
}

static const oxy_expr *date_range(oxypy_build *cx, unsigned op, const oxy_expr *target, PyObject *value)
{
    int64_t start, end, last = days_of(9999, 12, 31);
    oxy_type type = target->type;

    range_days(op, value, &start, &end);
    const oxy_expr *low = midnight(cx, start, &type);
    const oxy_expr *from = low ? oxy_binary(cx->b, OXY_OP_GE, target, low) : NULL;

    if (!from || end > last) {
        return from;
    }
    const oxy_expr *high = midnight(cx, end, &type);
    const oxy_expr *both[2] = {from, high ? oxy_binary(cx->b, OXY_OP_LT, target, high) : NULL};

    return both[1] ? oxy_logic(cx->b, false, both, 2) : NULL;
}

/* --- containers ------------------------------------------------------------------------------------ */

static const oxy_type json_type = {.kind = OXY_K_JSONB};
static const oxy_type text_type = {.kind = OXY_K_TEXT};

static const oxy_expr *json_keys(oxypy_build *cx, unsigned op, const oxy_expr *target, PyObject *value)
{
    const oxypy_want want = {.type = &text_type};
    const oxy_expr **keys = NULL;
    uint32_t n = 0;
    Py_ssize_t count = PyTuple_Check(value) ? PyTuple_GET_SIZE(value) : 1;

    for (Py_ssize_t i = 0; i < count; i++) {
        const oxy_expr *key = oxypy_build_operand(cx, PyTuple_Check(value) ? PyTuple_GET_ITEM(value, i) : value, &want);

        if (!key || !(keys = oxy_builder_append(cx->b, keys, &n, sizeof(const oxy_expr *), &key))) {
            return NULL;
        }
    }
    return oxy_container(cx->b,
                         op == OXYPY_L_HAS_KEY    ? OXY_CO_HAS_KEY
                         : op == OXYPY_L_HAS_KEYS ? OXY_CO_HAS_KEYS
                                                  : OXY_CO_HAS_ANY_KEYS,
                         target, NULL, keys, n);
}

/* --- paths inside JSON ---------------------------------------------------------------------------------- */

static oxy_json_as form_of(PyObject *value)
{
    return PyBool_Check(value)                           ? OXY_JSON_BOOL
           : PyLong_Check(value) || PyFloat_Check(value) ? OXY_JSON_NUMBER
           : PyUnicode_Check(value)                      ? OXY_JSON_TEXT
                                                         : OXY_JSON_STRUCTURE;
}

/* The form in which all values compare: their own if they agree. */
static oxy_json_as common_form(PyObject *values)
{
    oxy_json_as form = PyTuple_GET_SIZE(values) ? form_of(PyTuple_GET_ITEM(values, 0)) : OXY_JSON_STRUCTURE;

    for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(values); i++) {
        if (form_of(PyTuple_GET_ITEM(values, i)) != form) {
            return OXY_JSON_STRUCTURE;
        }
    }
    return form;
}

PyObject *oxypy_json_form(oxypy_build *cx, PyObject *value)
{
    if (value == Py_None || PyBool_Check(value) || PyLong_Check(value) || PyFloat_Check(value) ||
        PyUnicode_Check(value) || PyDict_Check(value) || PyList_Check(value) || oxypy_is_expr(cx->st, value) ||
        oxypy_is_query(cx->st, value)) {
        return Py_NewRef(value);
    }
    if (PyTuple_Check(value)) {
        PyObject *out = PyTuple_New(PyTuple_GET_SIZE(value));

        for (Py_ssize_t i = 0; out && i < PyTuple_GET_SIZE(value); i++) {
            PyObject *own = oxypy_json_form(cx, PyTuple_GET_ITEM(value, i));

            if (!own) {
                Py_CLEAR(out);
                break;
            }
            PyTuple_SET_ITEM(out, i, own);
        }
        return out;
    }
    PyObject *text = oxypy_json_text(cx->st, value);
    PyObject *own = text ? PyObject_CallOneArg(cx->st->json_loads, text) : NULL;

    Py_XDECREF(text);
    return own;
}

static const oxy_type *form_type(oxy_json_as as)
{
    static const oxy_type types[] = {
        [OXY_JSON_VALUE] = {.kind = OXY_K_JSONB},     [OXY_JSON_TEXT] = {.kind = OXY_K_TEXT},
        [OXY_JSON_NUMBER] = {.kind = OXY_K_DOUBLE},   [OXY_JSON_BOOL] = {.kind = OXY_K_BOOL},
        [OXY_JSON_STRUCTURE] = {.kind = OXY_K_JSONB},
    };

    return &types[as];
}

static const oxy_expr *json_compare(oxypy_build *cx, const oxypy_lookup *lk, const oxy_expr *target, PyObject *value)
{
    bool listed = lk->op == OXYPY_L_IN || lk->op == OXYPY_L_BETWEEN;
    bool deferred = oxypy_is_expr(cx->st, value) || oxypy_is_query(cx->st, value);
    oxy_json_as as = deferred ? OXY_JSON_TEXT : listed ? common_form(value) : form_of(value);
    const oxypy_want want = {.type = form_type(as)};
    /* Numbers are bound by their own type: a path has no other. */
    const oxypy_want *wanted = as == OXY_JSON_NUMBER || deferred ? NULL : &want;

    if (lk->op == OXYPY_L_ISNULL) {
        as = OXY_JSON_VALUE;
    } else if (lk->op == OXYPY_L_CONTAINS) {
        as = PyUnicode_Check(value) || deferred ? OXY_JSON_TEXT : OXY_JSON_STRUCTURE;
    } else if (match_ops[lk->op].fold || match_ops[lk->op].op) {
        as = OXY_JSON_TEXT;
    }
    const oxy_expr *at = oxypy_build_steps(cx, target, lk->path, as);

    if (!at) {
        return NULL;
    }
    if (lk->op == OXYPY_L_CONTAINS && as == OXY_JSON_STRUCTURE) {
        return oxypy_build_containment(cx, lk, at, NULL, value);
    }
    if (value == Py_None && (lk->op == OXYPY_L_EXACT || lk->op == OXYPY_L_NE)) {
        oxy_value null = {.tag = OXY_V_JSON, .s = OXY_SV("null")};
        const oxy_expr *right = oxy_param(cx->b, &null, &json_type);

        return right ? oxy_binary(cx->b, compare_ops[lk->op], at, right) : NULL;
    }
    if (lk->op == OXYPY_L_IN && PyTuple_Check(value)) {
        return in_singly(cx, at, wanted, value, false);
    }
    return compare(cx, lk->op, at, wanted, value);
}

static const oxy_expr *json_path(oxypy_build *cx, const oxypy_lookup *lk, const oxy_expr *target, PyObject *value)
{
    PyObject *own = oxypy_json_form(cx, value);
    const oxy_expr *node = own ? json_compare(cx, lk, target, own) : NULL;

    Py_XDECREF(own);
    return node;
}

/* --- one entry ---------------------------------------------------------------------------------------------- */

static bool is_range(unsigned op)
{
    return op == OXYPY_L_YEAR || op == OXYPY_L_MONTH || op == OXYPY_L_DAY || op == OXYPY_L_DATE;
}

const oxy_expr *oxypy_build_lookup_on(oxypy_build *cx, const oxypy_lookup *lk, const oxy_expr *target,
                                      const oxypy_field *field, PyObject *value)
{
    if (lk->key) {
        return composite(cx, lk, value);
    }
    if (lk->path && lk->category == OXYPY_CAT_JSON) {
        return json_path(cx, lk, target, value);
    }
    oxypy_want want = {
        .field = field,
        .plan = field ? field->plan : NULL,
        .type = &target->type,
        .lookup = lk->keyword,
        .relation = lk->relation,
    };

    if (lk->path) {
        target = oxypy_build_steps(cx, target, lk->path, OXY_JSON_VALUE);
        want = (oxypy_want){.type = target ? &target->type : NULL};
    } else if (lk->length) {
        target = oxy_container(cx->b, OXY_CO_ARRAY_LEN, target, NULL, NULL, 0);
        want = (oxypy_want){.type = target ? &target->type : NULL};
    } else if (lk->part >= 0) {
        target = oxy_extract(cx->b, (oxy_part)lk->part, false, target);
        want = (oxypy_want){.type = target ? &target->type : NULL};
    }
    if (!target) {
        return NULL;
    }
    if (is_range(lk->op)) {
        return date_range(cx, lk->op, target, value);
    }
    switch (lk->op) {
    case OXYPY_L_HAS_KEY:
    case OXYPY_L_HAS_KEYS:
    case OXYPY_L_HAS_ANY_KEYS: return json_keys(cx, lk->op, target, value);
    case OXYPY_L_CONTAINED_BY:
    case OXYPY_L_OVERLAP: return oxypy_build_containment(cx, lk, target, &want, value);
    case OXYPY_L_CONTAINS:
        if (lk->category == OXYPY_CAT_JSON || lk->category == OXYPY_CAT_ARRAY) {
            return oxypy_build_containment(cx, lk, target, &want, value);
        }
        break;
    default: break;
    }
    return compare(cx, lk->op, target, &want, value);
}

/* A resolved keyword with its converted value, all of its way at hand. */
static const oxy_expr *build_resolved(oxypy_build *cx, const oxypy_lookup *lk, PyObject *value)
{
    const oxy_expr *target = lk->key ? NULL : oxypy_way_column(cx, cx->scope, lk->way, lk->field);

    return target || lk->key ? oxypy_build_lookup_on(cx, lk, target, lk->field, value) : NULL;
}

static const oxy_expr *build_fresh(oxypy_build *cx, PyObject *keyword, PyObject *value)
{
    PyObject *node = oxypy_condition_lookup(cx->st, cx->scope->plan, NULL, keyword, value);
    const oxy_expr *built = node ? oxypy_build_condition(cx, node) : NULL;

    Py_XDECREF(node);
    return built;
}

/* path IN values, where the path means a key or a relation. */
static const oxy_expr *key_membership(oxypy_build *cx, PyObject *path, PyObject *value, bool negated)
{
    PyObject *keyword = PyUnicode_FromFormat("%U__in", path);
    PyObject *capsule = keyword ? oxypy_lookup_capsule(cx->st, cx->scope->plan, keyword) : NULL;
    const oxypy_lookup *lk = capsule ? PyCapsule_GetPointer(capsule, NULL) : NULL;
    PyObject *values = lk ? oxypy_lookup_value(cx->st, cx->scope->plan, lk, lk->field, value) : NULL;
    const oxy_expr *node = NULL;

    if (values && lk->key) {
        node = key_in(cx, lk, values, negated);
    } else if (values) {
        const oxy_expr *target = oxypy_way_column(cx, cx->scope, lk->way, lk->field);
        const oxypy_want want = {.type = target ? &target->type : NULL,
                                 .field = lk->field,
                                 .plan = lk->field->plan,
                                 .lookup = keyword,
                                 .relation = lk->relation};

        node = target ? oxypy_build_in(cx, target, &want, values, negated) : NULL;
    }
    Py_XDECREF(values);
    Py_XDECREF(capsule);
    Py_XDECREF(keyword);
    return node;
}

const oxy_expr *oxypy_build_key_in(oxypy_build *cx, PyObject *expr, PyObject *value, bool negated, bool *named)
{
    oxypy_expr *e = (oxypy_expr *)expr;
    oxypy_name name;

    *named = false;
    if (!oxypy_is_expr(cx->st, expr) || e->kind != OXYPY_X_NAME || !PyUnicode_CheckExact(e->data) ||
        oxypy_name_resolve(cx->st, cx->scope->plan, cx->scope->q, e->data, &name) < 0) {
        PyErr_Clear(); /* said where the name is built */
        return NULL;
    }
    *named = !name.rest && !name.alias && !cx->scope->inner && (name.relation || oxypy_name_composite(&name));
    oxypy_name_fini(&name);
    return *named ? key_membership(cx, e->data, value, negated) : NULL;
}

static const oxy_expr *build_on_alias(oxypy_build *cx, PyObject *keyword, const oxypy_name *name, PyObject *value)
{
    const oxy_expr *target = oxypy_build_alias(cx, name->base, name->alias);
    const oxypy_field *field = oxypy_alias_shown(cx, name->base, name->alias);
    const oxy_expr *node = NULL;
    oxypy_lookup own;

    if (target &&
        oxypy_lookup_after_alias(cx->st, cx->scope->plan, keyword, name->base, name->rest, &target->type, &own) == 0) {
        PyObject *converted = oxypy_lookup_value(cx->st, cx->scope->plan, &own, field, value);

        node = converted ? oxypy_build_lookup_on(cx, &own, target, field, converted) : NULL;
        Py_XDECREF(converted);
        oxypy_lookup_fini(&own);
    }
    return node;
}

const oxy_expr *oxypy_build_lookup(oxypy_build *cx, PyObject *node)
{
    oxypy_plan *plan = cx->scope->plan;
    PyObject *data = ((oxypy_expr *)node)->data;

    if (!PyTuple_Check(data) || PyTuple_GET_SIZE(data) < 2) {
        PyErr_SetString(PyExc_ValueError, "a lookup is made of a keyword and a value");
        return NULL;
    }
    PyObject *keyword = PyTuple_GET_ITEM(data, 0), *value = PyTuple_GET_ITEM(data, 1);
    const oxypy_lookup *lk = PyTuple_GET_SIZE(data) > 2 ? PyCapsule_GetPointer(PyTuple_GET_ITEM(data, 2), NULL) : NULL;

    if (lk && lk->uid == plan->table.uid) { /* the common case: resolved and converted at the call */
        return lk->many && oxypy_way_open(cx->scope, lk->way) ? oxypy_related_lookup(cx, node)
                                                              : build_resolved(cx, lk, value);
    }
    oxypy_name name;

    if (oxypy_name_resolve(cx->st, plan, cx->scope->q, keyword, &name) < 0) {
        return NULL;
    }
    const oxy_expr *built = name.alias ? build_on_alias(cx, keyword, &name, value) : build_fresh(cx, keyword, value);

    oxypy_name_fini(&name);
    return built;
}
