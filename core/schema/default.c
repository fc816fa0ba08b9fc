/* SPDX-License-Identifier: MIT */
/* default: DEFAULT clauses, from the user's SQL or from a Python default. */
#include "ddl.h"

#include <math.h>
#include <string.h>

/* --- what kind of column it is, where that changes the text -------------------------- */

static bool ends_with(oxy_sv text, const char *word)
{
    size_t len = strlen(word);

    return text.len >= len && oxy__sv_is((oxy_sv){text.p + text.len - len, len}, word);
}

/* MySQL: TEXT, BLOB and JSON columns take expressions only. */
static bool is_lob(const oxy_column_def *c, oxy__column_role role)
{
    oxy_sv db_type = oxy__sv_trim(c->type.db_type);

    if (db_type.len != 0)
        return ends_with(db_type, "TEXT") || ends_with(db_type, "BLOB") || oxy__sv_is(db_type, "JSON");
    switch (c->type.kind) {
    case OXY_K_UNKNOWN:
    case OXY_K_TEXT: return !role.indexed; /* else it is VARCHAR(255) */
    case OXY_K_BLOB:
    case OXY_K_ARRAY:
    case OXY_K_JSON:
    case OXY_K_JSONB: return true;
    default: return false;
    }
}

/* The precision of a MySQL date-time column as "(6)", or empty. */
static oxy_sv time_precision(const oxy_column_def *c)
{
    oxy_sv db_type = oxy__sv_trim(c->type.db_type);
    const char *open;
    size_t len;

    if (db_type.len == 0)
        return c->type.kind == OXY_K_DATETIME || c->type.kind == OXY_K_DATETIME_UTC ? OXY_SV("(6)") : OXY_SV("");
    open = memchr(db_type.p, '(', db_type.len);
    len = open == NULL ? 0 : (size_t)(open - db_type.p);
    if (open == NULL ||
        !(oxy__sv_is((oxy_sv){db_type.p, len}, "DATETIME") || oxy__sv_is((oxy_sv){db_type.p, len}, "TIMESTAMP")))
        return OXY_SV("");
    return (oxy_sv){open, db_type.len - len};
}

/* --- the user's SQL ---------------------------------------------------------------------- */

static bool word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (unsigned char)c >= 0x80;
}

/* Copies SQL, giving CURRENT_TIMESTAMP and NOW() outside of quotes the column's
 * precision, which MySQL insists on. */
static void put_with_precision(oxy_buf *out, oxy_sv sql, oxy_sv precision)
{
    size_t i = 0, start, len;

    while (i < sql.len) {
        char c = sql.p[i];
        bool stamp, empty;

        start = i++;
        if (c == '\'' || c == '"' || c == '`') { /* a doubled quote is just two quoted runs */
            while (i < sql.len && sql.p[i] != c)
                i += sql.p[i] == '\\' && c != '`' ? 2 : 1;
            i = i < sql.len ? i + 1 : sql.len;
            oxy_buf_put(out, sql.p + start, i - start);
            continue;
        }
        if (!word_char(c)) {
            oxy_buf_putc(out, c);
            continue;
        }
        while (i < sql.len && word_char(sql.p[i]))
            i++;
        len = i - start;
        oxy_buf_put(out, sql.p + start, len);
        stamp = oxy__sv_is((oxy_sv){sql.p + start, len}, "CURRENT_TIMESTAMP");
        empty = sql.len - i >= 2 && sql.p[i] == '(' && sql.p[i + 1] == ')';
        if ((stamp && (i == sql.len || sql.p[i] != '(')) ||
            (empty && (stamp || oxy__sv_is((oxy_sv){sql.p + start, len}, "NOW")))) {
            oxy_buf_put(out, precision.p, precision.len);
            i += empty ? 2 : 0;
        }
    }
}

