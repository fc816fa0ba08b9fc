/* SPDX-License-Identifier: MIT */
/* SQLSTATEs as codes of ours (connections document, 11.3), the server's fields,
 * and what is left of a connection after a failure. */
#include "postgres.h"

#include <errno.h>
#include <string.h>

#define OXY__PG_LOST "server closed the connection unexpectedly"

/* A whole SQLSTATE, or the class it begins with. The longest match counts. */
static const struct {
    char state[6];
    oxy_rc rc;
} error_table[] = {
    {"08", OXY_CONNECTION_LOST},
    {"0A", OXY_NOT_SUPPORTED},
    {"21", OXY_PROGRAMMING},
    {"22", OXY_DATA},
    {"23", OXY_INTEGRITY},
    {"23001", OXY_FOREIGN_KEY},
    {"23502", OXY_NOT_NULL},
    {"23503", OXY_FOREIGN_KEY},
    {"23505", OXY_UNIQUE},
    {"23514", OXY_CHECK},
    {"24", OXY_INTERNAL},
    {"25", OXY_INTERNAL},
    {"25P02", OXY_TRANSACTION_ABORTED},
    {"25P03", OXY_CONNECTION_LOST}, /* idle in transaction for too long: the server closes */
    {"25P04", OXY_CONNECTION_LOST}, /* transaction_timeout: likewise */
    {"26", OXY_PROGRAMMING},
    {"27", OXY_INTERNAL},
    {"28", OXY_OPERATIONAL},
    {"2B", OXY_INTERNAL},
    {"2D", OXY_INTERNAL},
    {"2F", OXY_INTERNAL},
    {"34", OXY_PROGRAMMING},
    {"3D", OXY_PROGRAMMING},
    {"3F", OXY_PROGRAMMING},
    {"40001", OXY_SERIALIZATION},
    {"40P01", OXY_DEADLOCK},
    {"42", OXY_PROGRAMMING},
    {"53", OXY_OPERATIONAL},
    {"55", OXY_OPERATIONAL},
    {"55P03", OXY_LOCK_TIMEOUT},
    {"57", OXY_OPERATIONAL},
    {"57014", OXY_CANCELED}, /* or STATEMENT_TIMEOUT, see canceled() */
    {"57P01", OXY_CONNECTION_LOST},
    {"57P02", OXY_CONNECTION_LOST},
    {"57P05", OXY_CONNECTION_LOST},
    {"58", OXY_OPERATIONAL},
    {"XX", OXY_INTERNAL},
};

oxy_rc oxy__pg_classify(const char *sqlstate)
{
    oxy_rc rc = OXY_DATABASE;

    for (size_t i = 0; i < OXY_COUNT(error_table); i++) {
        const char *state = error_table[i].state;

        if (strcmp(state, sqlstate) == 0)
            return error_table[i].rc;
        if (strlen(state) == 2 && strncmp(state, sqlstate, 2) == 0)
            rc = error_table[i].rc;
    }
    return rc;
}

static void copy(char *field, size_t cap, const char *text)
{
    if (text)
        oxy_err_copy(field, cap, text, strlen(text));
}

/* A cancel of ours, somebody's pg_cancel_backend and the server's timer all are
 * 57014, and no field but the message tells them apart. It is translated if
 * lc_messages says so; then what we know of our own doing decides. */
static oxy_rc canceled(oxy__pg *c, const char *message)
{
    if (strstr(message, "statement timeout"))
        return OXY_STATEMENT_TIMEOUT;
    if (oxy__pg_cancel_asked(c) || strstr(message, "user request"))
        return OXY_CANCELED;
    return c->timeout_set ? OXY_STATEMENT_TIMEOUT : OXY_CANCELED;
}

static bool is_on(const oxy__pg *c, const char *parameter)
{
    const char *value = PQparameterStatus(c->pq, parameter);

    return value && strcmp(value, "on") == 0;
}

