/* SPDX-License-Identifier: MIT */
/* diff: the operations that lead from one schema to another, phase by phase in
 * the order of the migrations document, 7.3. */
#include "diff.h"

#include <string.h>

#define DIFF_LIMIT ((size_t)256 << 20)

const char *oxy_change_name(oxy_change_kind kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        OXY_CHANGE_LIST(X)
#undef X
    };

    return (unsigned)kind < OXY_CHANGE_COUNT ? names[kind] : "";
}

oxy_rc oxy__diff_emit(oxy__diff *d, oxy_change change)
{
    oxy_rc rc = d->sink(d->arg, &change);

    return rc == OXY_OK ? OXY_OK : oxy_err_set(d->err, rc, "the operation was not taken");
}

static oxy_rc emit(oxy__diff *d, oxy_change_kind kind, uint32_t old_table, uint32_t new_table, uint32_t old_item,
                   uint32_t new_item)
{
    return oxy__diff_emit(
        d,
        (oxy_change){
            .kind = kind, .old_table = old_table, .new_table = new_table, .old_item = old_item, .new_item = new_item});
}

static oxy_rc emit_for(oxy__diff *d, oxy_change_kind kind, const oxy__pair *p, uint32_t old_item, uint32_t new_item)
{
    return emit(d, kind, p->old_table, p->new_table, old_item, new_item);
}

/* --- lists of a table: indexes, foreign keys, checks ------------------------------------ */

/* How one kind of thing is found and compared. */
typedef struct kind_of_part {
    oxy_change_kind drop, add;
    uint32_t (*count)(const oxy_table_def *t);
    oxy_sv (*name)(const oxy_table_def *t, uint32_t i);
    bool (*same)(const oxy__diff *d, const oxy__pair *p, uint32_t a, uint32_t b);
    bool (*unchosen)(const oxy_table_def *t, uint32_t i);  /* nobody chose its name */
    bool (*untracked)(const oxy_table_def *t, uint32_t i); /* older files left it out */
} kind_of_part;

static uint32_t count_indexes(const oxy_table_def *t)
{
    return t->n_indexes;
}
static oxy_sv index_name(const oxy_table_def *t, uint32_t i)
{
    return t->indexes[i].name;
}
static bool same_index(const oxy__diff *d, const oxy__pair *p, uint32_t a, uint32_t b)
{
    return oxy__same_index(d, p, &oxy__old_table(d, p)->indexes[a], &oxy__new_table(d, p)->indexes[b]);
}
static bool index_unchosen(const oxy_table_def *t, uint32_t i)
{
    return oxy__auto_index_name(t, &t->indexes[i]);
}
static bool index_untracked(const oxy_table_def *t, uint32_t i)
{
    return t->indexes[i].constraint;
}

static uint32_t count_keys(const oxy_table_def *t)
{
    return t->n_foreign_keys;
}
static oxy_sv key_name(const oxy_table_def *t, uint32_t i)
{
    return t->foreign_keys[i].name;
}
static bool same_key(const oxy__diff *d, const oxy__pair *p, uint32_t a, uint32_t b)
{
    return oxy__same_foreign_key(d, p, &oxy__old_table(d, p)->foreign_keys[a], &oxy__new_table(d, p)->foreign_keys[b]);
}
static bool always(const oxy_table_def *t, uint32_t i)
{
    (void)t, (void)i;
    return true;
}
static bool never(const oxy_table_def *t, uint32_t i)
{
    (void)t, (void)i;
    return false;
}

static uint32_t count_checks(const oxy_table_def *t)
{
    return t->n_checks;
}
static oxy_sv check_name(const oxy_table_def *t, uint32_t i)
{
    return t->checks[i].name;
}
static bool same_check(const oxy__diff *d, const oxy__pair *p, uint32_t a, uint32_t b)
{
    return oxy__same_check(&oxy__old_table(d, p)->checks[a], &oxy__new_table(d, p)->checks[b]);
}
static bool check_unchosen(const oxy_table_def *t, uint32_t i)
{
    return oxy__auto_check_name(t, &t->checks[i]);
}

