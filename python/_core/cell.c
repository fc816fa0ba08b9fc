/* SPDX-License-Identifier: MIT */
/* Cells that have no short way: through the codec, and the errors that say
 * which table, column and types were concerned. */
#include "cell.h"
#include "json.h"

/* --- errors ---------------------------------------------------------------------------- */

static const char *text_of(PyObject *str)
{
    const char *text = str == NULL ? NULL : PyUnicode_AsUTF8(str);

    if (text == NULL)
        PyErr_Clear();
    return text == NULL ? "" : text;
}

/* "Parcel.sent: table "parcel", column "sent", declared TEXT: <reason>" */
static void describe(const oxypy_rowprog *p, uint32_t i, const oxypy_source *src, const char *reason, oxy_err *err)
{
    const oxypy_rowcol *c = &p->cols[i];
    const char *table = text_of(c->table), *column = text_of(c->column);
    oxy_sv decl = src->row != NULL && i < src->row->n ? src->row->cols[i].decl : (oxy_sv){0};
    char model[256] = "";

    if (p->plan != NULL && c->is_field)
        (void)snprintf(model, sizeof model, "%s.%s: ", p->plan->model->tp_name, text_of(c->name));
    (void)oxy_err_set(err, OXY_DATA, "%s%s%s%scolumn \"%s\"%s%.*s: %s", model, *table ? "table \"" : "", table,
                      *table ? "\", " : "", column, decl.len ? ", declared " : "", (int)(decl.len < 64 ? decl.len : 64),
                      decl.len ? decl.p : "", reason);
    oxy_err_copy(err->table, sizeof err->table, table, strlen(table));
    oxy_err_copy(err->column, sizeof err->column, column, strlen(column));
}

PyObject *oxypy__cell_refuse(oxypy_state *st, const oxypy_rowprog *p, uint32_t i, const oxypy_source *src,
                             const char *reason)
{
    oxy_err err;

    describe(p, i, src, reason, &err);
    return oxypy_raise(st, &err, NULL, NULL, NULL);
}

static const char *cell_word(const oxy_cell *cell)
{
    static const char *const words[] = {
        [OXY_C_NULL] = "NULL", [OXY_C_INT] = "INTEGER", [OXY_C_UINT] = "INTEGER", [OXY_C_DOUBLE] = "REAL",
        [OXY_C_TEXT] = "TEXT", [OXY_C_BLOB] = "BLOB",   [OXY_C_WIRE] = "value",
    };

    return cell->tag < OXY_COUNT(words) ? words[cell->tag] : "value";
}

/* The message tells the exception's class and words for calendars and numbers,
 * but never the text of a cell: a UnicodeDecodeError or JSON error shows it. */
PyObject *oxypy__cell_failed(oxypy_state *st, const oxypy_rowprog *p, uint32_t i, const oxypy_source *src)
{
    PyObject *type, *value, *trace;
    bool any = p->cols[i].type.kind == OXY_K_UNKNOWN; /* free text: whatever the column is */
    char reason[128];

    if (!PyErr_ExceptionMatches(PyExc_Exception) || PyErr_ExceptionMatches(PyExc_MemoryError) || src->row == NULL)
        return NULL;
    (void)snprintf(reason, sizeof reason, "cannot read this %s%s%s%s", cell_word(&src->row->cells[i]),
                   any ? "" : " as ", any ? "" : oxy_kind_name(p->cols[i].type.kind),
                   PyErr_ExceptionMatches(PyExc_UnicodeDecodeError) ? ": it is not valid UTF-8" : "");
    PyErr_Fetch(&type, &value, &trace);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return oxypy__cell_refuse(st, p, i, src, reason);
}

/* --- through the codec -------------------------------------------------------------------- */

