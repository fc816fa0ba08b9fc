/* SPDX-License-Identifier: MIT */
/* For this room only: how the databases differ in DDL, and the pieces that
 * statements are put together from. */
#ifndef OXY_SCHEMA_DDL_H
#define OXY_SCHEMA_DDL_H

#include <oxyde/schema.h>

/* Facts of one database; text where it differs, a flag where only presence
 * does. One const table each, in rules.c. */
typedef struct oxy__ddl_rules {
    const char *types[OXY_K_COUNT]; /* NULL: STRING, DECIMAL, ENUM and ARRAY, made by type.c where they vary */
    const char *decimal;            /* word before "(p,s)"; NULL: types[] has it all */
    const char *serial, *bigserial; /* what these types of the user become; NULL: themselves */
    const char *big_key;            /* type of an auto-numbered key */
    const char *auto_clause;        /* after it, with a blank before; "" for none */
    const char *yes, *no;           /* boolean defaults */
    const char *blob_open;          /* before the hexadecimal digits of a default */
    bool auto_needs_int;            /* numbering only where the annotation is int */
    bool decimal_needs_size;        /* a bare decimal would round */
    bool native_enums;              /* CREATE TYPE */
    bool inline_enums;              /* ENUM('a','b') */
    bool native_arrays;
    bool native_zones; /* zone-aware columns keep an offset in text */
    bool native_intervals;
    bool alter_constraints; /* ADD CONSTRAINT exists */
    bool modifies;          /* MODIFY COLUMN with the whole definition, not ALTER COLUMN */
    bool renames_in_full;   /* RENAME TABLE with both names qualified */
    bool drops_by_kind;     /* DROP INDEX ... ON, DROP FOREIGN KEY */
    bool schemas;           /* CREATE SCHEMA, SET SCHEMA */
    bool concurrent_indexes;
    bool inline_uniques; /* named UNIQUE in CREATE TABLE; else a unique index */
    bool comments_inline, comments_on;
    bool index_methods, partial_indexes;
    bool index_if_not_exists;
    bool index_schema_first;              /* "s"."index" ON "t", not "index" ON "s"."t" */
    bool target_schema;                   /* REFERENCES may name a schema */
    bool index_needs_length;              /* no index on TEXT: VARCHAR(255) instead */
    bool now_precision;                   /* CURRENT_TIMESTAMP must name the column's */
    bool paren_lob_defaults;              /* defaults of TEXT, BLOB and JSON in parentheses */
    bool text_decimals;                   /* decimals live in text, a bare default would go through a double */
    bool do_blocks;                       /* DO $$ ... $$, which can ignore what exists */
    const char *checks_off, *checks_back; /* foreign-key checks of the session; NULL: none needed */
    bool drop_cascade;                    /* one DROP TABLE for all, with CASCADE */
} oxy__ddl_rules;

/* Bytes of one statement. */
#define OXY__DDL_LIMIT ((size_t)16 << 20)

const oxy__ddl_rules *oxy__ddl_rules_of(const oxy_dialect *d);

/* One statement list in the making. */
typedef struct oxy__ddl {
    const oxy__ddl_rules *rules;
    const oxy_dialect *d;
    const oxy_alloc *alloc;
    oxy_buf out; /* the statement at hand */
    oxy_ddl_sink sink;
    void *arg;
    oxy_err *err;
    bool if_exists;    /* or: if not exists */
    bool concurrently; /* CREATE INDEX CONCURRENTLY */
    bool migrates;     /* defaults are SQL text of any database, enum types are made by others */
} oxy__ddl;

/* rc of the buffer as a failure of the call, with words. */
oxy_rc oxy__ddl_buf_rc(const oxy_buf *b, oxy_err *err);
/* Hands the statement to the sink and empties the buffer. */
OXY_MUSTUSE oxy_rc oxy__ddl_emit(oxy__ddl *e);

/* --- names (names.c) ------------------------------------------------------------ */

/* "schema"."name", or "name". */
void oxy__ddl_qualified(oxy__ddl *e, oxy_sv schema, oxy_sv name);
/* ("a", "b") */
void oxy__ddl_columns(oxy__ddl *e, oxy_names columns);
bool oxy__names_have(oxy_names names, oxy_sv name);
/* Equal without regard to ASCII case. */
bool oxy__sv_is(oxy_sv text, const char *word);
oxy_sv oxy__sv_trim(oxy_sv text);

