/* SPDX-License-Identifier: MIT */
/* From the arguments of _configure() to a store's configuration. */
#include "runtime_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Seconds of a pool setting; None: NEVER; absent: the default. -1 with an exception. */
static int get_ns(PyObject *pool, const char *name, oxy_ns absent, oxy_ns *out)
{
    PyObject *value = PyMapping_HasKeyString(pool, name) ? PyMapping_GetItemString(pool, name) : NULL;
    double seconds;

    *out = absent;
    if (value == NULL)
        return PyErr_Occurred() ? -1 : 0;
    if (value == Py_None) {
        *out = OXY_NS_NEVER;
        Py_DECREF(value);
        return 0;
    }
    seconds = PyFloat_AsDouble(value);
    Py_DECREF(value);
    if (seconds == -1.0 && PyErr_Occurred())
        return -1;
    if (isnan(seconds) || seconds < 0) {
        PyErr_Format(PyExc_ValueError, "%s must be a non-negative number of seconds", name);
        return -1;
    }
    *out = seconds * 1e9 >= 9e18 ? OXY_NS_NEVER : (oxy_ns)(seconds * 1e9);
    return 0;
}

static int get_u32(PyObject *pool, const char *name, uint32_t absent, uint32_t *out)
{
    PyObject *value = PyMapping_HasKeyString(pool, name) ? PyMapping_GetItemString(pool, name) : NULL;
    long long n;

    *out = absent;
    if (value == NULL || value == Py_None) {
        Py_XDECREF(value);
        return PyErr_Occurred() ? -1 : 0;
    }
    n = PyLong_AsLongLong(value);
    Py_DECREF(value);
    if (n == -1 && PyErr_Occurred())
        return -1;
    if (n < 0 || n > 1000000) {
        PyErr_Format(PyExc_ValueError, "%s is out of range", name);
        return -1;
    }
    *out = (uint32_t)n;
    return 0;
}

static int read_pool(PyObject *pool, oxypy_store_config *config)
{
    oxy_pool_config *p = &config->pool;
    uint32_t reset;

    if (get_u32(pool, "max", 10, &p->max) < 0 || get_u32(pool, "min", 1, &p->min) < 0 ||
        get_u32(pool, "share_max", 0, &p->share_max) < 0 ||
        get_u32(pool, "statement_cache", 100, &config->statement_cache) < 0 ||
        get_u32(pool, "session_reset", OXYPY_RESET_AUTO, &reset) < 0)
        return -1;
    if (get_ns(pool, "acquire_timeout", 30 * OXY_NS_PER_S, &config->acquire_timeout) < 0 ||
        get_ns(pool, "connect_timeout", 10 * OXY_NS_PER_S, &config->connect_timeout) < 0 ||
        get_ns(pool, "cancel_timeout", 2 * OXY_NS_PER_S, &config->cancel_timeout) < 0 ||
        get_ns(pool, "statement_timeout", OXY_NS_NEVER, &config->statement_timeout) < 0 ||
        get_ns(pool, "near_budget", 0, &config->near_budget) < 0 ||
        get_ns(pool, "idle_timeout", 600 * OXY_NS_PER_S, &p->idle_timeout) < 0 ||
        get_ns(pool, "max_lifetime", 1800 * OXY_NS_PER_S, &p->max_lifetime) < 0 ||
        get_ns(pool, "ping_after", 30 * OXY_NS_PER_S, &p->ping_after) < 0 ||
        get_ns(pool, "connect_retry", 0, &p->connect_retry) < 0)
        return -1;
    if (p->max < 1 || reset > OXYPY_RESET_FULL) {
        PyErr_SetString(PyExc_ValueError, "max must be at least 1, session_reset 0, 1 or 2");
        return -1;
    }
    config->reset = (oxypy_reset)reset;
    return 0;
}

static bool sv_is(oxy_sv a, const char *text)
{
    return oxy_sv_eq(a, oxy_sv_of(text));
}

/* An in-memory database lives in its connection: one, and no limit ends it. */
static void settle_memory(oxypy_store_config *config)
{
    for (uint32_t i = 0; i < config->n_settings; i++) {
        const oxy_setting *s = &config->settings[i];

        if ((sv_is(s->name, "mode") && sv_is(s->value, "memory")) ||
            (sv_is(s->name, "path") && (sv_is(s->value, ":memory:") || s->value.len == 0)))
            config->memory = true;
    }
    if (!config->memory)
        return;
    config->pool.max = config->pool.min = 1;
    config->pool.idle_timeout = config->pool.max_lifetime = OXY_NS_NEVER;
}

