/* SPDX-License-Identifier: MIT */
/* The pool under random events with a fake clock: after each event every
 * invariant holds; at the end everything was granted, failed or given up, and
 * nothing is left over. A failing seed reproduces:
 *   OXYDE_SIM_SEED=n OXYDE_SIM_EVENTS=n test_simulation */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <oxyde/pool.h>

enum { MAX_POOLS = 3, MAX_JOBS = 64, MAX_SLOTS = 6 };

typedef enum { JOB_FREE, JOB_WAITING, JOB_HOLDING } job_state;

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

typedef struct fake_conn {
    int pool;
    bool open;
} fake_conn;

/* A connect or ping whose answer is still to come. */
typedef struct started {
    oxy_pool *pool;
    oxy_slot *slot;
} started;

typedef struct world {
    uint64_t random;
    oxy_ns now;
    oxy_gate *gate;
    oxy_pool *pools[MAX_POOLS];
    int n_pools;
    bool drained[MAX_POOLS];
    job jobs[MAX_JOBS];
    started connecting[MAX_POOLS * MAX_SLOTS], pinging[MAX_POOLS * MAX_SLOTS];
    int n_connecting, n_pinging;
    uint64_t tickets, granted, failed, timed_out, given_up, opened, closed;
    bool refusing; /* connects fail now */
} world;

static uint64_t roll(world *w, uint64_t below)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (w->random * UINT64_C(2685821657736338717) >> 16) % below;
}

static int pool_number(const world *w, const oxy_pool *p)
{
    for (int i = 0; i < w->n_pools; i++)
        if (w->pools[i] == p)
            return i;
    fail_msg("unknown pool");
    return -1;
}

/* First come, first served: nobody who asked later for the same role of the
 * same pool (or, for writers, of any pool on the gate) may be served before. */
static void check_order(const world *w, const job *granted)
{
    bool gated = w->gate != NULL && granted->want == OXY_WANT_WRITER;

    for (int i = 0; i < MAX_JOBS; i++) {
        const job *other = &w->jobs[i];

        if (other == granted || other->state != JOB_WAITING || other->want != granted->want)
            continue;
        if (other->pool == granted->pool || gated)
            assert_true(other->ticket > granted->ticket);
    }
}

static void check_one_writer(const world *w)
{
    int writers = 0;

    for (int i = 0; i < MAX_JOBS; i++)
        writers += w->jobs[i].state == JOB_HOLDING && w->jobs[i].want == OXY_WANT_WRITER;
    if (w->gate != NULL)
        assert_true(writers <= 1);
}

static void take_actions(world *w, oxy_pool *p)
{
    oxy_action a;
    int number = pool_number(w, p);

    while (oxy_pool_next_action(p, &a)) {
        job *j = a.waiter;

        switch (a.kind) {
        case OXY_ACT_CONNECT: w->connecting[w->n_connecting++] = (started){p, a.slot}; break;
        case OXY_ACT_PING: w->pinging[w->n_pinging++] = (started){p, a.slot}; break;
        case OXY_ACT_CLOSE: {
            fake_conn *c = a.conn;

            assert_non_null(c);
            assert_true(c->open);
            c->open = false;
            free(c);
            w->closed++;
            break;
        }
        case OXY_ACT_GRANT:
            assert_int_equal(j->state, JOB_WAITING);
            assert_non_null(oxy_slot_conn(a.slot));
            check_order(w, j);
            j->state = JOB_HOLDING;
            j->slot = a.slot;
            j->waiter = NULL;
            oxy_slot_set_holder(a.slot, j, w->now);
            w->granted++;
            break;
        case OXY_ACT_TIMEOUT:
            assert_int_equal(j->state, JOB_WAITING);
            assert_true(j->deadline <= w->now);
            j->state = JOB_FREE;
            w->timed_out++;
            break;
        case OXY_ACT_FAIL:
            assert_int_equal(j->state, JOB_WAITING);
            assert_non_null(a.err);
            assert_int_not_equal(a.err->rc, OXY_OK);
            j->state = JOB_FREE;
            w->failed++;
            break;
        case OXY_ACT_DRAINED: w->drained[number] = true; break;
        }
    }
}

