/*
 * Export, import and copy on real stores: from each kind into each other and back, all that an entry is comes along,
 * and what goes wrong leaves the target as it was.
 *
 * The program runs for one kind, named on its command line, against memory, LMDB and itself; that of PostgreSQL takes
 * Redis too.
 */
#include "../check.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../fixture.h"
#include "base/str.h"
#include "chance.h"
#include "holdfast/kv_file.h"
#include "redis_fixture.h"
#include "rig.h"

enum { MANY = 3000, KINDS = 4 };

static struct kv_rig rig;
static struct redis_fixture redis;
static hf_arena *arena;
static hf_error err;
static char folder[64], file_path[128], other_path[128];

/* ---- stores ---- */

static struct store {
	const char *kind;
	char url[256];
	hf_kv *root;
} stores[KINDS];
static size_t nstores;

static void store_add(const char *kind, const char *url)
{
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .sweep_interval_ms = -1,
	                                      .durability = HF_KV_RELAXED};
	struct store *store = &stores[nstores];
	store->kind = kind;
	snprintf(store->url, sizeof(store->url), "%s", url);
	enum hf_status status = hf_kv_open(rig.ctx, url, &options, &store->root, &err);
	if (status == HF_OK)
		nstores++;
	else if (status != HF_E_UNSUPPORTED)
		fail_msg("%s: %s (%s)", kind, err.message, err.detail);
}

static hf_kv *space(const struct store *store)
{
	static int next;
	char name[20];
	hf_kv *kv = NULL;
	snprintf(name, sizeof(name), "space %d", next++);
	EXPECT_OK(hf_kv_namespace(store->root, name, &kv, &err));
	return kv;
}

static bool has_points(hf_kv *kv)
{
	return hf_kv_capabilities(kv) & HF_KV_CAN_CHECKPOINT;
}

/* ---- what is in them ---- */

static void fill(hf_kv *kv, size_t count)
{
	static uint8_t big[2 << 20];
	static struct hf_kv_write writes[MANY + 10];
	static char keys[MANY][16];
	memset(big, 'b', sizeof(big));
	for (size_t i = 0; i < count; i++) {
		snprintf(keys[i], sizeof(keys[i]), "key %06zu", i);
		writes[i] = (struct hf_kv_write){.op = HF_KV_PUT,
		                                 .key = hf_kv_text(keys[i]),
		                                 .value = hf_kv_text(keys[i] + 3)};
		if (i % 7 == 0)
			writes[i].metadata = HF_STR("{\"b\": [1, null], \"a\": \"x\"}");
		if (i % 5 == 0)
			writes[i].ttl_us = KV_SECOND_US * (1000 + (int64_t)i);
	}
	writes[count++] = (struct hf_kv_write){.op = HF_KV_PUT, .key = HF_KV_KEY(""), .value = HF_KV_KEY("")};
	writes[count++] = (struct hf_kv_write){.op = HF_KV_PUT, .key = HF_KV_KEY("\0\xff"), .value = HF_KV_KEY("\0")};
	writes[count++] = (struct hf_kv_write){.op = HF_KV_PUT, .key = HF_KV_KEY("big"), .value = {big, sizeof(big)}};
	EXPECT_OK(hf_kv_apply(kv, writes, count, NULL, arena, NULL, &err));
	kv_rig_pass(&rig, 1000);
	EXPECT_OK(hf_kv_apply(kv, writes, 10, NULL, arena, NULL, &err)); /* updated is not created */
	hf_arena_reset(arena);
}

struct both {
	struct hf_kv_entry *entries;
	size_t count;
};

static struct both all_of(hf_kv *kv)
{
	struct both all;
	const struct hf_kv_range range = {.limit = 2 * MANY};
	EXPECT_OK(hf_kv_list(kv, &range, arena, &all.entries, &all.count, &err));
	return all;
}

static void same_text(const struct hf_kv_entry *entry, const char *what, struct hf_bytes a, struct hf_bytes b)
{
	if (!kv_same(a, b))
		fail_msg("%s: %s is %s, was %s", kv_show(entry->key), what, kv_show(b), kv_show(a));
}

static struct hf_bytes bytes_of(struct hf_str text)
{
	return (struct hf_bytes){(const uint8_t *)text.ptr, text.len};
}

