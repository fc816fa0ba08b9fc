/* SPDX-License-Identifier: MIT */
/* Whole tables, three dialects side by side: keys, constraints, indexes,
 * comments, enum types, order, cycles, drops. */
#include "ddl_cases.h"

/* --- one table ------------------------------------------------------------------------------ */

static const oxy_table_def truck = {
    .name = S("truck"),
    .comment = S("rolling stock"),
    COLUMNS(ID("id"), COL("plate", STRING, .unique = true, .comment = S("as painted")),
            COL("weight", INT, .nullable = true), COL("note", TEXT, .nullable = true)),
    .primary_key = NAMES(S("id")),
    INDEXES({.name = S("truck_weight_idx"), .columns = NAMES(S("weight")), .method = S("btree")},
            {.name = S("truck_note_idx"), .columns = NAMES(S("note"), S("weight")), .unique = true},
            {.name = S("truck_plate_weight_key"), .columns = NAMES(S("plate"), S("weight")), .constraint = true}),
    CHECKS({.name = S("chk_truck_0"), .expression = S("weight > 0")}),
};

static void test_a_table_with_everything(void **state)
{
    (void)state;
    assert_ddl(
        &truck, 1, CREATE,
        "CREATE TABLE \"truck\" (\"id\" BIGSERIAL PRIMARY KEY, \"plate\" VARCHAR(255) NOT NULL UNIQUE, "
        "\"weight\" BIGINT, \"note\" TEXT, CONSTRAINT \"truck_plate_weight_key\" UNIQUE (\"plate\", \"weight\"));\n"
        "CREATE INDEX \"truck_weight_idx\" ON \"truck\" USING btree (\"weight\");\n"
        "CREATE UNIQUE INDEX \"truck_note_idx\" ON \"truck\" (\"note\", \"weight\");\n"
        "ALTER TABLE \"truck\" ADD CONSTRAINT \"chk_truck_0\" CHECK (weight > 0);\n"
        "COMMENT ON TABLE \"truck\" IS 'rolling stock';\n"
        "COMMENT ON COLUMN \"truck\".\"plate\" IS 'as painted';\n",
        "CREATE TABLE `truck` (`id` BIGINT PRIMARY KEY AUTO_INCREMENT, `plate` VARCHAR(255) NOT NULL UNIQUE "
        "COMMENT 'as painted', `weight` BIGINT, `note` VARCHAR(255), CONSTRAINT `truck_plate_weight_key` UNIQUE "
        "(`plate`, `weight`)) COMMENT 'rolling stock';\n"
        "CREATE INDEX `truck_weight_idx` ON `truck` (`weight`);\n"
        "CREATE UNIQUE INDEX `truck_note_idx` ON `truck` (`note`, `weight`);\n"
        "ALTER TABLE `truck` ADD CONSTRAINT `chk_truck_0` CHECK (weight > 0);\n",
        "CREATE TABLE \"truck\" (\"id\" INTEGER PRIMARY KEY, \"plate\" VARCHAR(255) NOT NULL UNIQUE, "
        "\"weight\" INTEGER, \"note\" TEXT, CONSTRAINT \"chk_truck_0\" CHECK (weight > 0));\n"
        "CREATE INDEX \"truck_weight_idx\" ON \"truck\" (\"weight\");\n"
        "CREATE UNIQUE INDEX \"truck_note_idx\" ON \"truck\" (\"note\", \"weight\");\n"
        "CREATE UNIQUE INDEX \"truck_plate_weight_key\" ON \"truck\" (\"plate\", \"weight\");\n");
}

