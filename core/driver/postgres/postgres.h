/* SPDX-License-Identifier: MIT */
/* The PostgreSQL driver's own header: what its files share. docs/internals/driver.md
 * explains the ideas.
 *
 * Two queues. `runs` are requests in the order of start(); step() and finish()
 * are about the oldest. `wire` are commands in the order they were sent; their
 * answers come in that order and belong to whichever run sent them. Answers are
 * kept with the run until it is the oldest, so a run that needs a second flight
 * (first describe, then execute) holds up nobody's bytes.
 *
 * Everything belongs to the thread that uses the connection, but `cancel`,
 * which has a lock. */
#ifndef OXY_DRIVER_POSTGRES_H
#define OXY_DRIVER_POSTGRES_H

#include <oxyde/driver.h>

#include "driver/errand.h"

#include <libpq-fe.h>
#include <sys/types.h>

#define OXY__PG_IN_FLIGHT 32
#define OXY__PG_MAX_PARAMS 65535
/* Descriptions kept where statements are unnamed and statement_cache is 0. */
#define OXY__PG_DESCRIPTIONS 100

/* Where libpq keeps what it has received: fields of its connection, see
 * postgres_direct.c. Offsets into p. */
typedef struct oxy__pg_window {
    char *p;
    int size, start, cursor, end;
} oxy__pg_window;

#define OXY__PG_LOOKS 8 /* answers in which it is looked for */

static inline uint32_t oxy__pg_u32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;

    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static inline uint64_t oxy__pg_u64(const char *p)
{
    return (uint64_t)oxy__pg_u32(p) << 32 | oxy__pg_u32(p + 4);
}

/* --- statements ---------------------------------------------------------------- */

/* Turns one binary value into a cell. */
typedef void (*oxy__pg_cell_fn)(const char *p, int len, oxy_cell *out);

typedef enum oxy__pg_stmt_state {
    OXY__PG_NEW,        /* the server has not been asked */
    OXY__PG_PREPARING,  /* some run's flight asks */
    OXY__PG_LOOKING_UP, /* described; types are being looked up */
    OXY__PG_READY,
    OXY__PG_UNTYPED /* the server cannot tell the type of a parameter: see postgres_param.c */
} oxy__pg_stmt_state;

/* A text with parameter types, and what the server says about it. Freed with
 * its last reference: one for the cache, one for each run, one for the columns
 * on show. */
typedef struct oxy__pg_stmt {
    uint32_t refs;
    oxy__pg_stmt_state state;
    uint64_t key;
    char *sql; /* NUL-terminated */
    size_t len;
    uint32_t n_declared;
    Oid *declared;                              /* types of the request's values; 0: inferred */
    bool infers;                                /* some of them are inferred */
    uint32_t untyped;                           /* OXY__PG_UNTYPED: index of that parameter, or all */
    uint32_t number;                            /* of the name it has on the server; 0: not prepared there by name */
    struct oxy__pg_stmt *chain, *newer, *older; /* in the cache only */
    bool cached;
    /* From the description: */
    uint32_t n_params;
    Oid *params;
    uint32_t n_cols;
    oxy_coldesc *cols;
    oxy__pg_cell_fn *cells;
    Oid *types; /* of the columns, as described; cols may show another */
    bool text;  /* the result is asked for in text */
    bool texts; /* ... not, but some columns are, if that can be said: postgres_formats.c */
} oxy__pg_stmt;

/* Least recently used statements by key, text and types. */
typedef struct oxy__pg_cache {
    oxy__pg_stmt **buckets; /* n_buckets, a power of two */
    uint32_t n_buckets, n, limit;
    oxy__pg_stmt *newest, *oldest;
    uint64_t seen[16]; /* keys of raw texts that came once */
    uint32_t seen_next;
} oxy__pg_cache;

/* What we learnt from pg_type about a type that is not built in. */
typedef struct oxy__pg_type {
    Oid oid, shown; /* shown: what the codec reads it as */
    oxy_pg_class class;
    bool array;
} oxy__pg_type;

