/* SPDX-License-Identifier: MIT */
/* Links: related rows on their way to the instances that have them. Made from
 * the parents, it knows their keys; rows of linked queries fall into the list
 * of their key as they arrive; attach() hands the lists out. */
#include "collector.h"
#include "instance.h"
#include "leaf.h"
#include "numbered.h"
#include "rowprog.h"
#include "stitch.h"

#include <structmember.h>

/* So many parents are shown to the cyclic collector while their relations are read; more are hidden. */
#define HIDE_AFTER 64

/* A row as it came: where it belongs. */
typedef struct arrival {
    int64_t order;
    PyObject *list; /* borrowed from groups */
    PyObject *row;  /* borrowed from rows */
} arrival;

/* The rows of each key are wanted by `order`, and mostly come so. */
typedef struct arrivals {
    arrival *rows;
    Py_ssize_t n, cap;
    int64_t highest;
    bool disorder; /* some may have come before one that belongs in front of them */
} arrivals;

typedef struct links_object {
    PyObject_HEAD PyObject *parents; /* tuple */
    PyObject *groups;                /* dict key -> list of rows */
    PyObject *rows;                  /* list: every row once */
    PyObject *shared;                /* dict: rows that several keys may have, by what they are */
    PyObject *fold;          /* callable(key) -> key, equal for keys that the server may take for equal; or None */
    PyObject *folded;        /* dict folded key -> list, made when first needed; or NULL */
    PyObject **lists;        /* per parent: its list, borrowed from groups; NULL without a key */
    Py_ssize_t n_keyed;      /* parents with a key */
    arrivals arrived;        /* of statements that leave the order to us */
    Py_ssize_t n_taken;      /* rows of all statements */
    PyObject *last;          /* borrowed from groups: the list of the row before, if its key was the number last_key; */
    int64_t last_key;        /* rows of one key often stand together */
    oxypy_hidden hidden;     /* parents, from the cyclic collector: many are walked over in vain until attach() */
    oxypy_numbered numbered; /* groups by keys that are whole numbers; made when first needed */
} links_object;

/* --- life ------------------------------------------------------------------------- */

static int links_traverse(PyObject *self, visitproc visit, void *arg)
{
    links_object *l = (links_object *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(l->parents);
    Py_VISIT(l->groups);
    Py_VISIT(l->rows);
    Py_VISIT(l->shared);
    Py_VISIT(l->fold);
    Py_VISIT(l->folded);
    return 0;
}

static int links_clear(PyObject *self)
{
    links_object *l = (links_object *)self;

    oxypy_rows_show(l->parents, &l->hidden);
    PyMem_Free(l->lists);
    l->lists = NULL;
    PyMem_Free(l->arrived.rows);
    l->arrived = (arrivals){0};
    l->last = NULL;
    oxypy_numbered_free(&l->numbered);
    Py_CLEAR(l->parents);
    Py_CLEAR(l->groups);
    Py_CLEAR(l->rows);
    Py_CLEAR(l->shared);
    Py_CLEAR(l->fold);
    Py_CLEAR(l->folded);
    return 0;
}

static void links_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    (void)links_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* --- parents ------------------------------------------------------------------------ */

/* The key of a parent: the value of its field, or a tuple of several. New
 * reference; NULL without an exception if a part is None. */
static PyObject *key_of(PyObject *parent, PyObject *names)
{
    PyObject *dict = oxypy_instance_dict(parent), *key = NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(names);

    if (dict == NULL)
        return NULL;
    if (n > 1 && (key = PyTuple_New(n)) == NULL)
        goto fail;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i), *value = PyDict_GetItemWithError(dict, name);

        if (value == NULL && !PyErr_Occurred())
            PyErr_Format(PyExc_AttributeError, "%s.%U is not loaded, which its relation needs",
                         Py_TYPE(parent)->tp_name, name);
        if (value == NULL || value == Py_None)
            goto fail;
        if (n == 1)
            key = Py_NewRef(value);
        else
            PyTuple_SET_ITEM(key, i, Py_NewRef(value));
    }
    Py_DECREF(dict);
    return key;
