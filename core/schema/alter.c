/* SPDX-License-Identifier: MIT */
/* alter: one operation of a migration as statements. Columns are in
 * alter_column.c, enum types in alter_enum.c, what SQLite rebuilds in rebuild.c. */
#include "alter.h"

oxy_rc oxy__alter_begin(oxy__ddl *e, const oxy_table_def *t)
{
    oxy_buf_puts(&e->out, "ALTER TABLE ");
    oxy__ddl_qualified(e, t->schema, t->name);
    oxy_buf_putc(&e->out, ' ');
    return OXY_OK;
}

oxy_rc oxy__alter_text(oxy__ddl *e, const char *text)
{
    oxy_buf_puts(&e->out, text);
    return oxy__ddl_emit(e);
}

static oxy_rc unsupported(oxy__ddl *e, const char *what)
{
    return oxy_err_set(e->err, OXY_NOT_SUPPORTED, "%s cannot %s", oxy_dialect_name(e->d), what);
}

/* --- tables ---------------------------------------------------------------------------- */

static oxy_rc create_table(oxy__alter *a)
{
    return oxy__ddl_create_one(a->e, a->new_table);
}

static oxy_rc drop_table(oxy__alter *a)
{
    oxy_buf_puts(&a->e->out, "DROP TABLE ");
    oxy__ddl_qualified(a->e, a->old_table->schema, a->old_table->name);
    return oxy__ddl_emit(a->e);
}

static oxy_rc rename_to(oxy__ddl *e, const oxy_table_def *from, oxy_sv schema, oxy_sv name)
{
    if (e->rules->renames_in_full) {
        oxy_buf_puts(&e->out, "RENAME TABLE ");
        oxy__ddl_qualified(e, from->schema, from->name);
        oxy_buf_puts(&e->out, " TO ");
        oxy__ddl_qualified(e, schema, name);
    } else {
        (void)oxy__alter_begin(e, from);
        oxy_buf_puts(&e->out, "RENAME TO ");
        oxy_quote_name(e->d, &e->out, name);
    }
    return oxy__ddl_emit(e);
}

static oxy_rc rename_table(oxy__alter *a)
{
    return rename_to(a->e, a->old_table, a->old_table->schema, a->new_table->name);
}

static oxy_rc set_schema(oxy__alter *a)
{
    oxy_sv schema = a->new_table->schema;

    if (!a->e->rules->schemas && !a->e->rules->renames_in_full)
        return unsupported(a->e, "move a table into another schema");
    if (a->e->rules->renames_in_full)
        return rename_to(a->e, a->old_table, schema, a->old_table->name);
    (void)oxy__alter_begin(a->e, a->old_table);
    oxy_buf_puts(&a->e->out, "SET SCHEMA ");
    oxy_quote_name(a->e->d, &a->e->out, schema.len != 0 ? schema : OXY_SV("public"));
    return oxy__ddl_emit(a->e);
}

static oxy_rc create_schema(oxy__alter *a)
{
    if (!a->e->rules->schemas) /* a schema is a database on MySQL, an attached file on SQLite */
        return OXY_OK;
    oxy_buf_puts(&a->e->out, "CREATE SCHEMA IF NOT EXISTS ");
    oxy_quote_name(a->e->d, &a->e->out, a->change->value);
    return oxy__ddl_emit(a->e);
}

static oxy_rc set_comment(oxy__alter *a)
{
    const oxy_column_def *c = a->new_column;

    if (a->e->rules->comments_on)
        return oxy__ddl_comment(a->e, a->new_table, c);
    if (!a->e->rules->comments_inline)
        return OXY_OK;
    if (c != NULL)
        return oxy__alter_modify(a->e, a->new_table, c, OXY__COLUMN_NO_KEY);
    (void)oxy__alter_begin(a->e, a->new_table);
    oxy_buf_puts(&a->e->out, "COMMENT ");
    oxy_quote_text(a->e->d, &a->e->out, a->new_table->comment);
    return oxy__ddl_emit(a->e);
}

