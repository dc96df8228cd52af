/*
 * schema_docs.c - holdfast schema docs: writes documents into a folder, or tells whether those there are current.
 */
#include "cli/schema_docs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"

const struct column schema_docs_columns[] = {
	{"file", COLUMN_TEXT, NULL, NULL},
	{"state", COLUMN_TEXT, NULL, "written, unchanged, removed, or what --check found"},
	{"text", COLUMN_TEXT, "", "without --into"},
	{0},
};

const struct doc_group doc_groups[] = {
	{"Tables", NULL, HF_SCHEMA_TABLE, HF_SCHEMA_FOREIGN_TABLE},
	{"Views", NULL, HF_SCHEMA_VIEW, HF_SCHEMA_MATVIEW},
	{"Types", "types.md", HF_SCHEMA_ENUM, HF_SCHEMA_TYPE},
	{"Functions", "functions.md", HF_SCHEMA_FUNCTION, HF_SCHEMA_AGGREGATE},
	{"Sequences", "sequences.md", HF_SCHEMA_SEQUENCE, HF_SCHEMA_SEQUENCE},
	{NULL, NULL, 0, 0},
};

const struct doc_group doc_rest[] = {
	{"Schemas and extensions", NULL, HF_SCHEMA_SCHEMA, HF_SCHEMA_EXTENSION},
	{"Other objects", NULL, HF_SCHEMA_OTHER, HF_SCHEMA_OTHER},
	{NULL, NULL, 0, 0},
};

bool docs_belongs(const struct doc_group *group, const struct hf_schema_object *object)
{
	return object->kind >= group->first && object->kind <= group->last && object->parent.len == 0 &&
	       !hf_schema_property(object, "identity").ptr;
}

/* ---- making ---- */

static void fail(struct docs *docs, enum hf_status status)
{
	if (docs->status == HF_OK)
		docs->status = status;
}

void docs_add(struct docs *docs, const char *name, const struct buf *buf)
{
	hf_arena *arena = docs->pages.arena;
	if (docs->count == docs->capacity) {
		size_t capacity = docs->capacity ? 2 * docs->capacity : 64;
		struct doc *items = hf_arena_calloc(arena, capacity, sizeof(*items));
		if (!items) {
			fail(docs, error_nomem(docs->err));
			return;
		}
		if (docs->count)
			memcpy(items, docs->items, docs->count * sizeof(*items));
		docs->items = items;
		docs->capacity = capacity;
	}
	struct doc doc = {hf_arena_str(arena, hf_str_of(name)), hf_arena_str(arena, buf_str(buf))};
	if (!buf_ok(buf) || !doc.name.ptr || !doc.text.ptr)
		fail(docs, error_nomem(docs->err));
	else
		docs->items[docs->count++] = doc;
}

void docs_add_name(struct buf *buf, const struct hf_schema_object *object)
{
	if (object->schema.len && !str_eq(object->schema, HF_STR("public"))) {
		buf_add(buf, object->schema);
		buf_add_char(buf, '.');
	}
	buf_add(buf, object->name);
}

void docs_add_plain(struct buf *buf, struct hf_str text, char escape)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '_' && escape != '_');
		if (plain)
			buf_add_char(buf, (char)c);
		else
			buf_printf(buf, "%c%02X", escape, c);
	}
}

/* The text form of the library, which `schema diff` reads. */
static void docs_json(struct docs *docs)
{
	struct hf_str text;
	CLEANUP(buf_deinit) struct buf buf;
	buf_init(&buf, SCHEMA_TEXT_BYTES_MAX);
	enum hf_status status = hf_schema_format(docs->pages.schema, docs->pages.arena, &text, docs->err);
	if (status != HF_OK) {
		fail(docs, status);
		return;
	}
	buf_add(&buf, text);
	docs_add(docs, "schema.json", &buf);
}

/* In the order of the choices of --format. */
static void (*const formats[])(struct docs *docs) = {docs_markdown, docs_html, docs_json, docs_mermaid, docs_dot};

/* ---- a folder ---- */

static enum hf_status put_state(struct cli *cli, const char *file, const char *state, hf_error *err)
{
	return out_row(cli->out, (struct cell[]){cell_word(file), cell_word(state), cell_null()}, err);
}

static struct hf_str path_of(struct cli *cli, const char *folder, const char *name)
{
	return arena_printf(cli->arena, "%s/%s", folder, name);
}

/* HF_OK equal, HF_DIFFERS, HF_NOT_FOUND. */
static enum hf_status compare(struct cli *cli, const char *path, struct hf_str text, hf_error *err)
{
	struct hf_str there;
	hf_error unread = HF_ERROR_INIT;
	enum hf_status status = schema_file_read(cli, path, &there, &unread);
	if (status == HF_OK)
		return str_eq(there, text) ? HF_OK : HF_DIFFERS;
	if (status != HF_NOT_FOUND && err)
		*err = unread;
	return status;
}

