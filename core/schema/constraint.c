/* SPDX-License-Identifier: MIT */
/* constraint: foreign keys, checks, uniqueness and indexes. */
#include "ddl.h"

/* The action in SQL, or NULL. Empty means what SQL means by nothing. */
static const char *action_of(oxy_sv text)
{
    static const char *const actions[] = {"CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"};
    size_t i;

    if (text.len == 0)
        return "NO ACTION";
    for (i = 0; i < OXY_COUNT(actions); i++) {
        if (oxy__sv_is(text, actions[i]))
            return actions[i];
    }
    return NULL;
}

static void put_constraint_name(oxy__ddl *e, oxy_sv name)
{
    oxy_buf_puts(&e->out, "CONSTRAINT ");
    oxy_quote_name(e->d, &e->out, name);
    oxy_buf_putc(&e->out, ' ');
}

oxy_rc oxy__ddl_foreign_key(oxy__ddl *e, const oxy_table_def *t, const oxy_foreign_key_def *fk)
{
    const char *on_delete = action_of(fk->on_delete), *on_update = action_of(fk->on_update);

    if (on_delete == NULL || on_update == NULL)
        return oxy_err_set(e->err, OXY_VALUE, "foreign key %.*s of table %.*s: unknown action %.*s",
                           OXY_SV_ARG(fk->name), OXY_SV_ARG(t->name),
                           OXY_SV_ARG(on_delete == NULL ? fk->on_delete : fk->on_update));
    put_constraint_name(e, fk->name);
    oxy_buf_puts(&e->out, "FOREIGN KEY ");
    oxy__ddl_columns(e, fk->columns);
    oxy_buf_puts(&e->out, " REFERENCES ");
    oxy__ddl_qualified(e, e->rules->target_schema ? fk->target_schema : OXY_SV(""), fk->target_table);
    oxy_buf_putc(&e->out, ' ');
    oxy__ddl_columns(e, fk->target_columns);
    oxy_buf_puts(&e->out, " ON DELETE ");
    oxy_buf_puts(&e->out, on_delete);
    oxy_buf_puts(&e->out, " ON UPDATE ");
    oxy_buf_puts(&e->out, on_update);
    return OXY_OK;
}

void oxy__ddl_check(oxy__ddl *e, const oxy_check_def *check)
{
    put_constraint_name(e, check->name);
    oxy_buf_puts(&e->out, "CHECK (");
    oxy_buf_put(&e->out, check->expression.p, check->expression.len);
    oxy_buf_putc(&e->out, ')');
}

void oxy__ddl_unique(oxy__ddl *e, const oxy_index_def *unique)
{
    put_constraint_name(e, unique->name);
    oxy_buf_puts(&e->out, "UNIQUE ");
    oxy__ddl_columns(e, unique->columns);
}

/* A method is a bare word, not SQL of the user. */
static bool is_word(oxy_sv text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        char c = text.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return text.len != 0;
}

oxy_rc oxy__ddl_index(oxy__ddl *e, const oxy_table_def *t, const oxy_index_def *index)
{
    oxy_sv where = oxy__sv_trim(index->where);
    bool guarded = e->if_exists && e->rules->index_if_not_exists;

    if (where.len != 0 && !e->rules->partial_indexes)
        return oxy_err_set(e->err, OXY_NOT_SUPPORTED, "%s has no partial indexes: index %.*s of table %.*s has a where",
                           oxy_dialect_name(e->d), OXY_SV_ARG(index->name), OXY_SV_ARG(t->name));
    if (index->method.len != 0 && !is_word(index->method))
        return oxy_err_set(e->err, OXY_VALUE, "index %.*s of table %.*s: the method is not a name",
                           OXY_SV_ARG(index->name), OXY_SV_ARG(t->name));
    oxy_buf_puts(&e->out, index->unique || index->constraint ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    if (e->concurrently)
        oxy_buf_puts(&e->out, "CONCURRENTLY ");
    if (guarded)
        oxy_buf_puts(&e->out, "IF NOT EXISTS ");
    oxy__ddl_qualified(e, e->rules->index_schema_first ? t->schema : OXY_SV(""), index->name);
    oxy_buf_puts(&e->out, " ON ");
    oxy__ddl_qualified(e, e->rules->index_schema_first ? OXY_SV("") : t->schema, t->name);
    if (index->method.len != 0 && e->rules->index_methods) {
        oxy_buf_puts(&e->out, " USING ");
        oxy_buf_put(&e->out, index->method.p, index->method.len);
    }
    oxy_buf_putc(&e->out, ' ');
    oxy__ddl_columns(e, index->columns);
    if (where.len != 0) {
        oxy_buf_puts(&e->out, " WHERE ");
        oxy_buf_put(&e->out, where.p, where.len);
    }
    return oxy__ddl_emit(e);
}
