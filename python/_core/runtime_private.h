/* SPDX-License-Identifier: MIT */
/* What the files of the runtime share: hubs and loops, stores, leases,
 * operations, sessions. No other file includes this, but for module.c.
 *
 * Who owns what:
 *   runtime  one per module state; the lock, the list of hubs, the gates
 *   hub      one per event loop; a descriptor and the list of waits that are
 *            over. Outlives its loop while a worker may still report to it
 *   store    one per opened Database: driver, pool, gate
 *   lease    one connection out of the pool; held by an operation or a
 *            session, or by nobody while it is opened, cancelled or cleaned
 *
 * The lock is held for moments and never while Python may run. With it held,
 * nothing is allocated or released on the Python side. */
#ifndef OXYPY_RUNTIME_PRIVATE_H
#define OXYPY_RUNTIME_PRIVATE_H

#include "runtime.h"

#include <pthread.h>

typedef struct oxypy_runtime oxypy_runtime;
typedef struct oxypy_hub oxypy_hub;
typedef struct oxypy_wait oxypy_wait;
typedef struct oxypy_loop oxypy_loop;
typedef struct oxypy_store oxypy_store;
typedef struct oxypy_lease oxypy_lease;
typedef struct oxypy_operation oxypy_operation;
typedef struct oxypy_session oxypy_session;
typedef struct oxypy_database oxypy_database;

/* --- runtime.c: lock, hubs, waits ------------------------------------------------ */

/* Something that a loop will be told about. Embedded in its owner, which stays
 * alive while the wait is armed. */
struct oxypy_wait {
    oxypy_wait *prev, *next;                       /* in the hub's list, guarded by the lock */
    oxypy_hub *hub;                                /* counted while armed */
    void (*fire)(oxypy_wait *w, oxypy_loop *loop); /* on the loop's thread, with the GIL */
    bool armed;                                    /* will be fired, or lies in the list */
    bool listed;                                   /* lies in the list */
};

struct oxypy_hub {
    size_t refs; /* guarded by the lock, as everything here */
    oxypy_runtime *runtime;
    oxypy_hub *prev, *next; /* all hubs of the runtime */
    oxypy_hub *heir;        /* who takes over when the loop is gone; counted */
    oxypy_wait *first, *last;
    PyObject *loop_ref; /* weak reference to the event loop; the GIL guards it */
    int fd_read, fd_write;
    bool dead;
};

typedef struct oxypy_gate_entry {
    struct oxypy_gate_entry *next;
    oxy_gate *gate;
    size_t users;
    char key[]; /* NUL-terminated */
} oxypy_gate_entry;

struct oxypy_runtime {
    pthread_mutex_t lock;
    size_t refs; /* by the module and by each hub and store */
    oxypy_hub *hubs;
    oxypy_store *stores;
    oxypy_gate_entry *gates;
    oxypy_lease *spare; /* leases kept for the next use */
    uint32_t n_spare;
    PyObject *loops;    /* WeakKeyDictionary: event loop -> LoopState */
    oxypy_loop *last;   /* the loop looked up last; counted */
    PyObject *observer; /* callable, or NULL: nobody watches */
    PyObject *pool_log; /* logging.getLogger("oxyde.pool"), or NULL until needed */
    PyInterpreterState *interpreter;
    bool warned_exit;
};

oxypy_runtime *oxypy_runtime_new(void); /* NULL with an exception */
void oxypy_runtime_unref(oxypy_runtime *rt);
int oxypy_runtime_traverse(oxypy_runtime *rt, visitproc visit, void *arg);
void oxypy_runtime_clear(oxypy_runtime *rt);

static inline void oxypy_lock(oxypy_runtime *rt)
{
    (void)pthread_mutex_lock(&rt->lock);
}

static inline void oxypy_unlock(oxypy_runtime *rt)
{
    (void)pthread_mutex_unlock(&rt->lock);
}

int oxypy_need_asyncio(oxypy_state *st);

/* New with one reference, or NULL with an exception. */
oxypy_hub *oxypy_hub_new(oxypy_runtime *rt, PyObject *loop);
void oxypy_hub_unref(oxypy_hub *hub);
/* The loop is gone: what is under way reports to heir (NULL: to whoever asks next). */
void oxypy_hub_kill(oxypy_hub *hub, oxypy_hub *heir);
/* Takes over from hubs whose loops were closed without telling. */
void oxypy_hub_inherit(oxypy_state *st, oxypy_hub *heir);
/* Some hub whose loop lives, counted, or NULL. */
oxypy_hub *oxypy_hub_any(oxypy_runtime *rt);
/* Takes the signal back, before draining. */
void oxypy_hub_quiet(oxypy_hub *hub);
/* Fires what is over, on the loop's thread; hub is the loop's own. */
void oxypy_hub_drain(oxypy_hub *hub, oxypy_loop *loop);

