/* SPDX-License-Identifier: MIT */
/* builder: the arena that a tree lives in, its values and its sources. */
#include "query.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static_assert(OXY_MAX_PARAMS < UINT32_MAX / 2, "counts of parameters fit");

enum { ARENA_LIMIT = 1 << 30, LIST_FIRST = 4 };

void oxy_builder_init(oxy_builder *b, const oxy_alloc *alloc)
{
    memset(b, 0, sizeof *b);
    oxy_arena_init(&b->arena, alloc, ARENA_LIMIT);
    b->array_from = OXY_IN_ARRAY_FROM;
}

void oxy_builder_reset(oxy_builder *b)
{
    oxy_arena_reset(&b->arena);
    b->n_params = b->n_sources = 0;
    b->err.rc = OXY_OK;
    b->err.message[0] = '\0';
}

void oxy_builder_fini(oxy_builder *b)
{
    oxy_alloc_free(b->arena.alloc, b->params);
    oxy_alloc_free(b->arena.alloc, b->param_types);
    b->params = NULL;
    b->param_types = NULL;
    b->n_params = b->cap_params = 0;
    oxy_arena_fini(&b->arena);
}

void *oxy__build_fail(oxy_builder *b, oxy_rc rc, const char *fmt, ...)
{
    char text[256];
    va_list args;

    if (b->err.rc != OXY_OK)
        return NULL;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)oxy_err_set(&b->err, rc, "%s", text);
    return NULL;
}

static void *out_of_memory(oxy_builder *b)
{
    return oxy__build_fail(b, OXY_NOMEM, "out of memory");
}

oxy_expr *oxy__node_new(oxy_builder *b, oxy_expr_kind kind, uint32_t depth)
{
    static const oxy_type unknown = {.kind = OXY_K_UNKNOWN};
    oxy__node *node;

    if (b->err.rc != OXY_OK)
        return NULL;
    if (depth >= OXY_MAX_DEPTH)
        return oxy__build_fail(b, OXY_VALUE, "the query is nested deeper than %d levels", OXY_MAX_DEPTH);
    node = oxy_arena_new(&b->arena, sizeof *node);
    if (node == NULL)
        return out_of_memory(b);
    node->depth = depth + 1;
    node->expr.kind = kind;
    node->expr.type = unknown;
    return &node->expr;
}

bool oxy__list_copy(oxy_builder *b, const oxy_expr *const *items, uint32_t n, oxy_list *out, uint32_t *depth)
{
    const oxy_expr **copy;

    *out = (oxy_list){0};
    if (b->err.rc != OXY_OK)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t d;

        if (items[i] == NULL) {
            (void)oxy__build_fail(b, OXY_INTERNAL, "an expression is missing from a list");
            return false;
        }
        d = oxy__depth(items[i]);
        if (d > *depth)
            *depth = d;
    }
    copy = oxy_arena_new(&b->arena, n * sizeof(const oxy_expr *));
    if (copy == NULL) {
        (void)out_of_memory(b);
        return false;
    }
    if (n != 0)
        memcpy(copy, items, n * sizeof(const oxy_expr *));
    *out = (oxy_list){copy, n};
    return true;
}

oxy_sv oxy__text_copy(oxy_builder *b, oxy_sv text)
{
    char *p;

    if (text.len == 0 || b->err.rc != OXY_OK)
        return (oxy_sv){0};
    p = oxy_arena_copy(&b->arena, text.p, text.len);
    if (p == NULL) {
        (void)out_of_memory(b);
        return (oxy_sv){0};
    }
    return (oxy_sv){p, text.len};
}

void *oxy_builder_append(oxy_builder *b, void *items, uint32_t *n, size_t item_size, const void *item)
{
    uint32_t count = *n;
    void *grown = items;

    if (b->err.rc != OXY_OK)
        return NULL;
    /* Full when the count is a power of two from LIST_FIRST on: the capacity
     * needs no place of its own. */
    if (count == 0 || (count >= LIST_FIRST && (count & (count - 1)) == 0)) {
        grown = oxy_arena_new(&b->arena, (count == 0 ? LIST_FIRST : (size_t)count * 2) * item_size);
        if (grown == NULL)
            return out_of_memory(b);
        if (count != 0)
            memcpy(grown, items, count * item_size);
    }
    memcpy((char *)grown + count * item_size, item, item_size);
    *n = count + 1;
    return grown;
}

/* --- values ------------------------------------------------------------------ */

