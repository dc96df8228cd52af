/*
 * worker.c - `holdfast worker`: list, show, add, remove. A password comes from a file or standard input, never from the
 * command line, and goes nowhere but into the statement that hashes it.
 */
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/preview.h"
#include "cli/rows.h"
#include "holdfast/worker.h"

static const struct column list_columns[] = {
	{.name = "name"},
	{.name = "link", .help = "page about it, or null"},
	{0},
};

static enum hf_status list_row(void *user, const struct hf_worker *worker, hf_error *err)
{
	const struct cell cells[] = {cell_text(worker->name), cell_text(worker->link)};
	return out_row(user, cells, err);
}

static enum hf_status run_list(struct cli *cli, hf_error *err)
{
	hf_where where;
	enum hf_status status = cli_list(cli, list_columns, &where, err);
	if (status == HF_OK)
		status = hf_worker_list(where, text_or_null(cli_text(cli, "after")), out_fetch_limit(cli->out),
		                        list_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- show ---- */

static const struct column show_columns[] = {
	{.name = "name"},
	{.name = "link", .help = "page about it, or null"},
	{.name = "runs", .kind = COLUMN_INT},
	{.name = "successes", .kind = COLUMN_INT, .help = "runs whose result is success"},
	{.name = "newest", .kind = COLUMN_TIME, .help = "start of its newest run"},
	{0},
};

static enum hf_status run_show(struct cli *cli, hf_error *err)
{
	hf_where where;
	struct hf_worker_record record;
	enum hf_status status = out_check_fields(cli->out, show_columns, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_worker_get(where, hf_str_of(cli_arg(cli, 0)), cli->arena, &record, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(record.worker.name), cell_text(record.worker.link),
	                             cell_int(record.runs), cell_int(record.successes),
	                             record.has_newest ? cell_time(record.newest.us) : cell_null()};
	return out_object(cli->out, show_columns, cells, err);
}

/* ---- add and remove ---- */

struct adding {
	struct hf_worker worker;
	struct hf_str password;
	bool replace;
};

static enum hf_status add_tx(hf_where tx, void *user, hf_error *err)
{
	const struct adding *adding = user;
	return hf_worker_put(tx, &adding->worker, adding->password, adding->replace, NULL, err);
}

static enum hf_status read_password(struct cli *cli, const char **ret_password, hf_error *err)
{
	const char *path = cli_text(cli, "password-file");
	if (!path && isatty(STDIN_FILENO)) {
		error_set(err, HF_E_USAGE, "a password is not typed in here, where everybody would see it");
		error_hint(err, "name a file with --password-file, or write it to standard input");
		return HF_E_USAGE;
	}
	return config_secret_file(path ? path : "-", cli->arena, ret_password, err);
}

static enum hf_status one_written(struct cli *cli, const char *did, hf_error *err)
{
	struct written written = {.what = "workers", .did = did, .changed = 1};
	return out_written(cli->out, &written, err);
}

static enum hf_status run_add(struct cli *cli, hf_error *err)
{
	struct adding adding = {.worker = {hf_str_of(cli_arg(cli, 0)), text_or_null(cli_text(cli, "link"))},
	                        .replace = cli_given(cli, "replace")};
	const char *password;
	enum hf_status status = read_password(cli, &password, err);
	if (status != HF_OK)
		return status;
	adding.password = hf_str_of(password);
	status = cli_write(cli, add_tx, &adding, err);
	if (status == HF_E_INPUT && !password[0])
		error_hint(err, "the password is read from standard input, or from --password-file FILE");
	if (status == HF_CONFLICT) {
		error_hint(err, "--replace gives it another password");
		return status;
	}
	return status == HF_OK ? one_written(cli, NULL, err) : status;
}

static enum hf_status remove_tx(hf_where tx, void *user, hf_error *err)
{
	return hf_worker_remove(tx, *(const struct hf_str *)user, err);
}

static enum hf_status run_remove(struct cli *cli, hf_error *err)
{
	struct hf_str name = hf_str_of(cli_arg(cli, 0));
	enum hf_status status = cli_write(cli, remove_tx, &name, err);
	return status == HF_OK ? one_written(cli, "removed", err) : status;
}

/* ---- the table ---- */

static const struct cmd_option list_options[] = {
	{.name = "after", .arg = "NAME", .help = "start behind this worker"},
	{0},
};

static const struct cmd_option add_options[] = {
	{.name = "password-file",
         .arg = "FILE",
         .help = "holds the password; newlines at its end do not count (default: standard input)"},
	{.name = "link", .arg = "URL", .help = "page about the worker"},
	{.name = "replace", .kind = OPTION_FLAG, .help = "give a worker that is there another password"},
	{0},
};

const struct cmd worker_commands[] = {
	{.noun = "worker",
         .verb = "list",
         .summary = "list workers by name",
         .options = list_options,
         .columns = list_columns,
         .run = run_list,
         .flags = CMD_LIST,
         .examples = {"holdfast worker list", "holdfast worker list --after build-07 --limit 20",
                      "holdfast worker list --json=name"},
         .test_effect = "test_worker_list_is_ordered_and_paged",
         .test_refusal = "test_worker_list_refuses_an_unknown_field"},
	{.noun = "worker",
         .verb = "show",
         .args = "NAME",
         .summary = "show a worker and what it did",
         .columns = show_columns,
         .run = run_show,
         .examples = {"holdfast worker show build-07", "holdfast worker show build-07 --json",
                      "holdfast worker show build-07 --json=runs,successes"},
         .test_effect = "test_worker_show_counts_its_runs",
         .test_refusal = "test_worker_show_refuses_an_unknown_name"},
	{.noun = "worker",
         .verb = "add",
         .args = "NAME",
         .summary = "let a worker in, with a password from standard input or a file",
         .about = "The password has 1 to 72 bytes. It never stands on a command line, where other users of the machine "
                  "could read it; the database keeps a hash of it.",
         .options = add_options,
         .run = run_add,
         .flags = CMD_WRITES,
         .examples = {"holdfast worker add build-07 --password-file build-07.key",
                      "pwgen -s 32 1 | tee build-07.key | holdfast worker add build-07",
                      "holdfast worker add build-07 --replace --password-file build-07.key"},
         .test_effect = "test_worker_add_stores_a_hash",
         .test_refusal = "test_worker_add_refuses_bad_names_and_passwords"},
	{.noun = "worker",
         .verb = "remove",
         .args = "NAME",
         .summary = "forget a worker that did no run",
         .run = run_remove,
         .flags = CMD_WRITES,
         .examples = {"holdfast worker remove build-07", "holdfast worker remove build-07 --dry-run",
                      "holdfast worker remove build-07 --json"},
         .test_effect = "test_worker_remove_removes_one",
         .test_refusal = "test_worker_remove_refuses_one_with_runs"},
	{0},
};
