/*
 * segment.c - see segment.h. Views into what the caller passed; nothing is allocated.
 */
#include "core/segment.h"

#include "base/str.h"

/* Where the path begins: behind "scheme:" or "scheme://", a scheme being two characters or more without a slash. */
static size_t path_start(struct hf_str url)
{
	ptrdiff_t colon = str_find(url, ':'), slash = str_find(url, '/');
	if (colon < 2 || (slash >= 0 && slash < colon))
		return 0;
	struct hf_str rest = {url.ptr + colon + 1, url.len - (size_t)colon - 1};
	return (size_t)colon + 1 + (str_starts(rest, HF_STR("//")) ? 2 : 0);
}

/* One slash at the end does not count, unless it is the first one behind a scheme: "https://host/", "lp:name/". */
static struct hf_str without_trailing_slash(struct hf_str url)
{
	if (url.len < 2 || url.ptr[url.len - 1] != '/')
		return url;
	struct hf_str shorter = {url.ptr, url.len - 1};
	size_t start = path_start(url);
	if (start > 0 &&
	    (start > shorter.len || str_find((struct hf_str){url.ptr + start, shorter.len - start}, '/') < 0))
		return url;
	return shorter;
}

/* Where the parameters begin: the comma, or -1. */
static ptrdiff_t first_comma(struct hf_str url)
{
	size_t start = url.len;
	while (start > 0 && url.ptr[start - 1] != '/')
		start--;
	ptrdiff_t at = str_find((struct hf_str){url.ptr + start, url.len - start}, ',');
	return at < 0 ? -1 : at + (ptrdiff_t)start;
}

static bool are_parameters(struct hf_str text)
{
	size_t from = 0;
	for (size_t i = 0; i <= text.len; i++)
		if (i == text.len || text.ptr[i] == ',') {
			if (str_find((struct hf_str){text.ptr + from, i - from}, '=') < 0)
				return false;
			from = i + 1;
		}
	return true;
}

bool segment_split(struct hf_str url, struct hf_str *ret_base, struct hf_str *ret_parameters)
{
	struct hf_str cut = without_trailing_slash(url);
	ptrdiff_t comma = first_comma(cut);
	if (comma < 0) {
		*ret_base = url;
		*ret_parameters = (struct hf_str){NULL, 0};
		return true;
	}
	struct hf_str parameters = {cut.ptr + comma + 1, cut.len - (size_t)comma - 1};
	if (!are_parameters(parameters))
		return false;
	*ret_base = (struct hf_str){url.ptr, (size_t)comma};
	*ret_parameters = parameters;
	return true;
}

bool segment_split_lenient(struct hf_str url, struct hf_str *ret_base, struct hf_str *ret_parameters)
{
	if (!segment_split(url, ret_base, ret_parameters))
		return false;
	ptrdiff_t at = str_find_str(url, HF_STR(",branch="));
	if (ret_parameters->ptr || at < 0)
		return true;
	*ret_base = (struct hf_str){url.ptr, (size_t)at};
	*ret_parameters = (struct hf_str){url.ptr + at + 1, url.len - (size_t)at - 1};
	return true;
}
