/*
 * batch.c - :batch, many executions of one prepared statement in libpq's pipeline mode.
 *
 *     check all inputs, unless somebody did; enter pipeline mode
 *     send: item, item, ... Sync         the batch is one segment; of independent items each is one
 *     read: answer, answer, ... SYNC     while sending, whenever the socket is full or 256 answers are outstanding
 *     settle: what the SYNC confirms     only then is an item done
 *
 * An error makes the server skip everything up to the next Sync, and roll it back there. What only the commit finds
 * comes between the last answer and the SYNC and belongs to no item. Whoever gives up before all items were sent (the
 * deadline passed, memory is short) must not let a Sync commit the first of them: a command that fails is sent before.
 *
 * Invariants: settled <= answered <= sent <= count; items before `settled` have their outcome. Without a Sync on its
 * way a lost connection leaves nothing behind.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "pg/dirty.h"
#include "pg/encode.h"
#include "pg/query_run.h"
#include "pg/result.h"
#include "pg/statements.h"

enum { IN_FLIGHT_MAX = 256, UNSENT_BYTES_MAX = 256 << 10, NOTHINGS_MAX = 3 };

/* Describing a statement of this name fails on every server, and its log tells why. */
static const char poison[] = "holdfast gave up a batch";

/* Why no more items are sent. */
enum stop { STOP_NOT = 0, STOP_FAILED, STOP_LATE, STOP_UNFIT, STOP_LOST, STOP_DEAF };

struct batch {
	const struct hf_query *query;
	const char *in;
	size_t in_size, count;
	struct hf_batch_item *items; /* the caller's, or NULL */
	hf_arena *arena;
	char *rows;     /* decoded aside; NULL for a statement without rows */
	void *ret_rows; /* the caller's */
	bool sure;      /* nobody needs to look at the inputs before the first is sent */

	/* of one attempt */
	hf_connection *connection;
	struct call *call;
	hf_deadline deadline; /* of the call, or of the cancel's confirmation */
	size_t segment;       /* items to a Sync */
	size_t sent, answered, settled;
	size_t syncs_sent, syncs_read;
	size_t unsent_bytes;
	bool answering; /* the result of items[answered] was read, the NULL behind it was not */
	bool independent;
	bool poisoned;
	enum hf_status segment_status; /* of the failure in the segment that is being answered */
	size_t failed_at;              /* its item; `sent`: its Sync */
	unsigned nothings;             /* NULLs in a row */
	size_t failures;
	enum stop stop;
	enum hf_status status; /* of the first failure, with `error` */
	hf_error error;
	enum hf_status misread; /* an answer that could not be decoded */
	hf_error misread_error;
};

/* ---- outcomes ---- */

