/* SPDX-License-Identifier: MIT */
/* Bursts: statements on SQLite that follow one another in one turn of the loop. In them
 * connections may keep what each statement needs again (OXY_REQ_BURST), as long as the
 * loop is known to tell us of its next turn, at which it is given back. A statement that
 * comes alone pays for none of this. */
#include "runtime_private.h"

/* Statements that came closer than this to one another belong together, and so many of
 * them are a burst: asking the loop to tell of its turn costs as much as two can save.
 * Where the loop turned before that was saved, the next burst has to be longer. */
#define GAP (OXY_NS_PER_MS / 50)
#define FIRST 3
#define FIRST_MAX 96

static void keep_store(oxypy_loop *loop, oxypy_store *store)
{
    if (loop->burst_store == store)
        return;
    oxypy_burst_end(loop);
    oxypy_store_ref(store);
    loop->burst_store = store;
    loop->burst_began = loop->burst_length;
    loop->burst_asked = !loop->beginning;
}

void oxypy_burst_note(oxypy_loop *loop, oxypy_store *store, oxy_ns began, oxy_ns ended)
{
    if (began > loop->burst_ended + GAP)
        loop->burst_length = 0;
    loop->burst_length++;
    loop->burst_ended = ended;
    /* Those that are gathered end together, and that is heard of without the loop. */
    if (!loop->beginning && (loop->burst_length < FIRST << loop->burst_vain || !oxypy_loop_mark(loop, ended)))
        return;
    keep_store(loop, store);
}

bool oxypy_burst_goes_on(const oxypy_loop *loop, const oxypy_store *store)
{
    return loop->burst_store == store && (loop->marked || loop->beginning);
}

void oxypy_burst_end(oxypy_loop *loop)
{
    oxypy_store *store = loop->burst_store;

    if (store == NULL)
        return;
    if (loop->burst_length - loop->burst_began >= FIRST)
        loop->burst_vain = 0;
    else if (loop->burst_asked && FIRST << loop->burst_vain < FIRST_MAX)
        loop->burst_vain++;
    loop->burst_length = 0;
    loop->burst_store = NULL;
    store->driver->rest(store->common);
    oxypy_store_unref(store);
}
