/* SPDX-License-Identifier: MIT */
/* alter_enum: enum types and their values. PostgreSQL has types; on MySQL each
 * column lists its values; SQLite keeps text. */
#include "alter.h"

/* The type's own name, and with something behind it. */
static void put_type(oxy__ddl *e, const oxy_enum_def *def, const char *suffix)
{
    oxy_buf name;

    oxy_buf_init(&name, e->alloc, OXY__DDL_LIMIT);
    oxy_buf_put(&name, def->name.p, def->name.len);
    oxy_buf_puts(&name, suffix);
    if (name.rc == OXY_OK)
        oxy__ddl_qualified(e, def->schema, (oxy_sv){name.p, name.len});
    else
        e->out.rc = name.rc;
    oxy_buf_fini(&name);
}

static oxy_rc create(oxy__ddl *e, const oxy_enum_def *def)
{
    oxy_buf_puts(&e->out, "CREATE TYPE ");
    put_type(e, def, "");
    oxy_buf_puts(&e->out, " AS ENUM (");
    for (uint32_t i = 0; i < def->values.n; i++) {
        oxy_buf_puts(&e->out, i == 0 ? "" : ", ");
        oxy_quote_text(e->d, &e->out, def->values.items[i]);
    }
    oxy_buf_putc(&e->out, ')');
    return oxy__ddl_emit(e);
}

static oxy_rc drop(oxy__ddl *e, const oxy_enum_def *def, const char *suffix)
{
    oxy_buf_puts(&e->out, "DROP TYPE ");
    put_type(e, def, suffix);
    return oxy__ddl_emit(e);
}

oxy_rc oxy__alter_create_enum(oxy__alter *a)
{
    return a->e->rules->native_enums ? create(a->e, &a->after->enums[a->change->new_item]) : OXY_OK;
}

oxy_rc oxy__alter_drop_enum(oxy__alter *a)
{
    return a->e->rules->native_enums ? drop(a->e, &a->before->enums[a->change->old_item], "") : OXY_OK;
}

/* --- columns of a type ---------------------------------------------------------------------- */

static bool of_type(const oxy_column_def *c, const oxy_enum_def *def)
{
    return oxy__sv_trim(c->type.db_type).len == 0 && oxy_sv_eq(c->type.name, def->name) &&
           (c->type.kind == OXY_K_ENUM || (c->type.kind == OXY_K_ARRAY && c->type.elem == OXY_K_ENUM));
}

typedef oxy_rc (*use_fn)(oxy__alter *a, const oxy_table_def *t, const oxy_column_def *c);

static oxy_rc each_use(oxy__alter *a, const oxy_schema *s, const oxy_enum_def *def, use_fn use)
{
    oxy_rc rc = OXY_OK;

    for (uint32_t t = 0; t < s->n_tables; t++)
        for (uint32_t c = 0; c < s->tables[t].n_columns && rc == OXY_OK; c++)
            if (of_type(&s->tables[t].columns[c], def))
                rc = use(a, &s->tables[t], &s->tables[t].columns[c]);
    return rc;
}

static oxy_rc modify(oxy__alter *a, const oxy_table_def *t, const oxy_column_def *c)
{
    return c->type.kind == OXY_K_ENUM ? oxy__alter_modify(a->e, t, c, OXY__COLUMN_NO_KEY) : OXY_OK;
}

oxy_rc oxy__alter_add_value(oxy__alter *a)
{
    const oxy_enum_def *def = &a->after->enums[a->change->new_item];
    oxy__ddl *e = a->e;

    if (e->rules->inline_enums)
        return each_use(a, a->after, def, modify);
    if (!e->rules->native_enums)
        return OXY_OK;
    oxy_buf_puts(&e->out, "ALTER TYPE ");
    put_type(e, def, "");
    oxy_buf_puts(&e->out, " ADD VALUE IF NOT EXISTS ");
    oxy_quote_text(e->d, &e->out, a->change->value);
    if (a->change->before.len != 0) {
        oxy_buf_puts(&e->out, " BEFORE ");
        oxy_quote_text(e->d, &e->out, a->change->before);
    }
    return oxy__ddl_emit(e);
}

/* --- other values ---------------------------------------------------------------------------- */

/* UPDATE of the rows that hold a value. Arrays are JSON there, whose strings
 * stand between double quotes. */
