/* What is sent again, what is not, and that it is counted: a trigger fails as the test says, so often as it says. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "holdfast/kv_checkpoint.h"
#include "holdfast/kv_file.h"
#include "postgres_rig.h"

static int set_up(void **user)
{
	static struct rig rig;
	const struct hf_kv_options options = {.attempts_max = 3, .backoff_ms = 1};
	rig_open(&rig, NULL, &options);
	rig_run(&rig, "CREATE SEQUENCE tries");
	rig_run(&rig, "CREATE TABLE failing (code text NOT NULL, times bigint NOT NULL)");
	rig_run(&rig, "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE f failing; BEGIN SELECT * "
	              "INTO f "
	              "FROM"
	              " failing; IF FOUND AND nextval('tries') <= f.times THEN IF f.code = 'killed' THEN PERFORM"
	              " pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); END IF; RAISE EXCEPTION 'as the "
	              "test said'"
	              " USING ERRCODE = f.code; END IF; RETURN NULL; END $$");
	rig_run(&rig, "CREATE TRIGGER fail BEFORE INSERT OR DELETE OR UPDATE ON state_entries FOR EACH STATEMENT "
	              "EXECUTE FUNCTION"
	              " fail()");
	*user = &rig;
	return 0;
}

/* From now on the next `times` writes fail so. */
static void fail_with(struct rig *rig, const char *code, int times)
{
	char sql[200];
	rig_run(rig, "DELETE FROM failing");
	rig_run(rig, "SELECT setval('tries', 1, false)");
	snprintf(sql, sizeof(sql), "INSERT INTO failing VALUES ('%s', %d)", code, times);
	rig_run(rig, sql);
}

static int64_t tries(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row;
	EXPECT_OK(hf_sql_one(hf_on_connection(rig->connection),
	                     HF_STR("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM tries"), NULL, 0,
	                     rig->arena, &row, &err));
	return row.values[0].as.i;
}

static uint64_t retries(struct rig *rig)
{
	struct hf_kv_stats stats;
	hf_kv_stats(rig->kv, &stats);
	return stats.retry_count;
}

/* ---- ways to write ---- */

static enum hf_status put_one(struct rig *rig, hf_error *err)
{
	return hf_kv_put(rig->kv, HF_KV_KEY("k"), HF_KV_KEY("v"), NULL, err);
}

static enum hf_status put_two(struct rig *rig, hf_error *err)
{
	const struct hf_bytes keys[] = {HF_KV_KEY("k"), HF_KV_KEY("l")};
	return hf_kv_put_many(rig->kv, keys, keys, 2, NULL, err);
}

static enum hf_status append(struct rig *rig, hf_error *err)
{
	return hf_kv_append(rig->kv, HF_KV_KEY("k"), HF_KV_KEY("+"), NULL, err);
}

static enum hf_status delete_one(struct rig *rig, hf_error *err)
{
	return hf_kv_delete(rig->kv, HF_KV_KEY("k"), NULL, NULL, err);
}

typedef enum hf_status write_fn(struct rig *rig, hf_error *err);
static write_fn *const ways[] = {put_one, put_two, append, delete_one};

/* ---- tests ---- */

static void what_can_heal_is_sent_again(void **user)
{
	static const char *const codes[] = {"40001", "40P01", "53300", "57P03", "53000", "53200"};
	struct rig *rig = *user;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
			hf_error err = HF_ERROR_INIT;
			uint64_t before = retries(rig);
			if (ways[way] == append && i > 3)
				continue; /* the pool bounds how many transactions are repeated */
			fail_with(rig, codes[i], 2);
			enum hf_status status = ways[way](rig, &err);
			if (status != HF_OK || err.message[0])
				fail_msg("%s, way %zu: %s, \"%s\"", codes[i], way, hf_status_word(status), err.message);
			assert_true(tries(rig) >= 3); /* an upsert is an INSERT and an UPDATE to triggers */
			assert_int_equal(retries(rig) - before, 2);
		}
	}
}

