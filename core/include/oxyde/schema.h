/* SPDX-License-Identifier: MIT */
/* schema: tables as DDL sees them, the statements that make them, and the way
 * from one schema to another. */
#ifndef OXYDE_SCHEMA_H
#define OXYDE_SCHEMA_H

#include <oxyde/base.h>
#include <oxyde/query.h>
#include <oxyde/sql.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All text and arrays are borrowed from the caller for the call's length. */

typedef struct oxy_names {
    const oxy_sv *items;
    uint32_t n;
} oxy_names;

typedef struct oxy_column_def {
    oxy_sv name;
    oxy_type type;         /* kind, size, db_type, enum type name */
    oxy_names enum_values; /* ENUM: labels in order */
    bool nullable, primary_key, unique;
    bool python_int;   /* the annotation is int: auto-increment may apply */
    oxy_sv db_default; /* raw SQL, wins; p NULL: none */
    bool has_default;  /* default_value is the Python default */
    oxy_value default_value;
    oxy_sv comment;
    bool is_foreign_key; /* never auto-increment */
} oxy_column_def;

typedef struct oxy_foreign_key_def {
    oxy_sv name; /* fk_{table}_{column} */
    oxy_names columns;
    oxy_sv target_table, target_schema;
    oxy_names target_columns;
    oxy_sv on_delete, on_update; /* "CASCADE", "SET NULL", ... upper case */
} oxy_foreign_key_def;

typedef struct oxy_index_def {
    oxy_sv name;
    oxy_names columns;
    oxy_sv method; /* PostgreSQL only */
    oxy_sv where;  /* empty: none */
    bool unique;
    bool constraint; /* a unique constraint, where the database tells it from a unique index */
} oxy_index_def;

typedef struct oxy_check_def {
    oxy_sv name, expression;
} oxy_check_def;

typedef struct oxy_table_def {
    oxy_sv name, schema, comment;
    oxy_names primary_key; /* columns, in order */
    const oxy_column_def *columns;
    const oxy_foreign_key_def *foreign_keys;
    const oxy_index_def *indexes;
    const oxy_check_def *checks;
    uint32_t n_columns, n_foreign_keys, n_indexes, n_checks; /* one count per list */
} oxy_table_def;

/* Receives one finished statement, without a semicolon. A code other than OXY_OK stops. */
typedef oxy_rc (*oxy_ddl_sink)(void *arg, const char *sql, size_t len);

/* The statements that create the tables: enum types, tables in foreign-key
 * order (cycles closed by ALTER TABLE where the database has it), indexes,
 * comments. Text forms: migrations document, 10; models document, 5, 7, 9. */
OXY_MUSTUSE oxy_rc oxy_ddl_create(const oxy_table_def *tables, uint32_t n, const oxy_dialect *d, bool if_not_exists,
                                  const oxy_alloc *alloc, oxy_ddl_sink sink, void *arg, oxy_err *err);
/* The statements that drop them, referencing tables first. Foreign-key checks
 * are the caller's, who knows the connection's own setting: where a cycle or a
 * table outside the list may refer to them, it switches checks off around. */
OXY_MUSTUSE oxy_rc oxy_ddl_drop(const oxy_table_def *tables, uint32_t n, const oxy_dialect *d, bool if_exists,
                                const oxy_alloc *alloc, oxy_ddl_sink sink, void *arg, oxy_err *err);

/* --- from one schema to another ------------------------------------------------------ */

typedef struct oxy_enum_def {
    oxy_sv name, schema;
    oxy_names values;
} oxy_enum_def;

/* What a database is meant to hold. Column defaults are SQL text (db_default),
 * enum columns name their type, whose values stand in enums alone. */
typedef struct oxy_schema {
    const oxy_table_def *tables;
    const bool *legacy; /* by table: known from files that left things out (migrations document, 7.4); NULL: none */
    const oxy_enum_def *enums;
    uint32_t n_tables, n_enums;
} oxy_schema;

/* An answer to "was that renamed?". */
typedef enum oxy_rename_kind {
    OXY_RENAME_TABLE,      /* owner unused */
    OXY_RENAME_COLUMN,     /* owner: the table's old or new name */
    OXY_RENAME_ENUM_VALUE, /* owner: the enum type */
    OXY_REPLACE_ENUM_VALUE /* the same; the old value goes, rows that hold it get the new one */
} oxy_rename_kind;

typedef struct oxy_rename {
    oxy_rename_kind kind;
    oxy_sv owner, old_name, new_name;
} oxy_rename;

/* Operations of the migrations document, 6. The second column is their name there. */
#define OXY_CHANGE_LIST(X)                                                                                             \
    X(CREATE_SCHEMA, "create_schema")                                                                                  \
    X(CREATE_ENUM, "create_enum_type")                                                                                 \
    X(DROP_ENUM, "drop_enum_type")                                                                                     \
    X(ADD_ENUM_VALUE, "add_enum_value")                                                                                \
    X(RENAME_ENUM_VALUE, "rename_enum_value")                                                                          \
    X(REPLACE_ENUM, "replace_enum_type")                                                                               \
    X(ALTER_ENUM, "alter_enum_type")                                                                                   \
    X(CREATE_TABLE, "create_table")                                                                                    \
    X(DROP_TABLE, "drop_table")                                                                                        \
    X(RENAME_TABLE, "rename_table")                                                                                    \
    X(SET_SCHEMA, "set_schema")                                                                                        \
    X(SET_COMMENT, "set_comment")                                                                                      \
    X(ADD_COLUMN, "add_column")                                                                                        \
    X(DROP_COLUMN, "drop_column")                                                                                      \
    X(RENAME_COLUMN, "rename_column")                                                                                  \
    X(ALTER_COLUMN, "alter_column")                                                                                    \
    X(ALTER_KEY, "alter_primary_key")                                                                                  \
    X(CREATE_INDEX, "create_index")                                                                                    \
    X(DROP_INDEX, "drop_index")                                                                                        \
    X(ADD_FOREIGN_KEY, "add_foreign_key")                                                                              \
    X(DROP_FOREIGN_KEY, "drop_foreign_key")                                                                            \
    X(ADD_CHECK, "add_check")                                                                                          \
    X(DROP_CHECK, "drop_check")

