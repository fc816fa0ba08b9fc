/* SPDX-License-Identifier: MIT */
/* Values in: the kinds of column. What a Python object is by itself decides
 * first; a column of another kind takes it only where nothing is lost. Dates and
 * times are in to_c_time.c, decimals, identifiers and containers in to_c_json.c. */
#include "to_c_parts.h"

#include <math.h>
#include <string.h>

/* Longer text is not copied: the object is kept alive instead. */
#define COPY_MAX 512

int oxypy_conv_fail(const oxypy_conv *cv, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    PyObject *what = PyUnicode_FromFormatV(fmt, args);
    va_end(args);
    if (!what) {
        return -1;
    }
    PyObject *kind = cv->st->exceptions[cv->lookup ? OXY_LOOKUP_VALUE : OXY_DATA];

    if (!kind) {
        kind = PyExc_ValueError;
    }
    if (!cv->field) {
        PyErr_SetObject(kind, what);
    } else if (cv->lookup) {
        PyErr_Format(kind, "%s%s%U: lookup '%U': %U", cv->plan ? cv->plan->model->tp_name : "", cv->plan ? "." : "",
                     cv->field->name, cv->lookup, what);
    } else {
        PyErr_Format(kind, "%s%s%U: %U", cv->plan ? cv->plan->model->tp_name : "", cv->plan ? "." : "", cv->field->name,
                     what);
    }
    Py_DECREF(what);
    return -1;
}

int oxypy_mismatch(const oxypy_conv *cv, PyObject *value, oxy_kind kind)
{
    return oxypy_conv_fail(cv, "a value of type '%.100s' does not fit a column of kind '%s'", Py_TYPE(value)->tp_name,
                           oxy_kind_name(kind));
}

/* --- text ------------------------------------------------------------------------- */

int oxypy_keep(const oxypy_conv *cv, PyObject *object)
{
    if (!*cv->keep && !(*cv->keep = PyList_New(0))) {
        return -1;
    }
    return PyList_Append(*cv->keep, object);
}

int oxypy_copy_bytes(const oxypy_conv *cv, const char *p, size_t len, oxy_sv *out)
{
    char *copy = oxy_arena_copy(cv->arena, p, len);

    if (!copy) {
        PyErr_NoMemory();
        return -1;
    }
    *out = (oxy_sv){copy, len};
    return 0;
}

int oxypy_borrow_text(const oxypy_conv *cv, PyObject *text, oxy_sv *out)
{
    Py_ssize_t len;
    const char *p = PyUnicode_AsUTF8AndSize(text, &len);

    if (!p) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
            return -1;
        }
        PyErr_Clear();
        return oxypy_conv_fail(cv, "the text contains a lone surrogate, which is no character");
    }
    if (len <= COPY_MAX) {
        return oxypy_copy_bytes(cv, p, (size_t)len, out);
    }
    *out = (oxy_sv){p, (size_t)len};
    return oxypy_keep(cv, text);
}

/* Text of any object through str(); for kinds whose text is short. */
int oxypy_text_of(const oxypy_conv *cv, PyObject *value, oxy_sv *out)
{
    PyObject *text = PyObject_Str(value);
    int rc = text ? oxypy_borrow_text(cv, text, out) : -1;

    Py_XDECREF(text);
    return rc;
}

static int borrow_bytes(const oxypy_conv *cv, PyObject *value, oxy_sv *out)
{
    if (PyBytes_Check(value) && PyBytes_GET_SIZE(value) > COPY_MAX) {
        *out = (oxy_sv){PyBytes_AS_STRING(value), (size_t)PyBytes_GET_SIZE(value)};
        return oxypy_keep(cv, value);
    }
    if (PyBytes_Check(value)) {
        return oxypy_copy_bytes(cv, PyBytes_AS_STRING(value), (size_t)PyBytes_GET_SIZE(value), out);
    }
    PyObject *frozen = PyBytes_FromObject(value); /* a bytearray may change while the statement runs */
    int rc = frozen ? borrow_bytes(cv, frozen, out) : -1;

    Py_XDECREF(frozen);
    return rc;
}

