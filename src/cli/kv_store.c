/*
 * kv_store.c - which store, and opening it.
 *
 * Strongest first: --store, then -d, --private or --demo, then HOLDFAST_KV_URL, the [kv] section of the configuration,
 * and the database as every other command finds it (database.c). The login goes on with its password: a store has a
 * connection pool of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "cli/kv.h"

enum { KV_CONNECTIONS_MAX = 2 };

static const char *given_database(const struct cli *cli)
{
	static const char *const names[] = {"database", "private", "demo"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (parsed_flag(&cli->parsed, names[i]))
			return names[i];
	return NULL;
}

enum hf_status kv_open_url(struct cli *cli, const char *url, const char *name_space, enum kv_making making,
                           hf_kv **ret_kv, hf_error *err)
{
	int64_t slow_ms = config_int(cli->config, "kv.slow_statement");
	struct hf_kv_options options = {
		.size = sizeof(options),
		.name_space = name_space,
		.timeout_ms = config_int(cli->config, "database.query_timeout"),
		.connect_timeout_ms = config_int(cli->config, "database.connect_timeout"),
		.schema = config_text(cli->config, "kv.schema"),
		.table = config_text(cli->config, "kv.table"),
		.durability = (enum hf_kv_durability)config_int(cli->config, "kv.durability"),
		.slow_ms = slow_ms ? slow_ms : -1,
		.attempts_max = (uint32_t)config_int(cli->config, "kv.attempts"),
		.backoff_ms = config_int(cli->config, "kv.backoff"),
		.no_migrate = making != KV_MAKE_ALL,
		.no_namespace = making == KV_MAKE_NOTHING,
		.latencies = HF_KV_LATENCIES_ON,
		.connections_min = 1,
		.connections_max = KV_CONNECTIONS_MAX,
		.sweep_interval_ms = -1, /* the command is over before it would be due: see `kv sweep` */
	};
	return hf_kv_open(cli->ctx, url, &options, ret_kv, err);
}

static enum hf_status nothing_named(hf_error *err)
{
	error_set(err, HF_E_CONFIG, "no store is named");
	error_hint(err, "name one        --store lmdb:PATH, redis://HOST, postgresql:///NAME, or HOLDFAST_KV_URL\n"
	                "a database      -d postgresql:///NAME, or --demo\n"
	                "a throw-away    --private\n"
	                "write it down   [kv] url = ... in a file of `holdfast config path`");
	return HF_E_CONFIG;
}

static enum hf_status open_database(struct cli *cli, const char *name_space, enum kv_making making, hf_kv **ret_kv,
                                    hf_error *err)
{
	hf_settings *settings;
	hf_connection *connection;
	bool named = given_database(cli) != NULL;
	enum hf_status status = cli_settings(cli, &settings, err);
	if (status == HF_E_CONFIG && !named && !cli_database_origin(cli))
		return nothing_named(err);
	if (status == HF_OK && cli->config->protect) /* refuses a login that a protected profile may not make */
		status = cli_connection(cli, &connection, err);
	if (status != HF_OK)
		return status;
	const char *url = cli_login_url(cli, settings);
	return url ? kv_open_url(cli, url, name_space, making, ret_kv, err) : error_nomem(err);
}

static bool is_folder(const char *url)
{
	return str_starts(hf_str_of(url), HF_STR("lmdb:"));
}

/* Of a folder HF_E_UNAVAILABLE is said of what cannot be made, too. */
static bool is_unmade(const char *path)
{
	int folder = open(path, O_DIRECTORY | O_PATH | O_CLOEXEC);
	bool unmade = folder < 0 ? errno == ENOENT : faccessat(folder, "data.mdb", F_OK, 0) != 0 && errno == ENOENT;
	if (folder >= 0)
		(void)close(folder);
	return unmade;
}

/* Without it a dry run has nothing to look at. What is there and would be refused is refused. */
static enum hf_status if_there(const char *url, enum hf_status status)
{
	bool unmade = status == HF_NOT_FOUND ||
	              (status == HF_E_UNAVAILABLE && is_folder(url) && is_unmade(url + strlen("lmdb:")));
	return unmade ? HF_OK : status;
}

enum hf_status kv_open_target_url(struct cli *cli, const char *url, const char *name_space, hf_kv **ret_kv,
                                  hf_error *err)
{
	if (!cli->globals.dry_run)
		return kv_open_url(cli, url, name_space, KV_MAKE_ALL, ret_kv, err);
	return if_there(url, kv_open_url(cli, url, name_space, KV_MAKE_NOTHING, ret_kv, err));
}

/* @param ret_url NULL = the database. */
static enum hf_status which(const struct cli *cli, const struct setting_value **ret_url, hf_error *err)
{
	const struct setting_value *url = config_get(cli->config, "kv.url");
	const char *database = given_database(cli);
	bool store = parsed_flag(&cli->parsed, "store") != NULL;
	if (store && database)
		return error_set(err, HF_E_USAGE, "--store and --%s name two stores", database);
	*ret_url = !url->value.text || (database && !store) ? NULL : url;
	return HF_OK;
}

static enum hf_status open_which(struct cli *cli, const struct setting_value *url, enum kv_making making,
                                 hf_kv **ret_kv, hf_error *err)
{
	const char *name_space = config_text(cli->config, "kv.namespace");
	if (!url)
		return open_database(cli, name_space, making, ret_kv, err);
	enum hf_status status = kv_open_url(cli, url->value.text, name_space, making, ret_kv, err);
	if (status == HF_E_CONFIG || status == HF_E_UNSUPPORTED)
		error_prefix(err, "%s", url->origin);
	return status;
}

static enum hf_status open_named(struct cli *cli, enum kv_making making, hf_kv **ret_kv, hf_error *err)
{
	const struct setting_value *url;
	enum hf_status status = which(cli, &url, err);
	return status == HF_OK ? open_which(cli, url, making, ret_kv, err) : status;
}

enum hf_status kv_open(struct cli *cli, hf_kv **ret_kv, hf_error *err)
{
	return open_named(cli, KV_MAKE_ALL, ret_kv, err);
}

enum hf_status kv_open_as_is(struct cli *cli, hf_kv **ret_kv, hf_error *err)
{
	return open_named(cli, KV_MAKE_NAMESPACE, ret_kv, err);
}

enum hf_status kv_open_source(struct cli *cli, hf_kv **ret_kv, hf_error *err)
{
	return open_named(cli, KV_MAKE_NOTHING, ret_kv, err);
}

enum hf_status kv_open_to_read(struct cli *cli, hf_kv **ret_kv, hf_error *err)
{
	const struct setting_value *url;
	enum hf_status status = which(cli, &url, err);
	if (status != HF_OK)
		return status;
	return open_which(cli, url, url && is_folder(url->value.text) ? KV_MAKE_NAMESPACE : KV_MAKE_ALL, ret_kv, err);
}

enum hf_status kv_open_target(struct cli *cli, hf_kv **ret_kv, hf_error *err)
{
	const struct setting_value *url;
	enum hf_status status = which(cli, &url, err);
	if (status != HF_OK || !cli->globals.dry_run)
		return status == HF_OK ? open_which(cli, url, KV_MAKE_ALL, ret_kv, err) : status;
	return if_there(url ? url->value.text : "", open_which(cli, url, KV_MAKE_NOTHING, ret_kv, err));
}
