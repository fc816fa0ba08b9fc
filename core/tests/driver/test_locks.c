/* SPDX-License-Identifier: MIT */
/* Read locks that are given back late, and frames of the log in one write. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_THREAD__
/* Two tests have a child that starts threads of its own. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}
#endif

#define BURST ((uint32_t)OXY_REQ_BURST)

typedef struct pool {
    oxy_common *common;
    options reader, writer;
} pool;

static pool make_pool(const char *path)
{
    pool p;

    assert_int_equal(oxy_common_new(oxy_alloc_default(), &p.common), OXY_OK);
    p.reader = p.writer = file_options(path);
    p.reader.common = p.writer.common = p.common;
    set_option(&p.reader, "role", "reader");
    set_option(&p.writer, "role", "writer");
    return p;
}

/* A file with ten rows, and the pool's two connections. */
static pool open_both(const char *path, oxy_conn **writer, oxy_conn **reader)
{
    pool p = make_pool(path);

    *writer = must_open(&p.writer);
    must_run(*writer, "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER NOT NULL)", WRITE);
    must_run(*writer,
             "INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) "
             "SELECT i FROM n",
             WRITE);
    *reader = must_open(&p.reader);
    return p;
}

static void rest(const pool *p)
{
    oxy_driver_sqlite.rest(p->common);
}

/* Whether this process locks a byte of the shared memory, as another process sees it:
 * 120 writing, 121 checkpoint, 123 to 127 reading. */
static bool locks(const char *path, int first, int n)
{
    char name[512];
    int status;
    pid_t child;

    (void)snprintf(name, sizeof name, "%s-shm", path);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = n};
        int fd = open(name, O_RDWR);

        if (fd < 0 || fcntl(fd, F_GETLK, &lock) != 0)
            _exit(2);
        _exit(lock.l_type == F_UNLCK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 1;
}

static bool reads(const char *path)
{
    return locks(path, 123, 5);
}

static long long file_size(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 ? (long long)s.st_size : -1;
}

/* --- keeping ---------------------------------------------------------------------------- */

static void test_a_burst_keeps_its_lock_until_it_is_over(void **state)
{
    const char *path = in_dir(state, "kept.db");
    oxy_conn *writer, *reader;
    pool p = open_both(path, &writer, &reader);

    must_run(reader, "SELECT v FROM t WHERE id = 1", READ);
    assert_false(reads(path));
    for (int i = 0; i < 3; i++) {
        must_run(reader, "SELECT v FROM t WHERE id = 1", BURST);
        assert_true(reads(path));
    }
    rest(&p);
    assert_false(reads(path));
    rest(&p); /* there is nothing left to give back */
    must_run(reader, "SELECT v FROM t WHERE id = 1", BURST);
    must_run(reader, "SELECT v FROM t WHERE id = 1", READ); /* ends it, too */
    assert_false(reads(path));
    must_run(reader, "SELECT v FROM t WHERE id = 1", BURST);
    assert_true(reads(path));
    close_conn(reader);
    assert_false(reads(path));
    close_conn(writer);
    oxy_common_drop(p.common);
}

static void test_a_connection_without_a_pool_keeps_nothing(void **state)
{
    const char *path = in_dir(state, "alone.db");
    options o = file_options(path);
    oxy_conn *c = must_open(&o);

    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY)", WRITE);
    must_run(c, "SELECT id FROM t", BURST);
    assert_false(reads(path));
    close_conn(c);
}

static void test_what_goes_to_the_worker_keeps_nothing(void **state)
{
    const char *path = in_dir(state, "worker.db");
    oxy_conn *writer, *reader;
    pool p = open_both(path, &writer, &reader);

    must_run(reader, "SELECT v FROM t WHERE id = 1", BURST);
    (void)offloads();
    must_run(reader, "SELECT v + random() * 0 FROM t", BURST);
    assert_int_equal(offloads(), 1);
    assert_false(reads(path));
    close_conn(reader);
    close_conn(writer);
    oxy_common_drop(p.common);
}

/* --- others ------------------------------------------------------------------------------- */

