/* SPDX-License-Identifier: MIT */
/* alter_column: columns and the primary key of a table that exists. */
#include "alter.h"

#include <string.h>

static void alter_of(oxy__ddl *e, const oxy_table_def *t, const oxy_column_def *c)
{
    (void)oxy__alter_begin(e, t);
    oxy_buf_puts(&e->out, "ALTER COLUMN ");
    oxy_quote_name(e->d, &e->out, c->name);
    oxy_buf_putc(&e->out, ' ');
}

oxy_rc oxy__alter_modify(oxy__ddl *e, const oxy_table_def *t, const oxy_column_def *c, unsigned without)
{
    oxy_rc rc;

    (void)oxy__alter_begin(e, t);
    oxy_buf_puts(&e->out, "MODIFY COLUMN ");
    rc = oxy__ddl_column(e, t, c, without);
    return rc == OXY_OK ? oxy__ddl_emit(e) : rc;
}

static bool has_default(const oxy_column_def *c)
{
    return oxy__sv_trim(c->db_default).len != 0;
}

static oxy_rc set_default(oxy__ddl *e, const oxy_table_def *t, const oxy_column_def *c)
{
    oxy_rc rc;

    alter_of(e, t, c);
    if (!has_default(c))
        return oxy__alter_text(e, "DROP DEFAULT");
    oxy_buf_puts(&e->out, "SET");
    rc = oxy__ddl_default(e, c, oxy__column_role_of(t, c)); /* begins with a blank */
    return rc == OXY_OK ? oxy__ddl_emit(e) : rc;
}

/* UPDATE t SET c = sql WHERE c IS NULL */
static oxy_rc backfill(oxy__alter *a)
{
    oxy__ddl *e = a->e;

    oxy_buf_puts(&e->out, "UPDATE ");
    oxy__ddl_qualified(e, a->new_table->schema, a->new_table->name);
    oxy_buf_puts(&e->out, " SET ");
    oxy_quote_name(e->d, &e->out, a->new_column->name);
    oxy_buf_puts(&e->out, " = ");
    oxy_buf_put(&e->out, a->extra->backfill.p, a->extra->backfill.len);
    oxy_buf_puts(&e->out, " WHERE ");
    oxy_quote_name(e->d, &e->out, a->new_column->name);
    oxy_buf_puts(&e->out, " IS NULL");
    return oxy__ddl_emit(e);
}

/* --- coming and going -------------------------------------------------------------------- */

oxy_rc oxy__alter_add_column(oxy__alter *a)
{
    oxy__ddl *e = a->e;
    oxy_column_def with = *a->new_column;
    bool fills = a->extra->backfill.len != 0;
    oxy_rc rc;

    if (fills)
        with.db_default = a->extra->backfill;
    (void)oxy__alter_begin(e, a->new_table);
    oxy_buf_puts(&e->out, "ADD COLUMN ");
    rc = oxy__ddl_column(e, a->new_table, &with, OXY__COLUMN_WHOLE);
    if (rc == OXY_OK)
        rc = oxy__ddl_emit(e);
    if (rc == OXY_OK && fills)
        rc = set_default(e, a->new_table, a->new_column);
    if (rc == OXY_OK && e->rules->comments_on && with.comment.len != 0)
        rc = oxy__ddl_comment(e, a->new_table, a->new_column);
    return rc;
}

oxy_rc oxy__alter_drop_column(oxy__alter *a)
{
    (void)oxy__alter_begin(a->e, a->old_table);
    oxy_buf_puts(&a->e->out, "DROP COLUMN ");
    oxy_quote_name(a->e->d, &a->e->out, a->old_column->name);
    return oxy__ddl_emit(a->e);
}

oxy_rc oxy__alter_rename_column(oxy__alter *a)
{
    (void)oxy__alter_begin(a->e, a->old_table);
    oxy_buf_puts(&a->e->out, "RENAME COLUMN ");
    oxy_quote_name(a->e->d, &a->e->out, a->old_column->name);
    oxy_buf_puts(&a->e->out, " TO ");
    oxy_quote_name(a->e->d, &a->e->out, a->new_column->name);
    return oxy__ddl_emit(a->e);
}

/* --- types ----------------------------------------------------------------------------------- */

/* The column's type as ALTER takes it: a number that the database counts up is
 * a plain number there. Text in *out. */
