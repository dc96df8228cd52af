/*
 * statements.c - a hash table with an LRU list, and the pipelined prepare.
 *
 * Invariants: `count` statements are in both the table and the list; `bytes` is the sum of their SQL. `doomed` holds
 * names that may exist on the server and must be closed before the name is prepared again.
 */
#include "pg/statements.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "pg/result.h"
#include "pg/shape.h"

enum { NAME_SIZE = sizeof(((struct hf_query *)NULL)->statement), DOOMED_MAX = 64 };

struct statement {
	struct statement *chain;	 /* same bucket */
	struct statement *newer, *older; /* LRU */
	const struct hf_query *checked;	 /* whose shape was compared */
	size_t sql_len;
	uint32_t user_params, user_columns; /* counted once, reported by every call */
	char name[NAME_SIZE];
	char sql[];
};

struct statement_cache {
	struct type_map types;
	struct statement *newest, *oldest;
	uint32_t count, max;
	size_t bytes;
	uint32_t doomed_count;
	char doomed[DOOMED_MAX][NAME_SIZE];
	uint32_t mask; /* buckets - 1 */
	struct statement *buckets[];
};

struct statement_cache *statement_cache_new(uint32_t max)
{
	uint32_t buckets = 16;
	while (buckets < max && buckets < 1u << 16)
		buckets *= 2;
	struct statement_cache *cache = calloc(1, sizeof(*cache) + buckets * sizeof(cache->buckets[0]));
	if (!cache)
		return NULL;
	cache->max = max;
	cache->mask = buckets - 1;
	return cache;
}

/* ---- table and list ---- */

/* The name ends in the hash's hex digits, whose last eight characters differ well enough between statements. */
static struct statement **bucket_of(struct statement_cache *cache, const char name[NAME_SIZE])
{
	uint64_t tail;
	memcpy(&tail, name + NAME_SIZE - 1 - sizeof(tail), sizeof(tail));
	return &cache->buckets[(tail * UINT64_C(0x9e3779b97f4a7c15) >> 40) & cache->mask];
}

static void unlink_from_list(struct statement_cache *cache, struct statement *statement)
{
	*(statement->newer ? &statement->newer->older : &cache->newest) = statement->older;
	*(statement->older ? &statement->older->newer : &cache->oldest) = statement->newer;
}

static void make_newest(struct statement_cache *cache, struct statement *statement)
{
	statement->newer = NULL;
	statement->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = statement;
	cache->newest = statement;
}

static struct statement *find(struct statement_cache *cache, const struct hf_query *query)
{
	bool same = cache->newest && cache->newest->checked == query; /* or another query stands in its place now */
	if (same && memcmp(cache->newest->name, query->statement, NAME_SIZE) == 0)
		return cache->newest;
	struct statement *statement = *bucket_of(cache, query->statement);
	while (statement && memcmp(statement->name, query->statement, NAME_SIZE) != 0)
		statement = statement->chain;
	return statement;
}

static bool same_text(const struct statement *statement, const struct hf_query *query)
{
	return statement->sql_len == query->sql_len && memcmp(statement->sql, query->sql, query->sql_len) == 0;
}

static void forget(struct statement_cache *cache, struct statement *statement)
{
	struct statement **at = bucket_of(cache, statement->name);
	while (*at != statement)
		at = &(*at)->chain;
	*at = statement->chain;
	unlink_from_list(cache, statement);
	cache->count--;
	cache->bytes -= statement->sql_len;
	free(statement);
}

/* Types of the user's have no number of their own in the tables. */
static uint32_t count_user_types(const struct hf_field *fields, uint32_t count)
{
	uint32_t found = 0;
	for (uint32_t i = 0; i < count; i++)
		found += fields[i].type->oid == 0;
	return found;
}

static enum hf_status remember(struct statement_cache *cache, const struct hf_query *query, hf_error *err)
{
	struct statement *statement = malloc(sizeof(*statement) + query->sql_len);
	if (!statement)
		return error_nomem(err);
	*statement = (struct statement){.checked = query,
					.sql_len = query->sql_len,
					.user_params = count_user_types(query->params, query->nparams),
					.user_columns = count_user_types(query->columns, query->ncolumns)};
	memcpy(statement->name, query->statement, NAME_SIZE);
	memcpy(statement->sql, query->sql, query->sql_len);
	struct statement **bucket = bucket_of(cache, statement->name);
	statement->chain = *bucket;
	*bucket = statement;
	make_newest(cache, statement);
	cache->count++;
	cache->bytes += query->sql_len;
	return HF_OK;
}

static void forget_every_statement(struct statement_cache *cache)
{
	while (cache->oldest)
		forget(cache, cache->oldest);
}

