/* SPDX-License-Identifier: MIT */
/* What the files of value conversion share. */
#ifndef OXYPY_TO_C_PARTS_H
#define OXYPY_TO_C_PARTS_H

#include <assert.h>
#include <stdarg.h>

#include "statement.h"
#include "to_c.h"

/* datetime.h's checks use a static pointer; these use the module's. */
#define PyDate_Check_(st, o) PyObject_TypeCheck(o, (st)->datetime->DateType)
#define PyDateTime_Check_(st, o) PyObject_TypeCheck(o, (st)->datetime->DateTimeType)
#define PyTime_Check_(st, o) PyObject_TypeCheck(o, (st)->datetime->TimeType)
#define PyDelta_Check_(st, o) PyObject_TypeCheck(o, (st)->datetime->DeltaType)

int oxypy_mismatch(const oxypy_conv *cv, PyObject *value, oxy_kind kind);
int oxypy_keep(const oxypy_conv *cv, PyObject *object);
int oxypy_copy_bytes(const oxypy_conv *cv, const char *p, size_t len, oxy_sv *out);
int oxypy_borrow_text(const oxypy_conv *cv, PyObject *text, oxy_sv *out);
int oxypy_text_of(const oxypy_conv *cv, PyObject *value, oxy_sv *out);
int oxypy_is_ip(oxypy_state *st, PyObject *value); /* -1 with an exception */

/* to_c_time.c */
int oxypy_store_datetime(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out);
int oxypy_store_date(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out);
int oxypy_store_time(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out);
int oxypy_store_timedelta(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out);
int oxypy_store_delta(const oxypy_conv *cv, PyObject *value, oxy_tag tag, oxy_value *out);
int oxypy_time_text(const oxypy_conv *cv, PyObject *value, oxy_value *out);

/* to_c_json.c */
int oxypy_store_uuid(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out);
int oxypy_store_decimal(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out);
int oxypy_store_array(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out);
int oxypy_store_json(const oxypy_conv *cv, PyObject *value, oxy_value *out);

#endif
