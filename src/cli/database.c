/*
 * database.c - from flags, variables and configuration to a session.
 *
 * Strongest first: -d, --private or --demo, HOLDFAST_DATABASE_URL, HOLDFAST_PRIVATE, DATABASE_URL, PG* (when one of
 * them says where), the configuration. A private server starts at first use and ends with the command; the demo's was
 * left by `holdfast demo` and stays. The password of the configuration is sent only to the database that the
 * configuration names: it would otherwise go to whatever host a flag or variable names.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"
#include "holdfast/migrate.h"
#include "holdfast/pool.h"

enum { PATH_BYTES_MAX = 4096 };

/* These say where the database is; PGUSER or PGSSLMODE alone do not. */
static bool libpq_variables_set(void)
{
	static const char *const names[] = {"PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);
		if (value && value[0])
			return true;
	}
	return false;
}

static enum hf_status nothing_configured(hf_error *err)
{
	error_set(err, HF_E_CONFIG, "no database is named");
	error_hint(err, "name one        -d postgresql:///NAME, or HOLDFAST_DATABASE_URL, DATABASE_URL, PG*\n"
	                "a demo          make demo, then --demo\n"
	                "a throw-away    --private\n"
	                "write it down   [database] url = ... in a file of `holdfast config path`");
	return HF_E_CONFIG;
}

static bool from_file(const struct setting_value *value)
{
	return value->value.text && strcmp(value->origin, value->setting->env) != 0 &&
	       (!value->setting->env_foreign || strcmp(value->origin, value->setting->env_foreign) != 0) &&
	       strncmp(value->origin, "--", 2) != 0;
}

static enum hf_status use_password(struct cli *cli, hf_settings *settings, hf_error *err)
{
	const struct setting_value *password = config_get(cli->config, "database.password");
	const struct setting_value *url = config_get(cli->config, "database.url");
	const char *secret;
	if (!password->value.text)
		return HF_OK;
	if (from_file(password) && !(from_file(url) && cli->database_origin == url->origin))
		return HF_OK;
	enum hf_status status = config_secret(password, cli->arena, &secret, err);
	return status == HF_OK ? hf_settings_set(settings, "password", secret, err) : status;
}

/* ---- private servers ---- */

/* "" for a throw-away one, else its folder; NULL when none is asked for. */
static const char *private_folder(const struct cli *cli)
{
	const struct given *flag = parsed_flag(&cli->parsed, "private");
	const struct setting_value *url = config_get(cli->config, "database.url");
	const char *variable = getenv("HOLDFAST_PRIVATE");
	if (flag)
		return flag->text ? flag->text : "";
	bool named = strcmp(url->origin, "--database") == 0 || strcmp(url->origin, url->setting->env) == 0;
	if (named || !variable || !variable[0] || strcmp(variable, "0") == 0)
		return NULL;
	return strcmp(variable, "1") == 0 ? "" : variable;
}

struct filling {
	struct cli *cli;
	const hf_migrations *set;
};

/* Applies migrations to the snapshot that private servers start from. */
static enum hf_status fill_server(void *user, const char *url, hf_error *err)
{
	const struct filling *filling = user;
	struct cli *cli = filling->cli;
	hf_settings *settings = NULL;
	hf_connection *connection = NULL;
	enum hf_status status = hf_settings_new(cli->ctx, &settings, err);
	if (status == HF_OK)
		status = hf_settings_parse(settings, url, err);
	if (status == HF_OK)
		status = hf_connection_open(cli->ctx, settings, NULL, cli->deadline, &connection, err);
	if (status == HF_OK)
		status = hf_migrate_up(connection, filling->set, NULL, NULL, err);
	hf_connection_free(connection);
	hf_settings_free(settings);
	return status;
}

enum hf_status cli_private_server(struct cli *cli, const char *folder, const hf_migrations *set,
				  hf_server **ret_server, hf_error *err)
{
	struct filling filling = {cli, set};
	struct hf_server_options options = {.size = sizeof(options), .folder = folder};
	char key[65] = "";
	if (set) {
		/* the ledger of a snapshot knows the set by its name */
		snprintf(key, sizeof(key), "%.23s-%.40s", hf_migrations_name(set), hf_migrations_chain(set));
		for (char *at = key; *at; at++) /* an instance is named after its tables */
			*at = isalnum((unsigned char)*at) || *at == '_' ? *at : '-';
		options.template_key = key;
		options.fill = fill_server;
		options.fill_user = &filling;
	}
	return hf_server_start(cli->ctx, &options, cli->deadline, ret_server, err);
}

