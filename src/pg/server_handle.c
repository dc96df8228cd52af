/*
 * server_handle.c - the handle of a private server: what it tells, its supervisor, its end.
 */
#include "pg/server_handle.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "holdfast/sql.h"
#include "pg/server_fd.h"
#include "pg/server_tree.h"

enum { REAP_MS = 2000, DATABASE_MS = 60000, HEAR_TICK_MS = 100 /* an interruption is seen within it */ };
#define PRIVATE_ROLE "holdfast"
#define PRIVATE_DATABASE "postgres"

hf_server *server_new(hf_context *ctx, const struct server_user *user)
{
	hf_server *server = calloc(1, sizeof(*server));
	if (!server)
		return NULL;
	server->ctx = ctx;
	server->owner = getpid();
	server->user = *user;
	server->control = server->run_fd = server->home_fd = server->log_fd = server->parent_fd = -1;
	server->locks[0] = server->locks[1] = server->locks[2] = -1;
	return server;
}

void server_set_run(hf_server *server, const char *path)
{
	snprintf(server->run, sizeof(server->run), "%s", path);
	snprintf(server->socket_path, sizeof(server->socket_path), "%s/.s.PGSQL.5432", path);
	snprintf(server->url, sizeof(server->url),
	         "postgresql:///" PRIVATE_DATABASE "?host=%s&port=5432&user=" PRIVATE_ROLE, path);
}

void server_close_fd(int *fd)
{
	fd_closep(fd);
	*fd = -1;
}

/* ---- the supervisor ---- */

/* The next message. HF_STOP: the supervisor has ended. */
enum hf_status server_hear(hf_server *server, hf_deadline deadline, bool interruptible,
                           struct supervisor_message *ret_message, hf_error *err)
{
	for (;;) {
		int64_t left_us = deadline - hf_now_monotonic_us(server->ctx);
		if (interruptible && hf_context_interrupted(server->ctx))
			return error_set(err, HF_E_INTERRUPTED, "interrupted while a private server started");
		if (left_us <= 0)
			return error_set(err, HF_TIMEOUT, "the private server in %s did not answer in time",
			                 server->run);
		struct pollfd event = {.fd = server->control, .events = POLLIN};
		poll(&event, 1, left_us > HEAR_TICK_MS * 1000 ? HEAR_TICK_MS : (int)(left_us / 1000) + 1);
		ssize_t n = recv(server->control, ret_message, sizeof(*ret_message), MSG_DONTWAIT);
		if (n == (ssize_t)sizeof(*ret_message))
			return HF_OK;
		if (n >= 0 || (errno != EAGAIN && errno != EINTR))
			return HF_STOP;
	}
}

enum hf_status server_order(hf_server *server, char what)
{
	return send(server->control, &what, 1, MSG_NOSIGNAL) == 1 ? HF_OK : HF_STOP;
}

/* ---- what it tells ---- */

const char *hf_server_url(const hf_server *server)
{
	return server->url;
}

const char *hf_server_host(const hf_server *server)
{
	return server->run;
}

const char *hf_server_data(const hf_server *server)
{
	return server->data;
}

int hf_server_pid(const hf_server *server)
{
	return server->postmaster;
}

const char *hf_server_user(const hf_server *server)
{
	return server->user.name;
}

/* Percent-encode all but letters, digits and "-_.". */
static void add_encoded(struct buf *to, const char *text)
{
	for (; *text; text++) {
		bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
		             (*text >= '0' && *text <= '9') || strchr("-_.", *text);
		if (plain)
			buf_add_char(to, *text);
		else
			buf_printf(to, "%%%02X", (unsigned char)*text);
	}
}

DEFINE_OWNED(buffer, struct buf *, buf_deinit)

enum hf_status hf_server_url_of(const hf_server *server, const char *database, char *ret_url, size_t size,
                                hf_error *err)
{
	struct buf text;
	buf_init(&text, size > 0 ? size - 1 : 0);
	CLEANUP(buffer_freep) UNUSED struct buf *owned = &text;
	buf_add_text(&text, "postgresql:///");
	add_encoded(&text, database);
	buf_printf(&text, "?host=%s&port=5432&user=" PRIVATE_ROLE, server->run);
	if (buf_starved(&text))
		return error_nomem(err);
	if (!buf_ok(&text))
		return error_set(err, HF_E_LIMIT, "the URL of database \"%.80s\" does not fit in %zu bytes", database,
		                 size);
	memcpy(ret_url, text.ptr, text.len + 1);
	return HF_OK;
}

