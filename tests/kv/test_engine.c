/*
 * The engine, on memory and on LMDB, against a model that keeps entries in an array: random sequences of everything
 * that a backend does, with a clock of the test. What the model says of each write is compared at once, all of the
 * store after each batch.
 */
#include "../check.h"
#include "chance.h"
#include "engine_rig.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { KEYS = 24, BATCH = 5, VALUE = 40, SPACES = 2, ROUNDS = 400 };

/* One key of one namespace. rev 0 = nothing is there, not even something that expired. */
struct cell {
	int64_t rev, created_us, updated_us, expires_us;
	char value[VALUE + 1];
	size_t len;
	int metadata; /* index into `tags`; 0 = none */
};

static const char *const tags[] = {NULL, "{\"a\":1}", "{\"a\":1,\"b\":[1,2]}", "\"text\""};
static struct cell model[SPACES][KEYS];
static int64_t last_rev;
static uint64_t dice;

static uint64_t under(uint64_t bound)
{
	return chance_under(&dice, bound);
}

/* Keys in their order: "", then all of one or two letters of 00, 61, ff and some longer. */
static struct hf_bytes key_of(size_t k)
{
	static uint8_t keys[KEYS][4];
	static const uint8_t letters[] = {0x00, 0x61, 0xff};
	size_t len = k == 0 ? 0 : 1 + (k - 1) % 3 % 2 + (k > 12);
	for (size_t i = 0, rest = k; i < len; i++, rest /= 3)
		keys[k][i] = letters[rest % 3];
	if (len)
		keys[k][len++] = (uint8_t)k; /* no two are the same */
	return (struct hf_bytes){keys[k], len};
}

static bool is_live(const struct cell *cell)
{
	return cell->rev != 0 && (cell->expires_us == 0 || cell->expires_us > rig_now_us);
}

static void same_entry(const struct hf_kv_entry *entry, size_t k, const struct cell *cell, bool keys_only)
{
	struct hf_bytes key = key_of(k);
	assert_int_equal(entry->rev, cell->rev);
	assert_int_equal(entry->key.len, key.len);
	if (key.len)
		assert_memory_equal(entry->key.ptr, key.ptr, key.len);
	assert_int_equal(entry->created_us, cell->created_us);
	assert_int_equal(entry->updated_us, cell->updated_us);
	assert_int_equal(entry->expires_us, cell->expires_us);
	assert_int_equal(entry->value.len, keys_only ? 0 : cell->len);
	if (keys_only) {
		assert_null(entry->value.ptr);
		assert_null(entry->metadata.ptr);
		return;
	}
	assert_non_null(entry->value.ptr);
	assert_memory_equal(entry->value.ptr, cell->value, cell->len);
	if (!cell->metadata)
		assert_null(entry->metadata.ptr);
	else
		assert_string_equal(entry->metadata.ptr ? tags[cell->metadata] : "", tags[cell->metadata]);
	if (cell->metadata)
		assert_memory_equal(entry->metadata.ptr, tags[cell->metadata], entry->metadata.len);
}

/* ---- what the model does ---- */

static enum hf_kv_outcome condition_of(const struct cell *cell, const struct hf_kv_write *write)
{
	bool live = is_live(cell);
	if (!live)
		return write->flags & (HF_KV_IF_PRESENT | HF_KV_IF_REV | HF_KV_IF_VALUE) ? HF_KV_ABSENT : HF_KV_DONE;
	if (write->flags & HF_KV_IF_ABSENT)
		return HF_KV_EXISTS;
	if ((write->flags & HF_KV_IF_REV) && cell->rev != write->if_rev)
		return HF_KV_CHANGED;
	bool same = cell->len == write->if_value.len &&
	            !memcmp(cell->value, write->if_value.ptr ? (const void *)write->if_value.ptr : "", cell->len);
	return (write->flags & HF_KV_IF_VALUE) && !same ? HF_KV_CHANGED : HF_KV_DONE;
}