/* --- requests under way ---------------------------------------------------------- */

typedef enum oxy__pg_stage {
    OXY__PG_TO_SEND, /* nothing under way: its next flight may be built */
    OXY__PG_SENT,    /* a flight is under way */
    OXY__PG_OVER     /* everything was read */
} oxy__pg_stage;

typedef struct oxy__pg_run {
    struct oxy__pg_run *next;
    oxy_request req;
    oxy__pg_stmt *stmt; /* a reference */
    oxy__pg_stage stage;
    bool before_sent;
    bool executed;  /* the flight under way is the last one */
    bool mode_set;  /* OXY_REQ_STREAM: libpq was told */
    bool fresh;     /* the statement was described for this very run */
    bool abandoned; /* finish(): nobody wants the answer; the request's memory is gone */
    bool from_idle; /* its flight began outside a transaction: it may be repeated */
    bool in_block;  /* it began inside one */
    bool retry;     /* once its sync is read, everything is sent again */
    bool retried;
    bool rollback;  /* the retry starts by undoing the BEGIN that did run */
    bool guarded;   /* a savepoint of ours stands before its Parse */
    bool rows_out;  /* rows have come: it is not sent again */
    bool copy;      /* the script met a COPY */
    bool direct;    /* libpq knows its columns and none of its rows */
    bool row_waits; /* direct: a whole row begins libpq's buffer */
    uint32_t batch; /* it shares its flight with others of that number; 0: it has its own */
    bool named;     /* it was sent by the statement's name, which may be unknown by now */
    bool alone;     /* it was in a flight that counts for nothing: it shares none again */
    PGresult *result;
    int row, n_rows;
    bool shown; /* cols and cells of the connection are about it */
    int64_t affected;
    oxy_err *failure; /* NULL: none */
    bool no_memory;   /* it failed, and there was no memory to say more */
} oxy__pg_run;

typedef enum oxy__pg_unit_kind {
    OXY__PG_U_BEFORE,
    OXY__PG_U_PREPARE,
    OXY__PG_U_DESCRIBE,
    OXY__PG_U_LOOKUP,  /* pg_type */
    OXY__PG_U_EXECUTE, /* what gives the rows */
    OXY__PG_U_SIDE,    /* DEALLOCATE, ROLLBACK: its outcome concerns nobody */
    OXY__PG_U_HELLO,   /* who is at the other end? */
    OXY__PG_U_SYNC,
    OXY__PG_U_SCRIPT /* simple protocol: results until NULL, no sync */
} oxy__pg_unit_kind;

typedef struct oxy__pg_unit {
    oxy__pg_unit_kind kind;
    oxy__pg_run *run; /* NULL: of the connection itself */
} oxy__pg_unit;

/* --- cancelling -------------------------------------------------------------------- */

/* What a CancelRequest needs; outlives the connection while an errand uses it. */
typedef struct oxy__pg_address oxy__pg_address;

typedef struct oxy__pg_cancel {
    pthread_mutex_t lock;
    /* under lock: */
    oxy__pg_address *address;           /* NULL: not connected */
    oxy__errand *errand;                /* under way, or over and not yet noticed */
    const oxy__pg_run *oldest, *target; /* for comparing only: what a cancel would mean, and meant */
    bool active;                        /* a request is under way */
    bool asked;                         /* the oldest request was cancelled */
    bool stray;                         /* some request was, since the connection was last idle */
} oxy__pg_cancel;

/* --- connection ---------------------------------------------------------------------- */

typedef enum oxy__pg_phase {
    OXY__PG_RESOLVE, /* names wait for a worker */
    OXY__PG_RESOLVING,
    OXY__PG_CONNECT, /* addresses are known */
    OXY__PG_CONNECTING,
    OXY__PG_HELLO,
    OXY__PG_USABLE,
    OXY__PG_BROKEN
} oxy__pg_phase;

