/* SPDX-License-Identifier: MIT */
/* same: when two columns, keys, indexes or constraints are equal, given which
 * table and column of the new schema is which of the old one. */
#include "diff.h"

#include <string.h>

uint32_t oxy__column_named(const oxy_table_def *t, oxy_sv name)
{
    for (uint32_t i = 0; i < t->n_columns; i++)
        if (oxy_sv_eq(t->columns[i].name, name))
            return i;
    return OXY_NOWHERE;
}

/* Whether name a in the old table is name b in the new one. Names that are no
 * columns (a state that files left incomplete) must be equal as text. */
static bool same_name(const oxy__diff *d, const oxy__pair *p, oxy_sv a, oxy_sv b)
{
    uint32_t from = oxy__column_named(oxy__old_table(d, p), a);

    if (from == OXY_NOWHERE)
        return oxy_sv_eq(a, b);
    return p->new_of[from] != OXY_NOWHERE && p->new_of[from] == oxy__column_named(oxy__new_table(d, p), b);
}

static bool same_names(const oxy__diff *d, const oxy__pair *p, oxy_names a, oxy_names b)
{
    if (a.n != b.n)
        return false;
    for (uint32_t i = 0; i < a.n; i++)
        if (!same_name(d, p, a.items[i], b.items[i]))
            return false;
    return true;
}

/* Equal words, whatever stands between them. */
static bool same_sql(oxy_sv a, oxy_sv b)
{
    size_t i = 0, k = 0;

    a = oxy__sv_trim(a);
    b = oxy__sv_trim(b);
    while (i < a.len && k < b.len) {
        bool blank_a = (unsigned char)a.p[i] <= ' ', blank_b = (unsigned char)b.p[k] <= ' ';

        if (blank_a != blank_b || (!blank_a && a.p[i] != b.p[k]))
            return false;
        for (i++; blank_a && (unsigned char)a.p[i] <= ' ';)
            i++;
        for (k++; blank_b && (unsigned char)b.p[k] <= ' ';)
            k++;
    }
    return i == a.len && k == b.len;
}

/* --- columns --------------------------------------------------------------------------- */

static bool same_word(oxy_sv a, oxy_sv b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        char x = a.p[i], y = b.p[i];

        x = (char)(x >= 'a' && x <= 'z' ? x - 32 : x);
        y = (char)(y >= 'a' && y <= 'z' ? y - 32 : y);
        if (x != y)
            return false;
    }
    return true;
}

static uint32_t string_size(const oxy_type *t)
{
    return t->size != 0 ? t->size : 255;
}

static bool in_foreign_key(const oxy_table_def *t, oxy_sv column)
{
    for (uint32_t i = 0; i < t->n_foreign_keys; i++)
        if (oxy__names_have(t->foreign_keys[i].columns, column))
            return true;
    return false;
}

static bool same_kind(oxy_kind kind, const oxy_type *a, const oxy_type *b)
{
    switch (kind) {
    case OXY_K_STRING: return string_size(a) == string_size(b);
    case OXY_K_DECIMAL:
        return a->size == b->size && (a->has_scale ? a->scale : 0) == (b->has_scale ? b->scale : 0) &&
               (a->size != 0 || a->has_scale == b->has_scale);
    case OXY_K_ENUM: return oxy_sv_eq(a->name, b->name);
    default: return true;
    }
}

static oxy_kind plain(oxy_kind kind)
{
    return kind == OXY_K_JSON ? OXY_K_JSONB : kind == OXY_K_UNKNOWN ? OXY_K_TEXT : kind; /* equal in every DDL */
}

static bool same_type(const oxy_type *a, const oxy_type *b)
{
    oxy_sv own_a = oxy__sv_trim(a->db_type), own_b = oxy__sv_trim(b->db_type);

    if (own_a.len != 0 || own_b.len != 0)
        return same_word(own_a, own_b);
    if (plain(a->kind) != plain(b->kind))
        return false;
    if (a->kind != OXY_K_ARRAY)
        return same_kind(a->kind, a, b);
    return plain(a->elem) == plain(b->elem) && (a->ndim == 0 ? 1 : a->ndim) == (b->ndim == 0 ? 1 : b->ndim) &&
           same_kind(a->elem, a, b);
}