static void settle(world *w, oxy_pool *p)
{
    oxy_err err;

    take_actions(w, p);
    if (w->gate != NULL)
        for (oxy_pool *other; (other = oxy_gate_next_pool(w->gate)) != NULL;)
            take_actions(w, other);
    check_one_writer(w);
    for (int i = 0; i < w->n_pools; i++)
        if (!oxy_pool_check(w->pools[i], &err))
            fail_msg("pool %d: %s", i, err.message);
}

static void event_acquire(world *w, job *j)
{
    int number = (int)roll(w, (uint64_t)w->n_pools);
    oxy_err err;

    *j = (job){.pool = number, .ticket = ++w->tickets, .want = (oxy_want)(1 + roll(w, 2))};
    j->deadline = roll(w, 8) == 0 ? w->now : w->now + (oxy_ns)roll(w, 2000) * OXY_NS_PER_MS;
    switch (oxy_pool_acquire(w->pools[number], j->want, w->now, j->deadline, j, &j->slot, &j->waiter, &err)) {
    case OXY_ACQUIRE_GRANTED:
        check_order(w, j);
        j->state = JOB_HOLDING;
        oxy_slot_set_holder(j->slot, j, w->now);
        w->granted++;
        break;
    case OXY_ACQUIRE_QUEUED: j->state = JOB_WAITING; break;
    case OXY_ACQUIRE_FAILED:
        assert_int_not_equal(err.rc, OXY_OK);
        j->state = JOB_FREE;
        w->failed++;
        break;
    }
    settle(w, w->pools[number]);
}

static void release(world *w, job *j, oxy_fate fate)
{
    oxy_pool *p = w->pools[j->pool];

    assert_ptr_equal(oxy_slot_holder(j->slot, NULL), j);
    oxy_slot *slot = j->slot;
    j->state = JOB_FREE;
    oxy_pool_release(p, slot, fate, w->now);
    settle(w, p);
}

static void answer_connect(world *w, int which)
{
    oxy_slot *s = w->connecting[which].slot;
    oxy_pool *p = w->connecting[which].pool;

    w->connecting[which] = w->connecting[--w->n_connecting];
    if (w->refusing || roll(w, 20) == 0) {
        oxy_err err;

        (void)oxy_err_set(&err, OXY_OPERATIONAL, "connection refused");
        oxy_pool_connect_failed(p, s, &err, roll(w, 2) == 0, w->now);
    } else {
        fake_conn *c = calloc(1, sizeof *c);

        assert_non_null(c);
        c->open = true;
        w->opened++;
        oxy_pool_connected(p, s, c, w->now);
    }
    settle(w, p);
}

static void answer_ping(world *w, int which)
{
    oxy_slot *s = w->pinging[which].slot;
    oxy_pool *p = w->pinging[which].pool;

    w->pinging[which] = w->pinging[--w->n_pinging];
    if (roll(w, 5) == 0)
        oxy_pool_ping_failed(p, s, w->now);
    else
        oxy_pool_ping_ok(p, s, w->now);
    settle(w, p);
}

static void random_event(world *w)
{
    job *j = &w->jobs[roll(w, MAX_JOBS)];

    switch (roll(w, 12)) {
    case 0: w->now += (oxy_ns)roll(w, 40) * OXY_NS_PER_MS; break;
    case 1: {
        oxy_pool *p = w->pools[roll(w, (uint64_t)w->n_pools)];

        oxy_pool_tick(p, w->now);
        settle(w, p);
        break;
    }
    case 2:
        if (roll(w, 200) == 0)
            w->refusing = !w->refusing;
        break;
    case 3:
    case 4:
        if (w->n_connecting > 0)
            answer_connect(w, (int)roll(w, (uint64_t)w->n_connecting));
        else if (w->n_pinging > 0)
            answer_ping(w, (int)roll(w, (uint64_t)w->n_pinging));
        break;
    case 5:
        if (w->n_pinging > 0)
            answer_ping(w, (int)roll(w, (uint64_t)w->n_pinging));
        break;
    default:
        if (j->state == JOB_FREE) {
            event_acquire(w, j);
        } else if (j->state == JOB_HOLDING) {
            release(w, j, roll(w, 10) == 0 ? OXY_FATE_CLOSE : OXY_FATE_REUSE);
        } else if (roll(w, 4) == 0) {
            oxy_pool *p = w->pools[j->pool];

            j->state = JOB_FREE;
            w->given_up++;
            oxy_pool_abandon(p, j->waiter, w->now);
            settle(w, p);
        }
    }
}

