/*
 * decode.c - the values that are not made of others, and the way to every decoder.
 */
#include "pg/decode_parts.h"

#include "base/arena.h"
#include "base/error.h"

enum {
	NUMERIC_HEADER = 8,
	NUMERIC_BASE = 10000,
	FAMILY_INET = 2,
	FAMILY_INET6 = 3,
	POINT_BYTES = 16,
	LABEL_BYTES_MAX = 63 /* NAMEDATALEN of the server, less the NUL */
};

enum hf_status decode_malformed(const struct hf_type *type, const char *why, hf_error *err)
{
	enum hf_status status = error_set(err, HF_E_PROTOCOL, "malformed value of type %s: %s", type->name, why);
	if (err)
		err->category = HF_CATEGORY_TYPE;
	return status;
}

enum hf_status decode_full(const struct decoder *decoder, size_t size, hf_error *err)
{
	if (size <= arena_room(decoder->arena))
		return error_nomem(err);
	return error_set(err, HF_E_LIMIT, "the result does not fit into the arena's bound");
}

enum hf_status decode_drifted(const struct hf_type *type, const char *what, hf_error *err)
{
	enum hf_status status =
		error_set(err, HF_E_DRIFT, "type %s changed since the program was compiled: %s", type->name, what);
	if (err)
		err->category = HF_CATEGORY_SCHEMA;
	error_hint(err, "build the program against the present schema, or apply the migration that it expects");
	return status;
}

static enum hf_status wrong_length(const struct hf_type *type, hf_error *err)
{
	return decode_malformed(type, "wrong length", err);
}

/* ---- fixed length ---- */

static enum hf_status decode_big_endian(UNUSED const struct decoder *decoder, const struct hf_type *type,
                                        const uint8_t *at, size_t len, void *out, hf_error *err)
{
	return decode_word(type->kind, at, len, out) ? HF_OK : wrong_length(type, err);
}

static enum hf_status decode_octets(UNUSED const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                    size_t len, void *out, hf_error *err)
{
	if (len != type->size)
		return wrong_length(type, err);
	memcpy(out, at, len);
	return HF_OK;
}

static enum hf_status decode_timetz(UNUSED const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                    size_t len, void *out, hf_error *err)
{
	if (len != 12)
		return wrong_length(type, err);
	*(struct hf_timetz *)out = (struct hf_timetz){wire_int8(at), wire_int4(at + 8)};
	return HF_OK;
}

static enum hf_status decode_interval(UNUSED const struct decoder *decoder, const struct hf_type *type,
                                      const uint8_t *at, size_t len, void *out, hf_error *err)
{
	if (len != 16)
		return wrong_length(type, err);
	*(struct hf_interval *)out = (struct hf_interval){wire_int8(at), wire_int4(at + 8), wire_int4(at + 12)};
	return HF_OK;
}

static enum hf_status decode_tid(UNUSED const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                 size_t len, void *out, hf_error *err)
{
	if (len != 6)
		return wrong_length(type, err);
	*(struct hf_tid *)out = (struct hf_tid){wire_uint4(at), wire_uint2(at + 4)};
	return HF_OK;
}

static enum hf_status decode_void(UNUSED const struct decoder *decoder, UNUSED const struct hf_type *type,
                                  UNUSED const uint8_t *at, UNUSED size_t len, UNUSED void *out, UNUSED hf_error *err)
{
	return HF_OK;
}

static enum hf_status decode_inet(UNUSED const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                  size_t len, void *out, hf_error *err)
{
	if (len < 4)
		return decode_malformed(type, "shorter than its header", err);
	uint8_t family = at[0], bits = at[1], is_cidr = at[2], size = at[3];
	if ((family != FAMILY_INET || size != 4) && (family != FAMILY_INET6 || size != 16))
		return decode_malformed(type, "unknown address family", err);
	if (len != 4 + (size_t)size)
		return wrong_length(type, err);
	if (bits > 8 * size || is_cidr > 1)
		return decode_malformed(type, "more bits than the address has", err);
	struct hf_inet inet = {.family = family == FAMILY_INET ? 4 : 6, .bits = bits, .is_cidr = is_cidr};
	memcpy(inet.addr, at + 4, size);
	*(struct hf_inet *)out = inet;
	return HF_OK;
}

