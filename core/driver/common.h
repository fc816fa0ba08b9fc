/* SPDX-License-Identifier: MIT */
/* oxy_common: one thing that a driver keeps for all connections of a pool. Whoever
 * takes it has it alone; meanwhile the others find nothing and do without. */
#ifndef OXY_DRIVER_COMMON_H
#define OXY_DRIVER_COMMON_H

#include <oxyde/driver.h>

/* One reference more; NULL stays NULL. */
oxy_common *oxy__common_hold(oxy_common *c);
/* What is kept, now the caller's; NULL: nothing. c may be NULL. */
void *oxy__common_take(oxy_common *c);
/* Keeps it, to be freed with `free` in the end; false: something is kept already, it
 * stays the caller's. c may be NULL. */
bool oxy__common_keep(oxy_common *c, void *thing, void (*free)(void *thing));

#endif
