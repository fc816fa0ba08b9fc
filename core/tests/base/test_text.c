/* SPDX-License-Identifier: MIT */
/* Promises of buffers, views, UTF-8 checking, errors, hash and clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <fail_alloc.h>

/* --- buffers and views ----------------------------------------------------------------- */

static void test_buffer_builds_terminated_text(void **state)
{
    oxy_buf b;
    char *text;
    size_t len;

    (void)state;
    oxy_buf_init(&b, oxy_alloc_default(), 1000);
    oxy_buf_puts(&b, "a");
    oxy_buf_putc(&b, '=');
    oxy_buf_putu(&b, 0);
    oxy_buf_putc(&b, ' ');
    oxy_buf_putu(&b, UINT64_MAX);
    oxy_buf_printf(&b, " %s-%03d", "x", 7);
    oxy_buf_put(&b, NULL, 0);
    assert_string_equal(b.p, "a=0 18446744073709551615 x-007");
    assert_int_equal(b.len, strlen(b.p));
    assert_int_equal(oxy_buf_take(&b, &text, &len), OXY_OK);
    assert_int_equal(len, strlen(text));
    assert_null(b.p);
    oxy_alloc_free(oxy_alloc_default(), text);
    oxy_buf_fini(&b);
}

static void test_taking_an_empty_buffer_gives_an_empty_text(void **state)
{
    oxy_buf b;
    char *text;

    (void)state;
    oxy_buf_init(&b, oxy_alloc_default(), 0);
    assert_int_equal(oxy_buf_take(&b, &text, NULL), OXY_OK);
    assert_string_equal(text, "");
    oxy_alloc_free(oxy_alloc_default(), text);
}

static void test_buffer_holds_its_limit_and_the_first_failure_sticks(void **state)
{
    oxy_buf b;
    char *text;
    size_t len = 9;

    (void)state;
    oxy_buf_init(&b, oxy_alloc_default(), 70);
    oxy_buf_printf(&b, "%070d", 1);
    assert_int_equal(b.rc, OXY_OK);
    assert_int_equal(b.len, 70);
    oxy_buf_putc(&b, 'x');
    assert_int_equal(b.rc, OXY_DATA);
    oxy_buf_put(&b, "", 0);
    assert_int_equal(b.len, 70);
    assert_int_equal(oxy_buf_take(&b, &text, &len), OXY_DATA);
    assert_null(text);
    assert_int_equal(len, 0);
    oxy_buf_reset(&b);
    assert_int_equal(b.rc, OXY_OK);
    assert_string_equal(b.p, "");
    oxy_buf_put(&b, "abc", SIZE_MAX);
    assert_int_equal(b.rc, OXY_DATA);
    oxy_buf_fini(&b);
}

static oxy_rc fill_buffer(const oxy_alloc *alloc, void *arg)
{
    oxy_buf b;
    oxy_rc rc;
    int i;

    (void)arg;
    oxy_buf_init(&b, alloc, SIZE_MAX);
    for (i = 0; i < 1000; i++)
        oxy_buf_printf(&b, "%d,", i);
    rc = b.rc;
    oxy_buf_fini(&b);
    return rc;
}

static void test_buffer_survives_every_allocation_failure(void **state)
{
    (void)state;
    assert_true(fail_torture(fill_buffer, NULL) > 3);
}

static void test_views_compare_by_content(void **state)
{
    (void)state;
    assert_true(oxy_sv_eq(oxy_sv_of("abc"), OXY_SV("abc")));
    assert_false(oxy_sv_eq(oxy_sv_of("abc"), OXY_SV("abd")));
    assert_false(oxy_sv_eq(oxy_sv_of("abc"), OXY_SV("ab")));
    assert_true(oxy_sv_eq(oxy_sv_of(NULL), OXY_SV("")));
}

/* --- UTF-8 --------------------------------------------------------------------------------- */

static void assert_valid_prefix(const char *text, size_t len, size_t valid)
{
    char padded[64] = "0123456789ab";

    assert_int_equal(oxy_utf8_valid(text, len), valid);
    /* The same behind a run of ASCII, where whole words are skipped. */
    memcpy(padded + 12, text, len);
    assert_int_equal(oxy_utf8_valid(padded, 12 + len), 12 + valid);
}

