/* SPDX-License-Identifier: MIT */
/* drop: the statements that remove tables and their enum types. */
#include "ddl.h"

static void put_drop(oxy__ddl *e, const char *what)
{
    oxy_buf_puts(&e->out, "DROP ");
    oxy_buf_puts(&e->out, what);
    oxy_buf_puts(&e->out, e->if_exists ? " IF EXISTS " : " ");
}

static oxy_rc drop_enum(oxy__ddl *e, const oxy_column_def *c)
{
    put_drop(e, "TYPE");
    oxy__ddl_qualified(e, c->type.name_schema, c->type.name);
    return oxy__ddl_emit(e);
}

/* Referencing tables first: the order of creation, backwards. */
static oxy_rc drop_all(oxy__ddl *e, const oxy_table_def *tables, const uint32_t *order, uint32_t n)
{
    bool together = e->rules->drop_cascade;
    uint32_t i;
    oxy_rc rc = OXY_OK;

    for (i = n; i > 0 && rc == OXY_OK; i--) {
        const oxy_table_def *t = &tables[order[i - 1]];

        if (i == n || !together)
            put_drop(e, "TABLE");
        else
            oxy_buf_puts(&e->out, ", ");
        oxy__ddl_qualified(e, t->schema, t->name);
        if (!together)
            rc = oxy__ddl_emit(e);
    }
    if (together) {
        oxy_buf_puts(&e->out, " CASCADE");
        rc = oxy__ddl_emit(e);
    }
    return rc == OXY_OK ? oxy__ddl_enums(e, tables, n, drop_enum) : rc;
}

oxy_rc oxy_ddl_drop(const oxy_table_def *tables, uint32_t n, const oxy_dialect *d, bool if_exists,
                    const oxy_alloc *alloc, oxy_ddl_sink sink, void *arg, oxy_err *err)
{
    oxy__ddl e = {.rules = oxy__ddl_rules_of(d),
                  .d = d,
                  .alloc = alloc,
                  .sink = sink,
                  .arg = arg,
                  .err = err,
                  .if_exists = if_exists};
    uint32_t *order;
    oxy_rc rc;

    oxy_err_clear(err);
    if (n == 0)
        return OXY_OK;
    order = oxy_alloc_zero(alloc, n, sizeof *order);
    if (order == NULL)
        return oxy_err_set(err, OXY_NOMEM, "out of memory while writing DDL");
    oxy_buf_init(&e.out, alloc, OXY__DDL_LIMIT);
    rc = oxy__ddl_order(tables, n, alloc, order);
    if (rc == OXY_OK)
        rc = drop_all(&e, tables, order, n);
    else
        (void)oxy_err_set(err, rc, "out of memory while writing DDL");
    oxy_buf_fini(&e.out);
    oxy_alloc_free(alloc, order);
    return rc;
}
