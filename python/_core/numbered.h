/* SPDX-License-Identifier: MIT */
/* Objects by whole numbers: a table that is filled once and then only read. */
#ifndef OXYPY_NUMBERED_H
#define OXYPY_NUMBERED_H

#include "state.h"

typedef struct oxypy_number_slot {
    int64_t number;
    PyObject *object; /* borrowed; NULL: the slot is free */
} oxypy_number_slot;

/* With linear probing, at most half full. All zero: empty, nothing is found. */
typedef struct oxypy_numbered {
    oxypy_number_slot *slots;
    uint32_t mask; /* their number less one */
} oxypy_numbered;

/* The values of a dict whose keys are ints of 64 bits, no bools or other subclasses;
 * the dict keeps them and its keys while the table is in use. 0; -1 with an exception. */
int oxypy_numbered_fill(oxypy_numbered *table, PyObject *dict);

void oxypy_numbered_free(oxypy_numbered *table);

static inline uint32_t oxypy__number_place(int64_t number)
{
    uint64_t spread = (uint64_t)number * UINT64_C(0x9E3779B97F4A7C15);

    return (uint32_t)(spread >> 32);
}

/* Borrowed; NULL if there is none. */
static inline PyObject *oxypy_numbered_find(const oxypy_numbered *table, int64_t number)
{
    uint32_t at = oxypy__number_place(number) & table->mask;

    if (table->slots == NULL)
        return NULL;
    while (table->slots[at].object != NULL && table->slots[at].number != number)
        at = (at + 1) & table->mask;
    return table->slots[at].object;
}

#endif
