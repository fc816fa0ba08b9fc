/* SPDX-License-Identifier: MIT */
/* Reading FieldSpec tuples; private to plan.c, plan_spec.c and construct.c. */
#ifndef OXYPY_PLAN_SPEC_H
#define OXYPY_PLAN_SPEC_H

#include "plan.h"

/* A str's text as a view; the plan keeps the str. -1 with TypeError. */
int oxypy__plan_text(oxypy_plan *plan, PyObject *text, oxy_sv *out);
/* Fills field and column from a FieldSpec. What was set before a failure is
 * released by oxypy__field_clear. */
int oxypy__field_read(oxypy_state *st, oxypy_plan *plan, PyObject *spec, oxypy_field *field, oxy_column *column);
void oxypy__field_clear(oxypy_field *field);
/* A rule, (LOAD_*, ...), into load, load_arg and the bounds of a zeroed field. 0 / -1;
 * load_arg is the caller's to release in either case. */
int oxypy__rule_read(oxypy_state *st, PyObject *rule, oxypy_field *field);

#endif
