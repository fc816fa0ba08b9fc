/* SPDX-License-Identifier: MIT */
/* mysql: MySQL 8.0 and newer, MariaDB 10.6 and newer. MariaDB is MySQL with a
 * few rows of its own at the end. */
#include "../emit.h"

#include <string.h>

#define TRUTH_WORD "CASE {1} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"

/* --- text and casts --------------------------------------------------------------- */

/* Whether a backslash escapes depends on the session's sql_mode: a text that
 * has one is written in hexadecimal. */
static void literal(oxy__emit *e, oxy_sv text)
{
    if (text.len == 0 || memchr(text.p, '\\', text.len) == NULL) {
        oxy_quote_text(e->d, e->out, text);
        return;
    }
    OXY__PUT(e, "_utf8mb4 X'");
    for (size_t i = 0; i < text.len; i++)
        oxy_buf_printf(e->out, "%02X", (unsigned)(unsigned char)text.p[i]);
    OXY__PUTC(e, '\'');
}

static void put_decimal_type(oxy__emit *e, const oxy_type *t)
{
    OXY__PUT(e, "DECIMAL(");
    oxy_buf_putu(e->out, t->size != 0 ? t->size : 65);
    OXY__PUT(e, ", ");
    oxy_buf_putu(e->out, t->has_scale ? t->scale : t->size != 0 ? 0 : 30);
    OXY__PUTC(e, ')');
}

/* Half of one is true: a number is not cut first. */
static void cast_bool(oxy__emit *e, const oxy_expr *arg, int min)
{
    static const oxy__template number = {"<1> <> 0", OXY__P_COMPARE},
                               text = {"CAST({1} AS SIGNED) <> 0", OXY__P_COMPARE};
    oxy_kind from = arg->type.kind;
    bool numeric = from == OXY_K_INT || from == OXY_K_DOUBLE || from == OXY_K_DECIMAL || from == OXY_K_BOOL ||
                   from == OXY_K_TIMEDELTA;

    oxy__put_template(e, numeric ? &number : &text, &arg, 1, min);
}

/* A cast to a whole number cuts, as int() does in Python; the server's rounds. */
static void cast_int(oxy__emit *e, const oxy_expr *arg, int min)
{
    static const oxy__template plain = {"CAST({1} AS SIGNED)", 0}, cut = {"CAST(TRUNCATE({1}, 0) AS SIGNED)", 0};
    oxy_kind from = arg->type.kind;

    oxy__put_template(e, from == OXY_K_DOUBLE || from == OXY_K_DECIMAL ? &cut : &plain, &arg, 1, min);
}

static void cast(oxy__emit *e, const oxy_expr *x, int min)
{
    static const oxy__template plain[OXY_K_COUNT] = {
        [OXY_K_DOUBLE] = {"CAST({1} AS DOUBLE)", 0},
        [OXY_K_BLOB] = {"CAST({1} AS BINARY)", 0},
        [OXY_K_DATETIME] = {"CAST({1} AS DATETIME(6))", 0},
        [OXY_K_DATETIME_UTC] = {"CAST({1} AS DATETIME(6))", 0},
        [OXY_K_DATE] = {"CAST({1} AS DATE)", 0},
        [OXY_K_TIME] = {"CAST({1} AS TIME(6))", 0},
    };
    static const oxy__template text = {"CAST({1} AS CHAR)", 0};
    static const oxy__template boolean = {TRUTH_WORD, 0};
    const oxy_expr *arg = x->cast.arg;

    switch (x->type.kind) {
    case OXY_K_INT:
    case OXY_K_TIMEDELTA: cast_int(e, arg, min); break;
    case OXY_K_BOOL: cast_bool(e, arg, min); break;
    case OXY_K_DECIMAL:
        OXY__PUT(e, "CAST(");
        oxy__put_expr(e, arg, OXY__P_NONE);
        OXY__PUT(e, " AS ");
        put_decimal_type(e, &x->type);
        OXY__PUTC(e, ')');
        break;
    case OXY_K_JSON:
    case OXY_K_JSONB:
    case OXY_K_ARRAY: oxy__put_template(e, &e->d->as_json, &arg, 1, min); break;
    case OXY_K_INTERVAL: oxy__lacks(e, "INTERVAL"); break;
    default:
        if (plain[x->type.kind].text != NULL)
            oxy__put_template(e, &plain[x->type.kind], &arg, 1, min);
        else
            oxy__put_template(e, arg->type.kind == OXY_K_BOOL ? &boolean : &text, &arg, 1, min);
        break;
    }
}

