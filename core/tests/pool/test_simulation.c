/* SPDX-License-Identifier: MIT */
/* The pool under random events with a fake clock: after each event every
 * invariant holds; at the end everything was granted, failed or given up, and
 * nothing is left over. A failing seed reproduces:
 *   OXYDE_SEED=n OXYDE_SIM_EVENTS=n pool_test_simulation */
#include "world.h"

#include <stdlib.h>

#define EVENTS_A_WORLD UINT64_C(10000)

static const uint64_t seeds[] = {1, 1000003, 20260417};
static uint64_t running; /* the seed of the world that is under way */

/* --- events -------------------------------------------------------------------------------- */

static oxy_want some_want(world *w, int pool)
{
    if (w->configs[pool].single_writer)
        return (oxy_want)(1 + roll(w, 3));
    return roll(w, 8) == 0 ? OXY_WANT_ANY : OXY_WANT_SHARED; /* otherwise nobody would ever share */
}

static bool is_in_queue_of_readers(const world *w, const job *j)
{
    return !world_has_writer_class(w, j->pool) || j->want != OXY_WANT_WRITER;
}

static void event_acquire(world *w, job *j, oxy_ns deadline)
{
    int number = (int)roll(w, (uint64_t)w->n_pools);
    oxy_pool *p = w->pools[number];
    oxy_slot *slot;
    oxy_err err;

    world_begin(w);
    *j = (job){.pool = number, .ticket = ++w->tickets, .want = some_want(w, number)};
    j->deadline = roll(w, 8) == 0 ? w->now : deadline;
    switch (oxy_pool_acquire(p, j->want, w->now, j->deadline, j, &slot, &j->waiter, &err)) {
    case OXY_ACQUIRE_GRANTED:
        if (oxy_slot_holders(slot) > 1) /* joins at once: nobody else waits */
            assert_false(world_waits(w, number, is_in_queue_of_readers));
        world_hold(w, j, slot);
        break;
    case OXY_ACQUIRE_QUEUED: j->state = JOB_WAITING; break;
    case OXY_ACQUIRE_FAILED:
        assert_int_equal(err.rc, OXY_POOL_TIMEOUT);
        assert_true(j->deadline <= w->now);
        w->failed++;
        break;
    }
    world_settle(w, p);
}

/* With abandoned not NULL, that one gives up before the actions are taken: the
 * grant may be his already. */
static void event_release(world *w, job *j, oxy_fate fate, job *abandoned)
{
    oxy_pool *p = w->pools[j->pool];
    oxy_slot *slot = j->slot;

    world_begin(w);
    place *at = world_part(w, j);
    at->doomed = at->doomed || fate == OXY_FATE_CLOSE;
    bool must_close = at->holders == 0 && (at->doomed || w->closed[at->pool]);
    bool may_close = must_close || (at->holders == 0 && world_is_old(w, at));
    void *conn = at->conn;

    oxy_pool_release(p, slot, fate, w->now);
    if (abandoned != NULL) {
        w->blurred = true;
        abandoned->state = JOB_FREE;
        w->given_up++;
        oxy_pool_abandon(p, abandoned->waiter, w->now);
    }
    world_settle(w, p);
    if (must_close)
        assert_true(at->closed_in == w->event);
    else if (!may_close)
        assert_ptr_equal(at->conn, conn);
}

static void event_abandon(world *w, job *j)
{
    world_begin(w);
    j->state = JOB_FREE;
    w->given_up++;
    oxy_pool_abandon(w->pools[j->pool], j->waiter, w->now);
    world_settle(w, w->pools[j->pool]);
}

/* Where nobody waits and the connection is young, it must succeed. */
static void event_travel(world *w, job *j, const job *with)
{
    bool young = w->now < w->configs[with->pool].max_lifetime / 10 * 9;

    world_begin(w);
    if (oxy_pool_join(w->pools[with->pool], with->slot, w->now))
        world_travel(w, j, with);
    else
        assert_false(young && world_may_travel(w, with));
    world_settle(w, w->pools[with->pool]);
}

static bool any_open(const world *w, const place *except)
{
    for (int i = 0; i < w->n_places; i++) {
        const place *at = &w->places[i];

        if (at != except && at->pool == except->pool && (at->state == CONN_OPEN || at->state == CONN_PINGED))
            return true;
    }
    return false;
}