/* With the noun's migrations applied. */
static enum hf_status start_server(struct cli *cli, const char *folder, hf_error *err)
{
	const char *name = cli->parsed.noun->migrations;
	hf_migrations *set = NULL;
	enum hf_status status = name ? hf_migrations_embedded(cli->ctx, name, &set, err) : HF_OK;
	if (status == HF_OK)
		status = cli_private_server(cli, folder[0] ? folder : NULL, set, &cli->server, err);
	hf_migrations_free(set);
	return status;
}

enum hf_status cli_program_folder(char *ret_name, size_t size, hf_error *err)
{
	ssize_t n = readlink("/proc/self/exe", ret_name, size);
	if (n <= 0 || (size_t)n >= size)
		return error_errno(err, HF_E_FAILED, "could not find out where this program is");
	ret_name[n] = '\0';
	*strrchr(ret_name, '/') = '\0';
	return HF_OK;
}

/* Finds it running, or starts it again with its data. */
static enum hf_status choose_demo(struct cli *cli, const char **ret_url, hf_error *err)
{
	char name[PATH_BYTES_MAX];
	struct hf_server_options options = {.size = sizeof(options), .name = name};
	if (parsed_flag(&cli->parsed, "private") || parsed_flag(&cli->parsed, "database"))
		return error_set(err, HF_E_USAGE, "--demo and %s name two databases",
				 parsed_flag(&cli->parsed, "private") ? "--private" : "--database");
	cli->database_origin = "--demo";
	enum hf_status status = cli_program_folder(name, sizeof(name), err);
	if (status == HF_OK)
		status = hf_server_find(cli->ctx, name, &cli->server, err);
	if (status == HF_NOT_FOUND) {
		error_set(err, HF_NOT_FOUND, "there is no demo yet");
		error_hint(err, "make one   holdfast demo");
		return HF_NOT_FOUND;
	}
	hf_server_free(cli->server);
	cli->server = NULL;
	if (status == HF_OK)
		status = hf_server_start(cli->ctx, &options, cli->deadline, &cli->server, err);
	if (status == HF_OK)
		*ret_url = hf_server_url(cli->server);
	return status;
}

static enum hf_status choose_private(struct cli *cli, const char *folder, const char **ret_url, hf_error *err)
{
	if (parsed_flag(&cli->parsed, "private") && parsed_flag(&cli->parsed, "database"))
		return error_set(err, HF_E_USAGE, "--private and --database name two databases");
	cli->database_origin = parsed_flag(&cli->parsed, "private") ? "--private" : "HOLDFAST_PRIVATE";
	enum hf_status status = start_server(cli, folder, err);
	if (status == HF_OK)
		*ret_url = hf_server_url(cli->server);
	return status;
}

/* Which text names the database; *ret_url NULL = the PG* variables do. */
static enum hf_status choose_url(struct cli *cli, const char **ret_url, hf_error *err)
{
	const struct setting_value *url = config_get(cli->config, "database.url");
	const char *folder = private_folder(cli);
	if (parsed_flag(&cli->parsed, "demo"))
		return choose_demo(cli, ret_url, err);
	if (folder)
		return choose_private(cli, folder, ret_url, err);
	if (libpq_variables_set() && (!url->value.text || from_file(url))) {
		cli->database_origin = "PG*";
		*ret_url = NULL;
		return HF_OK;
	}
	if (!url->value.text)
		return nothing_configured(err);
	if (!url->value.text[0]) { /* libpq would take its own defaults: a database that nobody named */
		error_set(err, HF_E_CONFIG, "%s is empty", url->origin);
		error_hint(err, "name a database: postgresql:///NAME");
		return HF_E_CONFIG;
	}
	cli->database_origin = url->origin;
	*ret_url = url->value.text;
	return HF_OK;
}

static enum hf_status make_settings(struct cli *cli, const char *url, hf_settings *settings, hf_error *err)
{
	enum hf_status status = HF_OK;
	if (url)
		status = hf_settings_parse(settings, url, err);
	if (status != HF_OK) {
		error_prefix(err, "%s", cli->database_origin);
		return status;
	}
	hf_settings_protect(settings, cli->config->protect);
	return use_password(cli, settings, err);
}

