/* SPDX-License-Identifier: MIT */
/* From Expr and QueryState to the query tree: what the files of the statement
 * builder share. Functions that return a node return NULL on failure, with an
 * exception set or with the error in the builder; oxypy_build_failed() turns
 * the latter into the former. */
#ifndef OXYPY_BUILD_H
#define OXYPY_BUILD_H

#include "statement.h"
#include "to_c.h"

/* --- lookups ---------------------------------------------------------------------- */

/* X(C name, keyword). Order is the contract's; RANGE is a second name of BETWEEN. */
/* clang-format off */
#define OXYPY_LOOKUP_LIST(X)                                                                                           \
    X(EXACT, "exact")                                                                                                  \
    X(NE, "ne")                                                                                                        \
    X(IN, "in")                                                                                                        \
    X(ISNULL, "isnull")                                                                                                \
    X(GT, "gt")                                                                                                        \
    X(GTE, "gte")                                                                                                      \
    X(LT, "lt")                                                                                                        \
    X(LTE, "lte")                                                                                                      \
    X(BETWEEN, "between") X(RANGE, "range") X(CONTAINS, "contains") X(ICONTAINS, "icontains")                          \
        X(STARTSWITH, "startswith") X(ISTARTSWITH, "istartswith") X(ENDSWITH, "endswith") X(IENDSWITH, "iendswith")    \
            X(IEXACT, "iexact") X(REGEX, "regex") X(IREGEX, "iregex") X(YEAR, "year") X(MONTH, "month") X(DAY, "day")  \
                X(DATE, "date") X(TIME, "time") X(QUARTER, "quarter") X(WEEK, "week") X(WEEK_DAY, "week_day")          \
                    X(ISO_WEEK_DAY, "iso_week_day") X(ISO_YEAR, "iso_year") X(HOUR, "hour") X(MINUTE, "minute")        \
                        X(SECOND, "second") X(CONTAINED_BY, "contained_by") X(OVERLAP, "overlap") X(LEN, "len")        \
                            X(HAS_KEY, "has_key") X(HAS_KEYS, "has_keys") X(HAS_ANY_KEYS, "has_any_keys")
/* clang-format on */

typedef enum oxypy_lookup_op {
#define X(name, text) OXYPY_L_##name,
    OXYPY_LOOKUP_LIST(X)
#undef X
        OXYPY_L_COUNT
} oxypy_lookup_op;

/* The relations of a path, from a plan on. */
#define OXYPY_WAY_MAX 16
typedef struct oxypy_route {
    const struct oxypy_relation *steps[OXYPY_WAY_MAX];
    uint32_t n;
} oxypy_route;

/* One or more fields that are compared as one: a key, or what a relation refers
 * by. All of one plan. */
#define OXYPY_KEY_MAX 32
typedef struct oxypy_key {
    const oxypy_field *fields[OXYPY_KEY_MAX];
    uint32_t n;
} oxypy_key;

/* A keyword resolved against a model: which column, what of it, compared how.
 * Immutable; cached in plan->lookups. Everything borrowed belongs to the plan
 * or to plans that its relations keep. */
typedef struct oxypy_lookup {
    const oxypy_field *field;              /* NULL: several fields, or an alias */
    oxypy_key *key;                        /* owned; the fields of a name that means several, else NULL */
    oxypy_route *way;                      /* owned; relations crossed before the fields, or NULL */
    const struct oxypy_relation *relation; /* the path ends in it: instances are values, too */
    PyObject *many;                        /* owned str: the path up to the first relation to many rows, or NULL */
    bool length;                           /* the length of an array is compared */
    uint8_t op;                            /* oxypy_lookup_op */
    uint8_t category;                      /* oxypy_category of what the lookup follows */
    int8_t part;                           /* oxy_part that is extracted and compared, or -1 */
    PyObject *path;                        /* owned tuple of str: keys inside JSON, index of an array; or NULL */
    PyObject *keyword;                     /* owned str, for messages */
    uint64_t uid;                          /* of the plan's table: field is valid with that plan only */
} oxypy_lookup;

