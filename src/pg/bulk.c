/*
 * bulk.c - :bulk, an array of inputs as one statement with an array per member.
 */
#include "pg/encode.h"
#include "pg/query_run.h"
#include "pg/statements.h"

struct bulk {
	const struct hf_query *query;
	const void *in;
	size_t in_size, count;
	int64_t *ret_rows;
};

static enum hf_status run_bulk(hf_connection *connection, struct call *call, void *user, hf_error *err)
{
	const struct bulk *bulk = user;
	struct encoded encoded;
	enum hf_status status = encode_bulk(&encoded, bulk->query, statement_types(connection), bulk->in, bulk->in_size,
					    bulk->count, err);
	if (status == HF_OK)
		status = conn_begin(connection, call, err);
	if (status == HF_OK) {
		int sent = PQsendQueryPrepared(connection->pg, bulk->query->statement, encoded.count, encoded.values,
					       encoded.lengths, encoded.formats, 1);
		status = conn_sent(connection, call, sent, err);
	}
	encoded_deinit(&encoded);
	return status == HF_OK ? query_receive_exec(connection, call, bulk->ret_rows, err) : status;
}

enum hf_status hf_query_bulk(hf_where where, const struct hf_query *query, const void *in, size_t in_size, size_t count,
			     int64_t *ret_rows, hf_error *err)
{
	struct bulk bulk = {query, in, in_size, count, ret_rows};
	return query_run(where, query, run_bulk, &bulk, err);
}
