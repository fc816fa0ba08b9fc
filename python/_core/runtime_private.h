/* SPDX-License-Identifier: MIT */
/* What the files of the runtime share: hubs and loops, stores, leases,
 * operations, sessions. No other file includes this, but for module.c.
 *
 * Who owns what:
 *   runtime  one per module state; the lock, the list of hubs, the gates
 *   hub      one per event loop; a descriptor and the list of waits that are
 *            over. Outlives its loop while a worker may still report to it
 *   store    one per opened Database: driver, pool, gate
 *   wire     one connection, in use or idle; what a pool's slot holds
 *   lease    one use of a wire; held by an operation or a session, or by
 *            nobody while it is opened, cancelled or cleaned
 *
 * The lock is held for moments and never while Python may run. With it held,
 * nothing is allocated or released on the Python side. */
#ifndef OXYPY_RUNTIME_PRIVATE_H
#define OXYPY_RUNTIME_PRIVATE_H

#include "collector.h"
#include "runtime.h"
#include "sight.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct oxypy_runtime oxypy_runtime;
typedef struct oxypy_hub oxypy_hub;
typedef struct oxypy_wait oxypy_wait;
typedef struct oxypy_loop oxypy_loop;
typedef struct oxypy_wakeup oxypy_wakeup;
typedef struct oxypy_store oxypy_store;
typedef struct oxypy_wire oxypy_wire;
typedef struct oxypy_lease oxypy_lease;
typedef struct oxypy_operation oxypy_operation;
typedef struct oxypy_session oxypy_session;
typedef struct oxypy_database oxypy_database;
typedef struct oxypy_spool oxypy_spool;

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
    /* Closed when the loop is gone: -1. */
    int fd_read, fd_write;    /* the signal */
    int fd_poll;              /* readable when the signal or a socket is; what the loop watches */
    oxy_ns wanted_at;         /* when the loop shall look at deadlines; set from elsewhere */
    size_t n_behind;          /* operations of the loop that wait for what others have; see behind */
    oxypy_operation *granted; /* those that were given a slot and have not come to use it */
    bool dead;
};

typedef struct oxypy_gate_entry {
    struct oxypy_gate_entry *next;
    oxy_gate *gate;
    size_t users;
    char key[]; /* NUL-terminated */
} oxypy_gate_entry;

/* Where events find wires: by number and generation, so that an event for a
 * wire that was closed a moment ago finds nothing. */
typedef struct oxypy_wire_entry {
    oxypy_wire *wire; /* NULL: free */
    uint32_t generation;
} oxypy_wire_entry;