const char *oxypy_lookup_name(unsigned op);
/* Whether fields of the category have the lookup. */
bool oxypy_lookup_allowed(uint8_t category, unsigned op);
/* Category of an expression by its type, for aliases and functions. */
uint8_t oxypy_category_of(const oxy_type *type);

/* A capsule (name NULL) around the lookup of a keyword. New reference;
 * exceptions as the contract says. */
PyObject *oxypy_lookup_capsule(oxypy_state *st, oxypy_plan *plan, PyObject *keyword);
/* The rest of a keyword after an alias of that type; fills *out (release path
 * and keyword). 0 / -1. */
int oxypy_lookup_after_alias(oxypy_state *st, oxypy_plan *plan, PyObject *keyword, PyObject *alias, PyObject *rest,
                             const oxy_type *type, oxypy_lookup *out);
void oxypy_lookup_fini(oxypy_lookup *lk);

/* The value of a lookup as it is kept in the query: iterables consumed,
 * instances turned into their keys, converted to the field's type. New
 * reference or NULL with FieldLookupValueError. field: whose type it takes, or
 * NULL; plan: named by messages where there is no field. */
PyObject *oxypy_lookup_value(oxypy_state *st, const oxypy_plan *plan, const oxypy_lookup *lk, const oxypy_field *field,
                             PyObject *value);

/* A condition checked and converted at the call: new reference to an
 * equivalent Expr, or NULL with an exception. q: for aliases, or NULL. */
PyObject *oxypy_condition(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *condition);
/* A LOOKUP node for a keyword and a value, checked. New reference. */
PyObject *oxypy_condition_lookup(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *keyword, PyObject *value);
/* A LOOKUP node as it is; capsule NULL: of an alias. New reference. */
PyObject *oxypy_lookup_node(oxypy_state *st, PyObject *keyword, PyObject *value, PyObject *capsule);
/* Adds it to a list of conditions that begin, at `first`, to be of one call:
 * those about the same one of many rows become one ANY. 0 / -1. */
int oxypy_condition_keyword(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *keyword, PyObject *value,
                            PyObject *list, Py_ssize_t first);
/* The parts of an AND: those of a Q(...), if its keywords are about the same one
 * of many rows, brought together. New reference to a tuple. */
PyObject *oxypy_condition_parts(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, oxypy_expr *e);
/* op of ANY. */
enum {
    OXYPY_ANY_GIVEN,   /* as Python made it: args are conditions over the related model */
    OXYPY_ANY_CHECKED, /* the same, checked */
    OXYPY_ANY_KEYWORDS /* args are resolved lookups of the scope around, which name the related row by path */
};
/* Whether the condition holds nothing: Q(), ~Q(). */
bool oxypy_condition_empty(PyObject *condition);

/* query_state.c: new reference to an equal state of the same class. */
oxypy_query *oxypy_query_clone(oxypy_query *q);

/* where.c: adds conditions to a clone that nobody has seen. 0 / -1. */
int oxypy_where_add(oxypy_state *st, oxypy_query *q, PyObject *const *conditions, Py_ssize_t n);

/* where.c: all conditions into q->where, if they are not there; to whoever looks
 * from outside nothing changes. 0 / -1. */
int oxypy_where_gather(oxypy_query *q);

/* where.c: the next older conditions, beginning at link = q->earlier; NULL at the end.
 * Borrowed. For readers that cannot fail. */
PyObject *oxypy_where_before(PyObject **link);

/* --- names ------------------------------------------------------------------------- */