static bool params_reserve(oxy_builder *b, uint32_t more)
{
    const oxy_alloc *alloc = b->arena.alloc;
    uint32_t cap;
    oxy_value *params;
    oxy_type *types;

    if (b->err.rc != OXY_OK)
        return false;
    if (more > OXY_MAX_PARAMS || b->n_params > OXY_MAX_PARAMS - more) {
        (void)oxy__build_fail(b, OXY_VALUE, "a statement takes at most %d values", OXY_MAX_PARAMS);
        return false;
    }
    if (b->n_params + more <= b->cap_params)
        return true;
    cap = b->cap_params < 16 ? 16 : b->cap_params;
    while (cap < b->n_params + more)
        cap *= 2;
    params = oxy_alloc_resize(alloc, b->params, cap * sizeof *params);
    if (params != NULL)
        b->params = params;
    types = params == NULL ? NULL : oxy_alloc_resize(alloc, b->param_types, cap * sizeof *types);
    if (types == NULL) {
        (void)out_of_memory(b);
        return false;
    }
    b->param_types = types;
    b->cap_params = cap;
    return true;
}

static oxy_type type_or_unknown(const oxy_type *type)
{
    return type != NULL ? *type : oxy__type_of(OXY_K_UNKNOWN, true);
}

static void params_push(oxy_builder *b, const oxy_value *value, const oxy_type *type)
{
    b->params[b->n_params] = *value;
    b->param_types[b->n_params] = *type;
    b->n_params++;
}

const oxy_expr *oxy_param(oxy_builder *b, const oxy_value *value, const oxy_type *type)
{
    oxy_expr *e;

    if (!params_reserve(b, 1))
        return NULL;
    e = oxy__node_new(b, OXY_E_PARAM, 0);
    if (e == NULL)
        return NULL;
    e->type = type_or_unknown(type);
    e->type.nullable = value->tag == OXY_V_NULL;
    e->param.index = b->n_params;
    params_push(b, value, &e->type);
    return e;
}

/* Kinds whose items must be compared one by one: no array form holds them. */
static bool listed_singly(oxy_kind kind)
{
    return kind == OXY_K_JSON || kind == OXY_K_JSONB || kind == OXY_K_ARRAY || kind == OXY_K_UNKNOWN;
}

static uint32_t array_from(const oxy_builder *b, oxy_kind kind)
{
    if (listed_singly(kind))
        return UINT32_MAX;
    /* JSON readers may lose the last bit of a double, so only lists that would not
     * fit into a statement otherwise. Who asks for short arrays has real ones. */
    return kind == OXY_K_DOUBLE && b->array_from >= OXY_IN_ARRAY_FROM ? OXY_IN_SINGLY_MOST : b->array_from;
}

/* Several such lists must still fit into a statement together. */
#define SINGLY_TOGETHER 60000

static bool travels_as_array(const oxy_builder *b, uint32_t n, oxy_kind kind)
{
    if (n >= array_from(b, kind))
        return true;
    return n >= OXY_IN_ARRAY_FROM && !listed_singly(kind) && b->n_params > SINGLY_TOGETHER - OXY_IN_SINGLY_MOST;
}

static uint32_t filled_up(const oxy_builder *b, uint32_t n)
{
    uint32_t size = 128;

    if (b->array_from <= OXY_IN_ARRAY_FROM || n < OXY_IN_ARRAY_FROM || n >= OXY_IN_SINGLY_MOST)
        return n;
    while (size < n)
        size *= 2;
    return size < OXY_IN_SINGLY_MOST ? size : OXY_IN_SINGLY_MOST;
}

static bool array_push(oxy_builder *b, const oxy_value *values, uint32_t n, const oxy_type *type)
{
    oxy_value *items = oxy_arena_new(&b->arena, n * sizeof *items);
    oxy_array *array = items == NULL ? NULL : oxy_arena_new(&b->arena, sizeof *array);
    oxy_value value = {.tag = OXY_V_ARRAY, .array = array};

    if (array == NULL) {
        (void)out_of_memory(b);
        return false;
    }
    memcpy(items, values, n * sizeof *items);
    *array = (oxy_array){.elem = type->kind, .n = n, .items = items};
    params_push(b, &value, type);
    return true;
}