fail:
    Py_DECREF(dict);
    Py_XDECREF(key);
    return NULL;
}

/* The list of a key, borrowed from groups. */
static PyObject *list_of(links_object *l, PyObject *key)
{
    PyObject *list = PyDict_GetItemWithError(l->groups, key);
    int rc;

    if (list != NULL || PyErr_Occurred())
        return list;
    list = PyList_New(0);
    if (list == NULL)
        return NULL;
    /* Nobody sees it before attach(), and through it a collection would visit every row. */
    PyObject_GC_UnTrack(list);
    rc = PyDict_SetItem(l->groups, key, list);
    Py_DECREF(list);
    return rc < 0 ? NULL : list;
}

static int take_parents(links_object *l, PyObject *names)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(l->parents); i++) {
        PyObject *key = key_of(PyTuple_GET_ITEM(l->parents, i), names);

        if (key == NULL) {
            if (PyErr_Occurred())
                return -1;
            continue;
        }
        l->lists[i] = list_of(l, key);
        Py_DECREF(key);
        if (l->lists[i] == NULL)
            return -1;
        l->n_keyed++;
    }
    return 0;
}

static PyObject *links_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"parents", "fields", "fold", NULL};
    PyObject *parents, *names, *fold;
    links_object *self;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!O:Links", keywords, &parents, &PyTuple_Type, &names, &fold))
        return NULL;
    self = (links_object *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->parents = PySequence_Tuple(parents);
    self->groups = PyDict_New();
    self->rows = PyList_New(0);
    self->shared = PyDict_New();
    self->fold = Py_NewRef(fold);
    if (self->parents != NULL) {
        self->lists = PyMem_Calloc((size_t)PyTuple_GET_SIZE(self->parents) + 1, sizeof *self->lists);
        if (self->lists == NULL)
            PyErr_NoMemory();
    }
    if (self->lists == NULL || self->groups == NULL || self->rows == NULL || self->shared == NULL ||
        take_parents(self, names) < 0)
        Py_CLEAR(self);
    else if (PyTuple_GET_SIZE(self->parents) > HIDE_AFTER)
        oxypy_rows_hide(self->parents, 0, &self->hidden);
    return (PyObject *)self;
}

/* --- rows ----------------------------------------------------------------------------- */

static oxypy_rowview part_of(const oxypy_rowview *row, uint32_t first, uint32_t n)
{
    return (oxypy_rowview){row->cells + first, row->cols + first, n, row->codec};
}

/* Keys have no related rows to share. */
static PyObject *build_key(oxypy_state *st, oxypy_rowprog *p, const oxypy_rowview *row)
{
    oxypy_shared *none = NULL;

    return oxypy_row_build(st, p, row, &none);
}

/* The lists under folded keys; where several fold alike, one that has rows. */
static int fold_keys(links_object *l)
{
    PyObject *key, *list;
    Py_ssize_t pos = 0;

    Py_XSETREF(l->folded, PyDict_New());
    while (l->folded != NULL && PyDict_Next(l->groups, &pos, &key, &list)) {
        PyObject *folded = PyObject_CallOneArg(l->fold, key);
        PyObject *known = folded == NULL ? NULL : PyDict_GetItemWithError(l->folded, folded);

        if ((known == NULL && PyErr_Occurred()) ||
            ((known == NULL || PyList_GET_SIZE(known) == 0) && PyDict_SetItem(l->folded, folded, list) < 0))
            Py_CLEAR(l->folded);
        Py_XDECREF(folded);
    }
    return l->folded == NULL ? -1 : 0;
}

/* What the server takes for equal need not be equal to Python: texts of other
 * case under a collation of MySQL. Borrowed. */
