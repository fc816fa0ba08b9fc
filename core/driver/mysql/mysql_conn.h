/* SPDX-License-Identifier: MIT */
/* The MySQL driver's own header: what its files share. docs/internals/driver.md
 * explains the ideas.
 *
 * A connection is driven by a small state machine: `state` names what comes
 * next, `call` is the client library's call that is under way. Everything here
 * belongs to the caller's thread. */
#ifndef OXY_DRIVER_MYSQL_H
#define OXY_DRIVER_MYSQL_H

#include <oxyde/driver.h>

#include "driver/errand.h"

#include <errmsg.h>
#include <mysql.h>
#include <sys/types.h>

#define OXY__MY_PARAMS_MAX 65535u

/* --- calls of the client library ---------------------------------------------- */

typedef enum oxy__my_op {
    OXY__MY_NONE,
    OXY__MY_CONNECT,
    OXY__MY_QUERY,
    OXY__MY_STORE_TEXT,
    OXY__MY_NEXT_TEXT,
    OXY__MY_PREPARE,
    OXY__MY_EXECUTE,
    OXY__MY_STORE,
    OXY__MY_FETCH,
    OXY__MY_NEXT,
    OXY__MY_FREE_RESULT,
    OXY__MY_CLOSE_STMT,
    OXY__MY_OPTION,
    OXY__MY_PING,
    OXY__MY_RESET
} oxy__my_op;

/* One call, from its start until its answer is there. */
typedef struct oxy__my_call {
    oxy__my_op op;
    int wait; /* MYSQL_WAIT_* while it is suspended; 0: it is over */
    MYSQL_STMT *stmt;
    const char *sql;
    size_t len;
    enum enum_mysql_set_option option;
    bool greeted;     /* connecting: the greeting was looked at */
    bool without_tls; /* ... and refused */
    int failed;       /* of the answer: not 0 */
    MYSQL *connected;
    MYSQL_RES *result;
} oxy__my_call;

/* --- statements ------------------------------------------------------------------ */

/* How a column's cells are read from the binary protocol. */
typedef enum oxy__my_reader {
    OXY__MY_I8,
    OXY__MY_U8,
    OXY__MY_I16,
    OXY__MY_U16,
    OXY__MY_I32,
    OXY__MY_U32,
    OXY__MY_I64,
    OXY__MY_U64,
    OXY__MY_FLOAT,
    OXY__MY_DOUBLE,
    OXY__MY_CHARS,
    OXY__MY_BYTES,
    OXY__MY_TIMES,
    OXY__MY_NULL
} oxy__my_reader;

typedef struct oxy__my_stmt {
    MYSQL_STMT *stmt; /* NULL: the server cannot prepare this text */
    uint64_t key;
    char *sql;
    size_t len;
    struct oxy__my_stmt *chain, *newer, *older; /* in the cache; older alone: list of doomed ones */
    bool cached;
} oxy__my_stmt;

/* Least recently used statements by key and text. */
typedef struct oxy__my_cache {
    oxy__my_stmt **buckets; /* n_buckets, a power of two */
    uint32_t n_buckets, n, limit;
    oxy__my_stmt *newest, *oldest;
    oxy__my_stmt *doomed; /* evicted, to be closed on the server with the next request */
    uint64_t seen[16];    /* keys of raw texts that came once */
    uint32_t seen_next;
} oxy__my_cache;

/* --- settings -------------------------------------------------------------------------- */

typedef enum oxy__my_tls {
    OXY__MY_TLS_PREFERRED,
    OXY__MY_TLS_DISABLED,
    OXY__MY_TLS_REQUIRED,
    OXY__MY_TLS_VERIFY_CA,
    OXY__MY_TLS_VERIFY_IDENTITY
} oxy__my_tls;

/* Never changes once it is read. The connection and its errands hold it: an errand
 * may outlive the connection. Text is NUL-terminated; NULL: not set. */
