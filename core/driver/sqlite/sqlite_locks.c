/* SPDX-License-Identifier: MIT */
/* Read locks that are given back late.
 *
 * In WAL mode every read takes one of five shared locks and gives it back: two system
 * calls, close to half of what a read by key costs. In a burst of requests SQLite's
 * unlocking is only noted, and its next lock on the same slot granted from the note. To
 * everybody else it looks as if one more reader of this process were at work, so SQLite's
 * protocol goes on as it is: after each lock it compares the header in shared memory, so
 * a read sees what was committed before it. docs/internals/driver.md says when what is
 * kept is given back, and what holds for the logs of other processes.
 *
 * The slots are part of the file format: https://sqlite.org/walformat.html, 2.3.1. */
#include "sqlite.h"

#include <string.h>

#define SLOT_WRITE 0
#define SLOT_CHECKPOINT 1
#define SLOT_READ 3 /* reads the database alone; those after it read the log up to a mark */
#define NOTHING (-1)
#define MARKS 4 /* of the slots behind SLOT_READ; SQLite asks for each once before it reads */

#define LOCK_SHARED (SQLITE_SHM_LOCK | SQLITE_SHM_SHARED)
#define UNLOCK_SHARED (SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED)
#define LOCK_EXCLUSIVE (SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE)

static oxy__locks *of(sqlite3_file *file)
{
    return (oxy__locks *)(void *)(uintptr_t)file->pMethods;
}

/* With the lock, so that nobody finds the note gone and the slot still locked, and takes
 * that for its own. A failure to unlock leaves a lock that only closing the file ends;
 * SQLite does not look at what unlocking says either. */
static void let_go_locked(oxy__locks *l)
{
    if (l->kept != NOTHING)
        (void)l->real->xShmLock(l->file, l->kept, 1, UNLOCK_SHARED);
    l->kept = NOTHING;
}

static void let_go(oxy__locks *l)
{
    (void)pthread_mutex_lock(&l->lock);
    let_go_locked(l);
    (void)pthread_mutex_unlock(&l->lock);
}

/* The burst is over. */
static void let_member_go(oxy__member *m)
{
    oxy__locks *l = (oxy__locks *)(void *)((char *)m - offsetof(oxy__locks, member));

    (void)pthread_mutex_lock(&l->lock);
    let_go_locked(l);
    l->asked = l->refused = false;
    (void)pthread_mutex_unlock(&l->lock);
}

void oxy__locks_rest(oxy_common *common)
{
    oxy__common_tell(common, let_member_go);
}

static oxy_common *common_of(oxy__locks *l)
{
    return ((oxy__sqlite *)(void *)((char *)l - offsetof(oxy__sqlite, locks)))->common;
}

static int lock_shared(oxy__locks *l, int slot)
{
    bool has;

    l->refusals = 0;
    (void)pthread_mutex_lock(&l->lock);
    has = l->kept == slot;
    if (has)
        l->kept = NOTHING; /* it is SQLite's again */
    (void)pthread_mutex_unlock(&l->lock);
    if (has)
        return SQLITE_OK;
    let_go(l);
    return l->real->xShmLock(l->file, slot, 1, LOCK_SHARED);
}

/* A checkpoint in another process that has to wait for readers asks again after ever
 * longer pauses, and a reader that keeps its lock would hardly ever be found without.
 * So a burst begins with a look whether somebody is in one. */
static bool may_keep(oxy__locks *l)
{
    if (!l->asked) {
        l->asked = true;
        l->refused = l->real->xShmLock(l->file, SLOT_CHECKPOINT, 1, LOCK_SHARED) != SQLITE_OK;
        if (!l->refused)
            (void)l->real->xShmLock(l->file, SLOT_CHECKPOINT, 1, UNLOCK_SHARED);
    }
    return !l->refused;
}

static bool keep(oxy__locks *l, int slot)
{
    bool keeps;

    (void)pthread_mutex_lock(&l->lock);
    let_go_locked(l);
    keeps = may_keep(l);
    if (keeps)
        l->kept = slot;
    (void)pthread_mutex_unlock(&l->lock);
    return keeps;
}