static void renew(struct cell *cell, const struct hf_kv_write *write, bool keep_ttl)
{
	bool live = is_live(cell);
	if (!live)
		*cell = (struct cell){.created_us = rig_now_us};
	if (!live || !keep_ttl)
		cell->expires_us = write->ttl_us ? rig_now_us + write->ttl_us : 0;
	cell->updated_us = rig_now_us;
	cell->rev = ++last_rev;
}

static int tag_of(struct hf_str metadata)
{
	for (int i = 1; i < 4; i++)
		if (metadata.ptr == tags[i])
			return i;
	return 0;
}

static enum hf_kv_outcome model_add(struct cell *cell, const struct hf_kv_write *write, int64_t *number)
{
	char *end = cell->value;
	errno = 0;
	*number = is_live(cell) ? strtoll(cell->value, &end, 10) : 0;
	if (is_live(cell) && (errno || end != cell->value + cell->len || cell->len == 0))
		return HF_KV_NO_NUMBER;
	if (__builtin_add_overflow(*number, write->delta, number))
		return HF_KV_NO_NUMBER;
	renew(cell, write, true);
	cell->len = (size_t)snprintf(cell->value, sizeof(cell->value), "%" PRId64, *number);
	return HF_KV_DONE;
}

static enum hf_kv_outcome model_append(struct cell *cell, const struct hf_kv_write *write)
{
	if ((is_live(cell) ? cell->len : 0) + write->value.len > VALUE)
		return HF_KV_TOO_LONG;
	renew(cell, write, true);
	memcpy(cell->value + cell->len, write->value.ptr, write->value.len);
	cell->len += write->value.len;
	cell->value[cell->len] = '\0';
	return HF_KV_DONE;
}

static void model_put(struct cell *cell, const struct hf_kv_write *write)
{
	int metadata = is_live(cell) && (write->flags & HF_KV_KEEP_METADATA) ? cell->metadata : tag_of(write->metadata);
	renew(cell, write, write->flags & HF_KV_KEEP_TTL);
	cell->metadata = metadata;
	cell->len = write->value.len;
	memcpy(cell->value, write->value.ptr, cell->len);
	cell->value[cell->len] = '\0';
}

static enum hf_kv_outcome model_write(struct cell *cell, const struct hf_kv_write *write, int64_t *number)
{
	bool live = is_live(cell);
	enum hf_kv_outcome condition = condition_of(cell, write);
	if (condition != HF_KV_DONE)
		return condition;
	switch (write->op) {
	case HF_KV_PUT:
		model_put(cell, write);
		return HF_KV_DONE;
	case HF_KV_DELETE:
		*cell = (struct cell){0};
		return live ? HF_KV_DONE : HF_KV_NO_ENTRY;
	case HF_KV_TOUCH:
	case HF_KV_PERSIST:
		if (live)
			cell->expires_us = write->op == HF_KV_TOUCH ? rig_now_us + write->ttl_us : 0;
		return live ? HF_KV_DONE : HF_KV_NO_ENTRY;
	case HF_KV_ADD:
		return model_add(cell, write, number);
	case HF_KV_APPEND:
		return model_append(cell, write);
	case HF_KV_READ:
		break;
	}
	return live ? HF_KV_DONE : HF_KV_NO_ENTRY;
}

/* ---- random writes ---- */

static struct hf_bytes random_value(void)
{
	static const char *const values[] = {"",      "7",
	                                     "-12",   "9223372036854775800",
	                                     "seven", "0123456789012345678901234"};
	return hf_kv_text(values[under(6)]);
}

static uint32_t random_flags(enum hf_kv_op op)
{
	static const uint32_t conditions[] = {HF_KV_IF_ABSENT, HF_KV_IF_PRESENT, HF_KV_IF_REV, HF_KV_IF_VALUE,
	                                      HF_KV_IF_REV | HF_KV_IF_VALUE};
	uint32_t flags = under(3) ? HF_KV_RETURN_BEFORE : 0;
	if (under(3) == 0)
		flags |= conditions[under(5)];
	if (op == HF_KV_PUT && under(3) == 0)
		flags |= HF_KV_KEEP_TTL;
	if (op == HF_KV_PUT && under(3) == 0)
		flags |= HF_KV_KEEP_METADATA;
	return flags;
}

