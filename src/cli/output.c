/*
 * output.c - lists, objects and answers in every format. One cell at a time goes through `scratch`.
 */
#include "cli/output.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/nearest.h"

enum { CELL_BYTES_MAX = 64 << 20, SAMPLE_BYTES_MAX = 16 << 20, SAMPLE_CELL_MAX = 4096 };

/* ---- bytes ---- */

static bool put(struct out *out, struct hf_str text)
{
	if (out->gone || out->failed_errno)
		return false;
	if (text.len == 0 || fwrite(text.ptr, 1, text.len, out->file) == text.len)
		return true;
	out->gone = errno == EPIPE;
	out->failed_errno = out->gone ? 0 : errno;
	return false;
}

static bool put_text(struct out *out, const char *text)
{
	return put(out, hf_str_of(text));
}

static bool json_to_file(void *user, const char *bytes, size_t n)
{
	return put(user, (struct hf_str){bytes, n});
}

/* HF_STOP when nobody reads any more. */
static enum hf_status outcome(struct out *out, hf_error *err)
{
	if (out->failed_errno) {
		errno = out->failed_errno;
		return error_errno(err, HF_E_FAILED, "could not write the output");
	}
	if (buf_starved(&out->scratch))
		return error_nomem(err);
	if (!buf_ok(&out->scratch))
		return error_set(err, HF_E_LIMIT, "could not print a value: it is longer than %d MiB",
		                 CELL_BYTES_MAX >> 20);
	return out->gone ? HF_STOP : HF_OK;
}

enum hf_status out_init(struct out *out, FILE *file, const struct out_options *options, hf_error *err)
{
	*out = (struct out){.file = file, .options = *options};
	buf_init(&out->scratch, CELL_BYTES_MAX);
	out->arena = hf_arena_new(SAMPLE_BYTES_MAX);
	return out->arena ? HF_OK : error_nomem(err);
}

void out_deinit(struct out *out)
{
	hf_arena_free(out->arena);
	buf_deinit(&out->scratch);
}

bool out_is_json(const struct out *out)
{
	return out->options.format == OUT_JSON || out->options.format == OUT_NDJSON;
}

/* A pipe whose reader is gone; errno of an earlier write is lost when the library wrote on its own. */
static bool reader_is_gone(FILE *file)
{
	struct pollfd watched = {.fd = fileno(file), .events = POLLOUT};
	return watched.fd >= 0 && poll(&watched, 1, 0) > 0 && (watched.revents & (POLLERR | POLLHUP));
}

static void flush(struct out *out)
{
	if (out->gone || out->failed_errno)
		return;
	int failed = fflush(out->file) != 0 ? errno : ferror(out->file) ? EIO : 0;
	out->gone = failed == EPIPE || (failed && reader_is_gone(out->file));
	out->failed_errno = out->gone ? 0 : failed;
}

bool out_bytes(struct out *out, struct hf_str bytes)
{
	return put(out, bytes);
}

enum hf_status out_flush(struct out *out, hf_error *err)
{
	flush(out);
	enum hf_status status = outcome(out, err);
	return status == HF_STOP ? HF_OK : status;
}

/* ---- columns ---- */

static size_t count_columns(const struct column *columns)
{
	size_t n = 0;
	while (columns[n].name)
		n++;
	ASSERT(n <= COLUMN_MAX);
	return n;
}

static enum hf_status unknown_field(const struct column *columns, struct hf_str name, hf_error *err)
{
	struct nearest search = nearest_to(name);
	char all[400] = "";
	size_t at = 0;
	for (const struct column *column = columns; column->name; column++) {
		nearest_offer(&search, column->name);
		int n = snprintf(all + at, sizeof(all) - at, "%s%s", at ? ", " : "", column->name);
		at = n > 0 && (size_t)n < sizeof(all) - at ? at + (size_t)n : at;
	}
	error_set(err, HF_E_USAGE, "unknown field \"%.*s\"", STR_ARG(name));
	if (search.best)
		error_hint(err, "did you mean   %s\nfields         %s", search.best, all);
	else
		error_hint(err, "fields   %s", all);
	return HF_E_USAGE;
}

