/* SPDX-License-Identifier: MIT */
/* sqlite: SQLite 3.35 and newer (3.38 for JSON values). Names that begin with
 * oxy_ are functions that the driver registers; driver.h lists them. */
#include "../emit.h"

#include <string.h>

static void literal(oxy__emit *e, oxy_sv text)
{
    oxy_quote_text(e->d, e->out, text);
}

/* --- casts ------------------------------------------------------------------------ */

static void put_text_of(oxy__emit *e, const oxy_expr *arg)
{
    static const oxy__template text = {"CAST({1} AS TEXT)", 0};
    static const oxy__template boolean = {"CASE {1} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END", 0};

    oxy__put_template(e, arg->type.kind == OXY_K_BOOL ? &boolean : &text, &arg, 1, OXY__P_NONE);
}

static void put_decimal_of(oxy__emit *e, const oxy_expr *x)
{
    bool round = x->type.has_scale;

    if (round)
        OXY__PUT(e, "oxy_dec_round(");
    OXY__PUT(e, "CAST(");
    oxy__put_expr(e, x->cast.arg, OXY__P_NONE);
    OXY__PUT(e, " AS TEXT)");
    if (round) {
        OXY__PUT(e, ", ");
        oxy_buf_putu(e->out, x->type.scale);
        OXY__PUTC(e, ')');
    }
}

/* Dates and times are text of one form: what is one already is cut or filled
 * up, anything else is taken as it is. */
static void put_moment_of(oxy__emit *e, const oxy_expr *x)
{
    static const oxy__template date = {"oxy_extract('date', {1})", 0}, time = {"oxy_extract('time', {1})", 0},
                               midnight = {"(<1> || ' 00:00:00')", 0}, as_is = {"CAST({1} AS TEXT)", 0};
    oxy_kind from = x->cast.arg->type.kind, to = x->type.kind;
    bool full = from == OXY_K_DATETIME || from == OXY_K_DATETIME_UTC;
    const oxy__template *t = &as_is;

    if (full && to == OXY_K_DATE)
        t = &date;
    else if (full && to == OXY_K_TIME)
        t = &time;
    else if (from == OXY_K_DATE && (to == OXY_K_DATETIME || to == OXY_K_DATETIME_UTC))
        t = &midnight;
    oxy__put_template(e, t, &x->cast.arg, 1, OXY__P_PRIMARY);
}

static void cast(oxy__emit *e, const oxy_expr *x, int min)
{
    static const oxy__template whole = {"CAST({1} AS INTEGER)", 0}, real = {"CAST({1} AS REAL)", 0},
                               blob = {"CAST({1} AS BLOB)", 0}, json = {"JSON({1})", 0},
                               truth = {"CAST({1} AS INTEGER) <> 0", OXY__P_COMPARE},
                               number = {"<1> <> 0", OXY__P_COMPARE},
                               decimal = {"CAST({1} AS REAL) <> 0", OXY__P_COMPARE};
    const oxy_expr *arg = x->cast.arg;
    oxy_kind from = arg->type.kind;

    switch (x->type.kind) {
    case OXY_K_INT:
    case OXY_K_TIMEDELTA: oxy__put_template(e, &whole, &arg, 1, min); break;
    case OXY_K_DOUBLE: oxy__put_template(e, &real, &arg, 1, min); break;
    case OXY_K_BLOB: oxy__put_template(e, &blob, &arg, 1, min); break;
    case OXY_K_BOOL: /* half of one is true: a number is not cut first */
        oxy__put_template(e,
                          from == OXY_K_DECIMAL                       ? &decimal
                          : from == OXY_K_INT || from == OXY_K_DOUBLE ? &number
                                                                      : &truth,
                          &arg, 1, min);
        break;
    case OXY_K_JSON:
    case OXY_K_JSONB:
    case OXY_K_ARRAY: oxy__put_template(e, &json, &arg, 1, min); break;
    case OXY_K_DECIMAL: put_decimal_of(e, x); break;
    case OXY_K_DATETIME:
    case OXY_K_DATETIME_UTC:
    case OXY_K_DATE:
    case OXY_K_TIME: put_moment_of(e, x); break;
    case OXY_K_INTERVAL: oxy__lacks(e, "INTERVAL"); break;
    default: put_text_of(e, arg); break;
    }
}

