/* SPDX-License-Identifier: MIT */
/* Database files: opening, settings, other processes, the write-ahead log. */
#include "harness.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static oxy_rc open_fails(const options *o, oxy_err *err)
{
    oxy_conn *c = NULL;
    oxy_rc rc = try_open(o, oxy_alloc_default(), &c, err);

    if (c)
        close_conn(c);
    return rc;
}

static void test_a_missing_directory_is_named(void **state)
{
    const char *path = in_dir(state, "absent/shop.db");
    options o = file_options(path);
    oxy_err err;

    assert_int_equal(open_fails(&o, &err), OXY_OPERATIONAL);
    assert_int_equal(err.native & 0xff, SQLITE_CANTOPEN);
    assert_non_null(strstr(err.message, "unable to open database file"));
    assert_non_null(strstr(err.message, path));
    /* a relative path is told as the system resolves it */
    o = file_options("absent-directory/shop.db");
    assert_int_equal(open_fails(&o, &err), OXY_OPERATIONAL);
    assert_non_null(strstr(err.message, ": /"));
    assert_non_null(strstr(err.message, "/absent-directory/shop.db"));
}

static void test_mode_rw_does_not_create(void **state)
{
    options o = file_options(in_dir(state, "none.db"));
    oxy_err err;

    set_option(&o, "mode", "rw");
    assert_int_equal(open_fails(&o, &err), OXY_OPERATIONAL);
}

static void test_a_file_that_is_no_database_is_told(void **state)
{
    const char *path = in_dir(state, "text.db");
    options o = file_options(path);
    oxy_err err;
    FILE *f = fopen(path, "w");

    for (int i = 0; i < 100; i++)
        fputs("this is not a database. ", f);
    fclose(f);
    assert_int_equal(open_fails(&o, &err), OXY_INTERNAL);
    assert_int_equal(err.native, SQLITE_NOTADB);
}

static void test_unknown_and_bad_settings_are_refused_by_name(void **state)
{
    static const char *const bad[][2] = {
        {"pth", "x"},
        {"mode", "rx"},
        {"cache", "big"},
        {"immutable", "maybe"},
        {"role", "boss"},
        {"busy_timeout_ms", "-1"},
        {"inline_budget_ns", "soon"},
    };
    oxy_err err;

    (void)state;
    for (size_t i = 0; i < OXY_COUNT(bad); i++) {
        options o = memory_options();

        set_option(&o, bad[i][0], bad[i][1]);
        assert_int_equal(open_fails(&o, &err), OXY_VALUE);
        assert_non_null(strstr(err.message, bad[i][0]));
    }
    options o = memory_options();
    set_option(&o, "pragma.cache_size = 1; DROP TABLE t; --", "1");
    assert_int_equal(open_fails(&o, &err), OXY_VALUE);
}

static void test_settings_take_effect(void **state)
{
    options o = file_options(in_dir(state, "settings.db"));
    const char *other = in_dir(state, "it's other.db");
    oxy_conn *c;

    set_option(&o, "pragma.temp_store", "MEMORY");
    set_option(&o, "pragma.mmap_size", "65536");
    set_option(&o, "attach.archive", other);
    c = must_open(&o);
    assert_int_equal(count(c, "PRAGMA foreign_keys"), 1);
    assert_string_equal(one(c, "PRAGMA journal_mode"), "t:wal");
    assert_string_equal(one(c, "PRAGMA archive.journal_mode"), "t:wal");
    assert_int_equal(count(c, "PRAGMA synchronous"), 1);
    assert_int_equal(count(c, "PRAGMA cache_size"), 2000);
    assert_int_equal(count(c, "PRAGMA temp_store"), 2);
    assert_int_equal(count(c, "PRAGMA mmap_size"), 65536);
    assert_int_equal(count(c, "PRAGMA wal_autocheckpoint"), 0);
    must_run(c, "CREATE TABLE archive.t (a)", WRITE);
    assert_int_equal(access(other, F_OK), 0);
    close_conn(c);
}

static void test_a_reader_cannot_write(void **state)
{
    options o = file_options(in_dir(state, "roles.db"));
    oxy_conn *writer, *reader;

    set_option(&o, "role", "writer");
    writer = must_open(&o);
    must_run(writer, "CREATE TABLE t (a)", WRITE);
    o.settings[o.n - 1].value = OXY_SV("reader");
    reader = must_open(&o);
    assert_int_equal(run_sql(reader, "INSERT INTO t VALUES (1)", POINT), OXY_OPERATIONAL);
    assert_int_equal(count(reader, "SELECT count(*) FROM t"), 0);
    must_run(writer, "INSERT INTO t VALUES (1)", POINT);
    assert_int_equal(count(reader, "SELECT count(*) FROM t"), 1);
    close_conn(reader);
    close_conn(writer);
}

