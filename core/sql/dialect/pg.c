/* SPDX-License-Identifier: MIT */
/* pg: PostgreSQL 12 and newer. */
#include "../emit.h"

#include <string.h>
#include <strings.h>

/* --- text and types ------------------------------------------------------------- */

static void literal(oxy__emit *e, oxy_sv text)
{
    oxy_quote_text(e->d, e->out, text);
}

static const char *const type_names[] = {
    [OXY_K_UNKNOWN] = "TEXT",
    [OXY_K_BOOL] = "BOOLEAN",
    [OXY_K_INT] = "BIGINT",
    [OXY_K_DOUBLE] = "DOUBLE PRECISION",
    [OXY_K_STRING] = "VARCHAR",
    [OXY_K_TEXT] = "TEXT",
    [OXY_K_BLOB] = "BYTEA",
    [OXY_K_DATETIME] = "TIMESTAMP",
    [OXY_K_DATETIME_UTC] = "TIMESTAMPTZ",
    [OXY_K_DATE] = "DATE",
    [OXY_K_TIME] = "TIME",
    [OXY_K_TIMEDELTA] = "BIGINT",
    [OXY_K_INTERVAL] = "INTERVAL",
    [OXY_K_UUID] = "UUID",
    [OXY_K_DECIMAL] = "NUMERIC",
    [OXY_K_ENUM] = "TEXT",
    [OXY_K_INET] = "INET",
    [OXY_K_CIDR] = "CIDR",
    [OXY_K_ARRAY] = "TEXT",
    [OXY_K_JSON] = "JSONB",
    [OXY_K_JSONB] = "JSONB",
};
static_assert(OXY_COUNT(type_names) == OXY_K_COUNT, "one name per kind");

/* SERIAL is no type outside of CREATE TABLE. */
static const char *serial_type(oxy_sv db_type)
{
    static const struct {
        const char *serial, *type;
    } rows[] = {{"SERIAL", "INTEGER"}, {"BIGSERIAL", "BIGINT"}, {"SMALLSERIAL", "SMALLINT"}};

    for (size_t i = 0; i < OXY_COUNT(rows); i++)
        if (db_type.len == strlen(rows[i].serial) && strncasecmp(db_type.p, rows[i].serial, db_type.len) == 0)
            return rows[i].type;
    return NULL;
}

static void type_name(oxy__emit *e, const oxy_type *t)
{
    oxy_kind kind = t->kind == OXY_K_ARRAY ? t->elem : t->kind;

    if (t->db_type.len != 0) {
        const char *serial = serial_type(t->db_type);

        if (serial != NULL)
            OXY__PUTS(e, serial);
        else
            oxy_buf_put(e->out, t->db_type.p, t->db_type.len);
        return;
    }
    if (kind == OXY_K_ENUM && t->name.len != 0) {
        if (t->name_schema.len != 0) {
            oxy__put_name(e, t->name_schema);
            OXY__PUTC(e, '.');
        }
        oxy__put_name(e, t->name);
    } else {
        OXY__PUTS(e, type_names[kind]);
    }
    for (int i = 0; t->kind == OXY_K_ARRAY && i < (t->ndim == 0 ? 1 : t->ndim); i++)
        OXY__PUT(e, "[]");
}

/* A cast to a whole number cuts, as int() does in Python; the server's rounds.
 * Truth values and numbers have no cast but the one to INTEGER. */
static const oxy__template *special_cast(oxy_kind from, oxy_kind to)
{
    static const oxy__template truth = {"<1> <> 0", OXY__P_COMPARE}, one = {"<1>::integer", 0};
    bool number = from == OXY_K_INT || from == OXY_K_DOUBLE || from == OXY_K_DECIMAL;

    if (to == OXY_K_BOOL && number)
        return &truth;
    return from == OXY_K_BOOL && to == OXY_K_INT ? &one : NULL;
}

static void put_cast_type(oxy__emit *e, const oxy_type *t)
{
    type_name(e, t);
    if (t->kind == OXY_K_DECIMAL && t->size != 0 && t->db_type.len == 0)
        oxy_buf_printf(e->out, "(%u, %u)", t->size, t->has_scale ? t->scale : 0u);
}

