/* SPDX-License-Identifier: MIT */
/* Calling a model class without its validator. The values are checked first,
 * each for exactly one type; the first that Pydantic might change or refuse
 * ends it, while nothing has happened yet. Only then are factories of defaults
 * called, in the order of the fields, and the slots written. */
#include "construct.h"

#include "hydrate.h"
#include "instance.h"
#include "leaf.h"
#include "plan_spec.h"
#include "template.h"

/* Pydantic's sets of fields are kept as masks of this many parts. */
#define MASK_BITS 64
/* Sets of names that instances share until one is read: the latest ones. */
#define KEPT_SETS 4

typedef enum zone { ZONE_ANY, ZONE_NONE, ZONE_UTC } zone;

/* One field. */
typedef struct part {
    PyObject *name, *key, *other_key; /* other_key: looked for where there is no key; or NULL */
    PyTypeObject *type;               /* of all values; NULL: any */
    PyObject *factory;                /* or NULL */
    oxypy_field rule;
    zone zone;
    uint32_t place;
    bool takes_values, optional; /* values other than None; whether it may be left out */
} part;

typedef struct given_set {
    uint64_t mask;
    PyObject *names; /* st->given_type, or NULL */
} given_set;

typedef struct construction {
    PyObject_HEAD PyTypeObject *model; /* strong; the class holds this, GC breaks the cycle */
    PyObject *validator;               /* what this was made from */
    PyObject *post_init;               /* model_post_init of the class, or NULL: none is called */
    PyObject *template_dict;           /* __dict__ with the constant defaults */
    PyObject *private;                 /* as oxypy_private_new() wants it, or NULL */
    part *parts;
    uint32_t n;
    bool whole, placed, lazy_set, allow_extra, ignore_extra;
    bool leaves; /* instances whose dict is not tracked need not be either: leaf.h */
    Py_ssize_t off_fields_set, off_extra, off_private;
    given_set sets[KEPT_SETS];
    uint32_t next_set;
} construction;

/* --- life --------------------------------------------------------------------------- */

