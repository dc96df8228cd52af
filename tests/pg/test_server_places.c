/*
 * test_server_places.c - where private servers find and put things: caches that cannot be trusted or are broken,
 * missing programs, users, full and read-only disks.
 */
#include "holdfast/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "../check.h"
#include "../fixture.h"
#include "server_rig.h"

/* In children: answers the line that failed. */
#define DEMAND(condition)                                                                                         \
	do {                                                                                                      \
		if (!(condition)) {                                                                               \
			fprintf(stderr, "line %d: %s: %s (%s)\n", __LINE__, #condition, err.message, err.detail); \
			return 1;                                                                                 \
		}                                                                                                 \
	} while (0)

static enum hf_status try(hf_server **ret_server, hf_error *err)
{
	*ret_server = NULL;
	return hf_server_start(fixture_context(), NULL, HF_DEADLINE_DEFAULT, ret_server, err);
}

/* ---- the cache ---- */

/* Path of the only entry of a cache. */
static const char *entry_of(const char *cache)
{
	static char path[500];
	DIR *dir = opendir(cache);
	struct dirent *entry;
	path[0] = '\0';
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] == 'v' && !strstr(entry->d_name, ".lock"))
			snprintf(path, sizeof(path), "%s/%s", cache, entry->d_name);
	if (dir)
		closedir(dir);
	return path;
}

static bool overwrite(const char *folder, const char *name, const char *text, int flags)
{
	char path[600];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | flags, 0600);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return ok;
}

static int break_the_cache(UNUSED void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server;
	char old[700];
	if (!rig_private_tmp(""))
		return 77;
	setenv("HOLDFAST_CACHE_DIR", "/tmp/cache", 1);
	DEMAND(try(&server, &err) == HF_OK);
	hf_server_free(server);
	const char *entry = entry_of("/tmp/cache");
	struct stat before, after;
	DEMAND(stat(entry, &before) == 0);

	/* Each kind of damage: used again after a new build. */
	static const struct {
		const char *name, *text;
		int flags;
	} damage[] = {{"data/postgresql.conf", "", O_TRUNC},
	              {"data/stray", "x", O_CREAT},
	              {"whole", "banana\n", O_TRUNC},
	              {"whole", "", O_TRUNC},
	              {"data/global/pg_control", "garbage of the same size", 0}};
	for (size_t i = 0; i < ARRAY_LEN(damage); i++) {
		DEMAND(overwrite(entry, damage[i].name, damage[i].text, damage[i].flags));
		DEMAND(try(&server, &err) == HF_OK);
		assert_string_equal(rig_ask(hf_server_url(server), "SELECT 'up'::text"), "up");
		hf_server_free(server);
		DEMAND(stat(entry, &after) == 0 && after.st_ino != before.st_ino);
		before = after;
	}
	/* A link in it is not followed. */
	snprintf(old, sizeof(old), "%s/data/global/pg_control", entry);
	DEMAND(unlink(old) == 0 && symlink("/etc/passwd", old) == 0);
	DEMAND(try(&server, &err) == HF_OK);
	hf_server_free(server);
	/* What a killed builder left does no harm, and is swept; so is what nobody used for long. */
	snprintf(old, sizeof(old), "%s.new", entry);
	DEMAND(mkdir(old, 0755) == 0);
	struct hf_server_sweep sweep;
	DEMAND(hf_server_gc(fixture_context(), &sweep, &err) == HF_OK && sweep.snapshots == 1);
	snprintf(old, sizeof(old), "%s.lock", entry);
	struct timeval long_ago[2] = {{1000000, 0}, {1000000, 0}};
	DEMAND(utimes(old, long_ago) == 0);
	DEMAND(hf_server_gc(fixture_context(), &sweep, &err) == HF_OK && sweep.snapshots == 1);
	DEMAND(stat(entry, &after) != 0);
	return 0;
}

static void a_broken_cache_is_built_again(UNUSED void **state)
{
	assert_int_equal(rig_child(break_the_cache, NULL), 0);
}