enum hf_status cli_settings(struct cli *cli, hf_settings **ret_settings, hf_error *err)
{
	const char *url = NULL;
	hf_settings *settings;
	if (cli->settings) {
		*ret_settings = cli->settings;
		return HF_OK;
	}
	enum hf_status status = choose_url(cli, &url, err);
	if (status == HF_OK)
		status = hf_settings_new(cli->ctx, &settings, err);
	if (status != HF_OK)
		return status;
	status = make_settings(cli, url, settings, err);
	if (status != HF_OK) {
		hf_settings_free(settings);
		return status;
	}
	*ret_settings = cli->settings = settings;
	return HF_OK;
}

enum hf_status cli_use_migrations(struct cli *cli, const hf_migrations *set, hf_error *err)
{
	hf_settings *settings = NULL;
	ASSERT(!cli->server && !cli->settings);
	for (size_t i = 0; i < cli->parsed.ngiven; i++) {
		const char *name = cli->parsed.given[i].option->name;
		if (strcmp(name, "database") == 0 || strcmp(name, "private") == 0 || strcmp(name, "demo") == 0)
			return error_set(err, HF_E_USAGE, "--migrations and --%s name two databases", name);
	}
	cli->database_origin = "--migrations";
	enum hf_status status = cli_private_server(cli, NULL, set, &cli->server, err);
	if (status == HF_OK)
		status = hf_settings_new(cli->ctx, &settings, err);
	if (status == HF_OK)
		status = make_settings(cli, hf_server_url(cli->server), settings, err);
	if (status == HF_OK)
		cli->settings = settings;
	else
		hf_settings_free(settings);
	return status;
}

static struct hf_connection_options connection_options(const struct cli *cli)
{
	return (struct hf_connection_options){
		.size = sizeof(struct hf_connection_options),
		.connect_timeout_ms = config_int(cli->config, "database.connect_timeout"),
		.query_timeout_ms = config_int(cli->config, "database.query_timeout"),
	};
}

enum hf_status cli_connection(struct cli *cli, hf_connection **ret_connection, hf_error *err)
{
	hf_settings *settings;
	enum hf_status status = HF_OK;
	if (!cli->connection) {
		const struct hf_connection_options options = connection_options(cli);
		status = cli_settings(cli, &settings, err);
		if (status == HF_OK)
			status = hf_connection_open(cli->ctx, settings, &options, cli->deadline, &cli->connection, err);
	}
	if (status == HF_OK)
		*ret_connection = cli->connection;
	return status;
}

enum hf_status cli_where(struct cli *cli, hf_where *ret_where, hf_error *err)
{
	hf_connection *connection;
	enum hf_status status = cli_connection(cli, &connection, err);
	if (status == HF_OK)
		*ret_where = hf_until(hf_on_connection(connection), cli->deadline);
	return status;
}

enum hf_status cli_list(struct cli *cli, const struct column *columns, hf_where *ret_where, hf_error *err)
{
	enum hf_status status = out_list(cli->out, columns, err);
	return status == HF_OK ? cli_where(cli, ret_where, err) : status;
}

/* A pool goes on trying where nobody answers, which a person waits for: whether somebody does is found out first. */
enum hf_status cli_where_of(struct cli *cli, uint32_t connections, hf_where *ret_where, hf_error *err)
{
	const struct hf_connection_options connection = connection_options(cli);
	const struct hf_pool_options options = {.size = sizeof(options),
						.connections_max = connections,
						.connections_min = connections,
						.acquire_timeout_ms = connection.connect_timeout_ms,
						.connection = &connection};
	hf_connection *first;
	ASSERT(!cli->pool);
	cli->several = true;
	enum hf_status status = cli_connection(cli, &first, err);
	if (status == HF_OK)
		status = hf_pool_open(cli->ctx, cli->settings, &options, &cli->pool, err);
	hf_connection_free(cli->connection);
	cli->connection = NULL;
	if (status == HF_OK)
		*ret_where = hf_until(hf_on_pool(cli->pool), cli->deadline);
	return status;
}

const char *cli_database_origin(const struct cli *cli)
{
	return cli->database_origin;
}

void cli_close(struct cli *cli)
{
	hf_connection_free(cli->connection);
	hf_pool_close(cli->pool);
	hf_settings_free(cli->settings);
	hf_server_free(cli->server);
	cli->server = NULL;
	cli->connection = NULL;
	cli->pool = NULL;
	cli->settings = NULL;
}
