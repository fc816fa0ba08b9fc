/* SPDX-License-Identifier: MIT */
/* mysql_encode: typed values as MySQL and MariaDB store a column of a given
 * kind. Dates and times stay values, for the protocol has types for them; what
 * the server would round without a word is refused. */
#include "mysql.h"
#include "store.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <strings.h>

/* --- whole numbers ------------------------------------------------------------------ */

static bool is_unsigned(oxy_sv db_type)
{
    static const char word[] = "UNSIGNED";
    size_t i;

    for (i = 0; i + sizeof word - 1 <= db_type.len; i++) {
        if (strncasecmp(db_type.p + i, word, sizeof word - 1) == 0)
            return true;
    }
    return false;
}

static oxy_rc put_uint(const oxy__job *j, uint64_t u)
{
    *j->out = (oxy_value){.tag = OXY_V_UINT, .u = u};
    return OXY_OK;
}

static oxy_rc store_int(const oxy__job *j)
{
    if (j->in->tag != OXY_V_UINT || j->in->u <= INT64_MAX || !is_unsigned(j->as->db_type))
        return oxy__store_int(j);
    return put_uint(j, j->in->u);
}

/* --- floating point ------------------------------------------------------------------ */

/* FLOAT and FLOAT(1) to FLOAT(24) have four bytes; FLOAT(25) and up, FLOAT8 and
 * REAL have eight. */
static bool is_single(oxy_sv db_type)
{
    uint32_t bits = 0;
    size_t i;

    if (db_type.len < 5 || strncasecmp(db_type.p, "FLOAT", 5) != 0)
        return false;
    if (db_type.len == 5 || db_type.p[5] == ' ')
        return true;
    if (db_type.p[5] != '(')
        return db_type.p[5] == '4';
    for (i = 6; i < db_type.len && db_type.p[i] >= '0' && db_type.p[i] <= '9' && bits < 100; i++)
        bits = bits * 10 + (uint32_t)(db_type.p[i] - '0');
    return bits <= 24 || (i < db_type.len && db_type.p[i] == ',');
}

/* The server widens what a FLOAT column holds before it compares: 0.1 would not
 * be found there unless it went through four bytes too. */
static oxy_rc store_double(const oxy__job *j)
{
    oxy_rc rc = oxy__store_double(j);

    if (rc == OXY_OK && is_single(j->as->db_type) && fabs(j->out->d) <= (double)FLT_MAX)
        j->out->d = (double)(float)j->out->d;
    return rc;
}

/* --- decimals ----------------------------------------------------------------------- */

/* Ceilings of DECIMAL. */
#define DIGITS_MAX 65
#define SCALE_MAX 30

/* A column without declared sizes is DECIMAL(65,30), and the server cuts what
 * goes beyond with no more than a note. */
static const char *decimal_misfit(const oxy__job *j, oxy_sv number)
{
    const char *misfit = oxy__decimal_misfit(j, number, j->as);
    oxy__decimal d;

    if (misfit != NULL || !oxy__decimal_read(number, &d) || d.n == 0)
        return misfit;
    if (d.last < -SCALE_MAX)
        return "it has more than 30 fraction digits";
    if (d.first >= DIGITS_MAX || d.first - d.last >= DIGITS_MAX)
        return "it has more than 65 digits";
    return NULL;
}

/* Named as a decimal: a plain string would be compared as a double. */
static oxy_rc store_decimal(const oxy__job *j)
{
    char room[OXY_TEXT_MAX];
    const char *misfit;
    oxy_sv number = {room, 0};
    oxy_rc rc = oxy__decimal_text(j, room, &number);

    if (rc != OXY_OK)
        return rc;
    misfit = decimal_misfit(j, number);
    if (misfit != NULL)
        return oxy__refuse(j, misfit);
    rc = number.p == room ? oxy__put_text(j, room, number.len) : oxy__put_borrowed(j, OXY_V_TEXT, number);
    j->out->wire = OXY_MYSQL_NEWDECIMAL;
    return rc;
}

/* --- dates and times ------------------------------------------------------------------ */

/* Microseconds of which a column of a verbatim type keeps whole multiples:
 * DATETIME(3) a thousand, plain TIMESTAMP a second. Our own types keep all. */
static int64_t column_step(const oxy_type *as)
{
    int64_t step = 1000000;
    const char *p;

    if (as->compared || as->db_type.len == 0)
        return 1;
    p = memchr(as->db_type.p, '(', as->db_type.len);
    if (p != NULL && ++p < as->db_type.p + as->db_type.len && *p >= '0' && *p <= '6') {
        for (char digits = *p; digits > '0'; digits--)
            step /= 10;
    }
    return step;
}

/* The server rounds fractions that the column has no digits for. */
static const char *fraction_misfit(const oxy__job *j, int64_t micros)
{
    return micros % 1000000 != 0 && micros % column_step(j->as) != 0
               ? "it has more fraction digits of a second than the column"
               : NULL;
}

