/* SPDX-License-Identifier: MIT */
/* Values of lookups: shape and type are checked, iterables consumed and values
 * converted to the field's type when the condition is added to a query. */
#include "instance.h"
#include "relation.h"

#include <string.h>

/* --- conversion to the field's type -------------------------------------------------- */

/* Values of exactly the field's Python type need no conversion. */
static bool fits(const oxypy_conv *cv, PyObject *value)
{
    oxypy_state *st = cv->st;

    switch (cv->field->load_type.kind) {
    case OXY_K_BOOL: return PyBool_Check(value);
    case OXY_K_INT: return PyLong_CheckExact(value);
    case OXY_K_DOUBLE: return PyFloat_CheckExact(value);
    case OXY_K_STRING:
    case OXY_K_TEXT: return PyUnicode_CheckExact(value);
    case OXY_K_BLOB: return PyBytes_CheckExact(value);
    case OXY_K_DATETIME:
    case OXY_K_DATETIME_UTC: return Py_IS_TYPE(value, st->datetime->DateTimeType);
    case OXY_K_DATE: return Py_IS_TYPE(value, st->datetime->DateType);
    case OXY_K_TIME: return Py_IS_TYPE(value, st->datetime->TimeType);
    case OXY_K_TIMEDELTA:
    case OXY_K_INTERVAL: return Py_IS_TYPE(value, st->datetime->DeltaType);
    case OXY_K_UUID: return Py_IS_TYPE(value, (PyTypeObject *)st->uuid_type);
    case OXY_K_DECIMAL: return Py_IS_TYPE(value, (PyTypeObject *)st->decimal_type);
    default: return false;
    }
}

static bool is_numeric(oxypy_state *st, PyObject *value)
{
    return PyLong_Check(value) || PyFloat_Check(value) || PyObject_TypeCheck(value, (PyTypeObject *)st->decimal_type);
}

/* A member or its value; the raw value is what travels. */
static PyObject *coerce_enum(const oxypy_conv *cv, PyObject *value)
{
    bool member = PyObject_TypeCheck(value, (PyTypeObject *)cv->st->enum_type);
    PyObject *raw = member ? PyObject_GetAttr(value, cv->st->s_value) : Py_NewRef(value);
    PyObject *known = raw ? PyDict_GetItemWithError(cv->field->load_arg, raw) : NULL;

    if (known && (!member || known == value)) {
        return raw;
    }
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_TypeError)) {
        Py_XDECREF(raw);
        return NULL;
    }
    PyErr_Clear();
    Py_XDECREF(raw);
    (void)oxypy_conv_fail(cv, "%R is not one of the values of the enum", value);
    return NULL;
}

/* What no column can hold is found out at the call, where it costs nothing. */
static PyObject *storable(const oxypy_conv *cv, PyObject *value)
{
    int overflow = 0;

    if (PyLong_CheckExact(value)) {
        (void)PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow) {
            (void)oxypy_conv_fail(cv, "an integer beyond 64 bits cannot be stored");
            return NULL;
        }
    } else if (PyUnicode_CheckExact(value) && !PyUnicode_IS_ASCII(value) && !PyUnicode_AsUTF8(value)) {
        if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
            PyErr_Clear();
            (void)oxypy_conv_fail(cv, "the text contains a lone surrogate, which is no character");
        }
        return NULL;
    }
    return Py_NewRef(value);
}

PyObject *oxypy_coerce(const oxypy_conv *cv, PyObject *value)
{
    const oxypy_field *f = cv->field;

    if (!f || value == Py_None) {
        return Py_NewRef(value);
    }
    if (f->load == OXYPY_LOAD_ENUM && f->load_arg) {
        return coerce_enum(cv, value);
    }
    if (f->category == OXYPY_CAT_NUMERIC && is_numeric(cv->st, value)) {
        return storable(cv, value);
    }
    if (!f->to_stored && fits(cv, value)) {
        return storable(cv, value);
    }
    if (!f->coerce) {
        return Py_NewRef(value);
    }
    PyObject *converted = PyObject_CallOneArg(f->coerce, value);

    if (!converted && (PyErr_ExceptionMatches(PyExc_ValueError) || PyErr_ExceptionMatches(PyExc_TypeError))) {
        PyObject *type, *error, *traceback;

        PyErr_Fetch(&type, &error, &traceback);
        PyErr_NormalizeException(&type, &error, &traceback);
        (void)oxypy_conv_fail(cv, "%R does not convert to the field's type", value);
        if (PyErr_Occurred() && error) { /* the reason stays readable as the cause */
            PyObject *type2, *outer, *traceback2;

            PyErr_Fetch(&type2, &outer, &traceback2);
            PyErr_NormalizeException(&type2, &outer, &traceback2);
            PyException_SetCause(outer, Py_NewRef(error));
            PyErr_Restore(type2, outer, traceback2);
        }
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
    }
    return converted;
}

