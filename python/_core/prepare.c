/* SPDX-License-Identifier: MIT */
/* From a query to a request: tree, shape, compiled statement, encoded values.
 * Where the shape was seen before, nothing is compiled and no Python object is
 * made. */
#include "build.h"
#include "insert.h"

#include <stddef.h>
#include <string.h>

#define SCRATCH_LIMIT ((size_t)1 << 30)
#define SHAPE_LIMIT ((size_t)64 << 20)

/* --- the tree ----------------------------------------------------------------------- */

static int build_statement(oxypy_build *cx, oxypy_what what, PyObject *subject, PyObject *arg, PyObject *returning,
                           int64_t limit, oxypy_statement *out)
{
    oxypy_state *st = cx->st;

    if (what == OXYPY_DO_INSERT) {
        if (!PyObject_TypeCheck(subject, st->insert_type)) {
            PyErr_SetString(PyExc_TypeError, "an insert is made of an InsertState");
            return -1;
        }
        out->plan = oxypy_insert_plan(st, subject);
        return out->plan ? oxypy_build_insert(cx, subject, returning, out) : -1;
    }
    if (!oxypy_is_query(st, subject)) {
        PyErr_SetString(PyExc_TypeError, "a statement is made of a query");
        return -1;
    }
    oxypy_query *q = (oxypy_query *)subject;

    out->plan = oxypy_plan_of(st, q->model);
    if (!out->plan) {
        return -1;
    }
    out->empty = q->empty;
    if (what == OXYPY_DO_UPDATE || what == OXYPY_DO_DELETE) {
        return oxypy_build_write(cx, what, q, arg, returning, out);
    }
    return oxypy_build_read(cx, what, q, arg, limit, out);
}

/* --- shape ----------------------------------------------------------------------------- */

/* What the tree does not tell but the program depends on. */
static void shape_extra(const oxypy_statement *stmt, const oxy_dialect *dialect, oxy_buf *out)
{
    oxy_buf_put(out, (const char *)&dialect, sizeof dialect);
    oxy_buf_putc(out, (char)stmt->shape);
    oxy_buf_putc(out, (char)stmt->rows);
    for (uint32_t i = 0; stmt->shape == OXYPY_DICT && i < stmt->out.n; i++) {
        Py_ssize_t len = 0;
        const char *name = PyUnicode_AsUTF8AndSize(stmt->out.items[i].name, &len);

        oxy_buf_put(out, (const char *)&len, sizeof len);
        oxy_buf_put(out, name ? name : "", name ? (size_t)len : 0);
    }
    if (stmt->out.linked.n_key) {
        oxy_buf_put(out, (const char *)&stmt->out.linked, offsetof(oxypy_linked, relation));
    }
    for (uint32_t i = 0; i < stmt->out.n; i++) {
        oxy_buf_put(out, (const char *)&stmt->out.items[i].field, sizeof stmt->out.items[i].field);
    }
    for (uint32_t i = 0; i < stmt->out.n_branches; i++) {
        oxy_buf_put(out, (const char *)&stmt->out.branches[i].relation, sizeof stmt->out.branches[i].relation);
        oxy_buf_put(out, (const char *)&stmt->out.branches[i].parent, sizeof stmt->out.branches[i].parent);
    }
}

/* --- compiled statements -------------------------------------------------------------------- */

static oxypy_compiled *compile(oxypy_build *cx, oxypy_statement *stmt, const oxy_dialect *dialect)
{
    oxy_sql *sql = NULL;
    oxy_err err;

    oxy_err_clear(&err);
    if (oxy_compile(&stmt->stmt, cx->b, dialect, oxy_alloc_default(), &sql, &err) != OXY_OK) {
        (void)oxypy_raise(cx->st, &err, NULL, oxy_dialect_name(dialect), NULL);
        return NULL;
    }
    return oxypy_compiled_new(cx->st, sql, stmt, cx->plans);
}

