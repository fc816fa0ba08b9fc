/* SPDX-License-Identifier: MIT */
/* Values out: one typed value as the Python object of its kind. Exceptions
 * raised here are plain Python ones (ValueError, OverflowError, ...); hydrate.c
 * turns them into a DataError that says where. */
#include "hydrate.h"
#include "instance.h"

#define MICROS_PER_SECOND INT64_C(1000000)
#define MICROS_PER_DAY (INT64_C(86400) * MICROS_PER_SECOND)
#define MAX_NESTING 16 /* of arrays; PostgreSQL stops at 6 */

/* --- preparation --------------------------------------------------------------------- */

/* uuid.UUID keeps its two parts in slots, which its __setattr__ refuses to
 * write; setting them directly spares the constructor's checks of its input,
 * more than 1 microsecond for each value. */
static Py_ssize_t uuid_slot(oxypy_state *st, const char *name)
{
    PyObject *text = PyUnicode_FromString(name);
    Py_ssize_t offset = text == NULL ? -1 : oxypy_slot_offset((PyTypeObject *)st->uuid_type, text);

    Py_XDECREF(text);
    if (offset < 0)
        PyErr_Clear();
    return offset;
}

int oxypy_to_py_init(oxypy_state *st)
{
    PyObject *core = PyImport_ImportModule("pydantic_core"), *from_json;

    if (core == NULL)
        return -1;
    from_json = PyObject_GetAttrString(core, "from_json");
    Py_DECREF(core);
    if (from_json == NULL)
        return -1;
    /* Two to five times as fast as json.loads, and equal to it on everything that both
     * accept; from_json_text() asks json.loads about the rest. */
    Py_XSETREF(st->json_loads, from_json);
    st->uuid_int = uuid_slot(st, "int");
    st->uuid_is_safe = uuid_slot(st, "is_safe");
    return oxypy_decimal_init(st);
}

/* --- JSON ------------------------------------------------------------------------------ */

/* json.loads accepts deeper nesting and lone surrogates written as escapes;
 * what it refuses as well is an error for good. */
static PyObject *from_json_slowly(const char *p, size_t len)
{
    PyObject *json = PyImport_ImportModule("json"), *text = oxypy_from_text(p, len), *value = NULL;

    if (json != NULL && text != NULL)
        value = PyObject_CallMethod(json, "loads", "O", text);
    Py_XDECREF(json);
    Py_XDECREF(text);
    return value;
}

static PyObject *from_json_text(oxypy_state *st, const char *p, size_t len)
{
    PyObject *bytes, *value;

    if (len == 2 && p[0] == '{' && p[1] == '}')
        return PyDict_New();
    if (len == 2 && p[0] == '[' && p[1] == ']')
        return PyList_New(0);
    bytes = PyBytes_FromStringAndSize(p, (Py_ssize_t)len);
    if (bytes == NULL)
        return NULL;
    value = PyObject_CallOneArg(st->json_loads, bytes);
    Py_DECREF(bytes);
    if (value != NULL || !PyErr_ExceptionMatches(PyExc_ValueError))
        return value;
    PyErr_Clear();
    return from_json_slowly(p, len);
}

/* --- dates and times --------------------------------------------------------------------- */

static PyObject *calendar_range(void)
{
    PyErr_SetString(PyExc_ValueError, "outside of the years 1 to 9999");
    return NULL;
}

PyObject *oxypy_from_datetime(oxypy_state *st, int64_t micros, bool utc)
{
    oxy_civil c;

    if (micros < OXY_DATETIME_MIN || micros > OXY_DATETIME_MAX)
        return calendar_range();
    oxy_civil_from_micros(micros, &c);
    return st->datetime->DateTime_FromDateAndTime(c.year, c.month, c.day, c.hour, c.minute, c.second, (int)c.micros,
                                                  utc ? st->utc : Py_None, st->datetime->DateTimeType);
}

static PyObject *from_date(oxypy_state *st, int64_t days)
{
    oxy_civil c;

    if (days < OXY_DATETIME_MIN / MICROS_PER_DAY || days > OXY_DATETIME_MAX / MICROS_PER_DAY)
        return calendar_range();
    oxy_civil_from_days(days, &c);
    return st->datetime->Date_FromDate(c.year, c.month, c.day, st->datetime->DateType);
}

static PyObject *from_time(oxypy_state *st, int64_t micros, PyObject *tz)
{
    int64_t seconds = micros / MICROS_PER_SECOND;

    if (micros < 0 || micros >= MICROS_PER_DAY) {
        PyErr_SetString(PyExc_ValueError, "outside of one day");
        return NULL;
    }
    return st->datetime->Time_FromTime((int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60),
                                       (int)(micros % MICROS_PER_SECOND), tz, st->datetime->TimeType);
}

static PyObject *from_timetz(oxypy_state *st, const oxy_value *v)
{
    PyObject *offset, *tz = NULL, *value = NULL;

    if (v->tz == 0)
        return from_time(st, v->i, st->utc);
    offset = st->datetime->Delta_FromDelta(0, v->tz, 0, 1, st->datetime->DeltaType);
    if (offset != NULL)
        tz = st->datetime->TimeZone_FromTimeZone(offset, NULL);
    if (tz != NULL)
        value = from_time(st, v->i, tz);
    Py_XDECREF(offset);
    Py_XDECREF(tz);
    return value;
}

