/*
 * server_cluster.h - PostgreSQL's programs, making a cluster with them, and the command line of a server.
 */
#ifndef PG_SERVER_CLUSTER_H
#define PG_SERVER_CLUSTER_H

#include <limits.h>

#include "pg/server_cache.h"

enum {
	CLUSTER_VERSION_MIN = 13,
	CLUSTER_SETTINGS_MAX = 64, /* of the caller */
	CLUSTER_LOG_TAIL = 500     /* bytes of a log in an error's detail */
};

struct programs {
	char postgres[PATH_MAX];
	char initdb[PATH_MAX];
	char identity[80]; /* of this very build of the server, as part of a file name */
};

/** @return HF_OK; HF_E_NO_PACKAGE; HF_E_CONFIG: HOLDFAST_PG_BIN does not hold them. */
enum hf_status programs_find(hf_context *ctx, struct programs *ret_programs, hf_error *err);

/** initdb into the empty folder `path`, with the rights of `user`; it holds `lock` open. HF_E_FAILED has the end of its
 *  words in detail. */
enum hf_status cluster_init(hf_context *ctx, const struct programs *programs, const struct server_user *user,
                            bool durable, const char *path, int lock, hf_deadline deadline, hf_error *err);
/** Name of the cache entry for it. `key` NULL = plain. HF_E_USAGE: a key with other characters, or too long. */
enum hf_status cluster_cache_name(const struct programs *programs, bool durable, const char *key,
                                  char ret_name[CACHE_NAME_MAX + 1], hf_error *err);

struct cluster_command {
	const char *data;
	const char *run; /* folder of the socket */
	bool durable;
	uint32_t max_connections;
	const char *const *settings; /* of the caller, or NULL */
};
/* "postgres -D data -c ..." for execve(); owns one block. */
struct command_line {
	char **argv;
	char *text;
};
enum hf_status command_line_make(const struct programs *programs, const struct cluster_command *command,
                                 struct command_line *ret_line, hf_error *err);
void command_line_deinit(struct command_line *line);

/** Put the last lines of an open log into err->detail. */
void log_tail(int log_fd, hf_error *err);
/** What the last FATAL or PANIC line near the end says; false when there is none. */
bool log_reason(int log_fd, char *ret_text, size_t size);

#endif
