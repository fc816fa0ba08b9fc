/* SPDX-License-Identifier: MIT */
/* codec_cases: cells, values and what a codec makes of them, for the tests of
 * both directions. */
#ifndef OXY_TESTS_CODEC_CASES_H
#define OXY_TESTS_CODEC_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <fail_alloc.h>
#include <oxyde/value.h>

/* A file may name another codec, and describe the column of its cells. */
#ifndef TEST_CODEC
#define TEST_CODEC oxy_codec_sqlite
#endif

static const oxy_coldesc *described;

#define DAY INT64_C(86400000000)

/* --- making cells and values ----------------------------------------------------------------- */

static inline oxy_cell cell_int(int64_t i)
{
    return (oxy_cell){.tag = OXY_C_INT, .i = i};
}

static inline oxy_cell cell_uint(uint64_t u)
{
    return (oxy_cell){.tag = OXY_C_UINT, .i = (int64_t)u};
}

static inline oxy_cell cell_double(double d)
{
    return (oxy_cell){.tag = OXY_C_DOUBLE, .d = d};
}

static inline oxy_cell cell_text(const char *text)
{
    return (oxy_cell){.tag = OXY_C_TEXT, .p = text, .len = (uint32_t)strlen(text)};
}

static inline oxy_cell cell_blob(const char *p, uint32_t len)
{
    return (oxy_cell){.tag = OXY_C_BLOB, .p = p, .len = len};
}

static inline oxy_value value_int(oxy_tag tag, int64_t i)
{
    return (oxy_value){.tag = (uint8_t)tag, .i = i};
}

static inline oxy_value value_uint(uint64_t u)
{
    return (oxy_value){.tag = OXY_V_UINT, .u = u};
}

static inline oxy_value value_double(double d)
{
    return (oxy_value){.tag = OXY_V_DOUBLE, .d = d};
}

static inline oxy_value value_text(oxy_tag tag, const char *text)
{
    return (oxy_value){.tag = (uint8_t)tag, .s = oxy_sv_of(text)};
}

/* Where results live during a test. */
static oxy_arena scratch;

static inline int set_up(void **state)
{
    (void)state;
    oxy_arena_init(&scratch, oxy_alloc_default(), (size_t)64 << 20);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    oxy_arena_fini(&scratch);
    return 0;
}

/* --- assertions ---------------------------------------------------------------------------------- */

/* Bit for bit: -0.0 is not 0.0. */
static inline bool same_double(double a, double b)
{
    uint64_t x, y;

    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x == y;
}

static inline bool same_value(const oxy_value *a, const oxy_value *b)
{
    size_t i;

    if (a->tag != b->tag)
        return false;
    switch ((oxy_tag)a->tag) {
    case OXY_V_NULL: return true;
    case OXY_V_DOUBLE: return same_double(a->d, b->d);
    case OXY_V_TEXT:
    case OXY_V_BLOB:
    case OXY_V_DECIMAL:
    case OXY_V_JSON:
    case OXY_V_INET: return oxy_sv_eq(a->s, b->s);
    case OXY_V_UUID: return memcmp(a->uuid, b->uuid, 16) == 0;
    case OXY_V_ARRAY:
        if (a->array->n != b->array->n)
            return false;
        for (i = 0; i < a->array->n; i++) {
            if (!same_value(&a->array->items[i], &b->array->items[i]))
                return false;
        }
        return true;
    default: return a->i == b->i;
    }
}

static inline oxy_rc decode_as(const oxy_type *type, oxy_cell cell, oxy_value *out, oxy_err *err)
{
    return TEST_CODEC.decode[type->kind](&cell, described, type, &scratch, out, err);
}

static inline void assert_reads(oxy_kind kind, oxy_cell cell, oxy_value expected)
{
    oxy_type type = {.kind = kind};
    oxy_value v;
    oxy_err err;

    if (decode_as(&type, cell, &v, &err) != OXY_OK)
        fail_msg("%s: %s", oxy_kind_name(kind), err.message);
    if (!same_value(&v, &expected))
        fail_msg("%s: another value (tag %d)", oxy_kind_name(kind), v.tag);
}

static inline bool text_holds(const char *text, const char *part, size_t len)
{
    for (; strlen(text) >= len; text++)
        if (memcmp(text, part, len) == 0)
            return true;
    return false;
}

/* The message names the cell's class and the kind, and holds nothing of it. */
static inline void assert_refuses(oxy_kind kind, oxy_cell cell, const char *class)
{
    oxy_type type = {.kind = kind};
    oxy_value v;
    oxy_err err;

    if (decode_as(&type, cell, &v, &err) != OXY_DATA)
        fail_msg("%s: accepted", oxy_kind_name(kind));
    assert_int_equal(err.rc, OXY_DATA);
    assert_non_null(strstr(err.message, class));
    if (kind != OXY_K_UNKNOWN) /* free text wants no kind */
        assert_non_null(strstr(err.message, oxy_kind_name(kind)));
    if (cell.tag == OXY_C_TEXT && cell.len > 3)
        assert_false(text_holds(err.message, cell.p, cell.len));  /* a cell has no NUL behind it */
    assert_int_equal(decode_as(&type, cell, &v, NULL), OXY_DATA); /* without words */
}

static inline oxy_rc encode_as(const oxy_type *type, oxy_value in, oxy_value *out, oxy_err *err)
{
    return TEST_CODEC.encode(&in, type, &scratch, out, err);
}

static inline void assert_stores_type(oxy_type type, oxy_value in, oxy_value expected)
{
    oxy_value out;
    oxy_err err;

    if (encode_as(&type, in, &out, &err) != OXY_OK)
        fail_msg("%s: %s", oxy_kind_name(type.kind), err.message);
    if (!same_value(&out, &expected))
        fail_msg("tag %d as %s: tag %d '%.*s'", in.tag, oxy_kind_name(type.kind), out.tag,
                 out.tag == OXY_V_TEXT ? (int)out.s.len : 0, out.tag == OXY_V_TEXT ? out.s.p : "");
}

static inline void assert_stores(oxy_kind kind, oxy_value in, oxy_value expected)
{
    assert_stores_type((oxy_type){.kind = kind}, in, expected);
}

static inline void assert_stores_text(oxy_kind kind, oxy_value in, const char *expected)
{
    assert_stores(kind, in, value_text(OXY_V_TEXT, expected));
}

static inline void assert_keeps_out_type(oxy_type type, oxy_value in, const char *words)
{
    oxy_value out;
    oxy_err err;

    if (encode_as(&type, in, &out, &err) != OXY_DATA)
        fail_msg("tag %d as %s: accepted", in.tag, oxy_kind_name(type.kind));
    if (strstr(err.message, words) == NULL || strstr(err.message, oxy_kind_name(type.kind)) == NULL)
        fail_msg("message: %s", err.message);
    if (in.tag == OXY_V_TEXT && in.s.len > 3)
        assert_null(strstr(err.message, in.s.p));
}

static inline void assert_keeps_out(oxy_kind kind, oxy_value in, const char *words)
{
    assert_keeps_out_type((oxy_type){.kind = kind}, in, words);
}

static inline oxy_type array_of(oxy_kind elem, uint8_t ndim)
{
    return (oxy_type){.kind = OXY_K_ARRAY, .elem = elem, .ndim = ndim};
}

#endif
