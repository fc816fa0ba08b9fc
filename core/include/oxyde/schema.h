/* SPDX-License-Identifier: MIT */
/* schema: tables as DDL sees them, and the statements that make them. Diff
 * and reading a live database stand beside this when migrations land. */
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
} oxy_index_def;

typedef struct oxy_check_def {
    oxy_sv name, expression;
} oxy_check_def;

typedef struct oxy_unique_def {
    oxy_sv name;
    oxy_names columns;
} oxy_unique_def;

typedef struct oxy_table_def {
    oxy_sv name, schema, comment;
    oxy_names primary_key; /* columns, in order */
    const oxy_column_def *columns;
    const oxy_foreign_key_def *foreign_keys;
    const oxy_index_def *indexes;
    const oxy_unique_def *uniques;
    const oxy_check_def *checks;
    uint32_t n_columns, n_foreign_keys, n_indexes, n_uniques, n_checks; /* one count per list */
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

/* Appends a column's SQL type, as in CREATE TABLE. */
OXY_MUSTUSE oxy_rc oxy_ddl_type(const oxy_column_def *c, const oxy_dialect *d, oxy_buf *out, oxy_err *err);

#ifdef __cplusplus
}
#endif
#endif
