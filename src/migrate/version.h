/*
 * version.h - versions of migrations: integers ("7", "0007") and UTC times ("20260314T101500"), one order for both.
 */
#ifndef MIGRATE_VERSION_H
#define MIGRATE_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "holdfast/types.h"

/** The number behind a version: up to 18 digits, or 8 digits, T, 6 digits (read as 14 digits). False otherwise. */
bool version_parse(struct hf_str text, uint64_t *ret_number);

/* "0003_runs.sql" -> version "0003", name "runs"; "R__views.sql" -> version "R__views", name "views". */
struct version_file {
	struct hf_str version;
	struct hf_str name;
	uint64_t number; /* 0 when repeatable */
	bool repeatable;
};
/** False when the base name is not that of a migration. The views point into `file`. */
bool version_of_file(struct hf_str file, struct version_file *ret_parts);

#endif