/* What to connect to; until the connection is open. */
typedef struct oxy__pg_host {
    const char *name, *addr, *port; /* empty if not given */
    bool lookup;
} oxy__pg_host;

typedef struct oxy__pg_settings {
    oxy_arena memory;
    const char **keywords, **values; /* NULL-terminated, room for ours */
    uint32_t n;
    const char *user_options; /* the user's, without ours */
    const char *our_options;
    const char *names, *addrs, *ports; /* lists of hosts that are still to be tried, as libpq is given them */
    bool without_ours;                 /* a pooler refused them */
    oxy__pg_host *hosts;               /* only if some name is to be looked up */
    uint32_t n_hosts;
    bool several;              /* more than one place to connect to */
    unsigned long patience_ms; /* with one of several that does not answer */
    bool user_timeout;         /* the user has set tcp_user_timeout */
} oxy__pg_settings;

typedef struct oxy__pg {
    oxy_conn base;
    pid_t pid; /* of the process that opened it */
    PGconn *pq;
    oxy__pg_phase phase;
    oxy_errands *errands;
    oxy__pg_settings *settings; /* until it is open */
    oxy__errand *lookup;
    PostgresPollingStatusType poll;

    oxy__pg_run *head, **tail; /* runs that step() will answer */
    oxy__pg_run *spare;        /* for reuse */
    uint32_t n_runs;
    oxy__pg_unit *wire; /* a ring of wire_cap, a power of two */
    uint32_t wire_first, wire_n, wire_cap;
    oxy__pg_run *ghosts; /* left the queue by finish() and still have units */
    uint32_t batches;    /* so far */
    oxy__pg_run *joined; /* the last one in a flight that has no sync yet */
    uint32_t n_joined;   /* how many are in that */
    bool batch_failed;   /* something in the flight that is being answered */
    bool piped;          /* libpq is in pipeline mode */
    bool just_sent;      /* nothing can have come yet: do not ask the socket */
    bool want_write;

    oxy__pg_cache cache;
    oxy__pg_stmt *show; /* owns base.cols */
    oxy_cell *row;
    uint32_t row_cap;
    uint32_t names; /* given so far */
    uint64_t name_seed;
    oxy__pg_stmt *closing; /* without references, to be closed on the server; linked by chain */
    uint32_t n_closing;
    oxy__pg_type *types;
    uint32_t n_types, types_cap;
    oxy_arena scratch; /* parameters being sent */

    oxy__pg_window *window; /* inside of pq; NULL: rows come as results only */
    uint8_t looks;
    bool looking; /* looked is what the next read will bring */
    char looked[64];
    int lent;       /* bytes of the message that the current row's cells lie in */
    bool held_back; /* start() sent nothing: a row was lent */
    uint32_t burst; /* rows since the caller last did something else */

    bool unnamed;      /* no names on the server */
    bool keep_names;   /* oxy.pooler=no */
    bool hello_wanted; /* oxy.pooler=auto */
    bool tainted;
    bool going;       /* the server said that it will close */
    bool ended;       /* nothing more can be read */
    bool wants_write; /* the URL asks for a writable server */
    bool timeout_set; /* oxy.statement_timeout_ms */
    oxy_err lost;     /* why it broke */
    oxy__pg_cancel cancel;
} oxy__pg;

/* --- postgres_open.c ------------------------------------------------------------------ */
oxy_rc oxy__pg_configure(oxy__pg *c, const oxy_open *what, oxy_err *err);
void oxy__pg_settings_free(oxy__pg *c);
/* One step of opening. OXY_STEP_DONE: connected, in pipeline mode. */
oxy_step oxy__pg_connect(oxy__pg *c);
void oxy__pg_hello(oxy__pg *c, const PGresult *res);
/* Replaces or adds a keyword of libpq's; value NULL takes it away. */
void oxy__pg_set(oxy__pg_settings *s, const char *keyword, const char *value);