static oxy_rc put_raw(oxy__ddl *e, const oxy_column_def *c, oxy__column_role role)
{
    oxy_sv sql = oxy__sv_trim(c->db_default), precision = time_precision(c);
    bool paren = e->rules->paren_lob_defaults && is_lob(c, role) && sql.p[0] != '(' && !oxy__sv_is(sql, "NULL");

    oxy_rc rc;

    oxy_buf_puts(&e->out, paren ? " DEFAULT (" : " DEFAULT ");
    if (e->migrates) {
        bool done;

        rc = oxy__default_translated(e, c, sql, &done);
        if (rc != OXY_OK)
            return rc;
        if (done)
            sql.len = 0;
    }
    if (e->rules->now_precision && precision.len != 0)
        put_with_precision(&e->out, sql, precision);
    else
        oxy_buf_put(&e->out, sql.p, sql.len);
    if (paren)
        oxy_buf_putc(&e->out, ')');
    return OXY_OK;
}

/* --- Python defaults ------------------------------------------------------------------------ */

static void put_hex(oxy_buf *b, oxy_sv bytes)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    for (i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.p[i];

        oxy_buf_putc(b, digits[c >> 4]);
        oxy_buf_putc(b, digits[c & 15]);
    }
}

static void put_number(oxy_buf *b, const oxy_value *v)
{
    char text[OXY_TEXT_MAX];

    if (v->tag == OXY_V_DOUBLE) {
        oxy_buf_put(b, text, oxy_double_format(text, v->d));
        return;
    }
    if (v->tag != OXY_V_UINT && v->i < 0)
        oxy_buf_putc(b, '-');
    oxy_buf_putu(b, v->tag != OXY_V_UINT && v->i < 0 ? 0 - v->u : v->u);
}

/* Text of a date, time or UUID as its column stores it. */
static size_t stored_text(const oxy_column_def *c, const oxy__ddl_rules *rules, const oxy_value *v,
                          char text[OXY_TEXT_MAX])
{
    bool zone = rules->native_zones && (c->type.kind == OXY_K_DATETIME_UTC || c->type.elem == OXY_K_DATETIME_UTC);
    uint32_t east;
    size_t len;

    switch ((oxy_tag)v->tag) {
    case OXY_V_DATETIME:
    case OXY_V_DATETIME_UTC:
        len = oxy_datetime_format(text, v->i, ' ');
        if (zone) {
            memcpy(text + len, "+00:00", 7);
            len += 6;
        }
        return len;
    case OXY_V_DATE: return oxy_date_format(text, v->i);
    case OXY_V_TIME: return oxy_time_format(text, v->i);
    case OXY_V_TIMETZ:
        len = oxy_time_format(text, v->i);
        east = v->tz < 0 ? 0U - (uint32_t)v->tz : (uint32_t)v->tz;
        text[len++] = v->tz < 0 ? '-' : '+';
        len += oxy_time_format(text + len, (int64_t)(east % 86400) * 1000000);
        return len;
    case OXY_V_UUID: return oxy_uuid_format(text, v->uuid);
    default: return 0;
    }
}

/* Whether SQLite, which turns a number into text through a double of 15 digits,
 * would give these very digits back. */
bool oxy__default_survives(oxy_sv text)
{
    char back[OXY_TEXT_MAX];
    size_t digits = 0, i;
    double value = 0, unit = 1;
    bool point = false;

    for (i = 0; i < text.len; i++) {
        if (text.p[i] == '.' && !point && digits > 0) {
            point = true;
        } else if (text.p[i] >= '0' && text.p[i] <= '9') {
            value = value * 10 + (text.p[i] - '0');
            unit *= point ? 10 : 1;
            digits++;
        } else if (i != 0 || text.p[i] != '-') {
            return false;
        }
    }
    /* Up to 15 digits and a power of ten are exact, so is their quotient. */
    if (digits == 0 || digits > 15 || (value == 0 && text.p[0] == '-'))
        return false;
    value = text.p[0] == '-' ? -(value / unit) : value / unit;
    i = oxy_double_format(back, value);
    if (!point) /* an integer has no ".0" */
        i -= 2;
    return oxy_sv_eq(text, (oxy_sv){back, i});
}

/* Whether the value has a form in SQL. */
static bool has_form(const oxy_value *v)
{
    switch ((oxy_tag)v->tag) {
    case OXY_V_NULL:
    case OXY_V_WIRE:
    case OXY_V_COUNT: return false;
    case OXY_V_DOUBLE: return isfinite(v->d);
    case OXY_V_DECIMAL: /* no digit: NaN or an infinity */
        return v->s.len > 0 && v->s.p[v->s.len - 1] != 'y' && (v->s.p[v->s.len - 1] | 0x20) != 'n';
    default: return true;
    }
}