/* A copy: the model changes before all of a batch are compared. */
static struct hf_bytes value_now(const struct cell *cell)
{
	static char copies[16][VALUE + 1];
	static size_t next;
	char *copy = copies[next++ % 16];
	memcpy(copy, cell->value, sizeof(copies[0]));
	return hf_kv_text(copy);
}

static void random_write(const struct cell *cells, struct hf_kv_write *write, size_t *ret_k)
{
	static const enum hf_kv_op ops[] = {HF_KV_PUT,     HF_KV_PUT, HF_KV_PUT,    HF_KV_DELETE, HF_KV_TOUCH,
	                                    HF_KV_PERSIST, HF_KV_ADD, HF_KV_APPEND, HF_KV_READ};
	size_t k = *ret_k = under(KEYS);
	enum hf_kv_op op = ops[under(9)];
	*write = (struct hf_kv_write){.op = op, .flags = random_flags(op), .key = key_of(k)};
	if (op == HF_KV_PUT || op == HF_KV_APPEND)
		write->value = random_value();
	if (op == HF_KV_PUT && !(write->flags & HF_KV_KEEP_METADATA))
		write->metadata = hf_str_of(tags[under(4)]);
	if (op == HF_KV_TOUCH || ((op == HF_KV_PUT || op == HF_KV_ADD || op == HF_KV_APPEND) && under(2)))
		write->ttl_us = 1 + (int64_t)under(400);
	write->delta = (int64_t)under(100) - 50;
	write->if_rev = under(2) ? cells[k].rev : last_rev;
	write->if_value = under(2) ? value_now(&cells[k]) : random_value();
}

static void same_result(const struct hf_kv_result *result, const struct hf_kv_write *write, size_t k,
                        const struct cell *before, const struct cell *after, enum hf_kv_outcome outcome, int64_t number)
{
	assert_string_equal(rig_outcome(result->outcome), rig_outcome(outcome));
	assert_int_equal(result->rev, is_live(after) ? after->rev : 0);
	assert_int_equal(result->existed, is_live(before));
	if (write->op == HF_KV_ADD && outcome == HF_KV_DONE)
		assert_int_equal(result->number, number);
	bool shown = (write->op == HF_KV_READ || (write->flags & HF_KV_RETURN_BEFORE)) && is_live(before);
	if (shown)
		same_entry(&result->before, k, before, false);
	else
		assert_int_equal(result->before.rev, 0);
}

static bool is_refusal(enum hf_kv_outcome outcome)
{
	return outcome >= HF_KV_EXISTS;
}

/* Runs the writes on the model, which stays as it was when one is refused. */
static void expect_writes(size_t space, const struct hf_kv_write *writes, const size_t *ks, size_t count,
                          enum hf_status status, const struct hf_kv_result *results)
{
	static struct cell saved[KEYS];
	int64_t saved_rev = last_rev, number = 0;
	memcpy(saved, model[space], sizeof(saved));
	for (size_t i = 0; i < count; i++) {
		struct cell *cell = &model[space][ks[i]], before = *cell;
		if (last_rev == saved_rev && status == HF_OK && results[i].rev > last_rev)
			last_rev = results[i].rev - 1; /* some may be left out between two calls */
		enum hf_kv_outcome outcome = model_write(cell, &writes[i], &number);
		if (is_refusal(outcome)) {
			assert_int_equal(status, HF_CONFLICT);
			if (before.rev > saved_rev && results[i].rev > before.rev)
				before.rev = results[i].rev; /* given in this very call, which left some out */
			same_result(&results[i], &writes[i], ks[i], &before, &before, outcome, 0);
			memcpy(model[space], saved, sizeof(saved));
			last_rev = saved_rev;
			for (size_t j = 0; j < count; j++)
				assert_true(j == i || results[j].outcome == HF_KV_UNDONE);
			return;
		}
		if (status == HF_OK)
			same_result(&results[i], &writes[i], ks[i], &before, cell, outcome, number);
	}
	assert_int_equal(status, HF_OK);
}

static struct hf_kv_batch batch_of(const struct hf_kv_write *writes, size_t count)
{
	return (struct hf_kv_batch){.writes = writes,
	                            .count = count,
	                            .durability = under(2) ? HF_KV_STRICT : HF_KV_RELAXED,
	                            .deadline = INT64_MAX,
	                            .value_bytes_max = VALUE};
}