static void test_a_read_transaction_keeps_its_snapshot(void **state)
{
    options o = file_options(in_dir(state, "snapshot.db"));
    oxy_conn *writer = must_open(&o), *reader = must_open(&o);

    must_run(writer, "CREATE TABLE t (a)", WRITE);
    must_run(reader, "BEGIN", READ);
    assert_int_equal(count(reader, "SELECT count(*) FROM t"), 0);
    must_run(writer, "INSERT INTO t VALUES (1)", POINT);
    assert_int_equal(count(reader, "SELECT count(*) FROM t"), 0);
    /* the snapshot is old by now: it cannot become a write transaction */
    assert_int_equal(run_sql(reader, "INSERT INTO t VALUES (2)", POINT), OXY_SERIALIZATION);
    must_run(reader, "COMMIT", READ);
    assert_int_equal(count(reader, "SELECT count(*) FROM t"), 1);
    close_conn(reader);
    close_conn(writer);
}

static void test_read_only_files_can_be_read(void **state)
{
    const char *path = in_dir(state, "frozen?50%.db");
    options o = file_options(path);
    oxy_conn *c = must_open(&o);

    must_run(c, "CREATE TABLE t AS SELECT 5 AS a", WRITE);
    must_run(c, "PRAGMA journal_mode = DELETE", WRITE);
    close_conn(c);
    set_option(&o, "mode", "ro");
    c = must_open(&o);
    assert_int_equal(count(c, "SELECT a FROM t"), 5);
    assert_int_equal(run_sql(c, "INSERT INTO t VALUES (6)", POINT), OXY_OPERATIONAL);
    close_conn(c);
    set_option(&o, "immutable", "1");
    c = must_open(&o);
    assert_int_equal(count(c, "SELECT a FROM t"), 5);
    assert_string_equal(one(c, "PRAGMA journal_mode"), "t:delete");
    close_conn(c);
}

static void test_named_memory_databases_are_shared_inside_the_process(void **state)
{
    options o = {.cache = 4};
    oxy_conn *a, *b;

    (void)state;
    set_option(&o, "path", "a shared? name");
    set_option(&o, "mode", "memory");
    set_option(&o, "busy_timeout_ms", "100");
    a = must_open(&o);
    b = must_open(&o);
    must_run(a, "CREATE TABLE t (x)", WRITE);
    must_run(a, "INSERT INTO t VALUES (7)", POINT);
    assert_int_equal(count(b, "SELECT x FROM t"), 7);
    must_run(a, "BEGIN IMMEDIATE", WRITE);
    must_run(a, "INSERT INTO t VALUES (8)", POINT);
    assert_int_equal(run_sql(b, "SELECT x FROM t", READ), OXY_LOCK_TIMEOUT);
    must_run(a, "COMMIT", WRITE);
    assert_int_equal(count(b, "SELECT count(*) FROM t"), 2);
    close_conn(a);
    close_conn(b);
}

/* --- other processes ---------------------------------------------------------------- */

/* A child that holds the write lock from its first byte until it is told. */
static pid_t hold_lock(const char *path, int *told, int *tell, unsigned milliseconds)
{
    int up[2], down[2];
    pid_t pid;

    assert_int_equal(pipe(up), 0);
    assert_int_equal(pipe(down), 0);
    pid = fork();
    if (pid == 0) {
        sqlite3 *db;
        char ch = 'x';
        /* The parent opens the file at the same time and may hold a lock for a moment. */
        int ok = sqlite3_open(path, &db) == SQLITE_OK && sqlite3_busy_timeout(db, 5000) == SQLITE_OK &&
                 sqlite3_exec(db, "BEGIN IMMEDIATE; INSERT INTO t VALUES (100)", NULL, NULL, NULL) == SQLITE_OK;

        ok = ok && write(up[1], &ch, 1) == 1;
        if (milliseconds)
            usleep(milliseconds * 1000);
        else
            ok = ok && read(down[0], &ch, 1) == 1;
        ok = ok && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
        _exit(ok ? 0 : 1);
    }
    close(up[1]);
    close(down[0]);
    *told = up[0];
    *tell = down[1];
    return pid;
}

