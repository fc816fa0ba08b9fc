/* SPDX-License-Identifier: MIT */
/* The one way from an oxy_err to a Python exception. */
#include "state.h"

static int set_text(PyObject *exc, const char *name, const char *text)
{
    PyObject *value;
    int rc;

    if (text == NULL || *text == '\0')
        return 0;
    value = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    if (value == NULL)
        return -1;
    rc = PyObject_SetAttrString(exc, name, value);
    Py_DECREF(value);
    return rc;
}

static int set_object(PyObject *exc, const char *name, PyObject *value)
{
    return value == NULL || value == Py_None ? 0 : PyObject_SetAttrString(exc, name, value);
}

/* PostgreSQL's code is the SQLSTATE; the others have numbers. */
static PyObject *code_of(const oxy_err *err)
{
    if (err->native != 0)
        return PyLong_FromLong(err->native);
    if (err->sqlstate[0] != '\0')
        return PyUnicode_FromString(err->sqlstate);
    return NULL;
}

static int set_code(PyObject *exc, const oxy_err *err)
{
    PyObject *code = code_of(err);
    int rc;

    if (code == NULL)
        return PyErr_Occurred() ? -1 : 0;
    rc = PyObject_SetAttrString(exc, "code", code);
    Py_DECREF(code);
    return rc;
}

PyObject *oxypy_raise(oxypy_state *st, const oxy_err *err, PyObject *sql, const char *backend, PyObject *alias)
{
    PyObject *type = err->rc > OXY_OK && err->rc < OXY_RC_COUNT ? st->exceptions[err->rc] : NULL;
    PyObject *message = NULL, *exc = NULL, *database_error = st->exceptions[OXY_DATABASE];

    if (err->rc == OXY_NOMEM && err->message[0] == '\0')
        return PyErr_NoMemory();
    if (type == NULL)
        type = database_error != NULL ? database_error : PyExc_RuntimeError;
    /* The class shows the code behind the message itself. */
    message = PyUnicode_DecodeUTF8(err->message, (Py_ssize_t)strlen(err->message), "replace");
    if (message == NULL)
        goto done;
    exc = PyObject_CallOneArg(type, message);
    if (exc == NULL)
        goto done;
    if (database_error != NULL && PyObject_TypeCheck(exc, (PyTypeObject *)database_error)) {
        if (set_text(exc, "sqlstate", err->sqlstate) < 0 || set_code(exc, err) < 0 ||
            set_text(exc, "constraint", err->constraint) < 0 || set_text(exc, "table", err->table) < 0 ||
            set_text(exc, "column", err->column) < 0 || set_text(exc, "detail", err->detail) < 0 ||
            set_text(exc, "hint", err->hint) < 0 || set_object(exc, "sql", sql) < 0 ||
            set_text(exc, "backend", backend) < 0 || set_object(exc, "alias", alias) < 0)
            goto done;
    }
    PyErr_SetObject((PyObject *)Py_TYPE(exc), exc);
done:
    Py_XDECREF(message);
    Py_XDECREF(exc);
    return NULL;
}

PyObject *oxypy_raise_text(oxypy_state *st, oxy_rc rc, const char *fmt, ...)
{
    PyObject *type = st->exceptions[rc];
    va_list args;

    va_start(args, fmt);
    PyErr_FormatV(type != NULL ? type : PyExc_RuntimeError, fmt, args);
    va_end(args);
    return NULL;
}
