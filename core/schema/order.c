/* SPDX-License-Identifier: MIT */
/* order: referenced tables before those that reference them. */
#include "ddl.h"

bool oxy__ddl_targets(const oxy_foreign_key_def *fk, const oxy_table_def *from, const oxy_table_def *t)
{
    /* Without a schema of its own the target stands in no schema, or in that of
     * the table itself: SQLite knows no other case. */
    return oxy_sv_eq(fk->target_table, t->name) && (oxy_sv_eq(fk->target_schema, t->schema) ||
                                                    (fk->target_schema.len == 0 && oxy_sv_eq(from->schema, t->schema)));
}

/* The first table, not yet placed and another than the table itself, that the
 * table references; n if there is none. */
static uint32_t first_open_target(const oxy_table_def *tables, uint32_t n, const bool *placed, uint32_t table)
{
    const oxy_table_def *from = &tables[table];
    uint32_t k, i;

    for (k = 0; k < from->n_foreign_keys; k++) {
        for (i = 0; i < n; i++) {
            if (i != table && !placed[i] && oxy__ddl_targets(&from->foreign_keys[k], from, &tables[i]))
                return i;
        }
    }
    return n;
}

oxy_rc oxy__ddl_order(const oxy_table_def *tables, uint32_t n, const oxy_alloc *alloc, uint32_t *order)
{
    bool *placed;
    uint32_t done, i, step;

    if (n == 0)
        return OXY_OK;
    placed = oxy_alloc_zero(alloc, n, sizeof *placed);
    if (placed == NULL)
        return OXY_NOMEM;
    for (done = 0; done < n; done++) {
        uint32_t pick = n, at;

        for (i = 0; i < n && pick == n; i++) {
            if (!placed[i] && first_open_target(tables, n, placed, i) == n)
                pick = i;
        }
        if (pick == n) {
            /* Only cycles and what hangs on them are left. Following references
             * for as many steps as there are tables ends inside a cycle. */
            for (at = 0; placed[at]; at++)
                ;
            for (step = 0; step < n; step++)
                at = first_open_target(tables, n, placed, at);
            pick = at;
        }
        placed[pick] = true;
        order[done] = pick;
    }
    oxy_alloc_free(alloc, placed);
    return OXY_OK;
}