static enum hf_status settle(struct cli *cli, const char *folder, const struct doc *doc, hf_error *err)
{
	bool check = cli_given(cli, "check");
	struct hf_str path = path_of(cli, folder, doc->name.ptr);
	if (!path.ptr)
		return error_nomem(err);
	enum hf_status found = compare(cli, path.ptr, doc->text, err);
	const char *state = check ? "current" : "unchanged";
	if (found != HF_OK && found != HF_DIFFERS && found != HF_NOT_FOUND)
		return found;
	if (found != HF_OK) {
		state = !check ? "written" : found == HF_DIFFERS ? "stale" : "missing";
		enum hf_status status = check ? HF_OK : schema_file_write(cli, path.ptr, doc->text, err);
		if (status != HF_OK)
			return status;
		if (check)
			cli->exit_code = hf_status_exit_code(HF_DIFFERS);
	}
	return put_state(cli, doc->name.ptr, state, err);
}

static int is_page(const struct dirent *entry)
{
	return str_ends(hf_str_of(entry->d_name), HF_STR(".md"));
}

static bool is_made(const struct docs *docs, const char *name)
{
	for (size_t i = 0; i < docs->count; i++)
		if (str_eq(docs->items[i].name, hf_str_of(name)))
			return true;
	return false;
}

static enum hf_status left_over(struct cli *cli, const char *folder, const char *name, hf_error *err)
{
	struct hf_str path = path_of(cli, folder, name), text;
	enum hf_status status = path.ptr ? schema_file_read(cli, path.ptr, &text, err) : error_nomem(err);
	if (status != HF_OK || !str_starts(text, HF_STR(DOCS_MARK)))
		return status;
	if (cli_given(cli, "check"))
		cli->exit_code = hf_status_exit_code(HF_DIFFERS);
	else if (unlink(path.ptr) != 0)
		return error_errno(err, HF_E_FAILED, "could not remove %s", path.ptr);
	return put_state(cli, name, cli_given(cli, "check") ? "left-over" : "removed", err);
}

/* Pages of what is gone. */
static enum hf_status sweep(struct cli *cli, const char *folder, const struct docs *docs, hf_error *err)
{
	struct dirent **entries;
	enum hf_status status = HF_OK;
	int count = scandir(folder, &entries, is_page, alphasort);
	for (int i = 0; i < count; i++) {
		if (status == HF_OK && !is_made(docs, entries[i]->d_name))
			status = left_over(cli, folder, entries[i]->d_name, err);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return status;
}

static enum hf_status into_folder(struct cli *cli, const char *folder, const struct docs *docs, bool markdown,
                                  hf_error *err)
{
	enum hf_status status = cli_given(cli, "check") ? HF_OK : schema_folder_make(cli, folder, err);
	if (status == HF_OK)
		status = out_list(cli->out, schema_docs_columns, err);
	cli->out->options.limit = 0;
	for (size_t i = 0; status == HF_OK && i < docs->count; i++)
		status = settle(cli, folder, &docs->items[i], err);
	if (status == HF_OK && markdown)
		status = sweep(cli, folder, docs, err);
	if (status != HF_OK && status != HF_STOP)
		return status;
	status = out_list_end(cli->out, err);
	if (status == HF_OK && cli->exit_code)
		cli_note(cli, "the documents are stale; renew them: holdfast schema docs --into %s", folder);
	return status;
}

/* ---- the verb ---- */

static enum hf_status print(struct cli *cli, const struct doc *doc, hf_error *err)
{
	if (cli->out->options.format == OUT_TABLE || cli->out->options.format == OUT_RAW) {
		out_text(cli->out, "%.*s", STR_ARG(doc->text));
		return HF_OK;
	}
	enum hf_status status = out_list(cli->out, schema_docs_columns, err);
	if (status == HF_OK)
		status = out_row(cli->out, (struct cell[]){cell_text(doc->name), cell_null(), cell_text(doc->text)},
		                 err);
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

static enum hf_status make(struct cli *cli, struct docs *docs, int64_t format, hf_error *err)
{
	struct usage *usage = hf_arena_calloc(cli->arena, 1, sizeof(*usage));
	struct hf_schema *schema = hf_arena_calloc(cli->arena, 1, sizeof(*schema));
	const char *title = cli_text(cli, "title");
	if (!usage || !schema)
		return error_nomem(err);
	enum hf_status status = usage_read(cli, usage, err);
	if (status == HF_OK)
		status = schema_read(cli, cli_given(cli, "privileges"), schema, err);
	if (status != HF_OK)
		return status;
	*docs = (struct docs){.pages = {.arena = cli->arena, .schema = schema, .usage = usage},
	                      .title = title ? title : "Schema",
	                      .err = err};
	formats[format](docs);
	if (docs->status == HF_OK && docs->pages.starved)
		docs->status = error_nomem(err);
	return docs->status;
}

enum hf_status schema_docs(struct cli *cli, hf_error *err)
{
	struct docs docs;
	const char *folder = cli_text(cli, "into");
	int64_t format = cli_int(cli, "format", 0);
	if (!folder && cli_given(cli, "check"))
		return error_set(err, HF_E_USAGE, "--check compares with the files of --into DIR");
	if (folder && !folder[0])
		return error_set(err, HF_E_USAGE, "--into \"\" names no folder");
	if (!folder && format == 0) {
		error_set(err, HF_E_USAGE, "Markdown is a folder of pages: name it with --into DIR");
		error_hint(err, "one text on standard output   --format html, json, mermaid or dot");
		return HF_E_USAGE;
	}
	enum hf_status status = make(cli, &docs, format, err);
	if (status != HF_OK)
		return status;
	return folder ? into_folder(cli, folder, &docs, format == 0, err) : print(cli, &docs.items[0], err);
}