/* --- indexes and constraints -------------------------------------------------------------- */

static oxy_rc create_index(oxy__alter *a)
{
    const oxy_index_def *index = &a->new_table->indexes[a->change->new_item];
    oxy_rc rc = oxy__alter_fit_index(a, index->columns);

    if (rc != OXY_OK)
        return rc;
    if (index->constraint && a->e->rules->inline_uniques) {
        (void)oxy__alter_begin(a->e, a->new_table);
        oxy_buf_puts(&a->e->out, "ADD ");
        oxy__ddl_unique(a->e, index);
        return oxy__ddl_emit(a->e);
    }
    a->e->concurrently = a->extra->concurrently && a->e->rules->concurrent_indexes;
    return oxy__ddl_index(a->e, a->new_table, index);
}

static oxy_rc drop_index(oxy__alter *a)
{
    const oxy_index_def *index = &a->old_table->indexes[a->change->old_item];
    oxy_buf *out = &a->e->out;
    oxy_rc rc;

    if (a->e->rules->drops_by_kind) {
        oxy_buf_puts(out, "DROP INDEX ");
        oxy_quote_name(a->e->d, out, index->name);
        oxy_buf_puts(out, " ON ");
        oxy__ddl_qualified(a->e, a->old_table->schema, a->old_table->name);
    } else if (index->constraint && a->e->rules->inline_uniques) {
        (void)oxy__alter_begin(a->e, a->old_table);
        oxy_buf_puts(out, "DROP CONSTRAINT ");
        oxy_quote_name(a->e->d, out, index->name);
    } else {
        oxy_buf_puts(out, a->extra->concurrently && a->e->rules->concurrent_indexes ? "DROP INDEX CONCURRENTLY "
                                                                                    : "DROP INDEX ");
        oxy__ddl_qualified(a->e, a->old_table->schema, index->name);
    }
    rc = oxy__ddl_emit(a->e);
    return rc == OXY_OK ? oxy__alter_fit_index(a, index->columns) : rc;
}

static oxy_rc add_foreign_key(oxy__alter *a)
{
    const oxy_foreign_key_def *fk = &a->new_table->foreign_keys[a->change->new_item];
    oxy_rc rc = oxy__alter_fit_index(a, fk->columns);

    if (rc != OXY_OK)
        return rc;
    (void)oxy__alter_begin(a->e, a->new_table);
    oxy_buf_puts(&a->e->out, "ADD ");
    rc = oxy__ddl_foreign_key(a->e, a->new_table, fk);
    return rc == OXY_OK ? oxy__ddl_emit(a->e) : rc;
}

static oxy_rc drop_named(oxy__alter *a, const char *what, oxy_sv name)
{
    (void)oxy__alter_begin(a->e, a->old_table);
    oxy_buf_puts(&a->e->out, what);
    oxy_quote_name(a->e->d, &a->e->out, name);
    return oxy__ddl_emit(a->e);
}

static oxy_rc drop_foreign_key(oxy__alter *a)
{
    return drop_named(a, a->e->rules->drops_by_kind ? "DROP FOREIGN KEY " : "DROP CONSTRAINT ",
                      a->old_table->foreign_keys[a->change->old_item].name);
}

static oxy_rc add_check(oxy__alter *a)
{
    (void)oxy__alter_begin(a->e, a->new_table);
    oxy_buf_puts(&a->e->out, "ADD ");
    oxy__ddl_check(a->e, &a->new_table->checks[a->change->new_item]);
    return oxy__ddl_emit(a->e);
}

static oxy_rc drop_check(oxy__alter *a)
{
    return drop_named(a, "DROP CONSTRAINT ", a->old_table->checks[a->change->old_item].name);
}

/* --- which is which ------------------------------------------------------------------------- */