/* The wait will come; hub is counted. */
void oxypy_wait_arm(oxypy_wait *w, oxypy_hub *hub);
/* Nobody cares any more; not for waits that a worker holds. Idempotent. */
void oxypy_wait_disarm(oxypy_wait *w);
/* With the lock held: the wait is over, its loop learns of it. A wait of `here`
 * (or NULL) is listed without a signal: the caller drains that hub itself. */
void oxypy_wait_ready_locked(oxypy_wait *w, const oxypy_hub *here);

/* After a fork, in the child. */
void oxypy_runtime_after_fork(oxypy_runtime *rt);

/* --- loop.c ------------------------------------------------------------------------ */

/* One per event loop; used by the loop's own thread. */
struct oxypy_loop {
    PyObject ob_base;
    oxypy_state *st;
    oxypy_hub *hub;
    PyObject *module; /* keeps st alive */
    bool reading;     /* add_reader was called */
    bool marked;      /* a marker waits in the loop's queue; see oxypy_loop_spent */
    oxy_ns marked_at;
    oxy_ns spent;    /* inline work since the last marker */
    oxy_ns timer_at; /* when the pools are looked at next */
};

/* The running loop's state, new reference; NULL with InterfaceError when no
 * asyncio loop runs. */
oxypy_loop *oxypy_loop_get(oxypy_state *st);
/* The same without an exception: NULL when there is none. */
oxypy_loop *oxypy_loop_find(oxypy_state *st);
/* The event loop, new reference, or NULL without an exception. */
PyObject *oxypy_loop_object(oxypy_loop *loop);
/* Listens for the hub's descriptor from now on. 0 / -1. */
int oxypy_loop_listen(oxypy_loop *loop);
/* A future of the loop, made ready to be yielded. */
PyObject *oxypy_loop_future(oxypy_loop *loop);
/* Makes sure that the pools are looked at no later than at. 0 / -1. */
int oxypy_loop_wake_at(oxypy_loop *loop, oxy_ns at);
/* Whether the loop should get a turn before more is done inline. */
bool oxypy_loop_is_due(const oxypy_loop *loop, oxy_ns now);
/* Counts inline work; now and then asks the loop to tell when it turned. */
void oxypy_loop_spent(oxypy_loop *loop, oxy_ns began, oxy_ns now);
/* The running task (borrowed by nobody: new reference), or None. NULL with an exception. */
PyObject *oxypy_loop_task(oxypy_state *st, oxypy_loop *loop);

/* --- store.c, store_stats.c ----------------------------------------------------------------------- */

typedef enum oxypy_reset { OXYPY_RESET_OFF, OXYPY_RESET_AUTO, OXYPY_RESET_FULL } oxypy_reset;

typedef struct oxypy_store_config {
    const oxy_driver *driver;
    const oxy_dialect *dialect;
    oxy_setting *settings; /* text lives in the same block */
    uint32_t n_settings;
    oxy_pool_config pool;
    oxy_ns acquire_timeout, statement_timeout, connect_timeout;
    uint32_t statement_cache;
    oxypy_reset reset;
    bool memory; /* the data live as long as the connection */
    char *gate;  /* or NULL */
} oxypy_store_config;

struct oxypy_store {
    size_t refs; /* guarded by the lock */
    oxypy_runtime *runtime;
    oxypy_store *prev, *next;
    oxypy_state *st;
    oxy_pool *pool;
    const oxy_driver *driver;
    const oxy_dialect *dialect;
    oxypy_store_config config; /* settings are the store's own copy */
    oxypy_gate_entry *gate;
    PyObject *alias;  /* str */
    PyObject *module; /* keeps st alive */
    uint32_t opening; /* connections on the way */
    bool foreign;     /* made before a fork: hands off */
    bool closing, drained;
    uint64_t transactions;
    oxypy_wait *on_change; /* _open and _close wait here */
    void *regexp;
};