/* --- functions ----------------------------------------------------------------------- */

/* Without CONCAT_WS (3.44), a separator goes before every part that is there,
 * and the first one is cut off. */
static void concat(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_list *args = &x->func.args;
    const oxy_expr *separator = args->items[0];
    bool separated = separator->kind != OXY_E_NUL, open;

    if (separated)
        OXY__PUT(e, "SUBSTR(");
    open = !separated && oxy__paren_open(e, args->n > 2 ? OXY__P_CONCAT : OXY__P_PRIMARY, min);
    for (uint32_t i = 1; i < args->n; i++) {
        if (i != 1)
            OXY__PUT(e, " || ");
        if (!separated) {
            oxy__put_coalesced(e, args->items[i], "''", OXY__P_PRIMARY);
            continue;
        }
        OXY__PUT(e, "COALESCE(");
        oxy__put_expr(e, separator, OXY__P_PRIMARY);
        OXY__PUT(e, " || ");
        oxy__put_expr(e, args->items[i], OXY__P_PRIMARY);
        OXY__PUT(e, ", '')");
    }
    oxy__paren_close(e, open);
    if (separated) {
        OXY__PUT(e, ", LENGTH(");
        oxy__put_expr(e, separator, OXY__P_NONE);
        OXY__PUT(e, ") + 1)");
    }
}

static void greatest(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    oxy__put_extreme(e, x, "MAX");
}

static void least(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    oxy__put_extreme(e, x, "MIN");
}

static void nullif(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    OXY__PUT(e, "NULLIF(");
    oxy__put_comparable(e, x->func.args.items[0], OXY__P_NONE);
    OXY__PUT(e, ", ");
    oxy__put_as(e, x->func.args.items[1], &x->func.args.items[0]->type, OXY__P_NONE);
    OXY__PUTC(e, ')');
}

static void absolute(oxy__emit *e, const oxy_expr *x, int min)
{
    static const oxy__template plain = {"ABS({1})", 0}, decimal = {"oxy_dec_abs({1})", 0};

    oxy__put_template(e, x->type.kind == OXY_K_DECIMAL ? &decimal : &plain, x->func.args.items, 1, min);
}

static void round_to(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    OXY__PUTS(e, x->type.kind == OXY_K_DECIMAL ? "oxy_dec_round(" : "oxy_round(");
    oxy__put_list(e, &x->func.args);
    OXY__PUTS(e, x->func.args.n == 1 ? ", 0)" : ")");
}

static void put_reals(oxy__emit *e, const oxy_expr *x, const char *name)
{
    static const oxy_type real = {.kind = OXY_K_DOUBLE};

    OXY__PUTS(e, name);
    for (uint32_t i = 0; i < x->func.args.n; i++) {
        OXY__PUTS(e, i == 0 ? "(" : ", ");
        oxy__put_as(e, x->func.args.items[i], &real, OXY__P_NONE);
    }
    OXY__PUTC(e, ')');
}

static void square_root(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    put_reals(e, x, "oxy_sqrt");
}

static void power(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    put_reals(e, x, "oxy_power");
}

/* A JSON value among the arguments stays JSON, a truth value becomes one. So do
 * decimals, which are text that JSON reads as a number, and floats, of which
 * JSON_OBJECT itself writes 15 digits. */
static const oxy__template *as_json_value(const oxy_type *t)
{
    static const oxy__template truth = {"JSON(CASE {1} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)", 0},
                               json = {"JSON({1})", 0}, plain = {"{1}", 0},
                               real = {"JSON(CASE WHEN {1} IS NOT NULL THEN PRINTF('%!.17g', {1}) END)", 0};

    if (t->kind == OXY_K_DOUBLE)
        return &real;
    if (t->kind == OXY_K_BOOL)
        return &truth;
    return oxy__is_document(t) || t->kind == OXY_K_DECIMAL ? &json : &plain;
}

