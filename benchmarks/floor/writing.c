/* SPDX-License-Identifier: MIT */
/* Jobs that insert. Each call makes its rows, as benchmarks/suite/rows.py makes those of everyone. */
#include "jobs.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIELDS = 5, USERS = 1000, WORDS = 48 };

/* The texts of a row. */
typedef struct user_texts {
    char name[WORDS], email[WORDS];
} user_texts;

/* The next row: five values, whose texts live in texts. */
static bool make(floor_session *session, user_texts *texts, floor_value *values, floor_error *error)
{
    int64_t number = USERS + ++session->last;
    int name = snprintf(texts->name, sizeof texts->name, "User %05lld \xC3\x9Cnal", (long long)number);
    int email = snprintf(texts->email, sizeof texts->email, "user%lld@example.org", (long long)number);

    if (name < 0 || name >= WORDS || email < 0 || email >= WORDS)
        return floor_fail(error, "row %lld has too long a name", (long long)number);
    values[0] = (floor_value){.kind = FLOOR_TEXT, .n = (size_t)name, .text = texts->name};
    values[1] = (floor_value){.kind = FLOOR_TEXT, .n = (size_t)email, .text = texts->email};
    values[2] = (floor_value){.kind = FLOOR_INT, .number = 20 + number % 50};
    values[3] = (floor_value){.kind = FLOOR_FLOAT, .real = (double)number * 1.25};
    values[4] = (floor_value){.kind = FLOOR_BOOL, .truth = number % 3 != 0};
    return true;
}

static bool insert(floor_session *session, const floor_statement *statement, int64_t *n, int64_t *key,
                   floor_error *error)
{
    user_texts texts;
    floor_value values[FIELDS];

    if (statement->n_values != FIELDS)
        return floor_fail(error, "%s: not a row of %d values", statement->name, FIELDS);
    return make(session, &texts, values, error) && floor_client_run(session->client, statement, values, n, key, error);
}

bool floor_insert(floor_session *session, const floor_job *job, int64_t *n, floor_error *error)
{
    int64_t key;

    return insert(session, job->statements[0], n, &key, error);
}

bool floor_insert_delete(floor_session *session, const floor_job *job, int64_t *n, floor_error *error)
{
    floor_value key = {.kind = FLOOR_INT};

    if (job->statements[1]->n_values != 1)
        return floor_fail(error, "%s: not a key", job->statements[1]->name);
    return insert(session, job->statements[0], n, &key.number, error) &&
           floor_client_run(session->client, job->statements[1], &key, n, &key.number, error);
}

/* All rows, as many to a statement as it has places for. */
static bool insert_all(floor_session *session, const floor_job *job, size_t each, int64_t *n, floor_error *error)
{
    const floor_statement *statement = job->statements[0];
    user_texts *texts = calloc(each, sizeof *texts);
    floor_value *values = calloc(statement->n_values, sizeof *values);
    bool done = texts && values ? true : floor_fail(error, "no memory for rows");

    *n = 0;
    while (done && *n < job->number) {
        int64_t touched = 0, key;

        for (size_t i = 0; done && i < each; i++)
            done = make(session, &texts[i], &values[i * FIELDS], error);
        done = done && floor_client_run(session->client, statement, values, &touched, &key, error);
        if (done && touched != (int64_t)each)
            done = floor_fail(error, "%lld of %zu rows inserted", (long long)touched, each);
        *n += touched;
    }
    free(values);
    free(texts);
    return done;
}

/* A single statement is its own transaction. */
bool floor_bulk(floor_session *session, const floor_job *job, int64_t *n, floor_error *error)
{
    size_t each = job->statements[0]->n_values / FIELDS;
    bool done;

    if (each == 0 || job->statements[0]->n_values % FIELDS || job->number % (int64_t)each)
        return floor_fail(error, "%s: %lld rows do not fit", job->statements[0]->name, (long long)job->number);
    if ((int64_t)each == job->number)
        return insert_all(session, job, each, n, error);
    if (!floor_client_begin(session->client, error))
        return false;
    done = insert_all(session, job, each, n, error) && floor_client_commit(session->client, error);
    if (!done)
        floor_client_rollback(session->client);
    return done;
}
