/* SPDX-License-Identifier: MIT */
/* tables: the tables that golden cases, shape tests and fuzzing query. */
#ifndef OXY_TESTS_TABLES_H
#define OXY_TESTS_TABLES_H

#include <oxyde/query.h>

#define TEXT_OF(literal) {"" literal, sizeof(literal) - 1}

static const oxy_column parcel_columns[] = {
    {.name = TEXT_OF("id"), .type = {.kind = OXY_K_INT}, .not_null = true, .primary_key = true, .generated = true},
    {.name = TEXT_OF("ref"), .type = {.kind = OXY_K_STRING, .size = 50}, .not_null = true},
    {.name = TEXT_OF("weight"), .type = {.kind = OXY_K_INT}, .not_null = true},
    {.name = TEXT_OF("price"), .type = {.kind = OXY_K_DECIMAL, .size = 10, .scale = 2, .has_scale = true}},
    {.name = TEXT_OF("sent"), .type = {.kind = OXY_K_DATETIME}},
    {.name = TEXT_OF("seen"), .type = {.kind = OXY_K_DATETIME_UTC}},
    {.name = TEXT_OF("due"), .type = {.kind = OXY_K_DATE}},
    {.name = TEXT_OF("at"), .type = {.kind = OXY_K_TIME}},
    {.name = TEXT_OF("remark"), .type = {.kind = OXY_K_STRING, .size = 255}},
    {.name = TEXT_OF("extra"), .type = {.kind = OXY_K_JSON}, .not_null = true},
    {.name = TEXT_OF("plain"), .type = {.kind = OXY_K_JSON, .db_type = TEXT_OF("json")}},
    {.name = TEXT_OF("marks"), .type = {.kind = OXY_K_ARRAY, .elem = OXY_K_STRING, .ndim = 1}, .not_null = true},
    {.name = TEXT_OF("grid"), .type = {.kind = OXY_K_ARRAY, .elem = OXY_K_INT, .ndim = 2}},
    {.name = TEXT_OF("grade"), .type = {.kind = OXY_K_ENUM, .name = TEXT_OF("grade_enum")}, .not_null = true},
    {.name = TEXT_OF("grades"),
     .type = {.kind = OXY_K_ARRAY, .elem = OXY_K_ENUM, .ndim = 1, .name = TEXT_OF("grade_enum")}},
    {.name = TEXT_OF("level"),
     .type = {.kind = OXY_K_ENUM, .name = TEXT_OF("level_enum"), .db_type = TEXT_OF("VARCHAR(10)")}},
    {.name = TEXT_OF("ok"), .type = {.kind = OXY_K_BOOL}, .not_null = true},
    {.name = TEXT_OF("ratio"), .type = {.kind = OXY_K_DOUBLE}},
    {.name = TEXT_OF("span"), .type = {.kind = OXY_K_TIMEDELTA}},
    {.name = TEXT_OF("token"), .type = {.kind = OXY_K_UUID}},
    {.name = TEXT_OF("body"), .type = {.kind = OXY_K_BLOB}},
    {.name = TEXT_OF("depot_id"), .type = {.kind = OXY_K_INT}},
};

static const oxy_column depot_columns[] = {
    {.name = TEXT_OF("id"), .type = {.kind = OXY_K_INT}, .not_null = true, .primary_key = true, .generated = true},
    {.name = TEXT_OF("label"), .type = {.kind = OXY_K_STRING, .size = 50}, .not_null = true},
    {.name = TEXT_OF("region_id"), .type = {.kind = OXY_K_INT}},
};

static const oxy_column region_columns[] = {
    {.name = TEXT_OF("id"), .type = {.kind = OXY_K_INT}, .not_null = true, .primary_key = true, .generated = true},
    {.name = TEXT_OF("code"), .type = {.kind = OXY_K_STRING, .size = 10}, .not_null = true},
};

/* A key of two columns. */
static const oxy_column link_columns[] = {
    {.name = TEXT_OF("parcel_id"), .type = {.kind = OXY_K_INT}, .not_null = true, .primary_key = true},
    {.name = TEXT_OF("label_id"), .type = {.kind = OXY_K_INT}, .not_null = true, .primary_key = true},
    {.name = TEXT_OF("since"), .type = {.kind = OXY_K_DATE}},
};

/* Names that need care: a schema, a quote, a reserved word. */
static const oxy_column bin_columns[] = {
    {.name = TEXT_OF("id"), .type = {.kind = OXY_K_INT}, .not_null = true, .primary_key = true, .generated = true},
    {.name = TEXT_OF("or\"der`x"), .type = {.kind = OXY_K_TEXT}},
    {.name = TEXT_OF("value"), .type = {.kind = OXY_K_JSON}},
    {.name = TEXT_OF("state"),
     .type = {.kind = OXY_K_ENUM, .name = TEXT_OF("state_enum"), .name_schema = TEXT_OF("stock")}},
};

static const oxy_table test_tables[] = {
    {.uid = 1, .name = TEXT_OF("parcels"), .columns = parcel_columns, .n_columns = OXY_COUNT(parcel_columns)},
    {.uid = 2, .name = TEXT_OF("depots"), .columns = depot_columns, .n_columns = OXY_COUNT(depot_columns)},
    {.uid = 3, .name = TEXT_OF("regions"), .columns = region_columns, .n_columns = OXY_COUNT(region_columns)},
    {.uid = 4, .name = TEXT_OF("links"), .columns = link_columns, .n_columns = OXY_COUNT(link_columns)},
    {.uid = 5,
     .name = TEXT_OF("bins"),
     .schema = TEXT_OF("stock"),
     .columns = bin_columns,
     .n_columns = OXY_COUNT(bin_columns)},
};

#endif
