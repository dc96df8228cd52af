/*
 * test_postgres_combine.c - callers that share statements on a real server: that one table lock holds up a whole batch,
 * what the server refuses of one caller, values too large to share, and deletes in one statement.
 */
#include <unistd.h>

#include "base/macros.h"
#include "callers.h"
#include "chance.h"
#include "postgres_rig.h"

static int set_up(void **user)
{
	static struct rig rig;
	const struct hf_kv_options options = {.combine = 1, .attempts_max = 1};
	rig_open(&rig, NULL, &options);
	*user = &rig;
	return 0;
}

static int tear_down(void **user)
{
	callers_free();
	return rig_close(user);
}

/* The first is on its way, and waits for the table; the others are one batch behind it. */
static void begin_behind_a_lock(struct rig *rig, const struct caller *callers, size_t count)
{
	rig_run(rig, "BEGIN");
	rig_run(rig, "LOCK TABLE state_entries IN ACCESS EXCLUSIVE MODE");
	for (size_t i = 0; i < count; i++) {
		callers_begin(rig->kv, callers[i]);
		while (i == 0 &&
		       rig_number(rig, "SELECT count(*) FROM pg_locks WHERE relation = 'state_entries'::regclass "
		                       "AND NOT granted") == 0)
			usleep(1000);
		callers_wait_gathered(rig->kv->combine, (uint32_t)i);
	}
}

static void let_go(struct rig *rig)
{
	rig_run(rig, "COMMIT");
	callers_join();
}

static struct hf_kv_stats stats_of(const struct rig *rig)
{
	struct hf_kv_stats stats;
	hf_kv_stats(rig->kv, &stats);
	return stats;
}

static void put(struct rig *rig, struct hf_bytes key, struct hf_bytes value, const struct hf_kv_put *how)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_put(rig->kv, key, value, how, &err));
}

#define B(literal) HF_KV_KEY(literal)

static void gets_are_one_statement(void **user)
{
	struct rig *rig = *user;
	const struct hf_kv_put how = {.metadata = HF_STR("{\"a\": 1}")};
	put(rig, B("a"), B("1"), &how);
	put(rig, B("empty"), B(""), NULL);
	const struct caller callers[] = {{.what = GET, .key = B("a")},
	                                 {.what = GET, .key = B("a")},
	                                 {.what = GET, .key = B("-")},
	                                 {.what = GET, .key = B("empty")}};
	begin_behind_a_lock(rig, callers, ARRAY_LEN(callers));
	let_go(rig);
	caller_read(&begun[0], B("1"));
	caller_read(&begun[1], B("1"));
	assert_string_equal(begun[1].entry.metadata.ptr, begun[0].entry.metadata.ptr);
	assert_int_equal(begun[1].entry.created_us, begun[0].entry.created_us);
	EXPECT_STATUS(begun[2].status, HF_NOT_FOUND);
	caller_read(&begun[3], B(""));
	assert_int_equal(stats_of(rig).combined_count, 3);
	assert_int_equal(stats_of(rig).shared_count, 1);
}

static void values_are_one_statement_too(void **user)
{
	struct rig *rig = *user;
	const struct hf_kv_put how = {.metadata = HF_STR("{\"a\": 1}")};
	static uint8_t plain[2000];
	const struct hf_bytes packed = {plain, sizeof(plain)};
	put(rig, B("a"), B("1"), &how);
	put(rig, B("empty"), B(""), NULL);
	put(rig, B("long"), packed, NULL);
	const struct caller callers[] = {{.what = VALUE, .key = B("a")},    {.what = VALUE, .key = B("a")},
	                                 {.what = VALUE, .key = B("-")},    {.what = VALUE, .key = B("empty")},
	                                 {.what = VALUE, .key = B("long")}, {.what = GET, .key = B("a")}};
	begin_behind_a_lock(rig, callers, ARRAY_LEN(callers));
	let_go(rig);
	caller_read(&begun[0], B("1"));
	caller_read(&begun[1], B("1"));
	EXPECT_STATUS(begun[2].status, HF_NOT_FOUND);
	caller_read(&begun[3], B(""));
	caller_read(&begun[4], packed);
	caller_read(&begun[5], B("1"));
	for (size_t i = 0; i < 5; i++)
		assert_true(begun[i].entry.rev == 0 && !begun[i].entry.metadata.ptr);
	assert_true(begun[5].entry.rev != 0 && begun[5].entry.metadata.ptr);
	assert_int_equal(stats_of(rig).combined_count, 4); /* whole entries are another statement */
	assert_int_equal(stats_of(rig).shared_count, 1);
}

static void a_large_value_is_read_alone(void **user)
{
	struct rig *rig = *user;
	static uint8_t bytes[COMBINE_VALUE_BYTES + 1];
	uint64_t seed = 1;
	for (size_t i = 0; i < sizeof(bytes); i++) /* nothing that could be compressed */
		bytes[i] = (uint8_t)chance(&seed);
	const struct hf_bytes most = {bytes, COMBINE_VALUE_BYTES}, more = {bytes, COMBINE_VALUE_BYTES + 1};
	put(rig, B("most"), most, NULL);
	put(rig, B("more"), more, NULL);
	const struct caller callers[] = {{.what = GET, .key = B("-")},
	                                 {.what = GET, .key = B("most")},
	                                 {.what = GET, .key = B("more")},
	                                 {.what = VALUE, .key = B("most")},
	                                 {.what = VALUE, .key = B("more")}};
	begin_behind_a_lock(rig, callers, ARRAY_LEN(callers));
	let_go(rig);
	caller_read(&begun[1], most);
	caller_read(&begun[2], more);
	caller_read(&begun[3], most);
	caller_read(&begun[4], more);
	assert_int_equal(stats_of(rig).combined_count, 2);
	assert_int_equal(stats_of(rig).shared_count, 2);
}

