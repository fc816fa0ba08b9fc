/* SPDX-License-Identifier: MIT */
/* Expressions in the tree: every kind of Expr over columns, aliases and
 * literals of the query at hand. Conditions are in tree_condition.c, functions,
 * aggregates and subqueries in tree_query.c. */
#include "relation.h"
#include "tree.h"

#include <string.h>

int oxypy_build_failed(oxypy_build *cx)
{
    if (!PyErr_Occurred()) {
        if (cx->b && cx->b->err.rc != OXY_OK) { /* NULL: the long way was not gone */
            (void)oxypy_raise(cx->st, &cx->b->err, NULL, NULL, NULL);
        } else {
            PyErr_NoMemory();
        }
    }
    return -1;
}

const oxy_expr *oxypy_build_refuse(oxypy_build *cx, oxy_rc rc, const char *text)
{
    PyErr_SetString(cx->st->exceptions[rc], text);
    return NULL;
}

/* --- parameters ------------------------------------------------------------------- */

int oxypy_note_origin(oxypy_build *cx, uint32_t first, const oxypy_want *want)
{
    uint32_t n = cx->b->n_params;

    if (!want || !want->field) {
        return 0;
    }
    if (n > cx->cap_origins) {
        uint32_t cap = cx->cap_origins ? cx->cap_origins : 16;

        while (cap < n) {
            cap *= 2;
        }
        oxypy_origin *grown = oxy_arena_zero(cx->text, cap, sizeof *grown);

        if (!grown) {
            PyErr_NoMemory();
            return -1;
        }
        if (cx->cap_origins) {
            memcpy(grown, cx->origins, cx->cap_origins * sizeof *grown);
        }
        cx->origins = grown;
        cx->cap_origins = cap;
    }
    for (uint32_t i = first; i < n; i++) {
        cx->origins[i] = (oxypy_origin){want->plan, want->field};
    }
    return 0;
}

/* Beside a number, a number of another kind keeps its own where the wanted
 * kind would round: a fraction compared with an integer column. 1: take *type,
 * 0: the wanted type fits, -1: exception. */
static int own_number(oxypy_build *cx, PyObject *value, const oxy_type *want, oxy_type *type)
{
    oxypy_state *st = cx->st;
    bool decimal = PyObject_TypeCheck(value, (PyTypeObject *)st->decimal_type);

    if (want->kind == OXY_K_INT && (PyFloat_Check(value) || decimal)) {
        PyObject *whole = decimal ? PyObject_CallMethod(value, "is_finite", NULL) : PyBool_FromLong(1);
        int is = whole ? PyObject_IsTrue(whole) : -1;

        Py_XDECREF(whole);
        if (is == 1) {
            PyObject *zero = PyLong_FromLong(1), *rest = zero ? PyNumber_Remainder(value, zero) : NULL;

            is = rest ? PyObject_Not(rest) : -1;
            Py_XDECREF(zero);
            Py_XDECREF(rest);
            if (is < 0 && PyErr_ExceptionMatches(PyExc_ArithmeticError)) {
                PyErr_Clear();
                is = 0;
            }
        }
        if (is) {
            return is < 0 ? -1 : 0;
        }
        *type = (oxy_type){.kind = decimal ? OXY_K_DECIMAL : OXY_K_DOUBLE};
        return 1;
    }
    if (want->kind == OXY_K_DOUBLE && PyLong_Check(value)) {
        double d = PyLong_AsDouble(value);

        if (d == -1.0 && PyErr_Occurred()) {
            PyErr_Clear();
        } else if (d >= -9007199254740992.0 && d <= 9007199254740992.0) {
            return 0;
        }
        *type = (oxy_type){.kind = OXY_K_INT};
        return 1;
    }
    return 0;
}

int oxypy_store_wanted(oxypy_build *cx, PyObject *value, const oxypy_want *want, oxy_type *type, oxy_value *out)
{
    oxypy_conv cv = {.st = cx->st, .arena = cx->text, .keep = cx->keep};

    if (want && want->type && want->type->kind != OXY_K_UNKNOWN) {
        int own = value == Py_None || PyLong_CheckExact(value) == (want->type->kind == OXY_K_INT)
                      ? 0
                      : own_number(cx, value, want->type, type);

        if (own < 0) {
            return -1;
        }
        if (!own) {
            *type = *want->type;
            type->compared = true;
            if (type->kind == OXY_K_DECIMAL) {
                /* Compared, not stored: a value with more digits than the column is a fair question. */
                type->size = 0;
                type->has_scale = false;
            }
        }
        cv.plan = want->plan;
        cv.field = want->field;
        cv.lookup = want->lookup;
    } else if (oxypy_natural_type(cx->st, value, type) < 0) {
        return -1;
    }
    return oxypy_store(&cv, value, type, out);
}

