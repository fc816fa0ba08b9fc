/* SPDX-License-Identifier: MIT */
/* Relations: what leads from one plan to another, and the joins of a select.
 *
 * A plan knows the names of its relations from the start and each relation
 * itself from its first use on, because the other model may be defined later.
 * oxyde.models._relations answers with a RelationSpec. */
#ifndef OXYPY_RELATION_H
#define OXYPY_RELATION_H

#include "build.h"

typedef enum oxypy_relation_kind {
    OXYPY_REL_FORWARD,      /* foreign key: this row names one of the target's */
    OXYPY_REL_REVERSE_ONE,  /* a unique foreign key of the target names this row */
    OXYPY_REL_REVERSE_MANY, /* a foreign key of the target names this row */
    OXYPY_REL_MANY          /* through a junction */
} oxypy_relation_kind;

/* Two fields with equal values. Both borrowed from their plans. */
typedef struct oxypy_pair {
    const oxypy_field *from, *to;
} oxypy_pair;

/* Owned by the plan it starts from; immutable. near: from this plan's fields
 * to the target's or, for MANY, to the junction's. far: MANY only, from the
 * junction's fields to the target's. */
typedef struct oxypy_relation {
    PyObject *name; /* owned, interned */
    uint8_t kind;   /* oxypy_relation_kind */
    bool nullable;  /* FORWARD: an id column can be NULL */
    oxypy_plan *target;
    oxypy_plan *through; /* NULL but for MANY */
    oxypy_pair *near, *far;
    uint32_t n_near, n_far;
} oxypy_relation;

static inline bool oxypy_relation_to_one(const oxypy_relation *r)
{
    return r->kind <= OXYPY_REL_REVERSE_ONE;
}

/* The field of this side that a foreign key keeps equal to a field of the other, or NULL. */
const oxypy_field *oxypy_relation_local(const oxypy_relation *r, const oxypy_field *field);

/* *out: the plan's relation of that name, borrowed. 1 found, 0 there is none,
 * -1 with FieldLookupError (the other model is missing or ambiguous). */
int oxypy_plan_relation(oxypy_state *st, oxypy_plan *plan, PyObject *name, const oxypy_relation **out);

/* Of plan.c: the names (a tuple, or NULL), none of them resolved; and the end of
 * what they hold besides plans. */
int oxypy__relations_read(oxypy_plan *plan, PyObject *names);
void oxypy__relations_free(oxypy_plan *plan);

/* One join of a select; lives in the statement's arena. */
typedef struct oxypy_joined {
    struct oxypy_joined *next;      /* in the order of their making, which is the order in SQL */
    struct oxypy_joined *parent;    /* NULL: joined to the base of the select */
    const oxypy_relation *relation; /* that leads here; NULL: a junction on the way, or a subselect */
    oxypy_plan *plan;               /* relation->target */
    const oxy_source *source;
    const oxy_expr *on;
    oxy_join_kind kind; /* INNER where the related row is always there */
    bool from;          /* stands in FROM: not rendered as a join */
} oxypy_joined;

/* The join of a to-one relation from parent (NULL: the scope's base), made on
 * first use and shared by everything in the scope that takes the same way. Its
 * alias is the path with "_" between segments, numbered on a clash. NULL with
 * an exception or the error in the builder. */
oxypy_joined *oxypy_scope_join(oxypy_build *cx, oxypy_scope *scope, oxypy_joined *parent,
                               const oxypy_relation *relation);
/* Adds a join to the scope that no path leads to. */
void oxypy_scope_add_join(oxypy_scope *scope, oxypy_joined *joined);
/* The join of a whole path of to-one relations ("depot__region"). */
oxypy_joined *oxypy_scope_join_path(oxypy_build *cx, oxypy_scope *scope, PyObject *path);
/* A column of the base (at NULL) or of a join. */
const oxy_expr *oxypy_joined_column(oxypy_build *cx, const oxypy_scope *scope, const oxypy_joined *at,
                                    const oxypy_field *field);
/* The join at the end of the first n steps of a way; *out is NULL for n 0.
 * Relations to many rows are not joined here: FieldLookupError unless an
 * aggregate has joined them. 0 / -1. */
int oxypy_scope_way(oxypy_build *cx, oxypy_scope *scope, const oxypy_route *way, uint32_t n, oxypy_joined **out);
/* The same if all of it is joined already, else NULL. n > 0. */
oxypy_joined *oxypy_scope_find_way(const oxypy_scope *scope, const oxypy_route *way, uint32_t n);
/* A column after the first n steps of a way, of this side's columns where they hold it. */
const oxy_expr *oxypy_way_field(oxypy_build *cx, oxypy_scope *scope, const oxypy_route *way, uint32_t n,
                                const oxypy_field *field);
/* A column at the end of a way (NULL: of the base). */
const oxy_expr *oxypy_way_column(oxypy_build *cx, oxypy_scope *scope, const oxypy_route *way, const oxypy_field *field);
/* One or several such columns: a row value if they are several. */
const oxy_expr *oxypy_way_key(oxypy_build *cx, oxypy_scope *scope, const oxypy_route *way, const oxypy_key *key);
/* Hands the joins that the scope has made so far to its select. */
int oxypy_scope_fill_joins(oxypy_build *cx, const oxypy_scope *scope, oxy_select *select);

/* --- many.c: rows at the other end of relations to many ------------------------------- */

/* The first step of the way that leads to many rows and is not joined in the
 * scope, counted from 1; 0: all of it can be followed. */
uint32_t oxypy_way_open(const oxypy_scope *scope, const oxypy_route *way);
/* A select over the rows that n steps of a way lead to, from step `first` on
 * (counted from 1; to many), correlated with the scope at hand. *inner becomes
 * the scope at hand, with names of its own, those of the last target, or (own
 * false) with those of the scope around. Items are the caller's; the joins are
 * filled in last. */
oxy_select *oxypy_related_select(oxypy_build *cx, const oxypy_route *way, uint32_t first, uint32_t n, bool own,
                                 oxypy_scope *inner);
/* All of the route joined to the base of the scope, rows multiplying. 0 / -1. */
int oxypy_route_join(oxypy_build *cx, const oxypy_route *route, oxypy_scope *scope);
/* What the path of any() leads to; release it with oxypy_name_fini. 0, or -1
 * with FieldLookupError if it is no relation to many. */
int oxypy_any_target(oxypy_state *st, oxypy_plan *plan, PyObject *path, oxypy_name *name);
/* An ANY node: EXISTS. */
const oxy_expr *oxypy_build_any(oxypy_build *cx, oxypy_expr *e);
/* A resolved lookup (node: keyword, value, capsule) about some of many rows. */
const oxy_expr *oxypy_related_lookup(oxypy_build *cx, PyObject *node);
/* Whether it asks for the absence (or presence) of related rows. */
bool oxypy_lookup_absence(const oxypy_lookup *lk, PyObject *value);

#endif