/* New reference. */
static oxypy_compiled *find_or_compile(oxypy_build *cx, oxypy_statement *stmt, const oxy_dialect *dialect)
{
    oxypy_compiled *c = NULL;
    oxy_buf key;

    oxy_buf_init(&key, oxy_alloc_default(), SHAPE_LIMIT);
    oxy_rc rc = oxy_shape(&stmt->stmt, cx->b, &key);

    shape_extra(stmt, dialect, &key);
    if (rc != OXY_OK || key.rc != OXY_OK) { /* too large to be remembered */
        oxy_buf_fini(&key);
        return compile(cx, stmt, dialect);
    }
    uint64_t hash = oxy_hash(key.p, key.len, 0);

    c = oxypy_cache_get(stmt->plan, key.p, key.len, hash);
    if (c) {
        cx->st->cache_hits++;
        Py_INCREF(c);
    } else {
        cx->st->cache_misses++;
        c = compile(cx, stmt, dialect);
        if (c && oxypy_cache_put(cx->st, stmt->plan, key.p, key.len, hash, c, NULL) < 0) {
            Py_CLEAR(c);
        }
    }
    oxy_buf_fini(&key);
    return c;
}

/* --- values ------------------------------------------------------------------------------------ */

int oxypy_raise_value(oxypy_state *st, const oxypy_plan *plan, const oxypy_field *field, oxy_err *err)
{
    if (field && plan) {
        char text[sizeof err->message];

        PyOS_snprintf(text, sizeof text, "%s.%s: %s", plan->model->tp_name, PyUnicode_AsUTF8(field->name),
                      err->message);
        oxy_err_copy(err->message, sizeof err->message, text, strlen(text));
    }
    (void)oxypy_raise(st, err, NULL, NULL, NULL);
    return -1;
}

/* Raises what is wrong with a parameter, naming its field. Returns -1. */
static int raise_bind(oxypy_build *cx, const oxy_bind *bind, oxy_err *err)
{
    const oxypy_origin *o = bind->param < cx->cap_origins ? &cx->origins[bind->param] : NULL;

    return oxypy_raise_value(cx->st, o ? o->plan : NULL, o ? o->field : NULL, err);
}

static int encode_values(oxypy_build *cx, const oxy_value *params, const oxy_codec *codec, oxypy_prepared *out)
{
    const oxy_sql *sql = out->compiled->sql;
    oxy_err err;

    out->values = oxy_arena_new(&out->scratch, (sql->n_binds ? sql->n_binds : 1) * sizeof *out->values);
    if (!out->values) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < sql->n_binds; i++) {
        const oxy_bind *bind = &sql->binds[i];
        oxy_value plain;

        if (oxy_bind_value(bind, params, &out->scratch, &plain, &err) != OXY_OK ||
            codec->encode(&plain, &bind->type, &out->scratch, &out->values[i], &err) != OXY_OK) {
            return raise_bind(cx, bind, &err);
        }
    }
    out->n_values = sql->n_binds;
    return 0;
}

/* The builder is made when the long way needs it. */
static void start(oxypy_build *cx, oxypy_state *st, oxypy_prepared *out)
{
    out->compiled = NULL;
    out->builder = NULL;
    out->values = NULL;
    out->n_values = 0;
    out->keep = NULL;
    out->empty = false;
    oxy_arena_init_in(&out->scratch, oxy_alloc_default(), SCRATCH_LIMIT, out->block, sizeof out->block);
    memset(cx, 0, sizeof *cx);
    cx->st = st;
    cx->text = &out->scratch;
    cx->keep = &out->keep;
}

static int build_and_compile(oxypy_build *cx, oxypy_what what, PyObject *subject, PyObject *arg, PyObject *returning,
                             int64_t limit, const oxy_dialect *dialect, oxypy_prepared *out)
{
    oxypy_statement stmt;

    out->builder = cx->b = PyMem_Malloc(sizeof *out->builder);
    if (!out->builder) {
        PyErr_NoMemory();
        return -1;
    }
    oxy_builder_init(out->builder, oxy_alloc_default());
    out->builder->array_from = what == OXYPY_DO_UPDATE || what == OXYPY_DO_DELETE
                                   ? oxy_dialect_array_from_in_changes(dialect)
                                   : oxy_dialect_array_from(dialect);
    memset(&stmt, 0, sizeof stmt);
    if (build_statement(cx, what, subject, arg, returning, limit, &stmt) < 0 || out->builder->err.rc != OXY_OK) {
        return oxypy_build_failed(cx);
    }
    stmt.stmt.n_params = out->builder->n_params;
    out->empty = stmt.empty;
    out->compiled = find_or_compile(cx, &stmt, dialect);
    return out->compiled ? 0 : -1;
}