static void json_object(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    OXY__PUT(e, "JSON_OBJECT(");
    for (uint32_t i = 0; i < x->func.args.n; i++) {
        const oxy_expr *arg = x->func.args.items[i];

        if (i != 0)
            OXY__PUT(e, ", ");
        oxy__put_template(e, as_json_value(&arg->type), &arg, 1, OXY__P_NONE);
    }
    OXY__PUTC(e, ')');
}

static void trunc_to(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    OXY__PUT(e, "oxy_trunc('");
    OXY__PUTS(e, oxy_part_name(x->part.part));
    OXY__PUT(e, "', ");
    oxy__put_expr(e, x->part.arg, OXY__P_NONE);
    OXY__PUTC(e, ')');
}

static void regex(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    OXY__PUT(e, "oxy_regexp(");
    oxy__put_expr(e, x->match.pattern, OXY__P_NONE);
    OXY__PUT(e, ", ");
    oxy__put_expr(e, x->match.arg, OXY__P_NONE);
    OXY__PUTS(e, x->match.fold ? ", 1)" : ", 0)");
}

/* --- aggregates ------------------------------------------------------------------------- */

static void put_string_agg(oxy__emit *e, const oxy_expr *x)
{
    if (x->agg.distinct || x->agg.order.n != 0) {
        oxy__lacks(e, "an order or DISTINCT inside StringAgg");
        return;
    }
    OXY__PUT(e, "GROUP_CONCAT(");
    oxy__put_expr(e, x->agg.arg, OXY__P_NONE);
    OXY__PUT(e, ", ");
    if (x->agg.separator != NULL)
        oxy__put_expr(e, x->agg.separator, OXY__P_NONE);
    else
        OXY__PUT(e, "''");
    OXY__PUTC(e, ')');
    if (x->agg.filter != NULL) {
        OXY__PUT(e, " FILTER (WHERE ");
        oxy__put_expr(e, x->agg.filter, OXY__P_NONE);
        OXY__PUTC(e, ')');
    }
    oxy__put_over(e);
}

static bool agg(oxy__emit *e, const oxy_expr *x)
{
    bool decimal = x->agg.arg->type.kind == OXY_K_DECIMAL;
    const char *collation = decimal ? e->d->decimal_collation : "";

    if (decimal && e->over != NULL && (x->agg.fn == OXY_AGG_SUM || x->agg.fn == OXY_AGG_AVG)) {
        oxy__lacks(e, "sums and means of decimals in a window");
        return true;
    }
    switch (x->agg.fn) {
    case OXY_AGG_COUNT: oxy__put_agg_call(e, x, "COUNT", "", x->agg.distinct ? collation : ""); return true;
    case OXY_AGG_SUM:
        oxy__put_agg_call(e, x, decimal ? "oxy_dec_sum" : "SUM", "", x->agg.distinct ? collation : "");
        return true;
    case OXY_AGG_AVG:
        oxy__put_agg_call(e, x, decimal ? "oxy_dec_avg" : "AVG", "", x->agg.distinct ? collation : "");
        return true;
    case OXY_AGG_MAX: oxy__put_agg_call(e, x, "MAX", "", collation); return true;
    case OXY_AGG_MIN: oxy__put_agg_call(e, x, "MIN", "", collation); return true;
    case OXY_AGG_STRING_AGG: put_string_agg(e, x); return true;
    case OXY_AGG_ARRAY_AGG:
        if (x->agg.order.n != 0)
            oxy__lacks(e, "an order inside ArrayAgg");
        if (x->agg.arg->type.kind == OXY_K_DOUBLE) /* 15 digits */
            oxy__lacks(e, "floats in ArrayAgg");
        /* Of no rows it is an empty list, elsewhere NULL. */
        OXY__PUT(e, "NULLIF(");
        oxy__put_agg_call(e, x, "JSON_GROUP_ARRAY", "", "");
        OXY__PUT(e, ", '[]')");
        return true;
    case OXY_AGG_BOOL_AND: oxy__put_agg_call(e, x, "MIN", "", ""); return true;
    case OXY_AGG_BOOL_OR: oxy__put_agg_call(e, x, "MAX", "", ""); return true;
    case OXY_AGG_STDDEV:
    case OXY_AGG_VARIANCE: oxy__lacks(e, oxy_agg_name(x->agg.fn)); return true;
    case OXY_AGG_COUNT_: break;
    }
    return false;
}

