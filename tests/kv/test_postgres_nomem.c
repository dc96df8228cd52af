/*
 * test_postgres_nomem.c - the paths of PostgreSQL that are its own while memory runs out at every place, one after the
 * other: pipelines of puts, exports that stream, imports by COPY, checkpoints that are copies, reports, indexes, feeds.
 * HF_E_NOMEM, and nothing was changed then; nothing leaks. libpq allocates by itself and is left alone.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/macros.h"
#include "holdfast/kv_checkpoint.h"
#include "holdfast/kv_file.h"
#include "holdfast/kv_health.h"
#include "holdfast/kv_index.h"
#include "holdfast/kv_watch.h"
#include "postgres_rig.h"
#include "../torture.h"

enum { MANY = 600 };

struct work;

struct job {
	const char *name;
	enum hf_status (*fn)(struct work *work, hf_error *err);
	const char *number; /* stays what it is unless the call says HF_OK or that it does not know; NULL = none */
};

struct work {
	struct rig rig;
	hf_kv *into;
	char path[64];
	struct hf_uuid point;
	const struct job *job;
	int64_t before;
};

static enum hf_status see(UNUSED void *user, UNUSED const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	return HF_OK;
}

static enum hf_status see_change(UNUSED void *user, UNUSED const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	return HF_OK;
}

static int64_t number_of(struct work *work)
{
	return work->job->number ? rig_number(&work->rig, work->job->number) : 0;
}

/* ---- what runs out of memory ---- */

static enum hf_status put_many(struct work *work, hf_error *err)
{
	static char texts[MANY][8];
	static struct hf_bytes keys[MANY];
	for (size_t i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "m%05zu", i);
		keys[i] = hf_kv_text(texts[i]);
	}
	return hf_kv_put_many(work->into, keys, keys, MANY, NULL, err);
}

/* What it answers has room before it is sent. */
static enum hf_status put_many_and_tell(struct work *work, hf_error *err)
{
	static char texts[MANY][8];
	static struct hf_kv_write writes[MANY];
	static struct hf_kv_result results[MANY];
	for (size_t i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "t%05zu", i);
		writes[i] = (struct hf_kv_write){.op = HF_KV_PUT, .key = hf_kv_text(texts[i])};
		writes[i].value = writes[i].key;
	}
	return hf_kv_apply(work->into, writes, MANY, NULL, work->rig.arena, results, err);
}

static enum hf_status apply(struct work *work, hf_error *err)
{
	static uint8_t value[2000];
	struct hf_kv_result results[3];
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT,
	         .key = HF_KV_KEY("a"),
	         .value = {value, sizeof(value)},
	         .flags = HF_KV_IF_ABSENT,
	         .metadata = HF_STR_INIT("{\"a\": [1]}")},
		{.op = HF_KV_DELETE, .key = HF_KV_KEY("none")},
		{.op = HF_KV_APPEND, .key = HF_KV_KEY("b"), .value = HF_KV_KEY("v")},
	};
	return hf_kv_apply(work->into, writes, ARRAY_LEN(writes), NULL, work->rig.arena, results, err);
}

/* The second finds what is kept. */
static enum hf_status apply_with_token(struct work *work, hf_error *err)
{
	static uint8_t value[2000];
	static uint32_t number;
	struct hf_uuid token = {{1}};
	memcpy(token.bytes + 1, &number, sizeof(number));
	number++;
	bool repeated = true;
	const struct hf_kv_how how = {.token = &token, .ret_repeated = &repeated};
	struct hf_kv_result results[2];
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT,
	         .key = HF_KV_KEY("a"),
	         .value = {value, sizeof(value)},
	         .metadata = HF_STR_INIT("{\"a\": [1]}")},
		{.op = HF_KV_READ, .key = HF_KV_KEY("a"), .flags = HF_KV_RETURN_BEFORE},
	};
	enum hf_status status = hf_kv_apply(work->into, writes, ARRAY_LEN(writes), &how, work->rig.arena, results, err);
	if (status != HF_OK)
		return status;
	work->before = 1;
	return hf_kv_apply(work->into, writes, ARRAY_LEN(writes), &how, work->rig.arena, results, err);
}

