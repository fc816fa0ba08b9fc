/* SPDX-License-Identifier: MIT */
/* Strings of JSON. Keys and the words of enumerations come again and again:
 * strings of up to two words are kept in a table, one for each place in it, and
 * found by their bytes. What follows replaces what was there, so the table
 * neither grows nor has to be cleared. */
#include "json.h"

#define SHORT 16 /* bytes that two words hold */
#define TABLE_BITS 9
#define UNESCAPED_ROOM 512 /* bytes on the stack */

typedef struct kept {
    uint64_t first, last; /* of the bytes; they overlap below 16 */
    PyObject *text;
    size_t len;
} kept;

struct oxypy_json_strings {
    kept entries[1 << TABLE_BITS];
};

void oxypy_json_strings_free(oxypy_state *st)
{
    struct oxypy_json_strings *strings = st->json_strings;

    st->json_strings = NULL;
    if (strings == NULL)
        return;
    for (size_t i = 0; i < OXY_COUNT(strings->entries); i++)
        Py_XDECREF(strings->entries[i].text);
    PyMem_Free(strings);
}

/* --- making ------------------------------------------------------------------- */

/* Bytes that are no UTF-8 are told by those who come after. */
static PyObject *decoded(const char *p, size_t len)
{
    PyObject *text = oxypy_from_text(p, len);

    if (text == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        PyErr_Clear();
    return text;
}

static PyObject *make(const char *p, size_t len, bool ascii)
{
    PyObject *text;

    if (!ascii || len < 2)
        return decoded(p, len);
    text = PyUnicode_New((Py_ssize_t)len, 127);
    if (text != NULL)
        memcpy(PyUnicode_1BYTE_DATA(text), p, len);
    return text;
}

#if OXYPY_JSON_KEEPS

/* The entry for these bytes, which may hold others; NULL if there is no table. */
static kept *find(oxypy_state *st, const char *p, size_t len, kept *wanted)
{
    *wanted = (kept){.len = len};
    if (len >= sizeof wanted->first) {
        memcpy(&wanted->first, p, sizeof wanted->first);
        memcpy(&wanted->last, p + len - sizeof wanted->last, sizeof wanted->last);
    } else {
        for (size_t i = 0; i < len; i++)
            wanted->first = wanted->first << 8 | (unsigned char)p[i];
    }
    if (st->json_strings == NULL)
        st->json_strings = PyMem_Calloc(1, sizeof *st->json_strings);
    if (st->json_strings == NULL)
        return NULL;
    uint64_t mixed = wanted->first * UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 32 ^ wanted->last ^ len) * UINT64_C(0xd6e8feb86659fd93);
    return &st->json_strings->entries[mixed >> (64 - TABLE_BITS)];
}

static PyObject *short_text(oxypy_state *st, const char *p, size_t len, bool ascii)
{
    kept wanted, *entry = find(st, p, len, &wanted);

    if (entry == NULL)
        return make(p, len, ascii);
    if (entry->text != NULL && entry->first == wanted.first && entry->last == wanted.last && entry->len == len)
        return Py_NewRef(entry->text);
    wanted.text = make(p, len, ascii);
    if (wanted.text == NULL)
        return NULL;
    Py_XDECREF(entry->text); /* a str: no code of anybody's runs */
    *entry = wanted;
    return Py_NewRef(wanted.text);
}

#else

static PyObject *short_text(oxypy_state *st, const char *p, size_t len, bool ascii)
{
    (void)st;
    return make(p, len, ascii);
}

#endif

/* --- escapes -------------------------------------------------------------------- */

/* The closing quote of a string with escapes; NULL if there is none. */
static const char *closing_quote(const char *p, const char *end)
{
    for (; p < end && *p != '"'; p++) {
        if ((unsigned char)*p < 0x20)
            return NULL;
        if (*p == '\\' && ++p == end)
            return NULL;
    }
    return p < end ? p : NULL;
}

/* Half of a pair of surrogates is json.loads' to read. */
static PyObject *unescaped(const char *p, const char *end)
{
    char room[UNESCAPED_ROOM], *text = room, *stop;
    PyObject *result = NULL;

    if ((size_t)(end - p) > sizeof room && (text = PyMem_Malloc((size_t)(end - p))) == NULL)
        return PyErr_NoMemory();
    stop = oxy_json_text(p, end, text);
    if (stop != NULL)
        result = decoded(text, (size_t)(stop - text));
    if (text != room)
        PyMem_Free(text);
    return result;
}

/* --- scanning -------------------------------------------------------------------- */

#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The first character from p on that a plain string has not; end if there is none. *high gets a
 * bit for what is not ASCII before it. */
static inline const char *plain_end(const char *p, const char *end, uint64_t *high)
{
#if PY_LITTLE_ENDIAN
    uint64_t word, quote, slash, ends;

    for (; end - p >= (ptrdiff_t)sizeof word; p += sizeof word) {
        memcpy(&word, p, sizeof word);
        quote = word ^ EVERY('"');
        slash = word ^ EVERY('\\');
        /* The lowest bit is exact; those above it may be wrong by a borrow. */
        ends = (((quote - EVERY(1)) & ~quote) | ((slash - EVERY(1)) & ~slash) | ((word - EVERY(0x20)) & ~word)) &
               EVERY(0x80);
        if (ends != 0) {
            *high |= word & EVERY(0x80) & (ends ^ (ends - 1));
            return p + __builtin_ctzll(ends) / 8;
        }
        *high |= word & EVERY(0x80);
    }
#endif
    for (; p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20; p++)
        *high |= (unsigned char)*p & 0x80;
    return p;
}

PyObject *oxypy__json_string(oxypy_json_cursor *c)
{
    const char *start = c->p + 1, *stop;
    uint64_t high = 0;

    stop = plain_end(start, c->end, &high);
    if (stop == c->end || (*stop != '"' && *stop != '\\'))
        return NULL;
    if (*stop == '\\') {
        stop = closing_quote(stop, c->end);
        if (stop == NULL)
            return NULL;
        c->p = stop + 1;
        return unescaped(start, stop);
    }
    c->p = stop + 1;
    if (stop - start <= SHORT)
        return short_text(c->st, start, (size_t)(stop - start), high == 0);
    return make(start, (size_t)(stop - start), high == 0);
}