static oxy_rc type_text(oxy__ddl *e, const oxy_table_def *t, const oxy_column_def *c, oxy_buf *out)
{
    oxy_rc rc = oxy__ddl_column_type(c, oxy__column_role_of(t, c), e->d, out, e->err);
    oxy_sv text = {out->p, out->len};

    if (rc == OXY_OK && (oxy__sv_is(text, "BIGSERIAL") || oxy__sv_is(text, "SERIAL"))) {
        bool big = text.len > 6;

        oxy_buf_reset(out);
        oxy_buf_puts(out, big ? "BIGINT" : "INTEGER");
        rc = oxy__ddl_buf_rc(out, e->err);
    }
    return rc;
}

static bool plain_type(const oxy_column_def *c)
{
    return oxy__sv_trim(c->type.db_type).len == 0;
}

static uint32_t string_size(const oxy_column_def *c)
{
    return c->type.size != 0 ? c->type.size : 255;
}

/* Whether PostgreSQL changes the type without looking at the rows. */
static bool in_place(const oxy_column_def *a, const oxy_column_def *b)
{
    if (!plain_type(a) || !plain_type(b))
        return false;
    if (a->type.kind == OXY_K_STRING)
        return b->type.kind == OXY_K_TEXT || (b->type.kind == OXY_K_STRING && string_size(b) >= string_size(a));
    return a->type.kind == OXY_K_DECIMAL && b->type.kind == OXY_K_DECIMAL &&
           (b->type.size == 0 || (a->type.size != 0 && b->type.size >= a->type.size && a->type.scale == b->type.scale));
}

static bool is_stamp(const oxy_column_def *c, oxy_kind kind)
{
    return plain_type(c) && c->type.kind == kind;
}

/* How a value of the old type becomes one of the new: through text, but for
 * pairs where that would fail, or would depend on the session's time zone. */
static void put_conversion(oxy__alter *a, oxy_sv new_type)
{
    oxy_buf *out = &a->e->out;
    const oxy_column_def *from = a->old_column, *to = a->new_column;
    bool zone = (is_stamp(from, OXY_K_DATETIME) && is_stamp(to, OXY_K_DATETIME_UTC)) ||
                (is_stamp(from, OXY_K_DATETIME_UTC) && is_stamp(to, OXY_K_DATETIME));
    bool number = is_stamp(from, OXY_K_BOOL) &&
                  (to->type.kind == OXY_K_INT || to->type.kind == OXY_K_DOUBLE || to->type.kind == OXY_K_DECIMAL);

    oxy_buf_puts(out, " USING ");
    if (a->extra->conversion.len != 0) {
        oxy_buf_put(out, a->extra->conversion.p, a->extra->conversion.len);
        return;
    }
    oxy_quote_name(a->e->d, out, to->name);
    if (zone) {
        oxy_buf_puts(out, " AT TIME ZONE 'UTC'");
        return;
    }
    oxy_buf_puts(out, number ? "::int::" : "::text::");
    oxy_buf_put(out, new_type.p, new_type.len);
}

/* Compares the types of both columns as SQL; the new one's text goes to *is. */
static oxy_rc compare_types(oxy__ddl *e, const oxy_table_def *old_table, const oxy_column_def *from,
                            const oxy_table_def *new_table, const oxy_column_def *to, oxy_buf *is, bool *differ)
{
    oxy_buf was;
    oxy_rc rc;

    *differ = false;
    oxy_buf_init(&was, e->alloc, OXY__DDL_LIMIT);
    rc = type_text(e, old_table, from, &was);
    if (rc == OXY_OK)
        rc = type_text(e, new_table, to, is);
    *differ = rc == OXY_OK && !oxy_sv_eq((oxy_sv){was.p, was.len}, (oxy_sv){is->p, is->len});
    oxy_buf_fini(&was);
    return rc;
}

/* ALTER COLUMN ... TYPE where the types differ. *changed tells whether. */
static oxy_rc change_type(oxy__alter *a, bool *changed)
{
    oxy__ddl *e = a->e;
    oxy_buf is;
    oxy_rc rc;

    oxy_buf_init(&is, e->alloc, OXY__DDL_LIMIT);
    rc = compare_types(e, a->old_table, a->old_column, a->new_table, a->new_column, &is, changed);
    if (*changed && has_default(a->old_column)) { /* it may not fit the new type */
        alter_of(e, a->new_table, a->new_column);
        rc = oxy__alter_text(e, "DROP DEFAULT");
    }
    if (*changed && rc == OXY_OK) {
        alter_of(e, a->new_table, a->new_column);
        oxy_buf_puts(&e->out, "TYPE ");
        oxy_buf_put(&e->out, is.p, is.len);
        if (a->extra->conversion.len != 0 || !in_place(a->old_column, a->new_column))
            put_conversion(a, (oxy_sv){is.p, is.len});
        rc = oxy__ddl_emit(e);
    }
    oxy_buf_fini(&is);
    return rc;
}

