/* SPDX-License-Identifier: MIT */
/* generate: random statements from bytes, for the tests of shapes and for
 * fuzzing. Structure comes from the bytes alone, values from a seed alone, so
 * that two runs with the same bytes differ in values only. */
#ifndef OXY_TESTS_GENERATE_H
#define OXY_TESTS_GENERATE_H

#include <oxyde/query.h>

typedef struct generate_input {
    const unsigned char *p;
    size_t n;
    uint64_t values; /* seed of the values */
} generate_input;

/* Builds a statement; what it needs lies in the builder's arena. The builder
 * may be left failed (limits), as with any caller. */
void generate_statement(oxy_builder *b, generate_input input, oxy_stmt *out);

#endif