oxy_rc oxy__default_list(oxy__ddl *e, const oxy_column_def *c, const oxy_value *v)
{
    oxy_cell cell = {.tag = OXY_C_TEXT};
    oxy_value list = *v;
    oxy_arena arena;
    oxy_buf text;
    oxy_rc rc = OXY_OK;

    oxy_arena_init(&arena, e->alloc, (size_t)64 << 20);
    oxy_buf_init(&text, e->alloc, e->out.limit);
    if (v->tag == OXY_V_JSON) { /* the elements' kinds turn JSON into values */
        if (v->s.len > UINT32_MAX) {
            rc = oxy_err_set(e->err, OXY_VALUE, "the default of column %.*s is too long", OXY_SV_ARG(c->name));
            goto done;
        }
        cell.p = v->s.p;
        cell.len = (uint32_t)v->s.len;
        rc = oxy_codec_sqlite.decode[OXY_K_ARRAY](&cell, NULL, &c->type, &arena, &list, e->err);
        if (rc != OXY_OK) {
            if (rc != OXY_NOMEM)
                rc = oxy_err_set(e->err, OXY_VALUE, "the default of column %.*s does not fit its type",
                                 OXY_SV_ARG(c->name));
            goto done;
        }
    }
    oxy__ddl_array_literal(&text, &list);
    rc = oxy__ddl_buf_rc(&text, e->err);
    if (rc == OXY_OK)
        oxy_quote_text(e->d, &e->out, (oxy_sv){text.p, text.len});
done:
    oxy_buf_fini(&text);
    oxy_arena_fini(&arena);
    return rc;
}

static oxy_rc put_json(oxy__ddl *e, const oxy_value *v)
{
    oxy_buf text;
    oxy_rc rc;

    oxy_buf_init(&text, e->alloc, e->out.limit);
    oxy_json_value(&text, v);
    rc = oxy__ddl_buf_rc(&text, e->err);
    if (rc == OXY_OK)
        oxy_quote_text(e->d, &e->out, (oxy_sv){text.p, text.len});
    oxy_buf_fini(&text);
    return rc;
}

/* A value of has_form(), as a literal of the column's type. */
static oxy_rc put_literal(oxy__ddl *e, const oxy_column_def *c, const oxy_value *v)
{
    bool is_json = c->type.kind == OXY_K_JSON || c->type.kind == OXY_K_JSONB;
    bool is_list = c->type.kind == OXY_K_ARRAY && e->rules->native_arrays;
    char text[OXY_TEXT_MAX];
    oxy_buf *out = &e->out;

    if (is_list && (v->tag == OXY_V_JSON || v->tag == OXY_V_ARRAY))
        return oxy__default_list(e, c, v);
    if (v->tag == OXY_V_JSON) {
        oxy_quote_text(e->d, out, v->s);
        return OXY_OK;
    }
    if (is_json || v->tag == OXY_V_ARRAY)
        return put_json(e, v);
    switch ((oxy_tag)v->tag) {
    case OXY_V_BOOL:
    case OXY_V_INT:
        /* A default need not have the annotation's type: 1 may stand for True. */
        if (c->type.kind == OXY_K_BOOL ? v->i == 0 || v->i == 1 : v->tag == OXY_V_BOOL && c->type.kind == OXY_K_UNKNOWN)
            oxy_buf_puts(out, v->i != 0 ? e->rules->yes : e->rules->no);
        else
            put_number(out, v);
        break;
    case OXY_V_UINT:
    case OXY_V_DOUBLE: put_number(out, v); break;
    case OXY_V_TIMEDELTA:
        if (c->type.kind == OXY_K_INTERVAL && e->rules->native_intervals)
            oxy_buf_printf(out, "'%lld microseconds'", (long long)v->i);
        else
            put_number(out, v);
        break;
    case OXY_V_DECIMAL:
        if (e->rules->text_decimals && !oxy__default_survives(v->s))
            oxy_quote_text(e->d, out, v->s);
        else
            oxy_buf_put(out, v->s.p, v->s.len);
        break;
    case OXY_V_TEXT:
    case OXY_V_INET: oxy_quote_text(e->d, out, v->s); break;
    case OXY_V_BLOB:
        oxy_buf_puts(out, e->rules->blob_open);
        put_hex(out, v->s);
        oxy_buf_putc(out, '\'');
        break;
    default: oxy_quote_text(e->d, out, (oxy_sv){text, stored_text(c, e->rules, v, text)}); break;
    }
    return OXY_OK;
}

