/*
 * test_server_named.c - detached servers: found again, kept, stopped, swept.
 */
#include "holdfast/server.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "../check.h"
#include "../fixture.h"
#include "server_rig.h"

/* A build folder of this test alone. */
static const char *folder_name(void)
{
	static char name[64];
	static int count;
	snprintf(name, sizeof(name), "/tmp/hf-test-build-%d-%d", (int)getpid(), ++count);
	assert_int_equal(mkdir(name, 0700), 0);
	return name;
}

static hf_server *find(const char *name)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server = NULL;
	EXPECT_OK(hf_server_find(fixture_context(), name, &server, &err));
	return server;
}

static void it_outlives_its_starter_and_is_found_again(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_server_state seen;
	struct hf_server_options options = {.size = sizeof(options), .name = folder_name()};
	struct told told = rig_owner(&options);
	kill(told.owner, SIGKILL);
	waitpid(told.owner, NULL, 0);
	rig_sleep_ms(300);
	EXPECT_OK(rig_sql(told.url, "CREATE TABLE kept AS SELECT 7 AS n", &err));
	hf_server *server = find(options.name);
	assert_string_equal(hf_server_url(server), told.url);
	do {
		EXPECT_OK(hf_server_look(server, &seen, &err));
		rig_sleep_ms(5);
	} while (seen.clients > 0); /* the server closes its end a little later */
	assert_true(seen.running);
	assert_int_equal(seen.pid, told.postmaster);
	assert_int_equal(seen.clients, 0);

	EXPECT_OK(hf_server_stop(server, HF_DEADLINE_DEFAULT, &err));
	EXPECT_OK(hf_server_stop(server, HF_DEADLINE_DEFAULT, &err));
	assert_int_equal(kill(told.postmaster, 0), -1);
	EXPECT_OK(hf_server_look(server, &seen, &err));
	assert_false(seen.running);
	hf_server_free(server);

	server = NULL;
	EXPECT_OK(hf_server_start(fixture_context(), &options, HF_DEADLINE_DEFAULT, &server, &err));
	assert_string_equal(hf_server_host(server), told.run);
	assert_string_equal(rig_ask(hf_server_url(server), "SELECT n::text FROM kept"), "7");
	EXPECT_OK(hf_server_remove(server, HF_DEADLINE_DEFAULT, &err));
	hf_server_free(server);
	assert_true(rig_gone(told.postmaster, told.run, 0));
	EXPECT_STATUS(hf_server_find(fixture_context(), options.name, &server, &err), HF_NOT_FOUND);
	rmdir(options.name);
}

static void *start_one(void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_context *ctx = NULL;
	hf_server *server = NULL;
	char *ret_url = NULL;
	if (hf_context_new(NULL, &ctx, &err) == HF_OK &&
	    hf_server_start(ctx, arg, HF_DEADLINE_DEFAULT, &server, &err) == HF_OK)
		ret_url = strdup(hf_server_url(server));
	hf_server_free(server);
	hf_context_free(ctx);
	return ret_url;
}

static void starters_at_once_get_the_same_server(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_server_options options = {.size = sizeof(options), .name = folder_name()};
	pthread_t threads[4];
	void *urls[4];
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, start_one, &options), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], &urls[i]);
	for (size_t i = 0; i < 4; i++) {
		assert_non_null(urls[i]);
		assert_string_equal(urls[i], urls[0]);
		if (i > 0)
			free(urls[i]);
	}
	free(urls[0]);
	hf_server *server = find(options.name);
	EXPECT_OK(hf_server_remove(server, HF_DEADLINE_DEFAULT, &err));
	hf_server_free(server);
	rmdir(options.name);
}

static void two_names_are_two_servers(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *servers[2] = {NULL};
	for (size_t i = 0; i < 2; i++) {
		struct hf_server_options options = {.size = sizeof(options), .name = folder_name()};
		EXPECT_OK(hf_server_start(fixture_context(), &options, HF_DEADLINE_DEFAULT, &servers[i], &err));
		rmdir(options.name);
	}
	assert_string_not_equal(hf_server_url(servers[0]), hf_server_url(servers[1]));
	for (size_t i = 0; i < 2; i++) {
		EXPECT_OK(hf_server_remove(servers[i], HF_DEADLINE_DEFAULT, &err));
		hf_server_free(servers[i]);
	}
}

