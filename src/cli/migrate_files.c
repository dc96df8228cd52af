/*
 * migrate_files.c - holdfast migrate new, lint: the files themselves, no database.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/migrate.h"

enum { NAME_MAX_BYTES = 100 };

/* ---- new ---- */

const struct cmd_option migrate_new_options[] = {
	{.name = "migrations", .arg = "DIR", .help = "where to write it"},
	{.name = "integer", .kind = OPTION_FLAG, .help = "number it, also in an empty directory"},
	{0},
};
const struct column migrate_new_columns[] = {
	{"path", COLUMN_TEXT, NULL, NULL},
	{"version", COLUMN_TEXT, "", NULL},
	{0},
};

static const char template_text[] = "-- migrate: tx=yes\n-- up\n\n-- verify\n\n-- down\n";

static bool is_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	return n > 0 && n <= NAME_MAX_BYTES && name[n] == '\0';
}

/* Numbers below this are counted, others are times. */
#define FIRST_TIME UINT64_C(10000000000000)

static time_t time_of(uint64_t number)
{
	struct tm utc = {.tm_year = (int)(number / UINT64_C(10000000000)) - 1900,
	                 .tm_mon = (int)(number / 100000000 % 100) - 1,
	                 .tm_mday = (int)(number / 1000000 % 100),
	                 .tm_hour = (int)(number / 10000 % 100),
	                 .tm_min = (int)(number / 100 % 100),
	                 .tm_sec = (int)(number % 100)};
	return timegm(&utc);
}

static const char *next_version(struct cli *cli, const hf_migrations *set)
{
	const struct hf_migration *newest = NULL;
	for (size_t i = 0; i < hf_migrations_count(set); i++)
		if (hf_migrations_get(set, i)->kind == HF_MIGRATION_VERSIONED)
			newest = hf_migrations_get(set, i);
	if (newest ? newest->number < FIRST_TIME : cli_given(cli, "integer")) {
		int width = newest ? (int)strlen(newest->version) : 4;
		uint64_t number = newest ? newest->number + 1 : 1;
		return arena_printf(cli->arena, "%0*llu", width, (unsigned long long)number).ptr;
	}
	struct tm utc;
	time_t now = (time_t)(hf_now_wall_us(cli->ctx) / 1000000);
	if (newest && time_of(newest->number) >= now) /* made in this second, or where a clock is fast */
		now = time_of(newest->number) + 1;
	gmtime_r(&now, &utc);
	return arena_printf(cli->arena, "%04d%02d%02dT%02d%02d%02d", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
	                    utc.tm_hour, utc.tm_min, utc.tm_sec)
	        .ptr;
}

static enum hf_status write_new(const char *path, hf_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_errno(err, errno == EEXIST ? HF_CONFLICT : HF_E_FAILED, "could not write %s", path);
	ssize_t put = write(fd, template_text, sizeof(template_text) - 1);
	int closed = close(fd);
	if (put == (ssize_t)sizeof(template_text) - 1 && closed == 0)
		return HF_OK;
	error_errno(err, HF_E_FAILED, "could not write %s", path);
	unlink(path);
	return HF_E_FAILED;
}

static enum hf_status renew_sum(struct cli *cli, const char *directory, hf_error *err)
{
	struct hf_str path = arena_printf(cli->arena, "%s/migrations.sum", directory);
	if (!path.ptr)
		return error_nomem(err);
	return access(path.ptr, F_OK) == 0 ? hf_migrations_write_sum(cli->ctx, directory, err) : HF_OK;
}

enum hf_status migrate_new(struct cli *cli, hf_error *err)
{
	const char *name = cli_arg(cli, 0), *directory = cli_text(cli, "migrations");
	hf_migrations *set = NULL;
	if (!is_name(name)) {
		error_set(err, HF_E_USAGE, "\"%s\" is not a name for a migration", name);
		error_hint(err, "letters, digits, - and _: add_role");
		return HF_E_USAGE;
	}
	if (!directory)
		return error_set(err, HF_E_USAGE, "say where with --migrations DIR");
	enum hf_status status = hf_migrations_open(cli->ctx, NULL, directory, &set, err);
	if (status != HF_OK)
		return status;
	const char *version = next_version(cli, set);
	hf_migrations_free(set);
	const char *path = version ? arena_printf(cli->arena, "%s/%s_%s.sql", directory, version, name).ptr : NULL;
	if (!path)
		return error_nomem(err);
	status = write_new(path, err);
	if (status == HF_OK)
		status = renew_sum(cli, directory, err);
	if (status != HF_OK)
		return status;
	return out_value(cli->out, migrate_new_columns, (struct cell[]){cell_word(path), cell_word(version)}, err);
}

/* ---- lint ---- */

const struct cmd_option migrate_lint_options[] = {
	MIGRATE_SET_OPTIONS,
	{.name = "write-sum", .kind = OPTION_FLAG, .help = "write migrations.sum for the files as they are"},
	{0},
};
const struct column migrate_lint_columns[] = {
	{"rule", COLUMN_TEXT, NULL, NULL},
	{"level", COLUMN_TEXT, NULL, "warning or error"},
	{"file", COLUMN_TEXT, NULL, NULL},
	{"line", COLUMN_INT, NULL, NULL},
	{"message", COLUMN_TEXT, NULL, NULL},
	{"hint", COLUMN_TEXT, "", "what to write instead"},
	{0},
};

static enum hf_status put_finding(struct cli *cli, const struct hf_lint_finding *finding, hf_error *err)
{
	bool error = finding->level == HF_LINT_ERROR;
	if (error)
		cli->exit_code = hf_status_exit_code(HF_DIFFERS);
	return out_row(cli->out,
	               (struct cell[]){cell_word(finding->rule), cell_word(error ? "error" : "warning"),
	                               cell_word(finding->migration->file), cell_int(finding->line),
	                               cell_word(finding->message), cell_word(finding->hint)},
	               err);
}

enum hf_status migrate_lint(struct cli *cli, hf_error *err)
{
	const hf_migrations *set;
	const struct hf_lint_finding *findings;
	size_t count;
	enum hf_status status = HF_OK;
	if (cli_given(cli, "write-sum") && !cli_text(cli, "migrations"))
		return error_set(err, HF_E_USAGE, "--write-sum needs --migrations DIR");
	if (cli_given(cli, "write-sum"))
		status = hf_migrations_write_sum(cli->ctx, cli_text(cli, "migrations"), err);
	if (status == HF_OK)
		status = migrate_set(cli, &set, err);
	if (status == HF_OK)
		status = hf_migrations_lint(set, cli->arena, &findings, &count, err);
	if (status == HF_OK)
		status = out_list(cli->out, migrate_lint_columns, err);
	for (size_t i = 0; status == HF_OK && i < count; i++)
		status = put_finding(cli, &findings[i], err);
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}
