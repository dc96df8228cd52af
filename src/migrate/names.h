/*
 * names.h - migrations whose objects bear names that are chosen: for each instance of the set the same text with other
 * names in it.
 *
 *     -- identifier: schema = public                 (before the first section)
 *     -- identifier: entries = state_entries
 *     -- up
 *     CREATE TABLE :"schema".:"entries_history" (...);      nextval(:'schema.entries_rev')
 *
 * The places are those of queries (docs/queries.md), in code and in dollar-quoted bodies alike; comments and other
 * strings are left alone. Checksums are those of the text as it was written, and equal for every instance.
 */
#ifndef MIGRATE_NAMES_H
#define MIGRATE_NAMES_H

#include "base/arena.h"
#include "holdfast/error.h"
#include "holdfast/types.h"

enum { NAMES_MAX = 4 };

struct names {
	struct hf_str declared[NAMES_MAX]; /* as the files call them */
	struct hf_str values[NAMES_MAX];   /* the defaults, unless `chosen` */
	size_t count;
	bool chosen;
};

/** The content of a line `-- identifier: x = y` behind the colon, as number `*ndeclared`. False for what is none. */
bool names_declare(struct names *names, size_t *ndeclared, struct hf_str line);
/** `text` with the names in their places. `line` and `file` are for messages. The copy is in the arena. */
enum hf_status names_fill(const struct names *names, struct hf_str text, const char *file, uint32_t line,
                          hf_arena *arena, struct hf_str *ret_text, hf_error *err);

/** "kv:public.state_entries": the name of an instance. Names that are not plain stand in double quotes. */
enum hf_status names_instance(const char *set, const struct names *names, hf_arena *arena, const char **ret_name,
                              hf_error *err);
/** What stands behind the colon of such a name: values, borrowed from the text or in the arena. HF_E_USAGE. */
enum hf_status names_parse(struct hf_str text, hf_arena *arena, struct names *ret_names, hf_error *err);

#endif