/* --- shapes of values -------------------------------------------------------------------- */

typedef PyObject *(*convert_fn)(const oxypy_conv *cv, const oxypy_lookup *lk, PyObject *value);

static PyObject *fail(const oxypy_conv *cv, const char *text)
{
    (void)oxypy_conv_fail(cv, text);
    return NULL;
}

static PyObject *convert_plain(const oxypy_conv *cv, const oxypy_lookup *lk, PyObject *value)
{
    (void)lk;
    return oxypy_coerce(cv, value);
}

static PyObject *convert_nothing(const oxypy_conv *cv, const oxypy_lookup *lk, PyObject *value)
{
    (void)cv;
    (void)lk;
    return Py_NewRef(value);
}

static PyObject *convert_int(const oxypy_conv *cv, const oxypy_lookup *lk, PyObject *value)
{
    (void)lk;
    return PyLong_Check(value) && !PyBool_Check(value) ? Py_NewRef(value) : fail(cv, "the value must be an int");
}

/* Value of an extracted part: int, save for date and time. */
static PyObject *convert_part(const oxypy_conv *cv, const oxypy_lookup *lk, PyObject *value)
{
    PyDateTime_CAPI *dt = cv->st->datetime;

    if (lk->part == OXY_PART_DATE) {
        bool date = PyObject_TypeCheck(value, dt->DateType) && !PyObject_TypeCheck(value, dt->DateTimeType);

        return date ? Py_NewRef(value) : fail(cv, "the value must be a date");
    }
    if (lk->part == OXY_PART_TIME) {
        return PyObject_TypeCheck(value, dt->TimeType) ? Py_NewRef(value) : fail(cv, "the value must be a time");
    }
    return convert_int(cv, lk, value);
}

/* --- keys and the rows they are of ------------------------------------------------------- */

static const oxypy_field *key_field(const oxypy_lookup *lk, uint32_t i)
{
    return lk->key ? lk->key->fields[i] : lk->field;
}

/* The field of the other side that holds part i of what the relation compares. */
static const oxypy_field *other_field(const oxypy_lookup *lk, uint32_t i)
{
    return lk->relation->kind == OXYPY_REL_FORWARD ? lk->relation->near[i].to : key_field(lk, i);
}

/* The key of an instance: a value, or a tuple. */
static PyObject *key_of_instance(const oxypy_conv *cv, const oxypy_lookup *lk, PyObject *instance)
{
    const oxypy_plan *target = lk->relation->target;
    const oxypy_instance_state *state = oxypy_instance_state_get(target, instance);
    uint32_t n = lk->key ? lk->key->n : 1;
    PyObject *parts = PyTuple_New((Py_ssize_t)n);
    bool known = state && state->saved;

    for (uint32_t i = 0; parts && known && i < n; i++) {
        PyObject *part = PyObject_GetAttr(instance, other_field(lk, i)->name);

        if (!part) {
            Py_CLEAR(parts);
            break;
        }
        known = part != Py_None;
        PyTuple_SET_ITEM(parts, i, part);
    }
    if (parts && !known) {
        (void)oxypy_conv_fail(cv, "this %s is not saved: save it first, or compare with a key", target->model->tp_name);
        Py_CLEAR(parts);
    }
    if (!parts || n != 1) {
        return parts;
    }
    PyObject *only = Py_NewRef(PyTuple_GET_ITEM(parts, 0));

    Py_DECREF(parts);
    return only;
}

/* Several fields compared as one. */
static PyObject *convert_key(const oxypy_conv *cv, const oxypy_lookup *lk, PyObject *value)
{
    bool sequence = PyTuple_Check(value) || PyList_Check(value);
    PyObject *items = sequence ? PySequence_Tuple(value) : NULL;

    if (!items || PyTuple_GET_SIZE(items) != (Py_ssize_t)lk->key->n) {
        Py_XDECREF(items);
        if (!PyErr_Occurred()) {
            (void)oxypy_conv_fail(cv, "%s: the key is a tuple of %u values", cv->plan->model->tp_name, lk->key->n);
        }
        return NULL;
    }
    PyObject *out = PyTuple_New(PyTuple_GET_SIZE(items));

    for (uint32_t i = 0; out && i < lk->key->n; i++) {
        oxypy_conv part = *cv;

        part.field = lk->key->fields[i];
        PyObject *own = oxypy_coerce(&part, PyTuple_GET_ITEM(items, i));

        if (own) {
            PyTuple_SET_ITEM(out, i, own);
        } else {
            Py_CLEAR(out);
        }
    }
    Py_DECREF(items);
    return out;
}

