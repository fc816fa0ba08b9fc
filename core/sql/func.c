/* SPDX-License-Identifier: MIT */
/* func: functions and windows; most are rows of the dialects' tables. */
#include "emit.h"

#include <string.h>

/* MySQL computes with doubles where nothing but values are the arguments; the
 * first of them, cast, decides. */
static const oxy_expr *decided(oxy__emit *e, const oxy_expr *x)
{
    struct call {
        oxy_expr func, cast;
        const oxy_expr *args[];
    } *call;
    const oxy_list *args = &x->func.args;

    if (!e->d->values_as_doubles || x->type.kind != OXY_K_DECIMAL || args->n == 0)
        return x;
    for (uint32_t i = 0; i < args->n; i++)
        if (args->items[i]->kind != OXY_E_PARAM)
            return x;
    call = oxy_arena_zero(e->arena, 1, sizeof *call + args->n * sizeof(const oxy_expr *));
    if (call == NULL) {
        oxy__fail(e, OXY_NOMEM, "out of memory");
        return x;
    }
    call->cast = (oxy_expr){.kind = OXY_E_CAST, .type = {.kind = OXY_K_DECIMAL, .nullable = true}};
    call->cast.cast.arg = args->items[0];
    memcpy(call->args, args->items, args->n * sizeof(const oxy_expr *));
    call->args[0] = &call->cast;
    call->func = *x;
    call->func.func.args.items = call->args;
    return &call->func;
}

void oxy__put_func(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy__fn_row *row = &e->d->fn[x->func.fn];
    const oxy_expr *over = e->over;
    bool open = false;

    if (over != NULL)
        open = oxy__paren_open(e, OXY__P_PRIMARY, min);
    e->over = NULL;
    x = decided(e, x);
    if (row->emit != NULL)
        row->emit(e, x, over != NULL ? OXY__P_NONE : min);
    else if (row->as.text != NULL)
        oxy__put_template(e, &row->as, x->func.args.items, x->func.args.n, over != NULL ? OXY__P_NONE : min);
    else
        oxy__lacks(e, oxy_fn_name(x->func.fn));
    e->over = over;
    oxy__put_over(e);
    oxy__paren_close(e, open);
}

/* COALESCE(x, otherwise), or x where it is never NULL. */
void oxy__put_coalesced(oxy__emit *e, const oxy_expr *x, const char *otherwise, int min)
{
    if (!oxy_expr_nullable(x)) {
        oxy__put_expr(e, x, min);
        return;
    }
    OXY__PUT(e, "COALESCE(");
    oxy__put_expr(e, x, OXY__P_NONE);
    OXY__PUT(e, ", ");
    OXY__PUTS(e, otherwise);
    OXY__PUTC(e, ')');
}

void oxy__put_coalesce(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_list *args = &x->func.args;

    (void)min;
    OXY__PUT(e, "COALESCE(");
    for (uint32_t i = 0; i < args->n; i++) {
        if (i != 0)
            OXY__PUT(e, ", ");
        oxy__put_as(e, args->items[i], &x->type, OXY__P_NONE);
    }
    OXY__PUTC(e, ')');
}

/* Each argument is replaced by the others where it is NULL. */
static void put_filled(oxy__emit *e, const oxy_expr *x, uint32_t i)
{
    const oxy_list *args = &x->func.args;

    if (!oxy_expr_nullable(args->items[i])) {
        oxy__put_as(e, args->items[i], &x->type, OXY__P_PRIMARY);
        return;
    }
    OXY__PUT(e, "COALESCE(");
    oxy__put_as(e, args->items[i], &x->type, OXY__P_NONE);
    for (uint32_t j = 0; j < args->n; j++) {
        if (j == i)
            continue;
        OXY__PUT(e, ", ");
        oxy__put_as(e, args->items[j], &x->type, OXY__P_NONE);
    }
    OXY__PUTC(e, ')');
}

void oxy__put_extreme(oxy__emit *e, const oxy_expr *x, const char *name)
{
    const oxy_list *args = &x->func.args;

    OXY__PUTS(e, name);
    OXY__PUTC(e, '(');
    for (uint32_t i = 0; i < args->n; i++) {
        if (i != 0)
            OXY__PUT(e, ", ");
        put_filled(e, x, i);
        if (i == 0 && x->type.kind == OXY_K_DECIMAL && e->d->decimal_collation != NULL)
            OXY__PUTS(e, e->d->decimal_collation);
    }
    OXY__PUTC(e, ')');
}

/* --- windows -------------------------------------------------------------------- */

static void put_bound(oxy__emit *e, bool unbounded, int64_t rows, bool start)
{
    uint64_t n = rows < 0 ? 0 - (uint64_t)rows : (uint64_t)rows;

    if (unbounded) {
        OXY__PUTS(e, start ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING");
        return;
    }
    if (rows == 0) {
        OXY__PUT(e, "CURRENT ROW");
        return;
    }
    oxy_buf_putu(e->out, n);
    OXY__PUTS(e, rows < 0 ? " PRECEDING" : " FOLLOWING");
}

static void put_frame(oxy__emit *e, const oxy_expr *w, bool space)
{
    if (space)
        OXY__PUTC(e, ' ');
    OXY__PUTS(e, w->window.unit == OXY_FRAME_ROWS ? "ROWS BETWEEN " : "RANGE BETWEEN ");
    put_bound(e, w->window.start_unbounded, w->window.start, true);
    OXY__PUT(e, " AND ");
    put_bound(e, w->window.end_unbounded, w->window.end, false);
}

void oxy__put_over(oxy__emit *e)
{
    const oxy_expr *w = e->over;
    bool no_items = e->scope != NULL && e->scope->no_items;

    if (w == NULL)
        return;
    e->over = NULL;
    if (e->scope != NULL) /* aliases do not exist in here */
        e->scope->no_items = true;
    OXY__PUT(e, " OVER (");
    if (w->window.partition.n != 0) {
        OXY__PUT(e, "PARTITION BY ");
        for (uint32_t i = 0; i < w->window.partition.n; i++) {
            if (i != 0)
                OXY__PUT(e, ", ");
            oxy__put_comparable(e, w->window.partition.items[i], OXY__P_NONE);
        }
    }
    if (w->window.order.n != 0) {
        if (w->window.partition.n != 0)
            OXY__PUTC(e, ' ');
        OXY__PUT(e, "ORDER BY ");
        oxy__put_order(e, &w->window.order, false);
    }
    if (w->window.unit != OXY_FRAME_NONE)
        put_frame(e, w, w->window.partition.n != 0 || w->window.order.n != 0);
    OXY__PUTC(e, ')');
    if (e->scope != NULL)
        e->scope->no_items = no_items;
}

void oxy__put_window(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_expr *outer = e->over;

    e->over = x;
    oxy__put_expr(e, x->window.expr, min);
    e->over = outer;
}
