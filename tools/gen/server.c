/*
 * server.c - a database to describe on.
 */
#include "gen/server.h"

#include "base/error.h"

DEFINE_OWNED(connection, hf_connection *, hf_connection_free)
DEFINE_OWNED(settings, hf_settings *, hf_settings_free)

static enum hf_status connect_to(hf_context *ctx, const char *url, hf_settings **ret_settings,
                                 hf_connection **ret_connection, hf_error *err)
{
	CLEANUP(settings_freep) hf_settings *settings = NULL;
	enum hf_status status = hf_settings_new(ctx, &settings, err);
	if (status == HF_OK)
		status = hf_settings_parse(settings, url, err);
	if (status == HF_OK)
		status = hf_connection_open(ctx, settings, NULL, HF_DEADLINE_DEFAULT, ret_connection, err);
	if (status == HF_OK)
		*ret_settings = settings_take(&settings);
	return status;
}

struct filling {
	hf_context *ctx;
	const hf_migrations *migrations;
};

static enum hf_status fill(void *user, const char *url, hf_error *err)
{
	const struct filling *filling = user;
	CLEANUP(settings_freep) hf_settings *settings = NULL;
	CLEANUP(connection_freep) hf_connection *connection = NULL;
	enum hf_status status = connect_to(filling->ctx, url, &settings, &connection, err);
	if (status == HF_OK)
		status = hf_migrate_up(connection, filling->migrations, NULL, NULL, err);
	/* A file that makes what stands already is wrong, as a query can be: nobody else uses this database. */
	if (status == HF_CONFLICT)
		status = err->status = HF_E_DB;
	return status;
}

static enum hf_status start(hf_context *ctx, const struct group *group, hf_server **ret_server, hf_error *err)
{
	struct filling filling = {ctx, group->migrations};
	struct hf_server_options options = {.size = sizeof(options)};
	char key[65];
	if (group->migrations) {
		/* the ledger of a snapshot knows the set by its name */
		snprintf(key, sizeof(key), "%.23s-%.40s", hf_migrations_name(group->migrations),
		         hf_migrations_chain(group->migrations));
		options.template_key = key;
		options.fill = fill;
		options.fill_user = &filling;
	}
	return hf_server_start(ctx, &options, HF_DEADLINE_DEFAULT, ret_server, err);
}

enum hf_status server_open(hf_context *ctx, const char *url, const struct group *group, struct server *ret_server,
                           hf_error *err)
{
	*ret_server = (struct server){0};
	enum hf_status status = url ? HF_OK : start(ctx, group, &ret_server->private, err);
	if (status != HF_OK)
		return status;
	status = connect_to(ctx, url ? url : hf_server_url(ret_server->private), &ret_server->settings,
	                    &ret_server->connection, err);
	if (status != HF_OK || !url || !group->migrations)
		return status;
	status = hf_migrate_check(hf_on_connection(ret_server->connection), group->migrations, err);
	if (status == HF_DIFFERS)
		error_hint(err, "the metadata would belong to another schema; first run: holdfast migrate up");
	return status;
}

void server_close(struct server *server)
{
	hf_connection_free(server->connection);
	hf_settings_free(server->settings);
	hf_server_free(server->private);
	*server = (struct server){0};
}
