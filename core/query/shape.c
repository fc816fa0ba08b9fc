/* SPDX-License-Identifier: MIT */
/* shape: the bytes that a compiled statement is found by.
 *
 * A walk over the tree that writes every choice the compiler looks at and no
 * value. Numbers are written in groups of seven bits, texts behind their
 * length, optional parts behind a flag, so that no two trees share a shape by
 * running together. A column is its source and its place in the table; the
 * table's uid, written with the source, stands for all names and types. */
#include "query.h"

#include <string.h>

enum { STAGE = 512, STAGE_ROOM = 16 };

struct walk {
    oxy_buf *out;
    uint32_t depth; /* of nested calls: selects may nest without the builder */
    bool too_deep;
    size_t n;
    unsigned char stage[STAGE]; /* small writes gather here */
};

static void flush(struct walk *w)
{
    oxy_buf_put(w->out, (const char *)w->stage, w->n);
    w->n = 0;
}

static inline void put_u8(struct walk *w, unsigned v)
{
    if (w->n == STAGE)
        flush(w);
    w->stage[w->n++] = (unsigned char)v;
}

static inline void put_num(struct walk *w, uint64_t v)
{
    if (w->n > STAGE - STAGE_ROOM)
        flush(w);
    while (v >= 0x80) {
        w->stage[w->n++] = (unsigned char)(v | 0x80);
        v >>= 7;
    }
    w->stage[w->n++] = (unsigned char)v;
}

static void put_text(struct walk *w, oxy_sv text)
{
    put_num(w, text.len);
    if (text.len > STAGE - w->n)
        flush(w);
    if (text.len > STAGE) {
        oxy_buf_put(w->out, text.p, text.len);
    } else if (text.len != 0) {
        memcpy(w->stage + w->n, text.p, text.len);
        w->n += text.len;
    }
}

/* Of a parameter, or of a result that is no plain column. */
static void put_type(struct walk *w, const oxy_type *t)
{
    put_u8(w, t->kind);
    if (t->kind == OXY_K_ARRAY) {
        put_u8(w, t->elem);
        put_u8(w, t->ndim);
    }
    put_u8(w, (unsigned)((t->has_scale ? 1 : 0) | (t->size != 0 ? 2 : 0) | (t->name.len != 0 ? 4 : 0) |
                         (t->db_type.len != 0 ? 8 : 0)));
    if (t->has_scale)
        put_u8(w, t->scale);
    if (t->size != 0)
        put_num(w, t->size);
    if (t->name.len != 0) {
        put_text(w, t->name);
        put_text(w, t->name_schema);
    }
    if (t->db_type.len != 0)
        put_text(w, t->db_type);
}

static void put_select(struct walk *w, const oxy_select *s);
static void put_expr(struct walk *w, const oxy_expr *e);

static void put_opt(struct walk *w, const oxy_expr *e)
{
    put_u8(w, e != NULL);
    if (e != NULL)
        put_expr(w, e);
}

static void put_list(struct walk *w, const oxy_list *list)
{
    put_num(w, list->n);
    for (uint32_t i = 0; i < list->n; i++)
        put_expr(w, list->items[i]);
}

static void put_orders(struct walk *w, const oxy_orders *orders)
{
    put_num(w, orders->n);
    for (uint32_t i = 0; i < orders->n; i++) {
        const oxy_order *o = &orders->items[i];

        put_u8(w, (unsigned)(o->descending ? 4 : 0) | (unsigned)(o->nulls + 1));
        put_expr(w, o->expr);
    }
}

static void put_source(struct walk *w, const oxy_source *s)
{
    put_num(w, s->id);
    put_text(w, s->alias);
    if (s->table != NULL) {
        put_u8(w, 1);
        put_num(w, s->table->uid);
    } else if (s->select != NULL) {
        put_u8(w, 2);
        put_select(w, s->select);
    } else {
        put_u8(w, 3);
        put_text(w, s->cte);
    }
}