static void test_if_not_exists_leaves_nothing_that_fails_the_second_time(void **state)
{
    (void)state;
    assert_ddl(&truck, 1, CREATE_IF_NOT_EXISTS,
               "CREATE TABLE IF NOT EXISTS \"truck\" (\"id\" BIGSERIAL PRIMARY KEY, \"plate\" VARCHAR(255) NOT NULL "
               "UNIQUE, \"weight\" BIGINT, \"note\" TEXT, CONSTRAINT \"truck_plate_weight_key\" UNIQUE (\"plate\", "
               "\"weight\"), CONSTRAINT \"chk_truck_0\" CHECK (weight > 0));\n"
               "CREATE INDEX IF NOT EXISTS \"truck_weight_idx\" ON \"truck\" USING btree (\"weight\");\n"
               "CREATE UNIQUE INDEX IF NOT EXISTS \"truck_note_idx\" ON \"truck\" (\"note\", \"weight\");\n"
               "COMMENT ON TABLE \"truck\" IS 'rolling stock';\n"
               "COMMENT ON COLUMN \"truck\".\"plate\" IS 'as painted';\n",
               "CREATE TABLE IF NOT EXISTS `truck` (`id` BIGINT PRIMARY KEY AUTO_INCREMENT, `plate` VARCHAR(255) NOT "
               "NULL UNIQUE COMMENT 'as painted', `weight` BIGINT, `note` VARCHAR(255), CONSTRAINT "
               "`truck_plate_weight_key` UNIQUE (`plate`, `weight`), INDEX `truck_weight_idx` (`weight`), UNIQUE INDEX "
               "`truck_note_idx` (`note`, `weight`), CONSTRAINT `chk_truck_0` CHECK (weight > 0)) COMMENT "
               "'rolling stock';\n",
               "CREATE TABLE IF NOT EXISTS \"truck\" (\"id\" INTEGER PRIMARY KEY, \"plate\" VARCHAR(255) NOT NULL "
               "UNIQUE, \"weight\" INTEGER, \"note\" TEXT, CONSTRAINT \"chk_truck_0\" CHECK (weight > 0));\n"
               "CREATE INDEX IF NOT EXISTS \"truck_weight_idx\" ON \"truck\" (\"weight\");\n"
               "CREATE UNIQUE INDEX IF NOT EXISTS \"truck_note_idx\" ON \"truck\" (\"note\", \"weight\");\n"
               "CREATE UNIQUE INDEX IF NOT EXISTS \"truck_plate_weight_key\" ON \"truck\" (\"plate\", \"weight\");\n");
}

static void test_a_key_of_several_columns_is_a_clause_of_the_table(void **state)
{
    oxy_table_def berth = {
        .name = S("berth"),
        COLUMNS(COL("harbour", STRING, .primary_key = true),
                COL("number", INT, .primary_key = true, .python_int = true, .unique = true)),
        .primary_key = NAMES(S("number"), S("harbour")),
    };

    (void)state;
    assert_ddl(&berth, 1, CREATE,
               "CREATE TABLE \"berth\" (\"harbour\" VARCHAR(255), \"number\" BIGINT UNIQUE, PRIMARY KEY (\"number\", "
               "\"harbour\"));\n",
               "CREATE TABLE `berth` (`harbour` VARCHAR(255), `number` BIGINT UNIQUE, PRIMARY KEY (`number`, "
               "`harbour`));\n",
               "CREATE TABLE \"berth\" (\"harbour\" VARCHAR(255), \"number\" INTEGER UNIQUE, PRIMARY KEY (\"number\", "
               "\"harbour\"));\n");
    berth.primary_key = (oxy_names){0}; /* the flags alone say it too */
    assert_one_ddl(&berth, 1, CREATE, &oxy_dialect_sqlite,
                   "CREATE TABLE \"berth\" (\"harbour\" VARCHAR(255), \"number\" INTEGER UNIQUE, PRIMARY KEY "
                   "(\"harbour\", \"number\"));\n");
}