/* Older files wrote "unknown" for many types, and another width for foreign keys. */
static bool same_type_legacy(const oxy__diff *d, const oxy__pair *p, const oxy_column_def *a, const oxy_column_def *b)
{
    if (!oxy__diff_legacy(d, p->old_table))
        return false;
    return (a->type.kind == OXY_K_UNKNOWN && oxy__sv_trim(a->type.db_type).len == 0) ||
           (a->type.kind == OXY_K_ARRAY && a->type.elem == OXY_K_UNKNOWN && b->type.kind == OXY_K_ARRAY) ||
           (a->type.kind == b->type.kind && in_foreign_key(oxy__old_table(d, p), a->name));
}

bool oxy__same_column(const oxy__diff *d, const oxy__pair *p, uint32_t old_column, uint32_t new_column)
{
    const oxy_column_def *a = &oxy__old_table(d, p)->columns[old_column];
    const oxy_column_def *b = &oxy__new_table(d, p)->columns[new_column];
    bool key = oxy__is_key(oxy__old_table(d, p), old_column) && oxy__is_key(oxy__new_table(d, p), new_column);

    /* A key is never NULL and needs no UNIQUE, whatever is noted there. */
    return (same_type(&a->type, &b->type) || same_type_legacy(d, p, a, b)) && (key || a->nullable == b->nullable) &&
           (key || a->unique == b->unique) && oxy_default_same(b->type.kind, a->db_default, b->db_default) &&
           (oxy_sv_eq(a->comment, b->comment) || oxy__diff_legacy(d, p->old_table));
}

bool oxy__is_key(const oxy_table_def *t, uint32_t column)
{
    return t->primary_key.n != 0 ? oxy__names_have(t->primary_key, t->columns[column].name)
                                 : t->columns[column].primary_key;
}

/* The next key column from *at on, in the key's order; false at the end. */
static bool next_key(const oxy_table_def *t, uint32_t *at, oxy_sv *name)
{
    if (t->primary_key.n != 0) {
        if (*at >= t->primary_key.n)
            return false;
        *name = t->primary_key.items[(*at)++];
        return true;
    }
    while (*at < t->n_columns && !t->columns[*at].primary_key)
        ++*at;
    if (*at == t->n_columns)
        return false;
    *name = t->columns[(*at)++].name;
    return true;
}

bool oxy__same_key(const oxy__diff *d, const oxy__pair *p)
{
    uint32_t i = 0, k = 0;
    oxy_sv a, b;

    for (;;) {
        bool more_a = next_key(oxy__old_table(d, p), &i, &a), more_b = next_key(oxy__new_table(d, p), &k, &b);

        if (!more_a || !more_b)
            return more_a == more_b;
        if (!same_name(d, p, a, b))
            return false;
    }
}

/* --- indexes and constraints --------------------------------------------------------------- */

bool oxy__same_index(const oxy__diff *d, const oxy__pair *p, const oxy_index_def *a, const oxy_index_def *b)
{
    static const oxy_sv btree = {"btree", 5};
    oxy_sv method_a = a->method.len != 0 ? a->method : btree, method_b = b->method.len != 0 ? b->method : btree;

    return a->unique == b->unique && a->constraint == b->constraint && same_word(method_a, method_b) &&
           same_sql(a->where, b->where) && same_names(d, p, a->columns, b->columns);
}

static bool same_action(oxy_sv a, oxy_sv b)
{
    static const oxy_sv none = {"NO ACTION", 9};

    return same_word(a.len != 0 ? a : none, b.len != 0 ? b : none);
}

/* The pair of the table that an old and a new key point at, NULL if they point
 * at different tables or at none that both schemas have. */
