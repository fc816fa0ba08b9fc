/* SPDX-License-Identifier: MIT */
/* A small world around one to three pools: fake connections, fake tasks, a
 * fake clock, and a second, simpler account of who holds what. Each action of
 * a pool is judged against that account. */
#ifndef OXY_TEST_POOL_WORLD_H
#define OXY_TEST_POOL_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <oxyde/pool.h>

enum { MAX_POOLS = 3, MAX_JOBS = 64, MAX_SLOTS = 6, MAX_PLACES = MAX_POOLS * MAX_SLOTS };

typedef enum { JOB_FREE, JOB_WAITING, JOB_HOLDING } job_state;

/* What happens to a pool from outside is an event; all that follows from one
 * event has its number. */
typedef uint64_t event_number;

/* A fake task: asks, waits, holds, releases. */
typedef struct job {
    job_state state;
    int pool;
    oxy_want want;
    oxy_waiter *waiter;
    oxy_slot *slot;
    oxy_ns deadline;
    uint64_t ticket; /* order of arrival */
} job;

typedef enum { CONN_NONE, CONN_STARTING, CONN_PINGED, CONN_OPEN } conn_state;

/* What we know of one slot by what the pool told us. */
typedef struct place {
    oxy_slot *slot;
    int pool;
    conn_state state;
    void *conn;
    oxy_ns first_attempt, opened_at;
    uint64_t ticket; /* of the last who asked before the attempt under way began */
    bool retrying, shared, doomed;
    uint32_t holders;
    event_number held_since; /* the event in which the first of them came */
    event_number closed_in;
} place;

typedef struct world {
    uint64_t random;
    oxy_ns now;
    oxy_gate *gate;
    oxy_pool *pools[MAX_POOLS];
    oxy_pool_config configs[MAX_POOLS];
    int n_pools;
    bool drained[MAX_POOLS], closed[MAX_POOLS];
    job jobs[MAX_JOBS];
    place places[MAX_PLACES];
    int n_places;
    event_number event;
    bool blurred; /* grants of this event may have been given back within it */
    uint64_t tickets, errors;
    uint64_t granted[MAX_POOLS], joined, travelled, failed, timed_out, given_up, retried, conns_opened, conns_closed;
    uint64_t failed_now; /* FAIL actions of this event */
    uint64_t failing;    /* whom a failed connect may fail: tickets up to this */
    bool refusing;       /* connects fail now */
    uint64_t pressure;   /* of eight tasks that do something, so many ask */
} world;

uint64_t roll(world *w, uint64_t below);
/* A world of its own for each seed: the pools' settings follow from it. */
void world_make(world *w, uint64_t seed, int n_pools, bool single_writer);
void world_begin(world *w); /* an event begins */
/* Takes all actions and checks every invariant. */
void world_settle(world *w, oxy_pool *p);
/* The job has the slot now. */
void world_hold(world *w, job *j, oxy_slot *slot);
/* The job has it no more; call before the pool learns of it. */
place *world_part(world *w, job *j);
/* Whether a plain read may travel with the one that j has, unless the connection is
 * too old. */
bool world_may_travel(const world *w, const job *j);
/* j now travels with another. */
void world_travel(world *w, job *j, const job *with);
bool world_is_alone(const world *w, const job *j); /* it tolerates no company */
/* One of those in this state, of this pool (any: -1); NULL: there is none. */
job *world_some_job(world *w, job_state state, int pool);
bool world_waits(const world *w, int pool, bool (*like)(const world *w, const job *j));
bool world_has_writer_class(const world *w, int pool);
/* The pool may close this connection because of its age. */
bool world_is_old(const world *w, const place *at);

#endif
