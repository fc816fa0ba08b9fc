/* SPDX-License-Identifier: MIT */
/* Relations of a plan: their names from the start, the rest from the package on
 * first use. */
#include "relation.h"

#include <string.h>

/* --- life: called by plan.c --------------------------------------------------------- */

int oxypy__relations_read(oxypy_plan *plan, PyObject *names)
{
    Py_ssize_t n = names ? PyTuple_GET_SIZE(names) : 0;

    plan->relations = PyMem_Calloc(n ? (size_t)n : 1, sizeof *plan->relations);
    if (!plan->relations) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);

        if (!PyUnicode_CheckExact(name)) {
            PyErr_Format(PyExc_TypeError, "the name of a relation is a str, not %.100s", Py_TYPE(name)->tp_name);
            return -1;
        }
        plan->relations[i].name = Py_NewRef(name);
        PyUnicode_InternInPlace(&plan->relations[i].name);
        plan->n_relations = (uint32_t)i + 1;
    }
    return 0;
}

static void release(oxypy_relation *r)
{
    Py_CLEAR(r->name);
    Py_CLEAR(r->target);
    Py_CLEAR(r->through);
    PyMem_Free(r->near);
    PyMem_Free(r->far);
}

void oxypy__relations_free(oxypy_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_relations; i++) {
        release(&plan->relations[i]);
    }
    PyMem_Free(plan->relations);
    plan->relations = NULL;
    plan->n_relations = 0;
}

/* --- reading a RelationSpec ------------------------------------------------------------ */

static const oxypy_field *field_of(const oxypy_plan *plan, PyObject *name)
{
    Py_ssize_t at = PyUnicode_Check(name) ? oxypy_plan_field(plan, name) : -1;

    if (at < 0) {
        PyErr_Format(PyExc_ValueError, "a relation names %R, which is no field of %s", name, plan->model->tp_name);
        return NULL;
    }
    return &plan->fields[at];
}

/* Pairs of names as pairs of fields; at least one. */
static int read_pairs(PyObject *spec, const char *attribute, const oxypy_plan *from, const oxypy_plan *to,
                      oxypy_pair **out, uint32_t *n)
{
    PyObject *given = PyObject_GetAttrString(spec, attribute);
    PyObject *pairs = given ? PySequence_Tuple(given) : NULL;
    int rc = -1;

    Py_XDECREF(given);
    if (!pairs) {
        return -1;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(pairs);

    *out = PyMem_Calloc(count ? (size_t)count : 1, sizeof **out);
    if (!*out) {
        PyErr_NoMemory();
        goto done;
    }
    if (count == 0) {
        PyErr_Format(PyExc_ValueError, "a relation of %s has no fields to compare", from->model->tp_name);
        goto done;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *one, *other;

        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(pairs, i), "OO:pair", &one, &other)) {
            goto done;
        }
        (*out)[i] = (oxypy_pair){field_of(from, one), field_of(to, other)};
        if (!(*out)[i].from || !(*out)[i].to) {
            goto done;
        }
    }
    *n = (uint32_t)count;
    rc = 0;
done:
    Py_DECREF(pairs);
    return rc;
}

static int read_plan(oxypy_state *st, PyObject *spec, const char *attribute, oxypy_plan **out)
{
    PyObject *model = PyObject_GetAttrString(spec, attribute);
    oxypy_plan *plan = model ? oxypy_plan_of(st, model) : NULL;

    *out = (oxypy_plan *)Py_XNewRef(plan);
    Py_XDECREF(model);
    return plan ? 0 : -1;
}

static int read_number(PyObject *spec, const char *attribute, long most, long *out)
{
    PyObject *value = PyObject_GetAttrString(spec, attribute);

    *out = value ? PyLong_AsLong(value) : -1;
    Py_XDECREF(value);
    if (*out >= 0 && *out <= most) {
        return 0;
    }
    if (!PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "RelationSpec.%s is out of range", attribute);
    }
    return -1;
}

/* A foreign key to a key of several fields names them in the key's order, which
 * is the order of the values it is compared with. */
static void order_as_key(oxypy_relation *r)
{
    const oxypy_plan *target = r->target;

    for (uint32_t i = 0; r->n_near == target->n_pk && i < target->n_pk; i++) {
        uint32_t k = i;

        while (k < r->n_near && r->near[k].to != &target->fields[target->pk[i]]) {
            k++;
        }
        if (k == r->n_near) {
            return;
        }
        oxypy_pair pair = r->near[k];

        r->near[k] = r->near[i];
        r->near[i] = pair;
    }
}

/* Fills r from the spec; the caller releases it also on failure. */
static int read_spec(oxypy_state *st, oxypy_plan *plan, PyObject *spec, oxypy_relation *r)
{
    long kind, nullable;

    if (read_number(spec, "kind", OXYPY_REL_MANY, &kind) < 0 || read_number(spec, "nullable", 1, &nullable) < 0 ||
        read_plan(st, spec, "target", &r->target) < 0) {
        return -1;
    }
    r->kind = (uint8_t)kind;
    r->nullable = nullable != 0;
    if (kind != OXYPY_REL_MANY) {
        int rc = read_pairs(spec, "near", plan, r->target, &r->near, &r->n_near);

        order_as_key(r);
        return rc;
    }
    if (read_plan(st, spec, "through", &r->through) < 0 ||
        read_pairs(spec, "near", plan, r->through, &r->near, &r->n_near) < 0) {
        return -1;
    }
    return read_pairs(spec, "far", r->through, r->target, &r->far, &r->n_far);
}

const oxypy_field *oxypy_relation_local(const oxypy_relation *r, const oxypy_field *field)
{
    for (uint32_t i = 0; r->kind == OXYPY_REL_FORWARD && i < r->n_near; i++) {
        if (r->near[i].to == field) {
            return r->near[i].from;
        }
    }
    return NULL;
}

/* --- finding ---------------------------------------------------------------------------- */

static oxypy_relation *entry_of(const oxypy_plan *plan, PyObject *name)
{
    for (uint32_t i = 0; i < plan->n_relations; i++) {
        if (plan->relations[i].name == name || PyUnicode_Compare(plan->relations[i].name, name) == 0) {
            return &plan->relations[i];
        }
    }
    return NULL;
}

int oxypy_plan_relation(oxypy_state *st, oxypy_plan *plan, PyObject *name, const oxypy_relation **out)
{
    oxypy_relation *entry = entry_of(plan, name);

    *out = entry;
    if (!entry || entry->target) {
        return entry != NULL;
    }
    if (!plan->relation_of) {
        PyErr_Format(st->exceptions[OXY_LOOKUP], "%s.%U leads nowhere", plan->model->tp_name, name);
        return -1;
    }
    PyObject *spec = PyObject_CallOneArg(plan->relation_of, entry->name);
    oxypy_relation fresh = {.name = Py_NewRef(entry->name)};
    int rc = spec && spec != Py_None ? read_spec(st, plan, spec, &fresh) : -1;

    if (spec == Py_None) {
        PyErr_Format(st->exceptions[OXY_LOOKUP], "%s.%U is no relation", plan->model->tp_name, name);
    }
    Py_XDECREF(spec);
    if (rc == 0 && !entry->target) { /* it may have been resolved meanwhile, by the same call further in */
        oxypy_relation before = *entry;

        *entry = fresh;
        fresh = before;
    }
    release(&fresh);
    return rc < 0 ? -1 : 1;
}