static bool joined_in_time(const world *w, const job *j)
{
    return j->ticket <= w->failing;
}

static bool any_starting(const world *w, int pool)
{
    for (int i = 0; i < w->n_places; i++)
        if (w->places[i].pool == pool && (w->places[i].state == CONN_STARTING || w->places[i].retrying))
            return true;
    return false;
}

static void connect_fails(world *w, place *at, bool retryable)
{
    const oxy_pool_config *config = &w->configs[at->pool];
    oxy_pool *p = w->pools[at->pool];
    bool retries = retryable && w->now < at->first_attempt + config->connect_retry && !w->closed[at->pool];
    bool open = any_open(w, at);
    oxy_err err;

    (void)oxy_err_set(&err, OXY_OPERATIONAL, "%llu: connection refused", (unsigned long long)++w->errors);
    w->failing = at->ticket;
    at->state = CONN_NONE;
    at->retrying = retries;
    w->retried += retries;
    oxy_pool_connect_failed(p, at->slot, &err, retryable, w->now);
    world_settle(w, p);
    assert_int_equal(strtoull(oxy_pool_last_error(p)->message, NULL, 10), w->errors);
    if (retries || (open && !config->single_writer))
        assert_int_equal(w->failed_now, 0);
    else if (!open && !world_has_writer_class(w, at->pool)) {
        assert_false(world_waits(w, at->pool, joined_in_time)); /* all know at once, ... */
        if (world_waits(w, at->pool, NULL))
            assert_true(any_starting(w, at->pool)); /* ... and for those who came later one is tried again */
    }
}

static void connect_succeeds(world *w, place *at)
{
    bool doomed = at->doomed;

    at->conn = malloc(1);
    assert_non_null(at->conn);
    at->state = CONN_OPEN;
    at->opened_at = w->now;
    w->conns_opened++;
    oxy_pool_connected(w->pools[at->pool], at->slot, at->conn, w->now);
    world_settle(w, w->pools[at->pool]);
    assert_true(doomed == (at->closed_in == w->event) || w->closed[at->pool]);
    assert_int_equal(oxy_pool_last_error(w->pools[at->pool])->rc, OXY_OK);
}

static void event_answer(world *w, place *at)
{
    world_begin(w);
    if (at->state == CONN_STARTING) {
        if (w->refusing || roll(w, 20) == 0)
            connect_fails(w, at, roll(w, 2) == 0);
        else
            connect_succeeds(w, at);
        return;
    }
    bool doomed = at->doomed, well = roll(w, 5) > 0;

    at->state = CONN_OPEN;
    if (well)
        oxy_pool_ping_ok(w->pools[at->pool], at->slot, w->now);
    else
        oxy_pool_ping_failed(w->pools[at->pool], at->slot, w->now);
    world_settle(w, w->pools[at->pool]);
    if (!well || doomed)
        assert_true(at->closed_in == w->event);
}

static void event_lost(world *w, place *at)
{
    bool idle = at->state == CONN_OPEN && at->holders == 0;

    world_begin(w);
    at->doomed = at->doomed || (at->state == CONN_PINGED || at->holders > 0);
    oxy_pool_lost(w->pools[at->pool], at->slot, w->now);
    world_settle(w, w->pools[at->pool]);
    if (idle)
        assert_true(at->closed_in == w->event);
}

static void event_renew(world *w, int pool)
{
    bool idle[MAX_PLACES];

    world_begin(w);
    for (int i = 0; i < w->n_places; i++) {
        place *at = &w->places[i];

        idle[i] = at->pool == pool && at->state == CONN_OPEN && at->holders == 0;
        if (at->pool == pool && at->state != CONN_NONE && !idle[i])
            at->doomed = true;
    }
    oxy_pool_renew(w->pools[pool], w->now);
    world_settle(w, w->pools[pool]);
    for (int i = 0; i < w->n_places; i++)
        if (idle[i])
            assert_true(w->places[i].closed_in == w->event);
}

static void event_tick(world *w, oxy_pool *p)
{
    world_begin(w);
    oxy_pool_tick(p, w->now);
    world_settle(w, p);
    assert_true(oxy_pool_wake_at(p) > w->now);
}