static void test_utf8_accepts_every_code_point_and_nothing_else(void **state)
{
    uint32_t c;

    (void)state;
    for (c = 0; c < 0x120000; c++) {
        char text[4];
        size_t len;
        bool good = c < 0x110000 && (c < 0xD800 || c > 0xDFFF);

        if (c < 0x80) {
            text[0] = (char)c;
            len = 1;
        } else if (c < 0x800) {
            text[0] = (char)(0xC0 | c >> 6);
            text[1] = (char)(0x80 | (c & 63));
            len = 2;
        } else if (c < 0x10000) {
            text[0] = (char)(0xE0 | c >> 12);
            text[1] = (char)(0x80 | (c >> 6 & 63));
            text[2] = (char)(0x80 | (c & 63));
            len = 3;
        } else {
            text[0] = (char)(0xF0 | c >> 18);
            text[1] = (char)(0x80 | (c >> 12 & 63));
            text[2] = (char)(0x80 | (c >> 6 & 63));
            text[3] = (char)(0x80 | (c & 63));
            len = 4;
        }
        assert_int_equal(oxy_utf8_valid(text, len), good ? len : 0);
        if (len > 1)
            assert_int_equal(oxy_utf8_valid(text, len - 1), 0);
    }
}

static void test_utf8_stops_at_the_first_bad_byte(void **state)
{
    (void)state;
    assert_valid_prefix("", 0, 0);
    assert_valid_prefix("h\xC3\xA9llo", 6, 6);
    assert_valid_prefix("h\xC3llo", 5, 1);
    assert_valid_prefix("ab\x80", 3, 2);
    assert_valid_prefix("ab\xFF", 3, 2);
    assert_valid_prefix("\xC0\x80", 2, 0);         /* overlong NUL */
    assert_valid_prefix("\xE0\x9F\xBF", 3, 0);     /* overlong */
    assert_valid_prefix("\xF0\x8F\xBF\xBF", 4, 0); /* overlong */
    assert_valid_prefix("\xED\xA0\x80", 3, 0);     /* surrogate */
    assert_valid_prefix("\xF4\x90\x80\x80", 4, 0); /* above U+10FFFF */
    assert_valid_prefix("x\xF0\x9F\x98\x80\xF0\x9F", 7, 5);
    assert_int_equal(oxy_utf8_valid("a\0b", 3), 3);
}

/* --- errors ---------------------------------------------------------------------------------- */

static void test_every_code_has_its_exception(void **state)
{
    int rc;

    (void)state;
    assert_string_equal(oxy_rc_exception(OXY_OK), "");
    for (rc = 1; rc < OXY_RC_COUNT; rc++)
        assert_true(strlen(oxy_rc_exception((oxy_rc)rc)) > 4);
    assert_string_equal(oxy_rc_exception(OXY_UNIQUE), "UniqueViolationError");
    assert_string_equal(oxy_rc_exception((oxy_rc)9999), "InternalError");
}

static void test_setting_an_error_clears_the_rest_and_returns_the_code(void **state)
{
    oxy_err err = {.native = 7, .sqlstate = "42P01", .detail = "d", .hint = "h", .table = "t", .column = "c"};

    (void)state;
    assert_int_equal(oxy_err_set(&err, OXY_DATA, "row %d", 3), OXY_DATA);
    assert_int_equal(err.rc, OXY_DATA);
    assert_string_equal(err.message, "row 3");
    assert_int_equal(err.native, 0);
    assert_string_equal(err.sqlstate, "");
    assert_string_equal(err.detail, "");
    assert_string_equal(err.hint, "");
    assert_string_equal(err.table, "");
    assert_string_equal(err.column, "");
    assert_int_equal(oxy_err_set(NULL, OXY_NOMEM, "x"), OXY_NOMEM);
}

