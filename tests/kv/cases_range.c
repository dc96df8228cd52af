/*
 * cases_range.c - conformance: which keys a prefix and a range hold, in which order, page by page. Expectations come
 * from a naive filter over the same keys.
 */
#include "steps.h"

#include <stdio.h>

/* In order. */
static const struct hf_bytes many_keys[] = {BYTES(""),           BYTES("\0"),          BYTES("\0\0"),
                                            BYTES("\0a"),        BYTES("a"),           BYTES("a\0"),
                                            BYTES("a\0\0"),      BYTES("a\0b"),        BYTES("aa"),
                                            BYTES("ab"),         BYTES("a\x7f"),       BYTES("a\x80"),
                                            BYTES("a\xfe"),      BYTES("a\xff"),       BYTES("a\xff\0"),
                                            BYTES("a\xff\xff"),  BYTES("b"),           BYTES("b\0"),
                                            BYTES("\xfe"),       BYTES("\xfe\xff"),    BYTES("\xff"),
                                            BYTES("\xff\0"),     BYTES("\xff\xfe"),    BYTES("\xff\xff"),
                                            BYTES("\xff\xff\0"), BYTES("\xff\xff\xff")};
enum { NKEYS = ARRAY_LEN(many_keys) };

static const struct hf_bytes prefixes[] = {BYTES(""),
                                           BYTES("\0"),
                                           BYTES("a"),
                                           BYTES("a\0"),
                                           BYTES("a\xff"),
                                           BYTES("a\xfe"),
                                           BYTES("b"),
                                           BYTES("c"),
                                           BYTES("\xfe"),
                                           BYTES("\xff"),
                                           BYTES("\xff\xff"),
                                           BYTES("\xff\xff\xff"),
                                           BYTES("\xff\xff\xff\xff"),
                                           BYTES("a\xff\xff\xff")};

static void fill(struct kv_test *t)
{
	const size_t step = 7; /* put in another order than that of the keys */
	for (size_t i = 0; i < NKEYS; i++)
		kv_put(t, many_keys[i * step % NKEYS], many_keys[i * step % NKEYS], i % 3 ? 0 : SECONDS(600));
	kv_put(t, B("a\x01gone"), B("x"), 1000);
	kv_put(t, B("\xff\x01gone"), B("x"), 1000);
	kv_rig_pass(t->rig, 1000);
}

/* ---- the naive answer ---- */

static bool holds(const struct hf_kv_range *range, struct hf_bytes key)
{
	if (key.len < range->prefix.len ||
	    (range->prefix.len && memcmp(key.ptr, range->prefix.ptr, range->prefix.len) != 0))
		return false;
	if (kv_order(key, range->from) < 0 || (range->to.ptr && kv_order(key, range->to) >= 0))
		return false;
	int order = range->after.ptr ? kv_order(key, range->after) : 0;
	return !range->after.ptr || (range->reverse ? order < 0 : order > 0);
}

static size_t naive(const struct hf_kv_range *range, struct hf_bytes ret_keys[NKEYS])
{
	size_t n = 0;
	for (size_t i = 0; i < NKEYS; i++) {
		struct hf_bytes key = many_keys[range->reverse ? NKEYS - 1 - i : i];
		if (holds(range, key) && (range->limit == 0 || n < range->limit))
			ret_keys[n++] = key;
	}
	return n;
}

/* ---- the answers of the store ---- */

struct walk {
	struct kv_test *t;
	const struct hf_bytes *want;
	size_t nwant, n;
	bool keys_only, bare;
	const char *what;
};

/* A key and nothing beside it. */
static void is_bare(struct kv_test *t, const struct hf_kv_entry *entry, const char *what)
{
	if (entry->value.ptr || entry->value.len || entry->metadata.ptr || entry->metadata.len || entry->rev ||
	    entry->created_us || entry->updated_us || entry->expires_us)
		kv_wrong(t, "%s: more than the key of \"%s\": rev %lld", what, kv_show(entry->key),
		         (long long)entry->rev);
}

