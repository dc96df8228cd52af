/*
 * engine_kept.c - what is asked about checkpoints before some are made or deleted: was anything written since (one look
 * at the changed rows), and how much does each keep (all images, ENGINE_STEP in a transaction).
 */
#include "base/bytes.h"
#include "base/error.h"
#include "kv/engine_checkpoint.h"
#include "kv/retention.h"

enum { ROW_COSTS = 100 }; /* beside key, value, metadata: as PostgreSQL counts */

static enum hf_status look_since(struct ordered_txn *txn, int32_t ns, uint32_t epoch, bool *ret_changed, hf_error *err)
{
	struct ordered_cursor changed;
	struct engine_key at;
	enum hf_status status = txn->store->ops->cursor_open(txn, ORDERED_CHANGED, &changed, err);
	if (status != HF_OK)
		return status;
	engine_key_entry(&at, ns, (struct hf_bytes){NULL, 0});
	status = engine_changed_next(&changed, ns, epoch, UINT32_MAX, &at, err);
	txn->store->ops->cursor_close(&changed);
	*ret_changed = status == HF_OK;
	return status == HF_NOT_FOUND ? HF_OK : status;
}

enum hf_status engine_point_changed(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                    hf_deadline deadline, bool *ret_changed, hf_error *err)
{
	struct ordered_txn txn;
	uint32_t epoch = 0;
	enum hf_status status = engine_read_begin(state, deadline, &txn, err);
	if (status != HF_OK)
		return status;
	status = engine_epoch_find(&txn, ns, id, &epoch, err);
	if (status == HF_OK)
		status = look_since(&txn, ns, epoch, ret_changed, err);
	state->store->ops->abort(&txn);
	return status;
}

/* ---- weighing ---- */

struct weighing {
	int32_t ns;
	const struct hf_kv_checkpoint *points; /* the newest first */
	size_t count;
	uint64_t *bytes;
	struct engine_key at; /* of the history: where the next step goes on */
	bool done;
};

/* For the newest checkpoint that needs it. */
static enum hf_status weigh_image(struct weighing *weighing, const struct ordered_pair *pair, hf_error *err)
{
	struct record record;
	uint32_t until = get_be32(pair->key.ptr + pair->key.len - ORDERED_SUFFIX);
	enum hf_status status = record_decode(pair->value, &record, err);
	size_t i = retention_at_most(weighing->points, weighing->count, until);
	if (status == HF_OK && i < weighing->count && weighing->points[i].epoch > record.epoch)
		weighing->bytes[i] +=
			ROW_COSTS + pair->key.len - 4 - ORDERED_SUFFIX + record.value.len + record.metadata.len;
	return status;
}

static enum hf_status weigh_some(struct weighing *weighing, struct ordered_cursor *history, hf_error *err)
{
	const struct ordered_ops *ops = history->txn->store->ops;
	struct ordered_pair pair;
	enum hf_status status = ops->move(history, ORDERED_AT, engine_key_view(&weighing->at), &pair, err);
	for (size_t n = 0; status == HF_OK && n < ENGINE_STEP; n++) {
		if (get_be32(pair.key.ptr) != (uint32_t)weighing->ns)
			return HF_NOT_FOUND;
		status = weigh_image(weighing, &pair, err);
		if (status == HF_OK)
			status = ops->move(history, ORDERED_NEXT, (struct hf_bytes){NULL, 0}, &pair, err);
	}
	if (status == HF_OK) {
		memcpy(weighing->at.bytes, pair.key.ptr, pair.key.len);
		weighing->at.len = pair.key.len;
	}
	return status;
}

static enum hf_status weigh_step(hf_kv_backend_state *state, struct weighing *weighing, hf_deadline deadline,
                                 hf_error *err)
{
	struct ordered_txn txn;
	struct ordered_cursor history;
	enum hf_status status = engine_cursor_begin(state, ORDERED_HISTORY, deadline, &txn, &history, err);
	if (status != HF_OK)
		return status;
	status = weigh_some(weighing, &history, err);
	engine_cursor_end(&history);
	weighing->done = status == HF_NOT_FOUND;
	return weighing->done ? HF_OK : status;
}

enum hf_status engine_points_weigh(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *points,
                                   size_t count, hf_deadline deadline, uint64_t *ret_bytes, hf_error *err)
{
	struct weighing weighing = {.ns = ns, .points = points, .count = count, .bytes = ret_bytes};
	struct engine_key entry;
	enum hf_status status = HF_OK;
	for (size_t i = 0; i < count; i++)
		ret_bytes[i] = 0;
	engine_key_entry(&entry, ns, (struct hf_bytes){NULL, 0});
	engine_key_history(&weighing.at, engine_key_view(&entry), 0);
	while (status == HF_OK && !weighing.done)
		status = weigh_step(state, &weighing, deadline, err);
	return status;
}
