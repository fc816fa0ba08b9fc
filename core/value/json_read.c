/* SPDX-License-Identifier: MIT */
/* json_read: the JSON text of a list, as an array of typed values.
 *
 * Every element becomes a cell (numbers as text, so that no digit is lost) and
 * goes through the same decode table as a column of the element's kind. That
 * keeps one set of rules for what a kind accepts. */
#include "text.h"

#include <string.h>

/* A list of more elements is refused, whatever memory there is. */
#define ITEMS_MAX 10000000

struct reader {
    const char *p, *end;
    const oxy_type *want;
    oxy_type elem; /* what an element is decoded as */
    const oxy_decode_fn *decode;
    oxy_arena *scratch;
    const char *reason;
};

static oxy_rc bad(struct reader *r, const char *reason)
{
    r->reason = reason;
    return OXY_DATA;
}

static oxy_rc no_memory(struct reader *r)
{
    r->reason = NULL;
    return OXY_NOMEM;
}

static void skip_space(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static bool at(const struct reader *r, char c)
{
    return r->p < r->end && *r->p == c;
}

static bool take_word(struct reader *r, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0)
        return false;
    r->p += len;
    return true;
}

static bool take_digits(struct reader *r)
{
    const char *start = r->p;

    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return r->p > start;
}

/* A number as JSON spells it. */
static oxy_rc read_number(struct reader *r, oxy_sv *out)
{
    const char *start = r->p;

    if (at(r, '-'))
        r->p++;
    if (at(r, '0'))
        r->p++;
    else if (!take_digits(r))
        return bad(r, "the text is not JSON");
    if (at(r, '.')) {
        r->p++;
        if (!take_digits(r))
            return bad(r, "the text is not JSON");
    }
    if (at(r, 'e') || at(r, 'E')) {
        r->p++;
        if (at(r, '+') || at(r, '-'))
            r->p++;
        if (!take_digits(r))
            return bad(r, "the text is not JSON");
    }
    *out = (oxy_sv){start, (size_t)(r->p - start)};
    return OXY_OK;
}

/* Finds the closing quote; r->p stands behind the opening one. */
static oxy_rc scan_string(struct reader *r, oxy_sv *raw, bool *escaped)
{
    const char *start = r->p;

    *escaped = false;
    for (; r->p < r->end && *r->p != '"'; r->p++) {
        if ((unsigned char)*r->p < 0x20)
            return bad(r, "the text is not JSON");
        if (*r->p == '\\') {
            *escaped = true;
            if (++r->p == r->end)
                break;
        }
    }
    if (r->p >= r->end)
        return bad(r, "the text is not JSON");
    *raw = (oxy_sv){start, (size_t)(r->p - start)};
    r->p++;
    return OXY_OK;
}

/* Text without escapes is borrowed from the cell; a decoded one is shorter than
 * its source, so one piece of that length holds it. */
static oxy_rc read_string(struct reader *r, oxy_sv *out)
{
    char *text, *end;
    bool escaped;
    oxy_rc rc;

    r->p++;
    rc = scan_string(r, out, &escaped);
    if (rc != OXY_OK || !escaped)
        return rc;
    text = oxy_arena_new(r->scratch, out->len);
    if (text == NULL)
        return no_memory(r);
    end = oxy_json_text(out->p, out->p + out->len, text);
    if (end == NULL)
        return bad(r, "the text is not JSON");
    *out = (oxy_sv){text, (size_t)(end - text)};
    return OXY_OK;
}

