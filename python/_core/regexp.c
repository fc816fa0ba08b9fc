/* SPDX-License-Identifier: MIT */
/* SQLite's REGEXP through Python's re. Runs on the loop's thread, which has
 * the GIL, or on a worker's, which takes it for the length of one search. */
#include "runtime_private.h"

#include <stdlib.h>

/* Compiled patterns kept; a statement rarely has more than one. */
#define CACHE_MAX 128

typedef struct regexp {
    PyInterpreterState *interpreter; /* PyGILState_Ensure() knows the main one only */
    PyObject *cache;                 /* dict (pattern, fold) -> bound search method; NULL until needed */
} regexp;

void *oxypy_regexp_new(oxypy_state *st)
{
    regexp *r = calloc(1, sizeof *r);

    if (r == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    r->interpreter = st->runtime->interpreter;
    return r;
}

void oxypy_regexp_free(void *ctx)
{
    regexp *r = ctx;

    Py_XDECREF(r->cache);
    free(r);
}

static PyObject *compile(PyObject *pattern, bool fold)
{
    PyObject *re = PyImport_ImportModule("re"), *flags = NULL, *compiled = NULL, *search = NULL;

    if (re == NULL)
        return NULL;
    flags = fold ? PyObject_GetAttrString(re, "IGNORECASE") : PyLong_FromLong(0);
    if (flags != NULL)
        compiled = PyObject_CallMethod(re, "compile", "OO", pattern, flags);
    if (compiled != NULL)
        search = PyObject_GetAttrString(compiled, "search");
    Py_DECREF(re);
    Py_XDECREF(flags);
    Py_XDECREF(compiled);
    return search;
}

/* The search method of a pattern, new reference. */
static PyObject *searcher(regexp *r, oxy_sv pattern, bool fold)
{
    PyObject *text = PyUnicode_DecodeUTF8(pattern.p, (Py_ssize_t)pattern.len, NULL), *key = NULL, *search = NULL;

    if (text == NULL)
        return NULL;
    key = Py_BuildValue("(OO)", text, fold ? Py_True : Py_False);
    if (key == NULL || (r->cache == NULL && (r->cache = PyDict_New()) == NULL))
        goto done;
    search = PyDict_GetItemWithError(r->cache, key);
    if (search != NULL) {
        Py_INCREF(search);
        goto done;
    }
    if (PyErr_Occurred())
        goto done;
    search = compile(text, fold);
    if (search == NULL)
        goto done;
    if (PyDict_GET_SIZE(r->cache) >= CACHE_MAX)
        PyDict_Clear(r->cache);
    if (PyDict_SetItem(r->cache, key, search) < 0)
        Py_CLEAR(search);
done:
    Py_DECREF(text);
    Py_XDECREF(key);
    return search;
}

static void explain(oxy_err *err)
{
    PyObject *type, *value, *traceback, *text;
    const char *words;

    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    text = value == NULL ? NULL : PyObject_Str(value);
    words = text == NULL ? NULL : PyUnicode_AsUTF8(text);
    (void)oxy_err_set(err, OXY_DATA, "regular expression: %s", words == NULL ? "it could not be used" : words);
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

static int search_with_gil(regexp *r, oxy_sv pattern, oxy_sv text, bool fold, oxy_err *err)
{
    PyObject *search, *subject, *match = NULL;
    PyObject *type, *value, *traceback;
    int found = -1;

    PyErr_Fetch(&type, &value, &traceback);
    search = searcher(r, pattern, fold);
    subject = search == NULL ? NULL : PyUnicode_DecodeUTF8(text.p, (Py_ssize_t)text.len, NULL);
    if (subject != NULL)
        match = PyObject_CallOneArg(search, subject);
    if (match != NULL)
        found = match != Py_None;
    else
        explain(err);
    Py_XDECREF(search);
    Py_XDECREF(subject);
    Py_XDECREF(match);
    PyErr_Restore(type, value, traceback);
    return found;
}

int oxypy_regexp_search(void *ctx, oxy_sv pattern, oxy_sv text, bool fold, oxy_err *err)
{
    regexp *r = ctx;
    PyThreadState *thread;
    int found;

#if PY_VERSION_HEX >= 0x030d0000
    thread = PyThreadState_GetUnchecked();
#else
    thread = _PyThreadState_UncheckedGet();
#endif
    if (thread != NULL)
        return search_with_gil(r, pattern, text, fold, err);
    if (oxypy_is_finalizing()) {
        (void)oxy_err_set(err, OXY_CANCELED, "the interpreter is ending");
        return -1;
    }
    thread = PyThreadState_New(r->interpreter);
    if (thread == NULL) {
        (void)oxy_err_set(err, OXY_NOMEM, "out of memory");
        return -1;
    }
    PyEval_AcquireThread(thread);
    found = search_with_gil(r, pattern, text, fold, err);
    PyThreadState_Clear(thread);
    PyThreadState_DeleteCurrent();
    return found;
}
