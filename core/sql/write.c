/* SPDX-License-Identifier: MIT */
/* write: INSERT, DELETE, RETURNING and single assignments. */
#include "emit.h"

#include <strings.h>

void oxy__put_returning(oxy__emit *e, const oxy_item *items, uint32_t n, bool supported)
{
    if (n == 0)
        return;
    if (!supported) {
        oxy__lacks(e, "RETURNING here");
        return;
    }
    OXY__PUT(e, " RETURNING ");
    oxy__put_items(e, items, n);
}

/* A fraction computed for a whole-number column is cut, not rounded. */
void oxy__put_assigned(oxy__emit *e, const oxy_column *column, const oxy_expr *value)
{
    bool fraction = value->type.kind == OXY_K_DOUBLE || value->type.kind == OXY_K_DECIMAL;

    if (value->kind == OXY_E_FUNC && value->func.fn == OXY_FN_NOW) {
        oxy_expr now = *value;

        now.type.kind = column->type.kind == OXY_K_DATETIME ? OXY_K_DATETIME : OXY_K_DATETIME_UTC;
        oxy__put_expr(e, &now, OXY__P_NONE);
        return;
    }
    if (fraction && column->type.kind == OXY_K_INT && value->kind != OXY_E_PARAM && value->kind != OXY_E_NUL)
        oxy__put_cast(e, value, OXY_K_INT, OXY__P_NONE);
    else
        oxy__put_expr(e, value, OXY__P_NONE);
}

/* --- INSERT ---------------------------------------------------------------------- */

static void put_columns(oxy__emit *e, const oxy_column *const *columns, uint32_t n)
{
    OXY__PUTC(e, '(');
    for (uint32_t i = 0; i < n; i++) {
        if (i != 0)
            OXY__PUT(e, ", ");
        oxy__put_name(e, columns[i]->name);
    }
    OXY__PUTC(e, ')');
}

static void put_rows(oxy__emit *e, const oxy_insert *s)
{
    const oxy_expr *const *value = s->values;

    OXY__PUT(e, " VALUES ");
    for (uint32_t row = 0; row < s->n_rows; row++) {
        OXY__PUTS(e, row == 0 ? "(" : ", (");
        for (uint32_t i = 0; i < s->n_columns; i++) {
            if (i != 0)
                OXY__PUT(e, ", ");
            oxy__put_assigned(e, s->columns[i], *value++);
        }
        OXY__PUTC(e, ')');
        if (e->rc != OXY_OK)
            return;
    }
}

/* Rows of nothing but defaults. */
static void put_default_rows(oxy__emit *e, const oxy_insert *s)
{
    const oxy_table *table = s->into->table;
    bool one = s->n_rows <= 1;

    if (e->d->upsert == OXY__UPSERT_ON_DUPLICATE) {
        OXY__PUT(e, " () VALUES ()");
        for (uint32_t row = 1; row < s->n_rows; row++)
            OXY__PUT(e, ", ()");
    } else if (one) {
        OXY__PUT(e, " DEFAULT VALUES");
    } else if (!e->d->default_in_values || table->n_columns == 0) {
        oxy__lacks(e, "several rows of defaults in one statement");
    } else {
        const oxy_column *first = &table->columns[0];

        OXY__PUTC(e, ' ');
        put_columns(e, &first, 1);
        OXY__PUT(e, " VALUES (DEFAULT)");
        for (uint32_t row = 1; row < s->n_rows; row++)
            OXY__PUT(e, ", (DEFAULT)");
    }
}

/* In an upsert's SET, a stored column must carry its table's name: the
 * proposed row has one of the same name. */
static void put_conflict_sets(oxy__emit *e, const oxy_insert *s)
{
    uint32_t *order = oxy_arena_new(e->arena, s->n_sets * sizeof *order);

    if (order == NULL) {
        oxy__fail(e, OXY_NOMEM, "out of memory");
        return;
    }
    if (!oxy__sets_order(e, s->sets, s->n_sets, order)) {
        oxy__lacks(e, "an upsert whose columns exchange their values");
        return;
    }
    e->qualify++;
    for (uint32_t i = 0; i < s->n_sets; i++) {
        const oxy_assign *set = &s->sets[order[i]];

        if (i != 0)
            OXY__PUT(e, ", ");
        oxy__put_name(e, set->column->name);
        OXY__PUT(e, " = ");
        oxy__put_assigned(e, set->column, set->value);
    }
    e->qualify--;
}

/* MySQL's INSERT IGNORE would also swallow other errors: a conflict becomes an
 * assignment that changes nothing instead. */
static void put_duplicate_nothing(oxy__emit *e, const oxy_insert *s)
{
    const oxy_column *same = s->n_targets != 0 ? s->targets[0] : s->n_columns != 0 ? s->columns[0] : NULL;

    if (same == NULL && s->into->table->n_columns != 0)
        same = &s->into->table->columns[0];
    if (same == NULL) {
        oxy__lacks(e, "ignoring conflicts in a table without columns");
        return;
    }
    oxy__put_name(e, same->name);
    OXY__PUT(e, " = ");
    oxy__put_name(e, e->names[s->into->id]);
    OXY__PUTC(e, '.');
    oxy__put_name(e, same->name);
}

