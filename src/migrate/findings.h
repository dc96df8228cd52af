/*
 * findings.h - a growing list of lines for the caller: what differs.
 */
#ifndef MIGRATE_FINDINGS_H
#define MIGRATE_FINDINGS_H

#include "base/arena.h"
#include "holdfast/migrate.h"

enum { FINDINGS_COUNT_MAX = 10000 };

struct findings {
	hf_arena *arena; /* the caller's */
	struct hf_str *lines;
	uint32_t count;
	uint32_t capacity;
	uint32_t dropped; /* beyond the maximum */
	bool failed;
};

void findings_add(struct findings *findings, const char *format, ...) PRINTF_LIKE(2, 3);
/** HF_OK without any, else HF_DIFFERS: "WHAT: the first line" and how many more. */
enum hf_status findings_end(const struct findings *findings, struct hf_str_array *ret_lines, const char *what,
                            hf_error *err);

struct migrator;
/** Run a verify section in a transaction that is rolled back; what it says becomes a finding. */
enum hf_status verify_migration(struct migrator *migrator, const struct hf_migration *migration,
                                struct findings *findings, hf_error *err);

#endif
