/* What a health report says of PostgreSQL: its tables, transactions that stay open, connections. */
#include <string.h>
#include <unistd.h>

#include "../check.h"
#include "../fixture.h"
#include "base/macros.h"
#include "holdfast/holdfast.h"

struct state {
	hf_kv *kv;
	hf_connection *connection; /* beside the store */
	hf_arena *arena;
};

static int set_up(void **user)
{
	static struct state state;
	char url[500];
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .schema = "we\"ird",
	                                      .table = "Ta ble",
	                                      .connections_max = 3,
	                                      .sweep_interval_ms = -1};
	snprintf(url, sizeof(url), "%s", fixture_database(NULL));
	state.connection = fixture_connect(url);
	state.arena = hf_arena_new(0);
	EXPECT_OK(hf_kv_open(fixture_context(), url, &options, &state.kv, &err));
	*user = &state;
	return 0;
}

static int tear_down(void **user)
{
	struct state *state = *user;
	hf_kv_close(state->kv);
	hf_connection_free(state->connection);
	hf_arena_free(state->arena);
	return 0;
}

static void run(struct state *state, const char *sql)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_sql_exec(hf_on_connection(state->connection), hf_str_of(sql), NULL, 0, NULL, &err));
}

static struct hf_kv_health report(struct state *state, int64_t transaction_ms)
{
	const struct hf_kv_health_options options = {.size = sizeof(options), .transaction_ms = transaction_ms};
	struct hf_kv_health health;
	hf_kv_health_report(state->kv, &options, &health);
	return health;
}

static void a_new_store_is_healthy(void **user)
{
	struct hf_kv_health health = report(*user, 0);
	assert_int_equal(health.nreasons, 0);
	assert_int_equal(health.state, HF_HEALTHY);
	assert_int_equal(health.pool.connections_max, 3);
	assert_true(health.pool.idle + health.pool.busy > 0);
	assert_int_equal(health.feed_lag_us, HF_KV_UNKNOWN);
	assert_int_equal(health.room_bytes, HF_KV_UNKNOWN);
	assert_string_equal(health.replica, "");
	assert_false(health.standby);
}

static void tables_of_another_version_are_unhealthy(void **user)
{
	struct hf_kv_health health;
	run(*user, "DELETE FROM holdfast.migration WHERE "
	           "version = (SELECT max(version) FROM holdfast.migration)");
	health = report(*user, 0);
	assert_int_equal(health.state, HF_UNHEALTHY);
	EXPECT_STATUS(health.error.status, HF_E_DRIFT);
	EXPECT_CONTAINS(health.reasons[0], "the store's tables are not those of this version");
	EXPECT_CONTAINS(health.error.hint, "holdfast migrate up --set kv");
}

/* It need not have touched the store. */
static void a_transaction_that_stays_open_is_told_of(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_feed feed = {.keep_us = 3600000000, .keep_changes = 1000};
	run(state, "BEGIN");
	run(state, "SELECT pg_current_xact_id()");
	usleep(60000);
	struct hf_kv_health health = report(state, 50);
	assert_int_equal(health.state, HF_DEGRADED);
	assert_true(health.transaction_us >= 60000);
	assert_int_equal(health.feed_lag_us, HF_KV_UNKNOWN);
	EXPECT_CONTAINS(health.reasons[0], "a transaction that writes has run for 0 s");
	assert_null(strstr(health.reasons[0], "feed"));
	assert_int_equal(report(state, 3600000).state, HF_HEALTHY);
	EXPECT_OK(hf_kv_feed_on(state->kv, &feed, &err));
	health = report(state, 50);
	assert_int_equal(health.feed_lag_us, health.transaction_us);
	EXPECT_CONTAINS(health.reasons[0], "it holds back the change feed");
	run(state, "ROLLBACK");
}

static void a_server_that_is_gone_is_unhealthy(void **user)
{
	struct state *state = *user;
	struct hf_kv_health health;
	run(state, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
	           "datname = current_database()");
	run(state, "ALTER TABLE \"we\"\"ird\".\"Ta ble\" RENAME TO elsewhere");
	health = report(state, 0);
	assert_int_equal(health.state, HF_UNHEALTHY);
	assert_true(health.error.status < 0);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(a_new_store_is_healthy),
		STORE(tables_of_another_version_are_unhealthy),
		STORE(a_transaction_that_stays_open_is_told_of),
		STORE(a_server_that_is_gone_is_unhealthy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