typedef struct oxy__my_config {
    const oxy_alloc *alloc;
    atomic_uint refs;
    oxy_arena memory;
    oxy_common *common; /* counted, or NULL */
    const char *host, *user, *password, *dbname, *socket;
    const char *charset, *collation, *time_zone, *sql_mode;
    const char *ssl_ca, *ssl_cert, *ssl_key;
    unsigned port;
    oxy__my_tls tls;
    bool compress;
    uint64_t statement_timeout_ms, lock_timeout_ms, connect_timeout_ms; /* 0: none */
} oxy__my_config;

/* --- errands: what can only be done blocking ---------------------------------------------- */

#define OXY__MY_ADDRESSES 8
#define OXY__MY_ADDRESS_MAX 64

/* Looks a name up, connects, or kills. The library's TLS handshake blocks, so where
 * TLS may be used connecting is done elsewhere as a whole; by name, since the
 * certificate is checked against the host that the library was given. */
typedef struct oxy__my_errand {
    oxy__errand base;
    oxy__my_config *config;
    char addresses[OXY__MY_ADDRESSES][OXY__MY_ADDRESS_MAX];
    uint32_t n_addresses;
    char why[128]; /* a failed look-up */
    MYSQL *mysql;  /* connecting: until the connection takes it */
    bool connected, without_tls, timed_out;
    int64_t victim;                 /* KILL QUERY: whom */
    char peer[OXY__MY_ADDRESS_MAX]; /* ... and where: its address, and behind it the port; "": a socket */
} oxy__my_errand;

typedef struct oxy__my_cancel {
    pthread_mutex_t lock;
    /* under lock: */
    oxy__my_errand *errand; /* under way, or over and not yet noticed */
    bool active;            /* a request is under way */
    bool asked;             /* ... and was cancelled */
} oxy__my_cancel;

/* --- connection ------------------------------------------------------------------------ */

typedef enum oxy__my_state {
    OXY__MY_S_OPEN,      /* to be connected: by name or address, here or elsewhere */
    OXY__MY_S_CONNECT,   /* the next address is to be tried */
    OXY__MY_S_CONNECTED, /* mysql_real_connect answered */
    OXY__MY_S_SETUP,     /* the session is to be set up */
    OXY__MY_S_READY,     /* ... was; open() or reset is over */
    OXY__MY_S_USE,       /* the database was chosen again */
    OXY__MY_S_NEXT,      /* a request: what is to be sent next */
    OXY__MY_S_LIMIT,     /* the server told its max_allowed_packet */
    OXY__MY_S_BEFORE,    /* a statement in front of it answered */
    OXY__MY_S_PREPARED,
    OXY__MY_S_EXECUTED,
    OXY__MY_S_STORED,
    OXY__MY_S_DRAIN, /* rows are over: further results */
    OXY__MY_S_DRAINED,
    OXY__MY_S_TEXT_SENT, /* the text protocol, for whoever set `then` */
    OXY__MY_S_TEXT_STORED,
    OXY__MY_S_TEXT_NEXT,
    OXY__MY_S_TEXT_RUN,  /* a request in the text protocol answered */
    OXY__MY_S_SCRIPT_ON, /* several statements are allowed from here ... */
    OXY__MY_S_SCRIPT_RUN,
    OXY__MY_S_SCRIPT_OFF, /* ... to here */
    OXY__MY_S_PING,
    OXY__MY_S_RESET,
    OXY__MY_S_OVER,    /* the request is over: what is left to do before saying so */
    OXY__MY_S_FLUSHED, /* a statement of ours told what is left of the transaction */
    OXY__MY_S_SETTLED, /* nothing is left to do */
    OXY__MY_S_FETCHED, /* one row, or their end */
    /* From here on step() has an answer without a call. */
    OXY__MY_S_LOOKUP, /* errands: a name is looked up, ... */
    OXY__MY_S_DIAL,   /* ... connected to, ... */
    OXY__MY_S_KILL,   /* ... a statement is killed */
    OXY__MY_S_ROWS,
    OXY__MY_S_DIRECT,      /* a row that is handed out as it comes is there ... */
    OXY__MY_S_DIRECT_NEXT, /* ... and was handed out, or none was yet */
    OXY__MY_S_TEXT_ROWS,
    OXY__MY_S_DONE,
    OXY__MY_S_FAILED,
    OXY__MY_S_IDLE,
    OXY__MY_S_BROKEN
} oxy__my_state;