/* The short key of a query or of a change of its rows. 1; 0: not plain; -1. */
static int short_key(oxypy_build *cx, oxypy_plan *plan, oxypy_what what, oxypy_query *q, const oxypy_given *given,
                     PyObject *arg, PyObject *returning, int64_t limit, const oxy_dialect *dialect, oxypy_short *s)
{
    return what <= OXYPY_DO_EXISTS ? oxypy_short_key(cx, plan, q, given, what, limit, dialect, s)
                                   : oxypy_short_write(cx, plan, q, what, arg, returning, dialect, s);
}

/* The subject with all of its lookups. New reference. */
static PyObject *whole(oxypy_build *cx, PyObject *subject, const oxypy_given *given)
{
    return given && given->n ? oxypy_given_query(cx->st, subject, given) : Py_NewRef(subject);
}

/* Compiles the statement of a plain query and remembers it by its short key. */
static int compile_short(oxypy_build *cx, const oxypy_short *s, oxypy_plan *plan, oxypy_what what, PyObject *q,
                         PyObject *arg, PyObject *returning, int64_t limit, const oxy_dialect *dialect,
                         const oxy_codec *codec, oxypy_prepared *out)
{
    if (build_and_compile(cx, what, q, arg, returning, limit, dialect, out) < 0) {
        return -1;
    }
    if (out->builder->n_params == s->n_values) { /* both ways agree on the values */
        PyObject *pins = oxypy_short_pins((oxypy_query *)q);
        int rc = pins ? oxypy_cache_put(cx->st, plan, s->key, s->n * sizeof *s->key, s->hash, out->compiled, pins) : -1;

        Py_XDECREF(pins);
        if (rc < 0) {
            return -1;
        }
    }
    return encode_values(cx, out->builder->params, codec, out) < 0 ? -1 : 1;
}

/* The statement of a plain query, by its short key. 1, 0: not plain, -1. */
static int prepare_short(oxypy_build *cx, oxypy_what what, oxypy_query *q, const oxypy_given *given, PyObject *arg,
                         PyObject *returning, int64_t limit, const oxy_dialect *dialect, const oxy_codec *codec,
                         oxypy_prepared *out)
{
    oxypy_state *st = cx->st;
    oxypy_plan *plan = oxypy_plan_of(st, q->model);
    oxypy_short s;
    int rc = plan ? short_key(cx, plan, what, q, given, arg, returning, limit, dialect, &s) : -1;

    if (rc <= 0) {
        return rc;
    }
    oxypy_compiled *c = oxypy_cache_get(plan, s.key, s.n * sizeof *s.key, s.hash);

    if (c) {
        st->cache_hits++;
        out->compiled = (oxypy_compiled *)Py_NewRef(c);
        cx->origins = s.origins;
        cx->cap_origins = s.n_values;
        rc = encode_values(cx, s.values, codec, out) < 0 ? -1 : 1;
        cx->origins = NULL;
        cx->cap_origins = 0;
        return rc;
    }
    PyObject *all = whole(cx, (PyObject *)q, given);

    rc = all ? compile_short(cx, &s, plan, what, all, arg, returning, limit, dialect, codec, out) : -1;
    Py_XDECREF(all);
    return rc;
}

/* The same for rows to insert. 1, 0: they take the long way, -1. */
static int prepare_insert(oxypy_build *cx, PyObject *subject, PyObject *returning, const oxy_dialect *dialect,
                          const oxy_codec *codec, oxypy_prepared *out)
{
    oxypy_insert_short s;
    int rc = oxypy_insert_key(cx, subject, returning, dialect, &s);

    if (rc <= 0) {
        return rc;
    }
    oxypy_compiled *c = oxypy_cache_get(s.plan, s.key, s.n * sizeof *s.key, s.hash);

    if (c) {
        cx->st->cache_hits++;
        out->compiled = (oxypy_compiled *)Py_NewRef(c);
        return oxypy_insert_encode(cx, &s, codec, out) < 0 ? -1 : 1;
    }
    if (build_and_compile(cx, OXYPY_DO_INSERT, subject, NULL, returning, -1, dialect, out) < 0) {
        return -1;
    }
    if (oxypy_insert_binds_rows(&s, out->compiled->sql) &&
        oxypy_cache_put(cx->st, s.plan, s.key, s.n * sizeof *s.key, s.hash, out->compiled, NULL) < 0) {
        return -1;
    }
    return encode_values(cx, out->builder->params, codec, out) < 0 ? -1 : 1;
}