/* Deep copies of config and alias. NULL with an exception. */
oxypy_store *oxypy_store_new(oxypy_state *st, const oxypy_store_config *config, PyObject *alias);
void oxypy_store_ref(oxypy_store *store);
void oxypy_store_unref(oxypy_store *store); /* with the GIL, without the lock */
int oxypy_store_config_copy(oxypy_store_config *to, const oxypy_store_config *from);
void oxypy_store_config_fini(oxypy_store_config *config);
/* Carries out what the pool, and pools behind the same gate, want done. */
void oxypy_store_act(oxypy_store *store, oxypy_loop *loop);
/* No new users; idle connections are closed. */
void oxypy_store_close(oxypy_store *store, oxypy_loop *loop);
/* Stops everyone who still holds a connection: statements are cancelled,
 * sessions lose theirs. */
void oxypy_store_evict(oxypy_store *store, oxypy_loop *loop);
/* Cancels what workers do for a loop that is gone. */
void oxypy_store_cancel_for(oxypy_runtime *rt, const oxypy_hub *hub);
/* The store after `after` (NULL: the first), counted. */
oxypy_store *oxypy_store_next(oxypy_runtime *rt, const oxypy_store *after);
/* Leases in use, longest first; valid while the GIL is kept and no Python code
 * runs. The caller frees the list. */
typedef struct oxypy_holders {
    oxypy_lease **list;
    size_t n, cap;
} oxypy_holders;

oxypy_holders oxypy_store_holders(oxypy_store *store);
PyObject *oxypy_store_stats(oxypy_store *store);
/* Raises PoolTimeoutError. */
void oxypy_store_raise_timeout(oxypy_store *store, PyObject *database);
/* Closes a connection that nobody uses; a worker that has it is interrupted. */
void oxypy_store_close_conn(oxypy_store *store, oxy_conn *conn);
/* A warning on the logger oxyde.pool; keeps the current exception. Consumes
 * message, which may be NULL. */
void oxypy_log_pool(oxypy_state *st, const char *level, PyObject *message);

/* --- lease.c ------------------------------------------------------------------------- */

struct oxypy_lease {
    oxypy_wait wait;    /* a worker's report */
    oxypy_store *store; /* counted */
    oxy_slot *slot;
    oxy_conn *conn;
    oxypy_operation *op;    /* runs on it and awaits the wait; borrowed */
    oxypy_session *session; /* holds it; borrowed */
    PyObject *keep;         /* the operation whose memory a worker uses */
    PyObject *task;         /* weak reference to who holds it, or NULL; owned */
    PyObject *sql;          /* what runs, or NULL; owned */
    oxy_ns since;
    bool opening; /* its connection is being made */
    bool working; /* a worker has the connection */
    bool rolling_back;
    bool discard;      /* close it when it is clean */
    bool raw;          /* free text ran since it was taken */
    bool guarded;      /* the statement runs in a transaction that must not end with it */
    oxypy_lease *next; /* in the list of spare ones */
};

/* NULL with MemoryError. The pool has granted slot. */
oxypy_lease *oxypy_lease_new(oxypy_store *store, oxy_slot *slot);
/* Starts opening a connection for slot. Failures go to the pool. */
void oxypy_lease_open(oxypy_store *store, oxy_slot *slot, oxy_want role, oxypy_loop *loop);
/* Sends the connection to its worker, which reports to loop (NULL: to any
 * living one). keep lives until then. 0, or -1 without an exception. */
int oxypy_lease_offload(oxypy_lease *lease, oxypy_loop *loop, PyObject *keep);
/* Gives the lease back to the memory it came from; its slot is settled. */
void oxypy_lease_free(oxypy_lease *lease);
/* Takes the lease away from its holder: stops what runs, rolls back, resets,
 * and returns the connection or closes it. Consumes the lease. Never raises.
 * loop may be NULL: then a connection that would have to wait is closed. */
void oxypy_lease_release(oxypy_lease *lease, oxypy_loop *loop, bool reuse);
oxy_conn_status oxypy_lease_status(const oxypy_lease *lease);
void oxypy_lease_set_holder(oxypy_lease *lease, PyObject *task, PyObject *sql);

/* --- operation.c, make.c, execute.c ------------------------------------------------------------ */

typedef enum oxypy_next {
    OXYPY_NEXT_ERROR = -1, /* with an exception */
    OXYPY_NEXT_RETURN,     /* *result is the value */
    OXYPY_NEXT_WAIT,       /* op->future resolves when there is more to do */
    OXYPY_NEXT_YIELD,      /* let the loop turn once */
    OXYPY_NEXT_DELEGATE    /* op->delegate runs first */
} oxypy_next;