oxy_rc oxy__alter_fit_index(oxy__alter *a, oxy_names columns)
{
    oxy_rc rc = OXY_OK;

    if (!a->e->rules->index_needs_length || a->old_table == NULL || a->new_table == NULL)
        return OXY_OK;
    for (uint32_t i = 0; i < columns.n && rc == OXY_OK; i++) {
        uint32_t from = oxy__column_named(a->old_table, columns.items[i]);
        uint32_t to = oxy__column_named(a->new_table, columns.items[i]);
        bool differ = false;
        oxy_buf is;

        if (from == OXY_NOWHERE || to == OXY_NOWHERE)
            continue;
        oxy_buf_init(&is, a->e->alloc, OXY__DDL_LIMIT);
        rc = compare_types(a->e, a->old_table, &a->old_table->columns[from], a->new_table, &a->new_table->columns[to],
                           &is, &differ);
        oxy_buf_fini(&is);
        if (differ)
            rc = oxy__alter_modify(a->e, a->new_table, &a->new_table->columns[to], OXY__COLUMN_NO_KEY);
    }
    return rc;
}

/* --- uniqueness --------------------------------------------------------------------------------- */

enum { LONGEST_NAME = 63 }; /* bytes; PostgreSQL cuts the rest off */

/* Name of what makes the column unique: {table}_{column}_key unless it was found. */
static void put_unique_name(oxy__alter *a)
{
    oxy_buf name;

    if (a->extra->unique.len != 0) {
        oxy_quote_name(a->e->d, &a->e->out, a->extra->unique);
        return;
    }
    oxy_buf_init(&name, a->e->alloc, OXY__DDL_LIMIT);
    oxy_buf_put(&name, a->new_table->name.p, a->new_table->name.len);
    oxy_buf_putc(&name, '_');
    oxy_buf_put(&name, a->new_column->name.p, a->new_column->name.len);
    oxy_buf_puts(&name, "_key");
    if (name.rc == OXY_OK)
        oxy_quote_name(a->e->d, &a->e->out, (oxy_sv){name.p, name.len});
    else
        a->e->out.rc = name.rc;
    oxy_buf_fini(&name);
}

static oxy_rc change_unique(oxy__alter *a)
{
    oxy__ddl *e = a->e;
    bool add = a->new_column->unique;
    /* A name that is too long is left to the server, which makes one as it does for a new table. */
    bool named = !add || a->new_table->name.len + a->new_column->name.len + strlen("__key") <= LONGEST_NAME;

    (void)oxy__alter_begin(e, a->new_table);
    if (e->rules->modifies)
        oxy_buf_puts(&e->out, add ? "ADD UNIQUE INDEX " : "DROP INDEX ");
    else if (named)
        oxy_buf_puts(&e->out, add ? "ADD CONSTRAINT " : "DROP CONSTRAINT ");
    else
        oxy_buf_puts(&e->out, "ADD");
    if (named)
        put_unique_name(a);
    if (add) {
        oxy_buf_puts(&e->out, e->rules->modifies ? " (" : " UNIQUE (");
        oxy_quote_name(e->d, &e->out, a->new_column->name);
        oxy_buf_putc(&e->out, ')');
    }
    return oxy__ddl_emit(e);
}

/* --- one column ------------------------------------------------------------------------------------ */

static bool becomes_required(const oxy__alter *a)
{
    return a->old_column->nullable && !a->new_column->nullable;
}

/* Everything that MODIFY says; uniqueness is an index of its own. */
static bool redefined(const oxy__alter *a)
{
    oxy_column_def was = *a->old_column, is = *a->new_column;
    oxy_table_def one = {.columns = &was, .n_columns = 1}, other = {.columns = &is, .n_columns = 1};
    oxy_schema from = {.tables = &one, .n_tables = 1}, to = {.tables = &other, .n_tables = 1};
    uint32_t first = 0;
    oxy__pair pair = {.new_of = &first, .old_of = &first};
    oxy__diff same = {.from = &from, .to = &to};

    was.unique = is.unique = false;
    return !oxy__same_column(&same, &pair, 0, 0);
}

static oxy_rc modify(oxy__alter *a)
{
    oxy_buf is;
    bool retyped;
    oxy_rc rc;

    oxy_buf_init(&is, a->e->alloc, OXY__DDL_LIMIT);
    rc = compare_types(a->e, a->old_table, a->old_column, a->new_table, a->new_column, &is, &retyped);
    oxy_buf_fini(&is);
    if (rc == OXY_OK && becomes_required(a) && a->extra->backfill.len != 0)
        rc = backfill(a);
    if (rc == OXY_OK && a->old_column->unique && !a->new_column->unique)
        rc = change_unique(a);
    if (rc == OXY_OK && (retyped || redefined(a)))
        rc = oxy__alter_modify(a->e, a->new_table, a->new_column, OXY__COLUMN_NO_KEY);
    if (rc == OXY_OK && !a->old_column->unique && a->new_column->unique)
        rc = change_unique(a);
    return rc;
}

