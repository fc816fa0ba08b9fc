/* SPDX-License-Identifier: MIT */
/* A JSON document in the memory of its rows. */
#ifndef FLOOR_JSON_H
#define FLOOR_JSON_H

#include "floor.h"

#include <stdio.h>

typedef enum floor_json_kind {
    FLOOR_JSON_NULL,
    FLOOR_JSON_BOOL,
    FLOOR_JSON_INT,
    FLOOR_JSON_REAL,
    FLOOR_JSON_TEXT,
    FLOOR_JSON_ARRAY,
    FLOOR_JSON_OBJECT,
} floor_json_kind;

/* A value. Texts and keys end with a zero byte, which n does not count. */
typedef struct floor_json {
    struct floor_json *next; /* in the array or object around it */
    const char *key;         /* inside an object, else NULL */
    union {
        int64_t number;
        double real;
        bool truth;
        const char *text;
        struct floor_json *first;
    };
    uint32_t n; /* bytes of a text; items */
    uint32_t kind;
} floor_json;

/* Copies a text into the rows' memory and decodes it: strings without their escapes, numbers as
 * integers or floats. False if it is no document, or without memory. */
bool floor_json_of(floor_rows *rows, floor_cell *cell, const char *text, size_t n);

/* Writes it as JSON, in one line. */
void floor_json_write(FILE *to, const floor_json *value);

#endif
