/* SPDX-License-Identifier: MIT */
/* Values in: UUID, Decimal, IP addresses, arrays, JSON, and the type that a
 * Python value has by itself. */
#include "to_c_parts.h"

#include <stdlib.h>
#include <string.h>

/* A Decimal's text without an exponent may be this long. */
#define MAX_DIGITS 20000

int oxypy_is_ip(oxypy_state *st, PyObject *value)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(st->ip_types); i++) {
        if (Py_IS_TYPE(value, (PyTypeObject *)PyTuple_GET_ITEM(st->ip_types, i))) {
            return 1;
        }
    }
    return PyObject_IsInstance(value, st->ip_types);
}

int oxypy_store_uuid(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    out->tag = OXY_V_UUID;
    if (PyUnicode_Check(value)) {
        Py_ssize_t len;
        const char *p = PyUnicode_AsUTF8AndSize(value, &len);

        if (!p) {
            PyErr_Clear();
        }
        if (p && oxy_uuid_parse(p, (size_t)len, out->uuid)) {
            return 0;
        }
        return oxypy_conv_fail(cv, "the text is no UUID");
    }
    if (!PyObject_TypeCheck(value, (PyTypeObject *)cv->st->uuid_type)) {
        return oxypy_mismatch(cv, value, type->kind);
    }
    PyObject *number = PyObject_GetAttr(value, cv->st->s_int_);

    if (!number) {
        return -1;
    }
#if PY_VERSION_HEX >= 0x030D0000
    Py_ssize_t used =
        PyLong_AsNativeBytes(number, out->uuid, 16, Py_ASNATIVEBYTES_BIG_ENDIAN | Py_ASNATIVEBYTES_UNSIGNED_BUFFER);
    int rc = used < 0 ? -1 : 0;
#else
    int rc = _PyLong_AsByteArray((PyLongObject *)number, out->uuid, 16, 0, 0);
#endif
    Py_DECREF(number);
    return rc;
}

/* --- Decimal ----------------------------------------------------------------------- */

/* Digits after an E, or 0; the text is Python's own. */
static long exponent_of(const char *text, size_t len)
{
    const char *e = memchr(text, 'E', len);

    return e ? strtol(e + 1, NULL, 10) : 0;
}

static int store_decimal_object(const oxypy_conv *cv, PyObject *value, oxy_value *out)
{
    PyObject *text = PyObject_Str(value), *plain = NULL;
    Py_ssize_t len;
    const char *p = text ? PyUnicode_AsUTF8AndSize(text, &len) : NULL;
    int rc = -1;

    if (!p) {
        goto done;
    }
    if (memchr(p, 'E', (size_t)len) && p[len - 1] != 'y') { /* not Infinity; its only other E */
        long exponent = exponent_of(p, (size_t)len);

        if (exponent > MAX_DIGITS || exponent < -MAX_DIGITS) {
            rc = oxypy_conv_fail(cv, "the exponent of the Decimal is too large to be stored");
            goto done;
        }
        plain = PyObject_CallMethod(value, "__format__", "s", "f");
        p = plain ? PyUnicode_AsUTF8AndSize(plain, &len) : NULL;
        if (!p) {
            goto done;
        }
    }
    if (!oxy_decimal_parse(p, (size_t)len)) { /* sNaN, NaN with a payload */
        rc = oxypy_conv_fail(cv, "a signalling or tagged NaN cannot be stored");
        goto done;
    }
    out->tag = OXY_V_DECIMAL;
    rc = oxypy_copy_bytes(cv, p, (size_t)len, &out->s);
done:
    Py_XDECREF(text);
    Py_XDECREF(plain);
    return rc;
}

int oxypy_store_decimal(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    if (PyObject_TypeCheck(value, (PyTypeObject *)cv->st->decimal_type)) {
        return store_decimal_object(cv, value, out);
    }
    if (!PyLong_Check(value) && !PyFloat_Check(value) && !PyUnicode_Check(value) && !PyIndex_Check(value)) {
        return oxypy_mismatch(cv, value, type->kind);
    }
    /* A float counts as the number it is written as. */
    PyObject *source = PyFloat_Check(value)     ? PyObject_Repr(value)
                       : PyUnicode_Check(value) ? Py_NewRef(value)
                                                : PyNumber_Index(value);
    PyObject *number = source ? PyObject_CallOneArg(cv->st->decimal_type, source) : NULL;

    Py_XDECREF(source);
    if (!number) {
        if (PyUnicode_Check(value) && PyErr_ExceptionMatches(PyExc_ArithmeticError)) {
            PyErr_Clear();
            return oxypy_conv_fail(cv, "the text is no decimal number");
        }
        return -1;
    }
    int rc = store_decimal_object(cv, number, out);

    Py_DECREF(number);
    return rc;
}

