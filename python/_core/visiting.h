/* SPDX-License-Identifier: MIT */
/* How the cyclic collector visits instances of model classes. */
#ifndef OXYPY_VISITING_H
#define OXYPY_VISITING_H

#include "plan.h"

/* Instances of the class are visited directly from now on, if the interpreter is one that
 * is known. The class has no words but Pydantic's slots and ours (freeing.c sees to it). */
void oxypy_visiting_use(PyTypeObject *type);

/* VISITS_DIRECTLY, visits_directly(cls). 0 / -1. */
int oxypy_visiting_init(PyObject *module);

#endif
