/* SPDX-License-Identifier: MIT */
/* visit: searching a tree for a kind of node. */
#include "emit.h"

static bool in_list(const oxy_list *list, oxy__look_fn look, const void *arg)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (oxy__find(list->items[i], look, arg))
            return true;
    return false;
}

static bool in_opt(const oxy_expr *x, oxy__look_fn look, const void *arg)
{
    return x != NULL && oxy__find(x, look, arg);
}

static bool in_orders(const oxy_orders *orders, oxy__look_fn look, const void *arg)
{
    for (uint32_t i = 0; i < orders->n; i++)
        if (oxy__find(orders->items[i].expr, look, arg))
            return true;
    return false;
}

static bool in_children(const oxy_expr *x, oxy__look_fn look, const void *arg)
{
    switch (x->kind) {
    case OXY_E_UNARY:
    case OXY_E_NOT: return oxy__find(x->unary.arg, look, arg);
    case OXY_E_BINARY: return oxy__find(x->binary.left, look, arg) || oxy__find(x->binary.right, look, arg);
    case OXY_E_LOGIC: return in_list(&x->logic.list, look, arg);
    case OXY_E_BETWEEN:
        return oxy__find(x->between.arg, look, arg) || oxy__find(x->between.low, look, arg) ||
               oxy__find(x->between.high, look, arg);
    case OXY_E_IN:
        return oxy__find(x->in.arg, look, arg) || in_list(&x->in.list, look, arg) ||
               (x->in.select != NULL && oxy__find_in_select(x->in.select, look, arg));
    case OXY_E_MATCH: return oxy__find(x->match.arg, look, arg) || oxy__find(x->match.pattern, look, arg);
    case OXY_E_FUNC: return in_list(&x->func.args, look, arg);
    case OXY_E_AGG:
        return oxy__find(x->agg.arg, look, arg) || in_opt(x->agg.filter, look, arg) ||
               in_opt(x->agg.deflt, look, arg) || in_opt(x->agg.separator, look, arg) ||
               in_orders(&x->agg.order, look, arg);
    case OXY_E_CASE: return in_list(&x->cases.whens, look, arg) || in_opt(x->cases.otherwise, look, arg);
    case OXY_E_CAST: return oxy__find(x->cast.arg, look, arg);
    case OXY_E_EXTRACT: return oxy__find(x->part.arg, look, arg);
    case OXY_E_JSON_PATH: return oxy__find(x->path.arg, look, arg);
    case OXY_E_CONTAINER:
        return oxy__find(x->container.arg, look, arg) || in_opt(x->container.value, look, arg) ||
               in_list(&x->container.keys, look, arg);
    case OXY_E_SUBQUERY:
    case OXY_E_EXISTS: return oxy__find_in_select(x->subquery, look, arg);
    case OXY_E_TUPLE: return in_list(&x->list, look, arg);
    case OXY_E_WINDOW:
        return oxy__find(x->window.expr, look, arg) || in_list(&x->window.partition, look, arg) ||
               in_orders(&x->window.order, look, arg);
    case OXY_E_RAW: return in_list(&x->raw.args, look, arg);
    default: return false;
    }
}

bool oxy__find(const oxy_expr *x, oxy__look_fn look, const void *arg)
{
    switch (look(x, arg)) {
    case OXY__FOUND: return true;
    case OXY__SKIP: return false;
    case OXY__GO_ON: break;
    }
    return in_children(x, look, arg);
}

static bool in_source(const oxy_source *s, oxy__look_fn look, const void *arg)
{
    return s != NULL && s->select != NULL && oxy__find_in_select(s->select, look, arg);
}

bool oxy__find_in_select(const oxy_select *s, oxy__look_fn look, const void *arg)
{
    uint32_t i;

    for (i = 0; i < s->n_ctes; i++)
        if (oxy__find_in_select(s->ctes[i].select, look, arg) ||
            (s->ctes[i].step != NULL && oxy__find_in_select(s->ctes[i].step, look, arg)))
            return true;
    for (i = 0; i < s->n_items; i++)
        if (oxy__find(s->items[i].expr, look, arg))
            return true;
    if (in_source(s->from, look, arg))
        return true;
    for (i = 0; i < s->n_joins; i++)
        if (in_source(s->joins[i].source, look, arg) || in_opt(s->joins[i].on, look, arg))
            return true;
    for (i = 0; i < s->n_operands; i++)
        if (oxy__find_in_select(s->operands[i].select, look, arg))
            return true;
    return in_opt(s->where, look, arg) || in_list(&s->group_by, look, arg) || in_opt(s->having, look, arg) ||
           in_list(&s->distinct_on, look, arg) || in_orders(&s->order, look, arg);
}
