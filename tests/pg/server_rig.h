/*
 * server_rig.h - what the tests of private servers share: owners that can be killed, a /tmp of one's own, eyes.
 */
#ifndef TESTS_PG_SERVER_RIG_H
#define TESTS_PG_SERVER_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "holdfast/server.h"

/* What an owner process tells of its server. */
struct told {
	pid_t owner;
	pid_t postmaster;
	char run[32];
	char url[160];
};

/** A process that starts a server, tells about it and then waits to be killed. Fails the test when it cannot. */
struct told rig_owner(const struct hf_server_options *options);
/** Fork; run `body` in the child; the child's exit code is its answer. Returns that. */
int rig_child(int (*body)(void *arg), void *arg);
/** A process that nobody has collected yet is gone, too. */
bool rig_lives(pid_t pid);
/** Wait at most `ms` until the process and the folder are gone. */
bool rig_gone(pid_t pid, const char *folder, int ms);
/** Folders /tmp/hf-XXXXXX. */
int rig_folders(void);
/** This process gets a /tmp of its own, `options` as of tmpfs ("size=20m"); as root, or in a user namespace. False when
 *  the kernel does not let us. */
bool rig_private_tmp(const char *options);
/** Run one statement without rows. */
enum hf_status rig_sql(const char *url, const char *sql, hf_error *err);
/** The one text value of a query; valid until the next call. Fails the test on any error. */
const char *rig_ask(const char *url, const char *sql);
/** A new folder below /tmp for HOLDFAST_CACHE_DIR that the server's user may be given. Valid until the next call. */
const char *rig_cache(void);
/** rm -rf. */
void rig_remove(const char *path);
void rig_sleep_ms(int ms);

#endif
