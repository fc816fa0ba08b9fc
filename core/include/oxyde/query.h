/* SPDX-License-Identifier: MIT */
/* query: the query tree, its builder and its shape.
 *
 * A tree lives in one arena, made by the builder, and dies with it. Nodes are
 * never freed or changed singly after they were handed to a parent. Tables and
 * columns are described by whoever made the tree (the binding's model plans)
 * and must outlive every tree and compiled statement that names them.
 *
 * Values are not part of the tree: a PARAM node holds an index into the
 * statement's values, so two trees that differ only in values have the same
 * shape, the same SQL and the same prepared statement. */
#ifndef OXYDE_QUERY_H
#define OXYDE_QUERY_H

#include <oxyde/base.h>
#include <oxyde/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Limits that hold for every tree; a breach is OXY_VALUE at the builder call. */
#define OXY_MAX_DEPTH 400      /* nesting of expressions and selects */
#define OXY_MAX_PARAMS 1000000 /* per statement, before chunking */

/* --- tables and columns, as the compiler needs them -------------------------- */

typedef struct oxy_column {
    oxy_sv name; /* column name, verbatim, unquoted */
    oxy_type type;
    bool not_null;
    bool primary_key;
    bool generated; /* the database fills it when it is left out */
} oxy_column;

typedef struct oxy_table {
    uint64_t uid; /* unique in the process; part of the shape */
    oxy_sv name;
    oxy_sv schema; /* empty: unqualified */
    const oxy_column *columns;
    uint32_t n_columns;
} oxy_table;

/* --- sources: what stands in FROM ---------------------------------------------- */

struct oxy_select;
struct oxy_expr;

typedef enum oxy_join_kind { OXY_JOIN_LEFT, OXY_JOIN_INNER } oxy_join_kind;

/* A table, subselect or CTE with the alias it has in one statement. Columns
 * point at their source; a source belongs to exactly one select (or is the
 * target of a write), so a column of an outer source in an inner select is an
 * outer reference without further marking. */
typedef struct oxy_source {
    const oxy_table *table;          /* table, or NULL */
    const struct oxy_select *select; /* subselect, or NULL */
    oxy_sv cte;                      /* name of a CTE, or empty */
    oxy_sv alias;                    /* empty: the table's own name */
    uint32_t id;                     /* number within the tree, from 0; part of the shape */
    bool optional;                   /* right side of a LEFT JOIN: its columns can be NULL; set before oxy_col */
} oxy_source;

typedef struct oxy_join {
    oxy_join_kind kind;
    const oxy_source *source;
    const struct oxy_expr *on;
} oxy_join;

/* --- expressions ------------------------------------------------------------------ */

/* One row per node kind; the comment names the live union member. */
#define OXY_EXPR_LIST(X)                                                                                               \
    X(COLUMN)    /* column */                                                                                          \
    X(NAMED)     /* named: a column of a subselect or CTE, by name */                                                  \
    X(PARAM)     /* param: one bound value */                                                                          \
    X(PARAMS)    /* params: a run of bound values, only inside IN */                                                   \
    X(NUL)       /* - : NULL */                                                                                        \
    X(BOOL)      /* boolean: always true, always false */                                                              \
    X(STAR)      /* - : the * of COUNT(*) */                                                                           \
    X(ALIAS)     /* alias: a select item of the same select, by its alias */                                           \
    X(EXCLUDED)  /* column: the proposed row of an upsert */                                                           \
    X(DEFAULT)   /* - : DEFAULT in VALUES */                                                                           \
    X(UNARY)     /* unary */                                                                                           \
    X(BINARY)    /* binary: comparison or arithmetic */                                                                \
    X(LOGIC)     /* logic: AND / OR over any number */                                                                 \
    X(NOT)       /* unary: "not true", see oxy_not() */                                                                \
    X(BETWEEN)   /* between */                                                                                         \
    X(IN)        /* in */                                                                                              \
    X(MATCH)     /* match: LIKE family and regular expressions */                                                      \
    X(FUNC)      /* func: scalar and window functions */                                                               \
    X(AGG)       /* agg */                                                                                             \
    X(CASE)      /* cases */                                                                                           \
    X(CAST)      /* cast */                                                                                            \
    X(EXTRACT)   /* part: EXTRACT and TRUNC */                                                                         \
    X(JSON_PATH) /* path: value inside a JSON column or array element */                                               \
    X(CONTAINER) /* container: containment and keys of JSON and arrays */                                              \
    X(SUBQUERY)  /* subquery: scalar */                                                                                \
    X(EXISTS)    /* subquery */                                                                                        \
    X(TUPLE)     /* list: row value, for composite keys */                                                             \
    X(WINDOW)    /* window */                                                                                          \
    X(RAW)       /* raw: text of the user with parameters */

