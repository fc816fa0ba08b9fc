/* SPDX-License-Identifier: MIT */
/* Objects by whole numbers. A dict wants an int object to look for, its hash and a
 * comparison: 400 instructions for a key that was eight bytes of a row; here 20. */
#include "numbered.h"

#define FIRST_SLOTS 16
#define SLOTS_MAX (UINT32_C(1) << 31)

static bool is_number(PyObject *key, int64_t *number)
{
    int overflow = 0;

    if (!PyLong_CheckExact(key))
        return false;
    *number = PyLong_AsLongLongAndOverflow(key, &overflow);
    return overflow == 0;
}

int oxypy_numbered_fill(oxypy_numbered *table, PyObject *dict)
{
    uint64_t size = FIRST_SLOTS, n = (uint64_t)PyDict_GET_SIZE(dict);
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    int64_t number;

    oxypy_numbered_free(table);
    while (size < n * 2)
        size *= 2;
    table->slots = size > SLOTS_MAX ? NULL : PyMem_Calloc((size_t)size, sizeof *table->slots);
    if (table->slots == NULL) {
        (void)PyErr_NoMemory();
        return -1;
    }
    table->mask = (uint32_t)(size - 1);
    while (PyDict_Next(dict, &pos, &key, &value)) {
        uint32_t at;

        if (!is_number(key, &number))
            continue;
        at = oxypy__number_place(number) & table->mask;
        while (table->slots[at].object != NULL)
            at = (at + 1) & table->mask;
        table->slots[at] = (oxypy_number_slot){number, value};
    }
    return 0;
}

void oxypy_numbered_free(oxypy_numbered *table)
{
    PyMem_Free(table->slots);
    *table = (oxypy_numbered){0};
}
