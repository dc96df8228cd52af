/*
 * diag.c - collecting and printing findings.
 */
#include "gen/diag.h"

#include <stdlib.h>

#include "gen/source.h"

enum { LINE_SHOWN_MAX = 2000 };

void diags_init(struct diags *diags, hf_arena *arena)
{
	*diags = (struct diags){.arena = arena};
}

static struct diag *add(struct diags *diags, const char *path, const char *format, va_list args) PRINTF_LIKE(3, 0);

static struct diag *add(struct diags *diags, const char *path, const char *format, va_list args)
{
	struct buf buf;
	buf_init(&buf, (size_t)1 << 20);
	buf_vprintf(&buf, format, args);
	diags->items = mem_grow(diags->arena, diags->items, diags->count, sizeof(struct diag));
	struct diag *diag = &diags->items[diags->count++];
	*diag = (struct diag){.path = path, .message = mem_text(diags->arena, buf_str(&buf))};
	diags->errors++;
	buf_deinit(&buf);
	return diag;
}

struct diag *diag_at(struct diags *diags, const struct source *source, size_t start, size_t end, const char *format,
                     ...)
{
	va_list args;
	va_start(args, format);
	struct diag *diag = add(diags, source->path, format, args);
	va_end(args);
	diag->source = source;
	diag->start = start;
	diag->end = end;
	return diag;
}

struct diag *diag_file(struct diags *diags, const char *path, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct diag *diag = add(diags, path, format, args);
	va_end(args);
	return diag;
}

void diag_stale(struct diags *diags, struct diag *diag)
{
	diag->stale = true;
	diag->hint = "run: holdfast gen";
	diags->errors--;
	diags->stale++;
}

void diag_warning(struct diags *diags, struct diag *diag)
{
	diag->warning = true;
	diags->errors--;
}

struct diag *diags_last_twin(struct diags *diags)
{
	const struct diag *last = &diags->items[diags->count - 1];
	for (size_t i = diags->count - 1; i-- > 0 && diags->items[i].source == last->source;)
		if (diags->items[i].start == last->start && strcmp(diags->items[i].message, last->message) == 0)
			return &diags->items[i];
	return NULL;
}

void diags_drop_last(struct diags *diags)
{
	diags->count--;
	diags->errors--;
}

static int by_place(const void *a, const void *b)
{
	const struct diag *left = a, *right = b;
	int order = strcmp(left->path, right->path);
	if (order != 0)
		return order;
	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return strcmp(left->message, right->message);
}

/* One character of UTF-8 (the source was checked): its code point, and its length in bytes. */
static uint32_t character(struct hf_str text, size_t at, size_t *ret_bytes)
{
	unsigned char first = (unsigned char)text.ptr[at];
	size_t bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t code = bytes == 1 ? first : first & (0xffu >> (bytes + 1));
	for (size_t i = 1; i < bytes && at + i < text.len; i++)
		code = code << 6 | ((unsigned char)text.ptr[at + i] & 0x3f);
	*ret_bytes = bytes;
	return code;
}

/* Places that a character takes in a terminal: none for combining marks, two for East Asian wide ones and emoji. */
static unsigned places(uint32_t code)
{
	if ((code >= 0x300 && code <= 0x36f) || code == 0x200b || code == 0x200d || (code >= 0xfe00 && code <= 0xfe0f))
		return 0;
	bool wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
	            (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
	            (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
	            (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd);
	return wide ? 2 : 1;
}

static void print_caret(const struct diag *diag, struct hf_str line, size_t line_start, FILE *out)
{
	size_t start = diag->start - line_start, end = diag->end - line_start, bytes;
	for (size_t at = 0; at < start && at < line.len; at += bytes) {
		uint32_t code = character(line, at, &bytes);
		if (code == '\t')
			fputc('\t', out);
		else
			fprintf(out, "%*s", (int)places(code), "");
	}
	unsigned width = 0;
	for (size_t at = start; at < end && at < line.len; at += bytes)
		width += places(character(line, at, &bytes));
	for (unsigned i = 0; i < (width ? width : 1); i++)
		fputc('^', out);
	fputc('\n', out);
}

/* Of a very long line the part around the word, cut between characters. */
static struct hf_str window(struct hf_str line, size_t at)
{
	const size_t around = 50;
	if (line.len <= LINE_SHOWN_MAX)
		return line;
	size_t from = at > around ? at - around : 0, to = at + around < line.len ? at + around : line.len;
	while (from < at && ((unsigned char)line.ptr[from] & 0xc0) == 0x80)
		from++;
	while (to < line.len && ((unsigned char)line.ptr[to] & 0xc0) == 0x80)
		to++;
	return (struct hf_str){line.ptr + from, to - from};
}

static void print_excerpt(const struct diag *diag, struct place place, FILE *out)
{
	struct hf_str line = source_line(diag->source, diag->start);
	line = window(line, diag->start - (size_t)(line.ptr - diag->source->text.ptr));
	size_t line_start = (size_t)(line.ptr - diag->source->text.ptr), bad;
	if (!str_is_utf8(line, &bad)) /* what a terminal would make of it is left out */
		line.len = bad;
	fprintf(out, "%5u | %.*s\n      | ", place.line, STR_ARG(line));
	print_caret(diag, line, line_start, out);
}

void diags_sort(struct diags *diags)
{
	if (diags->count)
		qsort(diags->items, diags->count, sizeof(struct diag), by_place);
}

struct place diag_place(const struct diag *diag, const struct diag *last, struct place last_place)
{
	if (!diag->source)
		return (struct place){0, 0};
	if (!last || last->source != diag->source || last->start > diag->start)
		return source_place(diag->source, diag->start);
	return source_place_from(diag->source, last_place, last->start, diag->start);
}

static void print_message(const struct diag *diag, struct place place, FILE *out)
{
	fprintf(out, "%s:", diag->path);
	if (diag->source)
		fprintf(out, "%u:%u:", place.line, place.column);
	fprintf(out, " %s: %s", diag->warning ? "warning" : "error", diag->message);
	if (diag->rule)
		fprintf(out, " [%s]", diag->rule);
	fputc('\n', out);
	if (diag->source)
		print_excerpt(diag, place, out);
}

void diags_print(struct diags *diags, FILE *out)
{
	struct place place = {0, 0};
	diags_sort(diags);
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *diag = &diags->items[i];
		place = diag_place(diag, i ? diag - 1 : NULL, place);
		print_message(diag, place, out);
		if (diag->hint && *diag->hint)
			fprintf(out, "      = hint: %s\n", diag->hint);
		if (diag->query)
			fprintf(out, "      = query: %s\n", diag->query);
	}
}