static void a_cache_that_others_may_write_is_refused(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server;
	char path[64], link[80];
	snprintf(path, sizeof(path), "/tmp/hf-test-shared-%d", (int)getpid());
	assert_int_equal(mkdir(path, 0755), 0);
	setenv("HOLDFAST_CACHE_DIR", path, 1);
	EXPECT_STATUS(try(&server, &err), HF_E_DENIED);
	EXPECT_CONTAINS(err.message, path);
	EXPECT_CONTAINS(err.message, "mode 0755");
	EXPECT_CONTAINS(err.hint, "HOLDFAST_CACHE_DIR");
	snprintf(link, sizeof(link), "%s-link", path);
	assert_int_equal(symlink(path, link), 0);
	setenv("HOLDFAST_CACHE_DIR", link, 1);
	EXPECT_STATUS(try(&server, &err), HF_E_DENIED);
	EXPECT_CONTAINS(err.message, "is not a folder");
	setenv("HOLDFAST_CACHE_DIR", "cache", 1);
	EXPECT_STATUS(try(&server, &err), HF_E_CONFIG);
	setenv("HOLDFAST_CACHE_DIR", "/nowhere/at/all", 1);
	EXPECT_STATUS(try(&server, &err), HF_E_CONFIG);
	EXPECT_CONTAINS(err.message, "HOLDFAST_CACHE_DIR: could not open cache folder /nowhere/at/all");
	unsetenv("HOLDFAST_CACHE_DIR");
	unlink(link);
	rmdir(path);
}

/* Somebody else, with a way back, so that the child's exit can write what its parent's can. */
static bool become(uid_t uid)
{
	return setgroups(0, NULL) == 0 && setresgid(uid, uid, 0) == 0 && setresuid(uid, uid, 0) == 0;
}

static int use_home(UNUSED void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server;
	struct stat st;
	char path[64];
	if (!rig_private_tmp(""))
		return 77;
	bool root = geteuid() == 0;
	if (root && !become(65534))
		return 76;
	/* An ordinary user: the server runs as that user; the cache is where XDG says, else at home, else in /tmp. */
	setenv("XDG_CACHE_HOME", "/tmp/xdg", 1);
	DEMAND(try(&server, &err) == HF_OK);
	DEMAND(stat(hf_server_host(server), &st) == 0 && st.st_uid == geteuid());
	hf_server_free(server);
	DEMAND(stat("/tmp/xdg/holdfast", &st) == 0 && (st.st_mode & 07777) == 0700);
	unsetenv("XDG_CACHE_HOME");
	setenv("HOME", "/tmp/home", 1);
	DEMAND(mkdir("/tmp/home", 0755) == 0 && try(&server, &err) == HF_OK);
	hf_server_free(server);
	DEMAND(entry_of("/tmp/home/.cache/holdfast")[0]);
	setenv("HOME", "/nonexistent", 1);
	DEMAND(try(&server, &err) == HF_OK);
	hf_server_free(server);
	snprintf(path, sizeof(path), "/tmp/hf-cache-%d", (int)geteuid());
	DEMAND(entry_of(path)[0]);
	unsetenv("HOME");
	DEMAND(try(&server, &err) == HF_OK);
	hf_server_free(server);
	/* and a path of temporary files that is longer than any socket's */
	char endless[300];
	memset(endless, 'x', sizeof(endless));
	memcpy(endless, "/tmp/", 5);
	endless[sizeof(endless) - 1] = '\0';
	setenv("TMPDIR", endless, 1);
	DEMAND(try(&server, &err) == HF_OK && strlen(hf_server_host(server)) == 14);
	hf_server_free(server);
	/* a second one at once, and a home that is a file */
	DEMAND(overwrite("/tmp", "file", "", O_CREAT));
	setenv("HOME", "/tmp/file", 1);
	DEMAND(try(&server, &err) == HF_OK);
	hf_server_free(server);
	if (root && setresuid(0, 0, 0) != 0)
		return 75;
	return rig_folders() == 0 ? 0 : 2;
}

