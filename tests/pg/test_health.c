/*
 * test_health.c - what is healthy, and that asking costs nobody a connection.
 */
#include "world.h"
#include "../fixture.h"

static const char *url;

#define OPTIONS(...) (&(struct hf_pool_options){.size = sizeof(struct hf_pool_options), __VA_ARGS__})
#define ASK(...) (&(struct hf_health_options){.size = sizeof(struct hf_health_options), __VA_ARGS__})

static struct hf_health health_of(hf_pool *pool, const struct hf_health_options *options)
{
	struct hf_health health;
	hf_health(pool, options, &health);
	return health;
}

static void later(struct world *world)
{
	atomic_fetch_add(&world->skew_us, 1100000);
}

static void a_good_pool_is_healthy_and_the_answer_is_kept(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, NULL);
	hf_pool_return(pool, checkout(pool));
	struct hf_health first = health_of(pool, NULL);
	if (first.nreasons)
		fail_msg("%s", first.reasons[0]);
	assert_string_equal(hf_health_word(first.state), "healthy");
	assert_true(first.latency_us > 0 && first.checked_wall_us > 0);
	assert_false(first.cached || first.in_recovery);
	assert_int_equal(first.pool.connections_max, 10);
	uint64_t queries = metrics_value(world->ctx->metrics, METRIC_QUERIES);
	struct hf_health second = health_of(pool, NULL);
	assert_true(second.cached);
	assert_int_equal(second.latency_us, first.latency_us);
	assert_int_equal(metrics_value(world->ctx->metrics, METRIC_QUERIES), queries);
	later(world);
	assert_false(health_of(pool, NULL).cached);
	assert_false(health_of(pool, ASK(.require_primary = true)).cached); /* another question */
	assert_string_equal(hf_health_word(HF_DEGRADED), "degraded");
	assert_string_equal(hf_health_word(HF_UNHEALTHY), "unhealthy");
	assert_string_equal(hf_health_word((enum hf_health_state)9), "unhealthy");
}

static void *wait_for_one(void *user)
{
	hf_connection *connection = checkout(user);
	hf_pool_return(user, connection);
	return NULL;
}

static void a_saturated_pool_is_not_dead(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, OPTIONS(.connections_max = 1, .acquire_timeout_ms = 60000));
	hf_connection *only = checkout(pool);
	pthread_t waiter;
	assert_int_equal(pthread_create(&waiter, NULL, wait_for_one, pool), 0);
	AWAIT(stats_of(pool).waiting == 1);
	struct hf_health health = health_of(pool, NULL);
	assert_int_equal(health.state, HF_HEALTHY);
	assert_int_equal(health.pool.busy, 1);
	assert_int_equal(health.pool.waiting, 1);
	atomic_fetch_add(&world->skew_us, 31000000);
	health = health_of(pool, NULL);
	assert_int_equal(health.state, HF_DEGRADED);
	EXPECT_CONTAINS(health.reasons[0], "1 callers wait for a connection, some of them for 31");
	hf_pool_return(pool, only);
	pthread_join(waiter, NULL);
	later(world);
	assert_int_equal(health_of(pool, NULL).state, HF_HEALTHY);
}

static void missing_types_are_named(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, NULL);
	const struct hf_health_options *question = ASK(.required_types = hf_janitor_types, .nrequired_types = 3);
	hf_where where = hf_on_connection(world->other);
	sql_run(where, "CREATE DOMAIN debversion AS text");
	sql_run(where, "CREATE SCHEMA elsewhere");
	sql_run(where, "CREATE TYPE elsewhere.vcs_type AS ENUM ('git')"); /* the same name is not the same type */
	struct hf_health health = health_of(pool, question);
	assert_int_equal(health.state, HF_UNHEALTHY);
	EXPECT_CONTAINS(health.reasons[0], "type \"public.vcs_type\" is missing");
	assert_int_equal(health.error.category, HF_CATEGORY_MISSING_TYPES);
	assert_string_equal(hf_error_kind(&health.error), "MissingCustomTypes");
	assert_true(health.error.alert);
	sql_run(where, "CREATE TYPE vcs_type AS ENUM ('git')");
	sql_run(where, "CREATE TYPE publish_status AS ENUM ('unknown')");
	later(world);
	assert_int_equal(health_of(pool, question).state, HF_HEALTHY);
}

static void the_probe_survives_a_kill(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, NULL);
	assert_int_equal(health_of(pool, NULL).state, HF_HEALTHY);
	kill_backend(world, hf_connection_backend_pid(pool->probe));
	later(world);
	assert_int_equal(health_of(pool, NULL).state, HF_HEALTHY);
}

static void what_is_wrong_is_told(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, NULL);
	hf_pool_return(pool, checkout(pool));
	atomic_fetch_add(&world->skew_us, 120000000); /* the maintenance thread sleeps on */
	struct hf_health health = health_of(pool, NULL);
	assert_int_equal(health.state, HF_DEGRADED);
	EXPECT_CONTAINS(health.reasons[0], "maintenance");
	hf_pool_drain(pool, HF_DEADLINE_DEFAULT, NULL);
	later(world);
	health = health_of(pool, NULL);
	assert_int_equal(health.state, HF_UNHEALTHY);
	EXPECT_CONTAINS(health.reasons[0], "closed");
}

