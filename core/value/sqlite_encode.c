/* SPDX-License-Identifier: MIT */
/* sqlite_encode: typed values as SQLite stores a column of a given kind.
 *
 * One function per kind of column looks at the value's tag. What it cannot
 * store exactly it refuses: SQLite itself would take anything. */
#include "sqlite.h"

#include <math.h>
#include <string.h>

/* SQLite's own default ceiling for one string. */
#define TEXT_LIMIT 1000000000

static const char *const tag_words[] = {
    [OXY_V_NULL] = "NULL",           [OXY_V_BOOL] = "boolean",      [OXY_V_INT] = "integer",
    [OXY_V_UINT] = "integer",        [OXY_V_DOUBLE] = "float",      [OXY_V_TEXT] = "text",
    [OXY_V_BLOB] = "bytes",          [OXY_V_DATETIME] = "datetime", [OXY_V_DATETIME_UTC] = "datetime",
    [OXY_V_DATE] = "date",           [OXY_V_TIME] = "time",         [OXY_V_TIMETZ] = "time with a time zone",
    [OXY_V_TIMEDELTA] = "timedelta", [OXY_V_UUID] = "UUID",         [OXY_V_DECIMAL] = "decimal",
    [OXY_V_JSON] = "JSON",           [OXY_V_INET] = "IP address",   [OXY_V_ARRAY] = "list",
};

_Static_assert(OXY_COUNT(tag_words) == OXY_V_COUNT, "one word per tag");

/* One value on its way: what every step below needs. */
struct job {
    const oxy_value *in;
    const oxy_type *as;
    oxy_arena *scratch;
    oxy_value *out;
    oxy_err *err;
};

/* --- failing ------------------------------------------------------------------------ */