typedef enum oxy_expr_kind {
#define X(name) OXY_E_##name,
    OXY_EXPR_LIST(X)
#undef X
        OXY_E_COUNT
} oxy_expr_kind;

typedef enum oxy_op {
    OXY_OP_EQ,
    OXY_OP_NE,
    OXY_OP_LT,
    OXY_OP_LE,
    OXY_OP_GT,
    OXY_OP_GE,
    OXY_OP_ADD,
    OXY_OP_SUB,
    OXY_OP_MUL,
    OXY_OP_DIV /* true division */,
    OXY_OP_FLOORDIV,
    OXY_OP_MOD /* sign of the divisor */,
    OXY_OP_CONCAT,
    OXY_OP_COUNT
} oxy_op;

typedef enum oxy_unop { OXY_UN_NEG, OXY_UN_IS_NULL, OXY_UN_IS_NOT_NULL, OXY_UN_COUNT } oxy_unop;

typedef enum oxy_match_op {
    OXY_MATCH_CONTAINS,
    OXY_MATCH_STARTSWITH,
    OXY_MATCH_ENDSWITH,
    OXY_MATCH_EXACT /* only with fold: iexact */,
    OXY_MATCH_LIKE /* the user's own pattern, not escaped */,
    OXY_MATCH_REGEX,
    OXY_MATCH_COUNT
} oxy_match_op;

/* Scalar and window functions. Second column: name in the Python package. */
/* clang-format off */
#define OXY_FN_LIST(X)                                                                                                 \
    X(LOWER, "Lower")                                                                                                  \
    X(UPPER, "Upper")                                                                                                  \
    X(TRIM, "Trim") X(LTRIM, "LTrim") X(RTRIM, "RTrim") X(LENGTH, "Length") X(LEFT, "Left") X(RIGHT, "Right")          \
        X(SUBSTR, "Substr") X(REPLACE, "Replace") X(STRINDEX, "StrIndex")                                              \
            X(CONCAT, "Concat") /* first argument: separator, or NUL for none */                                       \
        X(COALESCE, "Coalesce") X(NULLIF, "NullIf") X(GREATEST, "Greatest") X(LEAST, "Least") X(ABS, "Abs")            \
            X(CEIL, "Ceil") X(FLOOR, "Floor") X(SQRT, "Sqrt") X(ROUND, "Round") X(POWER, "Power") X(RANDOM, "Random")  \
                X(NOW, "Now") X(JSON_OBJECT, "JSONObject") X(ROW_NUMBER, "RowNumber") X(RANK, "Rank")                  \
                    X(DENSE_RANK, "DenseRank") X(PERCENT_RANK, "PercentRank") X(CUME_DIST, "CumeDist")                 \
                        X(NTILE, "Ntile") X(LAG, "Lag") X(LEAD, "Lead") X(FIRST_VALUE, "FirstValue")                   \
                            X(LAST_VALUE, "LastValue") X(NTH_VALUE, "NthValue")
/* clang-format on */

typedef enum oxy_fn {
#define X(name, text) OXY_FN_##name,
    OXY_FN_LIST(X)
#undef X
        OXY_FN_COUNT
} oxy_fn;

/* clang-format off */
#define OXY_AGG_LIST(X)                                                                                                \
    X(COUNT, "Count")                                                                                                  \
    X(SUM, "Sum")                                                                                                      \
    X(AVG, "Avg") X(MAX, "Max") X(MIN, "Min") X(STDDEV, "StdDev") X(VARIANCE, "Variance") X(STRING_AGG, "StringAgg")   \
        X(ARRAY_AGG, "ArrayAgg") X(BOOL_AND, "BoolAnd") X(BOOL_OR, "BoolOr")