/* --- columns (type.c, default.c) ---------------------------------------------------- */

/* What a column's place in its table adds to its definition. */
typedef struct oxy__column_role {
    bool only_key; /* the whole primary key */
    bool key;      /* part of it */
    bool indexed;  /* by anything, the key included */
} oxy__column_role;

oxy__column_role oxy__column_role_of(const oxy_table_def *t, const oxy_column_def *c);
/* Whether the database numbers the column. */
bool oxy__column_auto(const oxy_column_def *c, oxy__column_role role, const oxy__ddl_rules *rules);
oxy_rc oxy__ddl_column_type(const oxy_column_def *c, oxy__column_role role, const oxy_dialect *d, oxy_buf *out,
                            oxy_err *err);
/* Appends " DEFAULT ..." or nothing. */
oxy_rc oxy__ddl_default(oxy__ddl *e, const oxy_column_def *c, oxy__column_role role);
/* default_same.c: the boolean that the text spells (1, 0, -1 for none), and the
 * hexadecimal digits of bytes. */
int oxy__default_bool(oxy_sv text);
bool oxy__default_hex(oxy_sv text, oxy_sv *out);
/* default.c: whether SQLite, which turns a number into text through a double of
 * 15 digits, would give these very digits back; a list as a quoted literal. */
bool oxy__default_survives(oxy_sv text);
oxy_rc oxy__default_list(oxy__ddl *e, const oxy_column_def *c, const oxy_value *v);
/* default_translate.c: a default of another database's spelling, in this one's;
 * *done tells whether it was such a text. */
OXY_MUSTUSE oxy_rc oxy__default_translated(oxy__ddl *e, const oxy_column_def *c, oxy_sv sql, bool *done);
/* Appends a PostgreSQL array literal without quotes: {1,NULL,"a b"}. */
void oxy__ddl_array_literal(oxy_buf *b, const oxy_value *v);

/* What is left out of a column's definition. */
enum {
    OXY__COLUMN_WHOLE = 0,
    OXY__COLUMN_NO_KEY = 1,    /* PRIMARY KEY and UNIQUE: they stay as they are */
    OXY__COLUMN_NO_NUMBER = 2, /* AUTO_INCREMENT */
};
/* "name" type NOT NULL ... (create.c) */
oxy_rc oxy__ddl_column(oxy__ddl *e, const oxy_table_def *t, const oxy_column_def *c, unsigned without);
/* The tables, in the order given by the numbers (create.c). */
oxy_rc oxy__ddl_create_one(oxy__ddl *e, const oxy_table_def *t);
/* COMMENT ON, where the database has it (create.c). */
oxy_rc oxy__ddl_comment(oxy__ddl *e, const oxy_table_def *t, const oxy_column_def *c);

/* --- constraints and indexes (constraint.c) ----------------------------------------------- */

/* CONSTRAINT "n" FOREIGN KEY (...) REFERENCES ... */
oxy_rc oxy__ddl_foreign_key(oxy__ddl *e, const oxy_table_def *t, const oxy_foreign_key_def *fk);
void oxy__ddl_check(oxy__ddl *e, const oxy_check_def *check);
void oxy__ddl_unique(oxy__ddl *e, const oxy_index_def *unique);
/* CREATE [UNIQUE] INDEX ... as a statement of its own. */
oxy_rc oxy__ddl_index(oxy__ddl *e, const oxy_table_def *t, const oxy_index_def *index);

/* --- order (order.c) ------------------------------------------------------------------------ */

/* Fills order with the numbers of the tables, referenced ones first where that
 * is possible, otherwise as given. */
OXY_MUSTUSE oxy_rc oxy__ddl_order(const oxy_table_def *tables, uint32_t n, const oxy_alloc *alloc, uint32_t *order);
bool oxy__ddl_targets(const oxy_foreign_key_def *fk, const oxy_table_def *from, const oxy_table_def *t);

/* --- enum types (enum.c) --------------------------------------------------------------------- */

/* Calls with each enum type of the tables once, in order of first use. The same
 * name with other values is OXY_VALUE. */
typedef oxy_rc (*oxy__enum_fn)(oxy__ddl *e, const oxy_column_def *c);
OXY_MUSTUSE oxy_rc oxy__ddl_enums(oxy__ddl *e, const oxy_table_def *tables, uint32_t n, oxy__enum_fn each);

#endif