static bool is_fatal(const PGresult *res)
{
    const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

    return severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

/* What libpq says itself about a line that broke. Its buffer may also hold what
 * the server said of earlier statements ("ERROR:  ..."), with values in it: of
 * that nothing is taken. */
static void own_words(const char *text, char *out, size_t cap)
{
    const char *last = NULL;
    size_t len = 0;

    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");

        if (n && *p != '\t') {
            last = p;
            len = n;
        }
        p += n + (p[n] == '\n');
    }
    oxy_err_copy(out, cap, last ? last : "", len);
    if (!*out || strstr(out, ":  "))
        oxy_err_copy(out, cap, OXY__PG_LOST, strlen(OXY__PG_LOST));
}

oxy_rc oxy__pg_error(oxy__pg *c, const PGresult *res, oxy_err *err)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    oxy_rc rc;

    if (!state || !message) { /* libpq's own */
        char words[sizeof err->message];

        own_words(PQresultErrorMessage(res), words, sizeof words);
        rc = PQstatus(c->pq) == CONNECTION_BAD ? OXY_CONNECTION_LOST : OXY_INTERNAL;
        if (strstr(words, "out of memory"))
            rc = OXY_NOMEM;
        return oxy_err_set(err, rc, "%s", words);
    }
    rc = oxy__pg_classify(state);
    if (strcmp(state, "57014") == 0)
        rc = canceled(c, message);
    if (is_fatal(res))
        rc = OXY_CONNECTION_LOST;
    (void)oxy_err_set(err, rc, "%s", message);
    copy(err->sqlstate, sizeof err->sqlstate, state);
    copy(err->detail, sizeof err->detail, PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL));
    copy(err->hint, sizeof err->hint, PQresultErrorField(res, PG_DIAG_MESSAGE_HINT));
    copy(err->constraint, sizeof err->constraint, PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME));
    copy(err->table, sizeof err->table, PQresultErrorField(res, PG_DIAG_TABLE_NAME));
    copy(err->column, sizeof err->column, PQresultErrorField(res, PG_DIAG_COLUMN_NAME));
    if (strcmp(state, "57P03") == 0)
        err->flags |= OXY_ERR_UNSENT;
    /* A transaction that was begun READ ONLY answers the same on any server. */
    if (strcmp(state, "25006") == 0 && c->wants_write &&
        (is_on(c, "in_hot_standby") || is_on(c, "default_transaction_read_only")))
        err->flags |= OXY_ERR_READ_ONLY;
    return rc;
}

/* --- libpq's own words -------------------------------------------------------------- */

/* What stands between two of libpq's lines: it indents those that go on with the
 * one above; others tell of the next host. */
static const char *between(char last, const char *next)
{
    bool ended = last == '?' || last == '.';

    if (*next == '\t')
        return !ended && next[1] >= 'A' && next[1] <= 'Z' ? ". " : " ";
    return !ended && *next ? "; " : " ";
}

/* One line: what libpq breaks into several belongs together. */
static void join_lines(const char *text, char *out, size_t cap)
{
    size_t n = 0;

    for (const char *p = text; *p && n + 3 < cap; p++) {
        if (*p == '\n' && n) {
            for (const char *sep = between(out[n - 1], p + 1); *sep; sep++)
                out[n++] = *sep;
        } else if (*p != '\n' && *p != '\t') {
            out[n++] = *p;
        }
    }
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    out[oxy_utf8_valid(out, n)] = '\0';
}

/* "... failed: FATAL:  28P01: password authentication failed for user "x"": with
 * PQERRORS_VERBOSE the SQLSTATE stands in the text, which is the only place
 * where libpq shows it before there is a result. Cuts it out. */
static bool take_sqlstate(char *line, char sqlstate[6])
{
    for (char *p = line; (p = strstr(p, ":  ")); p++) {
        const char *state = p + 3;
        size_t n = strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");

        if (n == 5 && state[5] == ':' && state[6] == ' ') {
            memcpy(sqlstate, state, 5);
            sqlstate[5] = '\0';
            memmove(p + 2, state + 7, strlen(state + 7) + 1);
            return true;
        }
    }
    return false;
}

