/* SPDX-License-Identifier: MIT */
/* match: LIKE, GLOB and their kin.
 *
 * A bound text becomes a pattern on its way to the wire (oxy_bind.how), so the
 * text of the statement stays the same for every value. A pattern that is an
 * expression is looked for by position instead, which needs no escaping. */
#include "emit.h"

static const oxy_bind_how like_how[] = {
    [OXY_MATCH_CONTAINS] = OXY_BIND_LIKE_CONTAINS,
    [OXY_MATCH_STARTSWITH] = OXY_BIND_LIKE_STARTSWITH,
    [OXY_MATCH_ENDSWITH] = OXY_BIND_LIKE_ENDSWITH,
};

static const oxy_bind_how glob_how[] = {
    [OXY_MATCH_CONTAINS] = OXY_BIND_GLOB_CONTAINS,
    [OXY_MATCH_STARTSWITH] = OXY_BIND_GLOB_STARTSWITH,
    [OXY_MATCH_ENDSWITH] = OXY_BIND_GLOB_ENDSWITH,
};

static void put_folded(oxy__emit *e, const oxy_expr *x, oxy_bind_how how)
{
    OXY__PUTS(e, e->d->fold);
    OXY__PUTC(e, '(');
    if (x->kind == OXY_E_PARAM)
        oxy__put_param(e, x, how);
    else
        oxy__put_expr(e, x, OXY__P_NONE);
    OXY__PUTC(e, ')');
}

static void put_like_folded(oxy__emit *e, const oxy_expr *x, oxy_bind_how how)
{
    put_folded(e, x->match.arg, OXY_BIND_PLAIN);
    OXY__PUT(e, " LIKE ");
    put_folded(e, x->match.pattern, how);
}

static void put_like(oxy__emit *e, const oxy_expr *x, oxy_bind_how how)
{
    oxy__put_expr(e, x->match.arg, OXY__P_COMPARE + 1);
    OXY__PUT(e, " LIKE ");
    if (x->match.pattern->kind == OXY_E_PARAM)
        oxy__put_param(e, x->match.pattern, how);
    else
        oxy__put_expr(e, x->match.pattern, OXY__P_PRIMARY);
    OXY__PUTS(e, e->d->like_binary);
}

static void put_part_match(oxy__emit *e, const oxy_expr *x)
{
    bool fold = x->match.fold;

    if (!fold && e->d->glob) {
        oxy__put_expr(e, x->match.arg, OXY__P_COMPARE + 1);
        OXY__PUT(e, " GLOB ");
        oxy__put_param(e, x->match.pattern, glob_how[x->match.op]);
        return;
    }
    if (fold)
        put_like_folded(e, x, like_how[x->match.op]);
    else
        put_like(e, x, like_how[x->match.op]);
    if (x->match.escape)
        OXY__PUTS(e, e->d->like_escape);
}

/* The user's own pattern, where a backslash escapes. Servers take it so by
 * themselves; SQLite has to be told, and knows no LIKE with regard to case. */
static void put_pattern(oxy__emit *e, const oxy_expr *x)
{
    if (!x->match.fold && e->d->glob) {
        OXY__PUT(e, "oxy_like(");
        oxy__put_expr(e, x->match.pattern, OXY__P_NONE);
        OXY__PUT(e, ", ");
        oxy__put_expr(e, x->match.arg, OXY__P_NONE);
        OXY__PUTC(e, ')');
        return;
    }
    if (x->match.fold)
        put_like_folded(e, x, OXY_BIND_PLAIN);
    else
        put_like(e, x, OXY_BIND_PLAIN);
    if (e->d->glob)
        OXY__PUTS(e, e->d->like_escape);
}

void oxy__put_match(oxy__emit *e, const oxy_expr *x, int min)
{
    const oxy_expr *args[2] = {x->match.arg, x->match.pattern};
    bool open;

    if (x->match.op == OXY_MATCH_REGEX) {
        e->d->regex(e, x, min);
        return;
    }
    open = oxy__paren_open(e, OXY__P_COMPARE, min);
    if (x->match.op == OXY_MATCH_LIKE) {
        put_pattern(e, x);
    } else if (x->match.op == OXY_MATCH_EXACT) {
        put_folded(e, args[0], OXY_BIND_PLAIN);
        OXY__PUT(e, " = ");
        put_folded(e, args[1], OXY_BIND_PLAIN);
    } else if (args[1]->kind == OXY_E_PARAM) {
        put_part_match(e, x);
    } else {
        oxy__put_template(e, &e->d->match_part[x->match.fold][x->match.op], args, 2, OXY__P_NONE);
    }
    oxy__paren_close(e, open);
}
