/*
 * random_value.h - a random value of any type: in its C form, and as the text that the server reads for it. The two are
 * made side by side from the same numbers and never from each other, so that neither may hide a mistake of the other.
 */
#ifndef TESTS_GEN_RANDOM_VALUE_H
#define TESTS_GEN_RANDOM_VALUE_H

#include "base/str.h"
#include "holdfast/arena.h"
#include "holdfast/query.h"

struct chance {
	uint64_t state; /* not 0 */
	hf_arena *arena;
};

/** A number below `bound`. */
uint64_t chance_below(struct chance *chance, uint64_t bound);
/** Once in `times`. */
bool chance_once_in(struct chance *chance, uint64_t times);
/** 64 random bits, often few of them set: small numbers are as likely as large ones. */
uint64_t chance_bits(struct chance *chance);

/** A value that is not NULL into `out` (cleared, type->size bytes); what it points to lives in the arena. */
void random_value(struct chance *chance, const struct hf_type *type, void *out, struct buf *literal);

/* ---- random_scalar.c ---- */

/** False when the type is made of others. */
bool random_scalar(struct chance *chance, const struct hf_type *type, void *out, struct buf *literal);
/** Two values of the subtype of a range, the first not above the second. */
void random_bounds(struct chance *chance, const struct hf_type *subtype, void *lower, struct buf *lower_text,
                   void *upper, struct buf *upper_text);

/* ---- random_text.c ---- */

typedef void scalar_fn(struct chance *chance, const struct hf_type *type, void *out, struct buf *literal);
scalar_fn make_text, make_word, make_char, make_json, make_xml, make_jsonpath, make_ltree, make_lquery, make_tsvector,
	make_tsquery, make_snapshot;
/** What was appended to `literal` since `start` is the C form, too. */
void keep_text(struct chance *chance, struct buf *literal, size_t start, void *out);

#endif
