/*
 * ini.h - the text of configuration files: [section] and key = value lines, # comments.
 *
 * A # begins a comment at the start of a line or after a blank; a value in double quotes keeps its blanks and its #
 * (\" and \\ inside). Names are a-z, 0-9, '_', '-' and '.'. A file is UTF-8 and at most INI_FILE_MAX bytes. The same
 * key twice in a section is an error. Every error is HF_E_CONFIG with file:line:column.
 */
#ifndef CLI_INI_H
#define CLI_INI_H

#include "holdfast/arena.h"
#include "holdfast/error.h"

enum { INI_FILE_MAX = 1 << 20, INI_ENTRIES_MAX = 10000 };

struct ini_entry {
	const char *section; /* "" before the first section */
	const char *key;
	const char *value;
	uint32_t line;
	uint32_t column; /* of the key, from 1 */
	uint32_t value_column;
};

struct ini_file {
	const char *path;
	struct ini_entry *entries;
	size_t count;
};

/** Everything lives in the arena. HF_NOT_FOUND when the file does not exist (message set). */
enum hf_status ini_read(const char *path, hf_arena *arena, struct ini_file *ret_file, hf_error *err);
/** The same from memory. */
enum hf_status ini_parse(const char *path, struct hf_str text, hf_arena *arena, struct ini_file *ret_file,
			 hf_error *err);

#endif
