/*
 * postgres_batch.c - plain puts of many keys: a statement takes a step of them, all steps travel in one pipeline whose
 * end is the commit. The server works on one step while the next is on its way.
 *
 * The steps are made before the first is sent: pointers to the caller's keys and values, in the order of the keys. The
 * first are small, so that the server begins soon; larger ones cost it less. What no write of the batch has (metadata,
 * an expiry, a packed value) is not sent, and who looks at no results is sent none.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "kv/postgres_retry.h"
#include "pg/query_run.h"

enum { STEP = 256, STEP_MAX = 2048, STEP_BYTES = 512 << 10, ANSWER_HEADS = 256 };

struct putting {
	hf_kv_backend_state *state;
	const struct hf_kv_batch *batch;
	int32_t ns;
	struct place *places; /* those that are put, in order */
	size_t count;
	hf_arena *scratch, *answer;
	struct entries_put_in *steps;
	size_t nsteps;
};

struct columns {
	bool more;    /* without it there are keys and values alone */
	size_t bytes; /* of keys, values and metadata, before any is packed */
	struct hf_bytes *keys, *values;
	int16_t *codecs;
	struct hf_str *metadata;
	struct hf_interval *ttls;
	bool *no_metadata, *no_ttl;
};

/* ---- which are put ---- */

/* Several writes of a key: each needs a revision of its own if somebody looks, else the last is all that is done. */
static bool keep_last(struct putting *putting)
{
	struct place *places = putting->places;
	size_t kept = 0;
	for (size_t i = 0; i < putting->batch->count; i++) {
		if (i > 0 && postgres_same_key(&places[i - 1], &places[i])) {
			if (!putting->batch->blind)
				return false;
			kept--;
		}
		places[kept++] = places[i];
	}
	putting->count = kept;
	return true;
}

/* ---- steps ---- */

static void look(struct columns *columns, const struct putting *putting)
{
	for (size_t i = 0; i < putting->count; i++) {
		const struct hf_kv_write *write = putting->places[i].write;
		columns->more |=
			write->metadata.ptr || write->ttl_us > 0 || codec_wants(&putting->state->codec, write->value);
		columns->bytes += write->key.len + write->value.len + write->metadata.len;
	}
}

static bool columns_new(struct columns *columns, const struct putting *putting)
{
	hf_arena *scratch = putting->scratch;
	*columns = (struct columns){0};
	look(columns, putting);
	const size_t more = columns->more ? putting->count : 1;
	columns->keys = hf_arena_alloc(scratch, putting->count * sizeof(*columns->keys));
	columns->values = hf_arena_alloc(scratch, putting->count * sizeof(*columns->values));
	columns->codecs = hf_arena_alloc(scratch, more * sizeof(*columns->codecs));
	columns->metadata = hf_arena_alloc(scratch, more * sizeof(*columns->metadata));
	columns->no_metadata = hf_arena_alloc(scratch, more * sizeof(*columns->no_metadata));
	columns->ttls = hf_arena_calloc(scratch, more, sizeof(*columns->ttls));
	columns->no_ttl = hf_arena_alloc(scratch, more * sizeof(*columns->no_ttl));
	return columns->keys && columns->values && columns->codecs && columns->metadata && columns->no_metadata &&
	       columns->ttls && columns->no_ttl;
}

static enum hf_status columns_set(struct columns *columns, const struct putting *putting, size_t i, hf_error *err)
{
	const struct hf_kv_write *write = putting->places[i].write;
	struct codec_value stored = {write->value, CODEC_RAW};
	enum hf_status status = HF_OK;
	if (columns->more) {
		status = codec_pack(&putting->state->codec, write->value, putting->scratch, &stored, err);
		columns->codecs[i] = stored.codec;
		columns->metadata[i] = write->metadata;
		columns->no_metadata[i] = !write->metadata.ptr;
		columns->ttls[i].us = write->ttl_us;
		columns->no_ttl[i] = write->ttl_us <= 0;
	}
	columns->keys[i] = write->key;
	columns->values[i] = stored.bytes;
	return status;
}

