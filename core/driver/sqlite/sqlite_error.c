/* SPDX-License-Identifier: MIT */
/* SQLite's result codes as codes of ours, and what its messages say about
 * constraints. Classes follow the table of the connections document, 11.3. */
#include "sqlite.h"

#include <string.h>

static const struct {
    int code; /* extended, or primary if below 256 */
    oxy_rc rc;
} error_table[] = {
    {SQLITE_CONSTRAINT_PRIMARYKEY, OXY_UNIQUE},
    {SQLITE_CONSTRAINT_UNIQUE, OXY_UNIQUE},
    {SQLITE_CONSTRAINT_ROWID, OXY_UNIQUE},
    {SQLITE_CONSTRAINT_FOREIGNKEY, OXY_FOREIGN_KEY},
    {SQLITE_CONSTRAINT_NOTNULL, OXY_NOT_NULL},
    {SQLITE_CONSTRAINT_CHECK, OXY_CHECK},
    {SQLITE_CONSTRAINT | (12 << 8), OXY_DATA}, /* ..._DATATYPE, a STRICT table */
    {SQLITE_BUSY_SNAPSHOT, OXY_SERIALIZATION},
    {SQLITE_CONSTRAINT, OXY_INTEGRITY},
    {SQLITE_BUSY, OXY_LOCK_TIMEOUT},
    {SQLITE_LOCKED, OXY_LOCK_TIMEOUT},
    {SQLITE_INTERRUPT, OXY_CANCELED},
    {SQLITE_READONLY, OXY_OPERATIONAL},
    {SQLITE_IOERR, OXY_OPERATIONAL},
    {SQLITE_FULL, OXY_OPERATIONAL},
    {SQLITE_CANTOPEN, OXY_OPERATIONAL},
    {SQLITE_TOOBIG, OXY_DATA},
    {SQLITE_MISMATCH, OXY_DATA},
    {SQLITE_ERROR, OXY_PROGRAMMING},
    {SQLITE_RANGE, OXY_PROGRAMMING},
    {SQLITE_INTERNAL, OXY_INTERNAL},
    {SQLITE_CORRUPT, OXY_INTERNAL},
    {SQLITE_NOTADB, OXY_INTERNAL},
    {SQLITE_NOMEM, OXY_NOMEM},
};

static oxy_rc find_code(int code)
{
    for (size_t i = 0; i < OXY_COUNT(error_table); i++)
        if (error_table[i].code == code)
            return error_table[i].rc;
    return OXY_OK;
}

oxy_rc oxy__sqlite_classify(int extended, const char *message)
{
    /* A RESTRICT action is raised as a trigger's error; only the text tells it
     * from a RAISE written by the user. */
    if (extended == SQLITE_CONSTRAINT_TRIGGER && message && strcmp(message, "FOREIGN KEY constraint failed") == 0)
        return OXY_FOREIGN_KEY;
    /* sum() says no more than SQLITE_ERROR when it overflows. */
    if (extended == SQLITE_ERROR && message && strcmp(message, "integer overflow") == 0)
        return OXY_DATA;

    oxy_rc rc = find_code(extended);
    if (rc == OXY_OK)
        rc = find_code(extended & 0xff);
    return rc == OXY_OK ? OXY_DATABASE : rc;
}

/* "table.column" or "table.a, table.b": several columns name no single one. */
static void take_columns(oxy_err *err, const char *text)
{
    const char *dot = strchr(text, '.');

    if (!dot)
        return;
    oxy_err_copy(err->table, sizeof err->table, text, (size_t)(dot - text));
    if (!strstr(dot, ", "))
        oxy_err_copy(err->column, sizeof err->column, dot + 1, strlen(dot + 1));
}

static const char *after(const char *text, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* UNIQUE constraint failed: parcels.ref
 * UNIQUE constraint failed: index 'name'
 * NOT NULL constraint failed: parcels.ref
 * CHECK constraint failed: name */
static void take_constraint(oxy_err *err, const char *message)
{
    const char *rest;

    if ((rest = after(message, "UNIQUE constraint failed: "))) {
        const char *name = after(rest, "index '");
        size_t len = name ? strlen(name) : 0;

        if (name)
            oxy_err_copy(err->constraint, sizeof err->constraint, name, len && name[len - 1] == '\'' ? len - 1 : len);
        else
            take_columns(err, rest);
    } else if ((rest = after(message, "NOT NULL constraint failed: "))) {
        take_columns(err, rest);
    } else if ((rest = after(message, "CHECK constraint failed: "))) {
        oxy_err_copy(err->constraint, sizeof err->constraint, rest, strlen(rest));
    }
}

oxy_rc oxy__sqlite_error(const oxy__sqlite *c, oxy_err *err)
{
    int code = c->db ? sqlite3_extended_errcode(c->db) : SQLITE_NOMEM;
    const char *message = c->db ? sqlite3_errmsg(c->db) : "out of memory";
    oxy_rc rc = oxy__sqlite_classify(code, message);

    if (c->func_err.rc != OXY_OK && code == SQLITE_ERROR) {
        *err = c->func_err;
        err->native = code;
        return err->rc;
    }
    (void)oxy_err_set(err, rc, "%s", message);
    err->native = code;
    if ((code & 0xff) == SQLITE_CONSTRAINT)
        take_constraint(err, message);
    return rc;
}
