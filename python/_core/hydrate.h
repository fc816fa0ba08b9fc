/* SPDX-License-Identifier: MIT */
/* Rows in: from cells to Python objects. A row program is made once per
 * compiled statement and result shape; running it builds one row. */
#ifndef OXYPY_HYDRATE_H
#define OXYPY_HYDRATE_H

#include <oxyde/sql.h>

#include "plan.h"

typedef enum oxypy_shape {
    OXYPY_MODEL, /* instances; columns beyond the model's are set as attributes */
    OXYPY_DICT,  /* dict by name */
    OXYPY_TUPLE,
    OXYPY_FLAT /* the only column's value */
} oxypy_shape;

typedef struct oxypy_rowprog oxypy_rowprog;

/* The current row of a connection; all borrowed until its next step. */
typedef struct oxypy_rowview {
    const oxy_cell *cells;
    const oxy_coldesc *cols;
    uint32_t n;
    const oxy_codec *codec;
} oxypy_rowview;

struct oxypy_relation;

/* A related row that lies in the same row, made by join(). */
typedef struct oxypy_branch {
    const struct oxypy_relation *relation; /* borrowed from the plan it starts from */
    uint32_t parent;                       /* 0: the row itself; else 1 + number of an earlier branch */
    uint32_t first;                        /* its first column: all fields of the target, in the plan's order */
} oxypy_branch;

/* What the rows of one result share: related rows by key, so that each is
 * decoded and validated once and is one object. NULL to begin with; made when
 * needed. Owner: whoever runs the program; belongs to one program at a time. */
typedef struct oxypy_shared oxypy_shared;

void oxypy_shared_free(oxypy_shared *shared); /* NULL is fine */
int oxypy_shared_traverse(const oxypy_shared *shared, visitproc visit, void *arg);

/* names: tuple of str, one per result column (dict keys; in MODEL mode the
 * field name, or the alias of an annotation). plan may be NULL unless MODEL.
 * In MODEL mode a column belongs to the field whose name it has. Result
 * columns that are plain columns of `plan` (or of a joined plan) decode to the
 * field's Python type through fields[i]: one entry per result column, NULL
 * for expressions, which decode by their own type. branches: MODEL only; their
 * columns follow those of the row itself, a parent stands before its children.
 * NULL with an exception on failure. Borrowed arguments; the program keeps
 * what it needs alive. */
oxypy_rowprog *oxypy_rowprog_new(oxypy_state *st, oxypy_plan *plan, oxypy_shape shape, const oxy_result_col *cols,
                                 const oxypy_field *const *fields, PyObject *names, const oxypy_branch *branches,
                                 uint32_t n_branches);
void oxypy_rowprog_free(oxypy_rowprog *p);
int oxypy_rowprog_traverse(oxypy_rowprog *p, visitproc visit, void *arg);

/* One row. New reference, or NULL with DataError (table, column, type),
 * pydantic.ValidationError, or whatever a validator raised. Holds no
 * reference into the cells afterwards. shared: where the rows of this result
 * keep what they share. */
PyObject *oxypy_row_build(oxypy_state *st, oxypy_rowprog *p, const oxypy_rowview *row, oxypy_shared **shared);
/* One column of a row that was built, as it is decoded before any rule. New
 * reference, or NULL with DataError. */
PyObject *oxypy_row_decoded(oxypy_state *st, const oxypy_rowprog *p, const oxypy_rowview *row, uint32_t column);

/* Overwrites an instance's fields from a row (create, save, refresh), past
 * frozen; validates like loading. inserted: the row is what became of the
 * instance, so that fields which it lacks are as stored, too. 0 / -1. */
int oxypy_row_refill(oxypy_state *st, oxypy_rowprog *p, const oxypy_rowview *row, PyObject *instance, bool inserted);

/* The program for rows of free text as instances: columns are named like the
 * plan's columns or fields; others become attributes. NULL with FieldError when
 * a field comes twice, or the key does not come. */
oxypy_rowprog *oxypy_raw_program(oxypy_state *st, oxypy_plan *plan, const oxypy_rowview *row);

/* A raw row (execute_raw) by the database's own types: dict by column name. */
PyObject *oxypy_raw_row(oxypy_state *st, const oxypy_rowview *row);

/* An instance from decoded values by field name, through the same checks and
 * building as rows; keys that are no fields become attributes. Plan.load. */
PyObject *oxypy_row_from_decoded(oxypy_state *st, oxypy_plan *plan, PyObject *row);

/* Applies a rule of the engine (no validator) to a value other than None, which it may
 * replace: 1 if Pydantic takes the value so, 0 if it may not, -1 with an exception. */
int oxypy__rule_apply(oxypy_state *st, const oxypy_field *rule, PyObject **value);

/* --- text.c -------------------------------------------------------------------- */

/* Whether a str has code points that no UTF-8 has. */
bool oxypy_has_surrogate(PyObject *text);

/* UTF-8 as a str; UnicodeDecodeError as Python raises it. */
PyObject *oxypy_from_text(const char *p, size_t len);

/* --- to_py.c ------------------------------------------------------------------- */

/* Finds what values need beyond the module's imports. 0 / -1. */
int oxypy_to_py_init(oxypy_state *st);
/* decimal.c: finds out whether Decimals can be written and read directly. 0 / -1. */
int oxypy_decimal_init(oxypy_state *st);
/* A Decimal of plainly written digits. New reference; NULL without an exception:
 * it is written otherwise, or has to be made by its class. */
PyObject *oxypy_decimal_quick(oxypy_state *st, const char *p, size_t len);
/* What str() of an exact Decimal would look like: digits without leading zeros (0 of
 * a zero), and places, are set only where it is plain. */
typedef enum oxypy_decimal_form {
    OXYPY_DECIMAL_UNKNOWN, /* it cannot be looked into: ask str() */
    OXYPY_DECIMAL_PLAIN,
    OXYPY_DECIMAL_EXPONENT,
    OXYPY_DECIMAL_SPECIAL
} oxypy_decimal_form;
oxypy_decimal_form oxypy_decimal_measure(oxypy_state *st, PyObject *value, int64_t *digits, int64_t *places);
/* Calendar objects; ValueError outside of years 1 to 9999. */
PyObject *oxypy_from_datetime(oxypy_state *st, int64_t micros, bool utc);

/* One typed value as a Python object of the kind. New reference. */
PyObject *oxypy_from_value(oxypy_state *st, const oxy_value *v, const oxy_type *type);

#endif
