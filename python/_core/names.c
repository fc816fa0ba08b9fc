/* SPDX-License-Identifier: MIT */
/* Names and paths: which alias, field, key or relation each part of a path
 * means, and what follows it. Field names never are column names. */
#include "relation.h"

#include <string.h>

bool oxypy_is_expr(const oxypy_state *st, PyObject *o)
{
    return PyObject_TypeCheck(o, st->expr_type);
}

bool oxypy_is_query(const oxypy_state *st, PyObject *o)
{
    return PyObject_TypeCheck(o, st->query_type);
}

int oxypy_unknown(oxypy_state *st, const oxypy_plan *plan, PyObject *name, const char *what)
{
    if (!st->explain_unknown || st->explain_unknown == Py_None) {
        PyErr_Format(st->exceptions[OXY_FIELD], "%s has no field '%U'", plan->model->tp_name, name);
        return -1;
    }
    PyObject *error = PyObject_CallFunction(st->explain_unknown, "OOs", plan->model, name, what);

    if (error && PyExceptionInstance_Check(error)) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    } else if (error) {
        PyErr_Format(st->exceptions[OXY_FIELD], "%s has no field '%U'", plan->model->tp_name, name);
    }
    Py_XDECREF(error);
    return -1;
}

oxypy_expr *oxypy_alias_of(oxypy_query *q, PyObject *name)
{
    PyObject *found = NULL;

    if (q && q->exprs) {
        found = PyDict_GetItemWithError(q->exprs, name);
    }
    if (!found && q && q->annotations) {
        found = PyDict_GetItemWithError(q->annotations, name);
    }
    PyErr_Clear(); /* a name is a str: hashing it cannot fail */
    return (oxypy_expr *)found;
}

static bool is_text(PyObject *o, const char *text)
{
    return PyUnicode_CompareWithASCIIString(o, text) == 0;
}

int oxypy_part_named(PyObject *segment)
{
#define X(name, text)                                                                                                  \
    if (is_text(segment, text)) {                                                                                      \
        return OXY_PART_##name;                                                                                        \
    }
    OXY_PART_LIST(X)
#undef X
    return -1;
}

/* --- ends of a path --------------------------------------------------------------------- */

static void set_key(oxypy_name *out, const oxypy_field *field)
{
    out->key.fields[0] = out->field = field;
    out->key.n = 1;
}

static int add_key(oxypy_state *st, oxypy_name *out, const oxypy_field *field)
{
    if (out->key.n == OXYPY_KEY_MAX) {
        PyErr_Format(st->exceptions[OXY_LOOKUP], "%s: a key of more than %d fields cannot be compared as one",
                     out->plan->model->tp_name, OXYPY_KEY_MAX);
        return -1;
    }
    out->key.fields[out->key.n++] = field;
    out->field = out->key.n == 1 ? field : NULL;
    return 0;
}

