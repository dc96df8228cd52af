/*
 * bulk_writers.c - the new items by several connections at once, each a COPY in a transaction of its own.
 *
 * They commit when all COPYs have ended well, one after the other, those first that will be served first; the first
 * failure takes back all that have not committed. A transaction that waits for its turn can hold up another of them
 * only by what triggers of the database lock: no two of ours write one place. A lock that is not got within
 * LOCK_TIMEOUT_MS is a failure as any other.
 *
 * Threads: the caller's is the first writer; one more for each other. They share the gang, and what is decided, which
 * nobody changes meanwhile.
 */
#include "janitor/bulk.h"

#include <string.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "base/thread.h"
#include "holdfast/pool.h"
#include "holdfast/transaction.h"

enum { LOCK_TIMEOUT_MS = 2000, CHECKOUT_MS = 1000 };

struct gang {
	const struct bulk *bulk;
	hf_deadline deadline;
	uint32_t count;
	atomic_bool failed; /* written with the mutex held */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint32_t copied, committed;
	int64_t written;
	enum hf_status status; /* of the first that failed */
	hf_error err;
};

struct writer {
	struct gang *gang;
	uint32_t turn; /* of its commit */
	hf_connection *connection;
	struct bulk_row *rows;
	size_t count;
	pthread_t thread;
};

/* ---- one of them ---- */

/* All have copied, and those before it have committed. */
static enum hf_status wait_for_turn(const struct writer *writer, hf_error *err)
{
	struct gang *gang = writer->gang;
	pthread_mutex_lock(&gang->mutex);
	gang->copied++;
	pthread_cond_broadcast(&gang->changed);
	while (!gang->failed && (gang->copied < gang->count || gang->committed < writer->turn))
		pthread_cond_wait(&gang->changed, &gang->mutex);
	const bool failed = gang->failed;
	pthread_mutex_unlock(&gang->mutex);
	return failed ? error_set(err, HF_E_FAILED, "another writer failed") : HF_OK;
}

static enum hf_status copy_share(hf_where tx, void *user, hf_error *err)
{
	const struct writer *writer = user;
	const struct gang *gang = writer->gang;
	enum hf_status status = bulk_append(tx, gang->bulk, writer->rows, writer->count, &gang->failed, err);
	return status == HF_OK ? wait_for_turn(writer, err) : status;
}

static void end_share(const struct writer *writer, enum hf_status status, const hf_error *err)
{
	struct gang *gang = writer->gang;
	pthread_mutex_lock(&gang->mutex);
	if (status == HF_OK) {
		gang->committed++;
		gang->written += (int64_t)writer->count;
	} else if (!gang->failed) {
		gang->failed = true;
		gang->status = status;
		gang->err = *err;
	}
	pthread_cond_broadcast(&gang->changed);
	pthread_mutex_unlock(&gang->mutex);
}

static void *write_share(void *user)
{
	struct writer *writer = user;
	hf_error err = HF_ERROR_INIT;
	const struct hf_transaction_options options = {.size = sizeof(options),
	                                               .isolation = HF_READ_COMMITTED,
	                                               .attempts_max = 1,
	                                               .lock_timeout_ms = LOCK_TIMEOUT_MS};
	hf_where where = hf_until(hf_on_connection(writer->connection), writer->gang->deadline);
	end_share(writer, hf_transaction(where, &options, copy_share, writer, &err), &err);
	return NULL;
}

/* ---- all of them ---- */

static uint32_t wanted_writers(const struct bulk *bulk, hf_pool *pool)
{
	struct hf_pool_stats stats;
	uint32_t wanted = bulk->options->writers;
	hf_pool_stats(pool, &stats);
	if (wanted > stats.connections_max)
		wanted = stats.connections_max;
	return (int64_t)wanted * BULK_SHARE_MIN > bulk->report.added ? (uint32_t)(bulk->report.added / BULK_SHARE_MIN)
	                                                             : wanted;
}

/* The first must be had; of the others as many as come soon. */
static enum hf_status take_connections(struct writer *writers, uint32_t wanted, hf_pool *pool, struct gang *gang,
                                       hf_error *err)
{
	hf_context *ctx = hf_where_context(hf_on_pool(pool));
	enum hf_status status = hf_pool_checkout(pool, gang->deadline, &writers[0].connection, err);
	if (status != HF_OK)
		return status;
	const hf_deadline soon = hf_deadline_in(ctx, CHECKOUT_MS);
	const hf_deadline until =
		gang->deadline == HF_DEADLINE_DEFAULT || soon < gang->deadline ? soon : gang->deadline;
	for (gang->count = 1; gang->count < wanted; gang->count++)
		if (hf_pool_checkout(pool, until, &writers[gang->count].connection, NULL) != HF_OK)
			break;
	return HF_OK;
}

static void share_out(struct writer *writers, struct gang *gang, struct bulk_row *rows)
{
	const size_t count = (size_t)gang->bulk->report.added;
	for (uint32_t i = 0; i < gang->count; i++) {
		const size_t from = count * i / gang->count, to = count * (i + 1) / gang->count;
		writers[i].gang = gang;
		writers[i].turn = i;
		writers[i].rows = rows + from;
		writers[i].count = to - from;
	}
}

static void run_gang(struct writer *writers, struct gang *gang)
{
	hf_error err = HF_ERROR_INIT;
	enum hf_status status = HF_OK;
	uint32_t started = 1;
	for (; status == HF_OK && started < gang->count; started++)
		status = thread_start(&writers[started].thread, write_share, &writers[started], "a writer", &err);
	if (status == HF_OK)
		write_share(&writers[0]);
	else
		end_share(&writers[--started], status, &err);
	while (--started > 0)
		pthread_join(writers[started].thread, NULL);
}

enum hf_status bulk_write_apart(struct bulk *bulk, hf_pool *pool, hf_deadline deadline, int64_t *ret_written,
                                hf_error *err)
{
	struct writer writers[BULK_WRITERS_MAX] = {0};
	struct gang gang = {.bulk = bulk,
	                    .deadline = deadline,
	                    .mutex = PTHREAD_MUTEX_INITIALIZER,
	                    .changed = PTHREAD_COND_INITIALIZER,
	                    .err = HF_ERROR_INIT};
	struct bulk_row *rows = NULL;
	*ret_written = 0;
	enum hf_status status = bulk_new_rows(bulk, &rows, err);
	if (status == HF_OK)
		status = take_connections(writers, wanted_writers(bulk, pool), pool, &gang, err);
	if (status != HF_OK)
		return status;
	share_out(writers, &gang, rows);
	run_gang(writers, &gang);
	for (uint32_t i = 0; i < gang.count; i++)
		hf_pool_return(pool, writers[i].connection);
	bulk->report.writers = gang.count;
	*ret_written = gang.written;
	if (gang.failed && err)
		*err = gang.err;
	return gang.failed ? gang.status : HF_OK;
}