static enum hf_status step(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	struct walk *walk = user;
	if (walk->n >= walk->nwant)
		kv_wrong(walk->t, "%s gives \"%s\" too much", walk->what, kv_show(entry->key));
	if (!kv_same(entry->key, walk->want[walk->n]))
		kv_wrong(walk->t, "%s: expected \"%s\" at %zu, got \"%s\"", walk->what, kv_show(walk->want[walk->n]),
		         walk->n, kv_show(entry->key));
	if (!kv_same(entry->value, walk->keys_only ? B("") : entry->key))
		kv_wrong(walk->t, "%s: value \"%s\" of \"%s\"", walk->what, kv_show(entry->value), kv_show(entry->key));
	if (walk->bare)
		is_bare(walk->t, entry, walk->what);
	walk->n++;
	return HF_OK;
}

static void ended(const struct walk *walk)
{
	if (walk->n != walk->nwant)
		kv_wrong(walk->t, "%s ends before \"%s\"", walk->what, kv_show(walk->want[walk->n]));
}

/* list, scan and count agree with the naive answer. */
static void compare(struct kv_test *t, struct hf_kv_range range, const char *what)
{
	struct hf_bytes want[NKEYS];
	struct hf_kv_entry *entries;
	size_t count;
	uint64_t counted;
	hf_arena_reset(t->arena);
	struct walk scan = {.t = t,
	                    .want = want,
	                    .nwant = naive(&range, want),
	                    .keys_only = range.how.keys_only || range.bare,
	                    .bare = range.bare,
	                    .what = what};
	struct walk list = scan;
	WANT_OK(hf_kv_scan(t->kv, &range, step, &scan, &t->err));
	ended(&scan);
	WANT_OK(hf_kv_list(t->kv, &range, t->arena, &entries, &count, &t->err));
	for (size_t i = 0; i < count; i++)
		step(&list, &entries[i], NULL);
	ended(&list);
	range.limit = 0;
	WANT_OK(hf_kv_count(t->kv, &range, &counted, &t->err));
	WANT_INT(counted, naive(&range, want));
}

static void prefix_cases(struct kv_test *t)
{
	char what[100];
	fill(t);
	for (size_t p = 0; p < ARRAY_LEN(prefixes); p++)
		for (int form = 0; form < 16; form++) {
			snprintf(what, sizeof(what), "prefix \"%s\"%s%s%s%s", kv_show(prefixes[p]),
			         form & 1 ? ", reverse" : "", form & 2 ? ", keys only" : "",
			         form & 4 ? ", at most 2" : "", form & 8 ? ", bare" : "");
			compare(t,
			        (struct hf_kv_range){.prefix = prefixes[p],
			                             .reverse = form & 1,
			                             .bare = form & 8,
			                             .how.keys_only = form & 2,
			                             .limit = form & 4 ? 2 : 0},
			        what);
		}
}

static void range_cases(struct kv_test *t)
{
	char what[120];
	fill(t);
	for (size_t from = 0; from < NKEYS; from += 2)
		for (size_t to = 0; to <= NKEYS; to += 3)
			for (size_t p = 0; p < 5; p++) {
				struct hf_kv_range range = {.prefix = prefixes[p],
				                            .from = many_keys[from],
				                            .reverse = (from + to) % 2};
				if (to < NKEYS)
					range.to = many_keys[to];
				snprintf(what, sizeof(what), "from \"%s\" to \"%s\" prefix \"%s\"", kv_show(range.from),
				         kv_show(range.to), kv_show(range.prefix));
				compare(t, range, what);
			}
}

/* An end that is empty, not missing: nothing is below it. */
static void empty_ends(struct kv_test *t)
{
	fill(t);
	compare(t, (struct hf_kv_range){.to = B("")}, "to \"\"");
	compare(t, (struct hf_kv_range){.after = B("")}, "after \"\"");
	compare(t, (struct hf_kv_range){.after = B(""), .reverse = true}, "after \"\", reverse");
	compare(t, (struct hf_kv_range){.after = B("zz")}, "after a key that is not there");
	compare(t, (struct hf_kv_range){.prefix = B("a"), .after = B("zz"), .reverse = true},
	        "after a key outside of the prefix");
	compare(t, (struct hf_kv_range){.prefix = B("b"), .after = B("a")}, "after a key before the prefix");
}

