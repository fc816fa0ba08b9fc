/* SPDX-License-Identifier: MIT */
/* The SQLite driver's own header: what its files share. docs/internals/driver.md
 * explains the ideas.
 *
 * The sqlite3 handle, the statement cache and `run` belong to one thread at a
 * time: to the caller's, or, from offload until the last batch is published,
 * to the worker's. What both may touch is either atomic or in oxy__worker
 * under its lock. */
#ifndef OXY_DRIVER_SQLITE_H
#define OXY_DRIVER_SQLITE_H

#include <oxyde/driver.h>

#include "driver/common.h"
#include "driver/words.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/types.h>

/* --- statements -------------------------------------------------------------- */

typedef struct oxy__stmt {
    sqlite3_stmt *stmt; /* NULL: the text held no statement */
    uint64_t key;
    char *sql;
    size_t len;
    struct oxy__stmt *chain, *newer, *older; /* in the cache only */
    bool cached;
    oxy__sql_kind kind;
    bool readonly;
    bool unsteady; /* random(), 'now': a second run may give other rows */
    bool whole;    /* one opcode may walk a whole table: COUNT(*), DELETE without WHERE */
    uint32_t n_values;
    uint32_t *order; /* value number (from 0) of each parameter; NULL: as they come */
    oxy_coldesc *cols;
    uint32_t n_cols;
    int reprepared; /* SQLite's counter when cols was made */
    uint32_t slow;  /* runs to come that go straight to the worker */
    uint32_t slow_next;
    bool quiet;             /* an INSERT without its RETURNING: sqlite_keys.c */
    bool loud;              /* ... whose keys could not be proven: goes with RETURNING from now on */
    sqlite3_stmt *last_key; /* of a quiet one: the greatest rowid */
} oxy__stmt;

/* A read that is past its budget between rows lets the loop turn so often
 * before the worker takes it: a hop costs as much as some hundred rows. */
#define OXY__TURNS 3

/* Among a request's flags while its statement is taken: the text ends before RETURNING. */
#define OXY__REQ_QUIET (1u << 31)

#define OXY__SLOW_FIRST 4 /* runs on the worker after the first slow one; doubles */

/* Least recently used statements by key and text. */
typedef struct oxy__cache {
    oxy__stmt **buckets; /* n_buckets, a power of two */
    uint32_t n_buckets, n, limit;
    oxy__stmt *newest, *oldest;
    uint64_t seen[16]; /* keys of raw texts that came once */
    uint32_t seen_next;
} oxy__cache;

/* --- batches: rows on their way from the worker ---------------------------------- */

#define OXY__BATCH_ROWS 1000
#define OXY__BATCH_BYTES ((size_t)1 << 20)
#define OXY__BATCH_TIME (20 * OXY_NS_PER_MS) /* rows that come slowly are not held back */

typedef enum oxy__end { OXY__END_MORE, OXY__END_DONE, OXY__END_FAILED } oxy__end;

typedef struct oxy__batch {
    oxy_arena text; /* what the cells point at */
    oxy_cell *cells;
    size_t cap; /* cells that fit */
    uint32_t n_rows;
    uint32_t n_cols;
    const oxy_coldesc *cols;
    oxy__end end;
    bool full; /* under the worker's lock: the reader may have it */
    int64_t affected, last_insert_id;
    oxy_err err;
} oxy__batch;

typedef enum oxy__job { OXY__JOB_NONE, OXY__JOB_OPEN, OXY__JOB_RUN } oxy__job;

typedef struct oxy__worker {
    bool started; /* caller's thread only */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* to the worker */
    pthread_cond_t idle; /* to whoever waits for `running` to end */
    /* under lock: */
    oxy__job job;
    bool running;    /* the worker owns the handle */
    bool interrupts; /* sqlite3_interrupt may be called now */
    bool quit;
    bool checkpoint;   /* wanted, as soon as the writer pauses */
    oxy_ns pause;      /* how long it has to */
    oxy_notify notify; /* NULL: nobody waits */
    void *arg;
    oxy__batch batch[2];
    uint32_t reading; /* caller's thread only: the batch being handed out */
    /* worker's thread only: */
    uint32_t writing;
    sqlite3 *checkpoint_db;
} oxy__worker;

/* Pages in the log above which it is emptied once the writer pauses; above which
 * it is emptied beside a writer that does not, until few pages are left, which the
 * next write empties first; and above which it does so in any case. */
#define OXY__WAL_PAGES 1000
#define OXY__WAL_BUSY 3000
#define OXY__WAL_FEW 100
#define OXY__WAL_OVERDUE 4000
/* What is a pause; the worker looks after so long, then twice as long. */
#define OXY__WAL_PAUSE (2 * OXY_NS_PER_MS)
#define OXY__WAL_PAUSE_MAX (16 * OXY_NS_PER_MS)

