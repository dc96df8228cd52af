/* Every decoder against good bytes, every truncation of them, wrong lengths, and bytes changed at random. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../check.h"
#include "base/arena.h"
#include "base/macros.h"
#include "pg/decode.h"
#include "pg/encode.h"
#include "pg/query_run.h"
#include "pg/types.h"

enum { OUT_MAX = 256, MUTATIONS = 20000 };

static const char *const color_labels[] = {"red", "green"};
static const struct hf_type color_type = {
	.kind = HF_TYPE_ENUM, .name = "color", .size = sizeof(int), .labels = color_labels, .count = 2};
struct point {
	int32_t x;
	struct hf_str name;
	bool has_name;
};
static const struct hf_field point_fields[] = {
	{"x", &hf_type_int4, offsetof(struct point, x), HF_NEVER_NULL},
	{"name", &hf_type_text, offsetof(struct point, name), offsetof(struct point, has_name)},
};
static const struct hf_type point_type = {
	.kind = HF_TYPE_COMPOSITE, .name = "point", .size = sizeof(struct point), .fields = point_fields, .count = 2};
static const struct hf_type point_array = {
	.kind = HF_TYPE_ARRAY, .name = "point[]", .size = sizeof(struct hf_array), .element = &point_type};

static const struct hf_type span_type = {
	.kind = HF_TYPE_RANGE, .name = "span", .size = sizeof(struct { HF_RANGE_MEMBERS(struct hf_str); }), .element = &hf_type_text};

#define W(n) "\0\0\0" n
#define POINT(x_) W("\2") W("\x17") W("\4") W(x_) W("\x19") W("\2") "ab"
#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

/* Good values. `whole`: no proper prefix of it is a value of the type. */
static const struct sample {
	const struct hf_type *type;
	const uint8_t *bytes;
	size_t len;
	bool whole;
} samples[] = {
	{&hf_type_bool, BYTES("\1"), true},
	{&hf_type_int2, BYTES("\xff\xfe"), true},
	{&hf_type_int4, BYTES("\x80\0\0\0"), true},
	{&hf_type_int8, BYTES("\x80\0\0\0\0\0\0\1"), true},
	{&hf_type_oid, BYTES("\xff\xff\xff\xff"), true},
	{&hf_type_float4, BYTES("\x3f\xc0\0\0"), true},
	{&hf_type_float8, BYTES("\x7f\xf8\0\0\0\0\0\0"), true},
	{&hf_type_numeric, BYTES("\0\2\0\1\x40\0\0\3\0\1\x27\x0f"), true},
	{&hf_type_text, BYTES("text"), false},
	{&hf_type_jsonb, BYTES("\1{}"), false},
	{&hf_type_bytea, BYTES("\0\1"), false},
	{&hf_type_char, BYTES("x"), true},
	{&hf_type_uuid, BYTES("0123456789abcdef"), true},
	{&hf_type_date, BYTES("\x7f\xff\xff\xff"), true},
	{&hf_type_time, BYTES("\0\0\0\x14\x1d\xd7\x60\0"), true},
	{&hf_type_timetz, BYTES("\0\0\0\0\0\0\0\1\xff\xff\xf1\xf0"), true},
	{&hf_type_timestamp, BYTES("\x80\0\0\0\0\0\0\0"), true},
	{&hf_type_timestamptz, BYTES("\x7f\xff\xff\xff\xff\xff\xff\xff"), true},
	{&hf_type_interval, BYTES("\0\0\0\0\0\0\0\1\0\0\0\2\xff\xff\xff\xfd"), true},
	{&color_type, BYTES("green"), false},
	{&point_type, BYTES(POINT("\7")), true},
	{&hf_type_text_array, BYTES(W("\0") W("\0") W("\x19")), true},
	{&hf_type_int4_array, BYTES(W("\1") W("\1") W("\x17") W("\2") W("\1") W("\4") W("\5") "\xff\xff\xff\xff"),
	 true},
	{&hf_type_text_array,
	 BYTES(W("\2") W("\0") W("\x19") W("\1") W("\1") W("\2") "\xff\xff\xff\xf0" W("\1") "a" W("\0")), true},
	{&point_array, BYTES(W("\1") W("\0") "\0\0\1\0" W("\1") W("\1") W("\x1a") POINT("\7")), true},
	{&hf_type_money, BYTES("\xff\xff\xff\xff\xff\xff\xff\xfe"), true},
	{&hf_type_inet, BYTES("\2\x18\0\4\12\1\2\3"), true},
	{&hf_type_cidr, BYTES("\3\x20\1\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0"), true},
	{&hf_type_macaddr, BYTES("macadr"), true},
	{&hf_type_macaddr8, BYTES("macaddr8"), true},
	{&hf_type_tid, BYTES("\0\0\0\1\0\2"), true},
	{&hf_type_point, BYTES("\x3f\xf0\0\0\0\0\0\0\xbf\xf0\0\0\0\0\0\0"), true},
	{&hf_type_line, BYTES("\x3f\xf0\0\0\0\0\0\0\xbf\xf0\0\0\0\0\0\0\x7f\xf0\0\0\0\0\0\0"), true},
	{&hf_type_path, BYTES("\1" W("\1") "\x3f\xf0\0\0\0\0\0\0\xbf\xf0\0\0\0\0\0\0"), true},
	{&hf_type_polygon, BYTES(W("\1") "\x3f\xf0\0\0\0\0\0\0\xbf\xf0\0\0\0\0\0\0"), true},
	{&hf_type_varbit, BYTES(W("\x0a") "\xa0\x40"), true},
	{&hf_type_varbit, BYTES(W("\0")), true},
	{&hf_type_jsonpath, BYTES("\1$"), false},
	{&hf_type_tsvector, BYTES(W("\0")), false},
	{&hf_type_int2vector, BYTES(W("\1") W("\0") W("\x15") W("\1") W("\0") W("\2") "\0\7"), true},
	{&hf_type_int4range, BYTES("\2" W("\4") W("\1") W("\4") W("\5")), true},
	{&hf_type_int4range, BYTES("\x18"), true},
	{&hf_type_daterange, BYTES("\1"), true},
	{&hf_type_numrange, BYTES("\x0c" W("\x0a") "\0\1\0\0\0\0\0\0\0\1"), true},
	{&span_type, BYTES("\6" W("\1") "a" W("\0")), true},
	{&hf_type_int8multirange, BYTES(W("\0")), true},
	{&hf_type_int4multirange, BYTES(W("\2") W("\x11") "\2" W("\4") W("\1") W("\4") W("\5") W("\x09") "\x12" W("\4") W("\7")),
	 true},
	{&hf_type_int4range_array, BYTES(W("\1") W("\0") "\0\0\x0f\x40" W("\1") W("\1") W("\1") "\1"), true},
};

