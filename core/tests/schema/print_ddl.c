/* SPDX-License-Identifier: MIT */
/* print_ddl: statements for tests/sql_on_servers to run on real servers.
 *
 *   print_ddl DIALECT create|create-again|drop|drop-again golden|zoo
 *
 * golden: the tables of the golden cases. zoo: every kind of column, default,
 * key, index, check, enum and comment. Each statement ends in a NUL. */
#include "../sql/tables.h"

#include <oxyde/schema.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) {"" text, sizeof(text) - 1}
#define COUNT_OF(list) (uint32_t)(sizeof(list) / sizeof *(list))

/* --- the tables of the golden cases -------------------------------------------------- */

static const oxy_sv labels[] = {S("a"), S("b"), S("c"), S("x"), S("on"), S("it's \\ \"q\"")};

/* All but keys may be NULL, since the cases insert what they are about only. */
static oxy_column_def golden_column(const oxy_column *c)
{
    oxy_column_def def = {
        .name = c->name,
        .type = c->type,
        .nullable = !c->primary_key,
        .primary_key = c->primary_key,
        .python_int = c->generated,
        .unique = oxy_sv_eq(c->name, OXY_SV("ref")),
    };

    if (c->type.kind == OXY_K_ENUM || c->type.elem == OXY_K_ENUM)
        def.enum_values = (oxy_names){labels, COUNT_OF(labels)};
    return def;
}

static void golden_tables(oxy_table_def tables[], oxy_column_def columns[][32])
{
    for (uint32_t t = 0; t < COUNT_OF(test_tables); t++) {
        const oxy_table *from = &test_tables[t];

        for (uint32_t c = 0; c < from->n_columns; c++)
            columns[t][c] = golden_column(&from->columns[c]);
        tables[t] = (oxy_table_def){
            .name = from->name, .schema = from->schema, .columns = columns[t], .n_columns = from->n_columns};
    }
}

/* --- the zoo -------------------------------------------------------------------------- */

#define DAY_MICROS INT64_C(86400000000)
#define DEFAULT(...) .has_default = true, .default_value = {__VA_ARGS__}
#define KIND(k, ...) .type = {.kind = OXY_K_##k, __VA_ARGS__}
#define LABELS .enum_values = {labels, COUNT_OF(labels)}
#define ENUM_TYPE KIND(ENUM, .name = S("mood_enum")), LABELS
#define TEXTS(k) KIND(ARRAY, .elem = OXY_K_##k, .ndim = 1)
#define JSON_DEFAULT(text) DEFAULT(.tag = OXY_V_JSON, .s = S(text))

/* One column per kind, each with a default; what a row of defaults then holds
 * is known to the Python side. */
