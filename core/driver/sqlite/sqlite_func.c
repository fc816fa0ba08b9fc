/* SPDX-License-Identifier: MIT */
/* Our SQL functions: registration, and how they fail. */
#include "sqlite.h"

#include <string.h>

void oxy__func_fail(sqlite3_context *ctx, oxy_rc rc, const char *message)
{
    oxy__sqlite *c = sqlite3_user_data(ctx);

    if (rc == OXY_NOMEM) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    (void)oxy_err_set(&c->func_err, rc, "%s", message);
    sqlite3_result_error(ctx, message, -1);
}

int oxy__func_add(oxy__sqlite *c, const oxy__func *functions, size_t n)
{
    int rc = SQLITE_OK;

    for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
        rc = sqlite3_create_function_v2(c->db, functions[i].name, functions[i].n_args, OXY__FUNC_FLAGS, c,
                                        functions[i].call, functions[i].step, functions[i].final, NULL);
    return rc;
}

int oxy__func_register(oxy__sqlite *c)
{
    int (*const rooms[])(oxy__sqlite *) = {oxy__func_register_text, oxy__func_register_number,
                                           oxy__func_register_decimal, oxy__func_register_date,
                                           oxy__func_register_json};
    int rc = SQLITE_OK;

    for (size_t i = 0; i < OXY_COUNT(rooms) && rc == SQLITE_OK; i++)
        rc = rooms[i](c);
    return rc;
}