/* The bytes stand at the very end of a block of their size, so that a sanitizer sees the first byte read too many. */
static enum hf_status decode_copy(const struct hf_type *type, const uint8_t *bytes, size_t len, hf_arena *arena,
				  void *out, hf_error *err)
{
	uint8_t *copy = malloc(len ? len : 1);
	assert_non_null(copy);
	memcpy(copy, bytes, len);
	enum hf_status status = decode_value(type, len ? copy : copy + 1, len, arena, out, err);
	free(copy);
	return status;
}

static void good_values_decode(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		_Alignas(16) char out[OUT_MAX];
		EXPECT_OK(decode_copy(samples[i].type, samples[i].bytes, samples[i].len, arena, out, &err));
	}
}

static void truncated_values_are_refused(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *sample = &samples[i];
		for (size_t len = 0; len < sample->len; len++) {
			hf_error err = HF_ERROR_INIT;
			CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
			_Alignas(16) char out[OUT_MAX];
			enum hf_status status = decode_copy(sample->type, sample->bytes, len, arena, out, &err);
			if (sample->whole && status != HF_E_PROTOCOL)
				fail_msg("%s cut to %zu of %zu bytes: %s", sample->type->name, len, sample->len,
					 hf_status_word(status));
			if (sample->whole)
				EXPECT_CONTAINS(err.message, sample->type->name);
		}
	}
}