/* --- connection -------------------------------------------------------------------- */

typedef enum oxy__role { OXY__ROLE_BOTH, OXY__ROLE_READER, OXY__ROLE_WRITER } oxy__role;

typedef struct oxy__sqlite_config {
    const char *path; /* as the user wrote it */
    const char *vfs;  /* NULL: default */
    const char *journal_mode, *synchronous, *cache_size;
    int open_flags;
    bool immutable, read_only, memory;
    oxy__role role;
    oxy_ns busy_timeout, budget;
    oxy_setting *pragmas, *attach; /* names without their prefix, NUL-terminated */
    uint32_t n_pragmas, n_attach;
} oxy__sqlite_config;

/* Why the progress handler stopped a statement. */
typedef enum oxy__why { OXY__WHY_NOTHING, OXY__WHY_BUDGET, OXY__WHY_TIMEOUT, OXY__WHY_CANCEL } oxy__why;

/* An INSERT that runs without its RETURNING. */
typedef enum oxy__keys { OXY__KEYS_NONE, OXY__KEYS_INSERT /* to be run */, OXY__KEYS_ROWS } oxy__keys;

/* What encloses such an INSERT until its keys are known: a transaction, or inside of
 * one a savepoint. */
typedef enum oxy__frame {
    OXY__FRAME_BEGIN,
    OXY__FRAME_COMMIT,
    OXY__FRAME_ROLLBACK,
    OXY__FRAME_SAVE,
    OXY__FRAME_RELEASE,
    OXY__FRAME_UNDO,
    OXY__FRAME_COUNT
} oxy__frame;

/* The current request. */
typedef struct oxy__run {
    oxy_request req;
    oxy__stmt *s;
    bool on_worker;
    bool interruptible; /* the step under way may be stopped for the budget */
    bool stoppable;     /* ... for a cancel or the deadline */
    bool over;          /* past the budget: stop at the next row */
    uint32_t turns;     /* times it stopped there and went on here */
    bool anchored;
    bool described; /* the columns of this run, which began with its last reset */
    bool in_trans;  /* began inside an explicit transaction */
    oxy__why why;
    oxy_ns since; /* when the budget began to run; 0: not yet */
    oxy_ns busy_since;
    uint64_t delivered; /* rows that left us */
    uint64_t skip;      /* rows to drop after a restart */
    uint32_t batch_row; /* next row of the batch being handed out */
    oxy__job job;       /* OFFLOAD: what the worker is to do; NONE: it is at it */
    int64_t affected, last_insert_id;
    uint64_t random;
    oxy__keys keys;
    int64_t key;     /* of the next row */
    uint32_t n_keys; /* rows to come */
} oxy__run;

typedef enum oxy__phase {
    OXY__PHASE_IDLE,
    OXY__PHASE_OPEN,    /* to be opened */
    OXY__PHASE_START,   /* a request waits for its first step */
    OXY__PHASE_ROWS,    /* rows come from the statement itself */
    OXY__PHASE_OFFLOAD, /* said WANT_WORKER */
    OXY__PHASE_AWAY,    /* a worker has it */
    OXY__PHASE_BATCH,   /* rows come from a batch */
    OXY__PHASE_BROKEN
} oxy__phase;

/* Bits of oxy__sqlite.stop. The rest counts requests, so that a cancel meant
 * for an earlier one cannot take effect. */
#define OXY__STOP_ACTIVE 1u
#define OXY__STOP_CANCEL 2u
#define OXY__STOP_NEXT 4u

/* sqlite_locks.c. Placed over the database file's methods. */
typedef struct oxy__locks {
    sqlite3_io_methods methods;     /* first: what the file's pMethods points at is us */
    const sqlite3_io_methods *real; /* NULL: not in place */
    sqlite3_file *file;
    oxy__member member;
    /* Of the connection's thread: */
    bool keeping;     /* the request at hand is one of a burst */
    bool writing;     /* ... and writes */
    bool checkpoints; /* the checkpoint lock is held through this file */
    int refusals;     /* marks that were refused since a read lock was asked for */
    pthread_mutex_t lock;
    /* Under lock: the read lock that SQLite has given back and we have not, as its slot. */
    int kept;
    bool asked;   /* since the last burst: whether somebody is in a checkpoint */
    bool refused; /* somebody is: this burst keeps nothing */
} oxy__locks;

