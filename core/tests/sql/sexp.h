/* SPDX-License-Identifier: MIT */
/* sexp: the notation that golden cases are written in.
 *
 *   (select (cols ref) (from parcels) (where (>= weight 3)))
 *
 * golden/README.md lists the forms. */
#ifndef OXY_TESTS_SEXP_H
#define OXY_TESTS_SEXP_H

#include <oxyde/query.h>

typedef enum sexp_kind { SEXP_LIST, SEXP_SYMBOL, SEXP_TEXT, SEXP_INT, SEXP_DOUBLE } sexp_kind;

typedef struct sexp {
    sexp_kind kind;
    oxy_sv text; /* symbol or text */
    int64_t i;
    double d;
    const struct sexp *items; /* SEXP_LIST */
    uint32_t n;
} sexp;

/* Parses one form from text; what it needs lies in the arena. False, with a
 * message on stderr, when the text is no form. */
bool sexp_parse(oxy_arena *arena, oxy_sv text, sexp *out);
bool sexp_is(const sexp *x, const char *symbol);
/* A list whose first item is that symbol. */
bool sexp_form(const sexp *x, const char *symbol);

/* Builds the statement that a form stands for, over the tables of tables.h.
 * Mistakes in the form end the program with a message. */
void sexp_statement(oxy_builder *b, const sexp *form, oxy_stmt *out);

#endif