static void some_task_acts(world *w)
{
    job *j, *with;

    if (roll(w, 16) == 0) {
        if ((with = world_some_job(w, JOB_HOLDING, -1)) != NULL && (j = world_some_job(w, JOB_FREE, -1)) != NULL)
            event_travel(w, j, with);
        return;
    }
    if (roll(w, 500) == 0)
        w->pressure = 1 + roll(w, 7);
    if (roll(w, 8) < w->pressure) {
        if ((j = world_some_job(w, JOB_FREE, -1)) != NULL)
            event_acquire(w, j, w->now + (oxy_ns)roll(w, 2000) * OXY_NS_PER_MS);
    } else if (roll(w, 8) == 0) {
        if ((j = world_some_job(w, JOB_WAITING, -1)) != NULL)
            event_abandon(w, j);
    } else if ((j = world_some_job(w, JOB_HOLDING, -1)) != NULL) {
        event_release(w, j, roll(w, 10) == 0 ? OXY_FATE_CLOSE : OXY_FATE_REUSE,
                      roll(w, 6) == 0 ? world_some_job(w, JOB_WAITING, j->pool) : NULL);
    }
}

static void random_event(world *w)
{
    place *at = w->n_places > 0 ? &w->places[roll(w, (uint64_t)w->n_places)] : NULL;
    int pool = (int)roll(w, (uint64_t)w->n_pools);

    switch (roll(w, 16)) {
    case 0: w->now += (oxy_ns)roll(w, 40) * OXY_NS_PER_MS; break;
    case 1: event_tick(w, w->pools[pool]); break;
    case 2:
        if (roll(w, 200) == 0)
            w->refusing = !w->refusing;
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        if (at != NULL && (at->state == CONN_STARTING || at->state == CONN_PINGED))
            event_answer(w, at);
        break;
    case 7:
        if (at != NULL && roll(w, 40) == 0)
            event_lost(w, at);
        if (roll(w, 400) == 0)
            event_renew(w, pool);
        break;
    default: some_task_acts(w);
    }
}

/* --- the end --------------------------------------------------------------------------------- */

static void answer_all(world *w)
{
    for (int i = 0; i < w->n_places; i++)
        while (w->places[i].state == CONN_STARTING || w->places[i].state == CONN_PINGED)
            event_answer(w, &w->places[i]);
}

static bool anybody_waits(const world *w, uint64_t up_to_ticket)
{
    for (int i = 0; i < MAX_JOBS; i++)
        if (w->jobs[i].state == JOB_WAITING && w->jobs[i].ticket <= up_to_ticket)
            return true;
    return false;
}

/* Time goes on to what the pools want to be woken for. */
static void next_wake(world *w)
{
    oxy_ns at = OXY_NS_NEVER;

    for (int i = 0; i < w->n_pools; i++)
        if (oxy_pool_wake_at(w->pools[i]) < at)
            at = oxy_pool_wake_at(w->pools[i]);
    if (at < OXY_NS_NEVER && at > w->now)
        w->now = at;
    for (int i = 0; i < w->n_pools; i++)
        event_tick(w, w->pools[i]);
}

/* When the server answers and everybody holds on for a while only, those who
 * wait are served, whatever they want and however many plain reads come after
 * them; and all it takes is the wake-ups that the pools ask for. */
static void check_progress(world *w)
{
    uint64_t last = w->tickets, asked = 0;
    job *j;

    w->refusing = false;
    while (anybody_waits(w, last)) /* of the impatient ones */
        next_wake(w);
    while (asked < MAX_JOBS / 2 && (j = world_some_job(w, JOB_FREE, -1)) != NULL) {
        event_acquire(w, j, OXY_NS_NEVER);
        asked++;
    }
    last = w->tickets;
    for (int round = 0; round < 3000 && anybody_waits(w, last); round++) {
        if ((j = world_some_job(w, JOB_HOLDING, -1)) != NULL)
            event_release(w, j, OXY_FATE_REUSE, NULL);
        if (round % 2 == 0)
            answer_all(w);
        if (round % 16 == 0)
            next_wake(w);
        if ((j = world_some_job(w, JOB_FREE, -1)) != NULL)
            event_acquire(w, j, OXY_NS_NEVER);
    }
    assert_false(anybody_waits(w, last));
}

