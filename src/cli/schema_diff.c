/*
 * schema_diff.c - holdfast schema diff: what is different between two schemas, each of a database, of a directory of
 * migrations or of a file.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/schema.h"

const struct column schema_diff_columns[] = {
	{"change", COLUMN_TEXT, NULL, "added, removed or changed"},
	{"kind", COLUMN_TEXT, NULL, "table, column, ..."},
	{"schema", COLUMN_TEXT, NULL, NULL},
	{"parent", COLUMN_TEXT, NULL, "what it belongs to; null: stands for itself"},
	{"name", COLUMN_TEXT, NULL, NULL},
	{"property", COLUMN_TEXT, NULL, "which one changed; null: it was added or removed"},
	{"was", COLUMN_TEXT, NULL, NULL},
	{"is", COLUMN_TEXT, NULL, NULL},
	{0},
};

/* ---- reading a side ---- */

struct side {
	hf_migrations *set;
	hf_server *server;
	hf_settings *settings;
	hf_connection *connection;
};

static void side_close(struct side *side)
{
	hf_connection_free(side->connection);
	hf_settings_free(side->settings);
	hf_server_free(side->server);
	hf_migrations_free(side->set);
}

static enum hf_status read_database(struct cli *cli, struct side *side, const char *url, struct hf_schema *ret_schema,
                                    hf_error *err)
{
	const struct hf_schema_options options = {.size = sizeof(options), .privileges = cli_given(cli, "privileges")};
	enum hf_status status = hf_settings_new(cli->ctx, &side->settings, err);
	if (status == HF_OK)
		status = hf_settings_parse(side->settings, url, err);
	if (status == HF_OK) {
		hf_settings_protect(side->settings, cli->config->protect);
		status = hf_connection_open(cli->ctx, side->settings, NULL, cli->deadline, &side->connection, err);
	}
	if (status == HF_OK)
		status = hf_schema_read(hf_until(hf_on_connection(side->connection), cli->deadline), &options,
		                        cli->arena, ret_schema, err);
	return status;
}

static enum hf_status read_migrations(struct cli *cli, struct side *side, const char *directory,
                                      struct hf_schema *ret_schema, hf_error *err)
{
	enum hf_status status = hf_migrations_open(cli->ctx, "schema", directory, &side->set, err);
	if (status == HF_OK)
		status = cli_private_server(cli, NULL, side->set, &side->server, err);
	return status == HF_OK ? read_database(cli, side, hf_server_url(side->server), ret_schema, err) : status;
}

static enum hf_status read_file(struct cli *cli, const char *path, struct hf_schema *ret_schema, hf_error *err)
{
	struct hf_str text;
	enum hf_status status = schema_file_read(cli, path, &text, err);
	if (status == HF_OK)
		status = hf_schema_parse(text, cli->arena, ret_schema, err);
	if (status == HF_E_INPUT) {
		error_prefix(err, "%s", path);
		error_hint(err, "a file comes from   holdfast schema docs --format json > FILE");
	}
	return status;
}

static enum hf_status read_side(struct cli *cli, const char *word, struct hf_schema *ret_schema, hf_error *err)
{
	struct stat info;
	CLEANUP(side_close) struct side side = {0};
	if (strcmp(word, "-") == 0)
		return read_file(cli, word, ret_schema, err);
	if (strstr(word, "://") || strchr(word, '='))
		return read_database(cli, &side, word, ret_schema, err);
	if (stat(word, &info) != 0) {
		error_errno(err, HF_E_USAGE, "%s", word);
		error_hint(err, "a side is a URL, a directory of migrations, or a file of `schema docs --format json`");
		return HF_E_USAGE;
	}
	return S_ISDIR(info.st_mode) ? read_migrations(cli, &side, word, ret_schema, err)
	                             : read_file(cli, word, ret_schema, err);
}

/* ---- for machines ---- */

static struct hf_str or_null(struct hf_str text)
{
	return text.len ? text : (struct hf_str){NULL, 0};
}

static const struct hf_schema_object *subject(const struct hf_schema_change *change)
{
	return change->after ? change->after : change->before;
}

static enum hf_status put_rows(struct cli *cli, const struct hf_schema_change *changes, size_t count, hf_error *err)
{
	static const char *const words[] = {"added", "removed", "changed"};
	enum hf_status status = out_list(cli->out, schema_diff_columns, err);
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		const struct hf_schema_change *change = &changes[i];
		const struct hf_schema_object *object = subject(change);
		status = out_row(cli->out,
		                 (struct cell[]){cell_word(words[change->kind]),
		                                 cell_word(hf_schema_kind_word(object->kind)),
		                                 cell_text(or_null(object->schema)), cell_text(or_null(object->parent)),
		                                 cell_text(object->name), cell_text(change->property),
		                                 cell_text(change->was), cell_text(change->is)},
		                 err);
	}
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

/* ---- for people ---- */

