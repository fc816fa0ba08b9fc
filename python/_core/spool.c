/* SPDX-License-Identifier: MIT */
/* Spool: rows of a stream that were read before anybody asked for them, because
 * its connection was needed for something else. The first of them lie in memory;
 * beyond one block they go to a file without a name, and come back from there
 * block by block. Written first, then read, never both. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkostemp */
#endif
#include "runtime_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 20) /* in memory; one row alone may be larger */

/* A row: its length (of what follows), then per cell the tag and, unless NULL,
 * 8 bytes, or a length and as many bytes. */
typedef uint32_t row_len;

struct oxypy_spool {
    oxy_arena memory; /* of cols and cells */
    oxy_coldesc *cols;
    oxy_cell *cells;
    uint32_t n;
    char *block;
    size_t cap, start, end; /* of block: what lies there is start to end */
    int fd;                 /* -1: everything lies in block */
    off_t written, read;    /* of the file */
    bool reading;
};

oxypy_spool *oxypy_spool_new(void)
{
    oxypy_spool *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    oxy_arena_init(&s->memory, oxy_alloc_default(), SIZE_MAX / 4);
    s->fd = -1;
    return s;
}

void oxypy_spool_free(oxypy_spool *s)
{
    if (s == NULL)
        return;
    if (s->fd >= 0)
        (void)close(s->fd);
    oxy_arena_fini(&s->memory);
    free(s->block);
    free(s);
}

/* --- the file -------------------------------------------------------------------- */

static oxy_rc file_failed(oxy_err *err, const char *what)
{
    return oxy_err_set(err, OXY_OPERATIONAL, "rows of a stream cannot be kept aside: %s: %s", what, strerror(errno));
}

static oxy_rc open_file(oxypy_spool *s, oxy_err *err)
{
    const char *dir = getenv("TMPDIR");
    char path[PATH_MAX];
    int n;

    if (dir == NULL || *dir == '\0')
        dir = "/tmp";
    n = snprintf(path, sizeof path, "%s/oxyde-XXXXXX", dir);
    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return file_failed(err, "TMPDIR");
    }
    s->fd = mkostemp(path, O_CLOEXEC);
    if (s->fd < 0)
        return file_failed(err, dir);
    (void)unlink(path);
    return OXY_OK;
}

static oxy_rc flush(oxypy_spool *s, oxy_err *err)
{
    if (s->fd < 0 && open_file(s, err) != OXY_OK)
        return err->rc;
    while (s->start < s->end) {
        ssize_t n = write(s->fd, s->block + s->start, s->end - s->start);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return file_failed(err, "write");
        s->start += (size_t)n;
        s->written += n;
    }
    s->start = s->end = 0;
    return OXY_OK;
}

static oxy_rc make_room(oxypy_spool *s, size_t want, oxy_err *err)
{
    size_t cap = want > BLOCK ? want : BLOCK;
    char *block;

    if (want <= s->cap)
        return OXY_OK;
    block = realloc(s->block, cap);
    if (block == NULL)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    s->block = block;
    s->cap = cap;
    return OXY_OK;
}

/* At least want bytes from start on, as far as there are any. False: there are
 * fewer, or err is set. */
static bool fetch(oxypy_spool *s, size_t want, oxy_err *err)
{
    if (s->end - s->start >= want)
        return true;
    if (s->fd < 0)
        return false;
    memmove(s->block, s->block + s->start, s->end - s->start);
    s->end -= s->start;
    s->start = 0;
    if (make_room(s, want, err) != OXY_OK)
        return false;
    while (s->end < want && s->read < s->written) {
        ssize_t n = pread(s->fd, s->block + s->end, s->cap - s->end, s->read);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? EIO : errno;
            (void)file_failed(err, "read");
            return false;
        }
        s->end += (size_t)n;
        s->read += n;
    }
    return s->end >= want;
}

/* --- rows ------------------------------------------------------------------------ */

static bool is_text(const oxy_cell *cell)
{
    return cell->tag == OXY_C_TEXT || cell->tag == OXY_C_BLOB || cell->tag == OXY_C_WIRE;
}