/* --- JSON and arrays ------------------------------------------------------------------------ */

/* A quote ends a key in SQLite's paths, and nothing escapes it. */
static void check_keys(oxy__emit *e, const oxy_expr *x)
{
    for (uint32_t i = 0; i < x->path.n; i++) {
        oxy_sv key = x->path.steps[i].key;

        if (key.len != 0 && memchr(key.p, '"', key.len) != NULL)
            oxy__lacks(e, "JSON keys with a quotation mark");
    }
}

/* fn(c, path), or with an infix operator c -> path when fn is NULL. */
static void put_at_path(oxy__emit *e, const oxy_expr *x, const char *fn, uint64_t keys)
{
    if (fn != NULL) {
        OXY__PUTS(e, fn);
        OXY__PUTC(e, '(');
    }
    oxy__put_expr(e, x->path.arg, OXY__P_PRIMARY);
    OXY__PUTS(e, fn != NULL ? ", " : " -> ");
    oxy__put_json_path(e, x->path.steps, x->path.n, keys);
    if (fn != NULL)
        OXY__PUTC(e, ')');
}

static void put_paths(oxy__emit *e, const oxy_expr *x, const char *fn, uint32_t from, uint64_t keys, bool *more)
{
    uint32_t at = oxy__json_ambiguous(x->path.steps, x->path.n, from);

    if (at == x->path.n) {
        if (*more)
            OXY__PUT(e, ", ");
        put_at_path(e, x, fn, keys);
        *more = true;
        return;
    }
    put_paths(e, x, fn, at + 1, keys, more);
    put_paths(e, x, fn, at + 1, keys | UINT64_C(1) << at, more);
}

/* Digits are an index in an array and a key in an object: only one of the
 * readings finds something. */
static void put_found(oxy__emit *e, const oxy_expr *x, const char *fn)
{
    bool several = oxy__json_ambiguous(x->path.steps, x->path.n, 0) != x->path.n, more = false;

    if (several && x->path.arg->type.kind != OXY_K_ARRAY) {
        OXY__PUT(e, "COALESCE(");
        put_paths(e, x, fn, 0, 0, &more);
        OXY__PUTC(e, ')');
    } else if (fn == NULL) {
        OXY__PUTC(e, '(');
        put_at_path(e, x, fn, 0);
        OXY__PUTC(e, ')');
    } else {
        put_at_path(e, x, fn, 0);
    }
}

static void put_number(oxy__emit *e, const oxy_expr *x)
{
    OXY__PUT(e, "CASE WHEN ");
    put_found(e, x, "json_type");
    OXY__PUT(e, " IN ('integer', 'real') THEN ");
    put_found(e, x, "json_extract");
    OXY__PUT(e, " END");
}

/* In a list, a moment is written with a T, and in UTC with a Z. */
static void put_element(oxy__emit *e, const oxy_expr *x)
{
    oxy_kind kind = x->path.arg->type.elem;
    bool moment = kind == OXY_K_DATETIME || kind == OXY_K_DATETIME_UTC;
    bool nested = x->path.arg->type.ndim > x->path.n;

    if (nested) {
        put_found(e, x, NULL);
        return;
    }
    if (moment)
        OXY__PUT(e, "REPLACE(RTRIM(");
    else if (kind == OXY_K_BLOB)
        OXY__PUT(e, "oxy_unbase64(");
    put_found(e, x, "json_extract");
    if (moment)
        OXY__PUT(e, ", 'Z'), 'T', ' ')");
    else if (kind == OXY_K_BLOB)
        OXY__PUTC(e, ')');
}

