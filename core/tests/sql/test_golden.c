/* SPDX-License-Identifier: MIT */
/* golden: every case compiles to exactly the text and values written beside
 * it, in every dialect, and SQLite accepts its text.
 *
 *   test_sql_golden FILE...              run the cases
 *   test_sql_golden --print pg FILE...   print name, types (with ? where a db_type
 *                                        leaves it to the server), values, columns,
 *                                        flags and text, with tabs between, instead;
 *                                        tests/sql_on_servers tries them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cases.h"
#include "sexp.h"
#include "stub_sqlite.h"

#include <oxyde/sql.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const oxy_dialect *const dialects[] = {
    [GOLDEN_PG] = &oxy_dialect_postgres,
    [GOLDEN_MYSQL] = &oxy_dialect_mysql,
    [GOLDEN_MARIADB] = &oxy_dialect_mariadb,
    [GOLDEN_SQLITE] = &oxy_dialect_sqlite,
};

/* --- printing what came out ---------------------------------------------------- */

static bool for_a_server; /* nothing is shortened */

static void print_value(oxy_buf *out, const oxy_value *v)
{
    if (v->tag == OXY_V_ARRAY && v->array->n > 10 && !for_a_server) {
        oxy_buf_printf(out, "[%zu items]", v->array->n);
        return;
    }
    oxy_json_value(out, v);
}

static void print_binds(oxy_buf *out, const oxy_sql *sql, const oxy_builder *b)
{
    oxy_arena scratch;

    oxy_arena_init(&scratch, oxy_alloc_default(), 1 << 20);
    for (uint32_t i = 0; i < sql->n_binds; i++) {
        oxy_value value;
        oxy_err err;

        if (i != 0)
            oxy_buf_puts(out, ", ");
        assert_int_equal(oxy_bind_value(&sql->binds[i], b->params, &scratch, &value, &err), OXY_OK);
        print_value(out, &value);
    }
    oxy_arena_fini(&scratch);
}

static void print_cols(oxy_buf *out, const oxy_sql *sql)
{
    for (uint32_t i = 0; i < sql->n_cols; i++)
        oxy_buf_printf(out, "%s%.*s %s", i == 0 ? "" : ", ", OXY_SV_ARG(sql->cols[i].name),
                       oxy_kind_name(sql->cols[i].type.kind));
}

static void print_flags(oxy_buf *out, const oxy_sql *sql)
{
    oxy_buf_puts(out, sql->writes ? "writes" : "");
    if (sql->point)
        oxy_buf_puts(out, sql->writes ? " point" : "point");
    if (!sql->writes && !sql->point)
        oxy_buf_puts(out, "none");
}

static void check(const golden_case *c, const char *what, const char *expected, oxy_buf *got)
{
    if (expected != NULL && strcmp(expected, got->p == NULL ? "" : got->p) != 0)
        fail_msg("%s:%u %s, %s\n  expected %s\n  got      %s", c->file, c->line, c->name, what, expected,
                 got->p == NULL ? "" : got->p);
    oxy_buf_reset(got);
}

/* --- one case ------------------------------------------------------------------- */

static void check_failure(const golden_case *c, int d, oxy_rc rc, const oxy_err *err)
{
    const char *expected = c->sql[d] + 1;
    size_t name = strcspn(expected, " ");
    const char *message = expected + name + strspn(expected + name, " ");

    if (rc == OXY_OK || strlen(oxy_rc_exception(rc)) != name || strncmp(oxy_rc_exception(rc), expected, name) != 0 ||
        strstr(err->message, message) == NULL)
        fail_msg("%s:%u %s, %s\n  expected %s\n  got      %s %s", c->file, c->line, c->name,
                 oxy_dialect_name(dialects[d]), expected, oxy_rc_exception(rc), rc == OXY_OK ? "" : err->message);
}

static void check_text(const golden_case *c, int d, const oxy_sql *sql, const oxy_builder *b)
{
    oxy_buf got;

    if (strcmp(sql->text, c->sql[d]) != 0)
        fail_msg("%s:%u %s, %s\n  expected %s\n  got      %s", c->file, c->line, c->name, oxy_dialect_name(dialects[d]),
                 c->sql[d], sql->text);
    oxy_buf_init(&got, oxy_alloc_default(), 1 << 20);
    print_binds(&got, sql, b);
    check(c, oxy_dialect_name(dialects[d]), c->binds[d], &got);
    print_cols(&got, sql);
    check(c, "columns", c->cols, &got);
    print_flags(&got, sql);
    check(c, "flags", c->flags, &got);
    oxy_buf_fini(&got);
    if (d == GOLDEN_SQLITE)
        stub_sqlite_prepare(c->name, sql->text);
}