/* Fills out->chosen: all columns, those of --json=FIELDS, or those that a table shows. */
static enum hf_status choose(struct out *out, const struct column *columns, hf_error *err)
{
	bool table = out->options.format == OUT_TABLE;
	out->columns = columns;
	out->ncolumns = count_columns(columns);
	out->nchosen = 0;
	if (!out->options.fields) {
		for (size_t i = 0; i < out->ncolumns; i++)
			if (!table || !columns[i].title || columns[i].title[0])
				out->chosen[out->nchosen++] = i;
		return HF_OK;
	}
	struct hf_str rest = hf_str_of(out->options.fields), name;
	while (str_split(&rest, ',', &name)) {
		size_t i = 0;
		while (i < out->ncolumns && !str_eq(hf_str_of(columns[i].name), name))
			i++;
		if (i == out->ncolumns)
			return unknown_field(columns, name, err);
		if (out->nchosen == COLUMN_MAX)
			return error_set(err, HF_E_USAGE, "more than %d fields are chosen", COLUMN_MAX);
		out->chosen[out->nchosen++] = i;
	}
	return HF_OK;
}

bool out_shows_first_only(const struct out *out)
{
	size_t shown = out->options.format == OUT_RAW && out->nchosen ? 1 : out->nchosen;
	return shown == 1 && out->chosen[0] == 0;
}

