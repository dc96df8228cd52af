/*
 * test_pool_offline.c - a pool whose server does not answer, refuses or never was there; fork; and the reset table.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "pg/dirty.h"
#include "world.h"

static void point_at(struct world *world, const char *folder)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_settings_set(world->settings, "host", folder, &err));
	EXPECT_OK(hf_settings_set(world->settings, "user", "nobody", &err));
	EXPECT_OK(hf_settings_set(world->settings, "dbname", "none", &err));
}

static void options_are_checked(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_new();
	hf_error err = HF_ERROR_INIT;
	hf_pool *pool = NULL;
	struct hf_pool_options options = {.size = 3};
	EXPECT_STATUS(hf_pool_open(world->ctx, world->settings, &options, &pool, &err), HF_E_USAGE);
	options = (struct hf_pool_options){.size = sizeof(options), .connections_max = 1001};
	EXPECT_STATUS(hf_pool_open(world->ctx, world->settings, &options, &pool, &err), HF_E_USAGE);
	EXPECT_CONTAINS(err.message, "1001");
	struct hf_connection_options connection = {.size = 1};
	options = (struct hf_pool_options){.size = sizeof(options), .connection = &connection};
	EXPECT_STATUS(hf_pool_open(world->ctx, world->settings, &options, &pool, &err), HF_E_USAGE);
	assert_null(pool);
	hf_pool_close(NULL);
}

static void a_failing_host_is_the_reason(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_new();
	point_at(world, "/nonexistent/folder");
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, &(struct hf_pool_options){
	                                                              .size = sizeof(struct hf_pool_options),
	                                                              .name = "p",
	                                                              .acquire_timeout_ms = 100,
	                                                      });
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = NULL;
	EXPECT_STATUS(hf_pool_checkout(pool, HF_DEADLINE_DEFAULT, &connection, &err), HF_E_UNAVAILABLE);
	assert_null(connection);
	assert_int_equal(err.category, HF_CATEGORY_CONNECTION);
	EXPECT_CONTAINS(err.message, "could not get a connection within 1");
	EXPECT_CONTAINS(err.message, "/nonexistent/folder");
	assert_int_equal(stats_of(pool).timeouts, 1);
	assert_true(stats_of(pool).connects_failed > 0);
	EXPECT_CONTAINS(stats_of(pool).last_error, "could not connect");
	AWAIT(world_logged(world, "pool_connect_failed warn pool=p"));
}

static void a_failure_that_cannot_heal_is_told_at_once(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_new();
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_settings_set(world->settings, "host", "203.0.113.1", &err));
	hf_settings_protect(world->settings, true);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, &(struct hf_pool_options){
	                                                              .size = sizeof(struct hf_pool_options),
	                                                              .acquire_timeout_ms = 3600000,
	                                                      });
	hf_connection *connection = NULL;
	for (int i = 0; i < 3; i++) {
		EXPECT_STATUS(hf_pool_checkout(pool, HF_DEADLINE_DEFAULT, &connection, &err), HF_E_CONFIG);
		EXPECT_CONTAINS(err.message, "could not get a connection: refused to connect");
	}
	assert_int_equal(stats_of(pool).timeouts, 0);
	assert_in_range(stats_of(pool).connects_failed, 1, 3);
}

/* A server that accepts and says nothing. */
static int silent_server(char folder[32])
{
	snprintf(folder, 32, "/tmp/hf-pool-XXXXXX");
	assert_non_null(mkdtemp(folder));
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", folder);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void silent_server_end(int fd, const char *folder)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/.s.PGSQL.5432", folder);
	close(fd);
	unlink(path);
	rmdir(folder);
}

static void a_slow_connect_is_the_reason(UNUSED void **state)
{
	char folder[32];
	int fd = silent_server(folder);
	CLEANUP(world_freep) struct world *world = world_new();
	point_at(world, folder);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(
	        world, &(struct hf_pool_options){
	                       .size = sizeof(struct hf_pool_options),
	                       .connections_max = 5,
	                       .connecting_max = 3,
	                       .acquire_timeout_ms = 5000,
	                       .connection = &(struct hf_connection_options){.size = sizeof(struct hf_connection_options),
	                                                                     .connect_timeout_ms = 1000},
	               });
	AWAIT(stats_of(pool).connecting == 2); /* the minimum, without being asked */
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = NULL;
	EXPECT_STATUS(hf_pool_checkout(pool, hf_deadline_in(world->ctx, 50), &connection, &err), HF_TIMEOUT);
	EXPECT_CONTAINS(err.message, "still connecting (2 under way, 0 of 5 in use)");
	assert_int_equal(err.category, HF_CATEGORY_POOL);
	assert_int_equal(stats_of(pool).connecting, 2); /* the caller's end did not end the connects */
	silent_server_end(fd, folder);
}