static void run_case(void **state)
{
    const golden_case *c = *state;
    oxy_builder b;
    oxy_stmt stmt;
    sexp form;

    oxy_builder_init(&b, oxy_alloc_default());
    assert_true(sexp_parse(&b.arena, oxy_sv_of(c->query), &form));
    sexp_statement(&b, &form, &stmt);
    for (int d = 0; d < GOLDEN_DIALECTS; d++) {
        oxy_sql *sql;
        oxy_err err;
        oxy_rc rc;

        if (c->sql[d] == NULL)
            fail_msg("%s:%u %s: nothing expected for %s", c->file, c->line, c->name, oxy_dialect_name(dialects[d]));
        rc = oxy_compile(&stmt, &b, dialects[d], oxy_alloc_default(), &sql, &err);
        if (c->sql[d][0] == '!') {
            check_failure(c, d, rc, &err);
        } else {
            if (rc != OXY_OK)
                fail_msg("%s:%u %s, %s: %s %s", c->file, c->line, c->name, oxy_dialect_name(dialects[d]),
                         oxy_rc_exception(rc), err.message);
            check_text(c, d, sql, &b);
        }
        oxy_sql_free(sql);
    }
    oxy_builder_fini(&b);
}

/* --- printing for a server --------------------------------------------------------- */

static void print_sql(const golden_case *c, const oxy_sql *sql, const oxy_builder *b)
{
    oxy_buf text;

    printf("%s\t", c->name);
    for (uint32_t i = 0; i < sql->n_binds; i++) {
        const oxy_type *t = &sql->binds[i].type;

        printf("%s%s%s%s", i == 0 ? "" : ",", oxy_kind_name(t->kind == OXY_K_ARRAY ? t->elem : t->kind),
               t->kind == OXY_K_ARRAY ? "[]" : "", t->db_type.len != 0 ? "?" : "");
    }
    oxy_buf_init(&text, oxy_alloc_default(), 1 << 20);
    print_binds(&text, sql, b);
    oxy_buf_puts(&text, "\t");
    print_cols(&text, sql);
    oxy_buf_puts(&text, "\t");
    print_flags(&text, sql);
    printf("\t%s\t%s\n", sql->text, text.p);
    oxy_buf_fini(&text);
}

static int print_case(const golden_case *c, const oxy_dialect *d)
{
    oxy_builder b;
    oxy_stmt stmt;
    oxy_sql *sql;
    oxy_err err;
    sexp form;

    oxy_builder_init(&b, oxy_alloc_default());
    if (!sexp_parse(&b.arena, oxy_sv_of(c->query), &form))
        return 1;
    sexp_statement(&b, &form, &stmt);
    if (oxy_compile(&stmt, &b, d, oxy_alloc_default(), &sql, &err) == OXY_OK) {
        print_sql(c, sql, &b);
        oxy_sql_free(sql);
    } else {
        printf("%s\t\t!%s %s\t\t\t\n", c->name, oxy_rc_exception(err.rc), err.message);
    }
    oxy_builder_fini(&b);
    return 0;
}

static const oxy_dialect *dialect_named(const char *name)
{
    return oxy_dialect_find(oxy_sv_of(strcmp(name, "pg") == 0 ? "postgres" : name));
}

int main(int argc, char **argv)
{
    golden_set set = {0};
    struct CMUnitTest *tests;
    bool print = argc > 2 && strcmp(argv[1], "--print") == 0;
    int rc = 0;

    for_a_server = print;
    for (int i = print ? 3 : 1; i < argc; i++)
        golden_read(&set, argv[i]);
    if (print) {
        for (uint32_t i = 0; i < set.n; i++)
            rc |= print_case(&set.cases[i], dialect_named(argv[2]));
        golden_free(&set);
        return rc;
    }
    tests = calloc(set.n + 1, sizeof *tests);
    if (tests == NULL || set.n == 0)
        return 2;
    for (uint32_t i = 0; i < set.n; i++)
        tests[i] =
            (struct CMUnitTest){.name = set.cases[i].name, .test_func = run_case, .initial_state = &set.cases[i]};
    stub_sqlite_open();
    rc = _cmocka_run_group_tests("golden", tests, set.n, NULL, NULL);
    stub_sqlite_close();
    free(tests);
    golden_free(&set);
    return rc;
}
