/*
 * postgres_batch.c - plain puts of many keys: a statement takes a step of them, all steps travel in one pipeline whose
 * end is the commit. The server works on one step while the next is on its way.
 *
 * The steps are made before the first is sent: pointers to the caller's keys and values, in the order of the keys. What
 * no write of the batch has (metadata, an expiry, a packed value) is said once, for all steps.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "kv/postgres_retry.h"

enum { STEP = 256, STEP_BYTES = 256 << 10, ANSWER_HEADS = 256 };

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

/* A part of it: of all writes, or of one step that has nothing of the kind and stands for all. */
struct part {
	bool whole;
	size_t count;
};

struct parts {
	struct part codec, metadata, ttl;
	size_t bytes; /* of keys, values and metadata, before any is packed */
};

struct columns {
	struct parts parts;
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

static struct parts look(const struct putting *putting)
{
	struct parts parts = {0};
	for (size_t i = 0; i < putting->count; i++) {
		const struct hf_kv_write *write = putting->places[i].write;
		parts.codec.whole = parts.codec.whole || codec_wants(&putting->state->codec, write->value);
		parts.metadata.whole = parts.metadata.whole || write->metadata.ptr;
		parts.ttl.whole = parts.ttl.whole || write->ttl_us > 0;
		parts.bytes += write->key.len + write->value.len + write->metadata.len;
	}
	const size_t one = putting->count < STEP ? putting->count : STEP;
	parts.codec.count = parts.codec.whole ? putting->count : one;
	parts.metadata.count = parts.metadata.whole ? putting->count : one;
	parts.ttl.count = parts.ttl.whole ? putting->count : one;
	return parts;
}

static bool columns_new(struct columns *columns, const struct putting *putting)
{
	hf_arena *scratch = putting->scratch;
	const struct parts parts = look(putting);
	*columns = (struct columns){
		.parts = parts,
		.keys = hf_arena_alloc(scratch, putting->count * sizeof(*columns->keys)),
		.values = hf_arena_alloc(scratch, putting->count * sizeof(*columns->values)),
		.codecs = hf_arena_calloc(scratch, parts.codec.count, sizeof(*columns->codecs)),
		.metadata = hf_arena_calloc(scratch, parts.metadata.count, sizeof(*columns->metadata)),
		.no_metadata = hf_arena_alloc(scratch, parts.metadata.count * sizeof(*columns->no_metadata)),
		.ttls = hf_arena_calloc(scratch, parts.ttl.count, sizeof(*columns->ttls)),
		.no_ttl = hf_arena_alloc(scratch, parts.ttl.count * sizeof(*columns->no_ttl)),
	};
	if (!columns->keys || !columns->values || !columns->codecs || !columns->metadata || !columns->no_metadata ||
	    !columns->ttls || !columns->no_ttl)
		return false;
	memset(columns->no_metadata, true, parts.metadata.count * sizeof(*columns->no_metadata));
	memset(columns->no_ttl, true, parts.ttl.count * sizeof(*columns->no_ttl));
	return true;
}

static enum hf_status columns_set(struct columns *columns, const struct putting *putting, size_t i, hf_error *err)
{
	const struct hf_kv_write *write = putting->places[i].write;
	struct codec_value stored = {write->value, CODEC_RAW};
	enum hf_status status = HF_OK;
	if (columns->parts.codec.whole) {
		status = codec_pack(&putting->state->codec, write->value, putting->scratch, &stored, err);
		columns->codecs[i] = stored.codec;
	}
	columns->keys[i] = write->key;
	columns->values[i] = stored.bytes;
	if (columns->parts.metadata.whole) {
		columns->metadata[i] = write->metadata;
		columns->no_metadata[i] = !write->metadata.ptr;
	}
	if (columns->parts.ttl.whole) {
		columns->ttls[i].us = write->ttl_us;
		columns->no_ttl[i] = write->ttl_us <= 0;
	}
	return status;
}

static struct entries_put_in step_of(const struct columns *columns, const struct putting *putting, size_t first,
                                     size_t behind)
{
	const uint32_t count = (uint32_t)(behind - first);
	const size_t metadata = columns->parts.metadata.whole ? first : 0, ttl = columns->parts.ttl.whole ? first : 0;
	const size_t codec = columns->parts.codec.whole ? first : 0;
	return (struct entries_put_in){
		.ns = putting->ns,
		.with_relaxed = putting->batch->durability == HF_KV_RELAXED,
		.keys = {.count = count, .ndim = 1, .values = columns->keys + first},
		.codecs = {.count = count, .ndim = 1, .values = columns->codecs + codec},
		.values = {.count = count, .ndim = 1, .values = columns->values + first},
		.metadata = {.count = count,
	                     .ndim = 1,
	                     .values = columns->metadata + metadata,
	                     .nulls = columns->no_metadata + metadata},
		.ttls = {.count = count, .ndim = 1, .values = columns->ttls + ttl, .nulls = columns->no_ttl + ttl},
	};
}

static enum hf_status make_steps(struct putting *putting, hf_error *err)
{
	struct columns columns;
	if (!columns_new(&columns, putting))
		return error_nomem(err);
	const size_t most = putting->count / STEP + columns.parts.bytes / STEP_BYTES + 1;
	putting->steps = hf_arena_alloc(putting->scratch, most * sizeof(*putting->steps));
	enum hf_status status = putting->steps ? HF_OK : error_nomem(err);
	size_t first = 0, bytes = 0;
	for (size_t i = 0; i < putting->count && status == HF_OK; i++) {
		status = columns_set(&columns, putting, i, err);
		bytes += columns.keys[i].len + columns.values[i].len + putting->places[i].write->metadata.len;
		bool full = i + 1 - first == STEP || bytes >= STEP_BYTES;
		if (!full && i + 1 < putting->count)
			continue;
		putting->steps[putting->nsteps++] = step_of(&columns, putting, first, i + 1);
		first = i + 1;
		bytes = 0;
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
		for (uint32_t i = 0; i < count && !putting->batch->blind; i++, place++)
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

static enum hf_status send_steps(const struct putting *putting, struct entries_put_row *rows, hf_error *err)
{
	const struct entries_bound *entries = &putting->state->entries;
	hf_where where = postgres_on(putting->state, putting->batch->deadline);
	if (!arena_reserve(putting->answer, answer_bytes(putting)))
		return error_nomem(err);
	if (putting->nsteps == 1)
		return entries_put(where, entries, putting->steps, putting->answer, rows, err);
	enum hf_status status =
		hf_query_batch_rows(where, &entries->entries_put[putting->steps->with_relaxed], putting->steps,
	                            sizeof(*putting->steps), putting->nsteps, putting->answer, rows, NULL, err);
	if (status != HF_OK)
		forget_step(err);
	return status;
}

static enum hf_status put_all(struct putting *putting, struct hf_kv_result *results, hf_error *err)
{
	struct retrying again;
	enum hf_status status = make_steps(putting, err);
	struct entries_put_row *rows = hf_arena_alloc(putting->scratch, putting->nsteps * sizeof(*rows));
	if (status != HF_OK || !rows)
		return status != HF_OK ? status : error_nomem(err);
	postgres_retry(&again, putting->state, putting->batch->deadline, err);
	do
		status = send_steps(putting, rows, &again.err);
	while (postgres_again(&again, status));
	return status == HF_OK ? report(putting, rows, results, err) : status;
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
