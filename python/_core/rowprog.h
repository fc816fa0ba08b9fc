/* SPDX-License-Identifier: MIT */
/* Inside of a row program; for rowprog.c and hydrate.c. */
#ifndef OXYPY_ROWPROG_H
#define OXYPY_ROWPROG_H

#include "hydrate.h"

/* The short ways from a cell to an object. A cell of another type than the
 * way expects, and every kind without one, goes through the codec. */
typedef enum oxypy_way {
    OXYPY_WAY_CODEC,
    OXYPY_WAY_INT,
    OXYPY_WAY_TEXT,
    OXYPY_WAY_DOUBLE,
    OXYPY_WAY_BOOL,
    OXYPY_WAY_BLOB,
    OXYPY_WAY_DATETIME,
    OXYPY_WAY_DATETIME_UTC,
    OXYPY_WAY_DATE,
    OXYPY_WAY_DECIMAL
} oxypy_way;

/* One result column. rule is a copy of the field's, owning what it refers to;
 * columns without a field have the identity. */
typedef struct oxypy_rowcol {
    uint8_t way; /* oxypy_way */
    bool is_field;
    bool quiet;     /* getting its value runs no Python code, and the value holds no other */
    uint32_t place; /* of its value in copies of the template, if the program is placed */
    PyObject *name;
    oxypy_field rule;
    oxy_type type;                  /* to decode to; its text is borrowed from the tables */
    struct oxypy_json_memory *json; /* of a JSON column: what its documents look like; or NULL */
    PyObject *table;                /* str, for errors; NULL for expressions */
    PyObject *column;               /* str */
} oxypy_rowcol;

/* Attributes that a row does not bring and that are made anew for each. */
typedef struct oxypy_made {
    PyObject *name, *factory;
    uint32_t place; /* of its value in copies of the template; UINT32_MAX: none */
} oxypy_made;

/* A related row among the columns of a row, as an attribute of its instance. */
typedef struct oxypy_child {
    PyObject *name;
    uint32_t first;  /* its first column, counted from the first of the row it belongs to */
    uint32_t n_keys; /* its own columns that tell its rows apart; NULL where there is no related row */
    uint32_t *keys;
    uint32_t number; /* of its objects among what the result shares */
    oxypy_rowprog *program;
} oxypy_child;

struct oxypy_rowprog {
    oxypy_shape shape;
    uint32_t n, n_made;
    oxypy_plan *plan;        /* strong, or NULL */
    PyObject *template_dict; /* MODEL: __dict__ of a row; DICT: the row; else NULL */
    PyObject *fields_set;    /* MODEL: set to copy */
    PyObject *covered;       /* names that constructed instances share, all of them fields of the plan; or NULL */
    PyObject *state;         /* MODEL: InstanceState of every row */
    PyObject *validate;      /* partial rows: dict -> (dict, extra, fields set); NULL: the plan's validate_row */
    PyObject *lax;           /* ("strict", "by_alias", "by_name") */
    oxypy_made *made;
    oxypy_child *children;
    uint32_t n_children;
    uint32_t width, n_branches; /* of the outermost program: columns of the whole row, children at any depth */
    bool partial, whole;        /* some fields only; every row goes through the validator whole */
    bool placed;                /* every column has its place: template.h */
    bool in_words;              /* ... which lies in the copy's own table of names */
    oxypy_rowcol cols[];
};

#endif
