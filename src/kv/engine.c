/*
 * engine.c - what the operations share, namespaces, care, and the tables of the two backends.
 */
#include "kv/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/context.h"
#include "base/error.h"
#include "base/str.h"
#include "kv/backends.h"
#include "kv/engine_write.h"

static const struct hf_bytes ID_KEY = {(const uint8_t *)"i", 1};
enum { NAMESPACE_BYTES = 24, NAMESPACE_BYTES_UNFED = 16 }; /* the shorter one was before there were feeds */

/* ---- keys ---- */

void engine_key_entry(struct engine_key *key, int32_t ns, struct hf_bytes user_key)
{
	ASSERT(user_key.len <= HF_KV_KEY_BYTES_MAX + 1); /* the store makes ends one byte longer than keys */
	put_be32(key->bytes, (uint32_t)ns);
	if (user_key.len)
		memcpy(key->bytes + 4, user_key.ptr, user_key.len);
	key->len = 4 + user_key.len;
}

void engine_key_expiry(struct engine_key *key, int64_t expires_us, struct hf_bytes entry_key)
{
	put_be64(key->bytes, (uint64_t)expires_us);
	memcpy(key->bytes + 8, entry_key.ptr, entry_key.len);
	key->len = 8 + entry_key.len;
}

void engine_key_history(struct engine_key *key, struct hf_bytes entry_key, uint32_t epoch)
{
	memcpy(key->bytes, entry_key.ptr, entry_key.len);
	put_be32(key->bytes + entry_key.len, epoch);
	key->len = entry_key.len + ORDERED_SUFFIX;
}

/* ---- what the operations share ---- */

HOT enum hf_status engine_check(const hf_kv_backend_state *state, hf_deadline deadline, hf_error *err)
{
	if (hf_context_interrupted(state->ctx))
		return error_set(err, HF_E_INTERRUPTED, "interrupted");
	if (deadline != INT64_MAX && context_monotonic_tick_us(state->ctx) >= deadline)
		return error_set(err, HF_TIMEOUT, "the deadline passed");
	return HF_OK;
}

HOT enum hf_status engine_read_begin(hf_kv_backend_state *state, hf_deadline deadline, struct ordered_txn *ret_txn,
                                     hf_error *err)
{
	enum hf_status status = engine_check(state, deadline, err);
	return status == HF_OK ? state->store->ops->begin(state->store, ORDERED_READ, deadline, ret_txn, err) : status;
}

enum hf_status engine_cursor_begin(hf_kv_backend_state *state, enum ordered_map map, hf_deadline deadline,
                                   struct ordered_txn *ret_txn, struct ordered_cursor *ret_cursor, hf_error *err)
{
	enum hf_status status = engine_read_begin(state, deadline, ret_txn, err);
	if (status != HF_OK)
		return status;
	status = state->store->ops->cursor_open(ret_txn, map, ret_cursor, err);
	if (status != HF_OK)
		state->store->ops->abort(ret_txn);
	return status;
}

void engine_cursor_end(struct ordered_cursor *cursor)
{
	struct ordered_txn *txn = cursor->txn;
	txn->store->ops->cursor_close(cursor);
	txn->store->ops->abort(txn);
}

HOT enum hf_status engine_entry(hf_kv_backend_state *state, hf_arena *arena, struct hf_bytes user_key,
                                const struct record *record, bool keys_only, struct hf_kv_entry *ret_entry,
                                hf_error *err)
{
	size_t value = 0, metadata = keys_only ? 0 : record->metadata.len;
	enum hf_status status = keys_only ? HF_OK : codec_length(&state->codec, engine_value(record), &value, err);
	size_t size = user_key.len + value + metadata + 1;
	uint8_t *place = status == HF_OK ? hf_arena_alloc(arena, size) : NULL;
	if (!place)
		return status == HF_OK ? arena_refused(arena, size, "an entry", err) : status;
	uint8_t *at_metadata = place + user_key.len, *at_value = at_metadata + metadata;
	if (user_key.len)
		memcpy(place, user_key.ptr, user_key.len);
	if (metadata)
		memcpy(at_metadata, record->metadata.ptr, metadata);
	if (value && !record->packed)
		memcpy(at_value, record->value.ptr, value);
	else if (value)
		status = codec_unpack(&state->codec, engine_value(record), at_value, value, err);
	if (status != HF_OK)
		return status;
	at_value[value] = '\0';
	*ret_entry = (struct hf_kv_entry){
		.key = {place, user_key.len},
		.value = {keys_only ? NULL : at_value, value},
		.metadata = {metadata ? (const char *)at_metadata : NULL, metadata},
		.rev = record->rev,
		.created_us = record->created_us,
		.updated_us = record->updated_us,
		.expires_us = record->expires_us,
	};
	return HF_OK;
}

