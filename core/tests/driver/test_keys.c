/* SPDX-License-Identifier: MIT */
/* INSERTs that run without their RETURNING: whatever the table is, they do what the
 * statement does as it was given. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#define MAX_ROWS 2000
#define ROOM 4000

#define KEY_QUERY "SELECT _rowid_ FROM \"t\" ORDER BY _rowid_ DESC LIMIT 1"

/* Everything that one INSERT of a few texts left behind, as text. */
typedef struct trace {
    char text[ROOM];
} trace;

static void note(trace *t, const char *fmt, ...) OXY_PRINTF(2, 3);

static void note(trace *t, const char *fmt, ...)
{
    size_t len = strlen(t->text);
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(t->text + len, sizeof t->text - len, fmt, args);
    va_end(args);
}

/* INSERT INTO "t" ("x") VALUES (?), ... RETURNING "id". The text is the caller's. */
static oxy_request insert_of(uint32_t n, const oxy_value *values, char *sql, size_t room, oxy_key_rows *keys, bool may)
{
    size_t len = (size_t)snprintf(sql, room, "INSERT INTO \"t\" (\"x\") VALUES (?)");
    oxy_request r;

    for (uint32_t i = 1; i < n; i++)
        len += (size_t)snprintf(sql + len, room - len, ", (?)");
    *keys = (oxy_key_rows){.quiet_len = len, .key_query = OXY_SV(KEY_QUERY), .key = OXY_SV("id"), .n_rows = n};
    (void)snprintf(sql + len, room - len, " RETURNING \"id\"");
    r = request(sql, WRITE);
    r.values = values;
    r.n_values = n;
    r.key_rows = may ? keys : NULL;
    return r;
}

/* Runs it to the end; the keys go into the trace. With RETURNING they may come before
 * the commit fails: then they are nothing to go by. */
static void run_insert(oxy_conn *c, const oxy_request *r, trace *t)
{
    oxy_step s = OXY_STEP_FAILED;
    size_t len = strlen(t->text);

    if (c->driver->start(c, r) == OXY_OK)
        while ((s = next(c)) == OXY_STEP_ROW)
            note(t, " %d:%lld", c->cells[0].tag, c->cells[0].tag == OXY_C_INT ? (long long)c->cells[0].i : 0);
    if (s == OXY_STEP_DONE)
        note(t, " done %lld %.*s %.*s", (long long)c->affected, (int)c->cols[0].name.len, c->cols[0].name.p,
             (int)c->cols[0].decl.len, c->cols[0].decl.p);
    else
        t->text[len] = '\0';
    if (s != OXY_STEP_DONE)
        note(t, " failed %d %s", c->err.rc, c->err.message);
    note(t, " status %d\n", c->driver->status(c));
}

/* How often a statement without RETURNING has run that was given with it. */
static int64_t quiet_runs(oxy_conn *c)
{
    return count(c,
                 "SELECT coalesce(sum(run), 0) FROM sqlite_stmt WHERE sql LIKE 'INSERT INTO \"t\" (\"x\") VALUES (?)%' "
                 "AND sql NOT LIKE '%RETURNING%'");
}

static int64_t loud_runs(oxy_conn *c)
{
    return count(c, "SELECT coalesce(sum(run), 0) FROM sqlite_stmt WHERE sql LIKE 'INSERT%RETURNING%'");
}

typedef struct shape {
    const char *setup; /* a script */
    const char *texts; /* one letter for each row */
    bool quiet;        /* its keys can be proven */
    bool loud;         /* the statement runs as it was given */
} shape;

#define PLAIN "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)"
#define LOG "CREATE TABLE log (i INTEGER PRIMARY KEY, what TEXT);"

