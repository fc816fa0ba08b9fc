/* SPDX-License-Identifier: MIT */
/* match: which table and column of the new schema is which of the old one. By
 * name, unless an answer says that it was renamed. */
#include "diff.h"

#include <string.h>

const oxy_table_def *oxy__old_table(const oxy__diff *d, const oxy__pair *p)
{
    return &d->from->tables[p->old_table];
}

const oxy_table_def *oxy__new_table(const oxy__diff *d, const oxy__pair *p)
{
    return &d->to->tables[p->new_table];
}

bool oxy__diff_legacy(const oxy__diff *d, uint32_t old_table)
{
    return d->from->legacy != NULL && d->from->legacy[old_table];
}

/* --- order ------------------------------------------------------------------------- */

oxy_sv oxy__table_name(const void *schema, uint32_t i)
{
    return ((const oxy_schema *)schema)->tables[i].name;
}

oxy_sv oxy__enum_name(const void *schema, uint32_t i)
{
    return ((const oxy_schema *)schema)->enums[i].name;
}

static int compare(oxy_sv a, oxy_sv b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.p, b.p, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

uint32_t *oxy__sorted(oxy_arena *arena, const void *things, uint32_t n, oxy_sv (*name)(const void *things, uint32_t i))
{
    uint32_t *order = oxy_arena_new(arena, ((size_t)n + 1) * sizeof *order);

    /* Insertion: schemas have hundreds of tables, and mostly come sorted. */
    for (uint32_t i = 0; order != NULL && i < n; i++) {
        uint32_t at = i;

        for (; at > 0 && compare(name(things, order[at - 1]), name(things, i)) > 0; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return order;
}

/* --- names with or without a schema ------------------------------------------------- */

static bool is_table(const oxy_table_def *t, oxy_sv name)
{
    if (oxy_sv_eq(t->name, name))
        return true;
    return t->schema.len != 0 && name.len == t->schema.len + 1 + t->name.len &&
           memcmp(name.p, t->schema.p, t->schema.len) == 0 && name.p[t->schema.len] == '.' &&
           memcmp(name.p + t->schema.len + 1, t->name.p, t->name.len) == 0;
}

static uint32_t table_named(const oxy_schema *s, oxy_sv name)
{
    for (uint32_t i = 0; i < s->n_tables; i++)
        if (is_table(&s->tables[i], name))
            return i;
    return OXY_NOWHERE;
}

static bool same_table_name(const oxy_table_def *a, const oxy_table_def *b)
{
    return oxy_sv_eq(a->name, b->name) && oxy_sv_eq(a->schema, b->schema);
}

static oxy_rc misfit(oxy__diff *d, const oxy_rename *r)
{
    if (r->owner.len != 0)
        return oxy_err_set(d->err, OXY_VALUE, "the rename %.*s.%.*s:%.*s fits nothing", OXY_SV_ARG(r->owner),
                           OXY_SV_ARG(r->old_name), OXY_SV_ARG(r->new_name));
    return oxy_err_set(d->err, OXY_VALUE, "the rename %.*s:%.*s fits nothing", OXY_SV_ARG(r->old_name),
                       OXY_SV_ARG(r->new_name));
}

/* --- tables ---------------------------------------------------------------------------- */

static void pair(oxy__diff *d, uint32_t old_table, uint32_t new_table)
{
    d->pair_of_old[old_table] = new_table; /* numbers of pairs come with their order, in number_pairs */
    d->pair_of_new[new_table] = old_table;
}

static oxy_rc pair_renamed(oxy__diff *d)
{
    for (uint32_t i = 0; i < d->n_renames; i++) {
        const oxy_rename *r = &d->renames[i];
        uint32_t a, b;

        if (r->kind != OXY_RENAME_TABLE)
            continue;
        a = table_named(d->from, r->old_name);
        b = table_named(d->to, r->new_name);
        if (a == OXY_NOWHERE || b == OXY_NOWHERE || d->pair_of_old[a] != OXY_NOWHERE ||
            d->pair_of_new[b] != OXY_NOWHERE || table_named(d->from, r->new_name) != OXY_NOWHERE ||
            table_named(d->to, r->old_name) != OXY_NOWHERE)
            return misfit(d, r);
        pair(d, a, b);
    }
    return OXY_OK;
}

/* Whether no other table of the schema has the name, in whatever schema. */
static bool only_one(const oxy_schema *s, oxy_sv name)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->n_tables; i++)
        n += oxy_sv_eq(s->tables[i].name, name);
    return n == 1;
}

static void pair_equal(oxy__diff *d, bool (*equal)(const oxy_table_def *a, const oxy_table_def *b), bool unique)
{
    for (uint32_t a = 0; a < d->from->n_tables; a++) {
        if (d->pair_of_old[a] != OXY_NOWHERE)
            continue;
        for (uint32_t b = 0; b < d->to->n_tables; b++) {
            const oxy_table_def *ta = &d->from->tables[a], *tb = &d->to->tables[b];

            if (d->pair_of_new[b] == OXY_NOWHERE && equal(ta, tb) &&
                (!unique || (only_one(d->from, ta->name) && only_one(d->to, tb->name)))) {
                pair(d, a, b);
                break;
            }
        }
    }
}

/* In another schema now. */
static bool moved(const oxy_table_def *a, const oxy_table_def *b)
{
    return oxy_sv_eq(a->name, b->name);
}

static oxy_rc number_pairs(oxy__diff *d)
{
    uint32_t n = 0;

    d->pairs = oxy_arena_zero(d->arena, (size_t)d->to->n_tables + 1, sizeof *d->pairs);
    if (d->pairs == NULL)
        return OXY_NOMEM;
    for (uint32_t i = 0; i < d->to->n_tables; i++) {
        uint32_t b = d->new_order[i], a = d->pair_of_new[b];

        if (a == OXY_NOWHERE)
            continue;
        d->pairs[n] = (oxy__pair){.old_table = a, .new_table = b};
        d->pair_of_old[a] = d->pair_of_new[b] = n++;
    }
    d->n_pairs = n;
    return OXY_OK;
}

/* --- columns --------------------------------------------------------------------------- */

static uint32_t *nowhere(oxy_arena *arena, uint32_t n)
{
    uint32_t *list = oxy_arena_new(arena, ((size_t)n + 1) * sizeof *list);

    for (uint32_t i = 0; list != NULL && i < n; i++)
        list[i] = OXY_NOWHERE;
    return list;
}

static oxy_rc pair_columns(oxy__diff *d, oxy__pair *p)
{
    const oxy_table_def *a = oxy__old_table(d, p), *b = oxy__new_table(d, p);

    p->new_of = nowhere(d->arena, a->n_columns);
    p->old_of = nowhere(d->arena, b->n_columns);
    if (p->new_of == NULL || p->old_of == NULL)
        return OXY_NOMEM;
    for (uint32_t i = 0; i < d->n_renames; i++) {
        const oxy_rename *r = &d->renames[i];
        uint32_t from, to;

        if (r->kind != OXY_RENAME_COLUMN || !(is_table(a, r->owner) || is_table(b, r->owner)))
            continue;
        from = oxy__column_named(a, r->old_name);
        to = oxy__column_named(b, r->new_name);
        if (from == OXY_NOWHERE || to == OXY_NOWHERE || oxy__column_named(b, r->old_name) != OXY_NOWHERE ||
            oxy__column_named(a, r->new_name) != OXY_NOWHERE || p->new_of[from] != OXY_NOWHERE ||
            p->old_of[to] != OXY_NOWHERE)
            return misfit(d, r);
        p->new_of[from] = to;
        p->old_of[to] = from;
    }
    for (uint32_t from = 0; from < a->n_columns; from++) {
        uint32_t to = p->new_of[from] == OXY_NOWHERE ? oxy__column_named(b, a->columns[from].name) : OXY_NOWHERE;

        if (to != OXY_NOWHERE) {
            p->new_of[from] = to;
            p->old_of[to] = from;
        }
    }
    return OXY_OK;
}

/* A rename of a column in a table that is not in both schemas was not looked at. */
static oxy_rc check_owners(oxy__diff *d)
{
    for (uint32_t i = 0; i < d->n_renames; i++) {
        const oxy_rename *r = &d->renames[i];
        bool found = r->kind != OXY_RENAME_COLUMN;

        for (uint32_t k = 0; k < d->n_pairs && !found; k++)
            found = is_table(oxy__old_table(d, &d->pairs[k]), r->owner) ||
                    is_table(oxy__new_table(d, &d->pairs[k]), r->owner);
        if (!found)
            return misfit(d, r);
    }
    return OXY_OK;
}

oxy_rc oxy__diff_match(oxy__diff *d)
{
    oxy_rc rc;

    d->pair_of_old = nowhere(d->arena, d->from->n_tables);
    d->pair_of_new = nowhere(d->arena, d->to->n_tables);
    d->old_order = oxy__sorted(d->arena, d->from, d->from->n_tables, oxy__table_name);
    d->new_order = oxy__sorted(d->arena, d->to, d->to->n_tables, oxy__table_name);
    if (d->pair_of_old == NULL || d->pair_of_new == NULL || d->old_order == NULL || d->new_order == NULL)
        return OXY_NOMEM;
    rc = pair_renamed(d);
    if (rc != OXY_OK)
        return rc;
    pair_equal(d, same_table_name, false);
    pair_equal(d, moved, true);
    rc = number_pairs(d);
    for (uint32_t i = 0; rc == OXY_OK && i < d->n_pairs; i++)
        rc = pair_columns(d, &d->pairs[i]);
    return rc == OXY_OK ? check_owners(d) : rc;
}