int oxypy_prepare(oxypy_state *st, oxypy_what what, PyObject *subject, const oxypy_given *given, PyObject *arg,
                  PyObject *returning, int64_t limit_override, const oxy_dialect *dialect, const oxy_codec *codec,
                  oxypy_prepared *out)
{
    oxypy_build cx;
    int rc = 0;

    start(&cx, st, out);
    cx.loose_containment = oxy_dialect_loose_containment(dialect);
    if (what != OXYPY_DO_AGGREGATE && what != OXYPY_DO_INSERT && ((given && given->n) || oxypy_is_query(st, subject))) {
        rc = prepare_short(&cx, what, (oxypy_query *)subject, given, arg, returning, limit_override, dialect, codec,
                           out);
    } else if (what == OXYPY_DO_INSERT && PyObject_TypeCheck(subject, st->insert_type)) {
        rc = prepare_insert(&cx, subject, returning, dialect, codec, out);
    }
    if (rc == 0) {
        PyObject *all = whole(&cx, subject, given);

        rc = all ? build_and_compile(&cx, what, all, arg, returning, limit_override, dialect, out) : -1;
        rc = rc < 0 ? -1 : encode_values(&cx, out->builder->params, codec, out);
        Py_XDECREF(all);
    }
    Py_XDECREF(cx.plans);
    if (rc < 0) {
        oxypy_prepared_fini(out);
        return -1;
    }
    return 0;
}

void oxypy_prepared_fini(oxypy_prepared *p)
{
    Py_CLEAR(p->compiled);
    Py_CLEAR(p->keep);
    if (p->builder) {
        oxy_builder_fini(p->builder);
        PyMem_Free(p->builder);
        p->builder = NULL;
    }
    if (p->scratch.alloc) {
        oxy_arena_fini(&p->scratch);
        p->scratch.alloc = NULL;
    }
    p->values = NULL;
    p->n_values = 0;
}

/* --- raw SQL --------------------------------------------------------------------------------------- */

/* An integer beyond 64 bits with a sign: unsigned, or as a number of any length
 * where there are such. 1: it is one; 0: it is not; -1. */
static int long_integer(PyObject *item, bool any_length, oxy_arena *scratch, oxy_value *out)
{
    int overflow = 0;
    PyObject *text;
    Py_ssize_t len;
    const char *digits;

    if (!PyLong_Check(item)) {
        return 0;
    }
    (void)PyLong_AsLongLongAndOverflow(item, &overflow);
    if (overflow == 0) {
        return 0;
    }
    *out = (oxy_value){.tag = OXY_V_UINT, .u = PyLong_AsUnsignedLongLong(item)};
    if (!PyErr_Occurred()) {
        return 1;
    }
    PyErr_Clear();
    if (!any_length) {
        return 0; /* the usual way says what is wrong */
    }
    text = PyObject_Str(item);
    digits = text ? PyUnicode_AsUTF8AndSize(text, &len) : NULL;
    if (digits) {
        *out = (oxy_value){.tag = OXY_V_DECIMAL};
        out->s = (oxy_sv){oxy_arena_copy(scratch, digits, (size_t)len), (size_t)len};
        if (!out->s.p) {
            PyErr_NoMemory();
            digits = NULL;
        }
    }
    Py_XDECREF(text);
    return digits ? 1 : -1;
}

