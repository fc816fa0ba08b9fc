/* SPDX-License-Identifier: MIT */
/* type: a column's SQL type. */
#include "ddl.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* MySQL's own ceilings for DECIMAL. */
#define DECIMAL_DIGITS_MAX 65
#define DECIMAL_SCALE_MAX 30

static bool is_serial(oxy_sv db_type)
{
    return oxy__sv_is(db_type, "SERIAL") || oxy__sv_is(db_type, "BIGSERIAL");
}

oxy__column_role oxy__column_role_of(const oxy_table_def *t, const oxy_column_def *c)
{
    oxy__column_role role = {false, false, false};
    uint32_t i, flagged = 0;

    role.key = c->primary_key || oxy__names_have(t->primary_key, c->name);
    for (i = 0; i < t->n_columns; i++)
        flagged += t->columns[i].primary_key;
    role.only_key = role.key && (t->primary_key.n != 0 ? t->primary_key.n : flagged) == 1;
    role.indexed = role.key || c->unique || c->is_foreign_key;
    for (i = 0; i < t->n_indexes && !role.indexed; i++)
        role.indexed = oxy__names_have(t->indexes[i].columns, c->name);
    for (i = 0; i < t->n_foreign_keys && !role.indexed; i++)
        role.indexed = oxy__names_have(t->foreign_keys[i].columns, c->name);
    return role;
}

bool oxy__column_auto(const oxy_column_def *c, oxy__column_role role, const oxy__ddl_rules *rules)
{
    oxy_sv db_type = oxy__sv_trim(c->type.db_type);

    /* A default of the user's own takes the place of numbering: no database
     * takes both. */
    return role.only_key && c->type.kind == OXY_K_INT && !c->is_foreign_key && c->db_default.len == 0 &&
           !(c->has_default && c->default_value.tag != OXY_V_NULL) && (db_type.len == 0 || is_serial(db_type)) &&
           (c->python_int || !rules->auto_needs_int);
}

static void put_decimal(const oxy_type *t, const oxy__ddl_rules *rules, oxy_buf *out)
{
    uint32_t digits = t->size, scale = t->has_scale ? t->scale : 0;

    oxy_buf_puts(out, rules->decimal);
    if (digits == 0) {
        if (!rules->decimal_needs_size)
            return;
        digits = DECIMAL_DIGITS_MAX;
        if (!t->has_scale || scale > DECIMAL_SCALE_MAX)
            scale = DECIMAL_SCALE_MAX;
    }
    oxy_buf_putc(out, '(');
    oxy_buf_putu(out, digits);
    oxy_buf_putc(out, ',');
    oxy_buf_putu(out, scale);
    oxy_buf_putc(out, ')');
}

/* MySQL takes the blanks off the end of the values, so that what is written
 * would not come back. */
static oxy_rc check_inline_enum(const oxy_column_def *c, const oxy_dialect *d, oxy_err *err)
{
    for (uint32_t i = 0; i < c->enum_values.n; i++) {
        const oxy_sv value = c->enum_values.items[i];

        if (value.len != 0 && value.p[value.len - 1] == ' ')
            return oxy_err_set(err, OXY_NOT_SUPPORTED,
                               "%s cannot keep the blank at the end of '%.*s', a value of the enum of column %.*s: "
                               "give the field a db_type, such as VARCHAR(40)",
                               oxy_dialect_name(d), OXY_SV_ARG(value), OXY_SV_ARG(c->name));
    }
    return OXY_OK;
}

/* What a collation that sees neither case nor accents compares, for the caller
 * to free; NULL if the value is no UTF-8. */
static oxy_rc fold(oxy_sv value, char **out)
{
    utf8proc_uint8_t *text = NULL;
    const utf8proc_option_t how = UTF8PROC_CASEFOLD | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_STRIPMARK;
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)value.p, (utf8proc_ssize_t)value.len, &text, how);

    *out = n < 0 ? NULL : (char *)text;
    return n == UTF8PROC_ERROR_NOMEM ? OXY_NOMEM : OXY_OK;
}

/* Whether two values are one to the collations that MySQL and MariaDB have by
 * default. */
static oxy_rc values_collide(const oxy_column_def *c, bool *out, oxy_err *err)
{
    char **keys = calloc(c->enum_values.n + 1, sizeof *keys);
    oxy_rc rc = keys != NULL ? OXY_OK : OXY_NOMEM;

    *out = false;
    for (uint32_t i = 0; rc == OXY_OK && i < c->enum_values.n; i++) {
        rc = fold(c->enum_values.items[i], &keys[i]);
        for (uint32_t j = 0; j < i && keys[i] != NULL && !*out; j++)
            *out = keys[j] != NULL && strcmp(keys[i], keys[j]) == 0;
    }
    for (uint32_t i = 0; keys != NULL && i < c->enum_values.n; i++)
        free(keys[i]);
    free(keys);
    return rc == OXY_OK ? OXY_OK : oxy_err_set(err, rc, "out of memory");
}

