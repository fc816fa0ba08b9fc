/* SPDX-License-Identifier: MIT */
/* driver: one vtable over the three client libraries. A driver moves a
 * connection's requests on without blocking and hands out cells; it knows
 * neither the query tree nor the pool nor an event loop.
 *
 * Threads: a connection is used by one thread at a time; handing it to another
 * thread is the caller's job (with a barrier). Only cancel() may be called from
 * any thread at any time between open and close.
 *
 * Life of a request:   start -> step* -> (row, step)* -> OXY_STEP_DONE
 *   A new request may start only after DONE or FAILED, or after finish().
 *   Where max_in_flight is above 1, up to that many requests that all carry
 *   OXY_REQ_SHARED may be under way: they are answered in the order of start(),
 *   step() and finish() are about the oldest one, and the failure of one does
 *   not touch another, unless they are in one transaction, which has failed. */
#ifndef OXYDE_DRIVER_H
#define OXYDE_DRIVER_H

#include <oxyde/base.h>
#include <oxyde/value.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct oxy_conn oxy_conn; /* first member of every driver's connection */
typedef struct oxy_driver oxy_driver;

typedef enum oxy_step {
    OXY_STEP_DONE,        /* the request ended well; columns, affected are final */
    OXY_STEP_ROW,         /* a row lies in oxy_conn.cells until the next step */
    OXY_STEP_WANT_READ,   /* call again once the descriptor is readable */
    OXY_STEP_WANT_WRITE,  /* call again once it is writable (or readable) */
    OXY_STEP_WANT_WORKER, /* would take too long here: call offload, then wait */
    OXY_STEP_TURN,        /* had its share of this thread: let others run, then call again */
    OXY_STEP_FAILED       /* oxy_conn.err tells; see status() for what is left */
} oxy_step;

typedef enum oxy_conn_status {
    OXY_CONN_IDLE,    /* clean: no transaction, nothing unread */
    OXY_CONN_ACTIVE,  /* a request is under way */
    OXY_CONN_INTRANS, /* idle inside a transaction */
    OXY_CONN_INERROR, /* inside a failed transaction */
    OXY_CONN_BROKEN   /* only close */
} oxy_conn_status;

/* Requests ------------------------------------------------------------------- */

enum {
    OXY_REQ_WRITE = 1u << 0,  /* may change data or hold locks */
    OXY_REQ_POINT = 1u << 1,  /* short by its look (oxy_sql.point) */
    OXY_REQ_SCRIPT = 1u << 2, /* several statements, no values, no rows */
    OXY_REQ_RAW = 1u << 3,    /* the user's text: not kept in the statement cache unless repeated;
                                 several statements are OXY_PROGRAMMING */
    OXY_REQ_NO_CACHE = 1u << 4,
    OXY_REQ_SHARED = 1u << 5, /* a statement that others may be under way beside: a plain read outside
                                 transactions, or one of several of the same transaction */
    OXY_REQ_STREAM = 1u << 6, /* rows are handed out as they come, in bounded memory */
    OXY_REQ_PING = 1u << 7,   /* no text: a round trip */
    OXY_REQ_RESET = 1u << 8,  /* no text: the session as it was after opening; OXY_NOT_SUPPORTED
                                 where only a new connection gives that */
    OXY_REQ_WHOLE = 1u << 9,  /* no row before the statement is known to have succeeded; so it is for
                                 those that write. A read may fail after some of its rows otherwise. */
    OXY_REQ_BURST = 1u << 11, /* others follow at once on this thread: what they need again may be kept,
                                 until rest() */
    OXY_REQ_HELD = 1u << 10   /* with SHARED: others follow at once. Nothing needs to be sent before
                                 flush() or step(); point reads may then travel in one flight */
};

/* An INSERT of several rows that gives back their keys, one INTEGER column, and
 * perhaps could do without: see oxy_sql.key_query. A driver that can prove what
 * the keys are may run the text without its RETURNING; its rows are the same. */
typedef struct oxy_key_rows {
    size_t quiet_len;
    oxy_sv key_query, key; /* NUL-terminated; the column's name */
    uint32_t n_rows;
} oxy_key_rows;

