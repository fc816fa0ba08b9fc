/* SPDX-License-Identifier: MIT */
/* Rows of one call: an array of pointers into blocks that grow, all freed together. */
#include "floor.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 2048, LARGEST_BLOCK = 256 * 1024, FIRST_ROWS = 16 };

struct floor_block {
    floor_block *older;
    size_t size;
    _Alignas(max_align_t) unsigned char bytes[];
};

void *floor_rows_take(floor_rows *rows, size_t n)
{
    n = (n + 7) & ~(size_t)7;
    if (!rows->block || rows->block->size - rows->used < n) {
        size_t size = rows->block ? rows->block->size * 2 : FIRST_BLOCK;
        floor_block *block;

        if (size > LARGEST_BLOCK)
            size = LARGEST_BLOCK;
        if (size < n)
            size = n;
        block = malloc(sizeof *block + size);
        if (!block)
            return NULL;
        block->older = rows->block;
        block->size = size;
        rows->block = block;
        rows->used = 0;
    }
    rows->used += n;
    return rows->block->bytes + rows->used - n;
}

static floor_row *object(floor_rows *rows, size_t n_cells)
{
    size_t size = sizeof(floor_row) + n_cells * sizeof(floor_cell);
    floor_row *row = floor_rows_take(rows, size);

    return row ? memset(row, 0, size) : NULL;
}

floor_row *floor_rows_add(floor_rows *rows, const floor_columns *columns)
{
    floor_row *row;

    if (rows->n == rows->capacity) {
        size_t capacity = rows->capacity ? rows->capacity * 2 : FIRST_ROWS;
        floor_row **more = realloc(rows->rows, capacity * sizeof *more);

        if (!more)
            return NULL;
        rows->rows = more;
        rows->capacity = capacity;
    }
    row = object(rows, columns->own);
    if (!row)
        return NULL;
    if (columns->own < columns->n && !(row->related = object(rows, columns->n - columns->own)))
        return NULL;
    return rows->rows[rows->n++] = row;
}

bool floor_rows_text(floor_rows *rows, floor_cell *cell, const char *text, size_t n)
{
    char *copy = n < UINT32_MAX ? floor_rows_take(rows, n + 1) : NULL;

    if (!copy)
        return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    cell->text = copy;
    cell->n = (uint32_t)n;
    return true;
}

void floor_rows_free(floor_rows *rows)
{
    while (rows->block) {
        floor_block *older = rows->block->older;

        free(rows->block);
        rows->block = older;
    }
    free(rows->rows);
    *rows = (floor_rows){0};
}