static void run_batch(struct rig *rig, size_t space)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_write writes[BATCH];
	struct hf_kv_result results[BATCH] = {0};
	size_t ks[BATCH], count = 1 + under(BATCH);
	for (size_t i = 0; i < count; i++)
		random_write(model[space], &writes[i], &ks[i]);
	struct hf_kv_batch batch = batch_of(writes, count);
	enum hf_status status = rig->vtable->apply(rig->state, rig->ns[space], &batch, rig->arena, results, &err);
	expect_writes(space, writes, ks, count, status, results);
}

static void run_transaction(struct rig *rig, size_t space)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_write compare[2], then[BATCH], otherwise[BATCH];
	struct hf_kv_result results[BATCH] = {0};
	size_t ks[2], then_ks[BATCH], otherwise_ks[BATCH];
	bool held = true, expected = true;
	struct hf_kv_txn txn = {compare, under(3), then, under(BATCH), otherwise, under(BATCH)};
	for (size_t i = 0; i < txn.ncompare; i++) {
		random_write(model[space], &compare[i], &ks[i]);
		compare[i].op = HF_KV_READ;
		expected = expected && condition_of(&model[space][ks[i]], &compare[i]) == HF_KV_DONE;
	}
	for (size_t i = 0; i < txn.nthen; i++)
		random_write(model[space], &then[i], &then_ks[i]);
	for (size_t i = 0; i < txn.notherwise; i++)
		random_write(model[space], &otherwise[i], &otherwise_ks[i]);
	struct hf_kv_batch common = batch_of(NULL, 0);
	enum hf_status status =
		rig->vtable->transact(rig->state, rig->ns[space], &txn, &common, rig->arena, &held, results, &err);
	assert_int_equal(held, expected);
	expect_writes(space, held ? then : otherwise, held ? then_ks : otherwise_ks, held ? txn.nthen : txn.notherwise,
	              status, results);
}

/* ---- looking at all of it ---- */

static void check_read(struct rig *rig, size_t space)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_bytes keys[KEYS];
	struct hf_kv_entry entries[KEYS];
	bool keys_only = under(4) == 0;
	for (size_t k = 0; k < KEYS; k++)
		keys[k] = key_of(k);
	EXPECT_OK(rig->vtable->read(rig->state, rig->ns[space], keys, KEYS, keys_only, INT64_MAX, rig->arena, entries,
	                            &err));
	for (size_t k = 0; k < KEYS; k++) {
		if (is_live(&model[space][k]))
			same_entry(&entries[k], k, &model[space][k], keys_only);
		else
			assert_int_equal(entries[k].rev, 0);
	}
}

static bool in_span(struct hf_bytes key, const struct hf_kv_span *span)
{
	return rig_order(key, span->from) >= 0 && (!span->to.ptr || rig_order(key, span->to) < 0);
}

/* The next key of the span that the scan has to show, or KEYS. */
static size_t next_of(const struct cell *cells, const struct hf_kv_span *span, const struct hf_bytes *after)
{
	size_t best = KEYS;
	for (size_t k = 0; k < KEYS; k++) {
		struct hf_bytes key = key_of(k);
		int sign = span->reverse ? -1 : 1;
		if (!is_live(&cells[k]) || !in_span(key, span))
			continue;
		if (span->has_metadata.ptr && cells[k].metadata != 1 && cells[k].metadata != 2)
			continue;
		if (after && sign * rig_order(key, *after) <= 0)
			continue;
		if (best == KEYS || sign * rig_order(key, key_of(best)) < 0)
			best = k;
	}
	return best;
}

struct seen {
	const struct cell *cells;
	size_t count, stop_after;
	const struct hf_kv_span *span;
	size_t last; /* KEYS = none yet */
};

static enum hf_status see(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	(void)err;
	struct seen *seen = user;
	struct hf_bytes last = key_of(seen->last == KEYS ? 0 : seen->last);
	size_t k = next_of(seen->cells, seen->span, seen->last == KEYS ? NULL : &last);
	assert_true(k < KEYS);
	same_entry(entry, k, &seen->cells[k], seen->span->keys_only);
	seen->last = k;
	return ++seen->count == seen->stop_after ? HF_STOP : HF_OK;
}