static int construction_traverse(PyObject *self, visitproc visit, void *arg)
{
    construction *c = (construction *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(c->model);
    Py_VISIT(c->validator);
    Py_VISIT(c->post_init);
    Py_VISIT(c->template_dict);
    Py_VISIT(c->private);
    for (uint32_t i = 0; i < c->n; i++) {
        Py_VISIT(c->parts[i].type);
        Py_VISIT(c->parts[i].factory);
        Py_VISIT(c->parts[i].rule.load_arg);
    }
    return 0;
}

static int construction_clear(PyObject *self)
{
    construction *c = (construction *)self;

    c->whole = true; /* of no use from now on */
    Py_CLEAR(c->model);
    Py_CLEAR(c->validator);
    Py_CLEAR(c->post_init);
    Py_CLEAR(c->template_dict);
    Py_CLEAR(c->private);
    for (uint32_t i = 0; i < c->n; i++) {
        Py_CLEAR(c->parts[i].type);
        Py_CLEAR(c->parts[i].factory);
        Py_CLEAR(c->parts[i].rule.load_arg);
    }
    for (uint32_t i = 0; i < KEPT_SETS; i++)
        Py_CLEAR(c->sets[i].names);
    return 0;
}

static void construction_dealloc(PyObject *self)
{
    construction *c = (construction *)self;
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    (void)construction_clear(self);
    for (uint32_t i = 0; i < c->n; i++) {
        Py_CLEAR(c->parts[i].name);
        Py_CLEAR(c->parts[i].key);
        Py_CLEAR(c->parts[i].other_key);
    }
    PyMem_Free(c->parts);
    type->tp_free(self);
    Py_DECREF(type);
}

/* --- reading what the proof found ----------------------------------------------------- */

static PyObject *interned(PyObject *text)
{
    PyObject *own = Py_NewRef(text);

    PyUnicode_InternInPlace(&own);
    return own;
}

static int read_keys(part *p, PyObject *keys)
{
    Py_ssize_t n = PyTuple_GET_SIZE(keys);

    if (n < 1 || n > 2 || !PyUnicode_CheckExact(PyTuple_GET_ITEM(keys, 0)) ||
        !PyUnicode_CheckExact(PyTuple_GET_ITEM(keys, n - 1))) {
        PyErr_SetString(PyExc_ValueError, "a part of a construction has one or two keys");
        return -1;
    }
    p->key = interned(PyTuple_GET_ITEM(keys, 0));
    p->other_key = n == 2 ? interned(PyTuple_GET_ITEM(keys, 1)) : NULL;
    return 0;
}

/* (name, keys, rule, type, zone, nullable, default, constant, factory) */
static int read_part(oxypy_state *st, construction *c, part *p, PyObject *spec)
{
    PyObject *name, *keys, *rule, *type, *constant, *factory;
    int zone, nullable, optional;

    if (!PyArg_ParseTuple(spec, "UO!OOippOO:part", &name, &PyTuple_Type, &keys, &rule, &type, &zone, &nullable,
                          &optional, &constant, &factory) ||
        read_keys(p, keys) < 0)
        return -1;
    if (type != Py_None && !PyType_Check(type)) {
        PyErr_SetString(PyExc_TypeError, "the type of a part must be a class or None");
        return -1;
    }
    p->name = interned(name);
    p->takes_values = rule != Py_None;
    if (p->takes_values && oxypy__rule_read(st, rule, &p->rule) < 0)
        return -1;
    if (p->rule.load == OXYPY_LOAD_VALIDATOR) {
        PyErr_SetString(PyExc_ValueError, "a construction calls no validators");
        return -1;
    }
    p->rule.load_nullable = nullable != 0;
    p->type = type == Py_None ? NULL : (PyTypeObject *)Py_NewRef(type);
    p->zone = (enum zone)zone;
    p->optional = optional != 0;
    p->factory = factory == Py_None ? NULL : Py_NewRef(factory);
    return PyDict_SetItem(c->template_dict, p->name, factory == Py_None ? constant : Py_None);
}

static int find_places(construction *c)
{
    int found = oxypy_template_share(&c->template_dict) < 0 ? -1 : 1;

    for (uint32_t i = 0; found > 0 && i < c->n; i++)
        found = oxypy_template_find(c->template_dict, c->parts[i].name, &c->parts[i].place);
    c->placed = found > 0;
    return found < 0 ? -1 : 0;
}

static int find_slots(oxypy_state *st, construction *c)
{
    PyObject *descriptor = PyObject_GetAttr((PyObject *)c->model, st->s_fields_set);

    if (descriptor == NULL)
        return -1;
#ifdef Py_GIL_DISABLED
    c->lazy_set = false; /* nothing guards the kept sets then */
#else
    c->lazy_set = Py_IS_TYPE(descriptor, st->fields_set_type) && c->n <= MASK_BITS;
#endif
    Py_DECREF(descriptor);
    c->off_fields_set = oxypy_slot_offset(c->model, st->s_fields_set);
    c->off_extra = c->off_fields_set < 0 ? -1 : oxypy_slot_offset(c->model, st->s_extra);
    c->off_private = c->off_extra < 0 ? -1 : oxypy_slot_offset(c->model, st->s_private_);
    return c->off_private < 0 ? -1 : 0;
}

static int read_parts(oxypy_state *st, construction *c, PyObject *parts)
{
    Py_ssize_t n = PyTuple_GET_SIZE(parts);

    c->template_dict = PyDict_New();
    c->parts = PyMem_Calloc(n > 0 ? (size_t)n : 1, sizeof *c->parts);
    if (c->template_dict == NULL || c->parts == NULL) {
        (void)PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        c->n = (uint32_t)i + 1;
        if (read_part(st, c, &c->parts[i], PyTuple_GET_ITEM(parts, i)) < 0)
            return -1;
    }
    return find_places(c) < 0 ? -1 : find_slots(st, c);
}

static PyObject *construction_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"model",   "validator", "parts", "allow_extra", "ignore_extra",
                            "private", "post_init", "table", NULL};
    oxypy_state *st = oxypy_state_of_type(type);
    PyObject *model, *validator, *parts, *private = Py_None, *post_init = Py_None;
    int allow_extra = 0, ignore_extra = 0, table = 0;
    construction *c;

    if (st == NULL ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, "O!OO|$ppOOp:Construction", names, &PyType_Type, &model, &validator,
                                     &parts, &allow_extra, &ignore_extra, &private, &post_init, &table))
        return NULL;
    if (parts != Py_None && !PyTuple_Check(parts))
        return PyErr_Format(PyExc_TypeError, "parts must be a tuple or None");
    c = (construction *)type->tp_alloc(type, 0);
    if (c == NULL)
        return NULL;
    c->model = (PyTypeObject *)Py_NewRef(model);
    c->validator = Py_NewRef(validator);
    c->post_init = post_init == Py_None ? NULL : Py_NewRef(post_init);
    c->private = private == Py_None ? NULL : Py_NewRef(private);
    c->allow_extra = allow_extra != 0;
    c->ignore_extra = ignore_extra != 0;
    c->whole = parts == Py_None;
    if (!c->whole && read_parts(st, c, parts) < 0)
        Py_CLEAR(c);
    else
        c->leaves = table && !c->whole && c->lazy_set && !c->allow_extra && c->private == NULL &&
                    oxypy_leaf_suits(st, c->model);
    return (PyObject *)c;
}

