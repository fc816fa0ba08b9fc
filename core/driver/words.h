/* SPDX-License-Identifier: MIT */
/* words: what kind of statement a text is, for drivers. Looks at first words
 * and quotes only; the same for every dialect. */
#ifndef OXY_DRIVER_WORDS_H
#define OXY_DRIVER_WORDS_H

#include <oxyde/base.h>

/* By the first word. */
typedef enum oxy__sql_kind {
    OXY__SQL_EMPTY,
    OXY__SQL_SELECT, /* SELECT, VALUES, TABLE, EXPLAIN, SHOW */
    OXY__SQL_INSERT, /* INSERT, REPLACE */
    OXY__SQL_DML,    /* UPDATE, DELETE, MERGE, and WITH before anything */
    OXY__SQL_BEGIN,  /* BEGIN, START, SAVEPOINT */
    OXY__SQL_COMMIT, /* COMMIT, END, RELEASE */
    OXY__SQL_ROLLBACK,
    OXY__SQL_OTHER /* DDL, PRAGMA, SET, VACUUM ... */
} oxy__sql_kind;

/* *plain: a data statement, which leaves no trace in the session. */
oxy__sql_kind oxy__sql_classify(const char *sql, size_t len, bool *plain);
/* Index after blanks and comments (and semicolons, if asked) from i on. */
size_t oxy__sql_skip_blank(const char *sql, size_t len, size_t i, bool semicolons);
/* Whether nothing but blanks, comments and semicolons is left. */
bool oxy__sql_blank(const char *sql, size_t len);
/* Whether the first word is this one, whatever its case. */
bool oxy__sql_starts_with(const char *sql, size_t len, const char *word);
/* Whether there is a second statement, as far as quotes and comments tell. */
bool oxy__sql_several(const char *sql, size_t len);

#endif