static void check_scan(struct rig *rig, size_t space, const struct cell *cells, const struct hf_uuid *at)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_span span = {.deadline = INT64_MAX,
	                          .at = at,
	                          .reverse = under(2),
	                          .keys_only = under(4) == 0,
	                          .limit = under(3) ? 0 : under(8)};
	if (under(2))
		span.from = key_of(under(KEYS));
	if (under(2))
		span.to = key_of(under(KEYS));
	if (under(4) == 0)
		span.has_metadata = HF_STR("{\"a\":1}");
	struct seen seen = {.cells = cells,
	                    .stop_after = under(4) ? SIZE_MAX : 1 + under(5),
	                    .span = &span,
	                    .last = KEYS};
	EXPECT_OK(rig->vtable->scan(rig->state, rig->ns[space], &span, see, &seen, &err));
	struct hf_bytes last = key_of(seen.last == KEYS ? 0 : seen.last);
	size_t wanted = seen.count, limit = span.limit ? span.limit : SIZE_MAX;
	if (seen.count < limit && seen.count < seen.stop_after)
		assert_int_equal(next_of(cells, &span, seen.last == KEYS ? NULL : &last), KEYS);
	else
		assert_true(seen.count <= limit);
	uint64_t count = 0;
	EXPECT_OK(rig->vtable->count(rig->state, rig->ns[space], &span, &count, &err));
	assert_true(count >= wanted && (seen.stop_after != SIZE_MAX || count == wanted));
}

static void check_estimate(struct rig *rig, size_t space)
{
	hf_error err = HF_ERROR_INIT;
	uint64_t estimate = 0, there = 0;
	for (size_t k = 0; k < KEYS; k++)
		there += model[space][k].rev != 0;
	EXPECT_OK(rig->vtable->estimate(rig->state, rig->ns[space], INT64_MAX, &estimate, &err));
	assert_int_equal(estimate, there);
}

/* ---- care ---- */

static void sweep_rest(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	uint64_t removed = 1;
	while (removed > 0)
		EXPECT_OK(rig->vtable->sweep(rig->state, 1000, INT64_MAX, &removed, &err));
	for (size_t space = 0; space < SPACES; space++)
		for (size_t k = 0; k < KEYS; k++)
			if (!is_live(&model[space][k]))
				model[space][k] = (struct cell){0};
}

static void run_sweep(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	uint64_t removed = 0, expired = 0, limit = 1 + under(4);
	for (size_t space = 0; space < SPACES; space++)
		for (size_t k = 0; k < KEYS; k++)
			expired += model[space][k].rev != 0 && !is_live(&model[space][k]);
	EXPECT_OK(rig->vtable->sweep(rig->state, limit, INT64_MAX, &removed, &err));
	assert_int_equal(removed, expired < limit ? expired : limit);
	sweep_rest(rig); /* the model does not know which went first */
}

static void run_clear(struct rig *rig, size_t space)
{
	hf_error err = HF_ERROR_INIT;
	uint64_t removed = 0, live = 0;
	struct hf_kv_batch how = batch_of(NULL, 0);
	for (size_t k = 0; k < KEYS; k++)
		live += is_live(&model[space][k]);
	EXPECT_OK(rig->vtable->clear(rig->state, rig->ns[space], &how, &removed, &err));
	assert_int_equal(removed, live);
	memset(model[space], 0, sizeof(model[space]));
}

/* ---- checkpoints: each is a copy of the model ---- */

enum { SNAPS = 6 };
static struct snap {
	bool is_there;
	size_t space;
	struct hf_kv_checkpoint point;
	struct cell cells[KEYS];
} snaps[SNAPS];