static void wait_for(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void create_t(const char *path)
{
    options o = file_options(path);
    oxy_conn *c = must_open(&o);

    must_run(c, "CREATE TABLE t (a)", WRITE);
    close_conn(c);
}

static void test_a_write_waits_on_the_worker_for_another_process(void **state)
{
    static const char *const first[] = {"INSERT INTO t VALUES (1)", "BEGIN IMMEDIATE"};
    const char *path = in_dir(state, "wait.db");
    options o = file_options(path);

    create_t(path);
    for (size_t i = 0; i < OXY_COUNT(first); i++) {
        int told, tell;
        char ch;
        pid_t child = hold_lock(path, &told, &tell, 500);
        oxy_conn *c = must_open(&o);

        assert_int_equal(read(told, &ch, 1), 1);
        (void)offloads();
        must_run(c, first[i], POINT);
        assert_true(offloads() > 0);
        wait_for(child);
        close(told);
        close(tell);
        close_conn(c);
    }
}

static void test_waiting_for_another_process_ends_with_the_busy_timeout(void **state)
{
    const char *path = in_dir(state, "timeout.db");
    options o = file_options(path);
    oxy_conn *c;
    oxy_request r = request("BEGIN IMMEDIATE", WRITE);
    int told, tell;
    char ch = 'x';
    pid_t child;

    create_t(path);
    child = hold_lock(path, &told, &tell, 0);
    set_option(&o, "busy_timeout_ms", "60");
    c = must_open(&o);
    assert_int_equal(read(told, &ch, 1), 1);
    assert_int_equal(run_request(c, &r), OXY_LOCK_TIMEOUT);
    assert_int_equal(c->err.native & 0xff, SQLITE_BUSY);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    /* the statement's own deadline ends the wait as well, with its own class */
    r.deadline = oxy_clock_now() + 20 * OXY_NS_PER_MS;
    assert_int_equal(run_request(c, &r), OXY_STATEMENT_TIMEOUT);
    assert_int_equal(write(tell, &ch, 1), 1);
    wait_for(child);
    must_run(c, "INSERT INTO t VALUES (2)", POINT);
    assert_int_equal(count(c, "SELECT count(*) FROM t"), 2);
    close(told);
    close(tell);
    close_conn(c);
}

static void test_processes_that_open_one_new_file_at_once_all_write_to_it(void **state)
{
    enum { PROCESSES = 4, ROWS = 100 };
    const char *path = in_dir(state, "crowd.db");
    options o = file_options(path);
    pid_t children[PROCESSES];
    oxy_conn *c;

    set_option(&o, "busy_timeout_ms", "30000");
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            oxy_err err;
            int ok = try_open(&o, oxy_alloc_default(), &c, &err) == OXY_OK &&
                     run_sql(c, "CREATE TABLE IF NOT EXISTS t (a)", WRITE) == OXY_OK;

            for (int n = 0; n < ROWS && ok; n++)
                ok = run_sql(c, "BEGIN IMMEDIATE", WRITE) == OXY_OK &&
                     run_sql(c, "INSERT INTO t VALUES (1)", POINT) == OXY_OK && run_sql(c, "COMMIT", WRITE) == OXY_OK;
            if (!ok)
                fprintf(stderr, "child: %s\n", c ? c->err.message : err.message);
            else
                close_conn(c);
            _exit(ok ? 0 : 1);
        }
    }
    for (int i = 0; i < PROCESSES; i++)
        wait_for(children[i]);
    c = must_open(&o);
    assert_int_equal(count(c, "SELECT count(*) FROM t"), PROCESSES * ROWS);
    close_conn(c);
}

static void test_a_child_that_closes_its_parents_connection_does_no_harm(void **state)
{
    options o = file_options(in_dir(state, "fork.db"));
    oxy_conn *c = must_open(&o);
    pid_t child;

    must_run(c, "CREATE TABLE t (a)", WRITE);
    must_run(c, "BEGIN IMMEDIATE", WRITE);
    child = fork();
    if (child == 0) {
        close_conn(c);
        _exit(0);
    }
    wait_for(child);
    must_run(c, "INSERT INTO t VALUES (1)", POINT);
    must_run(c, "COMMIT", WRITE);
    assert_int_equal(count(c, "SELECT count(*) FROM t"), 1);
    close_conn(c);
}

/* --- the write-ahead log ---------------------------------------------------------------- */