static int set_pk(oxypy_state *st, oxypy_name *out)
{
    for (uint32_t i = 0; i < out->plan->n_pk; i++) {
        if (add_key(st, out, &out->plan->fields[out->plan->pk[i]]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* An alias, a field or the key of out->plan. 1, 0: it is none of them, -1. */
static int find_own(oxypy_state *st, oxypy_query *q, PyObject *name, oxypy_name *out)
{
    Py_ssize_t at;

    out->alias = oxypy_alias_of(q, name);
    if (out->alias) {
        return 1;
    }
    at = oxypy_plan_field(out->plan, name);
    if (at >= 0) {
        set_key(out, &out->plan->fields[at]);
        return 1;
    }
    if (out->plan->n_pk && is_text(name, "pk")) {
        return set_pk(st, out) < 0 ? -1 : 1;
    }
    return 0;
}

static int take_step(oxypy_state *st, oxypy_name *out, const oxypy_relation *relation)
{
    if (out->way.n == OXYPY_WAY_MAX) {
        PyErr_Format(st->exceptions[OXY_LOOKUP], "a path crosses at most %d relations", OXYPY_WAY_MAX);
        return -1;
    }
    out->way.steps[out->way.n++] = relation;
    out->plan = relation->target;
    if (!out->n_many && !oxypy_relation_to_one(relation)) {
        out->n_many = out->way.n;
    }
    return 0;
}

/* The path ends in a relation: it means what the foreign key refers by, or the
 * key of the other side. */
static int end_in(oxypy_state *st, oxypy_name *out, const oxypy_relation *relation)
{
    out->relation = relation;
    if (relation->kind != OXYPY_REL_FORWARD) {
        return take_step(st, out, relation) < 0 ? -1 : set_pk(st, out);
    }
    for (uint32_t i = 0; i < relation->n_near; i++) {
        if (add_key(st, out, relation->near[i].from) < 0) {
            return -1;
        }
    }
    return 0;
}

/* depot__id is depot_id: no join is needed for what the foreign key holds. */
static void use_local(oxypy_name *out, oxypy_plan *base)
{
    while (out->way.n && out->key.n && !out->alias) {
        const oxypy_relation *last = out->way.steps[out->way.n - 1];
        oxypy_key local = {.n = out->key.n};

        for (uint32_t i = 0; i < local.n; i++) {
            local.fields[i] = oxypy_relation_local(last, out->key.fields[i]);
            if (!local.fields[i]) {
                return;
            }
        }
        out->key = local;
        out->field = local.n == 1 ? local.fields[0] : NULL;
        out->way.n--;
        out->plan = out->way.n ? out->way.steps[out->way.n - 1]->target : base;
        if (out->field) {
            Py_SETREF(out->base, Py_NewRef(out->field->name));
            out->owner = out->plan;
        }
    }
}

/* --- walking ----------------------------------------------------------------------------- */

static PyObject *join_slice(PyObject *mark, PyObject *segments, Py_ssize_t from, Py_ssize_t to)
{
    PyObject *slice = PyList_GetSlice(segments, from, to);
    PyObject *text = slice ? PyUnicode_Join(mark, slice) : NULL;

    Py_XDECREF(slice);
    return text;
}

/* Whether the plan has something of that name. */
static int has_name(oxypy_plan *plan, PyObject *name)
{
    if (oxypy_plan_field(plan, name) >= 0 || (plan->n_pk && is_text(name, "pk"))) {
        return 1;
    }
    for (uint32_t i = 0; i < plan->n_relations; i++) {
        if (PyUnicode_Compare(plan->relations[i].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

typedef struct walk {
    oxypy_state *st;
    oxypy_query *q;
    PyObject *mark, *segments;
    Py_ssize_t at, n; /* segments taken, and all */
    bool keyword;     /* of a condition: the last segment may be a lookup */
} walk;

/* What follows the end of the path. */
static int keep_rest(walk *w, oxypy_name *out)
{
    if (w->at == w->n) {
        return 0;
    }
    PyObject *tail = PyList_GetSlice(w->segments, w->at, w->n);

    out->rest = tail ? PyList_AsTuple(tail) : NULL;
    Py_XDECREF(tail);
    return out->rest ? 0 : -1;
}

/* Whether a path that has come to a relation goes on to the other side. In a
 * condition a last segment that is a lookup of relations does not, whatever the
 * other side has; elsewhere, and for other lookups, one that names nothing there. */
static bool goes_on(const walk *w, const oxypy_relation *relation)
{
    PyObject *next = w->at < w->n ? PyList_GET_ITEM(w->segments, w->at) : NULL;
    int op = next && w->at + 1 == w->n ? oxypy_lookup_named(next) : -1;

    if (!next || op < 0) {
        return next;
    }
    return !(w->keyword && oxypy_lookup_allowed(OXYPY_CAT_NUMERIC, (unsigned)op)) && has_name(relation->target, next);
}

static int cross(walk *w, oxypy_name *out, const oxypy_relation *relation, bool *ended)
{
    uint32_t before = out->n_many;

    *ended = !goes_on(w, relation);
    if ((*ended ? end_in(w->st, out, relation) : take_step(w->st, out, relation)) < 0) {
        return -1;
    }
    if (out->n_many != before) {
        out->many = join_slice(w->mark, w->segments, 0, w->at);
        if (!out->many) {
            return -1;
        }
    }
    return *ended ? keep_rest(w, out) : 0;
}

/* The longest run of segments that is a name: names may hold "__" themselves.
 * 1: the path has ended, 0: it goes on, -1. */
static int take_name(walk *w, oxypy_name *out)
{
    bool first = w->at == 0, longer = out->plan->long_names || (first && w->q && (w->q->annotations || w->q->exprs));
    Py_ssize_t most = longer ? w->n - w->at : 1;
    oxypy_plan *before = out->plan;

    for (Py_ssize_t k = most; k >= 1; k--) {
        const oxypy_relation *relation = NULL;
        PyObject *name = join_slice(w->mark, w->segments, w->at, w->at + k);
        int found = name ? find_own(w->st, first ? w->q : NULL, name, out) : -1;
        bool ended = found > 0;

        if (found == 0) {
            found = oxypy_plan_relation(w->st, out->plan, name, &relation);
        }
        if (found <= 0) {
            Py_XDECREF(name);
            if (found < 0) {
                return -1;
            }
            continue;
        }
        Py_XSETREF(out->base, name);
        out->owner = before;
        w->at += k;
        if (relation) {
            return cross(w, out, relation, &ended) < 0 ? -1 : ended;
        }
        return keep_rest(w, out) < 0 ? -1 : 1;
    }
    return oxypy_unknown(w->st, out->plan, PyList_GET_ITEM(w->segments, w->at), w->at + 1 < w->n ? "path" : "field");
}

static int follow_path(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *path, bool keyword, oxypy_name *out)
{
    walk w = {.st = st, .q = q, .mark = PyUnicode_InternFromString("__"), .keyword = keyword};
    int ended = 0;

    w.segments = w.mark ? PyUnicode_Split(path, w.mark, -1) : NULL;
    w.n = w.segments ? PyList_GET_SIZE(w.segments) : 0;
    if (!w.segments) {
        ended = -1;
    } else if (PyUnicode_GET_LENGTH(PyList_GET_ITEM(w.segments, 0)) == 0) {
        PyErr_Format(st->exceptions[OXY_LOOKUP], "%s: '%U' does not begin with a name", plan->model->tp_name, path);
        ended = -1;
    }
    while (ended == 0) {
        ended = take_name(&w, out);
    }
    Py_XDECREF(w.mark);
    Py_XDECREF(w.segments);
    if (ended < 0) {
        return -1;
    }
    use_local(out, plan);
    return 0;
}

static int resolve(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *path, bool keyword, oxypy_name *out)
{
    memset(out, 0, sizeof *out);
    out->plan = out->owner = plan;
    if (!PyUnicode_Check(path)) {
        PyErr_Format(PyExc_TypeError, "a name is a str, not %.100s", Py_TYPE(path)->tp_name);
        return -1;
    }
    PyObject *name = PyUnicode_CheckExact(path) ? Py_NewRef(path) : PyUnicode_FromObject(path);
    int rc = name ? find_own(st, q, name, out) : -1;

    if (rc > 0) {
        out->base = name;
        return 0;
    }
    if (rc == 0) {
        rc = follow_path(st, plan, q, name, keyword, out);
    }
    Py_XDECREF(name);
    if (rc < 0) {
        oxypy_name_fini(out);
    }
    return rc;
}

int oxypy_name_resolve(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *path, oxypy_name *out)
{
    return resolve(st, plan, q, path, false, out);
}

int oxypy_name_of_keyword(oxypy_state *st, oxypy_plan *plan, PyObject *keyword, oxypy_name *out)
{
    return resolve(st, plan, NULL, keyword, true, out);
}

void oxypy_name_fini(oxypy_name *n)
{
    Py_CLEAR(n->base);
    Py_CLEAR(n->rest);
    Py_CLEAR(n->many);
}

const oxypy_field *oxypy_field_named(oxypy_state *st, oxypy_plan *plan, PyObject *name)
{
    oxypy_name found;

    if (oxypy_name_resolve(st, plan, NULL, name, &found) < 0) {
        return NULL;
    }
    bool plain = found.field && !found.rest && !found.way.n;

    oxypy_name_fini(&found);
    if (!plain) {
        (void)oxypy_unknown(st, plan, name, "field");
        return NULL;
    }
    return found.field;
}
