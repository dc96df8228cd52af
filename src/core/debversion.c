/*
 * debversion.c - the comparison of deb-version(7): runs of non-digits by a modified ASCII order (~ first, then the
 * end, then letters, then the rest), runs of digits by number, alternating.
 */
#include "core/debversion.h"

#include "base/str.h"

struct parts {
	struct hf_str epoch;
	struct hf_str upstream;
	struct hf_str revision;
};

static struct parts split(struct hf_str text)
{
	struct parts parts = {HF_STR("0"), text, HF_STR("0")};
	ptrdiff_t colon = str_find(text, ':');
	if (colon >= 0) {
		parts.epoch = (struct hf_str){text.ptr, (size_t)colon};
		parts.upstream = (struct hf_str){text.ptr + colon + 1, text.len - (size_t)colon - 1};
	}
	const char *dash = parts.upstream.len ? memrchr(parts.upstream.ptr, '-', parts.upstream.len) : NULL;
	if (dash) {
		size_t before = (size_t)(dash - parts.upstream.ptr);
		parts.revision = (struct hf_str){dash + 1, parts.upstream.len - before - 1};
		parts.upstream.len = before;
	}
	return parts;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Rank of the character at i within a run of non-digits; the end of the run ranks between ~ and letters. */
static int rank(struct hf_str text, size_t i)
{
	if (i >= text.len || is_digit(text.ptr[i]))
		return 0;
	if (text.ptr[i] == '~')
		return -1;
	return is_letter(text.ptr[i]) ? (unsigned char)text.ptr[i] : (unsigned char)text.ptr[i] + 256;
}

static size_t digits_end(struct hf_str text, size_t i)
{
	while (i < text.len && is_digit(text.ptr[i]))
		i++;
	return i;
}

static int number_cmp(struct hf_str a, struct hf_str b)
{
	while (a.len > 0 && a.ptr[0] == '0')
		a = (struct hf_str){a.ptr + 1, a.len - 1};
	while (b.len > 0 && b.ptr[0] == '0')
		b = (struct hf_str){b.ptr + 1, b.len - 1};
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return str_cmp(a, b);
}

static int part_cmp(struct hf_str a, struct hf_str b)
{
	size_t i = 0, j = 0;
	while (i < a.len || j < b.len) {
		while ((i < a.len && !is_digit(a.ptr[i])) || (j < b.len && !is_digit(b.ptr[j]))) {
			int left = rank(a, i), right = rank(b, j);
			if (left != right)
				return left < right ? -1 : 1;
			i += i < a.len;
			j += j < b.len;
		}
		size_t i_end = digits_end(a, i), j_end = digits_end(b, j);
		int order = number_cmp((struct hf_str){a.ptr + i, i_end - i}, (struct hf_str){b.ptr + j, j_end - j});
		if (order != 0)
			return order;
		i = i_end;
		j = j_end;
	}
	return 0;
}

int debversion_cmp(struct hf_str a, struct hf_str b)
{
	struct parts left = split(a), right = split(b);
	int order = number_cmp(left.epoch, right.epoch);
	if (order == 0)
		order = part_cmp(left.upstream, right.upstream);
	return order != 0 ? order : part_cmp(left.revision, right.revision);
}

static bool all_of(struct hf_str text, const char *others)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_digit(text.ptr[i]) && !is_letter(text.ptr[i]) && str_find(hf_str_of(others), text.ptr[i]) < 0)
			return false;
	return text.len > 0;
}

bool debversion_valid(struct hf_str text)
{
	struct parts parts = split(text);
	bool epoch = parts.epoch.len > 0 && digits_end(parts.epoch, 0) == parts.epoch.len;
	bool upstream = all_of(parts.upstream, ".+-~:") && is_digit(parts.upstream.ptr[0]);
	return epoch && upstream && all_of(parts.revision, ".+~");
}
