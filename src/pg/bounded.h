/*
 * bounded.h - queries that may give so many rows or bytes and no more: struct hf_query, rows_max and bytes_max.
 *
 * Only these are read row by row; of all others the rows borrow from the one result.
 */
#ifndef PG_BOUNDED_H
#define PG_BOUNDED_H

#include "pg/query_run.h"

/* What a query has given. Zero-initialised is nothing. */
struct given {
	uint64_t rows, bytes;
};

static inline bool query_is_bounded(const struct hf_query *query)
{
	return (query->rows_max | query->bytes_max) != 0;
}

/** Count a row in, before it is decoded. HF_E_LIMIT, with query, bound and way out, when it is one too many. */
enum hf_status bounded_count(struct given *given, const struct hf_query *query, const PGresult *result, hf_error *err);
/** The rows of a statement that was sent, in the arena. Nothing is kept beyond the bounds but texts of the rows before
 *  them, in the arena until its reset; what the server has left is dropped as conn_stream() does it. */
enum hf_status bounded_many(hf_connection *connection, struct call *call, const struct many_rows *many, hf_error *err);

#endif
