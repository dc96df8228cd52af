/*
 * publish_mode.h - what each publish mode adds to the value of a candidate (spec/janitor.md 7.1 and 7.10).
 */
#ifndef CORE_PUBLISH_MODE_H
#define CORE_PUBLISH_MODE_H

#include <stdbool.h>

#include "holdfast/types.h"

/** False for a mode without a worth: push-derived has none in the original, which stops on it. */
bool publish_mode_value(struct hf_str mode, int32_t *ret_value);

#endif