static void it_stops_when_nobody_has_called_for_a_while(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server = NULL;
	struct hf_server_state seen = {0};
	struct hf_server_options options = {.size = sizeof(options), .name = folder_name(), .idle_limit_ms = 1500};
	EXPECT_OK(hf_server_start(fixture_context(), &options, HF_DEADLINE_DEFAULT, &server, &err));
	/* A client that does nothing keeps it alive. */
	pid_t client = fork();
	if (client == 0) {
		rig_sql(hf_server_url(server), "SELECT pg_sleep(600)", &err);
		_exit(0);
	}
	rig_sleep_ms(2500);
	EXPECT_OK(hf_server_look(server, &seen, &err));
	assert_true(seen.running);
	assert_int_equal(seen.clients, 1);
	EXPECT_OK(rig_sql(hf_server_url(server),
	                  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'",
	                  &err));
	waitpid(client, NULL, 0);
	for (int i = 0; i < 600 && seen.running; i++) {
		rig_sleep_ms(20);
		EXPECT_OK(hf_server_look(server, &seen, &err));
	}
	assert_false(seen.running);
	struct stat st;
	assert_int_equal(stat(hf_server_host(server), &st), 0);
	EXPECT_OK(hf_server_remove(server, HF_DEADLINE_DEFAULT, &err));
	hf_server_free(server);
	rmdir(options.name);
}

static void a_name_or_a_folder_and_neither_empty(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server = NULL;
	struct hf_server_options options = {.size = sizeof(options), .name = "/x", .folder = "/tmp/y"};
	EXPECT_STATUS(hf_server_start(fixture_context(), &options, 0, &server, &err), HF_E_USAGE);
	options = (struct hf_server_options){.size = sizeof(options), .name = ""};
	EXPECT_STATUS(hf_server_start(fixture_context(), &options, 0, &server, &err), HF_E_USAGE);
	options.size = 3;
	EXPECT_STATUS(hf_server_start(fixture_context(), &options, 0, &server, &err), HF_E_USAGE);
}

