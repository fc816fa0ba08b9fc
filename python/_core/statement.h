/* SPDX-License-Identifier: MIT */
/* From Python's query objects to a prepared request: tree, shape, compiled
 * statement (cached), encoded binds. Nothing is serialised in between. */
#ifndef OXYPY_STATEMENT_H
#define OXYPY_STATEMENT_H

#include <oxyde/driver.h>
#include <oxyde/sql.h>

#include "hydrate.h"
#include "plan.h"

/* --- Expr: an immutable node as Python builds it (expr.c) ----------------------- */

/* Kinds of Expr. X(name, "meaning of op, args, data"). Exported as _core.X_*. */
/* clang-format off */
#define OXYPY_EXPR_LIST(X)                                                                                             \
    X(NAME, "data: field name, path or alias (F, Model.field)")                                                        \
    X(LITERAL, "data: value; args: () or (type,)")                                                                     \
    X(STAR, "the * of Count")                                                                                          \
    X(LOOKUP, "data: (keyword, value), resolved against the model")                                                    \
    X(AND, "args: conditions")                                                                                         \
    X(OR, "args: conditions")                                                                                          \
    X(NOT, "args: (condition,)") X(BINARY, "op: OP_*; args: (left, right); comparisons with None become IS NULL")      \
        X(NEG, "args: (expr,)") X(IS_NULL, "op: 1 for IS NOT NULL; args: (expr,)")                                     \
            X(IN, "op: 1 for NOT IN; args: (expr,); data: list of values, or QueryState") X(                           \
                BETWEEN, "args: (expr, low, high)") X(MATCH, "op: MATCH_*; args: (expr, pattern); data: fold (bool)")  \
                X(FUNC, "op: FN_*; args") X(AGG, "op: AGG_*; args: (expr,); data: (distinct, filter, default, extra)") \
                    X(CASE, "args: (condition, value, ..., default)")                                                  \
                        X(CAST, "args: (expr,); data: kind or FieldSpec-like type tuple") X(                           \
                            EXTRACT, "op: PART_*; args: (expr,); data: trunc (bool)")                                  \
                            X(PATH, "args: (expr,); data: tuple of str and int keys") X(SUBQUERY, "data: QueryState")  \
                                X(EXISTS, "data: QueryState") X(OUTER, "data: path in the enclosing query")            \
                                    X(EXCLUDED,                                                                        \
                                      "data: field name") X(RAW, "args: params; data: (text, output type or None)")    \
                                        X(ORDER, "args: (expr,); data: (descending, nulls -1/0/1)")                    \
                                            X(RANDOM_ORDER, "the '?' of order_by")                                     \
                                                X(WINDOW, "args: (expr, partition ..., order ...); data: (n partition, unit, start, end)") \
                                                    X(ANY, "data: path of a to-many relation; args: conditions")
/* clang-format on */

typedef enum oxypy_expr_kind {
#define X(name, text) OXYPY_X_##name,
    OXYPY_EXPR_LIST(X)
#undef X
        OXYPY_X_COUNT
} oxypy_expr_kind;

/* Subclassable from Python (F, Func, Q, ...). All members owned, never NULL. */
typedef struct oxypy_expr {
    PyObject_HEAD int kind; /* oxypy_expr_kind */
    int op;
    PyObject *args; /* tuple */
    PyObject *data;
} oxypy_expr;

/* --- QueryState (query_state.c): the state of a Query, immutable after making --- */

typedef enum oxypy_mode { OXYPY_MODE_MODELS, OXYPY_MODE_DICTS, OXYPY_MODE_TUPLES, OXYPY_MODE_FLAT } oxypy_mode;

/* Base class of oxyde.queries.Query. `_with(**changes)` clones with changes;
 * every attribute below is readable from Python under the same name with a
 * leading underscore. NULL means "not given" throughout. */
typedef struct oxypy_query {
    PyObject_HEAD PyObject *model; /* class */
    PyObject *where;               /* tuple of Expr, ANDed; checked when added; the last ones, if there are */
    PyObject *earlier;             /* ... before them: where.c; readers of where gather first */
    PyObject *order;               /* tuple of ORDER/RANDOM_ORDER/str-made Expr; NULL: Meta.ordering */
    PyObject *fields;              /* tuple of Expr or str: selection of values()/only() */
    PyObject *exprs;               /* dict alias -> Expr of values(**exprs) */
    PyObject *deferred;            /* tuple of str */
    PyObject *annotations;         /* dict alias -> Expr */
    PyObject *group_by;            /* tuple of Expr or str */
    PyObject *having;              /* tuple of Expr */
    PyObject *joins;               /* tuple of str paths */
    PyObject *prefetches;          /* tuple, used by Python only */
    PyObject *sets;                /* tuple of (SET_* op, QueryState) */
    PyObject *distinct_on;         /* tuple of str */
    PyObject *lock;                /* tuple (kind, nowait, skip_locked, of) */
    PyObject *user;                /* anything a Query subclass keeps */
    PyObject *link;                /* tuple (model, relation, keys): link.h */
    int64_t limit, offset;         /* limit -1: none */
    uint8_t mode;                  /* oxypy_mode */
    bool distinct, empty /* none() */, sliced, reversed;
} oxypy_query;

/* A clone with these lookups added, as _where((), lookups) gives it. New reference. */
PyObject *oxypy_query_filter(oxypy_state *st, oxypy_query *q, PyObject *keywords, PyObject *const *values);