/* What a name or path means. rest: what follows the field, relation or alias. */
typedef struct oxypy_name {
    oxypy_plan *plan;                      /* at the end of the way: whose fields these are; borrowed */
    const oxypy_field *field;              /* NULL: several fields, none, or an alias */
    oxypy_key key;                         /* the field, or the fields of a composite key */
    oxypy_route way;                       /* relations crossed before them */
    uint32_t n_many;                       /* steps up to and including the first to many rows; 0: none */
    const struct oxypy_relation *relation; /* the path ends in it */
    oxypy_expr *alias;                     /* borrowed expression that has the name as alias */
    PyObject *base;                        /* new reference: the field's, relation's or alias' name */
    oxypy_plan *owner;                     /* borrowed; which has that name */
    PyObject *rest;                        /* new reference: tuple of the further segments, or NULL */
    PyObject *many;                        /* new reference: the path up to the first relation to many rows, or NULL */
} oxypy_name;

/* Follows a path: an alias of q (may be NULL), a field, pk, or relations and
 * then one of these. What a foreign key refers by is found in its own columns.
 * 0, or -1 with FieldError or FieldLookupError. */
int oxypy_name_resolve(oxypy_state *st, oxypy_plan *plan, oxypy_query *q, PyObject *path, oxypy_name *out);
/* The same for the keyword of a condition: behind a relation, a last segment
 * that is a lookup of relations is the lookup, even if the other side has a
 * field of that name. */
int oxypy_name_of_keyword(oxypy_state *st, oxypy_plan *plan, PyObject *keyword, oxypy_name *out);
void oxypy_name_fini(oxypy_name *n);
/* Field of a plain name, pk included if it is one field; NULL with FieldError. */
const oxypy_field *oxypy_field_named(oxypy_state *st, oxypy_plan *plan, PyObject *name);
/* Raises what the package says about an unknown name. Returns -1. */
int oxypy_unknown(oxypy_state *st, const oxypy_plan *plan, PyObject *name, const char *what);
/* Expression of an alias, borrowed, or NULL without an exception. */
oxypy_expr *oxypy_alias_of(oxypy_query *q, PyObject *name);
/* Whether path is name, or goes on after it with "__". */
bool oxypy_path_begins(PyObject *path, PyObject *name);
/* Whether the name means several columns: a composite key. */
static inline bool oxypy_name_composite(const oxypy_name *n)
{
    return !n->alias && n->key.n != 1;
}
/* Lookup (lookup.c) or part named by a path segment, or -1. */
int oxypy_lookup_named(PyObject *segment);
int oxypy_part_named(PyObject *segment);

/* --- building ----------------------------------------------------------------------- */

typedef struct oxypy_memo {
    PyObject *alias; /* borrowed */
    const oxy_expr *node;
    bool inside; /* of an aggregate over groups: for each row of them */
} oxypy_memo;

/* Aliases being expanded, innermost first. */
typedef struct oxypy_open {
    const struct oxypy_open *outer;
    PyObject *alias;
} oxypy_open;

/* One SELECT (or the target of a write) and the ones around it. */
typedef struct oxypy_scope {
    struct oxypy_scope *outer;
    oxypy_plan *plan;
    oxypy_query *q; /* NULL in inserts */
    const oxy_source *source;
    const struct oxypy_selection *inner; /* the source is a subselect with these columns, or NULL */
    oxypy_memo *memo;                    /* aliases built so far, so that they share nodes */
    uint32_t n_memo, cap_memo;
    const oxypy_open *open;                /* against cycles of aliases */
    const struct oxypy_relation *relation; /* the keys of the query are what it refers by; or NULL */
    bool grouped;                          /* its rows are groups, or one whole */
    oxypy_query *base;                     /* with inner: the query that made it; else NULL */
    bool related;    /* of rows that a condition or aggregate of the scope around is about: many.c */
    bool same_names; /* names mean what they mean around; the related rows are among the joins */
    struct oxypy_joined *joins, *last_join; /* made so far, in order: relation.h */
    bool aggregates;                        /* aggregates are allowed here */
} oxypy_scope;

typedef struct oxypy_origin {
    const oxypy_plan *plan;
    const oxypy_field *field;
} oxypy_origin;