/* --- functions ----------------------------------------------------------------------- */

static void length(oxy__emit *e, const oxy_expr *x, int min)
{
    static const oxy__template chars = {"CHAR_LENGTH({1})", 0}, bytes = {"LENGTH({1})", 0};
    const oxy_expr *arg = x->func.args.items[0];

    oxy__put_template(e, arg->type.kind == OXY_K_BLOB ? &bytes : &chars, &arg, 1, min);
}

/* CONCAT is NULL if one part is; CONCAT_WS leaves those out. */
static void concat(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_list *args = &x->func.args;

    (void)min;
    OXY__PUT(e, "CONCAT_WS(");
    if (args->items[0]->kind == OXY_E_NUL)
        OXY__PUT(e, "''");
    else
        oxy__put_expr(e, args->items[0], OXY__P_NONE);
    for (uint32_t i = 1; i < args->n; i++) {
        OXY__PUT(e, ", ");
        oxy__put_expr(e, args->items[i], OXY__P_NONE);
    }
    OXY__PUTC(e, ')');
}

static void greatest(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    oxy__put_extreme(e, x, "GREATEST");
}

static void least(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    oxy__put_extreme(e, x, "LEAST");
}

static void put_whole(oxy__emit *e, const oxy_expr *x, const oxy__template *t, int min)
{
    static const oxy__template same = {"{1}", 0};
    const oxy_expr *arg = x->func.args.items[0];

    if (arg->type.kind == OXY_K_INT && arg->kind == OXY_E_COLUMN)
        oxy__put_template(e, &same, &arg, 1, min);
    else
        oxy__put_template(e, t, &arg, 1, min);
}

static void ceiling(oxy__emit *e, const oxy_expr *x, int min)
{
    static const oxy__template t = {"CAST(CEILING({1}) AS SIGNED)", 0};

    put_whole(e, x, &t, min);
}

static void floor_of(oxy__emit *e, const oxy_expr *x, int min)
{
    static const oxy__template t = {"CAST(FLOOR({1}) AS SIGNED)", 0};

    put_whole(e, x, &t, min);
}

/* A DOUBLE is rounded as the C library likes; a DECIMAL half away from zero. */
static void round_to(oxy__emit *e, const oxy_expr *x, int min)
{
    static const oxy__template exact = {"ROUND({1}[2, {2}])", 0};
    static const oxy__template real = {"CAST(ROUND(CAST({1} AS DECIMAL(65, 30))[2, {2}]) AS DOUBLE)", 0};

    oxy__put_template(e, x->type.kind == OXY_K_DOUBLE ? &real : &exact, x->func.args.items, x->func.args.n, min);
}

static void lag_lead(oxy__emit *e, const oxy_expr *x, int min)
{
    static const oxy__template lag = {"LAG({*})", 0}, lead = {"LEAD({*})", 0};

    if (x->func.args.n == 3 && e->d == &oxy_dialect_mariadb)
        oxy__lacks(e, "a default in Lag and Lead");
    oxy__put_template(e, x->func.fn == OXY_FN_LAG ? &lag : &lead, x->func.args.items, x->func.args.n, min);
}

/* --- dates -------------------------------------------------------------------------------- */

static const char *const starts[] = {
    [OXY_PART_YEAR] = "DATE_FORMAT({1}, '%Y-01-01')",
    [OXY_PART_QUARTER] = "MAKEDATE(YEAR({1}), 1) + INTERVAL QUARTER({1}) - 1 QUARTER",
    [OXY_PART_MONTH] = "DATE_FORMAT({1}, '%Y-%m-01')",
    [OXY_PART_WEEK] = "DATE({1}) - INTERVAL WEEKDAY({1}) DAY",
    [OXY_PART_DAY] = "DATE({1})",
    [OXY_PART_HOUR] = "DATE_FORMAT({1}, '%Y-%m-%d %H:00:00')",
    [OXY_PART_MINUTE] = "DATE_FORMAT({1}, '%Y-%m-%d %H:%i:00')",
    [OXY_PART_SECOND] = "DATE_FORMAT({1}, '%Y-%m-%d %H:%i:%s')",
    [OXY_PART_TIME] = NULL,
};

static const char *const time_starts[] = {
    [OXY_PART_HOUR] = "TIME_FORMAT({1}, '%H:00:00')",
    [OXY_PART_MINUTE] = "TIME_FORMAT({1}, '%H:%i:00')",
    [OXY_PART_SECOND] = "TIME_FORMAT({1}, '%H:%i:%s')",
    [OXY_PART_TIME] = NULL,
};