static void json_path(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    check_keys(e, x);
    if (x->path.arg->type.kind == OXY_K_ARRAY) {
        put_element(e, x);
        return;
    }
    switch (x->path.as) {
    case OXY_JSON_VALUE:
    case OXY_JSON_STRUCTURE: put_found(e, x, NULL); break;
    case OXY_JSON_TEXT:
        OXY__PUT(e, "CASE ");
        put_found(e, x, "json_type");
        OXY__PUT(e, " WHEN 'text' THEN ");
        put_found(e, x, "json_extract");
        OXY__PUT(e, " END");
        break;
    case OXY_JSON_NUMBER: put_number(e, x); break;
    case OXY_JSON_BOOL:
        OXY__PUT(e, "CASE ");
        put_found(e, x, "json_type");
        OXY__PUT(e, " WHEN 'true' THEN 1 WHEN 'false' THEN 0 END");
        break;
    }
}

static void put_call(oxy__emit *e, const char *name, const oxy_expr *a, const oxy_expr *b)
{
    OXY__PUTS(e, name);
    OXY__PUTC(e, '(');
    oxy__put_expr(e, a, OXY__P_NONE);
    OXY__PUT(e, ", ");
    oxy__put_expr(e, b, OXY__P_NONE);
    OXY__PUTC(e, ')');
}

static void equal(oxy__emit *e, const oxy_expr *left, const oxy_expr *right, bool negated, int min)
{
    bool open = negated && oxy__paren_open(e, OXY__P_NOT, min);

    put_call(e, negated ? "NOT oxy_json_equal" : "oxy_json_equal", left, right);
    oxy__paren_close(e, open);
}

/* json_each has columns of its own, which a bare column could be taken for. */
static void put_keys(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_list *keys = &x->container.keys;
    bool any = x->container.op == OXY_CO_HAS_ANY_KEYS;
    bool open = keys->n > 1 && oxy__paren_open(e, any ? OXY__P_OR : OXY__P_AND, min);

    e->qualify++;
    for (uint32_t i = 0; i < keys->n; i++) {
        if (i != 0)
            OXY__PUTS(e, any ? " OR " : " AND ");
        OXY__PUT(e, "EXISTS (SELECT 1 FROM json_each(");
        oxy__put_expr(e, x->container.arg, OXY__P_NONE);
        OXY__PUT(e, ") WHERE key = ");
        oxy__put_expr(e, keys->items[i], OXY__P_COMPARE + 1);
        OXY__PUTC(e, ')');
    }
    e->qualify--;
    oxy__paren_close(e, open);
}

static void put_overlap(oxy__emit *e, const oxy_expr *x)
{
    e->qualify++;
    OXY__PUT(e, "EXISTS (SELECT 1 FROM json_each(");
    oxy__put_expr(e, x->container.arg, OXY__P_NONE);
    OXY__PUT(e, ") AS oxy_a INNER JOIN json_each(");
    oxy__put_expr(e, x->container.value, OXY__P_NONE);
    OXY__PUT(e, ") AS oxy_b ON oxy_a.value = oxy_b.value)");
    e->qualify--;
}

static void container(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_expr *arg = x->container.arg, *value = x->container.value;

    switch (x->container.op) {
    case OXY_CO_JSON_CONTAINS:
    case OXY_CO_ARRAY_CONTAINS: put_call(e, "oxy_json_contains", arg, value); break;
    case OXY_CO_JSON_CONTAINED_BY:
    case OXY_CO_ARRAY_CONTAINED_BY: put_call(e, "oxy_json_contains", value, arg); break;
    case OXY_CO_HAS_KEY:
    case OXY_CO_HAS_KEYS:
    case OXY_CO_HAS_ANY_KEYS: put_keys(e, x, min); break;
    case OXY_CO_ARRAY_OVERLAP: put_overlap(e, x); break;
    case OXY_CO_ARRAY_LEN:
        OXY__PUT(e, "json_array_length(");
        oxy__put_expr(e, arg, OXY__P_NONE);
        OXY__PUTC(e, ')');
        break;
    case OXY_CO_COUNT: break;
    }
}

