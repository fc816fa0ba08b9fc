/* SPDX-License-Identifier: MIT */
/* For the statements of operations only. */
#ifndef OXY_SCHEMA_ALTER_H
#define OXY_SCHEMA_ALTER_H

#include "diff.h"

/* One operation and what it is about; everything borrowed. */
typedef struct oxy__alter {
    oxy__ddl *e;
    const oxy_schema *before, *after;
    const oxy_change *change;
    const oxy_change_extra *extra;
    const oxy_table_def *old_table, *new_table;    /* NULL where the change names none */
    const oxy_column_def *old_column, *new_column; /* of operations about columns */
} oxy__alter;

/* ALTER TABLE "t" and a blank. */
oxy_rc oxy__alter_begin(oxy__ddl *e, const oxy_table_def *t);
OXY_MUSTUSE oxy_rc oxy__alter_text(oxy__ddl *e, const char *text);
OXY_MUSTUSE oxy_rc oxy__alter_nothing(oxy__alter *a);

/* --- alter_column.c --------------------------------------------------------------- */

OXY_MUSTUSE oxy_rc oxy__alter_add_column(oxy__alter *a);
OXY_MUSTUSE oxy_rc oxy__alter_drop_column(oxy__alter *a);
OXY_MUSTUSE oxy_rc oxy__alter_rename_column(oxy__alter *a);
OXY_MUSTUSE oxy_rc oxy__alter_column(oxy__alter *a);
OXY_MUSTUSE oxy_rc oxy__alter_key(oxy__alter *a);
/* MySQL: text that is indexed is VARCHAR(255). MODIFY of the columns whose type
 * differs because an index or key of them comes or goes. */
OXY_MUSTUSE oxy_rc oxy__alter_fit_index(oxy__alter *a, oxy_names columns);
/* MySQL: ALTER TABLE t MODIFY COLUMN and the definition. */
OXY_MUSTUSE oxy_rc oxy__alter_modify(oxy__ddl *e, const oxy_table_def *t, const oxy_column_def *c, unsigned without);

/* --- alter_enum.c ------------------------------------------------------------------ */

OXY_MUSTUSE oxy_rc oxy__alter_create_enum(oxy__alter *a);
OXY_MUSTUSE oxy_rc oxy__alter_drop_enum(oxy__alter *a);
OXY_MUSTUSE oxy_rc oxy__alter_add_value(oxy__alter *a);
OXY_MUSTUSE oxy_rc oxy__alter_rename_value(oxy__alter *a);
OXY_MUSTUSE oxy_rc oxy__alter_replace_enum(oxy__alter *a);

/* --- rebuild.c ---------------------------------------------------------------------- */

/* SQLite: whether the operation has no statement of its own. */
bool oxy__alter_rebuilds(const oxy__alter *a);

#endif