/* Each commit makes the next read move its mark in the log, which takes a lock, an unlock
 * and another lock. Where every mark is somebody else's, SQLite reads with an older one:
 * that only lets a checkpoint copy less. So a writer in a burst keeps the mark it has,
 * which cannot be moved as long as it is locked. In a checkpoint the marks are asked for
 * to copy more, and there what is kept has to go. */
static bool keeps_its_mark(oxy__locks *l, int slot, int n)
{
    bool keeps;

    if (!l->keeping || !l->writing || l->checkpoints || n != 1 || slot <= SLOT_READ || l->refusals == MARKS)
        return false;
    l->refusals++; /* were there no mark to read with, SQLite would ask again: then it is its own */
    (void)pthread_mutex_lock(&l->lock);
    keeps = l->kept > SLOT_READ;
    (void)pthread_mutex_unlock(&l->lock);
    return keeps;
}

static int lock_exclusive(oxy__locks *l, int slot, int n)
{
    int rc;

    if (slot == SLOT_WRITE && n == 1)
        return l->real->xShmLock(l->file, slot, n, LOCK_EXCLUSIVE);
    if (keeps_its_mark(l, slot, n))
        return SQLITE_BUSY;
    /* A checkpoint, a recovery, a log that begins anew: nobody's reading must be in their
     * way that is over. */
    if (slot < SLOT_READ || n > 1)
        oxy__locks_rest(common_of(l));
    else
        let_go(l);
    rc = l->real->xShmLock(l->file, slot, n, LOCK_EXCLUSIVE);
    if (rc == SQLITE_OK && slot <= SLOT_CHECKPOINT && slot + n > SLOT_CHECKPOINT)
        l->checkpoints = true;
    return rc;
}

static int shm_lock(sqlite3_file *file, int slot, int n, int flags)
{
    oxy__locks *l = of(file);

    switch (flags) {
    case LOCK_SHARED:
        if (slot >= SLOT_READ && n == 1)
            return lock_shared(l, slot);
        break;
    case UNLOCK_SHARED:
        if (l->keeping && !l->checkpoints && slot >= SLOT_READ && n == 1 && keep(l, slot))
            return SQLITE_OK;
        break;
    case LOCK_EXCLUSIVE: return lock_exclusive(l, slot, n);
    default:
        if (slot <= SLOT_CHECKPOINT && slot + n > SLOT_CHECKPOINT)
            l->checkpoints = false;
        break;
    }
    return l->real->xShmLock(file, slot, n, flags);
}

static int shm_unmap(sqlite3_file *file, int remove)
{
    oxy__locks *l = of(file);

    let_go(l);
    return l->real->xShmUnmap(file, remove);
}

void oxy__locks_place(oxy__sqlite *c)
{
    oxy__locks *l = &c->locks;
    sqlite3_file *file = NULL;

    if (!c->wal || !c->common || c->config.memory || c->config.immutable ||
        sqlite3_file_control(c->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file || !file->pMethods)
        return;
    if (file->pMethods->iVersion < 2 || file->pMethods->iVersion > 3 || !file->pMethods->xShmLock)
        return;
    if (pthread_mutex_init(&l->lock, NULL))
        return;
    memset(&l->methods, 0, sizeof l->methods);
    memcpy(&l->methods, file->pMethods,
           file->pMethods->iVersion == 2 ? offsetof(sqlite3_io_methods, xFetch) : sizeof l->methods);
    l->methods.xShmLock = shm_lock;
    l->methods.xShmUnmap = shm_unmap;
    l->real = file->pMethods;
    l->file = file;
    l->kept = NOTHING;
    l->asked = l->refused = false;
    file->pMethods = &l->methods;
    oxy__common_join(c->common, &l->member);
}

void oxy__locks_remove(oxy__sqlite *c)
{
    oxy__locks *l = &c->locks;

    if (!l->real)
        return;
    oxy__common_leave(c->common, &l->member);
    let_go(l);
    l->file->pMethods = l->real;
    l->real = NULL;
    (void)pthread_mutex_destroy(&l->lock);
}