static void put_column_of(struct walk *w, const oxy_table *table, const oxy_column *column)
{
    if (table != NULL && column >= table->columns && column < table->columns + table->n_columns) {
        put_num(w, 1 + (uint64_t)(column - table->columns));
        return;
    }
    put_num(w, 0);
    put_text(w, column->name);
    put_type(w, &column->type);
    put_u8(w, (unsigned)((column->not_null ? 1 : 0) | (column->primary_key ? 2 : 0)));
}

static void put_agg(struct walk *w, const oxy_expr *e)
{
    put_u8(w, e->agg.fn);
    put_u8(w, e->agg.distinct);
    put_expr(w, e->agg.arg);
    put_opt(w, e->agg.filter);
    put_opt(w, e->agg.deflt);
    put_opt(w, e->agg.separator);
    put_orders(w, &e->agg.order);
}

static void put_path(struct walk *w, const oxy_expr *e)
{
    put_u8(w, e->path.as);
    put_num(w, e->path.n);
    for (uint32_t i = 0; i < e->path.n; i++) {
        put_u8(w, e->path.steps[i].is_index);
        put_text(w, e->path.steps[i].key);
    }
    put_type(w, &e->type);
    put_expr(w, e->path.arg);
}

static void put_window(struct walk *w, const oxy_expr *e)
{
    put_expr(w, e->window.expr);
    put_list(w, &e->window.partition);
    put_orders(w, &e->window.order);
    put_u8(w, e->window.unit);
    put_u8(w, (unsigned)((e->window.start_unbounded ? 1 : 0) | (e->window.end_unbounded ? 2 : 0)));
    put_num(w, (uint64_t)e->window.start);
    put_num(w, (uint64_t)e->window.end);
}

static void put_in(struct walk *w, const oxy_expr *e)
{
    put_u8(w, e->in.negated);
    put_expr(w, e->in.arg);
    put_opt(w, e->in.params);
    put_list(w, &e->in.list);
    put_u8(w, e->in.select != NULL);
    if (e->in.select != NULL)
        put_select(w, e->in.select);
}

static void put_raw(struct walk *w, const oxy_expr *e)
{
    put_type(w, &e->type);
    put_num(w, e->raw.args.n);
    put_text(w, e->raw.fragments[0]);
    for (uint32_t i = 0; i < e->raw.args.n; i++) {
        put_expr(w, e->raw.args.items[i]);
        put_text(w, e->raw.fragments[i + 1]);
    }
}

static void put_members(struct walk *w, const oxy_expr *e)
{
    switch (e->kind) {
    case OXY_E_COLUMN:
        put_num(w, e->column.source->id);
        put_column_of(w, e->column.source->table, e->column.column);
        break;
    case OXY_E_EXCLUDED: put_column_of(w, NULL, e->column.column); break;
    case OXY_E_NAMED:
        put_num(w, e->named.source->id);
        put_text(w, e->named.name);
        put_type(w, &e->type);
        break;
    case OXY_E_PARAM:
        put_num(w, e->param.index);
        put_type(w, &e->type);
        break;
    case OXY_E_PARAMS:
        put_num(w, e->params.first);
        put_num(w, e->params.n);
        put_type(w, &e->type);
        break;
    case OXY_E_NUL: put_type(w, &e->type); break;
    case OXY_E_BOOL: put_u8(w, e->boolean); break;
    case OXY_E_STAR:
    case OXY_E_DEFAULT: break;
    case OXY_E_ALIAS:
        put_text(w, e->alias);
        put_type(w, &e->type);
        break;
    case OXY_E_UNARY:
    case OXY_E_NOT:
        put_u8(w, e->unary.op);
        put_expr(w, e->unary.arg);
        break;
    case OXY_E_BINARY:
        put_u8(w, e->binary.op);
        put_expr(w, e->binary.left);
        put_expr(w, e->binary.right);
        break;
    case OXY_E_LOGIC:
        put_u8(w, e->logic.is_or);
        put_list(w, &e->logic.list);
        break;
    case OXY_E_BETWEEN:
        put_expr(w, e->between.arg);
        put_expr(w, e->between.low);
        put_expr(w, e->between.high);
        break;
    case OXY_E_IN: put_in(w, e); break;
    case OXY_E_MATCH:
        put_u8(w, e->match.op);
        put_u8(w, (unsigned)((e->match.fold ? 1 : 0) | (e->match.escape ? 2 : 0)));
        put_expr(w, e->match.arg);
        put_expr(w, e->match.pattern);
        break;
    case OXY_E_FUNC:
        put_u8(w, e->func.fn);
        put_u8(w, e->type.kind); /* Now() has two */
        put_list(w, &e->func.args);
        break;
    case OXY_E_AGG: put_agg(w, e); break;
    case OXY_E_CASE:
        put_list(w, &e->cases.whens);
        put_opt(w, e->cases.otherwise);
        break;
    case OXY_E_CAST:
        put_type(w, &e->type);
        put_expr(w, e->cast.arg);
        break;
    case OXY_E_EXTRACT:
        put_u8(w, e->part.part);
        put_u8(w, e->part.trunc);
        put_expr(w, e->part.arg);
        break;
    case OXY_E_JSON_PATH: put_path(w, e); break;
    case OXY_E_CONTAINER:
        put_u8(w, e->container.op);
        put_expr(w, e->container.arg);
        put_opt(w, e->container.value);
        put_list(w, &e->container.keys);
        break;
    case OXY_E_SUBQUERY:
    case OXY_E_EXISTS: put_select(w, e->subquery); break;
    case OXY_E_TUPLE: put_list(w, &e->list); break;
    case OXY_E_WINDOW: put_window(w, e); break;
    case OXY_E_RAW: put_raw(w, e); break;
    case OXY_E_COUNT: break;
    }
}

