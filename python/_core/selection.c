/* SPDX-License-Identifier: MIT */
/* What a query selects: columns of models and of what is joined to them, named
 * columns and expressions of dicts and tuples, keys of subqueries. */
#include "relation.h"
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

int oxypy_selection_field(oxypy_build *cx, oxypy_selection *sel, const oxypy_field *field)
{
    return add_field(cx, sel, field, field->name);
}

int oxypy_selection_columns(oxypy_build *cx, oxypy_selection *sel)
{
    const oxypy_plan *plan = cx->scope->plan;

    for (uint32_t i = 0; i < plan->n_fields; i++) {
        if (oxypy_selection_field(cx, sel, &plan->fields[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Columns of joined rows go by their path. */
static bool is_called(const oxypy_out *out, PyObject *name)
{
    Py_ssize_t len;
    const char *text;

    if (!out->joined.p) {
        return out->name == name || PyUnicode_Compare(out->name, name) == 0;
    }
    text = PyUnicode_AsUTF8AndSize(name, &len);
    if (!text) {
        PyErr_Clear(); /* a lone surrogate: no column is called so */
        return false;
    }
    return oxy_sv_eq(out->joined, (oxy_sv){text, (size_t)len});
}

const oxypy_out *oxypy_selection_find(const oxypy_selection *sel, PyObject *name)
{
    for (uint32_t i = 0; i < sel->n; i++) {
        if (is_called(&sel->items[i], name)) {
            return &sel->items[i];
        }
    }
    return NULL;
}

oxy_sv oxypy_out_name(const oxypy_scope *scope, const oxypy_out *out)
{
    Py_ssize_t len = 0;

    if (out->joined.p) {
        return out->joined;
    }
    if (!out->aliased && out->field) {
        return out->field->plan->table.columns[out->field->column].name;
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
        if (sel->items[i].aliased || sel->items[i].joined.p) {
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
    out.field = oxypy_alias_shown(cx, name, expr);
    out.window = oxypy_has_window(cx->st, cx->scope->q, (PyObject *)expr, 0);
    out.aggregate = !oxypy_grouped_of_rows(cx->st, cx->scope->q, name, (PyObject *)expr) &&
                    oxypy_has_aggregate(cx->st, cx->scope->q, (PyObject *)expr);
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

/* Marks the fields that names name: a field, the parts of the key, the ids of a
 * relation. 0 / -1. */
static int mark_fields(oxypy_build *cx, PyObject *names, bool *marks)
{
    oxypy_plan *plan = cx->scope->plan;

    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = name_of(cx, PyTuple_GET_ITEM(names, i));

        if (!name) {
            return -1;
        }
        if (oxypy_alias_of(cx->scope->q, name)) {
            continue; /* an annotation is loaded anyway */
        }
        oxypy_name found;

        if (oxypy_name_resolve(cx->st, plan, NULL, name, &found) < 0) {
            return -1;
        }
        bool own = found.key.n && !found.rest && !found.way.n;

        for (uint32_t k = 0; own && k < found.key.n; k++) {
            marks[found.key.fields[k] - plan->fields] = true;
        }
        oxypy_name_fini(&found);
        if (!own) {
            return oxypy_unknown(cx->st, plan, name, "field");
        }
    }
    return 0;
}

/* Marks what the joined relations refer by: a related object is known by its id. 0 / -1. */
static int mark_joined(oxypy_build *cx, bool *marks)
{
    oxypy_plan *plan = cx->scope->plan;
    oxypy_query *q = cx->scope->q;

    for (Py_ssize_t i = 0; q->joins && i < PyTuple_GET_SIZE(q->joins); i++) {
        oxypy_name name;

        if (oxypy_name_resolve(cx->st, plan, NULL, PyTuple_GET_ITEM(q->joins, i), &name) < 0) {
            return -1;
        }
        const oxypy_relation *first = name.way.n ? name.way.steps[0] : name.relation;

        for (uint32_t k = 0; first && k < first->n_near; k++) {
            marks[first->near[k].from - plan->fields] = true;
        }
        oxypy_name_fini(&name);
    }
    return 0;
}

static int select_partial(oxypy_build *cx, oxypy_selection *sel)
{
    oxypy_plan *plan = cx->scope->plan;
    oxypy_query *q = cx->scope->q;
    bool *named = oxy_arena_zero(cx->text, plan->n_fields + 1, sizeof *named);
    bool *left_out = oxy_arena_zero(cx->text, plan->n_fields + 1, sizeof *left_out);
    bool *joined = oxy_arena_zero(cx->text, plan->n_fields + 1, sizeof *joined);

    if (!named || !left_out || !joined) {
        PyErr_NoMemory();
        return -1;
    }
    if (mark_fields(cx, q->fields, named) < 0 || mark_fields(cx, q->deferred, left_out) < 0 ||
        mark_joined(cx, joined) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        const oxypy_field *field = &plan->fields[i];
        bool wanted = field->primary_key || joined[i] || ((!q->fields || named[i]) && !left_out[i]);

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

/* --- joined relations ------------------------------------------------------------------------ */

/* Longer names are cut off by PostgreSQL. */
#define NAME_BYTES 63

/* "depot__label", or a number where that is too long. Empty with an exception. */
static oxy_sv joined_name(oxypy_build *cx, const oxypy_selection *sel, oxy_sv path, PyObject *field)
{
    Py_ssize_t len;
    const char *name = PyUnicode_AsUTF8AndSize(field, &len);
    size_t size = path.len + (size_t)(name ? len : 0) + 32;
    char *text = name ? oxy_arena_new(&cx->b->arena, size) : NULL;
    int n;

    if (!text) {
        return (oxy_sv){0};
    }
    n = PyOS_snprintf(text, size, "%.*s__%s", OXY_SV_ARG(path), name);
    if (n > NAME_BYTES) {
        n = PyOS_snprintf(text, size, "joined__%u", sel->n + 1);
    }
    return (oxy_sv){text, (size_t)n};
}

/* The columns of a related row, behind everything else. */
static int add_branch(oxypy_build *cx, oxypy_selection *sel, const oxypy_joined *joined, oxy_sv path, uint32_t parent)
{
    const oxypy_plan *plan = joined->plan;
    const oxypy_branch branch = {joined->relation, parent, sel->n};
    oxypy_branch *grown = oxy_builder_append(cx->b, sel->branches, &sel->n_branches, sizeof branch, &branch);

    if (!grown) {
        return -1;
    }
    sel->branches = grown;
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        const oxypy_field *field = &plan->fields[i];
        oxypy_out out = {.field = field, .name = field->name};

        out.joined = joined_name(cx, sel, path, field->name);
        out.node = out.joined.p ? oxypy_joined_column(cx, cx->scope, joined, field) : NULL;
        if (!out.node || oxypy_selection_add(cx, sel, out) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The branch of a relation that begins at parent: its number + 1, or 0. */
static uint32_t branch_of(const oxypy_selection *sel, uint32_t parent, const oxypy_relation *relation)
{
    for (uint32_t i = 0; i < sel->n_branches; i++) {
        if (sel->branches[i].parent == parent && sel->branches[i].relation == relation) {
            return i + 1;
        }
    }
    return 0;
}

/* Every prefix of the path is joined, selected and built. */
static int add_join(oxypy_build *cx, oxypy_selection *sel, PyObject *path)
{
    Py_ssize_t end, whole = PyUnicode_GET_LENGTH(path);
    PyObject *mark = PyUnicode_FromString("__");
    uint32_t parent = 0;
    int rc = mark ? 0 : -1;

    for (Py_ssize_t from = 0; rc == 0 && from < whole; from = end + 2) {
        end = PyUnicode_Find(path, mark, from, whole, 1);
        end = end < 0 ? whole : end;
        PyObject *prefix = end < 0 ? NULL : PyUnicode_Substring(path, 0, end);
        oxypy_joined *joined = prefix ? oxypy_scope_join_path(cx, cx->scope, prefix) : NULL;
        uint32_t known = joined ? branch_of(sel, parent, joined->relation) : 0;
        Py_ssize_t len;
        const char *text = joined ? PyUnicode_AsUTF8AndSize(prefix, &len) : NULL;

        if (!text || (!known && add_branch(cx, sel, joined, (oxy_sv){text, (size_t)len}, parent) < 0)) {
            rc = -1;
        }
        parent = known ? known : sel->n_branches;
        Py_XDECREF(prefix);
    }
    Py_XDECREF(mark);
    return rc;
}

/* Rows of groups have no related rows: there join() only filters. */
static int add_joins(oxypy_build *cx, oxypy_selection *sel)
{
    const oxypy_query *q = cx->scope->q;

    if (!q->joins || oxypy_query_aggregates(cx->st, cx->scope->q)) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(q->joins); i++) {
        PyObject *path = PyTuple_GET_ITEM(q->joins, i);

        if (!PyUnicode_Check(path)) {
            PyErr_Format(PyExc_TypeError, "join() takes paths, not %.100s", Py_TYPE(path)->tp_name);
            return -1;
        }
        if (add_join(cx, sel, path) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- dicts, tuples, scalars ----------------------------------------------------------------- */

/* Columns of joined tables may be called like those of the base. */
static bool is_joined(const oxy_expr *node)
{
    return node->kind == OXY_E_COLUMN && node->column.source->optional;
}

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
        PyErr_Format(cx->st->exceptions[OXY_FIELD], "%s: '%U' is a key of %u fields: name them one by one",
                     cx->scope->plan->model->tp_name, path, node->list.n);
        return -1;
    }
    /* Plain columns keep their own name in SQL, unless it is there already. */
    oxypy_out out = {.node = node, .field = field, .name = path, .aliased = !field || is_joined(node)};

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

/* What the query's rows are known by outside: for a foreign key, what it refers
 * by; else the key. */
static int select_known_by(oxypy_build *cx, oxypy_selection *sel)
{
    const oxypy_relation *r = cx->scope->relation;

    if (!r || r->kind != OXYPY_REL_FORWARD || r->target != cx->scope->plan) {
        return select_key(cx, sel);
    }
    for (uint32_t i = 0; i < r->n_near; i++) {
        if (add_field(cx, sel, r->near[i].to, r->near[i].to->name) < 0) {
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
    case OXYPY_USE_KEYS: return model ? select_known_by(cx, sel) : select_values(cx, sel);
    case OXYPY_USE_VALUE: rc = model && !q->annotations ? select_known_by(cx, sel) : select_values(cx, sel); break;
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
    if (rc == 0 && model && (use == OXYPY_USE_ROWS || use == OXYPY_USE_OPERAND)) {
        rc = add_joins(cx, sel);
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