static void in_array(oxy__emit *e, const oxy_expr *x, int min)
{
    oxy_kind kind = x->in.params->type.kind;
    const char *value = "value";

    (void)min;
    if (kind == OXY_K_DATETIME || kind == OXY_K_DATETIME_UTC)
        value = "REPLACE(RTRIM(value, 'Z'), 'T', ' ')";
    else if (kind == OXY_K_BLOB)
        value = "oxy_unbase64(value)";
    if (kind == OXY_K_DECIMAL && x->in.arg->type.kind != OXY_K_DECIMAL) {
        oxy__put_cast(e, x->in.arg, OXY_K_TEXT, OXY__P_PRIMARY);
        OXY__PUTS(e, e->d->decimal_collation);
    } else {
        oxy__put_comparable(e, x->in.arg, OXY__P_COMPARE + 1);
    }
    OXY__PUTS(e, x->in.negated ? " NOT IN (SELECT " : " IN (SELECT ");
    OXY__PUTS(e, value);
    OXY__PUT(e, " FROM json_each(");
    oxy__put_array(e, x->in.params);
    OXY__PUT(e, "))");
}

/* --- the table --------------------------------------------------------------------------------- */

#define FN(name, text) [OXY_FN_##name] = {{text, 0}, NULL}
#define FN_BY(name, emitter) [OXY_FN_##name] = {{NULL, 0}, emitter}

