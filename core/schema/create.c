/* SPDX-License-Identifier: MIT */
/* create: the statements that make tables.
 *
 * Two shapes. Where constraints can be added later, a table comes first and its
 * indexes, foreign keys and checks follow, a key into a table that does not
 * exist yet waiting until the end. SQLite, and any database under "if not
 * exists", gets the constraints inside CREATE TABLE instead: a statement of
 * their own would fail the second time. */
#include "ddl.h"

#include <string.h>

/* Around what PostgreSQL has no IF NOT EXISTS for. */
#define DO_TAG "$oxyde$"
#define DO_OPEN "DO " DO_TAG " BEGIN "
#define DO_CLOSE "; EXCEPTION WHEN duplicate_object THEN NULL; END " DO_TAG

/* All tables in their order of creation, and which one is at hand. */
struct place {
    const oxy_table_def *tables;
    const uint32_t *order;
    uint32_t n, at;
};

static const oxy_table_def *table_at(const struct place *p)
{
    return &p->tables[p->order[p->at]];
}

/* Whether the key's target is created later than the table itself. */
static bool waits(const struct place *p, const oxy_foreign_key_def *fk)
{
    uint32_t i;

    for (i = p->at + 1; i < p->n; i++) {
        if (oxy__ddl_targets(fk, table_at(p), &p->tables[p->order[i]]))
            return true;
    }
    return false;
}

/* --- inside CREATE TABLE ------------------------------------------------------------------- */

oxy_rc oxy__ddl_column(oxy__ddl *e, const oxy_table_def *t, const oxy_column_def *c, unsigned without)
{
    oxy__column_role role = oxy__column_role_of(t, c);
    bool keyless = (without & OXY__COLUMN_NO_KEY) != 0;
    oxy_rc rc;

    oxy_quote_name(e->d, &e->out, c->name);
    oxy_buf_putc(&e->out, ' ');
    rc = oxy__ddl_column_type(c, role, e->d, &e->out, e->err);
    if (rc != OXY_OK)
        return rc;
    if (role.only_key && !keyless)
        oxy_buf_puts(&e->out, " PRIMARY KEY");
    else if (role.key ? keyless : !c->nullable)
        oxy_buf_puts(&e->out, " NOT NULL");
    if (oxy__column_auto(c, role, e->rules) && !(without & OXY__COLUMN_NO_NUMBER))
        oxy_buf_puts(&e->out, e->rules->auto_clause);
    if (c->unique && !role.only_key && !keyless)
        oxy_buf_puts(&e->out, " UNIQUE");
    rc = oxy__ddl_default(e, c, role);
    if (rc == OXY_OK && c->comment.len != 0 && e->rules->comments_inline) {
        oxy_buf_puts(&e->out, " COMMENT ");
        oxy_quote_text(e->d, &e->out, c->comment);
    }
    return rc;
}

/* PRIMARY KEY ("a", "b"), if the key has several columns. */
static void put_composite_key(oxy__ddl *e, const oxy_table_def *t)
{
    uint32_t i, n = 0;

    if (t->primary_key.n > 1) {
        oxy_buf_puts(&e->out, ", PRIMARY KEY ");
        oxy__ddl_columns(e, t->primary_key);
        return;
    }
    for (i = 0; t->primary_key.n == 0 && i < t->n_columns; i++)
        n += t->columns[i].primary_key;
    if (n < 2)
        return;
    oxy_buf_puts(&e->out, ", PRIMARY KEY (");
    for (i = 0, n = 0; i < t->n_columns; i++) {
        if (!t->columns[i].primary_key)
            continue;
        if (n++ != 0)
            oxy_buf_puts(&e->out, ", ");
        oxy_quote_name(e->d, &e->out, t->columns[i].name);
    }
    oxy_buf_putc(&e->out, ')');
}

/* Whether the index is a constraint, written as one in CREATE TABLE. */
static bool inline_unique(const oxy__ddl *e, const oxy_index_def *index)
{
    return index->constraint && e->rules->inline_uniques;
}

