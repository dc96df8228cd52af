/*
 * upload_stream.c - a list of objects that is read piece by piece (upload.h): where its entries end is found by
 * counting brackets outside of strings; what an entry says the parser tells. One entry is held at a time, so that only
 * entries are bounded, not their list.
 */
#include "base/str.h"
#include "janitor/json_text.h"
#include "janitor/upload.h"

enum { PIECE = 65536 };

struct splitter {
	const char *what;
	upload_fn *fn;
	void *user;
	hf_error *err;
	struct buf entry; /* what there is of it */
	size_t number;    /* of the entry, from 0 */
	size_t line, column, entry_line, entry_column;
	unsigned depth; /* below the list */
	bool begun, ended, quoted, escaped;
};

static enum hf_status wrong(const struct splitter *splitter, const char *why)
{
	return error_set(splitter->err, HF_E_INPUT, "%s:%zu:%zu: %s", splitter->what, splitter->line, splitter->column,
	                 why);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static enum hf_status parse_entry(struct splitter *splitter)
{
	struct json_text_place place = {splitter->entry_line, splitter->entry_column, true};
	json_t *object = NULL;
	enum hf_status status =
		json_text_parse_at(buf_str(&splitter->entry), splitter->what, &place, &object, splitter->err);
	struct upload_entry entry = {splitter->what, splitter->number, object, splitter->err, true};
	if (status == HF_OK)
		status = upload_check_object(&entry);
	if (status == HF_OK)
		status = splitter->fn(splitter->user, &entry);
	json_decref(object);
	return status;
}

/* A comma, or the end of the list. */
static enum hf_status end_entry(struct splitter *splitter, bool last)
{
	splitter->ended = last;
	if (splitter->entry.len == 0)
		return last && splitter->number == 0 ? HF_OK : wrong(splitter, "an entry is missing");
	if (splitter->number == UPLOAD_ENTRIES_MAX)
		return error_set(splitter->err, HF_E_LIMIT, "%s: more than %d entries", splitter->what,
		                 UPLOAD_ENTRIES_MAX);
	enum hf_status status = parse_entry(splitter);
	buf_clear(&splitter->entry);
	splitter->number++;
	return status;
}

static enum hf_status add_char(struct splitter *splitter, char c)
{
	if (splitter->entry.len == 0) {
		splitter->entry_line = splitter->line;
		splitter->entry_column = splitter->column;
	}
	buf_add_char(&splitter->entry, c);
	if (buf_ok(&splitter->entry))
		return HF_OK;
	if (buf_starved(&splitter->entry))
		return error_nomem(splitter->err);
	return error_set(splitter->err, HF_E_LIMIT, "%s: entry %zu: more than %zu bytes", splitter->what,
	                 splitter->number + 1, JSON_TEXT_BYTES_MAX);
}

static enum hf_status outside(struct splitter *splitter, char c)
{
	if (is_blank(c))
		return HF_OK;
	if (splitter->ended)
		return wrong(splitter, "something stands behind the list");
	splitter->begun = c == '[';
	return splitter->begun ? HF_OK : wrong(splitter, "expected one list: the document does not begin with \"[\"");
}

static enum hf_status inside(struct splitter *splitter, char c)
{
	const bool plain = !splitter->quoted;
	if (plain && splitter->depth == 0 && (c == ',' || c == ']'))
		return end_entry(splitter, c == ']');
	if (plain && splitter->entry.len == 0 && is_blank(c))
		return HF_OK;
	if (plain && (c == '{' || c == '[') && ++splitter->depth > JSON_TEXT_DEPTH_MAX)
		return wrong(splitter, "nested more than 64 levels deep");
	if (plain && (c == '}' || c == ']') && splitter->depth > 0)
		splitter->depth--;
	if (c == '"' && !splitter->escaped)
		splitter->quoted = plain;
	splitter->escaped = splitter->quoted && c == '\\' && !splitter->escaped;
	return add_char(splitter, c);
}

static enum hf_status take(struct splitter *splitter, struct hf_str piece)
{
	enum hf_status status = HF_OK;
	for (size_t i = 0; i < piece.len && status == HF_OK; i++) {
		splitter->column++;
		status = splitter->begun && !splitter->ended ? inside(splitter, piece.ptr[i])
		                                             : outside(splitter, piece.ptr[i]);
		if (piece.ptr[i] == '\n') {
			splitter->line++;
			splitter->column = 0;
		}
	}
	return status;
}

enum hf_status upload_stream(upload_read_fn *read, void *read_user, const char *what, upload_fn *fn, void *user,
                             hf_error *err)
{
	struct splitter splitter = {.what = what, .fn = fn, .user = user, .err = err, .line = 1};
	char piece[PIECE];
	size_t n = 1;
	enum hf_status status = HF_OK;
	buf_init(&splitter.entry, JSON_TEXT_BYTES_MAX);
	while (status == HF_OK && n > 0) {
		status = read(read_user, piece, sizeof(piece), &n, err);
		if (status == HF_OK)
			status = take(&splitter, (struct hf_str){piece, n});
	}
	if (status == HF_OK && !splitter.ended)
		status =
			wrong(&splitter, splitter.begun ? "the list does not end" : "expected one list, found nothing");
	buf_deinit(&splitter.entry);
	return status;
}