/* A NULL among the values changes what can be NULL, and with it how a negation
 * is written; INSERT's own values are exempt, see put_insert(). */
static void put_expr(struct walk *w, const oxy_expr *e)
{
    if (w->depth >= OXY_MAX_DEPTH) {
        w->too_deep = true;
        return;
    }
    w->depth++;
    put_u8(w, (unsigned)e->kind << 1 | (e->type.nullable ? 1u : 0u));
    put_members(w, e);
    w->depth--;
}

/* --- statements ---------------------------------------------------------------- */

static void put_items(struct walk *w, const oxy_item *items, uint32_t n)
{
    put_num(w, n);
    for (uint32_t i = 0; i < n; i++) {
        put_text(w, items[i].alias);
        put_expr(w, items[i].expr);
    }
}

static void put_ctes(struct walk *w, const oxy_select *s)
{
    put_num(w, s->n_ctes);
    for (uint32_t i = 0; i < s->n_ctes; i++) {
        const oxy_cte *cte = &s->ctes[i];

        put_text(w, cte->name);
        put_u8(w, (unsigned)((cte->step != NULL ? 1 : 0) | (cte->union_distinct ? 2 : 0)));
        put_select(w, cte->select);
        if (cte->step != NULL)
            put_select(w, cte->step);
    }
}

static void put_joins(struct walk *w, const oxy_select *s)
{
    put_num(w, s->n_joins);
    for (uint32_t i = 0; i < s->n_joins; i++) {
        put_u8(w, s->joins[i].kind);
        put_source(w, s->joins[i].source);
        put_opt(w, s->joins[i].on);
    }
}

static void put_lock(struct walk *w, const oxy_lock *lock)
{
    put_u8(w, lock->kind);
    if (lock->kind == OXY_LOCK_NONE)
        return;
    put_u8(w, (unsigned)((lock->nowait ? 1 : 0) | (lock->skip_locked ? 2 : 0)));
    put_num(w, lock->n_of);
    for (uint32_t i = 0; i < lock->n_of; i++)
        put_num(w, lock->of[i]->id);
}