oxy_rc oxy__alter_column(oxy__alter *a)
{
    oxy__ddl *e = a->e;
    const oxy_column_def *from = a->old_column, *to = a->new_column;
    bool retyped, key = oxy__column_role_of(a->new_table, to).key;
    oxy_rc rc;

    if (e->rules->modifies)
        return modify(a);
    rc = change_type(a, &retyped);
    if (rc == OXY_OK && becomes_required(a) && a->extra->backfill.len != 0)
        rc = backfill(a);
    if (rc == OXY_OK && from->nullable != to->nullable && !key) {
        alter_of(e, a->new_table, to);
        rc = oxy__alter_text(e, to->nullable ? "DROP NOT NULL" : "SET NOT NULL");
    }
    if (rc == OXY_OK &&
        (retyped ? has_default(to) : !oxy_default_same(to->type.kind, from->db_default, to->db_default)))
        rc = set_default(e, a->new_table, to);
    if (rc == OXY_OK && from->unique != to->unique && !key)
        rc = change_unique(a);
    if (rc == OXY_OK && !oxy_sv_eq(from->comment, to->comment))
        rc = oxy__ddl_comment(e, a->new_table, to);
    return rc;
}

/* --- the primary key ---------------------------------------------------------------------------------- */

static uint32_t key_columns(const oxy_table_def *t)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < t->n_columns; i++)
        n += oxy__is_key(t, i);
    return n;
}

static void put_key(oxy__ddl *e, const oxy_table_def *t)
{
    bool first = true;

    oxy_buf_puts(&e->out, "ADD PRIMARY KEY (");
    for (uint32_t i = 0; i < t->n_columns; i++) {
        if (!oxy__is_key(t, i))
            continue;
        oxy_buf_puts(&e->out, first ? "" : ", ");
        oxy_quote_name(e->d, &e->out, t->columns[i].name);
        first = false;
    }
    oxy_buf_putc(&e->out, ')');
}

/* MySQL counts only key columns up: the counting ends before, and begins after. */
static oxy_rc number(oxy__alter *a, const oxy_table_def *t, bool on)
{
    oxy_rc rc = OXY_OK;

    for (uint32_t i = 0; i < t->n_columns && rc == OXY_OK && a->e->rules->modifies; i++)
        if (oxy__column_auto(&t->columns[i], oxy__column_role_of(t, &t->columns[i]), a->e->rules))
            rc = oxy__alter_modify(a->e, t, &t->columns[i],
                                   on ? OXY__COLUMN_NO_KEY : OXY__COLUMN_NO_KEY | OXY__COLUMN_NO_NUMBER);
    return rc;
}

oxy_rc oxy__alter_key(oxy__alter *a)
{
    oxy__ddl *e = a->e;
    uint32_t had = key_columns(a->old_table), has = key_columns(a->new_table);
    oxy_rc rc = number(a, a->old_table, false);

    if (rc == OXY_OK && had != 0) {
        (void)oxy__alter_begin(e, a->old_table);
        if (e->rules->modifies) {
            oxy_buf_puts(&e->out, "DROP PRIMARY KEY");
        } else {
            oxy_buf name;

            oxy_buf_puts(&e->out, "DROP CONSTRAINT ");
            oxy_buf_init(&name, e->alloc, OXY__DDL_LIMIT);
            oxy_buf_put(&name, a->old_table->name.p, a->old_table->name.len);
            oxy_buf_puts(&name, "_pkey");
            rc = oxy__ddl_buf_rc(&name, e->err);
            if (rc == OXY_OK)
                oxy_quote_name(e->d, &e->out,
                               a->extra->unique.len != 0 ? a->extra->unique : (oxy_sv){name.p, name.len});
            oxy_buf_fini(&name);
        }
        if (rc == OXY_OK && e->rules->modifies && has != 0) { /* at once: rows are numbered by it */
            oxy_buf_puts(&e->out, ", ");
            put_key(e, a->new_table);
            has = 0;
        }
        if (rc == OXY_OK)
            rc = oxy__ddl_emit(e);
    }
    if (rc == OXY_OK && has != 0) {
        (void)oxy__alter_begin(e, a->new_table);
        put_key(e, a->new_table);
        rc = oxy__ddl_emit(e);
    }
    return rc == OXY_OK ? number(a, a->new_table, true) : rc;
}
