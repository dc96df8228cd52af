/*
 * version.c - reading versions. Leading zeros do not count, so that "1" and "0001" are the same version.
 */
#include "migrate/version.h"

#include "base/str.h"

static bool is_digits(struct hf_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
	return text.len > 0;
}

static uint64_t digits(struct hf_str text)
{
	uint64_t number = 0;
	for (size_t i = 0; i < text.len; i++)
		number = number * 10 + (uint64_t)(text.ptr[i] - '0');
	return number;
}

bool version_parse(struct hf_str text, uint64_t *ret_number)
{
	if (text.len == 15 && text.ptr[8] == 'T') {
		struct hf_str date = {text.ptr, 8}, time = {text.ptr + 9, 6};
		if (!is_digits(date) || !is_digits(time))
			return false;
		*ret_number = digits(date) * 1000000 + digits(time);
		return true;
	}
	if (text.len > 18 || !is_digits(text))
		return false;
	*ret_number = digits(text);
	return true;
}

static bool is_name(struct hf_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		            c == '-' || c == '.';
		if (!fine)
			return false;
	}
	return text.len > 0;
}

bool version_of_file(struct hf_str file, struct version_file *ret_parts)
{
	struct version_file parts = {0};
	if (!str_ends(file, HF_STR(".sql")) || file.len > 200)
		return false;
	struct hf_str stem = {file.ptr, file.len - 4};
	if (str_starts(stem, HF_STR("R__"))) {
		parts.version = stem;
		parts.name = (struct hf_str){stem.ptr + 3, stem.len - 3};
		parts.repeatable = true;
	} else {
		ptrdiff_t at = str_find(stem, '_');
		if (at < 0)
			return false;
		parts.version = (struct hf_str){stem.ptr, (size_t)at};
		parts.name = (struct hf_str){stem.ptr + at + 1, stem.len - (size_t)at - 1};
		if (!version_parse(parts.version, &parts.number) || parts.number == 0)
			return false;
	}
	if (!is_name(parts.name))
		return false;
	*ret_parts = parts;
	return true;
}