oxy_rc oxy__ddl_default(oxy__ddl *e, const oxy_column_def *c, oxy__column_role role)
{
    bool paren = e->rules->paren_lob_defaults && is_lob(c, role);
    oxy_rc rc;

    if (oxy__sv_trim(c->db_default).len != 0)
        return put_raw(e, c, role);
    if (!c->has_default || !has_form(&c->default_value))
        return OXY_OK;
    oxy_buf_puts(&e->out, paren ? " DEFAULT (" : " DEFAULT ");
    rc = put_literal(e, c, &c->default_value);
    if (paren)
        oxy_buf_putc(&e->out, ')');
    return rc;
}

oxy_rc oxy_ddl_default(const oxy_column_def *c, const oxy_dialect *d, const oxy_alloc *alloc, oxy_ddl_sink sink,
                       void *arg, oxy_err *err)
{
    oxy__ddl e = {.rules = oxy__ddl_rules_of(d), .d = d, .alloc = alloc, .sink = sink, .arg = arg, .err = err};
    oxy_sv given = oxy__sv_trim(c->db_default);
    oxy_rc rc = OXY_OK;

    oxy_err_clear(err);
    if (given.len == 0 && (!c->has_default || !has_form(&c->default_value)))
        return OXY_OK;
    oxy_buf_init(&e.out, alloc, OXY__DDL_LIMIT);
    if (given.len != 0)
        oxy_buf_put(&e.out, given.p, given.len);
    else
        rc = put_literal(&e, c, &c->default_value);
    if (rc == OXY_OK)
        rc = oxy__ddl_emit(&e);
    oxy_buf_fini(&e.out);
    return rc;
}

/* --- array literals --------------------------------------------------------------------------- */

/* In double quotes, as array syntax has it; SQL quoting comes on top. */
static void put_element_text(oxy_buf *b, oxy_sv text)
{
    size_t i;

    oxy_buf_putc(b, '"');
    for (i = 0; i < text.len; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\')
            oxy_buf_putc(b, '\\');
        oxy_buf_putc(b, text.p[i]);
    }
    oxy_buf_putc(b, '"');
}

void oxy__ddl_array_literal(oxy_buf *b, const oxy_value *v)
{
    static const oxy__ddl_rules zones = {.native_zones = true};
    oxy_column_def utc = {.type = {.kind = v->tag == OXY_V_DATETIME_UTC ? OXY_K_DATETIME_UTC : OXY_K_UNKNOWN}};
    char text[OXY_TEXT_MAX];
    size_t i;

    switch ((oxy_tag)v->tag) {
    case OXY_V_NULL: oxy_buf_puts(b, "NULL"); break;
    case OXY_V_BOOL: oxy_buf_puts(b, v->i != 0 ? "true" : "false"); break;
    case OXY_V_INT:
    case OXY_V_UINT:
    case OXY_V_DOUBLE:
    case OXY_V_TIMEDELTA: put_number(b, v); break;
    case OXY_V_DECIMAL: oxy_buf_put(b, v->s.p, v->s.len); break;
    case OXY_V_TEXT:
    case OXY_V_JSON:
    case OXY_V_INET: put_element_text(b, v->s); break;
    case OXY_V_BLOB:
        oxy_buf_puts(b, "\"\\\\x");
        put_hex(b, v->s);
        oxy_buf_putc(b, '"');
        break;
    case OXY_V_ARRAY:
        oxy_buf_putc(b, '{');
        for (i = 0; i < v->array->n; i++) {
            if (i != 0)
                oxy_buf_putc(b, ',');
            oxy__ddl_array_literal(b, &v->array->items[i]);
        }
        oxy_buf_putc(b, '}');
        break;
    default: put_element_text(b, (oxy_sv){text, stored_text(&utc, &zones, v, text)}); break;
    }
}