/* --- numbers ------------------------------------------------------------------------ */

/* The int of a value that counts as one, without rounding: 1 with *out new, 0
 * if it is none, -1 with an exception. */
static int as_exact_int(const oxypy_conv *cv, PyObject *value, PyObject **out)
{
    if (PyLong_Check(value)) {
        *out = Py_NewRef(value);
        return 1;
    }
    if (PyFloat_Check(value)) {
        double d = PyFloat_AS_DOUBLE(value);

        if (!isfinite(d) || d != floor(d)) {
            return 0;
        }
        *out = PyLong_FromDouble(d);
        return *out ? 1 : -1;
    }
    if (Py_IS_TYPE(value, (PyTypeObject *)cv->st->decimal_type)) {
        PyObject *whole = PyObject_CallMethod(value, "to_integral_value", NULL);
        int same = whole ? PyObject_RichCompareBool(whole, value, Py_EQ) : -1;

        if (same == 1) {
            *out = PyNumber_Long(value);
            same = *out ? 1 : -1;
        }
        Py_XDECREF(whole);
        return same;
    }
    if (PyIndex_Check(value)) {
        *out = PyNumber_Index(value);
        return *out ? 1 : -1;
    }
    return 0;
}

static int store_long(const oxypy_conv *cv, PyObject *number, oxy_value *out)
{
    int overflow;
    long long i = PyLong_AsLongLongAndOverflow(number, &overflow);

    if (i == -1 && !overflow && PyErr_Occurred()) {
        return -1;
    }
    if (overflow > 0) {
        unsigned long long u = PyLong_AsUnsignedLongLong(number);

        if (u == (unsigned long long)-1 && PyErr_Occurred()) {
            PyErr_Clear();
            return oxypy_conv_fail(cv, "an integer beyond 64 bits cannot be stored");
        }
        /* Above the signed range: only columns of a verbatim type may hold it. */
        if (!cv->field || !cv->plan || !cv->plan->table.columns[cv->field->column].type.db_type.len) {
            return oxypy_conv_fail(cv, "an integer beyond 64 bits cannot be stored");
        }
        out->tag = OXY_V_UINT;
        out->u = u;
        return 0;
    }
    if (overflow) {
        return oxypy_conv_fail(cv, "an integer beyond 64 bits cannot be stored");
    }
    out->tag = OXY_V_INT;
    out->i = i;
    return 0;
}

static int store_int(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    PyObject *number = NULL;
    int is = as_exact_int(cv, value, &number);

    if (is > 0) {
        is = store_long(cv, number, out);
        Py_DECREF(number);
        return is;
    }
    if (is < 0) {
        return -1;
    }
    if (PyDelta_Check_(cv->st, value)) {
        return oxypy_store_delta(cv, value, OXY_V_INT, out);
    }
    if (PyUnicode_Check(value)) { /* a text field on an integer column */
        number = PyLong_FromUnicodeObject(value, 10);
        if (number) {
            is = store_long(cv, number, out);
            Py_DECREF(number);
            return is;
        }
        PyErr_Clear();
    }
    return oxypy_mismatch(cv, value, type->kind);
}

static int store_double(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    out->tag = OXY_V_DOUBLE;
    if (PyFloat_Check(value)) {
        out->d = PyFloat_AS_DOUBLE(value);
        return 0;
    }
    if (PyLong_Check(value) || PyIndex_Check(value)) {
        PyObject *number = PyNumber_Index(value);
        double d = number ? PyLong_AsDouble(number) : -1.0;

        if (d == -1.0 && PyErr_Occurred()) {
            Py_XDECREF(number);
            if (!PyErr_ExceptionMatches(PyExc_OverflowError)) {
                return -1;
            }
            PyErr_Clear();
            return oxypy_conv_fail(cv, "the integer is beyond the range of a float");
        }
        PyObject *back = PyLong_FromDouble(d);
        int same = back ? PyObject_RichCompareBool(back, number, Py_EQ) : -1;

        Py_XDECREF(back);
        Py_DECREF(number);
        if (same == 0) {
            return oxypy_conv_fail(cv, "the integer has no exact float");
        }
        out->d = d;
        return same < 0 ? -1 : 0;
    }
    if (Py_IS_TYPE(value, (PyTypeObject *)cv->st->decimal_type)) {
        out->d = PyFloat_AsDouble(value);
        return out->d == -1.0 && PyErr_Occurred() ? -1 : 0;
    }
    return oxypy_mismatch(cv, value, type->kind);
}

