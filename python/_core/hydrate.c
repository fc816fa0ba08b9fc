/* SPDX-License-Identifier: MIT */
/* Rows in: runs row programs. The quick way decodes each cell, applies its
 * field's rule and builds the instance; at the first value that a rule does
 * not pass, the row starts over on the slow way, which hands the decoded
 * values to Pydantic and so raises (or returns) exactly what Pydantic does. */
#include "cell.h"
#include "instance.h"
#include "leaf.h"
#include "rowprog.h"
#include "template.h"

#define MAX_DECIMAL_DIGITS 28 /* precision of Python's default context, to which Pydantic rounds before it counts */

typedef enum verdict { FAILED = -1 /* exception set */, DOUBTFUL = 0, PASSED = 1 } verdict;

/* --- rules ---------------------------------------------------------------------------- */

static bool length_fits(const oxypy_field *r, Py_ssize_t n)
{
    return (!r->has_min || n >= r->i_min) && (!r->has_max || n <= r->i_max);
}

static verdict check_length(const oxypy_field *r, PyObject *value)
{
    if (PyUnicode_CheckExact(value))
        return length_fits(r, PyUnicode_GET_LENGTH(value)) ? PASSED : DOUBTFUL;
    if (PyBytes_CheckExact(value))
        return length_fits(r, PyBytes_GET_SIZE(value)) ? PASSED : DOUBTFUL;
    return DOUBTFUL;
}

static verdict check_int(const oxypy_field *r, PyObject *value)
{
    int overflow = 0;
    long long number;

    if (!PyLong_CheckExact(value))
        return DOUBTFUL;
    number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (number == -1 && PyErr_Occurred())
        return FAILED;
    return overflow == 0 && number >= r->i_min && number <= r->i_max ? PASSED : DOUBTFUL;
}

static verdict check_float(const oxypy_field *r, PyObject *value)
{
    double d;

    if (!PyFloat_CheckExact(value))
        return DOUBTFUL;
    d = PyFloat_AS_DOUBLE(value);
    if (!(d - d == 0.0)) /* infinite or not a number */
        return r->finite || r->has_min || r->has_max ? DOUBTFUL : PASSED;
    if (r->has_min && !(r->d_min_open ? d > r->d_min : d >= r->d_min))
        return DOUBTFUL;
    if (r->has_max && !(r->d_max_open ? d < r->d_max : d <= r->d_max))
        return DOUBTFUL;
    return PASSED;
}

/* A Decimal's text as digits and places: "-12.50" has 4 and 2. False for
 * exponents, NaN and infinities. */
static bool count_digits(const char *p, int64_t *digits, int64_t *places)
{
    bool point = false, leading = true;

    *digits = *places = 0;
    for (p += *p == '-'; *p != '\0'; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (*p < '0' || *p > '9')
            return false;
        leading = leading && *p == '0';
        *digits += !leading;
        *places += point;
    }
    return true;
}

static bool digits_fit(const oxypy_field *r, int64_t digits, int64_t places)
{
    if (digits < places)
        digits = places;
    if (digits == 0)
        digits = 1;
    return digits <= MAX_DECIMAL_DIGITS && (!r->has_min || digits <= r->i_min) && (!r->has_max || places <= r->i_max) &&
           (!r->has_min || !r->has_max || digits - places <= r->i_min - r->i_max);
}

/* Pydantic drops trailing zeros before it counts, in a context that rounds to
 * MAX_DECIMAL_DIGITS: what fits as written, fits there. */
static verdict check_digits(const oxypy_field *r, PyObject *value)
{
    PyObject *text = PyObject_Str(value);
    const char *p = text == NULL ? NULL : PyUnicode_AsUTF8(text);
    int64_t digits, places;
    verdict v = DOUBTFUL;

    if (p == NULL)
        v = FAILED;
    else if (count_digits(p, &digits, &places) && digits_fit(r, digits, places))
        v = PASSED;
    Py_XDECREF(text);
    return v;
}

static verdict check_decimal(oxypy_state *st, const oxypy_field *r, PyObject *value)
{
    bool limited = r->has_min || r->has_max;
    int64_t digits, places;
    PyObject *finite;
    verdict v;

    if (!Py_IS_TYPE(value, (PyTypeObject *)st->decimal_type))
        return DOUBTFUL;
    switch (oxypy_decimal_measure(st, value, &digits, &places)) {
    case OXYPY_DECIMAL_PLAIN: return !limited || digits_fit(r, digits, places) ? PASSED : DOUBTFUL;
    case OXYPY_DECIMAL_EXPONENT: return limited ? DOUBTFUL : PASSED;
    case OXYPY_DECIMAL_SPECIAL: return DOUBTFUL;
    case OXYPY_DECIMAL_UNKNOWN: break;
    }
    if (limited)
        return check_digits(r, value);
    finite = PyObject_CallMethodNoArgs(value, st->s_is_finite);
    if (finite == NULL)
        return FAILED;
    v = finite == Py_True ? PASSED : DOUBTFUL;
    Py_DECREF(finite);
    return v;
}