typedef struct oxy_request {
    oxy_sv sql;              /* borrowed until DONE or FAILED */
    uint64_t key;            /* hash of sql and value types; 0: the driver hashes */
    const oxy_value *values; /* encoded by the driver's codec; borrowed as above */
    uint32_t n_values;
    uint32_t flags;
    oxy_ns deadline; /* statement timeout, absolute; OXY_NS_NEVER. For drivers without a socket:
                        elsewhere the server and the caller's clock keep it */
    /* Statements sent before it, in the same flight where the protocol allows
     * (BEGIN, SET LOCAL ...). The first that fails is the request's failure,
     * and nothing after it runs. Borrowed as sql. */
    const oxy_sv *before;
    uint32_t n_before;
    const oxy_key_rows *key_rows; /* NULL: not such an INSERT. Borrowed as sql */
} oxy_request;

/* Connection ------------------------------------------------------------------ */

typedef enum oxy_flavor { OXY_FLAVOR_SQLITE, OXY_FLAVOR_POSTGRES, OXY_FLAVOR_MYSQL, OXY_FLAVOR_MARIADB } oxy_flavor;

/* What the other side is; known once open() is over. */
typedef struct oxy_server {
    oxy_flavor flavor;
    uint32_t version; /* major * 10000 + minor * 100 + patch: 150004 is PostgreSQL 15.4, 101106 MariaDB 10.11.6 */
    int64_t pid;      /* what the server calls this session: backend id, connection id; 0 none */
    bool pooler;      /* something between us and the server hands our transactions around */
} oxy_server;

struct oxy_conn {
    const oxy_driver *driver;
    const oxy_alloc *alloc;
    oxy_err err;             /* of the last failure */
    const oxy_cell *cells;   /* of the current row; n_cols of them */
    const oxy_coldesc *cols; /* valid from the first ROW or DONE until the next start */
    uint32_t n_cols;
    int64_t affected; /* rows changed or matched; -1 unknown */
    int64_t last_insert_id;
    uint64_t serial; /* unique among the process's connections, for messages */
    oxy_server server;
};

/* What to open. Text borrowed during open only; drivers copy what they keep. */
typedef struct oxy_setting {
    oxy_sv name, value;
} oxy_setting;

/* Whether pattern is found in text, for SQLite's REGEXP: 1, 0, or -1 with a
 * message in err. May be called on the worker's thread. */
typedef int (*oxy_regexp)(void *ctx, oxy_sv pattern, oxy_sv text, bool fold, oxy_err *err);

/* Threads for the few calls of client libraries that cannot but block: looking
 * up names, PQcancel, KILL QUERY. Bounded in number, started when needed, ended
 * when idle. Thread-safe. */
typedef struct oxy_errands oxy_errands;

OXY_MUSTUSE oxy_rc oxy_errands_new(const oxy_alloc *alloc, oxy_errands **out);
/* Waits for what runs, drops what has not begun (its owner is notified). After
 * the last connection that was opened with it; NULL is fine. */
void oxy_errands_free(oxy_errands *e);
/* Before a fork: client libraries hold locks of theirs while an errand runs, which
 * the child would inherit for ever. Waits until none runs, `limit` at most, and
 * lets none begin until as many resumes have come. False: some still run. */
bool oxy_errands_pause(oxy_errands *e, oxy_ns limit);
void oxy_errands_resume(oxy_errands *e);
/* At the end of the process, whose libraries take down what a thread may still be
 * using: waits until all is done that was asked for, `limit` at most, and lets
 * nothing begin any more. False: some still run. */
bool oxy_errands_settle(oxy_errands *e, oxy_ns limit);

/* What the connections of one pool have in common beside their settings, for the
 * driver to use: MySQL keeps its connection for KILL there. Counted: by who made it
 * and by each connection that was opened with it. Any thread. */
typedef struct oxy_common oxy_common;

OXY_MUSTUSE oxy_rc oxy_common_new(const oxy_alloc *alloc, oxy_common **out);
/* The last one frees it, and closes what is kept; in a forked child nothing is
 * closed. NULL is fine. */
void oxy_common_drop(oxy_common *c);

typedef struct oxy_open {
    const oxy_setting *settings; /* driver-specific; each driver's section lists them */
    uint32_t n_settings;
    uint32_t statement_cache; /* prepared statements kept; 0: none */
    oxy_errands *errands;     /* must outlive the connection; NULL where the driver needs none */
    oxy_common *common;       /* of the pool; NULL: nothing is kept between requests */
    oxy_regexp regexp;        /* NULL: regular expressions are OXY_NOT_SUPPORTED */
    void *regexp_ctx;         /* must outlive the connection */
} oxy_open;

