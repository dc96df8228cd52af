/*
 * names.h - the names that the Janitor's schema accepts (spec/janitor.md 4.2), checked before a round trip.
 */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include <stdbool.h>

#include "holdfast/types.h"

/* Indexes of the schema hold two names and the id of a change set, in at most 2,704 bytes. */
#define CODEBASE_NAME_MAX 1000
#define CODEBASE_NAME_RULE \
	"a name is a-z or 0-9, then one or more of a-z, 0-9, \"+\", \",\", \"-\" and \".\", in at most 1000 bytes"

/** The domains codebase_name, suite_name and campaign_name: one rule for all three; the length is ours. */
bool codebase_name_valid(struct hf_str name);

#endif