/* sqlite_log.c. Placed over the log file's methods. */
typedef struct oxy__log {
    sqlite3_io_methods methods;     /* first */
    const sqlite3_io_methods *real; /* NULL: not in place */
    sqlite3_file *file;
    bool held; /* `frame` begins with a header that is to be written at `at` */
    sqlite3_int64 at;
    sqlite3_int64 end;    /* of the last write: where a new frame would begin */
    unsigned char *frame; /* room for a header and a page */
    size_t page_size;
} oxy__log;

typedef struct oxy__sqlite {
    oxy_conn base;
    oxy_arena memory; /* the configuration's text */
    oxy__sqlite_config config;
    oxy_regexp regexp;
    void *regexp_ctx;
    pid_t pid;

    sqlite3 *db;
    sqlite3_stmt *anchor;                   /* holds a snapshot while a read may have to start again */
    sqlite3_stmt *frames[OXY__FRAME_COUNT]; /* made when first needed */
    bool utf8;
    bool quick_commit; /* a commit does not wait for the disk */
    bool wal;
    oxy__cache cache;
    oxy__stmt *loose; /* statement outside the cache, kept until the next start */
    oxy_cell *row;    /* cells of rows that come from the statement itself */
    uint32_t row_cap;
    oxy_err func_err;      /* said by one of our SQL functions */
    int64_t trans_changes; /* total changes when the transaction began */
    uint64_t trans_bytes;  /* bound since */
    /* Length of the log after our last commit, and at the last attempts to empty it. */
    atomic_int wal_pages;
    int wal_main, wal_tried, wal_forced;

    oxy__phase phase;
    oxy__run run;
    bool tainted;
    _Atomic uint64_t stop;
    atomic_bool abandon;   /* finish() or close() wants the worker to let go */
    atomic_bool wal_fresh; /* the next commit starts a new log and syncs its header */
    atomic_bool wal_due;   /* few pages are left to be emptied: before the next write */
    atomic_uint wal_commits;
    oxy_common *common; /* counted, or NULL */
    oxy__locks locks;
    oxy__log log;
    oxy__worker worker;
} oxy__sqlite;

/* --- sqlite_open.c ------------------------------------------------------------- */
oxy_rc oxy__sqlite_configure(oxy__sqlite *c, const oxy_open *what, oxy_err *err);
/* Opens and prepares the handle. May wait for locks: only where that is fine. */
oxy_rc oxy__sqlite_open_now(oxy__sqlite *c, oxy_err *err);
/* A bare handle on the same files, for checkpoints. */
sqlite3 *oxy__sqlite_open_plain(const oxy__sqlite_config *config);

/* --- sqlite_stmt.c --------------------------------------------------------------- */
/* Notes what free text may have left behind in the session. */
void oxy__note_free_text(oxy__sqlite *c, const char *sql, size_t len);
oxy_rc oxy__cache_init(oxy__sqlite *c, uint32_t limit);
void oxy__cache_fini(oxy__sqlite *c);
/* The statement for the current request, from the cache or prepared. */
oxy_rc oxy__stmt_get(oxy__sqlite *c, const oxy_request *r, oxy__stmt **out, oxy_err *err);
oxy_rc oxy__stmt_bind(oxy__sqlite *c, oxy__stmt *s, const oxy_request *r, oxy_err *err);
/* Brings s->cols up to date. */
oxy_rc oxy__stmt_describe(oxy__sqlite *c, oxy__stmt *s, oxy_err *err);
void oxy__stmt_drop_loose(oxy__sqlite *c);

/* --- sqlite_run.c ------------------------------------------------------------------- */
typedef enum oxy__outcome { OXY__RUN_ROW, OXY__RUN_DONE, OXY__RUN_LATER, OXY__RUN_FAILED } oxy__outcome;
/* Whether the request should not run on the caller's thread at all. */
bool oxy__run_wants_worker(oxy__sqlite *c, const oxy__stmt *s);
/* Whether the log grew so long that a write empties it first. */
bool oxy__run_log_overdue(const oxy__sqlite *c);
/* Prepares and binds, unless that was done. */
oxy_rc oxy__run_begin(oxy__sqlite *c, oxy_err *err);
/* One row further. RUN_LATER: go on on the worker. */
oxy__outcome oxy__run_next(oxy__sqlite *c, oxy_err *err);
oxy__outcome oxy__run_script(oxy__sqlite *c, oxy_err *err);
/* Puts the statement back and lets go of its snapshot. */
void oxy__run_end(oxy__sqlite *c);
/* Fills cells from the current row; text points into SQLite's memory. */
bool oxy__run_cells(oxy__sqlite *c, oxy_cell *cells, oxy_err *err);
int oxy__run_progress(void *arg);
int oxy__run_busy(void *arg, int count);