static void put_conflict(oxy__emit *e, const oxy_insert *s)
{
    bool update = s->conflict == OXY_CONFLICT_UPDATE && s->n_sets != 0;

    if (s->conflict == OXY_CONFLICT_ERROR)
        return;
    if (e->d->upsert == OXY__UPSERT_ON_DUPLICATE) {
        OXY__PUT(e, " ON DUPLICATE KEY UPDATE ");
        if (update)
            put_conflict_sets(e, s);
        else
            put_duplicate_nothing(e, s);
        return;
    }
    OXY__PUT(e, " ON CONFLICT ");
    if (s->n_targets != 0) {
        put_columns(e, s->targets, s->n_targets);
        OXY__PUTC(e, ' ');
    } else if (update) {
        oxy__fail(e, OXY_MANAGER, "an upsert needs the fields that tell rows apart");
        return;
    }
    OXY__PUTS(e, update ? "DO UPDATE SET " : "DO NOTHING");
    if (update)
        put_conflict_sets(e, s);
}

/* Opens the scope of a write, where the table has its own name unless the
 * database can rename it. */
static void open_target(oxy__emit *e, oxy__scope *scope, const oxy_source *const *source)
{
    *scope = (oxy__scope){.sources = source, .n_sources = 1};
    oxy__scope_open(e, scope);
    if (!e->d->target_alias && e->rc == OXY_OK)
        e->names[(*source)->id] = (*source)->table->name;
}

/* Names of SQLite's rowid: as names of columns they would mean just these. */
static bool names_rowid(oxy_sv name)
{
    static const oxy_sv names[] = {OXY_SV("_rowid_"), OXY_SV("rowid"), OXY_SV("oid")};

    for (size_t i = 0; i < OXY_COUNT(names); i++)
        if (name.len == names[i].len && strncasecmp(name.p, names[i].p, name.len) == 0)
            return true;
    return false;
}

/* Whether the rows give back nothing but a key of one column that they leave to the
 * database. */
static bool gives_keys(const oxy_insert *s)
{
    const oxy_expr *item = s->n_returning == 1 ? s->returning[0].expr : NULL;
    const oxy_table *table = s->into->table;
    const oxy_column *key;
    uint32_t n_keys = 0;

    if (s->n_rows < 2 || s->conflict != OXY_CONFLICT_ERROR || item == NULL || item->kind != OXY_E_COLUMN ||
        table == NULL)
        return false;
    key = item->column.column;
    for (uint32_t i = 0; i < table->n_columns; i++)
        n_keys += table->columns[i].primary_key;
    for (uint32_t i = 0; i < s->n_columns; i++)
        if (s->columns[i] == key)
            return false;
    return key->primary_key && n_keys == 1 && key->type.kind == OXY_K_INT && !names_rowid(key->name);
}

/* Behind the statement's own end. */
static void put_key_query(oxy__emit *e, const oxy_insert *s)
{
    OXY__PUTC(e, '\0');
    e->key_query = e->out->len;
    OXY__PUT(e, "SELECT _rowid_ FROM ");
    oxy__put_source(e, s->into);
    OXY__PUT(e, " ORDER BY _rowid_ DESC LIMIT 1");
}

void oxy__put_insert(oxy__emit *e, const oxy_insert *s)
{
    oxy__scope scope;

    open_target(e, &scope, &s->into);
    if (e->rc == OXY_OK) {
        OXY__PUT(e, "INSERT INTO ");
        oxy__put_source(e, s->into);
        if (s->n_columns == 0) {
            put_default_rows(e, s);
        } else {
            OXY__PUTC(e, ' ');
            put_columns(e, s->columns, s->n_columns);
            put_rows(e, s);
        }
        put_conflict(e, s);
        e->quiet_len = e->out->len;
        oxy__put_returning(e, s->returning, s->n_returning, e->d->returning_insert);
        if (e->d->rowid_keys && gives_keys(s))
            put_key_query(e, s);
    }
    oxy__scope_close(e);
}

/* --- DELETE ------------------------------------------------------------------------ */

void oxy__put_delete(oxy__emit *e, const oxy_delete *s)
{
    oxy__scope scope;

    open_target(e, &scope, &s->table);
    e->target = e->d->own_table_wrap ? s->table : NULL;
    e->changes = true;
    if (e->rc == OXY_OK) {
        OXY__PUT(e, "DELETE FROM ");
        oxy__put_source(e, s->table);
        if (s->where != NULL) {
            OXY__PUT(e, " WHERE ");
            oxy__put_expr(e, s->where, OXY__P_NONE);
        }
        oxy__put_returning(e, s->returning, s->n_returning, e->d->returning_delete);
    }
    oxy__scope_close(e);
}
