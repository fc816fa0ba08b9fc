/* SPDX-License-Identifier: MIT */
/* stub_sqlite: a database with the tables of tables.h and functions of the
 * driver's names and arities that do nothing, to check that text is valid. */
#ifndef OXY_TESTS_STUB_SQLITE_H
#define OXY_TESTS_STUB_SQLITE_H

void stub_sqlite_open(void);
void stub_sqlite_close(void);
/* Fails the running test when SQLite does not take the text. */
void stub_sqlite_prepare(const char *name, const char *sql);

#endif