/* How many rows were changed on this handle; by the last statement. */
int64_t oxy__run_total_changes(const oxy__sqlite *c);
int64_t oxy__run_changes(const oxy__sqlite *c);
void oxy__run_set_limits(oxy__sqlite *c);
/* What the statement at hand has changed, for the request's answer. */
void oxy__run_count(oxy__sqlite *c);
/* What a step means that gave neither a row nor the end. */
oxy__outcome oxy__run_stopped(oxy__sqlite *c, int rc, oxy_err *err);
void oxy__run_note_pace(oxy__run *run);

/* --- sqlite_keys.c ----------------------------------------------------------------- */
/* Takes the request's INSERT without its RETURNING, bound, if that may do; else run->s
 * stays NULL, and it is taken as any other. Fails for want of memory only. */
oxy_rc oxy__keys_begin(oxy__sqlite *c, oxy_err *err);
/* One key further. OXY__KEYS_NONE afterwards: what the keys are could not be proven,
 * nothing of it remains, and the request is to be taken as any other. */
oxy__outcome oxy__keys_next(oxy__sqlite *c, oxy_err *err);
void oxy__keys_close(oxy__sqlite *c);

/* --- sqlite_locks.c ---------------------------------------------------------------- */
/* Once the handle is open, on a log (WAL) and with a pool. */
void oxy__locks_place(oxy__sqlite *c);
/* Before the handle is closed. */
void oxy__locks_remove(oxy__sqlite *c);
/* Every handle of the pool gives back what it keeps: before a checkpoint, at the end
 * of a burst. */
void oxy__locks_rest(oxy_common *common);

/* --- sqlite_log.c ------------------------------------------------------------------ */
/* Fails for want of memory only. Pages of another size go out in two writes. */
oxy_rc oxy__log_place(oxy__sqlite *c, size_t page_size);
void oxy__log_remove(oxy__sqlite *c);

/* --- sqlite_worker.c --------------------------------------------------------------- */
oxy_rc oxy__worker_init(oxy__sqlite *c);
void oxy__worker_fini(oxy__sqlite *c);
oxy_rc oxy__worker_offload(oxy__sqlite *c, oxy__job job, oxy_notify notify, void *arg);
/* The batch to read, or NULL if it is not there yet. */
oxy__batch *oxy__worker_take(oxy__sqlite *c);
/* Gives the batch back, to be filled again. */
void oxy__worker_give(oxy__sqlite *c);
/* Stops the job and waits until the worker let go. */
void oxy__worker_stop(oxy__sqlite *c);
/* Has the log emptied once the writer pauses, or does not pause for long. */
void oxy__worker_checkpoint(oxy__sqlite *c);
/* Interrupts the worker if it still works on the request that `stop` names. */
void oxy__worker_interrupt(oxy__sqlite *c, uint64_t stop);

/* --- sqlite_error.c ------------------------------------------------------------------ */
/* What the handle's last error means. Returns the code. */
oxy_rc oxy__sqlite_error(const oxy__sqlite *c, oxy_err *err);
oxy_rc oxy__sqlite_classify(int extended, const char *message);

/* --- sqlite_func*.c ---------------------------------------------------------------- */
int oxy__func_register(oxy__sqlite *c);
int oxy__func_register_text(oxy__sqlite *c);
int oxy__func_register_number(oxy__sqlite *c);
int oxy__func_register_date(oxy__sqlite *c);
int oxy__func_register_json(oxy__sqlite *c);
int oxy__func_register_decimal(oxy__sqlite *c);
#define OXY__FUNC_FLAGS (SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)

typedef struct oxy__func {
    const char *name;
    int n_args;
    void (*call)(sqlite3_context *ctx, int n, sqlite3_value **args);
    void (*step)(sqlite3_context *ctx, int n, sqlite3_value **args);
    void (*final)(sqlite3_context *ctx);
} oxy__func;

/* Registers n functions whose user data is the connection. */
int oxy__func_add(oxy__sqlite *c, const oxy__func *functions, size_t n);
/* Fails the SQL function with a code of ours; the message stays with the connection. */
void oxy__func_fail(sqlite3_context *ctx, oxy_rc rc, const char *message);

/* sqlite_func_decimal.c, for numbers that are not integers */
void oxy__func_decimal_round(sqlite3_context *ctx, int n, sqlite3_value **args);
void oxy__func_decimal_whole(sqlite3_context *ctx, sqlite3_value *value, bool up);
/* OXY_DATA, with *out left alone: there is nothing to round; OXY_NOMEM. */
oxy_rc oxy__func_round_double(sqlite3_context *ctx, double number, int64_t places, double *out);

#endif