const oxy_expr *oxy_params(oxy_builder *b, const oxy_value *values, uint32_t n, const oxy_type *type)
{
    oxy_type as = type_or_unknown(type);
    bool array = travels_as_array(b, n, as.kind);
    uint32_t size = array ? 1 : filled_up(b, n);
    oxy_expr *e;

    as.nullable = false;
    if (!params_reserve(b, size))
        return NULL;
    e = oxy__node_new(b, OXY_E_PARAMS, 0);
    if (e == NULL)
        return NULL;
    e->type = as;
    e->params.first = b->n_params;
    e->params.n = array ? 0 : size;
    if (array)
        return array_push(b, values, n, &as) ? e : NULL;
    for (uint32_t i = 0; i < size; i++)
        params_push(b, &values[i < n ? i : n - 1], &as);
    return e;
}

/* --- sources -------------------------------------------------------------------- */

static oxy_source *source_new(oxy_builder *b, oxy_sv alias)
{
    oxy_source *s;

    if (b->err.rc != OXY_OK)
        return NULL;
    s = oxy_arena_zero(&b->arena, 1, sizeof *s);
    if (s == NULL)
        return out_of_memory(b);
    s->alias = oxy__text_copy(b, alias);
    if (b->err.rc != OXY_OK)
        return NULL;
    s->id = b->n_sources++;
    return s;
}

oxy_source *oxy_source_table(oxy_builder *b, const oxy_table *table, oxy_sv alias)
{
    oxy_source *s = source_new(b, alias);

    if (s != NULL)
        s->table = table;
    return s;
}

oxy_source *oxy_source_select(oxy_builder *b, const oxy_select *select, oxy_sv alias)
{
    oxy_source *s;

    if (alias.len == 0)
        return oxy__build_fail(b, OXY_VALUE, "a subselect needs an alias");
    if (oxy__select_depth(select) >= OXY_MAX_DEPTH)
        return oxy__build_fail(b, OXY_VALUE, "the query is nested deeper than %d levels", OXY_MAX_DEPTH);
    s = source_new(b, alias);
    if (s != NULL)
        s->select = select;
    return s;
}

oxy_source *oxy_source_cte(oxy_builder *b, oxy_sv name, oxy_sv alias)
{
    oxy_source *s;

    if (name.len == 0)
        return oxy__build_fail(b, OXY_VALUE, "a common table expression needs a name");
    s = source_new(b, alias);
    if (s == NULL)
        return NULL;
    s->cte = oxy__text_copy(b, name);
    return b->err.rc == OXY_OK ? s : NULL;
}

/* --- depth of selects --------------------------------------------------------------- */

static void deepen(uint32_t *depth, const oxy_expr *e)
{
    if (e != NULL && oxy__depth(e) > *depth)
        *depth = oxy__depth(e);
}

static void deepen_list(uint32_t *depth, const oxy_list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        deepen(depth, list->items[i]);
}

static uint32_t select_depth(const oxy_select *s, uint32_t level);

static void deepen_to(uint32_t *depth, uint32_t d)
{
    if (d > *depth)
        *depth = d;
}

static void deepen_source(uint32_t *depth, const oxy_source *s, uint32_t level)
{
    if (s != NULL && s->select != NULL)
        deepen_to(depth, select_depth(s->select, level + 1));
}

static uint32_t select_depth(const oxy_select *s, uint32_t level)
{
    uint32_t depth = 0, i;

    if (level > OXY_MAX_DEPTH)
        return OXY_MAX_DEPTH;
    for (i = 0; i < s->n_items; i++)
        deepen(&depth, s->items[i].expr);
    deepen_source(&depth, s->from, level);
    for (i = 0; i < s->n_joins; i++) {
        deepen_source(&depth, s->joins[i].source, level);
        deepen(&depth, s->joins[i].on);
    }
    deepen(&depth, s->where);
    deepen(&depth, s->having);
    deepen_list(&depth, &s->distinct_on);
    deepen_list(&depth, &s->group_by);
    for (i = 0; i < s->order.n; i++)
        deepen(&depth, s->order.items[i].expr);
    for (i = 0; i < s->n_operands; i++)
        deepen_to(&depth, select_depth(s->operands[i].select, level + 1));
    for (i = 0; i < s->n_ctes; i++) {
        deepen_to(&depth, select_depth(s->ctes[i].select, level + 1));
        if (s->ctes[i].step != NULL)
            deepen_to(&depth, select_depth(s->ctes[i].step, level + 1));
    }
    return depth + 1;
}

uint32_t oxy__select_depth(const oxy_select *s)
{
    return select_depth(s, 0);
}