void statement_cache_free(struct statement_cache *cache)
{
	if (!cache)
		return;
	forget_every_statement(cache);
	type_map_clear(&cache->types);
	free(cache);
}

/* ---- closing on the server ---- */

/* False when no more names fit; they are sent with the next prepare. */
static bool doom(struct statement_cache *cache, const char name[NAME_SIZE])
{
	for (uint32_t i = 0; i < cache->doomed_count; i++)
		if (memcmp(cache->doomed[i], name, NAME_SIZE) == 0)
			return true;
	if (cache->doomed_count == DOOMED_MAX)
		return false;
	memcpy(cache->doomed[cache->doomed_count++], name, NAME_SIZE);
	return true;
}

static void evict(struct statement_cache *cache, size_t bytes_coming)
{
	while (cache->oldest &&
	       (cache->count >= cache->max || cache->bytes + bytes_coming > STATEMENTS_SQL_BYTES_MAX)) {
		if (!doom(cache, cache->oldest->name))
			return;
		forget(cache, cache->oldest);
	}
}

/* The program's own SQL may have removed names, and in a transaction a DEALLOCATE of such a one would abort it. */
static bool may_be_gone(const hf_connection *connection)
{
	return conn_in_transaction(connection) && connection->dirty;
}

static bool has_name(const PGresult *names, const char name[NAME_SIZE])
{
	for (int i = 0; i < PQntuples(names); i++)
		if (strcmp(PQgetvalue(names, i, 0), name) == 0)
			return true;
	return false;
}

/* Strikes from the doomed what the server has not. One round trip. */
static enum hf_status forget_gone(hf_connection *connection, struct call *call, hf_error *err)
{
	static const char sql[] = "SELECT name FROM pg_catalog.pg_prepared_statements";
	struct statement_cache *cache = connection->statements;
	CLEANUP(result_freep) PGresult *names = NULL;
	struct call mine = *call;
	mine.repeatable = true;
	enum hf_status status = conn_begin(connection, &mine, err);
	if (status == HF_OK)
		status = conn_sent(connection, &mine,
				   PQsendQueryParams(connection->pg, sql, 0, NULL, NULL, NULL, NULL, 0), err);
	if (status == HF_OK)
		status = conn_collect(connection, &mine, &names, err);
	if (status != HF_OK)
		return status;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < cache->doomed_count; i++)
		if (has_name(names, cache->doomed[i]))
			memmove(cache->doomed[kept++], cache->doomed[i], NAME_SIZE);
	cache->doomed_count = kept;
	return HF_OK;
}

/* ---- prepare ---- */

static bool send_close(PGconn *pg, const char *name)
{
	char sql[64];
	snprintf(sql, sizeof(sql), "DEALLOCATE \"%s\"", name);
	return PQsendQueryParams(pg, sql, 0, NULL, NULL, NULL, NULL, 0) && PQpipelineSync(pg);
}

/* All in one write. Returns the number of Syncs, 0 on failure. */
static uint32_t send_prepare(hf_connection *connection, struct statement_cache *cache, const struct hf_query *query)
{
	PGconn *pg = connection->pg;
	uint32_t syncs = 1;
	if (!PQenterPipelineMode(pg))
		return 0;
	for (uint32_t i = 0; i < cache->doomed_count; i++, syncs++)
		if (!send_close(pg, cache->doomed[i]))
			return 0;
	bool sent = PQsendPrepare(pg, query->statement, query->sql, 0, NULL) &&
		    PQsendDescribePrepared(pg, query->statement) && PQpipelineSync(pg);
	return sent ? syncs : 0;
}

/* What the last segment answered: the first failed result of it, else the description. */
static enum hf_status read_segments(hf_connection *connection, struct call *call, uint32_t syncs, PGresult **ret_result)
{
	CLEANUP(result_freep) PGresult *kept = NULL;
	hf_deadline deadline = call->deadline;
	while (syncs > 0) {
		PGresult *result = NULL;
		if (conn_next(connection, deadline, &result) != HF_OK) {
			if (call->cancelled)
				return HF_TIMEOUT;
			deadline = conn_cancel_now(connection, call);
			continue;
		}
		if (!result && PQstatus(connection->pg) == CONNECTION_OK)
			continue; /* the end of one command */
		ExecStatusType status = PQresultStatus(result);
		if (PQstatus(connection->pg) != CONNECTION_OK) { /* no Sync will ever come */
			PQclear(kept);
			kept = result;
			break;
		}
		if (status == PGRES_PIPELINE_SYNC) {
			PQclear(result);
			syncs--;
		} else if (syncs == 1 && (!kept || PQresultStatus(kept) == PGRES_COMMAND_OK)) {
			PQclear(kept);
			kept = result;
		} else {
			PQclear(result); /* of a DEALLOCATE, or PGRES_PIPELINE_ABORTED behind the error */
		}
	}
	*ret_result = result_take(&kept);
	return HF_OK;
}

