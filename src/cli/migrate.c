/*
 * migrate.c - holdfast migrate: the verbs that change the database, and the table of all of them.
 *
 * The list of what was done is the answer; it is printed file by file, also when a later file fails.
 */
#include "cli/migrate.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/commands.h"

static void free_set(void *set)
{
	hf_migrations_free(set);
}

enum hf_status migrate_set(struct cli *cli, const hf_migrations **ret_set, hf_error *err)
{
	hf_migrations *set = NULL;
	const char *name = cli_text(cli, "set"), *directory = cli_text(cli, "migrations");
	enum hf_status status = directory ? hf_migrations_open(cli->ctx, name, directory, &set, err)
	                                  : hf_migrations_embedded(cli->ctx, name ? name : "janitor", &set, err);
	if (status != HF_OK)
		return status;
	if (hf_arena_own(cli->arena, free_set, set, 0) != 0) {
		hf_migrations_free(set);
		return error_nomem(err);
	}
	*ret_set = set;
	return HF_OK;
}

/* ---- what is said meanwhile ---- */

static const struct column done_columns[] = {
	{"version", COLUMN_TEXT, NULL, NULL},
	{"file", COLUMN_TEXT, NULL, NULL},
	{"action", COLUMN_TEXT, NULL, "apply or revert; with --dry-run would-apply ..."},
	{"statements", COLUMN_INT, NULL, NULL},
	{"took_s", COLUMN_DURATION, NULL, "null with --dry-run"},
	{0},
};

struct run {
	struct cli *cli;
	enum hf_status status; /* of the output */
};

static void say_done(struct run *run, const struct hf_migrate_event *event)
{
	progress_end(&run->cli->progress);
	if (run->status != HF_OK)
		return;
	run->status = out_row(run->cli->out,
	                      (struct cell[]){cell_word(event->version), cell_word(event->file),
	                                      cell_word(event->down ? "revert" : "apply"),
	                                      cell_int((int64_t)event->count),
	                                      cell_duration((double)event->elapsed_us / 1e6)},
	                      NULL);
}

static void say_notice(struct cli *cli, const struct hf_migrate_event *event)
{
	const struct hf_notice *notice = event->notice;
	if (strcmp(notice->severity, "DEBUG") != 0)
		cli_note(cli, "%s: %s: %s", event->file, notice->severity, notice->message);
}

static void hear(void *user, const struct hf_migrate_event *event)
{
	struct run *run = user;
	struct cli *cli = run->cli;
	switch (event->kind) {
	case HF_MIGRATE_BEGIN:
		progress_start(&cli->progress, event->file, (int64_t)event->count, hf_now_monotonic_us(cli->ctx));
		break;
	case HF_MIGRATE_DONE:
		progress_update(&cli->progress, (int64_t)event->index, hf_now_monotonic_us(cli->ctx));
		break;
	case HF_MIGRATE_END:
		say_done(run, event);
		break;
	case HF_MIGRATE_NOTICE:
		say_notice(cli, event);
		break;
	case HF_MIGRATE_WAITING:
		cli_note(cli, "waiting for the migrators' lock, held by %s", event->text);
		break;
	case HF_MIGRATE_RETRY:
		cli_note(cli, "try %zu: %s; trying again", event->index, event->text);
		break;
	case HF_MIGRATE_CLEANUP:
	case HF_MIGRATE_WARNING:
		cli_note(cli, "%s", event->text);
		break;
	case HF_MIGRATE_STATEMENT:
		break;
	}
}

/* ---- options ---- */

