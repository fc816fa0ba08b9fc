/* SPDX-License-Identifier: MIT */
/* func: functions, aggregates, choices, JSON paths, subqueries and raw text. */
#include "query.h"

#include <string.h>

static const char *const fn_names[] = {
#define X(name, text) [OXY_FN_##name] = (text),
    OXY_FN_LIST(X)
#undef X
};
static_assert(OXY_COUNT(fn_names) == OXY_FN_COUNT, "one name per function");

static const char *const agg_names[] = {
#define X(name, text) [OXY_AGG_##name] = (text),
    OXY_AGG_LIST(X)
#undef X
};
static_assert(OXY_COUNT(agg_names) == OXY_AGG_COUNT_, "one name per aggregate");

static const char *const part_names[] = {
#define X(name, text) [OXY_PART_##name] = (text),
    OXY_PART_LIST(X)
#undef X
};
static_assert(OXY_COUNT(part_names) == OXY_PART_COUNT, "one name per part");

const char *oxy_fn_name(oxy_fn fn)
{
    return fn_names[fn];
}

const char *oxy_agg_name(oxy_aggfn fn)
{
    return agg_names[fn];
}

const char *oxy_part_name(oxy_part part)
{
    return part_names[part];
}

/* How many arguments a function takes. */
static const struct arity {
    uint8_t min, max; /* max 0: any number */
} arities[] = {
    [OXY_FN_LOWER] = {1, 1},       [OXY_FN_UPPER] = {1, 1},        [OXY_FN_TRIM] = {1, 1},
    [OXY_FN_LTRIM] = {1, 1},       [OXY_FN_RTRIM] = {1, 1},        [OXY_FN_LENGTH] = {1, 1},
    [OXY_FN_LEFT] = {2, 2},        [OXY_FN_RIGHT] = {2, 2},        [OXY_FN_SUBSTR] = {2, 3},
    [OXY_FN_REPLACE] = {3, 3},     [OXY_FN_STRINDEX] = {2, 2},     [OXY_FN_CONCAT] = {2, 0},
    [OXY_FN_COALESCE] = {1, 0},    [OXY_FN_NULLIF] = {2, 2},       [OXY_FN_GREATEST] = {1, 0},
    [OXY_FN_LEAST] = {1, 0},       [OXY_FN_ABS] = {1, 1},          [OXY_FN_CEIL] = {1, 1},
    [OXY_FN_FLOOR] = {1, 1},       [OXY_FN_SQRT] = {1, 1},         [OXY_FN_ROUND] = {1, 2},
    [OXY_FN_POWER] = {2, 2},       [OXY_FN_RANDOM] = {0, 0},       [OXY_FN_NOW] = {0, 0},
    [OXY_FN_JSON_OBJECT] = {0, 0}, [OXY_FN_ROW_NUMBER] = {0, 0},   [OXY_FN_RANK] = {0, 0},
    [OXY_FN_DENSE_RANK] = {0, 0},  [OXY_FN_PERCENT_RANK] = {0, 0}, [OXY_FN_CUME_DIST] = {0, 0},
    [OXY_FN_NTILE] = {1, 1},       [OXY_FN_LAG] = {1, 3},          [OXY_FN_LEAD] = {1, 3},
    [OXY_FN_FIRST_VALUE] = {1, 1}, [OXY_FN_LAST_VALUE] = {1, 1},   [OXY_FN_NTH_VALUE] = {2, 2},
};
static_assert(OXY_COUNT(arities) == OXY_FN_COUNT, "one arity per function");

static bool takes(oxy_fn fn, uint32_t n)
{
    const struct arity *a = &arities[fn];

    if (fn == OXY_FN_JSON_OBJECT)
        return n % 2 == 0;
    return n >= a->min && (n <= a->max || (a->max == 0 && a->min != 0));
}

const oxy_expr *oxy_func(oxy_builder *b, oxy_fn fn, const oxy_expr *const *args, uint32_t n)
{
    uint32_t depth = 0;
    oxy_list list;
    oxy_expr *e;

    if (!oxy__list_copy(b, args, n, &list, &depth))
        return NULL;
    if (!takes(fn, n))
        return oxy__build_fail(b, OXY_VALUE, "%s does not take %u arguments", oxy_fn_name(fn), n);
    if (n == 1 && (fn == OXY_FN_COALESCE || fn == OXY_FN_GREATEST || fn == OXY_FN_LEAST))
        return args[0]; /* of one, it is that one; SQLite would see an aggregate */
    e = oxy__node_new(b, OXY_E_FUNC, depth);
    if (e == NULL)
        return NULL;
    e->type = oxy__type_func(fn, &list);
    e->func.fn = fn;
    e->func.args = list;
    return e;
}

