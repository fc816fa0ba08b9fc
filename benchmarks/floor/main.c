/* SPDX-License-Identifier: MIT */
/* The floor at its end of the pipe: a line asks, a line answers, fields between tabs. The answer is
 * "ok" and what was asked for, or "failed" and why. The other end is benchmarks/suite/floor.py.
 *
 *   open PATH HOST PORT USER PASSWORD DATABASE
 *   setting SQL                               of the connection
 *   statement NAME COLUMNS SQL VALUE...       as statement.c reads them; prepared at once
 *   job NAME SHAPE NUMBER STATEMENT...
 *   show STATEMENT                            its last row, each value after the letter of its kind
 *   attempt JOB                               rows
 *   slice JOB SECONDS                         seconds a call
 *   calls JOB NUMBER                          seconds of each
 *   close */
#include "jobs.h"
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 1 << 20, MAX_FIELDS = 1 << 14, MAX_STATEMENTS = 64, MAX_JOBS = 64, MAX_CALLS = 1 << 16 };

typedef struct floor_program {
    floor_session session;
    floor_statement statements[MAX_STATEMENTS];
    floor_job jobs[MAX_JOBS];
    size_t n_statements, n_jobs;
    char line[MAX_LINE];
    char *fields[MAX_FIELDS];
    bool closed;
} floor_program;

/* Answers with more than "ok" print it themselves. */
typedef bool answering(floor_program *program, char **fields, floor_error *error);

static const floor_statement *statement_of(const floor_program *program, const char *name, floor_error *error)
{
    for (size_t i = 0; i < program->n_statements; i++) {
        if (strcmp(program->statements[i].name, name) == 0)
            return &program->statements[i];
    }
    floor_fail(error, "no statement %s", name);
    return NULL;
}

static const floor_job *job_of(const floor_program *program, const char *name, floor_error *error)
{
    for (size_t i = 0; i < program->n_jobs; i++) {
        if (strcmp(program->jobs[i].name, name) == 0)
            return &program->jobs[i];
    }
    floor_fail(error, "no job %s", name);
    return NULL;
}

/* A whole number from 0 on. */
static bool count_of(const char *text, int64_t most, int64_t *found, floor_error *error)
{
    char *end;

    *found = strtoll(text, &end, 10);
    if (end == text || *end || *found < 0 || *found > most)
        return floor_fail(error, "not a number from 0 to %lld: %.40s", (long long)most, text);
    return true;
}

static bool on_open(floor_program *program, char **fields, floor_error *error)
{
    floor_address address = {.path = fields[0],
                             .host = fields[1],
                             .port = fields[2],
                             .user = fields[3],
                             .password = fields[4],
                             .database = fields[5]};

    if (program->session.client)
        return floor_fail(error, "open already");
    program->session.client = floor_client_open(&address, error);
    return program->session.client != NULL;
}

static bool on_setting(floor_program *program, char **fields, floor_error *error)
{
    return floor_client_command(program->session.client, fields[0], error);
}

static bool on_statement(floor_program *program, char **fields, floor_error *error)
{
    floor_statement *statement = &program->statements[program->n_statements];
    size_t n = 0;

    while (fields[n])
        n++;
    if (program->n_statements == MAX_STATEMENTS)
        return floor_fail(error, "too many statements");
    if (!floor_statement_init(statement, fields, n, error))
        return false;
    if (!floor_client_prepare(program->session.client, statement, error)) {
        floor_client_forget(program->session.client, statement);
        floor_statement_fini(statement);
        return false;
    }
    program->n_statements++;
    return true;
}

static bool on_job(floor_program *program, char **fields, floor_error *error)
{
    floor_job job = {0};
    size_t least;

    job.doing = floor_shape(fields[1], &least);
    if (!job.doing)
        return floor_fail(error, "no shape %s", fields[1]);
    if (program->n_jobs == MAX_JOBS)
        return floor_fail(error, "too many jobs");
    if (!count_of(fields[2], INT32_MAX, &job.number, error))
        return false;
    for (char **at = fields + 3; *at; at++, job.n_statements++) {
        if (job.n_statements == FLOOR_JOB_STATEMENTS)
            return floor_fail(error, "too many statements for a job");
        job.statements[job.n_statements] = statement_of(program, *at, error);
        if (!job.statements[job.n_statements])
            return false;
    }
    if (job.n_statements < least)
        return floor_fail(error, "too few statements for a job");
    job.name = strdup(fields[0]);
    if (!job.name)
        return floor_fail(error, "no memory for a job");
    program->jobs[program->n_jobs++] = job;
    return true;
}

static void show(const floor_cell *cell)
{
    if (cell->kind == FLOOR_NULL) {
        fputs("\t-", stdout);
        return;
    }
    printf("\t%c", (int)cell->kind);
    switch ((floor_kind)cell->kind) {
    case FLOOR_FLOAT: printf("%.17g", cell->real); break;
    case FLOOR_BOOL: printf("%d", cell->truth); break;
    case FLOOR_JSON: floor_json_write(stdout, cell->document); break;
    case FLOOR_TEXT: fwrite(cell->text, 1, cell->n, stdout); break;
    case FLOOR_DECIMAL: printf("%" PRId64 "e-%" PRIu32, cell->number, cell->n); break;
    default: printf("%" PRId64, cell->number); break;
    }
}