static PyObject *list_by_fold(oxypy_state *st, links_object *l, PyObject *key)
{
    PyObject *folded = NULL, *list = NULL;

    if (l->fold != Py_None) {
        if (l->folded == NULL && fold_keys(l) < 0)
            return NULL;
        folded = PyObject_CallOneArg(l->fold, key);
        list = folded == NULL ? NULL : PyDict_GetItemWithError(l->folded, folded);
        Py_XDECREF(folded);
    }
    if (list == NULL && !PyErr_Occurred())
        oxypy_raise_text(st, OXY_DATA, "the database found a related row by the key %R, which nobody has", key);
    return list;
}

/* The row itself; one that came before for another key is that same object.
 * *fresh tells. New reference. */
static PyObject *row_of(oxypy_state *st, links_object *l, const oxypy_compiled *c, const oxypy_rowview *row,
                        oxypy_shared **shared, bool *fresh)
{
    const oxypy_rowview own = part_of(row, 0, row->n - c->linked.n_extra);
    PyObject *identity = NULL, *made;

    *fresh = true;
    if (c->shares != NULL) {
        const oxypy_rowview share = part_of(row, c->linked.share_at, c->linked.n_share);

        identity = build_key(st, c->shares, &share);
        if (identity == NULL)
            return NULL;
        made = PyDict_GetItemWithError(l->shared, identity);
        if (made != NULL || PyErr_Occurred()) {
            Py_DECREF(identity);
            *fresh = false;
            return Py_XNewRef(made);
        }
    }
    made = oxypy_row_build(st, c->program, &own, shared);
    if (made != NULL && identity != NULL && PyDict_SetItem(l->shared, identity, made) < 0)
        Py_CLEAR(made);
    Py_XDECREF(identity);
    return made;
}

/* What the rows of a key are ordered by, as a number: NULL comes first, as in SQLite,
 * the only one that has such keys; numbers without sign keep their order. */
static int order_of(oxypy_state *st, const oxypy_compiled *c, const oxypy_rowview *row, int64_t *order)
{
    uint32_t at = c->linked.order_at - 1;
    const oxy_cell *cell = &row->cells[at];
    int overflow = 0;

    switch (cell->tag) {
    case OXY_C_INT: *order = cell->i; return 0;
    case OXY_C_UINT: *order = (int64_t)((uint64_t)cell->i ^ (UINT64_C(1) << 63)); return 0;
    case OXY_C_NULL: *order = INT64_MIN; return 0;
    default: break;
    }
    /* Numbers that the table keeps as something else. */
    const oxypy_rowview own = part_of(row, 0, row->n - c->linked.n_extra), extra = part_of(row, at, 1);
    PyObject *value =
        c->orders != NULL ? build_key(st, c->orders, &extra) : oxypy_row_decoded(st, c->program, &own, at);
    long long number = value == NULL ? -1 : PyLong_AsLongLongAndOverflow(value, &overflow);

    Py_XDECREF(value);
    if (number == -1 && PyErr_Occurred())
        return -1;
    *order = overflow == 0 ? number : overflow < 0 ? INT64_MIN : INT64_MAX;
    return 0;
}

/* Notes the row that is to be appended to its list. In order are the first of a list,
 * one behind all rows so far, and one behind its neighbour of the same list. */
static int note_arrival(links_object *l, PyObject *list, PyObject *row, int64_t order)
{
    arrivals *a = &l->arrived;
    const arrival *before = a->n == 0 ? NULL : &a->rows[a->n - 1];

    if (a->n == a->cap) {
        Py_ssize_t cap = a->cap == 0 ? 64 : a->cap * 2;
        arrival *wider = PyMem_Realloc(a->rows, (size_t)cap * sizeof *wider);

        if (wider == NULL) {
            (void)PyErr_NoMemory();
            return -1;
        }
        before = a->n == 0 ? NULL : &wider[a->n - 1];
        a->rows = wider;
        a->cap = cap;
    }
    if (PyList_GET_SIZE(list) != 0 && order <= a->highest &&
        (before == NULL || before->list != list || order < before->order))
        a->disorder = true;
    a->rows[a->n] = (arrival){order, list, row};
    if (a->n++ == 0 || order > a->highest)
        a->highest = order;
    return 0;
}

