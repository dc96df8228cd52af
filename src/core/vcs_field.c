/*
 * vcs_field.c - see vcs_field.h. Unknown options ("-v") are tolerated with their word, as other readers do.
 */
#include "core/vcs_field.h"

#include "base/str.h"
#include "core/branch_url.h"

static struct hf_str next_word(struct hf_str *rest)
{
	*rest = str_trim(*rest);
	size_t n = 0;
	while (n < rest->len && rest->ptr[n] != ' ' && rest->ptr[n] != '\t' && rest->ptr[n] != '\n')
		n++;
	struct hf_str word = {rest->ptr, n};
	*rest = (struct hf_str){rest->ptr + n, rest->len - n};
	return word;
}

static struct hf_str bracketed(struct hf_str word)
{
	struct hf_str inner = {word.ptr + 1, word.len - 2};
	while (inner.len > 0 && inner.ptr[inner.len - 1] == '/')
		inner.len--;
	while (inner.len > 0 && inner.ptr[0] == '/')
		inner = (struct hf_str){inner.ptr + 1, inner.len - 1};
	return inner;
}

bool vcs_field_parse(struct hf_str text, struct vcs_field *ret_field)
{
	struct hf_str rest = text;
	struct vcs_field field = {.url = next_word(&rest), .subpath = HF_STR("")};
	if (field.url.len == 0 || field.url.ptr[0] == '[' || field.url.ptr[0] == '-')
		return false;
	for (struct hf_str word = next_word(&rest); word.len > 0; word = next_word(&rest)) {
		if (word.len >= 2 && word.ptr[0] == '[' && word.ptr[word.len - 1] == ']')
			field.subpath = bracketed(word);
		else if (str_eq(word, HF_STR("-b")))
			field.branch = next_word(&rest);
		else if (word.ptr[0] == '-')
			next_word(&rest);
		else
			return false;
	}
	if (field.branch.ptr && field.branch.len == 0)
		return false;
	*ret_field = field;
	return true;
}

struct hf_str vcs_field_branch_url(const struct vcs_field *field, hf_arena *arena)
{
	struct hf_str url = field->url;
	if (!field->branch.ptr)
		return hf_arena_str(arena, url);
	while (url.len > 1 && url.ptr[url.len - 1] == '/')
		url.len--;
	char *text = hf_arena_alloc(arena, url.len + sizeof(",branch=") + 3 * field->branch.len);
	if (!text)
		return (struct hf_str){NULL, 0};
	memcpy(text, url.ptr, url.len);
	memcpy(text + url.len, ",branch=", 8);
	struct hf_str branch = branch_escape(field->branch, false, text + url.len + 8);
	text[url.len + 8 + branch.len] = '\0';
	return (struct hf_str){text, url.len + 8 + branch.len};
}