static void an_ordinary_user_has_servers_too(UNUSED void **state)
{
	assert_int_equal(rig_child(use_home, NULL), 0);
}

/* ---- programs and users ---- */

static int hide_programs(UNUSED void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server;
	if (!rig_private_tmp(""))
		return 77;
	setenv("HOLDFAST_PG_BIN", "/tmp", 1);
	DEMAND(try(&server, &err) == HF_E_CONFIG && strstr(err.message, "\"/tmp\""));
	unsetenv("HOLDFAST_PG_BIN");
	/* pg_config is not on PATH, or it lies: the packages are looked at. */
	setenv("PATH", "/nonexistent", 1);
	DEMAND(try(&server, &err) == HF_OK);
	hf_server_free(server);
	DEMAND(overwrite("/tmp", "pg_config", "#!/bin/sh\necho /nonexistent\n", O_CREAT));
	DEMAND(chmod("/tmp/pg_config", 0755) == 0);
	setenv("PATH", "relative::/tmp", 1);
	DEMAND(try(&server, &err) == HF_OK);
	hf_server_free(server);
	DEMAND(overwrite("/tmp", "pg_config", "#!/bin/sh\nexit 1\n#", O_TRUNC));
	DEMAND(try(&server, &err) == HF_OK);
	hf_server_free(server);
	DEMAND(mount("tmpfs", "/usr/lib/postgresql", "tmpfs", 0, "mode=755") == 0);
	DEMAND(try(&server, &err) == HF_E_NO_PACKAGE && hf_status_exit_code(err.status) == 69);
	DEMAND(strcmp(err.message, "postgresql server package missing: apt install postgresql-15") == 0);
	return rig_folders() == 0 ? 0 : 2;
}

static void missing_programs_are_named(UNUSED void **state)
{
	assert_int_equal(rig_child(hide_programs, NULL), 0);
}

/* initdb and postgres that are shell scripts. */
static int fake_programs(UNUSED void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server;
	static const char *const scripts[][3] = {{"echo no space left; exit 3", "initdb ended with 3", "no space left"},
	                                         {"exit 0", "initdb left no cluster", ""},
	                                         {"while [ \"$1\" != -D ]; do shift; done; echo 9 >\"$2/PG_VERSION\"",
	                                          "PostgreSQL 9 is too old", ""},
	                                         {"sleep 60 & wait", "did not end in time", ""}};
	if (!rig_private_tmp(""))
		return 77;
	setenv("HOLDFAST_CACHE_DIR", "/tmp/cache", 1);
	setenv("HOLDFAST_PG_BIN", "/tmp/bin", 1);
	DEMAND(mkdir("/tmp/bin", 0755) == 0 && overwrite("/tmp/bin", "postgres", "#!/bin/sh\n", O_CREAT));
	DEMAND(chmod("/tmp/bin/postgres", 0755) == 0);
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		char text[200];
		snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", scripts[i][0]);
		DEMAND(overwrite("/tmp/bin", "initdb", text, O_CREAT | O_TRUNC));
		DEMAND(chmod("/tmp/bin/initdb", 0755) == 0);
		hf_context *ctx = fixture_context();
		DEMAND(hf_server_start(ctx, NULL, hf_deadline_in(ctx, 2000), &server, &err) != HF_OK);
		DEMAND(strstr(err.message, scripts[i][1]) && strstr(err.detail, scripts[i][2]));
		DEMAND(rig_folders() == 0);
	}
	return 0;
}

static void what_initdb_says_reaches_the_user(UNUSED void **state)
{
	assert_int_equal(rig_child(fake_programs, NULL), 0);
}