typedef struct oxy__mysql {
    oxy_conn base;
    oxy__my_config *config;
    oxy_errands *errands;
    pid_t pid;

    MYSQL *mysql;           /* NULL: not yet */
    oxy__my_errand *errand; /* look-up or connecting */
    const char *address;    /* of the server: numeric, of the config or the errand */
    uint32_t next_address;
    oxy__my_cancel cancel;
    oxy__my_call call;
    oxy__my_state state;
    char *setup, *use;   /* statements that set the session up; use: NULL without a database */
    uint64_t max_packet; /* the server's max_allowed_packet; 0: not asked yet */
    oxy_ns connect_deadline;
    bool opening, tainted;
    bool without_tls; /* it is connected, and nothing is encrypted */
    oxy__my_cache cache;
    oxy__my_stmt *loose; /* statement outside the cache, kept until the next start */

    /* The current request. */
    oxy_request req;
    uint32_t before; /* statements in front that were answered */
    oxy__my_stmt *s;
    bool outdated;   /* s describes columns that are no longer so */
    bool failed;     /* how it ended; base.err tells more */
    bool reprepared; /* once per request */
    bool was_in_trans;
    oxy_arena scratch; /* parameters */

    /* The text protocol. */
    oxy__my_state then; /* where to go once every result is read */
    bool keep;          /* the first result is the caller's */
    bool text_failed;   /* with words in text_err */
    oxy_err text_err;
    MYSQL_RES *text; /* the caller's rows */

    /* Rows. */
    const MYSQL_ROWS *next_row;
    oxy_coldesc *cols;
    uint8_t *readers;
    oxy_cell *row;
    uint32_t n_cols, cols_cap;
    bool direct;      /* handed out as they come */
    uint64_t n_ahead; /* rows that were taken from what the library had read ahead */
} oxy__mysql;

/* --- mysql_call.c ---------------------------------------------------------------- */
/* Starts what c->call describes; afterwards call.wait tells whether it is over. */
void oxy__my_begin(oxy__mysql *c, oxy__my_op op);
/* Goes on with a suspended call. */
void oxy__my_resume(oxy__mysql *c);
/* Ends a suspended call by taking its socket away, so that everything it holds is
 * freed; the connection is of no use afterwards. */
void oxy__my_abandon(oxy__mysql *c);
/* Empties this thread's queue of OpenSSL errors, before a call that may use TLS. */
void oxy__my_clear_errors(const oxy__my_config *f);

/* --- mysql_config.c ------------------------------------------------------------------ */
oxy_rc oxy__my_config_new(const oxy_open *what, const oxy_alloc *alloc, oxy__my_config **out, oxy_err *err);
oxy__my_config *oxy__my_config_hold(oxy__my_config *f);
void oxy__my_config_drop(oxy__my_config *f); /* NULL is fine */

/* --- mysql_open.c ------------------------------------------------------------------ */
/* A handle with the library's options filled in; NULL: out of memory. Any thread. */
MYSQL *oxy__my_handle(const oxy__my_config *f);
/* Looks at a server's greeting that nobody has read yet. The library goes on without
 * TLS where the server offers none, and the password with it. */
