/* SPDX-License-Identifier: MIT */
/* FieldSpec (oxyde.models._plan) -> oxypy_field and oxy_column. Everything is
 * checked here once, so that rows need no checks of their own program. */
#include "plan_spec.h"

/* --- single attributes -------------------------------------------------------- */

static int get_long(PyObject *spec, const char *name, long min, long max, long *out)
{
    PyObject *value = PyObject_GetAttrString(spec, name);
    long number;

    if (value == NULL)
        return -1;
    number = PyLong_AsLong(value);
    Py_DECREF(value);
    if (number == -1 && PyErr_Occurred())
        return -1;
    if (number < min || number > max) {
        PyErr_Format(PyExc_ValueError, "FieldSpec.%s is out of range: %ld", name, number);
        return -1;
    }
    *out = number;
    return 0;
}

static int get_kind(PyObject *spec, const char *name, oxy_kind *out)
{
    long number;

    if (get_long(spec, name, 0, OXY_K_COUNT - 1, &number) < 0)
        return -1;
    *out = (oxy_kind)number;
    return 0;
}

static int get_bool(PyObject *spec, const char *name, bool *out)
{
    PyObject *value = PyObject_GetAttrString(spec, name);
    int truth;

    if (value == NULL)
        return -1;
    truth = PyObject_IsTrue(value);
    Py_DECREF(value);
    if (truth < 0)
        return -1;
    *out = truth > 0;
    return 0;
}

static int get_text(oxypy_plan *plan, PyObject *spec, const char *name, oxy_sv *out)
{
    PyObject *value = PyObject_GetAttrString(spec, name);
    int rc;

    if (value == NULL)
        return -1;
    rc = oxypy__plan_text(plan, value, out);
    Py_DECREF(value);
    return rc;
}

/* An attribute that may be None (NULL then) or, for newer ones, missing. */
static int get_optional(PyObject *spec, const char *name, PyObject **out)
{
    *out = PyObject_GetAttrString(spec, name);
    if (*out == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError))
            return -1;
        PyErr_Clear();
    } else if (*out == Py_None) {
        Py_CLEAR(*out);
    }
    return 0;
}

int oxypy__plan_text(oxypy_plan *plan, PyObject *text, oxy_sv *out)
{
    Py_ssize_t len;

    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "a plan's text must be str, not %s", Py_TYPE(text)->tp_name);
        return -1;
    }
    out->p = PyUnicode_AsUTF8AndSize(text, &len);
    if (out->p == NULL)
        return -1;
    out->len = (size_t)len;
    return PyList_Append(plan->arena_keepalive, text);
}

/* --- load rules ------------------------------------------------------------------ */

/* Item i of a rule: NULL if None or missing; borrowed. */
static PyObject *rule_item(PyObject *rule, Py_ssize_t i)
{
    PyObject *item = i < PyTuple_GET_SIZE(rule) ? PyTuple_GET_ITEM(rule, i) : Py_None;

    return item == Py_None ? NULL : item;
}

/* 1 and *out, 0 if the item is open, -1 with an exception. */
static int rule_int(PyObject *rule, Py_ssize_t i, int64_t *out)
{
    PyObject *item = rule_item(rule, i);

    if (item == NULL)
        return 0;
    *out = PyLong_AsLongLong(item);
    return *out == -1 && PyErr_Occurred() ? -1 : 1;
}

static int rule_double(PyObject *rule, Py_ssize_t i, double *out)
{
    PyObject *item = rule_item(rule, i);

    if (item == NULL)
        return 0;
    *out = PyFloat_AsDouble(item);
    return *out == -1.0 && PyErr_Occurred() ? -1 : 1;
}

static int read_bounds(PyObject *rule, oxypy_field *f)
{
    int low = rule_int(rule, 1, &f->i_min), high = rule_int(rule, 2, &f->i_max);

    if (low < 0 || high < 0)
        return -1;
    f->has_min = low > 0;
    f->has_max = high > 0;
    return 0;
}

