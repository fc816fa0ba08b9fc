/* SPDX-License-Identifier: MIT */
/* Rows to insert: what the ways from instances to a statement share. */
#ifndef OXYPY_INSERT_H
#define OXYPY_INSERT_H

#include "build.h"
#include "template.h"

typedef struct oxypy_insert {
    PyObject_HEAD PyObject *model;
    PyObject *rows;    /* tuple of instances */
    PyObject *fields;  /* tuple of names, or NULL: what the rows hold */
    PyObject *targets; /* tuple of names */
    PyObject *sets;    /* dict name -> Expr or None, or NULL */
    uint8_t conflict;  /* oxy_conflict */
    bool refill;
    bool keep; /* with refill: only what the database fills comes back */
} oxypy_insert;

/* The row's __dict__; new reference. TypeError if it is no row of the model. */
PyObject *oxypy_insert_row_dict(const oxypy_plan *plan, PyObject *row);

/* --- values of many rows (insert_values.c) ------------------------------------------------ */

#define OXYPY_NO_PLACE UINT32_MAX

/* Where the values lie in rows that were made by calling the class: their dicts are
 * copies of one template. All zero: not known. */
typedef struct oxypy_insert_places {
    PyObject *template_dict; /* strong, or NULL */
    uint32_t *of;            /* place or OXYPY_NO_PLACE for each field of the plan */
} oxypy_insert_places;

/* Finds them out where n_rows are worth it. 0 / -1; fini it either way. */
int oxypy_insert_places_init(oxypy_state *st, const oxypy_plan *plan, Py_ssize_t n_rows, oxypy_insert_places *p);
void oxypy_insert_places_fini(oxypy_insert_places *p);

/* Takes values out of a __dict__ in the order of the plan, which is nearly
 * always the order they lie in. */
typedef struct oxypy_insert_walk {
    const oxypy_plan *plan;
    const oxypy_insert_places *places; /* borrowed, or NULL */
    PyObject *dict;                    /* borrowed */
    Py_ssize_t at;
} oxypy_insert_walk;

/* The same by name. */
PyObject *oxypy__insert_walk_on(oxypy_insert_walk *w, PyObject *name);

/* The value of the field of that number; borrowed. NULL, with an exception or not. */
static inline PyObject *oxypy_insert_next_value(oxypy_insert_walk *w, uint32_t field)
{
    const oxypy_insert_places *p = w->places;
    PyObject **values = p && p->template_dict ? oxypy_template_values(p->template_dict, w->dict) : NULL;

    if (values && p->of[field] != OXYPY_NO_PLACE) {
        return values[p->of[field]];
    }
    return oxypy__insert_walk_on(w, w->plan->fields[field].name);
}

/* One byte per field: 1 where the row writes it. places: or NULL. */
int oxypy_insert_mask(oxypy_state *st, const oxypy_plan *plan, const oxypy_insert_places *places, PyObject *row,
                      char *mask);

/* Numbers of the fields to write; out has room for all of the plan. */
int oxypy_insert_columns(oxypy_build *cx, oxypy_plan *plan, const oxypy_insert *s, uint32_t *out, uint32_t *n);

/* --- the short way (insert_short.c) ------------------------------------------------------ */

#define OXYPY_INSERT_SHORT_COLUMNS 64

/* What an INSERT without conflicts is found by: its columns and how many rows. */
typedef struct oxypy_insert_short {
    oxypy_plan *plan;
    PyObject *rows; /* tuple; borrowed */
    uint32_t columns[OXYPY_INSERT_SHORT_COLUMNS];
    uint32_t n_columns;
    uint64_t key[3 + OXYPY_INSERT_SHORT_COLUMNS];
    uint32_t n; /* of key */
    uint64_t hash;
} oxypy_insert_short;

/* 1; 0: this one takes the long way; -1. */
int oxypy_insert_key(oxypy_build *cx, PyObject *subject, PyObject *returning, const oxy_dialect *dialect,
                     oxypy_insert_short *out);
/* Whether the statement binds the values of the rows as they are, one after the other. */
bool oxypy_insert_binds_rows(const oxypy_insert_short *s, const oxy_sql *sql);
/* Encodes the rows for such a statement. 0 / -1. */
int oxypy_insert_encode(oxypy_build *cx, const oxypy_insert_short *s, const oxy_codec *codec, oxypy_prepared *out);

#endif