static void test_schemas_stand_where_each_database_wants_them(void **state)
{
    const oxy_table_def tables[] = {
        {.name = S("a"), .schema = S("s"), .comment = S("x"), COLUMNS(ID("id"))},
        {.name = S("b"),
         .schema = S("s"),
         COLUMNS(ID("id"), COL("a_id", INT)),
         FOREIGN_KEYS({.name = S("fk_b_a_id"),
                       .columns = NAMES(S("a_id")),
                       .target_table = S("a"),
                       .target_schema = S("s"),
                       .target_columns = NAMES(S("id")),
                       .on_delete = S("set null")}),
         INDEXES({.name = S("b_a_id_idx"), .columns = NAMES(S("a_id"))})},
    };

    (void)state;
    assert_ddl(tables, 2, CREATE,
               "CREATE TABLE \"s\".\"a\" (\"id\" BIGSERIAL PRIMARY KEY);\n"
               "COMMENT ON TABLE \"s\".\"a\" IS 'x';\n"
               "CREATE TABLE \"s\".\"b\" (\"id\" BIGSERIAL PRIMARY KEY, \"a_id\" BIGINT NOT NULL);\n"
               "CREATE INDEX \"b_a_id_idx\" ON \"s\".\"b\" (\"a_id\");\n"
               "ALTER TABLE \"s\".\"b\" ADD CONSTRAINT \"fk_b_a_id\" FOREIGN KEY (\"a_id\") REFERENCES \"s\".\"a\" "
               "(\"id\") ON DELETE SET NULL ON UPDATE NO ACTION;\n",
               "CREATE TABLE `s`.`a` (`id` BIGINT PRIMARY KEY AUTO_INCREMENT) COMMENT 'x';\n"
               "CREATE TABLE `s`.`b` (`id` BIGINT PRIMARY KEY AUTO_INCREMENT, `a_id` BIGINT NOT NULL);\n"
               "CREATE INDEX `b_a_id_idx` ON `s`.`b` (`a_id`);\n"
               "ALTER TABLE `s`.`b` ADD CONSTRAINT `fk_b_a_id` FOREIGN KEY (`a_id`) REFERENCES `s`.`a` (`id`) "
               "ON DELETE SET NULL ON UPDATE NO ACTION;\n",
               "CREATE TABLE \"s\".\"a\" (\"id\" INTEGER PRIMARY KEY);\n"
               "CREATE TABLE \"s\".\"b\" (\"id\" INTEGER PRIMARY KEY, \"a_id\" INTEGER NOT NULL, CONSTRAINT "
               "\"fk_b_a_id\" FOREIGN KEY (\"a_id\") REFERENCES \"a\" (\"id\") ON DELETE SET NULL ON UPDATE NO "
               "ACTION);\n"
               "CREATE INDEX \"s\".\"b_a_id_idx\" ON \"b\" (\"a_id\");\n");
}

static void test_partial_indexes_are_refused_only_by_mysql(void **state)
{
    const oxy_table_def table = {
        .name = S("t"),
        COLUMNS(COL("c", INT)),
        INDEXES({.name = S("i"), .columns = NAMES(S("c")), .where = S(" c > 0 "), .unique = true}),
    };

    (void)state;
    assert_one_ddl(&table, 1, CREATE, &oxy_dialect_postgres,
                   "CREATE TABLE \"t\" (\"c\" BIGINT NOT NULL);\n"
                   "CREATE UNIQUE INDEX \"i\" ON \"t\" (\"c\") WHERE c > 0;\n");
    assert_one_ddl(&table, 1, CREATE, &oxy_dialect_sqlite,
                   "CREATE TABLE \"t\" (\"c\" INTEGER NOT NULL);\n"
                   "CREATE UNIQUE INDEX \"i\" ON \"t\" (\"c\") WHERE c > 0;\n");
    assert_no_ddl(&table, 1, CREATE, &oxy_dialect_mysql, OXY_NOT_SUPPORTED, "partial indexes");
    assert_no_ddl(&table, 1, CREATE, &oxy_dialect_mariadb, OXY_NOT_SUPPORTED, "mariadb");
    assert_no_ddl(&table, 1, CREATE_IF_NOT_EXISTS, &oxy_dialect_mysql, OXY_NOT_SUPPORTED, "partial indexes");
}

static void test_names_are_quoted_whatever_they_hold(void **state)
{
    const oxy_table_def table = {.name = S("a\"b`c"), COLUMNS(COL("select", INT))};

    (void)state;
    assert_ddl(&table, 1, CREATE, "CREATE TABLE \"a\"\"b`c\" (\"select\" BIGINT NOT NULL);\n",
               "CREATE TABLE `a\"b``c` (`select` BIGINT NOT NULL);\n",
               "CREATE TABLE \"a\"\"b`c\" (\"select\" INTEGER NOT NULL);\n");
}

/* --- enum types -------------------------------------------------------------------------------- */

#define STATES NAMES(S("new"), S("it's"))