static char *put(char *to, const void *from, size_t n)
{
    if (n > 0)
        memcpy(to, from, n);
    return to + n;
}

static bool copy_sv(oxypy_spool *s, oxy_sv *sv)
{
    sv->p = oxy_arena_copy(&s->memory, sv->p == NULL ? "" : sv->p, sv->len);
    return sv->p != NULL;
}

/* The columns belong to the connection, which will be busy with something else. */
static oxy_rc describe(oxypy_spool *s, const oxy_conn *conn, oxy_err *err)
{
    s->n = conn->n_cols;
    s->cols = oxy_arena_zero(&s->memory, s->n == 0 ? 1 : s->n, sizeof *s->cols);
    s->cells = oxy_arena_zero(&s->memory, s->n == 0 ? 1 : s->n, sizeof *s->cells);
    if (s->cols == NULL || s->cells == NULL)
        return oxy_err_set(err, OXY_NOMEM, "out of memory");
    for (uint32_t i = 0; i < s->n; i++) {
        s->cols[i] = conn->cols[i];
        if (!copy_sv(s, &s->cols[i].name) || !copy_sv(s, &s->cols[i].decl))
            return oxy_err_set(err, OXY_NOMEM, "out of memory");
    }
    return OXY_OK;
}

oxy_rc oxypy_spool_add(oxypy_spool *s, const oxy_conn *conn, oxy_err *err)
{
    uint64_t body = 0;
    row_len len;
    char *p;

    if (s->cols == NULL && describe(s, conn, err) != OXY_OK)
        return err->rc;
    for (uint32_t i = 0; i < s->n; i++) {
        const oxy_cell *cell = &conn->cells[i];

        body += 1 + (cell->tag == OXY_C_NULL ? 0u : is_text(cell) ? sizeof cell->len + (uint64_t)cell->len : 8u);
    }
    if (body > UINT32_MAX - sizeof len)
        return oxy_err_set(err, OXY_OPERATIONAL, "rows of a stream cannot be kept aside: a row has 4 GiB or more");
    len = (row_len)body;
    if (s->end > 0 && s->end + sizeof len + len > BLOCK && flush(s, err) != OXY_OK)
        return err->rc;
    if (make_room(s, s->end + sizeof len + len, err) != OXY_OK)
        return err->rc;
    p = put(s->block + s->end, &len, sizeof len);
    for (uint32_t i = 0; i < s->n; i++) {
        const oxy_cell *cell = &conn->cells[i];

        p = put(p, &cell->tag, 1);
        if (is_text(cell)) {
            p = put(p, &cell->len, sizeof cell->len);
            p = put(p, cell->p, cell->len);
        } else if (cell->tag != OXY_C_NULL) {
            p = put(p, &cell->i, 8);
        }
    }
    s->end = (size_t)(p - s->block);
    return OXY_OK;
}

int oxypy_spool_next(oxypy_spool *s, oxypy_rowview *row, oxy_err *err)
{
    row_len len;
    const char *p;

    oxy_err_clear(err);
    if (!s->reading) {
        s->reading = true;
        if (s->fd >= 0 && flush(s, err) != OXY_OK)
            return -1;
    }
    if (!fetch(s, sizeof len, err))
        return err->rc == OXY_OK ? 0 : -1;
    memcpy(&len, s->block + s->start, sizeof len);
    if (!fetch(s, sizeof len + len, err))
        return -1;
    p = s->block + s->start + sizeof len;
    for (uint32_t i = 0; i < s->n; i++) {
        oxy_cell *cell = &s->cells[i];

        cell->tag = (uint8_t)*p++;
        cell->len = 0;
        cell->i = 0;
        if (is_text(cell)) {
            memcpy(&cell->len, p, sizeof cell->len);
            cell->p = p + sizeof cell->len;
            p = cell->p + cell->len;
        } else if (cell->tag != OXY_C_NULL) {
            memcpy(&cell->i, p, 8);
            p += 8;
        }
    }
    s->start += sizeof len + len;
    row->cells = s->cells;
    row->cols = s->cols;
    row->n = s->n;
    return 1;
}
