/*
 * server.c - private servers: folders, supervisor and cluster put together, and the handle.
 *
 * Order of a start: folder in /tmp, supervisor (from here on the death of this process cleans up), data from the
 * cache, "go", "ready". Files are touched with the rights of the server's user only; callbacks and connections run
 * with the caller's own.
 */
#include "holdfast/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "holdfast/sql.h"
#include "pg/server_cluster.h"
#include "pg/server_fd.h"
#include "pg/server_supervisor.h"
#include "pg/server_tree.h"

enum { START_MS = 60000, STOP_MS = 30000, REAP_MS = 2000, DATABASE_MS = 60000, RUN_SIZE = 24, URL_SIZE = 128 };
#define RUN_PARENT "/tmp"
#define RUN_PATTERN "/tmp/hf-XXXXXX"
#define PRIVATE_ROLE "holdfast"
#define PRIVATE_DATABASE "postgres"

struct hf_server {
	hf_context *ctx;
	pid_t owner; /* only this process may stop it */
	struct server_user user;
	char run[RUN_SIZE]; /* "" before there is one */
	char socket_path[RUN_SIZE + 16];
	char home[PATH_MAX - 16];
	char data[PATH_MAX];
	char url[URL_SIZE];
	pid_t supervisor; /* 0 = none (any more) */
	pid_t postmaster;
	int control;
	int run_fd;
	int home_fd;
	int log_fd;
	int locks[2];
	int parent_fd;
	bool freshly_made; /* the data came out of the cache just now */
};

DEFINE_OWNED(server, hf_server *, hf_server_free)

/* What the steps of a start share. */
struct start {
	hf_context *ctx;
	const struct hf_server_options *options;
	hf_deadline deadline;
	struct server_user user;
	struct programs programs;
	struct cache cache;
	const char *home; /* NULL = the folder in /tmp */
	bool keep_log;
	struct fs_guard guard;
};

static void start_deinit(struct start *start)
{
	fs_back(&start->guard);
	cache_close(&start->cache);
}

static enum hf_status act(struct start *start, hf_error *err)
{
	return fs_as(&start->user, &start->guard, err);
}

/* ---- folders ---- */

static enum hf_status open_at(int at_fd, const char *name, int flags, int *ret_fd, const char *where, hf_error *err)
{
	int fd = openat(at_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, HF_E_FAILED, "could not open %s/%s", where, name);
	*ret_fd = fd;
	return HF_OK;
}

static enum hf_status lock_folder(int at_fd, const char *path, int *ret_fd, hf_error *err)
{
	CLEANUP(fd_closep) int fd = -1;
	enum hf_status status = open_at(at_fd, "lock", O_RDWR | O_CREAT, &fd, path, err);
	if (status != HF_OK)
		return status;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		error_set(err, HF_CONFLICT, "folder %s is in use by another private server", path);
		error_hint(err, "stop that one first, or name another folder");
		return HF_CONFLICT;
	}
	*ret_fd = fd_take(&fd);
	return HF_OK;
}

/* The folder in /tmp: short, because the path of a socket has at most 107 bytes. */
static enum hf_status make_run(hf_server *server, hf_error *err)
{
	char path[RUN_SIZE] = RUN_PATTERN;
	CLEANUP(fd_closep) int parent = open(RUN_PARENT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || !mkdtemp(path)) {
		error_errno(err, HF_E_FAILED,
		            "could not make a folder in " RUN_PARENT " for the socket of a private server");
		error_hint(err, "user %s must be able to write to " RUN_PARENT, server->user.name);
		return HF_E_FAILED;
	}
	memcpy(server->run, path, sizeof(path));
	snprintf(server->socket_path, sizeof(server->socket_path), "%s/.s.PGSQL.5432", path);
	snprintf(server->url, sizeof(server->url),
	         "postgresql:///" PRIVATE_DATABASE "?host=%s&port=5432&user=" PRIVATE_ROLE, path);
	server->parent_fd = fd_take(&parent);
	enum hf_status status = open_at(server->parent_fd, path + sizeof(RUN_PARENT), O_RDONLY | O_DIRECTORY,
	                                &server->run_fd, RUN_PARENT, err);
	return status != HF_OK ? status : lock_folder(server->run_fd, path, &server->locks[0], err);
}