/* ---- namespaces ---- */

static void namespace_key(int32_t ns, uint8_t ret_key[5])
{
	ret_key[0] = 'n';
	put_be32(ret_key + 1, (uint32_t)ns);
}

enum hf_status engine_namespace_load(struct ordered_txn *txn, int32_t ns, struct namespace_state *ret_state,
                                     hf_error *err)
{
	uint8_t key[5];
	struct hf_bytes value;
	namespace_key(ns, key);
	enum hf_status status =
		txn->store->ops->get(txn, ORDERED_META, (struct hf_bytes){key, sizeof(key)}, &value, err);
	if (status == HF_NOT_FOUND ||
	    (status == HF_OK && value.len != NAMESPACE_BYTES && value.len != NAMESPACE_BYTES_UNFED))
		return error_set(err, HF_E_CORRUPT, "could not read the state of namespace %d", ns);
	if (status != HF_OK)
		return status;
	*ret_state = (struct namespace_state){.count = get_le64(value.ptr),
	                                      .epoch = get_le32(value.ptr + 8),
	                                      .top = get_le32(value.ptr + 12),
	                                      .fed = value.len == NAMESPACE_BYTES ? get_le64(value.ptr + 16) : 0};
	return HF_OK;
}

enum hf_status engine_namespace_save(struct ordered_txn *txn, int32_t ns, const struct namespace_state *state,
                                     hf_error *err)
{
	uint8_t key[5], *place = NULL;
	namespace_key(ns, key);
	enum hf_status status = txn->store->ops->put(txn, ORDERED_META, (struct hf_bytes){key, sizeof(key)},
	                                             NAMESPACE_BYTES, &place, err);
	if (status != HF_OK)
		return status;
	put_le64(place, state->count);
	put_le32(place + 8, state->epoch);
	put_le32(place + 12, state->top);
	put_le64(place + 16, state->fed);
	return HF_OK;
}

static enum hf_status get_number(struct ordered_txn *txn, enum ordered_map map, struct hf_bytes key,
                                 int32_t *ret_number, hf_error *err)
{
	struct hf_bytes value;
	enum hf_status status = txn->store->ops->get(txn, map, key, &value, err);
	if (status == HF_OK && value.len != 4)
		return error_set(err, HF_E_CORRUPT, "could not read a number of a namespace: it has %zu bytes",
		                 value.len);
	if (status == HF_OK)
		*ret_number = (int32_t)get_le32(value.ptr);
	return status;
}

static enum hf_status put_number(struct ordered_txn *txn, enum ordered_map map, struct hf_bytes key, int32_t number,
                                 hf_error *err)
{
	uint8_t *place = NULL;
	enum hf_status status = txn->store->ops->put(txn, map, key, 4, &place, err);
	if (status == HF_OK)
		put_le32(place, (uint32_t)number);
	return status;
}

static enum hf_status namespace_make(struct engine_write *write, struct hf_bytes name, int32_t *ret_ns, hf_error *err)
{
	struct namespace_state fresh = {.epoch = 1};
	int32_t ns = 0;
	enum hf_status status = get_number(&write->txn, ORDERED_NAMESPACES, name, ret_ns, err);
	if (status != HF_NOT_FOUND) /* another was faster */
		return status;
	status = get_number(&write->txn, ORDERED_META, ID_KEY, &ns, err);
	if (status != HF_OK && status != HF_NOT_FOUND)
		return status;
	if (ns++ == ENGINE_NAMESPACES_MAX)
		return error_set(err, HF_E_LIMIT, "could not make a namespace: there are %d already",
		                 ENGINE_NAMESPACES_MAX);
	status = put_number(&write->txn, ORDERED_META, ID_KEY, ns, err);
	if (status == HF_OK)
		status = put_number(&write->txn, ORDERED_NAMESPACES, name, ns, err);
	if (status == HF_OK)
		status = engine_namespace_save(&write->txn, ns, &fresh, err);
	*ret_ns = ns;
	return status;
}

static enum hf_status engine_namespace(hf_kv_backend_state *state, struct hf_str name, hf_deadline deadline,
                                       int32_t *ret_ns, hf_error *err)
{
	struct hf_bytes key = {(const uint8_t *)name.ptr, name.len};
	struct ordered_txn txn;
	struct engine_write write;
	enum hf_status status = engine_read_begin(state, deadline, &txn, err);
	if (status != HF_OK)
		return status;
	status = get_number(&txn, ORDERED_NAMESPACES, key, ret_ns, err);
	state->store->ops->abort(&txn);
	if (status != HF_NOT_FOUND || state->no_namespace)
		return status;
	status = engine_write_begin(&write, state, 0, ORDERED_WRITE, deadline, err);
	if (status != HF_OK)
		return status;
	return engine_write_end(&write, namespace_make(&write, key, ret_ns, err), err);
}