/* ---- geometry: nothing but float8 ---- */

static void take_floats(const uint8_t *at, size_t count, double *out)
{
	for (size_t i = 0; i < count; i++)
		out[i] = wire_float8(at + 8 * i);
}

static enum hf_status decode_floats(UNUSED const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                    size_t len, void *out, hf_error *err)
{
	if (len != type->size)
		return wrong_length(type, err);
	take_floats(at, len / 8, out);
	return HF_OK;
}

/* The count word and as many points. */
static enum hf_status decode_points(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                    size_t len, struct hf_polygon *ret_points, hf_error *err)
{
	if (len < 4)
		return decode_malformed(type, "shorter than its header", err);
	uint32_t count = wire_uint4(at);
	if (count != (len - 4) / POINT_BYTES || len - 4 != (size_t)count * POINT_BYTES)
		return decode_malformed(type, "points and length disagree", err);
	struct hf_point *points = hf_arena_alloc(decoder->arena, (size_t)count * sizeof(*points));
	if (!points)
		return decode_full(decoder, (size_t)count * sizeof(*points), err);
	take_floats(at + 4, 2 * (size_t)count, (double *)points);
	*ret_points = (struct hf_polygon){points, count};
	return HF_OK;
}

static enum hf_status decode_polygon(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                     size_t len, void *out, hf_error *err)
{
	return decode_points(decoder, type, at, len, out, err);
}

static enum hf_status decode_path(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                  size_t len, void *out, hf_error *err)
{
	struct hf_polygon points = {0};
	if (len < 1 || at[0] > 1)
		return decode_malformed(type, "neither open nor closed", err);
	enum hf_status status = decode_points(decoder, type, at + 1, len - 1, &points, err);
	if (status == HF_OK)
		*(struct hf_path *)out = (struct hf_path){points.points, points.count, at[0] == 1};
	return status;
}

/* ---- views: borrowed where the bytes outlive the call ---- */

static enum hf_status view_text(const struct decoder *decoder, const uint8_t *at, size_t len, struct hf_str *out,
                                hf_error *err)
{
	struct hf_str text = {(const char *)at, len};
	if (!decoder->borrow || decoder->inside)
		text = hf_arena_str(decoder->arena, text);
	if (!text.ptr)
		return decode_full(decoder, len + 1, err);
	*out = text;
	return HF_OK;
}

static enum hf_status view_bytes(const struct decoder *decoder, const uint8_t *at, size_t len, struct hf_bytes *out,
                                 hf_error *err)
{
	struct hf_str bytes = {(const char *)at, len};
	if (!decoder->borrow)
		bytes = hf_arena_str(decoder->arena, bytes);
	if (!bytes.ptr)
		return decode_full(decoder, len + 1, err);
	*out = (struct hf_bytes){(const uint8_t *)bytes.ptr, bytes.len};
	return HF_OK;
}

static enum hf_status decode_text(const struct decoder *decoder, UNUSED const struct hf_type *type, const uint8_t *at,
                                  size_t len, void *out, hf_error *err)
{
	return view_text(decoder, at, len, out, err);
}

static enum hf_status decode_bytes(const struct decoder *decoder, UNUSED const struct hf_type *type, const uint8_t *at,
                                   size_t len, void *out, hf_error *err)
{
	return view_bytes(decoder, at, len, out, err);
}

/* jsonb, jsonpath, ltree: a version, then text. */
static enum hf_status decode_versioned(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                       size_t len, void *out, hf_error *err)
{
	if (len < 1 || at[0] != 1)
		return decode_malformed(type, "unknown version", err);
	return view_text(decoder, at + 1, len - 1, out, err);
}

