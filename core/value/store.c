/* SPDX-License-Identifier: MIT */
/* store: values as columns store them, as far as SQLite and MySQL agree.
 *
 * One function per kind of column looks at the value's tag. What the column
 * cannot hold exactly is refused here: the databases would round or take it. */
#include "store.h"

#include <math.h>
#include <string.h>

/* The databases' own ceiling for one string, or above it. */
#define TEXT_LIMIT 1000000000

static const char *const tag_words[] = {
    [OXY_V_NULL] = "NULL",           [OXY_V_BOOL] = "boolean",      [OXY_V_INT] = "integer",
    [OXY_V_UINT] = "integer",        [OXY_V_DOUBLE] = "float",      [OXY_V_TEXT] = "text",
    [OXY_V_BLOB] = "bytes",          [OXY_V_DATETIME] = "datetime", [OXY_V_DATETIME_UTC] = "datetime",
    [OXY_V_DATE] = "date",           [OXY_V_TIME] = "time",         [OXY_V_TIMETZ] = "time with a time zone",
    [OXY_V_TIMEDELTA] = "timedelta", [OXY_V_UUID] = "UUID",         [OXY_V_DECIMAL] = "decimal",
    [OXY_V_JSON] = "JSON",           [OXY_V_INET] = "IP address",   [OXY_V_ARRAY] = "list",
    [OXY_V_WIRE] = "encoded value",
};

_Static_assert(OXY_COUNT(tag_words) == OXY_V_COUNT, "one word per tag");

const char *oxy__tag_word(uint8_t tag)
{
    return tag < OXY_V_COUNT ? tag_words[tag] : "value";
}

/* --- failing ------------------------------------------------------------------------ */

