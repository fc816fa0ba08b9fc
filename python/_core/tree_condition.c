/* SPDX-License-Identifier: MIT */
/* Conditions in the tree: comparisons, membership, text matching and logic over
 * expressions. Literals take the type of what they are compared with. */
#include "tree.h"

static bool is_literal(oxypy_build *cx, PyObject *value)
{
    return !oxypy_is_expr(cx->st, value)
               ? !oxypy_is_query(cx->st, value)
               : ((oxypy_expr *)value)->kind == OXYPY_X_LITERAL && !PyTuple_GET_SIZE(((oxypy_expr *)value)->args);
}

static PyObject *literal_value(oxypy_build *cx, PyObject *value)
{
    return oxypy_is_expr(cx->st, value) ? ((oxypy_expr *)value)->data : value;
}

/* A literal beside something of known type, converted as a lookup's value. */
const oxy_expr *oxypy_build_beside(oxypy_build *cx, PyObject *value, const oxy_expr *node, const oxypy_field *field)
{
    /* A number inside JSON has no type of its own to give. */
    bool number = node->kind == OXY_E_JSON_PATH && node->path.as == OXY_JSON_NUMBER;

    if (!is_literal(cx, value) || number) {
        return oxypy_build_operand(cx, value, NULL);
    }
    oxypy_want want = {.type = &node->type, .field = field};
    PyObject *plain = literal_value(cx, value), *word = NULL, *own;

    if (field) {
        word = PyUnicode_FromString("exact");
        if (!word) {
            return NULL;
        }
        want.plan = field->plan;
        want.lookup = word;
        oxypy_conv cv = {.st = cx->st, .plan = want.plan, .field = field, .lookup = word, .keep = cx->keep};

        own = oxypy_coerce(&cv, plain);
    } else {
        own = Py_NewRef(plain);
    }
    const oxy_expr *param = own ? oxypy_build_param(cx, own, &want) : NULL;

    Py_XDECREF(own);
    Py_XDECREF(word);
    return param;
}

/* An operand with the field whose type it shows. */
const oxy_expr *oxypy_build_shown(oxypy_build *cx, PyObject *value, const oxypy_field **field)
{
    *field = oxypy_is_expr(cx->st, value) ? oxypy_field_shown(cx, (oxypy_expr *)value) : NULL;
    if (*field || !oxypy_is_expr(cx->st, value) || ((oxypy_expr *)value)->kind != OXYPY_X_NAME) {
        return oxypy_build_operand(cx, value, NULL);
    }
    return oxypy_build_path(cx, ((oxypy_expr *)value)->data, field);
}

/* Paths into JSON compare as the type of the Python value on the other side. */
static const oxy_expr *json_beside(oxypy_build *cx, const oxy_expr *path, PyObject *literal)
{
    PyObject *value = literal_value(cx, literal);
    oxy_json_as as = PyBool_Check(value)                           ? OXY_JSON_BOOL
                     : PyLong_Check(value) || PyFloat_Check(value) ? OXY_JSON_NUMBER
                     : PyUnicode_Check(value)                      ? OXY_JSON_TEXT
                                                                   : OXY_JSON_STRUCTURE;
    oxy_type type = {.kind = as == OXY_JSON_BOOL     ? OXY_K_BOOL
                             : as == OXY_JSON_NUMBER ? OXY_K_DOUBLE
                             : as == OXY_JSON_TEXT   ? OXY_K_TEXT
                                                     : OXY_K_JSONB};

    return oxy_json_path(cx->b, path->path.arg, path->path.steps, path->path.n, as, &type);
}

static bool is_json_value(const oxy_expr *e)
{
    return e->kind == OXY_E_JSON_PATH && e->path.as == OXY_JSON_VALUE && e->path.arg->type.kind != OXY_K_ARRAY;
}