static void cast(oxy__emit *e, const oxy_expr *x, int min)
{
    oxy_kind from = x->cast.arg->type.kind;
    bool cut = x->type.kind == OXY_K_INT && (from == OXY_K_DOUBLE || from == OXY_K_DECIMAL);
    bool from_truth = from == OXY_K_BOOL && (x->type.kind == OXY_K_DOUBLE || x->type.kind == OXY_K_DECIMAL);
    const oxy__template *special = special_cast(from, x->type.kind);

    if (special != NULL) {
        oxy__put_template(e, special, &x->cast.arg, 1, min);
        return;
    }
    OXY__PUTS(e, cut ? "CAST(TRUNC(" : "CAST(");
    if (from_truth)
        oxy__put_cast(e, x->cast.arg, OXY_K_INT, OXY__P_NONE);
    else
        oxy__put_expr(e, x->cast.arg, OXY__P_NONE);
    OXY__PUTS(e, cut ? ") AS " : " AS ");
    put_cast_type(e, &x->type);
    OXY__PUTC(e, ')');
}

/* --- functions -------------------------------------------------------------------- */

/* CONCAT takes NULL as empty; CONCAT_WS leaves it out. */
static void concat(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_list *args = &x->func.args;
    bool separated = args->items[0]->kind != OXY_E_NUL;
    oxy_list rest = {args->items + !separated, args->n - !separated};

    (void)min;
    OXY__PUTS(e, separated ? "CONCAT_WS(" : "CONCAT(");
    oxy__put_list(e, &rest);
    OXY__PUTC(e, ')');
}

/* NUMERIC rounds half away from zero, DOUBLE PRECISION does not. */
static void round_to(oxy__emit *e, const oxy_expr *x, int min)
{
    static const oxy__template templates[] = {
        [OXY__N_INT] = {"ROUND(<1>::numeric[2, <2>::integer])::bigint", 0},
        [OXY__N_DOUBLE] = {"ROUND(<1>::numeric[2, <2>::integer])::double precision", 0},
        [OXY__N_DECIMAL] = {"ROUND({1}[2, <2>::integer])", 0},
    };
    oxy__number n = x->type.kind == OXY_K_INT      ? OXY__N_INT
                    : x->type.kind == OXY_K_DOUBLE ? OXY__N_DOUBLE
                                                   : OXY__N_DECIMAL;

    oxy__put_template(e, &templates[n], x->func.args.items, x->func.args.n, min);
}

static void now(oxy__emit *e, const oxy_expr *x, int min)
{
    static const oxy__template utc = {"NOW()", 0}, naive = {"(NOW() AT TIME ZONE 'UTC')", 0};

    oxy__put_template(e, x->type.kind == OXY_K_DATETIME ? &naive : &utc, NULL, 0, min);
}

/* Of whole numbers and decimals the server makes a NUMERIC; the nearest double
 * of it is what was asked for. */
static bool put_mean(oxy__emit *e, const oxy_expr *x, const char *name)
{
    oxy_kind of = x->agg.arg->type.kind;

    if (x->type.kind != OXY_K_DOUBLE || of == OXY_K_DOUBLE || of == OXY_K_TIMEDELTA)
        return false;
    oxy__put_agg_call(e, x, name, "", "");
    OXY__PUT(e, "::double precision");
    return true;
}

static bool agg(oxy__emit *e, const oxy_expr *x)
{
    if (x->agg.fn == OXY_AGG_AVG)
        return put_mean(e, x, "AVG");
    if (x->agg.fn == OXY_AGG_STDDEV)
        return put_mean(e, x, "STDDEV_POP");
    if (x->agg.fn == OXY_AGG_VARIANCE)
        return put_mean(e, x, "VAR_POP");
    if (x->agg.fn != OXY_AGG_STRING_AGG)
        return false;
    /* The separator is an argument, before the order: it travels as text after
     * the first. */
    if (x->agg.separator == NULL || x->agg.separator->kind != OXY_E_PARAM) {
        oxy__fail(e, OXY_VALUE, "StringAgg needs a separator that is a text");
        return true;
    }
    {
        const oxy_expr *over = e->over;

        e->over = NULL;
        OXY__PUTS(e, x->agg.distinct ? "STRING_AGG(DISTINCT " : "STRING_AGG(");
        oxy__put_expr(e, x->agg.arg, OXY__P_NONE);
        OXY__PUT(e, ", ");
        oxy__put_expr(e, x->agg.separator, OXY__P_NONE);
        if (x->agg.order.n != 0) {
            OXY__PUT(e, " ORDER BY ");
            oxy__put_order(e, &x->agg.order, false);
        }
        OXY__PUTC(e, ')');
        if (x->agg.filter != NULL) {
            OXY__PUT(e, " FILTER (WHERE ");
            oxy__put_expr(e, x->agg.filter, OXY__P_NONE);
            OXY__PUTC(e, ')');
        }
        e->over = over;
        oxy__put_over(e);
    }
    return true;
}

