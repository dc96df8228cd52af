/*
 * test_store.c - what the store does in front of a backend: bounds, defaults, spans, counts, words. The backend here
 * only notes what it is given and answers what the test put down.
 */
#include "../check.h"

#include <string.h>

#include "base/str.h"
#include "holdfast/backend.h"

static struct {
	struct hf_kv_write writes[4];
	char metadata[128];
	size_t count;
	enum hf_kv_durability durability;
	struct hf_kv_span span;
	char from[64], to[64];
	bool bounded;
	enum hf_status answer;
	struct hf_kv_result result;
	struct hf_kv_entry entry;
	int opened, closed, calls;
	char name[HF_KV_NAMESPACE_BYTES + 1];
	int64_t now_us;
} seen;

static hf_context *ctx;
static hf_kv *kv;
static hf_arena *arena;
static hf_error err;

static enum hf_status fake_open(hf_context *context, const char *url, const struct hf_kv_options *options,
                                hf_kv_backend_state **ret_state, hf_error *error)
{
	(void)context, (void)url, (void)options, (void)error;
	seen.opened++;
	*ret_state = (hf_kv_backend_state *)&seen;
	return HF_OK;
}

static void fake_close(hf_kv_backend_state *state)
{
	(void)state;
	seen.closed++;
}

static enum hf_status fake_name_space(hf_kv_backend_state *state, struct hf_str name, hf_deadline deadline,
                                      int32_t *ret_ns, hf_error *error)
{
	(void)state, (void)deadline, (void)error;
	snprintf(seen.name, sizeof(seen.name), "%.*s", STR_ARG(name));
	*ret_ns = 7;
	return HF_OK;
}

static enum hf_status fake_read(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                                bool keys_only, hf_deadline deadline, hf_arena *into, struct hf_kv_entry *ret_entries,
                                hf_error *error)
{
	(void)state, (void)ns, (void)keys, (void)keys_only, (void)deadline, (void)into, (void)error;
	seen.calls++;
	for (size_t i = 0; i < count; i++)
		ret_entries[i] = i == 0 ? seen.entry : (struct hf_kv_entry){0};
	return seen.answer;
}

static enum hf_status fake_apply(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch,
                                 hf_arena *into, struct hf_kv_result *ret_results, hf_error *error)
{
	(void)state, (void)ns, (void)into, (void)error;
	seen.calls++;
	seen.count = batch->count;
	seen.durability = batch->durability;
	for (size_t i = 0; i < batch->count && i < 4; i++)
		seen.writes[i] = batch->writes[i];
	snprintf(seen.metadata, sizeof(seen.metadata), "%.*s", STR_ARG(batch->writes[0].metadata));
	ret_results[0] = seen.result;
	return seen.answer;
}

static void note(char *text, struct hf_bytes key)
{
	for (size_t i = 0; i < key.len && i < 30; i++)
		snprintf(text + 2 * i, 3, "%02x", key.ptr[i]);
}

static enum hf_status fake_scan(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span,
                                hf_kv_entry_fn *fn, void *user, hf_error *error)
{
	(void)state, (void)ns, (void)fn, (void)user, (void)error;
	seen.calls++;
	memset(seen.from, 0, sizeof(seen.from));
	memset(seen.to, 0, sizeof(seen.to));
	note(seen.from, span->from);
	note(seen.to, span->to);
	seen.bounded = span->to.ptr != NULL;
	seen.span = *span;
	return seen.answer;
}

static enum hf_status fake_now(hf_kv_backend_state *state, hf_deadline deadline, int64_t *ret_us, hf_error *error)
{
	(void)state, (void)deadline, (void)error;
	*ret_us = seen.now_us;
	return HF_OK;
}

static const struct hf_kv_vtable fake = {
	.size = sizeof(fake),
	.name = "fake",
	.key_bytes_max = 480,
	.open = fake_open,
	.close = fake_close,
	.name_space = fake_name_space,
	.read = fake_read,
	.apply = fake_apply,
	.scan = fake_scan,
	.now = fake_now,
};

static int start(void **state)
{
	(void)state;
	struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1, .ttl_us = 5};
	memset(&seen, 0, sizeof(seen));
	err = (hf_error)HF_ERROR_INIT;
	arena = hf_arena_new(0);
	return hf_context_new(NULL, &ctx, &err) || hf_kv_open_backend(ctx, &fake, "fake:", &options, &kv, &err);
}