const oxy_expr *oxypy_build_param(oxypy_build *cx, PyObject *value, const oxypy_want *want)
{
    uint32_t first = cx->b->n_params;
    oxy_value v;
    oxy_type type;

    if (oxypy_store_wanted(cx, value, want, &type, &v) < 0) {
        return NULL;
    }
    const oxy_expr *node = oxy_param(cx->b, &v, &type);

    return node && oxypy_note_origin(cx, first, want) == 0 ? node : NULL;
}

const oxy_expr *oxypy_build_int(oxypy_build *cx, int64_t value)
{
    static const oxy_type type = {.kind = OXY_K_INT};
    oxy_value v = {.tag = OXY_V_INT, .i = value};

    return oxy_param(cx->b, &v, &type);
}

/* --- columns, names, aliases ----------------------------------------------------------- */

/* A column of the subselect that the scope reads from. */
const oxy_expr *oxypy_build_inner(oxypy_build *cx, const oxypy_scope *scope, const oxypy_out *column)
{
    oxy_sv name = oxypy_out_name(scope, column);

    return name.p ? oxy_named(cx->b, scope->source, name, &column->node->type) : NULL;
}

const oxy_expr *oxypy_build_column(oxypy_build *cx, const oxypy_scope *scope, const oxypy_field *field)
{
    if (!scope->inner) {
        return oxy_col(cx->b, scope->source, &field->plan->table.columns[field->column]);
    }
    for (uint32_t i = 0; i < scope->inner->n; i++) {
        const oxy_expr *node = scope->inner->items[i].node;
        bool joined = node->kind == OXY_E_COLUMN && node->column.source->optional; /* of a path */

        if (scope->inner->items[i].field == field && !joined && !scope->inner->items[i].joined.p) {
            return oxypy_build_inner(cx, scope, &scope->inner->items[i]);
        }
    }
    PyErr_Format(cx->st->exceptions[OXY_FIELD], "%s.%U is not among the columns of the inner query",
                 scope->plan->model->tp_name, field->name);
    return NULL;
}

static bool is_open(const oxypy_scope *scope, PyObject *alias)
{
    for (const oxypy_open *o = scope->open; o; o = o->outer) {
        if (PyUnicode_Compare(o->alias, alias) == 0) {
            return true;
        }
    }
    return false;
}

static const oxy_expr *build_alias(oxypy_build *cx, PyObject *alias, oxypy_expr *expr)
{
    oxypy_scope *scope = cx->scope;
    bool inside = scope->grouped && !scope->aggregates;

    for (uint32_t i = 0; i < scope->n_memo; i++) {
        if (scope->memo[i].inside == inside && PyUnicode_Compare(scope->memo[i].alias, alias) == 0) {
            return scope->memo[i].node;
        }
    }
    const oxypy_out *column = scope->inner ? oxypy_selection_find(scope->inner, alias) : NULL;

    if (column) {
        return oxypy_build_inner(cx, scope, column);
    }
    if (is_open(scope, alias)) {
        PyErr_Format(cx->st->exceptions[OXY_FIELD], "the alias '%U' is defined by itself", alias);
        return NULL;
    }
    const oxypy_open open = {scope->open, alias};

    scope->open = &open;
    const oxy_expr *node = oxypy_build_expr(cx, (PyObject *)expr, NULL);

    scope->open = open.outer;
    if (!node) {
        return NULL;
    }
    oxypy_memo entry = {alias, node, inside};
    oxypy_memo *grown = oxy_builder_append(cx->b, scope->memo, &scope->n_memo, sizeof entry, &entry);

    scope->memo = grown ? grown : scope->memo;
    return grown ? node : NULL;
}

const oxy_expr *oxypy_build_alias(oxypy_build *cx, PyObject *alias, oxypy_expr *expr)
{
    oxypy_scope *scope = cx->scope;
    bool aggregates = scope->aggregates;

    if (scope->grouped && oxypy_grouped_of_rows(cx->st, scope->q, alias, (PyObject *)expr)) {
        scope->aggregates = false;
    }
    const oxy_expr *node = build_alias(cx, alias, expr);

    scope->aggregates = aggregates;
    return node;
}

