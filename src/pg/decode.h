/*
 * decode.h - binary values from the server into C forms, by tables.
 *
 * Pure but for the arena. Trusts nothing: every length is checked before a byte is read, every count before memory is
 * taken, so that any byte string gives HF_OK, HF_E_PROTOCOL, HF_E_DRIFT (a composite or an array of another shape than
 * the compiled one, a label of an enum that has none of that name) or HF_E_LIMIT (the arena is full), never a crash.
 */
#ifndef PG_DECODE_H
#define PG_DECODE_H

#include "holdfast/arena.h"
#include "holdfast/error.h"
#include "pg/codecs.h"
#include "pg/wire.h"

struct type_map;

struct decoder {
	hf_arena *arena;
	const struct type_map *types; /* numbers of the user's types inside arrays and composites; NULL = unchecked */
	bool borrow;                  /* values outlive the call (a PGresult): point into them */
	bool inside;                  /* of another value: no NUL behind it, so that text is copied all the same */
	const struct hf_query *query; /* whose column it is: an open one keeps unknown labels. Looked at for these only;
	                               * NULL = none is open */
	uint32_t column;
};

/* The path of most columns, inlined into the row loop. False: another type, or not its length. */
static inline bool decode_word(enum hf_type_kind kind, const uint8_t *at, size_t len, void *out)
{
	if (len != codec_word_size(kind) || len == 0)
		return false;
	if (len == 4) {
		uint32_t word = wire_uint4(at);
		memcpy(out, &word, sizeof(word));
	} else if (len == 8) {
		uint64_t word = wire_uint8(at);
		memcpy(out, &word, sizeof(word));
	} else if (len == 2) {
		uint16_t word = wire_uint2(at);
		memcpy(out, &word, sizeof(word));
	} else {
		*(uint8_t *)out = kind == HF_TYPE_BOOL ? *at != 0 : *at;
	}
	return true;
}

/* Words, text and bytes, by far the most columns, without a call per kind. False: decode_field() does it, or says why
 * not. */
static inline bool decode_quick(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at,
                                size_t len, void *out)
{
	if (type->kind != HF_TYPE_TEXT && type->kind != HF_TYPE_BYTEA)
		return decode_word(type->kind, at, len, out);
	struct hf_str text = {(const char *)at, len};
	if (!decoder->borrow)
		text = hf_arena_str(decoder->arena, text);
	if (text.ptr && type->kind == HF_TYPE_TEXT)
		*(struct hf_str *)out = text;
	else if (text.ptr)
		*(struct hf_bytes *)out = (struct hf_bytes){(const uint8_t *)text.ptr, text.len};
	return text.ptr != NULL;
}

/** One value that is not NULL. `out` has type->size bytes. */
enum hf_status decode_field(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at, size_t len,
                            void *out, hf_error *err);
/** The same without a connection: everything is copied into the arena. For tests and fuzzing. */
enum hf_status decode_value(const struct hf_type *type, const uint8_t *at, size_t len, hf_arena *arena, void *out,
                            hf_error *err);

#endif
