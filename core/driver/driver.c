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

void oxy_driver_no_flush(oxy_conn *c)
{
    (void)c;
}

oxy_step oxy_driver_no_pump(oxy_conn *c)
{
    (void)c;
    return OXY_STEP_DONE;
}

bool oxy_driver_always_alive(oxy_conn *c)
{
    (void)c;
    return true;
}

bool oxy_driver_no_skip_host(oxy_conn *c)
{
    (void)c;
    return false;
}

void oxy_driver_no_rest(oxy_common *common)
{
    (void)common;
}

const char *oxy_driver_no_parameter(const oxy_conn *c, const char *name)
{
    (void)c;
    (void)name;
    return NULL;
}
