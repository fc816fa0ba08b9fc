/* SPDX-License-Identifier: MIT */
/* Any bytes as a cell of any type of PostgreSQL, in both formats, as any kind.
 * What decodes as its own type must encode as that type again, in binary and, as
 * a list, in text, and read back as the same value. The first bytes choose type,
 * format and kind, the rest is the content. */
#include <oxyde/value.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint16_t oids[] = {16,   17,   18,   20,   21,   23,   25,   26,   114,  650,  700,  701,
                                790,  869,  1000, 1001, 1005, 1007, 1009, 1016, 1020, 1021, 1022, 1041,
                                1043, 1082, 1083, 1114, 1115, 1182, 1183, 1184, 1185, 1186, 1187, 1231,
                                1266, 1270, 1700, 2950, 2951, 3802, 3807, 651,  199,  3904, 0,    20000};

static void require(bool truth)
{
    if (!truth)
        abort();
}

static oxy_cell make_cell(uint32_t oid, bool text, const char *p, size_t size, oxy_coldesc *desc)
{
    oxy_pg_class class = oxy_pg_cell_class(oid);
    oxy_cell cell;

    desc->wire_type = oid;
    if (text) {
        desc->wire_flags |= OXY_PG_TEXT;
        return (oxy_cell){.tag = OXY_C_TEXT, .p = p, .len = (uint32_t)size};
    }
    if (class == OXY_PG_UNKNOWN || !oxy_pg_read_cell(class, p, (uint32_t)size, &cell))
        cell = (oxy_cell){.tag = OXY_C_WIRE, .p = p, .len = (uint32_t)size};
    return cell;
}

static bool same(const oxy_value *a, const oxy_value *b)
{
    uint64_t x, y;
    size_t i;

    if (a->tag != b->tag)
        return false;
    switch ((oxy_tag)a->tag) {
    case OXY_V_NULL: return true;
    case OXY_V_DOUBLE:
        memcpy(&x, &a->d, sizeof x);
        memcpy(&y, &b->d, sizeof y);
        return x == y || (a->d != a->d && b->d != b->d);
    case OXY_V_DECIMAL: return oxy_decimal_compare(a->s, b->s) == 0;
    case OXY_V_TEXT:
    case OXY_V_BLOB:
    case OXY_V_JSON: return oxy_sv_eq(a->s, b->s);
    case OXY_V_INET: return true; /* one address has several texts */
    case OXY_V_UUID: return memcmp(a->uuid, b->uuid, 16) == 0;
    case OXY_V_ARRAY:
        for (i = 0; i < a->array->n && i < b->array->n; i++) {
            if (!same(&a->array->items[i], &b->array->items[i]))
                return false;
        }
        return a->array->n == b->array->n;
    default: return a->i == b->i && a->tz == b->tz;
    }
}

/* Refusals and a full arena end the run; anything else is a defect. */
static bool passed(oxy_rc rc, const oxy_arena *arena, const oxy_err *err)
{
    require(rc == OXY_OK || rc == OXY_DATA || rc == OXY_VALUE || (rc == OXY_NOMEM && arena->failed));
    require(rc == OXY_OK || (err->rc == rc && err->message[0] != '\0'));
    return rc == OXY_OK;
}

/* Of four bytes: what no server writes may round. */
static bool is_float(uint32_t oid)
{
    return oid == 700 || oid == 1021;
}

/* jsonb (also in lists) keeps numbers, not how they are written; the server itself
 * writes no exponents. */
static bool rewritten(const oxy_value *v, uint32_t oid)
{
    if (oid != 3802 && oid != 3807)
        return false;
    if (v->tag == OXY_V_JSON)
        return memchr(v->s.p, 'e', v->s.len) != NULL;
    for (size_t i = 0; v->tag == OXY_V_ARRAY && i < v->array->n; i++)
        if (rewritten(&v->array->items[i], oid))
            return true;
    return false;
}

static void comes_back(const oxy_value *v, uint32_t oid, oxy_arena *arena)
{
    oxy_type own = {.kind = OXY_K_UNKNOWN};
    oxy_coldesc desc = {0};
    oxy_value sent, back;
    oxy_cell cell;
    oxy_err err;
    bool text;

    if (!passed(oxy_pg_encode_as(v, oid, arena, &sent, &text, &err), arena, &err) || sent.tag == OXY_V_NULL)
        return;
    if (!text && oxy_pg_cell_class(oid) == OXY_PG_UNKNOWN) /* an empty list; results come as text */
        return;
    require(sent.tag == (text ? OXY_V_TEXT : OXY_V_WIRE) && (!text || sent.s.p[sent.s.len] == '\0'));
    cell = make_cell(oid, text, sent.s.p, sent.s.len, &desc);
    if (passed(oxy_codec_postgres.decode[OXY_K_UNKNOWN](&cell, &desc, &own, arena, &back, &err), arena, &err))
        require(same(v, &back) || text || is_float(oid) || rewritten(v, oid));
    else
        require(arena->failed || text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oxy_coldesc desc = {0};
    oxy_arena arena;
    oxy_cell cell;
    oxy_value v;
    oxy_type type;
    uint32_t oid;
    oxy_err err;
    bool text;

    if (size < 4)
        return 0;
    oid = oids[data[0] % OXY_COUNT(oids)];
    text = (data[3] & 1) != 0;
    desc.wire_flags = (data[3] & 2) != 0 ? OXY_PG_ARRAY : 0;
    type = (oxy_type){
        .kind = (oxy_kind)(data[1] % OXY_K_COUNT),
        .elem = (oxy_kind)(data[2] % OXY_K_COUNT),
        .ndim = 1,
    };
    cell = make_cell(oid, text, (const char *)data + 4, size - 4, &desc);
    oxy_arena_init(&arena, oxy_alloc_default(), (size_t)16 << 20);
    if (passed(oxy_codec_postgres.decode[type.kind](&cell, &desc, &type, &arena, &v, &err), &arena, &err)) {
        oxy_value out;

        (void)passed(oxy_codec_postgres.encode(&v, &type, &arena, &out, &err), &arena, &err);
        (void)oxy_pg_param_oid(&v, oid);
        if (type.kind == OXY_K_UNKNOWN && oid != 0)
            comes_back(&v, oid, &arena);
    }
    oxy_arena_fini(&arena);
    return 0;
}
