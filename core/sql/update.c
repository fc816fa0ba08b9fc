/* SPDX-License-Identifier: MIT */
/* update: UPDATE, alone and with a row of values for each key.
 *
 * MySQL assigns from left to right and lets later right sides see what earlier
 * assignments stored. So assignments are put into an order in which that makes
 * no difference; where there is none (a and b exchange), old values are read
 * by a derived table joined on the key. */
#include "emit.h"

/* --- what an expression reads ---------------------------------------------------- */

static oxy__look look_for_column(const oxy_expr *x, const void *arg)
{
    switch (x->kind) {
    case OXY_E_COLUMN: return arg == NULL || x->column.column == arg ? OXY__FOUND : OXY__SKIP;
    case OXY_E_SUBQUERY:
    case OXY_E_EXISTS:
    case OXY_E_RAW: return OXY__FOUND;
    case OXY_E_IN: return x->in.select != NULL ? OXY__FOUND : OXY__GO_ON;
    default: return OXY__GO_ON;
    }
}

/* With column NULL: whether it reads any column at all. Subqueries and raw
 * text count as reading everything. */
bool oxy__reads_column(const oxy_expr *x, const oxy_column *column)
{
    return oxy__find(x, look_for_column, column);
}

/* --- order of assignments ------------------------------------------------------------ */

static bool may_come_next(const oxy_assign *sets, uint32_t n, const bool *done, uint32_t i)
{
    for (uint32_t j = 0; j < n; j++)
        if (j != i && !done[j] && oxy__reads_column(sets[j].value, sets[i].column))
            return false;
    return true;
}

static bool any_reads(const oxy_assign *sets, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (oxy__reads_column(sets[i].value, NULL))
            return true;
    return false;
}

bool oxy__sets_order(oxy__emit *e, const oxy_assign *sets, uint32_t n, uint32_t *order)
{
    bool *done;
    uint32_t at = 0;

    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    if (!e->d->sets_in_order || n < 2 || !any_reads(sets, n))
        return true;
    done = oxy_arena_zero(e->arena, n, sizeof *done);
    if (done == NULL) {
        oxy__fail(e, OXY_NOMEM, "out of memory");
        return true;
    }
    while (at < n) {
        uint32_t next = 0;

        while (next < n && (done[next] || !may_come_next(sets, n, done, next)))
            next++;
        if (next == n)
            return false;
        done[next] = true;
        order[at++] = next;
    }
    return true;
}

/* --- plain UPDATE ------------------------------------------------------------------------ */

/* Of values alone PostgreSQL makes a CASE of text, which a column of the user's
 * db_type may not take. A first branch that is never taken gives it the column's
 * type; a cast would give it the length, too, and cut what is longer. */
static const oxy_expr *typed_case(oxy__emit *e, const oxy_update *s, const oxy_assign *set)
{
    const oxy_list *whens = &set->value->cases.whens;
    const oxy_expr **list;
    oxy_expr *column, *never, *typed;

    if (!e->d->enum_cast || set->value->kind != OXY_E_CASE || set->column->type.db_type.len == 0)
        return set->value;
    list = oxy_arena_new(e->arena, (whens->n + 2) * sizeof(oxy_expr *));
    typed = oxy_arena_new(e->arena, 3 * sizeof *typed);
    if (list == NULL || typed == NULL) {
        oxy__fail(e, OXY_NOMEM, "out of memory");
        return set->value;
    }
    never = typed + 1;
    column = typed + 2;
    *never = (oxy_expr){.kind = OXY_E_BOOL, .type = {.kind = OXY_K_BOOL}};
    *column = (oxy_expr){.kind = OXY_E_COLUMN, .type = set->column->type};
    column->column.source = s->table;
    column->column.column = set->column;
    list[0] = never;
    list[1] = column;
    for (uint32_t i = 0; i < whens->n; i++)
        list[i + 2] = whens->items[i];
    *typed = *set->value;
    typed->cases.whens = (oxy_list){list, whens->n + 2};
    return typed;
}

static void put_sets(oxy__emit *e, const oxy_update *s, const uint32_t *order)
{
    OXY__PUT(e, " SET ");
    for (uint32_t i = 0; i < s->n_sets; i++) {
        const oxy_assign *set = &s->sets[order[i]];

        if (i != 0)
            OXY__PUT(e, ", ");
        oxy__put_name(e, set->column->name);
        OXY__PUT(e, " = ");
        oxy__put_assigned(e, set->column, typed_case(e, s, set));
    }
}

