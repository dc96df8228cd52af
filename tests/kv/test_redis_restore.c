/*
 * test_redis_restore.c - restores of more than one script takes, on Redis: what others do meanwhile, and being killed.
 * How much is weighed at once, too.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holdfast/kv_watch.h"
#include "chance.h"
#include "redis_stepper.h"
#include "../check.h"

enum { KEYS = 2500, CHANGED = 1200, DELETED_FROM = 2000, NEW = 300 };
enum { LARGE = 24, LARGE_BYTES = 1 << 20, POINTS = 60, IMAGE_BYTES = 100 + 1 + 1 };

static void remove_key(hf_kv *kv, int number)
{
	char key[12];
	hf_error err = HF_ERROR_INIT;
	snprintf(key, sizeof(key), "k%06d", number);
	EXPECT_OK(hf_kv_delete(kv, hf_kv_text(key), NULL, NULL, &err));
}

/* Two moments: @return the one before; `ret_after` is what is there now. */
static struct hf_kv_checkpoint two_moments(struct redis_rig *rig, struct hf_kv_checkpoint *ret_after)
{
	redis_rig_put_numbered(rig, 0, KEYS, 0);
	redis_rig_put(rig, B("expires"), B("1"), INT64_C(3600000000));
	struct hf_kv_checkpoint before = make_point(rig);
	redis_rig_put_numbered(rig, 0, CHANGED - 1, 0);
	redis_rig_put(rig, B("k000007"), B("another"), 0);
	redis_rig_put(rig, B("expires"), B("2"), INT64_C(7200000000));
	for (int i = DELETED_FROM; i < DELETED_FROM + 100; i++)
		remove_key(rig->kv, i);
	redis_rig_put_numbered(rig, KEYS, KEYS + NEW, 0);
	*ret_after = make_point(rig);
	return before;
}

static void test_there_and_back(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	struct hf_kv_restored there, back;
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	open_stepper(&stepper, rig);
	EXPECT_OK(hf_kv_checkpoint_restore(stepper.kv, &before.id, NULL, &there, &err));
	assert_int_equal(there.put, CHANGED + 100);
	assert_int_equal(there.deleted, NEW);
	expect_now(rig, &before, 1);
	expect_kept(rig, &before.id);
	expect_kept(rig, &after.id);
	EXPECT_OK(hf_kv_checkpoint_restore(stepper.kv, &there.undo, NULL, &back, &err));
	assert_int_equal(back.put, CHANGED + NEW);
	assert_int_equal(back.deleted, 100);
	expect_now(rig, &after, 1);
	expect_kept(rig, &before.id);
	expect_kept(rig, &back.undo);
	EXPECT_OK(
		hf_kv_checkpoint_restore(stepper.kv, &before.id, &(struct hf_kv_restore){.no_undo = true}, NULL, &err));
	expect_now(rig, &before, 1);
	expect_kept(rig, &after.id);
	const struct hf_uuid unknown = {{1}};
	EXPECT_STATUS(hf_kv_checkpoint_restore(stepper.kv, &unknown, NULL, NULL, &err), HF_NOT_FOUND);
	close_stepper(&stepper);
}

static void write_some(struct stepper *stepper)
{
	const struct hf_kv_put put = {.ret_rev = &stepper->rev};
	hf_error err = HF_ERROR_INIT;
	if (stepper->seen > 6) /* the end is behind it */
		return;
	EXPECT_OK(hf_kv_put(stepper->rig->kv, B("k000100"), B("meanwhile"), &put, &err));
	EXPECT_OK(hf_kv_put(stepper->rig->kv, B("k001999"), B("meanwhile"), NULL, &err));
	EXPECT_OK(hf_kv_put(stepper->rig->kv, B("meanwhile"), B("x"), NULL, &err));
	hf_kv_delete(stepper->rig->kv, stepper->seen % 2 ? B("k001500") : B("k000001"), NULL, NULL, &err);
	hf_kv_put(stepper->rig->kv, stepper->seen % 2 ? B("k000001") : B("k001500"), B("again"), NULL, &err);
}

static void test_what_others_write_meanwhile_is_undone(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	struct hf_kv_restored restored;
	struct hf_kv_entry entry;
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	open_stepper(&stepper, rig);
	stepper.hook = write_some;
	EXPECT_OK(hf_kv_checkpoint_restore(stepper.kv, &before.id, NULL, &restored, &err));
	assert_true(stepper.seen > 7);
	close_stepper(&stepper);
	expect_now(rig, &before, 1);
	expect_kept(rig, &before.id);
	expect_kept(rig, &after.id);
	expect_kept(rig, &restored.undo);
	EXPECT_OK(hf_kv_get(rig->kv, B("k000100"), NULL, rig->arena, &entry, &err));
	assert_true(entry.rev > stepper.rev); /* a revision grows, whatever it takes the place of */
}