#define LOCK_OPTIONS                                                                                              \
	MIGRATE_SET_OPTIONS,                                                                                      \
	{.name = "lock-wait", .arg = "DUR", .kind = OPTION_DURATION, .min = 1, .max = 86400000,                  \
	 .help = "wait this long for another migrator (default 1m)"},                                            \
	{.name = "lock-timeout", .arg = "DUR", .kind = OPTION_DURATION, .min = 1, .max = 86400000,               \
	 .help = "wait this long for a table's lock, then try again (default 2s)"},                              \
	{.name = "lock-tries", .arg = "N", .kind = OPTION_INT, .min = 1, .max = 1000,                            \
	 .help = "tries for a table's lock (default 10)"},                                                       \
	{.name = "statement-timeout", .arg = "DUR", .kind = OPTION_DURATION, .min = 1, .max = 604800000,         \
	 .help = "longest statement, where the file says none (default 1h)"},                                    \
	{.name = "role", .arg = "ROLE", .help = "SET ROLE first: who owns what is made"}

static const struct cmd_option run_options[] = {LOCK_OPTIONS, {0}};
static const struct cmd_option up_options[] = {
	LOCK_OPTIONS,
	{.name = "to", .arg = "VERSION", .help = "the last one to apply, or the newest to keep"},
	{.name = "count", .arg = "N", .kind = OPTION_INT, .min = 1, .max = 100000, .help = "at most N files"},
	{.name = "out-of-order", .kind = OPTION_FLAG, .help = "apply files older than the newest applied one too"},
	{.name = "allow-unknown", .kind = OPTION_FLAG, .help = "although the ledger has versions without a file"},
	{0},
};
static const struct cmd_option down_options[] = {
	LOCK_OPTIONS,
	{.name = "to", .arg = "VERSION", .help = "the newest one to keep; 0 reverts all"},
	{.name = "count", .arg = "N", .kind = OPTION_INT, .min = 1, .max = 100000, .help = "N files (default 1)"},
	{0},
};
static const struct cmd_option resume_options[] = {
	LOCK_OPTIONS,
	{.name = "step-done", .kind = OPTION_FLAG, .help = "the statement in doubt had been executed"},
	{.name = "step-repeat", .kind = OPTION_FLAG, .help = "execute the statement in doubt again"},
	{0},
};
static const struct cmd_option accept_options[] = {
	LOCK_OPTIONS,
	{.name = "reason", .arg = "TEXT", .help = "why, kept in the ledger"},
	{0},
};

static struct hf_migrate_options common_options(struct cli *cli, struct run *run)
{
	*run = (struct run){.cli = cli};
	return (struct hf_migrate_options){
	        .size = sizeof(struct hf_migrate_options),
	        .lock_wait_ms = cli_int(cli, "lock-wait", 0),
	        .lock_timeout_ms = cli_int(cli, "lock-timeout", 0),
	        .lock_tries_max = (uint32_t)cli_int(cli, "lock-tries", 0),
	        .statement_timeout_ms = cli_int(cli, "statement-timeout", 0),
	        .role = cli_text(cli, "role"),
	        .app_version = HOLDFAST_VERSION,
	        .progress = hear,
	        .user = run,
	};
}

/* ---- a dry run ---- */

struct bounds {
	bool up;         /* else down */
	const char *to;  /* NULL = none */
	int64_t count;   /* 0 = no bound */
};

static bool is_beyond(const hf_migrations *set, const struct hf_migration_status *entry, const char *to)
{
	const struct hf_migration *last = to ? hf_migrations_find(set, to) : NULL;
	if (!entry->migration)
		return entry->newer;
	return to && (!last || entry->migration->kind == HF_MIGRATION_REPEATABLE ||
	              entry->migration->number > last->number);
}

static bool would_run(const hf_migrations *set, const struct hf_migration_status *entry, const struct bounds *bounds)
{
	if (bounds->up)
		return entry->pending && !is_beyond(set, entry, bounds->to);
	bool versioned = !entry->migration || entry->migration->kind == HF_MIGRATION_VERSIONED;
	bool applied = entry->state == HF_MIGRATION_APPLIED || entry->state == HF_MIGRATION_ACCEPTED;
	return versioned && applied && (!bounds->to || is_beyond(set, entry, bounds->to));
}

