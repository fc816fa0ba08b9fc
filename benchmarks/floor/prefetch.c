/* SPDX-License-Identifier: MIT */
/* Prefetches: a statement for each level, its values the keys of the level above; every row of a
 * level is linked to its parent, which a table of keys finds. A key is a row's first column. */
#include "jobs.h"

#include <stdlib.h>
#include <string.h>

typedef struct key_table {
    floor_row **slots; /* a power of two of them, at most half full */
    size_t mask;
} key_table;

static size_t slot_of(const key_table *table, int64_t key)
{
    size_t slot = (size_t)(((uint64_t)key * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & table->mask;

    while (table->slots[slot] && table->slots[slot]->cells[0].number != key)
        slot = (slot + 1) & table->mask;
    return slot;
}

static bool parents_init(key_table *table, const floor_rows *rows)
{
    size_t size = 16;

    while (size < rows->n * 2)
        size *= 2;
    table->mask = size - 1;
    table->slots = calloc(size, sizeof *table->slots);
    if (!table->slots)
        return false;
    for (size_t i = 0; i < rows->n; i++)
        table->slots[slot_of(table, rows->rows[i]->cells[0].number)] = rows->rows[i];
    return true;
}

static bool adopt(const key_table *table, const floor_rows *children, size_t points, floor_error *error)
{
    for (size_t i = 0; i < children->n; i++) {
        floor_row *child = children->rows[i];
        floor_row *parent = table->slots[slot_of(table, child->cells[points].number)];

        if (!parent)
            return floor_fail(error, "a row without its parent, %lld", (long long)child->cells[points].number);
        if (parent->last)
            parent->last->next = child;
        else
            parent->child = child;
        parent->last = child;
    }
    return true;
}

/* The level's values: one array of keys, or a value for each. numbers and values are the caller's. */
static bool fill(const floor_statement *statement, const floor_rows *rows, int64_t *numbers, floor_value *values,
                 floor_error *error)
{
    bool array = statement->n_values == 1 && statement->values[0].kind == FLOOR_INTS;

    if (!array && statement->n_values != rows->n)
        return floor_fail(error, "%s: %zu keys for %zu places", statement->name, rows->n, statement->n_values);
    for (size_t i = 0; i < rows->n; i++) {
        numbers[i] = rows->rows[i]->cells[0].number;
        if (!array)
            values[i] = (floor_value){.kind = FLOOR_INT, .number = numbers[i]};
    }
    if (array)
        values[0] = (floor_value){.kind = FLOOR_INTS, .n = rows->n, .numbers = numbers};
    return true;
}

static bool level(floor_session *session, const floor_statement *statement, const floor_rows *above, floor_rows *rows,
                  floor_error *error)
{
    int64_t *numbers = calloc(above->n + 1, sizeof *numbers);
    floor_value *values = calloc(statement->n_values + 1, sizeof *values);
    key_table table = {0};
    bool done = false;

    if (!numbers || !values || !parents_init(&table, above))
        floor_fail(error, "no memory for keys");
    else
        done = fill(statement, above, numbers, values, error) &&
               floor_client_read(session->client, statement, values, rows, error) &&
               adopt(&table, rows, statement->columns.points, error);
    free(table.slots);
    free(values);
    free(numbers);
    return done;
}

bool floor_prefetch(floor_session *session, const floor_job *job, int64_t *n, floor_error *error)
{
    floor_rows rows[FLOOR_JOB_STATEMENTS] = {{0}};
    bool done = floor_client_read(session->client, job->statements[0], job->statements[0]->values, &rows[0], error);

    for (size_t i = 1; done && i < job->n_statements; i++)
        done = level(session, job->statements[i], &rows[i - 1], &rows[i], error);
    *n = (int64_t)rows[0].n;
    for (size_t i = 0; i < job->n_statements; i++)
        floor_rows_free(&rows[i]);
    return done;
}
