/* SPDX-License-Identifier: MIT */
/* sqlite_encode: typed values as SQLite stores a column of a given kind. Dates
 * and times are text; what SQLite cannot store exactly is refused, as it would
 * take anything itself. */
#include "sqlite.h"
#include "store.h"

static oxy_rc store_datetime(const oxy__job *j)
{
    int64_t micros = 0;
    oxy_rc rc = oxy__datetime_of(j, &micros);

    return rc == OXY_OK ? oxy__put_datetime(j, micros, "") : rc;
}

static oxy_rc store_date(const oxy__job *j)
{
    int64_t days = 0;
    oxy_rc rc = oxy__date_of(j, &days);

    return rc == OXY_OK ? oxy__put_date(j, days) : rc;
}

static oxy_rc store_time(const oxy__job *j)
{
    int64_t micros = 0;
    oxy_rc rc = oxy__time_of(j, &micros);

    return rc == OXY_OK ? oxy__put_time(j, micros) : rc;
}

static oxy_rc store_decimal(const oxy__job *j)
{
    char room[OXY_TEXT_MAX];
    const char *misfit;
    oxy_sv number = {room, 0};
    oxy_rc rc = oxy__decimal_text(j, room, &number);

    if (rc != OXY_OK)
        return rc;
    misfit = oxy__decimal_misfit(j, number, j->as);
    if (misfit != NULL)
        return oxy__refuse(j, misfit);
    return number.p == room ? oxy__put_text(j, room, number.len) : oxy__put_borrowed(j, OXY_V_TEXT, number);
}

/* No column to go by (a parameter of raw SQL, a literal): the form in which a
 * column of the value's own type would store it. */
static oxy_rc store_plain(const oxy__job *j)
{
    switch ((oxy_tag)j->in->tag) {
    case OXY_V_BOOL:
    case OXY_V_INT:
    case OXY_V_UINT:
    case OXY_V_TIMEDELTA: return oxy__store_int(j);
    case OXY_V_DOUBLE: return oxy__put_double(j, j->in->d);
    case OXY_V_BLOB: return oxy__put_borrowed(j, OXY_V_BLOB, j->in->s);
    case OXY_V_DATETIME:
    case OXY_V_DATETIME_UTC: return oxy__put_datetime(j, j->in->i, "");
    default: return oxy__store_text(j);
    }
}

static const oxy__store_fn encoders[OXY_K_COUNT] = {
    [OXY_K_UNKNOWN] = store_plain,
    [OXY_K_BOOL] = oxy__store_bool,
    [OXY_K_INT] = oxy__store_int,
    [OXY_K_DOUBLE] = oxy__store_double,
    [OXY_K_STRING] = oxy__store_text,
    [OXY_K_TEXT] = oxy__store_text,
    [OXY_K_BLOB] = oxy__store_blob,
    [OXY_K_DATETIME] = store_datetime,
    [OXY_K_DATETIME_UTC] = store_datetime,
    [OXY_K_DATE] = store_date,
    [OXY_K_TIME] = store_time,
    [OXY_K_TIMEDELTA] = oxy__store_timedelta,
    [OXY_K_INTERVAL] = oxy__store_timedelta,
    [OXY_K_UUID] = oxy__store_uuid,
    [OXY_K_DECIMAL] = store_decimal,
    [OXY_K_ENUM] = oxy__store_text,
    [OXY_K_INET] = oxy__store_inet,
    [OXY_K_CIDR] = oxy__store_inet,
    [OXY_K_ARRAY] = oxy__store_array,
    [OXY_K_JSON] = oxy__store_json,
    [OXY_K_JSONB] = oxy__store_json,
};

oxy_rc oxy__sqlite_encode(const oxy_value *in, const oxy_type *as, oxy_arena *scratch, oxy_value *out, oxy_err *err)
{
    static const oxy__store_rules rules = {.codec = "SQLite", .no_nan = "SQLite cannot store NaN"};

    return oxy__store(in, as, scratch, out, err, &rules, encoders);
}
