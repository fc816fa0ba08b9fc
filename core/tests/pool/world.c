/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdlib.h>
#include <string.h>

uint64_t roll(world *w, uint64_t below)
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

static place *place_of(world *w, int pool, oxy_slot *slot)
{
    for (int i = 0; i < w->n_places; i++)
        if (w->places[i].slot == slot)
            return &w->places[i];
    assert_true(w->n_places < MAX_PLACES);
    w->places[w->n_places] = (place){.slot = slot, .pool = pool};
    return &w->places[w->n_places++];
}

static place *place_of_conn(world *w, const void *conn)
{
    for (int i = 0; i < w->n_places; i++)
        if (w->places[i].conn == conn)
            return &w->places[i];
    fail_msg("a connection that nobody opened, or that is closed already");
    return NULL;
}

/* --- the second account ------------------------------------------------------------------ */

bool world_has_writer_class(const world *w, int pool)
{
    return w->configs[pool].single_writer && w->configs[pool].max > 1;
}

/* Do both stand in one queue? */
static bool same_queue(const world *w, const job *a, const job *b)
{
    if (a->pool != b->pool)
        return w->gate != NULL && a->want == OXY_WANT_WRITER && b->want == OXY_WANT_WRITER;
    return !world_has_writer_class(w, a->pool) || (a->want == OXY_WANT_WRITER) == (b->want == OXY_WANT_WRITER);
}

bool world_is_alone(const world *w, const job *j)
{
    return j->want != OXY_WANT_SHARED || w->configs[j->pool].share_max < 2;
}

job *world_some_job(world *w, job_state state, int pool)
{
    int first = (int)roll(w, MAX_JOBS);

    for (int i = 0; i < MAX_JOBS; i++) {
        job *j = &w->jobs[(first + i) % MAX_JOBS];

        if (j->state == state && (pool < 0 || j->pool == pool))
            return j;
    }
    return NULL;
}

bool world_waits(const world *w, int pool, bool (*like)(const world *w, const job *j))
{
    for (int i = 0; i < MAX_JOBS; i++)
        if (w->jobs[i].state == JOB_WAITING && w->jobs[i].pool == pool && (like == NULL || like(w, &w->jobs[i])))
            return true;
    return false;
}

bool world_is_old(const world *w, const place *at)
{
    return w->now - at->opened_at >= w->configs[at->pool].max_lifetime / 10 * 9;
}

/* First come, first served: nobody who came later may be served before. */
static void check_order(const world *w, const job *served)
{
    for (int i = 0; i < MAX_JOBS; i++) {
        const job *other = &w->jobs[i];

        if (other != served && other->state == JOB_WAITING && same_queue(w, other, served))
            assert_true(other->ticket > served->ticket);
    }
}

static void check_joining(const world *w, const job *j, const place *at)
{
    oxy_pool_stats stats;

    assert_false(world_is_alone(w, j));
    assert_true(at->shared);
    assert_false(at->doomed);
    assert_true(at->holders < w->configs[j->pool].share_max);
    oxy_pool_get_stats(w->pools[j->pool], &stats);
    if (!w->blurred)
        assert_true(stats.idle == 0 || world_has_writer_class(w, j->pool));
    for (int i = 0; i < MAX_JOBS; i++) {
        const job *other = &w->jobs[i];

        /* Beside somebody who wants to be alone, only onto what just became free. */
        if (other->state == JOB_WAITING && world_is_alone(w, other) && same_queue(w, other, j)) {
            assert_true(at->held_since == w->event);
            return;
        }
    }
    for (int i = 0; i < w->n_places && !w->blurred; i++) {
        const place *other = &w->places[i];

        if (other->pool == at->pool && other->holders > 0 && other->shared && !other->doomed && !world_is_old(w, other))
            assert_true(at->holders <= other->holders);
    }
}

void world_hold(world *w, job *j, oxy_slot *slot)
{
    place *at = place_of(w, j->pool, slot);

    assert_int_equal(at->state, CONN_OPEN);
    assert_ptr_equal(oxy_slot_conn(slot), at->conn);
    check_order(w, j);
    if (at->holders > 0) {
        check_joining(w, j, at);
        w->joined++;
    } else {
        at->held_since = w->event;
        at->shared = !world_is_alone(w, j);
        oxy_slot_set_holder(slot, at, w->now);
    }
    at->holders++;
    j->state = JOB_HOLDING;
    j->slot = slot;
    j->waiter = NULL;
    w->granted[j->pool]++;
}

bool world_may_travel(const world *w, const job *j)
{
    const place *at = &w->places[0];

    for (int i = 0; i < w->n_places; i++)
        if (w->places[i].slot == j->slot && w->places[i].pool == j->pool)
            at = &w->places[i];
    for (int i = 0; i < MAX_JOBS; i++)
        if (w->jobs[i].state == JOB_WAITING && same_queue(w, &w->jobs[i], j))
            return false;
    return at->shared && !at->doomed && !w->closed[j->pool] && at->holders < w->configs[j->pool].share_max;
}

void world_travel(world *w, job *j, const job *with)
{
    place *at = place_of(w, with->pool, with->slot);

    assert_true(world_may_travel(w, with));
    assert_true(at->holders > 0);
    at->holders++;
    *j = (job){.pool = with->pool,
               .ticket = ++w->tickets,
               .want = OXY_WANT_SHARED,
               .state = JOB_HOLDING,
               .slot = with->slot,
               .deadline = OXY_NS_NEVER};
    w->granted[j->pool]++;
    w->travelled++;
}

