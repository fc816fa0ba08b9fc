/* SPDX-License-Identifier: MIT */
/* ddl_cases: tables in few words, and their statements in three dialects. */
#ifndef OXY_TESTS_DDL_CASES_H
#define OXY_TESTS_DDL_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <fail_alloc.h>
#include <oxyde/schema.h>

/* Text and lists of names in initialisers, also of static tables. */
#define S(text) {"" text, sizeof(text) - 1}
#define NAMES(...) {.items = (const oxy_sv[]){__VA_ARGS__}, .n = OXY_COUNT(((const oxy_sv[]){__VA_ARGS__}))}
#define LIST(field, ...) .field = __VA_ARGS__, .n_##field = OXY_COUNT(__VA_ARGS__)
#define COLUMNS(...) LIST(columns, ((const oxy_column_def[]){__VA_ARGS__}))
#define FOREIGN_KEYS(...) LIST(foreign_keys, ((const oxy_foreign_key_def[]){__VA_ARGS__}))
#define INDEXES(...) LIST(indexes, ((const oxy_index_def[]){__VA_ARGS__}))
#define CHECKS(...) LIST(checks, ((const oxy_check_def[]){__VA_ARGS__}))

/* One column: COL("name", KIND, .nullable = true, ...). */
#define COL(text, k, ...) {.name = S(text), .type = {.kind = OXY_K_##k}, __VA_ARGS__}
#define ID(text) {.name = S(text), .type = {.kind = OXY_K_INT}, .primary_key = true, .python_int = true}
#define FK(table, column, target, target_column)                                                                       \
    {.name = S("fk_" table "_" column),                                                                                \
     .columns = NAMES(S(column)),                                                                                      \
     .target_table = S(target),                                                                                        \
     .target_columns = NAMES(S(target_column)),                                                                        \
     .on_delete = S("RESTRICT"),                                                                                       \
     .on_update = S("CASCADE")}

static inline oxy_rc append_line(void *arg, const char *sql, size_t len)
{
    oxy_buf *b = arg;

    oxy_buf_put(b, sql, len);
    oxy_buf_puts(b, ";\n");
    return b->rc;
}

enum ddl_what { CREATE, CREATE_IF_NOT_EXISTS, DROP, DROP_IF_EXISTS };

static inline oxy_rc write_ddl(const oxy_table_def *tables, uint32_t n, const oxy_dialect *d, enum ddl_what what,
                               const oxy_alloc *alloc, oxy_buf *out, oxy_err *err)
{
    if (what == CREATE || what == CREATE_IF_NOT_EXISTS)
        return oxy_ddl_create(tables, n, d, what == CREATE_IF_NOT_EXISTS, alloc, append_line, out, err);
    return oxy_ddl_drop(tables, n, d, what == DROP_IF_EXISTS, alloc, append_line, out, err);
}

static inline void assert_one_ddl(const oxy_table_def *tables, uint32_t n, enum ddl_what what, const oxy_dialect *d,
                                  const char *expected)
{
    oxy_buf out;
    oxy_err err;

    oxy_buf_init(&out, oxy_alloc_default(), 1 << 20);
    if (write_ddl(tables, n, d, what, oxy_alloc_default(), &out, &err) != OXY_OK)
        fail_msg("%s: %s", oxy_dialect_name(d), err.message);
    oxy_buf_put(&out, "", 0); /* a text even if there is no statement */
    assert_string_equal(out.p, expected);
    oxy_buf_fini(&out);
}

/* The statements, each ending in ";\n", of one case in the three dialects. */
static inline void assert_ddl(const oxy_table_def *tables, uint32_t n, enum ddl_what what, const char *postgres,
                              const char *mysql, const char *sqlite)
{
    assert_one_ddl(tables, n, what, &oxy_dialect_postgres, postgres);
    assert_one_ddl(tables, n, what, &oxy_dialect_mysql, mysql);
    assert_one_ddl(tables, n, what, &oxy_dialect_mariadb, mysql);
    assert_one_ddl(tables, n, what, &oxy_dialect_sqlite, sqlite);
}

static inline void assert_no_ddl(const oxy_table_def *tables, uint32_t n, enum ddl_what what, const oxy_dialect *d,
                                 oxy_rc rc, const char *words)
{
    oxy_buf out;
    oxy_err err;

    oxy_buf_init(&out, oxy_alloc_default(), 1 << 20);
    assert_int_equal(write_ddl(tables, n, d, what, oxy_alloc_default(), &out, &err), rc);
    assert_int_equal(err.rc, rc);
    if (strstr(err.message, words) == NULL)
        fail_msg("message: %s", err.message);
    oxy_buf_fini(&out);
}

/* The definition of one column of table "t" behind its name, in each dialect. */
static inline void assert_column_in(const oxy_column_def *c, const oxy_dialect *d, const char *expected)
{
    oxy_table_def table = {.name = OXY_SV("t"), .columns = c, .n_columns = 1};
    char quote = d == &oxy_dialect_postgres || d == &oxy_dialect_sqlite ? '"' : '`';
    oxy_buf want;

    oxy_buf_init(&want, oxy_alloc_default(), 1 << 20);
    oxy_buf_printf(&want, "CREATE TABLE %ct%c (%c%.*s%c %s);\n", quote, quote, quote, OXY_SV_ARG(c->name), quote,
                   expected);
    assert_one_ddl(&table, 1, CREATE, d, want.p);
    oxy_buf_fini(&want);
}

static inline void assert_column(oxy_column_def c, const char *postgres, const char *mysql, const char *sqlite)
{
    assert_column_in(&c, &oxy_dialect_postgres, postgres);
    assert_column_in(&c, &oxy_dialect_mysql, mysql);
    assert_column_in(&c, &oxy_dialect_mariadb, mysql);
    assert_column_in(&c, &oxy_dialect_sqlite, sqlite);
}

#endif
