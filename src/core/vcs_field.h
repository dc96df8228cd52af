/*
 * vcs_field.h - the value of a Vcs-* field of a Debian source record: "URL [-b branch] [[subpath]]"
 * (Developer's Reference 6.2.5; the Janitor's branch URLs carry the branch as a segment parameter,
 * spec/janitor.md 16.4).
 */
#ifndef CORE_VCS_FIELD_H
#define CORE_VCS_FIELD_H

#include <stdbool.h>

#include "holdfast/arena.h"

struct vcs_field {
	struct hf_str url;
	struct hf_str branch;  /* ptr NULL when none is given */
	struct hf_str subpath; /* "" when none is given */
};

/** Views into `text`. False when the URL is missing or blank-separated words follow that are no option. */
bool vcs_field_parse(struct hf_str text, struct vcs_field *ret_field);
/** The branch URL: the URL without trailing slashes, and ",branch=..." percent-encoded when a branch is given.
 *  ptr NULL when memory is short. */
struct hf_str vcs_field_branch_url(const struct vcs_field *field, hf_arena *arena);

#endif