static PyObject *from_timedelta(oxypy_state *st, int64_t micros)
{
    int64_t days = micros / MICROS_PER_DAY, rest = micros % MICROS_PER_DAY;

    if (rest < 0) {
        rest += MICROS_PER_DAY;
        days--;
    }
    return st->datetime->Delta_FromDelta((int)days, (int)(rest / MICROS_PER_SECOND), (int)(rest % MICROS_PER_SECOND), 0,
                                         st->datetime->DeltaType);
}

/* --- uuid, decimal, ip --------------------------------------------------------------------- */

static PyObject *uuid_number(const uint8_t uuid[16])
{
#if PY_VERSION_HEX >= 0x030d0000
    return PyLong_FromUnsignedNativeBytes(uuid, 16, Py_ASNATIVEBYTES_BIG_ENDIAN);
#else
    return _PyLong_FromByteArray(uuid, 16, 0, 0);
#endif
}

static PyObject *from_uuid(oxypy_state *st, const uint8_t uuid[16])
{
    PyTypeObject *type = (PyTypeObject *)st->uuid_type;
    PyObject *number = uuid_number(uuid), *self;

    if (number == NULL)
        return NULL;
    if (st->uuid_int < 0 || st->uuid_is_safe < 0) {
        PyObject *args = PyTuple_New(0), *kwargs = Py_BuildValue("{s:O}", "int", number);

        self = args == NULL || kwargs == NULL ? NULL : PyObject_Call(st->uuid_type, args, kwargs);
        Py_XDECREF(args);
        Py_XDECREF(kwargs);
        Py_DECREF(number);
        return self;
    }
    self = type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_DECREF(number);
        return NULL;
    }
    oxypy_slot_steal(self, st->uuid_int, number);
    oxypy_slot_steal(self, st->uuid_is_safe, Py_NewRef(st->safe_unknown));
    return self;
}

static PyObject *call_with_text(PyObject *callable, oxy_sv s)
{
    PyObject *text = oxypy_from_text(s.p, s.len), *value;

    if (text == NULL)
        return NULL;
    value = PyObject_CallOneArg(callable, text);
    Py_DECREF(text);
    return value;
}

static PyObject *from_decimal(oxypy_state *st, oxy_sv s)
{
    PyObject *value = oxypy_decimal_quick(st, s.p, s.len);

    return value != NULL || PyErr_Occurred() ? value : call_with_text(st->decimal_type, s);
}

/* An address with a prefix length is an interface; networks are known by the
 * column's kind or, where there is none, by the type that the value came in. */
static PyObject *from_ip(oxypy_state *st, const oxy_value *v, oxy_kind kind)
{
    oxy_sv s = v->s;

    if (kind == OXY_K_CIDR || (kind == OXY_K_UNKNOWN && v->wire == OXY_PG_OID_CIDR))
        return call_with_text(st->ip_network, s);
    if (s.len > 0 && memchr(s.p, '/', s.len) != NULL)
        return call_with_text(st->ip_interface, s);
    return call_with_text(st->ip_address, s);
}

/* --- any value ------------------------------------------------------------------------------- */

static PyObject *from_value(oxypy_state *st, const oxy_value *v, oxy_kind kind, oxy_kind elem, int depth);

static PyObject *from_array(oxypy_state *st, const oxy_array *array, oxy_kind elem, int depth)
{
    PyObject *list;

    if (depth >= MAX_NESTING || array->n > PY_SSIZE_T_MAX / sizeof(PyObject *)) {
        PyErr_SetString(PyExc_ValueError, "an array is nested too deep or too long");
        return NULL;
    }
    list = PyList_New((Py_ssize_t)array->n);
    for (size_t i = 0; list != NULL && i < array->n; i++) {
        PyObject *item = from_value(st, &array->items[i], elem, elem, depth + 1);

        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

static PyObject *from_value(oxypy_state *st, const oxy_value *v, oxy_kind kind, oxy_kind elem, int depth)
{
    switch ((oxy_tag)v->tag) {
    case OXY_V_NULL: Py_RETURN_NONE;
    case OXY_V_BOOL: return PyBool_FromLong(v->i != 0);
    case OXY_V_INT: return PyLong_FromLongLong(v->i);
    case OXY_V_UINT: return PyLong_FromUnsignedLongLong(v->u);
    case OXY_V_DOUBLE: return PyFloat_FromDouble(v->d);
    case OXY_V_TEXT: return oxypy_from_text(v->s.p, v->s.len);
    case OXY_V_BLOB: return PyBytes_FromStringAndSize(v->s.p, (Py_ssize_t)v->s.len);
    case OXY_V_DATETIME: return oxypy_from_datetime(st, v->i, false);
    case OXY_V_DATETIME_UTC: return oxypy_from_datetime(st, v->i, true);
    case OXY_V_DATE: return from_date(st, v->i);
    case OXY_V_TIME: return from_time(st, v->i, Py_None);
    case OXY_V_TIMETZ: return from_timetz(st, v);
    case OXY_V_TIMEDELTA: return from_timedelta(st, v->i);
    case OXY_V_UUID: return from_uuid(st, v->uuid);
    case OXY_V_DECIMAL: return from_decimal(st, v->s);
    case OXY_V_JSON: return from_json_text(st, v->s.p, v->s.len);
    case OXY_V_INET: return from_ip(st, v, kind);
    case OXY_V_ARRAY: return from_array(st, v->array, elem, depth);
    case OXY_V_WIRE: /* encoders make these, decoders never */
    case OXY_V_COUNT: break;
    }
    PyErr_SetString(PyExc_SystemError, "a value has no tag");
    return NULL;
}

PyObject *oxypy_from_value(oxypy_state *st, const oxy_value *v, const oxy_type *type)
{
    return from_value(st, v, type->kind, type->elem, 0);
}