/* --- checking ------------------------------------------------------------------------- */

typedef enum verdict { FAILED = -1 /* exception set */, DOUBTFUL = 0, PASSED = 1 } verdict;

static bool zone_fits(const oxypy_state *st, zone zone, PyObject *value)
{
    PyObject *tz = PyDateTime_DATE_GET_TZINFO(value);

    return zone == ZONE_ANY || tz == (zone == ZONE_NONE ? Py_None : st->utc);
}

/* Rules that are more than the type. May replace *value. */
static verdict check_rule(oxypy_state *st, const part *p, PyObject **value)
{
    /* Pydantic counts characters in UTF-8, which has no lone surrogates. */
    if (p->rule.load == OXYPY_LOAD_LENGTH && PyUnicode_Check(*value) && oxypy_has_surrogate(*value))
        return DOUBTFUL;
    return (verdict)oxypy__rule_apply(st, &p->rule, value);
}

static verdict check(oxypy_state *st, const part *p, PyObject **value)
{
    if (*value == Py_None && p->type != NULL)
        return p->rule.load_nullable ? PASSED : DOUBTFUL;
    if (!p->takes_values)
        return *value == Py_None && p->rule.load_nullable ? PASSED : DOUBTFUL;
    if (p->type == NULL)
        return PASSED;
    if (!Py_IS_TYPE(*value, p->type) || (p->zone != ZONE_ANY && !zone_fits(st, p->zone, *value)))
        return DOUBTFUL;
    return p->rule.load == OXYPY_LOAD_IDENTITY ? PASSED : check_rule(st, p, value);
}

/* --- filling -------------------------------------------------------------------------- */

/* Steals value. */
static int put(const construction *c, const part *p, PyObject *dict, PyObject *value)
{
    PyObject **values = c->placed ? oxypy_template_values(c->template_dict, dict) : NULL;
    int rc = 0;

    if (values != NULL) {
        Py_SETREF(values[p->place], value);
        return 0;
    }
    rc = PyDict_SetItem(dict, p->name, value);
    Py_DECREF(value);
    return rc;
}

/* Keyword arguments while they are looked through. */
typedef struct given {
    PyObject *kwargs;          /* or NULL */
    PyObject *key, *value;     /* the next ones; borrowed, NULL at the end */
    Py_ssize_t at, used, size; /* used: arguments that were found */
    uint64_t mask;             /* of the parts that they gave */
    bool holds;                /* something that the collector knows */
    bool left;                 /* a default has to be made */
    bool closes;               /* lists that are made need not be tracked, so far: leaf.h */
} given;

static void next(given *g)
{
    if (g->kwargs == NULL || !PyDict_Next(g->kwargs, &g->at, &g->key, &g->value))
        g->key = g->value = NULL;
}

/* The argument for a part; borrowed, NULL if there is none. Arguments mostly
 * come in the order of the fields, by the very names that the class has. */