/* Indexes as clauses of CREATE TABLE: for MySQL, which has no CREATE INDEX IF
 * NOT EXISTS. */
static oxy_rc put_inline_indexes(oxy__ddl *e, const oxy_table_def *t)
{
    uint32_t i;

    for (i = 0; i < t->n_indexes; i++) {
        const oxy_index_def *index = &t->indexes[i];

        if (inline_unique(e, index))
            continue;
        if (oxy__sv_trim(index->where).len != 0)
            return oxy_err_set(e->err, OXY_NOT_SUPPORTED,
                               "%s has no partial indexes: index %.*s of table %.*s has a where",
                               oxy_dialect_name(e->d), OXY_SV_ARG(index->name), OXY_SV_ARG(t->name));
        oxy_buf_puts(&e->out, index->unique ? ", UNIQUE INDEX " : ", INDEX ");
        oxy_quote_name(e->d, &e->out, index->name);
        oxy_buf_putc(&e->out, ' ');
        oxy__ddl_columns(e, index->columns);
    }
    return OXY_OK;
}

static bool inline_indexes(const oxy__ddl *e)
{
    return e->if_exists && !e->rules->index_if_not_exists;
}

static bool inline_constraints(const oxy__ddl *e)
{
    return e->if_exists || !e->rules->alter_constraints;
}

static bool inline_key(const oxy__ddl *e, const struct place *p, const oxy_foreign_key_def *fk)
{
    return inline_constraints(e) && !(e->rules->do_blocks && waits(p, fk));
}

static oxy_rc put_constraints(oxy__ddl *e, const struct place *p)
{
    const oxy_table_def *t = table_at(p);
    uint32_t i;
    oxy_rc rc = OXY_OK;

    put_composite_key(e, t);
    for (i = 0; i < t->n_indexes; i++) {
        if (!inline_unique(e, &t->indexes[i]))
            continue;
        oxy_buf_puts(&e->out, ", ");
        oxy__ddl_unique(e, &t->indexes[i]);
    }
    if (inline_indexes(e))
        rc = put_inline_indexes(e, t);
    for (i = 0; i < t->n_foreign_keys && rc == OXY_OK; i++) {
        if (!inline_key(e, p, &t->foreign_keys[i]))
            continue;
        oxy_buf_puts(&e->out, ", ");
        rc = oxy__ddl_foreign_key(e, t, &t->foreign_keys[i]);
    }
    for (i = 0; inline_constraints(e) && i < t->n_checks; i++) {
        oxy_buf_puts(&e->out, ", ");
        oxy__ddl_check(e, &t->checks[i]);
    }
    return rc;
}

static oxy_rc create_table(oxy__ddl *e, const struct place *p)
{
    const oxy_table_def *t = table_at(p);
    uint32_t i;
    oxy_rc rc;

    if (t->n_columns == 0)
        return oxy_err_set(e->err, OXY_VALUE, "table %.*s has no columns", OXY_SV_ARG(t->name));
    oxy_buf_puts(&e->out, e->if_exists ? "CREATE TABLE IF NOT EXISTS " : "CREATE TABLE ");
    oxy__ddl_qualified(e, t->schema, t->name);
    oxy_buf_puts(&e->out, " (");
    for (i = 0; i < t->n_columns; i++) {
        if (i != 0)
            oxy_buf_puts(&e->out, ", ");
        rc = oxy__ddl_column(e, t, &t->columns[i], OXY__COLUMN_WHOLE);
        if (rc != OXY_OK)
            return rc;
    }
    rc = put_constraints(e, p);
    if (rc != OXY_OK)
        return rc;
    oxy_buf_putc(&e->out, ')');
    if (t->comment.len != 0 && e->rules->comments_inline) {
        oxy_buf_puts(&e->out, " COMMENT ");
        oxy_quote_text(e->d, &e->out, t->comment);
    }
    return oxy__ddl_emit(e);
}