static void trailing_bytes_are_refused(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *sample = &samples[i];
		uint8_t longer[512];
		hf_error err = HF_ERROR_INIT;
		CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
		_Alignas(16) char out[OUT_MAX];
		memcpy(longer, sample->bytes, sample->len);
		longer[sample->len] = 0;
		if (sample->whole)
			EXPECT_STATUS(decode_copy(sample->type, longer, sample->len + 1, arena, out, &err),
				      HF_E_PROTOCOL);
	}
}

static const struct {
	const struct hf_type *type;
	const uint8_t *bytes;
	size_t len;
	const char *why;
} malformed[] = {
	{&hf_type_numeric, BYTES("\0\1\0\0\x12\x34\0\0\0\1"), "unknown sign"},
	{&hf_type_numeric, BYTES("\0\1\0\0\0\0\0\0\x27\x10"), "digit out of range"},
	{&hf_type_numeric, BYTES("\xff\xff\0\0\0\0\0\0\0\1"), "disagree"},
	{&hf_type_jsonb, BYTES("\2{}"), "unknown version"},
	{&hf_type_jsonb, BYTES(""), "unknown version"},
	{&point_type, BYTES("\xff\xff\xff\xff"), "no number of fields"},
	{&point_type, BYTES(W("\2") W("\x17") "\xff\xff\xff\xff"), "unexpected null"},
	{&point_type, BYTES(W("\2") W("\x17") "\xff\xff\xff\xfe"), "beyond the end"},
	{&point_type, BYTES(W("\2") W("\x17") "\x7f\xff\xff\xff"), "beyond the end"},
	{&hf_type_int4_array, BYTES("\xff\xff\xff\xff" W("\0") W("\x17")), "impossible number of dimensions"},
	{&hf_type_int4_array, BYTES(W("\7") W("\0") W("\x17")), "impossible number of dimensions"},
	{&hf_type_int4_array, BYTES(W("\1") W("\2") W("\x17") W("\0") W("\1")), "flags"},
	{&hf_type_int4_array, BYTES(W("\1") W("\0") W("\x17") "\x7f\xff\xff\xff" W("\1")), "more elements than bytes"},
	{&hf_type_int4_array, BYTES(W("\1") W("\0") W("\x17") "\xff\xff\xff\xff" W("\1")), "impossible dimension"},
	{&hf_type_int4_array, BYTES(W("\2") W("\0") W("\x17") "\0\1\0\0" W("\1") "\0\1\0\0" W("\1")),
	 "impossible dimension"},
	{&hf_type_int4_array, BYTES(W("\1") W("\0") W("\x17") W("\1") W("\1") "\xff\xff\xff\xfe"), "beyond the end"},
	{&hf_type_int4_array, BYTES(W("\1") W("\0") W("\x17") W("\1") W("\1") W("\2") "ab"), "wrong length"},
	{&hf_type_inet, BYTES("\4\x18\0\4\12\1\2\3"), "unknown address family"},
	{&hf_type_inet, BYTES("\2\x18\0\x10\12\1\2\3"), "unknown address family"},
	{&hf_type_inet, BYTES("\2\x21\0\4\12\1\2\3"), "more bits"},
	{&hf_type_path, BYTES("\2" W("\0")), "neither open nor closed"},
	{&hf_type_polygon, BYTES("\x10\0\0\1" "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "points and length"},
	{&hf_type_varbit, BYTES("\xff\xff\xff\xff\0"), "bits and length"},
	{&hf_type_int4range, BYTES("\x20"), "unknown flags"},
	{&hf_type_int4range, BYTES("\2" "\xff\xff\xff\xff" W("\4") W("\5")), "a bound reaches beyond the end"},
	{&hf_type_int4range, BYTES("\2" W("\3") "abc" W("\4") W("\5")), "wrong length"},
	{&hf_type_int4multirange, BYTES("\x7f\xff\xff\xff" W("\1") "\1"), "more ranges than bytes"},
	{&hf_type_int4multirange, BYTES("\xff\xff\xff\xff"), "more ranges than bytes"},
	{&hf_type_int4multirange, BYTES(W("\2") W("\1") "\1"), "more ranges than bytes"},
	{&hf_type_int4multirange, BYTES(W("\1") "\xff\xff\xff\xff\1"), "a range reaches beyond the end"},
};

static void malformed_values_say_what_is_wrong(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
		hf_error err = HF_ERROR_INIT;
		CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
		_Alignas(16) char out[OUT_MAX];
		EXPECT_STATUS(decode_copy(malformed[i].type, malformed[i].bytes, malformed[i].len, arena, out, &err),
			      HF_E_PROTOCOL);
		EXPECT_CONTAINS(err.message, malformed[i].why);
		assert_int_equal(err.category, HF_CATEGORY_TYPE);
	}
}

static const struct {
	const struct hf_type *type;
	const uint8_t *bytes;
	size_t len;
	const char *why;
} changed[] = {
	{&point_type, BYTES(W("\3") W("\x17") W("\4") W("\7")), "another number of fields"},
	{&point_type, BYTES(W("\2") W("\x18") W("\4") W("\7")), "another type"},
	{&hf_type_int4_array, BYTES(W("\1") W("\0") W("\x19") W("\0") W("\1")), "another type"},
};

static void another_shape_is_drift(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
		hf_error err = HF_ERROR_INIT;
		CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
		_Alignas(16) char out[OUT_MAX];
		EXPECT_STATUS(decode_copy(changed[i].type, changed[i].bytes, changed[i].len, arena, out, &err),
			      HF_E_DRIFT);
		EXPECT_CONTAINS(err.message, changed[i].why);
		assert_int_equal(err.category, HF_CATEGORY_SCHEMA);
	}
}