/* One statement being built. */
typedef struct oxypy_build {
    oxypy_state *st;
    oxy_builder *b;
    oxy_arena *text; /* texts of values */
    PyObject **keep;
    oxypy_scope *scope;
    oxypy_origin *origins; /* by parameter number: the field it belongs to */
    uint32_t cap_origins;
    PyObject *plans; /* list of other plans that are named, or NULL */
    uint32_t depth;
    uint32_t n_aliases;     /* for unique source aliases */
    bool checking;          /* trial run: OuterRef stands for anything */
    bool loose_containment; /* of the dialect it is built for: containment.c */
} oxypy_build;

/* What a literal meets: the type it takes. field may be NULL. */
typedef struct oxypy_want {
    const oxy_type *type;
    const oxypy_field *field;
    const oxypy_plan *plan;
    PyObject *lookup;                      /* word for messages of failed conversion, or NULL: no conversion */
    const struct oxypy_relation *relation; /* that a query of models is compared by, or NULL */
} oxypy_want;

/* Sets the exception for a failed build, if none is set. Returns -1. */
int oxypy_build_failed(oxypy_build *cx);

/* expr: Expr or any Python value (a literal). */
const oxy_expr *oxypy_build_expr(oxypy_build *cx, PyObject *expr, const oxypy_want *want);
/* As a condition; anything without a truth value is a TypeError. */
const oxy_expr *oxypy_build_condition(oxypy_build *cx, PyObject *expr);
const oxy_expr *oxypy_build_conditions(oxypy_build *cx, PyObject *tuple); /* NULL without error: none */
const oxy_expr *oxypy_build_column(oxypy_build *cx, const oxypy_scope *scope, const oxypy_field *field);
const oxy_expr *oxypy_build_path(oxypy_build *cx, PyObject *path, const oxypy_field **field);
const oxy_expr *oxypy_build_alias(oxypy_build *cx, PyObject *alias, oxypy_expr *expr);
const oxy_expr *oxypy_build_lookup(oxypy_build *cx, PyObject *node); /* LOOKUP */
/* target: what precedes the lookup, NULL for the composite key. */
const oxy_expr *oxypy_build_lookup_on(oxypy_build *cx, const oxypy_lookup *lk, const oxy_expr *target,
                                      const oxypy_field *field, PyObject *value);
/* target IN values: a tuple or list, or a query. */
const oxy_expr *oxypy_build_in(oxypy_build *cx, const oxy_expr *target, const oxypy_want *want, PyObject *value,
                               bool negated);
/* expr IN value where expr names a key or a relation; *named tells whether. */
const oxy_expr *oxypy_build_key_in(oxypy_build *cx, PyObject *expr, PyObject *value, bool negated, bool *named);
/* Any value: an expression, a query as scalar subquery, or a parameter. */
const oxy_expr *oxypy_build_operand(oxypy_build *cx, PyObject *value, const oxypy_want *want);
/* Steps of a JSON path or an array index from a tuple of str and int. */
const oxy_expr *oxypy_build_steps(oxypy_build *cx, const oxy_expr *arg, PyObject *keys, oxy_json_as as);
/* A typed parameter holding the value; want->type NULL: its own type. */
const oxy_expr *oxypy_build_param(oxypy_build *cx, PyObject *value, const oxypy_want *want);
const oxy_expr *oxypy_build_int(oxypy_build *cx, int64_t value);
/* The value in the type it takes beside want (numbers keep their own where the
 * wanted type would round). 0 / -1. */
int oxypy_store_wanted(oxypy_build *cx, PyObject *value, const oxypy_want *want, oxy_type *type, oxy_value *out);
/* Remembers whose values the parameters from `first` on are. */
int oxypy_note_origin(oxypy_build *cx, uint32_t first, const oxypy_want *want);
/* A type as Python writes it: K_* number, FieldSpec-like, or (kind, elem, ndim, size, scale). */
int oxypy_build_type(PyObject *given, oxy_type *out);
/* The field whose type an expression shows (a name, Max or Min of it), or NULL. */
const oxypy_field *oxypy_field_shown(oxypy_build *cx, oxypy_expr *e);
/* The same of an alias, which may be a column of an inner query. */
const oxypy_field *oxypy_alias_shown(oxypy_build *cx, PyObject *alias, oxypy_expr *e);
bool oxypy_is_expr(const oxypy_state *st, PyObject *o);
bool oxypy_is_query(const oxypy_state *st, PyObject *o);
/* Whether the value of a lookup is known to the database only. */
static inline bool oxypy_is_deferred(const oxypy_state *st, PyObject *value)
{
    /* What is a number or a text is nothing else. */
    if (PyType_HasFeature(Py_TYPE(value), Py_TPFLAGS_LONG_SUBCLASS | Py_TPFLAGS_UNICODE_SUBCLASS) ||
        PyFloat_CheckExact(value)) {
        return false;
    }
    return oxypy_is_expr(st, value) || oxypy_is_query(st, value);
}

