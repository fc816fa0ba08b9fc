/* SPDX-License-Identifier: MIT */
/* kind: names of column kinds, as migration files and messages write them. */
#include <oxyde/value.h>

#include <assert.h>

static const char *const kind_names[] = {
#define X(name, text) [OXY_K_##name] = (text),
    OXY_KIND_LIST(X)
#undef X
};

static_assert(OXY_COUNT(kind_names) == OXY_K_COUNT, "one name per kind");

const char *oxy_kind_name(oxy_kind kind)
{
    return (unsigned)kind < OXY_K_COUNT ? kind_names[kind] : kind_names[OXY_K_UNKNOWN];
}
