/* SPDX-License-Identifier: MIT */
/* mysql_cases: columns and binary cells as MySQL sends them. */
#ifndef OXY_TESTS_MYSQL_CASES_H
#define OXY_TESTS_MYSQL_CASES_H

#define TEST_CODEC oxy_codec_mysql
#include "codec_cases.h"

/* Of the protocol; written out, for the codec's own list is what is tested. */
enum {
    T_TINY = 1,
    T_SHORT = 2,
    T_LONG = 3,
    T_FLOAT = 4,
    T_DOUBLE = 5,
    T_TIMESTAMP = 7,
    T_LONGLONG = 8,
    T_INT24 = 9,
    T_DATE = 10,
    T_TIME = 11,
    T_DATETIME = 12,
    T_YEAR = 13,
    T_BIT = 16,
    T_VECTOR = 242,
    T_JSON = 245,
    T_NEWDECIMAL = 246,
    T_BLOB = 252,
    T_VAR_STRING = 253,
    T_STRING = 254,
    T_GEOMETRY = 255
};
enum { FLAG_UNSIGNED = 32, FLAG_ENUM = 256, FLAG_SET = 2048 };

/* The cells that follow are of such a column. */
static inline void column(uint32_t type, uint32_t flags)
{
    static oxy_coldesc desc;

    desc = (oxy_coldesc){.wire_type = type, .wire_flags = flags};
    described = &desc;
}

static inline oxy_cell cell_wire(const char *p, uint32_t len)
{
    return (oxy_cell){.tag = OXY_C_WIRE, .p = p, .len = len};
}

#define WIRE(bytes) cell_wire(bytes, sizeof(bytes) - 1)

/* What the server sends for a stored value, in room of 16 bytes. */
static inline oxy_cell sent_back(const oxy_value *v, unsigned char room[16])
{
    oxy_civil c;
    uint64_t span;

    switch ((oxy_tag)v->tag) {
    case OXY_V_NULL: return (oxy_cell){.tag = OXY_C_NULL};
    case OXY_V_INT: column(T_LONGLONG, 0); return cell_int(v->i);
    case OXY_V_UINT: column(T_LONGLONG, FLAG_UNSIGNED); return cell_uint(v->u);
    case OXY_V_DOUBLE: column(T_DOUBLE, 0); return cell_double(v->d);
    case OXY_V_TEXT:
        column(v->wire == OXY_MYSQL_NEWDECIMAL ? T_NEWDECIMAL : T_VAR_STRING, 0);
        return (oxy_cell){.tag = OXY_C_TEXT, .p = v->s.p, .len = (uint32_t)v->s.len};
    case OXY_V_BLOB: column(T_BLOB, OXY_MYSQL_BINARY); return cell_blob(v->s.p, (uint32_t)v->s.len);
    case OXY_V_DATE:
    case OXY_V_DATETIME:
        if (v->tag == OXY_V_DATE)
            oxy_civil_from_days(v->i, &c);
        else
            oxy_civil_from_micros(v->i, &c);
        column(v->tag == OXY_V_DATE ? T_DATE : T_DATETIME, OXY_MYSQL_BINARY);
        room[0] = (unsigned char)(c.year & 255);
        room[1] = (unsigned char)(c.year >> 8);
        room[2] = c.month;
        room[3] = c.day;
        room[4] = c.hour;
        room[5] = c.minute;
        room[6] = c.second;
        memcpy(room + 7, &c.micros, 4); /* tests run on little-endian machines */
        return cell_wire((const char *)room, c.micros != 0                                   ? 11
                                             : c.hour != 0 || c.minute != 0 || c.second != 0 ? 7
                                                                                             : 4);
    case OXY_V_TIME:
    case OXY_V_TIMEDELTA:
        column(T_TIME, OXY_MYSQL_BINARY);
        span = v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i;
        memset(room, 0, 16);
        room[0] = v->i < 0;
        room[1] = (unsigned char)(span / (uint64_t)DAY);
        room[5] = (unsigned char)(span / UINT64_C(3600000000) % 24);
        room[6] = (unsigned char)(span / 60000000 % 60);
        room[7] = (unsigned char)(span / 1000000 % 60);
        for (int i = 0; i < 4; i++)
            room[8 + i] = (unsigned char)(span % 1000000 >> 8 * i);
        return cell_wire((const char *)room, span == 0 ? 0 : span % 1000000 == 0 ? 8 : 12);
    default: fail_msg("tag %d is nothing that MySQL takes", v->tag); abort();
    }
}

#endif
