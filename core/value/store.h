/* SPDX-License-Identifier: MIT */
/* For this room only: what the encoders of databases without a type of their
 * own for everything share. One value on its way into a column, the exactness
 * checks, and the forms in which SQLite and MySQL agree. */
#ifndef OXY_VALUE_STORE_H
#define OXY_VALUE_STORE_H

#include "text.h"

/* How one database differs. */
typedef struct oxy__store_rules {
    const char *codec;  /* for messages about our own mistakes */
    const char *no_nan; /* what to say of NaN */
    const char *no_inf; /* what to say of infinities; NULL: they are stored */
    bool json_rounds;   /* integers in JSON beyond 64 bits would become floats */
} oxy__store_rules;

/* One value on its way: what every step needs. */
typedef struct oxy__job {
    const oxy_value *in;
    const oxy_type *as;
    oxy_arena *scratch;
    oxy_value *out;
    oxy_err *err;
    const oxy__store_rules *rules;
} oxy__job;

typedef oxy_rc (*oxy__store_fn)(const oxy__job *j);

/* Sends in through the encoder of as->kind; NULL stays NULL. out may be in. */
oxy_rc oxy__store(const oxy_value *in, const oxy_type *as, oxy_arena *scratch, oxy_value *out, oxy_err *err,
                  const oxy__store_rules *rules, const oxy__store_fn encoders[OXY_K_COUNT]);

/* OXY_DATA in the words of every encoder; reason may be NULL, and holds nothing
 * of the value. */
oxy_rc oxy__refuse(const oxy__job *j, const char *reason);

oxy_rc oxy__put_int(const oxy__job *j, int64_t i);
oxy_rc oxy__put_double(const oxy__job *j, double d);
/* Text that already lives as long as the value. */
oxy_rc oxy__put_borrowed(const oxy__job *j, oxy_tag tag, oxy_sv text);
/* Text of the caller's, copied to scratch. */
oxy_rc oxy__put_text(const oxy__job *j, const char *text, size_t len);
oxy_rc oxy__put_uuid(const oxy__job *j, const uint8_t uuid[16]);
/* As text, in UTC, with suffix behind. */
oxy_rc oxy__put_datetime(const oxy__job *j, int64_t micros, const char *suffix);
oxy_rc oxy__put_date(const oxy__job *j, int64_t days);
oxy_rc oxy__put_time(const oxy__job *j, int64_t micros);

/* BOOL, INT, UINT or TIMEDELTA in decimal. */
size_t oxy__integer_text(char text[OXY_TEXT_MAX], const oxy_value *v);
/* The value's text as a number, not yet checked; room is for those that have none. */
oxy_rc oxy__decimal_text(const oxy__job *j, char room[OXY_TEXT_MAX], oxy_sv *out);
/* Whether the number fits the declared precision and scale. Trailing zeros do
 * not count: 1.50 fits a scale of 1. NULL if it does. */
const char *oxy__decimal_misfit(const oxy__job *j, oxy_sv text, const oxy_type *as);

/* What the value means in a column of that kind; ranges of years are the
 * caller's to check. */
oxy_rc oxy__datetime_of(const oxy__job *j, int64_t *micros);
oxy_rc oxy__date_of(const oxy__job *j, int64_t *days);
oxy_rc oxy__time_of(const oxy__job *j, int64_t *micros);

oxy_rc oxy__store_int(const oxy__job *j);
oxy_rc oxy__store_bool(const oxy__job *j);
oxy_rc oxy__store_timedelta(const oxy__job *j);
oxy_rc oxy__store_double(const oxy__job *j);
oxy_rc oxy__store_text(const oxy__job *j);
oxy_rc oxy__store_uuid(const oxy__job *j);
oxy_rc oxy__store_inet(const oxy__job *j);
oxy_rc oxy__store_blob(const oxy__job *j);
oxy_rc oxy__store_json(const oxy__job *j);
oxy_rc oxy__store_array(const oxy__job *j);

#endif
