/* SPDX-License-Identifier: MIT */
/* Rows that are handed out as they come, from what the library has read ahead.
 *
 * It reads up to 16 KB of the socket at a time into a cache and hands out one packet
 * a call: with the switch to the call's own stack, the copy and a walk over columns
 * that nobody bound, a row of four cells takes 2,000 instructions. Whole row packets
 * that lie in the cache are taken from there instead; a packet that is not whole, an
 * end, an error and everything else are the library's.
 *
 * The cache is described by the library's header for its plugins. Whether the library
 * in use has it there is seen by a field behind it, which names the connection. */
#include "mysql_conn.h"

#include <ma_pvio.h>

#define HEADER 4 /* of a packet: three bytes of length, one of its number */
#define LONGEST 0xffffffu

static bool is_known(const MYSQL *m, const MARIADB_PVIO *io)
{
    return io && io->mysql == m && !m->net.compress && io->cache && io->cache_pos >= io->cache &&
           io->cache_size <= PVIO_READ_AHEAD_CACHE_SIZE && io->cache_pos <= io->cache + PVIO_READ_AHEAD_CACHE_SIZE;
}

bool oxy__my_ahead(oxy__mysql *c, const uint8_t **row, size_t *len)
{
    NET *net = &c->mysql->net;
    MARIADB_PVIO *io = net->pvio;
    const uint8_t *p, *end;
    size_t size;

    if (!is_known(c->mysql, io))
        return false;
    p = io->cache_pos;
    end = io->cache + io->cache_size;
    if (end < p || end - p < HEADER + 1)
        return false;
    size = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
    if (size == 0 || size == LONGEST || size > (size_t)(end - p) - HEADER || p[3] != (uint8_t)net->pkt_nr ||
        p[HEADER] != 0)
        return false;
    io->cache_pos += HEADER + size;
    net->compress_pkt_nr = ++net->pkt_nr;
    *row = p + HEADER;
    *len = size;
    c->n_ahead++;
    return true;
}
