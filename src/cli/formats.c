/*
 * formats.c - see formats.h.
 */
#include "cli/formats.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"

enum { SAMPLE_CELL_MAX = 4096, COLUMN_GAP = 2, ELIDED_MIN = 12 };

static bool put_text(struct out *out, const char *text)
{
	return out_bytes(out, hf_str_of(text));
}

/* codebase -> CODEBASE, estimated_duration_s -> ESTIMATED-DURATION */
static void add_title(struct buf *buf, const struct column *column)
{
	struct hf_str name = hf_str_of(column->title ? column->title : column->name);
	if (!column->title && column->kind == COLUMN_DURATION && str_ends(name, HF_STR("_s")))
		name.len -= 2;
	for (size_t i = 0; i < name.len; i++)
		buf_add_char(buf, name.ptr[i] == '_' ? '-' : (char)toupper((unsigned char)name.ptr[i]));
}

static bool aligns_right(enum column_kind kind)
{
	return kind == COLUMN_INT || kind == COLUMN_NUMBER || kind == COLUMN_NUMERIC || kind == COLUMN_DURATION;
}

/* ---- tables ---- */

static void put_blanks(struct out *out)
{
	char blanks[64];
	memset(blanks, ' ', sizeof(blanks));
	while (out->blanks > 0) {
		size_t n = out->blanks < sizeof(blanks) ? out->blanks : sizeof(blanks);
		out_bytes(out, (struct hf_str){blanks, n});
		out->blanks -= n;
	}
}

/* Blanks wait for a text behind them: none end a line, where a terminal would make another line of them. */
static void put_padded(struct out *out, struct hf_str text, size_t width, bool right, bool last)
{
	size_t own = text_width(text), pad = own < width ? width - own : 0;
	out->blanks += right ? pad : 0;
	if (text.len > 0) {
		put_blanks(out);
		out_bytes(out, text);
	}
	out->blanks = last ? 0 : out->blanks + (right ? 0 : pad) + COLUMN_GAP;
	if (last)
		put_text(out, "\n");
}

static void put_heading(struct out *out)
{
	for (size_t i = 0; i < out->nchosen; i++) {
		buf_clear(&out->scratch);
		add_title(&out->scratch, &out->columns[out->chosen[i]]);
		if (out->options.color)
			put_text(out, "\033[1m");
		put_padded(out, buf_str(&out->scratch), out->width[i], out->right[i], i + 1 == out->nchosen);
		if (out->options.color)
			put_text(out, "\033[0m");
	}
}

void format_table_start(struct out *out)
{
	hf_arena_reset(out->arena);
	out->sampled = 0;
	out->sampling = true;
	out->ncells = out->nchosen;
	out->sample = hf_arena_calloc(out->arena, TABLE_SAMPLE * out->nchosen + 1, sizeof(*out->sample));
	for (size_t i = 0; i < out->nchosen; i++) {
		buf_clear(&out->scratch);
		add_title(&out->scratch, &out->columns[out->chosen[i]]);
		out->width[i] = text_width(buf_str(&out->scratch));
		out->right[i] = aligns_right(out->columns[out->chosen[i]].kind);
	}
}

static void show(struct out *out, size_t chosen, const struct cell *cells)
{
	buf_clear(&out->scratch);
	cell_show(&out->scratch, &cells[out->chosen[chosen]], &out->options);
}

static void put_sample(struct out *out)
{
	out->sampling = false;
	put_heading(out);
	for (size_t row = 0; row < out->sampled; row++)
		for (size_t i = 0; i < out->nchosen; i++)
			put_padded(out, out->sample[row * out->ncells + i], out->width[i], out->right[i],
			           i + 1 == out->nchosen);
}

static bool is_empty(const struct out *out, size_t chosen)
{
	for (size_t row = 0; row < out->sampled; row++)
		if (out->sample[row * out->ncells + chosen].len > 0)
			return false;
	return out->sampled > 0;
}

static size_t total_width(const struct out *out)
{
	size_t total = 0;
	for (size_t i = 0; i < out->nchosen; i++)
		total += out->width[i] + (i > 0 ? COLUMN_GAP : 0);
	return total;
}

/* The text as far as it goes into the width, and an ellipsis. Where memory is short it stays whole. */
static struct hf_str elided(struct out *out, struct hf_str text, size_t width)
{
	struct hf_str rest = text;
	size_t used = 1;
	if (text_width(text) <= width)
		return text;
	while (rest.len > 0) {
		size_t n = str_utf8_sequence(rest), own = text_width((struct hf_str){rest.ptr, n ? n : 1});
		if (used + own > width)
			break;
		used += own;
		rest.ptr += n ? n : 1;
		rest.len -= n ? n : 1;
	}
	buf_clear(&out->scratch);
	buf_add(&out->scratch, (struct hf_str){text.ptr, text.len - rest.len});
	buf_add(&out->scratch, HF_STR("\xe2\x80\xa6"));
	struct hf_str kept = hf_arena_str(out->arena, buf_str(&out->scratch));
	return kept.ptr ? kept : text;
}

/* The widest text behind the first column, which is what names a row; NULL when none may be narrower. */
static size_t *widest_text(struct out *out)
{
	size_t *widest = NULL;
	for (size_t i = 1; i < out->nchosen; i++) {
		enum column_kind kind = out->columns[out->chosen[i]].kind;
		bool text = kind == COLUMN_TEXT || kind == COLUMN_JSON;
		if (text && out->width[i] > ELIDED_MIN && (!widest || out->width[i] > *widest))
			widest = &out->width[i];
	}
	return widest;
}

