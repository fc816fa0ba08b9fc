/* SPDX-License-Identifier: MIT */
/* Errands: each runs once or is dropped, each is told of once, and no more
 * threads than allowed. */
#include "harness.h"

#include "driver/errand.h"
#include "driver/words.h"
#include "fail_alloc.h"

#include <string.h>
#include <time.h>

static void nap(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

static struct counters {
    atomic_int running, most, ran, freed, told;
} n;

typedef struct job {
    oxy__errand base;
    int ms;
} job;

static void run(oxy__errand *e)
{
    int now = atomic_fetch_add(&n.running, 1) + 1, most = atomic_load(&n.most);

    while (now > most && !atomic_compare_exchange_weak(&n.most, &most, now))
        ;
    nap(((job *)e)->ms);
    atomic_fetch_add(&n.ran, 1);
    atomic_fetch_sub(&n.running, 1);
}

static void release(oxy__errand *e)
{
    atomic_fetch_add(&n.freed, 1);
    oxy_alloc_free(oxy_alloc_default(), e);
}

static void told(void *arg)
{
    (void)arg;
    atomic_fetch_add(&n.told, 1);
}

static job *make(int ms)
{
    job *j = oxy_alloc_zero(oxy_alloc_default(), 1, sizeof *j);

    assert_non_null(j);
    assert_int_equal(oxy__errand_init(&j->base, run, release), OXY_OK);
    j->ms = ms;
    return j;
}

static oxy_errands *fresh(void)
{
    oxy_errands *pool;

    memset(&n, 0, sizeof n);
    assert_int_equal(oxy_errands_new(oxy_alloc_default(), &pool), OXY_OK);
    return pool;
}

static void test_many_errands_on_few_threads(void **state)
{
    oxy_errands *pool = fresh();
    job *jobs[64];
    oxy_err err;

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(jobs); i++) {
        jobs[i] = make(5);
        assert_int_equal(oxy__errands_send(pool, &jobs[i]->base, &err), OXY_OK);
        oxy__errand_wait(&jobs[i]->base, told, NULL);
    }
    for (int i = 0; i < 5000 && atomic_load(&n.told) < 64; i++)
        nap(1);
    assert_int_equal(atomic_load(&n.told), 64);
    assert_int_equal(atomic_load(&n.ran), 64);
    assert_in_range(atomic_load(&n.most), 2, OXY__ERRAND_THREADS);
    for (size_t i = 0; i < OXY_COUNT(jobs); i++) {
        assert_true(oxy__errand_over(&jobs[i]->base));
        oxy__errand_wait(&jobs[i]->base, told, NULL); /* at once */
        oxy__errand_drop(&jobs[i]->base);
    }
    assert_int_equal(atomic_load(&n.told), 128);
    oxy_errands_free(pool);
    assert_int_equal(atomic_load(&n.freed), 64);
}

static void test_a_dropped_errand_tells_nobody(void **state)
{
    oxy_errands *pool = fresh();
    oxy_err err;

    (void)state;
    for (int i = 0; i < 20; i++) {
        job *j = make(i % 3);

        assert_int_equal(oxy__errands_send(pool, &j->base, &err), OXY_OK);
        oxy__errand_wait(&j->base, told, NULL);
        if (i % 2)
            nap(1);
        oxy__errand_drop(&j->base);
    }
    oxy_errands_free(pool);
    assert_int_equal(atomic_load(&n.freed), 20);
    assert_in_range(atomic_load(&n.told), 0, 20);
}

static void test_closing_drops_what_has_not_begun(void **state)
{
    oxy_errands *pool = fresh();
    job *jobs[OXY__ERRAND_THREADS + 4];
    oxy_err err;
    int dropped = 0;

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(jobs); i++) {
        jobs[i] = make(800); /* long enough for a slow machine to send them all meanwhile */
        assert_int_equal(oxy__errands_send(pool, &jobs[i]->base, &err), OXY_OK);
        oxy__errand_wait(&jobs[i]->base, told, NULL);
    }
    oxy_errands_free(pool);
    for (size_t i = 0; i < OXY_COUNT(jobs); i++) {
        assert_true(oxy__errand_over(&jobs[i]->base));
        dropped += jobs[i]->base.dropped;
        oxy__errand_drop(&jobs[i]->base);
    }
    assert_int_equal(atomic_load(&n.ran) + dropped, OXY_COUNT(jobs));
    assert_true(dropped >= 4);
    assert_int_equal(atomic_load(&n.told), OXY_COUNT(jobs));
    oxy_errands_free(NULL);
}

static void test_without_threads_nothing_is_sent(void **state)
{
    job *j = make(0);
    oxy_err err;

    (void)state;
    assert_int_equal(oxy__errands_send(NULL, &j->base, &err), OXY_INTERFACE);
    oxy__errand_drop(&j->base);
    oxy__errand_drop(NULL);
}

static oxy_rc make_pool(const oxy_alloc *alloc, void *arg)
{
    oxy_errands *pool;
    oxy_rc rc = oxy_errands_new(alloc, &pool);

    (void)arg;
    oxy_errands_free(pool);
    return rc;
}

static void test_memory_may_fail(void **state)
{
    (void)state;
    assert_int_equal(fail_torture(make_pool, NULL), 1);
}

/* --- words ------------------------------------------------------------------------------ */

