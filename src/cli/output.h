/*
 * output.h - everything that goes to stdout: one description of columns drives all formats.
 *
 *     static const struct column columns[] = {{"id", COLUMN_INT}, {"codebase"}, {"wait_s", COLUMN_DURATION}, {0}};
 *     status = out_list(cli->out, columns, err);                       then for each row:
 *     status = out_row(cli->out, (struct cell[]){cell_int(7), cell_text(name), cell_duration(1.5)}, err);
 *     status = out_list_end(cli->out, err);                            or out_object() for a single thing
 *
 * Formats: table (aligned, for people), json (one array or object), ndjson (an object per line), csv (RFC 4180), tsv
 * (tabs; \t \n \\ escaped, \N for null), raw (first column only, one per line, as it is). Lists stream: a table looks
 * at its first TABLE_SAMPLE rows to find widths and then prints row by row; nothing else is held. On a terminal that is
 * too narrow a list of no more rows goes without the columns in which nothing stands, and long texts behind the first
 * column end in an ellipsis, unless the columns were chosen.
 *
 * The limit of the list (--limit) is kept here: the row after the last answers HF_STOP, which callbacks of queries
 * may return, and a note says that there is more. So ask the database for out_fetch_limit() rows.
 *
 * A reader that goes away (head) ends the output: out_row() answers HF_STOP, the exit code stays 0. Any other failure
 * to write is HF_E_FAILED. Control characters in tables and messages are shown as \xNN, never sent to the terminal.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "holdfast/arena.h"
#include "holdfast/error.h"

enum out_format { OUT_TABLE = 0, OUT_JSON, OUT_NDJSON, OUT_CSV, OUT_TSV, OUT_RAW };

enum column_kind {
	COLUMN_TEXT = 0,
	COLUMN_INT,
	COLUMN_NUMBER,  /* double */
	COLUMN_NUMERIC, /* text of a decimal number: a string in JSON, right-aligned in tables */
	COLUMN_BOOL,
	COLUMN_TIME,     /* microseconds since 2000-01-01 UTC, as in struct hf_timestamptz */
	COLUMN_DURATION, /* seconds; the name ends in _s */
	COLUMN_JSON      /* text that is JSON */
};

enum { COLUMN_MAX = 64, TABLE_SAMPLE = 500 };

/* An array of columns ends with one without a name. */
struct column {
	const char *name; /* field name in JSON and header of csv */
	enum column_kind kind;
	const char *title; /* heading in tables; NULL = made of the name; "" = not shown in tables */
	const char *help;  /* for `help json`, or NULL */
};

struct cell {
	enum column_kind kind;
	bool null;
	union {
		int64_t i; /* INT, BOOL, TIME */
		double f;  /* NUMBER, DURATION */
		struct hf_str s;
	} as;
};

static inline struct cell cell_null(void)
{
	return (struct cell){.null = true};
}
static inline struct cell cell_text(struct hf_str s)
{
	return (struct cell){.kind = COLUMN_TEXT, .null = !s.ptr, .as.s = s};
}
/** NULL is null. */
static inline struct cell cell_word(const char *text)
{
	return cell_text(hf_str_of(text));
}
static inline struct cell cell_int(int64_t i)
{
	return (struct cell){.kind = COLUMN_INT, .as.i = i};
}
static inline struct cell cell_number(double f)
{
	return (struct cell){.kind = COLUMN_NUMBER, .as.f = f};
}
static inline struct cell cell_numeric(struct hf_str s)
{
	return (struct cell){.kind = COLUMN_NUMERIC, .null = !s.ptr, .as.s = s};
}
static inline struct cell cell_bool(bool b)
{
	return (struct cell){.kind = COLUMN_BOOL, .as.i = b};
}
static inline struct cell cell_time(int64_t us_since_2000)
{
	return (struct cell){.kind = COLUMN_TIME, .as.i = us_since_2000};
}
static inline struct cell cell_duration(double seconds)
{
	return (struct cell){.kind = COLUMN_DURATION, .as.f = seconds};
}
static inline struct cell cell_json(struct hf_str s)
{
	return (struct cell){.kind = COLUMN_JSON, .null = !s.ptr, .as.s = s};
}

