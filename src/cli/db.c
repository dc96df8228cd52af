/*
 * db.c - holdfast db: which database is it, does it answer, let me in.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "holdfast/state.h"

enum { URL_BYTES_MAX = 8192, PSQL_ARGS_MAX = 60 };

/* What another libpq program needs to come to the same database; the password is none of them. */
static const char *const login_keywords[] = {
	"host",
	"hostaddr",
	"port",
	"user",
	"sslmode",
	"sslcert",
	"sslkey",
	"sslrootcert",
	"sslcrl",
	"sslsni",
	"gssencmode",
	"krbsrvname",
	"options",
	"require_auth",
	"channel_binding",
	"ssl_min_protocol_version",
	"target_session_attrs",
};

static void add_encoded(struct buf *buf, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/,:";
	for (const char *c = text; *c; c++)
		if (strchr(plain, *c))
			buf_add_char(buf, *c);
		else
			buf_printf(buf, "%%%02X", (unsigned char)*c);
}

static void add_parameter(struct buf *buf, const char *keyword, const char *value, char *join)
{
	buf_printf(buf, "%c%s=", *join, keyword);
	add_encoded(buf, value);
	*join = '&';
}

/* One form for sockets, host lists and addresses. */
static const char *make_url(struct cli *cli, const hf_settings *settings, const char *password)
{
	CLEANUP(buf_deinit) struct buf buf;
	const char *name = hf_settings_get(settings, "dbname");
	char join = '?';
	buf_init(&buf, URL_BYTES_MAX);
	buf_add_text(&buf, "postgresql:///");
	add_encoded(&buf, name ? name : "");
	for (size_t i = 0; i < ARRAY_LEN(login_keywords); i++) {
		const char *value = hf_settings_get(settings, login_keywords[i]);
		const char *origin = hf_settings_origin(settings, login_keywords[i]);
		if (value && origin && strcmp(origin, "default") != 0)
			add_parameter(&buf, login_keywords[i], value, &join);
	}
	if (password)
		add_parameter(&buf, "password", password, &join);
	return buf_ok(&buf) ? hf_arena_str(cli->arena, buf_str(&buf)).ptr : NULL;
}

const char *cli_url(struct cli *cli, const hf_settings *settings)
{
	return make_url(cli, settings, NULL);
}

const char *cli_login_url(struct cli *cli, const hf_settings *settings)
{
	return make_url(cli, settings, hf_settings_reveal(settings, "password"));
}

/* ---- url ---- */

static const struct column url_columns[] = {
	{"url", COLUMN_TEXT, NULL, "without the password"},
	{"database", COLUMN_TEXT, "", NULL},
	{"host", COLUMN_TEXT, "", "a folder for a socket"},
	{"port", COLUMN_TEXT, "", NULL},
	{"user", COLUMN_TEXT, "", NULL},
	{"origin", COLUMN_TEXT, "", "the flag, variable or file:line that names it"},
	{0},
};

static enum hf_status run_url(struct cli *cli, hf_error *err)
{
	hf_settings *settings;
	enum hf_status status = cli_settings(cli, &settings, err);
	if (status != HF_OK)
		return status;
	if (cli->server && strcmp(cli_database_origin(cli), "--demo") != 0) {
		error_set(err, HF_E_USAGE, "the URL of a server that ends with this command is of no use");
		error_hint(err, "one that stays   holdfast pg start");
		return HF_E_USAGE;
	}
	const char *url = cli_url(cli, settings);
	if (!url)
		return error_nomem(err);
	return out_value(cli->out, url_columns,
			 (struct cell[]){cell_word(url), cell_word(hf_settings_get(settings, "dbname")),
					 cell_word(hf_settings_get(settings, "host")),
					 cell_word(hf_settings_get(settings, "port")),
					 cell_word(hf_settings_get(settings, "user")),
					 cell_word(cli_database_origin(cli))},
			 err);
}

