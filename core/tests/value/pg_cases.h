/* SPDX-License-Identifier: MIT */
/* pg_cases: cells as PostgreSQL's driver hands them out, for the tests of that
 * codec. Bytes are written in hexadecimal. */
#ifndef OXY_TESTS_PG_CASES_H
#define OXY_TESTS_PG_CASES_H

#define TEST_CODEC oxy_codec_postgres
#include "codec_cases.h"

static oxy_coldesc pg_desc;

static inline oxy_sv from_hex(const char *hex)
{
    size_t n = strlen(hex) / 2, i;
    char *bytes = oxy_arena_new(&scratch, n + 1);

    assert_non_null(bytes);
    for (i = 0; i < n; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

        bytes[i] = (char)strtol(digits, NULL, 16);
    }
    return (oxy_sv){bytes, n};
}

static inline void describe(uint32_t oid, uint32_t flags)
{
    pg_desc = (oxy_coldesc){.wire_type = oid, .wire_flags = flags};
    described = &pg_desc;
}

/* The cell that a driver makes of these bytes; types that it does not know come
 * as they are. */
static inline oxy_cell binary_cell(uint32_t oid, oxy_sv bytes)
{
    oxy_pg_class class = oxy_pg_cell_class(oid);
    oxy_cell cell;

    describe(oid, 0);
    if (class == OXY_PG_UNKNOWN || !oxy_pg_read_cell(class, bytes.p, (uint32_t)bytes.len, &cell))
        cell = (oxy_cell){.tag = OXY_C_WIRE, .p = bytes.p, .len = (uint32_t)bytes.len};
    return cell;
}

static inline oxy_cell wire(uint32_t oid, const char *hex)
{
    return binary_cell(oid, from_hex(hex));
}

/* A cell of a result in text format. */
static inline oxy_cell text(uint32_t oid, const char *p)
{
    describe(oid, OXY_PG_TEXT);
    return cell_text(p);
}

static inline oxy_value value_uuid(const char *hex)
{
    oxy_value v = {.tag = OXY_V_UUID};

    memcpy(v.uuid, from_hex(hex).p, 16);
    return v;
}

static inline oxy_value list_of(size_t n, const oxy_value *items)
{
    oxy_array *array = oxy_arena_new(&scratch, sizeof *array);
    oxy_value *copy = oxy_arena_new(&scratch, (n + 1) * sizeof *copy);

    assert_non_null(array);
    assert_non_null(copy);
    if (n > 0)
        memcpy(copy, items, n * sizeof *copy);
    *array = (oxy_array){.n = n, .items = copy};
    return (oxy_value){.tag = OXY_V_ARRAY, .array = array};
}

#define LIST(...) list_of(sizeof((oxy_value[]){__VA_ARGS__}) / sizeof(oxy_value), (const oxy_value[]){__VA_ARGS__})

#endif