/* In the order of their phases. */
enum { KEYS, INDEXES, CHECKS, PARTS };
static const kind_of_part parts[PARTS] = {
    [KEYS] = {OXY_CHANGE_DROP_FOREIGN_KEY, OXY_CHANGE_ADD_FOREIGN_KEY, count_keys, key_name, same_key, always, never},
    [INDEXES] = {OXY_CHANGE_DROP_INDEX, OXY_CHANGE_CREATE_INDEX, count_indexes, index_name, same_index, index_unchosen,
                 index_untracked},
    [CHECKS] = {OXY_CHANGE_DROP_CHECK, OXY_CHANGE_ADD_CHECK, count_checks, check_name, same_check, check_unchosen,
                never},
};

/* By old and by new part: whether it stays. */
typedef struct kept {
    bool *old_part, *new_part;
} kept;

static void keep(const oxy__diff *d, const oxy__pair *p, const kind_of_part *k, kept *out, bool by_name)
{
    const oxy_table_def *a = oxy__old_table(d, p), *b = oxy__new_table(d, p);

    for (uint32_t i = 0; i < k->count(a); i++)
        for (uint32_t n = 0; n < k->count(b) && !out->old_part[i]; n++) {
            bool named = by_name ? oxy_sv_eq(k->name(a, i), k->name(b, n)) : k->unchosen(b, n);

            if (!out->new_part[n] && named && k->same(d, p, i, n))
                out->old_part[i] = out->new_part[n] = true;
        }
}

static oxy_rc keep_parts(oxy__diff *d, const oxy__pair *p, const kind_of_part *k, kept *out)
{
    const oxy_table_def *a = oxy__old_table(d, p), *b = oxy__new_table(d, p);

    out->old_part = oxy_arena_zero(d->arena, (size_t)k->count(a) + 1, sizeof(bool));
    out->new_part = oxy_arena_zero(d->arena, (size_t)k->count(b) + 1, sizeof(bool));
    if (out->old_part == NULL || out->new_part == NULL)
        return OXY_NOMEM;
    keep(d, p, k, out, true);
    keep(d, p, k, out, false);
    if (oxy__diff_legacy(d, p->old_table))
        for (uint32_t n = 0; n < k->count(b); n++)
            out->new_part[n] = out->new_part[n] || k->untracked(b, n);
    return OXY_OK;
}

static oxy_rc part_phase(oxy__diff *d, const oxy__pair *p, const kind_of_part *k, bool adding)
{
    const oxy_table_def *t = adding ? oxy__new_table(d, p) : oxy__old_table(d, p);
    uint32_t *order, n = k->count(t);
    kept which;
    oxy_rc rc = keep_parts(d, p, k, &which);

    if (rc != OXY_OK)
        return rc;
    order = oxy_arena_new(d->arena, ((size_t)n + 1) * sizeof *order);
    if (order == NULL)
        return OXY_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t i = 0; i < n && rc == OXY_OK; i++) { /* the least name among the rest, each time */
        for (uint32_t j = i + 1; j < n; j++) {
            oxy_sv x = k->name(t, order[j]), y = k->name(t, order[i]);
            int less = memcmp(x.p, y.p, x.len < y.len ? x.len : y.len);

            if (less < 0 || (less == 0 && x.len < y.len)) {
                uint32_t swap = order[i];

                order[i] = order[j];
                order[j] = swap;
            }
        }
        if (adding ? which.new_part[order[i]] : which.old_part[order[i]])
            continue;
        rc = adding ? emit_for(d, k->add, p, OXY_NOWHERE, order[i]) : emit_for(d, k->drop, p, order[i], OXY_NOWHERE);
    }
    return rc;
}

/* --- columns ------------------------------------------------------------------------------ */