static enum hf_status get_values(struct work *work, hf_error *err)
{
	const struct hf_kv_read how = {.value_only = true};
	const struct hf_bytes keys[] = {HF_KV_KEY("k"), HF_KV_KEY("l")};
	struct hf_kv_entry entries[2];
	enum hf_status status = hf_kv_get(work->rig.kv, keys[0], &how, work->rig.arena, entries, err);
	return status == HF_OK ? hf_kv_get_many(work->rig.kv, keys, 2, &how, work->rig.arena, entries, err) : status;
}

static enum hf_status delete_many(struct work *work, hf_error *err)
{
	static char texts[MANY][8];
	static struct hf_bytes keys[MANY];
	size_t existed;
	for (size_t i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "d%05zu", i);
		keys[i] = hf_kv_text(texts[i]);
	}
	torture_hold(true);
	assert_int_equal(hf_kv_put_many(work->into, keys, keys, MANY, NULL, err), HF_OK);
	work->before = number_of(work);
	torture_hold(false);
	return hf_kv_delete_many(work->into, keys, MANY, NULL, &existed, err);
}

static enum hf_status export(struct work *work, hf_error *err) {
	return hf_kv_checkpoint_export(work->rig.kv, &work->point, work->path, NULL, work->rig.arena, NULL, err);
}

static enum hf_status import(struct work *work, hf_error *err)
{
	const char *const paths[] = {work->path};
	struct hf_kv_copied copied;
	return hf_kv_import(work->into, paths, 1, NULL, &copied, err);
}

static enum hf_status copy(struct work *work, hf_error *err)
{
	const struct hf_kv_import how = {.at = &work->point};
	struct hf_kv_copied copied;
	return hf_kv_copy(work->rig.kv, work->into, &how, &copied, err);
}