static PyObject *find(given *g, const part *p)
{
    PyObject *value;

    if (g->key == p->key) {
        value = g->value;
        g->used++;
        next(g);
        return value;
    }
    if (g->used == g->size)
        return NULL;
    value = PyDict_GetItemWithError(g->kwargs, p->key);
    if (value == NULL && p->other_key != NULL && !PyErr_Occurred())
        value = PyDict_GetItemWithError(g->kwargs, p->other_key);
    g->used += value != NULL;
    if (value != NULL && g->value == value)
        next(g);
    return value;
}

static verdict fill(oxypy_state *st, const construction *c, given *g, PyObject *dict)
{
    for (uint32_t i = 0; i < c->n; i++) {
        const part *p = &c->parts[i];
        PyObject *value = find(g, p);
        verdict v;

        if (value == NULL) {
            if (PyErr_Occurred())
                return FAILED;
            if (!p->optional)
                return DOUBTFUL;
            g->left |= p->factory != NULL;
            continue;
        }
        Py_INCREF(value);
        v = check(st, p, &value);
        if (v != PASSED) {
            Py_DECREF(value);
            return v;
        }
        g->holds |= oxypy_template_holds(value);
        g->mask |= (uint64_t)1 << (i % MASK_BITS);
        if (put(c, p, dict, value) < 0)
            return FAILED;
    }
    return g->used == g->size || c->ignore_extra ? PASSED : DOUBTFUL;
}

/* Whether an argument gave the part; in classes too wide for a mask they are
 * looked for once more. */
static int was_given(const construction *c, const given *g, uint32_t i)
{
    int found;

    if (c->n <= MASK_BITS)
        return (g->mask >> i & 1) != 0;
    if (g->kwargs == NULL)
        return 0;
    found = PyDict_Contains(g->kwargs, c->parts[i].key);
    return found == 0 && c->parts[i].other_key != NULL ? PyDict_Contains(g->kwargs, c->parts[i].other_key) : found;
}

static int fill_made(const construction *c, given *g, PyObject *dict)
{
    for (uint32_t i = 0; i < c->n; i++) {
        PyObject *factory = c->parts[i].factory, *value;
        int skip = factory == NULL ? 1 : was_given(c, g, i);

        if (skip < 0)
            return -1;
        if (skip)
            continue;
        value = factory == (PyObject *)&PyList_Type ? PyList_New(0) : PyObject_CallNoArgs(factory);
        if (value == NULL)
            return -1;
        if (g->closes && PyList_CheckExact(value) && factory == (PyObject *)&PyList_Type &&
            oxypy_template_values(c->template_dict, dict) != NULL)
            PyObject_GC_UnTrack(value);
        else
            g->holds |= oxypy_template_holds(value);
        if (put(c, &c->parts[i], dict, value) < 0)
            return -1;
    }
    if (g->closes && (g->holds || PyObject_GC_IsTracked(dict)))
        oxypy_leaf_open_dict(dict);
    return 0;
}

/* --- the set of fields ------------------------------------------------------------------ */

static PyObject *names_given(const construction *c, const given *g)
{
    PyObject *set = PySet_New(NULL);

    for (uint32_t i = 0; set != NULL && i < c->n; i++) {
        int was = was_given(c, g, i);

        if (was < 0 || (was && PySet_Add(set, c->parts[i].name) < 0))
            Py_CLEAR(set);
    }
    return set;
}

/* A set that all instances with these fields share until it is read:
 * fields_set.c makes it a set of their own then. */
static PyObject *fields_set(oxypy_state *st, construction *c, const given *g)
{
    given_set *kept = NULL;
    PyObject *set;

    if (!c->lazy_set)
        return names_given(c, g);
    for (uint32_t i = 0; i < KEPT_SETS; i++)
        if (c->sets[i].names != NULL && c->sets[i].mask == g->mask)
            return Py_NewRef(c->sets[i].names);
    set = names_given(c, g);
    if (set == NULL)
        return NULL;
    Py_SETREF(set, PyObject_CallOneArg(st->given_type, set));
    if (set == NULL)
        return NULL;
    kept = &c->sets[c->next_set++ % KEPT_SETS];
    kept->mask = g->mask;
    Py_XSETREF(kept->names, Py_NewRef(set));
    return set;
}

/* --- the instance ------------------------------------------------------------------------ */

