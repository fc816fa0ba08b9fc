/* SPDX-License-Identifier: MIT */
/* Promises of the allocator entry points and the arena. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <fail_alloc.h>

#include "../../base/poison.h"

static void test_size_zero_allocates_nothing_and_frees_nothing(void **state)
{
    struct fail_alloc fail;
    void *p;

    (void)state;
    fail_alloc_init(&fail, 0);
    assert_null(oxy_alloc_new(&fail.alloc, 0));
    assert_null(oxy_alloc_zero(&fail.alloc, 0, 8));
    p = oxy_alloc_new(&fail.alloc, 8);
    assert_non_null(p);
    assert_null(oxy_alloc_resize(&fail.alloc, p, 0));
    assert_int_equal(fail.live, 1); /* p is still its owner's */
    oxy_alloc_free(&fail.alloc, p);
    oxy_alloc_free(&fail.alloc, NULL);
    assert_int_equal(fail.live, 0);
}

static void test_zero_clears_and_refuses_overflow(void **state)
{
    static const char zeros[64];
    char *p = oxy_alloc_zero(oxy_alloc_default(), 8, 8);

    (void)state;
    assert_non_null(p);
    assert_memory_equal(p, zeros, sizeof zeros);
    oxy_alloc_free(oxy_alloc_default(), p);
    assert_null(oxy_alloc_zero(oxy_alloc_default(), SIZE_MAX / 2, 3));
}

static void test_arena_pieces_are_aligned_apart_and_keep_their_content(void **state)
{
    struct fail_alloc fail;
    unsigned char *pieces[300];
    oxy_arena a;
    size_t i, k;

    (void)state;
    fail_alloc_init(&fail, 0);
    oxy_arena_init(&a, &fail.alloc, SIZE_MAX);
    for (i = 0; i < 300; i++) {
        pieces[i] = oxy_arena_new(&a, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)(i % 251), i);
    }
    for (i = 0; i < 300; i++) {
        for (k = 0; k < i; k++)
            assert_int_equal(pieces[i][k], i % 251);
    }
    assert_true(fail.live > 1); /* it grew by several blocks */
    oxy_arena_fini(&a);
    assert_int_equal(fail.live, 0);
}

static void test_arena_copy_and_zero(void **state)
{
    static const int zeros[10];
    oxy_arena a;
    char *copy;

    (void)state;
    oxy_arena_init(&a, oxy_alloc_default(), 1 << 20);
    memset(oxy_arena_new(&a, 400), 0xFF, 400);
    oxy_arena_reset(&a);
    assert_memory_equal(oxy_arena_zero(&a, 10, sizeof(int)), zeros, sizeof zeros);
    copy = oxy_arena_copy(&a, "keel and mast", 4);
    assert_string_equal(copy, "keel");
    copy = oxy_arena_copy(&a, NULL, 0);
    assert_string_equal(copy, "");
    assert_null(oxy_arena_zero(&a, SIZE_MAX / 2, 3));
    assert_true(a.failed);
    oxy_arena_fini(&a);
}

static void test_arena_never_takes_more_than_its_limit(void **state)
{
    struct fail_alloc fail;
    oxy_arena a;
    size_t got = 0;

    (void)state;
    fail_alloc_init(&fail, 0);
    oxy_arena_init(&a, &fail.alloc, 10000);
    while (oxy_arena_new(&a, 100) != NULL)
        got += 100;
    assert_true(got >= 7000 && got <= 10000);
    assert_true(a.used <= 10000);
    assert_true(a.failed);
    assert_null(oxy_arena_new(&a, 1)); /* failure sticks, also for what would fit */
    oxy_arena_reset(&a);
    assert_false(a.failed);
    assert_non_null(oxy_arena_new(&a, 1));
    assert_null(oxy_arena_new(&a, SIZE_MAX));
    oxy_arena_fini(&a);
    assert_int_equal(fail.live, 0);
}