static const char *const units[] = {
    [OXY_PART_YEAR] = "year",     [OXY_PART_QUARTER] = "quarter", [OXY_PART_MONTH] = "month",
    [OXY_PART_WEEK] = "week",     [OXY_PART_DAY] = "day",         [OXY_PART_HOUR] = "hour",
    [OXY_PART_MINUTE] = "minute", [OXY_PART_SECOND] = "second",   [OXY_PART_TIME] = NULL,
};

static void trunc_to(oxy__emit *e, const oxy_expr *x, int min)
{
    oxy_kind kind = x->part.arg->type.kind;

    (void)min;
    OXY__PUT(e, "DATE_TRUNC('");
    OXY__PUTS(e, units[x->part.part]);
    OXY__PUT(e, "', ");
    oxy__put_expr(e, x->part.arg, OXY__P_NONE);
    OXY__PUTS(e, kind == OXY_K_DATETIME_UTC ? ", 'UTC')" : ")");
    if (kind == OXY_K_DATE)
        OXY__PUT(e, "::date");
    else if (kind == OXY_K_TIME)
        OXY__PUT(e, "::time");
}

static void regex(oxy__emit *e, const oxy_expr *x, int min)
{
    bool open = oxy__paren_open(e, OXY__P_CONCAT, min);

    oxy__put_expr(e, x->match.arg, OXY__P_PRIMARY);
    OXY__PUTS(e, x->match.fold ? " ~* " : " ~ ");
    oxy__put_expr(e, x->match.pattern, OXY__P_PRIMARY);
    oxy__paren_close(e, open);
}

/* --- JSON and arrays ----------------------------------------------------------------- */

static bool is_json(const oxy_type *t)
{
    return t->kind == OXY_K_JSON || t->kind == OXY_K_JSONB;
}

/* A JSON operand of an operator that only JSONB has. */
static void put_jsonb(oxy__emit *e, const oxy_expr *x)
{
    oxy__put_expr(e, x, OXY__P_PRIMARY);
    if (oxy__plain_json(&x->type))
        OXY__PUT(e, "::jsonb");
}

/* A value beside an array column is cast to the column's type: a VARCHAR[] is
 * no TEXT[]. */
static void put_array_value(oxy__emit *e, const oxy_expr *x, const oxy_type *as)
{
    oxy__put_expr(e, x, OXY__P_PRIMARY);
    if (x->kind != OXY_E_PARAM || (as->elem == OXY_K_ENUM && as->name.len != 0 && as->db_type.len == 0))
        return;
    OXY__PUT(e, "::");
    type_name(e, as);
}

static void equal(oxy__emit *e, const oxy_expr *left, const oxy_expr *right, bool negated, int min)
{
    const char *op = negated ? " <> " : " = ";
    bool open = oxy__paren_open(e, OXY__P_COMPARE, min);

    if (left->type.kind == OXY_K_ARRAY) {
        oxy__put_expr(e, left, OXY__P_COMPARE + 1);
        OXY__PUTS(e, op);
        put_array_value(e, right, &left->type);
    } else if (is_json(&left->type) && (oxy__plain_json(&left->type) || oxy__plain_json(&right->type))) {
        put_jsonb(e, left);
        OXY__PUTS(e, op);
        put_jsonb(e, right);
    } else {
        oxy__put_expr(e, left, OXY__P_COMPARE + 1);
        OXY__PUTS(e, op);
        oxy__put_expr(e, right, OXY__P_COMPARE + 1);
    }
    oxy__paren_close(e, open);
}

static void in_array(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    oxy__put_expr(e, x->in.arg, OXY__P_COMPARE + 1);
    OXY__PUTS(e, x->in.negated ? " <> ALL(" : " = ANY(");
    oxy__put_array(e, x->in.params);
    OXY__PUTC(e, ')');
}