/* Steps over one value of any form, checking its grammar. */
static oxy_rc skip_value(struct reader *r, int depth)
{
    const char *p;
    bool escaped, object;
    oxy_sv ignored = {NULL, 0};
    oxy_rc rc;
    char character[4];

    if (depth >= OXY__JSON_DEPTH)
        return bad(r, "the JSON is nested too deep");
    if (at(r, '"')) {
        r->p++;
        rc = scan_string(r, &ignored, &escaped);
        for (p = ignored.p; rc == OXY_OK && escaped && p < ignored.p + ignored.len;) {
            if (*p++ == '\\' && oxy_json_unescape(&p, ignored.p + ignored.len, character) == NULL)
                rc = bad(r, "the text is not JSON");
        }
        return rc;
    }
    if (take_word(r, "null") || take_word(r, "true") || take_word(r, "false"))
        return OXY_OK;
    if (!at(r, '[') && !at(r, '{'))
        return read_number(r, &ignored);
    object = *r->p++ == '{';
    skip_space(r);
    if (at(r, object ? '}' : ']')) {
        r->p++;
        return OXY_OK;
    }
    for (;;) {
        if (object) {
            if (!at(r, '"'))
                return bad(r, "the text is not JSON");
            rc = skip_value(r, depth + 1);
            if (rc != OXY_OK)
                return rc;
            skip_space(r);
            if (!at(r, ':'))
                return bad(r, "the text is not JSON");
            r->p++;
            skip_space(r);
        }
        rc = skip_value(r, depth + 1);
        if (rc != OXY_OK)
            return rc;
        skip_space(r);
        if (at(r, object ? '}' : ']')) {
            r->p++;
            return OXY_OK;
        }
        if (!at(r, ','))
            return bad(r, "the text is not JSON");
        r->p++;
        skip_space(r);
    }
}

/* Letters of both Base64 alphabets, padding optional. */
static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static oxy_rc read_base64(struct reader *r, oxy_sv text, oxy_value *out)
{
    size_t len = text.len, i;
    uint32_t bits = 0;
    char *bytes, *q;

    while (len > 0 && text.len - len < 2 && text.p[len - 1] == '=')
        len--;
    if (len % 4 == 1 || (len != text.len && text.len % 4 != 0))
        return bad(r, "an element is not Base64");
    bytes = q = oxy_arena_new(r->scratch, len / 4 * 3 + 3);
    if (bytes == NULL)
        return no_memory(r);
    for (i = 0; i < len; i++) {
        int digit = base64_digit(text.p[i]);

        if (digit < 0)
            return bad(r, "an element is not Base64");
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 != 0)
            *q++ = (char)(bits >> (6 - 2 * (i % 4)) & 0xFF);
    }
    *out = (oxy_value){.tag = OXY_V_BLOB, .s = {bytes, (size_t)(q - bytes)}};
    return OXY_OK;
}

/* One element, not a list and not null. */
static oxy_rc read_leaf(struct reader *r, int depth, oxy_value *out)
{
    oxy_cell cell = {.tag = OXY_C_TEXT};
    const char *start = r->p;
    oxy_sv text = {start, 0};
    bool json = r->elem.kind == OXY_K_JSON || r->elem.kind == OXY_K_JSONB;
    oxy_rc rc;

    if (json || at(r, '{') || at(r, '[')) {
        if (!json && r->elem.kind != OXY_K_UNKNOWN)
            return bad(r, "an element is not a plain value");
        rc = skip_value(r, depth);
        *out = (oxy_value){.tag = OXY_V_JSON, .s = {start, (size_t)(r->p - start)}};
        return rc;
    }
    if (at(r, 't') || at(r, 'f')) {
        bool yes = take_word(r, "true");

        if (!yes && !take_word(r, "false"))
            return bad(r, "the text is not JSON");
        if (r->elem.kind != OXY_K_BOOL && r->elem.kind != OXY_K_UNKNOWN)
            return bad(r, "an element is a boolean");
        *out = (oxy_value){.tag = OXY_V_BOOL, .i = yes};
        return OXY_OK;
    }
    if (at(r, '"')) {
        rc = read_string(r, &text);
        if (rc == OXY_OK && r->elem.kind == OXY_K_BLOB)
            return read_base64(r, text, out);
    } else {
        rc = read_number(r, &text);
        if (rc == OXY_OK && r->elem.kind == OXY_K_BLOB)
            return bad(r, "an element is a number");
    }
    if (rc != OXY_OK)
        return rc;
    if (text.len > UINT32_MAX)
        return bad(r, "an element is too long");
    cell.p = text.p;
    cell.len = (uint32_t)text.len;
    if (r->elem.kind == OXY_K_UNKNOWN && text.p == start) { /* a number */
        bool whole = memchr(text.p, '.', text.len) == NULL && memchr(text.p, 'e', text.len) == NULL &&
                     memchr(text.p, 'E', text.len) == NULL;

        rc = r->decode[whole ? OXY_K_INT : OXY_K_DOUBLE](&cell, NULL, &r->elem, r->scratch, out, NULL);
    } else {
        rc = r->decode[r->elem.kind](&cell, NULL, &r->elem, r->scratch, out, NULL);
    }
    return rc == OXY_NOMEM ? no_memory(r) : rc == OXY_OK ? OXY_OK : bad(r, "an element has another type");
}