static void test_what_kind_of_statement_a_text_is(void **state)
{
    static const struct {
        const char *sql;
        oxy__sql_kind kind;
        bool plain;
    } cases[] = {
        {"", OXY__SQL_EMPTY, true},
        {" -- x\n /* y */ ;", OXY__SQL_EMPTY, true},
        {"select 1", OXY__SQL_SELECT, true},
        {"/* x */ ((SELECT 1) UNION (SELECT 2))", OXY__SQL_SELECT, true},
        {"show all", OXY__SQL_SELECT, true},
        {"MERGE INTO t", OXY__SQL_DML, true},
        {"WITH x AS (SELECT 1) INSERT", OXY__SQL_DML, true},
        {"insert into t", OXY__SQL_INSERT, true},
        {"BEGIN", OXY__SQL_BEGIN, false},
        {"START TRANSACTION", OXY__SQL_BEGIN, false},
        {"end", OXY__SQL_COMMIT, false},
        {"rollback to x", OXY__SQL_ROLLBACK, false},
        {"selection", OXY__SQL_OTHER, false},
        {"SET x = 1", OXY__SQL_OTHER, false},
        {"/* never closed", OXY__SQL_EMPTY, true},
        {"(", OXY__SQL_OTHER, false},
    };

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(cases); i++) {
        bool plain;

        assert_int_equal(oxy__sql_classify(cases[i].sql, strlen(cases[i].sql), &plain), cases[i].kind);
        assert_int_equal(plain, cases[i].plain);
    }
    assert_true(oxy__sql_starts_with(" ;copy t", 8, "COPY"));
    assert_false(oxy__sql_starts_with("copying", 7, "COPY"));
    assert_false(oxy__sql_starts_with(NULL, 0, "COPY"));
}

static void test_several_statements_are_told_from_one(void **state)
{
    static const struct {
        const char *sql;
        bool several;
    } cases[] = {
        {"", false},
        {"SELECT 1", false},
        {"SELECT 1; -- end", false},
        {";;SELECT 1;;", false},
        {"SELECT ';', \"a;b\", $$;x$$, $q$ ; $$ ; $q$, $1 -- ;y\n /* ;z */", false},
        {"SELECT 1; SELECT 2", true},
        {"SELECT 'it''s'; x", true},
        {"SELECT $1; x", true},
        {"SELECT 'open ; x", false},
    };

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(cases); i++)
        assert_int_equal(oxy__sql_several(cases[i].sql, strlen(cases[i].sql)), cases[i].several);
}

static job *sent(oxy_errands *pool, int ms)
{
    job *j = make(ms);
    oxy_err err;

    assert_int_equal(oxy__errands_send(pool, &j->base, &err), OXY_OK);
    return j;
}

static void test_a_pause_waits_and_holds_back(void **state)
{
    oxy_errands *pool;
    job *first, *second;

    (void)state;
    memset(&n, 0, sizeof n);
    assert_int_equal(oxy_errands_new(oxy_alloc_default(), &pool), OXY_OK);
    assert_true(oxy_errands_pause(pool, 0)); /* nothing runs */
    oxy_errands_resume(pool);
    first = sent(pool, 300);
    while (!atomic_load(&n.running))
        nap(1);
    assert_false(oxy_errands_pause(pool, 20 * OXY_NS_PER_MS)); /* not that soon */
    assert_true(oxy_errands_pause(pool, 20 * OXY_NS_PER_S));
    assert_true(oxy__errand_over(&first->base));
    second = sent(pool, 0);
    oxy_errands_resume(pool);
    nap(50);
    assert_false(oxy__errand_over(&second->base)); /* one pause is left */
    oxy_errands_resume(pool);
    for (int i = 0; i < 5000 && !oxy__errand_over(&second->base); i++)
        nap(1);
    assert_true(oxy__errand_over(&second->base));
    oxy__errand_drop(&first->base);
    oxy__errand_drop(&second->base);
    oxy_errands_free(pool);
}

static void test_at_the_end_what_was_asked_for_is_done(void **state)
{
    oxy_errands *pool;
    job *jobs[OXY__ERRAND_THREADS + 2], *late;

    (void)state;
    memset(&n, 0, sizeof n);
    assert_int_equal(oxy_errands_new(oxy_alloc_default(), &pool), OXY_OK);
    for (size_t i = 0; i < OXY_COUNT(jobs); i++) /* more than there are threads: some wait */
        jobs[i] = sent(pool, 30);
    assert_true(oxy_errands_settle(pool, 20 * OXY_NS_PER_S));
    for (size_t i = 0; i < OXY_COUNT(jobs); i++) {
        assert_true(oxy__errand_over(&jobs[i]->base));
        oxy__errand_drop(&jobs[i]->base);
    }
    late = sent(pool, 0);
    nap(50);
    assert_false(oxy__errand_over(&late->base));
    oxy__errand_drop(&late->base);
    oxy_errands_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_errands_on_few_threads),
        cmocka_unit_test(test_a_dropped_errand_tells_nobody),
        cmocka_unit_test(test_closing_drops_what_has_not_begun),
        cmocka_unit_test(test_without_threads_nothing_is_sent),
        cmocka_unit_test(test_a_pause_waits_and_holds_back),
        cmocka_unit_test(test_at_the_end_what_was_asked_for_is_done),
        cmocka_unit_test(test_memory_may_fail),
        cmocka_unit_test(test_what_kind_of_statement_a_text_is),
        cmocka_unit_test(test_several_statements_are_told_from_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