static const oxy_table_def enum_tables[] = {
    {.name = S("a"),
     COLUMNS({.name = S("state"),
              .type = {.kind = OXY_K_ENUM, .name = S("state_enum"), .name_schema = S("s")},
              .enum_values = STATES,
              .has_default = true,
              .default_value = {.tag = OXY_V_TEXT, .s = S("it's")}})},
    {.name = S("b"),
     COLUMNS(
         {.name = S("states"),
          .type = {.kind = OXY_K_ARRAY, .elem = OXY_K_ENUM, .ndim = 1, .name = S("state_enum"), .name_schema = S("s")},
          .enum_values = STATES},
         {.name = S("other"),
          .type = {.kind = OXY_K_ENUM, .name = S("state_enum"), .db_type = S("TEXT")},
          .enum_values = NAMES(S("x"))})},
};

static void test_enum_types_come_first_and_once(void **state)
{
    (void)state;
    assert_ddl(enum_tables, 2, CREATE,
               "CREATE TYPE \"s\".\"state_enum\" AS ENUM ('new', 'it''s');\n"
               "CREATE TABLE \"a\" (\"state\" \"s\".\"state_enum\" NOT NULL DEFAULT 'it''s');\n"
               "CREATE TABLE \"b\" (\"states\" \"s\".\"state_enum\"[] NOT NULL, \"other\" TEXT NOT NULL);\n",
               "CREATE TABLE `a` (`state` ENUM('new','it''s') NOT NULL DEFAULT 'it''s');\n"
               "CREATE TABLE `b` (`states` JSON NOT NULL, `other` TEXT NOT NULL);\n",
               "CREATE TABLE \"a\" (\"state\" TEXT NOT NULL DEFAULT 'it''s');\n"
               "CREATE TABLE \"b\" (\"states\" TEXT NOT NULL, \"other\" TEXT NOT NULL);\n");
    assert_one_ddl(enum_tables, 1, CREATE_IF_NOT_EXISTS, &oxy_dialect_postgres,
                   "DO $oxyde$ BEGIN CREATE TYPE \"s\".\"state_enum\" AS ENUM ('new', 'it''s'); EXCEPTION WHEN "
                   "duplicate_object THEN NULL; END $oxyde$;\n"
                   "CREATE TABLE IF NOT EXISTS \"a\" (\"state\" \"s\".\"state_enum\" NOT NULL DEFAULT 'it''s');\n");
    assert_ddl(enum_tables, 2, DROP_IF_EXISTS,
               "DROP TABLE IF EXISTS \"b\", \"a\" CASCADE;\nDROP TYPE IF EXISTS \"s\".\"state_enum\";\n",
               "DROP TABLE IF EXISTS `b`;\nDROP TABLE IF EXISTS `a`;\n",
               "DROP TABLE IF EXISTS \"b\";\nDROP TABLE IF EXISTS \"a\";\n");
}

static void test_one_enum_name_with_two_meanings_is_an_error(void **state)
{
    oxy_table_def tables[] = {enum_tables[0], enum_tables[0]};
    oxy_column_def other = enum_tables[0].columns[0];

    (void)state;
    tables[1].name = OXY_SV("z");
    tables[1].columns = &other;
    other.enum_values = (oxy_names)NAMES(S("new"));
    assert_no_ddl(tables, 2, CREATE, &oxy_dialect_postgres, OXY_VALUE, "state_enum");
    other.enum_values = (oxy_names)NAMES(S("new"), S("$oxyde$"));
    assert_no_ddl(&tables[1], 1, CREATE_IF_NOT_EXISTS, &oxy_dialect_postgres, OXY_VALUE, "$oxyde$");
    other.type.name = OXY_SV("");
    assert_no_ddl(&tables[1], 1, CREATE, &oxy_dialect_postgres, OXY_VALUE, "has no name");
    other.enum_values = (oxy_names){0};
    assert_no_ddl(&tables[1], 1, CREATE, &oxy_dialect_mysql, OXY_VALUE, "has no values");
    other.enum_values = (oxy_names)NAMES(S("new"), S("a "));
    assert_no_ddl(&tables[1], 1, CREATE, &oxy_dialect_mysql, OXY_NOT_SUPPORTED, "blank at the end of 'a '");
}

/* --- order --------------------------------------------------------------------------------------- */

