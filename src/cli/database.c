/*
 * database.c - from flags, variables and configuration to a session.
 *
 * Strongest first: -d, HOLDFAST_DATABASE_URL, DATABASE_URL, PG* (when one of them says where), the configuration.
 * The password of the configuration is sent only to the database that the configuration names: it would otherwise go
 * to whatever host a flag or variable names.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"

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
	return error_hint(err, "name one        -d postgresql:///NAME, or HOLDFAST_DATABASE_URL, DATABASE_URL, PG*\n"
			       "a demo          make demo, then --demo\n"
			       "a throw-away    --private\n"
			       "write it down   [database] url = ... in a file of `holdfast config path`");
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

/* Which text names the database; *ret_url NULL = the PG* variables do. */
static enum hf_status choose_url(struct cli *cli, const char **ret_url, hf_error *err)
{
	const struct setting_value *url = config_get(cli->config, "database.url");
	if (libpq_variables_set() && (!url->value.text || from_file(url))) {
		cli->database_origin = "PG*";
		*ret_url = NULL;
		return HF_OK;
	}
	if (!url->value.text)
		return nothing_configured(err);
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

enum hf_status cli_connection(struct cli *cli, hf_connection **ret_connection, hf_error *err)
{
	hf_settings *settings;
	enum hf_status status = HF_OK;
	if (!cli->connection) {
		struct hf_connection_options options = {
			.size = sizeof(options),
			.connect_timeout_ms = config_int(cli->config, "database.connect_timeout"),
			.query_timeout_ms = config_int(cli->config, "database.query_timeout"),
		};
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

const char *cli_database_origin(const struct cli *cli)
{
	return cli->database_origin;
}

void cli_close(struct cli *cli)
{
	hf_connection_free(cli->connection);
	hf_settings_free(cli->settings);
	cli->connection = NULL;
	cli->settings = NULL;
}