/* Whether a key's number is its value, too. */
static bool is_itself(const oxypy_rowprog *keys)
{
    return keys->cols[0].type.kind == OXY_K_INT && keys->cols[0].rule.plain == NULL;
}

static PyObject *list_by_object(oxypy_state *st, links_object *l, const oxypy_compiled *c, const oxypy_rowview *view)
{
    PyObject *key = build_key(st, c->keys, view), *list;

    if (key == NULL)
        return NULL;
    list = PyDict_GetItemWithError(l->groups, key);
    if (list == NULL && !PyErr_Occurred())
        list = list_by_fold(st, l, key);
    Py_DECREF(key);
    return list;
}

/* The list for a row's key, borrowed. */
static PyObject *list_for(oxypy_state *st, links_object *l, const oxypy_compiled *c, const oxypy_rowview *row)
{
    const oxypy_rowview view = part_of(row, c->linked.key_at, c->linked.n_key);
    bool number = c->linked.n_key == 1 && view.cells[0].tag == OXY_C_INT;
    PyObject *list = NULL;

    if (number && l->last != NULL && view.cells[0].i == l->last_key)
        return l->last;
    if (number && is_itself(c->keys)) {
        if (l->numbered.slots == NULL && oxypy_numbered_fill(&l->numbered, l->groups) < 0)
            return NULL;
        list = oxypy_numbered_find(&l->numbered, view.cells[0].i);
    }
    if (list == NULL && (list = list_by_object(st, l, c, &view)) == NULL)
        return NULL;
    l->last = number ? list : NULL;
    l->last_key = number ? view.cells[0].i : 0;
    return list;
}

int oxypy_links_take(oxypy_state *st, PyObject *links, const oxypy_compiled *compiled, const oxypy_rowview *row,
                     oxypy_shared **shared)
{
    links_object *l = (links_object *)links;
    PyObject *list, *made = NULL;
    int64_t order = 0;
    bool fresh;
    int rc = -1;

    if (links == NULL || !Py_IS_TYPE(links, st->links_type) || compiled->keys == NULL) {
        PyErr_SetString(PyExc_TypeError, "rows of a linked query are given to Links");
        return -1;
    }
    list = list_for(st, l, compiled, row);
    if (list != NULL)
        made = row_of(st, l, compiled, row, shared, &fresh);
    if (made != NULL &&
        (compiled->linked.order_at == 0 ||
         (order_of(st, compiled, row, &order) == 0 && note_arrival(l, list, made, order) == 0)) &&
        (!fresh || PyList_Append(l->rows, made) == 0) && PyList_Append(list, made) == 0) {
        l->n_taken++;
        rc = 0;
    }
    Py_XDECREF(made);
    return rc;
}

/* --- order ------------------------------------------------------------------------------ */

typedef struct place {
    int64_t order;
    Py_ssize_t at; /* of the row, as it came */
} place;

