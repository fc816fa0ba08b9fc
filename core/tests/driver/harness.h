/* SPDX-License-Identifier: MIT */
/* What the driver's tests share: a directory of their own, connections opened
 * and driven to the end of a request, waiting where an event loop would. */
#ifndef OXY_TEST_DRIVER_HARNESS_H
#define OXY_TEST_DRIVER_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <oxyde/driver.h>

#define MAX_SETTINGS 16

/* A temporary directory, removed with what is in it. */
int make_dir(void **state);
int remove_dir(void **state);
/* "<dir>/name"; storage of the harness, four calls long. */
const char *in_dir(void **state, const char *name);

typedef struct options {
    oxy_setting settings[MAX_SETTINGS];
    uint32_t n;
    uint32_t cache;
    oxy_regexp regexp;
    oxy_common *common; /* the caller's; NULL: no pool */
} options;

/* Settings of a plain WAL file. */
options file_options(const char *path);
options memory_options(void);
void set_option(options *o, const char *name, const char *value);

/* Both return the code and leave words in err. */
oxy_rc try_open(const options *o, const oxy_alloc *alloc, oxy_conn **out, oxy_err *err);
oxy_conn *must_open(const options *o);
void close_conn(oxy_conn *c);

/* One step, waiting for the worker when it asks for one. Counts how often. */
oxy_step next(oxy_conn *c);
/* How many times next() went to a worker since the last call. */
unsigned offloads(void);
/* How often a step asked for a turn of the loop since the last call. */
unsigned turns(void);

oxy_request request(const char *sql, uint32_t flags);
/* Runs to the end, dropping rows. */
oxy_rc run_request(oxy_conn *c, const oxy_request *r);
oxy_rc run_sql(oxy_conn *c, const char *sql, uint32_t flags);
void must_run(oxy_conn *c, const char *sql, uint32_t flags);
/* First cell of the first row, as text of its kind: "NULL", "i:1", "d:1.5",
 * "t:abc", "b:616263"; "-" without rows, "!<code>" on failure. */
const char *one(oxy_conn *c, const char *sql);
int64_t count(oxy_conn *c, const char *sql);

#define READ 0u
#define WRITE ((uint32_t)OXY_REQ_WRITE)
#define POINT ((uint32_t)(OXY_REQ_WRITE | OXY_REQ_POINT))

#endif