/* Whether the validator of such a field would only copy what was just read from
 * JSON. It refuses keys with lone surrogates. */
static bool is_fresh(const oxypy_field *r, PyObject *value)
{
    PyObject *name, *item;
    Py_ssize_t at = 0;

    if (!Py_IS_TYPE(value, r->fresh))
        return false;
    while (r->fresh == &PyDict_Type && PyDict_Next(value, &at, &name, &item))
        if (!PyUnicode_CheckExact(name) || oxypy_has_surrogate(name))
            return false;
    return true;
}

/* Replaces *value by what the stored value stands for. */
static verdict replace(PyObject **value, PyObject *members)
{
    PyObject *member = PyDict_GetItemWithError(members, *value);

    if (member == NULL) {
        if (!PyErr_Occurred())
            return DOUBTFUL;
        PyErr_Clear(); /* unhashable: no member */
        return DOUBTFUL;
    }
    Py_SETREF(*value, Py_NewRef(member));
    return PASSED;
}

/* A validator's own exception is not ours to judge: the slow way calls it
 * again in its place and lets it through. */
static verdict validate(const oxypy_rowprog *p, const oxypy_field *r, PyObject **value)
{
    PyObject *args[] = {NULL, *value, Py_False, Py_False, Py_True};
    PyObject *result = PyObject_Vectorcall(r->load_arg, args + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, p->lax);

    if (result == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_Exception))
            return FAILED;
        PyErr_Clear();
        return DOUBTFUL;
    }
    Py_SETREF(*value, result);
    return PASSED;
}

static verdict apply(oxypy_state *st, const oxypy_rowprog *p, const oxypy_field *r, PyObject **value)
{
    if (*value == Py_None && r->load != OXYPY_LOAD_VALIDATOR)
        return r->load_nullable ? PASSED : DOUBTFUL;
    switch (r->load) {
    case OXYPY_LOAD_IDENTITY: return PASSED;
    case OXYPY_LOAD_LENGTH: return check_length(r, *value);
    case OXYPY_LOAD_INT_RANGE: return check_int(r, *value);
    case OXYPY_LOAD_FLOAT_RANGE: return check_float(r, *value);
    case OXYPY_LOAD_ENUM: return replace(value, r->load_arg);
    case OXYPY_LOAD_DECIMAL: return check_decimal(st, r, *value);
    case OXYPY_LOAD_VALIDATOR: return *value == Py_None && r->load_nullable ? PASSED : validate(p, r, value);
    }
    return DOUBTFUL;
}

int oxypy__rule_apply(oxypy_state *st, const oxypy_field *rule, PyObject **value)
{
    return rule->load == OXYPY_LOAD_VALIDATOR ? DOUBTFUL : apply(st, NULL, rule, value);
}

/* values() and annotations: what an attribute of the model would hold, without
 * its constraints. */
static PyObject *plain_value(oxypy_state *st, const oxypy_rowprog *p, uint32_t i, const oxypy_source *src)
{
    const oxypy_rowcol *c = &p->cols[i];
    PyObject *value = oxypy__cell_get(st, p, i, src), *plain = c->rule.plain, *result;

    if (value == NULL || value == Py_None || plain == NULL)
        return value;
    if (PyDict_Check(plain)) {
        if (replace(&value, plain) == PASSED)
            return value;
        Py_DECREF(value);
        return oxypy__cell_refuse(st, p, i, src, "the stored value is no member of the field's enum");
    }
    result = PyObject_CallOneArg(plain, value);
    Py_DECREF(value);
    return result != NULL ? result : oxypy__cell_failed(st, p, i, src);
}

/* --- filling -------------------------------------------------------------------------- */

/* One column, decoded and checked; *value is a new reference if it passed, else NULL.
 * Inline in both loops over columns: a call for each costs a thirtieth of a row. */
