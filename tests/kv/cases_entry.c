/*
 * cases_entry.c - conformance: one entry. What is stored comes back, what is refused leaves nothing, metadata.
 */
#include "chance.h"
#include "steps.h"

#include <stdlib.h>

static void all_fields(struct kv_test *t)
{
	int64_t rev = 0;
	struct hf_kv_put put = {.ttl_us = SECONDS(600), .metadata = HF_STR("{\"by\":\"me\"}"), .ret_rev = &rev};
	WANT_OK(hf_kv_put(t->kv, B("k"), B("v"), &put, &t->err));
	struct hf_kv_entry entry = kv_look(t, B("k"), B("v"), "{\"by\":\"me\"}", SECONDS(600));
	WANT_INT(entry.rev, rev);
	WANT_INT(entry.updated_us, entry.created_us);
	WANT_INT(entry.expires_us, entry.created_us + SECONDS(600));
	if (t->rig->own_clock)
		WANT_INT(entry.created_us, t->rig->wall_us);
	else /* this machine's clock is the server's */
		WANT_TRUE(llabs(entry.created_us - hf_now_wall_us(t->rig->ctx)) > 0);
}

static void created_stays(struct kv_test *t)
{
	kv_put(t, B("k"), B("1"), SECONDS(60));
	struct hf_kv_entry first = kv_look(t, B("k"), B("1"), NULL, SECONDS(60));
	kv_rig_pass(t->rig, 5000);
	kv_put(t, B("k"), B("2"), 0);
	struct hf_kv_entry second = kv_look(t, B("k"), B("2"), NULL, 0);
	WANT_INT(second.created_us, first.created_us);
	WANT_TRUE(second.updated_us > first.updated_us);
	WANT_TRUE(second.rev > first.rev);
	WANT_OK(hf_kv_delete(t->kv, B("k"), NULL, NULL, &t->err));
	kv_rig_pass(t->rig, 5000);
	kv_put(t, B("k"), B("3"), 0);
	WANT_TRUE(kv_look(t, B("k"), B("3"), NULL, 0).created_us > first.created_us);
}

/* What is brought from elsewhere is as old as it was there, but not younger than now. */
static void created_is_brought(struct kv_test *t)
{
	const int64_t then_us = KV_NOW_US - SECONDS(86400) - 7;
	struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT, .key = B("a"), .value = B("1"), .created_us = then_us},
		{.op = HF_KV_PUT, .key = B("b"), .value = B("2"), .created_us = INT64_MAX / 2},
		{.op = HF_KV_PUT, .key = B("c"), .value = B("3"), .metadata = HF_STR("[1]"), .ttl_us = SECONDS(60)},
	};
	kv_put(t, B("a"), B("0"), 0);
	WANT_OK(hf_kv_apply(t->kv, writes, 3, NULL, NULL, NULL, &t->err));
	WANT_INT(kv_look(t, B("a"), B("1"), NULL, 0).created_us, then_us);
	struct hf_kv_entry now = kv_look(t, B("b"), B("2"), NULL, 0);
	WANT_INT(now.created_us, now.updated_us);
	kv_look(t, B("c"), B("3"), "[1]", SECONDS(60));
	kv_put(t, B("a"), B("4"), 0);
	struct hf_kv_entry later = kv_look(t, B("a"), B("4"), NULL, 0);
	WANT_INT(later.created_us, then_us);
	WANT_TRUE(later.updated_us > then_us);
	WANT_OK(hf_kv_apply(t->kv,
	                    &(struct hf_kv_write){.op = HF_KV_PUT, .key = B("d"), .value = B("5"), .created_us = 7}, 1,
	                    NULL, NULL, NULL, &t->err));
	WANT_INT(kv_look(t, B("d"), B("5"), NULL, 0).created_us, 7);
	writes[0].created_us = -1;
	WANT(hf_kv_apply(t->kv, writes, 1, NULL, NULL, NULL, &t->err), HF_E_USAGE);
	writes[0] = (struct hf_kv_write){.op = HF_KV_APPEND, .key = B("a"), .value = B("+"), .created_us = then_us};
	WANT(hf_kv_apply(t->kv, writes, 1, NULL, NULL, NULL, &t->err), HF_E_USAGE);
}

