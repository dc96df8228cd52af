/*
 * server.h - a private PostgreSQL server: one call away, socket only, gone when you are.
 *
 *     hf_server *server = NULL;
 *     if (hf_server_start(ctx, NULL, HF_DEADLINE_DEFAULT, &server, &err) == HF_OK)
 *             printf("%s\n", hf_server_url(server));
 *     hf_server_free(server);
 *
 * An attached server (the default) dies with the process that started it, however that ends: a supervisor process of
 * ours holds the other end of a socket and stops the server when it closes. Its data goes with it, unless `folder`
 * names a place to keep it. A detached server (`name`) runs on, keeps its data in its folder in /tmp and is found again
 * by its name; it stops on hf_server_stop() by whoever finds it, or after a while without clients.
 *
 * Who runs it: the calling user. As root the server runs as user postgres, else nobody, else the one that
 * HOLDFAST_PG_USER names. The socket lies in a folder /tmp/hf-XXXXXX of mode 0700, whatever the path of the data, so
 * that no other user (root and the server's own apart) can reach it; everyone who can logs in as `holdfast`, superuser.
 * There is no TCP. Locale C.UTF-8, time zone UTC, no JIT. Servers are stopped by SIGINT, then SIGQUIT, never SIGKILL.
 *
 * Programs: HOLDFAST_PG_BIN, else `pg_config --bindir`, else the newest /usr/lib/postgresql/N/bin; 13 and newer.
 * A fresh cluster is copied from a cache (one per user, server build and template key) in a folder of mode 0700:
 * HOLDFAST_CACHE_DIR, else /var/cache/holdfast (root), $XDG_CACHE_HOME/holdfast or ~/.cache/holdfast, else /tmp.
 *
 * Threads: a handle belongs to one thread at a time; any number of servers may start at once, in threads or processes.
 * The host program sees one child process per server that it started (reaped by hf_server_stop() or hf_server_free()).
 * fork: a child may only call hf_server_free(), which leaves the server alone.
 */
#ifndef HOLDFAST_SERVER_H
#define HOLDFAST_SERVER_H

#include "holdfast/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_server hf_server;

struct hf_server_options {
	size_t size;                 /* sizeof(struct hf_server_options) */
	const char *folder;          /* not NULL: attached, data kept in this folder and found there again */
	const char *name;            /* not NULL: detached, found again by this name and the user; a build folder (with
	                                "#" and a word behind it for a second one), so that two never share one */
	int64_t idle_limit_ms;       /* detached: stop after this long without a client; 0 = 15 minutes, -1 = never */
	bool durable;                /* fsync, synchronous_commit and full_page_writes on. Without it kept data survive
	                                a crash of the server, but not one of the machine */
	uint32_t max_connections;    /* 0 = 100 */
	const char *const *settings; /* further "name=value" for postgresql, ends with NULL; or NULL. At most 64 */
	/* A snapshot to start from. When none is cached for the key, a plain server is started, `fill` prepares it
	   (migrations), and what it left is saved for the next start. Builders of one key wait for each other. */
	const char *template_key;   /* 1 to 64 letters, digits, - or _: a hash of what `fill` does. NULL = plain */
	enum hf_status (*fill)(void *user, const char *url, hf_error *err);
	void *fill_user;
};

/**
 * Start a server; for a `name` that runs already, find it (its options stay as they were).
 * @param options NULL for a throw-away attached server.
 * @param deadline HF_DEADLINE_DEFAULT = a minute.
 * @return HF_OK; HF_TIMEOUT; HF_CONFLICT: `folder` is in use by another server; HF_E_NO_PACKAGE: no server programs;
 *         HF_E_CONFIG; HF_E_DENIED: a folder that belongs to someone else; HF_E_UNAVAILABLE: it did not start, the
 *         end of its log in `detail`; what `fill` answered. On failure nothing is left behind.
 */
enum hf_status hf_server_start(hf_context *ctx, const struct hf_server_options *options, hf_deadline deadline,
                               hf_server **ret_server, hf_error *err);
/** "postgresql:///postgres?host=/tmp/hf-XXXXXX&port=5432&user=holdfast"; lives as long as the handle. */
const char *hf_server_url(const hf_server *server);
/** The URL of another database of the server; HF_E_LIMIT when it does not fit. */
enum hf_status hf_server_url_of(const hf_server *server, const char *database, char *ret_url, size_t size,
                                hf_error *err);
/** The folder of the socket (PGHOST). */
const char *hf_server_host(const hf_server *server);
/** The folder of the data. */
const char *hf_server_data(const hf_server *server);
/** Process id of the postmaster, and the user that it runs as. */
int hf_server_pid(const hf_server *server);
const char *hf_server_user(const hf_server *server);
/**
 * CREATE DATABASE; `template_name` NULL = template1. Two round trips (login, statement).
 * @return HF_OK; HF_CONFLICT: exists; HF_NOT_FOUND: no such template; HF_E_UNAVAILABLE; HF_E_DB.
 */
enum hf_status hf_server_create_database(hf_server *server, const char *name, const char *template_name, hf_error *err);
/**
 * Stop it: SIGINT, after ten seconds SIGQUIT. Returns when it is gone, and with it all that was not to be kept.
 * Stopping a stopped server is HF_OK. @return HF_OK; HF_TIMEOUT: still stopping; HF_E_FAILED.
 */
enum hf_status hf_server_stop(hf_server *server, hf_deadline deadline, hf_error *err);
/** Stop it if it is attached (waits at most 30 s) and free the handle. NULL is allowed. */
void hf_server_free(hf_server *server);

/* ---- detached servers ---- */

/** The server of a name, running or not. @return HF_OK; HF_NOT_FOUND; HF_TIMEOUT: it neither comes up nor ends. */
enum hf_status hf_server_find(hf_context *ctx, const char *name, hf_server **ret_server, hf_error *err);

struct hf_server_state {
	bool running;
	int pid;     /* 0 when it does not run */
	int clients; /* connected now; -1 when it does not run or nobody can tell */
};
/** Has a look; of a detached server. */
enum hf_status hf_server_look(hf_server *server, struct hf_server_state *ret_state, hf_error *err);
/** Stop it and remove its data too. */
enum hf_status hf_server_remove(hf_server *server, hf_deadline deadline, hf_error *err);

struct hf_server_sweep {
	int removed;   /* folders of servers that are gone */
	int live;      /* left alone: they run */
	int kept;      /* left alone: detached servers that do not run just now */
	int failed;    /* could not be ended or removed, or somebody else's server runs in there */
	int snapshots; /* cached clusters removed: unused for 14 days, or half built */
};
/** Remove what killed servers of this user left. Detached ones go when the folder that they are named after is gone. */
enum hf_status hf_server_gc(hf_context *ctx, struct hf_server_sweep *ret_sweep, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