/* --- postgres_hosts.c ----------------------------------------------------------------- */
/* Learns from libpq where it would connect to. */
oxy_rc oxy__pg_ask_libpq(oxy__pg *c);
oxy_rc oxy__pg_apply_lookup(oxy__pg *c);
/* Takes the host that libpq is at off the list; false: it is the only one. */
bool oxy__pg_skip_host(oxy__pg *c);
oxy_rc oxy__pg_send_lookup(oxy__pg *c, oxy_notify notify, void *arg);

/* --- postgres_stmt.c ------------------------------------------------------------------ */
oxy_rc oxy__pg_cache_init(oxy__pg *c, uint32_t limit);
void oxy__pg_cache_fini(oxy__pg *c);
/* Forgets every statement. close: they still exist on the server. */
void oxy__pg_cache_clear(oxy__pg *c, bool close);
/* The statement of a request, with a reference for the caller. types: what to
 * declare its parameters as (0: inferred); NULL: what its values name. */
oxy_rc oxy__pg_stmt_get(oxy__pg *c, const oxy_request *r, const Oid *types, oxy__pg_stmt **out, oxy_err *err);
void oxy__pg_stmt_drop(oxy__pg *c, oxy__pg_stmt *s);
/* Takes the next name to be closed; 0: none. */
uint32_t oxy__pg_stmt_closing(oxy__pg *c);
/* Takes it out of the cache, and has it closed on the server. */
void oxy__pg_stmt_forget(oxy__pg *c, oxy__pg_stmt *s);
/* Takes parameters and columns from a description. */
oxy_rc oxy__pg_stmt_describe(oxy__pg *c, oxy__pg_stmt *s, const PGresult *res);
/* Brings columns in line with a result that came. */
oxy_rc oxy__pg_stmt_match(oxy__pg *c, oxy__pg_run *run, const PGresult *res);
#define OXY__PG_NAME_MAX 48
void oxy__pg_name(const oxy__pg *c, uint32_t number, char out[OXY__PG_NAME_MAX]);

/* --- postgres_types.c ------------------------------------------------------------------ */
/* Chooses formats and cell functions, once all types are known. */
void oxy__pg_stmt_choose(oxy__pg *c, oxy__pg_stmt *s);
/* How many types of the description only pg_type can tell; out (may be NULL)
 * gets them as an array literal, which is the parameter of the query. */
uint32_t oxy__pg_stmt_unknown(oxy__pg *c, const oxy__pg_stmt *s, oxy_buf *out);
extern const char oxy__pg_types_query[];
oxy_rc oxy__pg_types_learn(oxy__pg *c, const oxy__pg_stmt *s, const PGresult *res);

/* --- postgres_param.c ------------------------------------------------------------------ */
/* Once the server has told the types (or that it cannot): whether the values go
 * as these. If not, the run gets the statement that declares what they need. */
oxy_rc oxy__pg_retype(oxy__pg *c, oxy__pg_run *run, oxy_err *err);
/* Of a failure of Parse: notes that a parameter has no type, or could have several. */
bool oxy__pg_untyped(const oxy__pg_run *run, const PGresult *res);
typedef struct oxy__pg_params {
    const char **values;
    int *lengths, *formats;
} oxy__pg_params;
/* The request's values as the statement's parameters; memory of c->scratch. */
oxy_rc oxy__pg_encode_all(oxy__pg *c, const oxy__pg_run *run, oxy__pg_params *out, oxy_err *err);

/* --- postgres_cell.c ------------------------------------------------------------------- */
oxy__pg_cell_fn oxy__pg_cell_fn_of(oxy_pg_class class);
void oxy__pg_cell_text(const char *p, int len, oxy_cell *out);
/* Room for n cells in c->row. */
oxy_rc oxy__pg_cell_room(oxy__pg *c, uint32_t n);
oxy_rc oxy__pg_cells(oxy__pg *c, oxy__pg_run *run);