static void test_a_burst_sees_what_others_commit(void **state)
{
    const char *path = in_dir(state, "fresh.db");
    oxy_conn *writer, *reader, *other;
    pool p = open_both(path, &writer, &reader);
    options alone = file_options(path);
    char text[64];

    other = must_open(&alone);
    for (int i = 1; i <= 300; i++) {
        oxy_request r = request("SELECT v FROM t WHERE id = 1", BURST);

        (void)snprintf(text, sizeof text, "UPDATE t SET v = %d WHERE id = 1", i);
        must_run(i % 2 ? other : writer, text, i % 3 ? POINT : POINT | BURST);
        assert_int_equal(reader->driver->start(reader, &r), OXY_OK);
        assert_int_equal(next(reader), OXY_STEP_ROW);
        assert_int_equal(reader->cells[0].i, i);
        assert_int_equal(next(reader), OXY_STEP_DONE);
        if (i % 50 == 0) { /* the log begins anew */
            rest(&p);
            assert_string_equal(one(other, "PRAGMA wal_checkpoint(TRUNCATE)"), "i:0");
        }
    }
    close_conn(other);
    close_conn(reader);
    close_conn(writer);
    oxy_common_drop(p.common);
}

static void test_a_checkpoint_of_the_pool_is_not_held_up(void **state)
{
    const char *path = in_dir(state, "checkpoint.db");
    oxy_conn *writer, *reader;
    pool p = open_both(path, &writer, &reader);

    for (int i = 0; i < 20; i++) {
        must_run(reader, "SELECT v FROM t WHERE id = 1", BURST);
        must_run(writer, "UPDATE t SET v = v + 1 WHERE id = 1", POINT | BURST);
        assert_true(reads(path));
        assert_string_equal(one(writer, "PRAGMA wal_checkpoint(TRUNCATE)"), "i:0");
    }
    close_conn(reader);
    close_conn(writer);
    oxy_common_drop(p.common);
}

/* Neither pauses, and nobody ends the burst. */
static void test_the_log_of_a_burst_that_reads_and_writes_stays_short(void **state)
{
    const char *path = in_dir(state, "long.db"), *log = in_dir(state, "long.db-wal");
    oxy_conn *writer, *reader;
    pool p = open_both(path, &writer, &reader);

    for (int i = 0; i < 15000; i++) {
        must_run(writer, "INSERT INTO t (v) VALUES (1)", POINT | BURST);
        must_run(reader, "SELECT v FROM t WHERE id = 1", BURST);
    }
    assert_in_range(file_size(log), 1, 6000 * 4120LL);
    assert_int_equal(count(reader, "SELECT count(*) FROM t"), 15010);
    close_conn(reader);
    close_conn(writer);
    oxy_common_drop(p.common);
}

/* Another process writes and empties the log beside us, as SQLite does by itself. */
static void test_the_log_of_another_process_stays_short(void **state)
{
    const char *path = in_dir(state, "beside.db"), *log = in_dir(state, "beside.db-wal");
    oxy_conn *writer, *reader;
    pool p = open_both(path, &writer, &reader);
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        options o = file_options(path);
        oxy_conn *c = must_open(&o);

        for (int i = 0; i < 10000; i++) {
            must_run(c, "UPDATE t SET v = v + 1 WHERE id = 1", POINT);
            if (i % 500 == 0)
                must_run(c, "PRAGMA wal_checkpoint(PASSIVE)", WRITE);
        }
        _exit(0);
    }
    for (int n = 0; waitpid(child, &status, WNOHANG) == 0; n++) {
        must_run(reader, "SELECT v FROM t WHERE id = 1", BURST);
        if (n % 100 == 0)
            rest(&p);
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_in_range(file_size(log), 1, 8000 * 4120LL);
    assert_int_equal(count(reader, "SELECT v FROM t WHERE id = 1"), 10001);
    close_conn(reader);
    close_conn(writer);
    oxy_common_drop(p.common);
}

static atomic_bool resting;

static void *rests(void *arg)
{
    while (atomic_load(&resting))
        rest(arg);
    return NULL;
}