static void trunc_to(oxy__emit *e, const oxy_expr *x, int min)
{
    oxy_kind kind = x->part.arg->type.kind;
    oxy__template t = {kind == OXY_K_TIME ? time_starts[x->part.part] : starts[x->part.part], 0};

    (void)min;
    OXY__PUT(e, "CAST(");
    oxy__put_template(e, &t, &x->part.arg, 1, OXY__P_NONE);
    OXY__PUTS(e, kind == OXY_K_DATE ? " AS DATE)" : kind == OXY_K_TIME ? " AS TIME(6))" : " AS DATETIME(6))");
}

/* --- regular expressions --------------------------------------------------------------------- */

static void regex_mysql(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    OXY__PUT(e, "REGEXP_LIKE(");
    oxy__put_expr(e, x->match.arg, OXY__P_NONE);
    OXY__PUT(e, ", ");
    oxy__put_expr(e, x->match.pattern, OXY__P_NONE);
    OXY__PUTS(e, x->match.fold ? ", 'i')" : ", 'c')");
}

/* MariaDB takes case from the collation unless the pattern says otherwise. */
static void regex_mariadb(oxy__emit *e, const oxy_expr *x, int min)
{
    bool open = oxy__paren_open(e, OXY__P_COMPARE, min);

    oxy__put_expr(e, x->match.arg, OXY__P_COMPARE + 1);
    OXY__PUT(e, " REGEXP ");
    if (x->match.pattern->kind == OXY_E_PARAM) {
        oxy__put_param(e, x->match.pattern, x->match.fold ? OXY_BIND_REGEX_FOLD : OXY_BIND_REGEX_CASE);
    } else {
        OXY__PUTS(e, x->match.fold ? "CONCAT('(?i)', " : "CONCAT('(?-i)', ");
        oxy__put_expr(e, x->match.pattern, OXY__P_NONE);
        OXY__PUTC(e, ')');
    }
    oxy__paren_close(e, open);
}

/* --- aggregates ------------------------------------------------------------------------------- */

/* The separator must be a literal, so it goes before every part as a value,
 * and the first one is cut off. */
static void put_string_agg(oxy__emit *e, const oxy_expr *x)
{
    if (x->agg.separator == NULL || e->over != NULL) {
        oxy__lacks(e, "StringAgg without a separator or in a window");
        return;
    }
    OXY__PUTS(e, x->agg.distinct ? "SUBSTR(GROUP_CONCAT(DISTINCT CONCAT(" : "SUBSTR(GROUP_CONCAT(CONCAT(");
    oxy__put_expr(e, x->agg.separator, OXY__P_NONE);
    OXY__PUT(e, ", ");
    if (x->agg.filter != NULL) {
        OXY__PUT(e, "CASE WHEN ");
        oxy__put_expr(e, x->agg.filter, OXY__P_NONE);
        OXY__PUT(e, " THEN ");
    }
    oxy__put_expr(e, x->agg.arg, OXY__P_NONE);
    OXY__PUTS(e, x->agg.filter != NULL ? " END)" : ")");
    if (x->agg.order.n != 0) {
        OXY__PUT(e, " ORDER BY ");
        oxy__put_order(e, &x->agg.order, false);
    }
    OXY__PUT(e, " SEPARATOR ''), CHAR_LENGTH(");
    oxy__put_expr(e, x->agg.separator, OXY__P_NONE);
    OXY__PUT(e, ") + 1)");
}

static bool of_double(const oxy_expr *x)
{
    return x->agg.arg->type.kind == OXY_K_DOUBLE;
}

static void put_average(oxy__emit *e, const oxy_expr *x)
{
    /* An average of whole numbers would have four decimals, no more. */
    if (x->type.kind == OXY_K_DECIMAL)
        oxy__put_agg_call(e, x, "AVG", "CAST(", " AS DECIMAL(65, 30))");
    else if (of_double(x))
        oxy__put_agg_call(e, x, "AVG", "", "");
    else
        oxy__put_agg_call(e, x, "AVG", "", " + 0e0");
}