/* Appends to items, which grow in the arena by doubling. */
static bool append(struct reader *r, oxy_value **items, size_t *n, size_t *cap, const oxy_value *item)
{
    if (*n == *cap) {
        size_t more = *cap == 0 ? 8 : *cap * 2;
        oxy_value *grown = oxy_arena_new(r->scratch, more * sizeof *grown);

        if (grown == NULL)
            return false;
        if (*n != 0)
            memcpy(grown, *items, *n * sizeof *grown);
        *items = grown;
        *cap = more;
    }
    (*items)[(*n)++] = *item;
    return true;
}

/* A list at r->p. level is 1 for the outermost; elements stand in level ndim. */
static oxy_rc read_list(struct reader *r, unsigned level, oxy_value *out)
{
    oxy_array *array = oxy_arena_new(r->scratch, sizeof *array);
    oxy_value *items = NULL;
    size_t n = 0, cap = 0;
    oxy_rc rc;

    if (array == NULL)
        return no_memory(r);
    r->p++;
    skip_space(r);
    for (;;) {
        oxy_value item = {.tag = OXY_V_NULL};

        if (at(r, ']') && n == 0)
            break;
        if (take_word(r, "null")) {
            rc = OXY_OK;
        } else if (level < r->want->ndim) {
            if (!at(r, '['))
                return bad(r, "an element is not a list");
            rc = read_list(r, level + 1, &item);
        } else {
            rc = read_leaf(r, (int)level, &item);
        }
        if (rc != OXY_OK)
            return rc;
        if (n == ITEMS_MAX)
            return bad(r, "the list is too long");
        if (!append(r, &items, &n, &cap, &item))
            return no_memory(r);
        skip_space(r);
        if (at(r, ']'))
            break;
        if (!at(r, ','))
            return bad(r, "the text is not JSON");
        r->p++;
        skip_space(r);
    }
    r->p++;
    *array = (oxy_array){.elem = r->want->elem, .n = n, .items = items};
    *out = (oxy_value){.tag = OXY_V_ARRAY, .array = array};
    return OXY_OK;
}

oxy_rc oxy__json_read_array(oxy_sv text, const oxy_type *want, const oxy_decode_fn *decode, oxy_arena *scratch,
                            oxy_value *out, const char **reason)
{
    struct reader r = {.p = text.p, .end = text.p + text.len, .want = want, .decode = decode, .scratch = scratch};
    oxy_rc rc;

    r.elem = *want;
    r.elem.kind = want->elem == OXY_K_ARRAY ? OXY_K_UNKNOWN : want->elem;
    skip_space(&r);
    if (!at(&r, '[')) {
        rc = bad(&r, "the text is not a JSON list");
    } else {
        rc = read_list(&r, 1, out);
        skip_space(&r);
        if (rc == OXY_OK && r.p != r.end)
            rc = bad(&r, "the text is not JSON");
    }
    *reason = r.reason;
    return rc;
}
