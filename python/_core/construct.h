/* SPDX-License-Identifier: MIT */
/* Construction: how an instance is made in C when its class is called. What is
 * the same for all calls (names, types, defaults, slots) is settled once, by
 * oxyde.models._proof_construct, and kept in the class. */
#ifndef OXYPY_CONSTRUCT_H
#define OXYPY_CONSTRUCT_H

#include "state.h"

/* A new instance of a class that is called; like those that came before, it may be untracked (leaf.h).
 * Who does not fill it by oxypy_construct() has it tracked. NULL with an exception. */
PyObject *oxypy_construct_new(oxypy_state *st, PyTypeObject *type);

/* Fills a new instance from keyword arguments (may be NULL). 1 if that is done, and it is tracked
 * if need be; 0 if it is Pydantic's to do, and then nothing has been called or changed; -1 with
 * an exception, which is that of a default's factory or lack of memory. */
int oxypy_construct(oxypy_state *st, PyObject *self, PyObject *kwargs);

/* The dict that the latest instances of the class copied (template.h); borrowed, NULL if
 * none was made this way. No exception. */
PyObject *oxypy_construct_template(oxypy_state *st, PyTypeObject *type);
/* Where the value of that name lies in such copies; UINT32_MAX: not known. at: where to begin
 * to look, 0 for the first name; moves on. */
uint32_t oxypy_construct_place(oxypy_state *st, PyTypeObject *type, PyObject *name, uint32_t *at);

#endif
