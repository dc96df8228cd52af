/*
 * metadata.h - metadata in the one form that every backend gives back: jansson's compact text with the keys of objects
 * in order, a number of integral value written as an integer.
 *
 * Canonical text is a fixed point, also by way of jsonb, which keeps values but not their spelling: so PostgreSQL's
 * answers are made canonical again, and the others are kept as they were stored.
 */
#ifndef KV_METADATA_H
#define KV_METADATA_H

#include "holdfast/arena.h"
#include "holdfast/error.h"

/** @param ret_canonical in the arena. @return HF_E_USAGE it is not JSON, has a NUL, an integer that does not fit 64
 * bits or a double that is integral and does not; HF_E_LIMIT longer than HF_KV_METADATA_BYTES, as given or canonical,
 * or nested deeper than HF_KV_METADATA_LEVELS; HF_E_NOMEM. */
enum hf_status metadata_canonical(struct hf_str text, hf_arena *arena, struct hf_str *ret_canonical, hf_error *err);
/** Canonical text that was spelled anew, which may have made it longer. */
enum hf_status metadata_again(struct hf_str text, hf_arena *arena, struct hf_str *ret_canonical, hf_error *err);
/** Does canonical metadata (ptr NULL: none, which contain nothing) contain `part`, canonical too? */
enum hf_status metadata_contains(struct hf_str metadata, struct hf_str part, bool *ret_contains, hf_error *err);
/** Is `part`, canonical, an object that has a text, number, true, false or null as `member`? @param ret_value that, as
 *  JSON in the arena. */
bool metadata_scalar(struct hf_str part, struct hf_str member, hf_arena *arena, struct hf_str *ret_value);

#endif