/* A path as an array literal: '{"size","width"}'; digits need no mark, #> takes
 * them for indexes where the value is an array. */
static void put_path(oxy__emit *e, const oxy_expr *x, const char *op)
{
    oxy_buf path;

    oxy_buf_init(&path, e->out->alloc, 1 << 20);
    oxy_buf_putc(&path, '{');
    for (uint32_t i = 0; i < x->path.n; i++) {
        oxy_sv key = x->path.steps[i].key;

        oxy_buf_puts(&path, i == 0 ? "\"" : ",\"");
        for (size_t j = 0; j < key.len; j++) {
            if (key.p[j] == '"' || key.p[j] == '\\')
                oxy_buf_putc(&path, '\\');
            oxy_buf_putc(&path, key.p[j]);
        }
        oxy_buf_putc(&path, '"');
    }
    oxy_buf_putc(&path, '}');
    put_jsonb(e, x->path.arg);
    OXY__PUTS(e, op);
    if (path.rc != OXY_OK)
        oxy__fail(e, path.rc, path.rc == OXY_NOMEM ? "out of memory" : "a JSON path is too long");
    else
        literal(e, (oxy_sv){path.p, path.len});
    oxy_buf_fini(&path);
}

/* The value as text, number or boolean if it is one, else NULL, so that a
 * text is never read as a number. */
static void put_typed_path(oxy__emit *e, const oxy_expr *x)
{
    static const char *const types[] = {
        [OXY_JSON_TEXT] = "string", [OXY_JSON_NUMBER] = "number", [OXY_JSON_BOOL] = "boolean"};
    static const char *const casts[] = {
        [OXY_JSON_TEXT] = "", [OXY_JSON_NUMBER] = "::numeric", [OXY_JSON_BOOL] = "::boolean"};
    bool cast_it = x->path.as != OXY_JSON_TEXT;

    OXY__PUT(e, "CASE jsonb_typeof(");
    put_path(e, x, " #> ");
    OXY__PUT(e, ") WHEN '");
    OXY__PUTS(e, types[x->path.as]);
    OXY__PUTS(e, cast_it ? "' THEN (" : "' THEN ");
    put_path(e, x, " #>> ");
    OXY__PUTS(e, cast_it ? ")" : "");
    OXY__PUTS(e, casts[x->path.as]);
    OXY__PUT(e, " END");
}

static bool all_digits(oxy_sv key)
{
    for (size_t i = 0; i < key.len; i++)
        if (key.p[i] < '0' || key.p[i] > '9')
            return false;
    return key.len != 0 && key.len < 10;
}

static void put_elements(oxy__emit *e, const oxy_expr *x)
{
    oxy__put_expr(e, x->path.arg, OXY__P_PRIMARY);
    for (uint32_t i = 0; i < x->path.n; i++) {
        oxy_sv key = x->path.steps[i].key;
        uint64_t index = 0;

        if (!all_digits(key)) {
            oxy__fail(e, OXY_LOOKUP, "an array is read by position, not by '%.*s'", OXY_SV_ARG(key));
            return;
        }
        for (size_t j = 0; j < key.len; j++)
            index = index * 10 + (uint64_t)(key.p[j] - '0');
        OXY__PUTC(e, '[');
        oxy_buf_putu(e->out, index + 1);
        OXY__PUTC(e, ']');
    }
}

static void json_path(oxy__emit *e, const oxy_expr *x, int min)
{
    bool open;

    if (x->path.arg->type.kind == OXY_K_ARRAY) {
        put_elements(e, x);
    } else if (x->path.as == OXY_JSON_VALUE || x->path.as == OXY_JSON_STRUCTURE) {
        open = oxy__paren_open(e, OXY__P_CONCAT, min);
        put_path(e, x, " #> ");
        oxy__paren_close(e, open);
    } else {
        put_typed_path(e, x);
    }
}

static void put_array_len(oxy__emit *e, const oxy_expr *arg)
{
    /* cardinality counts the innermost items; array_length has no answer for
     * an empty array. */
    static const oxy__template flat = {"CARDINALITY({1})", 0};
    static const oxy__template nested = {"CASE WHEN CARDINALITY({1}) = 0 THEN 0 ELSE ARRAY_LENGTH({1}, 1) END", 0};

    oxy__put_template(e, arg->type.ndim > 1 ? &nested : &flat, &arg, 1, OXY__P_NONE);
}

