/* SPDX-License-Identifier: MIT */
/* bind: values on their way from the tree to the wire. */
#include "emit.h"

#include <string.h>

/* How a text becomes a pattern. */
static const struct pattern {
    const char *before, *after;
    const char *special;   /* characters that need help */
    char help, help_after; /* what goes before each of them, and after (0: nothing) */
} patterns[] = {
    [OXY_BIND_PLAIN] = {"", "", "", 0, 0},
    [OXY_BIND_LIKE_CONTAINS] = {"%", "%", "\\%_", '\\', 0},
    [OXY_BIND_LIKE_STARTSWITH] = {"", "%", "\\%_", '\\', 0},
    [OXY_BIND_LIKE_ENDSWITH] = {"%", "", "\\%_", '\\', 0},
    [OXY_BIND_GLOB_CONTAINS] = {"*", "*", "*?[", '[', ']'},
    [OXY_BIND_GLOB_STARTSWITH] = {"", "*", "*?[", '[', ']'},
    [OXY_BIND_GLOB_ENDSWITH] = {"*", "", "*?[", '[', ']'},
    [OXY_BIND_ARRAY] = {"", "", "", 0, 0},
    [OXY_BIND_REGEX_CASE] = {"(?-i)", "", "", 0, 0},
    [OXY_BIND_REGEX_FOLD] = {"(?i)", "", "", 0, 0},
};
static_assert(OXY_COUNT(patterns) == OXY_BIND_REGEX_FOLD + 1, "one row per way to bind");

static oxy_rc bind_pattern(const struct pattern *how, oxy_sv text, oxy_arena *scratch, oxy_sv *out)
{
    size_t before = strlen(how->before), after = strlen(how->after);
    char *p, *start;

    if (text.len > (SIZE_MAX - 16) / 3)
        return OXY_NOMEM;
    start = p = oxy_arena_new(scratch, before + after + text.len * 3 + 1);
    if (p == NULL)
        return OXY_NOMEM;
    memcpy(p, how->before, before);
    p += before;
    for (size_t i = 0; i < text.len; i++) {
        bool special = text.p[i] != '\0' && strchr(how->special, text.p[i]) != NULL;

        if (special)
            *p++ = how->help;
        *p++ = text.p[i];
        if (special && how->help_after != 0)
            *p++ = how->help_after;
    }
    memcpy(p, how->after, after);
    p += after;
    *out = (oxy_sv){start, (size_t)(p - start)};
    return OXY_OK;
}

/* A long list is one value that is an array already; shorter ones gather here. */
static oxy_rc bind_array(const oxy_bind *bind, const oxy_value *values, oxy_arena *scratch, oxy_value *out)
{
    oxy_array *array;

    if (bind->n == 1 && values->tag == OXY_V_ARRAY) {
        *out = *values;
        return OXY_OK;
    }
    array = oxy_arena_new(scratch, sizeof *array);
    if (array == NULL)
        return OXY_NOMEM;
    *array = (oxy_array){.elem = bind->type.elem, .n = bind->n, .items = values};
    *out = (oxy_value){.tag = OXY_V_ARRAY, .array = array};
    return OXY_OK;
}

oxy_rc oxy_bind_value(const oxy_bind *bind, const oxy_value *params, oxy_arena *scratch, oxy_value *out, oxy_err *err)
{
    const oxy_value *v = &params[bind->param];
    oxy_rc rc;

    if (bind->how == OXY_BIND_PLAIN || v->tag == OXY_V_NULL) {
        *out = *v;
        return OXY_OK;
    }
    if (bind->how == OXY_BIND_ARRAY) {
        rc = bind_array(bind, v, scratch, out);
    } else if (v->tag != OXY_V_TEXT) {
        return oxy_err_set(err, OXY_TYPE, "a pattern must be text");
    } else {
        *out = (oxy_value){.tag = OXY_V_TEXT};
        rc = bind_pattern(&patterns[bind->how], v->s, scratch, &out->s);
    }
    return rc == OXY_OK ? OXY_OK : oxy_err_set(err, rc, "out of memory");
}