static void deepen(uint32_t *depth, const oxy_expr *e)
{
    if (e != NULL && oxy__depth(e) > *depth)
        *depth = oxy__depth(e);
}

static bool orders_copy(oxy_builder *b, const oxy_orders *in, oxy_orders *out, uint32_t *depth)
{
    oxy_order *items = oxy_arena_new(&b->arena, in->n * sizeof *items);

    *out = (oxy_orders){0};
    if (items == NULL) {
        (void)oxy__build_fail(b, OXY_NOMEM, "out of memory");
        return false;
    }
    for (uint32_t i = 0; i < in->n; i++) {
        items[i] = in->items[i];
        deepen(depth, items[i].expr);
    }
    *out = (oxy_orders){items, in->n};
    return true;
}

const oxy_expr *oxy_agg(oxy_builder *b, const oxy_expr *init)
{
    uint32_t depth = 0;
    oxy_orders order;
    oxy_expr *e;

    if (b->err.rc != OXY_OK)
        return NULL;
    if (init->agg.arg == NULL)
        return oxy__build_fail(b, OXY_INTERNAL, "an aggregate without its argument");
    if (init->agg.arg->kind == OXY_E_STAR && (init->agg.fn != OXY_AGG_COUNT || init->agg.distinct))
        return oxy__build_fail(b, OXY_VALUE, "only a plain Count takes '*'");
    if (!orders_copy(b, &init->agg.order, &order, &depth))
        return NULL;
    deepen(&depth, init->agg.arg);
    deepen(&depth, init->agg.filter);
    deepen(&depth, init->agg.deflt);
    deepen(&depth, init->agg.separator);
    e = oxy__node_new(b, OXY_E_AGG, depth);
    if (e == NULL)
        return NULL;
    e->agg = init->agg;
    e->agg.order = order;
    /* The greatest of distinct values is the greatest of all. */
    if (e->agg.fn == OXY_AGG_MAX || e->agg.fn == OXY_AGG_MIN)
        e->agg.distinct = false;
    e->type = oxy__type_agg(e);
    return e;
}

const oxy_expr *oxy_case(oxy_builder *b, const oxy_expr *const *whens, uint32_t n, const oxy_expr *otherwise)
{
    uint32_t depth = 0;
    bool nullable;
    oxy_list list;
    oxy_type type;
    oxy_expr *e;

    if (!oxy__list_copy(b, whens, n, &list, &depth))
        return NULL;
    if (n == 0 || n % 2 != 0)
        return oxy__build_fail(b, OXY_VALUE, "Case needs at least one When, each with a value");
    deepen(&depth, otherwise);
    e = oxy__node_new(b, OXY_E_CASE, depth);
    if (e == NULL)
        return NULL;
    type = oxy__type_of(OXY_K_UNKNOWN, false);
    nullable = otherwise == NULL || otherwise->type.nullable;
    for (uint32_t i = 1; i < n; i += 2) {
        if (list.items[i]->kind != OXY_E_NUL)
            type = oxy__type_common(&type, &list.items[i]->type);
        nullable = nullable || list.items[i]->type.nullable;
    }
    if (otherwise != NULL && otherwise->kind != OXY_E_NUL)
        type = oxy__type_common(&type, &otherwise->type);
    type.nullable = nullable;
    e->type = type;
    e->cases.whens = list;
    e->cases.otherwise = otherwise;
    return e;
}

const oxy_expr *oxy_cast(oxy_builder *b, const oxy_expr *arg, const oxy_type *to)
{
    oxy_expr *e;

    if (b->err.rc != OXY_OK || arg == NULL)
        return NULL;
    e = oxy__node_new(b, OXY_E_CAST, oxy__depth(arg));
    if (e == NULL)
        return NULL;
    e->type = *to;
    e->type.nullable = arg->type.nullable;
    e->cast.arg = arg;
    return e;
}

static oxy_kind part_kind(oxy_part part)
{
    if (part == OXY_PART_DATE)
        return OXY_K_DATE;
    return part == OXY_PART_TIME ? OXY_K_TIME : OXY_K_INT;
}

static bool part_of_time(oxy_part part)
{
    return part == OXY_PART_HOUR || part == OXY_PART_MINUTE || part == OXY_PART_SECOND || part == OXY_PART_TIME;
}

