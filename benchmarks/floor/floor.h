/* SPDX-License-Identifier: MIT */
/* What the floor's programs work with: the values of a statement, the rows that come back. */
#ifndef FLOOR_H
#define FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why something failed. Owner: the caller; functions that return false have filled it. */
typedef struct floor_error {
    char text[512];
} floor_error;

/* Fills the error, cut to its size; always false, so that a caller can return it. */
bool floor_fail(floor_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Kinds of values; each is the letter that stands for it on the pipe. */
typedef enum floor_kind {
    FLOOR_NULL = 0,
    FLOOR_INT = 'i',
    FLOOR_FLOAT = 'f',
    FLOOR_BOOL = 'b',
    FLOOR_TEXT = 't',
    FLOOR_JSON = 'j',    /* a document: json.h */
    FLOOR_DECIMAL = 'n', /* units of 10 to the power of -scale */
    FLOOR_MOMENT = 'm',  /* microseconds since 1970 */
    FLOOR_DAY = 'd',     /* days since 1970 */
    FLOOR_INTS = 'a',    /* several integers as one parameter; never in a row */
} floor_kind;

/* A parameter. What it points at is the statement's, or belongs to whoever calls. */
typedef struct floor_value {
    floor_kind kind;
    size_t n; /* of text: bytes; of integers: how many */
    union {
        int64_t number;
        double real;
        bool truth;
        const char *text;
        const int64_t *numbers;
    };
} floor_value;

/* A decoded value of a row: sixteen bytes, texts beside it in the result's memory. */
typedef struct floor_cell {
    union {
        int64_t number; /* integers, units of decimals, moments, days */
        double real;
        bool truth;
        const char *text;
        const struct floor_json *document;
    };
    uint32_t n; /* bytes of a text, scale of a decimal */
    uint32_t kind;
} floor_cell;

/* A row as an object: its own cells, and the objects that belong to it. */
typedef struct floor_row {
    struct floor_row *related;             /* of a join, else NULL */
    struct floor_row *child, *last, *next; /* of a prefetch: the first and last one; the next of its parent */
    floor_cell cells[];
} floor_row;

/* What columns a statement gives. */
typedef struct floor_columns {
    floor_kind *kinds;
    size_t n;
    size_t own;    /* so many are the row's own, the others its related object's */
    size_t points; /* which column holds the parent's key, in prefetches */
} floor_columns;

typedef struct floor_block floor_block;

/* Rows of one call. Owner: whoever zeroed it; floor_rows_free gives everything back. */
typedef struct floor_rows {
    floor_row **rows;
    size_t n, capacity;
    floor_block *block; /* memory of rows and texts, newest first */
    size_t used;
} floor_rows;

/* A fresh row at the end, its cells NULL values; NULL without memory. */
floor_row *floor_rows_add(floor_rows *rows, const floor_columns *columns);
/* So many bytes of the rows' memory, for whatever has no pointers of its own to free; NULL without memory. */
void *floor_rows_take(floor_rows *rows, size_t n);
/* A text, copied into the rows' memory; false without memory. */
bool floor_rows_text(floor_rows *rows, floor_cell *cell, const char *text, size_t n);
/* Frees all and leaves it empty. */
void floor_rows_free(floor_rows *rows);

/* Where the value of a column goes. */
static inline floor_cell *floor_cell_of(floor_row *row, const floor_columns *columns, size_t column)
{
    return column < columns->own ? &row->cells[column] : &row->related->cells[column - columns->own];
}

/* Decimals and dates from text, as SQLite keeps them and MySQL sends decimals: false if it is none. */
bool floor_decimal_of(floor_cell *cell, const char *text, size_t n);
bool floor_moment_of(floor_cell *cell, const char *text, size_t n);
bool floor_day_of(floor_cell *cell, const char *text, size_t n);
/* Days since 1970 of a date of the Gregorian calendar. */
int64_t floor_days(int64_t year, int64_t month, int64_t day);

/* A statement with the values that it has at every call. Owner: the program; release with fini,
 * after the client let go of its handle. */
typedef struct floor_statement {
    char *name, *sql;
    floor_columns columns;
    floor_value *values;
    size_t n_values;
    int64_t *numbers; /* what values of the kind FLOOR_INTS point at */
    void *handle;     /* the client's */
} floor_statement;

/* From its fields on the pipe: name, columns, SQL, values. On failure nothing has to be released. */
bool floor_statement_init(floor_statement *statement, char **fields, size_t n, floor_error *error);
void floor_statement_fini(floor_statement *statement);

#endif