static void set_outcome(struct batch *batch, size_t from, size_t to, enum hf_batch_outcome outcome)
{
	for (size_t i = from; batch->items && i < to; i++) {
		batch->items[i].outcome = outcome;
		if (outcome != HF_BATCH_DONE)
			batch->items[i].rows = 0;
		if (outcome != HF_BATCH_FAILED)
			batch->items[i].status = HF_OK;
	}
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The segment was rolled back: what came before the one that failed had run. */
static void settle_failed(struct batch *batch, size_t end)
{
	size_t failed = smaller(batch->failed_at, smaller(end, batch->sent));
	size_t behind = batch->failed_at < smaller(end, batch->sent) ? failed + 1 : failed;
	set_outcome(batch, batch->settled, failed, HF_BATCH_UNDONE);
	set_outcome(batch, failed, behind, HF_BATCH_FAILED);
	set_outcome(batch, behind, end, HF_BATCH_SKIPPED);
}

static void settle(struct batch *batch)
{
	size_t end = smaller(batch->settled + batch->segment, batch->count);
	if (batch->segment_status != HF_OK)
		settle_failed(batch, end);
	else
		set_outcome(batch, batch->settled, end, HF_BATCH_DONE);
	batch->settled = end;
	batch->segment_status = HF_OK;
	batch->syncs_read++;
}

/* The server judged an item; anything else tells only that the session ended. */
static bool is_judgement(enum hf_status status)
{
	return status != HF_OK && status != HF_E_OUTCOME_UNKNOWN && status != HF_E_UNAVAILABLE;
}

/* No SYNC will come. What had one on its way may be committed, unless a transaction that is lost too holds it. */
static void settle_lost(struct batch *batch)
{
	if (is_judgement(batch->segment_status))
		settle(batch);
	size_t doubtful = batch->settled;
	if (batch->call->phase == PHASE_SENT && !batch->connection->tx && batch->syncs_sent > batch->syncs_read)
		doubtful += (batch->syncs_sent - batch->syncs_read) * batch->segment;
	doubtful = smaller(doubtful, batch->count);
	set_outcome(batch, batch->settled, doubtful, HF_BATCH_UNKNOWN);
	set_outcome(batch, doubtful, batch->sent, HF_BATCH_UNDONE);
}

/* ---- reading ---- */

static void lose(struct batch *batch)
{
	batch->connection->broken = true;
	batch->stop = STOP_LOST;
}

static void note_failure(struct batch *batch, const PGresult *result)
{
	hf_error error = HF_ERROR_INIT;
	bool of_item = batch->answered < batch->sent;
	if (!PQresultErrorField(result, PG_DIAG_SQLSTATE)) {
		lose(batch); /* libpq's own: lost, or an answer that it cannot hold, whatever it was */
		return;
	}
	enum hf_status status = error_from_result(batch->connection, batch->call, result, &error);
	batch->segment_status = status;
	batch->failed_at = batch->answered;
	if (batch->poisoned && !of_item)
		return; /* as it should */
	if (of_item)
		error_prefix(&error, "items[%zu]", batch->answered);
	else
		error_prefix(&error, "at the end of the batch");
	if (of_item && batch->items)
		batch->items[batch->answered].status = status;
	if (batch->failures++ > 0)
		return;
	batch->status = status;
	batch->error = error;
	if (!batch->independent && batch->stop == STOP_NOT)
		batch->stop = STOP_FAILED;
}

static void note_misread(struct batch *batch, enum hf_status status, const hf_error *error)
{
	if (batch->misread != HF_OK)
		return;
	batch->misread = status;
	batch->misread_error = *error;
	error_prefix(&batch->misread_error, "the batch was done, but items[%zu]", batch->answered);
}

static void read_row(struct batch *batch, const PGresult *result, int rows)
{
	hf_error error = HF_ERROR_INIT;
	struct decoder decoder = {.arena = batch->arena, .types = statement_types(batch->connection)};
	enum hf_status status = query_check_columns(batch->query, result, &error);
	query_note_size(batch->connection, result, rows);
	if (status == HF_OK && rows > 1)
		status = error_set(&error, HF_E_LIMIT, "query \"%s\" answered %d rows where at most one is promised",
		                   batch->query->name, rows);
	if (status == HF_OK && rows == 1)
		status = query_decode_row(&decoder, batch->query, result, 0,
		                          batch->rows + batch->answered * batch->query->row_size, &error);
	if (status != HF_OK)
		note_misread(batch, status, &error);
}

static void note_success(struct batch *batch, PGresult *result)
{
	int64_t rows = batch->rows ? PQntuples(result) : result_changed(result);
	batch->connection->dirty |= dirty_after_query(PQcmdStatus(result));
	batch->call->rows += rows;
	if (batch->items)
		batch->items[batch->answered].rows = rows;
	if (batch->rows)
		read_row(batch, result, (int)rows);
}

static void take_nothing(struct batch *batch)
{
	if (batch->answering)
		batch->answered++;
	batch->answering = false;
	if (++batch->nothings > NOTHINGS_MAX) /* libpq has no more answers where we wait for some */
		lose(batch);
}

/* One answer of libpq's. */
static void take(struct batch *batch, PGresult *result)
{
	if (!result) {
		take_nothing(batch);
		return;
	}
	batch->nothings = 0;
	switch ((int)PQresultStatus(result)) {
	case PGRES_PIPELINE_SYNC:
		settle(batch);
		break;
	case PGRES_PIPELINE_ABORTED:
		batch->answering = batch->answered < batch->sent;
		break;
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		if (batch->answered < batch->sent)
			note_success(batch, result);
		batch->answering = batch->answered < batch->sent;
		break;
	default:
		note_failure(batch, result);
		batch->answering = batch->answered < batch->sent;
		break;
	}
	if (PQstatus(batch->connection->pg) != CONNECTION_OK)
		batch->stop = STOP_LOST;
}

static bool is_over(const struct batch *batch)
{
	return batch->stop == STOP_LOST || batch->stop == STOP_DEAF;
}

/* The deadline passed: cancel. When that has no answer either, the connection is given up. */
static void come_late(struct batch *batch)
{
	if (batch->call->cancelled) {
		batch->connection->broken = true;
		batch->stop = STOP_DEAF;
		return;
	}
	batch->deadline = conn_cancel_now(batch->connection, batch->call);
	if (batch->stop == STOP_NOT)
		batch->stop = STOP_LATE;
}

static void read_one(struct batch *batch)
{
	CLEANUP(result_freep) PGresult *result = NULL;
	if (conn_next(batch->connection, batch->deadline, &result) != HF_OK) {
		come_late(batch);
		return;
	}
	take(batch, result);
	if (!result && PQstatus(batch->connection->pg) != CONNECTION_OK)
		batch->stop = STOP_LOST;
}

static void read_arrived(struct batch *batch)
{
	while (!is_over(batch) && batch->answered < batch->sent && !PQisBusy(batch->connection->pg)) {
		CLEANUP(result_freep) PGresult *result = PQgetResult(batch->connection->pg);
		take(batch, result);
	}
}

/* ---- sending ---- */

static void give_up(struct batch *batch, enum stop stop)
{
	if (batch->stop == STOP_NOT)
		batch->stop = stop;
}

/* Until the kernel has it all, reading meanwhile: a server whose answers nobody reads stops reading too. */
static void push(struct batch *batch)
{
	bool unsent = true;
	while (unsent && !is_over(batch)) {
		if (conn_turn(batch->connection, batch->deadline, &unsent) != HF_OK)
			come_late(batch);
		else
			read_arrived(batch);
	}
	batch->unsent_bytes = 0;
}

static void make_room(struct batch *batch)
{
	if (batch->unsent_bytes >= UNSENT_BYTES_MAX)
		push(batch);
	while (batch->stop == STOP_NOT && batch->sent - batch->answered >= IN_FLIGHT_MAX)
		read_one(batch);
}

static void send_sync(struct batch *batch)
{
	if (is_over(batch))
		return;
	if (!batch->poisoned && batch->segment_status == HF_OK)
		batch->call->phase = PHASE_SENT; /* from here on it may be committed */
	if (PQpipelineSync(batch->connection->pg))
		batch->syncs_sent++;
	else
		lose(batch);
}

static void send_item(struct batch *batch)
{
	struct encoded encoded;
	hf_error error = HF_ERROR_INIT;
	enum hf_status status = encode_params(&encoded, batch->query, statement_types(batch->connection),
	                                      batch->in + batch->sent * batch->in_size, &error);
	if (status != HF_OK) {
		give_up(batch, STOP_UNFIT);
		if (batch->failures == 0)
			batch->error = error;
	} else if (PQsendQueryPrepared(batch->connection->pg, batch->query->statement, encoded.count, encoded.values,
	                               encoded.lengths, encoded.formats, 1)) {
		for (int i = 0; i < encoded.count; i++)
			batch->unsent_bytes += (size_t)encoded.lengths[i];
		batch->sent++;
	} else {
		lose(batch);
	}
	encoded_deinit(&encoded);
}

/* Answers come without a Sync now and then, or the server would keep the last of them to itself. */
static void send_items(struct batch *batch)
{
	while (batch->stop == STOP_NOT && batch->sent < batch->count) {
		send_item(batch);
		if (batch->stop != STOP_NOT)
			break;
		if (batch->independent)
			send_sync(batch);
		else if (batch->sent % (IN_FLIGHT_MAX / 2) == 0 && !PQsendFlushRequest(batch->connection->pg))
			lose(batch);
		make_room(batch);
	}
}

static void send_end(struct batch *batch)
{
	if (is_over(batch) || batch->independent)
		return;
	if (batch->sent < batch->count && batch->failures == 0) {
		batch->poisoned = true;
		if (!PQsendDescribePrepared(batch->connection->pg, poison))
			lose(batch);
	}
	send_sync(batch);
}

/* ---- the whole ---- */

static enum hf_status check_inputs(struct batch *batch, hf_error *err)
{
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < batch->count; i++) {
		struct encoded encoded;
		status = encode_params(&encoded, batch->query, statement_types(batch->connection),
		                       batch->in + i * batch->in_size, err);
		encoded_deinit(&encoded);
		if (status == HF_OK)
			continue;
		error_prefix(err, "items[%zu]", i);
		set_outcome(batch, i, i + 1, HF_BATCH_FAILED);
		if (batch->items)
			batch->items[i].status = status;
	}
	return status;
}

