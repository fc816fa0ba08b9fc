/* SPDX-License-Identifier: MIT */
/* What becomes of an operation's rows, what free text looks like from its first
 * words, and what an observer is told. */
#include "execute.h"
#include "stitch.h"
#include "writing.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define SHOWN_LIMIT ((size_t)64 << 20) /* bytes of scratch for a value in an event */

/* --- rows ------------------------------------------------------------------------ */

static int refill(oxypy_operation *op, const oxypy_rowview *row)
{
    PyObject *target = op->into;

    if (target != NULL && (PyList_CheckExact(target) || PyTuple_CheckExact(target))) {
        if (op->n_rows >= PySequence_Fast_GET_SIZE(target)) {
            oxypy_raise_text(op->st, OXY_INTERNAL, "the database returned more rows than were written");
            return -1;
        }
        target = PySequence_Fast_GET_ITEM(target, (Py_ssize_t)op->n_rows);
    }
    if (target == NULL || op->prepared.compiled->program == NULL) {
        PyErr_SetString(PyExc_TypeError, "nothing to refill");
        return -1;
    }
    return oxypy_row_refill(op->st, op->prepared.compiled->program, row, target, op->what == OXYPY_DO_INSERT);
}

static PyObject *build(oxypy_operation *op, const oxypy_rowview *row)
{
    if (op->sql != NULL && op->plan == NULL)
        return oxypy_raw_row(op->st, row);
    if (op->sql != NULL) {
        if (op->program == NULL)
            op->program = oxypy_raw_program(op->st, (oxypy_plan *)op->plan, row);
        return op->program == NULL ? NULL : oxypy_row_build(op->st, op->program, row, &op->shared);
    }
    return oxypy_row_build(op->st, op->prepared.compiled->program, row, &op->shared);
}

int oxypy_sink_row(oxypy_operation *op, const oxypy_rowview *row)
{
    PyObject *built;
    int rc = 0;

    switch ((oxypy_sink)op->sink) {
    case OXYPY_SINK_AFFECTED:
    case OXYPY_SINK_DELETED:
    case OXYPY_SINK_INSERT_ID: break;
    case OXYPY_SINK_REFILL: rc = refill(op, row); break;
    case OXYPY_SINK_LINKED: rc = oxypy_links_take(op->st, op->into, op->prepared.compiled, row, &op->shared); break;
    case OXYPY_SINK_LIST:
        if (op->sql == NULL && op->prepared.compiled->program == NULL)
            break;
        if (op->rows == NULL && (op->rows = PyList_New(0)) == NULL)
            return -1;
        built = build(op, row);
        if (built == NULL)
            return -1;
        rc = PyList_Append(op->rows, built);
        Py_DECREF(built);
        break;
    default:
        if (op->n_rows > 0 || (op->sql == NULL && op->prepared.compiled->program == NULL))
            break;
        op->rows = build(op, row);
        rc = op->rows == NULL ? -1 : 0;
        break;
    }
    op->n_rows++;
    return rc;
}

PyObject *oxypy_sink_rows(const oxypy_operation *op)
{
    PyObject *rows = op->sink == OXYPY_SINK_LINKED ? oxypy_links_rows(op->st, op->into) : op->rows;

    return rows != NULL && PyList_CheckExact(rows) ? rows : NULL;
}

/* Rows of a linked query fall into the lists of several statements if its keys are many. */
static bool is_alone(const oxypy_operation *op)
{
    const oxypy_query *q = (const oxypy_query *)op->subject;

    return q != NULL && op->st->query_type != NULL && PyObject_TypeCheck(op->subject, op->st->query_type) &&
           oxypy_links_is_asked_for(op->st, op->into, q->link);
}

bool oxypy_sink_forgets(const oxypy_operation *op)
{
    return op->sink != OXYPY_SINK_REFILL && (op->sink != OXYPY_SINK_LINKED || is_alone(op));
}