static void values_mean_what_they_say(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_timetz timetz;
	EXPECT_OK(decode_value(&hf_type_timetz, BYTES("\0\0\0\0\0\0\0\1\xff\xff\xf1\xf0"), arena, &timetz, &err));
	assert_int_equal(timetz.west_s, -3600);
	struct hf_interval interval;
	EXPECT_OK(decode_value(&hf_type_interval, BYTES("\0\0\0\0\0\0\0\1\0\0\0\2\xff\xff\xff\xfd"), arena, &interval,
			       &err));
	assert_true(interval.us == 1 && interval.days == 2 && interval.months == -3);
	bool flag = false;
	EXPECT_OK(decode_value(&hf_type_bool, BYTES("\x80"), arena, &flag, &err));
	assert_int_equal(flag, 1);
	int color = 0;
	EXPECT_OK(decode_value(&color_type, BYTES("green"), arena, &color, &err));
	assert_int_equal(color, 1);
	struct hf_numeric number;
	EXPECT_OK(decode_value(&hf_type_numeric, BYTES("\0\2\0\1\x40\0\0\3\0\1\x27\x0f"), arena, &number, &err));
	assert_true(number.ndigits == 2 && number.weight == 1 && number.sign == 0x4000 && number.dscale == 3);
	EXPECT_OK(decode_value(&hf_type_void, BYTES(""), arena, NULL, &err));
}

static const struct hf_type color_range_type = {.kind = HF_TYPE_RANGE,
                                                .name = "colors",
                                                .size = 2 * sizeof(int) + 4,
                                                .element = &color_type};
static const struct hf_type color_ranges_type = {.kind = HF_TYPE_MULTIRANGE,
                                                 .name = "manycolors",
                                                 .size = sizeof(struct hf_multirange),
                                                 .element = &color_range_type};
#define RED_TO_BLUE "\2" W("\3") "red" W("\4") "blue"

