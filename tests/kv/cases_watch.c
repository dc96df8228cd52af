/*
 * cases_watch.c - conformance: the change feed, and watching it. What is waited for is there already when it is asked
 * for, so that deadlines only bound failures.
 */
#include "base/str.h"
#include "holdfast/kv_checkpoint.h"
#include "holdfast/kv_watch.h"
#include "steps.h"

#define HOUR SECONDS(3600)
#define MOMENT INT64_C(20000)
enum { TOKENS = 32, LONG_MS = 60000 };

static bool can(const struct kv_test *t)
{
	return hf_kv_capabilities(t->kv) & HF_KV_CAN_WATCH;
}

static void feed_on(struct kv_test *t)
{
	WANT_OK(hf_kv_feed_on(t->kv, NULL, &t->err));
}

static enum hf_status try_open(struct kv_test *t, const char *from, hf_kv_watch **ret_watch)
{
	const struct hf_kv_watch_options options = {.size = sizeof(options), .from = from};
	return hf_kv_watch_open(t->kv, &options, ret_watch, &t->err);
}

static hf_kv_watch *open_from(struct kv_test *t, const char *from)
{
	hf_kv_watch *watch = NULL;
	WANT_OK(try_open(t, from, &watch));
	return watch;
}

static struct hf_kv_event next(struct kv_test *t, hf_kv_watch *watch)
{
	struct hf_kv_event event = {0};
	WANT_OK(hf_kv_watch_next(watch, hf_deadline_in(t->rig->ctx, LONG_MS), &event, &t->err));
	WANT_TRUE(event.at_us > 0);
	return event;
}

/* `key` NULL: it has none. */
static struct hf_kv_event expect(struct kv_test *t, hf_kv_watch *watch, enum hf_kv_event_kind kind, const char *key)
{
	struct hf_kv_event event = next(t, watch);
	if (event.kind != kind || (key == NULL) != (event.key.ptr == NULL) || !kv_same(event.key, hf_kv_text(key)))
		kv_wrong(t, "expected %s of \"%s\", got %s of \"%s\"", hf_kv_event_word(kind), key ? key : "(none)",
		         hf_kv_event_word(event.kind), kv_show(event.key));
	return event;
}

static void nothing(struct kv_test *t, hf_kv_watch *watch)
{
	struct hf_kv_event event;
	WANT(hf_kv_watch_next(watch, hf_deadline_in(t->rig->ctx, 1), &event, &t->err), HF_TIMEOUT);
}

static int64_t put(struct kv_test *t, const char *key, const char *value)
{
	int64_t rev = 0;
	const struct hf_kv_put how = {.ret_rev = &rev};
	WANT_OK(hf_kv_put(t->kv, hf_kv_text(key), hf_kv_text(value), &how, &t->err));
	return rev;
}

/* ---- the feed ---- */

static void off_until_on(struct kv_test *t)
{
	struct hf_kv_feed feed = {.keep_us = 77};
	hf_kv_watch *watch = NULL;
	if (!can(t))
		return;
	WANT(hf_kv_feed_show(t->kv, &feed, &t->err), HF_NOT_FOUND);
	WANT_INT(feed.keep_us, 77);
	WANT(try_open(t, NULL, &watch), HF_NOT_FOUND);
	WANT_TRUE(strstr(t->err.message, "no change feed") != NULL && watch == NULL);
	WANT_OK(hf_kv_feed_off(t->kv, &t->err));
	put(t, "before", "1");
	feed_on(t);
	WANT_OK(hf_kv_feed_show(t->kv, &feed, &t->err));
	WANT_INT(feed.keep_us, HF_KV_FEED_KEEP_US);
	WANT_INT(feed.keep_changes, HF_KV_FEED_CHANGES);
	WANT_INT(feed.changes, 0);
	WANT_INT(feed.held_us, 0);
	put(t, "after", "1");
	WANT_OK(hf_kv_feed_show(t->kv, &feed, &t->err));
	WANT_INT(feed.changes, 1);
}

static void kept_as_asked(struct kv_test *t)
{
	struct hf_kv_feed feed = {.keep_us = HOUR, .keep_changes = 17};
	const struct hf_kv_feed wrong[] = {{.keep_us = -1},
	                                   {.keep_us = HF_KV_TTL_MAX_US + 1},
	                                   {.keep_changes = -1},
	                                   {.keep_changes = INT64_MAX}};
	if (!can(t))
		return;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		WANT(hf_kv_feed_on(t->kv, &wrong[i], &t->err), HF_E_USAGE);
	WANT(hf_kv_feed_show(t->kv, &feed, &t->err), HF_NOT_FOUND);
	feed_on(t);
	put(t, "a", "1");
	WANT_OK(hf_kv_feed_on(t->kv, &feed, &t->err));
	WANT_OK(hf_kv_feed_show(t->kv, &feed, &t->err));
	WANT_INT(feed.keep_us, HOUR);
	WANT_INT(feed.keep_changes, 17);
	WANT_INT(feed.changes, 1);
}