static void put_where(oxy__emit *e, const oxy_expr *where)
{
    if (where == NULL)
        return;
    OXY__PUT(e, " WHERE ");
    oxy__put_expr(e, where, OXY__P_NONE);
}

static void put_old_name(oxy__emit *e, uint32_t i)
{
    OXY__PUTC(e, e->d->quote);
    OXY__PUTC(e, 'v');
    oxy_buf_putu(e->out, i + 1);
    OXY__PUTC(e, e->d->quote);
}

static void put_qualified(oxy__emit *e, oxy_sv table, oxy_sv column)
{
    oxy__put_name(e, table);
    OXY__PUTC(e, '.');
    oxy__put_name(e, column);
}

/* The LIMIT keeps the server from merging the derived table into the update. */
static void put_old_rows(oxy__emit *e, const oxy_update *s)
{
    const oxy_table *table = s->table->table;

    OXY__PUT(e, "(SELECT ");
    for (uint32_t i = 0; i < table->n_columns; i++) {
        if (!table->columns[i].primary_key)
            continue;
        oxy__put_name(e, table->columns[i].name);
        OXY__PUT(e, ", ");
    }
    for (uint32_t i = 0; i < s->n_sets; i++) {
        if (i != 0)
            OXY__PUT(e, ", ");
        oxy__put_assigned(e, s->sets[i].column, s->sets[i].value);
        OXY__PUT(e, " AS ");
        put_old_name(e, i);
    }
    OXY__PUT(e, " FROM ");
    oxy__put_source(e, s->table);
    put_where(e, s->where);
    OXY__PUT(e, " LIMIT 18446744073709551615) AS ");
    oxy__put_name(e, OXY_SV("oxy_old"));
}

static void put_update_joined(oxy__emit *e, const oxy_update *s)
{
    const oxy_table *table = s->table->table;
    oxy_sv name = e->names[s->table->id];
    uint32_t n = 0;

    OXY__PUT(e, "UPDATE ");
    oxy__put_source(e, s->table);
    OXY__PUT(e, " INNER JOIN ");
    put_old_rows(e, s);
    for (uint32_t i = 0; i < table->n_columns; i++) {
        if (!table->columns[i].primary_key)
            continue;
        OXY__PUTS(e, n++ == 0 ? " ON " : " AND ");
        put_qualified(e, name, table->columns[i].name);
        OXY__PUT(e, " = ");
        put_qualified(e, OXY_SV("oxy_old"), table->columns[i].name);
    }
    if (n == 0)
        oxy__lacks(e, "exchanging columns of a table without a key");
    for (uint32_t i = 0; i < s->n_sets; i++) {
        OXY__PUTS(e, i == 0 ? " SET " : ", ");
        put_qualified(e, name, s->sets[i].column->name);
        OXY__PUT(e, " = ");
        oxy__put_name(e, OXY_SV("oxy_old"));
        OXY__PUTC(e, '.');
        put_old_name(e, i);
    }
}

static void put_plain(oxy__emit *e, const oxy_update *s)
{
    uint32_t *order = oxy_arena_new(e->arena, s->n_sets * sizeof *order);

    if (order == NULL) {
        oxy__fail(e, OXY_NOMEM, "out of memory");
        return;
    }
    if (!oxy__sets_order(e, s->sets, s->n_sets, order)) {
        put_update_joined(e, s);
        return;
    }
    OXY__PUT(e, "UPDATE ");
    oxy__put_source(e, s->table);
    put_sets(e, s, order);
    put_where(e, s->where);
}

/* --- rows of values -------------------------------------------------------------------------- */

static bool plain_value(const oxy_expr *x)
{
    return !oxy__reads_column(x, NULL);
}

static bool all_plain(const oxy_update *s)
{
    size_t n = (size_t)s->n_values_rows * s->n_values_columns;

    for (size_t i = 0; i < n; i++)
        if (!plain_value(s->values[i]))
            return false;
    return true;
}

/* The first row tells the types of all. */
static void put_typed(oxy__emit *e, const oxy_column *column, const oxy_expr *value)
{
    bool simple = value->kind == OXY_E_PARAM || value->kind == OXY_E_NUL;

    if (!simple)
        OXY__PUTC(e, '(');
    oxy__put_assigned(e, column, value);
    if (!simple)
        OXY__PUTC(e, ')');
    if (value->kind == OXY_E_PARAM && column->type.kind == OXY_K_ENUM && column->type.db_type.len == 0)
        return; /* cast already */
    OXY__PUT(e, "::");
    e->d->type_name(e, &column->type);
}

