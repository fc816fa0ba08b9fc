/* SPDX-License-Identifier: MIT */
/* UPDATE and DELETE of exactly the rows that all() would give. Limits, offsets
 * and distinct rows are named by a subquery of their keys. */
#include "relation.h"
#include "tree.h"

#include <string.h>

/* --- which rows -------------------------------------------------------------------------- */

static int check_writable(oxypy_build *cx, oxypy_query *q)
{
    const char *why = NULL;

    if (oxypy_where_gather(q) < 0) {
        return -1;
    }
    if (q->sets) {
        why = "the rows of combined queries cannot be changed";
    } else if (q->group_by || q->having) {
        why = "the rows of a grouped query cannot be changed";
    }
    for (Py_ssize_t i = 0; !why && q->where && i < PyTuple_GET_SIZE(q->where); i++) {
        if (oxypy_has_aggregate(cx->st, q, PyTuple_GET_ITEM(q->where, i))) {
            why = "rows chosen by an aggregate cannot be changed";
        }
    }
    if (why) {
        (void)oxypy_build_refuse(cx, OXY_MANAGER, why);
        return -1;
    }
    return 0;
}

static const oxy_expr *keys_condition(oxypy_build *cx, oxypy_query *q)
{
    oxypy_scope *scope = oxy_arena_zero(cx->text, 1, sizeof *scope);
    oxypy_plan *plan = cx->scope->plan;

    if (!plan->n_pk) {
        PyErr_Format(cx->st->exceptions[OXY_MANAGER],
                     "%s has no primary key: rows chosen by limits, distinct() or related rows cannot be told apart",
                     plan->model->tp_name);
        return NULL;
    }
    const oxy_expr *key = scope ? oxypy_build_key(cx) : NULL;
    const oxy_select *select = key ? oxypy_build_select(cx, q, OXYPY_USE_PK, -1, scope, NULL) : NULL;

    return select ? oxy_in_select(cx->b, key, false, select) : NULL;
}

/* A statement that changes rows has no joins: conditions that need one choose
 * keys. What was built to see it is given back. */
static int build_conditions(oxypy_build *cx, oxypy_query *q, const oxy_expr **out)
{
    uint32_t n_params = cx->b->n_params, n_sources = cx->b->n_sources;
    oxypy_scope *scope = cx->scope;

    *out = oxypy_build_conditions(cx, q->where);
    if (*out && scope->joins) {
        scope->joins = scope->last_join = NULL;
        scope->memo = NULL;
        scope->n_memo = 0;
        cx->b->n_params = n_params;
        cx->b->n_sources = n_sources;
        *out = keys_condition(cx, q);
    }
    return *out || !q->where || !PyTuple_GET_SIZE(q->where) ? 0 : -1;
}

static int build_where(oxypy_build *cx, oxypy_query *q, const oxy_expr **out)
{
    *out = NULL;
    if (check_writable(cx, q) < 0) {
        return -1;
    }
    if (q->limit >= 0 || q->offset > 0 || q->distinct || q->distinct_on || oxypy_filters_windows(cx->st, q)) {
        *out = keys_condition(cx, q);
        return *out ? 0 : -1;
    }
    return build_conditions(cx, q, out);
}

/* --- what is assigned ----------------------------------------------------------------------- */

static const oxy_expr *assigned(oxypy_build *cx, const oxypy_field *field, PyObject *value)
{
    const oxypy_plan *plan = cx->scope->plan;
    const oxy_type *type = &plan->table.columns[field->column].type;
    const oxypy_want want = {.type = type, .field = field, .plan = plan};

    if (!oxypy_is_expr(cx->st, value)) {
        oxypy_conv cv = {.st = cx->st, .plan = plan, .field = field, .arena = cx->text, .keep = cx->keep};
        uint32_t first = cx->b->n_params;
        oxy_value v;

        if (oxypy_is_query(cx->st, value)) {
            return oxypy_build_operand(cx, value, &want);
        }
        if (oxypy_store(&cv, value, type, &v) < 0) {
            return NULL;
        }
        const oxy_expr *param = oxy_param(cx->b, &v, type);

        return param && oxypy_note_origin(cx, first, &want) == 0 ? param : NULL;
    }
    if (oxypy_has_window(cx->st, cx->scope->q, value, 0)) {
        PyErr_Format(cx->st->exceptions[OXY_FIELD],
                     "%s.%U: a window cannot be the new value of a column; use Subquery(...) of a query that has it",
                     plan->model->tp_name, field->name);
        return NULL;
    }
    return oxypy_build_expr(cx, value, &want);
}