/* initdb of a builder that was killed still writes: the next builder must wait for it. */
static int outlive_builder(UNUSED void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server;
	char line[32], order[64] = "";
	static const char script[] =
		"#!/bin/sh\ntrap '' TERM\necho start >>/tmp/order\nsleep 1\necho end >>/tmp/order\n"
		"exec /usr/lib/postgresql/15/bin/initdb \"$@\"\n";
	if (!rig_private_tmp(""))
		return 77;
	setenv("HOLDFAST_CACHE_DIR", "/tmp/cache", 1);
	setenv("HOLDFAST_PG_BIN", "/tmp/bin", 1);
	DEMAND(mkdir("/tmp/bin", 0755) == 0 && overwrite("/tmp/bin", "initdb", script, O_CREAT));
	DEMAND(chmod("/tmp/bin/initdb", 0755) == 0 && overwrite("/tmp", "order", "", O_CREAT) == 1);
	DEMAND(symlink("/usr/lib/postgresql/15/bin/postgres", "/tmp/bin/postgres") == 0 &&
	       chmod("/tmp/order", 0666) == 0);
	pid_t owner = fork();
	if (owner == 0) {
		try(&server, &err);
		_exit(0);
	}
	rig_sleep_ms(400);
	kill(owner, SIGKILL);
	waitpid(owner, NULL, 0);
	DEMAND(try(&server, &err) == HF_OK);
	hf_server_free(server);
	FILE *file = fopen("/tmp/order", "r");
	while (file && fgets(line, sizeof(line), file)) {
		size_t n = strlen(order);
		snprintf(order + n, sizeof(order) - n, "%.*s ", (int)strcspn(line, "\n"), line);
	}
	DEMAND(strcmp(order, "start end start end ") == 0);
	return 0;
}

static void a_killed_builder_is_awaited(UNUSED void **state)
{
	assert_int_equal(rig_child(outlive_builder, NULL), 0);
}

static int choose_users(UNUSED void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server;
	if (!rig_private_tmp(""))
		return 77;
	if (geteuid() != 0) {
		setenv("HOLDFAST_PG_USER", "no-such-user", 1); /* for root only */
		DEMAND(try(&server, &err) == HF_OK);
		hf_server_free(server);
		return 0;
	}
	setenv("HOLDFAST_PG_USER", "no-such-user", 1);
	DEMAND(try(&server, &err) == HF_E_CONFIG && strstr(err.message, "\"no-such-user\""));
	setenv("HOLDFAST_PG_USER", "root", 1);
	DEMAND(try(&server, &err) == HF_E_CONFIG && strstr(err.message, "cannot run as root"));
	setenv("HOLDFAST_PG_USER", "nobody", 1);
	DEMAND(try(&server, &err) == HF_OK && strcmp(hf_server_user(server), "nobody") == 0);
	hf_server_free(server);
	unsetenv("HOLDFAST_PG_USER");
	/* without a place that root may write to: /tmp */
	DEMAND(mount("tmpfs", "/var/cache", "tmpfs", MS_RDONLY, "mode=755") == 0);
	DEMAND(try(&server, &err) == HF_OK);
	hf_server_free(server);
	/* a user without an account */
	DEMAND(become(54321));
	DEMAND(try(&server, &err) == HF_E_CONFIG && strstr(err.message, "54321 has no entry"));
	DEMAND(setresuid(0, 0, 0) == 0 && setresgid(0, 0, 0) == 0);
	/* a root that may not change users */
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];
	DEMAND(syscall(SYS_capget, &header, caps) == 0);
	caps[0].effective &= ~((1u << CAP_SETUID) | (1u << CAP_SETGID));
	DEMAND(syscall(SYS_capset, &header, caps) == 0);
	DEMAND(try(&server, &err) == HF_E_DENIED && strstr(err.message, "this root may not change users"));
	/* no account that would do */
	caps[0].effective = caps[0].permitted;
	DEMAND(syscall(SYS_capset, &header, caps) == 0);
	DEMAND(overwrite("/tmp", "passwd", "root:x:0:0::/root:/bin/sh\n", O_CREAT));
	DEMAND(overwrite("/tmp", "nsswitch.conf", "passwd: files\n", O_CREAT));
	DEMAND(mount("/tmp/nsswitch.conf", "/etc/nsswitch.conf", NULL, MS_BIND, NULL) == 0);
	DEMAND(mount("/tmp/passwd", "/etc/passwd", NULL, MS_BIND, NULL) == 0);
	DEMAND(try(&server, &err) == HF_E_CONFIG && strstr(err.message, "there is no user postgres or nobody"));
	return 0;
}

