/*
 * nearest.h - "did you mean": the known word that is closest to a mistyped one.
 *
 * Distance counts inserted, dropped, changed and swapped neighbouring characters (optimal string alignment). A word is
 * close when at most a third of its letters (at least one, at most three) differ; a word that starts with what was
 * typed is close too. Pure, bounded by NEAREST_WORD_MAX: longer words are never close.
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

#include "holdfast/types.h"

enum { NEAREST_WORD_MAX = 64 };

struct nearest {
	struct hf_str typed;
	const char *best; /* NULL while nothing is close */
	size_t distance;
};

static inline struct nearest nearest_to(struct hf_str typed)
{
	struct nearest search = {typed, NULL, 0};
	return search;
}
/** Offer one known word; it is kept (borrowed) when it is closer than what was offered before. */
void nearest_offer(struct nearest *search, const char *word);
/** The closest of `count` words, or NULL. */
const char *nearest_of(struct hf_str typed, const char *const *words, size_t count);

#endif