static bool on_show(floor_program *program, char **fields, floor_error *error)
{
    const floor_statement *statement = statement_of(program, fields[0], error);
    floor_rows rows = {0};
    bool done = statement && floor_client_read(program->session.client, statement, statement->values, &rows, error);

    if (done && rows.n == 0)
        done = floor_fail(error, "no rows");
    if (done) {
        fputs("ok", stdout);
        for (size_t i = 0; i < statement->columns.n; i++)
            show(floor_cell_of(rows.rows[rows.n - 1], &statement->columns, i));
    }
    floor_rows_free(&rows);
    return done;
}

static bool on_attempt(floor_program *program, char **fields, floor_error *error)
{
    const floor_job *job = job_of(program, fields[0], error);
    int64_t n;

    if (!job || !job->doing(&program->session, job, &n, error))
        return false;
    printf("ok\t%" PRId64, n);
    return true;
}

static bool on_slice(floor_program *program, char **fields, floor_error *error)
{
    const floor_job *job = job_of(program, fields[0], error);
    char *end;
    double seconds = strtod(fields[1], &end), found;

    if (end == fields[1] || *end)
        return floor_fail(error, "not seconds: %.40s", fields[1]);
    if (!job || !floor_slice(&program->session, job, seconds, &found, error))
        return false;
    printf("ok\t%.9g", found);
    return true;
}

static bool on_calls(floor_program *program, char **fields, floor_error *error)
{
    const floor_job *job = job_of(program, fields[0], error);
    int64_t n;
    double *found;
    bool done;

    if (!job || !count_of(fields[1], MAX_CALLS, &n, error))
        return false;
    found = calloc((size_t)n + 1, sizeof *found);
    if (!found)
        return floor_fail(error, "no memory for figures");
    done = floor_calls(&program->session, job, found, (size_t)n, error);
    if (done) {
        fputs("ok", stdout);
        for (int64_t i = 0; i < n; i++)
            printf("\t%.9g", found[i]);
    }
    free(found);
    return done;
}

static bool on_close(floor_program *program, char **fields, floor_error *error)
{
    (void)fields;
    (void)error;
    program->closed = true;
    return true;
}

static const struct {
    const char *name;
    answering *answer;
    size_t least; /* fields after the name */
    bool silent;  /* prints no answer itself */
} requests[] = {
    {"open", on_open, 6, true},    {"setting", on_setting, 1, true}, {"statement", on_statement, 3, true},
    {"job", on_job, 4, true},      {"show", on_show, 1, false},      {"attempt", on_attempt, 1, false},
    {"slice", on_slice, 2, false}, {"calls", on_calls, 2, false},    {"close", on_close, 0, true},
};

static bool answer(floor_program *program, size_t n, floor_error *error)
{
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (strcmp(requests[i].name, program->fields[0]) != 0)
            continue;
        if (n - 1 < requests[i].least)
            return floor_fail(error, "%s: too few fields", requests[i].name);
        if (!program->session.client && requests[i].answer != on_open && requests[i].answer != on_close)
            return floor_fail(error, "not open");
        if (!requests[i].answer(program, program->fields + 1, error))
            return false;
        if (requests[i].silent)
            fputs("ok", stdout);
        return true;
    }
    return floor_fail(error, "unknown request %.40s", program->fields[0]);
}

/* Cuts the line at its tabs; the array ends with NULL. 0: too many. */
static size_t split(floor_program *program)
{
    char *at = program->line;
    size_t n = 0;

    while (at) {
        if (n == MAX_FIELDS - 1)
            return 0;
        program->fields[n++] = at;
        at = strchr(at, '\t');
        if (at)
            *at++ = '\0';
    }
    program->fields[n] = NULL;
    return n;
}

static void finish(floor_program *program)
{
    for (size_t i = 0; i < program->n_jobs; i++)
        free(program->jobs[i].name);
    for (size_t i = 0; i < program->n_statements; i++) {
        floor_client_forget(program->session.client, &program->statements[i]);
        floor_statement_fini(&program->statements[i]);
    }
    if (program->session.client)
        floor_client_close(program->session.client);
    free(program);
}

int main(void)
{
    floor_program *program = calloc(1, sizeof *program);
    int status = 0;

    if (!program)
        return 1;
    while (!program->closed && fgets(program->line, MAX_LINE, stdin)) {
        size_t end = strcspn(program->line, "\n");
        floor_error error = {""};
        size_t n;

        if (program->line[end] != '\n') {
            puts("failed\ttoo long a line"); /* where the next one starts is not known */
            status = 1;
            break;
        }
        program->line[end] = '\0';
        n = split(program);
        if (n == 0)
            floor_fail(&error, "too many fields");
        if (n == 0 || !answer(program, n, &error)) {
            for (char *at = error.text; *at; at++)
                *at = *at == '\n' || *at == '\t' ? ' ' : *at;
            printf("failed\t%s", error.text);
        }
        putchar('\n');
        if (fflush(stdout) != 0) {
            status = 1;
            break;
        }
    }
    finish(program);
    return status;
}
