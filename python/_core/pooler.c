/* SPDX-License-Identifier: MIT */
/* Free text that asks something of its session, sent through a pooler: the
 * session is somebody else's when the transaction is over. */
#include "runtime_private.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { HEAD_MAX = 48 }; /* CREATE GLOBAL TEMPORARY fits, with some space between */

/* The first words in capitals, one blank between them. */
static void head_of(const char *sql, char out[HEAD_MAX])
{
    size_t n = 0;

    for (; *sql && n < HEAD_MAX - 1; sql++) {
        if (!isspace((unsigned char)*sql))
            out[n++] = (char)toupper((unsigned char)*sql);
        else if (n > 0 && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    out[n] = '\0';
}

static bool starts(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

static bool locks_session(const char *sql)
{
    static const char *const names[] = {"pg_advisory_lock", "pg_try_advisory_lock"};

    for (; *sql; sql++)
        for (size_t i = 0; i < OXY_COUNT(names); i++)
            if (strncasecmp(sql, names[i], strlen(names[i])) == 0)
                return true;
    return false;
}

/* What the statement makes for its session, or NULL. */
static const char *made_by(const char *sql)
{
    char head[HEAD_MAX];
    const char *p = head;

    head_of(sql, head);
    if (starts(head, "LISTEN "))
        return "LISTEN";
    if (starts(head, "CREATE ")) {
        p += strlen("CREATE ");
        if (starts(p, "GLOBAL ") || starts(p, "LOCAL "))
            p = strchr(p, ' ') + 1;
        if (starts(p, "TEMP ") || starts(p, "TEMPORARY "))
            return "a temporary table";
    }
    return locks_session(sql) ? "a lock of the session" : NULL;
}

void oxypy_pooler_warn(oxypy_operation *op)
{
    const char *sql = PyUnicode_AsUTF8(op->sql), *made = sql == NULL ? NULL : made_by(sql);

    if (made != NULL)
        oxypy_log_pool(op->st, "warning",
                       PyUnicode_FromFormat("%s of %S is made through a connection pooler, which hands the session to "
                                            "others: use a direct connection",
                                            made, op->store->alias));
    if (PyErr_Occurred())
        PyErr_Clear(); /* a warning that cannot be given must not fail the statement */
}
