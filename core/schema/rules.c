/* SPDX-License-Identifier: MIT */
/* rules: the differences of the databases in DDL, as data. */
#include "ddl.h"

static const oxy__ddl_rules postgres_rules = {
    .types =
        {
            [OXY_K_UNKNOWN] = "TEXT",
            [OXY_K_BOOL] = "BOOLEAN",
            [OXY_K_INT] = "BIGINT",
            [OXY_K_DOUBLE] = "DOUBLE PRECISION",
            [OXY_K_TEXT] = "TEXT",
            [OXY_K_BLOB] = "BYTEA",
            [OXY_K_DATETIME] = "TIMESTAMP",
            [OXY_K_DATETIME_UTC] = "TIMESTAMPTZ",
            [OXY_K_DATE] = "DATE",
            [OXY_K_TIME] = "TIME",
            [OXY_K_TIMEDELTA] = "BIGINT",
            [OXY_K_INTERVAL] = "INTERVAL",
            [OXY_K_UUID] = "UUID",
            [OXY_K_INET] = "INET",
            [OXY_K_CIDR] = "CIDR",
            [OXY_K_JSON] = "JSONB",
            [OXY_K_JSONB] = "JSONB",
        },
    .decimal = "NUMERIC",
    .big_key = "BIGSERIAL",
    .auto_clause = "",
    .yes = "TRUE",
    .no = "FALSE",
    .blob_open = "'\\x",
    .native_enums = true,
    .native_arrays = true,
    .native_zones = true,
    .native_intervals = true,
    .alter_constraints = true,
    .schemas = true,
    .concurrent_indexes = true,
    .inline_uniques = true,
    .comments_on = true,
    .index_methods = true,
    .partial_indexes = true,
    .index_if_not_exists = true,
    .target_schema = true,
    .do_blocks = true,
    .drop_cascade = true,
};

static const oxy__ddl_rules mysql_rules = {
    .types =
        {
            [OXY_K_UNKNOWN] = "TEXT",
            [OXY_K_BOOL] = "TINYINT",
            [OXY_K_INT] = "BIGINT",
            [OXY_K_DOUBLE] = "DOUBLE",
            [OXY_K_TEXT] = "TEXT",
            [OXY_K_BLOB] = "LONGBLOB",
            [OXY_K_DATETIME] = "DATETIME(6)",
            [OXY_K_DATETIME_UTC] = "DATETIME(6)",
            [OXY_K_DATE] = "DATE",
            [OXY_K_TIME] = "TIME(6)",
            [OXY_K_TIMEDELTA] = "BIGINT",
            [OXY_K_INTERVAL] = "BIGINT",
            [OXY_K_UUID] = "CHAR(36)",
            [OXY_K_INET] = "VARCHAR(49)",
            [OXY_K_CIDR] = "VARCHAR(49)",
            [OXY_K_ARRAY] = "JSON",
            [OXY_K_JSON] = "JSON",
            [OXY_K_JSONB] = "JSON",
        },
    .decimal = "DECIMAL",
    .serial = "INT",
    .bigserial = "BIGINT",
    .big_key = "BIGINT",
    .auto_clause = " AUTO_INCREMENT",
    .yes = "1",
    .no = "0",
    .blob_open = "X'",
    .auto_needs_int = true,
    .decimal_needs_size = true,
    .inline_enums = true,
    .alter_constraints = true,
    .modifies = true,
    .renames_in_full = true,
    .drops_by_kind = true,
    .inline_uniques = true,
    .comments_inline = true,
    .target_schema = true,
    .index_needs_length = true,
    .now_precision = true,
    .paren_lob_defaults = true,
    .checks_off = "SET @oxyde_checks = @@SESSION.foreign_key_checks, SESSION foreign_key_checks = 0",
    .checks_back = "SET SESSION foreign_key_checks = @oxyde_checks",
};

static const oxy__ddl_rules sqlite_rules = {
    .types =
        {
            [OXY_K_UNKNOWN] = "TEXT",  [OXY_K_BOOL] = "INTEGER",      [OXY_K_INT] = "INTEGER",
            [OXY_K_DOUBLE] = "REAL",   [OXY_K_TEXT] = "TEXT",         [OXY_K_BLOB] = "BLOB",
            [OXY_K_DATETIME] = "TEXT", [OXY_K_DATETIME_UTC] = "TEXT", [OXY_K_DATE] = "TEXT",
            [OXY_K_TIME] = "TEXT",     [OXY_K_TIMEDELTA] = "BIGINT",  [OXY_K_INTERVAL] = "BIGINT",
            [OXY_K_UUID] = "TEXT",     [OXY_K_DECIMAL] = "TEXT",      [OXY_K_ENUM] = "TEXT",
            [OXY_K_INET] = "TEXT",     [OXY_K_CIDR] = "TEXT",         [OXY_K_ARRAY] = "TEXT",
            [OXY_K_JSON] = "TEXT",     [OXY_K_JSONB] = "TEXT",
        },
    .serial = "INTEGER",
    .bigserial = "INTEGER",
    .big_key = "INTEGER", /* INTEGER PRIMARY KEY is the row's own number */
    .auto_clause = "",
    .yes = "1",
    .no = "0",
    .blob_open = "X'",
    .partial_indexes = true,
    .index_if_not_exists = true,
    .index_schema_first = true,
    .text_decimals = true,
};

const oxy__ddl_rules *oxy__ddl_rules_of(const oxy_dialect *d)
{
    if (d == &oxy_dialect_postgres)
        return &postgres_rules;
    if (d == &oxy_dialect_sqlite)
        return &sqlite_rules;
    return &mysql_rules; /* MariaDB's DDL is the same here */
}