/* (2, ge, gt, le, lt) with exclusive bounds made inclusive. A bound at the end
 * of the range that excludes everything leaves an empty interval. */
static int read_int_range(PyObject *rule, oxypy_field *f)
{
    int64_t value;
    int rc;

    f->i_min = INT64_MIN;
    f->i_max = INT64_MAX;
    f->has_min = f->has_max = true;
    for (Py_ssize_t i = 1; i <= 4; i++) {
        rc = rule_int(rule, i, &value);
        if (rc < 0)
            return -1;
        if (rc == 0)
            continue;
        if ((i == 2 && value == INT64_MAX) || (i == 4 && value == INT64_MIN)) {
            f->i_min = 1;
            f->i_max = 0;
            return 0;
        }
        if (i <= 2 && value + (i == 2) > f->i_min)
            f->i_min = value + (i == 2);
        if (i > 2 && value - (i == 4) < f->i_max)
            f->i_max = value - (i == 4);
    }
    return 0;
}

/* (3, ge, gt, le, lt, finite); at most one bound on either side. */
static int read_float_range(PyObject *rule, oxypy_field *f)
{
    PyObject *finite = rule_item(rule, 5);
    int ge = rule_double(rule, 1, &f->d_min), gt, le, lt, truth;

    if (ge < 0)
        return -1;
    gt = rule_double(rule, 2, &f->d_min);
    if (gt < 0)
        return -1;
    le = rule_double(rule, 3, &f->d_max);
    if (le < 0)
        return -1;
    lt = rule_double(rule, 4, &f->d_max);
    if (lt < 0)
        return -1;
    if ((ge && gt) || (le && lt)) {
        PyErr_SetString(PyExc_ValueError, "FieldSpec.load has two bounds on one side");
        return -1;
    }
    f->has_min = ge || gt;
    f->d_min_open = gt > 0;
    f->has_max = le || lt;
    f->d_max_open = lt > 0;
    truth = finite == NULL ? 0 : PyObject_IsTrue(finite);
    f->finite = truth > 0;
    return truth < 0 ? -1 : 0;
}

int oxypy__rule_read(oxypy_state *st, PyObject *rule, oxypy_field *f)
{
    long op;

    if (!PyTuple_Check(rule) || PyTuple_GET_SIZE(rule) == 0) {
        PyErr_SetString(PyExc_TypeError, "FieldSpec.load must be a tuple beginning with LOAD_*");
        return -1;
    }
    op = PyLong_AsLong(PyTuple_GET_ITEM(rule, 0));
    if (op == -1 && PyErr_Occurred())
        return -1;
    f->load = (oxypy_load)op;
    switch (op) {
    case OXYPY_LOAD_IDENTITY: return 0;
    case OXYPY_LOAD_LENGTH:
    case OXYPY_LOAD_DECIMAL: return read_bounds(rule, f);
    case OXYPY_LOAD_INT_RANGE: return read_int_range(rule, f);
    case OXYPY_LOAD_FLOAT_RANGE: return read_float_range(rule, f);
    case OXYPY_LOAD_ENUM:
        f->load_arg = Py_XNewRef(rule_item(rule, 1));
        if (f->load_arg != NULL && PyDict_Check(f->load_arg))
            return 0;
        PyErr_SetString(PyExc_TypeError, "LOAD_ENUM needs a dict");
        return -1;
    case OXYPY_LOAD_VALIDATOR:
        if (rule_item(rule, 1) == NULL)
            break;
        f->fresh = rule_item(rule, 2) == (PyObject *)&PyDict_Type   ? &PyDict_Type
                   : rule_item(rule, 2) == (PyObject *)&PyList_Type ? &PyList_Type
                                                                    : NULL;
        f->load_arg = PyObject_GetAttr(rule_item(rule, 1), st->s_validate_python);
        return f->load_arg == NULL ? -1 : 0;
    default: break;
    }
    PyErr_Format(PyExc_ValueError, "FieldSpec.load is no loading rule: %R", rule);
    return -1;
}