/* --- JSON -------------------------------------------------------------------------------- */

/* Dates, identifiers, models: what plain JSON has no form for gets Pydantic's. */
static PyObject *jsonable_text(oxypy_state *st, PyObject *value)
{
    PyObject *module = PyImport_ImportModule("pydantic_core");
    PyObject *args = PyTuple_Pack(1, value), *options = Py_BuildValue("{s:s}", "inf_nan_mode", "constants");
    PyObject *convert = module ? PyObject_GetAttrString(module, "to_jsonable_python") : NULL;
    PyObject *plain = convert && args && options ? PyObject_Call(convert, args, options) : NULL;
    PyObject *text = plain ? PyObject_CallOneArg(st->json_dumps, plain) : NULL;

    Py_XDECREF(module);
    Py_XDECREF(args);
    Py_XDECREF(options);
    Py_XDECREF(convert);
    Py_XDECREF(plain);
    return text;
}

PyObject *oxypy_json_text(oxypy_state *st, PyObject *value)
{
    PyObject *text = PyObject_CallOneArg(st->json_dumps, value);

    if (!text && PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear();
        text = jsonable_text(st, value);
    }
    return text;
}

int oxypy_store_json(const oxypy_conv *cv, PyObject *value, oxy_value *out)
{
    PyObject *text = oxypy_json_text(cv->st, value);

    if (!text || !PyUnicode_Check(text)) {
        bool ours = !text && !PyErr_ExceptionMatches(PyExc_ValueError) && !PyErr_ExceptionMatches(PyExc_TypeError);

        Py_XDECREF(text);
        if (ours) {
            return -1;
        }
        PyErr_Clear();
        return oxypy_conv_fail(cv, "a value of type '%.100s' has no JSON form; NaN and infinities have none either",
                               Py_TYPE(value)->tp_name);
    }
    out->tag = OXY_V_JSON;
    int rc = oxypy_borrow_text(cv, text, &out->s);

    Py_DECREF(text);
    return rc;
}

/* --- arrays ------------------------------------------------------------------------------ */

static int store_items(const oxypy_conv *cv, PyObject *value, const oxy_type *elem, unsigned ndim, oxy_value *out);

static int store_item(const oxypy_conv *cv, PyObject *item, const oxy_type *elem, unsigned ndim, oxy_value *out)
{
    if (ndim > 1 && item != Py_None) {
        return store_items(cv, item, elem, ndim - 1, out);
    }
    return oxypy_store(cv, item, elem, out);
}

static int store_items(const oxypy_conv *cv, PyObject *value, const oxy_type *elem, unsigned ndim, oxy_value *out)
{
    bool is_set = PyAnySet_Check(value);

    if (!is_set && !PyList_Check(value) && !PyTuple_Check(value)) {
        return oxypy_mismatch(cv, value, OXY_K_ARRAY);
    }
    PyObject *items = PySequence_List(value); /* a snapshot: conversion may run Python code */

    if (!items) {
        return -1;
    }
    if (is_set && PyList_Sort(items) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) {
            Py_DECREF(items);
            return -1;
        }
        PyErr_Clear(); /* elements without an order are stored as they come */
    }
    size_t n = (size_t)PyList_GET_SIZE(items);
    oxy_value *values = oxy_arena_zero(cv->arena, n ? n : 1, sizeof *values);
    oxy_array *array = oxy_arena_zero(cv->arena, 1, sizeof *array);
    int rc = 0;

    if (!values || !array) {
        PyErr_NoMemory();
        rc = -1;
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = store_item(cv, PyList_GET_ITEM(items, (Py_ssize_t)i), elem, ndim, &values[i]);
    }
    Py_DECREF(items);
    if (rc == 0) {
        *array = (oxy_array){.elem = elem->kind, .n = n, .items = values};
        out->tag = OXY_V_ARRAY;
        out->array = array;
    }
    return rc;
}

int oxypy_store_array(const oxypy_conv *cv, PyObject *value, const oxy_type *type, oxy_value *out)
{
    oxy_type elem = *type;

    elem.kind = type->elem;
    elem.elem = OXY_K_UNKNOWN;
    elem.ndim = 0;
    /* The converter of a field is for the whole value, not for elements. */
    oxypy_field plain;
    oxypy_conv inner = *cv;

    if (cv->field) {
        plain = *cv->field;
        plain.to_stored = NULL;
        inner.field = &plain;
    }
    return store_items(&inner, value, &elem, type->ndim ? type->ndim : 1, out);
}