static bool can_truncate(oxy_part part)
{
    return part == OXY_PART_YEAR || part == OXY_PART_QUARTER || part == OXY_PART_MONTH || part == OXY_PART_WEEK ||
           part == OXY_PART_DAY || part == OXY_PART_HOUR || part == OXY_PART_MINUTE || part == OXY_PART_SECOND;
}

const oxy_expr *oxy_extract(oxy_builder *b, oxy_part part, bool trunc, const oxy_expr *arg)
{
    bool nullable;
    oxy_expr *e;

    if (b->err.rc != OXY_OK || arg == NULL)
        return NULL;
    if (trunc && !can_truncate(part))
        return oxy__build_fail(b, OXY_VALUE, "Trunc knows no unit '%s'", oxy_part_name(part));
    if ((arg->type.kind == OXY_K_DATE && part_of_time(part)) || (arg->type.kind == OXY_K_TIME && !part_of_time(part)))
        return oxy__build_fail(b, OXY_LOOKUP, "a %s has no part '%s'", oxy_kind_name(arg->type.kind),
                               oxy_part_name(part));
    e = oxy__node_new(b, OXY_E_EXTRACT, oxy__depth(arg));
    if (e == NULL)
        return NULL;
    nullable = arg->type.nullable;
    e->type = trunc ? arg->type : oxy__type_of(part_kind(part), nullable);
    e->part.part = part;
    e->part.trunc = trunc;
    e->part.arg = arg;
    return e;
}

const oxy_expr *oxy_json_path(oxy_builder *b, const oxy_expr *arg, const oxy_json_step *steps, uint32_t n,
                              oxy_json_as as, const oxy_type *type)
{
    oxy_json_step *copy;
    oxy_expr *e;

    if (b->err.rc != OXY_OK || arg == NULL)
        return NULL;
    if (n == 0)
        return oxy__build_fail(b, OXY_VALUE, "a JSON path needs a step");
    copy = oxy_arena_new(&b->arena, n * sizeof *copy);
    if (copy == NULL)
        return oxy__build_fail(b, OXY_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        copy[i].key = oxy__text_copy(b, steps[i].key);
        copy[i].is_index = steps[i].is_index;
    }
    e = oxy__node_new(b, OXY_E_JSON_PATH, oxy__depth(arg));
    if (e == NULL)
        return NULL;
    e->type = type != NULL ? *type : oxy__type_of(OXY_K_JSON, true);
    e->type.nullable = true;
    e->path.arg = arg;
    e->path.steps = copy;
    e->path.n = n;
    e->path.as = as;
    return e;
}

const oxy_expr *oxy_container(oxy_builder *b, oxy_container_op op, const oxy_expr *arg, const oxy_expr *value,
                              const oxy_expr *const *keys, uint32_t n_keys)
{
    uint32_t depth = 0;
    oxy_list list;
    oxy_expr *e;

    if (b->err.rc != OXY_OK || arg == NULL)
        return NULL;
    if (!oxy__list_copy(b, keys, n_keys, &list, &depth))
        return NULL;
    if (op == OXY_CO_HAS_KEY || op == OXY_CO_HAS_KEYS || op == OXY_CO_HAS_ANY_KEYS) {
        if (n_keys == 0)
            return oxy_bool(b, op == OXY_CO_HAS_KEYS);
    } else if (op != OXY_CO_ARRAY_LEN && value == NULL) {
        return oxy__build_fail(b, OXY_INTERNAL, "containment without its value");
    }
    deepen(&depth, arg);
    deepen(&depth, value);
    e = oxy__node_new(b, OXY_E_CONTAINER, depth);
    if (e == NULL)
        return NULL;
    e->type = oxy__type_of(op == OXY_CO_ARRAY_LEN ? OXY_K_INT : OXY_K_BOOL,
                           arg->type.nullable || (value != NULL && value->type.nullable));
    e->container.op = op;
    e->container.arg = arg;
    e->container.value = value;
    e->container.keys = list;
    return e;
}

/* --- subqueries -------------------------------------------------------------------- */

const oxy_expr *oxy_scalar(oxy_builder *b, const oxy_select *select)
{
    oxy_expr *e;

    if (b->err.rc != OXY_OK)
        return NULL;
    if (select->n_items != 1)
        return oxy__build_fail(b, OXY_FIELD, "a subquery must select one column, not %u", select->n_items);
    e = oxy__node_new(b, OXY_E_SUBQUERY, oxy__select_depth(select));
    if (e == NULL)
        return NULL;
    e->type = select->items[0].expr->type;
    e->type.nullable = true;
    e->subquery = select;
    return e;
}

