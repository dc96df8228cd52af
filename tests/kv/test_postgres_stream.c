/*
 * test_postgres_stream.c - all entries by one COPY on PostgreSQL, and how it ends before its last row: by the reader, a
 * deadline, a session that is ended, a record that is none, a checkpoint that is gone.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/macros.h"
#include "holdfast/kv_checkpoint.h"
#include "kv/store.h"
#include "postgres_rig.h"

enum { MANY = 30000 };

struct reading {
	struct rig *rig;
	int seen, act_at; /* the row at which something happens */
	void (*act)(struct reading *reading);
	enum hf_status answer;
};

static enum hf_status read_row(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	struct reading *reading = user;
	assert_true(entry->key.len > 0);
	if (++reading->seen != reading->act_at)
		return HF_OK;
	if (reading->act)
		reading->act(reading);
	if (reading->answer < 0)
		error_set(err, reading->answer, "the reader's own");
	return reading->answer;
}

static enum hf_status stream(struct reading *reading, const struct hf_uuid *at, hf_deadline deadline, hf_error *err)
{
	hf_kv *kv = reading->rig->kv;
	const struct hf_kv_span span = {.at = at, .at_once = true, .deadline = deadline};
	reading->seen = 0;
	return kv_vtable(kv)->scan(kv->backend->state, kv->ns, &span, read_row, reading, err);
}

static hf_deadline soon(const struct reading *reading)
{
	return hf_deadline_in(reading->rig->ctx, 60000);
}

static int set_up(void **user)
{
	static struct rig rig;
	const struct hf_kv_options options = {.attempts_max = 3, .backoff_ms = 1, .connections_max = 2};
	rig_open(&rig, NULL, &options);
	*user = &rig;
	return 0;
}

static void fill(struct rig *rig, int count)
{
	char sql[300];
	rig_put(rig, "a", "1");
	snprintf(sql, sizeof(sql),
	         "INSERT INTO state_entries (namespace, key, value, rev, epoch, created_at, updated_at) SELECT namespace, "
	         "convert_to('k' || lpad(i::text, 6, '0'), 'UTF8'), convert_to(repeat(md5(i::text), 30), 'UTF8'), rev + i, "
	         "epoch, created_at, updated_at FROM state_entries, generate_series(1, %d) AS i",
	         count - 1);
	rig_run(rig, sql);
}

static struct hf_uuid point(struct rig *rig)
{
	struct hf_kv_checkpoint made;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &made, &err));
	return made.id;
}

static uint64_t retries(struct rig *rig)
{
	struct hf_kv_stats stats;
	hf_kv_stats(rig->kv, &stats);
	return stats.retry_count;
}

static void end_others(struct reading *reading)
{
	rig_run(reading->rig, "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = "
	                      "current_database() AND pid <> pg_backend_pid()");
}

static void all_of_it_comes_in_order(void **user)
{
	struct reading reading = {.rig = *user};
	hf_error err = HF_ERROR_INIT;
	fill(*user, MANY);
	struct hf_uuid id = point(*user);
	EXPECT_OK(stream(&reading, NULL, soon(&reading), &err));
	assert_int_equal(reading.seen, MANY);
	rig_run(*user, "DELETE FROM state_entries WHERE key > 'b'");
	EXPECT_OK(stream(&reading, &id, soon(&reading), &err));
	assert_int_equal(reading.seen, MANY);
}

static void a_reader_ends_it(void **user)
{
	struct reading reading = {.rig = *user, .act_at = 5, .answer = HF_STOP};
	hf_error err = HF_ERROR_INIT;
	fill(*user, MANY);
	EXPECT_OK(stream(&reading, NULL, soon(&reading), &err));
	assert_int_equal(reading.seen, 5);
	reading.answer = HF_E_FAILED;
	EXPECT_STATUS(stream(&reading, NULL, soon(&reading), &err), HF_E_FAILED);
	assert_string_equal(err.message, "the reader's own");
	assert_int_equal(reading.seen, 5);
	assert_int_equal(retries(*user), 0);
	rig_put(*user, "b", "the connections are of use"); /* two, and both were read from */
	rig_put(*user, "c", "and this one");
}