static int step_of(PyObject *key, oxy_json_step *out, char number[24])
{
    Py_ssize_t len;

    if (PyLong_Check(key)) {
        long long i = PyLong_AsLongLong(key);

        if (i == -1 && PyErr_Occurred()) {
            return -1;
        }
        if (i < 0) {
            PyErr_SetString(PyExc_ValueError, "an index into JSON or an array is not negative");
            return -1;
        }
        out->key = (oxy_sv){number, (size_t)PyOS_snprintf(number, 24, "%lld", i)};
        out->is_index = true;
        return 0;
    }
    if (!PyUnicode_Check(key)) {
        PyErr_Format(PyExc_TypeError, "a key into JSON is a str or an int, not %.100s", Py_TYPE(key)->tp_name);
        return -1;
    }
    out->key.p = PyUnicode_AsUTF8AndSize(key, &len);
    out->key.len = (size_t)len;
    out->is_index = out->key.p && len > 0 && len <= 9;
    for (Py_ssize_t i = 0; out->is_index && i < len; i++) {
        out->is_index = out->key.p[i] >= '0' && out->key.p[i] <= '9';
    }
    return out->key.p ? 0 : -1;
}

const oxy_expr *oxypy_build_steps(oxypy_build *cx, const oxy_expr *arg, PyObject *keys, oxy_json_as as)
{
    static const oxy_type types[] = {
        [OXY_JSON_VALUE] = {.kind = OXY_K_JSONB},     [OXY_JSON_TEXT] = {.kind = OXY_K_TEXT},
        [OXY_JSON_NUMBER] = {.kind = OXY_K_DOUBLE},   [OXY_JSON_BOOL] = {.kind = OXY_K_BOOL},
        [OXY_JSON_STRUCTURE] = {.kind = OXY_K_JSONB},
    };
    uint32_t n = PyTuple_Check(keys) ? (uint32_t)PyTuple_GET_SIZE(keys) : 0;
    oxy_json_step *steps = oxy_arena_zero(cx->text, n ? n : 1, sizeof *steps);
    char (*numbers)[24] = oxy_arena_new(cx->text, (n ? n : 1) * sizeof *numbers);
    oxy_type type = types[as];

    if (!steps || !numbers) {
        PyErr_NoMemory();
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (step_of(PyTuple_GET_ITEM(keys, i), &steps[i], numbers[i]) < 0) {
            return NULL;
        }
    }
    if (arg->type.kind == OXY_K_ARRAY) { /* an element has the elements' type */
        type = arg->type;
        type.kind = arg->type.elem;
        type.elem = OXY_K_UNKNOWN;
        type.ndim = 0;
    }
    return oxy_json_path(cx->b, arg, steps, n, as, &type);
}

/* What follows a name used as a value: a part, keys, an index. */
static const oxy_expr *follow(oxypy_build *cx, const oxy_expr *base, uint8_t category, oxypy_name *name)
{
    PyObject *rest = name->rest;

    if (category == OXYPY_CAT_JSON || category == OXYPY_CAT_ARRAY) {
        if (category == OXYPY_CAT_ARRAY && PyTuple_GET_SIZE(rest) == 1 &&
            PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(rest, 0), "len") == 0) {
            return oxy_container(cx->b, OXY_CO_ARRAY_LEN, base, NULL, NULL, 0);
        }
        return oxypy_build_steps(cx, base, rest, OXY_JSON_VALUE);
    }
    int part = PyTuple_GET_SIZE(rest) == 1 ? oxypy_part_named(PyTuple_GET_ITEM(rest, 0)) : -1;
    bool dated = category == OXYPY_CAT_DATETIME || category == OXYPY_CAT_DATE || category == OXYPY_CAT_TIME;

    if (part < 0 || !dated) {
        PyErr_Format(cx->st->exceptions[OXY_LOOKUP],
                     "%s.%U is neither a relation nor a JSON field; '%U' cannot follow it", name->plan->model->tp_name,
                     name->base, PyTuple_GET_ITEM(rest, 0));
        return NULL;
    }
    return oxypy_build_part(cx, base, category, (oxy_part)part, false);
}

const oxy_expr *oxypy_build_part(oxypy_build *cx, const oxy_expr *arg, uint8_t category, oxy_part part, bool trunc)
{
    bool of_time = part == OXY_PART_HOUR || part == OXY_PART_MINUTE || part == OXY_PART_SECOND || part == OXY_PART_TIME;

    if ((category == OXYPY_CAT_DATE && of_time) ||
        (category == OXYPY_CAT_TIME && (!of_time || part == OXY_PART_TIME))) {
        PyErr_Format(cx->st->exceptions[OXY_LOOKUP], "a %s has no part '%s'",
                     category == OXYPY_CAT_DATE ? "date" : "time", oxy_part_name(part));
        return NULL;
    }
    return oxy_extract(cx->b, part, trunc, arg);
}

