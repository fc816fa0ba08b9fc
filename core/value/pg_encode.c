/* SPDX-License-Identifier: MIT */
/* pg_encode: typed values as a column of a given kind takes them.
 *
 * The kind names the type, so that the server need not guess and one prepared
 * statement serves all values. Where only the server knows the type (enums, a
 * db_type of the user's, raw SQL) the value stays as it is: pg_param.c. */
#include "pg.h"

#include <string.h>

/* --- failing ------------------------------------------------------------------------------- */

static __attribute__((noinline, cold)) oxy_rc refuse(const oxy_value *in, const oxy_type *as, oxy_rc rc,
                                                     const char *reason, oxy_err *err)
{
    return oxy_err_set(err, rc, "cannot store this %s as %s%s%s", oxy__tag_word(in->tag), oxy_kind_name(as->kind),
                       reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
}

static __attribute__((noinline, cold)) oxy_rc no_memory(oxy_err *err)
{
    return oxy_err_set(err, OXY_NOMEM, "out of memory while encoding a value");
}

/* --- which type ---------------------------------------------------------------------------- */

/* 0: as the server infers. */
static uint32_t column_oid(const oxy_type *as)
{
    if (as->db_type.len != 0)
        return 0;
    if (as->kind == OXY_K_ARRAY)
        return oxy__pg_array_oid(oxy__pg_kind_oid(as->elem));
    return oxy__pg_kind_oid(as->kind);
}

/* --- what the server would round ------------------------------------------------------------- */

/* NULL if the number fits the column's precision and scale. Trailing zeros do
 * not count: 1.50 fits a scale of 1. */
static const char *decimal_misfit(oxy_sv text, const oxy_type *as)
{
    bool limited = as->has_scale || as->size != 0;
    int64_t scale = as->has_scale ? as->scale : 0;
    oxy__decimal d;

    if (!oxy__decimal_read(text, &d))
        return "it is not a number";
    if (d.class == OXY__NAN || !limited || (d.class == OXY__FINITE && d.n == 0))
        return NULL;
    if (d.class == OXY__INFINITE)
        return "a column with a precision has no infinity";
    if (d.last < -scale)
        return "it has more fraction digits than the column";
    if (as->size != 0 && d.first >= (int64_t)as->size - scale)
        return "it has more digits than the column";
    return NULL;
}

static const char *number_misfit(const oxy_value *v, const oxy_type *as)
{
    char text[OXY_TEXT_MAX];

    switch ((oxy_tag)v->tag) {
    case OXY_V_DECIMAL:
    case OXY_V_TEXT: return decimal_misfit(v->s, as);
    case OXY_V_INT:
        return decimal_misfit(
            (oxy_sv){text, oxy__int_format(text, v->i < 0, v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i)}, as);
    case OXY_V_UINT: return decimal_misfit((oxy_sv){text, oxy__int_format(text, false, v->u)}, as);
    case OXY_V_DOUBLE: return decimal_misfit((oxy_sv){text, oxy_double_format(text, v->d)}, as);
    default: return NULL;
    }
}

/* The server cuts blanks off the end of a string that is too long, without a word. */
static const char *string_misfit(const oxy_value *v, const oxy_type *as)
{
    bool longer = v->tag == OXY_V_TEXT && as->size != 0 && oxy__text_longer(v->s, as->size);

    return longer ? "it has more characters than the column" : NULL;
}

static const char *list_misfit(const oxy_array *array, const oxy_type *as)
{
    const char *misfit = NULL;
    size_t i;

    for (i = 0; misfit == NULL && i < array->n; i++) {
        const oxy_value *v = &array->items[i];

        misfit = v->tag == OXY_V_ARRAY       ? list_misfit(v->array, as)
                 : as->elem == OXY_K_DECIMAL ? number_misfit(v, as)
                                             : string_misfit(v, as);
    }
    return misfit;
}

/* Microseconds of which a column of a verbatim type keeps whole multiples:
 * TIMESTAMP(3) a thousand. Types without digits keep all. */
static int64_t column_step(oxy_sv db_type)
{
    const char *p = memchr(db_type.p, '(', db_type.len);
    int64_t step = 1000000;

    if (p == NULL || ++p == db_type.p + db_type.len || *p < '0' || *p > '6')
        return 1;
    for (char digits = *p; digits > '0'; digits--)
        step /= 10;
    return step;
}

static const char *fraction_misfit(const oxy_value *v, const oxy_type *as)
{
    bool timed = v->tag == OXY_V_DATETIME || v->tag == OXY_V_DATETIME_UTC || v->tag == OXY_V_TIME ||
                 v->tag == OXY_V_TIMETZ || v->tag == OXY_V_TIMEDELTA;
    bool column = as->kind == OXY_K_DATETIME || as->kind == OXY_K_DATETIME_UTC || as->kind == OXY_K_TIME ||
                  as->kind == OXY_K_TIMEDELTA || as->kind == OXY_K_INTERVAL;

    return timed && column && as->db_type.len != 0 && v->i % column_step(as->db_type) != 0
               ? "it has more fraction digits of a second than the column"
               : NULL;
}

/* JSON has backslashes inside strings only. */
static bool escapes_nul(oxy_sv json)
{
    const char *p = json.p, *end = p + json.len;

    while (p < end && (p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
        if (end - p >= 6 && memcmp(p, "\\u0000", 6) == 0)
            return true;
        p += end - p > 1 ? 2 : 1;
    }
    return false;
}

/* The server refuses NUL in any text. What is known here is said here, where the
 * field has a name and no transaction is lost. */
static const char *nul_misfit(const oxy_value *v, const oxy_type *as)
{
    oxy_kind kind = as->kind == OXY_K_ARRAY ? as->elem : as->kind;
    const char *misfit = NULL;
    size_t i;

    switch ((oxy_tag)v->tag) {
    case OXY_V_TEXT:
        return as->db_type.len != 0 && as->kind != OXY_K_BLOB && v->s.len != 0 && memchr(v->s.p, 0, v->s.len) != NULL
                   ? "PostgreSQL's text cannot hold the character NUL"
                   : NULL;
    case OXY_V_JSON:
        return (kind == OXY_K_JSONB || (kind == OXY_K_JSON && as->db_type.len == 0)) && escapes_nul(v->s)
                   ? "PostgreSQL's JSONB cannot hold the character NUL"
                   : NULL;
    case OXY_V_ARRAY:
        for (i = 0; misfit == NULL && i < v->array->n; i++)
            misfit = nul_misfit(&v->array->items[i], as);
        return misfit;
    default: return NULL;
    }
}

/* What is asked for need not fit the column; what is stored must. */
static const char *misfit_of(const oxy_value *v, const oxy_type *as)
{
    const char *nul = nul_misfit(v, as);

    if (nul != NULL || as->compared)
        return nul;
    if (as->kind == OXY_K_DECIMAL)
        return number_misfit(v, as);
    if (as->kind == OXY_K_STRING)
        return string_misfit(v, as);
    if (as->kind == OXY_K_ARRAY && (as->elem == OXY_K_DECIMAL || as->elem == OXY_K_STRING) && v->tag == OXY_V_ARRAY)
        return list_misfit(v->array, as);
    return fraction_misfit(v, as);
}

/* --- text for columns of other kinds ------------------------------------------------------------ */

/* A string for a column of another type is read here, by the column's own rules. */
static oxy_rc read_text(const oxy_value *in, uint32_t oid, oxy_kind kind, oxy_arena *scratch, oxy_value *out,
                        const char **reason)
{
    oxy__pg_read r = {.scratch = scratch};
    oxy_rc rc;

    *out = *in;
    if (kind == OXY_K_BLOB) { /* its bytes, backslashes and all */
        out->tag = OXY_V_BLOB;
        return OXY_OK;
    }
    rc = oxy__pg_from_text(&r, oid, in->s.p, in->s.len, out);
    *reason = r.reason;
    return rc;
}

/* Kinds that take a string as it is. */
static bool takes_text(oxy_kind kind)
{
    return kind == OXY_K_STRING || kind == OXY_K_TEXT || kind == OXY_K_JSON || kind == OXY_K_JSONB ||
           kind == OXY_K_ARRAY;
}

/* --- the entry ------------------------------------------------------------------------------------- */

static oxy__pg_put put(oxy__pg_write *w, const oxy_value *v, uint32_t oid)
{
    if (oid == 0)
        return OXY__PG_PUT_TEXT;
    /* A string in a JSON column is a JSON string; only the server's own parameters
     * are JSON text already. */
    return oid == PG_JSONB ? oxy__pg_to_json(w, v, oid) : oxy__pg_to_binary(w, v, oid);
}

oxy_rc oxy__pg_encode(const oxy_value *in, const oxy_type *as, oxy_arena *scratch, oxy_value *out, oxy_err *err)
{
    oxy__pg_write w = {.scratch = scratch};
    oxy_value value = *in, read; /* out may be in itself */
    const char *misfit;
    uint32_t oid;
    oxy_rc rc;

    if ((unsigned)as->kind >= OXY_K_COUNT || value.tag >= OXY_V_COUNT || value.tag == OXY_V_WIRE)
        return oxy_err_set(err, OXY_INTERNAL, "a value of unknown type reached the PostgreSQL codec");
    oid = column_oid(as);
    if (value.tag == OXY_V_NULL) {
        *out = (oxy_value){.tag = OXY_V_NULL, .wire = (uint16_t)oid};
        return OXY_OK;
    }
    misfit = misfit_of(&value, as);
    if (misfit != NULL)
        return refuse(&value, as, OXY_DATA, misfit, err);
    read = value;
    if (value.tag == OXY_V_TEXT && oid != 0 && !takes_text(as->kind)) {
        rc = read_text(&value, oid, as->kind, scratch, &read, &misfit);
        if (rc != OXY_OK)
            return rc == OXY_NOMEM ? no_memory(err) : refuse(&value, as, OXY_DATA, misfit, err);
    }
    switch (put(&w, &read, oid)) {
    case OXY__PG_PUT: break;
    case OXY__PG_PUT_TEXT:
        *out = value;
        out->wire = 0;
        return OXY_OK;
    case OXY__PG_PUT_NOMEM: return no_memory(err);
    case OXY__PG_PUT_REFUSED: return refuse(&value, as, w.rc, w.reason, err);
    }
    switch (oxy__pg_finish(&w, oid, out)) {
    case OXY__PG_PUT: return OXY_OK;
    case OXY__PG_PUT_NOMEM: return no_memory(err);
    default: return refuse(&value, as, w.rc, w.reason, err);
    }
}