/* What was seen is not shown twice: the reader is told, and nothing is sent again. */
static void a_session_that_is_ended_in_the_middle_is_told(void **user)
{
	struct reading reading = {.rig = *user, .act_at = 100, .act = end_others};
	hf_error err = HF_ERROR_INIT;
	fill(*user, MANY);
	EXPECT_STATUS(stream(&reading, NULL, soon(&reading), &err), HF_E_UNAVAILABLE);
	assert_true(reading.seen >= 100 && reading.seen < MANY);
	assert_int_equal(retries(*user), 0);
	EXPECT_OK(stream(&(struct reading){.rig = *user}, NULL, soon(&reading), &err));
}

static void one_that_ended_before_it_is_none(void **user)
{
	struct reading reading = {.rig = *user};
	hf_error err = HF_ERROR_INIT;
	fill(*user, 10);
	end_others(&reading);
	EXPECT_OK(stream(&reading, NULL, soon(&reading), &err));
	assert_int_equal(reading.seen, 10);
}

static void a_deadline_that_has_passed_is_told(void **user)
{
	struct reading reading = {.rig = *user};
	hf_error err = HF_ERROR_INIT;
	fill(*user, 10);
	EXPECT_STATUS(stream(&reading, NULL, 1, &err), HF_TIMEOUT);
	assert_int_equal(reading.seen, 0);
}

/* A value that says it is packed and is not. */
static void a_record_that_is_none_is_corrupt(void **user)
{
	struct reading reading = {.rig = *user};
	hf_error err = HF_ERROR_INIT;
	fill(*user, 10);
	rig_run(*user, "UPDATE state_entries SET codec = 1 WHERE key = 'k000004'");
	EXPECT_STATUS(stream(&reading, NULL, soon(&reading), &err), HF_E_CORRUPT);
	assert_int_equal(reading.seen, 4); /* those before it */
	assert_int_equal(retries(*user), 0);
}

static void a_checkpoint_that_is_gone_is_not_empty(void **user)
{
	struct reading reading = {.rig = *user};
	hf_error err = HF_ERROR_INIT;
	struct hf_uuid empty = point(*user);
	EXPECT_OK(stream(&reading, &empty, soon(&reading), &err));
	assert_int_equal(reading.seen, 0);
	fill(*user, 10);
	struct hf_uuid id = point(*user);
	EXPECT_OK(hf_kv_checkpoint_delete((*(struct rig **)user)->kv, &id, &err));
	EXPECT_STATUS(stream(&reading, &id, soon(&reading), &err), HF_NOT_FOUND);
	assert_int_equal(reading.seen, 0);
}

/* A copy is read in pages; so does it end. */
static void a_copy_is_read_as_any(void **user)
{
	struct rig *rig = *user;
	struct reading reading = {.rig = rig};
	const struct hf_kv_checkpoint_new how = {.kind = HF_KV_SNAPSHOT};
	struct hf_kv_checkpoint made;
	hf_error err = HF_ERROR_INIT;
	fill(rig, 10);
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, &how, rig->arena, &made, &err));
	rig_run(rig, "DELETE FROM state_entries");
	EXPECT_OK(stream(&reading, &made.id, soon(&reading), &err));
	assert_int_equal(reading.seen, 10);
	reading.act_at = 3;
	reading.answer = HF_E_FAILED;
	EXPECT_STATUS(stream(&reading, &made.id, soon(&reading), &err), HF_E_FAILED);
	assert_int_equal(reading.seen, 3);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, set_up, rig_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(all_of_it_comes_in_order),
		STORE(a_reader_ends_it),
		STORE(a_session_that_is_ended_in_the_middle_is_told),
		STORE(one_that_ended_before_it_is_none),
		STORE(a_deadline_that_has_passed_is_told),
		STORE(a_record_that_is_none_is_corrupt),
		STORE(a_checkpoint_that_is_gone_is_not_empty),
		STORE(a_copy_is_read_as_any),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
