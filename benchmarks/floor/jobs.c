/* SPDX-License-Identifier: MIT */
/* The shapes of jobs that read; every row of a call is kept until its end and then freed. */
#include "jobs.h"

#include <string.h>

static bool read_once(floor_session *session, const floor_job *job, int64_t *n, floor_error *error)
{
    floor_rows rows = {0};
    bool done = floor_client_read(session->client, job->statements[0], job->statements[0]->values, &rows, error);

    *n = (int64_t)rows.n;
    floor_rows_free(&rows);
    return done;
}

static bool gather(floor_session *session, const floor_job *job, int64_t *n, floor_error *error)
{
    floor_rows rows = {0};
    bool done = floor_client_gather(session->client, job->statements[0], (size_t)job->number, &rows, error);

    *n = (int64_t)rows.n;
    floor_rows_free(&rows);
    return done;
}

/* One statement after the other. */
static bool rotate(floor_session *session, const floor_job *job, int64_t *n, floor_error *error)
{
    floor_rows rows = {0};
    bool done = true;

    for (size_t i = 0; done && i < job->n_statements; i++)
        done = floor_client_read(session->client, job->statements[i], job->statements[i]->values, &rows, error);
    *n = (int64_t)rows.n;
    floor_rows_free(&rows);
    return done;
}

static bool stream(floor_session *session, const floor_job *job, int64_t *n, floor_error *error)
{
    return floor_client_stream(session->client, job->statements[0], n, error);
}

static bool run(floor_session *session, const floor_job *job, int64_t *n, floor_error *error)
{
    int64_t key;

    return floor_client_run(session->client, job->statements[0], job->statements[0]->values, n, &key, error);
}

static const struct {
    const char *name;
    floor_doing *doing;
    size_t least;
} shapes[] = {
    {"read", read_once, 1},      {"gather", gather, 1},           {"rotate", rotate, 1},
    {"stream", stream, 1},       {"prefetch", floor_prefetch, 2}, {"run", run, 1},
    {"insert", floor_insert, 1}, {"bulk", floor_bulk, 1},         {"insert_delete", floor_insert_delete, 2},
};

floor_doing *floor_shape(const char *name, size_t *least)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (strcmp(shapes[i].name, name) == 0) {
            *least = shapes[i].least;
            return shapes[i].doing;
        }
    }
    return NULL;
}
