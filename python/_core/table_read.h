/* SPDX-License-Identifier: MIT */
/* Tables described by dicts, as oxyde.db.schema makes them, as the engine's
 * structs. Everything read is copied into one arena, so nothing depends on
 * what happens to the dicts meanwhile. */
#ifndef OXYPY_TABLE_READ_H
#define OXYPY_TABLE_READ_H

#include "to_c.h"

#include <oxyde/schema.h>

/* Owner: whoever called init; release with fini. What was read lives until then. */
typedef struct oxypy_reader {
    oxypy_state *st;
    oxy_arena arena;
    PyObject *keep; /* objects whose text default values borrow */
} oxypy_reader;

void oxypy_reader_init(oxypy_reader *r, oxypy_state *st);
void oxypy_reader_fini(oxypy_reader *r);

/* Reads one dict into the struct at item. */
typedef int (*oxypy_read_fn)(oxypy_reader *r, PyObject *dict, void *item);

/* An array of structs, one per entry of the tuple; out_items is the address of
 * the pointer to it, of whatever type. 0, or -1 with an exception. */
int oxypy_read_items(oxypy_reader *r, PyObject *tuple, size_t size, oxypy_read_fn read, void *out_items,
                     uint32_t *out_n);
/* A cleared array; NULL with MemoryError. */
void *oxypy_read_room(oxypy_reader *r, Py_ssize_t n, size_t size);
/* A str copied, or an empty view for None. */
int oxypy_read_text(oxypy_reader *r, PyObject *value, oxy_sv *out);
/* The str, or the strs, that the dict has under the key. */
int oxypy_read_text_at(oxypy_reader *r, PyObject *dict, const char *key, oxy_sv *out);
int oxypy_read_names_at(oxypy_reader *r, PyObject *dict, const char *key, oxy_names *out);
/* The same for any sequence. */
int oxypy_read_sequence(oxypy_reader *r, PyObject *sequence, size_t size, oxypy_read_fn read, void *items, uint32_t *n);
/* The readers of oxy_table_def, and of oxy_rename from (kind, owner, old, new). */
int oxypy_read_table(oxypy_reader *r, PyObject *dict, void *item);
int oxypy_read_rename(oxypy_reader *r, PyObject *tuple, void *item);
/* A schema from (tables, enums, numbers of the tables known from older files only). */
int oxypy_read_schema(oxypy_reader *r, PyObject *given, oxy_schema *out);

/* ddl.c: a sink that appends statements to the list at arg. Leaves a Python
 * exception behind when it fails, which then counts. */
oxy_rc oxypy_take_statement(void *arg, const char *sql, size_t len);

#endif
