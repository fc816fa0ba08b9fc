/* SPDX-License-Identifier: MIT */
/* What the MySQL driver's tests share: a real server, named by the environment
 * (OXYDE_TEST_MYSQL="host=127.0.0.1 port=3306 user=root dbname=test"), a database
 * of their own on it, and waiting where an event loop would. */
#ifndef OXY_TEST_MYSQL_HARNESS_H
#define OXY_TEST_MYSQL_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <oxyde/driver.h>

#define MAX_SETTINGS 24

typedef struct options {
    oxy_setting settings[MAX_SETTINGS];
    uint32_t n;
    uint32_t cache;
    oxy_errands *errands;
    oxy_common *common;
} options;

/* The server's settings; with the tests' own database as dbname. */
options server_options(void);
#define MAX_TEXT 4096
/* "name=value name=value" of an environment variable, kept in text; false: it is not set. */
bool options_from(const char *variable, char text[MAX_TEXT], options *o);
/* Adds one, or replaces it; "" where it should be left out: NULL. */
void set_option(options *o, const char *name, const char *value);

/* Group set-up: makes the database oxyde_driver_<pid>, and drops it. */
int make_database(void **state);
int drop_database(void **state);

/* Both wait until the connection is open. */
oxy_rc try_open(const options *o, const oxy_alloc *alloc, oxy_conn **out, oxy_err *err);
oxy_conn *must_open(const options *o);
/* With the server's settings, a cache of 16, and no TLS. */
oxy_conn *open_plain(void);
void close_conn(oxy_conn *c);

/* One step, waiting for socket or errand. */
oxy_step next(oxy_conn *c);
/* How often next() waited for an errand since the last call. */
unsigned errands_seen(void);

oxy_request request(const char *sql, uint32_t flags);
/* Runs to the end, dropping rows. */
oxy_rc run_request(oxy_conn *c, const oxy_request *r);
oxy_rc run_sql(oxy_conn *c, const char *sql, uint32_t flags);
void must_run(oxy_conn *c, const char *sql, uint32_t flags);
/* First cell of the first row, as text of its kind: "NULL", "i:1", "u:...", "d:1.5",
 * "t:abc", "b:616263", "w:..." ; "-" without rows, "!<code> <message>" on failure. */
const char *one(oxy_conn *c, const char *sql);
const char *one_with(oxy_conn *c, const char *sql, const oxy_value *values, uint32_t n);
const char *show(const oxy_cell *cell);
int64_t count(oxy_conn *c, const char *sql);
bool is_mariadb(const oxy_conn *c);

#define READ 0u
#define WRITE ((uint32_t)OXY_REQ_WRITE)

#endif