__attribute__((always_inline)) static inline verdict take(oxypy_state *st, const oxypy_rowprog *p, uint32_t i,
                                                          const oxypy_source *src, PyObject **value)
{
    const oxypy_rowcol *c = &p->cols[i];
    verdict v;

    *value = c->is_field ? oxypy__cell_get(st, p, i, src) : plain_value(st, p, i, src);
    if (*value == NULL)
        return FAILED;
    if (!c->is_field || (c->rule.load == OXYPY_LOAD_IDENTITY && *value != Py_None))
        return PASSED;
    if (c->rule.fresh != NULL && src->row != NULL && is_fresh(&c->rule, *value))
        return PASSED;
    v = apply(st, p, &c->rule, value);
    if (v != PASSED)
        Py_CLEAR(*value);
    return v;
}

/* Where the columns' places are in a copy of the template, or NULL. */
static inline PyObject **values_of(const oxypy_rowprog *p, PyObject *dict)
{
    return p->in_words ? oxypy_template_words(p->template_dict, dict) : oxypy_template_values(p->template_dict, dict);
}

/* Decodes and checks every column into dict. placed: it is a copy of the template. */
static verdict fill(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src, PyObject *dict, bool placed)
{
    PyObject **values = placed ? values_of(p, dict) : NULL;
    bool holds = false, rows = src->row != NULL;

    for (uint32_t i = 0; i < p->n; i++) {
        const oxypy_rowcol *c = &p->cols[i];
        PyObject *value;
        verdict v = take(st, p, i, src, &value);

        if (v != PASSED)
            return v;
        if (!c->quiet || !rows) {
            values = placed ? values_of(p, dict) : NULL;
            holds |= oxypy_template_holds(value);
        }
        if (values != NULL) {
            Py_SETREF(values[c->place], value);
            continue;
        }
        if (PyDict_SetItem(dict, c->name, value) < 0)
            v = FAILED;
        Py_DECREF(value);
        if (v != PASSED)
            return v;
    }
    oxypy_template_done(dict, holds);
    return PASSED;
}

/* An attribute that is made anew for each row. */
static int make_one(const oxypy_made *made, PyObject *dict)
{
    PyObject *value = made->factory == (PyObject *)&PyList_Type ? PyList_New(0) : PyObject_CallNoArgs(made->factory);
    int rc = value == NULL ? -1 : PyDict_SetItem(dict, made->name, value);

    Py_XDECREF(value);
    return rc;
}

static int fill_made(const oxypy_rowprog *p, PyObject *dict)
{
    for (uint32_t i = 0; i < p->n_made; i++)
        if (make_one(&p->made[i], dict) < 0)
            return -1;
    return 0;
}

/* A list that the collector does not see, where the dict has a place for it. 1; 0 if it has none; -1. */
static int put_closed(const oxypy_rowprog *p, const oxypy_made *made, PyObject *dict)
{
    PyObject *list, **values;

    if (made->factory != (PyObject *)&PyList_Type || made->place == UINT32_MAX)
        return 0;
    list = PyList_New(0);
    if (list == NULL)
        return -1;
    values = oxypy_template_values(p->template_dict, dict); /* what ran meanwhile may have changed it */
    if (values == NULL) {
        Py_DECREF(list);
        return 0;
    }
    PyObject_GC_UnTrack(list);
    Py_SETREF(values[made->place], list);
    return 1;
}

/* The same in a row that may become a closed leaf (leaf.h). */
static int fill_closed(const oxypy_rowprog *p, PyObject *dict)
{
    for (uint32_t i = 0; i < p->n_made; i++) {
        int put = put_closed(p, &p->made[i], dict);

        if (put < 0 || (put == 0 && make_one(&p->made[i], dict) < 0))
            return -1;
    }
    if (PyObject_GC_IsTracked(dict)) /* by something else that was made */
        oxypy_leaf_open_dict(dict);
    return 0;
}

/* Relations that are attributes only if there is nothing to load: their id is NULL. */
static int fill_without_id(const oxypy_rowprog *p, PyObject *dict)
{
    PyObject *pairs = p->plan->without_id;

    for (Py_ssize_t i = 0; pairs != NULL && i < PyTuple_GET_SIZE(pairs); i++) {
        PyObject *name, *ids;

        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(pairs, i), "UO!:without_id", &name, &PyTuple_Type, &ids))
            return -1;
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(ids); k++) {
            PyObject *value = PyDict_GetItemWithError(dict, PyTuple_GET_ITEM(ids, k));

            if (value == NULL ? PyErr_Occurred() != NULL
                              : value == Py_None && PyDict_SetDefault(dict, name, Py_None) == NULL)
                return -1;
        }
    }
    return 0;
}