static void over_expired(struct kv_test *t)
{
	kv_put(t, B("k"), B("1"), SECONDS(60));
	struct hf_kv_entry first = kv_look(t, B("k"), B("1"), NULL, SECONDS(60));
	kv_put(t, B("k"), B("2"), 20000);
	kv_rig_pass(t->rig, 20000);
	kv_look_gone(t, B("k"));
	kv_put(t, B("k"), B("3"), 0);
	struct hf_kv_entry second = kv_look(t, B("k"), B("3"), NULL, 0);
	WANT_TRUE(second.created_us > first.created_us);
	WANT_INT(second.updated_us, second.created_us);
	WANT_TRUE(second.rev > first.rev);
}

static void every_byte(struct kv_test *t)
{
	uint8_t all[256];
	for (int i = 0; i < 256; i++) {
		all[i] = (uint8_t)i;
		kv_put(t, (struct hf_bytes){&all[i], 1}, (struct hf_bytes){all, (size_t)i}, 0);
	}
	kv_put(t, (struct hf_bytes){all, 256}, (struct hf_bytes){all, 256}, 0);
	for (int i = 0; i < 256; i++)
		kv_look(t, (struct hf_bytes){&all[i], 1}, (struct hf_bytes){all, (size_t)i}, NULL, 0);
	kv_look(t, (struct hf_bytes){all, 256}, (struct hf_bytes){all, 256}, NULL, 0);
	WANT_INT(kv_live(t), 257);
}

static void keys_alike(struct kv_test *t)
{
	static const struct hf_bytes keys[] = {BYTES("a"),    BYTES("a\0"), BYTES("a\0b"),
	                                       BYTES("A"),    BYTES("a "),  BYTES("\xc3\xa4"),
	                                       BYTES("\xe4"), BYTES("61"),  BYTES("\\x61")};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		kv_put(t, keys[i], keys[i], 0);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		kv_look(t, keys[i], keys[i], NULL, 0);
	WANT_INT(kv_live(t), ARRAY_LEN(keys));
}

static void key_bound(struct kv_test *t)
{
	static uint8_t key[HF_KV_KEY_BYTES + 1];
	const struct hf_bytes longest = {key, HF_KV_KEY_BYTES}, over = {key, HF_KV_KEY_BYTES + 1};
	const struct hf_bytes both[2] = {longest, over};
	const struct hf_kv_write writes[2] = {{.op = HF_KV_PUT, .key = longest}, {.op = HF_KV_PUT, .key = over}};
	struct hf_kv_entry entries[2];
	bool is;
	memset(key, 0xff, sizeof(key));
	WANT(hf_kv_put(t->kv, over, B("v"), NULL, &t->err), HF_E_LIMIT);
	WANT(hf_kv_get(t->kv, over, NULL, t->arena, entries, &t->err), HF_E_LIMIT);
	WANT(hf_kv_contains(t->kv, over, NULL, &is, &t->err), HF_E_LIMIT);
	WANT(hf_kv_delete(t->kv, over, NULL, NULL, &t->err), HF_E_LIMIT);
	WANT(hf_kv_get_many(t->kv, both, 2, NULL, t->arena, entries, &t->err), HF_E_LIMIT);
	WANT(hf_kv_put_many(t->kv, both, both, 2, NULL, &t->err), HF_E_LIMIT);
	WANT(hf_kv_apply(t->kv, writes, 2, NULL, t->arena, NULL, &t->err), HF_E_LIMIT);
	WANT_INT(kv_live(t), 0);
	kv_put(t, longest, longest, 0);
	kv_look(t, longest, longest, NULL, 0);
}

