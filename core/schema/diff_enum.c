/* SPDX-License-Identifier: MIT */
/* diff_enum: enum types that are new or gone, and changes of their values. */
#include "diff.h"

#include <string.h>

static uint32_t enum_named(const oxy_schema *s, const oxy_enum_def *e)
{
    for (uint32_t i = 0; i < s->n_enums; i++)
        if (oxy_sv_eq(s->enums[i].name, e->name) && oxy_sv_eq(s->enums[i].schema, e->schema))
            return i;
    return OXY_NOWHERE;
}

static oxy_rc on_one_side(oxy__diff *d, const oxy_schema *here, const oxy_schema *there, bool gone)
{
    uint32_t *order = oxy__sorted(d->arena, here, here->n_enums, oxy__enum_name);
    oxy_rc rc = order == NULL ? OXY_NOMEM : OXY_OK;

    for (uint32_t i = 0; rc == OXY_OK && i < here->n_enums; i++) {
        oxy_change change = {.kind = gone ? OXY_CHANGE_DROP_ENUM : OXY_CHANGE_CREATE_ENUM, OXY__NONE};

        if (enum_named(there, &here->enums[order[i]]) != OXY_NOWHERE)
            continue;
        change.old_item = gone ? order[i] : OXY_NOWHERE;
        change.new_item = gone ? OXY_NOWHERE : order[i];
        rc = oxy__diff_emit(d, change);
    }
    return rc;
}

oxy_rc oxy__diff_new_enums(oxy__diff *d)
{
    return on_one_side(d, d->to, d->from, false);
}

oxy_rc oxy__diff_gone_enums(oxy__diff *d)
{
    return on_one_side(d, d->from, d->to, true);
}

/* --- values ----------------------------------------------------------------------------- */

/* Whether the owner of a rename is the type, with or without its schema. */
static bool owns(oxy_sv owner, const oxy_enum_def *e)
{
    if (oxy_sv_eq(owner, e->name))
        return true;
    return e->schema.len != 0 && owner.len == e->schema.len + 1 + e->name.len && owner.p[e->schema.len] == '.' &&
           memcmp(owner.p, e->schema.p, e->schema.len) == 0 &&
           memcmp(owner.p + e->schema.len + 1, e->name.p, e->name.len) == 0;
}

static const oxy_rename *rename_of(const oxy__diff *d, const oxy_enum_def *e, oxy_rename_kind kind, oxy_sv value)
{
    for (uint32_t i = 0; i < d->n_renames; i++)
        if (d->renames[i].kind == kind && owns(d->renames[i].owner, e) && oxy_sv_eq(d->renames[i].old_name, value))
            return &d->renames[i];
    return NULL;
}

/* The old values under their new names, in the arena; emits the renames. */
static oxy_rc rename_values(oxy__diff *d, const oxy_enum_def *a, const oxy_enum_def *b, oxy_change base, oxy_names *out)
{
    oxy_sv *items = oxy_arena_new(d->arena, ((size_t)a->values.n + 1) * sizeof *items);
    oxy_rc rc = items == NULL ? OXY_NOMEM : OXY_OK;

    for (uint32_t i = 0; rc == OXY_OK && i < a->values.n; i++) {
        const oxy_rename *r = rename_of(d, a, OXY_RENAME_ENUM_VALUE, a->values.items[i]);

        items[i] = a->values.items[i];
        if (r == NULL)
            continue;
        if (oxy__names_have(b->values, r->old_name) || !oxy__names_have(b->values, r->new_name) ||
            oxy__names_have(a->values, r->new_name))
            return oxy_err_set(d->err, OXY_VALUE, "the rename %.*s.%.*s:%.*s fits nothing", OXY_SV_ARG(a->name),
                               OXY_SV_ARG(r->old_name), OXY_SV_ARG(r->new_name));
        items[i] = r->new_name;
        base.kind = OXY_CHANGE_RENAME_ENUM_VALUE;
        base.value = r->old_name;
        base.before = r->new_name;
        rc = oxy__diff_emit(d, base);
    }
    *out = (oxy_names){items, a->values.n};
    return rc;
}

