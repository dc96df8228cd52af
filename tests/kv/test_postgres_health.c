/* What a health report says of PostgreSQL: its tables, transactions that stay open, connections. */
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "holdfast/server.h"
#include "postgres_rig.h"

static int set_up(void **user)
{
	static struct rig rig;
	const struct hf_kv_options options = {.schema = "we\"ird", .table = "Ta ble", .connections_max = 3};
	rig_open(&rig, NULL, &options);
	*user = &rig;
	return 0;
}

static struct hf_kv_health report(struct rig *rig, int64_t transaction_ms)
{
	const struct hf_kv_health_options options = {.size = sizeof(options), .transaction_ms = transaction_ms};
	struct hf_kv_health health;
	hf_kv_health_report(rig->kv, &options, &health);
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
	assert_string_equal(health.persistence, "throw-away"); /* a test's own server, and nobody is blamed */
	assert_false(health.standby);
}

/* A server as an operator runs it: `settings` of PostgreSQL, each "name=value". */
static struct hf_kv_health report_of_server(const char *const *settings)
{
	const struct hf_server_options options = {.size = sizeof(options), .durable = true, .settings = settings};
	const struct hf_kv_options store = {.size = sizeof(store), .sweep_interval_ms = -1};
	struct hf_kv_health health;
	hf_error err = HF_ERROR_INIT;
	hf_server *server = NULL;
	hf_kv *kv = NULL;
	EXPECT_OK(hf_server_start(fixture_context(), &options, HF_DEADLINE_DEFAULT, &server, &err));
	EXPECT_OK(hf_kv_open(fixture_context(), hf_server_url(server), &store, &kv, &err));
	hf_kv_health_report(kv, NULL, &health);
	hf_kv_close(kv);
	hf_server_free(server);
	return health;
}

static void a_server_that_promises_nothing_is_told_of(UNUSED void **user)
{
	static const char *const plain[] = {"cluster_name=theirs", NULL};
	static const char *const no_fsync[] = {"cluster_name=theirs", "fsync=off", NULL};
	static const char *const torn[] = {"cluster_name=theirs", "full_page_writes=off", NULL};
	struct hf_kv_health health = report_of_server(plain);
	assert_string_equal(health.persistence, "full");
	assert_int_equal(health.state, HF_HEALTHY);
	health = report_of_server(no_fsync);
	assert_string_equal(health.persistence, "no fsync");
	assert_int_equal(health.state, HF_DEGRADED);
	EXPECT_CONTAINS(health.reasons[0], "fsync off");
	health = report_of_server(torn);
	assert_string_equal(health.persistence, "no full_page_writes");
	assert_int_equal(health.state, HF_DEGRADED);
	EXPECT_CONTAINS(health.reasons[0], "full_page_writes off");
}

static void tables_of_another_version_are_unhealthy(void **user)
{
	struct hf_kv_health health;
	rig_run(*user, "DELETE FROM holdfast.migration WHERE "
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
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_feed feed = {.keep_us = 3600000000, .keep_changes = 1000};
	rig_run(rig, "BEGIN");
	rig_run(rig, "SELECT pg_current_xact_id()");
	usleep(60000);
	struct hf_kv_health health = report(rig, 50);
	assert_int_equal(health.state, HF_DEGRADED);
	assert_true(health.transaction_us >= 60000);
	assert_int_equal(health.feed_lag_us, HF_KV_UNKNOWN);
	EXPECT_CONTAINS(health.reasons[0], "a transaction that writes has run for 0 s");
	assert_null(strstr(health.reasons[0], "feed"));
	assert_int_equal(report(rig, 3600000).state, HF_HEALTHY);
	EXPECT_OK(hf_kv_feed_on(rig->kv, &feed, &err));
	health = report(rig, 50);
	assert_int_equal(health.feed_lag_us, health.transaction_us);
	EXPECT_CONTAINS(health.reasons[0], "it holds back the change feed");
	rig_run(rig, "ROLLBACK");
}

static void a_server_that_is_gone_is_unhealthy(void **user)
{
	struct rig *rig = *user;
	struct hf_kv_health health;
	rig_run(rig, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
	             "datname = current_database()");
	rig_run(rig, "ALTER TABLE \"we\"\"ird\".\"Ta ble\" RENAME TO elsewhere");
	health = report(rig, 0);
	assert_int_equal(health.state, HF_UNHEALTHY);
	assert_true(health.error.status < 0);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, set_up, rig_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(a_new_store_is_healthy),
		STORE(tables_of_another_version_are_unhealthy),
		STORE(a_transaction_that_stays_open_is_told_of),
		STORE(a_server_that_is_gone_is_unhealthy),
		cmocka_unit_test(a_server_that_promises_nothing_is_told_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