static struct entries_put_in step_of(const struct columns *columns, const struct putting *putting, size_t first,
                                     size_t behind)
{
	const uint32_t count = (uint32_t)(behind - first);
	struct entries_put_in step = {
		.ns = putting->ns,
		.with_relaxed = putting->batch->durability == HF_KV_RELAXED,
		.with_more = columns->more,
		.keys = {.count = count, .ndim = 1, .values = columns->keys + first},
		.values = {.count = count, .ndim = 1, .values = columns->values + first},
	};
	if (!columns->more)
		return step;
	step.codecs.values = columns->codecs + first;
	step.metadata.values = columns->metadata + first;
	step.metadata.nulls = columns->no_metadata + first;
	step.ttls.values = columns->ttls + first;
	step.ttls.nulls = columns->no_ttl + first;
	step.codecs.count = step.metadata.count = step.ttls.count = count;
	step.codecs.ndim = step.metadata.ndim = step.ttls.ndim = 1;
	return step;
}

static struct entries_set_in untold(const struct entries_put_in *put)
{
	return (struct entries_set_in){
		.ns = put->ns,
		.with_relaxed = put->with_relaxed,
		.with_more = put->with_more,
		.keys = put->keys,
		.values = put->values,
		.codecs = put->codecs,
		.metadata = put->metadata,
		.ttls = put->ttls,
	};
}

/* Among the statements of a query with two parts that may be left out, in their order. */
static size_t variant_of(const struct entries_put_in *step)
{
	return (size_t)step->with_more + 2 * (size_t)step->with_relaxed;
}

static enum hf_status make_steps(struct putting *putting, hf_error *err)
{
	struct columns columns;
	if (!columns_new(&columns, putting))
		return error_nomem(err);
	const size_t most = putting->count / STEP + columns.bytes / STEP_BYTES + 1;
	putting->steps = hf_arena_alloc(putting->scratch, most * sizeof(*putting->steps));
	enum hf_status status = putting->steps ? HF_OK : error_nomem(err);
	size_t first = 0, bytes = 0, full_at = STEP;
	for (size_t i = 0; i < putting->count && status == HF_OK; i++) {
		status = columns_set(&columns, putting, i, err);
		bytes += columns.keys[i].len + columns.values[i].len + putting->places[i].write->metadata.len;
		bool full = i + 1 - first == full_at || bytes >= STEP_BYTES;
		if (!full && i + 1 < putting->count)
			continue;
		putting->steps[putting->nsteps++] = step_of(&columns, putting, first, i + 1);
		first = i + 1;
		bytes = 0;
		full_at = full_at < STEP_MAX ? full_at * 2 : STEP_MAX;
	}
	return status;
}

/* ---- sending ---- */

static enum hf_status report(const struct putting *putting, const struct entries_put_row *rows,
                             struct hf_kv_result *results, hf_error *err)
{
	const struct place *place = putting->places;
	for (size_t step = 0; step < putting->nsteps; step++) {
		const struct entries_put_row *row = &rows[step];
		uint32_t count = putting->steps[step].keys.count;
		if (row->revs.count != count || row->existed.count != count)
			return error_set(err, HF_E_PROTOCOL, "%u entries were put, the server answered %u", count,
			                 row->revs.count);
		for (uint32_t i = 0; i < count; i++, place++)
			results[place->index] = (struct hf_kv_result){.outcome = HF_KV_DONE,
			                                              .rev = row->revs.values[i],
			                                              .existed = row->existed.values[i]};
	}
	return HF_OK;
}

/* The caller knows keys, not steps. */
static void forget_step(hf_error *err)
{
	char *behind = strncmp(err->message, "items[", 6) == 0 ? strstr(err->message, "]: ") : NULL;
	if (behind)
		memmove(err->message, behind + 3, strlen(behind + 3) + 1);
}

