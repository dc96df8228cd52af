/*
 * engine_merge.c - versions: of one key at a moment, and of all keys in their order.
 */
#include "base/bytes.h"
#include "base/error.h"
#include "kv/engine_checkpoint.h"

static int order(struct hf_bytes a, struct hf_bytes b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int result = memcmp(a.ptr, b.ptr, common);
	return result ? result : (a.len > b.len) - (a.len < b.len);
}

static struct hf_bytes stem(struct hf_bytes history_key)
{
	return (struct hf_bytes){history_key.ptr, history_key.len - ORDERED_SUFFIX};
}

/* ---- one key ---- */

/* The first row that ends at the epoch or later is the only one that can have lived in it. */
static enum hf_status find_image(struct ordered_cursor *history, struct hf_bytes entry_key, uint32_t epoch,
                                 struct engine_found *found, hf_error *err)
{
	struct engine_key row;
	struct ordered_pair pair;
	engine_key_history(&row, entry_key, epoch);
	enum hf_status status = history->txn->store->ops->move(history, ORDERED_AT, engine_key_view(&row), &pair, err);
	found->is_there = false;
	if (status == HF_NOT_FOUND || (status == HF_OK && order(stem(pair.key), entry_key) != 0))
		return HF_OK;
	if (status == HF_OK)
		status = record_decode(pair.value, &found->record, err);
	found->bytes = pair.value;
	found->is_there = status == HF_OK && found->record.epoch < epoch;
	return status;
}

enum hf_status engine_version(struct ordered_cursor *history, struct hf_bytes entry_key, uint32_t epoch,
                              struct engine_found *ret_found, hf_error *err)
{
	struct ordered_txn *txn = history->txn;
	enum hf_status status = txn->store->ops->get(txn, ORDERED_ENTRIES, entry_key, &ret_found->bytes, err);
	ret_found->is_there = status == HF_OK;
	if (status == HF_NOT_FOUND)
		status = HF_OK;
	else if (status == HF_OK)
		status = record_decode(ret_found->bytes, &ret_found->record, err);
	if (status != HF_OK || epoch == 0 || (ret_found->is_there && ret_found->record.epoch < epoch))
		return status;
	return find_image(history, entry_key, epoch, ret_found, err);
}

/* ---- all keys ---- */

static enum hf_status go(struct engine_merge *merge, int i, enum ordered_move move, struct hf_bytes key, hf_error *err)
{
	const struct ordered_ops *ops = merge->cursor[i].txn->store->ops;
	enum hf_status status = ops->move(&merge->cursor[i], move, key, &merge->pair[i], err);
	merge->has[i] = status == HF_OK && merge->pair[i].key.len >= sizeof(merge->ns) &&
	                memcmp(merge->pair[i].key.ptr, merge->ns, sizeof(merge->ns)) == 0;
	return status == HF_NOT_FOUND ? HF_OK : status;
}

enum hf_status engine_merge_open(struct engine_merge *merge, struct ordered_txn *txn, int32_t ns,
                                 const struct engine_key *start, bool reverse, hf_error *err)
{
	const struct ordered_ops *ops = txn->store->ops;
	enum ordered_move move = reverse ? ORDERED_BEFORE : ORDERED_AT;
	struct engine_key row;
	*merge = (struct engine_merge){.reverse = reverse};
	put_be32(merge->ns, (uint32_t)ns);
	engine_key_history(&row, engine_key_view(start), 0);
	enum hf_status status = ops->cursor_open(txn, ORDERED_ENTRIES, &merge->cursor[0], err);
	if (status != HF_OK)
		return status;
	status = ops->cursor_open(txn, ORDERED_HISTORY, &merge->cursor[1], err);
	if (status != HF_OK) {
		ops->cursor_close(&merge->cursor[0]);
		return status;
	}
	status = go(merge, 0, move, engine_key_view(start), err);
	if (status == HF_OK)
		status = go(merge, 1, move, engine_key_view(&row), err);
	if (status != HF_OK)
		engine_merge_close(merge);
	return status;
}

void engine_merge_close(struct engine_merge *merge)
{
	const struct ordered_ops *ops = merge->cursor[0].txn->store->ops;
	ops->cursor_close(&merge->cursor[0]);
	ops->cursor_close(&merge->cursor[1]);
}

/* Which side is next; of a key that stands on both the entry. -1 = neither. */
static int side(const struct engine_merge *merge)
{
	if (!merge->has[0] || !merge->has[1])
		return merge->has[0] ? 0 : merge->has[1] ? 1 : -1;
	int by_key = order(merge->pair[0].key, stem(merge->pair[1].key));
	return (merge->reverse ? -by_key : by_key) > 0;
}

enum hf_status engine_merge_look(const struct engine_merge *merge, struct engine_version *ret_version, hf_error *err)
{
	int i = side(merge);
	if (i < 0)
		return HF_NOT_FOUND;
	struct hf_bytes key = merge->pair[i].key;
	if (key.len < 4 + (i ? (size_t)ORDERED_SUFFIX : 0))
		return error_set(err, HF_E_CORRUPT, "could not read the store: a key of %zu bytes", key.len);
	ret_version->key = i ? stem(key) : key;
	ret_version->until = i ? get_be32(key.ptr + key.len - ORDERED_SUFFIX) : 0;
	return record_decode(merge->pair[i].value, &ret_version->record, err);
}

enum hf_status engine_merge_step(struct engine_merge *merge, hf_error *err)
{
	static const struct hf_bytes none = {NULL, 0};
	return go(merge, side(merge), merge->reverse ? ORDERED_PREVIOUS : ORDERED_NEXT, none, err);
}