typedef enum oxy__my_greets {
    OXY__MY_GREETS_LATER, /* it is not there, or not whole */
    OXY__MY_GREETS_WELL,
    OXY__MY_GREETS_WITHOUT_TLS
} oxy__my_greets;
oxy__my_greets oxy__my_greeting(int fd);
/* What to poll() for while the library connects and waits for `wait`. */
short oxy__my_connect_events(int wait, bool greeted);
/* A connection without TLS, which the settings insist on: where the socket connects
 * at once and the greeting is there already, the library asks nobody before it goes on. */
bool oxy__my_lacks_tls(const oxy__my_config *f, MYSQL *connected);
/* Once connected: what is on the other side, and the text of c->setup. */
oxy_rc oxy__my_introduce(oxy__mysql *c, oxy_err *err);

/* --- mysql_errand.c ------------------------------------------------------------------ */
/* All three start an errand, which is in c->errand or c->cancel afterwards. */
oxy_rc oxy__my_lookup(oxy__mysql *c, oxy_err *err);
oxy_rc oxy__my_dial(oxy__mysql *c, oxy_err *err);
/* Any thread; nothing if no request is under way. */
void oxy__my_kill(oxy__mysql *c);
oxy__my_errand *oxy__my_errand_new(oxy__mysql *c, void (*run)(oxy__errand *)); /* NULL: out of memory */
/* Consumes e if it fails. */
oxy_rc oxy__my_errand_send(oxy__mysql *c, oxy__my_errand *e, oxy_err *err);
void oxy__my_errand_drop(oxy__my_errand *e);
/* On another thread: connects m and waits, with TLS if the settings want it. */
bool oxy__my_connect_now(oxy__my_errand *e, MYSQL *m, const char *host, const char *dbname, int timeout_ms);
/* A request begins: it may be cancelled from here on. */
void oxy__my_cancel_arm(oxy__mysql *c);
/* Whether the request was cancelled. */
bool oxy__my_cancel_asked(oxy__mysql *c);
/* Forgets a cancel whose errand is over; false: it is not. */
bool oxy__my_cancel_clear(oxy__mysql *c);
/* From here on nothing can be cancelled; false, and nothing done: it was already. */
bool oxy__my_cancel_disarm(oxy__mysql *c);

/* --- mysql_stmt.c -------------------------------------------------------------------- */
/* Whether nothing but blanks, comments and semicolons is left. */
bool oxy__my_blank(const char *sql, size_t len);
/* Whether there is a statement behind a semicolon. */
bool oxy__my_several(const char *sql, size_t len);
/* Notes what free text may have left behind in the session. */
void oxy__my_note_free_text(oxy__mysql *c, const char *sql, size_t len);
oxy_rc oxy__my_cache_init(oxy__mysql *c, uint32_t limit);
/* Everything that is kept is to be closed. */
void oxy__my_cache_empty(oxy__mysql *c);
/* Frees everything on this side: after mysql_close, or when the server has
 * forgotten all statements. The cache stays usable. */
void oxy__my_cache_forget(oxy__mysql *c);
void oxy__my_cache_fini(oxy__mysql *c);
/* The next statement to be closed on the server, now the caller's; NULL: none. */
MYSQL_STMT *oxy__my_take_doomed(oxy__mysql *c);
/* The statement for the current request; a fresh one is still to be prepared. */
oxy_rc oxy__my_stmt_get(oxy__mysql *c, oxy__my_stmt **out, bool *fresh, oxy_err *err);
/* Is to be closed, and not found again. */
void oxy__my_stmt_drop(oxy__mysql *c, oxy__my_stmt *s);
/* This text goes through the text protocol from now on. */
void oxy__my_stmt_unprepared(oxy__mysql *c, oxy__my_stmt *s);
oxy_rc oxy__my_bind(oxy__mysql *c, oxy_err *err);

/* --- mysql_row.c ---------------------------------------------------------------------- */
/* Describes the columns of the current result, and makes room for its cells. Names
 * are copied if what they are in may go before the request's columns do. */
