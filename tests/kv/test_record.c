/*
 * Records as bytes: what was written is read, and what is damaged is named and never read beyond its end.
 */
#include "../check.h"

#include <stdlib.h>
#include <string.h>

#include "kv/record.h"

static const struct record sample = {
	.rev = 77,
	.created_us = 1700000000000000,
	.updated_us = 1700000000000001,
	.expires_us = 1800000000000000,
	.epoch = 3,
	.metadata = {(const uint8_t *)"{\"a\":1}", 7},
	.value = {(const uint8_t *)"value", 5},
	.more = {(const uint8_t *)"more", 4},
};

static struct hf_bytes encoded(const struct record *record)
{
	uint8_t *place = malloc(record_bytes(record));
	assert_non_null(place);
	record_encode(record, place);
	return (struct hf_bytes){place, record_bytes(record)};
}

static void drop(struct hf_bytes bytes)
{
	free((void *)(uintptr_t)bytes.ptr);
}

static void test_there_and_back(void **state)
{
	(void)state;
	hf_error err = HF_ERROR_INIT;
	struct record got;
	struct hf_bytes bytes = encoded(&sample);
	EXPECT_OK(record_decode(bytes, &got, &err));
	assert_int_equal(got.rev, sample.rev);
	assert_int_equal(got.created_us, sample.created_us);
	assert_int_equal(got.updated_us, sample.updated_us);
	assert_int_equal(got.expires_us, sample.expires_us);
	assert_int_equal(got.epoch, sample.epoch);
	assert_int_equal(got.metadata.len, 7);
	assert_memory_equal(got.metadata.ptr, "{\"a\":1}", 7);
	assert_int_equal(got.value.len, 9);
	assert_memory_equal(got.value.ptr, "valuemore", 9);
	drop(bytes);
}

static void test_nothing_but_a_header(void **state)
{
	(void)state;
	hf_error err = HF_ERROR_INIT;
	struct record got, plain = {.rev = INT64_MAX};
	struct hf_bytes bytes = encoded(&plain);
	assert_int_equal(bytes.len, RECORD_HEADER_MIN);
	EXPECT_OK(record_decode(bytes, &got, &err));
	assert_int_equal(got.rev, INT64_MAX);
	assert_int_equal(got.value.len + got.metadata.len, 0);
	assert_true(record_is_live(&got, INT64_MAX));
	drop(bytes);
}

/* An entry whose expiry is now is gone. */
static void test_expiry(void **state)
{
	(void)state;
	assert_true(record_is_live(&sample, sample.expires_us - 1));
	assert_false(record_is_live(&sample, sample.expires_us));
}

static void expect_corrupt(struct hf_bytes bytes)
{
	hf_error err = HF_ERROR_INIT;
	struct record got = {.rev = 5};
	EXPECT_STATUS(record_decode(bytes, &got, &err), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "could not read an entry");
	assert_int_equal(got.rev, 5);
}

/* Each length but the right one, in memory that ends there (the sanitizer sees to it). */
static void test_every_truncation(void **state)
{
	(void)state;
	struct hf_bytes bytes = encoded(&sample);
	for (size_t len = 0; len < bytes.len; len++) {
		uint8_t *cut = malloc(len ? len : 1);
		assert_non_null(cut);
		memcpy(cut, bytes.ptr, len);
		expect_corrupt((struct hf_bytes){cut, len});
		free(cut);
	}
	drop(bytes);
}

static void test_every_bit_of_the_header(void **state)
{
	(void)state;
	struct hf_bytes bytes = encoded(&sample);
	uint8_t *place = (uint8_t *)(uintptr_t)bytes.ptr;
	for (size_t bit = 0; bit < RECORD_HEADER_MAX * 8; bit++) {
		place[bit / 8] ^= (uint8_t)(1 << bit % 8);
		expect_corrupt(bytes);
		place[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	drop(bytes);
}

/* A right check does not make up for a wrong content. */
static void test_contradictions(void **state)
{
	(void)state;
	struct record no_rev = {.rev = 0}, negative = {.rev = -1}, long_metadata = {.rev = 1};
	struct hf_bytes bytes = encoded(&no_rev);
	expect_corrupt(bytes);
	drop(bytes);
	bytes = encoded(&negative);
	expect_corrupt(bytes);
	drop(bytes);
	long_metadata.metadata = (struct hf_bytes){(const uint8_t *)"abc", 3};
	bytes = encoded(&long_metadata);
	bytes.len--;
	expect_corrupt(bytes);
	drop(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_nothing_but_a_header),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_every_bit_of_the_header),
		cmocka_unit_test(test_contradictions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
