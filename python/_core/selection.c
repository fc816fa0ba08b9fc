/* SPDX-License-Identifier: MIT */
/* What a query selects: columns of models, named columns and expressions of
 * dicts and tuples, keys of subqueries. */
#include "tree.h"

#include <string.h>

int oxypy_selection_add(oxypy_build *cx, oxypy_selection *sel, oxypy_out out)
{
    oxypy_out *grown = oxy_builder_append(cx->b, sel->items, &sel->n, sizeof out, &out);

    sel->items = grown ? grown : sel->items;
    return grown ? 0 : -1;
}

static int add_field(oxypy_build *cx, oxypy_selection *sel, const oxypy_field *field, PyObject *name)
{
    const oxy_expr *node = oxypy_build_column(cx, cx->scope, field);

    return node ? oxypy_selection_add(cx, sel, (oxypy_out){.node = node, .field = field, .name = name}) : -1;
}

int oxypy_selection_columns(oxypy_build *cx, oxypy_selection *sel)
{
    const oxypy_plan *plan = cx->scope->plan;

    for (uint32_t i = 0; i < plan->n_fields; i++) {
        if (add_field(cx, sel, &plan->fields[i], plan->fields[i].name) < 0) {
            return -1;
        }
    }
    return 0;
}

const oxypy_out *oxypy_selection_find(const oxypy_selection *sel, PyObject *name)
{
    for (uint32_t i = 0; i < sel->n; i++) {
        if (sel->items[i].name == name || PyUnicode_Compare(sel->items[i].name, name) == 0) {
            return &sel->items[i];
        }
    }
    return NULL;
}

oxy_sv oxypy_out_name(const oxypy_scope *scope, const oxypy_out *out)
{
    Py_ssize_t len = 0;

    if (!out->aliased && out->field) {
        return scope->plan->table.columns[out->field->column].name;
    }
    const char *text = PyUnicode_AsUTF8AndSize(out->name, &len);

    return (oxy_sv){text, text ? (size_t)len : 0};
}

const oxy_item *oxypy_selection_items(oxypy_build *cx, const oxypy_selection *sel)
{
    oxy_item *items = oxy_arena_zero(&cx->b->arena, sel->n ? sel->n : 1, sizeof *items);

    if (!items) {
        PyErr_NoMemory();
        return NULL;
    }
    for (uint32_t i = 0; i < sel->n; i++) {
        items[i].expr = sel->items[i].node;
        if (sel->items[i].aliased) {
            items[i].alias = oxypy_out_name(cx->scope, &sel->items[i]);
            if (!items[i].alias.p) {
                return NULL;
            }
        }
    }
    return items;
}

static int add_alias(oxypy_build *cx, oxypy_selection *sel, PyObject *name, oxypy_expr *expr)
{
    const oxy_expr *node = oxypy_build_alias(cx, name, expr);
    oxypy_out out = {.node = node, .name = name, .aliased = true};

    if (!node) {
        return -1;
    }
    out.field = oxypy_field_shown(cx, expr);
    out.aggregate = oxypy_has_aggregate(cx->st, cx->scope->q, (PyObject *)expr);
    return oxypy_selection_add(cx, sel, out);
}