/* --- statements of their own ----------------------------------------------------------------- */

static oxy_rc create_indexes(oxy__ddl *e, const oxy_table_def *t)
{
    uint32_t i;
    oxy_rc rc = OXY_OK;

    for (i = 0; i < t->n_indexes && rc == OXY_OK; i++) {
        const oxy_index_def *index = &t->indexes[i];

        if (!inline_unique(e, index) && (index->constraint || !inline_indexes(e)))
            rc = oxy__ddl_index(e, t, index);
    }
    return rc;
}

/* Closes the block that DO_OPEN opened and hands it over. */
static oxy_rc emit_block(oxy__ddl *e)
{
    size_t tag = sizeof DO_TAG - 1, i;

    /* The tag would end the block wherever it stood, even inside a literal. */
    for (i = sizeof DO_OPEN - 1; e->out.rc == OXY_OK && i + tag <= e->out.len; i++) {
        if (memcmp(e->out.p + i, DO_TAG, tag) == 0)
            return oxy_err_set(e->err, OXY_VALUE, "a name or label holds %s", DO_TAG);
    }
    oxy_buf_puts(&e->out, DO_CLOSE);
    return oxy__ddl_emit(e);
}

static void put_alter(oxy__ddl *e, const oxy_table_def *t)
{
    oxy_buf_puts(&e->out, "ALTER TABLE ");
    oxy__ddl_qualified(e, t->schema, t->name);
    oxy_buf_puts(&e->out, " ADD ");
}

/* Adds the keys of one table that wait, or those that do not. */
static oxy_rc add_foreign_keys(oxy__ddl *e, const struct place *p, bool waiting)
{
    const oxy_table_def *t = table_at(p);
    uint32_t i;
    oxy_rc rc = OXY_OK;

    for (i = 0; i < t->n_foreign_keys && rc == OXY_OK; i++) {
        const oxy_foreign_key_def *fk = &t->foreign_keys[i];

        if (inline_key(e, p, fk) || waits(p, fk) != waiting)
            continue;
        if (e->if_exists)
            oxy_buf_puts(&e->out, DO_OPEN);
        put_alter(e, t);
        rc = oxy__ddl_foreign_key(e, t, fk);
        if (rc == OXY_OK)
            rc = e->if_exists ? emit_block(e) : oxy__ddl_emit(e);
    }
    return rc;
}

static oxy_rc add_checks(oxy__ddl *e, const oxy_table_def *t)
{
    uint32_t i;
    oxy_rc rc = OXY_OK;

    for (i = 0; i < t->n_checks && rc == OXY_OK && !inline_constraints(e); i++) {
        put_alter(e, t);
        oxy__ddl_check(e, &t->checks[i]);
        rc = oxy__ddl_emit(e);
    }
    return rc;
}

oxy_rc oxy__ddl_comment(oxy__ddl *e, const oxy_table_def *t, const oxy_column_def *c)
{
    oxy_sv comment = c != NULL ? c->comment : t->comment;

    oxy_buf_puts(&e->out, c != NULL ? "COMMENT ON COLUMN " : "COMMENT ON TABLE ");
    oxy__ddl_qualified(e, t->schema, t->name);
    if (c != NULL) {
        oxy_buf_putc(&e->out, '.');
        oxy_quote_name(e->d, &e->out, c->name);
    }
    oxy_buf_puts(&e->out, " IS ");
    if (comment.len != 0)
        oxy_quote_text(e->d, &e->out, comment);
    else
        oxy_buf_puts(&e->out, "NULL");
    return oxy__ddl_emit(e);
}

static oxy_rc comment_on(oxy__ddl *e, const oxy_table_def *t)
{
    oxy_rc rc = OXY_OK;

    if (!e->rules->comments_on)
        return OXY_OK;
    if (t->comment.len != 0)
        rc = oxy__ddl_comment(e, t, NULL);
    for (uint32_t i = 0; i < t->n_columns && rc == OXY_OK; i++)
        if (t->columns[i].comment.len != 0)
            rc = oxy__ddl_comment(e, t, &t->columns[i]);
    return rc;
}

