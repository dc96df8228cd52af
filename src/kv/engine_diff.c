/*
 * engine_diff.c - what differs between two moments of a namespace: keys that were written since the earlier one
 * (engine_changed.c), each looked up at both. Where revision and expiry are the same it is the same.
 */
#include "base/arena.h"
#include "base/error.h"
#include "kv/engine_checkpoint.h"

enum { PAGE_CHANGES = 500, PAGE_BYTES = 1 << 20, PAGE_VISITS = 10000 };

struct diff {
	hf_kv_backend_state *state;
	int32_t ns;
	const struct hf_uuid *from_id, *to_id;
	uint32_t from, to;      /* epochs; to 0 = now */
	uint32_t since, before; /* the earlier of both, the later */
	int64_t now_us;
	struct engine_key at;
	bool done;
	hf_arena *page;
	struct hf_kv_entry *changes;
	size_t count;
};

static enum hf_status look(struct diff *diff, struct ordered_cursor *history, struct hf_bytes key, uint32_t epoch,
                           struct engine_found *ret_found, hf_error *err)
{
	enum hf_status status = engine_version(history, key, epoch, ret_found, err);
	ret_found->is_live = status == HF_OK && ret_found->is_there && record_is_live(&ret_found->record, diff->now_us);
	return status;
}

static enum hf_status compare_key(struct diff *diff, struct ordered_cursor *history, struct hf_bytes key, hf_error *err)
{
	static const struct record nothing = {0};
	struct engine_found before, after;
	enum hf_status status = look(diff, history, key, diff->from, &before, err);
	if (status == HF_OK)
		status = look(diff, history, key, diff->to, &after, err);
	if (status != HF_OK || (!before.is_live && !after.is_live))
		return status;
	bool same = before.is_live && after.is_live && before.record.rev == after.record.rev &&
	            before.record.expires_us == after.record.expires_us;
	if (same)
		return HF_OK;
	return engine_entry(diff->state, diff->page, engine_user_key(key), after.is_live ? &after.record : &nothing,
	                    !after.is_live, &diff->changes[diff->count++], err);
}

static bool is_full(const struct diff *diff, size_t visits)
{
	return diff->count >= PAGE_CHANGES || visits >= PAGE_VISITS || hf_arena_used(diff->page) >= PAGE_BYTES;
}

/* `at` is where the next page goes on. */
static enum hf_status walk(struct diff *diff, struct ordered_cursor *changed, struct ordered_cursor *history,
                           hf_error *err)
{
	enum hf_status status = HF_OK;
	for (size_t visits = 0; status == HF_OK && !is_full(diff, visits); visits++) {
		status = engine_changed_next(changed, diff->ns, diff->since, diff->before, &diff->at, err);
		if (status == HF_OK)
			status = compare_key(diff, history, engine_key_view(&diff->at), err);
		diff->at.bytes[diff->at.len++] = 0;
	}
	diff->done = status == HF_NOT_FOUND;
	return diff->done ? HF_OK : status;
}

static enum hf_status find_epochs(struct diff *diff, struct ordered_txn *txn, hf_error *err)
{
	enum hf_status status = engine_epoch_find(txn, diff->ns, diff->from_id, &diff->from, err);
	if (status == HF_OK)
		status = engine_epoch_find(txn, diff->ns, diff->to_id, &diff->to, err);
	bool backwards = diff->to != 0 && diff->to < diff->from;
	diff->since = backwards ? diff->to : diff->from;
	diff->before = backwards ? diff->from : diff->to ? diff->to : UINT32_MAX;
	return status;
}

static enum hf_status read_page(struct diff *diff, struct ordered_txn *txn, hf_error *err)
{
	struct ordered_cursor changed, history;
	enum hf_status status = find_epochs(diff, txn, err);
	if (status == HF_OK)
		status = txn->store->ops->cursor_open(txn, ORDERED_HISTORY, &history, err);
	if (status != HF_OK)
		return status;
	status = txn->store->ops->cursor_open(txn, ORDERED_CHANGED, &changed, err);
	if (status == HF_OK) {
		status = walk(diff, &changed, &history, err);
		txn->store->ops->cursor_close(&changed);
	}
	txn->store->ops->cursor_close(&history);
	return status;
}

static enum hf_status next_page(struct diff *diff, hf_deadline deadline, hf_error *err)
{
	struct ordered_txn txn;
	hf_arena_reset(diff->page);
	diff->count = 0;
	diff->changes = hf_arena_alloc(diff->page, PAGE_CHANGES * sizeof(*diff->changes));
	if (!diff->changes)
		return error_nomem(err);
	enum hf_status status = engine_read_begin(diff->state, deadline, &txn, err);
	if (status != HF_OK)
		return status;
	status = read_page(diff, &txn, err);
	diff->state->store->ops->abort(&txn);
	return status;
}

enum hf_status engine_diff(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *from, const struct hf_uuid *to,
                           int64_t moment_us, hf_deadline deadline, hf_kv_change_fn *fn, void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *page = hf_arena_new((size_t)PAGE_BYTES + 2 * (size_t)HF_KV_VALUE_BYTES_MAX);
	struct diff diff = {.state = state, .ns = ns, .from_id = from, .to_id = to, .page = page};
	enum hf_status status = HF_OK;
	if (!page)
		return error_nomem(err);
	diff.now_us = moment_us ? moment_us : hf_now_wall_us(state->ctx);
	engine_key_entry(&diff.at, ns, (struct hf_bytes){NULL, 0});
	while (status == HF_OK && !diff.done) {
		status = next_page(&diff, deadline, err);
		for (size_t i = 0; status == HF_OK && i < diff.count; i++)
			status = fn(user, &diff.changes[i], err);
	}
	return status == HF_STOP ? HF_OK : status;
}
