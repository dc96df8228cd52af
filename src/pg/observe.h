/*
 * observe.h - what is counted and logged at the end of every statement, and what its transaction remembers of it.
 */
#ifndef PG_OBSERVE_H
#define PG_OBSERVE_H

#include "pg/conn.h"

/**
 * A statement of the program ended. `name` is its query's name or NULL, `start_us` the moment it began, `rows` how many
 * it returned or changed (-1 = unknown), `err` its error or NULL.
 *
 * Costs one clock and a few atomics unless statements are logged. Inside a transaction the first error is kept, and
 * takes the place of the server's "transaction is aborted" (25P02) in `err`.
 *
 * @return when it ended; 0 = it did not begin.
 */
int64_t observe_query(hf_connection *connection, const char *name, int64_t start_us, enum hf_status status,
                      hf_error *err, int64_t rows);

#endif
