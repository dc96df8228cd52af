/*
 * shellword.c - see shellword.h.
 */
#include "core/shellword.h"

static bool harmless(char c)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
	return letter || str_find(HF_STR("_@%+=:,./-"), c) >= 0;
}

void shellword_add(struct buf *buf, struct hf_str word)
{
	size_t plain = 0;
	while (plain < word.len && harmless(word.ptr[plain]))
		plain++;
	if (plain == word.len && word.len > 0) {
		buf_add(buf, word);
		return;
	}
	buf_add_char(buf, '\'');
	for (size_t i = 0; i < word.len; i++) {
		if (word.ptr[i] == '\'')
			buf_add_text(buf, "'\"'\"'");
		else
			buf_add_char(buf, word.ptr[i]);
	}
	buf_add_char(buf, '\'');
}