static const oxy_table_def chain[] = {
    {.name = S("c"), COLUMNS(COL("b_id", INT)), FOREIGN_KEYS(FK("c", "b_id", "b", "id"))},
    {.name = S("b"),
     COLUMNS(ID("id"), COL("a_id", INT), COL("parent_id", INT, .nullable = true), COL("x", INT)),
     FOREIGN_KEYS(FK("b", "a_id", "a", "id"), FK("b", "parent_id", "b", "id"), FK("b", "x", "elsewhere", "id"))},
    {.name = S("a"), COLUMNS(ID("id"))},
};

static void test_referenced_tables_come_first(void **state)
{
    (void)state;
    assert_ddl(chain, 3, CREATE,
               "CREATE TABLE \"a\" (\"id\" BIGSERIAL PRIMARY KEY);\n"
               "CREATE TABLE \"b\" (\"id\" BIGSERIAL PRIMARY KEY, \"a_id\" BIGINT NOT NULL, \"parent_id\" BIGINT, "
               "\"x\" BIGINT NOT NULL);\n"
               "ALTER TABLE \"b\" ADD CONSTRAINT \"fk_b_a_id\" FOREIGN KEY (\"a_id\") REFERENCES \"a\" (\"id\") ON "
               "DELETE RESTRICT ON UPDATE CASCADE;\n"
               "ALTER TABLE \"b\" ADD CONSTRAINT \"fk_b_parent_id\" FOREIGN KEY (\"parent_id\") REFERENCES \"b\" "
               "(\"id\") ON DELETE RESTRICT ON UPDATE CASCADE;\n"
               "ALTER TABLE \"b\" ADD CONSTRAINT \"fk_b_x\" FOREIGN KEY (\"x\") REFERENCES \"elsewhere\" (\"id\") ON "
               "DELETE RESTRICT ON UPDATE CASCADE;\n"
               "CREATE TABLE \"c\" (\"b_id\" BIGINT NOT NULL);\n"
               "ALTER TABLE \"c\" ADD CONSTRAINT \"fk_c_b_id\" FOREIGN KEY (\"b_id\") REFERENCES \"b\" (\"id\") ON "
               "DELETE RESTRICT ON UPDATE CASCADE;\n",
               "CREATE TABLE `a` (`id` BIGINT PRIMARY KEY AUTO_INCREMENT);\n"
               "CREATE TABLE `b` (`id` BIGINT PRIMARY KEY AUTO_INCREMENT, `a_id` BIGINT NOT NULL, `parent_id` BIGINT, "
               "`x` BIGINT NOT NULL);\n"
               "ALTER TABLE `b` ADD CONSTRAINT `fk_b_a_id` FOREIGN KEY (`a_id`) REFERENCES `a` (`id`) ON DELETE "
               "RESTRICT ON UPDATE CASCADE;\n"
               "ALTER TABLE `b` ADD CONSTRAINT `fk_b_parent_id` FOREIGN KEY (`parent_id`) REFERENCES `b` (`id`) ON "
               "DELETE RESTRICT ON UPDATE CASCADE;\n"
               "ALTER TABLE `b` ADD CONSTRAINT `fk_b_x` FOREIGN KEY (`x`) REFERENCES `elsewhere` (`id`) ON DELETE "
               "RESTRICT ON UPDATE CASCADE;\n"
               "CREATE TABLE `c` (`b_id` BIGINT NOT NULL);\n"
               "ALTER TABLE `c` ADD CONSTRAINT `fk_c_b_id` FOREIGN KEY (`b_id`) REFERENCES `b` (`id`) ON DELETE "
               "RESTRICT ON UPDATE CASCADE;\n",
               "CREATE TABLE \"a\" (\"id\" INTEGER PRIMARY KEY);\n"
               "CREATE TABLE \"b\" (\"id\" INTEGER PRIMARY KEY, \"a_id\" INTEGER NOT NULL, \"parent_id\" INTEGER, "
               "\"x\" INTEGER NOT NULL, CONSTRAINT \"fk_b_a_id\" FOREIGN KEY (\"a_id\") REFERENCES \"a\" (\"id\") ON "
               "DELETE RESTRICT ON UPDATE CASCADE, CONSTRAINT \"fk_b_parent_id\" FOREIGN KEY (\"parent_id\") "
               "REFERENCES \"b\" (\"id\") ON DELETE RESTRICT ON UPDATE CASCADE, CONSTRAINT \"fk_b_x\" FOREIGN KEY "
               "(\"x\") REFERENCES \"elsewhere\" (\"id\") ON DELETE RESTRICT ON UPDATE CASCADE);\n"
               "CREATE TABLE \"c\" (\"b_id\" INTEGER NOT NULL, CONSTRAINT \"fk_c_b_id\" FOREIGN KEY (\"b_id\") "
               "REFERENCES \"b\" (\"id\") ON DELETE RESTRICT ON UPDATE CASCADE);\n");
    assert_ddl(chain, 3, DROP, "DROP TABLE \"c\", \"b\", \"a\" CASCADE;\n",
               "DROP TABLE `c`;\nDROP TABLE `b`;\nDROP TABLE `a`;\n",
               "DROP TABLE \"c\";\nDROP TABLE \"b\";\nDROP TABLE \"a\";\n");
}