static void test_a_checkpoint_that_is_made_meanwhile_stops_it(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint after, before = two_moments(rig, &after), *points;
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	size_t count = 0;
	open_stepper(&stepper, rig);
	stepper.hook = make_another;
	stepper.at = 3;
	EXPECT_STATUS(hf_kv_checkpoint_restore(stepper.kv, &before.id, NULL, NULL, &err), HF_BUSY);
	close_stepper(&stepper);
	expect_now(rig, &after, 1);
	EXPECT_OK(hf_kv_checkpoint_list(rig->kv, rig->arena, &points, &count, &err));
	assert_int_equal(count, 3); /* before, after, the other: none of a restore */
	for (size_t i = 0; i < count; i++)
		expect_kept(rig, &points[i].id);
}

static void write_much(struct stepper *stepper)
{
	if (stepper->seen == stepper->at)
		redis_rig_put_numbered(stepper->rig, 0, MANY + 1, 0);
}

static void test_too_much_that_is_written_meanwhile_stops_it(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	open_stepper(&stepper, rig);
	stepper.hook = write_much;
	stepper.at = 4;
	EXPECT_STATUS(hf_kv_checkpoint_restore(stepper.kv, &before.id, NULL, NULL, &err), HF_BUSY);
	EXPECT_CONTAINS(err.message, "others wrote");
	stepper.at = 0;
	EXPECT_OK(hf_kv_checkpoint_restore(stepper.kv, &before.id, NULL, NULL, &err));
	close_stepper(&stepper);
	expect_now(rig, &before, 1);
}

static void lose_expiries(struct stepper *stepper)
{
	if (stepper->seen == stepper->at)
		redis_rig_does(stepper->rig, "EVAL %s 0",
		               "return redis.call('DEL', redis.call('KEYS', '*:expiry:load:*')[1])");
}

static void test_what_is_evicted_meanwhile_stops_it(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	open_stepper(&stepper, rig);
	stepper.hook = lose_expiries;
	stepper.at = 4;
	EXPECT_STATUS(hf_kv_checkpoint_restore(stepper.kv, &before.id, NULL, NULL, &err), HF_E_UNAVAILABLE);
	EXPECT_CONTAINS(err.message, "is gone");
	close_stepper(&stepper);
	expect_now(rig, &after, 1);
}

static void expect_ended(struct redis_rig *rig, const struct hf_uuid *id, void (*hook)(struct stepper *stepper), int at,
                         enum hf_status wanted)
{
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	open_stepper(&stepper, rig);
	stepper.hook = hook;
	stepper.at = at;
	EXPECT_STATUS(hf_kv_checkpoint_restore(stepper.kv, id, NULL, NULL, &err), wanted);
	EXPECT_CONTAINS(err.message, "could not restore a checkpoint");
	close_stepper(&stepper);
}

static void test_who_ends_it_is_told_so(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	for (int at = 1; at <= 4; at++) {
		expect_ended(rig, &before.id, let_time_pass, at, HF_TIMEOUT);
		expect_ended(rig, &before.id, interrupt, at, HF_E_INTERRUPTED);
	}
	assert_true(holds_now(rig, &after));
	expect_kept(rig, &before.id);
}

/* As a server does that lost its last second. */
static void forget_the_beginning(struct stepper *stepper)
{
	static const char script[] = "local raw = redis.call('HGET', '{holdfast:default}:records', '\\255')"
				     " local rev, epoch, top = struct.unpack('<i8I4I4', raw)"
				     " return redis.call('HSET', '{holdfast:default}:records', '\\255',"
				     " struct.pack('<i8I4I4', rev, epoch - 2, top) .. string.sub(raw, 17))";
	if (stepper->seen == stepper->at)
		redis_rig_does(stepper->rig, "EVAL %s 0", script);
}

static void test_a_server_that_forgot_the_beginning(void **state)
{
	struct redis_rig *rig = *state;
	const struct hf_kv_restore how = {.no_undo = true};
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	for (int at = 2; at <= 4; at++) {
		struct stepper stepper;
		hf_error err = HF_ERROR_INIT;
		open_stepper(&stepper, rig);
		stepper.hook = forget_the_beginning;
		stepper.at = at;
		EXPECT_STATUS(hf_kv_checkpoint_restore(stepper.kv, &before.id, &how, NULL, &err), HF_E_UNAVAILABLE);
		EXPECT_CONTAINS(err.message, "the server began anew");
		close_stepper(&stepper);
	}
	expect_now(rig, &after, 1);
	expect_kept(rig, &before.id);
}