int oxypy_build_assigns(oxypy_build *cx, PyObject *values, bool excluded, oxy_assign **out, uint32_t *n)
{
    oxypy_plan *plan = cx->scope->plan;
    PyObject *name, *value;
    Py_ssize_t pos = 0;

    *out = NULL;
    *n = 0;
    while (PyDict_Next(values, &pos, &name, &value)) {
        const oxypy_field *field = oxypy_field_named(cx->st, plan, name);

        if (!field) {
            return -1;
        }
        oxy_assign item = {.column = &plan->table.columns[field->column]};

        item.value = excluded && value == Py_None ? oxy_excluded(cx->b, item.column) : assigned(cx, field, value);
        if (item.value && cx->scope->joins) {
            PyErr_Format(cx->st->exceptions[OXY_FIELD],
                         "%s.%U: the new value comes from a related row, which update() cannot read; use Subquery(...)",
                         plan->model->tp_name, field->name);
            return -1;
        }
        oxy_assign *grown = item.value ? oxy_builder_append(cx->b, *out, n, sizeof item, &item) : NULL;

        if (!grown) {
            return -1;
        }
        *out = grown;
    }
    return 0;
}

/* --- RETURNING ---------------------------------------------------------------------------------- */

int oxypy_build_returning(oxypy_build *cx, PyObject *returning, oxypy_statement *out)
{
    if (!returning || returning == Py_None || returning == Py_False) {
        return 0;
    }
    out->rows = true;
    out->shape = OXYPY_MODEL;
    if (returning == Py_True) {
        return oxypy_selection_columns(cx, &out->out);
    }
    if (!PyTuple_Check(returning) && !PyList_Check(returning)) {
        PyErr_SetString(PyExc_TypeError, "returning is a bool, or a tuple of field names");
        return -1;
    }
    out->shape = OXYPY_DICT;
    for (Py_ssize_t i = 0; i < PySequence_Size(returning); i++) {
        PyObject *entry = PySequence_GetItem(returning, i);
        PyObject *name = entry && oxypy_is_expr(cx->st, entry) ? ((oxypy_expr *)entry)->data : entry;
        const oxypy_field *field = name ? oxypy_field_named(cx->st, cx->scope->plan, name) : NULL;
        const oxy_expr *node = field ? oxypy_build_column(cx, cx->scope, field) : NULL;

        /* The plan's own string lives as long as the tree. */
        Py_XDECREF(entry);
        if (!node ||
            oxypy_selection_add(cx, &out->out, (oxypy_out){.node = node, .field = field, .name = field->name}) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- statements ------------------------------------------------------------------------------------ */

static int build_update(oxypy_build *cx, oxypy_query *q, PyObject *arg, PyObject *returning, oxypy_statement *out)
{
    oxy_update *update = oxy_arena_zero(&cx->b->arena, 1, sizeof *update);
    oxy_assign *sets;

    if (!update) {
        PyErr_NoMemory();
        return -1;
    }
    if (!arg || !PyDict_Check(arg) || PyDict_GET_SIZE(arg) == 0) {
        PyErr_SetString(PyExc_ValueError, "update() needs at least one value");
        return -1;
    }
    if (oxypy_build_assigns(cx, arg, false, &sets, &update->n_sets) < 0 || build_where(cx, q, &update->where) < 0 ||
        oxypy_build_returning(cx, returning, out) < 0) {
        return -1;
    }
    update->table = cx->scope->source;
    update->sets = sets;
    update->returning = oxypy_selection_items(cx, &out->out);
    update->n_returning = out->out.n;
    out->stmt.kind = OXY_S_UPDATE;
    out->stmt.update = update;
    return update->returning ? 0 : -1;
}

static int build_delete(oxypy_build *cx, oxypy_query *q, PyObject *returning, oxypy_statement *out)
{
    oxy_delete *del = oxy_arena_zero(&cx->b->arena, 1, sizeof *del);

    if (!del) {
        PyErr_NoMemory();
        return -1;
    }
    if (build_where(cx, q, &del->where) < 0 || oxypy_build_returning(cx, returning, out) < 0) {
        return -1;
    }
    del->table = cx->scope->source;
    del->returning = oxypy_selection_items(cx, &out->out);
    del->n_returning = out->out.n;
    out->stmt.kind = OXY_S_DELETE;
    out->stmt.del = del;
    return del->returning ? 0 : -1;
}

int oxypy_build_write(oxypy_build *cx, oxypy_what what, oxypy_query *q, PyObject *arg, PyObject *returning,
                      oxypy_statement *out)
{
    oxypy_scope *scope = &out->scope;

    scope->plan = out->plan;
    scope->q = q;
    scope->source = oxy_source_table(cx->b, &out->plan->table, (oxy_sv){0});
    if (!scope->source) {
        return -1;
    }
    cx->scope = scope;
    int rc = what == OXYPY_DO_UPDATE ? build_update(cx, q, arg, returning, out) : build_delete(cx, q, returning, out);

    cx->scope = NULL;
    return rc;
}