int oxypy_bind_raw(oxypy_state *st, PyObject *params, const oxy_codec *codec, oxy_arena *scratch, PyObject **keep,
                   oxy_value **values, uint32_t *n)
{
    *values = NULL;
    *n = 0;
    if (!params || params == Py_None) {
        return 0;
    }
    if (!PyList_Check(params) && !PyTuple_Check(params)) {
        PyErr_Format(PyExc_TypeError, "params is a list or tuple, not %.100s", Py_TYPE(params)->tp_name);
        return -1;
    }
    PyObject *items = PySequence_Tuple(params);
    Py_ssize_t count = items ? PyTuple_GET_SIZE(items) : 0;
    oxy_value *list = items ? oxy_arena_zero(scratch, (size_t)count + 1, sizeof *list) : NULL;
    const oxy_type any = {.kind = OXY_K_UNKNOWN};
    bool inferred = strcmp(codec->name, "postgres") == 0; /* values take the type that the server expects */
    int rc = list ? 0 : -1;

    if (items && !list) {
        PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; rc == 0 && i < count; i++) {
        oxypy_conv cv = {.st = st, .arena = scratch, .keep = keep};
        PyObject *item = PyTuple_GET_ITEM(items, i);
        oxy_type type;
        oxy_value plain;
        oxy_err err;

        rc = oxypy_natural_type(st, item, &type);
        /* PostgreSQL has arrays; elsewhere lists travel as JSON. */
        if (rc == 0 && type.kind == OXY_K_ARRAY && !inferred) {
            type = (oxy_type){.kind = OXY_K_JSON};
        }
        if (rc == 0) {
            rc = type.kind == OXY_K_INT ? long_integer(item, inferred, scratch, &plain) : 0;
            rc = rc == 0 ? oxypy_store(&cv, item, &type, &plain) : rc > 0 ? 0 : -1;
        }
        if (rc == 0 && codec->encode(&plain, inferred || plain.tag == OXY_V_UINT ? &any : &type, scratch, &list[i],
                                     &err) != OXY_OK) {
            (void)oxypy_raise(st, &err, NULL, NULL, NULL);
            rc = -1;
        }
    }
    Py_XDECREF(items);
    if (rc == 0) {
        *values = list;
        *n = (uint32_t)count;
    }
    return rc;
}

/* --- sql() -------------------------------------------------------------------------------------------- */

static PyObject *plain_params(oxypy_build *cx, const oxy_sql *sql, oxypy_prepared *p)
{
    PyObject *list = PyList_New((Py_ssize_t)sql->n_binds);
    oxy_err err;

    for (uint32_t i = 0; list && i < sql->n_binds; i++) {
        oxy_value plain;

        if (oxy_bind_value(&sql->binds[i], p->builder->params, &p->scratch, &plain, &err) != OXY_OK) {
            (void)raise_bind(cx, &sql->binds[i], &err);
            Py_CLEAR(list);
            break;
        }
        PyObject *value = oxypy_from_value(cx->st, &plain, &sql->binds[i].type);

        if (!value) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, i, value);
    }
    return list;
}

static const oxy_dialect *dialect_named(PyObject *name)
{
    Py_ssize_t len;
    const char *text = PyUnicode_Check(name) ? PyUnicode_AsUTF8AndSize(name, &len) : NULL;
    const oxy_dialect *dialect = text ? oxy_dialect_find((oxy_sv){text, (size_t)len}) : NULL;

    if (!dialect && !PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "%R is no dialect; there are postgres, mysql, mariadb and sqlite", name);
    }
    return dialect;
}

PyObject *oxypy_sql_text(oxypy_state *st, oxypy_what what, PyObject *subject, PyObject *arg, PyObject *returning,
                         PyObject *dialect_name)
{
    const oxy_dialect *dialect = dialect_named(dialect_name);
    oxypy_prepared p;
    oxypy_build cx;
    PyObject *result = NULL;

    if (!dialect) {
        return NULL;
    }
    start(&cx, st, &p);
    cx.loose_containment = oxy_dialect_loose_containment(dialect);
    (void)build_and_compile(&cx, what, subject, arg, returning, -1, dialect, &p);
    if (p.compiled) {
        PyObject *params = plain_params(&cx, p.compiled->sql, &p);

        result = params ? PyTuple_Pack(2, p.compiled->text, params) : NULL;
        Py_XDECREF(params);
    }
    Py_XDECREF(cx.plans);
    oxypy_prepared_fini(&p);
    return result;
}