static const oxy__pair *target_pair(const oxy__diff *d, const oxy__pair *p, const oxy_foreign_key_def *a,
                                    const oxy_foreign_key_def *b)
{
    for (uint32_t i = 0; i < d->n_pairs; i++)
        if (oxy__ddl_targets(a, oxy__old_table(d, p), oxy__old_table(d, &d->pairs[i])) &&
            oxy__ddl_targets(b, oxy__new_table(d, p), oxy__new_table(d, &d->pairs[i])))
            return &d->pairs[i];
    return NULL;
}

bool oxy__same_foreign_key(const oxy__diff *d, const oxy__pair *p, const oxy_foreign_key_def *a,
                           const oxy_foreign_key_def *b)
{
    const oxy__pair *target = target_pair(d, p, a, b);

    return target != NULL && same_names(d, p, a->columns, b->columns) &&
           same_names(d, target, a->target_columns, b->target_columns) && same_action(a->on_delete, b->on_delete) &&
           same_action(a->on_update, b->on_update);
}

bool oxy__same_check(const oxy_check_def *a, const oxy_check_def *b)
{
    return same_sql(a->expression, b->expression);
}

/* --- names that nobody chose ------------------------------------------------------------------ */

/* The beginning ends before a character of up to 4 bytes. */
enum { CUT_DIGITS = 8, CUT_LONGEST = 63, CUT_SHORTEST = 60 };

/* Cuts word off the front of *text. */
static bool starts(oxy_sv *text, oxy_sv word)
{
    if (text->len < word.len || (word.len != 0 && memcmp(text->p, word.p, word.len) != 0))
        return false;
    *text = (oxy_sv){text->p + word.len, text->len - word.len};
    return true;
}

/* What is left of a name that is too long for servers: its beginning, '_' and 8 digits of a hash
 * (python/oxyde/db/_names.py). The whole name if it is not of this form. */
static oxy_sv beginning(oxy_sv name)
{
    size_t len = name.len;

    if (len < CUT_SHORTEST || len > CUT_LONGEST || name.p[len - CUT_DIGITS - 1] != '_')
        return name;
    for (size_t i = len - CUT_DIGITS; i < len; i++)
        if (strchr("0123456789abcdef", name.p[i]) == NULL)
            return name;
    return (oxy_sv){name.p, len - CUT_DIGITS - 1};
}

/* Cuts word off the front of *text, which may end inside of the word. */
static bool goes_on(oxy_sv *text, oxy_sv word)
{
    return starts(text, word.len <= text->len ? word : (oxy_sv){word.p, text->len});
}

static bool cut_index_name(const oxy_table_def *t, const oxy_index_def *index)
{
    oxy_sv rest = beginning(index->name);
    oxy_sv ending = index->constraint ? OXY_SV("_key") : OXY_SV("_idx");
    bool same = rest.len != index->name.len && goes_on(&rest, t->name);

    for (uint32_t i = 0; same && i < index->columns.n; i++)
        same = goes_on(&rest, OXY_SV("_")) && goes_on(&rest, index->columns.items[i]);
    return same && goes_on(&rest, ending) && rest.len == 0;
}

bool oxy__auto_index_name(const oxy_table_def *t, const oxy_index_def *index)
{
    oxy_sv rest = index->name;
    bool same = starts(&rest, t->name);

    for (uint32_t i = 0; same && i < index->columns.n; i++)
        same = starts(&rest, OXY_SV("_")) && starts(&rest, index->columns.items[i]);
    if (same && oxy_sv_eq(rest, index->constraint ? OXY_SV("_key") : OXY_SV("_idx")))
        return true;
    return cut_index_name(t, index);
}

bool oxy__auto_check_name(const oxy_table_def *t, const oxy_check_def *check)
{
    oxy_sv rest = check->name, cut = beginning(check->name);

    if (cut.len != rest.len)
        return goes_on(&cut, OXY_SV("chk_")) && goes_on(&cut, t->name) && cut.len <= 1;
    if (!starts(&rest, OXY_SV("chk_")) || !starts(&rest, t->name) || !starts(&rest, OXY_SV("_")) || rest.len == 0)
        return false;
    for (size_t i = 0; i < rest.len; i++)
        if (rest.p[i] < '0' || rest.p[i] > '9')
            return false;
    return true;
}
