/*
 * postgres_feed.c - the change feed on PostgreSQL: asking for what is final. How that is known:
 * sql/queries/kv/changes.sql.
 */
#include "base/arena.h"
#include "base/error.h"
#include "kv/postgres.h"

enum hf_status postgres_feed_set(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_feed *feed,
                                 hf_deadline deadline, hf_error *err)
{
	hf_where where = postgres_on(state, deadline);
	if (!feed)
		return feed_off(where, &state->changes, &(struct feed_off_in){.ns = ns}, err);
	const struct feed_on_in in = {.ns = ns, .keep = {.us = feed->keep_us}, .most = feed->keep_changes};
	return feed_on(where, &state->changes, &in, err);
}

enum hf_status postgres_feed_show(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline,
                                  struct hf_kv_feed *ret_feed, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct feed_show_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = feed_show(postgres_on(state, deadline), &state->changes,
	                                  &(struct feed_show_in){.ns = ns}, arena, &row, err);
	if (status == HF_OK)
		*ret_feed = (struct hf_kv_feed){
			.keep_us = row.keep.us + (int64_t)row.keep.days * 86400000000,
			.keep_changes = row.most,
			.changes = row.changes,
			.since_us = postgres_us(row.since),
			.held_us = row.has_held ? row.held.us + (int64_t)row.held.days * 86400000000 : 0,
		};
	return status;
}

/* ---- events ---- */

static enum hf_kv_event_kind kind_of(struct hf_str op)
{
	static const char letters[] = "PTDECR"; /* in the order of the enum */
	const char *at = op.len == 1 ? memchr(letters, op.ptr[0], sizeof(letters) - 1) : NULL;
	return at ? (enum hf_kv_event_kind)(at - letters + HF_KV_EVENT_PUT) : 0;
}

static enum hf_status take_rows(const struct changes_page_row *rows, size_t count, hf_arena *arena,
                                struct hf_kv_event **ret_events, hf_error *err)
{
	struct hf_kv_event *events = hf_arena_calloc(arena, count, sizeof(*events));
	if (!events)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		events[i] = (struct hf_kv_event){.kind = kind_of(rows[i].op),
		                                 .key = rows[i].has_key ? rows[i].key : (struct hf_bytes){0},
		                                 .rev = rows[i].has_rev ? rows[i].rev : 0,
		                                 .at_us = postgres_us(rows[i].at),
		                                 .position = rows[i].seq};
		if (!events[i].kind)
			return error_set(err, HF_E_CORRUPT, "the feed has a change of kind \"%.*s\"",
			                 (int)rows[i].op.len, rows[i].op.ptr);
	}
	*ret_events = events;
	return HF_OK;
}

static enum hf_status page(hf_kv_backend_state *state, int32_t ns, struct hf_kv_feed_place *place, size_t limit,
                           hf_deadline deadline, hf_arena *arena, struct hf_kv_event **ret_events, size_t *ret_count,
                           hf_error *err)
{
	struct changes_page_row *rows = NULL;
	size_t count = 0;
	const struct changes_page_in in = {
		.ns = ns, .behind = place->position, .upto = place->final, .most = (int64_t)limit, .has_most = true};
	enum hf_status status =
		changes_page(postgres_on(state, deadline), &state->changes, &in, arena, &rows, &count, err);
	if (status == HF_OK && count == 0)
		return HF_NOT_FOUND;
	if (status == HF_OK && rows[0].gone > place->position)
		return HF_E_COMPACTED;
	if (status != HF_OK)
		return status;
	count = rows[0].has_seq ? count : 0;
	if (count)
		status = take_rows(rows, count, arena, ret_events, err);
	if (status != HF_OK)
		return status;
	place->position = count == limit ? rows[count - 1].seq : place->final;
	*ret_count = count;
	return HF_OK;
}

/* Learns what is final by now, and notes what to wait for next. */
static enum hf_status look(hf_kv_backend_state *state, int32_t ns, struct hf_kv_feed_place *place, hf_deadline deadline,
                           hf_arena *arena, hf_error *err)
{
	struct changes_look_row row;
	const struct changes_look_in in = {.ns = ns, .seen = place->seen, .barrier = place->barrier};
	enum hf_status status = changes_look(postgres_on(state, deadline), &state->changes, &in, arena, &row, err);
	if (status != HF_OK)
		return status;
	if (place->position >= 0 && (row.gone > place->position || row.top < place->position))
		return HF_E_COMPACTED;
	if (row.passed)
		place->final = place->seen;
	if (row.has_barrier) {
		place->seen = row.top;
		place->barrier = row.barrier;
	}
	place->waits = place->seen > place->final;
	return HF_OK;
}

enum hf_status postgres_changes(hf_kv_backend_state *state, int32_t ns, struct hf_kv_feed_place *place, size_t limit,
                                hf_deadline deadline, hf_arena *arena, struct hf_kv_event **ret_events,
                                size_t *ret_count, hf_error *err)
{
	enum hf_status status = HF_OK;
	*ret_count = 0;
	if (place->position < 0 || place->position >= place->final)
		status = look(state, ns, place, deadline, arena, err);
	if (status == HF_OK && place->position < 0 && place->final > 0)
		place->position = place->final;
	if (status != HF_OK || place->position < 0 || place->position >= place->final)
		return status;
	return page(state, ns, place, limit, deadline, arena, ret_events, ret_count, err);
}

/* The statement goes round all feeds; with less than a step there is no more. */
enum hf_status postgres_trim(hf_kv_backend_state *state, hf_deadline deadline, hf_error *err)
{
	enum { STEP = 5000 };
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct changes_trim_row row = {.n = STEP};
	enum hf_status status = arena ? HF_OK : error_nomem(err);
	while (status == HF_OK && row.n >= STEP) {
		const struct changes_trim_in in = {.step = STEP, .has_step = true};
		status = changes_trim(postgres_on(state, deadline), &state->changes, &in, arena, &row, err);
	}
	return status;
}