/* x hangs on the cycle p -> q -> p; only the cycle's own key may wait. */
static const oxy_table_def cycle[] = {
    {.name = S("x"), COLUMNS(COL("p_id", INT)), FOREIGN_KEYS(FK("x", "p_id", "p", "id"))},
    {.name = S("p"), COLUMNS(ID("id"), COL("q_id", INT)), FOREIGN_KEYS(FK("p", "q_id", "q", "id"))},
    {.name = S("q"), COLUMNS(ID("id"), COL("p_id", INT)), FOREIGN_KEYS(FK("q", "p_id", "p", "id"))},
};

#define ACTIONS " ON DELETE RESTRICT ON UPDATE CASCADE"

static void test_cycles_are_closed_at_the_end(void **state)
{
    (void)state;
    assert_ddl(
        cycle, 3, CREATE,
        "CREATE TABLE \"p\" (\"id\" BIGSERIAL PRIMARY KEY, \"q_id\" BIGINT NOT NULL);\n"
        "CREATE TABLE \"x\" (\"p_id\" BIGINT NOT NULL);\n"
        "ALTER TABLE \"x\" ADD CONSTRAINT \"fk_x_p_id\" FOREIGN KEY (\"p_id\") REFERENCES \"p\" (\"id\")" ACTIONS ";\n"
        "CREATE TABLE \"q\" (\"id\" BIGSERIAL PRIMARY KEY, \"p_id\" BIGINT NOT NULL);\n"
        "ALTER TABLE \"q\" ADD CONSTRAINT \"fk_q_p_id\" FOREIGN KEY (\"p_id\") REFERENCES \"p\" (\"id\")" ACTIONS ";\n"
        "ALTER TABLE \"p\" ADD CONSTRAINT \"fk_p_q_id\" FOREIGN KEY (\"q_id\") REFERENCES \"q\" (\"id\")" ACTIONS ";\n",
        "CREATE TABLE `p` (`id` BIGINT PRIMARY KEY AUTO_INCREMENT, `q_id` BIGINT NOT NULL);\n"
        "CREATE TABLE `x` (`p_id` BIGINT NOT NULL);\n"
        "ALTER TABLE `x` ADD CONSTRAINT `fk_x_p_id` FOREIGN KEY (`p_id`) REFERENCES `p` (`id`)" ACTIONS ";\n"
        "CREATE TABLE `q` (`id` BIGINT PRIMARY KEY AUTO_INCREMENT, `p_id` BIGINT NOT NULL);\n"
        "ALTER TABLE `q` ADD CONSTRAINT `fk_q_p_id` FOREIGN KEY (`p_id`) REFERENCES `p` (`id`)" ACTIONS ";\n"
        "ALTER TABLE `p` ADD CONSTRAINT `fk_p_q_id` FOREIGN KEY (`q_id`) REFERENCES `q` (`id`)" ACTIONS ";\n",
        "CREATE TABLE \"p\" (\"id\" INTEGER PRIMARY KEY, \"q_id\" INTEGER NOT NULL, CONSTRAINT \"fk_p_q_id\" FOREIGN "
        "KEY (\"q_id\") REFERENCES \"q\" (\"id\")" ACTIONS ");\n"
        "CREATE TABLE \"x\" (\"p_id\" INTEGER NOT NULL, CONSTRAINT \"fk_x_p_id\" FOREIGN KEY (\"p_id\") REFERENCES "
        "\"p\" (\"id\")" ACTIONS ");\n"
        "CREATE TABLE \"q\" (\"id\" INTEGER PRIMARY KEY, \"p_id\" INTEGER NOT NULL, CONSTRAINT \"fk_q_p_id\" FOREIGN "
        "KEY (\"p_id\") REFERENCES \"p\" (\"id\")" ACTIONS ");\n");
}

