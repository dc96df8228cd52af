/*
 * branch_url.h - the URL of a branch, made from that of a repository and taken apart again: the branch is the segment
 * parameter `branch` (segment.h), percent-encoded.
 */
#ifndef CORE_BRANCH_URL_H
#define CORE_BRANCH_URL_H

#include <stdbool.h>

#include "holdfast/arena.h"

/** Encode all but letters, digits, "_.-~" and, with `plain_slashes`, "/". `into` has room for three bytes each; a view
 *  of it is returned. */
struct hf_str branch_escape(struct hf_str text, bool plain_slashes, char *into);
/** Decode; what is no percent sign with two digits stays. `into` has room for as many bytes. */
struct hf_str branch_unescape(struct hf_str text, char *into);

/**
 * `url` with this branch; other segment parameters stay, one of that name goes. {NULL, 0} when memory is short, or
 * where the URL has a parameter without "=".
 */
struct hf_str branch_url_join(struct hf_str url, struct hf_str branch, bool plain_slashes, hf_arena *arena);
/** The branch among these segment parameters, decoded; *ret_branch {NULL, 0} without one. False when memory is short.
 */
bool branch_url_branch(struct hf_str parameters, hf_arena *arena, struct hf_str *ret_branch);

#endif