/* Behind every door: of a column that is open it is kept, of every other one refused. */
static void an_unknown_label_is_drift_unless_open(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	static const bool second[] = {false, true};
	static const struct hf_query query = {.open = second, .ncolumns = 2};
	struct decoder open = {.arena = arena, .query = &query, .column = 1};
	struct decoder shut = {.arena = arena, .query = &query, .column = 0};
	hf_error err = HF_ERROR_INIT;
	int color = 7;
	EXPECT_STATUS(decode_value(&color_type, BYTES("blue"), arena, &color, &err), HF_E_DRIFT);
	EXPECT_CONTAINS(err.message, "a label \"blue\" now");
	assert_int_equal(color, 7);
	EXPECT_OK(decode_field(&open, &color_type, BYTES("blue"), &color, &err));
	assert_int_equal(color, HF_ENUM_UNKNOWN);
	EXPECT_STATUS(decode_field(&shut, &color_type, BYTES("blue"), &color, &err), HF_E_DRIFT);
	struct hf_multirange ranges;
	static const char long_label[300];
	EXPECT_STATUS(decode_value(&color_type, (const uint8_t *)long_label, sizeof(long_label), arena, &color, &err),
	              HF_E_DRIFT);
	EXPECT_STATUS(decode_value(&color_ranges_type, BYTES(W("\1") W("\x10") RED_TO_BLUE), arena, &ranges, &err),
	              HF_E_DRIFT);
	EXPECT_OK(decode_field(&open, &color_ranges_type, BYTES(W("\1") W("\x10") RED_TO_BLUE), &ranges, &err));
	assert_int_equal(((const int *)ranges.ranges)[0], 0);
	assert_int_equal(((const int *)ranges.ranges)[1], HF_ENUM_UNKNOWN);
}

static void arrays_keep_bounds_and_nulls(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_int4_array list;
	const struct sample *nulls = &samples[22], *square = &samples[23], *empty = &samples[21];
	EXPECT_OK(decode_value(nulls->type, nulls->bytes, nulls->len, arena, &list, &err));
	assert_true(list.count == 2 && list.ndim == 1 && list.lower_bounds[0] == 1);
	assert_true(list.values[0] == 5 && !list.nulls[0] && list.nulls[1]);
	struct hf_str_array words;
	EXPECT_OK(decode_value(square->type, square->bytes, square->len, arena, &words, &err));
	assert_true(words.count == 2 && words.ndim == 2 && words.dims[1] == 2 && words.lower_bounds[1] == -16);
	assert_string_equal(words.values[0].ptr, "a"); /* a NUL behind it, though none is on the wire */
	assert_string_equal(words.values[1].ptr, "");
	assert_null(words.nulls);
	EXPECT_OK(decode_value(empty->type, empty->bytes, empty->len, arena, &words, &err));
	assert_true(words.count == 0 && words.ndim == 0);
}

static void a_full_arena_is_a_limit(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	_Alignas(16) char out[OUT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		for (size_t room = 1; room < 200; room += 9) {
			CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(room);
			enum hf_status status =
				decode_copy(samples[i].type, samples[i].bytes, samples[i].len, arena, out, &err);
			assert_true(status == HF_OK || status == HF_E_LIMIT);
		}
	}
}

/* xorshift; the seed is printed so that a failure can be run again with HF_SEED. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void changed_bytes_never_crash(UNUSED void **state)
{
	const char *given = getenv("HF_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
	print_message("# HF_SEED=%" PRIu64 "\n", seed);
	for (int i = 0; i < MUTATIONS; i++) {
		const struct sample *sample = &samples[next_random(&seed) % ARRAY_LEN(samples)];
		uint8_t bytes[512];
		hf_error err = HF_ERROR_INIT;
		CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(1 << 20);
		_Alignas(16) char out[OUT_MAX];
		memcpy(bytes, sample->bytes, sample->len);
		for (uint64_t n = next_random(&seed) % 4 + 1; n > 0 && sample->len; n--)
			bytes[next_random(&seed) % sample->len] = (uint8_t)next_random(&seed);
		enum hf_status status = decode_copy(sample->type, bytes, sample->len, arena, out, &err);
		if (status != HF_OK && status != HF_E_PROTOCOL && status != HF_E_DRIFT && status != HF_E_LIMIT)
			fail_msg("%s: %s", sample->type->name, hf_status_word(status));
	}
}

/* ---- encoding ---- */

