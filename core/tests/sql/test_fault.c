/* SPDX-License-Identifier: MIT */
/* fault: every allocation of building, shaping and compiling each golden case
 * fails once; each time the answer is OXY_NOMEM and nothing leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fail_alloc.h>

#include "cases.h"
#include "sexp.h"

#include <oxyde/sql.h>

static const oxy_dialect *const dialects[] = {&oxy_dialect_postgres, &oxy_dialect_mysql, &oxy_dialect_mariadb,
                                              &oxy_dialect_sqlite};

struct input {
    const sexp *form;
    const oxy_dialect *dialect;
};

static oxy_rc bind_all(const oxy_sql *sql, const oxy_builder *b, const oxy_alloc *alloc)
{
    oxy_arena scratch;
    oxy_rc rc = OXY_OK;

    oxy_arena_init(&scratch, alloc, 1 << 20);
    for (uint32_t i = 0; i < sql->n_binds && rc == OXY_OK; i++) {
        oxy_value value;
        oxy_err err;

        rc = oxy_bind_value(&sql->binds[i], b->params, &scratch, &value, &err);
    }
    oxy_arena_fini(&scratch);
    return rc;
}

static oxy_rc compile_once(const oxy_alloc *alloc, void *arg)
{
    const struct input *in = arg;
    oxy_sql *sql = NULL;
    oxy_builder b;
    oxy_stmt stmt;
    oxy_buf shape;
    oxy_err err;
    oxy_rc rc;

    oxy_builder_init(&b, alloc);
    oxy_buf_init(&shape, alloc, 1 << 20);
    sexp_statement(&b, in->form, &stmt);
    rc = b.err.rc;
    if (rc == OXY_OK)
        rc = oxy_shape(&stmt, &b, &shape);
    if (rc == OXY_OK)
        rc = oxy_compile(&stmt, &b, in->dialect, alloc, &sql, &err);
    if (rc == OXY_OK)
        rc = bind_all(sql, &b, alloc);
    oxy_sql_free(sql);
    oxy_buf_fini(&shape);
    oxy_builder_fini(&b);
    return rc;
}

static void fail_each_call(void **state)
{
    const golden_case *c = *state;
    oxy_arena arena;
    sexp form;

    oxy_arena_init(&arena, oxy_alloc_default(), 1 << 24);
    assert_true(sexp_parse(&arena, oxy_sv_of(c->query), &form));
    for (size_t d = 0; d < OXY_COUNT(dialects); d++) {
        struct input in = {&form, dialects[d]};

        if (c->sql[d] != NULL && c->sql[d][0] == '!')
            continue; /* fails anyway, and the first failure sticks */
        (void)fail_torture(compile_once, &in);
    }
    oxy_arena_fini(&arena);
}

int main(int argc, char **argv)
{
    golden_set set = {0};
    struct CMUnitTest *tests;
    int rc;

    for (int i = 1; i < argc; i++)
        golden_read(&set, argv[i]);
    tests = calloc(set.n + 1, sizeof *tests);
    if (tests == NULL || set.n == 0)
        return 2;
    for (uint32_t i = 0; i < set.n; i++)
        tests[i] =
            (struct CMUnitTest){.name = set.cases[i].name, .test_func = fail_each_call, .initial_state = &set.cases[i]};
    rc = _cmocka_run_group_tests("fault", tests, set.n, NULL, NULL);
    free(tests);
    golden_free(&set);
    return rc;
}
