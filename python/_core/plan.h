/* SPDX-License-Identifier: MIT */
/* Plan: what the engine knows of one model class, made once when the class is
 * finalised and immutable after. Built by oxyde.models._plan from FieldSpec
 * tuples; names, types and loading rules all come from there. */
#ifndef OXYPY_PLAN_H
#define OXYPY_PLAN_H

#include <oxyde/query.h>

#include "state.h"

/* How a decoded value becomes the attribute's value. Python's FieldSpec.load
 * is a tuple starting with this number. */
typedef enum oxypy_load {
    OXYPY_LOAD_IDENTITY,    /* (0,)  validation proved to change nothing and never fail */
    OXYPY_LOAD_LENGTH,      /* (1, min, max)  str, bytes: length within bounds (None: open) */
    OXYPY_LOAD_INT_RANGE,   /* (2, ge, gt, le, lt)  exact ints within 64 bits or None */
    OXYPY_LOAD_FLOAT_RANGE, /* (3, ge, gt, le, lt, finite)  floats or None */
    OXYPY_LOAD_ENUM,        /* (4, {stored value: member}) */
    OXYPY_LOAD_VALIDATOR,   /* (5, validator[, dict or list])  validator.validate_python(value, lax, by name) */
    OXYPY_LOAD_DECIMAL      /* (6, max_digits, decimal_places)  finite Decimals within both (None: open) */
} oxypy_load;

typedef struct oxypy_field {
    struct oxypy_plan *plan; /* whose field it is; borrowed */
    PyObject *name;          /* interned str, owned by the plan */
    uint32_t column;         /* index into table.columns */
    oxy_type load_type;      /* kind and elem that cells are decoded to: the Python type's own */
    oxypy_load load;
    bool load_nullable;  /* None passes without a check */
    PyObject *load_arg;  /* ENUM: dict; VALIDATOR: bound validate_python; else NULL */
    PyTypeObject *fresh; /* VALIDATOR: dict or list, if it would only copy one out of JSON; else NULL; borrowed */
    bool has_min, has_max;
    int64_t i_min, i_max; /* inclusive: LENGTH, INT_RANGE; DECIMAL: digits, places */
    double d_min, d_max;  /* FLOAT_RANGE */
    bool d_min_open, d_max_open, finite;
    PyObject *coerce;    /* callable(value) -> value of the field's type, lax; or NULL: no conversion */
    PyObject *plain;     /* what values() makes of a decoded value: a dict of members, a callable, or NULL: nothing */
    PyObject *to_stored; /* callable(value) -> str/int/bytes/... to store; or NULL: stored as it is */
    uint8_t category;    /* oxypy_category */
    bool generated;      /* left out of INSERT while untouched (None and not set, or db_default) */
    bool primary_key;
} oxypy_field;

/* Fields of the class that have no column: filled with their default. */
typedef struct oxypy_absent {
    PyObject *name;
    PyObject *constant; /* or NULL */
    PyObject *factory;  /* callable without arguments, or NULL */
} oxypy_absent;

/* Lookup categories of the queries document, section 5. */
typedef enum oxypy_category {
    OXYPY_CAT_STRING,
    OXYPY_CAT_NUMERIC,
    OXYPY_CAT_DATETIME,
    OXYPY_CAT_DATE,
    OXYPY_CAT_TIME,
    OXYPY_CAT_ORDERED,
    OXYPY_CAT_ARRAY,
    OXYPY_CAT_JSON,
    OXYPY_CAT_PLAIN,
    OXYPY_CAT_COUNT
} oxypy_category;

typedef struct oxypy_plan {
    PyObject_HEAD PyTypeObject *model; /* strong; the class holds the plan, GC breaks the cycle */
    oxy_table table;                   /* table.columns is owned */
    oxypy_field *fields;               /* one per column, in declaration order */
    uint32_t n_fields;
    oxypy_absent *absent;
    uint32_t n_absent;
    PyObject *by_name; /* dict field name -> PyLong index into fields */
    uint32_t *pk;      /* indexes of key fields, in order */
    uint32_t n_pk;
    bool whole_model;        /* rows go through model_validator whole */
    PyObject *validate_row;  /* callable(dict by field name) -> instance, or raises: the model's own validator */
    PyObject *template_dict; /* all attributes in field order, absent constants filled in, others None */
    PyObject *template_set;  /* names of all column fields */
    bool lazy_set;           /* the class makes its set of fields on first use: fields_set.c */
    bool leaves;             /* instances whose dict is not tracked need not be either: leaf.h */
    PyObject *extra;         /* None, or an empty dict to copy (extra="allow") */
    Py_ssize_t off_fields_set, off_extra, off_private, off_state; /* slot offsets in the instance */
    PyObject *loaded_state;                                       /* shared InstanceState: saved, everything loaded */
    PyObject *order;                                              /* Meta.ordering as a tuple of Expr, or empty */
    PyObject *lookups;         /* dict keyword -> resolved lookup, filled on use (tree.c) */
    struct oxypy_cache *cache; /* compiled statements rooted at this model (compiled.c) */
    PyObject *arena_keepalive; /* list of str whose UTF-8 the table's text points into */
    PyObject *init_private; /* fills private attributes: callable(instance, None), or as oxypy_private_new() wants it;
                               or NULL */
    PyObject *partial;    /* callable(names) -> (validate, defaults) for rows with some fields only (proof), or NULL */
    PyObject *without_id; /* tuple of (relation, tuple of its ids): None where an id is; or NULL: always attributes */
    struct oxypy_rowprog *decoded;    /* Plan.load's program for complete rows, made on first use */
    struct oxypy_relation *relations; /* n_relations of them, each resolved on first use: relation.h */
    uint32_t n_relations;
    PyObject *relation_of; /* callable(name) -> RelationSpec, or NULL */
    bool long_names;       /* a field or relation has "__" in its name */
} oxypy_plan;

/* Borrowed plan of a model class; NULL with an exception for classes that are
 * no (finished) table. */
oxypy_plan *oxypy_plan_of(oxypy_state *st, PyObject *model);
/* Index of a field by name or -1 (no exception). name must be exact str. */
Py_ssize_t oxypy_plan_field(const oxypy_plan *plan, PyObject *name);

/* The plan's statement cache (compiled.c), made on the first statement. Its
 * entries refer back to plans: the plan's traverse and clear pass through. */
int oxypy_cache_traverse(struct oxypy_cache *cache, visitproc visit, void *arg);
void oxypy_cache_free(struct oxypy_cache *cache); /* NULL is fine */

/* Plan.check (condition.c): resolves every name, lookup and value of a
 * condition against the plan. 0, or -1 with the contract's exception. */
int oxypy_check_condition(oxypy_state *st, oxypy_plan *plan, PyObject *condition);

#endif
