/*
 * cases_care.c - conformance: namespaces, clearing, counters, opening and closing, a process that forks.
 */
#include "steps.h"

#include "holdfast/kv_checkpoint.h"
#include "holdfast/kv_health.h"
#include "holdfast/kv_index.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void namespaces(struct kv_test *t)
{
	static const char *const names[] = {"a", "ab", "b", "a/b", "a b", "\xc3\xa4", "A"};
	struct kv_test in[ARRAY_LEN(names)];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		in[i] = *t;
		in[i].kv = kv_other(t, names[i]);
		for (size_t n = 0; n <= i; n++)
			kv_put(&in[i], hf_kv_text(names[n]), hf_kv_text(names[i]), 0);
	}
	kv_put(t, B("a"), B("own"), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		WANT_INT(kv_live(&in[i]), i + 1);
		kv_look(&in[i], B("a"), hf_kv_text(names[i]), NULL, 0);
	}
	WANT_OK(hf_kv_delete(in[2].kv, B("a"), NULL, NULL, &t->err));
	kv_look_gone(&in[2], B("a"));
	kv_look(&in[3], B("a"), B("a/b"), NULL, 0);
	kv_look(t, B("a"), B("own"), NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		hf_kv_close(in[i].kv);
}

static void same_namespace(struct kv_test *t)
{
	struct kv_test first = *t, second = *t;
	first.kv = kv_other(t, "twice");
	second.kv = kv_other(t, "twice");
	kv_put(&first, B("k"), B("v"), 0);
	kv_look(&second, B("k"), B("v"), NULL, 0);
	hf_kv_close(first.kv);
	kv_look(&second, B("k"), B("v"), NULL, 0);
	hf_kv_close(second.kv);
	second.kv = kv_other(t, "twice");
	kv_look(&second, B("k"), B("v"), NULL, 0);
	hf_kv_close(second.kv);
}

static void namespace_names(struct kv_test *t)
{
	char name[HF_KV_NAMESPACE_BYTES + 2];
	hf_kv *other = NULL;
	memset(name, 'n', sizeof(name));
	name[HF_KV_NAMESPACE_BYTES + 1] = '\0';
	WANT(hf_kv_namespace(t->kv, name, &other, &t->err), HF_E_USAGE);
	WANT(hf_kv_namespace(t->kv, "", &other, &t->err), HF_E_USAGE);
	WANT(hf_kv_namespace(t->kv, "a\xff", &other, &t->err), HF_E_USAGE);
	WANT_TRUE(!other);
	name[HF_KV_NAMESPACE_BYTES] = '\0';
	WANT_OK(hf_kv_namespace(t->kv, name, &other, &t->err));
	hf_kv_close(other);
}

static void clear_isolates(struct kv_test *t)
{
	struct kv_test other = *t;
	uint64_t removed = 99;
	other.kv = kv_other(t, "not cleared");
	kv_put(t, B("a"), B("1"), 0);
	kv_put(t, B("b"), B("2"), SECONDS(60));
	kv_put(t, B("gone"), B("3"), 20000);
	kv_put(&other, B("a"), B("4"), 0);
	kv_rig_pass(t->rig, 20000);
	WANT_OK(hf_kv_clear(t->kv, NULL, &removed, &t->err));
	WANT_INT(removed, 2);
	WANT_INT(kv_live(t), 0);
	kv_look_gone(t, B("a"));
	kv_look(&other, B("a"), B("4"), NULL, 0);
	WANT_OK(hf_kv_clear(t->kv, NULL, &removed, &t->err));
	WANT_INT(removed, 0);
	kv_put(t, B("a"), B("5"), 0);
	kv_look(t, B("a"), B("5"), NULL, 0);
	hf_kv_close(other.kv);
}

static void sweep_in_steps(struct kv_test *t)
{
	char texts[2500][8];
	struct hf_kv_write *writes = calloc(2500, sizeof(*writes));
	uint64_t removed = 0;
	assert_non_null(writes);
	for (int i = 0; i < 2500; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%04d", i);
		writes[i] = (struct hf_kv_write){.op = HF_KV_PUT,
		                                 .key = hf_kv_text(texts[i]),
		                                 .ttl_us = i % 5 ? 20000 : SECONDS(600)};
	}
	WANT_OK(hf_kv_apply(t->kv, writes, 2500, NULL, t->arena, NULL, &t->err));
	kv_rig_pass(t->rig, 20000);
	WANT_INT(kv_live(t), 500);
	WANT_OK(hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, &removed, &t->err));
	WANT_TRUE(removed >= 2000); /* other cases leave expired entries too; Redis may have removed some by itself */
	WANT_INT(kv_live(t), 500);
	WANT_OK(hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, &removed, &t->err));
	WANT_INT(removed, 0);
	free(writes);
}