const oxy_expr *oxy_exists(oxy_builder *b, const oxy_select *select)
{
    oxy_expr *e;

    if (b->err.rc != OXY_OK)
        return NULL;
    e = oxy__node_new(b, OXY_E_EXISTS, oxy__select_depth(select));
    if (e == NULL)
        return NULL;
    e->type.kind = OXY_K_BOOL;
    e->subquery = select;
    return e;
}

const oxy_expr *oxy_tuple(oxy_builder *b, const oxy_expr *const *items, uint32_t n)
{
    uint32_t depth = 0;
    oxy_list list;
    oxy_expr *e;

    if (!oxy__list_copy(b, items, n, &list, &depth))
        return NULL;
    if (n == 0)
        return oxy__build_fail(b, OXY_VALUE, "a row value needs a part");
    if (n == 1)
        return list.items[0];
    e = oxy__node_new(b, OXY_E_TUPLE, depth);
    if (e == NULL)
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        e->type.nullable = e->type.nullable || items[i]->type.nullable;
    e->list = list;
    return e;
}

const oxy_expr *oxy_window(oxy_builder *b, const oxy_expr *init)
{
    uint32_t depth = 0;
    oxy_orders order;
    oxy_list partition;
    oxy_expr *e;

    if (b->err.rc != OXY_OK || init->window.expr == NULL)
        return NULL;
    if (init->window.expr->kind != OXY_E_AGG && init->window.expr->kind != OXY_E_FUNC)
        return oxy__build_fail(b, OXY_VALUE, "Window takes an aggregate or a window function");
    if (!orders_copy(b, &init->window.order, &order, &depth) ||
        !oxy__list_copy(b, init->window.partition.items, init->window.partition.n, &partition, &depth))
        return NULL;
    deepen(&depth, init->window.expr);
    e = oxy__node_new(b, OXY_E_WINDOW, depth);
    if (e == NULL)
        return NULL;
    e->window = init->window;
    e->window.order = order;
    e->window.partition = partition;
    e->type = init->window.expr->type;
    return e;
}

/* --- raw text ------------------------------------------------------------------------- */

/* Splits text at its "%s"; "%%" becomes "%". Returns the number of "%s" and,
 * when fragments is given, fills one more than that. */
static uint32_t raw_split(char *text, size_t *len, oxy_sv *fragments)
{
    size_t start = 0, out = 0, i;
    uint32_t n = 0;

    for (i = 0; i < *len; i++) {
        char next = i + 1 < *len ? text[i + 1] : '\0';

        if (text[i] != '%' || (next != '%' && next != 's')) {
            if (fragments != NULL)
                text[out] = text[i];
            out++;
            continue;
        }
        i++;
        if (next == '%') {
            if (fragments != NULL)
                text[out] = '%';
            out++;
            continue;
        }
        if (fragments != NULL)
            fragments[n] = (oxy_sv){text + start, out - start};
        start = out;
        n++;
    }
    if (fragments != NULL) {
        fragments[n] = (oxy_sv){text + start, out - start};
        *len = out;
    }
    return n;
}

const oxy_expr *oxy_raw(oxy_builder *b, oxy_sv text, const oxy_expr *const *args, uint32_t n, const oxy_type *type)
{
    uint32_t depth = 0, found;
    oxy_sv *fragments;
    oxy_list list;
    oxy_expr *e;
    char *copy;

    if (!oxy__list_copy(b, args, n, &list, &depth))
        return NULL;
    copy = oxy_arena_copy(&b->arena, text.p, text.len);
    fragments = copy == NULL ? NULL : oxy_arena_new(&b->arena, ((size_t)n + 1) * sizeof *fragments);
    if (fragments == NULL)
        return oxy__build_fail(b, OXY_NOMEM, "out of memory");
    fragments[0] = (oxy_sv){copy, text.len};
    if (n != 0) {
        found = raw_split(copy, &text.len, NULL);
        if (found != n)
            return oxy__build_fail(b, OXY_VALUE, "raw SQL has %u places for values, but %u values were given", found,
                                   n);
        (void)raw_split(copy, &text.len, fragments);
    }
    e = oxy__node_new(b, OXY_E_RAW, depth);
    if (e == NULL)
        return NULL;
    e->type = type != NULL ? *type : oxy__type_of(OXY_K_UNKNOWN, true);
    e->type.nullable = true;
    e->raw.fragments = fragments;
    e->raw.args = list;
    return e;
}