static void put_enum(const oxy_column_def *c, const oxy__ddl_rules *rules, const oxy_dialect *d, oxy_buf *out)
{
    uint32_t i;

    if (rules->native_enums) {
        if (c->type.name_schema.len != 0) {
            oxy_quote_name(d, out, c->type.name_schema);
            oxy_buf_putc(out, '.');
        }
        oxy_quote_name(d, out, c->type.name);
        return;
    }
    oxy_buf_puts(out, "ENUM(");
    for (i = 0; i < c->enum_values.n; i++) {
        if (i != 0)
            oxy_buf_putc(out, ',');
        oxy_quote_text(d, out, c->enum_values.items[i]);
    }
    oxy_buf_putc(out, ')');
}

/* The type of a value of this kind; for an array, of its elements. */
static oxy_rc put_kind(const oxy_column_def *c, oxy_kind kind, bool indexed, const oxy_dialect *d, oxy_buf *out,
                       oxy_err *err)
{
    const oxy__ddl_rules *rules = oxy__ddl_rules_of(d);
    bool long_text = kind == OXY_K_TEXT || kind == OXY_K_UNKNOWN;

    if ((unsigned)kind >= OXY_K_COUNT || (kind == OXY_K_ARRAY && rules->types[kind] == NULL))
        return oxy_err_set(err, OXY_INTERNAL, "column %.*s has no type", OXY_SV_ARG(c->name));
    if (kind == OXY_K_STRING || (long_text && indexed && rules->index_needs_length)) {
        oxy_buf_puts(out, "VARCHAR(");
        oxy_buf_putu(out, kind == OXY_K_STRING && c->type.size != 0 ? c->type.size : 255);
        oxy_buf_putc(out, ')');
    } else if (rules->types[kind] != NULL) {
        oxy_buf_puts(out, rules->types[kind]);
    } else if (kind == OXY_K_DECIMAL) {
        put_decimal(&c->type, rules, out);
    } else {
        if (rules->native_enums ? c->type.name.len == 0 : c->enum_values.n == 0)
            return oxy_err_set(err, OXY_VALUE, "the enum of column %.*s has no %s", OXY_SV_ARG(c->name),
                               rules->native_enums ? "name" : "values");
        if (!rules->native_enums && check_inline_enum(c, d, err) != OXY_OK)
            return OXY_NOT_SUPPORTED;
        bool collide = false;

        if (!rules->native_enums && values_collide(c, &collide, err) != OXY_OK)
            return OXY_NOMEM;
        put_enum(c, rules, d, out);
        if (collide)
            oxy_buf_puts(out, " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    }
    return oxy__ddl_buf_rc(out, err);
}

oxy_rc oxy__ddl_column_type(const oxy_column_def *c, oxy__column_role role, const oxy_dialect *d, oxy_buf *out,
                            oxy_err *err)
{
    const oxy__ddl_rules *rules = oxy__ddl_rules_of(d);
    oxy_sv db_type = oxy__sv_trim(c->type.db_type);
    oxy_rc rc;
    uint8_t i;

    if (db_type.len != 0) {
        bool big = oxy__sv_is(db_type, "BIGSERIAL");
        const char *plain = big ? rules->bigserial : rules->serial;

        if (!is_serial(db_type) || (plain == NULL && !c->is_foreign_key))
            oxy_buf_put(out, db_type.p, db_type.len);
        else /* a foreign key to a serial column is a plain number */
            oxy_buf_puts(out, plain != NULL ? plain : big ? "BIGINT" : "INTEGER");
        return oxy__ddl_buf_rc(out, err);
    }
    if (oxy__column_auto(c, role, rules)) {
        oxy_buf_puts(out, rules->big_key);
        return oxy__ddl_buf_rc(out, err);
    }
    if (c->type.kind != OXY_K_ARRAY || !rules->native_arrays)
        return put_kind(c, c->type.kind, role.indexed, d, out, err);
    rc = put_kind(c, c->type.elem, false, d, out, err);
    for (i = 0; rc == OXY_OK && i < (c->type.ndim == 0 ? 1 : c->type.ndim); i++)
        oxy_buf_puts(out, "[]");
    return rc == OXY_OK ? oxy__ddl_buf_rc(out, err) : rc;
}

oxy_rc oxy_ddl_type(const oxy_column_def *c, const oxy_dialect *d, oxy_buf *out, oxy_err *err)
{
    oxy__column_role role = {
        .only_key = c->primary_key,
        .key = c->primary_key,
        .indexed = c->primary_key || c->unique || c->is_foreign_key,
    };

    return oxy__ddl_column_type(c, role, d, out, err);
}