static void test_any_thread_may_end_a_burst_at_any_time(void **state)
{
    const char *path = in_dir(state, "threads.db");
    oxy_conn *writer, *reader;
    pool p = open_both(path, &writer, &reader);
    pthread_t thread;

    atomic_store(&resting, true);
    assert_int_equal(pthread_create(&thread, NULL, rests, &p), 0);
    for (int i = 0; i < 5000; i++) {
        must_run(writer, "UPDATE t SET v = v + 1 WHERE id = 1", POINT | BURST);
        must_run(reader, "SELECT v FROM t WHERE id = 1", BURST);
    }
    assert_int_equal(count(reader, "SELECT v FROM t WHERE id = 1"), 5001);
    atomic_store(&resting, false);
    assert_int_equal(pthread_join(thread, NULL), 0);
    rest(&p);
    assert_false(locks(path, 120, 8));
    close_conn(reader);
    close_conn(writer);
    oxy_common_drop(p.common);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void test_a_burst_of_writes_lets_others_write(void **state)
{
    const char *path = in_dir(state, "writers.db");
    oxy_conn *writer, *reader, *other;
    pool p = open_both(path, &writer, &reader);
    options alone = file_options(path);

    other = must_open(&alone);
    for (int i = 0; i < 500; i++) {
        must_run(writer, "UPDATE t SET v = v + 1 WHERE id = 1", POINT | BURST);
        assert_false(locks(path, 120, 1));
        must_run(other, "UPDATE t SET v = v + 1 WHERE id = 1", POINT);
    }
    assert_int_equal(count(other, "SELECT v FROM t WHERE id = 1"), 1001);
    assert_string_equal(one(other, "PRAGMA integrity_check"), "t:ok");
    close_conn(other);
    close_conn(reader);
    close_conn(writer);
    oxy_common_drop(p.common);
}

static void test_a_burst_inside_and_outside_of_transactions(void **state)
{
    const char *path = in_dir(state, "blocks.db");
    oxy_conn *writer, *reader;
    pool p = open_both(path, &writer, &reader);

    for (int i = 0; i < 50; i++) {
        must_run(writer, "BEGIN IMMEDIATE", WRITE | BURST);
        must_run(writer, "UPDATE t SET v = v + 1 WHERE id = 1", POINT | BURST);
        must_run(reader, "SELECT v FROM t WHERE id = 1", BURST);
        must_run(writer, i % 2 ? "COMMIT" : "ROLLBACK", WRITE | BURST);
        must_run(writer, "UPDATE t SET v = v + 1 WHERE id = 1", POINT | BURST);
    }
    assert_int_equal(count(reader, "SELECT v FROM t WHERE id = 1"), 76);
    rest(&p);
    assert_false(locks(path, 120, 8));
    close_conn(reader);
    close_conn(writer);
    oxy_common_drop(p.common);
}

static void test_a_journal_that_is_no_log_any_more(void **state)
{
    const char *path = in_dir(state, "mode.db");
    pool p = make_pool(path);
    oxy_conn *c = must_open(&p.writer);

    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)", WRITE);
    for (int i = 0; i < 3; i++) {
        must_run(c, "INSERT INTO t (v) VALUES (1)", POINT | BURST);
        assert_string_equal(one(c, "PRAGMA journal_mode = DELETE"), "t:delete");
        must_run(c, "INSERT INTO t (v) VALUES (1)", POINT | BURST);
        assert_string_equal(one(c, "PRAGMA journal_mode = WAL"), "t:wal");
        must_run(c, "INSERT INTO t (v) VALUES (1)", POINT | BURST);
    }
    assert_int_equal(count(c, "SELECT count(*) FROM t"), 9);
    close_conn(c);
    oxy_common_drop(p.common);
}

/* --- frames ----------------------------------------------------------------------------------- */

static void test_a_log_written_frame_by_frame_is_read_by_others(void **state)
{
    const char *path = in_dir(state, "frames.db");
    oxy_conn *writer, *reader, *other;
    pool p = open_both(path, &writer, &reader);
    options alone = file_options(path);

    for (int i = 0; i < 400; i++)
        must_run(writer, "INSERT INTO t (v) SELECT v FROM t LIMIT 40", WRITE | BURST);
    other = must_open(&alone);
    assert_int_equal(count(other, "SELECT count(*) FROM t"), 10 + 10 + 20 + 398 * 40);
    assert_string_equal(one(other, "PRAGMA integrity_check"), "t:ok");
    close_conn(other);
    close_conn(reader);
    close_conn(writer);
    oxy_common_drop(p.common);
}