bool oxypy_sink_forget(oxypy_operation *op)
{
    if (op->n_rows > 0 && !oxypy_sink_forgets(op))
        return false;
    oxypy_rows_show(oxypy_sink_rows(op), &op->hidden); /* a validator may have kept some */
    if (op->n_rows > 0 && op->sink == OXYPY_SINK_LINKED && oxypy_links_forget(op->st, op->into) < 0) {
        PyErr_Clear(); /* the statement's own error tells more */
        return false;
    }
    oxypy_shared_free(op->shared);
    op->shared = NULL;
    Py_CLEAR(op->rows);
    op->n_rows = 0;
    return true;
}

/* --- results --------------------------------------------------------------------- */

static PyObject *model_name(const oxypy_operation *op)
{
    PyObject *model = NULL;

    if (op->subject != NULL && op->st->query_type != NULL && PyObject_TypeCheck(op->subject, op->st->query_type))
        model = ((oxypy_query *)op->subject)->model;
    if (model == NULL)
        return PyUnicode_FromString("Row");
    return PyObject_GetAttrString(model, "__name__");
}

static PyObject *raise_count(oxypy_operation *op, bool none)
{
    PyObject *name = model_name(op);
    PyObject *type = none ? op->st->not_found_error : op->st->multiple_objects_error;

    if (name == NULL)
        return NULL;
    if (type == NULL)
        type = PyExc_LookupError;
    if (none)
        PyErr_Format(type, "%U matching query not found", name);
    else
        PyErr_Format(type, "Query for %U returned multiple objects", name);
    Py_DECREF(name);
    return NULL;
}

/* The value itself, or the only item of a row that was built as a tuple, or of
 * the dict that aggregates are. */
static PyObject *scalar(const oxypy_operation *op)
{
    PyObject *row = op->rows, *name, *value;
    Py_ssize_t pos = 0;

    if (row == NULL)
        Py_RETURN_NONE;
    if (op->what == OXYPY_DO_AGGREGATE && PyDict_CheckExact(row) && PyDict_Next(row, &pos, &name, &value))
        return Py_NewRef(value);
    if (PyTuple_CheckExact(row) && PyTuple_GET_SIZE(row) == 1)
        return Py_NewRef(PyTuple_GET_ITEM(row, 0));
    return Py_NewRef(row);
}

static PyObject *refilled(const oxypy_operation *op)
{
    if (op->into == NULL)
        Py_RETURN_NONE;
    if (!PyList_CheckExact(op->into) && !PyTuple_CheckExact(op->into) && op->n_rows == 0)
        Py_RETURN_NONE;
    return Py_NewRef(op->into);
}

PyObject *oxypy_sink_result(oxypy_operation *op, int64_t affected)
{
    switch ((oxypy_sink)op->sink) {
    case OXYPY_SINK_LIST: return op->rows == NULL ? PyList_New(0) : Py_NewRef(op->rows);
    case OXYPY_SINK_DELETED:
        if (op->into != NULL && oxypy_note_deleted(op->st, op->into) < 0)
            return NULL;
        return PyLong_FromLongLong(affected < 0 ? 0 : affected);
    case OXYPY_SINK_INSERT_ID:
    case OXYPY_SINK_AFFECTED: return PyLong_FromLongLong(affected < 0 ? 0 : affected);
    case OXYPY_SINK_REFILL: return refilled(op);
    case OXYPY_SINK_SCALAR: return scalar(op);
    case OXYPY_SINK_ONE:
    case OXYPY_SINK_ONE_OR_NONE:
        if (op->n_rows > 1)
            return raise_count(op, false);
        if (op->n_rows == 0 && op->sink == OXYPY_SINK_ONE)
            return raise_count(op, true);
        break;
    case OXYPY_SINK_FIRST:
    case OXYPY_SINK_DICT:
    case OXYPY_SINK_LINKED:
    case OXYPY_SINK_COUNT: break;
    }
    return Py_NewRef(op->rows == NULL ? Py_None : op->rows);
}

