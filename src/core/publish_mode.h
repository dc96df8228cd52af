/*
 * publish_mode.h - what each publish mode adds to the value of a candidate (spec/janitor.md 7.1 and 7.10).
 */
#ifndef CORE_PUBLISH_MODE_H
#define CORE_PUBLISH_MODE_H

#include <stdbool.h>

#include "holdfast/defects.h"

/** False for a mode without a worth. D-16: push-derived has none. */
bool publish_mode_value(struct hf_str mode, const struct hf_defects *keep, int32_t *ret_value);

#endif
