/* SPDX-License-Identifier: MIT */
/* What the server's messages say beyond their number: names of constraints,
 * tables and columns. Values that stand in them are moved to the detail, since a
 * message is logged where values must not be. */
#include "mysql_conn.h"

#include <stdio.h>
#include <string.h>

/* What stands in a message, and where it goes. */
typedef enum part { CONSTRAINT, TABLE, COLUMN } part;

/* A name in quotes after `before`. The last one counts: what is in front of it may
 * be a value that looks the same. */
static const struct {
    int number;
    part part;
    const char *before;
} name_table[] = {
    {1048, COLUMN, "Column "},          {1054, COLUMN, "Unknown column "},
    {1062, CONSTRAINT, " for key "},    {1146, TABLE, "Table "},
    {1169, CONSTRAINT, " for key "},    {1264, COLUMN, " column "},
    {1265, COLUMN, " column "},         {1292, COLUMN, " column "},
    {1364, COLUMN, "Field "},           {1366, COLUMN, " column "},
    {1406, COLUMN, " column "},         {1451, CONSTRAINT, " CONSTRAINT "},
    {1452, CONSTRAINT, " CONSTRAINT "}, {1451, TABLE, " fails ("},
    {1452, TABLE, " fails ("},          {1451, COLUMN, " FOREIGN KEY ("},
    {1452, COLUMN, " FOREIGN KEY ("},   {1586, CONSTRAINT, " for key "},
    {1859, CONSTRAINT, " for key "},    {3819, CONSTRAINT, "constraint "},
    {4025, CONSTRAINT, "CONSTRAINT "},  {4025, TABLE, " failed for "},
};

/* A value in quotes, between two phrases of the message; the second is searched
 * from the end. */
static const struct {
    int number;
    const char *before, *after;
} value_table[] = {
    {1062, "Duplicate entry ", " for key "}, {1586, "Duplicate entry ", " for key "},
    {1859, "Duplicate entry ", " for key "}, {1366, " value: ", " for column "},
    {1292, " value: ", " for column "},      {1292, " value: ", ""},
    {1411, " value: ", " for function "},
};

static const char *find_last(const char *text, const char *what)
{
    const char *found = NULL, *p = text;

    while ((p = strstr(p, what)))
        found = p++;
    return found;
}

/* Copies the name at p, which may have its schema and table in front:
 *     'a', `a`, 'table.a', `schema`.`table`.`a`
 */
static void take_name(oxy_err *err, part where, const char *p)
{
    const char *start[3] = {NULL}, *end[3] = {NULL};
    size_t n = 0;

    while (n < 3 && (*p == '\'' || *p == '`')) {
        const char *close = strchr(p + 1, *p);

        if (!close)
            return;
        start[n] = p + 1;
        end[n++] = close;
        p = close[1] == '.' ? close + 2 : close + 1;
    }
    if (!n)
        return;
    /* MySQL writes 'table.key' in one pair of quotes. */
    if (n == 1 && (where == CONSTRAINT || where == TABLE)) {
        const char *dot = memchr(start[0], '.', (size_t)(end[0] - start[0]));

        if (dot && dot + 1 < end[0]) {
            start[1] = dot + 1;
            end[1] = end[0];
            end[0] = dot;
            n = 2;
        }
    }
    if (n > 1 && where != TABLE)
        oxy_err_copy(err->table, sizeof err->table, start[n - 2], (size_t)(end[n - 2] - start[n - 2]));
    p = start[n - 1];
    if (where == CONSTRAINT)
        oxy_err_copy(err->constraint, sizeof err->constraint, p, (size_t)(end[n - 1] - p));
    else if (where == TABLE)
        oxy_err_copy(err->table, sizeof err->table, p, (size_t)(end[n - 1] - p));
    else
        oxy_err_copy(err->column, sizeof err->column, p, (size_t)(end[n - 1] - p));
}

static void hide_value(oxy_err *err, const char *before, const char *after)
{
    char *from = strstr(err->message, before);
    const char *to;
    size_t n;

    if (!from)
        return;
    from += strlen(before) - 1; /* the blank stays, if something follows */
    to = *after ? find_last(from, after) : from + strlen(from);
    if (!to || to <= from)
        return;
    oxy_err_copy(err->detail, sizeof err->detail, err->message, strlen(err->message));
    n = strlen(to);
    while (!*after && from > err->message && (from[-1] == ' ' || from[-1] == ':'))
        from--;
    if (*after && from > err->message && from[-1] == ':')
        from--;
    memmove(from, to, n + 1);
}

void oxy__my_read_message(oxy_err *err)
{
    for (size_t i = 0; i < OXY_COUNT(name_table); i++) {
        const char *p;

        if (name_table[i].number != err->native)
            continue;
        p = find_last(err->message, name_table[i].before);
        if (p)
            take_name(err, name_table[i].part, p + strlen(name_table[i].before));
    }
    /* A foreign key of several columns names no single one. */
    if ((err->native == 1451 || err->native == 1452) && err->column[0]) {
        const char *list = find_last(err->message, " FOREIGN KEY ("), *close = list ? strchr(list, ')') : NULL;

        if (close && memchr(list, ',', (size_t)(close - list)))
            err->column[0] = '\0';
    }
    for (size_t i = 0; i < OXY_COUNT(value_table) && !err->detail[0]; i++)
        if (value_table[i].number == err->native)
            hide_value(err, value_table[i].before, value_table[i].after);
}
