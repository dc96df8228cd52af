/*
 * names.c - see names.h.
 */
#include "core/names.h"

bool codebase_name_valid(struct hf_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (!plain && (i == 0 || c < '+' || c > '.'))
			return false;
	}
	return name.len >= 2;
}