/* Aggregates over nothing: counts are 0, the rest their default or None. */
static PyObject *empty_aggregates(oxypy_operation *op)
{
    PyObject *dict = PyDict_New(), *alias, *expr;
    Py_ssize_t pos = 0;

    if (dict == NULL || op->arg == NULL || !PyDict_Check(op->arg))
        return dict;
    while (PyDict_Next(op->arg, &pos, &alias, &expr)) {
        PyObject *value = Py_None, *zero = NULL;

        if (PyObject_TypeCheck(expr, op->st->expr_type) && ((oxypy_expr *)expr)->kind == OXYPY_X_AGG) {
            oxypy_expr *agg = (oxypy_expr *)expr;

            if (agg->op == OXY_AGG_COUNT && (zero = PyLong_FromLong(0)) == NULL)
                goto failed;
            if (zero != NULL)
                value = zero;
            else if (PyTuple_Check(agg->data) && PyTuple_GET_SIZE(agg->data) > 2)
                value = PyTuple_GET_ITEM(agg->data, 2);
            /* A default given as an expression is a literal's value, or unknown here. */
            if (PyObject_TypeCheck(value, op->st->expr_type)) {
                oxypy_expr *literal = (oxypy_expr *)value;

                value = literal->kind == OXYPY_X_LITERAL ? literal->data : Py_None;
            }
        }
        if (PyDict_SetItem(dict, alias, value) < 0) {
            Py_XDECREF(zero);
            goto failed;
        }
        Py_XDECREF(zero);
    }
    return dict;
failed:
    Py_DECREF(dict);
    return NULL;
}

PyObject *oxypy_sink_empty(oxypy_operation *op)
{
    if (op->sink == OXYPY_SINK_SCALAR && op->what == OXYPY_DO_COUNT)
        return PyLong_FromLong(0);
    if (op->sink == OXYPY_SINK_SCALAR && op->what == OXYPY_DO_EXISTS)
        Py_RETURN_FALSE;
    if (op->what == OXYPY_DO_AGGREGATE) {
        PyObject *dict = empty_aggregates(op), *only;

        if (dict == NULL || op->sink != OXYPY_SINK_SCALAR)
            return dict;
        only = PyDict_Values(dict);
        Py_DECREF(dict);
        if (only == NULL)
            return NULL;
        dict = Py_NewRef(PyList_GET_SIZE(only) > 0 ? PyList_GET_ITEM(only, 0) : Py_None);
        Py_DECREF(only);
        return dict;
    }
    return oxypy_sink_result(op, 0);
}

/* --- free text ---------------------------------------------------------------------- */

/* Past white space, semicolons and comments, and opening brackets if asked. */
static const char *skip(const char *p, const char *end, bool brackets)
{
    while (p < end) {
        if (isspace((unsigned char)*p) || *p == ';' || (brackets && *p == '(')) {
            p++;
        } else if (end - p >= 2 && p[0] == '-' && p[1] == '-') {
            const char *eol = memchr(p, '\n', (size_t)(end - p));

            p = eol == NULL ? end : eol + 1;
        } else if (end - p >= 2 && p[0] == '/' && p[1] == '*') {
            const char *q = p + 2;

            while (end - q >= 2 && !(q[0] == '*' && q[1] == '/'))
                q++;
            p = end - q >= 2 ? q + 2 : end;
        } else {
            break;
        }
    }
    return p;
}

bool oxypy_text_is_blank(const char *sql, size_t len)
{
    return skip(sql, sql + len, false) == sql + len;
}

static bool word_is(const char *p, const char *end, const char *word)
{
    size_t n = strlen(word);

    return (size_t)(end - p) >= n && strncasecmp(p, word, n) == 0 &&
           ((size_t)(end - p) == n || !(isalnum((unsigned char)p[n]) || p[n] == '_'));
}

/* A WITH may still write and a reader refuses it then: it runs again on the
 * writer. So this may err towards reading, never harmfully. */
bool oxypy_text_is_read(const char *sql, size_t len)
{
    static const char *const words[] = {"SELECT", "VALUES", "WITH", "EXPLAIN", "SHOW", "TABLE", "DESCRIBE"};
    const char *end = sql + len, *p = skip(sql, end, true);

    for (size_t i = 0; i < OXY_COUNT(words); i++)
        if (word_is(p, end, words[i]))
            return true;
    return false;
}

/* --- observer --------------------------------------------------------------------------- */

