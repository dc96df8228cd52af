/*
 * test_server.c - private servers: they start, answer, stop, and nothing is left behind, however it ends.
 */
#include "holdfast/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "holdfast/sql.h"
#include "../check.h"
#include "../fixture.h"
#include "server_rig.h"

#define OPTIONS(...) (&(const struct hf_server_options){.size = sizeof(struct hf_server_options), __VA_ARGS__})

static hf_server *start(const struct hf_server_options *options)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server = NULL;
	EXPECT_OK(hf_server_start(fixture_context(), options, HF_DEADLINE_DEFAULT, &server, &err));
	return server;
}

/* ---- a life ---- */

static void a_server_starts_answers_and_leaves_nothing(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	char url[200], run[64];
	struct stat st;
	hf_server *server = start(NULL);
	snprintf(run, sizeof(run), "%s", hf_server_host(server));
	assert_int_equal(stat(run, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_not_equal(st.st_uid, 0);
	assert_string_equal(getpwuid(st.st_uid)->pw_name, hf_server_user(server));
	assert_memory_equal(hf_server_data(server), run, strlen(run));
	EXPECT_OK(hf_server_create_database(server, "a \"b\"", NULL, &err));
	EXPECT_STATUS(hf_server_create_database(server, "a \"b\"", NULL, &err), HF_CONFLICT);
	EXPECT_STATUS(hf_server_create_database(server, "c", "nowhere", &err), HF_NOT_FOUND);
	EXPECT_OK(hf_server_url_of(server, "a \"b\"", url, sizeof(url), &err));
	EXPECT_CONTAINS(url, "/a%20%22b%22?host=/tmp/hf-");
	assert_string_equal(rig_ask(url, "SELECT current_database()::text"), "a \"b\"");
	EXPECT_STATUS(hf_server_url_of(server, "a", url, 20, &err), HF_E_LIMIT);
	char *endless = malloc(3000);
	memset(endless, 'x', 2999);
	endless[2999] = '\0';
	EXPECT_STATUS(hf_server_create_database(server, endless, NULL, &err), HF_E_LIMIT);
	free(endless);
	int pid = hf_server_pid(server);
	assert_int_equal(kill(pid, 0), 0);
	EXPECT_OK(hf_server_stop(server, HF_DEADLINE_DEFAULT, &err));
	EXPECT_OK(hf_server_stop(server, HF_DEADLINE_DEFAULT, &err));
	assert_true(rig_gone(pid, run, 0));
	hf_server_free(server);
	hf_server_free(NULL);
}

static void settings_are_those_of_a_throw_away(UNUSED void **state)
{
	static const char *const expected[][2] = {{"fsync", "off"},
	                                          {"full_page_writes", "off"},
	                                          {"TimeZone", "UTC"},
	                                          {"jit", "off"},
	                                          {"listen_addresses", ""},
	                                          {"unix_socket_permissions", "0700"},
	                                          {"lc_collate", "C.UTF-8"},
	                                          {"server_encoding", "UTF8"},
	                                          {"dynamic_shared_memory_type", "mmap"},
	                                          {"max_connections", "100"}};
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		char sql[100];
		snprintf(sql, sizeof(sql), "SELECT current_setting('%s')", expected[i][0]);
		assert_string_equal(rig_ask(hf_server_url(fixture_server()), sql), expected[i][1]);
	}
}

static void a_durable_one_with_settings_of_the_caller(UNUSED void **state)
{
	static const char *const settings[] = {"work_mem=7MB", "holdfast.word=x y", NULL};
	hf_server *server = start(OPTIONS(.durable = true, .max_connections = 7, .settings = settings));
	const char *url = hf_server_url(server);
	assert_string_equal(rig_ask(url, "SELECT current_setting('fsync')"), "on");
	assert_string_equal(rig_ask(url, "SELECT current_setting('synchronous_commit')"), "on");
	assert_string_equal(rig_ask(url, "SELECT current_setting('max_connections')"), "7");
	assert_string_equal(rig_ask(url, "SELECT current_setting('work_mem')"), "7MB");
	assert_string_equal(rig_ask(url, "SELECT current_setting('holdfast.word')"), "x y");
	hf_server_free(server);
}

static void bad_settings_are_named(UNUSED void **state)
{
	static const char *const malformed[] = {"work_mem", NULL};
	static const char *const wrong[] = {"work_mem=banana", NULL};
	const char *many[67];
	hf_error err = HF_ERROR_INIT;
	hf_server *server = NULL;
	EXPECT_STATUS(hf_server_start(fixture_context(), OPTIONS(.settings = malformed), 0, &server, &err), HF_E_USAGE);
	EXPECT_CONTAINS(err.message, "\"work_mem\"");
	for (size_t i = 0; i < 66; i++)
		many[i] = "work_mem=1MB";
	many[66] = NULL;
	EXPECT_STATUS(hf_server_start(fixture_context(), OPTIONS(.settings = many), 0, &server, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_server_start(fixture_context(), OPTIONS(.settings = wrong), 0, &server, &err),
	              HF_E_UNAVAILABLE);
	EXPECT_CONTAINS(err.message, "did not start: invalid value for parameter \"work_mem\": \"banana\"");
	EXPECT_CONTAINS(err.detail, "invalid value for parameter \"work_mem\": \"banana\"");
	assert_null(server);
}

/* ---- the end of the owner ---- */

static void busy_client(const char *url)
{
	hf_error err = HF_ERROR_INIT;
	/* Never asks whether its postmaster lives. */
	rig_sql(url, "SELECT count(*) FROM generate_series(1, 1000000000000)", &err);
	_exit(0);
}

static void kill_of_the_owner_leaves_nothing(UNUSED void **state)
{
	struct told told = rig_owner(NULL);
	pid_t client = fork();
	if (client == 0)
		busy_client(told.url);
	rig_sleep_ms(200);
	kill(told.owner, SIGKILL);
	waitpid(told.owner, NULL, 0);
	assert_true(rig_gone(told.postmaster, told.run, 20000));
	waitpid(client, NULL, 0);
}

static void kill_of_the_owner_under_load_leaves_nothing(UNUSED void **state)
{
	struct told told = rig_owner(NULL);
	pid_t clients[6];
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(rig_sql(told.url, "CREATE TABLE load(n int, t text)", &err));
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		clients[i] = fork();
		if (clients[i] == 0) {
			while (rig_sql(told.url,
			               "INSERT INTO load SELECT n, repeat('x', 200) FROM generate_series(1, 20000) n",
			               &err) == HF_OK)
				;
			_exit(0);
		}
	}
	rig_sleep_ms(700);
	kill(told.owner, SIGKILL);
	waitpid(told.owner, NULL, 0);
	assert_true(rig_gone(told.postmaster, told.run, 30000));
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		waitpid(clients[i], NULL, 0);
}

/* In a /tmp of its own, where every folder is this test's. */
static int kill_while_starting(UNUSED void *arg)
{
	if (!rig_private_tmp(""))
		return 77;
	for (int after_ms = 0; after_ms < 320; after_ms += 13) {
		/* Every third one builds a cache as well. */
		char cache[32];
		snprintf(cache, sizeof(cache), "/tmp/cache-%d", after_ms / 39);
		setenv("HOLDFAST_CACHE_DIR", cache, 1);
		pid_t owner = fork();
		if (owner == 0) {
			hf_server_start(fixture_context(), NULL, 0, &(hf_server *){NULL}, NULL);
			_exit(0);
		}
		rig_sleep_ms(after_ms);
		kill(owner, SIGKILL);
		waitpid(owner, NULL, 0);
	}
	for (int waited = 0; waited < 20000 && rig_folders() > 0; waited += 20)
		rig_sleep_ms(20);
	hf_error err = HF_ERROR_INIT;
	hf_server *server = NULL;
	struct hf_server_sweep sweep;
	glob_t found;
	/* Killed before its supervisor is made, a start leaves its folder to a sweep, and no data. */
	if (glob("/tmp/hf-*/data/*", 0, NULL, &found) != GLOB_NOMATCH)
		return 1;
	if (hf_server_gc(fixture_context(), &sweep, &err) != HF_OK || rig_folders() > 0)
		return 3;
	/* And the last cache, which two or three builders were killed at, is whole. */
	if (hf_server_start(fixture_context(), NULL, 0, &server, &err) != HF_OK) {
		fprintf(stderr, "%s (%s)\n", err.message, err.detail);
		return 2;
	}
	hf_server_free(server);
	return 0;
}

static void kill_of_the_owner_while_it_starts_leaves_nothing(UNUSED void **state)
{
	assert_int_equal(rig_child(kill_while_starting, NULL), 0);
}

static void a_child_of_the_owner_does_not_keep_it(UNUSED void **state)
{
	struct told told;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t owner = fork();
	if (owner == 0) {
		hf_server *server = start(NULL);
		told = (struct told){.owner = fork(), .postmaster = hf_server_pid(server)};
		if (told.owner == 0) {
			rig_sleep_ms(30000);
			_exit(0);
		}
		snprintf(told.run, sizeof(told.run), "%s", hf_server_host(server));
		_exit(write(ends[1], &told, sizeof(told)) < 0);
	}
	assert_int_equal(read(ends[0], &told, sizeof(told)), sizeof(told));
	assert_true(rig_gone(told.postmaster, told.run, 20000));
	kill(told.owner, SIGKILL);
	waitpid(owner, NULL, 0);
	close(ends[0]);
	close(ends[1]);
}

static int free_in_child(void *arg)
{
	hf_error err = HF_ERROR_INIT;
	int refused = hf_server_stop(arg, 0, &err) == HF_E_USAGE;
	hf_server_free(arg);
	return refused ? 0 : 1;
}

static void a_forked_child_leaves_the_server_alone(UNUSED void **state)
{
	hf_server *server = start(NULL);
	assert_int_equal(rig_child(free_in_child, server), 0);
	assert_string_equal(rig_ask(hf_server_url(server), "SELECT 'alive'::text"), "alive");
	hf_server_free(server);
}

static int shared_memory_id(const char *data)
{
	char path[100], line[200];
	int key, id = -1;
	snprintf(path, sizeof(path), "%s/postmaster.pid", data);
	FILE *file = fopen(path, "r");
	for (int i = 0; file && i < 7; i++)
		if (!fgets(line, sizeof(line), file))
			return -1;
	if (file)
		fclose(file);
	return sscanf(line, "%d %d", &key, &id) == 2 ? id : -1;
}

static void kill_of_the_postmaster_leaves_nothing_either(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct shmid_ds segment;
	hf_server *server = start(NULL);
	char run[64];
	snprintf(run, sizeof(run), "%s", hf_server_host(server));
	int id = shared_memory_id(hf_server_data(server));
	assert_true(id >= 0 && shmctl(id, IPC_STAT, &segment) == 0);
	pid_t client = fork();
	if (client == 0)
		busy_client(hf_server_url(server));
	rig_sleep_ms(200);
	kill(hf_server_pid(server), SIGKILL);
	assert_true(rig_gone(hf_server_pid(server), run, 15000));
	waitpid(client, NULL, 0);
	assert_int_equal(shmctl(id, IPC_STAT, &segment), -1);
	EXPECT_OK(hf_server_stop(server, HF_DEADLINE_DEFAULT, &err));
	hf_server_free(server);
}

static void kill_of_the_supervisor_ends_the_server(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server = start(NULL);
	char lock[64], text[64] = {0};
	snprintf(lock, sizeof(lock), "%s/lock", hf_server_host(server));
	FILE *file = fopen(lock, "r");
	assert_true(file && fgets(text, sizeof(text), file));
	fclose(file);
	int pid = hf_server_pid(server);
	kill((pid_t)strtol(text, NULL, 10), SIGKILL);
	assert_true(rig_gone(pid, "/nonexistent", 15000));
	EXPECT_OK(hf_server_stop(server, HF_DEADLINE_DEFAULT, &err));
	hf_server_free(server);
	struct hf_server_sweep sweep;
	EXPECT_OK(hf_server_gc(fixture_context(), &sweep, &err));
	assert_true(sweep.removed >= 1);
}

static int ignore_children(UNUSED void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server = NULL;
	signal(SIGCHLD, SIG_IGN);
	setenv("HOLDFAST_CACHE_DIR", rig_cache(), 1);
	int code = hf_server_start(fixture_context(), NULL, 0, &server, &err) == HF_OK ? 0 : 1;
	if (code != 0)
		fprintf(stderr, "%s %s\n", err.message, err.detail);
	hf_server_free(server);
	signal(SIGCHLD, SIG_DFL);
	rig_remove(getenv("HOLDFAST_CACHE_DIR"));
	return code;
}

static void a_program_that_ignores_its_children_can_have_one(UNUSED void **state)
{
	assert_int_equal(rig_child(ignore_children, NULL), 0);
}

/* ---- time ---- */

static int too_short(UNUSED void *arg)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server = NULL;
	hf_context *ctx = fixture_context();
	if (!rig_private_tmp(""))
		return 77;
	setenv("HOLDFAST_CACHE_DIR", "/tmp/cache", 1);
	/* in initdb, then in the start of the server */
	if (hf_server_start(ctx, NULL, hf_deadline_in(ctx, 100), &server, &err) != HF_TIMEOUT || rig_folders() != 0)
		return 1;
	if (hf_server_start(ctx, NULL, 0, &server, &err) != HF_OK)
		return 2;
	hf_server_free(server);
	for (int ms = 1; ms < 60; ms += 7)
		if (hf_server_start(ctx, NULL, hf_deadline_in(ctx, ms), &server, &err) == HF_OK)
			hf_server_free(server);
		else if (err.status != HF_TIMEOUT || rig_folders() != 0)
			return 3;
	hf_context_interrupt(ctx);
	if (hf_server_start(ctx, NULL, 0, &server, &err) != HF_E_INTERRUPTED || rig_folders() != 0)
		return 4;
	return 0;
}