const oxy_expr *oxypy_build_compare(oxypy_build *cx, oxypy_expr *e)
{
    PyObject *left = PyTuple_GET_ITEM(e->args, 0), *right = PyTuple_GET_ITEM(e->args, 1);
    const oxypy_field *field;
    const oxy_expr *a, *b;

    if (is_literal(cx, left) && !is_literal(cx, right)) {
        b = oxypy_build_shown(cx, right, &field);
        if (b && is_json_value(b)) {
            b = json_beside(cx, b, left);
        }
        a = b ? oxypy_build_beside(cx, left, b, field) : NULL;
        return a ? oxy_binary(cx->b, (oxy_op)e->op, a, b) : NULL;
    }
    a = oxypy_build_shown(cx, left, &field);
    if (!a) {
        return NULL;
    }
    if (is_literal(cx, right) && literal_value(cx, right) == Py_None && (e->op == OXY_OP_EQ || e->op == OXY_OP_NE)) {
        return oxy_unary(cx->b, e->op == OXY_OP_EQ ? OXY_UN_IS_NULL : OXY_UN_IS_NOT_NULL, a);
    }
    if (is_json_value(a) && is_literal(cx, right)) {
        a = json_beside(cx, a, right);
    }
    b = a ? oxypy_build_beside(cx, right, a, field) : NULL;
    return b ? oxy_binary(cx->b, (oxy_op)e->op, a, b) : NULL;
}

const oxy_expr *oxypy_build_membership(oxypy_build *cx, oxypy_expr *e)
{
    const oxypy_field *field;
    bool named;
    const oxy_expr *node = oxypy_build_key_in(cx, PyTuple_GET_ITEM(e->args, 0), e->data, e->op == 1, &named);

    if (named) {
        return node;
    }
    const oxy_expr *a = oxypy_build_shown(cx, PyTuple_GET_ITEM(e->args, 0), &field);

    if (!a || oxypy_is_query(cx->st, e->data) || oxypy_is_expr(cx->st, e->data)) {
        return a ? oxypy_build_in(cx, a, NULL, e->data, e->op == 1) : NULL;
    }
    PyObject *word = PyUnicode_FromString("in");
    oxypy_lookup lk = {.field = field, .op = OXYPY_L_IN, .part = -1, .keyword = word};

    if (!word) {
        return NULL;
    }
    PyObject *values = oxypy_lookup_value(cx->st, cx->scope->plan, &lk, field, e->data);
    const oxypy_want want = {.type = &a->type, .field = field, .plan = field ? field->plan : NULL, .lookup = word};

    if (values) {
        node = oxypy_build_in(cx, a, &want, values, e->op == 1);
    }
    Py_XDECREF(values);
    Py_DECREF(word);
    return node;
}

const oxy_expr *oxypy_build_between(oxypy_build *cx, oxypy_expr *e)
{
    const oxypy_field *field;
    const oxy_expr *a = oxypy_build_shown(cx, PyTuple_GET_ITEM(e->args, 0), &field);

    if (a && is_json_value(a) && is_literal(cx, PyTuple_GET_ITEM(e->args, 1))) {
        a = json_beside(cx, a, PyTuple_GET_ITEM(e->args, 1));
    }
    const oxy_expr *low = a ? oxypy_build_beside(cx, PyTuple_GET_ITEM(e->args, 1), a, field) : NULL;
    const oxy_expr *high = low ? oxypy_build_beside(cx, PyTuple_GET_ITEM(e->args, 2), a, field) : NULL;

    return high ? oxy_between(cx->b, a, low, high) : NULL;
}