static void release_all(world *w)
{
    for (int i = 0; i < MAX_JOBS; i++)
        if (w->jobs[i].state == JOB_HOLDING)
            event_release(w, &w->jobs[i], OXY_FATE_REUSE, NULL);
}

static void world_end(world *w)
{
    check_progress(w);
    for (int i = 0; i < 50; i++)
        random_event(w);
    for (int i = 0; i < w->n_pools; i++) {
        world_begin(w);
        w->closed[i] = true;
        oxy_pool_close(w->pools[i], w->now);
        world_settle(w, w->pools[i]);
        assert_false(world_waits(w, i, NULL)); /* closing failed them */
    }
    release_all(w);
    answer_all(w);
    for (int i = 0; i < w->n_pools; i++) {
        assert_true(w->drained[i]);
        oxy_pool_free(w->pools[i]);
    }
    assert_int_equal(w->conns_opened, w->conns_closed);
    oxy_gate_unref(w->gate);
}

/* --- runs -------------------------------------------------------------------------------------- */

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

typedef struct totals {
    uint64_t events, granted, joined, retried, given_up, timed_out;
} totals;

static void run(uint64_t seed, uint64_t events, int n_pools, bool single_writer, totals *all)
{
    static world w;

    running = seed;
    world_make(&w, seed, n_pools, single_writer);
    while (w.event < events)
        random_event(&w);
    world_end(&w);
    for (int i = 0; i < n_pools; i++)
        all->granted += w.granted[i];
    all->events += w.event;
    all->joined += w.joined;
    all->retried += w.retried;
    all->given_up += w.given_up;
    all->timed_out += w.timed_out;
    running = 0;
}

/* Many short worlds rather than one long: the settings differ from world to world. */
static void many_worlds(int n_pools, bool single_writer)
{
    uint64_t wanted = from_environment("OXYDE_SIM_EVENTS", 1500000) / 3, own = from_environment("OXYDE_SEED", 0);
    size_t n_seeds = own != 0 ? 1 : sizeof seeds / sizeof *seeds;
    uint64_t worlds = wanted / n_seeds / EVENTS_A_WORLD + 1;
    totals all = {0};

    for (size_t s = 0; s < n_seeds; s++) {
        uint64_t first = own != 0 ? own : seeds[s];

        print_message("seeds %llu to %llu, %llu events each\n", (unsigned long long)first,
                      (unsigned long long)(first + worlds - 1), (unsigned long long)EVENTS_A_WORLD);
        for (uint64_t i = 0; i < worlds; i++)
            run(first + i, EVENTS_A_WORLD, n_pools, single_writer, &all);
    }
    print_message("%llu events: %llu grants, %llu of them shared; %llu connects retried, %llu waiters gave up, "
                  "%llu timed out\n",
                  (unsigned long long)all.events, (unsigned long long)all.granted, (unsigned long long)all.joined,
                  (unsigned long long)all.retried, (unsigned long long)all.given_up, (unsigned long long)all.timed_out);
    assert_true(all.granted > all.events / 20); /* the worlds are alive, and of every kind */
    assert_true(all.joined > all.events / 500);
    assert_true(all.retried > 0 && all.given_up > 0 && all.timed_out > 0);
}

static int tell_the_seed(void **state)
{
    (void)state;
    if (running != 0)
        print_message("to see it again: OXYDE_SEED=%llu OXYDE_SIM_EVENTS=1\n", (unsigned long long)running);
    running = 0;
    return 0;
}

static void test_any_connection_serves_anyone(void **state)
{
    (void)state;
    many_worlds(1, false);
}

static void test_one_writer_and_readers(void **state)
{
    (void)state;
    many_worlds(1, true);
}

static void test_three_pools_share_one_gate(void **state)
{
    (void)state;
    many_worlds(3, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_any_connection_serves_anyone, tell_the_seed),
        cmocka_unit_test_teardown(test_one_writer_and_readers, tell_the_seed),
        cmocka_unit_test_teardown(test_three_pools_share_one_gate, tell_the_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
