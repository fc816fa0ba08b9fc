/* SPDX-License-Identifier: MIT */
/* Decimals without the constructor. Decimal(text) copies the text, asks for the
 * context and lets libmpdec read it, and str() is the only public way back to its
 * digits: 1,000 and 600 instructions. A number of up to 19 digits is one word in
 * the object, which is written and read here.
 *
 * Where that word lies is no interface. So the objects of the interpreter in use
 * are looked at first: unless all of the samples look exactly as they should,
 * st->decimal_known stays false and everything goes through the class itself. */
#include "hydrate.h"

#define NEGATIVE 1u
#define SPECIAL 0x0eu  /* infinite, not a number, a signalling one */
#define OWN_ROOM 0x30u /* the object is not libmpdec's to free, nor are its words */
#define WORD_DIGITS 19
#define WORDS 4
#define TEXT_MAX 64 /* bytes; more are leading zeros or too many digits */
#define POINT_MAX 6 /* zeros after the point that str() writes before it takes an exponent */

/* PyDecObject of _decimal.c on machines of 64 bits, with libmpdec's mpd_t inside. */
typedef struct decimal_object {
    PyObject ob_base;
    Py_hash_t hash; /* -1: not asked for yet */
    uint8_t flags;
    Py_ssize_t exp, digits, len, alloc;
    uint64_t *words; /* len of them, the least first, in base 10 ** 19 */
    uint64_t room[WORDS];
} decimal_object;

/* A number as it is written: -12.50 is 1250 with two places. */
typedef struct decimal_parts {
    uint64_t number;
    bool negative;
    int digits; /* of the number, at least 1 */
    int places;
} decimal_parts;

/* --- is it so? ---------------------------------------------------------------------- */

/* False: not written plainly, or too long. */
static bool read_plain(const char *p, size_t len, decimal_parts *out)
{
    const char *end = p + len, *point = NULL;
    int written = 0;

    *out = (decimal_parts){0};
    if (len > TEXT_MAX)
        return false;
    if (p < end && *p == '-') {
        out->negative = true;
        p++;
    }
    for (; p < end; p++) {
        unsigned digit = (unsigned)(unsigned char)*p - '0';

        if (digit > 9) {
            if (*p != '.' || point != NULL || written == 0)
                return false;
            point = p;
            continue;
        }
        written++;
        out->digits += out->digits > 0 || digit > 0;
        if (out->digits > WORD_DIGITS)
            return false;
        out->number = out->number * 10 + digit;
    }
    if (point != NULL)
        out->places = (int)(end - point) - 1;
    if (out->digits == 0)
        out->digits = 1;
    return written > 0 && (point == NULL || out->places > 0);
}

static bool looks_right(const PyObject *value, const decimal_parts *parts)
{
    const decimal_object *d = (const decimal_object *)value;

    return d->hash == -1 && d->flags == (OWN_ROOM | (parts->negative ? NEGATIVE : 0)) && d->exp == -parts->places &&
           d->digits == parts->digits && d->len == 1 && d->alloc == WORDS && d->words == d->room &&
           d->room[0] == parts->number;
}

static int sample(oxypy_state *st, const char *text, bool *fits)
{
    PyObject *value = PyObject_CallFunction(st->decimal_type, "s", text);
    decimal_parts parts;

    if (value == NULL)
        return -1;
    *fits = *fits && Py_IS_TYPE(value, (PyTypeObject *)st->decimal_type) && read_plain(text, strlen(text), &parts) &&
            looks_right(value, &parts);
    Py_DECREF(value);
    return 0;
}

int oxypy_decimal_init(oxypy_state *st)
{
    static const char *const samples[] = {
        "0", "-0.00", "12.50", "-1234567890.123456789", "9999999999999999999", "-0.000000000000000001",
        "1", "10",    "007.5",
    };
    PyTypeObject *type = (PyTypeObject *)st->decimal_type;
    bool fits = PyType_Check(st->decimal_type) && type->tp_basicsize == (Py_ssize_t)sizeof(decimal_object) &&
                type->tp_itemsize == 0 && type->tp_dictoffset == 0 && type->tp_weaklistoffset == 0;

    for (size_t i = 0; fits && i < OXY_COUNT(samples); i++)
        if (sample(st, samples[i], &fits) < 0)
            return -1;
#ifndef Py_GIL_DISABLED
    st->decimal_known = fits;
#endif
    return 0;
}

/* --- in and out -------------------------------------------------------------------- */

PyObject *oxypy_decimal_quick(oxypy_state *st, const char *p, size_t len)
{
    PyTypeObject *type = (PyTypeObject *)st->decimal_type;
    decimal_parts parts;
    decimal_object *d;

    if (!st->decimal_known || !read_plain(p, len, &parts))
        return NULL;
    /* Static before CPython 3.12, where it takes part in no collection; then nothing needs clearing. */
    d = (decimal_object *)(PyType_IS_GC(type) ? type->tp_alloc(type, 0)
                                              : (PyObject *)PyObject_New(decimal_object, type));
    if (d == NULL)
        return NULL;
    d->hash = -1;
    d->flags = (uint8_t)(OWN_ROOM | (parts.negative ? NEGATIVE : 0));
    d->exp = -parts.places;
    d->digits = parts.digits;
    d->len = 1;
    d->alloc = WORDS;
    d->words = d->room;
    d->room[0] = parts.number;
    return (PyObject *)d;
}

oxypy_decimal_form oxypy_decimal_measure(oxypy_state *st, PyObject *value, int64_t *digits, int64_t *places)
{
    const decimal_object *d = (const decimal_object *)value;

    if (!st->decimal_known)
        return OXYPY_DECIMAL_UNKNOWN;
    if ((d->flags & SPECIAL) != 0)
        return OXYPY_DECIMAL_SPECIAL;
    if (d->exp > 0 || d->exp + d->digits - 1 < -POINT_MAX)
        return OXYPY_DECIMAL_EXPONENT;
    *places = -(int64_t)d->exp;
    *digits = d->len == 1 && d->words[0] == 0 ? 0 : (int64_t)d->digits;
    return OXYPY_DECIMAL_PLAIN;
}
