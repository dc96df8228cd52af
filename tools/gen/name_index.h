/*
 * name_index.h - names to numbers, so that a statement of 60,000 parameters is not read 60,000 times over.
 *
 * Lives in its arena, as the names do that it is given; nothing is ever taken out.
 */
#ifndef GEN_NAME_INDEX_H
#define GEN_NAME_INDEX_H

#include "gen/mem.h"

struct name_index {
	hf_arena *arena;
	struct name_slot {
		struct hf_str name; /* ptr NULL: free */
		size_t number;
	} * slots;
	size_t size, count; /* size: 0 or a power of two */
};

/** The number kept for a name, 0 for a new one; to be read and set before the next call. `name` is borrowed. */
size_t *name_index_at(struct name_index *index, struct hf_str name);

#endif