static void elide(struct out *out)
{
	size_t *widest = NULL;
	for (size_t total = total_width(out); total > out->options.width && (widest = widest_text(out)); total--)
		--*widest;
	for (size_t row = 0; row < out->sampled; row++) {
		struct hf_str *sample = &out->sample[row * out->ncells];
		for (size_t i = 0; i < out->nchosen; i++)
			sample[i] = elided(out, sample[i], out->width[i]);
	}
}

/* A whole list that is wider than its terminal goes without the columns in which nothing stands; then long texts are
 * cut. */
static void fit(struct out *out)
{
	size_t kept = 0;
	if (total_width(out) <= out->options.width || out->options.width == 0 || out->options.fields)
		return;
	for (size_t i = 0; i < out->nchosen; i++) {
		if (i > 0 && is_empty(out, i))
			continue;
		out->chosen[kept] = out->chosen[i];
		out->width[kept] = out->width[i];
		out->right[kept] = out->right[i];
		for (size_t row = 0; row < out->sampled; row++)
			out->sample[row * out->ncells + kept] = out->sample[row * out->ncells + i];
		kept++;
	}
	out->nchosen = kept;
	elide(out);
}

void format_table_sampled(struct out *out)
{
	fit(out);
	put_sample(out);
}

/* Keep the row for the sample; false when it is too large for that. */
static bool keep_row(struct out *out, const struct cell *cells)
{
	size_t width[COLUMN_MAX];
	if (!out->sample || out->sampled == TABLE_SAMPLE)
		return false;
	for (size_t i = 0; i < out->nchosen; i++) {
		show(out, i, cells);
		if (!buf_ok(&out->scratch) || out->scratch.len > SAMPLE_CELL_MAX)
			return false;
		struct hf_str kept = hf_arena_str(out->arena, buf_str(&out->scratch));
		if (!kept.ptr)
			return false;
		out->sample[out->sampled * out->ncells + i] = kept;
		width[i] = text_width(kept);
	}
	for (size_t i = 0; i < out->nchosen; i++)
		if (width[i] > out->width[i])
			out->width[i] = width[i];
	out->sampled++;
	return true;
}

void format_table_row(struct out *out, const struct cell *cells)
{
	if (out->sampling && keep_row(out, cells))
		return;
	if (out->sampling)
		put_sample(out);
	for (size_t i = 0; i < out->nchosen; i++) {
		show(out, i, cells);
		put_padded(out, buf_str(&out->scratch), out->width[i], out->right[i], i + 1 == out->nchosen);
	}
}

/* ---- csv, tsv, raw ---- */

static void put_csv(struct out *out, struct hf_str text)
{
	if (str_find(text, ',') < 0 && str_find(text, '"') < 0 && str_find(text, '\n') < 0 &&
	    str_find(text, '\r') < 0) {
		out_bytes(out, text);
		return;
	}
	put_text(out, "\"");
	struct hf_str piece;
	for (bool first = true; str_split(&text, '"', &piece); first = false) {
		if (!first)
			put_text(out, "\"\"");
		out_bytes(out, piece);
	}
	put_text(out, "\"");
}

static void put_tsv(struct out *out, struct hf_str text)
{
	size_t start = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		const char *escape = c == '\t'   ? "\\t"
		                     : c == '\n' ? "\\n"
		                     : c == '\r' ? "\\r"
		                     : c == '\\' ? "\\\\"
		                                 : NULL;
		if (!escape)
			continue;
		out_bytes(out, (struct hf_str){text.ptr + start, i - start});
		put_text(out, escape);
		start = i + 1;
	}
	out_bytes(out, (struct hf_str){text.ptr + start, text.len - start});
}

static void put_separated(struct out *out, struct hf_str text, size_t index, bool null)
{
	bool csv = out->options.format == OUT_CSV, last = index + 1 == out->nchosen;
	if (csv)
		put_csv(out, text);
	else if (null)
		put_text(out, "\\N");
	else
		put_tsv(out, text);
	put_text(out, last ? (csv ? "\r\n" : "\n") : (csv ? "," : "\t"));
}

void format_separated_header(struct out *out)
{
	for (size_t i = 0; i < out->nchosen; i++)
		put_separated(out, hf_str_of(out->columns[out->chosen[i]].name), i, false);
}

void format_separated_row(struct out *out, const struct cell *cells)
{
	for (size_t i = 0; i < out->nchosen; i++) {
		buf_clear(&out->scratch);
		cell_plain(&out->scratch, &cells[out->chosen[i]]);
		put_separated(out, buf_str(&out->scratch), i, cells[out->chosen[i]].null);
	}
}

void format_raw_row(struct out *out, const struct cell *cells)
{
	buf_clear(&out->scratch);
	if (out->nchosen > 0)
		cell_plain(&out->scratch, &cells[out->chosen[0]]);
	out_bytes(out, buf_str(&out->scratch));
	put_text(out, "\n");
}

/* "name   value" per column */
void format_object(struct out *out, const struct cell *cells)
{
	size_t width = 0;
	for (size_t i = 0; i < out->nchosen; i++) {
		size_t own = strlen(out->columns[out->chosen[i]].name);
		width = own > width ? own : width;
	}
	for (size_t i = 0; i < out->nchosen; i++) {
		const struct column *column = &out->columns[out->chosen[i]];
		buf_clear(&out->scratch);
		buf_add_text(&out->scratch, column->name);
		for (size_t at = 0; at < out->scratch.len; at++)
			if (out->scratch.ptr[at] == '_')
				out->scratch.ptr[at] = ' ';
		if (column->kind == COLUMN_DURATION && str_ends(buf_str(&out->scratch), HF_STR(" s")))
			out->scratch.len -= 2;
		put_padded(out, buf_str(&out->scratch), width, false, false);
		show(out, i, cells);
		put_padded(out, buf_str(&out->scratch), 0, false, true);
	}
}