static void a_deadline_or_an_interruption_ends_a_start(UNUSED void **state)
{
	assert_int_equal(rig_child(too_short, NULL), 0);
}

struct starter {
	pthread_t thread;
	hf_server *server;
	hf_error err;
};

static void *start_one(void *arg)
{
	struct starter *starter = arg;
	hf_context *ctx = NULL;
	if (hf_context_new(NULL, &ctx, &starter->err) == HF_OK)
		hf_server_start(ctx, NULL, HF_DEADLINE_DEFAULT, &starter->server, &starter->err);
	return ctx;
}

static void many_may_start_at_once_with_an_empty_cache(UNUSED void **state)
{
	struct starter starters[4] = {0};
	const char *cache = rig_cache();
	setenv("HOLDFAST_CACHE_DIR", cache, 1);
	for (size_t i = 0; i < ARRAY_LEN(starters); i++)
		assert_int_equal(pthread_create(&starters[i].thread, NULL, start_one, &starters[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(starters); i++) {
		void *ctx = NULL;
		pthread_join(starters[i].thread, &ctx);
		if (!starters[i].server)
			fail_msg("%s (%s)", starters[i].err.message, starters[i].err.detail);
		assert_string_equal(rig_ask(hf_server_url(starters[i].server), "SELECT 'up'::text"), "up");
		hf_server_free(starters[i].server);
		hf_context_free(ctx);
	}
	unsetenv("HOLDFAST_CACHE_DIR");
	rig_remove(cache);
}

/* ---- kept data ---- */

static void data_are_kept_in_a_folder(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *second = NULL;
	char folder[64];
	snprintf(folder, sizeof(folder), "/tmp/hf-test-kept-%d", (int)getpid());
	hf_server *server = start(OPTIONS(.folder = folder));
	EXPECT_OK(rig_sql(hf_server_url(server), "CREATE TABLE kept AS SELECT 5 AS n", &err));
	EXPECT_STATUS(hf_server_start(fixture_context(), OPTIONS(.folder = folder), 0, &second, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, folder);
	hf_server_free(server);
	server = start(OPTIONS(.folder = folder));
	assert_string_equal(rig_ask(hf_server_url(server), "SELECT n::text FROM kept"), "5");
	assert_memory_equal(hf_server_data(server), folder, strlen(folder));
	hf_server_free(server);
	rig_remove(folder);
}

static void a_folder_of_somebody_else_is_refused(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server = NULL;
	char folder[64], long_path[5000];
	if (geteuid() == 0) {
		snprintf(folder, sizeof(folder), "/tmp/hf-test-root-%d", (int)getpid());
		assert_int_equal(mkdir(folder, 0755), 0);
	} else {
		snprintf(folder, sizeof(folder), "/usr");
	}
	EXPECT_STATUS(hf_server_start(fixture_context(), OPTIONS(.folder = folder), 0, &server, &err), HF_E_DENIED);
	EXPECT_CONTAINS(err.message, "belongs to user id 0");
	rmdir(folder);
	EXPECT_STATUS(hf_server_start(fixture_context(), OPTIONS(.folder = "/nowhere/at/all"), 0, &server, &err),
	              HF_E_DENIED);
	EXPECT_CONTAINS(err.message, "/nowhere/at/all");
	memset(long_path, 'x', sizeof(long_path));
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	EXPECT_STATUS(hf_server_start(fixture_context(), OPTIONS(.folder = long_path), 0, &server, &err), HF_E_DENIED);
}

/* ---- templates ---- */

static int filled;

static enum hf_status fill(void *user, const char *url, hf_error *err)
{
	filled++;
	return user ? *(enum hf_status *)user : rig_sql(url, "CREATE TABLE given AS SELECT 42 AS n", err);
}

static void a_template_is_filled_once(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_server *server = NULL;
	enum hf_status refuse = HF_DIFFERS;
	const char *cache = rig_cache();
	setenv("HOLDFAST_CACHE_DIR", cache, 1);
	filled = 0;
	EXPECT_STATUS(hf_server_start(fixture_context(),
	                              OPTIONS(.template_key = "chain-1", .fill = fill, .fill_user = &refuse), 0,
	                              &server, &err),
	              HF_DIFFERS);
	for (int i = 0; i < 3; i++) {
		server = start(OPTIONS(.template_key = "chain-1", .fill = fill));
		assert_string_equal(rig_ask(hf_server_url(server), "SELECT n::text FROM given"), "42");
		assert_int_equal(filled, 2);
		hf_server_free(server);
	}
	server = start(NULL);
	assert_string_equal(rig_ask(hf_server_url(server), "SELECT to_regclass('given') IS NULL || ''"), "true");
	hf_server_free(server);
	unsetenv("HOLDFAST_CACHE_DIR");
	rig_remove(cache);
	static const char *const wrong[] = {"", "a/b", "..", "x y",
	                                    "12345678901234567890123456789012345678901234567890123456789012345"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		EXPECT_STATUS(hf_server_start(fixture_context(), OPTIONS(.template_key = wrong[i], .fill = fill), 0,
		                              &server, &err),
		              HF_E_USAGE);
	EXPECT_STATUS(hf_server_start(fixture_context(), OPTIONS(.template_key = "x"), 0, &server, &err), HF_E_USAGE);
}

static void a_database_for_each_test(UNUSED void **state)
{
	const char *first = fixture_database(NULL), *second = fixture_database("test_1");
	assert_string_not_equal(first, second);
	EXPECT_CONTAINS(second, fixture_database_name());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_starts_answers_and_leaves_nothing),
		cmocka_unit_test(settings_are_those_of_a_throw_away),
		cmocka_unit_test(a_durable_one_with_settings_of_the_caller),
		cmocka_unit_test(bad_settings_are_named),
		cmocka_unit_test(kill_of_the_owner_leaves_nothing),
		cmocka_unit_test(kill_of_the_owner_under_load_leaves_nothing),
		cmocka_unit_test(kill_of_the_owner_while_it_starts_leaves_nothing),
		cmocka_unit_test(a_child_of_the_owner_does_not_keep_it),
		cmocka_unit_test(a_forked_child_leaves_the_server_alone),
		cmocka_unit_test(kill_of_the_postmaster_leaves_nothing_either),
		cmocka_unit_test(kill_of_the_supervisor_ends_the_server),
		cmocka_unit_test(a_program_that_ignores_its_children_can_have_one),
		cmocka_unit_test(a_deadline_or_an_interruption_ends_a_start),
		cmocka_unit_test(many_may_start_at_once_with_an_empty_cache),
		cmocka_unit_test(data_are_kept_in_a_folder),
		cmocka_unit_test(a_folder_of_somebody_else_is_refused),
		cmocka_unit_test(a_template_is_filled_once),
		cmocka_unit_test(a_database_for_each_test),
	};
	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