/* --- a value by itself ---------------------------------------------------------------------- */

static int natural_list(oxypy_state *st, PyObject *value, oxy_type *out)
{
    /* A list of scalars of one kind is an array, anything else JSON. */
    PyObject *items = PySequence_List(value);
    oxy_type first = {.kind = OXY_K_UNKNOWN};

    out->kind = OXY_K_JSONB;
    for (Py_ssize_t i = 0; items && i < PyList_GET_SIZE(items); i++) {
        PyObject *item = PyList_GET_ITEM(items, i);
        oxy_type own;

        if (item == Py_None) {
            continue;
        }
        if (PyList_Check(item) || PyTuple_Check(item) || PyDict_Check(item) || oxypy_natural_type(st, item, &own) < 0 ||
            own.kind == OXY_K_JSONB || (first.kind != OXY_K_UNKNOWN && own.kind != first.kind)) {
            PyErr_Clear();
            Py_DECREF(items);
            return 0;
        }
        first = own;
    }
    if (!items) {
        return -1;
    }
    Py_DECREF(items);
    if (first.kind != OXY_K_UNKNOWN) {
        *out = first;
        out->elem = first.kind;
        out->kind = OXY_K_ARRAY;
        out->ndim = 1;
    }
    return 0;
}

static oxy_kind scalar_kind(oxypy_state *st, PyObject *value)
{
    if (PyBool_Check(value)) {
        return OXY_K_BOOL;
    }
    if (PyLong_Check(value)) {
        return OXY_K_INT;
    }
    if (PyUnicode_Check(value)) {
        return OXY_K_TEXT;
    }
    if (PyFloat_Check(value)) {
        return OXY_K_DOUBLE;
    }
    if (PyBytes_Check(value) || PyByteArray_Check(value) || PyMemoryView_Check(value)) {
        return OXY_K_BLOB;
    }
    if (PyDateTime_Check_(st, value)) {
        return PyDateTime_DATE_GET_TZINFO(value) == Py_None ? OXY_K_DATETIME : OXY_K_DATETIME_UTC;
    }
    if (PyDate_Check_(st, value)) {
        return OXY_K_DATE;
    }
    if (PyTime_Check_(st, value)) {
        return OXY_K_TIME;
    }
    if (PyDelta_Check_(st, value)) {
        return OXY_K_TIMEDELTA;
    }
    if (PyObject_TypeCheck(value, (PyTypeObject *)st->decimal_type)) {
        return OXY_K_DECIMAL;
    }
    if (PyObject_TypeCheck(value, (PyTypeObject *)st->uuid_type)) {
        return OXY_K_UUID;
    }
    return OXY_K_UNKNOWN;
}

int oxypy_natural_type(oxypy_state *st, PyObject *value, oxy_type *out)
{
    memset(out, 0, sizeof *out);
    out->nullable = value == Py_None;
    if (value == Py_None) {
        return 0;
    }
    if (PyObject_TypeCheck(value, (PyTypeObject *)st->enum_type)) {
        PyObject *inner = PyObject_GetAttr(value, st->s_value);
        int rc = inner ? oxypy_natural_type(st, inner, out) : -1;

        Py_XDECREF(inner);
        return rc;
    }
    out->kind = scalar_kind(st, value);
    if (out->kind != OXY_K_UNKNOWN) {
        return 0;
    }
    if (PyList_Check(value) || PyTuple_Check(value) || PyAnySet_Check(value)) {
        return natural_list(st, value, out);
    }
    if (PyDict_Check(value) || PyObject_HasAttrString(value, "__pydantic_serializer__")) {
        out->kind = OXY_K_JSONB;
        return 0;
    }
    int ip = oxypy_is_ip(st, value);

    if (ip > 0) {
        out->kind = strstr(Py_TYPE(value)->tp_name, "Network") ? OXY_K_CIDR : OXY_K_INET;
        return 0;
    }
    if (ip == 0 && PyIndex_Check(value)) {
        out->kind = OXY_K_INT;
        return 0;
    }
    if (ip == 0) {
        PyErr_Format(PyExc_TypeError, "a value of type '%.100s' cannot be bound to a statement",
                     Py_TYPE(value)->tp_name);
    }
    return -1;
}