static void begin_attempt(struct batch *batch, hf_connection *connection, struct call *call)
{
	size_t first = offsetof(struct batch, connection);
	memset((char *)batch + first, 0, sizeof(*batch) - first);
	batch->connection = connection;
	batch->call = call;
	if (batch->items)
		memset(batch->items, 0, batch->count * sizeof(*batch->items));
	if (batch->rows)
		memset(batch->rows, 0, batch->count * batch->query->row_size);
}

static enum hf_status report_given_up(struct batch *batch, hf_error *err)
{
	if (batch->stop == STOP_UNFIT) {
		*err = batch->error;
		return err->status;
	}
	return error_deadline(batch->connection, batch->call, batch->stop != STOP_DEAF, err);
}

static enum hf_status report_failure(struct batch *batch, hf_error *err)
{
	*err = batch->error;
	if (batch->failures == batch->count || !batch->independent)
		return batch->status;
	error_prefix(err, "%zu of %zu failed, the first was", batch->failures, batch->count);
	err->action = HF_ACTION_NEVER; /* others are done */
	return err->status = HF_PARTIAL;
}

static enum hf_status report(struct batch *batch, hf_error *err)
{
	if (is_over(batch))
		settle_lost(batch);
	if (batch->failures > 0 && !(batch->independent && (is_over(batch) || batch->stop == STOP_LATE)))
		return report_failure(batch, err);
	if (batch->stop == STOP_LOST)
		return error_lost(batch->connection, batch->call, err);
	if (batch->stop == STOP_DEAF || batch->poisoned || batch->settled < batch->count)
		return report_given_up(batch, err);
	if (batch->misread != HF_OK) {
		*err = batch->misread_error;
		return batch->misread;
	}
	if (batch->rows)
		memcpy(batch->ret_rows, batch->rows, batch->count * batch->query->row_size);
	return HF_OK;
}

