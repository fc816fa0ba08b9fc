/* SPDX-License-Identifier: MIT */
/* What the files of the sql room share: the state of one compile, the table
 * that a dialect is, and the emitters. Emitters return void; the first failure
 * sticks in oxy__emit.rc or in the buffer. */
#ifndef OXY_SQL_EMIT_H
#define OXY_SQL_EMIT_H

#include <oxyde/sql.h>

#include <assert.h>

typedef struct oxy__emit oxy__emit;

/* How tightly a piece of SQL binds; an operand that binds less tightly than
 * its place asks for gets parentheses. One order for all databases: where they
 * differ (||, IS) the emitters ask for more than the loosest of them needs. */
enum {
    OXY__P_NONE, /* inside parentheses or between commas */
    OXY__P_OR,
    OXY__P_AND,
    OXY__P_NOT,
    OXY__P_COMPARE, /* = < IS IN BETWEEN LIKE */
    OXY__P_CONCAT,  /* || and PostgreSQL's named operators */
    OXY__P_ADD,
    OXY__P_MUL,
    OXY__P_NEG,
    OXY__P_PRIMARY
};

/* SQL with holes. "{1}" is the first argument as it stands, "<1>" the first
 * argument fit for an operator beside it, "{*}" all arguments with commas,
 * "[2...]" text that stands only if there is a second argument. */
typedef struct oxy__template {
    const char *text; /* NULL: the database lacks it */
    uint8_t prec;     /* of the whole; 0 stands for OXY__P_PRIMARY */
} oxy__template;

typedef void (*oxy__expr_fn)(oxy__emit *e, const oxy_expr *x, int min);

/* A function: a template, or an emitter where arguments decide the form. */
typedef struct oxy__fn_row {
    oxy__template as;
    oxy__expr_fn emit;
} oxy__fn_row;

/* Arithmetic is written by the class of its result. */
typedef enum oxy__number { OXY__N_INT, OXY__N_DOUBLE, OXY__N_DECIMAL, OXY__N_COUNT } oxy__number;

typedef struct oxy__arith_row {
    oxy__template as[OXY__N_COUNT]; /* text NULL: the plain operator */
} oxy__arith_row;

typedef enum oxy__upsert { OXY__UPSERT_ON_CONFLICT, OXY__UPSERT_ON_DUPLICATE } oxy__upsert;

struct oxy_dialect {
    const char *name;
    uint32_t max_params;
    char quote;
    bool numbered;                  /* $1, $2: a value may be named twice */
    const char *boolean[2];         /* FALSE, TRUE */
    uint32_t array_from;            /* lists of so many values are better one array; 0: as the builder has it */
    uint32_t array_from_in_changes; /* of an UPDATE or DELETE; 0: the same */
    uint32_t chain;                 /* longest AND or OR without grouping; 0: any */

    /* SELECT */
    const char *offset_alone; /* stands before an OFFSET without LIMIT, or NULL */
    bool distinct_on, nulls_order;
    bool group_by_position; /* an expression with values in GROUP BY must be a position */
    bool operand_parens;    /* (SELECT ...) UNION (SELECT ...); else SELECT * FROM (...) */
    bool intersect_binds;   /* INTERSECT binds tighter than UNION */
    bool in_limit_wrap;     /* IN (SELECT ... LIMIT) needs a derived table */
    bool derived_alone;     /* a derived table knows nothing of the query around it */
    bool locks, lock_no_key, lock_of;
    const char *lock_share;

    /* Writes */
    oxy__upsert upsert;
    bool returning_insert, returning_update, returning_delete;
    bool rowid_keys; /* a key may be another name of the row's number: see oxy_sql.key_query */
    bool default_in_values;
    bool update_from;    /* UPDATE ... FROM; else bulk updates are CASE chains */
    bool values_alias;   /* (VALUES ...) AS v (a, b); else a WITH */
    bool sets_in_order;  /* later assignments see earlier ones */
    bool own_table_wrap; /* a write may read its own table only through derived tables */
    bool target_alias;   /* INSERT, UPDATE and DELETE may rename their table */

    /* Expressions */
    bool enum_cast;
    bool agg_filter;
    const char *decimal_collation; /* " COLLATE ..." where decimals are text, or NULL */
    const char *fold;              /* function for comparing without regard to case */
    const char *like_binary;       /* after a pattern compared with regard to case */
    const char *like_escape;
    bool values_as_doubles; /* arithmetic between nothing but values is done in doubles */
    bool glob;              /* GLOB instead of LIKE with regard to case */
    const char *random_order;
    oxy__template match_part[2][3]; /* [fold][contains, startswith, endswith] of an expression */
    oxy__fn_row fn[OXY_FN_COUNT];
    oxy__arith_row arith[OXY_OP_COUNT];
    oxy__template extract[OXY_PART_COUNT];

