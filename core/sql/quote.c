/* SPDX-License-Identifier: MIT */
/* quote: identifiers and string literals. */
#include "emit.h"

#include <string.h>

/* Appends text with every `mark` doubled. */
static void put_doubled(oxy_buf *out, oxy_sv text, char mark)
{
    const char *p = text.p, *end = text.p + text.len;

    while (p < end) {
        const char *at = memchr(p, mark, (size_t)(end - p));

        if (at == NULL) {
            oxy_buf_put(out, p, (size_t)(end - p));
            return;
        }
        oxy_buf_put(out, p, (size_t)(at - p) + 1);
        oxy_buf_putc(out, mark);
        p = at + 1;
    }
}

void oxy_quote_name(const oxy_dialect *d, oxy_buf *out, oxy_sv name)
{
    if (name.len != 0 && memchr(name.p, '\0', name.len) != NULL) {
        if (out->rc == OXY_OK)
            out->rc = OXY_VALUE;
        return;
    }
    oxy_buf_putc(out, d->quote);
    if (name.len != 0)
        put_doubled(out, name, d->quote);
    oxy_buf_putc(out, d->quote);
}

/* A backslash is plain text on SQLite; MySQL reads it as an escape, and
 * PostgreSQL does with E in front, whatever standard_conforming_strings says. */
void oxy_quote_text(const oxy_dialect *d, oxy_buf *out, oxy_sv text)
{
    bool backslash = text.len != 0 && d != &oxy_dialect_sqlite && memchr(text.p, '\\', text.len) != NULL;

    if (text.len != 0 && memchr(text.p, '\0', text.len) != NULL) {
        if (out->rc == OXY_OK)
            out->rc = OXY_VALUE;
        return;
    }
    if (!backslash) {
        oxy_buf_putc(out, '\'');
        if (text.len != 0)
            put_doubled(out, text, '\'');
        oxy_buf_putc(out, '\'');
        return;
    }
    oxy_buf_puts(out, d == &oxy_dialect_postgres ? "E'" : "'");
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '\\' || text.p[i] == '\'')
            oxy_buf_putc(out, text.p[i]);
        oxy_buf_putc(out, text.p[i]);
    }
    oxy_buf_putc(out, '\'');
}
