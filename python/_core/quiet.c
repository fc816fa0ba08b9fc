/* SPDX-License-Identifier: MIT */
/* The cyclic collector while rows are built: off, since rows are trees and collecting
 * between them finds nothing. Whoever may let others run switches it on again first,
 * and by then it does not see the rows; see collector.c. */
#include "execute.h"

/* Rows built in one go before it is kept from walking them. */
#define QUIET_AFTER 64

oxypy_quiet oxypy_quiet_of(oxypy_operation *reader)
{
    PyObject *kept = oxypy_sink_rows(reader);
    Py_ssize_t before = kept == NULL ? 0 : PyList_GET_SIZE(kept);

    return (oxypy_quiet){
        .reader = reader, .before = before, .burst = before < QUIET_AFTER ? (uint32_t)before : QUIET_AFTER - 1};
}

void oxypy_quiet_row(oxypy_quiet *quiet)
{
    if (++quiet->burst == QUIET_AFTER) {
        quiet->collecting = PyGC_Disable() != 0;
        quiet->off = true;
    }
}

void oxypy_quiet_end(oxypy_quiet *quiet)
{
    oxypy_operation *reader = quiet->reader;

    if (!quiet->off)
        return;
    oxypy_rows_hide(oxypy_sink_rows(reader), reader->hidden.any ? quiet->before : 0, &reader->hidden);
    if (quiet->collecting)
        (void)PyGC_Enable();
    *quiet = oxypy_quiet_of(reader);
}
