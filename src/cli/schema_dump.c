/*
 * schema_dump.c - holdfast schema dump: pg_dump, the one program that knows every kind of object, made to give the same
 * bytes for the same schema (docs/decisions/0003).
 *
 * The program must not be older than the server: that of the server's own version comes first, then the one in PATH.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/schema.h"

const struct column schema_dump_columns[] = {
	{"sql", COLUMN_TEXT, NULL, NULL},
	{0},
};

static enum hf_status find_program(struct cli *cli, int server_version, const char **ret_program, hf_error *err)
{
	const char *asked = getenv("HOLDFAST_PG_BIN");
	struct hf_str places[] = {
		asked && asked[0] ? arena_printf(cli->arena, "%s/pg_dump", asked) : HF_STR(""),
		arena_printf(cli->arena, "/usr/lib/postgresql/%d/bin/pg_dump", server_version / 10000),
	};
	*ret_program = "pg_dump";
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (!places[i].ptr)
			return error_nomem(err);
		if (places[i].len > 0 && access(places[i].ptr, X_OK) == 0) {
			*ret_program = places[i].ptr;
			return HF_OK;
		}
	}
	return HF_OK;
}

/* "pg_dump: error: ...": what follows are details. Without one, its last line. */
static struct hf_str complaint(struct hf_str text)
{
	struct hf_str rest = str_trim(text), line = rest;
	while (str_split(&rest, '\n', &line)) {
		ptrdiff_t at = str_find_str(line, HF_STR("error: "));
		if (at >= 0)
			return (struct hf_str){line.ptr + at + 7, line.len - (size_t)at - 7};
	}
	return line;
}

static enum hf_status run_program(struct cli *cli, const char *program, const hf_settings *settings,
                                  struct hf_str *ret_text, hf_error *err)
{
	const char *password = hf_settings_reveal(settings, "password"), *url = cli_url(cli, settings);
	struct hf_str variable = password ? arena_printf(cli->arena, "PGPASSWORD=%s", password) : HF_STR("");
	struct hf_str target = arena_printf(cli->arena, "--dbname=%s", url ? url : ""), words;
	bool privileges = cli_given(cli, "privileges");
	const char *const argv[] = {program,
	                            "--schema-only",
	                            "--no-password",
	                            "--no-subscriptions",
	                            "--no-tablespaces",
	                            "--exclude-schema=holdfast",
	                            target.ptr,
	                            privileges ? NULL : "--no-owner",
	                            "--no-privileges",
	                            NULL};
	/* Constants of type timestamptz are written in the session's time zone. */
	const char *const environment[] = {"PGTZ=UTC", variable.len ? variable.ptr : NULL, NULL};
	int code;
	if (!url || !variable.ptr || !target.ptr)
		return error_nomem(err);
	enum hf_status status =
		child_capture(cli, argv, environment, SCHEMA_TEXT_BYTES_MAX, ret_text, &words, &code, err);
	if (status == HF_E_NO_PACKAGE) {
		error_hint(err, "install postgresql-client, or name the folder of pg_dump in HOLDFAST_PG_BIN");
		return status;
	}
	if (status != HF_OK || code == 0)
		return status;
	struct hf_str line = complaint(words);
	return error_set(err, HF_E_FAILED, "%s ended with %d: %.*s", program, code, STR_ARG(line));
}

/* ---- the same bytes every time ---- */

static bool differs_from_run_to_run(struct hf_str line)
{
	static const char *const starts[] = {"-- Dumped from database version ", "-- Dumped by pg_dump version ",
	                                     "\\restrict ", "\\unrestrict ", "SET transaction_timeout = "};
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (str_starts(line, hf_str_of(starts[i])))
			return true;
	return false;
}

/* Such lines stand before the first object and after the last; in between they would be somebody's text. */
static struct hf_str without_preamble(struct hf_str text, struct buf *buf)
{
	struct hf_str line, rest = text;
	bool blank = true;
	while (rest.len > 0 && !str_starts(rest, HF_STR("-- Name: "))) {
		struct hf_str before = rest;
		if (!str_split(&rest, '\n', &line))
			break;
		if (str_starts(before, HF_STR("--\n-- Name: "))) {
			rest = before;
			break;
		}
		if (differs_from_run_to_run(line) || (blank && line.len == 0))
			continue;
		blank = line.len == 0;
		buf_add(buf, line);
		buf_add_char(buf, '\n');
	}
	return rest;
}

static struct hf_str without_end(struct hf_str text)
{
	static const char last_words[] = "-- PostgreSQL database dump complete\n--\n";
	for (size_t i = text.len; i >= sizeof(last_words) - 1; i--)
		if (str_starts((struct hf_str){text.ptr + i - (sizeof(last_words) - 1), sizeof(last_words) - 1},
		               hf_str_of(last_words)))
			return (struct hf_str){text.ptr, i};
	return text;
}

static enum hf_status settle(struct cli *cli, struct hf_str text, struct hf_str *ret_text, hf_error *err)
{
	CLEANUP(buf_deinit) struct buf buf;
	buf_init(&buf, SCHEMA_TEXT_BYTES_MAX);
	buf_add(&buf, str_trim(without_end(without_preamble(text, &buf))));
	*ret_text = buf_ok(&buf) ? hf_arena_str(cli->arena, buf_str(&buf)) : (struct hf_str){NULL, 0};
	return ret_text->ptr ? HF_OK : error_nomem(err);
}

enum hf_status schema_dump(struct cli *cli, hf_error *err)
{
	hf_connection *connection;
	hf_settings *settings;
	const char *program;
	struct hf_str text;
	enum hf_status status = schema_use_source(cli, err);
	if (status == HF_OK)
		status = cli_connection(cli, &connection, err);
	if (status == HF_OK)
		status = cli_settings(cli, &settings, err);
	if (status == HF_OK)
		status = find_program(cli, hf_connection_server_version(connection), &program, err);
	if (status == HF_OK)
		status = run_program(cli, program, settings, &text, err);
	if (status == HF_OK)
		status = settle(cli, text, &text, err);
	if (status != HF_OK)
		return status;
	return out_value(cli->out, schema_dump_columns, (struct cell[]){cell_text(text)}, err);
}