PyObject *oxypy__cell_decode(oxypy_state *st, const oxypy_rowprog *p, uint32_t i, const oxypy_source *src)
{
    const oxypy_rowview *row = src->row;
    const oxy_type *want = &p->cols[i].type;
    bool json = want->kind == OXY_K_JSON || want->kind == OXY_K_JSONB, tried = false;
    oxy_value value;
    oxy_err err;
    oxy_rc rc;
    PyObject *object;

    /* The reader of JSON checks what the codec would, unless it gives up. */
    if (json && row->cells[i].tag == OXY_C_TEXT && oxypy__cell_is_plain(row)) {
        object = oxypy_json_read(st, p->cols[i].json, row->cells[i].p, row->cells[i].len);
        if (object != NULL || PyErr_Occurred())
            return object;
        tried = true;
    }
    oxy_err_clear(&err);
    rc = row->codec->decode[want->kind](&row->cells[i], &row->cols[i], want, oxypy__scratch_get(src->scratch), &value,
                                        &err);
    if (rc == OXY_NOMEM)
        return PyErr_NoMemory();
    if (rc != OXY_OK)
        return oxypy__cell_refuse(st, p, i, src, err.message);
    if (value.tag == OXY_V_JSON && !tried) {
        object = oxypy_json_read(st, p->cols[i].json, value.s.p, value.s.len);
        if (object != NULL || PyErr_Occurred())
            return object;
    }
    object = oxypy_from_value(st, &value, want);
    return object != NULL ? object : oxypy__cell_failed(st, p, i, src);
}

/* --- dates and datetimes as they are stored ------------------------------------------------ */

/* n digits at p as a number, or -1. */
static int digits(const char *p, int n)
{
    int number = 0;

    for (int i = 0; i < n; i++) {
        unsigned d = (unsigned)(unsigned char)p[i] - '0';

        if (d > 9)
            return -1;
        number = number * 10 + (int)d;
    }
    return number;
}

static int days_in(int year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* What is out of range is left to the codec, whose error tells why. */
static bool read_date(const char *p, oxy_civil *out)
{
    int year, month, day;

    if (p[4] != '-' || p[7] != '-')
        return false;
    year = digits(p, 4);
    month = digits(p + 5, 2);
    day = digits(p + 8, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in(year, month))
        return false;
    *out = (oxy_civil){.year = year, .month = (uint8_t)month, .day = (uint8_t)day};
    return true;
}

static bool read_clock(const char *p, size_t len, oxy_civil *out)
{
    int hour, minute, second, micros = 0;

    if ((p[10] != ' ' && p[10] != 'T') || p[13] != ':' || p[16] != ':')
        return false;
    hour = digits(p + 11, 2);
    minute = digits(p + 14, 2);
    second = digits(p + 17, 2);
    if (len == 26)
        micros = p[19] == '.' ? digits(p + 20, 6) : -1;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || micros < 0)
        return false;
    out->hour = (uint8_t)hour;
    out->minute = (uint8_t)minute;
    out->second = (uint8_t)second;
    out->micros = (uint32_t)micros;
    return true;
}

PyObject *oxypy__cell_calendar(oxypy_state *st, const oxypy_rowview *row, uint32_t i, oxypy_way way)
{
    const oxy_cell *cell = &row->cells[i];
    bool date = way == OXYPY_WAY_DATE;
    oxy_civil c;

    if (cell->tag == OXY_C_WIRE) {
        if (row->codec != &oxy_codec_mysql || !oxy_mysql_civil(cell, &row->cols[i], &c))
            return NULL;
        if (date && (c.hour | c.minute | c.second | c.micros) != 0)
            return NULL;
    } else if (date) {
        if (!oxypy__cell_is_plain(row) || cell->len != 10 || !read_date(cell->p, &c))
            return NULL;
    } else if ((cell->len != 19 && cell->len != 26) || !read_date(cell->p, &c) || !read_clock(cell->p, cell->len, &c)) {
        return NULL;
    }
    if (date)
        return st->datetime->Date_FromDate(c.year, c.month, c.day, st->datetime->DateType);
    return st->datetime->DateTime_FromDateAndTime(c.year, c.month, c.day, c.hour, c.minute, c.second, (int)c.micros,
                                                  way == OXYPY_WAY_DATETIME_UTC ? st->utc : Py_None,
                                                  st->datetime->DateTimeType);
}