static enum hf_status preview(struct cli *cli, const hf_migrations *set, const struct bounds *bounds, hf_error *err)
{
	hf_where where;
	struct hf_migrate_status state;
	enum hf_status status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_migrate_status(where, set, cli->arena, &state, err);
	if (status == HF_OK)
		status = out_list(cli->out, done_columns, err);
	int64_t left = bounds->count ? bounds->count : INT64_MAX;
	for (size_t i = 0; status == HF_OK && i < state.count && left > 0; i++) {
		const struct hf_migration_status *entry = &state.entries[bounds->up ? i : state.count - 1 - i];
		if (!would_run(set, entry, bounds))
			continue;
		left--;
		status = out_row(cli->out,
		                 (struct cell[]){cell_word(entry->version),
		                                 cell_word(entry->migration ? entry->migration->file : entry->name),
		                                 cell_word(bounds->up ? "would-apply" : "would-revert"),
		                                 entry->migration ? cell_int((int64_t)entry->migration->nstatements)
		                                                  : cell_null(),
		                                 cell_null()},
		                 err);
	}
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

/* ---- running ---- */

struct work {
	hf_connection *connection;
	const hf_migrations *set;
	struct hf_migrate_options options;
	struct run run;
};

static enum hf_status begin(struct cli *cli, struct work *work, hf_error *err)
{
	enum hf_status status = migrate_set(cli, &work->set, err);
	if (status == HF_OK)
		status = cli_connection(cli, &work->connection, err);
	if (status == HF_OK)
		status = out_list(cli->out, done_columns, err);
	work->options = common_options(cli, &work->run);
	return status;
}

/* The list is closed whatever came of it; the error that is reported is the work's. */
static enum hf_status end(struct cli *cli, const struct work *work, const struct hf_migrate_report *report,
                          enum hf_status status, hf_error *err)
{
	hf_error own = HF_ERROR_INIT;
	progress_end(&cli->progress);
	enum hf_status closed = out_list_end(cli->out, &own);
	if (status == HF_OK && closed != HF_OK && err)
		*err = own;
	if (status != HF_OK || closed != HF_OK)
		return status != HF_OK ? status : closed;
	if (report->applied + report->reverted == 0)
		cli_note(cli, "nothing to do: set %s is at %s", hf_migrations_name(work->set),
		         report->version[0] ? report->version : "its beginning");
	return HF_OK;
}

static enum hf_status run_up(struct cli *cli, hf_error *err)
{
	struct work work;
	struct hf_migrate_report report;
	if (cli->globals.dry_run) {
		const struct bounds bounds = {true, cli_text(cli, "to"), cli_int(cli, "count", 0)};
		enum hf_status status = migrate_set(cli, &work.set, err);
		return status == HF_OK ? preview(cli, work.set, &bounds, err) : status;
	}
	enum hf_status status = begin(cli, &work, err);
	if (status != HF_OK)
		return status;
	work.options.to = cli_text(cli, "to");
	work.options.count = (uint32_t)cli_int(cli, "count", 0);
	work.options.out_of_order = cli_given(cli, "out-of-order");
	work.options.allow_unknown = cli_given(cli, "allow-unknown");
	status = hf_migrate_up(work.connection, work.set, &work.options, &report, err);
	return end(cli, &work, &report, status, err);
}

static enum hf_status run_down(struct cli *cli, hf_error *err)
{
	struct work work;
	struct hf_migrate_report report;
	const struct bounds bounds = {false, cli_text(cli, "to"),
	                              cli_int(cli, "count", cli_text(cli, "to") ? 0 : 1)};
	if (cli->globals.dry_run) {
		enum hf_status status = migrate_set(cli, &work.set, err);
		return status == HF_OK ? preview(cli, work.set, &bounds, err) : status;
	}
	enum hf_status status = cli_confirm(cli, "revert migrations, with the data in what they made", err);
	if (status == HF_OK)
		status = begin(cli, &work, err);
	if (status != HF_OK)
		return status;
	work.options.to = bounds.to;
	work.options.count = (uint32_t)bounds.count;
	status = hf_migrate_down(work.connection, work.set, &work.options, &report, err);
	return end(cli, &work, &report, status, err);
}

static enum hf_status run_to(struct cli *cli, hf_error *err)
{
	struct work work;
	struct hf_migrate_report report;
	enum hf_status status = cli_confirm(cli, "go to that version, reverting what is newer, with its data", err);
	if (status == HF_OK)
		status = begin(cli, &work, err);
	if (status != HF_OK)
		return status;
	status = hf_migrate_to(work.connection, work.set, cli_arg(cli, 0), &work.options, &report, err);
	return end(cli, &work, &report, status, err);
}

static enum hf_status run_redo(struct cli *cli, hf_error *err)
{
	struct work work;
	struct hf_migrate_report report;
	enum hf_status status = cli_confirm(cli, "revert the newest one, with its data, and apply it again", err);
	if (status == HF_OK)
		status = begin(cli, &work, err);
	if (status != HF_OK)
		return status;
	status = hf_migrate_redo(work.connection, work.set, &work.options, &report, err);
	return end(cli, &work, &report, status, err);
}

static enum hf_status run_resume(struct cli *cli, hf_error *err)
{
	struct work work;
	struct hf_migrate_report report;
	bool done = cli_given(cli, "step-done"), repeat = cli_given(cli, "step-repeat");
	if (done && repeat)
		return error_set(err, HF_E_USAGE, "--step-done and --step-repeat exclude each other");
	enum hf_status status = begin(cli, &work, err);
	if (status != HF_OK)
		return status;
	status = hf_migrate_resume(work.connection, work.set,
	                           done     ? HF_STEP_DONE
	                           : repeat ? HF_STEP_REPEAT
	                                    : HF_STEP_ASK,
	                           &work.options, &report, err);
	return end(cli, &work, &report, status, err);
}

static enum hf_status run_accept(struct cli *cli, hf_error *err)
{
	hf_connection *connection;
	const hf_migrations *set;
	struct run run;
	const char *reason = cli_text(cli, "reason");
	if (!reason || !reason[0])
		return error_set(err, HF_E_USAGE, "say why with --reason TEXT; it is kept in the ledger");
	enum hf_status status = migrate_set(cli, &set, err);
	if (status == HF_OK)
		status = cli_connection(cli, &connection, err);
	if (status != HF_OK)
		return status;
	const struct hf_migrate_options options = common_options(cli, &run);
	status = hf_migrate_accept(connection, set, cli_arg(cli, 0), reason, &options, err);
	if (status != HF_OK)
		return status;
	return out_written(cli->out, &(struct written){.what = "migrations", .changed = 1}, err);
}

const struct cmd migrate_commands[] = {
	{.noun = "migrate",
	 .verb = "new",
	 .args = "NAME",
	 .summary = "write an empty migration file",
	 .about = "The version is the next number where the directory has numbers, else the time in UTC. A "
	          "migrations.sum beside it is written anew.",
	 .options = migrate_new_options,
	 .columns = migrate_new_columns,
	 .examples = {"holdfast migrate new add_role --migrations migrations",
	              "holdfast migrate new add_role --migrations sql --integer",
	              "$EDITOR \"$(holdfast migrate new add_role --migrations sql)\""},
	 .run = migrate_new,
	 .test_effect = "test_migrate_new_writes_a_file",
	 .test_refusal = "test_migrate_new_refuses_a_bad_name",
	 .flags = CMD_NO_DATABASE},
	{.noun = "migrate",
	 .verb = "status",
	 .summary = "list migrations and their state; exit 4 when not current",
	 .about = "Exit code 0: every file is applied and unchanged. 4: some are pending, were edited, or the database "
	          "has versions without a file here.",
	 .options = migrate_set_options,
	 .columns = migrate_status_columns,
	 .examples = {"holdfast migrate status", "holdfast migrate status --json=version,state,pending",
	              "holdfast migrate status --migrations sql --set shop"},
	 .run = migrate_status,
	 .test_effect = "test_migrate_status_shows_every_file",
	 .test_refusal = "test_migrate_status_refuses_an_unknown_set",
	 .flags = CMD_LIST},
	{.noun = "migrate",
	 .verb = "sets",
	 .summary = "list the built-in sets, and how much of each is applied",
	 .about = "janitor is the schema; `up` applies it and nothing else. Each janitor-dNN mends a defect of the "
	          "original that lives in this database (docs/compatibility.md), for everybody who writes to it: apply "
	          "it by name, revert it by `down --set`. janitor-places keeps counts for `queue position`, "
	          "janitor-ids an index for `queue show`.",
	 .columns = migrate_sets_columns,
	 .examples = {"holdfast migrate sets", "holdfast -d postgresql:///janitor migrate sets",
	              "holdfast migrate sets --json=set,applied"},
	 .run = migrate_sets,
	 .test_effect = "test_migrate_sets_tells_what_is_mended",
	 .test_refusal = "test_migrate_sets_refuses_an_argument",
	 .flags = CMD_LIST},
	{.noun = "migrate",
	 .verb = "plan",
	 .summary = "list the statements that `up` would execute",
	 .options = migrate_set_options,
	 .columns = migrate_plan_columns,
	 .examples = {"holdfast migrate plan", "holdfast migrate plan --json",
	              "holdfast migrate plan --migrations sql"},
	 .run = migrate_plan,
	 .test_effect = "test_migrate_plan_lists_statements",
	 .test_refusal = "test_migrate_plan_refuses_a_malformed_file",
	 .flags = CMD_LIST},
	{.noun = "migrate",
	 .verb = "up",
	 .summary = "apply what is pending",
	 .about = "One migrator works at a time; others wait and then find the work done. A file is one transaction "
	          "unless it says tx=no; then the next run goes on where this one stopped.",
	 .options = up_options,
	 .columns = done_columns,
	 .examples = {"holdfast migrate up", "holdfast migrate up --migrations sql --set shop --role shop_owner",
	              "holdfast migrate up --to 0005 --lock-wait 10m"},
	 .run = run_up,
	 .test_effect = "test_migrate_up_applies_what_is_pending",
	 .test_refusal = "test_migrate_up_refuses_an_edited_file",
	 .flags = CMD_LIST | CMD_WRITES},
	{.noun = "migrate",
	 .verb = "down",
	 .summary = "revert the newest migration, or several",
	 .about = "Uses the SQL that was stored when the file was applied: the file need not be here any more.",
	 .options = down_options,
	 .columns = done_columns,
	 .examples = {"holdfast migrate down", "holdfast migrate down --count 2 --yes",
	              "holdfast migrate down --to 0005 --dry-run"},
	 .run = run_down,
	 .test_effect = "test_migrate_down_reverts_the_newest",
	 .test_refusal = "test_migrate_down_refuses_without_a_yes",
	 .flags = CMD_LIST | CMD_WRITES | CMD_ASKS},
	{.noun = "migrate",
	 .verb = "to",
	 .args = "VERSION",
	 .summary = "go up or down until VERSION is the newest one",
	 .options = run_options,
	 .columns = done_columns,
	 .examples = {"holdfast migrate to 0005", "holdfast migrate to 0 --yes",
	              "holdfast migrate to 20260314T101500 --migrations sql"},
	 .run = run_to,
	 .test_effect = "test_migrate_to_goes_both_ways",
	 .test_refusal = "test_migrate_to_refuses_an_unknown_version",
	 .flags = CMD_LIST | CMD_ASKS},
	{.noun = "migrate",
	 .verb = "redo",
	 .summary = "revert the newest migration and apply it again",
	 .options = run_options,
	 .columns = done_columns,
	 .examples = {"holdfast migrate redo", "holdfast migrate redo --yes", "holdfast migrate redo --migrations sql"},
	 .run = run_redo,
	 .test_effect = "test_migrate_redo_runs_the_newest_twice",
	 .test_refusal = "test_migrate_redo_refuses_an_empty_database",
	 .flags = CMD_LIST | CMD_ASKS},
	{.noun = "migrate",
	 .verb = "verify",
	 .summary = "check edits and run the verify sections; exit 4 when any differs",
	 .options = migrate_set_options,
	 .columns = migrate_verify_columns,
	 .examples = {"holdfast migrate verify", "holdfast migrate verify --json",
	              "holdfast migrate verify --migrations sql --set shop"},
	 .run = migrate_verify,
	 .test_effect = "test_migrate_verify_finds_a_dropped_table",
	 .test_refusal = "test_migrate_verify_refuses_a_missing_directory",
	 .flags = CMD_LIST},
	{.noun = "migrate",
	 .verb = "baseline",
	 .summary = "adopt a database that has the schema already",
	 .about = "Records the migrations as applied and runs nothing. Before, they are replayed into a scratch "
	          "database (a private server's, or --reference), and everything made there must be in this database "
	          "too: exit 4 lists what is not.",
	 .options = migrate_baseline_options,
	 .columns = migrate_verify_columns,
	 .examples = {"holdfast migrate baseline", "holdfast -d postgresql:///janitor migrate baseline --to 0009",
	              "holdfast migrate baseline --reference postgresql:///scratch"},
	 .run = migrate_baseline,
	 .test_effect = "test_migrate_baseline_adopts_a_database",
	 .test_refusal = "test_migrate_baseline_refuses_a_database_that_differs",
	 .flags = CMD_LIST},
	{.noun = "migrate",
	 .verb = "accept",
	 .args = "VERSION",
	 .summary = "take the edited text of an applied migration as the truth",
	 .options = accept_options,
	 .examples = {"holdfast migrate accept 0003 --reason 'comment mended'",
	              "holdfast migrate accept 7 --migrations sql --reason 'widened by hand'",
	              "holdfast migrate accept 0003 --reason typo --json"},
	 .run = run_accept,
	 .test_effect = "test_migrate_accept_ends_the_complaint",
	 .test_refusal = "test_migrate_accept_refuses_without_a_reason"},
	{.noun = "migrate",
	 .verb = "resume",
	 .summary = "finish an interrupted tx=no migration, and nothing else",
	 .about = "Needed only where nobody can tell whether a statement was executed (CALL with COMMIT inside, CREATE "
	          "DATABASE, ...): `up` then stops and asks for one of the two flags.",
	 .options = resume_options,
	 .columns = done_columns,
	 .examples = {"holdfast migrate resume", "holdfast migrate resume --step-done",
	              "holdfast migrate resume --step-repeat"},
	 .run = run_resume,
	 .test_effect = "test_migrate_resume_finishes_what_was_begun",
	 .test_refusal = "test_migrate_resume_refuses_when_nothing_is_open",
	 .flags = CMD_LIST},
	{.noun = "migrate",
	 .verb = "lint",
	 .summary = "find statements that hurt a database in use; exit 4 on errors",
	 .about = "A comment `-- lint:allow L08 \"reason\"` before a statement silences one rule for it.",
	 .options = migrate_lint_options,
	 .columns = migrate_lint_columns,
	 .examples = {"holdfast migrate lint --migrations sql", "holdfast migrate lint --migrations sql --json",
	              "holdfast migrate lint --migrations sql --write-sum"},
	 .run = migrate_lint,
	 .test_effect = "test_migrate_lint_finds_a_blocking_index",
	 .test_refusal = "test_migrate_lint_refuses_a_wrong_sum",
	 .flags = CMD_LIST | CMD_NO_DATABASE},
	{0},
};
