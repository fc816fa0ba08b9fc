/* SPDX-License-Identifier: MIT */
/* Frames of the log in one write each.
 *
 * SQLite writes a page of the log in two calls, its header of 24 bytes and then the page
 * right behind it. We hold the header back and write both at once. What is held never
 * waits for anything but the next call on this file, whatever it is, and that call fails
 * if it cannot be written; so each commit hears of its own failures. A crash in between
 * leaves less of a frame than before, which recovery drops by its checksum in either case.
 *
 * Headers are also written alone: a transaction that wrote some of its pages before its end
 * and changed them again writes anew, last of all, the checksums of its frames. Behind the
 * last of them no call needs to come, so what is held is only ever the header of a new
 * frame, right behind the last one.
 *
 * The format: https://sqlite.org/fileformat2.html#walformat. */
#include "sqlite.h"

#include <string.h>

#define HEADER 24
#define PAGE_MIN 512

static oxy__log *of(sqlite3_file *file)
{
    return (oxy__log *)(void *)(uintptr_t)file->pMethods;
}

/* What is held goes out by itself. */
static int flush(oxy__log *l)
{
    if (!l->held)
        return SQLITE_OK;
    l->held = false;
    return l->real->xWrite(l->file, l->frame, HEADER, l->at);
}

static int log_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    oxy__log *l = of(file);
    int rc;

    if (l->held && at == l->at + HEADER && n >= PAGE_MIN && (size_t)n <= l->page_size) {
        l->held = false;
        l->end = at + n;
        memcpy(l->frame + HEADER, bytes, (size_t)n);
        return l->real->xWrite(file, l->frame, HEADER + n, l->at);
    }
    rc = flush(l);
    if (rc != SQLITE_OK)
        return rc;
    if (n == HEADER && at == l->end) {
        memcpy(l->frame, bytes, HEADER);
        l->at = at;
        l->held = true;
        return SQLITE_OK;
    }
    l->end = at + n;
    return l->real->xWrite(file, bytes, n, at);
}

static int log_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 at)
{
    int rc = flush(of(file));

    return rc == SQLITE_OK ? of(file)->real->xRead(file, bytes, n, at) : rc;
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = flush(of(file));

    return rc == SQLITE_OK ? of(file)->real->xTruncate(file, size) : rc;
}

static int log_sync(sqlite3_file *file, int flags)
{
    int rc = flush(of(file));

    return rc == SQLITE_OK ? of(file)->real->xSync(file, flags) : rc;
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size)
{
    int rc = flush(of(file));

    return rc == SQLITE_OK ? of(file)->real->xFileSize(file, size) : rc;
}

/* From here on the file's place is SQLite's to use again. */
static int log_close(sqlite3_file *file)
{
    oxy__log *l = of(file);
    const sqlite3_io_methods *real = l->real;
    int rc = flush(l), closed;

    file->pMethods = real;
    l->real = NULL;
    closed = real->xClose(file);
    return rc == SQLITE_OK ? closed : rc;
}

oxy_rc oxy__log_place(oxy__sqlite *c, size_t page_size)
{
    oxy__log *l = &c->log;
    sqlite3_file *file = NULL;

    if (!c->wal || c->config.role == OXY__ROLE_READER || c->config.memory ||
        sqlite3_file_control(c->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK || !file ||
        !file->pMethods || file->pMethods->iVersion < 1 || file->pMethods->iVersion > 3)
        return OXY_OK;
    l->frame = oxy_alloc_new(c->base.alloc, HEADER + page_size);
    if (!l->frame)
        return OXY_NOMEM;
    l->page_size = page_size;
    l->real = file->pMethods;
    l->file = file;
    l->end = -1;
    memset(&l->methods, 0, sizeof l->methods);
    /* A log is neither shared memory nor mapped. */
    memcpy(&l->methods, file->pMethods, offsetof(sqlite3_io_methods, xShmMap));
    l->methods.iVersion = 1;
    l->methods.xClose = log_close;
    l->methods.xRead = log_read;
    l->methods.xWrite = log_write;
    l->methods.xTruncate = log_truncate;
    l->methods.xSync = log_sync;
    l->methods.xFileSize = log_size;
    file->pMethods = &l->methods;
    return OXY_OK;
}

/* A log that SQLite has closed is ours no more; see log_close. */
void oxy__log_remove(oxy__sqlite *c)
{
    oxy__log *l = &c->log;

    if (l->real) {
        (void)flush(l);
        l->file->pMethods = l->real;
        l->real = NULL;
    }
    oxy_alloc_free(c->base.alloc, l->frame);
}
