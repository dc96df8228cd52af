/*
 * The target itself, for libFuzzer (tests/fuzz/run) and for the replay of its corpus (replay.c).
 */
#include "decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "holdfast/values.h"
#include "pg/decode.h"
#include "pg/encode.h"
#include "../gen/every_type.h"

/* The widest C form beside the shortest wire form: an array of composites of which each is NULL. */
enum { ARENA_BASE = 1 << 16, ARENA_PER_BYTE = 128, OUT_MAX = 1024 };

static void require(bool holds, const char *what, const struct hf_type *type, const hf_error *err)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s: %s\n", type->name, what, err->message);
	abort();
}

/* What a program does with values next. */
static void read_value(const struct hf_type *type, const void *value)
{
	char text[512];
	int64_t number;
	struct hf_civil civil;
	switch ((int)type->kind) {
	case HF_TYPE_NUMERIC:
		hf_numeric_to_text(value, text, sizeof(text));
		hf_numeric_to_i64(value, &number);
		hf_numeric_to_double(value);
		break;
	case HF_TYPE_INET:
		hf_inet_to_text(value, text);
		break;
	case HF_TYPE_DATE:
		hf_date_to_civil(*(const struct hf_date *)value, &civil);
		break;
	case HF_TYPE_TIMESTAMP:
		hf_timestamp_to_civil(*(const struct hf_timestamp *)value, &civil);
		hf_timestamp_to_text(*(const struct hf_timestamp *)value, "", text, sizeof(text));
		break;
	case HF_TYPE_INTERVAL:
		hf_interval_to_us(*(const struct hf_interval *)value, &number);
		break;
	case HF_TYPE_UUID:
		hf_uuid_to_text(value, text);
		break;
	default:
		break;
	}
}

/* Encode, decode, encode: the same bytes both times. Numbers of the user's types are 0 here, and go unchecked. */
static void go_round(const struct hf_type *type, const void *value, hf_arena *arena)
{
	hf_error err = HF_ERROR_INIT;
	const struct hf_field field = {"value", type, 0, HF_NEVER_NULL};
	const struct hf_query query = {.name = "fuzz", .params = &field, .nparams = 1};
	_Alignas(16) char again[OUT_MAX] = {0};
	struct encoded first, second;
	enum hf_status status = encode_params(&first, &query, NULL, value, &err);
	require(status == HF_OK || status == HF_E_INPUT, "encoding", type, &err); /* NUL in text, labels unknown */
	if (status == HF_OK) {
		size_t len = (size_t)first.lengths[0];
		status = decode_value(type, (const uint8_t *)first.values[0], len, arena, again, &err);
		require(status == HF_OK, "decoding what was encoded", type, &err);
		status = encode_params(&second, &query, NULL, again, &err);
		require(status == HF_OK && (size_t)second.lengths[0] == len &&
		                memcmp(first.values[0], second.values[0], len) == 0,
		        "encoding again", type, &err);
		encoded_deinit(&second);
	}
	encoded_deinit(&first);
}

static void try_value(const struct hf_type *type, bool borrow, const uint8_t *bytes, size_t len)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(ARENA_BASE + ARENA_PER_BYTE * len);
	CLEANUP(arena_freep) hf_arena *second = hf_arena_new(0);
	struct decoder decoder = {.arena = arena, .borrow = borrow};
	_Alignas(16) char value[OUT_MAX] = {0};
	require(type->size <= sizeof(value), "wider than this test allows for", type, &err);
	enum hf_status status = decode_field(&decoder, type, bytes, len, value, &err);
	require(status == HF_OK || status == HF_E_PROTOCOL || status == HF_E_DRIFT, "decoding", type, &err);
	require(status == HF_OK || err.message[0], "a refusal without a word", type, &err);
	if (status == HF_OK) {
		read_value(type, value);
		go_round(type, value, second);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < FUZZ_HEAD)
		return 0;
	uint8_t *bytes =
		malloc(size - FUZZ_HEAD + 1); /* where a PGresult has its NUL; nothing else is behind a value */
	if (!bytes)
		return 0;
	memcpy(bytes, data + FUZZ_HEAD, size - FUZZ_HEAD);
	bytes[size - FUZZ_HEAD] = 0;
	try_value(every_type[data[0] % EVERY_TYPE_COUNT], data[1] & 1, bytes, size - FUZZ_HEAD);
	free(bytes);
	return 0;
}