static void put_select(struct walk *w, const oxy_select *s)
{
    if (w->depth >= OXY_MAX_DEPTH) {
        w->too_deep = true;
        return;
    }
    w->depth++;
    put_ctes(w, s);
    put_u8(w, s->distinct);
    put_list(w, &s->distinct_on);
    put_items(w, s->items, s->n_items);
    put_u8(w, s->from != NULL);
    if (s->from != NULL)
        put_source(w, s->from);
    put_joins(w, s);
    put_opt(w, s->where);
    put_list(w, &s->group_by);
    put_opt(w, s->having);
    put_num(w, s->n_operands);
    for (uint32_t i = 0; i < s->n_operands; i++) {
        put_u8(w, s->operands[i].op);
        put_select(w, s->operands[i].select);
    }
    put_orders(w, &s->order);
    put_opt(w, s->limit);
    put_opt(w, s->offset);
    put_lock(w, &s->lock);
    w->depth--;
}

static void put_columns(struct walk *w, const oxy_table *table, const oxy_column *const *columns, uint32_t n)
{
    put_num(w, n);
    for (uint32_t i = 0; i < n; i++)
        put_column_of(w, table, columns[i]);
}

static void put_sets(struct walk *w, const oxy_table *table, const oxy_assign *sets, uint32_t n)
{
    put_num(w, n);
    for (uint32_t i = 0; i < n; i++) {
        put_column_of(w, table, sets[i].column);
        put_expr(w, sets[i].value);
    }
}

/* Values of rows: whether one is NULL changes nothing about the text, and rows
 * with and without NULLs should share a statement. */
static void put_values(struct walk *w, const oxy_expr *const *values, size_t n)
{
    put_num(w, n);
    for (size_t i = 0; i < n; i++) {
        const oxy_expr *e = values[i];

        if (e->kind != OXY_E_PARAM) {
            put_expr(w, e);
            continue;
        }
        put_u8(w, (unsigned)OXY_E_PARAM << 1);
        put_members(w, e);
    }
}

static void put_insert(struct walk *w, const oxy_insert *s)
{
    put_source(w, s->into);
    put_columns(w, s->into->table, s->columns, s->n_columns);
    put_num(w, s->n_rows);
    put_values(w, s->values, (size_t)s->n_rows * s->n_columns);
    put_u8(w, s->conflict);
    if (s->conflict != OXY_CONFLICT_ERROR) {
        put_columns(w, s->into->table, s->targets, s->n_targets);
        put_sets(w, s->into->table, s->sets, s->n_sets);
    }
    put_items(w, s->returning, s->n_returning);
}

static void put_update(struct walk *w, const oxy_update *s)
{
    put_source(w, s->table);
    put_num(w, s->n_sets);
    for (uint32_t i = 0; i < s->n_sets; i++) {
        put_column_of(w, s->table->table, s->sets[i].column);
        put_values(w, &s->sets[i].value, 1);
    }
    put_u8(w, s->values_source != NULL);
    if (s->values_source != NULL) {
        put_source(w, s->values_source);
        put_columns(w, s->table->table, s->values_columns, s->n_values_columns);
        put_num(w, s->n_values_rows);
        put_values(w, s->values, (size_t)s->n_values_rows * s->n_values_columns);
    }
    put_opt(w, s->where);
    put_items(w, s->returning, s->n_returning);
}

oxy_rc oxy_shape(const oxy_stmt *stmt, const oxy_builder *b, oxy_buf *out)
{
    struct walk w;

    if (b->err.rc != OXY_OK)
        return b->err.rc;
    w.out = out;
    w.depth = 0;
    w.too_deep = false;
    w.n = 0;
    put_u8(&w, stmt->kind);
    switch (stmt->kind) {
    case OXY_S_SELECT:
    case OXY_S_COUNT:
    case OXY_S_EXISTS: put_select(&w, stmt->select); break;
    case OXY_S_INSERT: put_insert(&w, stmt->insert); break;
    case OXY_S_UPDATE: put_update(&w, stmt->update); break;
    case OXY_S_DELETE:
        put_source(&w, stmt->del->table);
        put_opt(&w, stmt->del->where);
        put_items(&w, stmt->del->returning, stmt->del->n_returning);
        break;
    }
    flush(&w);
    return w.too_deep ? OXY_VALUE : out->rc;
}