/* The file may grow no more: the commit that needs it fails, those before it stand. */
static void test_a_commit_that_cannot_be_written_fails(void **state)
{
    const char *path = in_dir(state, "full.db"), *log = in_dir(state, "full.db-wal");
    oxy_conn *writer, *reader;
    pool p = open_both(path, &writer, &reader);
    struct rlimit old, narrow;
    int64_t before;
    long long size;

    must_run(writer, "INSERT INTO t (v) VALUES (1)", POINT);
    before = count(reader, "SELECT count(*) FROM t");
    size = file_size(log);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    narrow = old;
    for (int room = 0; room <= 4096; room += 8) {
        oxy_rc rc;

        (void)signal(SIGXFSZ, SIG_IGN);
        narrow.rlim_cur = (rlim_t)(size + room);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &narrow), 0);
        rc = run_sql(writer, "INSERT INTO t (v) VALUES (2)", POINT | BURST);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_not_equal(rc, OXY_OK);
        assert_int_equal(count(reader, "SELECT count(*) FROM t"), before);
        room += room > 64 ? 400 : 0;
    }
    must_run(writer, "INSERT INTO t (v) VALUES (3)", POINT | BURST);
    assert_int_equal(count(reader, "SELECT count(*) FROM t"), before + 1);
    assert_string_equal(one(reader, "PRAGMA integrity_check"), "t:ok");
    close_conn(reader);
    close_conn(writer);
    oxy_common_drop(p.common);
}

/* Each row is confirmed on a pipe once its commit has returned. */
static void test_what_was_committed_is_there_after_a_kill(void **state)
{
    const char *path = in_dir(state, "killed.db");
    oxy_conn *c;
    options o = file_options(path);
    int pipes[2], status;
    int64_t confirmed = 0;
    char byte;
    pid_t child;

    assert_int_equal(pipe(pipes), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        oxy_conn *writer, *reader;
        pool p = open_both(path, &writer, &reader);

        (void)p;
        for (;;) {
            must_run(writer, "INSERT INTO t (v) VALUES (1)", POINT | BURST);
            if (write(pipes[1], "x", 1) != 1)
                _exit(1);
        }
    }
    close(pipes[1]);
    while (confirmed < 2000 && read(pipes[0], &byte, 1) == 1)
        confirmed++;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    while (read(pipes[0], &byte, 1) == 1)
        confirmed++;
    close(pipes[0]);
    c = must_open(&o);
    assert_in_range(count(c, "SELECT count(*) FROM t"), 10 + confirmed, 11 + confirmed);
    assert_string_equal(one(c, "PRAGMA integrity_check"), "t:ok");
    close_conn(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_DIR(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
        IN_DIR(test_a_burst_keeps_its_lock_until_it_is_over),
        IN_DIR(test_a_connection_without_a_pool_keeps_nothing),
        IN_DIR(test_what_goes_to_the_worker_keeps_nothing),
        IN_DIR(test_a_burst_sees_what_others_commit),
        IN_DIR(test_a_checkpoint_of_the_pool_is_not_held_up),
        IN_DIR(test_the_log_of_a_burst_that_reads_and_writes_stays_short),
        IN_DIR(test_the_log_of_another_process_stays_short),
        IN_DIR(test_any_thread_may_end_a_burst_at_any_time),
        IN_DIR(test_a_burst_of_writes_lets_others_write),
        IN_DIR(test_a_burst_inside_and_outside_of_transactions),
        IN_DIR(test_a_journal_that_is_no_log_any_more),
        IN_DIR(test_a_log_written_frame_by_frame_is_read_by_others),
        IN_DIR(test_a_commit_that_cannot_be_written_fails),
        IN_DIR(test_what_was_committed_is_there_after_a_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