static oxy_rc put_moment(const oxy__job *j, int64_t micros)
{
    int64_t first = j->as->compared ? OXY_DATETIME_MIN : OXY__MYSQL_DAYS_MIN * OXY__MICROS_PER_DAY;
    const char *misfit = fraction_misfit(j, micros);

    if (micros < first || micros > OXY_DATETIME_MAX)
        return oxy__refuse(j, "in UTC it is outside the years 1000 to 9999");
    if (misfit != NULL)
        return oxy__refuse(j, misfit);
    *j->out = (oxy_value){.tag = OXY_V_DATETIME, .i = micros};
    return OXY_OK;
}

static oxy_rc put_day(const oxy__job *j, int64_t days)
{
    if (days < (j->as->compared ? OXY__DAYS_MIN : OXY__MYSQL_DAYS_MIN) || days > OXY__DAYS_MAX)
        return oxy__refuse(j, "it is outside the years 1000 to 9999");
    *j->out = (oxy_value){.tag = OXY_V_DATE, .i = days};
    return OXY_OK;
}

static oxy_rc store_datetime(const oxy__job *j)
{
    int64_t micros = 0;
    oxy_rc rc = oxy__datetime_of(j, &micros);

    return rc == OXY_OK ? put_moment(j, micros) : rc;
}

static oxy_rc store_date(const oxy__job *j)
{
    int64_t days = 0;
    oxy_rc rc = oxy__date_of(j, &days);

    return rc == OXY_OK ? put_day(j, days) : rc;
}

/* A TIME column holds spans too. */
static oxy_rc store_time(const oxy__job *j)
{
    bool span = j->in->tag == OXY_V_TIMEDELTA;
    int64_t micros = j->in->i;
    const char *misfit;
    oxy_rc rc;

    if (span && (micros > OXY__MYSQL_SPAN_MAX || micros < -OXY__MYSQL_SPAN_MAX))
        return oxy__refuse(j, "it is longer than 838:59:59");
    rc = span ? OXY_OK : oxy__time_of(j, &micros);
    if (rc != OXY_OK)
        return rc;
    misfit = fraction_misfit(j, micros);
    if (misfit != NULL)
        return oxy__refuse(j, misfit);
    *j->out = (oxy_value){.tag = span ? OXY_V_TIMEDELTA : OXY_V_TIME, .i = micros};
    return OXY_OK;
}

/* --- the rest ----------------------------------------------------------------------------- */

/* No column to go by (a parameter of raw SQL, a literal): the form in which a
 * column of the value's own type would store it. */
static oxy_rc store_plain(const oxy__job *j)
{
    switch ((oxy_tag)j->in->tag) {
    case OXY_V_BOOL:
    case OXY_V_INT:
    case OXY_V_TIMEDELTA: return oxy__store_int(j);
    case OXY_V_UINT: return put_uint(j, j->in->u);
    case OXY_V_DOUBLE: return oxy__put_double(j, j->in->d);
    case OXY_V_DECIMAL: return store_decimal(j);
    case OXY_V_BLOB: return oxy__put_borrowed(j, OXY_V_BLOB, j->in->s);
    case OXY_V_DATETIME:
    case OXY_V_DATETIME_UTC: return put_moment(j, j->in->i);
    case OXY_V_DATE: return put_day(j, j->in->i);
    case OXY_V_TIME:
    case OXY_V_TIMETZ: return store_time(j);
    case OXY_V_JSON: return oxy__store_json(j);
    default: return oxy__store_text(j);
    }
}

/* The server cuts blanks off the end of a string that is too long, with no more
 * than a note. */
static oxy_rc store_string(const oxy__job *j)
{
    if (j->in->tag == OXY_V_TEXT && !j->as->compared && j->as->size != 0 && oxy__text_longer(j->in->s, j->as->size))
        return oxy__refuse(j, "it has more characters than the column");
    return oxy__store_text(j);
}

static const oxy__store_fn encoders[OXY_K_COUNT] = {
    [OXY_K_UNKNOWN] = store_plain,
    [OXY_K_BOOL] = oxy__store_bool,
    [OXY_K_INT] = store_int,
    [OXY_K_DOUBLE] = store_double,
    [OXY_K_STRING] = store_string,
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

oxy_rc oxy__mysql_encode(const oxy_value *in, const oxy_type *as, oxy_arena *scratch, oxy_value *out, oxy_err *err)
{
    static const oxy__store_rules rules = {
        .codec = "MySQL",
        .no_nan = "MySQL cannot store NaN",
        .no_inf = "MySQL cannot store infinities",
        .json_rounds = true,
    };

    return oxy__store(in, as, scratch, out, err, &rules, encoders);
}