static PyObject *convert_related(const oxypy_conv *cv, const oxypy_lookup *lk, PyObject *value)
{
    bool instance = PyObject_TypeCheck(value, lk->relation->target->model);
    PyObject *key = instance ? key_of_instance(cv, lk, value) : Py_NewRef(value);
    PyObject *own = key ? (lk->key ? convert_key : convert_plain)(cv, lk, key) : NULL;

    Py_XDECREF(key);
    return own;
}

/* in: any iterable but text; None elements are dropped. */
static PyObject *convert_in(const oxypy_conv *cv, const oxypy_lookup *lk, PyObject *value, convert_fn convert)
{
    if (PyUnicode_Check(value) || PyBytes_Check(value) || PyByteArray_Check(value)) {
        return fail(cv, "the value must be an iterable of values or a query, not text");
    }
    PyObject *items = PySequence_List(value);

    if (!items) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Clear();
            return fail(cv, "the value must be an iterable of values or a query");
        }
        return NULL;
    }
    PyObject *kept = PyList_New(0), *out = NULL;

    for (Py_ssize_t i = 0; kept && i < PyList_GET_SIZE(items); i++) {
        PyObject *item = PyList_GET_ITEM(items, i);

        if (item == Py_None) {
            continue;
        }
        PyObject *own = oxypy_is_deferred(cv->st, item) ? Py_NewRef(item) : convert(cv, lk, item);

        if (!own || PyList_Append(kept, own) < 0) {
            Py_CLEAR(kept);
        }
        Py_XDECREF(own);
    }
    out = kept ? PyList_AsTuple(kept) : NULL;
    Py_XDECREF(kept);
    Py_DECREF(items);
    return out;
}

static PyObject *convert_between(const oxypy_conv *cv, const oxypy_lookup *lk, PyObject *value, convert_fn convert)
{
    if ((!PyTuple_Check(value) && !PyList_Check(value)) || PySequence_Size(value) != 2) {
        return fail(cv, "the value must be a list or tuple of exactly two");
    }
    PyObject *out = PyTuple_New(2);

    for (Py_ssize_t i = 0; out && i < 2; i++) {
        PyObject *bound = PySequence_GetItem(value, i), *own = NULL;

        if (bound == Py_None) {
            (void)oxypy_conv_fail(cv, "a bound cannot be None");
        } else if (bound) {
            own = oxypy_is_deferred(cv->st, bound) ? Py_NewRef(bound) : convert(cv, lk, bound);
        }
        Py_XDECREF(bound);
        if (!own) {
            Py_CLEAR(out);
        } else {
            PyTuple_SET_ITEM(out, i, own);
        }
    }
    return out;
}

/* --- date ranges ---------------------------------------------------------------------------- */

static int days_in_month(int year, int month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* year=2031, month=(2031, 12), day=(2031, 12, 31) as a tuple of ints. */
static PyObject *convert_range(const oxypy_conv *cv, unsigned op, PyObject *value)
{
    Py_ssize_t want = op == OXYPY_L_YEAR ? 1 : op == OXYPY_L_MONTH ? 2 : 3;
    PyObject *parts = PyLong_Check(value) && want == 1              ? PyTuple_Pack(1, value)
                      : PyTuple_Check(value) || PyList_Check(value) ? PySequence_Tuple(value)
                                                                    : PyTuple_New(0);
    int number[3] = {1, 1, 1};

    if (!parts) {
        return NULL;
    }
    bool good = PyTuple_GET_SIZE(parts) == want;

    for (Py_ssize_t i = 0; good && i < want; i++) {
        PyObject *part = PyTuple_GET_ITEM(parts, i);
        int overflow = 0;
        long n = PyLong_Check(part) && !PyBool_Check(part) ? PyLong_AsLongAndOverflow(part, &overflow) : -1;

        good = !overflow && n >= 1 && n <= 9999;
        number[i] = (int)n;
    }
    good = good && number[1] <= 12 && number[2] <= days_in_month(number[0], number[1]);
    if (!good) {
        Py_DECREF(parts);
        return fail(cv, want == 1   ? "the value must be a year from 1 to 9999"
                        : want == 2 ? "the value must be (year, month)"
                                    : "the value must be (year, month, day), a real date");
    }
    return parts;
}

static PyObject *convert_date(const oxypy_conv *cv, PyObject *value)
{
    PyDateTime_CAPI *dt = cv->st->datetime;

    if (PyObject_TypeCheck(value, dt->DateType) && !PyObject_TypeCheck(value, dt->DateTimeType)) {
        return Py_NewRef(value);
    }
    return fail(cv, "the value must be a date");
}

/* --- containers ------------------------------------------------------------------------------- */

static PyObject *convert_list(const oxypy_conv *cv, PyObject *value)
{
    if (!PyList_Check(value) && !PyTuple_Check(value) && !PyAnySet_Check(value)) {
        return fail(cv, "the value must be a list, tuple or set");
    }
    PyObject *list = PySequence_List(value), *own = list ? oxypy_coerce(cv, list) : NULL;

    Py_XDECREF(list);
    return own;
}

static PyObject *convert_keys(const oxypy_conv *cv, PyObject *value)
{
    PyObject *keys = PyUnicode_Check(value) ? NULL : PySequence_Tuple(value);

    if (!keys && PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_TypeError)) {
        return NULL;
    }
    PyErr_Clear();
    for (Py_ssize_t i = 0; keys && i < PyTuple_GET_SIZE(keys); i++) {
        if (!PyUnicode_Check(PyTuple_GET_ITEM(keys, i))) {
            Py_CLEAR(keys);
        }
    }
    return keys ? keys : fail(cv, "the value must be an iterable of keys, each a str");
}