static void a_standby_and_a_slow_one(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	hf_where where = hf_on_connection(world->other);
	/* A server that says it is a standby, and takes its time: the name resolves to ours first. */
	sql_run(where, "CREATE SCHEMA before");
	sql_run(where, "CREATE FUNCTION before.pg_is_in_recovery() RETURNS bool LANGUAGE sql AS "
	               "'SELECT true FROM pg_sleep(0.05)'");
	CLEANUP(pool_freep) hf_pool *pool = world_pool(
	        world, OPTIONS(.connection = &(struct hf_connection_options){
	                               .size = sizeof(struct hf_connection_options),
	                               .server_options = "-c search_path=before,pg_catalog,public"}));
	struct hf_health health = health_of(pool, ASK(.require_primary = true, .slow_ms = 20));
	assert_true(health.in_recovery);
	assert_int_equal(health.state, HF_UNHEALTHY);
	EXPECT_CONTAINS(health.reasons[0], "standby");
	EXPECT_CONTAINS(health.reasons[1], "a round trip took ");
	later(world);
	health = health_of(pool, ASK(.slow_ms = 20));
	assert_int_equal(health.state, HF_DEGRADED);
	later(world);
	health = health_of(pool, ASK(.timeout_ms = 1));
	assert_int_equal(health.state, HF_UNHEALTHY);
	sql_run(where, "DROP SCHEMA before CASCADE");
}

static void a_dead_server_is_unhealthy(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_new();
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_settings_set(world->settings, "host", "/nonexistent/folder", &err));
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, NULL);
	AWAIT(stats_of(pool).connects_failed > 0);
	struct hf_health health = health_of(pool, &(struct hf_health_options){.size = 1}); /* an unknown size: defaults */
	assert_int_equal(health.state, HF_UNHEALTHY);
	EXPECT_CONTAINS(health.reasons[0], "could not connect to /nonexistent/folder");
	EXPECT_CONTAINS(health.reasons[1], "connecting fails: could not connect");
	assert_int_equal(health.error.category, HF_CATEGORY_CONNECTION);
	assert_int_equal(health.latency_us, -1);
	assert_int_equal(health.nreasons, 2);
}

static void one_probe_at_a_time(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, NULL);
	pool->probing = true;
	struct hf_health health = health_of(pool, ASK(.timeout_ms = 10));
	pool->probing = false;
	assert_int_equal(health.state, HF_UNHEALTHY);
	EXPECT_CONTAINS(health.reasons[0], "has not ended for 10 ms");
}

static void *ask_often(void *user)
{
	for (int i = 0; i < 50; i++)
		if (health_of(user, ASK(.nrequired_types = (size_t)(i % 2), .required_types = hf_janitor_types)).nreasons > 1)
			return user;
	return NULL;
}

static void many_may_ask_at_once(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	CLEANUP(pool_freep) hf_pool *pool = world_pool(world, NULL);
	pthread_t ids[4];
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, ask_often, pool), 0);
	for (size_t i = 0; i < 4; i++) {
		void *failed = NULL;
		pthread_join(ids[i], &failed);
		assert_null(failed);
	}
}

static void a_full_server_still_serves_those_who_are_in(UNUSED void **state)
{
	CLEANUP(world_freep) struct world *world = world_with_server(url);
	hf_where where = hf_on_connection(world->other);
	sql_run(where, "CREATE ROLE one_only LOGIN CONNECTION LIMIT 1");
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_settings_set(world->settings, "user", "one_only", &err));
	hf_pool *pool = world_pool(world, OPTIONS(.connections_max = 1));
	hf_connection *only = checkout(pool);
	struct hf_health health = health_of(pool, NULL);
	assert_int_equal(health.state, HF_DEGRADED);
	assert_string_equal(health.error.sqlstate, "53300");
	hf_pool_return(pool, only);
	hf_pool_close(pool);
	AWAIT(sql_number(where, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'one_only'") == 0);
	sql_run(where, "DROP ROLE one_only");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_good_pool_is_healthy_and_the_answer_is_kept),
	        cmocka_unit_test(a_saturated_pool_is_not_dead),
	        cmocka_unit_test(missing_types_are_named),
	        cmocka_unit_test(the_probe_survives_a_kill),
	        cmocka_unit_test(what_is_wrong_is_told),
	        cmocka_unit_test(a_standby_and_a_slow_one),
	        cmocka_unit_test(a_dead_server_is_unhealthy),
	        cmocka_unit_test(one_probe_at_a_time),
	        cmocka_unit_test(many_may_ask_at_once),
	        cmocka_unit_test(a_full_server_still_serves_those_who_are_in),
	};
	url = fixture_database(NULL);
	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