static void puts_are_one_transaction(void **user)
{
	struct rig *rig = *user;
	const struct caller callers[] = {{.what = PUT, .key = B("a"), .value = B("1")},
	                                 {.what = PUT, .key = B("c"), .value = B("3")},
	                                 {.what = PUT, .key = B("b"), .value = B("2")},
	                                 {.what = PUT, .key = B("a"), .value = B("4")}};
	begin_behind_a_lock(rig, callers, ARRAY_LEN(callers));
	let_go(rig);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++)
		EXPECT_STATUS(begun[i].status, HF_OK);
	assert_int_equal(rig_number(rig, "SELECT count(DISTINCT xmin::text) FROM state_entries"), 1);
	assert_int_equal(rig_number(rig, "SELECT rev FROM state_entries WHERE key = 'a'"), begun[3].rev);
	assert_true(begun[3].rev > begun[0].rev);
	assert_int_equal(rig_number(rig, "SELECT rev FROM state_entries WHERE key = 'b'"), begun[2].rev);
}

static void puts_that_ask_nothing_are_one_transaction(void **user)
{
	struct rig *rig = *user;
	const struct caller callers[] = {{.what = SET, .key = B("first"), .value = B("0")},
	                                 {.what = SET, .key = B("b"), .value = B("1")},
	                                 {.what = SET, .key = B("a"), .value = B("2")},
	                                 {.what = SET, .key = B("b"), .value = B("3")}};
	begin_behind_a_lock(rig, callers, ARRAY_LEN(callers));
	let_go(rig);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++)
		EXPECT_STATUS(begun[i].status, HF_OK);
	assert_int_equal(stats_of(rig).shared_count, 1);
	assert_int_equal(rig_number(rig, "SELECT count(DISTINCT xmin::text) FROM state_entries"), 2);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM state_entries WHERE (key, value) IN (('first', '0'), "
	                                 "('a', '2'), ('b', '3'))"),
	                 3);
}

static void what_the_server_refuses_is_one_callers(void **user)
{
	struct rig *rig = *user;
	rig_run(rig, "ALTER TABLE state_entries ADD CONSTRAINT no_bad CHECK (value <> 'bad')");
	const struct caller callers[] = {{.what = PUT, .key = B("a"), .value = B("1")},
	                                 {.what = PUT, .key = B("b"), .value = B("2")},
	                                 {.what = PUT, .key = B("c"), .value = B("bad")},
	                                 {.what = PUT, .key = B("d"), .value = B("4")}};
	begin_behind_a_lock(rig, callers, ARRAY_LEN(callers));
	let_go(rig);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++)
		EXPECT_STATUS(begun[i].status, i == 2 ? HF_REJECTED : HF_OK);
	assert_string_equal(begun[2].err.constraint, "no_bad");
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM state_entries"), 3);
}

/* Who waits for the table; its server process is gone then. */
static void cut_off(struct rig *rig)
{
	while (rig_number(rig, "SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_locks WHERE NOT granted "
	                       "AND relation = 'state_entries'::regclass") == 0)
		usleep(1000);
}

static void who_is_cut_off_with_others_learns_it(void **user)
{
	struct rig *rig = *user;
	const struct caller callers[] = {{.what = PUT, .key = B("a"), .value = B("1")},
	                                 {.what = PUT, .key = B("b"), .value = B("2")},
	                                 {.what = PUT, .key = B("c"), .value = B("3")}};
	begin_behind_a_lock(rig, callers, ARRAY_LEN(callers));
	cut_off(rig); /* the first, then the batch behind it */
	callers_wait_gathered(rig->kv->combine, 0);
	cut_off(rig);
	let_go(rig);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++)
		assert_true(begun[i].status == HF_E_UNAVAILABLE || begun[i].status == HF_E_OUTCOME_UNKNOWN);
	EXPECT_STATUS(begun[1].status, begun[2].status);
	assert_string_equal(begun[1].err.message, begun[2].err.message);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM state_entries"), 0);
}

static void deletes_are_one_statement(void **user)
{
	struct rig *rig = *user;
	put(rig, B("a"), B("1"), NULL);
	put(rig, B("c"), B("1"), NULL);
	const struct caller callers[] = {{.what = DELETE, .key = B("-")},
	                                 {.what = DELETE, .key = B("c")},
	                                 {.what = DELETE, .key = B("b")},
	                                 {.what = DELETE, .key = B("a")}};
	begin_behind_a_lock(rig, callers, ARRAY_LEN(callers));
	let_go(rig);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		EXPECT_STATUS(begun[i].status, HF_OK);
		assert_int_equal(begun[i].existed, i == 1 || i == 3);
	}
	assert_int_equal(stats_of(rig).combined_count, 3);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM state_entries"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(gets_are_one_statement),
		TEST(values_are_one_statement_too),
		TEST(a_large_value_is_read_alone),
		TEST(puts_are_one_transaction),
		TEST(puts_that_ask_nothing_are_one_transaction),
		TEST(what_the_server_refuses_is_one_callers),
		TEST(who_is_cut_off_with_others_learns_it),
		TEST(deletes_are_one_statement),
	};
	return cmocka_run_group_tests_name("combining on PostgreSQL", tests, NULL, NULL);
}