static int read_sv(PyObject *object, oxy_sv *out)
{
    Py_ssize_t len;

    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "settings are str, not %s", Py_TYPE(object)->tp_name);
        return -1;
    }
    out->p = PyUnicode_AsUTF8AndSize(object, &len);
    out->len = (size_t)len;
    return out->p == NULL ? -1 : 0;
}

/* items: list of (name, value); the text is borrowed from it. */
static int read_settings(PyObject *items, oxypy_store_config *config)
{
    Py_ssize_t n = PyList_GET_SIZE(items);

    config->settings = calloc((size_t)n + 1, sizeof *config->settings);
    if (config->settings == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    config->n_settings = (uint32_t)n;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyList_GET_ITEM(items, i);

        if (read_sv(PyTuple_GET_ITEM(item, 0), &config->settings[i].name) < 0 ||
            read_sv(PyTuple_GET_ITEM(item, 1), &config->settings[i].value) < 0)
            return -1;
    }
    return 0;
}

/* --- drivers ------------------------------------------------------------------------ */

typedef struct backend_info {
    const char *name, *module, *capsule, *library;
    const oxy_dialect *dialect;
} backend_info;

static const backend_info backends[] = {
    {"postgres", "oxyde._postgres", "oxyde._postgres.driver", "libpq", &oxy_dialect_postgres},
    {"mysql", "oxyde._mysql", "oxyde._mysql.driver", "libmariadb", &oxy_dialect_mysql},
};

/* The module of a driver brings the client library with it, or fails to. */
static const oxy_driver *load(oxypy_state *st, const backend_info *info)
{
    PyObject *module = PyImport_ImportModule(info->module), *capsule = NULL, *type, *value, *traceback;
    const oxy_driver *driver = NULL;

    if (module != NULL) {
        capsule = PyObject_GetAttrString(module, "driver");
        if (capsule != NULL)
            driver = PyCapsule_GetPointer(capsule, info->capsule);
        Py_XDECREF(capsule);
        Py_DECREF(module);
        return driver;
    }
    if (!PyErr_ExceptionMatches(PyExc_ImportError))
        return NULL;
    PyErr_Fetch(&type, &value, &traceback);
    oxypy_raise_text(st, OXY_NOT_SUPPORTED, "%s databases need the client library %s, which cannot be loaded: %S",
                     info->name, info->library, value == NULL ? Py_None : value);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return NULL;
}

static int find_driver(oxypy_state *st, const char *backend, oxypy_store_config *config)
{
    if (strcmp(backend, "sqlite") == 0) {
        config->driver = &oxy_driver_sqlite;
        config->dialect = &oxy_dialect_sqlite;
        config->pool.single_writer = true;
        return 0;
    }
    for (size_t i = 0; i < OXY_COUNT(backends); i++) {
        if (strcmp(backend, backends[i].name) != 0)
            continue;
        config->driver = load(st, &backends[i]);
        config->dialect = backends[i].dialect;
        return config->driver == NULL ? -1 : 0;
    }
    PyErr_Format(PyExc_ValueError, "no driver for %s", backend);
    return -1;
}

int oxypy_settings_read(oxypy_state *st, const char *backend, PyObject *items, PyObject *pool, PyObject *gate,
                        oxypy_store_config *config)
{
    if (find_driver(st, backend, config) < 0)
        return -1;
    if (read_settings(items, config) < 0 || read_pool(pool, config) < 0)
        return -1;
    if (config->driver->max_in_flight < 2)
        config->pool.share_max = 0;
    else if (config->pool.share_max > config->driver->max_in_flight)
        config->pool.share_max = config->driver->max_in_flight;
    if (config->pool.single_writer)
        settle_memory(config);
    if (config->pool.min > config->pool.max)
        config->pool.min = config->pool.max;
    if (gate != NULL && gate != Py_None) {
        config->gate = (char *)(uintptr_t)PyUnicode_AsUTF8(gate); /* copied before it is used */
        if (config->gate == NULL)
            return -1;
    }
    return 0;
}