/* What an awaitable does. One table per kind; no slot is NULL. */
typedef struct oxypy_op_kind {
    const char *name;
    /* Moves on as far as possible. Called first and whenever the wait is over. */
    oxypy_next (*advance)(oxypy_operation *op, PyObject **result);
    /* The awaiting task gives up (cancelled, closed, dropped), or advance
     * failed: lets go of everything. Runs with an exception set or not, and
     * keeps it. */
    void (*abandon)(oxypy_operation *op);
} oxypy_op_kind;

struct oxypy_operation {
    PyObject ob_base;
    oxypy_state *st;
    const oxypy_op_kind *kind;
    /* what was asked for */
    PyObject *subject, *arg, *returning, *into;
    PyObject *using_, *client;
    PyObject *sql, *params; /* free text */
    int64_t limit;
    double timeout; /* of _close and _acquire */
    oxy_want want;  /* of _acquire */
    /* where it runs */
    uint32_t n_values;        /* of values, below */
    oxypy_loop *loop;         /* owned, once started */
    oxypy_database *database; /* owned */
    oxypy_session *session;   /* owned */
    oxypy_store *store;       /* counted */
    oxypy_lease *lease;       /* owned, unless it is the session's */
    /* what it waits for */
    PyObject *future;   /* yielded and not resolved, or NULL */
    PyObject *timer;    /* TimerHandle of _close, or NULL */
    PyObject *delegate; /* coroutine under way, or NULL */
    oxypy_wait wait;    /* for the pool or the session */
    oxy_waiter *waiter;
    oxy_slot *slot;                           /* granted and not made a lease yet */
    oxy_err *error;                           /* owned; only after a wait that failed */
    oxypy_operation *queue_prev, *queue_next; /* in the session */
    oxy_ns began, deadline;
    /* the statement */
    oxypy_prepared prepared;
    oxy_arena scratch; /* of free text */
    PyObject *keep;
    oxy_value *values;
    PyObject *rows; /* collected so far: list or single object */
    int64_t n_rows;
    oxy_rc failed; /* the pool's answer; see error */
    /* flags, together for the sake of size */
    uint8_t what, sink, stage;
    bool write, script;
    bool plain; /* a session's own statement: passes its block */
    bool started, finished, running;
    bool timed_out, queued, in_queue; /* in_queue: the session's */
    bool was_in_transaction, restarted;
    bool has_prepared, has_scratch;
};

/* A new operation of a kind; the rest is NULL. */
oxypy_operation *oxypy_operation_new(oxypy_state *st, const oxypy_op_kind *kind);
/* Makes the future that the operation yields next; armed: arms op->wait too. 0 / -1. */
int oxypy_operation_wait(oxypy_operation *op, bool armed);
/* Resolves the future, if anybody still waits. On the loop's thread; on that of
 * an heir, whose loop is not the operation's, it lets go of everything. */
void oxypy_operation_wake(oxypy_operation *op, oxypy_loop *loop);
/* Asks the pool of op->store. RETURN: op->slot is granted; WAIT: call
 * oxypy_operation_granted after it; ERROR. */
oxypy_next oxypy_operation_acquire(oxypy_operation *op, oxy_want want, oxy_ns deadline);
/* After the wait: 0 granted, -1 with the exception. */
int oxypy_operation_granted(oxypy_operation *op);
/* Leaves the pool's queue, or gives back what it granted meanwhile. */
void oxypy_operation_unqueue(oxypy_operation *op);
/* Makes op->store and op->database those of an open database. */
void oxypy_operation_use(oxypy_operation *op, oxypy_database *db);
extern const oxypy_op_kind oxypy_op_statement; /* execute.c */

/* make.c: adds operation() and raw_operation(). */
int oxypy_make_init(PyObject *module);

/* resolve.c: which database or session the operation runs on. 0: known;
 * 1: op->delegate connects first, then ask again; -1. */
int oxypy_operation_resolve(oxypy_operation *op);

/* sink.c: what becomes of the rows. */
int oxypy_sink_row(oxypy_operation *op, const oxypy_rowview *row);  /* 0 / -1 */
PyObject *oxypy_sink_result(oxypy_operation *op, int64_t affected); /* new reference or NULL */
PyObject *oxypy_sink_empty(oxypy_operation *op);                    /* none(): nothing was sent */
/* The first words of free text decide where it may run. */
bool oxypy_text_is_read(const char *sql, size_t len);
bool oxypy_text_is_blank(const char *sql, size_t len);
/* Tells the observer of a statement that is over; keeps the current exception. */
void oxypy_observe(oxypy_operation *op);