const oxy_expr *oxypy_build_match(oxypy_build *cx, oxypy_expr *e)
{
    static const oxy_type text = {.kind = OXY_K_TEXT};
    const oxypy_want want = {.type = &text};
    int fold = PyObject_IsTrue(e->data);
    const oxy_expr *a = fold < 0 ? NULL : oxypy_build_operand(cx, PyTuple_GET_ITEM(e->args, 0), NULL);

    if (!a) {
        return NULL;
    }
    if (a->type.kind != OXY_K_TEXT && a->type.kind != OXY_K_STRING && a->type.kind != OXY_K_UNKNOWN &&
        a->type.kind != OXY_K_ENUM && !is_json_value(a)) {
        PyErr_Format(cx->st->exceptions[OXY_LOOKUP], "text matching is not allowed for a value of kind '%s'",
                     oxy_kind_name(a->type.kind));
        return NULL;
    }
    if (is_json_value(a)) {
        a = oxy_json_path(cx->b, a->path.arg, a->path.steps, a->path.n, OXY_JSON_TEXT, &text);
    }
    PyObject *pattern = PyTuple_GET_ITEM(e->args, 1);

    if (is_literal(cx, pattern) && !PyUnicode_Check(literal_value(cx, pattern))) {
        return oxypy_build_refuse(cx, OXY_LOOKUP_VALUE, "the pattern must be a str");
    }
    const oxy_expr *p = is_literal(cx, pattern) ? oxypy_build_param(cx, literal_value(cx, pattern), &want)
                                                : oxypy_build_operand(cx, pattern, &want);

    return a && p ? oxy_match(cx->b, (oxy_match_op)e->op, fold != 0, a, p) : NULL;
}

/* AND and OR; args may nest the same kind deeply on one side. */
const oxy_expr *oxypy_build_logic(oxypy_build *cx, oxypy_expr *e)
{
    PyObject *parts = cx->scope ? oxypy_condition_parts(cx->st, cx->scope->plan, cx->scope->q, e) : Py_NewRef(e->args);
    const oxy_expr **items = NULL;
    uint32_t n = 0;

    for (Py_ssize_t i = 0; parts && i < PyTuple_GET_SIZE(parts); i++) {
        PyObject *part = PyTuple_GET_ITEM(parts, i);

        if (oxypy_is_expr(cx->st, part) && oxypy_condition_empty(part)) {
            continue;
        }
        const oxy_expr *item = oxypy_build_condition(cx, part);

        if (!item || !(items = oxy_builder_append(cx->b, items, &n, sizeof(const oxy_expr *), &item))) {
            Py_CLEAR(parts);
        }
    }
    if (!parts) {
        return NULL;
    }
    Py_DECREF(parts);
    /* Without any part it is no condition at all. */
    return n ? oxy_logic(cx->b, e->kind == OXYPY_X_OR, items, n) : oxy_bool(cx->b, true);
}

const oxy_expr *oxypy_build_not(oxypy_build *cx, oxypy_expr *e)
{
    if (oxypy_condition_empty((PyObject *)e)) {
        return oxy_bool(cx->b, true);
    }
    const oxy_expr *inner = oxypy_build_condition(cx, PyTuple_GET_ITEM(e->args, 0));

    return inner ? oxy_not(cx->b, inner) : NULL;
}

const oxy_expr *oxypy_build_condition(oxypy_build *cx, PyObject *expr)
{
    const oxy_expr *node = oxypy_build_expr(cx, expr, NULL);

    if (node && node->type.kind != OXY_K_BOOL && node->type.kind != OXY_K_UNKNOWN) {
        PyErr_Format(PyExc_TypeError, "a value of kind '%s' is no condition; compare it with something",
                     oxy_kind_name(node->type.kind));
        return NULL;
    }
    return node;
}

const oxy_expr *oxypy_build_conditions(oxypy_build *cx, PyObject *tuple)
{
    uint32_t n = tuple ? (uint32_t)PyTuple_GET_SIZE(tuple) : 0;
    const oxy_expr *one[1], **items = n > 1 ? oxy_arena_new(cx->text, n * sizeof *items) : one;

    if (!items) {
        PyErr_NoMemory();
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        items[i] = oxypy_build_condition(cx, PyTuple_GET_ITEM(tuple, i));
        if (!items[i]) {
            return NULL;
        }
    }
    return n == 0 ? NULL : n == 1 ? items[0] : oxy_logic(cx->b, false, items, n);
}
