/* SPDX-License-Identifier: MIT */
/* compile: one statement from tree to text, binds and result columns, packed
 * into one block of memory. */
#include "emit.h"

#include <string.h>

enum { TEXT_LIMIT = 64 << 20, ARENA_LIMIT = 1 << 30, POINT_ROWS = 64 };

/* --- what a statement looks like ---------------------------------------------- */

static bool fixes_key(const oxy_expr *x, const oxy_source *source, const oxy_column *key)
{
    const oxy_expr *column = NULL;
    uint32_t n = 1;

    if (x->kind == OXY_E_BINARY && x->binary.op == OXY_OP_EQ && x->binary.right->kind == OXY_E_PARAM) {
        column = x->binary.left;
    } else if (x->kind == OXY_E_IN && !x->in.negated && x->in.params != NULL) {
        column = x->in.arg;
        n = x->in.params->params.n;
    }
    return column != NULL && n != 0 && n <= POINT_ROWS && column->kind == OXY_E_COLUMN &&
           column->column.source == source && column->column.column == key;
}

static bool key_is_fixed(const oxy_expr *where, const oxy_source *source, const oxy_column *key)
{
    if (where->kind != OXY_E_LOGIC)
        return fixes_key(where, source, key);
    if (where->logic.is_or)
        return false;
    for (uint32_t i = 0; i < where->logic.list.n; i++)
        if (fixes_key(where->logic.list.items[i], source, key))
            return true;
    return false;
}

static bool by_key(const oxy_source *source, const oxy_expr *where)
{
    bool any = false;

    if (source == NULL || source->table == NULL || where == NULL)
        return false;
    for (uint32_t i = 0; i < source->table->n_columns; i++) {
        const oxy_column *c = &source->table->columns[i];

        if (!c->primary_key)
            continue;
        if (!key_is_fixed(where, source, c))
            return false;
        any = true;
    }
    return any;
}

static bool select_is_point(const oxy_select *s)
{
    for (uint32_t i = 0; i < s->n_items; i++)
        if (s->items[i].expr->kind == OXY_E_SUBQUERY || s->items[i].expr->kind == OXY_E_EXISTS)
            return false;
    return s->n_operands == 0 && s->n_ctes == 0 && by_key(s->from, s->where);
}

static void describe(const oxy_stmt *stmt, oxy_sql *sql)
{
    sql->kind = stmt->kind;
    switch (stmt->kind) {
    case OXY_S_SELECT:
    case OXY_S_EXISTS:
        sql->writes = stmt->select->lock.kind != OXY_LOCK_NONE;
        sql->point = select_is_point(stmt->select);
        break;
    case OXY_S_COUNT: sql->point = select_is_point(stmt->select); break;
    case OXY_S_INSERT:
        sql->writes = true;
        sql->point = stmt->insert->n_rows <= POINT_ROWS;
        break;
    case OXY_S_UPDATE:
        sql->writes = true;
        sql->point = stmt->update->values_source != NULL ? stmt->update->n_values_rows <= POINT_ROWS
                                                         : by_key(stmt->update->table, stmt->update->where);
        break;
    case OXY_S_DELETE:
        sql->writes = true;
        sql->point = by_key(stmt->del->table, stmt->del->where);
        break;
    }
}

/* --- result columns --------------------------------------------------------------- */

struct result {
    const oxy_item *items; /* NULL with n 1: one column of `type` */
    uint32_t n;
    oxy_type type;
};

static struct result result_of(const oxy_stmt *stmt)
{
    switch (stmt->kind) {
    case OXY_S_SELECT:
        if (stmt->select->n_items == 0)
            return (struct result){.n = 1, .type = {.kind = OXY_K_INT}};
        return (struct result){.items = stmt->select->items, .n = stmt->select->n_items};
    case OXY_S_COUNT: return (struct result){.n = 1, .type = {.kind = OXY_K_INT}};
    case OXY_S_EXISTS: return (struct result){.n = 1, .type = {.kind = OXY_K_BOOL}};
    case OXY_S_INSERT: return (struct result){.items = stmt->insert->returning, .n = stmt->insert->n_returning};
    case OXY_S_UPDATE: return (struct result){.items = stmt->update->returning, .n = stmt->update->n_returning};
    case OXY_S_DELETE: return (struct result){.items = stmt->del->returning, .n = stmt->del->n_returning};
    }
    return (struct result){0};
}

static size_t names_size(const struct result *r)
{
    size_t size = 0;

    for (uint32_t i = 0; r->items != NULL && i < r->n; i++)
        size += oxy__item_name(&r->items[i]).len;
    return size;
}

static void fill_col(oxy_result_col *col, const oxy_item *item, char **names)
{
    oxy_sv name = oxy__item_name(item);

    col->type = item->expr->type;
    col->name = (oxy_sv){*names, name.len};
    col->column = NULL;
    col->table = NULL;
    if (name.len != 0)
        memcpy(*names, name.p, name.len);
    *names += name.len;
    if (item->expr->kind == OXY_E_COLUMN) {
        col->column = item->expr->column.column;
        col->table = item->expr->column.source->table;
    }
}

/* --- packing ----------------------------------------------------------------------- */