static void turned_off(struct kv_test *t)
{
	char token[HF_KV_TOKEN_BYTES];
	struct hf_kv_event event;
	if (!can(t))
		return;
	feed_on(t);
	hf_kv_watch *watch = open_from(t, NULL), *other;
	hf_kv_watch_token(watch, token);
	put(t, "a", "1");
	expect(t, watch, HF_KV_EVENT_PUT, "a");
	WANT_OK(hf_kv_feed_off(t->kv, &t->err));
	put(t, "b", "1");
	WANT(hf_kv_watch_next(watch, hf_deadline_in(t->rig->ctx, LONG_MS), &event, &t->err), HF_NOT_FOUND);
	WANT(try_open(t, token, &other), HF_NOT_FOUND);
	feed_on(t);
	WANT(try_open(t, token, &other), HF_E_COMPACTED);
	WANT(hf_kv_watch_next(watch, hf_deadline_in(t->rig->ctx, LONG_MS), &event, &t->err), HF_E_COMPACTED);
	hf_kv_watch_close(watch);
	watch = open_from(t, NULL);
	put(t, "c", "1");
	expect(t, watch, HF_KV_EVENT_PUT, "c");
	hf_kv_watch_close(watch);
}

/* ---- what comes ---- */

static void write_many(struct kv_test *t)
{
	const struct hf_bytes keys[] = {B("m1"), B("m2")}, values[] = {B("1"), B("2")};
	const struct hf_kv_write then[] = {{.op = HF_KV_PUT, .key = B("t1"), .value = B("1")},
	                                   {.op = HF_KV_READ, .key = B("t1")},
	                                   {.op = HF_KV_DELETE, .key = B("m1")}};
	const struct hf_kv_write refused[] = {{.op = HF_KV_PUT, .key = B("r1"), .value = B("1")},
	                                      {.op = HF_KV_PUT, .key = B("m2"), .flags = HF_KV_IF_ABSENT}};
	const struct hf_kv_txn txn = {.then = then, .nthen = ARRAY_LEN(then)};
	struct hf_kv_result results[3];
	bool held;
	WANT_OK(hf_kv_put_many(t->kv, keys, values, 2, NULL, &t->err));
	WANT(hf_kv_apply(t->kv, refused, 2, NULL, t->arena, NULL, &t->err), HF_CONFLICT);
	WANT_OK(hf_kv_transact(t->kv, &txn, NULL, t->arena, &held, results, &t->err));
}

/* `n` events in any order, as those of one call come: bit i is set for the event that is the i-th of `wanted`. */
static unsigned any_of(struct kv_test *t, hf_kv_watch *watch, const struct hf_kv_event *wanted, size_t n)
{
	unsigned seen = 0;
	for (size_t i = 0; i < n; i++) {
		struct hf_kv_event event = next(t, watch);
		for (size_t k = 0; k < n; k++)
			if (event.kind == wanted[k].kind && kv_same(event.key, wanted[k].key))
				seen |= 1u << k;
	}
	return seen;
}

static void expect_many(struct kv_test *t, hf_kv_watch *watch)
{
	const struct hf_kv_event many[] = {{HF_KV_EVENT_PUT, .key = B("m1")}, {HF_KV_EVENT_PUT, .key = B("m2")}};
	const struct hf_kv_event mixed[] = {{HF_KV_EVENT_PUT, .key = B("t1")}, {HF_KV_EVENT_DELETE, .key = B("m1")}};
	WANT_INT(any_of(t, watch, many, 2), 3);
	WANT_INT(any_of(t, watch, mixed, 2), 3);
}