/* clang-format on */

typedef enum oxy_aggfn {
#define X(name, text) OXY_AGG_##name,
    OXY_AGG_LIST(X)
#undef X
        OXY_AGG_COUNT_
} oxy_aggfn;

/* clang-format off */
#define OXY_PART_LIST(X)                                                                                               \
    X(YEAR, "year")                                                                                                    \
    X(ISO_YEAR, "iso_year")                                                                                            \
    X(QUARTER, "quarter") X(MONTH, "month") X(WEEK, "week") X(DAY, "day") X(WEEK_DAY, "week_day")                      \
        X(ISO_WEEK_DAY, "iso_week_day") X(HOUR, "hour") X(MINUTE, "minute") X(SECOND, "second") X(DATE, "date")        \
            X(TIME, "time")
/* clang-format on */

typedef enum oxy_part {
#define X(name, text) OXY_PART_##name,
    OXY_PART_LIST(X)
#undef X
        OXY_PART_COUNT
} oxy_part;

typedef enum oxy_container_op {
    OXY_CO_JSON_CONTAINS,
    OXY_CO_JSON_CONTAINED_BY,
    OXY_CO_HAS_KEY,
    OXY_CO_HAS_KEYS,
    OXY_CO_HAS_ANY_KEYS,
    OXY_CO_ARRAY_CONTAINS,
    OXY_CO_ARRAY_CONTAINED_BY,
    OXY_CO_ARRAY_OVERLAP,
    OXY_CO_ARRAY_LEN,
    OXY_CO_COUNT
} oxy_container_op;

/* What a comparison against a JSON path compares as. */
typedef enum oxy_json_as {
    OXY_JSON_VALUE,
    OXY_JSON_TEXT,
    OXY_JSON_NUMBER,
    OXY_JSON_BOOL,
    OXY_JSON_STRUCTURE
} oxy_json_as;

typedef struct oxy_list {
    const struct oxy_expr *const *items;
    uint32_t n;
} oxy_list;

typedef struct oxy_order {
    const struct oxy_expr *expr;
    bool descending;
    int8_t nulls; /* -1 first, +1 last, 0 as the database does */
} oxy_order;

typedef struct oxy_orders {
    const oxy_order *items;
    uint32_t n;
} oxy_orders;

typedef struct oxy_json_step {
    oxy_sv key;    /* as written; for an index its digits */
    bool is_index; /* digits: array index, or key if the value is an object */
} oxy_json_step;

typedef enum oxy_frame_unit { OXY_FRAME_NONE, OXY_FRAME_ROWS, OXY_FRAME_RANGE } oxy_frame_unit;

typedef struct oxy_expr {
    oxy_expr_kind kind;
    oxy_type type; /* of the result; set by the builder (queries document, 7.2) */
    union {
        struct {
            const oxy_source *source;
            const oxy_column *column;
        } column;
        struct {
            const oxy_source *source;
            oxy_sv name;
        } named;
        struct {
            uint32_t index;
        } param;
        /* n 0: a long list, one value at `first` that is an array; its length is no part of the shape */
        struct {
            uint32_t first, n;
        } params;
        bool boolean;
        oxy_sv alias;
        struct {
            oxy_unop op;
            const struct oxy_expr *arg;
        } unary;
        struct {
            oxy_op op;
            const struct oxy_expr *left, *right;
        } binary;
        struct {
            bool is_or;
            oxy_list list;
        } logic;
        struct {
            const struct oxy_expr *arg, *low, *high;
        } between;
        /* exactly one of values (params or list) and select */
        struct {
            const struct oxy_expr *arg;
            bool negated;
            const struct oxy_expr *params;
            oxy_list list;
            const struct oxy_select *select;
        } in;
        /* escape: the bound text needs escaping for LIKE (part of the shape) */
        struct {
            oxy_match_op op;
            bool fold, escape;
            const struct oxy_expr *arg, *pattern;
        } match;
        struct {
            oxy_fn fn;
            oxy_list args;
        } func;
        struct {
            oxy_aggfn fn;
            bool distinct;
            const struct oxy_expr *arg, *filter, *deflt, *separator;
            oxy_orders order;
        } agg;
        /* whens: condition, value, condition, value, ... */
        struct {
            oxy_list whens;
            const struct oxy_expr *otherwise;
        } cases;
        struct {
            const struct oxy_expr *arg;
        } cast; /* to: the node's type */
        struct {
            oxy_part part;
            bool trunc;
            const struct oxy_expr *arg;
        } part;
        struct {
            const struct oxy_expr *arg;
            const oxy_json_step *steps;
            uint32_t n;
            oxy_json_as as;
        } path;
        struct {
            oxy_container_op op;
            const struct oxy_expr *arg, *value;
            oxy_list keys;
        } container;
        const struct oxy_select *subquery;
        oxy_list list;
        struct {
            const struct oxy_expr *expr;
            oxy_list partition;
            oxy_orders order;
            oxy_frame_unit unit;
            bool start_unbounded, end_unbounded;
            int64_t start, end;
        } window;
        /* fragments[0] params[0] fragments[1] ... ; n_fragments = args.n + 1 */
        struct {
            const oxy_sv *fragments;
            oxy_list args;
        } raw;
    };
} oxy_expr;