static bool agg(oxy__emit *e, const oxy_expr *x)
{
    switch (x->agg.fn) {
    case OXY_AGG_AVG: put_average(e, x); return true;
    case OXY_AGG_STDDEV: oxy__put_agg_call(e, x, "STDDEV_POP", "", of_double(x) ? "" : " + 0e0"); return true;
    case OXY_AGG_VARIANCE: oxy__put_agg_call(e, x, "VAR_POP", "", of_double(x) ? "" : " + 0e0"); return true;
    case OXY_AGG_BOOL_AND: oxy__put_agg_call(e, x, "MIN", "", ""); return true;
    case OXY_AGG_BOOL_OR: oxy__put_agg_call(e, x, "MAX", "", ""); return true;
    case OXY_AGG_STRING_AGG: put_string_agg(e, x); return true;
    case OXY_AGG_ARRAY_AGG:
        if (x->agg.order.n != 0 || x->agg.distinct || x->agg.filter != NULL)
            oxy__lacks(e, "an order, DISTINCT or a filter inside ArrayAgg");
        oxy__put_agg_call(e, x, "JSON_ARRAYAGG", "", "");
        return true;
    default: return false;
    }
}

/* --- JSON and arrays ------------------------------------------------------------------------------ */

static void put_extract(oxy__emit *e, const oxy_expr *x, uint32_t n, uint64_t keys)
{
    OXY__PUT(e, "JSON_EXTRACT(");
    oxy__put_expr(e, x->path.arg, OXY__P_NONE);
    OXY__PUT(e, ", ");
    oxy__put_json_path(e, x->path.steps, n, keys);
    OXY__PUTC(e, ')');
}

/* Digits are an index in an array and a key in an object; [0] of something
 * that is no array is the thing itself, so the type must be asked for. */
static void put_found(oxy__emit *e, const oxy_expr *x, uint32_t from, uint64_t keys)
{
    uint32_t at = oxy__json_ambiguous(x->path.steps, x->path.n, from);

    if (at == x->path.n || x->path.arg->type.kind == OXY_K_ARRAY) {
        put_extract(e, x, x->path.n, keys);
        return;
    }
    /* The cast: see put_json_type. */
    OXY__PUT(e, "CASE CAST(JSON_TYPE(");
    put_extract(e, x, at, keys);
    OXY__PUT(e, ") AS CHAR) WHEN 'ARRAY' THEN ");
    put_found(e, x, at + 1, keys);
    OXY__PUT(e, " ELSE ");
    put_found(e, x, at + 1, keys | UINT64_C(1) << at);
    OXY__PUT(e, " END");
}

static void put_element(oxy__emit *e, const oxy_expr *x)
{
    static const struct {
        const char *before, *after;
    } forms[OXY_K_COUNT] = {
        [OXY_K_INT] = {"CAST(JSON_VALUE(", ") AS SIGNED)"},
        [OXY_K_TIMEDELTA] = {"CAST(JSON_VALUE(", ") AS SIGNED)"},
        [OXY_K_BOOL] = {"(JSON_VALUE(", ") IN ('true', '1'))"},
        [OXY_K_DOUBLE] = {"CAST(JSON_VALUE(", ") AS DOUBLE)"},
        [OXY_K_DECIMAL] = {"CAST(JSON_VALUE(", ") AS DECIMAL(65, 30))"},
        [OXY_K_DATE] = {"CAST(JSON_VALUE(", ") AS DATE)"},
        [OXY_K_TIME] = {"CAST(JSON_VALUE(", ") AS TIME(6))"},
        [OXY_K_DATETIME] = {"CAST(TRIM(TRAILING 'Z' FROM JSON_VALUE(", ")) AS DATETIME(6))"},
        [OXY_K_DATETIME_UTC] = {"CAST(TRIM(TRAILING 'Z' FROM JSON_VALUE(", ")) AS DATETIME(6))"},
        [OXY_K_BLOB] = {"FROM_BASE64(JSON_VALUE(", "))"},
        [OXY_K_JSON] = {"JSON_EXTRACT(", ")"},
        [OXY_K_JSONB] = {"JSON_EXTRACT(", ")"},
    };
    oxy_kind kind = x->path.arg->type.ndim > x->path.n ? OXY_K_JSON : x->path.arg->type.elem;
    bool plain = forms[kind].before == NULL;

    OXY__PUTS(e, plain ? "JSON_VALUE(" : forms[kind].before);
    oxy__put_expr(e, x->path.arg, OXY__P_NONE);
    OXY__PUT(e, ", ");
    oxy__put_json_path(e, x->path.steps, x->path.n, 0);
    OXY__PUTS(e, plain ? ")" : forms[kind].after);
}

/* The name of a type has a collation of its own, which need not agree with that
 * of the connection's literals; a cast takes the connection's. */
static void put_json_type(oxy__emit *e, const oxy_expr *x)
{
    OXY__PUT(e, "CAST(JSON_TYPE(");
    put_found(e, x, 0, 0);
    OXY__PUT(e, ") AS CHAR)");
}

