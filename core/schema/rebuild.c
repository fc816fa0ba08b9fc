/* SPDX-License-Identifier: MIT */
/* rebuild: SQLite alters little in place. The rest makes a new table, copies
 * the rows and gives the new table the old one's name. */
#include "alter.h"

#define NEW_SUFFIX "__new"

/* --- what needs it ------------------------------------------------------------------------ */

/* A default that SQLite takes in ADD COLUMN: nothing that is worked out. */
static bool constant(oxy_sv sql)
{
    sql = oxy__sv_trim(sql);
    if (oxy__sv_is(sql, "CURRENT_TIMESTAMP") || oxy__sv_is(sql, "CURRENT_DATE") || oxy__sv_is(sql, "CURRENT_TIME"))
        return false;
    return sql.len != 0 && sql.p[0] != '(';
}

static bool adds_by_rebuild(const oxy__alter *a)
{
    const oxy_column_def *c = a->new_column;
    bool has_default = oxy__sv_trim(c->db_default).len != 0;

    return c->unique || oxy__column_role_of(a->new_table, c).key || a->extra->backfill.len != 0 ||
           (has_default ? !constant(c->db_default) : !c->nullable);
}

/* SQLite refuses to drop what an index, a key or a constraint names; what a
 * check says is text, so any check of the table counts. */
static bool drops_by_rebuild(const oxy__alter *a)
{
    const oxy_table_def *t = a->old_table;

    if (a->old_column->unique || oxy__column_role_of(t, a->old_column).indexed || t->n_checks != 0)
        return true;
    for (uint32_t i = 0; i < t->n_indexes; i++)
        if (oxy__sv_trim(t->indexes[i].where).len != 0)
            return true;
    return false;
}

bool oxy__alter_rebuilds(const oxy__alter *a)
{
    switch (a->change->kind) {
    case OXY_CHANGE_ADD_COLUMN: return adds_by_rebuild(a);
    case OXY_CHANGE_DROP_COLUMN: return drops_by_rebuild(a);
    case OXY_CHANGE_ALTER_COLUMN:
    case OXY_CHANGE_ALTER_KEY:
    case OXY_CHANGE_ADD_FOREIGN_KEY:
    case OXY_CHANGE_DROP_FOREIGN_KEY:
    case OXY_CHANGE_ADD_CHECK:
    case OXY_CHANGE_DROP_CHECK: return true;
    default: return false;
    }
}

/* --- doing it --------------------------------------------------------------------------------- */

static bool copied(const oxy_column_source *s)
{
    return s->old_column != OXY_NOWHERE || s->expression.len != 0;
}

static void put_source(oxy__ddl *e, const oxy_table_def *from, const oxy_column_source *s)
{
    bool plain = s->old_column != OXY_NOWHERE && !s->converts, both = plain && s->expression.len != 0;

    if (both)
        oxy_buf_puts(&e->out, "COALESCE(");
    if (plain)
        oxy_quote_name(e->d, &e->out, from->columns[s->old_column].name);
    if (both)
        oxy_buf_puts(&e->out, ", ");
    if (s->expression.len != 0)
        oxy_buf_put(&e->out, s->expression.p, s->expression.len);
    if (both)
        oxy_buf_putc(&e->out, ')');
}

static oxy_rc copy_rows(oxy__ddl *e, const oxy_table_def *from, const oxy_table_def *to, oxy_sv made,
                        const oxy_column_source *sources)
{
    uint32_t n = 0;

    oxy_buf_puts(&e->out, "INSERT INTO ");
    oxy__ddl_qualified(e, to->schema, made);
    oxy_buf_puts(&e->out, " (");
    for (uint32_t i = 0; i < to->n_columns; i++) {
        if (!copied(&sources[i]))
            continue;
        oxy_buf_puts(&e->out, n++ == 0 ? "" : ", ");
        oxy_quote_name(e->d, &e->out, to->columns[i].name);
    }
    oxy_buf_puts(&e->out, ") SELECT ");
    n = 0;
    for (uint32_t i = 0; i < to->n_columns; i++) {
        if (!copied(&sources[i]))
            continue;
        oxy_buf_puts(&e->out, n++ == 0 ? "" : ", ");
        put_source(e, from, &sources[i]);
    }
    oxy_buf_puts(&e->out, " FROM ");
    oxy__ddl_qualified(e, from->schema, from->name);
    if (n != 0)
        return oxy__ddl_emit(e);
    oxy_buf_reset(&e->out); /* nothing of the old rows stays: then no row does */
    return OXY_OK;
}

static oxy_rc swap(oxy__ddl *e, const oxy_table_def *from, const oxy_table_def *to, oxy_sv made)
{
    oxy_rc rc;

    oxy_buf_puts(&e->out, "DROP TABLE ");
    oxy__ddl_qualified(e, from->schema, from->name);
    rc = oxy__ddl_emit(e);
    if (rc != OXY_OK)
        return rc;
    oxy_buf_puts(&e->out, "ALTER TABLE ");
    oxy__ddl_qualified(e, to->schema, made);
    oxy_buf_puts(&e->out, " RENAME TO ");
    oxy_quote_name(e->d, &e->out, to->name);
    return oxy__ddl_emit(e);
}

static oxy_rc rebuild(oxy__ddl *e, const oxy_table_def *from, const oxy_table_def *to, oxy_sv made,
                      const oxy_column_source *sources)
{
    oxy_table_def bare = *to;
    oxy_rc rc;

    for (uint32_t i = 0; i < to->n_columns; i++)
        if (sources[i].old_column != OXY_NOWHERE && sources[i].old_column >= from->n_columns)
            return oxy_err_set(e->err, OXY_VALUE, "column %.*s comes from no column of the old table",
                               OXY_SV_ARG(to->columns[i].name));
    /* Indexes wait for the name; the table's own references to itself say it already. */
    bare.name = made;
    bare.n_indexes = 0;
    rc = oxy__ddl_create_one(e, &bare);
    if (rc == OXY_OK)
        rc = copy_rows(e, from, to, made, sources);
    if (rc == OXY_OK)
        rc = swap(e, from, to, made);
    for (uint32_t i = 0; i < to->n_indexes && rc == OXY_OK; i++)
        rc = oxy__ddl_index(e, to, &to->indexes[i]);
    return rc;
}

oxy_rc oxy_ddl_rebuild(const oxy_table_def *from, const oxy_table_def *to, const oxy_column_source *sources,
                       const oxy_dialect *d, const oxy_alloc *alloc, oxy_ddl_sink sink, void *arg, oxy_err *err)
{
    oxy__ddl e = {
        .rules = oxy__ddl_rules_of(d), .d = d, .alloc = alloc, .sink = sink, .arg = arg, .err = err, .migrates = true};
    oxy_buf made;
    oxy_rc rc;

    oxy_err_clear(err);
    if (d != &oxy_dialect_sqlite)
        return oxy_err_set(err, OXY_NOT_SUPPORTED, "only sqlite makes tables anew");
    oxy_buf_init(&e.out, alloc, OXY__DDL_LIMIT);
    oxy_buf_init(&made, alloc, OXY__DDL_LIMIT);
    oxy_buf_printf(&made, "%.*s" NEW_SUFFIX, OXY_SV_ARG(to->name));
    rc = oxy__ddl_buf_rc(&made, err);
    if (rc == OXY_OK)
        rc = rebuild(&e, from, to, (oxy_sv){made.p, made.len}, sources);
    oxy_buf_fini(&made);
    oxy_buf_fini(&e.out);
    return rc;
}
