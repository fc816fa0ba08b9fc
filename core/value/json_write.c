/* SPDX-License-Identifier: MIT */
/* json_write: values as JSON, for columns that keep lists as JSON text. Dates
 * use 'T', decimals and UUIDs are strings, bytes Base64, timedeltas integer
 * microseconds. What JSON cannot say (NaN, infinities) is OXY_DATA. */
#include "text.h"

#include <math.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

static void put_escaped(oxy_buf *b, unsigned char c)
{
    char text[6] = {'\\', 'u', '0', '0', hex_digits[c >> 4], hex_digits[c & 15]};

    switch (c) {
    case '"':
    case '\\': text[1] = (char)c; break;
    case '\b': text[1] = 'b'; break;
    case '\f': text[1] = 'f'; break;
    case '\n': text[1] = 'n'; break;
    case '\r': text[1] = 'r'; break;
    case '\t': text[1] = 't'; break;
    default: oxy_buf_put(b, text, 6); return;
    }
    oxy_buf_put(b, text, 2);
}

void oxy_json_string(oxy_buf *b, const char *p, size_t len)
{
    size_t start = 0, i;

    oxy_buf_putc(b, '"');
    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        oxy_buf_put(b, p + start, i - start);
        put_escaped(b, c);
        start = i + 1;
    }
    if (len != 0)
        oxy_buf_put(b, p + start, len - start);
    oxy_buf_putc(b, '"');
}

static void put_base64(oxy_buf *b, const unsigned char *p, size_t len)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i;

    oxy_buf_putc(b, '"');
    for (i = 0; i < len && b->rc == OXY_OK; i += 3) {
        size_t left = len - i;
        unsigned a = p[i], c = left > 1 ? p[i + 1] : 0, d = left > 2 ? p[i + 2] : 0;
        char four[4] = {letters[a >> 2], letters[(a & 3) << 4 | c >> 4], '=', '='};

        if (left > 1)
            four[2] = letters[(c & 15) << 2 | d >> 6];
        if (left > 2)
            four[3] = letters[d & 63];
        oxy_buf_put(b, four, 4);
    }
    oxy_buf_putc(b, '"');
}

static void put_quoted(oxy_buf *b, const char *text, size_t len)
{
    oxy_buf_putc(b, '"');
    oxy_buf_put(b, text, len);
    oxy_buf_putc(b, '"');
}

static void put_time(oxy_buf *b, const oxy_value *v, oxy_kind elem)
{
    char text[OXY_TEXT_MAX];
    bool utc = elem == OXY_K_DATETIME_UTC || (elem != OXY_K_DATETIME && v->tag == OXY_V_DATETIME_UTC);
    size_t len;

    switch ((oxy_tag)v->tag) {
    case OXY_V_DATE: len = oxy_date_format(text, v->i); break;
    case OXY_V_TIME: len = oxy_time_format(text, v->i); break;
    case OXY_V_TIMETZ: len = oxy__offset_format(text, oxy_time_format(text, v->i), v->tz); break;
    case OXY_V_DATETIME:
    case OXY_V_DATETIME_UTC:
    default:
        len = oxy_datetime_format(text, v->i, 'T');
        if (utc)
            text[len++] = 'Z';
        break;
    }
    put_quoted(b, text, len);
}

static void put_number(oxy_buf *b, const oxy_value *v)
{
    char text[OXY_TEXT_MAX];
    size_t len;

    if (v->tag == OXY_V_DOUBLE) {
        if (!isfinite(v->d)) {
            if (b->rc == OXY_OK)
                b->rc = OXY_DATA;
            return;
        }
        len = oxy_double_format(text, v->d);
    } else if (v->tag == OXY_V_UINT) {
        len = oxy__int_format(text, false, v->u);
    } else {
        len = oxy__int_format(text, v->i < 0, v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i);
    }
    oxy_buf_put(b, text, len);
}

static void put_value(oxy_buf *b, const oxy_value *v, oxy_kind elem, int depth)
{
    char text[OXY_TEXT_MAX];
    size_t i;

    switch ((oxy_tag)v->tag) {
    case OXY_V_NULL: oxy_buf_puts(b, "null"); break;
    case OXY_V_BOOL: oxy_buf_puts(b, v->i != 0 ? "true" : "false"); break;
    case OXY_V_INT:
    case OXY_V_UINT:
    case OXY_V_TIMEDELTA:
    case OXY_V_DOUBLE: put_number(b, v); break;
    case OXY_V_TEXT:
    case OXY_V_DECIMAL:
    case OXY_V_INET: oxy_json_string(b, v->s.p, v->s.len); break;
    case OXY_V_BLOB: put_base64(b, (const unsigned char *)v->s.p, v->s.len); break;
    case OXY_V_DATETIME:
    case OXY_V_DATETIME_UTC:
    case OXY_V_DATE:
    case OXY_V_TIME:
    case OXY_V_TIMETZ: put_time(b, v, elem); break;
    case OXY_V_UUID: put_quoted(b, text, oxy_uuid_format(text, v->uuid)); break;
    case OXY_V_JSON: oxy_buf_put(b, v->s.p, v->s.len); break;
    case OXY_V_ARRAY:
        if (depth >= OXY__JSON_DEPTH) {
            if (b->rc == OXY_OK)
                b->rc = OXY_DATA;
            return;
        }
        oxy_buf_putc(b, '[');
        for (i = 0; i < v->array->n && b->rc == OXY_OK; i++) {
            if (i != 0)
                oxy_buf_putc(b, ',');
            put_value(b, &v->array->items[i], elem, depth + 1);
        }
        oxy_buf_putc(b, ']');
        break;
    case OXY_V_WIRE:
    case OXY_V_COUNT: break;
    }
}

void oxy__json_write(oxy_buf *b, const oxy_value *v, oxy_kind elem)
{
    put_value(b, v, elem, 0);
}

void oxy_json_value(oxy_buf *b, const oxy_value *v)
{
    put_value(b, v, OXY_K_UNKNOWN, 0);
}