static int write_slots(oxypy_state *st, construction *c, PyObject *self, const given *g, PyObject *dict)
{
    PyObject *set = fields_set(st, c, g), *extra = NULL, *private = NULL;
    int rc = -1;

    if (set == NULL)
        return -1;
    extra = c->allow_extra ? PyDict_New() : Py_NewRef(Py_None);
    private = c->private != NULL ? oxypy_private_new(c->private) : Py_NewRef(Py_None);
    if (extra != NULL && private != NULL && PyObject_GenericSetDict(self, dict, NULL) == 0) {
        oxypy_slot_steal(self, c->off_fields_set, Py_NewRef(set));
        oxypy_slot_steal(self, c->off_extra, Py_NewRef(extra));
        oxypy_slot_steal(self, c->off_private, Py_NewRef(private));
        if (!c->leaves || PyObject_GC_IsTracked(dict))
            oxypy_leaf_end(self);
        rc = 0;
    }
    Py_XDECREF(private);
    Py_XDECREF(extra);
    Py_DECREF(set);
    return rc;
}

/* The class's construction, if it is still true of it; new reference. NULL
 * without exception if there is none. */
static PyObject *find_construction(oxypy_state *st, PyTypeObject *type, PyObject *validator)
{
    PyObject *found = PyDict_GetItemWithError(type->tp_dict, st->s_construction);

    if (found == NULL && PyErr_Occurred())
        return NULL;
    if (found != NULL && Py_IS_TYPE(found, st->construction_type) && ((construction *)found)->validator == validator)
        return Py_NewRef(found);
    return PyObject_CallOneArg(st->construction_of, (PyObject *)type);
}

/* Whether the class is the one that the proof saw: 1, 0, -1 with an exception. */
static int still_fits(oxypy_state *st, const construction *c, PyTypeObject *type, PyObject *validator)
{
    PyObject *post_init;

    if (c->whole || c->model != type || c->validator != validator)
        return 0;
    if (c->post_init == NULL)
        return 1;
    post_init = PyObject_GetAttr((PyObject *)type, st->s_model_post_init);
    if (post_init == NULL)
        return -1;
    Py_DECREF(post_init);
    return post_init == c->post_init;
}

static int make(oxypy_state *st, construction *c, PyObject *self, PyObject *kwargs)
{
    given g = {.kwargs = kwargs, .size = kwargs == NULL ? 0 : PyDict_GET_SIZE(kwargs)};
    PyObject *dict = PyDict_Copy(c->template_dict);
    verdict v;

    if (dict == NULL)
        return -1;
    next(&g);
    v = fill(st, c, &g, dict);
    g.closes = c->leaves && c->placed && !g.holds && !PyObject_GC_IsTracked(self) && !PyObject_GC_IsTracked(dict) &&
               oxypy_leaf_closes(Py_TYPE(self));
    if (v == PASSED && g.used < g.size && !PyArg_ValidateKeywordArguments(kwargs)) {
        PyErr_Clear(); /* it is said in other words */
        v = DOUBTFUL;
    }
    if (v == PASSED && ((g.left && fill_made(c, &g, dict) < 0) || (oxypy_template_done(dict, g.holds), false) ||
                        write_slots(st, c, self, &g, dict) < 0))
        v = FAILED;
    Py_DECREF(dict);
    return v;
}

/* The construction to go by; new reference. NULL: there is none, or with an exception. */
static construction *current(oxypy_state *st, PyTypeObject *type)
{
    PyObject *validator = PyDict_GetItemWithError(type->tp_dict, st->s_validator), *found;

    /* A plugin, or a stand-in of an unfinished class. */
    if (validator == NULL || (PyObject *)Py_TYPE(validator) != st->schema_validator)
        return NULL;
    found = find_construction(st, type, validator);
    if (found != NULL &&
        (!Py_IS_TYPE(found, st->construction_type) || still_fits(st, (construction *)found, type, validator) <= 0))
        Py_CLEAR(found);
    return (construction *)found;
}

/* No attribute of a class changes without its version; a class that has none is new, or
 * was just changed. No two classes ever have the same. */