static void put_value_rows(oxy__emit *e, const oxy_update *s)
{
    const oxy_expr *const *value = s->values;

    OXY__PUT(e, "VALUES ");
    for (uint32_t row = 0; row < s->n_values_rows; row++) {
        OXY__PUTS(e, row == 0 ? "(" : ", (");
        for (uint32_t i = 0; i < s->n_values_columns; i++, value++) {
            if (i != 0)
                OXY__PUT(e, ", ");
            if (row == 0 && e->d->type_name != NULL)
                put_typed(e, s->values_columns[i], *value);
            else
                oxy__put_assigned(e, s->values_columns[i], *value);
        }
        OXY__PUTC(e, ')');
    }
}

static void put_value_names(oxy__emit *e, const oxy_update *s)
{
    OXY__PUT(e, " (");
    for (uint32_t i = 0; i < s->n_values_columns; i++) {
        if (i != 0)
            OXY__PUT(e, ", ");
        oxy__put_name(e, s->values_columns[i]->name);
    }
    OXY__PUTC(e, ')');
}

static void put_from_values(oxy__emit *e, const oxy_update *s)
{
    oxy_sv name = e->names[s->values_source->id];
    uint32_t *order = oxy_arena_new(e->arena, s->n_sets * sizeof *order);

    if (order == NULL) {
        oxy__fail(e, OXY_NOMEM, "out of memory");
        return;
    }
    (void)oxy__sets_order(e, s->sets, s->n_sets, order);
    if (!e->d->values_alias) {
        OXY__PUT(e, "WITH ");
        oxy__put_name(e, name);
        put_value_names(e, s);
        OXY__PUT(e, " AS (");
        put_value_rows(e, s);
        OXY__PUT(e, ") ");
    }
    OXY__PUT(e, "UPDATE ");
    oxy__put_source(e, s->table);
    put_sets(e, s, order);
    OXY__PUT(e, " FROM ");
    if (e->d->values_alias) {
        OXY__PUTC(e, '(');
        put_value_rows(e, s);
        OXY__PUT(e, ") AS ");
        oxy__put_name(e, name);
        put_value_names(e, s);
    } else {
        oxy__put_name(e, name);
    }
    put_where(e, s->where);
}

/* --- rows of values as CASE chains --------------------------------------------------------------- */

static uint32_t value_column(const oxy_update *s, oxy_sv name)
{
    for (uint32_t i = 0; i < s->n_values_columns; i++)
        if (oxy_sv_eq(s->values_columns[i]->name, name))
            return i;
    return UINT32_MAX;
}

static bool is_value(const oxy_update *s, const oxy_expr *x)
{
    return x->kind == OXY_E_NAMED && x->named.source == s->values_source;
}

/* The condition as a list of ANDed terms, a lone one as a list of one. */
static oxy_list terms_of(const oxy_expr *const *where)
{
    if (*where == NULL)
        return (oxy_list){0};
    if ((*where)->kind == OXY_E_LOGIC && !(*where)->logic.is_or)
        return (*where)->logic.list;
    return (oxy_list){where, 1};
}

/* Whether a term says that a column is the key of the row of values; which
 * side is which does not matter. */
static bool key_term(const oxy_update *s, const oxy_expr *x, const oxy_expr **column, uint32_t *value)
{
    const oxy_expr *a, *b;

    if (x->kind != OXY_E_BINARY || x->binary.op != OXY_OP_EQ)
        return false;
    a = x->binary.left;
    b = x->binary.right;
    if (is_value(s, a)) {
        const oxy_expr *swap = a;

        a = b;
        b = swap;
    }
    if (!is_value(s, b) || a->kind != OXY_E_COLUMN)
        return false;
    *column = a;
    *value = value_column(s, b->named.name);
    return *value != UINT32_MAX;
}

static const oxy_expr *row_value(const oxy_update *s, uint32_t row, uint32_t column)
{
    return s->values[(size_t)row * s->n_values_columns + column];
}

static void put_row_match(oxy__emit *e, const oxy_update *s, uint32_t row)
{
    oxy_list terms = terms_of(&s->where);
    const oxy_expr *column;
    uint32_t value, n = 0;

    for (uint32_t i = 0; i < terms.n; i++) {
        if (!key_term(s, terms.items[i], &column, &value))
            continue;
        if (n++ != 0)
            OXY__PUT(e, " AND ");
        oxy__put_expr(e, column, OXY__P_COMPARE + 1);
        OXY__PUT(e, " = ");
        oxy__put_expr(e, row_value(s, row, value), OXY__P_COMPARE + 1);
    }
    if (n == 0)
        oxy__fail(e, OXY_INTERNAL, "rows of values are not matched by a key");
}