/* ---- ping ---- */

static const struct column ping_columns[] = {
	{"server", COLUMN_TEXT, NULL, "its version"},
	{"database", COLUMN_TEXT, NULL, NULL},
	{"user", COLUMN_TEXT, NULL, NULL},
	{"standby", COLUMN_BOOL, NULL, "in recovery: reads only"},
	{"login_s", COLUMN_DURATION, NULL, "from the first packet to ready"},
	{0},
};

static enum hf_status run_ping(struct cli *cli, hf_error *err)
{
	hf_connection *connection;
	hf_settings *settings;
	enum hf_status status = cli_settings(cli, &settings, err);
	int64_t started_us = hf_now_monotonic_us(cli->ctx);
	if (status == HF_OK)
		status = cli_connection(cli, &connection, err);
	if (status != HF_OK)
		return status;
	double seconds = (double)(hf_now_monotonic_us(cli->ctx) - started_us) / 1e6;
	const char *standby = hf_connection_parameter(connection, "in_hot_standby");
	return out_object(cli->out, ping_columns,
			  (struct cell[]){cell_word(hf_connection_parameter(connection, "server_version")),
					  cell_word(hf_settings_get(settings, "dbname")),
					  cell_word(hf_settings_get(settings, "user")),
					  cell_bool(standby && strcmp(standby, "on") == 0), cell_duration(seconds)},
			  err);
}

/* ---- health ---- */

static const struct cmd_option health_options[] = {
	{.name = "check", .kind = OPTION_FLAG, .help = "exit 4 when degraded"},
	{0},
};

static const struct column health_columns[] = {
	{"part", COLUMN_TEXT, NULL, "the database, then each repository"},
	{"state", COLUMN_TEXT, NULL, "healthy, degraded, unhealthy"},
	{"latency_s", COLUMN_DURATION, "", "of one question"},
	{"reason", COLUMN_TEXT, "", "the worst one"},
	{0},
};

static enum hf_status health_row(struct cli *cli, const char *part, enum hf_health_state state, int64_t latency_us,
				 const char *reason, hf_error *err)
{
	return out_row(cli->out,
		       (struct cell[]){cell_word(part), cell_word(hf_health_word(state)),
				       latency_us < 0 ? cell_null() : cell_duration((double)latency_us / 1e6),
				       reason[0] ? cell_word(reason) : cell_null()},
		       err);
}