/* In a /tmp of its own, because a sweep covers all servers of the user. Exit code: the line that failed. */
#define DEMAND(condition)                                                             \
	do {                                                                          \
		if (!(condition)) {                                                   \
			fprintf(stderr, "demand: %s: %s\n", #condition, err.message); \
			return 1;                                                     \
		}                                                                     \
	} while (0)

static bool swept(const struct hf_server_sweep *sweep, int live, int kept, int removed, int failed)
{
	if (sweep->live == live && sweep->kept == kept && sweep->removed == removed && sweep->failed == failed)
		return true;
	fprintf(stderr, "sweep: live %d kept %d removed %d failed %d\n", sweep->live, sweep->kept, sweep->removed,
	        sweep->failed);
	return false;
}

static int sweep_in_private(UNUSED void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_context *ctx = fixture_context();
	struct hf_server_sweep sweep;
	hf_server *kept = NULL;
	struct stat st;
	if (!rig_private_tmp(""))
		return 77;
	setenv("HOLDFAST_CACHE_DIR", "/tmp/cache", 1);
	/* a live one, a stopped detached one, one whose folder vanished, one whose supervisor and postmaster were
	 * killed */
	struct told live = rig_owner(NULL), killed = rig_owner(NULL);
	struct hf_server_options options = {.size = sizeof(options), .name = "/tmp"};
	DEMAND(hf_server_start(ctx, &options, 0, &kept, &err) == HF_OK);
	DEMAND(hf_server_stop(kept, 0, &err) == HF_OK);
	struct hf_server_options other = {.size = sizeof(other), .name = "/tmp/vanished#demo"};
	hf_server *vanished = NULL;
	DEMAND(hf_server_start(ctx, &other, 0, &vanished, &err) == HF_OK);
	DEMAND(hf_server_stop(vanished, 0, &err) == HF_OK);

	char lock[64], text[64] = {0};
	snprintf(lock, sizeof(lock), "%s/lock", killed.run);
	FILE *file = fopen(lock, "r");
	DEMAND(file && fgets(text, sizeof(text), file));
	fclose(file);
	/* The supervisor is stopped first, so that it does not see the owner's end. */
	pid_t supervisor = (pid_t)strtol(text, NULL, 10);
	DEMAND(supervisor > 1 && kill(supervisor, SIGSTOP) == 0);
	kill(killed.postmaster, SIGKILL);
	kill(killed.owner, SIGKILL);
	kill(supervisor, SIGKILL);
	rig_sleep_ms(500);
	DEMAND(stat(killed.run, &st) == 0);

	DEMAND(hf_server_gc(ctx, &sweep, &err) == HF_OK);
	DEMAND(swept(&sweep, 1, 1, 2, 0));
	DEMAND(stat(live.run, &st) == 0 && stat(killed.run, &st) != 0 && stat(hf_server_host(kept), &st) == 0);
	DEMAND(stat(hf_server_host(vanished), &st) != 0);
	kill(live.owner, SIGKILL);
	DEMAND(rig_gone(live.postmaster, live.run, 15000));
	DEMAND(hf_server_remove(kept, 0, &err) == HF_OK);
	hf_server_free(kept);
	hf_server_free(vanished);
	return 0;
}

/* A folder as of a server, given to the user whose server `like` is. */
static bool make_folder(const char *path, const char *like, const char *postmaster_pid)
{
	char name[64];
	struct stat st;
	if (stat(like, &st) != 0 || mkdir(path, 0700) != 0)
		return false;
	if (postmaster_pid) {
		snprintf(name, sizeof(name), "%s/data", path);
		if (mkdir(name, 0755) != 0 || chown(name, st.st_uid, st.st_gid) != 0)
			return false;
		snprintf(name, sizeof(name), "%s/data/postmaster.pid", path);
		FILE *file = fopen(name, "w");
		fprintf(file, "%s\n", postmaster_pid);
		fclose(file);
		chmod(name, 0644);
		snprintf(name, sizeof(name), "%s/lock", path);
		fclose(fopen(name, "w"));
		chmod(name, 0666);
	}
	return chown(path, st.st_uid, st.st_gid) == 0;
}

static int sweep_doubtful(UNUSED void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_context *ctx = fixture_context();
	struct hf_server_sweep sweep;
	struct stat st;
	char text[32];
	if (!rig_private_tmp(""))
		return 77;
	setenv("HOLDFAST_CACHE_DIR", "/tmp/cache", 1);
	struct told live = rig_owner(NULL), orphan = rig_owner(NULL);
	/* A postmaster that just lost its supervisor is awaited. */
	pid_t supervisor = 0;
	char lock[64];
	snprintf(lock, sizeof(lock), "%s/lock", orphan.run);
	FILE *file = fopen(lock, "r");
	DEMAND(file && fscanf(file, "%d", &supervisor) == 1);
	fclose(file);
	kill(supervisor, SIGSTOP);
	kill(orphan.owner, SIGKILL);
	waitpid(orphan.owner, NULL, 0);
	kill(supervisor, SIGKILL);
	while (rig_lives(supervisor))
		rig_sleep_ms(1);
	DEMAND(hf_server_gc(ctx, &sweep, &err) == HF_OK);
	DEMAND(swept(&sweep, 1, 0, 1, 0));
	DEMAND(!rig_lives(orphan.postmaster));
	/* Somebody's server in a folder without a word of ours: left alone. Of a process that is gone, or not ours:
	 * swept. */
	snprintf(text, sizeof(text), "%d", (int)live.postmaster);
	DEMAND(make_folder("/tmp/hf-Foreig", live.run, text) && make_folder("/tmp/hf-Gone00", live.run, "2147483000"));
	/* Without a lock: it may be in the making, but not for ever. */
	DEMAND(make_folder("/tmp/hf-Young0", live.run, NULL) && make_folder("/tmp/hf-Old000", live.run, NULL));
	struct timeval long_ago[2] = {{1000000, 0}, {1000000, 0}};
	DEMAND(utimes("/tmp/hf-Old000", long_ago) == 0);
	/* Not ours at all. */
	DEMAND(mkdir("/tmp/hf-Open00", 0755) == 0 && mkdir("/tmp/hf-toolong", 0700) == 0 &&
	       symlink("/", "/tmp/hf-Link00") == 0);
	DEMAND(hf_server_gc(ctx, &sweep, &err) == HF_OK);
	DEMAND(swept(&sweep, 1, 0, 2, 1));
	DEMAND(stat("/tmp/hf-Foreig", &st) == 0 && stat("/tmp/hf-Young0", &st) == 0 &&
	       stat("/tmp/hf-Open00", &st) == 0);
	DEMAND(stat("/tmp/hf-toolong", &st) == 0 && lstat("/tmp/hf-Link00", &st) == 0);
	DEMAND(stat("/tmp/hf-Gone00", &st) != 0 && stat("/tmp/hf-Old000", &st) != 0);
	kill(live.owner, SIGKILL);
	return rig_gone(live.postmaster, live.run, 15000) ? 0 : 2;
}

static void a_sweep_leaves_what_is_doubtful(UNUSED void **state)
{
	assert_int_equal(rig_child(sweep_doubtful, NULL), 0);
}

/* The folder is locked by something that never gets ready. */
static int wait_for_the_other(UNUSED void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_context *ctx = fixture_context();
	hf_server *server = NULL;
	struct hf_server_options options = {.size = sizeof(options), .name = "/tmp"};
	char lock[64];
	if (!rig_private_tmp(""))
		return 77;
	setenv("HOLDFAST_CACHE_DIR", "/tmp/cache", 1);
	DEMAND(hf_server_start(ctx, &options, 0, &server, &err) == HF_OK && hf_server_stop(server, 0, &err) == HF_OK);
	snprintf(lock, sizeof(lock), "%s/lock", hf_server_host(server));
	int fd = open(lock, O_RDWR);
	DEMAND(flock(fd, LOCK_EX) == 0);
	DEMAND(hf_server_start(ctx, &options, hf_deadline_in(ctx, 300), &(hf_server *){NULL}, &err) == HF_TIMEOUT);
	DEMAND(strstr(err.message, "neither runs nor ends"));
	DEMAND(hf_server_stop(server, hf_deadline_in(ctx, 200), &err) == HF_TIMEOUT);
	DEMAND(hf_server_remove(server, hf_deadline_in(ctx, 200), &err) == HF_TIMEOUT);
	/* Two that wait for the same name. */
	pid_t other = fork();
	if (other == 0)
		_exit(hf_server_start(ctx, &options, hf_deadline_in(ctx, 1500), &(hf_server *){NULL}, &err) !=
		      HF_TIMEOUT);
	rig_sleep_ms(200);
	DEMAND(hf_server_start(ctx, &options, hf_deadline_in(ctx, 300), &(hf_server *){NULL}, &err) == HF_TIMEOUT);
	int how = 0;
	DEMAND(waitpid(other, &how, 0) == other && how == 0);
	hf_context_interrupt(ctx);
	DEMAND(hf_server_start(ctx, &options, 0, &(hf_server *){NULL}, &err) == HF_E_INTERRUPTED);
	close(fd);
	DEMAND(hf_server_remove(server, 0, &err) == HF_OK && hf_server_remove(server, 0, &err) != HF_E_NOMEM);
	hf_server_free(server);
	return rig_folders() == 0 ? 0 : 2;
}

static void a_folder_that_is_busy_is_awaited_in_vain(UNUSED void **state)
{
	assert_int_equal(rig_child(wait_for_the_other, NULL), 0);
}

static void a_sweep_removes_the_dead_and_nothing_else(UNUSED void **state)
{
	assert_int_equal(rig_child(sweep_in_private, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_outlives_its_starter_and_is_found_again),
		cmocka_unit_test(starters_at_once_get_the_same_server),
		cmocka_unit_test(two_names_are_two_servers),
		cmocka_unit_test(it_stops_when_nobody_has_called_for_a_while),
		cmocka_unit_test(a_name_or_a_folder_and_neither_empty),
		cmocka_unit_test(a_sweep_removes_the_dead_and_nothing_else),
		cmocka_unit_test(a_sweep_leaves_what_is_doubtful),
		cmocka_unit_test(a_folder_that_is_busy_is_awaited_in_vain),
	};
	return cmocka_run_group_tests_name("server_named", tests, NULL, NULL);
}