static void value_bound(struct kv_test *t)
{
	static uint8_t value[1001];
	struct hf_kv_options options = {.size = sizeof(options), .value_bytes_max = 1000, .sweep_interval_ms = -1};
	hf_kv *root = t->kv;
	WANT_OK(kv_rig_open_at(t->rig, kv_rig_fresh_url(t->rig), &options, &t->kv, &t->err));
	kv_put(t, B("k"), (struct hf_bytes){value, 1000}, 0);
	WANT(hf_kv_put(t->kv, B("k"), (struct hf_bytes){value, 1001}, NULL, &t->err), HF_E_LIMIT);
	kv_look(t, B("k"), (struct hf_bytes){value, 1000}, NULL, 0);
	WANT(hf_kv_append(t->kv, B("k"), B("+"), NULL, &t->err), HF_E_LIMIT);
	kv_look(t, B("k"), (struct hf_bytes){value, 1000}, NULL, 0);
	kv_put(t, B("k"), (struct hf_bytes){value, 999}, 0);
	WANT_OK(hf_kv_append(t->kv, B("k"), (struct hf_bytes){value, 1}, NULL, &t->err));
	kv_look(t, B("k"), (struct hf_bytes){value, 1000}, NULL, 0);
	hf_kv_close(t->kv);
	t->kv = root;
}

static void value_default_bound(struct kv_test *t)
{
	size_t n = (size_t)HF_KV_VALUE_BYTES + 1;
	uint8_t *value = calloc(n, 1); /* never touched: refused by its length */
	assert_non_null(value);
	WANT(hf_kv_put(t->kv, B("k"), (struct hf_bytes){value, n}, NULL, &t->err), HF_E_LIMIT);
	kv_look_gone(t, B("k"));
	free(value);
}

static void a_megabyte(struct kv_test *t)
{
	size_t n = 1 << 20;
	uint8_t *value = malloc(n);
	uint64_t seed = 1;
	assert_non_null(value);
	for (size_t i = 0; i < n; i++)
		value[i] = (uint8_t)chance_under(&seed, 256);
	kv_put(t, B("k"), (struct hf_bytes){value, n}, 0);
	kv_look(t, B("k"), (struct hf_bytes){value, n}, NULL, 0);
	free(value);
}

/* ---- metadata ---- */

static void metadata_of(struct kv_test *t, const char *given, const char *kept)
{
	struct hf_kv_put put = {.metadata = hf_str_of(given)};
	WANT_OK(hf_kv_put(t->kv, B("k"), B("v"), &put, &t->err));
	kv_look(t, B("k"), B("v"), kept, 0);
}

static void metadata_kinds(struct kv_test *t)
{
	metadata_of(t, "{}", "{}");
	metadata_of(t, " { \"b\" : 1 , \"a\" : [ 1 , 2 ] } ", "{\"a\":[1,2],\"b\":1}");
	metadata_of(t, "{\"b\":{\"d\":null,\"c\":true},\"a\":false}", "{\"a\":false,\"b\":{\"c\":true,\"d\":null}}");
	metadata_of(t, "[]", "[]");
	metadata_of(t, "\"text\"", "\"text\"");
	metadata_of(t, "17", "17");
	metadata_of(t, "-9223372036854775808", "-9223372036854775808");
	metadata_of(t, "true", "true");
	metadata_of(t, "null", "null");
	metadata_of(t, "\"\"", "\"\"");
	metadata_of(t, "{\"\":\"\"}", "{\"\":\"\"}");
	metadata_of(t, "\"\\u00e4\\n\"", "\"\xc3\xa4\\n\"");
}

static void metadata_refused(struct kv_test *t, struct hf_str metadata, enum hf_status want)
{
	struct hf_kv_put put = {.metadata = metadata};
	WANT(hf_kv_put(t->kv, B("k"), B("new"), &put, &t->err), want);
	kv_look(t, B("k"), B("old"), NULL, 0);
}

static void metadata_refusals(struct kv_test *t)
{
	static const char *const no_json[] = {"",         " ",           "{",
	                                      "nul",      "{\"a\":1}x",  "{'a':1}",
	                                      "{\"a\":}", "[1,]",        "NaN",
	                                      "Infinity", "\"\\u0000\"", "{\"a\\u0000\":1}",
	                                      "\"\xff\"", "\"\\ud800\"", "{\"a\":1} {\"a\":1}",
	                                      "01"};
	kv_put(t, B("k"), B("old"), 0);
	for (size_t i = 0; i < ARRAY_LEN(no_json); i++)
		metadata_refused(t, hf_str_of(no_json[i]), HF_E_USAGE);
	metadata_refused(t, HF_STR("\"a\0b\""), HF_E_USAGE);
}

