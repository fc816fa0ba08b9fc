/* SPDX-License-Identifier: MIT */
/* pg_types: what the built-in types of PostgreSQL are called, how their binary
 * form is handed out, and which array type belongs to which element type. */
#include "pg.h"

#include <string.h>

struct type {
    uint16_t oid, array;
    uint8_t class; /* oxy_pg_class */
    const char *name;
};

/* In the order of their OIDs. Types whose text form is wanted have no class. */
static const struct type types[] = {
    {PG_BOOL, 1000, OXY_PG_BOOL, "boolean"},
    {PG_BYTEA, 1001, OXY_PG_BYTES, "bytea"},
    {PG_CHAR, 1002, OXY_PG_CHARS, "\"char\""},
    {PG_NAME, 1003, OXY_PG_CHARS, "name"},
    {PG_INT8, 1016, OXY_PG_INT8, "bigint"},
    {PG_INT2, 1005, OXY_PG_INT2, "smallint"},
    {22, 1006, OXY_PG_UNKNOWN, "int2vector"},
    {PG_INT4, 1007, OXY_PG_INT4, "integer"},
    {24, 1008, OXY_PG_UNKNOWN, "regproc"},
    {PG_TEXT, 1009, OXY_PG_CHARS, "text"},
    {PG_OID, 1028, OXY_PG_OID, "oid"},
    {27, 1010, OXY_PG_UNKNOWN, "tid"},
    {PG_XID, 1011, OXY_PG_OID, "xid"},
    {PG_CID, 1012, OXY_PG_OID, "cid"},
    {30, 1013, OXY_PG_UNKNOWN, "oidvector"},
    {PG_JSON, 199, OXY_PG_CHARS, "json"},
    {PG_XML, 143, OXY_PG_CHARS, "xml"},
    {194, 0, OXY_PG_CHARS, "pg_node_tree"},
    {600, 1017, OXY_PG_UNKNOWN, "point"},
    {601, 1018, OXY_PG_UNKNOWN, "lseg"},
    {602, 1019, OXY_PG_UNKNOWN, "path"},
    {PG_BOX, 1020, OXY_PG_UNKNOWN, "box"},
    {604, 1027, OXY_PG_UNKNOWN, "polygon"},
    {628, 629, OXY_PG_UNKNOWN, "line"},
    {PG_CIDR, 651, OXY_PG_BINARY, "cidr"},
    {PG_FLOAT4, 1021, OXY_PG_FLOAT4, "real"},
    {PG_FLOAT8, 1022, OXY_PG_FLOAT8, "double precision"},
    {PG_UNKNOWN, 0, OXY_PG_CHARS, "unknown"},
    {718, 719, OXY_PG_UNKNOWN, "circle"},
    {774, 775, OXY_PG_UNKNOWN, "macaddr8"},
    {790, 791, OXY_PG_UNKNOWN, "money"},
    {829, 1040, OXY_PG_UNKNOWN, "macaddr"},
    {PG_INET, 1041, OXY_PG_BINARY, "inet"},
    {1033, 1034, OXY_PG_UNKNOWN, "aclitem"},
    {PG_BPCHAR, 1014, OXY_PG_CHARS, "character"},
    {PG_VARCHAR, 1015, OXY_PG_CHARS, "character varying"},
    {PG_DATE, 1182, OXY_PG_BINARY, "date"},
    {PG_TIME, 1183, OXY_PG_BINARY, "time"},
    {PG_TIMESTAMP, 1115, OXY_PG_BINARY, "timestamp"},
    {PG_TIMESTAMPTZ, 1185, OXY_PG_BINARY, "timestamptz"},
    {PG_INTERVAL, 1187, OXY_PG_BINARY, "interval"},
    {PG_TIMETZ, 1270, OXY_PG_BINARY, "timetz"},
    {1560, 1561, OXY_PG_UNKNOWN, "bit"},
    {1562, 1563, OXY_PG_UNKNOWN, "bit varying"},
    {PG_NUMERIC, 1231, OXY_PG_BINARY, "numeric"},
    {1790, 2201, OXY_PG_CHARS, "refcursor"},
    {2202, 2207, OXY_PG_UNKNOWN, "regprocedure"},
    {2203, 2208, OXY_PG_UNKNOWN, "regoper"},
    {2204, 2209, OXY_PG_UNKNOWN, "regoperator"},
    {2205, 2210, OXY_PG_UNKNOWN, "regclass"},
    {2206, 2211, OXY_PG_UNKNOWN, "regtype"},
    {2249, 2287, OXY_PG_UNKNOWN, "record"},
    {2275, 1263, OXY_PG_CHARS, "cstring"},
    {2278, 0, OXY_PG_CHARS, "void"},
    {PG_UUID, 2951, OXY_PG_BINARY, "uuid"},
    {2970, 2949, OXY_PG_UNKNOWN, "txid_snapshot"},
    {3220, 3221, OXY_PG_UNKNOWN, "pg_lsn"},
    {3614, 3643, OXY_PG_UNKNOWN, "tsvector"},
    {3615, 3645, OXY_PG_UNKNOWN, "tsquery"},
    {3642, 3644, OXY_PG_UNKNOWN, "gtsvector"},
    {3734, 3735, OXY_PG_UNKNOWN, "regconfig"},
    {3769, 3770, OXY_PG_UNKNOWN, "regdictionary"},
    {PG_JSONB, 3807, OXY_PG_BINARY, "jsonb"},
    {3904, 3905, OXY_PG_UNKNOWN, "int4range"},
    {3906, 3907, OXY_PG_UNKNOWN, "numrange"},
    {3908, 3909, OXY_PG_UNKNOWN, "tsrange"},
    {3910, 3911, OXY_PG_UNKNOWN, "tstzrange"},
    {3912, 3913, OXY_PG_UNKNOWN, "daterange"},
    {3926, 3927, OXY_PG_UNKNOWN, "int8range"},
    {4072, 4073, OXY_PG_UNKNOWN, "jsonpath"},
    {4089, 4090, OXY_PG_UNKNOWN, "regnamespace"},
    {4096, 4097, OXY_PG_UNKNOWN, "regrole"},
    {4191, 4192, OXY_PG_UNKNOWN, "regcollation"},
    {4451, 6150, OXY_PG_UNKNOWN, "int4multirange"},
    {4532, 6151, OXY_PG_UNKNOWN, "nummultirange"},
    {4533, 6152, OXY_PG_UNKNOWN, "tsmultirange"},
    {4534, 6153, OXY_PG_UNKNOWN, "tstzmultirange"},
    {4535, 6155, OXY_PG_UNKNOWN, "datemultirange"},
    {4536, 6157, OXY_PG_UNKNOWN, "int8multirange"},
    {5038, 5039, OXY_PG_UNKNOWN, "pg_snapshot"},
    {5069, 271, OXY_PG_UNKNOWN, "xid8"},
};

