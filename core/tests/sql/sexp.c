/* SPDX-License-Identifier: MIT */
/* sexp: parses the notation of golden cases into lists, symbols and literals. */
#include "sexp.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 64, MAX_DEPTH = 60 };

struct parser {
    oxy_arena *arena;
    const char *p, *end;
    int depth;
};

static bool fail(const struct parser *in, const char *what)
{
    (void)fprintf(stderr, "golden: %s before '%.40s'\n", what, in->p);
    return false;
}

static void skip_blank(struct parser *in)
{
    while (in->p < in->end && isspace((unsigned char)*in->p))
        in->p++;
}

static bool parse_text(struct parser *in, sexp *out)
{
    char *copy = oxy_arena_new(in->arena, (size_t)(in->end - in->p));
    size_t n = 0;

    for (in->p++; in->p < in->end && *in->p != '"'; in->p++) {
        if (*in->p == '\\' && in->p + 1 < in->end)
            in->p++;
        copy[n++] = *in->p;
    }
    if (in->p == in->end)
        return fail(in, "a text without its end");
    in->p++;
    *out = (sexp){.kind = SEXP_TEXT, .text = {copy, n}};
    return true;
}

static bool parse_atom(struct parser *in, sexp *out)
{
    const char *start = in->p;
    char number[64], *rest;

    while (in->p < in->end && !isspace((unsigned char)*in->p) && *in->p != '(' && *in->p != ')')
        in->p++;
    *out = (sexp){.kind = SEXP_SYMBOL, .text = {start, (size_t)(in->p - start)}};
    if (out->text.len >= sizeof number || !(isdigit((unsigned char)*start) || (*start == '-' && out->text.len > 1)))
        return true;
    memcpy(number, start, out->text.len);
    number[out->text.len] = '\0';
    out->i = strtoll(number, &rest, 10);
    if (*rest == '\0') {
        out->kind = SEXP_INT;
        return true;
    }
    out->d = strtod(number, &rest);
    if (*rest == '\0')
        out->kind = SEXP_DOUBLE;
    return true;
}

static bool parse_form(struct parser *in, sexp *out);

static bool parse_list(struct parser *in, sexp *out)
{
    sexp items[MAX_ITEMS], *copy;
    uint32_t n = 0;

    in->p++;
    for (skip_blank(in); in->p < in->end && *in->p != ')'; skip_blank(in)) {
        if (n == MAX_ITEMS)
            return fail(in, "too many items");
        if (!parse_form(in, &items[n++]))
            return false;
    }
    if (in->p == in->end)
        return fail(in, "a list without its end");
    in->p++;
    copy = oxy_arena_new(in->arena, n * sizeof *copy);
    memcpy(copy, items, n * sizeof *copy);
    *out = (sexp){.kind = SEXP_LIST, .items = copy, .n = n};
    return true;
}

static bool parse_form(struct parser *in, sexp *out)
{
    bool ok;

    skip_blank(in);
    if (in->p == in->end)
        return fail(in, "nothing");
    if (++in->depth > MAX_DEPTH)
        return fail(in, "too deep");
    if (*in->p == '(')
        ok = parse_list(in, out);
    else
        ok = *in->p == '"' ? parse_text(in, out) : parse_atom(in, out);
    in->depth--;
    return ok;
}

bool sexp_parse(oxy_arena *arena, oxy_sv text, sexp *out)
{
    struct parser in = {.arena = arena, .p = text.p, .end = text.p + text.len};

    if (!parse_form(&in, out))
        return false;
    skip_blank(&in);
    return in.p == in.end || fail(&in, "something left over");
}

bool sexp_is(const sexp *x, const char *symbol)
{
    return x->kind == SEXP_SYMBOL && x->text.len == strlen(symbol) && memcmp(x->text.p, symbol, x->text.len) == 0;
}

bool sexp_form(const sexp *x, const char *symbol)
{
    return x->kind == SEXP_LIST && x->n != 0 && sexp_is(&x->items[0], symbol);
}
