/* SPDX-License-Identifier: MIT */
/* alloc: the one door to memory. Sizes are checked here, so that nobody else
 * multiplies a count by a size without looking. */
#include <oxyde/base.h>

#include <stdlib.h>
#include <string.h>

static void *default_realloc(void *ctx, void *p, size_t size)
{
    (void)ctx;
    if (size == 0) {
        free(p);
        return NULL;
    }
    return realloc(p, size);
}

static const oxy_alloc default_alloc = {.realloc = default_realloc, .ctx = NULL};

const oxy_alloc *oxy_alloc_default(void)
{
    return &default_alloc;
}

void *oxy_alloc_new(const oxy_alloc *a, size_t size)
{
    return size == 0 ? NULL : a->realloc(a->ctx, NULL, size);
}

void *oxy_alloc_zero(const oxy_alloc *a, size_t count, size_t size)
{
    size_t total;
    void *p;

    if (__builtin_mul_overflow(count, size, &total) || total == 0)
        return NULL;
    p = a->realloc(a->ctx, NULL, total);
    if (p != NULL)
        memset(p, 0, total);
    return p;
}

void *oxy_alloc_resize(const oxy_alloc *a, void *p, size_t size)
{
    /* Size 0 is a failure like any other and leaves p to its owner: a caller
     * that frees p after NULL must not free it twice. */
    return size == 0 ? NULL : a->realloc(a->ctx, p, size);
}

void oxy_alloc_free(const oxy_alloc *a, void *p)
{
    if (p != NULL)
        (void)a->realloc(a->ctx, p, 0);
}
