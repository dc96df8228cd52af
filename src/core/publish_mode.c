/*
 * publish_mode.c - see publish_mode.h.
 */
#include "core/publish_mode.h"

#include "base/macros.h"
#include "base/str.h"

static const struct {
	struct hf_str mode;
	int32_t value;
} worths[] = {
	{HF_STR_INIT("skip"), 0},           {HF_STR_INIT("build-only"), 0},     {HF_STR_INIT("push"), 500},
	{HF_STR_INIT("propose"), 400},      {HF_STR_INIT("attempt-push"), 450}, {HF_STR_INIT("bts"), 100},
	{HF_STR_INIT("push-derived"), 200},
};

bool publish_mode_value(struct hf_str mode, const struct hf_defects *keep, int32_t *ret_value)
{
	if (hf_defects_kept(keep, 16) && str_eq(mode, HF_STR("push-derived")))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(worths); i++) {
		if (!str_eq(mode, worths[i].mode))
			continue;
		*ret_value = worths[i].value;
		return true;
	}
	return false;
}