/* --- one entry ----------------------------------------------------------------------------------- */

static convert_fn converter_of(const oxypy_lookup *lk)
{
    return lk->relation    ? convert_related
           : lk->key       ? convert_key
           : lk->length    ? convert_int
           : lk->part >= 0 ? convert_part
           : lk->path      ? convert_nothing
                           : convert_plain;
}

static PyObject *convert_text(const oxypy_conv *cv, PyObject *value)
{
    return PyUnicode_Check(value) ? Py_NewRef(value) : fail(cv, "the value must be a str");
}

static PyObject *convert_contains(const oxypy_conv *cv, const oxypy_lookup *lk, PyObject *value)
{
    if (lk->category == OXYPY_CAT_JSON) {
        return Py_NewRef(value);
    }
    return lk->category == OXYPY_CAT_ARRAY ? convert_list(cv, value) : convert_text(cv, value);
}

PyObject *oxypy_lookup_value(oxypy_state *st, const oxypy_plan *plan, const oxypy_lookup *lk, const oxypy_field *field,
                             PyObject *value)
{
    PyObject *keep = NULL; /* coercion stores nothing */
    const oxypy_field *of = field ? field : lk->key && lk->key->n ? lk->key->fields[0] : NULL;
    oxypy_conv cv = {.st = st, .plan = of ? of->plan : plan, .field = field, .lookup = lk->keyword, .keep = &keep};
    unsigned op = lk->op;

    if (op == OXYPY_L_ISNULL) {
        int truth = PyObject_IsTrue(value);

        return truth < 0 ? NULL : PyBool_FromLong(truth);
    }
    if (oxypy_is_deferred(st, value)) {
        bool ranged = op == OXYPY_L_YEAR || op == OXYPY_L_MONTH || op == OXYPY_L_DAY || op == OXYPY_L_DATE;

        return ranged || (op == OXYPY_L_BETWEEN) ? fail(&cv, "an expression cannot be the value of this lookup")
                                                 : Py_NewRef(value);
    }
    if (value == Py_None) {
        bool equal = op == OXYPY_L_EXACT || op == OXYPY_L_NE || op == OXYPY_L_IEXACT;

        return equal ? Py_NewRef(value) : fail(&cv, "the value cannot be None");
    }
    switch (op) {
    case OXYPY_L_IN: return convert_in(&cv, lk, value, converter_of(lk));
    case OXYPY_L_BETWEEN: return convert_between(&cv, lk, value, converter_of(lk));
    case OXYPY_L_YEAR:
    case OXYPY_L_MONTH:
    case OXYPY_L_DAY: return convert_range(&cv, op, value);
    case OXYPY_L_DATE: return convert_date(&cv, value);
    case OXYPY_L_CONTAINS: return convert_contains(&cv, lk, value);
    case OXYPY_L_CONTAINED_BY: return lk->category == OXYPY_CAT_ARRAY ? convert_list(&cv, value) : Py_NewRef(value);
    case OXYPY_L_OVERLAP: return convert_list(&cv, value);
    case OXYPY_L_HAS_KEY: return convert_text(&cv, value);
    case OXYPY_L_HAS_KEYS:
    case OXYPY_L_HAS_ANY_KEYS: return convert_keys(&cv, value);
    case OXYPY_L_ICONTAINS:
    case OXYPY_L_STARTSWITH:
    case OXYPY_L_ISTARTSWITH:
    case OXYPY_L_ENDSWITH:
    case OXYPY_L_IENDSWITH:
    case OXYPY_L_IEXACT:
    case OXYPY_L_REGEX:
    case OXYPY_L_IREGEX: return convert_text(&cv, value);
    default: return converter_of(lk)(&cv, lk, value);
    }
}
