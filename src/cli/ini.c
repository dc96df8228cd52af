/*
 * ini.c - reader of ini.h, line by line over the whole text in memory.
 */
#include "cli/ini.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct reader {
	struct ini_file *file;
	hf_arena *arena;
	const char *section;
	size_t capacity;
	uint32_t line;
};

static enum hf_status wrong(const struct reader *reader, size_t column, hf_error *err, const char *what)
{
	return error_set(err, HF_E_CONFIG, "%s:%u:%zu: %s", reader->file->path, reader->line, column + 1, what);
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
	       c == '.';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static size_t skip_blanks(struct hf_str line, size_t at)
{
	while (at < line.len && is_blank(line.ptr[at]))
		at++;
	return at;
}

static size_t skip_name(struct hf_str line, size_t at)
{
	while (at < line.len && is_name_char(line.ptr[at]))
		at++;
	return at;
}

static bool ends_here(struct hf_str line, size_t at)
{
	at = skip_blanks(line, at);
	return at == line.len || line.ptr[at] == '#';
}

static enum hf_status read_section(struct reader *reader, struct hf_str line, size_t at, hf_error *err)
{
	size_t start = at + 1, end = skip_name(line, start);
	if (end == start)
		return wrong(reader, start, err, "a section needs a name: [name]");
	if (end == line.len || line.ptr[end] != ']')
		return wrong(reader, end, err, "expected ] after the section's name");
	if (!ends_here(line, end + 1))
		return wrong(reader, end + 1, err, "unexpected text after the section");
	reader->section = hf_arena_str(reader->arena, (struct hf_str){line.ptr + start, end - start}).ptr;
	return reader->section ? HF_OK : error_nomem(err);
}

/* "..." from `at`, which is the opening quote. */
static enum hf_status read_quoted(struct reader *reader, struct hf_str line, size_t at, const char **ret_value,
				  hf_error *err)
{
	char *text = hf_arena_alloc(reader->arena, line.len + 1);
	size_t n = 0, i = at + 1;
	if (!text)
		return error_nomem(err);
	for (; i < line.len && line.ptr[i] != '"'; i++) {
		if (line.ptr[i] == '\\' && i + 1 < line.len && (line.ptr[i + 1] == '"' || line.ptr[i + 1] == '\\'))
			i++;
		text[n++] = line.ptr[i];
	}
	if (i == line.len)
		return wrong(reader, at, err, "the quote is not closed");
	if (!ends_here(line, i + 1))
		return wrong(reader, i + 1, err, "unexpected text after the closing quote");
	text[n] = '\0';
	*ret_value = text;
	return HF_OK;
}

static enum hf_status read_plain(struct reader *reader, struct hf_str line, size_t at, const char **ret_value,
				 hf_error *err)
{
	size_t end = at;
	while (end < line.len && !(line.ptr[end] == '#' && (end == at || is_blank(line.ptr[end - 1]))))
		end++;
	*ret_value = hf_arena_str(reader->arena, str_trim((struct hf_str){line.ptr + at, end - at})).ptr;
	return *ret_value ? HF_OK : error_nomem(err);
}

static const struct ini_entry *find(const struct ini_file *file, const char *section, const char *key)
{
	for (size_t i = 0; i < file->count; i++)
		if (strcmp(file->entries[i].section, section) == 0 && strcmp(file->entries[i].key, key) == 0)
			return &file->entries[i];
	return NULL;
}

static enum hf_status add_entry(struct reader *reader, struct ini_entry entry, hf_error *err)
{
	struct ini_file *file = reader->file;
	const struct ini_entry *before = find(file, entry.section, entry.key);
	if (before)
		return error_set(err, HF_E_CONFIG, "%s:%u:%u: \"%s\" stands in this section already, at line %u",
				 file->path, entry.line, entry.column, entry.key, before->line);
	if (file->count == INI_ENTRIES_MAX)
		return error_set(err, HF_E_CONFIG, "%s:%u:1: more than %d keys", file->path, entry.line,
				 INI_ENTRIES_MAX);
	if (file->count == reader->capacity) {
		size_t capacity = reader->capacity ? reader->capacity * 2 : 16;
		struct ini_entry *grown = hf_arena_calloc(reader->arena, capacity, sizeof(*grown));
		if (!grown)
			return error_nomem(err);
		if (file->count > 0)
			memcpy(grown, file->entries, file->count * sizeof(*grown));
		file->entries = grown;
		reader->capacity = capacity;
	}
	file->entries[file->count++] = entry;
	return HF_OK;
}

static enum hf_status read_pair(struct reader *reader, struct hf_str line, size_t at, hf_error *err)
{
	size_t end = skip_name(line, at), equals = skip_blanks(line, end);
	struct ini_entry entry = {.section = reader->section, .line = reader->line, .column = (uint32_t)at + 1};
	if (end == at)
		return wrong(reader, at, err, "expected [section], key = value or # comment");
	if (equals == line.len || line.ptr[equals] != '=')
		return wrong(reader, equals, err, "expected = after the key");
	size_t value = skip_blanks(line, equals + 1);
	entry.value_column = (uint32_t)value + 1;
	entry.key = hf_arena_str(reader->arena, (struct hf_str){line.ptr + at, end - at}).ptr;
	if (!entry.key)
		return error_nomem(err);
	bool quoted = value < line.len && line.ptr[value] == '"';
	enum hf_status status = quoted ? read_quoted(reader, line, value, &entry.value, err)
				       : read_plain(reader, line, value, &entry.value, err);
	return status == HF_OK ? add_entry(reader, entry, err) : status;
}

enum hf_status ini_parse(const char *path, struct hf_str text, hf_arena *arena, struct ini_file *ret_file,
			 hf_error *err)
{
	struct ini_file file = {.path = path};
	struct reader reader = {.file = &file, .arena = arena, .section = ""};
	struct hf_str rest = text, line;
	size_t bad;
	while (str_split(&rest, '\n', &line)) {
		reader.line++;
		size_t at = skip_blanks(line, 0);
		enum hf_status status = HF_OK;
		if (!str_is_utf8(line, &bad))
			return wrong(&reader, bad, err, "not valid UTF-8");
		if (at == line.len || line.ptr[at] == '#')
			continue;
		if (line.ptr[at] == '[')
			status = read_section(&reader, line, at, err);
		else
			status = read_pair(&reader, line, at, err);
		if (status != HF_OK)
			return status;
	}
	*ret_file = file;
	return HF_OK;
}

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

enum hf_status ini_read(const char *path, hf_arena *arena, struct ini_file *ret_file, hf_error *err)
{
	CLEANUP(close_file) FILE *stream = fopen(path, "re");
	struct stat stat;
	if (!stream || fstat(fileno(stream), &stat) != 0)
		return error_errno(err, errno == ENOENT ? HF_NOT_FOUND : HF_E_CONFIG,
		                   "could not read the configuration %s", path);
	if (S_ISDIR(stat.st_mode))
		return error_set(err, HF_E_CONFIG, "could not read the configuration %s: it is a directory", path);
	char *text = hf_arena_alloc(arena, INI_FILE_MAX + 1);
	if (!text)
		return error_nomem(err);
	size_t n = fread(text, 1, INI_FILE_MAX + 1, stream);
	if (ferror(stream))
		return error_errno(err, HF_E_CONFIG, "could not read the configuration %s", path);
	if (n > INI_FILE_MAX)
		return error_set(err, HF_E_CONFIG, "could not read the configuration %s: it is longer than %d bytes",
		                 path, INI_FILE_MAX);
	const char *kept = hf_arena_str(arena, hf_str_of(path)).ptr;
	return kept ? ini_parse(kept, (struct hf_str){text, n}, arena, ret_file, err) : error_nomem(err);
}
