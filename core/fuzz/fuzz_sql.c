/* SPDX-License-Identifier: MIT */
/* fuzz_sql: bytes become a statement, which is shaped and compiled in every
 * dialect. Nothing may crash, leak or lose a placeholder. */
#include "../tests/sql/generate.h"

#include <oxyde/sql.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const oxy_dialect *const dialects[] = {&oxy_dialect_postgres, &oxy_dialect_mysql, &oxy_dialect_mariadb,
                                              &oxy_dialect_sqlite};

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Every bind has its question mark, outside of literals, where placeholders
 * are not numbered. */
static void check_placeholders(const oxy_sql *sql)
{
    uint32_t n = 0;
    bool literal = false;

    for (size_t i = 0; i < sql->len; i++) {
        if (sql->text[i] == '\'')
            literal = !literal;
        n += !literal && sql->text[i] == '?';
    }
    require(n == sql->n_binds);
}

static void check_binds(const oxy_sql *sql, const oxy_builder *b)
{
    oxy_arena scratch;

    oxy_arena_init(&scratch, oxy_alloc_default(), 1 << 24);
    for (uint32_t i = 0; i < sql->n_binds; i++) {
        oxy_value value;
        oxy_err err;

        require(sql->binds[i].param < b->n_params);
        require(oxy_bind_value(&sql->binds[i], b->params, &scratch, &value, &err) == OXY_OK);
    }
    oxy_arena_fini(&scratch);
}

static void compile(const oxy_stmt *stmt, const oxy_builder *b, const oxy_dialect *d)
{
    oxy_sql *sql;
    oxy_err err;

    if (oxy_compile(stmt, b, d, oxy_alloc_default(), &sql, &err) != OXY_OK) {
        require(sql == NULL && err.rc != OXY_INTERNAL && err.rc != OXY_NOMEM);
        return;
    }
    require(oxy_utf8_valid(sql->text, sql->len) == sql->len);
    if (d != &oxy_dialect_postgres)
        check_placeholders(sql);
    check_binds(sql, b);
    oxy_sql_free(sql);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    oxy_builder b;
    oxy_stmt stmt;
    oxy_buf shape;

    oxy_builder_init(&b, oxy_alloc_default());
    generate_statement(&b, (generate_input){data, size, size + 1}, &stmt);
    if (b.err.rc == OXY_OK) {
        oxy_buf_init(&shape, oxy_alloc_default(), 1 << 24);
        require(oxy_shape(&stmt, &b, &shape) == OXY_OK);
        oxy_buf_fini(&shape);
        for (size_t d = 0; d < OXY_COUNT(dialects); d++)
            compile(&stmt, &b, dialects[d]);
    }
    oxy_builder_fini(&b);
    return 0;
}