/* Whether all values of a stand in b in the same order. */
static bool within(oxy_names a, oxy_names b)
{
    uint32_t i = 0;

    for (uint32_t k = 0; i < a.n && k < b.n; k++)
        i += oxy_sv_eq(a.items[i], b.items[k]);
    return i == a.n;
}

static oxy_rc add_values(oxy__diff *d, oxy_names a, oxy_names b, oxy_change base)
{
    oxy_rc rc = OXY_OK;

    for (uint32_t k = 0; rc == OXY_OK && k < b.n; k++) {
        if (oxy__names_have(a, b.items[k]))
            continue;
        base.kind = OXY_CHANGE_ADD_ENUM_VALUE;
        base.value = b.items[k];
        base.before = OXY_SV("");
        for (uint32_t next = k + 1; next < b.n && base.before.len == 0; next++)
            if (oxy__names_have(a, b.items[next]))
                base.before = b.items[next];
        rc = oxy__diff_emit(d, base);
    }
    return rc;
}

static oxy_rc change_values(oxy__diff *d, uint32_t old_enum, uint32_t new_enum)
{
    const oxy_enum_def *a = &d->from->enums[old_enum], *b = &d->to->enums[new_enum];
    oxy_change base = {.kind = OXY_CHANGE_ALTER_ENUM, OXY__NONE};
    bool answered = true;
    oxy_names old;
    oxy_rc rc;

    base.old_item = old_enum;
    base.new_item = new_enum;
    rc = rename_values(d, a, b, base, &old);
    if (rc != OXY_OK)
        return rc;
    if (within(old, b->values))
        return add_values(d, old, b->values, base);
    for (uint32_t i = 0; i < old.n && answered; i++)
        answered =
            oxy__names_have(b->values, old.items[i]) || rename_of(d, a, OXY_REPLACE_ENUM_VALUE, old.items[i]) != NULL;
    base.kind = answered ? OXY_CHANGE_REPLACE_ENUM : OXY_CHANGE_ALTER_ENUM;
    return oxy__diff_emit(d, base);
}

static oxy_rc check_owners(oxy__diff *d)
{
    for (uint32_t i = 0; i < d->n_renames; i++) {
        const oxy_rename *r = &d->renames[i];
        bool found = r->kind != OXY_RENAME_ENUM_VALUE && r->kind != OXY_REPLACE_ENUM_VALUE;

        for (uint32_t k = 0; k < d->from->n_enums && !found; k++) {
            uint32_t now = enum_named(d->to, &d->from->enums[k]);

            found = now != OXY_NOWHERE && owns(r->owner, &d->from->enums[k]) &&
                    oxy__names_have(d->from->enums[k].values, r->old_name) &&
                    oxy__names_have(d->to->enums[now].values, r->new_name);
        }
        if (!found)
            return oxy_err_set(d->err, OXY_VALUE, "the rename %.*s.%.*s:%.*s fits nothing", OXY_SV_ARG(r->owner),
                               OXY_SV_ARG(r->old_name), OXY_SV_ARG(r->new_name));
    }
    return OXY_OK;
}

oxy_rc oxy__diff_enum_values(oxy__diff *d)
{
    uint32_t *order = oxy__sorted(d->arena, d->from, d->from->n_enums, oxy__enum_name);
    oxy_rc rc = order == NULL ? OXY_NOMEM : check_owners(d);

    for (uint32_t i = 0; rc == OXY_OK && i < d->from->n_enums; i++) {
        uint32_t now = enum_named(d->to, &d->from->enums[order[i]]);

        if (now != OXY_NOWHERE)
            rc = change_values(d, order[i], now);
    }
    return rc;
}
