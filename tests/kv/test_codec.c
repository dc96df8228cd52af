/*
 * Values packed and unpacked: what is kept as it is, what comes back, what is refused.
 */
#include "../check.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "kv/codec.h"

static struct codec codec;
static hf_arena *arena;
static hf_error err = HF_ERROR_INIT;

static int set_up(void **state)
{
	const struct hf_kv_options options = {.compress_from = 512, .value_bytes_max = 1 << 20};
	(void)state;
	codec_init(&codec, &options);
	arena = hf_arena_new(0);
	return arena ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	codec_deinit(&codec);
	hf_arena_free(arena);
	return 0;
}

/* `noise` of `len` bytes are such that nothing makes them shorter, the rest is all the same. */
static struct hf_bytes made(size_t len, size_t noise)
{
	uint8_t *bytes = hf_arena_alloc(arena, len + 1);
	uint64_t seed = 1;
	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		bytes[i] = i < noise ? (uint8_t)(seed >> 56) : 'x';
	}
	return (struct hf_bytes){bytes, len};
}

static struct codec_value pack(struct hf_bytes plain)
{
	struct codec_value value;
	EXPECT_OK(codec_pack(&codec, plain, arena, &value, &err));
	return value;
}

static void back(struct codec_value value, struct hf_bytes plain)
{
	struct hf_bytes got;
	size_t bytes = 0;
	EXPECT_OK(codec_length(&codec, value, &bytes, &err));
	assert_int_equal(bytes, plain.len);
	EXPECT_OK(codec_plain(&codec, value, arena, &got, &err));
	assert_int_equal(got.len, plain.len);
	assert_memory_equal(got.ptr, plain.ptr, plain.len);
}

static void packs_what_pays(void **state)
{
	(void)state;
	assert_int_equal(pack(made(511, 0)).codec, CODEC_RAW);
	assert_int_equal(pack(made(512, 0)).codec, CODEC_ZSTD);
	assert_int_equal(pack(made(10000, 10000)).codec, CODEC_RAW);
	assert_int_equal(pack(made(10000, 8900)).codec, CODEC_RAW);  /* 11 % at best */
	assert_int_equal(pack(made(10000, 8600)).codec, CODEC_ZSTD); /* 13 %, and zstd's own few bytes */
	struct hf_bytes raw = made(100, 0);
	assert_ptr_equal(pack(raw).bytes.ptr, raw.ptr);
	for (size_t len = 512; len <= 1 << 20; len = len * 3 / 2) {
		struct codec_value value = pack(made(len, len / 2));
		assert_int_equal(value.codec, CODEC_ZSTD);
		assert_true(value.bytes.len <= len - len * CODEC_SAVED_MIN / 100);
		back(value, made(len, len / 2));
	}
}

static void packs_nothing_when_told_so(void **state)
{
	struct codec never;
	struct codec_value value;
	const struct hf_kv_options options = {.compress_from = HF_KV_COMPRESS_NEVER, .value_bytes_max = 1 << 20};
	(void)state;
	codec_init(&never, &options);
	EXPECT_OK(codec_pack(&never, made(1 << 19, 0), arena, &value, &err));
	assert_int_equal(value.codec, CODEC_RAW);
	value = pack(made(1 << 19, 0));
	back(value, made(1 << 19, 0));
	codec_deinit(&never);
}

/* Each bit of it, each length, all that may come of it: the same value or a refusal. */
static void finds_what_was_damaged(void **state)
{
	struct hf_bytes plain = made(700, 300), got;
	struct codec_value good = pack(plain), bad = good;
	uint8_t *copy = hf_arena_alloc(arena, good.bytes.len);
	(void)state;
	assert_int_equal(good.codec, CODEC_ZSTD);
	for (size_t bit = 0; bit < good.bytes.len * 8; bit++) {
		memcpy(copy, good.bytes.ptr, good.bytes.len);
		copy[bit / 8] = (uint8_t)(copy[bit / 8] ^ 1u << bit % 8);
		bad.bytes.ptr = copy;
		enum hf_status status = codec_plain(&codec, bad, arena, &got, &err);
		if (status == HF_OK) { /* a bit that says nothing of the value */
			assert_int_equal(got.len, plain.len);
			assert_memory_equal(got.ptr, plain.ptr, plain.len);
		} else if (status != HF_E_CORRUPT && status != HF_E_LIMIT) {
			fail_msg("bit %zu: %s", bit, hf_status_word(status));
		}
	}
	for (size_t len = 0; len < good.bytes.len; len++) {
		bad.bytes = (struct hf_bytes){good.bytes.ptr, len};
		EXPECT_STATUS(codec_plain(&codec, bad, arena, &got, &err), HF_E_CORRUPT);
	}
	good.codec = 7;
	EXPECT_STATUS(codec_plain(&codec, good, arena, &got, &err), HF_E_CORRUPT);
}

/* A few bytes that say that they are a lot. */
static void bounds_what_it_unpacks(void **state)
{
	struct hf_bytes got;
	struct codec_value value = pack(made(1 << 20, 0));
	uint8_t *bytes = hf_arena_alloc(arena, value.bytes.len);
	const struct hf_kv_options options = {.compress_from = 512, .value_bytes_max = (1 << 20) - 1};
	struct codec smaller;
	(void)state;
	codec_init(&smaller, &options);
	EXPECT_STATUS(codec_plain(&smaller, value, arena, &got, &err), HF_E_LIMIT);
	codec_deinit(&smaller);
	memcpy(bytes, value.bytes.ptr, value.bytes.len);
	value.bytes.ptr = bytes;
	memcpy(bytes, "\x00\x00\x02\x00", 4); /* 512, and there is a megabyte in it */
	EXPECT_STATUS(codec_plain(&codec, value, arena, &got, &err), HF_E_CORRUPT);
	memcpy(bytes, "\x00\x10\x00\x00", 4);
	back(value, made(1 << 20, 0));
	memcpy(bytes, "\xff\xff\xff\xff", 4);
	EXPECT_STATUS(codec_plain(&codec, value, arena, &got, &err), HF_E_CORRUPT);
	memcpy(bytes, "\x00\x00\x00\x00", 4);
	EXPECT_STATUS(codec_plain(&codec, value, arena, &got, &err), HF_E_CORRUPT);
}

static void needs_room(void **state)
{
	hf_arena *little = hf_arena_new(1000);
	struct hf_bytes got;
	(void)state;
	EXPECT_STATUS(codec_plain(&codec, pack(made(1000, 0)), little, &got, &err), HF_E_LIMIT);
	hf_arena_reset(little);
	EXPECT_OK(codec_plain(&codec, pack(made(900, 0)), little, &got, &err));
	hf_arena_free(little);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(packs_what_pays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(packs_nothing_when_told_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(finds_what_was_damaged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bounds_what_it_unpacks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(needs_room, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