place *world_part(world *w, job *j)
{
    place *at = place_of(w, j->pool, j->slot);

    assert_int_equal(j->state, JOB_HOLDING);
    assert_ptr_equal(oxy_slot_holder(j->slot, NULL), at); /* as long as one of them is there */
    assert_true(at->holders > 0);
    at->holders--;
    j->state = JOB_FREE;
    j->slot = NULL;
    return at;
}

/* --- actions ------------------------------------------------------------------------------- */

static void take_connect(world *w, int pool, oxy_slot *slot)
{
    place *at = place_of(w, pool, slot);

    assert_int_equal(at->state, CONN_NONE);
    if (!at->retrying)
        at->first_attempt = w->now;
    else
        assert_true(w->configs[pool].connect_retry > 0);
    at->state = CONN_STARTING;
    at->ticket = w->tickets;
    at->retrying = false;
    at->doomed = false;
}

static void take_close(world *w, void *conn)
{
    place *at;

    assert_non_null(conn);
    at = place_of_conn(w, conn);
    assert_true(at->state == CONN_OPEN || at->state == CONN_PINGED);
    assert_int_equal(at->holders, 0);
    at->state = CONN_NONE;
    at->conn = NULL;
    at->doomed = false;
    at->closed_in = w->event;
    free(conn);
    w->conns_closed++;
}

static void take_actions(world *w, oxy_pool *p)
{
    oxy_action a;
    int number = pool_number(w, p);

    while (oxy_pool_next_action(p, &a)) {
        job *j = a.waiter;

        switch (a.kind) {
        case OXY_ACT_CONNECT: take_connect(w, number, a.slot); break;
        case OXY_ACT_PING:
            assert_int_equal(place_of(w, number, a.slot)->state, CONN_OPEN);
            place_of(w, number, a.slot)->state = CONN_PINGED;
            break;
        case OXY_ACT_CLOSE: take_close(w, a.conn); break;
        case OXY_ACT_GRANT:
            assert_int_equal(j->state, JOB_WAITING);
            world_hold(w, j, a.slot);
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
            assert_int_equal(a.err->rc, w->closed[number] ? OXY_INTERFACE : OXY_OPERATIONAL);
            if (!w->closed[number])
                assert_int_equal(strtoull(a.err->message, NULL, 10), w->errors); /* the last one */
            if (!w->closed[number])
                assert_true(j->ticket <= w->failing);
            j->state = JOB_FREE;
            w->failed++;
            w->failed_now++;
            break;
        case OXY_ACT_DRAINED: w->drained[number] = true; break;
        }
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

static void check_accounts(const world *w)
{
    for (int i = 0; i < w->n_places; i++) {
        const place *at = &w->places[i];

        assert_int_equal(oxy_slot_holders(at->slot), at->holders);
        assert_ptr_equal(oxy_slot_holder(at->slot, NULL), at->holders > 0 ? at : NULL);
        assert_ptr_equal(oxy_slot_conn(at->slot), at->conn);
    }
    for (int i = 0; i < w->n_pools; i++) {
        oxy_pool_stats stats;

        oxy_pool_get_stats(w->pools[i], &stats);
        assert_true(stats.size <= w->configs[i].max);
        assert_true(stats.acquired >= w->granted[i]); /* more: grants that were given up before they arrived */
    }
}

void world_begin(world *w)
{
    w->event++;
    w->failed_now = 0;
    w->blurred = false;
}

void world_settle(world *w, oxy_pool *p)
{
    oxy_err err;

    for (int i = 0; i < w->n_pools; i++) /* actions not taken yet disturb nothing */
        if (!oxy_pool_check(w->pools[i], &err))
            fail_msg("pool %d before its actions: %s", i, err.message);
    take_actions(w, p);
    if (w->gate != NULL)
        for (oxy_pool *other; (other = oxy_gate_next_pool(w->gate)) != NULL;)
            take_actions(w, other);
    check_one_writer(w);
    check_accounts(w);
    for (int i = 0; i < w->n_pools; i++)
        if (!oxy_pool_check(w->pools[i], &err))
            fail_msg("pool %d: %s", i, err.message);
}

/* --- making it -------------------------------------------------------------------------------- */

void world_make(world *w, uint64_t seed, int n_pools, bool single_writer)
{
    memset(w, 0, sizeof *w);
    w->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    w->now = OXY_NS_PER_S;
    w->n_pools = n_pools;
    w->pressure = 4;
    if (single_writer && n_pools > 1)
        assert_int_equal(oxy_gate_new(oxy_alloc_default(), &w->gate), OXY_OK);
    for (int i = 0; i < n_pools; i++) {
        uint32_t most = (uint32_t)(1 + roll(w, MAX_SLOTS));

        w->configs[i] = (oxy_pool_config){
            .max = most,
            .min = (uint32_t)roll(w, most + 1),
            .idle_timeout = (oxy_ns)(1 + roll(w, 5)) * OXY_NS_PER_S,
            .max_lifetime = (oxy_ns)(1 + roll(w, 20)) * OXY_NS_PER_S,
            .ping_after = roll(w, 2) == 0 ? OXY_NS_NEVER : (oxy_ns)roll(w, 500) * OXY_NS_PER_MS,
            .connect_retry = (oxy_ns)roll(w, 3) * OXY_NS_PER_S,
            .seed = seed,
            .single_writer = single_writer,
            .share_max = (uint32_t)roll(w, 7),
            .gate = w->gate,
        };
        assert_int_equal(oxy_pool_new(&w->configs[i], oxy_alloc_default(), &w->pools[i]), OXY_OK);
    }
    for (int i = 0; i < n_pools; i++) {
        world_begin(w);
        oxy_pool_start(w->pools[i], w->now);
        world_settle(w, w->pools[i]);
    }
}
