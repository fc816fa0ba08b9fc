/* SPDX-License-Identifier: MIT */
/* SQL functions on JSON text. A constant argument is read once per statement. */
#include "json.h"
#include "sqlite.h"

#define JSON_LIMIT ((size_t)256 << 20)

typedef struct document {
    const oxy_alloc *alloc;
    oxy_arena arena;
    oxy__json *root;
} document;

static void document_free(void *p)
{
    document *d = p;

    oxy_arena_fini(&d->arena);
    oxy_alloc_free(d->alloc, d);
}

/* The document of one argument; *own tells that the caller frees it. */
static document *get_document(sqlite3_context *ctx, sqlite3_value **args, int at, bool *own)
{
    oxy__sqlite *c = sqlite3_user_data(ctx);
    document *d = sqlite3_get_auxdata(ctx, at);
    const char *text;
    char *copy;
    size_t len;
    oxy_rc rc = OXY_NOMEM;

    *own = false;
    if (d)
        return d;
    text = (const char *)sqlite3_value_text(args[at]);
    len = (size_t)sqlite3_value_bytes(args[at]);
    d = oxy_alloc_zero(c->base.alloc, 1, sizeof *d);
    if (!d || !text) {
        oxy_alloc_free(c->base.alloc, d);
        sqlite3_result_error_nomem(ctx);
        return NULL;
    }
    d->alloc = c->base.alloc;
    oxy_arena_init(&d->arena, d->alloc, JSON_LIMIT);
    copy = oxy_arena_copy(&d->arena, text, len); /* strings point into it */
    if (copy)
        rc = oxy__json_read(&d->arena, (oxy_sv){copy, len}, &d->root);
    if (rc != OXY_OK) {
        document_free(d);
        oxy__func_fail(ctx, rc, "malformed JSON");
        return NULL;
    }
    *own = true;
    return d;
}

/* SQLite keeps it as long as the argument stays the same, or frees it at once. */
static void keep(sqlite3_context *ctx, int at, document *d, bool own)
{
    if (d && own)
        sqlite3_set_auxdata(ctx, at, d, document_free);
}

static void compare(sqlite3_context *ctx, sqlite3_value **args, bool (*fn)(const oxy__json *, const oxy__json *))
{
    document *a, *b = NULL;
    bool own_a, own_b = false;

    if (sqlite3_value_type(args[0]) == SQLITE_NULL || sqlite3_value_type(args[1]) == SQLITE_NULL)
        return;
    a = get_document(ctx, args, 0, &own_a);
    if (a)
        b = get_document(ctx, args, 1, &own_b);
    if (a && b)
        sqlite3_result_int(ctx, fn(a->root, b->root));
    keep(ctx, 0, a, own_a);
    keep(ctx, 1, b, own_b);
}

static void func_contains(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    (void)n;
    compare(ctx, args, oxy__json_contains);
}

static void func_equal(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    (void)n;
    compare(ctx, args, oxy__json_equal);
}

int oxy__func_register_json(oxy__sqlite *c)
{
    static const oxy__func functions[] = {
        {"oxy_json_contains", 2, func_contains, NULL, NULL},
        {"oxy_json_equal", 2, func_equal, NULL, NULL},
    };

    return oxy__func_add(c, functions, OXY_COUNT(functions));
}