static void same_content(hf_kv *from, hf_kv *to)
{
	struct both a = all_of(from), b = all_of(to);
	assert_int_equal(a.count, b.count);
	for (size_t i = 0; i < a.count; i++) {
		const struct hf_kv_entry *was = &a.entries[i], *is = &b.entries[i];
		same_text(was, "the key", was->key, is->key);
		same_text(was, "the value", was->value, is->value);
		same_text(was, "metadata", bytes_of(was->metadata), bytes_of(is->metadata));
		assert_int_equal(was->created_us, is->created_us);
		assert_int_equal(was->updated_us, is->updated_us);
		assert_int_equal(was->expires_us, is->expires_us);
		assert_true(is->rev > 0);
	}
	hf_arena_reset(arena);
}

static void put(hf_kv *kv, const char *key, const char *value)
{
	EXPECT_OK(hf_kv_put(kv, hf_kv_text(key), hf_kv_text(value), NULL, &err));
}

static void want_only(hf_kv *kv, const char *key, const char *value)
{
	struct both all = all_of(kv);
	assert_int_equal(all.count, 1);
	assert_true(kv_same(all.entries[0].key, hf_kv_text(key)) && kv_same(all.entries[0].value, hf_kv_text(value)));
}

static struct hf_kv_checkpoint point_of(hf_kv *kv)
{
	struct hf_kv_checkpoint point;
	EXPECT_OK(hf_kv_checkpoint_create(kv, NULL, arena, &point, &err));
	return point;
}

/* ---- pairs ---- */

typedef void pair_fn(hf_kv *from, hf_kv *to);

/* Ours into each, and each into ours. */
static void each_pair(pair_fn *fn, bool with_points)
{
	for (size_t i = 0; i < nstores; i++)
		for (int back = 0; back < (i == 0 ? 1 : 2); back++) {
			hf_kv *from = space(&stores[back ? i : 0]), *to = space(&stores[back ? 0 : i]);
			if (!with_points || has_points(from))
				fn(from, to);
			hf_kv_close(from);
			hf_kv_close(to);
		}
}

static void copy_pair(hf_kv *from, hf_kv *to)
{
	struct hf_kv_copied copied;
	struct hf_kv_checkpoint *points;
	size_t count = 0;
	fill(from, MANY);
	EXPECT_OK(hf_kv_copy(from, to, NULL, &copied, &err));
	assert_int_equal(copied.sums.row_count, MANY + 3);
	assert_int_equal(copied.expired, 0);
	same_content(from, to);
	if (has_points(from))
		EXPECT_OK(hf_kv_checkpoint_list(from, arena, &points, &count, &err));
	assert_int_equal(count, 0); /* the one that it was read by is gone */
	if (has_points(to)) {
		struct hf_kv_checkpoint point = point_of(to);
		assert_memory_equal(&point.digest, &copied.sums.digest, sizeof(point.digest));
	}
}

static void test_a_copy_has_all_that_an_entry_is(void **state)
{
	(void)state;
	each_pair(copy_pair, false);
}

/* Of sixteen letters in no order: half as long when packed, and nothing that a server makes shorter by itself. */
static void put_letters(hf_kv *kv, size_t bytes)
{
	static uint8_t letters[4 << 20];
	uint64_t seed = 1;
	for (size_t i = 0; i < bytes; i++)
		letters[i] = (uint8_t)("0123456789abcdef"[(seed = seed * UINT64_C(6364136223846793005) + 1) >> 60]);
	EXPECT_OK(hf_kv_put(kv, HF_KV_KEY("letters"), (struct hf_bytes){letters, bytes}, NULL, &err));
}

static void pack_pair(hf_kv *from, hf_kv *to)
{
	enum { BYTES = 4 << 20 };
	struct hf_kv_sizes before, after;
	struct hf_kv_checkpoint point;
	struct hf_kv_import how = {0};
	put_letters(from, BYTES);
	if (has_points(from)) { /* it may be a copy in the same tables, which is not what is weighed */
		point = point_of(from);
		how.at = &point.id;
	}
	EXPECT_OK(hf_kv_sizes(to, &before, &err));
	EXPECT_OK(hf_kv_copy(from, to, &how, NULL, &err));
	EXPECT_OK(hf_kv_sizes(to, &after, &err));
	if (after.total_bytes > before.total_bytes + BYTES * 3 / 4)
		fail_msg("%s: %" PRIu64 " bytes more", hf_kv_backend(to), after.total_bytes - before.total_bytes);
	same_content(from, to);
}

