/*
 * digest.c - checksums and the normal forms of migration texts. Pure.
 */
#include "migrate/digest.h"

#include "migrate/scan.h"

enum { TEXT_MAX = 64 << 20 };

void text_unix(struct buf *out, struct hf_str text)
{
	if (str_starts(text, HF_STR("\xef\xbb\xbf"))) {
		text.ptr += 3;
		text.len -= 3;
	}
	while (text.len > 0) {
		ptrdiff_t at = str_find(text, '\r');
		size_t n = at < 0 ? text.len : (size_t)at;
		buf_add(out, (struct hf_str){text.ptr, n});
		if (at < 0)
			return;
		n += n + 1 < text.len && text.ptr[n + 1] == '\n' ? 2 : 1;
		buf_add_char(out, '\n');
		text.ptr += n;
		text.len -= n;
	}
}

/* Blank lines at the end are dropped by writing line ends only in front of a line that has something. */
static void add_trimmed_lines(struct buf *out, struct hf_str text)
{
	struct hf_str line;
	size_t owed = 0;
	for (bool first = true; str_split(&text, '\n', &line); first = false) {
		owed += !first;
		while (line.len > 0 && (line.ptr[line.len - 1] == ' ' || line.ptr[line.len - 1] == '\t'))
			line.len--;
		if (line.len == 0)
			continue;
		for (; owed > 0; owed--)
			buf_add_char(out, '\n');
		buf_add(out, line);
	}
}

void text_normalise(struct buf *out, struct hf_str text)
{
	struct buf lines;
	buf_init(&lines, TEXT_MAX);
	text_unix(&lines, text);
	add_trimmed_lines(out, buf_str(&lines));
	out->failed = out->failed || lines.failed;
	buf_deinit(&lines);
}

void text_code(struct buf *out, struct hf_str text, bool comments)
{
	struct scan scan = scan_begin(text, 1);
	bool first = true;
	for (struct token token = scan_next(&scan); token.kind != TOKEN_END; token = scan_next(&scan)) {
		if (token.kind == TOKEN_SPACE || (token.kind == TOKEN_COMMENT && !comments))
			continue;
		if (!first)
			buf_add_char(out, ' ');
		buf_add(out, token.kind == TOKEN_COMMENT ? str_trim(token.text) : token.text);
		first = false;
	}
}

static bool same_form(struct hf_str before, struct hf_str after, bool comments)
{
	struct buf a, b;
	buf_init(&a, TEXT_MAX);
	buf_init(&b, TEXT_MAX);
	text_code(&a, before, comments);
	text_code(&b, after, comments);
	bool same = buf_ok(&a) && buf_ok(&b) && str_eq(buf_str(&a), buf_str(&b));
	buf_deinit(&a);
	buf_deinit(&b);
	return same;
}

static uint32_t first_difference(struct hf_str before, struct hf_str after)
{
	struct hf_str line_before, line_after;
	for (uint32_t line = 1;; line++) {
		bool more_before = str_split(&before, '\n', &line_before);
		bool more_after = str_split(&after, '\n', &line_after);
		if (!more_before && !more_after)
			return 0;
		if (more_before != more_after || !str_eq(line_before, line_after))
			return line;
	}
}

static bool same_normalised(struct hf_str before, struct hf_str after, uint32_t *ret_line)
{
	struct buf a, b;
	buf_init(&a, TEXT_MAX);
	buf_init(&b, TEXT_MAX);
	text_normalise(&a, before);
	text_normalise(&b, after);
	uint32_t line = first_difference(buf_str(&a), buf_str(&b));
	bool same = buf_ok(&a) && buf_ok(&b) && line == 0;
	buf_deinit(&a);
	buf_deinit(&b);
	if (ret_line)
		*ret_line = line;
	return same;
}

enum hf_migration_edit text_compare(struct hf_str before, struct hf_str after, uint32_t *ret_line)
{
	if (same_normalised(before, after, ret_line))
		return HF_EDIT_NONE;
	if (same_form(before, after, true))
		return HF_EDIT_WHITESPACE;
	return same_form(before, after, false) ? HF_EDIT_COMMENTS : HF_EDIT_SQL;
}