/* --- selects -------------------------------------------------------------------------- */

/* One column of the result: what it shows and under which name. */
typedef struct oxypy_out {
    const oxy_expr *node;
    const oxypy_field *field; /* that it is decoded to, or NULL */
    PyObject *name;           /* borrowed from the query or plan */
    bool aliased;             /* the SQL text says AS name */
    bool aggregate;           /* value of a whole group */
    bool window;              /* computed over the rows or groups: none are told apart by it */
    oxy_sv joined;            /* name in SQL of a joined relation's column; no name to the query */
} oxypy_out;

typedef struct oxypy_selection {
    oxypy_out *items;
    uint32_t n;
    oxypy_branch *branches; /* related rows, whose columns stand last */
    uint32_t n_branches;
    oxypy_linked linked;
} oxypy_selection;

/* Why a select is built; decides what it needs. */
typedef enum oxypy_use {
    OXYPY_USE_ROWS,    /* all() */
    OXYPY_USE_COUNT,   /* only how many */
    OXYPY_USE_EXISTS,  /* only whether any */
    OXYPY_USE_OPERAND, /* of a set operation */
    OXYPY_USE_VALUE,   /* scalar subquery: one column */
    OXYPY_USE_KEYS,    /* the values() column, else the key, for IN */
    OXYPY_USE_PK,      /* the key, of updates and deletes */
    OXYPY_USE_SOURCE   /* FROM of aggregate(): columns and aliases by name */
} oxypy_use;

/* The select of a query in a new scope inside cx->scope. limit: as in
 * oxypy_prepare. scope: zeroed storage that lives as long as the tree. *sel may
 * be NULL. */
oxy_select *oxypy_build_select(oxypy_build *cx, oxypy_query *q, oxypy_use use, int64_t limit, oxypy_scope *scope,
                               oxypy_selection *sel);
/* combine.c: the same for a query over set operations. */
oxy_select *oxypy_build_combined(oxypy_build *cx, oxypy_query *q, oxypy_use use, int64_t limit, oxypy_scope *scope,
                                 oxypy_selection *sel);
/* Everything but FROM, in the current scope. */
int oxypy_fill_select(oxypy_build *cx, oxypy_query *q, oxypy_use use, int64_t limit, oxy_select *select,
                      oxypy_selection *sel);
/* Conditions of the query at hand on its rows, not on its groups. 0 / -1. */
int oxypy_fill_where(oxypy_build *cx, oxy_select *select);
/* The most rows that the query and a terminal leave together, -1: any number. by_key:
 * a condition says which row it is, so that there is one at most: then a terminal that
 * wants to know of a second asks for no limit. */
static inline int64_t oxypy_most_rows(const oxypy_query *q, int64_t limit, bool by_key)
{
    if (q->limit < 0 || limit < 0) {
        return q->limit >= 0 ? q->limit : by_key && limit > 1 && q->offset <= 0 ? -1 : limit;
    }
    return q->limit < limit ? q->limit : limit;
}
/* Whether the lookup says which row of the plan it is. */
bool oxypy_lookup_is_key(const oxypy_plan *plan, const oxypy_lookup *lk, PyObject *value);
/* LIMIT and OFFSET of the query, narrowed by limit. 0 / -1. */
int oxypy_fill_limits(oxypy_build *cx, const oxypy_query *q, int64_t limit, oxy_select *select);
/* select as a FROM source whose columns are those of sel; a new alias. */
const oxy_source *oxypy_wrap_select(oxypy_build *cx, const oxy_select *select);
/* Keeps a plan that the statement names besides its root. 0 / -1. */
int oxypy_note_plan(oxypy_build *cx, oxypy_plan *plan);
/* Name of an output column in SQL. */
oxy_sv oxypy_out_name(const oxypy_scope *scope, const oxypy_out *out);