static bool is_open(const struct decoder *decoder)
{
	const bool *open = decoder->query ? decoder->query->open : NULL;
	return open && open[decoder->column];
}

/* No program shall decide by a label that it has never heard of. */
COLD static enum hf_status unknown_label(const struct hf_type *type, const uint8_t *at, size_t len, hf_error *err)
{
	char what[LABEL_BYTES_MAX + 32];
	snprintf(what, sizeof(what), "it has a label \"%.*s\" now",
	         (int)(len < LABEL_BYTES_MAX ? len : LABEL_BYTES_MAX), (const char *)at);
	enum hf_status status = decode_drifted(type, what, err);
	error_hint(err, "build the program against the present schema; a column whose labels are only shown can be "
	                "annotated \"open\"");
	return status;
}

static enum hf_status decode_enum(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                  size_t len, void *out, hf_error *err)
{
	int value = hf_enum_value(type, (struct hf_str){(const char *)at, len});
	if (value == HF_ENUM_UNKNOWN && !is_open(decoder))
		return unknown_label(type, at, len, err);
	*(int *)out = value;
	return HF_OK;
}

static enum hf_status decode_bits(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                  size_t len, void *out, hf_error *err)
{
	if (len < 4)
		return decode_malformed(type, "shorter than its header", err);
	uint32_t count = wire_uint4(at);
	if (len - 4 != ((size_t)count + 7) / 8)
		return decode_malformed(type, "bits and length disagree", err);
	struct hf_bytes bytes = {0};
	enum hf_status status = view_bytes(decoder, at + 4, len - 4, &bytes, err);
	if (status == HF_OK)
		*(struct hf_bits *)out = (struct hf_bits){bytes.ptr, count};
	return status;
}

static const char *wrong_numeric(const struct hf_numeric *number, const uint8_t *digits, size_t bytes)
{
	if (bytes != 2 * (size_t)number->ndigits)
		return "digits and length disagree";
	if (number->sign != 0 && number->sign != 0x4000 && number->sign != 0xc000 && number->sign != 0xd000 &&
	    number->sign != 0xf000)
		return "unknown sign";
	for (size_t i = 0; i < number->ndigits; i++)
		if (wire_uint2(digits + 2 * i) >= NUMERIC_BASE)
			return "digit out of range";
	return NULL;
}

static enum hf_status decode_numeric(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                     size_t len, void *out, hf_error *err)
{
	if (len < NUMERIC_HEADER)
		return decode_malformed(type, "shorter than its header", err);
	struct hf_numeric number = {.ndigits = wire_uint2(at),
	                            .weight = wire_int2(at + 2),
	                            .sign = wire_uint2(at + 4),
	                            .dscale = wire_uint2(at + 6)};
	const char *wrong = wrong_numeric(&number, at + NUMERIC_HEADER, len - NUMERIC_HEADER);
	if (wrong)
		return decode_malformed(type, wrong, err);
	struct hf_bytes digits = {0};
	enum hf_status status = view_bytes(decoder, at + NUMERIC_HEADER, len - NUMERIC_HEADER, &digits, err);
	if (status != HF_OK)
		return status;
	number.digits = digits.ptr;
	*(struct hf_numeric *)out = number;
	return HF_OK;
}

/* ---- all kinds ---- */

HOT enum hf_status decode_field(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                size_t len, void *out, hf_error *err)
{
#define DECODER(kind, codec, size) [HF_TYPE_##kind] = decode_##codec,
	static decode_fn *const decoders[] = {CODECS(DECODER)};
	return decoders[type->kind](decoder, type, at, len, out, err);
}

enum hf_status decode_value(const struct hf_type *type, const uint8_t *at, size_t len, hf_arena *arena, void *out,
                            hf_error *err)
{
	struct decoder decoder = {.arena = arena};
	return decode_field(&decoder, type, at, len, out, err);
}