static struct snap *snap_new(size_t space)
{
	for (size_t i = 0; i < SNAPS; i++) {
		struct snap *snap = &snaps[i];
		if (snap->is_there)
			continue;
		*snap = (struct snap){.is_there = true, .space = space};
		snap->point.id.bytes[0] = (uint8_t)i;
		snap->point.id.bytes[7] = (uint8_t)chance(&dice);
		snap->point.id.bytes[15] = (uint8_t)chance(&dice);
		memcpy(snap->cells, model[space], sizeof(snap->cells));
		return snap;
	}
	return NULL;
}

static struct snap *snap_any(size_t space)
{
	struct snap *snap = &snaps[under(SNAPS)];
	return snap->is_there && snap->space == space ? snap : NULL;
}

static void run_create(struct rig *rig, size_t space)
{
	hf_error err = HF_ERROR_INIT;
	struct snap *snap = snap_new(space);
	if (!snap)
		return;
	if (under(2))
		snap->point.name = HF_STR("a name"), snap->point.pinned = true;
	if (under(2))
		snap->point.metadata = hf_str_of(tags[2]);
	EXPECT_OK(rig->vtable->point_create(rig->state, rig->ns[space], &snap->point, INT64_MAX, &err));
	assert_int_equal(snap->point.created_us, rig_now_us);
}

static void run_delete(struct rig *rig, size_t space)
{
	hf_error err = HF_ERROR_INIT;
	struct snap *snap = snap_any(space);
	if (!snap)
		return;
	EXPECT_OK(rig->vtable->point_delete(rig->state, rig->ns[space], &snap->point.id, INT64_MAX, &err));
	snap->is_there = false;
	EXPECT_STATUS(rig->vtable->point_delete(rig->state, rig->ns[space], &snap->point.id, INT64_MAX, &err),
	              HF_NOT_FOUND);
}

/* What was restored has revisions that nobody had; which ones is the engine's business. Returns how many have. */
static uint64_t adopt(struct rig *rig, size_t space, const struct cell *wanted)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_bytes keys[KEYS];
	struct hf_kv_entry entries[KEYS];
	int64_t newest = last_rev;
	uint64_t fresh = 0;
	for (size_t k = 0; k < KEYS; k++)
		keys[k] = key_of(k);
	EXPECT_OK(
		rig->vtable->read(rig->state, rig->ns[space], keys, KEYS, false, INT64_MAX, rig->arena, entries, &err));
	for (size_t k = 0; k < KEYS; k++) {
		struct cell cell = is_live(&wanted[k]) ? wanted[k] : (struct cell){0};
		assert_true((entries[k].rev != 0) == (cell.rev != 0));
		if (cell.rev != 0) {
			assert_true(entries[k].rev > last_rev || entries[k].rev == cell.rev);
			cell.rev = entries[k].rev;
			same_entry(&entries[k], k, &cell, false);
			fresh += cell.rev > last_rev;
			newest = cell.rev > newest ? cell.rev : newest;
		}
		model[space][k] = cell;
	}
	last_rev = newest;
	return fresh;
}

static void run_restore(struct rig *rig, size_t space)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_restored restored = {0};
	struct snap *snap = snap_any(space), *undo = under(2) ? snap_new(space) : NULL;
	if (!snap) {
		if (undo)
			undo->is_there = false;
		return;
	}
	EXPECT_OK(rig->vtable->restore(rig->state, rig->ns[space], &snap->point.id, undo ? &undo->point : NULL,
	                               INT64_MAX, &restored, &err));
	uint64_t fresh = adopt(rig, space, snap->cells);
	assert_int_equal(restored.put, fresh);
	sweep_rest(rig); /* of what had expired some may be there still */
}

static void check_point(struct rig *rig, const struct snap *snap)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_bytes keys[KEYS];
	struct hf_kv_entry entries[KEYS];
	for (size_t k = 0; k < KEYS; k++)
		keys[k] = key_of(k);
	EXPECT_OK(rig->vtable->read_at(rig->state, rig->ns[snap->space], &snap->point.id, keys, KEYS, false, INT64_MAX,
	                               rig->arena, entries, &err));
	for (size_t k = 0; k < KEYS; k++) {
		if (!is_live(&snap->cells[k])) {
			assert_int_equal(entries[k].rev, 0);
			continue;
		}
		same_entry(&entries[k], k, &snap->cells[k], false);
	}
}