DEFINE_OWNED(settings, hf_settings *, hf_settings_free)
DEFINE_OWNED(connection, hf_connection *, hf_connection_free)

static void add_identifier(struct buf *to, const char *name)
{
	buf_add_char(to, '"');
	for (; *name; name++) {
		if (*name == '"')
			buf_add_char(to, '"');
		buf_add_char(to, *name);
	}
	buf_add_char(to, '"');
}

static enum hf_status run_statement(hf_server *server, struct hf_str sql, hf_error *err)
{
	CLEANUP(settings_freep) hf_settings *settings = NULL;
	CLEANUP(connection_freep) hf_connection *connection = NULL;
	hf_deadline deadline = hf_deadline_in(server->ctx, DATABASE_MS);
	enum hf_status status = hf_settings_new(server->ctx, &settings, err);
	if (status == HF_OK)
		status = hf_settings_parse(settings, server->url, err);
	if (status == HF_OK)
		status = hf_connection_open(server->ctx, settings, NULL, deadline, &connection, err);
	if (status == HF_OK)
		status = hf_sql_exec(hf_until(hf_on_connection(connection), deadline), sql, NULL, 0, NULL, err);
	return status;
}

enum hf_status hf_server_create_database(hf_server *server, const char *name, const char *template_name, hf_error *err)
{
	struct buf sql;
	hf_error local = HF_ERROR_INIT;
	buf_init(&sql, 1024);
	CLEANUP(buffer_freep) UNUSED struct buf *owned = &sql;
	buf_add_text(&sql, "CREATE DATABASE ");
	add_identifier(&sql, name);
	buf_add_text(&sql, " TEMPLATE ");
	add_identifier(&sql, template_name ? template_name : "template1");
	if (buf_starved(&sql))
		return error_nomem(err);
	if (!buf_ok(&sql))
		return error_set(err, HF_E_LIMIT, "name of database \"%.80s...\" is too long", name);
	enum hf_status status = run_statement(server, buf_str(&sql), &local);
	if (strcmp(local.sqlstate, "42P04") == 0)
		status = HF_CONFLICT;
	else if (strcmp(local.sqlstate, "3D000") == 0)
		status = HF_NOT_FOUND;
	local.status = status;
	if (status != HF_OK && err)
		*err = local;
	return status;
}

/* ---- the end ---- */

static bool is_owner(const hf_server *server)
{
	return server->owner == getpid();
}

/* Its exit follows its last message at once. A program that ignores or collects SIGCHLD has none left to wait for. */
void server_reap(hf_server *server)
{
	hf_deadline until = hf_deadline_in(server->ctx, REAP_MS);
	while (server->supervisor > 0 && waitpid(server->supervisor, NULL, WNOHANG) == 0 &&
	       hf_now_monotonic_us(server->ctx) < until)
		poll(NULL, 0, 2);
	server->supervisor = 0;
}

static enum hf_status stop_attached(hf_server *server, hf_deadline deadline, hf_error *err)
{
	if (!is_owner(server))
		return error_set(err, HF_E_USAGE, "forked: a private server is stopped by the process that started it");
	if (server->supervisor == 0)
		return HF_OK;
	struct supervisor_message message = {0};
	enum hf_status status = server_order(server, SUPERVISOR_STOP);
	while (status == HF_OK)
		status = server_hear(server, deadline, false, &message, err);
	if (status != HF_STOP)
		return status;
	server_reap(server);
	server_close_fd(&server->parent_fd); /* the folder is gone: nobody may remove a new one of that name */
	return HF_OK;
}

enum hf_status hf_server_stop(hf_server *server, hf_deadline deadline, hf_error *err)
{
	if (deadline == HF_DEADLINE_DEFAULT)
		deadline = hf_deadline_in(server->ctx, SERVER_STOP_MS);
	return server->detached ? named_stop(server, deadline, err) : stop_attached(server, deadline, err);
}

void hf_server_free(hf_server *server)
{
	if (!server)
		return;
	struct fs_guard guard = {0};
	if (is_owner(server) && !server->detached && server->supervisor > 0)
		hf_server_stop(server, HF_DEADLINE_DEFAULT, NULL);
	else if (is_owner(server) && server->parent_fd >= 0 && fs_as(&server->user, &guard, NULL) == HF_OK)
		tree_remove(server->parent_fd, server->run + sizeof(RUN_PARENT));
	fs_back(&guard);
	int *const fds[] = {&server->control,   &server->run_fd,   &server->home_fd,  &server->log_fd,
	                    &server->parent_fd, &server->locks[0], &server->locks[1], &server->locks[2]};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		server_close_fd(fds[i]);
	free(server);
}