static void pages_of(struct kv_test *t, struct hf_kv_range range, size_t size)
{
	struct hf_bytes want[NKEYS], last = {0};
	range.limit = 0;
	size_t nwant = naive(&range, want), n = 0, count;
	struct hf_kv_entry *entries;
	range.limit = size;
	do {
		WANT_OK(hf_kv_list(t->kv, &range, t->arena, &entries, &count, &t->err));
		WANT_TRUE(count <= size && n + count <= nwant);
		for (size_t i = 0; i < count; i++)
			WANT_BYTES(entries[i].key, want[n++]);
		if (count)
			last = entries[count - 1].key;
		range.after = last;
	} while (count == size);
	WANT_INT(n, nwant);
}

static void pages(struct kv_test *t)
{
	fill(t);
	for (size_t p = 0; p < ARRAY_LEN(prefixes); p++)
		for (size_t size = 1; size < 5; size++) {
			hf_arena_reset(t->arena);
			pages_of(t, (struct hf_kv_range){.prefix = prefixes[p], .bare = size % 2}, size);
			pages_of(t, (struct hf_kv_range){.prefix = prefixes[p], .reverse = true, .how.keys_only = true},
			         size);
		}
}

/* ---- long ranges ---- */

static struct hf_bytes numbered(char text[16], int number)
{
	int n = snprintf(text, 16, "%06d", number);
	return (struct hf_bytes){(const uint8_t *)text, (size_t)n};
}

static void put_numbers(struct kv_test *t, int from, int to, int step_)
{
	enum { AT_ONCE = 1000 };
	static char texts[AT_ONCE][16];
	struct hf_bytes keys[AT_ONCE];
	size_t n = 0;
	for (int i = from; i < to; i += step_) {
		keys[n] = numbered(texts[n], i);
		n++;
		if (n == AT_ONCE || i + step_ >= to) {
			WANT_OK(hf_kv_put_many(t->kv, keys, keys, n, NULL, &t->err));
			n = 0;
		}
	}
}

/* Old keys are the even numbers: each is seen once, whatever comes and goes around the cursor. */
static void pages_while_writing(struct kv_test *t, bool reverse)
{
	struct hf_kv_range range = {.limit = 50, .reverse = reverse};
	int next = reverse ? 598 : 0, odd = 0;
	char text[16];
	put_numbers(t, 0, 600, 2);
	for (size_t count = 50; count == 50;) {
		struct hf_kv_entry *entries;
		WANT_OK(hf_kv_list(t->kv, &range, t->arena, &entries, &count, &t->err));
		for (size_t i = 0; i < count; i++) {
			int number = (entries[i].key.ptr[3] - '0') * 100 + (entries[i].key.ptr[4] - '0') * 10 +
			             (entries[i].key.ptr[5] - '0');
			if (number % 2 == 0) {
				WANT_INT(number, next);
				next += reverse ? -2 : 2;
			}
		}
		if (count)
			range.after = entries[count - 1].key;
		for (int i = 0; i < 20; i++, odd += 1)
			kv_put(t, numbered(text, odd * 37 % 300 * 2 + 1), B("x"), 0);
		WANT_OK(hf_kv_delete(t->kv, numbered(text, (odd - 7) * 37 % 300 * 2 + 1), NULL, NULL, &t->err));
	}
	WANT_INT(next, reverse ? -2 : 600);
}

static void pages_forward_while_writing(struct kv_test *t)
{
	pages_while_writing(t, false);
}

static void pages_backward_while_writing(struct kv_test *t)
{
	pages_while_writing(t, true);
}