static const oxy_column_def kinds[] = {
    {.name = S("id"), KIND(INT), .primary_key = true, .python_int = true},
    {.name = S("d_boolean"), KIND(BOOL), DEFAULT(.tag = OXY_V_BOOL, .i = 1)},
    {.name = S("d_integer"), KIND(INT), DEFAULT(.tag = OXY_V_INT, .i = INT64_MIN)},
    {.name = S("d_double"), KIND(DOUBLE), DEFAULT(.tag = OXY_V_DOUBLE, .d = -0.1)},
    {.name = S("d_huge"), KIND(DOUBLE), DEFAULT(.tag = OXY_V_DOUBLE, .d = 1.7976931348623157e308)},
    {.name = S("d_string"), KIND(STRING, .size = 40), DEFAULT(.tag = OXY_V_TEXT, .s = S("it's \\ \"q\" \n %s ?"))},
    {.name = S("d_text"), KIND(TEXT), DEFAULT(.tag = OXY_V_TEXT, .s = S("a\\nb'c"))},
    {.name = S("d_blob"), KIND(BLOB), DEFAULT(.tag = OXY_V_BLOB, .s = S("\x01\x00\xff'\\"))},
    {.name = S("d_moment"), KIND(DATETIME), DEFAULT(.tag = OXY_V_DATETIME, .i = DAY_MICROS + 1)},
    {.name = S("d_utc"), KIND(DATETIME_UTC), DEFAULT(.tag = OXY_V_DATETIME_UTC, .i = DAY_MICROS)},
    {.name = S("d_date"), KIND(DATE), DEFAULT(.tag = OXY_V_DATE, .i = 19782)},
    {.name = S("d_time"), KIND(TIME), DEFAULT(.tag = OXY_V_TIME, .i = DAY_MICROS - 1)},
    {.name = S("d_span"), KIND(TIMEDELTA), DEFAULT(.tag = OXY_V_TIMEDELTA, .i = -5)},
    {.name = S("d_interval"), KIND(INTERVAL), DEFAULT(.tag = OXY_V_TIMEDELTA, .i = -5)},
    {.name = S("d_uuid"), KIND(UUID), DEFAULT(.tag = OXY_V_UUID, .uuid = {0xAB, 0xCD})},
    {.name = S("d_decimal"), KIND(DECIMAL), DEFAULT(.tag = OXY_V_DECIMAL, .s = S("-12.50"))},
    {.name = S("d_money"),
     KIND(DECIMAL, .size = 10, .scale = 2, .has_scale = true),
     DEFAULT(.tag = OXY_V_DECIMAL, .s = S("1E+2"))},
    {.name = S("d_whole"), KIND(DECIMAL, .size = 8), DEFAULT(.tag = OXY_V_INT, .i = 7)},
    {.name = S("d_scaled"), KIND(DECIMAL, .scale = 3, .has_scale = true), DEFAULT(.tag = OXY_V_INT, .i = 7)},
    {.name = S("d_mood"), ENUM_TYPE, DEFAULT(.tag = OXY_V_TEXT, .s = S("it's \\ \"q\""))},
    {.name = S("d_inet"), KIND(INET), DEFAULT(.tag = OXY_V_INET, .s = S("192.0.2.1/24"))},
    {.name = S("d_cidr"), KIND(CIDR), DEFAULT(.tag = OXY_V_INET, .s = S("2001:db8::/32"))},
    {.name = S("d_json"), KIND(JSON), JSON_DEFAULT("{\"a\": [1, null, \"it's \\\\ q\"]}")},
    {.name = S("d_jsonb"), KIND(JSONB), JSON_DEFAULT("[]")},
    {.name = S("d_texts"), TEXTS(TEXT), JSON_DEFAULT("[\"it's\", \"a\\\\b\", \"c,d\", null, \"NULL\", \"\"]")},
    {.name = S("d_numbers"), TEXTS(INT), JSON_DEFAULT("[1, -2]")},
    {.name = S("d_grid"), KIND(ARRAY, .elem = OXY_K_INT, .ndim = 2), JSON_DEFAULT("[[1, 2], [3, 4]]")},
    {.name = S("d_moments"), TEXTS(DATETIME_UTC), JSON_DEFAULT("[\"1970-01-02T00:00:00Z\"]")},
    {.name = S("d_decimals"), TEXTS(DECIMAL), JSON_DEFAULT("[\"1.50\"]")},
    {.name = S("d_blobs"), TEXTS(BLOB), JSON_DEFAULT("[\"AQD/\"]")},
    {.name = S("d_uuids"), TEXTS(UUID), JSON_DEFAULT("[\"abcd0000-0000-0000-0000-000000000000\"]")},
    {.name = S("d_moods"),
     KIND(ARRAY, .elem = OXY_K_ENUM, .ndim = 1, .name = S("mood_enum")),
     LABELS,
     JSON_DEFAULT("[\"a\"]")},
    {.name = S("d_unknown"), KIND(UNKNOWN), DEFAULT(.tag = OXY_V_TEXT, .s = S("x"))},
};