struct oxypy_runtime {
    pthread_mutex_t lock;
    size_t refs; /* by the module and by each hub and store */
    oxypy_hub *hubs;
    oxypy_store *stores;
    oxypy_wire_entry *wires;
    uint32_t n_wires, cap_wires;
    oxypy_gate_entry *gates;
    oxy_errands *errands; /* threads for what blocks in client libraries; NULL until needed */
    oxypy_lease *spare;   /* leases kept for the next use */
    uint32_t n_spare;
    PyObject *loops;    /* WeakKeyDictionary: event loop -> LoopState */
    oxypy_loop *last;   /* the loop looked up last; counted */
    PyTypeObject *mark; /* of the objects that loop.c knows how to read; NULL: none yet, or there are none */
    PyObject *observer; /* callable, or NULL: nobody watches */
    PyObject *router;   /* callable(model, write) -> alias or None, or NULL */
    PyObject *pool_log; /* logging.getLogger("oxyde.pool"), or NULL until needed */
    PyInterpreterState *interpreter;
    uint64_t cursors; /* so far; guarded by the GIL */
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

/* Made on first use; NULL when memory is out. */
oxy_errands *oxypy_runtime_errands(oxypy_runtime *rt);

int oxypy_need_asyncio(oxypy_state *st);

/* New with one reference, or NULL with an exception. */
oxypy_hub *oxypy_hub_new(oxypy_runtime *rt, PyObject *loop);
void oxypy_hub_unref(oxypy_hub *hub);
/* The loop is gone: what is under way reports to heir (NULL: to whoever asks next). Whether
 * heir inherits by this call. */
bool oxypy_hub_kill(oxypy_hub *hub, oxypy_hub *heir);
/* While an operation waits for what another loop may have, its own looks this often
 * whether that one was closed, which nobody tells. */
#define OXYPY_LOOK_EVERY (50 * OXY_NS_PER_MS)
/* Takes over from hubs whose loops were closed without telling. True: there are other
 * loops that live. */
bool oxypy_hub_inherit(oxypy_state *st, oxypy_loop *heir);
/* Some hub whose loop lives, counted, or NULL. */
oxypy_hub *oxypy_hub_any(oxypy_runtime *rt);
/* What the descriptor has to say: takes the signal back, moves connections on. */
void oxypy_hub_listen(oxypy_hub *hub, oxypy_loop *loop);
/* Fires what is over, on the loop's thread; hub is the loop's own. */
void oxypy_hub_drain(oxypy_hub *hub, oxypy_loop *loop);
/* From any thread: the hub's loop looks at deadlines no later than at. */
void oxypy_hub_wake_at(oxypy_hub *hub, oxy_ns at);

/* The wait will come; hub is counted. */
void oxypy_wait_arm(oxypy_wait *w, oxypy_hub *hub);
/* The same with the lock held. */
void oxypy_wait_arm_locked(oxypy_wait *w, oxypy_hub *hub);
/* Nobody cares any more; not for waits that a worker holds. Idempotent. */
void oxypy_wait_disarm(oxypy_wait *w);
/* With the lock held: the wait is over, its loop learns of it. A wait of `here`
 * (or NULL) is listed without a signal: the caller drains that hub itself. */
void oxypy_wait_ready_locked(oxypy_wait *w, const oxypy_hub *here);

/* After a fork, in the child. */
void oxypy_runtime_after_fork(oxypy_runtime *rt);

/* --- hub_poll.c: many sockets behind one descriptor -------------------------------- */

/* Name of the signal among the ids that oxypy_poll_take gives. */
#define OXYPY_POLL_SIGNAL UINT64_C(0)

/* -1 with errno. */
int oxypy_poll_new(int signal_fd);
void oxypy_poll_close(int poll);
/* Reports fd as id while it is readable, and if writing also while it is
 * writable. Replaces what was said of fd before. 0, or -1 with errno. */
int oxypy_poll_watch(int poll, int fd, uint64_t id, bool writing);
void oxypy_poll_forget(int poll, int fd);
/* Ids of what is ready now, at most cap of them; never waits. */
int oxypy_poll_take(int poll, uint64_t *ids, int cap);

/* --- loop.c ------------------------------------------------------------------------ */

/* Timers of one loop that are remembered. A forgotten one fires for nothing. */
#define OXYPY_TIMERS 8

/* One per event loop; used by the loop's own thread. */
struct oxypy_loop {
    PyObject ob_base;
    oxypy_state *st;
    oxypy_hub *hub;
    PyObject *module; /* keeps st alive */
    bool reading;     /* add_reader was called */
    bool marked;      /* a marker waits in the loop's queue; see oxypy_loop_spent */
    oxy_ns marked_at;
    oxy_ns spent;                /* inline work since the last marker */
    oxy_ns timer_at;             /* when the pools are looked at next: the first of timers */
    oxy_ns timers[OXYPY_TIMERS]; /* what call_later was asked for and has not fired */
    uint32_t n_timers;
    /* Wakeups that were resolved since the loop told us what is ready. */
    oxypy_wakeup *resumes, *last_resume;
    int draining; /* inside that callback */
    /* What gather() was given since the last turn; owned. */
    oxypy_operation *gathered, *last_gathered;
    oxypy_sight sight;                   /* what the loop shows of what else waits on it */
    oxy_ns crowded_until;                /* another thread wants the GIL: calls do not sleep; near_answer.c */
    oxypy_operation *waiting;            /* gathered ones that wait for a server; owned */
    oxypy_operation *woken, *last_woken; /* those that can go on; owned */
    bool begin_called;                   /* _begin waits in the loop's queue */
    bool beginning;                      /* gathered operations begin, which may travel together */
    oxypy_store *burst_store;            /* whose connections keep locks until this turn ends; owned; burst.c */
    oxy_ns burst_ended;                  /* the last statement on SQLite */
    uint32_t burst_length;               /* statements that followed one another at once */
    uint32_t burst_began;                /* how many came before anything was kept */
    bool burst_asked;                    /* the loop was asked to tell of its turn for it */
    uint32_t burst_vain;                 /* bursts in a row that were over too soon, as far as it matters */
    uint64_t held;                       /* id of the wire that reads are held on; 0: none; together.c */
    uint32_t n_held;                     /* reads that have not been sent */
};

/* The running loop's state, new reference; NULL with InterfaceError when no
 * asyncio loop runs. */
oxypy_loop *oxypy_loop_get(oxypy_state *st);
/* The same without an exception: NULL when there is none. */
oxypy_loop *oxypy_loop_find(oxypy_state *st);
/* Whether the calling thread runs it. Unlike the two above this makes no state, which may end what loops
 * that are closed have left. */
bool oxypy_loop_runs_here(const oxypy_loop *loop);
/* The event loop, new reference, or NULL without an exception. */
PyObject *oxypy_loop_object(oxypy_loop *loop);
/* The loop, or NULL when it was closed. loop may be NULL. */
oxypy_loop *oxypy_loop_if_open(oxypy_loop *loop);
/* The event loop was closed: what waits on it ends, and nothing is kept for it any
 * more. Keeps the exception. */
void oxypy_loop_forget(oxypy_state *st, PyObject *object);
/* Listens for the hub's descriptor from now on. 0 / -1. */
int oxypy_loop_listen(oxypy_loop *loop);
/* Makes sure that the pools are looked at no later than at. 0 / -1. */
int oxypy_loop_wake_at(oxypy_loop *loop, oxy_ns at);
/* Whether the loop should get a turn before more is done inline. */
bool oxypy_loop_is_due(const oxypy_loop *loop, oxy_ns now);
/* Counts inline work; now and then asks the loop to tell when it turned. */
void oxypy_loop_spent(oxypy_loop *loop, oxy_ns began, oxy_ns now);
/* Asks the loop to tell when it turns. Keeps the exception; false: it does not. */
bool oxypy_loop_mark(oxypy_loop *loop, oxy_ns now);
/* The running task (borrowed by nobody: new reference), or None. NULL with an exception. */
PyObject *oxypy_loop_task(oxypy_state *st, oxypy_loop *loop);

/* --- burst.c ------------------------------------------------------------------------- */

/* A statement ran on SQLite in this thread. Runs Python code. */
void oxypy_burst_note(oxypy_loop *loop, oxypy_store *store, oxy_ns began, oxy_ns ended);
/* Whether others came before it in this turn, and its end is known to be heard of. */
bool oxypy_burst_goes_on(const oxypy_loop *loop, const oxypy_store *store);
/* The loop turns: what was kept is given back. */
void oxypy_burst_end(oxypy_loop *loop);

/* --- wakeup.c ------------------------------------------------------------------------ */

/* A future of the loop without a value; NULL with an exception. */
oxypy_wakeup *oxypy_wakeup_new(oxypy_loop *loop);
/* It is what the task is given next. */
void oxypy_wakeup_yield(oxypy_wakeup *w);
/* The task goes on: at the end of the loop's callback that runs now, or on its
 * next turn. Nothing happens if it is over. Never raises. */
void oxypy_wakeup_resolve(oxypy_wakeup *w);
/* At the end of the callback. 0, or -1 with an exception that ends the loop. */
int oxypy_wakeup_resume(oxypy_loop *loop);
/* Whether a task runs now, so that this callback was called from inside it. */
bool oxypy_loop_runs_task(oxypy_loop *loop);

/* --- wire.c -------------------------------------------------------------------------- */

#define OXYPY_PLACE_UNKNOWN 0
#define OXYPY_PLACE_HERE 1 /* this machine */
#define OXYPY_PLACE_ELSEWHERE 2

struct oxypy_wire {
    uint64_t id; /* what events call it */
    oxy_conn *conn;
    oxypy_store *store; /* borrowed: a store outlives its connections */
    oxy_slot *slot;     /* NULL: the pool has forgotten it */
    oxypy_hub *hub;     /* whose loop hears of the socket; counted; NULL: none */
    /* Who has it, in the order of their requests; none: it is idle in the pool. */
    oxypy_lease *first, *last;
    oxy_ns rested;  /* idle since */
    int fd;         /* as the hub knows it; -1: not watched */
    bool writing;   /* watched for writing, too */
    bool unsettled; /* being opened: the driver may change the descriptor */
    /* Answers in a row that did not come while they were looked for, or while the
     * call slept, and how often that was left out since; near_answer.c. */
    uint8_t late, skipped;
    uint8_t slow, passed;
    uint8_t place;     /* of the server: OXYPY_PLACE_*; near_answer.c */
    oxy_ns flight_at;  /* when the reads that travel together were sent */
    uint32_t n_flight; /* how many; 0: they were answered */
};

/* NULL when memory is out. */
oxypy_wire *oxypy_wire_new(oxypy_store *store, oxy_slot *slot);
/* Has the hub told when the driver can go on after step (WANT_READ or
 * WANT_WRITE). False: the system refuses. */
bool oxypy_wire_watch(oxypy_wire *wire, oxypy_hub *hub, oxy_step step);
/* No more events, until it is watched again. */
void oxypy_wire_unwatch(oxypy_wire *wire);
/* Closes the connection, if it is open; a worker that has it is interrupted. */
void oxypy_wire_cut(oxypy_wire *wire);
/* The same, and frees the wire. */
void oxypy_wire_close(oxypy_wire *wire);
/* Idle connections whose end a gone loop's hub would have heard of tell the heir. */
void oxypy_wire_orphan(oxypy_runtime *rt, const oxypy_hub *hub, const oxypy_loop *heir);
typedef enum oxypy_near {
    OXYPY_NEAR_LATE, /* wait for *step at the socket */
    OXYPY_NEAR_HERE, /* go on stepping */
    OXYPY_NEAR_GONE, /* while the call slept another thread has taken or closed the connection */
} oxypy_near;

/* After a step that wants to read: waits for the answer inside of the call, for a
 * moment that the store's near_budget bounds, if nothing else waits on the loop.
 * Other threads may run meanwhile. rows_since: when the statement was sent of which
 * some rows have come; OXY_NS_NEVER: none has. */
oxypy_near oxypy_near_answer(oxypy_operation *op, oxy_ns rows_since, oxy_step *step);
/* The same for reads that were sent together on the wire of that id, in a callback of
 * the loop. True: some of them can go on. */
bool oxypy_near_flight(oxypy_loop *loop, uint64_t id);
/* Something happened at a socket of the loop's hub. */
void oxypy_wire_event(oxypy_runtime *rt, uint64_t id, oxypy_loop *loop);
/* The wire of that id, or NULL. */
oxypy_wire *oxypy_wire_find(oxypy_runtime *rt, uint64_t id);
/* It becomes idle: its end is heard of. loop may be NULL. */
void oxypy_wire_rest(oxypy_wire *wire, const oxypy_loop *loop, oxy_ns now);
/* An idle connection that rested no longer than this is taken as it is: had the
 * server closed it, its hub would have heard. */
#define OXYPY_TRUSTED (20 * OXY_NS_PER_MS)
/* Makes an idle connection the loop's. False: the server has closed it. */
bool oxypy_wire_take(oxypy_wire *wire, const oxypy_loop *loop);
/* Whether its requests are answered through a socket. */
static inline bool oxypy_has_socket(const oxy_driver *driver)
{
    return driver->fd != oxy_driver_no_fd;
}

/* --- together.c: gathered reads of one connection -------------------------------------- */

/* A place for op, which has been prepared, beside reads that have not been sent: then
 * its slot. */
bool oxypy_together_join(oxypy_operation *op);
/* Whether op's request may be held for others that begin now. */
bool oxypy_together_may_hold(const oxypy_operation *op);
/* It was started as such. */
void oxypy_together_hold(oxypy_operation *op);
/* Sends what is held: nothing else begins now. The id of the wire that it left by; 0:
 * nothing was held. */
uint64_t oxypy_together_send(oxypy_loop *loop);
/* The first answer of what was sent together is here. */
void oxypy_together_answered(oxypy_wire *wire);

/* --- store.c, store_stats.c ----------------------------------------------------------------------- */

typedef enum oxypy_reset { OXYPY_RESET_OFF, OXYPY_RESET_AUTO, OXYPY_RESET_FULL } oxypy_reset;

typedef struct oxypy_store_config {
    const oxy_driver *driver;
    const oxy_dialect *dialect;
    oxy_setting *settings; /* text lives in the same block */
    uint32_t n_settings;
    oxy_pool_config pool;
    oxy_ns acquire_timeout, statement_timeout, connect_timeout, cancel_timeout;
    oxy_ns near_budget; /* how long an answer is looked for before the loop takes over; 0: not at all */
    uint32_t statement_cache;
    oxypy_reset reset;
    bool memory; /* the data live as long as the connection */
    char *gate;  /* or NULL */
} oxypy_store_config;

struct oxypy_store {
    /* Goes from 1 to 0 with the lock held, and up from what the lock guards: whoever finds
     * the store there finds it alive. */
    atomic_size_t refs;
    oxypy_runtime *runtime;
    oxypy_store *prev, *next;
    oxypy_state *st;
    oxy_pool *pool;
    const oxy_driver *driver;
    const oxy_dialect *dialect; /* settled by the first connection */
    oxy_server server;          /* likewise */
    oxypy_store_config config;  /* settings are the store's own copy */
    oxypy_gate_entry *gate;
    oxy_common *common;               /* what its connections share */
    oxypy_database *owner;            /* borrowed; NULL once its handle has let go */
    PyObject *alias;                  /* str */
    PyObject *init_error;             /* what the user's init raised, if the last connect failed so; or NULL */
    PyObject *module;                 /* keeps st alive */
    oxypy_lease *leases, *last_lease; /* all of them, oldest first; guarded by the lock */
    uint32_t opening;                 /* connections on the way */
    bool foreign;                     /* made before a fork: hands off */
    bool closing, drained;
    bool empty;       /* the pool has no connection any more: drained, when the last one is closed */
    uint32_t leaving; /* connections that are being closed, without the lock; guarded by it */
    uint64_t transactions;
    oxy_ns read_cost;      /* of a read that travels with others, on the average of late; the GIL guards it */
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
/* With the lock held: whether that would do nothing. */
bool oxypy_store_is_quiet(const oxypy_store *store, const oxypy_loop *loop);
/* No new users; idle connections are closed. */
void oxypy_store_close(oxypy_store *store, oxypy_loop *loop);
/* Stops everyone who still holds a connection: statements are cancelled,
 * sessions lose theirs. */
void oxypy_store_evict(oxypy_store *store, oxypy_loop *loop);
/* A loop is gone: what workers do for it is cancelled, connections that it used
 * are discarded, those that nobody holds go on with the heir. */
void oxypy_store_orphan(oxypy_runtime *rt, const oxypy_hub *hub, oxypy_loop *heir);
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
/* {"flavor", "version", "pooler"} */
PyObject *oxypy_server_dict(oxypy_store *store);
/* Raises err, which came of connecting; cause: what the user's init raised, or NULL. */
void oxypy_store_raise_connect(const oxypy_store *store, const oxy_err *err, PyObject *cause);
/* Raises PoolTimeoutError. */
void oxypy_store_raise_timeout(oxypy_store *store, PyObject *database);
/* A warning on the logger oxyde.pool; keeps the current exception. Consumes
 * message, which may be NULL. */
void oxypy_log_pool(oxypy_state *st, const char *level, PyObject *message);

/* --- lease.c ------------------------------------------------------------------------- */

/* What is done with a connection that nobody holds, or on behalf of a session
 * whose statement was given up. */
typedef enum oxypy_chore {
    OXYPY_CHORE_NONE,
    OXYPY_CHORE_OPEN,
    OXYPY_CHORE_PING,
    OXYPY_CHORE_DRAIN,    /* reads the answer to what was cancelled */
    OXYPY_CHORE_RUN,      /* a command of ours on behalf of a session */
    OXYPY_CHORE_SPOOL,    /* reads the rest of a stream, for whoever needs the connection */
    OXYPY_CHORE_ROLLBACK, /* on the way home */
    OXYPY_CHORE_RESET     /* likewise */
} oxypy_chore;

struct oxypy_lease {
    oxypy_wait wait;    /* a worker's report */
    oxypy_store *store; /* counted */
    oxy_slot *slot;
    oxypy_wire *wire;
    oxy_conn *conn;           /* the wire's; NULL: none yet, or closed under the holder */
    oxypy_lease *prev, *next; /* in the store; next also in the list of spare ones */
    oxypy_lease *behind;      /* whose request comes after this one's on the wire */
    oxypy_operation *op;      /* runs on it and awaits the answer; borrowed */
    oxypy_operation *paused;  /* a stream that nobody asks for rows at the moment; borrowed */
    oxypy_session *session;   /* holds it; borrowed */
    PyObject *keep;           /* the operation whose memory a worker or the driver uses */
    PyObject *task;           /* weak reference to who holds it, or NULL; owned */
    PyObject *sql;            /* what runs, or NULL; owned */
    oxy_ns since;
    /* Of a wait at the socket; OXY_NS_NEVER: none. */
    oxy_ns cancel_at;   /* the statement is cancelled */
    oxy_ns deadline;    /* no answer is expected any more: the connection is closed */
    uint32_t behind_it; /* requests of its own flight that come after the one being drained */
    uint8_t chore;      /* oxypy_chore */
    bool working;       /* a worker has the connection, or an errand must end first */
    bool polling;       /* an answer is awaited at the socket */
    bool joined;        /* in the wire's list */
    bool shared;        /* others may be on the wire, too */
    PyObject *init;     /* capsule around the lease, which init's task calls back with, or NULL */
    bool preparing;     /* the user's init has the new connection; the pool waits for it */
    bool canceled;      /* the driver was asked to stop what runs */
    bool discard;       /* close it when it is clean */
    bool raw;           /* free text ran since it was taken */
    bool guarded;       /* the statement runs in a transaction that must not end with it */
    bool stepping;      /* its answer is being read, which may run Python code: who reads it releases it */
};

/* NULL with MemoryError. The pool has granted slot. */
oxypy_lease *oxypy_lease_new(oxypy_store *store, oxy_slot *slot, bool shared, oxy_ns now);
/* Also without a connection: for making one. NULL without an exception. */
oxypy_lease *oxypy_lease_make(oxypy_store *store, oxy_slot *slot, oxy_ns now);
/* Its request comes next on the wire. */
void oxypy_lease_join(oxypy_lease *lease);
/* Its request is over; the one behind it goes on. */
void oxypy_lease_part(oxypy_lease *lease, oxypy_loop *loop);
/* Sends the connection to its worker, which reports to loop (NULL: to any
 * living one). keep lives until then. 0, or -1 without an exception. */
int oxypy_lease_offload(oxypy_lease *lease, oxypy_loop *loop, PyObject *keep);
/* Waits at the socket after step (WANT_READ or WANT_WRITE), no longer than the
 * lease's deadlines say; loop as above. 0, or -1 without an exception. */
int oxypy_lease_poll(oxypy_lease *lease, oxypy_loop *loop, oxy_step step);
/* The driver can go on: the holder is woken, or the chore goes on. */
void oxypy_lease_ready(oxypy_lease *lease, oxypy_loop *loop);
/* Closes the connection under everybody who uses it; those who wait are woken. */
void oxypy_lease_kill(oxypy_lease *lease, oxypy_loop *loop);
/* Deals with the loop's leases whose time has come; when the next one's comes. */
oxy_ns oxypy_lease_tick(oxypy_store *store, oxypy_loop *loop);
/* The loop behind hub is gone. */
void oxypy_lease_orphan(oxypy_store *store, const oxypy_hub *hub, oxypy_loop *heir);
/* Gives the lease back to the memory it came from; its slot is settled. */
void oxypy_lease_free(oxypy_lease *lease);
/* The same with the lock held, which is given up, and under the hold in which the
 * pool was told of its slot: whoever looks through the leases must not meet one
 * whose connection is being closed, or is somebody else's. The lease waits for
 * nothing. Then does what the pool wants. */
void oxypy_lease_settled(oxypy_lease *lease, oxypy_loop *loop);
/* Takes the lease away from its holder: stops what runs, rolls back, resets,
 * and returns the connection or closes it. Consumes the lease. Never raises.
 * keep: whose memory a running request uses, or NULL. loop may be NULL: then a
 * connection that would have to wait is closed. */
void oxypy_lease_release(oxypy_lease *lease, oxypy_loop *loop, bool reuse, PyObject *keep);
/* The same for a statement that ended well, at that time. */
void oxypy_lease_done(oxypy_lease *lease, oxypy_loop *loop, oxy_ns now);
/* The same for a connection that is the holder's no longer: rolls back, resets, returns it. */
void oxypy_lease_clean(oxypy_lease *lease, oxypy_loop *loop, PyObject *keep);
/* Back to the pool as it is: idle, or to be closed. */
void oxypy_lease_give_back(oxypy_lease *lease, oxypy_loop *loop, oxy_ns now);
oxy_conn_status oxypy_lease_status(const oxypy_lease *lease);
void oxypy_lease_set_holder(oxypy_lease *lease, PyObject *task, PyObject *sql);
/* Whether somebody else has to act before the holder can use it again. */
static inline bool oxypy_lease_is_away(const oxypy_lease *lease)
{
    return lease->working || lease->polling || lease->chore != OXYPY_CHORE_NONE;
}

/* --- chore.c --------------------------------------------------------------------------- */

/* Starts opening a connection for slot. Failures go to the pool. */
void oxypy_chore_open(oxypy_store *store, oxy_slot *slot, oxy_want role, oxypy_loop *loop);
/* Asks the server behind an idle connection whether it is there. */
void oxypy_chore_ping(oxypy_store *store, oxy_slot *slot, oxypy_loop *loop);
/* Stops the request under way and reads its answer, then tells the session that
 * holds the lease, or cleans it. keep: whose memory it uses. */
void oxypy_chore_drain(oxypy_lease *lease, oxypy_loop *loop, PyObject *keep);
/* Runs a command whose answer nobody waits for but the session; keep owns its text. */
void oxypy_chore_run(oxypy_lease *lease, oxypy_loop *loop, const oxy_request *request, PyObject *keep);
/* Reads the rest of the lease's stream into op->spool, then lets go of the connection. */
void oxypy_chore_spool(oxypy_lease *lease, oxypy_loop *loop, oxypy_operation *op);
/* Nobody wants those rows any more: what is left is drained. loop is open, or NULL. */
void oxypy_chore_spool_cut(oxypy_lease *lease, oxypy_loop *loop);
/* Each false: nothing is under way; true: the chore has the lease. */
bool oxypy_chore_roll_back(oxypy_lease *lease, oxypy_loop *loop);
bool oxypy_chore_reset(oxypy_lease *lease, oxypy_loop *loop);
/* Goes on after a wait. */
void oxypy_chore_step(oxypy_lease *lease, oxypy_loop *loop);
/* The loop that ran the user's init is gone. */
void oxypy_chore_init_lost(oxypy_lease *lease, oxypy_loop *loop);
/* The time is over. */
void oxypy_chore_expire(oxypy_lease *lease, oxypy_loop *loop);

/* --- operation.c, make.c, execute.c ------------------------------------------------------------ */

typedef enum oxypy_next {
    OXYPY_NEXT_ERROR = -1, /* with an exception */
    OXYPY_NEXT_RETURN,     /* *result is the value */
    OXYPY_NEXT_PART,       /* *result is a part of it: the operation may be awaited again */
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

/* Of a stream that reads from a cursor: what is sent next, or runs. */
typedef enum oxypy_cursor_phase {
    OXYPY_CURSOR_NONE,
    OXYPY_CURSOR_DECLARE,
    OXYPY_CURSOR_FETCH,
    OXYPY_CURSOR_CLOSE
} oxypy_cursor_phase;

struct oxypy_operation {
    PyObject ob_base;
    oxypy_state *st;
    const oxypy_op_kind *kind;
    /* what was asked for */
    PyObject *subject, *arg, *returning, *into;
    oxypy_given given; /* lookups besides those of subject */
    PyObject *using_, *client;
    PyObject *sql, *params; /* free text */
    PyObject *plan;         /* of the model that its rows are, or NULL: they are dicts */
    oxypy_rowprog *program; /* of those rows; owned, made with the first */
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
    oxypy_wakeup *future;            /* yielded and not resolved, or NULL */
    PyObject *timer;                 /* TimerHandle of _close, or NULL */
    PyObject *delegate;              /* coroutine under way, or NULL */
    bool delegated;                  /* what it returns is the operation's result */
    struct oxypy_gathered *gathered; /* owned; NULL: it is no future */
    oxypy_wait wait;                 /* for the pool or the session */
    oxy_waiter *waiter;
    oxy_slot *slot;                           /* granted and not made a lease yet */
    oxy_err *error;                           /* owned; only after a wait that failed */
    PyObject *cause;                          /* ... because of what the user's init raised, or NULL */
    oxypy_operation *queue_prev, *queue_next; /* in the session */
    oxypy_operation *granted_next;            /* in the hub, after a wait, until the slot is used */
    oxy_ns began, deadline, sent_at;
    /* the statement; see also prepared */
    oxy_arena scratch; /* of free text */
    PyObject *keep;
    oxy_value *values;
    PyObject *before;     /* tuple of statements that go first, or NULL; owned */
    oxy_sv *before_text;  /* the driver's view of it; owned */
    PyObject *rows;       /* collected so far: list or single object */
    oxypy_hidden hidden;  /* those that the cyclic collector does not see; see collector.c */
    oxypy_shared *shared; /* by the rows */
    int64_t n_rows;
    oxy_rc failed; /* the pool's answer; see error */
    /* of a flight */
    PyObject *members;        /* tuple of operations that travel together, or NULL; owned */
    Py_ssize_t n_sent, n_met; /* of the members; the answers of so many were read */
    /* of a stream */
    Py_ssize_t chunk;   /* rows of a part; 0: no stream */
    oxypy_spool *spool; /* owned; rows that were read ahead of their time, or NULL */
    struct {
        PyObject *text;     /* of the command under way; owned */
        uint64_t number;    /* in its name */
        uint32_t rollbacks; /* of the session, when it began */
        uint8_t phase;      /* oxypy_cursor_phase */
    } cursor;
    oxy_ns paused_at, rest; /* since when nobody asked for rows; how long that was before */
    bool paused;
    /* flags, together for the sake of size */
    uint8_t what, sink, stage;
    bool write, script;
    bool plain;  /* a session's own statement: passes its block */
    bool commit; /* it is the COMMIT: its failure may leave the outcome open */
    bool ping;   /* a round trip; the result is its seconds */
    bool sharing;
    bool on_replica;  /* op->database was chosen for being one */
    uint8_t tries;    /* on other connections */
    uint8_t mistakes; /* cancels that were meant for a neighbour */
    bool started, finished, running;
    bool owes_turn;                   /* _at_once() met a turn of the loop, which the next send() gives out */
    bool timed_out, queued, in_queue; /* in_queue: the session's */
    bool behind;                      /* others may have what it waits for: counted in its hub */
    bool was_in_transaction, restarted;
    bool held; /* its request may not have been sent yet: others follow */
    bool has_prepared, has_scratch;
    oxypy_prepared prepared; /* the last member: its block is not cleared */
};

/* A new operation of a kind; the rest is NULL. */
oxypy_operation *oxypy_operation_new(oxypy_state *st, const oxypy_op_kind *kind);
/* Frees what is kept for the next ones. */
void oxypy_operation_forget_memory(oxypy_state *st);
/* Makes the future that the operation yields next; armed: arms op->wait too. 0 / -1. */
int oxypy_operation_wait(oxypy_operation *op, bool armed);
/* As send() from a task, for an operation that runs without one. What has to be done
 * in a task is left: NEXT with op->delegate or op->future. */
PySendResult oxypy_operation_step(oxypy_operation *op, oxypy_loop *loop, PyObject **result);
/* The task that it belongs to, as oxypy_loop_task() tells: None while it has none. */
PyObject *oxypy_operation_task(const oxypy_operation *op);
/* Gives up, whatever the state; nothing is left to be awaited. Keeps the exception. */
void oxypy_operation_close(oxypy_operation *op);
/* Resolves the future, if anybody still waits. On the loop's thread; on that of
 * an heir, whose loop is not the operation's, it lets go of everything. */
void oxypy_operation_wake(oxypy_operation *op, oxypy_loop *loop);
/* Asks the pool of op->store. RETURN: op->slot is granted; WAIT: call
 * oxypy_operation_granted after it; ERROR. */
oxypy_next oxypy_operation_acquire(oxypy_operation *op, oxy_want want, oxy_ns now, oxy_ns deadline);
/* After the wait: 0 granted, -1 with the exception. */
int oxypy_operation_granted(oxypy_operation *op);
/* Leaves the pool's queue, or gives back what it granted meanwhile. */
void oxypy_operation_unqueue(oxypy_operation *op);
/* With the lock held: whether op waits for what another loop may have. Idempotent. */
void oxypy_operation_set_behind_locked(oxypy_operation *op, bool behind);
/* With the lock held: op is given the slot that it waited for. */
void oxypy_operation_grant_locked(oxypy_operation *op, oxy_slot *slot);
/* With the lock held: a slot that was waited for is used, or given back. */
void oxypy_operation_ungrant_locked(oxypy_operation *op);
/* While op waits: looks for loops that were closed, and sees to it that the pools are
 * looked at no later than at. 0 / -1. */
int oxypy_operation_look(oxypy_operation *op, oxy_ns at);
/* Makes op->store and op->database those of an open database. */
void oxypy_operation_use(oxypy_operation *op, oxypy_database *db);
extern const oxypy_op_kind oxypy_op_statement; /* execute.c */
extern const oxypy_op_kind oxypy_op_flight;    /* flight.c */
/* A paused stream gives its connection up to somebody else: the rest of its rows is
 * read aside, at once or by and by. */
void oxypy_stream_make_room(oxypy_operation *op);
/* It loses the connection, and the rows that it has not read. */
void oxypy_stream_cut(oxypy_operation *op);
/* The rest was read, as far as possible (see op->error). */
void oxypy_stream_spooled(oxypy_operation *op, oxypy_lease *lease, oxypy_loop *loop);

/* --- spool.c: rows kept aside, in memory first, then in a file ---------------------------------- */

/* NULL when memory is out. */
oxypy_spool *oxypy_spool_new(void);
void oxypy_spool_free(oxypy_spool *spool);
/* Copies a row. OXY_NOMEM, or OXY_OPERATIONAL when the file cannot be written, with words in err. */
oxy_rc oxypy_spool_add(oxypy_spool *spool, const oxy_conn *conn, oxy_err *err);
/* The next row, in the order of adding, until the next call. 1, 0 after the last, or -1 with err. */
int oxypy_spool_next(oxypy_spool *spool, oxypy_rowview *row, oxy_err *err);

/* make.c: adds operation() and raw_operation(). */
int oxypy_make_init(PyObject *module, oxypy_state *st);
/* operation(what, query, sink, limit=limit) for a query. New reference. */
PyObject *oxypy_make_statement(oxypy_state *st, int what, PyObject *query, int sink, long long limit);
/* The same for a query with these lookups added. New reference. */
PyObject *oxypy_make_filtered(oxypy_state *st, int what, PyObject *query, PyObject *keywords, PyObject *const *values,
                              int sink, long long limit);

/* resolve.c: which database or session the operation runs on. 0: known;
 * 1: op->delegate connects first, then ask again; -1. */
int oxypy_operation_resolve(oxypy_operation *op);

/* replica.c: which handle a plain read uses: a healthy replica, the least busy
 * one, or db itself. any: a replica in any case, if there is one. New reference. */
oxypy_database *oxypy_replica_choose(oxypy_operation *op, oxypy_database *db, bool any);
/* The statement could not be sent to its replica, with an exception or without:
 * true: the replica is left alone for a while, and another handle is to be
 * found for the statement, from its beginning. */
bool oxypy_replica_failed(oxypy_operation *op);
/* It answered. */
void oxypy_replica_recovered(oxypy_database *replica);

/* sink.c: what becomes of the rows. */
int oxypy_sink_row(oxypy_operation *op, const oxypy_rowview *row); /* 0 / -1 */
/* The list that the rows are in so far: borrowed; NULL if there is none. */
PyObject *oxypy_sink_rows(const oxypy_operation *op);
/* Whether rows can be dropped and come again; does so, where they can. */
bool oxypy_sink_forgets(const oxypy_operation *op);
bool oxypy_sink_forget(oxypy_operation *op);
PyObject *oxypy_sink_result(oxypy_operation *op, int64_t affected); /* new reference or NULL */
/* pooler.c: a record in the log if the operation's own text, which ran, needs a session. */
void oxypy_pooler_warn(oxypy_operation *op);
PyObject *oxypy_sink_empty(oxypy_operation *op); /* none(): nothing was sent */
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
    PyObject *init;     /* async function for each new connection, or NULL */
    PyObject *replicas; /* tuple of Database, or NULL */
    /* Of a replica: out of rotation until then; 0: healthy. */
    oxy_ns ailing_until, ailing_span;
    PyObject *reviving; /* the task that connects it again, or NULL */
    bool lost_memory;   /* an in-memory database that stayed in the parent process */
};

/* connect.c: what _open(), _close() and _acquire() give. */
extern const oxypy_op_kind oxypy_op_open, oxypy_op_close, oxypy_op_acquire;
/* settings.c: reads the arguments of _configure(). items: list of (name, value);
 * the result borrows its text from them, and its settings are freed with free(),
 * also after a failure. 0 / -1. */
int oxypy_settings_read(oxypy_state *st, const char *backend, PyObject *items, PyObject *pool, PyObject *gate,
                        oxypy_store_config *config);
/* process.c: what a fork and the end of the process call. */
int oxypy_process_init(PyObject *module);
/* ResourceWarning; source may be NULL. */
void oxypy_database_warn_unclosed(PyObject *source, PyObject *alias);

/* Whether statements can be run now. */
bool oxypy_database_is_open(const oxypy_database *db);
/* The open transaction of a task (new reference), or NULL; *failed: with an exception. */
oxypy_session *oxypy_database_session(oxypy_database *db, PyObject *task, bool *failed);
/* Whether the task will never run again: its loop was closed. Keeps no exception. */
bool oxypy_task_is_stranded(PyObject *task);
/* Ends the transactions of tasks whose loop was closed, which never will. Keeps the
 * exception. */
void oxypy_database_orphan(oxypy_database *db, oxypy_loop *heir);

struct oxypy_session {
    PyObject ob_base;
    oxypy_database *database;      /* owned, NULL while nothing is held */
    oxypy_lease *lease;            /* owned, NULL unless held */
    PyObject *blocked;             /* exception to raise, or NULL */
    PyObject *pending;             /* tuple of statements to be sent before the next one, or NULL */
    oxypy_operation *running;      /* borrowed */
    oxypy_operation *first, *last; /* waiting for their turn; borrowed */
    oxy_ns deadline;
    oxy_ns ended;           /* when the last statement ended */
    oxy_ns statement_limit; /* in place of the pool's; 0: the pool's holds */
    uint32_t rollbacks;     /* to savepoints, so far */
    bool in_block;          /* a transaction of the package's is open */
    bool aborted;           /* the database ended it on its own */
    bool busy;              /* a statement runs, possibly one whose task has gone */
    bool overdue;           /* its deadline was reported */
    bool movable;           /* until `pending` was sent any connection of the pool will do */
    bool moving;            /* its running statement waits for another one; lease is NULL */
};

/* A held session over a lease that the caller gives away. */
PyObject *oxypy_session_new(oxypy_state *st, oxypy_database *db, oxypy_lease *lease);
/* RETURN: op may run now; WAIT: it has joined the queue, ask again after; ERROR. */
oxypy_next oxypy_session_enter(oxypy_session *s, oxypy_operation *op);
/* Whether nothing of the transaction was sent, so that it may begin elsewhere. */
bool oxypy_session_may_move(const oxypy_session *s, const oxypy_operation *op);
/* ... and its connection is found to be closed by the server. */
bool oxypy_session_is_stranded(const oxypy_session *s, const oxypy_operation *op);
/* Gives the connection up; op, which runs, acquires another and hands it over. */
void oxypy_session_leave_lease(oxypy_session *s, oxypy_operation *op);
int oxypy_session_take_lease(oxypy_session *s, oxypy_operation *op); /* 0 / -1 */
/* op is over, or leaves the queue. */
void oxypy_session_leave(oxypy_session *s, oxypy_operation *op);
/* The worker reported and the operation had gone. */
void oxypy_session_settled(oxypy_session *s);
/* Takes the lease out, NULL: none is held. *woken: who ran on it, new reference, or NULL; told by
 * oxypy_session_tell() once the lease was released, since that may run Python code. */
oxypy_lease *oxypy_session_let_go(oxypy_session *s, oxypy_operation **woken);
/* Consumes the reference; NULL is nobody. */
void oxypy_session_tell(oxypy_operation *woken);
/* Both, and gives the lease back. loop may be NULL. */
void oxypy_session_drop(oxypy_session *s, oxypy_loop *loop, bool reuse);
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
