/* SPDX-License-Identifier: MIT */
/* Rows that the cyclic collector does not see for a while, since it would walk over them in vain. */
#ifndef OXYPY_COLLECTOR_H
#define OXYPY_COLLECTOR_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

/* Places of a dict that are remembered. */
#define OXYPY_HIDDEN_PLACES 64

/* What was hidden; borrows nothing. All zero: nothing. */
typedef struct oxypy_hidden {
    bool any;   /* rows or the list they are in, not yet shown */
    bool rows;  /* rows; leaves (leaf.h) are none of them, the collector has never seen them */
    bool dicts; /* dicts of theirs, too */
    bool leaves_in_rows, leaves_in_related; /* there may be leaves among them */
    /* Places in the dicts, of rows and of rows in them, in which lists and rows were hidden. */
    uint64_t in_rows, in_related;
} oxypy_hidden;

/* Hides rows[first:] of a list or tuple, itself, and what the rows' dicts hold that only they have;
 * anything else has nothing to hide. Adds to *hidden. Who hides them shows them, before anybody else
 * has them and when they are given up. */
void oxypy_rows_hide(PyObject *rows, Py_ssize_t first, oxypy_hidden *hidden);
/* Lets the collector do what is due, while they are hidden. No exception may be set. */
void oxypy_rows_collect(PyObject *rows);
/* The collector sees all of them from now on; nothing where nothing was hidden. */
void oxypy_rows_show(PyObject *rows, oxypy_hidden *hidden);

#endif
