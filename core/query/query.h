/* SPDX-License-Identifier: MIT */
/* What the files of the query room share: how a node is made, and the type
 * rules of the queries document, 7.2. */
#ifndef OXY_QUERY_QUERY_H
#define OXY_QUERY_QUERY_H

#include <oxyde/query.h>

#include <assert.h>

/* A node as it lies in the arena. Every oxy_expr that the builder hands out is
 * the last member of one, so depth is found from the expression. */
typedef struct oxy__node {
    uint32_t depth; /* 1 for a leaf */
    oxy_expr expr;
} oxy__node;

static inline uint32_t oxy__depth(const oxy_expr *e)
{
    return ((const oxy__node *)(const void *)((const char *)e - offsetof(oxy__node, expr)))->depth;
}

/* Records the first failure and returns NULL. */
void *oxy__build_fail(oxy_builder *b, oxy_rc rc, const char *fmt, ...) OXY_PRINTF(3, 4);

/* A node whose deepest child has `depth`; NULL after any failure. The union is
 * not cleared beyond what the caller sets. */
oxy_expr *oxy__node_new(oxy_builder *b, oxy_expr_kind kind, uint32_t depth);

/* Copies a list into the arena; *depth becomes at least that of the deepest
 * item. False after a failure, or when an item is missing. */
bool oxy__list_copy(oxy_builder *b, const oxy_expr *const *items, uint32_t n, oxy_list *out, uint32_t *depth);
oxy_sv oxy__text_copy(oxy_builder *b, oxy_sv text);
/* Depth of everything that a select holds. */
uint32_t oxy__select_depth(const oxy_select *s);

static inline oxy_type oxy__type_of(oxy_kind kind, bool nullable)
{
    return (oxy_type){.kind = kind, .nullable = nullable};
}

bool oxy__is_text(oxy_kind kind);
bool oxy__is_number(oxy_kind kind);
/* Result of arithmetic (7.2); the caller has told concatenation apart. */
oxy_type oxy__type_arithmetic(oxy_op op, const oxy_type *left, const oxy_type *right);
/* Common type of alternatives, as of Coalesce or Case. */
oxy_type oxy__type_common(const oxy_type *a, const oxy_type *b);
oxy_type oxy__type_func(oxy_fn fn, const oxy_list *args);
oxy_type oxy__type_agg(const oxy_expr *agg);

#endif