static int store_bool(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    out->tag = OXY_V_BOOL;
    if (PyBool_Check(value)) {
        out->i = value == Py_True;
        return 0;
    }
    if (PyLong_Check(value)) {
        long i = PyLong_AsLong(value);

        if (i == 0 || i == 1) {
            out->i = i;
            return 0;
        }
        PyErr_Clear();
    }
    return oxypy_mismatch(cv, value, type->kind);
}

/* --- text columns take what has one exact text --------------------------------------- */

static int store_text(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    oxypy_state *st = cv->st;

    out->tag = OXY_V_TEXT;
    if (PyUnicode_Check(value)) {
        return oxypy_borrow_text(cv, value, &out->s);
    }
    if (PyDate_Check_(st, value) || PyTime_Check_(st, value)) {
        return oxypy_time_text(cv, value, out);
    }
    if (PyBool_Check(value) || PyLong_Check(value)) {
        PyObject *number = PyNumber_Long(value); /* True is stored as 1 */
        int rc = number ? oxypy_text_of(cv, number, &out->s) : -1;

        Py_XDECREF(number);
        return rc;
    }
    if (PyFloat_Check(value) || Py_IS_TYPE(value, (PyTypeObject *)st->decimal_type) ||
        Py_IS_TYPE(value, (PyTypeObject *)st->uuid_type) || oxypy_is_ip(st, value) == 1) {
        return oxypy_text_of(cv, value, &out->s);
    }
    if (PyErr_Occurred()) {
        return -1;
    }
    if (PyDict_Check(value) || PyList_Check(value) || PyTuple_Check(value)) {
        int rc = oxypy_store_json(cv, value, out);

        out->tag = OXY_V_TEXT;
        return rc;
    }
    return oxypy_mismatch(cv, value, type->kind);
}

static int store_blob(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    if (!PyBytes_Check(value) && !PyByteArray_Check(value) && !PyMemoryView_Check(value)) {
        return oxypy_mismatch(cv, value, type->kind);
    }
    out->tag = OXY_V_BLOB;
    return borrow_bytes(cv, value, &out->s);
}

static int store_inet(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    int ip = PyUnicode_Check(value) ? 1 : oxypy_is_ip(cv->st, value);

    if (ip <= 0) {
        return ip < 0 ? -1 : oxypy_mismatch(cv, value, type->kind);
    }
    out->tag = OXY_V_INET;
    return oxypy_text_of(cv, value, &out->s);
}

/* --- one entry -------------------------------------------------------------------------- */

typedef int (*store_fn)(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out);

static int store_natural(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out);
static int store_json(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    (void)type;
    return oxypy_store_json(cv, value, out);
}

static const store_fn store_table[] = {
    [OXY_K_UNKNOWN] = store_natural,
    [OXY_K_BOOL] = store_bool,
    [OXY_K_INT] = store_int,
    [OXY_K_DOUBLE] = store_double,
    [OXY_K_STRING] = store_text,
    [OXY_K_TEXT] = store_text,
    [OXY_K_BLOB] = store_blob,
    [OXY_K_DATETIME] = oxypy_store_datetime,
    [OXY_K_DATETIME_UTC] = oxypy_store_datetime,
    [OXY_K_DATE] = oxypy_store_date,
    [OXY_K_TIME] = oxypy_store_time,
    [OXY_K_TIMEDELTA] = oxypy_store_timedelta,
    [OXY_K_INTERVAL] = oxypy_store_timedelta,
    [OXY_K_UUID] = oxypy_store_uuid,
    [OXY_K_DECIMAL] = oxypy_store_decimal,
    [OXY_K_ENUM] = store_text,
    [OXY_K_INET] = store_inet,
    [OXY_K_CIDR] = store_inet,
    [OXY_K_ARRAY] = oxypy_store_array,
    [OXY_K_JSON] = store_json,
    [OXY_K_JSONB] = store_json,
};
static_assert(OXY_COUNT(store_table) == OXY_K_COUNT, "one row per kind");