/* A value as it was sent. PostgreSQL's are in the format of their type by now. */
static PyObject *shown_value(const oxypy_operation *op, const oxy_value *v)
{
    const oxy_codec *codec = op->store->driver->codec;
    oxy_type any = {.kind = OXY_K_UNKNOWN};
    oxy_value read = *v;
    oxy_arena scratch;
    oxy_cell cell;
    oxy_err err;
    PyObject *shown = NULL;

    oxy_arena_init(&scratch, oxy_alloc_default(), SHOWN_LIMIT);
    if (v->tag == OXY_V_WIRE) {
        oxy_coldesc desc = {.wire_type = v->wire, .wire_mod = -1};

        if (!oxy_pg_read_cell(oxy_pg_cell_class(v->wire), v->s.p, (uint32_t)v->s.len, &cell) ||
            codec->decode[any.kind](&cell, &desc, &any, &scratch, &read, &err) != OXY_OK)
            shown = PyUnicode_FromFormat("<%zu bytes of type %u>", v->s.len, (unsigned)v->wire);
    }
    if (shown == NULL && !PyErr_Occurred())
        shown = oxypy_from_value(op->st, &read, &any);
    oxy_arena_fini(&scratch);
    return shown;
}

static PyObject *shown_params(const oxypy_operation *op)
{
    uint32_t n = op->has_prepared ? op->prepared.n_values : 0;
    PyObject *list;

    if (op->sql != NULL)
        return op->params == NULL ? PyList_New(0) : PySequence_List(op->params);
    list = PyList_New((Py_ssize_t)n);
    for (uint32_t i = 0; list != NULL && i < n; i++) {
        PyObject *item = shown_value(op, &op->prepared.values[i]);

        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

/* Read, or else changed. */
static long long rows_of(const oxypy_operation *op)
{
    const oxy_conn *conn = op->lease == NULL ? NULL : op->lease->conn;

    return op->n_rows == 0 && op->write && conn != NULL && conn->affected > 0 ? conn->affected : op->n_rows;
}

/* One event for the observer. Consumes params; NULL: with an exception. */
static void tell(oxypy_operation *op, PyObject *sql, PyObject *table, PyObject *params, long long rows, double seconds,
                 PyObject *error)
{
    PyObject *observer = Py_XNewRef(op->st->runtime->observer), *args = PyTuple_New(0), *event = NULL, *done = NULL;

    if (observer == NULL) { /* the last event took it away */
        Py_XDECREF(params);
        Py_XDECREF(args);
        return;
    }
    if (params != NULL)
        event = Py_BuildValue("{s:O,s:O,s:s,s:O,s:O,s:O,s:L,s:d,s:d,s:O,s:O}", "database",
                              op->database == NULL ? Py_None : (PyObject *)op->database, "session",
                              op->session == NULL ? Py_None : (PyObject *)op->session, "backend",
                              op->store->driver->name, "table", table == NULL ? Py_None : table, "sql", sql, "params",
                              params, "rows", rows, "started", (double)op->began / 1e9, "duration", seconds, "error",
                              error == NULL ? Py_None : error, "alias", op->store->alias);
    if (event != NULL && args != NULL)
        done = PyObject_Call(observer, args, event);
    if (done == NULL)
        PyErr_WriteUnraisable(observer);
    Py_XDECREF(params);
    Py_XDECREF(event);
    Py_XDECREF(args);
    Py_XDECREF(done);
    Py_DECREF(observer);
}

void oxypy_observe(oxypy_operation *op)
{
    PyObject *type, *value, *traceback, *params;
    PyObject *sql = op->sql != NULL ? op->sql : op->has_prepared ? op->prepared.compiled->text : NULL;
    PyObject *table = op->sql == NULL && op->has_prepared ? op->prepared.compiled->table : NULL;
    double duration = (double)(oxy_clock_now() - op->began - op->rest) / 1e9;
    long long rows = rows_of(op); /* asked while the connection is there for sure */

    if (op->st->runtime->observer == NULL || op->store == NULL || sql == NULL || oxypy_is_finalizing())
        return;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    /* What went in front of it has no time of its own. */
    for (Py_ssize_t i = 0; op->before != NULL && i < PyTuple_GET_SIZE(op->before); i++)
        tell(op, PyTuple_GET_ITEM(op->before, i), NULL, PyList_New(0), 0, 0.0, NULL);
    params = shown_params(op);
    tell(op, sql, table, params, value == NULL ? rows : 0, duration, value);
    PyErr_Restore(type, value, traceback);
}