static enum hf_status count_up(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	struct walk *walk = user;
	char text[16];
	int at = walk->keys_only ? 2499 - (int)walk->n : (int)walk->n;
	if (!kv_same(entry->key, numbered(text, at)))
		kv_wrong(walk->t, "expected %s at %zu, got \"%s\"", text, walk->n, kv_show(entry->key));
	walk->n++;
	return HF_OK;
}

static void thousands(struct kv_test *t)
{
	struct hf_kv_range range = {0};
	struct hf_kv_entry *entries;
	struct walk walk = {.t = t}, back = {.t = t, .keys_only = true};
	size_t count;
	put_numbers(t, 0, 2500, 1);
	WANT_OK(hf_kv_scan(t->kv, &range, count_up, &walk, &t->err));
	WANT_INT(walk.n, 2500);
	range.reverse = true;
	WANT_OK(hf_kv_scan(t->kv, &range, count_up, &back, &t->err));
	WANT_INT(back.n, 2500);
	back.n = 0;
	range.bare = true; /* pages that grow go on at the right key */
	WANT_OK(hf_kv_scan(t->kv, &range, count_up, &back, &t->err));
	WANT_INT(back.n, 2500);
	range.reverse = range.bare = false;
	WANT_OK(hf_kv_list(t->kv, &range, t->arena, &entries, &count, &t->err));
	WANT_INT(count, 1000);
	range.limit = 1999;
	WANT_OK(hf_kv_list(t->kv, &range, t->arena, &entries, &count, &t->err));
	WANT_INT(count, 1999);
	WANT_INT(kv_live(t), 2500);
}

static enum hf_status stop_after(void *user, UNUSED const struct hf_kv_entry *entry, hf_error *err)
{
	int *left = user;
	if (*left > 0)
		return --*left ? HF_OK : HF_STOP;
	if (err)
		err->status = HF_E_INPUT;
	return HF_E_INPUT;
}

static void stops(struct kv_test *t)
{
	int left = 3;
	put_numbers(t, 0, 2500, 1);
	WANT_OK(hf_kv_scan(t->kv, NULL, stop_after, &left, &t->err));
	WANT_INT(left, 0);
	WANT(hf_kv_scan(t->kv, NULL, stop_after, &left, &t->err), HF_E_INPUT);
	left = 1500;
	WANT_OK(hf_kv_scan(t->kv, NULL, stop_after, &left, &t->err));
	kv_put(t, B("still"), B("works"), 0);
}

/* ---- by metadata ---- */

static void with_metadata(struct kv_test *t, struct hf_bytes key, const char *metadata)
{
	struct hf_kv_put put = {.metadata = hf_str_of(metadata)};
	WANT_OK(hf_kv_put(t->kv, key, key, &put, &t->err));
}

static void found(struct kv_test *t, const char *part, const char *want)
{
	struct hf_kv_range range = {.has_metadata = hf_str_of(part)};
	struct hf_kv_entry *entries;
	char got[40] = "";
	size_t count;
	uint64_t counted = 99;
	WANT_OK(hf_kv_list(t->kv, &range, t->arena, &entries, &count, &t->err));
	for (size_t i = 0; i < count; i++)
		snprintf(got + i, sizeof(got) - i, "%c", entries[i].key.ptr[0]);
	if (count != strlen(want) || strncmp(got, want, count) != 0)
		kv_wrong(t, "metadata that contain %s: expected keys %s, got %s", part, want, got);
	range.bare = true;
	WANT_OK(hf_kv_list(t->kv, &range, t->arena, &entries, &count, &t->err));
	for (size_t i = 0; i < count; i++)
		is_bare(t, &entries[i], part);
	WANT_INT(count, strlen(want));
	WANT_OK(hf_kv_count(t->kv, &range, &counted, &t->err));
	WANT_INT(counted, count);
}