static void each_write(struct kv_test *t)
{
	uint64_t removed;
	if (!can(t))
		return;
	feed_on(t);
	hf_kv_watch *watch = open_from(t, NULL);
	nothing(t, watch);
	int64_t first = put(t, "a", "1"), second = put(t, "a", "1");
	WANT_INT(expect(t, watch, HF_KV_EVENT_PUT, "a").rev, first);
	WANT_INT(expect(t, watch, HF_KV_EVENT_PUT, "a").rev, second);
	WANT_OK(hf_kv_delete(t->kv, B("none"), NULL, NULL, &t->err));
	WANT_OK(hf_kv_touch(t->kv, B("a"), HOUR, NULL, &t->err));
	WANT_INT(expect(t, watch, HF_KV_EVENT_TOUCH, "a").rev, second);
	WANT_OK(hf_kv_persist(t->kv, B("a"), NULL, &t->err));
	WANT_INT(expect(t, watch, HF_KV_EVENT_TOUCH, "a").rev, second);
	WANT(hf_kv_compare_and_set(t->kv, B("a"), B("other"), B("2"), NULL, &t->err), HF_CONFLICT);
	WANT_OK(hf_kv_compare_and_set(t->kv, B("a"), B("1"), B("2"), NULL, &t->err));
	WANT_TRUE(expect(t, watch, HF_KV_EVENT_PUT, "a").rev > second);
	int64_t last = put(t, "a", "3");
	WANT_OK(hf_kv_delete(t->kv, B("a"), NULL, NULL, &t->err));
	WANT_INT(expect(t, watch, HF_KV_EVENT_PUT, "a").rev, last);
	WANT_INT(expect(t, watch, HF_KV_EVENT_DELETE, "a").rev, last);
	write_many(t);
	expect_many(t, watch);
	WANT_OK(hf_kv_clear(t->kv, NULL, &removed, &t->err));
	WANT_INT(expect(t, watch, HF_KV_EVENT_CLEAR, NULL).rev, 0);
	put(t, "", "the empty key");
	WANT_TRUE(expect(t, watch, HF_KV_EVENT_PUT, "").rev > 0);
	nothing(t, watch);
	hf_kv_watch_close(watch);
}

static void expiry(struct kv_test *t)
{
	uint64_t removed = 0;
	if (!can(t))
		return;
	feed_on(t);
	hf_kv_watch *watch = open_from(t, NULL);
	kv_put(t, B("swept"), B("1"), MOMENT);
	int64_t rev = expect(t, watch, HF_KV_EVENT_PUT, "swept").rev;
	kv_put(t, B("deleted"), B("1"), MOMENT);
	kv_put(t, B("stays"), B("1"), 0);
	expect(t, watch, HF_KV_EVENT_PUT, "deleted");
	expect(t, watch, HF_KV_EVENT_PUT, "stays");
	kv_rig_pass(t->rig, MOMENT);
	WANT_OK(hf_kv_delete(t->kv, B("deleted"), NULL, NULL, &t->err));
	expect(t, watch, HF_KV_EVENT_EXPIRE, "deleted");
	WANT_OK(hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, &removed, &t->err));
	WANT_INT(expect(t, watch, HF_KV_EVENT_EXPIRE, "swept").rev, rev);
	nothing(t, watch);
	hf_kv_watch_close(watch);
}

/* What a restore changes, in any order but that of a key: one that is put again may be deleted before. */
static void restored(struct kv_test *t)
{
	struct hf_kv_checkpoint point;
	struct hf_kv_restored done;
	struct hf_kv_event event;
	char changed = '-', gone = '-', fresh = '-';
	if (!can(t) || !(hf_kv_capabilities(t->kv) & HF_KV_CAN_CHECKPOINT))
		return;
	put(t, "changed", "1"), put(t, "gone", "1"), put(t, "same", "1");
	WANT_OK(hf_kv_checkpoint_create(t->kv, NULL, t->arena, &point, &t->err));
	put(t, "changed", "2"), put(t, "fresh", "1");
	WANT_OK(hf_kv_delete(t->kv, B("gone"), NULL, NULL, &t->err));
	feed_on(t);
	hf_kv_watch *watch = open_from(t, NULL);
	WANT_OK(hf_kv_checkpoint_restore(t->kv, &point.id, NULL, &done, &t->err));
	put(t, "last", "1");
	expect(t, watch, HF_KV_EVENT_RESTORE, NULL);
	for (event = next(t, watch); !kv_same(event.key, B("last")); event = next(t, watch)) {
		char *of = kv_same(event.key, B("changed")) ? &changed : kv_same(event.key, B("gone")) ? &gone : &fresh;
		WANT_TRUE(of != &fresh || kv_same(event.key, B("fresh")));
		*of = *hf_kv_event_word(event.kind);
	}
	WANT_TRUE(changed == 'p' && gone == 'p' && fresh == 'd');
	hf_kv_watch_close(watch);
}

