/*
 * nearest.c - optimal string alignment over three rows on the stack.
 */
#include "base/nearest.h"

#include <stdint.h>

#include "base/str.h"

static uint8_t least(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

static size_t alignment_distance(struct hf_str a, struct hf_str b)
{
	uint8_t rows[3][NEAREST_WORD_MAX + 1];
	uint8_t *before = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b.len; j++)
		last[j] = before[j] = (uint8_t)j;
	for (size_t i = 1; i <= a.len; i++) {
		row[0] = (uint8_t)i;
		for (size_t j = 1; j <= b.len; j++) {
			uint8_t change = (uint8_t)(last[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]));
			row[j] = least(change, (uint8_t)(least(last[j], row[j - 1]) + 1));
			bool swapped = i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1];
			if (swapped)
				row[j] = least(row[j], (uint8_t)(before[j - 2] + 1));
		}
		uint8_t *free_row = before;
		before = last;
		last = row;
		row = free_row;
	}
	return last[b.len];
}

static size_t tolerated(size_t length)
{
	return length < 6 ? (length < 3 ? 1 : 2) : 3;
}

/* Letters in another order: fingers that were too fast, rather than a wrong key. */
static bool same_letters(struct hf_str a, struct hf_str b)
{
	int count[256] = {0};
	for (size_t i = 0; i < a.len && a.len == b.len; i++) {
		count[(unsigned char)a.ptr[i]]++;
		count[(unsigned char)b.ptr[i]]--;
	}
	for (size_t i = 0; i < 256; i++)
		if (count[i])
			return false;
	return a.len == b.len;
}

/* Of two that are as close, people mean the one with the letters that they typed, or that begins as they typed. */
static bool is_likelier(struct hf_str typed, const char *word, const char *other)
{
	bool swapped = same_letters(typed, hf_str_of(word)), other_swapped = same_letters(typed, hf_str_of(other));
	if (swapped != other_swapped)
		return swapped;
	return other[0] != typed.ptr[0] && word[0] == typed.ptr[0];
}

void nearest_offer(struct nearest *search, const char *word)
{
	struct hf_str known = hf_str_of(word);
	if (known.len > NEAREST_WORD_MAX || search->typed.len > NEAREST_WORD_MAX || search->typed.len == 0)
		return;
	size_t distance = alignment_distance(search->typed, known);
	bool begun = search->typed.len >= 2 && str_starts(known, search->typed);
	if (begun && distance > 1)
		distance = 1;
	/* Nothing in common is not close, however short the words are. */
	size_t longer = known.len > search->typed.len ? known.len : search->typed.len;
	if (distance > tolerated(known.len) || distance >= longer)
		return;
	if (!search->best || distance < search->distance ||
	    (distance == search->distance && is_likelier(search->typed, word, search->best))) {
		search->best = word;
		search->distance = distance;
	}
}

const char *nearest_of(struct hf_str typed, const char *const *words, size_t count)
{
	struct nearest search = nearest_to(typed);
	for (size_t i = 0; i < count; i++)
		nearest_offer(&search, words[i]);
	return search.best;
}