/* --- database.c, connect.c, settings.c, session.c --------------------------------------------------------------- */

struct oxypy_database {
    PyObject ob_base;
    oxypy_store_config config;
    bool configured;
    oxypy_store *store; /* NULL unless open */
    PyObject *alias;    /* str or NULL */
    PyObject *sessions; /* dict task -> Session, NULL while empty */
    bool lost_memory;   /* an in-memory database that stayed in the parent process */
};

/* connect.c: what _open(), _close() and _acquire() give. */
extern const oxypy_op_kind oxypy_op_open, oxypy_op_close, oxypy_op_acquire;
/* settings.c: reads the arguments of _configure(). items: list of (name, value);
 * the result borrows its text from them, and its settings are freed with free(),
 * also after a failure. 0 / -1. */
int oxypy_settings_read(const char *backend, PyObject *items, PyObject *pool, PyObject *gate,
                        oxypy_store_config *config);
/* process.c: what a fork and the end of the process call. */
int oxypy_process_init(PyObject *module);
/* ResourceWarning; source may be NULL. */
void oxypy_database_warn_unclosed(PyObject *source, PyObject *alias);

/* Whether statements can be run now. */
bool oxypy_database_is_open(const oxypy_database *db);
/* The open transaction of a task (borrowed), or NULL; -1 in *failed with an exception. */
oxypy_session *oxypy_database_session(oxypy_database *db, PyObject *task, bool *failed);

struct oxypy_session {
    PyObject ob_base;
    oxypy_database *database;      /* owned, NULL while nothing is held */
    oxypy_lease *lease;            /* owned, NULL unless held */
    PyObject *blocked;             /* exception to raise, or NULL */
    oxypy_operation *running;      /* borrowed */
    oxypy_operation *first, *last; /* waiting for their turn; borrowed */
    oxy_ns deadline;
    oxy_ns ended; /* when the last statement ended */
    bool aborted; /* the database ended the transaction on its own */
    bool busy;    /* a statement runs, possibly one whose task has gone */
    bool overdue; /* its deadline was reported */
};

/* A held session over a lease that the caller gives away. */
PyObject *oxypy_session_new(oxypy_state *st, oxypy_database *db, oxypy_lease *lease);
/* RETURN: op may run now; WAIT: it has joined the queue, ask again after; ERROR. */
oxypy_next oxypy_session_enter(oxypy_session *s, oxypy_operation *op);
/* op is over, or leaves the queue. */
void oxypy_session_leave(oxypy_session *s, oxypy_operation *op);
/* The worker reported and the operation had gone. */
void oxypy_session_settled(oxypy_session *s);
/* Loses its connection (closing pool); later statements raise error (may be NULL). */
void oxypy_session_evict(oxypy_session *s, oxypy_loop *loop, PyObject *error);
/* The deadline passed: raises TransactionTimeoutError, naming the owner's id. */
void oxypy_session_raise_deadline(oxypy_state *st, oxypy_session *s);

/* --- regexp.c ------------------------------------------------------------------------------ */

/* Context for the driver's regexp callback; outlives the connections. */
void *oxypy_regexp_new(oxypy_state *st); /* NULL with MemoryError */
void oxypy_regexp_free(void *ctx);       /* with the GIL */
int oxypy_regexp_search(void *ctx, oxy_sv pattern, oxy_sv text, bool fold, oxy_err *err);

/* What a weak reference points to, new reference; NULL without an exception. */
static inline PyObject *oxypy_weak_get(PyObject *ref)
{
#if PY_VERSION_HEX >= 0x030d0000
    PyObject *object = NULL;

    (void)PyWeakref_GetRef(ref, &object);
    return object;
#else
    PyObject *object = PyWeakref_GetObject(ref);

    return object == NULL || object == Py_None ? NULL : Py_NewRef(object);
#endif
}

/* Whether the interpreter is ending: no new waits, no callbacks. */
static inline bool oxypy_is_finalizing(void)
{
#if PY_VERSION_HEX >= 0x030d0000
    return Py_IsFinalizing() != 0;
#else
    return _Py_IsFinalizing() != 0;
#endif
}

#endif