/* Every kind once more, without defaults, nullable, with a comment. */
static const oxy_column_def nullable[] = {
    {.name = S("id"), KIND(INT), .primary_key = true, .python_int = true, .comment = S("the key")},
    {.name = S("n_boolean"), KIND(BOOL), .nullable = true, .comment = S("it's \\ \"q\"")},
    {.name = S("n_integer"), KIND(INT), .nullable = true},
    {.name = S("n_double"), KIND(DOUBLE), .nullable = true},
    {.name = S("n_string"), KIND(STRING), .nullable = true},
    {.name = S("n_text"), KIND(TEXT), .nullable = true, .comment = S("a text")},
    {.name = S("n_blob"), KIND(BLOB), .nullable = true},
    {.name = S("n_moment"), KIND(DATETIME), .nullable = true},
    {.name = S("n_utc"), KIND(DATETIME_UTC), .nullable = true},
    {.name = S("n_date"), KIND(DATE), .nullable = true},
    {.name = S("n_time"), KIND(TIME), .nullable = true},
    {.name = S("n_span"), KIND(TIMEDELTA), .nullable = true},
    {.name = S("n_uuid"), KIND(UUID), .nullable = true},
    {.name = S("n_decimal"), KIND(DECIMAL), .nullable = true},
    {.name = S("n_mood"), ENUM_TYPE, .nullable = true},
    {.name = S("n_inet"), KIND(INET), .nullable = true},
    {.name = S("n_json"), KIND(JSON), .nullable = true, .comment = S("a document")},
    {.name = S("n_texts"), TEXTS(TEXT), .nullable = true},
};

/* The user's own SQL as default, and types that databases share. */
static const oxy_column_def verbatim[] = {
    {.name = S("key"), KIND(STRING, .size = 20), .primary_key = true},
    {.name = S("v_now"), KIND(DATETIME), .db_default = S("CURRENT_TIMESTAMP")},
    {.name = S("v_utc"), KIND(DATETIME_UTC), .db_default = S("NOW()")},
    {.name = S("v_plain"), KIND(DATETIME, .db_type = S("TIMESTAMP")), .db_default = S("current_timestamp")},
    {.name = S("v_number"), KIND(INT), .db_default = S("(1 + 1)")},
    {.name = S("v_text"), KIND(TEXT), .db_default = S("'a'")},
    {.name = S("v_json"), KIND(JSON), .db_default = S("'{}'")},
    {.name = S("v_null"), KIND(TEXT), .nullable = true, .db_default = S("NULL")},
    {.name = S("v_false"), KIND(BOOL), .db_default = S("FALSE")},
    {.name = S("v_small"), KIND(INT, .db_type = S("SMALLINT")), .nullable = true},
    {.name = S("v_real"), KIND(DOUBLE, .db_type = S("REAL")), .nullable = true},
    {.name = S("v_char"), KIND(STRING, .db_type = S("CHAR(10)"), .size = 10), .nullable = true},
    {.name = S("v_decimal"),
     KIND(DECIMAL, .db_type = S("DECIMAL(12,4)"), .size = 12, .scale = 4, .has_scale = true),
     .nullable = true},
    {.name = S("v_time"), KIND(TIME, .db_type = S("TIME")), .nullable = true},
    {.name = S("v_serial"), KIND(INT, .db_type = S("INTEGER")), .nullable = true},
};

static const oxy_column_def serials[] = {
    {.name = S("id"), KIND(INT, .db_type = S("SERIAL")), .primary_key = true, .python_int = true},
};

