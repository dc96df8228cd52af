/*
 * server_handle.h - inside of hf_server, and its folder in /tmp.
 *
 * /tmp/hf-XXXXXX, mode 0700, the server's user's:
 *     lock   flock()ed by the supervisor as long as it lives; "SUPERVISOR START POSTMASTER START\n" once it runs
 *     .s.PGSQL.5432, log, data/   (log and data elsewhere when the caller named a folder)
 *     name   of a detached server: the folder stays when the server stops
 *
 * A handle of an attached server owns the other end of the supervisor's control socket. One of a detached server owns
 * nothing but its memory and works by the lock file; whoever may open the folder may stop it.
 */
#ifndef PG_SERVER_HANDLE_H
#define PG_SERVER_HANDLE_H

#include <limits.h>
#include <sys/stat.h>

#include "holdfast/server.h"
#include "pg/server_probe.h"
#include "pg/server_supervisor.h"

enum { SERVER_RUN_SIZE = 24, SERVER_URL_SIZE = 128, SERVER_NAME_MAX = 4000, SERVER_STOP_MS = 30000 };
#define RUN_PARENT "/tmp"

struct hf_server {
	hf_context *ctx;
	pid_t owner; /* attached: only this process may stop it */
	bool detached;
	struct server_user user;
	char run[SERVER_RUN_SIZE]; /* "" before there is one */
	char socket_path[SERVER_RUN_SIZE + 16];
	char home[PATH_MAX - 16];
	char data[PATH_MAX];
	char url[SERVER_URL_SIZE];
	pid_t supervisor; /* a child of this process, 0 = none (any more) */
	pid_t postmaster;
	int control;
	int run_fd;
	int home_fd;
	int log_fd;
	int locks[3];      /* of the folder in /tmp, of `home`, of the cache entry that is being built in it; else -1 */
	int parent_fd;     /* of the folder, as long as it is ours to remove; else -1 */
	bool freshly_made; /* the data came out of the cache just now */
};

DEFINE_OWNED(server, hf_server *, hf_server_free)

/** Nothing opened, nothing started. NULL when memory is short. */
hf_server *server_new(hf_context *ctx, const struct server_user *user);
/** Set the paths and the URL that follow from a folder in /tmp. */
void server_set_run(hf_server *server, const char *path);
/** Close what is open, -1 afterwards. */
void server_close_fd(int *fd);

/** Send one byte to the supervisor of an attached or starting server. HF_STOP: it has ended. */
enum hf_status server_order(hf_server *server, char what);
/** The supervisor's next message. HF_STOP: it has ended. */
enum hf_status server_hear(hf_server *server, hf_deadline deadline, bool interruptible,
                           struct supervisor_message *ret_message, hf_error *err);
/** Collect a supervisor that has ended. */
void server_reap(hf_server *server);

/* ---- folders; all with the file rights of the server's user ---- */

enum hf_status folder_open_file(int at_fd, const char *name, int flags, const char *where, int *ret_fd, hf_error *err);
/** HF_CONFLICT: a live supervisor holds it. */
enum hf_status folder_lock(int at_fd, const char *path, int *ret_fd, hf_error *err);
/** A new folder in /tmp, locked. */
enum hf_status folder_make_run(hf_server *server, hf_error *err);
/** Is this an entry of /tmp that may be one of ours: hf- and six letters or digits. */
bool folder_is_run(const char *name);
/** Open such an entry if it is a folder of the user's with mode 0700; -1 otherwise. */
int folder_open_run(int parent_fd, const char *name, const struct server_user *user);
/** The name of a detached server; false when there is none. `size` over SERVER_NAME_MAX. */
bool folder_read_name(int run_fd, char *ret_name, size_t size);
enum hf_status folder_write_name(int run_fd, const char *name, const char *where, hf_error *err);

/* ---- detached servers (server_named.c) ---- */

/**
 * Find the folder of a name. With the lock of the name held by the caller, nobody else starts or removes it.
 * @return HF_OK: it runs, `server` describes it; HF_STOP: it does not run, its folder is in `server` and locked;
 *         HF_NOT_FOUND; HF_TIMEOUT: it is neither yet.
 */
enum hf_status named_adopt(hf_server *server, const char *name, hf_deadline deadline, hf_error *err);
enum hf_status named_stop(hf_server *server, hf_deadline deadline, hf_error *err);

#endif
