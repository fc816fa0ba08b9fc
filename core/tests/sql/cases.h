/* SPDX-License-Identifier: MIT */
/* cases: reads the files under golden/. */
#ifndef OXY_TESTS_CASES_H
#define OXY_TESTS_CASES_H

#include <oxyde/base.h>

enum { GOLDEN_PG, GOLDEN_MYSQL, GOLDEN_MARIADB, GOLDEN_SQLITE, GOLDEN_DIALECTS };

typedef struct golden_case {
    const char *file;
    unsigned line;
    const char *name;
    const char *query;
    const char *sql[GOLDEN_DIALECTS];   /* NULL: not given */
    const char *binds[GOLDEN_DIALECTS]; /* NULL: not checked */
    const char *flags;                  /* "writes", "point" in that order, or NULL */
    const char *cols;                   /* names and kinds of the result, or NULL */
} golden_case;

typedef struct golden_set {
    golden_case *cases;
    uint32_t n;
    oxy_arena text;
} golden_set;

/* Adds the cases of one file; ends the program with a message if it cannot. */
void golden_read(golden_set *set, const char *path);
void golden_free(golden_set *set);

#endif
