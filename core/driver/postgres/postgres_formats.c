/* SPDX-License-Identifier: MIT */
/* Texts asked for in text format, everything else in binary.
 *
 * The bytes of a text are the same in both, but the server makes the binary form in
 * a buffer of a kilobyte for each value: a join of 20,000 rows, three of its ten
 * columns texts, takes it 12.2 ms in binary and 10.8 like this. libpq asks for one
 * format for all columns. So the formats are put into its Bind message while that
 * lies in libpq's buffer of what is to be sent, which follows the one that
 * postgres_direct.c has found. Only where every byte of the three messages of the
 * statement is as expected; else all columns come in binary, as libpq asks for. */
#include "postgres.h"

#include <string.h>

/* Behind the window in libpq's connection. Offsets into p. */
typedef struct outgoing {
    char *p;
    int size, count;
    int message_start, message_end; /* of the one that is being made */
} outgoing;

#define OUT_SIZE 16384 /* at first; doubled as needed */

/* What follows Bind: Describe of the portal without a name, and its Execute. */
static const char behind[] = "D\0\0\0\6P\0E\0\0\0\11\0\0\0\0";
#define BEHIND (sizeof behind) /* its last zero byte is the terminator */
/* What ends Bind: one format for all columns, binary. */
static const char all_binary[] = {0, 1, 0, 1};

static outgoing *buffer_of(const oxy__pg *c)
{
    outgoing *out = (outgoing *)(void *)(c->window + 1);

    return out->p && (uintptr_t)out->p % sizeof(char *) == 0 && out->size >= OUT_SIZE && out->count >= 0 &&
                   out->count <= out->size
               ? out
               : NULL;
}

/* The types whose bytes are the same in both formats, whatever the encoding. */
static bool is_text(Oid oid)
{
    switch (oid) {
    case 19:   /* name */
    case 25:   /* text */
    case 114:  /* json */
    case 1042: /* character(n) */
    case 1043: /* character varying */ return true;
    default: return false;
    }
}

static void put16(char *p, uint32_t n)
{
    p[0] = (char)(n >> 8);
    p[1] = (char)n;
}

bool oxy__pg_has_texts(const oxy__pg_stmt *s)
{
    for (uint32_t i = 0; i < s->n_cols; i++)
        if (is_text(s->types[i]))
            return true;
    return false;
}

int oxy__pg_outgoing(const oxy__pg *c)
{
    const outgoing *out = c->window ? buffer_of(c) : NULL;

    return out ? out->count : -1;
}

/* The length of the Bind message at p, with its type; 0: that is not it, or something
 * else than the rest of the statement is behind it. */
static size_t bind_at(const char *p, size_t n, const char *name)
{
    const size_t head = 5, named = strlen(name) + 1; /* behind the head: the portal's name, which is empty */
    size_t len;

    if (n < head + 1 + named + sizeof all_binary + BEHIND)
        return 0;
    len = n - BEHIND;
    return p[0] == 'B' && oxy__pg_u32(p + 1) == len - 1 && p[head] == '\0' && memcmp(p + head + 1, name, named) == 0 &&
                   memcmp(p + len - sizeof all_binary, all_binary, sizeof all_binary) == 0 &&
                   memcmp(p + len, behind, BEHIND) == 0
               ? len
               : 0;
}

void oxy__pg_ask_for_texts(oxy__pg *c, const oxy__pg_stmt *s, const char *name, int before)
{
    outgoing *out = before >= 0 && c->window ? buffer_of(c) : NULL;
    const size_t more = 2 * (size_t)s->n_cols - 2;
    size_t len, total;
    char *p, *at;

    if (!out || out->message_end != out->count || out->count <= before || more > (size_t)(out->size - out->count))
        return; /* some of it may have been sent already */
    p = out->p + before;
    len = bind_at(p, (size_t)(out->count - before), name);
    if (!len)
        return;
    at = p + len - sizeof all_binary;
    memmove(p + len + more, p + len, BEHIND);
    put16(at, s->n_cols);
    for (uint32_t i = 0; i < s->n_cols; i++)
        put16(at + 2 + 2 * (size_t)i, is_text(s->types[i]) ? 0 : 1);
    total = len - 1 + more;
    put16(p + 1, (uint32_t)(total >> 16));
    put16(p + 3, (uint32_t)total & 0xffff);
    out->count += (int)more;
    out->message_end = out->count;
}