static enum hf_status encode_only(const struct hf_field *field, const void *in, struct encoded *encoded, hf_error *err)
{
	struct hf_query query = {.name = "q", .params = field, .nparams = 1};
	return encode_params(encoded, &query, NULL, in, err);
}

static void what_was_decoded_encodes_to_the_same_bytes(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		hf_error err = HF_ERROR_INIT;
		CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
		_Alignas(16) char value[OUT_MAX];
		struct encoded encoded;
		const struct hf_field field = {"p", samples[i].type, 0, HF_NEVER_NULL};
		EXPECT_OK(decode_value(samples[i].type, samples[i].bytes, samples[i].len, arena, value, &err));
		EXPECT_OK(encode_only(&field, value, &encoded, &err));
		if (samples[i].type != &point_array) { /* its element has no number without a connection */
			assert_int_equal(encoded.lengths[0], samples[i].len);
			assert_memory_equal(encoded.values[0], samples[i].bytes, samples[i].len);
		}
		encoded_deinit(&encoded);
	}
}

static void values_that_cannot_be_sent_are_refused(UNUSED void **state)
{
	static const int32_t two[] = {1, 2}, dims[] = {3};
	const struct hf_str nul = HF_STR("a\0b"), huge = {"x", (size_t)2 << 30};
	const struct hf_bytes huge_bytes = {(const uint8_t *)"x", (size_t)2 << 30};
	const struct hf_numeric digits = {(const uint8_t *)"", 0x8000, 0, 0, 0};
	const struct hf_array odd = {.count = 2, .ndim = 1, .dims = dims, .values = two};
	const struct hf_array text_with_nul = {.count = 1, .values = &nul};
	const int color = 7;
	const struct hf_inet family = {.family = 5}, bits = {.family = 4, .bits = 33};
	const struct hf_int2_array empty = {0};
	const struct hf_int4range flags = {1, 2, 0x20};
	const struct hf_polygon polygon = {NULL, UINT32_MAX};
	const struct hf_bits bit_count = {NULL, UINT32_MAX};
	const struct {
		const struct hf_type *type;
		const void *in;
		enum hf_status status;
	} cases[] = {
		{&hf_type_text, &nul, HF_E_INPUT},
		{&hf_type_text, &huge, HF_E_LIMIT},
		{&hf_type_bytea, &huge_bytes, HF_E_LIMIT},
		{&hf_type_jsonb, &nul, HF_E_INPUT},
		{&hf_type_numeric, &digits, HF_E_INPUT},
		{&hf_type_int4_array, &odd, HF_E_INPUT},
		{&hf_type_text_array, &text_with_nul, HF_E_INPUT},
		{&color_type, &color, HF_E_INPUT},
		{&hf_type_inet, &family, HF_E_INPUT},
		{&hf_type_inet, &bits, HF_E_INPUT},
		{&hf_type_int2vector, &empty, HF_E_INPUT},
		{&hf_type_int4range, &flags, HF_E_INPUT},
		{&hf_type_polygon, &polygon, HF_E_LIMIT},
		{&hf_type_varbit, &bit_count, HF_E_INPUT},
		{&hf_type_void, &nul, HF_E_USAGE},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		struct encoded encoded;
		const struct hf_field field = {"p", cases[i].type, 0, HF_NEVER_NULL};
		EXPECT_STATUS(encode_only(&field, cases[i].in, &encoded, &err), cases[i].status);
		EXPECT_CONTAINS(err.message, "parameter \"p\" of query \"q\"");
		encoded_deinit(&encoded);
	}
}

