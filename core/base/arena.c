/* SPDX-License-Identifier: MIT */
/* arena: bump allocation, freed as a whole.
 *
 * Blocks form a list from the newest to the oldest; pieces are cut from the
 * newest one only. A first block may lie in the caller's storage: it is never
 * freed, merely forgotten. `used` counts the bytes of heap blocks, so limit
 * bounds what the arena takes from the system, not what was asked of it. */
#include <oxyde/base.h>

#include "poison.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

enum {
    ALIGN = alignof(max_align_t),
    BLOCK_MIN = 4096 - 64,  /* of the first heap block; room for malloc's own header */
    BLOCK_MAX = 256 * 1024, /* growth stops doubling here */
    KEEP_MAX = 1024 * 1024  /* a larger block is not kept by reset */
};

struct oxy_arena_block {
    struct oxy_arena_block *older;
    size_t size;   /* bytes behind the header */
    bool borrowed; /* lies in the caller's storage */
};

static_assert((ALIGN & (ALIGN - 1)) == 0, "alignment is a power of two");

#define HEADER ((sizeof(struct oxy_arena_block) + ALIGN - 1) & ~(size_t)(ALIGN - 1))

static char *block_data(struct oxy_arena_block *block)
{
    return (char *)block + HEADER;
}

static void block_start(oxy_arena *a, struct oxy_arena_block *block)
{
    a->head = block;
    a->p = block_data(block);
    a->end = a->p + block->size;
    OXY__POISON(a->p, block->size);
}

static void block_drop(const oxy_alloc *alloc, struct oxy_arena_block *block)
{
    OXY__UNPOISON(block_data(block), block->size);
    if (!block->borrowed)
        oxy_alloc_free(alloc, block);
}

void oxy_arena_init(oxy_arena *a, const oxy_alloc *alloc, size_t limit)
{
    *a = (oxy_arena){.alloc = alloc, .limit = limit};
}

void oxy_arena_init_in(oxy_arena *a, const oxy_alloc *alloc, size_t limit, void *first, size_t size)
{
    uintptr_t skew = (uintptr_t)first & (ALIGN - 1);
    size_t skip = skew == 0 ? 0 : ALIGN - (size_t)skew;
    struct oxy_arena_block *block;

    oxy_arena_init(a, alloc, limit);
    if (first == NULL || size < skip + HEADER + ALIGN)
        return;
    block = (struct oxy_arena_block *)((char *)first + skip);
    *block = (struct oxy_arena_block){.size = (size - skip - HEADER) & ~(size_t)(ALIGN - 1), .borrowed = true};
    block_start(a, block);
}

void oxy_arena_reset(oxy_arena *a)
{
    struct oxy_arena_block *block, *older, *kept = NULL;

    /* The largest block of moderate size serves the next round alone. */
    for (block = a->head; block != NULL; block = block->older) {
        if ((block->borrowed || block->size <= KEEP_MAX) && (kept == NULL || block->size > kept->size))
            kept = block;
    }
    for (block = a->head; block != NULL; block = older) {
        older = block->older;
        if (block != kept)
            block_drop(a->alloc, block);
    }
    a->head = NULL;
    a->p = a->end = NULL;
    a->used = 0;
    a->failed = false;
    if (kept != NULL) {
        kept->older = NULL;
        a->used = kept->borrowed ? 0 : kept->size + HEADER;
        block_start(a, kept);
    }
}

void oxy_arena_fini(oxy_arena *a)
{
    struct oxy_arena_block *block, *older;

    for (block = a->head; block != NULL; block = older) {
        older = block->older;
        block_drop(a->alloc, block);
    }
    a->head = NULL;
    a->p = a->end = NULL;
    a->used = 0;
}

/* Starts a block with at least `need` bytes, which is a multiple of ALIGN. */
static bool arena_grow(oxy_arena *a, size_t need)
{
    size_t last = a->head == NULL ? 0 : a->head->size;
    size_t left = a->limit > a->used ? a->limit - a->used : 0;
    size_t size = last < BLOCK_MIN ? BLOCK_MIN : last >= BLOCK_MAX / 2 ? BLOCK_MAX : last * 2;
    struct oxy_arena_block *block;

    if (left < HEADER || need > left - HEADER)
        return false;
    if (size < need)
        size = need;
    if (size > left - HEADER)
        size = left - HEADER;
    size &= ~(size_t)(ALIGN - 1);
    block = oxy_alloc_new(a->alloc, HEADER + size);
    if (block == NULL)
        return false;
    *block = (struct oxy_arena_block){.older = a->head, .size = size};
    a->used += HEADER + size;
    block_start(a, block);
    return true;
}

void *oxy_arena_new(oxy_arena *a, size_t size)
{
    size_t need;
    char *piece;

    if (a->failed)
        return NULL;
    if (size > SIZE_MAX / 2)
        goto fail;
    need = ((size == 0 ? 1 : size) + OXY__REDZONE + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (need > (size_t)(a->end - a->p) && !arena_grow(a, need))
        goto fail;
    piece = a->p;
    a->p += need;
    OXY__UNPOISON(piece, size);
    return piece;
fail:
    a->failed = true;
    return NULL;
}

void *oxy_arena_zero(oxy_arena *a, size_t count, size_t size)
{
    size_t total;
    void *p;

    if (__builtin_mul_overflow(count, size, &total)) {
        a->failed = true;
        return NULL;
    }
    p = oxy_arena_new(a, total);
    if (p != NULL && total != 0)
        memset(p, 0, total);
    return p;
}

char *oxy_arena_copy(oxy_arena *a, const char *p, size_t len)
{
    char *copy = len == SIZE_MAX ? NULL : oxy_arena_new(a, len + 1);

    if (copy == NULL) {
        a->failed = true;
        return NULL;
    }
    if (len != 0)
        memcpy(copy, p, len);
    copy[len] = '\0';
    return copy;
}
