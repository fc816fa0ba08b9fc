/* SPDX-License-Identifier: MIT */
/* Writing terminals: what terminal.c does for values given by keyword. */
#ifndef OXYPY_WRITING_H
#define OXYPY_WRITING_H

#include "runtime_private.h"

/* Carries out a call of which all keywords are values. 1: *out is the operation
 * (new reference); 0: the written function has to; -1. */
typedef int oxypy_writing(oxypy_state *st, oxypy_query *q, PyObject *helper, PyObject *keywords,
                          PyObject *const *values, PyObject **out);

/* For OXYPY_DO_INSERT, helper is prepare_for_write(model, instances); for
 * OXYPY_DO_UPDATE, validate_field(model, name, value). NULL for all others. */
oxypy_writing *oxypy_writing_of(int what);

/* Whether a class has this attribute from Model, whose own is given. 1, 0, -1. */
int oxypy_inherits(PyObject *model, PyObject *name, PyObject *own);

/* --- deleting.c ----------------------------------------------------------------------- */

/* instance.delete(). 1: *out is the operation (new reference); 0: the written
 * function has to; -1. */
int oxypy_delete_row(oxypy_state *st, PyObject *instance, PyObject **out);

/* The row of an instance is gone: it stands for none, and nothing of it is dirty.
 * 0 / -1. */
int oxypy_note_deleted(oxypy_state *st, PyObject *instance);

#endif