static void test_what_is_copied_is_kept_compressed(void **state)
{
	(void)state;
	each_pair(pack_pair, false);
}

static void refuse_pair(hf_kv *from, hf_kv *to)
{
	const struct hf_kv_import replace = {.replace = true};
	struct hf_kv_checkpoint before;
	bool points = has_points(to);
	uint64_t count = 0;
	put(from, "new", "1");
	put(to, "old", "2");
	EXPECT_STATUS(hf_kv_copy(from, to, NULL, NULL, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, "the namespace has entries");
	want_only(to, "old", "2");
	if (points)
		before = point_of(to);
	EXPECT_OK(hf_kv_copy(from, to, &replace, NULL, &err));
	want_only(to, "new", "1");
	EXPECT_OK(hf_kv_clear(from, NULL, NULL, &err));
	EXPECT_OK(hf_kv_copy(from, to, &replace, NULL, &err)); /* nothing is a content too */
	EXPECT_OK(hf_kv_count(to, NULL, &count, &err));
	assert_int_equal(count, 0);
	if (!points)
		return;
	EXPECT_OK(hf_kv_checkpoint_restore(to, &before.id, NULL, NULL, &err));
	want_only(to, "old", "2");
}

static void test_entries_that_stand_there_are_refused_or_replaced(void **state)
{
	(void)state;
	each_pair(refuse_pair, false);
}

/* Nothing was ever written into the target: its checkpoint stays one of nothing. */
static void nothing_pair(hf_kv *from, hf_kv *to)
{
	const struct hf_kv_import replace = {.replace = true};
	uint64_t count = 99;
	if (!has_points(to))
		return;
	struct hf_kv_checkpoint nothing = point_of(to);
	EXPECT_OK(hf_kv_copy(from, to, &replace, NULL, &err));
	put(to, "new", "1");
	EXPECT_OK(hf_kv_checkpoint_restore(to, &nothing.id, NULL, NULL, &err));
	EXPECT_OK(hf_kv_count(to, NULL, &count, &err));
	assert_int_equal(count, 0);
}

static void test_nothing_is_copied_into_what_was_always_empty(void **state)
{
	(void)state;
	each_pair(nothing_pair, false);
}

static void export_to(hf_kv *kv, const struct hf_uuid *id, const struct hf_uuid *since, const char *path,
                      struct hf_kv_file *ret_file)
{
	const struct hf_kv_export how = {.since = since};
	EXPECT_OK(hf_kv_checkpoint_export(kv, id, path, &how, arena, ret_file, &err));
}

static size_t read_file(const char *path, uint8_t *place, size_t room)
{
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	size_t len = fread(place, 1, room, file);
	(void)fclose(file);
	return len;
}

/* What follows the head and stands in front of the SHA-256 is the same for the same entries. */
static void same_files(size_t head_a, size_t head_b)
{
	static uint8_t a[16 << 20], b[16 << 20];
	size_t na = read_file(file_path, a, sizeof(a)), nb = read_file(other_path, b, sizeof(b));
	assert_int_equal(na - head_a, nb - head_b);
	size_t blocks = na - head_a - 120 - 36 - 24 - 3 * 16;
	assert_memory_equal(a + head_a, b + head_b, blocks);
}

static void file_pair(hf_kv *from, hf_kv *to)
{
	const char *const paths[] = {file_path};
	struct hf_kv_file file, again;
	struct hf_kv_copied copied;
	fill(from, MANY);
	struct hf_kv_checkpoint point = point_of(from);
	put(from, "later", "not in it");
	export_to(from, &point.id, NULL, file_path, &file);
	assert_int_equal(file.puts.row_count, MANY + 3);
	assert_memory_equal(&file.puts.digest, &point.digest, sizeof(point.digest));
	EXPECT_OK(hf_kv_file_verify(rig.ctx, paths, 1, arena, &again, &err));
	assert_int_equal(again.bytes, file.bytes);
	assert_memory_equal(&again.id, &point.id, sizeof(point.id));
	EXPECT_OK(hf_kv_import(to, paths, 1, NULL, &copied, &err));
	assert_memory_equal(&copied.sums.digest, &point.digest, sizeof(point.digest));
	EXPECT_STATUS(hf_kv_import(to, paths, 1, NULL, &copied, &err), HF_CONFLICT);
	EXPECT_OK(hf_kv_delete(from, HF_KV_KEY("later"), NULL, NULL, &err));
	same_content(from, to);
	if (!has_points(to))
		return;
	struct hf_kv_checkpoint twin = point_of(to);
	export_to(to, &twin.id, NULL, other_path, &again);
	same_files(68 + file.name_space.len, 68 + again.name_space.len);
}

static void test_a_file_from_each_store_goes_into_each(void **state)
{
	(void)state;
	each_pair(file_pair, true);
}

static void chain_pair(hf_kv *from, hf_kv *to)
{
	char places[3][140];
	const char *paths[3];
	struct hf_kv_file files[3];
	struct hf_kv_copied copied;
	struct hf_kv_checkpoint points[3];
	for (int i = 0; i < 3; i++) {
		snprintf(places[i], sizeof(places[i]), "%s/chain%d", folder, i);
		paths[i] = places[i];
	}
	fill(from, 500);
	points[0] = point_of(from);
	put(from, "key 000001", "changed"), put(from, "key 2", "new");
	EXPECT_OK(hf_kv_delete(from, HF_KV_KEY("key 000003"), NULL, NULL, &err));
	points[1] = point_of(from);
	put(from, "key 000003", "back"), put(from, "key 3", "new too");
	EXPECT_OK(hf_kv_delete(from, HF_KV_KEY("key 2"), NULL, NULL, &err));
	EXPECT_OK(hf_kv_touch(from, HF_KV_KEY("key 000004"), 5000 * KV_SECOND_US, NULL, &err));
	points[2] = point_of(from);
	for (int i = 0; i < 3; i++)
		export_to(from, &points[i].id, i ? &points[i - 1].id : NULL, places[i], &files[i]);
	assert_int_equal(files[1].puts.row_count, 2);
	assert_int_equal(files[1].deletes, 1);
	assert_int_equal(files[2].deletes, 1);
	EXPECT_OK(hf_kv_file_verify(rig.ctx, paths, 3, arena, files, &err));
	EXPECT_OK(hf_kv_file_verify(rig.ctx, paths + 1, 1, arena, files, &err));
	EXPECT_STATUS(hf_kv_file_verify(rig.ctx, paths + 1, 2, arena, files, &err), HF_E_INPUT);
	EXPECT_OK(hf_kv_import(to, paths, 3, NULL, &copied, &err));
	assert_memory_equal(&copied.sums.digest, &points[2].digest, sizeof(copied.sums.digest));
	same_content(from, to);
	EXPECT_STATUS(hf_kv_checkpoint_export(from, &points[0].id, file_path,
	                                      &(struct hf_kv_export){.since = &points[1].id}, arena, NULL, &err),
	              HF_E_USAGE);
}

static void test_a_base_and_what_follows_it(void **state)
{
	(void)state;
	each_pair(chain_pair, true);
}

/* ---- what goes wrong ---- */

static void damage(const char *path)
{
	static uint8_t bytes[16 << 20];
	size_t len = read_file(path, bytes, sizeof(bytes));
	bytes[len / 2] ^= 4;
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static enum hf_status stop_it(void *user, uint64_t entries, hf_error *error)
{
	(void)entries, (void)error;
	return *(enum hf_status *)user;
}

static void wrong_pair(hf_kv *from, hf_kv *to)
{
	const char *const paths[] = {file_path};
	const struct hf_kv_import replace = {.replace = true};
	const struct hf_uuid nobody = {{1}};
	struct hf_kv_checkpoint point;
	fill(from, MANY);
	point = point_of(from);
	export_to(from, &point.id, NULL, file_path, NULL);
	put(to, "own", "stays");
	damage(file_path);
	EXPECT_STATUS(hf_kv_import(to, paths, 1, &replace, NULL, &err), HF_E_CORRUPT);
	want_only(to, "own", "stays");
	EXPECT_STATUS(hf_kv_import(to, (const char *[]){"/nowhere"}, 1, &replace, NULL, &err), HF_NOT_FOUND);
	EXPECT_STATUS(hf_kv_checkpoint_export(from, &nobody, file_path, NULL, arena, NULL, &err), HF_NOT_FOUND);
	EXPECT_STATUS(hf_kv_copy(from, to, &(struct hf_kv_import){.replace = true, .at = &nobody}, NULL, &err),
	              HF_NOT_FOUND);
	want_only(to, "own", "stays");
	EXPECT_STATUS(hf_kv_copy(to, to, &replace, NULL, &err), HF_E_USAGE);
	EXPECT_CONTAINS(err.message, "cannot be copied into itself");
}

static void test_what_is_wrong_leaves_the_target(void **state)
{
	(void)state;
	each_pair(wrong_pair, true);
}

static void end_export(hf_kv *from, enum hf_status with, enum hf_status want)
{
	const struct hf_kv_checkpoint_new uncounted = {.uncounted = true};
	const struct hf_kv_export how = {.progress = stop_it, .user = &with};
	struct hf_kv_checkpoint point;
	EXPECT_OK(hf_kv_checkpoint_create(from, &uncounted, arena, &point, &err));
	unlink(file_path);
	EXPECT_STATUS(hf_kv_checkpoint_export(from, &point.id, file_path, &how, arena, NULL, &err), want);
	assert_int_not_equal(access(file_path, F_OK), 0);
}

static void ended_pair(hf_kv *from, hf_kv *to)
{
	static enum hf_status with[] = {HF_E_FAILED, HF_STOP};
	static const enum hf_status want[] = {HF_E_FAILED, HF_E_INTERRUPTED};
	static struct hf_kv_write writes[10001];
	static char keys[10001][8];
	for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
		snprintf(keys[i], sizeof(keys[i]), "%06zu", i);
		writes[i] = (struct hf_kv_write){.op = HF_KV_PUT, .key = hf_kv_text(keys[i])};
	}
	EXPECT_OK(hf_kv_apply(from, writes, ARRAY_LEN(writes), NULL, arena, NULL, &err));
	put(to, "own", "stays");
	for (size_t i = 0; i < ARRAY_LEN(with); i++) {
		const struct hf_kv_import how = {.replace = true, .progress = stop_it, .user = &with[i]};
		EXPECT_STATUS(hf_kv_copy(from, to, &how, NULL, &err), want[i]);
		want_only(to, "own", "stays");
		if (has_points(from))
			end_export(from, with[i], want[i]);
	}
}

static void test_a_call_that_is_ended_has_done_nothing(void **state)
{
	(void)state;
	each_pair(ended_pair, false);
}

/* What expired since the checkpoint is in the file, and does not come to life again. */
static void expired_pair(hf_kv *from, hf_kv *to)
{
	const char *const paths[] = {file_path};
	struct hf_kv_file file;
	struct hf_kv_copied copied;
	const struct hf_kv_put soon = {.ttl_us = KV_SECOND_US};
	put(from, "a", "1");
	EXPECT_OK(hf_kv_put(from, HF_KV_KEY("soon"), HF_KV_KEY("2"), &soon, &err));
	struct hf_kv_checkpoint point = point_of(from);
	if (point.row_count == 1)
		return; /* a second went by in between */
	kv_rig_pass(&rig, KV_SECOND_US);
	kv_rig_pass(&(struct kv_rig){.own_clock = false}, KV_SECOND_US);
	export_to(from, &point.id, NULL, file_path, &file);
	assert_int_equal(file.puts.row_count, 2);
	EXPECT_OK(hf_kv_import(to, paths, 1, NULL, &copied, &err));
	assert_int_equal(copied.expired, 1);
	want_only(to, "a", "1");
}

static void test_what_expired_stays_away(void **state)
{
	(void)state;
	hf_kv *from = space(&stores[1]), *to = space(&stores[0]);
	expired_pair(from, to);
	hf_kv_close(from);
	hf_kv_close(to);
}

/* A store with longer keys than the target takes. */
static void test_a_key_that_does_not_fit(void **state)
{
	(void)state;
	const struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1, .key_bytes_max = 2048};
	hf_kv *from = NULL, *to = space(&stores[0]);
	char key[700];
	memset(key, 'k', sizeof(key));
	EXPECT_OK(hf_kv_open(rig.ctx, "memory:", &options, &from, &err));
	put(from, "a", "1");
	EXPECT_OK(hf_kv_put(from, (struct hf_bytes){(const uint8_t *)key, sizeof(key)}, HF_KV_KEY(""), NULL, &err));
	EXPECT_STATUS(hf_kv_copy(from, to, NULL, NULL, &err), HF_E_LIMIT);
	uint64_t count = 9;
	EXPECT_OK(hf_kv_count(to, NULL, &count, &err));
	assert_int_equal(count, 0);
	hf_kv_close(from);
	hf_kv_close(to);
}