__attribute__((noinline, cold)) oxy_rc oxy__refuse(const oxy__job *j, const char *reason)
{
    return oxy_err_set(j->err, OXY_DATA, "cannot store this %s as %s%s%s", oxy__tag_word(j->in->tag),
                       oxy_kind_name(j->as->kind), reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
}

static __attribute__((noinline, cold)) oxy_rc no_memory(const oxy__job *j)
{
    return oxy_err_set(j->err, OXY_NOMEM, "out of memory while encoding a value");
}

/* --- results ------------------------------------------------------------------------- */

oxy_rc oxy__put_int(const oxy__job *j, int64_t i)
{
    *j->out = (oxy_value){.tag = OXY_V_INT, .i = i};
    return OXY_OK;
}

static const char *double_misfit(const oxy__job *j, double d)
{
    return isnan(d) ? j->rules->no_nan : isinf(d) ? j->rules->no_inf : NULL;
}

oxy_rc oxy__put_double(const oxy__job *j, double d)
{
    const char *misfit = double_misfit(j, d);

    if (misfit != NULL)
        return oxy__refuse(j, misfit);
    *j->out = (oxy_value){.tag = OXY_V_DOUBLE, .d = d};
    return OXY_OK;
}

/* Text that already lives as long as the value. */
oxy_rc oxy__put_borrowed(const oxy__job *j, oxy_tag tag, oxy_sv text)
{
    *j->out = (oxy_value){.tag = (uint8_t)tag, .s = text};
    return OXY_OK;
}

oxy_rc oxy__put_text(const oxy__job *j, const char *text, size_t len)
{
    const char *copy = oxy_arena_copy(j->scratch, text, len);

    return copy == NULL ? no_memory(j) : oxy__put_borrowed(j, OXY_V_TEXT, (oxy_sv){copy, len});
}

/* --- numbers ------------------------------------------------------------------------- */

size_t oxy__integer_text(char text[OXY_TEXT_MAX], const oxy_value *v)
{
    if (v->tag == OXY_V_UINT)
        return oxy__int_format(text, false, v->u);
    return oxy__int_format(text, v->i < 0, v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i);
}

/* A decimal number as a signed integer of 64 bits. */
static oxy_rc decimal_to_int(const oxy__job *j, oxy_sv text, int64_t *out)
{
    oxy__decimal d;
    uint64_t magnitude;

    if (!oxy__decimal_read(text, &d))
        return oxy__refuse(j, "it is not a number");
    if (d.class != OXY__FINITE || (d.n != 0 && d.last < 0))
        return oxy__refuse(j, "it is not a whole number");
    if (!oxy__decimal_to_int(&d, &magnitude) || magnitude > (uint64_t)INT64_MAX + (d.negative ? 1 : 0))
        return oxy__refuse(j, "it does not fit 64 bits");
    *out = d.negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return OXY_OK;
}

static oxy_rc as_whole(const oxy__job *j, int64_t *out)
{
    const oxy_value *v = j->in;

    switch ((oxy_tag)v->tag) {
    case OXY_V_BOOL:
    case OXY_V_INT: *out = v->i; return OXY_OK;
    case OXY_V_UINT:
        if (v->u > INT64_MAX)
            return oxy__refuse(j, "it does not fit 64 bits");
        *out = (int64_t)v->u;
        return OXY_OK;
    case OXY_V_DOUBLE:
        if (v->d != floor(v->d) || !isfinite(v->d))
            return oxy__refuse(j, "it is not a whole number");
        if (v->d < -0x1p63 || v->d >= 0x1p63)
            return oxy__refuse(j, "it does not fit 64 bits");
        *out = (int64_t)v->d;
        return OXY_OK;
    case OXY_V_TEXT:
    case OXY_V_DECIMAL: return decimal_to_int(j, v->s, out);
    default: return oxy__refuse(j, NULL);
    }
}

oxy_rc oxy__store_int(const oxy__job *j)
{
    int64_t i = 0;
    oxy_rc rc;

    if (j->in->tag == OXY_V_TIMEDELTA)
        return oxy__put_int(j, j->in->i);
    rc = as_whole(j, &i);
    return rc == OXY_OK ? oxy__put_int(j, i) : rc;
}

oxy_rc oxy__store_bool(const oxy__job *j)
{
    int64_t i = 0;
    oxy_rc rc = as_whole(j, &i);

    if (rc == OXY_OK && i != 0 && i != 1)
        return oxy__refuse(j, "it is neither 0 nor 1");
    return rc == OXY_OK ? oxy__put_int(j, i) : rc;
}

oxy_rc oxy__store_timedelta(const oxy__job *j)
{
    int64_t i = 0;
    oxy_rc rc;

    if (j->in->tag == OXY_V_TIMEDELTA)
        return oxy__put_int(j, j->in->i);
    if (j->in->tag == OXY_V_BOOL)
        return oxy__refuse(j, NULL);
    rc = as_whole(j, &i);
    return rc == OXY_OK ? oxy__put_int(j, i) : rc;
}

oxy_rc oxy__store_double(const oxy__job *j)
{
    const oxy_value *v = j->in;
    oxy__decimal d;
    double value;

    switch ((oxy_tag)v->tag) {
    case OXY_V_DOUBLE: return oxy__put_double(j, v->d);
    case OXY_V_BOOL: return oxy__put_double(j, (double)v->i);
    case OXY_V_INT:
        value = (double)v->i;
        if (value == 0x1p63 || (int64_t)value != v->i)
            return oxy__refuse(j, "a float cannot hold it exactly");
        return oxy__put_double(j, value);
    case OXY_V_UINT:
        value = (double)v->u;
        if (value == 0x1p64 || (uint64_t)value != v->u)
            return oxy__refuse(j, "a float cannot hold it exactly");
        return oxy__put_double(j, value);
    case OXY_V_TEXT:
    case OXY_V_DECIMAL:
        if (!oxy__decimal_read(v->s, &d))
            return oxy__refuse(j, "it is not a number");
        if (d.class == OXY__NAN)
            return oxy__refuse(j, j->rules->no_nan);
        if (!oxy__decimal_to_double(&d, &value))
            return oxy__refuse(j, "a float cannot hold it exactly");
        return oxy__put_double(j, value);
    default: return oxy__refuse(j, NULL);
    }
}

/* Whether the number fits the declared precision and scale. Trailing zeros do
 * not count: 1.50 fits a scale of 1. NULL if it does. */
const char *oxy__decimal_misfit(const oxy__job *j, oxy_sv text, const oxy_type *as)
{
    bool limited = as->has_scale || as->size != 0;
    int64_t scale = as->has_scale ? as->scale : 0;
    oxy__decimal d;

    if (!oxy__decimal_read(text, &d))
        return "it is not a number";
    if (d.class == OXY__NAN)
        return j->rules->no_nan;
    if (d.class == OXY__INFINITE)
        return j->rules->no_inf;
    if (d.n == 0 || !limited)
        return NULL;
    if (d.last < -scale)
        return "it has more fraction digits than the column";
    if (as->size != 0 && d.first >= (int64_t)as->size - scale)
        return "it has more digits than the column";
    return NULL;
}

oxy_rc oxy__decimal_text(const oxy__job *j, char room[OXY_TEXT_MAX], oxy_sv *out)
{
    const oxy_value *v = j->in;

    *out = (oxy_sv){room, 0};
    switch ((oxy_tag)v->tag) {
    case OXY_V_DECIMAL:
    case OXY_V_TEXT: *out = v->s; return OXY_OK;
    case OXY_V_INT:
    case OXY_V_UINT: out->len = oxy__integer_text(room, v); return OXY_OK;
    case OXY_V_DOUBLE: out->len = oxy_double_format(room, v->d); return OXY_OK;
    default: return oxy__refuse(j, NULL);
    }
}

/* --- dates and times -------------------------------------------------------------------- */

oxy_rc oxy__put_datetime(const oxy__job *j, int64_t micros, const char *suffix)
{
    char text[OXY_TEXT_MAX];
    size_t len, more = strlen(suffix);

    if (micros < OXY_DATETIME_MIN || micros > OXY_DATETIME_MAX)
        return oxy__refuse(j, "in UTC it is outside the years 1 to 9999");
    len = oxy_datetime_format(text, micros, ' ');
    memcpy(text + len, suffix, more + 1);
    return oxy__put_text(j, text, len + more);
}

oxy_rc oxy__put_date(const oxy__job *j, int64_t days)
{
    char text[OXY_TEXT_MAX];

    if (days < OXY__DAYS_MIN || days > OXY__DAYS_MAX)
        return oxy__refuse(j, "it is outside the years 1 to 9999");
    return oxy__put_text(j, text, oxy_date_format(text, days));
}

oxy_rc oxy__put_time(const oxy__job *j, int64_t micros)
{
    char text[OXY_TEXT_MAX];
    size_t len;

    if (micros < 0 || micros >= OXY__MICROS_PER_DAY)
        return oxy__refuse(j, "it is outside one day");
    len = oxy_time_format(text, micros);
    if (j->in->tag == OXY_V_TIMETZ)
        len = oxy__offset_format(text, len, j->in->tz);
    return oxy__put_text(j, text, len);
}

/* Zone-less and zone-aware columns hold the same: an aware value is in UTC
 * already, a naive one is taken as UTC. */
oxy_rc oxy__datetime_of(const oxy__job *j, int64_t *micros)
{
    const oxy_value *v = j->in;
    bool has_tz;

    switch ((oxy_tag)v->tag) {
    case OXY_V_DATETIME:
    case OXY_V_DATETIME_UTC: *micros = v->i; return OXY_OK;
    case OXY_V_DATE:
        if (v->i < OXY__DAYS_MIN || v->i > OXY__DAYS_MAX)
            return oxy__refuse(j, "it is outside the years 1 to 9999");
        *micros = v->i * OXY__MICROS_PER_DAY;
        return OXY_OK;
    case OXY_V_TEXT:
        return oxy_datetime_parse(v->s.p, v->s.len, micros, &has_tz) ? OXY_OK
                                                                     : oxy__refuse(j, "it is not a date and time");
    default: return oxy__refuse(j, NULL);
    }
}

oxy_rc oxy__date_of(const oxy__job *j, int64_t *days)
{
    const oxy_value *v = j->in;

    switch ((oxy_tag)v->tag) {
    case OXY_V_DATE: *days = v->i; return OXY_OK;
    case OXY_V_DATETIME:
        if (v->i % OXY__MICROS_PER_DAY != 0)
            return oxy__refuse(j, "it has a time of day");
        *days = v->i / OXY__MICROS_PER_DAY;
        return OXY_OK;
    case OXY_V_TEXT: return oxy_date_parse(v->s.p, v->s.len, days) ? OXY_OK : oxy__refuse(j, "it is not a date");
    default: return oxy__refuse(j, NULL);
    }
}

oxy_rc oxy__time_of(const oxy__job *j, int64_t *micros)
{
    const oxy_value *v = j->in;
    int32_t tz;
    bool has_tz;

    switch ((oxy_tag)v->tag) {
    case OXY_V_TIME: *micros = v->i; break;
    case OXY_V_TIMETZ: return oxy__refuse(j, "only a PostgreSQL TIMETZ column keeps the zone");
    case OXY_V_TEXT:
        if (!oxy_time_parse(v->s.p, v->s.len, micros, &has_tz, &tz) || has_tz)
            return oxy__refuse(j, "it is not a time without a zone");
        break;
    default: return oxy__refuse(j, NULL);
    }
    return *micros < 0 || *micros >= OXY__MICROS_PER_DAY ? oxy__refuse(j, "it is outside one day") : OXY_OK;
}

/* --- the rest ------------------------------------------------------------------------------ */

oxy_rc oxy__put_uuid(const oxy__job *j, const uint8_t uuid[16])
{
    char text[OXY_TEXT_MAX];

    return oxy__put_text(j, text, oxy_uuid_format(text, uuid));
}

oxy_rc oxy__store_uuid(const oxy__job *j)
{
    uint8_t uuid[16];

    if (j->in->tag == OXY_V_UUID)
        return oxy__put_uuid(j, j->in->uuid);
    if (j->in->tag != OXY_V_TEXT)
        return oxy__refuse(j, NULL);
    if (!oxy_uuid_parse(j->in->s.p, j->in->s.len, uuid))
        return oxy__refuse(j, "it is not a UUID");
    return oxy__put_uuid(j, uuid);
}

oxy_rc oxy__store_inet(const oxy__job *j)
{
    if (j->in->tag != OXY_V_INET && j->in->tag != OXY_V_TEXT)
        return oxy__refuse(j, NULL);
    if (!oxy__inet_valid(j->in->s))
        return oxy__refuse(j, "it is not an IP address");
    return oxy__put_borrowed(j, OXY_V_TEXT, j->in->s);
}

oxy_rc oxy__store_blob(const oxy__job *j)
{
    const char *copy;

    switch ((oxy_tag)j->in->tag) {
    case OXY_V_BLOB:
    case OXY_V_TEXT: return oxy__put_borrowed(j, OXY_V_BLOB, j->in->s);
    case OXY_V_UUID:
        copy = oxy_arena_copy(j->scratch, (const char *)j->in->uuid, sizeof j->in->uuid);
        return copy == NULL ? no_memory(j) : oxy__put_borrowed(j, OXY_V_BLOB, (oxy_sv){copy, sizeof j->in->uuid});
    default: return oxy__refuse(j, NULL);
    }
}

/* What keeps a list from being stored; NULL if nothing does. */
static const char *element_misfit(const oxy__job *j, const oxy_value *v, int depth)
{
    const char *misfit = NULL;
    const oxy_type *as = j->as;
    oxy__decimal d;
    size_t i;

    switch ((oxy_tag)v->tag) {
    case OXY_V_ARRAY:
        if (depth >= OXY__JSON_DEPTH)
            return "it is nested too deep";
        for (i = 0; i < v->array->n && misfit == NULL; i++)
            misfit = element_misfit(j, &v->array->items[i], depth + 1);
        return misfit;
    case OXY_V_DOUBLE: return isfinite(v->d) ? NULL : "JSON has no NaN and no infinity";
    case OXY_V_UINT: return as->kind == OXY_K_ARRAY && as->elem == OXY_K_INT ? "it does not fit 64 bits" : NULL;
    case OXY_V_DECIMAL:
        if (oxy__decimal_read(v->s, &d) && d.class != OXY__FINITE)
            return "JSON has no NaN and no infinity";
        return as->kind == OXY_K_ARRAY && as->elem == OXY_K_DECIMAL ? oxy__decimal_misfit(j, v->s, as) : NULL;
    case OXY_V_DATETIME:
    case OXY_V_DATETIME_UTC:
        return v->i < OXY_DATETIME_MIN || v->i > OXY_DATETIME_MAX ? "in UTC it is outside the years 1 to 9999" : NULL;
    case OXY_V_DATE: return v->i < OXY__DAYS_MIN || v->i > OXY__DAYS_MAX ? "it is outside the years 1 to 9999" : NULL;
    case OXY_V_TIMETZ: return "only a PostgreSQL TIMETZ column keeps the zone";
    default: return NULL;
    }
}

/* Where the number at p ends; whether it is an integer that 64 bits, signed or
 * not, do not hold. The text is JSON already. */
static const char *skip_number(const char *p, const char *end, bool *too_long)
{
    bool negative = *p == '-';
    const char *start = p += negative;
    oxy__decimal d;
    uint64_t magnitude;

    while (p < end && *p >= '0' && *p <= '9')
        p++;
    *too_long = false;
    if (p == end || (*p != '.' && *p != 'e' && *p != 'E'))
        *too_long = p - start > 18 && oxy__decimal_read((oxy_sv){start, (size_t)(p - start)}, &d) &&
                    (!oxy__decimal_to_int(&d, &magnitude) || (negative && magnitude > UINT64_C(1) << 63));
    while (p < end && *p != ',' && *p != ']' && *p != '}')
        p++;
    return p;
}

/* NULL, or why the database would store another document. */
static const char *json_misfit(const oxy__job *j, oxy_sv text)
{
    const char *p = text.p, *end = p + text.len;
    bool too_long;

    if (!j->rules->json_rounds || text.len == 0)
        return NULL;
    while (p < end) {
        if (*p == '"') {
            for (p++; p < end && *p != '"'; p++)
                p += *p == '\\' && p + 1 < end;
            p += p < end;
        } else if (*p == '-' || (*p >= '0' && *p <= '9')) {
            p = skip_number(p, end, &too_long);
            if (too_long)
                return "an integer in it is beyond 64 bits";
        } else {
            p++;
        }
    }
    return NULL;
}

static oxy_rc put_json(const oxy__job *j, oxy_sv text)
{
    const char *misfit = json_misfit(j, text);

    return misfit != NULL ? oxy__refuse(j, misfit) : oxy__put_borrowed(j, OXY_V_TEXT, text);
}

/* Any value as JSON text. */
oxy_rc oxy__store_json(const oxy__job *j)
{
    const char *misfit;
    oxy_buf text;
    oxy_rc rc;

    if (j->in->tag == OXY_V_JSON)
        return put_json(j, j->in->s);
    misfit = element_misfit(j, j->in, 0);
    if (misfit != NULL)
        return oxy__refuse(j, misfit);
    oxy_buf_init(&text, j->scratch->alloc, TEXT_LIMIT);
    oxy__json_write(&text, j->in, j->as->kind == OXY_K_ARRAY ? j->as->elem : OXY_K_UNKNOWN);
    misfit = text.rc == OXY_OK ? json_misfit(j, (oxy_sv){text.p, text.len}) : NULL;
    if (misfit != NULL)
        rc = oxy__refuse(j, misfit);
    else if (text.rc == OXY_OK)
        rc = oxy__put_text(j, text.p, text.len);
    else
        rc = text.rc == OXY_NOMEM ? no_memory(j) : oxy__refuse(j, "it is too long");
    oxy_buf_fini(&text);
    return rc;
}

oxy_rc oxy__store_array(const oxy__job *j)
{
    if (j->in->tag != OXY_V_ARRAY && j->in->tag != OXY_V_JSON)
        return oxy__refuse(j, NULL);
    return oxy__store_json(j);
}

/* Text columns take every value that has a text form, so that the annotation
 * may be of another type than the column. A zone is kept by writing it. */
oxy_rc oxy__store_text(const oxy__job *j)
{
    const oxy_value *v = j->in;
    char text[OXY_TEXT_MAX];
    const char *misfit;

    switch ((oxy_tag)v->tag) {
    case OXY_V_TEXT:
    case OXY_V_JSON:
    case OXY_V_INET: return oxy__put_borrowed(j, OXY_V_TEXT, v->s);
    case OXY_V_DECIMAL:
        misfit = oxy__decimal_misfit(j, v->s, &(oxy_type){.kind = OXY_K_DECIMAL});
        return misfit != NULL ? oxy__refuse(j, misfit) : oxy__put_borrowed(j, OXY_V_TEXT, v->s);
    case OXY_V_BOOL:
    case OXY_V_INT:
    case OXY_V_UINT:
    case OXY_V_TIMEDELTA: return oxy__put_text(j, text, oxy__integer_text(text, v));
    case OXY_V_DOUBLE:
        misfit = double_misfit(j, v->d);
        return misfit != NULL ? oxy__refuse(j, misfit) : oxy__put_text(j, text, oxy_double_format(text, v->d));
    case OXY_V_DATETIME: return oxy__put_datetime(j, v->i, "");
    case OXY_V_DATETIME_UTC: return oxy__put_datetime(j, v->i, "+00:00");
    case OXY_V_DATE: return oxy__put_date(j, v->i);
    case OXY_V_TIME:
    case OXY_V_TIMETZ: return oxy__put_time(j, v->i);
    case OXY_V_UUID: return oxy__put_uuid(j, v->uuid);
    case OXY_V_ARRAY: return oxy__store_json(j);
    case OXY_V_NULL:
    case OXY_V_BLOB:
    case OXY_V_WIRE:
    case OXY_V_COUNT: break;
    }
    return oxy__refuse(j, NULL);
}

oxy_rc oxy__store(const oxy_value *in, const oxy_type *as, oxy_arena *scratch, oxy_value *out, oxy_err *err,
                  const oxy__store_rules *rules, const oxy__store_fn encoders[OXY_K_COUNT])
{
    oxy_value value = *in; /* out may be in itself */
    oxy__job j = {.in = &value, .as = as, .scratch = scratch, .out = out, .err = err, .rules = rules};

    if (value.tag == OXY_V_NULL) {
        *out = (oxy_value){.tag = OXY_V_NULL};
        return OXY_OK;
    }
    if ((unsigned)as->kind >= OXY_K_COUNT || value.tag >= OXY_V_COUNT)
        return oxy_err_set(err, OXY_INTERNAL, "a value of unknown type reached the %s codec", rules->codec);
    return encoders[as->kind](&j);
}