enum hf_status out_check_fields(const struct out *out, const struct column *columns, hf_error *err)
{
	struct out probe = {.options = out->options};
	return choose(&probe, columns, err);
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

static void put_padded(struct out *out, struct hf_str text, size_t width, bool right, bool last)
{
	size_t own = text_width(text), pad = own < width ? width - own : 0;
	char blanks[64];
	memset(blanks, ' ', sizeof(blanks));
	if (!right)
		put(out, text);
	while (pad > 0 && (right || !last)) {
		size_t n = pad < sizeof(blanks) ? pad : sizeof(blanks);
		put(out, (struct hf_str){blanks, n});
		pad -= n;
	}
	if (right)
		put(out, text);
	put_text(out, last ? "\n" : "  ");
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

static void start_table(struct out *out)
{
	hf_arena_reset(out->arena);
	out->sampled = 0;
	out->sampling = true;
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

static void end_sample(struct out *out)
{
	out->sampling = false;
	put_heading(out);
	for (size_t row = 0; row < out->sampled; row++)
		for (size_t i = 0; i < out->nchosen; i++)
			put_padded(out, out->sample[row * out->nchosen + i], out->width[i], out->right[i],
			           i + 1 == out->nchosen);
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
		out->sample[out->sampled * out->nchosen + i] = kept;
		width[i] = text_width(kept);
	}
	for (size_t i = 0; i < out->nchosen; i++)
		if (width[i] > out->width[i])
			out->width[i] = width[i];
	out->sampled++;
	return true;
}

static void table_row(struct out *out, const struct cell *cells)
{
	if (out->sampling && keep_row(out, cells))
		return;
	if (out->sampling)
		end_sample(out);
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
		put(out, text);
		return;
	}
	put_text(out, "\"");
	struct hf_str piece;
	for (bool first = true; str_split(&text, '"', &piece); first = false) {
		if (!first)
			put_text(out, "\"\"");
		put(out, piece);
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
		put(out, (struct hf_str){text.ptr + start, i - start});
		put_text(out, escape);
		start = i + 1;
	}
	put(out, (struct hf_str){text.ptr + start, text.len - start});
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

static void separated_header(struct out *out)
{
	for (size_t i = 0; i < out->nchosen; i++)
		put_separated(out, hf_str_of(out->columns[out->chosen[i]].name), i, false);
}

static void separated_row(struct out *out, const struct cell *cells)
{
	for (size_t i = 0; i < out->nchosen; i++) {
		buf_clear(&out->scratch);
		cell_plain(&out->scratch, &cells[out->chosen[i]]);
		put_separated(out, buf_str(&out->scratch), i, cells[out->chosen[i]].null);
	}
}

static void raw_row(struct out *out, const struct cell *cells)
{
	buf_clear(&out->scratch);
	if (out->nchosen > 0)
		cell_plain(&out->scratch, &cells[out->chosen[0]]);
	put(out, buf_str(&out->scratch));
	put_text(out, "\n");
}

/* ---- json ---- */

static void json_row(struct out *out, const struct cell *cells)
{
	jw_object_begin(&out->json);
	for (size_t i = 0; i < out->nchosen; i++) {
		jw_key(&out->json, out->columns[out->chosen[i]].name);
		cell_to_json(&out->json, &cells[out->chosen[i]]);
	}
	jw_object_end(&out->json);
}

static void json_line(struct out *out, const struct cell *cells)
{
	jw_init(&out->json, json_to_file, out);
	json_row(out, cells);
	jw_finish(&out->json);
	put_text(out, "\n");
}

/* ---- lists and objects ---- */

static void check_kinds(const struct out *out, const struct cell *cells)
{
	for (size_t i = 0; i < out->ncolumns; i++)
		ASSERT(cells[i].null || cells[i].kind == out->columns[i].kind);
}

enum hf_status out_list(struct out *out, const struct column *columns, hf_error *err)
{
	ASSERT(!out->open);
	enum hf_status status = choose(out, columns, err);
	if (status != HF_OK)
		return status;
	out->open = true;
	out->rows = 0;
	out->more = false;
	if (out->options.format == OUT_TABLE) {
		start_table(out);
	} else if (out->options.format == OUT_JSON) {
		jw_init(&out->json, json_to_file, out);
		jw_lines(&out->json);
		jw_array_begin(&out->json);
	} else if (out->options.format == OUT_CSV || out->options.format == OUT_TSV) {
		separated_header(out);
	}
	return HF_OK;
}

static void put_row(struct out *out, const struct cell *cells)
{
	switch (out->options.format) {
	case OUT_TABLE:
		table_row(out, cells);
		return;
	case OUT_JSON:
		json_row(out, cells);
		return;
	case OUT_NDJSON:
		json_line(out, cells);
		return;
	case OUT_CSV:
	case OUT_TSV:
		separated_row(out, cells);
		return;
	case OUT_RAW:
		raw_row(out, cells);
		return;
	}
}

enum hf_status out_row(struct out *out, const struct cell *cells, hf_error *err)
{
	ASSERT(out->open);
	if (out->options.limit > 0 && out->rows == out->options.limit) {
		out->more = true;
		return HF_STOP;
	}
	check_kinds(out, cells);
	out->rows++;
	put_row(out, cells);
	return outcome(out, err);
}

enum hf_status out_list_end(struct out *out, hf_error *err)
{
	ASSERT(out->open);
	out->open = false;
	if (out->options.format == OUT_TABLE && out->sampling) {
		end_sample(out);
	} else if (out->options.format == OUT_JSON) {
		jw_array_end(&out->json);
		jw_finish(&out->json);
		put_text(out, "\n");
	}
	if (out->more && !out->options.quiet && out->options.format == OUT_TABLE) {
		flush(out);
		fprintf(stderr, "the first %lld are shown; --limit 0 shows all\n", (long long)out->options.limit);
	}
	enum hf_status status = outcome(out, err);
	return status == HF_STOP ? HF_OK : status;
}

int64_t out_fetch_limit(const struct out *out)
{
	return out->options.limit > 0 && out->options.limit < INT64_MAX ? out->options.limit + 1 : INT64_MAX;
}

/* "name   value" per column */
static void object_table(struct out *out, const struct cell *cells)
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
		put(out, buf_str(&out->scratch));
		put_text(out, "\n");
	}
}

