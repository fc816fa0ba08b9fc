/* SPDX-License-Identifier: MIT */
/* What the files of expressions share. */
#ifndef OXYPY_TREE_H
#define OXYPY_TREE_H

#include "build.h"

/* Raises the exception of the code; NULL. */
const oxy_expr *oxypy_build_refuse(oxypy_build *cx, oxy_rc rc, const char *text);
/* value, if it is a literal, by the type of node or, better, of the field that
 * node shows; anything else by itself. */
const oxy_expr *oxypy_build_beside(oxypy_build *cx, PyObject *value, const oxy_expr *node, const oxypy_field *field);
/* An operand and the field whose type it shows, or NULL. */
const oxy_expr *oxypy_build_shown(oxypy_build *cx, PyObject *value, const oxypy_field **field);
const oxy_expr *oxypy_build_part(oxypy_build *cx, const oxy_expr *arg, uint8_t category, oxy_part part, bool trunc);
const oxy_expr *oxypy_build_inner(oxypy_build *cx, const oxypy_scope *scope, const oxypy_out *column);
const oxy_expr *oxypy_build_key(oxypy_build *cx); /* the key column, or a tuple of them */

const oxy_expr *oxypy_build_compare(oxypy_build *cx, oxypy_expr *e);
const oxy_expr *oxypy_build_membership(oxypy_build *cx, oxypy_expr *e); /* IN */
const oxy_expr *oxypy_build_between(oxypy_build *cx, oxypy_expr *e);
const oxy_expr *oxypy_build_match(oxypy_build *cx, oxypy_expr *e);
const oxy_expr *oxypy_build_logic(oxypy_build *cx, oxypy_expr *e);
const oxy_expr *oxypy_build_not(oxypy_build *cx, oxypy_expr *e);
const oxy_expr *oxypy_build_func(oxypy_build *cx, oxypy_expr *e);
const oxy_expr *oxypy_build_aggregate(oxypy_build *cx, oxypy_expr *e);
/* Inside a window: over the rows, or the groups, that the query gives. */
const oxy_expr *oxypy_build_windowed(oxypy_build *cx, oxypy_expr *e);
const oxy_expr *oxypy_build_window(oxypy_build *cx, oxypy_expr *e);
/* The terms of an order from args[from] on, inside a window or an aggregate. 0 / -1. */
int oxypy_build_terms(oxypy_build *cx, PyObject *args, Py_ssize_t from, oxy_orders *out);
const oxy_expr *oxypy_build_case(oxypy_build *cx, oxypy_expr *e, const oxypy_want *want);
const oxy_expr *oxypy_build_subquery(oxypy_build *cx, oxypy_expr *e);
const oxy_expr *oxypy_build_outer(oxypy_build *cx, oxypy_expr *e);
const oxy_expr *oxypy_build_raw(oxypy_build *cx, oxypy_expr *e);

/* containment.c: contains, contained_by, overlap. */
const oxy_expr *oxypy_build_containment(oxypy_build *cx, const oxypy_lookup *lk, const oxy_expr *target,
                                        const oxypy_want *want, PyObject *value);
/* lookup_build.c. Values that JSON has no form for (dates, decimals, UUIDs)
 * compare as the text that Pydantic writes for them. New reference. */
PyObject *oxypy_json_form(oxypy_build *cx, PyObject *value);

/* write.c: assignments from a dict name -> value. excluded: None stands for the
 * new value of an upsert. */
int oxypy_build_assigns(oxypy_build *cx, PyObject *values, bool excluded, oxy_assign **out, uint32_t *n);

#endif