/* Under its number, as the state is; nothing there is 0. */
static enum hf_status ttl_load(struct ordered_txn *txn, struct hf_bytes key, int64_t *ret_us, hf_error *err)
{
	struct hf_bytes value;
	enum hf_status status = txn->store->ops->get(txn, ORDERED_META, key, &value, err);
	*ret_us = 0;
	if (status == HF_OK && value.len != 8)
		return error_set(err, HF_E_CORRUPT, "could not read a default time to live: it has %zu bytes",
		                 value.len);
	if (status == HF_OK)
		*ret_us = (int64_t)get_le64(value.ptr);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status ttl_save(struct ordered_txn *txn, struct hf_bytes key, int64_t ttl_us, hf_error *err)
{
	uint8_t *place = NULL;
	enum hf_status status = txn->store->ops->put(txn, ORDERED_META, key, 8, &place, err);
	if (status == HF_OK)
		put_le64(place, (uint64_t)ttl_us);
	return status;
}

static enum hf_status engine_space_ttl(hf_kv_backend_state *state, int32_t ns, const int64_t *set_us,
                                       hf_deadline deadline, int64_t *ret_us, hf_error *err)
{
	uint8_t bytes[5];
	const struct hf_bytes key = {bytes, sizeof(bytes)};
	struct ordered_txn txn;
	struct engine_write write;
	namespace_key(ns, bytes);
	bytes[0] = 't';
	enum hf_status status = set_us ? engine_write_begin(&write, state, 0, ORDERED_WRITE, deadline, err)
	                               : engine_read_begin(state, deadline, &txn, err);
	if (status != HF_OK)
		return status;
	if (!set_us) {
		status = ttl_load(&txn, key, ret_us, err);
		state->store->ops->abort(&txn);
		return status;
	}
	*ret_us = *set_us;
	return engine_write_end(&write, ttl_save(&write.txn, key, *set_us, err), err);
}

/* ---- care ---- */

static enum hf_status engine_estimate(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline, uint64_t *ret_count,
                                      hf_error *err)
{
	struct ordered_txn txn;
	struct namespace_state space = {0};
	enum hf_status status = engine_read_begin(state, deadline, &txn, err);
	if (status != HF_OK)
		return status;
	status = engine_namespace_load(&txn, ns, &space, err);
	state->store->ops->abort(&txn);
	if (status == HF_OK)
		*ret_count = space.count;
	return status;
}

static enum hf_status engine_vacuum(UNUSED hf_kv_backend_state *state, UNUSED hf_deadline deadline,
                                    UNUSED hf_error *err)
{
	return HF_OK;
}

static enum hf_status engine_sizes(hf_kv_backend_state *state, hf_deadline deadline, struct hf_kv_sizes *ret_sizes,
                                   hf_error *err)
{
	struct ordered_sizes sizes;
	enum hf_status status = state->store->ops->sizes(state->store, deadline, &sizes, err);
	if (status == HF_OK)
		*ret_sizes = (struct hf_kv_sizes){.total_bytes = sizes.all_bytes,
		                                  .table_bytes = sizes.entries_bytes,
		                                  .index_bytes = sizes.index_bytes,
		                                  .history_bytes = sizes.history_bytes,
		                                  .toast_bytes = -1,
		                                  .live_rows = -1,
		                                  .dead_rows = -1,
		                                  .bloat_bytes = -1,
		                                  .vacuumed_us = -1};
	return status;
}

static enum hf_status engine_health(hf_kv_backend_state *state, hf_deadline deadline, hf_error *err)
{
	struct ordered_txn txn;
	struct hf_bytes value;
	enum hf_status status = engine_read_begin(state, deadline, &txn, err);
	if (status != HF_OK)
		return status;
	status = txn.store->ops->get(&txn, ORDERED_META, ID_KEY, &value, err);
	state->store->ops->abort(&txn);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status engine_now(hf_kv_backend_state *state, UNUSED hf_deadline deadline, int64_t *ret_us,
                                 UNUSED hf_error *err)
{
	*ret_us = hf_now_wall_us(state->ctx);
	return HF_OK;
}

static void engine_close(hf_kv_backend_state *state)
{
	if (state->store)
		state->store->ops->close(state->store);
	codec_deinit(&state->codec);
	free(state);
}

/* ---- the backends ---- */

static enum hf_status state_of(hf_context *ctx, struct ordered *store, const struct hf_kv_options *options, bool groups,
                               hf_kv_backend_state **ret_state, hf_error *err)
{
	hf_kv_backend_state *state = malloc(sizeof(*state));
	if (!state) {
		store->ops->close(store);
		return error_nomem(err);
	}
	*state = (hf_kv_backend_state){.ctx = ctx, .store = store, .no_namespace = options->no_namespace};
	codec_init(&state->codec, options);
	engine_group_init(&state->group, groups);
	*ret_state = state;
	return HF_OK;
}

static enum hf_status open_memory(hf_context *ctx, const char *url, const struct hf_kv_options *options,
                                  hf_kv_backend_state **ret_state, hf_error *err)
{
	struct ordered *store = NULL;
	if (!str_eq(hf_str_of(url), HF_STR("memory:")))
		return error_set(err, HF_E_CONFIG, "nothing may stand behind memory: in a URL");
	enum hf_status status = memory_map_open(ctx, &store, err);
	return status == HF_OK ? state_of(ctx, store, options, false, ret_state, err) : status;
}

static bool is_missing(const char *path)
{
	int folder = open(path, O_DIRECTORY | O_PATH | O_CLOEXEC);
	bool missing = (folder < 0 || faccessat(folder, "data.mdb", F_OK, 0) != 0) && errno == ENOENT;
	if (folder >= 0)
		(void)close(folder);
	return missing;
}

static enum hf_status open_lmdb(hf_context *ctx, const char *url, const struct hf_kv_options *options,
                                hf_kv_backend_state **ret_state, hf_error *err)
{
	struct ordered *store = NULL;
	const char *path = url + strlen("lmdb:");
	if (!str_starts(hf_str_of(url), HF_STR("lmdb:")) || !*path) {
		error_set(err, HF_E_CONFIG, "the URL names no folder");
		error_hint(err, "use lmdb:PATH");
		return HF_E_CONFIG;
	}
	if (options->no_migrate && is_missing(path)) {
		error_set(err, HF_E_UNAVAILABLE, "there is no store at %s", path);
		error_hint(err, "whoever opens it without no_migrate makes it, holdfast kv put for one");
		return HF_E_UNAVAILABLE;
	}
	enum hf_status status = lmdb_map_open(ctx, path, options->map_bytes_max, &store, err);
	return status == HF_OK ? state_of(ctx, store, options, true, ret_state, err) : status;
}

#define ENGINE_FUNCTIONS                                                                                           \
	.close = engine_close, .name_space = engine_namespace, .read = engine_read, .apply = engine_apply,         \
	.transact = engine_transact, .scan = engine_scan, .count = engine_count, .estimate = engine_estimate,      \
	.clear = engine_clear, .load = engine_load, .sweep = engine_sweep, .vacuum = engine_vacuum,                \
	.sizes = engine_sizes, .health = engine_health, .inspect = engine_inspect, .now = engine_now,              \
	.lock_take = engine_lock_take, .lock_renew = engine_lock_renew, .lock_list = engine_lock_list,             \
	.point_create = engine_point_create, .point_list = engine_point_list, .point_update = engine_point_update, \
	.point_delete = engine_point_delete, .restore = engine_restore, .read_at = engine_read_at,                 \
	.points_weigh = engine_points_weigh, .point_changed = engine_point_changed, .space_ttl = engine_space_ttl, \
	.diff = engine_diff, .feed_set = engine_feed_set, .feed_show = engine_feed_show, .changes = engine_changes
#define ENGINE_CAPABILITIES (HF_KV_CAN_ESTIMATE | HF_KV_CAN_CHECKPOINT | HF_KV_CAN_LOCK | HF_KV_CAN_WATCH)

const struct hf_kv_vtable memory_backend = {
	.size = sizeof(struct hf_kv_vtable),
	.name = "memory",
	.capabilities = ENGINE_CAPABILITIES,
	.key_bytes_max = HF_KV_KEY_BYTES_MAX,
	.embedded = true,
	.open = open_memory,
	ENGINE_FUNCTIONS,
};

const struct hf_kv_vtable lmdb_backend = {
	.size = sizeof(struct hf_kv_vtable),
	.name = "lmdb",
	.capabilities = HF_KV_CAN_PERSIST | HF_KV_CAN_SHARE | HF_KV_CAN_RELAX | ENGINE_CAPABILITIES,
	.key_bytes_max = HF_KV_KEY_BYTES,
	.embedded = true,
	.open = open_lmdb,
	ENGINE_FUNCTIONS,
};