/* --- statements --------------------------------------------------------------------- */

typedef struct oxy_item {
    const oxy_expr *expr;
    oxy_sv alias; /* empty: none */
} oxy_item;

typedef enum oxy_set_op { OXY_SET_UNION, OXY_SET_UNION_ALL, OXY_SET_INTERSECT, OXY_SET_EXCEPT } oxy_set_op;

typedef struct oxy_set_operand {
    oxy_set_op op;
    const struct oxy_select *select;
} oxy_set_operand;

typedef struct oxy_cte {
    oxy_sv name;
    const struct oxy_select *select;
    const struct oxy_select *step; /* recursive part, or NULL */
    bool union_distinct;
} oxy_cte;

typedef enum oxy_lock_kind { OXY_LOCK_NONE, OXY_LOCK_UPDATE, OXY_LOCK_NO_KEY_UPDATE, OXY_LOCK_SHARE } oxy_lock_kind;

typedef struct oxy_lock {
    oxy_lock_kind kind;
    bool nowait, skip_locked;
    const oxy_source *const *of;
    uint32_t n_of;
} oxy_lock;

typedef struct oxy_select {
    const oxy_cte *ctes;
    uint32_t n_ctes;
    bool distinct;
    oxy_list distinct_on;
    const oxy_item *items;
    uint32_t n_items;
    const oxy_source *from; /* may be NULL: SELECT without FROM */
    const oxy_join *joins;
    uint32_t n_joins;
    const oxy_expr *where; /* NULL: none */
    oxy_list group_by;
    const oxy_expr *having;
    /* When set operands exist, everything above is the first operand, and
     * what follows applies to the combined rows. */
    const oxy_set_operand *operands;
    uint32_t n_operands;
    oxy_orders order;
    const oxy_expr *limit, *offset; /* PARAM or NULL */
    oxy_lock lock;
} oxy_select;

typedef struct oxy_assign {
    const oxy_column *column;
    const oxy_expr *value;
} oxy_assign;

typedef enum oxy_conflict { OXY_CONFLICT_ERROR, OXY_CONFLICT_NOTHING, OXY_CONFLICT_UPDATE } oxy_conflict;

typedef struct oxy_insert {
    const oxy_source *into;
    const oxy_column *const *columns;
    uint32_t n_columns; /* 0: DEFAULT VALUES */
    const oxy_expr *const *values;
    uint32_t n_rows; /* n_rows * n_columns, row by row: PARAM, DEFAULT or any expression */
    oxy_conflict conflict;
    const oxy_column *const *targets;
    uint32_t n_targets; /* conflict target */
    const oxy_assign *sets;
    uint32_t n_sets; /* OXY_CONFLICT_UPDATE */
    const oxy_item *returning;
    uint32_t n_returning;
} oxy_insert;

typedef struct oxy_update {
    const oxy_source *table;
    const oxy_assign *sets;
    uint32_t n_sets;
    /* bulk_update: rows of values, each starting with the key; NULL otherwise.
     * Then sets[i].value is NAMED over this source. */
    const oxy_source *values_source;
    const oxy_column *const *values_columns;
    uint32_t n_values_columns;
    const oxy_expr *const *values;
    uint32_t n_values_rows;
    const oxy_expr *where;
    const oxy_item *returning;
    uint32_t n_returning;
} oxy_update;