static const oxy_expr *build_composite(oxypy_build *cx, const oxypy_name *name)
{
    if (name->rest || !name->key.n) {
        PyErr_Format(cx->st->exceptions[OXY_LOOKUP],
                     name->rest ? "%s: a composite key has no parts by path" : "%s has no key that could be named",
                     name->plan->model->tp_name);
        return NULL;
    }
    return oxypy_way_key(cx, cx->scope, &name->way, &name->key);
}

/* annotate(team=F("team__name")) in dict mode: inside an alias its name is the field's or relation's. */
static int resolve_inside(oxypy_build *cx, PyObject *path, oxypy_name *name)
{
    oxypy_plan *plan = cx->scope->plan;
    const oxypy_relation *relation = NULL;
    int known = oxypy_plan_field(plan, name->base) >= 0;

    if (!known) {
        known = oxypy_plan_relation(cx->st, plan, name->base, &relation);
    }
    if (known == 0) {
        PyErr_Format(cx->st->exceptions[OXY_FIELD], "the alias '%U' is defined by itself", name->base);
    }
    oxypy_name_fini(name);
    return known > 0 ? oxypy_name_resolve(cx->st, plan, NULL, path, name) : -1;
}

const oxy_expr *oxypy_build_path(oxypy_build *cx, PyObject *path, const oxypy_field **field)
{
    oxypy_scope *scope = cx->scope;
    oxypy_name name;
    const oxy_expr *node = NULL;

    *field = NULL;
    if (!scope) {
        return oxypy_build_refuse(cx, OXY_FIELD, "a name has no meaning here");
    }
    const oxypy_out *column = scope->inner && PyUnicode_Check(path) ? oxypy_selection_find(scope->inner, path) : NULL;

    if (column) {
        *field = column->field;
        return oxypy_build_inner(cx, scope, column);
    }
    if (oxypy_name_resolve(cx->st, scope->plan, scope->q, path, &name) < 0 ||
        (name.alias && is_open(scope, name.base) && resolve_inside(cx, path, &name) < 0)) {
        return NULL;
    }
    if (name.alias) {
        node = oxypy_build_alias(cx, name.base, name.alias);
        *field = node ? oxypy_alias_shown(cx, name.base, name.alias) : NULL;
    } else if (oxypy_name_composite(&name)) {
        node = build_composite(cx, &name);
    } else {
        node = oxypy_way_column(cx, scope, &name.way, name.field);
        *field = name.field;
    }
    if (node && name.rest) {
        node = follow(cx, node, *field ? (*field)->category : oxypy_category_of(&node->type), &name);
        *field = NULL;
    }
    oxypy_name_fini(&name);
    return node;
}

const oxy_expr *oxypy_build_key(oxypy_build *cx)
{
    oxypy_scope *scope = cx->scope;
    const oxypy_plan *plan = scope->plan;
    const oxy_expr **parts = oxy_arena_new(cx->text, (plan->n_pk ? plan->n_pk : 1) * sizeof *parts);

    if (!parts) {
        PyErr_NoMemory();
        return NULL;
    }
    for (uint32_t i = 0; i < plan->n_pk; i++) {
        parts[i] = oxypy_build_column(cx, scope, &plan->fields[plan->pk[i]]);
        if (!parts[i]) {
            return NULL;
        }
    }
    return plan->n_pk == 1 ? parts[0] : oxy_tuple(cx->b, parts, plan->n_pk);
}

/* Of a path across relations; what is wrong with it is said where it is built. */
static const oxypy_field *field_at_end(oxypy_build *cx, PyObject *path)
{
    const oxypy_field *field;
    oxypy_name name;

    if (oxypy_name_resolve(cx->st, cx->scope->plan, cx->scope->q, path, &name) < 0) {
        PyErr_Clear();
        return NULL;
    }
    field = name.rest || name.alias ? NULL : name.field;
    oxypy_name_fini(&name);
    return field;
}

/* Functions that give a value of another row. */
static bool shows_first(const oxypy_expr *e)
{
    if (e->kind == OXYPY_X_AGG) {
        return e->op == OXY_AGG_MAX || e->op == OXY_AGG_MIN;
    }
    return e->kind == OXYPY_X_WINDOW || (e->kind == OXYPY_X_FUNC && e->op >= OXY_FN_LAG && e->op <= OXY_FN_NTH_VALUE);
}

