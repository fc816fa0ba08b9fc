/* SPDX-License-Identifier: MIT */
/* Any cell as any kind of column through the SQLite codec. What decodes must
 * encode again, and the stored form must decode to a value that is stored the
 * same way. The first bytes choose cell and type, the rest is the content. */
#include <oxyde/value.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static oxy_cell make_cell(unsigned tag, const uint8_t *data, size_t size)
{
    oxy_cell cell = {.tag = (uint8_t)tag};
    uint64_t bits = 0;

    switch ((oxy_cell_tag)tag) {
    case OXY_C_INT:
    case OXY_C_UINT:
    case OXY_C_DOUBLE:
        memcpy(&bits, data, size < sizeof bits ? size : sizeof bits);
        memcpy(&cell.i, &bits, sizeof bits);
        break;
    default:
        cell.p = (const char *)data;
        cell.len = (uint32_t)size;
        break;
    }
    return cell;
}

/* The cell that SQLite would hand back for an encoded value. */
static oxy_cell stored_cell(const oxy_value *v)
{
    switch ((oxy_tag)v->tag) {
    case OXY_V_NULL: return (oxy_cell){.tag = OXY_C_NULL};
    case OXY_V_INT: return (oxy_cell){.tag = OXY_C_INT, .i = v->i};
    case OXY_V_DOUBLE: return (oxy_cell){.tag = OXY_C_DOUBLE, .d = v->d};
    case OXY_V_TEXT: return (oxy_cell){.tag = OXY_C_TEXT, .p = v->s.p, .len = (uint32_t)v->s.len};
    case OXY_V_BLOB: return (oxy_cell){.tag = OXY_C_BLOB, .p = v->s.p, .len = (uint32_t)v->s.len};
    default: abort();
    }
}

/* Bit for bit: -0.0 is not 0.0. */
static bool same_double(double a, double b)
{
    uint64_t x, y;

    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x == y;
}

static bool same_stored(const oxy_value *a, const oxy_value *b)
{
    if (a->tag != b->tag)
        return false;
    switch ((oxy_tag)a->tag) {
    case OXY_V_NULL: return true;
    case OXY_V_INT: return a->i == b->i;
    case OXY_V_DOUBLE: return same_double(a->d, b->d);
    default: return oxy_sv_eq(a->s, b->s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oxy_value value, stored, again, stored_again;
    oxy_cell cell;
    oxy_arena arena;
    oxy_type type;
    oxy_err err;
    oxy_rc rc;

    if (size < 4)
        return 0;
    type = (oxy_type){
        .kind = (oxy_kind)(data[0] % OXY_K_COUNT),
        .elem = (oxy_kind)(data[1] % OXY_K_COUNT),
        .ndim = (uint8_t)(1 + data[2] % 3),
    };
    cell = make_cell(data[3] % (OXY_C_WIRE + 1), data + 4, size - 4);
    oxy_arena_init(&arena, oxy_alloc_default(), (size_t)16 << 20);
    rc = oxy_codec_sqlite.decode[type.kind](&cell, NULL, &type, &arena, &value, &err);
    require(rc == OXY_OK || rc == OXY_DATA || (rc == OXY_NOMEM && arena.failed));
    require(rc == OXY_OK || (err.rc == rc && err.message[0] != '\0'));
    if (rc == OXY_OK) {
        rc = oxy_codec_sqlite.encode(&value, &type, &arena, &stored, &err);
        /* Unsigned numbers, infinities in lists and NaN can be read only. */
        require(rc == OXY_OK || rc == OXY_DATA || (rc == OXY_NOMEM && arena.failed));
    }
    if (rc == OXY_OK) {
        cell = stored_cell(&stored);
        rc = oxy_codec_sqlite.decode[type.kind](&cell, NULL, &type, &arena, &again, &err);
        require(rc == OXY_OK || (rc == OXY_NOMEM && arena.failed));
    }
    if (rc == OXY_OK) {
        rc = oxy_codec_sqlite.encode(&again, &type, &arena, &stored_again, &err);
        require(rc == OXY_OK || (rc == OXY_NOMEM && arena.failed));
        require(rc != OXY_OK || same_stored(&stored, &stored_again));
    }
    oxy_arena_fini(&arena);
    return 0;
}