/* ---- counters ---- */

static struct hf_kv_stats since(struct kv_test *t, struct hf_kv_stats *before)
{
	struct hf_kv_stats now, then = *before;
	hf_kv_stats(t->kv, &now);
	*before = now;
	WANT_INT(now.get_count, now.hits + now.misses);
	return (struct hf_kv_stats){.get_count = now.get_count - then.get_count,
	                            .put_count = now.put_count - then.put_count,
	                            .delete_count = now.delete_count - then.delete_count,
	                            .query_count = now.query_count - then.query_count,
	                            .transaction_count = now.transaction_count - then.transaction_count,
	                            .bytes_written = now.bytes_written - then.bytes_written,
	                            .bytes_read = now.bytes_read - then.bytes_read,
	                            .hits = now.hits - then.hits,
	                            .misses = now.misses - then.misses,
	                            .refused = now.refused - then.refused,
	                            .failures = now.failures - then.failures};
}

static void counters_of_reads(struct kv_test *t)
{
	const struct hf_bytes keys[3] = {B("k"), B("none"), B("k")};
	struct hf_kv_entry entries[3];
	struct hf_kv_stats at, d;
	kv_put(t, B("k"), B("value"), 0);
	hf_kv_stats(t->kv, &at);
	WANT_OK(hf_kv_get(t->kv, B("k"), NULL, t->arena, entries, &t->err));
	d = since(t, &at);
	WANT_TRUE(d.get_count == 1 && d.hits == 1 && d.query_count == 1 && d.bytes_read == 5 && d.put_count == 0);
	WANT(hf_kv_get(t->kv, B("none"), NULL, t->arena, entries, &t->err), HF_NOT_FOUND);
	d = since(t, &at);
	WANT_TRUE(d.get_count == 1 && d.misses == 1 && d.bytes_read == 0 && d.failures == 0 && d.refused == 0);
	WANT_OK(hf_kv_get_many(t->kv, keys, 3, NULL, t->arena, entries, &t->err));
	d = since(t, &at);
	WANT_TRUE(d.get_count == 3 && d.hits == 2 && d.misses == 1 && d.bytes_read == 10);
	kv_live(t);
	d = since(t, &at);
	WANT_TRUE(d.get_count == 0 && d.query_count >= 1 && d.transaction_count == 0);
}

static void counters_of_writes(struct kv_test *t)
{
	struct hf_kv_put absent = {.flags = HF_KV_IF_ABSENT};
	struct hf_kv_put wrong = {.ttl_us = -1};
	const struct hf_bytes keys[3] = {B("a"), B("b"), B("a")}, values[3] = {B("12"), B("3"), B("4")};
	struct hf_kv_stats at, d;
	hf_kv_stats(t->kv, &at);
	kv_put(t, B("k"), B("value"), 0);
	d = since(t, &at);
	WANT_TRUE(d.put_count == 1 && d.transaction_count == 1 && d.bytes_written == 6 && d.get_count == 0);
	WANT_OK(hf_kv_put_many(t->kv, keys, values, 3, NULL, &t->err));
	d = since(t, &at);
	WANT_TRUE(d.put_count == 3 && d.transaction_count == 1 && d.bytes_written == 7 && d.query_count >= 1);
	WANT_OK(hf_kv_delete(t->kv, B("none"), NULL, NULL, &t->err));
	d = since(t, &at);
	WANT_TRUE(d.delete_count == 1 && d.put_count == 0);
	WANT(hf_kv_put(t->kv, B("k"), B("w"), &absent, &t->err), HF_CONFLICT);
	d = since(t, &at);
	WANT_TRUE(d.refused == 1 && d.put_count == 0 && d.bytes_written == 0 && d.transaction_count == 0 &&
	          d.failures == 0);
	WANT(hf_kv_put(t->kv, B("k"), B("w"), &wrong, &t->err), HF_E_USAGE);
	d = since(t, &at);
	WANT_TRUE(d.put_count == 0 && d.query_count == 0 && d.refused == 0);
}

