/*
 * The digest of entries: pinned values (made with xxhsum, not with the library), and what may and may not change it.
 */
#include "../check.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "kv/digest.h"

static struct hf_kv_entry entry_of(const char *key, const char *value, const char *metadata, int64_t expires_us)
{
	return (struct hf_kv_entry){.key = hf_kv_text(key),
	                            .value = hf_kv_text(value),
	                            .metadata = hf_str_of(metadata),
	                            .expires_us = expires_us,
	                            .rev = 1};
}

static void digest_text(const struct kv_sums *sums, char ret_text[2 * HF_KV_DIGEST_BYTES + 1])
{
	struct hf_kv_digest digest;
	kv_sums_digest(sums, &digest);
	for (size_t i = 0; i < sizeof(digest.bytes); i++)
		snprintf(ret_text + 2 * i, 3, "%02x", digest.bytes[i]);
}

static void want_digest(const struct kv_sums *sums, const char *want)
{
	char text[2 * HF_KV_DIGEST_BYTES + 1];
	digest_text(sums, text);
	assert_string_equal(text, want);
}

static void want_one(struct hf_kv_entry entry, struct kv_sums *all, const char *want)
{
	struct kv_sums sums = {0};
	kv_sums_add(&sums, &entry);
	want_digest(&sums, want);
	kv_sums_add(all, &entry);
}

static uint8_t *filled(size_t bytes, int c)
{
	uint8_t *place = malloc(bytes);
	assert_non_null(place);
	memset(place, c, bytes);
	return place;
}

/* Short and long entries go two ways; the bound between them is no part of the definition. */
static void test_pinned_values(void **state)
{
	(void)state;
	struct kv_sums all = {0};
	uint8_t *x = filled(512, 'x'), *y = filled(100000, 'y'), counted[512];
	for (size_t i = 0; i < sizeof(counted); i++)
		counted[i] = (uint8_t)i;
	struct hf_kv_entry long_key = entry_of("c", "", NULL, HF_KV_NEVER);
	want_one(entry_of("a", "1", NULL, 0), &all, "1ce363629470de711ce363629470de71eb581283d813c3bdeb581283d813c3bd");
	want_one(entry_of("", "", NULL, 0), &all, "9a026d96b3c0f0fc9a026d96b3c0f0fca057271c9071c99da057271c9071c99d");
	struct hf_kv_entry full = entry_of("bbb", "", "{\"a\":1}", 1800000000000000);
	full.value = (struct hf_bytes){counted, sizeof(counted)};
	want_one(full, &all, "c3490620eca23386c3490620eca233863df6c3f6cb0c79003df6c3f6cb0c7900");
	long_key.value = (struct hf_bytes){x, 511};
	want_one(long_key, &all, "6ab4f5ba911f5d696ab4f5ba911f5d694e0d681465aa2f204e0d681465aa2f20");
	long_key.value.len = 512;
	want_one(long_key, &all, "fe2c65bae9789eb3fe2c65bae9789eb3da0588046fa8b218da0588046fa8b218");
	full = entry_of("long", "", "[1]", 5);
	full.value = (struct hf_bytes){y, 100000};
	want_one(full, &all, "a54588e8b9d3934ea54588e8b9d3934e20949a5c59d5259f20949a5c59d5259f");
	want_digest(&all, "8855bb78693f925d7475103c0aa64d9f124d880c62ba0d31c2658c25d0b9cb87");
	assert_int_equal(all.count, 6);
	assert_int_equal(all.bytes, 2 + 0 + 515 + 512 + 513 + 100004);
	free(x);
	free(y);
}

static void test_order_revision_and_times_do_not_matter(void **state)
{
	(void)state;
	struct kv_sums there = {0}, back = {0}, halves[2] = {{0}, {0}};
	struct hf_kv_entry entries[100];
	char keys[100][8], text[2 * HF_KV_DIGEST_BYTES + 1];
	for (size_t i = 0; i < 100; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		entries[i] = entry_of(keys[i], "value", NULL, 0);
		kv_sums_add(&there, &entries[i]);
		kv_sums_add(&halves[i % 2], &entries[i]);
	}
	for (size_t i = 100; i-- > 0;) {
		entries[i].rev = 1000 + (int64_t)i;
		entries[i].created_us = entries[i].updated_us = (int64_t)i;
		kv_sums_add(&back, &entries[i]);
	}
	digest_text(&there, text);
	want_digest(&back, text);
	kv_sums_join(&halves[0], &halves[1]);
	want_digest(&halves[0], text);
	assert_memory_equal(&halves[0], &there, sizeof(there));
}

/* Bytes that move from one part to the next are another entry. */
static void test_everything_else_matters(void **state)
{
	(void)state;
	const struct hf_kv_entry entries[] = {
		entry_of("ab", "c", NULL, 0), entry_of("a", "bc", NULL, 0),  entry_of("abc", "", NULL, 0),
		entry_of("", "abc", NULL, 0), entry_of("ab", "", "1", 0),    entry_of("ab", "1", NULL, 0),
		entry_of("ab", "c", NULL, 1), entry_of("ab", "c", "1", 0),   entry_of("ab", "c", "2", 0),
		entry_of("ab", "d", NULL, 0), entry_of("ab", "c", NULL, -1),
	};
	struct hf_kv_digest digests[ARRAY_LEN(entries)];
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		struct kv_sums sums = {0};
		kv_sums_add(&sums, &entries[i]);
		kv_sums_digest(&sums, &digests[i]);
		for (size_t other = 0; other < i; other++)
			assert_memory_not_equal(&digests[i], &digests[other], sizeof(digests[i]));
	}
}

/* Every length at which the hash goes another way, and those around it. */
static void test_wide_is_plain(void **state)
{
	(void)state;
	static uint8_t bytes[3000];
	if (!kv_hash_has_wide())
		skip();
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * i >> 3);
	for (size_t len = 0; len < 2 * sizeof(bytes) / 3; len++) {
		const struct hf_kv_entry entry = {.key = {bytes + len % 7, len % 50},
		                                  .value = {bytes + len % 13, len},
		                                  .metadata = {(const char *)bytes, len % 3 ? 0 : len / 2},
		                                  .expires_us = (int64_t)len};
		struct kv_hash plain, wide;
		kv_hash_plain(&entry, &plain);
		kv_hash_wide(&entry, &wide);
		assert_true(plain.high == wide.high && plain.low == wide.low);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pinned_values),
		cmocka_unit_test(test_order_revision_and_times_do_not_matter),
		cmocka_unit_test(test_everything_else_matters),
		cmocka_unit_test(test_wide_is_plain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
