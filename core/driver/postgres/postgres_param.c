/* SPDX-License-Identifier: MIT */
/* Parameters whose type the values do not name: the server infers it when the
 * statement is parsed. Where a value does not go as that type (an int where the
 * server would read text, or too large for int4), or where the server cannot tell
 * one, the same text is prepared as another statement that declares the type.
 *
 *   $1 + 1        inferred: int4        5: as it is; 5000000000: int8 declared
 *   SELECT $1     inferred: text        5: int8 declared; 'a': as it is
 *   $1 IS NULL    cannot tell (42P18)   5: int8 declared
 *   a_date + $1   several (42725)       5: int4 declared, as the literal 5 would be
 *
 * Each such step declares more parameters than the one before, so there are no
 * more steps than parameters. */
#include "postgres.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define INT4_OID 23u
#define TEXT_OID 25u
/* oxy__pg_stmt.untyped: no parameter in particular. */
#define ANY_OF_THEM UINT32_MAX

/* --- types ------------------------------------------------------------------------------ */

/* Strings and NULLs stay as they are: they go as anything. */
static Oid as_a_literal(const oxy_value *v)
{
    if (v->tag == OXY_V_TEXT || v->tag == OXY_V_NULL)
        return 0;
    return v->tag == OXY_V_INT && v->i >= INT32_MIN && v->i <= INT32_MAX ? INT4_OID : oxy_pg_param_oid(v, 0);
}

/* What to declare parameter i as; 0: still inferred. */
static Oid wanted(const oxy__pg_run *run, uint32_t i)
{
    const oxy__pg_stmt *s = run->stmt;
    const oxy_value *v = &run->req.values[i];
    Oid want;

    if (s->declared[i])
        return s->declared[i];
    if (s->state == OXY__PG_UNTYPED) {
        if (s->untyped == ANY_OF_THEM)
            return as_a_literal(v);
        if (i != s->untyped)
            return 0;
        want = oxy_pg_param_oid(v, 0);
        return want ? want : TEXT_OID; /* NULL */
    }
    /* Where the package has written the statement, text is the column's type: a
     * field of another kind keeps its values' text there. */
    if (!(run->req.flags & OXY_REQ_RAW) && oxy_pg_cell_class(s->params[i]) == OXY_PG_CHARS)
        return 0;
    want = oxy_pg_param_oid(v, s->params[i]);
    return want == s->params[i] ? 0 : want;
}

/* Whether another statement is needed. */
static bool differs(const oxy__pg_run *run)
{
    const oxy__pg_stmt *s = run->stmt;

    if (s->state != OXY__PG_UNTYPED && (s->state != OXY__PG_READY || s->n_params != s->n_declared))
        return false;
    for (uint32_t i = 0; i < s->n_declared; i++)
        if (!s->declared[i] && wanted(run, i))
            return true;
    return false;
}

oxy_rc oxy__pg_retype(oxy__pg *c, oxy__pg_run *run, oxy_err *err)
{
    uint32_t n = run->req.n_values;
    Oid *types = NULL;

    while (run->stmt->infers && differs(run)) {
        oxy__pg_stmt *next;
        oxy_rc rc;

        if (!types)
            types = oxy_arena_new(&c->scratch, n * sizeof *types);
        if (!types)
            return oxy_err_set(err, OXY_NOMEM, "out of memory");
        for (uint32_t i = 0; i < n; i++)
            types[i] = wanted(run, i);
        rc = oxy__pg_stmt_get(c, &run->req, types, &next, err);
        if (rc != OXY_OK)
            return rc;
        oxy__pg_stmt_drop(c, run->stmt);
        run->stmt = next;
        run->fresh = false;
    }
    if (run->stmt->state == OXY__PG_UNTYPED)
        run->stmt->state = OXY__PG_NEW; /* these values name no types either: let the server say so */
    return OXY_OK;
}

/* "could not determine data type of parameter $2", in whatever language. */
static bool parameter_of(const char *message, uint32_t *out)
{
    const char *dollar = message ? strchr(message, '$') : NULL;
    unsigned long n = dollar ? strtoul(dollar + 1, NULL, 10) : 0;

    if (n < 1 || n > OXY__PG_MAX_PARAMS)
        return false;
    *out = (uint32_t)(n - 1);
    return true;
}

static bool has_types(const oxy__pg_run *run)
{
    const oxy__pg_stmt *s = run->stmt;
    bool any = false;

    for (uint32_t i = 0; !run->abandoned && i < s->n_declared; i++)
        any |= !s->declared[i] && as_a_literal(&run->req.values[i]);
    return any;
}

bool oxy__pg_untyped(const oxy__pg_run *run, const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    oxy__pg_stmt *s = run->stmt;
    uint32_t i = ANY_OF_THEM;

    if (!s || !s->infers || s->state != OXY__PG_PREPARING || !state)
        return false;
    if (strcmp(state, "42P18") == 0) {
        if (!parameter_of(PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY), &i) || i >= s->n_declared || s->declared[i])
            return false;
    } else if (strcmp(state, "42725") != 0 || !has_types(run)) {
        return false;
    }
    s->state = OXY__PG_UNTYPED;
    s->untyped = i;
    s->number = 0;
    return true;
}

/* --- values ------------------------------------------------------------------------------- */

static oxy_rc encode_one(oxy__pg *c, const oxy_value *in, Oid oid, oxy__pg_params *out, uint32_t i, oxy_err *err)
{
    oxy_value v = *in;
    bool text = false;
    oxy_rc rc;

    if (v.tag != OXY_V_NULL && v.tag != OXY_V_WIRE) {
        rc = oxy_pg_encode_as(in, oid, &c->scratch, &v, &text, err);
        if (rc != OXY_OK)
            return rc;
    }
    out->formats[i] = text ? 0 : 1;
    if (v.tag == OXY_V_NULL) {
        out->values[i] = NULL;
        out->lengths[i] = 0;
        return OXY_OK;
    }
    if (v.s.len > INT_MAX / 2)
        return oxy_err_set(err, OXY_DATA, "value of %zu bytes is longer than PostgreSQL takes", v.s.len);
    out->lengths[i] = (int)v.s.len;
    out->values[i] = v.s.len ? v.s.p : ""; /* text has its NUL from the codec */
    return OXY_OK;
}

oxy_rc oxy__pg_encode_all(oxy__pg *c, const oxy__pg_run *run, oxy__pg_params *out, oxy_err *err)
{
    const oxy_request *r = &run->req;
    const oxy__pg_stmt *s = run->stmt;
    uint32_t n = r->n_values;

    if (s->n_params != n)
        return oxy_err_set(err, OXY_PROGRAMMING, "statement takes %u parameters, %u given", s->n_params, n);
    if (!n)
        return OXY_OK;
    out->values = oxy_arena_new(&c->scratch, n * sizeof *out->values);
    out->lengths = oxy_arena_new(&c->scratch, n * sizeof *out->lengths);
    out->formats = oxy_arena_new(&c->scratch, n * sizeof *out->formats);
    if (!out->values || !out->lengths || !out->formats)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        oxy_rc rc = encode_one(c, &r->values[i], s->params[i], out, i, err);

        if (rc != OXY_OK)
            return rc;
    }
    return OXY_OK;
}
