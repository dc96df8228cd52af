/*
 * memory_map.c - the ordered map in memory: a skip list a map, one writer or many readers, an undo log for abort().
 *
 * Invariants: a node's `previous` mirrors level 0. What a transaction replaced or removed stays allocated until it
 * ends, so that abort() allocates nothing and cannot fail. Readers hold the lock in shared mode for their whole
 * transaction: they are short (the engine reads pages). Writers are preferred, or steady readers would keep them out
 * for ever.
 */
#include "kv/ordered.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kv/turns.h"

enum { LEVELS = 20 }; /* one node in four rises: 4^20 entries */

struct value {
	size_t len;
	uint8_t bytes[];
};

struct node {
	struct node *previous;
	struct value *value;
	uint32_t key_len;
	uint32_t levels;
	struct node *next[]; /* `levels` of them, then the key */
};

struct list {
	struct node *next[LEVELS];
	struct node *last;
	bool by_suffix;
	uint64_t bytes;
};

enum undo_kind { UNDO_INSERT, UNDO_REPLACE, UNDO_REMOVE };
struct undo {
	enum undo_kind kind;
	enum ordered_map map;
	struct node *node;
	struct value *before; /* UNDO_REPLACE */
};

struct memory_map {
	struct ordered base;
	hf_context *ctx;
	struct turns turns;
	struct list lists[ORDERED_MAPS];
	uint64_t dice;
	uint64_t committed; /* transactions */
	struct undo *undo;  /* of the transaction that writes */
	size_t nundo, undo_room;
};

static struct memory_map *map_of(const struct ordered_txn *txn)
{
	return (struct memory_map *)txn->store;
}

static uint8_t *key_of(const struct node *node)
{
	return (uint8_t *)(uintptr_t)&node->next[node->levels];
}

/* ---- the list ---- */

static int compare_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t common = a_len < b_len ? a_len : b_len;
	int order = common ? memcmp(a, b, common) : 0;
	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare(const struct list *list, const struct node *node, struct hf_bytes key)
{
	const uint8_t *own = key_of(node);
	if (!list->by_suffix)
		return compare_bytes(own, node->key_len, key.ptr, key.len);
	size_t own_stem = node->key_len - ORDERED_SUFFIX, stem = key.len - ORDERED_SUFFIX;
	int order = compare_bytes(own, own_stem, key.ptr, stem);
	return order ? order : memcmp(own + own_stem, key.ptr + stem, ORDERED_SUFFIX);
}

/* The links of each level that a node at `key` hangs on. Returns the first node not before `key`. */
static struct node *find(struct list *list, struct hf_bytes key, struct node **ret_links[LEVELS])
{
	struct node **links = list->next;
	for (int level = LEVELS - 1; level >= 0; level--) {
		while (links[level] && compare(list, links[level], key) < 0)
			links = links[level]->next;
		ret_links[level] = &links[level];
	}
	return *ret_links[0];
}

static struct node *find_equal(struct list *list, struct hf_bytes key, struct node **ret_links[LEVELS])
{
	struct node *node = find(list, key, ret_links);
	return node && compare(list, node, key) == 0 ? node : NULL;
}

/* The last node before `key`. */
static struct node *find_before(struct list *list, struct hf_bytes key)
{
	struct node **links[LEVELS];
	if (!key.ptr)
		return list->last;
	struct node *node = find(list, key, links);
	return node ? node->previous : list->last;
}

static void link_node(struct list *list, struct node *node)
{
	struct node **links[LEVELS];
	struct node *after = find(list, (struct hf_bytes){key_of(node), node->key_len}, links);
	node->previous = after ? after->previous : list->last;
	*(after ? &after->previous : &list->last) = node;
	for (uint32_t level = 0; level < node->levels; level++) {
		node->next[level] = *links[level];
		*links[level] = node;
	}
}

static void unlink_node(struct list *list, struct node *node)
{
	struct node **links[LEVELS];
	find(list, (struct hf_bytes){key_of(node), node->key_len}, links);
	for (uint32_t level = 0; level < node->levels; level++)
		*links[level] = node->next[level];
	*(node->next[0] ? &node->next[0]->previous : &list->last) = node->previous;
}

static uint64_t node_bytes(const struct node *node)
{
	return sizeof(*node) + node->levels * sizeof(struct node *) + node->key_len;
}

static uint64_t value_bytes(const struct value *value)
{
	return sizeof(*value) + value->len;
}

static uint32_t roll(struct memory_map *map)
{
	map->dice ^= map->dice << 13;
	map->dice ^= map->dice >> 7;
	map->dice ^= map->dice << 17;
	uint32_t levels = 1 + (uint32_t)__builtin_ctzll(map->dice | UINT64_C(1) << 38) / 2;
	return levels < LEVELS ? levels : LEVELS;
}

static struct node *node_new(struct memory_map *map, struct hf_bytes key)
{
	uint32_t levels = roll(map);
	struct node *node = malloc(sizeof(*node) + levels * sizeof(struct node *) + key.len);
	if (!node)
		return NULL;
	node->levels = levels;
	node->key_len = (uint32_t)key.len;
	if (key.len)
		memcpy(key_of(node), key.ptr, key.len);
	return node;
}

