/* SPDX-License-Identifier: MIT */
/* Rows to insert: what the ways from instances to a statement share. */
#ifndef OXYPY_INSERT_H
#define OXYPY_INSERT_H

#include "build.h"

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

/* Takes values out of a __dict__ in the order of the plan, which is nearly
 * always the order they lie in. */
typedef struct oxypy_insert_walk {
    PyObject *dict; /* borrowed */
    Py_ssize_t at;
} oxypy_insert_walk;

/* The value of that name; borrowed. NULL, with an exception or not. */
PyObject *oxypy_insert_next_value(oxypy_insert_walk *w, PyObject *name);

/* One byte per field: 1 where the row writes it. */
int oxypy_insert_mask(oxypy_state *st, const oxypy_plan *plan, PyObject *row, char *mask);

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