/* ---- revisions ---- */

enum { OTHERS_MAX = 20000 };
static int64_t revs[OTHERS_MAX + MANY + 10];

struct other {
	hf_kv *kv;
	atomic_bool stop;
	enum hf_status status;
	size_t count; /* of its revisions */
};

static void *write_on(void *user)
{
	struct other *other = user;
	const struct hf_kv_write put = {.op = HF_KV_PUT, .key = HF_KV_KEY("k"), .value = HF_KV_KEY("v")};
	struct hf_kv_result result;
	hf_arena *own = hf_arena_new(0);
	while (!atomic_load(&other->stop) && other->status == HF_OK && other->count < OTHERS_MAX) {
		other->status = hf_kv_apply(other->kv, &put, 1, NULL, own, &result, NULL);
		revs[other->count++] = result.rev;
		hf_arena_reset(own);
	}
	hf_arena_free(own);
	return NULL;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Somebody else takes numbers in between. */
static void test_no_revision_is_given_twice(void **state)
{
	(void)state;
	pthread_t thread;
	hf_kv *from = space(&stores[1]), *to = space(&stores[0]), *third = space(&stores[0]);
	struct other other = {.kv = third};
	fill(from, MANY);
	assert_int_equal(pthread_create(&thread, NULL, write_on, &other), 0);
	enum hf_status status = hf_kv_copy(from, to, NULL, NULL, &err);
	atomic_store(&other.stop, true);
	pthread_join(thread, NULL);
	EXPECT_OK(status);
	EXPECT_OK(other.status);
	struct both all = all_of(to);
	assert_int_equal(all.count, MANY + 3);
	for (size_t i = 0; i < all.count; i++)
		revs[other.count + i] = all.entries[i].rev;
	qsort(revs, other.count + all.count, sizeof(revs[0]), by_number);
	for (size_t i = 1; i < other.count + all.count; i++)
		assert_true(revs[i - 1] < revs[i]);
	hf_kv_close(from);
	hf_kv_close(to);
	hf_kv_close(third);
}

/* ---- killed ---- */

/* What the program that is killed does; says one byte to who waits for it when it begins. @return its exit code */
static int import_file(const char *url, const char *path)
{
	const struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1, .name_space = "killed"};
	const char *const paths[] = {path};
	const struct hf_kv_import replace = {.replace = true};
	hf_context *ctx = NULL;
	hf_kv *kv = NULL;
	enum hf_status status = hf_context_new(NULL, &ctx, &err);
	if (status == HF_OK)
		status = hf_kv_open(ctx, url, &options, &kv, &err);
	if (status == HF_OK && write(STDOUT_FILENO, "", 1) != 1)
		status = HF_E_FAILED;
	if (status == HF_OK)
		status = hf_kv_import(kv, paths, 1, &replace, NULL, &err);
	hf_kv_close(kv);
	hf_context_free(ctx);
	return status == HF_OK ? 0 : 1;
}