static void test_arena_works_in_storage_of_the_caller_without_allocating(void **state)
{
    struct fail_alloc fail;
    char storage[2048];
    oxy_arena a;
    char *p;

    (void)state;
    fail_alloc_init(&fail, 0);
    oxy_arena_init_in(&a, &fail.alloc, 1 << 20, storage + 1, sizeof storage - 1);
    p = oxy_arena_new(&a, 100);
    assert_in_range((uintptr_t)p, (uintptr_t)storage, (uintptr_t)storage + sizeof storage);
    oxy_arena_reset(&a);
    assert_ptr_equal(oxy_arena_new(&a, 100), p);
    assert_int_equal(fail.calls, 0);
    assert_non_null(oxy_arena_new(&a, 4000)); /* does not fit: a heap block */
    assert_int_equal(fail.live, 1);
    oxy_arena_fini(&a);
    assert_int_equal(fail.live, 0);
    memset(storage, 0, sizeof storage); /* usable again, also under ASan */
}

static void test_arena_ignores_storage_that_is_too_small(void **state)
{
    char storage[16];
    oxy_arena a;

    (void)state;
    oxy_arena_init_in(&a, oxy_alloc_default(), 1 << 20, storage, sizeof storage);
    assert_non_null(oxy_arena_new(&a, 1));
    oxy_arena_fini(&a);
    oxy_arena_init_in(&a, oxy_alloc_default(), 1 << 20, NULL, 0);
    assert_non_null(oxy_arena_new(&a, 1));
    oxy_arena_fini(&a);
}

static void test_arena_reset_keeps_one_block_of_moderate_size(void **state)
{
    struct fail_alloc fail;
    oxy_arena a;
    size_t calls, i;

    (void)state;
    fail_alloc_init(&fail, 0);
    oxy_arena_init(&a, &fail.alloc, SIZE_MAX);
    for (i = 0; i < 100; i++)
        assert_non_null(oxy_arena_new(&a, 500));
    oxy_arena_reset(&a);
    assert_int_equal(fail.live, 1);
    calls = fail.calls;
    for (i = 0; i < 20; i++)
        assert_non_null(oxy_arena_new(&a, 500));
    assert_int_equal(fail.calls, calls);
    assert_non_null(oxy_arena_new(&a, 8 << 20)); /* a giant is not kept */
    oxy_arena_reset(&a);
    assert_true(a.used < 1 << 20);
    oxy_arena_fini(&a);
    assert_int_equal(fail.live, 0);
}

static void test_arena_poisons_what_it_has_not_given_out(void **state)
{
    (void)state;
#ifdef OXY__ASAN
    oxy_arena a;
    char *p, *q;

    oxy_arena_init(&a, oxy_alloc_default(), 1 << 20);
    p = oxy_arena_new(&a, 13);
    q = oxy_arena_new(&a, 16);
    assert_false(__asan_address_is_poisoned(p + 12));
    assert_true(__asan_address_is_poisoned(p + 13)); /* between two pieces */
    assert_true(__asan_address_is_poisoned(q + 16)); /* behind the last one */
    oxy_arena_reset(&a);
    assert_true(__asan_address_is_poisoned(p)); /* after the reset */
    oxy_arena_fini(&a);
#else
    skip();
#endif
}

static oxy_rc fill_arena(const oxy_alloc *alloc, void *arg)
{
    oxy_arena a;
    size_t i;
    oxy_rc rc;

    (void)arg;
    oxy_arena_init(&a, alloc, SIZE_MAX);
    for (i = 0; i < 2000; i++)
        (void)!oxy_arena_new(&a, i);
    rc = a.failed ? OXY_NOMEM : OXY_OK;
    oxy_arena_fini(&a);
    return rc;
}

static void test_arena_survives_every_allocation_failure(void **state)
{
    (void)state;
    assert_true(fail_torture(fill_arena, NULL) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_zero_allocates_nothing_and_frees_nothing),
        cmocka_unit_test(test_zero_clears_and_refuses_overflow),
        cmocka_unit_test(test_arena_pieces_are_aligned_apart_and_keep_their_content),
        cmocka_unit_test(test_arena_copy_and_zero),
        cmocka_unit_test(test_arena_never_takes_more_than_its_limit),
        cmocka_unit_test(test_arena_works_in_storage_of_the_caller_without_allocating),
        cmocka_unit_test(test_arena_ignores_storage_that_is_too_small),
        cmocka_unit_test(test_arena_reset_keeps_one_block_of_moderate_size),
        cmocka_unit_test(test_arena_poisons_what_it_has_not_given_out),
        cmocka_unit_test(test_arena_survives_every_allocation_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
