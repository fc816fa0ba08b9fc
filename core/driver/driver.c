/* SPDX-License-Identifier: MIT */
/* Slots of the driver table that a driver may leave to us. */
#include <oxyde/driver.h>

oxy_rc oxy_driver_no_offload(oxy_conn *c, oxy_notify notify, void *arg)
{
    (void)notify;
    (void)arg;
    return oxy_err_set(&c->err, OXY_INTERNAL, "this driver has no worker");
}

int oxy_driver_no_fd(const oxy_conn *c)
{
    (void)c;
    return -1;
}
