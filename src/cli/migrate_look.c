/*
 * migrate_look.c - holdfast migrate status, sets, plan, verify, baseline: the set against the database.
 */
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "cli/migrate.h"
#include "holdfast/server.h"

/* Microseconds between 1970 and 2000, the epochs of the library's and of the table's times. */
#define EPOCH_2000_US (INT64_C(946684800) * 1000000)

const struct cmd_option migrate_set_options[] = {MIGRATE_SET_OPTIONS, {0}};

/* ---- status ---- */

const struct column migrate_status_columns[] = {
	{"version", COLUMN_TEXT, NULL, NULL},
	{"name", COLUMN_TEXT, NULL, NULL},
	{"state", COLUMN_TEXT, NULL, "pending, applied, failed, ...; unknown: no file here"},
	{"pending", COLUMN_BOOL, NULL, "the next `up` executes it"},
	{"edit", COLUMN_TEXT, "edited", "since applied: none, whitespace, comments, sql"},
	{"out_of_order", COLUMN_BOOL, "", "pending, and older than the newest applied one"},
	{"reversible", COLUMN_BOOL, "", "the ledger has SQL to revert it"},
	{"applied_at", COLUMN_TIME, NULL, "start of the last try"},
	{"took_s", COLUMN_DURATION, NULL, NULL},
	{"applied_by", COLUMN_TEXT, "", NULL},
	{"steps_done", COLUMN_INT, "", "finished statements of a tx=no file"},
	{"error", COLUMN_TEXT, "", "of the last try; null: none"},
	{0},
};

static enum hf_status put_entry(struct cli *cli, const struct hf_migration_status *entry, hf_error *err)
{
	bool tried = entry->started_us != 0;
	const char *state = entry->migration ? hf_migration_state_word(entry->state) : "unknown";
	return out_row(cli->out,
	               (struct cell[]){
			       cell_word(entry->version),
			       cell_word(entry->name),
			       cell_word(state),
			       cell_bool(entry->pending),
			       cell_word(hf_migration_edit_word(entry->edit)),
			       cell_bool(entry->out_of_order),
			       cell_bool(entry->reversible),
			       tried ? cell_time(entry->started_us - EPOCH_2000_US) : cell_null(),
			       tried ? cell_duration((double)entry->duration_us / 1e6) : cell_null(),
			       cell_word(tried ? entry->applied_by : NULL),
			       cell_int(entry->steps_done),
			       cell_word(entry->error && entry->error[0] ? entry->error : NULL),
		       },
	               err);
}