const oxypy_field *oxypy_field_shown(oxypy_build *cx, oxypy_expr *e)
{
    while (shows_first(e) && PyTuple_GET_SIZE(e->args)) {
        e = (oxypy_expr *)PyTuple_GET_ITEM(e->args, 0);
        if (!oxypy_is_expr(cx->st, (PyObject *)e)) {
            return NULL;
        }
    }
    if (e->kind != OXYPY_X_NAME || !PyUnicode_CheckExact(e->data) || !cx->scope ||
        oxypy_alias_of(cx->scope->q, e->data)) {
        return NULL;
    }
    Py_ssize_t at = oxypy_plan_field(cx->scope->plan, e->data);

    return at >= 0 ? &cx->scope->plan->fields[at] : cx->scope->plan->n_relations ? field_at_end(cx, e->data) : NULL;
}

const oxypy_field *oxypy_alias_shown(oxypy_build *cx, PyObject *alias, oxypy_expr *e)
{
    const oxypy_selection *inner = cx->scope->inner;
    const oxypy_out *column = inner ? oxypy_selection_find(inner, alias) : NULL;

    return column ? column->field : oxypy_field_shown(cx, e);
}

/* --- values ---------------------------------------------------------------------------------- */

static const oxy_expr *build_arithmetic(oxypy_build *cx, oxypy_expr *e)
{
    const oxy_expr *a = oxypy_build_operand(cx, PyTuple_GET_ITEM(e->args, 0), NULL);
    const oxy_expr *b = a ? oxypy_build_operand(cx, PyTuple_GET_ITEM(e->args, 1), NULL) : NULL;

    return b ? oxy_binary(cx->b, (oxy_op)e->op, a, b) : NULL;
}

static const oxy_expr *build_literal(oxypy_build *cx, oxypy_expr *e, const oxypy_want *want)
{
    if (PyTuple_GET_SIZE(e->args) == 0) {
        return e->data == Py_None && (!want || !want->type) ? oxy_nul(cx->b, NULL)
                                                            : oxypy_build_param(cx, e->data, want);
    }
    oxy_type type;

    if (oxypy_build_type(PyTuple_GET_ITEM(e->args, 0), &type) < 0) {
        return NULL;
    }
    const oxypy_want own = {.type = &type};

    return oxypy_build_param(cx, e->data, &own);
}

static const oxy_expr *one_arg(oxypy_build *cx, oxypy_expr *e)
{
    return oxypy_build_operand(cx, PyTuple_GET_ITEM(e->args, 0), NULL);
}

/* Kinds that need this many arguments at least. */
static const uint8_t least_args[OXYPY_X_COUNT] = {
    [OXYPY_X_NOT] = 1,     [OXYPY_X_BINARY] = 2, [OXYPY_X_NEG] = 1,   [OXYPY_X_IS_NULL] = 1, [OXYPY_X_IN] = 1,
    [OXYPY_X_BETWEEN] = 3, [OXYPY_X_MATCH] = 2,  [OXYPY_X_AGG] = 1,   [OXYPY_X_CASE] = 3,    [OXYPY_X_CAST] = 1,
    [OXYPY_X_EXTRACT] = 1, [OXYPY_X_PATH] = 1,   [OXYPY_X_ORDER] = 1, [OXYPY_X_WINDOW] = 1,
};

static const oxy_expr *build_name(oxypy_build *cx, oxypy_expr *e)
{
    const oxypy_field *field;

    return oxypy_build_path(cx, e->data, &field);
}

static const oxy_expr *build_cast(oxypy_build *cx, oxypy_expr *e)
{
    const oxy_expr *arg = one_arg(cx, e);
    oxy_type type;

    return arg && oxypy_build_type(e->data, &type) == 0 ? oxy_cast(cx->b, arg, &type) : NULL;
}

