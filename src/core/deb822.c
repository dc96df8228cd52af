/*
 * deb822.c - see deb822.h.
 */
#include "core/deb822.h"

#include <strings.h>

#include "base/error.h"

void deb822_init(struct deb822 *paragraph)
{
	buf_init(&paragraph->text, DEB822_PARAGRAPH_MAX);
	paragraph->nfields = 0;
	paragraph->first_line = 0;
}

void deb822_deinit(struct deb822 *paragraph)
{
	buf_deinit(&paragraph->text);
}

void deb822_clear(struct deb822 *paragraph)
{
	buf_clear(&paragraph->text);
	paragraph->nfields = 0;
}

static bool name_eq(struct hf_str a, struct hf_str b)
{
	return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static ptrdiff_t find_field(const struct deb822 *paragraph, struct hf_str name)
{
	for (size_t i = 0; i < paragraph->nfields; i++) {
		struct hf_str at = {paragraph->text.ptr + paragraph->fields[i].name_at, paragraph->fields[i].name_len};
		if (name_eq(at, name))
			return (ptrdiff_t)i;
	}
	return -1;
}

static bool is_field_name(struct hf_str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] == 0x7f)
			return false;
	return name.len > 0 && name.ptr[0] != '#' && name.ptr[0] != '-';
}

static enum hf_status start_field(struct deb822 *paragraph, struct hf_str line, size_t line_number, hf_error *err)
{
	ptrdiff_t colon = str_find(line, ':');
	struct hf_str name = {line.ptr, colon < 0 ? 0 : (size_t)colon};
	if (!is_field_name(name))
		return error_set(err, HF_E_INPUT, "line %zu is neither a field nor a continuation: \"%.*s\"",
		                 line_number, (int)(line.len > 40 ? 40 : line.len), line.ptr);
	if (find_field(paragraph, name) >= 0)
		return error_set(err, HF_E_INPUT, "line %zu repeats the field %.*s", line_number,
		                 (int)(name.len > 60 ? 60 : name.len), name.ptr);
	if (paragraph->nfields == DEB822_FIELDS_MAX)
		return error_set(err, HF_E_LIMIT, "line %zu: the record has more than %d fields", line_number,
		                 DEB822_FIELDS_MAX);
	size_t i = paragraph->nfields++;
	paragraph->fields[i].name_at = paragraph->text.len;
	paragraph->fields[i].name_len = name.len;
	buf_add(&paragraph->text, name);
	paragraph->fields[i].value_at = paragraph->text.len;
	buf_add(&paragraph->text, (struct hf_str){line.ptr + colon + 1, line.len - (size_t)colon - 1});
	return HF_OK;
}

static enum hf_status add_line(struct deb822 *paragraph, struct hf_str line, size_t line_number, hf_error *err)
{
	bool continuation = line.ptr[0] == ' ' || line.ptr[0] == '\t';
	if (continuation && paragraph->nfields == 0)
		return error_set(err, HF_E_INPUT, "line %zu continues a field, but none has begun", line_number);
	if (!continuation)
		return start_field(paragraph, line, line_number, err);
	buf_add_char(&paragraph->text, '\n');
	buf_add(&paragraph->text, line);
	return HF_OK;
}

enum hf_status deb822_line(struct deb822 *paragraph, struct hf_str line, size_t line_number, bool *ret_complete,
                           hf_error *err)
{
	size_t bad;
	*ret_complete = false;
	if (!str_is_utf8(line, &bad))
		return error_set(err, HF_E_INPUT, "line %zu is not UTF-8 (byte %zu of the line)", line_number, bad + 1);
	if (str_trim(line).len == 0) {
		*ret_complete = paragraph->nfields > 0;
		return HF_OK;
	}
	if (paragraph->nfields == 0)
		paragraph->first_line = line_number;
	enum hf_status status = add_line(paragraph, line, line_number, err);
	if (status != HF_OK)
		return status;
	if (buf_starved(&paragraph->text))
		return error_nomem(err);
	if (!buf_ok(&paragraph->text))
		return error_set(err, HF_E_LIMIT, "line %zu: the record is larger than %d MiB", line_number,
		                 DEB822_PARAGRAPH_MAX >> 20);
	size_t i = paragraph->nfields - 1;
	paragraph->fields[i].value_len = paragraph->text.len - paragraph->fields[i].value_at;
	return HF_OK;
}

struct hf_str deb822_get(const struct deb822 *paragraph, struct hf_str name)
{
	ptrdiff_t i = find_field(paragraph, name);
	if (i < 0)
		return (struct hf_str){NULL, 0};
	struct hf_str value = {paragraph->text.ptr + paragraph->fields[i].value_at, paragraph->fields[i].value_len};
	return str_trim(value);
}

static size_t skip_while(struct hf_str text, size_t i, const char *set, bool in_set)
{
	while (i < text.len && (strchr(set, text.ptr[i]) != NULL) == in_set)
		i++;
	return i;
}

bool relation_next_name(struct hf_str *rest, struct hf_str *ret_name)
{
	while (rest->len > 0) {
		size_t start = skip_while(*rest, 0, ",| \t\r\n", true);
		size_t end = skip_while(*rest, start, ",| \t\r\n(:[<", false);
		size_t next = skip_while(*rest, end, ",|", false);
		*ret_name = (struct hf_str){rest->ptr + start, end - start};
		*rest = (struct hf_str){rest->ptr + next, rest->len - next};
		if (end > start)
			return true;
	}
	return false;
}