static void json_path(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    if (x->path.arg->type.kind == OXY_K_ARRAY) {
        put_element(e, x);
        return;
    }
    switch (x->path.as) {
    case OXY_JSON_VALUE:
    case OXY_JSON_STRUCTURE: put_found(e, x, 0, 0); break;
    case OXY_JSON_TEXT:
        OXY__PUT(e, "CASE ");
        put_json_type(e, x);
        OXY__PUT(e, " WHEN 'STRING' THEN JSON_UNQUOTE(");
        put_found(e, x, 0, 0);
        OXY__PUT(e, ") COLLATE utf8mb4_bin END");
        break;
    case OXY_JSON_NUMBER:
        OXY__PUT(e, "CASE WHEN ");
        put_json_type(e, x);
        OXY__PUT(e, " IN ('INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL') THEN ");
        put_found(e, x, 0, 0);
        OXY__PUT(e, " + 0 END");
        break;
    case OXY_JSON_BOOL:
        OXY__PUT(e, "CASE CAST(");
        put_found(e, x, 0, 0);
        OXY__PUT(e, " AS CHAR) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END");
        break;
    }
}

static void put_document(oxy__emit *e, const oxy_expr *x)
{
    if (x->kind == OXY_E_PARAM)
        oxy__put_template(e, &e->d->as_json, &x, 1, OXY__P_COMPARE + 1);
    else
        oxy__put_expr(e, x, OXY__P_COMPARE + 1);
}