static void nest(char *text, int levels)
{
	memset(text, '[', (size_t)levels);
	memset(text + levels, ']', (size_t)levels);
	text[2 * levels] = '\0';
}

static void metadata_levels(struct kv_test *t)
{
	char text[2 * (HF_KV_METADATA_LEVELS + 1) + 1];
	kv_put(t, B("k"), B("old"), 0);
	nest(text, HF_KV_METADATA_LEVELS + 1);
	metadata_refused(t, hf_str_of(text), HF_E_LIMIT);
	nest(text, HF_KV_METADATA_LEVELS);
	metadata_of(t, text, text);
}

static void metadata_length(struct kv_test *t)
{
	char *text = malloc(HF_KV_METADATA_BYTES + 2);
	assert_non_null(text);
	memset(text, 'x', HF_KV_METADATA_BYTES + 1);
	kv_put(t, B("k"), B("old"), 0);
	text[0] = text[HF_KV_METADATA_BYTES] = '"';
	text[HF_KV_METADATA_BYTES + 1] = '\0';
	metadata_refused(t, hf_str_of(text), HF_E_LIMIT);
	text[HF_KV_METADATA_BYTES - 1] = '"';
	text[HF_KV_METADATA_BYTES] = '\0';
	metadata_of(t, text, text);
	free(text);
}

/* `item` so often that the text has about `bytes`. */
static void fill_array(char *text, const char *item, size_t bytes)
{
	size_t at = 0;
	while (at + strlen(item) + 2 <= bytes)
		at += (size_t)snprintf(text + at, bytes - at, "%c%s", at ? ',' : '[', item);
	text[at] = ']';
	text[at + 1] = '\0';
}

/* What a backend adds to the text is its business; what canonical form adds counts. */
static void metadata_that_grow(struct kv_test *t)
{
	char *text = malloc(HF_KV_METADATA_BYTES + 2);
	assert_non_null(text);
	kv_put(t, B("k"), B("old"), 0);
	fill_array(text, "1e18", HF_KV_METADATA_BYTES);
	metadata_refused(t, hf_str_of(text), HF_E_LIMIT);
	fill_array(text, "1", HF_KV_METADATA_BYTES);
	metadata_of(t, text, text);
	fill_array(text, "4.9406564584124654e-324", HF_KV_METADATA_BYTES);
	metadata_of(t, text, text);
	free(text);
}