static enum hf_status read_status(struct cli *cli, struct hf_migrate_status *ret_state, hf_error *err)
{
	const hf_migrations *set;
	hf_where where;
	enum hf_status status = migrate_set(cli, &set, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	return status == HF_OK ? hf_migrate_status(where, set, cli->arena, ret_state, err) : status;
}

enum hf_status migrate_status(struct cli *cli, hf_error *err)
{
	struct hf_migrate_status state;
	enum hf_status status = read_status(cli, &state, err);
	if (status == HF_OK)
		status = out_list(cli->out, migrate_status_columns, err);
	for (size_t i = 0; status == HF_OK && i < state.count; i++)
		status = put_entry(cli, &state.entries[i], err);
	if (status == HF_OK || status == HF_STOP)
		status = out_list_end(cli->out, err);
	if (status == HF_OK && (state.pending || state.edited || state.unknown > state.unknown_newer_expand)) {
		cli_note(cli, "%zu pending, %zu edited, %zu unknown", state.pending, state.edited, state.unknown);
		cli->exit_code = hf_status_exit_code(HF_DIFFERS);
	}
	return status;
}

/* ---- sets ---- */

const struct column migrate_sets_columns[] = {
	{"set", COLUMN_TEXT, NULL, NULL},
	{"applied", COLUMN_INT, NULL, "files that are"},
	{"pending", COLUMN_INT, NULL, "files that `up --set` would apply"},
	{"newest", COLUMN_TEXT, NULL, "the last file: what the set is for"},
	{0},
};

static enum hf_status put_set(struct cli *cli, hf_where where, const char *name, hf_error *err)
{
	hf_migrations *set = NULL;
	struct hf_migrate_status state;
	enum hf_status status = hf_migrations_embedded(cli->ctx, name, &set, err);
	if (status == HF_OK)
		status = hf_migrate_status(where, set, cli->arena, &state, err);
	if (status == HF_OK) {
		const size_t count = hf_migrations_count(set);
		const struct hf_migration *newest = hf_migrations_get(set, count - 1);
		status = out_row(cli->out,
		                 (struct cell[]){cell_word(name), cell_int((int64_t)(count - state.pending)),
		                                 cell_int((int64_t)state.pending),
		                                 cell_word(newest ? newest->name : NULL)},
		                 err);
	}
	hf_migrations_free(set);
	return status;
}

enum hf_status migrate_sets(struct cli *cli, hf_error *err)
{
	hf_where where;
	const char *name;
	enum hf_status status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = out_list(cli->out, migrate_sets_columns, err);
	for (size_t i = 0; status == HF_OK && (name = hf_migrations_embedded_name(i)); i++)
		status = put_set(cli, where, name, err);
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

/* ---- plan ---- */

const struct column migrate_plan_columns[] = {
	{"version", COLUMN_TEXT, NULL, NULL},
	{"file", COLUMN_TEXT, "", NULL},
	{"line", COLUMN_INT, NULL, NULL},
	{"tx", COLUMN_BOOL, NULL, "the file is one transaction"},
	{"phase", COLUMN_TEXT, "", "expand, migrate or contract"},
	{"sql", COLUMN_TEXT, NULL, NULL},
	{0},
};

/* Tables show the first line. */
static struct hf_str shown_sql(struct cli *cli, struct hf_str sql)
{
	struct hf_str rest = sql, line = sql;
	if (!out_is_json(cli->out))
		str_split(&rest, '\n', &line);
	return line;
}

static enum hf_status put_plan(struct cli *cli, const struct hf_migration *migration, hf_error *err)
{
	static const char *const phases[] = {"", "expand", "migrate", "contract"};
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < migration->nstatements; i++)
		status = out_row(cli->out,
		                 (struct cell[]){
					 cell_word(migration->version),
					 cell_word(migration->file),
					 cell_int(migration->statements[i].line),
					 cell_bool(migration->tx),
					 cell_word(phases[migration->phase]),
					 cell_text(shown_sql(cli, migration->statements[i].sql)),
				 },
		                 err);
	return status;
}

enum hf_status migrate_plan(struct cli *cli, hf_error *err)
{
	struct hf_migrate_status state;
	enum hf_status status = read_status(cli, &state, err);
	if (status == HF_OK)
		status = out_list(cli->out, migrate_plan_columns, err);
	for (size_t i = 0; status == HF_OK && i < state.count; i++)
		if (state.entries[i].pending)
			status = put_plan(cli, state.entries[i].migration, err);
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

/* ---- verify ---- */

const struct column migrate_verify_columns[] = {
	{"difference", COLUMN_TEXT, NULL, "what is otherwise than the migrations make it"},
	{0},
};

/* `status` is HF_OK or HF_DIFFERS; the lines are the answer, the exit code says that there are some. */
static enum hf_status put_findings(struct cli *cli, const struct hf_str_array *findings, hf_error *err)
{
	enum hf_status status = out_list(cli->out, migrate_verify_columns, err);
	for (uint32_t i = 0; status == HF_OK && i < findings->count; i++)
		status = out_row(cli->out, (struct cell[]){cell_text(findings->values[i])}, err);
	if (findings->count > 0)
		cli->exit_code = hf_status_exit_code(HF_DIFFERS);
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

enum hf_status migrate_verify(struct cli *cli, hf_error *err)
{
	const hf_migrations *set;
	hf_connection *connection;
	struct hf_str_array findings = {0};
	enum hf_status status = migrate_set(cli, &set, err);
	if (status == HF_OK)
		status = cli_connection(cli, &connection, err);
	if (status == HF_OK)
		status = hf_migrate_verify(connection, set, NULL, cli->arena, &findings, err);
	return status == HF_OK || status == HF_DIFFERS ? put_findings(cli, &findings, err) : status;
}

/* ---- baseline ---- */

const struct cmd_option migrate_baseline_options[] = {
	MIGRATE_SET_OPTIONS,
	{.name = "to",
         .arg = "VERSION",
         .help = "the newest one that the database has (default: all that it can have)"},
	{.name = "reference", .arg = "URL", .help = "an empty scratch database, instead of a private server's"},
	{0},
};

struct reference {
	hf_server *server; /* NULL when --reference names the database */
	hf_connection *connection;
};

static void reference_close(struct reference *reference)
{
	hf_connection_free(reference->connection);
	hf_server_free(reference->server);
}

static void free_settings(hf_settings **settings)
{
	hf_settings_free(*settings);
}

static enum hf_status start_server(struct cli *cli, struct reference *reference, hf_error *err)
{
	enum hf_status status = hf_server_start(cli->ctx, NULL, cli->deadline, &reference->server, err);
	if (status == HF_E_NO_PACKAGE)
		error_hint(err, "install the server package, or name an empty database: --reference URL");
	return status;
}

static enum hf_status open_reference(struct cli *cli, struct reference *reference, hf_error *err)
{
	const char *url = cli_text(cli, "reference");
	CLEANUP(free_settings) hf_settings *settings = NULL;
	enum hf_status status = url ? HF_OK : start_server(cli, reference, err);
	if (status == HF_OK)
		status = hf_settings_new(cli->ctx, &settings, err);
	if (status == HF_OK)
		status = hf_settings_parse(settings, url ? url : hf_server_url(reference->server), err);
	if (status == HF_OK)
		status = hf_connection_open(cli->ctx, settings, NULL, cli->deadline, &reference->connection, err);
	if (status != HF_OK)
		error_prefix(err, "the scratch database");
	return status;
}

static enum hf_status tell_adopted(struct cli *cli, hf_connection *connection, const hf_migrations *set, hf_error *err)
{
	struct hf_migrate_status state;
	enum hf_status status = hf_migrate_status(hf_on_connection(connection), set, cli->arena, &state, err);
	if (status == HF_OK)
		cli_note(cli, "adopted up to %s; %zu pending: holdfast migrate up", state.applied, state.pending);
	return status;
}

enum hf_status migrate_baseline(struct cli *cli, hf_error *err)
{
	const hf_migrations *set;
	hf_connection *connection;
	CLEANUP(reference_close) struct reference reference = {NULL, NULL};
	struct hf_str_array differences = {0};
	const struct hf_migrate_options options = {.size = sizeof(options), .app_version = HOLDFAST_VERSION};
	enum hf_status status = migrate_set(cli, &set, err);
	if (status == HF_OK)
		status = cli_connection(cli, &connection, err);
	if (status == HF_OK)
		status = open_reference(cli, &reference, err);
	if (status == HF_OK)
		status = hf_migrate_baseline(connection, reference.connection, set, cli_text(cli, "to"), &options,
		                             cli->arena, &differences, err);
	if (status == HF_OK)
		status = tell_adopted(cli, connection, set, err);
	return status == HF_OK || status == HF_DIFFERS ? put_findings(cli, &differences, err) : status;
}
