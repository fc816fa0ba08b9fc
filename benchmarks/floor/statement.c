/* SPDX-License-Identifier: MIT */
/* Statements as they come through the pipe: a name, letters for the columns, SQL, values. */
#include "floor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 256, MAX_NUMBERS = 65536 };

/* A '+' stands before the columns of the related object; a capital I holds the parent's key. */
static bool columns_init(floor_columns *columns, const char *letters, floor_error *error)
{
    size_t n = strlen(letters);

    if (n > MAX_COLUMNS)
        return floor_fail(error, "%zu columns", n);
    columns->kinds = calloc(n + 1, sizeof *columns->kinds);
    if (!columns->kinds)
        return floor_fail(error, "no memory for columns");
    columns->own = SIZE_MAX;
    for (; *letters; letters++) {
        if (*letters == '+') {
            columns->own = columns->n;
        } else if (*letters == 'I') {
            columns->points = columns->n;
            columns->kinds[columns->n++] = FLOOR_INT;
        } else if (strchr("ifbtjnmd", *letters)) {
            columns->kinds[columns->n++] = (floor_kind)*letters;
        } else {
            return floor_fail(error, "unknown kind of column: %c", *letters);
        }
    }
    if (columns->own > columns->n)
        columns->own = columns->n;
    return true;
}

static bool number_of(const char *text, const char **end, int64_t *found)
{
    char *stopped;

    errno = 0;
    *found = strtoll(text, &stopped, 10);
    *end = stopped;
    return stopped != text && !errno;
}

/* Integers with commas between; a statement has one such value at most. */
static bool numbers_of(floor_statement *statement, floor_value *value, const char *text)
{
    size_t most = 1;

    if (statement->numbers)
        return false;
    for (const char *at = text; *at; at++)
        most += *at == ',';
    if (most > MAX_NUMBERS || !(statement->numbers = calloc(most, sizeof *statement->numbers)))
        return false;
    for (value->n = 0; value->n < most; text++) {
        if (!number_of(text, &text, &statement->numbers[value->n++]) || (*text && *text != ','))
            return false;
    }
    value->numbers = statement->numbers;
    return true;
}

/* A value: the letter of its kind, and itself. */
static bool value_init(floor_statement *statement, floor_value *value, const char *field)
{
    const char *text = field + 1;
    const char *end = text;
    char *stopped;

    value->kind = FLOOR_NULL; /* until it holds what has to be freed */
    value->n = 0;
    switch (field[0]) {
    case FLOOR_INT:
        if (!number_of(text, &end, &value->number) || *end)
            return false;
        break;
    case FLOOR_FLOAT:
        value->real = strtod(text, &stopped);
        if (stopped == text || *stopped)
            return false;
        break;
    case FLOOR_BOOL: value->truth = text[0] == '1'; break;
    case FLOOR_TEXT:
        value->text = strdup(text);
        if (!value->text)
            return false;
        value->n = strlen(text);
        break;
    case FLOOR_INTS:
        if (!numbers_of(statement, value, text))
            return false;
        break;
    default: return false;
    }
    value->kind = (floor_kind)field[0];
    return true;
}

static bool fill(floor_statement *statement, char **fields, size_t n, floor_error *error)
{
    if (n < 3)
        return floor_fail(error, "a statement has a name, columns and SQL");
    statement->name = strdup(fields[0]);
    statement->sql = strdup(fields[2]);
    statement->values = calloc(n - 3 + 1, sizeof *statement->values);
    if (!statement->name || !statement->sql || !statement->values)
        return floor_fail(error, "no memory for a statement");
    if (!columns_init(&statement->columns, fields[1], error))
        return false;
    for (size_t i = 3; i < n; i++) {
        if (!value_init(statement, &statement->values[statement->n_values++], fields[i]))
            return floor_fail(error, "%s: cannot take the value %.40s", fields[0], fields[i]);
    }
    return true;
}

bool floor_statement_init(floor_statement *statement, char **fields, size_t n, floor_error *error)
{
    *statement = (floor_statement){0};
    if (fill(statement, fields, n, error))
        return true;
    floor_statement_fini(statement);
    return false;
}

void floor_statement_fini(floor_statement *statement)
{
    for (size_t i = 0; i < statement->n_values; i++) {
        if (statement->values[i].kind == FLOOR_TEXT)
            free((void *)statement->values[i].text);
    }
    free(statement->values);
    free(statement->numbers);
    free(statement->columns.kinds);
    free(statement->sql);
    free(statement->name);
    *statement = (floor_statement){0};
}
