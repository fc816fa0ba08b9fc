/* SPDX-License-Identifier: MIT */
/* oxy_common: what a driver keeps for all connections of a pool. One thing, which
 * whoever takes it has alone; meanwhile the others find nothing and do without. And
 * which connections there are, for those who have something to tell all of them. */
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

/* Part of a connection. */
typedef struct oxy__member {
    struct oxy__member *next, *previous;
} oxy__member;

/* From join to leave the others may reach it, from their threads. Not for NULL. */
void oxy__common_join(oxy_common *c, oxy__member *m);
/* Once it has returned nobody calls any more. */
void oxy__common_leave(oxy_common *c, oxy__member *m);
/* Calls for each, under a lock: `tell` neither joins nor leaves nor tells. In a forked
 * child nobody is told. c may be NULL. */
void oxy__common_tell(oxy_common *c, void (*tell)(oxy__member *m));

#endif