static void of_a_prefix(struct kv_test *t)
{
	struct hf_kv_watch_options options = {.size = sizeof(options), .prefix = B("user/"), .values = true};
	hf_kv_watch *watch = NULL;
	if (!can(t))
		return;
	feed_on(t);
	WANT_OK(hf_kv_watch_open(t->kv, &options, &watch, &t->err));
	put(t, "user", "0"), put(t, "user/1", "1"), put(t, "other", "0"), put(t, "user/1", "2"), put(t, "user/2", "3");
	WANT_OK(hf_kv_delete(t->kv, B("user/2"), NULL, NULL, &t->err));
	struct hf_kv_event event = expect(t, watch, HF_KV_EVENT_PUT, "user/1");
	WANT_BYTES(event.entry.value, B("2"));
	WANT_TRUE(event.entry.rev > event.rev);
	event = expect(t, watch, HF_KV_EVENT_PUT, "user/1");
	WANT_BYTES(event.entry.value, B("2"));
	WANT_INT(event.entry.rev, event.rev);
	WANT_INT(expect(t, watch, HF_KV_EVENT_PUT, "user/2").entry.rev, 0);
	WANT_INT(expect(t, watch, HF_KV_EVENT_DELETE, "user/2").entry.rev, 0);
	WANT_OK(hf_kv_clear(t->kv, NULL, NULL, &t->err));
	expect(t, watch, HF_KV_EVENT_CLEAR, NULL);
	hf_kv_watch_close(watch);
}

static void namespaces_apart(struct kv_test *t)
{
	struct kv_test other = *t;
	char token[HF_KV_TOKEN_BYTES];
	hf_kv_watch *watch = NULL, *own;
	if (!can(t))
		return;
	other.kv = kv_other(t, "watched apart");
	feed_on(t);
	own = open_from(t, NULL);
	hf_kv_watch_token(own, token);
	put(&other, "theirs", "1");
	WANT(try_open(&other, NULL, &watch), HF_NOT_FOUND);
	feed_on(&other);
	WANT(try_open(&other, token, &watch), HF_E_USAGE);
	put(&other, "theirs", "2");
	put(t, "ours", "1");
	expect(t, own, HF_KV_EVENT_PUT, "ours");
	nothing(t, own);
	WANT_OK(hf_kv_feed_off(t->kv, &t->err));
	watch = open_from(&other, NULL);
	put(&other, "theirs", "3");
	expect(&other, watch, HF_KV_EVENT_PUT, "theirs");
	hf_kv_watch_close(watch);
	hf_kv_watch_close(own);
	hf_kv_close(other.kv);
}

/* ---- going on ---- */

/* From each token exactly what stood behind it, whatever of the page was looked at before. */
static void tokens(struct kv_test *t)
{
	char kept[TOKENS + 1][HF_KV_TOKEN_BYTES], key[8];
	int64_t position = 0;
	if (!can(t))
		return;
	feed_on(t);
	hf_kv_watch *watch = open_from(t, NULL);
	hf_kv_watch_token(watch, kept[0]);
	for (int i = 0; i < TOKENS; i++)
		snprintf(key, sizeof(key), "k%d", i), put(t, key, "v");
	for (int i = 0; i < TOKENS; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		struct hf_kv_event event = expect(t, watch, HF_KV_EVENT_PUT, key);
		WANT_TRUE(event.position > position);
		position = event.position;
		hf_kv_watch_token(watch, kept[i + 1]);
	}
	hf_kv_watch_close(watch);
	for (int i = 0; i <= TOKENS; i += 4) {
		watch = open_from(t, kept[i]);
		for (int k = i; k < TOKENS; k++)
			snprintf(key, sizeof(key), "k%d", k), expect(t, watch, HF_KV_EVENT_PUT, key);
		nothing(t, watch);
		hf_kv_watch_close(watch);
	}
}

static void no_tokens(struct kv_test *t)
{
	static const char *const wrong[] = {
		"", "kv1", "kv1.", "kv1.00000000.", "kv1.zz.1", "kv2.00000000.1", "kv1.00000000.1"};
	char token[HF_KV_TOKEN_BYTES], text[80];
	hf_kv_watch *watch = NULL;
	if (!can(t))
		return;
	feed_on(t);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		WANT(try_open(t, wrong[i], &watch), HF_E_USAGE);
	hf_kv_watch *own = open_from(t, NULL);
	hf_kv_watch_token(own, token);
	hf_kv_watch_close(own);
	size_t head = (size_t)(strrchr(token, '.') - token) + 1;
	static const char *const numbers[] = {"-1", "x", "99999999999999999999", "1 "};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		snprintf(text, sizeof(text), "%.*s%s", (int)head, token, numbers[i]);
		WANT(try_open(t, text, &watch), HF_E_USAGE);
	}
	snprintf(text, sizeof(text), "%.*s9223372036854775807", (int)head, token);
	WANT(try_open(t, text, &watch), HF_E_COMPACTED);
	WANT_TRUE(watch == NULL);
}