    /* Text of a string literal inside an expression, on every server setting. */
    void (*literal)(oxy__emit *e, oxy_sv text);
    void (*trunc)(oxy__emit *e, const oxy_expr *x, int min);
    const char *utc; /* after the operand of EXTRACT that has a zone; NULL: nothing */
    void (*cast)(oxy__emit *e, const oxy_expr *x, int min);
    oxy__template as_json; /* text as a JSON value, where that is a cast of its own */
    oxy__template truth_as_json;
    /* Name of a type in a cast of a parameter; NULL: parameters are not cast. */
    void (*type_name)(oxy__emit *e, const oxy_type *t);
    void (*regex)(oxy__emit *e, const oxy_expr *x, int min);
    void (*json_path)(oxy__emit *e, const oxy_expr *x, int min);
    void (*container)(oxy__emit *e, const oxy_expr *x, int min);
    bool loose_containment; /* an array contains what one of its elements contains */
    /* Equality of JSON and array values, or its negation. */
    void (*equal)(oxy__emit *e, const oxy_expr *left, const oxy_expr *right, bool negated, int min);
    void (*in_array)(oxy__emit *e, const oxy_expr *x, int min);
    /* Writes an aggregate that differs from the common form; false: did not. */
    bool (*agg)(oxy__emit *e, const oxy_expr *x);
};

/* One SELECT (or write) that is being written; they nest. */
typedef struct oxy__scope {
    struct oxy__scope *outer;
    const oxy_select *select; /* NULL in a write */
    const oxy_source *const *sources;
    uint32_t n_sources;
    uint32_t level;
    bool qualify;  /* columns carry their table */
    bool no_items; /* the select list is not written: aliases and positions mean nothing */
} oxy__scope;

struct oxy__emit {
    const oxy_dialect *d;
    const oxy_builder *b;
    oxy_buf *out;
    oxy_arena *arena;
    oxy_err *err;
    oxy_rc rc;
    uint32_t depth;
    oxy_bind *binds;
    uint32_t n_binds, cap_binds;
    uint32_t *numbers; /* by parameter: the first bind that carries it, plus one; numbered dialects */
    oxy_sv *names;     /* by source id: the name it has in this statement */
    uint32_t *levels;  /* by source id: level of the scope it is open in, 0 none */
    oxy__scope *scope;
    uint32_t qualify;         /* greater than 0: inside something with columns of its own */
    uint32_t around;          /* level of the scope around the derived table at hand; 0: none */
    const oxy_expr *over;     /* window waiting for its function */
    const oxy_source *target; /* of an UPDATE or DELETE, where its table cannot be read as such */
    bool changes;             /* an UPDATE or DELETE */
    size_t quiet_len;         /* of an INSERT: what stands before RETURNING */
    size_t key_query;         /* where the text of oxy_sql.key_query begins; 0: there is none */
};

/* --- context.c ------------------------------------------------------------------ */

void oxy__fail(oxy__emit *e, oxy_rc rc, const char *fmt, ...) OXY_PRINTF(3, 4);
/* OXY_NOT_SUPPORTED, naming the database and what it lacks. */
void oxy__lacks(oxy__emit *e, const char *what);
bool oxy__enter(oxy__emit *e); /* one level deeper; false past OXY_MAX_DEPTH */
void oxy__leave(oxy__emit *e);
void oxy__scope_open(oxy__emit *e, oxy__scope *scope);
void oxy__scope_close(oxy__emit *e);
void oxy__put_bind(oxy__emit *e, uint32_t param, oxy_bind_how how, const oxy_type *type);
/* The same with the cast its type asks for. */
void oxy__put_param(oxy__emit *e, const oxy_expr *x, oxy_bind_how how);
/* A long list as one array. */
void oxy__put_array(oxy__emit *e, const oxy_expr *params);

#define OXY__PUT(e, literal) oxy_buf_put((e)->out, "" literal, sizeof(literal) - 1)
#define OXY__PUTS(e, text) oxy_buf_puts((e)->out, text)
#define OXY__PUTC(e, c) oxy_buf_putc((e)->out, c)

static inline void oxy__put_name(oxy__emit *e, oxy_sv name)
{
    oxy_quote_name(e->d, e->out, name);
}

static inline bool oxy__paren_open(oxy__emit *e, int prec, int min)
{
    if (prec >= min)
        return false;
    OXY__PUTC(e, '(');
    return true;
}

static inline void oxy__paren_close(oxy__emit *e, bool open)
{
    if (open)
        OXY__PUTC(e, ')');
}

/* --- expr.c ------------------------------------------------------------------------ */

void oxy__put_expr(oxy__emit *e, const oxy_expr *x, int min);
void oxy__put_list(oxy__emit *e, const oxy_list *list);
void oxy__put_template(oxy__emit *e, const oxy__template *t, const oxy_expr *const *args, uint32_t n, int min);
void oxy__put_column(oxy__emit *e, const oxy_source *source, oxy_sv name);
/* As an operand that is compared, ordered or grouped by value. */
void oxy__put_comparable(oxy__emit *e, const oxy_expr *x, int min);
/* As one of several alternatives that together have a type: where decimals are
 * text, numbers among them become text too. */