/* "LOCATION:  auth_failed, auth.c:335", in whatever language. */
static bool is_location(const char *line)
{
    const char *sep = strstr(line, ":  "), *colon = strrchr(line, ':'), *comma = strrchr(line, ',');

    return sep && sep - line < 40 && comma && colon && colon > comma && colon[1] &&
           strspn(colon + 1, "0123456789") == strlen(colon + 1);
}

static bool says(const char *text, int error)
{
    const char *words = strerror(error);

    return words && strstr(text, words) != NULL;
}

/* Several hosts give a line each; of several SQLSTATEs the last counts. */
void oxy__pg_connect_error(oxy__pg *c, oxy_err *err)
{
    char text[2 * sizeof err->message] = "", line[sizeof err->message], sqlstate[6] = "";
    size_t n = 0;
    bool no_tls;

    for (const char *p = PQerrorMessage(c->pq); *p;) {
        size_t len = strcspn(p, "\n");

        oxy_err_copy(line, sizeof line, p, len);
        p += len + (p[len] == '\n');
        if (is_location(line))
            continue;
        (void)take_sqlstate(line, sqlstate);
        len = strlen(line);
        if (n + len + 2 > sizeof text)
            break;
        memcpy(text + n, line, len);
        n += len;
        text[n++] = '\n';
        text[n] = '\0';
    }
    join_lines(text, line, sizeof line);
    no_tls = strstr(line, "server does not support SSL") != NULL;
    if (no_tls)
        (void)oxy_err_set(err, OXY_OPERATIONAL, "server does not support TLS, but it is required");
    else
        (void)oxy_err_set(err, OXY_OPERATIONAL, "%s", *line ? line : "connection failed");
    memcpy(err->sqlstate, sqlstate, sizeof sqlstate);
    if (strcmp(sqlstate, "57P03") == 0 || strcmp(sqlstate, "53300") == 0 ||
        (!*sqlstate && (says(line, ECONNREFUSED) || says(line, ENOENT) || says(line, ECONNRESET))))
        err->flags |= OXY_ERR_NOT_READY;
    err->flags |= OXY_ERR_UNSENT;
}

/* --- the end ------------------------------------------------------------------------------ */

void oxy__pg_run_fail(oxy__pg *c, oxy__pg_run *run, const oxy_err *err)
{
    if (run->failure || run->no_memory)
        return;
    run->failure = oxy_alloc_new(c->base.alloc, sizeof *run->failure);
    if (run->failure)
        *run->failure = *err;
    else
        run->no_memory = true;
}

/* Runs with all their answers keep them; the others fail. */
void oxy__pg_broke(oxy__pg *c, oxy_rc rc, const char *message)
{
    if (c->phase == OXY__PG_BROKEN)
        return;
    c->phase = OXY__PG_BROKEN;
    if (c->lost.rc == OXY_OK)
        (void)oxy_err_set(&c->lost, rc, "%s", message);
    for (oxy__pg_run *run = c->head; run; run = run->next) {
        if (run->stage == OXY__PG_OVER)
            continue;
        run->stage = OXY__PG_OVER;
        oxy__pg_run_fail(c, run, &c->lost);
    }
    oxy__pg_cancel_met(c, NULL);
    while (c->ghosts) {
        oxy__pg_run *next = c->ghosts->next;

        oxy__pg_run_free(c, c->ghosts);
        c->ghosts = next;
    }
    c->wire_n = 0;
}

void oxy__pg_lost(oxy__pg *c)
{
    char words[sizeof c->lost.message];

    own_words(PQerrorMessage(c->pq), words, sizeof words);
    if (strstr(words, "out of memory"))
        oxy__pg_broke(c, OXY_NOMEM, "out of memory");
    else
        oxy__pg_broke(c, OXY_CONNECTION_LOST, words);
}
