/* SPDX-License-Identifier: MIT */
/* Values in: dates, times and durations. Aware datetimes become UTC; what a
 * zone-less column would lose is warned of once per field. */
#include "to_c_parts.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)

/* utcoffset() in microseconds. 1 aware, 0 naive, -1 exception. */
static int utc_offset(const oxypy_conv *cv, PyObject *value, PyObject *tzinfo, int64_t *out)
{
    *out = 0;
    if (tzinfo == Py_None) {
        return 0;
    }
    if (tzinfo == cv->st->utc) {
        return 1;
    }
    PyObject *delta = PyObject_CallMethod(value, "utcoffset", NULL);

    if (!delta) {
        return -1;
    }
    if (delta == Py_None) {
        Py_DECREF(delta);
        return 0;
    }
    *out = PyDateTime_DELTA_GET_DAYS(delta) * DAY_US + PyDateTime_DELTA_GET_SECONDS(delta) * SECOND_US +
           PyDateTime_DELTA_GET_MICROSECONDS(delta);
    Py_DECREF(delta);
    return 1;
}

static int64_t date_micros(PyObject *value)
{
    oxy_civil c = {
        .year = PyDateTime_GET_YEAR(value),
        .month = PyDateTime_GET_MONTH(value),
        .day = PyDateTime_GET_DAY(value),
    };

    return oxy_micros_from_civil(&c);
}

static int64_t datetime_micros(PyObject *value)
{
    return date_micros(value) + PyDateTime_DATE_GET_HOUR(value) * 3600 * SECOND_US +
           PyDateTime_DATE_GET_MINUTE(value) * 60 * SECOND_US + PyDateTime_DATE_GET_SECOND(value) * SECOND_US +
           PyDateTime_DATE_GET_MICROSECOND(value);
}

/* One RuntimeWarning per field: the plan remembers which had theirs. */
static int warn_zone_lost(const oxypy_conv *cv)
{
    PyObject *mark = NULL;

    if (cv->plan && cv->field && cv->plan->lookups) {
        mark = PyUnicode_FromFormat(" zone %U", cv->field->name);
        int known = mark ? PyDict_Contains(cv->plan->lookups, mark) : -1;

        if (known || PyDict_SetItem(cv->plan->lookups, mark, Py_None) < 0) {
            Py_XDECREF(mark);
            return known > 0 ? 0 : -1;
        }
        Py_DECREF(mark);
        return PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                                "%s.%U: an aware datetime is stored in UTC without its zone; annotate the field as "
                                "AwareDatetime to keep it",
                                cv->plan->model->tp_name, cv->field->name);
    }
    return PyErr_WarnEx(PyExc_RuntimeWarning, "an aware datetime is stored in UTC without its zone", 1);
}

int oxypy_store_datetime(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    int64_t offset = 0;
    int aware = 0;

    if (PyDateTime_Check_(cv->st, value)) {
        aware = utc_offset(cv, value, PyDateTime_DATE_GET_TZINFO(value), &offset);
        if (aware < 0) {
            return -1;
        }
        out->i = datetime_micros(value) - offset;
    } else if (PyDate_Check_(cv->st, value)) {
        out->i = date_micros(value);
    } else {
        return oxypy_mismatch(cv, value, type->kind);
    }
    if (out->i < OXY_DATETIME_MIN || out->i > OXY_DATETIME_MAX) {
        return oxypy_conv_fail(cv, "the datetime is outside the years 1 to 9999 in UTC");
    }
    out->tag = type->kind == OXY_K_DATETIME_UTC ? OXY_V_DATETIME_UTC : OXY_V_DATETIME;
    return aware && type->kind == OXY_K_DATETIME ? warn_zone_lost(cv) : 0;
}

int oxypy_store_date(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    if (!PyDate_Check_(cv->st, value)) {
        return oxypy_mismatch(cv, value, type->kind);
    }
    if (PyDateTime_Check_(cv->st, value) && datetime_micros(value) % DAY_US != 0) {
        return oxypy_conv_fail(cv, "a date column cannot hold the time of a datetime");
    }
    out->tag = OXY_V_DATE;
    /* Whole days, so the division of a negative number is exact as well. */
    out->i = date_micros(value) / DAY_US;
    return 0;
}

int oxypy_store_time(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    int64_t offset;

    if (!PyTime_Check_(cv->st, value)) {
        return oxypy_mismatch(cv, value, type->kind);
    }
    int aware = utc_offset(cv, value, PyDateTime_TIME_GET_TZINFO(value), &offset);

    if (aware < 0) {
        return -1;
    }
    out->i = PyDateTime_TIME_GET_HOUR(value) * 3600 * SECOND_US + PyDateTime_TIME_GET_MINUTE(value) * 60 * SECOND_US +
             PyDateTime_TIME_GET_SECOND(value) * SECOND_US + PyDateTime_TIME_GET_MICROSECOND(value);
    out->tag = aware ? OXY_V_TIMETZ : OXY_V_TIME;
    out->tz = (int32_t)(offset / SECOND_US);
    return 0;
}

int oxypy_store_delta(const oxypy_conv *cv, PyObject *value, oxy_tag tag, oxy_value *out)
{
    int64_t micros;

    if (__builtin_mul_overflow((int64_t)PyDateTime_DELTA_GET_DAYS(value), DAY_US, &micros) ||
        __builtin_add_overflow(
            micros, PyDateTime_DELTA_GET_SECONDS(value) * SECOND_US + PyDateTime_DELTA_GET_MICROSECONDS(value),
            &micros)) {
        return oxypy_conv_fail(cv, "the timedelta is beyond 64 bits of microseconds");
    }
    out->tag = tag;
    out->i = micros;
    return 0;
}

int oxypy_store_timedelta(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    if (!PyDelta_Check_(cv->st, value)) {
        return oxypy_mismatch(cv, value, type->kind);
    }
    return oxypy_store_delta(cv, value, OXY_V_TIMEDELTA, out);
}

/* A text column of a date or time field holds the same text as SQLite's date
 * columns do. */
int oxypy_time_text(const oxypy_conv *cv, PyObject *value, oxy_value *out)
{
    static const oxy_type utc = {.kind = OXY_K_DATETIME_UTC}, time = {.kind = OXY_K_TIME};
    char text[OXY_TEXT_MAX];
    size_t len;
    oxy_value v = {0};

    if (PyDateTime_Check_(cv->st, value)) {
        if (oxypy_store_datetime(cv, value, &utc, &v) < 0) {
            return -1;
        }
        len = oxy_datetime_format(text, v.i, ' ');
    } else if (PyDate_Check_(cv->st, value)) {
        len = oxy_date_format(text, date_micros(value) / DAY_US);
    } else {
        if (oxypy_store_time(cv, value, &time, &v) < 0) {
            return -1;
        }
        if (v.tag == OXY_V_TIMETZ) {
            return oxypy_conv_fail(cv, "an aware time cannot be stored here");
        }
        len = oxy_time_format(text, v.i);
    }
    out->tag = OXY_V_TEXT;
    return oxypy_copy_bytes(cv, text, len, &out->s);
}