/* Lookups that were given to a terminal and have not become a query: given.c. Theirs
 * are plain comparisons, checked and converted. Zeroed: none. */
#define OXYPY_GIVEN_MOST 4
typedef struct oxypy_given {
    uint32_t n;
    PyObject *lookups[OXYPY_GIVEN_MOST]; /* capsules of lookups; owned */
    PyObject *values[OXYPY_GIVEN_MOST];  /* owned */
} oxypy_given;

/* 1: *out has them; 0: they have to become a query, and what is wrong with them is
 * said there; -1. */
int oxypy_given_take(oxypy_state *st, const oxypy_query *q, PyObject *keywords, PyObject *const *values,
                     oxypy_given *out);
/* The query that they make of this one. New reference. */
PyObject *oxypy_given_query(oxypy_state *st, PyObject *query, const oxypy_given *given);
int oxypy_given_traverse(const oxypy_given *given, visitproc visit, void *arg);
void oxypy_given_clear(oxypy_given *given);

/* InsertState(model, (row,)): insert.c. New reference. */
PyObject *oxypy_insert_one(oxypy_state *st, PyObject *model, PyObject *row);

/* --- what to run -------------------------------------------------------------------- */

typedef enum oxypy_what {
    OXYPY_DO_SELECT,
    OXYPY_DO_COUNT,
    OXYPY_DO_EXISTS,
    OXYPY_DO_AGGREGATE /* arg: dict alias -> Expr */,
    OXYPY_DO_UPDATE /* arg: dict name -> value or Expr */,
    OXYPY_DO_DELETE,
    OXYPY_DO_INSERT /* subject: InsertState */
} oxypy_what;

/* Columns of a linked query (link.h): its own come first, then n_extra more. The
 * key of a row stands in n_key columns from key_at on. share: the columns that
 * tell which row it is, where several keys may have the same; n_share 0: none.
 * order_at: one more than the column by which Links sort the rows of a key, which
 * the statement leaves to them; 0: they come in order.
 * The rest is for building. */
typedef struct oxypy_linked {
    uint32_t n_extra, key_at, n_key, share_at, n_share, order_at;
    const struct oxypy_relation *relation;
    const oxy_source *junction; /* or NULL */
    const oxy_expr *on;
} oxypy_linked;

/* --- Compiled: SQL and row program, shared by all queries of one shape -------------- */

typedef struct oxypy_compiled {
    PyObject_HEAD oxy_sql *sql;
    oxypy_rowprog *program; /* NULL for statements without rows */
    oxypy_linked linked;    /* n_key 0: not linked */
    /* Of a linked query: a row's key, which row it is, and by what the rows of a key are
     * ordered, where that is none of the row's own columns; or NULL. */
    oxypy_rowprog *keys, *shares, *orders;
    PyObject *text;        /* str of the SQL */
    PyObject *table;       /* str, for hooks and errors */
    PyObject *plans;       /* tuple: other models' plans that types point into */
    uint64_t key;          /* hash of text, for the drivers' caches */
    oxy_key_rows key_rows; /* n_rows 0: not such an INSERT; text of sql */
} oxypy_compiled;

/* A compiled statement with its values, ready for one driver. Owner: whoever
 * called prepare; release with fini. */
typedef struct oxypy_prepared {
    oxypy_compiled *compiled; /* strong */
    oxy_builder *builder;     /* values' text lives here or in keep; owned, NULL unless the long way was gone */
    oxy_arena scratch;        /* encoded text */
    oxy_value *values;        /* encoded, in bind order */
    uint32_t n_values;
    PyObject *keep;  /* list of Python objects whose buffers are borrowed, or NULL */
    bool empty;      /* the query is none(): send nothing, answer with no rows */
    char block[256]; /* where scratch begins: the struct stays where prepare filled it; the last member, which nobody
                      * clears */
} oxypy_prepared;

/* Builds, finds or compiles, encodes. 0, or -1 with FieldError, FieldLookupError,
 * ValidationError, DataError, ... and *out is empty. limit_override: -1, or the
 * most rows the terminal needs (get: 2, first: 1); it narrows, never widens. given:
 * lookups besides those of subject, which is a query if there are any. */
int oxypy_prepare(oxypy_state *st, oxypy_what what, PyObject *subject, const oxypy_given *given, PyObject *arg,
                  PyObject *returning, int64_t limit_override, const oxy_dialect *dialect, const oxy_codec *codec,
                  oxypy_prepared *out);
void oxypy_prepared_fini(oxypy_prepared *p);

/* Raw SQL: values by their Python types (connections document, 9.2). */
int oxypy_bind_raw(oxypy_state *st, PyObject *params, const oxy_codec *codec, oxy_arena *scratch, PyObject **keep,
                   oxy_value **values, uint32_t *n);

/* --- to_c.c: one Python value as a typed value ------------------------------------------ */

/* value as the field's (or type's) kind; text is borrowed from the object,
 * which is appended to *keep if it is not the argument itself. convert: apply
 * field->coerce first when the exact type does not fit (lookups). Errors:
 * DataError for values the column cannot hold, naming model and field;
 * FieldLookupValueError when convert fails. */
int oxypy_to_value(oxypy_state *st, PyObject *value, const oxy_type *type, const oxypy_field *field, bool convert,
                   oxy_arena *arena, PyObject **keep, oxy_value *out);

#endif
