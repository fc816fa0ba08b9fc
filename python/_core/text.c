/* SPDX-License-Identifier: MIT */
/* UTF-8 as str. What names and sentences are made of is short and mostly ASCII
 * with a few other characters; PyUnicode_DecodeUTF8 takes such text twice, into
 * a buffer that it widens and then copies, which costs more than reading the
 * row's other cells. Here it is measured first and then written once. */
#include "hydrate.h"

typedef struct extent {
    size_t n;       /* characters */
    uint32_t every; /* bits that occur in any of them */
} extent;

static inline bool follows(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Bytes of the character at p, which is not ASCII; 0 if it is none. */
static inline size_t measure_one(const unsigned char *p, size_t left, uint32_t *every)
{
    unsigned char c = p[0];

    if (c < 0xc2 || c > 0xf4 || left < 2 || !follows(p[1]))
        return 0;
    if (c < 0xe0) {
        *every |= (uint32_t)(c & 0x1f) << 6 | (p[1] & 0x3f);
        return 2;
    }
    if (left < 3 || !follows(p[2]))
        return 0;
    if (c < 0xf0) {
        if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f)) /* overlong; half of a pair */
            return 0;
        *every |= 0x0800 | (uint32_t)(c & 0x0f) << 12;
        return 3;
    }
    if (left < 4 || !follows(p[3]) || (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
        return 0;
    *every |= 0x10000;
    return 4;
}

/* How many ASCII characters come first. */
static inline size_t ascii_run(const unsigned char *p, size_t len)
{
    uint64_t word;
    size_t i = 0;

    for (; i + sizeof word <= len; i += sizeof word) {
        memcpy(&word, p + i, sizeof word);
        word &= UINT64_C(0x8080808080808080);
        if (word != 0)
            return i + (size_t)(PY_BIG_ENDIAN ? __builtin_clzll(word) : __builtin_ctzll(word)) / 8;
    }
    while (i < len && p[i] < 0x80)
        i++;
    return i;
}

/* False if it is not UTF-8. */
static bool measure(const unsigned char *p, size_t len, extent *out)
{
    out->n = 0;
    out->every = 0;
    for (size_t i = 0; i < len;) {
        size_t run = ascii_run(p + i, len - i), bytes;

        i += run;
        out->n += run;
        if (i == len)
            break;
        bytes = measure_one(p + i, len - i, &out->every);
        if (bytes == 0)
            return false;
        i += bytes;
        out->n++;
    }
    return true;
}

/* The character at *p, of text that was measured; moves *p behind it. */
static inline uint32_t take(const unsigned char **p)
{
    const unsigned char *c = *p;

    if (c[0] < 0x80) {
        *p += 1;
        return c[0];
    }
    if (c[0] < 0xe0) {
        *p += 2;
        return (uint32_t)(c[0] & 0x1f) << 6 | (c[1] & 0x3f);
    }
    if (c[0] < 0xf0) {
        *p += 3;
        return (uint32_t)(c[0] & 0x0f) << 12 | (uint32_t)(c[1] & 0x3f) << 6 | (c[2] & 0x3f);
    }
    *p += 4;
    return (uint32_t)(c[0] & 0x07) << 18 | (uint32_t)(c[1] & 0x3f) << 12 | (uint32_t)(c[2] & 0x3f) << 6 | (c[3] & 0x3f);
}

static void write_bytes(Py_UCS1 *out, const unsigned char *p, const unsigned char *end)
{
    for (;;) {
        size_t run = ascii_run(p, (size_t)(end - p));

        memcpy(out, p, run);
        p += run;
        if (p == end)
            return;
        out[run] = (Py_UCS1)take(&p);
        out += run + 1;
    }
}

static void write_text(PyObject *text, const unsigned char *p, const unsigned char *end)
{
    if (PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND)
        write_bytes(PyUnicode_1BYTE_DATA(text), p, end);
    else if (PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND)
        for (Py_UCS2 *out = PyUnicode_2BYTE_DATA(text); p < end; out++)
            *out = (Py_UCS2)take(&p);
    else
        for (Py_UCS4 *out = PyUnicode_4BYTE_DATA(text); p < end; out++)
            *out = take(&p);
}

/* A str is as narrow as its widest character allows: that is a rule of CPython's. */
static Py_UCS4 widest(uint32_t every)
{
    return every > 0xffff ? 0x10ffff : every > 0xff ? 0xffff : every > 0x7f ? 0xff : 0x7f;
}

PyObject *oxypy_from_text(const char *p, size_t len)
{
    extent e;
    PyObject *text;

    if (len > PY_SSIZE_T_MAX) {
        PyErr_SetString(PyExc_OverflowError, "text is too long");
        return NULL;
    }
    /* Single characters exist already; errors are Python's to tell. */
    if (!measure((const unsigned char *)p, len, &e) || e.n < 2)
        return PyUnicode_DecodeUTF8(p, (Py_ssize_t)len, NULL);
    text = PyUnicode_New((Py_ssize_t)e.n, widest(e.every));
    if (text != NULL)
        write_text(text, (const unsigned char *)p, (const unsigned char *)p + len);
    return text;
}

bool oxypy_has_surrogate(PyObject *text)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(text);
    int kind = (int)PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);

    for (Py_ssize_t i = 0; kind != PyUnicode_1BYTE_KIND && i < n; i++)
        if (Py_UNICODE_IS_SURROGATE(PyUnicode_READ(kind, data, i)))
            return true;
    return false;
}