/* selection.c: output columns of the query in this scope, in order. */
int oxypy_build_selection(oxypy_build *cx, oxypy_use use, oxypy_selection *sel);
int oxypy_selection_add(oxypy_build *cx, oxypy_selection *sel, oxypy_out out);
int oxypy_selection_field(oxypy_build *cx, oxypy_selection *sel, const oxypy_field *field);
int oxypy_selection_columns(oxypy_build *cx, oxypy_selection *sel); /* all columns of the plan */
const oxy_item *oxypy_selection_items(oxypy_build *cx, const oxypy_selection *sel);
const oxypy_out *oxypy_selection_find(const oxypy_selection *sel, PyObject *name);

/* group.c */
bool oxypy_has_aggregate(const oxypy_state *st, oxypy_query *q, PyObject *expr);
/* Whether the aggregate is of many rows that a path of the query leads to. */
bool oxypy_aggregate_spans(const oxypy_state *st, oxypy_query *q, oxypy_expr *e);
/* Whether the alias has a value for each row, by which rows are grouped. */
bool oxypy_grouped_of_rows(const oxypy_state *st, oxypy_query *q, PyObject *alias, PyObject *expr);
/* Whether its rows are groups: dicts or tuples of groups, or of one whole. */
bool oxypy_query_grouped(const oxypy_state *st, oxypy_query *q);
/* Whether aliases of the query aggregate over its own rows. */
bool oxypy_query_aggregates(const oxypy_state *st, oxypy_query *q);
/* Names and expressions that tell the groups apart: a new list. */
PyObject *oxypy_group_entries(oxypy_build *cx);
/* Keys of joined rows beside the key that models are grouped by. 0 / -1. */
int oxypy_group_joins(oxypy_build *cx, oxy_list *groups);
int oxypy_build_groups(oxypy_build *cx, const oxypy_selection *sel, oxy_list *out);
/* order.c; direct: of combined rows, whose names are those of sel. */
int oxypy_build_order(oxypy_build *cx, const oxypy_selection *sel, bool with_default, bool direct, oxy_orders *out);

/* window.c */
/* Whether the expression holds a window, or a name of one; depth 0. q NULL:
 * names mean nothing. */
bool oxypy_has_window(const oxypy_state *st, oxypy_query *q, PyObject *expr, int depth);
/* Whether an alias of the query is one, or holds one. */
bool oxypy_query_windows(const oxypy_state *st, oxypy_query *q);
/* Whether conditions of the query are about windows. */
bool oxypy_filters_windows(const oxypy_state *st, oxypy_query *q);
/* FieldError for a condition that holds a window itself. 0 / -1. */
int oxypy_check_no_window(const oxypy_state *st, PyObject *condition);
/* The select of such a query: as oxypy_build_select, inside a scope that has
 * its plan and outer scope. */
oxy_select *oxypy_build_over_windows(oxypy_build *cx, oxypy_query *q, oxypy_use use, int64_t limit, oxypy_scope *scope,
                                     oxypy_selection *sel);

/* --- statements ------------------------------------------------------------------------ */

typedef struct oxypy_statement {
    oxy_stmt stmt;
    oxypy_scope scope;
    oxypy_plan *plan; /* borrowed; root of the statement */
    oxypy_shape shape;
    oxypy_selection out; /* result columns */
    bool rows;           /* there are result columns */
    bool empty;          /* none() */
} oxypy_statement;

int oxypy_build_read(oxypy_build *cx, oxypy_what what, oxypy_query *q, PyObject *arg, int64_t limit,
                     oxypy_statement *out);
