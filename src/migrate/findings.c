/*
 * findings.c - the list of findings.h.
 */
#include "migrate/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"

static bool grow(struct findings *findings)
{
	if (findings->count < findings->capacity)
		return true;
	uint32_t capacity = findings->capacity ? 2 * findings->capacity : 16;
	struct hf_str *lines = hf_arena_calloc(findings->arena, capacity, sizeof(*lines));
	if (!lines)
		return false;
	if (findings->count)
		memcpy(lines, findings->lines, findings->count * sizeof(*lines));
	findings->lines = lines;
	findings->capacity = capacity;
	return true;
}

void findings_add(struct findings *findings, const char *format, ...)
{
	char text[2000];
	if (findings->count == FINDINGS_COUNT_MAX) {
		findings->dropped++;
		return;
	}
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	struct hf_str copy = hf_arena_str(findings->arena, hf_str_of(text));
	if (!copy.ptr || !grow(findings)) {
		findings->failed = true;
		return;
	}
	findings->lines[findings->count++] = copy;
}

enum hf_status findings_end(const struct findings *findings, struct hf_str_array *ret_lines, const char *what,
                            hf_error *err)
{
	if (findings->failed)
		return error_nomem(err);
	struct hf_str_array lines = {0};
	lines.count = findings->count;
	lines.ndim = findings->count > 0;
	lines.values = findings->lines;
	*ret_lines = lines;
	if (findings->count == 0)
		return HF_OK;
	error_set(err, HF_DIFFERS, "%s: %.*s", what, STR_ARG(findings->lines[0]));
	if (findings->count > 1)
		error_detail(err, "and %u more", findings->count - 1 + findings->dropped);
	return HF_DIFFERS;
}