static enum hf_status prepare_failed(hf_connection *connection, const struct hf_query *query, struct call *call,
				     const PGresult *result, hf_error *err)
{
	if (!result)
		return error_lost(connection, call, err);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (state && strcmp(state, "42P05") == 0) /* a pooler, or a connection that was used without us */
		doom(connection->statements, query->statement);
	return error_from_result(connection, call, result, err);
}

/* Prepare and describe. Preparing changes nothing that outlives the session, so that it may always be repeated. */
static enum hf_status prepare_on_server(hf_connection *connection, const struct hf_query *query, struct call *call,
					PGresult **ret_described, hf_error *err)
{
	CLEANUP(result_freep) PGresult *result = NULL;
	struct call mine = *call;
	mine.repeatable = true;
	enum hf_status status = conn_begin(connection, &mine, err);
	if (status != HF_OK)
		return status;
	uint32_t syncs = send_prepare(connection, connection->statements, query);
	status = conn_sent(connection, &mine, syncs > 0, err);
	if (status != HF_OK) {
		connection->broken = true;
		return status;
	}
	if (read_segments(connection, &mine, syncs, &result) != HF_OK) {
		connection->broken = true;
		conn_end(connection);
		return error_deadline(connection, &mine, false, err);
	}
	conn_end(connection);
	connection->statements->doomed_count = 0;
	if (!PQexitPipelineMode(connection->pg))
		connection->broken = true;
	if (!result || PQresultStatus(result) != PGRES_COMMAND_OK)
		return prepare_failed(connection, query, &mine, result, err);
	*ret_described = result_take(&result);
	return HF_OK;
}

static enum hf_status describe_again(hf_connection *connection, const struct hf_query *query, struct call *call,
				     PGresult **ret_described, hf_error *err)
{
	struct call mine = *call;
	mine.repeatable = true;
	enum hf_status status = conn_begin(connection, &mine, err);
	if (status == HF_OK)
		status = conn_sent(connection, &mine, PQsendDescribePrepared(connection->pg, query->statement), err);
	return status == HF_OK ? conn_collect(connection, &mine, ret_described, err) : status;
}

/* The numbers learned earlier may be those of types that were dropped and made again since. */
static enum hf_status check_with_fresh_types(hf_connection *connection, const struct hf_query *query,
					     const PGresult *described, struct call *call, hf_error *err)
{
	struct type_map *types = &connection->statements->types;
	type_map_clear(types);
	enum hf_status status = type_map_resolve(types, connection, query, call, err);
	return status == HF_OK ? shape_check(connection, query, described, call, err) : status;
}

/* Prepared at the server, as `ret_described` says, and its shape is the compiled one. */
static enum hf_status prepare_checked(hf_connection *connection, const struct hf_query *query, struct call *call,
				      PGresult **ret_described, hf_error *err)
{
	struct statement_cache *cache = connection->statements;
	size_t known = cache->types.count;
	enum hf_status status = type_map_resolve(&cache->types, connection, query, call, err);
	if (status == HF_OK && cache->doomed_count > 0 && may_be_gone(connection))
		status = forget_gone(connection, call, err);
	if (status == HF_OK)
		status = prepare_on_server(connection, query, call, ret_described, err);
	if (status == HF_OK)
		status = shape_check(connection, query, *ret_described, call, err);
	if (status == HF_E_DRIFT && known > 0 && *ret_described)
		status = check_with_fresh_types(connection, query, *ret_described, call, err);
	if (status != HF_OK && *ret_described)
		type_map_clear(&cache->types); /* the database may be migrated before the next try */
	return status;
}

static enum hf_status prepare_new(hf_connection *connection, const struct hf_query *query, struct call *call,
				  hf_error *err)
{
	CLEANUP(result_freep) PGresult *described = NULL;
	evict(connection->statements, query->sql_len);
	enum hf_status status = prepare_checked(connection, query, call, &described, err);
	if (status == HF_OK)
		status = remember(connection->statements, query, err);
	if (status != HF_OK && described)
		doom(connection->statements, query->statement);
	return status;
}

/* The same text is used with another table (two copies of generated code): the shape is compared once more. */
static enum hf_status check_again(hf_connection *connection, const struct hf_query *query, struct statement *statement,
				  struct call *call, hf_error *err)
{
	CLEANUP(result_freep) PGresult *described = NULL;
	enum hf_status status = type_map_resolve(&connection->statements->types, connection, query, call, err);
	if (status == HF_OK)
		status = describe_again(connection, query, call, &described, err);
	if (status == HF_OK)
		status = shape_check(connection, query, described, call, err);
	if (status == HF_OK)
		statement->checked = query;
	return status;
}