static void size_and_health(struct kv_test *t)
{
	struct hf_kv_sizes sizes = {0};
	int64_t latency_us = -1;
	kv_put(t, B("k"), B("v"), 0);
	WANT_OK(hf_kv_sizes(t->kv, &sizes, &t->err));
	WANT_TRUE(sizes.total_bytes > 0 && sizes.total_bytes >= sizes.table_bytes);
	WANT_TRUE(sizes.index_bytes >= -1 && sizes.history_bytes >= -1);
	WANT_TRUE(sizes.index_bytes <= (int64_t)sizes.total_bytes && sizes.history_bytes <= (int64_t)sizes.total_bytes);
	WANT_OK(hf_kv_vacuum(t->kv, HF_DEADLINE_DEFAULT, &t->err));
	WANT_OK(hf_kv_health(t->kv, HF_DEADLINE_DEFAULT, &latency_us, &t->err));
	WANT_TRUE(latency_us >= 0);
	WANT_TRUE(strcmp(hf_kv_backend(t->kv), t->rig->kind) == 0);
	kv_look(t, B("k"), B("v"), NULL, 0);
}

/* Which of the reasons holds `part`; NULL = none. */
static const char *reason_with(const struct hf_kv_health *health, const char *part)
{
	for (size_t i = 0; i < health->nreasons; i++)
		if (strstr(health->reasons[i], part))
			return health->reasons[i];
	return NULL;
}

/* A store of its own: what waits is counted over all namespaces, and other cases leave what expires. */
static void health_reported(struct kv_test *shared)
{
	const struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1};
	const struct hf_kv_health_options soon = {.size = sizeof(soon), .sweep_ms = 20};
	struct kv_test own = *shared, *t = &own;
	struct hf_kv_health health;
	uint64_t removed = 0;
	WANT_OK(kv_rig_open_at(t->rig, kv_rig_fresh_url(t->rig), &options, &t->kv, &t->err));
	kv_put(t, B("k"), B("v"), 0);
	hf_kv_health_report(t->kv, NULL, &health);
	WANT_TRUE(health.state == HF_HEALTHY && health.nreasons == 0);
	WANT_TRUE(health.latency_us >= 0);
	WANT_INT(health.expired_waiting, 0);
	WANT_INT(health.sweep_lag_us, 0);
	for (int i = 0; i < 3; i++)
		kv_put(t, hf_kv_text(i == 0 ? "a" : i == 1 ? "b" : "c"), B("v"), 20000);
	kv_rig_pass(t->rig, 60000);
	hf_kv_health_report(t->kv, &soon, &health);
	WANT_INT(health.expired_waiting, 3);
	WANT_TRUE(health.sweep_lag_us >= 40000);
	WANT_TRUE(health.state == HF_DEGRADED);
	WANT_TRUE(reason_with(&health, "3 expired entries wait to be removed") != NULL);
	WANT_OK(hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, &removed, &t->err));
	hf_kv_health_report(t->kv, &soon, &health);
	WANT_INT(health.expired_waiting, 0);
	WANT_TRUE(!reason_with(&health, "expired"));
	hf_kv_close(t->kv);
}

static void health_of_checkpoints(struct kv_test *t)
{
	struct kv_test own = *t;
	struct hf_kv_checkpoint point;
	struct hf_kv_health health;
	own.kv = kv_other(t, "health of checkpoints");
	hf_kv_health_report(own.kv, NULL, &health);
	WANT_INT(health.checkpoint_us, HF_KV_UNKNOWN);
	WANT_OK(hf_kv_checkpoint_create(own.kv, NULL, t->arena, &point, &t->err));
	kv_rig_pass(t->rig, 1000);
	hf_kv_health_report(own.kv, NULL, &health);
	WANT_TRUE(health.checkpoint_us >= 1000 && health.checkpoint_us < SECONDS(3600));
	hf_kv_close(own.kv);
}

/* ---- opening ---- */