/* As jsonb's @> has it. */
static void containment(struct kv_test *t)
{
	with_metadata(t, B("a"), "{\"a\":1,\"b\":{\"c\":[1,2,3],\"d\":null}}");
	with_metadata(t, B("b"), "{\"a\":2}");
	with_metadata(t, B("c"), "[1,\"x\",{\"a\":1}]");
	with_metadata(t, B("d"), "\"x\"");
	with_metadata(t, B("e"), "1");
	with_metadata(t, B("f"), "null");
	with_metadata(t, B("g"), NULL);
	with_metadata(t, B("h"), "{\"a\":1.0}");
	found(t, "{}", "abh");
	found(t, "{\"a\":1}", "ah");
	found(t, "{\"a\":\"1\"}", "");
	found(t, "{\"b\":{}}", "a");
	found(t, "{\"b\":{\"c\":[2]}}", "a");
	found(t, "{\"b\":{\"c\":[3,1,1]}}", "a");
	found(t, "{\"b\":{\"c\":[4]}}", "");
	found(t, "{\"b\":{\"c\":2}}", "");
	found(t, "{\"b\":{\"d\":null}}", "a");
	found(t, "{\"e\":null}", "");
	found(t, "[]", "c");
	found(t, "[1]", "c");
	found(t, "[{\"a\":1}]", "c");
	found(t, "\"x\"", "cd"); /* an array may contain a scalar */
	found(t, "1", "ce");
	found(t, "null", "f");
	found(t, "[\"x\",1]", "c");
}

static void containment_refused(struct kv_test *t)
{
	struct hf_kv_range range = {.has_metadata = HF_STR("{\"a\":")};
	struct hf_kv_entry *entries;
	size_t count;
	uint64_t counted;
	WANT(hf_kv_list(t->kv, &range, t->arena, &entries, &count, &t->err), HF_E_USAGE);
	WANT(hf_kv_count(t->kv, &range, &counted, &t->err), HF_E_USAGE);
	WANT(hf_kv_scan(t->kv, &range, stop_after, NULL, &t->err), HF_E_USAGE);
}

static void containment_in_pages(struct kv_test *t)
{
	char text[16];
	struct hf_kv_range range = {.has_metadata = HF_STR("{\"odd\":true}"), .limit = 7, .reverse = true};
	size_t seen = 0, count;
	for (int i = 0; i < 60; i++)
		with_metadata(t, numbered(text, i), i % 2 ? "{\"odd\":true,\"n\":1}" : "{\"odd\":false}");
	do {
		struct hf_kv_entry *entries;
		WANT_OK(hf_kv_list(t->kv, &range, t->arena, &entries, &count, &t->err));
		for (size_t i = 0; i < count; i++, seen++)
			WANT_BYTES(entries[i].key, numbered(text, 59 - 2 * (int)seen));
		range.after = count ? entries[count - 1].key : range.after;
	} while (count == range.limit);
	WANT_INT(seen, 30);
}

static void estimate(struct kv_test *t)
{
	uint64_t about = UINT64_MAX;
	bool can = hf_kv_capabilities(t->kv) & HF_KV_CAN_ESTIMATE;
	put_numbers(t, 0, 500, 1);
	if (!can)
		WANT_TRUE(hf_kv_count_estimate(t->kv, &about, &t->err) != HF_OK);
	else
		WANT_OK(hf_kv_count_estimate(t->kv, &about, &t->err));
	if (t->rig->own_clock)
		WANT_INT(about, 500);
}

const struct kv_case kv_cases_range[] = {
	{.name = "a prefix holds exactly the keys that begin with it", .run = prefix_cases},
	{.name = "a range is cut down by its ends and its prefix", .run = range_cases},
	{.name = "an empty end is not a missing one", .run = empty_ends},
	{.name = "pages of any size give every key once", .run = pages},
	{.name = "pages forward while others write", .run = pages_forward_while_writing},
	{.name = "pages backward while others write", .run = pages_backward_while_writing},
	{.name = "a scan gives thousands in order, a list its limit", .run = thousands},
	{.name = "a callback ends a scan", .run = stops},
	{.name = "metadata contain as jsonb does", .run = containment},
	{.name = "a filter that is not JSON is refused", .run = containment_refused},
	{.name = "entries by metadata come in pages", .run = containment_in_pages},
	{.name = "an estimate is near", .run = estimate},
	{0},
};
