/* SPDX-License-Identifier: MIT */
/* JSON documents as jsonb sees them: members by name, the last of equal names
 * counts, numbers by value. For SQL functions on SQLite's JSON text. */
#ifndef OXY_DRIVER_JSON_H
#define OXY_DRIVER_JSON_H

#include <oxyde/base.h>

#define OXY__JSON_MAX_DEPTH 500

typedef enum oxy__json_type {
    OXY__JSON_NULL,
    OXY__JSON_FALSE,
    OXY__JSON_TRUE,
    OXY__JSON_NUMBER,
    OXY__JSON_STRING,
    OXY__JSON_ARRAY,
    OXY__JSON_OBJECT
} oxy__json_type;

typedef struct oxy__json {
    oxy__json_type type;
    oxy_sv key;               /* inside an object */
    oxy_sv text;              /* NUMBER as written, STRING without escapes */
    struct oxy__json *next;   /* among its siblings, while reading */
    struct oxy__json **items; /* ARRAY in order, OBJECT by key */
    uint32_t n, at;           /* items; own place among the siblings */
} oxy__json;

/* Reads text into the arena. OXY_DATA for what is not JSON. */
OXY_MUSTUSE oxy_rc oxy__json_read(oxy_arena *arena, oxy_sv text, oxy__json **out);
bool oxy__json_equal(const oxy__json *a, const oxy__json *b);
/* a @> b of PostgreSQL's jsonb. */
bool oxy__json_contains(const oxy__json *a, const oxy__json *b);

#endif