static int stop(void **state)
{
	(void)state;
	hf_kv_close(kv);
	hf_arena_free(arena);
	hf_context_free(ctx);
	return 0;
}

static void a_backend_closes_with_its_last_handle(void **state)
{
	hf_kv *other;
	(void)state;
	assert_string_equal(seen.name, "default");
	EXPECT_OK(hf_kv_namespace(kv, "other", &other, &err));
	assert_string_equal(seen.name, "other");
	hf_kv_close(other);
	assert_int_equal(seen.closed, 0);
	assert_int_equal(seen.opened, 1);
}

static void names_of_namespaces_are_checked(void **state)
{
	char name[HF_KV_NAMESPACE_BYTES + 2];
	hf_kv *other;
	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	EXPECT_STATUS(hf_kv_namespace(kv, name, &other, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_kv_namespace(kv, "", &other, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_kv_namespace(kv, "\xff", &other, &err), HF_E_USAGE);
}

static void keys_and_values_have_bounds(void **state)
{
	static uint8_t bytes[HF_KV_VALUE_BYTES + 1];
	struct hf_kv_entry entry;
	(void)state;
	seen.answer = HF_OK;
	EXPECT_OK(
		hf_kv_put(kv, (struct hf_bytes){bytes, 480}, (struct hf_bytes){bytes, HF_KV_VALUE_BYTES}, NULL, &err));
	EXPECT_STATUS(hf_kv_put(kv, (struct hf_bytes){bytes, 481}, HF_KV_KEY(""), NULL, &err), HF_E_LIMIT);
	EXPECT_CONTAINS(err.message, "481 bytes: at most 480");
	EXPECT_STATUS(hf_kv_put(kv, HF_KV_KEY("k"), (struct hf_bytes){bytes, sizeof(bytes)}, NULL, &err), HF_E_LIMIT);
	EXPECT_CONTAINS(err.message, "67108865 bytes: at most 67108864");
	EXPECT_STATUS(hf_kv_get(kv, (struct hf_bytes){bytes, 481}, NULL, arena, &entry, &err), HF_E_LIMIT);
	assert_int_equal(seen.calls, 1);
}

static void ttls_have_bounds_and_a_default(void **state)
{
	static const int64_t wrong[] = {-1, INT64_MIN, HF_KV_TTL_MAX_US + 1, INT64_MAX};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct hf_kv_put put = {.ttl_us = wrong[i]};
		EXPECT_STATUS(hf_kv_put(kv, HF_KV_KEY("k"), HF_KV_KEY("v"), &put, &err), HF_E_USAGE);
		EXPECT_STATUS(hf_kv_touch(kv, HF_KV_KEY("k"), wrong[i], NULL, &err), HF_E_USAGE);
	}
	EXPECT_STATUS(hf_kv_touch(kv, HF_KV_KEY("k"), 0, NULL, &err), HF_E_USAGE);
	assert_int_equal(seen.calls, 0);
	EXPECT_OK(hf_kv_put(kv, HF_KV_KEY("k"), HF_KV_KEY("v"), NULL, &err));
	assert_int_equal(seen.writes[0].ttl_us, 5);
	struct hf_kv_put never = {.flags = HF_KV_NO_TTL};
	EXPECT_OK(hf_kv_put(kv, HF_KV_KEY("k"), HF_KV_KEY("v"), &never, &err));
	assert_int_equal(seen.writes[0].ttl_us, 0);
	struct hf_kv_put longest = {.ttl_us = HF_KV_TTL_MAX_US};
	EXPECT_OK(hf_kv_put(kv, HF_KV_KEY("k"), HF_KV_KEY("v"), &longest, &err));
	assert_true(seen.writes[0].ttl_us == HF_KV_TTL_MAX_US);
}

static enum hf_status put_metadata(const char *json)
{
	struct hf_kv_put put = {.metadata = hf_str_of(json)};
	return hf_kv_put(kv, HF_KV_KEY("k"), HF_KV_KEY("v"), &put, &err);
}

static void metadata_become_canonical(void **state)
{
	static const char *const cases[][2] = {
		{"{ \"b\" : 1, \"a\":[1.0, 2e2, 1.5] }", "{\"a\":[1,200,1.5],\"b\":1}"},
		{"{\"a\":1,\"a\":2}", "{\"a\":2}"},
		{" 3.0 ", "3"},
		{"null", "null"},
		{"\"\\u00e4\"", "\"\xc3\xa4\""},
		{"[-0.0, 0.1]", "[0,0.10000000000000001]"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		EXPECT_OK(put_metadata(cases[i][0]));
		assert_string_equal(seen.metadata, cases[i][1]);
		EXPECT_OK(put_metadata(cases[i][1]));
		assert_string_equal(seen.metadata, cases[i][1]);
	}
}

static void other_metadata_are_refused(void **state)
{
	char deep[129], wide[HF_KV_METADATA_BYTES + 2];
	static const char *const wrong[] = {
		"", "{", "{\"a\":}", "nul", "\"\\u0000\"", "\"\xff\"", "1 2", "9223372036854775808", "1e300", "'a'"};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		EXPECT_STATUS(put_metadata(wrong[i]), HF_E_USAGE);
	memset(deep, '[', 64);
	memset(deep + 64, ']', 64);
	deep[128] = '\0';
	EXPECT_STATUS(put_metadata(deep), HF_E_LIMIT);
	EXPECT_CONTAINS(err.message, "key \"k\": metadata nested 64 levels deep: at most 63");
	deep[127] = '\0';
	EXPECT_OK(put_metadata(deep + 1));
	memset(wide, 'x', sizeof(wide));
	wide[0] = wide[HF_KV_METADATA_BYTES] = '"';
	wide[HF_KV_METADATA_BYTES + 1] = '\0';
	EXPECT_STATUS(put_metadata(wide), HF_E_LIMIT);
	wide[HF_KV_METADATA_BYTES - 1] = '"';
	wide[HF_KV_METADATA_BYTES] = '\0';
	EXPECT_OK(put_metadata(wide));
}

static void flags_must_go_with_the_operation(void **state)
{
	const struct hf_kv_write wrong[] = {
		{.op = HF_KV_DELETE, .flags = HF_KV_KEEP_TTL},
		{.op = HF_KV_PUT, .flags = HF_KV_IF_ABSENT | HF_KV_IF_REV},
		{.op = HF_KV_PUT, .flags = HF_KV_KEEP_TTL | HF_KV_NO_TTL},
		{.op = HF_KV_PUT, .flags = HF_KV_KEEP_METADATA, .metadata = HF_STR_INIT("1")},
		{.op = HF_KV_APPEND, .metadata = HF_STR_INIT("1")},
		{.op = HF_KV_PERSIST, .ttl_us = 1},
		{.op = HF_KV_DELETE, .ttl_us = 1},
		{.op = HF_KV_PUT, .flags = 1u << 30},
		{.op = (enum hf_kv_op)0},
		{.op = (enum hf_kv_op)99},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (hf_kv_apply(kv, &wrong[i], 1, NULL, arena, NULL, &err) != HF_E_USAGE)
			fail_msg("write %zu passed", i);
	assert_int_equal(seen.calls, 0);
}

static void refusals_say_which_key_and_why(void **state)
{
	int64_t rev = 0;
	struct hf_kv_put put = {.flags = HF_KV_IF_REV, .if_rev = 3, .ret_rev = &rev};
	(void)state;
	seen.answer = HF_CONFLICT;
	seen.result = (struct hf_kv_result){.outcome = HF_KV_CHANGED, .rev = 9};
	EXPECT_STATUS(hf_kv_put(kv, HF_KV_KEY("\x00k"), HF_KV_KEY(""), &put, &err), HF_CONFLICT);
	assert_string_equal(err.message, "key 0x006b was changed: its revision is 9");
	assert_int_equal(rev, 9);
	seen.result = (struct hf_kv_result){.outcome = HF_KV_TOO_LONG};
	EXPECT_STATUS(hf_kv_append(kv, HF_KV_KEY("k"), HF_KV_KEY(""), NULL, &err), HF_E_LIMIT);
	seen.result = (struct hf_kv_result){.outcome = HF_KV_ABSENT};
	EXPECT_STATUS(hf_kv_compare_and_set(kv, HF_KV_KEY("k"), HF_KV_KEY("a"), HF_KV_KEY("b"), NULL, &err),
	              HF_NOT_FOUND);
	assert_string_equal(err.message, "key \"k\" is not there");
}

/* What was there is left where nothing is known of the entry: it may be the if_rev of the next try. */
static void a_revision_is_told_with_an_answer_alone(void **state)
{
	static const enum hf_status failures[] = {HF_TIMEOUT, HF_E_OUTCOME_UNKNOWN, HF_E_LIMIT};
	const struct hf_bytes too_long = {(const uint8_t[481]){0}, 481};
	int64_t rev = 3;
	struct hf_kv_put put = {.flags = HF_KV_IF_REV, .if_rev = rev, .ret_rev = &rev};
	(void)state;
	seen.result = (struct hf_kv_result){.outcome = HF_KV_DONE, .rev = 9};
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		seen.answer = failures[i];
		EXPECT_STATUS(hf_kv_put(kv, HF_KV_KEY("k"), HF_KV_KEY(""), &put, &err), failures[i]);
		assert_int_equal(rev, 3);
	}
	EXPECT_STATUS(hf_kv_put(kv, too_long, HF_KV_KEY(""), &put, &err), HF_E_LIMIT);
	assert_int_equal(rev, 3);
	seen.answer = HF_OK;
	EXPECT_OK(hf_kv_put(kv, HF_KV_KEY("k"), HF_KV_KEY(""), &put, &err));
	assert_int_equal(rev, 9);
}

static void what_a_backend_lacks_is_refused_by_name(void **state)
{
	struct hf_kv_fence fence = {HF_STR("l"), HF_STR("o"), 1};
	struct hf_kv_how how = {.fence = &fence};
	uint64_t count;
	(void)state;
	EXPECT_STATUS(hf_kv_delete(kv, HF_KV_KEY("k"), &how, NULL, &err), HF_E_UNSUPPORTED);
	EXPECT_STATUS(hf_kv_clear(kv, &how, &count, &err), HF_E_UNSUPPORTED);
	EXPECT_STATUS(hf_kv_count_estimate(kv, &count, &err), HF_E_UNSUPPORTED);
	assert_string_equal(err.message, "fake cannot estimate a count");
}

static enum hf_status no_entry(void *user, const struct hf_kv_entry *entry, hf_error *error)
{
	(void)user, (void)entry, (void)error;
	return HF_OK;
}

static void expect_span(struct hf_kv_range range, const char *from, const char *to)
{
	EXPECT_OK(hf_kv_scan(kv, &range, no_entry, NULL, &err));
	assert_string_equal(seen.from, from);
	assert_string_equal(seen.to, to);
	assert_int_equal(seen.bounded, to[0] != '\0');
}

static void ranges_become_spans(void **state)
{
	(void)state;
	expect_span((struct hf_kv_range){0}, "", "");
	expect_span((struct hf_kv_range){.prefix = HF_KV_KEY("a")}, "61", "62");
	expect_span((struct hf_kv_range){.prefix = HF_KV_KEY("a\xff")}, "61ff", "62");
	expect_span((struct hf_kv_range){.prefix = HF_KV_KEY("\xff")}, "ff", "");
	expect_span((struct hf_kv_range){.from = HF_KV_KEY("b"), .to = HF_KV_KEY("d")}, "62", "64");
	expect_span((struct hf_kv_range){.prefix = HF_KV_KEY("b"), .from = HF_KV_KEY("a"), .to = HF_KV_KEY("z")}, "62",
	            "63");
	expect_span((struct hf_kv_range){.prefix = HF_KV_KEY("b"), .from = HF_KV_KEY("bc"), .to = HF_KV_KEY("be")},
	            "6263", "6265");
	expect_span((struct hf_kv_range){.after = HF_KV_KEY("b")}, "6200", "");
	expect_span((struct hf_kv_range){.after = HF_KV_KEY("")}, "00", "");
	expect_span((struct hf_kv_range){.after = HF_KV_KEY("b"), .reverse = true}, "", "62");
}

static void empty_spans_ask_nobody(void **state)
{
	struct hf_kv_range range = {.from = HF_KV_KEY("b"), .to = HF_KV_KEY("b")};
	struct hf_kv_range before_all = {.to = HF_KV_KEY("")};
	uint64_t count = 1;
	(void)state;
	EXPECT_OK(hf_kv_scan(kv, &range, no_entry, NULL, &err));
	EXPECT_OK(hf_kv_scan(kv, &before_all, no_entry, NULL, &err));
	EXPECT_OK(hf_kv_count(kv, &range, &count, &err));
	assert_int_equal(count, 0);
	assert_int_equal(seen.calls, 0);
}

static void calls_are_counted(void **state)
{
	const struct hf_bytes keys[] = {HF_KV_KEY("a"), HF_KV_KEY("bb")}, values[] = {HF_KV_KEY("123"), HF_KV_KEY("")};
	struct hf_kv_entry entries[2];
	struct hf_kv_stats stats;
	(void)state;
	seen.entry = (struct hf_kv_entry){.rev = 1, .value = HF_KV_KEY("abcd")};
	EXPECT_OK(hf_kv_put_many(kv, keys, values, 2, NULL, &err));
	EXPECT_OK(hf_kv_get_many(kv, keys, 2, NULL, arena, entries, &err));
	EXPECT_OK(hf_kv_delete(kv, keys[0], NULL, NULL, &err));
	EXPECT_OK(hf_kv_put_many(kv, keys, values, 0, NULL, &err));
	seen.answer = HF_CONFLICT;
	EXPECT_STATUS(hf_kv_delete(kv, keys[0], NULL, NULL, &err), HF_CONFLICT);
	seen.answer = HF_TIMEOUT;
	EXPECT_STATUS(hf_kv_delete(kv, keys[0], NULL, NULL, &err), HF_TIMEOUT);
	hf_kv_stats(kv, &stats);
	assert_int_equal(stats.get_count, 2);
	assert_int_equal(stats.hits, 1);
	assert_int_equal(stats.misses, 1);
	assert_int_equal(stats.bytes_read, 4);
	assert_int_equal(stats.put_count, 2);
	assert_int_equal(stats.bytes_written, 6);
	assert_int_equal(stats.delete_count, 1);
	assert_int_equal(stats.query_count, 3);
	assert_int_equal(stats.transaction_count, 2);
	assert_int_equal(stats.refused, 1);
	assert_int_equal(stats.failures, 1);
}

static void a_ttl_is_what_is_left(void **state)
{
	int64_t left;
	(void)state;
	seen.entry = (struct hf_kv_entry){.rev = 1, .expires_us = 100};
	seen.now_us = 40;
	EXPECT_OK(hf_kv_ttl(kv, HF_KV_KEY("k"), &left, &err));
	assert_int_equal(left, 60);
	seen.now_us = 100;
	EXPECT_STATUS(hf_kv_ttl(kv, HF_KV_KEY("k"), &left, &err), HF_NOT_FOUND);
	seen.entry.expires_us = HF_KV_NEVER;
	EXPECT_OK(hf_kv_ttl(kv, HF_KV_KEY("k"), &left, &err));
	assert_int_equal(left, HF_KV_NEVER);
}

static void options_are_checked(void **state)
{
	const struct hf_kv_options wrong[] = {
		{.size = sizeof(*wrong), .key_bytes_max = 481},
		{.size = sizeof(*wrong), .value_bytes_max = HF_KV_VALUE_BYTES_MAX + 1u},
		{.size = sizeof(*wrong), .ttl_us = -1},
		{.size = sizeof(*wrong), .timeout_ms = -1},
		{.size = sizeof(*wrong), .sweep_interval_ms = INT64_MAX},
		{.size = sizeof(*wrong), .connections_min = 11},
		{.size = sizeof(*wrong), .name_space = ""},
		{.size = 1},
	};
	hf_kv *other;
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		EXPECT_STATUS(hf_kv_open_backend(ctx, &fake, "fake:", &wrong[i], &other, &err), HF_E_USAGE);
	assert_int_equal(seen.opened, 1);
	const struct hf_kv_options one_connection = {.size = sizeof(*wrong),
	                                             .connections_max = 1,
	                                             .sweep_interval_ms = -1};
	EXPECT_OK(hf_kv_open_backend(ctx, &fake, "fake:", &one_connection, &other, &err));
	hf_kv_close(other);
	EXPECT_STATUS(hf_kv_open(ctx, "", NULL, &other, &err), HF_E_CONFIG);
	EXPECT_STATUS(hf_kv_open(ctx, "rediss://h", NULL, &other, &err), HF_E_UNSUPPORTED);
	EXPECT_CONTAINS(err.message, "\"rediss\"");
}

/* ---- a watch ---- */

enum { WATCHED = 400 };
static size_t asked_most, gathered; /* keys of one read; longest value that was let through */

static enum hf_status watched_changes(hf_kv_backend_state *state, int32_t ns, struct hf_kv_feed_place *place,
                                      size_t limit, hf_deadline deadline, hf_arena *into,
                                      struct hf_kv_event **ret_events, size_t *ret_count, hf_error *error)
{
	(void)state, (void)ns, (void)deadline, (void)error;
	size_t count = place->position < 0 || place->position > 0 ? 0 : WATCHED;
	assert_true(limit >= WATCHED);
	*ret_events = hf_arena_calloc(into, count + 1, sizeof(**ret_events));
	for (size_t i = 0; i < count; i++)
		(*ret_events)[i] = (struct hf_kv_event){.kind = i % 7 ? HF_KV_EVENT_PUT : HF_KV_EVENT_DELETE,
		                                        .key = HF_KV_KEY("k"),
		                                        .position = (int64_t)i + 1};
	*ret_count = count;
	place->position = count ? WATCHED : place->position < 0 ? 0 : place->position;
	return HF_OK;
}

static enum hf_status watched_read(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                                   bool keys_only, hf_deadline deadline, hf_arena *into,
                                   struct hf_kv_entry *ret_entries, hf_error *error)
{
	(void)state, (void)ns, (void)keys_only, (void)deadline, (void)into, (void)error;
	asked_most = count > asked_most ? count : asked_most;
	for (size_t i = 0; i < count; i++)
		ret_entries[i] = (struct hf_kv_entry){.key = keys[i], .value = HF_KV_KEY("a long value"), .rev = 3};
	return HF_OK;
}

static enum hf_status watched_gather(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                                     uint32_t value_bytes_max, hf_deadline deadline, hf_arena *into,
                                     struct hf_kv_entry *ret_entries, hf_error *error)
{
	(void)state, (void)ns, (void)deadline, (void)into, (void)error;
	gathered = count * value_bytes_max;
	for (size_t i = 0; i < count; i++) /* each third is left out */
		ret_entries[i] =
			(struct hf_kv_entry){.key = keys[i],
		                             .value = i % 3 ? HF_KV_KEY("a long value") : (struct hf_bytes){NULL, 0},
		                             .rev = 3};
	return HF_OK;
}

static void watch_all(const struct hf_kv_vtable *vtable, uint32_t value_bytes_max)
{
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .sweep_interval_ms = -1,
	                                      .value_bytes_max = value_bytes_max};
	struct hf_kv_watch_options how = {.size = sizeof(how), .values = true};
	hf_kv_watch *watch = NULL;
	hf_kv *watched = NULL;
	struct hf_kv_event event;
	asked_most = 0;
	EXPECT_OK(hf_kv_open_backend(ctx, vtable, "fake:", &options, &watched, &err));
	EXPECT_OK(hf_kv_watch_open(watched, &how, &watch, &err));
	for (int i = 0; i < WATCHED; i++) {
		EXPECT_OK(hf_kv_watch_next(watch, 0, &event, &err));
		bool has_entry = event.kind == HF_KV_EVENT_PUT;
		assert_int_equal(event.position, i + 1);
		assert_int_equal(event.entry.rev, has_entry ? 3 : 0);
		assert_int_equal(event.entry.value.len, has_entry ? strlen("a long value") : 0);
	}
	hf_kv_watch_close(watch);
	hf_kv_close(watched);
}

/* However long the values of a page may be together. */
static void a_watch_reads_no_more_than_it_can_hold(void **state)
{
	(void)state;
	struct hf_kv_vtable watched = fake;
	watched.capabilities |= HF_KV_CAN_WATCH;
	watched.changes = watched_changes;
	watched.read = watched_read;
	watch_all(&watched, 0);
	assert_true(asked_most <= ((size_t)1 << 30) / HF_KV_VALUE_BYTES);
	watch_all(&watched, 1); /* a gigabyte of the shortest is more than there are */
	assert_in_range(asked_most, WATCHED / 2, WATCHED);
	watched.gather = watched_gather;
	watch_all(&watched, 0);
	assert_int_equal(asked_most, 1);
	assert_true(gathered <= (size_t)1 << 26);
}

/* A backend that cannot tell is not believed to keep nothing. */
static void bytes_that_nobody_counts_are_no_bound(void **state)
{
	(void)state;
	const struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1};
	const struct hf_kv_prune what = {.bytes = 1};
	struct hf_kv_vtable unweighed = fake;
	hf_kv *other = NULL;
	unweighed.capabilities |= HF_KV_CAN_CHECKPOINT;
	EXPECT_OK(hf_kv_open_backend(ctx, &unweighed, "fake:", &options, &other, &err));
	EXPECT_STATUS(hf_kv_checkpoint_prune(other, &what, NULL, &err), HF_E_UNSUPPORTED);
	EXPECT_CONTAINS(err.message, "fake does not know how many bytes a checkpoint keeps");
	hf_kv_close(other);
}