const struct kv_case kv_cases_entry[] = {
	SCRIPT("a key that was never put is not there", {GONE, K("k")}, {COUNT}),
	{.name = "get gives every field that put stored", .run = all_fields},
	SCRIPT("an empty value is not absence", {PUT, K("k")}, {IS, K("k")}, {COUNT, .number = 1}),
	SCRIPT("an empty key is a key like any", {GONE, K("")}, {PUT, K(""), V("v")}, {IS, K(""), V("v")},
               {PUT, K("a"), V("w")}, {IS, K(""), V("v")}, {DEL, K(""), .number = 1}, {GONE, K("")},
               {IS, K("a"), V("w")}),
	SCRIPT("a value may have NUL bytes", {PUT, K("k"), V("\0a\0")}, {IS, K("k"), V("\0a\0")}),
	{.name = "every byte stands in keys and values", .run = every_byte},
	{.name = "keys that look alike are different keys", .run = keys_alike},
	{.name = "a key of 480 bytes is stored, one of 481 is refused everywhere", .run = key_bound},
	{.name = "a value at its bound is stored, one byte more is refused", .run = value_bound},
	{.name = "a value of 64 MiB and a byte is refused", .run = value_default_bound},
	{.name = "a value of a megabyte comes back", .run = a_megabyte},
	SCRIPT("put replaces the value", {PUT, K("k"), V("1"), .save = 1}, {PUT, K("k"), V("22"), .above = 1},
               {IS, K("k"), V("22")}, {COUNT, .number = 1}),
	SCRIPT("put of the same value is a write", {PUT, K("k"), V("1"), .save = 1}, {PUT, K("k"), V("1"), .above = 1}),
	SCRIPT("put clears expiry and metadata", {PUT, K("k"), V("1"), .ttl = SECONDS(60), .metadata = "{\"a\":1}"},
               {IS, K("k"), V("1"), .ttl = SECONDS(60), .metadata = "{\"a\":1}"}, {PUT, K("k"), V("2")},
               {IS, K("k"), V("2")}),
	SCRIPT("put keeps the expiry on request", {PUT, K("k"), V("1"), .ttl = SECONDS(60), .metadata = "1"},
               {PUT, K("k"), V("2"), .flags = HF_KV_KEEP_TTL}, {IS, K("k"), V("2"), .ttl = SECONDS(60)}),
	SCRIPT("put keeps the metadata on request", {PUT, K("k"), V("1"), .ttl = SECONDS(60), .metadata = "{\"a\":1}"},
               {PUT, K("k"), V("2"), .flags = HF_KV_KEEP_METADATA}, {IS, K("k"), V("2"), .metadata = "{\"a\":1}"}),
	SCRIPT("a time to live beside a kept expiry is for an entry that is new",
               {PUT, K("k"), V("1"), .ttl = SECONDS(60), .flags = HF_KV_KEEP_TTL},
               {IS, K("k"), V("1"), .ttl = SECONDS(60)},
               {PUT, K("k"), V("2"), .ttl = SECONDS(6000), .flags = HF_KV_KEEP_TTL},
               {IS, K("k"), V("2"), .ttl = SECONDS(60)}, {PUT, K("k"), V("3")},
               {PUT, K("k"), V("4"), .ttl = SECONDS(60), .flags = HF_KV_KEEP_TTL}, {IS, K("k"), V("4")}),
	SCRIPT("there is nothing to keep of what is absent",
               {PUT, K("k"), V("1"), .flags = HF_KV_KEEP_TTL | HF_KV_KEEP_METADATA}, {IS, K("k"), V("1")}),
	SCRIPT("there is nothing to keep of what expired", {PUT, K("k"), V("1"), .ttl = 20000, .metadata = "1"},
               {PASS, .number = 20000}, {PUT, K("k"), V("2"), .flags = HF_KV_KEEP_TTL | HF_KV_KEEP_METADATA},
               {IS, K("k"), V("2")}),
	{.name = "created stays while the entry lives", .run = created_stays},
	{.name = "what is brought keeps when it was made", .run = created_is_brought},
	{.name = "put over what expired begins anew", .run = over_expired},
	SCRIPT("delete is idempotent and says whether it existed", {DEL, K("k")}, {PUT, K("k"), V("1")},
               {DEL, K("k"), .number = 1}, {GONE, K("k")}, {DEL, K("k")}, {DEL, K("k")}),
	SCRIPT("delete of what expired says that it did not exist", {PUT, K("k"), V("1"), .ttl = 20000},
               {PASS, .number = 20000}, {DEL, K("k")}, {GONE, K("k")}),
	SCRIPT("delete leaves the others", {PUT, K("a"), V("1")}, {PUT, K("b"), V("2")}, {PUT, K("ab"), V("3")},
               {DEL, K("a"), .number = 1}, {GONE, K("a")}, {IS, K("b"), V("2")}, {IS, K("ab"), V("3")},
               {COUNT, .number = 2}),
	SCRIPT("a revision is never given twice", {PUT, K("k"), V("1"), .save = 1}, {DEL, K("k"), .number = 1},
               {PUT, K("k"), V("1"), .above = 1, .save = 2}, {CLEAR, .number = 1}, {PUT, K("k"), V("1"), .above = 2}),
	{.name = "metadata are JSON of any kind, kept in one form", .run = metadata_kinds},
	{.name = "metadata that are not JSON are refused", .run = metadata_refusals},
	{.name = "metadata nest 63 levels deep, not 64", .run = metadata_levels},
	{.name = "metadata have 64 KiB, not a byte more", .run = metadata_length},
	{.name = "metadata are as long as their canonical form", .run = metadata_that_grow},
	{0},
};