static oxy_rc update_value(oxy__alter *a, const oxy_table_def *t, const oxy_column_def *c, oxy_sv was, oxy_sv is)
{
    oxy__ddl *e = a->e;
    bool array = c->type.kind == OXY_K_ARRAY;
    oxy_buf old_text, new_text;
    oxy_rc rc = OXY_OK;

    oxy_buf_init(&old_text, e->alloc, OXY__DDL_LIMIT);
    oxy_buf_init(&new_text, e->alloc, OXY__DDL_LIMIT);
    oxy_buf_printf(&old_text, array ? "\"%.*s\"" : "%.*s", OXY_SV_ARG(was));
    oxy_buf_printf(&new_text, array ? "\"%.*s\"" : "%.*s", OXY_SV_ARG(is));
    rc = old_text.rc != OXY_OK ? oxy__ddl_buf_rc(&old_text, e->err) : oxy__ddl_buf_rc(&new_text, e->err);
    if (rc == OXY_OK) {
        oxy_sv old_sv = {old_text.p, old_text.len}, new_sv = {new_text.p, new_text.len};

        oxy_buf_puts(&e->out, "UPDATE ");
        oxy__ddl_qualified(e, t->schema, t->name);
        oxy_buf_puts(&e->out, " SET ");
        oxy_quote_name(e->d, &e->out, c->name);
        oxy_buf_puts(&e->out, array ? " = REPLACE(" : " = ");
        if (array) {
            oxy_quote_name(e->d, &e->out, c->name);
            oxy_buf_puts(&e->out, ", ");
            oxy_quote_text(e->d, &e->out, old_sv);
            oxy_buf_puts(&e->out, ", ");
        }
        oxy_quote_text(e->d, &e->out, new_sv);
        oxy_buf_puts(&e->out, array ? ")" : "");
        oxy_buf_puts(&e->out, array ? " WHERE INSTR(" : " WHERE ");
        oxy_quote_name(e->d, &e->out, c->name);
        oxy_buf_puts(&e->out, array ? ", " : " = ");
        oxy_quote_text(e->d, &e->out, old_sv);
        oxy_buf_puts(&e->out, array ? ") > 0" : "");
        rc = oxy__ddl_emit(e);
    }
    oxy_buf_fini(&old_text);
    oxy_buf_fini(&new_text);
    return rc;
}

static oxy_rc update_renamed(oxy__alter *a, const oxy_table_def *t, const oxy_column_def *c)
{
    return update_value(a, t, c, a->change->value, a->change->before);
}

static oxy_rc update_mapped(oxy__alter *a, const oxy_table_def *t, const oxy_column_def *c)
{
    oxy_rc rc = OXY_OK;

    for (uint32_t i = 0; i < a->extra->n_mapping && rc == OXY_OK; i++)
        rc = update_value(a, t, c, a->extra->mapping[i].old_name, a->extra->mapping[i].new_name);
    return rc;
}

/* MySQL: the column with the old values and, behind them, the new ones. */
static oxy_rc widen(oxy__alter *a, const oxy_table_def *t, const oxy_column_def *c)
{
    oxy_names was = a->before->enums[a->change->old_item].values, is = a->after->enums[a->change->new_item].values;
    oxy_column_def wide = *c;
    oxy_sv *items;
    oxy_rc rc;

    if (c->type.kind != OXY_K_ENUM)
        return OXY_OK;
    items = oxy_alloc_zero(a->e->alloc, (size_t)was.n + is.n + 1, sizeof *items);
    if (items == NULL)
        return oxy_err_set(a->e->err, OXY_NOMEM, "out of memory while writing DDL");
    wide.enum_values = (oxy_names){items, 0};
    for (uint32_t i = 0; i < was.n; i++)
        items[wide.enum_values.n++] = was.items[i];
    for (uint32_t i = 0; i < is.n; i++)
        if (!oxy__names_have(was, is.items[i]))
            items[wide.enum_values.n++] = is.items[i];
    /* Its default stays away until the value exists alone. */
    wide.db_default = (oxy_sv){NULL, 0};
    rc = oxy__alter_modify(a->e, t, &wide, OXY__COLUMN_NO_KEY);
    oxy_alloc_free(a->e->alloc, items);
    return rc;
}

static oxy_rc update_in(oxy__alter *a, use_fn update)
{
    const oxy_enum_def *def = &a->after->enums[a->change->new_item];
    oxy_rc rc = OXY_OK;

    if (a->e->rules->inline_enums)
        rc = each_use(a, a->after, def, widen);
    if (rc == OXY_OK)
        rc = each_use(a, a->after, def, update);
    return rc == OXY_OK && a->e->rules->inline_enums ? each_use(a, a->after, def, modify) : rc;
}

oxy_rc oxy__alter_rename_value(oxy__alter *a)
{
    oxy__ddl *e = a->e;

    if (!e->rules->native_enums)
        return update_in(a, update_renamed);
    oxy_buf_puts(&e->out, "ALTER TYPE ");
    put_type(e, &a->after->enums[a->change->new_item], "");
    oxy_buf_puts(&e->out, " RENAME VALUE ");
    oxy_quote_text(e->d, &e->out, a->change->value);
    oxy_buf_puts(&e->out, " TO ");
    oxy_quote_text(e->d, &e->out, a->change->before);
    return oxy__ddl_emit(e);
}