static const shape shapes[] = {
    {PLAIN, "abcde", true, false},
    {PLAIN "; INSERT INTO t VALUES (-5, 'z')", "abcdefgh", true, false},
    {PLAIN "; INSERT INTO t VALUES (41, 'z'); DELETE FROM t", "ab", true, false},
    {PLAIN "; INSERT INTO t VALUES (9223372036854775797, 'z')", "abc", true, false},
    {"CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT); INSERT INTO t VALUES (70, 'z'); DELETE FROM t",
     "abc", true, false},
    {"CREATE TABLE t (rowid TEXT DEFAULT 'q', id INTEGER PRIMARY KEY, x TEXT)", "abc", true, false},
    {"CREATE TABLE t (_rowid_ INTEGER DEFAULT 9, id INTEGER PRIMARY KEY, x TEXT)", "abc", false, true},
    {"CREATE TABLE t (x TEXT, id INTEGER PRIMARY KEY DESC)", "abc", false, true},
    {"CREATE TABLE t (id INT PRIMARY KEY, x TEXT)", "abc", false, true},
    {"CREATE TABLE t (id INTEGER DEFAULT 7, x TEXT)", "abc", false, true},
    {"CREATE TABLE t (id INTEGER, x TEXT PRIMARY KEY)", "abc", false, true},
    {"CREATE TABLE t (key INTEGER PRIMARY KEY, id INTEGER DEFAULT 3, x TEXT)", "abc", false, true},
    {"CREATE TABLE t (id TEXT PRIMARY KEY DEFAULT 'k', x TEXT) WITHOUT ROWID", "a", false, true},
    {"CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT) WITHOUT ROWID", "ab", false, true},
    /* Triggers. */
    {PLAIN ";" LOG "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES (new.x); END", "abc", false,
     true},
    {PLAIN ";" LOG
           "CREATE TRIGGER g BEFORE INSERT ON t BEGIN INSERT INTO log VALUES (500, new.x); DELETE FROM log; END",
     "abc", false, true},
    {PLAIN "; CREATE TRIGGER g BEFORE INSERT ON t WHEN new.x = 'b' BEGIN SELECT RAISE(IGNORE); END", "abc", false,
     true},
    {PLAIN "; CREATE TRIGGER g AFTER INSERT ON t WHEN new.x = 'b' BEGIN INSERT INTO t (x) VALUES ('+'); END", "abc",
     false, true},
    {PLAIN "; CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET id = id + 100 WHERE id = new.id; END", "abc", false,
     true},
    {PLAIN "; CREATE TRIGGER g AFTER INSERT ON t WHEN new.x = 'c' BEGIN DELETE FROM t; END", "abc", false, true},
    {PLAIN "; CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END", "abc", true, false},
    {PLAIN "; CREATE TRIGGER g AFTER INSERT ON t WHEN new.x = 'c' BEGIN SELECT RAISE(ABORT, 'no c'); END", "abc", false,
     false},
    {PLAIN "; CREATE TRIGGER g AFTER INSERT ON t WHEN new.x = 'c' BEGIN SELECT RAISE(FAIL, 'no c'); END", "abc", false,
     true},
    {PLAIN "; CREATE TRIGGER g AFTER INSERT ON t WHEN new.x = 'c' BEGIN SELECT RAISE(ROLLBACK, 'no c'); END", "abc",
     false, false},
    {"CREATE TABLE real (id INTEGER PRIMARY KEY, x TEXT); CREATE VIEW t AS SELECT id, x FROM real; "
     "CREATE TRIGGER g INSTEAD OF INSERT ON t BEGIN INSERT INTO real (x) VALUES (new.x); END",
     "abc", false, true},
    {"CREATE VIEW t AS SELECT 1 AS id, 2 AS x", "abc", false, true},
    /* Constraints. */
    {"CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT UNIQUE)", "abca", false, false},
    {"CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT CHECK (x < 'c'))", "abc", false, false},
    {"CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT UNIQUE ON CONFLICT IGNORE)", "abac", false, true},
    {"CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT UNIQUE ON CONFLICT REPLACE)", "abac", true, false},
    {"CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT UNIQUE ON CONFLICT REPLACE)", "abcc", true, false},
    {"CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT UNIQUE ON CONFLICT FAIL)", "abac", false, true},
    {"CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT UNIQUE ON CONFLICT ROLLBACK)", "abac", false, false},
    {"CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER REFERENCES t (id))", "3211", true, false},
    {"CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER REFERENCES t (id))", "129", false, false},
    {"CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)", "129", false,
     false},
    {"CREATE TABLE other (id INTEGER PRIMARY KEY)", "ab", false, false},
};

static void remember(oxy_conn *c, trace *t)
{
    note(t, "%s ", one(c, "SELECT group_concat(id || '=' || x) FROM (SELECT id, x FROM t ORDER BY 1, 2)"));
    note(t, "%s ", one(c, "SELECT group_concat(i || '=' || what) FROM (SELECT i, what FROM log ORDER BY 1)"));
    note(t, "%s\n", one(c, "SELECT group_concat(seq) FROM sqlite_sequence"));
}

