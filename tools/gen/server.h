/*
 * server.h - the database on which the queries of a group are described: a private server with the group's migrations
 * applied (from the template cache when they did not change), or one that the caller names.
 */
#ifndef GEN_SERVER_H
#define GEN_SERVER_H

#include "gen/group.h"
#include "holdfast/server.h"

struct server {
	hf_server *private; /* NULL with a URL */
	hf_settings *settings;
	hf_connection *connection;
};

/** `url` NULL: start a private server. Otherwise that database; the group's migrations must all be applied there. Close
 *  it in any case. @return HF_OK; HF_DIFFERS: they are not; those of hf_server_start(), hf_migrate_up() and
 * hf_connection_open(). */
enum hf_status server_open(hf_context *ctx, const char *url, const struct group *group, struct server *ret_server,
                           hf_error *err);
void server_close(struct server *server);

#endif