static int compare_places(const void *left, const void *right)
{
    const place *a = left, *b = right;

    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

/* Every list anew, by its rows' order. */
static int put_in_order(links_object *l)
{
    const arrivals *a = &l->arrived;
    place *places = NULL;
    int rc = 0;

    if (!a->disorder)
        return 0;
    if (a->n != l->n_taken) {
        PyErr_SetString(PyExc_RuntimeError, "some rows of a relation came in order, others did not");
        return -1;
    }
    places = PyMem_Malloc((size_t)a->n * sizeof *places);
    if (places == NULL) {
        (void)PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < a->n; i++)
        places[i] = (place){a->rows[i].order, i};
    qsort(places, (size_t)a->n, sizeof *places, compare_places);
    for (Py_ssize_t i = 0; rc == 0 && i < a->n; i++) /* l->rows keeps them alive */
        rc = PyList_SetSlice(a->rows[i].list, 0, PyList_GET_SIZE(a->rows[i].list), NULL);
    for (Py_ssize_t i = 0; rc == 0 && i < a->n; i++)
        rc = PyList_Append(a->rows[places[i].at].list, a->rows[places[i].at].row);
    PyMem_Free(places);
    if (rc == 0)
        l->arrived.disorder = false;
    return rc;
}

bool oxypy_links_is_asked_for(const oxypy_state *st, PyObject *links, PyObject *link)
{
    PyObject *keys =
        link != NULL && PyTuple_Check(link) && PyTuple_GET_SIZE(link) == 3 ? PyTuple_GET_ITEM(link, 2) : NULL;

    return links != NULL && Py_IS_TYPE(links, st->links_type) && keys != NULL && PyList_CheckExact(keys) &&
           PyList_GET_SIZE(keys) == PyDict_GET_SIZE(((links_object *)links)->groups);
}

int oxypy_links_forget(const oxypy_state *st, PyObject *links)
{
    links_object *l = (links_object *)links;
    PyObject *key, *list;
    Py_ssize_t pos = 0;

    if (links == NULL || !Py_IS_TYPE(links, st->links_type))
        return 0;
    l->n_taken = 0;
    l->arrived.n = 0;
    l->arrived.highest = 0;
    l->arrived.disorder = false;
    l->last = NULL;
    Py_CLEAR(l->folded); /* knows which lists have rows */
    PyDict_Clear(l->shared);
    while (PyDict_Next(l->groups, &pos, &key, &list))
        if (PyList_SetSlice(list, 0, PyList_GET_SIZE(list), NULL) < 0)
            return -1;
    return PyList_SetSlice(l->rows, 0, PyList_GET_SIZE(l->rows), NULL);
}

PyObject *oxypy_links_rows(const oxypy_state *st, PyObject *links)
{
    return links != NULL && Py_IS_TYPE(links, st->links_type) ? ((links_object *)links)->rows : NULL;
}

/* --- handing out ------------------------------------------------------------------------- */

/* Parents come with few states, mostly one. */
typedef struct marker {
    oxypy_state *st;
    PyObject *relation;     /* str, or NULL: nothing is marked */
    PyTypeObject *type;     /* borrowed: of the last instance */
    const oxypy_plan *plan; /* borrowed: of type */
    PyObject *before;       /* strong: state of the last instance */
    PyObject *after;        /* strong: the same with the relation loaded */
} marker;

static void marker_fini(marker *m)
{
    Py_CLEAR(m->before);
    Py_CLEAR(m->after);
}

static PyObject *loaded_after(const marker *m, const oxypy_instance_state *before)
{
    PyObject *one = PyTuple_Pack(1, m->relation), *set = one == NULL ? NULL : PyFrozenSet_New(one), *all = NULL;
    PyObject *after = NULL;

    all = set == NULL ? NULL : PyNumber_Or(before->relations, set);
    if (all != NULL)
        after = oxypy_instance_state_new(m->st, before->saved, before->loaded, all, before->dirty);
    Py_XDECREF(one);
    Py_XDECREF(set);
    Py_XDECREF(all);
    return after;
}

static int mark(marker *m, PyObject *instance)
{
    PyObject *state;

    if (m->relation == NULL)
        return 0;
    if (m->type != Py_TYPE(instance)) {
        m->plan = oxypy_plan_of(m->st, (PyObject *)Py_TYPE(instance));
        if (m->plan == NULL)
            return -1;
        m->type = Py_TYPE(instance);
    }
    state = (PyObject *)oxypy_instance_state_get(m->plan, instance);
    if (state == NULL) /* never saved: everything counts as loaded */
        return 0;
    if (state != m->before) {
        PyObject *after = loaded_after(m, (oxypy_instance_state *)state);

        if (after == NULL)
            return -1;
        Py_XSETREF(m->before, Py_NewRef(state));
        Py_XSETREF(m->after, after);
    }
    oxypy_slot_steal(instance, m->plan->off_state, Py_NewRef(m->after));
    return 0;
}

/* What a parent gets: a list of its own, or the only row or None. New reference. */
static PyObject *value_for(PyObject *list, bool many, bool alone)
{
    if (many && list == NULL)
        return PyList_New(0);
    if (many && !alone)
        return PyList_GetSlice(list, 0, PyList_GET_SIZE(list));
    if (many) {
        if (!PyObject_GC_IsTracked(list))
            PyObject_GC_Track(list);
        return Py_NewRef(list);
    }
    return Py_NewRef(list == NULL || PyList_GET_SIZE(list) == 0 ? Py_None : PyList_GET_ITEM(list, 0));
}

PyDoc_STRVAR(attach_doc, "attach(name, relation, many)\n--\n\n"
                         "Sets the attribute of every parent: a list, or with many=False the only row or None.\n"
                         "relation: the name that counts as loaded from now on, or None.");

static PyObject *links_attach(PyObject *self, PyTypeObject *cls, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    links_object *l = (links_object *)self;
    marker m = {.st = PyType_GetModuleState(cls)};
    bool alone = l->n_keyed == PyDict_GET_SIZE(l->groups);
    int many = n == 3 && names == NULL ? PyObject_IsTrue(args[2]) : -1;
    PyObject *name = n == 3 ? Py_NewRef(args[0]) : NULL;
    int rc = 0;

    if (many < 0 || !PyUnicode_CheckExact(name)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "attach() takes a name, a relation and a bool");
        Py_XDECREF(name);
        return NULL;
    }
    if (put_in_order(l) < 0) {
        Py_DECREF(name);
        return NULL;
    }
    m.relation = args[1] == Py_None ? NULL : args[1];
    PyUnicode_InternInPlace(&name);
    for (Py_ssize_t i = 0; rc == 0 && i < PyTuple_GET_SIZE(l->parents); i++) {
        PyObject *parent = PyTuple_GET_ITEM(l->parents, i);
        PyObject *value = value_for(l->lists[i], many, alone),
                 *dict = value == NULL ? NULL : oxypy_instance_dict(parent);

        rc = dict == NULL ? -1 : PyDict_SetItem(dict, name, value);
        if (dict != NULL)
            oxypy_leaf_written(parent, dict);
        if (rc == 0)
            rc = mark(&m, parent);
        Py_XDECREF(value);
        Py_XDECREF(dict);
    }
    oxypy_rows_show(l->parents, &l->hidden);
    marker_fini(&m);
    Py_DECREF(name);
    if (rc < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Lists without rows whose key folds like one that has some: a set. */
static PyObject *lists_in_doubt(links_object *l)
{
    PyObject *set = PySet_New(NULL), *key, *list;
    Py_ssize_t pos = 0;

    if (set == NULL || fold_keys(l) < 0)
        goto fail;
    while (PyDict_Next(l->groups, &pos, &key, &list)) {
        PyObject *folded, *known, *id;
        int rc = 0;

        if (PyList_GET_SIZE(list) > 0)
            continue;
        folded = PyObject_CallOneArg(l->fold, key);
        known = folded == NULL ? NULL : PyDict_GetItemWithError(l->folded, folded);
        Py_XDECREF(folded);
        if (known == NULL)
            goto fail; /* every key is there, so it is an error */
        if (known != list && PyList_GET_SIZE(known) > 0) {
            id = PyLong_FromVoidPtr(list);
            rc = id == NULL ? -1 : PySet_Add(set, id);
            Py_XDECREF(id);
        }
        if (rc < 0)
            goto fail;
    }
    return set;
fail:
    Py_XDECREF(set);
    return NULL;
}

PyDoc_STRVAR(in_doubt_doc, "in_doubt()\n--\n\n"
                           "Parents without rows whose key folds like another that has rows: the server\n"
                           "may take these rows for theirs as well. Ask it for them alone.");

static PyObject *links_in_doubt(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    links_object *l = (links_object *)self;
    PyObject *result = PyList_New(0), *set = NULL;

    if (result == NULL || l->fold == Py_None || PyList_GET_SIZE(l->rows) == 0)
        return result;
    set = lists_in_doubt(l);
    for (Py_ssize_t i = 0; set != NULL && PySet_GET_SIZE(set) > 0 && i < PyTuple_GET_SIZE(l->parents); i++) {
        PyObject *id = l->lists[i] == NULL ? NULL : PyLong_FromVoidPtr(l->lists[i]);
        int rc = id == NULL ? 0 : PySet_Contains(set, id);

        if (rc > 0)
            rc = PyList_Append(result, PyTuple_GET_ITEM(l->parents, i));
        Py_XDECREF(id);
        if (rc < 0 || PyErr_Occurred())
            Py_CLEAR(set);
    }
    if (set == NULL)
        Py_CLEAR(result);
    Py_XDECREF(set);
    return result;
}

/* --- attributes ----------------------------------------------------------------------------- */

static PyObject *links_keys(PyObject *self, void *Py_UNUSED(closure))
{
    return PyDict_Keys(((links_object *)self)->groups);
}

static PyObject *links_rows(PyObject *self, void *Py_UNUSED(closure))
{
    return Py_NewRef(((links_object *)self)->rows);
}

static PyGetSetDef links_getset[] = {
    {"keys", links_keys, NULL, PyDoc_STR("Each key of the parents once, in their order."), NULL},
    {"rows", links_rows, NULL, PyDoc_STR("Each related row once."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef links_methods[] = {
    {"attach", (PyCFunction)(void (*)(void))links_attach, METH_METHOD | METH_FASTCALL | METH_KEYWORDS, attach_doc},
    {"in_doubt", links_in_doubt, METH_NOARGS, in_doubt_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot links_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("Links(parents, fields, fold)\n--\n\nRelated rows, by the keys of those who have "
                                  "them.")},
    {Py_tp_new, links_new},
    {Py_tp_dealloc, links_dealloc},
    {Py_tp_traverse, links_traverse},
    {Py_tp_clear, links_clear},
    {Py_tp_getset, links_getset},
    {Py_tp_methods, links_methods},
    {0, NULL},
};

static PyType_Spec links_spec = {
    .name = "oxyde._core.Links",
    .basicsize = sizeof(links_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = links_slots,
};

/* --- rows that are there already ---------------------------------------------------------------- */

static int gather(PyObject *seen, PyObject *value)
{
    PyObject *id;
    int rc;

    if (value == NULL || value == Py_None)
        return 0;
    if (PyList_CheckExact(value)) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(value); i++)
            if (gather(seen, PyList_GET_ITEM(value, i)) < 0)
                return -1;
        return 0;
    }
    id = PyLong_FromVoidPtr(value);
    rc = id == NULL ? -1 : PyDict_SetItem(seen, id, value);
    Py_XDECREF(id);
    return rc;
}

PyDoc_STRVAR(related_doc, "related_rows(instances, name)\n--\n\n"
                          "What the instances hold under this name, each object once.");

static PyObject *related_rows(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    PyObject *instances, *seen = NULL, *result = NULL;

    (void)module;
    if (n != 2) {
        PyErr_SetString(PyExc_TypeError, "related_rows() takes instances and a name");
        return NULL;
    }
    instances = PySequence_Tuple(args[0]);
    seen = instances == NULL ? NULL : PyDict_New();
    for (Py_ssize_t i = 0; seen != NULL && i < PyTuple_GET_SIZE(instances); i++) {
        PyObject *dict = oxypy_instance_dict(PyTuple_GET_ITEM(instances, i));
        PyObject *value = dict == NULL ? NULL : PyDict_GetItemWithError(dict, args[1]);

        if ((value == NULL && PyErr_Occurred()) || gather(seen, value) < 0)
            Py_CLEAR(seen);
        Py_XDECREF(dict);
    }
    if (seen != NULL)
        result = PyDict_Values(seen);
    Py_XDECREF(seen);
    Py_XDECREF(instances);
    return result;
}

static PyMethodDef functions[] = {
    {"related_rows", (PyCFunction)(void (*)(void))related_rows, METH_FASTCALL, related_doc},
    {NULL, NULL, 0, NULL},
};

int oxypy_links_init(PyObject *module, oxypy_state *st)
{
    st->links_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &links_spec, NULL);
    if (st->links_type == NULL || PyModule_AddType(module, st->links_type) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
