/* SPDX-License-Identifier: MIT */
/* Jobs: what is done with which statements, and how often. */
#ifndef FLOOR_JOBS_H
#define FLOOR_JOBS_H

#include "client.h"

enum { FLOOR_JOB_STATEMENTS = 8 };

struct floor_job;

/* One connection and what was done on it. */
typedef struct floor_session {
    floor_client *client;
    int64_t last; /* number of the last row that was made to be written */
} floor_session;

/* Does a job once; n becomes the number of rows read or written. */
typedef bool floor_doing(floor_session *session, const struct floor_job *job, int64_t *n, floor_error *error);

/* Owner: the program, which frees the name. Its statements live as long as the program. */
typedef struct floor_job {
    char *name;
    floor_doing *doing;
    int64_t number; /* of times or rows, where the shape asks for it */
    const floor_statement *statements[FLOOR_JOB_STATEMENTS];
    size_t n_statements;
} floor_job;

/* The shape of that name, or NULL. least: so many statements it needs. */
floor_doing *floor_shape(const char *name, size_t *least);

/* Shapes that have files of their own. */
floor_doing floor_prefetch, floor_insert, floor_bulk, floor_insert_delete;

/* Seconds a call, over about so many seconds: batches that double, as benchmarks.slices.slice_of has them. */
bool floor_slice(floor_session *session, const floor_job *job, double seconds, double *found, floor_error *error);
/* Seconds of each of so many calls. */
bool floor_calls(floor_session *session, const floor_job *job, double *found, size_t n, floor_error *error);

#endif