static unsigned int version_of(const PyTypeObject *type)
{
#ifdef Py_GIL_DISABLED
    (void)type;
    return 0;
#else
    return PyType_HasFeature((PyTypeObject *)type, Py_TPFLAGS_VALID_VERSION_TAG) ? type->tp_version_tag : 0;
#endif
}

/* Whether the class is the one that was called last, and unchanged since. */
static bool is_latest(const oxypy_state *st, const PyTypeObject *type)
{
    unsigned int version = version_of(type);

    return version != 0 && version == st->latest_version && type == st->latest_type;
}

PyObject *oxypy_construct_new(oxypy_state *st, PyTypeObject *type)
{
    PyObject *found =
        is_latest(st, type) ? st->latest_construction : PyDict_GetItemWithError(type->tp_dict, st->s_construction);

    /* Whether it is still true of the class does not matter: by what fills it the instance is tracked. */
    if (found != NULL && Py_IS_TYPE(found, st->construction_type) && ((construction *)found)->leaves)
        return oxypy_leaf_new(type);
    return PyErr_Occurred() ? NULL : type->tp_alloc(type, 0);
}

int oxypy_construct(oxypy_state *st, PyObject *self, PyObject *kwargs)
{
    PyTypeObject *type = Py_TYPE(self);
    construction *c;
    int rc;

    if (is_latest(st, type)) {
        c = (construction *)Py_NewRef(st->latest_construction); /* which the class holds */
    } else {
        c = current(st, type);
        if (c == NULL)
            return PyErr_Occurred() ? -1 : 0;
        st->latest_version = version_of(type);
        st->latest_type = type;
        st->latest_construction = (PyObject *)c;
    }
    rc = make(st, c, self, kwargs);
    Py_DECREF(c);
    return rc;
}

/* --- where values lie ---------------------------------------------------------------------- */

static const construction *placed_construction(oxypy_state *st, PyTypeObject *type)
{
    PyObject *found = PyDict_GetItemWithError(type->tp_dict, st->s_construction);

    if (found == NULL) {
        PyErr_Clear(); /* it will be looked for by name */
        return NULL;
    }
    if (!Py_IS_TYPE(found, st->construction_type) || !((construction *)found)->placed)
        return NULL;
    return ((construction *)found)->whole ? NULL : (construction *)found;
}

PyObject *oxypy_construct_template(oxypy_state *st, PyTypeObject *type)
{
    const construction *c = placed_construction(st, type);

    return c == NULL ? NULL : c->template_dict;
}

uint32_t oxypy_construct_place(oxypy_state *st, PyTypeObject *type, PyObject *name, uint32_t *at)
{
    const construction *c = placed_construction(st, type);

    for (uint32_t i = 0; c != NULL && i < c->n; i++) {
        const part *p = &c->parts[(*at + i) % c->n];

        if (p->name != name)
            continue;
        *at = (*at + i + 1) % c->n;
        return p->place;
    }
    return UINT32_MAX;
}

/* --- what Python sees --------------------------------------------------------------------- */

static PyObject *construction_get_whole(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((construction *)self)->whole);
}

static PyGetSetDef construction_getset[] = {
    {"whole", construction_get_whole, NULL, PyDoc_STR("Whether instances are always made by the validator."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot construction_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("How calling a model class makes an instance; immutable.")},
    {Py_tp_new, construction_new},
    {Py_tp_dealloc, construction_dealloc},
    {Py_tp_traverse, construction_traverse},
    {Py_tp_clear, construction_clear},
    {Py_tp_getset, construction_getset},
    {0, NULL},
};

static PyType_Spec construction_spec = {
    .name = "oxyde._core.Construction",
    .basicsize = sizeof(construction),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = construction_slots,
};

int oxypy_construct_init(PyObject *module, oxypy_state *st)
{
    st->construction_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &construction_spec, NULL);
    if (st->construction_type == NULL || PyModule_AddType(module, st->construction_type) < 0)
        return -1;
    if (PyModule_AddIntConstant(module, "ZONE_ANY", ZONE_ANY) < 0 ||
        PyModule_AddIntConstant(module, "ZONE_NONE", ZONE_NONE) < 0)
        return -1;
    return PyModule_AddIntConstant(module, "ZONE_UTC", ZONE_UTC);
}