/* What goes is kept: that costs as much as what comes. */
static void test_steps_are_short_whatever_they_read(void **state)
{
	static uint8_t bytes[LARGE_BYTES];
	struct redis_rig *rig = *state;
	uint64_t seed = 1;
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	redis_rig_put(rig, B("a"), B("1"), 0);
	struct hf_kv_checkpoint before = make_point(rig);
	for (int i = 0; i < LARGE; i++) {
		const uint8_t key[] = {'k', (uint8_t)i};
		for (size_t j = 0; j < sizeof(bytes); j++) /* nothing that could be packed */
			bytes[j] = (uint8_t)chance(&seed);
		redis_rig_put(rig, (struct hf_bytes){key, sizeof(key)}, (struct hf_bytes){bytes, sizeof(bytes)}, 0);
	}
	open_stepper(&stepper, rig);
	stepper.what = "restore a checkpoint";
	EXPECT_OK(hf_kv_checkpoint_restore(stepper.kv, &before.id, NULL, NULL, &err));
	assert_true(stepper.counted >= 4 + LARGE * LARGE_BYTES / (4 << 20));
	close_stepper(&stepper);
	assert_true(holds_now(rig, &before));
}

static void test_images_are_weighed_in_steps(void **state)
{
	struct redis_rig *rig = *state;
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_prune what = {.bytes = POINTS * MANY * IMAGE_BYTES};
	size_t deleted = 99;
	for (int i = 0; i <= POINTS; i++) {
		for (uint8_t key = 'a'; key < 'a' + MANY; key++)
			redis_rig_put(rig, (struct hf_bytes){&key, 1}, B("v"), 0);
		if (i < POINTS)
			make_point(rig);
	}
	open_stepper(&stepper, rig);
	stepper.what = "weigh checkpoints";
	EXPECT_OK(hf_kv_checkpoint_prune(stepper.kv, &what, &deleted, &err));
	assert_int_equal(deleted, 0);
	assert_int_equal(stepper.counted, 2);
	what.bytes--;
	EXPECT_OK(hf_kv_checkpoint_prune(stepper.kv, &what, &deleted, &err));
	assert_int_equal(deleted, 1);
	close_stepper(&stepper);
}

static void test_watchers_are_told_to_read_anew(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	const struct hf_kv_watch_options how = {.size = sizeof(how)};
	struct hf_kv_event event;
	struct stepper stepper;
	hf_kv_watch *watch = NULL;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_feed_on(rig->kv, NULL, &err));
	EXPECT_OK(hf_kv_watch_open(rig->kv, &how, &watch, &err));
	open_stepper(&stepper, rig);
	EXPECT_OK(hf_kv_checkpoint_restore(stepper.kv, &before.id, NULL, NULL, &err));
	close_stepper(&stepper);
	redis_rig_put(rig, B("behind"), B("1"), 0);
	EXPECT_OK(hf_kv_watch_next(watch, hf_deadline_in(rig->ctx, 10000), &event, &err));
	assert_int_equal(event.kind, HF_KV_EVENT_RESTORE);
	EXPECT_OK(hf_kv_watch_next(watch, hf_deadline_in(rig->ctx, 10000), &event, &err));
	assert_int_equal(event.kind, HF_KV_EVENT_PUT);
	assert_memory_equal(event.key.ptr, "behind", event.key.len);
	hf_kv_watch_close(watch);
}

/* A child that is killed behind its request number `at`. @return whether it came to its end. */
static bool restore_and_die(struct redis_rig *rig, const struct hf_uuid *id, int at)
{
	int ended = 0;
	pid_t pid = fork();
	if (pid == 0) {
		struct stepper stepper;
		hf_error err = HF_ERROR_INIT;
		open_stepper(&stepper, rig);
		stepper.hook = die;
		stepper.at = at;
		_exit(hf_kv_checkpoint_restore(stepper.kv, id, NULL, NULL, &err) == HF_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &ended, 0), pid);
	assert_true(WIFSIGNALED(ended) || WEXITSTATUS(ended) == 0);
	return WIFEXITED(ended);
}

static void test_killed_after_each_step_it_is_before_or_after(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	int at = 1;
	for (bool restored = false; !restored; at++) {
		bool ended = restore_and_die(rig, &before.id, at);
		restored = holds_now(rig, &before);
		assert_true(restored || (!ended && holds_now(rig, &after)));
		expect_kept(rig, &before.id);
		expect_kept(rig, &after.id);
	}
	assert_true(at > 7); /* it had begun, and taken steps */
	redis_rig_check_whole(rig, "default", (long long)before.row_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_there_and_back),
		CASE(test_what_others_write_meanwhile_is_undone),
		CASE(test_a_checkpoint_that_is_made_meanwhile_stops_it),
		CASE(test_too_much_that_is_written_meanwhile_stops_it),
		CASE(test_what_is_evicted_meanwhile_stops_it),
		CASE(test_who_ends_it_is_told_so),
		CASE(test_a_server_that_forgot_the_beginning),
		CASE(test_steps_are_short_whatever_they_read),
		CASE(test_images_are_weighed_in_steps),
		CASE(test_watchers_are_told_to_read_anew),
		CASE(test_killed_after_each_step_it_is_before_or_after),
	};
	return cmocka_run_group_tests(tests, redis_rig_start, redis_rig_stop);
}
