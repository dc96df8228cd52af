/*
 * names.h - the names that the Janitor's schema accepts (spec/janitor.md 4.2), checked before a round trip.
 */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include <stdbool.h>

#include "holdfast/types.h"

#define CODEBASE_NAME_RULE "a name is a-z or 0-9, then one or more of a-z, 0-9, \"+\", \",\", \"-\" and \".\""

/** The domains codebase_name, suite_name and campaign_name: one rule for all three. */
bool codebase_name_valid(struct hf_str name);

#endif
