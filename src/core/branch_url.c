/*
 * branch_url.c - see branch_url.h.
 */
#include "core/branch_url.h"

#include <string.h>

#include "base/str.h"
#include "core/segment.h"

#define KEY "branch="

static bool needs_no_escape(char c, bool plain_slashes)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
	       c == '-' || c == '~' || (c == '/' && plain_slashes);
}

struct hf_str branch_escape(struct hf_str text, bool plain_slashes, char *into)
{
	static const char hex[] = "0123456789ABCDEF";
	char *at = into;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (needs_no_escape((char)c, plain_slashes)) {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	return (struct hf_str){into, (size_t)(at - into)};
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct hf_str branch_unescape(struct hf_str text, char *into)
{
	char *at = into;
	for (size_t i = 0; i < text.len; i++) {
		bool coded = text.ptr[i] == '%' && text.len - i > 2 && digit_of(text.ptr[i + 1]) >= 0 &&
		             digit_of(text.ptr[i + 2]) >= 0;
		*at++ = (char)(coded ? digit_of(text.ptr[i + 1]) << 4 | digit_of(text.ptr[i + 2]) : text.ptr[i]);
		i += coded ? 2 : 0;
	}
	return (struct hf_str){into, (size_t)(at - into)};
}

static void add_piece(struct buf *url, struct hf_str piece)
{
	buf_add_char(url, ',');
	buf_add(url, piece);
}

/* Pieces whose key comes before "branch", the branch, the others. */
static void add_parameters(struct buf *url, struct hf_str parameters, struct hf_str branch)
{
	for (int behind = 0; behind < 2; behind++) {
		struct hf_str rest = parameters, piece;
		while (rest.len > 0 && str_split(&rest, ',', &piece))
			if (!str_starts(piece, HF_STR(KEY)) && (str_cmp(piece, HF_STR(KEY)) > 0) == (behind == 1))
				add_piece(url, piece);
		if (behind == 0) {
			buf_add_text(url, "," KEY);
			buf_add(url, branch);
		}
	}
}

struct hf_str branch_url_join(struct hf_str url, struct hf_str branch, bool plain_slashes, hf_arena *arena)
{
	struct hf_str base, parameters, joined = {NULL, 0};
	struct buf text;
	char *escaped = hf_arena_alloc(arena, branch.len * 3 + 1);
	if (!escaped || !segment_split(url, &base, &parameters))
		return joined;
	buf_init(&text, url.len + branch.len * 3 + sizeof("," KEY));
	buf_add(&text, base);
	add_parameters(&text, parameters, branch_escape(branch, plain_slashes, escaped));
	if (buf_ok(&text))
		joined = hf_arena_str(arena, buf_str(&text));
	buf_deinit(&text);
	return joined;
}

bool branch_url_branch(struct hf_str parameters, hf_arena *arena, struct hf_str *ret_branch)
{
	struct hf_str rest = parameters, piece;
	*ret_branch = (struct hf_str){NULL, 0};
	while (rest.len > 0 && str_split(&rest, ',', &piece)) {
		if (!str_starts(piece, HF_STR(KEY)))
			continue;
		struct hf_str value = {piece.ptr + sizeof(KEY) - 1, piece.len - (sizeof(KEY) - 1)};
		char *into = hf_arena_alloc(arena, value.len + 1);
		if (!into)
			return false;
		*ret_branch = branch_unescape(value, into);
	}
	return true;
}