/* One life with or without the short way: twice in autocommit, then inside a
 * transaction that goes on, in so far as it is still there. */
static void live(const shape *s, const options *o, bool may, trace *t, int64_t *quiet, int64_t *loud)
{
    oxy_conn *c = must_open(o);
    oxy_value values[16];
    uint32_t n = (uint32_t)strlen(s->texts);
    char sql[500];
    oxy_key_rows keys;
    oxy_request r = insert_of(n, values, sql, sizeof sql, &keys, may);

    memset(t, 0, sizeof *t);
    for (uint32_t i = 0; i < n; i++)
        values[i] = (oxy_value){.tag = OXY_V_TEXT, .s = {s->texts + i, 1}};
    must_run(c, s->setup, WRITE | OXY_REQ_SCRIPT);
    for (int round = 0; round < 2; round++) {
        run_insert(c, &r, t);
        remember(c, t);
        if (round == 0) {
            *quiet = quiet_runs(c);
            *loud = loud_runs(c);
        }
    }
    must_run(c, "BEGIN IMMEDIATE", WRITE);
    (void)run_sql(c, "INSERT INTO t (x) VALUES ('0')", POINT);
    run_insert(c, &r, t);
    remember(c, t);
    if (c->driver->status(c) == OXY_CONN_INTRANS) {
        oxy_rc rc = run_sql(c, "COMMIT", WRITE);

        note(t, "commit %d\n", rc);
        if (rc != OXY_OK)
            must_run(c, "ROLLBACK", WRITE);
        remember(c, t);
    }
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    close_conn(c);
}

static void test_every_table_is_written_as_with_returning(void **state)
{
    static const char *const budgets[] = {"0", "1000000000"};

    (void)state;
    for (size_t b = 0; b < OXY_COUNT(budgets); b++) {
        for (size_t i = 0; i < OXY_COUNT(shapes); i++) {
            options o = memory_options();
            trace plain, with;
            int64_t quiet, loud;

            o.cache = 32;
            set_option(&o, "inline_budget_ns", budgets[b]);
            live(&shapes[i], &o, false, &plain, &quiet, &loud);
            assert_int_equal(quiet, 0);
            live(&shapes[i], &o, true, &with, &quiet, &loud);
            if (strcmp(plain.text, with.text) != 0)
                fail_msg("%s\n--- with RETURNING\n%s\n--- without\n%s", shapes[i].setup, plain.text, with.text);
            /* Or the test would show nothing. */
            if (shapes[i].quiet && (!quiet || loud))
                fail_msg("%s went with RETURNING", shapes[i].setup);
            if (shapes[i].loud && !loud && strstr(with.text, " done "))
                fail_msg("%s went without RETURNING", shapes[i].setup);
        }
    }
}

static void test_keys_at_random_are_the_rows_own(void **state)
{
    options o = memory_options();
    oxy_conn *c;
    oxy_value values[3] = {{.tag = OXY_V_INT, .i = 1}, {.tag = OXY_V_INT, .i = 2}, {.tag = OXY_V_INT, .i = 3}};
    char sql[200], ask[100], want[20];
    int64_t found[3];
    oxy_key_rows keys;
    oxy_request r = insert_of(3, values, sql, sizeof sql, &keys, true);

    (void)state;
    o.cache = 8;
    for (int64_t last = INT64_MAX - 3; last <= INT64_MAX - 1; last++) {
        c = must_open(&o);
        must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)", WRITE);
        (void)snprintf(ask, sizeof ask, "INSERT INTO t (id) VALUES (%lld)", (long long)last + 1);
        must_run(c, ask, WRITE);
        assert_int_equal(c->driver->start(c, &r), OXY_OK);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(next(c), OXY_STEP_ROW);
            found[i] = c->cells[0].i;
        }
        assert_int_equal(next(c), OXY_STEP_DONE);
        for (int i = 0; i < 3; i++) {
            (void)snprintf(ask, sizeof ask, "SELECT x FROM t WHERE id = %lld", (long long)found[i]);
            (void)snprintf(want, sizeof want, "i:%d", i + 1);
            assert_string_equal(one(c, ask), want);
        }
        assert_int_equal(count(c, "SELECT count(*) FROM t"), 4);
        close_conn(c);
    }
}