static oxy_rc create_enum(oxy__ddl *e, const oxy_column_def *c)
{
    uint32_t i;

    if (e->if_exists)
        oxy_buf_puts(&e->out, DO_OPEN);
    oxy_buf_puts(&e->out, "CREATE TYPE ");
    oxy__ddl_qualified(e, c->type.name_schema, c->type.name);
    oxy_buf_puts(&e->out, " AS ENUM (");
    for (i = 0; i < c->enum_values.n; i++) {
        if (i != 0)
            oxy_buf_puts(&e->out, ", ");
        oxy_quote_text(e->d, &e->out, c->enum_values.items[i]);
    }
    oxy_buf_putc(&e->out, ')');
    return e->if_exists ? emit_block(e) : oxy__ddl_emit(e);
}

/* --- all of it ----------------------------------------------------------------------------------- */

/* MySQL under "if not exists" takes keys inline even where the target does not
 * exist yet, if it is told not to look. */
static bool needs_checks_off(const oxy__ddl *e, struct place p)
{
    uint32_t i;

    if (!e->if_exists || e->rules->checks_off == NULL)
        return false;
    for (p.at = 0; p.at < p.n; p.at++) {
        for (i = 0; i < table_at(&p)->n_foreign_keys; i++) {
            if (waits(&p, &table_at(&p)->foreign_keys[i]))
                return true;
        }
    }
    return false;
}

static oxy_rc emit_fixed(oxy__ddl *e, const char *sql)
{
    oxy_buf_puts(&e->out, sql);
    return oxy__ddl_emit(e);
}

static oxy_rc create_all(oxy__ddl *e, struct place p)
{
    bool checks_off = needs_checks_off(e, p);
    oxy_rc rc = e->migrates ? OXY_OK : oxy__ddl_enums(e, p.tables, p.n, create_enum);

    if (rc == OXY_OK && checks_off)
        rc = emit_fixed(e, e->rules->checks_off);
    for (p.at = 0; p.at < p.n && rc == OXY_OK; p.at++) {
        rc = create_table(e, &p);
        if (rc == OXY_OK)
            rc = create_indexes(e, table_at(&p));
        if (rc == OXY_OK)
            rc = add_foreign_keys(e, &p, false);
        if (rc == OXY_OK)
            rc = add_checks(e, table_at(&p));
        if (rc == OXY_OK)
            rc = comment_on(e, table_at(&p));
    }
    for (p.at = 0; p.at < p.n && rc == OXY_OK; p.at++)
        rc = add_foreign_keys(e, &p, true);
    if (rc == OXY_OK && checks_off)
        rc = emit_fixed(e, e->rules->checks_back);
    return rc;
}

oxy_rc oxy__ddl_create_one(oxy__ddl *e, const oxy_table_def *t)
{
    static const uint32_t first = 0;

    return create_all(e, (struct place){.tables = t, .order = &first, .n = 1});
}

oxy_rc oxy_ddl_create(const oxy_table_def *tables, uint32_t n, const oxy_dialect *d, bool if_not_exists,
                      const oxy_alloc *alloc, oxy_ddl_sink sink, void *arg, oxy_err *err)
{
    oxy__ddl e = {.rules = oxy__ddl_rules_of(d),
                  .d = d,
                  .alloc = alloc,
                  .sink = sink,
                  .arg = arg,
                  .err = err,
                  .if_exists = if_not_exists};
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
        rc = create_all(&e, (struct place){.tables = tables, .order = order, .n = n});
    else
        (void)oxy_err_set(err, rc, "out of memory while writing DDL");
    oxy_buf_fini(&e.out);
    oxy_alloc_free(alloc, order);
    return rc;
}
