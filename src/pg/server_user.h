/*
 * server_user.h - whose processes and files a private server is made of.
 *
 * A server never runs as root. When we are root, everything that touches its folders does so with the file rights of
 * the server's user (FS_AS), so that nothing in a folder of a lesser user can lead root astray.
 */
#ifndef PG_SERVER_USER_H
#define PG_SERVER_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/macros.h"
#include "holdfast/error.h"

enum { SERVER_USER_NAME_SIZE = 64 };

struct server_user {
	uid_t uid;
	gid_t gid;
	bool drop; /* we are root and it is not us */
	char name[SERVER_USER_NAME_SIZE];
	char home[256]; /* "" when unknown */
};

/** HF_E_CONFIG when no user fits: names HOLDFAST_PG_USER. */
enum hf_status server_user_find(struct server_user *ret_user, hf_error *err);
/** In a process of one thread: become the user for good. Async-signal-safe. 0, or -1 with errno. */
int server_user_become(const struct server_user *user);

/** A folder of mode 0700 that belongs to the user from the moment it can be seen. Call without fs_as(). 0, or -1 with
 *  errno, EEXIST among others. */
int user_make_folder(const struct server_user *user, const char *path);

/* File rights of the calling thread; put back at the end of the scope. */
struct fs_guard {
	bool active;
	int death_signal;
	int dumpable;
};
/** `ret_guard` is valid (and inactive) on failure too. HF_E_DENIED when the rights to change user are missing. */
enum hf_status fs_as(const struct server_user *user, struct fs_guard *ret_guard, hf_error *err);
void fs_back(struct fs_guard *guard);

#endif
