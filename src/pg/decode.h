/*
 * decode.h - binary values from the server into C forms, by tables.
 *
 * Pure but for the arena. Trusts nothing: every length is checked before a byte is read, every count before memory is
 * taken, so that any byte string gives HF_OK or HF_E_PROTOCOL (or HF_E_LIMIT when the arena is full), never a crash.
 */
#ifndef PG_DECODE_H
#define PG_DECODE_H

#include "holdfast/arena.h"
#include "holdfast/error.h"
#include "holdfast/query.h"

struct type_map;

struct decoder {
	hf_arena *arena;
	const struct type_map *types; /* numbers of the user's types inside arrays and composites; NULL = unchecked */
	bool borrow; /* values outlive the call and have a NUL behind them (a PGresult): point into them */
};

/** One value that is not NULL. `out` has type->size bytes. */
enum hf_status decode_field(const struct decoder *decoder, const struct hf_type *type, const uint8_t *at, size_t len,
			    void *out, hf_error *err);
/** The same without a connection: everything is copied into the arena. For tests and fuzzing. */
enum hf_status decode_value(const struct hf_type *type, const uint8_t *at, size_t len, hf_arena *arena, void *out,
			    hf_error *err);

#endif