static void container(oxy__emit *e, const oxy_expr *x, int min)
{
    static const char *const text[] = {
        [OXY_CO_JSON_CONTAINS] = " @> ",      [OXY_CO_JSON_CONTAINED_BY] = " <@ ", [OXY_CO_HAS_KEY] = " ? ",
        [OXY_CO_HAS_KEYS] = " ?& ",           [OXY_CO_HAS_ANY_KEYS] = " ?| ",      [OXY_CO_ARRAY_CONTAINS] = " @> ",
        [OXY_CO_ARRAY_CONTAINED_BY] = " <@ ", [OXY_CO_ARRAY_OVERLAP] = " && ",     [OXY_CO_ARRAY_LEN] = "",
    };
    oxy_container_op op = x->container.op;
    bool open;

    if (op == OXY_CO_ARRAY_LEN) {
        put_array_len(e, x->container.arg);
        return;
    }
    open = oxy__paren_open(e, OXY__P_CONCAT, min);
    if (op >= OXY_CO_ARRAY_CONTAINS) {
        oxy__put_expr(e, x->container.arg, OXY__P_PRIMARY);
        OXY__PUTS(e, text[op]);
        put_array_value(e, x->container.value, &x->container.arg->type);
    } else {
        put_jsonb(e, x->container.arg);
        OXY__PUTS(e, text[op]);
        if (op == OXY_CO_HAS_KEY) {
            oxy__put_expr(e, x->container.keys.items[0], OXY__P_PRIMARY);
        } else if (op == OXY_CO_HAS_KEYS || op == OXY_CO_HAS_ANY_KEYS) {
            OXY__PUT(e, "ARRAY[");
            oxy__put_list(e, &x->container.keys);
            OXY__PUT(e, "]::text[]");
        } else {
            put_jsonb(e, x->container.value);
        }
    }
    oxy__paren_close(e, open);
}

/* --- the table --------------------------------------------------------------------------- */

#define FN(name, text) [OXY_FN_##name] = {{text, 0}, NULL}

