/*
 * schema.h (cli) - what the files of `holdfast schema` share: where the schema comes from, and the page about an object
 * that is shown on a terminal, as Markdown and as HTML.
 *
 * Everything lives in cli->arena.
 */
#ifndef CLI_SCHEMA_H
#define CLI_SCHEMA_H

#include "cli/cli.h"
#include "holdfast/schema.h"

#define SCHEMA_TEXT_BYTES_MAX ((size_t)256 << 20)

/* The flags that name a schema otherwise than the database flags do; first in each array of options. */
#define SCHEMA_SOURCE_OPTIONS                                                                 \
	{                                                                                     \
		.name = "migrations", .arg = "DIR", .help = "what the migrations of DIR make" \
	}

/* ---- input (schema.c) ---- */

/** Make --migrations the database, when it is given. */
enum hf_status schema_use_source(struct cli *cli, hf_error *err);
/** Read the schema that the flags name. */
enum hf_status schema_read(struct cli *cli, bool privileges, struct hf_schema *ret_schema, hf_error *err);

/* ---- which queries touch what (schema_usage.c) ---- */

struct usage_entry {
	struct hf_str schema, relation, column; /* column "": rows as a whole */
	struct hf_str query;                    /* "janitor/queue_add" */
	bool writes;
};
struct usage {
	struct usage_entry *entries; /* by relation, column, query */
	size_t count, capacity;
};
/**
 * Read the metadata of --sql DIR (default sql, where that has some). What the compiler calls stale beside its queries
 * and migrations is HF_DIFFERS; of the default it is left out, with a note.
 */
enum hf_status usage_read(struct cli *cli, struct usage *ret_usage, hf_error *err);
/** The parts of a.b.c, which are quoted where they need it; at most `max`. */
size_t usage_split(hf_arena *arena, struct hf_str name, struct hf_str *ret_parts, size_t max);

/* ---- pages (schema_page.c) ---- */

enum { PAGE_COLUMNS_MAX = 8, PAGE_SECTIONS_MAX = 16, PAGE_FACTS_MAX = 32 };

struct page_cell {
	struct hf_str text;
	bool code;                           /* SQL, or the name of something */
	const struct hf_schema_object *link; /* the page that it leads to, or NULL */
};
struct page_section {
	const char *title;
	const char *headings[PAGE_COLUMNS_MAX]; /* ends with NULL when there are fewer */
	size_t ncolumns;
	struct page_cell *cells; /* nrows * ncolumns */
	size_t nrows, capacity;
};
struct page_fact {
	const char *name;
	struct page_cell value;
};
struct page {
	const struct hf_schema_object *object;
	struct hf_str comment;
	struct page_fact facts[PAGE_FACTS_MAX];
	size_t nfacts;
	struct page_section sections[PAGE_SECTIONS_MAX]; /* none is empty */
	size_t nsections;
	struct hf_str definition; /* SQL; ptr NULL = none */
};
/* What pages are made of. */
struct pages {
	hf_arena *arena;
	const struct hf_schema *schema;
	const struct usage *usage;
	bool starved; /* memory was short: the pages are not whole */
};
void page_make(struct pages *pages, const struct hf_schema_object *object, struct page *ret_page);
/** No row of the section has anything there: those who draw leave the column out. */
bool page_column_is_empty(const struct page_section *section, size_t column);

/* ---- files (schema_file.c) ---- */

/** The whole of a file ("-": standard input) into the arena. HF_NOT_FOUND; HF_E_FAILED; HF_E_LIMIT beyond 256 MiB. */
enum hf_status schema_file_read(struct cli *cli, const char *path, struct hf_str *ret_text, hf_error *err);
enum hf_status schema_file_write(struct cli *cli, const char *path, struct hf_str text, hf_error *err);
/** With the folders above it; one that is there is fine. */
enum hf_status schema_folder_make(struct cli *cli, const char *path, hf_error *err);

/* ---- verbs ---- */

extern const struct column schema_show_columns[];
enum hf_status schema_show(struct cli *cli, hf_error *err);
extern const struct column schema_docs_columns[];
enum hf_status schema_docs(struct cli *cli, hf_error *err);
extern const struct column schema_diff_columns[];
enum hf_status schema_diff(struct cli *cli, hf_error *err);
extern const struct column schema_dump_columns[];
enum hf_status schema_dump(struct cli *cli, hf_error *err);

#endif