static enum hf_status enter(struct batch *batch, hf_error *err)
{
	enum hf_status status = batch->sure ? HF_OK : check_inputs(batch, err);
	if (status == HF_OK)
		status = conn_begin(batch->connection, batch->call, err);
	if (status != HF_OK)
		return status;
	batch->deadline = batch->call->deadline;
	batch->independent = (batch->query->flags & HF_QUERY_INDEPENDENT) && !batch->call->in_transaction;
	batch->segment = batch->independent ? 1 : batch->count;
	if (PQenterPipelineMode(batch->connection->pg))
		return HF_OK;
	lose(batch);
	conn_end(batch->connection);
	return error_lost(batch->connection, batch->call, err);
}

static enum hf_status run_batch(hf_connection *connection, struct call *call, void *user, hf_error *err)
{
	struct batch *batch = user;
	begin_attempt(batch, connection, call);
	call->rows = 0;
	call->user_params *= (uint32_t)batch->count;
	enum hf_status status = enter(batch, err);
	if (status != HF_OK)
		return status;
	send_items(batch);
	send_end(batch);
	while (!is_over(batch) && batch->syncs_read < batch->syncs_sent)
		read_one(batch);
	conn_end(connection);
	if (!connection->broken && !PQexitPipelineMode(connection->pg))
		connection->broken = true;
	return report(batch, err);
}

static enum hf_status check_call(const struct batch *batch, hf_error *err)
{
	if (batch->items)
		memset(batch->items, 0, batch->count * sizeof(*batch->items));
	if (batch->count > HF_BATCH_ITEMS_MAX)
		return error_set(err, HF_E_LIMIT, "%zu items are more than a batch takes (%d): cut it up", batch->count,
		                 HF_BATCH_ITEMS_MAX);
	if (!batch->ret_rows && batch->query->row_size > 0)
		return error_set(err, HF_E_USAGE, "query \"%s\" gives rows: use hf_query_batch_rows()",
		                 batch->query->name);
	return HF_OK;
}

static enum hf_status run_all(struct batch *batch, hf_where where, hf_error *err)
{
	enum hf_status status = check_call(batch, err);
	if (status != HF_OK || batch->count == 0)
		return status;
	if (batch->ret_rows)
		batch->rows = hf_arena_calloc(batch->arena, batch->count, batch->query->row_size);
	if (batch->ret_rows && !batch->rows)
		return error_nomem(err);
	return query_run(where, batch->query, run_batch, batch, err);
}

enum hf_status hf_query_batch(hf_where where, const struct hf_query *query, const void *in, size_t in_size,
                              size_t count, struct hf_batch_item *ret_items, hf_error *err)
{
	struct batch batch = {.query = query, .in = in, .in_size = in_size, .count = count, .items = ret_items};
	return run_all(&batch, where, err);
}

enum hf_status hf_query_batch_rows(hf_where where, const struct hf_query *query, const void *in, size_t in_size,
                                   size_t count, hf_arena *arena, void *ret_rows, struct hf_batch_item *ret_items,
                                   hf_error *err)
{
	struct batch batch = {.query = query,
	                      .in = in,
	                      .in_size = in_size,
	                      .count = count,
	                      .items = ret_items,
	                      .arena = arena,
	                      .ret_rows = ret_rows};
	return run_all(&batch, where, err);
}

enum hf_status query_batch_sure(hf_where where, const struct hf_query *query, const void *in, size_t in_size,
                                size_t count, hf_arena *arena, void *ret_rows, hf_error *err)
{
	struct batch batch = {.query = query,
	                      .in = in,
	                      .in_size = in_size,
	                      .count = count,
	                      .arena = arena,
	                      .ret_rows = ret_rows,
	                      .sure = true};
	return run_all(&batch, where, err);
}