/* --- postgres_direct.c ----------------------------------------------------------------- */
/* Before libpq reads the socket, and after: looks for its buffer. */
void oxy__pg_look(oxy__pg *c);
void oxy__pg_found(oxy__pg *c);
/* PQisBusy, about the oldest command; stops at rows that can be taken. */
bool oxy__pg_busy(oxy__pg *c, const oxy__pg_unit *u);
/* Whether a row of the head lies ready; says so in row_waits. */
bool oxy__pg_next_row(oxy__pg *c, oxy__pg_run *run);
/* That row as cells, which lie in libpq's buffer until it is given back: before
 * anything else is asked of libpq. False: malformed, libpq will say how. */
bool oxy__pg_lend(oxy__pg *c, oxy__pg_run *run);
void oxy__pg_give_back(oxy__pg *c);

/* --- postgres_formats.c ---------------------------------------------------------------- */
/* Whether some columns are texts, which the server makes faster in text format. */
bool oxy__pg_has_texts(const oxy__pg_stmt *s);
/* How much waits to be sent; -1: libpq does not show it. */
int oxy__pg_outgoing(const oxy__pg *c);
/* libpq was given the statement of that name to be run, when so much waited before:
 * has its texts come in text format. Nothing happens where that cannot be said. */
void oxy__pg_ask_for_texts(oxy__pg *c, const oxy__pg_stmt *s, const char *name, int before);

/* --- postgres_send.c ------------------------------------------------------------------- */
/* Sends what may be sent, in the order of the runs. */
void oxy__pg_go_on(oxy__pg *c);
bool oxy__pg_send_hello(oxy__pg *c);
/* Writes what waits to be written. */
void oxy__pg_flush(oxy__pg *c);
void oxy__pg_run_free(oxy__pg *c, oxy__pg_run *run);

/* --- postgres_recv.c ------------------------------------------------------------------- */
/* Moves bytes and distributes answers until the oldest run has something for
 * step(): then DONE. Else WANT_READ or WANT_WRITE. */
oxy_step oxy__pg_pump(oxy__pg *c);
/* Whether step() would not wait. */
bool oxy__pg_answer_ready(const oxy__pg *c);

/* --- postgres_error.c ------------------------------------------------------------------ */
oxy_rc oxy__pg_classify(const char *sqlstate);
oxy_rc oxy__pg_error(oxy__pg *c, const PGresult *res, oxy_err *err);
void oxy__pg_connect_error(oxy__pg *c, oxy_err *err);
/* The connection is of no use any more: every run fails. */
void oxy__pg_broke(oxy__pg *c, oxy_rc rc, const char *message);
void oxy__pg_lost(oxy__pg *c);
/* The first failure of a run stays. */
void oxy__pg_run_fail(oxy__pg *c, oxy__pg_run *run, const oxy_err *err);

/* --- postgres_cancel.c ----------------------------------------------------------------- */
oxy_rc oxy__pg_cancel_init(oxy__pg *c);
void oxy__pg_cancel_fini(oxy__pg *c);
/* Remembers how to reach the server; connected. */
oxy_rc oxy__pg_cancel_ready(oxy__pg *c);
void oxy__pg_cancel_send(oxy__pg *c);
/* A request begins. */
void oxy__pg_cancel_arm(oxy__pg *c);
/* The answer to this run has come, or to all (NULL): no need to ask again. */
void oxy__pg_cancel_met(oxy__pg *c, const oxy__pg_run *run);
/* Whether the end of the oldest request may be told: no cancel is on its way. */
bool oxy__pg_cancel_disarm(oxy__pg *c);
/* Another request is the oldest now, or none. */
void oxy__pg_cancel_turn(oxy__pg *c);
/* Whether a cancel of ours may be what stopped something. */
bool oxy__pg_cancel_asked(oxy__pg *c);
/* Whether the oldest request was cancelled. */
bool oxy__pg_cancel_hits(oxy__pg *c);
/* Whether a cancel is on its way. */
bool oxy__pg_cancel_busy(oxy__pg *c);
oxy_rc oxy__pg_cancel_wait(oxy__pg *c, oxy_notify notify, void *arg);

#endif