static enum hf_status open_home(const struct start *start, hf_server *server, hf_error *err)
{
	if (!start->home) {
		snprintf(server->home, sizeof(server->home), "%s", server->run);
		server->home_fd = fcntl(server->run_fd, F_DUPFD_CLOEXEC, 3);
		return server->home_fd < 0 ? error_errno(err, HF_E_FAILED, "could not open %s", server->run) : HF_OK;
	}
	snprintf(server->home, sizeof(server->home), "%s", start->home);
	server->home_fd = open(start->home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (server->home_fd < 0 || fstat(server->home_fd, &st) != 0) {
		error_errno(err, HF_E_DENIED, "user %s could not open folder %s", start->user.name, start->home);
		return HF_E_DENIED;
	}
	if (st.st_uid != start->user.uid)
		return error_set(err, HF_E_DENIED, "folder %s belongs to user id %d, but the server runs as user %s",
		                 start->home, (int)st.st_uid, start->user.name);
	return lock_folder(server->home_fd, start->home, &server->locks[1], err);
}

static enum hf_status make_folders(const struct start *start, hf_server *server, hf_error *err)
{
	enum hf_status status = make_run(server, err);
	if (status == HF_OK)
		status = open_home(start, server, err);
	if (status == HF_OK)
		status = open_at(start->keep_log ? server->home_fd : server->run_fd, "log", O_RDWR | O_CREAT | O_APPEND,
		                 &server->log_fd, start->keep_log ? server->home : server->run, err);
	snprintf(server->data, sizeof(server->data), "%s/data", server->home);
	return status;
}

/* ---- the cluster ---- */

static enum hf_status build_plain(void *user, int fd, const char *path, hf_deadline deadline, hf_error *err)
{
	struct start *start = user;
	char data[PATH_MAX];
	int n = snprintf(data, sizeof(data), "%s/data", path);
	if (n < 0 || (size_t)n >= sizeof(data))
		return error_set(err, HF_E_LIMIT, "path of a cluster is too long: %.200s...", path);
	if (mkdirat(fd, "data", 0700) != 0)
		return error_errno(err, HF_E_FAILED, "could not create %s", data);
	return cluster_init(start->ctx, &start->programs, &start->user, start->options->durable, data, deadline, err);
}

static enum hf_status fetch(struct start *start, const char *key, int to_fd, const char *to_name, hf_error *err);
static enum hf_status launch(struct start *start, hf_server **ret_server, bool *ret_suspect, hf_error *err);

/* A plain cluster, filled by the caller's function on a server of its own. */
static enum hf_status build_filled(void *user, int fd, const char *path, hf_deadline deadline, hf_error *err)
{
	struct start *outer = user;
	struct start start = *outer;
	struct hf_server_options options = *outer->options;
	options.template_key = NULL;
	start.options = &options;
	start.home = path;
	start.keep_log = false;
	enum hf_status status = fetch(&start, NULL, fd, "data", err);
	if (status != HF_OK)
		return status;
	fs_back(&outer->guard);
	start.guard = outer->guard;
	CLEANUP(server_freep) hf_server *server = NULL;
	bool suspect;
	status = launch(&start, &server, &suspect, err);
	if (status == HF_OK)
		status = options.fill(options.fill_user, server->url, err);
	if (status == HF_OK)
		status = hf_server_stop(server, deadline, err);
	enum hf_status back = act(outer, status == HF_OK ? err : NULL);
	return status != HF_OK ? status : back;
}

static enum hf_status fetch(struct start *start, const char *key, int to_fd, const char *to_name, hf_error *err)
{
	char name[CACHE_NAME_MAX + 1];
	enum hf_status status = cluster_cache_name(&start->programs, start->options->durable, key, name, err);
	if (status != HF_OK)
		return status;
	return cache_fetch(start->ctx, &start->cache, name, key ? build_filled : build_plain, start, to_fd, to_name,
	                   start->deadline, err);
}

/* Data that is there already is used; new data appears by rename, so that a crash leaves none that is half copied. */
static enum hf_status provide_data(struct start *start, hf_server *server, hf_error *err)
{
	enum hf_status status = act(start, err);
	if (status != HF_OK)
		return status;
	if (faccessat(server->home_fd, "data", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return HF_OK;
	server->freshly_made = true;
	if (tree_remove(server->home_fd, "data.new") != 0)
		return error_errno(err, HF_E_FAILED, "could not remove %s.new", server->data);
	status = fetch(start, start->options->template_key, server->home_fd, "data.new", err);
	if (status == HF_OK && start->options->durable)
		syncfs(server->home_fd);
	if (status == HF_OK && renameat(server->home_fd, "data.new", server->home_fd, "data") != 0)
		status = error_errno(err, HF_E_FAILED, "could not rename %s.new", server->data);
	return status;
}

/* ---- supervisor ---- */

static enum hf_status start_supervisor(const struct start *start, hf_server *server, hf_error *err)
{
	struct cluster_command command = {.data = server->data,
	                                  .run = server->run,
	                                  .durable = start->options->durable,
	                                  .max_connections = start->options->max_connections,
	                                  .settings = start->options->settings};
	CLEANUP(command_line_deinit) struct command_line line = {0};
	enum hf_status status = command_line_make(&start->programs, &command, &line, err);
	if (status != HF_OK)
		return status;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return error_errno(err, HF_E_FAILED, "could not make a socket pair");
	server->control = pair[0];
	CLEANUP(fd_closep) int theirs = pair[1];
	struct process_environment environment;
	process_environment_fill(&environment);
	struct supervisor supervisor = {.postmaster = {.user = &server->user,
	                                               .program = start->programs.postgres,
	                                               .argv = line.argv,
	                                               .envp = environment.items,
	                                               .out_fd = server->log_fd,
	                                               .death_signal = SIGINT},
	                                .control = theirs,
	                                .owner = server->owner,
	                                .locks = {server->locks[0], server->locks[1]},
	                                .home_fd = server->home_fd,
	                                .parent_fd = server->parent_fd,
	                                .name = server->run + sizeof(RUN_PARENT),
	                                .socket_path = server->socket_path,
	                                .idle_limit_ms = -1};
	return supervisor_start(&supervisor, &server->supervisor, err);
}

/* The next message. HF_STOP: the supervisor has ended. */
static enum hf_status hear(hf_server *server, hf_deadline deadline, struct supervisor_message *ret_message,
                           hf_error *err)
{
	for (;;) {
		int64_t left_us = deadline - hf_now_monotonic_us(server->ctx);
		if (left_us <= 0)
			return error_set(err, HF_TIMEOUT, "the private server in %s did not answer in time",
			                 server->run);
		struct pollfd event = {.fd = server->control, .events = POLLIN};
		poll(&event, 1, left_us > 60000000 ? 60000 : (int)(left_us / 1000) + 1);
		ssize_t n = recv(server->control, ret_message, sizeof(*ret_message), MSG_DONTWAIT);
		if (n == (ssize_t)sizeof(*ret_message))
			return HF_OK;
		if (n >= 0 || (errno != EAGAIN && errno != EINTR))
			return HF_STOP;
	}
}

static enum hf_status order(hf_server *server, char what)
{
	return send(server->control, &what, 1, MSG_NOSIGNAL) == 1 ? HF_OK : HF_STOP;
}

static enum hf_status did_not_start(hf_server *server, const struct supervisor_message *message, hf_error *err)
{
	if (WIFEXITED(message->value))
		error_set(err, HF_E_UNAVAILABLE, "the private server in %s did not start: it ended with %d",
		          server->home, WEXITSTATUS(message->value));
	else
		error_set(err, HF_E_UNAVAILABLE, "the private server in %s did not start: signal %d", server->home,
		          WTERMSIG(message->value));
	log_tail(server->log_fd, err);
	return HF_E_UNAVAILABLE;
}

static enum hf_status wait_ready(hf_server *server, hf_deadline deadline, hf_error *err)
{
	struct supervisor_message message = {0};
	enum hf_status status = order(server, SUPERVISOR_GO);
	if (status == HF_OK)
		status = hear(server, deadline, &message, err);
	if (status == HF_TIMEOUT)
		log_tail(server->log_fd, err);
	if (status == HF_STOP || (status == HF_OK && message.event == SUPERVISOR_GONE))
		return error_set(err, HF_E_UNAVAILABLE, "the private server in %s was stopped while it started",
		                 server->home);
	if (status == HF_OK && message.event == SUPERVISOR_DIED)
		return did_not_start(server, &message, err);
	if (status == HF_OK)
		server->postmaster = message.value;
	return status;
}

/* ---- start ---- */

static hf_server *server_new(const struct start *start)
{
	hf_server *server = calloc(1, sizeof(*server));
	if (!server)
		return NULL;
	server->ctx = start->ctx;
	server->owner = getpid();
	server->user = start->user;
	server->control = server->run_fd = server->home_fd = server->log_fd = server->parent_fd = -1;
	server->locks[0] = server->locks[1] = -1;
	return server;
}

/* `ret_suspect`: it died at once, on data that was copied just now. */
static enum hf_status launch(struct start *start, hf_server **ret_server, bool *ret_suspect, hf_error *err)
{
	CLEANUP(server_freep) hf_server *server = server_new(start);
	if (!server)
		return error_nomem(err);
	enum hf_status status = act(start, err);
	if (status == HF_OK)
		status = make_folders(start, server, err);
	fs_back(&start->guard);
	if (status == HF_OK)
		status = start_supervisor(start, server, err);
	if (status == HF_OK)
		status = provide_data(start, server, err);
	fs_back(&start->guard);
	if (status == HF_OK)
		status = wait_ready(server, start->deadline, err);
	*ret_suspect = status == HF_E_UNAVAILABLE && server->freshly_made;
	if (status == HF_OK)
		*ret_server = server_take(&server);
	return status;
}

/* The cache entry that this start copied from did not work: away with it. */
static void drop_cached(struct start *start)
{
	char name[CACHE_NAME_MAX + 1];
	const struct hf_server_options *options = start->options;
	if (cluster_cache_name(&start->programs, options->durable, options->template_key, name, NULL) == HF_OK &&
	    act(start, NULL) == HF_OK)
		cache_drop(start->ctx, &start->cache, name, start->deadline);
	fs_back(&start->guard);
}

static enum hf_status start_server(struct start *start, hf_server **ret_server, hf_error *err)
{
	hf_error local = HF_ERROR_INIT;
	bool suspect = false;
	enum hf_status status = launch(start, ret_server, &suspect, &local);
	if (suspect && !start->options->settings) {
		drop_cached(start);
		status = launch(start, ret_server, &suspect, &local);
	}
	if (status != HF_OK && err)
		*err = local;
	return status;
}

static enum hf_status check_options(const struct hf_server_options *options, hf_error *err)
{
	if (options->size != sizeof(*options))
		return error_set(err, HF_E_USAGE, "hf_server_options.size is %zu, this library expects %zu",
		                 options->size, sizeof(*options));
	if (options->template_key && !options->fill)
		return error_set(err, HF_E_USAGE, "a template key needs a function that fills the template");
	return HF_OK;
}

/* The folder of kept data, made if it is not there; absolute. */
static enum hf_status kept_folder(const struct server_user *user, const char *asked, char ret_path[PATH_MAX],
                                  hf_error *err)
{
	bool made = mkdir(asked, 0700) == 0;
	if (!made && errno != EEXIST)
		return error_errno(err, HF_E_DENIED, "could not make folder %s", asked);
	if (made && user->drop && lchown(asked, user->uid, user->gid) != 0)
		return error_errno(err, HF_E_DENIED, "could not give folder %s to user %s", asked, user->name);
	if (!realpath(asked, ret_path))
		return error_errno(err, HF_E_DENIED, "could not find folder %s", asked);
	if (strlen(ret_path) >= sizeof(((hf_server *)NULL)->home) - sizeof("/data.new"))
		return error_set(err, HF_E_LIMIT, "path of folder %.200s... is too long", ret_path);
	return HF_OK;
}

enum hf_status hf_server_start(hf_context *ctx, const struct hf_server_options *options, hf_deadline deadline,
                               hf_server **ret_server, hf_error *err)
{
	struct hf_server_options defaults = {.size = sizeof(defaults)};
	CLEANUP(start_deinit)
	struct start start = {.ctx = ctx,
	                      .options = options ? options : &defaults,
	                      .cache = {.fd = -1},
	                      .deadline = deadline == HF_DEADLINE_DEFAULT ? hf_deadline_in(ctx, START_MS) : deadline};
	char folder[PATH_MAX];
	enum hf_status status = check_options(start.options, err);
	if (status == HF_OK)
		status = server_user_find(&start.user, err);
	if (status == HF_OK)
		status = programs_find(ctx, &start.programs, err);
	if (status == HF_OK)
		status = cache_open(&start.user, &start.cache, err);
	if (status == HF_OK && start.options->folder) {
		status = kept_folder(&start.user, start.options->folder, folder, err);
		start.home = folder;
		start.keep_log = true;
	}
	return status != HF_OK ? status : start_server(&start, ret_server, err);
}

/* ---- the handle ---- */

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
static void reap_supervisor(hf_server *server)
{
	hf_deadline until = hf_deadline_in(server->ctx, REAP_MS);
	while (server->supervisor > 0 && waitpid(server->supervisor, NULL, WNOHANG) == 0 &&
	       hf_now_monotonic_us(server->ctx) < until)
		poll(NULL, 0, 2);
	server->supervisor = 0;
}

enum hf_status hf_server_stop(hf_server *server, hf_deadline deadline, hf_error *err)
{
	if (!is_owner(server))
		return error_set(err, HF_E_USAGE, "forked: a private server is stopped by the process that started it");
	if (server->supervisor == 0)
		return HF_OK;
	if (deadline == HF_DEADLINE_DEFAULT)
		deadline = hf_deadline_in(server->ctx, STOP_MS);
	struct supervisor_message message = {0};
	enum hf_status status = order(server, SUPERVISOR_STOP);
	while (status == HF_OK)
		status = hear(server, deadline, &message, err);
	if (status != HF_STOP)
		return status;
	reap_supervisor(server);
	fd_closep(&server->parent_fd); /* the folder is gone: nobody may remove a new one of that name */
	server->parent_fd = -1;
	return HF_OK;
}

void hf_server_free(hf_server *server)
{
	if (!server)
		return;
	struct fs_guard guard = {0};
	if (is_owner(server) && server->supervisor > 0)
		hf_server_stop(server, HF_DEADLINE_DEFAULT, NULL);
	else if (is_owner(server) && server->parent_fd >= 0 && fs_as(&server->user, &guard, NULL) == HF_OK)
		tree_remove(server->parent_fd, server->run + sizeof(RUN_PARENT));
	fs_back(&guard);
	const int fds[] = {server->control,   server->run_fd,   server->home_fd, server->log_fd,
	                   server->parent_fd, server->locks[0], server->locks[1]};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_closep(&fds[i]);
	free(server);
}