static void test_an_error_may_quote_its_own_former_message(void **state)
{
    oxy_err err;

    (void)state;
    (void)oxy_err_set(&err, OXY_DATA, "inner");
    (void)oxy_err_set(&err, OXY_DATABASE, "outer: %s", err.message);
    assert_string_equal(err.message, "outer: inner");
}

static void test_long_words_are_cut_between_characters(void **state)
{
    char field[10], long_text[3000];
    oxy_err err;

    (void)state;
    oxy_err_copy(field, sizeof field, "123456789", 9);
    assert_string_equal(field, "123456789");
    oxy_err_copy(field, sizeof field, "1234567890", 10);
    assert_string_equal(field, "123456...");
    oxy_err_copy(field, sizeof field,
                 "12345\xC3\xA9"
                 "7890",
                 11);
    assert_string_equal(field, "12345...");
    oxy_err_copy(field, sizeof field,
                 "123\xF0\x9F\x98\x80"
                 "7890",
                 11);
    assert_string_equal(field, "123...");
    oxy_err_copy(field, 3, "abcdef", 6);
    assert_string_equal(field, "");
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    (void)oxy_err_set(&err, OXY_DATA, "%s", long_text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_string_equal(err.message + sizeof err.message - 5, "x...");
    long_text[sizeof err.message - 1] = '\0'; /* exactly full */
    (void)oxy_err_set(&err, OXY_DATA, "%s", long_text);
    assert_string_equal(err.message, long_text);
}

/* --- hash, clock ------------------------------------------------------------------------------ */

static void test_hash_depends_on_every_bit_length_and_seed(void **state)
{
    unsigned char data[40] = {0};
    uint64_t seen[sizeof data * 8 + 42], h;
    size_t n = 0, i, k;

    (void)state;
    for (i = 0; i <= sizeof data; i++)
        seen[n++] = oxy_hash(data, i, 1);
    for (i = 0; i < sizeof data * 8; i++) {
        data[i / 8] ^= (unsigned char)(1 << i % 8);
        seen[n++] = oxy_hash(data, sizeof data, 1);
        data[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    seen[n++] = oxy_hash(data, sizeof data, 2);
    for (i = 0; i < n; i++) {
        for (k = 0; k < i; k++)
            assert_true(seen[i] != seen[k]);
    }
    h = oxy_hash("shape", 5, 0);
    assert_true(h == oxy_hash("shape", 5, 0));
}

static void test_hash_spreads_over_the_low_bits(void **state)
{
    unsigned buckets[256] = {0};
    uint32_t i;

    (void)state;
    for (i = 0; i < 256 * 64; i++)
        buckets[oxy_hash(&i, sizeof i, 0) & 255]++;
    for (i = 0; i < 256; i++)
        assert_in_range(buckets[i], 24, 128); /* expected 64 */
}

static void test_clock_never_runs_backwards(void **state)
{
    oxy_ns last = oxy_clock_now();
    int i;

    (void)state;
    assert_true(last > 0);
    for (i = 0; i < 1000; i++) {
        oxy_ns now = oxy_clock_now();

        assert_true(now >= last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer_builds_terminated_text),
        cmocka_unit_test(test_taking_an_empty_buffer_gives_an_empty_text),
        cmocka_unit_test(test_buffer_holds_its_limit_and_the_first_failure_sticks),
        cmocka_unit_test(test_buffer_survives_every_allocation_failure),
        cmocka_unit_test(test_views_compare_by_content),
        cmocka_unit_test(test_utf8_accepts_every_code_point_and_nothing_else),
        cmocka_unit_test(test_utf8_stops_at_the_first_bad_byte),
        cmocka_unit_test(test_every_code_has_its_exception),
        cmocka_unit_test(test_setting_an_error_clears_the_rest_and_returns_the_code),
        cmocka_unit_test(test_an_error_may_quote_its_own_former_message),
        cmocka_unit_test(test_long_words_are_cut_between_characters),
        cmocka_unit_test(test_hash_depends_on_every_bit_length_and_seed),
        cmocka_unit_test(test_hash_spreads_over_the_low_bits),
        cmocka_unit_test(test_clock_never_runs_backwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