struct out_options {
	enum out_format format;
	const char *fields; /* "a,b" of --json=FIELDS, or NULL for all */
	int64_t limit;      /* rows of a list; 0 = all */
	bool exact;         /* tables: no rounding of times and durations */
	bool local_time;    /* tables: times in the zone of the machine instead of UTC */
	size_t width;       /* of the terminal that a table goes to; 0 = it goes elsewhere */
	bool color;
	bool quiet;
	bool dry_run; /* out_written() says so */
};

struct out {
	FILE *file;
	struct out_options options;
	hf_arena *arena;    /* owned: sampled rows, the chosen columns */
	struct buf scratch; /* one cell */
	struct json_writer json;
	/* the open list */
	const struct column *columns;
	size_t ncolumns;
	size_t chosen[COLUMN_MAX]; /* which columns, in which order */
	size_t nchosen;
	int64_t rows;
	size_t width[COLUMN_MAX];
	struct hf_str *sample; /* TABLE_SAMPLE * ncells */
	size_t ncells;
	size_t sampled;
	size_t blanks; /* owed before the next text of the line */
	bool sampling;
	bool right[COLUMN_MAX];
	bool open;
	bool more; /* the limit cut the list */
	bool gone; /* the reader went away */
	int failed_errno;
};

/** `file` is borrowed. */
enum hf_status out_init(struct out *out, FILE *file, const struct out_options *options, hf_error *err);
void out_deinit(struct out *out);
/** True for json and ndjson. */
bool out_is_json(const struct out *out);
/** Are the --json=FIELDS among these columns? HF_E_USAGE names the unknown one. Call before changing anything. */
enum hf_status out_check_fields(const struct out *out, const struct column *columns, hf_error *err);

enum hf_status out_list(struct out *out, const struct column *columns, hf_error *err);
/** Of the open list: is nothing but the first column shown? Then the other cells need no value. */
bool out_shows_first_only(const struct out *out);
/** One cell per column. @return HF_OK; HF_STOP after the last row that anybody wants; HF_E_FAILED. */
enum hf_status out_row(struct out *out, const struct cell *cells, hf_error *err);
enum hf_status out_list_end(struct out *out, hf_error *err);
/** Rows to ask the database for: one more than are shown, so that the end is known. INT64_MAX when all are wanted. */
int64_t out_fetch_limit(const struct out *out);

/** One thing: "name  value" lines in a table, an object in JSON, header and row in csv. */
enum hf_status out_object(struct out *out, const struct column *columns, const struct cell *cells, hf_error *err);
/** As out_object(), but a table is just the first value: for answers that are used as words (db url). */
enum hf_status out_value(struct out *out, const struct column *columns, const struct cell *cells, hf_error *err);

/* The answer of everything that writes: {"changed":3,"unchanged":1,"ids":[...]}, with "dry_run":true in a preview. */
struct written {
	const char *what; /* "queue entries": the plural, for the sentence in a table */
	const char *did;  /* "removed" there; NULL = "changed" */
	int64_t changed;
	int64_t unchanged;
	bool repeated;      /* it had happened before: told in JSON */
	const int64_t *ids; /* of what changed; NULL with nids 0 */
	size_t nids;
};
enum hf_status out_written(struct out *out, const struct written *written, hf_error *err);

/** Free-form text for people; nothing in any other format than table and raw. */
void out_text(struct out *out, const char *format, ...) PRINTF_LIKE(2, 3);
/** The writer of a free-form JSON answer, or NULL in other formats. Complete the document, then out_json_end(). */
struct json_writer *out_json(struct out *out);
enum hf_status out_json_end(struct out *out, hf_error *err);

/** Bytes as they are; out_flush() tells what failed. False: nothing more will be written. */
bool out_bytes(struct out *out, struct hf_str bytes);
/** Hand everything to the kernel. HF_E_FAILED for a full disk; HF_OK for a reader that went away. */
enum hf_status out_flush(struct out *out, hf_error *err);

/* cells.c: forms of one value */
/** For people. Control characters escaped. Appends nothing for null. */
void cell_show(struct buf *buf, const struct cell *cell, const struct out_options *options);
/** For machines (csv, tsv, raw): RFC 3339 times, plain numbers. Appends nothing for null. */
void cell_plain(struct buf *buf, const struct cell *cell);
void cell_to_json(struct json_writer *json, const struct cell *cell);
/** Columns on a terminal; malformed and control bytes count as shown by text_safe(). */
size_t text_width(struct hf_str text);
/** `text` with control characters and malformed UTF-8 as \xNN; tab and newline as \t and \n. */
void text_safe(struct buf *buf, struct hf_str text);

#endif