const oxy_dialect oxy_dialect_sqlite = {
    .name = "sqlite",
    .max_params = 32766,
    .quote = '"',
    .boolean = {"0", "1"},
    .chain = 100,
    .offset_alone = " LIMIT -1",
    .nulls_order = true,
    .upsert = OXY__UPSERT_ON_CONFLICT,
    .returning_insert = true,
    .returning_update = true,
    .returning_delete = true,
    .rowid_keys = true,
    .update_from = true,
    .target_alias = true,
    .agg_filter = true,
    .decimal_collation = " COLLATE oxy_decimal",
    .fold = "oxy_fold",
    .like_binary = "",
    .like_escape = " ESCAPE '\\'",
    .glob = true,
    .random_order = "RANDOM()",
    .match_part = {{{"INSTR({1}, {2}) > 0", OXY__P_COMPARE},
                    {"SUBSTR({1}, 1, LENGTH({2})) = <2>", OXY__P_COMPARE},
                    {"SUBSTR({1}, LENGTH({1}) - LENGTH({2}) + 1) = <2>", OXY__P_COMPARE}},
                   {{"INSTR(oxy_fold({1}), oxy_fold({2})) > 0", OXY__P_COMPARE},
                    {"SUBSTR(oxy_fold({1}), 1, LENGTH(oxy_fold({2}))) = oxy_fold({2})", OXY__P_COMPARE},
                    {"SUBSTR(oxy_fold({1}), LENGTH(oxy_fold({1})) - LENGTH(oxy_fold({2})) + 1) = oxy_fold({2})",
                     OXY__P_COMPARE}}},
    .fn =
        {
            FN(LOWER, "oxy_lower({1})"),
            FN(UPPER, "oxy_upper({1})"),
            FN(TRIM, "TRIM({1})"),
            FN(LTRIM, "LTRIM({1})"),
            FN(RTRIM, "RTRIM({1})"),
            FN(LENGTH, "LENGTH({1})"),
            FN(LEFT, "SUBSTR({1}, 1, {2})"),
            FN(RIGHT, "SUBSTR({1}, MAX(LENGTH({1}) - <2>, 0) + 1)"),
            FN(SUBSTR, "SUBSTR({*})"),
            FN(REPLACE, "REPLACE({*})"),
            FN(STRINDEX, "INSTR({1}, {2})"),
            FN_BY(CONCAT, concat),
            FN_BY(COALESCE, oxy__put_coalesce),
            FN_BY(NULLIF, nullif),
            FN_BY(GREATEST, greatest),
            FN_BY(LEAST, least),
            FN_BY(ABS, absolute),
            FN(CEIL, "oxy_ceil({1})"),
            FN(FLOOR, "oxy_floor({1})"),
            FN_BY(SQRT, square_root),
            FN_BY(ROUND, round_to),
            FN_BY(POWER, power),
            FN(RANDOM, "(ABS(RANDOM() % 9007199254740992) / 9007199254740992.0)"),
            FN(NOW, "(STRFTIME('%Y-%m-%d %H:%M:%f', 'now') || '000')"),
            FN_BY(JSON_OBJECT, json_object),
            FN(ROW_NUMBER, "ROW_NUMBER()"),
            FN(RANK, "RANK()"),
            FN(DENSE_RANK, "DENSE_RANK()"),
            FN(PERCENT_RANK, "PERCENT_RANK()"),
            FN(CUME_DIST, "CUME_DIST()"),
            FN(NTILE, "NTILE({1})"),
            FN(LAG, "LAG({*})"),
            FN(LEAD, "LEAD({*})"),
            FN(FIRST_VALUE, "FIRST_VALUE({1})"),
            FN(LAST_VALUE, "LAST_VALUE({1})"),
            FN(NTH_VALUE, "NTH_VALUE({*})"),
        },
    .arith =
        {
            [OXY_OP_ADD].as = {[OXY__N_DECIMAL] = {"oxy_dec_add({1}, {2})", 0}},
            [OXY_OP_SUB].as = {[OXY__N_DECIMAL] = {"oxy_dec_sub({1}, {2})", 0}},
            [OXY_OP_MUL].as = {[OXY__N_DECIMAL] = {"oxy_dec_mul({1}, {2})", 0}},
            [OXY_OP_DIV].as = {[OXY__N_DOUBLE] = {"oxy_div({1}, {2})", 0},
                               [OXY__N_DECIMAL] = {"oxy_dec_div({1}, {2})", 0}},
            [OXY_OP_FLOORDIV].as = {{"oxy_floordiv({1}, {2})", 0},
                                    {"oxy_floordiv({1}, {2})", 0},
                                    {"oxy_dec_floordiv({1}, {2})", 0}},
            [OXY_OP_MOD].as = {{"oxy_mod({1}, {2})", 0}, {"oxy_mod({1}, {2})", 0}, {"oxy_dec_mod({1}, {2})", 0}},
        },
    .extract =
        {
            [OXY_PART_YEAR] = {"oxy_extract('year', {1})", 0},
            [OXY_PART_ISO_YEAR] = {"oxy_extract('iso_year', {1})", 0},
            [OXY_PART_QUARTER] = {"oxy_extract('quarter', {1})", 0},
            [OXY_PART_MONTH] = {"oxy_extract('month', {1})", 0},
            [OXY_PART_WEEK] = {"oxy_extract('week', {1})", 0},
            [OXY_PART_DAY] = {"oxy_extract('day', {1})", 0},
            [OXY_PART_WEEK_DAY] = {"oxy_extract('week_day', {1})", 0},
            [OXY_PART_ISO_WEEK_DAY] = {"oxy_extract('iso_week_day', {1})", 0},
            [OXY_PART_HOUR] = {"oxy_extract('hour', {1})", 0},
            [OXY_PART_MINUTE] = {"oxy_extract('minute', {1})", 0},
            [OXY_PART_SECOND] = {"oxy_extract('second', {1})", 0},
            [OXY_PART_DATE] = {"oxy_extract('date', {1})", 0},
            [OXY_PART_TIME] = {"oxy_extract('time', {1})", 0},
        },
    .literal = literal,
    .trunc = trunc_to,
    .cast = cast,
    .regex = regex,
    .json_path = json_path,
    .container = container,
    .equal = equal,
    .in_array = in_array,
    .agg = agg,
};