/* --- PostgreSQL: a new type takes the old one's place ---------------------------------------------- */

#define OLD_SUFFIX "__old"

static void put_column(oxy__ddl *e, const oxy_table_def *t, const oxy_column_def *c, const char *what)
{
    (void)oxy__alter_begin(e, t);
    oxy_buf_puts(&e->out, "ALTER COLUMN ");
    oxy_quote_name(e->d, &e->out, c->name);
    oxy_buf_puts(&e->out, what);
}

/* array_replace(array_replace("c"::text[], 'a', 'b'), ...) or CASE "c"::text WHEN ... */
static void put_mapped(oxy__alter *a, const oxy_column_def *c)
{
    oxy__ddl *e = a->e;
    bool array = c->type.kind == OXY_K_ARRAY, any = a->extra->n_mapping != 0;

    for (uint32_t i = 0; i < a->extra->n_mapping && array; i++)
        oxy_buf_puts(&e->out, "array_replace(");
    if (!array && any)
        oxy_buf_puts(&e->out, "CASE ");
    oxy_quote_name(e->d, &e->out, c->name);
    oxy_buf_puts(&e->out, array ? "::text[]" : "::text");
    for (uint32_t i = 0; i < a->extra->n_mapping; i++) {
        oxy_buf_puts(&e->out, array ? ", " : " WHEN ");
        oxy_quote_text(e->d, &e->out, a->extra->mapping[i].old_name);
        oxy_buf_puts(&e->out, array ? ", " : " THEN ");
        oxy_quote_text(e->d, &e->out, a->extra->mapping[i].new_name);
        oxy_buf_puts(&e->out, array ? ")" : "");
    }
    if (!array && any) {
        oxy_buf_puts(&e->out, " ELSE ");
        oxy_quote_name(e->d, &e->out, c->name);
        oxy_buf_puts(&e->out, "::text END");
    }
}

static oxy_rc retype(oxy__alter *a, const oxy_table_def *t, const oxy_column_def *c)
{
    oxy__ddl *e = a->e;
    const oxy_enum_def *def = &a->after->enums[a->change->new_item];
    const char *dims = c->type.kind == OXY_K_ARRAY ? "[]" : "";
    bool has_default = oxy__sv_trim(c->db_default).len != 0;
    oxy_rc rc = OXY_OK;

    if (has_default) {
        put_column(e, t, c, " DROP DEFAULT");
        rc = oxy__ddl_emit(e);
    }
    if (rc == OXY_OK) {
        put_column(e, t, c, " TYPE ");
        put_type(e, def, "");
        oxy_buf_puts(&e->out, dims);
        oxy_buf_puts(&e->out, " USING (");
        put_mapped(a, c);
        oxy_buf_puts(&e->out, ")::");
        put_type(e, def, "");
        oxy_buf_puts(&e->out, dims);
        rc = oxy__ddl_emit(e);
    }
    if (rc == OXY_OK && has_default) {
        put_column(e, t, c, " SET");
        rc = oxy__ddl_default(e, c, oxy__column_role_of(t, c));
        if (rc == OXY_OK)
            rc = oxy__ddl_emit(e);
    }
    return rc;
}

static oxy_rc replace_type(oxy__alter *a)
{
    const oxy_enum_def *was = &a->before->enums[a->change->old_item], *is = &a->after->enums[a->change->new_item];
    oxy__ddl *e = a->e;
    oxy_buf name;
    oxy_rc rc;

    oxy_buf_init(&name, e->alloc, OXY__DDL_LIMIT);
    oxy_buf_printf(&name, "%.*s" OLD_SUFFIX, OXY_SV_ARG(was->name));
    oxy_buf_puts(&e->out, "ALTER TYPE ");
    put_type(e, was, "");
    oxy_buf_puts(&e->out, " RENAME TO ");
    rc = oxy__ddl_buf_rc(&name, e->err);
    if (rc == OXY_OK)
        oxy_quote_name(e->d, &e->out, (oxy_sv){name.p, name.len});
    oxy_buf_fini(&name);
    if (rc == OXY_OK)
        rc = oxy__ddl_emit(e);
    if (rc == OXY_OK)
        rc = create(e, is);
    if (rc == OXY_OK)
        rc = each_use(a, a->after, is, retype);
    return rc == OXY_OK ? drop(e, was, OLD_SUFFIX) : rc;
}

oxy_rc oxy__alter_replace_enum(oxy__alter *a)
{
    return a->e->rules->native_enums ? replace_type(a) : update_in(a, update_mapped);
}
