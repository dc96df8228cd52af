/*
 * statements.h - the prepared statements of one connection.
 *
 * Found by the statement's name (which is the hash of its text) and compared by text. Least recently used ones go when
 * there are too many, or too many bytes of SQL. DEALLOCATE travels with the next prepare, in a pipeline segment of its
 * own, so that a statement which is gone already does no harm.
 */
#ifndef PG_STATEMENTS_H
#define PG_STATEMENTS_H

#include "holdfast/query.h"
#include "pg/conn.h"
#include "pg/types.h"

enum { STATEMENTS_SQL_BYTES_MAX = 4 << 20 };

/** An empty cache of at most `max` statements; NULL when memory is short. */
struct statement_cache *statement_cache_new(uint32_t max);
void statement_cache_free(struct statement_cache *cache);

/**
 * Make sure that `query` is prepared on the connection and that its shape is the compiled one.
 * @return HF_OK; HF_E_DRIFT; the server's errors. Round trips: none when it was, else one (two with new types).
 */
enum hf_status statement_prepare(hf_connection *connection, const struct hf_query *query, struct call *call,
				 hf_error *err);
/**
 * A COPY carries no types, the server takes the bytes for whatever its columns are now: learn the query's types and
 * compare the columns with the compiled ones, before each COPY.
 * @return HF_OK; HF_E_DRIFT; the server's errors. Round trips: one (two with new types).
 */
enum hf_status statement_check_copy(hf_connection *connection, const struct hf_query *query, struct call *call,
				    hf_error *err);
/** The plan or its types went stale: forget the statement and all type numbers. */
void statement_forget(hf_connection *connection, const struct hf_query *query);
/** All statements of the session are gone (DISCARD ALL, DEALLOCATE ALL). */
void statement_forget_all(hf_connection *connection);
/** The type numbers known on the connection; valid after statement_prepare(). */
const struct type_map *statement_types(const hf_connection *connection);
/** For tests and metrics. */
uint32_t statement_count(const hf_connection *connection);

#endif