/* A revision, a flag, and two arrays' heads a step: what was done is not to fail for want of memory. */
static size_t answer_bytes(const struct putting *putting)
{
	return putting->count * (sizeof(int64_t) + sizeof(bool)) + putting->nsteps * ANSWER_HEADS;
}

static enum hf_status put_steps(const struct putting *putting, struct entries_put_row *rows, hf_error *err)
{
	const struct entries_bound *entries = &putting->state->entries;
	const struct entries_put_in *steps = putting->steps;
	hf_where where = postgres_on(putting->state, putting->batch->deadline);
	if (!arena_reserve(putting->answer, answer_bytes(putting)))
		return error_nomem(err);
	if (putting->nsteps == 1)
		return entries_put(where, entries, steps, putting->answer, rows, err);
	enum hf_status status = query_batch_sure(where, &entries->entries_put[variant_of(steps)], steps, sizeof(*steps),
	                                         putting->nsteps, putting->answer, rows, err);
	if (status != HF_OK)
		forget_step(err);
	return status;
}

static enum hf_status set_steps(const struct putting *putting, const struct entries_set_in *steps, hf_error *err)
{
	const struct entries_bound *entries = &putting->state->entries;
	hf_where where = postgres_on(putting->state, putting->batch->deadline);
	if (putting->nsteps == 1)
		return entries_set(where, entries, steps, err);
	enum hf_status status = query_batch_sure(where, &entries->entries_set[variant_of(putting->steps)], steps,
	                                         sizeof(*steps), putting->nsteps, NULL, NULL, err);
	if (status != HF_OK)
		forget_step(err);
	return status;
}

static enum hf_status put_and_tell(const struct putting *putting, struct hf_kv_result *results, hf_error *err)
{
	struct retrying again;
	enum hf_status status;
	struct entries_put_row *rows = hf_arena_alloc(putting->scratch, putting->nsteps * sizeof(*rows));
	if (!rows)
		return error_nomem(err);
	postgres_retry(&again, putting->state, putting->batch->deadline, err);
	do
		status = put_steps(putting, rows, &again.err);
	while (postgres_again(&again, status));
	return status == HF_OK ? report(putting, rows, results, err) : status;
}

static enum hf_status put_untold(const struct putting *putting, hf_error *err)
{
	struct retrying again;
	enum hf_status status;
	struct entries_set_in *steps = hf_arena_alloc(putting->scratch, putting->nsteps * sizeof(*steps));
	if (!steps)
		return error_nomem(err);
	for (size_t i = 0; i < putting->nsteps; i++)
		steps[i] = untold(&putting->steps[i]);
	postgres_retry(&again, putting->state, putting->batch->deadline, err);
	do
		status = set_steps(putting, steps, &again.err);
	while (postgres_again(&again, status));
	return status;
}

static enum hf_status put_all(struct putting *putting, struct hf_kv_result *results, hf_error *err)
{
	enum hf_status status = make_steps(putting, err);
	if (status != HF_OK)
		return status;
	return putting->batch->blind ? put_untold(putting, err) : put_and_tell(putting, results, err);
}

enum hf_status postgres_put_many(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch,
                                 hf_arena *arena, struct hf_kv_result *ret_results, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(POSTGRES_SCRATCH_BYTES_MAX);
	CLEANUP(arena_freep) hf_arena *answer = hf_arena_new(POSTGRES_SCRATCH_BYTES_MAX);
	struct putting putting = {.state = state, .batch = batch, .ns = ns, .scratch = scratch, .answer = answer};
	if (scratch && answer)
		putting.places = postgres_in_order(batch->writes, batch->count, scratch);
	if (!putting.places)
		return error_nomem(err);
	return keep_last(&putting) ? put_all(&putting, ret_results, err)
	                           : postgres_hold_and_apply(state, ns, batch, arena, ret_results, err);
}