static void wrong_options(struct kv_test *t)
{
	const struct hf_kv_options wrong[] = {
		{.size = 0},
		{.size = 1},
		{.size = sizeof(struct hf_kv_options) + 1},
		{.size = sizeof(struct hf_kv_options), .ttl_us = -1},
		{.size = sizeof(struct hf_kv_options), .ttl_us = HF_KV_TTL_MAX_US + 1},
		{.size = sizeof(struct hf_kv_options), .value_bytes_max = HF_KV_VALUE_BYTES_MAX + 1u},
		{.size = sizeof(struct hf_kv_options), .key_bytes_max = HF_KV_KEY_BYTES_MAX + 1u},
		{.size = sizeof(struct hf_kv_options), .timeout_ms = -1},
		{.size = sizeof(struct hf_kv_options), .name_space = ""},
	};
	hf_kv *kv = NULL;
	const char *url = kv_rig_fresh_url(t->rig);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (hf_kv_open(t->rig->ctx, url, &wrong[i], &kv, &t->err) != HF_E_USAGE)
			kv_wrong(t, "options %zu were not refused", i);
	WANT(hf_kv_open(t->rig->ctx, "", NULL, &kv, &t->err), HF_E_CONFIG);
	WANT(hf_kv_open(t->rig->ctx, NULL, NULL, &kv, &t->err), HF_E_CONFIG);
	WANT_TRUE(!kv);
}

static void reopened(struct kv_test *t)
{
	struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1};
	struct hf_kv_put put = {.ttl_us = SECONDS(600), .metadata = HF_STR("{\"a\":1}")};
	struct kv_test own = *t;
	const char *url = kv_rig_fresh_url(t->rig);
	if (!(hf_kv_capabilities(t->kv) & HF_KV_CAN_PERSIST))
		return;
	WANT_OK(kv_rig_open_at(t->rig, url, &options, &own.kv, &t->err));
	WANT_OK(hf_kv_put(own.kv, B("k"), B("v"), &put, &t->err));
	kv_put(&own, B(""), B("\0"), 0);
	struct hf_kv_entry before = kv_look(&own, B("k"), B("v"), "{\"a\":1}", SECONDS(600));
	int64_t rev = kv_look(&own, B(""), B("\0"), NULL, 0).rev;
	WANT_OK(hf_kv_delete(own.kv, B(""), NULL, NULL, &t->err));
	hf_kv_close(own.kv);
	WANT_OK(kv_rig_open_at(t->rig, url, &options, &own.kv, &t->err));
	struct hf_kv_entry after = kv_look(&own, B("k"), B("v"), "{\"a\":1}", SECONDS(600));
	WANT_INT(after.rev, before.rev);
	WANT_INT(after.created_us, before.created_us);
	WANT_INT(after.expires_us, before.expires_us);
	kv_put(&own, B(""), B("\0"), 0);
	WANT_TRUE(kv_look(&own, B(""), B("\0"), NULL, 0).rev > rev);
	hf_kv_close(own.kv);
}

/* In a child: every call is refused, closing is allowed. Exit code: how many answered otherwise. */
static int calls_of_a_child(struct kv_test *t)
{
	struct hf_kv_entry entry;
	struct hf_kv_stats stats;
	hf_kv *other;
	uint64_t n;
	int wrong = 0;
	wrong += hf_kv_get(t->kv, B("k"), NULL, t->arena, &entry, &t->err) != HF_E_USAGE;
	wrong += hf_kv_put(t->kv, B("k"), B("w"), NULL, &t->err) != HF_E_USAGE;
	wrong += hf_kv_count(t->kv, NULL, &n, &t->err) != HF_E_USAGE;
	wrong += hf_kv_clear(t->kv, NULL, &n, &t->err) != HF_E_USAGE;
	wrong += hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, &n, &t->err) != HF_E_USAGE;
	wrong += hf_kv_namespace(t->kv, "child", &other, &t->err) != HF_E_USAGE;
	struct hf_kv_health health;
	hf_kv_health_report(t->kv, NULL, &health);
	wrong += health.state != HF_UNHEALTHY || health.error.status != HF_E_USAGE;
	wrong += hf_kv_health(t->kv, HF_DEADLINE_DEFAULT, NULL, &t->err) != HF_E_USAGE;
	hf_kv_stats(t->kv, &stats);
	hf_kv_close(t->kv);
	return wrong;
}

