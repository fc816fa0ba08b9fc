/* SPDX-License-Identifier: MIT */
/* Error numbers of server and client library as codes of ours. Classes follow
 * the table of the connections document, 11.3: by number, then by SQLSTATE. */
#include "mysql_conn.h"

#include <stdlib.h>
#include <string.h>

#define CLOSES 1u    /* the connection is over */
#define NOT_READY 2u /* while connecting: a later attempt may succeed */
#define READ_ONLY 4u
#define UNSENT 8u /* the server refused before it looked at the statement */

static const struct {
    unsigned number;
    oxy_rc rc;
    unsigned flags;
} error_table[] = {
    {1020, OXY_SERIALIZATION, 0},       /* snapshot conflict (MariaDB) */
    {1022, OXY_UNIQUE, 0},              /* ER_DUP_KEY */
    {1040, OXY_OPERATIONAL, NOT_READY}, /* too many connections */
    {1044, OXY_OPERATIONAL, 0},         /* access to the database denied */
    {1045, OXY_OPERATIONAL, 0},         /* wrong user or password */
    {1048, OXY_NOT_NULL, 0},
    {1049, OXY_OPERATIONAL, 0},                      /* no such database */
    {1053, OXY_CONNECTION_LOST, CLOSES | NOT_READY}, /* shutdown in progress */
    {1054, OXY_PROGRAMMING, 0},                      /* unknown column */
    {1062, OXY_UNIQUE, 0},
    {1105, OXY_INTERNAL, 0},
    {1146, OXY_PROGRAMMING, 0}, /* no such table */
    {1153, OXY_DATA, 0},        /* larger than max_allowed_packet */
    {1169, OXY_UNIQUE, 0},
    {1203, OXY_OPERATIONAL, NOT_READY}, /* too many connections of this user */
    {1205, OXY_LOCK_TIMEOUT, 0},
    {1213, OXY_DEADLOCK, 0},
    {1216, OXY_FOREIGN_KEY, 0},
    {1217, OXY_FOREIGN_KEY, 0},
    {1235, OXY_NOT_SUPPORTED, 0},
    {1264, OXY_DATA, 0}, /* out of range */
    {1265, OXY_DATA, 0}, /* truncated */
    {1289, OXY_NOT_SUPPORTED, 0},
    {1290, OXY_OPERATIONAL, READ_ONLY}, /* running with --read-only */
    {1305, OXY_PROGRAMMING, 0},         /* no such function or savepoint */
    {1317, OXY_CANCELED, 0},
    {1364, OXY_NOT_NULL, 0}, /* no default value */
    {1366, OXY_DATA, 0},
    {1390, OXY_PROGRAMMING, 0}, /* too many placeholders */
    {1406, OXY_DATA, 0},
    {1451, OXY_FOREIGN_KEY, 0},
    {1452, OXY_FOREIGN_KEY, 0},
    {1586, OXY_UNIQUE, 0},
    {1830, OXY_FOREIGN_KEY, 0},
    {1834, OXY_FOREIGN_KEY, 0},
    {1836, OXY_OPERATIONAL, READ_ONLY}, /* running in read-only mode */
    {1859, OXY_UNIQUE, 0},
    {1927, OXY_CONNECTION_LOST, CLOSES},          /* killed (MariaDB) */
    {1969, OXY_STATEMENT_TIMEOUT, 0},             /* max_statement_time (MariaDB) */
    {2002, OXY_OPERATIONAL, NOT_READY},           /* cannot connect, socket */
    {2003, OXY_OPERATIONAL, NOT_READY},           /* cannot connect, TCP */
    {2005, OXY_OPERATIONAL, 0},                   /* unknown host */
    {2006, OXY_CONNECTION_LOST, CLOSES | UNSENT}, /* could not be written */
    {2008, OXY_NOMEM, CLOSES},
    {2012, OXY_OPERATIONAL, CLOSES},     /* handshake */
    {2013, OXY_CONNECTION_LOST, CLOSES}, /* no answer */
    {2014, OXY_INTERNAL, CLOSES},        /* commands out of sync */
    {2026, OXY_OPERATIONAL, CLOSES},     /* TLS */
    {2027, OXY_CONNECTION_LOST, CLOSES}, /* malformed packet */
    {2055, OXY_CONNECTION_LOST, CLOSES}, /* lost, with a system error */
    {2059, OXY_OPERATIONAL, 0},          /* authentication plugin */
    {3024, OXY_STATEMENT_TIMEOUT, 0},    /* max_execution_time (MySQL) */
    {3572, OXY_LOCK_TIMEOUT, 0},         /* NOWAIT */
    {3819, OXY_CHECK, 0},
    {4025, OXY_CHECK, 0},                         /* MariaDB */
    {4031, OXY_CONNECTION_LOST, CLOSES | UNSENT}, /* idle for too long: said instead of an answer */
};

