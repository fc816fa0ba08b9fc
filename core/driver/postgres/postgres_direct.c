/* SPDX-License-Identifier: MIT */
/* Rows straight from libpq's buffer of what it has received.
 *
 * libpq copies every value into its result and shows no row before the last has
 * come: that is a third of what reading 1,000 rows costs, and the time in which
 * the server makes rows passes idly. So where the rows of a read lie complete in
 * libpq's input buffer, they are taken from there, and libpq goes on behind
 * them. It sees each message but those: columns, the end, errors, notices.
 *
 * libpq shows this buffer to nobody. Its place in the connection is looked for
 * once, while an answer is read, and taken only if everything is as expected:
 * the five fields in their order, a buffer of at least its first size, with just
 * the bytes in it that the socket had. On another system or version, and wherever
 * something is odd, rows come through PGresult, as those of statements that write
 * always do. */
#include "postgres.h"

#include <string.h>
#include <sys/socket.h>

#if defined(__GLIBC__) && !defined(OXY_PG_WITHOUT_DIRECT)
#include <malloc.h>
#define ROOM_OF(p) malloc_usable_size(p)
#else
#define ROOM_OF(p) ((size_t)0)
#endif

/* Versions of libpq whose connection was looked at. */
#define FIRST_VERSION 150000
#define END_VERSION 160000
#define FIRST_SIZE 16384 /* of the buffer; doubled as needed */

#define HEAD 5 /* type and length in front of each message; the length counts itself */

/* --- finding it ------------------------------------------------------------------------ */

void oxy__pg_look(oxy__pg *c)
{
    ssize_t n;

    if (c->window || c->looks >= OXY__PG_LOOKS || PQlibVersion() < FIRST_VERSION || PQlibVersion() >= END_VERSION ||
        PQsslInUse(c->pq) || PQgssEncInUse(c->pq))
        return;
    n = recv(PQsocket(c->pq), c->looked, sizeof c->looked, MSG_PEEK | MSG_DONTWAIT);
    if (n == (ssize_t)sizeof c->looked)
        c->looking = true;
}

void oxy__pg_found(oxy__pg *c)
{
    const size_t room = c->looking ? ROOM_OF(c->pq) : 0;
    oxy__pg_window *found = NULL, *at;

    if (!c->looking)
        return;
    c->looking = false;
    c->looks++;
    for (size_t i = 0; i + sizeof *at <= room; i += sizeof(char *)) {
        at = (oxy__pg_window *)(void *)((char *)c->pq + i);
        /* Its outgoing buffer looks alike; it has other bytes. */
        if (at->p && at->size >= FIRST_SIZE && at->start == 0 && at->cursor == 0 && at->end <= at->size &&
            at->end >= (int)sizeof c->looked && (uintptr_t)at->p % sizeof(char *) == 0 &&
            memcmp(at->p, c->looked, sizeof c->looked) == 0) {
            if (found)
                return;
            found = at;
        }
    }
    c->window = found;
}

/* --- messages ----------------------------------------------------------------------------- */

/* Bytes of the message at offset `at`; 0 if it is not complete, or none. */
static inline int message(const oxy__pg_window *w, int at)
{
    uint32_t len;

    if (w->end - at < HEAD)
        return 0;
    len = oxy__pg_u32(w->p + at + 1);
    return len < HEAD - 1 || len > (uint32_t)(w->end - at - 1) ? 0 : (int)len + 1;
}

static inline bool row_waits(const oxy__pg_window *w)
{
    return w->start < w->end && w->p[w->start] == 'D' && message(w, w->start) != 0;
}

/* Whether rows of this command may be taken before libpq sees them. A named
 * statement has the columns that were described. What writes tells its rows when
 * it has succeeded. */
static bool may_take(const oxy__pg *c, const oxy__pg_unit *u)
{
    const oxy__pg_run *run = u->run;

    return c->window && run && run == c->head && u->kind == OXY__PG_U_EXECUTE && run->stmt && run->stmt->number &&
           !(run->req.flags & (OXY_REQ_WRITE | OXY_REQ_WHOLE)) && c->phase == OXY__PG_USABLE && !run->failure &&
           !run->batch && PQstatus(c->pq) == CONNECTION_OK;
}

/* Lets libpq go on up to the next row. */
bool oxy__pg_busy(oxy__pg *c, const oxy__pg_unit *u)
{
    oxy__pg_window *w = c->window;

    while (may_take(c, u)) {
        int at = w->start, all = w->end, step;
        bool columns = false, busy;

        if (at < 0 || at > all || all > w->size || w->cursor < at) {
            c->window = NULL;
            break;
        }
        if (u->run->direct && row_waits(w)) {
            u->run->row_waits = true;
            return true;
        }
        while (at < all && w->p[at] != 'D' && (step = message(w, at)) != 0) {
            columns |= w->p[at] == 'T';
            at += step;
        }
        if (at == w->start)
            break; /* nothing, or not complete */
        w->end = at;
        busy = PQisBusy(c->pq) != 0;
        w->end = all;
        if (!busy)
            return false;
        if (w->start != at)
            break;
        u->run->direct |= columns;
        if (!u->run->direct)
            break; /* libpq has the rows before */
    }
    return PQisBusy(c->pq) != 0;
}

/* --- rows ----------------------------------------------------------------------------------- */

bool oxy__pg_next_row(oxy__pg *c, oxy__pg_run *run)
{
    const oxy__pg_window *w = c->window;

    run->row_waits = run->direct && w && run->stage == OXY__PG_SENT && c->phase == OXY__PG_USABLE && row_waits(w);
    return run->row_waits;
}

bool oxy__pg_lend(oxy__pg *c, oxy__pg_run *run)
{
    const oxy__pg_window *w = c->window;
    const oxy__pg_stmt *s = run->stmt;
    int len = message(w, w->start);
    const char *p = w->p + w->start + HEAD, *end = w->p + w->start + len;

    if (end - p < 2 || ((uint32_t)(unsigned char)p[0] << 8 | (unsigned char)p[1]) != s->n_cols)
        return false;
    p += 2;
    for (uint32_t i = 0; i < s->n_cols; i++) {
        oxy_cell *cell = &c->row[i];
        uint32_t n;

        if (end - p < 4)
            return false;
        n = oxy__pg_u32(p);
        p += 4;
        if (n == UINT32_MAX) {
            cell->tag = OXY_C_NULL;
            cell->len = 0;
            cell->p = NULL;
            continue;
        }
        if (n > (size_t)(end - p))
            return false;
        s->cells[i](p, (int)n, cell);
        p += n;
    }
    if (p != end)
        return false;
    c->lent = len;
    run->row_waits = false;
    run->rows_out = true;
    return true;
}

void oxy__pg_give_back(oxy__pg *c)
{
    if (c->lent && c->window && c->lent <= c->window->end - c->window->start) {
        c->window->start += c->lent;
        c->window->cursor = c->window->start;
    }
    c->lent = 0;
}
