/* SPDX-License-Identifier: MIT */
/* Rows of which the statement is known find it without a tree: their columns
 * and their number are key enough, and the values are encoded straight from the
 * instances, in the order in which the tree would have numbered them. */
#include "insert.h"

#include <string.h>

/* Differs from every shape and from the keys of queries. */
#define MARK (UINT64_MAX - 1)

int oxypy_insert_key(oxypy_build *cx, PyObject *subject, PyObject *returning, const oxy_dialect *dialect,
                     oxypy_insert_short *out)
{
    const oxypy_insert *s = (const oxypy_insert *)subject;
    oxypy_plan *plan = oxypy_plan_of(cx->st, s->model);
    Py_ssize_t n_rows = PyTuple_GET_SIZE(s->rows);

    if (!plan) {
        return -1;
    }
    if (s->conflict != OXY_CONFLICT_ERROR || (!s->refill && returning) || n_rows == 0 || n_rows > UINT32_MAX / 2 ||
        plan->n_fields > OXYPY_INSERT_SHORT_COLUMNS) {
        return 0;
    }
    if (oxypy_insert_columns(cx, plan, s, out->columns, &out->n_columns) < 0) {
        return -1;
    }
    if (out->n_columns == 0) {
        return 0;
    }
    out->plan = plan;
    out->rows = s->rows;
    out->n = 0;
    out->key[out->n++] = MARK;
    out->key[out->n++] = (uintptr_t)dialect;
    out->key[out->n++] = (uint64_t)n_rows << 2 | (s->keep ? 2 : 0) | (s->refill ? 1 : 0);
    for (uint32_t i = 0; i < out->n_columns; i++) {
        out->key[out->n++] = out->columns[i];
    }
    out->hash = oxy_hash(out->key, out->n * sizeof *out->key, 0);
    return 1;
}

bool oxypy_insert_binds_rows(const oxypy_insert_short *s, const oxy_sql *sql)
{
    uint64_t n = (uint64_t)PyTuple_GET_SIZE(s->rows) * s->n_columns;

    if (sql->n_binds != n) {
        return false;
    }
    for (uint32_t i = 0; i < sql->n_binds; i++) {
        if (sql->binds[i].how != OXY_BIND_PLAIN || sql->binds[i].param != i) {
            return false;
        }
    }
    return true;
}

static int encode_row(oxypy_build *cx, const oxypy_insert_short *s, const oxypy_insert_places *places, PyObject *row,
                      const oxy_bind *binds, const oxy_codec *codec, oxy_value *out)
{
    const oxypy_plan *plan = s->plan;
    oxypy_conv cv = {.st = cx->st, .plan = plan, .arena = cx->text, .keep = cx->keep};
    PyObject *dict = oxypy_insert_row_dict(plan, row);
    oxypy_insert_walk walk = {plan, places, dict, 0};
    int rc = dict ? 0 : -1;

    for (uint32_t i = 0; rc == 0 && i < s->n_columns; i++) {
        const oxypy_field *field = &plan->fields[s->columns[i]];
        PyObject *value = oxypy_insert_next_value(&walk, s->columns[i]);
        oxy_value plain;
        oxy_err err;

        cv.field = field;
        if ((!value && PyErr_Occurred()) ||
            oxypy_store(&cv, value ? value : Py_None, &plan->table.columns[field->column].type, &plain) < 0) {
            rc = -1;
        } else if (codec->encode(&plain, &binds[i].type, cx->text, &out[i], &err) != OXY_OK) {
            rc = oxypy_raise_value(cx->st, plan, field, &err);
        }
    }
    Py_XDECREF(dict);
    return rc;
}

int oxypy_insert_encode(oxypy_build *cx, const oxypy_insert_short *s, const oxy_codec *codec, oxypy_prepared *out)
{
    const oxy_sql *sql = out->compiled->sql;
    oxypy_insert_places places;
    int rc;

    out->values = oxy_arena_new(&out->scratch, sql->n_binds * sizeof *out->values);
    if (!out->values) {
        PyErr_NoMemory();
        return -1;
    }
    rc = oxypy_insert_places_init(cx->st, s->plan, PyTuple_GET_SIZE(s->rows), &places);
    for (uint32_t at = 0, row = 0; rc == 0 && at < sql->n_binds; at += s->n_columns, row++) {
        rc = encode_row(cx, s, &places, PyTuple_GET_ITEM(s->rows, row), sql->binds + at, codec, out->values + at);
    }
    oxypy_insert_places_fini(&places);
    out->n_values = rc < 0 ? 0 : sql->n_binds;
    return rc;
}