static void root_and_strangers_are_given_a_user(UNUSED void **state)
{
	assert_int_equal(rig_child(choose_users, NULL), 0);
}

/* ---- disks ---- */

static int fill_disk(void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server;
	if (!rig_private_tmp(arg))
		return 77;
	setenv("HOLDFAST_CACHE_DIR", "/tmp/cache", 1);
	DEMAND(try(&server, &err) != HF_OK);
	DEMAND(strstr(err.message, "No space left") || strstr(err.detail, "No space left"));
	return rig_folders() == 0 ? 0 : 2;
}

/* Full only after the data are there. */
static int fill_disk_before_start(UNUSED void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server = NULL;
	struct hf_server_options options = {.size = sizeof(options), .folder = "/tmp/kept"};
	if (!rig_private_tmp("size=80m"))
		return 77;
	setenv("HOLDFAST_CACHE_DIR", "/tmp/cache", 1);
	DEMAND(hf_server_start(fixture_context(), &options, 0, &server, &err) == HF_OK);
	hf_server_free(server);
	static const char block[65536] = "x";
	int fd = open("/tmp/filler", O_WRONLY | O_CREAT, 0600);
	while (write(fd, block, sizeof(block)) > 0 || write(fd, block, 1) > 0)
		;
	close(fd);
	DEMAND(hf_server_start(fixture_context(), &options, 0, &server, &err) != HF_OK);
	DEMAND(strcmp(err.message, "the private server in /tmp/kept did not start: could not write lock file "
	                           "\"postmaster.pid\": No space left on device") == 0);
	DEMAND(rig_folders() == 0);
	/* and it works again when there is room */
	DEMAND(unlink("/tmp/filler") == 0 && hf_server_start(fixture_context(), &options, 0, &server, &err) == HF_OK);
	hf_server_free(server);
	return rig_folders() == 0 ? 0 : 2;
}

static void a_full_disk_is_said_and_left_clean(UNUSED void **state)
{
	static char in_initdb[] = "size=9m", in_copy[] = "size=40m";
	assert_int_equal(rig_child(fill_disk, in_initdb), 0);
	assert_int_equal(rig_child(fill_disk, in_copy), 0);
	assert_int_equal(rig_child(fill_disk_before_start, NULL), 0);
}

static int read_only(UNUSED void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server;
	if (!rig_private_tmp("ro"))
		return 77;
	DEMAND(try(&server, &err) == HF_E_FAILED);
	DEMAND(strstr(err.message, "could not make a folder in /tmp for the socket of a private server: "
	                           "Read-only file system") ||
	       strstr(err.message, "/tmp/hf-cache-"));
	setenv("HOLDFAST_CACHE_DIR", "/dev/shm/hf-test-cache", 1);
	DEMAND(try(&server, &err) == HF_E_FAILED && strstr(err.message, "Read-only"));
	rig_remove("/dev/shm/hf-test-cache");
	return 0;
}

static void a_read_only_disk_is_said(UNUSED void **state)
{
	assert_int_equal(rig_child(read_only, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_broken_cache_is_built_again),
		cmocka_unit_test(a_cache_that_others_may_write_is_refused),
		cmocka_unit_test(an_ordinary_user_has_servers_too),
		cmocka_unit_test(missing_programs_are_named),
		cmocka_unit_test(what_initdb_says_reaches_the_user),
		cmocka_unit_test(a_killed_builder_is_awaited),
		cmocka_unit_test(root_and_strangers_are_given_a_user),
		cmocka_unit_test(a_full_disk_is_said_and_left_clean),
		cmocka_unit_test(a_read_only_disk_is_said),
	};
	return cmocka_run_group_tests_name("server_places", tests, NULL, NULL);
}