/* What the changes make of the one has to be the other. */
struct told {
	struct cell cells[KEYS];
	const struct cell *to;
	size_t count;
	uint8_t last[8];
	size_t last_len;
};

static bool same_cell(const struct cell *a, const struct cell *b)
{
	return is_live(a) == is_live(b) && (!is_live(a) || (a->rev == b->rev && a->expires_us == b->expires_us));
}

static enum hf_status tell(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	(void)err;
	struct told *told = user;
	size_t k = 0;
	while (rig_order(key_of(k), entry->key) != 0)
		k++;
	assert_true(k < KEYS);
	if (told->count++ > 0)
		assert_true(rig_order((struct hf_bytes){told->last, told->last_len}, entry->key) < 0);
	memcpy(told->last, entry->key.ptr, told->last_len = entry->key.len);
	assert_false(same_cell(&told->cells[k], &told->to[k]));
	assert_true(is_live(&told->to[k]) == (entry->rev != 0));
	if (entry->rev)
		same_entry(entry, k, &told->to[k], false);
	told->cells[k] = told->to[k];
	return HF_OK;
}

static void check_diff(struct rig *rig, const struct snap *from, const struct snap *to)
{
	hf_error err = HF_ERROR_INIT;
	static struct told told;
	told = (struct told){.to = to ? to->cells : model[from->space]};
	memcpy(told.cells, from->cells, sizeof(told.cells));
	EXPECT_OK(rig->vtable->diff(rig->state, rig->ns[from->space], &from->point.id, to ? &to->point.id : NULL, 0,
	                            INT64_MAX, tell, &told, &err));
	for (size_t k = 0; k < KEYS; k++)
		assert_true(same_cell(&told.cells[k], &told.to[k]));
}

static void check_list(struct rig *rig, size_t space)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint *points = NULL;
	size_t count = 0, wanted = 0;
	for (size_t i = 0; i < SNAPS; i++)
		wanted += snaps[i].is_there && snaps[i].space == space;
	EXPECT_OK(rig->vtable->point_list(rig->state, rig->ns[space], NULL, INT64_MAX, rig->arena, &points, &count,
	                                  &err));
	assert_int_equal(count, wanted);
	for (size_t i = 1; i < count; i++)
		assert_true(points[i].epoch < points[i - 1].epoch);
}

static void check_points(struct rig *rig)
{
	for (size_t i = 0; i < SNAPS; i++) {
		struct snap *snap = &snaps[i], *other;
		if (!snap->is_there)
			continue;
		check_point(rig, snap);
		check_scan(rig, snap->space, snap->cells, &snap->point.id);
		check_diff(rig, snap, NULL);
		if ((other = snap_any(snap->space)))
			check_diff(rig, snap, other);
	}
	check_list(rig, under(SPACES));
}

static void run_point(struct rig *rig, size_t space)
{
	uint64_t what = under(5);
	if (what < 2)
		run_create(rig, space);
	else if (what < 3)
		run_delete(rig, space);
	else
		run_restore(rig, space);
}

static void run_one(struct rig *rig)
{
	size_t space = under(SPACES);
	uint64_t what = under(40);
	if (what == 0)
		run_clear(rig, space);
	else if (what < 4)
		run_sweep(rig);
	else if (what < 12)
		run_transaction(rig, space);
	else if (what < 18)
		run_point(rig, space);
	else
		run_batch(rig, space);
	rig_now_us += (int64_t)under(60);
	for (space = 0; space < SPACES; space++) {
		check_read(rig, space);
		check_scan(rig, space, model[space], NULL);
		check_estimate(rig, space);
	}
	check_points(rig);
	hf_arena_reset(rig->arena);
}

static void test_model(void **state)
{
	struct rig *rig = *state;
	dice = chance_seed();
	memset(model, 0, sizeof(model));
	memset(snaps, 0, sizeof(snaps));
	last_rev = 0;
	for (int i = 0; i < ROUNDS; i++) {
		run_one(rig);
		if (rig->url[0] == 'l' && under(50) == 0)
			rig_reopen(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_model, rig_memory, rig_end),
		cmocka_unit_test_setup_teardown(test_model, rig_lmdb, rig_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
