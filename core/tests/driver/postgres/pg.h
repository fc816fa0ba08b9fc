/* SPDX-License-Identifier: MIT */
/* What the PostgreSQL driver's tests share: connections to the server that
 * OXYDE_TEST_POSTGRES names, driven to the end of a request with poll() where an
 * event loop would wait. */
#ifndef OXY_TEST_PG_H
#define OXY_TEST_PG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <oxyde/driver.h>

#define READ 0u
#define WRITE ((uint32_t)OXY_REQ_WRITE)
#define RAW ((uint32_t)OXY_REQ_RAW)
#define SHARED ((uint32_t)OXY_REQ_SHARED)

typedef struct pg_options {
    oxy_setting settings[24];
    uint32_t n;
    uint32_t cache;
    const oxy_alloc *alloc; /* NULL: the default */
} pg_options;

/* Threads for blocking calls; one for all tests of a program. */
oxy_errands *pg_errands(void);
int pg_setup(void **state);
int pg_teardown(void **state);

/* Settings from OXYDE_TEST_POSTGRES. */
pg_options pg_default(void);
#define PG_TEXT 1024
/* "key=value key=value" of an environment variable, values without blanks, kept in
 * text: replaces or adds. False: it is not set. */
bool pg_options_from(const char *variable, char text[PG_TEXT], pg_options *o);
/* Replaces or adds; text must outlive the options. */
void pg_set(pg_options *o, const char *name, const char *value);
oxy_rc pg_try_open(const pg_options *o, oxy_conn **out, oxy_err *err);
oxy_conn *pg_open(const pg_options *o);
oxy_conn *pg_open_default(void);
void pg_close(oxy_conn *c);

/* One step, waiting for socket or worker; 10 s of silence fail the test. */
oxy_step pg_next(oxy_conn *c);
unsigned pg_offloads(void);
oxy_request pg_request(const char *sql, uint32_t flags);
oxy_rc pg_run_request(oxy_conn *c, const oxy_request *r);
oxy_rc pg_run(oxy_conn *c, const char *sql, uint32_t flags);
void pg_must(oxy_conn *c, const char *sql, uint32_t flags);
/* First cell of the first row: "NULL", "i:1", "d:1.5", "t:abc", "b:616263",
 * "w:<hex>"; "-" without rows, "!<class> <sqlstate> <message>" on failure. */
const char *pg_one(oxy_conn *c, const char *sql);
const char *pg_one_of(oxy_conn *c, const oxy_request *r);
int64_t pg_count(oxy_conn *c, const char *sql);

#endif