static enum hf_status snapshot(struct work *work, hf_error *err)
{
	const struct hf_kv_checkpoint_new how = {.kind = HF_KV_SNAPSHOT};
	const struct hf_kv_restore back = {.no_undo = true};
	const struct hf_bytes key = HF_KV_KEY("k");
	struct hf_kv_checkpoint point;
	struct hf_kv_entry entry;
	hf_kv *kv = work->rig.kv;
	hf_arena *arena = work->rig.arena;
	enum hf_status status = hf_kv_checkpoint_create(kv, &how, arena, &point, err);
	if (status == HF_OK)
		status = hf_kv_get_many_at(kv, &point.id, &key, 1, NULL, arena, &entry, err);
	if (status == HF_OK)
		status = hf_kv_scan_at(kv, &point.id, NULL, see, NULL, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_diff(kv, &point.id, NULL, see_change, NULL, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_verify(kv, &point.id, arena, &point, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_restore(kv, &point.id, &back, NULL, err);
	return status == HF_OK ? hf_kv_checkpoint_delete(kv, &point.id, err) : status;
}

static enum hf_status prune(struct work *work, hf_error *err)
{
	const struct hf_kv_prune what = {.keep = 100, .bytes = UINT64_C(1) << 40};
	size_t deleted;
	return hf_kv_checkpoint_prune(work->rig.kv, &what, &deleted, err);
}

static enum hf_status health(struct work *work, hf_error *err)
{
	struct hf_kv_health report;
	hf_kv_health_report(work->rig.kv, NULL, &report);
	*err = report.error;
	return report.error.status;
}

static enum hf_status indexes(struct work *work, hf_error *err)
{
	hf_kv *kv = work->rig.kv;
	struct hf_kv_index *list;
	size_t count;
	enum hf_status status = hf_kv_index_create(kv, "by", HF_DEADLINE_DEFAULT, err);
	if (status == HF_OK)
		status = hf_kv_index_list(kv, work->rig.arena, &list, &count, err);
	const struct hf_kv_range range = {.has_metadata = HF_STR_INIT("{\"by\": 1}")};
	if (status == HF_OK)
		status = hf_kv_scan(kv, &range, see, NULL, err);
	return status == HF_OK ? hf_kv_index_drop(kv, "by", HF_DEADLINE_DEFAULT, err) : status;
}

static enum hf_status watch(struct work *work, hf_error *err)
{
	struct hf_kv_watch_options options = {.size = sizeof(options), .values = true};
	struct hf_kv_event event;
	hf_kv_watch *watching = NULL;
	enum hf_status status = hf_kv_feed_on(work->into, NULL, err);
	if (status == HF_OK)
		status = hf_kv_watch_open(work->into, &options, &watching, err);
	if (status == HF_OK)
		status = hf_kv_put(work->into, HF_KV_KEY("fed"), HF_KV_KEY("v"), NULL, err);
	if (status == HF_OK)
		status = hf_kv_watch_next(watching, HF_DEADLINE_DEFAULT, &event, err);
	hf_kv_watch_close(watching);
	return status == HF_OK ? hf_kv_feed_off(work->into, err) : status;
}

static const struct job jobs[] = {
	{"put many", put_many, "SELECT count(*) FROM state_entries"},
	{"put many and tell", put_many_and_tell, "SELECT count(*) FROM state_entries"},
	{"get values", get_values, NULL},
	{"delete many", delete_many, "SELECT count(*) FROM state_entries"},
	{"apply", apply, "SELECT count(*) FROM state_entries"},
	{"apply with a token", apply_with_token, "SELECT count(*) FROM state_entries WHERE key = 'a'"},
	{"export", export, NULL},
	{"import", import, "SELECT count(*) FROM state_entries"},
	{"copy", copy, "SELECT count(*) FROM state_entries"},
	{"snapshot", snapshot, "SELECT count(*) FROM state_entries"},
	{"prune", prune, "SELECT count(*) FROM state_entries_checkpoints"},
	{"health", health, NULL},
	{"indexes", indexes, NULL},
	{"watch", watch, NULL},
};

/* ---- the test ---- */

/* What the call before left is taken away, and what it said compared with that. */
static enum hf_status run(void *user, hf_error *err)
{
	struct work *work = user;
	torture_hold(true);
	rig_run(&work->rig,
	        "DELETE FROM state_entries WHERE namespace = (SELECT id FROM state_entries_namespaces WHERE "
	        "name = 'into')");
	rig_run(&work->rig, "DROP INDEX IF EXISTS state_entries_by");
	hf_arena_reset(work->rig.arena);
	work->before = number_of(work);
	torture_hold(false);
	enum hf_status status = work->job->fn(work, err);
	torture_hold(true);
	if (status == HF_E_NOMEM && number_of(work) != work->before)
		fail_msg("%s: out of memory, %s, and it was done", work->job->name, err->message);
	torture_hold(false);
	return status;
}

static int set_up(void **user)
{
	static struct work work;
	struct rig *rig = &work.rig;
	const struct hf_kv_put how = {.metadata = HF_STR_INIT("{\"by\":1}")};
	const struct hf_kv_options options = {.backoff_ms = 1, .connections_min = 1, .connections_max = 2};
	struct hf_kv_checkpoint point;
	hf_error err = HF_ERROR_INIT;
	rig_open(rig, NULL, &options);
	EXPECT_OK(hf_kv_namespace(rig->kv, "into", &work.into, &err));
	EXPECT_OK(hf_kv_put(rig->kv, HF_KV_KEY("k"), HF_KV_KEY("v"), &how, &err));
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &point, &err));
	work.point = point.id;
	rig_put(rig, "l", "v");
	snprintf(work.path, sizeof(work.path), "/tmp/hf-nomem-%d.hfkv", (int)getpid());
	EXPECT_OK(export(&work, &err));
	*user = &work;
	return 0;
}

static int tear_down(void **user)
{
	struct work *work = *user;
	void *rig = &work->rig;
	(void)unlink(work->path);
	hf_kv_close(work->into);
	return rig_close(&rig);
}

static void memory_runs_out(void **user)
{
	struct work *work = *user;
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		work->job = &jobs[i];
		int refused = torture_or(HF_E_OUTCOME_UNKNOWN, run, work);
		print_message("# %s: %d places\n", jobs[i].name, refused);
	}
}

/* The answer to a million writes takes more than a reset leaves. */
static void what_is_reserved_is_there(UNUSED void **user)
{
	static const size_t sizes[] = {1, 4097, 300 << 10, 9 << 20, 100};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_true(arena_reserve(arena, sizes[i]));
		assert_int_equal(hf_arena_used(arena), 0);
		torture_begin(1);
		const void *there = hf_arena_alloc(arena, sizes[i]);
		assert_false(torture_end());
		assert_non_null(there);
	}
	assert_false(arena_reserve(arena, (size_t)1 << 40));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(memory_runs_out, set_up, tear_down),
		cmocka_unit_test(what_is_reserved_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
