/*
 * bounded.c - :many of a query with bounds. Rows come one by one and are copied: structs into a block that grows, what
 * they point to into the caller's arena. The block goes into the arena as a whole when all rows are there.
 */
#include "pg/bounded.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "pg/statements.h"

enum { ROWS_AT_FIRST = 16 };

/* ---- counting ---- */

COLD static enum hf_status too_many(const struct hf_query *query, uint64_t bound, const char *what, hf_error *err)
{
	error_set(err, HF_E_LIMIT, "query \"%s\" gives more than %llu %s, its bound", query->name,
	          (unsigned long long)bound, what);
	if (err)
		snprintf(err->query, sizeof(err->query), "%s", query->name);
	error_hint(err, "ask for less by a condition or a LIMIT, or raise the query's \"%s max\"", what);
	return HF_E_LIMIT;
}

/* What it takes in C as well as on the wire: a struct for the row, and the bytes of its values. */
static uint64_t bytes_of(const struct hf_query *query, const PGresult *result)
{
	uint64_t bytes = query->row_size;
	for (int i = 0; i < PQnfields(result); i++)
		bytes += (uint64_t)PQgetlength(result, 0, i);
	return bytes;
}

enum hf_status bounded_count(struct given *given, const struct hf_query *query, const PGresult *result, hf_error *err)
{
	given->rows++;
	given->bytes += bytes_of(query, result);
	if (query->rows_max && given->rows > query->rows_max)
		return too_many(query, query->rows_max, "rows", err);
	if (query->bytes_max && given->bytes > query->bytes_max)
		return too_many(query, query->bytes_max, "bytes", err);
	return HF_OK;
}

/* ---- keeping ---- */

struct reading {
	const struct hf_query *query;
	hf_connection *connection;
	struct decoder decoder; /* copies */
	struct given given;
	char *rows; /* from malloc() */
	size_t count, capacity;
};

static void reading_deinit(struct reading *reading)
{
	free(reading->rows);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* For one row more. The block never outgrows what the arena has left for it. */
static enum hf_status make_room(struct reading *reading, hf_error *err)
{
	size_t size = reading->query->row_size;
	size_t capacity = reading->capacity ? 2 * reading->capacity : ROWS_AT_FIRST;
	if (reading->count < reading->capacity)
		return HF_OK;
	capacity = smaller(capacity, arena_room(reading->decoder.arena) / size);
	if (capacity <= reading->count)
		return query_too_large(reading->query, reading->given.bytes, err);
	char *grown = realloc(reading->rows, capacity * size);
	if (!grown)
		return error_nomem(err);
	reading->rows = grown;
	reading->capacity = capacity;
	return HF_OK;
}

static enum hf_status keep_row(void *user, const PGresult *result, hf_error *err)
{
	struct reading *reading = user;
	const struct hf_query *query = reading->query;
	enum hf_status status = query_check_columns(query, result, err);
	query_note_size(reading->connection, result, 1);
	if (status == HF_OK)
		status = bounded_count(&reading->given, query, result, err);
	if (status == HF_OK)
		status = make_room(reading, err);
	if (status != HF_OK)
		return status;
	char *row = memset(reading->rows + reading->count * query->row_size, 0, query->row_size);
	status = query_decode_row(&reading->decoder, query, result, 0, row, err);
	reading->count += status == HF_OK;
	return status;
}

enum hf_status bounded_many(hf_connection *connection, struct call *call, const struct many_rows *many, hf_error *err)
{
	CLEANUP(reading_deinit)
	struct reading reading = {.query = many->query,
	                          .connection = connection,
	                          .decoder = {.arena = many->arena, .types = statement_types(connection)}};
	enum hf_status status = conn_stream(connection, call, keep_row, &reading, err);
	if (status != HF_OK)
		return status;
	call->rows = (int64_t)reading.count;
	size_t size = reading.count * many->query->row_size;
	char *rows = hf_arena_alloc(many->arena, size);
	if (!rows && size <= arena_room(many->arena))
		return error_nomem(err);
	if (!rows)
		return query_too_large(many->query, reading.given.bytes, err);
	if (size)
		memcpy(rows, reading.rows, size);
	*many->ret_rows = rows;
	*many->ret_count = reading.count;
	return HF_OK;
}
