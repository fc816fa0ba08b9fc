/* SPDX-License-Identifier: MIT */
/* One cell as a Python object; the frequent pairs of column and cell inline. */
#ifndef OXYPY_CELL_H
#define OXYPY_CELL_H

#include "rowprog.h"

#define OXYPY_SCRATCH_BYTES 1024                         /* on the stack, for one row */
#define OXYPY_SCRATCH_LIMIT ((size_t)1024 * 1024 * 1024) /* no cell needs more */

/* Memory for cells that go through the codec. Most rows have none: it is made
 * when first needed. */
typedef struct oxypy_scratch {
    bool made; /* false at first; the rest needs no initialising */
    oxy_arena arena;
    char first[OXYPY_SCRATCH_BYTES];
} oxypy_scratch;

/* Empty, for one cell. */
static inline oxy_arena *oxypy__scratch_get(oxypy_scratch *s)
{
    if (s->made)
        oxy_arena_reset(&s->arena);
    else
        oxy_arena_init_in(&s->arena, oxy_alloc_default(), OXYPY_SCRATCH_LIMIT, s->first, sizeof s->first);
    s->made = true;
    return &s->arena;
}

static inline void oxypy__scratch_fini(oxypy_scratch *s)
{
    if (s->made)
        oxy_arena_fini(&s->arena);
}

/* Where a row's values come from: cells, or (Plan.load) decoded objects. */
typedef struct oxypy_source {
    const oxypy_rowview *row; /* or NULL */
    PyObject *const *values;  /* borrowed, one per column, when there is no row */
    oxypy_scratch *scratch;   /* for decoding */
    oxypy_shared *shared;     /* related rows built so far; NULL where the program has none */
} oxypy_source;

/* Any cell, through the codec. New reference, or NULL with DataError. */
PyObject *oxypy__cell_decode(oxypy_state *st, const oxypy_rowprog *p, uint32_t i, const oxypy_source *src);
/* Whether any text may stand for a value, whatever its column is: PostgreSQL's codec
 * asks for the column's type first. */
static inline bool oxypy__cell_is_plain(const oxypy_rowview *row)
{
    return row->codec != &oxy_codec_postgres;
}

/* A date or datetime from text "YYYY-MM-DD[ HH:MM:SS[.ffffff]]", the form that we
 * store, or from what MySQL sends; NULL without an exception if it is anything else. */
PyObject *oxypy__cell_calendar(oxypy_state *st, const oxypy_rowview *row, uint32_t i, oxypy_way way);
/* Turns the exception at hand into a DataError that says where; passes
 * MemoryError and what is no Exception. Returns NULL. */
PyObject *oxypy__cell_failed(oxypy_state *st, const oxypy_rowprog *p, uint32_t i, const oxypy_source *src);
/* Raises DataError for column i. Returns NULL. */
PyObject *oxypy__cell_refuse(oxypy_state *st, const oxypy_rowprog *p, uint32_t i, const oxypy_source *src,
                             const char *reason);

/* hydrate.c: a row by the program's shape. New reference. */
PyObject *oxypy__row_make(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src);
/* hydrate.c: a MODEL row's validated values and annotations. New reference to
 * a tuple, one item per column; NULL items where a validator left none. */
PyObject *oxypy__row_values(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src);

/* related.c: *shared as the program needs it. 0 / -1. */
int oxypy__shared_prepare(const oxypy_rowprog *p, oxypy_shared **shared);
/* related.c: the related rows of a row, built or known already, into dict under
 * their names; None where there is none. 0 / -1. */
int oxypy__related_fill(oxypy_state *st, const oxypy_rowprog *p, const oxypy_source *src, PyObject *dict);

/* Text is mostly ASCII, and then its own decoded form. */
static inline PyObject *oxypy__cell_text(const char *p, uint32_t len)
{
    uint64_t word, high = 0;
    PyObject *text;

    if (len < sizeof word)
        return oxypy_from_text(p, len);
    for (uint32_t i = 0; i + sizeof word <= len; i += sizeof word) {
        memcpy(&word, p + i, sizeof word);
        high |= word;
    }
    memcpy(&word, p + len - sizeof word, sizeof word);
    high |= word;
    if ((high & UINT64_C(0x8080808080808080)) != 0)
        return oxypy_from_text(p, len);
    text = PyUnicode_New((Py_ssize_t)len, 127);
    if (text != NULL)
        memcpy(PyUnicode_1BYTE_DATA(text), p, len);
    return text;
}

/* New reference, or NULL with an exception. */
static inline PyObject *oxypy__cell_get(oxypy_state *st, const oxypy_rowprog *p, uint32_t i, const oxypy_source *src)
{
    const oxy_cell *cell;
    PyObject *value;

    if (src->row == NULL)
        return Py_NewRef(src->values[i]);
    cell = &src->row->cells[i];
    switch ((oxypy_way)p->cols[i].way) {
    case OXYPY_WAY_INT:
        if (cell->tag == OXY_C_INT)
            return PyLong_FromLongLong(cell->i);
        break;
    case OXYPY_WAY_TEXT:
        if (cell->tag == OXY_C_TEXT) {
            value = oxypy__cell_text(cell->p, cell->len);
            return value != NULL ? value : oxypy__cell_failed(st, p, i, src);
        }
        break;
    case OXYPY_WAY_DOUBLE:
        if (cell->tag == OXY_C_DOUBLE)
            return PyFloat_FromDouble(cell->d);
        break;
    case OXYPY_WAY_BOOL:
        if (cell->tag == OXY_C_INT && (cell->i | 1) == 1)
            return Py_NewRef(cell->i ? Py_True : Py_False);
        break;
    case OXYPY_WAY_BLOB:
        if (cell->tag == OXY_C_BLOB)
            return PyBytes_FromStringAndSize(cell->p, (Py_ssize_t)cell->len);
        break;
    case OXYPY_WAY_DATETIME:
    case OXYPY_WAY_DATETIME_UTC:
    case OXYPY_WAY_DATE:
        value = cell->tag != OXY_C_TEXT && cell->tag != OXY_C_WIRE
                    ? NULL
                    : oxypy__cell_calendar(st, src->row, i, (oxypy_way)p->cols[i].way);
        if (value != NULL || PyErr_Occurred())
            return value;
        break;
    case OXYPY_WAY_DECIMAL:
        value = cell->tag != OXY_C_TEXT || !oxypy__cell_is_plain(src->row)
                    ? NULL
                    : oxypy_decimal_quick(st, cell->p, cell->len);
        if (value != NULL || PyErr_Occurred())
            return value;
        break;
    case OXYPY_WAY_CODEC: break;
    }
    if (cell->tag == OXY_C_NULL)
        Py_RETURN_NONE;
    return oxypy__cell_decode(st, p, i, src);
}

#endif
