/* What is said of what a backend told: each finding alone, the worst first, and what is not known blames nobody. */
#include <stdio.h>
#include <string.h>

#include "../check.h"
#include "base/error.h"
#include "base/macros.h"
#include "kv/health.h"

#define SECOND INT64_C(1000000)

/* The facts of one store: what a case changes of nothing known. */
struct judged {
	struct hf_kv_health health;
	struct hf_kv_health_options options;
	int64_t replica_late_us;
};

static struct judged nothing_known(void)
{
	struct judged judged = {.replica_late_us = 5 * SECOND};
	health_init(&judged.health);
	judged.options = health_options(NULL);
	return judged;
}

static void want(struct judged judged, enum hf_health_state state, const char *reason)
{
	health_judge(&judged.options, judged.replica_late_us, &judged.health);
	assert_int_equal(judged.health.state, state);
	assert_int_equal(judged.health.nreasons, reason ? 1 : 0);
	if (reason)
		assert_string_equal(judged.health.reasons[0], reason);
}

static void set(char *place, size_t size, const char *text)
{
	snprintf(place, size, "%s", text);
}

static void test_nothing_known_is_healthy(UNUSED void **state)
{
	want(nothing_known(), HF_HEALTHY, NULL);
}

static void test_sweeping(UNUSED void **state)
{
	struct judged judged = nothing_known();
	judged.health.expired_waiting = 3;
	judged.health.sweep_lag_us = 600 * SECOND - 1;
	want(judged, HF_HEALTHY, NULL);
	judged.health.sweep_lag_us = 600 * SECOND;
	want(judged, HF_DEGRADED, "3 expired entries wait to be removed, the oldest for 600 s");
	judged.health.expired_waiting = HF_KV_HEALTH_COUNT_MAX;
	want(judged, HF_DEGRADED, "10000 and more expired entries wait to be removed, the oldest for 600 s");
	judged.health.expired_waiting = 0;
	want(judged, HF_HEALTHY, NULL);
}

static void test_transactions(UNUSED void **state)
{
	struct judged judged = nothing_known();
	judged.health.transaction_us = 300 * SECOND - 1;
	want(judged, HF_HEALTHY, NULL);
	judged.health.transaction_us = 300 * SECOND;
	want(judged, HF_DEGRADED, "a transaction that writes has run for 300 s");
	judged.health.feed_lag_us = 300 * SECOND;
	want(judged, HF_DEGRADED, "a transaction that writes has run for 300 s: it holds back the change feed");
}

static void test_replicas(UNUSED void **state)
{
	struct judged judged = nothing_known();
	set(judged.health.replica, sizeof(judged.health.replica), "follows");
	judged.health.replica_lag_us = 6 * SECOND;
	judged.health.replica_lag_bytes = 0; /* nobody has written for six seconds */
	want(judged, HF_HEALTHY, NULL);
	judged.health.replica_lag_bytes = 1;
	want(judged, HF_DEGRADED, "the read replica is 6000 ms late");
	judged.replica_late_us = 6 * SECOND;
	want(judged, HF_HEALTHY, NULL);
	set(judged.health.replica, sizeof(judged.health.replica), "promoted");
	want(judged, HF_DEGRADED, "the read replica is promoted");
}

static void test_room(UNUSED void **state)
{
	struct judged judged = nothing_known();
	judged.health.used_bytes = 80 << 20;
	want(judged, HF_HEALTHY, NULL); /* no bound */
	judged.health.room_bytes = 100 << 20;
	judged.health.used_bytes = 79 << 20;
	want(judged, HF_HEALTHY, NULL);
	judged.health.used_bytes = 81 << 20;
	want(judged, HF_DEGRADED, "84934656 of 104857600 bytes are in use");
	judged.health.used_bytes = INT64_MAX; /* no overflow */
	judged.health.room_bytes = INT64_MAX;
	want(judged, HF_DEGRADED, "9223372036854775807 of 9223372036854775807 bytes are in use");
}