static void test_cycles_under_if_not_exists(void **state)
{
    (void)state;
    assert_ddl(cycle + 1, 2, CREATE_IF_NOT_EXISTS,
               "CREATE TABLE IF NOT EXISTS \"p\" (\"id\" BIGSERIAL PRIMARY KEY, \"q_id\" BIGINT NOT NULL);\n"
               "CREATE TABLE IF NOT EXISTS \"q\" (\"id\" BIGSERIAL PRIMARY KEY, \"p_id\" BIGINT NOT NULL, CONSTRAINT "
               "\"fk_q_p_id\" FOREIGN KEY (\"p_id\") REFERENCES \"p\" (\"id\")" ACTIONS ");\n"
               "DO $oxyde$ BEGIN ALTER TABLE \"p\" ADD CONSTRAINT \"fk_p_q_id\" FOREIGN KEY (\"q_id\") REFERENCES "
               "\"q\" (\"id\")" ACTIONS "; EXCEPTION WHEN duplicate_object THEN NULL; END $oxyde$;\n",
               "SET @oxyde_checks = @@SESSION.foreign_key_checks, SESSION foreign_key_checks = 0;\n"
               "CREATE TABLE IF NOT EXISTS `p` (`id` BIGINT PRIMARY KEY AUTO_INCREMENT, `q_id` BIGINT NOT NULL, "
               "CONSTRAINT `fk_p_q_id` FOREIGN KEY (`q_id`) REFERENCES `q` (`id`)" ACTIONS ");\n"
               "CREATE TABLE IF NOT EXISTS `q` (`id` BIGINT PRIMARY KEY AUTO_INCREMENT, `p_id` BIGINT NOT NULL, "
               "CONSTRAINT `fk_q_p_id` FOREIGN KEY (`p_id`) REFERENCES `p` (`id`)" ACTIONS ");\n"
               "SET SESSION foreign_key_checks = @oxyde_checks;\n",
               "CREATE TABLE IF NOT EXISTS \"p\" (\"id\" INTEGER PRIMARY KEY, \"q_id\" INTEGER NOT NULL, CONSTRAINT "
               "\"fk_p_q_id\" FOREIGN KEY (\"q_id\") REFERENCES \"q\" (\"id\")" ACTIONS ");\n"
               "CREATE TABLE IF NOT EXISTS \"q\" (\"id\" INTEGER PRIMARY KEY, \"p_id\" INTEGER NOT NULL, CONSTRAINT "
               "\"fk_q_p_id\" FOREIGN KEY (\"p_id\") REFERENCES \"p\" (\"id\")" ACTIONS ");\n");
}

/* --- refusals and failures --------------------------------------------------------------------------- */

static void test_no_tables_give_no_statements(void **state)
{
    (void)state;
    assert_ddl(NULL, 0, CREATE, "", "", "");
    assert_ddl(NULL, 0, DROP_IF_EXISTS, "", "", "");
}

static void test_tables_that_no_database_takes_are_refused(void **state)
{
    const oxy_table_def empty = {.name = S("t")};
    const oxy_table_def action = {
        .name = S("t"),
        COLUMNS(COL("c", INT)),
        FOREIGN_KEYS({.name = S("f"),
                      .columns = NAMES(S("c")),
                      .target_table = S("u"),
                      .target_columns = NAMES(S("id")),
                      .on_delete = S("EXPLODE")}),
    };
    const oxy_table_def method = {
        .name = S("t"),
        COLUMNS(COL("c", INT)),
        INDEXES({.name = S("i"), .columns = NAMES(S("c")), .method = S("gin; DROP TABLE t")}),
    };
    const oxy_table_def nul = {.name = S("t\0t"), COLUMNS(COL("c", INT))};
    const oxy_table_def elem = {.name = S("t"),
                                COLUMNS({.name = S("c"), .type = {.kind = OXY_K_ARRAY, .elem = OXY_K_ARRAY}})};

    (void)state;
    assert_no_ddl(&empty, 1, CREATE, &oxy_dialect_sqlite, OXY_VALUE, "no columns");
    assert_no_ddl(&action, 1, CREATE, &oxy_dialect_postgres, OXY_VALUE, "EXPLODE");
    assert_no_ddl(&action, 1, CREATE, &oxy_dialect_sqlite, OXY_VALUE, "EXPLODE");
    assert_no_ddl(&method, 1, CREATE, &oxy_dialect_mysql, OXY_VALUE, "method");
    assert_no_ddl(&nul, 1, CREATE, &oxy_dialect_sqlite, OXY_VALUE, "name");
    assert_no_ddl(&elem, 1, CREATE, &oxy_dialect_postgres, OXY_INTERNAL, "column c");
}