oxy_rc oxy__my_describe(oxy__mysql *c, const MYSQL_FIELD *fields, uint32_t n, bool copy_names, oxy_err *err);
/* Cells of a row of the binary protocol; false: the packet is malformed. */
bool oxy__my_cells(oxy__mysql *c, const uint8_t *row, size_t len);
/* ... of the text protocol. */
bool oxy__my_text_cells(oxy__mysql *c, MYSQL_ROW row, const unsigned long *lengths);

/* --- mysql_ahead.c -------------------------------------------------------------------- */
/* The next row, if it lies whole in what the library has read ahead of it;
 * the library goes on behind it. False, and nothing taken: ask the library. */
bool oxy__my_ahead(oxy__mysql *c, const uint8_t **row, size_t *len);

/* --- mysql_run.c ---------------------------------------------------------------------- */
/* Goes on until the caller has to wait, or step() has an answer without a call. */
void oxy__my_advance(oxy__mysql *c);
oxy_step oxy__my_step(oxy__mysql *c);
oxy_step oxy__my_pump(oxy__mysql *c);
bool oxy__my_in_trans(const oxy__mysql *c);
/* The request failed: with words in base.err, with the library's, with ours. */
void oxy__my_fail(oxy__mysql *c);
void oxy__my_fail_call(oxy__mysql *c, MYSQL_STMT *stmt);
void oxy__my_malformed(oxy__mysql *c);
/* Whether the connection is of no use any more. */
bool oxy__my_gone(const oxy__mysql *c);

/* --- mysql_connect.c -------------------------------------------------------------------- */
void oxy__my_on_open(oxy__mysql *c);
void oxy__my_on_connect(oxy__mysql *c);
void oxy__my_on_connected(oxy__mysql *c);
void oxy__my_on_setup(oxy__mysql *c);
void oxy__my_on_ready(oxy__mysql *c);
/* Once the errand is over. */
void oxy__my_looked_up(oxy__mysql *c);
void oxy__my_dialed(oxy__mysql *c);

/* --- mysql_text.c ------------------------------------------------------------------------ */
/* Runs a text, reads all its results, and goes on in `then`. */
void oxy__my_run_text(oxy__mysql *c, oxy_sv sql, bool keep, oxy__my_state then);
/* The text that failed was the request's own, or a part of it. */
void oxy__my_fail_text(oxy__mysql *c);
void oxy__my_on_text_sent(oxy__mysql *c);
void oxy__my_on_text_stored(oxy__mysql *c);
void oxy__my_on_text_next(oxy__mysql *c);

/* --- mysql_prepared.c -------------------------------------------------------------------- */
/* The request's own statement, prepared if it is not yet. */
void oxy__my_prepare(oxy__mysql *c);
/* Fails the request if it was cancelled: a KILL that came between two statements is lost. */
bool oxy__my_canceled(oxy__mysql *c);
void oxy__my_on_prepared(oxy__mysql *c);
void oxy__my_on_executed(oxy__mysql *c);
void oxy__my_on_stored(oxy__mysql *c);
void oxy__my_on_fetched(oxy__mysql *c);
/* Takes the server's status from the packet that ended the rows. */
void oxy__my_note_end(oxy__mysql *c);
void oxy__my_on_drain(oxy__mysql *c);
void oxy__my_on_drained(oxy__mysql *c);

/* --- mysql_error.c --------------------------------------------------------------------- */
/* What the library's last error means: of the statement, if it has one. */
oxy_rc oxy__my_error(oxy__mysql *c, MYSQL_STMT *stmt, oxy_err *err);
oxy_rc oxy__my_error_set(oxy__mysql *c, unsigned number, const char *sqlstate, const char *message, oxy_err *err);
/* Whether a connection is of no use after this error. */
bool oxy__my_error_closes(unsigned number);

/* --- mysql_message.c --------------------------------------------------------------------- */
/* Moves values out of err->message, and takes names out of it. */
void oxy__my_read_message(oxy_err *err);

#endif
