/* SPDX-License-Identifier: MIT */
/* Any cell of any type of column, as any kind, through the MySQL codec. What
 * decodes must encode again or be refused, and what was stored must read back
 * to a value that is stored the same way. The first bytes choose cell, column
 * and kind, the rest is the content. */
#include <oxyde/value.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { T_DOUBLE = 5, T_LONGLONG = 8, T_DATE = 10, T_TIME = 11, T_DATETIME = 12, T_BLOB = 252, T_VAR_STRING = 253 };

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

static void put_clock(uint8_t *p, uint64_t micros)
{
    p[0] = (uint8_t)(micros / UINT64_C(3600000000));
    p[1] = (uint8_t)(micros / 60000000 % 60);
    p[2] = (uint8_t)(micros / 1000000 % 60);
    for (int i = 0; i < 4; i++)
        p[3 + i] = (uint8_t)(micros % 1000000 >> 8 * i);
}

/* The short way to a day's parts agrees with the codec. */
static void require_same_day(const oxy_cell *cell, const oxy_coldesc *desc)
{
    const oxy_type moment = {.kind = OXY_K_DATETIME};
    oxy_arena scratch;
    oxy_value v;
    oxy_civil c;
    oxy_err err;
    bool decodes;

    if (cell->tag != OXY_C_WIRE)
        return;
    oxy_arena_init(&scratch, oxy_alloc_default(), 1u << 20);
    decodes = oxy_codec_mysql.decode[OXY_K_DATETIME](cell, desc, &moment, &scratch, &v, &err) == OXY_OK;
    require(oxy_mysql_civil(cell, desc, &c) == decodes);
    require(!decodes || oxy_micros_from_civil(&c) == v.i);
    oxy_arena_fini(&scratch);
}

/* What the server sends for a stored value, in a column made for it. */
static oxy_cell stored_cell(const oxy_value *v, oxy_coldesc *desc, uint8_t room[12])
{
    const uint64_t day = UINT64_C(86400000000);
    oxy_civil c;
    uint64_t span;

    *desc = (oxy_coldesc){.wire_type = T_VAR_STRING};
    switch ((oxy_tag)v->tag) {
    case OXY_V_NULL: return (oxy_cell){.tag = OXY_C_NULL};
    case OXY_V_INT: desc->wire_type = T_LONGLONG; return (oxy_cell){.tag = OXY_C_INT, .i = v->i};
    case OXY_V_UINT:
        desc->wire_type = T_LONGLONG;
        desc->wire_flags = OXY_MYSQL_UNSIGNED;
        return (oxy_cell){.tag = OXY_C_UINT, .i = (int64_t)v->u};
    case OXY_V_DOUBLE: desc->wire_type = T_DOUBLE; return (oxy_cell){.tag = OXY_C_DOUBLE, .d = v->d};
    case OXY_V_TEXT:
        require(v->wire == 0 || v->wire == OXY_MYSQL_NEWDECIMAL);
        if (v->wire != 0)
            desc->wire_type = v->wire;
        return (oxy_cell){.tag = OXY_C_TEXT, .p = v->s.p, .len = (uint32_t)v->s.len};
    case OXY_V_BLOB:
        desc->wire_type = T_BLOB;
        return (oxy_cell){.tag = OXY_C_BLOB, .p = v->s.p, .len = (uint32_t)v->s.len};
    case OXY_V_DATE:
    case OXY_V_DATETIME:
        desc->wire_type = v->tag == OXY_V_DATE ? T_DATE : T_DATETIME;
        if (v->tag == OXY_V_DATE)
            oxy_civil_from_days(v->i, &c);
        else
            oxy_civil_from_micros(v->i, &c);
        room[0] = (uint8_t)(c.year & 255);
        room[1] = (uint8_t)(c.year >> 8);
        room[2] = c.month;
        room[3] = c.day;
        put_clock(room + 4, ((uint64_t)(c.hour * 60 + c.minute) * 60 + c.second) * 1000000 + c.micros);
        return (oxy_cell){.tag = OXY_C_WIRE, .p = (const char *)room, .len = v->tag == OXY_V_DATE ? 4 : 11};
    case OXY_V_TIME:
    case OXY_V_TIMEDELTA:
        desc->wire_type = T_TIME;
        span = v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i;
        memset(room, 0, 12);
        room[0] = v->i < 0;
        room[1] = (uint8_t)(span / day);
        put_clock(room + 5, span % day);
        return (oxy_cell){.tag = OXY_C_WIRE, .p = (const char *)room, .len = 12};
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
    if (a->tag != b->tag || a->wire != b->wire)
        return false;
    switch ((oxy_tag)a->tag) {
    case OXY_V_NULL: return true;
    case OXY_V_DOUBLE: return same_double(a->d, b->d);
    case OXY_V_TEXT:
    case OXY_V_BLOB: return oxy_sv_eq(a->s, b->s);
    default: return a->i == b->i;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oxy_value value, stored, again, stored_again;
    oxy_coldesc desc;
    uint8_t room[12];
    oxy_cell cell;
    oxy_arena arena;
    oxy_type type;
    oxy_err err;
    oxy_rc rc;

    if (size < 7)
        return 0;
    type = (oxy_type){
        .kind = (oxy_kind)(data[0] % OXY_K_COUNT),
        .elem = (oxy_kind)(data[1] % OXY_K_COUNT),
        .ndim = (uint8_t)(1 + data[2] % 3),
        .compared = (data[2] & 128) != 0,
        .db_type = (data[2] & 64) != 0 ? oxy_sv_of("BIGINT UNSIGNED") : oxy_sv_of(""),
    };
    desc = (oxy_coldesc){
        .wire_type = data[3],
        .wire_flags = (uint32_t)data[4] << 4 | ((data[5] & 1) != 0 ? (uint32_t)OXY_MYSQL_JSON : 0),
    };
    cell = make_cell(data[6] % (OXY_C_WIRE + 1), data + 7, size - 7);
    require_same_day(&cell, &desc);
    oxy_arena_init(&arena, oxy_alloc_default(), (size_t)16 << 20);
    rc = oxy_codec_mysql.decode[type.kind](&cell, (data[5] & 2) != 0 ? NULL : &desc, &type, &arena, &value, &err);
    require(rc == OXY_OK || rc == OXY_DATA || (rc == OXY_NOMEM && arena.failed));
    require(rc == OXY_OK || (err.rc == rc && err.message[0] != '\0'));
    if (rc == OXY_OK) {
        rc = oxy_codec_mysql.encode(&value, &type, &arena, &stored, &err);
        /* Years before 1000, infinities, large numbers and NaN can be read only. */
        require(rc == OXY_OK || rc == OXY_DATA || (rc == OXY_NOMEM && arena.failed));
    }
    if (rc == OXY_OK) {
        cell = stored_cell(&stored, &desc, room);
        rc = oxy_codec_mysql.decode[type.kind](&cell, &desc, &type, &arena, &again, &err);
        require(rc == OXY_OK || (rc == OXY_NOMEM && arena.failed));
    }
    if (rc == OXY_OK) {
        rc = oxy_codec_mysql.encode(&again, &type, &arena, &stored_again, &err);
        require(rc == OXY_OK || (rc == OXY_NOMEM && arena.failed));
        require(rc != OXY_OK || same_stored(&stored, &stored_again));
    }
    oxy_arena_fini(&arena);
    return 0;
}