static void test_the_log_is_moved_into_the_file_while_writing_goes_on(void **state)
{
    options o = file_options(in_dir(state, "log.db"));
    const char *log = in_dir(state, "log.db-wal");
    oxy_conn *c;
    struct stat st;

    set_option(&o, "role", "writer");
    c = must_open(&o);
    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)", WRITE);
    for (int i = 0; i < 12000; i++) {
        must_run(c, "INSERT INTO t (x) VALUES (zeroblob(3000))", POINT);
        /* as an event loop would leave the worker time between requests */
        if (i % 100 == 0)
            usleep(1000);
    }
    assert_int_equal(stat(log, &st), 0);
    assert_true(st.st_size < (off_t)4100 * 4120);
    assert_int_equal(count(c, "SELECT count(*) FROM t"), 12000);
    close_conn(c);
    assert_int_equal(stat(log, &st), -1); /* the last one to close tidies up */
}

/* How often the log began anew. */
static unsigned log_number(const char *log)
{
    unsigned char header[16];
    FILE *f = fopen(log, "rb");

    assert_non_null(f);
    assert_int_equal(fread(header, sizeof header, 1, f), 1);
    (void)fclose(f);
    return (unsigned)header[12] << 24 | (unsigned)header[13] << 16 | (unsigned)header[14] << 8 | header[15];
}

static void test_the_log_is_emptied_when_the_writer_pauses(void **state)
{
    options o = file_options(in_dir(state, "pause.db"));
    const char *log = in_dir(state, "pause.db-wal");
    unsigned before;
    oxy_conn *c;

    set_option(&o, "role", "writer");
    c = must_open(&o);
    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)", WRITE);
    before = log_number(log);
    for (int i = 0; i < 1200; i++)
        must_run(c, "INSERT INTO t (x) VALUES (zeroblob(3000))", POINT);
    for (int tries = 0; tries < 100 && log_number(log) == before; tries++) {
        usleep(100000);
        must_run(c, "INSERT INTO t (x) VALUES (1)", POINT);
    }
    assert_int_not_equal(log_number(log), before);
    close_conn(c);
}

static void test_a_reader_of_old_rows_keeps_the_log_and_the_writer_goes_on(void **state)
{
    options o = file_options(in_dir(state, "kept.db"));
    const char *log = in_dir(state, "kept.db-wal");
    oxy_conn *writer, *reader;
    unsigned before;
    int64_t n;

    set_option(&o, "role", "writer");
    writer = must_open(&o);
    must_run(writer, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)", WRITE);
    o.settings[o.n - 1].value = OXY_SV("reader");
    reader = must_open(&o);
    must_run(reader, "BEGIN", READ);
    n = count(reader, "SELECT count(*) FROM t");
    before = log_number(log);
    for (int i = 0; i < 6000; i++)
        must_run(writer, "INSERT INTO t (x) VALUES (zeroblob(3000))", POINT);
    assert_int_equal(log_number(log), before);
    assert_int_equal(count(reader, "SELECT count(*) FROM t"), n);
    must_run(reader, "COMMIT", READ);
    for (int i = 0; i < 3000 && log_number(log) == before; i++)
        must_run(writer, "INSERT INTO t (x) VALUES (zeroblob(3000))", POINT);
    assert_int_not_equal(log_number(log), before);
    close_conn(reader);
    close_conn(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_missing_directory_is_named),
        cmocka_unit_test(test_mode_rw_does_not_create),
        cmocka_unit_test(test_a_file_that_is_no_database_is_told),
        cmocka_unit_test(test_unknown_and_bad_settings_are_refused_by_name),
        cmocka_unit_test(test_settings_take_effect),
        cmocka_unit_test(test_a_reader_cannot_write),
        cmocka_unit_test(test_a_read_transaction_keeps_its_snapshot),
        cmocka_unit_test(test_read_only_files_can_be_read),
        cmocka_unit_test(test_named_memory_databases_are_shared_inside_the_process),
        cmocka_unit_test(test_a_write_waits_on_the_worker_for_another_process),
        cmocka_unit_test(test_waiting_for_another_process_ends_with_the_busy_timeout),
        cmocka_unit_test(test_processes_that_open_one_new_file_at_once_all_write_to_it),
        cmocka_unit_test(test_a_child_that_closes_its_parents_connection_does_no_harm),
        cmocka_unit_test(test_the_log_is_moved_into_the_file_while_writing_goes_on),
        cmocka_unit_test(test_the_log_is_emptied_when_the_writer_pauses),
        cmocka_unit_test(test_a_reader_of_old_rows_keeps_the_log_and_the_writer_goes_on),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
