/*
 * output.c - lists, objects and answers in every format. One cell at a time goes through `scratch`.
 */
#include "cli/output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/nearest.h"
#include "cli/formats.h"

enum { CELL_BYTES_MAX = 64 << 20, SAMPLE_BYTES_MAX = 16 << 20 };

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
		format_table_start(out);
	} else if (out->options.format == OUT_JSON) {
		jw_init(&out->json, json_to_file, out);
		jw_lines(&out->json);
		jw_array_begin(&out->json);
	} else if (out->options.format == OUT_CSV || out->options.format == OUT_TSV) {
		format_separated_header(out);
	}
	return HF_OK;
}

static void put_row(struct out *out, const struct cell *cells)
{
	switch (out->options.format) {
	case OUT_TABLE:
		format_table_row(out, cells);
		return;
	case OUT_JSON:
		json_row(out, cells);
		return;
	case OUT_NDJSON:
		json_line(out, cells);
		return;
	case OUT_CSV:
	case OUT_TSV:
		format_separated_row(out, cells);
		return;
	case OUT_RAW:
		format_raw_row(out, cells);
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
		format_table_sampled(out);
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
			format_raw_row(out, cells);
		else
			format_object(out, cells);
		break;
	case OUT_JSON:
	case OUT_NDJSON:
		json_line(out, cells);
		break;
	case OUT_CSV:
	case OUT_TSV:
		format_separated_header(out);
		format_separated_row(out, cells);
		break;
	case OUT_RAW:
		format_raw_row(out, cells);
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
	if (written->repeated) {
		jw_key(json, "repeated");
		jw_bool(json, true);
	}
	if (out->options.dry_run) {
		jw_key(json, "dry_run");
		jw_bool(json, true);
	}
	jw_object_end(json);
	jw_finish(json);
	put_text(out, "\n");
}

/* "3 queue entries changed, 1 unchanged"; "1 queue entry removed" */
static void written_sentence(struct buf *buf, const struct written *written, bool dry_run)
{
	struct hf_str what = hf_str_of(written->what);
	const char *ending = "";
	if (written->changed == 1 && str_ends(what, HF_STR("ies"))) {
		what.len -= 3;
		ending = "y";
	} else if (written->changed == 1 && str_ends(what, HF_STR("s"))) {
		what.len -= str_ends(what, HF_STR("xes")) ? 2 : 1;
	}
	buf_printf(buf, "%s%lld %.*s%s %s", dry_run ? "dry run, nothing was written: " : "",
	           (long long)written->changed, STR_ARG(what), ending, written->did ? written->did : "changed");
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