static void a_closed_pool_says_so(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_new();
	point_at(world, "/nonexistent/folder");
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, NULL);
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = NULL;
	EXPECT_OK(hf_pool_drain(pool, HF_DEADLINE_DEFAULT, &err));
	EXPECT_STATUS(hf_pool_checkout(pool, HF_DEADLINE_DEFAULT, &connection, &err), HF_E_UNAVAILABLE);
	EXPECT_CONTAINS(err.message, "the pool is closed");
	assert_true(stats_of(pool).is_closed);
}

struct waiting {
	hf_pool *pool;
	enum hf_status status;
	hf_error err;
};

static void *wait_long(void *user)
{
	struct waiting *waiting = user;
	hf_connection *connection;
	waiting->status = hf_pool_checkout(waiting->pool, HF_DEADLINE_DEFAULT, &connection, &waiting->err);
	return NULL;
}

static void closing_ends_all_waiting(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_new();
	point_at(world, "/nonexistent/folder");
	hf_pool *pool = world_pool(world, &(struct hf_pool_options){.size = sizeof(struct hf_pool_options),
	                                                            .acquire_timeout_ms = 3600000});
	struct waiting waiting[4] = {0};
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++) {
		waiting[i].pool = pool;
		assert_int_equal(pthread_create(&threads[i], NULL, wait_long, &waiting[i]), 0);
	}
	AWAIT(stats_of(pool).waiting == 4);
	assert_true(stats_of(pool).waiting_us >= 0);
	hf_pool_close(pool);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_STATUS(waiting[i].status, HF_E_UNAVAILABLE);
		EXPECT_CONTAINS(waiting[i].err.message, "closed");
	}
}

static void an_interruption_ends_waiting(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_new();
	point_at(world, "/nonexistent/folder");
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, &(struct hf_pool_options){
	                                                              .size = sizeof(struct hf_pool_options),
	                                                              .acquire_timeout_ms = 3600000,
	                                                      });
	struct waiting waiting = {.pool = pool};
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, wait_long, &waiting), 0);
	AWAIT(stats_of(pool).waiting == 1);
	hf_context_interrupt(world->ctx);
	pthread_join(thread, NULL);
	EXPECT_STATUS(waiting.status, HF_E_INTERRUPTED);
}

static void a_child_may_not_use_it(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_new();
	point_at(world, "/nonexistent/folder");
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, NULL);
	pid_t child = fork();
	if (child == 0) {
		hf_error err = HF_ERROR_INIT;
		hf_connection *connection = NULL;
		bool good = hf_pool_checkout(pool, HF_DEADLINE_DEFAULT, &connection, &err) == HF_E_USAGE &&
		            strstr(err.message, "forked") && hf_pool_drain(pool, HF_DEADLINE_DEFAULT, &err) == HF_E_USAGE &&
		            stats_of(pool).is_closed;
		hf_pool_refresh(pool);
		hf_pool_close(pool);
		_exit(good ? 0 : 1);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_false(stats_of(pool).is_closed);
}

static void only_what_changed_is_reset(UNUSED void **state)
{
	char sql[DIRTY_RESET_MAX];
	static const struct {
		const char *tag, *reset;
	} cases[] = {
	        {"SET", "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;"},
	        {"LISTEN", "UNLISTEN *;"},
	        {"DECLARE CURSOR", "CLOSE ALL;"},
	        {"CREATE TABLE", "DISCARD TEMP;"},
	        {"BEGIN", ""},
	        {"SELECT 1", "CLOSE ALL;RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;UNLISTEN *;SELECT "
	                     "pg_catalog.pg_advisory_unlock_all();DISCARD TEMP;DISCARD SEQUENCES;"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		dirty_reset_sql(dirty_after_sql(cases[i].tag), sql);
		assert_string_equal(sql, cases[i].reset);
	}
	assert_int_equal(dirty_after_query("SELECT 5"), 0);
	assert_int_equal(dirty_after_query("INSERT 0 1"), 0);
	assert_int_equal(dirty_after_query("LISTEN"), DIRTY_LISTEN);
	assert_int_equal(dirty_after_sql("DEALLOCATE ALL"), DIRTY_PREPARED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(options_are_checked),
	        cmocka_unit_test(a_failing_host_is_the_reason),
	        cmocka_unit_test(a_failure_that_cannot_heal_is_told_at_once),
	        cmocka_unit_test(a_slow_connect_is_the_reason),
	        cmocka_unit_test(a_closed_pool_says_so),
	        cmocka_unit_test(closing_ends_all_waiting),
	        cmocka_unit_test(an_interruption_ends_waiting),
	        cmocka_unit_test(a_child_may_not_use_it),
	        cmocka_unit_test(only_what_changed_is_reset),
	};
	return cmocka_run_group_tests_name("pool_offline", tests, NULL, NULL);
}