static void put_case_sets(oxy__emit *e, const oxy_update *s)
{
    for (uint32_t i = 0; i < s->n_sets; i++) {
        const oxy_assign *set = &s->sets[i];
        uint32_t at = is_value(s, set->value) ? value_column(s, set->value->named.name) : UINT32_MAX;

        OXY__PUTS(e, i == 0 ? " SET " : ", ");
        oxy__put_name(e, set->column->name);
        OXY__PUT(e, " = ");
        if (at == UINT32_MAX) {
            oxy__put_assigned(e, set->column, set->value);
            continue;
        }
        OXY__PUT(e, "CASE");
        if (e->d->enum_cast && set->column->type.db_type.len != 0) { /* see typed_case() */
            OXY__PUT(e, " WHEN FALSE THEN ");
            oxy__put_name(e, set->column->name);
        }
        for (uint32_t row = 0; row < s->n_values_rows && e->rc == OXY_OK; row++) {
            OXY__PUT(e, " WHEN ");
            put_row_match(e, s, row);
            OXY__PUT(e, " THEN ");
            oxy__put_assigned(e, set->column, row_value(s, row, at));
        }
        OXY__PUT(e, " END");
    }
}

/* One key column: IN over the keys; several: the rows' conditions ORed. */
static void put_case_where(oxy__emit *e, const oxy_update *s)
{
    oxy_list terms = terms_of(&s->where);
    const oxy_expr *column = NULL, *last;
    uint32_t value = 0, n_keys = 0, at;

    for (uint32_t i = 0; i < terms.n; i++) {
        if (key_term(s, terms.items[i], &last, &at)) {
            column = last;
            value = at;
            n_keys++;
        }
    }
    OXY__PUT(e, " WHERE ");
    if (n_keys == 1) {
        oxy__put_expr(e, column, OXY__P_COMPARE + 1);
        OXY__PUT(e, " IN (");
    } else {
        OXY__PUTC(e, '(');
    }
    for (uint32_t row = 0; row < s->n_values_rows && e->rc == OXY_OK; row++) {
        if (row != 0)
            OXY__PUTS(e, n_keys == 1 ? ", " : " OR ");
        if (n_keys == 1)
            oxy__put_expr(e, row_value(s, row, value), OXY__P_NONE);
        else
            put_row_match(e, s, row);
    }
    OXY__PUTC(e, ')');
    for (uint32_t i = 0; i < terms.n; i++) {
        if (key_term(s, terms.items[i], &last, &at))
            continue;
        OXY__PUT(e, " AND ");
        oxy__put_expr(e, terms.items[i], OXY__P_AND + 1);
    }
}

/* Where later assignments see earlier ones, a value that reads a column which
 * another assignment writes cannot be had in one statement. */
static bool values_exchange(const oxy_update *s)
{
    size_t n = (size_t)s->n_values_rows * s->n_values_columns;

    for (size_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < s->n_sets; j++)
            if (s->sets[j].column != s->values_columns[i % s->n_values_columns] &&
                oxy__reads_column(s->values[i], s->sets[j].column))
                return true;
    return false;
}

static void put_cases(oxy__emit *e, const oxy_update *s)
{
    if (e->d->sets_in_order && s->n_sets > 1 && values_exchange(s)) {
        oxy__lacks(e, "a bulk update whose values read other updated columns");
        return;
    }
    OXY__PUT(e, "UPDATE ");
    oxy__put_source(e, s->table);
    put_case_sets(e, s);
    put_case_where(e, s);
}

/* --- the statement ------------------------------------------------------------------------------------ */

void oxy__put_update(oxy__emit *e, const oxy_update *s)
{
    const oxy_source *sources[2] = {s->table, s->values_source};
    bool rows = s->values_source != NULL;
    bool cases = rows && (!e->d->update_from || !all_plain(s));
    oxy__scope scope = {.sources = sources, .n_sources = rows ? 2 : 1, .qualify = rows && !cases};

    if (s->n_sets == 0 || (rows && s->n_values_rows == 0)) {
        oxy__fail(e, OXY_VALUE, "an update without values");
        return;
    }
    oxy__scope_open(e, &scope);
    e->target = e->d->own_table_wrap ? s->table : NULL;
    e->changes = true;
    if (e->rc == OXY_OK) {
        if (!rows)
            put_plain(e, s);
        else if (cases)
            put_cases(e, s);
        else
            put_from_values(e, s);
        oxy__put_returning(e, s->returning, s->n_returning, e->d->returning_update);
    }
    oxy__scope_close(e);
}