/* The instance around a filled dict; takes no reference. */
static PyObject *wrap(const oxypy_rowprog *p, PyObject *dict)
{
    bool later = p->plan->lazy_set && PySet_GET_SIZE(p->fields_set) == PySet_GET_SIZE(p->plan->template_set);
    PyObject *fields_set = later ? NULL : PySet_New(p->fields_set), *self;

    if (fields_set == NULL && !later)
        return NULL;
    self = oxypy_instance_new(p->plan, dict, fields_set, p->state);
    Py_XDECREF(fields_set);
    if (self != NULL && p->plan->init_private != NULL && oxypy_private_init(p->plan, self) < 0)
        Py_CLEAR(self);
    return self;
}

/* --- the slow way ----------------------------------------------------------------------- */

/* Decoded values by name, before any rule: of the fields, or of the rest. */
static PyObject *collect(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src, bool fields)
{
    PyObject *dict = PyDict_New();

    for (uint32_t i = 0; dict != NULL && i < p->n; i++) {
        PyObject *value;

        if (p->cols[i].is_field != fields)
            continue;
        value = fields ? oxypy__cell_get(st, p, i, src) : plain_value(st, p, i, src);
        if (value == NULL || PyDict_SetItem(dict, p->cols[i].name, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

/* What is no field: annotations and related rows. */
static PyObject *collect_extra(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src)
{
    PyObject *dict = collect(st, p, src, false);

    if (dict != NULL && oxypy__related_fill(st, p, src, dict) < 0)
        Py_CLEAR(dict);
    return dict;
}

/* The values of a partial row, validated field by field in the model's order:
 * new reference to a dict. */
static PyObject *validate_partial(const oxypy_rowprog *p, PyObject *values)
{
    PyObject *answer = PyObject_CallOneArg(p->validate, values), *dict = NULL;

    if (answer == NULL)
        return NULL;
    if (PyTuple_Check(answer) && PyTuple_GET_SIZE(answer) > 0 && PyDict_Check(PyTuple_GET_ITEM(answer, 0)))
        dict = Py_NewRef(PyTuple_GET_ITEM(answer, 0));
    else
        PyErr_SetString(PyExc_TypeError, "a validator of fields must return (dict, extra, fields set)");
    Py_DECREF(answer);
    return dict;
}

static PyObject *slow_partial(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src)
{
    PyObject *values = collect(st, p, src, true), *extra = NULL, *valid = NULL, *dict = NULL, *self = NULL;

    if (values == NULL)
        return NULL;
    extra = collect_extra(st, p, src);
    if (extra == NULL)
        goto done;
    valid = validate_partial(p, values);
    dict = valid == NULL ? NULL : PyDict_Copy(p->template_dict);
    if (dict != NULL && PyDict_Update(dict, valid) == 0 && fill_made(p, dict) == 0 && fill_without_id(p, dict) == 0 &&
        PyDict_Update(dict, extra) == 0)
        self = wrap(p, dict);
done:
    Py_DECREF(values);
    Py_XDECREF(extra);
    Py_XDECREF(valid);
    Py_XDECREF(dict);
    return self;
}

/* State, annotations and related rows for an instance that Pydantic made. A validator may
 * return anything; what is no instance of the model is left alone. */
static int adorn(const oxypy_rowprog *p, PyObject *self, PyObject *extra)
{
    PyObject *dict;
    int rc;

    if (!PyObject_TypeCheck(self, p->plan->model))
        return 0;
    oxypy_slot_steal(self, p->plan->off_state, Py_NewRef(p->state));
    if (PyDict_GET_SIZE(extra) == 0)
        return 0;
    dict = oxypy_instance_dict(self);
    if (dict == NULL)
        return -1;
    rc = PyDict_Update(dict, extra);
    oxypy_leaf_written(self, dict);
    Py_DECREF(dict);
    return rc;
}

static PyObject *slow_model(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src)
{
    PyObject *values, *extra, *self = NULL;

    if (p->validate != NULL)
        return slow_partial(st, p, src);
    values = collect(st, p, src, true);
    if (values == NULL)
        return NULL;
    extra = collect_extra(st, p, src);
    if (extra != NULL)
        self = PyObject_CallOneArg(p->plan->validate_row, values);
    if (self != NULL && adorn(p, self, extra) < 0)
        Py_CLEAR(self);
    Py_DECREF(values);
    Py_XDECREF(extra);
    return self;
}

/* --- rows by shape ------------------------------------------------------------------------ */

static PyObject *build_model(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src)
{
    PyObject *dict, *self = NULL;
    verdict v;

    if (p->whole)
        return slow_model(st, p, src);
    dict = PyDict_Copy(p->template_dict);
    if (dict == NULL)
        return NULL;
    v = fill(st, p, src, dict, p->placed);
    if (v == PASSED && p->n_children != 0 && oxypy__related_fill(st, p, src, dict) < 0)
        v = FAILED;
    if (v == PASSED) {
        bool closes = p->plan->leaves && !PyObject_GC_IsTracked(dict) && oxypy_leaf_closes(p->plan->model);

        if ((closes ? fill_closed(p, dict) : fill_made(p, dict)) == 0 && fill_without_id(p, dict) == 0)
            self = wrap(p, dict);
        /* A factory's exception is Pydantic's to raise, as a validator's is. */
        if (self == NULL && PyErr_ExceptionMatches(PyExc_Exception) && !p->partial) {
            PyErr_Clear();
            v = DOUBTFUL;
        }
    }
    Py_DECREF(dict);
    return v == DOUBTFUL ? slow_model(st, p, src) : self;
}

static PyObject *build_dict(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src)
{
    PyObject *dict = PyDict_Copy(p->template_dict);

    for (uint32_t i = 0; dict != NULL && i < p->n; i++) {
        PyObject *value = plain_value(st, p, i, src);

        if (value == NULL || PyDict_SetItem(dict, p->cols[i].name, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *build_tuple(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)p->n);

    for (uint32_t i = 0; tuple != NULL && i < p->n; i++) {
        PyObject *value = plain_value(st, p, i, src);

        if (value == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, value);
    }
    return tuple;
}

PyObject *oxypy__row_make(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src)
{
    switch (p->shape) {
    case OXYPY_MODEL: return build_model(st, p, src);
    case OXYPY_DICT: return build_dict(st, p, src);
    case OXYPY_TUPLE: return build_tuple(st, p, src);
    case OXYPY_FLAT: return plain_value(st, p, 0, src);
    }
    return NULL;
}

/* --- values for an instance that exists ------------------------------------------------- */

/* Of everything a validator returned, what the program's columns are called. */
static int pick(const oxypy_rowprog *p, PyObject *from, PyObject *into)
{
    for (uint32_t i = 0; i < p->n; i++) {
        PyObject *value;

        if (!p->cols[i].is_field)
            continue;
        value = PyDict_GetItemWithError(from, p->cols[i].name);
        if (value == NULL)
            return PyErr_Occurred() ? -1 : 0;
        if (PyDict_SetItem(into, p->cols[i].name, value) < 0)
            return -1;
    }
    return 0;
}

/* The slow way's values: validated as a row, its instance thrown away. */
static PyObject *slow_values(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src)
{
    PyObject *values = collect(st, p, src, true), *valid = NULL, *self = NULL, *result = NULL;

    if (values == NULL)
        return NULL;
    if (p->validate != NULL) {
        valid = validate_partial(p, values);
    } else {
        self = PyObject_CallOneArg(p->plan->validate_row, values);
        if (self != NULL && PyObject_TypeCheck(self, p->plan->model))
            valid = oxypy_instance_dict(self);
        else if (self != NULL)
            PyErr_Format(PyExc_TypeError, "validating a row of %s gave %s", p->plan->model->tp_name,
                         Py_TYPE(self)->tp_name);
    }
    result = valid == NULL ? NULL : collect(st, p, src, false);
    if (result != NULL && pick(p, valid, result) < 0)
        Py_CLEAR(result);
    Py_DECREF(values);
    Py_XDECREF(valid);
    Py_XDECREF(self);
    return result;
}

/* Values by name as a tuple of the columns; NULL where there is none. */
static PyObject *in_order(const oxypy_rowprog *p, PyObject *values)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)p->n);

    for (uint32_t i = 0; tuple != NULL && i < p->n; i++) {
        PyObject *value = PyDict_GetItemWithError(values, p->cols[i].name);

        if (value == NULL && PyErr_Occurred())
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, Py_XNewRef(value));
    }
    return tuple;
}

static PyObject *slow_row_values(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src)
{
    PyObject *values = slow_values(st, p, src), *tuple = values == NULL ? NULL : in_order(p, values);

    Py_XDECREF(values);
    return tuple;
}

PyObject *oxypy__row_values(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src)
{
    PyObject *tuple;
    verdict v = PASSED;

    if (p->whole)
        return slow_row_values(st, p, src);
    tuple = PyTuple_New((Py_ssize_t)p->n);
    if (tuple == NULL)
        return NULL;
    for (uint32_t i = 0; v == PASSED && i < p->n; i++) {
        PyObject *value;

        v = take(st, p, i, src, &value);
        PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, value);
    }
    if (v != PASSED)
        Py_CLEAR(tuple);
    return v == DOUBTFUL ? slow_row_values(st, p, src) : tuple;
}
