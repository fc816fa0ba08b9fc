/* SPDX-License-Identifier: MIT */
/* For the diff only: which parts of two schemas are the same thing, and when
 * such parts are equal. */
#ifndef OXY_SCHEMA_DIFF_H
#define OXY_SCHEMA_DIFF_H

#include "ddl.h"

/* A table that both schemas have. new_of: by column of the old table, old_of:
 * by column of the new one; OXY_NOWHERE for columns of one side only. */
typedef struct oxy__pair {
    uint32_t old_table, new_table;
    uint32_t *new_of, *old_of;
} oxy__pair;

/* Everything in one arena, made and freed by oxy_schema_diff. */
typedef struct oxy__diff {
    const oxy_schema *from, *to;
    const oxy_rename *renames;
    uint32_t n_renames;
    oxy_arena *arena;
    oxy__pair *pairs; /* by name of the new table */
    uint32_t n_pairs;
    uint32_t *pair_of_old, *pair_of_new; /* by table: number of its pair, or OXY_NOWHERE */
    uint32_t *old_order, *new_order;     /* tables by name */
    oxy_change_sink sink;
    void *arg;
    oxy_err *err;
} oxy__diff;

/* --- match.c: which is which ----------------------------------------------------- */

/* Fills pairs and orders. OXY_VALUE for a rename that fits nothing. */
OXY_MUSTUSE oxy_rc oxy__diff_match(oxy__diff *d);
const oxy_table_def *oxy__old_table(const oxy__diff *d, const oxy__pair *p);
const oxy_table_def *oxy__new_table(const oxy__diff *d, const oxy__pair *p);
bool oxy__diff_legacy(const oxy__diff *d, uint32_t old_table);
/* Numbers of n things sorted by name; NULL when memory is out. name(things, i) gives one's name. */
uint32_t *oxy__sorted(oxy_arena *arena, const void *things, uint32_t n, oxy_sv (*name)(const void *things, uint32_t i));
oxy_sv oxy__table_name(const void *schema, uint32_t i);
oxy_sv oxy__enum_name(const void *schema, uint32_t i);

/* --- same.c: when two are equal --------------------------------------------------- */

bool oxy__same_column(const oxy__diff *d, const oxy__pair *p, uint32_t old_column, uint32_t new_column);
bool oxy__same_key(const oxy__diff *d, const oxy__pair *p);
bool oxy__same_index(const oxy__diff *d, const oxy__pair *p, const oxy_index_def *a, const oxy_index_def *b);
bool oxy__same_foreign_key(const oxy__diff *d, const oxy__pair *p, const oxy_foreign_key_def *a,
                           const oxy_foreign_key_def *b);
bool oxy__same_check(const oxy_check_def *a, const oxy_check_def *b);
/* Whether the name is one that nobody chose. */
bool oxy__auto_index_name(const oxy_table_def *t, const oxy_index_def *index);
bool oxy__auto_check_name(const oxy_table_def *t, const oxy_check_def *check);
/* Number of a column by name, or OXY_NOWHERE. */
uint32_t oxy__column_named(const oxy_table_def *t, oxy_sv name);
/* The key's columns: the table's list, or those that are flagged. */
bool oxy__is_key(const oxy_table_def *t, uint32_t column);

/* --- diff_enum.c ------------------------------------------------------------------- */

OXY_MUSTUSE oxy_rc oxy__diff_new_enums(oxy__diff *d);
OXY_MUSTUSE oxy_rc oxy__diff_enum_values(oxy__diff *d);
OXY_MUSTUSE oxy_rc oxy__diff_gone_enums(oxy__diff *d);

/* --- diff.c -------------------------------------------------------------------------- */

OXY_MUSTUSE oxy_rc oxy__diff_emit(oxy__diff *d, oxy_change change);
/* The members of a change that is about nothing yet. */
#define OXY__NONE .old_table = OXY_NOWHERE, .new_table = OXY_NOWHERE, .old_item = OXY_NOWHERE, .new_item = OXY_NOWHERE

#endif