static size_t aligned(size_t n)
{
    return (n + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
}

static oxy_rc pack(const oxy__emit *e, const oxy_stmt *stmt, const oxy_alloc *alloc, oxy_sql **out)
{
    struct result r = result_of(stmt);
    size_t binds = aligned(sizeof(oxy_sql)), cols = binds + aligned(e->n_binds * sizeof(oxy_bind));
    size_t text = cols + aligned(r.n * sizeof(oxy_result_col));
    size_t len = e->key_query != 0 ? e->key_query - 1 : e->out->len;
    char *block = oxy_alloc_new(alloc, text + e->out->len + 1 + names_size(&r)), *names;
    oxy_sql *sql;

    if (block == NULL)
        return oxy_err_set(e->err, OXY_NOMEM, "out of memory");
    sql = (oxy_sql *)(void *)block;
    *sql = (oxy_sql){.alloc = alloc, .text = block + text, .len = len, .n_binds = e->n_binds, .n_cols = r.n};
    sql->binds = (oxy_bind *)(void *)(block + binds);
    sql->cols = (oxy_result_col *)(void *)(block + cols);
    if (e->n_binds != 0)
        memcpy(sql->binds, e->binds, e->n_binds * sizeof(oxy_bind));
    memcpy(sql->text, e->out->p, e->out->len + 1);
    if (e->key_query != 0) {
        sql->quiet_len = e->quiet_len;
        sql->key_query = (oxy_sv){sql->text + e->key_query, e->out->len - e->key_query};
        sql->n_rows = stmt->insert->n_rows;
    }
    names = sql->text + e->out->len + 1;
    for (uint32_t i = 0; i < r.n; i++) {
        if (r.items != NULL)
            fill_col(&sql->cols[i], &r.items[i], &names);
        else
            sql->cols[i] = (oxy_result_col){.type = r.type};
    }
    describe(stmt, sql);
    *out = sql;
    return OXY_OK;
}

/* --- the compile ---------------------------------------------------------------------- */

static void put_statement(oxy__emit *e, const oxy_stmt *stmt)
{
    switch (stmt->kind) {
    case OXY_S_SELECT: oxy__put_select(e, stmt->select); break;
    case OXY_S_COUNT: oxy__put_count(e, stmt->select); break;
    case OXY_S_EXISTS:
        OXY__PUT(e, "SELECT EXISTS(");
        oxy__put_exists(e, stmt->select);
        OXY__PUTC(e, ')');
        break;
    case OXY_S_INSERT: oxy__put_insert(e, stmt->insert); break;
    case OXY_S_UPDATE: oxy__put_update(e, stmt->update); break;
    case OXY_S_DELETE: oxy__put_delete(e, stmt->del); break;
    }
}

static bool tables_make(oxy__emit *e)
{
    uint32_t n = e->b->n_sources;

    e->names = oxy_arena_new(e->arena, n * sizeof *e->names);
    e->levels = oxy_arena_zero(e->arena, n, sizeof *e->levels);
    if (e->d->numbered)
        e->numbers = oxy_arena_zero(e->arena, e->b->n_params, sizeof *e->numbers);
    return e->names != NULL && e->levels != NULL && (!e->d->numbered || e->numbers != NULL);
}

static oxy_rc text_failure(oxy__emit *e)
{
    if (e->out->rc == OXY_VALUE)
        return oxy_err_set(e->err, OXY_VALUE, "a name holds a NUL character");
    if (e->out->rc == OXY_DATA)
        return oxy_err_set(e->err, OXY_VALUE, "the statement is longer than %d MiB", TEXT_LIMIT >> 20);
    return oxy_err_set(e->err, e->out->rc, "out of memory");
}

oxy_rc oxy_compile(const oxy_stmt *stmt, const oxy_builder *b, const oxy_dialect *d, const oxy_alloc *alloc,
                   oxy_sql **out, oxy_err *err)
{
    max_align_t first[4096 / sizeof(max_align_t)];
    oxy_arena arena;
    oxy_buf text;
    oxy_err own;
    oxy__emit e = {.d = d, .b = b, .out = &text, .arena = &arena, .err = err != NULL ? err : &own};
    oxy_rc rc;

    *out = NULL;
    if (b->err.rc != OXY_OK)
        return oxy_err_set(err, b->err.rc, "%s", b->err.message);
    oxy_arena_init_in(&arena, alloc, ARENA_LIMIT, first, sizeof first);
    oxy_buf_init(&text, alloc, TEXT_LIMIT);
    if (!tables_make(&e))
        rc = oxy_err_set(err, OXY_NOMEM, "out of memory");
    else {
        put_statement(&e, stmt);
        /* What followed a lost piece of text means nothing. */
        if (text.rc != OXY_OK && (e.rc == OXY_OK || text.rc == OXY_NOMEM))
            e.rc = text_failure(&e);
        rc = e.rc != OXY_OK ? e.rc : pack(&e, stmt, alloc, out);
    }
    oxy_buf_fini(&text);
    oxy_arena_fini(&arena);
    return rc;
}

void oxy_sql_free(oxy_sql *sql)
{
    if (sql != NULL)
        oxy_alloc_free(sql->alloc, sql);
}
