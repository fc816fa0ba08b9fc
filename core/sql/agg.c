/* SPDX-License-Identifier: MIT */
/* agg: aggregates with DISTINCT, FILTER, an order and a default. */
#include "emit.h"

static const char *const names[] = {
    [OXY_AGG_COUNT] = "COUNT",
    [OXY_AGG_SUM] = "SUM",
    [OXY_AGG_AVG] = "AVG",
    [OXY_AGG_MAX] = "MAX",
    [OXY_AGG_MIN] = "MIN",
    [OXY_AGG_STDDEV] = "STDDEV_POP",
    [OXY_AGG_VARIANCE] = "VAR_POP",
    [OXY_AGG_STRING_AGG] = "STRING_AGG",
    [OXY_AGG_ARRAY_AGG] = "ARRAY_AGG",
    [OXY_AGG_BOOL_AND] = "BOOL_AND",
    [OXY_AGG_BOOL_OR] = "BOOL_OR",
};
static_assert(OXY_COUNT(names) == OXY_AGG_COUNT_, "one name per aggregate");

static void put_arg(oxy__emit *e, const oxy_expr *x, const char *before, const char *after)
{
    bool star = x->agg.arg->kind == OXY_E_STAR, choose = x->agg.filter != NULL && !e->d->agg_filter;
    bool bare = *after == '\0' && *before == '\0';

    if (star && !choose) {
        OXY__PUTC(e, '*');
        return;
    }
    if (x->agg.distinct)
        OXY__PUT(e, "DISTINCT ");
    OXY__PUTS(e, before);
    if (choose) {
        OXY__PUT(e, "CASE WHEN ");
        oxy__put_expr(e, x->agg.filter, OXY__P_NONE);
        OXY__PUT(e, " THEN ");
    }
    if (star)
        OXY__PUTC(e, '1');
    else
        oxy__put_expr(e, x->agg.arg, bare || choose ? OXY__P_NONE : OXY__P_PRIMARY);
    if (choose)
        OXY__PUT(e, " END");
    OXY__PUTS(e, after);
}

void oxy__put_agg_call(oxy__emit *e, const oxy_expr *x, const char *name, const char *before, const char *after)
{
    const oxy_expr *over = e->over;

    e->over = NULL;
    OXY__PUTS(e, name);
    OXY__PUTC(e, '(');
    put_arg(e, x, before, after);
    if (x->agg.order.n != 0) {
        OXY__PUT(e, " ORDER BY ");
        oxy__put_order(e, &x->agg.order, false);
    }
    OXY__PUTC(e, ')');
    if (x->agg.filter != NULL && e->d->agg_filter) {
        OXY__PUT(e, " FILTER (WHERE ");
        oxy__put_expr(e, x->agg.filter, OXY__P_NONE);
        OXY__PUTC(e, ')');
    }
    e->over = over;
    oxy__put_over(e);
}

/* An average of spans is cut to whole microseconds. */
static void put_average_span(oxy__emit *e, const oxy_expr *x)
{
    oxy_expr inner = *x;

    inner.type.kind = OXY_K_DOUBLE;
    inner.agg.deflt = NULL;
    oxy__put_cast(e, &inner, OXY_K_INT, OXY__P_NONE);
}

void oxy__put_agg(oxy__emit *e, const oxy_expr *x, int min)
{
    (void)min;
    if (x->agg.deflt != NULL)
        OXY__PUT(e, "COALESCE(");
    if (x->agg.fn == OXY_AGG_AVG && x->type.kind == OXY_K_TIMEDELTA)
        put_average_span(e, x);
    else if (!e->d->agg(e, x))
        oxy__put_agg_call(e, x, names[x->agg.fn], "", "");
    if (x->agg.deflt != NULL) {
        const oxy_expr *over = e->over;

        e->over = NULL;
        OXY__PUT(e, ", ");
        oxy__put_as(e, x->agg.deflt, &x->type, OXY__P_NONE);
        e->over = over;
        OXY__PUTC(e, ')');
    }
}
