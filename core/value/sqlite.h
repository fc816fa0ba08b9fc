/* SPDX-License-Identifier: MIT */
/* For this room only: what the two halves of the SQLite codec share. */
#ifndef OXY_VALUE_SQLITE_H
#define OXY_VALUE_SQLITE_H

#include "text.h"

/* Storage class of a cell, as SQLite names it. */
const char *oxy__sqlite_class(const oxy_cell *cell);
oxy_rc oxy__sqlite_encode(const oxy_value *in, const oxy_type *as, oxy_arena *scratch, oxy_value *out, oxy_err *err);

#endif
