/* SPDX-License-Identifier: MIT */
/* sql: from the query tree to SQL text. One dialect per database: a table of
 * differences and a few functions. Knows no connection. */
#ifndef OXYDE_SQL_H
#define OXYDE_SQL_H

#include <oxyde/base.h>
#include <oxyde/query.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct oxy_dialect oxy_dialect; /* opaque; const and static */

extern const oxy_dialect oxy_dialect_postgres;
extern const oxy_dialect oxy_dialect_mysql;
extern const oxy_dialect oxy_dialect_mariadb; /* mysql with its own few rows */
extern const oxy_dialect oxy_dialect_sqlite;

/* "postgres", "postgresql", "mysql", "mariadb", "sqlite"; NULL if unknown. */
const oxy_dialect *oxy_dialect_find(oxy_sv name);
const char *oxy_dialect_name(const oxy_dialect *d);
/* Whether an array in JSON contains whatever one of its elements contains, so
 * that oxy_container wants guards. */
bool oxy_dialect_loose_containment(const oxy_dialect *d);
/* Greatest number of bound parameters in one statement. */
uint32_t oxy_dialect_max_params(const oxy_dialect *d);
/* For oxy_builder.array_from: how many values this database would rather have in one array. */
uint32_t oxy_dialect_array_from(const oxy_dialect *d);
/* The same for an UPDATE or DELETE. */
uint32_t oxy_dialect_array_from_in_changes(const oxy_dialect *d);

/* What happens to a value between the tree and the wire. */
typedef enum oxy_bind_how {
    OXY_BIND_PLAIN,
    OXY_BIND_LIKE_CONTAINS, /* text -> %text%, escaped with backslashes */
    OXY_BIND_LIKE_STARTSWITH,
    OXY_BIND_LIKE_ENDSWITH,
    OXY_BIND_GLOB_CONTAINS, /* text -> *text*, wildcards in brackets */
    OXY_BIND_GLOB_STARTSWITH,
    OXY_BIND_GLOB_ENDSWITH,
    OXY_BIND_ARRAY,      /* a run of n parameters as one array (PostgreSQL array, JSON text elsewhere) */
    OXY_BIND_REGEX_CASE, /* MariaDB: "(?-i)" before the pattern */
    OXY_BIND_REGEX_FOLD  /* MariaDB: "(?i)" before the pattern */
} oxy_bind_how;

/* One placeholder, in the order of the text. */
typedef struct oxy_bind {
    uint32_t param; /* index into the builder's params */
    uint32_t n;     /* OXY_BIND_ARRAY: how many; else 1 */
    oxy_bind_how how;
    oxy_type type; /* that the value is sent as; text borrowed from the tables */
} oxy_bind;

/* A result column: its type for decoding. */
typedef struct oxy_result_col {
    oxy_type type;
    oxy_sv name;              /* alias or column name; owned by the statement */
    const oxy_column *column; /* the plain column it shows, or NULL */
    const oxy_table *table;   /* of that column, or NULL */
} oxy_result_col;

/* A compiled statement: one block of memory, immutable, free of the tree.
 * Owner: whoever called oxy_compile; release with oxy_sql_free. Text of types
 * stays borrowed from the tables. */
typedef struct oxy_sql {
    const oxy_alloc *alloc;
    char *text; /* NUL-terminated */
    size_t len;
    oxy_bind *binds;
    uint32_t n_binds;
    oxy_result_col *cols;
    uint32_t n_cols;
    oxy_stmt_kind kind;
    /* An INSERT of several rows from which nothing but their key comes back, where that
     * may be SQLite's rowid: how long the text is without RETURNING, and a query for
     * the greatest rowid. Its column has the key's name if the rowid is the key. */
    size_t quiet_len;
    oxy_sv key_query; /* p NULL: not such an INSERT; part of the block */
    uint32_t n_rows;
    bool writes; /* needs the writer: INSERT, UPDATE, DELETE, locking SELECT */
    bool point;  /* touches at most a few rows by its look: VALUES of few rows, key equality */
} oxy_sql;

/* Limits: text 64 MiB. OXY_NOT_SUPPORTED for what the database lacks, naming
 * it; OXY_MANAGER, OXY_FIELD, OXY_VALUE for trees that cannot be written. */
OXY_MUSTUSE oxy_rc oxy_compile(const oxy_stmt *stmt, const oxy_builder *b, const oxy_dialect *d, const oxy_alloc *alloc,
                               oxy_sql **out, oxy_err *err);
void oxy_sql_free(oxy_sql *sql); /* NULL is fine */

/* The value to send for one bind: pattern made, run gathered. Text goes to
 * scratch. Does not encode: that is the codec's work. */
OXY_MUSTUSE oxy_rc oxy_bind_value(const oxy_bind *bind, const oxy_value *params, oxy_arena *scratch, oxy_value *out,
                                  oxy_err *err);

/* Appends a quoted identifier ("a""b", `a``b`). NUL in a name is OXY_VALUE
 * through the buffer's sticky code. */
void oxy_quote_name(const oxy_dialect *d, oxy_buf *out, oxy_sv name);
/* Appends a quoted string literal, for DDL and comments only. */
void oxy_quote_text(const oxy_dialect *d, oxy_buf *out, oxy_sv text);

#ifdef __cplusplus
}
#endif
#endif
