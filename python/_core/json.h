/* SPDX-License-Identifier: MIT */
/* JSON text as Python objects: json_read.c has the grammar, json_text.c the
 * strings, json_number.c the numbers, json_shape.c the objects whose keys are
 * known from documents before. */
#ifndef OXYPY_JSON_H
#define OXYPY_JSON_H

#include "hydrate.h"

/* Where one thread at a time runs Python, what documents have in common is kept. */
#if defined(Py_GIL_DISABLED)
#define OXYPY_JSON_KEEPS 0
#else
#define OXYPY_JSON_KEEPS 1
#endif

/* What the documents of one column look like, learned from those that were
 * read. Owner: the row program. Bounded: see json_shape.c. */
typedef struct oxypy_json_memory oxypy_json_memory;

/* NULL without an exception if there is no memory: reading does without. */
oxypy_json_memory *oxypy_json_memory_new(void);
void oxypy_json_memory_free(oxypy_json_memory *memory); /* NULL is fine */

/* One document. New reference, equal to what pydantic_core.from_json makes of
 * the text. NULL without an exception: malformed, or written in a way that is
 * left to from_json and json.loads; nothing has been made of it then. NULL with
 * an exception only when memory runs out. memory may be NULL. */
PyObject *oxypy_json_read(oxypy_state *st, oxypy_json_memory *memory, const char *p, size_t len);

/* _core.read_json(texts): documents (bytes) as of one column; for each (value,),
 * or None if the reader gave up. For tests: rows do not show which way was taken. */
PyObject *oxypy_json_read_all(PyObject *module, PyObject *texts);

/* json_text.c: short strings seen before, of all columns; made on first use. */
void oxypy_json_strings_free(oxypy_state *st);

/* --- between the files ------------------------------------------------------- */

/* A text being read; p never passes end. */
typedef struct oxypy_json_cursor {
    oxypy_state *st;
    const char *p, *end;
} oxypy_json_cursor;

static inline void oxypy__json_skip_space(oxypy_json_cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\r' || *c->p == '\t'))
        c->p++;
}

static inline bool oxypy__json_at(const oxypy_json_cursor *c, char wanted)
{
    return c->p < c->end && *c->p == wanted;
}

/* The cursor stands on the opening quote, or the number's first character, and
 * is moved behind it. As oxypy_json_read() about NULL. */
PyObject *oxypy__json_string(oxypy_json_cursor *c);
PyObject *oxypy__json_number(oxypy_json_cursor *c);

/* The keys of an object, in their order, and how each is written. */
typedef struct oxypy_json_shape oxypy_json_shape;

typedef struct oxypy_json_key {
    PyObject *name;
    const char *text; /* from its opening quote to where the value begins */
    uint32_t len, place;
    oxypy_json_shape *inner; /* of objects in its value; NULL: not known yet */
} oxypy_json_key;

struct oxypy_json_shape {
    PyObject *template_dict; /* or NULL */
    uint32_t uses;           /* counted until there could be a template */
    uint32_t misses;         /* objects that looked different, less those that did not */
    uint32_t n, room;
    char *texts;
    oxypy_json_key keys[];
};

/* A shape to note keys in; NULL if no more are kept, or no memory is left. */
oxypy_json_shape *oxypy__json_shape_new(oxypy_json_memory *memory);
void oxypy__json_shape_free(oxypy_json_memory *memory, oxypy_json_shape *shape); /* NULL is fine */
/* Notes the next key; the text is the document's. False if such keys are not kept. */
bool oxypy__json_shape_note(oxypy_json_shape *shape, PyObject *name, const char *text, size_t len);
/* Copies the texts of the keys noted; false if there is no memory. */
bool oxypy__json_shape_settle(oxypy_json_shape *shape);
/* An object of this shape, or NULL with an exception. References that it takes
 * over are NULL in values afterwards, the others remain the caller's. */
PyObject *oxypy__json_shape_dict(oxypy_json_shape *shape, PyObject **values);
/* The shape at the root; NULL while another reader is in it. */
oxypy_json_shape **oxypy__json_memory_enter(oxypy_json_memory *memory);
void oxypy__json_memory_leave(oxypy_json_memory *memory);

/* A shape that seldom fits is forgotten. */
#define OXYPY_JSON_MISSES 16

#endif
