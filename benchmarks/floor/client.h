/* SPDX-License-Identifier: MIT */
/* A client library, blocking, on one connection: sqlite.c, postgres.c and mysql.c each say how. */
#ifndef FLOOR_CLIENT_H
#define FLOOR_CLIENT_H

#include "floor.h"

typedef struct floor_client floor_client;

/* Where the tables are: a path, or a server. Borrowed. */
typedef struct floor_address {
    const char *path, *host, *port, *user, *password, *database;
} floor_address;

/* Connects. Owner: the caller, who closes; NULL on failure. */
floor_client *floor_client_open(const floor_address *address, floor_error *error);
void floor_client_close(floor_client *client);

/* A text without values and rows of interest, on that connection. */
bool floor_client_command(floor_client *client, const char *sql, floor_error *error);

/* Prepares a statement once and puts what it needs into its handle; forget releases that. */
bool floor_client_prepare(floor_client *client, floor_statement *statement, floor_error *error);
void floor_client_forget(floor_client *client, floor_statement *statement);

/* Appends every row, decoded. The values are as many as, and of the kinds of, the statement's own. */
bool floor_client_read(floor_client *client, const floor_statement *statement, const floor_value *values,
                       floor_rows *rows, floor_error *error);
/* The same so many times, as close together as the library allows. */
bool floor_client_gather(floor_client *client, const floor_statement *statement, size_t times, floor_rows *rows,
                         floor_error *error);
/* Decodes every row without ever holding more than FLOOR_CHUNK of them. */
bool floor_client_stream(floor_client *client, const floor_statement *statement, int64_t *n, floor_error *error);
/* A statement without rows, or with the key of what it inserted: rows touched, and the key. */
bool floor_client_run(floor_client *client, const floor_statement *statement, const floor_value *values,
                      int64_t *touched, int64_t *key, floor_error *error);
/* A transaction that writes. */
bool floor_client_begin(floor_client *client, floor_error *error);
bool floor_client_commit(floor_client *client, floor_error *error);
void floor_client_rollback(floor_client *client);

enum { FLOOR_CHUNK = 2000 };

#endif