static void make_world(world *w, uint64_t seed, int n_pools, bool single_writer)
{
    memset(w, 0, sizeof *w);
    w->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    w->now = OXY_NS_PER_S;
    w->n_pools = n_pools;
    if (single_writer && n_pools > 1)
        assert_int_equal(oxy_gate_new(oxy_alloc_default(), &w->gate), OXY_OK);
    for (int i = 0; i < n_pools; i++) {
        uint32_t most = (uint32_t)(1 + roll(w, MAX_SLOTS - 1));
        oxy_pool_config config = {
            .max = most,
            .min = (uint32_t)roll(w, most + 1),
            .idle_timeout = (oxy_ns)(1 + roll(w, 5)) * OXY_NS_PER_S,
            .max_lifetime = (oxy_ns)(1 + roll(w, 20)) * OXY_NS_PER_S,
            .ping_after = roll(w, 2) == 0 ? OXY_NS_NEVER : (oxy_ns)roll(w, 500) * OXY_NS_PER_MS,
            .connect_retry = (oxy_ns)roll(w, 3) * OXY_NS_PER_S,
            .seed = seed,
            .single_writer = single_writer,
            .gate = w->gate,
        };

        assert_int_equal(oxy_pool_new(&config, oxy_alloc_default(), &w->pools[i]), OXY_OK);
    }
    for (int i = 0; i < n_pools; i++) {
        oxy_pool_start(w->pools[i], w->now);
        settle(w, w->pools[i]);
    }
}

static void end_world(world *w)
{
    for (int i = 0; i < w->n_pools; i++) {
        oxy_pool_close(w->pools[i], w->now);
        settle(w, w->pools[i]);
    }
    for (int i = 0; i < MAX_JOBS; i++) {
        assert_int_not_equal(w->jobs[i].state, JOB_WAITING); /* closing failed them */
        if (w->jobs[i].state == JOB_HOLDING)
            release(w, &w->jobs[i], OXY_FATE_REUSE);
    }
    while (w->n_connecting > 0)
        answer_connect(w, 0);
    while (w->n_pinging > 0)
        answer_ping(w, 0);
    for (int i = 0; i < w->n_pools; i++) {
        assert_true(w->drained[i]);
        oxy_pool_free(w->pools[i]);
    }
    assert_int_equal(w->opened, w->closed);
    oxy_gate_unref(w->gate);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

static void run(uint64_t seed, uint64_t events, int n_pools, bool single_writer)
{
    static world w;

    make_world(&w, seed, n_pools, single_writer);
    for (uint64_t i = 0; i < events; i++)
        random_event(&w);
    assert_true(w.granted > events / 1000);
    assert_true(w.timed_out + w.failed + w.given_up > 0);
    end_world(&w);
}

/* Many short worlds rather than one long: the settings differ from world to world. */
static void many_worlds(int n_pools, bool single_writer)
{
    uint64_t events = from_environment("OXYDE_SIM_EVENTS", 1200000) / 3, seed = from_environment("OXYDE_SIM_SEED", 1);
    uint64_t worlds = events < 20000 ? 1 : events / 20000;

    for (uint64_t i = 0; i < worlds; i++) {
        if (i == 0)
            print_message("seeds %llu to %llu, %llu events each\n", (unsigned long long)seed,
                          (unsigned long long)(seed + worlds - 1), (unsigned long long)(events / worlds));
        run(seed + i, events / worlds, n_pools, single_writer);
    }
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
        cmocka_unit_test(test_any_connection_serves_anyone),
        cmocka_unit_test(test_one_writer_and_readers),
        cmocka_unit_test(test_three_pools_share_one_gate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