static void test_readers(UNUSED void **state)
{
	struct judged judged = nothing_known();
	judged.health.reader_lag = 9999;
	judged.health.readers_dead = 7; /* taken back */
	want(judged, HF_HEALTHY, NULL);
	judged.health.reader_lag = 10000;
	want(judged, HF_DEGRADED, "a reader is 10000 commits behind: the pages it sees stay");
	judged.options = health_options(
		&(struct hf_kv_health_options){.size = sizeof(struct hf_kv_health_options), .reader_commits = 10001});
	want(judged, HF_HEALTHY, NULL);
}

static void test_redis(UNUSED void **state)
{
	struct judged judged = nothing_known();
	set(judged.health.eviction, sizeof(judged.health.eviction),
	    "volatile-lru"); /* no key of ours has a TTL of Redis */
	set(judged.health.persistence, sizeof(judged.health.persistence), "log everysec");
	want(judged, HF_HEALTHY, NULL);
	set(judged.health.eviction, sizeof(judged.health.eviction), "allkeys-lru");
	want(judged, HF_DEGRADED, "Redis may evict: maxmemory-policy is allkeys-lru");
	set(judged.health.eviction, sizeof(judged.health.eviction), "noeviction");
	set(judged.health.persistence, sizeof(judged.health.persistence), "snapshots");
	want(judged, HF_DEGRADED, "Redis keeps no log (appendonly no): a crash loses what came after a snapshot");
}

static void test_persistence(UNUSED void **state)
{
	struct judged judged = nothing_known();
	set(judged.health.persistence, sizeof(judged.health.persistence), "full");
	want(judged, HF_HEALTHY, NULL);
	set(judged.health.persistence, sizeof(judged.health.persistence), "throw-away");
	want(judged, HF_HEALTHY, NULL);
	set(judged.health.persistence, sizeof(judged.health.persistence), "no fsync");
	want(judged, HF_DEGRADED, "PostgreSQL runs with fsync off: a crash of its machine may lose everything");
	set(judged.health.persistence, sizeof(judged.health.persistence), "no full_page_writes");
	want(judged, HF_DEGRADED, "PostgreSQL runs with full_page_writes off: a crash of its machine may tear pages");
}

static void test_pool(UNUSED void **state)
{
	struct judged judged = nothing_known();
	judged.health.pool.waiting = 4;
	judged.health.pool.waiting_us = 30 * SECOND - 1;
	want(judged, HF_HEALTHY, NULL);
	judged.health.pool.waiting_us = 30 * SECOND;
	want(judged, HF_DEGRADED, "4 callers wait for a connection, some of them for 30 s");
	judged.health.pool = (struct hf_pool_stats){.last_error = "no route"};
	want(judged, HF_DEGRADED, "connecting fails: no route");
}

static void test_the_worst_stands_first(UNUSED void **state)
{
	struct judged judged = nothing_known();
	judged.health.latency_us = SECOND;
	want(judged, HF_DEGRADED, "a round trip took 1000 ms");
	judged.health.standby = true;
	error_set(&judged.health.error, HF_E_UNAVAILABLE, "gone");
	health_judge(&judged.options, 0, &judged.health);
	assert_int_equal(judged.health.state, HF_UNHEALTHY);
	assert_int_equal(judged.health.nreasons, 3);
	assert_string_equal(judged.health.reasons[0], "gone");
}

static void test_more_reasons_than_there_is_room_for(UNUSED void **state)
{
	struct judged judged = nothing_known();
	for (int i = 0; i < 2 * HF_KV_HEALTH_REASONS_MAX; i++) {
		judged.health.latency_us = SECOND;
		health_judge(&judged.options, 0, &judged.health);
	}
	assert_int_equal(judged.health.nreasons, HF_KV_HEALTH_REASONS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_known_is_healthy),
		cmocka_unit_test(test_sweeping),
		cmocka_unit_test(test_transactions),
		cmocka_unit_test(test_replicas),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_readers),
		cmocka_unit_test(test_redis),
		cmocka_unit_test(test_persistence),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_the_worst_stands_first),
		cmocka_unit_test(test_more_reasons_than_there_is_room_for),
	};
	return cmocka_run_group_tests_name("kv_health", tests, NULL, NULL);
}