/* Keys, indexes, checks; parent and child refer to each other. */
#define NAMES(...) {(const oxy_sv[]){__VA_ARGS__}, sizeof((const oxy_sv[]){__VA_ARGS__}) / sizeof(oxy_sv)}
static const oxy_column_def parent[] = {
    {.name = S("row"), KIND(INT), .primary_key = true},
    {.name = S("place"), KIND(TEXT), .primary_key = true},
    {.name = S("child_id"), KIND(INT), .nullable = true, .is_foreign_key = true},
    {.name = S("serial_id"), KIND(INT, .db_type = S("SERIAL")), .nullable = true, .is_foreign_key = true},
};
static const oxy_column_def child[] = {
    {.name = S("id"), KIND(INT), .primary_key = true, .python_int = true},
    {.name = S("plate"), KIND(TEXT), .unique = true},
    {.name = S("parent_row"), KIND(INT), .nullable = true, .is_foreign_key = true},
    {.name = S("parent_place"), KIND(TEXT), .nullable = true, .is_foreign_key = true},
    {.name = S("self_id"), KIND(INT), .nullable = true, .is_foreign_key = true},
    {.name = S("gone"), KIND(BOOL)},
    {.name = S("weight"), KIND(DECIMAL), .unique = true},
    {.name = S("mood"), ENUM_TYPE, .nullable = true},
    {.name = S("note"), KIND(TEXT), .nullable = true},
    {.name = S("or\"der`x"), KIND(TEXT), .nullable = true, .comment = S("q")},
};
static const oxy_foreign_key_def parent_keys[] = {
    {.name = S("fk_parent_child_id"),
     .columns = NAMES(S("child_id")),
     .target_table = S("child"),
     .target_columns = NAMES(S("id")),
     .on_delete = S("SET NULL"),
     .on_update = S("CASCADE")},
    {.name = S("fk_parent_serial_id"),
     .columns = NAMES(S("serial_id")),
     .target_table = S("serials"),
     .target_columns = NAMES(S("id")),
     .on_delete = S("CASCADE"),
     .on_update = S("NO ACTION")},
};
static const oxy_foreign_key_def child_keys[] = {
    {.name = S("fk_child_parent_row"),
     .columns = NAMES(S("parent_row"), S("parent_place")),
     .target_table = S("parent"),
     .target_columns = NAMES(S("row"), S("place")),
     .on_delete = S("RESTRICT"),
     .on_update = S("RESTRICT")},
    {.name = S("fk_child_self_id"),
     .columns = NAMES(S("self_id")),
     .target_table = S("child"),
     .target_columns = NAMES(S("id")),
     .on_delete = S("NO ACTION")},
};
static const oxy_index_def child_indexes[] = {
    {.name = S("child_plate_gone_idx"), .columns = NAMES(S("plate"), S("gone"))},
    {.name = S("child_note_idx"), .columns = NAMES(S("note")), .method = S("btree")},
    {.name = S("child_mood_idx"), .columns = NAMES(S("mood")), .method = S("hash")},
    {.name = S("child_self_key"), .columns = NAMES(S("self_id"), S("plate")), .unique = true},
    {.name = S("child_or\"d`er_idx"), .columns = NAMES(S("or\"der`x"))},
    {.name = S("child_plate_parent_row_key"), .columns = NAMES(S("plate"), S("parent_row")), .constraint = true},
};
static const oxy_check_def child_checks[] = {
    {.name = S("chk_child_0"), .expression = S("weight >= 0")},
    {.name = S("chk_child_1"), .expression = S("gone IN (TRUE, FALSE) AND plate <> ''")},
};

#define LIST(field, list) .field = (list), .n_##field = COUNT_OF(list)
static const oxy_table_def zoo[] = {
    {.name = S("kinds"), LIST(columns, kinds), .comment = S("it's \\ \"q\"")},
    {.name = S("nullable"), LIST(columns, nullable)},
    {.name = S("verbatim"), LIST(columns, verbatim)},
    {.name = S("child"),
     .comment = S("children"),
     LIST(columns, child),
     LIST(foreign_keys, child_keys),
     LIST(indexes, child_indexes),
     LIST(checks, child_checks)},
    {.name = S("parent"),
     LIST(columns, parent),
     .primary_key = NAMES(S("row"), S("place")),
     LIST(foreign_keys, parent_keys)},
    {.name = S("serials"), LIST(columns, serials)},
};

/* --- the program ------------------------------------------------------------------------- */

static oxy_rc print(void *arg, const char *sql, size_t len)
{
    (void)arg;
    return fwrite(sql, 1, len + 1, stdout) == len + 1 ? OXY_OK : OXY_INTERNAL; /* the NUL too */
}

int main(int argc, char **argv)
{
    oxy_column_def columns[COUNT_OF(test_tables)][32];
    oxy_table_def golden[COUNT_OF(test_tables)];
    const oxy_table_def *tables = zoo;
    uint32_t n = COUNT_OF(zoo);
    const oxy_dialect *d;
    bool again;
    oxy_err err;
    oxy_rc rc;

    if (argc != 4 || (d = oxy_dialect_find(oxy_sv_of(argv[1]))) == NULL)
        return 2;
    again = strstr(argv[2], "again") != NULL;
    if (strcmp(argv[3], "golden") == 0) {
        golden_tables(golden, columns);
        tables = golden;
        n = COUNT_OF(test_tables);
    }
    rc = argv[2][0] == 'c' ? oxy_ddl_create(tables, n, d, again, oxy_alloc_default(), print, NULL, &err)
                           : oxy_ddl_drop(tables, n, d, again, oxy_alloc_default(), print, NULL, &err);
    if (rc != OXY_OK)
        fprintf(stderr, "%s\n", err.message);
    return rc == OXY_OK ? 0 : 1;
}
