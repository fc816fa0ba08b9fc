/* SPDX-License-Identifier: MIT */
/* clock: the system's monotonic clock. Only the outermost callers read it;
 * state machines get the time as an argument. */
#include <oxyde/base.h>

#include <time.h>

oxy_ns oxy_clock_now(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0; /* cannot happen with a valid clock and address */
    return (oxy_ns)now.tv_sec * OXY_NS_PER_S + (oxy_ns)now.tv_nsec;
}
