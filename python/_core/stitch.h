/* SPDX-License-Identifier: MIT */
/* Links: related rows by the keys of those who have them. */
#ifndef OXYPY_STITCH_H
#define OXYPY_STITCH_H

#include "statement.h"

/* A row of a linked query (link.h) goes to the list of its key. links: a Links,
 * or anything else for a TypeError. shared: as of oxypy_row_build. 0 / -1. */
int oxypy_links_take(oxypy_state *st, PyObject *links, const oxypy_compiled *compiled, const oxypy_rowview *row,
                     oxypy_shared **shared);

/* Whether this link of a query (model, relation, keys) names all of its keys: then
 * no other statement has rows for it. */
bool oxypy_links_is_asked_for(const oxypy_state *st, PyObject *links, PyObject *link);

/* As before its first row. 0 / -1. */
int oxypy_links_forget(const oxypy_state *st, PyObject *links);

/* The list of all its rows so far, each once: borrowed. NULL for anything but a Links. */
PyObject *oxypy_links_rows(const oxypy_state *st, PyObject *links);

#endif