/* Called on the worker's thread when an offloaded part is ready or over, or
 * inside offload() if it is by then. Must not call back into the driver;
 * typically it wakes an event loop. */
typedef void (*oxy_notify)(void *arg);

struct oxy_driver {
    const char *name; /* "sqlite" */
    const oxy_codec *codec;
    uint32_t max_params;
    uint32_t max_in_flight; /* requests with OXY_REQ_SHARED at once; 1: none beside another */

    /* Makes a connection and starts opening it; then step() until DONE.
     * The only call that can fail without a connection. */
    oxy_rc (*open)(const oxy_open *what, const oxy_alloc *alloc, oxy_conn **out, oxy_err *err);
    /* Frees at once, whatever the state; waits only for a worker that was
     * interrupted before. NULL is fine. */
    void (*close)(oxy_conn *c);

    oxy_rc (*start)(oxy_conn *c, const oxy_request *r);
    oxy_step (*step)(oxy_conn *c);
    /* Sends what start() left for requests with OXY_REQ_HELD. */
    void (*flush)(oxy_conn *c);
    /* Moves bytes between socket and buffers. WANT_READ or WANT_WRITE while
     * step() could not answer anything else; DONE: call step(). Runs no code but
     * the driver's, makes no row: fit for being called on every event. */
    oxy_step (*pump)(oxy_conn *c);
    /* After WANT_WORKER: goes on elsewhere, calls notify once; then step()
     * again. Never after another answer. */
    oxy_rc (*offload)(oxy_conn *c, oxy_notify notify, void *arg);
    /* Gives up the current request's remaining rows; afterwards the connection
     * can start anew, or is BROKEN. Not while a worker has it. */
    void (*finish)(oxy_conn *c);
    /* Asks the running request to stop; it still ends through step (FAILED
     * with OXY_CANCELED, or DONE if it was faster). Any thread. A cancel that
     * comes after the end must not hit a later request. */
    void (*cancel)(oxy_conn *c);

    oxy_conn_status (*status)(const oxy_conn *c);
    /* To wait for after WANT_READ and WANT_WRITE. May change until the
     * connection is open, not later; -1: none. */
    int (*fd)(const oxy_conn *c);
    /* Of an idle connection, without a round trip: false when the server has
     * closed it or said that it is going. */
    bool (*alive)(oxy_conn *c);
    /* While opening: the host that is being tried has not answered in time, the next
     * one is begun by step(). False: there is none, or the driver cannot tell. */
    bool (*skip_host)(oxy_conn *c);
    /* A setting that the server reports (PostgreSQL's ParameterStatus), or NULL. */
    const char *(*parameter)(const oxy_conn *c, const char *name);
    /* What the connections opened with `common` keep for requests with OXY_REQ_BURST,
     * locks of files, is given back. Any thread, at any time; NULL: nothing is kept. */
    void (*rest)(oxy_common *common);
    /* Whether session state may have been changed by free text since the last
     * reset: a statement other than plain data statements ran. */
    bool (*tainted)(const oxy_conn *c);
};

/* Shared defaults for optional slots; no slot is NULL. */
oxy_rc oxy_driver_no_offload(oxy_conn *c, oxy_notify notify, void *arg);
int oxy_driver_no_fd(const oxy_conn *c);
void oxy_driver_no_flush(oxy_conn *c);
oxy_step oxy_driver_no_pump(oxy_conn *c); /* DONE */
bool oxy_driver_always_alive(oxy_conn *c);
bool oxy_driver_no_skip_host(oxy_conn *c);
void oxy_driver_no_rest(oxy_common *common);
const char *oxy_driver_no_parameter(const oxy_conn *c, const char *name);