static __attribute__((noinline, cold)) oxy_rc refuse(const struct job *j, const char *reason)
{
    const char *word = j->in->tag < OXY_V_COUNT ? tag_words[j->in->tag] : "value";

    return oxy_err_set(j->err, OXY_DATA, "cannot store this %s as %s%s%s", word, oxy_kind_name(j->as->kind),
                       reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
}

static __attribute__((noinline, cold)) oxy_rc no_memory(const struct job *j)
{
    return oxy_err_set(j->err, OXY_NOMEM, "out of memory while encoding a value");
}

/* --- results ------------------------------------------------------------------------- */

static oxy_rc put_int(const struct job *j, int64_t i)
{
    *j->out = (oxy_value){.tag = OXY_V_INT, .i = i};
    return OXY_OK;
}

static oxy_rc put_double(const struct job *j, double d)
{
    if (isnan(d))
        return refuse(j, "SQLite cannot store NaN");
    *j->out = (oxy_value){.tag = OXY_V_DOUBLE, .d = d};
    return OXY_OK;
}

/* Text that already lives as long as the value. */
static oxy_rc put_borrowed(const struct job *j, oxy_tag tag, oxy_sv text)
{
    *j->out = (oxy_value){.tag = (uint8_t)tag, .s = text};
    return OXY_OK;
}

static oxy_rc put_text(const struct job *j, const char *text, size_t len)
{
    const char *copy = oxy_arena_copy(j->scratch, text, len);

    return copy == NULL ? no_memory(j) : put_borrowed(j, OXY_V_TEXT, (oxy_sv){copy, len});
}

/* --- numbers ------------------------------------------------------------------------- */

static size_t integer_text(char text[OXY_TEXT_MAX], const oxy_value *v)
{
    if (v->tag == OXY_V_UINT)
        return oxy__int_format(text, false, v->u);
    return oxy__int_format(text, v->i < 0, v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i);
}

/* A decimal number as a signed integer of 64 bits. */
static oxy_rc decimal_to_int(const struct job *j, oxy_sv text, int64_t *out)
{
    oxy__decimal d;
    uint64_t magnitude;

    if (!oxy__decimal_read(text, &d))
        return refuse(j, "it is not a number");
    if (d.class != OXY__FINITE || (d.n != 0 && d.last < 0))
        return refuse(j, "it is not a whole number");
    if (!oxy__decimal_to_int(&d, &magnitude) || magnitude > (uint64_t)INT64_MAX + (d.negative ? 1 : 0))
        return refuse(j, "it does not fit 64 bits");
    *out = d.negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return OXY_OK;
}

static oxy_rc as_whole(const struct job *j, int64_t *out)
{
    const oxy_value *v = j->in;

    switch ((oxy_tag)v->tag) {
    case OXY_V_BOOL:
    case OXY_V_INT: *out = v->i; return OXY_OK;
    case OXY_V_UINT:
        if (v->u > INT64_MAX)
            return refuse(j, "it does not fit 64 bits");
        *out = (int64_t)v->u;
        return OXY_OK;
    case OXY_V_DOUBLE:
        if (v->d != floor(v->d) || !isfinite(v->d))
            return refuse(j, "it is not a whole number");
        if (v->d < -0x1p63 || v->d >= 0x1p63)
            return refuse(j, "it does not fit 64 bits");
        *out = (int64_t)v->d;
        return OXY_OK;
    case OXY_V_TEXT:
    case OXY_V_DECIMAL: return decimal_to_int(j, v->s, out);
    default: return refuse(j, NULL);
    }
}

static oxy_rc encode_int(const struct job *j)
{
    int64_t i = 0;
    oxy_rc rc;

    if (j->in->tag == OXY_V_TIMEDELTA)
        return put_int(j, j->in->i);
    rc = as_whole(j, &i);
    return rc == OXY_OK ? put_int(j, i) : rc;
}

static oxy_rc encode_bool(const struct job *j)
{
    int64_t i = 0;
    oxy_rc rc = as_whole(j, &i);

    if (rc == OXY_OK && i != 0 && i != 1)
        return refuse(j, "it is neither 0 nor 1");
    return rc == OXY_OK ? put_int(j, i) : rc;
}

static oxy_rc encode_timedelta(const struct job *j)
{
    int64_t i = 0;
    oxy_rc rc;

    if (j->in->tag == OXY_V_TIMEDELTA)
        return put_int(j, j->in->i);
    if (j->in->tag == OXY_V_BOOL)
        return refuse(j, NULL);
    rc = as_whole(j, &i);
    return rc == OXY_OK ? put_int(j, i) : rc;
}

static oxy_rc encode_double(const struct job *j)
{
    const oxy_value *v = j->in;
    oxy__decimal d;
    double value;

    switch ((oxy_tag)v->tag) {
    case OXY_V_DOUBLE: return put_double(j, v->d);
    case OXY_V_BOOL: return put_double(j, (double)v->i);
    case OXY_V_INT:
        value = (double)v->i;
        if (value == 0x1p63 || (int64_t)value != v->i)
            return refuse(j, "a float cannot hold it exactly");
        return put_double(j, value);
    case OXY_V_UINT:
        value = (double)v->u;
        if (value == 0x1p64 || (uint64_t)value != v->u)
            return refuse(j, "a float cannot hold it exactly");
        return put_double(j, value);
    case OXY_V_TEXT:
    case OXY_V_DECIMAL:
        if (!oxy__decimal_read(v->s, &d))
            return refuse(j, "it is not a number");
        if (d.class == OXY__NAN)
            return refuse(j, "SQLite cannot store NaN");
        if (!oxy__decimal_to_double(&d, &value))
            return refuse(j, "a float cannot hold it exactly");
        return put_double(j, value);
    default: return refuse(j, NULL);
    }
}

/* Whether the number fits the declared precision and scale. Trailing zeros do
 * not count: 1.50 fits a scale of 1. NULL if it does. */
static const char *decimal_misfit(oxy_sv text, const oxy_type *as)
{
    bool limited = as->has_scale || as->size != 0;
    int64_t scale = as->has_scale ? as->scale : 0;
    oxy__decimal d;

    if (!oxy__decimal_read(text, &d))
        return "it is not a number";
    if (d.class == OXY__NAN)
        return "SQLite cannot store NaN";
    if (d.class == OXY__INFINITE || d.n == 0 || !limited)
        return NULL;
    if (d.last < -scale)
        return "it has more fraction digits than the column";
    if (as->size != 0 && d.first >= (int64_t)as->size - scale)
        return "it has more digits than the column";
    return NULL;
}

static oxy_rc encode_decimal(const struct job *j)
{
    const oxy_value *v = j->in;
    char text[OXY_TEXT_MAX];
    oxy_sv number = {text, 0};
    const char *misfit;

    switch ((oxy_tag)v->tag) {
    case OXY_V_DECIMAL:
    case OXY_V_TEXT: number = v->s; break;
    case OXY_V_INT:
    case OXY_V_UINT: number.len = integer_text(text, v); break;
    case OXY_V_DOUBLE: number.len = oxy_double_format(text, v->d); break;
    default: return refuse(j, NULL);
    }
    misfit = decimal_misfit(number, j->as);
    if (misfit != NULL)
        return refuse(j, misfit);
    return number.p == text ? put_text(j, text, number.len) : put_borrowed(j, OXY_V_TEXT, number);
}

/* --- dates and times -------------------------------------------------------------------- */

static oxy_rc put_datetime(const struct job *j, int64_t micros, const char *suffix)
{
    char text[OXY_TEXT_MAX];
    size_t len, more = strlen(suffix);

    if (micros < OXY_DATETIME_MIN || micros > OXY_DATETIME_MAX)
        return refuse(j, "in UTC it is outside the years 1 to 9999");
    len = oxy_datetime_format(text, micros, ' ');
    memcpy(text + len, suffix, more + 1);
    return put_text(j, text, len + more);
}

static oxy_rc put_date(const struct job *j, int64_t days)
{
    char text[OXY_TEXT_MAX];

    if (days < OXY__DAYS_MIN || days > OXY__DAYS_MAX)
        return refuse(j, "it is outside the years 1 to 9999");
    return put_text(j, text, oxy_date_format(text, days));
}

static oxy_rc put_time(const struct job *j, int64_t micros)
{
    char text[OXY_TEXT_MAX];
    size_t len;

    if (micros < 0 || micros >= OXY__MICROS_PER_DAY)
        return refuse(j, "it is outside one day");
    len = oxy_time_format(text, micros);
    if (j->in->tag == OXY_V_TIMETZ)
        len = oxy__offset_format(text, len, j->in->tz);
    return put_text(j, text, len);
}

/* Zone-less and zone-aware columns hold the same text: an aware value is in UTC
 * already, a naive one is taken as UTC. */
static oxy_rc encode_datetime(const struct job *j)
{
    const oxy_value *v = j->in;
    int64_t micros;
    bool has_tz;

    switch ((oxy_tag)v->tag) {
    case OXY_V_DATETIME:
    case OXY_V_DATETIME_UTC: return put_datetime(j, v->i, "");
    case OXY_V_DATE:
        if (v->i < OXY__DAYS_MIN || v->i > OXY__DAYS_MAX)
            return refuse(j, "it is outside the years 1 to 9999");
        return put_datetime(j, v->i * OXY__MICROS_PER_DAY, "");
    case OXY_V_TEXT:
        if (!oxy_datetime_parse(v->s.p, v->s.len, &micros, &has_tz))
            return refuse(j, "it is not a date and time");
        return put_datetime(j, micros, "");
    default: return refuse(j, NULL);
    }
}

static oxy_rc encode_date(const struct job *j)
{
    const oxy_value *v = j->in;
    int64_t days;

    switch ((oxy_tag)v->tag) {
    case OXY_V_DATE: return put_date(j, v->i);
    case OXY_V_DATETIME:
        if (v->i % OXY__MICROS_PER_DAY != 0)
            return refuse(j, "it has a time of day");
        return put_date(j, v->i / OXY__MICROS_PER_DAY);
    case OXY_V_TEXT:
        if (!oxy_date_parse(v->s.p, v->s.len, &days))
            return refuse(j, "it is not a date");
        return put_date(j, days);
    default: return refuse(j, NULL);
    }
}

static oxy_rc encode_time(const struct job *j)
{
    const oxy_value *v = j->in;
    int64_t micros;
    int32_t tz;
    bool has_tz;

    switch ((oxy_tag)v->tag) {
    case OXY_V_TIME: return put_time(j, v->i);
    case OXY_V_TIMETZ: return refuse(j, "only a PostgreSQL TIMETZ column keeps the zone");
    case OXY_V_TEXT:
        if (!oxy_time_parse(v->s.p, v->s.len, &micros, &has_tz, &tz) || has_tz)
            return refuse(j, "it is not a time without a zone");
        return put_time(j, micros);
    default: return refuse(j, NULL);
    }
}

/* --- the rest ------------------------------------------------------------------------------ */

static oxy_rc put_uuid(const struct job *j, const uint8_t uuid[16])
{
    char text[OXY_TEXT_MAX];

    return put_text(j, text, oxy_uuid_format(text, uuid));
}

static oxy_rc encode_uuid(const struct job *j)
{
    uint8_t uuid[16];

    if (j->in->tag == OXY_V_UUID)
        return put_uuid(j, j->in->uuid);
    if (j->in->tag != OXY_V_TEXT)
        return refuse(j, NULL);
    if (!oxy_uuid_parse(j->in->s.p, j->in->s.len, uuid))
        return refuse(j, "it is not a UUID");
    return put_uuid(j, uuid);
}

static oxy_rc encode_inet(const struct job *j)
{
    if (j->in->tag != OXY_V_INET && j->in->tag != OXY_V_TEXT)
        return refuse(j, NULL);
    if (!oxy__inet_valid(j->in->s))
        return refuse(j, "it is not an IP address");
    return put_borrowed(j, OXY_V_TEXT, j->in->s);
}

static oxy_rc encode_blob(const struct job *j)
{
    const char *copy;

    switch ((oxy_tag)j->in->tag) {
    case OXY_V_BLOB:
    case OXY_V_TEXT: return put_borrowed(j, OXY_V_BLOB, j->in->s);
    case OXY_V_UUID:
        copy = oxy_arena_copy(j->scratch, (const char *)j->in->uuid, sizeof j->in->uuid);
        return copy == NULL ? no_memory(j) : put_borrowed(j, OXY_V_BLOB, (oxy_sv){copy, sizeof j->in->uuid});
    default: return refuse(j, NULL);
    }
}

/* What keeps a list from being stored; NULL if nothing does. */
static const char *element_misfit(const oxy_value *v, const oxy_type *as, int depth)
{
    const char *misfit = NULL;
    oxy__decimal d;
    size_t i;

    switch ((oxy_tag)v->tag) {
    case OXY_V_ARRAY:
        if (depth >= OXY__JSON_DEPTH)
            return "it is nested too deep";
        for (i = 0; i < v->array->n && misfit == NULL; i++)
            misfit = element_misfit(&v->array->items[i], as, depth + 1);
        return misfit;
    case OXY_V_DOUBLE: return isfinite(v->d) ? NULL : "JSON has no NaN and no infinity";
    case OXY_V_UINT: return as->kind == OXY_K_ARRAY && as->elem == OXY_K_INT ? "it does not fit 64 bits" : NULL;
    case OXY_V_DECIMAL:
        if (oxy__decimal_read(v->s, &d) && d.class != OXY__FINITE)
            return "JSON has no NaN and no infinity";
        return as->kind == OXY_K_ARRAY && as->elem == OXY_K_DECIMAL ? decimal_misfit(v->s, as) : NULL;
    case OXY_V_DATETIME:
    case OXY_V_DATETIME_UTC:
        return v->i < OXY_DATETIME_MIN || v->i > OXY_DATETIME_MAX ? "in UTC it is outside the years 1 to 9999" : NULL;
    case OXY_V_DATE: return v->i < OXY__DAYS_MIN || v->i > OXY__DAYS_MAX ? "it is outside the years 1 to 9999" : NULL;
    case OXY_V_TIMETZ: return "only a PostgreSQL TIMETZ column keeps the zone";
    default: return NULL;
    }
}

/* Any value as JSON text. */
static oxy_rc encode_json(const struct job *j)
{
    const char *misfit;
    oxy_buf text;
    oxy_rc rc;

    if (j->in->tag == OXY_V_JSON)
        return put_borrowed(j, OXY_V_TEXT, j->in->s);
    misfit = element_misfit(j->in, j->as, 0);
    if (misfit != NULL)
        return refuse(j, misfit);
    oxy_buf_init(&text, j->scratch->alloc, TEXT_LIMIT);
    oxy__json_write(&text, j->in, j->as->kind == OXY_K_ARRAY ? j->as->elem : OXY_K_UNKNOWN);
    if (text.rc == OXY_OK)
        rc = put_text(j, text.p, text.len);
    else
        rc = text.rc == OXY_NOMEM ? no_memory(j) : refuse(j, "it is too long");
    oxy_buf_fini(&text);
    return rc;
}

static oxy_rc encode_array(const struct job *j)
{
    if (j->in->tag != OXY_V_ARRAY && j->in->tag != OXY_V_JSON)
        return refuse(j, NULL);
    return encode_json(j);
}

/* Text columns take every value that has a text form, so that the annotation
 * may be of another type than the column. A zone is kept by writing it. */
static oxy_rc encode_text(const struct job *j)
{
    const oxy_value *v = j->in;
    char text[OXY_TEXT_MAX];

    switch ((oxy_tag)v->tag) {
    case OXY_V_TEXT:
    case OXY_V_JSON:
    case OXY_V_INET: return put_borrowed(j, OXY_V_TEXT, v->s);
    case OXY_V_DECIMAL:
        if (decimal_misfit(v->s, &(oxy_type){.kind = OXY_K_DECIMAL}) != NULL)
            return refuse(j, "SQLite cannot store NaN");
        return put_borrowed(j, OXY_V_TEXT, v->s);
    case OXY_V_BOOL:
    case OXY_V_INT:
    case OXY_V_UINT:
    case OXY_V_TIMEDELTA: return put_text(j, text, integer_text(text, v));
    case OXY_V_DOUBLE:
        if (isnan(v->d))
            return refuse(j, "SQLite cannot store NaN");
        return put_text(j, text, oxy_double_format(text, v->d));
    case OXY_V_DATETIME: return put_datetime(j, v->i, "");
    case OXY_V_DATETIME_UTC: return put_datetime(j, v->i, "+00:00");
    case OXY_V_DATE: return put_date(j, v->i);
    case OXY_V_TIME:
    case OXY_V_TIMETZ: return put_time(j, v->i);
    case OXY_V_UUID: return put_uuid(j, v->uuid);
    case OXY_V_ARRAY: return encode_json(j);
    case OXY_V_NULL:
    case OXY_V_BLOB:
    case OXY_V_COUNT: break;
    }
    return refuse(j, NULL);
}

/* No column to go by (a parameter of raw SQL, a literal): the form in which a
 * column of the value's own type would store it. */
static oxy_rc encode_plain(const struct job *j)
{
    switch ((oxy_tag)j->in->tag) {
    case OXY_V_BOOL:
    case OXY_V_INT:
    case OXY_V_UINT:
    case OXY_V_TIMEDELTA: return encode_int(j);
    case OXY_V_DOUBLE: return put_double(j, j->in->d);
    case OXY_V_BLOB: return put_borrowed(j, OXY_V_BLOB, j->in->s);
    case OXY_V_DATETIME:
    case OXY_V_DATETIME_UTC: return put_datetime(j, j->in->i, "");
    default: return encode_text(j);
    }
}

static oxy_rc (*const encoders[OXY_K_COUNT])(const struct job *j) = {
    [OXY_K_UNKNOWN] = encode_plain,      [OXY_K_BOOL] = encode_bool,         [OXY_K_INT] = encode_int,
    [OXY_K_DOUBLE] = encode_double,      [OXY_K_STRING] = encode_text,       [OXY_K_TEXT] = encode_text,
    [OXY_K_BLOB] = encode_blob,          [OXY_K_DATETIME] = encode_datetime, [OXY_K_DATETIME_UTC] = encode_datetime,
    [OXY_K_DATE] = encode_date,          [OXY_K_TIME] = encode_time,         [OXY_K_TIMEDELTA] = encode_timedelta,
    [OXY_K_INTERVAL] = encode_timedelta, [OXY_K_UUID] = encode_uuid,         [OXY_K_DECIMAL] = encode_decimal,
    [OXY_K_ENUM] = encode_text,          [OXY_K_INET] = encode_inet,         [OXY_K_CIDR] = encode_inet,
    [OXY_K_ARRAY] = encode_array,        [OXY_K_JSON] = encode_json,         [OXY_K_JSONB] = encode_json,
};

oxy_rc oxy__sqlite_encode(const oxy_value *in, const oxy_type *as, oxy_arena *scratch, oxy_value *out, oxy_err *err)
{
    oxy_value value = *in; /* out may be in itself */
    struct job j = {.in = &value, .as = as, .scratch = scratch, .out = out, .err = err};

    if (value.tag == OXY_V_NULL) {
        *out = (oxy_value){.tag = OXY_V_NULL};
        return OXY_OK;
    }
    if ((unsigned)as->kind >= OXY_K_COUNT || value.tag >= OXY_V_COUNT)
        return oxy_err_set(err, OXY_INTERNAL, "a value of unknown type reached the SQLite codec");
    return encoders[as->kind](&j);
}