const oxy_dialect oxy_dialect_postgres = {
    .name = "postgres",
    .max_params = 65535,
    .array_from = 9, /* 50 values one by one cost the server twice as long, and each number a plan */
    .quote = '"',
    .numbered = true,
    .boolean = {"FALSE", "TRUE"},
    .distinct_on = true,
    .nulls_order = true,
    .operand_parens = true,
    .intersect_binds = true,
    .locks = true,
    .lock_no_key = true,
    .lock_of = true,
    .lock_share = " FOR SHARE",
    .upsert = OXY__UPSERT_ON_CONFLICT,
    .returning_insert = true,
    .returning_update = true,
    .returning_delete = true,
    .default_in_values = true,
    .update_from = true,
    .values_alias = true,
    .target_alias = true,
    .enum_cast = true,
    .agg_filter = true,
    .fold = "LOWER",
    .like_binary = "",
    .like_escape = " ESCAPE E'\\\\'",
    .random_order = "RANDOM()",
    .match_part = {{{"STRPOS({1}, {2}) > 0", OXY__P_COMPARE},
                    {"LEFT({1}, LENGTH({2})) = <2>", OXY__P_COMPARE},
                    {"RIGHT({1}, LENGTH({2})) = <2>", OXY__P_COMPARE}},
                   {{"STRPOS(LOWER({1}), LOWER({2})) > 0", OXY__P_COMPARE},
                    {"LEFT(LOWER({1}), LENGTH(LOWER({2}))) = LOWER({2})", OXY__P_COMPARE},
                    {"RIGHT(LOWER({1}), LENGTH(LOWER({2}))) = LOWER({2})", OXY__P_COMPARE}}},
    .fn =
        {
            FN(LOWER, "LOWER({1})"),
            FN(UPPER, "UPPER({1})"),
            FN(TRIM, "TRIM({1})"),
            FN(LTRIM, "LTRIM({1})"),
            FN(RTRIM, "RTRIM({1})"),
            FN(LENGTH, "LENGTH({1})"),
            FN(LEFT, "LEFT({1}, <2>::integer)"),
            FN(RIGHT, "RIGHT({1}, <2>::integer)"),
            FN(SUBSTR, "SUBSTR({1}, <2>::integer[3, <3>::integer])"),
            FN(REPLACE, "REPLACE({*})"),
            FN(STRINDEX, "STRPOS({1}, {2})"),
            [OXY_FN_CONCAT] = {{NULL, 0}, concat},
            [OXY_FN_COALESCE] = {{NULL, 0}, oxy__put_coalesce},
            FN(NULLIF, "NULLIF({1}, {2})"),
            FN(GREATEST, "GREATEST({*})"),
            FN(LEAST, "LEAST({*})"),
            FN(ABS, "ABS({1})"),
            FN(CEIL, "CEIL({1})::bigint"),
            FN(FLOOR, "FLOOR({1})::bigint"),
            FN(SQRT, "SQRT(<1>::double precision)"),
            [OXY_FN_ROUND] = {{NULL, 0}, round_to},
            FN(POWER, "POWER(<1>::double precision, <2>::double precision)"),
            FN(RANDOM, "RANDOM()"),
            [OXY_FN_NOW] = {{NULL, 0}, now},
            FN(JSON_OBJECT, "JSONB_BUILD_OBJECT({*})"),
            FN(ROW_NUMBER, "ROW_NUMBER()"),
            FN(RANK, "RANK()"),
            FN(DENSE_RANK, "DENSE_RANK()"),
            FN(PERCENT_RANK, "PERCENT_RANK()"),
            FN(CUME_DIST, "CUME_DIST()"),
            FN(NTILE, "NTILE(<1>::integer)"),
            FN(LAG, "LAG({1}[2, <2>::integer][3, {3}])"),
            FN(LEAD, "LEAD({1}[2, <2>::integer][3, {3}])"),
            FN(FIRST_VALUE, "FIRST_VALUE({1})"),
            FN(LAST_VALUE, "LAST_VALUE({1})"),
            FN(NTH_VALUE, "NTH_VALUE({1}, <2>::integer)"),
        },
    .arith =
        {
            [OXY_OP_DIV].as = {[OXY__N_DOUBLE] = {"<1>::double precision / <2>", OXY__P_MUL}},
            [OXY_OP_FLOORDIV].as = {{"(<1> - MOD(MOD({1}, {2}) + <2>, {2})) / <2>", OXY__P_MUL},
                                    {"FLOOR(<1> / <2>)", 0},
                                    {"DIV(<1> - MOD(MOD({1}, {2}) + <2>, {2}), {2})", 0}},
            [OXY_OP_MOD].as = {{"MOD(MOD({1}, {2}) + <2>, {2})", 0},
                               {"<1> - <2> * FLOOR(<1> / <2>)", OXY__P_ADD},
                               {"MOD(MOD({1}, {2}) + <2>, {2})", 0}},
        },
    .extract =
        {
            [OXY_PART_YEAR] = {"EXTRACT(YEAR FROM {1})::bigint", 0},
            [OXY_PART_ISO_YEAR] = {"EXTRACT(ISOYEAR FROM {1})::bigint", 0},
            [OXY_PART_QUARTER] = {"EXTRACT(QUARTER FROM {1})::bigint", 0},
            [OXY_PART_MONTH] = {"EXTRACT(MONTH FROM {1})::bigint", 0},
            [OXY_PART_WEEK] = {"EXTRACT(WEEK FROM {1})::bigint", 0},
            [OXY_PART_DAY] = {"EXTRACT(DAY FROM {1})::bigint", 0},
            [OXY_PART_WEEK_DAY] = {"EXTRACT(DOW FROM {1})::bigint + 1", OXY__P_ADD},
            [OXY_PART_ISO_WEEK_DAY] = {"EXTRACT(ISODOW FROM {1})::bigint", 0},
            [OXY_PART_HOUR] = {"EXTRACT(HOUR FROM {1})::bigint", 0},
            [OXY_PART_MINUTE] = {"EXTRACT(MINUTE FROM {1})::bigint", 0},
            [OXY_PART_SECOND] = {"FLOOR(EXTRACT(SECOND FROM {1}))::bigint", 0},
            [OXY_PART_DATE] = {"<1>::date", 0},
            [OXY_PART_TIME] = {"<1>::time", 0},
        },
    .literal = literal,
    .trunc = trunc_to,
    .utc = " AT TIME ZONE 'UTC'",
    .cast = cast,
    .type_name = type_name,
    .regex = regex,
    .json_path = json_path,
    .container = container,
    .equal = equal,
    .in_array = in_array,
    .agg = agg,
};