static void put_title(struct buf *buf, char mark, const struct hf_schema_object *object)
{
	buf_printf(buf, "%c %s ", mark, hf_schema_kind_word(object->kind));
	if (object->schema.len) {
		text_safe(buf, object->schema);
		buf_add_char(buf, '.');
	}
	if (object->parent.len) {
		text_safe(buf, object->parent);
		buf_add_char(buf, '.');
	}
	text_safe(buf, object->name);
	buf_add_char(buf, '\n');
}

static void put_lines(struct buf *buf, char mark, struct hf_str text)
{
	struct hf_str line;
	while (text.len && str_split(&text, '\n', &line)) {
		buf_printf(buf, "        %c ", mark);
		text_safe(buf, line);
		buf_add_char(buf, '\n');
	}
}

/* Lines that both begin or end with tell nothing. */
static void cut_common_lines(struct hf_str *a, struct hf_str *b)
{
	struct hf_str left = *a, right = *b, one, two;
	while (left.len && right.len && str_split(&left, '\n', &one) && str_split(&right, '\n', &two) &&
	       str_eq(one, two)) {
		*a = left;
		*b = right;
	}
	while (a->len && b->len) {
		size_t i = a->len, j = b->len;
		while (i > 0 && a->ptr[i - 1] != '\n')
			i--;
		while (j > 0 && b->ptr[j - 1] != '\n')
			j--;
		if (!str_eq((struct hf_str){a->ptr + i, a->len - i}, (struct hf_str){b->ptr + j, b->len - j}))
			return;
		a->len = i ? i - 1 : 0;
		b->len = j ? j - 1 : 0;
	}
}

static bool is_short(struct hf_str text)
{
	return text.len <= 60 && str_find(text, '\n') < 0;
}

static void put_value(struct buf *buf, struct hf_str text)
{
	if (!text.ptr)
		buf_add_text(buf, "(none)");
	else if (!text.len)
		buf_add_text(buf, "\"\"");
	text_safe(buf, text.ptr ? text : HF_STR(""));
}

static void put_change(struct buf *buf, const struct hf_schema_change *change)
{
	struct hf_str was = change->was, is = change->is;
	buf_printf(buf, "    %.*s", STR_ARG(change->property));
	if (is_short(was) && is_short(is)) {
		buf_add_text(buf, "  ");
		put_value(buf, was);
		buf_add_text(buf, " -> ");
		put_value(buf, is);
		buf_add_char(buf, '\n');
		return;
	}
	buf_add_char(buf, '\n');
	cut_common_lines(&was, &is);
	put_lines(buf, '-', was);
	put_lines(buf, '+', is);
}

static enum hf_status draw(struct cli *cli, const struct hf_schema_change *changes, size_t count, hf_error *err)
{
	static const char marks[] = {'+', '-', '~'};
	CLEANUP(buf_deinit) struct buf buf;
	const struct hf_schema_object *last = NULL;
	buf_init(&buf, SCHEMA_TEXT_BYTES_MAX);
	for (size_t i = 0; i < count; i++) {
		if (changes[i].kind != HF_SCHEMA_CHANGED || changes[i].after != last)
			put_title(&buf, marks[changes[i].kind], subject(&changes[i]));
		if (changes[i].kind == HF_SCHEMA_CHANGED)
			put_change(&buf, &changes[i]);
		last = changes[i].after;
	}
	if (!buf_ok(&buf))
		return error_nomem(err);
	if (count)
		out_text(cli->out, "%.*s", (int)buf.len, buf.ptr);
	return HF_OK;
}

/* ---- the verb ---- */

static enum hf_status read_both(struct cli *cli, struct hf_schema *before, struct hf_schema *after, hf_error *err)
{
	bool two = cli_nargs(cli) == 2;
	enum hf_status status = read_side(cli, cli_arg(cli, 0), before, err);
	if (status != HF_OK)
		return status;
	return two ? read_side(cli, cli_arg(cli, 1), after, err)
	           : schema_read(cli, cli_given(cli, "privileges"), after, err);
}

static bool names_database(const struct cli *cli)
{
	return parsed_flag(&cli->parsed, "database") || parsed_flag(&cli->parsed, "demo") ||
	       parsed_flag(&cli->parsed, "private") || cli_given(cli, "migrations");
}

enum hf_status schema_diff(struct cli *cli, hf_error *err)
{
	struct hf_schema before, after;
	struct hf_schema_change *changes;
	size_t count;
	if (cli_nargs(cli) == 2 && names_database(cli))
		return error_set(err, HF_E_USAGE, "two sides and a flag that names a database are three");
	enum hf_status status = read_both(cli, &before, &after, err);
	if (status == HF_OK)
		status = hf_schema_compare(&before, &after, cli->arena, &changes, &count, err);
	if (status == HF_OK)
		status = cli->out->options.format == OUT_TABLE ? draw(cli, changes, count, err)
		                                               : put_rows(cli, changes, count, err);
	if (status == HF_OK && count > 0)
		cli->exit_code = hf_status_exit_code(HF_DIFFERS);
	if (status == HF_OK && count == 0)
		cli_note(cli, "no differences");
	return status;
}
