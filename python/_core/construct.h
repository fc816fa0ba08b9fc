/* SPDX-License-Identifier: MIT */
/* Construction: how an instance is made in C when its class is called. What is
 * the same for all calls (names, types, defaults, slots) is settled once, by
 * oxyde.models._proof_construct, and kept in the class. */
#ifndef OXYPY_CONSTRUCT_H
#define OXYPY_CONSTRUCT_H

#include "state.h"

/* Fills a new instance from keyword arguments (may be NULL). 1 if that is done; 0 if
 * it is Pydantic's to do, and then nothing has been called or changed; -1 with
 * an exception, which is that of a default's factory or lack of memory. */
int oxypy_construct(oxypy_state *st, PyObject *self, PyObject *kwargs);

#endif