static oxy_rc rename_columns(oxy__diff *d, const oxy__pair *p)
{
    oxy_rc rc = OXY_OK;

    for (uint32_t i = 0; i < oxy__old_table(d, p)->n_columns && rc == OXY_OK; i++) {
        uint32_t now = p->new_of[i];

        if (now != OXY_NOWHERE &&
            !oxy_sv_eq(oxy__old_table(d, p)->columns[i].name, oxy__new_table(d, p)->columns[now].name))
            rc = emit_for(d, OXY_CHANGE_RENAME_COLUMN, p, i, now);
    }
    return rc;
}

static oxy_rc change_columns(oxy__diff *d, const oxy__pair *p)
{
    const oxy_table_def *a = oxy__old_table(d, p), *b = oxy__new_table(d, p);
    oxy_rc rc = OXY_OK;

    for (uint32_t i = 0; i < b->n_columns && rc == OXY_OK; i++)
        if (p->old_of[i] == OXY_NOWHERE)
            rc = emit_for(d, OXY_CHANGE_ADD_COLUMN, p, OXY_NOWHERE, i);
    for (uint32_t i = 0; i < b->n_columns && rc == OXY_OK; i++)
        if (p->old_of[i] != OXY_NOWHERE && !oxy__same_column(d, p, p->old_of[i], i))
            rc = emit_for(d, OXY_CHANGE_ALTER_COLUMN, p, p->old_of[i], i);
    for (uint32_t i = 0; i < a->n_columns && rc == OXY_OK; i++)
        if (p->new_of[i] == OXY_NOWHERE)
            rc = emit_for(d, OXY_CHANGE_DROP_COLUMN, p, i, OXY_NOWHERE);
    if (rc == OXY_OK && !oxy__same_key(d, p))
        rc = emit_for(d, OXY_CHANGE_ALTER_KEY, p, OXY_NOWHERE, OXY_NOWHERE);
    return rc;
}

static oxy_rc comment(oxy__diff *d, const oxy__pair *p)
{
    if (oxy_sv_eq(oxy__old_table(d, p)->comment, oxy__new_table(d, p)->comment) || oxy__diff_legacy(d, p->old_table))
        return OXY_OK;
    return emit_for(d, OXY_CHANGE_SET_COMMENT, p, OXY_NOWHERE, OXY_NOWHERE);
}

/* --- whole tables ---------------------------------------------------------------------------- */

/* Tables of one side only, referenced ones first, each with the keys that have
 * to wait because they close a cycle. */
typedef struct lonely {
    oxy_table_def *tables;
    uint32_t *numbers, *order; /* number in its schema; order of creation */
    bool **without;            /* by table of this list */
    uint32_t n;
} lonely;

static bool points_later(const lonely *l, uint32_t at, const oxy_foreign_key_def *fk)
{
    for (uint32_t later = at + 1; later < l->n; later++)
        if (oxy__ddl_targets(fk, &l->tables[l->order[at]], &l->tables[l->order[later]]))
            return true;
    return false;
}

static oxy_rc find_lonely(oxy__diff *d, const oxy_schema *s, const uint32_t *names, const uint32_t *pairs, lonely *out)
{
    size_t room = (size_t)s->n_tables + 1;
    oxy_rc rc;

    *out = (lonely){0};
    out->tables = oxy_arena_zero(d->arena, room, sizeof *out->tables);
    out->numbers = oxy_arena_zero(d->arena, room, sizeof *out->numbers);
    out->order = oxy_arena_zero(d->arena, room, sizeof *out->order);
    out->without = oxy_arena_zero(d->arena, room, sizeof *out->without);
    if (out->tables == NULL || out->numbers == NULL || out->order == NULL || out->without == NULL)
        return OXY_NOMEM;
    for (uint32_t i = 0; i < s->n_tables; i++) {
        if (pairs[names[i]] != OXY_NOWHERE)
            continue;
        out->numbers[out->n] = names[i];
        out->tables[out->n++] = s->tables[names[i]];
    }
    rc = oxy__ddl_order(out->tables, out->n, d->arena->alloc, out->order);
    for (uint32_t at = 0; at < out->n && rc == OXY_OK; at++) {
        const oxy_table_def *t = &out->tables[out->order[at]];
        bool *without = oxy_arena_zero(d->arena, (size_t)t->n_foreign_keys + 1, sizeof *without);

        if (without == NULL)
            return OXY_NOMEM;
        for (uint32_t k = 0; k < t->n_foreign_keys; k++)
            without[k] = points_later(out, at, &t->foreign_keys[k]);
        out->without[out->order[at]] = without;
    }
    return rc;
}