static int store_natural(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    oxy_type own;

    (void)type;
    if (oxypy_natural_type(cv->st, value, &own) < 0) {
        return -1;
    }
    return store_table[own.kind](cv, value, &own, out);
}

/* A value that the field's own converter refuses does not fit. */
static int converter_failed(const oxypy_conv *cv, PyObject *value)
{
    if (!PyErr_ExceptionMatches(PyExc_ValueError) && !PyErr_ExceptionMatches(PyExc_TypeError)) {
        return -1;
    }
    PyErr_Clear();
    return oxypy_conv_fail(cv, "a value of type '%.100s' has no form that could be stored", Py_TYPE(value)->tp_name);
}

/* Enum members stand for their value, save where the field's own converter
 * knows better. New reference. */
static PyObject *unwrap(const oxypy_conv *cv, PyObject *value)
{
    if (cv->field && cv->field->to_stored) {
        PyObject *stored = PyObject_CallOneArg(cv->field->to_stored, value);

        if (!stored) {
            (void)converter_failed(cv, value);
        }
        return stored;
    }
    int member = PyObject_TypeCheck(value, (PyTypeObject *)cv->st->enum_type);

    return member ? PyObject_GetAttr(value, cv->st->s_value) : Py_NewRef(value);
}

/* Values of exactly the common types need no look at enums and converters. */
static bool store_plain(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out, int *rc)
{
    switch (type->kind) {
    case OXY_K_INT:
        if (!PyLong_CheckExact(value)) {
            return false;
        }
        *rc = store_long(cv, value, out);
        return true;
    case OXY_K_STRING:
    case OXY_K_TEXT:
    case OXY_K_ENUM:
        if (!PyUnicode_CheckExact(value)) {
            return false;
        }
        out->tag = OXY_V_TEXT;
        *rc = oxypy_borrow_text(cv, value, &out->s);
        return true;
    case OXY_K_DOUBLE:
        if (!PyFloat_CheckExact(value)) {
            return false;
        }
        out->tag = OXY_V_DOUBLE;
        out->d = PyFloat_AS_DOUBLE(value);
        *rc = 0;
        return true;
    case OXY_K_BOOL:
        if (!PyBool_Check(value)) {
            return false;
        }
        out->tag = OXY_V_BOOL;
        out->i = value == Py_True;
        *rc = 0;
        return true;
    default: return false;
    }
}

int oxypy_store(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    int rc;

    memset(out, 0, sizeof *out);
    if (value == Py_None) {
        return 0; /* OXY_V_NULL */
    }
    if (!(cv->field && cv->field->to_stored) && store_plain(cv, value, type, out, &rc)) {
        return rc;
    }
    PyObject *plain = unwrap(cv, value);

    if (!plain) {
        return -1;
    }
    if (plain == Py_None) {
        Py_DECREF(plain);
        return 0;
    }
    rc = store_table[type->kind](cv, plain, type, out);
    Py_DECREF(plain);
    return rc;
}

int oxypy_to_value(oxypy_state *st, PyObject *value, const oxy_type *type, const oxypy_field *field, bool convert,
                   oxy_arena *arena, PyObject **keep, oxy_value *out)
{
    PyObject *word = convert ? PyUnicode_InternFromString("exact") : NULL;
    oxypy_conv cv = {.st = st, .field = field, .lookup = word, .arena = arena, .keep = keep};
    int rc = -1;

    if (!convert || word) {
        PyObject *own = convert ? oxypy_coerce(&cv, value) : Py_NewRef(value);

        rc = own ? oxypy_store(&cv, own, type, out) : -1;
        Py_XDECREF(own);
    }
    Py_XDECREF(word);
    return rc;
}