static int read_load(oxypy_state *st, PyObject *spec, oxypy_field *f)
{
    PyObject *rule = PyObject_GetAttrString(spec, "load");
    int rc;

    if (rule == NULL)
        return -1;
    rc = oxypy__rule_read(st, rule, f);
    Py_DECREF(rule);
    return rc;
}

/* --- a whole spec -------------------------------------------------------------------- */

static int read_type(oxypy_plan *plan, PyObject *spec, oxy_type *type)
{
    long ndim, size, scale;

    if (get_kind(spec, "kind", &type->kind) < 0 || get_kind(spec, "elem", &type->elem) < 0 ||
        get_long(spec, "ndim", 0, 16, &ndim) < 0 || get_long(spec, "size", 0, INT32_MAX, &size) < 0 ||
        get_long(spec, "scale", -1, 255, &scale) < 0 || get_bool(spec, "nullable", &type->nullable) < 0 ||
        get_text(plan, spec, "enum_name", &type->name) < 0 ||
        get_text(plan, spec, "enum_schema", &type->name_schema) < 0 ||
        get_text(plan, spec, "db_type", &type->db_type) < 0)
        return -1;
    type->ndim = (uint8_t)ndim;
    type->size = (uint32_t)size;
    type->has_scale = scale >= 0;
    type->scale = scale >= 0 ? (uint8_t)scale : 0;
    return 0;
}

/* values() of an enum field shows members even where loading runs a validator. */
static int read_plain(PyObject *spec, oxypy_field *f)
{
    if (get_optional(spec, "plain", &f->plain) < 0)
        return -1;
    if (f->plain == NULL && get_optional(spec, "enum_members", &f->plain) < 0)
        return -1;
    if (f->plain != NULL && !PyDict_Check(f->plain) && !PyCallable_Check(f->plain)) {
        PyErr_SetString(PyExc_TypeError, "FieldSpec.plain must be a dict or callable");
        return -1;
    }
    return 0;
}

int oxypy__field_read(oxypy_state *st, oxypy_plan *plan, PyObject *spec, oxypy_field *f, oxy_column *column)
{
    long category;

    f->name = PyObject_GetAttrString(spec, "name");
    if (f->name == NULL)
        return -1;
    if (!PyUnicode_CheckExact(f->name)) {
        PyErr_SetString(PyExc_TypeError, "FieldSpec.name must be str");
        return -1;
    }
    PyUnicode_InternInPlace(&f->name);
    if (get_text(plan, spec, "column", &column->name) < 0 || read_type(plan, spec, &column->type) < 0 ||
        get_bool(spec, "primary_key", &f->primary_key) < 0 || get_bool(spec, "generated", &f->generated) < 0 ||
        get_bool(spec, "load_nullable", &f->load_nullable) < 0 ||
        get_long(spec, "category", 0, OXYPY_CAT_COUNT - 1, &category) < 0)
        return -1;
    f->category = (uint8_t)category;
    column->primary_key = f->primary_key;
    column->generated = f->generated;
    column->not_null = !column->type.nullable;
    f->load_type = column->type;
    if (get_kind(spec, "load_kind", &f->load_type.kind) < 0 || get_kind(spec, "load_elem", &f->load_type.elem) < 0)
        return -1;
    if (get_optional(spec, "coerce", &f->coerce) < 0 || get_optional(spec, "to_stored", &f->to_stored) < 0)
        return -1;
    return read_plain(spec, f) < 0 ? -1 : read_load(st, spec, f);
}

void oxypy__field_clear(oxypy_field *f)
{
    Py_CLEAR(f->load_arg);
    Py_CLEAR(f->coerce);
    Py_CLEAR(f->to_stored);
    Py_CLEAR(f->plain);
}
