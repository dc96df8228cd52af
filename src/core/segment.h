/*
 * segment.h - segment parameters of URLs: `https://host/path,branch=main` names a branch of what is at
 * https://host/path (spec/janitor.md 16.4). Values stay percent-encoded.
 */
#ifndef CORE_SEGMENT_H
#define CORE_SEGMENT_H

#include <stdbool.h>

#include "holdfast/types.h"

/**
 * Cut the parameters off. They begin at the first comma behind the last slash, a slash at the very end not counted
 * unless it is the root.
 * @param ret_base what stands before them; the URL as it is, a slash at its end included, where there are none.
 * @param ret_parameters "k=v,k=v", or {NULL, 0} without any.
 * @return false where a piece between commas has no "=": both outputs are untouched.
 */
bool segment_split(struct hf_str url, struct hf_str *ret_base, struct hf_str *ret_parameters);
/** The same where branch names may hold slashes that nobody encoded (D-52): a URL without parameters by the rule above
 *  is cut at its first ",branch=". */
bool segment_split_lenient(struct hf_str url, struct hf_str *ret_base, struct hf_str *ret_parameters);

#endif