static void attempts_are_bounded(void **user)
{
	struct rig *rig = *user;
	for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
		hf_error err = HF_ERROR_INIT;
		fail_with(rig, "40001", 3);
		assert_int_not_equal(ways[way](rig, &err), HF_OK);
		assert_string_equal(err.sqlstate, "40001");
		assert_int_equal(tries(rig), 3);
		assert_int_not_equal(ways[way](rig, NULL),
		                     HF_TIMEOUT); /* the error is needed though nobody asks for it */
	}
}

static void what_cannot_heal_is_not(void **user)
{
	static const char *const codes[] = {"22003", "23514", "28000", "42501", "42P01",
	                                    "53100", "54000", "P0001", "XX000"};
	struct rig *rig = *user;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
			hf_error err = HF_ERROR_INIT;
			uint64_t before = retries(rig);
			fail_with(rig, codes[i], 1);
			enum hf_status status = ways[way](rig, &err);
			assert_int_not_equal(status, HF_OK);
			if (strcmp(codes[i], "53100") == 0) /* a full disk: as every backend that is full says it */
				assert_int_equal(status, HF_E_LIMIT);
			assert_string_equal(err.sqlstate, codes[i]);
			assert_int_equal(tries(rig), 1);
			assert_int_equal(retries(rig), before);
		}
	}
}

/* The session ends in the middle of it. A statement of its own may have been committed; of a transaction that was not
 * at its COMMIT nothing is left. */
static void what_may_have_happened_is_not(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
		fail_with(rig, "killed", 1);
		bool whole = ways[way] == append;
		assert_int_equal(ways[way](rig, &err), whole ? HF_OK : HF_E_OUTCOME_UNKNOWN);
		assert_int_equal(tries(rig), whole ? 2 : 1);
	}
}

/* ---- an export, which reads all by one statement ---- */

struct exporting {
	struct rig *rig;
	struct hf_uuid id;
	char path[64];
	enum hf_status status;
	hf_error err;
};

static void *export_it(void *user)
{
	struct exporting *exporting = user;
	hf_arena *arena = hf_arena_new(0);
	exporting->status = hf_kv_checkpoint_export(exporting->rig->kv, &exporting->id, exporting->path, NULL, arena,
	                                            NULL, &exporting->err);
	hf_arena_free(arena);
	return NULL;
}

/* Its session ends before the first entry came: nothing was seen. */
static void an_export_whose_session_is_ended_begins_anew(void **user)
{
	static const hf_error none = HF_ERROR_INIT;
	struct rig *rig = *user;
	struct exporting exporting = {.rig = rig, .err = none};
	struct hf_kv_checkpoint point;
	int64_t ended = 0;
	hf_error err = HF_ERROR_INIT;
	pthread_t thread;
	EXPECT_OK(put_two(rig, &err));
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &point, &err));
	exporting.id = point.id;
	snprintf(exporting.path, sizeof(exporting.path), "/tmp/hf-retry-%d.hfkv", (int)getpid());
	rig_run(rig, "BEGIN");
	rig_run(rig, "LOCK TABLE state_entries_history IN ACCESS EXCLUSIVE MODE");
	assert_int_equal(pthread_create(&thread, NULL, export_it, &exporting), 0);
	while (ended == 0)
		ended = rig_number(rig, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
		                        "wait_event_type = 'Lock' AND datname = current_database()");
	rig_run(rig, "COMMIT");
	pthread_join(thread, NULL);
	(void)unlink(exporting.path);
	if (exporting.status != HF_OK)
		fail_msg("%s: %s", hf_status_word(exporting.status), exporting.err.message);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, set_up, rig_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(what_can_heal_is_sent_again),
		STORE(attempts_are_bounded),
		STORE(what_cannot_heal_is_not),
		STORE(what_may_have_happened_is_not),
		STORE(an_export_whose_session_is_ended_begins_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