/* ---- undo ---- */

static enum hf_status undo_room(struct memory_map *map, hf_error *err)
{
	if (map->nundo < map->undo_room)
		return HF_OK;
	size_t room = map->undo_room ? map->undo_room * 2 : 64;
	struct undo *grown = reallocarray(map->undo, room, sizeof(*grown));
	if (!grown)
		return error_nomem(err);
	map->undo = grown;
	map->undo_room = room;
	return HF_OK;
}

static void undo_add(struct memory_map *map, enum undo_kind kind, enum ordered_map which, struct node *node,
                     struct value *before)
{
	map->undo[map->nundo++] = (struct undo){kind, which, node, before};
}

static void undo_one(struct list *list, const struct undo *undo)
{
	struct node *node = undo->node;
	if (undo->kind == UNDO_REMOVE) {
		link_node(list, node);
		list->bytes += node_bytes(node) + value_bytes(node->value);
		return;
	}
	list->bytes -= value_bytes(node->value);
	free(node->value);
	if (undo->kind == UNDO_REPLACE) {
		node->value = undo->before;
		list->bytes += value_bytes(node->value);
		return;
	}
	unlink_node(list, node);
	list->bytes -= node_bytes(node);
	free(node);
}

/* The transaction stays: what it replaced and removed goes. */
static void forget_one(const struct undo *undo)
{
	if (undo->kind == UNDO_REPLACE)
		free(undo->before);
	if (undo->kind != UNDO_REMOVE)
		return;
	free(undo->node->value);
	free(undo->node);
}

/* A large transaction's log is not kept. */
static void undo_end(struct memory_map *map)
{
	map->nundo = 0;
	if (map->undo_room <= 4096)
		return;
	free(map->undo);
	map->undo = NULL;
	map->undo_room = 0;
}

/* ---- transactions ---- */

static enum hf_status memory_begin(struct ordered *store, enum ordered_mode mode, hf_deadline deadline,
                                   struct ordered_txn *ret_txn, hf_error *err)
{
	struct memory_map *map = (struct memory_map *)store;
	int64_t left_us = deadline - hf_now_monotonic_us(map->ctx);
	bool ours =
		mode == ORDERED_READ ? turns_begin_read(&map->turns, left_us) : turns_begin_write(&map->turns, left_us);
	if (!ours)
		return error_set(err, HF_TIMEOUT, "could not begin: others used the store until the deadline");
	*ret_txn = (struct ordered_txn){.store = store,
	                                .handle = mode == ORDERED_READ ? NULL : map,
	                                .number = map->committed + 1,
	                                .is_next = true};
	return HF_OK;
}

static enum hf_status memory_commit(struct ordered_txn *txn, UNUSED hf_error *err)
{
	struct memory_map *map = map_of(txn);
	for (size_t i = 0; i < map->nundo; i++)
		forget_one(&map->undo[i]);
	undo_end(map);
	map->committed++;
	turns_end_write(&map->turns);
	return HF_OK;
}

static void memory_abort(struct ordered_txn *txn)
{
	struct memory_map *map = map_of(txn);
	if (!txn->handle) {
		turns_end_read(&map->turns);
		return;
	}
	for (size_t i = map->nundo; i-- > 0;)
		undo_one(&map->lists[map->undo[i].map], &map->undo[i]);
	undo_end(map);
	turns_end_write(&map->turns);
}

static enum hf_status memory_get(struct ordered_txn *txn, enum ordered_map map, struct hf_bytes key,
                                 struct hf_bytes *ret_value, UNUSED hf_error *err)
{
	struct node **links[LEVELS];
	const struct node *node = find_equal(&map_of(txn)->lists[map], key, links);
	if (!node)
		return HF_NOT_FOUND;
	*ret_value = (struct hf_bytes){node->value->bytes, node->value->len};
	return HF_OK;
}

static enum hf_status insert(struct memory_map *map, enum ordered_map which, struct hf_bytes key, struct value *value,
                             hf_error *err)
{
	struct node *node = node_new(map, key);
	if (!node)
		return error_nomem(err);
	node->value = value;
	link_node(&map->lists[which], node);
	map->lists[which].bytes += node_bytes(node);
	undo_add(map, UNDO_INSERT, which, node, NULL);
	return HF_OK;
}

static enum hf_status memory_put(struct ordered_txn *txn, enum ordered_map which, struct hf_bytes key, size_t bytes,
                                 uint8_t **ret_place, hf_error *err)
{
	struct memory_map *map = map_of(txn);
	struct list *list = &map->lists[which];
	struct node **links[LEVELS];
	enum hf_status status = undo_room(map, err);
	struct value *value = status == HF_OK ? malloc(sizeof(*value) + bytes) : NULL;
	if (!value)
		return error_nomem(err);
	value->len = bytes;
	struct node *node = find_equal(list, key, links);
	if (!node && insert(map, which, key, value, err) != HF_OK) {
		free(value);
		return HF_E_NOMEM;
	}
	if (node) {
		list->bytes -= value_bytes(node->value);
		undo_add(map, UNDO_REPLACE, which, node, node->value);
		node->value = value;
	}
	list->bytes += value_bytes(value);
	*ret_place = value->bytes;
	return HF_OK;
}