/* Aliases of a dict, save those that are selected already. */
static int add_aliases(oxypy_build *cx, oxypy_selection *sel, PyObject *aliases)
{
    PyObject *name, *expr;
    Py_ssize_t pos = 0;

    while (aliases && PyDict_Next(aliases, &pos, &name, &expr)) {
        if (!oxypy_selection_find(sel, name) && add_alias(cx, sel, name, (oxypy_expr *)expr) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- models ------------------------------------------------------------------------------- */

static PyObject *name_of(oxypy_build *cx, PyObject *entry)
{
    if (oxypy_is_expr(cx->st, entry) && ((oxypy_expr *)entry)->kind == OXYPY_X_NAME) {
        entry = ((oxypy_expr *)entry)->data;
    }
    if (PyUnicode_Check(entry)) {
        return entry;
    }
    PyErr_Format(cx->st->exceptions[OXY_FIELD], "a selected expression needs a name of its own");
    return NULL;
}

/* Marks the fields that names name. 0 / -1. */
static int mark_fields(oxypy_build *cx, PyObject *names, bool *marks)
{
    oxypy_plan *plan = cx->scope->plan;

    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = name_of(cx, PyTuple_GET_ITEM(names, i));

        if (!name) {
            return -1;
        }
        if (PyUnicode_CompareWithASCIIString(name, "pk") == 0 && plan->n_pk && oxypy_plan_field(plan, name) < 0) {
            for (uint32_t k = 0; k < plan->n_pk; k++) {
                marks[plan->pk[k]] = true;
            }
            continue;
        }
        if (oxypy_alias_of(cx->scope->q, name)) {
            continue; /* an annotation is loaded anyway */
        }
        const oxypy_field *field = oxypy_field_named(cx->st, plan, name);

        if (!field) {
            return -1;
        }
        marks[field - plan->fields] = true;
    }
    return 0;
}

static int select_partial(oxypy_build *cx, oxypy_selection *sel)
{
    oxypy_plan *plan = cx->scope->plan;
    oxypy_query *q = cx->scope->q;
    bool *named = oxy_arena_zero(cx->text, plan->n_fields + 1, sizeof *named);
    bool *left_out = oxy_arena_zero(cx->text, plan->n_fields + 1, sizeof *left_out);

    if (!named || !left_out) {
        PyErr_NoMemory();
        return -1;
    }
    if (mark_fields(cx, q->fields, named) < 0 || mark_fields(cx, q->deferred, left_out) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        const oxypy_field *field = &plan->fields[i];
        bool wanted = field->primary_key || ((!q->fields || named[i]) && !left_out[i]);

        if (wanted && add_field(cx, sel, field, field->name) < 0) {
            return -1;
        }
    }
    return 0;
}

static int check_alias_free(oxypy_build *cx, PyObject *alias)
{
    const oxypy_plan *plan = cx->scope->plan;
    int taken = oxypy_plan_field(plan, alias) >= 0;

    if (!taken) {
        PyObject *fields = PyObject_GetAttrString((PyObject *)plan->model, "__pydantic_fields__");

        taken = fields ? PySequence_Contains(fields, alias) : -1;
        Py_XDECREF(fields);
    }
    if (taken > 0) {
        PyErr_Format(cx->st->exceptions[OXY_FIELD], "the alias '%U' is a field of %s", alias, plan->model->tp_name);
    }
    return taken ? -1 : 0;
}

static int select_model(oxypy_build *cx, oxypy_selection *sel)
{
    oxypy_query *q = cx->scope->q;
    PyObject *name, *expr;
    Py_ssize_t pos = 0;

    if ((q->fields || q->deferred ? select_partial(cx, sel) : oxypy_selection_columns(cx, sel)) < 0) {
        return -1;
    }
    while (q->annotations && PyDict_Next(q->annotations, &pos, &name, &expr)) {
        if (check_alias_free(cx, name) < 0 || add_alias(cx, sel, name, (oxypy_expr *)expr) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- dicts, tuples, scalars ----------------------------------------------------------------- */

static int add_path(oxypy_build *cx, oxypy_selection *sel, PyObject *path)
{
    oxypy_expr *alias = oxypy_alias_of(cx->scope->q, path);
    const oxypy_field *field;

    if (alias) {
        return oxypy_selection_find(sel, path) ? 0 : add_alias(cx, sel, path, alias);
    }
    const oxy_expr *node = oxypy_build_path(cx, path, &field);

    if (!node) {
        return -1;
    }
    if (node->kind == OXY_E_TUPLE) {
        PyErr_Format(cx->st->exceptions[OXY_FIELD], "%s has a composite key: name its fields instead of pk",
                     cx->scope->plan->model->tp_name);
        return -1;
    }
    /* Plain columns keep their own name in SQL, unless it is there already. */
    oxypy_out out = {.node = node, .field = field, .name = path, .aliased = !field};

    for (uint32_t i = 0; field && i < sel->n; i++) {
        out.aliased = out.aliased || sel->items[i].field == field;
    }
    return oxypy_selection_add(cx, sel, out);
}

static int add_entries(oxypy_build *cx, oxypy_selection *sel, PyObject *entries)
{
    for (Py_ssize_t i = 0; entries && i < PyTuple_GET_SIZE(entries); i++) {
        PyObject *name = name_of(cx, PyTuple_GET_ITEM(entries, i));

        if (!name || add_path(cx, sel, name) < 0) {
            return -1;
        }
    }
    return 0;
}

/* values() without a word: groups have their columns, a whole its aggregates,
 * plain rows everything. */
static int select_default(oxypy_build *cx, oxypy_selection *sel)
{
    oxypy_query *q = cx->scope->q;

    for (Py_ssize_t i = 0; q->group_by && i < PyTuple_GET_SIZE(q->group_by); i++) {
        PyObject *entry = PyTuple_GET_ITEM(q->group_by, i);
        bool named = PyUnicode_Check(entry) || ((oxypy_expr *)entry)->kind == OXYPY_X_NAME;

        if (named && add_path(cx, sel, name_of(cx, entry)) < 0) {
            return -1;
        }
    }
    if (!q->group_by && !oxypy_query_aggregates(cx->st, q)) {
        const oxypy_plan *plan = cx->scope->plan;

        for (uint32_t i = 0; i < plan->n_fields; i++) {
            const oxypy_field *field = &plan->fields[i];

            if (!oxypy_alias_of(q, field->name) && add_field(cx, sel, field, field->name) < 0) {
                return -1;
            }
        }
    }
    return add_aliases(cx, sel, q->annotations);
}

static int select_values(oxypy_build *cx, oxypy_selection *sel)
{
    oxypy_query *q = cx->scope->q;

    if (!q->fields && !q->exprs) {
        return select_default(cx, sel);
    }
    return add_entries(cx, sel, q->fields) < 0 || add_aliases(cx, sel, q->exprs) < 0 ? -1 : 0;
}

/* --- subqueries ------------------------------------------------------------------------------- */

static int select_key(oxypy_build *cx, oxypy_selection *sel)
{
    const oxypy_plan *plan = cx->scope->plan;

    if (!plan->n_pk) {
        PyErr_Format(cx->st->exceptions[OXY_MANAGER], "%s has no primary key that could name its rows",
                     plan->model->tp_name);
        return -1;
    }
    for (uint32_t i = 0; i < plan->n_pk; i++) {
        const oxypy_field *field = &plan->fields[plan->pk[i]];

        if (add_field(cx, sel, field, field->name) < 0) {
            return -1;
        }
    }
    return 0;
}

int oxypy_build_selection(oxypy_build *cx, oxypy_use use, oxypy_selection *sel)
{
    oxypy_query *q = cx->scope->q;
    bool model = q->mode == OXYPY_MODE_MODELS;
    int rc;

    switch (use) {
    case OXYPY_USE_PK: return select_key(cx, sel);
    case OXYPY_USE_KEYS: return model ? select_key(cx, sel) : select_values(cx, sel);
    case OXYPY_USE_VALUE: rc = model && !q->annotations ? select_key(cx, sel) : select_values(cx, sel); break;
    case OXYPY_USE_SOURCE:
        if (!q->distinct && !q->distinct_on && !q->group_by && (model || !oxypy_query_aggregates(cx->st, q))) {
            return oxypy_selection_columns(cx, sel) < 0 || add_aliases(cx, sel, q->annotations) < 0 ||
                           add_aliases(cx, sel, q->exprs) < 0
                       ? -1
                       : 0;
        }
        rc = model ? select_model(cx, sel) : select_values(cx, sel);
        break;
    default: rc = model ? select_model(cx, sel) : select_values(cx, sel);
    }
    if (rc == 0 && sel->n == 0) {
        (void)oxypy_build_refuse(cx, OXY_FIELD, "the query selects nothing");
        return -1;
    }
    if (rc == 0 && q->mode == OXYPY_MODE_FLAT && sel->n != 1) {
        PyErr_Format(PyExc_ValueError, "values_list(flat=True) needs one column, the query selects %u", sel->n);
        return -1;
    }
    return rc;
}