typedef oxy_rc (*alter_fn)(oxy__alter *a);

/* What a change must name, so that no function looks beyond its arrays. */
enum {
    OLD_TABLE = 1,
    NEW_TABLE = 2,
    OLD_COLUMN = 4,
    NEW_COLUMN = 8,
    OLD_INDEX = 16,
    NEW_INDEX = 32,
    OLD_KEY = 64,
    NEW_KEY = 128,
    OLD_CHECK = 256,
    NEW_CHECK = 512,
    OLD_ENUM = 1024,
    NEW_ENUM = 2048
};

static const struct {
    alter_fn run;
    unsigned needs;
} kinds[OXY_CHANGE_COUNT] = {
    [OXY_CHANGE_CREATE_SCHEMA] = {create_schema, 0},
    [OXY_CHANGE_CREATE_ENUM] = {oxy__alter_create_enum, NEW_ENUM},
    [OXY_CHANGE_DROP_ENUM] = {oxy__alter_drop_enum, OLD_ENUM},
    [OXY_CHANGE_ADD_ENUM_VALUE] = {oxy__alter_add_value, OLD_ENUM | NEW_ENUM},
    [OXY_CHANGE_RENAME_ENUM_VALUE] = {oxy__alter_rename_value, OLD_ENUM | NEW_ENUM},
    [OXY_CHANGE_REPLACE_ENUM] = {oxy__alter_replace_enum, OLD_ENUM | NEW_ENUM},
    [OXY_CHANGE_ALTER_ENUM] = {oxy__alter_nothing, 0},
    [OXY_CHANGE_CREATE_TABLE] = {create_table, NEW_TABLE},
    [OXY_CHANGE_DROP_TABLE] = {drop_table, OLD_TABLE},
    [OXY_CHANGE_RENAME_TABLE] = {rename_table, OLD_TABLE | NEW_TABLE},
    [OXY_CHANGE_SET_SCHEMA] = {set_schema, OLD_TABLE | NEW_TABLE},
    [OXY_CHANGE_SET_COMMENT] = {set_comment, NEW_TABLE},
    [OXY_CHANGE_ADD_COLUMN] = {oxy__alter_add_column, NEW_TABLE | NEW_COLUMN},
    [OXY_CHANGE_DROP_COLUMN] = {oxy__alter_drop_column, OLD_TABLE | OLD_COLUMN},
    [OXY_CHANGE_RENAME_COLUMN] = {oxy__alter_rename_column, OLD_TABLE | OLD_COLUMN | NEW_TABLE | NEW_COLUMN},
    [OXY_CHANGE_ALTER_COLUMN] = {oxy__alter_column, OLD_TABLE | OLD_COLUMN | NEW_TABLE | NEW_COLUMN},
    [OXY_CHANGE_ALTER_KEY] = {oxy__alter_key, OLD_TABLE | NEW_TABLE},
    [OXY_CHANGE_CREATE_INDEX] = {create_index, NEW_TABLE | NEW_INDEX},
    [OXY_CHANGE_DROP_INDEX] = {drop_index, OLD_TABLE | OLD_INDEX},
    [OXY_CHANGE_ADD_FOREIGN_KEY] = {add_foreign_key, NEW_TABLE | NEW_KEY},
    [OXY_CHANGE_DROP_FOREIGN_KEY] = {drop_foreign_key, OLD_TABLE | OLD_KEY},
    [OXY_CHANGE_ADD_CHECK] = {add_check, NEW_TABLE | NEW_CHECK},
    [OXY_CHANGE_DROP_CHECK] = {drop_check, OLD_TABLE | OLD_CHECK},
};

oxy_rc oxy__alter_nothing(oxy__alter *a)
{
    (void)a;
    return OXY_OK;
}