/* ---- a replica ---- */

static char replica;     /* where it is */
static size_t delivered; /* entries that it gives before it is gone */

static hf_kv_backend_state *replica_for(hf_kv_backend_state *state, int64_t behind, hf_deadline deadline)
{
	(void)state, (void)behind, (void)deadline;
	return (hf_kv_backend_state *)(void *)&replica;
}

static enum hf_status replica_scan(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span,
                                   hf_kv_entry_fn *fn, void *user, hf_error *error)
{
	const struct hf_kv_entry entries[] = {{.key = HF_KV_KEY("a"), .rev = 1}, {.key = HF_KV_KEY("b"), .rev = 2}};
	if ((void *)state != (void *)&replica)
		return fake_scan(state, ns, span, fn, user, error);
	for (size_t i = 0; i < delivered; i++)
		assert_int_equal(fn(user, &entries[i], error), HF_OK);
	return HF_E_UNAVAILABLE;
}

static enum hf_status count_it(void *user, const struct hf_kv_entry *entry, hf_error *error)
{
	(void)entry, (void)error;
	++*(size_t *)user;
	return HF_OK;
}

/* What was wanted has come, and no more is asked for: whatever becomes of the replica then. */
static void a_range_that_a_replica_gave_whole_is_no_failure(void **state)
{
	(void)state;
	const struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1};
	const struct hf_kv_range two = {.limit = 2, .how.replica = true};
	struct hf_kv_vtable late = fake;
	hf_kv *replicated = NULL;
	size_t count = 0;
	late.capabilities |= HF_KV_CAN_READ_REPLICAS;
	late.replica = replica_for;
	late.scan = replica_scan;
	EXPECT_OK(hf_kv_open_backend(ctx, &late, "fake:", &options, &replicated, &err));
	delivered = 2;
	EXPECT_OK(hf_kv_scan(replicated, &two, count_it, &count, &err));
	assert_int_equal(count, 2);
	assert_int_equal(seen.calls, 0);
	delivered = 1;
	EXPECT_OK(hf_kv_scan(replicated, &two, count_it, &count, &err));
	assert_int_equal(count, 3);
	assert_int_equal(seen.calls, 1);
	assert_string_equal(seen.from, "6100");
	assert_int_equal(seen.span.limit, 1);
	hf_kv_close(replicated);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_backend_closes_with_its_last_handle),
		TEST(names_of_namespaces_are_checked),
		TEST(keys_and_values_have_bounds),
		TEST(ttls_have_bounds_and_a_default),
		TEST(metadata_become_canonical),
		TEST(other_metadata_are_refused),
		TEST(flags_must_go_with_the_operation),
		TEST(refusals_say_which_key_and_why),
		TEST(a_revision_is_told_with_an_answer_alone),
		TEST(what_a_backend_lacks_is_refused_by_name),
		TEST(ranges_become_spans),
		TEST(empty_spans_ask_nobody),
		TEST(calls_are_counted),
		TEST(a_ttl_is_what_is_left),
		TEST(options_are_checked),
		TEST(a_watch_reads_no_more_than_it_can_hold),
		TEST(bytes_that_nobody_counts_are_no_bound),
		TEST(a_range_that_a_replica_gave_whole_is_no_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