static void forked(struct kv_test *t)
{
	int status = -1;
	kv_put(t, B("k"), B("v"), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(calls_of_a_child(t));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	WANT_TRUE(WIFEXITED(status));
	WANT_INT(WEXITSTATUS(status), 0);
	kv_look(t, B("k"), B("v"), NULL, 0);
}

static void fences(struct kv_test *t)
{
	const struct hf_kv_fence fence = {HF_STR("lock"), HF_STR("me"), 1};
	struct hf_kv_put put = {.how.fence = &fence};
	bool can = hf_kv_capabilities(t->kv) & HF_KV_CAN_LOCK;
	WANT(hf_kv_put(t->kv, B("k"), B("v"), &put, &t->err), can ? HF_CONFLICT : HF_E_UNSUPPORTED);
	WANT_TRUE(strstr(t->err.message, can ? "fenced" : t->rig->kind) != NULL);
	const struct hf_kv_fence wrong[] = {{HF_STR(""), HF_STR("me"), 1}, {HF_STR("lock"), HF_STR(""), 1}};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		put.how.fence = &wrong[i];
		WANT(hf_kv_put(t->kv, B("k"), B("v"), &put, &t->err), can ? HF_E_USAGE : HF_E_UNSUPPORTED);
	}
	kv_look_gone(t, B("k"));
}

/* Made, listed and dropped where there are any, else refused by name; what is found is the same. */
static void metadata_indexes(struct kv_test *t)
{
	const struct hf_kv_put put = {.metadata = HF_STR("{\"source\":\"here\"}")};
	const struct hf_kv_range range = {.has_metadata = put.metadata};
	struct hf_kv_index *indexes = NULL;
	size_t count = 0;
	uint64_t found = 0;
	bool can = hf_kv_capabilities(t->kv) & HF_KV_CAN_INDEX;
	enum hf_status want = can ? HF_OK : HF_E_UNSUPPORTED;
	WANT_OK(hf_kv_put(t->kv, B("k"), B("v"), &put, &t->err));
	WANT(hf_kv_index_create(t->kv, "source", HF_DEADLINE_DEFAULT, &t->err), want);
	WANT_TRUE(can || strstr(t->err.message, t->rig->kind));
	WANT_OK(hf_kv_count(t->kv, &range, &found, &t->err));
	WANT_INT(found, 1);
	WANT(hf_kv_index_list(t->kv, t->arena, &indexes, &count, &t->err), want);
	WANT_INT(count, can ? 1 : 0);
	WANT(hf_kv_index_drop(t->kv, "source", HF_DEADLINE_DEFAULT, &t->err), want);
	WANT_OK(hf_kv_count(t->kv, &range, &found, &t->err));
	WANT_INT(found, 1);
}

static void outcome_words(struct kv_test *t)
{
	for (int i = HF_KV_UNDONE; i <= HF_KV_TOO_LONG; i++)
		for (int j = HF_KV_UNDONE; j < i; j++)
			WANT_TRUE(strcmp(hf_kv_outcome_word((enum hf_kv_outcome)i),
			                 hf_kv_outcome_word((enum hf_kv_outcome)j)) != 0);
	WANT_TRUE(strcmp(hf_kv_outcome_word((enum hf_kv_outcome)99), "unknown") == 0);
	hf_kv_close(NULL);
}

const struct kv_case kv_cases_care[] = {
	{.name = "namespaces are stores of their own", .run = namespaces},
	{.name = "handles of one namespace see the same", .run = same_namespace},
	{.name = "the name of a namespace has 1 to 128 bytes of UTF-8", .run = namespace_names},
	{.name = "clear empties its namespace alone and counts live entries", .run = clear_isolates},
	{.name = "a sweep removes thousands", .run = sweep_in_steps},
	{.name = "counters of reads", .run = counters_of_reads},
	{.name = "counters of writes", .run = counters_of_writes},
	{.name = "sizes, vacuum, health", .run = size_and_health},
	{.name = "a health report tells what waits to be swept", .run = health_reported},
	{.name = "a health report tells how old the newest checkpoint is", .run = health_of_checkpoints},
	{.name = "wrong options and URLs are refused", .run = wrong_options},
	{.name = "what was acknowledged is there after closing and opening", .run = reopened},
	{.name = "a forked child is refused and does no harm", .run = forked},
	{.name = "a fence that is not held, or that there are none, is refused", .run = fences},
	{.name = "indexes on metadata are made, or refused by name", .run = metadata_indexes},
	{.name = "every outcome has a word", .run = outcome_words},
	{0},
};