static enum hf_status ensure_cache(hf_connection *connection, hf_error *err)
{
	if (!connection->statements)
		connection->statements = statement_cache_new(connection->statements_max);
	return connection->statements ? HF_OK : error_nomem(err);
}

static void touch(struct statement_cache *cache, struct statement *statement)
{
	if (statement == cache->newest)
		return;
	unlink_from_list(cache, statement);
	make_newest(cache, statement);
}

/* Not prepared yet, or not for this table; afterwards it is the newest. `found` has its name; NULL when none has. */
COLD static enum hf_status prepare_first(hf_connection *connection, const struct hf_query *query,
					 struct statement *found, struct call *call, hf_error *err)
{
	if (ensure_cache(connection, err) != HF_OK)
		return HF_E_NOMEM;
	struct statement_cache *cache = connection->statements;
	if (found && same_text(found, query)) {
		touch(cache, found);
		return check_again(connection, query, found, call, err);
	}
	if (found) { /* two texts with one hash: the newer one wins */
		if (!doom(cache, found->name))
			return error_set(err, HF_E_LIMIT, "too many statements wait to be closed");
		forget(cache, found);
	}
	return prepare_new(connection, query, call, err);
}

HOT enum hf_status statement_prepare(hf_connection *connection, const struct hf_query *query, struct call *call,
				     hf_error *err)
{
	struct statement *found = connection->statements ? find(connection->statements, query) : NULL;
	if (!found || found->checked != query) {
		enum hf_status status = prepare_first(connection, query, found, call, err);
		if (status != HF_OK)
			return status;
		found = connection->statements->newest;
	}
	touch(connection->statements, found);
	call->user_params = found->user_params;
	call->user_columns = found->user_columns;
	return HF_OK;
}

/* "COPY t (a, b) FROM STDIN (FORMAT binary)" as the INSERT whose parameters have the types of a and b. */
static bool insert_for_copy(const struct hf_query *copy, struct buf *insert)
{
	struct hf_str target = {copy->sql, copy->sql_len};
	const struct hf_str head = HF_STR("COPY "), tail = HF_STR(" FROM STDIN (FORMAT binary)");
	if (!str_starts(target, head) || !str_ends(target, tail) || target.len <= head.len + tail.len)
		return false;
	target = (struct hf_str){target.ptr + head.len, target.len - head.len - tail.len};
	buf_printf(insert, "INSERT INTO %.*s OVERRIDING SYSTEM VALUE VALUES (", STR_ARG(target));
	for (uint32_t i = 0; i < copy->nparams; i++)
		buf_printf(insert, "%s$%u", i ? ", " : "", i + 1);
	buf_add_text(insert, ")");
	return true;
}

enum hf_status statement_check_copy(hf_connection *connection, const struct hf_query *query, struct call *call,
				    hf_error *err)
{
	struct buf text;
	CLEANUP(result_freep) PGresult *described = NULL;
	struct hf_query insert = *query;
	enum hf_status status = ensure_cache(connection, err);
	if (status != HF_OK)
		return status;
	buf_init(&text, STATEMENTS_SQL_BYTES_MAX);
	if (!insert_for_copy(query, &text))
		status = error_set(err, HF_E_PROTOCOL, "query \"%s\" is not a COPY FROM STDIN", query->name);
	else if (!buf_ok(&text))
		status = error_nomem(err);
	if (status == HF_OK) {
		insert.sql = text.ptr;
		insert.sql_len = text.len;
		memset(insert.statement, 0, sizeof(insert.statement)); /* the unnamed one: nothing remains */
		status = prepare_checked(connection, &insert, call, &described, err);
	}
	buf_deinit(&text);
	return status;
}

void statement_forget(hf_connection *connection, const struct hf_query *query)
{
	struct statement_cache *cache = connection->statements;
	struct statement *statement = cache ? find(cache, query) : NULL;
	if (!cache)
		return;
	type_map_clear(&cache->types);
	if (!doom(cache, query->statement))
		connection->broken = true; /* cannot happen while closing works; a fresh session has no such names */
	if (statement)
		forget(cache, statement);
}

void statement_forget_all(hf_connection *connection)
{
	struct statement_cache *cache = connection->statements;
	if (!cache)
		return;
	forget_every_statement(cache);
	type_map_clear(&cache->types);
	cache->doomed_count = 0;
}

HOT const struct type_map *statement_types(const hf_connection *connection)
{
	return connection->statements ? &connection->statements->types : NULL;
}

uint32_t statement_count(const hf_connection *connection)
{
	return connection->statements ? connection->statements->count : 0;
}
