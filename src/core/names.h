/*
 * names.h - the names that the Janitor's schema accepts (spec/janitor.md 4.2), checked before a round trip.
 */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include <stdbool.h>

#include "holdfast/types.h"

/* HF_NAME_BYTES_MAX (codebase.h) bounds a new name: indexes of the schema hold two and the id of a change set, in at
 * most 2,704 bytes. */
#define CODEBASE_NAME_TOO_LONG "is longer than 1000 bytes"
#define CODEBASE_NAME_RULE \
	"a name is a-z or 0-9, then one or more of a-z, 0-9, \"+\", \",\", \"-\" and \".\", in at most 1000 bytes"

/** The domains codebase_name, suite_name and campaign_name, one rule for all three; of any length, as there. */
bool codebase_name_valid(struct hf_str name);

#endif
