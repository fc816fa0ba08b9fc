/* SPDX-License-Identifier: MIT */
#include "jobs.h"

#include <time.h>

/* What Python's time.perf_counter reads. */
static double now(void)
{
    struct timespec found = {0};

    clock_gettime(CLOCK_MONOTONIC, &found);
    return (double)found.tv_sec + (double)found.tv_nsec * 1e-9;
}

bool floor_slice(floor_session *session, const floor_job *job, double seconds, double *found, floor_error *error)
{
    double calls = 0, batch = 1, start = now();

    for (;;) {
        double elapsed, rest;

        for (double i = 0; i < batch; i++) {
            int64_t n;

            if (!job->doing(session, job, &n, error))
                return false;
        }
        calls += batch;
        elapsed = now() - start;
        if (elapsed >= seconds) {
            *found = elapsed / calls;
            return true;
        }
        rest = (double)(int64_t)(calls * (seconds - elapsed) / (elapsed > 1e-9 ? elapsed : 1e-9));
        batch = batch * 2 < rest ? batch * 2 : rest < 1 ? 1 : rest;
    }
}

bool floor_calls(floor_session *session, const floor_job *job, double *found, size_t n, floor_error *error)
{
    for (size_t i = 0; i < n; i++) {
        double start = now();
        int64_t rows;

        if (!job->doing(session, job, &rows, error))
            return false;
        found[i] = now() - start;
    }
    return true;
}