/* It imports, and is killed after `us`, or has done it by then; never when that is negative. @return how long it took
 */
static int64_t import_killed(const char *url, int64_t us)
{
	int ready[2], how;
	char byte;
	const char *const words[] = {"test_kv_copy", "import", url, file_path, NULL};
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t child = kv_rig_begin_again(words, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1); /* else it ended before it began */
	close(ready[0]);
	int64_t start = hf_now_monotonic_us(rig.ctx);
	if (us >= 0) {
		usleep((useconds_t)us);
		(void)kill(child, SIGKILL);
	}
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(us >= 0 && WIFSIGNALED(how) ? WTERMSIG(how) == SIGKILL : WIFEXITED(how) && WEXITSTATUS(how) == 0);
	return hf_now_monotonic_us(rig.ctx) - start;
}

static uint64_t count_at(const char *url, bool reset)
{
	const struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1, .name_space = "killed"};
	uint64_t count = 0;
	hf_kv *kv = NULL;
	EXPECT_OK(hf_kv_open(rig.ctx, url, &options, &kv, &err));
	EXPECT_OK(hf_kv_count(kv, NULL, &count, &err));
	if (reset) {
		EXPECT_OK(hf_kv_clear(kv, NULL, NULL, &err));
		put(kv, "own", "stays");
	}
	hf_kv_close(kv);
	return count;
}