static void test_a_table_that_became_another_is_noticed(void **state)
{
    options o = file_options(in_dir(state, "changes.db"));
    oxy_conn *c, *other;
    oxy_value values[2] = {{.tag = OXY_V_INT, .i = 1}, {.tag = OXY_V_INT, .i = 2}};
    char sql[200];
    oxy_key_rows keys;
    oxy_request r = insert_of(2, values, sql, sizeof sql, &keys, true);
    trace t = {{0}};

    o.cache = 8;
    c = must_open(&o);
    other = must_open(&o);
    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)", WRITE);
    run_insert(c, &r, &t);
    assert_true(quiet_runs(c) == 1 && loud_runs(c) == 0);
    must_run(other, "DROP TABLE t; CREATE TABLE t (id INT DEFAULT 9, x)", WRITE | OXY_REQ_SCRIPT);
    t.text[0] = '\0';
    run_insert(c, &r, &t);
    assert_non_null(strstr(t.text, " 1:9 1:9 done 2"));
    assert_int_equal(count(c, "SELECT count(*) FROM t"), 2);
    /* A table of the session in front of it. */
    must_run(c, "DROP TABLE t", WRITE);
    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)", WRITE);
    must_run(c, "CREATE TEMP TABLE t (id INT DEFAULT 4, x)", WRITE);
    t.text[0] = '\0';
    run_insert(c, &r, &t);
    assert_non_null(strstr(t.text, " 1:4 1:4 done 2"));
    assert_int_equal(count(c, "SELECT count(*) FROM main.t"), 0);
    close_conn(other);
    close_conn(c);
}

/* --- many rows ---------------------------------------------------------------------- */

typedef struct many {
    oxy_value values[MAX_ROWS];
    char sql[MAX_ROWS * 5 + 100];
    oxy_key_rows keys;
    oxy_request r;
} many;

static many *many_rows(void)
{
    static many m;

    m.r = insert_of(MAX_ROWS, m.values, m.sql, sizeof m.sql, &m.keys, true);
    for (int i = 0; i < MAX_ROWS; i++)
        m.values[i] = (oxy_value){.tag = OXY_V_INT, .i = i};
    return &m;
}

static int64_t sum_of_keys(oxy_conn *c, oxy_step *last)
{
    int64_t sum = 0;

    while ((*last = next(c)) == OXY_STEP_ROW)
        sum += c->cells[0].i;
    return sum;
}

static void test_past_the_budget_the_worker_does_all_of_it(void **state)
{
    options o = file_options(in_dir(state, "budget.db"));
    many *m = many_rows();
    oxy_step last;
    oxy_conn *c;

    o.cache = 8;
    set_option(&o, "inline_budget_ns", "1");
    c = must_open(&o);
    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)", WRITE);
    must_run(c, "INSERT INTO t (id, x) VALUES (10, 0)", POINT); /* the log has its header */
    (void)offloads();
    for (int round = 0; round < 3; round++) {
        int64_t first = 10 + round * (int64_t)MAX_ROWS;

        assert_int_equal(c->driver->start(c, &m->r), OXY_OK);
        assert_int_equal(sum_of_keys(c, &last), MAX_ROWS * first + (int64_t)MAX_ROWS * (MAX_ROWS + 1) / 2);
        assert_int_equal(last, OXY_STEP_DONE);
        assert_int_equal(c->affected, MAX_ROWS);
        assert_int_equal(c->last_insert_id, first + MAX_ROWS);
        assert_true(offloads() > 0);
    }
    assert_int_equal(count(c, "SELECT count(*) FROM t WHERE id - 11 = x + (id - 11) / 2000 * 2000"), 3 * MAX_ROWS);
    assert_int_equal(loud_runs(c), 0);
    close_conn(c);
}

static void test_few_rows_do_not_leave_the_thread(void **state)
{
    options o = memory_options();
    many *m = many_rows();
    oxy_step last;
    oxy_conn *c;

    (void)state;
    o.cache = 8;
    set_option(&o, "inline_budget_ns", "10000000000");
    c = must_open(&o);
    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)", WRITE);
    (void)offloads();
    assert_int_equal(c->driver->start(c, &m->r), OXY_OK);
    (void)sum_of_keys(c, &last);
    assert_int_equal(last, OXY_STEP_DONE);
    assert_int_equal(offloads(), 0);
    close_conn(c);
}