static bool complete(const oxy__alter *a, unsigned needs)
{
    const oxy_table_def *o = a->old_table, *n = a->new_table;
    uint32_t oi = a->change->old_item, ni = a->change->new_item;

    return !(((needs & OLD_TABLE) && o == NULL) || ((needs & NEW_TABLE) && n == NULL) ||
             ((needs & OLD_COLUMN) && oi >= o->n_columns) || ((needs & NEW_COLUMN) && ni >= n->n_columns) ||
             ((needs & OLD_INDEX) && oi >= o->n_indexes) || ((needs & NEW_INDEX) && ni >= n->n_indexes) ||
             ((needs & OLD_KEY) && oi >= o->n_foreign_keys) || ((needs & NEW_KEY) && ni >= n->n_foreign_keys) ||
             ((needs & OLD_CHECK) && oi >= o->n_checks) || ((needs & NEW_CHECK) && ni >= n->n_checks) ||
             ((needs & OLD_ENUM) && oi >= a->before->n_enums) || ((needs & NEW_ENUM) && ni >= a->after->n_enums));
}

static bool about_column(oxy_change_kind kind)
{
    return kind == OXY_CHANGE_SET_COMMENT || kind == OXY_CHANGE_ADD_COLUMN || kind == OXY_CHANGE_DROP_COLUMN ||
           kind == OXY_CHANGE_RENAME_COLUMN || kind == OXY_CHANGE_ALTER_COLUMN;
}

/* Looks up what the change names; false if it names too little. */
static bool resolve(oxy__alter *a)
{
    const oxy_change *c = a->change;

    if ((unsigned)c->kind >= OXY_CHANGE_COUNT)
        return false;
    a->old_table = c->old_table < a->before->n_tables ? &a->before->tables[c->old_table] : NULL;
    a->new_table = c->new_table < a->after->n_tables ? &a->after->tables[c->new_table] : NULL;
    if (!complete(a, kinds[c->kind].needs))
        return false;
    if (about_column(c->kind)) {
        a->old_column =
            a->old_table && c->old_item < a->old_table->n_columns ? &a->old_table->columns[c->old_item] : NULL;
        a->new_column =
            a->new_table && c->new_item < a->new_table->n_columns ? &a->new_table->columns[c->new_item] : NULL;
    }
    return true;
}

bool oxy_ddl_needs_rebuild(const oxy_schema *before, const oxy_schema *after, const oxy_change *change,
                           const oxy_change_extra *extra, const oxy_dialect *d)
{
    oxy__alter a = {.before = before, .after = after, .change = change, .extra = extra};

    return d == &oxy_dialect_sqlite && resolve(&a) && oxy__alter_rebuilds(&a);
}

oxy_rc oxy_ddl_change(const oxy_schema *before, const oxy_schema *after, const oxy_change *change,
                      const oxy_change_extra *extra, const oxy_dialect *d, const oxy_alloc *alloc, oxy_ddl_sink sink,
                      void *arg, oxy_err *err)
{
    oxy__ddl e = {
        .rules = oxy__ddl_rules_of(d), .d = d, .alloc = alloc, .sink = sink, .arg = arg, .err = err, .migrates = true};
    oxy__alter a = {.e = &e, .before = before, .after = after, .change = change, .extra = extra};
    oxy_rc rc;

    oxy_err_clear(err);
    if (!resolve(&a))
        return oxy_err_set(err, OXY_VALUE, "the operation %s is not about what the schema holds",
                           oxy_change_name(change->kind));
    if (d == &oxy_dialect_sqlite && oxy__alter_rebuilds(&a))
        return oxy_err_set(err, OXY_NOT_SUPPORTED, "sqlite does %s by making the table %.*s anew",
                           oxy_change_name(change->kind),
                           OXY_SV_ARG(a.new_table != NULL ? a.new_table->name : a.old_table->name));
    oxy_buf_init(&e.out, alloc, OXY__DDL_LIMIT);
    rc = kinds[change->kind].run(&a);
    oxy_buf_fini(&e.out);
    return rc;
}
