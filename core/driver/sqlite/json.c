/* SPDX-License-Identifier: MIT */
/* Reading and comparing JSON documents; see json.h. */
#include "json.h"

#include <oxyde/value.h>

#include <stdlib.h>
#include <string.h>

struct reader {
    oxy_arena *arena;
    const char *p, *end;
    int depth;
    oxy_rc rc;
};

static oxy__json *fail(struct reader *r, oxy_rc rc)
{
    if (r->rc == OXY_OK)
        r->rc = rc;
    return NULL;
}

static void skip_space(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static bool take(struct reader *r, char ch)
{
    skip_space(r);
    if (r->p == r->end || *r->p != ch)
        return false;
    r->p++;
    return true;
}

static bool take_word(struct reader *r, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
        return false;
    r->p += n;
    return true;
}

static oxy__json *new_node(struct reader *r, oxy__json_type type)
{
    oxy__json *node = oxy_arena_zero(r->arena, 1, sizeof *node);

    if (!node)
        return fail(r, OXY_NOMEM);
    node->type = type;
    return node;
}

/* --- scalars ---------------------------------------------------------------------- */

static bool digits(struct reader *r)
{
    const char *start = r->p;

    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return r->p > start;
}

static oxy__json *read_number(struct reader *r)
{
    const char *start = r->p, *leading;
    oxy__json *node;

    if (r->p < r->end && *r->p == '-')
        r->p++;
    leading = r->p;
    if (!digits(r) || (*leading == '0' && r->p - leading > 1))
        return fail(r, OXY_DATA);
    if (r->p < r->end && *r->p == '.') {
        r->p++;
        if (!digits(r))
            return fail(r, OXY_DATA);
    }
    if (r->p < r->end && (*r->p | 0x20) == 'e') {
        r->p++;
        if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
            r->p++;
        if (!digits(r))
            return fail(r, OXY_DATA);
    }
    node = new_node(r, OXY__JSON_NUMBER);
    if (node) {
        node->text = (oxy_sv){start, (size_t)(r->p - start)};
        if (!oxy_decimal_parse(node->text.p, node->text.len))
            return fail(r, OXY_DATA);
    }
    return node;
}

/* At the character behind the opening quote. */
static bool read_string(struct reader *r, oxy_sv *out)
{
    const char *start = r->p, *p = start;
    bool escaped = false;
    char *copy, *end;

    for (; p < r->end && *p != '"'; p++) {
        if ((unsigned char)*p < 0x20)
            return fail(r, OXY_DATA);
        if (*p == '\\') {
            escaped = true;
            if (++p == r->end)
                break;
        }
    }
    if (p >= r->end)
        return fail(r, OXY_DATA);
    r->p = p + 1;
    *out = (oxy_sv){start, (size_t)(p - start)};
    if (!escaped)
        return true;
    copy = oxy_arena_new(r->arena, out->len);
    if (!copy)
        return fail(r, OXY_NOMEM);
    end = oxy_json_text(start, p, copy);
    if (!end)
        return fail(r, OXY_DATA);
    *out = (oxy_sv){copy, (size_t)(end - copy)};
    return true;
}

/* --- arrays and objects ---------------------------------------------------------------- */

static int compare_text(oxy_sv a, oxy_sv b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.p, b.p, n) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_members(const void *a, const void *b)
{
    const oxy__json *x = *(oxy__json *const *)a, *y = *(oxy__json *const *)b;
    int order = compare_text(x->key, y->key);

    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static oxy__json *gather(struct reader *r, oxy__json *node, oxy__json *first)
{
    uint32_t n = 0;

    node->items = oxy_arena_new(r->arena, node->n * sizeof(oxy__json *));
    if (!node->items)
        return fail(r, OXY_NOMEM);
    for (oxy__json *item = first; item; item = item->next)
        node->items[n++] = item;
    if (node->type == OXY__JSON_ARRAY || !n)
        return node;
    qsort(node->items, n, sizeof(oxy__json *), compare_members);
    node->n = 0;
    for (uint32_t i = 0; i < n; i++)
        if (i + 1 == n || compare_text(node->items[i]->key, node->items[i + 1]->key) != 0)
            node->items[node->n++] = node->items[i];
    return node;
}

static oxy__json *read_value(struct reader *r);

static oxy__json *read_many(struct reader *r, oxy__json_type type, char close)
{
    oxy__json *node = new_node(r, type), *first = NULL, **last = &first;

    if (!node)
        return NULL;
    if (take(r, close))
        return gather(r, node, NULL);
    do {
        oxy_sv key = {"", 0};
        oxy__json *item;

        if (type == OXY__JSON_OBJECT && (!take(r, '"') || !read_string(r, &key) || !take(r, ':')))
            return fail(r, OXY_DATA);
        item = read_value(r);
        if (!item)
            return NULL;
        item->key = key;
        item->at = node->n++;
        *last = item;
        last = &item->next;
    } while (take(r, ','));
    if (!take(r, close))
        return fail(r, OXY_DATA);
    return gather(r, node, first);
}

static oxy__json *read_value(struct reader *r)
{
    oxy__json *node = NULL;

    skip_space(r);
    if (r->p == r->end || ++r->depth > OXY__JSON_MAX_DEPTH)
        return fail(r, OXY_DATA);
    switch (*r->p) {
    case '{':
        r->p++;
        node = read_many(r, OXY__JSON_OBJECT, '}');
        break;
    case '[':
        r->p++;
        node = read_many(r, OXY__JSON_ARRAY, ']');
        break;
    case '"':
        r->p++;
        node = new_node(r, OXY__JSON_STRING);
        if (node && !read_string(r, &node->text))
            node = NULL;
        break;
    case 'n': node = take_word(r, "null") ? new_node(r, OXY__JSON_NULL) : fail(r, OXY_DATA); break;
    case 't': node = take_word(r, "true") ? new_node(r, OXY__JSON_TRUE) : fail(r, OXY_DATA); break;
    case 'f': node = take_word(r, "false") ? new_node(r, OXY__JSON_FALSE) : fail(r, OXY_DATA); break;
    default: node = read_number(r); break;
    }
    r->depth--;
    return node;
}

oxy_rc oxy__json_read(oxy_arena *arena, oxy_sv text, oxy__json **out)
{
    struct reader r = {.arena = arena, .p = text.p, .end = text.p + text.len};

    *out = read_value(&r);
    skip_space(&r);
    if (r.rc == OXY_OK && r.p < r.end)
        r.rc = OXY_DATA;
    return r.rc;
}

/* --- comparing --------------------------------------------------------------------------- */

bool oxy__json_equal(const oxy__json *a, const oxy__json *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case OXY__JSON_NUMBER: return oxy_decimal_compare(a->text, b->text) == 0;
    case OXY__JSON_STRING: return compare_text(a->text, b->text) == 0;
    case OXY__JSON_ARRAY:
    case OXY__JSON_OBJECT:
        if (a->n != b->n)
            return false;
        for (uint32_t i = 0; i < a->n; i++)
            if ((a->type == OXY__JSON_OBJECT && compare_text(a->items[i]->key, b->items[i]->key) != 0) ||
                !oxy__json_equal(a->items[i], b->items[i]))
                return false;
        return true;
    default: return true;
    }
}

static const oxy__json *member(const oxy__json *object, oxy_sv key)
{
    uint32_t low = 0, high = object->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_text(object->items[middle]->key, key);

        if (order == 0)
            return object->items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool holds(const oxy__json *a, const oxy__json *b);

static bool holds_item(const oxy__json *array, const oxy__json *wanted)
{
    for (uint32_t i = 0; i < array->n; i++)
        if (holds(array->items[i], wanted))
            return true;
    return false;
}

static bool holds(const oxy__json *a, const oxy__json *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == OXY__JSON_OBJECT) {
        for (uint32_t i = 0; i < b->n; i++) {
            const oxy__json *own = member(a, b->items[i]->key);

            if (!own || !holds(own, b->items[i]))
                return false;
        }
        return true;
    }
    if (a->type == OXY__JSON_ARRAY) {
        for (uint32_t i = 0; i < b->n; i++)
            if (!holds_item(a, b->items[i]))
                return false;
        return true;
    }
    return oxy__json_equal(a, b);
}

/* At the top, and only there, an array also contains a bare scalar. */
bool oxy__json_contains(const oxy__json *a, const oxy__json *b)
{
    if (a->type == OXY__JSON_ARRAY && b->type < OXY__JSON_ARRAY)
        return holds_item(a, b);
    return holds(a, b);
}
