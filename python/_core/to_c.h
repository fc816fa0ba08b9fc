/* SPDX-License-Identifier: MIT */
/* Values in: one Python object as a typed value, by the column it meets. */
#ifndef OXYPY_TO_C_H
#define OXYPY_TO_C_H

#include "plan.h"

/* Where a value comes from and goes to. plan, field and lookup name things in
 * messages and may be NULL. */
typedef struct oxypy_conv {
    oxypy_state *st;
    const oxypy_plan *plan;
    const oxypy_field *field;
    PyObject *lookup; /* str: raise FieldLookupValueError where a value does not fit; NULL: DataError */
    oxy_arena *arena; /* short text is copied here */
    PyObject **keep;  /* list of objects whose longer text is borrowed; made when needed */
} oxypy_conv;

/* value as `type`, exactly: nothing is rounded or reinterpreted. None is
 * OXY_V_NULL. 0, or -1 with DataError (FieldLookupValueError) naming model and
 * field. The result lives as long as arena and *keep.
 *
 * JSON columns hold st->json_dumps(value) -> str, which refuses NaN and
 * infinities with ValueError; what it does not know goes through
 * pydantic_core.to_jsonable_python. */
int oxypy_store(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out);

/* The type that a Python value has by itself: literals, raw parameters. kind
 * UNKNOWN for None. -1 with TypeError for types that no column can hold. */
int oxypy_natural_type(oxypy_state *st, PyObject *value, oxy_type *out);

/* Lookup values: converted to the field's type as Pydantic's lax mode does,
 * without constraints; numbers stay as they are for numeric fields. New
 * reference; FieldLookupValueError (lookup given) or DataError. */
PyObject *oxypy_coerce(const oxypy_conv *cv, PyObject *value);

/* Compact JSON text of any value that Pydantic has a JSON form for. New str. */
PyObject *oxypy_json_text(oxypy_state *st, PyObject *value);

/* Raises DataError, or FieldLookupValueError if cv->lookup is set, beginning
 * with "Model.field: ". Returns -1. */
int oxypy_conv_fail(const oxypy_conv *cv, const char *fmt, ...);

#endif
