/* SPDX-License-Identifier: MIT */
/* names: quoted names, lists of them, and handing a statement over. */
#include "ddl.h"

#include <string.h>

oxy_rc oxy__ddl_buf_rc(const oxy_buf *b, oxy_err *err)
{
    switch (b->rc) {
    case OXY_OK: return OXY_OK;
    case OXY_NOMEM: return oxy_err_set(err, OXY_NOMEM, "out of memory while writing DDL");
    case OXY_DATA: return oxy_err_set(err, OXY_VALUE, "a DDL statement is longer than %zu bytes", b->limit);
    default: return oxy_err_set(err, b->rc, "a name in the schema cannot be written in SQL");
    }
}

oxy_rc oxy__ddl_emit(oxy__ddl *e)
{
    oxy_rc rc = oxy__ddl_buf_rc(&e->out, e->err);

    if (rc == OXY_OK) {
        rc = e->sink(e->arg, e->out.p, e->out.len);
        if (rc != OXY_OK)
            (void)oxy_err_set(e->err, rc, "the statement was not taken");
    }
    oxy_buf_reset(&e->out);
    return rc;
}

void oxy__ddl_qualified(oxy__ddl *e, oxy_sv schema, oxy_sv name)
{
    if (schema.len != 0) {
        oxy_quote_name(e->d, &e->out, schema);
        oxy_buf_putc(&e->out, '.');
    }
    oxy_quote_name(e->d, &e->out, name);
}

void oxy__ddl_columns(oxy__ddl *e, oxy_names columns)
{
    uint32_t i;

    oxy_buf_putc(&e->out, '(');
    for (i = 0; i < columns.n; i++) {
        if (i != 0)
            oxy_buf_puts(&e->out, ", ");
        oxy_quote_name(e->d, &e->out, columns.items[i]);
    }
    oxy_buf_putc(&e->out, ')');
}

bool oxy__names_have(oxy_names names, oxy_sv name)
{
    uint32_t i;

    for (i = 0; i < names.n; i++) {
        if (oxy_sv_eq(names.items[i], name))
            return true;
    }
    return false;
}

bool oxy__sv_is(oxy_sv text, const char *word)
{
    size_t i, len = strlen(word);

    if (text.len != len)
        return false;
    for (i = 0; i < len; i++) {
        char a = text.p[i], b = word[i];

        if (a >= 'a' && a <= 'z')
            a = (char)(a - 32);
        if (b >= 'a' && b <= 'z')
            b = (char)(b - 32);
        if (a != b)
            return false;
    }
    return true;
}

oxy_sv oxy__sv_trim(oxy_sv text)
{
    while (text.len > 0 && (unsigned char)text.p[0] <= ' ') {
        text.p++;
        text.len--;
    }
    while (text.len > 0 && (unsigned char)text.p[text.len - 1] <= ' ')
        text.len--;
    return text;
}