static const struct {
    char prefix[6];
    oxy_rc rc;
} state_table[] = {
    {"21", OXY_PROGRAMMING},
    {"22", OXY_DATA},
    {"23", OXY_INTEGRITY},
    {"42", OXY_PROGRAMMING},
};

static oxy_rc classify(unsigned number, const char *sqlstate, unsigned *flags)
{
    *flags = 0;
    for (size_t i = 0; i < OXY_COUNT(error_table); i++)
        if (error_table[i].number == number) {
            *flags = error_table[i].flags;
            return error_table[i].rc;
        }
    for (size_t i = 0; i < OXY_COUNT(state_table); i++)
        if (strncmp(sqlstate, state_table[i].prefix, strlen(state_table[i].prefix)) == 0)
            return state_table[i].rc;
    return OXY_DATABASE;
}

bool oxy__my_error_closes(unsigned number)
{
    unsigned flags;

    (void)classify(number, "", &flags);
    return (flags & CLOSES) != 0;
}

oxy_rc oxy__my_error_set(oxy__mysql *c, unsigned number, const char *sqlstate, const char *message, oxy_err *err)
{
    unsigned flags;
    oxy_rc rc = classify(number, sqlstate, &flags);

    /* Whatever the server has against us while we connect, no statement is wrong. */
    if (c->opening &&
        (rc == OXY_DATABASE || rc == OXY_PROGRAMMING || rc == OXY_INTERNAL || rc == OXY_CONNECTION_LOST)) {
        if (rc == OXY_CONNECTION_LOST)
            flags |= NOT_READY;
        rc = OXY_OPERATIONAL;
    }
    (void)oxy_err_set(err, rc, "%s", message && *message ? message : "the server gave no reason");
    err->native = (int32_t)number;
    if (strcmp(sqlstate, "00000") != 0)
        oxy_err_copy(err->sqlstate, sizeof err->sqlstate, sqlstate, strnlen(sqlstate, 5));
    oxy__my_read_message(err);
    if (c->opening && flags & NOT_READY)
        err->flags |= OXY_ERR_NOT_READY;
    if (flags & READ_ONLY)
        err->flags |= OXY_ERR_READ_ONLY;
    if (!c->opening && flags & UNSENT)
        err->flags |= OXY_ERR_UNSENT;
    return rc;
}

oxy_rc oxy__my_error(oxy__mysql *c, MYSQL_STMT *stmt, oxy_err *err)
{
    unsigned number = stmt ? mysql_stmt_errno(stmt) : 0;

    if (number)
        return oxy__my_error_set(c, number, mysql_stmt_sqlstate(stmt), mysql_stmt_error(stmt), err);
    number = mysql_errno(c->mysql);
    if (number)
        return oxy__my_error_set(c, number, mysql_sqlstate(c->mysql), mysql_error(c->mysql), err);
    return oxy__my_error_set(c, 2027, "HY000", "the client library failed without a reason", err);
}