typedef enum oxy_change_kind {
#define X(name, text) OXY_CHANGE_##name,
    OXY_CHANGE_LIST(X)
#undef X
        OXY_CHANGE_COUNT
} oxy_change_kind;

const char *oxy_change_name(oxy_change_kind kind);

#define OXY_NOWHERE UINT32_MAX

/* One operation, by the numbers of what it is about: a table in old and in new,
 * and in it a column, index, foreign key or check (or, for enum types, a type).
 * OXY_NOWHERE where there is none. */
typedef struct oxy_change {
    oxy_change_kind kind;
    uint32_t old_table, new_table;
    uint32_t old_item, new_item;
    oxy_sv value, before;     /* ADD_ENUM_VALUE (before empty: at the end), RENAME_ENUM_VALUE (old, new); schema name */
    const bool *without_keys; /* CREATE_TABLE, DROP_TABLE: foreign keys that have operations of their own; else NULL */
} oxy_change;

/* Receives one operation; a code other than OXY_OK stops. */
typedef oxy_rc (*oxy_change_sink)(void *arg, const oxy_change *change);

/* The operations that lead from one to the other, in the order of the migrations
 * document, 7.3; equal input gives equal output. An answer in renames that
 * fits nothing is OXY_VALUE. Borrows everything for the call. */
OXY_MUSTUSE oxy_rc oxy_schema_diff(const oxy_schema *from, const oxy_schema *to, const oxy_rename *renames,
                                   uint32_t n_renames, const oxy_alloc *alloc, oxy_change_sink sink, void *arg,
                                   oxy_err *err);
/* Whether two default clauses mean the same for a column of the kind, however
 * they are spelt: TRUE and 1, X'00' and '\\x00', NOW() and CURRENT_TIMESTAMP. */
bool oxy_default_same(oxy_kind kind, oxy_sv a, oxy_sv b);

/* What an operation says beside the two schemas. All may be empty. */
typedef struct oxy_change_extra {
    oxy_sv backfill;   /* SQL: value of existing rows that have none */
    oxy_sv conversion; /* SQL: value of the new type from the old one ("using") */
    oxy_sv unique;     /* name of the constraint or index that makes a column unique now; empty: the usual one */
    bool concurrently;
    const oxy_rename *mapping; /* REPLACE_ENUM: what takes the place of removed values */
    uint32_t n_mapping;
} oxy_change_extra;

/* The statements of one operation: `before` and `after` are the schemas around
 * it, `change` names its subject in them (migrations document, 10.2). What
 * SQLite can do only by rebuilding is OXY_NOT_SUPPORTED there: ask first. */
OXY_MUSTUSE oxy_rc oxy_ddl_change(const oxy_schema *before, const oxy_schema *after, const oxy_change *change,
                                  const oxy_change_extra *extra, const oxy_dialect *d, const oxy_alloc *alloc,
                                  oxy_ddl_sink sink, void *arg, oxy_err *err);
/* Whether the database can do the change only by making the table anew. */
bool oxy_ddl_needs_rebuild(const oxy_schema *before, const oxy_schema *after, const oxy_change *change,
                           const oxy_change_extra *extra, const oxy_dialect *d);

/* Where a column of a rebuilt table comes from: a column of the old table, SQL
 * over the old row, both (the SQL for rows where the column is NULL), or
 * neither, which leaves it to its default. */
typedef struct oxy_column_source {
    uint32_t old_column;
    oxy_sv expression;
    bool converts; /* the expression takes the column's place even where it is not NULL */
} oxy_column_source;

/* SQLite: makes the table anew under its name (migrations document, 10.3):
 * CREATE, copy, DROP, RENAME, indexes. sources: one per column of `to`. The
 * caller switches enforcement and legacy_alter_table around it. */
OXY_MUSTUSE oxy_rc oxy_ddl_rebuild(const oxy_table_def *from, const oxy_table_def *to, const oxy_column_source *sources,
                                   const oxy_dialect *d, const oxy_alloc *alloc, oxy_ddl_sink sink, void *arg,
                                   oxy_err *err);

/* Hands on the text of the column's default as SQL, without the word DEFAULT
 * and without parentheses; nothing if there is none, or none that SQL can say. */
OXY_MUSTUSE oxy_rc oxy_ddl_default(const oxy_column_def *c, const oxy_dialect *d, const oxy_alloc *alloc,
                                   oxy_ddl_sink sink, void *arg, oxy_err *err);
/* Appends a column's SQL type, as in CREATE TABLE. */
OXY_MUSTUSE oxy_rc oxy_ddl_type(const oxy_column_def *c, const oxy_dialect *d, oxy_buf *out, oxy_err *err);

#ifdef __cplusplus
}
#endif
#endif