static void test_a_cancel_leaves_nothing(void **state)
{
    static const char *const budgets[] = {"0", "10000000000"};

    for (size_t b = 0; b < OXY_COUNT(budgets); b++) {
        options o = b ? memory_options() : file_options(in_dir(state, "cancel.db"));
        many *m = many_rows();
        oxy_step last;
        oxy_conn *c;

        o.cache = 8;
        set_option(&o, "inline_budget_ns", budgets[b]);
        c = must_open(&o);
        must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)", WRITE);
        assert_int_equal(c->driver->start(c, &m->r), OXY_OK);
        c->driver->cancel(c);
        (void)sum_of_keys(c, &last);
        assert_int_equal(last, OXY_STEP_FAILED);
        assert_int_equal(c->err.rc, OXY_CANCELED);
        assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
        assert_int_equal(count(c, "SELECT count(*) FROM t"), 0);
        assert_int_equal(c->driver->start(c, &m->r), OXY_OK);
        (void)sum_of_keys(c, &last);
        assert_int_equal(last, OXY_STEP_DONE);
        close_conn(c);
    }
}

static void test_a_deadline_leaves_nothing(void **state)
{
    options o = memory_options();
    many *m = many_rows();
    oxy_request r = m->r;
    oxy_step last;
    oxy_conn *c;

    (void)state;
    o.cache = 8;
    c = must_open(&o);
    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)", WRITE);
    r.deadline = 1;
    assert_int_equal(c->driver->start(c, &r), OXY_OK);
    (void)sum_of_keys(c, &last);
    assert_int_equal(last, OXY_STEP_FAILED);
    assert_int_equal(c->err.rc, OXY_STATEMENT_TIMEOUT);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_int_equal(count(c, "SELECT count(*) FROM t"), 0);
    close_conn(c);
}

static void test_rows_given_up_are_written(void **state)
{
    options o = memory_options();
    many *m = many_rows();
    oxy_conn *c;

    (void)state;
    o.cache = 8;
    set_option(&o, "inline_budget_ns", "10000000000");
    c = must_open(&o);
    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)", WRITE);
    assert_int_equal(c->driver->start(c, &m->r), OXY_OK);
    assert_int_equal(next(c), OXY_STEP_ROW);
    c->driver->finish(c);
    assert_int_equal(c->driver->status(c), OXY_CONN_IDLE);
    assert_int_equal(count(c, "SELECT count(*) FROM t"), MAX_ROWS);
    close_conn(c);
}

static void test_a_writer_in_the_way_is_waited_for(void **state)
{
    options o = file_options(in_dir(state, "busy.db"));
    oxy_conn *c, *other;
    oxy_value values[2] = {{.tag = OXY_V_INT, .i = 1}, {.tag = OXY_V_INT, .i = 2}};
    char sql[200];
    oxy_key_rows keys;
    oxy_request r = insert_of(2, values, sql, sizeof sql, &keys, true);
    trace t = {{0}};

    o.cache = 8;
    set_option(&o, "busy_timeout_ms", "20");
    c = must_open(&o);
    other = must_open(&o);
    must_run(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)", WRITE);
    run_insert(c, &r, &t);
    must_run(other, "BEGIN IMMEDIATE", WRITE);
    t.text[0] = '\0';
    run_insert(c, &r, &t);
    assert_non_null(strstr(t.text, "locked"));
    must_run(other, "ROLLBACK", WRITE);
    t.text[0] = '\0';
    run_insert(c, &r, &t);
    assert_non_null(strstr(t.text, " 1:3 1:4 done 2 id INTEGER status 0"));
    assert_int_equal(loud_runs(c), 0);
    close_conn(other);
    close_conn(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_table_is_written_as_with_returning),
        cmocka_unit_test(test_keys_at_random_are_the_rows_own),
        cmocka_unit_test_setup_teardown(test_a_table_that_became_another_is_noticed, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_past_the_budget_the_worker_does_all_of_it, make_dir, remove_dir),
        cmocka_unit_test(test_few_rows_do_not_leave_the_thread),
        cmocka_unit_test_setup_teardown(test_a_cancel_leaves_nothing, make_dir, remove_dir),
        cmocka_unit_test(test_a_deadline_leaves_nothing),
        cmocka_unit_test(test_rows_given_up_are_written),
        cmocka_unit_test_setup_teardown(test_a_writer_in_the_way_is_waited_for, make_dir, remove_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
