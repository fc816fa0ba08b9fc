/* SPDX-License-Identifier: MIT */
/* default_translate: files serve every database, so a default may be spelt for
 * another one. Booleans, bytes, decimals and lists are spelt anew. */
#include "ddl.h"

#include <string.h>

static bool quoted(oxy_sv sql)
{
    return sql.len >= 2 && sql.p[0] == '\'' && sql.p[sql.len - 1] == '\'';
}

/* The text inside of SQL quotes, doubled ones once. */
static void put_unquoted(oxy_buf *out, oxy_sv sql)
{
    for (size_t i = 1; i + 1 < sql.len; i++) {
        oxy_buf_putc(out, sql.p[i]);
        if (sql.p[i] == '\'' && i + 2 < sql.len && sql.p[i + 1] == '\'')
            i++;
    }
}

static bool is_number(oxy_sv text)
{
    size_t i = text.len != 0 && text.p[0] == '-' ? 1 : 0, digits = 0;

    for (; i < text.len; i++) {
        if (text.p[i] >= '0' && text.p[i] <= '9')
            digits++;
        else if (text.p[i] != '.' || digits == 0)
            return false;
    }
    return digits != 0;
}

static bool put_decimal(oxy__ddl *e, oxy_sv sql)
{
    oxy_sv digits = quoted(sql) ? (oxy_sv){sql.p + 1, sql.len - 2} : sql;

    if (!is_number(digits))
        return false;
    if (e->rules->text_decimals && !oxy__default_survives(digits))
        oxy_quote_text(e->d, &e->out, digits);
    else
        oxy_buf_put(&e->out, digits.p, digits.len);
    return true;
}

/* --- array literals as JSON ------------------------------------------------------------------ */

static void put_json_char(oxy_buf *out, char c)
{
    static const char hex[] = "0123456789abcdef";

    if (c == '"' || c == '\\')
        oxy_buf_putc(out, '\\');
    if ((unsigned char)c >= 0x20) {
        oxy_buf_putc(out, c);
        return;
    }
    oxy_buf_puts(out, "\\u00");
    oxy_buf_putc(out, hex[(unsigned char)c >> 4]);
    oxy_buf_putc(out, hex[c & 15]);
}

static bool bare_in_json(oxy_kind elem, oxy_sv word)
{
    switch (elem) {
    case OXY_K_INT:
    case OXY_K_DOUBLE:
    case OXY_K_TIMEDELTA: return is_number(word);
    default: return false;
    }
}

static void put_word(oxy_buf *out, oxy_kind elem, oxy_sv word)
{
    int yes = elem == OXY_K_BOOL && (oxy__sv_is(word, "t") || oxy__sv_is(word, "true"))    ? 1
              : elem == OXY_K_BOOL && (oxy__sv_is(word, "f") || oxy__sv_is(word, "false")) ? 0
                                                                                           : -1;

    if (oxy__sv_is(word, "NULL")) {
        oxy_buf_puts(out, "null");
    } else if (yes >= 0) {
        oxy_buf_puts(out, yes ? "true" : "false");
    } else if (bare_in_json(elem, word)) {
        oxy_buf_put(out, word.p, word.len);
    } else {
        oxy_buf_putc(out, '"');
        for (size_t i = 0; i < word.len; i++)
            put_json_char(out, word.p[i]);
        oxy_buf_putc(out, '"');
    }
}

/* {1,NULL,"a b"} as [1,null,"a b"]. */
static void put_as_json(oxy_buf *out, oxy_kind elem, oxy_sv literal)
{
    size_t i = 0;

    while (i < literal.len) {
        char c = literal.p[i];
        size_t start = i;

        if (c == '{' || c == '}' || c == ',') {
            oxy_buf_putc(out, c == '{' ? '[' : c == '}' ? ']' : ',');
            i++;
        } else if (c == '"') {
            oxy_buf_putc(out, '"');
            for (i++; i < literal.len && literal.p[i] != '"'; i++) {
                i += literal.p[i] == '\\' && i + 1 < literal.len;
                put_json_char(out, literal.p[i]);
            }
            oxy_buf_putc(out, '"');
            i++;
        } else if (c == ' ') {
            i++;
        } else {
            while (i < literal.len && strchr("{},\"", literal.p[i]) == NULL)
                i++;
            put_word(out, elem, oxy__sv_trim((oxy_sv){literal.p + start, i - start}));
        }
    }
}

/* --- lists both ways ---------------------------------------------------------------------------- */

static oxy_rc put_array(oxy__ddl *e, const oxy_column_def *c, oxy_sv sql, bool *done)
{
    oxy_value list = {.tag = OXY_V_JSON};
    oxy_buf text, json;
    oxy_rc rc;

    if (!quoted(sql))
        return OXY_OK;
    oxy_buf_init(&text, e->alloc, OXY__DDL_LIMIT);
    oxy_buf_init(&json, e->alloc, OXY__DDL_LIMIT);
    put_unquoted(&text, sql);
    rc = oxy__ddl_buf_rc(&text, e->err);
    if (rc != OXY_OK || text.len == 0)
        goto done;
    if (e->rules->native_arrays && text.p[0] == '[') {
        list.s = (oxy_sv){text.p, text.len};
        rc = oxy__default_list(e, c, &list);
        *done = true;
    } else if (!e->rules->native_arrays && text.p[0] == '{') {
        put_as_json(&json, c->type.elem, (oxy_sv){text.p, text.len});
        rc = oxy__ddl_buf_rc(&json, e->err);
        if (rc == OXY_OK)
            oxy_quote_text(e->d, &e->out, (oxy_sv){json.p, json.len});
        *done = true;
    }
done:
    oxy_buf_fini(&text);
    oxy_buf_fini(&json);
    return rc;
}

oxy_rc oxy__default_translated(oxy__ddl *e, const oxy_column_def *c, oxy_sv sql, bool *done)
{
    oxy_sv hex;
    int yes;

    *done = false;
    if (oxy__sv_trim(c->type.db_type).len != 0)
        return OXY_OK;
    switch (c->type.kind) {
    case OXY_K_BOOL:
        yes = oxy__default_bool(sql);
        *done = yes >= 0;
        if (yes >= 0)
            oxy_buf_puts(&e->out, yes ? e->rules->yes : e->rules->no);
        return OXY_OK;
    case OXY_K_BLOB:
        *done = oxy__default_hex(sql, &hex);
        if (*done) {
            oxy_buf_puts(&e->out, e->rules->blob_open);
            oxy_buf_put(&e->out, hex.p, hex.len);
            oxy_buf_putc(&e->out, '\'');
        }
        return OXY_OK;
    case OXY_K_DECIMAL: *done = put_decimal(e, sql); return OXY_OK;
    case OXY_K_ARRAY: return put_array(e, c, sql, done);
    default: return OXY_OK;
    }
}
