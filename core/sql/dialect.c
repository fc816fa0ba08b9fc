/* SPDX-License-Identifier: MIT */
/* dialect: finding a dialect by name, and its plain facts. */
#include "emit.h"

static const struct {
    oxy_sv name;
    const oxy_dialect *dialect;
} names[] = {
    {{"postgres", 8}, &oxy_dialect_postgres}, {{"postgresql", 10}, &oxy_dialect_postgres},
    {{"mysql", 5}, &oxy_dialect_mysql},       {{"mariadb", 7}, &oxy_dialect_mariadb},
    {{"sqlite", 6}, &oxy_dialect_sqlite},
};

const oxy_dialect *oxy_dialect_find(oxy_sv name)
{
    for (size_t i = 0; i < OXY_COUNT(names); i++)
        if (oxy_sv_eq(names[i].name, name))
            return names[i].dialect;
    return NULL;
}

const char *oxy_dialect_name(const oxy_dialect *d)
{
    return d->name;
}

bool oxy_dialect_loose_containment(const oxy_dialect *d)
{
    return d->loose_containment;
}

uint32_t oxy_dialect_max_params(const oxy_dialect *d)
{
    return d->max_params;
}

uint32_t oxy_dialect_array_from(const oxy_dialect *d)
{
    return d->array_from != 0 ? d->array_from : OXY_IN_ARRAY_FROM;
}

uint32_t oxy_dialect_array_from_in_changes(const oxy_dialect *d)
{
    return d->array_from_in_changes != 0 ? d->array_from_in_changes : oxy_dialect_array_from(d);
}
