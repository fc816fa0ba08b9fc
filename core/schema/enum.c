/* SPDX-License-Identifier: MIT */
/* enum: the enum types that tables use, each once. */
#include "ddl.h"

static bool uses_enum_type(const oxy_column_def *c)
{
    bool is_enum = c->type.kind == OXY_K_ENUM || (c->type.kind == OXY_K_ARRAY && c->type.elem == OXY_K_ENUM);

    return is_enum && c->type.db_type.len == 0 && c->type.name.len != 0;
}

static bool same_values(oxy_names a, oxy_names b)
{
    uint32_t i;

    if (a.n != b.n)
        return false;
    for (i = 0; i < a.n; i++) {
        if (!oxy_sv_eq(a.items[i], b.items[i]))
            return false;
    }
    return true;
}

/* The first column that uses the type of this one: it or an earlier one. */
static const oxy_column_def *first_use(const oxy_table_def *tables, uint32_t n, const oxy_type *type)
{
    uint32_t t, c;

    for (t = 0; t < n; t++) {
        for (c = 0; c < tables[t].n_columns; c++) {
            const oxy_column_def *other = &tables[t].columns[c];

            if (uses_enum_type(other) && oxy_sv_eq(other->type.name, type->name) &&
                oxy_sv_eq(other->type.name_schema, type->name_schema))
                return other;
        }
    }
    return NULL;
}

oxy_rc oxy__ddl_enums(oxy__ddl *e, const oxy_table_def *tables, uint32_t n, oxy__enum_fn each)
{
    uint32_t t, c;

    if (!e->rules->native_enums)
        return OXY_OK;
    for (t = 0; t < n; t++) {
        for (c = 0; c < tables[t].n_columns; c++) {
            const oxy_column_def *column = &tables[t].columns[c], *first;
            oxy_rc rc = OXY_OK;

            if (!uses_enum_type(column))
                continue;
            first = first_use(tables, n, &column->type);
            if (first == column)
                rc = each(e, column);
            else if (!same_values(first->enum_values, column->enum_values))
                rc = oxy_err_set(e->err, OXY_VALUE, "enum type %.*s has other values in table %.*s than before",
                                 OXY_SV_ARG(column->type.name), OXY_SV_ARG(tables[t].name));
            if (rc != OXY_OK)
                return rc;
        }
    }
    return OXY_OK;
}