typedef struct oxy_delete {
    const oxy_source *table;
    const oxy_expr *where;
    const oxy_item *returning;
    uint32_t n_returning;
} oxy_delete;

typedef enum oxy_stmt_kind {
    OXY_S_SELECT,
    OXY_S_INSERT,
    OXY_S_UPDATE,
    OXY_S_DELETE,
    OXY_S_COUNT, /* SELECT COUNT(*) over the rows of select */
    OXY_S_EXISTS /* SELECT EXISTS(select) */
} oxy_stmt_kind;

typedef struct oxy_stmt {
    oxy_stmt_kind kind;
    union {
        const oxy_select *select; /* SELECT, COUNT, EXISTS */
        const oxy_insert *insert;
        const oxy_update *update;
        const oxy_delete *del;
    };
    uint32_t n_params;
} oxy_stmt;

/* --- builder --------------------------------------------------------------------------- */

/* Makes nodes, numbers sources and collects parameters.
 * Owner: whoever called init; release with fini (frees the arena and values).
 * The first failure sticks: err tells it, and every later call returns NULL
 * and does nothing, so a caller checks once, before it compiles. */
typedef struct oxy_builder {
    oxy_arena arena;
    oxy_value *params; /* values in order of their making */
    oxy_type *param_types;
    uint32_t n_params, cap_params;
    uint32_t n_sources;
    /* Where it is greater than OXY_IN_ARRAY_FROM, longer lists are filled up to a
     * power of two with their last value: few texts for all lengths. */
    uint32_t array_from; /* lists of so many values become one array; OXY_IN_ARRAY_FROM after init */
    oxy_err err;         /* err.rc is OXY_OK while all is well */
} oxy_builder;

void oxy_builder_init(oxy_builder *b, const oxy_alloc *alloc);
void oxy_builder_reset(oxy_builder *b); /* for the next statement; keeps memory */
void oxy_builder_fini(oxy_builder *b);

/* Every text given to the builder is copied into its arena unless said
 * otherwise; lists are copied too. Table, column and type text is borrowed. */
oxy_source *oxy_source_table(oxy_builder *b, const oxy_table *table, oxy_sv alias);
oxy_source *oxy_source_select(oxy_builder *b, const oxy_select *select, oxy_sv alias);
oxy_source *oxy_source_cte(oxy_builder *b, oxy_sv name, oxy_sv alias);

const oxy_expr *oxy_col(oxy_builder *b, const oxy_source *source, const oxy_column *column);
const oxy_expr *oxy_named(oxy_builder *b, const oxy_source *source, oxy_sv name, const oxy_type *type);
/* One bound value of the given type. The value's text is borrowed and must
 * live until the statement was executed. */
const oxy_expr *oxy_param(oxy_builder *b, const oxy_value *value, const oxy_type *type);
const oxy_expr *oxy_params(oxy_builder *b, const oxy_value *values, uint32_t n, const oxy_type *type);
const oxy_expr *oxy_nul(oxy_builder *b, const oxy_type *type);
const oxy_expr *oxy_bool(oxy_builder *b, bool value);
const oxy_expr *oxy_star(oxy_builder *b);
const oxy_expr *oxy_alias(oxy_builder *b, oxy_sv alias, const oxy_type *type);
const oxy_expr *oxy_excluded(oxy_builder *b, const oxy_column *column);
const oxy_expr *oxy_default(oxy_builder *b);

const oxy_expr *oxy_unary(oxy_builder *b, oxy_unop op, const oxy_expr *arg);
/* Result type by the table of 7.2. A text + text ADD becomes CONCAT. */
const oxy_expr *oxy_binary(oxy_builder *b, oxy_op op, const oxy_expr *left, const oxy_expr *right);
/* Folds constants: true AND x is x, an empty AND is true, an empty OR false. */
const oxy_expr *oxy_logic(oxy_builder *b, bool is_or, const oxy_expr *const *items, uint32_t n);
/* "Not true": false and unknown both become true. Renders NOT where the
 * operand cannot be NULL, else IS NOT TRUE. Folds constants. */