static enum hf_status show_health(struct cli *cli, const struct hf_state_health *health, hf_error *err)
{
	const struct hf_health *database = &health->database;
	enum hf_status status = out_list(cli->out, health_columns, err);
	if (status == HF_OK)
		status = health_row(cli, "database", database->state, database->latency_us,
				    database->nreasons > 0 ? database->reasons[0] : "", err);
	for (size_t i = 0; i < HF_REPOSITORY_COUNT && status == HF_OK; i++) {
		const struct hf_repository_health *one = &health->repositories[i];
		status = health_row(cli, one->name, one->state, one->latency_us, one->error.message, err);
	}
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

static enum hf_status run_health(struct cli *cli, hf_error *err)
{
	hf_settings *settings;
	hf_pool *pool = NULL;
	struct hf_state_health health;
	struct hf_pool_options options = {.size = sizeof(options), .connections_max = 1};
	struct hf_health_options asked = {.size = sizeof(asked),
					  .timeout_ms = cli->globals.timeout_ms / 2, /* two looks */
					  .required_types = hf_janitor_types,
					  .nrequired_types = ARRAY_LEN(hf_janitor_types)};
	enum hf_status status = cli_settings(cli, &settings, err);
	if (status == HF_OK)
		status = hf_pool_open(cli->ctx, settings, &options, &pool, err);
	if (status != HF_OK)
		return status;
	hf_state_health(pool, &asked, &health);
	hf_pool_close(pool);
	if (health.state == HF_UNHEALTHY) {
		*err = health.database.error;
		return err->status ? err->status : error_set(err, HF_E_UNAVAILABLE, "%s", health.database.reasons[0]);
	}
	status = show_health(cli, &health, err);
	if (status == HF_OK && health.state == HF_DEGRADED && cli_given(cli, "check"))
		return error_set(err, HF_DIFFERS, "the database is degraded");
	return status;
}

/* ---- psql ---- */

static enum hf_status run_psql(struct cli *cli, hf_error *err)
{
	hf_settings *settings;
	enum hf_status status = cli_settings(cli, &settings, err);
	if (status != HF_OK)
		return status;
	const char *url = cli_url(cli, settings), *password = hf_settings_reveal(settings, "password");
	const char *argv[PSQL_ARGS_MAX + 4] = {"psql", url};
	if (cli_nargs(cli) > PSQL_ARGS_MAX)
		return error_set(err, HF_E_USAGE, "more than %d arguments for psql", PSQL_ARGS_MAX);
	for (size_t i = 0; i < cli_nargs(cli); i++)
		argv[2 + i] = cli_arg(cli, i);
	/* By the environment: everybody can read the arguments of a process. */
	struct hf_str variable = password ? arena_printf(cli->arena, "PGPASSWORD=%s", password) : HF_STR("");
	if (!url || !variable.ptr)
		return error_nomem(err);
	const char *const environment[] = {variable.len ? variable.ptr : NULL, NULL};
	return child_run(cli, argv, environment, err);
}

const struct cmd db_commands[] = {
	{.noun = "db",
	 .verb = "url",
	 .summary = "print where the database is, without the password",
	 .columns = url_columns,
	 .examples = {"psql \"$(holdfast db url)\"", "holdfast --demo db url",
		      "holdfast db url --json=database,host,origin"},
	 .run = run_url,
	 .test_effect = "test_db_url_names_the_database",
	 .test_refusal = "test_db_url_refuses_when_nothing_is_named"},
	{.noun = "db",
	 .verb = "ping",
	 .summary = "log in and say who answered",
	 .about = "Exit code 0: a login succeeded. 6: the server refused it. 7: nobody answered. 8: not within "
		  "--timeout.",
	 .columns = ping_columns,
	 .examples = {"holdfast db ping", "holdfast -d postgresql:///janitor db ping --timeout 2s",
		      "holdfast --demo db ping --json"},
	 .run = run_ping,
	 .test_effect = "test_db_ping_answers",
	 .test_refusal = "test_db_ping_refuses_a_dead_socket"},
	{.noun = "db",
	 .verb = "health",
	 .summary = "can the Janitor's state be used, and if not, what of it",
	 .about = "Asks the database, then each repository for one row by the statement of its list, so that a "
		  "table or column that is missing, differs or may not be read is named. Exit code 0: it can be used; "
		  "4 with --check: some of it cannot, or slowly; otherwise that of what is wrong with the database.",
	 .options = health_options,
	 .columns = health_columns,
	 .flags = CMD_LIST,
	 .examples = {"holdfast db health", "holdfast db health --check -q",
		      "holdfast db health --json | jq '.[] | select(.reason)'"},
	 .run = run_health,
	 .test_effect = "test_db_health_names_each_repository",
	 .test_refusal = "test_db_health_says_what_is_wrong"},
	{.noun = "db",
	 .verb = "psql",
	 .args = "[-- ARGS...]",
	 .summary = "open psql on the database",
	 .about = "Everything behind -- goes to psql. Its exit code is ours. A password travels in the environment.",
	 .examples = {"holdfast db psql", "holdfast --demo db psql -- -c '\\dt'",
		      "holdfast db psql -- --csv -f report.sql"},
	 .run = run_psql,
	 .test_effect = "test_db_psql_runs_a_statement",
	 .test_refusal = "test_db_psql_refuses_when_nothing_is_named"},
	{0},
};