static const struct type *find(uint32_t oid)
{
    size_t low = 0, high = OXY_COUNT(types);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (types[middle].oid == oid)
            return &types[middle];
        if (types[middle].oid < oid)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Array types are in no order; a result's types are looked up once per statement. */
static const struct type *find_by_array(uint32_t oid)
{
    size_t i;

    for (i = 0; oid != 0 && i < OXY_COUNT(types); i++) {
        if (types[i].array == oid)
            return &types[i];
    }
    return NULL;
}

const char *oxy__pg_type_name(uint32_t oid)
{
    const struct type *type = find(oid);

    return type == NULL ? NULL : type->name;
}

uint32_t oxy__pg_array_oid(uint32_t elem)
{
    const struct type *type = find(elem);

    return type == NULL ? 0 : type->array;
}

uint32_t oxy_pg_elem_oid(uint32_t array_oid)
{
    const struct type *type = array_oid >= PG_FIRST_USER_OID ? NULL : find_by_array(array_oid);

    return type == NULL ? 0 : type->oid;
}

oxy_pg_class oxy_pg_cell_class(uint32_t oid)
{
    const struct type *type = find(oid);

    if (type != NULL)
        return (oxy_pg_class)type->class;
    type = oid >= PG_FIRST_USER_OID ? NULL : find_by_array(oid);
    return type != NULL && type->class != OXY_PG_UNKNOWN ? OXY_PG_BINARY : OXY_PG_UNKNOWN;
}

uint32_t oxy__pg_kind_oid(oxy_kind kind)
{
    /* JSON columns are JSONB unless the user named their type; kinds without a row
     * have no type of their own. */
    static const uint16_t oids[OXY_K_COUNT] = {
        [OXY_K_BOOL] = PG_BOOL,          [OXY_K_INT] = PG_INT8,
        [OXY_K_DOUBLE] = PG_FLOAT8,      [OXY_K_STRING] = PG_TEXT,
        [OXY_K_TEXT] = PG_TEXT,          [OXY_K_BLOB] = PG_BYTEA,
        [OXY_K_DATETIME] = PG_TIMESTAMP, [OXY_K_DATETIME_UTC] = PG_TIMESTAMPTZ,
        [OXY_K_DATE] = PG_DATE,          [OXY_K_TIME] = PG_TIME,
        [OXY_K_TIMEDELTA] = PG_INT8,     [OXY_K_INTERVAL] = PG_INTERVAL,
        [OXY_K_UUID] = PG_UUID,          [OXY_K_DECIMAL] = PG_NUMERIC,
        [OXY_K_INET] = PG_INET,          [OXY_K_CIDR] = PG_CIDR,
        [OXY_K_JSON] = PG_JSONB,         [OXY_K_JSONB] = PG_JSONB,
    };

    return (unsigned)kind < OXY_K_COUNT ? oids[kind] : 0;
}

/* --- cells ------------------------------------------------------------------------------- */

bool oxy_pg_read_cell(oxy_pg_class class, const char *p, uint32_t len, oxy_cell *out)
{
    uint64_t bits8;
    uint32_t bits4;
    float f;

    *out = (oxy_cell){.tag = OXY_C_INT};
    switch (class) {
    case OXY_PG_BOOL: out->i = len == 1 && *p != 0; return len == 1;
    case OXY_PG_INT2: out->i = len == 2 ? (int16_t)oxy__be16(p) : 0; return len == 2;
    case OXY_PG_INT4: out->i = len == 4 ? (int32_t)oxy__be32(p) : 0; return len == 4;
    case OXY_PG_OID: out->i = len == 4 ? (int64_t)oxy__be32(p) : 0; return len == 4;
    case OXY_PG_INT8: out->i = len == 8 ? (int64_t)oxy__be64(p) : 0; return len == 8;
    case OXY_PG_FLOAT4:
        out->tag = OXY_C_DOUBLE;
        bits4 = len == 4 ? oxy__be32(p) : 0;
        memcpy(&f, &bits4, sizeof f);
        out->d = oxy__double_of_float(f);
        return len == 4;
    case OXY_PG_FLOAT8:
        out->tag = OXY_C_DOUBLE;
        bits8 = len == 8 ? oxy__be64(p) : 0;
        memcpy(&out->d, &bits8, sizeof out->d);
        return len == 8;
    case OXY_PG_CHARS:
    case OXY_PG_BYTES:
    case OXY_PG_BINARY:
        out->tag = class == OXY_PG_CHARS ? OXY_C_TEXT : class == OXY_PG_BYTES ? OXY_C_BLOB : OXY_C_WIRE;
        out->p = p;
        out->len = len;
        return true;
    case OXY_PG_UNKNOWN: break;
    }
    return false;
}