static oxy_rc refuse_statement(void *arg, const char *sql, size_t len)
{
    (void)sql;
    (void)len;
    ++*(int *)arg;
    return OXY_INTERFACE;
}

static void test_a_sink_that_refuses_stops_the_rest(void **state)
{
    int calls = 0;
    oxy_err err;

    (void)state;
    assert_int_equal(
        oxy_ddl_create(chain, 3, &oxy_dialect_sqlite, false, oxy_alloc_default(), refuse_statement, &calls, &err),
        OXY_INTERFACE);
    assert_int_equal(err.rc, OXY_INTERFACE);
    assert_int_equal(calls, 1);
    assert_int_equal(
        oxy_ddl_drop(chain, 3, &oxy_dialect_sqlite, false, oxy_alloc_default(), refuse_statement, &calls, &err),
        OXY_INTERFACE);
    assert_int_equal(calls, 2);
}

static oxy_rc every_statement(const oxy_alloc *alloc, void *arg)
{
    static const oxy_dialect *const dialects[] = {&oxy_dialect_postgres, &oxy_dialect_mysql, &oxy_dialect_sqlite, NULL};
    oxy_column_def list = {
        .name = S("c"),
        .type = {.kind = OXY_K_ARRAY, .elem = OXY_K_TEXT, .ndim = 1},
        .has_default = true,
        .default_value = {.tag = OXY_V_JSON, .s = OXY_SV("[\"a\\n\"]")},
    };
    oxy_table_def tables[] = {chain[0], chain[1], chain[2], truck, {.name = S("l"), .columns = &list, .n_columns = 1}};
    oxy_rc rc = OXY_OK;
    size_t i;
    int what;

    (void)arg;
    for (i = 0; dialects[i] != NULL && rc == OXY_OK; i++) {
        for (what = CREATE; what <= DROP_IF_EXISTS && rc == OXY_OK; what++) {
            oxy_buf out;
            oxy_err err;

            oxy_buf_init(&out, alloc, 1 << 20);
            rc = write_ddl(tables, OXY_COUNT(tables), dialects[i], (enum ddl_what)what, alloc, &out, &err);
            oxy_buf_fini(&out);
        }
    }
    return rc;
}

static void test_ddl_survives_every_allocation_failure(void **state)
{
    (void)state;
    assert_true(fail_torture(every_statement, NULL) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_with_everything),
        cmocka_unit_test(test_if_not_exists_leaves_nothing_that_fails_the_second_time),
        cmocka_unit_test(test_a_key_of_several_columns_is_a_clause_of_the_table),
        cmocka_unit_test(test_schemas_stand_where_each_database_wants_them),
        cmocka_unit_test(test_partial_indexes_are_refused_only_by_mysql),
        cmocka_unit_test(test_names_are_quoted_whatever_they_hold),
        cmocka_unit_test(test_enum_types_come_first_and_once),
        cmocka_unit_test(test_one_enum_name_with_two_meanings_is_an_error),
        cmocka_unit_test(test_referenced_tables_come_first),
        cmocka_unit_test(test_cycles_are_closed_at_the_end),
        cmocka_unit_test(test_cycles_under_if_not_exists),
        cmocka_unit_test(test_no_tables_give_no_statements),
        cmocka_unit_test(test_tables_that_no_database_takes_are_refused),
        cmocka_unit_test(test_a_sink_that_refuses_stops_the_rest),
        cmocka_unit_test(test_ddl_survives_every_allocation_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