static void equal_mysql(oxy__emit *e, const oxy_expr *left, const oxy_expr *right, bool negated, int min)
{
    bool open = oxy__paren_open(e, OXY__P_COMPARE, min);

    put_document(e, left);
    OXY__PUTS(e, negated ? " <> " : " = ");
    put_document(e, right);
    oxy__paren_close(e, open);
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

/* JSON is text to MariaDB: equality by structure is a function. As a condition
 * of its own it is true where a document is NULL, hence the comparison. */
static void equal_mariadb(oxy__emit *e, const oxy_expr *left, const oxy_expr *right, bool negated, int min)
{
    bool open = oxy__paren_open(e, OXY__P_COMPARE, min);

    put_call(e, "JSON_EQUALS", left, right);
    OXY__PUTS(e, negated ? " = 0" : " = 1");
    oxy__paren_close(e, open);
}

/* A JSON value among the arguments stays JSON, a truth value becomes one. */
static void json_object(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    OXY__PUT(e, "JSON_OBJECT(");
    for (uint32_t i = 0; i < x->func.args.n; i++) {
        const oxy_expr *arg = x->func.args.items[i];

        if (i != 0)
            OXY__PUT(e, ", ");
        if (arg->type.kind == OXY_K_BOOL)
            oxy__put_template(e, &e->d->truth_as_json, &arg, 1, OXY__P_NONE);
        else if (oxy__is_document(&arg->type))
            put_document(e, arg);
        else
            oxy__put_expr(e, arg, OXY__P_NONE);
    }
    OXY__PUTC(e, ')');
}

static void put_keys(oxy__emit *e, const oxy_expr *x)
{
    OXY__PUT(e, "JSON_CONTAINS_PATH(");
    oxy__put_expr(e, x->container.arg, OXY__P_NONE);
    OXY__PUTS(e, x->container.op == OXY_CO_HAS_KEYS ? ", 'all'" : ", 'one'");
    for (uint32_t i = 0; i < x->container.keys.n; i++) {
        OXY__PUT(e, ", CONCAT('$.', CAST(JSON_QUOTE(");
        oxy__put_expr(e, x->container.keys.items[i], OXY__P_NONE);
        OXY__PUT(e, ") AS CHAR))");
    }
    OXY__PUTC(e, ')');
}

/* What the server's containment lets through and PostgreSQL's does not. */
static void put_guard(oxy__emit *e, const oxy_expr *x, const oxy_expr *at)
{
    bool inner = x->container.op == OXY_CO_JSON_CONTAINED_BY && at != x->container.arg;

    OXY__PUTS(e, inner ? " AND COALESCE(CAST(JSON_TYPE(" : " AND CAST(JSON_TYPE(");
    oxy__put_expr(e, at, OXY__P_NONE);
    OXY__PUTS(e, inner                                     ? ") AS CHAR), 'ARRAY') = 'ARRAY'"
                 : x->container.op == OXY_CO_JSON_CONTAINS ? ") AS CHAR) <> 'ARRAY'"
                                                           : ") AS CHAR) <> 'OBJECT'");
}

static void put_containment(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_expr *arg = x->container.arg, *value = x->container.value;
    bool within = x->container.op == OXY_CO_JSON_CONTAINED_BY || x->container.op == OXY_CO_ARRAY_CONTAINED_BY;
    bool open = x->container.keys.n != 0 && oxy__paren_open(e, OXY__P_AND, min);

    put_call(e, "JSON_CONTAINS", within ? value : arg, within ? arg : value);
    for (uint32_t i = 0; i < x->container.keys.n; i++)
        put_guard(e, x, x->container.keys.items[i]);
    oxy__paren_close(e, open);
}

static void container(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_expr *arg = x->container.arg, *value = x->container.value;

    switch (x->container.op) {
    case OXY_CO_JSON_CONTAINS:
    case OXY_CO_ARRAY_CONTAINS:
    case OXY_CO_JSON_CONTAINED_BY:
    case OXY_CO_ARRAY_CONTAINED_BY: put_containment(e, x, min); break;
    case OXY_CO_HAS_KEY:
    case OXY_CO_HAS_KEYS:
    case OXY_CO_HAS_ANY_KEYS: put_keys(e, x); break;
    case OXY_CO_ARRAY_OVERLAP: put_call(e, "JSON_OVERLAPS", arg, value); break;
    case OXY_CO_ARRAY_LEN:
        OXY__PUT(e, "JSON_LENGTH(");
        oxy__put_expr(e, arg, OXY__P_NONE);
        OXY__PUTC(e, ')');
        break;
    case OXY_CO_COUNT: break;
    }
}

/* JSON_OVERLAPS came with MariaDB 10.9. */
static void container_mariadb(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_expr *arg = x->container.arg, *value = x->container.value;

    if (x->container.op != OXY_CO_ARRAY_OVERLAP || value->kind != OXY_E_PARAM) {
        container(e, x, min);
        return;
    }
    OXY__PUT(e, "CASE WHEN ");
    oxy__put_expr(e, arg, OXY__P_COMPARE + 1);
    OXY__PUT(e, " IS NOT NULL THEN EXISTS (SELECT 1 FROM JSON_TABLE(");
    oxy__put_expr(e, value, OXY__P_NONE);
    OXY__PUT(e, ", '$[*]' COLUMNS (v JSON PATH '$')) AS j WHERE JSON_CONTAINS(");
    oxy__put_expr(e, arg, OXY__P_NONE);
    OXY__PUT(e, ", v)) END");
}

/* Text must not bring a collation of its own, or the server refuses to compare
 * it with a column of another: JSON_UNQUOTE's yields to the column's. */
static void in_array(oxy__emit *e, const oxy_expr *x, int min)
{
    static const struct {
        const char *type, *value;
    } forms[OXY_K_COUNT] = {
        [OXY_K_INT] = {"BIGINT", "v"},
        [OXY_K_TIMEDELTA] = {"BIGINT", "v"},
        [OXY_K_BOOL] = {"BIGINT", "v"},
        [OXY_K_DOUBLE] = {"DOUBLE", "v"},
        [OXY_K_DECIMAL] = {"DECIMAL(65, 30)", "v"},
        [OXY_K_DATE] = {"DATE", "v"},
        [OXY_K_TIME] = {"TIME(6)", "v"},
        [OXY_K_DATETIME] = {"VARCHAR(40)", "CAST(TRIM(TRAILING 'Z' FROM v) AS DATETIME(6))"},
        [OXY_K_DATETIME_UTC] = {"VARCHAR(40)", "CAST(TRIM(TRAILING 'Z' FROM v) AS DATETIME(6))"},
        [OXY_K_BLOB] = {"JSON", "FROM_BASE64(JSON_UNQUOTE(v))"},
    };
    oxy_kind kind = x->in.params->type.kind;
    bool text = forms[kind].type == NULL;
    /* In an UPDATE or DELETE MariaDB would read the document once per row of the
     * table; a derived table that cannot be merged is made once. */
    bool write = e->changes;

    (void)min;
    oxy__put_expr(e, x->in.arg, OXY__P_COMPARE + 1);
    OXY__PUTS(e, x->in.negated ? " NOT IN (SELECT " : " IN (SELECT ");
    if (write)
        OXY__PUT(e, "w FROM (SELECT ");
    OXY__PUTS(e, text ? "JSON_UNQUOTE(v)" : forms[kind].value);
    if (write)
        OXY__PUT(e, " AS w");
    OXY__PUT(e, " FROM JSON_TABLE(");
    oxy__put_array(e, x->in.params);
    OXY__PUT(e, ", '$[*]' COLUMNS (v ");
    OXY__PUTS(e, text ? "JSON" : forms[kind].type);
    OXY__PUT(e, " PATH '$')) AS j");
    if (write)
        OXY__PUT(e, " LIMIT 18446744073709551615) AS k");
    OXY__PUTC(e, ')');
}

/* --- the tables -------------------------------------------------------------------------------------- */

/* MySQL goes by the second argument's collation alone, which may be of another
 * character set. */
#define LOCATE_CASE "LOCATE({2}, CONVERT({1} USING utf8mb4) COLLATE utf8mb4_bin)"
#define FN(name, text) [OXY_FN_##name] = {{text, 0}, NULL}
#define FN_BY(name, emitter) [OXY_FN_##name] = {{NULL, 0}, emitter}

/* clang-format off */
#define SHARED_ROWS                                                                                                    \
    .max_params = 65535,                                                                                               \
    .loose_containment = true,                                                                                         \
    .quote = '`',                                                                                                      \
    .boolean = {"FALSE", "TRUE"},                                                                                      \
    .offset_alone = " LIMIT 18446744073709551615",                                                                     \
    .group_by_position = true,                                                                                         \
    .operand_parens = true,                                                                                            \
    .intersect_binds = true,                                                                                           \
    .in_limit_wrap = true,                                                                                             \
    .locks = true,                                                                                                     \
    .upsert = OXY__UPSERT_ON_DUPLICATE,                                                                                \
    .default_in_values = true,                                                                                         \
    .sets_in_order = true,                                                                                             \
    .fold = "LOWER",                                                                                                   \
    .like_binary = " COLLATE utf8mb4_bin",                                                                             \
    .like_escape = " ESCAPE '\\\\'",                                                                                   \
    .random_order = "RAND()",                                                                                          \
    .match_part = {{{LOCATE_CASE " > 0", OXY__P_COMPARE},                                      \
                    {"LEFT({1}, CHAR_LENGTH({2})) = <2> COLLATE utf8mb4_bin", OXY__P_COMPARE},                         \
                    {"RIGHT({1}, CHAR_LENGTH({2})) = <2> COLLATE utf8mb4_bin", OXY__P_COMPARE}},                       \
                   {{"LOCATE(LOWER({2}), LOWER({1})) > 0", OXY__P_COMPARE},                                            \
                    {"LEFT(LOWER({1}), CHAR_LENGTH({2})) = LOWER({2})", OXY__P_COMPARE},                               \
                    {"RIGHT(LOWER({1}), CHAR_LENGTH({2})) = LOWER({2})", OXY__P_COMPARE}}},                            \
    .fn = {                                                                                                            \
        FN(LOWER, "LOWER({1})"),                                                                                       \
        FN(UPPER, "UPPER({1})"),                                                                                       \
        FN(TRIM, "TRIM({1})"),                                                                                         \
        FN(LTRIM, "LTRIM({1})"),                                                                                       \
        FN(RTRIM, "RTRIM({1})"),                                                                                       \
        FN_BY(LENGTH, length),                                                                                         \
        FN(LEFT, "LEFT({1}, {2})"),                                                                                    \
        FN(RIGHT, "RIGHT({1}, {2})"),                                                                                  \
        FN(SUBSTR, "SUBSTR({*})"),                                                                                     \
        FN(REPLACE, "REPLACE({*})"),                                                                                   \
        FN(STRINDEX, LOCATE_CASE),                                                          \
        FN_BY(CONCAT, concat),                                                                                         \
        FN_BY(COALESCE, oxy__put_coalesce),                                                                            \
        FN(NULLIF, "NULLIF({1}, {2})"),                                                                                \
        FN_BY(GREATEST, greatest),                                                                                     \
        FN_BY(LEAST, least),                                                                                           \
        FN(ABS, "ABS({1})"),                                                                                           \
        FN_BY(CEIL, ceiling),                                                                                          \
        FN_BY(FLOOR, floor_of),                                                                                        \
        FN(SQRT, "SQRT({1})"),                                                                                         \
        FN_BY(ROUND, round_to),                                                                                        \
        FN(POWER, "POWER({1}, {2})"),                                                                                  \
        FN(RANDOM, "RAND()"),                                                                                          \
        FN(NOW, "UTC_TIMESTAMP(6)"),                                                                                   \
        FN_BY(JSON_OBJECT, json_object),                                                                               \
        FN(ROW_NUMBER, "ROW_NUMBER()"),                                                                                \
        FN(RANK, "RANK()"),                                                                                            \
        FN(DENSE_RANK, "DENSE_RANK()"),                                                                                \
        FN(PERCENT_RANK, "PERCENT_RANK()"),                                                                            \
        FN(CUME_DIST, "CUME_DIST()"),                                                                                  \
        FN(NTILE, "NTILE({1})"),                                                                                       \
        FN_BY(LAG, lag_lead),                                                                                          \
        FN_BY(LEAD, lag_lead),                                                                                         \
        FN(FIRST_VALUE, "FIRST_VALUE({1})"),                                                                           \
        FN(LAST_VALUE, "LAST_VALUE({1})"),                                                                             \
        FN(NTH_VALUE, "NTH_VALUE({*})"),                                                                               \
    },                                                                                                                 \
    .arith = {                                                                                                         \
        [OXY_OP_CONCAT].as = {{"CONCAT({1}, {2})", 0}},                                                                \
        [OXY_OP_DIV].as = {[OXY__N_DOUBLE] = {"(<1> + 0e0) / <2>", OXY__P_MUL},                                        \
                           [OXY__N_DECIMAL] = {"CAST({1} AS DECIMAL(65, 30)) / <2>", OXY__P_MUL}},                     \
        [OXY_OP_FLOORDIV].as = {{"(<1> - MOD(MOD({1}, {2}) + <2>, {2})) DIV <2>", OXY__P_MUL},                         \
                                {"FLOOR(<1> / <2>)", 0},                                                               \
                                {"(<1> - MOD(MOD({1}, {2}) + <2>, {2})) / <2>", OXY__P_MUL}},                          \
        [OXY_OP_MOD].as = {{"MOD(MOD({1}, {2}) + <2>, {2})", 0},                                                       \
                           {"MOD(MOD({1}, {2}) + <2>, {2})", 0},                                                       \
                           {"MOD(MOD({1}, {2}) + <2>, {2})", 0}},                                                      \
    },                                                                                                                 \
    .extract = {                                                                                                       \
        [OXY_PART_YEAR] = {"YEAR({1})", 0},                                                                            \
        [OXY_PART_ISO_YEAR] = {"YEARWEEK({1}, 3) DIV 100", OXY__P_MUL},                                                \
        [OXY_PART_QUARTER] = {"QUARTER({1})", 0},                                                                      \
        [OXY_PART_MONTH] = {"MONTH({1})", 0},                                                                          \
        [OXY_PART_WEEK] = {"WEEK({1}, 3)", 0},                                                                         \
        [OXY_PART_DAY] = {"DAYOFMONTH({1})", 0},                                                                       \
        [OXY_PART_WEEK_DAY] = {"DAYOFWEEK({1})", 0},                                                                   \
        [OXY_PART_ISO_WEEK_DAY] = {"WEEKDAY({1}) + 1", OXY__P_ADD},                                                    \
        [OXY_PART_HOUR] = {"HOUR({1})", 0},                                                                            \
        [OXY_PART_MINUTE] = {"MINUTE({1})", 0},                                                                        \
        [OXY_PART_SECOND] = {"SECOND({1})", 0},                                                                        \
        [OXY_PART_DATE] = {"DATE({1})", 0},                                                                            \
        [OXY_PART_TIME] = {"TIME({1})", 0},                                                                            \
    },                                                                                                                 \
    .literal = literal,                                                                                                \
    .trunc = trunc_to,                                                                                                 \
    .cast = cast,                                                                                                      \
    .json_path = json_path,                                                                                            \
    .in_array = in_array,                                                                                              \
    .agg = agg
/* clang-format on */

const oxy_dialect oxy_dialect_mysql = {
    SHARED_ROWS,
    .name = "mysql",
    .values_as_doubles = true,
    .own_table_wrap = true,
    .lock_of = true,
    .lock_share = " FOR SHARE",
    .as_json = {"CAST({1} AS JSON)", 0},
    .truth_as_json = {"CAST(" TRUTH_WORD " AS JSON)", 0},
    .regex = regex_mysql,
    .equal = equal_mysql,
    .container = container,
};

const oxy_dialect oxy_dialect_mariadb = {
    SHARED_ROWS,
    .name = "mariadb",
    .derived_alone = true,
    /* It would go through the whole table, and for texts through the list at each row. */
    .array_from_in_changes = OXY_IN_SINGLY_MOST + 1,
    .lock_share = " LOCK IN SHARE MODE",
    .returning_insert = true,
    .returning_delete = true,
    .as_json = {"JSON_COMPACT({1})", 0},
    .truth_as_json = {"JSON_COMPACT(" TRUTH_WORD ")", 0},
    .regex = regex_mariadb,
    .equal = equal_mariadb,
    .container = container_mariadb,
};