/* --- SQLite ------------------------------------------------------------------
 * Settings: path (file name or URI as sqlite3_open_v2 takes it), mode
 * (ro, rw, rwc, memory), cache, immutable, vfs; journal_mode, synchronous,
 * cache_size, busy_timeout_ms (each may be absent); pragma.<name>;
 * attach.<schema> = file; inline_budget_ns (longest run of step() on the
 * caller's thread, 0: always a worker); role (reader, writer, both).
 *
 * Opened with foreign_keys = ON and without SQLite's own mutexes. A reader is
 * query_only. Reads run inline under the budget: between rows the running
 * statement is handed over as it is; inside a row it is interrupted and starts
 * again on the worker, on the same snapshot, without the rows already given.
 * Writes run inline when a commit does not wait for the disk (WAL and
 * synchronous <= NORMAL) and a stop undoes them without harm (autocommit), or
 * as point writes inside a transaction, where they are not stopped; otherwise
 * on the worker. Waiting for another process's lock (busy_timeout) happens only
 * on the worker. docs/internals/driver.md has the whole table.
 * WAL checkpoints run on the worker, never inside a commit on the loop.
 *
 * Registered on each connection, all under our own names. NULL in, NULL out;
 * decimal (d) arguments may be text, integer or real, decimal results are text:
 *   oxy_fold(t) oxy_upper(t) oxy_lower(t)   Unicode; fold is for comparing
 *   oxy_regexp(pattern, t, fold)            1 or 0
 *   oxy_like(pattern, t)                    LIKE with regard to case, escape is a backslash
 *   oxy_json_contains(a, b)                 a @> b of PostgreSQL's jsonb
 *   oxy_json_equal(a, b)                    equality of jsonb: by structure, numbers by value
 *   oxy_div(a, b)                           true division, real
 *   oxy_floordiv(a, b) oxy_mod(a, b)        integer for integers, else real; sign as in Python
 *   oxy_dec_add oxy_dec_sub oxy_dec_mul oxy_dec_div oxy_dec_floordiv oxy_dec_mod (d, d)
 *   oxy_dec_neg(d) oxy_dec_abs(d) oxy_dec_round(d, places)
 *   oxy_dec_sum(d) oxy_dec_avg(d)           aggregates
 *   oxy_ceil(d) oxy_floor(d)                integer
 *   oxy_round(n, places)                    half away from zero; integer stays integer
 *   oxy_sqrt(n) oxy_power(n, n)             real
 *   oxy_extract(part, t)                    part as oxy_part_name(); integer, or text for date and time
 *   oxy_trunc(unit, t)                      a date stays a date, a time a time
 *   oxy_unbase64(t)                         blob
 *   collation oxy_decimal                   text by decimal value
 * The three divisions fail on zero as PostgreSQL does. */
extern const oxy_driver oxy_driver_sqlite;
/* Version of the library in use: 3040001 is 3.40.1. */
uint32_t oxy_sqlite_version(void);

/* --- PostgreSQL: a library of its own, over libpq (liboxyde-postgres) -----------
 * Settings: any keyword that libpq knows, as it knows it; and
 *   oxy.statement_timeout_ms, oxy.lock_timeout_ms  set in the start-up message
 *   oxy.pooler   auto (default), yes: unnamed statements only; no: named ones even
 *                if a pooler is noticed
 *   oxy.direct   auto (default): rows of reads are handed out as they come, before
 *                the last is there; no: once the statement has succeeded
 * Names of hosts are looked up as an errand: open() answers WANT_WORKER first.
 *
 * Sessions: TimeZone UTC, DateStyle ISO, client_encoding UTF8, in the start-up
 * message. Values of a request are what oxy_codec_postgres.encode gives: those
 * in wire format are sent with the type they name, the others are encoded as the
 * type that the server infers, once it has described the statement. A statement
 * is prepared and described on first use (two round trips), afterwards one.
 * Cells: integers, floating point, truth values, text and bytes as OXY_C_INT,
 * DOUBLE, TEXT, BLOB; the rest OXY_C_WIRE. Where a result has a column without
 * a binary codec, the whole result comes as text; see oxy_coldesc.
 * Errors with SQLSTATE 26000 and 42P05 (a pooler) and 0A000 "cached plan" outside
 * transactions are prepared again and sent again: they did not run. */
extern const oxy_driver oxy_driver_postgres;

/* --- MySQL and MariaDB: a library of its own, over libmariadb (liboxyde-mysql) ----
 * Settings: host, port, user, password, dbname, socket, charset, collation,
 * time_zone, sql_mode, compress (1), ssl_mode (disabled, preferred, required,
 * verify_ca, verify_identity), ssl_ca, ssl_cert, ssl_key,
 * oxy.statement_timeout_ms, oxy.lock_timeout_ms, oxy.connect_timeout_ms.
 *
 * Binary protocol for everything but scripts. Counts are matched rows. Cells:
 * integers as OXY_C_INT or UINT, floating point DOUBLE, character data TEXT,
 * binary data BLOB, dates and times OXY_C_WIRE in the protocol's own form. */
extern const oxy_driver oxy_driver_mysql;

#ifdef __cplusplus
}
#endif
#endif