static oxy_rc closing_keys(oxy__diff *d, const lonely *l, bool adding)
{
    oxy_rc rc = OXY_OK;

    for (uint32_t i = 0; i < l->n; i++)
        for (uint32_t k = 0; k < l->tables[i].n_foreign_keys && rc == OXY_OK; k++) {
            if (!l->without[i][k])
                continue;
            rc = adding ? emit(d, OXY_CHANGE_ADD_FOREIGN_KEY, OXY_NOWHERE, l->numbers[i], OXY_NOWHERE, k)
                        : emit(d, OXY_CHANGE_DROP_FOREIGN_KEY, l->numbers[i], OXY_NOWHERE, k, OXY_NOWHERE);
        }
    return rc;
}

static oxy_rc create_tables(oxy__diff *d, const lonely *l)
{
    oxy_rc rc = OXY_OK;

    for (uint32_t at = 0; at < l->n && rc == OXY_OK; at++) {
        oxy_change change = {.kind = OXY_CHANGE_CREATE_TABLE, OXY__NONE};

        change.new_table = l->numbers[l->order[at]];
        change.without_keys = l->without[l->order[at]];
        rc = oxy__diff_emit(d, change);
    }
    return rc;
}

static oxy_rc drop_tables(oxy__diff *d, const lonely *l)
{
    oxy_rc rc = OXY_OK;

    for (uint32_t at = l->n; at-- > 0 && rc == OXY_OK;)
        rc = oxy__diff_emit(d, (oxy_change){.kind = OXY_CHANGE_DROP_TABLE,
                                            .old_table = l->numbers[l->order[at]],
                                            .new_table = OXY_NOWHERE,
                                            .old_item = OXY_NOWHERE,
                                            .new_item = OXY_NOWHERE,
                                            .without_keys = l->without[l->order[at]]});
    return rc;
}

static bool has_schema(const oxy_schema *s, oxy_sv name, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (oxy_sv_eq(s->tables[i].schema, name))
            return true;
    return false;
}

static oxy_sv schema_of_table(const void *schema, uint32_t i)
{
    return ((const oxy_schema *)schema)->tables[i].schema;
}

static oxy_rc create_schemas(oxy__diff *d)
{
    uint32_t *order = oxy__sorted(d->arena, d->to, d->to->n_tables, schema_of_table);
    oxy_sv last = {NULL, 0};
    oxy_rc rc = order == NULL ? OXY_NOMEM : OXY_OK;

    for (uint32_t i = 0; i < d->to->n_tables && rc == OXY_OK; i++) {
        oxy_change change = {.kind = OXY_CHANGE_CREATE_SCHEMA, OXY__NONE};

        change.value = d->to->tables[order[i]].schema;
        if (change.value.len == 0 || oxy_sv_eq(change.value, last) ||
            has_schema(d->from, change.value, d->from->n_tables))
            continue;
        last = change.value;
        rc = oxy__diff_emit(d, change);
    }
    return rc;
}