void oxy__put_as(oxy__emit *e, const oxy_expr *x, const oxy_type *type, int min);
/* Casts on the way to another kind, without a node in the tree. */
void oxy__put_cast(oxy__emit *e, const oxy_expr *x, oxy_kind to, int min);

/* --- arith.c, compare.c ---------------------------------------------------------------- */

void oxy__put_binary(oxy__emit *e, const oxy_expr *x, int min);
void oxy__put_negative(oxy__emit *e, const oxy_expr *x, int min);
void oxy__put_between(oxy__emit *e, const oxy_expr *x, int min);
void oxy__put_in(oxy__emit *e, const oxy_expr *x, int min);
/* Whether both are JSON or arrays, so that equality is the dialect's business. */
bool oxy__is_document(const oxy_type *t);

/* --- match.c, func.c, agg.c, json.c ------------------------------------------------------- */

void oxy__put_match(oxy__emit *e, const oxy_expr *x, int min);
void oxy__put_func(oxy__emit *e, const oxy_expr *x, int min);
void oxy__put_coalesced(oxy__emit *e, const oxy_expr *x, const char *otherwise, int min);
void oxy__put_coalesce(oxy__emit *e, const oxy_expr *x, int min);
/* GREATEST, LEAST where one NULL makes the whole NULL. */
void oxy__put_extreme(oxy__emit *e, const oxy_expr *x, const char *name);
void oxy__put_agg(oxy__emit *e, const oxy_expr *x, int min);
/* name([DISTINCT] before arg after [ORDER BY]) [FILTER] [OVER] */
void oxy__put_agg_call(oxy__emit *e, const oxy_expr *x, const char *name, const char *before, const char *after);
void oxy__put_over(oxy__emit *e);
void oxy__put_window(oxy__emit *e, const oxy_expr *x, int min);
bool oxy__plain_json(const oxy_type *t); /* JSON, not JSONB, on PostgreSQL */
/* '$."a"[0]' as SQL text. Bit i of keys: step i is a key although it could be
 * an index. */
void oxy__put_json_path(oxy__emit *e, const oxy_json_step *steps, uint32_t n, uint64_t keys);
/* Step that may be an index or a key, from step `from` on; n if there is none
 * that still needs telling. */
uint32_t oxy__json_ambiguous(const oxy_json_step *steps, uint32_t n, uint32_t from);

/* --- visit.c --------------------------------------------------------------------------- */

typedef enum oxy__look { OXY__GO_ON, OXY__FOUND, OXY__SKIP /* not into this one */ } oxy__look;
typedef oxy__look (*oxy__look_fn)(const oxy_expr *x, const void *arg);
/* Whether look finds something in the expression or anywhere below it. */
bool oxy__find(const oxy_expr *x, oxy__look_fn look, const void *arg);
bool oxy__find_in_select(const oxy_select *s, oxy__look_fn look, const void *arg);

/* --- select.c, order.c, distinct.c, write.c, update.c --------------------------------------------------- */

void oxy__put_select(oxy__emit *e, const oxy_select *s);
/* As the inside of EXISTS: nothing is selected where that changes nothing. */
void oxy__put_exists(oxy__emit *e, const oxy_select *s);
void oxy__put_count(oxy__emit *e, const oxy_select *s);
/* FROM to HAVING. */
void oxy__put_clauses(oxy__emit *e, const oxy_select *s);
void oxy__put_source(oxy__emit *e, const oxy_source *s);
void oxy__put_items(oxy__emit *e, const oxy_item *items, uint32_t n);
oxy_sv oxy__item_name(const oxy_item *item);
void oxy__put_order(oxy__emit *e, const oxy_orders *orders, bool combined);
void oxy__put_group(oxy__emit *e, const oxy_select *s);
void oxy__put_alias(oxy__emit *e, const oxy_expr *x, int min);
void oxy__put_limit(oxy__emit *e, const oxy_select *s);
bool oxy__select_aggregates(const oxy_select *s);
/* First row per value where the database lacks DISTINCT ON. */
bool oxy__needs_row_number(const oxy__emit *e, const oxy_select *s);
void oxy__put_row_number(oxy__emit *e, const oxy_select *s);

void oxy__put_insert(oxy__emit *e, const oxy_insert *s);
void oxy__put_update(oxy__emit *e, const oxy_update *s);
void oxy__put_delete(oxy__emit *e, const oxy_delete *s);
void oxy__put_assigned(oxy__emit *e, const oxy_column *column, const oxy_expr *value);
void oxy__put_returning(oxy__emit *e, const oxy_item *items, uint32_t n, bool supported);
/* Order in which assignments may be written one after another so that each
 * right side still sees old values; false if there is none (a cycle). */
bool oxy__sets_order(oxy__emit *e, const oxy_assign *sets, uint32_t n, uint32_t *order);
/* Whether an expression looks at a column of the table that is written. */
bool oxy__reads_column(const oxy_expr *x, const oxy_column *column);

#endif
