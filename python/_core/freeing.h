/* SPDX-License-Identifier: MIT */
/* Freeing instances of model classes without CPython's walk over their bases. */
#ifndef OXYPY_FREEING_H
#define OXYPY_FREEING_H

#include "plan.h"

/* Instances of plan->model are freed directly from now on, if they have no more
 * than Pydantic's slots and ours, and the interpreter is one that is known. The
 * plan's slot offsets are set. */
void oxypy_freeing_use(oxypy_plan *plan);

/* Whether instances of exactly this class are. */
bool oxypy_freed_directly(const PyTypeObject *type);

/* FREES_DIRECTLY, frees_directly(cls). 0 / -1. */
int oxypy_freeing_init(PyObject *module);

#endif