static oxy_rc rename_table(oxy__diff *d, const oxy__pair *p)
{
    const oxy_table_def *a = oxy__old_table(d, p), *b = oxy__new_table(d, p);
    oxy_rc rc = OXY_OK;

    if (!oxy_sv_eq(a->schema, b->schema) && !(oxy__diff_legacy(d, p->old_table) && a->schema.len == 0))
        rc = emit_for(d, OXY_CHANGE_SET_SCHEMA, p, OXY_NOWHERE, OXY_NOWHERE);
    if (rc == OXY_OK && !oxy_sv_eq(a->name, b->name))
        rc = emit_for(d, OXY_CHANGE_RENAME_TABLE, p, OXY_NOWHERE, OXY_NOWHERE);
    return rc;
}

/* --- phases ------------------------------------------------------------------------------------- */

typedef oxy_rc (*pair_fn)(oxy__diff *d, const oxy__pair *p);

static oxy_rc each_pair(oxy__diff *d, pair_fn each)
{
    oxy_rc rc = OXY_OK;

    for (uint32_t i = 0; i < d->n_pairs && rc == OXY_OK; i++)
        rc = each(d, &d->pairs[i]);
    return rc;
}

static oxy_rc drop_parts(oxy__diff *d, const oxy__pair *p)
{
    oxy_rc rc = OXY_OK;

    for (int k = 0; k < PARTS && rc == OXY_OK; k++)
        rc = part_phase(d, p, &parts[k], false);
    return rc;
}

static oxy_rc add_parts(oxy__diff *d, const oxy__pair *p)
{
    static const int order[] = {INDEXES, KEYS, CHECKS};
    oxy_rc rc = OXY_OK;

    for (size_t k = 0; k < OXY_COUNT(order) && rc == OXY_OK; k++)
        rc = part_phase(d, p, &parts[order[k]], true);
    return rc == OXY_OK ? comment(d, p) : rc;
}

static oxy_rc all_phases(oxy__diff *d)
{
    lonely made, gone;
    oxy_rc rc = oxy__diff_match(d);

    if (rc == OXY_OK)
        rc = find_lonely(d, d->to, d->new_order, d->pair_of_new, &made);
    if (rc == OXY_OK)
        rc = find_lonely(d, d->from, d->old_order, d->pair_of_old, &gone);
    if (rc == OXY_OK)
        rc = create_schemas(d);
    if (rc == OXY_OK)
        rc = oxy__diff_new_enums(d);
    if (rc == OXY_OK)
        rc = oxy__diff_enum_values(d);
    if (rc == OXY_OK)
        rc = each_pair(d, drop_parts);
    if (rc == OXY_OK)
        rc = closing_keys(d, &gone, false);
    if (rc == OXY_OK)
        rc = each_pair(d, rename_table);
    if (rc == OXY_OK)
        rc = each_pair(d, rename_columns);
    if (rc == OXY_OK)
        rc = create_tables(d, &made);
    if (rc == OXY_OK)
        rc = drop_tables(d, &gone);
    if (rc == OXY_OK)
        rc = each_pair(d, change_columns);
    if (rc == OXY_OK)
        rc = each_pair(d, add_parts);
    if (rc == OXY_OK)
        rc = closing_keys(d, &made, true);
    return rc == OXY_OK ? oxy__diff_gone_enums(d) : rc;
}

oxy_rc oxy_schema_diff(const oxy_schema *from, const oxy_schema *to, const oxy_rename *renames, uint32_t n_renames,
                       const oxy_alloc *alloc, oxy_change_sink sink, void *arg, oxy_err *err)
{
    oxy_arena arena;
    oxy__diff d = {.from = from,
                   .to = to,
                   .renames = renames,
                   .n_renames = n_renames,
                   .arena = &arena,
                   .sink = sink,
                   .arg = arg,
                   .err = err};
    oxy_rc rc;

    oxy_err_clear(err);
    oxy_arena_init(&arena, alloc, DIFF_LIMIT);
    rc = all_phases(&d);
    if (rc == OXY_NOMEM)
        rc = oxy_err_set(err, OXY_NOMEM, "out of memory while comparing schemas");
    oxy_arena_fini(&arena);
    return rc;
}