/* ---- what is not kept ---- */

static void compacted(struct kv_test *t)
{
	const struct hf_kv_feed three = {.keep_changes = 3};
	char token[HF_KV_TOKEN_BYTES];
	struct hf_kv_event event;
	struct hf_kv_feed feed;
	if (!can(t))
		return;
	WANT_OK(hf_kv_feed_on(t->kv, &three, &t->err));
	hf_kv_watch *slow = open_from(t, NULL), *watch = NULL;
	hf_kv_watch_token(slow, token);
	for (int i = 0; i < 10; i++)
		put(t, "k", "v");
	put(t, "a", "1"), put(t, "b", "1"), put(t, "c", "1");
	WANT_OK(hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, NULL, &t->err));
	WANT_OK(hf_kv_feed_show(t->kv, &feed, &t->err));
	WANT_INT(feed.changes, 3);
	WANT(hf_kv_watch_next(slow, hf_deadline_in(t->rig->ctx, LONG_MS), &event, &t->err), HF_E_COMPACTED);
	WANT(hf_kv_watch_next(slow, hf_deadline_in(t->rig->ctx, LONG_MS), &event, &t->err), HF_E_COMPACTED);
	WANT(try_open(t, token, &watch), HF_E_COMPACTED);
	WANT_TRUE(strstr(t->err.message, "not kept any more") != NULL && watch == NULL);
	hf_kv_watch_close(slow);
	watch = open_from(t, NULL);
	put(t, "d", "1");
	expect(t, watch, HF_KV_EVENT_PUT, "d");
	hf_kv_watch_close(watch);
}

static void too_old(struct kv_test *t)
{
	const struct hf_kv_feed short_time = {.keep_us = MOMENT};
	struct hf_kv_feed feed;
	if (!can(t))
		return;
	WANT_OK(hf_kv_feed_on(t->kv, &short_time, &t->err));
	put(t, "a", "1");
	kv_rig_pass(t->rig, 2 * MOMENT);
	WANT_OK(hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, NULL, &t->err));
	WANT_OK(hf_kv_feed_show(t->kv, &feed, &t->err));
	WANT_INT(feed.changes, 0);
	hf_kv_watch *watch = open_from(t, NULL);
	WANT_OK(hf_kv_feed_on(t->kv, &(struct hf_kv_feed){.keep_us = HOUR}, &t->err));
	put(t, "b", "1");
	WANT_OK(hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, NULL, &t->err));
	expect(t, watch, HF_KV_EVENT_PUT, "b");
	hf_kv_watch_close(watch);
}

/* ---- where there is none ---- */

static void refused_by_name(struct kv_test *t)
{
	struct hf_kv_feed feed;
	hf_kv_watch *watch;
	if (can(t))
		return;
	WANT(hf_kv_feed_on(t->kv, NULL, &t->err), HF_E_UNSUPPORTED);
	WANT_TRUE(strstr(t->err.message, t->rig->kind) != NULL);
	WANT(hf_kv_feed_off(t->kv, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_feed_show(t->kv, &feed, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_watch_open(t->kv, NULL, &watch, &t->err), HF_E_UNSUPPORTED);
}

const struct kv_case kv_cases_watch[] = {
	{.name = "there is no feed until it is turned on", .run = off_until_on},
	{.name = "a feed keeps what it was asked to", .run = kept_as_asked},
	{.name = "a feed that is turned off ends its watches and tokens", .run = turned_off},
	{.name = "each write is a change, and nothing else is", .run = each_write},
	{.name = "what expired is told when it is removed", .run = expiry},
	{.name = "a restore tells what it changes", .run = restored},
	{.name = "a watch of a prefix, with values", .run = of_a_prefix},
	{.name = "feeds of namespaces are apart", .run = namespaces_apart},
	{.name = "from each token on comes what stood behind it", .run = tokens},
	{.name = "what is no token of this feed is refused", .run = no_tokens},
	{.name = "who falls behind what is kept is told", .run = compacted},
	{.name = "what is older than it is kept for goes", .run = too_old},
	{.name = "feeds are refused by name where there are none", .run = refused_by_name},
	{0},
};