static const oxy_expr *build_extract(oxypy_build *cx, oxypy_expr *e)
{
    const oxypy_field *field;
    const oxy_expr *arg = oxypy_build_shown(cx, PyTuple_GET_ITEM(e->args, 0), &field);
    int trunc = arg ? PyObject_IsTrue(e->data) : -1;

    if (trunc < 0 || e->op < 0 || e->op >= OXY_PART_COUNT) {
        return NULL;
    }
    uint8_t category = field ? field->category : oxypy_category_of(&arg->type);

    if (category != OXYPY_CAT_DATETIME && category != OXYPY_CAT_DATE && category != OXYPY_CAT_TIME &&
        arg->type.kind != OXY_K_UNKNOWN) {
        PyErr_Format(cx->st->exceptions[OXY_LOOKUP], "a value of kind '%s' has no part '%s'",
                     oxy_kind_name(arg->type.kind), oxy_part_name((oxy_part)e->op));
        return NULL;
    }
    return oxypy_build_part(cx, arg, category, (oxy_part)e->op, trunc);
}

static const oxy_expr *build_excluded(oxypy_build *cx, oxypy_expr *e)
{
    const oxypy_field *field = oxypy_field_named(cx->st, cx->scope->plan, e->data);

    return field ? oxy_excluded(cx->b, &cx->scope->plan->table.columns[field->column]) : NULL;
}

static const oxy_expr *dispatch(oxypy_build *cx, oxypy_expr *e, const oxypy_want *want)
{
    const oxy_expr *arg;

    if (PyTuple_GET_SIZE(e->args) < least_args[e->kind]) {
        PyErr_SetString(PyExc_ValueError, "an expression lacks arguments");
        return NULL;
    }
    switch ((oxypy_expr_kind)e->kind) {
    case OXYPY_X_NAME: return build_name(cx, e);
    case OXYPY_X_LITERAL: return build_literal(cx, e, want);
    case OXYPY_X_STAR: return oxy_star(cx->b);
    case OXYPY_X_LOOKUP: return oxypy_build_lookup(cx, (PyObject *)e);
    case OXYPY_X_AND:
    case OXYPY_X_OR: return oxypy_build_logic(cx, e);
    case OXYPY_X_NOT: return oxypy_build_not(cx, e);
    case OXYPY_X_BINARY: return e->op <= OXY_OP_GE ? oxypy_build_compare(cx, e) : build_arithmetic(cx, e);
    case OXYPY_X_NEG: arg = one_arg(cx, e); return arg ? oxy_unary(cx->b, OXY_UN_NEG, arg) : NULL;
    case OXYPY_X_IS_NULL:
        arg = one_arg(cx, e);
        return arg ? oxy_unary(cx->b, e->op ? OXY_UN_IS_NOT_NULL : OXY_UN_IS_NULL, arg) : NULL;
    case OXYPY_X_IN: return oxypy_build_membership(cx, e);
    case OXYPY_X_BETWEEN: return oxypy_build_between(cx, e);
    case OXYPY_X_MATCH: return oxypy_build_match(cx, e);
    case OXYPY_X_FUNC: return oxypy_build_func(cx, e);
    case OXYPY_X_AGG: return oxypy_build_aggregate(cx, e);
    case OXYPY_X_CASE: return oxypy_build_case(cx, e, want);
    case OXYPY_X_CAST: return build_cast(cx, e);
    case OXYPY_X_EXTRACT: return build_extract(cx, e);
    case OXYPY_X_PATH: arg = one_arg(cx, e); return arg ? oxypy_build_steps(cx, arg, e->data, OXY_JSON_VALUE) : NULL;
    case OXYPY_X_SUBQUERY:
    case OXYPY_X_EXISTS: return oxypy_build_subquery(cx, e);
    case OXYPY_X_OUTER: return oxypy_build_outer(cx, e);
    case OXYPY_X_EXCLUDED: return build_excluded(cx, e);
    case OXYPY_X_RAW: return oxypy_build_raw(cx, e);
    case OXYPY_X_ORDER:
    case OXYPY_X_RANDOM_ORDER: return oxypy_build_refuse(cx, OXY_FIELD, "an ordering term belongs into order_by()");
    case OXYPY_X_WINDOW: return oxypy_build_window(cx, e);
    case OXYPY_X_ANY: return oxypy_build_any(cx, e);
    case OXYPY_X_COUNT: break;
    }
    return NULL;
}

const oxy_expr *oxypy_build_expr(oxypy_build *cx, PyObject *expr, const oxypy_want *want)
{
    if (!oxypy_is_expr(cx->st, expr)) {
        return oxypy_build_operand(cx, expr, want);
    }
    if (cx->depth >= OXY_MAX_DEPTH) {
        PyErr_Format(PyExc_ValueError, "the query is nested deeper than %d levels", OXY_MAX_DEPTH);
        return NULL;
    }
    cx->depth++;
    const oxy_expr *node = dispatch(cx, (oxypy_expr *)expr, want);

    cx->depth--;
    return node;
}