const oxy_expr *oxy_not(oxy_builder *b, const oxy_expr *arg);
/* Whether the expression can be NULL, given its columns (a LEFT-joined source
 * makes its columns nullable: tell through the column node's type.nullable). */
bool oxy_expr_nullable(const oxy_expr *e);
const oxy_expr *oxy_between(oxy_builder *b, const oxy_expr *arg, const oxy_expr *low, const oxy_expr *high);
/* No values: always false (negated: always true). NULLs among them are
 * dropped. From array_from values on the list becomes one array value. */
#define OXY_IN_ARRAY_FROM 101
#define OXY_IN_SINGLY_MOST 20000 /* values of a list that are parameters of their own, at most */
const oxy_expr *oxy_in_values(oxy_builder *b, const oxy_expr *arg, bool negated, const oxy_value *values, uint32_t n);
const oxy_expr *oxy_in_list(oxy_builder *b, const oxy_expr *arg, bool negated, const oxy_expr *const *items,
                            uint32_t n);
const oxy_expr *oxy_in_select(oxy_builder *b, const oxy_expr *arg, bool negated, const oxy_select *select);
/* pattern: a PARAM of TEXT (escape is found out here) or any expression. */
const oxy_expr *oxy_match(oxy_builder *b, oxy_match_op op, bool fold, const oxy_expr *arg, const oxy_expr *pattern);
const oxy_expr *oxy_func(oxy_builder *b, oxy_fn fn, const oxy_expr *const *args, uint32_t n);
/* init holds the live members of .agg; copied. */
const oxy_expr *oxy_agg(oxy_builder *b, const oxy_expr *init);
const oxy_expr *oxy_case(oxy_builder *b, const oxy_expr *const *whens, uint32_t n, const oxy_expr *otherwise);
const oxy_expr *oxy_cast(oxy_builder *b, const oxy_expr *arg, const oxy_type *to);
const oxy_expr *oxy_extract(oxy_builder *b, oxy_part part, bool trunc, const oxy_expr *arg);
const oxy_expr *oxy_json_path(oxy_builder *b, const oxy_expr *arg, const oxy_json_step *steps, uint32_t n,
                              oxy_json_as as, const oxy_type *type);
/* keys: of has_key and its kin. For containment in JSON they are guards, which
 * dialects with oxy_dialect_loose_containment write and others leave out: for
 * JSON_CONTAINS places in arg that are no array, for JSON_CONTAINED_BY places
 * that are nothing but an array, and arg itself if it is no object. */
const oxy_expr *oxy_container(oxy_builder *b, oxy_container_op op, const oxy_expr *arg, const oxy_expr *value,
                              const oxy_expr *const *keys, uint32_t n_keys);
const oxy_expr *oxy_scalar(oxy_builder *b, const oxy_select *select); /* type of its only item */
const oxy_expr *oxy_exists(oxy_builder *b, const oxy_select *select);
const oxy_expr *oxy_tuple(oxy_builder *b, const oxy_expr *const *items, uint32_t n);
/* init holds the live members of .window; copied. */
const oxy_expr *oxy_window(oxy_builder *b, const oxy_expr *init);
/* text: "%s" takes the next argument, "%%" is a percent sign; another count
 * than n of "%s" is OXY_VALUE. With n 0 the text stands as it is. type may be
 * UNKNOWN. */
const oxy_expr *oxy_raw(oxy_builder *b, oxy_sv text, const oxy_expr *const *args, uint32_t n, const oxy_type *type);

/* A growing list in the builder's arena, for items, joins, orders, sets. */
void *oxy_builder_append(oxy_builder *b, void *items, uint32_t *n, size_t item_size, const void *item);

/* --- shape ------------------------------------------------------------------------------- */

/* Writes the shape of a statement into out: everything that decides its SQL
 * text and its parameter and result types, and nothing of the values. Equal
 * bytes mean equal SQL in every dialect. Process-local, never stored. */
OXY_MUSTUSE oxy_rc oxy_shape(const oxy_stmt *stmt, const oxy_builder *b, oxy_buf *out);

/* Names for messages and for the binding's constants. */
const char *oxy_fn_name(oxy_fn fn);
const char *oxy_agg_name(oxy_aggfn fn);
const char *oxy_part_name(oxy_part part);

#ifdef __cplusplus
}
#endif
#endif