static void test_killed_at_any_moment(void **state)
{
	(void)state;
	static char url[256];
	uint64_t seed = chance_seed();
	int before = 0, behind = 0;
	if (strcmp(rig.kind, "memory") == 0)
		return;
	hf_kv *from = space(&stores[1]);
	fill(from, MANY);
	struct hf_kv_checkpoint point = point_of(from);
	export_to(from, &point.id, NULL, file_path, NULL);
	hf_kv_close(from);
	snprintf(url, sizeof(url), "%s", kv_rig_fresh_url(&rig));
	(void)count_at(url, true);
	int64_t whole = import_killed(url, -1);
	assert_int_equal(count_at(url, false), MANY + 3);
	for (int round = 0; round < 20; round++) {
		(void)count_at(url, true);
		import_killed(url, (int64_t)chance_under(&seed, (uint64_t)whole * 5 / 4));
		uint64_t count = count_at(url, false);
		if (count != 1 && count != MANY + 3)
			fail_msg("%" PRIu64 " entries after a kill", count);
		before += count == 1;
		behind += count != 1;
	}
	print_message("# killed before %d times, behind %d times\n", before, behind);
}

/* ---- */

static int start(void **state)
{
	(void)state;
	hf_arena_reset(arena);
	return 0;
}

static void open_all(const char *kind)
{
	char url[128];
	store_add(kind, rig.url); /* memory: one of its own */
	snprintf(url, sizeof(url), "lmdb:%s/store", folder);
	store_add("lmdb", url);
	if (strcmp(kind, "memory") != 0)
		store_add("memory", "memory:");
	if (strcmp(kind, "postgresql") == 0) {
		redis_fixture_start(&redis, NULL);
		store_add("redis", redis.url);
	}
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_copy_has_all_that_an_entry_is, start),
		cmocka_unit_test_setup(test_what_is_copied_is_kept_compressed, start),
		cmocka_unit_test_setup(test_entries_that_stand_there_are_refused_or_replaced, start),
		cmocka_unit_test_setup(test_nothing_is_copied_into_what_was_always_empty, start),
		cmocka_unit_test_setup(test_a_file_from_each_store_goes_into_each, start),
		cmocka_unit_test_setup(test_a_base_and_what_follows_it, start),
		cmocka_unit_test_setup(test_what_is_wrong_leaves_the_target, start),
		cmocka_unit_test_setup(test_a_call_that_is_ended_has_done_nothing, start),
		cmocka_unit_test_setup(test_what_expired_stays_away, start),
		cmocka_unit_test_setup(test_a_key_that_does_not_fit, start),
		cmocka_unit_test_setup(test_no_revision_is_given_twice, start),
		cmocka_unit_test_setup(test_killed_at_any_moment, start),
	};
	struct timespec now;
	if (argc == 4)
		return import_file(argv[2], argv[3]);
	if (argc != 2)
		return 2;
	snprintf(folder, sizeof(folder), "/tmp/holdfast-copy-XXXXXX");
	if (!mkdtemp(folder))
		return 2;
	snprintf(file_path, sizeof(file_path), "%s/file", folder);
	snprintf(other_path, sizeof(other_path), "%s/other", folder);
	arena = hf_arena_new((size_t)1 << 30);
	kv_rig_open(&rig, argv[1]);
	clock_gettime(CLOCK_REALTIME, &now); /* stores with clocks of their own and servers have to agree */
	rig.wall_us = (int64_t)now.tv_sec * 1000000;
	if (!rig.skip[0]) {
		hf_kv_close(rig.root);
		rig.root = NULL;
		open_all(argv[1]);
	}
	int failed = kv_rig_run(&rig, tests, ARRAY_LEN(tests));
	for (size_t i = 0; i < nstores; i++)
		hf_kv_close(stores[i].root);
	if (redis.pid)
		redis_fixture_stop(&redis);
	kv_rig_close(&rig);
	hf_arena_free(arena);
	char command[100];
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) ? 1 : failed;
}
