/* SPDX-License-Identifier: MIT */
/* JSON, decoded where its copy lies: a string without its escapes is never longer than with them. */
#include "json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 128, WHOLE_DIGITS = 18 };

/* A text that ends with a zero byte, which no document contains. */
typedef struct json_reader {
    floor_rows *rows;
    char *at;
} json_reader;

static bool value_of(json_reader *reader, floor_json *value, int depth);

static void skip_space(json_reader *reader)
{
    while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '\t')
        reader->at++;
}

static bool skip(json_reader *reader, char wanted)
{
    skip_space(reader);
    if (*reader->at != wanted)
        return false;
    reader->at++;
    return true;
}

static bool word(json_reader *reader, const char *wanted)
{
    size_t n = strlen(wanted);

    if (strncmp(reader->at, wanted, n) != 0)
        return false;
    reader->at += n;
    return true;
}

/* --- strings ----------------------------------------------------------------- */

static bool hexadecimal(const char *from, uint32_t *found)
{
    *found = 0;
    for (int i = 0; i < 4; i++) {
        char c = from[i];
        uint32_t digit;

        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            digit = (uint32_t)(c - 'A' + 10);
        else
            return false;
        *found = *found << 4 | digit;
    }
    return true;
}

static char *utf8(char *to, uint32_t point)
{
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xC0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        *to++ = (char)(0xE0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
    } else {
        *to++ = (char)(0xF0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3F));
        *to++ = (char)(0x80 | (point >> 6 & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
    }
    return to;
}

/* After the backslash. NULL for what is no escape. */
static char *unescape(json_reader *reader, char *to)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *found = *reader->at ? strchr(letters, *reader->at) : NULL;
    uint32_t point, low;

    if (found) {
        reader->at++;
        *to = meant[found - letters];
        return to + 1;
    }
    if (*reader->at != 'u' || !hexadecimal(reader->at + 1, &point) || (point >= 0xDC00 && point < 0xE000))
        return NULL;
    reader->at += 5;
    if (point >= 0xD800 && point < 0xDC00) {
        if (reader->at[0] != '\\' || reader->at[1] != 'u' || !hexadecimal(reader->at + 2, &low) || low < 0xDC00 ||
            low >= 0xE000)
            return NULL;
        reader->at += 6;
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    return utf8(to, point);
}

static bool string(json_reader *reader, const char **text, uint32_t *n)
{
    char *to, *start;

    if (!skip(reader, '"'))
        return false;
    start = to = reader->at;
    while (*reader->at != '"') {
        if ((unsigned char)*reader->at < 0x20)
            return false;
        if (*reader->at != '\\') {
            *to++ = *reader->at++;
            continue;
        }
        reader->at++;
        to = unescape(reader, to);
        if (!to)
            return false;
    }
    reader->at++;
    *to = '\0';
    *text = start;
    *n = (uint32_t)(to - start);
    return true;
}

/* --- numbers ----------------------------------------------------------------- */

static size_t digits(const char *at)
{
    size_t n = 0;

    while (at[n] >= '0' && at[n] <= '9')
        n++;
    return n;
}

static bool number(json_reader *reader, floor_json *value)
{
    char *at = reader->at + (*reader->at == '-');
    size_t n = digits(at);
    bool whole = true;

    if (n == 0 || (n > 1 && *at == '0'))
        return false;
    at += n;
    if (*at == '.') {
        whole = false;
        if (!(n = digits(++at)))
            return false;
        at += n;
    }
    if (*at == 'e' || *at == 'E') {
        whole = false;
        at++;
        at += *at == '+' || *at == '-';
        if (!(n = digits(at)))
            return false;
        at += n;
    }
    if (whole && at - reader->at <= WHOLE_DIGITS) {
        value->kind = FLOOR_JSON_INT;
        value->number = strtoll(reader->at, NULL, 10);
    } else {
        value->kind = FLOOR_JSON_REAL;
        value->real = strtod(reader->at, NULL);
    }
    reader->at = at;
    return true;
}

/* --- values ------------------------------------------------------------------ */

/* Items up to the closing bracket; those of an object have keys. */
static bool items(json_reader *reader, floor_json *value, char closing, int depth)
{
    floor_json **end = &value->first;

    reader->at++;
    *end = NULL;
    if (skip(reader, closing))
        return true;
    do {
        floor_json *item = floor_rows_take(reader->rows, sizeof *item);
        uint32_t ignored;

        if (!item)
            return false;
        *item = (floor_json){0};
        if (closing == '}' && (!string(reader, &item->key, &ignored) || !skip(reader, ':')))
            return false;
        if (!value_of(reader, item, depth + 1))
            return false;
        *end = item;
        end = &item->next;
        value->n++;
    } while (skip(reader, ','));
    return skip(reader, closing);
}

static bool value_of(json_reader *reader, floor_json *value, int depth)
{
    if (depth > DEEPEST)
        return false;
    skip_space(reader);
    switch (*reader->at) {
    case '{': value->kind = FLOOR_JSON_OBJECT; return items(reader, value, '}', depth);
    case '[': value->kind = FLOOR_JSON_ARRAY; return items(reader, value, ']', depth);
    case '"': value->kind = FLOOR_JSON_TEXT; return string(reader, &value->text, &value->n);
    case 'n': value->kind = FLOOR_JSON_NULL; return word(reader, "null");
    case 't':
        value->kind = FLOOR_JSON_BOOL;
        value->truth = true;
        return word(reader, "true");
    case 'f': value->kind = FLOOR_JSON_BOOL; return word(reader, "false");
    default: return number(reader, value);
    }
}

bool floor_json_of(floor_rows *rows, floor_cell *cell, const char *text, size_t n)
{
    floor_json *document = floor_rows_take(rows, sizeof *document);
    json_reader reader = {.rows = rows};

    if (!document || !(reader.at = floor_rows_take(rows, n + 1)))
        return false;
    memcpy(reader.at, text, n);
    reader.at[n] = '\0';
    char *end = reader.at + n;

    *document = (floor_json){0};
    if (!value_of(&reader, document, 0))
        return false;
    skip_space(&reader);
    cell->document = document;
    return reader.at == end;
}

/* --- writing ----------------------------------------------------------------- */

static void write_string(FILE *to, const char *text, size_t n)
{
    putc('"', to);
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '"' || text[i] == '\\')
            fprintf(to, "\\%c", text[i]);
        else if ((unsigned char)text[i] < 0x20)
            fprintf(to, "\\u%04x", (unsigned)text[i]);
        else
            putc(text[i], to);
    }
    putc('"', to);
}

void floor_json_write(FILE *to, const floor_json *value)
{
    bool object = value->kind == FLOOR_JSON_OBJECT;

    switch ((floor_json_kind)value->kind) {
    case FLOOR_JSON_NULL: fputs("null", to); return;
    case FLOOR_JSON_BOOL: fputs(value->truth ? "true" : "false", to); return;
    case FLOOR_JSON_INT: fprintf(to, "%" PRId64, value->number); return;
    case FLOOR_JSON_REAL: fprintf(to, "%.17g", value->real); return;
    case FLOOR_JSON_TEXT: write_string(to, value->text, value->n); return;
    case FLOOR_JSON_ARRAY:
    case FLOOR_JSON_OBJECT: break;
    }
    putc(object ? '{' : '[', to);
    for (const floor_json *item = value->first; item; item = item->next) {
        if (object) {
            write_string(to, item->key, strlen(item->key));
            putc(':', to);
        }
        floor_json_write(to, item);
        if (item->next)
            putc(',', to);
    }
    putc(object ? '}' : ']', to);
}