int oxypy_build_write(oxypy_build *cx, oxypy_what what, oxypy_query *q, PyObject *arg, PyObject *returning,
                      oxypy_statement *out);
oxypy_plan *oxypy_insert_plan(oxypy_state *st, PyObject *subject); /* borrowed */
int oxypy_build_insert(oxypy_build *cx, PyObject *insert, PyObject *returning, oxypy_statement *out);
/* Columns of RETURNING: True, or a tuple of names. */
int oxypy_build_returning(oxypy_build *cx, PyObject *returning, oxypy_statement *out);

/* expr.c: steals args and data, also on failure. */
oxypy_expr *oxypy_expr_steal(oxypy_state *st, int kind, int op, PyObject *args, PyObject *data);
/* Hides a short tuple from the collector, if nothing in it could ever lie in a
 * cycle. Whether the object, a tuple or not, is out of the collector's sight. */
bool oxypy_untrack_tuple(const oxypy_state *st, PyObject *tuple);
/* compiled.c: borrowed compiled statement of a key, or NULL without an
 * exception. put keeps references of its own, to pins as well (may be NULL):
 * objects whose addresses are part of the key. */
oxypy_compiled *oxypy_cache_get(oxypy_plan *plan, const void *key, size_t len, uint64_t hash);
int oxypy_cache_put(oxypy_state *st, oxypy_plan *plan, const void *key, size_t len, uint64_t hash, oxypy_compiled *c,
                    PyObject *pins);

/* --- the short way (shortcut.c) ---------------------------------------------------------- */

#define OXYPY_SHORT_ITEMS 48 /* conditions, terms and names together */
#define OXYPY_SHORT_SETS 40  /* columns that an UPDATE assigns */
#define OXYPY_SHORT_VALUES (OXYPY_SHORT_ITEMS + OXYPY_SHORT_SETS)

typedef struct oxypy_short {
    uint64_t key[OXYPY_SHORT_ITEMS + 2 * OXYPY_SHORT_SETS + 8];
    uint32_t n, n_values;
    bool by_key; /* one of the conditions says which row it is */
    uint64_t hash;
    oxy_value values[OXYPY_SHORT_VALUES]; /* in the order of the builder's parameters */
    oxypy_origin origins[OXYPY_SHORT_VALUES];
} oxypy_short;

/* Whether the lookup is a comparison that the short way knows. */
bool oxypy_short_compares(const oxypy_lookup *lk);
/* 1: the query is plain, *s tells its key and values; 0: it is not; -1. */
int oxypy_short_key(oxypy_build *cx, oxypy_plan *plan, oxypy_query *q, const oxypy_given *given, oxypy_what what,
                    int64_t limit, const oxy_dialect *dialect, oxypy_short *s);
PyObject *oxypy_short_pins(oxypy_query *q); /* new reference */
/* Adds a condition and its value: as oxypy_short_key. */
int oxypy_short_lookup(oxypy_build *cx, const oxypy_plan *plan, PyObject *condition, oxypy_short *s);
/* write_short.c: the same for UPDATE and DELETE. */
int oxypy_short_write(oxypy_build *cx, oxypy_plan *plan, const oxypy_query *q, oxypy_what what, PyObject *arg,
                      PyObject *returning, const oxy_dialect *dialect, oxypy_short *s);

/* Raises what is wrong with a value on its way to the database, naming its field
 * if that is known (else NULL). Returns -1. */
int oxypy_raise_value(oxypy_state *st, const oxypy_plan *plan, const oxypy_field *field, oxy_err *err);

/* Steals sql (also on failure). */
oxypy_compiled *oxypy_compiled_new(oxypy_state *st, oxy_sql *sql, oxypy_statement *stmt, PyObject *plans);
/* prepare.c: SQL text and plain values, for sql(). */
PyObject *oxypy_sql_text(oxypy_state *st, oxypy_what what, PyObject *subject, PyObject *arg, PyObject *returning,
                         PyObject *dialect);

#endif