static enum hf_status put_object(struct out *out, const struct column *columns, const struct cell *cells, bool value,
                                 hf_error *err)
{
	ASSERT(!out->open);
	enum hf_status status = choose(out, columns, err);
	if (status != HF_OK)
		return status;
	check_kinds(out, cells);
	switch (out->options.format) {
	case OUT_TABLE:
		if (value)
			raw_row(out, cells);
		else
			object_table(out, cells);
		break;
	case OUT_JSON:
	case OUT_NDJSON:
		json_line(out, cells);
		break;
	case OUT_CSV:
	case OUT_TSV:
		separated_header(out);
		separated_row(out, cells);
		break;
	case OUT_RAW:
		raw_row(out, cells);
		break;
	}
	status = outcome(out, err);
	return status == HF_STOP ? HF_OK : status;
}

enum hf_status out_object(struct out *out, const struct column *columns, const struct cell *cells, hf_error *err)
{
	return put_object(out, columns, cells, false, err);
}

enum hf_status out_value(struct out *out, const struct column *columns, const struct cell *cells, hf_error *err)
{
	return put_object(out, columns, cells, true, err);
}

static void written_json(struct out *out, const struct written *written)
{
	struct json_writer *json = &out->json;
	jw_init(json, json_to_file, out);
	jw_object_begin(json);
	jw_key(json, "changed");
	jw_int(json, written->changed);
	jw_key(json, "unchanged");
	jw_int(json, written->unchanged);
	jw_key(json, "ids");
	jw_array_begin(json);
	for (size_t i = 0; i < written->nids; i++)
		jw_int(json, written->ids[i]);
	jw_array_end(json);
	if (out->options.dry_run) {
		jw_key(json, "dry_run");
		jw_bool(json, true);
	}
	jw_object_end(json);
	jw_finish(json);
	put_text(out, "\n");
}

/* "3 queue entries changed, 1 unchanged"; "1 queue entry changed" */
static void written_sentence(struct buf *buf, const struct written *written, bool dry_run)
{
	struct hf_str what = hf_str_of(written->what);
	const char *ending = "";
	if (written->changed == 1 && str_ends(what, HF_STR("ies"))) {
		what.len -= 3;
		ending = "y";
	} else if (written->changed == 1 && str_ends(what, HF_STR("s"))) {
		what.len -= 1;
	}
	buf_printf(buf, "%s%lld %.*s%s changed", dry_run ? "dry run, nothing was written: " : "",
	           (long long)written->changed, STR_ARG(what), ending);
	if (written->unchanged > 0)
		buf_printf(buf, ", %lld unchanged", (long long)written->unchanged);
	buf_add_char(buf, '\n');
}

enum hf_status out_written(struct out *out, const struct written *written, hf_error *err)
{
	if (out_is_json(out)) {
		written_json(out, written);
	} else if (!out->options.quiet) {
		buf_clear(&out->scratch);
		written_sentence(&out->scratch, written, out->options.dry_run);
		put(out, buf_str(&out->scratch));
	}
	enum hf_status status = outcome(out, err);
	return status == HF_STOP ? HF_OK : status;
}

void out_text(struct out *out, const char *format, ...)
{
	va_list args;
	if (out->options.format != OUT_TABLE && out->options.format != OUT_RAW)
		return;
	buf_clear(&out->scratch);
	va_start(args, format);
	buf_vprintf(&out->scratch, format, args);
	va_end(args);
	put(out, buf_str(&out->scratch));
}

struct json_writer *out_json(struct out *out)
{
	ASSERT(!out->open);
	if (!out_is_json(out))
		return NULL;
	jw_init(&out->json, json_to_file, out);
	return &out->json;
}

enum hf_status out_json_end(struct out *out, hf_error *err)
{
	jw_finish(&out->json);
	put_text(out, "\n");
	enum hf_status status = outcome(out, err);
	return status == HF_STOP ? HF_OK : status;
}
