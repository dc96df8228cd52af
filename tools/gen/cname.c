/*
 * cname.c - from SQL names, which may hold anything, to C names. Not injective: callers look for clashes.
 */
#include "gen/cname.h"

bool cname_is_keyword(const char *word)
{
	static const char words[] =
		" alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept "
		"const "
		"const_cast consteval constexpr constinit continue co_await co_return co_yield decltype default delete "
		"do double dynamic_cast else enum explicit export extern false float for friend goto if inline int "
		"long "
		"mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register "
		"reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct "
		"switch template this thread_local throw true try typedef typeid typename union unix linux unsigned "
		"using virtual void volatile wchar_t while xor xor_eq errno stdin stdout stderr main offsetof assert ";
	char padded[80];
	int len = snprintf(padded, sizeof(padded), " %s ", word);
	return len > 0 && (size_t)len < sizeof(padded) && strstr(words, padded) != NULL;
}

static const char *plain(hf_arena *arena, const char *name, bool upper)
{
	struct buf buf;
	buf_init(&buf, 4096);
	if (!*name || (*name >= '0' && *name <= '9'))
		buf_add_char(&buf, '_');
	for (const char *p = name; *p; p++) {
		char c = *p;
		if (c >= 'A' && c <= 'Z' && !upper)
			c = (char)(c - 'A' + 'a');
		else if (c >= 'a' && c <= 'z' && upper)
			c = (char)(c - 'a' + 'A');
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
		buf_add_char(&buf, fine ? c : '_');
	}
	mem_check(&buf);
	const char *text = mem_text(arena, buf_str(&buf));
	buf_deinit(&buf);
	return text;
}

const char *cname_member(hf_arena *arena, const char *name)
{
	const char *member = plain(arena, name, false);
	return cname_is_keyword(member) ? mem_printf(arena, "%s_", member) : member;
}

const char *cname_upper(hf_arena *arena, const char *name)
{
	return plain(arena, name, true);
}

const char *cname_type(hf_arena *arena, const char *name)
{
	const char *type = cname_member(arena, name);
	return *type == '_' ? mem_printf(arena, "t%s", type) : type;
}

bool cname_clash(const char *member, const char *other)
{
	if (strcmp(member, other) == 0)
		return true;
	return strncmp(other, "has_", 4) == 0 && strcmp(member, other + 4) == 0;
}