static enum hf_status memory_del(struct ordered_txn *txn, enum ordered_map which, struct hf_bytes key, hf_error *err)
{
	struct memory_map *map = map_of(txn);
	struct list *list = &map->lists[which];
	struct node **links[LEVELS];
	struct node *node = find_equal(list, key, links);
	if (!node)
		return HF_NOT_FOUND;
	if (undo_room(map, err) != HF_OK)
		return HF_E_NOMEM;
	unlink_node(list, node);
	list->bytes -= node_bytes(node) + value_bytes(node->value);
	undo_add(map, UNDO_REMOVE, which, node, NULL);
	return HF_OK;
}

/* ---- the cursor: a pointer to a node ---- */

static enum hf_status memory_cursor_open(struct ordered_txn *txn, enum ordered_map map,
                                         struct ordered_cursor *ret_cursor, UNUSED hf_error *err)
{
	*ret_cursor = (struct ordered_cursor){txn, map, NULL};
	return HF_OK;
}

static void memory_cursor_close(UNUSED struct ordered_cursor *cursor)
{
}

static struct node *go(struct list *list, struct node *from, enum ordered_move move, struct hf_bytes key)
{
	struct node **links[LEVELS];
	switch (move) {
	case ORDERED_AT:
		return find(list, key, links);
	case ORDERED_BEFORE:
		return find_before(list, key);
	case ORDERED_NEXT:
		return from ? from->next[0] : NULL;
	case ORDERED_PREVIOUS:
		return from ? from->previous : NULL;
	}
	return NULL;
}

static enum hf_status memory_move(struct ordered_cursor *cursor, enum ordered_move move, struct hf_bytes key,
                                  struct ordered_pair *ret_pair, UNUSED hf_error *err)
{
	struct node *node = go(&map_of(cursor->txn)->lists[cursor->map], cursor->place, move, key);
	cursor->place = node;
	if (!node)
		return HF_NOT_FOUND;
	ret_pair->key = (struct hf_bytes){key_of(node), node->key_len};
	ret_pair->value = (struct hf_bytes){node->value->bytes, node->value->len};
	return HF_OK;
}

/* ---- the store ---- */

static enum hf_status memory_sizes(struct ordered *store, hf_deadline deadline, struct ordered_sizes *ret_sizes,
                                   hf_error *err)
{
	struct memory_map *map = (struct memory_map *)store;
	struct ordered_txn txn;
	enum hf_status status = memory_begin(store, ORDERED_READ, deadline, &txn, err);
	if (status != HF_OK)
		return status;
	*ret_sizes = (struct ordered_sizes){.all_bytes = sizeof(*map),
	                                    .entries_bytes = map->lists[ORDERED_ENTRIES].bytes,
	                                    .index_bytes = (int64_t)map->lists[ORDERED_EXPIRY].bytes,
	                                    .history_bytes = (int64_t)map->lists[ORDERED_HISTORY].bytes +
	                                                     (int64_t)map->lists[ORDERED_CHANGED].bytes};
	for (int i = 0; i < ORDERED_MAPS; i++)
		ret_sizes->all_bytes += map->lists[i].bytes;
	memory_abort(&txn);
	return HF_OK;
}

static void memory_look(UNUSED struct ordered *store, struct ordered_look *ret_look)
{
	*ret_look = (struct ordered_look){-1, -1, -1, -1};
}

static void memory_tend(UNUSED struct ordered *store)
{
}

static void memory_close(struct ordered *store)
{
	struct memory_map *map = (struct memory_map *)store;
	if (turns_forked(&map->turns)) /* a thread of the parent may have been in the middle of a write */
		return;
	for (int i = 0; i < ORDERED_MAPS; i++) {
		for (struct node *node = map->lists[i].next[0], *next; node; node = next) {
			next = node->next[0];
			free(node->value);
			free(node);
		}
	}
	turns_deinit(&map->turns);
	free(map->undo);
	free(map);
}

static const struct ordered_ops MEMORY_OPS = {
	.begin = memory_begin,
	.commit = memory_commit,
	.abort = memory_abort,
	.get = memory_get,
	.put = memory_put,
	.del = memory_del,
	.cursor_open = memory_cursor_open,
	.cursor_close = memory_cursor_close,
	.move = memory_move,
	.sizes = memory_sizes,
	.look = memory_look,
	.tend = memory_tend,
	.close = memory_close,
};

enum hf_status memory_map_open(hf_context *ctx, struct ordered **ret_store, hf_error *err)
{
	struct memory_map *map = calloc(1, sizeof(*map));
	if (!map)
		return error_nomem(err);
	turns_init(&map->turns);
	map->base.ops = &MEMORY_OPS;
	map->ctx = ctx;
	map->dice = UINT64_C(0x9e3779b97f4a7c15);
	map->lists[ORDERED_HISTORY].by_suffix = true;
	*ret_store = &map->base;
	return HF_OK;
}
