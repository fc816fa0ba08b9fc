/* SPDX-License-Identifier: MIT */
/* context: the state of one compile: failures, depth, names of sources, binds.
 *
 * Names: a source has its alias or its table's name. Where that name is taken
 * in the same scope, or in an enclosing one that is referred to from here, a
 * number is added, so that an inner table of the same name never catches an
 * outer reference. */
#include "emit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void oxy__fail(oxy__emit *e, oxy_rc rc, const char *fmt, ...)
{
    char text[512];
    va_list args;

    if (e->rc != OXY_OK)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    e->rc = oxy_err_set(e->err, rc, "%s", text);
}

void oxy__lacks(oxy__emit *e, const char *what)
{
    oxy__fail(e, OXY_NOT_SUPPORTED, "%s does not support %s", e->d->name, what);
}

bool oxy__enter(oxy__emit *e)
{
    if (e->rc != OXY_OK || e->out->rc != OXY_OK)
        return false;
    if (e->depth >= OXY_MAX_DEPTH) {
        oxy__fail(e, OXY_VALUE, "the query is nested deeper than %d levels", OXY_MAX_DEPTH);
        return false;
    }
    e->depth++;
    return true;
}

void oxy__leave(oxy__emit *e)
{
    e->depth--;
}

/* --- names ----------------------------------------------------------------------- */

static oxy_sv own_name(const oxy_source *s)
{
    if (s->alias.len != 0)
        return s->alias;
    return s->table != NULL ? s->table->name : s->cte;
}

static oxy__look look_for_source(const oxy_expr *x, const void *arg)
{
    if (x->kind == OXY_E_COLUMN)
        return x->column.source == arg ? OXY__FOUND : OXY__SKIP;
    if (x->kind == OXY_E_NAMED)
        return x->named.source == arg ? OXY__FOUND : OXY__SKIP;
    return OXY__GO_ON;
}

/* Whether a source of this scope before position n has the name, or one of an
 * outer scope that this one refers to. */
static bool name_taken(const oxy__emit *e, const oxy__scope *scope, uint32_t n, oxy_sv name)
{
    for (uint32_t i = 0; i < n; i++)
        if (oxy_sv_eq(e->names[scope->sources[i]->id], name))
            return true;
    for (const oxy__scope *outer = scope->outer; outer != NULL; outer = outer->outer)
        for (uint32_t i = 0; i < outer->n_sources; i++)
            if (oxy_sv_eq(e->names[outer->sources[i]->id], name) &&
                (scope->select == NULL || oxy__find_in_select(scope->select, look_for_source, outer->sources[i])))
                return true;
    return false;
}

static oxy_sv free_name(oxy__emit *e, const oxy__scope *scope, uint32_t n, oxy_sv name)
{
    oxy_sv made = name;

    for (uint32_t i = 2; name_taken(e, scope, n, made); i++) {
        size_t cap = name.len + 12;
        char *p = oxy_arena_new(e->arena, cap);

        if (p == NULL) {
            oxy__fail(e, OXY_NOMEM, "out of memory");
            return name;
        }
        made = (oxy_sv){p, (size_t)snprintf(p, cap, "%.*s_%u", OXY_SV_ARG(name), i)};
    }
    return made;
}

void oxy__scope_open(oxy__emit *e, oxy__scope *scope)
{
    scope->outer = e->scope;
    scope->level = e->scope == NULL ? 1 : e->scope->level + 1;
    for (uint32_t i = 0; i < scope->n_sources; i++) {
        const oxy_source *s = scope->sources[i];

        if (s->id >= e->b->n_sources) {
            oxy__fail(e, OXY_INTERNAL, "a source of another query");
            scope->n_sources = i;
            break;
        }
        e->names[s->id] = free_name(e, scope, i, own_name(s));
        e->levels[s->id] = scope->level;
    }
    e->scope = scope;
}

void oxy__scope_close(oxy__emit *e)
{
    oxy__scope *scope = e->scope;

    for (uint32_t i = 0; i < scope->n_sources; i++)
        e->levels[scope->sources[i]->id] = 0;
    e->scope = scope->outer;
}

/* --- binds ------------------------------------------------------------------------- */

static bool binds_grow(oxy__emit *e)
{
    uint32_t cap = e->cap_binds < 16 ? 16 : e->cap_binds * 2;
    oxy_bind *grown = oxy_arena_new(e->arena, cap * sizeof *grown);

    if (grown == NULL) {
        oxy__fail(e, OXY_NOMEM, "out of memory");
        return false;
    }
    if (e->n_binds != 0)
        memcpy(grown, e->binds, e->n_binds * sizeof *grown);
    e->binds = grown;
    e->cap_binds = cap;
    return true;
}

/* A numbered dialect names a value twice by its number: PostgreSQL takes two
 * expressions for equal only if they name the same parameter. */
static uint32_t bind_find(const oxy__emit *e, uint32_t param, oxy_bind_how how, const oxy_type *type)
{
    uint32_t at = e->numbers[param];

    for (uint32_t i = at == 0 ? e->n_binds : at - 1; i < e->n_binds; i++)
        if (e->binds[i].param == param && e->binds[i].how == how && e->binds[i].type.kind == type->kind)
            return i + 1;
    return 0;
}

void oxy__put_bind(oxy__emit *e, uint32_t param, oxy_bind_how how, const oxy_type *type)
{
    uint32_t number = 0;

    if (param >= e->b->n_params) {
        oxy__fail(e, OXY_INTERNAL, "a value of another query");
        return;
    }
    if (e->d->numbered)
        number = bind_find(e, param, how, type);
    if (number == 0) {
        if (e->n_binds == e->cap_binds && !binds_grow(e))
            return;
        e->binds[e->n_binds] = (oxy_bind){.param = param, .n = 1, .how = how, .type = *type};
        e->binds[e->n_binds].type.nullable = true;
        number = ++e->n_binds;
        if (e->d->numbered && e->numbers[param] == 0)
            e->numbers[param] = number;
    }
    if (!e->d->numbered) {
        OXY__PUTC(e, '?');
        return;
    }
    OXY__PUTC(e, '$');
    oxy_buf_putu(e->out, number);
}

static void put_enum_cast(oxy__emit *e, const oxy_type *t)
{
    oxy_kind kind = t->kind == OXY_K_ARRAY ? t->elem : t->kind;

    if (!e->d->enum_cast || kind != OXY_K_ENUM || t->name.len == 0 || t->db_type.len != 0)
        return;
    OXY__PUT(e, "::");
    e->d->type_name(e, t);
}

void oxy__put_param(oxy__emit *e, const oxy_expr *x, oxy_bind_how how)
{
    static const oxy_type text = {.kind = OXY_K_TEXT};
    bool plain = how == OXY_BIND_PLAIN || x->type.kind == OXY_K_STRING;

    oxy__put_bind(e, x->param.index, how, plain ? &x->type : &text);
    if (how == OXY_BIND_PLAIN)
        put_enum_cast(e, &x->type);
}

void oxy__put_array(oxy__emit *e, const oxy_expr *params)
{
    oxy_type type = params->type;

    type.elem = type.kind;
    type.kind = OXY_K_ARRAY;
    type.ndim = 1;
    oxy__put_bind(e, params->params.first, OXY_BIND_ARRAY, &type);
    put_enum_cast(e, &type);
}