static void many_parameters_take_one_block(UNUSED void **state)
{
	enum { COUNT = 100 };
	struct hf_field fields[COUNT];
	int32_t in[COUNT];
	hf_error err = HF_ERROR_INIT;
	struct encoded encoded;
	for (uint32_t i = 0; i < COUNT; i++) {
		fields[i] = (struct hf_field){"p", &hf_type_int4, i * 4, HF_NEVER_NULL};
		in[i] = (int32_t)i;
	}
	struct hf_query query = {.name = "q", .params = fields, .nparams = COUNT};
	EXPECT_OK(encode_params(&encoded, &query, NULL, in, &err));
	assert_int_equal(encoded.values[99][3], 99);
	assert_int_equal(encoded.formats[99], 1);
	encoded_deinit(&encoded);
	query.nparams = 70000;
	EXPECT_STATUS(encode_params(&encoded, &query, NULL, in, &err), HF_E_USAGE);
	encoded_deinit(&encoded);
}

/* Every beginning of it: its own block, so that a look beyond is seen. */
static void a_copied_row_that_ends_early_is_refused(UNUSED void **state)
{
	static const uint8_t row[] = "\0\3" W("\1") "a" W("\0") "\xff\xff\xff\xff";
	enum { LEN = sizeof(row) - 1 };
	struct copied {
		struct hf_str a, b, c;
		bool has_c;
	} out = {0};
	const struct hf_field columns[] = {
		{"a", &hf_type_text, offsetof(struct copied, a), HF_NEVER_NULL},
		{"b", &hf_type_text, offsetof(struct copied, b), HF_NEVER_NULL},
		{"c", &hf_type_text, offsetof(struct copied, c), offsetof(struct copied, has_c)},
	};
	const struct hf_query query = {.name = "q", .columns = columns, .ncolumns = 3, .row_size = sizeof(out)};
	for (size_t len = 0; len <= LEN; len++) {
		hf_error err = HF_ERROR_INIT;
		struct decoder decoder = {.borrow = true};
		uint8_t *bytes = malloc(len + 1);
		memcpy(bytes, row, len + 1);
		bytes[len] = '\0';
		enum hf_status want = len < LEN ? HF_E_PROTOCOL : HF_OK;
		EXPECT_STATUS(query_decode_copied(&decoder, &query, bytes, len, (char *)&out, &err), want);
		if (want == HF_OK)
			assert_string_equal(out.a.ptr, "a");
		free(bytes);
	}
}

static void labels_and_values_of_enums(UNUSED void **state)
{
	assert_string_equal(hf_enum_label(&color_type, 1), "green");
	assert_string_equal(hf_enum_label(&color_type, 2), "");
	assert_string_equal(hf_enum_label(&color_type, HF_ENUM_UNKNOWN), "");
	assert_int_equal(hf_enum_value(&color_type, HF_STR("red")), 0);
	assert_int_equal(hf_enum_value(&color_type, HF_STR("re")), HF_ENUM_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_values_decode),
		cmocka_unit_test(truncated_values_are_refused),
		cmocka_unit_test(trailing_bytes_are_refused),
		cmocka_unit_test(malformed_values_say_what_is_wrong),
		cmocka_unit_test(another_shape_is_drift),
		cmocka_unit_test(values_mean_what_they_say),
		cmocka_unit_test(an_unknown_label_is_drift_unless_open),
		cmocka_unit_test(arrays_keep_bounds_and_nulls),
		cmocka_unit_test(a_full_arena_is_a_limit),
		cmocka_unit_test(changed_bytes_never_crash),
		cmocka_unit_test(what_was_decoded_encodes_to_the_same_bytes),
		cmocka_unit_test(values_that_cannot_be_sent_are_refused),
		cmocka_unit_test(many_parameters_take_one_block),
		cmocka_unit_test(a_copied_row_that_ends_early_is_refused),
		cmocka_unit_test(labels_and_values_of_enums),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
